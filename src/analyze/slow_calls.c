/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls: how long, and of what the time was made; by name, and the slowest ones. */
#include <errno.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "analyze/slow_priv.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "event/syscalls.h"

/* Where a trace's class has what is looked at: -1 it has not. By the class's id. */
struct ph_slow_class {
	const struct ph_class *cls;
	int16_t ret, fd, text, peer;
};

static bool is_int(const struct ph_type *t)
{
	return t->kind == PH_KIND_INT || t->kind == PH_KIND_UINT;
}

static struct ph_slow_class *class_of(struct ph_slow *s, const struct ph_class *cls)
{
	struct ph_slow_class *c;

	if (ph_unlikely(!s->classes))
		s->classes = ph_alloc(PH_EV_ID_MAX * sizeof(*s->classes));
	c = &s->classes[cls->id];
	if (ph_likely(c->cls == cls))
		return c;
	*c = (struct ph_slow_class){ .cls = cls, .ret = -1, .fd = -1, .text = -1, .peer = -1 };
	for (uint32_t i = cls->nfields; i-- > 0; ) {
		const struct ph_field *f = &cls->fields[i];

		if (is_int(f->type) && !strcmp(f->name, "ret"))
			c->ret = (int16_t)i;
		else if (is_int(f->type) && f->unit == PH_UNIT_FD)
			c->fd = (int16_t)i;
		else if (f->type->kind == PH_KIND_STR)
			c->text = (int16_t)i;
		else if (f->type->kind == PH_KIND_BYTES && f->unit == PH_UNIT_SOCKADDR)
			c->peer = (int16_t)i;
	}
	return c;
}

/* ---- which calls ----------------------------------------------------------------------------------------- */

int ph_slow_choose_calls(struct ph_slow *s, const ph_strv *names, struct ph_err *err)
{
	const struct ph_syscall *c;

	for (int compat = 0; compat < 2; compat++)
		s->chosen[compat] = ph_alloc((size_t)ph_syscall_end(compat) + 1);
	ph_vec_each(name, names) {
		bool any = false;

		for (int compat = 0; compat < 2; compat++) {
			for (int nr = 0; nr < ph_syscall_end(compat); nr++) {
				c = ph_syscall_by_nr(nr, compat);
				if (!c || !ph_glob(*name, c->name))
					continue;
				s->chosen[compat][nr] = true;
				any = true;
			}
		}
		if (!any)
			return ph_err_set(err, -EINVAL, "there is no system call '%s'", *name);
	}
	return 0;
}

bool calls_chosen(const struct ph_slow *s, int32_t nr, bool compat)
{
	if (ph_likely(!s->chosen[0]))
		return true;
	return nr >= 0 && nr < ph_syscall_end(compat) && s->chosen[compat][nr];
}

/* ---- by name ------------------------------------------------------------------------------------------- */

static struct ph_slow_call *call_of(struct ph_slow_group *g, int32_t nr, bool compat)
{
	int end = ph_syscall_end(compat);
	struct ph_slow_call *c, **slot;

	if (!g->call_of[compat])
		g->call_of[compat] = ph_alloc(((size_t)end + 1) * sizeof(*g->call_of[compat]));
	if (nr < 0 || nr >= end)
		nr = -1;
	slot = &g->call_of[compat][nr < 0 ? end : nr];
	if (ph_likely(*slot))
		return *slot;
	c = ph_alloc(sizeof(*c));
	c->nr = nr;
	c->compat = compat;
	*ph_vec_push(&g->calls) = c;
	return *slot = c;
}

/* ---- the slowest ----------------------------------------------------------------------------------------- */

/* Where it goes among the slowest; false: it is none of them. */
static bool rank(struct ph_slow *s, uint64_t rank_ns, size_t *at)
{
	size_t lo = 0, hi = s->slowest.n;

	if (!rank_ns || !s->top || (hi >= s->top && s->slowest.v[hi - 1].rank_ns >= rank_ns))
		return false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->slowest.v[mid].rank_ns >= rank_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	return true;
}

static void keep(struct ph_slow *s, const struct slow_task *t, const uint64_t part_ns[PH_HOLD_MAX], uint64_t ns,
		 uint64_t rank_ns, int64_t ret, bool unfinished)
{
	const struct slow_call_open *c = &t->call;
	const struct ph_task *who;
	struct ph_slow_one *one;
	size_t at;

	if (!rank(s, rank_ns, &at))
		return;
	if (s->slowest.n < s->top)
		ph_vec_push(&s->slowest);
	one = &s->slowest.v[at];
	memmove(one + 1, one, (s->slowest.n - at - 1) * sizeof(*one));
	*one = c->worst;
	one->begin_ns = c->begin_ns;
	one->ns = ns;
	one->rank_ns = rank_ns;
	memcpy(one->part_ns, part_ns, sizeof(one->part_ns));
	one->tid = t->tid;
	one->pid = t->pid;
	one->nr = c->nr;
	one->compat = c->compat;
	one->unfinished = unfinished;
	one->container = t->container;
	one->ret = ret;
	one->fd = c->fd;
	memcpy(one->text, c->text, sizeof(one->text));
	who = ph_identity_task(s->id, t->tid);
	if (who)
		memcpy(one->comm, who->comm, sizeof(one->comm));
}

/* ---- the stream ------------------------------------------------------------------------------------------ */

static void begin(struct ph_slow *s, struct slow_task *t, const struct ph_event *ev, bool compat)
{
	const struct ph_slow_class *k = class_of(s, ev->cls);
	struct slow_call_open *c = &t->call;

	memset(c->ns, 0, sizeof(c->ns));
	c->worst.hold_ns = 0;
	c->worst.hold = PH_HOLD_RUN;
	c->worst.waker = PH_WAKER_UNKNOWN;
	c->worst.waker_tid = -1;
	c->begin_ns = ev->ts_ns;
	c->nr = ev->cls->syscall_nr;
	c->compat = compat;
	c->fd = k->fd >= 0 ? (int32_t)ev->v[k->fd].i : -1;
	c->text[0] = 0;
	if (k->text >= 0) {
		const struct ph_value *v = &ev->v[k->text];
		size_t n = v->n < sizeof(c->text) - 1 ? v->n : sizeof(c->text) - 1;

		memcpy(c->text, v->s, n);
		c->text[n] = 0;
	}
}

/* Divides the time of the open call: what it did not wait it ran. */
static void parts_of(const struct slow_call_open *c, uint64_t ns, uint64_t part[PH_HOLD_MAX])
{
	uint64_t off = 0;

	for (unsigned int i = 0; i < PH_HOLD_MAX; i++) {
		part[i] = i == PH_HOLD_RUN ? 0 : c->ns[i];
		off += part[i];
	}
	part[PH_HOLD_RUN] = ns > off ? ns - off : 0;
}

static uint64_t rank_of(const struct ph_slow *s, const uint64_t part[PH_HOLD_MAX], uint64_t ns)
{
	if (s->chosen[0])
		return ns;
	return ph_slow_held(part) + part[PH_HOLD_RUN];
}

static bool is_accept(int32_t nr, bool compat)
{
	const struct ph_syscall *c = nr < 0 ? NULL : ph_syscall_by_nr(nr, compat);

	return c && (!strcmp(c->name, "accept4") || !strcmp(c->name, "accept"));
}

static void accepted(struct ph_slow *s, const struct slow_task *t, const struct ph_slow_class *k, const struct ph_event *ev)
{
	uint16_t port = 0;

	/* struct sockaddr_in and sockaddr_in6 begin alike. */
	if (k->peer >= 0 && ev->v[k->peer].n >= sizeof(struct sockaddr_in)) {
		const uint8_t *p = (const uint8_t *)ev->v[k->peer].s;

		port = (uint16_t)(p[2] << 8 | p[3]);
	}
	nets_accepted(s, t->container, ev->ts_ns, port);
}

static void end(struct ph_slow *s, struct slow_task *t, const struct ph_event *ev, bool compat)
{
	const struct ph_slow_class *k = class_of(s, ev->cls);
	struct slow_call_open *c = &t->call;
	int64_t ret = k->ret >= 0 ? ev->v[k->ret].i : 0;
	uint64_t part[PH_HOLD_MAX], ns;
	struct ph_slow_call *sum;

	if (ph_unlikely(s->nnet && ret >= 0 && is_accept(ev->cls->syscall_nr, compat)))
		accepted(s, t, k, ev);
	/* It began before the stream, or its begin is lost. */
	if (!c->begin_ns || c->nr != ev->cls->syscall_nr || c->compat != compat) {
		c->begin_ns = 0;
		return;
	}
	if (ph_unlikely(c->begin_ns < s->gap_ns)) {
		s->doubtful++;
		c->begin_ns = 0;
		return;
	}
	/* nanosleep() and its like: they succeed when their time is up, whether anybody saw the timer or not. */
	if (c->worst.hold == PH_WAIT_TIMER && c->worst.waker == PH_WAKER_UNKNOWN && ret == 0)
		c->worst.waker = PH_WAKER_TIMER;
	ns = ev->ts_ns - c->begin_ns;
	parts_of(c, ns, part);
	sum = call_of(t->group, c->nr, compat);
	ph_hist_add(&sum->hist, ns);
	sum->errors += ret < 0 && ret >= -4095;
	for (unsigned int i = 0; i < PH_HOLD_MAX; i++)
		sum->ns[i] += part[i];
	t->group->ncalls++;
	keep(s, t, part, ns, rank_of(s, part, ns), ret, false);
	c->begin_ns = 0;
}

void calls_event(struct ph_slow *s, const struct ph_event *ev)
{
	uint32_t id = ev->cls->id;
	bool compat = id >= PH_EV_COMPAT_ENTRY;
	struct slow_task *t = slow_task(s, ev->tid);

	if (!t || !t->group || !calls_chosen(s, ev->cls->syscall_nr, compat))
		return;
	if (id < PH_EV_SYSCALL_EXIT || (compat && id < PH_EV_COMPAT_EXIT))
		begin(s, t, ev, compat);
	else
		end(s, t, ev, compat);
}

void calls_leave(struct ph_slow *s, struct slow_task *t, const struct ph_segment *seg, unsigned int hold,
		 const struct ph_object *o)
{
	struct slow_call_open *c = &t->call;
	uint64_t ns = seg->end_ns - seg->begin_ns;
	const struct ph_task *who;

	if (!c->begin_ns || seg->begin_ns < c->begin_ns)
		return;
	c->ns[hold] += ns;
	if (ns <= c->worst.hold_ns)
		return;
	c->worst.hold = hold;
	c->worst.hold_ns = ns;
	c->worst.object = *o;
	c->worst.waker = seg->state == PH_ST_BLOCKED ? seg->waker : PH_WAKER_UNKNOWN;
	c->worst.waker_tid = seg->state == PH_ST_BLOCKED ? seg->waker_tid : -1;
	c->worst.waker_container = seg->waker_container;
	c->worst.waker_comm[0] = 0;
	who = c->worst.waker_tid > 0 ? ph_identity_task(s->id, c->worst.waker_tid) : NULL;
	if (who)
		memcpy(c->worst.waker_comm, who->comm, sizeof(who->comm));
}

static int by_tid(const void *pa, const void *pb)
{
	const struct slow_task *a = *(struct slow_task *const *)pa, *b = *(struct slow_task *const *)pb;

	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

/* Calls that still last count until now, in an order that is not the table's. */
void calls_finish(struct ph_slow *s)
{
	PH_VEC(struct slow_task *) open = { 0 };

	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&s->task_map, slot)); ) {
		struct slow_task *t = slot->val;

		if (t->group && t->call.begin_ns && t->call.begin_ns >= s->gap_ns)
			*ph_vec_push(&open) = t;
	}
	if (open.n)
		qsort(open.v, open.n, sizeof(*open.v), by_tid);
	ph_vec_each(it, &open) {
		struct slow_task *t = *it;
		uint64_t part[PH_HOLD_MAX], ns = s->end_ns - t->call.begin_ns;

		call_of(t->group, t->call.nr, t->call.compat)->unfinished++;
		parts_of(&t->call, ns, part);
		keep(s, t, part, ns, rank_of(s, part, ns), 0, true);
	}
	ph_vec_done(&open);
}

static int most_held_first(const void *pa, const void *pb)
{
	const struct ph_slow_call *a = *(struct ph_slow_call *const *)pa, *b = *(struct ph_slow_call *const *)pb;
	uint64_t ha = ph_slow_held(a->ns) + a->ns[PH_HOLD_RUN], hb = ph_slow_held(b->ns) + b->ns[PH_HOLD_RUN];

	if (ha != hb)
		return ha > hb ? -1 : 1;
	if (a->hist.sum != b->hist.sum)
		return a->hist.sum > b->hist.sum ? -1 : 1;
	return a->compat != b->compat ? (int)a->compat - (int)b->compat : a->nr < b->nr ? -1 : a->nr > b->nr;
}

void calls_group_finish(struct ph_slow_group *g)
{
	if (g->calls.n)
		qsort(g->calls.v, g->calls.n, sizeof(*g->calls.v), most_held_first);
}
