#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole why throttled, on containers whose limits and neighbours are known, against the kernel's own
# counters.
# limit: 300 s

load lib

POD=$PH_FILE.d/kubepods/pod11111111-2222-3333-4444-55555555555

# The limits that are reached, by the names of their containers. All of them live in one recording.
# Limits are tight, and their common parent outweighs whatever else this machine has to do: so they run out.
declare -gA LIMIT=(
	[one]=$PH_FILE.d/$PH_FILE-one [twenty]=$PH_FILE.d/$PH_FILE-twenty [burst]=$PH_FILE.d/$PH_FILE-burst
	[podone]=${POD}1 [podtwenty]=${POD}2 [pod]=${POD}3 [inner]=${POD}3/$(printf '%064d' 7 | tr 0 c)
)

# All that is below $PH_FILE.d goes before others.
outweigh() {
	local f
	f=$(cpu_file "$PH_FILE.d" cpu.shares)
	[ -z "$f" ] || echo 102400 >"$f"
	f=$(cpu_file "$PH_FILE.d" cpu.weight)
	[ -z "$f" ] || echo 10000 >"$f"
}

# What the kernel counted as throttled: a line for each of $LIMIT, in ns.
kernel_counts() {
	local name files=()
	for name in "${!LIMIT[@]}"; do files+=("n=$name" "$(cpu_file "${LIMIT[$name]}" cpu.stat)"); done
	awk '$1 == "throttled_time" { print n, $2 } $1 == "throttled_usec" { printf "%s %.0f\n", n, $2 * 1000 }' "${files[@]}"
}

# limited NAME LAUNCH-OPTIONS... -- LOAD...: its load, once the fifo has a writer, and then a sleep.
limited() {
	local opts=()
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	launch "${opts[@]}" -b "$DIR/go:/go" -- sh -c ": </go/go; $*; exec ph-load sleep 300s"
	PIDS+=("$PID")
}

# What comes after the load may be throttled, too.
rests() { grep -qa ^ph-load.sleep "/proc/$1/cmdline" && grep -q '^State:.S' "/proc/$1/status"; }

# @FIGURES: KEY TAB VALUE for all that the report says of containers and limits.
figures() {
	jq -r 'select(.kind == "limit" or .kind == "container") |
		(if .kind == "limit" then "limit" + .cgroup_path else "container/" + (.id // .name | tostring)[0:4],
			"container/" + (.name | tostring) end) as $at |
		to_entries[] | "\($at)/\(.key)\t\(.value)"'
}

setup_file() {
	local d=$PH_WORK/$PH_FILE.limits pid PIDS=()
	export DIR=$d
	mkdir "$d" "$d/go"
	mkfifo "$d/go/go"
	record "$d/trace" -q -a -e sched,wait,statedump,cgroup
	limited one --cpus 0.1 --cgroup "${LIMIT[one]}" -- ph-load spin 3s
	limited twenty --cpus 0.2 --cgroup "${LIMIT[twenty]}" -- ph-load threads 20 3s
	limited burst --cpus 0.1 --cpu-burst 5000 --cgroup "${LIMIT[burst]}" -- ph-load burst 12 150ms 100ms
	limited podone --cpu-weight 50 --cgroup "${LIMIT[podone]}/$(printf '%064d' 7 | tr 0 a)" -- ph-load spin 3s
	limit_cgroup "${LIMIT[podone]}" 8000
	limited podtwenty --cpu-weight 50 --cgroup "${LIMIT[podtwenty]}/$(printf '%064d' 7 | tr 0 b)" -- ph-load threads 20 3s
	limit_cgroup "${LIMIT[podtwenty]}" 8000
	# Of another period than its pod's: now the one is refilled first, now the other.
	limited inner --cpus 0.08 --cpu-period 70000 --cgroup "${LIMIT[inner]}" -- ph-load spin 3s
	limit_cgroup "${LIMIT[pod]}" 20000
	# Its sibling takes most of the pod's quota, and has no limit of its own.
	limited greedy --cpu-weight 200 --cgroup "${LIMIT[pod]}/$(printf '%064d' 7 | tr 0 d)" -- ph-load spin 3s
	launch frozen --cpus 0.2 --cgroup "$PH_FILE.d/$PH_FILE-frozen" -- ph-load spin 100s
	# Not before all of them have their limits.
	outweigh
	exec 8<>"$d/go/go"
	sleep 0.5
	now_ns >"$d/frozen"
	freeze "$PH_FILE.d/$PH_FILE-frozen"
	now_ns >>"$d/frozen"
	sleep 1
	now_ns >>"$d/frozen"
	thaw "$PH_FILE.d/$PH_FILE-frozen"
	wait_for $((10 * ${PH_SLOW:-1})) running_again
	now_ns >>"$d/frozen"
	for pid in "${PIDS[@]}"; do wait_for 60 rests "$pid"; done
	settled kernel_counts >"$d/kernel"
	exec 8>&-
	record_end
	why -o json --tasks --by cgroup -r "$d/trace" >"$d/json"
	figures <"$d/json" >"$d/figures"
	launch_stop
}

# Frozen no more, and it has had a CPU since.
running_again() { ! is_frozen "$PH_FILE.d/$PH_FILE-frozen" && [ "$(awk '{ print $14 }' "/proc/$PID/stat")" -gt "${TICKS:=$(awk '{ print $14 }' "/proc/$PID/stat")}" ]; }

setup() {
	local k v
	T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER
	declare -gA FIGURE KERNEL
	while IFS=$'\t' read -r k v; do FIGURE[$k]=$v; done <"$DIR/figures"
	while read -r k v; do KERNEL[$k]=$v; done <"$DIR/kernel"
}

tidy() {
	record_kill
	launch_stop
	# Pods of two containers stay behind.
	find /sys/fs/cgroup/{,*/}"$PH_FILE.d" -depth -type d -exec rmdir {} \; 2>/dev/null || :
}

teardown() {
	tidy
	rm -rf "$T"*
}

teardown_file() {
	tidy
	rm -rf "$DIR"*
}

why() { porthole why throttled "$@"; }

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

# The parts of each row are its whole, in FILE.
parts_add_up() {
	jq -e 'select(.total_ns != null) |
		(.user_ns + .kernel_ns + .interrupted_ns + .throttled_own_ns + .throttled_above_ns + .wait_cpu_ns +
		 .steal_ns + .frozen_ns + .stopped_ns + .unknown_ns + ([.blocked_ns[]] | add)) as $sum |
		if ($sum - .total_ns | fabs) * 1000 <= .total_ns and ([.blocked_on[].ns] | add // 0) == ([.blocked_ns[]] | add) then empty else [.name, $sum, .total_ns] end' \
		"$1" >"$T.wrong" || :
	[ ! -s "$T.wrong" ] || flunk "$(cat "$T.wrong")"
}

# What the report says of the limit of NAME, against the kernel: its counter at the end, and what the recorder read of it.
kernel_agrees() {
	local at=limit/${LIMIT[$1]}
	# Since Linux 6.6 it is the kernel's own clock that tells how long, whoever looked when it ended.
	if since 6.6; then
		SLACK_NS=5000000 near "${FIGURE[$at/throttled_cpu_ns]}" "${KERNEL[$1]}" 0.1
	else
		near "${FIGURE[$at/throttled_cpu_ns]}" "${KERNEL[$1]}" 1
	fi
	# The recorder may lose its CPU while it reads the counter: then a refill counts on one side only, on each CPU.
	SLACK_NS=250000000 near "${FIGURE[$at/same_time_throttled_cpu_ns]}" "${FIGURE[$at/kernel_throttled_cpu_ns]}" 1
}

@test "its own limit, one thread: the kernel's time, and the sentence" {
	local c=container/$PH_FILE-one
	kernel_agrees one
	echo "${FIGURE[$c/text]}" | tee "$T.text"
	grep -Eq "^$PH_FILE-one was throttled [0-9.]+ % of the time: its own limit of 0.1 CPU \(cpu\..* 10000 .*at /$PH_FILE.d/$PH_FILE-one\) ran out in [0-9]+ of [0-9]+ periods(, [0-9.]+ ms into each)?\." "$T.text"
	# An emulated machine that others keep from its CPUs refills at no even pace: its periods are not found.
	[ "${PH_SLOW:-1}" != 1 ] || grep -Eq ' ms into each.* one thread at a time; ([12]|0\.[0-9]+|1\.[0-9]+) CPUs? would remove 95 % of it' "$T.text"
	[ "${FIGURE[$c/throttled_above_ns]}" = 0 ]
	[ "${FIGURE[$c/verdict]}" = throttled ]
}

@test "its own limit, twenty threads" {
	kernel_agrees twenty
	# All of them met it, over all the time.
	tasks=$(jq -s "map(select(.kind == \"task\" and .container == \"$PH_FILE-twenty\" and .throttled_own_ns > 0)) | length" "$DIR/json")
	echo "tasks that their limit kept from a CPU: $tasks"
	[ "$tasks" -ge 15 ]
	# On a slow machine few of them come to run in a period, and periods may not be found, as above.
	[ "${PH_SLOW:-1}" != 1 ] || [ "${FIGURE[limit/${LIMIT[twenty]}/threads]}" -ge 15 ]
}

@test "its own limit, with burst" {
	# The cgroup was made while recording: its burst is read when it comes.
	[ "${FIGURE[limit/${LIMIT[burst]}/burst_ns]}" = 5000000 ]
	kernel_agrees burst
}

@test "its pod's limit: one and twenty threads, and the container's own counter shows nothing" {
	local n id
	for n in podone:aaaa podtwenty:bbbb; do
		id=${n#*:} n=${n%:*}
		kernel_agrees "$n"
		[ "${FIGURE[container/$id/throttled_own_ns]}" = 0 ]
		[ "${FIGURE[container/$id/throttled_above_ns]}" -gt 0 ]
		[[ ${FIGURE[container/$id/kernel_counted]} == *'"throttled_ns":0'* ]]
	done
	# (Twenty threads mostly wait for each other where there is little CPU.)
	echo "${FIGURE[container/aaaa/text]}" | tee "$T.text"
	grep -q "its pod's limit of 0.08 CPU" "$T.text"
	grep -q "the container's own cpu.stat shows 0, because the limit is not on its cgroup" "$T.text"
}

@test "limits on both: each is blamed for what it did" {
	kernel_agrees pod
	[ "${KERNEL[inner]}" -lt 20000000 ] || near "${FIGURE[limit/${LIMIT[inner]}/throttled_cpu_ns]}" "${KERNEL[inner]}" 1
	# Other load may leave the pod too little to use up its quota.
	[ "${KERNEL[pod]}" -lt 1000000000 ] ||
		[ "$(jq -c '[.[].own] | sort' <<<"${FIGURE[container/cccc/throttled_by]}")" = '[false,true]' ]
}

@test "a frozen container" {
	local c=container/$PH_FILE-frozen t
	mapfile -t t <"$DIR/frozen"
	echo "${FIGURE[$c/frozen_ns]} ns of ${t[*]}" "${FIGURE[$c/text]}"
	[ "${FIGURE[$c/frozen_ns]}" -ge $((t[2] - t[1])) ]
	[ "${FIGURE[$c/frozen_ns]}" -le $((t[3] - t[0])) ]
}

@test "the parts of each row are its whole, and rows of all kinds the same time" {
	parts_add_up "$DIR/json"
	jq -se '[("container", "task", "cgroup") as $kind | [.[] | select(.kind == $kind)] |
			[(map(.total_ns - .unknown_ns) | add), (map(.throttled_own_ns) | add), (map(.wait_cpu_ns) | add)] ] |
		if (.[0] == .[1]) and (.[0][1] == .[2][1]) then empty else . end' "$DIR/json" >"$T.wrong" || :
	[ ! -s "$T.wrong" ] || flunk "$(cat "$T.wrong")"
	# A row a task, the sentence is that of its container.
	why -r "$DIR/trace" -c "$PH_FILE-twenty" --by task >"$T.text"
	[ "$(grep -c "^$PH_FILE-twenty was throttled" "$T.text")" = 1 ]
	[ "$(grep -c '^ph-load (' "$T.text")" -ge 20 ]
	why -r "$DIR/trace" -c "$PH_FILE-twenty" --by task -o csv --fields name,total_ns >"$T.csv"
	[ "$(grep -c '^ph-load' "$T.csv")" -ge 20 ]
}

@test "the events behind the figures" {
	why -r "$DIR/trace" -c "$PH_FILE-one" --events -o json >"$T.events"
	# In order, then the report.
	jq -se '([.[] | select(.kind == null)] | length > 0 and . == sort_by(.time_ns)) and
		([.[].kind != null] | . == sort) and .[-1].kind == "limit"' "$T.events"
	# Of this container, from when its name is known on, all refills of its limit; and none of others.
	jq -r 'select(.event == "sched_limit_end") | "\(.fields.cgroup_id) \(.time_ns)"' "$T.events" >"$T.ends"
	read -r id _ <"$T.ends"
	[ "$(wc -l <"$T.ends")" -ge 3 ]
	events "$DIR/trace" -e sched_limit_end -f "sched_limit_end.cgroup_id == $id" |
		jq -r '"\(.fields.cgroup_id) \(.time_ns)"' | tail -n "$(wc -l <"$T.ends")" | diff - "$T.ends"
	jq -r 'select(.event == "sched_block") | .container' "$T.events" | sort -u >"$T.whose"
	[ "$(cat "$T.whose")" = "$PH_FILE-one" ]
	# As text: events first.
	why -r "$DIR/trace" -c "$PH_FILE-one" --events >"$T.text"
	head -n 1 "$T.text" | grep -q '^\[.* sched_\|cgroup\|container'
	grep -q "^$PH_FILE-one was throttled" "$T.text"
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
		ph-launch --detach --quiet --name "$PH_FILE-$name" --timeout 60s --cpu-weight "$weight" --cgroup "$PH_FILE.d/$PH_FILE-$name" \
			-b "$T.go:/go:rw" -- sh -c "read -r _ </go/$name; exec ph-load burst 1 $time 50s" >"$T.$name"
		# Not before: Linux 6.1 forgets it when the task comes into a cgroup with a cpuset.
		taskset -pc 0 "$(cat "$T.$name")"
	done
	record "$T" -q -a -e sched,statedump,cgroup
	for n in small large middle; do
		wait_for 20 asleep "$n"
		[ -z "$(schedstat "$n")" ] || read -r _ "WAITED[$n]" _ <<<"$(schedstat "$n")"
	done
	for n in large middle; do START[$n]=$(usage_of "$PH_FILE.d/$PH_FILE-$n"); done
	for n in small large middle; do : >"$T.go/$n"; done
	# Not before: they would not let this shell open the next one.
	outweigh
	sleep 6
	settled schedstat small
	record_end
}

schedstat() { cat "/proc/$(cat "$T.$1")/schedstat"; }

asleep() { grep -q '^State:.S' "/proc/$(cat "$T.$1")/status"; }

@test "neighbours: who ran, ranked, for as long as their own CPU time, and weights are to blame" {
	three_on_a_cpu
	large=$(($(usage_of "$PH_FILE.d/$PH_FILE-large") - START[large]))
	middle=$(($(usage_of "$PH_FILE.d/$PH_FILE-middle") - START[middle]))
	declare -A waited
	for n in small large middle; do
		[ -z "$(schedstat "$n")" ] || read -r _ "waited[$n]" _ <<<"$(schedstat "$n")"
	done
	why -r "$T" -o json --tasks >"$T.json"
	parts_add_up "$T.json"
	why -r "$T" -c "$PH_FILE-small" | tee "$T.text"
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
		read -r ours unknown < <(of task ".tid == $(cat "$T.$n")" '"\(.wait_cpu_ns) \(.unknown_ns)"')
		# What the events do not tell is said to be unknown.
		SLACK_NS=$((10000000 + unknown)) near "$ours" $((waited[$n] - WAITED[$n])) 2
	done
}

@test "the running kernel is asked the same" {
	launch web --cpus 0.1 --cgroup "$PH_FILE.d/$PH_FILE-web" -- ph-load spin 100s
	outweigh
	porthole why throttled -c "$PH_FILE-web" -d 2s >"$T.text"
	cat "$T.text"
	grep -q "^$PH_FILE-web was throttled .*: its own limit of 0.1 CPU" "$T.text"
}

@test "of a command: its children too, and nobody else" {
	launch web -- ph-load spin 20s
	porthole why throttled -o json --tasks -- sh -c \
		'ph-load spin 300ms >/dev/null & (exec ph-load spin 300ms >/dev/null) & wait' >"$T.json"
	[ "$(of task true .name | sort | tr '\n' ' ')" = "ph-load ph-load sh " ]
	parts_add_up "$T.json"
}
