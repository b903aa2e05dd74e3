/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "filter/lex.h"

/* Are the names known, and can they be compared in this way? */

/* LTTng's names for what add-context adds; ours are the same. */
static const char *const contexts[] = {
	"tid", "pid", "ppid", "procname", "prio", "nice", "vpid", "vtid", "vppid", "hostname",
	"cgroup_ns", "ipc_ns", "mnt_ns", "net_ns", "pid_ns", "time_ns", "user_ns", "uts_ns",
	"uid", "euid", "suid", "gid", "egid", "sgid", "vuid", "veuid", "vsuid", "vgid", "vegid",
	"vsgid", "cgroup_id", "container", "cpu_id", "interruptible", "preemptible",
	"need_reschedule", "migratable", "callstack_user", "callstack_kernel", "ip",
};

bool ph_filter_known_context(const char *name)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(contexts); i++)
		if (!strcmp(contexts[i], name))
			return true;
	return false;
}

/* All classes, static ones first. */
struct classes {
	const struct ph_filter_names *names;
	size_t at, extra;
};

static const struct ph_class *next_class(struct classes *it)
{
	const struct ph_class *c = ph_class_nth(it->at);

	if (c) {
		it->at++;
		return c;
	}
	return it->names && it->names->nth ? it->names->nth(it->names->arg, it->extra++) : NULL;
}

typedef PH_VEC(const char *) name_vec;

static bool has_field(const struct ph_class *c, const char *name)
{
	for (uint32_t i = 0; i < c->nfields; i++)
		if (!strcmp(c->fields[i].name, name))
			return true;
	for (uint32_t i = 0; i < c->nctx; i++)
		if (!strcmp(c->ctx[i].name, name))
			return true;
	return false;
}

static int unknown_event(const struct ph_filter_names *names, const struct ph_fleaf *leaf,
			 const char *expr, struct ph_err *err)
{
	struct classes it = { names };
	const struct ph_class *c;
	name_vec all = { 0 };
	const char *near;

	while ((c = next_class(&it)))
		*ph_vec_push(&all) = c->name;
	near = ph_nearest(leaf->event, all.v, all.n);
	ph_vec_done(&all);
	return ph_filter_fail(err, expr, leaf->pos, "there is no event '%s'%s%s%s", leaf->event,
			      near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int unknown_field(const struct ph_filter_names *names, const struct ph_fleaf *leaf,
			 const char *expr, struct ph_err *err)
{
	struct classes it = { names };
	const struct ph_class *c;
	ph_autobuf have = { 0 };
	name_vec all = { 0 };
	const char *near;
	size_t shown = 0;

	while ((c = next_class(&it))) {
		if (leaf->event && !ph_glob(leaf->event, c->name))
			continue;
		for (uint32_t i = 0; i < c->nfields; i++)
			*ph_vec_push(&all) = c->fields[i].name;
		/* Of a single event, say what it has. */
		for (uint32_t i = 0; leaf->event && !shown && i < c->nfields; i++)
			ph_buf_addf(&have, "%s%s", i ? ", " : "", c->fields[i].name);
		shown++;
	}
	for (unsigned int i = 0; i < PH_FATTR_MAX; i++)
		*ph_vec_push(&all) = ph_fattr_names[i];
	near = ph_nearest(leaf->field, all.v, all.n);
	ph_vec_done(&all);
	if (leaf->event && shown == 1 && have.len)
		return ph_filter_fail(err, expr, leaf->pos, "%s has no field '%s'%s%s%s; it has %s",
				      leaf->event, leaf->field, near ? "; did you mean " : "",
				      near ? near : "", near ? "?" : "", have.p);
	if (!leaf->event && ph_class_by_name(leaf->field))
		return ph_filter_fail(err, expr, leaf->pos,
				      "'%s' is an event: write %s.FIELD, or name == \"%s\"",
				      leaf->field, leaf->field, leaf->field);
	return ph_filter_fail(err, expr, leaf->pos, "no %s has a field '%s'%s%s%s",
			      leaf->event ? "such event" : "event", leaf->field,
			      near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int check_leaf(const struct ph_filter_names *names, const struct ph_fleaf *leaf,
		      const char *expr, struct ph_err *err)
{
	static const struct ph_field anything = { "", &ph_type_u64, PH_UNIT_NONE, "" };
	static const struct ph_class none = { .name = "", .fields = &anything };
	struct classes it = { names };
	struct ph_err cause = { 0 };
	const struct ph_class *c;
	bool event = false, field = false;
	struct ph_fstep s;

	/* Attributes are the same for every class. */
	if (!leaf->event && leaf->attr != PH_FATTR_NONE) {
		s = (struct ph_fstep){ 0 };
		if (ph_filter_lower(leaf, &none, &s, &cause) < 0)
			return ph_filter_fail(err, expr, leaf->pos, "%s: %s", leaf->field, cause.msg);
		return 0;
	}
	while ((c = next_class(&it))) {
		if (leaf->event && !ph_glob(leaf->event, c->name))
			continue;
		event = true;
		if (!has_field(c, leaf->field) && !(leaf->event && leaf->attr != PH_FATTR_NONE))
			continue;
		field = true;
		s = (struct ph_fstep){ 0 };
		/* One event that can have this comparison is enough. */
		if (ph_filter_lower(leaf, c, &s, &cause) >= 0)
			return 0;
	}
	if (field)
		return ph_filter_fail(err, expr, leaf->pos, "%s: %s", leaf->field, cause.msg);
	if ((names && names->lenient) || (event && ph_filter_known_context(leaf->field)))
		return 0;
	return event ? unknown_field(names, leaf, expr, err) : unknown_event(names, leaf, expr, err);
}

int ph_filter_check(struct ph_filter *f, const struct ph_filter_names *names, const char *expr,
		    struct ph_err *err)
{
	int r;

	ph_vec_each(leaf, &f->leaves) {
		r = check_leaf(names, leaf, expr, err);
		if (r < 0)
			return r;
	}
	return 0;
}
