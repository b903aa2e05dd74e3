# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One event in a container and the same in its neighbour.

# cause GROUPS [ph-launch options] -- COMMAND: the container "in" is recorded from its first
# instruction, "out" does the same beside it; what "in" said is in $T.said.
cause() {
	local groups=$1
	shift
	record "$T" -q -c "$PH_FILE-in" --wait -e "$groups"
	launch_wait out "$@" >"$T.out-said" 2>&1 &
	launch_wait in "$@" >"$T.said" 2>&1 || flunk "$(cat "$T.said")" || return
	wait $!
	record_end
}

# said KEY: the value of key=value.
said() { sed -n "s/.*\<$1=\([^ ]*\).*/\1/p" "$T.said" | head -n 1; }

# host_tid N: the host's id of the thread that is N in the container. Its first was made by the
# launcher, outside, and shows by its exec.
host_tid() {
	events "$T" -e sched_process_fork,sched_process_exec | jq -s "map(select(.container == \"$PH_FILE-in\")) |
		if $1 == 1 then map(select(.event == \"sched_process_exec\").fields.tid)
		else map(.fields | select(.vtids and .vtids[-1] == $1).child_tid) end | .[0] // \"no-$1\""
}

# only EVENT CONDITION FIELDS: there is exactly one such event, in the container, with these fields.
only() {
	local found
	found=$(events "$T" -e "$1" | jq -c "select($2)")
	[ "$(grep -c . <<<"$found")" = 1 ] || flunk "$1, $2: not one but:" "$found" || return
	jq -e ". as \$e | $3 | to_entries | all(.value == \$e.fields[.key])" <<<"$found" >/dev/null ||
		flunk "$1: expected $3, not" "$found"
}

# Nothing happened in the neighbour, and to none of its tasks; but that it woke, or made room for,
# one of the container's.
neighbour_is_absent() {
	local ours
	ours=$(events "$T" | jq -sc "map(select(.container == \"$PH_FILE-in\").tid) | unique")
	hasnt "$T" ".container == \"$PH_FILE-out\" and
		([.fields.next_tid // .fields.tid] | inside($ours) | not)"
	hasnt "$T" "[.fields | to_entries[] | select(.key | endswith(\"container_name\")).value] |
		any(. == \"$PH_FILE-out\")"
}
