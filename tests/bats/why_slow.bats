#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole why slow, against what the kernel counts and traces itself, and what programs measure.
# limit: 180 s

load lib
load cause

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
	grep -Eq "^$PH_FILE-in spent [0-9.]+ % of the time that it was busy waiting for a CPU, .*\. Meanwhile ran .*($PH_FILE-out|on the host) \(" "$T.text"
	grep -Eq '^ +[0-9.]+ [mu]?s \.\. [0-9.]+ [mu]?s +\|#+ *\| [0-9]+$' "$T.text"
	grep -q '^note: there are no system calls' "$T.text"
}

# requests CONTAINER OTHER $offset: "DEVICE SECTOR BEGIN TOOK", in ns, of CONTAINER's requests that ended, as the events
# themselves say it. What of a request a device ends is at its place and of its kind; a flush has no place, and a
# write that waits for the flush behind it ends twice, then with nothing. Who gave it counts where the kernel does
# not say who is charged.
requests() {
	events "$T" -e block_rq_issue,block_rq_complete | jq -r ".event as \$event | .container as \$container | .time_ns as \$time |
		.fields | (.rwbs_name | split(\"|\")) as \$kinds | [(\"FLUSH\", \"READ\", \"WRITE\", \"DISCARD\", \"OTHER\") |
		select(IN(\$kinds[], \"OTHER\"))][0] as \$kind | \"\(\$event) \(.dev_name) \(.sector) \(\$kind) \(.bytes) \(\$time - $3) \(
		.io_container_name == \"$1\" or (\$container == \"$1\" and .io_container_name != \"$2\"))\"" |
		awk '{ place = $2 " " ($4 == "FLUSH" ? 0 : $3); key = place " " $4 }
			$1 == "block_rq_issue" { begin[key] = $6; ours[key] = $7; next }
			$5 == 0 && $4 != "FLUSH" { next }
			key in begin {
				if (ours[key] == "true") printf "%s %.0f %.0f %s\n", place, begin[key], $6 - begin[key], $4
				delete begin[key]
			}'
}

# pairs_of KERNELS-TRACE, requests on stdin: "BEGINS TOOK THEIRS", in ns, of each that the kernel saw too: by how much
# it began earlier or later there, how much longer or shorter it was, how long it was there. A place is written again
# and again, by others too: the nearest tells which is meant. Flushes have no place.
pairs_of() {
	awk 'function abs(x) { return x < 0 ? -x : x }
		NR == FNR {
			if (!match($0, /block_rq_[a-z]*: [0-9]+,[0-9]+ /)) next
			key = substr($0, RSTART, RLENGTH - 1); sub(/.*: /, "", key); sub(/,/, ":", key)
			if (!match($0, /[0-9]+ \+ [0-9]+/)) next
			split(substr($0, RSTART, RLENGTH), s, " ")
			key = key " " s[1]
			match($0, /[0-9]+\.[0-9]+: /); ts = substr($0, RSTART, RLENGTH - 2) * 1e9
			if (/ block_rq_issue: /) since[key] = ts
			if (!/ block_rq_complete: / || !(key in since)) next
			i = ++many[key]
			begin[key, i] = since[key]; took[key, i] = ts - since[key]
			delete since[key]
			next
		}
		$5 != "FLUSH" {
			key = $1 " " $2; best = 0
			for (i = 1; i <= many[key]; i++) {
				if (used[key, i]) continue
				d = abs(begin[key, i] - $3)
				if (!best || d < least) { best = i; least = d }
			}
			if (!best) next
			used[key, best] = 1
			printf "%.0f %.0f %.0f\n", least, abs(took[key, best] - $4), took[key, best]
		}' "$1" /dev/stdin
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
		sh -c "$UNTIL_GO ph-load io /data 100 4096 /data/fsync_ns; exec /data/cold sleep 50s"
	in=$PID
	launch out -b "$DISK/out:/data:rw" --memory 256M -- \
		sh -c "$UNTIL_GO while [ ! -e /data/done ]; do ph-load io /data 10 65536; done; exec ph-load sleep 50s"
	out=$PID
	earlier=$(major_faults "$in")
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
	after=$(major_faults "$in")
	touch "$DISK/out/done"
	wait_for 20 grep -q -a "^ph-load.sleep.50s" "/proc/$out/cmdline"
	kernel_traced
	record_end
	why -c "$PH_FILE-*" -o json >"$T.json"
	parts_add_up
	offset=$(sed -n 's/^\toffset = \([0-9]*\);/\1/p' "$T/metadata")
	# There is an event of each that the kernel saw given to the device, flushes too, which have no place and are given
	# by whom it happens to be: of as many as are not told to be missed. The recorder's own are not recorded.
	comm -23 <(kernel_told_all | sed -n 's/.* block_rq_issue: \([0-9]*\),\([0-9]*\) .* \([0-9]*\) + [0-9]* .*\[\(.*\)\]$/\1:\2 \3 \4/p' | grep -v ' porthole$' | sort) \
		<(events "$T" -e block_rq_issue | jq -r '.fields | "\(.dev_name) \(.sector) \(.comm)"' | sort) >"$T.missing"
	told=$(events "$T" -e block_rq_issue | jq 'select(.event == "events_discarded").fields.count' | jq -s 'add // 0')
	echo "of $(grep -c ' block_rq_issue: ' "$T.kernel") requests not recorded: $(wc -l <"$T.missing"), told: $told"
	[ "$(wc -l <"$T.missing")" -le "$told" ] || flunk "not recorded:" "$(head -n 3 "$T.missing")"
	# The report counts what the events say, to the nanosecond.
	requests "$PH_FILE-in" "$PH_FILE-out" "$offset" >"$T.requests"
	[ "$(jq -s "map(select(.kind == \"block\" and .container == \"$PH_FILE-in\").device) |
		\"\(map(.count) | add) \(map(.sum_ns) | add)\"" -r "$T.json")" = \
		"$(awk '{ n++; sum += $4 } END { printf "%d %.0f\n", n, sum }' "$T.requests")" ]
	# And the events what the kernel says: of each request when it began and for how long.
	pairs_of "$T.kernel" <"$T.requests" >"$T.pairs"
	asked=$(grep -vc 'FLUSH$' "$T.requests")
	took=$(median 3 <"$T.pairs")
	echo "requests: $asked, of them the kernel's $(wc -l <"$T.pairs"); medians: $took ns there," \
		"begins $(median 1 <"$T.pairs") ns apart, lengths $(median 2 <"$T.pairs") ns"
	[ "$asked" -ge 100 ]
	[ "$(wc -l <"$T.pairs")" -ge $((asked * 95 / 100)) ]
	# Between the two tracers' looks at one thing lies the slower one's work.
	[ "$(median 1 <"$T.pairs")" -le $((${PH_SLOW:-1} * 10000)) ]
	[ "$(median 2 <"$T.pairs")" -le $((took * 6 / 100 + (${PH_SLOW:-1} - 1) * 5000)) ]
	# The other writer is named, where they met: that is up to the scheduler.
	[ -z "$(of queue ".container == \"$PH_FILE-in\" and .other == \"$PH_FILE-out\"" 'select((.bytes > 4095 and .requests > 0 and .time_ns > 0) | not)')" ]
	# fsync: the report counts what the events say, which is what its caller measured.
	events "$T" -e syscall_entry_fsync,syscall_exit_fsync | jq -r "select(.container == \"$PH_FILE-in\") | \"\(.event) \(.time_ns - $offset)\"" |
		awk '$1 ~ /entry/ { begin = $2; next } { printf "%.0f\n", $2 - begin }' >"$T.calls"
	[ "$(of system_call ".container == \"$PH_FILE-in\" and .call == \"fsync\"" '"\(.time.count) \(.time.sum_ns)"')" = \
		"$(awk '{ sum += $1 } END { printf "%d %.0f\n", NR, sum }' "$T.calls")" ]
	paste -d ' ' "$DISK/in/fsync_ns" "$T.calls" | awk '{ print $1, $2, $1 - $2 }' >"$T.pairs"
	echo "fsync: $(wc -l <"$T.calls") calls; medians: $(median 2 <"$T.pairs") ns, its caller measured $(median 3 <"$T.pairs") ns more"
	awk 'NF != 3 || $3 < 0 { exit 1 } END { exit NR != 100 }' "$T.pairs"
	[ "$(median 3 <"$T.pairs")" -le $(($(median 2 <"$T.pairs") / 50 + ${PH_SLOW:-1} * 10000)) ]
	# Major faults, as the kernel counts them for the one process that has some: since the recording began.
	why -p "$in" -o json >"$T.json"
	faults=$(jq -s 'map(select(.kind == "container").major_faults) | add' "$T.json")
	echo "faults: $earlier, $before, $after; ours: $faults $(events "$T" -e task_times | jq -c "select(.fields.tid == $in) | [.time_ns, .container, .fields.maj_flt]" | tr '\n' ' ')"
	[ "$after" -gt "$before" ]
	[ "$faults" -ge $((after - before)) ]
	[ "$faults" -le $((after - earlier)) ]
}

@test "TCP: connections, an accept that comes late, what was sent again" {
	record "$T" -q -c "$PH_FILE-in" --wait
	launch_wait in -- sh -c 'ph-load net late; ph-load net unanswered; grep ^Tcp: /proc/net/snmp; ph-load net overflow' >"$T.said"
	record_end
	cat "$T.said"
	why -c "$PH_FILE-in" -o json >"$T.json"
	parts_add_up
	# The connection was there for as long as its server slept, and less than since before it was made.
	waited=$(of tcp '.accept_queue.count == 1' .accept_queue.max_ns)
	[ "$waited" -ge "$(sed -n 's/.*slept_ns=\([0-9]*\).*/\1/p' "$T.said")" ]
	[ "$waited" -le "$(sed -n 's/.*waited_ns=\([0-9]*\).*/\1/p' "$T.said")" ]
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
	# As CSV the stacks, which the schema tells of.
	[ "$(why -c "$PH_FILE-in" --stacks -o csv | sed -n '1s/.*,\([a-z]*\)\r$/\1/p')" = stack ]
	porthole why slow --stacks --json-schema | jq -e '.properties | has("stack") and has("folded")'
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
	! why --table calls --fields nonsense 2>"$T.err" || flunk "a field of no name is taken"
	grep -q nonsense "$T.err"
	! why --syscall no_such_call 2>"$T.err" || flunk "a call of no name is taken"
	grep -q "there is no system call 'no_such_call'" "$T.err"
}
