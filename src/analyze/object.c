/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is waited for, by name. */
#include "analyze/object.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "event/symbols.h"

#define NAMES_MAX 16384

/* The nearer port of a connection is the service's, by custom the lower one. */
static bool is_server(const struct ph_wait_object *o)
{
	return o->sport && (!o->dport || o->sport < o->dport);
}

bool ph_object_is_client(const struct ph_segment *s)
{
	return s->state == PH_ST_BLOCKED && s->wait == PH_WAIT_SOCKET && is_server(&s->object);
}

void ph_object_of(const struct ph_segment *s, struct ph_object *ret)
{
	const struct ph_wait_object *o = &s->object;

	memset(ret, 0, sizeof(*ret));
	if (s->state != PH_ST_BLOCKED)
		return;
	switch (s->wait) {
	case PH_WAIT_DISK:
	case PH_WAIT_FAULT:
		if (!o->dev)
			return;
		ret->thing = PH_THING_DISK;
		ret->dev = o->dev;
		break;
	case PH_WAIT_SOCKET:
		ret->family = o->family;
		if (o->family == AF_UNIX) {
			ret->thing = PH_THING_UNIX;
		} else if (is_server(o)) {
			ret->thing = PH_THING_PORT;
			ret->port = o->sport;
		} else if (o->dport) {
			ret->thing = PH_THING_PEER;
			ret->port = o->dport;
			memcpy(ret->addr, o->daddr, sizeof(ret->addr));
		}
		break;
	default:
		break;
	}
}

/* ---- names ------------------------------------------------------------------------------------------ */

static void name_put(struct ph_u64map *m, uint64_t dev, const struct ph_value *v)
{
	if (v && v->n && m->n < NAMES_MAX)
		free(ph_u64map_put(m, dev, ph_strndup(v->s, v->n < 64 ? v->n : 64)));
}

void ph_devices_feed(struct ph_devices *d, const struct ph_event *ev)
{
	switch (ev->cls->id) {
	case PH_EV_lttng_statedump_block_device:
		name_put(&d->disks, (uint32_t)ph_event_u(ev, PH_FLD(lttng_statedump_block_device, dev), 0),
			 ph_event_field(ev, PH_FLD(lttng_statedump_block_device, diskname)));
		break;
	case PH_EV_statedump_mount:
		name_put(&d->file_systems, (uint32_t)ph_event_u(ev, PH_FLD(statedump_mount, dev), 0),
			 ph_event_field(ev, PH_FLD(statedump_mount, fstype)));
		break;
	}
}

static void map_free(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s)); )
		free(s->val);
	ph_u64map_done(m);
}

void ph_devices_done(struct ph_devices *d)
{
	map_free(&d->disks);
	map_free(&d->file_systems);
}

void ph_device_text(const struct ph_devices *d, uint32_t dev, struct ph_buf *out)
{
	const char *disk = ph_u64map_get(&d->disks, dev), *fs = ph_u64map_get(&d->file_systems, dev);
	const char *name = disk ? disk : fs;

	if (name)
		ph_buf_add_term(out, name, strlen(name));
	if (!disk)
		ph_buf_addf(out, "%s%u:%u", fs ? " " : "", dev >> 20, dev & 0xfffff);
}

void ph_object_text(const struct ph_devices *d, const struct ph_object *o, struct ph_buf *out)
{
	switch (o->thing) {
	case PH_THING_NONE:
		break;
	case PH_THING_DISK:
		ph_device_text(d, o->dev, out);
		break;
	case PH_THING_PEER:
		if (o->family == AF_INET6)
			ph_buf_addc(out, '[');
		ph_symbol_add_addr(out, (const char *)o->addr, o->family == AF_INET6 ? 16 : 4);
		ph_buf_addf(out, "%s:%u", o->family == AF_INET6 ? "]" : "", o->port);
		break;
	case PH_THING_PORT:
		ph_buf_addf(out, "port %u", o->port);
		break;
	case PH_THING_UNIX:
		ph_buf_adds(out, "a Unix socket");
		break;
	case PH_THING_REST:
		ph_buf_adds(out, "others");
	}
}
