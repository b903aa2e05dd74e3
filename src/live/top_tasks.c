/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What only /proc tells: the time that threads waited for a CPU, open files, and everything of containers that
 * have no cgroup of their own. Such counters end with their task, so what each grew by is summed up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "identity/proc.h"
#include "live/top.h"

/* The counters of a process that are looked at. */
enum { USER, SYSTEM, MINOR, MAJOR, READ, WRITTEN, NPROC };

struct seen {
	uint32_t round;
	uint64_t start;		/* a process id is used again */
	uint64_t v[NPROC];
	uint64_t known;
};

struct ph_top_tasks {
	struct ph_u64map procs;		/* pid -> struct seen */
	struct ph_u64map threads;	/* tid -> struct seen, v[0]: run-queue wait */
	uint32_t round;
};

struct ph_top_tasks *ph_top_tasks_new(void)
{
	return ph_alloc(sizeof(struct ph_top_tasks));
}

void ph_top_forget_all(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s));)
		free(s->val);
	ph_u64map_done(m);
}

void ph_top_tasks_free(struct ph_top_tasks *k)
{
	if (!k)
		return;
	ph_top_forget_all(&k->procs);
	ph_top_forget_all(&k->threads);
	free(k);
}

void ph_top_forget(struct ph_u64map *m, uint32_t round)
{
	PH_VEC(uint64_t) gone = { 0 };

	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s));)
		if (*(const uint32_t *)s->val != round)
			*ph_vec_push(&gone) = s->key;
	for (size_t i = 0; i < gone.n; i++)
		free(ph_u64map_del(m, gone.v[i]));
	ph_vec_done(&gone);
}

/* @id: of a task of @r. What a guest in a container does is counted for both: its is another entry. */
static struct seen *meet(struct ph_u64map *m, const struct ph_top_row *r, int32_t id, uint64_t start, uint32_t round, bool *ret_new)
{
	uint64_t key = (uint64_t)ph_container_is_within(&r->hc->c) << 32 | (uint32_t)id;
	struct seen *s = ph_u64map_get(m, key);

	*ret_new = !s || s->start != start;
	if (!s) {
		s = ph_alloc(sizeof(*s));
		ph_u64map_put(m, key, s);
	}
	if (*ret_new)
		*s = (struct seen){ .start = start };
	s->round = round;
	return s;
}

/*
 * What a counter of a task grew by. That of a task which was not there in the round before counts whole, but
 * not where the container itself is seen for the first time: nobody asks what was before.
 */
static void grow(struct ph_top_row *r, enum ph_top_count what, struct seen *s, unsigned int i, uint64_t v)
{
	bool before = s->known >> i & 1;

	if (before ? v > s->v[i] : !r->fresh)
		r->acc[what] += before ? v - s->v[i] : v;
	s->v[i] = v;
	s->known |= 1ull << i;
	ph_top_set(&r->now, what, r->acc[what]);
}

/* ---- a process -------------------------------------------------------------------------------------------- */

bool ph_top_stat(const char *text, struct ph_top_stat *ret)
{
	/* A name may hold anything, ") R 1" too: it ends at the last parenthesis. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	size_t n;

	*ret = (struct ph_top_stat){ 0 };
	/* ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime … rss */
	if (!open || !close || close < open ||
	    sscanf(close + 1, " %c %*d %*d %*d %*d %*d %*u %llu %*u %llu %*u %llu %llu %*d %*d %*d %*d %lu %*d %llu %*u %lld",
		   &ret->state, &ret->minor, &ret->major, &ret->user, &ret->system, &ret->threads, &ret->start,
		   &ret->rss) != 8)
		return false;
	n = (size_t)(close - open - 1);
	memcpy(ret->comm, open + 1, n < sizeof(ret->comm) ? n : sizeof(ret->comm) - 1);
	return true;
}

static void without_cgroup(struct ph_top *t, struct ph_top_row *r, int32_t pid)
{
	uint64_t tick = PH_NSEC / (uint64_t)sysconf(_SC_CLK_TCK), page = (uint64_t)sysconf(_SC_PAGESIZE), v;
	struct ph_top_stat f;
	char buf[1024];
	struct seen *s;
	bool new;

	if (ph_proc_read(t->procfd, pid, "stat", buf, sizeof(buf)) < 0 || !ph_top_stat(buf, &f))
		return;
	s = meet(&t->tasks->procs, r, pid, f.start, t->tasks->round, &new);
	grow(r, PH_TOP_USER, s, USER, f.user * tick);
	grow(r, PH_TOP_SYSTEM, s, SYSTEM, f.system * tick);
	r->acc[PH_TOP_CPU] = r->acc[PH_TOP_USER] + r->acc[PH_TOP_SYSTEM];
	ph_top_set(&r->now, PH_TOP_CPU, r->acc[PH_TOP_CPU]);
	grow(r, PH_TOP_FAULTS, s, MINOR, f.minor + f.major);
	grow(r, PH_TOP_MAJOR_FAULTS, s, MAJOR, f.major);
	ph_top_set_level(&r->now, PH_TOP_WORKING_SET, r->now.level[PH_TOP_WORKING_SET] +
			 (f.rss > 0 ? (uint64_t)f.rss * page : 0));
	if (ph_proc_read(t->procfd, pid, "io", buf, sizeof(buf)) < 0) {
		t->unreadable++;
		return;
	}
	if (ph_top_number(buf, "read_bytes", &v))
		grow(r, PH_TOP_READ_BYTES, s, READ, v);
	if (ph_top_number(buf, "write_bytes", &v))
		grow(r, PH_TOP_WRITE_BYTES, s, WRITTEN, v);
}

/* "cpu_ns wait_ns slices" of each thread. */
static void run_queue(struct ph_top *t, struct ph_top_row *r, int32_t pid)
{
	ph_autoclosedir DIR *d = NULL;
	char path[64], buf[128];
	struct dirent *de;
	int fd;

	snprintf(path, sizeof(path), "%d/task", pid);
	fd = openat(t->procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (de = readdir(d))) {
		int32_t tid = (int32_t)strtol(de->d_name, NULL, 10);
		unsigned long long wait;
		bool new;

		if (tid <= 0)
			continue;
		snprintf(path, sizeof(path), "%d/schedstat", tid);
		if (!ph_top_read(dirfd(d), path, buf, sizeof(buf)) || sscanf(buf, "%*u %llu", &wait) != 1)
			continue;
		/* The number alone: whoever took it over has waited less, mostly, and what is less is not counted. */
		grow(r, PH_TOP_RUNQ, meet(&t->tasks->threads, r, tid, 0, t->tasks->round, &new), 0, wait);
	}
}

#define FILES_ROUNDS 4

static void open_files(struct ph_top *t, struct ph_top_row *r, int32_t pid)
{
	ph_autoclosedir DIR *d = NULL;
	uint64_t n = 0;
	struct stat st;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(t->procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		t->unreadable += errno == EACCES || errno == EPERM;
		return;
	}
	/* Since v6.2 (f1f1f2569901) the directory's size is their number. */
	if (fstat(fd, &st) == 0 && st.st_size > 0 && S_ISDIR(st.st_mode) && st.st_nlink <= 2 && !t->scan_opts.root) {
		close(fd);
		n = (uint64_t)st.st_size;
	} else {
		d = fdopendir(fd);
		for (struct dirent *de; d && (de = readdir(d));)
			n += de->d_name[0] != '.';
	}
	ph_top_set_level(&r->now, PH_TOP_FILES, r->now.level[PH_TOP_FILES] + n);
}

/* Counting them takes as long as all else: on a screen, some containers in each round. */
static bool files_are_due(const struct ph_top *t, const struct ph_top_row *r)
{
	return !t->want.seldom || !(r->before.levelled & 1u << PH_TOP_FILES) ||
	       (t->round + r->hc->c.index) % FILES_ROUNDS == 0;
}

static void of_process(struct ph_top *t, struct ph_top_row *r, int32_t pid)
{
	bool guest = ph_container_is_guest(&r->hc->c);

	if (r->by_tasks)
		without_cgroup(t, r, pid);
	/* The kernel side counts by cgroup, and knows guests by that only where the path says so. */
	if (t->want.counts & 1ull << PH_TOP_RUNQ && r->hc->c.index && (!t->kernel || guest))
		run_queue(t, r, pid);
	if (!(t->want.levels & 1u << PH_TOP_FILES))
		return;
	if (files_are_due(t, r))
		open_files(t, r, pid);
	else
		ph_top_set_level(&r->now, PH_TOP_FILES, r->before.level[PH_TOP_FILES]);
}

void ph_top_tasks_round(struct ph_top *t)
{
	t->tasks->round++;
	t->unreadable = 0;
	ph_vec_each(task, &t->scan.tasks)
		if (task->container < t->rows.n && t->rows.v[task->container])
			of_process(t, t->rows.v[task->container], task->pid);
	ph_vec_each(r, &t->rows)
		if (*r && ph_container_is_within(&(*r)->hc->c))
			of_process(t, *r, (*r)->hc->c.init_pid);
	ph_top_forget(&t->tasks->procs, t->tasks->round);
	ph_top_forget(&t->tasks->threads, t->tasks->round);
}
