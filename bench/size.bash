# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Bytes an event over the demonstration's containers, and how fast the trace is read.

BUILD=$BUILD DEMO_SECONDS=5 scripts/demo.sh --sample "$work/trace" >"$work/said" 2>&1
events=$(sed -n 's/^ *\([0-9]*\) events,.*/\1/p' "$work/said")
bytes=$(du -sb "$work/trace" | cut -f1)
row "bytes an event, demo load" "$bytes B" "$events events" "$(calc "$bytes / ${events:-0}")" "<= 40"

seconds() { local t0=$EPOCHREALTIME; "$@" >/dev/null 2>&1; calc "$EPOCHREALTIME - $t0" 3; echo; }
ours=$(best seconds porthole view -r "$work/trace")
peer=$(best seconds babeltrace2 "$work/trace")
row "view as text" "$ours s" "babeltrace2: $peer s" "$(calc "$peer / $ours")" ">= 5"
