#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many short containers, while a recording runs: each one's event is its own, and the recorder does
# not grow with their number.
# limit: 150 s

load lib

setup() { T=$PH_WORK/$PH_FILE; }

teardown() {
	record_kill
	launch_stop
	rm -rf "$T"*
}

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$RECORDER/status"; }

@test "500 short containers: every event attributed, memory flat" {
	local i at_100 at_500
	record "$T" -a -e syscall_entry_open,syscall_entry_openat,sched_process_exec
	for ((i = 1; i <= 500; i++)); do
		# 500 in a minute, not faster: the recorder sees them come and go.
		launch_wait "$i" -- cat "/mark-$i" 2>/dev/null || :
		[ $i != 100 ] || at_100=$(rss_kb)
	done
	at_500=$(rss_kb)
	record_end
	events "$T" -e syscall_entry_open,syscall_entry_openat |
		jq -r 'select(.fields.filename | startswith("/mark-")) | "\(.fields.filename[6:]) \(.container)"' |
		sort -n -u >"$T.seen"
	seq 500 | sed "s/.*/& $PH_FILE-&/" >"$T.expected"
	diff "$T.expected" "$T.seen" | head -n 10
	[ -z "$(diff "$T.expected" "$T.seen")" ]
	[ "$at_500" -lt $((at_100 + 8192)) ] || flunk "from $at_100 to $at_500 kB"
}
