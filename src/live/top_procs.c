/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top_procs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "identity/proc.h"

const struct ph_col ph_top_proc_cols[PH_PROC_NCOLS] = {
	[PH_PROC_CONTAINER] = { "CONTAINER", "container", PH_COL_STR, .help = "whose it is" },
	[PH_PROC_PID] = { "PID", "pid", PH_COL_S64, .help = "on the host" },
	[PH_PROC_INNER] = { "CPID", "container_pid", PH_COL_S64, .help = "in the container" },
	[PH_PROC_PROCESS] = { "PID", "process", PH_COL_S64, .help = "of a thread, its process" },
	[PH_PROC_STATE] = { "S", "state", PH_COL_STR, .help = "R running, S sleeping, D waiting for I/O …" },
	[PH_PROC_CPU] = { "CPU%", "cpu_percent", PH_COL_F64, .help = "of one CPU" },
	[PH_PROC_WAIT] = { "RUNQ%", "run_queue_wait_percent", PH_COL_F64, .help = "ready, without a CPU" },
	[PH_PROC_THREADS] = { "THREADS", "threads", PH_COL_U64, .help = "threads" },
	[PH_PROC_RSS] = { "RSS", "rss_bytes", PH_COL_BYTES, .help = "resident memory" },
	[PH_PROC_COMM] = { "COMMAND", "comm", PH_COL_STR, .help = "name" },
	[PH_PROC_ARGS] = { "ARGUMENTS", "arguments", PH_COL_STR, .help = "what it was started with" },
};

struct seen {
	uint32_t round;
	uint64_t start, cpu, wait;
};

static void read_args(struct ph_top_proc *row, int procfd, const char *dir)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/cmdline", dir);
	fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, row->args, sizeof(row->args) - 1);
	close(fd);
	/* Each ends with a zero. */
	while (n > 0 && !row->args[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (!row->args[i])
			row->args[i] = ' ';
	row->args[n > 0 ? n : 0] = 0;
}

/* @dir: /proc/PID, or /proc/PID/task/TID. */
static struct ph_top_proc *look(struct ph_top_procs *p, int procfd, const char *dir, int32_t id, uint64_t elapsed)
{
	unsigned long long wait = 0, run = 0;
	struct ph_top_proc *row;
	char path[64], buf[8192];
	struct ph_top_stat f;
	bool alone = false;
	struct seen *s;

	snprintf(path, sizeof(path), "%s/stat", dir);
	if (!ph_top_read(procfd, path, buf, 1024) || !ph_top_stat(buf, &f))
		return NULL;
	row = ph_vec_push(&p->v);
	*row = (struct ph_top_proc){ .id = id, .state = f.state, .threads = f.threads, .cpu = -1, .wait = -1 };
	memcpy(row->comm, f.comm, sizeof(row->comm));
	row->rss = f.rss > 0 ? (uint64_t)f.rss * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	/* schedstat is the first thread's alone, or of the one that was asked for. */
	run = (f.user + f.system) * (PH_NSEC / (uint64_t)sysconf(_SC_CLK_TCK));
	snprintf(path, sizeof(path), "%s/schedstat", dir);
	if (ph_top_read(procfd, path, buf, sizeof(buf))) {
		unsigned long long exact;

		alone = (f.threads == 1 || strstr(dir, "/task/")) && sscanf(buf, "%llu %llu", &exact, &wait) == 2;
		if (alone)
			run = exact;
	}
	s = ph_u64map_get(&p->seen, (uint64_t)id);
	if (s && s->start == f.start && elapsed) {
		row->cpu = run > s->cpu ? (double)(run - s->cpu) * 100 / (double)elapsed : 0;
		if (alone)
			row->wait = wait > s->wait ? (double)(wait - s->wait) * 100 / (double)elapsed : 0;
	}
	if (!s) {
		s = ph_alloc(sizeof(*s));
		ph_u64map_put(&p->seen, (uint64_t)id, s);
	}
	*s = (struct seen){ p->round, f.start, run, wait };
	snprintf(path, sizeof(path), "%s/status", dir);
	if (ph_top_read(procfd, path, buf, sizeof(buf))) {
		/* "NSpid:	4711	12": the last one is the innermost. */
		char *l = strstr(buf, "\nNSpid:"), *last;

		if (l) {
			l++;
			l[strcspn(l, "\n")] = 0;
			last = strrchr(l, '\t');
			row->inner = last ? (int32_t)strtol(last + 1, NULL, 10) : 0;
		}
	}
	return row;
}

void ph_top_each_process(const struct ph_top *t, const struct ph_top_scope *scope, ph_top_process_fn fn, void *arg)
{
	bool within = scope->row && ph_container_is_within(&scope->row->hc->c);

	ph_vec_each(task, &t->scan.tasks) {
		const struct ph_top_row *r = task->container < t->rows.n ? t->rows.v[task->container] : NULL;

		/* The process of a guest in a container is one of the container's. */
		if (within)
			r = task->pid == scope->row->hc->c.init_pid ? scope->row : NULL;
		if (!r || (scope->row ? r != scope->row : !scope->wanted(scope->arg, r)) ||
		    (scope->pid && task->pid != scope->pid))
			continue;
		fn(arg, task, r);
	}
}

struct looking {
	struct ph_top_procs *p;
	const struct ph_top *t;
	bool threads;
	uint64_t elapsed;
};

static void put(const struct looking *l, const char *dir, int32_t id, int32_t pid, const struct ph_top_row *r)
{
	struct ph_top_proc *row = look(l->p, l->t->procfd, dir, id, l->elapsed);

	if (!row)
		return;
	row->pid = pid;
	if (!l->threads)
		read_args(row, l->t->procfd, dir);
	snprintf(row->container, sizeof(row->container), "%s", ph_top_name(r));
}

static void look_at(void *arg, const struct ph_scan_task *task, const struct ph_top_row *r)
{
	const struct looking *l = arg;
	ph_autoclosedir DIR *d = NULL;
	struct dirent *de;
	char path[64];
	int fd;

	if (!l->threads) {
		snprintf(path, sizeof(path), "%d", task->pid);
		put(l, path, task->pid, task->pid, r);
		return;
	}
	snprintf(path, sizeof(path), "%d/task", task->pid);
	fd = openat(l->t->procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (de = readdir(d))) {
		int32_t tid = (int32_t)strtol(de->d_name, NULL, 10);

		snprintf(path, sizeof(path), "%d/task/%d", task->pid, tid);
		if (tid > 0)
			put(l, path, tid, task->pid, r);
	}
}

void ph_top_procs_round(struct ph_top_procs *p, struct ph_top *t, const struct ph_top_scope *scope, bool threads,
			uint64_t now_ns)
{
	struct looking l = { p, t, threads, p->ns ? now_ns - p->ns : 0 };

	p->ns = now_ns;
	p->round++;
	p->v.n = 0;
	ph_top_each_process(t, scope, look_at, &l);
	ph_top_forget(&p->seen, p->round);
}

void ph_top_procs_done(struct ph_top_procs *p)
{
	ph_top_forget_all(&p->seen);
	ph_vec_done(&p->v);
	*p = (struct ph_top_procs){ 0 };
}

void ph_top_proc_fill(const struct ph_top_proc *p, struct ph_cell *cells)
{
	const char state[2] = { p->state };

	ph_cell_str(&cells[PH_PROC_CONTAINER], p->container);
	ph_cell_s64(&cells[PH_PROC_PID], p->id);
	if (p->inner)
		ph_cell_s64(&cells[PH_PROC_INNER], p->inner);
	ph_cell_s64(&cells[PH_PROC_PROCESS], p->pid);
	ph_cell_str(&cells[PH_PROC_STATE], state);
	if (p->cpu >= 0)
		ph_cell_f64(&cells[PH_PROC_CPU], p->cpu);
	if (p->wait >= 0)
		ph_cell_f64(&cells[PH_PROC_WAIT], p->wait);
	ph_cell_u64(&cells[PH_PROC_THREADS], p->threads);
	ph_cell_u64(&cells[PH_PROC_RSS], p->rss);
	ph_cell_str(&cells[PH_PROC_COMM], p->comm);
	if (*p->args)
		ph_cell_str(&cells[PH_PROC_ARGS], p->args);
}
