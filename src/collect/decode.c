/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the kernel side's records to events. Layouts come from events.def and syscalls.def alone. */
#include <errno.h>
#include <stdlib.h>

#include "base/parse.h"
#include "collect/priv.h"

/* ---- contexts --------------------------------------------------------------------------------- */

#define CTX(bit_, name_, type_, unit_, member_) \
	{ bit_, { name_, &ph_type_##type_, PH_UNIT_##unit_, "" }, offsetof(struct ph_rec_ctx, member_) }

static const struct {
	uint32_t bit;
	struct ph_field field;
	size_t offset;
} contexts[] = {
	CTX(PH_CTX_PPID, "ppid", s32, PID, ppid),
	CTX(PH_CTX_VPID, "vpid", s32, PID, vpid),
	CTX(PH_CTX_VPID, "vtid", s32, TID, vtid),
	CTX(PH_CTX_VPID, "vppid", s32, PID, vppid),
	CTX(PH_CTX_PRIO, "prio", s32, NONE, prio),
	CTX(PH_CTX_PRIO, "nice", s32, NONE, nice),
	CTX(PH_CTX_CRED, "uid", u32, NONE, uid),
	CTX(PH_CTX_CRED, "euid", u32, NONE, euid),
	CTX(PH_CTX_CRED, "suid", u32, NONE, suid),
	CTX(PH_CTX_CRED, "gid", u32, NONE, gid),
	CTX(PH_CTX_CRED, "egid", u32, NONE, egid),
	CTX(PH_CTX_CRED, "sgid", u32, NONE, sgid),
	CTX(PH_CTX_NS, "cgroup_ns", u32, INUM, ns[0]),
	CTX(PH_CTX_NS, "ipc_ns", u32, INUM, ns[1]),
	CTX(PH_CTX_NS, "mnt_ns", u32, INUM, ns[2]),
	CTX(PH_CTX_NS, "net_ns", u32, INUM, ns[3]),
	CTX(PH_CTX_NS, "pid_ns", u32, INUM, ns[4]),
	CTX(PH_CTX_NS, "time_ns", u32, INUM, ns[5]),
	CTX(PH_CTX_NS, "user_ns", u32, INUM, ns[6]),
	CTX(PH_CTX_NS, "uts_ns", u32, INUM, ns[7]),
	CTX(PH_CTX_PROCNAME, "procname", comm, NONE, procname),
	CTX(PH_CTX_CGROUP, "cgroup_id", u64, CGROUP, cgroup_id),
};

static const struct ph_field base_contexts[] = {
	{ "tid", &ph_type_s32, PH_UNIT_TID, "" },
	{ "container", &ph_type_u32, PH_UNIT_CONTAINER, "" },
	{ "pid", &ph_type_s32, PH_UNIT_PID, "" },
};

int ph_context_parse(const ph_strv *names, uint32_t *ret_mask, struct ph_err *err)
{
	*ret_mask = 0;
	for (size_t i = 0; i < names->n; i++) {
		const char *n = names->v[i];
		bool found = !strcmp(n, "tid") || !strcmp(n, "container") || !strcmp(n, "pid");

		if (!strcmp(n, "pid"))
			*ret_mask |= PH_CTX_PID;
		for (size_t k = 0; k < PH_ARRAY_SIZE(contexts); k++)
			if (!strcmp(n, contexts[k].field.name) || !strcmp(n, "all")) {
				*ret_mask |= contexts[k].bit | PH_CTX_PID * !strcmp(n, "all");
				found = true;
			}
		if (!found) {
			const char *known[PH_ARRAY_SIZE(contexts)], *near;

			for (size_t k = 0; k < PH_ARRAY_SIZE(contexts); k++)
				known[k] = contexts[k].field.name;
			near = ph_nearest(n, known, PH_ARRAY_SIZE(contexts));
			return ph_err_set(err, -EINVAL, "there is no context '%s'%s%s%s", n,
					  near ? "; did you mean '" : "", near ? near : "",
					  near ? "'?" : "");
		}
	}
	return 0;
}

static uint32_t collect_contexts(uint32_t mask, struct ph_field *out, size_t *offsets)
{
	uint32_t n = 0;

	for (size_t i = 0; i < (mask & PH_CTX_PID ? 3u : 2u); i++)
		out[n++] = base_contexts[i];
	for (size_t i = 0; i < PH_ARRAY_SIZE(contexts); i++)
		if (mask & contexts[i].bit) {
			if (offsets)
				offsets[n] = contexts[i].offset;
			out[n++] = contexts[i].field;
		}
	return n;
}

#define PH_EVENT(num, name, group, doc, fields)							\
	_Static_assert(sizeof(struct ph_fld_##name) <= PH_MAX_FIELDS, "PH_MAX_FIELDS is too small");
#include "event/events.def"
#undef PH_EVENT

void ph_decoder_init(struct ph_decoder *d, struct ph_ctable *ct, uint32_t context)
{
	*d = (struct ph_decoder){ .ct = ct, .context = context };
	d->nctx = collect_contexts(context, d->ctx, d->ctx_offset);
	d->ev.ctx = d->cv;
	d->ev.v = d->v;
}

void ph_decoder_done(struct ph_decoder *d)
{
	for (size_t i = 0; i < PH_EV_ID_MAX; i++)
		free(d->with_ctx[i]);
	ph_buf_done(&d->path);
}

/* @c as events of this recording have it: with contexts. */
const struct ph_class *ph_decoder_class(struct ph_decoder *d, const struct ph_class *c)
{
	struct ph_class **p = &d->with_ctx[c->id];

	if (!*p) {
		*p = ph_alloc(sizeof(**p));
		**p = *c;
		(*p)->ctx = d->ctx;
		(*p)->nctx = d->nctx;
	}
	return *p;
}

static uint32_t comm_len(const char *s)
{
	return (uint32_t)strnlen(s, 16);
}

static void decode_contexts(struct ph_decoder *d, const struct ph_rec *r)
{
	const char *block = (const char *)(r + 1);
	uint32_t n = 0;

	d->cv[n++].i = r->tid;
	d->cv[n++].u = d->ev.container;
	if (d->context & PH_CTX_PID)
		d->cv[n++].i = r->pid;
	for (; n < d->nctx; n++) {
		const char *p = block + d->ctx_offset[n];
		struct ph_value *v = &d->cv[n];

		switch (d->ctx[n].type->kind) {
		case PH_KIND_STR:
			v->s = p;
			v->n = comm_len(p);
			break;
		case PH_KIND_INT:
			v->i = *(const int32_t *)p;
			break;
		default:
			v->u = d->ctx[n].type->bits == 64 ? *(const uint64_t *)p :
							    *(const uint32_t *)p;
		}
	}
}

/* ---- payloads ------------------------------------------------------------------------------------- */

#define LOAD(type, p) ({ type v_; memcpy(&v_, p, sizeof(v_)); v_; })

static uint64_t load_uint(const uint8_t *p, unsigned int bits)
{
	switch (bits) {
	case 8: return *p;
	case 16: return LOAD(uint16_t, p);
	case 32: return LOAD(uint32_t, p);
	default: return LOAD(uint64_t, p);
	}
}

static int64_t load_int(const uint8_t *p, unsigned int bits)
{
	switch (bits) {
	case 8: return (int8_t)*p;
	case 16: return LOAD(int16_t, p);
	case 32: return LOAD(int32_t, p);
	default: return LOAD(int64_t, p);
	}
}

/* Bytes of a field in the fixed part of a record. */
static unsigned int fixed_bytes(const struct ph_type *t)
{
	switch (t->kind) {
	case PH_KIND_UINT: case PH_KIND_INT:
		return t->bits / 8;
	case PH_KIND_STR:
		return t->bits ? 16 : 2;
	default:
		return 2;
	}
}

static bool decode_static(struct ph_decoder *d, const struct ph_class *c, const uint8_t *p,
			  const uint8_t *end)
{
	const uint8_t *tail = p, *fixed = p;
	uint32_t nseq = 0;

	for (uint32_t i = 0; i < c->nfields; i++)
		tail += fixed_bytes(c->fields[i].type);
	if (tail > end || c->nfields > PH_MAX_FIELDS)
		return false;
	for (uint32_t i = 0; i < c->nfields; i++) {
		const struct ph_type *t = c->fields[i].type;
		struct ph_value *v = &d->v[i];
		uint32_t n;

		switch (t->kind) {
		case PH_KIND_UINT:
			v->u = load_uint(fixed, t->bits);
			if (c->fields[i].unit == PH_UNIT_CONTAINER && v->u != PH_CONTAINER_UNKNOWN)
				v->u = ph_ctable_resolve(d->ct, (uint32_t)v->u, NULL);
			break;
		case PH_KIND_INT:
			v->i = load_int(fixed, t->bits);
			break;
		case PH_KIND_STR:
			if (t->bits) {
				v->s = (const char *)fixed;
				v->n = comm_len(v->s);
				break;
			}
			/* fall through */
		case PH_KIND_BYTES:
			n = LOAD(uint16_t, fixed);
			if (n > (size_t)(end - tail))
				return false;
			v->s = (const char *)tail;
			v->n = n;
			tail += n;
			break;
		default:	/* s32v, x64v */
			n = LOAD(uint16_t, fixed);
			if (n > PH_ARRAY_SIZE(d->seq) - nseq || (size_t)n * (t->elem->bits / 8) > (size_t)(end - tail))
				return false;
			v->v = &d->seq[nseq];
			v->n = n;
			for (uint32_t k = 0; k < n; k++, tail += t->elem->bits / 8) {
				if (t->elem->kind == PH_KIND_INT)
					d->seq[nseq++].i = load_int(tail, t->elem->bits);
				else
					d->seq[nseq++].u = load_uint(tail, t->elem->bits);
			}
		}
		fixed += fixed_bytes(t);
	}
	return true;
}

/* One field of a system call from its argument, cut to the width that the call uses. */
static void from_arg(struct ph_value *v, const struct ph_type *t, uint64_t arg)
{
	unsigned int drop = 64 - (t->bits && t->bits <= 64 ? t->bits : 64);

	if (t->kind == PH_KIND_INT)
		v->i = (int64_t)(arg << drop) >> drop;
	else
		v->u = arg << drop >> drop;
}

static bool decode_captures(struct ph_decoder *d, const struct ph_class *c, const uint8_t *src,
			    const uint8_t *p, const uint8_t *end)
{
	uint32_t nseq = 0;

	for (uint32_t i = 0; i < c->nfields; i++) {
		struct ph_value *v = &d->v[i];
		uint32_t n = 0;

		if (src[i] < PH_SRC_CAPTURE)
			continue;
		if (end - p >= 2) {
			n = LOAD(uint16_t, p);
			p += 2;
		}
		if (n == PH_CAP_FAULT)
			n = 0;
		if (n > (size_t)(end - p))
			return false;
		if (c->fields[i].type->kind == PH_KIND_SEQ) {
			v->v = &d->seq[nseq];
			v->n = n / 4;
			for (uint32_t k = 0; k < v->n && nseq < PH_ARRAY_SIZE(d->seq); k++)
				d->seq[nseq++].i = LOAD(int32_t, p + 4 * k);
		} else {
			v->s = (const char *)p;
			v->n = n;
			/* getcwd's result counts the string's end. */
			if (c->fields[i].type->kind == PH_KIND_STR && n && !p[n - 1])
				v->n = (uint32_t)strnlen(v->s, n);
		}
		p += n;
	}
	return true;
}

static bool decode_syscall(struct ph_decoder *d, bool entry, const uint8_t *p, const uint8_t *end)
{
	const struct ph_rec_enter *en = (const void *)p;
	const struct ph_rec_exit *ex = (const void *)p;
	size_t head = entry ? sizeof(*en) : sizeof(*ex);
	const __u64 *args = entry ? en->args : ex->args;
	const struct ph_syscall *sc;
	const struct ph_class *c;
	const uint8_t *src;

	if ((size_t)(end - p) < head || en->nargs > 6 ||
	    (size_t)(end - p) < head + 8 * (size_t)en->nargs)
		return false;
	sc = ph_syscall_by_nr(en->nr, en->compat);
	if (!sc)
		sc = ph_syscall_unknown(en->compat);
	c = entry ? sc->entry : sc->exit;
	src = entry ? sc->entry_src : sc->exit_src;
	if (c->nfields > PH_MAX_FIELDS)
		return false;
	d->ev.cls = c;
	for (uint32_t i = 0; i < c->nfields; i++) {
		const struct ph_type *t = c->fields[i].type;

		if (src[i] == PH_SRC_RET)
			from_arg(&d->v[i], t, (uint64_t)ex->ret);
		else if (src[i] == PH_SRC_NR)
			from_arg(&d->v[i], t, (uint64_t)en->nr);
		else if (src[i] < PH_SRC_RET)
			from_arg(&d->v[i], t, src[i] < en->nargs ? args[src[i]] : 0);
	}
	return decode_captures(d, c, src, (const uint8_t *)(args + en->nargs), end);
}

static void name_call(struct ph_value *to, const struct ph_value *nr, bool compat)
{
	const struct ph_syscall *sc = ph_syscall_by_nr((int)nr->i, compat);

	to->s = sc ? sc->name : "unknown";
	to->n = (uint32_t)strlen(to->s);
}

/* A path that the kernel side has walked up: "c\0b\0a\0" is /a/b/c. */
static void turn_round(struct ph_decoder *d, struct ph_value *v)
{
	uint32_t end = v->n;

	if (!v->n || v->s[v->n - 1])
		return;
	ph_buf_clear(&d->path);
	while (end) {
		uint32_t begin = end - 1;

		while (begin && v->s[begin - 1])
			begin--;
		ph_buf_addc(&d->path, '/');
		ph_buf_add(&d->path, v->s + begin, end - 1 - begin);
		end = begin;
	}
	v->s = d->path.p;
	v->n = (uint32_t)d->path.len;
}

static bool still_selected(struct ph_decoder *d, const struct ph_rec *r)
{
	bool selected;

	ph_ctable_resolve(d->ct, r->why & ~PH_WHY_EITHER, &selected);
	if (!selected && r->why & PH_WHY_EITHER)
		ph_ctable_resolve(d->ct, r->container, &selected);
	return selected;
}

int ph_decode(struct ph_decoder *d, const struct ph_rec *r, uint32_t len, uint32_t id)
{
	const uint8_t *p = (const uint8_t *)(r + 1) + (d->context & ~PH_CTX_PID ? sizeof(struct ph_rec_ctx) : 0);
	const uint8_t *end = (const uint8_t *)r + len;

	if (p > end || !still_selected(d, r))
		return 0;
	d->ev.ts_ns = r->ts_ns;
	d->ev.tid = r->tid;
	d->ev.pid = r->pid;
	d->ev.container = ph_ctable_resolve(d->ct, r->container, NULL);
	if (id >= PH_EV_SYSCALL_ENTRY) {
		if (!decode_syscall(d, id == PH_EV_SYSCALL_ENTRY, p, end))
			return 0;
	} else {
		d->ev.cls = ph_class_by_id(id);
		if (!d->ev.cls || !decode_static(d, d->ev.cls, p, end))
			return 0;
		if (id == PH_EV_seccomp_refused) {
			struct ph_value *name = &d->v[PH_FLD(seccomp_refused, name)];

			name_call(name, &d->v[PH_FLD(seccomp_refused, nr)], name->n && name->s[0]);
		} else if (id == PH_EV_syscall_failed) {
			struct ph_value *name = &d->v[PH_FLD(syscall_failed, name)];

			name_call(name, &d->v[PH_FLD(syscall_failed, nr)], d->v[PH_FLD(syscall_failed, compat)].u);
			if (d->v[PH_FLD(syscall_failed, late)].u)
				*name = (struct ph_value){ .s = "connect", .n = 7 };
			turn_round(d, &d->v[PH_FLD(syscall_failed, base)]);
		}
	}
	d->ev.cls = ph_decoder_class(d, d->ev.cls);
	decode_contexts(d, r);
	return 1;
}
