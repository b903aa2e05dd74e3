#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Scheduler, processes, signals, memory: one event is caused in a container, every field is looked
# at, and the same done by its neighbour is not there.
# limit: 240 s

load lib
load cause

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	rm -rf "$T"*
}

@test "migrate: one task moves from CPU 0 to CPU 1" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	cause sched -- ph-load cause migrate
	only sched_migrate_task '.fields.comm == "mover"' \
		"{comm:\"mover\",tid:$(host_tid 1),prio:20,orig_cpu:0,dest_cpu:1}"
	# Where it was, it left; where it went, it came.
	has "$T" ".event == \"sched_switch\" and .cpu == 0 and .fields.prev_tid == $(host_tid 1)"
	has "$T" ".event == \"sched_switch\" and .cpu == 1 and .fields.next_tid == $(host_tid 1) and
		.fields.next_comm == \"mover\" and .fields.next_prio == 20"
	neighbour_is_absent
}

@test "waking, wakeup, wakeup_new and switch tell the same tasks, in their order" {
	cause sched -- ph-load forks 1
	child=$(events "$T" | jq "select(.event == \"sched_process_fork\" and .fields.parent_tid == $(host_tid 1))
		.fields.child_tid")
	[ -n "$child" ]
	events "$T" | jq -r "select((.fields.tid == $child and (.event | startswith(\"sched_wakeup\"))) or
		(.event == \"sched_switch\" and .fields.next_tid == $child) or
		(.event == \"sched_process_exit\" and .fields.tid == $child)) | .event" | uniq >"$T.order"
	[ "$(sed -n 1p "$T.order")" = sched_wakeup_new ]
	# It ran before it ended. (A wake-up of a task that is runnable already may stand between.)
	[ "$(grep -n -m1 sched_switch "$T.order" | cut -d: -f1)" -lt \
		"$(grep -n -m1 sched_process_exit "$T.order" | cut -d: -f1)" ]
	has "$T" ".event == \"sched_wakeup_new\" and .fields == {comm:\"ph-load\",tid:$child,prio:20,
		target_cpu:.fields.target_cpu} and .fields.target_cpu < $(nproc)"
	# The parent waits for it: its end wakes the parent.
	has "$T" ".event == \"sched_waking\" and .tid == $child and .fields.tid == $(host_tid 1)"
	has "$T" ".event == \"sched_switch\" and .fields.prev_tid == $(host_tid 1) and
		.fields.prev_state_name == \"S\""
}

@test "fork tells the child at every pid namespace level" {
	cause sched -- ph-load forks 1
	child=$(events "$T" | jq "select(.event == \"sched_process_fork\" and .fields.parent_tid == $(host_tid 1))
		.fields.child_tid")
	has "$T" ".event == \"sched_process_fork\" and .fields.vtids == [$child,2] and
		.fields.child_pid == $child and .fields.parent_pid == $(host_tid 1) and
		.fields.parent_comm == \"ph-load\" and .fields.child_comm == \"ph-load\" and
		.fields.child_ns_inum == .fields.parent_ns_inum and .fields.child_ns_inum != 0 and
		.fields.child_container_name == \"$PH_FILE-in\""
	neighbour_is_absent
}

@test "exec tells path and thread, also when it is not the leader's" {
	cause sched -- ph-load cause exec-thread
	leader=$(host_tid 1)
	events "$T" | jq -c "select(.event == \"sched_process_exec\" and .fields.tid == $leader) | .fields" >"$T.exec"
	jq -e "select(.filename == \"/bin/ph-load\" or (.filename | endswith(\"/ph-load\"))) |
		.old_tid == $leader" "$T.exec" | head -n 1 | grep -q true
	thread=$(jq 'select(.filename == "/proc/self/exe").old_tid' "$T.exec")
	[ -n "$thread" ] && [ "$thread" != "$leader" ]
	has "$T" ".event == \"sched_process_fork\" and .fields.child_tid == $thread and
		.fields.child_pid == $leader and .fields.vtids[1] == 2"
	neighbour_is_absent
}

@test "a rename tells both names, also when it is not by exec" {
	# Nothing else is recorded: the names come from here.
	record "$T" -q -c "$PH_FILE-renamed" --wait -e syscall_entry_getuid
	launch_wait renamed -- sh -c 'printf "another name of its own" >/proc/$$/comm; ph-load getppid 1; id -u' >/dev/null
	record_end
	shell=$(events "$T" -e task_rename | jq 'select(.fields.oldcomm == "sh").fields.tid')
	only task_rename '.fields.oldcomm == "sh"' \
		"{tid:$shell,oldcomm:\"sh\",newcomm:\"another name of\",oom_score_adj:$(cat /proc/self/oom_score_adj)}"
	has "$T" ".event == \"syscall_entry_getuid\" and .comm == \"id\""
	has "$T" ".event == \"task_rename\" and .fields.oldcomm == \"another name of\" and .fields.newcomm == \"ph-load\""
}

@test "exit and free tell how each task ended" {
	cause sched -- ph-load cause exits
	exited=$(host_tid 2) killed=$(host_tid 3)
	only sched_process_exit ".fields.tid == $exited" "{comm:\"ph-load\",tid:$exited,prio:20,exit_code:$((42 << 8))}"
	only sched_process_exit ".fields.tid == $killed" "{comm:\"ph-load\",tid:$killed,prio:20,exit_code:15}"
	neighbour_is_absent
}

# near WHAT VALUE REFERENCE SLACK: as a difference in ns.
near() {
	local off=$(($2 - $3))
	[ "${off#-}" -le "$4" ] || flunk "$1: $2, not $3 ± $4"
}

@test "exit tells what the task has used, as its parent is told" {
	cause sched -- ph-load cause times
	# A tick, and what the way out of the kernel takes.
	slack=$((${PH_SLOW:-1} * 12000000))
	for pid in 2 3; do
		tid=$(host_tid $pid) user=$(said "user$pid") system=$(said "system$pid") delay=$(said "delay$pid")
		total=$((user + system))
		events "$T" -e sched_process_exit | jq -r "select(.fields.tid == $tid) | .fields |
			[.utime_ns, .stime_ns, .runtime_ns, .run_delay_ns] | @tsv" >"$T.times"
		read -r utime stime runtime run_delay <"$T.times"
		echo "user $user $utime, system $system $stime, total $total $runtime, delay $delay $run_delay"
		near runtime "$runtime" "$total" "$slack"
		# Ticks are a sample, and what the hypervisor took is not in them.
		near utime "$utime" "$user" $((total / 3))
		near stime "$stime" "$system" $((total / 3))
		[ "$utime" -gt $((total / 6)) ] && [ "$stime" -gt $((total / 6)) ]
		near "delay" "$run_delay" "$delay" $((4 * slack))
		[ "$run_delay" -gt $((total / 4)) ]
	done
	neighbour_is_absent
}

@test "what each task has used is told at the beginning and at the end" {
	# shellcheck disable=SC2016  # for the shell in the container
	launch still -- sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; exec ph-load sleep 60s'
	still=$PID
	launch busy -- ph-load spin 60s
	busy=$PID
	launch other -- ph-load sleep 60s
	wait_for 30 grep -q 'ph-load' "/proc/$still/comm"
	wait_for 10 grep -q '^State:.S' "/proc/$still/status"
	run_a=$(cut -d' ' -f1 "/proc/$busy/schedstat")
	record "$T" -q -c "$PH_FILE-still,$PH_FILE-busy" -e sched_switch
	run_b=$(cut -d' ' -f1 "/proc/$busy/schedstat")
	sleep 1
	run_c=$(cut -d' ' -f1 "/proc/$busy/schedstat")
	record_end
	run_d=$(cut -d' ' -f1 "/proc/$busy/schedstat")
	# It slept all the time: nothing has changed, and all is as the kernel shows it.
	events "$T" -e task_times | jq -c "select(.fields.tid == $still).fields" >"$T.still"
	[ "$(wc -l <"$T.still")" = 2 ] && [ "$(uniq "$T.still" | wc -l)" = 1 ]
	read -r runtime run_delay _ <"/proc/$still/schedstat"
	stat=$(sed 's/.*) //' "/proc/$still/task/$still/stat")
	head -n 1 "$T.still" | jq -e ".runtime_ns == $runtime and .run_delay_ns == $run_delay and
		.min_flt == $(cut -d' ' -f8 <<<"$stat") and .maj_flt == $(cut -d' ' -f10 <<<"$stat")"
	read -r utime stime < <(head -n 1 "$T.still" | jq -r '[.utime_ns, .stime_ns] | @tsv')
	near utime "$utime" $(($(cut -d' ' -f12 <<<"$stat") * 10000000)) $((runtime / 2 + 20000000))
	near stime "$stime" $(($(cut -d' ' -f13 <<<"$stat") * 10000000)) $((runtime / 2 + 20000000))
	# Of the one that runs, each was read between what was read before and after.
	events "$T" -e task_times | jq "select(.fields.tid == $busy).fields.runtime_ns" >"$T.busy"
	[ "$(wc -l <"$T.busy")" = 2 ]
	begin=$(sed -n 1p "$T.busy") end=$(sed -n 2p "$T.busy")
	echo "begin $run_a $begin $run_b, end $run_c $end $run_d"
	[ "$begin" -ge "$run_a" ] && [ "$begin" -le "$run_b" ]
	[ "$end" -ge "$run_c" ] && [ "$end" -le "$run_d" ]
	hasnt "$T" ".event == \"task_times\" and ([.fields.tid] | inside([$still,$busy]) | not)"
}

# In units of 10 ms, whatever the kernel's tick is.
stolen() { awk '/^cpu / { printf "%.0f\n", $9 * 1e7 }' /proc/stat; }

@test "stolen time: as much as /proc/stat has" {
	before=$(stolen)
	record "$T" -q -a -e cpu_steal
	ph-load threads "$(nproc)" 2s
	sleep 0.2
	record_end
	after=$(stolen)
	hasnt "$T" ".event == \"cpu_steal\" and (.fields.steal_ns <= 0 or .cpu >= $(nproc))"
	sum=$(events "$T" -e cpu_steal | jq -s 'map(.fields.steal_ns) | add // 0')
	echo "/proc/stat $((after - before)), events $sum"
	# It counts whole ticks for each CPU; here nothing may have been stolen at all.
	near "stolen" "$sum" $((after - before)) $((($(nproc) + 1) * 10000000 + (after - before) / 10))
}

@test "priority inheritance: borrowed, and given back" {
	cause sched -- ph-load cause pi
	owner=$(said owner)
	owner=$(host_tid "$owner")
	events "$T" | jq -c "select(.event == \"sched_pi_setprio\" and .fields.tid == $owner) |
		[.fields.comm, .fields.oldprio, .fields.newprio]" >"$T.pi"
	[ "$(sed -n 1p "$T.pi")" = '["owner",30,20]' ]
	[ "$(sed -n 2p "$T.pi")" = '["owner",20,30]' ]
	neighbour_is_absent
}

@test "unshare, setns and clone flags change namespaces, by inode" {
	cause sched,syscall --caps all -- ph-load cause namespaces
	tid=$(host_tid 1)
	events "$T" | jq -c "select(.event == \"sched_process_namespaces\" and .fields.tid == $tid) |
		[.fields.flags, .fields.uts_ns]" | tail -n 2 >"$T.ns"
	[ "$(sed -n 1p "$T.ns")" = "[$((0x04000000)),$(said after)]" ]
	[ "$(sed -n 2p "$T.ns")" = "[$((0x04000000)),$(said before)]" ]
	has "$T" ".event == \"sched_process_namespaces\" and .fields.tid == $(host_tid 2) and
		.fields.flags == $((0x08000000)) and .fields.uts_ns == $(said before)"
	neighbour_is_absent
}

# throttled PATH: what the kernel says of that group, in ns.
throttled() {
	local f
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"$1"/cpu.stat /sys/fs/cgroup/"$1"/cpu.stat; do
		[ -r "$f" ] || continue
		awk '$1 == "throttled_time" { print $2 } $1 == "throttled_usec" { print $2 * 1000 }' "$f"
		return
	done
}

@test "throttling: by its own limit, as long as the kernel says" {
	record "$T" -q -c "$PH_FILE-limited" --wait -e sched
	launch limited --cpus 0.3 -- sh -c 'ph-load spin 1500ms; exec ph-load sleep 20s'
	sleep 2.5
	kernel=$(throttled "porthole.d/$PH_FILE-limited")
	record_end
	has "$T" '.event == "sched_throttle_begin" and .fields.limit_level == 0 and
		.fields.quota_ns == 30000000 and .fields.period_ns == 100000000 and
		.fields.cgroup_id == .fields.limit_cgroup_id'
	hasnt "$T" '.event == "sched_throttle_begin" and .fields.limit_level != 0'
	sum=$(events "$T" -e sched_throttle_end | jq -s 'map(.fields.throttled_ns) | add')
	echo "kernel $kernel, events $sum"
	[ "$sum" -gt $((kernel * 90 / 100)) ]
	[ "$sum" -lt $((kernel * 110 / 100)) ]
}

@test "throttling: by the parent's limit" {
	record "$T" -q -a -e sched
	# The weight makes both a group of the scheduler, on v2 too.
	launch inner --cpu-weight 50 --cgroup "porthole.d/$PH_FILE-pod/inner" -- ph-load spin 2s
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"porthole.d/$PH_FILE-pod"/cpu.cfs_quota_us; do
		[ ! -e "$f" ] || echo 30000 >"$f"
	done
	f=/sys/fs/cgroup/porthole.d/$PH_FILE-pod/cpu.max
	[ ! -e "$f" ] || echo 30000 100000 >"$f"
	sleep 2
	record_end
	has "$T" '.event == "sched_throttle_begin" and .fields.limit_level == 1 and
		.fields.quota_ns == 30000000 and .fields.cgroup_id != .fields.limit_cgroup_id'
	hasnt "$T" ".event == \"sched_throttle_begin\" and .container == \"inner\" and .fields.limit_level == 0"
}

@test "signals: who sent what to whom, and what came of it" {
	cause signal -- ph-load cause signals
	pid=$(host_tid 1) handler=$(said handler)
	only signal_generate ".fields.sig == 10" "{sig:10,errno:0,code:0,comm:\"ph-load\",pid:$pid,group:1,result:0}"
	only signal_generate ".fields.sig == 35" "{sig:35,errno:0,code:-1,comm:\"ph-load\",pid:$pid,group:1,result:0}"
	has "$T" ".event == \"signal_deliver\" and .fields.sig == 10 and .fields.sa_handler == $handler"
	has "$T" ".event == \"signal_deliver\" and .fields.sig == 35 and .fields.code == -1"
	neighbour_is_absent
}

@test "a page fault has its address" {
	cause fault -- ph-load cause fault
	only page_fault_user ".fields.address == $(said address)" '{error_code:6}'
	neighbour_is_absent
}

@test "reclaim under a memory limit, in pairs; the OOM killer's victim with its sizes" {
	cause mm --memory 16M -- ph-load alloc 64M
	begin=$(events "$T" -e mm_vmscan_memcg_reclaim_begin | wc -l)
	end=$(events "$T" -e mm_vmscan_memcg_reclaim_end | wc -l)
	[ "$begin" -gt 0 ] && [ "$begin" = "$end" ]
	events "$T" -e oom_mark_victim | jq -c .fields >"$T.oom"
	[ "$(wc -l <"$T.oom")" = 1 ]
	jq -e ".pid == $(host_tid 2)" "$T.oom"
	if [ "$(jq -r .comm "$T.oom")" != "" ]; then
		jq -e '.comm == "ph-load" and .oom_score_adj == 0 and .total_vm_bytes > 8000000 and
			.anon_rss_bytes > 4000000 and .anon_rss_bytes < 17000000' "$T.oom"
		jq -e ".victim_container_name == \"$PH_FILE-in\"" "$T.oom"
	fi
}

@test "interrupts, softirqs and timers come in pairs" {
	cause irq,timer -- ph-load spin 300ms
	for e in irq_softirq timer_hrtimer_expire x86_irq_vectors_local_timer irq_handler; do
		# One may be cut by either end of the recording.
		entries=$(events "$T" -e "${e}_entry" | wc -l) exits=$(events "$T" -e "${e}_exit" | wc -l)
		[ $((entries - exits)) -ge -2 ] && [ $((entries - exits)) -le 2 ] || flunk "$e: $entries $exits"
	done
	has "$T" '.event == "timer_hrtimer_expire_entry" and .fields.hrtimer != 0 and .fields.now > 0 and
		.fields.function != 0'
	has "$T" '.event == "irq_softirq_entry" and .fields.vec_name == "TIMER"'
	has "$T" '.event == "x86_irq_vectors_local_timer_entry" and .fields.vector == 236'
}

@test "a capability check: which, in whose user namespace, with what result" {
	porthole record -q -e cap_capable -w "$T.try" -- true 2>/dev/null || skip "this kernel has no cap_capable tracepoint"
	cause cap,syscall -- ph-load fail
	# CAP_SYS_ADMIN, which the container has not.
	has "$T" ".event == \"cap_capable\" and .fields.cap == 21 and .fields.ret == -1 and
		.fields.target_ns == $(stat -Lc %i /proc/self/ns/user) and
		.fields.task_ns == $(stat -Lc %i /proc/self/ns/user)"
	neighbour_is_absent
}
