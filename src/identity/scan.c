/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/schema.h"
#include "identity/cgpath.h"
#include "identity/scan_priv.h"

uint32_t scan_add(struct scan_run *run)
{
	struct ph_host_container *hc = ph_alloc(sizeof(*hc));

	hc->c.index = (uint32_t)run->scan->containers.n;
	*ph_vec_push(&run->scan->containers) = hc;
	ph_vec_push(&run->found);
	return hc->c.index;
}

/* ---- what the kernel says of one container -------------------------------------------------------- */

static void set_namespaces(struct scan_run *run, struct ph_container *c, const struct scan_proc *init)
{
	for (unsigned int i = 0; i < PH_NS_MAX; i++) {
		if (i == PH_NS_PID && init->pid_ns)
			c->ns[i] = init->pid_ns;
		else if (i == PH_NS_MNT && init->mnt_ns)
			c->ns[i] = init->mnt_ns;
		else
			c->ns[i] = ph_proc_ns(run->procfd, init->st.pid, ph_ns_names[i]);
	}
}

static const struct scan_proc *parent_of(const struct scan_run *run, const struct scan_proc *p)
{
	size_t at = (size_t)(uintptr_t)ph_u64map_get(&run->by_pid, (uint64_t)p->st.ppid);

	return at ? &run->procs.v[at - 1] : NULL;
}

/*
 * The container's own path in hierarchy @num: what names it, or, of a sandbox, the cgroup of its
 * first process where that is not its parent's. NULL: it has none there.
 */
static char *own_path(const struct scan_run *run, const struct scan_found *f, const struct scan_proc *init,
		      int num, bool named)
{
	char *path = init->cg && !f->within ? ph_cgroup_path_of(init->cg->content, num) : NULL;
	const struct scan_proc *up;
	ph_autofree char *outer = NULL;
	struct ph_cgpath cp;

	if (!path)
		return NULL;
	if (named && !f->sandbox) {
		if (!ph_cgpath_parse(path, &cp)) {
			free(path);
			return NULL;
		}
		path[cp.own_len] = 0;
		return path;
	}
	up = f->sandbox ? parent_of(run, &run->procs.v[f->root - 1]) : parent_of(run, init);
	if (up && up->cg)
		outer = ph_cgroup_path_of(up->cg->content, num);
	/* One that it shares with others (a session's) is not its own either. */
	if (!strcmp(path, "/") || init->cg->mixed || (outer && !strcmp(outer, path)) ||
	    (f->sandbox && !f->key && scan_cgroup_is_shared(run, init->owner, num, path))) {
		free(path);
		return NULL;
	}
	return path;
}

static void name_sandbox(struct scan_run *run, struct ph_container *c, const struct scan_found *f,
			 const struct scan_proc *init)
{
	const struct scan_proc *root = &run->procs.v[f->root - 1], *up = parent_of(run, root);
	const char *comms[] = { up ? up->st.comm : "", root->st.comm, init->st.comm };

	c->init_pid = init->st.pid;
	ph_sandbox_name(c, comms, PH_ARRAY_SIZE(comms), f->key == root->mnt_ns ? "mnt" : "pid", f->key);
}

static void set_cgroup(struct scan_run *run, struct ph_container *c, const struct scan_found *f,
		       const struct scan_proc *init)
{
	if (f->within)
		return;
	if (!f->sandbox) {
		const struct ph_hierarchy *h = ph_cgroupfs_by_num(&run->fs, c->hierarchy);

		c->cgroup_id = h ? ph_cgroupfs_id(&run->fs, h, c->cgroup_path) : 0;
		return;
	}
	for (size_t i = run->fs.h.n; i-- > 0; ) {	/* v2, the last in the file, first */
		const struct ph_hierarchy *h = &run->fs.h.v[i];
		ph_autofree char *path = own_path(run, f, init, h->num, false);

		if (!path)
			continue;
		/* What limits is more of an own cgroup than what only counts. */
		if (c->cgroup_path && strcmp(h->controllers, "cpu") &&
		    strncmp(h->controllers, "cpu,", 4))
			continue;
		free(c->cgroup_path);
		c->cgroup_path = ph_take(path);
		c->hierarchy = h->num;
		c->cgroup_id = ph_cgroupfs_id(&run->fs, h, c->cgroup_path);
		if (h->num == 0)
			break;
	}
}

/* In force are the limits above the cgroup that its tasks are in, also where it has no own one. */
static void set_limit(struct scan_run *run, const struct scan_found *f, const struct scan_proc *init,
		      const char *controller, struct ph_host_limit *ret, int32_t *ret_num, char **ret_path)
{
	const struct ph_hierarchy *h = ph_cgroupfs_by_controller(&run->fs, controller);
	ph_autofree char *path = NULL;
	bool own;

	if (!h || !init->cg)
		return;
	path = own_path(run, f, init, h->num, true);
	own = path != NULL;
	if (!own)
		path = ph_cgroup_path_of(init->cg->content, h->num);
	if (!path)
		return;
	ph_cgroupfs_limit(&run->fs, controller, path, ret);
	if (!own)
		ret->own = false;
	if (ret_num)
		*ret_num = h->num;
	if (ret_path)
		*ret_path = ph_take(path);
}

static bool is_frozen(struct scan_run *run, const struct scan_proc *init)
{
	const struct ph_hierarchy *h = ph_cgroupfs_by_controller(&run->fs, "freezer");
	ph_autofree char *path = h && init->cg ? ph_cgroup_path_of(init->cg->content, h->num) : NULL;

	return path && strcmp(path, "/") && ph_cgroupfs_frozen(&run->fs, h, path);
}

/* The nearest container whose cgroup is above @c's, else the one its runtime's process is in. */
static uint32_t outer_container(struct scan_run *run, const struct ph_container *c,
				const struct scan_proc *init)
{
	ph_autofree char *path = ph_strdup(c->cgroup_path);
	const struct scan_proc *up = init;

	for (char *slash; path && (slash = strrchr(path, '/')) && slash != path; ) {
		ph_autobuf key = { 0 };
		uint32_t index;

		*slash = 0;
		ph_buf_addf(&key, "%d:%s", c->hierarchy, path);
		index = (uint32_t)(uintptr_t)ph_strmap_get(&run->by_path, key.p);
		if (index && index != c->index)
			return index;
	}
	up = parent_of(run, up);
	return up && up->owner != c->index ? up->owner : PH_CONTAINER_HOST;
}

static void describe(struct scan_run *run, uint32_t index)
{
	struct ph_host_container *hc = run->scan->containers.v[index];
	struct scan_found *f = &run->found.v[index];
	const struct scan_proc *init;
	int32_t pids[PH_PROC_LEVELS];
	int levels;

	if (!f->init)
		return;
	init = &run->procs.v[f->init - 1];
	hc->c.init_pid = init->st.pid;
	hc->c.start_ns = ph_proc_start_ns(run->btime_ns, init->st.start_ticks);
	set_namespaces(run, &hc->c, init);
	levels = ph_proc_nspid(run->procfd, init->st.pid, pids);
	hc->pid_level = levels > 0 ? (unsigned int)levels - 1 : 0;
	set_cgroup(run, &hc->c, f, init);
	if (ph_container_is_guest(&hc->c))
		scan_name_guest(hc, init);
	else if (f->sandbox)
		name_sandbox(run, &hc->c, f, init);
	if (!f->sandbox && !f->within)
		hc->c.parent = outer_container(run, &hc->c, init);
	ph_vec_each(h, &run->fs.h) {
		char *path = own_path(run, f, init, h->num, true);

		if (path)
			*ph_vec_push(&hc->cgroups) = (struct ph_cgroup_at){ h->num, path };
	}
	set_limit(run, f, init, "cpu", &hc->cpu, &hc->cpu_hierarchy, &hc->cpu_cgroup);
	set_limit(run, f, init, "memory", &hc->memory, NULL, NULL);
	hc->c.state = ph_strdup(is_frozen(run, init) ? "paused" : "running");
}

/* ---- what the runtimes say -------------------------------------------------------------------------- */

static const struct scan_proc *init_of(const struct scan_run *run, size_t k)
{
	return run->found.v[k].init ? &run->procs.v[run->found.v[k].init - 1] : NULL;
}

/* Somebody has a record of container @k: that is what it is called. */
static void take_state(struct scan_run *run, size_t k, struct ph_runtime_state *s)
{
	struct ph_host_container *hc = run->scan->containers.v[k];

	if (runtime_take(&hc->c, s))
		run->found.v[k].recorded = true;
	if (!hc->bundle)
		hc->bundle = ph_take(s->bundle);
}

static void take_by_hand(struct scan_run *run)
{
	ph_runtime_states states = { 0 };

	ph_runtimes_by_hand(&run->rt, &states);
	ph_vec_each(s, &states) {
		for (size_t k = 1; k < run->scan->containers.n; k++) {
			const struct scan_proc *init = init_of(run, k);

			/* What its record was left of may be long gone, and its number somebody else's. */
			if (!init || init->st.pid != s->pid ||
			    (s->start_ticks && s->start_ticks != init->st.start_ticks))
				continue;
			take_state(run, k, s);
			break;
		}
	}
	ph_runtime_states_done(&states);
}

/*
 * Where the runtimes in container @index keep what they know: below the root that its first process
 * sees. The host's for the host, and for one that may not be looked into.
 */
static struct ph_runtimes *runtimes_in(struct scan_run *run, uint32_t index)
{
	const struct scan_proc *init = index ? init_of(run, index) : NULL;
	struct ph_runtimes *rt;
	int rootfd;

	if (!init)
		return &run->rt;
	rt = ph_u64map_get(&run->inner, index);
	if (rt)
		return rt;
	rootfd = runtime_open_root(run->procfd, init->st.pid);
	if (rootfd < 0)
		return &run->rt;
	rt = ph_alloc(sizeof(*rt));
	ph_runtimes_open(rt, rootfd, NULL);
	/* Who answers on a socket in there may be anybody. */
	rt->files_only = true;
	ph_u64map_put(&run->inner, index, rt);
	return rt;
}

static void learn_dockerds(struct scan_run *run)
{
	ph_vec_each(at, &run->dockerds) {
		const struct scan_proc *p = &run->procs.v[*at];
		ph_autobuf b = { 0 };
		char path[32];

		snprintf(path, sizeof(path), "%d/cmdline", p->st.pid);
		if (ph_read_file_at(run->procfd, path, 1 << 16, &b) == 0 && b.p)
			ph_runtimes_learn_dockerd(runtimes_in(run, p->owner), b.p, b.len);
	}
}

static void take_names(struct scan_run *run)
{
	learn_dockerds(run);
	for (size_t k = 1; k < run->scan->containers.n; k++) {
		struct ph_host_container *hc = run->scan->containers.v[k];
		const struct scan_proc *init = init_of(run, k), *up = init ? parent_of(run, init) : NULL;
		struct ph_runtimes *rt = runtimes_in(run, hc->c.parent);
		const struct scan_found *f = &run->found.v[k];
		struct ph_runtime_state above;
		ph_autofree char *hint = NULL;

		if (ph_container_is_guest(&hc->c))
			continue;
		if (up && ph_runtimes_above(rt, run->procfd, &up->st, init->st.pid,
					    f->sandbox && !f->recorded ? NULL : hc->c.id, &above)) {
			hint = ph_take(above.bundle);
			take_state(run, k, &above);
			ph_runtime_state_done(&above);
		}
		if (!hc->c.id || (f->sandbox && !f->recorded))
			continue;
		ph_runtimes_describe(rt, &hc->c, hint, &hc->bundle);
	}
}

static void take_stopped(struct scan_run *run)
{
	ph_runtime_states all = { 0 };
	struct ph_strmap have = { 0 };

	for (size_t k = 1; k < run->scan->containers.n; k++)
		if (run->scan->containers.v[k]->c.id)
			ph_strmap_put(&have, run->scan->containers.v[k]->c.id, (void *)1);
	ph_runtimes_list(&run->rt, &all);
	for (size_t i = 0; i < all.n; i++) {
		struct ph_host_container *hc;
		uint32_t index;

		if (ph_strmap_put(&have, all.v[i].id, (void *)1))
			continue;
		index = scan_add(run);	/* which moves the vector */
		hc = run->scan->containers.v[index];
		hc->c.runtime = ph_take(all.v[i].runtime);
		hc->c.id = ph_take(all.v[i].id);
		hc->bundle = ph_take(all.v[i].bundle);
		ph_runtimes_describe(&run->rt, &hc->c, NULL, &hc->bundle);
		if (!hc->c.state || !strcmp(hc->c.state, "running")) {
			free(hc->c.state);
			hc->c.state = ph_strdup("stopped");
		}
	}
	ph_strmap_done(&have);
	ph_runtime_states_done(&all);
}

/* ---- all of it -------------------------------------------------------------------------------------- */

static void describe_host(struct scan_run *run)
{
	struct ph_container *host = &run->scan->containers.v[0]->c;

	/* Ordinary users read the namespaces of their own processes only: those are the host's. */
	for (unsigned int i = 0; i < PH_NS_MAX; i++) {
		host->ns[i] = ph_proc_ns(run->procfd, 1, ph_ns_names[i]);
		if (!host->ns[i])
			host->ns[i] = ph_proc_ns(run->procfd, getpid(), ph_ns_names[i]);
	}
	host->start_ns = run->btime_ns;
	host->state = ph_strdup("running");
}

static void tell_hidden(struct scan_run *run)
{
	bool root = geteuid() == 0;
	ph_autobuf b = { 0 };
	size_t nameless = 0;

	/* An id of 64 digits is of a runtime that gives names; it keeps them for root. */
	for (size_t i = 1; i < run->scan->containers.n && !root; i++) {
		const struct ph_container *c = &run->scan->containers.v[i]->c;

		nameless += c->id && !c->name && strlen(c->id) == 64;
	}
	if (run->denied)
		ph_buf_addf(&b, "%u tasks could not be looked into: their namespaces, and sandboxes and "
			    "guests of KVM among them, are not shown%s", run->scan->hidden,
			    root ? " (the kernel refused although this is root)" : "");
	if (nameless)
		ph_buf_addf(&b, "%sthe names of %zu container%s could not be read", b.len ? "; " : "",
			    nameless, nameless == 1 ? "" : "s");
	if (b.len && !root)
		ph_buf_adds(&b, "; run as root to see them");
	if (b.len)
		run->scan->hidden_why = ph_buf_steal(&b);
}

static void run_done(struct scan_run *run)
{
	ph_runtimes_done(&run->rt);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&run->inner, s)); ) {
		struct ph_runtimes *rt = s->val;

		close(rt->rootfd);
		ph_runtimes_done(rt);
		free(rt);
	}
	ph_u64map_done(&run->inner);
	ph_vec_done(&run->dockerds);
	ph_cgroupfs_done(&run->fs);
	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&run->cgroups, s)); ) {
		struct scan_cgroup *cg = s->val;

		free(cg->content);
		free(cg);
	}
	ph_strmap_done(&run->cgroups);
	ph_strmap_done(&run->by_path);
	ph_u64map_done(&run->by_pid);
	ph_u64map_done(&run->sandboxes);
	ph_u64map_done(&run->places);
	ph_vec_done(&run->procs);
	ph_vec_done(&run->found);
}

int ph_scan_run(struct ph_scan *scan, const struct ph_scan_opts *opts, struct ph_err *err)
{
	const char *root = opts && opts->root ? opts->root : "/";
	ph_autoclose int rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ph_autoclose int procfd = -1;
	struct scan_run run = { .scan = scan };
	int r;

	*scan = (struct ph_scan){ 0 };
	if (rootfd < 0)
		return ph_err_sys(err, -errno, "cannot open %s", root);
	procfd = openat(rootfd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (procfd < 0)
		return ph_err_sys(err, -errno, "cannot open %s/proc", strcmp(root, "/") ? root : "");
	run.rootfd = rootfd;
	run.procfd = procfd;
	run.btime_ns = ph_proc_btime_ns(procfd);
	ph_cgroupfs_open(&run.fs, rootfd);
	ph_runtimes_open(&run.rt, rootfd, opts);
	scan_add(&run);
	r = scan_tasks(&run, err);
	if (r < 0) {
		run_done(&run);
		ph_scan_done(scan);
		return r;
	}
	describe_host(&run);
	for (uint32_t i = 1; i < scan->containers.n; i++)
		describe(&run, i);
	if (!opts || !opts->no_names) {
		take_by_hand(&run);
		take_names(&run);
		if (opts && opts->stopped)
			take_stopped(&run);
	}
	for (size_t i = 1; i < scan->containers.n; i++)
		if (run.found.v[i].within)
			scan_guest_pod(&run, &scan->containers.v[i]->c);
	tell_hidden(&run);
	run_done(&run);
	return 0;
}

void ph_scan_done(struct ph_scan *scan)
{
	for (size_t i = 0; i < scan->containers.n; i++) {
		struct ph_host_container *hc = scan->containers.v[i];

		ph_container_done(&hc->c);
		ph_vec_each(cg, &hc->cgroups)
			free(cg->path);
		ph_vec_done(&hc->cgroups);
		free(hc->cpu.where);
		free(hc->memory.where);
		free(hc->cpu_cgroup);
		free(hc->bundle);
		if (hc->guest)
			ph_guest_done(hc->guest);
		free(hc->guest);
		free(hc);
	}
	ph_vec_done(&scan->containers);
	ph_vec_done(&scan->tasks);
	free(scan->hidden_why);
	*scan = (struct ph_scan){ 0 };
}
