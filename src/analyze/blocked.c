/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a task that left its CPU waits for: from the call it is in, its descriptor, its state. */
#include "analyze/blocked.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "event/syscalls.h"

/* What a call waits for, as far as its name tells. */
enum call_kind {
	CALL_ANY,	/* it does not */
	CALL_FD,	/* for whatever its descriptor is */
	CALL_DISK, CALL_SOCKET, CALL_FUTEX, CALL_POLL, CALL_TIMER, CALL_CHILD, CALL_SIGNAL, CALL_LOCK,
	CALL_MEMORY,	/* for the lock of its address space, or memory */
};

static const struct {
	const char *name;
	enum call_kind kind;
} calls[] = {
	{ "read", CALL_FD }, { "write", CALL_FD }, { "readv", CALL_FD }, { "writev", CALL_FD },
	{ "pread64", CALL_FD }, { "pwrite64", CALL_FD }, { "preadv", CALL_FD }, { "pwritev", CALL_FD },
	{ "preadv2", CALL_FD }, { "pwritev2", CALL_FD }, { "sendfile", CALL_FD },
	{ "sendfile64", CALL_FD }, { "splice", CALL_FD }, { "tee", CALL_FD }, { "vmsplice", CALL_FD },
	{ "copy_file_range", CALL_FD }, { "ioctl", CALL_FD },
	{ "fsync", CALL_DISK }, { "fdatasync", CALL_DISK }, { "sync", CALL_DISK }, { "syncfs", CALL_DISK },
	{ "sync_file_range", CALL_DISK }, { "msync", CALL_DISK }, { "fallocate", CALL_DISK },
	{ "io_getevents", CALL_DISK }, { "io_pgetevents", CALL_DISK }, { "umount", CALL_DISK },
	{ "recvfrom", CALL_SOCKET }, { "recvmsg", CALL_SOCKET }, { "recvmmsg", CALL_SOCKET },
	{ "sendto", CALL_SOCKET }, { "sendmsg", CALL_SOCKET }, { "sendmmsg", CALL_SOCKET },
	{ "accept", CALL_SOCKET }, { "accept4", CALL_SOCKET }, { "connect", CALL_SOCKET },
	{ "socketcall", CALL_SOCKET },
	{ "futex", CALL_FUTEX }, { "futex_time32", CALL_FUTEX }, { "futex_wait", CALL_FUTEX },
	{ "futex_waitv", CALL_FUTEX }, { "semop", CALL_FUTEX }, { "semtimedop", CALL_FUTEX },
	{ "poll", CALL_POLL }, { "ppoll", CALL_POLL }, { "select", CALL_POLL }, { "pselect6", CALL_POLL },
	{ "epoll_wait", CALL_POLL }, { "epoll_pwait", CALL_POLL }, { "epoll_pwait2", CALL_POLL },
	{ "io_uring_enter", CALL_POLL },
	{ "nanosleep", CALL_TIMER }, { "clock_nanosleep", CALL_TIMER },
	{ "nanosleep_time32", CALL_TIMER }, { "clock_nanosleep_time32", CALL_TIMER },
	{ "wait4", CALL_CHILD }, { "waitid", CALL_CHILD }, { "waitpid", CALL_CHILD },
	{ "vfork", CALL_CHILD }, { "clone", CALL_CHILD }, { "clone3", CALL_CHILD },
	{ "pause", CALL_SIGNAL }, { "rt_sigsuspend", CALL_SIGNAL }, { "rt_sigtimedwait", CALL_SIGNAL },
	{ "sigsuspend", CALL_SIGNAL },
	{ "flock", CALL_LOCK }, { "fcntl", CALL_LOCK }, { "fcntl64", CALL_LOCK },
	{ "mmap", CALL_MEMORY }, { "munmap", CALL_MEMORY }, { "mprotect", CALL_MEMORY },
	{ "brk", CALL_MEMORY }, { "madvise", CALL_MEMORY }, { "mremap", CALL_MEMORY },
};

static uint8_t *kinds[2];	/* by number; [1]: of 32-bit programs */
static int nkinds[2];
static pthread_once_t kinds_once = PTHREAD_ONCE_INIT;

static enum call_kind kind_of_name(const char *name)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(calls); i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].kind;
	return CALL_ANY;
}

static void find_kinds(void)
{
	for (int compat = 0; compat < 2; compat++) {
		nkinds[compat] = ph_syscall_end(compat);
		kinds[compat] = ph_alloc((size_t)nkinds[compat] + 1);
		for (int nr = 0; nr < nkinds[compat]; nr++) {
			const struct ph_syscall *s = ph_syscall_by_nr(nr, compat);

			kinds[compat][nr] = s ? (uint8_t)kind_of_name(s->name) : CALL_ANY;
		}
	}
}

static enum call_kind kind_of_call(int32_t nr, bool compat)
{
	pthread_once(&kinds_once, find_kinds);
	return nr >= 0 && nr < nkinds[compat] ? kinds[compat][nr] : CALL_ANY;
}

static enum ph_wait by_descriptor(const struct ph_block *b)
{
	if (b->object.family)
		return PH_WAIT_SOCKET;
	switch (b->object.mode & S_IFMT) {
	case S_IFSOCK:	return PH_WAIT_SOCKET;
	case S_IFIFO:	return PH_WAIT_PIPE;
	/* A disk of this kind (a tape) shows by its requests; others, as a source of random numbers, are none. */
	case S_IFCHR:	return b->uninterruptible ? PH_WAIT_OTHER : PH_WAIT_TTY;
	case S_IFREG:
	case S_IFDIR:
	case S_IFBLK:	return PH_WAIT_DISK;
	}
	return b->uninterruptible ? PH_WAIT_DISK : PH_WAIT_OTHER;
}

enum ph_wait ph_block_reason(const struct ph_block *b)
{
	if (b->reclaim)
		return PH_WAIT_RECLAIM;
	if (b->kthread) {
		if (b->rq_dev)
			return PH_WAIT_DISK;
		return b->uninterruptible && !b->idle ? PH_WAIT_OTHER : PH_WAIT_IDLE;
	}
	/* Whatever the call is meant for, an uninterruptible wait after a request is for the device. */
	if (b->uninterruptible && b->rq_dev)
		return b->nr < 0 && b->nr_known ? PH_WAIT_FAULT : PH_WAIT_DISK;
	switch (kind_of_call(b->nr, b->compat)) {
	case CALL_FD:		return by_descriptor(b);
	case CALL_DISK:		return PH_WAIT_DISK;
	case CALL_SOCKET:	return PH_WAIT_SOCKET;
	case CALL_FUTEX:	return b->uninterruptible ? PH_WAIT_LOCK : PH_WAIT_FUTEX;
	case CALL_POLL:		return PH_WAIT_POLL;
	case CALL_TIMER:	return PH_WAIT_TIMER;
	case CALL_CHILD:	return PH_WAIT_CHILD;
	case CALL_SIGNAL:	return PH_WAIT_SIGNAL;
	case CALL_LOCK:
	case CALL_MEMORY:	return PH_WAIT_LOCK;
	case CALL_ANY:		break;
	}
	/* Of a trace that has some calls alone it may be in another one; but a fault is not interruptible, but where a program has it. */
	if (b->nr < 0 && b->nr_known && (b->told || b->uninterruptible))
		return PH_WAIT_FAULT;
	return PH_WAIT_OTHER;
}

enum ph_wait ph_block_woken(enum ph_wait wait, bool uninterruptible, enum ph_waker waker)
{
	if (!uninterruptible)
		return wait;
	if (waker == PH_WAKER_DISK && (wait == PH_WAIT_OTHER || wait == PH_WAIT_LOCK))
		return PH_WAIT_DISK;
	if (waker == PH_WAKER_TASK && wait == PH_WAIT_OTHER)
		return PH_WAIT_LOCK;
	return wait;
}
