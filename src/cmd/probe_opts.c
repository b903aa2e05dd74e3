/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/probe_opts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

int ph_cmd_probes_find(struct ph_cmd_collect *co, struct ph_probes *p)
{
	int32_t self = getpid();
	struct ph_err err = { 0 };

	/* A command begins with the files that we see, too. */
	if (ph_probes_find(p, co->command ? NULL : &co->sel, &self, co->command != NULL, &err) < 0)
		return ph_cmd_fail(co->verb, &err);
	co->opts.probes = p;
	return 0;
}

void ph_cmd_probes_tell(const char *verb, const struct ph_probes *p, size_t *told)
{
	for (; p && *told < p->notes.n; ++*told)
		ph_cmd_say(verb, "%s", p->notes.v[*told]);
}
