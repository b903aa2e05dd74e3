/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

int ph_proc_read(int procfd, int32_t pid, const char *file, char *buf, size_t size)
{
	ph_autoclose int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/%s", pid, file);
	fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = 0;
	return (int)n;
}

#define PF_KTHREAD 0x00200000

static int read_stat(int procfd, int32_t pid, const char *file, struct ph_proc_stat *ret)
{
	char buf[1024], *open, *close;
	unsigned long long start, stack = 0, guest = 0;
	unsigned long flags;
	long threads;
	size_t len;
	int n;

	n = ph_proc_read(procfd, pid, file, buf, sizeof(buf));
	if (n < 0)
		return n;
	/* A name may hold anything, ") R 1" too: it ends at the last parenthesis. */
	open = strchr(buf, '(');
	close = strrchr(buf, ')');
	if (!open || !close || close < open)
		return -EBADMSG;
	*ret = (struct ph_proc_stat){ .pid = pid };
	if (sscanf(close + 1, " %c %d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld "
		   "%*d %llu %*s %*s %*s %*s %*s %llu %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &ret->state, &ret->ppid, &flags, &threads, &start, &stack, &guest) < 5)
		return -EBADMSG;
	len = (size_t)(close - open - 1);
	if (len >= sizeof(ret->comm))
		len = sizeof(ret->comm) - 1;
	memcpy(ret->comm, open + 1, len);
	ret->flags = flags;
	ret->kthread = flags & PF_KTHREAD;
	ret->threads = threads > 0 ? (uint32_t)threads : 0;
	ret->start_ticks = start;
	ret->guest_ticks = guest;
	ret->stack = stack;
	return 0;
}

int ph_proc_stat(int procfd, int32_t pid, struct ph_proc_stat *ret)
{
	return read_stat(procfd, pid, "stat", ret);
}

int ph_proc_task_stat(int procfd, int32_t pid, int32_t tid, struct ph_proc_stat *ret)
{
	char file[32];

	snprintf(file, sizeof(file), "task/%d/stat", tid);
	return read_stat(procfd, pid, file, ret);
}

uint32_t ph_proc_ns(int procfd, int32_t pid, const char *name)
{
	char path[64], buf[64];
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/ns/%s", pid, name);
	n = readlinkat(procfd, path, buf, sizeof(buf) - 1);
	if (n < 0)
		return 0;
	buf[n] = 0;
	at = strchr(buf, '[');
	errno = EBADMSG;
	return at ? (uint32_t)strtoul(at + 1, NULL, 10) : 0;
}

int ph_proc_nspid(int procfd, int32_t pid, int32_t ret[PH_PROC_LEVELS])
{
	char buf[8192], *at;
	int n = 0, r;

	r = ph_proc_read(procfd, pid, "status", buf, sizeof(buf));
	if (r < 0)
		return r;
	at = strstr(buf, "\nNStgid:");
	if (!at)
		return -ENODATA;
	at += strlen("\nNStgid:");
	while (n < PH_PROC_LEVELS) {
		char *end;
		long v;

		at += strspn(at, " \t");
		if (*at == '\n' || !*at)
			break;
		v = strtol(at, &end, 10);
		if (end == at)
			break;
		ret[n++] = (int32_t)v;
		at = end;
	}
	return n;
}

uint64_t ph_proc_btime_ns(int procfd)
{
	struct timespec real, boot;
	ph_autobuf b = { 0 };
	const char *at;
	uint64_t btime;
	int64_t exact;

	/* Long on machines with many CPUs and interrupts. */
	if (ph_read_file_at(procfd, "stat", 4 << 20, &b) < 0 || !b.p)
		return 0;
	at = strstr(b.p, "\nbtime ");
	btime = at ? strtoull(at + 7, NULL, 10) * PH_NSEC : 0;
	/* The kernel tells whole seconds. Of this machine the clocks tell more. */
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	exact = (real.tv_sec - boot.tv_sec) * (int64_t)PH_NSEC + real.tv_nsec - boot.tv_nsec;
	return btime && llabs(exact - (int64_t)btime) < 2 * (int64_t)PH_NSEC ? (uint64_t)exact : btime;
}

uint64_t ph_proc_start_ns(uint64_t btime_ns, uint64_t ticks)
{
	long hz = sysconf(_SC_CLK_TCK);

	if (!btime_ns || hz <= 0)
		return 0;
	return btime_ns + ticks / (uint64_t)hz * PH_NSEC + ticks % (uint64_t)hz * PH_NSEC / (uint64_t)hz;
}
