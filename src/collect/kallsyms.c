/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of kernel functions, for stacks: looked up where they are recorded, as addresses mean
 * nothing on another machine, nor on this one after it was started anew.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "collect/priv.h"

/* No function is larger: what is further behind one is in what came later (a module) or has no name. */
#define FUNCTION_MAX (1u << 20)
/* Places that are told; a busy machine has some thousands. */
#define TOLD_MAX 65536

/* BPF programs that came while recording. */
#define LATE_MAX 4096

/* A tracer's functions are among the first so many. */
#define OURS_MAX 16

struct function {
	uint64_t begin;
	uint32_t name, module;		/* in `names` */
};

/* One that came while recording. */
struct late {
	struct function f;
	uint64_t end;
};

struct ph_kallsyms {
	PH_VEC(struct function) functions;	/* by address */
	PH_VEC(struct late) late;
	struct ph_buf names;			/* each with its NUL */
	struct ph_u64map seen;			/* address → SEEN | … */
	PH_VEC(uint64_t) queue;			/* not told yet */
	struct ph_emit out;
};

static uint32_t keep(struct ph_kallsyms *k, const char *s, size_t n)
{
	uint32_t at = (uint32_t)k->names.len;

	ph_buf_add(&k->names, s, n);
	ph_buf_addc(&k->names, 0);
	return at;
}

/* "ffffffff81234560 t do_nanosleep", in modules with "\t[name]" behind it. */
static void take_line(struct ph_kallsyms *k, char *line, uint32_t *module)
{
	struct function *f;
	uint64_t begin;
	char *end, *name, *mod;

	begin = strtoull(line, &end, 16);
	if (!begin || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) || end[2] != ' ')
		return;
	name = end + 3;
	name[strcspn(name, "\n")] = 0;
	mod = strpbrk(name, "\t ");
	f = ph_vec_push(&k->functions);
	f->begin = begin;
	f->name = keep(k, name, mod ? (size_t)(mod - name) : strlen(name));
	mod = mod ? strchr(mod, '[') : NULL;
	if (!mod)
		return;
	mod++;
	mod[strcspn(mod, "]")] = 0;
	/* A module's functions stand together. */
	if (strcmp(k->names.p + *module, mod) != 0)
		*module = keep(k, mod, strlen(mod));
	f->module = *module;
}

static int by_address(const void *pa, const void *pb)
{
	const struct function *a = pa, *b = pb;

	return a->begin < b->begin ? -1 : a->begin > b->begin;
}

struct ph_kallsyms *ph_kallsyms_new(const char *path)
{
	struct ph_kallsyms *k = ph_alloc(sizeof(*k));
	ph_autofclose FILE *file = fopen(path, "re");
	ph_autofree char *line = NULL;
	uint32_t module = 0;
	size_t room = 0;

	keep(k, "", 0);		/* no module */
	while (file && getline(&line, &room, file) > 0)
		take_line(k, line, &module);
	if (k->functions.n)
		qsort(k->functions.v, k->functions.n, sizeof(*k->functions.v), by_address);
	return k;
}

void ph_kallsyms_came(struct ph_kallsyms *k, uint64_t begin, uint64_t size, const char *name)
{
	size_t kept = 0;

	if (!size || begin + size < begin)
		return;
	/* What was there before is gone. */
	for (size_t i = 0; i < k->late.n; i++)
		if (k->late.v[i].end <= begin || k->late.v[i].f.begin >= begin + size)
			k->late.v[kept++] = k->late.v[i];
	k->late.n = kept;
	if (k->late.n < LATE_MAX)
		*ph_vec_push(&k->late) = (struct late){ { begin, keep(k, name, strlen(name)), keep(k, "bpf", 3) }, begin + size };
}

void ph_kallsyms_free(struct ph_kallsyms *k)
{
	if (!k)
		return;
	ph_vec_done(&k->functions);
	ph_vec_done(&k->late);
	ph_vec_done(&k->queue);
	ph_buf_done(&k->names);
	ph_u64map_done(&k->seen);
	free(k);
}

/* The function that @address, to which a call returns, is in: a call may be the last that a function does. */
static const struct function *find(const struct ph_kallsyms *k, uint64_t address)
{
	size_t lo = 0, hi = k->functions.n;

	ph_vec_each(l, &k->late)
		if (address > l->f.begin && address <= l->end)
			return &l->f;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->functions.v[mid].begin < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || address - k->functions.v[lo - 1].begin > FUNCTION_MAX)
		return NULL;
	return &k->functions.v[lo - 1];
}

/* "bpf_prog_4e8bb9eb399cbbf7_limit_look", unlike what loads them. */
static bool is_program(const char *name)
{
	return !strncmp(name, "bpf_prog_", 9) && strspn(name + 9, "0123456789abcdef") == 16;
}

/* Of what a tracepoint calls, up to a BPF program and what that calls. */
static bool of_tracer(const struct ph_kallsyms *k, uint64_t address)
{
	static const char *const begins[] = {
		"__traceiter_", "__bpf_trace_", "bpf_trace_run", "bpf_trampoline_", "perf_trace_", "trace_call_bpf",
		"bpf_get_task_stack", "__bpf_get_stack", "get_callchain_entry", "stack_trace_save", "arch_stack_walk",
	};
	const struct function *f = find(k, address);
	const char *name = f ? k->names.p + f->name : "";

	for (size_t i = 0; f && i < PH_ARRAY_SIZE(begins); i++)
		if (!strncmp(name, begins[i], strlen(begins[i])))
			return true;
	return is_program(name);
}

/* Values of `seen`. */
enum { SEEN = 1, OURS = 2, QUEUED = 4 };

static uintptr_t saw(struct ph_kallsyms *k, uint64_t address)
{
	uintptr_t what = (uintptr_t)ph_u64map_get(&k->seen, address);

	if (ph_likely(what) || k->seen.n >= TOLD_MAX)
		return what;
	what = of_tracer(k, address) ? SEEN | OURS : SEEN;
	ph_u64map_put(&k->seen, address, (void *)what);
	return what;
}

void ph_kallsyms_saw(struct ph_kallsyms *k, const struct ph_value *stack)
{
	for (uint32_t i = 0; i < stack->n; i++) {
		uint64_t address = stack->v[i].u;
		uintptr_t what = saw(k, address);

		if (ph_likely(!what || what & QUEUED))
			continue;
		ph_u64map_put(&k->seen, address, (void *)(what | QUEUED));
		*ph_vec_push(&k->queue) = address;
	}
}

uint32_t ph_kallsyms_ours(struct ph_kallsyms *k, const struct ph_value *stack)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < stack->n && i < OURS_MAX; i++)
		if (saw(k, stack->v[i].u) & OURS)
			n = i + 1;
	return n;
}

int ph_kallsyms_run(struct ph_kallsyms *k, ph_event_fn fn, void *arg, struct ph_err *err)
{
	int r = 0;

	for (size_t i = 0; i < k->queue.n && r >= 0; i++) {
		const struct function *f = find(k, k->queue.v[i]);

		if (!f)
			continue;
		ph_emit_begin(&k->out, PH_EV_kernel_symbol, ph_now_ns());
		ph_emit_u(&k->out, k->queue.v[i]);
		ph_emit_s(&k->out, k->names.p + f->name);
		ph_emit_u(&k->out, k->queue.v[i] - f->begin);
		ph_emit_s(&k->out, k->names.p + f->module);
		r = ph_emit_done(&k->out, fn, arg, err);
	}
	k->queue.n = 0;
	return r;
}
