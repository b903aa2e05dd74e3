# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Printing a made-up scheduler and system call load, and reaching the middle of a large trace.

ninja -C "$BUILD" bench/ctf_gen >/dev/null || return
gen=$BUILD/bench/ctf_gen

elapsed() { local t0=$EPOCHREALTIME; "$@" >/dev/null 2>&1; calc "$EPOCHREALTIME - $t0" 3; echo; }

"$gen" "$work/two" 2000000 >/dev/null
peer=$(best elapsed babeltrace2 "$work/two")
ours=$(best elapsed porthole view "$work/two")
row "2,000,000 events as text" "$ours s" "babeltrace2: $peer s" "$(calc "$peer / $ours")" ">= 5"
ours=$(best elapsed porthole view -o babeltrace "$work/two")
row "the same as babeltrace2 prints them" "$ours s" "babeltrace2: $peer s" "$(calc "$peer / $ours")" ">= 5"
ours=$(best elapsed porthole view "$work/two" -f 'syscall_exit_read.ret < 0 && comm == "nginx"')
row "a filter that nothing passes" "$ours s" "babeltrace2: $peer s" "$(calc "$peer / $ours")" ">= 15"
rm -rf "$work/two"

# 27 million events are a gigabyte, of 13.5 seconds.
"$gen" "$work/large" 27000000 >/dev/null
ours=$(best elapsed porthole view "$work/large" --begin +7s --max-entries 1)
row "first event in the middle of $(du -sh "$work/large" | cut -f1)" "$ours s" "-" "$ours" "<= 0.3"
rm -rf "$work/large"
