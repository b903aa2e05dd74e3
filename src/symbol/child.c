/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fdpass.h"
#include "base/map.h"
#include "symbol/args.h"
#include "symbol/childfile.h"
#include "symbol/ifunc.h"
#include "symbol/opener.h"
#include "symbol/returns.h"
#include "symbol/sandbox.h"

/*
 * The child: takes a request, parses, answers, and again. It is expected to die: of its limits, of a library's fault, by its
 * parent. So it keeps nothing that its parent could not tell it again.
 */

struct child {
	struct ph_u64map files;
	uint64_t memory;
	unsigned int cpu_ms;
};

static int answer(const struct ph_symmsg *request, int error, const void *p, size_t n)
{
	const char *at = p;

	do {
		size_t part = n < PH_SYMMSG_PACKET - sizeof(struct ph_symmsg) ?
			      n : PH_SYMMSG_PACKET - sizeof(struct ph_symmsg);
		struct ph_symmsg head = { .number = request->number, .type = request->type, .last = part == n,
					  .file = request->file, .error = error };
		struct iovec v[] = { { &head, sizeof(head) }, { (void *)at, part } };
		int r = ph_send_fd(PH_SYMCHILD_FD, v, part ? 2 : 1, -1, 0);

		if (r)
			return r;
		at += part;
		n -= part;
	} while (n);
	return 0;
}

/* The request's length, 0 at the end, or -errno. */
static ssize_t next_request(struct ph_symmsg *head, void *p, size_t n, int *ret_fd)
{
	struct iovec v[] = { { head, sizeof(*head) }, { p, n } };
	ssize_t got = ph_recv_fd(PH_SYMCHILD_FD, v, 2, ret_fd, 0);

	return got > 0 && got < (ssize_t)sizeof(*head) ? -EBADMSG : got;
}

/* A request that takes longer ends the process. */
static void cpu_limit(unsigned int ms)
{
	struct itimerval t = { .it_value = { ms / 1000, (ms % 1000) * 1000 } };

	setitimer(ITIMER_PROF, &t, NULL);
}

/* Before what honest files take adds up to what one may. */
static void forget_others(struct child *c, const struct ph_childfile *but)
{
	struct mallinfo2 m = mallinfo2();

	if (m.uordblks + m.hblkhd < c->memory / 2)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->files, s)); )
		if (s->val != but)
			ph_childfile_forget(s->val);
	malloc_trim(0);
}

static int do_add(struct child *c, const struct ph_symmsg *q, struct ph_bytes *in, int *fd, struct ph_buf *out,
		  struct ph_err *err)
{
	struct ph_childfile *f = ph_childfile_new(q->file, ph_get_u32(in), *fd);

	*fd = -1;
	f->level = q->level;
	ph_childfile_free(ph_u64map_put(&c->files, q->file, f));
	return ph_answer_add(f, in, out, err);
}

static int handle(struct child *c, const struct ph_symmsg *q, struct ph_bytes *in, int *fd, struct ph_buf *out,
		  struct ph_err *err)
{
	struct ph_childfile *f = ph_u64map_get(&c->files, q->file);

	if (q->type == PH_SYMMSG_ADD)
		return do_add(c, q, in, fd, out, err);
	if (!f)
		return ph_err_set(err, -ENOENT, "a file that is not there");
	f->level = q->level;
	forget_others(c, f);
	switch (q->type) {
	case PH_SYMMSG_DEBUG:
		return ph_answer_debug(f, in, fd, out, err);
	case PH_SYMMSG_TABLE:
		return ph_answer_table(f, out, err);
	case PH_SYMMSG_NAMES:
		return ph_answer_names(f, in, out, err);
	case PH_SYMMSG_FIND:
		return ph_answer_find(f, in, out, err);
	case PH_SYMMSG_USDT:
		return ph_answer_usdt(f, in, out, err);
	case PH_SYMMSG_ARG:
		return ph_answer_arg(f, in, out, err);
	case PH_SYMMSG_RETURNS:
		return ph_answer_returns(f, in, out, err);
	case PH_SYMMSG_SLOTS:
		return ph_answer_slots(f, in, out, err);
	case PH_SYMMSG_DROP:
		ph_u64map_del(&c->files, q->file);
		ph_childfile_free(f);
		return 0;
	}
	return ph_err_set(err, -EINVAL, "a request that there is not");
}

static int serve(struct child *c)
{
	static char packet[PH_SYMMSG_PACKET];
	struct ph_symmsg hello = { .type = PH_SYMMSG_HELLO };
	ph_autobuf out = { 0 };
	int r = answer(&hello, 0, NULL, 0);

	while (!r) {
		ph_autoclose int fd = -1;
		struct ph_err err = { 0 };
		struct ph_symmsg head;
		struct ph_bytes in = { 0 };
		ssize_t n = next_request(&head, packet, sizeof(packet), &fd);

		if (n <= 0)
			return (int)n;
		in.p = (uint8_t *)packet;
		in.end = in.p + (size_t)n - sizeof(head);
		ph_buf_clear(&out);
		cpu_limit(c->cpu_ms);
		r = handle(c, &head, &in, &fd, &out, &err);
		cpu_limit(0);
		if (r)
			r = answer(&head, r, err.msg, strlen(err.msg));
		else
			r = answer(&head, 0, out.p, out.len);
		/* One that was large does not stay. */
		if (out.cap > (1 << 20))
			ph_buf_done(&out);
	}
	return r;
}

bool ph_symchild_asked(int argc, char **argv)
{
	return argc == 2 && (!strcmp(argv[1], PH_SYMCHILD_ARG) || ph_opener_asked(argv[1]));
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 10) : otherwise;
}

static int child_main(void)
{
	struct child c = { .memory = number_of(PH_SYMCHILD_MEM_ENV, 1ULL << 30),
			   .cpu_ms = (unsigned int)number_of(PH_SYMCHILD_CPU_ENV, 10000) };
	int r = ph_sandbox(PH_SYMCHILD_FD, c.memory);
	struct ph_symmsg hello = { .type = PH_SYMMSG_HELLO };

	/* Without leave to parse, the first message says why. */
	if (r)
		answer(&hello, r, NULL, 0);
	else
		r = serve(&c);
	/* What is left goes with the process. */
	_exit(r ? 1 : 0);
}

int ph_symchild_main(char **argv)
{
	return ph_opener_asked(argv[1]) ? ph_opener_main() : child_main();
}
