#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole inspect and pid, against what the kernel says of the same processes.

load lib

teardown() {
	launch_stop
	docker_stop
}

# of NAME FILTER: a value of inspect's JSON.
of() { porthole inspect "$PH_FILE-$1" -o json 2>/dev/null | jq -r "$2"; }

@test "namespaces are the kernel's, and say with whom they are shared" {
	local ns one
	launch one -- ph-load sleep 30s
	one=$PID
	launch two --join-ns "net:$one" --share uts -- ph-load sleep 30s
	for ns in cgroup ipc mnt net pid user uts; do
		[ "$ns:[$(of one ".namespaces[] | select(.type == \"$ns\").inode")]" = "$(readlink "/proc/$one/ns/$ns")" ]
	done
	[ "$(of two '.namespaces[] | select(.type == "net").shared_with[]')" = "$PH_FILE-one" ]
	[ "$(of two '.namespaces[] | select(.type == "uts").shared_with[]')" = host ]
	[ "$(of one '.namespaces[] | select(.type == "mnt").shared_with | length')" = 0 ]
}

@test "what confines it" {
	launch cage --caps none --no-new-privs --seccomp keyctl -- ph-load sleep 30s
	[ "$(of cage .seccomp)" = filter ]
	[ "$(of cage .no_new_privs)" = true ]
	[ "$(of cage '.capabilities.effective | length')" = 0 ]
	launch user --unshare all -- ph-load sleep 30s
	[ "$(of user '.uid_map[0] | "\(.inside // .first // .id) \(.outside)"' | cut -d' ' -f2)" = 100000 ]
	[[ $(porthole inspect "$PH_FILE-cage" 2>/dev/null) == *no_new_privs*yes* ]]
}

@test "limits along the whole path" {
	launch lim --cpus 0.5 --memory 64M --pids 50 -- ph-load sleep 30s
	run porthole inspect "$PH_FILE-lim"
	[[ $output == *"porthole.d/$PH_FILE-lim"*50000* ]]
	[[ $output == *67108864* ]]
	[[ $output == *pids.max=50* ]]
}

# On the host only.
@test "what is not there is an error with the nearest name" {
	launch there -- ph-load sleep 30s
	run porthole inspect "$PH_FILE-ther"
	[ "$status" = 1 ]
	[[ $output == *"$PH_FILE-there"* ]]
	run porthole pid 4194305
	[ "$status" = 1 ]
}

@test "pids at every level, there and back" {
	local nspid
	launch outer --cgroup "porthole.d/$PH_FILE-outer" -- ph-load sleep 30s
	[ "$(porthole pid -c "$PH_FILE-outer" 1 2>/dev/null)" = "$PID" ]
	nspid=$(awk '/^NSpid:/ { print $2, $3 }' "/proc/$PID/status")
	[ "$(porthole pid -o json "$PID" 2>/dev/null | jq -r .pid | paste -sd' ')" = "$nspid" ]
	[ "$(porthole pid -o json "$PID" 2>/dev/null | jq -r .container | tail -n 1)" = "$PH_FILE-outer" ]
}

@test "Docker's: image, id, and the process that exec brings in" {
	local pid
	docker_up
	docker_run img -- ph-load sleep 30s
	[ "$(of img .runtime)" = docker ]
	[ "$(of img .id)" = "$CID" ]
	[ -n "$(of img .image)" ]
	pid=$(porthole pid -c "$PH_FILE-img" 1 2>/dev/null)
	[ "$pid" = "$PID" ]
}

# Each label is one word of the text and one string of JSON, whatever its owner wrote; none of both acts upon a terminal.
@test "Docker's: labels that look like others, like terminals' commands, or turn the line round" {
	local all odd=$'\xe2\x80\xae' labels=(a=b $'\trole=db' $'nl=1\nrole=db' "two=1 role=db" $'esc=\e]52;c;aGk=\a' big="$(printf '%060000d' 7)")
	docker_up
	docker_run odd "${labels[@]/#/--label=}" --label "bidi=$odd" -- sh -c "while sleep 0.05; do :; done"
	all=$(porthole inspect "$PH_FILE-odd" -o json 2>/dev/null)
	[ "$(LC_ALL=C tr -d '[:print:]\n' <<<"$all" | wc -c)" = 0 ]
	[ "$(jq -c '.labels | sort' <<<"$all")" = "$(jq -nc '$ARGS.positional | sort' --args "${labels[@]}" "bidi=$odd")" ]
	all=$(porthole inspect "$PH_FILE-odd" 2>/dev/null)
	[ "$(LC_ALL=C tr -d '[:print:]\n' <<<"$all" | wc -c)" = 0 ]
	[[ $all == *"'two=1 role=db'"* ]]
	record "$T" -c "$PH_FILE-odd" -e sched
	sleep 0.3
	record_end
	[ -n "$(porthole view -r "$T" -l $'\trole' -l nl | head -n 1)" ]
	run porthole view -r "$T" -l role
	[[ $output == *"matches none of 1 container"* ]] || flunk "$output"
}
