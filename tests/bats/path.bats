#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole path, against loads of which the path is known, and against what the kernel counts and traces itself.
# limit: 180 s

load lib
load cause
load path

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

@test "known shapes: the path has what each computed, and not who was not waited for" {
	local shape shapes
	# Beside others' work a trace is large, and each shape's path reads all of it: some are recorded together.
	for shapes in 'join nested late pipe full lock' 'timer signal tcp ring inception' 'imbalance filelock preempt modes outlive'; do
		rm -rf "$T"*
		record "$T" -q -a -e +irq
		for shape in $shapes; do
			launch_wait "$shape" -- ph-load chain "$shape" >"$T.$shape"
		done
		record_end
		for shape in $shapes; do
			echo "--- $shape"
			cp "$T.$shape" "$T.said"
			porthole path -r "$T" -c "$PH_FILE-$shape" -o json --steps 100000 >"$T.json"
			whole
			# shellcheck disable=SC2046 # names without blanks
			computed $(sed -n 's/^stage=\([^ ]*\) .*/\1/p' "$T.said" | sort -u | grep -vxE 'c-short|c-early')
			case $shape in
			join) [ "$(sum '.comm == "c-short" and .state != "run queue"')" -le $((${PH_SLOW:-1} * 2000000)) ] ;;
			timer) [ "$(sum '.comm == "c-sleeper" and .state == "timer"')" -ge 98000000 ] ;;
			inception) [ "$(sum '.comm[:8] == "c-level-" and .state == "timer"')" -ge 88000000 ] ;;
			filelock) [ "$(sum '.comm == "c-fighter-1" and .state == "timer"')" -ge 49000000 ] ;;
			preempt) [ "$(sum '.comm == "c-pulse"')" -le $((${PH_SLOW:-1} * 2000000)) ] ;;
			# It has ended before one looks for it; on the CPU that it shares it may have been in the way.
			late) [ "$(itself c-early)" = 0 ] ;;
			modes)
				[ "$(sum '.comm == "c-user" and .state == "kernel"')" -le $((${PH_SLOW:-1} * 2000000)) ]
				[ "$(sum '.comm == "c-kernel" and .state == "user"')" -le $((${PH_SLOW:-1} * 2000000)) ] ;;
			# (That long is the job of what-if, too.)
			outlive)
				jq -se '.[0] | .comm == "c-main" and .end_tid != .tid' "$T.json" >/dev/null
				porthole what-if -r "$T" -c "$PH_FILE-outlive" --cpus none -o json >"$T.if"
				[ "$(jq '.ended and .recorded.duration_ns >= 70000000' "$T.if")" = true ] ;;
			tcp) jq -se 'any(.kind == "step" and .comm == "c-server" and .then == "sends to" and .then_comm == "c-main")' "$T.json" >/dev/null ;;
			esac
		done
	done
}

# waits: of "TIME EVENT STATE" of one task "BEGIN LEAST MOST", in ns: of each that cannot be interrupted, until its wake-up begins, and
# until that is over.
waits() {
	awk '$2 == "sched_switch" { left = $3 ~ /^D/ || int($3 / 2) % 2 ? $1 : 0; waking = 0 }
		$2 == "sched_waking" && left { waking = $1 }
		$2 == "sched_wakeup" && left && waking { printf "%.0f %.0f %.0f\n", left, waking - left, $1 - left; left = 0 }'
}

@test "a disk: it is the path for as long as the kernel's tracer says" {
	local disk begin end offset tid ours n took time event state
	disk=$(mktemp -d -p "${PH_DISK:-/var/tmp}" path.XXXXXX)
	[ $(($(stat -c %d "$disk") >> 8)) != 0 ] || skip "no directory on a block device"
	KERNEL='sched/sched_switch sched/sched_waking sched/sched_wakeup'
	record "$T" -q -a -e +irq
	kernel_traces
	kernel_only sched/sched_switch 'prev_comm == "c-main"'
	kernel_only sched/sched_waking 'comm == "c-main"'
	kernel_only sched/sched_wakeup 'comm == "c-main"'
	launch_wait disk -b "$disk:/data:rw" -- ph-load chain disk >"$T.said"
	kernel_traced
	record_end
	rmdir "$disk"
	IFS=. read -r begin _ end < <(sed -n 's/^range=//p' "$T.said")
	offset=$(sed -n 's/^\toffset = \([0-9]*\);/\1/p' "$T/metadata")
	porthole path -r "$T" -c "$PH_FILE-disk" --range $((begin + offset))..$((end + offset)) -o json >"$T.json"
	whole
	tid=$(jq -r 'select(.kind == "path").tid' "$T.json")
	ours=$(sum ".tid == $tid and .state == \"disk\"")
	# As its events have it, from when it leaves its CPU to its wake-up, which is not over at once.
	porthole view -r "$T" -e sched_switch,sched_waking,sched_wakeup -o csv --no-header --fields time,event,prev_state \
		-f "sched_switch.prev_tid == $tid || sched_waking.tid == $tid || sched_wakeup.tid == $tid" |
		while IFS=, read -r time event state; do echo "$((time - offset)) $event ${state:-0}"; done |
		awk -v begin="$begin" -v end="$end" '$1 >= begin && $1 <= end' | waits >"$T.ours"
	# And its events as the kernel's tracer: between the two one's looks at a thing lies the slower one's work.
	awk -v tid="$tid" -v begin="$begin" -v end="$end" '
		match($0, /[0-9]+\.[0-9]+: sched_/) { ts = substr($0, RSTART, RLENGTH - 8) * 1e9 }
		ts < begin || ts > end { next }
		match($0, /sched_[a-z]*: /) { event = substr($0, RSTART, RLENGTH - 2) }
		(event == "sched_switch" ? $0 ~ " prev_pid=" tid " " : $0 ~ " pid=" tid " ") {
			sub(/.*prev_state=/, ""); printf "%.0f %s %s\n", ts, event, $1
		}' "$T.kernel" | waits >"$T.theirs"
	awk 'function abs(x) { return x < 0 ? -x : x }
		NR == FNR { begin[++n] = $1; took[n] = $2; next }
		{ for (i = i ? i : 1; i < n && abs(begin[i + 1] - $1) <= abs(begin[i] - $1); i++); print abs(begin[i] - $1), abs(took[i] - $2), took[i] }' \
		"$T.theirs" "$T.ours" >"$T.pairs"
	n=$(wc -l <"$T.ours")
	took=$(median 3 <"$T.pairs")
	awk -v ours="$ours" '{ least += $2; most += $3 }
		END { print "disk: " ours " ns, the events say " least " to " most; exit !(ours <= most * 1.02 && ours >= least * 0.98) }' "$T.ours"
	echo "waits: $n, the kernel saw $(wc -l <"$T.theirs"); medians: $took ns there," \
		"begin $(median 1 <"$T.pairs") ns apart, lengths $(median 2 <"$T.pairs") ns"
	[ "$n" -ge 100 ]
	[ "$(wc -l <"$T.theirs")" -ge $((n * 98 / 100)) ]
	[ "$(wc -l <"$T.theirs")" -le $((n * 102 / 100)) ]
	[ "$(median 1 <"$T.pairs")" -le $((${PH_SLOW:-1} * 10000)) ]
	[ "$(median 2 <"$T.pairs")" -le $((took * 6 / 100 + (${PH_SLOW:-1} - 1) * 5000)) ]
}

run_delay() {
	local delay
	read -r _ delay _ <"/proc/$1/schedstat"
	echo "$delay"
}

@test "across containers: a server's limit is what its client waits for; the kernel counts as much, and saw each wake-up" {
	mkdir "$T.data"
	KERNEL='sched/sched_waking sched/sched_wakeup_new'
	# Half of what it needs for one request, so that it runs out on a busy machine, too.
	launch server --share pid --cpus 0.05 -b "$T.data:/data:rw" -- ph-load chain serve /data/socket 10ms
	server=$PID
	wait_for 20 test -S "$T.data/socket"
	record "$T" -q -a -e +irq
	kernel_traces
	before=$(throttled_ns "porthole.d/$PH_FILE-server")
	launch_wait client --share pid -b "$T.data:/data:rw" -- ph-load chain ask /data/socket 15 >"$T.said"
	after=$(throttled_ns "porthole.d/$PH_FILE-server")
	kernel_traced
	record_end
	grep c-server "$PH_WORK/$PH_FILE-server.log" >>"$T.said"
	porthole path -r "$T" -c "$PH_FILE-client" -o json --steps 100000 >"$T.json"
	whole
	computed c-main c-server
	# The client has gone on while its server was let go of: that is not on the path, but is no longer than the client's own.
	throttled=$(sum '.comm == "c-server" and .state == "throttled"')
	own=$(sum '.comm == "c-main"')
	echo "throttled: $throttled ns, the kernel counts $((after - before)), the client itself had $own"
	[ "$throttled" -ge 100000000 ]
	[ "$throttled" -le $(((after - before) * 102 / 100)) ]
	[ "$throttled" -ge $(((after - before) * 98 / 100 - own - $(sum '.state == "unknown"') - 20000000)) ]
	jq -se "any(.kind == \"share\" and .state == \"throttled\" and .container == \"$PH_FILE-server\" and
		.limit_cgroup_path == \"/porthole.d/$PH_FILE-server\" and .quota_ns == 5000000 and .period_ns == 100000000)" "$T.json" >/dev/null
	porthole path -r "$T" -c "$PH_FILE-client" >"$T.text"
	head -n 1 "$T.text"
	head -n 1 "$T.text" | grep -q "throttled by the limit of 0.05 CPU at /porthole.d/$PH_FILE-server[,.]"
	# What would help most is what has most of it.
	[ "$(jq -r 'select(.kind == "help" and .resource != "unknown").time_ns' "$T.json" | sort -n | tail -n 1)" = \
		"$(jq -r 'select(.kind == "help").time_ns' "$T.json" | head -n 1)" ]
	[ "$(jq -r 'select(.kind == "help" and .resource == "limit").time_ns' "$T.json")" -ge "$throttled" ]
	# Each wake-up on the path is one that the kernel's tracer saw, by that task of that task.
	offset=$(sed -n 's/^\toffset = \([0-9]*\);/\1/p' "$T/metadata")
	jq -r "select(.kind == \"step\" and .then == \"wakes\") | \"\(.tid) \(.then_tid) \(.end_ns - $offset)\"" "$T.json" >"$T.edges"
	awk 'function abs(x) { return x < 0 ? -x : x }
		NR == FNR {
			if (!match($0, /-[0-9]+ +\[/)) next
			from = substr($0, RSTART + 1, RLENGTH - 2) + 0
			match($0, /[0-9]+\.[0-9]+: sched_wak/); ts = substr($0, RSTART, RLENGTH - 11) * 1e9
			match($0, / pid=[0-9]+/); to = substr($0, RSTART + 5, RLENGTH - 5)
			at[from, to, ++n[from, to]] = ts
			next
		}
		{
			edges++
			for (i = 1; i <= n[$1, $2]; i++) if (abs(at[$1, $2, i] - $3) < 1e6) { found++; break }
		}
		END { print edges " wake-ups, the kernel saw " found + 0; exit !(edges >= 20 && found == edges) }' "$T.kernel" "$T.edges"
	kill "$server"
}

@test "a neighbour on its CPU: the server's time in the run queue is the client's path, as much as schedstat says" {
	need taskset
	mkdir "$T.data"
	launch server --share pid -b "$T.data:/data:rw" -- ph-load chain serve /data/socket 10ms
	server=$PID
	wait_for 20 test -S "$T.data/socket"
	launch hog -- ph-load spin 50s
	taskset -p -c 0 "$server" >/dev/null
	taskset -p -c 0 "$PID" >/dev/null
	record "$T" -q -a -e +irq
	counted=$(cat /proc/self/schedstat 2>/dev/null)
	before=$(run_delay "$server")
	launch_wait client --share pid -b "$T.data:/data:rw" -- ph-load chain ask /data/socket 20 >"$T.said"
	after=$(run_delay "$server")
	record_end
	porthole path -r "$T" -c "$PH_FILE-client" -o json --steps 100000 >"$T.json"
	whole
	queued=$(sum '.comm == "c-server" and .state == "run queue"')
	by=$(sum ".comm == \"c-server\" and .by_container == \"$PH_FILE-hog\"")
	echo "run queue: $queued ns, while the neighbour ran $by, the kernel counts $((after - before))"
	[ "$by" -ge 20000000 ]
	[ "$by" -le "$queued" ]
	# What the server waited while the client went on is not the client's path.
	[ -z "$counted" ] || awk -v a="$queued" -v b=$((after - before)) -v own="$(sum '.comm == "c-main" or .state == "unknown"')" \
		'BEGIN { exit !(a <= b * 1.02 + 1e6 && a >= b * 0.98 - own - 1e7) }'
}

@test "the running kernel is asked the same: a command's path" {
	porthole path -w "$T" -o json --steps 100000 -- sh -c "ph-load chain nested >$T.said" >"$T.json"
	whole
	computed c-main c-middle c-inner
	run porthole path -r "$T" --comm sh --range +1000s..
	[ "$status" = 1 ]
	[[ "$output" == *"of what is selected nothing was there in that time"* ]]
	# The shell waits for it.
	[ "$(jq -r 'select(.kind == "path").comm' "$T.json")" = sh ]
}

# of_band BAND JQ-CONDITION: how long the requests of that band, 20 slow ones or 40 fast ones, were in what that is true of together
of_band() {
	jq -s "[.[] | select(.kind == \"difference\" and ($2)) | .$1.mean_ns] | (add // 0) * $([ "$1" = slow ] && echo 20 || echo 40) | round" "$T.json"
}

# ran BAND COMM, and what may be its time or not, as kernels differ
ran() { of_band "$1" ".comm == \"$2\" and IN(.state; \"user\", \"kernel\", \"running\")"; }
beside() { of_band "$1" ".comm == \"$2\" and IN(.state; \"interrupted\", \"steal\", \"unknown\")"; }

# said_of KIND FIELD: of those among the slowest the sum of what who was waited for said, a mean of all times
said_of() {
	awk -v kind="$1" -v field="$2" -F'[ =]' 'NR == FNR { many += $2 == kind; next }
		$1 == kind && $2 == "ran_ns" { n++; for (i = 2; i < NF; i++) if ($i == field) ns += $(i + 1) } END { printf "%.0f\n", n ? many * ns / n : 0 }' \
		"$T.slowest" "$PH_WORK/$PH_FILE"-{server,back}.log
}

# near WHAT MEASURED KNOWN [SLACK]: within 2 %, and a millisecond or so
near() {
	echo "$1: $2 ns, known are $3"
	awk -v a="$2" -v b="$3" -v slack="${4:-1000000}" -v share="${PH_SLOW:+0.12}" 'BEGIN {
		d = a > b ? a - b : b - a; exit !(b > 0 && d <= b * (share ? share : 0.02) + slack) }' || flunk "$(jq -c 'select(.kind != "step") | [.comm, .state, .what, .fast.mean_ns, .slow.mean_ns]' "$T.json" | head -n 20)"
}

@test "Docker's: the path of what the container is for, not of what runc has in it before" {
	docker_up
	record "$T" -a -e sched,wait
	docker run --rm --name "$PH_FILE-job" --network none porthole-test sh -c 'sleep 0.3; sleep 0.3; true'
	record_end
	porthole path -r "$T" -c "$PH_FILE-job" >"$T.txt"
	[[ $(head -n 1 "$T.txt") == "sh of $PH_FILE-job ("* ]] || flunk "$(cat "$T.txt")"
	# Who starts what it is for is in the container, too, and is on the way to it.
	[ "$(porthole path -r "$T" -c "$PH_FILE-job" -o json | jq -s 'map(select(.comm == "sleep" and .state == "timer") | .time_ns) | add')" -ge 600000000 ]
}

@test "requests: what the slow ones wait for that the fast ones do not, and how slow they are, as server and client say" {
	mkdir "$T.data"
	launch back --share pid -b "$T.data:/data:rw" -- ph-load requests back
	wait_for 20 test -S "$T.data/back"
	launch server --share pid -b "$T.data:/data:rw" -- ph-load requests serve
	wait_for 20 test -S "$T.data/server"
	record "$T" -q -a -e +irq
	launch_wait client -b "$T.data:/data:rw" -- ph-load requests ask /data/server 400 >"$T.said"
	record_end
	for kind in answers connections; do
		porthole path -r "$T" -c "$PH_FILE-server" --requests "$kind" --slow 95..100 -o json >"$T.json"
		head -n 1 "$T.json"
		jq -se 'map(select(.kind == "requests"))[0] | .count == 400 and .unfinished == 0 and .stray == 0' "$T.json" >/dev/null
		jq -se 'map(select(.kind == "band" and .band == "slow"))[0] | .count == 20 and .from_percent == 95' "$T.json" >/dev/null
		# Those that take as long as one of the forty are in it, too.
		jq -se 'map(select(.kind == "band" and .band == "fast"))[0] | .count >= 40 and .count <= 50' "$T.json" >/dev/null
		# What differs is all of the difference.
		jq -se '[.[] | select(.kind == "difference") | .more_ns] as $d | map(select(.kind == "band")) |
			(.[1].mean_ns - .[0].mean_ns - ($d | add)) | fabs < 10' "$T.json" >/dev/null
		# The slowest twenty and those in the middle, as the server has measured them: duration, kind, what it computed itself.
		sed -n "s/^\([a-z]*\) ran=\([0-9]*\).* $kind=\([0-9]*\).*/\3 \1 \2/p" "$PH_WORK/$PH_FILE-server.log" | sort -n >"$T.measured"
		tail -n 20 "$T.measured" >"$T.slowest"
		near "the lock's holder" "$(ran slow q-holder)" "$(said_of lock ran_ns)" $((1000000 + $(said_of lock around_ns) + $(beside slow q-holder)))
		near "the server behind" "$(ran slow q-back)" "$(said_of back ran_ns)" $((1000000 + $(said_of back around_ns) + $(beside slow q-back)))
		near "a time" "$(of_band slow '.comm == "q-server" and .state == "timer"')" $(($(grep -c sleep "$T.slowest") * 20000000))
		near "the server itself" "$(ran slow q-server)" "$(awk '{ ns += $3 } END { printf "%.0f\n", ns }' "$T.slowest")" \
			$((${PH_SLOW:-1} * 2000000 + $(beside slow q-server)))
		near "a fast one: the server itself" "$(ran fast q-server)" "$(sed -n 181,220p "$T.measured" | awk '{ ns += $3 } END { printf "%.0f\n", ns }')" \
			$((${PH_SLOW:-1} * 4000000 + $(beside fast q-server)))
		[ "$(of_band fast 'IN(.comm; "q-holder", "q-back") or .state == "timer"')" = 0 ]
		jq -se "any(.kind == \"difference\" and .container == \"$PH_FILE-back\" and .comm == \"q-back\" and .slow.requests > 0 and .fast.requests == 0)" \
			"$T.json" >/dev/null
	done
	# How long: as the server has measured it, and each less than what its client has.
	porthole path -r "$T" -c "$PH_FILE-server" --requests answers -o json >"$T.json"
	sed -n 's/.* answers=\([0-9]*\).*/\1/p' "$PH_WORK/$PH_FILE-server.log" | sort -n >"$T.measured"
	sed 's/.*=//' "$T.said" | sort -n >"$T.client"
	for q in 50:200 90:360 95:380 99:396; do
		p=$(jq "select(.kind == \"requests\").p${q%:*}_ns" "$T.json")
		# Some lose their CPU between a look at the clock and the call beside it: up to one in a hundred has another place here.
		awk -v p="$p" -v at="${q#*:}" -v share="${PH_SLOW:+0.12}" '{ v[NR] = $1 } END {
			share = share ? share : 0.02
			least = v[at - 4] * (1 - share) - 300000; most = v[at + 4 > NR ? NR : at + 4] * (1 + share) + 300000
			printf "%.0f ns, known are %.0f, from %.0f to %.0f\n", p, v[at], least, most
			exit !(p >= least && p <= most) }' "$T.measured" || flunk "p${q%:*}"
		[ "$p" -le "$(sed -n "${q#*:}p" "$T.client")" ]
	done
	# The same, as filters say it; by a descriptor.
	porthole path -r "$T" -c "$PH_FILE-server" --comm q-server --from 'syscall_exit_accept.ret > 0' --to syscall_entry_close --by fd -o json >"$T.json"
	jq -se 'map(select(.kind == "requests"))[0] | .count == 400 and .unfinished == 0' "$T.json" >/dev/null
	porthole path -r "$T" -c "$PH_FILE-server" --requests answers --slow 95..100 --svg >"$T.svg"
	python3 -c 'import sys, xml.dom.minidom as x; t = x.parse(sys.argv[1]).toxml(); assert "A typical fast one" in t and "A typical slow one" in t' "$T.svg"
}
