/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel as one ordered stream. A round takes the heads of all CPUs' buffers and merges
 * what stands before them by time; a record is decoded when its turn comes, and its room given back
 * when the one after it is asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "collect/priv.h"
#include "source/merge.h"

/*
 * The time of a record is taken just before its place: who is interrupted in between (a virtual CPU
 * that its host lets wait) has a record of before the round that the round does not see. So the last
 * moments stay for the next round, unless the buffers fill up.
 */
#define SLACK_NS (5 * 1000000UL)
#define SLACK_FILL 50
/* How long a record that is begun and not completed keeps back the other CPUs'. */
#define OWED_NS (50 * 1000000UL)
/* Of what is recorded while the state dump is made, so much is kept for each CPU. */
#define SPILL_BYTES (64u << 20)

/* An event of the collector itself: about containers, of the state dump, or a gap. */
struct own {
	struct ph_event ev;
	struct ph_value v[];
};

struct live_cpu {
	uint64_t pos;			/* first record that was not handed out */
	uint64_t last_ns, owed_ns;	/* of the last record; since when one is owed, 0: none is */
	struct ph_found next;
	struct ph_buf spill;		/* records that were copied out of the buffer: before pos */
	size_t spill_at;
};

struct live {
	struct ph_source src;
	struct ph_collect *c;
	struct live_cpu *cpu;
	struct ph_merge merge;		/* of the CPUs with a record in this round */
	PH_VEC(struct own *) own;	/* by time; those before own_at were handed out */
	size_t own_at;
	struct own *given;		/* handed out last */
	uint64_t horizon_ns;		/* later events are for a later round */
	uint64_t last_ns;		/* time of the event handed out last */
	uint64_t round_ns;		/* when this round's heads were read, and its losses after that */
	uint64_t dumped;
	bool in_round, decoded, taken;	/* the first CPU's record: it is the decoder's event; it was handed out */
	int last_rounds;		/* that are still to come: after the stop; -1: not stopped */
	struct utsname uts;
	struct ph_err failed;
};

/* ---- events of the collector itself ----------------------------------------------------------- */

static bool has_bytes(const struct ph_field *f)
{
	return f->type->kind == PH_KIND_STR || f->type->kind == PH_KIND_BYTES;
}

/* Of numbers, as all of ours are. */
static bool has_elements(const struct ph_field *f)
{
	return f->type->kind == PH_KIND_SEQ;
}

static struct own *copy(const struct ph_event *ev)
{
	const struct ph_class *c = ev->cls;
	size_t values = c->nfields, bytes = 0;
	struct ph_value *element;
	struct own *o;
	char *p;

	for (uint32_t i = 0; i < c->nfields; i++) {
		bytes += has_bytes(&c->fields[i]) ? ev->v[i].n + 1 : 0;
		values += has_elements(&c->fields[i]) ? ev->v[i].n : 0;
	}
	o = ph_alloc(sizeof(*o) + values * sizeof(struct ph_value) + bytes);
	o->ev = *ev;
	o->ev.v = o->v;
	memcpy(o->v, ev->v, c->nfields * sizeof(struct ph_value));
	element = o->v + c->nfields;
	for (uint32_t i = 0; i < c->nfields; i++) {
		if (!has_elements(&c->fields[i]) || !ev->v[i].n)
			continue;
		memcpy(element, ev->v[i].v, ev->v[i].n * sizeof(*element));
		o->v[i].v = element;
		element += ev->v[i].n;
	}
	p = (char *)(o->v + values);
	for (uint32_t i = 0; i < c->nfields; i++) {
		if (!has_bytes(&c->fields[i]))
			continue;
		memcpy(p, ev->v[i].s, ev->v[i].n);
		o->v[i].s = p;
		p += ev->v[i].n + 1;
	}
	return o;
}

static struct own *own_first(const struct live *l)
{
	return l->own_at < l->own.n ? l->own.v[l->own_at] : NULL;
}

/* They come nearly in order: what is put in front of others is put in front of few. */
static void own_add(struct live *l, struct own *o)
{
	size_t i;

	if (l->own_at == l->own.n)
		l->own_at = l->own.n = 0;
	ph_vec_push(&l->own);
	for (i = l->own.n - 1; i > l->own_at && l->own.v[i - 1]->ev.ts_ns > o->ev.ts_ns; i--)
		l->own.v[i] = l->own.v[i - 1];
	l->own.v[i] = o;
}

static int on_state(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	(void)err;
	own_add(arg, copy(ev));
	return 0;
}

static void add_gap(struct live *l, uint32_t cpu, uint64_t lost, uint64_t begin_ns)
{
	struct ph_value v[] = {
		[PH_FLD(events_discarded, count)].u = lost,
		[PH_FLD(events_discarded, begin_ns)].u = begin_ns,
		[PH_FLD(events_discarded, end_ns)].u = ph_now_ns(),
		[PH_FLD(events_discarded, gap_cpu)].i = (int32_t)cpu,
	};
	const struct ph_event ev = {
		.cls = ph_class_by_id(PH_EV_events_discarded), .ts_ns = begin_ns, .cpu = cpu, .tid = -1,
		.pid = -1, .container = PH_CONTAINER_UNKNOWN, .v = v,
	};

	own_add(l, copy(&ev));
}

/* ---- the CPUs' records ------------------------------------------------------------------------ */

static bool spilled(const struct live_cpu *lc)
{
	return lc->spill_at < lc->spill.len;
}

/*
 * The CPU's next record of this round, where there is one, without padding. One that is owed keeps
 * back what other CPUs have of later than this CPU's last: no time in a buffer goes back.
 */
static bool find(struct live *l, uint32_t cpu)
{
	struct live_cpu *lc = &l->cpu[cpu];

	if (ph_unlikely(spilled(lc))) {
		lc->next.rec = (const void *)(lc->spill.p + lc->spill_at);
		lc->next.len = (uint32_t)(lc->next.rec->commit >> 16 & 0xffff) << 3;
		lc->next.id = lc->next.rec->commit & 0xffff;
		return true;
	}
	while (lc->pos < l->c->heads[cpu]) {
		if (!ph_ring_at(l->c, cpu, lc->pos, &lc->next)) {
			/* What was reserved last may have been given back. */
			if (__atomic_load_n(&l->c->ctl[cpu].head, __ATOMIC_ACQUIRE) <= lc->pos) {
				lc->owed_ns = 0;
				break;
			}
			if (!lc->owed_ns)
				lc->owed_ns = l->round_ns;
			if (l->round_ns - lc->owed_ns < OWED_NS && lc->last_ns < l->horizon_ns &&
			    l->last_rounds < 0)
				l->horizon_ns = lc->last_ns;
			return false;
		}
		lc->owed_ns = 0;
		if (lc->next.id)
			return true;
		lc->last_ns = lc->next.rec->ts_ns;
		lc->pos += lc->next.len;
	}
	return false;
}

/* The first CPU's record is done with. */
static void advance(struct live *l)
{
	uint32_t cpu = ph_merge_first(&l->merge)->stream;
	struct live_cpu *lc = &l->cpu[cpu];

	l->decoded = l->taken = false;
	lc->last_ns = lc->next.rec->ts_ns;
	if (ph_unlikely(spilled(lc))) {
		lc->spill_at += lc->next.len;
		if (!spilled(lc)) {
			/* There may be another: when the recording ends. */
			ph_buf_done(&lc->spill);
			lc->spill_at = 0;
		}
	} else {
		lc->pos += lc->next.len;
		if (lc->pos - l->c->ctl[cpu].tail >= PH_RELEASE_BYTES)
			ph_ring_release(l->c, cpu, lc->pos);
	}
	if (find(l, cpu))
		ph_merge_update(&l->merge, lc->next.rec->ts_ns);
	else
		ph_merge_pop(&l->merge);
}

/* Copy what is complete in a CPU's buffer, to give back its room. */
static void spill(struct live *l, uint32_t cpu)
{
	uint64_t head = __atomic_load_n(&l->c->ctl[cpu].head, __ATOMIC_ACQUIRE);
	struct live_cpu *lc = &l->cpu[cpu];
	struct ph_found f;

	while (lc->pos < head && lc->spill.len < SPILL_BYTES && ph_ring_at(l->c, cpu, lc->pos, &f)) {
		if (f.id)
			ph_buf_add(&lc->spill, f.rec, f.len);
		lc->pos += f.len;
	}
	ph_ring_release(l->c, cpu, lc->pos);
}

/* ---- rounds ------------------------------------------------------------------------------------- */

static int begin_round(struct live *l, struct ph_err *err)
{
	uint64_t now = ph_now_ns(), before = l->round_ns, missed;
	int r;

	l->horizon_ns = ph_collect_fill(l->c) < SLACK_FILL ? now - SLACK_NS : now;
	if (l->last_rounds >= 0)
		l->horizon_ns = UINT64_MAX;
	l->round_ns = now;
	l->c->state = on_state;
	l->c->state_arg = l;
	r = ph_ring_round(l->c, err);
	if (r < 0)
		return r;
	l->in_round = true;
	for (uint32_t cpu = 0; cpu < l->c->ncpus; cpu++) {
		uint64_t lost = ph_ring_lost(l->c, cpu);

		if (lost)
			add_gap(l, cpu, lost, before);
		if (find(l, cpu))
			ph_merge_push(&l->merge, l->cpu[cpu].next.rec->ts_ns, cpu);
	}
	missed = ph_ring_missed(l->c);
	if (missed)
		add_gap(l, PH_CPU_UNKNOWN, missed, l->c->misses.since_ns);
	return 0;
}

static void end_round(struct live *l)
{
	for (uint32_t cpu = 0; cpu < l->c->ncpus; cpu++)
		ph_ring_release(l->c, cpu, l->cpu[cpu].pos);
	ph_merge_clear(&l->merge);
	l->in_round = false;
}

static int hand_out(struct live *l, struct ph_event *ev, struct ph_event **ret)
{
	if (ph_unlikely(ev->ts_ns < l->last_ns))
		ev->ts_ns = l->last_ns;
	l->last_ns = ev->ts_ns;
	*ret = ev;
	return 1;
}

static int next_event(struct live *l, struct ph_event **ret, struct ph_err *err)
{
	int r;

	free(ph_take(l->given));
	if (l->taken)
		advance(l);
	for (;;) {
		const struct ph_merge_entry *e;
		struct own *o;

		if (!l->in_round) {
			if (!l->last_rounds) {
				l->src.end_ns = l->last_ns;
				return 0;
			}
			r = begin_round(l, err);
			if (r < 0)
				return r;
		}
		e = ph_merge_first(&l->merge);
		o = own_first(l);
		if (e && e->ts > l->horizon_ns)
			e = NULL;
		/* What is said about a container stands before the event that it was found by. */
		if (o && o->ev.ts_ns <= (e ? e->ts : l->horizon_ns)) {
			l->own_at++;
			l->given = o;
			return hand_out(l, &o->ev, ret);
		}
		if (!e) {
			end_round(l);
			if (l->last_rounds < 0)
				return -EAGAIN;
			l->last_rounds--;
		} else if (l->decoded) {
			l->taken = true;
			return hand_out(l, &l->c->dec.ev, ret);
		} else {
			r = ph_ring_event(l->c, e->stream, &l->cpu[e->stream].next, err);
			if (r < 0)
				return r;
			l->decoded = r > 0;
			if (!r)
				advance(l);
		}
	}
}

static int live_next(struct ph_source *s, struct ph_event **ret, struct ph_err *err)
{
	struct live *l = (struct live *)s;
	int r;

	if (ph_unlikely(l->failed.code))
		return ph_err_set(err, l->failed.code, "%s", l->failed.msg);
	r = next_event(l, ret, &l->failed);
	if (ph_unlikely(r < 0 && r != -EAGAIN))
		return ph_err_set(err, r, "%s", l->failed.msg);
	return r;
}

static void live_close(struct ph_source *s)
{
	struct live *l = (struct live *)s;

	for (uint32_t cpu = 0; cpu < l->c->ncpus; cpu++)
		ph_buf_done(&l->cpu[cpu].spill);
	for (size_t i = l->own_at; i < l->own.n; i++)
		free(l->own.v[i]);
	free(l->given);
	ph_vec_done(&l->own);
	ph_merge_done(&l->merge);
	free(l->cpu);
	free(l);
}

/* On copies: who takes an event completes it. */
static void live_prime(struct ph_source *s, void (*fn)(void *arg, struct ph_event *ev), void *arg)
{
	struct live *l = (struct live *)s;

	for (size_t i = l->own_at; i < l->own.n; i++) {
		struct ph_event ev = l->own.v[i]->ev;

		fn(arg, &ev);
	}
}

static const struct ph_source_ops live_ops = {
	.next = live_next, .prime = live_prime, .close = live_close,
};

struct ph_source *ph_live_new(struct ph_collect *c)
{
	struct live *l = ph_alloc(sizeof(*l));

	uname(&l->uts);
	l->src = (struct ph_source){
		.ops = &live_ops, .what = "the running kernel", .offset_ns = ph_clock_offset_ns(),
		.begin_ns = c->begun_ns, .hostname = l->uts.nodename, .kernel_release = l->uts.release, .live = true,
	};
	l->c = c;
	l->last_rounds = -1;
	l->round_ns = c->begun_ns;
	l->cpu = ph_alloc(c->ncpus * sizeof(*l->cpu));
	for (uint32_t cpu = 0; cpu < c->ncpus; cpu++) {
		l->cpu[cpu].pos = c->ctl[cpu].tail;
		l->cpu[cpu].last_ns = c->begun_ns;
	}
	return &l->src;
}

void ph_live_spill(struct ph_source *s)
{
	struct live *l = (struct live *)s;

	if (!l->in_round)
		for (uint32_t cpu = 0; cpu < l->c->ncpus; cpu++)
			spill(l, cpu);
}

/* A dump takes long on a large host: what is recorded meanwhile must not fill the buffers. */
static int on_dump(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct live *l = arg;

	if (++l->dumped % 64 == 0 && ph_collect_fill(l->c) >= PH_BUSY_PERCENT)
		ph_live_spill(&l->src);
	return on_state(l, ev, err);
}

int ph_live_open(struct ph_collect *c, struct ph_source **ret, struct ph_err *err)
{
	struct ph_source *s = ph_live_new(c);
	int r;

	/*
	 * The reader must not wait its turn where programs keep all CPUs busy. But it does more than a
	 * recorder, and must not take the CPUs from those that it looks at either.
	 */
	setpriority(PRIO_PROCESS, 0, -10);
	r = ph_collect_dump(c, on_dump, s, err);
	if (r < 0) {
		live_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int ph_live_stop(struct ph_source *s, struct ph_err *err)
{
	struct live *l = (struct live *)s;
	int r = 0;

	if (l->last_rounds >= 0)
		return 0;
	if (l->c->links.n)
		r = ph_collect_counts(l->c, on_dump, l, err);
	ph_collect_stop(l->c);
	/* One more than one: for what was on its way while the heads were read. */
	l->last_rounds = 2;
	return r;
}
