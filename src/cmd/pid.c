/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "cmd/scan_opts.h"
#include "identity/proc.h"

enum { COL_LEVEL, COL_PID, COL_PID_NS, COL_CONTAINER, COL_MAX };

static const struct ph_col cols[COL_MAX] = {
	[COL_LEVEL] = { "LEVEL", "level", PH_COL_U64, .help = "pid namespace level, 0: the host's" },
	[COL_PID] = { "PID", "pid", PH_COL_S64, .help = "process id at that level" },
	[COL_PID_NS] = { "PID_NS", "pid_ns", PH_COL_U64,
			 .help = "inode of the pid namespace, null where no container is known to own it" },
	[COL_CONTAINER] = { "CONTAINER", "container", PH_COL_STR,
			    .help = "container whose level it is; (host) on level 0" },
};

static const char *label(const struct ph_container *c)
{
	return c->index == 0 ? "(host)" : c->name ? c->name : c->id;
}

static int print(struct ph_table *t, const struct ph_table_fmt *fmt)
{
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };

	if (ph_table_print(t, fmt, ph_cmd_width(), &out, &err) < 0)
		return ph_cmd_fail("pid", &err);
	return ph_cmd_flush(&out) == 0 ? PH_EXIT_OK : PH_EXIT_FAILED;
}

/* The thread group of a thread id, so that both work; the number itself where it is unknown. */
static int32_t tgid_of(int procfd, int32_t tid)
{
	ph_autobuf b = { 0 };
	char path[32];
	const char *at;

	snprintf(path, sizeof(path), "%d/status", tid);
	if (ph_read_file_at(procfd, path, 1 << 16, &b) < 0 || !b.p)
		return tid;
	at = strstr(b.p, "\nTgid:");
	return at ? (int32_t)strtol(at + 6, NULL, 10) : tid;
}

/* The container that stands for one level: the innermost it is in, and outwards. */
static const struct ph_container *at_level(const struct ph_scan *scan, uint32_t index, unsigned int level)
{
	const struct ph_host_container *hc = scan->containers.v[index];

	for (unsigned int depth = 0; depth < 64 && hc->c.index; depth++) {
		const struct ph_host_container *up = scan->containers.v[hc->c.parent];

		if (hc->pid_level == level)
			return &hc->c;
		hc = up;
	}
	return level == 0 ? &scan->containers.v[0]->c : NULL;
}

static int tell_levels(const struct ph_scan *scan, int procfd, int32_t asked, const struct ph_table_fmt *fmt)
{
	int32_t pid = tgid_of(procfd, asked), pids[PH_PROC_LEVELS];
	int64_t index = ph_cmd_scan_of_pid(scan, pid);
	int n = ph_proc_nspid(procfd, pid, pids), r;
	struct ph_err err = { 0 };
	struct ph_table t;

	if (n <= 0 || index < 0) {
		ph_err_set(&err, -ESRCH, n <= 0 ? "there is no process %d" :
			   "process %d is a kernel thread, which is in no container", asked);
		return ph_cmd_fail("pid", &err);
	}
	ph_table_init(&t, cols, COL_MAX);
	for (int i = 0; i < n; i++) {
		const struct ph_container *c = at_level(scan, (uint32_t)index, (unsigned int)i);
		struct ph_cell *row = ph_table_row(&t);

		ph_cell_u64(&row[COL_LEVEL], (uint64_t)i);
		ph_cell_s64(&row[COL_PID], pids[i]);
		/* Containers that share the host's pid namespace are seen here only. */
		if (i + 1 == n && (!c || c->index == 0))
			c = &scan->containers.v[index]->c;
		if (!c)
			continue;
		if (c->ns[PH_NS_PID])
			ph_cell_u64(&row[COL_PID_NS], c->ns[PH_NS_PID]);
		ph_cell_str(&row[COL_CONTAINER], label(c));
	}
	r = print(&t, fmt);
	ph_table_done(&t);
	return r;
}

/* `pid -c web 1`: the host's pid of what is 1 in there. */
static int tell_host_pid(const struct ph_scan *scan, int procfd, const struct ph_selection *sel,
			 int32_t asked, const struct ph_table_fmt *fmt)
{
	struct ph_err err = { 0 };
	bool any = false, found = false;
	struct ph_table t;
	int r = PH_EXIT_OK;

	for (size_t i = 1; i < scan->containers.n; i++)
		any |= ph_cmd_scan_match(sel, scan, scan->containers.v[i]);
	if (!any)
		return ph_cmd_scan_none("pid", sel, scan);
	ph_table_init(&t, cols, COL_MAX);
	for (size_t i = 0; i < scan->tasks.n; i++) {
		const struct ph_scan_task *task = &scan->tasks.v[i];
		const struct ph_host_container *hc = scan->containers.v[task->container];
		int32_t pids[PH_PROC_LEVELS];
		struct ph_cell *row;
		int n;

		if (!task->container || !ph_cmd_scan_match(sel, scan, hc))
			continue;
		n = ph_proc_nspid(procfd, task->pid, pids);
		/* In the container's own numbering, which may be outside of where the task is. */
		if (n <= (int)hc->pid_level || pids[hc->pid_level] != asked)
			continue;
		found = true;
		row = ph_table_row(&t);
		ph_cell_u64(&row[COL_LEVEL], 0);
		ph_cell_s64(&row[COL_PID], task->pid);
		ph_cell_u64(&row[COL_PID_NS], hc->c.ns[PH_NS_PID]);
		ph_cell_str(&row[COL_CONTAINER], label(&hc->c));
	}
	if (!found) {
		ph_err_set(&err, -ESRCH, "no process has the number %d in there", asked);
		r = ph_cmd_fail("pid", &err);
	} else if (t.rows.n == 1 && fmt->output == PH_OUT_COLUMNS && !fmt->fields.n) {
		/* For $(porthole pid -c web 1). */
		printf("%d\n", (int)t.rows.v[0][COL_PID].i);
		r = fflush(stdout) ? PH_EXIT_FAILED : PH_EXIT_OK;
	} else {
		r = print(&t, fmt);
	}
	ph_table_done(&t);
	return r;
}

int ph_cmd_pid(int argc, char **argv)
{
	struct ph_opt sel_opts[PH_SELECTION_NOPTS], out_opts[PH_TABLE_NOPTS];
	struct ph_selection sel = { 0 };
	struct ph_table_fmt fmt = { 0 };
	const struct ph_opt_group groups[] = { { "Selection", sel_opts }, { "Output", out_opts }, { 0 } };
	ph_autoclose int procfd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ph_scan scan = { 0 };
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	uint64_t pid;
	int r;

	ph_selection_opts(&sel, sel_opts);
	ph_table_opts(&fmt, out_opts);
	r = ph_cmd_options("pid", "Translates process ids: the container and the pid at every pid namespace "
			   "level of a\nhost's process, or, with a container given, the host's pid of a "
			   "process in there.", "  porthole pid 41290\n  kill $(porthole pid -c web 1)\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (fmt.json_schema) {
		r = ph_cmd_schema(cols, COL_MAX);
		goto out;
	}
	if (args.n != 1) {
		r = ph_cmd_usage("pid", "give one process id");
		goto out;
	}
	if (ph_parse_u64(args.v[0], &pid, &err) < 0 || !pid || pid > INT32_MAX) {
		r = ph_cmd_usage("pid", "'%s' is not a process id", args.v[0]);
		goto out;
	}
	if (ph_selection_check(&sel, &err) < 0 || ph_table_check(&fmt, cols, COL_MAX, &err) < 0) {
		r = ph_cmd_usage("pid", "%s", err.msg);
		goto out;
	}
	r = ph_cmd_scan("pid", &scan, false);
	if (r == PH_EXIT_OK)
		r = ph_selection_by_container(&sel) ?
			tell_host_pid(&scan, procfd, &sel, (int32_t)pid, &fmt) :
			tell_levels(&scan, procfd, (int32_t)pid, &fmt);
	ph_scan_done(&scan);
out:
	ph_vec_done(&args);
	ph_selection_done(&sel);
	ph_strv_done(&fmt.fields);
	return r;
}
