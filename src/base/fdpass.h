/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_FDPASS_H
#define PH_BASE_FDPASS_H

#include <sys/types.h>
#include <sys/uio.h>

/* One packet over a SOCK_SEQPACKET socket, with a descriptor where @fd is one. 0, or -errno. */
int ph_send_fd(int sock, const struct iovec *v, size_t n, int fd, int flags);
/* Its length, 0 at the end, or -errno; *@ret_fd is the descriptor that came with it, or -1. */
ssize_t ph_recv_fd(int sock, const struct iovec *v, size_t n, int *ret_fd, int flags);

#endif
