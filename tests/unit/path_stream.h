/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_PATH_STREAM_H
#define PH_TESTS_PATH_STREAM_H

/*
 * Containers 1 "web" with tasks 7, 8 and 9, 2 "db" with 20 and 21, on the host 30; all of them asleep. Times are in the
 * kernel's units; the path is looked at from 100 to 1000.
 */
static const char setup[] =
	"@0 container_info index=1 name=web cgroup_path=/pod/web cgroup_id=12\n"
	"@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13\n"
	"@0 statedump_cgroup hierarchy=0 id=11 container=0 cpu_quota_us=20000 cpu_period_us=100000 path=/pod\n"
	"@0 statedump_cgroup hierarchy=0 id=12 parent_id=11 container=1 cpu_quota_us=-1 path=/pod/web\n"
	"@0 statedump_cgroup hierarchy=0 id=13 container=2 cpu_quota_us=-1 path=/db\n"
	"@0 lttng_statedump_block_device dev=266338304 diskname=vda\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=8 pid=7 name=worker container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=9 pid=7 name=logger container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=20 pid=20 name=postgres container=2 cgroup_id=13 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=21 pid=21 name=walwriter container=2 cgroup_id=13 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=30 pid=30 name=cron container=0 cgroup_id=1 status=5 syscall=-1\n";
/* Interrupts are recorded. */
#define IRQS "@1 cpu=0 tid=0 irq_softirq_entry vec=9\n@1 cpu=0 tid=0 irq_softirq_exit vec=9\n" \
	     "@1 cpu=1 tid=0 irq_softirq_entry vec=9\n@1 cpu=1 tid=0 irq_softirq_exit vec=9\n"

#define COMM_0 "swapper"
#define COMM_7 "nginx"
#define COMM_8 "worker"
#define COMM_9 "logger"
#define COMM_20 "postgres"
#define COMM_21 "walwriter"
#define COMM_30 "cron"
#define COMM_50 "job"
#define COMM_99 "stranger"
/* NEXT runs on CPU from TIME on, and who did before is in STATE. */
#define RUN(time, cpu, prev, state, next) "@" #time " cpu=" #cpu " tid=" #prev " sched_switch prev_tid=" #prev " prev_comm=" COMM_##prev \
	" prev_state=" #state " next_tid=" #next " next_comm=" COMM_##next "\n"
/* What runs on CPU wakes TASK, which is then in the queue of TO. */
#define WAKE(time, cpu, waker, task, to) "@" #time " cpu=" #cpu " tid=" #waker " sched_waking tid=" #task " comm=" COMM_##task \
	" target_cpu=" #to "\n@" #time " cpu=" #cpu " tid=" #waker " sched_wakeup tid=" #task " comm=" COMM_##task " target_cpu=" #to "\n"
#define CALL(time, cpu, task, name) "@" #time " cpu=" #cpu " tid=" #task " syscall_entry_" name "\n"
#define IN_TIMER(time, cpu, task, what) "@" #time " cpu=" #cpu " tid=" #task " timer_hrtimer_expire_entry\n" what \
	"@" #time " cpu=" #cpu " tid=" #task " timer_hrtimer_expire_exit\n"
/* TASK has slept until TIME, and runs then. */
#define START(time, cpu, task) IN_TIMER(time, cpu, 0, WAKE(time, cpu, 0, task, cpu)) RUN(time, cpu, 0, 0, task)
/* Task 7 runs at first. */
#define BEGIN IRQS START(90, 0, 7)

#endif
