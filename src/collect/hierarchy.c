/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* Number of the v1 hierarchy that has @controller, -1: none. */
static int v1_number(const char *cgroups, const char *controller)
{
	size_t n = strlen(controller);

	for (const char *line = cgroups; line && *line; line = strchr(line, '\n')) {
		int number;

		line += *line == '\n';
		if (!strncmp(line, controller, n) && line[n] == '\t' &&
		    sscanf(line + n, "%d", &number) == 1)
			return number;
	}
	return -1;
}

int ph_hierarchies_read(struct ph_hierarchies *h, struct ph_err *err)
{
	ph_autobuf cgroups = { 0 };
	struct mntent *m;
	FILE *f;
	int r;

	r = ph_read_file_at(AT_FDCWD, "/proc/cgroups", 1 << 16, &cgroups);
	if (r < 0)
		return ph_err_sys(err, r, "cannot read /proc/cgroups");
	f = setmntent("/proc/self/mounts", "re");
	if (!f)
		return ph_err_sys(err, errno, "cannot read /proc/self/mounts");
	while ((m = getmntent(f))) {
		bool cpu = !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "cpu");
		bool blkio = !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "blkio");
		bool v2 = !strcmp(m->mnt_type, "cgroup2"), seen = false;
		int number = v2 ? 0 : v1_number(cgroups.p, cpu ? "cpu" : "blkio");
		struct ph_hierarchy *e;

		if (!(v2 || cpu || blkio) || number < 0)
			continue;
		for (size_t i = 0; i < h->n; i++)
			seen |= h->v[i].number == number;
		if (seen)
			continue;
		e = ph_vec_push(h);
		e->number = number;
		e->cpu = cpu;
		e->mount = ph_strdup(m->mnt_dir);
	}
	endmntent(f);
	return 0;
}

void ph_hierarchies_done(struct ph_hierarchies *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->v[i].mount);
	ph_vec_done(h);
}
