/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "probe/bpftrace.h"
#include "probe/probe.h"

static char *file(const struct ph_bpftrace_container *c, const char *path, void *arg)
{
	return *path == '/' ? ph_asprintf("/proc/%d/root%s", c->pid, path) : NULL;
}

static void plan(const char *text, const char *args, int machine)
{
	struct ph_probe_site site = { .machine = machine, .usdt = args };
	struct ph_probe_spec s;
	struct ph_probe_plan p;
	struct ph_err err = { 0 };

	if (ph_probe_parse(text, &s, &err) < 0)
		return;
	if (ph_probe_plan(&s, &site, 64, &p, &err) == 0) {
		if (p.def.nargs > PH_PROBE_ARGS || p.names.n != p.def.nargs || p.def.room > 8 * PH_PROBE_ARGS + 64 * PH_PROBE_TEXTS)
			abort();
		for (uint32_t i = 0; i < p.def.nargs; i++)
			if (p.def.args[i].loads > PH_PROBE_LOADS || !p.def.args[i].size)
				abort();
		ph_probe_plan_done(&p);
	}
	ph_probe_spec_done(&s);
}

/*
 * A probe as a user may write it, where a note of a container's file says that its arguments are, and a program of
 * bpftrace: the same bytes as each.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ph_bpftrace_container c[] = {
		{ "a", "A", 1, 2, file, NULL }, { "b", "B", 3, 4, file, NULL },
	};
	char *text = malloc(size + 1);
	struct ph_buf out = { 0 };
	struct ph_err err = { 0 };
	ph_strv notes = { 0 };

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	plan(text, "8@%rax -4@8(%rbp)", EM_X86_64);
	plan("usdt:/x:a:b", text, EM_X86_64);
	plan("usdt:/x:a:b(arg1,str(arg2),u8(*arg3))", text, EM_AARCH64);
	ph_bpftrace_rewrite(text, c, 2, &out, &notes, &err);
	ph_strv_done(&notes);
	ph_buf_done(&out);
	free(text);
	return 0;
}
