# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `top`, on its screen with one look a second, and `stat`, of 200 containers that all run in every second and together make
# 200,000 system calls a second: the CPU time that they take, and what counting costs the containers.

launched=()
start() { # NAME LOAD...
	ph-launch -q -d --timeout 600s --name "bench-top-$1" -- ph-load "${@:2}" >/dev/null && launched+=("bench-top-$1")
}
for i in {1..196}; do start "$i" burst 100000 20us 250ms; done
for i in {197..200}; do start "$i" rate 50000 600s; done

# The CPU time of all of them so far, ns.
used() {
	local d
	for d in cpuacct cpu,cpuacct; do
		d=/sys/fs/cgroup/$d/porthole.d
		[ ! -r $d/bench-top-1/cpuacct.usage ] || { cat $d/bench-top-*/cpuacct.usage | awk '{ n += $1 } END { printf "%.0f\n", n }'; return; }
	done
	cat /sys/fs/cgroup/porthole.d/bench-top-*/cpu.stat | awk '$1 == "usage_usec" { n += $2 } END { printf "%.0f\n", n * 1000 }'
}
# That of a program of one thread.
cpu_ns() { cut -d' ' -f1 "/proc/$1/schedstat"; }

# beside [COMMAND]: what COMMAND on a terminal takes in so many seconds, and what the containers take meanwhile.
seconds=10
beside() {
	local pid='' before=0 loads
	if [ -n "${1:-}" ]; then
		script -qfec "stty rows 50 cols 200; exec $1" /dev/null </dev/null >/dev/null 2>&1 &
		sleep 4
		pid=$(pgrep -P $!) && before=$(cpu_ns "$pid")
	fi
	loads=$(used)
	sleep $seconds
	loads=$(($(used) - loads))
	[ -z "$pid" ] || before=$(($(cpu_ns "$pid") - before))
	[ -z "$pid" ] || kill "$pid"
	wait
	echo "$before $loads"
}
least() { [ -z "$1" ] || [ "$2" -lt "$1" ] && echo "$2" || echo "$1"; }

ours='' stat='' theirs='' with='' without=''
for ((i = 0; i < REPEAT; i++)); do
	read -r _ loads < <(beside)
	without=$(least "$without" "$loads")
	read -r cpu loads < <(beside 'porthole top')
	ours=$(least "$ours" "$cpu")
	with=$(least "$with" "$loads")
	read -r cpu _ < <(beside 'porthole stat 1')
	stat=$(least "$stat" "$cpu")
	read -r cpu _ < <(beside 'systemd-cgtop -d 1')
	theirs=$(least "$theirs" "$cpu")
done
for name in "${launched[@]}"; do ph-launch --stop "$name"; done
percent() { calc "$1 / ($seconds * 10000000)" 2; }
row "top of ${#launched[@]} containers, % of one CPU" "$(percent "$ours") %" "systemd-cgtop: $(percent "$theirs") %" \
	"$(percent "$ours")" "<= 2"
row "stat of them, % of one CPU" "$(percent "$stat") %" "systemd-cgtop: $(percent "$theirs") %" "$(percent "$stat")" "<= 2"
row "what it costs them, % of $(nproc) busy CPUs" "$(percent "$with") %" "without: $(percent "$without") %" \
	"$(calc "($with - $without) / ($seconds * 10000000 * $(nproc))" 2)" "<= 3"
