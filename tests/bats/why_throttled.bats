#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole why throttled, on containers whose limits and neighbours are known, against the kernel's own
# counters.
# limit: 300 s

load lib

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	# Pods of two containers stay behind.
	find /sys/fs/cgroup/{,*/}"$PH_FILE.d" -depth -type d -exec rmdir {} \; 2>/dev/null || :
	rm -rf "$T"*
}

# stat_of PATH KEY...: from the cpu controller's cpu.stat of that cgroup, the first key that is there; in ns.
stat_of() {
	local f path=$1
	shift
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"$path"/cpu.stat /sys/fs/cgroup/"$path"/cpu.stat; do
		[ -r "$f" ] || continue
		awk '$1 == "throttled_time" { print $2; exit } $1 == "throttled_usec" { printf "%.0f\n", $2 * 1000; exit }' "$f"
		return
	done
}

# limit_cgroup PATH QUOTA_US: set it on a cgroup that is there.
limit_cgroup() {
	local f
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"$1"/cpu.cfs_quota_us; do
		[ ! -e "$f" ] || echo "$2" >"$f"
	done
	f=/sys/fs/cgroup/$1/cpu.max
	[ ! -e "$f" ] || echo "$2 100000" >"$f"
}

why() { porthole why throttled -r "$T" "$@"; }

# settled COMMAND...: what it prints once that no longer changes: the kernel counts a throttled span when it ends.
settled() {
	local now before=none end=$((SECONDS + 30))
	until now=$("$@") && [ "$now" = "$before" ]; do
		[ $SECONDS -lt $end ] || flunk "$*: still changes ($now)" || return
		before=$now
		sleep 0.3
	done
	echo "$now"
}

# of KIND JQ-CONDITION JQ-VALUE, from the last report
of() { jq -r "select(.kind == \"$1\" and ($2)) | $3" "$T.json"; }

# near A B PERCENT, or 10 ms: on a busy machine an interrupt may come late. Five times that where the kernel cannot rely on the processor's clock (an emulated machine): it counts
# scheduling by that clock, put right by the tick's, so that each span may be off by milliseconds.
near() {
	case $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource) in
	tsc | kvm-clock | arch_sys_counter | hyperv*) ;;
	*) set -- "$1" "$2" $(($3 * 5)) ;;
	esac
	awk -v a="$1" -v b="$2" -v p="$3" -v s="${SLACK_NS:-10000000}" \
		'BEGIN { d = a - b; if (d < 0) d = -d; exit !(b > 0 && d * 100 <= p * b + 100 * s) }' ||
		flunk "$1 is not within $3 % of $2"
}

# Every container's parts are its whole.
parts_add_up() {
	jq -e 'select(.kind == "container" or .kind == "task") |
		(.user_ns + .kernel_ns + .interrupted_ns + .throttled_own_ns + .throttled_above_ns + .wait_cpu_ns +
		 .steal_ns + .frozen_ns + .stopped_ns + .unknown_ns + ([.blocked_ns[]] | add)) as $sum |
		if ($sum - .total_ns | fabs) * 1000 <= .total_ns then empty else [.name, $sum, .total_ns] end' \
		"$T.json" >"$T.wrong" || :
	[ ! -s "$T.wrong" ] || flunk "$(cat "$T.wrong")"
}

# Limits here are so tight that they run out even where others leave little of the CPUs.
#
# throttled_run PATH-OF-LIMIT LAUNCH-OPTIONS... -- LOAD...: the container lives within the recording, its
# load and then a sleep; $KERNEL is what the kernel counted.
throttled_run() {
	local path=$1 opts=()
	shift
	rm -f "$PH_WORK/$PH_FILE-web.log"
	record "$T" -q -a -e sched,statedump,cgroup
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	launch web "${opts[@]}" -- sh -c "$*; exec ph-load sleep 30s"
	# shellcheck disable=SC2154  # PARENT_QUOTA, of the test
	[ -z "${PARENT_QUOTA:-}" ] || limit_cgroup "$(dirname "$CGROUP")" "$PARENT_QUOTA"
	wait_for 30 grep -q load= "$PH_WORK/$PH_FILE-web.log"
	KERNEL=$(settled stat_of "$path")
	record_end
	why -o json --tasks >"$T.json"
	parts_add_up
	counters_agree "$path"
}

# What the report itself says of the kernel's counter, which it took while recording.
counters_agree() {
	# The recorder may lose its CPU while it reads the counter: then a refill counts on one side only, on each CPU.
	SLACK_NS=250000000 near "$(of limit ".cgroup_path == \"/$1\"" .same_time_throttled_cpu_ns)" "$(of limit ".cgroup_path == \"/$1\"" .kernel_throttled_cpu_ns)" 1
}

@test "its own limit, one thread: the kernel's time, and the sentence" {
	throttled_run "porthole.d/$PH_FILE-web" --cpus 0.1 -- ph-load spin 2s
	near "$(of limit ".cgroup_path == \"/porthole.d/$PH_FILE-web\"" .throttled_cpu_ns)" "$KERNEL" 1
	why -c "$PH_FILE-web" >"$T.text"
	cat "$T.text"
	grep -Eq "^$PH_FILE-web was throttled [0-9]+ % of the time: its own limit of 0.1 CPU \(cpu\..* 10000 .*at /porthole.d/$PH_FILE-web\) ran out in [0-9]+ of [0-9]+ periods, [0-9.]+ ms into each\." "$T.text"
	grep -Eq 'one thread at a time; [12] CPUs? would remove 95 % of it' "$T.text"
	[ "$(of container ".name == \"$PH_FILE-web\"" .throttled_above_ns)" = 0 ]
	[ "$(of container ".name == \"$PH_FILE-web\"" .verdict)" = throttled ]
}

@test "its own limit, twenty threads" {
	throttled_run "porthole.d/$PH_FILE-web" --cpus 0.2 -- ph-load threads 20 2s
	near "$(of limit ".cgroup_path == \"/porthole.d/$PH_FILE-web\"" .throttled_cpu_ns)" "$KERNEL" 1
	[ "$(of limit ".cgroup_path == \"/porthole.d/$PH_FILE-web\"" .threads)" -ge 15 ]
}

@test "its own limit, with burst" {
	throttled_run "porthole.d/$PH_FILE-web" --cpus 0.1 --cpu-burst 5000 -- ph-load burst 8 150ms 100ms
	# The cgroup was made while recording: its burst is read when it comes.
	[ "$(of limit ".cgroup_path == \"/porthole.d/$PH_FILE-web\"" .burst_ns)" = 5000000 ]
	near "$(of limit ".cgroup_path == \"/porthole.d/$PH_FILE-web\"" .throttled_cpu_ns)" "$KERNEL" 1
}

@test "its pod's limit: one and twenty threads, and the container's own counter shows nothing" {
	CGROUP=$PH_FILE.d/kubepods/pod11111111-2222-3333-4444-555555555555/$(printf '%064d' 7 | tr 0 a)
	for load in "ph-load spin 2s" "ph-load threads 20 2s"; do
		PARENT_QUOTA=15000 throttled_run "$(dirname "$CGROUP")" --cpu-weight 50 --cgroup "$CGROUP" -- $load
		near "$(of limit ".cgroup_path == \"/$(dirname "$CGROUP")\"" .throttled_cpu_ns)" "$KERNEL" 1
		[ "$(of container '.id | tostring | startswith("aaaa")' .throttled_own_ns)" = 0 ]
		[ "$(of container '.id | tostring | startswith("aaaa")' .throttled_above_ns)" -gt 200000000 ]
		of container '.id | tostring | startswith("aaaa")' .text >"$T.text"
		cat "$T.text"
		grep -q "its pod's limit of 0.15 CPU" "$T.text"
		grep -q "the container's own cpu.stat shows 0, because the limit is not on its cgroup" "$T.text"
		[ "$(stat_of "$CGROUP")" = 0 ]
		launch_stop
		rm -rf "$T"* "$PH_WORK/$PH_FILE-web.log"
	done
}

@test "limits on both: each is blamed for what it did" {
	CGROUP=$PH_FILE.d/kubepods/pod11111111-2222-3333-4444-555555555555/$(printf '%064d' 7 | tr 0 a)
	pod=$(dirname "$CGROUP")
	rm -f "$PH_WORK/$PH_FILE"-*.log
	record "$T" -q -a -e sched,statedump,cgroup
	# Of another period than its pod's: now the one is refilled first, now the other.
	launch web --cpus 0.15 --cpu-period 70000 --cgroup "$CGROUP" -- sh -c 'ph-load spin 3s; exec ph-load sleep 30s'
	limit_cgroup "$pod" 40000
	# Its sibling takes most of the pod's quota, and has no limit of its own.
	launch greedy --cpu-weight 200 --cgroup "$pod/$(printf '%064d' 7 | tr 0 b)" -- \
		sh -c 'ph-load spin 3s; exec ph-load sleep 30s'
	wait_for 30 grep -q load= "$PH_WORK/$PH_FILE-greedy.log"
	wait_for 30 grep -q load= "$PH_WORK/$PH_FILE-web.log"
	own=$(settled stat_of "$CGROUP") above=$(settled stat_of "$pod")
	record_end
	why -o json >"$T.json"
	parts_add_up
	near "$(of limit ".cgroup_path == \"/$pod\"" .throttled_cpu_ns)" "$above" 1
	counters_agree "$pod"
	[ "$own" -lt 20000000 ] || near "$(of limit ".cgroup_path == \"/$CGROUP\"" .throttled_cpu_ns)" "$own" 1
	of container '.id | tostring | startswith("aaaa")' '.throttled_by | tostring'
	# Other load may leave the pod too little to use up its quota.
	[ "$above" -lt 1000000000 ] ||
		[ "$(of container '.id | tostring | startswith("aaaa")' '[.throttled_by[].own] | sort | tostring')" = '[false,true]' ]
}

# usage_of PATH: CPU time of a cgroup, ns.
usage_of() {
	local f
	for f in /sys/fs/cgroup/{cpuacct,cpu,cpuacct}*/"$1"/cpuacct.usage; do
		[ ! -r "$f" ] || { cat "$f"; return; }
	done
	awk '$1 == "usage_usec" { printf "%.0f\n", $2 * 1000 }' "/sys/fs/cgroup/$1/cpu.stat"
}

# Three containers on one CPU. The small one wants to run all the time that the others do.
three_on_a_cpu() {
	local n name weight time
	need taskset
	declare -gA START WAITED
	# They are there when the recording begins, which tells their weights, and wait until their pipes are opened.
	mkdir "$T.go"
	for n in small:1:6s large:39:3s middle:10:3s; do
		IFS=: read -r name weight time <<<"$n"
		mkfifo "$T.go/$name"
		ph-launch --detach --quiet --name "$PH_FILE-$name" --timeout 60s --cpu-weight "$weight" \
			-b "$T.go:/go:rw" -- sh -c "read -r _ </go/$name; exec ph-load burst 1 $time 50s" >"$T.$name"
		# Not before: Linux 6.1 forgets it when the task comes into a cgroup with a cpuset.
		taskset -pc 0 "$(cat "$T.$name")"
	done
	record "$T" -q -a -e sched,statedump,cgroup
	for n in small large middle; do
		wait_for 20 asleep "$n"
		[ -z "$(schedstat "$n")" ] || read -r _ "WAITED[$n]" _ <<<"$(schedstat "$n")"
	done
	for n in large middle; do START[$n]=$(usage_of "porthole.d/$PH_FILE-$n"); done
	for n in small large middle; do : >"$T.go/$n"; done
	sleep 6
	settled schedstat small
	record_end
}

schedstat() { cat "/proc/$(cat "$T.$1")/schedstat"; }

asleep() { grep -q '^State:.S' "/proc/$(cat "$T.$1")/status"; }

@test "neighbours: who ran, ranked, for as long as their own CPU time, and weights are to blame" {
	three_on_a_cpu
	large=$(($(usage_of "porthole.d/$PH_FILE-large") - START[large]))
	middle=$(($(usage_of "porthole.d/$PH_FILE-middle") - START[middle]))
	declare -A waited
	for n in small large middle; do
		[ -z "$(schedstat "$n")" ] || read -r _ "waited[$n]" _ <<<"$(schedstat "$n")"
	done
	why -o json --tasks >"$T.json"
	parts_add_up
	why -c "$PH_FILE-small" | tee "$T.text"
	grep -q "^$PH_FILE-small was not throttled: it waited .* for CPUs that .*$PH_FILE-large .* Weights made it so (cpu\." "$T.text"
	[ "$(of container ".name == \"$PH_FILE-small\"" .verdict)" = waited ]
	[ "$(of container ".name == \"$PH_FILE-small\"" .wait_cause)" = weights ]
	# Both ran for three seconds of each other's time: the list has what each had of it.
	ranked=$(of container ".name == \"$PH_FILE-small\"" '.ran_meanwhile[].name' | grep "^$PH_FILE-" | head -n 2)
	[ "$ranked" = "$PH_FILE-large"$'\n'"$PH_FILE-middle" ]
	near "$(of container ".name == \"$PH_FILE-small\"" ".ran_meanwhile[] | select(.name == \"$PH_FILE-large\").waited_ns")" \
		"$large" 2
	near "$(of container ".name == \"$PH_FILE-small\"" ".ran_meanwhile[] | select(.name == \"$PH_FILE-middle\").waited_ns")" \
		"$middle" 2
	# Kernels without CONFIG_SCHED_INFO do not count waiting.
	for n in "${!waited[@]}"; do
		near "$(of task ".tid == $(cat "$T.$n")" .wait_cpu_ns)" $((waited[$n] - WAITED[$n])) 2
	done
}

@test "the running kernel is asked the same" {
	launch web --cpus 0.1 -- ph-load spin 20s
	porthole why throttled -c "$PH_FILE-web" -d 2s >"$T.text"
	cat "$T.text"
	grep -q "^$PH_FILE-web was throttled .*: its own limit of 0.1 CPU" "$T.text"
}

@test "of a command: its children too, and nobody else" {
	launch web -- ph-load spin 20s
	porthole why throttled -o json --tasks -- sh -c \
		'ph-load spin 300ms >/dev/null & (exec ph-load spin 300ms >/dev/null) & wait' >"$T.json"
	[ "$(of task true .name | sort | tr '\n' ' ')" = "ph-load ph-load sh " ]
	parts_add_up
}
