#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole probe: which files are probed: of containers of one image, that are replaced, and that are made to do harm.
# limit: 180 s

load lib

setup_file() { command -v dockerd >/dev/null && docker_up; }
teardown_file() { docker_down; }

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	docker_stop
	rm -rf "$T"*
}

ended() { [ ! -e "/proc/$1" ]; }

# begin OPTION|PROBE...: into $T, lines into $T.json; back when it records.
begin() {
	porthole probe -w "$T" -o json "$@" >"$T.json" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 20 recording "$T" || flunk "$(cat "$T.said")"
}

# Each container's overlay shows the image's file as one of its own; the kernel attaches to what lies below.
# On the host only: Docker is not in the machine.
@test "two of three containers of an image: each call once, and none of the third" {
	need dockerd
	local pids=() n=10000 c
	for c in one two three; do
		docker_run "$c" -- ph-load probe "$n"
		pids+=("$PID")
	done
	begin -c "$PH_FILE-one,$PH_FILE-three" 'uprobe:/bin/ph-load:ph_load_target(arg1,text=str(arg2))' 'usdt:ph-load:ph_load:tick(arg1)' \
		'uretprobe:/bin/ph-load:ph_load_target(arg1,retval)'
	kill -USR1 "${pids[@]}"
	for PID in "${pids[@]}"; do wait_for 60 ended "$PID"; done
	record_end
	jq -se "group_by(.container) | map(.[0].container) == [\"$PH_FILE-one\", \"$PH_FILE-three\"] and
		all(group_by([.function, .retval == null]) | length == 3 and all(length == $n)) and
		all(map(select(.retval != null)) | all(.arg1 == -.retval and .duration_ns > 0)) and
		all(map(select(.text)) | map(.arg1) == [range($n)] and map(.text) == [range($n) | \"call \\(. % 10)\"])" "$T.json" >/dev/null ||
		flunk "$(wc -l "$T.json")" "$(head -n 20 "$T.json")" "$(cat "$T.said")" || return
	# What it costs to probe a file does not depend on how many have it: each place is one point.
	[ "$(events "$T" -e probe_point | wc -l)" = 3 ] || flunk "$(events "$T" -e probe_point)"
	[ ! -s "$T.said" ] || flunk "$(cat "$T.said")"
}

# notes_of FILE: as readelf shows them, sorted.
notes_of() { readelf -n "$1" | awk '/Provider:/ { p = $2 } /Name:/ { n = $2 } /Arguments:/ { sub(/^ *Arguments: ?/, ""); print p ":" n " " $0 }' | sort; }

# listed [porthole probes options]: the same of ours.
listed() { porthole probes -o json "$@" | jq -r 'select(.kind == "usdt") | "\(.function) \(.args)"' | sort; }

# On the host only: Docker and readelf are not in the machine.
@test "what can be probed is listed once for all containers of an image, and USDT probes as readelf shows them" {
	need dockerd
	local lib
	docker_run one -- ph-load probe 1
	docker_run two -- ph-load probe 1
	diff <(notes_of "$PORTHOLE_BUILD/ph-load") <(listed -c "$PH_FILE-one,$PH_FILE-two" usdt:)
	porthole probes -c "$PH_FILE-one,$PH_FILE-two" ph-load -o json | jq -r '"\(.probe) \(.offset)"' >"$T.list"
	has_lines "$T.list" 1000
	[ "$(sort "$T.list" | uniq -d)" = '' ]
	# Of libraries, on the host.
	for lib in $(ldconfig -p | awk '!/lib32|libx32/ && /libstdc\+\+\.so|libruby-[0-9.]*\.so|libpython3[0-9.]*\.so/ { print $NF }'); do
		lib=$(realpath "$lib")
		LD_PRELOAD=$lib sleep 60 3>&- &
		PID=$!
		wait_for 5 grep -qF "$lib" "/proc/$PID/maps"
		listed -p "$PID" "usdt:$lib:*" >"$T.list"
		kill "$PID"
		notes_of "$lib" | diff - "$T.list"
		echo "$lib" >>"$T.libs"
	done
	grep -q libstdc "$T.libs"
}
