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
	[PH_PROC_PID] = { "PID", "pid", PH_COL_S64, .help = "on the host" },
	[PH_PROC_INNER] = { "CPID", "container_pid", PH_COL_S64, .help = "in the container" },
	[PH_PROC_STATE] = { "S", "state", PH_COL_STR, .help = "R running, S sleeping, D waiting for I/O …" },
	[PH_PROC_CPU] = { "CPU%", "cpu_percent", PH_COL_F64, .help = "of one CPU" },
	[PH_PROC_WAIT] = { "RUNQ%", "run_queue_wait_percent", PH_COL_F64, .help = "ready, without a CPU" },
	[PH_PROC_THREADS] = { "THREADS", "threads", PH_COL_U64, .help = "threads" },
	[PH_PROC_RSS] = { "RSS", "rss_bytes", PH_COL_BYTES, .help = "resident memory" },
	[PH_PROC_COMM] = { "COMMAND", "comm", PH_COL_STR, .help = "name" },
};

struct seen {
	uint32_t round;
	uint64_t start, cpu, wait;
};

/* @dir: /proc/PID, or /proc/PID/task/TID. */
static void look(struct ph_top_procs *p, int procfd, const char *dir, int32_t id, uint64_t elapsed)
{
	unsigned long long wait = 0, run = 0;
	struct ph_top_proc *row;
	char path[64], buf[8192];
	struct ph_top_stat f;
	bool alone = false;
	struct seen *s;

	snprintf(path, sizeof(path), "%s/stat", dir);
	if (!ph_top_read(procfd, path, buf, 1024) || !ph_top_stat(buf, &f))
		return;
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
}

void ph_top_procs_round(struct ph_top_procs *p, struct ph_top *t, uint32_t container, int32_t pid, uint64_t now_ns)
{
	uint64_t elapsed = p->ns ? now_ns - p->ns : 0;
	ph_autoclosedir DIR *d = NULL;
	struct dirent *de;
	char path[64];
	int fd;

	p->ns = now_ns;
	p->round++;
	p->v.n = 0;
	if (!pid) {
		ph_vec_each(task, &t->scan.tasks) {
			if (task->container != container)
				continue;
			snprintf(path, sizeof(path), "%d", task->pid);
			look(p, t->procfd, path, task->pid, elapsed);
		}
	} else {
		snprintf(path, sizeof(path), "%d/task", pid);
		fd = openat(t->procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		d = fd < 0 ? NULL : fdopendir(fd);
		while (d && (de = readdir(d))) {
			int32_t tid = (int32_t)strtol(de->d_name, NULL, 10);

			snprintf(path, sizeof(path), "%d/task/%d", pid, tid);
			if (tid > 0)
				look(p, t->procfd, path, tid, elapsed);
		}
	}
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

	ph_cell_s64(&cells[PH_PROC_PID], p->id);
	if (p->inner)
		ph_cell_s64(&cells[PH_PROC_INNER], p->inner);
	ph_cell_str(&cells[PH_PROC_STATE], state);
	if (p->cpu >= 0)
		ph_cell_f64(&cells[PH_PROC_CPU], p->cpu);
	if (p->wait >= 0)
		ph_cell_f64(&cells[PH_PROC_WAIT], p->wait);
	ph_cell_u64(&cells[PH_PROC_THREADS], p->threads);
	ph_cell_u64(&cells[PH_PROC_RSS], p->rss);
	ph_cell_str(&cells[PH_PROC_COMM], p->comm);
}
