#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Whoever starts a container: its events are its own. Every test starts containers that open a file
# which no other opens, records all, and looks whose the events are said to be.
# limit: 240 s

load lib

teardown() {
	record_kill
	launch_stop
	docker_stop
	for p in ${SANDBOX:-} ${HOST:-}; do
		kill_tree "$p"
	done
	by_hand_stop
	rm -rf "$T"*
}

# What a container NAME runs; for `sh -c`.
mark() { echo "ph-load marks /mark-$1 50ms; :"; }

look() { porthole record -q -a -e syscall -w "$T" -d "${1:-1s}"; }

# owners MARK: the containers that are said to have opened it, a line each.
owners() {
	events "$T" -e "$OPENS" |
		jq -r "select(.fields.filename == \"/mark-$1\") | .container" | sort -u
}

owned() {
	local who
	who=$(owners "$1")
	[ "$who" = "$2" ] || flunk "/mark-$1 is opened by $2, the trace says: ${who:-nobody}"
}

# containerd's own client, in a namespace of its own, at the daemon that dockerd has started.
ctr() { command ctr -a "$PH_WORK/docker-run/containerd/containerd.sock" -n "$PH_FILE" "$@"; }

# by_hand_run NAME: with runc as $PH_FILE-NAME, in a cgroup that nobody would take for a container's.
by_hand_run() {
	BY_HAND=$PH_FILE-$1
	mkdir -p "$T.bundle/rootfs/bin"
	cp "$(command -v busybox)" "$T.bundle/rootfs/bin/sh"
	cp "$PORTHOLE_BUILD/ph-load" "$T.bundle/rootfs/bin/"
	ln "$T.bundle/rootfs/bin/sh" "$T.bundle/rootfs/bin/cat"
	ln "$T.bundle/rootfs/bin/sh" "$T.bundle/rootfs/bin/sleep"
	runc spec -b "$T.bundle"
	jq --arg run "$(mark "$1")" --arg cgroup "/$BY_HAND.group" '.process.terminal = false |
		del(.process.rlimits) | .process.args = ["sh", "-c", $run] | .linux.cgroupsPath = $cgroup' \
		"$T.bundle/config.json" >"$T.bundle/config.new"
	mv "$T.bundle/config.new" "$T.bundle/config.json"
	runc run -d -b "$T.bundle" "$BY_HAND" >"$T.runc" 2>&1 </dev/null 3>&- || flunk "$(cat "$T.runc")"
}

by_hand_stop() {
	[ -z "${BY_HAND:-}" ] || runc delete -f "$BY_HAND" || :
	[ -z "${BY_CTR:-}" ] || ctr task rm -f "$BY_CTR" >/dev/null 2>&1 || :
	[ -z "${BY_CTR:-}" ] || ctr container rm "$BY_CTR" || :
	[ -z "${BY_CTR:-}" ] || rmdir /sys/fs/cgroup/*/"$PH_FILE" /sys/fs/cgroup/"$PH_FILE" 2>/dev/null || :
}

# What starts a container is back when that is about to run its program.
runs_sh() { [ "$(cat "/proc/$1/comm")" = sh ]; }

# A child of $SANDBOX is in the pid namespace of process $1.
enters() {
	local child
	child=$(cat "/proc/$SANDBOX/task/$SANDBOX/children")
	[ -n "$child" ] && [ "$(readlink "/proc/${child% }/ns/pid")" = "$(readlink "/proc/$1/ns/pid")" ] &&
		runs_sh "${child% }"
}

# told NAME: [runtime, pid], as the trace told last of the container of that id.
told() {
	events "$T" -e container_info |
		jq -sc "map(.fields | select(.id == \"$PH_FILE-$1\") | [.runtime, .init_pid]) | last"
}

@test "the launcher's, with all namespaces and with a user namespace" {
	launch one -- sh -c "$(mark one)"
	launch two --unshare all -- sh -c "$(mark two)"
	look
	owned one "$PH_FILE-one"
	owned two "$PH_FILE-two"
}

# On the host only.
@test "the host's own are nobody's" {
	launch one -- sh -c "$(mark one)"
	sh -c "$(mark host)" 3>&- &
	SANDBOX=$!
	look
	owned one "$PH_FILE-one"
	owned host null
}

@test "Docker's, by name" {
	docker_up
	docker_run one -- sh -c "$(mark one)"
	docker_run two --memory 64m -- sh -c "$(mark two)"
	look
	owned one "$PH_FILE-one"
	owned two "$PH_FILE-two"
}

@test "Docker's with the host's pid namespace" {
	docker_up
	docker_run hostpid --pid host -- sh -c "$(mark hostpid)"
	docker_run own -- sh -c "$(mark own)"
	look
	owned hostpid "$PH_FILE-hostpid"
	owned own "$PH_FILE-own"
}

@test "Docker's that share another's namespaces, as in a pod" {
	docker_up
	docker_run pause --ipc shareable -- sh -c "$(mark pause)"
	docker_run app --network "container:$CID" --pid "container:$CID" --ipc "container:$CID" -- \
		sh -c "$(mark app)"
	look
	owned pause "$PH_FILE-pause"
	owned app "$PH_FILE-app"
}

@test "a process that docker exec brings in" {
	docker_up
	docker_run main -- sh -c "$(mark main)"
	docker exec -d "$CID" sh -c "$(mark exec)"
	look
	owned main "$PH_FILE-main"
	owned exec "$PH_FILE-main"
}

# On the host only.
@test "runc's by hand, containerd's by ctr, and who enters one from outside" {
	local pid ctr_pid
	need runc ctr nsenter
	docker_up
	record "$T" -q -a -e syscall
	by_hand_run hand
	BY_CTR=$PH_FILE-ctr
	ctr run -d --env PATH=/bin --rootfs "$T.bundle/rootfs" "$BY_CTR" /bin/sh -c "$(mark ctr)" 3>&-
	pid=$(runc state "$BY_HAND" | jq .pid)
	ctr_pid=$(ctr task ls | awk -v name="$BY_CTR" '$1 == name { print $2 }')
	wait_for 20 runs_sh "$pid"
	wait_for 20 runs_sh "$ctr_pid"
	record_end
	[ "$(told hand)" = "[\"runc\",$pid]" ]
	[ "$(told ctr)" = "[\"containerd\",$ctr_pid]" ]
	[ "$(porthole ps -o json 2>/dev/null | jq -c "select(.id == \"$BY_HAND\") | [.runtime, .pid, .state]")" \
		= "[\"runc\",$pid,\"running\"]" ]
	[ "$(porthole ps -o json 2>/dev/null | jq -c "select(.id == \"$BY_CTR\") | [.runtime, .pid, .state]")" \
		= "[\"containerd\",$ctr_pid,\"running\"]" ]
	nsenter -t "$pid" -m -p -u -i -n sh -c "$(mark enter)" 3>&- &
	SANDBOX=$!
	wait_for 20 enters "$pid"
	rm -rf "$T"
	look
	owned hand "$BY_HAND"
	owned ctr "$BY_CTR"
	owned enter "$BY_HAND"
}

@test "the launcher's that share a pod's namespaces" {
	launch pause -- ph-load sleep 30s
	launch app --join-ns "net:$PID,ipc:$PID,uts:$PID,pid:$PID" -- sh -c "$(mark app)"
	launch hostpid --share pid -- sh -c "$(mark hostpid)"
	look
	owned app "$PH_FILE-app"
	owned hostpid "$PH_FILE-hostpid"
}

@test "a container in a container is the inner one's" {
	launch outer --caps all -b "$PORTHOLE_BUILD/ph-launch:/bin/ph-launch" \
		-b /sys/fs/cgroup:/sys/fs/cgroup:rw -- sh -c "ph-launch -q -d --name inner \
		--cgroup porthole.d/$PH_FILE-outer/porthole.d/inner -- sh -c '$(mark inner)'; $(mark outer)"
	sleep 0.5
	look
	owned outer "$PH_FILE-outer"
	owned inner inner
}

@test "an unshare sandbox is a container of its own" {
	unshare --pid --fork --kill-child --mount-proc --uts --ipc --net sh -c "$(mark unshare)" 3>&- &
	SANDBOX=$!
	launch other -- sh -c "$(mark other)"
	sleep 0.3
	look
	[ "$(owners unshare | wc -l)" = 1 ]
	[ "$(owners unshare)" != null ]
	[ "$(owners unshare)" != "$PH_FILE-other" ]
}

# Its child is the first in a pid namespace that it is not in itself, and what it opens it opens itself.
stays() {
	local while="while [ -e $T.pause ]"
	mkfifo "$T.pause"
	unshare --pid bash -c "($while; do cat /mark-within; sleep 0.05; done) &
		$while; do : </mark-stays; read -rt 0.05 <>$T.pause; done" 2>/dev/null 3>&- &
	SANDBOX=$!
}

stays_on_the_host() {
	owned stays null
	[ "$(owners within | wc -l)" = 1 ]
	[ "$(owners within)" != null ]
}

@test "a pid namespace has the children of the one that made it, not itself" {
	stays
	look
	stays_on_the_host
}

@test "a pid namespace that is made while recording, so" {
	record "$T" -q -a -e syscall
	stays
	sleep 1
	record_end
	stays_on_the_host
}

@test "a bubblewrap sandbox is a container of its own" {
	need bwrap
	bwrap --unshare-all --die-with-parent --ro-bind / / --proc /proc --dev /dev sh -c "$(mark bwrap)" 3>&- &
	SANDBOX=$!
	launch other -- sh -c "$(mark other)"
	sleep 0.5
	look
	[ "$(owners bwrap | wc -l)" = 1 ]
	[ "$(owners bwrap)" != null ]
	[ "$(owners bwrap)" != "$PH_FILE-other" ]
}

@test "a sandbox without a cgroup of its own has no other's either" {
	need bwrap
	bwrap --unshare-all --die-with-parent --ro-bind / / --proc /proc --dev /dev sh -c "$(mark bwrap)" 3>&- &
	SANDBOX=$!
	sh -c "$(mark beside)" 3>&- &
	HOST=$!
	sleep 0.3
	record "$T" -q -a -e syscall
	launch new -- sh -c "$(mark new)"
	sleep 0.5
	record_end
	[ "$(owners bwrap)" != null ]
	[ "$(owners beside)" = null ]
	owned new "$PH_FILE-new"
}

# On the host only.
@test "a trace keeps the names of containers that are gone" {
	launch gone -- sh -c "$(mark gone)"
	look 500ms
	ph-launch --stop "$PH_FILE-gone"
	owned gone "$PH_FILE-gone"
}
