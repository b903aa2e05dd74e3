/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets between tasks of one host, also across containers: one that a task sends goes through devices as the same
 * buffer in the kernel until it is received. Its addresses may be changed while it is received, or sent on, but not from the
 * queue of one device until the next one has it. A buffer's address is used again for others, soon, as an answer's from
 * outside; the headers show that it is the one that was sent.
 */
#include "analyze/packets.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"

#define CPU_LIMIT 8192
#define TID_LIMIT 4194304
/* Those that leave the host are never received. */
#define SENT_MAX 65536

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)

struct origin {
	int32_t tid;			/* 0: not a task of this host, or not known */
	uint64_t packet;		/* its headers */
	uint64_t sent_ns;
};

struct woken {
	uint64_t waking_ns, from_ns;
	int32_t from_tid;
};

struct cpu {
	unsigned int softirqs;		/* nested; one that was begun before the stream is missing */
	bool receives;			/* a packet, in the innermost of them */
	struct origin packet;		/* that one's */
};

struct ph_packets {
	struct ph_u64map sent;		/* address of the buffer -> struct origin */
	struct ph_u64map woken;		/* tid -> struct woken */
	PH_VEC(struct cpu) cpus;
};

struct ph_packets *ph_packets_new(void)
{
	return ph_alloc(sizeof(struct ph_packets));
}

static void map_free(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s)); )
		free(s->val);
	ph_u64map_done(m);
}

void ph_packets_free(struct ph_packets *k)
{
	if (!k)
		return;
	map_free(&k->sent);
	map_free(&k->woken);
	ph_vec_done(&k->cpus);
	free(k);
}

static struct cpu *cpu_get(struct ph_packets *k, uint32_t cpu)
{
	if (cpu >= CPU_LIMIT)
		return NULL;
	while (k->cpus.n <= cpu)
		ph_vec_push(&k->cpus);
	return &k->cpus.v[cpu];
}

/* A member of a struct, or of what a variant is; NULL: there is none. */
static const struct ph_value *member(const struct ph_field *fields, uint32_t n, const struct ph_value *v, const char *name,
				     const struct ph_type **ret)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct ph_type *t = fields[i].type;

		if (strcmp(fields[i].name, name) != 0)
			continue;
		v += i;
		if (t->kind == PH_KIND_VARIANT) {
			if (v->sel >= t->nfields)
				return NULL;
			t = t->fields[v->sel].type;
			v = v->v;
		}
		*ret = t;
		return v;
	}
	return NULL;
}

/* As LTTng has them. */
static uint64_t nested_headers(const struct ph_event *ev)
{
	static const char *const ip[] = { "saddr", "daddr" }, *const transport[] = { "source_port", "dest_port", "seq" };
	const struct ph_type *t, *of;
	const struct ph_value *v = member(ev->cls->fields, ev->cls->nfields, ev->v, "network_header", &t), *x;
	uint64_t h = PH_HASH_INIT;

	for (size_t i = 0; v && t->kind == PH_KIND_STRUCT && i < PH_ARRAY_SIZE(ip); i++)
		if ((x = member(t->fields, t->nfields, v->v, ip[i], &of)) && of->kind == PH_KIND_BYTES)
			h = ph_hash(h, x->s, x->n);
	if (v && t->kind == PH_KIND_STRUCT)
		v = member(t->fields, t->nfields, v->v, "transport_header", &t);
	for (size_t i = 0; v && t->kind == PH_KIND_STRUCT && i < PH_ARRAY_SIZE(transport); i++)
		if ((x = member(t->fields, t->nfields, v->v, transport[i], &of)) && of->kind == PH_KIND_UINT)
			h = ph_hash(h, &x->u, sizeof(x->u));
	return h;
}

/* From whom to whom; of TCP also which bytes. */
static uint64_t headers(const struct ph_event *ev)
{
#define FIELD(name, is_bytes) { PH_FLD(net_dev_queue, name), PH_FLD(net_if_receive_skb, name), is_bytes }
	static const struct { unsigned int sent, received; bool bytes; } fields[] = {
		FIELD(ipproto, false), FIELD(saddr, true), FIELD(daddr, true), FIELD(source_port, false), FIELD(dest_port, false),
		FIELD(seq, false),
	};
#undef FIELD
	uint64_t h = PH_HASH_INIT;

	if (!ph_event_field(ev, ev->cls->id == PH_EV_net_dev_queue ? PH_FLD(net_dev_queue, ipproto) : PH_FLD(net_if_receive_skb, ipproto)))
		return nested_headers(ev);

	for (size_t i = 0; i < PH_ARRAY_SIZE(fields); i++) {
		const struct ph_value *v = ph_event_field(ev, ev->cls->id == PH_EV_net_dev_queue ? fields[i].sent : fields[i].received);

		if (v)
			h = fields[i].bytes ? ph_hash(h, v->s, v->n) : ph_hash(h, &v->u, sizeof(v->u));
	}
	return h;
}

static void on_send(struct ph_packets *k, const struct cpu *c, const struct ph_event *ev)
{
	uint64_t skb = U(net_dev_queue, skbaddr, 0);
	struct origin *o, new = { .tid = ev->tid, .packet = headers(ev), .sent_ns = ev->ts_ns };

	/* What the kernel sends on, or answers, while it receives is the doing of who sent that. */
	if (c->softirqs) {
		new.tid = c->receives ? c->packet.tid : 0;
		new.sent_ns = c->packet.sent_ns;
	}
	if (new.tid <= 0) {
		free(ph_u64map_del(&k->sent, skb));
		return;
	}
	if (k->sent.n >= SENT_MAX)
		map_free(&k->sent);
	o = ph_u64map_get(&k->sent, skb);
	if (!o) {
		o = ph_alloc(sizeof(*o));
		free(ph_u64map_put(&k->sent, skb, o));
	}
	*o = new;
}

static void on_receive(struct ph_packets *k, struct cpu *c, const struct ph_event *ev)
{
	struct origin *o = ph_u64map_get(&k->sent, U(net_if_receive_skb, skbaddr, 0));

	c->receives = true;
	c->packet = (struct origin){ 0 };
	if (o && o->packet == headers(ev))
		c->packet = *o;
}

static void on_waking(struct ph_packets *k, const struct cpu *c, const struct ph_event *ev)
{
	int64_t tid = ph_event_i(ev, PH_FLD(sched_waking, tid), -1);
	struct woken *w;

	if (!c->softirqs || !c->receives || !c->packet.tid || tid <= 0 || tid > TID_LIMIT || !ph_class_like_ours(ev->cls))
		return;
	w = ph_u64map_get(&k->woken, (uint64_t)tid);
	if (!w) {
		w = ph_alloc(sizeof(*w));
		ph_u64map_put(&k->woken, (uint64_t)tid, w);
	}
	*w = (struct woken){ ev->ts_ns, c->packet.sent_ns, c->packet.tid };
}

void ph_packets_feed(struct ph_packets *k, const struct ph_event *ev)
{
	struct cpu *c;

	switch (ev->cls->id) {
	case PH_EV_sched_waking:
	case PH_EV_irq_softirq_entry:
	case PH_EV_irq_softirq_exit:
	case PH_EV_sched_switch:
	case PH_EV_events_discarded:
	case PH_EV_net_dev_queue:
	case PH_EV_net_if_receive_skb:
		break;
	default:
		return;
	}
	c = cpu_get(k, ev->cpu);
	if (!c)
		return;
	switch (ev->cls->id) {
	case PH_EV_sched_waking:
		on_waking(k, c, ev);
		break;
	case PH_EV_irq_softirq_entry:
		c->softirqs++;
		c->receives = false;
		break;
	case PH_EV_irq_softirq_exit:
		c->softirqs -= c->softirqs > 0;
		c->receives = false;
		break;
	case PH_EV_sched_switch:
		/* No softirq lasts across it. */
		c->softirqs = 0;
		c->receives = false;
		break;
	case PH_EV_events_discarded:
		if (ph_event_gap_in_cpu(ev)) {
			map_free(&k->sent);
			ph_vec_each(each, &k->cpus)
				*each = (struct cpu){ 0 };
		}
		break;
	case PH_EV_net_dev_queue:
		if (ph_class_like_ours(ev->cls))
			on_send(k, c, ev);
		break;
	case PH_EV_net_if_receive_skb:
		if (ph_class_like_ours(ev->cls))
			on_receive(k, c, ev);
		break;
	}
}

bool ph_packets_woke(const struct ph_packets *k, int32_t tid, uint64_t waking_ns, int32_t *from_tid, uint64_t *from_ns)
{
	const struct woken *w = ph_u64map_get(&k->woken, (uint64_t)(uint32_t)tid);

	if (!w || w->waking_ns != waking_ns)
		return false;
	*from_tid = w->from_tid;
	*from_ns = w->from_ns;
	return true;
}
