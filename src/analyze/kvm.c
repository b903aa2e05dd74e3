/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads are virtual CPUs of which guest; what they did, and what became of each exit. */
#include "analyze/kvm.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "identity/guests.h"

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

/* ---- who there is -------------------------------------------------------------------------------- */

static struct ph_kvm_guest *guest_of(struct ph_kvm *k, int32_t pid)
{
	struct ph_kvm_guest *g = ph_u64map_get(&k->guest_map, (uint64_t)pid);

	if (g)
		return g;
	g = ph_alloc(sizeof(*g));
	g->pid = pid;
	g->container = PH_CONTAINER_UNKNOWN;
	ph_u64map_put(&k->guest_map, (uint64_t)pid, g);
	*ph_vec_push(&k->all) = g;
	return g;
}

static struct ph_kvm_vcpu *task_of(struct ph_kvm *k, int32_t tid)
{
	struct ph_kvm_vcpu *t;

	if (tid <= 0)
		return NULL;
	t = ph_u64map_get(&k->task_map, (uint64_t)tid);
	if (t)
		return t;
	t = ph_alloc(sizeof(*t));
	t->tid = tid;
	t->pid = t->vcpu = -1;
	t->container = PH_CONTAINER_UNKNOWN;
	ph_u64map_put(&k->task_map, (uint64_t)tid, t);
	return t;
}

static void set_comm(const struct ph_kvm *k, struct ph_kvm_vcpu *t)
{
	const struct ph_task *task = ph_identity_task(k->id, t->tid);

	if (task && task->comm[0])
		memcpy(t->comm, task->comm, sizeof(t->comm));
}

static void keep(struct ph_kvm *k, struct ph_kvm_vcpu *t)
{
	if (!t->kept)
		*ph_vec_push(&k->tasks) = t;
	t->kept = true;
}

/* A thread that is one whatever it does. */
static bool is_selected(const struct ph_kvm *k, const struct ph_kvm_vcpu *t, int32_t pid, uint64_t ts_ns)
{
	const struct ph_task *task = ph_identity_task(k->id, t->tid);
	uint32_t container = t->container == PH_CONTAINER_UNKNOWN && task ? task->container : t->container;

	return !k->sel || ph_selection_match(k->sel, k->id, &(struct ph_event){
		.cls = ph_class_by_id(PH_EV_kvm_userspace_exit), .ts_ns = ts_ns, .tid = t->tid, .pid = pid,
		.container = container });
}

static void set_text(char **text, const struct ph_value *v)
{
	if (!v || !v->n)
		return;
	free(*text);
	*text = ph_strndup(v->s, v->n);
}

/* Threads that are told to run virtual CPUs: they need not do anything by which they could be known. */
static void on_threads(struct ph_kvm *k, const struct ph_event *ev, int32_t pid)
{
	const struct ph_value *tids = ph_event_field(ev, PH_FLD(kvm_guest, tids));
	const struct ph_value *numbers = ph_event_field(ev, PH_FLD(kvm_guest, tid_vcpus));

	for (uint32_t i = 0; tids && i < tids->n; i++) {
		struct ph_kvm_vcpu *t = task_of(k, (int32_t)tids->v[i].i);
		const struct ph_task *task = t ? ph_identity_task(k->id, t->tid) : NULL;

		/* The number may be another's thread's by now, where nothing is told of the end. */
		if (!t || (task && task->pid > 0 && task->pid != pid) || !is_selected(k, t, pid, ev->ts_ns))
			continue;
		t->pid = pid;
		if (t->vcpu < 0 && numbers && i < numbers->n)
			t->vcpu = (int32_t)numbers->v[i].i;
		if (task && t->container == PH_CONTAINER_UNKNOWN)
			t->container = task->container;
		set_comm(k, t);
		keep(k, t);
	}
}

/* Told at the beginning and at the end: what was said last holds, but for what is not said any more. */
static void on_guest(struct ph_kvm *k, const struct ph_event *ev)
{
	const struct ph_value *vcpus = ph_event_field(ev, PH_FLD(kvm_guest, vcpus));
	int32_t pid = I32(kvm_guest, pid);
	struct ph_kvm_guest *g;

	if (pid <= 0)
		return;
	g = guest_of(k, pid);
	g->told = true;
	set_text(&g->name, ph_event_field(ev, PH_FLD(kvm_guest, name)));
	set_text(&g->uuid, ph_event_field(ev, PH_FLD(kvm_guest, uuid)));
	on_threads(k, ev, pid);
	if (!vcpus || !vcpus->n)
		return;
	ph_vec_done(&g->numbers);
	for (uint32_t i = 0; i < vcpus->n; i++)
		*ph_vec_push(&g->numbers) = (int32_t)vcpus->v[i].i;
}

/* The thread of an event of KVM; NULL: it is not selected. */
static struct ph_kvm_vcpu *vcpu_of(struct ph_kvm *k, const struct ph_event *ev)
{
	struct ph_kvm_vcpu *t = task_of(k, ev->tid);

	if (!t)
		return NULL;
	if (ev->pid > 0)
		t->pid = ev->pid;
	if (ev->container != PH_CONTAINER_UNKNOWN)
		t->container = ev->container;
	if (t->shown)
		return t;
	if (k->sel && !ph_selection_match(k->sel, k->id, ev))
		return NULL;
	t->shown = true;
	keep(k, t);
	set_comm(k, t);
	return t;
}

/* ---- exits --------------------------------------------------------------------------------------- */

static struct ph_kvm_exit *exit_of(ph_kvm_exits *exits, uint32_t isa, uint32_t reason, int32_t error)
{
	struct ph_kvm_exit *e;

	ph_vec_each(it, exits)
		if ((*it)->reason == reason && (*it)->isa == isa && (*it)->error == error)
			return *it;
	e = ph_alloc(sizeof(*e));
	*e = (struct ph_kvm_exit){ .isa = isa, .reason = reason, .error = error };
	*ph_vec_push(exits) = e;
	return e;
}

void ph_kvm_exits_done(ph_kvm_exits *exits)
{
	ph_vec_each(e, exits) {
		ph_hist_done(&(*e)->hist);
		free(*e);
	}
	ph_vec_done(exits);
}

void ph_kvm_exits_add(ph_kvm_exits *to, const ph_kvm_exits *from)
{
	ph_vec_each(e, from) {
		struct ph_kvm_exit *sum = exit_of(to, (*e)->isa, (*e)->reason, (*e)->error);

		sum->count += (*e)->count;
		ph_hist_merge(&sum->hist, &(*e)->hist);
	}
}

static int longest_first(const void *pa, const void *pb)
{
	const struct ph_kvm_exit *a = *(struct ph_kvm_exit *const *)pa, *b = *(struct ph_kvm_exit *const *)pb;

	if (a->hist.sum != b->hist.sum)
		return a->hist.sum > b->hist.sum ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->isa != b->isa)
		return a->isa < b->isa ? -1 : 1;
	return a->reason != b->reason ? (a->reason < b->reason ? -1 : 1) : a->error - b->error;
}

void ph_kvm_exits_sort(ph_kvm_exits *exits)
{
	if (exits->n)
		qsort(exits->v, exits->n, sizeof(*exits->v), longest_first);
}

/* What began at @begin_ns (0: nothing did) has come to its end, unless events in between are missing. */
static bool ended(const struct ph_kvm *k, uint64_t begin_ns)
{
	return begin_ns && begin_ns > k->gap_ns;
}

static void on_entry(struct ph_kvm *k, struct ph_kvm_vcpu *t, const struct ph_event *ev)
{
	k->nentries++;
	t->entries++;
	t->vcpu = I32(kvm_x86_entry, vcpu_id);
	if (t->exit && ended(k, t->exit_ns))
		ph_hist_add(&t->exit->hist, ev->ts_ns - t->exit_ns);
	if (t->user_exit && ended(k, t->user_ns))
		ph_hist_add(&t->user_exit->hist, ev->ts_ns - t->user_ns);
	t->exit = t->user_exit = NULL;
	t->entry_ns = ev->ts_ns;
}

static void on_exit_event(struct ph_kvm *k, struct ph_kvm_vcpu *t, const struct ph_event *ev)
{
	k->nexits++;
	t->vcpu = I32(kvm_x86_exit, vcpu_id);
	if (ended(k, t->entry_ns))
		t->guest_ns += ev->ts_ns - t->entry_ns;
	t->entry_ns = 0;
	t->exit = exit_of(&t->exits, (uint32_t)U(kvm_x86_exit, isa, 0), (uint32_t)U(kvm_x86_exit, exit_reason, 0), 0);
	t->exit->count++;
	t->exit_ns = ev->ts_ns;
}

static void on_user(struct ph_kvm *k, struct ph_kvm_vcpu *t, const struct ph_event *ev)
{
	int32_t error = (int32_t)ph_event_i(ev, PH_FLD(kvm_userspace_exit, errno), 0);

	k->nuser++;
	/* With an error, the reason is that of an exit before. */
	error = error < 0 ? error : 0;
	t->user_exit = exit_of(&t->user, 0, error ? 0 : (uint32_t)U(kvm_userspace_exit, reason, 0), error);
	t->user_exit->count++;
	t->user_ns = ev->ts_ns;
}

static void on_wakeup(struct ph_kvm *k, struct ph_kvm_vcpu *t, const struct ph_event *ev)
{
	uint64_t ns = U(kvm_vcpu_wakeup, halted_ns, 0);

	if (U(kvm_vcpu_wakeup, waited, 0)) {
		ph_hist_add(&t->slept, ns);
		return;
	}
	t->polled++;
	t->polled_ns += ns;
}

static void on_kvm(struct ph_kvm *k, const struct ph_event *ev)
{
	struct ph_kvm_vcpu *t = vcpu_of(k, ev);

	if (!t)
		return;
	switch (ev->cls->id) {
	case PH_EV_kvm_x86_entry:
		on_entry(k, t, ev);
		break;
	case PH_EV_kvm_x86_exit:
		on_exit_event(k, t, ev);
		break;
	case PH_EV_kvm_userspace_exit:
		on_user(k, t, ev);
		break;
	case PH_EV_kvm_vcpu_wakeup:
		on_wakeup(k, t, ev);
		break;
	case PH_EV_kvm_x86_inj_virq:
		k->nirqs++;
		t->irqs++;
		break;
	}
}

/* ---- what the threads did ------------------------------------------------------------------------ */

static void on_leave(void *arg, const struct ph_segment *s)
{
	struct ph_kvm *k = arg;
	struct ph_kvm_vcpu *t = s->kthread ? NULL : task_of(k, s->tid);
	uint64_t ns = s->end_ns - s->begin_ns;

	if (!t)
		return;
	t->pid = s->pid > 0 ? s->pid : t->pid;
	if (s->container != PH_CONTAINER_UNKNOWN)
		t->container = s->container;
	switch (s->state) {
	case PH_ST_RUNNING:
		t->run_ns += ns;
		t->steal_ns += s->part_ns[PH_PART_STEAL];
		break;
	case PH_ST_WAIT_CPU:
		t->wait_ns += ns;
		break;
	case PH_ST_THROTTLED:
		t->throttled_ns += ns;
		break;
	case PH_ST_UNKNOWN:
		break;
	default:
		t->asleep_ns += ns;
	}
	/* One that halts all the time has no event of KVM: its name tells. */
	if (t->kept || (t->comm[0] && s->state != PH_ST_RUNNING))
		return;
	set_comm(k, t);
	if (ph_guest_vcpu_of(t->comm) >= 0 && is_selected(k, t, t->pid, s->end_ns))
		keep(k, t);
}

static void vcpu_free(struct ph_kvm_vcpu *t)
{
	ph_kvm_exits_done(&t->exits);
	ph_kvm_exits_done(&t->user);
	ph_hist_done(&t->slept);
	free(t);
}

/* Its thread id may be another's soon. */
static void on_end(void *arg, int32_t tid, uint64_t ts_ns)
{
	struct ph_kvm *k = arg;
	struct ph_kvm_vcpu *t = ph_u64map_del(&k->task_map, (uint64_t)tid);

	if (t && !t->kept)
		vcpu_free(t);
}

static void on_times(struct ph_kvm *k, const struct ph_event *ev)
{
	struct ph_kvm_vcpu *t = task_of(k, I32(task_times, tid));
	uint64_t run = U(task_times, runtime_ns, 0), wait = U(task_times, run_delay_ns, 0);

	if (!t)
		return;
	if (!t->times) {
		t->times = true;
		t->times_at = ev->ts_ns;
		t->run_at = run;
		t->wait_at = wait;
		return;
	}
	if (run < t->run_at || wait < t->wait_at)
		return;
	t->counted_ns = ev->ts_ns - t->times_at;
	t->counted_run_ns = run - t->run_at;
	t->counted_wait_ns = wait - t->wait_at;
}

/* A new thread's counters begin at 0. */
static void on_fork(struct ph_kvm *k, const struct ph_event *ev)
{
	struct ph_kvm_vcpu *t = task_of(k, I32(sched_process_fork, child_tid));

	if (!t || t->times)
		return;
	t->times = true;
	t->times_at = ev->ts_ns;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

struct ph_kvm *ph_kvm_new(const struct ph_identity *id, const struct ph_selection *sel)
{
	static const struct ph_states_ops ops = { .leave = on_leave, .end = on_end };
	struct ph_kvm *k = ph_alloc(sizeof(*k));

	k->id = id;
	k->sel = sel;
	k->st = ph_states_new(id, &ops, k);
	return k;
}

void ph_kvm_free(struct ph_kvm *k)
{
	if (!k)
		return;
	ph_states_free(k->st);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&k->task_map, s)); ) {
		struct ph_kvm_vcpu *t = s->val;

		if (!t->kept)
			vcpu_free(t);
	}
	ph_vec_each(t, &k->tasks)
		vcpu_free(*t);
	ph_vec_each(it, &k->all) {
		struct ph_kvm_guest *g = *it;

		free(g->name);
		free(g->uuid);
		ph_vec_done(&g->numbers);
		ph_vec_done(&g->vcpus);
		free(g);
	}
	ph_vec_done(&k->tasks);
	ph_vec_done(&k->all);
	ph_vec_done(&k->guests);
	ph_u64map_done(&k->task_map);
	ph_u64map_done(&k->guest_map);
	free(k);
}

void ph_kvm_feed(struct ph_kvm *k, const struct ph_event *ev)
{
	ph_states_feed(k->st, ev);
	if (ev->cls->id == PH_EV_UNKNOWN || ev->cls->id >= PH_EV_STATIC_MAX || !ph_class_like_ours(ev->cls))
		return;
	if (ev->cls->group == PH_GROUP_KVM) {
		on_kvm(k, ev);
		return;
	}
	switch (ev->cls->id) {
	case PH_EV_kvm_guest:
		on_guest(k, ev);
		break;
	case PH_EV_task_times:
		on_times(k, ev);
		break;
	case PH_EV_sched_process_fork:
		on_fork(k, ev);
		break;
	case PH_EV_events_discarded:
		if (!ph_event_gap_in_cpu(ev))
			break;
		k->gap_ns = U(events_discarded, end_ns, 0);
		if (k->gap_ns < ev->ts_ns)
			k->gap_ns = ev->ts_ns;
		break;
	}
}

static int by_vcpu(const void *pa, const void *pb)
{
	const struct ph_kvm_vcpu *a = *(struct ph_kvm_vcpu *const *)pa, *b = *(struct ph_kvm_vcpu *const *)pb;

	if (a->vcpu != b->vcpu)
		return a->vcpu < b->vcpu ? -1 : 1;
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static int by_name(const void *pa, const void *pb)
{
	const struct ph_kvm_guest *a = *(struct ph_kvm_guest *const *)pa, *b = *(struct ph_kvm_guest *const *)pb;
	int r = strcmp(a->name ? a->name : "", b->name ? b->name : "");

	return r ? r : a->pid < b->pid ? -1 : a->pid > b->pid;
}

/* Where the stream has no switches, or this thread had none: what the kernel has counted. */
static void counted(struct ph_kvm_vcpu *t)
{
	t->run_ns = t->counted_run_ns;
	t->wait_ns = t->counted_wait_ns;
	t->throttled_ns = t->steal_ns = 0;
	t->asleep_ns = t->counted_ns > t->run_ns + t->wait_ns ? t->counted_ns - t->run_ns - t->wait_ns : 0;
}

static void finish_guest(struct ph_kvm *k, struct ph_kvm_guest *g)
{
	/* Where no event tells its number, there may be no other. */
	if (g->numbers.n == 1 && g->vcpus.n == 1 && g->vcpus.v[0]->vcpu < 0)
		g->vcpus.v[0]->vcpu = g->numbers.v[0];
	qsort(g->vcpus.v, g->vcpus.n, sizeof(*g->vcpus.v), by_vcpu);
	*ph_vec_push(&k->guests) = g;
}

void ph_kvm_finish(struct ph_kvm *k, uint64_t end_ns)
{
	ph_states_finish(k->st, end_ns);
	ph_states_seen(k->st, &k->seen);
	k->begin_ns = k->seen.begin_ns;
	k->end_ns = k->seen.end_ns;
	ph_vec_each(it, &k->tasks) {
		struct ph_kvm_vcpu *t = *it;
		struct ph_kvm_guest *g = ph_u64map_get(&k->guest_map, (uint64_t)t->pid);
		const struct ph_task *task;

		/* By its name alone it is one only of a process that has a guest. */
		t->shown |= g && g->told;
		if (!t->shown || t->pid <= 0)
			continue;
		g = guest_of(k, t->pid);
		*ph_vec_push(&g->vcpus) = t;
		if (t->container != PH_CONTAINER_UNKNOWN)
			g->container = t->container;
		task = ph_identity_task(k->id, t->pid);
		memcpy(g->comm, task && task->comm[0] ? task->comm : t->comm, sizeof(g->comm));
		if (t->vcpu < 0)
			t->vcpu = ph_guest_vcpu_of(t->comm);
		if (!k->seen.switches || (t->counted_ns && !(t->run_ns + t->wait_ns + t->throttled_ns + t->asleep_ns)))
			counted(t);
		ph_kvm_exits_sort(&t->exits);
		ph_kvm_exits_sort(&t->user);
	}
	ph_vec_each(g, &k->all)
		if ((*g)->vcpus.n)
			finish_guest(k, *g);
	if (k->guests.n)
		qsort(k->guests.v, k->guests.n, sizeof(*k->guests.v), by_name);
}

void ph_kvm_guest_label(const struct ph_kvm_guest *g, struct ph_buf *out)
{
	if (g->name) {
		ph_buf_adds(out, g->name);
		return;
	}
	ph_buf_add(out, g->comm, strnlen(g->comm, sizeof(g->comm)));
	ph_buf_addf(out, "%s:%d", g->comm[0] ? "" : "?", g->pid);
}
