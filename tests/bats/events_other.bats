#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Network, disk, cgroups, system calls out of the ordinary, KVM: one event is caused, every field
# looked at, and the same done by the neighbour is not there.
# limit: 240 s

load lib
load cause

teardown() {
	record_kill
	kernel_forgets
	launch_stop
	rm -rf "$T"*
}

# Pointers of the kernel: in the upper half of the addresses, of 57 bits where the processor has them.
kernel_pointer='? . >= 18374686479671623680'

# The container's own network namespace, as it sees it.
netns() { said net_ns; }

# packet KIND: caused until it is received in the sender's context: a busy CPU leaves that to ksoftirqd.
packet() {
	local try
	for try in 1 2 3 4 5; do
		cause net -- sh -c "ph-load net $1; true" || return
		[ -z "$(events "$T" -e net_if_receive_skb 2>/dev/null | jq -c 'select(.fields.ipproto == 17)')" ] || return 0
		rm -rf "$T"*
	done
	flunk "received in the container's context: no packet of $try"
}

# one_packet ADDRESS ETHERTYPE HEADERS: 100 bytes of UDP, sent and received.
one_packet() {
	one net_dev_queue '.fields.ipproto == 17' <<-END
		skbaddr     $kernel_pointer
		len         $((100 + $3 + 14))
		name        "lo"
		netns       $(netns)
		protocol    $2
		ipproto     17
		saddr       "$1"
		daddr       "$1"
		source_port 7002
		dest_port   7001
		seq         0
		ack_seq     0
		tcp_flags   0
	END
	one net_if_receive_skb '.fields.ipproto == 17' <<-END
		skbaddr     $kernel_pointer
		len         $((100 + $3))
		name        "lo"
		netns       $(netns)
		protocol    $2
		ipproto     17
		saddr       "$1"
		daddr       "$1"
		source_port 7002
		dest_port   7001
		seq         0
		ack_seq     0
		tcp_flags   0
	END
	same net_dev_queue,net_if_receive_skb net_dev_queue,netif_receive_skb "$(host_tid 2)" <<-END
		skbaddr skbaddr= hex
		len     len=
	END
	neighbour_is_absent
}

@test "a UDP packet over IPv4, out and in" {
	KERNEL='net/net_dev_queue net/netif_receive_skb'
	packet udp
	one_packet 127.0.0.1 2048 28
}

@test "a UDP packet over IPv6, out and in" {
	[ -e /proc/net/if_inet6 ] || skip "no IPv6"
	KERNEL='net/net_dev_queue net/netif_receive_skb'
	packet udp6
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
	# TCP_SYN_SENT is 2, TCP_ESTABLISHED 1, in the kernel's include/net/tcp_states.h.
	one inet_sock_set_state '.fields.sport == 7002 and .fields.newstate == 1' <<-END
		skaddr    $kernel_pointer
		netns     $(netns)
		oldstate  2
		newstate  1
		sport     7002
		dport     7001
		family    $1
		protocol  6
		saddr     "$2"
		daddr     "$2"
		sock_container_name "$PH_FILE-in"
		bytes_sent     0
		bytes_received 0
	END
	# What went to and fro, without the FIN that has come by then.
	one inet_sock_set_state '.fields.dport == 7001 and .fields.newstate == 7' <<-END
		bytes_sent     5
		bytes_received 3
	END
	one inet_sock_set_state '.fields.dport == 7002 and .fields.newstate == 7' <<-END
		bytes_sent     3
		bytes_received 5
	END
	# One socket, one address.
	[ "$(events "$T" -e inet_sock_set_state | jq 'select(.fields.sport == 7002).fields.skaddr' | sort -u | wc -l)" = 1 ]
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

@test "a name is asked for, and the answer" {
	cause dns -- ph-load dns
	one dns_query '.fields.id == 103' <<-END
		skaddr   $kernel_pointer
		netns    $(netns)
		protocol 17
		sport    0
		dport    53
		daddr    "127.0.0.1"
		id       103
		len      33
		message  "006701000001000000000000076e6f7768657265076578616d706c650000010001"
	END
	one dns_answer '.fields.id == 103' <<-END
		skaddr   $kernel_pointer
		netns    $(netns)
		protocol 17
		sport    ? . >= 1024
		dport    53
		daddr    "127.0.0.1"
		id       103
		len      33
		message  "006781830001000000000000076e6f7768657265076578616d706c650000010001"
	END
	# By TCP, without the length.
	[ "$(events "$T" -e dns | jq -r 'select(.fields.protocol == 6) | "\(.event) \(.fields.message[:4]) \(.fields.len)"' |
		xargs)" = "dns_query 0069 40 dns_answer 0069 66" ]
	[ "$(events "$T" -e dns_query | jq .fields.id | xargs)" = "101 102 103 104 104 105" ]
	[ "$(events "$T" -e dns_answer | jq .fields.id | xargs)" = "101 102 103 105" ]
	neighbour_is_absent
}

@test "a TCP reset" {
	cause net -- ph-load net reset
	one tcp_send_reset true <<-END
		skaddr   $kernel_pointer
		netns    $(netns)
		state    ? . == 7 and \$e.fields.state_name == "TCP_CLOSE"
		sport    7002
		dport    7001
		family   2
		saddr    "127.0.0.1"
		daddr    "127.0.0.1"
		sock_container_name "$PH_FILE-in"
	END
	neighbour_is_absent
}

@test "a client that gets no answer sends again" {
	local try
	# Sent again by a timer: in no task of the container, but for a socket of its. Where that interrupts a task of
	# process 1, some kernels tell nobody of it.
	for try in 1 2 3; do
		rm -rf "$T"
		cause net -- ph-load net unanswered
		[ -z "$(events "$T" | jq -c 'select(.event == "tcp_retransmit_skb")' | head -n 1)" ] || break
	done
	one tcp_retransmit_skb '.fields.sport == 7003' <<-END
		skaddr   $kernel_pointer
		netns    $(netns)
		state    ? . == 2 and \$e.fields.state_name == "TCP_SYN_SENT"
		sport    7003
		dport    7001
		family   2
		saddr    "127.0.0.1"
		daddr    "127.0.0.1"
		sock_container_name "$PH_FILE-in"
	END
	hasnt "$T" ".fields.sock_container_name == \"$PH_FILE-out\""
}

@test "a full accept queue" {
	porthole record -q -e tcp_listen_overflow -w "$T.try" -- true 2>/dev/null ||
		skip "this kernel does not name the socket of a dropped packet"
	cause net -- ph-load net overflow
	# Once or twice: what the client sends next is dropped as well.
	every tcp_listen_overflow true <<-END
		skaddr   $kernel_pointer
		netns    $(netns)
		sport    7001
		family   2
		saddr    "127.0.0.1"
		backlog  0
		queued   1
		sock_container_name "$PH_FILE-in"
	END
	neighbour_is_absent
}

# A directory on a disk; tmpfs has no requests.
disk() {
	DISK=$(mktemp -d -p "${PH_DISK:-/var/tmp}" 2>/dev/null) || skip "no /var/tmp"
	DEV=$(stat -c %d "$DISK")
	[ "$((DEV >> 8))" != 0 ] || skip "no directory on a block device"
}

# The disk's own number of a partition's sector.
disk_sector() { echo $(($1 + $(cat "/sys/dev/block/$((DEV >> 8)):$((DEV & 255))/start" 2>/dev/null || echo 0))); }

# The cgroup that I/O of the container NAME is charged to: that of the io controller.
io_cgroup() {
	local d
	for d in /sys/fs/cgroup/blkio /sys/fs/cgroup; do
		[ ! -d "$d/porthole.d/$1" ] || { stat -c %i "$d/porthole.d/$1"; return; }
	done
}

# Two containers that write to the disk, each in a directory of its own, and stay.
writers() {
	launch in -b "$DISK/in:/data:rw" --memory 256M --log "$T.said" -- sh -c 'ph-load cause write; sleep 20'
	launch out -b "$DISK/out:/data:rw" --memory 256M --log "$T.out-said" -- sh -c 'ph-load cause write; sleep 20'
	wait_for 20 grep -q later= "$T.said"
	wait_for 20 grep -q later= "$T.out-said"
	io=$(io_cgroup "$PH_FILE-in")
}

# blocks FILE: the first sector of its first extent.
blocks() {
	disk_sector "$(filefrag -e -b512 "$1" | awk '$1 == "0:" { sub(/\.\..*/, "", $4); print $4 }')"
}

@test "what the flusher writes is charged to who made the pages dirty" {
	disk
	grep -qw io "/sys/fs/cgroup/cgroup.controllers" 2>/dev/null || skip "no io controller on cgroup v2"
	need filefrag
	mkdir "$DISK/in" "$DISK/out"
	record "$T" -q -a -e block
	writers
	# All of it: the other files of the test's too.
	sync
	sector=$(blocks "$DISK/in/later") other=$(blocks "$DISK/out/later")
	record_end
	rm -rf "$DISK"
	some block_rq_issue ".fields.sector == $sector" <<-END
		bytes     65536
		rwbs      ? . % 2 == 1
		comm      ? startswith("kworker")
		cgroup_id $io
		io_container_name "$PH_FILE-in"
	END
	some block_rq_complete ".fields.sector == $sector" <<-END
		error     0
		io_container_name "$PH_FILE-in"
	END
	some block_rq_issue ".fields.sector == $other" <<-END
		io_container_name "$PH_FILE-out"
	END
	hasnt "$T" ".fields.sector == $sector and .fields.io_container_name != \"$PH_FILE-in\" and
		.event != \"block_rq_insert\""
}

@test "a synchronous write: device, place, bytes, kind, and whose it is" {
	disk
	mkdir "$DISK/in" "$DISK/out"
	scheduler=$(readlink -f "/sys/dev/block/$((DEV >> 8)):$((DEV & 255))")
	scheduler=$(find "$scheduler/queue" "$scheduler/../queue" -name scheduler 2>/dev/null | head -n 1)
	before=$(sed 's/.*\[\(.*\)\].*/\1/' "$scheduler")
	echo mq-deadline >"$scheduler" 2>/dev/null || :
	record "$T" -q -a -e block
	writers
	record_end
	echo "$before" >"$scheduler" 2>/dev/null || :
	rm -rf "$DISK"
	[ "$(said extent)" -ge 65536 ] || skip "the file is in pieces"
	sector=$(disk_sector "$(said sector)")
	dev=$(( (DEV >> 8) << 20 | (DEV & 240) ))
	writer=$(events "$T" -e block_rq_issue | jq "select(.fields.sector == $sector).tid" | tail -n 1)
	# WRITE and SYNC, in LTTng's numbers 1 and 32; once buffered, with fsync, and once directly.
	same_request='.fields.sector == '$sector' and .fields.bytes == 65536'
	some block_rq_issue "$same_request and .tid == $writer" <<-END
		dev       $dev
		sector    $sector
		nr_sector 128
		bytes     65536
		tid       $writer
		rwbs      ? . == 33 and \$e.fields.rwbs_name == "WRITE|SYNC"
		comm      "ph-load"
		cgroup_id $io
		io_container_name "$PH_FILE-in"
	END
	some block_rq_complete "$same_request" <<-END
		dev       $dev
		sector    $sector
		nr_sector 128
		error     0
		rwbs      33
		bytes     65536
		io_container_name "$PH_FILE-in"
	END
	some block_rq_insert "$same_request" <<-END
		dev       $dev
		sector    $sector
		nr_sector 128
		bytes     65536
		tid       $writer
		rwbs      33
		comm      "ph-load"
	END
	# In no request on that place is there anybody else's name.
	hasnt "$T" "$same_request and .fields.io_container_name == \"$PH_FILE-out\""
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
	wait_for 20 grep -q sleep /proc/$!/comm
	echo $! >"$cg/cgroup.procs"
	echo 1 >"$cg/cgroup.freeze"
	wait_for 20 grep -q 'frozen 1' "$cg/cgroup.events"
	echo 0 >"$cg/cgroup.freeze"
	wait_for 20 grep -q 'frozen 0' "$cg/cgroup.events"
	kill $!
	wait $! || :
	rmdir "$cg"
	record_end
	one cgroup_mkdir ".fields.id == $id" <<-END
		hierarchy 0
		id        $id
		level     2
		container_name "$PH_FILE-life"
		path      "/porthole.d/$PH_FILE-life"
	END
	one cgroup_rmdir,cgroup_freeze,cgroup_unfreeze ".fields.id == $id" <<-END
		hierarchy 0
		id        $id
		level     2
		path      "/porthole.d/$PH_FILE-life"
	END
	one cgroup_attach_task ".fields.id == $id" <<-END
		hierarchy 0
		id        $id
		level     2
		tid       $!
		comm      "sleep"
		container_name "$PH_FILE-life"
		path      "/porthole.d/$PH_FILE-life"
	END
}

@test "a container starts, is paused, goes on and stops" {
	record "$T" -q -a -e cgroup
	launch life -- ph-load sleep 20s
	for f in /sys/fs/cgroup/{freezer,.,unified}/porthole.d/"$PH_FILE-life"; do
		[ ! -e "$f/cgroup.freeze" ] || break
	done
	echo 1 >"$f/cgroup.freeze"
	wait_for 20 grep -q 'frozen 1' "$f/cgroup.events"
	echo 0 >"$f/cgroup.freeze"
	wait_for 20 grep -q 'frozen 0' "$f/cgroup.events"
	launch_stop
	record_end
	[ "$(events "$T" | jq -r "select((.event | startswith(\"container_\")) and .event != \"container_info\" and
		.fields.name == \"$PH_FILE-life\").event" | xargs)" = \
		"container_start container_pause container_unpause container_stop" ]
	one container_start ".fields.name == \"$PH_FILE-life\"" <<-END
		index_name "$PH_FILE-life"
		name       "$PH_FILE-life"
		init_pid   $PID
	END
	one container_stop,container_pause,container_unpause ".fields.name == \"$PH_FILE-life\"" <<-END
		index_name "$PH_FILE-life"
		name       "$PH_FILE-life"
	END
}

@test "seccomp's refusal, after a signal handler; sigreturn has its exit" {
	cause syscall,signal --seccomp keyctl -- ph-load cause refused
	one seccomp_refused '.fields.name == "keyctl"' <<-END
		nr    250
		name  "keyctl"
		ret   -1
		arg0  1
		arg1  2
		arg2  3
		arg3  4
		arg4  5
		arg5  6
	END
	hasnt "$T" '.event == "syscall_entry_keyctl"'
	[ "$(events "$T" -e syscall_exit_rt_sigreturn | wc -l)" = 2 ]
	neighbour_is_absent
}

# The shell is in wait4(), and in no other call on the way there.
waits() { grep -qE '^(61|260) ' "/proc/$PID/syscall" 2>/dev/null; }

@test "a call that was entered before the recording is no refused one" {
	launch in --seccomp keyctl -- sh -c 'ph-load sleep 100s; true'
	wait_for 20 waits
	record "$T" -q -c "$PH_FILE-in" -e syscall
	kill "$(pgrep -P "$PID")"
	wait_for 20 test ! -e "/proc/$PID"
	record_end
	# Its first call here has no entry. (A shell may ask once more, whether there are other children.)
	[ "$(events "$T" -e syscall | jq -rs "map(select(.tid == $PID).event)[0]")" = syscall_exit_wait4 ]
	hasnt "$T" ".tid == $PID and .event == \"seccomp_refused\""
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
	[ "$(uname -m)" = x86_64 ] || return 0
	[ "$(said getpid)" = 1 ]
	only compat_syscall_exit_getpid true '{ret:1}'
	only compat_syscall_entry_close '.fields.fd == 4294967295 or .fields.fd == -1' '{}'
	only compat_syscall_exit_close true '{ret:-9}'
	neighbour_is_absent
}

@test "a path that is not in memory at the entry is told at the exit" {
	cause syscall -- ph-load cause late
	one syscall_late_string '.fields.value == "/no/such/late-path"' <<-END
		nr    ? . == (if "$(uname -m)" == "aarch64" then 35 else 263 end)
		arg   1
		value "/no/such/late-path"
	END
	neighbour_is_absent
}

# A virtual machine of ten bytes (ph-load): 20 times out, then hlt.
@test "a virtual machine returns to its program: for what" {
	[ -c /dev/kvm ] || skip "no /dev/kvm"
	cause kvm -b /dev/kvm:/dev/kvm:rw -- ph-load cause kvm
	[ "$(said outs)" = 20 ]
	# In linux/kvm.h 2 is KVM_EXIT_IO, 5 KVM_EXIT_HLT.
	every kvm_userspace_exit ".fields.reason != $(said last)" <<-END
		reason 2
		errno  0
	END
	one kvm_userspace_exit ".fields.reason == $(said last)" <<-END
		reason 5
		errno  0
	END
	[ "$(events "$T" -e kvm_userspace_exit | wc -l)" = 21 ]
	neighbour_is_absent
}

@test "a virtual machine's CPU enters and leaves: where, and why" {
	[ -c /dev/kvm ] || skip "no /dev/kvm"
	grep -qw svm /proc/cpuinfo || skip "no AMD processor with SVM"
	[ -d /sys/module/kvm_amd ] || skip "KVM is not run by kvm_amd"
	KERNEL='kvm/kvm_entry kvm/kvm_exit'
	cause kvm -b /dev/kvm:/dev/kvm:rw -- sh -c 'ph-load cause kvm; true'
	who=$(host_tid 2)
	# 0x7b: SVM_EXIT_IOIO.
	every kvm_x86_exit '.fields.exit_reason == 123' <<-END
		exit_reason 123
		guest_rip   $(said out_at)
		isa         2
		vcpu_id     $(said vcpu)
	END
	[ "$(events "$T" -e kvm_x86_exit | jq -c 'select(.fields.exit_reason == 123)' | wc -l)" = 20 ]
	some kvm_x86_entry ".fields.guest_rip == $(said behind)" <<-END
		guest_rip $(said behind)
		vcpu_id   $(said vcpu)
	END
	every kvm_x86_entry true <<-END
		vcpu_id   $(said vcpu)
	END
	same kvm_x86_exit kvm_exit "$who" <<-END
		vcpu_id   vcpu~
		guest_rip rip~ hex
	END
	neighbour_is_absent
}

# Halted until another thread sends an interrupt, 50 ms later.
@test "a virtual machine's CPU halts until an interrupt comes: how long, and which" {
	[ -c /dev/kvm ] || skip "no /dev/kvm"
	cause kvm -b /dev/kvm:/dev/kvm:rw -- ph-load cause kvm-halt
	one kvm_vcpu_wakeup '.fields.valid == 1' <<-END
		halted_ns ? . >= $(said halt_ns) / 2 and . < 20000000000
		waited    1
		valid     1
	END
	# KVM_EXIT_IO: the guest went on.
	[ "$(said last)" = 2 ]
	neighbour_is_absent
	[ -d /sys/module/kvm_amd ] && grep -qw svm /proc/cpuinfo || return 0
	# More than once where an exit comes into its delivery.
	every kvm_x86_inj_virq true <<-END
		irq $(said vector)
	END
}
