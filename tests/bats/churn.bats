#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many short containers, while a recording runs: each one's event is its own, and the recorder does
# not grow with their number.
# limit: 150 s

load lib

setup() { T=$PH_WORK/$PH_FILE; }

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$RECORDER/status"; }

@test "hundreds of short containers: every event attributed, memory flat" {
	local i early late n=500
	# Emulated, a fifth of them takes as long.
	[ "${PH_SLOW:-1}" = 1 ] || n=100
	record "$T" -a -e "$OPENS",sched_process_exec
	for ((i = 1; i <= n; i++)); do
		launch_wait "$i" -- cat "/mark-$i" 2>/dev/null || :
		[ $i != $((n / 5)) ] || early=$(rss_kb)
	done
	late=$(rss_kb)
	record_end
	events "$T" -e "$OPENS" |
		jq -r 'select(.fields.filename | startswith("/mark-")) | "\(.fields.filename[6:]) \(.container)"' |
		sort -n -u >"$T.seen"
	seq $n | sed "s/.*/& $PH_FILE-&/" >"$T.expected"
	# Both sides: what was seen in place of it tells why.
	diff --side-by-side --suppress-common-lines --width=100 "$T.expected" "$T.seen" | head -n 10
	[ -z "$(diff "$T.expected" "$T.seen")" ]
	[ "$late" -lt $((early + 8192)) ] || flunk "from $early to $late kB"
}
