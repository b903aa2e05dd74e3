/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "event/schema.h"
#include "identity/cgroupfs.h"
#include "identity/proc.h"
#include "live/top_trace.h"

#define SCAN_SHARE 200		/* of the time, for looking for containers: 0.5 % */
#define SCAN_MAX_NS (10 * PH_NSEC)

int ph_top_open(struct ph_top *t, const char *root, const struct ph_top_want *want, struct ph_err *err)
{
	int r;

	*t = (struct ph_top){ .want = *want, .rootfd = -1, .procfd = -1 };
	t->scan_opts.root = root && strcmp(root, "/") ? root : NULL;
	t->rootfd = open(root ? root : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->rootfd < 0)
		return ph_err_sys(err, -errno, "cannot open %s", root ? root : "/");
	t->procfd = openat(t->rootfd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->procfd < 0) {
		r = ph_err_sys(err, -errno, "cannot open /proc");
		ph_top_close(t);
		return r;
	}
	/* A container keeps some twenty files open. */
	ph_files_max();
	t->fs = ph_alloc(sizeof(*t->fs));
	ph_cgroupfs_open(t->fs, t->rootfd);
	t->tasks = ph_top_tasks_new();
	if (!want->no_bpf && !want->filtered && want->counts & PH_TOP_KERNEL)
		ph_top_kernel_open(t);
	return 0;
}

static void row_free(struct ph_top_row *r)
{
	ph_top_dirs_free(r->dirs);
	free(r->key);
	free(r);
}

void ph_top_close(struct ph_top *t)
{
	ph_top_trace_close(t);
	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&t->by_key, s));)
		row_free(s->val);
	ph_strmap_done(&t->by_key);
	ph_vec_done(&t->rows);
	ph_scan_done(&t->scan);
	ph_top_kernel_close(t);
	ph_top_events_close(t);
	ph_top_tasks_free(t->tasks);
	if (t->fs)
		ph_cgroupfs_done(t->fs);
	free(t->fs);
	if (t->procfd >= 0)
		close(t->procfd);
	if (t->rootfd >= 0)
		close(t->rootfd);
	t->tasks = NULL;
	t->fs = NULL;
	t->procfd = t->rootfd = -1;
}

/* ---- which containers ----------------------------------------------------------------------------------- */

/* Indices change with every scan; a container that was stopped and started is another one. */
static char *key_of(const struct ph_host_container *hc)
{
	const struct ph_container *c = &hc->c;

	if (c->index == PH_CONTAINER_HOST)
		return ph_strdup("host");
	return ph_asprintf("%s %s %d %" PRIu64 " %d", c->runtime ? c->runtime : "", c->id ? c->id : "", c->hierarchy,
			   c->cgroup_id, c->init_pid);
}

static void take_in(struct ph_top *t, const struct ph_host_container *hc)
{
	ph_autofree char *key = key_of(hc);
	struct ph_top_row *r = ph_strmap_get(&t->by_key, key);

	if (r && r->round == t->round) {	/* two that look the same: the first */
		*ph_vec_push(&t->rows) = NULL;
		return;
	}
	if (!r) {
		r = ph_alloc(sizeof(*r));
		r->key = ph_take(key);
		for (unsigned int i = 0; i < PH_TOP_HISTORY; i++)
			r->history[i] = -1;
		if (hc->c.index != PH_CONTAINER_HOST)
			r->dirs = ph_top_dirs_open(t->fs, hc);
		ph_strmap_put(&t->by_key, r->key, r);
	}
	if (r->dirs && !ph_top_dirs_current(r->dirs, hc)) {
		ph_top_dirs_free(r->dirs);
		r->dirs = ph_top_dirs_open(t->fs, hc);
	}
	r->hc = hc;
	r->round = t->round;
	*ph_vec_push(&t->rows) = r;
}

static void drop_gone(struct ph_top *t)
{
	PH_VEC(struct ph_top_row *) gone = { 0 };

	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&t->by_key, s));)
		if (((struct ph_top_row *)s->val)->round != t->round)
			*ph_vec_push(&gone) = s->val;
	for (size_t i = 0; i < gone.n; i++) {
		ph_strmap_del(&t->by_key, gone.v[i]->key);
		row_free(gone.v[i]);
	}
	ph_vec_done(&gone);
}

static uint64_t cpu_time_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

static int look(struct ph_top *t, uint64_t now_ns, struct ph_err *err)
{
	uint64_t every = t->scan_cost_ns * SCAN_SHARE, before;
	struct ph_scan fresh;
	int r;

	if (every > SCAN_MAX_NS)
		every = SCAN_MAX_NS;
	if (t->rows.n && !t->lost_one && now_ns - t->scanned_ns < every)
		return 0;
	before = cpu_time_ns();
	r = ph_scan_run(&fresh, &t->scan_opts, err);
	if (r < 0)
		return r;
	t->scan_cost_ns = cpu_time_ns() - before;
	t->scanned_ns = now_ns;
	t->lost_one = false;
	t->rows.n = 0;
	for (size_t i = 0; i < fresh.containers.n; i++)
		take_in(t, fresh.containers.v[i]);
	drop_gone(t);
	ph_scan_done(&t->scan);
	t->scan = fresh;
	return 0;
}

/* ---- their numbers --------------------------------------------------------------------------------------- */

/* Its own network namespace only: what the host's carries is not one container's. */
static void network(struct ph_top *t, struct ph_top_row *r)
{
	const struct ph_container *c = &r->hc->c, *host = &t->scan.containers.v[0]->c;
	char buf[16384];

	if (!(t->want.counts & PH_TOP_NETWORK) || !c->init_pid || !c->ns[PH_NS_NET] || !host->ns[PH_NS_NET] || c->ns[PH_NS_NET] == host->ns[PH_NS_NET])
		return;
	if (ph_proc_read(t->procfd, c->init_pid, "net/dev", buf, sizeof(buf)) > 0)
		ph_top_net(buf, NULL, NULL, &r->now);
}

static bool grew(const struct ph_top_row *r, enum ph_top_count what, uint64_t *ret)
{
	if (r->fresh || !(r->now.counted & r->before.counted & 1ull << what) || r->now.ns <= r->before.ns)
		return false;
	/* A counter that went back was begun anew. */
	*ret = r->now.count[what] >= r->before.count[what] ? r->now.count[what] - r->before.count[what] : 0;
	return true;
}

/* v1 tells where CPU time went by counting ticks, how much it was by the clock: their relation is used. */
bool ph_top_delta(const struct ph_top_row *r, enum ph_top_count what, uint64_t *ret)
{
	uint64_t cpu, other;

	if (!grew(r, what, ret))
		return false;
	if ((what == PH_TOP_USER || what == PH_TOP_SYSTEM) && grew(r, PH_TOP_CPU, &cpu) &&
	    grew(r, what == PH_TOP_USER ? PH_TOP_SYSTEM : PH_TOP_USER, &other) && *ret + other)
		*ret = (uint64_t)((double)cpu * (double)*ret / (double)(*ret + other));
	return true;
}

void ph_top_by_id(const struct ph_top *t, struct ph_strmap *ret)
{
	for (size_t i = 1; i < t->rows.n; i++)
		if (t->rows.v[i] && t->rows.v[i]->hc->c.id)
			ph_strmap_put(ret, t->rows.v[i]->hc->c.id, t->rows.v[i]);
}

const struct ph_top_row *ph_top_row_at(const struct ph_top *t, uint32_t index)
{
	if (t->trace)
		return ph_top_trace_at(t, index);
	return index < t->rows.n ? t->rows.v[index] : NULL;
}

const char *ph_top_name(const struct ph_top_row *r)
{
	const struct ph_container *c = &r->hc->c;

	if (c->index == PH_CONTAINER_HOST)
		return "(host)";
	return c->name ? c->name : c->id ? c->id : "?";
}

bool ph_top_level(const struct ph_top_row *r, enum ph_top_level what, uint64_t *ret)
{
	if (!(r->now.levelled & 1u << what))
		return false;
	*ret = r->now.level[what];
	return true;
}

void ph_top_remember(struct ph_top_row *r)
{
	uint64_t cpu;

	memmove(r->history, r->history + 1, sizeof(r->history) - sizeof(r->history[0]));
	r->history[PH_TOP_HISTORY - 1] =
		ph_top_delta(r, PH_TOP_CPU, &cpu) ? (float)((double)cpu * 100 / (double)ph_top_interval(r)) : -1;
}

static void sample(struct ph_top *t, struct ph_top_row *r, uint64_t now_ns, uint64_t skew_ns)
{
	/* Each row is of its own moment: two hundred of them take some milliseconds. */
	r->fresh = !r->now.ns;
	r->before = r->now;
	r->now = (struct ph_top_sample){ .ns = now_ns + (t->scan_opts.root ? 0 : ph_now_ns() - skew_ns) };
	if (!r->dirs) {
		ph_top_host_round(t, r);
		return;
	}
	ph_top_set_level(&r->now, PH_TOP_TASKS, r->hc->ntasks);
	if (r->hc->memory.found)
		ph_top_set_level(&r->now, PH_TOP_MEMORY_LIMIT, r->hc->memory.bytes);
	r->gone = ph_top_cgroup(r->dirs, &t->want, &r->before, &r->now) == -ENODEV;
	t->lost_one |= r->gone;
	r->by_tasks = !(r->now.counted & 1ull << PH_TOP_CPU) && !(r->now.levelled & 1u << PH_TOP_WORKING_SET);
	network(t, r);
}

int ph_top_round(struct ph_top *t, uint64_t now_ns, struct ph_err *err)
{
	uint64_t skew = ph_now_ns();	/* looking for containers takes its time, and comes before the counters */
	int r;

	t->round++;
	r = look(t, now_ns, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->rows.n; i++)
		if (t->rows.v[i])
			sample(t, t->rows.v[i], now_ns, skew);
	ph_top_kernel_round(t);
	ph_top_tasks_round(t);
	ph_top_events_round(t, now_ns);
	for (size_t i = 0; i < t->rows.n; i++)
		if (t->rows.v[i])
			ph_top_remember(t->rows.v[i]);
	return 0;
}
