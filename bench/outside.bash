# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a task pays that is not recorded, while another container is: above an empty BPF program on
# the same two hooks.

# beside "COMMAND" NEEDLE: ns per call while COMMAND runs in the background.
beside() {
	local pid
	"$@" >/dev/null 2>&1 &
	pid=$!
	sleep 2
	ns_per_call ph-load getppid 1000000
	kill -INT $pid
	wait $pid 2>/dev/null
}

ninja -C "$BUILD" bench/empty_bpf >/dev/null || return
empty_programs() { exec "$BUILD/bench/empty_bpf"; }
other_container() {
	rm -rf "$work/trace"
	exec porthole record -q -w "$work/trace" -c bench-other -e syscall
}

ph-launch -q -d --name bench-other --timeout 300s -- ph-load sleep 300s >/dev/null
bare=$(best ns_per_call ph-load getppid 1000000)
empty=$(best beside empty_programs)
ours=$(best beside other_container)
ph-launch --stop bench-other
row "not recorded: a getppid (bare: $bare ns)" "$ours ns" "empty programs: $empty ns" \
	"$(calc "($ours - $empty) / 2")" "<= 25"
