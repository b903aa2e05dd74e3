/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/scan_opts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "identity/cgpath.h"

int ph_cmd_scan(const char *verb, struct ph_scan *scan, bool stopped)
{
	struct ph_scan_opts opts = { .stopped = stopped };
	struct ph_err err = { 0 };

	if (ph_scan_run(scan, &opts, &err) < 0)
		return ph_cmd_fail(verb, &err);
	if (scan->hidden_why)
		ph_cmd_say(verb, "%s", scan->hidden_why);
	return PH_EXIT_OK;
}

int64_t ph_cmd_scan_of_pid(const struct ph_scan *scan, int32_t pid)
{
	ph_vec_each(t, &scan->tasks)
		if (t->pid == pid)
			return t->container;
	return -1;
}

static bool has_task(const struct ph_selection *sel, const struct ph_scan *scan, const struct ph_container *c)
{
	bool within = ph_container_is_within(c), wanted = sel->comm.n, found = false;

	for (size_t i = 0; i < sel->pids.n; i++)
		wanted |= sel->pids.v[i] > 0;
	ph_vec_each(t, &scan->tasks) {
		/* The process of a guest in a container is one of the container's. */
		if (within ? t->pid != c->init_pid : t->container != c->index)
			continue;
		for (size_t i = 0; i < sel->pids.n; i++) {
			if (-sel->pids.v[i] == t->pid)
				return false;
			found |= sel->pids.v[i] == t->pid;
		}
		for (size_t i = 0; i < sel->comm.n; i++) {
			bool not = sel->comm.v[i][0] == '!';

			if (!ph_glob(sel->comm.v[i] + not, t->comm))
				continue;
			if (not)
				return false;
			found = true;
		}
	}
	return !wanted || found;
}

bool ph_cmd_scan_match(const struct ph_selection *sel, const struct ph_scan *scan,
		       const struct ph_host_container *hc)
{
	bool wanted = false, found = false;

	if (!ph_selection_match_container(sel, &hc->c))
		return false;
	for (size_t i = 0; i < sel->nns; i++) {
		bool hit = hc->c.ns[sel->ns_sel[i].type] == sel->ns_sel[i].inum;

		if (hit && sel->ns_sel[i].not)
			return false;
		wanted |= !sel->ns_sel[i].not;
		found |= hit;
	}
	if (wanted && !found)
		return false;
	return (!sel->pids.n && !sel->comm.n) || has_task(sel, scan, &hc->c);
}

int ph_cmd_scan_none(const char *verb, const struct ph_selection *sel, const struct ph_scan *scan)
{
	ph_autofree const struct ph_container **all = NULL;
	struct ph_err err = { 0 };

	all = ph_alloc((scan->containers.n + 1) * sizeof(*all));
	for (size_t i = 0; i < scan->containers.n; i++)
		all[i] = &scan->containers.v[i]->c;
	ph_selection_none(sel, all, scan->containers.n, &err);
	return ph_cmd_fail(verb, &err);
}

/* Whose limit it is: nothing for the container's own, "pod", or the last part of the path. */
static const char *whose(const struct ph_host_limit *l)
{
	const char *slash = l->where ? strrchr(l->where, '/') : NULL;
	struct ph_cgpath cp;

	if (l->own || !l->where)
		return NULL;
	if (!ph_cgpath_parse(l->where, &cp) && cp.pod_only && !l->where[cp.own_len])
		return "pod";
	return slash && slash[1] ? slash + 1 : l->where;
}

char *ph_cmd_cpu_text(const struct ph_host_container *hc)
{
	const struct ph_host_limit *l = &hc->cpu;
	const char *who = whose(l);
	double cpus;

	if (!l->found || !l->period_us)
		return ph_strdup("-");
	cpus = (double)l->quota_us / (double)l->period_us;
	return who ? ph_asprintf("%.2f (%s)", cpus, who) : ph_asprintf("%.2f", cpus);
}

char *ph_cmd_memory_text(const struct ph_host_container *hc)
{
	const struct ph_host_limit *l = &hc->memory;
	const char *who = whose(l);
	char num[PH_HUMAN_MAX];

	if (!l->found)
		return ph_strdup("-");
	ph_human_bytes(l->bytes, num);
	return who ? ph_asprintf("%s (%s)", num, who) : ph_strdup(num);
}
