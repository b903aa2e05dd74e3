#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Scheduler, processes, signals, memory: one event is caused in a container, every field is looked
# at, and the same done by its neighbour is not there.
# limit: 240 s

load lib
load cause

teardown() {
	record_kill
	kernel_forgets
	[ -z "${THIRD:-}" ] || echo 0 >"$THIRD"
	[ -z "${MIN_FREE:-}" ] || echo "$MIN_FREE" >/proc/sys/vm/min_free_kbytes
	launch_stop
	rm -rf "$T"*
}

@test "migrate: one task moves from CPU 0 to CPU 1" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	cause sched -- ph-load cause migrate
	one sched_migrate_task '.fields.comm == "mover"' <<-END
		comm       "mover"
		tid        $(host_tid 1)
		prio       20
		orig_cpu   0
		dest_cpu   1
	END
	# Where it was, it left; where it went, it came.
	has "$T" ".event == \"sched_switch\" and .cpu == 0 and .fields.prev_tid == $(host_tid 1)"
	has "$T" ".event == \"sched_switch\" and .cpu == 1 and .fields.next_tid == $(host_tid 1) and
		.fields.next_comm == \"mover\" and .fields.next_prio == 20"
	neighbour_is_absent
}

@test "two threads of one CPU in turn: wake-ups and switches, by name, priority and CPU" {
	cause sched -- ph-load cause switch
	left=$(host_tid 1) right=$(host_tid 2)
	some sched_switch ".fields.prev_tid == $left and .fields.next_tid == $right" <<-END
		prev_comm  "left"
		prev_tid   $left
		prev_prio  20
		prev_state ? . == 1 and \$e.fields.prev_state_name == "S"
		next_comm  "right"
		next_tid   $right
		next_prio  25
	END
	some sched_switch ".fields.prev_tid == $right and .fields.next_tid == $left" <<-END
		prev_comm  "right"
		prev_prio  25
		next_comm  "left"
		next_prio  20
	END
	every sched_waking,sched_wakeup ".tid == $left and .fields.comm == \"right\"" <<-END
		comm       "right"
		tid        $right
		prio       25
		target_cpu 0
	END
	[ "$(events "$T" -e sched_waking | jq -c "select(.tid == $left and .fields.tid == $right)" | wc -l)" -ge 10 ]
	# It has its creator's name and priority still.
	one sched_wakeup_new ".fields.tid == $right" <<-END
		comm       "left"
		tid        $right
		prio       20
		target_cpu 0
	END
	neighbour_is_absent
}

@test "waking, wakeup, wakeup_new and switch tell the same tasks, in their order" {
	cause sched -- ph-load forks 5
	# One whose first switch was from a task that the kernel tells of (process 1 need not be such a one).
	child=$(events "$T" -e sched_process_fork,sched_switch | jq -s "map(select(.event == \"sched_switch\").fields.next_tid) as \$ran |
		map(select(.fields.parent_tid == $(host_tid 1)).fields.child_tid | select([.] | inside(\$ran))) | first")
	events "$T" | jq -r "select((.fields.tid == $child and (.event | startswith(\"sched_wakeup\"))) or
		(.event == \"sched_switch\" and .fields.next_tid == $child) or
		(.event == \"sched_process_exit\" and .fields.tid == $child)) | .event" | uniq >"$T.order"
	[ "$(sed -n 1p "$T.order")" = sched_wakeup_new ]
	# It ran before it ended. (A wake-up of a task that is runnable already may stand between.)
	[ "$(grep -n -m1 sched_switch "$T.order" | cut -d: -f1)" -lt \
		"$(grep -n -m1 sched_process_exit "$T.order" | cut -d: -f1)" ]
	# The parent waits for them: their end wakes the parent, where it is not on its way to wait still.
	children=$(events "$T" -e sched_process_fork | jq -sc "map(select(.fields.parent_tid == $(host_tid 1)).fields.child_tid)")
	has "$T" ".event == \"sched_waking\" and .fields.tid == $(host_tid 1) and ([.tid] | inside($children))"
	has "$T" ".event == \"sched_switch\" and .fields.prev_tid == $(host_tid 1) and
		.fields.prev_state_name == \"S\""
}

@test "fork tells the child at every pid namespace level, two and three below the host's" {
	before=$(awk '{ printf "%.0f", $1 * 1000000000 }' /proc/uptime)
	cause sched --caps all -- ph-load cause nest
	after=$(awk '{ printf "%.0f", $1 * 1000000000 }' /proc/uptime)
	outer=$(host_tid 1)
	middle=$(events "$T" -e sched_process_fork | jq "select(.fields.parent_tid == $outer).fields.child_tid")
	inner=$(events "$T" -e sched_process_fork | jq "select(.fields.parent_tid == $middle).fields.child_tid")
	[ "$(said outer)" = 1 ]
	# It is in a namespace of its own and its parent is not, which only has unshared it.
	one sched_process_fork ".fields.child_tid == $middle" <<-END
		parent_comm          "ph-load"
		parent_tid           $outer
		parent_pid           $outer
		parent_ns_inum       $(said outer_ns)
		child_comm           "ph-load"
		child_tid            $middle
		vtids                [$middle,$(said middle)]
		child_pid            $middle
		child_ns_inum        $(said middle_ns)
		child_container_name "$PH_FILE-in"
		child_start_ns       ? . > $before and . < $after
	END
	one sched_process_fork ".fields.child_tid == $inner" <<-END
		parent_tid           $middle
		parent_ns_inum       $(said middle_ns)
		vtids                [$inner,$(said inner)]
		child_ns_inum        $(said inner_ns)
		child_container_name "$PH_FILE-in"
	END
	[ "$(said inner | tr -cd , | wc -c)" = 2 ]
	neighbour_is_absent
}

@test "exec tells path and thread, also when it is not the leader's" {
	cause sched -- ph-load cause exec-thread
	leader=$(host_tid 1)
	thread=$(events "$T" -e sched_process_fork | jq "select(.fields.parent_tid == $leader).fields.child_tid")
	one sched_process_exec '.fields.filename == "/proc/self/exe"' <<-END
		filename "/proc/self/exe"
		tid      $leader
		old_tid  $thread
	END
	some sched_process_exec ".fields.tid == $leader" <<-END
		filename ? endswith("/ph-load")
		old_tid  $leader
	END
	one sched_process_fork ".fields.child_tid == $thread" <<-END
		child_pid $leader
		vtids     [$thread,2]
	END
	neighbour_is_absent
}

@test "a rename tells both names, also when it is not by exec" {
	# Nothing else is recorded: the names come from here.
	record "$T" -q -c "$PH_FILE-renamed" --wait -e syscall_entry_getuid
	launch_wait renamed -- sh -c 'printf "another name of its own" >/proc/$$/comm; ph-load getppid 1; id -u' >/dev/null
	record_end
	shell=$(events "$T" -e task_rename | jq 'select(.fields.oldcomm == "sh").fields.tid')
	one task_rename '.fields.oldcomm == "sh"' <<-END
		tid           $shell
		oldcomm       "sh"
		newcomm       "another name of"
		oom_score_adj $(cat /proc/self/oom_score_adj)
	END
	has "$T" ".event == \"syscall_entry_getuid\" and .comm == \"id\""
	has "$T" ".event == \"task_rename\" and .fields.oldcomm == \"another name of\" and .fields.newcomm == \"ph-load\""
}

@test "exit and free tell how each task ended" {
	cause sched -- ph-load cause exits
	exited=$(host_tid 2) killed=$(host_tid 3)
	one sched_process_exit ".fields.tid == $exited" <<-END
		comm           "ph-load"
		tid            $exited
		prio           20
		exit_code      $((42 << 8))
		process_status $((42 << 8))
		process_end    2
	END
	one sched_process_exit ".fields.tid == $killed" <<-END
		comm           "ph-load"
		tid            $killed
		exit_code      15
		process_status 15
		process_end    2
	END
	one sched_process_free ".fields.tid == $exited" <<-END
		comm      "ph-load"
		tid       $exited
		prio      20
	END
	one sched_process_free ".fields.tid == $killed" <<-END
		comm      "ph-load"
		prio      20
	END
	neighbour_is_absent
}

@test "a process ends with its last thread, as its parent is told" {
	cause sched,openat,read,syscall_late_string -- ph-load cause leaderless
	for i in 0 1; do
		first=$(host_tid $((2 + 2 * i))) last=$(host_tid $((3 + 2 * i)))
		one sched_process_exit ".fields.tid == $first" <<-END
			exit_code      $((43 << 8))
			process_status 0
			process_end    1
		END
		one sched_process_exit ".fields.tid == $last" <<-END
			comm           "outliving"
			process_status $(said "status$i")
			process_end    2
		END
	done
	porthole trace exit -r "$T" -c "$PH_FILE-in" -o json >"$T.json"
	[ "$(jq -r 'select(.pid != .tid)' "$T.json")" = "" ]
	for i in 0 1; do
		jq -se "map(select(.pid == $(host_tid $((2 + 2 * i))))) | length == 1 and .[0].comm == \"ph-load\" and .[0].runtime_ns < 40000000 and
			.[0].code == $(($(said "status$i") >> 8)) and .[0].age_ns > 40000000" "$T.json" >/dev/null || flunk "$(cat "$T.json")"
	done
	# What the first thread has opened is still open.
	[ "$(porthole trace file -r "$T" -c "$PH_FILE-in" --min 0 --filter 'comm == outliving' -o json | jq -r .file | xargs)" = "/dev/zero /dev/zero" ]
	neighbour_is_absent
}

@test "exit tells what the task has used, as its parent is told" {
	cause sched -- ph-load cause times
	# A tick, and what the way out of the kernel takes.
	slack=$((${PH_SLOW:-1} * 12000000))
	for pid in 2 3; do
		tid=$(host_tid $pid) user=$(said "user$pid") system=$(said "system$pid") delay=$(said "delay$pid")
		total=$((user + system))
		# Ticks are a sample, and what the hypervisor took is not in them, nor are those that an emulator was too slow for. What
		# the parent is told is the time that the task ran, divided as they are: less one of 10 ms.
		share="(\$e.fields | .utime_ns + .stime_ns) as \$ticks | \$ticks > $((total / 20)) and
			\$ticks < $((total * 4 / 3))"
		one sched_process_exit ".fields.tid == $tid" <<-END
			utime_ns     ? . as \$t | ${share//$'\n'/} and (\$t * $total / \$ticks - $user | fabs) <= 10000000 * $total / \$ticks
			stime_ns     ? . as \$t | ${share//$'\n'/} and (\$t * $total / \$ticks - $system | fabs) <= 10000000 * $total / \$ticks
			runtime_ns   ? (. - $total | fabs) <= $slack
			run_delay_ns ? (. - $delay | fabs) <= $((4 * slack)) and . > $((total / 4))
		END
	done
	neighbour_is_absent
}

@test "what each task has used is told at the beginning and at the end" {
	# shellcheck disable=SC2016  # for the shell in the container
	launch still -- sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; exec ph-load sleep 600s'
	still=$PID
	launch busy -- ph-load spin 600s
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
	[ "$(wc -l <"$T.still")" = 2 ]
	[ "$(uniq "$T.still" | wc -l)" = 1 ]
	read -r runtime run_delay _ <"/proc/$still/schedstat"
	stat=$(sed 's/.*) //' "/proc/$still/task/$still/stat")
	ticks() { echo $(($(cut -d' ' -f"$1" <<<"$stat") * 10000000)); }
	every task_times ".fields.tid == $still" <<-END
		tid          $still
		utime_ns     ? (. - $(ticks 12) | fabs) <= $((runtime * 2 / 3 + 20000000))
		stime_ns     ? (. - $(ticks 13) | fabs) <= $((runtime * 2 / 3 + 20000000))
		runtime_ns   $runtime
		run_delay_ns $run_delay
		min_flt      $(cut -d' ' -f8 <<<"$stat")
		maj_flt      $(cut -d' ' -f10 <<<"$stat")
	END
	# Of the one that runs, each was read between what was read before and after.
	events "$T" -e task_times | jq "select(.fields.tid == $busy).fields.runtime_ns" >"$T.busy"
	[ "$(wc -l <"$T.busy")" = 2 ]
	begin=$(sed -n 1p "$T.busy") end=$(sed -n 2p "$T.busy")
	echo "begin $run_a $begin $run_b, end $run_c $end $run_d"
	[ "$begin" -ge "$run_a" ]
	[ "$begin" -le "$run_b" ]
	[ "$end" -ge "$run_c" ]
	[ "$end" -le "$run_d" ]
	hasnt "$T" ".event == \"task_times\" and ([.fields.tid] | inside([$still,$busy]) | not)"
}

# In units of 10 ms, whatever the kernel's tick is.
stolen() { awk '/^cpu / { printf "%.0f\n", $9 * 1e7 }' /proc/stat; }

@test "stolen time: as much as /proc/stat has" {
	earlier=$(stolen)
	record "$T" -q -a -e cpu_steal
	before=$(stolen)
	ph-load threads "$(nproc)" 2s
	sleep 0.2
	after=$(stolen)
	record_end
	later=$(stolen)
	if [ -n "$(events "$T" -e cpu_steal | head -n 1)" ]; then
		every cpu_steal ".cpu < $(nproc)" <<-END
			steal_ns ? . > 0
		END
	fi
	sum=$(events "$T" -e cpu_steal | jq -s 'map(.fields.steal_ns) | add // 0')
	echo "/proc/stat $((after - before)) to $((later - earlier)), events $sum"
	# It counts whole ticks for each CPU; here nothing may have been stolen at all.
	[ "$sum" -ge $(((after - before) * 9 / 10 - ($(nproc) + 1) * 10000000)) ]
	[ "$sum" -le $(((later - earlier) * 11 / 10 + ($(nproc) + 1) * 10000000)) ]
}

@test "priority inheritance: borrowed, and given back" {
	cause sched -- ph-load cause pi
	owner=$(said owner)
	owner=$(host_tid "$owner")
	one sched_pi_setprio ".fields.tid == $owner and .fields.oldprio == 30" <<-END
		comm    "owner"
		tid     $owner
		oldprio 30
		newprio 20
	END
	one sched_pi_setprio ".fields.tid == $owner and .fields.oldprio == 20" <<-END
		comm    "owner"
		newprio 30
	END
	neighbour_is_absent
}

@test "unshare, setns and clone flags change namespaces, by inode" {
	cause sched,syscall --caps all -- ph-load cause namespaces
	one sched_process_namespaces ".fields.tid == $(host_tid 1) and .fields.uts_ns == $(said after)" <<-END
		tid       $(host_tid 1)
		flags     $((0x04000000))
		cgroup_ns $(said cgroup)
		ipc_ns    $(said ipc)
		mnt_ns    $(said mnt)
		net_ns    $(said net)
		pid_ns    $(said pid)
		time_ns   $(said time)
		user_ns   $(said user)
		uts_ns    $(said after)
	END
	some sched_process_namespaces ".fields.tid == $(host_tid 1) and .fields.uts_ns == $(said before)" <<-END
		flags     $((0x04000000))
	END
	one sched_process_namespaces ".fields.tid == $(host_tid 2)" <<-END
		flags     $((0x08000000))
		ipc_ns    $(said child_ipc)
		uts_ns    $(said before)
		net_ns    $(said net)
	END
	neighbour_is_absent
}

# throttled PATH: what the kernel says of that group, in ns.
throttled() {
	local f
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"$1"/cpu.stat /sys/fs/cgroup/"$1"/cpu.stat; do
		[ -r "$f" ] || continue
		awk '$1 == "throttled_time" { print $2 } $1 == "throttled_usec" { printf "%.0f\n", $2 * 1000 }' "$f"
		return
	done
}

# The container's cgroup in the CPU controller's hierarchy.
cpu_cgroup() {
	local f
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"$1" /sys/fs/cgroup/"$1"; do
		[ ! -e "$f/cpu.stat" ] || { stat -c %i "$f"; return; }
	done
}

@test "throttling: by its own limit, as long as the kernel says" {
	record "$T" -q -c "$PH_FILE-limited" --wait -e sched
	# So little that it is used up whatever else runs.
	launch limited --cpus 0.1 --cpu-period 80000 -- sh -c 'ph-load spin 1500ms; exec ph-load sleep 20s'
	wait_for 20 grep -q -a ^ph-load.sleep "/proc/$PID/cmdline"
	# The last span ends within a period.
	sleep 0.3
	kernel=$(throttled "porthole.d/$PH_FILE-limited")
	id=$(cpu_cgroup "porthole.d/$PH_FILE-limited")
	record_end
	spinner=$(events "$T" -e sched_process_exec | jq 'select(.fields.filename | endswith("ph-load")).fields.tid' | head -n 1)
	# Where all is slow, the shell has been throttled before.
	third=$(events "$T" -e sched_throttle_begin | jq "select(.fields.tid == $spinner).fields.nr_throttled" | sed -n 3p)
	[ "$third" -ge 2 ]
	some sched_throttle_begin ".fields.nr_throttled == $third" <<-END
		comm            "ph-load"
		tid             $spinner
		cgroup_id       $id
		limit_cgroup_id $id
		limit_level     0
		quota_ns        8000000
		period_ns       80000000
		nr_throttled    $third
	END
	every sched_throttle_begin true <<-END
		limit_level     0
		limit_cgroup_id $id
	END
	some sched_throttle_end true <<-END
		comm            "ph-load"
		tid             $spinner
		limit_cgroup_id $id
		begin_ns        ? . > 0
		throttled_ns    ? . > 0 and . < 80000000
		exact           1
	END
	whole=1
	! since 6.18 || whole=0
	every sched_limit_begin true <<-END
		cgroup_id       $id
		on_cpu          ? . >= 0 and . < $(nproc --all)
		begin_ns        ? . > 0
		quota_ns        8000000
		period_ns       80000000
		whole           $whole
	END
	# The tests' own machine may let its CPUs wait for some periods.
	some sched_limit_end '.fields.throttled_ns > 40000000' <<-END
		cgroup_id       $id
		on_cpu          ? . >= 0 and . < $(nproc --all)
		begin_ns        ? . > 0
		throttled_ns    ? . < 80000000
	END
	sum=$(events "$T" -e sched_limit_end | jq -s 'map(.fields.throttled_ns) | add')
	echo "limit $sum"
	# One in a hundred; where a timer's handler may wait for the host's CPU, three.
	[ "$sum" -gt $((kernel * (100 - ${PH_SLOW:-1}) / 100)) ]
	[ "$sum" -lt $((kernel * (100 + ${PH_SLOW:-1}) / 100)) ]
	# A task's span ends with its limit's. Where whole groups are throttled, a task may also come to a queue that has
	# no quota, by fork or when it is woken: it loses no CPU then, and that span of the limit is no task's.
	read -r none met tasks < <(events "$T" -e sched_throttle_end,sched_limit_end | jq -rs '
		map(select(.event | endswith("_end")) | . + {end: (.fields.begin_ns + .fields.throttled_ns)}) |
		[.[] | select(.event == "sched_limit_end")] as $limit | [.[] | select(.event == "sched_throttle_end")] as $task |
		def of($l; $t): $t.fields.begin_ns > $l.fields.begin_ns - 5000000 and ($t.end - $l.end | fabs) < 5000000;
		[([$task[] | . as $t | select(any($limit[]; of(.; $t)) | not)] | length),
		 ([$limit[] | . as $l | select(any($task[]; of($l; .))).fields.throttled_ns] | add),
		 ([$task[].fields.throttled_ns] | add)] | @tsv')
	echo "tasks $tasks, of spans of $met; of no limit: $none"
	[ "$none" = 0 ]
	[ "$met" -gt $((whole ? kernel / 2 : kernel * 90 / 100)) ]
	[ "$tasks" -gt $((met * 90 / 100)) ]
	[ "$tasks" -lt $((met * 110 / 100)) ]
}

@test "throttling: by the parent's limit" {
	record "$T" -q -a -e sched
	# The weight makes both a group of the scheduler, on v2 too.
	launch inner --cpu-weight 50 --cgroup "porthole.d/$PH_FILE-pod/inner" -- ph-load spin 50s
	for f in /sys/fs/cgroup/{cpu,cpu,cpuacct}*/"porthole.d/$PH_FILE-pod"/cpu.cfs_quota_us; do
		[ ! -e "$f" ] || echo 10000 >"$f"
	done
	f=/sys/fs/cgroup/porthole.d/$PH_FILE-pod/cpu.max
	[ ! -e "$f" ] || echo 10000 100000 >"$f"
	inner=$(cpu_cgroup "porthole.d/$PH_FILE-pod/inner")
	pod=$(cpu_cgroup "porthole.d/$PH_FILE-pod")
	sleep 2
	record_end
	some sched_throttle_begin ".container == \"$PH_FILE-pod\"" <<-END
		limit_level     1
		quota_ns        10000000
		cgroup_id       $inner
		limit_cgroup_id $pod
	END
	some sched_throttle_end ".container == \"$PH_FILE-pod\"" <<-END
		limit_cgroup_id $pod
	END
	hasnt "$T" ".event == \"sched_throttle_begin\" and .container == \"$PH_FILE-pod\" and .fields.limit_level == 0"
}

@test "signals: who sent what to whom, and what came of it" {
	cause signal -- ph-load cause signals
	pid=$(host_tid 1)
	one signal_generate '.fields.sig == 10' <<-END
		sig      10
		errno    0
		code     0
		comm     "ph-load"
		pid      $pid
		group    1
		result   0
		target_container_name "$PH_FILE-in"
	END
	one signal_generate '.fields.sig == 35' <<-END
		errno    5
		code     -1
		pid      $pid
	END
	# SA_RESTART, and what the C library adds: SA_RESTORER. Who sent it is process 1 of the container, as user 0.
	one signal_deliver '.fields.sig == 10' <<-END
		sig        10
		errno      0
		code       0
		sa_handler $(said handler)
		sa_flags   $((0x14000000))
		info       ? startswith("0100000000000000") and length == 64
	END
	one signal_deliver '.fields.sig == 35' <<-END
		errno      5
		code       -1
		info       ? startswith("010000000000000007000000") and length == 64
	END
	neighbour_is_absent
}

# is_x86: the events of its interrupts and page faults.
is_x86() { [ "$(uname -m)" = x86_64 ] || skip "x86 only"; }

@test "page faults have their addresses, in user mode and in the kernel" {
	is_x86
	KERNEL='exceptions/page_fault_user exceptions/page_fault_kernel'
	cause fault,sched -- sh -c 'ph-load cause fault; true'
	# Error codes: 2 a write, 4 in user mode.
	one page_fault_user ".fields.address == $(said address)" <<-END
		address    $(said address)
		ip         $(said ip)
		error_code 6
	END
	one page_fault_kernel ".fields.address == $(said kernel_address)" <<-END
		address    $(said kernel_address)
		ip         ? . >= 18446744071562067968
		error_code 2
	END
	same page_fault_kernel page_fault_kernel "$(host_tid 2)" <<-END
		address    address=    hex
		ip         ip=         symbol
		error_code error_code= hex
	END
	neighbour_is_absent
}

@test "reclaim under a memory limit, in pairs; the OOM killer's victim with its sizes" {
	KERNEL='vmscan/mm_vmscan_memcg_reclaim_begin vmscan/mm_vmscan_memcg_reclaim_end'
	cause mm --memory 16M -- ph-load alloc 64M
	victim=$(host_tid 2)
	begin=$(events "$T" -e mm_vmscan_memcg_reclaim_begin | wc -l)
	end=$(events "$T" -e mm_vmscan_memcg_reclaim_end | wc -l)
	[ "$begin" -gt 0 ]
	[ "$begin" = "$end" ]
	# GFP_KERNEL is among the flags: who may be made to reclaim may wait, do I/O, call file systems.
	every mm_vmscan_memcg_reclaim_begin ".tid == $victim" <<-END
		order        0
		gfp_flags    ? . as \$flags | all([64, 128, 1024, 2048][]; (\$flags / . | floor) % 2 == 1)
	END
	same mm_vmscan_memcg_reclaim_end mm_vmscan_memcg_reclaim_end "$victim" <<-END
		nr_reclaimed nr_reclaimed=
	END
	# Until Linux 6.8 the kernel gives the tracepoint no task, but an id.
	if since 6.9; then
		one oom_mark_victim true <<-END
			pid                   $victim
			comm                  "ph-load"
			total_vm_bytes        ? . > 8000000 and . < 70000000
			anon_rss_bytes        ? . > 4000000 and . < 17000000
			oom_score_adj         0
			victim_container_name "$PH_FILE-in"
			memory_cgroup         ? . > 1
		END
	else
		one oom_mark_victim true <<-END
			pid                   $victim
			memory_cgroup         ? . > 1
		END
	fi
}

@test "interrupts and timers while it computes: what the kernel's own tracer says" {
	is_x86
	KERNEL='irq/softirq_raise irq/softirq_entry irq/softirq_exit
		timer/hrtimer_start timer/hrtimer_cancel timer/hrtimer_expire_entry timer/hrtimer_expire_exit
		irq_vectors/local_timer_entry irq_vectors/local_timer_exit'
	cause irq,timer -- sh -c 'ph-load cause timer; true'
	main=$(host_tid 2) spinner=$(host_tid "$(said spinner0)")
	# The timer that it armed, as it asked for it: until then, and slack; it fires in the other thread.
	one timer_hrtimer_start ".fields.softexpires == $(said softexpires)" <<-END
		hrtimer     ? . > 18374686479671623680
		function    ? . > 18446744071562067968
		expires     $(said expires)
		softexpires $(said softexpires)
		mode        0
	END
	# Each sleep has its timer, somewhere on the stack. Another task may have had the CPU when one fired.
	timers=$(events "$T" -e timer_hrtimer_start | jq -sc "map(select(.tid == $main).fields.hrtimer)")
	some timer_hrtimer_expire_entry ".tid == $spinner and ([.fields.hrtimer] | inside($timers))" <<-END
		now ? . >= $(said softexpires) and . < $(said softexpires) + 10000000000
	END
	same timer_hrtimer_start hrtimer_start "$main" <<-END
		hrtimer     hrtimer=  hex
		function    function= symbol
		expires     expires=
		softexpires softexpires=
	END
	same timer_hrtimer_cancel hrtimer_cancel "$main" <<-END
		hrtimer     hrtimer=  hex
	END
	same timer_hrtimer_expire_entry hrtimer_expire_entry "$spinner" <<-END
		hrtimer     hrtimer=  hex
		now         now=
		function    function= symbol
	END
	same timer_hrtimer_expire_exit hrtimer_expire_exit "$spinner" <<-END
		hrtimer     hrtimer=  hex
	END
	same irq_softirq_raise,irq_softirq_entry,irq_softirq_exit softirq_raise,softirq_entry,softirq_exit "$spinner" <<-END
		vec vec=
	END
	same x86_irq_vectors_local_timer_entry,x86_irq_vectors_local_timer_exit local_timer_entry,local_timer_exit "$spinner" <<-END
		vector vector=
	END
	every x86_irq_vectors_local_timer_entry '.fields' <<-END
		vector 236
	END
	every irq_softirq_entry true <<-END
		vec_name ? . == ["HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"][\$e.fields.vec]
	END
}

# Else who is woken by a timer then would seem to be woken by the recorder.
@test "interrupts that come while the recorder runs are recorded, what it does itself is not" {
	is_x86
	record "$T" -q -a -e irq,timer,sched_switch,syscall
	ph-load getppid $((1000000 / ${PH_SLOW:-1})) >/dev/null
	record_end
	events "$T" -e x86_irq_vectors_local_timer_entry,x86_irq_vectors_local_timer_exit,syscall_entry_*,timer_hrtimer_start --filter "pid == $RECORDER" |
		jq -sc "group_by(.event) | map({ (.[0].event): length }) | add" >"$T.own"
	jq -e '.x86_irq_vectors_local_timer_entry > 5 and .x86_irq_vectors_local_timer_entry == .x86_irq_vectors_local_timer_exit and length == 2' \
		"$T.own" || flunk "$(cat "$T.own")"
}

@test "interrupts of devices: number, handler and what it said" {
	KERNEL='irq/irq_handler_entry irq/irq_handler_exit'
	local file=${PH_DISK:-/var/tmp}/$PH_FILE
	record "$T" -q -c "$PH_FILE-in" --wait -e irq
	kernel_traces
	launch in -- sh -c "$(for ((i = 0; i < $(nproc); i++)); do echo -n "ph-load spin 2s $i & "; done) wait"
	# Something for the devices to tell: the disk, or the serial line.
	for ((i = 0; i < 20; i++)); do
		dd if=/dev/urandom of="$file" bs=4k count=1 oflag=dsync 2>/dev/null || :
		[ "$(cat /sys/class/tty/console/active 2>/dev/null)" != ttyS0 ] || echo x >/dev/ttyS0 || :
		sleep 0.05
	done
	rm -f "$file"
	wait_for 30 test ! -d "/proc/$PID"
	kernel_traced
	record_end
	busiest=$(events "$T" -e irq_handler_entry | jq .tid | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	[ -n "$busiest" ] || flunk "no interrupt of a device came while the container computed"
	same irq_handler_entry irq_handler_entry "$busiest" <<-END
		irq  irq=
		name name=
	END
	same irq_handler_exit irq_handler_exit "$busiest" <<-END
		irq  irq=
		ret  ret= handled
	END
}

@test "a capability check: which, in whose user namespace, with what result" {
	porthole record -q -e cap_capable -w "$T.try" -- true 2>/dev/null || skip "this kernel has no cap_capable tracepoint"
	cause cap,syscall -- ph-load fail
	# CAP_SYS_ADMIN, which the container has not.
	some cap_capable '.fields.cap == 21' <<-END
		cap       21
		target_ns $(stat -Lc %i /proc/self/ns/user)
		task_ns   $(stat -Lc %i /proc/self/ns/user)
		ret       -1
	END
	neighbour_is_absent
}

@test "interrupts from CPU to CPU" {
	is_x86
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	KERNEL='irq_vectors/reschedule_entry irq_vectors/reschedule_exit
		irq_vectors/call_function_single_entry irq_vectors/call_function_single_exit'
	cause irq -- sh -c 'ph-load cause ipi; true'
	spinner=$(host_tid "$(said spinner1)")
	same x86_irq_vectors_reschedule_entry,x86_irq_vectors_reschedule_exit reschedule_entry,reschedule_exit "$spinner" <<-END
		vector vector=
	END
	same x86_irq_vectors_call_function_single_entry,x86_irq_vectors_call_function_single_exit \
		call_function_single_entry,call_function_single_exit "$spinner" <<-END
		vector vector=
	END
	# The kernel's arch/x86/include/asm/irq_vectors.h.
	every x86_irq_vectors_reschedule_entry,x86_irq_vectors_reschedule_exit true <<-END
		vector 253
	END
	every x86_irq_vectors_call_function_single_entry,x86_irq_vectors_call_function_single_exit true <<-END
		vector 251
	END
	[ "$(events "$T" -e x86_irq_vectors_reschedule_entry | jq -c "select(.tid == $spinner)" | wc -l)" -ge 2 ]
}

@test "interrupts from one CPU to several" {
	is_x86
	if [ -n "${PH_OWN_MACHINE:-}" ] && [ "$(cat /sys/devices/system/cpu/cpu2/online)" = 0 ]; then
		THIRD=/sys/devices/system/cpu/cpu2/online
		echo 1 >"$THIRD"
	fi
	[ "$(nproc)" -gt 2 ] || skip "fewer than three CPUs: the kernel calls functions on one other"
	KERNEL='irq_vectors/call_function_entry irq_vectors/call_function_exit'
	cause irq -- sh -c 'ph-load cause ipi; true'
	same x86_irq_vectors_call_function_entry,x86_irq_vectors_call_function_exit \
		call_function_entry,call_function_exit "$(host_tid "$(said spinner2)")" <<-END
		vector vector=
	END
	every x86_irq_vectors_call_function_entry,x86_irq_vectors_call_function_exit true <<-END
		vector 252
	END
}

@test "direct reclaim, when the whole machine has no memory left" {
	[ -n "${PH_OWN_MACHINE:-}" ] || skip "only where the machine is the test's own"
	KERNEL='vmscan/mm_vmscan_direct_reclaim_begin vmscan/mm_vmscan_direct_reclaim_end'
	MIN_FREE=$(cat /proc/sys/vm/min_free_kbytes)
	record "$T" -q -c "$PH_FILE-in" --wait -e mm
	kernel_traces
	# A file of holes, read, is memory that can be had back; all that is free is spoken for, and some of
	# that. Who asks for memory while that is so finds it himself, until kswapd has.
	truncate -s 384M "$PH_DISK/cached"
	launch in -- sh -c 'while ph-load alloc 4M; do :; done'
	for ((i = 0; i < 20; i++)); do
		cat "$PH_DISK/cached" >/dev/null
		awk '/^MemFree/ { print $2 + 131072 }' /proc/meminfo >/proc/sys/vm/min_free_kbytes
		sleep 0.3
		echo "$MIN_FREE" >/proc/sys/vm/min_free_kbytes
		[ "$i" -lt 2 ] || ! grep -q 'ph-load-.*direct_reclaim_begin' "/sys/kernel/tracing/instances/porthole-$PH_FILE/trace" || break
	done
	launch_stop
	kernel_traced
	record_end
	rm -f "$PH_DISK/cached"
	who=$(events "$T" -e mm_vmscan_direct_reclaim_begin | jq .tid | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	every mm_vmscan_direct_reclaim_begin true <<-END
		order        ? . >= 0 and . < 11
		gfp_flags    ? . as \$flags | all([64, 128, 1024][]; (\$flags / . | floor) % 2 == 1)
	END
	same mm_vmscan_direct_reclaim_begin mm_vmscan_direct_reclaim_begin "$who" <<-END
		order        order=
	END
	same mm_vmscan_direct_reclaim_end mm_vmscan_direct_reclaim_end "$who" <<-END
		nr_reclaimed nr_reclaimed=
	END
}
