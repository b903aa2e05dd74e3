/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_PROBE_BPFTRACE_H
#define PH_PROBE_BPFTRACE_H

#include "base/err.h"
#include "base/vec.h"

/*
 * Programs of bpftrace that were written for a host, made to fit containers: paths in uprobes and USDT become those of the
 * container's files, what happens elsewhere is left out by a predicate, and the container's numbers are filled in.
 * Everything else stays as it was written, comments and layout too.
 */
struct ph_bpftrace_container {
	const char *name;
	const char *predicate;		/* true for its tasks: an expression of bpftrace */
	int32_t pid;			/* of its first process */
	uint64_t cgroup_id;
	/* @path or a library's name as @c has it, in a way that bpftrace can open; the caller frees. NULL: it has no such file. */
	char *(*file)(const struct ph_bpftrace_container *c, const char *path, void *arg);
	void *arg;
};

/*
 * With several containers each probe is there once for each, and lines that it prints begin with the container's name.
 * @notes gets sentences about what could not be rewritten. -EINVAL with the line of what is no program of bpftrace.
 */
int ph_bpftrace_rewrite(const char *program, const struct ph_bpftrace_container *c, size_t n, struct ph_buf *out,
			ph_strv *notes, struct ph_err *err);

#endif
