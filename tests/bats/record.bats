#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole record: what is asked for is in the trace, what is not is not.
# limit: 180 s

load lib

teardown() {
	record_kill
	launch_stop
	docker_stop
	rm -rf "$T"*
}

# A container that makes calls which are its own, over and over.
busy() {
	local name=$1
	shift
	launch "$name" "$@" -- ph-load marks "/nope-$name" 20ms
}

# said_again N NAME...: until each has written N lines more.
said_again() {
	local n=$1 name
	declare -A before
	shift
	for name; do before[$name]=$(wc -l <"$PH_WORK/$PH_FILE-$name.log"); done
	for name; do wait_for 30 has_lines "$PH_WORK/$PH_FILE-$name.log" $((${before[$name]} + n)) || return; done
}

# chunks OPTION...: of how many pieces the buffers of a recording are, those of all CPUs. (No other map has values of a megabyte.)
chunks() {
	rm -rf "$T"
	porthole record -q -a -w "$T" "$@" >"$T.out" 2>&1 3>&- &
	RECORDER=$!
	wait_for 60 recording "$T" || flunk "$(cat "$T.out")"
	cat /proc/"$RECORDER"/fdinfo/* 2>/dev/null | awk '/^value_size:/ { size = $2 } /^max_entries:/ && size > 1000000 { print $2; exit }'
	record_end
}

@test "samples alone have a quarter of the buffers; what is asked for is had" {
	local samples others asked
	samples=$(chunks -e profile)
	others=$(chunks -e profile,sched)
	asked=$(chunks -e profile --buffer 16M)
	[ "$asked" = $((4 * samples)) ]
	# Many CPUs share 512 MiB.
	[ "$others" = "$asked" ] || [ "$(nproc --all)" -gt 32 ]
}

@test "a command's calls are there, with their results, in their order" {
	porthole record -q -w "$T" -e syscall -- ph-load calls >"$T.said"
	sed -n 's/^call=\([a-z0-9_]*\) ret=\(-\{0,1\}[0-9]*\) errno=\([A-Z0-9]*\) .*/\1 \2 \3/p' "$T.said" |
		awk '{ sub(/^(fstat|uname)$/, "new&", $1); print $1, $3 == "0" ? $2 : "<0" }' >"$T.expected"
	[ "$(wc -l <"$T.expected")" -gt 80 ]
	events "$T" | jq -r 'select(.event | startswith("syscall_exit_")) |
		"\(.event[13:]) \(.fields.ret | if . < 0 and . > -4096 then "<0" else . end)"' >"$T.seen"
	# The kernel calls two of them by other names. Each expected line is found behind the one before.
	awk 'NR == FNR { want[++n] = $0; next } n && $0 == want[at + 1] { at++ }
		END { if (at < n) { print "not found: " want[at + 1]; exit 1 } }' "$T.expected" "$T.seen"
	babeltrace_reads "$T"
}

# On the host only.
@test "arguments have their values, strings their text" {
	porthole record -q -w "$T" -e syscall -- ph-load calls /tmp >/dev/null
	has "$T" '.event == "syscall_entry_mkdirat" and .fields.pathname == "calls.d" and .fields.mode == 488'
	has "$T" '.event == "syscall_entry_openat" and .fields.filename == "calls.d/file" and .fields.flags == 578'
	has "$T" '.event == "syscall_entry_lseek" and .fields.offset == 3 and .fields.whence == 0'
	has "$T" '.event == "syscall_entry_dup3" and .fields.newfd == 77'
	has "$T" '.event == "syscall_entry_socket" and .fields.family == 1'
}

# Programs are taken from their events one by one, which takes milliseconds. (Who never does anything is one that root
# may not look at: when it leaves the CPU is not told.)
@test "a recording ends at one instant: whose calls are told is who had the CPU" {
	launch pair -- sh -c 'while :; do ph-load pingpong 2000; done'
	launch other -- sh -c 'while :; do ph-load pingpong 2000; done'
	porthole record -q -a -e sched,syscall -w "$T" -d 1s
	events "$T" -e 'sched_switch,syscall_*' | jq -r '"\(.cpu) \(.tid) \(.fields.next_tid // "")"' >"$T.seen"
	awk 'NR == FNR { seen[$2]; next } NF == 3 { on[$1] = $3; next } $1 in on && on[$1] in seen && on[$1] != $2 { wrong++ } { calls++ }
		END { print calls " calls, " wrong + 0 " of tasks without the CPU"; exit !(calls > 1000 && !wrong) }' "$T.seen" "$T.seen"
}

@test "every event has its container, and not the neighbour's" {
	busy left
	busy right
	porthole record -q -a -e syscall -w "$T" -d 1s
	has "$T" ".container == \"$PH_FILE-left\" and .fields.filename == \"/nope-left\""
	has "$T" ".container == \"$PH_FILE-right\" and .fields.filename == \"/nope-right\""
	hasnt "$T" ".container != \"$PH_FILE-left\" and .fields.filename == \"/nope-left\""
	hasnt "$T" ".container != \"$PH_FILE-right\" and .fields.filename == \"/nope-right\""
	babeltrace_reads "$T"
}

@test "one container is recorded, the neighbour is not" {
	busy left
	busy right
	porthole record -q -c "$PH_FILE-left" -e syscall -w "$T" -d 1s
	has "$T" '.fields.filename == "/nope-left"'
	hasnt "$T" '.fields.filename == "/nope-right"'
	hasnt "$T" ".container == \"$PH_FILE-right\""
	hasnt "$T" '(.event | startswith("syscall_")) and .container == null'
}

@test "a container that starts during the recording is there from its first instruction" {
	busy old
	record "$T" -c "$PH_FILE-new*,$PH_FILE-old" -e syscall,sched
	launch_wait new1 -- sh -c 'cat /nope-new; true'
	record_end
	has "$T" ".container == \"$PH_FILE-new1\" and .event == \"sched_process_exec\""
	has "$T" ".container == \"$PH_FILE-new1\" and .event == \"syscall_entry_openat\" and .fields.filename == \"/nope-new\""
	has "$T" ".container == \"$PH_FILE-new1\" and .event == \"syscall_entry_exit_group\""
	# The execve of its first program, entered by the launcher's child inside.
	has "$T" ".container == \"$PH_FILE-new1\" and .event == \"syscall_entry_execve\" and .fields.filename == \"/bin/sh\""
}

# On the host only.
@test "--wait waits for a container that does not exist yet" {
	record "$T" --wait -d 2s -c "$PH_FILE-later" -e syscall
	sleep 1
	kill -0 "$RECORDER"
	begin=${EPOCHREALTIME/./}
	busy later
	wait "$RECORDER"
	# The two seconds are counted from when it was there.
	[ $((${EPOCHREALTIME/./} - begin)) -ge 2000000 ]
	has "$T" '.fields.filename == "/nope-later"'
}

# On the host only.
@test "a selection that matches nothing says what there is" {
	busy here
	run porthole record -c "$PH_FILE-hare" -w "$T" -d 1s
	[ "$status" = 1 ]
	[[ $output == *"$PH_FILE-here"* ]] || flunk "$output"
}

# On the host only.
@test "-p follows a process and its children" {
	# shellcheck disable=SC2016  # for that shell
	sh -c 'while :; do (cat /nope-pid 2>/dev/null); echo >>"$0"; sleep 0.02; done' "$T.rounds" 3>&- &
	local pid=$!
	busy other
	record "$T" -q -p $pid -e syscall
	: >"$T.rounds"
	# The second began after the recording.
	wait_for 20 has_lines "$T.rounds" 2
	record_end
	kill $pid
	has "$T" '.fields.filename == "/nope-pid"'
	hasnt "$T" '.fields.filename == "/nope-other"'
}

@test "--filter is applied in the kernel and in the trace alike" {
	busy fil
	porthole record -q -c "$PH_FILE-fil" -e syscall --filter 'syscall_exit_openat.ret < 0' -w "$T" -d 500ms
	has "$T" '.event == "syscall_exit_openat" and .fields.ret == -2'
	hasnt "$T" '.event | startswith("syscall_entry")'
	hasnt "$T" '.event == "syscall_exit_openat" and .fields.ret >= 0'
}

# throttles NAME: how often its limit ran out.
throttles() {
	cat /sys/fs/cgroup/{cpu,cpu,cpuacct}*/porthole.d/"$PH_FILE-$1"/cpu.stat /sys/fs/cgroup/porthole.d/"$PH_FILE-$1"/cpu.stat 2>/dev/null |
		awk '$1 == "nr_throttled" { print $2; exit }'
}

throttled_again() { [ "$(throttles thr)" -ge $((before + 3)) ]; }

@test "running into the CPU limit is told, with the limit that ran out" {
	# So little that it is used up whatever else runs.
	launch thr --cpus 0.05 -- ph-load spin 30s
	record "$T" -q -c "$PH_FILE-thr" -e sched
	before=$(throttles thr)
	wait_for 30 throttled_again
	record_end
	has "$T" '.event == "sched_throttle_begin" and .fields.quota_ns == 5000000 and .fields.period_ns == 100000000 and .fields.limit_level == 0'
	has "$T" '.event == "sched_throttle_end" and .fields.throttled_ns > 0'
}

@test "seccomp's refusal is told apart from the kernel's" {
	launch sec --seccomp keyctl -- sh -c 'while :; do ph-load fail; usleep 50000; done'
	launch nosec -- sh -c 'while :; do ph-load fail; usleep 50000; done'
	record "$T" -q -c "$PH_FILE-sec,$PH_FILE-nosec" -e syscall
	said_again 12 sec nosec
	record_end
	has "$T" ".container == \"$PH_FILE-sec\" and .event == \"seccomp_refused\" and .fields.name == \"keyctl\""
	hasnt "$T" ".container == \"$PH_FILE-sec\" and .event == \"syscall_entry_keyctl\""
	hasnt "$T" ".container == \"$PH_FILE-nosec\" and .event == \"seccomp_refused\""
	has "$T" ".container == \"$PH_FILE-nosec\" and .event == \"syscall_exit_keyctl\" and .fields.ret == -22"
}

@test "an OOM kill is in the container whose limit it was" {
	launch oom --memory 16M -- sh -c 'while :; do ph-load alloc 64M; done'
	busy calm
	record "$T" -q -c "$PH_FILE-oom,$PH_FILE-calm" -e mm
	said_again 2 oom
	record_end
	has "$T" ".event == \"oom_mark_victim\" and .container == \"$PH_FILE-oom\""
	hasnt "$T" ".event == \"oom_mark_victim\" and .container == \"$PH_FILE-calm\""
}

@test "a killed recorder leaves a readable trace, and nothing in the kernel" {
	local before
	before=$(bpf_programs)
	busy crash
	record "$T" -c "$PH_FILE-crash" -e syscall
	written() { has "$T" '.fields.filename == "/nope-crash"' 2>/dev/null; }
	wait_for 30 written
	kill -9 "$RECORDER"
	wait "$RECORDER" || :
	has "$T" '.fields.filename == "/nope-crash"'
	babeltrace_reads "$T"
	clean() { [ "$(bpf_programs)" = "$before" ]; }
	wait_for 20 clean
}

# On the host only.
@test "with -a everybody is recorded while a command runs" {
	local other
	ph-load marks /nope-other 20ms &
	other=$!
	porthole record -q -a -e syscall -w "$T" -- ph-load sleep 300ms >/dev/null
	porthole record -q -e syscall -w "$T.alone" -- ph-load sleep 300ms >/dev/null
	kill "$other"
	for t in "$T" "$T.alone"; do has "$t" '.event == "syscall_entry_execve" and (.fields.filename | endswith("/ph-load"))'; done
	has "$T" '.fields.filename == "/nope-other"'
	hasnt "$T.alone" '.fields.filename == "/nope-other"'
}

# On the host only.
@test "a full disk ends the recording with a sentence and a readable trace" {
	mkdir "$T"
	mount -t tmpfs -o size=1m full "$T"
	busy full
	run timeout 30 porthole record -a -e sched,syscall -w "$T/trace" -- ph-load getppid 1000000
	local rc=$status said=$output
	events "$T/trace" >"$PH_WORK/full.json" || :
	umount "$T"
	[ "$rc" = 1 ] || flunk "exit $rc: $said"
	[[ $said == *"No space left"* ]]
	[ -s "$PH_WORK/full.json" ]
}

# Each is a directory that is read, in two calls; containers begin all the time.
# On the host only.
@test "thousands of idle cgroups are not looked through for each new container" {
	local base=/sys/fs/cgroup/pids n=3000 seconds=4 i=0 many recorder calls
	need strace
	[ -d $base ] || base=/sys/fs/cgroup
	many=$(for i in $(seq $n); do echo "$base/$PH_FILE-many.d/$i"; done)
	mkdir "$base/$PH_FILE-many.d"
	echo "$many" | xargs mkdir
	strace -f --seccomp-bpf -c -U calls,name -e trace=getdents64 -o "$T.calls" \
		porthole record -q -a -e sched_process_exit -w "$T" -d ${seconds}s &
	recorder=$!
	until [ -s "$T/metadata" ]; do sleep 0.05; done
	while kill -0 $recorder 2>/dev/null; do
		ph-launch --quiet --name "$PH_FILE-new$((++i))" -- sleep 0.2 &
		sleep 0.1
	done
	wait
	echo "$many" | xargs rmdir
	rmdir "$base/$PH_FILE-many.d"
	calls=$(awk '$2 == "getdents64" { print $1 }' "$T.calls")
	# 4000 directories a second and, before that is known and at the end, five times all.
	[ "$calls" -gt $((2 * n)) ] && [ "$calls" -lt $((2 * (4000 * (seconds + 1) + 5 * n))) ] || flunk "$calls calls"
}

# Without privileges nothing can be loaded: what is told is what was looked at before.
# On the host only.
@test "what cannot be written or read is told before anything is loaded" {
	local verb powerless="setpriv --bounding-set=-all --inh-caps=-all"
	need setpriv
	mkdir -p "$T/used/x" "$T/pieces/00001/x" "$T/full"
	for verb in "record -a" "view -a" "trace open -a" "profile -a" "why slow -a" "probe -a tracepoint:sched:sched_switch" "top -a" "stat -a" "path -p $$"; do
		run $powerless porthole $verb -d 1s -w "$T/used"
		[ "$status" = 1 ] && [[ $output == *"$T/used is not empty: a trace is written only into a new or empty directory"* ]] ||
			flunk "$verb: $status $output" || return
	done
	run $powerless porthole record -a --rotate 1s -w "$T/pieces"
	[[ $output == *"$T/pieces has a piece of another recording, 00001"* ]] || flunk "$output" || return
	mount -t tmpfs -o size=4k full "$T/full"
	head -c 4096 /dev/zero >"$T/full/file"
	run $powerless porthole record -a -w "$T/full/trace"
	umount "$T/full"
	[[ $output == *"$T/full/trace: No space left on device"* ]] || flunk "$output" || return
	run $powerless porthole profile -a --diff "$T/none"
	[[ $output == *"cannot open $T/none"* ]] || flunk "$output" || return
	for verb in view profile stat; do
		run $powerless sh -c "porthole $verb -a -d 1s >&-"
		[ "$status" = 1 ] && [[ $output == *"cannot write the output: Bad file descriptor"* ]] || flunk "$verb: $status $output" || return
	done
}

# On the host only.
@test "no file takes the place of a standard stream that is closed" {
	porthole record -q -a -e sched -w "$T" <&- >&- 2>&- 3>&- &
	RECORDER=$!
	wait_for 20 recording "$T"
	[ "$(readlink "/proc/$RECORDER/fd/"[012] | sort | uniq -c | tr -s ' ')" = " 3 /dev/null" ] || flunk "$(ls -l "/proc/$RECORDER/fd/")"
	record_end
}

# On the host only.
@test "rotation keeps the newest pieces, each a trace of its own" {
	busy rot
	porthole record -q -a -e syscall --rotate 300ms --keep 2 -w "$T" -d 2s
	[ "$(find "$T" -name metadata | wc -l)" = 2 ]
	local pieces=("$T"/*/) ns
	# The last was begun when it pleased: where it is short, the container may have slept in it.
	ns=$(events "${pieces[1]}" | jq -s 'last.time_ns - first.time_ns')
	has "${pieces[0]}" ".container == \"$PH_FILE-rot\" and .fields.filename == \"/nope-rot\""
	[ "$ns" -lt 100000000 ] || has "${pieces[1]}" ".container == \"$PH_FILE-rot\" and .fields.filename == \"/nope-rot\""
	babeltrace_reads "${pieces[0]}"
	babeltrace_reads "${pieces[1]}"
	# What programs are started with, and what they write, is nobody else's to read.
	[ -z "$(find "$T" -perm /077)" ]
}

# On the host only.
@test "rotation writes to no link that somebody has put there, and removes nothing behind one" {
	local pid rc=0
	mkdir "$T" "$T-empty" "$T-other"
	touch "$T-other/file"
	porthole record -q -a -e sched_process_exec --rotate 1s --keep 1 -w "$T" -d 5s 2>"$T-said" 3>&- &
	pid=$!
	wait_for 10 test -e "$T/00001/metadata"
	mv "$T/00001" "$T-old"
	ln -s "$T-other" "$T/00001"
	# (Where it has gone on by then, the next one.)
	ln -sT "$T-empty" "$T/00002" || ln -sT "$T-empty" "$T/00003"
	wait "$pid" || rc=$?
	[ "$rc" = 1 ] && grep -q "$T/0000[23]: File exists" "$T-said" || flunk "$rc" "$(cat "$T-said")" || return
	[ -e "$T-other/file" ]
	[ -z "$(ls -A "$T-empty")" ]
}

@test "rotation does not begin where it would come upon pieces that are there" {
	local there
	for there in 00001 00007; do
		mkdir -p "$T/$there"
		run porthole record -q -a -e sched_process_exec --rotate 1s -w "$T" -d 1s
		[[ $status = 1 && $output == *"$T has a piece of another recording, $there: "* ]] || flunk "$output"
		[ "$(ls "$T")" = "$there" ]
		rmdir "$T/$there"
	done
	# What is no piece is in nobody's way.
	mkdir "$T/lost+found"
	porthole record -q -a -e sched_process_exec --rotate 1s -w "$T" -d 0.1s
	[ -s "$T/00001/metadata" ]
}

# On the host only.
@test "an unknown event is an error, not an empty trace" {
	run porthole record -a -e sched_swich -w "$T" -d 100ms
	[ "$status" = 2 ]
	[[ $output == *sched_switch* ]]
}

# On the host only.
@test "a frequency of samples that are not recorded is an error" {
	run porthole record -a -e sched -F 500 -w "$T" -d 100ms
	[ "$status" = 2 ]
	[[ $output == *'--freq: no samples are recorded without -e profile'* ]]
	# Stacks of events alone take no samples; with a frequency they do.
	porthole record -q -a -e sched --callstacks sched_switch -F 500 -w "$T" -d 100ms
}
