/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel called no program for, as it was running on that CPU: the kernel counts it for each program. */
#include <errno.h>
#include <stddef.h>

#include "base/clock.h"
#include "collect/priv.h"

/*
 * Of programs on tracepoints since v6.1 (05b24ff9b2cf) and the stable kernels that took it over; kernels before
 * call them, and the ring is made for that. The field is there since v5.12 (9ed9e9ba2337); a kernel without
 * it answers with less, and then it is not known.
 */
static int ask_kernel(int fd, uint64_t *ret)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (len < offsetof(struct bpf_prog_info, recursion_misses) + sizeof(info.recursion_misses))
		return -ENODATA;
	*ret = info.recursion_misses;
	return 0;
}

void ph_misses_add(struct ph_misses *m, const char *program, int fd)
{
	*ph_vec_push(&m->programs) = (struct ph_missed){ .program = program };
	*ph_vec_push(&m->fds) = fd;
}

void ph_misses_begin(struct ph_misses *m, uint64_t now_ns)
{
	ph_vec_push(&m->programs);
	m->read_ns = m->since_ns = now_ns;
	if (!m->read)
		m->read = ask_kernel;
}

uint64_t ph_misses_round(struct ph_misses *m, uint64_t now_ns, bool all)
{
	uint64_t before = m->total;

	if (!all && now_ns - m->read_ns < PH_NSEC)
		return 0;
	for (size_t i = 0; i < m->fds.n; i++) {
		struct ph_missed *p = &m->programs.v[i];
		uint64_t n;

		if (m->read(m->fds.v[i], &n) < 0 || n <= p->n)
			continue;
		m->total += n - p->n;
		p->n = n;
	}
	m->since_ns = m->read_ns;
	m->read_ns = now_ns;
	return m->total - before;
}

void ph_misses_done(struct ph_misses *m)
{
	ph_vec_done(&m->programs);
	ph_vec_done(&m->fds);
}
