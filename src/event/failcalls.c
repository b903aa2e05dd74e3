/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/failcalls.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/map.h"

#define A0 1
#define A1 2
#define A2 3
#define A3 4
#define A4 5
#define CAP(name) .cap = CAP_##name + 1
#define OWN .where = PH_CAP_OWN
#define LIM(name) .limit = RLIMIT_##name + 1
#define LIM2(name) .limit2 = RLIMIT_##name + 1
/* Newer than the headers of some distributions we build on. */
#define PH_CAP_PERFMON 38
#define PH_CAP_BPF 39

#define ROW(name_, kind_, ...) { .name = #name_, .kind = PH_FAIL_##kind_, __VA_ARGS__ }

static const struct ph_failcall rows[] = {
	/* ---- paths ---- */
	ROW(open, OPEN, .path = A0, LIM(NOFILE)), ROW(creat, OPEN, .path = A0, LIM(NOFILE)),
	ROW(openat, OPEN, .path = A1, .dirfd = A0, LIM(NOFILE)),
	ROW(openat2, OPEN, .path = A1, .dirfd = A0, .word = A2, LIM(NOFILE)),
	ROW(execve, EXEC, .path = A0), ROW(execveat, EXEC, .path = A1, .dirfd = A0),
	ROW(uselib, EXEC, .path = A0),
	ROW(newstat, LOOKUP, .path = A0), ROW(newlstat, LOOKUP, .path = A0), ROW(stat, LOOKUP, .path = A0),
	ROW(lstat, LOOKUP, .path = A0), ROW(stat64, LOOKUP, .path = A0), ROW(lstat64, LOOKUP, .path = A0),
	ROW(newfstatat, LOOKUP, .path = A1, .dirfd = A0), ROW(fstatat64, LOOKUP, .path = A1, .dirfd = A0),
	ROW(statx, LOOKUP, .path = A1, .dirfd = A0), ROW(access, LOOKUP, .path = A0),
	ROW(faccessat, LOOKUP, .path = A1, .dirfd = A0), ROW(faccessat2, LOOKUP, .path = A1, .dirfd = A0),
	ROW(readlink, LOOKUP, .path = A0), ROW(readlinkat, LOOKUP, .path = A1, .dirfd = A0),
	ROW(chdir, LOOKUP, .path = A0), ROW(fchdir, LOOKUP, .fd = A0), ROW(statfs, LOOKUP, .path = A0),
	ROW(statfs64, LOOKUP, .path = A0), ROW(getxattr, LOOKUP, .path = A0, .path2 = A1),
	ROW(lgetxattr, LOOKUP, .path = A0, .path2 = A1), ROW(listxattr, LOOKUP, .path = A0),
	ROW(llistxattr, LOOKUP, .path = A0), ROW(fgetxattr, LOOKUP, .fd = A0, .path2 = A1),
	ROW(flistxattr, LOOKUP, .fd = A0), ROW(name_to_handle_at, LOOKUP, .path = A1, .dirfd = A0),
	ROW(open_by_handle_at, OPEN, CAP(DAC_READ_SEARCH)),
	ROW(mkdir, CREATE, .path = A0), ROW(mkdirat, CREATE, .path = A1, .dirfd = A0),
	ROW(mknod, CREATE, .path = A0), ROW(mknodat, CREATE, .path = A1, .dirfd = A0),
	ROW(rmdir, CREATE, .path = A0), ROW(unlink, CREATE, .path = A0),
	ROW(unlinkat, CREATE, .path = A1, .dirfd = A0),
	ROW(rename, CREATE, .path = A0, .path2 = A1), ROW(renameat, CREATE, .path = A1, .dirfd = A0, .path2 = A3),
	ROW(renameat2, CREATE, .path = A1, .dirfd = A0, .path2 = A3),
	ROW(link, CREATE, .path = A0, .path2 = A1), ROW(linkat, CREATE, .path = A1, .dirfd = A0, .path2 = A3),
	ROW(symlink, CREATE, .path = A1, .path2 = A0), ROW(symlinkat, CREATE, .path = A2, .dirfd = A1, .path2 = A0),
	ROW(chmod, ATTR, .path = A0), ROW(fchmod, ATTR, .fd = A0), ROW(fchmodat, ATTR, .path = A1, .dirfd = A0),
	ROW(fchmodat2, ATTR, .path = A1, .dirfd = A0), ROW(chown, ATTR, .path = A0), ROW(lchown, ATTR, .path = A0),
	ROW(fchown, ATTR, .fd = A0), ROW(fchownat, ATTR, .path = A1, .dirfd = A0),
	ROW(utime, ATTR, .path = A0), ROW(utimes, ATTR, .path = A0), ROW(futimesat, ATTR, .path = A1, .dirfd = A0),
	ROW(utimensat, ATTR, .path = A1, .dirfd = A0), ROW(setxattr, ATTR, .path = A0, .path2 = A1),
	ROW(lsetxattr, ATTR, .path = A0, .path2 = A1), ROW(fsetxattr, ATTR, .fd = A0, .path2 = A1),
	ROW(removexattr, ATTR, .path = A0, .path2 = A1), ROW(lremovexattr, ATTR, .path = A0, .path2 = A1),
	ROW(fremovexattr, ATTR, .fd = A0, .path2 = A1), ROW(truncate, ATTR, .path = A0, LIM(FSIZE)),
	ROW(inotify_add_watch, INOTIFY, .path = A1), ROW(fanotify_mark, INOTIFY, .path = A4, .dirfd = A3),
	ROW(inotify_init, INOTIFY, LIM(NOFILE)), ROW(inotify_init1, INOTIFY, LIM(NOFILE)),
	ROW(fanotify_init, INOTIFY, CAP(SYS_ADMIN), LIM(NOFILE)),

	/* ---- descriptors and room ---- */
	ROW(write, WRITE, .fd = A0, LIM(FSIZE)), ROW(pwrite64, WRITE, .fd = A0, LIM(FSIZE)),
	ROW(writev, WRITE, .fd = A0, LIM(FSIZE)), ROW(pwritev, WRITE, .fd = A0, LIM(FSIZE)),
	ROW(pwritev2, WRITE, .fd = A0, LIM(FSIZE)), ROW(ftruncate, WRITE, .fd = A0, LIM(FSIZE)),
	ROW(fallocate, WRITE, .fd = A0, LIM(FSIZE)), ROW(copy_file_range, WRITE, .fd = A2, LIM(FSIZE)),
	ROW(sendfile64, WRITE, .fd = A0, LIM(FSIZE)), ROW(fsync, WRITE, .fd = A0),
	ROW(fdatasync, WRITE, .fd = A0), ROW(close, WRITE, .fd = A0), ROW(read, OTHER, .fd = A0),
	ROW(pread64, OTHER, .fd = A0), ROW(readv, OTHER, .fd = A0), ROW(getdents64, OTHER, .fd = A0),
	ROW(fcntl, OTHER, .fd = A0, LIM(NOFILE)), ROW(flock, OTHER, .fd = A0), ROW(newfstat, OTHER, .fd = A0),
	ROW(lseek, OTHER, .fd = A0), ROW(epoll_ctl, OTHER, .fd = A2),
	ROW(dup, FD, .fd = A0, LIM(NOFILE)), ROW(dup2, FD, .fd = A0, LIM(NOFILE)),
	ROW(dup3, FD, .fd = A0, LIM(NOFILE)), ROW(pipe, FD, LIM(NOFILE)), ROW(pipe2, FD, LIM(NOFILE)),
	ROW(epoll_create, FD, LIM(NOFILE)), ROW(epoll_create1, FD, LIM(NOFILE)), ROW(eventfd, FD, LIM(NOFILE)),
	ROW(eventfd2, FD, LIM(NOFILE)), ROW(signalfd, FD, LIM(NOFILE)), ROW(signalfd4, FD, LIM(NOFILE)),
	ROW(timerfd_create, FD, LIM(NOFILE)), ROW(memfd_create, FD, .path2 = A0, LIM(NOFILE)),
	ROW(accept, FD, LIM(NOFILE)), ROW(accept4, FD, LIM(NOFILE)), ROW(recvmsg, OTHER, .fd = A0),
	ROW(mq_open, FD, .path2 = A0, LIM(MSGQUEUE), LIM2(NOFILE)), ROW(pidfd_open, SIGNAL, .pid = A0, LIM(NOFILE)),
	ROW(pidfd_getfd, PTRACE, CAP(SYS_PTRACE), OWN, LIM(NOFILE)), ROW(userfaultfd, FD, CAP(SYS_PTRACE), LIM(NOFILE)),
	ROW(io_uring_setup, FD, .word = A1, LIM(NOFILE), LIM2(MEMLOCK)),
	ROW(io_setup, FD, .again = true),

	/* ---- sockets ---- */
	ROW(socket, SOCKET, LIM(NOFILE)), ROW(socketpair, SOCKET, LIM(NOFILE)),
	ROW(connect, CONNECT, .fd = A0, .addr = A1), ROW(bind, BIND, .fd = A0, .addr = A1),
	ROW(sendto, SEND, .fd = A0, .addr = A4), ROW(sendmsg, SEND, .fd = A0), ROW(listen, BIND, .fd = A0),
	ROW(setsockopt, SOCKET, .fd = A0), ROW(getsockopt, SOCKET, .fd = A0),

	/* ---- tasks ---- */
	ROW(fork, FORK, LIM(NPROC), .again = true), ROW(vfork, FORK, LIM(NPROC), .again = true),
	ROW(clone, FORK, LIM(NPROC), .again = true), ROW(clone3, FORK, .word = A0, LIM(NPROC), .again = true),
	ROW(unshare, NS), ROW(setns, NS, .fd = A0),
	ROW(kill, SIGNAL, .pid = A0, CAP(KILL), OWN), ROW(tkill, SIGNAL, .pid = A0, CAP(KILL), OWN),
	ROW(tgkill, SIGNAL, .pid = A0, CAP(KILL), OWN), ROW(rt_sigqueueinfo, SIGNAL, .pid = A0, CAP(KILL), OWN),
	ROW(rt_tgsigqueueinfo, SIGNAL, .pid = A0, CAP(KILL), OWN), ROW(pidfd_send_signal, SIGNAL, CAP(KILL), OWN),
	ROW(getpgid, SIGNAL, .pid = A0), ROW(getsid, SIGNAL, .pid = A0), ROW(setpgid, SIGNAL, .pid = A0),
	ROW(ptrace, PTRACE, .pid = A1, CAP(SYS_PTRACE), OWN), ROW(process_vm_readv, PTRACE, .pid = A0, CAP(SYS_PTRACE), OWN),
	ROW(process_vm_writev, PTRACE, .pid = A0, CAP(SYS_PTRACE), OWN), ROW(kcmp, PTRACE, .pid = A0, CAP(SYS_PTRACE), OWN),
	ROW(get_robust_list, PTRACE, .pid = A0, CAP(SYS_PTRACE), OWN), ROW(process_madvise, PTRACE, CAP(SYS_NICE), OWN),
	ROW(setpriority, PRIO, .pid = A1, CAP(SYS_NICE), OWN, LIM(NICE)), ROW(getpriority, PRIO, .pid = A1),
	ROW(nice, PRIO, CAP(SYS_NICE), OWN, LIM(NICE)),
	ROW(sched_setscheduler, PRIO, .pid = A0, CAP(SYS_NICE), OWN, LIM(RTPRIO), LIM2(NICE)),
	ROW(sched_setparam, PRIO, .pid = A0, CAP(SYS_NICE), OWN, LIM(RTPRIO), LIM2(NICE)),
	ROW(sched_setattr, PRIO, .pid = A0, CAP(SYS_NICE), OWN, LIM(RTPRIO), LIM2(NICE)),
	ROW(sched_setaffinity, PRIO, .pid = A0, CAP(SYS_NICE), OWN), ROW(sched_getaffinity, PRIO, .pid = A0),
	ROW(sched_getscheduler, PRIO, .pid = A0), ROW(sched_getparam, PRIO, .pid = A0), ROW(ioprio_set, PRIO, .pid = A1, CAP(SYS_NICE)),
	ROW(migrate_pages, PRIO, .pid = A0, CAP(SYS_NICE)), ROW(move_pages, PRIO, .pid = A0, CAP(SYS_NICE)),
	ROW(setrlimit, RLIMIT, .word = A1, CAP(SYS_RESOURCE)), ROW(prlimit64, RLIMIT, .pid = A0, .word = A2, CAP(SYS_RESOURCE)),
	ROW(setuid, IDS, CAP(SETUID), OWN, LIM(NPROC), .again = true), ROW(setreuid, IDS, CAP(SETUID), OWN, LIM(NPROC), .again = true),
	ROW(setresuid, IDS, CAP(SETUID), OWN, LIM(NPROC), .again = true), ROW(setfsuid, IDS, CAP(SETUID), OWN),
	ROW(setgid, IDS, CAP(SETGID), OWN), ROW(setregid, IDS, CAP(SETGID), OWN), ROW(setresgid, IDS, CAP(SETGID), OWN),
	ROW(setgroups, IDS, CAP(SETGID), OWN), ROW(capset, IDS), ROW(prctl, OTHER), ROW(seccomp, SYSTEM, CAP(SYS_ADMIN), OWN),

	/* ---- memory ---- */
	ROW(mmap, MEMORY, .fd = A4, LIM(AS), LIM2(DATA), .again = true), ROW(mremap, MEMORY, LIM(AS), LIM2(DATA), .again = true),
	ROW(brk, MEMORY, LIM(AS), LIM2(DATA)), ROW(mprotect, MEMORY, LIM(AS), LIM2(DATA)),
	ROW(pkey_mprotect, MEMORY, LIM(AS), LIM2(DATA)),
	ROW(mlock, MLOCK, CAP(IPC_LOCK), LIM(MEMLOCK), .again = true), ROW(mlock2, MLOCK, CAP(IPC_LOCK), LIM(MEMLOCK), .again = true),
	ROW(mlockall, MLOCK, CAP(IPC_LOCK), LIM(MEMLOCK), .again = true), ROW(shmctl, OTHER), ROW(shmget, MEMORY), ROW(shmat, MEMORY, LIM(AS)),
	ROW(timer_create, OTHER, LIM(SIGPENDING), .again = true), ROW(memfd_secret, FD, LIM(NOFILE), LIM2(MEMLOCK)),

	/* ---- the system ---- */
	ROW(mount, MOUNT, .path = A1, .path2 = A0, CAP(SYS_ADMIN), OWN), ROW(umount, MOUNT, .path = A0, CAP(SYS_ADMIN), OWN),
	ROW(pivot_root, MOUNT, .path = A0, .path2 = A1, CAP(SYS_ADMIN), OWN),
	ROW(fsopen, MOUNT, .path2 = A0, CAP(SYS_ADMIN), OWN), ROW(fsmount, MOUNT, CAP(SYS_ADMIN), OWN),
	ROW(fsconfig, MOUNT), ROW(fspick, MOUNT, .path = A1, .dirfd = A0, CAP(SYS_ADMIN), OWN),
	ROW(open_tree, MOUNT, .path = A1, .dirfd = A0, CAP(SYS_ADMIN), OWN), ROW(move_mount, MOUNT, .path = A1, .dirfd = A0, CAP(SYS_ADMIN), OWN),
	ROW(mount_setattr, MOUNT, .path = A1, .dirfd = A0, CAP(SYS_ADMIN), OWN),
	ROW(chroot, LOOKUP, .path = A0, CAP(SYS_CHROOT), OWN),
	ROW(sethostname, SYSTEM, CAP(SYS_ADMIN), OWN), ROW(setdomainname, SYSTEM, CAP(SYS_ADMIN), OWN),
	ROW(settimeofday, SYSTEM, CAP(SYS_TIME)), ROW(adjtimex, SYSTEM, CAP(SYS_TIME)), ROW(clock_settime, SYSTEM, CAP(SYS_TIME)),
	ROW(clock_adjtime, SYSTEM, CAP(SYS_TIME)), ROW(reboot, SYSTEM, CAP(SYS_BOOT), OWN), ROW(kexec_load, SYSTEM, CAP(SYS_BOOT)),
	ROW(kexec_file_load, SYSTEM, CAP(SYS_BOOT)), ROW(init_module, SYSTEM, CAP(SYS_MODULE)),
	ROW(finit_module, SYSTEM, .fd = A0, CAP(SYS_MODULE)), ROW(delete_module, SYSTEM, .path2 = A0, CAP(SYS_MODULE)),
	ROW(syslog, SYSTEM, CAP(SYSLOG)), ROW(acct, SYSTEM, .path = A0, CAP(SYS_PACCT)),
	ROW(swapon, SYSTEM, .path = A0, CAP(SYS_ADMIN)), ROW(swapoff, SYSTEM, .path = A0, CAP(SYS_ADMIN)),
	ROW(quotactl, SYSTEM, .path = A1, CAP(SYS_ADMIN)), ROW(iopl, SYSTEM, CAP(SYS_RAWIO)), ROW(ioperm, SYSTEM, CAP(SYS_RAWIO)),
	ROW(vhangup, SYSTEM, CAP(SYS_TTY_CONFIG)), ROW(lookup_dcookie, SYSTEM, CAP(SYS_ADMIN)),
	ROW(bpf, SYSTEM, .cap = PH_CAP_BPF + 1), ROW(perf_event_open, SYSTEM, .cap = PH_CAP_PERFMON + 1),
	ROW(keyctl, SYSTEM), ROW(add_key, SYSTEM, .path2 = A1), ROW(request_key, SYSTEM, .path2 = A1),
	ROW(ioctl, IOCTL, .fd = A0), ROW(landlock_restrict_self, SYSTEM),
};

static const struct ph_failcall other = { .name = "", .kind = PH_FAIL_OTHER };
static struct ph_strmap by_name;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void build(void)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++)
		ph_strmap_put(&by_name, rows[i].name, (void *)(uintptr_t)&rows[i]);
}

const struct ph_failcall *ph_failcall(const char *name)
{
	const struct ph_failcall *f;

	pthread_once(&once, build);
	f = ph_strmap_get(&by_name, name);
	return f ? f : &other;
}

bool ph_fail_recorded(const struct ph_failcall *f, int error)
{
	switch (error) {
	case EAGAIN:
		return f->again;
	case ETIMEDOUT:
		return f->kind == PH_FAIL_CONNECT;
	case EINTR: case EINPROGRESS: case EALREADY:
		return false;
	default:
		/* From 512 on the kernel's own codes for calls to be restarted. */
		return error > 0 && error < 512;
	}
}
