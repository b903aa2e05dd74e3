# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What tests of critical paths ask of a report ($T.json) and of what the tasks on it have said ($T.said).

teardown() {
	record_kill
	launch_stop
	kernel_forgets
	rm -rf "$T"*
}

# When a CPU was with a task of process 1, "BEGIN END" in ns, a line each: from the switch to it on there are kernels that show nothing
# to BPF programs, neither what it does nor who comes next, until that one does something.
hidden() {
	porthole view -r "$T" -o csv --no-header --fields time,cpu,next_tid | awk -F, -v tids="$(cd /proc/1/task && echo *)" '
		BEGIN { for (i = split(tids, t, " "); i; i--) of_1[t[i]] }
		$2 in since { print since[$2], $1; delete since[$2] }
		$3 in of_1 { since[$2] = $1 }'
}

# sum JQ-CONDITION: ns of the shares of the last report for which that is true
sum() { jq -s "[.[] | select(.kind == \"share\" and ($1)) | .time_ns] | add // 0" "$T.json"; }

# itself COMM: for how long the path is that it ran.
itself() { sum ".comm == \"$1\" and IN(.state; \"user\", \"kernel\", \"running\")"; }

# on_path COMM: for how long the path is what it did: it ran, or kept another one on the path from its CPU.
on_path() { sum "(.comm == \"$1\" and IN(.state; \"user\", \"kernel\", \"running\")) or .by_comm == \"$1\""; }

# said COMM: for how long it says that it computed.
said() { awk -v name="stage=$1" '$1 == name { sub(/ran_ns=/, "", $2); ns += $2 } END { printf "%.0f\n", ns }' "$T.said"; }

# computed COMM...: each has of the path what it says, within 2 %. Kernels differ in whether interrupts and what the
# hypervisor took are its time. What it does around its computing (it forks, looks whether the waiter sleeps, ends) is the
# path's, too: a millisecond, but where everything is slow. There, on an emulated machine, a processor also stands still while its
# clocks go on, and who of both sides has that differs.
computed() {
	local comm what=on_path
	# Of these, those that are not on the path compute at the same time.
	[ "${shape:-}" != imbalance ] || what=itself
	for comm; do
		echo "$comm says $(said "$comm") ns, the path $($what "$comm")"
		awk -v a="$($what "$comm")" -v b="$(said "$comm")" \
			-v slack="$(sum ".comm == \"$comm\" and IN(.state; \"interrupted\", \"steal\", \"unknown\")")" \
			-v around=$((${PH_SLOW:-0} * 20000000)) -v share="${PH_SLOW:+0.12}" \
			'BEGIN { slack += b * (share ? share : 0.02) + 1000000; exit !(b > 0 && b - a <= slack && a - b <= slack + around) }' ||
			flunk "$(jq -c 'select(.kind == "share") | [.comm, .tid, .state, .what, .time_ns]' "$T.json" | head -n 20)"
	done
}

# Shares are the path, of which no more than 1 % is unknown but where it is hidden who has the CPU.
whole() {
	jq -se '(map(select(.kind == "path"))[0] | .end_ns - .begin_ns) as $ns | map(select(.kind == "share") | .time_ns) | add == $ns' \
		"$T.json" >/dev/null || flunk "$(head -n 1 "$T.json")"
	[ -s "$T.hidden" ] || hidden >"$T.hidden"
	jq -r 'select(.kind == "step" and .state == "unknown") | "\(.begin_ns) \(.end_ns) \(.comm)"' "$T.json" >"$T.unknown"
	# (Not every jq has all digits of a time.)
	awk -v ns="$(sum true)" 'FILENAME == ARGV[1] { from[++n] = $1 - 1000; to[n] = $2 + 1000; next }
		{ for (i = 1; i <= n; i++) if ($1 >= from[i] && $2 <= to[i]) next; print $3 " is unknown for " $2 - $1 " ns"; unknown += $2 - $1 }
		END { exit !(unknown <= ns / 100) }' "$T.hidden" "$T.unknown"
}
