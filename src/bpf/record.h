/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BPF_RECORD_H
#define PH_BPF_RECORD_H

/*
 * What the kernel side and collect/ share: the layout of records, the per-CPU buffers, the knobs.
 * Included by both, so only __u8 … __u64 and plain arrays.
 */

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "event/calldata.h"
#include "event/capture.h"
#include "event/probe.h"
#include "unwind/format.h"
#include "unwind/interp.h"

/* ---- per-CPU buffers ----------------------------------------------------------------------- */

/*
 * Each CPU has `chunks` consecutive elements of the array map `rings`, mapped into user space. A
 * position is a byte count that only grows; chunk (pos / PH_CHUNK) % chunks. A record may run over
 * the end of its chunk into PH_REC_MAX spare bytes, so that it is always contiguous. (One element
 * of an array map may have at most 4 MiB before v5.19, hence chunks.)
 */
#define PH_CHUNK (1u << 20)
#define PH_REC_MAX (1u << 15)
#define PH_CHUNK_BYTES (PH_CHUNK + PH_REC_MAX)

/* One cache line for the kernel's side, one for the reader's. */
struct ph_ring_ctl {
	__u64 head;		/* end of what is reserved */
	__u64 lost;		/* events for which there was no room */
	/* The container of the task that wrote here last (bpf/lib/ident.bpf.h). */
	__u64 seen_cgroups, seen_nsproxy, seen_generation, seen_entry;
	/* The thread, by its saved registers, that was found not to be selected. */
	__u64 skip_regs, skip_generation;
	/* The process that was looked up here last: its number, and in bit 32 whether it is selected. */
	__u64 named_process, named_generation;
	__u64 steal;		/* the kernel's count of stolen time at the last switch, + 1 */
	__u64 pad_[5];
	__u64 tail;		/* end of what was read; written by user space */
	__u64 pad2_[15];
};

/*
 * Is there no room for @size bytes more in a buffer of @bytes? The tail is read after the head. An interrupt between the two may have
 * recorded events, and the reader taken them meanwhile: then the tail is above the head that was read. That head is past, which the
 * exchange will tell; it is no lack of room.
 */
static inline int ph_ring_full(__u64 head, __u64 tail, __u32 size, __u64 bytes)
{
	return (__s64)(head + size - tail) > (__s64)bytes;
}

/*
 * A record. `commit` is written last: position / 8 mixed with a secret in the upper half (so stale
 * bytes of an earlier lap, which a program in a container may have chosen, never look like a
 * record), then the length in units of 8 bytes, then the event's number (0: padding, skip).
 */
struct ph_rec {
	__u64 commit;
	__u64 ts_ns;		/* CLOCK_MONOTONIC */
	__u32 container;	/* index, PH_CONTAINER_* */
	__u32 why;		/* index of the container for which it was selected */
	__s32 tid, pid;
};

/* In `why`: or for that which it happened in, whichever of the two turns out to be selected. */
#define PH_WHY_EITHER 0x80000000u

#define PH_COMMIT(pos, secret, len, id) \
	((__u64)((__u32)((pos) >> 3) ^ (secret)) << 32 | (__u64)((len) >> 3) << 16 | (__u16)(id))

/* Contexts, behind the header where cfg.context is not 0: all of them, those not asked for are 0. */
struct ph_rec_ctx {
	__s32 ppid, vpid, vtid, vppid, prio, nice;
	__u32 uid, euid, suid, gid, egid, sgid;
	__u32 ns[8];		/* enum ph_ns order */
	char procname[16];
	__u64 cgroup_id;
};

/* Fixed part of an event's record: fields of events.def; str, bytes, s32v and x64v are 16-bit lengths
 * here (bytes; elements for the latter two), their contents follow behind the fixed part in order. */
#define PH_CT_u8(n) __u8 n;
#define PH_CT_u16(n) __u16 n;
#define PH_CT_u32(n) __u32 n;
#define PH_CT_u64(n) __u64 n;
#define PH_CT_s8(n) __s8 n;
#define PH_CT_s16(n) __s16 n;
#define PH_CT_s32(n) __s32 n;
#define PH_CT_s64(n) __s64 n;
#define PH_CT_x32(n) __u32 n;
#define PH_CT_x64(n) __u64 n;
#define PH_CT_comm(n) char n[16];
#define PH_CT_str(n) __u16 n;
#define PH_CT_bytes(n) __u16 n;
#define PH_CT_s32v(n) __u16 n;
#define PH_CT_x64v(n) __u16 n;

#ifdef __bpf__
#define F(type, name, unit, doc) PH_CT_##type(name)
#define PH_EVENT(num, name, group, doc, fields) struct ph_ev_##name { fields } __attribute__((packed));
#include "event/events.def"
#undef PH_EVENT
#define PH_EVENT(num, name, group, doc, fields) PH_EV_##name = num,
enum {
#include "event/events.def"
	PH_EV_SYSCALL_ENTRY = 0x1000, PH_EV_SYSCALL_EXIT = 0x2000, PH_EV_COMPAT = 0x2000,
};
#undef PH_EVENT
#undef F
#endif

/*
 * System calls: event number PH_EV_SYSCALL_ENTRY, the call's own number is in the record.
 * Behind it: nargs arguments of 8 bytes, then the captures in the order of the call's definition,
 * each a 16-bit length (PH_CAP_FAULT: it could not be read) and the bytes.
 */
struct ph_rec_enter {
	__s32 nr;		/* whatever the program asked for, also what no table has */
	__u8 compat, nargs;
	__u16 pad_;
	__u64 args[];
};

struct ph_rec_exit {
	__s32 nr;
	__u8 compat, nargs;
	__u16 pad_;
	__s64 ret;
	__u64 args[];
};

#define PH_CAP_FAULT 0xffff

#define PH_STACK_ENTRY 1
#define PH_STACK_EXIT 2

/* What the kernel side does with one system call. */
struct ph_sysdef {
	__u8 enter, exit;	/* record it */
	__u8 nargs;		/* of the entry */
	__u8 exit_nargs;	/* arguments that the exit record needs: 0 or nargs */
	__u16 in_room, out_room;	/* bytes that the captures need at most */
	__u8 on_fd;		/* its first argument is the descriptor it works on */
	__u8 ndata;		/* rows of datadefs that are its, from … */
	__u16 data;
	__u8 stack;		/* PH_STACK_*: a callstack before it */
	struct ph_capture in[PH_MAX_CAPTURES], out[PH_MAX_CAPTURES];
};

/* Which failures of one system call are recorded, and what of it: arguments plus 1, 0 none. */
struct ph_faildef {
	__u64 errnos[3];	/* a bit each */
	__u8 path, path2, dirfd, fd, addr, word;
	__u8 limit, limit2;	/* RLIMIT_* plus 1 */
	__u8 note;		/* PH_NOTE_* */
	__u8 ucount;		/* PH_UCOUNT_*, 0 none */
};

/* Which count of the user may be at its limit: inotify's, of namespaces by the flags in argument 0 or in `word`. */
#define PH_UCOUNT_INSTANCES 1
#define PH_UCOUNT_WATCHES 2
#define PH_UCOUNT_FLAGS 4
#define PH_UCOUNT_WORD 8

/* Calls of which more is noted than that they failed. */
#define PH_NOTE_SO_ERROR 1	/* tells how a connect() in the background ended */
#define PH_NOTE_LANDLOCK 2

#define PH_FAIL_PATH 1024	/* bytes of a path, at most */
#define PH_FAIL_ADDR 128
#define PH_FAIL_GROUPS 32

#define PH_NSYSCALLS 512

#define PH_STACK_MAX 64		/* functions of a stack */
/* Of a callstack. */
#define PH_FRAMES_KERNEL 127
#define PH_FRAMES_USER 384

/* Words of the registers in the context of a sample's program. On arm64 these are fewer than struct pt_regs has in the kernel. */
#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#define PH_SAMPLE_REGS 21
#else
#define PH_SAMPLE_REGS 34
#endif

/* ---- walking stacks ---------------------------------------------------------------------------- */

/*
 * What a walk looks things up in: tables of files and mappings of processes. They lie in chunks, each
 * a map of its own that is made when it is needed and mapped into user space; a position is a byte count over all
 * of them. What is searched as one piece does not run over the end of a chunk.
 */
#define PH_STORE_CHUNK (1u << 20)
#define PH_STORE_CHUNKS 1024

/* Of a process, sorted: the code it has mapped. */
#define PH_STORE_MAPS 8192
#define PH_STORE_MAPS_STEPS 13
struct ph_store_map {
	__u64 begin, end;
	__u64 bias;		/* an address minus this is the file's */
	__u32 file;
	__u32 pad_;
};

/* In `procs`, by process. */
struct ph_store_proc {
	__u64 maps;		/* position */
	__u64 stack;		/* where its stack begins: of another program that it runs by now, elsewhere */
	__u32 n;
	__u32 exec_pages;	/* of code that is not writable, as the kernel counts them */
	__u32 v8;		/* it runs JavaScript: as ph_store_table's interp; 0: not */
	__u32 java;		/* it runs Java: likewise, */
	__u64 java_list;	/* and where that has its list of code's heaps */
};

/* In `v8_functions`: a frame of V8's of a process. The value is where the function's SharedFunctionInfo was when it was seen last. */
struct ph_v8_key {
	__u64 word;
	__u32 pid, pad_;
};

/* Numbers of what is no file, in `tables`. */
enum {
	PH_CODE_ANON, PH_CODE_VDSO,
	PH_CODE_UNKNOWN,	/* a file of which the addresses are not known yet */
	PH_CODE_FILES,
};

/* In `known_files`: those of which the addresses are known, by what mappings have of them. */
struct ph_file_key {
	__u64 dev, ino;		/* dev: as the kernel keeps it */
};
struct ph_known_file {
	__u64 bias;		/* its address minus the offset */
	__u32 file;
	__u32 pad_;
};

enum {
	PH_TABLE_NONE,		/* not there yet, or there was no room */
	PH_TABLE_FP,		/* the file has none: by the frame pointer */
	PH_TABLE_RULES,
	PH_TABLE_MADE,		/* no file: by the frame pointer. 0 ends no stack there, but is somebody's who keeps none */
};

/*
 * A table as it is in the store: of unwind/format.h, with a first row at the begin of each page and a page's place in one
 * word, so that a search has nothing but a page's rows before it. Of rules of the kind PH_CFA_REGISTER, cfa_add is the word
 * of struct pt_regs.
 */
struct ph_store_table {
	__u64 base;
	__u64 pages, rules;	/* positions */
	__u32 npages, nrules;
	__u32 state;
	__u32 interp;		/* it is an interpreter: 1 + the index in `interps`; 0: none */
};
#define PH_STORE_FILES 16384
#define PH_STORE_INTERPS 256

struct ph_store_page {
	__u32 first;		/* position of the rows, in rows */
	__u32 n;
};

/* On a power of two, so that none runs over the end of a chunk. */
union ph_store_rule {
	struct ph_unwind_rule rule;
	__u64 pad_[4];
};

/* ---- who is in which container ---------------------------------------------------------------- */

/* Key of a cgroup: its id, with the number of its hierarchy (0: v2) on top. */
#define PH_CGKEY(hierarchy, id) ((__u64)(id) ^ (__u64)(hierarchy) << 56)

enum {
	PH_CG_SELECTED = 1,	/* record its tasks */
	PH_CG_PENDING = 2,	/* new; user space has not said whose it is: children get their own index */
	PH_CG_CONTAINER = 4,	/* a container's, or below one: children inherit */
};

struct ph_cgent {
	__u32 index;
	__u32 flags;
};

/* Records of the control ring: what user space must know before it reads the CPUs' buffers. */
enum { PH_CTL_CG_NEW = 1, PH_CTL_CG_GONE, PH_CTL_CG_ATTACH, PH_CTL_CG_FREEZE, PH_CTL_CG_UNFREEZE,
       PH_CTL_NS_NEW };
#define PH_CTL_PATH 512
struct ph_ctl {
	__u32 kind, index, flags;
	__s32 hierarchy, tid, pid;
	__u64 ts_ns, cgroup_id, parent_id, ns_key;
	char path[PH_CTL_PATH];
};

/* ---- knobs ---------------------------------------------------------------------------------------- */

enum { PH_ID_V2, PH_ID_CPU };	/* cfg.identity: which cgroup names the container */

#define PH_MAX_NS_SEL 8
struct ph_ns_sel {
	__u16 type;
	__u16 not;
	__u32 inum;
};

/* cfg.by_pid and by_comm: some were named to be recorded, some not to be. */
enum { PH_SEL_ONLY = 1, PH_SEL_NOT = 2 };

struct ph_config {
	__u32 chunks;		/* per CPU, a power of 2 */
	__u32 ncpus;
	__u32 secret;
	__s32 self_tgid;	/* the recorder: never traced */
	__s32 command_tgid;	/* the command that it runs; 0: none */
	__u32 children;		/* its other children are not seen, either */
	__u64 page_bytes;
	__u32 identity;
	__u32 cpu_hierarchy;	/* v1 hierarchy of the cpu controller */
	__u64 host_ns_key;	/* PH_NSKEY of the host */
	__u64 hierarchies;	/* those whose cgroups are entered in `cgroups`, a bit each */
	__u32 context;		/* bit mask of struct ph_rec_ctx's groups, PH_CTX_* */
	__u32 capture_name;	/* bytes of a captured string, address or struct, at most */
	__u32 capture_data;	/* bytes of a captured buffer, at most */
	__u8 select;		/* something is selected: the ones below are asked */
	__u8 by_container, by_pid, by_comm;
	__u8 host_selected;	/* tasks in no container are */
	__u32 nns;		/* by namespace */
	struct ph_ns_sel ns[PH_MAX_NS_SEL];
	__u8 new_flags;		/* flags of a cgroup that is made while recording */
	__u8 switch_has_state;	/* v5.18 (fa2c3254d7cf): sched_switch has prev_state */
	__u8 victim_is_task;	/* v6.8 (72ba14deb40a): mark_victim has the task */
	__u8 mark_seccomp;	/* tell calls that seccomp refused */
	__u8 failures;		/* record calls that fail */
	__u8 call_data;		/* record what calls point to */
	__u8 caps_watched;	/* mark_caps is loaded */
	__u8 filter;		/* filters are compiled in */
	__u8 write_switch, write_block, write_stack, write_steal;	/* what is written of a switch */
	/*
	 * v6.8 (def3ae83da02): where a backing_file has user_path, 0: nowhere. A type that the kernel lacks would be looked for in its modules,
	 * which takes CAP_SYS_ADMIN.
	 */
	__u16 backing_path;
	__u16 probe_text;	/* bytes of a text that a probe reads, at most */
	__u8 probe_sleeps;	/* programs of uprobes may wait for memory */
	__u8 block_changes;	/* of waits, only those for something else than the task's last */
	__u8 stacks;		/* something has callstacks */
	__u8 call_stacks;	/* system calls have, where ph_sysdef.stack says so */
	__u8 sample_unit;	/* of samples' weights */
	__u64 stack_of[4];	/* events that have: a bit for each number */
};

#define PH_NSKEY(mnt, pid) ((__u64)(mnt) << 32 | (__u32)(pid))

enum {
	PH_CTX_PPID = 1 << 0, PH_CTX_VPID = 1 << 1, PH_CTX_PRIO = 1 << 2, PH_CTX_CRED = 1 << 3,
	PH_CTX_NS = 1 << 4, PH_CTX_PROCNAME = 1 << 5, PH_CTX_CGROUP = 1 << 6,
	PH_CTX_PID = 1 << 7,	/* in every record's header: user space only */
};

/* ---- counting: one struct for each container and CPU ------------------------------------------------- */

struct ph_counts {
	__u64 syscalls, errors;		/* that ended; of them, with an error */
	__u64 exited_wait_ns;		/* for a CPU, of tasks that ended */
	__u64 sent_bytes, received_bytes;	/* of IPv4 and IPv6 sockets */
};

/* The same of the tasks that live, summed up by the iterator in round `round`. */
struct ph_waits {
	__u64 round, wait_ns;
};
#define PH_COUNTS_MAX 4096

/* ---- state dump: one struct per task, from iter/task --------------------------------------------- */

#define PH_DUMP_LEVELS 8
struct ph_dump_task {
	__s32 tid, pid, ppid;
	__u32 flags;		/* PF_* */
	__u32 state, exit_state;
	__s32 on_cpu, cpu, syscall;
	__u32 container;
	__u64 files, start_ns, cgroup_id, cgroup_v2_id;
	__u32 ns[8];
	__u32 levels;
	__u32 uid, gid;
	__u32 why, selected;
	__u32 user_level;	/* of its user namespace, 0: the first */
	__u64 utime_ns, stime_ns, runtime_ns, run_delay_ns, min_flt, maj_flt;
	struct { __s32 tid, pid, ppid; __u32 inum; } level[PH_DUMP_LEVELS];
	char comm[16];
};

/* A file that a task has mapped: the one that programs are attached to, below an overlay too. */
struct ph_dump_vma {
	__u64 begin, inode;
	__u32 dev, pad_;
};

/* What function an address of the kernel is in: asked, and answered as the kernel writes it ("do_idle+0x12/0x90 [module]"). */
struct ph_kernel_name {
	__u64 address;
	char text[512];
};

struct ph_dump_file {
	__u64 files;
	__s32 tid;
	__u32 fd, flags, mode;
	__u16 len, pad_;
	char path[256];
};

#endif
