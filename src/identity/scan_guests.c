/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests of KVM among the processes of the host. Where a cgroup is one guest's alone, that is what it is known by,
 * as any container; else its process is. One in a container is there besides the container, which keeps its process.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "identity/scan_priv.h"

static struct ph_host_container *container(const struct scan_run *run, uint32_t index)
{
	return run->scan->containers.v[index];
}

/* The container that the guest is, or is from now on. */
static uint32_t index_of(struct scan_run *run, size_t at)
{
	uint32_t owner = run->procs.v[at].owner, index;

	/* Its cgroup's path says that it is one: the first process that is one, is it. */
	if (owner && ph_container_is_guest(&container(run, owner)->c)) {
		if (container(run, owner)->guest)
			return 0;
		run->found.v[owner].init = at + 1;
		return owner;
	}
	index = scan_add(run);
	run->found.v[index].init = at + 1;
	container(run, index)->c.runtime = ph_strdup(PH_RUNTIME_KVM);
	if (owner) {
		run->found.v[index].within = true;
		container(run, index)->c.parent = owner;
		container(run, index)->ntasks = run->procs.v[at].st.threads;
	} else {
		run->found.v[index].sandbox = true;
		run->found.v[index].root = at + 1;
		run->procs.v[at].owner = index;
	}
	return index;
}

void scan_guests(struct scan_run *run)
{
	if (!ph_guests_possible(run->rootfd))
		return;
	for (size_t i = 0; i < run->procs.n; i++) {
		const struct scan_proc *p = &run->procs.v[i];
		struct ph_guest g;
		uint32_t index;

		if (ph_guest_read(run->procfd, p->st.pid, p->st.comm, &g) <= 0)
			continue;
		index = index_of(run, i);
		if (!index) {
			ph_guest_done(&g);
			continue;
		}
		container(run, index)->guest = ph_alloc(sizeof(g));
		*container(run, index)->guest = g;
	}
}

/* Is any process of another one in @path or below it? */
bool scan_cgroup_is_shared(const struct scan_run *run, uint32_t index, int hierarchy, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < run->procs.n; i++) {
		const struct scan_proc *p = &run->procs.v[i];
		ph_autofree char *its = NULL;

		if (p->owner == index || !p->cg)
			continue;
		its = ph_cgroup_path_of(p->cg->content, hierarchy);
		if (its && !strncmp(its, path, n) && (!its[n] || its[n] == '/'))
			return true;
	}
	return false;
}

void scan_name_guest(struct ph_host_container *hc, const struct scan_proc *init)
{
	const struct ph_guest *g = hc->guest;
	struct ph_container *c = &hc->c;

	free(c->name);
	c->name = g && g->name ? ph_strdup(g->name) : c->id ? ph_guest_of_machine(c->id) :
		  ph_asprintf("%s-%d", init->st.comm, init->st.pid);
	if (g && g->uuid)
		c->uuid = ph_strdup(g->uuid);
	if (!c->id)
		c->id = c->uuid ? ph_strdup(c->uuid) : ph_asprintf("pid:%d", init->st.pid);
}

/* What it is in says where in Kubernetes it is, too. */
void scan_guest_pod(const struct scan_run *run, struct ph_container *c)
{
	const struct ph_container *in = &container(run, c->parent)->c;

	c->pod = in->pod ? ph_strdup(in->pod) : NULL;
	c->pod_namespace = in->pod_namespace ? ph_strdup(in->pod_namespace) : NULL;
	c->pod_uid = in->pod_uid ? ph_strdup(in->pod_uid) : NULL;
}
