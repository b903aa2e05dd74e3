#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole profile of containers that run, and of the recording that it makes of them.
# limit: 90 s

load lib

# of NAME: the percentage of the stacks of $T.folded that have this function.
of() { awk -v name="$1" '{ all += $NF } index($0, name) { n += $NF } END { print (all ? int(100 * n / all) : 0) }' "$T.folded"; }

# On the host only: what is recorded is the same on other kernels, of which profile.bats sees to it.
@test "profile: functions on CPUs and waiting, live and of the recording" {
	launch in -- ph-load stacks 30s >/dev/null
	launch out -- ph-load spin 30s >/dev/null
	launch idle -- ph-load burst 10000 1ms 20ms >/dev/null
	porthole profile -c "$PH_FILE-in,$PH_FILE-idle" -d 1500ms -F 500 --wall -w "$T" -o folded >"$T.folded" 2>"$T.err" ||
		flunk "$(cat "$T.err")" || return
	# The same once more, byte by byte but for the order of what came at once.
	porthole profile -r "$T" -c "$PH_FILE-in,$PH_FILE-idle" --wall -o folded >"$T.again" 2>/dev/null
	diff <(sort "$T.folded") <(sort "$T.again") >"$T.diff" || flunk "$(head "$T.diff")" || return
	grep -q "^$PH_FILE-in;ph-load;_start;.*;load_stacks;stacks_deep;stacks_deep;" "$T.folded" || flunk "$(head "$T.folded")" || return
	! grep -q "^$PH_FILE-out;" "$T.folded" || flunk "$(grep "$PH_FILE-out" "$T.folded" | head -n 3)" || return
	grep -q "^$PH_FILE-idle;ph-load;_start;.*nanosleep.*;\[timer\] [0-9]*$" "$T.folded" || flunk "$(grep idle "$T.folded" | head)" || return
	# Of its CPU time alone, most is of what is known to compute.
	porthole profile -r "$T" -c "$PH_FILE-in" -o folded --user >"$T.folded"
	[ "$(of stacks_)" -ge 90 ] || flunk "$(head "$T.folded")" || return
	porthole profile -r "$T" -c "$PH_FILE-in" -o svg >"$T.svg" 2>/dev/null
	grep -q '>stacks_deep</text>' "$T.svg" || flunk "$(head -c 2000 "$T.svg")"
	# An event, with what led to it.
	porthole profile -c "$PH_FILE-idle" -d 500ms -e syscall_entry_clock_nanosleep -o folded >"$T.folded" 2>"$T.err"
	grep -q "^$PH_FILE-idle;ph-load;_start;.*nanosleep" "$T.folded" || flunk "$(cat "$T.folded" "$T.err")"
}

# What is read first, live and of the recording; and that nothing is there, where nothing is.
@test "profile: the report begins with whose time it is, and says why there is none" {
	launch busy -- ph-load spin 30s >/dev/null
	launch half --cpus 0.3 -- ph-load spin 30s >/dev/null
	launch idle -- sleep 60 >/dev/null
	porthole profile -c "$PH_FILE-busy,$PH_FILE-half,$PH_FILE-idle" -d 1s -F 400 -w "$T" >"$T.live" 2>"$T.err" || flunk "$(cat "$T.err")" || return
	porthole profile -r "$T" >"$T.read"
	# Names of the kernel's functions, of which there are few samples, may be in another order.
	diff <(sed -n '1,6p' "$T.live") <(sed -n '1,6p' "$T.read") || return
	head -n 1 "$T.read" | grep -Eq '^[0-9.]+ m?s of CPU time in 1\.[0-9] s, [0-9.]+ CPUs?: [0-9]+ samples$' || flunk "$(cat "$T.read")" || return
	# Each container with the task in it, the one that is not limited first; shares are those of the JSON.
	sed -n 4p "$T.read" | grep -q " $PH_FILE-busy  *ph-load$" || flunk "$(cat "$T.read")" || return
	sed -n 5p "$T.read" | grep -q " $PH_FILE-half  *ph-load$" || flunk "$(cat "$T.read")" || return
	[ "$(sed -n 4p "$T.read" | awk '{ print $1 }')" = "$(porthole profile -r "$T" -o json 2>/dev/null |
		jq -rs "(map(.weight) | add) as \$all | map(select(.container == \"$PH_FILE-busy\").weight) | add / \$all * 1000 | round / 10" |
		sed 's/^[0-9]*$/&.0/')" ] || flunk "$(cat "$T.read")" || return
	grep -Eq '^ *[0-9.]+ +[0-9.]+ .* ph-load +compute_until$' "$T.read" || flunk "$(cat "$T.read")" || return
	grep -q "^ *[0-9.]* %  $PH_FILE-half / ph-load$" "$T.read" || flunk "$(cat "$T.read")" || return
	# What the recording of stacks took is told of a recording.
	grep -q 'stacks of programs' "$T.err" || flunk "$(cat "$T.err")" || return
	run porthole profile -c "$PH_FILE-idle" -d 300ms
	[ "$output" = "porthole profile: the running kernel: nothing of what was selected had any CPU time; what it waits for, --off-cpu shows" ] ||
		flunk "$output" || return
	run porthole profile -c "$PH_FILE-idle" -d 300ms --off-cpu
	[[ $output == *"there is no stack: they had begun before" ]] || flunk "$output" || return
	run porthole profile -c "$PH_FILE-idle" -d 300ms -e sched_swtich
	[[ $output == *"there is no event 'sched_swtich'; did you mean 'sched_switch'?"* ]] || flunk "$output"
}
