# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two CPUs that record at once must not slow each other.

pair() { taskset -c 0 ph-load getppid 1000000 >"$work/a" & taskset -c 1 ph-load getppid 1000000; wait; }
export -f pair
export work

one=$(best ns_per_call recorded -e syscall -- taskset -c 1 ph-load getppid 1000000)
two=$(best ns_per_call recorded -e syscall -- bash -c pair)
row "one CPU or two record" "two: $two ns" "one: $one ns" "$(calc "$two / $one" 3)" "<= 1.10"
