/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers made of namespaces alone: what they are called. */
#include "base/cleanup.h"
#include "identity/scan.h"

static const char *launcher(const char *comm)
{
	static const struct {
		const char *comm, *runtime;
	} known[] = {
		{ "bwrap", "bubblewrap" }, { "unshare", "unshare" }, { "systemd-nspawn", "nspawn" },
		{ "ph-launch", "porthole" }, { "flatpak", "flatpak" }, { "firejail", "firejail" },
		{ "runc", "runc" }, { "crun", "crun" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(known); i++)
		if (!strcmp(comm, known[i].comm))
			return known[i].runtime;
	return NULL;
}

bool ph_sandbox_is_engine(const char *comm)
{
	static const char *const engines[] = { "podman", "podman pause", "conmon", "catatonit", "buildah",
					       "rootlesskit", "fuse-overlayfs", "slirp4netns", "pasta" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(engines); i++)
		if (!strcmp(comm, engines[i]))
			return true;
	return false;
}

void ph_sandbox_name(struct ph_container *c, const char *const *comms, size_t n, const char *ns,
		     uint32_t inum)
{
	const char *slash = c->cgroup_path ? strrchr(c->cgroup_path, '/') : NULL;
	bool unit = slash && (strstr(slash, ".service") || strstr(slash, ".scope") ||
			      strstr(slash, ".slice"));
	const char *runtime = NULL;

	for (size_t i = 0; i < n && !runtime; i++)
		runtime = launcher(comms[i]);
	c->runtime = ph_strdup(runtime ? runtime : "namespace");
	c->id = ph_asprintf("%s_ns:%u", ns, inum);
	c->name = slash && slash[1] && !unit ? ph_strdup(slash + 1) :
		  ph_asprintf("%s-%d", n ? comms[n - 1] : "", c->init_pid);
}
