/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/table.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "unwind/catch.h"
#include "unwind/code.h"

/* What compilers fill up to the next function with is never run: its rule does not matter. */
#define PADDING_ALIGN 16
/* Code without entries is searched for the return of signals; so much of a file at most. */
#define SCAN_MAX (16u << 20)
/* In less code without entries, there are no functions to speak of. */
#define BEGINS_MIN 1024
/* So many slots of the hash table are looked at; of a table half full, some ten at most otherwise. */
#define TRIES_MAX 256

const char *ph_unwind_why_text(enum ph_unwind_why why)
{
	static const char *const text[PH_WHY_N] = {
		[PH_WHY_NOT] = "it has a rule",
		[PH_WHY_CFA_REGISTER] = "the frame is counted from no general register",
		[PH_WHY_CFA_EXPRESSION] = "the frame's address is an expression of a form that is not known",
		[PH_WHY_SP] = "the caller's stack pointer is not where the frame ends",
		[PH_WHY_RA] = "the return address is nowhere in memory",
		[PH_WHY_RANGE] = "an offset is too large",
		[PH_WHY_BROKEN] = "its instructions are broken",
		[PH_WHY_DEEP] = "more states are remembered in each other than are kept",
		[PH_WHY_FULL] = "the file has more different rules than a table can have",
	};

	return text[why];
}

/* ---- rules ---------------------------------------------------------------------------------- */

static bool same_rule(const struct ph_unwind_rule *a, const struct ph_unwind_rule *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static uint64_t hash_rule(const struct ph_unwind_rule *rule)
{
	uint64_t w[sizeof(*rule) / 8], h = PH_HASH_INIT;

	/* By words: this is done for each row. */
	memcpy(w, rule, sizeof(w));
	for (size_t i = 0; i < sizeof(w) / sizeof(w[0]); i++)
		h = (h ^ h >> 32 ^ w[i]) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

static void slots_grow(struct ph_unwind_builder *b)
{
	free(b->slots);
	b->nslots = b->nslots ? b->nslots * 2 : 512;
	b->slots = ph_alloc(b->nslots * sizeof(*b->slots));
	for (size_t i = 0; i < b->rules.n; i++) {
		size_t at = hash_rule(&b->rules.v[i]) & (b->nslots - 1);

		while (b->slots[at])
			at = (at + 1) & (b->nslots - 1);
		b->slots[at] = (uint32_t)i + 1;
	}
}

/*
 * The rule's index, UINT32_MAX where there is no room for another: neither in the table nor, of those that somebody
 * chose so that they all hash alike, here.
 */
static uint32_t intern(struct ph_unwind_builder *b, const struct ph_unwind_rule *rule)
{
	unsigned int tries = 0;
	size_t at;

	if (b->rules.n * 2 >= b->nslots)
		slots_grow(b);
	for (at = hash_rule(rule) & (b->nslots - 1); b->slots[at]; at = (at + 1) & (b->nslots - 1)) {
		if (same_rule(&b->rules.v[b->slots[at] - 1], rule))
			return b->slots[at] - 1;
		if (++tries == TRIES_MAX)
			return UINT32_MAX;
	}
	if (b->rules.n > UINT16_MAX)
		return UINT32_MAX;
	*ph_vec_push(&b->rules) = *rule;
	b->slots[at] = (uint32_t)b->rules.n;
	return (uint32_t)b->rules.n - 1;
}

static uint32_t intern_or_none(struct ph_unwind_builder *b, const struct ph_unwind_rule *rule)
{
	uint32_t i = intern(b, rule);

	return i == UINT32_MAX ? PH_RULE_NONE : i;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void pages_up_to(struct ph_unwind_builder *b, uint64_t page)
{
	while (b->pages.n <= page)
		*ph_vec_push(&b->pages) = (uint32_t)b->rows.n;
}

/* From @pc on, which grows from call to call, this is the rule. */
static void add_row(struct ph_unwind_builder *b, uint64_t pc, uint32_t rule)
{
	uint64_t off = pc - b->base;

	if (rule == b->last_rule)
		return;
	pages_up_to(b, off >> PH_UNWIND_PAGE_BITS);
	*ph_vec_push(&b->rows) = (struct ph_unwind_row){ (__u16)off, (__u16)rule };
	b->last_rule = rule;
	b->row_at = pc;
}

void ph_unwind_begin(struct ph_unwind_builder *b, enum ph_unwind_arch arch, uint64_t first)
{
	struct ph_unwind_rule none = { .cfa = PH_CFA_NONE }, end = { .cfa = PH_CFA_END };

	memset(b, 0, sizeof(*b));
	b->arch = arch;
	b->base = first & ~(uint64_t)(PH_UNWIND_PAGE - 1);
	b->end = b->base;
	/* In the order of PH_RULE_NONE and PH_RULE_END. */
	intern(b, &none);
	intern(b, &end);
	b->last_rule = PH_RULE_NONE;
}

/* Functions that go over to who catches an exception: the largest of them has 1.1 KB. */
#define CATCH_MAX 4096
enum { DWARF_RCX = 2 };

/*
 * From @pc on, function @f has rule @leaves: does it go over to who catches an exception there? Then its rows are others than its entry says
 * from the call on that changes its saved registers. Returns up to where; 0: it does not.
 */
static uint64_t add_catch(struct ph_unwind_builder *b, struct ph_elf *elf, const struct ph_elf_segment *s, const struct ph_fde *f,
			  uint64_t pc, const struct ph_unwind_rule *leaves)
{
	struct ph_unwind_rule frame = b->rules.v[b->last_rule], r;
	uint8_t code[CATCH_MAX];
	struct ph_catch c;

	if (b->arch != PH_UNWIND_X86_64 || leaves->cfa != PH_CFA_REGISTER || leaves->cfa_add != DWARF_RCX || leaves->cfa_off != 8 ||
	    frame.cfa != PH_CFA_FP || frame.cfa_off != 16 || f->size > sizeof(code) || !elf ||
	    !ph_elf_read(elf, s->offset + (f->begin - s->vaddr), code, f->size) || !ph_catch_find(code, f->size, pc - f->begin, &c) ||
	    b->row_at >= f->begin + c.call || c.sp != (int16_t)c.sp)
		return 0;
	/* In the call, its own caller until the return address is another one. */
	r = (struct ph_unwind_rule){ .cfa = PH_CFA_CATCH, .cfa_off = 16, .cfa_add = (__s16)c.sp, .ra = PH_SAVED_FP, .ra_off = 8,
				     .fp = PH_SAVED_FP, .bx = PH_SAVED_SAME };
	if (frame.bx == PH_SAVED_CFA) {
		r.bx = PH_SAVED_FP;
		r.bx_off = 16 + frame.bx_off;
	}
	add_row(b, f->begin + c.call, intern_or_none(b, &r));
	/* Then the other one, at the instruction where it goes on. */
	r.cfa = PH_CFA_FP_DEREF;
	r.cfa_off = c.sp;
	r.cfa_add = 0;
	r.ra_off = c.sp + 8;
	r.flags = PH_RULE_SIGNAL;
	add_row(b, f->begin + c.after, intern_or_none(b, &r));
	/* All registers are the other's but RSP; then RSP, too. */
	r = (struct ph_unwind_rule){ .cfa = PH_CFA_REGISTER, .cfa_off = 8, .cfa_add = DWARF_RCX, .ra = PH_SAVED_CFA, .ra_off = -8,
				     .flags = PH_RULE_SIGNAL };
	add_row(b, pc, intern_or_none(b, &r));
	r.cfa = PH_CFA_SP;
	r.cfa_add = 0;
	add_row(b, f->begin + c.ret, intern_or_none(b, &r));
	/* What was taken off the stack is there still. */
	r.cfa_off = 0;
	if (c.jump)
		add_row(b, f->begin + c.jump, intern_or_none(b, &r));
	b->stats.ruled += f->begin + c.end - pc;
	return f->begin + c.end;
}

/* Run a function's program; what of it lies in @begin to @end becomes rows. */
static void add_function(struct ph_unwind_builder *b, const struct ph_cfi *c, const struct ph_fde *f,
			 struct ph_elf *elf, const struct ph_elf_segment *s, uint64_t begin, uint64_t end)
{
	const struct ph_cie *cie = &c->cies.v[f->cie];
	enum ph_unwind_why why = PH_WHY_NOT;
	uint32_t rule = PH_RULE_NONE;
	struct ph_cfi_run *run = &b->run;
	uint64_t pc = f->begin, to, over;
	struct ph_unwind_rule r = { 0 };
	bool more;

	ph_cfi_start(run, c->arch, cie, (struct ph_bytes){ f->program, f->program + f->program_n, false }, pc);
	do {
		more = ph_cfi_next(run);
		to = more && run->pc < end ? run->pc : end;
		if (run->bad) {
			rule = PH_RULE_NONE;
			why = run->bad;
		} else if (run->changed) {
			why = ph_cfi_rule(c->arch, cie, &run->now, &r);
			rule = why ? PH_RULE_NONE : intern(b, &r);
			if (rule == UINT32_MAX) {
				rule = PH_RULE_NONE;
				why = PH_WHY_FULL;
			}
			run->changed = false;
		}
		if (pc < begin)
			pc = begin;
		over = to > pc && pc > begin ? add_catch(b, elf, s, f, pc, &r) : 0;
		pc = over ? over : pc;
		if (to > pc) {
			add_row(b, pc, rule);
			if (why)
				b->stats.bare[why] += to - pc;
			else
				b->stats.ruled += to - pc;
			pc = to;
		}
	} while (more && to < end);
	b->end = end;
}

/* ---- what has no entries -------------------------------------------------------------------- */

/*
 * The code to which a signal's handler returns is libc's, or in the vDSO, and has no entry in musl and on
 * arm64. Debuggers and the C++ runtime know it by its bytes: rt_sigreturn, which is how the kernel
 * knows it. The frame is the kernel's struct rt_sigframe.
 */
static const struct sigreturn {
	uint8_t code[9];
	uint8_t n;
	struct ph_unwind_rule rule;
} sigreturns[] = {
	[PH_UNWIND_X86_64] = {
		{ 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 }, 9,	/* mov $15, %rax; syscall */
		{ .cfa = PH_CFA_SP_DEREF, .cfa_off = 160, .ra = PH_SAVED_SP, .ra_off = 168,
		  .fp = PH_SAVED_SP, .fp_off = 120, .bx = PH_SAVED_SP, .bx_off = 128,
		  .flags = PH_RULE_SIGNAL } },
	[PH_UNWIND_ARM64] = {
		{ 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4 }, 8,	/* mov x8, #139; svc #0 */
		{ .cfa = PH_CFA_SP_DEREF, .cfa_off = 560, .ra = PH_SAVED_SP, .ra_off = 568,
		  .fp = PH_SAVED_SP, .fp_off = 544, .flags = PH_RULE_SIGNAL } },
};

const uint8_t *ph_unwind_sigreturn(enum ph_unwind_arch arch, size_t *ret_n)
{
	*ret_n = sigreturns[arch].n;
	return sigreturns[arch].code;
}

/* What is between the frames of signals: by its instructions. */
static void add_code(struct ph_unwind_builder *b, const struct ph_code *c, size_t from, size_t to)
{
	struct ph_unwind_rule r, last_r = { .cfa = PH_CFA_NONE };
	uint32_t rule, last = PH_RULE_NONE;
	size_t end;

	for (size_t at = from; at < to; at = end) {
		bool found = c && ph_code_rule(c, at, &r, &end);

		/* Most instructions leave all where it is. */
		rule = !found ? PH_RULE_NONE : same_rule(&r, &last_r) ? last : intern(b, &r);
		if (found) {
			last_r = r;
			last = rule;
		}
		if (!c || end > to)
			end = to;
		if (rule == UINT32_MAX)
			rule = PH_RULE_NONE;
		/* Between functions, as above. */
		if (!rule && at > from && end < to && end - at < PADDING_ALIGN && !(c && ph_code_reached(c, at)))
			continue;
		add_row(b, b->end + at, rule);
		if (rule)
			b->stats.followed += end - at;
	}
}

static struct ph_code *follow_code(const struct ph_unwind_builder *b, const uint8_t *code, size_t n)
{
	struct ph_code *c = ph_code_new(b->arch, code, n, b->end);
	size_t from = 0, to = b->begins.n;

	if (!c)
		return NULL;
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (b->begins.v[middle] < b->end)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < b->begins.n && b->begins.v[from] - b->end < n; from++)
		ph_code_begins(c, b->begins.v[from] - b->end);
	if (b->begin && b->begin >= b->end && b->begin - b->end < n)
		ph_code_begins(c, b->begin - b->end);
	ph_code_follow(c);
	return c;
}

void ph_unwind_gap(struct ph_unwind_builder *b, const uint8_t *code, size_t n)
{
	ph_auto(ph_code_free_ptr) struct ph_code *c = follow_code(b, code, n);
	const struct sigreturn *s = &sigreturns[b->arch];
	const uint8_t *p = code, *hit;

	while ((hit = memmem(p, n - (size_t)(p - code), s->code, s->n))) {
		/* Callers are looked up one byte before where they go on, and nothing called this. */
		const uint8_t *from = hit > p ? hit - 1 : hit;
		uint32_t rule = intern(b, &s->rule);

		if (rule == UINT32_MAX)
			break;
		add_code(b, c, (size_t)(p - code), (size_t)(from - code));
		add_row(b, b->end + (uint64_t)(from - code), rule);
		p = hit + s->n;
		/* In the call it goes on behind it, where musl has the begin of another function. */
		if (p < code + n)
			p++;
		b->stats.ruled += (uint64_t)(p - from);
	}
	add_code(b, c, (size_t)(p - code), n);
	b->end += n;
}

/* Of those alone that have no entries: large programs have very many others. */
static void take_begin(void *ctx, uint64_t vaddr)
{
	struct ph_unwind_builder *b = ctx;

	if (!ph_cfi_find(b->cfi, vaddr))
		*ph_vec_push(&b->begins) = vaddr;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void know_begins(struct ph_unwind_builder *b, struct ph_elf *elf)
{
	if (b->begins_known)
		return;
	b->begins_known = true;
	ph_elf_functions(elf, take_begin, b);
	if (b->begins.n)
		qsort(b->begins.v, b->begins.n, sizeof(*b->begins.v), by_number);
}

static void add_no_code(struct ph_unwind_builder *b, uint64_t end)
{
	if (end > b->end)
		add_row(b, b->end, PH_RULE_NONE);
	b->end = end;
}

/* From where the table is made to @end there is code without entries. */
static void add_bare_code(struct ph_unwind_builder *b, struct ph_elf *elf, const struct ph_elf_segment *s, uint64_t end)
{
	uint64_t n = end - b->end;

	if (elf && n >= sigreturns[b->arch].n && n <= SCAN_MAX - b->scanned) {
		ph_autofree uint8_t *code = malloc(n);

		b->scanned += n;
		if (code && ph_elf_read(elf, s->offset + (b->end - s->vaddr), code, n)) {
			if (n >= BEGINS_MIN)
				know_begins(b, elf);
			ph_unwind_gap(b, code, n);
			return;
		}
	}
	add_no_code(b, end);
}

/*
 * From where the table is made to @end there are no entries. What is executable may have symbols and constants in it, too: linkers
 * used to put all that is not written to into one segment, and some do.
 */
static void add_gap(struct ph_unwind_builder *b, struct ph_elf *elf, const struct ph_elf_segment *s, uint64_t end)
{
	size_t n = 0;
	const struct ph_elf_code *code = elf ? ph_elf_code(elf, &n) : NULL;

	while (code && b->code_at < n && code[b->code_at].end <= b->end)
		b->code_at++;
	for (size_t i = b->code_at; code && i < n && code[i].begin < end; i++) {
		if (code[i].begin > b->end)
			add_no_code(b, code[i].begin);
		add_bare_code(b, elf, s, code[i].end < end ? code[i].end : end);
	}
	if (code)
		add_no_code(b, end);
	else
		add_bare_code(b, elf, s, end);
}

/*
 * Go's entries (.debug_frame) say of the functions that change stacks, and of what goroutines and a signal's handler return to, the
 * same as of all others. Such are short.
 */
static bool entry_is_wrong(const struct ph_unwind_builder *b, struct ph_elf *elf, const struct ph_elf_segment *s,
			   const struct ph_fde *f)
{
	const struct sigreturn *ret = &sigreturns[b->arch];
	uint8_t code[256];

	if (!f->debug || f->size > sizeof(code) || !elf || !ph_elf_read(elf, s->offset + (f->begin - s->vaddr), code, f->size))
		return false;
	return memmem(code, f->size, ret->code, ret->n) ||
	       (b->arch == PH_UNWIND_X86_64 && (ph_code_changes_stacks(code, f->size) || ph_code_is_goexit(code, f->size)));
}

/* ---- a file --------------------------------------------------------------------------------- */

static void sort_functions(struct ph_cfi *c)
{
	uint64_t next = UINT64_MAX;

	ph_cfi_sort(c);
	/* .debug_frame only tells of what the other leaves out. */
	for (size_t i = c->fdes.n; i-- > 0; ) {
		struct ph_fde *f = &c->fdes.v[i];

		if (!f->debug)
			next = f->begin;
		else if (f->begin + f->size > next)
			f->size = (uint32_t)(next - f->begin);
	}
}

void ph_unwind_add(struct ph_unwind_builder *b, struct ph_cfi *c, struct ph_elf *elf,
		   const struct ph_elf_segment *segments, size_t n)
{
	size_t i = 0;

	sort_functions(c);
	b->cfi = c;
	for (size_t k = 0; k < n; k++) {
		const struct ph_elf_segment *s = &segments[k];
		uint64_t begin = s->vaddr, end = s->vaddr + s->filesz;

		if (begin < b->end)
			begin = b->end;
		if (end - b->base >= PH_UNWIND_SPAN_MAX)
			end = b->base + PH_UNWIND_SPAN_MAX - 1;
		if (begin >= end)
			continue;
		/* Between segments, where nothing is. */
		if (begin > b->end)
			add_row(b, b->end, PH_RULE_NONE);
		b->end = begin;
		for (; i < c->fdes.n && c->fdes.v[i].begin < end; i++) {
			const struct ph_fde *f = &c->fdes.v[i];
			uint64_t from = f->begin > b->end ? f->begin : b->end, to = f->begin + f->size;

			if (f->begin < begin || to > end) {
				b->stats.dropped++;
				continue;
			}
			if (to <= from)
				continue;
			if (b->end == begin || from % PADDING_ALIGN || from - b->end >= PADDING_ALIGN)
				add_gap(b, elf, s, from);
			if (entry_is_wrong(b, elf, s, f)) {
				b->begin = f->begin;
				add_gap(b, elf, s, to);
			} else {
				add_function(b, c, f, elf, s, from, to);
			}
			b->stats.entries++;
		}
		add_gap(b, elf, s, end);
	}
	b->stats.dropped += c->dropped + (c->fdes.n - i);
}

struct ph_unwind_table *ph_unwind_finish(struct ph_unwind_builder *b)
{
	struct ph_unwind_table *t;

	add_row(b, b->end, PH_RULE_NONE);
	t = ph_alloc(sizeof(*t));
	t->arch = b->arch;
	t->base = b->base;
	t->npages = (uint32_t)b->pages.n;
	*ph_vec_push(&b->pages) = (uint32_t)b->rows.n;
	t->nrows = (uint32_t)b->rows.n;
	t->nrules = (uint32_t)b->rules.n;
	t->pages = ph_realloc(b->pages.v, b->pages.n * sizeof(*t->pages));
	t->rows = b->rows.v ? ph_realloc(b->rows.v, b->rows.n * sizeof(*t->rows)) : NULL;
	t->rules = ph_realloc(b->rules.v, b->rules.n * sizeof(*t->rules));
	t->stats = b->stats;
	free(b->slots);
	ph_vec_done(&b->begins);
	return t;
}

static int by_vaddr(const void *a, const void *b)
{
	const struct ph_elf_segment *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static void read_frames(struct ph_elf *elf, struct ph_cfi *cfi)
{
	struct ph_elf_data data;

	cfi->arch = ph_elf_machine(elf) == EM_AARCH64 ? PH_UNWIND_ARM64 : PH_UNWIND_X86_64;
	if (!ph_elf_eh_frame(elf, &data))
		ph_cfi_read(cfi, &data, false);
	if (!ph_elf_debug_frame(elf, &data))
		ph_cfi_read(cfi, &data, true);
}

void ph_unwind_functions(struct ph_elf *elf, struct ph_unwind_functions *ret)
{
	struct ph_cfi cfi = { 0 };

	read_frames(elf, &cfi);
	sort_functions(&cfi);
	ret->n = cfi.fdes.n;
	ret->v = ph_alloc((cfi.fdes.n + 1) * sizeof(*ret->v));
	for (size_t i = 0; i < cfi.fdes.n; i++)
		ret->v[i] = (struct ph_unwind_function){ cfi.fdes.v[i].begin, cfi.fdes.v[i].size };
	ph_cfi_done(&cfi);
}

const struct ph_unwind_function *ph_unwind_function_at(const struct ph_unwind_functions *f, uint64_t vaddr)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->v[mid].begin > vaddr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo && vaddr - f->v[lo - 1].begin < f->v[lo - 1].size ? &f->v[lo - 1] : NULL;
}

int ph_unwind_compile(struct ph_elf *elf, struct ph_unwind_table **ret, struct ph_err *err)
{
	PH_VEC(struct ph_elf_segment) code = { 0 };
	struct ph_unwind_builder b;
	struct ph_unwind_table *t;
	struct ph_cfi cfi = { 0 };
	size_t n;
	const struct ph_elf_segment *s = ph_elf_segments(elf, &n);

	for (size_t i = 0; i < n; i++)
		if (s[i].exec && s[i].filesz)
			*ph_vec_push(&code) = s[i];
	if (!code.n)
		return ph_err_set(err, -ENOENT, "nothing in it is loaded as code");
	qsort(code.v, code.n, sizeof(*code.v), by_vaddr);
	read_frames(elf, &cfi);
	ph_unwind_begin(&b, cfi.arch, code.v[0].vaddr);
	ph_unwind_add(&b, &cfi, elf, code.v, code.n);
	t = ph_unwind_finish(&b);
	ph_vec_done(&code);
	ph_cfi_done(&cfi);
	if (t->nrows <= 1) {
		ph_unwind_free(t);
		return ph_err_set(err, -ENOENT, "it has no unwind information");
	}
	*ret = t;
	return 0;
}

void ph_unwind_free(struct ph_unwind_table *t)
{
	if (!t)
		return;
	free(t->pages);
	free(t->rows);
	free(t->rules);
	free(t);
}

size_t ph_unwind_size(const struct ph_unwind_table *t)
{
	return (t->npages + 1) * sizeof(*t->pages) + t->nrows * sizeof(*t->rows) +
	       t->nrules * sizeof(*t->rules);
}

uint32_t ph_unwind_find(const struct ph_unwind_table *t, uint64_t vaddr)
{
	uint64_t page = (vaddr - t->base) >> PH_UNWIND_PAGE_BITS;
	uint16_t low = (uint16_t)vaddr;
	uint32_t from, to;

	if (vaddr < t->base || page >= t->npages)
		return PH_RULE_NONE;
	from = t->pages[page];
	to = t->pages[page + 1];
	/* To the first row behind the address. The bound is for a table that nobody could have made. */
	for (int i = 0; i < PH_UNWIND_STEPS_MAX && from < to; i++) {
		uint32_t middle = from + (to - from) / 2;

		if (t->rows[middle].pc <= low)
			from = middle + 1;
		else
			to = middle;
	}
	return from ? t->rows[from - 1].rule : PH_RULE_NONE;
}
