#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole ps: every container of the host, with its limits.

load lib

teardown() {
	launch_stop
	docker_stop
}

# row NAME: the container's row as JSON.
row() { porthole ps -o json 2>/dev/null | jq -ce "select(.container == \"$PH_FILE-$1\")"; }

@test "the launcher's container, its first process and its CPU limit" {
	launch one --cpus 0.5 --memory 64M -- ph-load sleep 20s
	row one
	[ "$(row one | jq .pid)" = "$PID" ]
	[ "$(row one | jq -r .runtime)" = porthole ]
	[[ $(porthole ps -c "$PH_FILE-one" 2>/dev/null) == *0.50*"64 MiB"* ]]
}

@test "Docker's container by its name, gone when it has ended" {
	docker_up
	docker_run two -- ph-load sleep 20s
	[ "$(row two | jq .pid)" = "$PID" ]
	[ "$(row two | jq -r .id)" = "$CID" ]
	docker_stop
	run row two
	[ -z "$output" ]
}
