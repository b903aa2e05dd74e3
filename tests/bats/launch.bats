#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The launcher itself: what the other tests and the demonstration rely on.

load lib

# On the host only.
@test "a container has its own namespaces, root and name" {
	run launch_wait ns -- sh -c 'hostname; ls / | tr "\n" " "; echo; readlink /proc/self/ns/pid'
	[ "$status" = 0 ]
	[ "${lines[0]}" = "$PH_FILE-ns" ]
	[ "${lines[1]}" = "bin dev etc proc root run sys tmp var " ]
	[ "${lines[2]}" != "$(readlink /proc/self/ns/pid)" ]
}

# On the host only.
@test "namespaces are shared where asked for" {
	run launch_wait sh --share pid,net -- sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'
	[ "${lines[0]}" = "$(readlink /proc/self/ns/net)" ]
	[ "${lines[1]}" != "$(readlink /proc/self/ns/ipc)" ]
}

# On the host only.
@test "another's namespace is joined" {
	launch one -- ph-load sleep 20s
	run launch_wait two --join-ns "net:$PID" -- readlink /proc/self/ns/net
	[ "$output" = "$(readlink "/proc/$PID/ns/net")" ]
}

# On the host only.
@test "a user namespace maps root to an ordinary user" {
	launch user --unshare all -- ph-load sleep 20s
	[ "$(stat -c %u "/proc/$PID/")" = 100000 ]
}

@test "it sits in its cgroup, in every hierarchy, and that goes with it" {
	launch cg -- ph-load sleep 20s
	[ "$(grep -c "porthole.d/$PH_FILE-cg\$" "/proc/$PID/cgroup")" = "$(wc -l <"/proc/$PID/cgroup")" ]
	ph-launch --stop "$PH_FILE-cg"
	[ -z "$(find /sys/fs/cgroup -name "$PH_FILE-cg")" ]
}

# On the host only.
@test "the CPU limit holds" {
	run launch_wait cpu --cpus 0.25 -- ph-load spin 800ms
	cpu=$(sed 's/.*cpu_ns=\([0-9]*\).*/\1/' <<<"$output")
	[ "$cpu" -gt 20000000 ]
	[ "$cpu" -lt 400000000 ]
}

@test "memory and pids limits hold" {
	run launch_wait mem --memory 16M -- ph-load alloc 64M
	[[ $output == *killed=9* ]]
	run launch_wait pids --pids 5 -- ph-load pids 50
	[ "$output" = "load=pids n=4 errno=EAGAIN" ]
}

# On the host only.
@test "seccomp and capabilities refuse" {
	run launch_wait sec --seccomp keyctl --seccomp-errno 13 -- ph-load fail
	[[ $output == *"call=keyctl errno=EACCES"* ]]
	[[ $output == *"call=mount errno=EPERM"* ]]
	run launch_wait nosec --caps all -- ph-load fail
	[[ $output == *"call=keyctl errno=EINVAL"* ]]
	[[ $output == *"call=mount errno=ENODEV"* ]]
}

# On the host only.
@test "exit code, signal and timeout are told as a shell does" {
	run launch_wait rc -- sh -c 'exit 7'
	[ "$status" = 7 ]
	run launch_wait none -- /no/such/program
	[ "$status" = 125 ]
	[[ $output == *"run /no/such/program: No such file"* ]]
	run ph-launch -q --name "$PH_FILE-slow" --timeout 200ms -- sleep 20
	[ "$status" = 137 ]
}

# On the host only.
@test "a killed launcher takes its container along, --cleanup the rest" {
	launch crash -- ph-load sleep 50s
	kill -9 "$(awk '{ print $4 }' "/proc/$PID/stat")"
	wait_for 20 test ! -e "/proc/$PID"
	[ -n "$(find /sys/fs/cgroup -name "$PH_FILE-crash")" ]
	run ph-launch --cleanup
	[[ $output == *"$PH_FILE-crash"* ]]
	[ -z "$(find /sys/fs/cgroup -name "$PH_FILE-crash")" ]
}

# On the host only.
@test "containers nest" {
	run launch_wait outer --caps all -b "$PORTHOLE_BUILD/ph-launch:/bin/ph-launch" \
		-b /sys/fs/cgroup:/sys/fs/cgroup:rw -- \
		ph-launch -q --name inner --cgroup "porthole.d/$PH_FILE-outer/porthole.d/inner" -- hostname
	[ "$output" = inner ]
}

# On the host only.
@test "what a container in a container leaves goes with the outer one" {
	launch outer --caps all -b "$PORTHOLE_BUILD/ph-launch:/bin/ph-launch" \
		-b /sys/fs/cgroup:/sys/fs/cgroup:rw -- sh -c "ph-launch -q -d --name inner \
		--cgroup porthole.d/$PH_FILE-outer/porthole.d/inner -- ph-load sleep 50s; echo up; ph-load sleep 50s"
	wait_for 20 grep -q up "$PH_WORK/$PH_FILE-outer.log"
	[ -n "$(find /sys/fs/cgroup -path "*/$PH_FILE-outer/porthole.d/inner")" ]
	ph-launch --stop "$PH_FILE-outer"
	[ -z "$(find /sys/fs/cgroup -name "$PH_FILE-outer")" ]
}

# On the host only.
@test "every load runs and says what it did" {
	local l
	for l in "spin 20ms" "burst 2 1ms 1ms" "getppid 1000" "threads 2 10ms" "sleep 1ms" "io /tmp 3" \
		"sock tcp 5" "sock unix 5" "pingpong 10" "forks 3" "alloc 2M" "pids 3" calls; do
		# shellcheck disable=SC2086
		run launch_wait load -- ph-load $l
		[ "$status" = 0 ] || flunk "$l: $output"
		[[ $output == *"load=${l%% *}"* ]] || flunk "$l: $output"
	done
}

# On the host only.
@test "web and db talk over a shared directory" {
	mkdir -m 777 "$PH_WORK/sock"
	launch db -b "$PH_WORK/sock:/sock:rw" -- ph-load db /sock/db 2s
	run launch_wait web -b "$PH_WORK/sock:/sock:rw" -- ph-load web /sock/db 800ms
	[[ $output =~ load=web\ pages=[1-9] ]]
}
