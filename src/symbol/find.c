/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is looked for in a file: functions and probes by name, arguments of functions. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "symbol/priv.h"

#define FOUND_MAX (1u << 20)

void ph_symfuncs_done(struct ph_symfuncs *f)
{
	ph_vec_each(s, &f->list) {
		free(s->name);
		free(s->shown);
	}
	ph_vec_done(&f->list);
}

static int take_found(const struct ph_symparent_file *f, struct ph_bytes *in, size_t max, struct ph_symfuncs *ret)
{
	while (ph_bytes_left(in)) {
		struct ph_symfunc s = { .name = ph_get_str(in) };

		if (!s.name[0]) {
			ret->more = true;
			free(s.name);
			break;
		}
		s.shown = ph_get_str(in);
		s.vaddr = ph_get_u64(in);
		s.size = ph_get_u64(in);
		s.chosen = ph_bytes_u8(in) & 1;
		s.inlined = ph_get_u64(in);
		/* What is not in the file, as its symbols may say, cannot be probed. */
		if (in->bad || ret->list.n == max || !ph_symfile_offset(&f->info, s.vaddr, &s.offset)) {
			free(s.name);
			free(s.shown);
			continue;
		}
		*ph_vec_push(&ret->list) = s;
	}
	return in->bad ? -EBADMSG : 0;
}

void ph_symusdts_done(struct ph_symusdts *u)
{
	ph_vec_each(s, &u->list) {
		free(s->provider);
		free(s->name);
		free(s->args);
	}
	ph_vec_done(&u->list);
}

static int take_usdts(const struct ph_symparent_file *f, struct ph_bytes *in, size_t max, struct ph_symusdts *ret)
{
	while (ph_bytes_left(in)) {
		struct ph_symusdt s = { .provider = ph_get_str(in) };

		if (!s.provider[0]) {
			ret->more = true;
			free(s.provider);
			break;
		}
		s.name = ph_get_str(in);
		s.args = ph_get_str(in);
		s.vaddr = ph_get_u64(in);
		s.semaphore = ph_get_u64(in);
		if (in->bad || ret->list.n == max || !ph_symfile_offset(&f->info, s.vaddr, &s.offset) ||
		    (s.semaphore && !ph_symfile_offset(&f->info, s.semaphore, &s.semaphore_offset))) {
			free(s.provider);
			free(s.name);
			free(s.args);
			continue;
		}
		*ph_vec_push(&ret->list) = s;
	}
	return in->bad ? -EBADMSG : 0;
}

/* The file and two strings to the child, its answer into @w, whose buffer is the caller's. */
static int search(struct ph_symchild *c, uint32_t file, enum ph_symmsg_type type, size_t *max, const char *first,
		  const char *second, struct ph_symparent_file **ret, struct ph_symwait *w, struct ph_err *err)
{
	struct ph_symjob *j;
	int r = ph_symchild_until_ready(c, file, ret, err);

	if (r)
		return r;
	*max = *max && *max < FOUND_MAX ? *max : FOUND_MAX;
	j = ph_symlink_ask(c, *ret, type);
	ph_put_u64(&j->request, *max);
	ph_put_str(&j->request, first);
	ph_put_str(&j->request, second);
	return ph_symchild_until_answered(c, j, w, err);
}

int ph_symchild_find(struct ph_symchild *c, uint32_t file, const char *pattern, size_t max,
		     struct ph_symfuncs *ret, struct ph_err *err)
{
	struct ph_symparent_file *f;
	struct ph_symwait w = { 0 };
	struct ph_bytes in;
	int r;

	*ret = (struct ph_symfuncs){ 0 };
	r = search(c, file, PH_SYMMSG_FIND, &max, pattern, "", &f, &w, err);
	if (!r) {
		in = ph_symwait_answer(&w);
		r = take_found(f, &in, max, ret);
		if (r) {
			ph_symfuncs_done(ret);
			ph_err_set(err, r, "its list of functions makes no sense");
		}
	}
	ph_buf_done(&w.answer);
	return r;
}

int ph_symchild_usdt(struct ph_symchild *c, uint32_t file, const char *provider, const char *name, size_t max,
		     struct ph_symusdts *ret, struct ph_err *err)
{
	struct ph_symparent_file *f;
	struct ph_symwait w = { 0 };
	struct ph_bytes in;
	int r;

	*ret = (struct ph_symusdts){ 0 };
	r = search(c, file, PH_SYMMSG_USDT, &max, provider, name, &f, &w, err);
	if (!r) {
		in = ph_symwait_answer(&w);
		r = take_usdts(f, &in, max, ret);
		if (r) {
			ph_symusdts_done(ret);
			ph_err_set(err, r, "its list of probes makes no sense");
		}
	}
	ph_buf_done(&w.answer);
	return r;
}

int ph_symchild_returns(struct ph_symchild *c, uint32_t file, uint64_t vaddr, uint64_t size, ph_symoffsets *ret, struct ph_err *err)
{
	ph_autofree char *at = ph_asprintf("0x%lx", vaddr), *bytes = ph_asprintf("%lu", size);
	struct ph_symparent_file *f;
	struct ph_symwait w = { 0 };
	struct ph_bytes in;
	uint64_t offset;
	size_t max = 0;
	int r;

	*ret = (ph_symoffsets){ 0 };
	r = search(c, file, PH_SYMMSG_RETURNS, &max, at, bytes, &f, &w, err);
	in = ph_symwait_answer(&w);
	while (!r && ph_bytes_left(&in)) {
		uint64_t is = ph_get_u64(&in);

		if (in.bad || !ph_symfile_offset(&f->info, is, &offset))
			r = ph_err_set(err, -EBADMSG, "its list of returns makes no sense");
		else
			*ph_vec_push(ret) = offset;
	}
	ph_buf_done(&w.answer);
	return r;
}

int ph_symchild_slots(struct ph_symchild *c, uint32_t file, uint64_t chooses, ph_symoffsets *ret, struct ph_err *err)
{
	ph_autofree char *at = ph_asprintf("0x%lx", chooses);
	struct ph_symparent_file *f;
	struct ph_symwait w = { 0 };
	struct ph_bytes in;
	size_t max = 0;
	int r;

	*ret = (ph_symoffsets){ 0 };
	r = search(c, file, PH_SYMMSG_SLOTS, &max, at, "", &f, &w, err);
	in = ph_symwait_answer(&w);
	while (!r && ph_bytes_left(&in) >= sizeof(uint64_t))
		*ph_vec_push(ret) = ph_get_u64(&in);
	ph_buf_done(&w.answer);
	return r;
}

/* Is there such a register? */
static bool is_place(const struct ph_symarg *a)
{
	if (a->place == PH_SYMARG_STACK || a->place == PH_SYMARG_CONSTANT)
		return !a->argument;
	return a->place == PH_SYMARG_NUMBERED ? a->argument <= 32 : a->argument && a->argument <= 16;
}

static int take_arg(struct ph_bytes *in, struct ph_symarg *a)
{
	uint8_t place = ph_bytes_u8(in), kind;
	uint32_t room;

	a->argument = ph_get_u32(in);
	a->loads = ph_bytes_u8(in);
	a->size = ph_bytes_u8(in);
	a->low = ph_bytes_u8(in);
	a->bits = ph_bytes_u8(in);
	a->is_signed = ph_bytes_u8(in) & 1;
	kind = ph_bytes_u8(in);
	room = ph_get_u32(in);
	for (unsigned int i = 0; i <= PH_SYMARG_LOADS; i++)
		a->add[i] = (int64_t)ph_get_u64(in);
	a->names = ph_get_str(in);
	if (in->bad || place >= PH_SYMARG_PLACES || kind >= PH_SYMARG_KINDS || room > UINT16_MAX || a->loads > PH_SYMARG_LOADS)
		return -EBADMSG;
	a->place = place;
	a->kind = kind;
	a->room = (uint16_t)room;
	if (!is_place(a) || !a->size || a->size > 8 || (a->size & (a->size - 1)) ||
	    !a->bits || a->low + a->bits > 64 || a->names[strspn(a->names, PH_SYMARG_WORD "=,-.")])
		return -EBADMSG;
	return 0;
}

int ph_symchild_arg(struct ph_symchild *c, uint32_t file, uint64_t vaddr, uint64_t inlined, const char *text, struct ph_symarg *ret,
		    struct ph_err *err)
{
	struct ph_symparent_file *f;
	struct ph_symwait w = { 0 };
	struct ph_symjob *j;
	struct ph_bytes in;
	int r;

	*ret = (struct ph_symarg){ 0 };
	r = ph_symchild_until_ready(c, file, &f, err);
	if (r)
		return r;
	j = ph_symlink_ask(c, f, PH_SYMMSG_ARG);
	ph_put_str(&j->request, text);
	ph_put_u64(&j->request, vaddr);
	ph_put_u64(&j->request, inlined);
	r = ph_symchild_until_answered(c, j, &w, err);
	if (!r) {
		in = ph_symwait_answer(&w);
		r = take_arg(&in, ret);
		if (r) {
			free(ph_take(ret->names));
			ph_err_set(err, r, "its answer about the argument %s makes no sense", text);
		}
	}
	ph_buf_done(&w.answer);
	return r;
}
