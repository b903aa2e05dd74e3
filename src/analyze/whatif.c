/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the programs to answers. */
#include "analyze/whatif.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/packets.h"
#include "analyze/whatif_priv.h"
#include "base/cleanup.h"
#include "base/clock.h"

const char *ph_whatif_gap_text(enum ph_whatif_gap g)
{
	static const char *const texts[PH_GAP_MAX] = {
		"unknown: before a task's first event, or events were lost", "waiting for a CPU that ran who was not recorded",
		"waiting, with no interrupts recorded that would tell what for", "waiting for what is not known",
		"the hypervisor ran others",
	};

	return g < PH_GAP_MAX ? texts[g] : "?";
}

/* Since 6.18 it is tasks that are throttled, where they leave the kernel; before, it was all of a CPU's at once. */
static bool task_based(const char *release)
{
	unsigned int major, minor;

	return !release || sscanf(release, "%u.%u", &major, &minor) != 2 || major > 6 || (major == 6 && minor >= 18);
}

int ph_whatif_new(struct ph_whatif **ret, const struct ph_identity *id, const struct ph_selection *sel, bool whole, const char *release,
		  struct ph_err *err)
{
	struct ph_whatif *w = ph_alloc(sizeof(*w));
	int r = ph_program_new(&w->program, err);

	if (r < 0) {
		free(w);
		return r;
	}
	w->id = id;
	w->sel = sel;
	w->whole = whole;
	w->setup.kernel_runs_on = task_based(release);
	w->container = PH_CONTAINER_UNKNOWN;
	w->packets = ph_packets_new();
	w->st = ph_states_new(id, &whatif_learn, w);
	ph_vec_push(&w->cgroups);
	ph_vec_push(&w->masks);
	*ret = w;
	return 0;
}

void ph_whatif_free(struct ph_whatif *w)
{
	if (!w)
		return;
	ph_states_free(w->st);
	ph_packets_free(w->packets);
	ph_program_free(w->program);
	ph_u64map_done(&w->group_map);
	ph_vec_done(&w->tasks);
	ph_vec_done(&w->living);
	ph_vec_done(&w->living_free);
	ph_vec_done(&w->selected);
	ph_vec_done(&w->idle);
	ph_vec_done(&w->masks);
	ph_vec_done(&w->sim_masks);
	ph_vec_done(&w->bindings);
	ph_vec_done(&w->cgroups);
	ph_vec_done(&w->groups);
	ph_vec_done(&w->changes);
	ph_vec_done(&w->ticks);
	ph_vec_done(&w->exits);
	ph_vec_done(&w->points);
	ph_vec_done(&w->requests);
	free(w);
}

void ph_whatif_feed(struct ph_whatif *w, const struct ph_event *ev)
{
	ph_states_feed(w->st, ev);
	whatif_learn_event(w, ev);
}

/* ---- whose ----------------------------------------------------------------------------------------- */

static bool chosen(const struct ph_whatif *w, uint32_t task)
{
	return task < w->tasks.n && w->tasks.v[task].chosen;
}

/* Its tasks may be elsewhere at the end: who starts a container in one leaves that for it. */
static int choose_container(struct ph_whatif *w, struct ph_err *err)
{
	ph_autofree const struct ph_container **c = ph_alloc((w->selected.n + 1) * sizeof(*c));
	ph_autobuf list = { 0 };
	size_t n = 0, k;

	ph_vec_each(at, &w->selected) {
		/* Two numbers may have turned out to be one container's. */
		c[n] = ph_identity_container(w->id, *at);
		for (k = 0; c[n] && k < n && c[k] != c[n]; k++)
			;
		if (!c[n] || c[n]->index == PH_CONTAINER_HOST || k < n)
			continue;
		w->container = *at;
		n++;
	}
	if (n <= 1)
		return n ? 0 : -ENOENT;
	ph_selection_list(c, n, &list);
	return ph_err_set(err, -EINVAL, "more than one container is selected: %s; choose one, as -c '#%u'", list.p, c[0]->index);
}

static int by_task(const void *pa, const void *pb)
{
	const struct ph_sim_point *a = pa, *b = pb;

	if (a->task != b->task)
		return a->task < b->task ? -1 : 1;
	return a->pos_ns < b->pos_ns ? -1 : a->pos_ns > b->pos_ns;
}

/* ---- points ---------------------------------------------------------------------------------------- */

#define JOB UINT32_MAX		/* a point's number that is no request's */

static void add_point(struct ph_whatif *w, uint32_t task, uint64_t pos_ns, uint32_t nr)
{
	*ph_vec_push(&w->points) = (struct ph_sim_point){ .task = task, .pos_ns = pos_ns, .nr = nr };
}

/* The thread that the process of @i, its first one, ends with. */
static uint32_t last_thread(const struct ph_whatif *w, uint32_t i)
{
	/* Who lies may have made a ring of them. */
	for (size_t n = 0; w->tasks.v[i].heir && n < w->tasks.n; n++)
		i = w->tasks.v[i].heir - 1;
	return i;
}

/*
 * The last thread of the container's first process, as is told; else of those that were seen the oldest. Runtimes have others in it
 * before. UINT32_MAX: none.
 */
static uint32_t main_task(const struct ph_whatif *w)
{
	uint32_t oldest = UINT32_MAX;

	for (uint32_t i = 0; i < w->tasks.n; i++) {
		const struct ph_program_task *p = ph_program_nth(w->program, i);
		const struct whatif_task *t = &w->tasks.v[i];

		if (p->tid != p->pid || (!t->first_ns && !w->tasks.v[last_thread(w, i)].first_ns))
			continue;
		if (ph_identity_is_init(w->id, w->container, p->pid))
			return last_thread(w, i);
		if (oldest == UINT32_MAX || t->start_ns < w->tasks.v[oldest].start_ns)
			oldest = i;
	}
	return oldest == UINT32_MAX ? oldest : last_thread(w, oldest);
}

/*
 * From the first running of its tasks to the end of its first process, if that is told, and of those that had ended by then: who
 * has ended is not waited for, but may have to be when it takes longer. Else to all tasks' last running.
 */
static void choose_points(struct ph_whatif *w)
{
	uint32_t first = UINT32_MAX, main = main_task(w);

	for (uint32_t i = 0; i < w->tasks.n; i++) {
		const struct whatif_task *t = &w->tasks.v[i];

		if (t->first_ns && (first == UINT32_MAX || t->first_ns < w->tasks.v[first].first_ns))
			first = i;
	}
	if (first == UINT32_MAX)
		return;
	w->begin_ns = w->tasks.v[first].first_ns;
	add_point(w, first, w->begin_ns, JOB);
	w->ended = main != UINT32_MAX && ph_program_nth(w->program, main)->ended && !w->tasks.v[main].left;
	for (uint32_t i = 0; i < w->tasks.n; i++) {
		const struct whatif_task *t = &w->tasks.v[i];

		if (!t->first_ns)
			continue;
		if (w->ended && i != main && (!ph_program_nth(w->program, i)->ended || t->last_ns > w->tasks.v[main].last_ns))
			continue;
		add_point(w, i, t->last_ns, JOB);
		if (t->last_ns > w->end_ns)
			w->end_ns = t->last_ns;
	}
}

struct life {
	int32_t tid;
	uint32_t task;
	uint64_t begin_ns;
};

static int by_tid(const void *pa, const void *pb)
{
	const struct life *a = pa, *b = pb;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return a->begin_ns < b->begin_ns ? -1 : a->begin_ns > b->begin_ns;
}

/* Which task had the number @tid at @ts? */
static uint32_t task_at(const struct life *lives, size_t n, int32_t tid, uint64_t ts)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (lives[mid].tid < tid || (lives[mid].tid == tid && lives[mid].begin_ns <= ts))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && lives[lo - 1].tid == tid ? lives[lo - 1].task : UINT32_MAX;
}

static void choose_requests(struct ph_whatif *w, const struct ph_requests *requests)
{
	uint32_t n = ph_program_ntasks(w->program);
	ph_autofree struct life *lives = ph_alloc((n + 1) * sizeof(*lives));
	struct ph_request q;

	for (uint32_t i = 0; i < n; i++) {
		const struct ph_program_task *p = ph_program_nth(w->program, i);

		lives[i] = (struct life){ p->tid, i, p->begin_ns };
	}
	qsort(lives, n, sizeof(*lives), by_tid);
	for (uint64_t i = 0; i < requests->n && w->requests.n + 2 < JOB; i++) {
		uint32_t from, to;

		if (ph_requests_get(requests, i, &q) < 0)
			return;
		from = task_at(lives, n, q.begin_tid, q.begin_ns);
		to = task_at(lives, n, q.end_tid, q.end_ns);
		if (from == UINT32_MAX || to == UINT32_MAX)
			continue;
		add_point(w, from, q.begin_ns, (uint32_t)w->requests.n);
		ph_vec_push(&w->requests);
		add_point(w, to, q.end_ns, (uint32_t)w->requests.n);
		ph_vec_push(&w->requests);
	}
}

static void sort_points(struct ph_whatif *w)
{
	qsort(w->points.v, w->points.n, sizeof(*w->points.v), by_task);
	for (size_t i = 0; i < w->points.n; i++) {
		const struct ph_sim_point *p = &w->points.v[i];

		if (p->nr != JOB)
			w->requests.v[p->nr] = (uint32_t)i;
		else if (p->pos_ns == w->begin_ns)
			w->first_point = i;
	}
}

/* ---- simulating ------------------------------------------------------------------------------------ */

static int up(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

static uint64_t rank(const uint64_t *sorted, size_t n, double share)
{
	size_t i = (size_t)ceil(share * (double)n);

	return sorted[i ? i - 1 : 0];
}

typedef PH_VEC(uint64_t) times;

/* How long each request took is added to @ret. @recorded: as they were, not as the simulation has just had them. */
static void add_times(const struct ph_whatif *w, bool recorded, times *ret)
{
	for (size_t i = 0; i + 1 < w->requests.n; i += 2) {
		const struct ph_sim_point *a = &w->points.v[w->requests.v[i]], *b = &w->points.v[w->requests.v[i + 1]];
		uint64_t from = recorded ? a->pos_ns : a->at_ns, to = recorded ? b->pos_ns : b->at_ns;

		if (from && to)
			*ph_vec_push(ret) = to > from ? to - from : 0;
	}
}

/* Sorts @t. */
static struct ph_whatif_latency latency_of(times *t)
{
	if (!t->n)
		return (struct ph_whatif_latency){ 0 };
	qsort(t->v, t->n, sizeof(*t->v), up);
	return (struct ph_whatif_latency){
		t->n, rank(t->v, t->n, 0.5), rank(t->v, t->n, 0.9), rank(t->v, t->n, 0.99), t->v[t->n - 1],
	};
}

static void measure(const struct ph_whatif *w, bool recorded, struct ph_whatif_latency *ret)
{
	times t = { 0 };

	add_times(w, recorded, &t);
	*ret = latency_of(&t);
	ph_vec_done(&t);
}

/* It begins when the stream does; without a task that was chosen there is nothing to simulate. */
static void set_up(struct ph_whatif *w)
{
	struct ph_sim_setup *s = &w->setup;

	s->program = w->program;
	s->groups = w->groups.v;
	s->ngroups = w->groups.n;
	s->changes = w->changes.v;
	s->nchanges = w->changes.n;
	s->masks = w->sim_masks.v;
	s->nmasks = w->sim_masks.n;
	s->ncpus = w->seen.cpus < 1 ? 1 : w->seen.cpus > PH_SIM_CPUS ? PH_SIM_CPUS : w->seen.cpus;
	s->begin_ns = w->seen.begin_ns;
	s->points = w->points.v;
	s->npoints = w->points.n;
	whatif_ticks(w, &s->tick_ns, &s->tick_at_ns);
	if (w->exits.n) {
		qsort(w->exits.v, w->exits.n, sizeof(*w->exits.v), up);
		s->exit_ns = w->exits.v[w->exits.n / 2];
	}
}

static int run(struct ph_whatif *w, const struct ph_sim_setup *s, struct ph_whatif_outcome *ret, struct ph_err *err)
{
	struct ph_sim_result res;
	uint64_t end = 0;

	ph_sim_run(s, &res);
	for (size_t i = 0; i < s->npoints; i++)
		if (i != w->first_point && s->points[i].nr == JOB && s->points[i].at_ns > end)
			end = s->points[i].at_ns;
	*ret = (struct ph_whatif_outcome){ 0 };
	if (end > s->points[w->first_point].at_ns)
		ret->duration_ns = end - s->points[w->first_point].at_ns;
	ret->cpu_ns = w->group ? res.groups[w->group].cpu_ns : 0;
	for (uint32_t i = 0; i < s->ngroups; i++) {
		if (!whatif_groups_related(w, s->groups, i))
			continue;
		ret->throttled_ns += res.groups[i].throttled_ns;
		ret->throttled_periods += res.groups[i].throttled_periods;
	}
	free(res.groups);
	measure(w, false, &ret->requests);
	return res.stopped ? ph_err_set(err, -ECANCELED, "interrupted before there was an answer") : 0;
}

/* What was recorded: of limits as the kernel has counted it, where that is told. */
static void sum_recorded(struct ph_whatif *w)
{
	struct ph_cgtree *t = ph_states_cgroups(w->st);
	struct ph_whatif_outcome *o = &w->recorded;

	o->duration_ns = w->end_ns - w->begin_ns;
	measure(w, true, &o->requests);
	for (int k = 0; k < PH_GAP_MAX; k++)
		w->gaps[k] = w->ns ? (double)w->gaps_ns[k] / (double)w->ns : 0;
	for (uint32_t i = 1; i < w->groups.n; i++) {
		const struct ph_cgnode *n = ph_cgtree_cpu_node(t, w->cgroups.v[i].id);

		if (!whatif_groups_related(w, w->groups.v, i))
			continue;
		if (whatif_groups_below(w, i))
			o->cpu_ns += w->cgroups.v[i].ran_ns;
		o->throttled_ns += w->cgroups.v[i].out_ns;
		if (n && n->first.ts_ns && n->first.ts_ns <= w->begin_ns && n->last.ts_ns >= w->end_ns)
			o->throttled_periods += n->last.nr_throttled - n->first.nr_throttled;
		else
			o->throttled_periods += w->cgroups.v[i].outs;
	}
}

static double off(uint64_t ns, uint64_t from)
{
	return from ? fabs((double)ns / (double)from - 1) : 0;
}

static double cpus_of(const struct ph_sim_group *g)
{
	return g->quota_ns > 0 ? (double)g->quota_ns / (double)g->period_ns : INFINITY;
}

/* The limit that it had for longest; runtimes set it a moment after the begin. */
static void choose_limit(struct ph_whatif *w)
{
	uint64_t since = w->begin_ns, most = 0;
	double cpus = cpus_of(&w->groups.v[w->group]);

	w->cpus = w->group ? cpus : INFINITY;
	for (size_t i = 0; w->group && i <= w->changes.n; i++) {
		const struct ph_sim_group_change *c = i < w->changes.n ? &w->changes.v[i] : NULL;
		uint64_t until = c && c->at_ns < w->end_ns ? c->at_ns : w->end_ns;

		if (c && (c->group != w->group || cpus_of(&c->to) == cpus))
			continue;
		if (until > since && until - since > most) {
			most = until - since;
			w->cpus = cpus;
		}
		since = until > since ? until : since;
		cpus = c ? cpus_of(&c->to) : cpus;
	}
	w->changed = w->group && most < (w->end_ns - w->begin_ns) / 100 * 95;
}

int ph_whatif_finish(struct ph_whatif *w, uint64_t end_ns, const struct ph_requests *requests, struct ph_err *err)
{
	struct ph_sim_setup bound;
	int r;

	ph_states_finish(w->st, end_ns);
	ph_states_seen(w->st, &w->seen);
	for (uint32_t i = 0; i < w->tasks.n; i++)
		whatif_learn_end(w, i);
	r = choose_container(w, err);
	if (r < 0)
		return r;
	choose_points(w);
	if (!w->points.n)
		return -ENOENT;
	if (requests)
		choose_requests(w, requests);
	sort_points(w);
	whatif_groups_make(w);
	whatif_masks_make(w);
	w->group = whatif_groups_of(w, w->container);
	choose_limit(w);
	sum_recorded(w);
	set_up(w);
	r = run(w, &w->setup, &w->again, err);
	if (r < 0)
		return r;
	bound = w->setup;
	bound.as_recorded = true;
	r = run(w, &bound, &w->bound, err);
	if (r < 0)
		return r;
	w->bound.throttled_ns = w->bound.throttled_periods = 0;
	w->deviation = off(w->again.duration_ns, w->recorded.duration_ns);
	if (w->recorded.requests.count)
		w->deviation = fmax(w->deviation, off(w->again.requests.p50_ns, w->recorded.requests.p50_ns));
	return ph_program_error(w->program, err);
}

struct absent {
	const struct ph_whatif *w;
	const struct ph_selection *sel;
};

static bool is_without(void *arg, uint32_t task)
{
	const struct absent *a = arg;
	uint32_t container = ph_program_nth(a->w->program, task)->container;
	const struct ph_container *c = container == PH_CONTAINER_UNKNOWN ? NULL : ph_identity_container(a->w->id, container);

	return c && container != PH_CONTAINER_HOST && !chosen(a->w, task) && ph_selection_match_container(a->sel, c);
}

/*
 * When periods begin is chance where it was not seen, and may decide how long a short job takes, and whether a hundredth of its requests is
 * throttled: several beginnings are tried. Of the job each figure is the one in the middle; requests are taken together, as those of many days are.
 */
#define PHASES 5

static void sorted(const struct ph_whatif_outcome *o, size_t n, size_t field, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++)
		memcpy(&ret[i], (const char *)&o[i] + field, sizeof(ret[i]));
	qsort(ret, n, sizeof(*ret), up);
}

/* To a hundredth: of a long recording it does not matter when periods begin, and no more of them are tried. */
static bool all_alike(const struct ph_whatif_outcome *o, size_t n)
{
	static const size_t fields[] = {
		offsetof(struct ph_whatif_outcome, duration_ns), offsetof(struct ph_whatif_outcome, requests.p50_ns),
		offsetof(struct ph_whatif_outcome, requests.p90_ns), offsetof(struct ph_whatif_outcome, requests.p99_ns),
	};
	uint64_t v[PHASES];

	for (size_t i = 0; i < PH_ARRAY_SIZE(fields); i++) {
		sorted(o, n, fields[i], v);
		if (v[n - 1] - v[0] > v[0] / 100)
			return false;
	}
	return true;
}

bool whatif_periods_known(const struct ph_whatif *w, const struct ph_whatif_change *change)
{
	return !change->period_ns && w->cgroups.v[w->group].refill_ns;
}

/*
 * A program never needs the same CPU time twice: caches, frequency, neighbours make it some percent more or less. Near to what it
 * needs a limit makes much of that: it is simulated with so much less, where it was fastest, and with so much more, where it was slowest.
 */
#define CPU_TIME_VARIES 0.03

static uint64_t in_question(const struct ph_whatif_outcome *o)
{
	return o->requests.count ? o->requests.p99_ns : o->duration_ns;
}

/* @o: of the begins of periods that were tried, each by @phases, after the @first. */
static int widen(struct ph_whatif *w, const struct ph_sim_setup *s, struct ph_sim_group *g, uint64_t first, const unsigned int *phases,
		 const struct ph_whatif_outcome *o, size_t n, struct ph_whatif_outcome *ret, struct ph_err *err)
{
	struct ph_sim_setup other = *s;
	size_t best = 0, worst = 0;
	int r = 0;

	for (size_t i = 1; i < n; i++) {
		best = in_question(&o[i]) < in_question(&o[best]) ? i : best;
		worst = in_question(&o[i]) > in_question(&o[worst]) ? i : worst;
	}
	ret->least_ns = in_question(&o[best]);
	ret->most_ns = in_question(&o[worst]);
	for (int less = 0; less < 2 && r >= 0; less++) {
		struct ph_whatif_outcome as;

		/* Who never waited for it would not wait less. */
		if (less && !o[best].throttled_ns)
			break;
		g->phase_ns = first + phases[less ? best : worst] * (g->period_ns / 125);
		other.charge = less ? -CPU_TIME_VARIES : CPU_TIME_VARIES;
		r = run(w, &other, &as, err);
		ret->least_ns = in_question(&as) < ret->least_ns ? in_question(&as) : ret->least_ns;
		ret->most_ns = in_question(&as) > ret->most_ns ? in_question(&as) : ret->most_ns;
	}
	return r;
}

/* A limit that has as much as all CPUs is never out, whenever its periods begin. */
static int run_phases(struct ph_whatif *w, const struct ph_sim_setup *s, struct ph_sim_group *g, bool known, bool once,
		      struct ph_whatif_outcome *ret, struct ph_err *err)
{
	static const size_t fields[] = {
		offsetof(struct ph_whatif_outcome, duration_ns), offsetof(struct ph_whatif_outcome, cpu_ns),
		offsetof(struct ph_whatif_outcome, throttled_ns), offsetof(struct ph_whatif_outcome, throttled_periods),
		offsetof(struct ph_whatif_outcome, requests.count),
	};
	/*
	 * In 125ths of a period: one in each fifth of it, in each fifth of a fifth, and of that again; so they are not alike either for what
	 * comes ten times in a period, nor for the timer, whose ticks a limit is counted at. The first three are far from each other.
	 */
	static const unsigned int phases[PHASES] = { 0, 42, 96, 59, 113 };
	struct ph_whatif_outcome o[PHASES];
	uint64_t first = g->phase_ns, v[PHASES], count;
	times all = { 0 };
	size_t n = 0;
	bool matters = g->quota_ns > 0 && (uint64_t)g->quota_ns < s->ncpus * g->period_ns;

	while (!n || (matters && !known && !once && n < PHASES && (n != PHASES / 2 + 1 || !all_alike(o, n)))) {
		int r;

		g->phase_ns = first + phases[n] * (g->period_ns / 125);
		r = run(w, s, &o[n++], err);
		if (r < 0) {
			ph_vec_done(&all);
			return r;
		}
		add_times(w, false, &all);
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(fields); i++) {
		sorted(o, n, fields[i], v);
		memcpy((char *)ret + fields[i], &v[n / 2], sizeof(v[0]));
	}
	count = ret->requests.count;
	ret->requests = latency_of(&all);
	ret->requests.count = count;
	ph_vec_done(&all);
	ret->least_ns = ret->most_ns = in_question(ret);
	return matters && !once ? widen(w, s, g, first, phases, o, n, ret, err) : 0;
}

static void apply(const struct ph_whatif *w, const struct ph_whatif_change *change, struct ph_sim_group *g)
{
	if (change->period_ns)
		g->period_ns = change->period_ns;
	if (change->burst_ns >= 0)
		g->burst_ns = (uint64_t)change->burst_ns;
	if (!isnan(change->cpus))
		g->quota_ns = isinf(change->cpus) ? -1 : (int64_t)(change->cpus * (double)g->period_ns + 0.5);
	if (change->period_ns)
		g->phase_ns = w->begin_ns + g->period_ns / 2;
	if (change->weight_percent)
		g->weight = change->weight_percent * PH_SIM_WEIGHT / 100;
	if (change->confined) {
		g->confined = true;
		g->cpus = change->cpuset;
	}
}

int whatif_ask(struct ph_whatif *w, const struct ph_whatif_change *change, bool once, struct ph_whatif_outcome *ret, struct ph_err *err)
{
	struct ph_sim_setup s = w->setup;
	ph_autofree struct ph_sim_group *groups = ph_alloc(w->groups.n * sizeof(*groups));
	ph_autofree struct ph_sim_group_change *changes = ph_alloc((w->changes.n + 1) * sizeof(*changes));
	struct ph_sim_group *g = &groups[w->group];
	struct absent absent = { w, change->without };
	int r;

	if (!w->group)
		return ph_err_set(err, -ENOENT, "the cgroup of the container is not known");
	memcpy(groups, w->groups.v, w->groups.n * sizeof(*groups));
	s.groups = groups;
	apply(w, change, g);
	/* What was changed meanwhile is so all the time, where it is asked for. */
	for (size_t i = 0; i < w->changes.n; i++) {
		changes[i] = w->changes.v[i];
		if (changes[i].group == w->group)
			apply(w, change, &changes[i].to);
	}
	s.changes = changes;
	s.scale[PH_WAIT_DISK] = s.scale[PH_WAIT_FAULT] = change->disk;
	s.scale[PH_WAIT_RECLAIM] = change->memory;
	if (change->without) {
		s.without = is_without;
		s.arg = &absent;
	}
	r = run_phases(w, &s, g, whatif_periods_known(w, change), once, ret, err);
	return r < 0 ? r : ph_program_error(w->program, err);
}

int ph_whatif_ask(struct ph_whatif *w, const struct ph_whatif_change *change, struct ph_whatif_outcome *ret, struct ph_err *err)
{
	return whatif_ask(w, change, false, ret, err);
}
