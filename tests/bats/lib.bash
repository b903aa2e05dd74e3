# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers of the end-to-end tests: containers by ph-launch, by Docker, by unshare; recordings and
# what is in them. A container that a test starts is named $PH_FILE-NAME and ends with the test.

: "${PORTHOLE_BUILD:?tests/bats/run.sh sets it}" "${PH_WORK:?}"
PATH=$PORTHOLE_BUILD:$PATH

# The same language, by a program that starts ten times faster: tests start it some thousand times.
if command -v gojq >/dev/null; then jq() { gojq "$@"; }; fi

# The calls by which files are opened by their path.
OPENS=syscall_entry_openat
[ "$(uname -m)" != x86_64 ] || OPENS+=,syscall_entry_open

# What a test records is $T, with whatever is called so. A file whose tests have more to end has a teardown of its own.
setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	rm -rf "$T"*
}

# A failing command of a test says what it was about.
flunk() {
	printf '%s\n' "$@" >&2
	return 1
}

# wait_for SECONDS COMMAND...: until it succeeds. (Where everything is slow, asking often makes it slower.)
wait_for() {
	local end=$((SECONDS + $1 * ${PH_SLOW:-1})) pause=${PH_SLOW:+0.2}
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || flunk "waited in vain for: $*" || return
		sleep "${pause:-0.05}"
	done
}

# since VERSION: of the running kernel.
since() { [ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ]; }

# has_lines FILE N: at least.
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

now_ns() { echo "${EPOCHREALTIME/./}000"; }

# need COMMAND...: skip where one is missing.
need() {
	local c
	for c; do command -v "$c" >/dev/null || skip "$c is not installed"; done
}

# Ids and names of the BPF programs in the kernel, sorted.
bpf_programs() { ph-load bpf | sort; }

# kill_tree PID: the process and all below it.
kill_tree() {
	local c
	for c in $(cat "/proc/$1"/task/*/children 2>/dev/null); do kill_tree "$c"; done
	kill -9 "$1" 2>/dev/null || :
}

# --- containers ---

# launch NAME [ph-launch options] -- COMMAND: in the background; $PID is its first process.
launch() {
	local name=$PH_FILE-$1
	shift
	PID=$(ph-launch --detach --quiet --name "$name" --timeout $((60 * ${PH_SLOW:-1}))s --log "$PH_WORK/$name.log" "$@")
}

# The same in the foreground; output and exit code are the command's.
launch_wait() {
	local name=$PH_FILE-$1
	shift
	ph-launch --quiet --name "$name" --timeout $((60 * ${PH_SLOW:-1}))s "$@"
}

launch_stop() {
	local c
	for c in $(ph-launch --list | awk -v p="$PH_FILE-" 'index($1, p) == 1 { print $1 }'); do
		ph-launch --stop "$c" || :
	done
}

# in_cgroups NAME COMMAND...: in every hierarchy's cgroup of that container, in this process's place.
in_cgroups() {
	local d name=$PH_FILE-$1
	shift
	for d in /sys/fs/cgroup/porthole.d/"$name" /sys/fs/cgroup/*/porthole.d/"$name"; do
		[ ! -e "$d/cgroup.procs" ] || echo "$BASHPID" >"$d/cgroup.procs"
	done
	exec "$@"
}

# --- their cgroups: PATH is below each hierarchy's root ---

# cpu_file PATH NAME: of the cpu controller, for a cgroup that is there.
cpu_file() {
	local f
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"$1"/"$2" /sys/fs/cgroup/"$1"/"$2"; do
		[ ! -e "$f" ] || { echo "$f"; return; }
	done
}

# limit_cgroup PATH QUOTA_US: set it on a cgroup that is there.
limit_cgroup() {
	local f
	f=$(cpu_file "$1" cpu.cfs_quota_us)
	[ -z "$f" ] || echo "$2" >"$f"
	f=$(cpu_file "$1" cpu.max)
	[ -z "$f" ] || echo "$2 100000" >"$f"
}

# throttled_ns PATH: as the kernel has counted it.
throttled_ns() {
	awk '$1 == "throttled_time" { ns = $2 } $1 == "throttled_usec" { ns = $2 * 1000 } END { printf "%.0f\n", ns }' "$(cpu_file "$1" cpu.stat)"
}

# freeze PATH, thaw PATH: by whichever freezer there is. Who freezes is back when it is done.
freezer() { [ -d /sys/fs/cgroup/freezer ] && echo "/sys/fs/cgroup/freezer/$1" || echo "/sys/fs/cgroup/$1"; }

is_frozen() {
	local f
	f=$(freezer "$1")
	grep -qsx FROZEN "$f/freezer.state" || grep -qsx "frozen 1" "$f/cgroup.events"
}

freeze() {
	local f
	f=$(freezer "$1")
	if [ -e "$f/freezer.state" ]; then echo FROZEN >"$f/freezer.state"; else echo 1 >"$f/cgroup.freeze"; fi
	wait_for 20 is_frozen "$1"
}

thaw() {
	local f
	f=$(freezer "$1")
	if [ -e "$f/freezer.state" ]; then echo THAWED >"$f/freezer.state"; else echo 0 >"$f/cgroup.freeze"; fi
}

# --- Docker's ---

docker() { command docker -H "unix://$PH_WORK/docker.sock" "$@"; }

docker_answers() { docker version >/dev/null 2>&1; }

# A daemon of our own, beside any that the machine has: no network, no rules, all below $PH_WORK.
docker_up() {
	local a
	command -v dockerd >/dev/null || skip "dockerd is not installed"
	[ ! -S "$PH_WORK/docker.sock" ] || return 0
	mkdir -p "$PH_WORK/image/bin" "$PH_WORK/image/tmp"
	# Without bats' descriptors, which it would wait for.
	dockerd --data-root "$PH_WORK/docker" --exec-root "$PH_WORK/docker-run" -p "$PH_WORK/docker.pid" \
		-H "unix://$PH_WORK/docker.sock" --iptables=false --ip6tables=false --bridge=none \
		--exec-opt native.cgroupdriver=cgroupfs --log-level error \
		>"$PH_WORK/dockerd.log" 2>&1 3>&- 4>&- </dev/null &
	wait_for 30 docker_answers || flunk "$(tail -5 "$PH_WORK/dockerd.log")" || return
	cp "$(command -v busybox)" "$PH_WORK/image/bin/busybox"
	cp "$PORTHOLE_BUILD/ph-load" "$PH_WORK/image/bin/"
	for a in sh cat ls sleep true false id hostname echo mkdir touch; do
		ln -sf busybox "$PH_WORK/image/bin/$a"
	done
	tar -C "$PH_WORK/image" -c . | docker import - porthole-test >/dev/null
}

docker_down() {
	local pid ids
	[ -s "$PH_WORK/docker.pid" ] || return 0
	pid=$(cat "$PH_WORK/docker.pid")
	ids=$(docker ps -aq 2>/dev/null)
	# shellcheck disable=SC2086  # a list of ids
	[ -z "$ids" ] || docker rm -f $ids >/dev/null 2>&1
	kill "$pid" 2>/dev/null
	wait_for 20 test ! -e "/proc/$pid"
	rm -f "$PH_WORK/docker.pid" "$PH_WORK/docker.sock"
}

# docker_run NAME [docker options] -- COMMAND...: $PID is the host pid, $CID the id.
docker_run() {
	local name=$PH_FILE-$1 opts=()
	shift
	[[ " $* " == *" --network "* ]] || opts=(--network none)
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	CID=$(docker run -d --name "$name" "${opts[@]}" porthole-test "$@") || return
	PID=$(docker inspect -f '{{.State.Pid}}' "$CID")
}

docker_stop() {
	local ids
	[ -S "$PH_WORK/docker.sock" ] || return 0
	ids=$(docker ps -aq --filter "name=^$PH_FILE-")
	# shellcheck disable=SC2086  # a list of ids
	[ -z "$ids" ] || docker rm -f $ids >/dev/null
}

# --- recordings ---

# record DIR [porthole record options]: in the background, back when it records; $RECORDER.
record() {
	local dir=$1
	shift
	# Where everything is slow, the usual 16 MiB for each processor take half a second to be made.
	porthole record ${PH_SLOW:+--buffer 4M} -w "$dir" "$@" >"$dir.out" 2>&1 3>&- &
	RECORDER=$!
	# (Who fails has ended. With stacks, the kernel looks at its programs for seconds on a busy machine.)
	wait_for 60 recording "$dir" || flunk "$(cat "$dir.out")"
}

# The trace has been begun: the programs are attached before that.
recording() {
	[ -s "$1/metadata" ] || [ -s "$1/00001/metadata" ] || ! kill -0 "$RECORDER" 2>/dev/null
}

# End it as Ctrl-C does; fails as the recorder did.
record_end() {
	kill -INT "$RECORDER" 2>/dev/null || :
	wait "$RECORDER" || flunk "$(cat "$PH_WORK"/*.out)"
}

record_kill() {
	[ -z "${RECORDER:-}" ] || kill -9 "$RECORDER" 2>/dev/null || :
}

# events DIR [view options]: one JSON object a line.
events() {
	local dir=$1
	shift
	porthole view -r "$dir" -o json "$@"
}

# has / hasnt DIR JQ-CONDITION [view options]
has() {
	local dir=$1 cond=$2
	shift 2
	[ -n "$(events "$dir" "$@" | jq -c "select($cond)" | head -n 1)" ] || flunk "no event with: $cond"
}

hasnt() {
	local dir=$1 cond=$2 found
	shift 2
	found=$(set -o pipefail; events "$dir" "$@" | jq -c "select($cond)") || flunk "cannot look for events with: $cond"
	[ -z "$found" ] || flunk "there are events with: $cond" "$(head -n 3 <<<"$found")"
}

# The oracle: another reader takes the trace without a word of complaint.
babeltrace_reads() {
	command -v babeltrace2 >/dev/null || return 0
	local said
	said=$(babeltrace2 -o dummy "$1" 2>&1) && [ -z "$said" ] || flunk "babeltrace2: $said"
}
