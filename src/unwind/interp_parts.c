/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other parts of the function that runs interpreted code, of which files without a .symtab do not tell where they are. */
#include "unwind/interp_priv.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "unwind/cfi.h"
#include "unwind/insn.h"

/* The largest, of Python without optimization, has 200 KB. */
#define CODE_MAX (1u << 20)
#define LOOP_MIN 16384
/* All versions have more instructions, each of which ends with a jump to the next one's code; no other function has as many. */
#define LOOP_JUMPS 100

struct function {
	uint64_t begin, n;
	uint8_t *code;
	struct ph_elf_code section;	/* that it is in */
};

static void function_done(struct function *f)
{
	free(f->code);
}

static bool function_read(struct ph_elf *elf, uint64_t begin, uint64_t end, struct function *ret)
{
	const struct ph_elf_code *sections;
	size_t n;

	ret->begin = begin;
	ret->n = end - begin;
	if (ret->n > CODE_MAX)
		return false;
	ret->section = (struct ph_elf_code){ 0, UINT64_MAX };
	sections = ph_elf_code(elf, &n);
	for (size_t i = 0; sections && i < n; i++)
		if (begin >= sections[i].begin && begin < sections[i].end)
			ret->section = sections[i];
	ret->code = ph_alloc(ret->n);
	return ph_elf_read_at(elf, begin, ret->code, ret->n);
}

static void insn_read(const struct ph_cfi *cfi, const struct function *f, uint64_t at, struct ph_insn *ret)
{
	if (cfi->arch == PH_UNWIND_ARM64)
		ph_insn_read_arm64(f->code + at, f->n - at, ret);
	else
		ph_insn_read(f->code + at, f->n - at, ret);
}

/*
 * A compiler puts what it takes for rare elsewhere, which some builds of Python spend all their time in. It has an entry of its own
 * in .eh_frame, and the function jumps into the middle of it, as it does of no other function; but the linker's PLT, another section, has
 * one entry for all that is called through it.
 */
static void find_cold(const struct ph_cfi *cfi, const struct function *of, __u64 *ret_begin, __u64 *ret_end)
{
	ph_autofree uint32_t *jumps = ph_alloc(cfi->fdes.n * sizeof(*jumps));
	size_t best = 0;
	struct ph_insn in;

	for (uint64_t at = 0; at < of->n; at += in.len) {
		const struct ph_fde *f;
		uint64_t to;

		insn_read(cfi, of, at, &in);
		if ((in.kind != PH_INSN_JUMP && in.kind != PH_INSN_BRANCH) || !in.direct)
			continue;
		to = of->begin + at + (uint64_t)in.target;
		if (to - of->begin < of->n || to < of->section.begin || to >= of->section.end)
			continue;
		f = ph_cfi_find(cfi, to);
		if (!f || f->begin == to)
			continue;
		jumps[f - cfi->fdes.v]++;
		if (jumps[f - cfi->fdes.v] > jumps[best])
			best = (size_t)(f - cfi->fdes.v);
	}
	if (!jumps[best])
		return;
	*ret_begin = cfi->fdes.v[best].begin;
	*ret_end = *ret_begin + cfi->fdes.v[best].size;
}

/* The function that runs Ruby's instructions is called by rb_vm_exec() alone: it is by far the largest of those that are called. */
static void find_loop(const struct ph_cfi *cfi, const struct function *of, struct ph_interp *ret)
{
	struct ph_insn in;

	for (uint64_t at = 0; at < of->n; at += in.len) {
		const struct ph_fde *f;

		insn_read(cfi, of, at, &in);
		if (in.kind != PH_INSN_CALL || !in.direct)
			continue;
		f = ph_cfi_find(cfi, of->begin + at + (uint64_t)in.target);
		if (!f || f->begin != of->begin + at + (uint64_t)in.target || f->size < LOOP_MIN ||
		    f->size <= ret->loop_end - ret->loop_begin)
			continue;
		ret->loop_begin = f->begin;
		ret->loop_end = f->begin + f->size;
	}
}

static size_t computed_jumps(const struct function *f)
{
	struct ph_insn in;
	size_t n = 0;

	for (uint64_t at = 0; at < f->n; at += in.len) {
		ph_insn_read(f->code + at, f->n - at, &in);
		/* Not those of the PLT. */
		n += in.kind == PH_INSN_JUMP && !in.direct && in.base != PH_X86_RIP;
	}
	return n;
}

static bool calls(const struct function *f, uint64_t to)
{
	for (uint64_t at = 0; at + 5 <= f->n; at++) {
		int32_t disp;

		if (f->code[at] != 0xe8)
			continue;
		memcpy(&disp, f->code + at + 1, sizeof(disp));
		if (f->begin + at + 5 + (uint64_t)disp == to)
			return true;
	}
	return false;
}

/*
 * Ruby from 3.3 on exports nothing of that: the loop is known by its jumps, and rb_vm_exec() by its calls of the loop. At most, there is
 * another function that does, which asks for the addresses of the instructions' code, and a small one.
 */
static void find_ruby(struct ph_elf *elf, const struct ph_cfi *cfi, struct ph_interp *ret)
{
	size_t jumps = LOOP_JUMPS;

	ph_vec_each(e, &cfi->fdes) {
		ph_auto(function_done) struct function f = { 0 };
		size_t n;

		if (e->size < LOOP_MIN || !function_read(elf, e->begin, e->begin + e->size, &f))
			continue;
		n = computed_jumps(&f);
		if (n < jumps)
			continue;
		jumps = n;
		ret->loop_begin = e->begin;
		ret->loop_end = e->begin + e->size;
	}
	ph_vec_each(e, &cfi->fdes) {
		ph_auto(function_done) struct function f = { 0 };

		if (ret->loop_end && e->size > ret->code_end - ret->code_begin && e->begin != ret->loop_begin &&
		    function_read(elf, e->begin, e->begin + e->size, &f) && calls(&f, ret->loop_begin)) {
			ret->code_begin = e->begin;
			ret->code_end = e->begin + e->size;
		}
	}
}

void ph_interp_parts(struct ph_elf *elf, const struct ph_interp_symbols *sym, struct ph_interp *ret)
{
	struct ph_cfi cfi = { .arch = ph_elf_machine(elf) == EM_AARCH64 ? PH_UNWIND_ARM64 : PH_UNWIND_X86_64 };
	ph_auto(function_done) struct function runs = { 0 }, loop = { 0 };
	struct ph_elf_data frames;
	uint64_t at, size;

	if (ret->kind == PH_INTERP_RUBY && sym->find(sym->ctx, "vm_exec_core", &at, &size)) {
		ret->loop_begin = at;
		ret->loop_end = at + size;
	}
	if (ph_elf_eh_frame(elf, &frames))
		return;
	ph_cfi_read(&cfi, &frames, false);
	ph_cfi_sort(&cfi);
	if (!ret->code_end)
		find_ruby(elf, &cfi, ret);
	if (cfi.fdes.n && function_read(elf, ret->code_begin, ret->code_end, &runs)) {
		find_cold(&cfi, &runs, &ret->cold_begin, &ret->cold_end);
		if (ret->kind == PH_INTERP_RUBY && !ret->loop_end)
			find_loop(&cfi, &runs, ret);
		if (ret->loop_end && function_read(elf, ret->loop_begin, ret->loop_end, &loop))
			find_cold(&cfi, &loop, &ret->loop_cold_begin, &ret->loop_cold_end);
	}
	ph_cfi_done(&cfi);
}
