/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that programs made while they ran and tell no names of: who made it, and how it is got to tell them. */
#include <string.h>

#include "analyze/profile_priv.h"
#include "base/cleanup.h"

/* Known by a file that the process has mapped; PID stands for the process, as its container calls it. */
static const struct runtime {
	const char *name, *files[2], *remedy;
} runtimes[] = {
	/* Before HotSpot: its libj9vm29.so comes with a libjvm.so. */
	{ "java", { "libj9vm" }, "start it with -XX:+PerfTool" },
	{ "java", { "libjvm.so" }, "run `jcmd PID Compiler.perfmap` there while it is recorded (from Java 17 on; once more when it has compiled more), "
	  "or start it with -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit, or with perf-map-agent; "
	  "-XX:+PreserveFramePointer completes its stacks" },
	{ "node", { "node", "libnode.so" }, "start it with --perf-basic-prof --interpreted-frames-native-stack (or these in NODE_OPTIONS)" },
	{ ".NET", { "libcoreclr.so" }, "start it with DOTNET_PerfMapEnabled=1 in its environment (before .NET 6, COMPlus_PerfMapEnabled=1)" },
	{ "PHP", { "opcache.so" }, "start it with opcache.jit_buffer_size=0 (php.ini, or -d): without the JIT its functions are known and its stacks complete; "
	  "opcache.jit_debug=16 names what the JIT compiles, not of php-fpm's and Apache's children" },
	{ "ruby", { "ruby", "libruby" }, "start it with --yjit-perf (from Ruby 3.3 on)" },
	{ "erlang", { "beam.smp" }, "start it with +JPperf true (from OTP 25 on)" },
};

/* "libruby" is "libruby-3.3.so.3.3", "node" not "nodeset". */
static bool is_file(const char *module, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(module, name, n) && !strspn(module + n, "abcdefghijklmnopqrstuvwxyz_");
}

static const struct runtime *runtime_of(const struct ph_profile *p, const struct space *s, uint32_t *ret_file)
{
	for (size_t r = 0; r < PH_ARRAY_SIZE(runtimes); r++) {
		ph_vec_each(m, &s->maps) {
			uintptr_t at = (uintptr_t)ph_u64map_get(&p->priv->file_map, m->file);

			for (size_t i = 0; at && i < PH_ARRAY_SIZE(runtimes[r].files); i++) {
				if (runtimes[r].files[i] && is_file(p->files.v[at - 1]->module, runtimes[r].files[i])) {
					*ret_file = (uint32_t)at - 1;
					return &runtimes[r];
				}
			}
		}
	}
	return NULL;
}

static const char *remedy_of(struct ph_profile *p, const struct runtime *r, int32_t pid)
{
	const char *at = strstr(r->remedy, "PID");
	ph_autobuf text = { 0 };

	if (!at || pid <= 0)
		return r->remedy;
	ph_buf_addf(&text, "%.*s%d%s", (int)(at - r->remedy), r->remedy, pid, at + 3);
	return profile_string(p, text.p, text.len);
}

/* While it is there: what a container calls a process is forgotten with that. */
void profile_made_saw(struct ph_profile *p, int32_t pid)
{
	const struct ph_task *t;
	struct ph_profile_made *m;

	if (ph_u64map_get(&p->priv->made_map, (uint64_t)pid) || p->made.n >= MADE_MAX)
		return;
	t = ph_identity_task(p->id, pid);
	m = ph_vec_push(&p->made);
	*m = (struct ph_profile_made){ .pid = pid, .container = t ? t->container : PH_CONTAINER_UNKNOWN, .file = UINT32_MAX };
	m->its_pid = t && t->levels ? t->vpid[t->levels - 1] : 0;
	ph_u64map_put(&p->priv->made_map, (uint64_t)pid, (void *)(uintptr_t)p->made.n);
}

uint32_t profile_made_by(struct ph_profile *p, int32_t pid)
{
	uintptr_t at = (uintptr_t)ph_u64map_get(&p->priv->made_map, (uint64_t)pid);
	const struct space *s = at ? profile_space(p, pid) : NULL;
	struct ph_profile_made *m = at ? &p->made.v[at - 1] : NULL;
	const struct runtime *r;

	if (!s)
		return 0;
	if (!m->runtime) {
		r = runtime_of(p, s, &m->file);
		m->runtime = r ? r->name : "";
		m->remedy = r ? remedy_of(p, r, m->its_pid) : "";
	}
	return m->runtime[0] ? (uint32_t)at : 0;
}
