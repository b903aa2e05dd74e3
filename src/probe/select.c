/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose files are looked into. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "identity/scan.h"
#include "probe/resolve.h"

static bool named(const struct ph_selection *sel, int32_t pid)
{
	bool only = false;

	ph_vec_each(p, &sel->pids) {
		if (*p == -pid)
			return false;
		if (*p == pid)
			return true;
		only |= *p > 0;
	}
	return !only;
}

static int nobody(const struct ph_selection *sel, const struct ph_scan *scan, struct ph_err *err)
{
	ph_autofree const struct ph_container **all = ph_alloc((scan->containers.n + 1) * sizeof(*all));

	for (size_t i = 0; i < scan->containers.n; i++)
		all[i] = &scan->containers.v[i]->c;
	return sel ? ph_selection_none(sel, all, scan->containers.n, err) : ph_err_set(err, -ENOENT, "there is no process");
}

/*
 * Namespaces are left to the kernel side, which asks at each event: a file too many costs a moment, a file too few
 * would be missed.
 */
int ph_probe_select(const struct ph_selection *sel, ph_probe_processes *ret, struct ph_err *err)
{
	struct ph_scan_opts o = { .root = "/", .no_names = !sel || !ph_selection_by_container(sel) };
	struct ph_scan scan;
	int r = ph_scan_run(&scan, &o, err);

	if (r < 0)
		return r;
	ph_vec_each(t, &scan.tasks) {
		const struct ph_container *c = &scan.containers.v[t->container]->c;
		char comm[17] = "";
		struct ph_probe_process *pr;

		memcpy(comm, t->comm, sizeof(t->comm));
		if (sel && ((ph_selection_by_container(sel) && !ph_selection_match_container(sel, c)) ||
			    !named(sel, t->pid) || (sel->comm.n && !ph_selection_match_comm(sel, comm))))
			continue;
		pr = ph_vec_push(ret);
		pr->pid = t->pid;
		pr->container = t->container;
	}
	if (!ret->n)
		r = nobody(sel, &scan, err);
	ph_scan_done(&scan);
	return r;
}
