#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole what-if, against what the kernel counts and what cannot be otherwise. How near its answers are to what really
# happens is bench/what-if.bash's.
# limit: 60 s

load lib

setup() {
	T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER
}

teardown() {
	record_kill
	launch_stop
	rm -rf "$T"*
}

# of KEY: a number of the last answer
of() { jq "$1" "$T.json"; }

counts='for k in 1 2; do (i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done) & done; wait'

@test "a job without a limit: it would be as long as it was, and with a limit as long as its CPU time needs" {
	record "$T" -q -a -e +irq
	launch_wait job -- sh -c "$counts"
	record_end
	porthole what-if -r "$T" -c "$PH_FILE-job" --cpus 0.2,none -o json >"$T.json"
	cat "$T.json"
	[ "$(of .ended)" = true ]
	[ "$(of .recorded.cpu_ns)" -gt 0 ]
	jq -e '.recorded.duration_ns as $ns | .again.duration_ns > $ns * 0.75 and .again.duration_ns < $ns * 1.25 and
		.bound.duration_ns > $ns * 0.75 and .bound.duration_ns < $ns * 1.25' "$T.json"
	# The pool is full at first, and at most half a period goes by before it is full again; a CPU owes no more than a tick.
	jq -e '.recorded.cpu_ns as $cpu | .predictions[0] |
		.duration_ns > ($cpu - 60e6) / 0.2 and .duration_ns < $cpu / 0.2 + 200e6 + 2 * .duration_ns * 0.1 and
		.throttled_periods > 0 and .cpu_ns > $cpu * 0.95 and .cpu_ns < $cpu * 1.05' "$T.json"
	jq -e '.predictions[1].throttled_ns == 0 and .predictions[1].cpus == null' "$T.json"
	porthole what-if -r "$T" -c "$PH_FILE-job" --cpus 0.2,none >"$T.text"
	grep -q "^$PH_FILE-job took .* without a limit; with 0.2 CPU it would have been " "$T.text"
}

@test "a limit that was: what it did is as the kernel has counted it, and none would have been faster" {
	record "$T" -q -a -e +irq
	launch_wait job --cpus 0.2 -- sh -c "$counts"
	record_end
	porthole what-if -r "$T" -c "$PH_FILE-job" --cpus 0.2,none -o json >"$T.json"
	cat "$T.json"
	jq -e '.cpus == 0.2 and .recorded.throttled_periods > 0 and .recorded.throttled_ns > 0' "$T.json"
	jq -e '.predictions[1].duration_ns < .recorded.duration_ns and .predictions[1].throttled_ns == 0 and
		.bound.duration_ns < .recorded.duration_ns' "$T.json"
}

@test "a duration is the container's, with what was done in it before the job; a load says how long both were" {
	local life_ns wall_ns
	record "$T" -q -a -e +irq
	launch_wait job -- sh -c "sleep 0.2; exec ph-load work compute 1000" >"$T.said"
	record_end
	porthole what-if -r "$T" -c "$PH_FILE-job" --cpus none -o json >"$T.json"
	cat "$T.said" "$T.json"
	eval "$(grep -o '\(life\|wall\)_ns=[0-9]*' "$T.said")"
	# A process' begin is known to half a tick of 10 ms.
	((life_ns >= wall_ns + 195000000))
	jq -e '.recorded.duration_ns > 200e6 and .again.duration_ns > 200e6' "$T.json"
}

@test "limits that are changed meanwhile: told when they are, and simulated from then on; each is blamed for what it did" {
	local file
	launch job --cpus 0.2 -- ph-load spin 60s
	record "$T" -q -a -e +irq
	wait_for 20 has "$T" '.event == "lttng_statedump_end"'
	sleep 0.6
	limit_cgroup "porthole.d/$PH_FILE-job" 60000
	sleep 0.4
	# With v1 in a hierarchy of its own.
	for file in /sys/fs/cgroup/{cpuset/,}"porthole.d/$PH_FILE-job/cpuset.cpus"; do
		[ ! -e "$file" ] || break
	done
	echo 1 >"$file"
	sleep 0.4
	kill -KILL "$PID"
	record_end
	events "$T" -e statedump_cgroup --filter 'path == "/porthole.d/'"$PH_FILE"'-job"' | jq -c '.fields | [.hierarchy, .cpu_quota_us, .cpuset]' >"$T.told"
	cat "$T.told"
	# Each cgroup once, and again with what became of it: three where the cpuset is in the same, else two of each.
	[ "$(jq -c 'select(.[1] > 0)[1]' "$T.told" | uniq | xargs)" = "20000 60000" ]
	[ "$(jq -r 'select(.[2] != "")[2]' "$T.told" | uniq | tail -n 1)" = 1 ]
	[ "$(jq -r 'select(.[2] != "")[2]' "$T.told" | uniq | wc -l)" = 2 ]
	[ -z "$(sort "$T.told" | uniq -d | jq -c 'select(.[1] > 0 or .[2] != "")')" ]
	porthole what-if -r "$T" -c "$PH_FILE-job" --cpus 0.2 -o json >"$T.json"
	cat "$T.json"
	# With one of them all the time it would have been half or twice as long.
	jq -e '.cpus_changed and (.recorded.duration_ns as $ns | .again.duration_ns > $ns * 0.75 and .again.duration_ns < $ns * 1.25) and
		.predictions[0].duration_ns > .recorded.duration_ns * 1.4' "$T.json"
	porthole why throttled -r "$T" -c "$PH_FILE-job" -o json | jq -c 'select(.kind == "limit")' >"$T.limits"
	cat "$T.limits"
	[ "$(jq .quota_ns "$T.limits" | sort | xargs)" = "20000000 60000000" ]
	[ "$(jq -s '[.[] | select(.kernel_throttled_cpu_ns > 0)] | length' "$T.limits")" = 1 ]
	jq -se 'all(.throttled_ns > 0 and .ran_out > 0)' "$T.limits"
}

# It is interrupted after a second of CPU time, when it has long read the trace and is far from the last limit.
@test "a simulation that is interrupted: the answers until then, and how many are missing" {
	local pid n limits=()
	while [ ${#limits[@]} -lt 20 ]; do
		limits+=("--cpus=$(seq -s, 0.05 0.0001 1)")
	done
	porthole what-if -r tests/data/demo-trace -c demo-web "${limits[@]}" --goal 'duration < 1ms' -o json >"$T.json" 2>"$T.errors" &
	pid=$!
	computed() { [ "$(awk '{ print $14 + $15 }' /proc/$pid/stat)" -ge 100 ]; }
	wait_for 20 computed
	kill -TERM $pid
	run wait_for 20 eval "! kill -0 $pid 2>/dev/null"
	kill -KILL $pid 2>/dev/null || :
	status=0
	wait $pid || status=$?
	[ "$status" = 143 ]
	n=$(of '.predictions | length')
	[ "$n" -gt 0 ]
	jq -e '.goal == null and .again.duration_ns > 0 and .predictions[0].cpus == 0.05' "$T.json"
	[ "$(<"$T.errors")" = "porthole what-if: interrupted: $n of 190020 limits were simulated, and for the goal no answer was found" ]
}

@test "wrong usage says what is right" {
	run porthole what-if -r "$T" -c x
	[ "$status" -eq 2 ]
	grep -q 'what if what' <<<"$output"
	run porthole what-if -r "$T" -c x --cpus 0
	[ "$status" -eq 2 ]
	grep -q "not '0'" <<<"$output"
	run porthole what-if -r "$T" --cpus 1
	[ "$status" -eq 2 ]
	grep -q 'of which container' <<<"$output"
}

# On the host only: of a wake-up on an emulated CPU, which takes a millisecond, the simulation has too little.
@test "a server under load: its requests, the limit that keeps them short, a picture of the curve" {
	mkdir "$T.data"
	record "$T" -q -a -e +irq
	launch server --share pid -b "$T.data:/data:rw" -- ph-load chain serve /data/socket 4ms
	wait_for 20 test -S "$T.data/socket"
	launch_wait client --share pid -b "$T.data:/data:rw" -- ph-load chain ask /data/socket 20 >"$T.said"
	record_end
	porthole what-if -r "$T" -c "$PH_FILE-server" --from 'name == "syscall_entry_write" && comm == "c-main"' \
		--to 'name == "syscall_exit_read" && comm == "c-main"' --cpus 0.1,0.3,none --goal 'p90 < 60ms' -o json >"$T.json"
	cat "$T.json"
	# Each needs 4 ms, of 10 in 100: the third of each period waits for the next one.
	jq -e '.recorded.requests.count >= 19 and .recorded.requests.p50_ns >= 4e6 and .again.requests.p50_ns >= 4e6 and
		.predictions[0].requests.max_ns > 50e6 and .predictions[0].throttled_periods >= 5 and
		.goal.reached == (.goal.requests.p90_ns < 60e6)' "$T.json"
	porthole what-if -r "$T" -c "$PH_FILE-server" --cpus 0.1,0.3,none --svg >"$T.svg"
	python3 -c 'import sys, xml.dom.minidom; d = xml.dom.minidom.parse(sys.argv[1])
x = [float(c.getAttribute("cx")) for c in d.getElementsByTagName("circle")]
assert len(x) == 3 and x[0] < x[1] < x[2] and abs((x[1] - 90) / (x[0] - 90) - 3) < 0.01, x
assert "none" in [t.firstChild.data for t in d.getElementsByTagName("text")] and len(d.getElementsByTagName("polyline")) == 1' "$T.svg"
}
