/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/snoop_priv.h"

/*
 * The table of views: which events, how they become rows, which columns. Columns that every view has
 * (time, container, process …) stand in snoop_columns.c.
 */

/* COL(head, json name, type, width, from, help), HIDDEN(…): not among the usual columns; GET: computed. */
#define COL(head_, json_, type_, width_, from_, help_) \
	{ .col = { head_, json_, PH_COL_##type_, false, help_, width_ }, .from = from_ }
#define HIDDEN(head_, json_, type_, width_, from_, help_) \
	{ .col = { head_, json_, PH_COL_##type_, true, help_, width_ }, .from = from_ }
#define GET(head_, json_, type_, width_, get_, help_) \
	{ .col = { head_, json_, PH_COL_##type_, false, help_, width_ }, .get = get_ }
#define HIDDEN_GET(head_, json_, type_, width_, get_, help_) \
	{ .col = { head_, json_, PH_COL_##type_, true, help_, width_ }, .get = get_ }

#define STEPS (const struct ph_snoop_step[])
#define COLS (const struct ph_snoop_col[])

/* What calls have in common. */
#define CALL_NAME GET("CALL", "call", STR, 9, ph_snoop_call, "system call")
#define DURATION GET("DURATION", "duration_ns", NS, 8, ph_snoop_duration, "how long it took")
#define HIDDEN_DURATION HIDDEN_GET("DURATION", "duration_ns", NS, 8, ph_snoop_duration, "how long it took")
#define ERROR COL("ERROR", "error", STR, 7, "ret", "name of the error, null: it succeeded")
#define RET HIDDEN("RET", "ret", S64, 5, "ret", "what the call returned")

/* The file behind a descriptor, and what it takes to know it. */
#define FILE GET("FILE", "file", STR, 24, ph_snoop_file, "its path, where it is known from the beginning or was opened since")
#define FILES "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,syscall_late_string,lttng_statedump_file_descriptor"

/* ---- when ---------------------------------------------------------------------------------------- */

static bool ends_process(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)w;
	return ev->pid > 0 && ph_identity_process_ended(id, ev);
}

static bool ends_first(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	(void)w;
	return ev->pid == ph_event_i(ev, PH_FLD(sched_process_exit, tid), -1);
}

static bool still_runnable(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	(void)w;
	return !ph_event_i(ev, PH_FLD(sched_switch, prev_state), 1) && ph_event_i(ev, PH_FLD(sched_switch, prev_tid), 0);
}

static bool gets_ready(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	return ph_snoop_is_init(id, ev->tid) && !ph_snoop_world_has_exec(w, ev->tid);
}

/* Another program of the first process, or what was brought in. */
static bool execs_in(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	bool again = ph_snoop_world_has_exec(w, ev->tid);

	return ph_snoop_is_init(id, ev->tid) ? again : !again && ph_snoop_is_visitor(id, ev->tid);
}

static bool has_new_namespaces(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	return ph_snoop_world_new_namespaces(w, ev);
}

/* The kernel's enum of include/net/tcp_states.h. */
enum { ESTABLISHED = 1, SYN_SENT, SYN_RECV, FIN_WAIT1, CLOSE = 7, LAST_ACK = 9 };

static bool state_is(const struct ph_event *ev, int64_t from, int64_t to)
{
	return ph_event_i(ev, PH_FLD(inet_sock_set_state, oldstate), -1) == from &&
	       ph_event_i(ev, PH_FLD(inet_sock_set_state, newstate), -1) == to;
}

static bool connects(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	(void)w;
	return ph_event_i(ev, PH_FLD(inet_sock_set_state, newstate), -1) == SYN_SENT;
}

static bool connected(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	(void)w;
	return state_is(ev, SYN_SENT, ESTABLISHED);
}

static bool not_connected(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	(void)w;
	return state_is(ev, SYN_SENT, CLOSE);
}

static bool accepted(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	(void)w;
	return state_is(ev, SYN_RECV, ESTABLISHED);
}

/* By a process; later states are the peer's and timers' doing. */
static bool closes(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	int64_t state = ph_event_i(ev, PH_FLD(inet_sock_set_state, newstate), -1);

	(void)id;
	(void)w;
	return state == FIN_WAIT1 || state == LAST_ACK;
}

static bool closed(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w)
{
	(void)id;
	(void)w;
	return ph_event_i(ev, PH_FLD(inet_sock_set_state, newstate), -1) == CLOSE;
}

/* ---- the table ----------------------------------------------------------------------------------- */

static const struct ph_snoop snoops[] = {
	{
		.name = "bio",
		.summary = "requests to block devices: size, time in the queue and in the device, who caused them",
		.example = "  porthole trace bio -c db --min 10ms\n  porthole trace bio -a --hist --by device -d 10s\n",
		.steps = STEPS{
			{ "block_rq_insert", PH_SNOOP_BEGIN, "dev,sector" },
			{ "block_rq_issue", PH_SNOOP_BEGIN, "dev,sector", .keep = true },
			{ "block_rq_complete", PH_SNOOP_END, "dev,sector" },
			{ 0 }
		},
		.cols = COLS{
			GET("DEVICE", "device", STR, 8, ph_snoop_disk, "its name, or its numbers where the trace has no name"),
			COL("KIND", "kind", STR, 10, "rwbs", "read, write, flush … and what goes with it"),
			COL("SECTOR", "sector", U64, 10, "sector", "where, in units of 512 bytes"),
			COL("SIZE", "size_bytes", BYTES, 8, "block_rq_insert.bytes,block_rq_issue.bytes", "how much"),
			GET("QUEUED", "queue_ns", NS, 8, ph_snoop_queue_time, "in the queue; 0: it went past it"),
			GET("DEVICE-TIME", "device_ns", NS, 11, ph_snoop_device_time, "in the device"),
			HIDDEN_GET("DURATION", "duration_ns", NS, 8, ph_snoop_duration, "both together"),
			HIDDEN("ERROR", "error", S64, 5, "error", "0, or the negative error"),
			{ { 0 } }
		},
		.also = "lttng_statedump_block_device",
		.container = "io_container",
		.time = "duration_ns",
	},
	{
		.name = "cap",
		.summary = "capabilities that the kernel asks a task for, the call that it does so in, and the answer",
		.example = "  porthole trace cap -c web --filter 'granted == 0'\n",
		.steps = STEPS{ { "cap_capable", PH_SNOOP_ROW }, { 0 } },
		.cols = COLS{
			COL("CAPABILITY", "capability", STR, 20, "cap", "which"),
			GET("GRANTED", "granted", BOOL, 7, ph_snoop_granted, "does the task have it?"),
			GET("CALL", "call", STR, 12, ph_snoop_in_call, "system call that the task is in"),
			HIDDEN("IN-NS", "ns_target", U64, 10, "target_ns", "user namespace that it is asked for in"),
			HIDDEN("TASK-NS", "ns_task", U64, 10, "task_ns", "user namespace of the task"),
			{ { 0 } }
		},
		.also = "syscall",
	},
	{
		.name = "dns",
		.summary = "names that are looked up: what is asked of which server, the answer, how long it takes",
		.example = "  porthole trace dns -c web\n  porthole trace dns -a --filter 'code != NOERROR'\n"
			   "  porthole trace dns -a --hist --by server -d 10s\n",
		.steps = STEPS{
			/* The same to another server is still this look-up: musl asks all that it has at once. */
			{ "dns_query", PH_SNOOP_BEGIN, "skaddr,id", .join = "daddr" },
			{ "dns_answer", PH_SNOOP_END, "skaddr,id" },
			{ 0 }
		},
		.cols = COLS{
			GET("SERVER", "server", STR, 15, ph_snoop_dns_server, "address and port, as that network namespace has them; of several that were asked, who answered"),
			GET("TYPE", "type", STR, 5, ph_snoop_dns_type, "of what is asked for: A, AAAA, PTR …"),
			GET("CODE", "code", STR, 8, ph_snoop_dns_code, "of the answer: NOERROR, NXDOMAIN, SERVFAIL …; timeout: none came before the next try, the end of the process or of the stream, or in 30 s"),
			GET("TRY", "try", U64, 3, ph_snoop_dns_try, "how many times this process has asked for this name and type, since it was told or in the last minute"),
			DURATION,
			GET("NAME", "name", STR, 24, ph_snoop_dns_name, "what is asked for"),
			GET("ANSWERS", "answers", STR, 24, ph_snoop_dns_answers, "addresses, names, texts; +N: there are N more"),
			HIDDEN_GET("TC", "truncated", BOOL, 3, ph_snoop_dns_truncated, "does the answer say that it is cut off, to ask by TCP?"),
			HIDDEN_GET("PROTO", "protocol", STR, 5, ph_snoop_dns_protocol, "udp or tcp"),
			HIDDEN("QUERY-ID", "query_id", U64, 8, "id", "number of the message"),
			HIDDEN("SIZE", "size_bytes", BYTES, 8, "dns_answer.len", "of the answer"),
			HIDDEN_GET("LPORT", "local_port", U64, 5, ph_snoop_local_port, "port of who asks, where it had one before"),
			HIDDEN("NETNS", "netns", U64, 10, "netns", "network namespace"),
			{ { 0 } }
		},
		.also = "sched_process_exit",
		.time = "duration_ns",
		.wait_ns = 30000000000,
	},
	{
		.name = "events",
		.summary = "what becomes of containers: start, first program, exec, pause, stop, OOM",
		.example = "  porthole trace events -a\n",
		.steps = STEPS{
			{ "container_start", PH_SNOOP_ROW, .what = "start" },
			{ "sched_process_exec", PH_SNOOP_ROW, NULL, gets_ready, "ready" },
			{ "sched_process_exec", PH_SNOOP_ROW, NULL, execs_in, "exec" },
			{ "container_pause", PH_SNOOP_ROW, .what = "pause", .nobody = true },
			{ "container_unpause", PH_SNOOP_ROW, .what = "unpause", .nobody = true },
			{ "oom_mark_victim", PH_SNOOP_ROW, .what = "oom" },
			{ "container_stop", PH_SNOOP_ROW, .what = "stop", .nobody = true },
			{ 0 }
		},
		.cols = COLS{
			GET("EVENT", "event", STR, 7, ph_snoop_what, "start, ready: its first process runs its program, exec: another one, or one that was brought in, pause, unpause, oom, stop"),
			GET("RUNTIME", "runtime", STR, 10, ph_snoop_runtime, "docker, containerd, podman …, where it is known"),
			COL("PATH", "path", STR, 20, "filename", "program of ready and exec"),
			{ { 0 } }
		},
		.also = "container",
		.task = "container_start.init_pid,oom_mark_victim.pid",
		.container = "index,victim_container",
	},
	{
		.name = "exec",
		.summary = "programs that are started, with their arguments, and those that cannot be",
		.example = "  porthole trace exec -c web\n",
		.steps = STEPS{
			{ "execve,execveat", PH_SNOOP_CALL },
			/* A thread that is not the first one becomes it, with its number. */
			{ "sched_process_exec", PH_SNOOP_MOVE, "old_tid" },
			{ "syscall_late_string", PH_SNOOP_ADD },
			{ 0 }
		},
		.cols = COLS{
			COL("ERROR", "error", STR, 7, "ret", "why it could not be started, null: it was"),
			GET("INIT", "init", BOOL, 4, ph_snoop_init, "is it the container's first process? Its exec begins the container"),
			COL("PATH", "path", STR, 20, "filename,syscall_late_string.value", "of the program, as it was asked for"),
			COL("ARGS", "args", STR, 30, "argv", "its arguments, its own name first; what has blanks stands in quotes"),
			HIDDEN("RET", "ret", S64, 5, "syscall_exit_exec*.ret", "0 or the negative error"),
			HIDDEN_DURATION,
			{ { 0 } }
		},
		.time = "duration_ns",
	},
	{
		.name = "exit",
		.summary = "processes that end: with what code or signal, how old, killed for want of memory or not",
		.example = "  porthole trace exit -c web --filter 'signal == SIGSEGV || oom == 1'\n",
		.steps = STEPS{
			{ "oom_mark_victim", PH_SNOOP_BEGIN, "pid" },
			/* Others may live on, and the last of them is the end. */
			{ "sched_process_exit", PH_SNOOP_BEGIN, "process", ends_first, .keep = true },
			{ "sched_process_exit", PH_SNOOP_ROW, "process", ends_process },
			{ 0 }
		},
		.cols = COLS{
			GET("CODE", "code", S64, 4, ph_snoop_exit_code, "exit code, null: it was killed"),
			GET("SIGNAL", "signal", STR, 8, ph_snoop_exit_signal, "that killed it, null: none did"),
			GET("OOM", "oom", BOOL, 3, ph_snoop_exit_oom, "did the OOM killer choose it?"),
			GET("AGE", "age_ns", NS, 8, ph_snoop_age, "since it was started"),
			GET("RAN", "runtime_ns", NS, 8, ph_snoop_first_ran, "CPU time of its first thread"),
			GET("INIT", "init", BOOL, 4, ph_snoop_init, "was it the container's first process? Its end is the container's"),
			HIDDEN_GET("CPU-WAIT", "run_delay_ns", NS, 8, ph_snoop_first_waited, "how long its first thread waited for a CPU; 0 where the kernel does not count it"),
			{ { 0 } }
		},
		.task = "sched_process_exit.tid,oom_mark_victim.pid",
		.time = "age_ns",
	},
	{
		.name = "file",
		.summary = "reads and writes that take long, by file",
		.example = "  porthole trace file -c db --min 1ms\n  porthole trace file -c db --hist --by file -d 10s\n",
		.steps = STEPS{
			{ "read,write,pread64,pwrite64,readv,writev,preadv,pwritev,preadv2,pwritev2", PH_SNOOP_CALL },
			{ 0 }
		},
		.cols = COLS{
			CALL_NAME,
			COL("FD", "fd", S64, 3, "fd", "descriptor"),
			COL("SIZE", "size_bytes", BYTES, 8, "ret", "that were read or written, null: it failed"),
			DURATION,
			ERROR,
			FILE,
			HIDDEN("POS", "pos", S64, 8, "pos", "where in the file, of calls that are told"),
			RET,
			{ { 0 } }
		},
		.also = FILES,
		.time = "duration_ns",
		.min_ns = 10000000,
	},
	{
		.name = "mount",
		.summary = "mounts and unmounts, and calls on mounts",
		.example = "  porthole trace mount -c web --wait\n",
		.steps = STEPS{
			{ "mount,umount,move_mount,open_tree,fsopen,fsmount,mount_setattr,pivot_root", PH_SNOOP_CALL },
			{ "syscall_late_string", PH_SNOOP_ADD },
			{ 0 }
		},
		.cols = COLS{
			CALL_NAME,
			ERROR,
			{ .col = { "TYPE", "type", PH_COL_STR, .width = 8, .help = "of the file system" },
			  .from = "type,_fs_name", .get = ph_snoop_mount_type },
			{ .col = { "SOURCE", "source", PH_COL_STR, .width = 16, .help = "what is mounted" },
			  .from = "dev_name,from_pathname,filename", .get = ph_snoop_mount_source },
			{ .col = { "TARGET", "target", PH_COL_STR, .width = 16, .help = "where" },
			  .from = "dir_name,syscall_entry_umount.name,to_pathname,new_root,path", .get = ph_snoop_mount_target },
			COL("FLAGS", "flags", STR, 12, "syscall_entry_mount.flags", "MS_*, of mount"),
			COL("OPTIONS", "options", STR, 12, "data_data", "of the file system, of mount"),
			HIDDEN_DURATION,
			RET,
			{ { 0 } }
		},
		.time = "duration_ns",
	},
	{
		.name = "ns",
		.summary = "tasks whose namespaces change: which, and the call",
		.example = "  porthole trace ns -a\n",
		.steps = STEPS{ { "sched_process_namespaces", PH_SNOOP_ROW, NULL, has_new_namespaces }, { 0 } },
		.cols = COLS{
			GET("CALL", "call", STR, 8, ph_snoop_ns_call, "system call that it happens in, or that made the task"),
			COL("CHANGED", "changed", STR, 30, "flags", "CLONE_NEW* of those that are others now"),
			HIDDEN("CGROUP", "ns_cgroup", U64, 10, "cgroup_ns", "the task's namespaces now"),
			HIDDEN("IPC", "ns_ipc", U64, 10, "ipc_ns", ""),
			HIDDEN("MNT", "ns_mnt", U64, 10, "mnt_ns", ""),
			HIDDEN("NET", "ns_net", U64, 10, "net_ns", ""),
			HIDDEN("PID-NS", "ns_pid", U64, 10, "pid_ns", "of its children"),
			HIDDEN("TIME-NS", "ns_time", U64, 10, "time_ns", ""),
			HIDDEN("USER", "ns_user", U64, 10, "user_ns", ""),
			HIDDEN("UTS", "ns_uts", U64, 10, "uts_ns", ""),
			{ { 0 } }
		},
		.also = "unshare,setns,clone,clone3,fork,vfork",
		.task = "tid",
	},
	{
		.name = "oom",
		.summary = "processes that the OOM killer chooses, and who asked for the memory",
		.example = "  porthole trace oom -a\n",
		.steps = STEPS{ { "oom_mark_victim", PH_SNOOP_ROW }, { 0 } },
		.cols = COLS{
			{ .col = { "ANON", "anon_rss_bytes", PH_COL_BYTES, .width = 8, .help = "anonymous memory that it has in RAM, null: the kernel does not tell (Linux 6.1)" },
			  .from = "anon_rss_bytes", .get = ph_snoop_not_zero },
			{ .col = { "VM", "total_vm_bytes", PH_COL_BYTES, .width = 8, .help = "its address space, null: the kernel does not tell (Linux 6.1)" },
			  .from = "total_vm_bytes", .get = ph_snoop_not_zero },
			COL("ADJ", "oom_score_adj", S64, 5, "oom_score_adj", "its oom_score_adj"),
			GET("FOR-PID", "for_pid", S64, 7, ph_snoop_event_pid, "process that found no memory"),
			GET("FOR-COMM", "for_comm", STR, 15, ph_snoop_event_comm, "its name"),
			GET("FOR-CONTAINER", "for_container", STR, 13, ph_snoop_event_container, "its container"),
			HIDDEN("CGROUP-ID", "memory_cgroup", U64, 9, "memory_cgroup", "id of its cgroup of the memory controller"),
			{ { 0 } }
		},
		.task = "pid",
		.container = "victim_container",
		.either = true,
	},
	{
		.name = "open",
		.summary = "files that are opened, and those that cannot be",
		.example = "  porthole trace open -c web --filter 'error == ENOENT'\n",
		.steps = STEPS{
			{ "open,openat,openat2,creat", PH_SNOOP_CALL },
			{ "syscall_late_string", PH_SNOOP_ADD },
			{ 0 }
		},
		.cols = COLS{
			COL("FD", "fd", U64, 3, "ret", "descriptor that it got"),
			ERROR,
			COL("FLAGS", "flags", STR, 18, "flags", "O_*; null: of openat2, which has them in memory"),
			COL("PATH", "path", STR, 30, "filename,pathname,syscall_late_string.value", "as it was asked for"),
			HIDDEN_GET("CALL", "call", STR, 7, ph_snoop_call, "system call"),
			HIDDEN_DURATION,
			RET,
			{ { 0 } }
		},
		.time = "duration_ns",
	},
	{
		.name = "runq",
		.summary = "tasks that wait long for a CPU, and who had it",
		.example = "  porthole trace runq -c web --min 5ms\n  porthole trace runq -c web --hist --by why -d 10s\n",
		.steps = STEPS{
			{ "sched_wakeup,sched_wakeup_new", PH_SNOOP_BEGIN, "tid", .what = "woken" },
			{ "sched_throttle_begin", PH_SNOOP_BEGIN, "tid", .what = "throttled" },
			{ "sched_switch", PH_SNOOP_END, "next_tid" },
			{ "sched_switch", PH_SNOOP_BEGIN, "prev_tid", still_runnable, "preempted", .keep = true },
			{ 0 }
		},
		.cols = COLS{
			DURATION,
			GET("WHY", "why", STR, 9, ph_snoop_what, "woken, preempted while it ran, or throttled by a limit"),
			GET("ON", "on_cpu", U64, 3, ph_snoop_on_cpu, "CPU that it got in the end"),
			COL("PREV-TID", "prev_tid", S64, 8, "sched_switch.prev_tid", "thread that had this CPU until then, 0: none"),
			COL("PREV-COMM", "prev_comm", STR, 15, "sched_switch.prev_comm", "its name"),
			GET("PREV-CONTAINER", "prev_container", STR, 14, ph_snoop_event_container, "its container"),
			{ { 0 } }
		},
		.task = "sched_wakeup*.tid,sched_throttle_begin.tid,sched_switch.prev_tid",
		.time = "duration_ns",
		.min_ns = 10000000,
	},
	{
		.name = "signal",
		.summary = "signals: who sends which to whom, from one container to another too",
		.example = "  porthole trace signal -c web --filter 'signal == SIGKILL'\n",
		.steps = STEPS{ { "signal_generate", PH_SNOOP_ROW }, { 0 } },
		.cols = COLS{
			COL("SIGNAL", "signal", STR, 8, "sig", "its name"),
			COL("TARGET", "target_tid", S64, 7, "pid", "thread that it is for, on the host"),
			COL("TARGET-COMM", "target_comm", STR, 15, "comm", "its name"),
			COL("TARGET-CONTAINER", "target_container", STR, 16, "target_container", "its container"),
			GET("CODE", "code", STR, 10, ph_snoop_si_code, "who made it: SI_USER kill, SI_KERNEL the kernel …"),
			GET("RESULT", "result", STR, 9, ph_snoop_sig_result, "delivered, ignored, pending already, lost, or without its information"),
			HIDDEN("PROCESS", "to_process", BOOL, 7, "group", "is it for the process or for this thread alone?"),
			{ { 0 } }
		},
		.either = true,
		.other_task = "pid",
		.other_container = "target_container",
	},
	{
		.name = "sync",
		.summary = "how long fsync, fdatasync, sync, syncfs, msync and sync_file_range take",
		.example = "  porthole trace sync -c db --min 10ms\n  porthole trace sync -c db --hist --by call -d 10s\n",
		.steps = STEPS{
			{ "fsync,fdatasync,sync,syncfs,msync,sync_file_range,sync_file_range2", PH_SNOOP_CALL },
			{ 0 }
		},
		.cols = COLS{
			CALL_NAME,
			COL("FD", "fd", S64, 3, "fd", "descriptor, of those that take one"),
			DURATION,
			ERROR,
			FILE,
			RET,
			{ { 0 } }
		},
		.also = FILES,
		.time = "duration_ns",
	},
	{
		.name = "syscalls",
		.summary = "system calls as strace shows them, with decoded arguments; or a summary of them",
		.example = "  porthole trace syscalls -c web -e %file\n  porthole trace syscalls -c web -C -d 10s\n",
		.steps = STEPS{
			{ "syscall", PH_SNOOP_CALL },
			/* A thread that is not the first one becomes it, with its number. */
			{ "sched_process_exec", PH_SNOOP_MOVE, "old_tid" },
			{ "syscall_late_string,syscall_data", PH_SNOOP_ADD },
			{ "sched_process_exit", PH_SNOOP_END },
			{ 0 }
		},
		.cols = COLS{
			GET("CALL", "call", STR, 9, ph_snoop_call_name, "system call, as its manual page is called"),
			GET("ARGS", "args", STR, 40, ph_snoop_call_args, "its arguments, as strace writes them"),
			COL("RET", "ret", S64, 5, "syscall_exit_*.ret,compat_syscall_exit_*.ret", "what it returned; null: its thread has ended"),
			GET("ERROR", "error", STR, 7, ph_snoop_call_error, "name of the error, null: it succeeded"),
			DURATION,
			{ { 0 } }
		},
		.also = "signal_deliver",
		.time = "duration_ns",
		.calls = true,
	},
	{
		.name = "tcp",
		.summary = "TCP: connect, accept, close, failures, what is sent again, resets, full accept queues",
		.example = "  porthole trace tcp -c web\n  porthole trace tcp -c web --hist --by event -d 10s\n",
		.steps = STEPS{
			{ "inet_sock_set_state", PH_SNOOP_BEGIN, "skaddr", connects, "connect" },
			{ "inet_sock_set_state", PH_SNOOP_END, "skaddr", connected, "connect", .next = "close" },
			{ "inet_sock_set_state", PH_SNOOP_END, "skaddr", not_connected, "failed" },
			{ "inet_sock_set_state", PH_SNOOP_ROW, NULL, accepted, "accept", .nobody = true },
			{ "inet_sock_set_state", PH_SNOOP_BEGIN, "skaddr", accepted, "close", .nobody = true },
			{ "inet_sock_set_state", PH_SNOOP_ADD, "skaddr", closes, .finds = true },
			{ "inet_sock_set_state", PH_SNOOP_END, "skaddr", closed },
			{ "tcp_retransmit_skb", PH_SNOOP_ROW, .what = "retransmit", .nobody = true },
			{ "tcp_send_reset", PH_SNOOP_ROW, .what = "reset", .nobody = true },
			{ "tcp_listen_overflow", PH_SNOOP_ROW, .what = "overflow", .nobody = true },
			{ 0 }
		},
		.cols = COLS{
			GET("EVENT", "event", STR, 10, ph_snoop_what, "connect, accept, close, failed (to connect), retransmit, reset, overflow"),
			COL("LOCAL", "local_addr", STR, 15, "saddr", "its address, as that network namespace has it"),
			GET("LPORT", "local_port", U64, 5, ph_snoop_local_port, "and port"),
			COL("REMOTE", "remote_addr", STR, 15, "daddr", "the peer's address"),
			COL("RPORT", "remote_port", U64, 5, "dport", "and port"),
			GET("DURATION", "duration_ns", NS, 8, ph_snoop_duration, "to connect, to fail, or from there to the close"),
			{ .col = { "SENT", "sent_bytes", PH_COL_BYTES, .width = 8, .help = "until the close, what was sent again not counted; null: no close" },
			  .from = "bytes_sent", .get = ph_snoop_total },
			{ .col = { "RECEIVED", "received_bytes", PH_COL_BYTES, .width = 8, .help = "likewise" },
			  .from = "bytes_received", .get = ph_snoop_total },
			HIDDEN("STATE", "state", STR, 12, "state", "of the socket, of a retransmit or reset"),
			HIDDEN("QUEUED", "queued", U64, 6, "queued", "of an overflow: connections that wait to be accepted"),
			HIDDEN("BACKLOG", "backlog", U64, 7, "backlog", "and how many may"),
			HIDDEN("NETNS", "netns", U64, 10, "netns", "network namespace"),
			{ { 0 } }
		},
		.container = "sock_container",
		.time = "duration_ns",
	},
	{
		.name = "throttle",
		.summary = "tasks that a CPU limit takes off their CPU, for how long, and whose limit",
		.example = "  porthole trace throttle -c web\n  porthole trace throttle -a --hist --by container -d 10s\n",
		.steps = STEPS{
			{ "sched_throttle_begin", PH_SNOOP_BEGIN, "tid" },
			{ "sched_throttle_end", PH_SNOOP_END, "tid" },
			{ 0 }
		},
		.cols = COLS{
			COL("THROTTLED", "throttled_ns", NS, 9, "throttled_ns", "how long it was"),
			GET("UNTIL-RAN", "duration_ns", NS, 9, ph_snoop_duration, "until it had a CPU again"),
			COL("UP", "limit_level", U64, 2, "limit_level", "levels above its own cgroup that the limit is, 0: its own"),
			COL("QUOTA", "quota_ns", NS, 7, "quota_ns", "CPU time that the limit gives each period"),
			COL("PERIOD", "period_ns", NS, 7, "period_ns", "its period"),
			GET("LIMIT-OF", "limit", STR, 20, ph_snoop_limit, "path of the cgroup with the limit"),
			HIDDEN("LIMIT-ID", "limit_cgroup_id", U64, 8, "limit_cgroup_id", "its id"),
			HIDDEN("EXACT", "exact", BOOL, 5, "exact", "is throttled_ns by the kernel's own clock, or all the time until it ran?"),
			{ { 0 } }
		},
		.also = "statedump_cgroup,cgroup_mkdir",
		.task = "tid",
		.time = "throttled_ns",
	},
};

const struct ph_snoop *ph_snoop_nth(size_t i)
{
	return i < sizeof(snoops) / sizeof(snoops[0]) ? &snoops[i] : NULL;
}
