# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two CPUs that record at once must not slow each other. Counted in the programs' own CPU time: on a
# machine of two CPUs the recorder's share is taken from one of them. Two CPUs may be two threads of
# one core, which slow each other without any tracing: that is taken out.

cpu_ns_per_call() { "$@" 2>/dev/null | sed -n 's/.*cpu_ns_per_call=\([0-9.]*\).*/\1/p' | tail -n 1; }
alone() { taskset -c 1 ph-load getppid 1000000; }
pair() {
	taskset -c 0 ph-load getppid 1500000 >"$work/other" &
	alone
	wait
}
export -f alone pair
export work

bare_one=$(best cpu_ns_per_call bash -c alone)
bare_two=$(best cpu_ns_per_call bash -c pair)
one=$(best cpu_ns_per_call recorded -e syscall -- bash -c alone)
two=$(best cpu_ns_per_call recorded -e syscall -- bash -c pair)
row "one CPU or two record" "$one, two: $two ns" "bare: $bare_one, two: $bare_two ns" \
	"$(calc "($two / $one) / ($bare_two / $bare_one)" 3)" "<= 1.10"
