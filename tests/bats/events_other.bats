#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Network, disk, cgroups, system calls out of the ordinary, KVM: one event is caused, every field
# looked at, and the same done by the neighbour is not there.
# limit: 240 s

load lib
load cause

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	rm -rf "$T"*
}

# net_ns of the container, as its own events tell it.
netns() { events "$T" | jq 'select(.fields.netns).fields.netns' | sort -u; }

# one_packet ADDRESS ETHERTYPE HEADERS: 100 bytes of UDP, sent and received.
one_packet() {
	local same="netns:$(netns),protocol:$2,ipproto:17,saddr:\"$1\",daddr:\"$1\",source_port:7002,dest_port:7001,seq:0,ack_seq:0,tcp_flags:0"
	[[ "$(netns)" =~ ^[0-9]+$ ]] || flunk "not one network namespace: $(netns)"
	only net_dev_queue '.fields.ipproto == 17' "{name:\"lo\",len:$((100 + $3 + 14)),$same}"
	only net_if_receive_skb '.fields.ipproto == 17' "{name:\"lo\",len:$((100 + $3)),$same}"
	neighbour_is_absent
}

@test "a UDP packet over IPv4, out and in" {
	cause net -- ph-load net udp
	one_packet 127.0.0.1 2048 28
}

@test "a UDP packet over IPv6, out and in" {
	[ -e /proc/net/if_inet6 ] || skip "no IPv6"
	cause net -- ph-load net udp6
	one_packet ::1 34525 48
}

# states FAMILY ADDRESS: a TCP connection's states in their order, on both sides.
states() {
	events "$T" -e inet_sock_set_state | jq -r "select(.fields.family == $1 and .fields.protocol == 6 and
		.fields.saddr == \"$2\") | \"\(.fields.sport) \(.fields.newstate_name)\"" >"$T.states"
	[ "$(awk '$1 == 7002 { print $2 }' "$T.states" | head -n 3 | xargs)" = \
		"TCP_SYN_SENT TCP_ESTABLISHED TCP_FIN_WAIT1" ]
	[ "$(awk '$1 == 7001 { print $2 }' "$T.states" | head -n 3 | xargs)" = \
		"TCP_LISTEN TCP_SYN_RECV TCP_ESTABLISHED" ]
	# The handshake: SYN, SYN and ACK, ACK, each with the number that the one before asked for.
	events "$T" -e net_dev_queue | jq -sc 'map(.fields) | [.[0].tcp_flags, .[1].tcp_flags, .[2].tcp_flags,
		.[1].ack_seq - .[0].seq, .[2].ack_seq - .[1].seq]' | grep -qx '\[2,18,16,1,1\]'
	neighbour_is_absent
}

@test "a TCP connection over IPv4: states and handshake" {
	cause net -- ph-load net tcp
	states 2 127.0.0.1
}

@test "a TCP connection over IPv6: states and handshake" {
	[ -e /proc/net/if_inet6 ] || skip "no IPv6"
	cause net -- ph-load net tcp6
	states 10 ::1
}

@test "a TCP reset" {
	cause net -- ph-load net reset
	only tcp_send_reset true '{sport:7002,dport:7001,family:2,saddr:"127.0.0.1",daddr:"127.0.0.1"}'
	neighbour_is_absent
}

@test "a client that gets no answer sends again" {
	cause net -- ph-load net unanswered
	# Sent again by a timer: in no task of the container, but for a socket of its.
	has "$T" ".event == \"tcp_retransmit_skb\" and .fields.sport == 7003 and .fields.dport == 7001 and
		.fields.state_name == \"TCP_SYN_SENT\" and .fields.sock_container_name == \"$PH_FILE-in\""
	hasnt "$T" ".fields.sock_container_name == \"$PH_FILE-out\""
}

@test "a full accept queue" {
	porthole record -q -e tcp_listen_overflow -w "$T.try" -- true 2>/dev/null ||
		skip "this kernel does not name the socket of a dropped packet"
	cause net -- ph-load net overflow
	# Once or twice: what the client sends next is dropped as well.
	has "$T" ".event == \"tcp_listen_overflow\" and .fields.sport == 7001 and .fields.family == 2 and
		.fields.backlog == 0 and .fields.queued == 1 and .fields.saddr == \"127.0.0.1\" and
		.fields.sock_container_name == \"$PH_FILE-in\""
	neighbour_is_absent
}

# A directory on a disk; tmpfs has no requests.
disk() {
	DISK=$(mktemp -d -p "${PH_DISK:-/var/tmp}" 2>/dev/null) || skip "no /var/tmp"
	DEV=$(stat -c %d "$DISK")
	[ "$((DEV >> 8))" != 0 ] || skip "no directory on a block device"
}

@test "a synchronous write: device, bytes, kind, and whose it is" {
	disk
	mkdir "$DISK/in" "$DISK/out"
	record "$T" -q -a -e block
	launch_wait in -b "$DISK/in:/data:rw" -- sh -c 'ph-load io /data 1 64K'
	record_end
	rm -rf "$DISK"
	events "$T" -e block_rq_issue | jq -c "select(.fields.io_container_name == \"$PH_FILE-in\" or
		.container == \"$PH_FILE-in\")" >"$T.issue"
	grep -q . "$T.issue" || flunk "$(events "$T" -e block_rq_issue)"
	jq -se 'map(.fields | select(.rwbs_name | test("WRITE")).bytes) | add >= 65536' "$T.issue"
	jq -se 'all(.fields.nr_sector * 512 == .fields.bytes)' "$T.issue"
	jq -se "any(.fields.rwbs_name | test(\"WRITE\") and test(\"SYNC\"))" "$T.issue"
	# Each that was issued is completed, without error.
	sector=$(jq -r 'select(.fields.rwbs_name | test("WRITE")).fields.sector' "$T.issue" | head -n 1)
	has "$T" ".event == \"block_rq_complete\" and .fields.sector == $sector and .fields.error == 0 and
		.fields.io_container_name == \"$PH_FILE-in\""
}

@test "cgroups: made, entered, frozen, thawed, removed; by their ids" {
	v2=/sys/fs/cgroup
	[ -e "$v2/cgroup.controllers" ] || v2=/sys/fs/cgroup/unified
	[ -e "$v2/cgroup.controllers" ] || skip "no cgroup v2"
	mkdir -p "$v2/porthole.d"
	cg=$v2/porthole.d/$PH_FILE-life
	record "$T" -q -a -e cgroup
	mkdir "$cg"
	id=$(stat -c %i "$cg")
	sleep 5 &
	wait_for 5 grep -q sleep /proc/$!/comm
	echo $! >"$cg/cgroup.procs"
	echo 1 >"$cg/cgroup.freeze"
	wait_for 5 grep -q 'frozen 1' "$cg/cgroup.events"
	echo 0 >"$cg/cgroup.freeze"
	wait_for 5 grep -q 'frozen 0' "$cg/cgroup.events"
	kill $!
	wait $! || :
	rmdir "$cg"
	record_end
	path=/porthole.d/$PH_FILE-life
	same="hierarchy:0,id:$id,level:2,path:\"$path\""
	for e in mkdir rmdir freeze unfreeze; do
		found=$(events "$T" -e cgroup_$e | jq -c "select(.fields.path == \"$path\").fields")
		jq -e ". as \$f | {$same} | to_entries | all(.value == \$f[.key])" <<<"$found" || flunk "$e: $found"
	done
	has "$T" ".event == \"cgroup_attach_task\" and .fields.id == $id and .fields.tid == $! and
		.fields.comm == \"sleep\" and .fields.path == \"$path\""
}

@test "a container starts, is paused, goes on and stops" {
	record "$T" -q -a -e cgroup
	launch life -- ph-load sleep 20s
	for f in /sys/fs/cgroup/{freezer,.,unified}/porthole.d/"$PH_FILE-life"; do
		[ ! -e "$f/cgroup.freeze" ] || break
	done
	echo 1 >"$f/cgroup.freeze"
	wait_for 5 grep -q 'frozen 1' "$f/cgroup.events"
	echo 0 >"$f/cgroup.freeze"
	wait_for 5 grep -q 'frozen 0' "$f/cgroup.events"
	launch_stop
	record_end
	[ "$(events "$T" | jq -r "select((.event | startswith(\"container_\")) and .event != \"container_info\" and
		.fields.name == \"$PH_FILE-life\").event" | xargs)" = \
		"container_start container_pause container_unpause container_stop" ]
	has "$T" ".event == \"container_start\" and .fields.init_pid == $PID"
}

@test "seccomp's refusal, after a signal handler; sigreturn has its exit" {
	cause syscall,signal --seccomp keyctl -- ph-load cause refused
	only seccomp_refused '.fields.name == "keyctl"' \
		'{nr:250,ret:-1,arg0:1,arg1:2,arg2:3,arg3:4,arg4:5}'
	hasnt "$T" '.event == "syscall_entry_keyctl"'
	[ "$(events "$T" -e syscall_exit_rt_sigreturn | wc -l)" = 2 ]
	neighbour_is_absent
}

# The load has ended, its shell sleeps.
awake() { [ -z "$(pgrep -P "$PID" ph-load)" ]; }

@test "a call that was entered before the recording is no refused one" {
	launch in --seccomp keyctl -- sh -c 'ph-load sleep 3s; sleep 20'
	sleep 0.3
	record "$T" -q -c "$PH_FILE-in" -e syscall
	wait_for 20 awake
	record_end
	has "$T" '(.event == "syscall_exit_nanosleep" or .event == "syscall_exit_clock_nanosleep") and .fields.ret == 0'
	hasnt "$T" '.comm == "ph-load" and (.event | test("seccomp_refused|syscall_entry_.*nanosleep"))'
}

@test "calls that no table has, 32-bit calls, vectors and messages" {
	cause syscall -- ph-load cause odd-calls
	only syscall_entry_unknown '.fields.nr == 1000' '{arg0:11,arg1:22}'
	only syscall_exit_unknown '.fields.nr == 1000' '{ret:-38}'
	has "$T" ".event == \"syscall_entry_unknown\" and .fields.nr == $((0x40000001))"
	hasnt "$T" '.event == "syscall_entry_write" and .fields.count == 3'
	has "$T" '.event == "syscall_entry_unknown" and .fields.nr == -1'
	has "$T" ".event == \"syscall_exit_unknown\" and .fields.nr == -1 and .fields.ret == -38" ||
		[ "$(said minus)" != -38 ]
	only syscall_entry_writev '.fields.vlen == 2' '{}'
	events "$T" -e syscall_entry_writev | jq -e '.fields | tostring | test("first|6669727374")'
	events "$T" -e syscall_entry_sendmsg | jq -e '.fields | tostring | test("name|6e616d65")'
	[ "$(said getpid)" = 1 ]
	only compat_syscall_exit_getpid true '{ret:1}'
	only compat_syscall_entry_close '.fields.fd == 4294967295 or .fields.fd == -1' '{}'
	only compat_syscall_exit_close true '{ret:-9}'
	neighbour_is_absent
}

@test "a path that is not in memory at the entry is told at the exit" {
	cause syscall -- ph-load cause late
	only syscall_late_string '.fields.value == "/no/such/late-path"' '{nr:87,arg:0}'
	neighbour_is_absent
}
