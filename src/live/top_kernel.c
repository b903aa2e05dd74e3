/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel side counts for each container, as counters of its row. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collect/collect.h"
#include "live/top.h"

void ph_top_kernel_open(struct ph_top *t)
{
	static const bool nothing[PH_EV_ID_MAX];
	/* Few events are written, those that tell of containers: the smallest buffers will do. */
	const struct ph_collect_opts opts = { .events = nothing, .count = true, .ring_bytes = 1 << 20 };
	struct ph_err err = { 0 };

	if (ph_collect_open(&opts, &t->kernel, &err) < 0) {
		t->kernel = NULL;
		free(t->kernel_why);
		t->kernel_why = ph_strdup(err.msg);
	}
}

void ph_top_kernel_close(struct ph_top *t)
{
	ph_collect_close(t->kernel);
	free(t->kernel_why);
	t->kernel = NULL;
	t->kernel_why = NULL;
}

static const enum ph_top_count of[PH_COUNTED_N] = {
	[PH_COUNTED_SYSCALLS] = PH_TOP_SYSCALLS, [PH_COUNTED_ERRORS] = PH_TOP_ERRORS,
	[PH_COUNTED_WAIT_NS] = PH_TOP_RUNQ, [PH_COUNTED_SENT_BYTES] = PH_TOP_SOCKET_TX,
	[PH_COUNTED_RECEIVED_BYTES] = PH_TOP_SOCKET_RX,
};

struct round {
	struct ph_top *t;
	struct ph_strmap by_id;		/* rows */
	uint64_t all[PH_COUNTED_N];
	uint32_t known;
};

/* How long guests waited is read from /proc: not all of them are known by a cgroup. */
static void put(struct ph_top_row *r, const uint64_t v[PH_COUNTED_N], uint32_t known)
{
	if (ph_container_is_guest(&r->hc->c))
		known &= ~(1u << PH_COUNTED_WAIT_NS);
	for (unsigned int i = 0; i < PH_COUNTED_N; i++)
		if (known & 1u << i)
			ph_top_set(&r->now, of[i], v[i]);
}

static void counted(void *arg, const struct ph_container *c, const uint64_t v[PH_COUNTED_N], uint32_t known)
{
	struct round *round = arg;
	struct ph_top_row *r = c && c->id ? ph_strmap_get(&round->by_id, c->id) : NULL;

	round->known = known;
	for (unsigned int i = 0; i < PH_COUNTED_N; i++)
		round->all[i] += v[i];
	if (r)
		put(r, v, known);
}

void ph_top_kernel_round(struct ph_top *t)
{
	static const uint64_t nothing[PH_COUNTED_N];
	struct round round = { .t = t };
	struct ph_err err = { 0 };

	if (!t->kernel)
		return;
	ph_top_by_id(t, &round.by_id);
	if (ph_collect_counted(t->kernel, counted, &round, &err) < 0) {
		ph_top_kernel_close(t);
		t->kernel_why = ph_strdup(err.msg);
	} else {
		/* Who has done nothing has done nothing. */
		for (size_t i = 1; i < t->rows.n; i++)
			if (t->rows.v[i] && !(t->rows.v[i]->now.counted & 1ull << PH_TOP_SYSCALLS) &&
			    !ph_container_is_guest(&t->rows.v[i]->hc->c))
				put(t->rows.v[i], nothing, round.known);
		put(t->rows.v[0], round.all, round.known);
	}
	ph_strmap_done(&round.by_id);
}
