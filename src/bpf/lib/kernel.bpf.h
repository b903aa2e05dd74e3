/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BPF_KERNEL_BPF_H
#define PH_BPF_KERNEL_BPF_H

/*
 * The part of the kernel that porthole looks at, and all that differs between kernels.
 *
 * Only the fields that are read stand here; CO-RE moves them to where the running kernel has them.
 * (A whole vmlinux.h would be 130,000 lines made from one kernel of one architecture.) Structs
 * named ___x are older or newer shapes of the same struct; each says which kernel change it is for.
 */

typedef unsigned char __u8;
typedef short int __s16;
typedef short unsigned int __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long int __s64;
typedef long long unsigned int __u64;
typedef __u8 u8;
typedef __s16 s16;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;
typedef signed char __s8;
typedef __s8 s8;
typedef _Bool bool;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef __u16 __sum16;

#define true 1
#define false 0
#define NULL ((void *)0)

enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_HASH = 5, BPF_MAP_TYPE_PERCPU_ARRAY = 6,
       BPF_MAP_TYPE_LRU_HASH = 9, BPF_MAP_TYPE_ARRAY_OF_MAPS = 12, BPF_MAP_TYPE_RINGBUF = 27, BPF_MAP_TYPE_TASK_STORAGE = 29 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_F_NO_PREALLOC = 1 << 0, BPF_F_MMAPABLE = 1 << 10,
       BPF_LOCAL_STORAGE_GET_F_CREATE = 1, BPF_RB_NO_WAKEUP = 1 };

/* Contexts of iterators: their layout is ABI. */
struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id, seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

/* v5.17 (e6f2dd0f8067). */
enum bpf_func_id { BPF_FUNC_loop = 181 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct { u32 val; } kuid_t;
typedef struct { u32 val; } kgid_t;
struct qstr { const unsigned char *name; };
struct dentry { struct dentry *d_parent; struct qstr d_name; struct inode *d_inode; };
struct vfsmount { struct dentry *mnt_root; int mnt_flags; };
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; int mnt_id; };
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct fs_struct { struct path root, pwd; };

struct super_block { u32 s_dev; };
struct inode {
	u16 i_mode;
	kuid_t i_uid;
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct file {
	unsigned int f_flags;
	unsigned int f_mode;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

/* v6.1 (d4af56c5c7c6): the kernel keeps a process' mappings in it. */
struct maple_tree { void *ma_root; };
struct vm_area_struct { unsigned long vm_start, vm_end, vm_flags, vm_pgoff; struct mm_struct *vm_mm; struct file *vm_file; };
#define VM_EXEC 4
enum { MAPLE_LEAF_64 = 1, MAPLE_ARANGE_64 = 3, MAPLE_LEVELS = 5 };
#define FMODE_BACKING (1 << 25)

struct fdtable { unsigned int max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r14, bp, bx, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 orig_x0;
	s32 syscallno;
};
#else
#error "no system call convention for this architecture"
#endif

struct ns_common { unsigned int inum; };
struct uts_namespace { struct ns_common ns; };
struct ipc_namespace { struct ns_common ns; };
struct mnt_namespace { struct ns_common ns; };
struct pid_namespace { struct ns_common ns; unsigned int level; struct pid_namespace *parent; };
struct net { struct ns_common ns; };
struct time_namespace { struct ns_common ns; };
struct cgroup_namespace { struct ns_common ns; };
struct ucounts;
struct user_namespace {
	struct ns_common ns;
	int level;
	struct user_namespace *parent;
	struct ucounts *ucounts;
	long ucount_max[1];
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns;
	struct cgroup_namespace *cgroup_ns;
};

struct upid { int nr; struct pid_namespace *ns; };
struct pid { unsigned int level; struct upid numbers[1]; };

/* Two words of 32 bits until v6.3 (f122a08b197d), one of 64 since: the same bytes. */
typedef struct { u64 val; } kernel_cap_t;
struct group_info { int ngroups; kgid_t gid[1]; };
typedef struct { s64 counter; } atomic_long_t;
/* v6.0 (de399236e240): limits that are counted for each user of a namespace, apart from ucount[]. */
struct ucounts { struct user_namespace *ns; atomic_long_t ucount[1]; atomic_long_t rlimit[4]; };
enum ucount_type {
	UCOUNT_USER_NAMESPACES, UCOUNT_PID_NAMESPACES, UCOUNT_UTS_NAMESPACES, UCOUNT_IPC_NAMESPACES, UCOUNT_NET_NAMESPACES,
	UCOUNT_MNT_NAMESPACES, UCOUNT_CGROUP_NAMESPACES, UCOUNT_TIME_NAMESPACES, UCOUNT_INOTIFY_INSTANCES,
	UCOUNT_INOTIFY_WATCHES,
};
enum rlimit_type { UCOUNT_RLIMIT_NPROC, UCOUNT_RLIMIT_MSGQUEUE, UCOUNT_RLIMIT_SIGPENDING, UCOUNT_RLIMIT_MEMLOCK };
struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	kernel_cap_t cap_permitted, cap_effective, cap_bset;
	struct user_namespace *user_ns;
	struct ucounts *ucounts;
	struct group_info *group_info;
};

struct kernfs_node { u64 id; };
struct cgroup_root { int hierarchy_id; };
struct cgroup;
struct cgroup_subsys_state { struct cgroup *cgroup; struct cgroup_subsys_state *parent; };
struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};
struct css_set { struct cgroup *dfl_cgrp; struct cgroup_subsys_state *subsys[1]; };
enum cgroup_subsys_id { memory_cgrp_id, pids_cgrp_id };

typedef s64 ktime_t;
struct timerqueue_node { ktime_t expires; };
struct hrtimer {
	struct timerqueue_node node;
	ktime_t _softexpires;
	void *function;
};

struct list_head { struct list_head *next; };
struct __call_single_data { int unused_; };
typedef struct __call_single_data call_single_data_t;
struct cfs_bandwidth {
	ktime_t period;
	u64 quota;
	int nr_throttled;
	struct hrtimer period_timer, slack_timer;
};
struct cfs_rq {
	int runtime_enabled;
	s64 runtime_remaining;
	int throttled;			/* a bit field since v6.18 */
	int throttle_count;
	u64 throttled_clock;
	struct rq *rq;
	struct task_group *tg;
};
/* v6.3 (8ad075c2eb1f): other CPUs' groups are let go by an interrupt there. */
struct cfs_rq___csd { struct list_head throttled_csd_list; };
struct rq {
	u64 clock;
	u64 prev_steal_time;		/* with CONFIG_PARAVIRT */
};
struct rq___csd {
	call_single_data_t cfsb_csd;
	struct list_head cfsb_csd_list;
};
/* v6.6 (677ea015f231): the clock behind cpu.stat.local's throttled_usec. */
struct cfs_rq___self { u64 throttled_clock_self; u64 throttled_clock_self_time; };
struct task_group {
	struct cgroup_subsys_state css;
	struct cfs_rq **cfs_rq;
	struct task_group *parent;
	struct cfs_bandwidth cfs_bandwidth;
};
struct sched_entity { struct cfs_rq *cfs_rq; u64 sum_exec_runtime; };
struct sched_info { unsigned long long run_delay; };	/* empty without CONFIG_SCHED_INFO */

typedef struct { int counter; } atomic_t;
struct rlimit { unsigned long rlim_cur, rlim_max; };	/* whole: it is in an array */
struct signal_struct { atomic_t live; int group_exit_code; unsigned int flags; s16 oom_score_adj; struct rlimit rlim[16]; };
#define SIGNAL_GROUP_EXIT 4
struct mm_rss_stat { struct { s64 counter; } count[4]; };
struct percpu_counter { s64 count; };
struct mm_context_t { void *vdso; };
struct mm_struct {
	struct file *exe_file;
	unsigned long total_vm, data_vm, exec_vm, locked_vm, stack_vm, start_code, start_stack;
	struct percpu_counter rss_stat[4];
	struct mm_context_t context;
	struct maple_tree mm_mt;
};
/* until v6.1; v6.2 (f1a7941243c1) counts per CPU. */
struct mm_struct___v61 { struct mm_rss_stat rss_stat; };
struct seccomp { int mode; };
struct thread_info { unsigned long flags; };
/* v5.16 (bcf9033e5449) moved the CPU from task_struct to thread_info; arm64 always had it there. */
struct thread_info___cpu { u32 cpu; };
struct task_struct___cpu { u32 cpu; };
/* x86 only: TS_COMPAT lives here. */
struct thread_info___x86 { u32 status; };

struct thread_struct {
#if defined(__TARGET_ARCH_x86)
	unsigned long fsbase;
#else
	struct {
		unsigned long tp_value;
	} uw;
#endif
};
struct task_struct {
	struct thread_struct thread;
	struct thread_info thread_info;
	unsigned int __state;		/* v5.14 (2f064a59a11f); 5.15 is the oldest we run on */
	unsigned int flags;
	int prio, static_prio, normal_prio;
	int exit_state, exit_code;
	int pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	u64 start_time;
	const struct cred *cred;
	const struct cred *real_cred;
	char comm[16];
	struct nsproxy *nsproxy;
	struct fs_struct *fs;
	struct files_struct *files;
	unsigned long atomic_flags;
	struct css_set *cgroups;
	struct task_group *sched_task_group;
	struct sched_entity se;
	struct seccomp seccomp;
	struct mm_struct *mm;
	u64 utime, stime;
	unsigned long min_flt, maj_flt;
	struct sched_info sched_info;
	struct signal_struct *signal;
	int on_cpu;
};
/* v6.18 (e1fad12dcb66, "sched/fair: Switch to task based throttle model"). */
struct task_struct___throttled { bool throttled; };
struct task_struct___exec { unsigned int in_execve : 1; };

struct linux_binprm { const char *filename; };

struct irqaction { const char *name; };
struct gendisk { int major, first_minor; };
struct request_queue { struct gendisk *disk; };		/* v5.17 (f3fa33acca9f) */
struct request_queue___nodisk { int id; };
struct blkcg { struct cgroup_subsys_state css; };
struct blkcg_gq { struct blkcg *blkcg; };
struct bio { struct blkcg_gq *bi_blkg; };
struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	u64 __sector;
	struct bio *bio;
};
struct request___rq_disk { struct gendisk *rq_disk; };	/* until v5.16 */

struct in6_addr { union { u8 u6_addr8[16]; } in6_u; };
typedef struct { struct net *net; } possible_net_t;
struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	volatile u8 skc_state;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock_cgroup_data { struct cgroup *cgroup; };	/* v5.15 (8520e224f547): always that of v2 */
struct sock {
	struct sock_common __sk_common;
	struct sock_cgroup_data sk_cgrp_data;
	u32 sk_ack_backlog, sk_max_ack_backlog;
	u16 sk_protocol;
	struct socket *sk_socket;
};
struct tcp_sock { u64 bytes_sent, bytes_retrans, bytes_received; };
struct socket { struct sock *sk; };
struct socket_alloc { struct socket socket; struct inode vfs_inode; };
struct unix_sock { struct sock sk; struct sock *peer; };
struct net_device { char name[16]; possible_net_t nd_net; };
struct sk_buff {
	struct net_device *dev;
	unsigned int len;
	__be16 protocol;
	u16 transport_header, network_header, mac_header;
	unsigned char *head, *data;
};

union __sifields { int _pid; };
struct kernel_siginfo { int si_signo, si_errno, si_code; union __sifields _sifields; };
struct sigaction { void *sa_handler; unsigned long sa_flags; };
struct k_sigaction { struct sigaction sa; };

struct kvm_vcpu_arch { unsigned long regs[17]; };		/* x86: [16] is RIP */
struct kvm_vcpu { int vcpu_id; struct kvm_vcpu_arch arch; };
struct vmcb_control_area { u32 exit_code; };
struct vmcb { struct vmcb_control_area control; };
struct vcpu_svm { struct vmcb *vmcb; };
union vmx_exit_reason { u32 full; };
struct vcpu_vmx { union vmx_exit_reason exit_reason; };

#pragma clang attribute pop

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/*
 * bpf_rdonly_cast() gives a number the type of a pointer that may be loaded from, at no cost (v6.2,
 * a35b9af4ec2c). The kernel side is built with it and without (PH_RDONLY_CAST): before v5.16 (a5d827275241) a
 * program is refused for a call of what the kernel does not have, even where it is never made.
 *
 * FETCH(p, struct, field): p->field by such a load; without, by a call that reads the kernel's memory.
 *
 * WALK(p)->field: for loading a pointer from what the kernel hands us (an argument, the current task).
 * That is a trusted pointer, and to find out whether what is loaded is one too, the verifier compares the
 * names of all the kernel's types, twice a load on each path through a program: three quarters of the
 * time in which a recording began. What is cast is trusted by nobody.
 */

/*
 * VERIFIED_ONCE: a global function, which the verifier walks through once, and not for each way by which one comes there. Before v6.8
 * (2afae08c9dcb) it walks through all that a program may call also where it never calls them, so the object for old kernels has none.
 */
#ifdef PH_RDONLY_CAST
#define VERIFIED_ONCE __noinline
#else
#define VERIFIED_ONCE static __always_inline
#endif

#ifdef PH_RDONLY_CAST
extern void *bpf_rdonly_cast(const void *obj, u32 btf_id) __ksym;

#define CAST(p, type) ((type *)bpf_rdonly_cast(p, bpf_core_type_id_kernel(type)))
#define FETCH(p, type, field) (CAST(p, type)->field)
#define WALK(p) CAST(p, typeof(*(p)))
#else
#define FETCH(p, type, field) BPF_CORE_READ((type *)(p), field)
#define WALK(p) (p)
#endif

#define PAGE_BYTES cfg.page_bytes
#define PF_KTHREAD 0x00200000
#define PF_EXITING 0x00000004
/* Threads that io_uring (v5.12, 3bfe6106693b) and vhost (v6.4, 54e6842d0775) make of a process: they
 * never were in user mode, and their saved registers are not of a call that they are in. */
#define PF_WORKER 0x00004010
/* In the freezer of cgroup v1: a state since v6.1 (f5d39b020809), before a flag, which has not been anything else of a task
 * with memory since. */
#define STATE_IN_FREEZER 0x8000
#define PF_FROZEN 0x00010000
/* Waits that are no task state of their own for others (v6.11, f718faf3940e): for the freezer, for a lock of a RT kernel. */
#define STATE_REPORTED_D 0x9000
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define SECCOMP_MODE_FILTER 2

/*
 * Arguments of a system call: x86_64's registers, also valid at exit, 32-bit calls have others;
 * arm64 keeps x0 aside.
 */
static __always_inline u64 sys_arg(struct pt_regs *regs, int i, bool compat)
{
#if defined(__TARGET_ARCH_x86)
	if (compat) {
		switch (i) {
		case 0: return (u32)regs->bx;
		case 1: return (u32)regs->cx;
		case 2: return (u32)regs->dx;
		case 3: return (u32)regs->si;
		case 4: return (u32)regs->di;
		default: return (u32)regs->bp;
		}
	}
	switch (i) {
	case 0: return regs->di;
	case 1: return regs->si;
	case 2: return regs->dx;
	case 3: return regs->r10;
	case 4: return regs->r8;
	default: return regs->r9;
	}
#else
	switch (i) {
	case 0: return regs->orig_x0;
	case 1: return regs->regs[1];
	case 2: return regs->regs[2];
	case 3: return regs->regs[3];
	case 4: return regs->regs[4];
	default: return regs->regs[5];
	}
#endif
}

static __always_inline long sys_nr(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return (int)regs->orig_ax;
#else
	return regs->syscallno;
#endif
}

static __always_inline u64 regs_ip(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->ip;
#else
	return regs->pc;
#endif
}

/* What Go's compiler keeps the address of the running goroutine in, since Go 1.17. */
static __always_inline u64 regs_go(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->r14;
#else
	return regs->regs[28];
#endif
}

static __always_inline u16 swap16(u16 v)
{
	return __builtin_bswap16(v);
}

/* The call that sigreturn makes forget its number: its exit would tell -1. */
#if defined(__TARGET_ARCH_x86)
#define NR_SIGRETURN 15
#define NR_UNSHARE 272
#define NR_SETNS 308
#define NR_COMPAT_UNSHARE 310
#define NR_COMPAT_SETNS 346
#else
#define NR_SIGRETURN 139
#define NR_UNSHARE 97
#define NR_SETNS 268
#define NR_COMPAT_UNSHARE 337
#define NR_COMPAT_SETNS 375
#endif
#define NR_COMPAT_SIGRETURN 173

/* A 32-bit system call on a 64-bit kernel: its numbers are those of the other table. */
static __always_inline bool sys_compat(struct task_struct *t)
{
#if defined(__TARGET_ARCH_x86)
	return ((struct thread_info___x86 *)&t->thread_info)->status & 2;	/* TS_COMPAT */
#else
	return t->thread_info.flags & (1 << 22);	/* TIF_32BIT */
#endif
}

/* The CPU that a task is or was on. */
static __always_inline u32 task_cpu(struct task_struct *t)
{
	struct thread_info___cpu *ti = (void *)&t->thread_info;

	if (bpf_core_field_exists(ti->cpu))
		return ti->cpu;
	return ((struct task_struct___cpu *)t)->cpu;
}

/* How long @t waited for a CPU so far. */
static __always_inline u64 task_run_delay(struct task_struct *t)
{
	return bpf_core_field_exists(t->sched_info.run_delay) ? t->sched_info.run_delay : 0;
}

/* How long the hypervisor took the CPU of @t, which is the current task, away so far. */
static __always_inline u64 cpu_stolen(struct task_struct *t)
{
	struct rq *rq = WALK(t)->se.cfs_rq->rq;

	return bpf_core_field_exists(rq->prev_steal_time) ? rq->prev_steal_time : 0;
}

/* Does @t, which leaves its CPU in the state @raw, wait to be thawed? */
static __always_inline bool in_freezer(struct task_struct *t, u32 raw)
{
	return raw & STATE_IN_FREEZER || t->flags & PF_FROZEN;
}

/*
 * Does a limit take a whole group off a CPU at once? Since v6.18 (e1fad12dcb66) each of its tasks leaves when
 * it is about to return to user mode.
 */
static __always_inline bool throttles_groups(void)
{
	return !bpf_core_field_exists(((struct task_struct___throttled *)0)->throttled);
}

/* Was @p, which leaves the CPU, taken off by a bandwidth limit? */
static __always_inline bool task_throttled(struct task_struct *p, bool runnable)
{
	if (!throttles_groups())
		return ((struct task_struct___throttled *)p)->throttled;
	return runnable && WALK(p)->se.cfs_rq->throttle_count > 0;
}

#endif
