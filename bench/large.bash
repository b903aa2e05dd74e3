# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# `path` and `what-if` over large traces: a gigabyte of two servers, what asks them, what switches and what computes beside them,
# and one of two containers that make tasks without end. How long they take beside babeltrace2 reading it three times, and the most memory that they have. A trace is deleted once it has been read.

large=$work/large
large_room=3 # GB: the trace, and the programs that what-if makes of it

# Seconds and MB of a command.
cost() {
	python3 -c 'import resource, subprocess, sys, time
begin = time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print("%.1f %.0f" % (time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))' "$@"
}

# In the background, where its number is that of what is to be killed.
large_contained() { exec ph-launch --quiet --timeout 300s --name "$@" >/dev/null 2>&1; }

# What is recorded. No CPU is idle: waking who waits on one that is takes longer than all else.
large_busy() {
	local cpu
	large_contained large-db -b "$large:/data:rw" -- ph-load db /data/db 300s &
	until [ -S "$large/db" ]; do sleep 0.1; done
	large_contained large -b "$large:/data:rw" -- ph-load web /data/db 300s 0 &
	large_contained large-other -- ph-load pingpong 1000000000 &
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		large_contained "large-spin-$cpu" -- ph-load spin 300s &
	done
}
large_tasks() {
	large_contained large -- ph-load forks 100000000 &
	large_contained large-other -- ph-load forks 100000000 &
}

# A gigabyte, or what there is when the loads have ended.
large_record() { # LOAD
	local recorder loads
	porthole record -q -a -e +irq --max-size 1000000000 -w "$large/trace" &
	recorder=$!
	until [ -s "$large/trace/metadata" ]; do sleep 0.1; done
	"$1"
	mapfile -t loads < <(jobs -p | grep -vx $recorder)
	while kill -0 $recorder && kill -0 "${loads[@]}"; do sleep 0.5; done 2>/dev/null
	kill "${loads[@]}" 2>/dev/null
	kill -INT $recorder 2>/dev/null
	wait
}

large_row() { # TEXT COMMAND...
	local seconds mb
	read -r seconds mb < <(cost "${@:2}")
	row "$1: $text" "$seconds s" "babeltrace2, three times: $(calc "3 * $large_peer") s" "$(calc "$seconds / (3 * $large_peer)" 2)" "<= 1"
	row "the same: memory" "$mb MB" "babeltrace2: $large_peer_mb MB" "$mb" "<= 500"
}

large_trace() { # LOAD TEXT
	local free large_peer large_peer_mb text
	free=$(df --output=avail -B 1000000000 "$work" | tail -n 1)
	if ((free < large_room)); then
		row "$2: no room for them" "" "$free of $large_room GB are free" "" "<= 1"
		return
	fi
	mkdir -m 777 "$large"
	large_record "$1"
	text=$(porthole view "$large/trace" --stats -o json | jq -rs --arg of "$2" '
		(first(.[] | select(.section == "trace")).count / 1e5 | round / 10) as $events |
		(first(.[] | select(.event == "sched_process_fork")).count) as $tasks |
		"\($of), \($events) million events, \($tasks) tasks made"')
	read -r large_peer large_peer_mb < <(cost babeltrace2 -o dummy "$large/trace")
	large_row "path" porthole path -r "$large/trace" -c large
	[ "$1" != large_busy ] || large_row "path --requests" porthole path -r "$large/trace" -c large --requests answers
	large_row "what-if, five limits" porthole what-if -r "$large/trace" -c large --cpus 0.25,0.5,0.75,1,1.5
	rm -rf "$large"
}

large_trace large_busy "two servers"
large_trace large_tasks "forks"
