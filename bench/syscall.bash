# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What recording entry and exit adds to a system call that does nothing.

calls=1000000
bare=$(best ns_per_call ph-load getppid $calls)
ours=$(best ns_per_call recorded -e syscall -- ph-load getppid $calls)
perf=$(best ns_per_call perf record -q -e 'raw_syscalls:*' -o "$work/perf.data" ph-load getppid $calls)
rm -f "$work/perf.data"
strace=$(best ns_per_call strace -f -o /dev/null ph-load getppid 20000)

ours=$(calc "$ours - $bare")
perf=$(calc "$perf - $bare")
strace=$(calc "$strace - $bare")
row "record a getppid (bare: $bare ns)" "+$ours ns" "perf: +$perf ns" "$(calc "$ours / $perf" 3)" "<= 0.25"
row "record a getppid" "+$ours ns" "strace -f: +$strace ns" "$(calc "$ours / $strace" 4)" "<= 0.01"
