# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a probe adds to a call: its arguments printed, and counted; beside bpftrace. Most of it is the kernel's trap.
# And what it adds to a neighbour's call, who has the same file and is not selected.

calls=200000
load=$(realpath "$BUILD/ph-load")
at=uprobe:$load:ph_load_target

# The load's own line is the last of each.
with_porthole() { ns_per_call porthole probe "$@" -- ph-load probe $calls now; }
with_bpftrace() { ns_per_call bpftrace -q -c "$load probe $calls now" -e "$1"; }
beside_porthole() {
	porthole probe "$at(arg1,str(arg2))" -- sleep 60 >/dev/null 2>&1 &
	local pid=$!
	until pgrep -P $pid sleep >/dev/null; do sleep 0.1; done
	ph-load probe $calls now | sed -n 's/.* ns_per_call=\([0-9.]*\).*/\1/p'
	kill -INT $pid
	wait $pid
}

bare=$(best ns_per_call ph-load probe 10000000 now)
ours=$(best with_porthole "$at(arg1,str(arg2))" -o csv)
theirs=$(best with_bpftrace "$at { printf(\"%d %s\\n\", arg0, str(arg1)); }")
count=$(best with_porthole "$at" --count)
their_count=$(best with_bpftrace "$at { @ = count(); }")
filtered=$(best with_porthole "$at(arg1)" --if 'arg1 < 0')
their_filtered=$(best with_bpftrace "$at /(int64)arg0 < 0/ { printf(\"%d\\n\", arg0); }")
beside=$(best beside_porthole)

ours=$(calc "$ours - $bare") theirs=$(calc "$theirs - $bare")
count=$(calc "$count - $bare") their_count=$(calc "$their_count - $bare")
filtered=$(calc "$filtered - $bare") their_filtered=$(calc "$their_filtered - $bare")
row "a number and a text of each call (bare: $bare ns)" "+$ours ns" "bpftrace: +$theirs ns" "$(calc "$ours / $theirs" 2)" "<= 1.1"
row "each call counted" "+$count ns" "bpftrace: +$their_count ns" "$(calc "$count / $their_count" 2)" "<= 1.3"
row "of each call, none passes the filter" "+$filtered ns" "bpftrace: +$their_filtered ns" "$(calc "$filtered / $their_filtered" 2)" "<= 1.2"
row "a call of who is not selected" "+$(calc "$beside - $bare") ns" "counted: +$count ns" "$(calc "($beside - $bare) / $count" 2)" "<= 1"
