/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "load/load.h"

/* What is loaded in the kernel, so that a test can see that a recorder left nothing behind. */
int load_bpf(int argc, char **argv)
{
	union bpf_attr attr = { 0 };

	(void)argc;
	(void)argv;
	while (!syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr))) {
		struct bpf_prog_info info = { 0 };
		union bpf_attr get = { .prog_id = attr.next_id };
		union bpf_attr ask = { 0 };
		int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &get, sizeof(get));

		attr.start_id = attr.next_id;
		if (fd < 0)
			continue;	/* gone meanwhile */
		ask.info.bpf_fd = (unsigned int)fd;
		ask.info.info_len = sizeof(info);
		ask.info.info = (unsigned long)&info;
		if (!syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof(ask)))
			printf("load=bpf id=%u name=%.16s\n", info.id, info.name);
		close(fd);
	}
	return 0;
}
