/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "symbol/childfile.h"
#include "symbol/demangle.h"
#include "symbol/dwarf.h"
#include "symbol/plt.h"

static void put_name(struct ph_buf *out, const char *name, uint64_t offset, const char *source, uint32_t line,
		     bool inlined, uint64_t since_ns)
{
	ph_put_str(out, name);
	ph_put_u64(out, offset);
	ph_put_str(out, source);
	ph_put_u32(out, line);
	ph_put_u32(out, inlined);
	ph_put_u64(out, since_ns);
}

/* The symbol's own name: versions are of the linker. */
static void bare_name(const char *name, struct ph_buf *out)
{
	const char *at = strchr(name, '@');

	if (at && !strcmp(at, PH_PLT_MARK))
		at = NULL;
	ph_buf_clear(out);
	ph_buf_add(out, name, at && at > name ? (size_t)(at - name) : strnlen(name, 65536));
}

/* Demangled, of either kind; @name "" where there is none. */
static void put_mangled(struct ph_buf *out, const char *name, uint64_t offset, const struct ph_dwarf_frame *at,
			bool inlined)
{
	ph_autobuf bare = { 0 }, shown = { 0 };

	bare_name(name, &bare);
	ph_demangle(bare.p, &shown);
	put_name(out, shown.p, offset, at && at->source ? at->source : "", at ? at->line : 0, inlined, 0);
}

static void names_of(struct ph_childfile *f, uint64_t vaddr, struct ph_buf *out)
{
	const struct ph_sym *s = ph_symtab_find(ph_childfile_symtab(f), vaddr);
	struct ph_dwarf *dwarf = ph_childfile_dwarf(f);
	struct ph_dwarf_frame frames[PH_SYMNAMES_MAX];
	size_t n = dwarf ? ph_dwarf_find(dwarf, vaddr, frames) : 0;
	struct ph_dwarf_frame *last = n ? &frames[n - 1] : NULL;

	ph_put_u32(out, n ? (uint32_t)n : 1);
	for (size_t i = 0; i + 1 < n; i++)
		put_mangled(out, frames[i].name, 0, &frames[i], true);
	/* The function itself is called as its symbol: that tells parts of it (.cold), and is what can be probed. */
	if (s)
		put_mangled(out, s->name, vaddr - s->addr, last, false);
	else if (last)
		put_mangled(out, last->name, last->low && vaddr >= last->low ? vaddr - last->low : 0, last, false);
	else
		put_name(out, "", vaddr - ph_childfile_function(f, vaddr), "", 0, false, 0);
	for (size_t i = 0; i < n; i++)
		free(frames[i].name);
}

/* What a program calls its code may be anything, "f@2 a.js:1": it is demangled where it is a mangled name, and else left alone. */
static void names_made(struct ph_childfile *f, uint64_t vaddr, struct ph_buf *out)
{
	const struct ph_jitcode *made[PH_JIT_VERSIONS];
	ph_autobuf shown = { 0 };
	size_t n;

	ph_jit_read(&f->jit, f->fd);
	n = ph_jit_find(&f->jit, vaddr, made);
	ph_put_u32(out, n ? (uint32_t)n : 1);
	if (!n)
		put_name(out, "", 0, "", 0, false, 0);
	for (size_t i = 0; i < n; i++) {
		ph_buf_clear(&shown);
		ph_demangle(made[i]->name, &shown);
		put_name(out, shown.p, vaddr - made[i]->addr, "", 0, false, made[i]->since_ns);
	}
}

int ph_answer_names(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	while (ph_bytes_left(in) >= 8) {
		uint64_t vaddr = ph_get_u64(in);

		ph_put_u64(out, vaddr);
		if (f->kind == PH_SYMFILE_ELF)
			names_of(f, vaddr, out);
		else
			names_made(f, vaddr, out);
	}
	return 0;
}

static bool matches_part(const char *pattern, const char *shown, size_t from, size_t to)
{
	ph_autobuf b = { 0 };

	if (to <= from)
		return false;
	ph_buf_add(&b, shown + from, to - from);
	return ph_glob(pattern, b.p);
}

/* Mangled or not; of C++ with or without parameters, the type of a template's result, and what it is a template of. */
static bool matches(const char *pattern, const char *name, const char *shown)
{
	struct ph_demangled d;

	if (ph_glob(pattern, name))
		return true;
	if (!strcmp(shown, name) && !strpbrk(name, ":<"))
		return false;
	ph_demangled_parse(shown, &d);
	return ph_glob(pattern, shown) || matches_part(pattern, shown, 0, d.params) || matches_part(pattern, shown, d.name, d.params) ||
	       matches_part(pattern, shown, d.name, strlen(shown)) || matches_part(pattern, shown, d.name, d.templates);
}

static int by_address(const void *va, const void *vb)
{
	const struct ph_sym *a = *(const struct ph_sym *const *)va, *b = *(const struct ph_sym *const *)vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* ---- what was put into other functions ------------------------------------------------------------- */

/* Bytes of debug information that are gone through in a moment. */
#define SMALL (512u << 10)

struct inlined_search {
	const char *pattern;
	bool glob;
	uint64_t n, max;
	struct ph_buf *out;
};

/* A name without what a template is of is part of any that matches, but for patterns: it costs little to know. */
static bool may_match(void *arg, Dwarf_Die *function)
{
	const struct inlined_search *s = arg;
	const char *name = dwarf_diename(function);
	ph_autofree char *plain = name ? ph_strndup(name, strcspn(name, "<")) : NULL;

	return plain && (s->glob || strstr(s->pattern, plain));
}

static bool on_inlined(void *arg, Dwarf_Die *inlined, Dwarf_Die *into, uint64_t addr)
{
	ph_autobuf shown = { 0 }, outer = { 0 };
	ph_autofree char *name = NULL, *into_name = NULL;
	struct inlined_search *s = arg;

	if (!may_match(s, inlined))
		return true;
	name = ph_dwarf_whole_name(inlined);
	ph_demangle(name, &shown);
	if (!*name || !matches(s->pattern, name, shown.p))
		return true;
	if (s->n++ == s->max) {
		ph_put_str(s->out, "");
		return false;
	}
	into_name = ph_dwarf_whole_name(into);
	ph_demangle(into_name, &outer);
	ph_buf_addf(&shown, " in %s", outer.p);
	ph_put_str(s->out, name);
	ph_put_str(s->out, shown.p);
	ph_put_u64(s->out, addr);
	ph_put_u64(s->out, 0);
	ph_put_uint(s->out, false, 1);
	ph_put_u64(s->out, dwarf_dieoffset(inlined));
	return true;
}

static bool is_small(struct ph_childfile *f)
{
	Elf64_Shdr sh;

	return (ph_section(ph_childfile_main(f), ".debug_info", &sh) || (f->separate && ph_section(f->separate, ".debug_info", &sh))) &&
	       sh.sh_size < SMALL;
}

static void find_inlined(struct ph_childfile *f, const char *pattern, uint64_t n, uint64_t max, struct ph_buf *out)
{
	struct inlined_search s = { .pattern = pattern, .glob = strpbrk(pattern, "*?[") != NULL, .n = n, .max = max, .out = out };
	/* Who has found functions is not to wait long for more of them, and who lists everything wants functions. */
	struct ph_dwarf *d = n && (s.glob || !is_small(f)) ? NULL : ph_childfile_dwarf(f);

	if (d)
		ph_dwarf_each_inlined(d, &(struct ph_dwarf_inlined){ may_match, on_inlined, &s });
}

int ph_answer_find(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	ph_autobuf bare = { 0 }, shown = { 0 }, last = { 0 };
	uint64_t max = ph_get_u64(in), last_addr = 0, n = 0;
	ph_autofree char *pattern = ph_get_str(in);
	ph_autofree const struct ph_sym **sorted = NULL;
	const struct ph_symtab *t;
	struct ph_elf *elf;
	int r = ph_childfile_elf(f, &elf, err);

	if (r)
		return r;
	t = ph_childfile_symtab(f);
	sorted = ph_alloc((t->syms.n + 1) * sizeof(*sorted));
	for (size_t i = 0; i < t->syms.n; i++)
		sorted[i] = &t->syms.v[i];
	qsort(sorted, t->syms.n, sizeof(*sorted), by_address);
	for (size_t i = 0; i < t->syms.n; i++) {
		const struct ph_sym *s = sorted[i];

		bare_name(s->name, &bare);
		/* The same symbol in two tables. */
		if (n && s->addr == last_addr && !strcmp(last.p, bare.p))
			continue;
		/* Not the function, but who calls it. */
		if (strstr(bare.p, PH_PLT_MARK) && !strstr(pattern, PH_PLT_MARK))
			continue;
		ph_demangle(bare.p, &shown);
		if (!matches(pattern, bare.p, shown.p))
			continue;
		if (n++ == max) {
			ph_put_str(out, "");
			return 0;
		}
		ph_put_str(out, bare.p);
		ph_put_str(out, shown.p);
		ph_put_u64(out, s->addr);
		ph_put_u64(out, s->sized ? s->end - s->addr : 0);
		ph_put_uint(out, s->chosen, 1);
		ph_put_u64(out, 0);
		last_addr = s->addr;
		ph_buf_clear(&last);
		ph_buf_add(&last, bare.p, bare.len);
	}
	find_inlined(f, pattern, n, max, out);
	return 0;
}
