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
