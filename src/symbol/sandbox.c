/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NOBODY 65534

/* Files that are open at once; each of them may have two of debug information. */
#define NFILES 65536
#define ADDRESSES (64ULL << 30)		/* of files that are mapped, too: those of debug information may be large */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "system calls of this architecture are not known"
#endif

/*
 * What is allowed. Others fail with EPERM, which libraries can live with: some look whether there is a terminal, or for files
 * of debug information by themselves.
 */
static const int allowed[] = {
	SYS_read, SYS_pread64, SYS_lseek, SYS_fstat, SYS_close, SYS_recvmsg, SYS_sendmsg, SYS_sendto, SYS_munmap,
	SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigprocmask,
	SYS_rt_sigaction, SYS_setitimer, SYS_clock_gettime, SYS_getrandom, SYS_restart_syscall,
#if PH_SANITIZED
	SYS_write, SYS_getpid, SYS_gettid, SYS_sigaltstack, SYS_sched_yield, SYS_sched_getaffinity, SYS_readlink,
	SYS_prctl, SYS_getrlimit, SYS_prlimit64,
#endif
};

/* Allowed if the argument @arg has none of the bits @without, or (@is) is that value. */
static const struct limited {
	int call;
	uint32_t arg, without, is;
} limited[] = {
	/* Nothing that is read, or made, can be run. */
	{ SYS_mmap, 2, PROT_EXEC, 0 },
	{ SYS_mprotect, 2, PROT_EXEC, 0 },
	/* libc's fstat() is this one, without a path. */
	{ SYS_newfstatat, 3, 0, AT_EMPTY_PATH },
	{ SYS_fcntl, 1, 0, F_GETFD },
	{ SYS_fcntl, 1, 0, F_GETFL },
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(i) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (i))
#define RET(what) BPF_STMT(BPF_RET | BPF_K, what)

static int filter_calls(void)
{
	struct sock_filter f[8 + 2 * PH_ARRAY_SIZE(allowed) + 6 * PH_ARRAY_SIZE(limited)];
	struct sock_fprog prog = { .filter = f };
	unsigned short n = 0;

	f[n++] = (struct sock_filter)LOAD(arch);
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	f[n++] = (struct sock_filter)RET(SECCOMP_RET_KILL_PROCESS);
	/* The calls of x32 are numbered with a bit more than these, so they are not among them. */
	f[n++] = (struct sock_filter)LOAD(nr);
	for (size_t i = 0; i < PH_ARRAY_SIZE(allowed); i++) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i], 0, 1);
		f[n++] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(limited); i++) {
		const struct limited *l = &limited[i];

		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)l->call, 0, 4);
		f[n++] = (struct sock_filter)LOAD_ARG(l->arg);
		if (l->without)
			f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, l->without, 1, 0);
		else
			f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, l->is, 0, 1);
		f[n++] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
		f[n++] = (struct sock_filter)LOAD(nr);
	}
	f[n++] = (struct sock_filter)RET(SECCOMP_RET_ERRNO | EPERM);
	prog.len = n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) ? -errno : 0;
}

static void limit(int what, rlim_t to)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)what, &l))
		return;
	if (l.rlim_max != RLIM_INFINITY && to > l.rlim_max)
		to = l.rlim_max;
	l.rlim_cur = l.rlim_max = to;
	setrlimit((__rlimit_resource_t)what, &l);
}

static int only_these_descriptors(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* What prints into its standard output would else print into a file that was opened since. */
	for (int i = 0; i < 3; i++)
		if (null < 0 ? close(i) : !(PH_SANITIZED && i == 2) && dup2(null, i) < 0)
			return -errno;
	if (keep > 3 && syscall(SYS_close_range, 3u, (unsigned int)keep - 1, 0u))
		return -errno;
	return syscall(SYS_close_range, (unsigned int)keep + 1, ~0u, 0u) ? -errno : 0;
}

static int no_privileges(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	if (!geteuid()) {
		/*
		 * No file system, and no other program's network, IPC or names. Not every host lets us, and without system
		 * calls for them none can be used anyway.
		 */
		if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS))
			errno = 0;
		if (chroot("/proc/self/fdinfo") || chdir("/"))
			errno = 0;
		for (int cap = 0; !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); cap++)
			;
		if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			return -errno;
	}
	if (syscall(SYS_capset, &head, none))
		return -errno;
	/* Others of this user look into it as little as it into them. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

/* When memory runs out, this process goes before any other. */
static void die_first(void)
{
	ph_autoclose int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1000", 4) < 0)
		errno = 0;
}

int ph_sandbox(int keep, uint64_t memory_bytes)
{
	int r = only_these_descriptors(keep);

	if (r)
		return r;
	die_first();
	prctl(PR_SET_NAME, "porthole-symbol", 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NPROC, 0);
	limit(RLIMIT_MEMLOCK, 0);
	limit(RLIMIT_MSGQUEUE, 0);
	limit(RLIMIT_NOFILE, NFILES);
	if (!PH_SANITIZED) {
		limit(RLIMIT_AS, ADDRESSES);
		limit(RLIMIT_DATA, memory_bytes);
	}
	r = no_privileges();
	return r ? r : filter_calls();
}
