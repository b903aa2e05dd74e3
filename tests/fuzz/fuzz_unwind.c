/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "unwind/table.h"
#include "unwind/walk.h"

struct memory {
	const uint8_t *p;
	size_t n;
	unsigned int words;
};

/* Every address is one of the input's, which so is the stack, too. */
static int read_word(void *ctx, __u64 addr, __u64 *value)
{
	struct memory *m = ctx;

	m->words++;
	if (m->n < 8 || addr % 13 == 0)
		return -1;
	memcpy(value, m->p + addr % (m->n - 7), 8);
	return 0;
}

/* Whatever was in the file, the table keeps what the kernel side relies on. */
static void check(const struct ph_unwind_table *t, const uint8_t *data, size_t size)
{
	struct ph_unwind_map map = { .begin = t->base, .end = t->base + PH_UNWIND_SPAN_MAX, .table = t };
	struct ph_unwind_regs regs = { .flags = PH_REGS_FP | PH_REGS_LR | PH_REGS_BX | PH_REGS_EXACT };
	struct memory m = { data, size, 0 };
	struct ph_unwind_frame frames[32];
	enum ph_unwind_step last;
	uint64_t top[32] = { 0 };
	size_t n;

	if (t->base % PH_UNWIND_PAGE || t->npages > PH_UNWIND_SPAN_MAX / PH_UNWIND_PAGE || t->pages[0] ||
	    t->pages[t->npages] != t->nrows || t->nrules < PH_RULE_FIRST || t->nrules > 65536)
		abort();
	for (uint32_t p = 0; p < t->npages; p++) {
		if (t->pages[p] > t->pages[p + 1])
			abort();
		for (uint32_t i = t->pages[p]; i < t->pages[p + 1]; i++) {
			uint64_t pc = t->base + ((uint64_t)p << PH_UNWIND_PAGE_BITS) + t->rows[i].pc;

			if (t->rows[i].rule >= t->nrules ||
			    (i > t->pages[p] && t->rows[i].pc <= t->rows[i - 1].pc) ||
			    ph_unwind_find(t, pc) != t->rows[i].rule)
				abort();
			/* One walk from each of some of them. */
			if (i % 8)
				continue;
			regs.pc = pc;
			regs.sp = regs.fp = regs.bx = regs.lr = pc * 7;
			m.words = 0;
			n = ph_unwind_walk(t->arch, &map, 1, regs, top, read_word, &m, frames, 32, &last);
			if (!n || n > 32 || m.words > 32 * 6)
				abort();
		}
	}
	if (t->nrows && t->rows[t->nrows - 1].rule != PH_RULE_NONE)
		abort();
	for (uint32_t i = 0; i < t->nrules; i++)
		if (t->rules[i].cfa >= PH_CFA_NKINDS || t->rules[i].ra >= PH_SAVED_NKINDS ||
		    t->rules[i].fp >= PH_SAVED_NKINDS || t->rules[i].bx >= PH_SAVED_NKINDS ||
		    (t->rules[i].cfa == PH_CFA_REGISTER && (t->rules[i].cfa_add < 0 || t->rules[i].cfa_add > 30)))
			abort();
}

/* Without the file around them, so that what is changed is what matters: tables of frames, and code without any. */
static void raw(const uint8_t *data, size_t size)
{
	struct ph_elf_segment code[] = { { 0x1000, 1 << 24, 0, 1 << 24, true },
					 { 0x2000000, 1 << 12, 1 << 24, 1 << 12, true } };
	bool debug = data[0] & 2;
	struct ph_unwind_builder b;
	struct ph_unwind_table *t;
	struct ph_elf_data d = { data + 1, size - 1, 0x3000, data[0] & 4 };
	struct ph_cfi cfi = { .arch = data[0] & 1 ? PH_UNWIND_ARM64 : PH_UNWIND_X86_64 };

	ph_cfi_read(&cfi, &d, debug);
	if (data[0] & 8)
		ph_cfi_read(&cfi, &d, !debug);
	ph_unwind_begin(&b, cfi.arch, code[0].vaddr);
	ph_unwind_add(&b, &cfi, NULL, code, 2);
	ph_unwind_gap(&b, data, size);
	t = ph_unwind_finish(&b);
	check(t, data, size);
	ph_unwind_free(t);
	ph_cfi_done(&cfi);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ph_unwind_table *t = NULL;
	struct ph_elf *elf = NULL;
	struct ph_err err = { 0 };

	if (size < 4)
		return 0;
	if (memcmp(data, "\177ELF", 4)) {
		raw(data, size);
		return 0;
	}
	if (!ph_elf_open_image(data, size, &elf, &err)) {
		if (!ph_unwind_compile(elf, &t, &err))
			check(t, data, size);
		ph_unwind_free(t);
		ph_elf_close(elf);
	}
	return 0;
}
