# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two million events a second for 20 s, from two CPUs to the disk.

storm() { taskset -c 0 ph-load rate 500K 20s & taskset -c 1 ph-load rate 500K 20s; wait; }
export -f storm

rm -rf "$work/trace"
said=$(porthole record -w "$work/trace" -e syscall -- bash -c storm 2>&1)
events=$(sed -n 's/^\([0-9]*\) events,.*/\1/p' <<<"$said")
lost=$(sed -n 's/.*; \([0-9]*\) events were lost.*/\1/p' <<<"$said")
calls=$(sed -n 's/.*load=rate n=\([0-9]*\).*/\1/p' <<<"$said" | awk '{ s += $1 } END { print s }')
row "storm of 20 s: events lost" "${lost:-0} lost" "$((calls / 10)) made a second" "${lost:-0}" "<= 0"
row "storm of 20 s: events in the trace" "${events:-0}" "$((calls * 2)) made" \
	"$(calc "${events:-0} / ($calls * 2)" 3)" ">= 1"
rm -rf "$work/trace"
