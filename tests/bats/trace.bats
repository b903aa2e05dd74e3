#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole trace: a container does known things, its neighbour the same, and each view shows them.
# limit: 120 s

load lib

teardown() {
	[ -z "${TRACER:-}" ] || kill -9 "$TRACER" 2>/dev/null || :
	record_kill
	launch_stop
	rm -rf "$T"* "${DISK:-}"
}

# What both containers do.
DOES='cat /nowhere; /no/program; ph-load io /tmp 1000; ph-load io /data 3 65536; sh -c "kill -TERM \$\$"
	ph-load net reset; ph-load net overflow; ph-load net tcp; mount -t tmpfs -o size=1m none /run
	for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n; done; unshare -m true; ph-load alloc 64M; exec sh -c "exit 3"'

# shows NAME CONTAINER [options]: the container's lines, to $T.json.
shows() {
	local name=$1 container=$PH_FILE-$2
	shift 2
	porthole trace "$name" -r "$T" -c "$container" -o json "$@" >"$T.json"
	! grep -v "\"container\":\"$container\"" "$T.json" || flunk "$name: lines of others"
}

# lines N JQ-CONDITION: there are so many of these lines.
lines() {
	local n
	n=$(jq -s "map(select($2)) | length" "$T.json") && [ "$n" = "$1" ] || flunk "not $1 but $n lines with: $2" "$(head -n 20 "$T.json")"
}

# inum TYPE: of the container's namespace.
inum() { sed -n "s/^$1:\[\([0-9]*\)\]$/\1/p" "$T.said"; }

some() { [ -n "$(jq -c "select($1)" "$T.json")" ] || flunk "no line with: $1" "$(head -n 20 "$T.json")"; }

# On the host only.
@test "what a container does, in each view of one recording" {
	local from to
	from=$(now_ns)
	DISK=$(mktemp -d -p "${PH_DISK:-/var/tmp}")
	mkdir "$DISK/in" "$DISK/out"
	record "$T" -q --wait -c "$PH_FILE-*" \
		-e sched,signal,oom_mark_victim,statedump,cgroup,container,block,cap \
		-e inet_sock_set_state,tcp_retransmit_skb,tcp_send_reset,tcp_listen_overflow \
		-e execve,open,openat,close,fsync,pwrite64,mount,unshare,syscall_late_string
	launch_wait out --caps all --memory 32M -b "$DISK/out:/data:rw" -- sh -c "$DOES" >/dev/null 2>&1 &
	launch_wait in --caps all --memory 32M -b "$DISK/in:/data:rw" -- sh -c "$DOES" >"$T.said" 2>/dev/null || :
	wait $! || :
	# A limit so small that whoever gets a CPU uses it up at once.
	launch_wait limited --cpus 0.05 --cpu-period 20000 -- ph-load burst 1 50ms 1ms >/dev/null
	record_end
	to=$(now_ns)

	shows exec in
	# Whose a line is: of no image or pod.
	lines 0 ".time_ns < $from or .time_ns > $to or .cpu >= $(nproc --all) or .image != null or .pod != null or
		.namespace != null or .container_id != \"$PH_FILE-in\""
	lines 1 '.args == "ph-load io /tmp 1000" and .path == "/bin/ph-load" and .error == null and .comm == "ph-load" and
		.ret == 0 and .vpid > 1 and .pid > 0 and .ppid > 0 and .init == false and .duration_ns > 0'
	lines 1 '.path == "/no/program" and .error == "ENOENT" and .ret == -2 and .comm == "sh"'
	lines 1 '.init and .args == "sh -c '\''exit 3'\''" and .error == null'

	shows exit in
	lines 1 '.signal == "SIGTERM" and .code == null and .oom == false and .init == false'
	lines 1 '.init and .code == 3 and .signal == null'
	some '.comm == "ph-load" and .code == 0 and .runtime_ns > 0 and .age_ns > .runtime_ns and .ppid > 0 and
		.run_delay_ns > 0'

	shows open in
	lines 1 '.path == "/nowhere" and .error == "ENOENT" and .fd == null and .ret == -2 and .flags == "O_RDONLY" and
		.call == "openat" and .duration_ns > 0'
	some '.fd >= 3 and .error == null and (.path | startswith("/tmp/"))'

	# A thousand caused, a thousand shown.
	shows sync in
	lines 1000 '.call == "fsync" and .error == null and .ret == 0 and .fd >= 3 and .comm == "ph-load" and .duration_ns > 0 and
		(.file | startswith("/tmp/"))'
	lines 3 '.file | startswith("/data/")'
	porthole trace sync -r "$T" --hist --by container -o json >"$T.hist"
	[ "$(jq -r 'select(.duration_ns.count == 1003 and (.duration_ns.counts | add) == 1003).value' "$T.hist" | sort | xargs)" = \
		"$PH_FILE-in $PH_FILE-out" ]

	shows signal in
	lines 1 ".signal == \"SIGTERM\" and .code == \"SI_USER\" and .target_tid == .tid and
		.target_comm == \"sh\" and .target_container == \"$PH_FILE-in\" and .result == \"delivered\" and .to_process"

	shows runq in --min 0
	some '.why == "woken" and .duration_ns > 0 and .prev_comm != null'
	# Who is nobody is in no container.
	lines 0 ".on_cpu >= $(nproc --all) or .prev_tid < 0 or (.prev_tid == 0 and .prev_container != null)"

	shows file in --min 0
	lines 3 '.call == "pwrite64" and (.file | startswith("/data/")) and .size_bytes == 65536 and .pos == 0 and .fd >= 3 and .ret == 65536 and
		.error == null and .duration_ns > 0 and .comm == "ph-load"'

	shows tcp in
	lines 2 '.event == "connect" and .local_addr == "127.0.0.1" and .local_port == 7002 and .remote_addr == "127.0.0.1" and
		.remote_port == 7001 and .comm == "ph-load" and .duration_ns > 0 and .sent_bytes == null'
	lines 0 ".netns != $(inum net)"
	some '.event == "accept" and .local_port == 7001 and .remote_port == 7002 and .pid == null'
	# Of the last of these, both sides.
	lines 1 '.event == "close" and .local_port == 7002 and .remote_port == 7001 and .duration_ns > 0 and
		.sent_bytes == 5 and .received_bytes == 3 and .comm == "ph-load"'
	lines 1 '.event == "close" and .local_port == 7001 and .remote_port == 7002 and .duration_ns > 0 and
		.sent_bytes == 3 and .received_bytes == 5 and .comm == "ph-load"'
	some '.event == "reset" and .state != null and .local_port == 7002 and .remote_port == 7001'
	some '.event == "overflow" and .local_port == 7001 and .backlog == 0 and .queued == 1'

	shows mount in
	lines 1 '.call == "mount" and .error == null and .type == "tmpfs" and .source == "none" and .target == "/run" and
		.options == "size=1m" and .flags == "MS_SILENT" and .duration_ns > 0 and .ret == 0'

	shows ns in
	lines 1 ".call == \"unshare\" and .changed == \"CLONE_NEWNS\" and .ns_mnt > 0 and .ns_mnt != $(inum mnt) and
		.ns_cgroup == $(inum cgroup) and .ns_ipc == $(inum ipc) and .ns_net == $(inum net) and .ns_pid == $(inum pid) and
		.ns_time == $(inum time) and .ns_user == $(inum user) and .ns_uts == $(inum uts)"
	# What has changed once is told once.
	lines 1 '.ns_mnt != null and .comm != "ph-launch" and .call != "execve"'

	# Linux 6.1 does not tell.
	shows cap in
	[ ! -s "$T.json" ] || some ".capability == \"CAP_SYS_ADMIN\" and .granted and .call == \"mount\" and
		.ns_target == $(inum user) and .ns_task == $(inum user)"

	shows events in
	lines 1 '.event == "start" and .runtime == "porthole"'
	lines 1 '.event == "ready" and .path == "/bin/sh" and .pid > 0'
	# It becomes another program in the end.
	lines 1 '.event == "exec" and .pid > 0'
	lines 1 '.event == "stop"'

	# What is on no block device asks none.
	if [ $(($(stat -c %d "$DISK") >> 8)) != 0 ]; then
		shows bio in
		some '(.kind | contains("WRITE")) and .size_bytes >= 4096 and .device_ns > 0 and .queue_ns >= 0 and .error == 0 and
			.duration_ns == .queue_ns + .device_ns and .sector > 0 and (.device | test("^[a-z]"))'
	fi

	# Under a limit of the memory controller.
	shows exit in --filter 'oom == 1'
	if [ -s "$T.json" ]; then
		lines 1 '.signal == "SIGKILL" and .comm == "ph-load"'
		# Linux 6.1 does not tell how large it is.
		shows oom in
		lines 1 ".comm == \"ph-load\" and (.anon_rss_bytes == null or (.anon_rss_bytes > 16777216 and
			.total_vm_bytes > .anon_rss_bytes)) and
			.oom_score_adj == 0 and .memory_cgroup > 0 and
			.for_pid == .pid and .for_comm == \"ph-load\" and .for_container == \"$PH_FILE-in\""
	else
		! grep -qw memory /proc/cgroups || flunk "nothing was killed for want of memory"
	fi

	shows syscalls in
	lines 1 '.call == "mount" and (.args | test("^\"none\", \"/run\", \"tmpfs\", [A-Z0_|]+, \"size=1m\"$")) and .ret == 0 and
		.error == null'
	lines 1 '.call == "openat" and (.args | startswith("AT_FDCWD, \"/nowhere\", O_RDONLY")) and .error == "ENOENT"'
	shows syscalls in -C
	lines 1 '.call == "fsync" and .calls == 1003 and .errors == 0 and .total_ns > 1003 and .p99_ns > 0 and .p99_ns <= .max_ns and
		.time_percent > 0 and .time_percent < 100 and .avg_ns * 1003 <= .total_ns and (.avg_ns + 1) * 1003 > .total_ns'

	shows throttle limited
	some ".quota_ns == 1000000 and .period_ns == 20000000 and .limit_level == 0 and .throttled_ns > 0 and
		.duration_ns >= .throttled_ns and (.limit | endswith(\"/$PH_FILE-limited\")) and .limit_cgroup_id > 0 and (.exact | type == \"boolean\") and
		.comm == \"ph-load\""
	shows runq limited --min 0
	some '.why == "throttled" and .comm == "ph-load"'
}

all_there() { [ "$(wc -l <"$T.live")" = 50 ]; }

# On the host only.
@test "as it happens, written beside it, and the same read again" {
	porthole trace sync -c "$PH_FILE-in" --wait -w "$T" --max-entries 50 -o json >"$T.live" 2>"$T.out" 3>&- &
	TRACER=$! RECORDER=$!
	wait_for 20 recording "$T"
	launch_wait out -- ph-load io /tmp 60 >/dev/null &
	launch_wait in -- ph-load io /tmp 60 >/dev/null
	wait $! || :
	wait_for 20 all_there
	wait "$TRACER" || flunk "$(cat "$T.out")"
	[ ! -s "$T.out" ] || flunk "$(cat "$T.out")"
	[ "$(jq -r '"\(.container) \(.comm) \(.call)"' "$T.live" | sort -u)" = "$PH_FILE-in ph-load fsync" ]
	porthole trace sync -r "$T" --max-entries 50 -o json | diff "$T.live" -
}

# On the host only.
@test "system calls of a command as they happen, and no others are recorded" {
	porthole trace syscalls -e openat -w "$T" -o json -- sh -c 'ph-load io /tmp 2 >/dev/null' >"$T.json"
	some '.call == "openat" and .comm == "ph-load" and (.args | contains("\"/tmp/")) and .ret >= 0 and .duration_ns > 0'
	porthole trace syscalls -r "$T" -e openat -o json | diff "$T.json" -
	[ "$(events "$T" -e syscall | jq -r .event | sort -u | xargs)" = "syscall_entry_openat syscall_exit_openat" ]
	porthole trace syscalls -r "$T" >"$T.text"
	grep -qE '^ph-load\[[0-9]+\] openat\(AT_FDCWD, "/tmp/[^"]*", O_[A-Z_|]+(, 0[0-7]+)?\) = [0-9]+$' "$T.text"
	tail -n 1 "$T.text" | grep -qE '^[a-z-]+\[[0-9]+\] \+\+\+ exited with 0 \+\+\+$'
}

# On the host only.
@test "a process that is selected by its name ends, whatever its last thread is called" {
	local comm
	# It gets the name when it is a child of the command already.
	for comm in ph-load "ph-loa[d]"; do
		porthole trace exit --comm "$comm" -o json -- sh -c 'ph-load cause leaderless >/dev/null' 2>"$T.out" >"$T.json" || flunk "$(cat "$T.out")"
		[ "$(jq -r .comm "$T.json" | sort -u)" = ph-load ]
		lines 3 '.pid == .tid'
	done
}

asked() { [ "$(wc -l <"$T.live")" = 6 ]; }

# On the host only.
@test "names that a container looks up, as it happens and read again" {
	porthole trace dns -c "$PH_FILE-in" --wait -w "$T" -o json >"$T.live" 2>"$T.out" 3>&- &
	TRACER=$! RECORDER=$!
	wait_for 20 recording "$T"
	launch_wait out -- ph-load dns >/dev/null &
	launch_wait in -- ph-load dns >"$T.said"
	wait $! || :
	wait_for 20 asked || flunk "$(cat "$T.live")"
	kill -INT "$TRACER"
	wait "$TRACER" || flunk "$(cat "$T.out")"
	cp "$T.live" "$T.json"
	lines 6 ".container == \"$PH_FILE-in\" and .comm == \"ph-load\" and .pid > 0 and .pid == .tid and
		.server == \"127.0.0.1:53\" and .netns == $(sed -n 's/.*net_ns=//p' "$T.said")"
	lines 1 '.name == "both.example" and .type == "A" and .code == "NOERROR" and .try == 1 and .protocol == "udp" and
		.answers == "alias.example 192.0.2.7" and .duration_ns >= 20000000 and .duration_ns < 20000000000 and
		.query_id == 101 and .truncated == false and .size_bytes == 73'
	lines 1 '.name == "both.example" and .type == "AAAA" and .code == "NOERROR" and .answers == "2001:db8::7" and
		.duration_ns >= 20000000 and .query_id == 102'
	lines 1 '.name == "nowhere.example" and .code == "NXDOMAIN" and .answers == null and .duration_ns > 0 and
		.local_port > 0'
	lines 1 '.name == "silent.example" and .code == "timeout" and .try == 1 and .duration_ns == null and .answers == null'
	lines 1 '.name == "silent.example" and .code == "timeout" and .try == 2 and .query_id == 104'
	lines 1 '.name == "7.2.0.192.in-addr.arpa" and .type == "PTR" and .protocol == "tcp" and .code == "NOERROR" and
		.answers == "both.example" and .duration_ns > 0'
	porthole trace dns -r "$T" -o json | diff "$T.live" -
	shows dns in --filter 'code == timeout'
	lines 2 '.name == "silent.example"'
	[ "$(porthole trace dns -r "$T" --hist --by type -o json | jq -r '"\(.value) \(.duration_ns.count)"' | sort | xargs)" = \
		"A 2 AAAA 1 PTR 1" ]
}
