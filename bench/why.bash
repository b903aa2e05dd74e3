# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `why throttled`: over a trace against babeltrace2 reading it, and of the running kernel on busy CPUs.

ninja -C "$BUILD" bench/ctf_gen >/dev/null || return
gen=$BUILD/bench/ctf_gen

elapsed() { local t0=$EPOCHREALTIME; "$@" >/dev/null 2>&1; calc "$EPOCHREALTIME - $t0" 3; echo; }

"$gen" "$work/two" 2000000 >/dev/null
peer=$(best elapsed babeltrace2 -o dummy "$work/two")
ours=$(best elapsed porthole why throttled -r "$work/two")
row "why throttled over 2,000,000 events" "$ours s" "babeltrace2 -o dummy: $peer s" "$(calc "$ours / $peer" 2)" "<= 1"
rm -rf "$work/two"

# What a busy host's CPUs get done meanwhile: two processes that compute and one pair that switches.
work_done() {
	ph-load pingpong 60000 >/dev/null &
	ph-load spin 3s | sed -n 's/.*rounds=\([0-9]*\).*/\1/p'
	wait $!
}
busy() {
	local a b
	work_done >"$work/a" &
	work_done >"$work/b"
	wait $!
	read -r a <"$work/a"
	read -r b <"$work/b"
	echo $((-(a + b)))	# the most is the best
}
without=$(best busy)
with=$(
	porthole why throttled -a -d 1h >/dev/null 2>&1 &
	pid=$!
	sleep 1
	best busy
	kill -INT "$pid"
	wait "$pid"
)
row "work of two busy CPUs, why throttled beside it" "$((-with))" "without: $((-without))" \
	"$(calc "100 * (1 - $((-with)) / $((-without)))" 2)" "<= 3"
