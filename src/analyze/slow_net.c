/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP: how long connecting took, what was sent again, how long connections waited to be accepted. */
#include <stdlib.h>

#include "analyze/slow_priv.h"
#include "base/cleanup.h"

#define CONNECTING_MAX 16384
#define PENDING_MAX 1024

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_CLOSE = 7 };

struct connecting {
	uint64_t begin_ns;
	uint32_t container;
	struct ph_object object;
};

/* A connection that waits in an accept queue. */
struct pending {
	uint64_t begin_ns, sock;
	uint32_t container;
	uint16_t port, peer_port, family;
};

struct ph_slow_nets {
	struct ph_u64map connecting;	/* socket -> struct connecting */
	PH_VEC(struct pending) pending;	/* the oldest first */
};

static struct ph_slow_nets *nets_of(struct ph_slow *s)
{
	if (!s->netio)
		s->netio = ph_alloc(sizeof(*s->netio));
	return s->netio;
}

static struct ph_slow_net *row_of(struct ph_slow *s, uint32_t container, const struct ph_object *o)
{
	struct ph_object rest = { .thing = PH_THING_REST };
	struct ph_slow_net *n;
	struct ph_slow_group *g;
	uint64_t key;

	if (!slow_container_selected(s, container))
		return NULL;
	g = slow_group(s, container);
	key = ph_hash(PH_HASH_INIT, o, sizeof(*o));
	n = ph_u64map_get(&g->net_map, key);
	if (!n && g->nets.n >= SLOW_ROWS_MAX) {
		o = &rest;
		key = ph_hash(PH_HASH_INIT, o, sizeof(*o));
		n = ph_u64map_get(&g->net_map, key);
	}
	if (!n) {
		n = ph_alloc(sizeof(*n));
		n->object = *o;
		ph_u64map_put(&g->net_map, key, n);
		*ph_vec_push(&g->nets) = n;
	}
	return n;
}

static struct ph_object peer(uint16_t family, uint16_t port, const struct ph_value *addr)
{
	struct ph_object o;

	/* Its bytes are a key. */
	memset(&o, 0, sizeof(o));
	o.thing = PH_THING_PEER;
	o.family = family;
	o.port = port;
	if (addr && addr->n)
		memcpy(o.addr, addr->s, addr->n < sizeof(o.addr) ? addr->n : sizeof(o.addr));
	return o;
}

static struct ph_object own_port(uint16_t family, uint16_t port)
{
	struct ph_object o;

	memset(&o, 0, sizeof(o));
	o.thing = PH_THING_PORT;
	o.family = family;
	o.port = port;
	return o;
}

static void drop(struct ph_slow_nets *n, size_t i)
{
	memmove(&n->pending.v[i], &n->pending.v[i + 1], (n->pending.n - i - 1) * sizeof(n->pending.v[0]));
	n->pending.n--;
}

static void on_connect(struct ph_slow_nets *n, const struct ph_event *ev, uint64_t sock, uint32_t container)
{
	struct connecting *c = ph_u64map_get(&n->connecting, sock);

	if (!c) {
		if (n->connecting.n >= CONNECTING_MAX)
			return;
		c = ph_alloc(sizeof(*c));
		ph_u64map_put(&n->connecting, sock, c);
	}
	c->begin_ns = ev->ts_ns;
	c->container = container;
	c->object = peer((uint16_t)U(inet_sock_set_state, family, 0), (uint16_t)U(inet_sock_set_state, dport, 0),
			 ph_event_field(ev, PH_FLD(inet_sock_set_state, daddr)));
}

static void on_established(struct ph_slow *s, const struct ph_event *ev, uint64_t sock, bool done)
{
	struct connecting *c = ph_u64map_del(&s->netio->connecting, sock);
	struct ph_slow_net *row = c ? row_of(s, c->container, &c->object) : NULL;

	if (row && done)
		ph_hist_add(&row->connect, ev->ts_ns - c->begin_ns);
	else if (row)
		row->failed++;
	free(c);
}

static void on_queued(struct ph_slow_nets *n, const struct ph_event *ev, uint64_t sock, uint32_t container)
{
	if (n->pending.n >= PENDING_MAX)
		drop(n, 0);
	*ph_vec_push(&n->pending) = (struct pending){
		.begin_ns = ev->ts_ns, .sock = sock, .container = container,
		.port = (uint16_t)U(inet_sock_set_state, sport, 0),
		.peer_port = (uint16_t)U(inet_sock_set_state, dport, 0),
		.family = (uint16_t)U(inet_sock_set_state, family, 0),
	};
}

static void on_state(struct ph_slow *s, const struct ph_event *ev)
{
	struct ph_slow_nets *n = s->netio;
	uint64_t sock = U(inet_sock_set_state, skaddr, 0);
	uint32_t container = (uint32_t)U(inet_sock_set_state, sock_container, ev->container);
	int64_t from = ph_event_i(ev, PH_FLD(inet_sock_set_state, oldstate), 0);
	int64_t to = ph_event_i(ev, PH_FLD(inet_sock_set_state, newstate), 0);

	if (to == TCP_SYN_SENT)
		on_connect(n, ev, sock, container);
	else if (from == TCP_SYN_SENT)
		on_established(s, ev, sock, to == TCP_ESTABLISHED);
	else if (from == TCP_SYN_RECV && to == TCP_ESTABLISHED)
		on_queued(n, ev, sock, container);
	else if (to == TCP_CLOSE)
		for (size_t i = 0; i < n->pending.n; i++)
			if (n->pending.v[i].sock == sock) {
				drop(n, i);
				return;
			}
}

/* Connections are accepted in their order: the first that may be meant. */
void nets_accepted(struct ph_slow *s, uint32_t container, uint64_t ts, uint16_t port)
{
	struct ph_slow_nets *n = s->netio;
	size_t at = SIZE_MAX;

	for (size_t i = 0; n && i < n->pending.n; i++) {
		const struct pending *p = &n->pending.v[i];

		if (p->container != container)
			continue;
		if (port && p->peer_port != port)
			continue;
		/* Without the peer's port nothing tells two listeners apart. */
		if (at != SIZE_MAX && n->pending.v[at].port != p->port)
			return;
		if (at == SIZE_MAX)
			at = i;
		if (port)
			break;
	}
	if (at != SIZE_MAX) {
		struct ph_object o = own_port(n->pending.v[at].family, n->pending.v[at].port);
		struct ph_slow_net *row = row_of(s, container, &o);

		if (row)
			ph_hist_add(&row->accept, ts - n->pending.v[at].begin_ns);
		drop(n, at);
	}
}

static void on_retransmit(struct ph_slow *s, const struct ph_event *ev)
{
	uint16_t family = (uint16_t)U(tcp_retransmit_skb, family, 0), sport = (uint16_t)U(tcp_retransmit_skb, sport, 0);
	uint16_t dport = (uint16_t)U(tcp_retransmit_skb, dport, 0);
	/* As of waits: the lower port is the service's. */
	struct ph_object o = sport < dport ? own_port(family, sport) :
				  peer(family, dport, ph_event_field(ev, PH_FLD(tcp_retransmit_skb, daddr)));
	struct ph_slow_net *row = row_of(s, (uint32_t)U(tcp_retransmit_skb, sock_container, ev->container), &o);

	if (row)
		row->retransmits++;
}

static void on_overflow(struct ph_slow *s, const struct ph_event *ev)
{
	struct ph_object o = own_port((uint16_t)U(tcp_listen_overflow, family, 0),
					   (uint16_t)U(tcp_listen_overflow, sport, 0));
	struct ph_slow_net *row = row_of(s, (uint32_t)U(tcp_listen_overflow, sock_container, ev->container), &o);

	if (!row)
		return;
	row->overflows++;
	row->backlog = U(tcp_listen_overflow, backlog, 0);
}

void nets_event(struct ph_slow *s, const struct ph_event *ev)
{
	nets_of(s);
	switch (ev->cls->id) {
	case PH_EV_inet_sock_set_state:
		on_state(s, ev);
		break;
	case PH_EV_tcp_retransmit_skb:
		on_retransmit(s, ev);
		break;
	case PH_EV_tcp_listen_overflow:
		on_overflow(s, ev);
		break;
	}
}

/* What was under way may have ended in a gap, and its socket be another. */
void nets_gap(struct ph_slow *s)
{
	struct ph_slow_nets *n = s->netio;

	if (!n)
		return;
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&n->connecting, slot)); )
		free(slot->val);
	ph_u64map_done(&n->connecting);
	n->pending.n = 0;
}

void nets_free(struct ph_slow *s)
{
	if (!s->netio)
		return;
	nets_gap(s);
	ph_vec_done(&s->netio->pending);
	free(s->netio);
}
