#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --filter means the same to a recording, where the kernel decides what it can, and to a trace: many
# recorders look at one run of two containers, one without a filter, each other with its own.
# limit: 180 s

load lib

setup() {
	T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER
	RECORDERS=()
}

teardown() {
	local p
	for p in "${RECORDERS[@]}"; do kill -9 "$p" 2>/dev/null || :; done
	launch_stop
	rm -rf "$T"*
}

# started NAME: a container that waits, and then runs the load.
started() {
	launch "$1" -b "$T.go:/go:rw" -- sh -c "read -r _ </go/$1; ph-load cause odd-calls; exec ph-load kinds"
}

gone() { ! ph-launch --list | grep -q "^$PH_FILE-"; }

# one SELECTION EVENTS FILTER...: record all of it and each filter at once, compare with the trace.
one() {
	local sel=$1 events=$2 i=0 f
	shift 2
	# Under emulation it takes a recorder seconds to begin.
	[ "${PH_SLOW:-1}" = 1 ] || set -- "${@:1:2}"
	mkdir "$T.go"
	mkfifo "$T.go/in" "$T.go/out"
	started in
	started out
	record "$T.0" -q "$sel" -e "$events" --context vpid,prio,uid,procname --buffer 8M
	RECORDERS=("$RECORDER")
	for f; do
		i=$((i + 1))
		record "$T.$i" -q "$sel" -e "$events" --context vpid,prio,uid,procname --buffer 8M --filter "$f"
		RECORDERS+=("$RECORDER")
	done
	echo >"$T.go/in"
	echo >"$T.go/out"
	wait_for 30 gone
	for RECORDER in "${RECORDERS[@]}"; do record_end; done
	i=0
	for f; do
		i=$((i + 1))
		seen "$T.0" --filter "$f" >"$T.trace"
		seen "$T.$i" >"$T.kernel"
		[ -s "$T.trace" ] || flunk "no event with: $f" || return
		diff "$T.trace" "$T.kernel" >"$T.diff" ||
			flunk "$f: by the trace's filter (<) and by the recorder's (>):" "$(head -20 "$T.diff")" || return
	done
}

# seen DIR [view options]: what happened, but when; the recorders need not agree on that, nor on numbers
# that they give to containers. The births, names and ends of tasks are in every recording. A signal's timer may fire
# over a task of the host: which process that is knows a recorder that began after it.
seen() {
	events "$@" -e '!statedump,!container,!sched_process_*,!task_rename' |
		sed -E 's/"time_ns":[0-9]*,//; s/"pid":(null|[0-9]*),//; s/"([a-z]*_)?container":[0-9]+,?//' | sort
}

@test "numbers, names of values, flags, and what the kernel decides of text" {
	one "-c$PH_FILE-*" syscall \
		'vpid == 1 && nice > 0 && uid == 0' \
		'ret < 0' \
		'syscall_exit_*.ret == -ENOENT && comm == "ph-load"' \
		'syscall_entry_openat.flags & (O_CREAT|O_TMPFILE)' \
		'syscall_entry_lseek.offset < 0 || syscall_entry_mmap.len >= 1M' \
		'name == syscall_exit_read && ret > 32' \
		'fd == 4294967295 || newfd == 100' \
		'!(comm == "ph-load")' \
		'syscall_entry_write.count != 0 && !(count < 33)' \
		'vtid > 2'
}

# On the host only.
@test "text, patterns, containers, sequences, and what is not there" {
	one "-c$PH_FILE-*" syscall,signal \
		'filename ~ "/tmp/*" && filename !~ "*[0-9]"' \
		'filename == "/tmp/käse-日本" || pathname == dir' \
		"container == \"$PH_FILE-in\"" \
		"!(container == \"$PH_FILE-in\") && name ~ 'syscall_entry_*'" \
		"container != \"$PH_FILE-out\" && ret == 0" \
		'argv == sleep || uservaddr_data == "127.0.0.1:80"' \
		'fildes == 15 || socket > 20' \
		'signal_generate.sig == SIGALRM' \
		'name ~ "compat_*" || syscall_entry_unknown.nr == 1000' \
		'filename && flags && !(ret)'
}

# On the host only.
@test "one container of the whole machine" {
	one -a syscall "container == \"$PH_FILE-in\"" "container ~ \"$PH_FILE-o*\" && ret < 0"
	hasnt "$T.1" ".container != \"$PH_FILE-in\"" -e syscall
	has "$T.1" '.event == "syscall_entry_openat" and .fields.filename == "/no/edge"'
}
