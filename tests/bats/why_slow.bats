#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole why slow, against what the kernel counts and traces itself, and what programs measure.
# limit: 180 s

load lib
load cause

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	kernel_forgets
	rm -rf "$T"* "${DISK:-}"
}

why() { porthole why slow -r "$T" "$@"; }

# of KIND JQ-CONDITION JQ-VALUE, from the last report
of() { jq -r "select(.kind == \"$1\" and ($2)) | $3" "$T.json"; }

# near A B PERCENT [SLACK]
near() {
	awk -v a="$1" -v b="$2" -v p="$3" -v s="${4:-0}" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(b > 0 && d <= p / 100 * b + s) }' ||
		flunk "$1 is not within $3 % of $2"
}

# The parts of each call, and of each container's time, are the whole.
parts_add_up() {
	jq -c 'select(.kind == "system_call" and ([.parts_ns[]] | add) != .time.sum_ns) | [.call, .parts_ns, .time.sum_ns]' \
		"$T.json" >"$T.wrong"
	jq -c '.. | objects | select(has("edges_ns")) | select((.counts | add // 0) != .count or
		(.count > 0 and (.edges_ns | length) != (.counts | length) + 1))' "$T.json" >>"$T.wrong"
	[ ! -s "$T.wrong" ] || flunk "$(head -n 5 "$T.wrong")"
}

run_delay() {
	local delay
	read -r _ delay _ <"/proc/$1/schedstat"
	echo "$delay"
}

computed() { [ "$(cat "/proc/$1/comm")" = ph-load ] && grep -q '^State:.*S' "/proc/$1/status"; }

opens_fifo() { grep -Eq '(wait_for_partner|fifo_open)' "/proc/$1/stack" && grep -q '^State:.*S' "/proc/$1/status"; }

# What a container does first: it waits for the file go.
UNTIL_GO='until [ -e /data/go ]; do ph-load sleep 20ms; done;'

@test "waiting for a CPU: as much as /proc/PID/schedstat says, and who ran" {
	need taskset
	mkdir "$T.data"
	mkfifo "$T.data/go"
	# Neither wakes up before it is told to: no wait has begun before the recording does.
	taskset -c 0 ph-launch --detach --quiet --name "$PH_FILE-in" --timeout 60s -b "$T.data:/data:rw" -- \
		sh -c 'read -r x </data/go; exec ph-load burst 1 700ms 50s' >"$T.in"
	taskset -c 0 ph-launch --detach --quiet --name "$PH_FILE-out" --timeout 60s -b "$T.data:/data:rw" -- \
		sh -c 'read -r x </data/go; exec ph-load burst 1 1500ms 50s' >"$T.out"
	in=$(cat "$T.in") out=$(cat "$T.out")
	wait_for 20 opens_fifo "$in"
	wait_for 20 opens_fifo "$out"
	record "$T" -q -a -e sched,wait,statedump,cgroup
	counted=$(cat /proc/self/schedstat 2>/dev/null)
	before=$(run_delay "$in")
	echo >"$T.data/go"
	wait_for 60 computed "$in"
	after=$(run_delay "$in")
	record_end
	why -p "$in" -o json >"$T.json"
	parts_add_up
	# A wait that ends where who ran before is not recorded (a process that root may not look at) is not known.
	[ -z "$counted" ] || near "$(of container .tasks==1 .run_queue.sum_ns)" $((after - before)) 2 \
		"$(of container .tasks==1 .task_time_ns.unknown)"
	[ "$(of container .tasks==1 .task_time_ns.cpu)" -ge "$(of container .tasks==1 .run_queue.sum_ns)" ]
	why -c "$PH_FILE-in" >"$T.text"
	head -n 3 "$T.text"
	# Where the machine has more to do, others may have run longer than the neighbour.
	grep -Eq "^$PH_FILE-in spent [0-9]+ % of the time that it was busy waiting for a CPU, .*\. Meanwhile ran .*($PH_FILE-out|on the host) \(" "$T.text"
	grep -Eq '^ +[0-9.]+ [mu]?s \.\. [0-9.]+ [mu]?s +\|#+ *\| [0-9]+$' "$T.text"
	grep -q '^note: there are no system calls' "$T.text"
}

# pairs_of KERNELS-TRACE, "SECTOR SECOND" of issues on stdin: how many of these requests it saw to end, and
# their time in ns. A place is written again and again, by others too: the nearest second tells which is meant.
# (One that the device had no room for is issued twice.)
pairs_of() {
	awk -v slow="${PH_SLOW:-1}" 'NR == FNR {
			if (!match($0, /[0-9]+ \+ [0-9]+/)) next
			split(substr($0, RSTART, RLENGTH), s, " ")
			match($0, /[0-9]+\.[0-9]+: /); ts = substr($0, RSTART, RLENGTH - 2)
			if (/ block_rq_issue: /) since[s[1]] = ts
			if (!/ block_rq_complete: / || !(s[1] in since)) next
			i = ++many[s[1]]
			begin[s[1], i] = since[s[1]]; took[s[1], i] = ts - since[s[1]]
			delete since[s[1]]
			next
		}
		{
			best = 0
			for (i = 1; i <= many[$1]; i++) {
				d = begin[$1, i] - $2; if (d < 0) d = -d
				if (!best || d < least) { best = i; least = d }
			}
			if (best && least < 0.0005 * slow && !used[$1, best]++) { n++; sum += took[$1, best] }
		} END { printf "%d %.0f\n", n, sum * 1e9 }' "$1" /dev/stdin
}

major_faults() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f10; }

@test "the disk: requests as the kernel's tracer has them, fsync as its caller's clock, major faults as /proc" {
	DISK=$(mktemp -d -p "${PH_DISK:-/var/tmp}")
	dev=$(stat -c %d "$DISK")
	[ "$((dev >> 8))" != 0 ] || skip "no directory on a block device"
	KERNEL='block/block_rq_issue block/block_rq_complete'
	mkdir "$DISK/in" "$DISK/out"
	cp "$PORTHOLE_BUILD/ph-load" "$DISK/in/cold"
	sync "$DISK/in/cold"
	launch in -b "$DISK/in:/data:rw" --memory 256M -- \
		sh -c "$UNTIL_GO ph-load io /data 100; exec /data/cold sleep 50s"
	in=$PID
	launch out -b "$DISK/out:/data:rw" --memory 256M -- \
		sh -c "$UNTIL_GO while [ ! -e /data/done ]; do ph-load io /data 10 65536; done; exec ph-load sleep 50s"
	out=$PID
	record "$T" -q -a -e sched,wait,block,statedump,cgroup,fsync,pwrite64
	kernel_traces
	# Nothing of it is in memory: it is read when it is run.
	dd of="$DISK/in/cold" oflag=nocache conv=notrunc count=0 2>/dev/null
	touch "$DISK/out/go"
	wait_for 60 grep -q fsync_ns= "$PH_WORK/$PH_FILE-out.log"
	before=$(major_faults "$in")
	touch "$DISK/in/go"
	wait_for 60 grep -q fsync_ns= "$PH_WORK/$PH_FILE-in.log"
	wait_for 20 grep -q cold "/proc/$in/comm"
	wait_for 20 grep -q '^State:.*S' "/proc/$in/status"
	faults=$(($(major_faults "$in") - before))
	touch "$DISK/out/done"
	wait_for 20 grep -q -a "^ph-load.sleep.50s" "/proc/$out/cmdline"
	kernel_traced
	record_end
	why -c "$PH_FILE-*" -o json >"$T.json"
	parts_add_up
	# Each request of the container, for as long as the kernel says.
	offset=$(sed -n 's/^\toffset = \([0-9]*\);/\1/p' "$T/metadata")
	events "$T" -e block_rq_issue | jq -r "select(.fields.io_container_name == \"$PH_FILE-in\" or
		(.container == \"$PH_FILE-in\" and .fields.io_container_name != \"$PH_FILE-out\")) | select(.fields.bytes > 0) |
		\"\(.fields.sector) \((.time_ns - $offset) / 1e9)\"" >"$T.issued"
	read -r n ns < <(pairs_of "$T.kernel" <"$T.issued")
	[ "$n" -ge 100 ]
	ours=$(jq -s "map(select(.kind == \"block\" and .container == \"$PH_FILE-in\").device) |
		\"\(map(.count) | add) \(map(.sum_ns) | add)\"" -r "$T.json")
	echo "kernel: $n $ns; ours: $ours"
	near "${ours% *}" "$n" 5 1
	# Between the two tracers' looks at one thing lies the slower one's work.
	near $((${ours#* } / ${ours% *})) $((ns / n)) 6 $(((${PH_SLOW:-1} - 1) * 5000))
	# The other writer is named, where they met: that is up to the scheduler.
	[ -z "$(of queue ".container == \"$PH_FILE-in\" and .other == \"$PH_FILE-out\"" 'select((.bytes > 4095 and .requests > 0 and .time_ns > 0) | not)')" ]
	# fsync: what its caller measured is ours, and what it waited for the CPU on its way out.
	said=$(sed -n 's/.*load=io n=100 .*fsync_ns=//p' "$PH_WORK/$PH_FILE-in.log")
	call=$(of system_call ".container == \"$PH_FILE-in\" and .call == \"fsync\"" '"\(.time.count) \(.time.sum_ns) \(.parts_ns.cpu)"')
	read -r count sum cpu <<<"$call"
	queue=$(of container ".name == \"$PH_FILE-in\"" .run_queue.sum_ns)
	echo "fsync: said $said, ours $call, run queue $queue"
	[ "$count" = 100 ]
	[ "$sum" -le "$said" ]
	[ "$said" -le $((sum + queue - cpu + sum / 50 + 100 * ${PH_SLOW:-1} * 10000)) ]
	# Major faults, as the kernel counts them for the one process that has some.
	why -p "$in" -o json >"$T.json"
	echo "faults: $faults; ours: $(of container true .major_faults) $(events "$T" -e task_times | jq -c "select(.fields.tid == $in) | [.time_ns, .container, .fields.maj_flt]" | tr '\n' ' ')"
	[ "$faults" -gt 0 ]
	[ "$(jq -s 'map(select(.kind == "container").major_faults) | add' "$T.json")" = "$faults" ]
}

@test "TCP: connections, an accept that comes late, what was sent again" {
	record "$T" -q -c "$PH_FILE-in" --wait
	launch_wait in -- sh -c 'ph-load net late; ph-load net unanswered; grep ^Tcp: /proc/net/snmp; ph-load net overflow' >"$T.said"
	record_end
	cat "$T.said"
	why -c "$PH_FILE-in" -o json >"$T.json"
	parts_add_up
	[ "$(of tcp '.accept_queue.count == 1' '.accept_queue.max_ns >= 200000000')" = true ]
	[ "$(of tcp '.accept_queue.count == 1' .accept_queue.max_ns)" -le "$(sed -n 's/.*waited_ns=\([0-9]*\).*/\1/p' "$T.said")" ]
	# late 1, unanswered 1 (the other never gets there), overflow 2.
	[ "$(jq -s 'map(select(.kind == "tcp").connect.count) | add' "$T.json")" = 4 ]
	[ "$(jq -s 'map(select(.kind == "tcp").connect_failed) | add' "$T.json")" = 1 ]
	resent=$(awk '/^Tcp:/ { if (!n) n = split($0, key); else for (i = 1; i <= n; i++) if (key[i] == "RetransSegs") print $i }' "$T.said")
	[ "$resent" -ge 1 ]
	[ "$(jq -s 'map(select(.kind == "tcp").retransmits) | add' "$T.json")" -ge "$resent" ]
	why -c "$PH_FILE-in" --syscall 'clock_nanosleep,nanosleep' --table slowest --top 2 >"$T.text"
	cat "$T.text"
	[ "$(sed 1d "$T.text" | grep -c 'nanosleep .* timer ')" = 2 ]
}

@test "the running kernel is asked the same; a trace that was cut off is answered as far as it goes" {
	launch in -- sh -c 'while :; do ph-load pingpong 2000; done'
	porthole why slow -c "$PH_FILE-in" -d 1s -w "$T" --stacks >"$T.text"
	head -n 20 "$T.text"
	grep -Eq "^$PH_FILE-in (spent|waited|was) " "$T.text"
	grep -Eq "^$PH_FILE-in +pipe " "$T.text"
	# Where it waits, here and from the trace: every time that it does.
	grep -A 3 "^Where in the kernel tasks of $PH_FILE-in waited" "$T.text" | grep -q pipe_read
	why -c "$PH_FILE-in" --stacks -o json >"$T.json"
	parts_add_up
	stacks=$(of stack ".for == \"pipe\" and any(.functions[]; endswith(\"pipe_read\"))" .time.count | jq -s add)
	# Two waits may have begun before the recording did.
	near "$stacks" "$(of wait '.for == "pipe"' .time.count | jq -s add)" 1 2
	[ "$(of stack "any(.functions[]; test(\"^(__)?schedule$|^0x\"))" .for)" = "" ]
	# Of a command: its children too, and nobody else.
	porthole why slow -o json -- sh -c 'ph-load pingpong 200 >/dev/null & wait' >"$T.json"
	[ "$(of container '.name != null' '.name == "'"$PH_FILE-in"'"')" = false ]
	[ "$(of container '.name != null' '.tasks >= 3')" = true ]
	for f in "$T"/*_[0-9]; do truncate -s "$(($(stat -c %s "$f") * 2 / 3))" "$f"; done
	why -c "$PH_FILE-in" >"$T.text" 2>"$T.err"
	grep -Eq "^$PH_FILE-in (spent|waited|was) " "$T.text"
	! why --table calls --fields nonsense 2>"$T.err"
	grep -q nonsense "$T.err"
	! why --syscall no_such_call 2>"$T.err"
	grep -q "there is no system call 'no_such_call'" "$T.err"
}
