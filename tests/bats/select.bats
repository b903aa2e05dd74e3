#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The selection: each option records, and shows of a trace, what it names and not its neighbour.
# All that is there opens a file of its own name, over and over.

load lib

setup() {
	T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER
	launch one -- sh -c "($(mark one)) & $(mark one2)"
	ONE=$PID
	launch two -- sh -c "$(mark two)"
	TWO=$PID
	sh -c "$(mark host)" 3>&- &
	HOST=$!
}

teardown() {
	record_kill
	kill_tree "$HOST"
	launch_stop
	rm -rf "$T"*
}

# (The shell has it as a child: more than one command.)
mark() { echo "ph-load marks /mark-$1; :"; }

marks() {
	events "$@" -e "$OPENS" | jq -r '.fields.filename' |
		grep -o "^/mark-.*" | sort -u | sed 's/.*-//' | paste -sd' '
}

# records "MARKS" SELECTION...
records() {
	local want=$1 got
	shift
	porthole record -q "$@" -e syscall,sched_process_fork -w "$T" -d 400ms
	got=$(marks "$T")
	rm -rf "$T"
	[ "$got" = "$want" ] || flunk "record $*: '$got' and not '$want'"
}

# only "MARKS" SELECTION...: in a recording with it, and of a recording of all.
only() {
	local want=$1 got
	records "$@"
	shift
	[ -e "$T.all" ] || porthole record -q -a -e syscall,sched_process_fork -w "$T.all" -d 500ms
	# Of tasks that end before the state dump comes to them nothing but their number is known.
	got=$(marks "$T.all" --begin +100ms "$@")
	[ "$got" = "$want" ] || flunk "view $*: '$got' and not '$want'"
}

inode() { readlink "/proc/$1/ns/$2" | grep -o '[0-9]*'; }

# On the host only.
@test "containers, by name, pattern, exclusion; the host; everything" {
	only "one one2" -c "$PH_FILE-one"
	only "one one2 two" -c "$PH_FILE-*"
	only "two" -c "$PH_FILE-*,!$PH_FILE-one"
	only "host" --host --comm ph-load
	only "host one one2 two" -a
}

# On the host only.
@test "namespaces, and all but one" {
	only "two" --ns "pid=$(inode "$TWO" pid)"
	only "one one2" --ns "mnt=$(inode "$ONE" mnt)"
	only "one one2 two" --ns "net=$(inode "$ONE" net),net=$(inode "$TWO" net)"
	records "two" -c "$PH_FILE-*" --ns "!uts=$(inode "$ONE" uts)"
}

@test "cgroups, and names of tasks" {
	only "one one2" --cgroup "/porthole.d/$PH_FILE-one"
	only "one one2 two" --cgroup /porthole.d
	only "host" --host --comm ph-load
	records "" -c "$PH_FILE-one" --comm no-such-name
	records "one one2" -c "$PH_FILE-one" --comm ph-load
}

# On the host only.
@test "processes with their children, on the host and in a container" {
	local kids='while :; do cat /mark-$0 2>/dev/null; sleep 0.1; done'
	launch three -- sh -c "$kids" three
	THREE=$PID
	kill_tree "$HOST"
	sh -c "$kids" kids 3>&- &
	HOST=$!
	only "kids" -p "$HOST"
	only "three" -p "$THREE"
	only "kids three" -p "$HOST,$THREE"
	# They follow from where the trace begins, not from where one begins to look.
	[ "$(marks "$T.all" --begin +300ms -p "$THREE")" = three ]
}

# On the host only.
@test "a name that a task gets while recording" {
	for name in new-name 'new-*'; do
		record "$T" -q --comm "$name" -e syscall
		bash -c "exec 3>&-; printf new-name >/proc/\$\$/comm; : </mark-renamed" 2>/dev/null || :
		record_end
		has "$T" '.event == "task_rename" and .fields.oldcomm == "bash" and .fields.newcomm == "new-name"'
		[ "$(marks "$T" --comm new-name)" = renamed ]
		[ "$(marks "$T" --comm bash)" = "" ]
		rm -rf "$T"
	done
}

# forked NAME N: so often more it has forked 20 times.
forked() {
	local log=$PH_WORK/$PH_FILE-$1.log n
	n=$(wc -l <"$log")
	wait_for 30 has_lines "$log" $((n + $2))
}

# On one processor: a task of the one follows on a task of the other.
@test "a container's switches from one that nobody has said yet whose it is" {
	need taskset
	taskset -pc 0 $BASHPID >/dev/null
	record "$T" -q -c "$PH_FILE-in" --wait -e sched
	taskset -pc "0-$(($(nproc) - 1))" "$RECORDER" >/dev/null
	launch in -- sh -c 'while :; do ph-load forks 20; done'
	forked in 3
	kill -STOP "$RECORDER"
	launch out -- sh -c 'while :; do ph-load forks 20; done'
	# By turns: where the one ends, the other begins.
	forked out 2
	forked in 1
	forked out 1
	kill -CONT "$RECORDER"
	forked in 1
	record_end
	[ -z "$(events "$T" | jq -c "select(.event == \"sched_process_fork\" and .container == \"$PH_FILE-out\")" | head -n 1)" ]
	events "$T" -e sched_process_fork,sched_switch | jq -r 'if .event == "sched_switch" then
		"switch \(.fields.next_tid) \(.container)" else "fork \(.fields.child_tid)" end' >"$T.life"
	# The last ones may not have run yet when switches are no longer told. And some kernels tell no tracer of
	# switches from the tasks of process 1: one in some thousand. Without the second task's reason it is one in six.
	awk -v out="$PH_FILE-out" '$1 == "fork" { made[++n] = $2 }
		$1 == "switch" { ran[$2] = 1; from += $3 == out; told = n }
		END { for (i = 1; i < told - 3; i++) bad += !(made[i] in ran)
			print told " children, " bad + 0 " never ran, " from + 0 " switches from the other"
			exit !(told > 50 && bad * 100 < told && from) }' "$T.life" || flunk "children that never ran"
}
