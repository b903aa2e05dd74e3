/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity model: tasks, and which of them an event belongs to. */
#include "identity/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "identity/model_priv.h"

/* ---- tasks --------------------------------------------------------------------------------------- */

static void exited_unlink(struct ph_identity *id, struct task *t)
{
	if (!t->t.exited)
		return;
	if (t->prev)
		t->prev->next = t->next;
	else
		id->exited_first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		id->exited_last = t->prev;
	t->prev = t->next = NULL;
	id->nexited--;
}

/*
 * How many tasks of a process live, doubled, and plus 1 where that counts its first one, of which nothing is known but by the others.
 * So it is 0 when the last one ends, and not when the last one that was seen does.
 */
static uintptr_t living(const struct ph_identity *id, int32_t pid)
{
	return (uintptr_t)ph_u64map_get(&id->living, (uint32_t)pid);
}

static void set_living(struct ph_identity *id, int32_t pid, uintptr_t n)
{
	if (n)
		ph_u64map_put(&id->living, (uint32_t)pid, (void *)n);
	else
		ph_u64map_del(&id->living, (uint32_t)pid);
}

static void count_living(struct ph_identity *id, struct task *t, int32_t pid)
{
	const struct task *first = task_find(id, pid);
	uintptr_t n;

	if (t->lives_in == pid)
		return;
	if (t->lives_in)
		set_living(id, t->lives_in, living(id, t->lives_in) - 2);
	t->lives_in = pid;
	if (!pid)
		return;
	n = living(id, pid);
	if (!n && t != first && !(first && first->t.exited))
		n = 3;
	set_living(id, pid, n + 2);
}

void task_set_pid(struct ph_identity *id, struct task *t, int32_t pid)
{
	t->t.pid = pid;
	count_living(id, t, pid > 0 && !t->t.exited ? pid : 0);
	if (pid == t->t.tid && living(id, pid) & 1)
		set_living(id, pid, living(id, pid) - 3);
}

bool process_ends(struct ph_identity *id, const struct ph_event *ev, int32_t pid)
{
	uint64_t end = U(sched_process_exit, process_end, 0);
	struct task *first = pid > 0 ? task_find(id, pid) : NULL;
	bool ended = first && first->process_ended;

	if (end ? end != PH_PROCESS_ENDED : pid > 0 && living(id, pid))
		return false;
	if (first)
		first->process_ended = true;
	return !ended;
}

void process_left(struct ph_identity *id, const struct ph_event *ev, struct task *t, int32_t pid)
{
	uint64_t end = U(sched_process_exit, process_end, 0);
	bool goes_on = end ? end == PH_PROCESS_GOES_ON : pid > 0 && living(id, pid);
	struct task *first = pid > 0 ? task_find(id, pid) : NULL;

	id->ended_after_first = false;
	if (!first)
		return;
	if (first == t) {
		/* Where it is not told, all may have been told to end. */
		first->left = goes_on && (end || t->exits);
	} else if (first->left && !first->decided && !goes_on) {
		first->decided = id->ended_after_first = true;
	}
}

void task_drop(struct ph_identity *id, struct task *t)
{
	if (!t)
		return;
	count_living(id, t, 0);
	exited_unlink(id, t);
	derived_leave(id, t);
	ph_vec_each(c, &id->cpus)
		if (c->cur == t)
			c->cur = NULL;
	ph_u64map_del(&id->tasks, (uint64_t)t->t.tid);
	free(t);
}

static void task_clear(struct task *t, int32_t tid)
{
	*t = (struct task){ .t = { .tid = tid, .pid = -1, .ppid = -1, .in_syscall = -1,
				   .container = PH_CONTAINER_UNKNOWN } };
}

struct task *task_new(struct ph_identity *id, int32_t tid)
{
	struct task *t = task_find(id, tid);

	if (tid < 0 || tid > TID_LIMIT)
		return NULL;
	if (t) {
		count_living(id, t, 0);
		exited_unlink(id, t);
		derived_leave(id, t);
	} else {
		t = ph_alloc(sizeof(*t));
		ph_u64map_put(&id->tasks, (uint64_t)tid, t);
	}
	task_clear(t, tid);
	if (tid == 0) {
		/* The idle tasks of all CPUs. */
		t->t.pid = 0;
		t->t.container = PH_CONTAINER_HOST;
		t->kthread = true;
	}
	return t;
}

void task_exit(struct ph_identity *id, struct task *t)
{
	t->t.in_syscall = -1;
	if (t->t.exited)
		return;
	derived_leave(id, t);
	if (t->t.pid < 0 && living(id, t->t.tid) & 1)
		task_set_pid(id, t, t->t.tid);
	count_living(id, t, 0);
	t->t.exited = true;
	t->prev = id->exited_last;
	if (t->prev)
		t->prev->next = t;
	else
		id->exited_first = t;
	id->exited_last = t;
	id->nexited++;
}

void task_revive(struct ph_identity *id, struct task *t)
{
	if (!t->t.exited)
		return;
	exited_unlink(id, t);
	t->t.exited = t->gone = false;
	task_set_pid(id, t, t->t.pid);
	t->stale = true;
}

/* ---- neither of tasks nor of containers ------------------------------------------------------- */

static struct task *on_discarded(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct cpu *cpu = cpu_get(id, (uint32_t)U(events_discarded, gap_cpu, ev->cpu));

	/* Who runs there now was not seen; a wrong name would be worse than none. */
	if (cpu)
		cpu->cur = NULL;
	return t;
}

static struct task *on_symbol(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	const struct ph_value *name = V(kernel_symbol, name);
	uint64_t address = U(kernel_symbol, address, 0);

	if (name && name->n && id->functions.n < FUNCTIONS_MAX)
		free(ph_u64map_put(&id->functions, address,
				   ph_strndup(name->s, name->n < FUNCTION_NAME_MAX ? name->n : FUNCTION_NAME_MAX)));
	return t;
}

/* ---- classes ------------------------------------------------------------------------------------- */

static handler_fn handler_of(uint32_t event)
{
	handler_fn fn = sched_handler(event);

	fn = fn ? fn : dump_handler(event);
	fn = fn ? fn : container_handler(event);
	if (event == PH_EV_events_discarded)
		fn = on_discarded;
	else if (event == PH_EV_kernel_symbol)
		fn = on_symbol;
	return fn;
}

static bool is_int(const struct ph_type *t)
{
	return t->kind == PH_KIND_INT || t->kind == PH_KIND_UINT || t->kind == PH_KIND_ENUM;
}

static int16_t find_field(const struct ph_field *fields, uint32_t n, const char *name, bool str)
{
	for (uint32_t i = 0; i < n && i < INT16_MAX; i++)
		if (!strcmp(fields[i].name, name) &&
		    (str ? fields[i].type->kind == PH_KIND_STR : is_int(fields[i].type)))
			return (int16_t)i;
	return -1;
}

static struct class_info *class_learn(struct ph_identity *id, const struct ph_class *cls)
{
	struct class_info *ci = ph_alloc(sizeof(*ci));
	const struct ph_class *ours;
	bool entry = cls->id >= PH_EV_SYSCALL_ENTRY && cls->id < PH_EV_SYSCALL_EXIT;
	bool compat = cls->id >= PH_EV_COMPAT_ENTRY && cls->id < PH_EV_COMPAT_EXIT;

	ci->cls = cls;
	ci->syscall_nr = entry || compat ? cls->syscall_nr : -1;
	ci->syscall_exit = !entry && !compat && cls->id >= PH_EV_SYSCALL_ENTRY;
	ci->tid = find_field(cls->ctx, cls->nctx, "tid", false);
	ci->pid = find_field(cls->ctx, cls->nctx, "pid", false);
	ci->procname = find_field(cls->ctx, cls->nctx, "procname", true);
	ci->container = find_field(cls->ctx, cls->nctx, "container", false);
	for (unsigned int i = 0; i < PH_NS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s_ns", ph_ns_names[i]);
		ci->ns[i] = find_field(cls->ctx, cls->nctx, name, false);
		ci->any_ns |= ci->ns[i] >= 0;
	}
	ci->exits = entry && !strcmp(cls->name, "syscall_entry_exit");
	ci->any_ctx = ci->any_ns || ci->pid >= 0 || ci->procname >= 0 || ci->container >= 0;
	ci->old_vtid = find_field(cls->fields, cls->nfields, "vtid", false);
	ci->old_vpid = find_field(cls->fields, cls->nfields, "vpid", false);
	ci->old_level = find_field(cls->fields, cls->nfields, "ns_level", false);
	ci->old_inum = find_field(cls->fields, cls->nfields, "ns_inum", false);
	ours = cls->id < PH_EV_STATIC_MAX ? ph_class_by_id(cls->id) : NULL;
	if (ours) {
		ci->no_task = ours->group == PH_GROUP_STATEDUMP || ours->group == PH_GROUP_META ||
			      ours->group == PH_GROUP_CONTAINER;
		if (ph_class_like_ours(cls))
			ci->handler = handler_of(cls->id);
	}
	/* Only our own recorder tells containers; without it they are looked for in namespaces. */
	if (ci->container >= 0)
		id->own = true;
	for (uint32_t i = 0; ours && i < ours->nfields; i++)
		if (ours->fields[i].unit == PH_UNIT_CONTAINER && (!cls->canon || cls->canon[i] >= 0))
			id->own = true;
	ph_u64map_put(&id->classes, (uintptr_t)cls, ci);
	return ci;
}

static inline struct class_info *class_get(struct ph_identity *id, const struct ph_class *cls)
{
	/* Classes are a few tens of bytes apart or more. */
	size_t at = ((uintptr_t)cls >> 4 ^ (uintptr_t)cls >> 12) % PH_ARRAY_SIZE(id->cache);
	struct class_info *ci = id->cache[at];

	if (ph_likely(ci && ci->cls == cls))
		return ci;
	ci = ph_u64map_get(&id->classes, (uintptr_t)cls);
	if (!ci)
		ci = class_learn(id, cls);
	id->cache[at] = ci;
	return ci;
}

/* ---- feed ------------------------------------------------------------------------------------------ */

static void take_contexts(struct ph_identity *id, const struct class_info *ci, struct ph_event *ev,
			  struct task *t)
{
	if (ci->pid >= 0 && t->t.pid < 0)
		task_set_pid(id, t, (int32_t)ev->ctx[ci->pid].i);
	if (ci->procname >= 0)
		set_comm(t, &ev->ctx[ci->procname]);
	for (unsigned int i = 0; ci->any_ns && i < PH_NS_MAX; i++)
		if (ci->ns[i] >= 0)
			set_ns(t, i, (uint32_t)ev->ctx[ci->ns[i]].u);
}

void ph_identity_feed(struct ph_identity *id, struct ph_event *ev)
{
	const struct class_info *ci = class_get(id, ev->cls);
	struct cpu *cpu = cpu_get(id, ev->cpu);
	struct task *t = NULL;

	if (ph_unlikely(id->nexited > EXITED_MAX))
		task_drop(id, id->exited_first);
	if (ci->tid >= 0 && ev->tid < 0)
		ev->tid = (int32_t)ev->ctx[ci->tid].i;
	if (ci->pid >= 0 && ev->pid < 0)
		ev->pid = (int32_t)ev->ctx[ci->pid].i;

	if (ev->tid >= 0) {
		if (ph_likely(cpu && cpu->cur && cpu->cur->t.tid == ev->tid)) {
			t = cpu->cur;
		} else {
			t = task_get(id, ev->tid);
			if (cpu && !ci->no_task)
				cpu->cur = t;
		}
	} else if (cpu && !ci->no_task) {
		t = cpu->cur;
	}
	if (t && ci->any_ctx)
		take_contexts(id, ci, ev, t);
	if (ci->handler) {
		t = ci->handler(id, ev, t);
	} else if (t) {
		if (ci->syscall_nr >= 0) {
			t->t.in_syscall = ci->syscall_nr;
			t->exits = ci->exits;
		} else if (ci->syscall_exit) {
			t->t.in_syscall = -1;
		}
	}
	if (!t) {
		ev->container = canon_index(id, ev->container);
		return;
	}
	if (ev->tid < 0)
		ev->tid = t->t.tid;
	if (ev->pid < 0)
		ev->pid = t->t.pid;
	else if (ph_unlikely(t->t.pid != ev->pid))
		task_set_pid(id, t, ev->pid);
	if (ev->container != PH_CONTAINER_UNKNOWN) {
		ev->container = canon_index(id, ev->container);
		if (ph_unlikely(id->guests.n) && !ci->no_task)
			ev->container = guest_index(id, ev->container, ev->pid);
		if (!ci->no_task)
			t->t.container = ev->container;
	} else {
		if (t->stale && !id->own)
			derive_container(id, t);
		ev->container = t->t.container;
	}
}

struct ph_identity *ph_identity_new(void)
{
	struct ph_identity *id = ph_alloc(sizeof(*id));

	model_containers_init(id);
	task_new(id, 0);
	return id;
}

void ph_identity_free(struct ph_identity *id)
{
	if (!id)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->tasks, s)); )
		free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->classes, s)); )
		free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->functions, s)); )
		free(s->val);
	ph_u64map_done(&id->functions);
	ph_u64map_done(&id->tasks);
	ph_u64map_done(&id->living);
	ph_u64map_done(&id->classes);
	ph_vec_done(&id->cpus);
	model_containers_free(id);
	free(id);
}

const struct ph_task *ph_identity_task(const struct ph_identity *id, int32_t tid)
{
	struct task *t = task_find(id, tid);

	return t ? &t->t : NULL;
}

bool ph_identity_process_ended(const struct ph_identity *id, const struct ph_event *ev)
{
	return ev->cls->id == PH_EV_sched_process_exit && ph_class_like_ours(ev->cls) && id->ended;
}

bool ph_identity_leaderless(const struct ph_identity *id, int32_t pid)
{
	const struct task *first = pid > 0 ? task_find(id, pid) : NULL;

	return first && first->left;
}

bool ph_identity_ended_after_first(const struct ph_identity *id, const struct ph_event *ev)
{
	return ev->cls->id == PH_EV_sched_process_exit && ph_class_like_ours(ev->cls) && id->ended_after_first;
}

int64_t ph_identity_process_status(const struct ph_event *ev)
{
	unsigned int field = U(sched_process_exit, process_end, 0) == PH_PROCESS_ENDED ? PH_FLD(sched_process_exit, process_status) :
										     PH_FLD(sched_process_exit, exit_code);

	return ph_event_i(ev, field, -1);
}

const char *ph_identity_function(const struct ph_identity *id, uint64_t address)
{
	const char *name = ph_u64map_get(&id->functions, address);

	return name ? name : "";
}
