/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/dns.h"
#include "live/snoop_priv.h"

/* The columns of name look-ups: what is in the messages, and how often a process has asked already. */

#define ANSWERS 8			/* shown of one message */
#define AGAIN_NS 60000000000ull	/* who asks the same after this long has not tried again */
#define ASKED_MAX (1u << 16)

/* A process, name and type: what it asked since it had a useful answer. */
struct asked {
	uint64_t last_ns;
	unsigned int n;
};

static const struct ph_value *bytes_of(const struct ph_event *ev, const char *name)
{
	for (uint32_t i = 0; i < ev->cls->nfields; i++)
		if (!strcmp(ev->cls->fields[i].name, name))
			return ev->cls->fields[i].type->kind == PH_KIND_BYTES && ev->v[i].s ? &ev->v[i] : NULL;
	return NULL;
}

static bool parse(const struct ph_snoop_at *at, struct ph_dns *d, struct ph_buf *name)
{
	const struct ph_value *msg = bytes_of(at->ev, "message");

	return msg && !ph_dns_parse(msg->s, msg->n, d, name);
}

void ph_snoop_dns_server(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct ph_value *addr = bytes_of(at->ev, "daddr");
	int64_t port = ph_snoop_number(at->ev, "dport", -1);
	ph_autobuf b = { 0 };

	if (!addr || port < 0)
		return;
	if (addr->n == 16)
		ph_buf_addc(&b, '[');
	if (!ph_symbol_add_addr(&b, addr->s, addr->n))
		return;
	ph_buf_addf(&b, "%s:%u", addr->n == 16 ? "]" : "", (uint16_t)port);
	ph_cell_str(c, b.p);
}

/* As it was asked: whoever answers may say anything. */
void ph_snoop_dns_name(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_autobuf b = { 0 };
	struct ph_dns d;

	if (!at->last && parse(at, &d, &b) && b.len)
		ph_cell_str(c, b.p);
}

void ph_snoop_dns_type(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_autobuf name = { 0 }, b = { 0 };
	struct ph_dns d;

	if (at->last || !parse(at, &d, &name) || !name.len)
		return;
	ph_dns_add_type(&b, d.type);
	ph_cell_str(c, b.p);
}

void ph_snoop_dns_code(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_autobuf name = { 0 }, b = { 0 };
	struct ph_dns d;

	if (at->last && parse(at, &d, &name))
		ph_dns_add_code(&b, d.code);
	/* An answer that cannot be read came nevertheless. */
	ph_cell_str(c, at->last ? b.p : "timeout");
}

void ph_snoop_dns_answers(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct ph_value *msg = bytes_of(at->ev, "message");
	ph_autobuf b = { 0 };

	if (!at->last || !msg)
		return;
	ph_dns_add_answers(msg->s, msg->n, ANSWERS, &b);
	if (b.len)
		ph_cell_str(c, b.p);
}

void ph_snoop_dns_truncated(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_autobuf name = { 0 };
	struct ph_dns d;

	if (at->last && parse(at, &d, &name))
		ph_cell_u64(c, d.truncated);
}

void ph_snoop_dns_protocol(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t protocol = ph_snoop_number(at->ev, "protocol", 0);

	if (protocol == 17 || protocol == 6)
		ph_cell_str(c, protocol == 6 ? "tcp" : "udp");
}

/* Over sockets, servers and the messages' own numbers: resolvers change some or all of these for the next try. */
void ph_snoop_dns_try(const struct ph_snoop_at *at, struct ph_cell *c)
{
	struct ph_u64map *all = ph_snoop_world_asked(at->world);
	uint64_t key = ph_hash(PH_HASH_INIT, &at->row->pid, sizeof(at->row->pid));
	ph_autobuf name = { 0 };
	struct asked *a;
	struct ph_dns d;

	if (!parse(at, &d, &name) || !name.len)
		return;
	key = ph_hash(ph_hash(key, &d.type, sizeof(d.type)), name.p, name.len);
	if (at->last) {
		/* NOERROR and NXDOMAIN: it knows. */
		if (d.code == 0 || d.code == 3)
			free(ph_u64map_del(all, key));
		return;
	}
	a = ph_u64map_get(all, key);
	if (!a) {
		if (all->n >= ASKED_MAX)
			ph_snoop_world_forget_asked(at->world);
		a = ph_alloc(sizeof(*a));
		ph_u64map_put(all, key, a);
	}
	a->n = at->ev->ts_ns - a->last_ns > AGAIN_NS ? 1 : a->n + 1;
	a->last_ns = at->ev->ts_ns;
	ph_cell_u64(c, a->n);
}
