# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The CTF reader and writer on a made-up load of the sched and syscall groups: all values of all events
# decoded, against babeltrace2 doing the same; and what does not depend on a trace's length.

ninja -C "$BUILD" bench/ctf_gen bench/ctf_read >/dev/null
gen=$BUILD/bench/ctf_gen read=$BUILD/bench/ctf_read

ns_per_write() { rm -rf "$work/t"; "$gen" "$work/t" 4000000 2 | sed -n 's/.* \([0-9.]*\) ns and.*/\1/p'; }
ours=$(best ns_per_write)
row "writing an event, its making included" "$ours ns" "2,000,000/s: 500 ns" "$ours" "<= 125"

field() { "$read" "$1" | cut -d' ' -f"$2"; }
seconds() { local t0=$EPOCHREALTIME; "$@" >/dev/null 2>&1; calc "$EPOCHREALTIME - $t0" 3; echo; }
ours=$(best field "$work/t" 2)
peer=$(best seconds babeltrace2 -o dummy "$work/t")
row "decoding 4,000,000 events" "$ours s" "babeltrace2: $peer s" "$(calc "$peer / $ours")" ">= 6"

small=$(best field "$work/t" 3)
rm -rf "$work/t"
"$gen" "$work/t" 27000000 2 >/dev/null
large=$(best field "$work/t" 3)
row "memory to read 1 GB" "$large KiB" "150 MB: $small KiB" "$(calc "$large / $small" 2)" "<= 1.1"
first=$(best "$read" "$work/t" 7750000000)
row "first event of the middle of 1 GB" "$first ms" "" "$first" "<= 300"
rm -rf "$work/t"
