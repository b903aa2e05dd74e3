/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of kernel functions, for stacks: looked up where they are recorded, as addresses mean
 * nothing on another machine, nor on this one after it was started anew. The kernel is asked for each place once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "collect/priv.h"

/* Places that are told; a busy machine has some thousands. */
#define TOLD_MAX 65536

/* BPF programs that came while recording. */
#define LATE_MAX 4096

/* A tracer's functions are among the first so many. */
#define OURS_MAX 16

#define KERNEL_NAME_MAX sizeof(((struct ph_kernel_name *)0)->text)

/* Where a place is; the strings are its own. */
struct found {
	char name[KERNEL_NAME_MAX], module[64];
	uint64_t offset;
};

/* One that came while recording. */
struct late {
	uint64_t begin, end;
	char *name;
};

struct ph_kallsyms {
	ph_kallsyms_ask ask;
	void *ctx;
	PH_VEC(struct late) late;
	struct ph_u64map seen;			/* address → SEEN | … */
	PH_VEC(uint64_t) queue;			/* not told yet */
	struct ph_emit out;
};

struct ph_kallsyms *ph_kallsyms_new(ph_kallsyms_ask ask, void *ctx)
{
	struct ph_kallsyms *k = ph_alloc(sizeof(*k));

	k->ask = ask;
	k->ctx = ctx;
	return k;
}

void ph_kallsyms_came(struct ph_kallsyms *k, uint64_t begin, uint64_t size, const char *name)
{
	size_t kept = 0;

	if (!size || begin + size < begin)
		return;
	/* What was there before is gone. */
	for (size_t i = 0; i < k->late.n; i++)
		if (k->late.v[i].end <= begin || k->late.v[i].begin >= begin + size)
			k->late.v[kept++] = k->late.v[i];
		else
			free(k->late.v[i].name);
	k->late.n = kept;
	if (k->late.n < LATE_MAX)
		*ph_vec_push(&k->late) = (struct late){ begin, begin + size, ph_strdup(name) };
}

void ph_kallsyms_free(struct ph_kallsyms *k)
{
	if (!k)
		return;
	ph_vec_each(l, &k->late)
		free(l->name);
	ph_vec_done(&k->late);
	ph_vec_done(&k->queue);
	ph_u64map_done(&k->seen);
	free(k);
}

/* "bpf_prog_4e8bb9eb399cbbf7_limit_look", unlike what loads them. */
static bool is_program(const char *name)
{
	return !strncmp(name, "bpf_prog_", 9) && strspn(name + 9, "0123456789abcdef") == 16;
}

/* "do_nanosleep+0x10/0x80", in modules with " [name]" behind it; where there is no function, "0xffff…". */
static bool take_answer(const char *text, struct found *ret)
{
	const char *plus = strstr(text, "+0x"), *module = strstr(text, " [");

	if (!plus || !strncmp(text, "0x", 2))
		return false;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(plus - text), text);
	ret->offset = strtoull(plus + 1, NULL, 16) + 1;
	if (module)
		snprintf(ret->module, sizeof(ret->module), "%.*s", (int)strcspn(module + 2, " ]"), module + 2);
	else if (is_program(ret->name))		/* as in /proc/kallsyms */
		snprintf(ret->module, sizeof(ret->module), "bpf");
	return true;
}

/* The function that @address, to which a call returns, is in: a call may be the last that a function does. */
static bool find(const struct ph_kallsyms *k, uint64_t address, struct found *ret)
{
	char text[KERNEL_NAME_MAX] = "";

	*ret = (struct found){ 0 };
	ph_vec_each(l, &k->late) {
		if (address <= l->begin || address > l->end)
			continue;
		snprintf(ret->name, sizeof(ret->name), "%s", l->name);
		snprintf(ret->module, sizeof(ret->module), "bpf");
		ret->offset = address - l->begin;
		return true;
	}
	return address && k->ask(k->ctx, address - 1, text, sizeof(text)) && take_answer(text, ret);
}

/* Of what a tracepoint calls, up to a BPF program and what that calls. */
static bool of_tracer(const struct ph_kallsyms *k, uint64_t address)
{
	static const char *const begins[] = {
		"__traceiter_", "__bpf_trace_", "bpf_trace_run", "bpf_trampoline_", "perf_trace_", "trace_call_bpf",
		"bpf_get_task_stack", "__bpf_get_stack", "get_callchain_entry", "stack_trace_save", "arch_stack_walk",
	};
	struct found f;

	if (!find(k, address, &f))
		return false;
	for (size_t i = 0; i < PH_ARRAY_SIZE(begins); i++)
		if (!strncmp(f.name, begins[i], strlen(begins[i])))
			return true;
	return is_program(f.name);
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
	struct found f;
	int r = 0;

	for (size_t i = 0; i < k->queue.n && r >= 0; i++) {
		if (!find(k, k->queue.v[i], &f))
			continue;
		ph_emit_begin(&k->out, PH_EV_kernel_symbol, ph_now_ns());
		ph_emit_u(&k->out, k->queue.v[i]);
		ph_emit_s(&k->out, f.name);
		ph_emit_u(&k->out, f.offset);
		ph_emit_s(&k->out, f.module);
		r = ph_emit_done(&k->out, fn, arg, err);
	}
	k->queue.n = 0;
	return r;
}
