/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_CAPTURE_H
#define PH_EVENT_CAPTURE_H

/*
 * What the kernel side copies from user memory at a system call's entry and exit. Shared with BPF
 * code, which has the types from vmlinux.h.
 *
 * At exit only where the result is not negative. An argument that is a length may be any number:
 * what is copied ends at the recording's limit. Where the field is text its value ends before the
 * first NUL. The result may exceed the buffer (MSG_TRUNC, the size that getxattr would need): hence
 * the bound of PH_CAP_RET_LEN.
 */

#ifndef __BPF__
#include <linux/types.h>
#endif

enum ph_cap_kind {
	PH_CAP_NONE,		/* ends the list */
	PH_CAP_STR,		/* a NUL-terminated string; the NUL is not part of the value */
	PH_CAP_ARG_LEN,		/* argument len_arg × len bytes */
	PH_CAP_RET_LEN,		/* result × len bytes, at most argument len_arg × len */
	PH_CAP_PTR_LEN,		/* bytes: the u32 that argument len_arg points at */
	PH_CAP_FIXED,		/* len bytes */
	PH_CAP_ARGV,		/* array of strings, NULL-ended: each string with its NUL */
	PH_CAP_IOVEC,		/* first of len_arg iovecs: its data; at exit at most the result */
	PH_CAP_MSG,		/* struct msghdr: data of its first iovec; at exit at most the result */
	PH_CAP_MSG_NAME,	/* struct msghdr: msg_name, msg_namelen bytes */
};

struct ph_capture {
	__u8 kind;		/* enum ph_cap_kind */
	__u8 arg;		/* argument that holds the address */
	__u8 len_arg;		/* argument that holds (the address of) the length */
	__u8 whole;		/* set by the collector: a name or address, not to be cut as data is */
	__u16 len;
};

#define PH_MAX_CAPTURES 4	/* in one direction of one call */
#define PH_MAX_ARGV 32		/* strings of an ARGV */

/* Where a field's value comes from. The k-th PH_SRC_CAPTURE of a class is its k-th capture. */
enum ph_src {
	PH_SRC_ARG0 = 0,	/* … 5: this argument, cut to the field's width */
	PH_SRC_RET = 6,
	PH_SRC_NR = 7,		/* number of the call */
	PH_SRC_CAPTURE = 8,
};

#endif
