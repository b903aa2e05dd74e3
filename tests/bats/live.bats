#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole view without a trace: the running kernel's events, as they happen.
# limit: 180 s

load lib

teardown() {
	view_kill
	launch_stop
	rm -rf "$T"*
}

busy() {
	launch "$1" -- ph-load marks "/nope-$1" 20ms
}

# live [options]: in the background, one JSON object a line in $T.json; back when there are some.
live() {
	porthole view -o json "$@" >"$T.json" 2>"$T.err" 3>&- &
	VIEWER=$!
	wait_for 20 viewing || flunk "$(cat "$T.err")"
}

viewing() { [ -s "$T.json" ] || ! kill -0 "$VIEWER" 2>/dev/null; }

# End it as Ctrl-C does; fails as it did.
live_end() {
	kill -INT "$VIEWER" 2>/dev/null
	wait "$VIEWER" || flunk "$(cat "$T.err")"
}

view_kill() {
	[ -z "${VIEWER:-}" ] || kill -9 "$VIEWER" 2>/dev/null || :
}

shown() {
	[ -n "$(jq -c "select($1)" "$T.json" | head -n 1)" ] || flunk "no event with: $1"
}

not_shown() {
	local found
	found=$(jq -c "select($1)" "$T.json" | head -n 3)
	[ -z "$found" ] || flunk "there are events with: $1" "$found"
}

in_order() {
	jq -r .time_ns "$1" | LC_ALL=C sort -c -n
}

# The calls of a load and how they ended, one a line; what the loader found in memory or not is chance, and so is
# which of its processes comes first: one after the other.
calls_of() {
	jq -r 'select((.comm == "ph-load" or .comm == "calls-test") and .event != "syscall_late_string") | "\(.tid) \(.event) \(
		.fields.ret | if . and . > -4096 and . <= 0 then . else "" end)"' |
		sed -n '/syscall_entry_brk/,$p' |
		awk '{ if (!($1 in n)) n[$1] = ++k; $1 = n[$1]; print }' | sort -s -n -k 1,1
}

# On the host only.
@test "a command's calls come in their order, as they are in a recording of it" {
	porthole view -e syscall -o json -- sh -c "ph-load calls >'$T.said'" >"$T.json"
	in_order "$T.json"
	calls_of <"$T.json" >"$T.live"
	porthole record -q -w "$T" -e syscall -- sh -c "ph-load calls >'$T.said'"
	porthole view "$T" -e syscall -o json | calls_of >"$T.recorded"
	[ "$(wc -l <"$T.live")" -gt 200 ]
	diff "$T.live" "$T.recorded"
}

# On the host only.
@test "-w writes the trace of what was shown" {
	busy one
	launch two -- ph-load spin 30s
	porthole view -a -e sched,syscall,cgroup -d 700ms -o json -w "$T" \
		--context pid,vpid,procname >"$T.json"
	babeltrace_reads "$T"
	porthole view "$T" -e sched,syscall,cgroup -o json >"$T.again"
	[ "$(wc -l <"$T.json")" -gt 100 ]
	# (Where a gap stands, a packet's ends tell less exactly.)
	diff <(grep -v events_discarded "$T.json") <(grep -v events_discarded "$T.again") | cut -c-300 >"$T.diff"
	[ ! -s "$T.diff" ] || flunk "$(cat "$T.diff")"
}

# On the host only.
@test "of all CPUs, in one order, and all that the loads count themselves" {
	local p counted=0 seen lost
	live -a -e sched,getppid,irq
	launch_wait p1 -- ph-load rate 20K 500ms >"$T.p1" &
	launch_wait p2 -- ph-load rate 20K 500ms >"$T.p2"
	wait $! || :
	live_end
	in_order "$T.json"
	[ "$(jq .cpu "$T.json" | sort -u | wc -l)" -ge "$(($(nproc) < 2 ? 1 : 2))" ]
	for p in p1 p2; do
		p=$(sed -n 's/.* n=\([0-9]*\) .*/\1/p' "$T.$p")
		[ "$p" -gt 0 ]
		counted=$((counted + 2 * p))
	done
	seen=$(grep -F "\"container\":\"$PH_FILE-p" "$T.json" | grep -c 'syscall_e[a-z]*_getppid')
	lost=$(jq -s 'map(select(.event == "events_discarded") | .fields.count) | add // 0' "$T.json")
	[ "$seen" -le $counted ] && [ $((seen + lost)) -ge $counted ] || flunk "$counted caused, $seen shown, $lost lost"
}

@test "one container is shown, the neighbour is not" {
	busy left
	busy right
	porthole view -c "$PH_FILE-left" -e syscall -d 1s -o json >"$T.json"
	shown ".container == \"$PH_FILE-left\" and .fields.filename == \"/nope-left\""
	not_shown '.fields.filename == "/nope-right"'
	not_shown ".container != \"$PH_FILE-left\""
}

# On the host only.
@test "a container that starts meanwhile has its name from its first event on, and ends" {
	busy old
	live -c "$PH_FILE-new*,$PH_FILE-old" -e syscall,sched,container
	launch_wait new -- sh -c 'cat /nope-new; true'
	live_end
	shown ".container == \"$PH_FILE-new\" and .event == \"sched_process_exec\""
	shown ".container == \"$PH_FILE-new\" and .fields.filename == \"/nope-new\""
	shown ".event == \"container_start\" and .fields.name == \"$PH_FILE-new\""
	shown ".event == \"container_stop\" and .fields.name == \"$PH_FILE-new\""
	not_shown '.container | . != null and test("^#|^\\?")'
	in_order "$T.json"
}

# On the host only.
@test "--wait waits for a container that does not exist yet" {
	porthole view --wait -d 2s -c "$PH_FILE-later" -e syscall -o json >"$T.json" 3>&- &
	VIEWER=$!
	sleep 1
	kill -0 $VIEWER
	begin=${EPOCHREALTIME/./}
	busy later
	wait $VIEWER
	# The two seconds are counted from when it was there.
	[ $((${EPOCHREALTIME/./} - begin)) -ge 2000000 ]
	shown '.fields.filename == "/nope-later"'
}

# On the host only.
@test "a selection that matches nothing says what there is" {
	busy here
	run porthole view -c "$PH_FILE-hare" -d 1s
	[ "$status" = 1 ]
	[[ $output == *"$PH_FILE-here"* ]] || flunk "$output"
}

# On the host only.
@test "what is lost is told, and nothing is missing beyond that" {
	local seen lost rc=0
	porthole view --strict --buffer 1M -e getppid -o json -- ph-load getppid 1000000 >"$T.all" 2>"$T.err" || rc=$?
	grep '^{' "$T.all" >"$T.json"
	[ "$rc" = 3 ] || flunk "exit $rc"
	grep -q 'events were lost in .*(a larger --buffer helps)' "$T.err"
	seen=$(grep -c 'syscall_e[a-z]*_getppid' "$T.json")
	lost=$(jq -s 'map(select(.event == "events_discarded") | .fields.count) | add' "$T.json")
	# Some events that are in every recording may be lost, too.
	[ $((seen + lost)) -ge 2000000 ] && [ $((seen + lost)) -le 2000100 ] ||
		flunk "$seen shown, $lost lost"
	in_order "$T.json"
	# A gap holds its own beginning, and ends behind it.
	not_shown '.event == "events_discarded" and .fields.end_ns < .fields.begin_ns'
}

# On the host only.
@test "an analysis says of the running kernel what it says of the trace of it" {
	# So little that it is used up whatever else runs.
	launch thr --cpus 0.05 -- ph-load spin 30s
	launch other -- ph-load spin 30s
	porthole why throttled -c "$PH_FILE-thr" -d 2s -w "$T" >"$T.said" 2>"$T.err"
	# (On a busy machine it is not the limit that costs most.)
	grep -q "^$PH_FILE-thr was throttled [0-9]* % of the time" "$T.said" &&
		grep -q '^ *0.05 CPU (cpu.* at /.*-thr)$' "$T.said" || flunk "$(cat "$T.said" "$T.err")"
	# Who ran meanwhile is there, though it is not selected.
	has "$T" ".container == \"$PH_FILE-other\" and .event == \"sched_switch\""
	porthole why throttled -c "$PH_FILE-thr" -r "$T" >"$T.again"
	diff "$T.said" "$T.again"
	run porthole why throttled -c "$PH_FILE-thx" -d 1s
	[ "$status" = 1 ]
	[[ $output == *"did you mean '$PH_FILE-thr'"* ]] || flunk "$output"
}

# On the host only.
@test "Ctrl-C: what happened until then is shown" {
	busy it
	live -c "$PH_FILE-it" -e openat,execve
	live_end
	[ "$(tail -c 1 "$T.json" | od -An -c | tr -d ' ')" = '\n' ]
	jq -es 'length > 0' "$T.json" >/dev/null
}

# On the host only.
@test "a second Ctrl-C does not wait for a reader who has stopped" {
	mkfifo "$T.pipe"
	exec 9<>"$T.pipe"
	porthole view -a -e sched,syscall >"$T.pipe" 2>"$T.err" 3>&- 9>&- &
	VIEWER=$!
	stuck() { [ "$(cut -d' ' -f3 "/proc/$VIEWER/stat")" = S ] && grep -q pipe "/proc/$VIEWER/wchan"; }
	wait_for 20 stuck
	kill -INT $VIEWER
	# It has had it, and waits on.
	taken() { ! grep -q '^...Pnd:.*[1-9a-f]' "/proc/$VIEWER/status"; }
	wait_for 20 taken
	wait_for 20 stuck
	kill -INT $VIEWER
	gone() { ! kill -0 $VIEWER 2>/dev/null; }
	wait_for 20 gone
	exec 9>&-
}

# interrupt VERB…: one that waits, as its output's reader has stopped, is asked to end; $STATUS.
interrupt() {
	porthole "$@" >"$T.pipe" 2>"$T.err" 3>&- 9>&- &
	VIEWER=$!
	waits() { [ "$(cut -d' ' -f3 "/proc/$VIEWER/stat")" = S ] && grep -q pipe "/proc/$VIEWER/wchan"; }
	wait_for 20 waits || flunk "$*: $(cat "$T.err")" || return
	kill -TERM $VIEWER
	STATUS=0
	wait $VIEWER || STATUS=$?
}

# On the host only.
@test "Ctrl-C while a trace is read: one is enough, and nothing looks like the whole" {
	local verb trace=$PWD/tests/data/demo-trace
	mkfifo "$T.pipe"
	exec 9<>"$T.pipe"
	for verb in view "trace syscalls"; do
		interrupt $verb -o json -r tests/data/demo-trace
		[ "$STATUS" = 143 ] && [ "$(<"$T.err")" = "porthole $verb: interrupted: there was more to come" ] || flunk "$verb: $STATUS $(cat "$T.err")" || return
	done
	exec 9>&-
	# As it opens a stream, when the first is still to be read.
	need strace
	for verb in "path -c demo-web" "what-if -c demo-batch --cpus 1" "why slow" "why throttled" "why denied" profile "profile -a -d 1s --diff $trace" \
			"view --stats" "trace open --hist" "probe --count" stat; do
		[[ $verb == *diff* ]] || verb+=" -r $trace"
		STATUS=0
		strace -qq -o /dev/null -P "$trace/channel0_0" -e trace=openat -e inject=openat:signal=SIGINT porthole $verb >"$T.out" 2>"$T.err" || STATUS=$?
		[ "$STATUS" = 130 ] && grep -qxE "porthole .*: interrupted: there (is no result|was more to come)" "$T.err" && [ ! -s "$T.out" ] ||
			flunk "$verb: $STATUS $(cat "$T.err" "$T.out")" || return
	done
}

# On the host only.
@test "a command's exit ends it, also when the command does not exist" {
	run porthole view -e exit_group -- sh -c 'exit 7'
	[ "$status" = 0 ]
	[[ $output == *'syscall_entry_exit_group: { error_code = 7 }'* ]] || flunk "$output"
	run porthole view -e execve -- /nonexistent/command
	[[ $output == *'porthole view: cannot run /nonexistent/command'* ]] || flunk "$output"
	[[ $output == *'ret = -2 ENOENT'* ]] || flunk "$output"
}

# On the host only.
@test "without -e: what record chooses, but not the state dump" {
	busy any
	porthole view -c "$PH_FILE-any" -d 500ms -o json >"$T.json"
	shown '.event == "sched_switch"'
	shown '.event == "syscall_entry_openat"'
	not_shown '.event | test("statedump")'
}

# On the host only.
@test "--filter, --max-entries, --stats" {
	busy fil
	porthole view -c "$PH_FILE-fil" -e syscall -f 'syscall_exit_openat.ret < 0' --max-entries 3 -o json >"$T.json"
	[ "$(wc -l <"$T.json")" = 3 ]
	not_shown '.event != "syscall_exit_openat" or .fields.ret >= 0'
	porthole view -c "$PH_FILE-fil" -e syscall --stats -d 500ms -o json >"$T.json"
	shown ".container == \"$PH_FILE-fil\" and .count > 10"
}

@test "-p follows a process and its children" {
	sh -c 'while :; do (cat /nope-pid 2>/dev/null); sleep 0.02; done' 3>&- &
	local pid=$!
	porthole view -p $pid -e syscall -d 500ms -o json >"$T.json"
	kill $pid
	shown '.fields.filename == "/nope-pid"'
	not_shown '.comm == "bats"'
}

# On the host only.
@test "what does not go together is wrong usage" {
	run porthole view
	[ "$status" = 2 ]
	run porthole view -a --begin +1s
	[ "$status" = 2 ]
	run porthole view "$T" -d 1s
	[ "$status" = 2 ]
	[[ $output == *'--duration goes without a trace'* ]] || flunk "$output"
	run porthole view "$T" -- ls
	[ "$status" = 2 ]
	run porthole view --
	[ "$status" = 2 ]
	run porthole view -a -e openatt
	[ "$status" = 2 ]
}
