#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole path: each state that a path can have, ways from one container to another, and what of a trace is looked at.
# limit: 120 s

load lib
load cause
load path

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

# serve NAME ADDRESS TIME BYTES [ph-launch options]: a container that answers; $PID.
serve() {
	local name=$1 load=(ph-load chain serve "$2" "$3" "$4")
	shift 4
	mkdir -p "$T.data"
	launch "$name" --share pid -b "$T.data:/data:rw" "$@" -- "${load[@]}"
}

# ask NAME ADDRESS N BYTES [ph-launch options]: one that asks it, until all is answered.
ask() {
	local name=$1 load=(ph-load chain ask "$2" "$3" "$4")
	shift 4
	launch_wait "$name" --share pid -b "$T.data:/data:rw" "$@" -- "${load[@]}" >"$T.$name"
}

# path_of NAME [OPTIONS]: what the container's first process waited for, as $T.json, and what it and its SERVER have said.
path_of() {
	local name=$1
	shift
	cp "$T.$name" "$T.said"
	[ -z "${SERVER:-}" ] || grep c-server "$PH_WORK/$PH_FILE-$SERVER.log" >>"$T.said"
	porthole path -r "$T" -c "$PH_FILE-$name" -o json --steps 100000 "$@" >"$T.json"
	whole
}

# at WHAT: when it said that it did, by the clock of the day.
at() { of_day "$(sed -n "s/^$1_ns=//p" "$T.said")"; }

# of_day NS: by that clock what the monotonic one says.
of_day() { echo $(($1 + $(sed -n 's/^\toffset = \([0-9]*\);/\1/p' "$T/metadata"))); }

# steps_of JQ-CONDITION BEGIN END: for how long steps between the two have that
steps_of() {
	jq -s "[.[] | select(.kind == \"step\" and ($1)) | ([.end_ns, $3] | min) - ([.begin_ns, $2] | max) | select(. > 0)] | add // 0" "$T.json"
}

# about WHAT MEASURED KNOWN [SLACK]: within 2 % and that
about() {
	echo "$1: $2 ns, known are $3"
	awk -v a="$2" -v b="$3" -v slack="${4:-0}" -v share="${PH_SLOW:+0.12}" 'BEGIN {
		d = a > b ? a - b : b - a; exit !(b > 0 && d <= b * (share ? share : 0.02) + slack) }' ||
		flunk "$(jq -c 'select(.kind == "share") | [.comm, .tid, .state, .what, .time_ns]' "$T.json" | head -n 20)"
}

@test "a server that is frozen: the path is that for as long, and the server's" {
	local asked before after own is
	serve frozen /data/socket 10ms 4
	wait_for 20 test -S "$T.data/socket"
	record "$T" -q -a -e +irq
	freeze "porthole.d/$PH_FILE-frozen"
	launch client --share pid -b "$T.data:/data:rw" --log "$T.client" -- ph-load chain ask /data/socket 1
	wait_for 20 grep -q asked_ns "$T.client"
	sleep 0.2
	before=$(now_ns)
	thaw "porthole.d/$PH_FILE-frozen"
	after=$(now_ns)
	wait_for 20 grep -q wall_ns "$T.client"
	record_end
	SERVER=frozen path_of client
	computed c-main c-server
	asked=$(at asked)
	is=$(sum ".comm == \"c-server\" and .container == \"$PH_FILE-frozen\" and .state == \"frozen\"")
	own=$(steps_of '.comm == "c-main"' "$asked" "$after")
	# (Who asks sleeps a moment later, and it is let go of at some time between the two looks at the clock.)
	about frozen "$is" $((before - asked - own)) $((after - before))
	[ "$(sum '.state == "frozen"')" = "$is" ]
}

@test "a limit above the server's cgroup: it is that one's" {
	local before after throttled pod=porthole.d/$PH_FILE-pod
	serve limited /data/socket 10ms 4 --cgroup "$pod/$PH_FILE-limited"
	wait_for 20 test -S "$T.data/socket"
	limit_cgroup "$pod" 5000
	record "$T" -q -a -e +irq
	before=$(throttled_ns "$pod")
	ask client /data/socket 8 4
	after=$(throttled_ns "$pod")
	record_end
	SERVER=limited path_of client
	computed c-main c-server
	throttled=$(sum ".comm == \"c-server\" and .state == \"throttled\" and .limit_cgroup_path == \"/$pod\" and .quota_ns == 5000000")
	[ "$throttled" = "$(sum '.state == "throttled"')" ]
	echo "throttled: $throttled ns, the kernel counts $((after - before))"
	# (It is throttled also while the client goes on, which is not the path's.)
	[ "$throttled" -ge 100000000 ]
	[ "$throttled" -le $(((after - before) * 102 / 100)) ]
	[ "$throttled" -ge $(((after - before) * 98 / 100 - $(sum '.comm == "c-main" or .state == "unknown"') - 20000000)) ]
}

# veth NAME PID PID: a pair of devices, 10.9.1.1 in the first one's network namespace and 10.9.1.2 in the second's. False: there are none.
veth() {
	ip link add "${1}a" netns "$2" type veth peer name "${1}b" netns "$3" 2>/dev/null || return
	nsenter -n -t "$2" sh -c "ip addr add 10.9.1.1/30 dev ${1}a; ip link set ${1}a up"
	nsenter -n -t "$3" sh -c "ip addr add 10.9.1.2/30 dev ${1}b; ip link set ${1}b up"
}

@test "from container to container: by named pipes, by memory, by TCP over a pair of network devices" {
	local how server join edge
	record "$T" -q -a -e +irq
	serve pipe pipe:/data/pipe 10ms 4
	serve memory memory:/data/memory 10ms 4
	serve tcp tcp:0.0.0.0 10ms 4
	server=$PID
	launch net -- ph-load sleep 60s
	wait_for 20 test -e "$T.data/memory"
	ask ask-pipe pipe:/data/pipe 8 4
	ask ask-memory memory:/data/memory 8 4
	# Where the kernel has no such devices, over that of the server itself.
	if veth ph "$server" "$PID"; then
		ask ask-tcp tcp:10.9.1.1 8 4 --join-ns "net:$PID"
	else
		ask ask-tcp tcp:127.0.0.1 8 4 --join-ns "net:$server"
	fi
	for how in pipe memory tcp; do wait_for 20 grep -q c-server "$PH_WORK/$PH_FILE-$how.log"; done
	record_end
	for how in pipe memory tcp; do
		echo "--- $how"
		SERVER=$how path_of "ask-$how"
		computed c-main c-server
		[ $how = tcp ] && edge='sends to' || edge=wakes
		[ "$(jq -s "map(select(.kind == \"step\" and .comm == \"c-server\" and .container == \"$PH_FILE-$how\" and
			.then == \"$edge\" and .then_comm == \"c-main\")) | length" "$T.json")" -ge 8 ]
	done
}

# On the host only: another kernel may not have these devices.
@test "a slow link: the path is the network's for as long as the packets take" {
	local server network own least most
	record "$T" -q -a -e +irq
	# 200 KB at 8 Mbit/s.
	serve link tcp:0.0.0.0 10ms 200000
	server=$PID
	launch net -- ph-load sleep 60s
	veth phs "$server" "$PID" || skip "there are no pairs of network devices"
	nsenter -n -t "$server" sh -c 'ip link set phsa gso_max_segs 1; tc qdisc add dev phsa root tbf rate 8mbit burst 4kb latency 10s' ||
		skip "there is no device with a limit"
	ask client tcp:10.9.1.1 1 200000 --join-ns "net:$PID"
	wait_for 20 grep -q c-server "$PH_WORK/$PH_FILE-link.log"
	record_end
	SERVER=link path_of client
	computed c-main c-server
	# 139 packets with their headers, of which the first ones may leave at once; and no longer than it was for who asked.
	network=$(sum '.comm == "c-main" and .state == "network"')
	own=$(steps_of '(.comm == "c-main" and .state != "network") or .state == "run queue"' "$(at asked)" "$(at answered)")
	least=$(((200000 + 139 * 66 - 4096) * 1000))
	most=$(($(at answered) - $(at asked) - $(said c-server)))
	echo "the network: $network ns, beside it $own, at its rate $least, for who asked $most"
	[ "$network" -ge $((least * 98 / 100 - own)) ]
	[ "$network" -le $((most * 102 / 100)) ]
}

@test "a peer outside of this machine: the path is the network's until it answers, and whose answer it was is known" {
	local asked answered network own
	# It is in the tests' virtual machine, of which QEMU is the network.
	[ -n "${PH_OWN_MACHINE:-}" ] && [ -d /sys/class/net/eth0 ] || skip "there is no peer that is not on this machine"
	ip addr add 10.0.2.15/24 dev eth0
	ip link set eth0 up
	mkdir "$T.data"
	record "$T" -q -a -e +irq,+net
	ask client tcp:10.0.2.100 1 4 --share net
	record_end
	path_of client
	computed c-main
	asked=$(at asked)
	answered=$(at answered)
	# (It was waited for when it was connected to, too.)
	network=$(steps_of '.comm == "c-main" and .state == "network"' "$asked" "$answered")
	own=$(steps_of '.comm == "c-main" and .state != "network"' "$asked" "$answered")
	echo "the network: $network ns, beside it $own, for who asked $((answered - asked))"
	[ "$network" -ge 200000000 ]
	[ "$(sum '.state == "network" and .what == "10.0.2.100:7014"')" -ge "$network" ]
	[ "$network" -ge $(((answered - asked) * 98 / 100 - own)) ]
	[ "$network" -le $(((answered - asked) * 102 / 100)) ]
}

# On the host only: of other devices nobody knows how long they take.
@test "a device that is no disk: the path is an interrupt's for as long as it was waited for" {
	[ -c /dev/hwrng ] || skip "there is no source of random numbers"
	record "$T" -q -a -e +irq
	launch_wait random -b /dev/hwrng:/dev/hwrng -- ph-load chain random >"$T.random"
	record_end
	path_of random
	computed c-main
	about "interrupt" "$(sum '.comm == "c-main" and .state == "interrupt"')" "$(sed -n 's/^waited_ns=//p' "$T.said")" \
		"$(sum '.comm == "c-main" and IN(.state; "run queue", "steal", "interrupted")')"
}

# nested: the shape, recorded; c-middle has number $MIDDLE, it started at $STARTS, its birth was told at $BORN, its end at $ENDS.
nested() {
	record "$T" -q -a -e +irq
	launch_wait nested -- ph-load chain nested >"$T.nested"
	record_end
	path_of nested
	MIDDLE=$(jq -r 'select(.kind == "share" and .comm == "c-middle").tid' "$T.json" | head -n 1)
	STARTS=$(of_day "$(events "$T" -e sched_process_fork -f "child_tid == $MIDDLE" | jq .fields.child_start_ns)")
	BORN=$(events "$T" -e sched_process_fork -f "child_tid == $MIDDLE" | jq .time_ns)
	ENDS=$(events "$T" -e sched_process_exit -f "sched_process_exit.tid == $MIDDLE" | jq .time_ns)
}

@test "one task's life: from its birth to its end" {
	nested
	path_of nested --task "$MIDDLE"
	computed c-middle c-inner
	# Until it is awake for the first time it is its parent's.
	[ "$(sum ".comm == \"c-main\" and .tid != $MIDDLE and .state != \"run queue\"")" -le $((${PH_SLOW:-1} * 1000000)) ]
	echo "it lived from $STARTS or $BORN to $ENDS"
	jq -se "map(select(.kind == \"path\"))[0] | .tid == $MIDDLE and .begin_ns >= $STARTS and .begin_ns <= $BORN and .end_ns >= $ENDS" \
		"$T.json" >/dev/null || flunk "$(head -n 1 "$T.json")"
}

@test "a range of time: the path in it is what of the whole path lies in it" {
	local begin end comm known
	nested
	# From amid what c-middle computes at first, to amid what c-main does at last.
	begin=$(jq -s 'map(select(.kind == "step" and .comm == "c-middle" and .state == "running"))[0] | .begin_ns + (.end_ns - .begin_ns) / 2 | floor' "$T.json")
	end=$(jq -s 'map(select(.kind == "step" and .comm == "c-main" and .state == "running"))[-1] | .begin_ns + (.end_ns - .begin_ns) / 2 | floor' "$T.json")
	for comm in c-main c-middle c-inner; do steps_of ".comm == \"$comm\"" "$begin" "$end"; done >"$T.known"
	path_of nested --range "$begin..$end"
	jq -se "map(select(.kind == \"path\"))[0] | .begin_ns == $begin and .end_ns == $end" "$T.json" >/dev/null
	{ read -r main; read -r middle; read -r inner; } <"$T.known"
	about c-main "$(sum '.comm == "c-main"')" "$main" 1000
	about c-middle "$(sum '.comm == "c-middle"')" "$middle" 1000
	about c-inner "$(sum '.comm == "c-inner"')" "$inner" 1000
}

@test "live: a container that is there, until Ctrl-C" {
	local pid
	mkdir "$T.data"
	mkfifo "$T.data/go"
	launch nested -b "$T.data:/data:rw" --log "$T.nested" -- sh -c ': </data/go; ph-load chain nested; : </data/go'
	# What it finds is also written away: by that one knows that it looks, and where it was hidden who had a CPU.
	porthole path -c "$PH_FILE-nested" -w "$T" -o json --steps 100000 >"$T.json" 2>"$T.errors" 3>&- &
	pid=$!
	RECORDER=$pid wait_for 20 recording "$T"
	: >"$T.data/go"
	wait_for 20 grep -q wall_ns "$T.nested"
	kill -INT "$pid"
	wait "$pid" || flunk "$(cat "$T.errors")"
	cp "$T.nested" "$T.said"
	whole
	computed c-main c-middle c-inner
}

@test "steal: what the hypervisor took from who computes, as the kernel counts it" {
	local cpu=$(($(nproc) - 1)) before after tick=10000000
	stolen() { awk -v cpu="cpu$cpu" '$1 == cpu { print $9 }' /proc/stat; }
	record "$T" -q -a -e +irq
	before=$(stolen)
	launch_wait spin -- ph-load spin 1s "$cpu" >"$T.spin"
	after=$(stolen)
	record_end
	path_of spin
	echo "steal: $(sum '.state == "steal"') ns, the kernel counts $(((after - before) * tick))"
	# (What it took while others had the CPU is not the path's.)
	[ "$(sum '.state == "steal"')" -le $(((after - before) * tick * 102 / 100 + 2 * tick)) ]
	[ "$(sum '.state == "steal"')" -ge $(((after - before) * tick * 98 / 100 - 2 * tick - $(sum '.state == "run queue"'))) ]
}
