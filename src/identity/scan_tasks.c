/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of the host, and which container each is in: by its cgroup, else its namespaces. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "identity/cgpath.h"
#include "identity/scan_priv.h"

static uint32_t container_of_path(struct scan_run *run, const char *path, int hierarchy,
				  const struct ph_cgpath *cp)
{
	ph_autobuf key = { 0 };
	struct ph_container *c;
	uint32_t index;

	ph_buf_addf(&key, "%d:%.*s", hierarchy, (int)cp->own_len, path);
	index = (uint32_t)(uintptr_t)ph_strmap_get(&run->by_path, key.p);
	if (index)
		return index;
	index = scan_add(run);
	ph_strmap_put(&run->by_path, key.p, (void *)(uintptr_t)index);
	c = &run->scan->containers.v[index]->c;
	c->runtime = ph_strdup(cp->runtime);
	c->id = ph_strdup(cp->id);
	c->pod_uid = cp->pod_uid[0] ? ph_strdup(cp->pod_uid) : NULL;
	c->hierarchy = hierarchy;
	c->cgroup_path = ph_strndup(path, cp->own_len);
	return index;
}

static struct scan_cgroup *read_cgroup(struct scan_run *run, int32_t pid)
{
	char content[16384], own[4096];
	struct scan_cgroup *cg;
	struct ph_cgpath cp;
	int hierarchy;

	if (ph_proc_read(run->procfd, pid, "cgroup", content, sizeof(content)) < 0)
		return NULL;
	cg = ph_strmap_get(&run->cgroups, content);
	if (cg)
		return cg;
	cg = ph_alloc(sizeof(*cg));
	cg->content = ph_strdup(content);
	if (ph_cgpath_parse_proc(cg->content, &cp, &hierarchy, own, sizeof(own)))
		cg->container = container_of_path(run, own, hierarchy, &cp);
	ph_strmap_put(&run->cgroups, cg->content, cg);
	return cg;
}

static void read_proc(struct scan_run *run, int32_t pid)
{
	struct scan_proc p = { 0 };

	/* It may have ended since readdir() named it. */
	if (ph_proc_stat(run->procfd, pid, &p.st) < 0)
		return;
	if (p.st.kthread) {
		run->scan->containers.v[0]->ntasks += p.st.threads;
		return;
	}
	p.cg = read_cgroup(run, pid);
	p.pid_ns = ph_proc_ns(run->procfd, pid, "pid");
	if (p.pid_ns) {
		p.mnt_ns = ph_proc_ns(run->procfd, pid, "mnt");
	} else if (errno == EACCES || errno == EPERM) {
		run->scan->hidden += p.st.threads;
		run->denied = true;
	}
	if (!strcmp(p.st.comm, "dockerd"))
		*ph_vec_push(&run->dockerds) = run->procs.n;
	*ph_vec_push(&run->procs) = p;
	ph_u64map_put(&run->by_pid, (uint64_t)pid, (void *)(uintptr_t)run->procs.n);
}

/* ---- ownership ----------------------------------------------------------------------------------- */

static uint32_t cgroup_container(const struct scan_proc *p)
{
	return p->cg ? p->cg->container : 0;
}

static size_t find_pid(const struct scan_run *run, int32_t pid)
{
	return (size_t)(uintptr_t)ph_u64map_get(&run->by_pid, (uint64_t)pid);
}

static void note_init(struct scan_run *run, uint32_t index, size_t at)
{
	struct scan_found *f = &run->found.v[index];
	const struct scan_proc *p = &run->procs.v[at], *q;

	if (f->init) {
		q = &run->procs.v[f->init - 1];
		if (q->st.start_ticks < p->st.start_ticks ||
		    (q->st.start_ticks == p->st.start_ticks && q->st.pid < p->st.pid))
			return;
	}
	f->init = at + 1;
}

/*
 * A service that its manager gave namespaces is no container: its parent is the manager, and its
 * cgroup is a unit of its own.
 */
static bool is_unit(const struct scan_proc *p, const struct scan_proc *parent)
{
	const char *content = p->cg ? p->cg->content : "";
	size_t n = strlen(content);

	if (parent && p->cg == parent->cg)
		return false;
	for (const char *at = strstr(content, ".service"); at; at = strstr(at + 1, ".service"))
		if (at + 8 == content + n || at[8] == '\n' || at[8] == '/')
			return true;
	return false;
}

/* Besides its mount namespace, does @pid have another of its own? */
static bool other_ns_differs(struct scan_run *run, int32_t pid, int32_t parent)
{
	static const char *const names[] = { "user", "net", "ipc", "uts", "cgroup" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		uint32_t a = ph_proc_ns(run->procfd, pid, names[i]);
		uint32_t b = ph_proc_ns(run->procfd, parent, names[i]);

		if (a && b && a != b)
			return true;
	}
	return false;
}

static uint32_t sandbox_by(const struct scan_run *run, uint32_t inum)
{
	uint32_t v = (uint32_t)(uintptr_t)ph_u64map_get(&run->sandboxes, inum);

	return v ? v - 1 : 0;
}

static uint32_t sandbox_new(struct scan_run *run, size_t at, uint32_t parent, uint32_t inum)
{
	uint32_t index = scan_add(run);

	run->found.v[index] = (struct scan_found){ .sandbox = true, .key = inum, .root = at + 1 };
	run->scan->containers.v[index]->c.parent = parent;
	ph_u64map_put(&run->sandboxes, inum, (void *)(uintptr_t)(index + 1));
	return index;
}

static uint32_t pid_sandbox(struct scan_run *run, size_t at, size_t parent, uint32_t outer)
{
	struct scan_proc *p = &run->procs.v[at];
	uint32_t index = sandbox_by(run, p->pid_ns);

	if (index)
		return index;
	/*
	 * unshare(1) and its like change all other namespaces themselves, the pid namespace holds
	 * their children only: both are one sandbox.
	 */
	if (parent && run->found.v[outer].sandbox && run->found.v[outer].root == parent &&
	    ph_proc_ns(run->procfd, run->procs.v[parent - 1].st.pid, "pid_for_children") == p->pid_ns) {
		ph_u64map_put(&run->sandboxes, p->pid_ns, (void *)(uintptr_t)(outer + 1));
		run->found.v[outer].key = p->pid_ns;
		run->found.v[outer].init = at + 1;
		return outer;
	}
	return sandbox_new(run, at, outer, p->pid_ns);
}

static uint32_t host_ns(const struct scan_run *run, bool pid)
{
	const struct ph_container *host = &run->scan->containers.v[0]->c;

	return host->ns[pid ? PH_NS_PID : PH_NS_MNT];
}

/* Namespaces of containers that have a cgroup: the first of those that share one has it. */
static void note_places(struct scan_run *run)
{
	for (size_t k = 1; k < run->found.n; k++) {
		const struct scan_proc *init = run->found.v[k].init ?
					       &run->procs.v[run->found.v[k].init - 1] : NULL;
		const uint32_t ns[] = { init ? init->pid_ns : 0, init ? init->mnt_ns : 0 };

		for (int i = 0; i < 2; i++)
			if (ns[i] && ns[i] != host_ns(run, !i) && !ph_u64map_get(&run->places, ns[i]))
				ph_u64map_put(&run->places, ns[i], (void *)(uintptr_t)k);
	}
}

/* Whose namespaces a task of the host's cgroups has entered, as nsenter does; 0: nobody's. */
static uint32_t entered(const struct scan_run *run, const struct scan_proc *p)
{
	uint32_t index = 0;

	if (!cgroup_container(p))
		index = (uint32_t)(uintptr_t)ph_u64map_get(&run->places, p->mnt_ns);
	if (!cgroup_container(p) && !index)
		index = (uint32_t)(uintptr_t)ph_u64map_get(&run->places, p->pid_ns);
	return index;
}

static void resolve_one(struct scan_run *run, size_t at, size_t parent)
{
	struct scan_proc *p = &run->procs.v[at];
	const struct scan_proc *up = parent ? &run->procs.v[parent - 1] : NULL;
	uint32_t cg = cgroup_container(p), index;
	bool inherits = up && cgroup_container(up) == cg;
	uint32_t base_pid = host_ns(run, true), base_mnt = host_ns(run, false), up_pid, up_mnt;
	int32_t ref = run->host_ref;

	p->owner = inherits ? up->owner : cg;
	if (cg && run->found.v[cg].init) {
		const struct scan_proc *init = &run->procs.v[run->found.v[cg].init - 1];

		base_pid = init->pid_ns;
		base_mnt = init->mnt_ns;
		ref = init->st.pid;
	}
	if (!p->pid_ns)
		return;
	/* A parent that may not be looked into is taken for an ordinary one of what it is in. */
	up_pid = up && up->pid_ns ? up->pid_ns : base_pid;
	up_mnt = up && up->mnt_ns ? up->mnt_ns : base_mnt;
	if (up && up->mnt_ns)
		ref = up->st.pid;
	if (p->pid_ns == base_pid && p->mnt_ns == base_mnt) {
		p->owner = cg;
		return;
	}
	if (inherits && up_pid == p->pid_ns && up_mnt == p->mnt_ns)
		return;
	if (p->pid_ns != base_pid && (!inherits || up_pid != p->pid_ns)) {
		/* Known already: somebody entered it (nsenter, setns), or it has several roots. */
		index = sandbox_by(run, p->pid_ns);
		if (!index)
			index = entered(run, p);
		if (index)
			p->owner = index;
		else if (inherits || !cg)
			p->owner = pid_sandbox(run, at, inherits ? parent : 0, p->owner);
		/* Else it is the runtime on its way into the container. */
		return;
	}
	if (p->mnt_ns == base_mnt || !p->mnt_ns)
		return;
	index = sandbox_by(run, p->mnt_ns);
	if (index)
		p->owner = index;
	else if (inherits && !is_unit(p, up) && !ph_sandbox_is_engine(p->st.comm) &&
		 other_ns_differs(run, p->st.pid, ref)) {
		index = entered(run, p);
		p->owner = index ? index : sandbox_new(run, at, p->owner, p->mnt_ns);
	}
}

/* Parents first; a loop among them (pids came back while we read) ends where it is met. */
static void resolve(struct scan_run *run, size_t first)
{
	PH_VEC(size_t) stack = { 0 };

	*ph_vec_push(&stack) = first;
	while (stack.n) {
		size_t at = stack.v[stack.n - 1];
		struct scan_proc *p = &run->procs.v[at];
		size_t parent = find_pid(run, p->st.ppid);

		p->resolving = true;
		if (!p->resolved && parent && !run->procs.v[parent - 1].resolved &&
		    !run->procs.v[parent - 1].resolving) {
			*ph_vec_push(&stack) = parent - 1;
			continue;
		}
		stack.n--;
		if (p->resolved)
			continue;
		resolve_one(run, at, parent);
		p->resolved = true;
	}
	ph_vec_done(&stack);
}

int scan_tasks(struct scan_run *run, struct ph_err *err)
{
	ph_autoclosedir DIR *d = NULL;
	struct dirent *de;
	size_t init;

	d = fdopendir(openat(run->procfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!d)
		return ph_err_sys(err, -errno, "cannot list /proc");
	while ((de = readdir(d)))
		if (isdigit((unsigned char)de->d_name[0]))
			read_proc(run, (int32_t)strtol(de->d_name, NULL, 10));
	init = find_pid(run, 1);
	if (init) {
		struct ph_container *host = &run->scan->containers.v[0]->c;

		host->init_pid = 1;
		host->ns[PH_NS_PID] = run->procs.v[init - 1].pid_ns;
		host->ns[PH_NS_MNT] = run->procs.v[init - 1].mnt_ns;
		run->host_ref = 1;
	}
	/* Unprivileged, process 1 cannot be looked into; ourselves we can. */
	if (!run->scan->containers.v[0]->c.ns[PH_NS_PID]) {
		size_t self = find_pid(run, getpid());

		if (self) {
			run->scan->containers.v[0]->c.ns[PH_NS_PID] = run->procs.v[self - 1].pid_ns;
			run->scan->containers.v[0]->c.ns[PH_NS_MNT] = run->procs.v[self - 1].mnt_ns;
			run->host_ref = getpid();
		}
	}
	for (size_t i = 0; i < run->procs.n; i++)
		if (cgroup_container(&run->procs.v[i]))
			note_init(run, cgroup_container(&run->procs.v[i]), i);
	note_places(run);
	for (size_t i = 0; i < run->procs.n; i++)
		resolve(run, i);
	scan_guests(run);
	for (size_t i = 0; i < run->procs.n; i++) {
		const struct scan_proc *p = &run->procs.v[i];
		uint32_t key = run->found.v[p->owner].key;
		bool within = key && (p->pid_ns == key || p->mnt_ns == key);
		struct ph_scan_task *t = ph_vec_push(&run->scan->tasks);

		t->pid = p->st.pid;
		t->container = p->owner;
		memcpy(t->comm, p->st.comm, sizeof(t->comm) - 1);
		run->scan->containers.v[p->owner]->ntasks += p->st.threads;
		if (p->cg) {
			p->cg->mixed |= p->cg->owner && p->cg->owner != p->owner + 1;
			p->cg->owner = p->owner + 1;
		}
		if (!run->found.v[p->owner].sandbox || !key)
			continue;
		/* The launcher is older than the namespace's first process, which is the one. */
		if (!run->found.v[p->owner].init || within)
			note_init(run, p->owner, i);
		if (p->pid_ns == key && run->procs.v[run->found.v[p->owner].init - 1].pid_ns != key)
			run->found.v[p->owner].init = i + 1;
	}
	return 0;
}
