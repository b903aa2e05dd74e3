/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "symbol/demangle.h"
#include "symbol/gopclntab.h"
#include "symbol/jit.h"
#include "symbol/proto.h"
#include "symbol/usdt.h"

/* The first byte says what of: all that the child reads without a library, and what its parent reads of the child. */

/* Where there is a leak sanitizer. */
__attribute__((weak)) void __lsan_disable(void);
__attribute__((weak)) void __lsan_enable(void);

static void look_up(const struct ph_symtab *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct ph_sym *s = ph_symtab_find(t, t->syms.v[i].addr);

		if (t->syms.v[i].end > t->syms.v[i].addr && (!s || s->addr > t->syms.v[i].addr ||
							      s->end <= t->syms.v[i].addr))
			abort();
	}
}

static void jit(enum ph_jit_kind kind, const uint8_t *p, size_t n)
{
	const struct ph_jitcode *found[PH_JIT_VERSIONS];
	struct ph_jit j = { .kind = kind };
	uint64_t skip = 0;

	if (kind == PH_JIT_PERF_MAP) {
		if (ph_jit_lines(&j, (const char *)p, n) > n)
			abort();
	} else if (ph_jit_records(&j, p, n, &skip) > n) {
		abort();
	}
	for (size_t i = 0; i < j.codes.n && j.codes.n < 1000; i++) {
		const struct ph_jitcode *c = &j.codes.v[i];
		size_t nfound = ph_jit_find(&j, c->addr + c->size - 1, found);

		/* What was told last is the first. */
		if (!nfound || found[0] < c)
			abort();
		for (size_t k = 0; k < nfound; k++)
			if (c->addr + c->size - 1 - found[k]->addr >= found[k]->size || (k && found[k] > found[k - 1]))
				abort();
	}
	ph_jit_done(&j);
}

static void notes(const uint8_t *p, size_t n)
{
	struct ph_bytes in = { p, p + n, false };
	struct ph_usdt_note note;
	size_t sum = 0;

	while (ph_usdt_next(&in, &note))
		sum += strlen(note.provider) + strlen(note.name) + strlen(note.args);
	if (sum > n)
		abort();
}

static void demangled(const uint8_t *p, size_t n)
{
	char *name = ph_strndup((const char *)p, n);
	struct ph_buf b = { 0 };
	struct ph_demangled d;

	/* Of a name that grows without end, what was read of its Unicode parts stays: ph_demangle() leaves in the midst. */
	if (__lsan_disable)
		__lsan_disable();
	ph_demangle(name, &b);
	if (__lsan_enable)
		__lsan_enable();
	if (b.len > PH_SYMSTR_MAX)
		abort();
	ph_demangled_parse(b.p ? b.p : "", &d);
	if (d.name > d.templates || d.templates > d.params || d.params > b.len)
		abort();
	ph_buf_done(&b);
	free(name);
}

static void table(const uint8_t *p, size_t n)
{
	struct ph_bytes in = { p, p + n, false };
	struct ph_unwind_table *t = ph_symtable_get(&in);

	if (!t)
		return;
	for (uint64_t page = 0; page < t->npages; page++)
		if (ph_unwind_find(t, t->base + page * PH_UNWIND_PAGE + 77) >= t->nrules)
			abort();
	ph_unwind_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ph_symtab t = { 0 };
	uint8_t *p;

	if (!size)
		return 0;
	/* Of its own size, so that what is read behind its end is seen. */
	p = malloc(size - 1 ? size - 1 : 1);
	if (!p)
		return 0;
	memcpy(p, data + 1, size - 1);
	size--;
	switch (data[0]) {
	case 'm':
		jit(PH_JIT_PERF_MAP, p, size);
		break;
	case 'j':
		jit(PH_JIT_DUMP, p, size);
		break;
	case 'g':
		ph_gopclntab_add(&t, p, size, 0x1000);
		ph_symtab_sort(&t);
		look_up(&t);
		ph_symtab_done(&t);
		break;
	case 'u':
		notes(p, size);
		break;
	case 'd':
		demangled(p, size);
		break;
	case 't':
		table(p, size);
		break;
	}
	free(p);
	return 0;
}
