/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Failures and what was seen about them, gathered into groups. */
#include "analyze/denied.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

/* A process that ends with an error within this time failed because of what it was refused. */
#define FATAL_NS PH_NSEC
#define LAST_MAX 8
/* More different failures than this say nothing to anybody. */
#define GROUPS_MAX 20000

/* Facts are about the first failure of a group, or one soon after it. */
#define LISTED_MAX 64

/* A process's last failures, round and round; and its last search that found nothing. */
struct recent {
	struct ph_denied_group *g[LAST_MAX], *search;
	uint64_t ts_ns[LAST_MAX], search_ns;
	unsigned int n;
};

/* A call that a thread is in. */
struct open_call {
	char *path, *path2;
	uint64_t arg[6];
};

struct ph_denied *ph_denied_new(const struct ph_identity *id, const struct ph_selection *sel)
{
	struct ph_denied *d = ph_alloc(sizeof(*d));

	d->id = id;
	d->sel = sel;
	return d;
}

static void facts_done(struct ph_denied_group *g)
{
	ph_vec_each(f, &g->facts) {
		free(f->what);
		free(f->subject);
		free(f->facts);
		free(f->text);
	}
	ph_vec_done(&g->facts);
}

void ph_denied_free(struct ph_denied *d)
{
	if (!d)
		return;
	ph_vec_each(p, &d->groups) {
		struct ph_denied_group *g = *p;

		ph_failed_done(&g->f);
		free(g->by);
		facts_done(g);
		ph_buf_done(&g->v.why);
		ph_buf_done(&g->v.change);
		ph_strv_done(&g->v.evidence);
		free(g);
	}
	ph_vec_done(&d->groups);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&d->last, s));)
		free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&d->calls, s));) {
		struct open_call *c = s->val;

		free(c->path);
		free(c->path2);
		free(c);
	}
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&d->refused, s));)
		free(s->val);
	ph_u64map_done(&d->refused);
	ph_u64map_done(&d->by_key);
	ph_u64map_done(&d->by_call);
	ph_u64map_done(&d->last);
	ph_u64map_done(&d->calls);
	free(d);
}

static uint64_t group_key(const struct ph_failed *f)
{
	uint64_t h = PH_HASH_INIT;

	h = ph_hash(h, &f->container, sizeof(f->container));
	h = ph_hash(h, &f->error, sizeof(f->error));
	h = ph_hash(h, &f->refused, sizeof(f->refused));
	h = ph_hash(h, &f->fsuid, sizeof(f->fsuid));
	h = ph_hash(h, f->name, strlen(f->name) + 1);
	h = ph_hash(h, f->comm, strlen(f->comm) + 1);
	h = ph_hash(h, f->path, strlen(f->path) + 1);
	h = ph_hash(h, f->path2, strlen(f->path2) + 1);
	h = ph_hash(h, f->base, strlen(f->base) + 1);
	h = ph_hash(h, f->addr, f->addr_len);
	if (f->call->pid)
		h = ph_hash(h, &f->arg[f->call->pid - 1], 8);
	/* An ioctl's request, fcntl's and prctl's command. */
	if (f->call->kind == PH_FAIL_IOCTL || !strcmp(f->name, "fcntl"))
		h = ph_hash(h, &f->arg[1], 8);
	if (!strcmp(f->name, "prctl") || !strcmp(f->name, "bpf"))
		h = ph_hash(h, &f->arg[0], 8);
	return h;
}

static uint64_t call_key(uint64_t ts_ns, int32_t tid)
{
	return ph_hash(ph_hash(PH_HASH_INIT, &ts_ns, 8), &tid, 4);
}

static bool probing(const struct ph_failed *f)
{
	return f->error == ENOTTY || (f->error == ENOENT && ph_denied_searched(f->path));
}

/* Takes the strings of @f over. */
static struct ph_denied_group *add(struct ph_denied *d, struct ph_failed *f)
{
	uint64_t key = group_key(f);
	struct ph_denied_group *g = ph_u64map_get(&d->by_key, key);
	uint64_t ts_ns = f->ts_ns;
	int32_t pid = f->pid;
	struct recent *r;

	d->failures++;
	if (!g && d->groups.n >= GROUPS_MAX) {
		d->dropped++;
		ph_failed_done(f);
		return NULL;
	}
	if (!g) {
		g = ph_alloc(sizeof(*g));
		g->f = *f;
		g->first_ns = g->last_ns = ts_ns;
		ph_u64map_put(&d->by_key, key, g);
		*ph_vec_push(&d->groups) = g;
	} else if (!g->facts_ns) {
		/* Nothing was seen about the first: perhaps about this one. */
		ph_failed_done(&g->f);
		g->f = *f;
	} else {
		ph_failed_done(f);
	}
	g->count++;
	/* Each CPU's events come in order; from one to another they may be some microseconds apart. */
	if (ts_ns < g->first_ns)
		g->first_ns = ts_ns;
	if (ts_ns > g->last_ns)
		g->last_ns = ts_ns;
	r = ph_u64map_get(&d->last, (uint64_t)(uint32_t)pid + 1);
	if (!r) {
		r = ph_alloc(sizeof(*r));
		ph_u64map_put(&d->last, (uint64_t)(uint32_t)pid + 1, r);
	}
	/* Having to wait makes nobody fail. */
	if (!ph_fail_recorded(g->f.call, g->f.error) && !g->f.full && g->f.error > 0)
		return g;
	/* A program that is run is wanted wherever it is looked for. */
	if (!probing(&g->f) || g->f.call->kind == PH_FAIL_EXEC) {
		r->g[r->n % LAST_MAX] = g;
		r->ts_ns[r->n++ % LAST_MAX] = ts_ns;
	}
	if (g->f.error == ENOENT && probing(&g->f) && g->f.call->kind != PH_FAIL_CREATE &&
		   !strstr(g->f.path, "/locale") && !strstr(g->f.path, "/gconv")) {
		/* The message about it may be looked for in the user's language. */
		r->search = g;
		r->search_ns = ts_ns;
	}
	return g;
}

static void failed(struct ph_denied *d, const struct ph_event *ev)
{
	struct ph_denied_group *g;
	struct ph_failed f;

	d->full = true;
	ph_failed_read(&f, ev);
	g = add(d, &f);
	if (g && g->nlisted++ < LISTED_MAX)
		ph_u64map_put(&d->by_call, call_key(ev->ts_ns, ev->tid), g);
}

static char *copy(const struct ph_event *ev, unsigned int fld)
{
	const struct ph_value *v = ph_event_field(ev, fld);

	return ph_strndup(v && v->n ? v->s : "", v ? v->n : 0);
}

static void evidence(struct ph_denied *d, const struct ph_event *ev)
{
	uint64_t of = ph_event_u(ev, PH_FLD(denial_evidence, of_ns), 0);
	int32_t tid = (int32_t)ph_event_i(ev, PH_FLD(denial_evidence, of_tid), -1);
	struct ph_denied_group *g = ph_u64map_get(&d->by_call, call_key(of, tid));
	struct ph_denied_fact *f;

	/* The first look counts: the later it is, the more may have changed. */
	if (!g || (g->facts_ns && g->facts_ns != of))
		return;
	g->facts_ns = of;
	g->looked_ns = ev->ts_ns;
	f = ph_vec_push(&g->facts);
	f->what = copy(ev, PH_FLD(denial_evidence, what));
	f->subject = copy(ev, PH_FLD(denial_evidence, subject));
	f->facts = copy(ev, PH_FLD(denial_evidence, facts));
	f->text = copy(ev, PH_FLD(denial_evidence, text));
}

/* The process that the kernel killed: a group of its own. */
static struct ph_denied_group *killed(struct ph_denied *d, const struct ph_event *ev, int sig, const char *name,
				      const char *comm, size_t comm_len, uint32_t container, int32_t pid)
{
	struct ph_failed f = { .ts_ns = ev->ts_ns, .tid = ev->tid, .pid = pid, .container = container,
			       .error = -sig, .name = ph_strdup(name), .path = ph_strdup(""),
			       .path2 = ph_strdup(""), .base = ph_strdup(""), .call = ph_failcall("") };
	struct ph_denied_group *g;

	memcpy(f.comm, comm, comm_len < 16 ? comm_len : 16);
	g = add(d, &f);
	if (g) {
		g->killed = g->fatal = true;
		ph_u64map_put(&d->by_call, call_key(ev->ts_ns, ev->tid), g);
	}
	return g;
}

/* Code of a shell that found no such command, and of the dynamic loader without a library. */
#define NOT_FOUND (127 << 8)

/* Ended by a signal that others send: that is no failure of its own. */
static bool ended_by_others(int64_t code)
{
	int sig = code & 0x7f;

	return sig && sig != SIGABRT && sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP &&
	       sig != SIGSYS && sig != SIGXFSZ && sig != SIGXCPU;
}

/*
 * Which of its last failures made a process fail: those like the very last one. Of files that were not
 * there the last alone: the others were looked for, and it went on without them.
 */
static void blame(struct recent *r, uint64_t now_ns, int64_t code)
{
	struct ph_denied_group *last = r->n ? r->g[(r->n - 1) % LAST_MAX] : NULL;

	if (code == NOT_FOUND && r->search && now_ns - r->search_ns < FATAL_NS) {
		r->search->fatal = r->search->sought = true;
		return;
	}
	for (unsigned int i = 0; i < LAST_MAX && i < r->n; i++)
		if (now_ns - r->ts_ns[i] < FATAL_NS && r->g[i]->f.error == last->f.error &&
		    (r->g[i] == last || last->f.error != ENOENT))
			r->g[i]->fatal = true;
}

static void ended(struct ph_denied *d, const struct ph_event *ev)
{
	int64_t code = ph_event_i(ev, PH_FLD(sched_process_exit, exit_code), 0);
	const struct ph_value *comm = ph_event_field(ev, PH_FLD(sched_process_exit, comm));
	struct recent *r;
	char *name, *before;

	name = ph_u64map_del(&d->refused, (uint64_t)(uint32_t)ev->tid + 1);
	if (!ph_identity_process_ended(d->id, ev)) {
		/* Whose call it was that seccomp ends the process for, it need not be the last to end. */
		if (name && ev->pid >= 0 && (code & 0x7f) == SIGSYS)
			name = ph_u64map_put(&d->refused, (uint64_t)(uint32_t)ev->pid + 1, name);
		free(name);
		return;
	}
	before = ph_u64map_del(&d->refused, (uint64_t)(uint32_t)ev->pid + 1);
	if (!name)
		name = ph_take(before);
	free(before);
	code = ph_identity_process_status(ev);
	r = ph_u64map_del(&d->last, (uint64_t)(uint32_t)ev->pid + 1);
	/* SIGSYS without a handler: seccomp's way to kill, and nobody else's. */
	if ((code & 0x7f) == SIGSYS && comm) {
		struct ph_denied_group *g = killed(d, ev, SIGSYS, "seccomp-kill", comm->s, comm->n, ev->container,
						   ev->pid);

		if (g && !g->by) {
			g->by = name;
			name = NULL;
		}
	}
	free(name);
	if (r && code && !ended_by_others(code))
		blame(r, ev->ts_ns, code);
	free(r);
}

static void victim(struct ph_denied *d, const struct ph_event *ev)
{
	const struct ph_value *v = ph_event_field(ev, PH_FLD(oom_mark_victim, comm));
	uint32_t container = (uint32_t)ph_event_u(ev, PH_FLD(oom_mark_victim, victim_container), PH_CONTAINER_UNKNOWN);
	int32_t pid = (int32_t)ph_event_i(ev, PH_FLD(oom_mark_victim, pid), -1);
	const struct ph_task *task = ph_identity_task(d->id, pid);
	struct ph_denied_group *g;
	char comm[17] = "";

	/* Until v6.8 the kernel tells nothing but the number. */
	if (v && v->n)
		memcpy(comm, v->s, v->n < 16 ? v->n : 16);
	else if (task)
		memcpy(comm, task->comm, 16);
	if (container == PH_CONTAINER_UNKNOWN)
		container = task ? task->container : ev->container;
	g = killed(d, ev, SIGKILL, "oom-kill", comm, strlen(comm), container, pid);
	if (g)
		g->rss_bytes = ph_event_u(ev, PH_FLD(oom_mark_victim, anon_rss_bytes), 0);
}

/* ---- traces that have only entry and exit of calls ---------------------------------------------- */

static const char *call_name(const struct ph_class *c, bool *entry)
{
	static const struct { const char *prefix; bool entry; } prefixes[] = {
		{ "syscall_entry_", true }, { "syscall_exit_", false }, { "compat_syscall_entry_", true },
		{ "compat_syscall_exit_", false },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(prefixes); i++) {
		if (!strncmp(c->name, prefixes[i].prefix, strlen(prefixes[i].prefix))) {
			*entry = prefixes[i].entry;
			return c->name + strlen(prefixes[i].prefix);
		}
	}
	return NULL;
}

static void remember_call(struct ph_denied *d, const struct ph_event *ev)
{
	struct open_call *c = ph_u64map_get(&d->calls, (uint64_t)(uint32_t)ev->tid + 1);
	unsigned int n = 0;

	if (!c) {
		c = ph_alloc(sizeof(*c));
		ph_u64map_put(&d->calls, (uint64_t)(uint32_t)ev->tid + 1, c);
	}
	free(c->path);
	free(c->path2);
	c->path = c->path2 = NULL;
	memset(c->arg, 0, sizeof(c->arg));
	for (uint32_t i = 0; i < ev->cls->nfields; i++) {
		const struct ph_type *t = ev->cls->fields[i].type;

		if (t->kind == PH_KIND_STR) {
			char **to = c->path ? &c->path2 : &c->path;

			if (!*to)
				*to = ph_strndup(ev->v[i].s, ev->v[i].n);
		} else if (t->kind == PH_KIND_UINT || t->kind == PH_KIND_INT) {
			if (n < 6)
				c->arg[n++] = ev->v[i].u;
		}
	}
}

static void exit_alone(struct ph_denied *d, const struct ph_event *ev, const char *name)
{
	const struct ph_failcall *call = ph_failcall(name);
	const struct ph_task *task = ph_identity_task(d->id, ev->tid);
	struct open_call *c = ph_u64map_get(&d->calls, (uint64_t)(uint32_t)ev->tid + 1);
	char *refused = ph_u64map_del(&d->refused, (uint64_t)(uint32_t)ev->tid + 1);
	bool told = refused && !strcmp(refused, name);
	struct ph_failed f = { 0 };
	int64_t ret = 0;

	free(refused);
	if (told)		/* by seccomp_refused, just before */
		return;
	for (uint32_t i = 0; i < ev->cls->nfields; i++)
		if (!strcmp(ev->cls->fields[i].name, "ret"))
			ret = ev->v[i].i;
	/* From 512 on the kernel's own codes for calls to be restarted. */
	if (ret >= 0 || ret <= -512)
		return;
	f = (struct ph_failed){ .ts_ns = ev->ts_ns, .tid = ev->tid, .pid = ev->pid, .container = ev->container,
				.call = call, .name = ph_strdup(name), .error = (int)-ret, .nr = ev->cls->syscall_nr,
				.path = ph_strdup(c && c->path ? c->path : ""),
				.path2 = ph_strdup(c && c->path2 ? c->path2 : ""), .base = ph_strdup("") };
	if (c)
		memcpy(f.arg, c->arg, sizeof(f.arg));
	if (task)
		memcpy(f.comm, task->comm, sizeof(task->comm));
	f.limit[0].resource = f.limit[1].resource = -1;
	f.setuid = -1;
	add(d, &f);
}

static void refused_alone(struct ph_denied *d, const struct ph_event *ev)
{
	const struct ph_task *task = ph_identity_task(d->id, ev->tid);
	struct ph_failed f = { .ts_ns = ev->ts_ns, .tid = ev->tid, .pid = ev->pid, .container = ev->container,
			       .name = copy(ev, PH_FLD(seccomp_refused, name)), .path = ph_strdup(""),
			       .path2 = ph_strdup(""), .base = ph_strdup(""), .refused = true, .setuid = -1,
			       .error = (int)-ph_event_i(ev, PH_FLD(seccomp_refused, ret), 0) };

	f.call = ph_failcall(f.name);
	f.limit[0].resource = f.limit[1].resource = -1;
	if (task)
		memcpy(f.comm, task->comm, sizeof(task->comm));
	add(d, &f);
}

void ph_denied_feed(struct ph_denied *d, const struct ph_event *ev)
{
	const char *name;
	bool entry;

	if (ev->cls->id == PH_EV_events_discarded) {
		d->gaps++;
		return;
	}
	if (d->sel && !ph_selection_match(d->sel, d->id, ev) && ev->cls->id != PH_EV_denial_evidence)
		return;
	switch (ev->cls->id) {
	case PH_EV_syscall_failed:
		failed(d, ev);
		return;
	case PH_EV_denial_evidence:
		evidence(d, ev);
		return;
	case PH_EV_sched_process_exit:
		ended(d, ev);
		return;
	case PH_EV_sched_process_exec:
		/* What failed before was another program's. */
		free(ph_u64map_del(&d->last, (uint64_t)(uint32_t)ev->pid + 1));
		return;
	case PH_EV_oom_mark_victim:
		victim(d, ev);
		return;
	case PH_EV_seccomp_refused:
		free(ph_u64map_put(&d->refused, (uint64_t)(uint32_t)ev->tid + 1, copy(ev, PH_FLD(seccomp_refused, name))));
		if (!d->full)
			refused_alone(d, ev);
		return;
	default:
		if (d->full || (ev->cls->id < PH_EV_STATIC_MAX && ev->cls->id != PH_EV_UNKNOWN))
			return;
		name = call_name(ev->cls, &entry);
		if (name && entry)
			remember_call(d, ev);
		else if (name)
			exit_alone(d, ev, name);
	}
}

static int by_weight(const void *a, const void *b)
{
	const struct ph_denied_group *const *x = a, *const *y = b;

	if ((*x)->v.ordinary != (*y)->v.ordinary)
		return (*x)->v.ordinary - (*y)->v.ordinary;
	return (*x)->first_ns < (*y)->first_ns ? -1 : (*x)->first_ns > (*y)->first_ns;
}

/* Who looked for one name in several places. */
static void find_searches(struct ph_denied *d)
{
	struct ph_u64map first = { 0 };

	ph_vec_each(p, &d->groups) {
		struct ph_denied_group *g = *p, *o;
		const char *name = ph_basename(g->f.path);
		uint64_t h = PH_HASH_INIT;

		if (g->f.error != ENOENT)
			continue;
		h = ph_hash(h, &g->f.container, sizeof(g->f.container));
		h = ph_hash(h, g->f.comm, strlen(g->f.comm) + 1);
		h = ph_hash(h, name, strlen(name));
		o = ph_u64map_get(&first, h);
		if (!o) {
			ph_u64map_put(&first, h, g);
		} else if (strcmp(o->f.path, g->f.path)) {
			o->elsewhere = g->elsewhere = true;
		}
	}
	ph_u64map_done(&first);
}

void ph_denied_finish(struct ph_denied *d)
{
	find_searches(d);
	ph_vec_each(g, &d->groups)
		ph_denied_judge(d, *g);
	if (d->groups.n)
		qsort(d->groups.v, d->groups.n, sizeof(*d->groups.v), by_weight);
}
