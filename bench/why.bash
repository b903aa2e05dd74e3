# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `why`: over a trace against babeltrace2 reading it, and of the running kernel on busy CPUs.

ninja -C "$BUILD" bench/ctf_gen >/dev/null || return
gen=$BUILD/bench/ctf_gen

elapsed() { local t0=$EPOCHREALTIME; "$@" >/dev/null 2>&1; calc "$EPOCHREALTIME - $t0" 3; echo; }

"$gen" "$work/two" 2000000 >/dev/null
peer=$(best elapsed babeltrace2 -o dummy "$work/two")
ours=$(best elapsed porthole why throttled -r "$work/two")
row "why throttled over 2,000,000 events" "$ours s" "babeltrace2 -o dummy: $peer s" "$(calc "$ours / $peer" 2)" "<= 1"
ours=$(best elapsed porthole why slow -r "$work/two")
row "why slow over 2,000,000 events" "$ours s" "babeltrace2 -o dummy: $peer s" "$(calc "$ours / $peer" 2)" "<= 1"
rm -rf "$work/two"

# What two busy containers get done in three seconds, alone and beside `why throttled` in turn: the ratio is that of the
# best of each, because other guests of a host take more from some runs than what is measured. One computes and
# switches 40,000 times a second, the other makes system calls.
container() { ph-launch --quiet --name "bench-why-$1" --timeout 60s -- sh -c "$2"; }
switching() {
	local i
	for i in 1 2; do container "$i" "ph-load pingpong 30000 >/dev/null & ph-load spin 3s" >"$work/$i" & done
	wait $(jobs -p)
	sed -n 's/.*rounds=\([0-9]*\).*/\1/p' "$work/1" "$work/2" | awk '{ n += $1 } END { print n }'
}
calling() {
	local i
	for i in 1 2; do container "$i" "ph-load getppid 8000000" >"$work/$i" & done
	wait $(jobs -p)
	sed -n 's/.* ns_per_call=\([0-9.]*\).*/\1/p' "$work/1" "$work/2" | awk '{ n += 1e9 / $1 } END { printf "%.0f\n", n }'
}
in_turn() {
	local i without=0 with=0 pid did
	for ((i = 0; i < REPEAT + 2; i++)); do
		did=$("$1")
		without=$((did > without ? did : without))
		porthole why throttled -a -d 1h >/dev/null 2>&1 &
		pid=$!
		sleep 2
		did=$("$1")
		with=$((did > with ? did : with))
		kill -INT "$pid"
		wait "$pid"
	done
	echo $without $with
}
for load in switching calling; do
	read -r without with < <(in_turn $load)
	row "two $load containers, why throttled beside them" "$with" "without: $without" \
		"$(calc "100 * (1 - $with / $without)" 2)" "<= 3"
done
