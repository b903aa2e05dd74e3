/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LD_PRELOAD: a kernel that refuses the BPF program $PH_REFUSE, as its verifier would, and takes all others. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long nr, ...)
{
	static long (*real)(long nr, ...);
	const char *name = getenv("PH_REFUSE");
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	if (nr == SYS_bpf && a[0] == BPF_PROG_LOAD && name) {
		const union bpf_attr *attr = (const void *)a[1];

		/* The kernel's names are shorter. */
		if (!strncmp(attr->prog_name, name, BPF_OBJ_NAME_LEN - 1)) {
			errno = EACCES;
			return -1;
		}
	}
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
