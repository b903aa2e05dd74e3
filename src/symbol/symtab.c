/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/symtab.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

/* Functions overlap in hand-written code, by one or two; more only where somebody wants to take time. */
#define BACK_MAX 1024
#define SECTION_MAX 65536

/* Whom one would call a function of several names by: who exports it, who calls it a function, who has fewer underscores. */
static uint32_t rank(const GElf_Sym *sym, const char *name)
{
	unsigned int bind = GELF_ST_BIND(sym->st_info), underscores = 0;
	uint32_t r = 0;

	while (name[underscores] == '_' && underscores < 15)
		underscores++;
	if (GELF_ST_TYPE(sym->st_info) != STT_NOTYPE)
		r |= 1 << 8;
	if (sym->st_size)
		r |= 1 << 7;
	if (bind == STB_GLOBAL)
		r |= 2 << 5;
	else if (bind == STB_WEAK || bind == STB_GNU_UNIQUE)
		r |= 1 << 5;
	return r | (15 - underscores);
}

/* Where sections with code end, by their index; 0: no code. */
static uint64_t *code_ends(Elf *elf, size_t *ret_n, uint64_t **ret_begin)
{
	size_t n = 0;
	uint64_t *end;

	if (elf_getshdrnum(elf, &n) || n > SECTION_MAX)
		n = 0;
	end = ph_alloc((n + 1) * 2 * sizeof(*end));
	*ret_begin = end + n + 1;
	for (size_t i = 0; i < n; i++) {
		Elf_Scn *scn = elf_getscn(elf, i);
		GElf_Shdr sh;

		if (scn && gelf_getshdr(scn, &sh) && (sh.sh_flags & SHF_EXECINSTR) &&
		    sh.sh_addr + sh.sh_size > sh.sh_addr) {
			(*ret_begin)[i] = sh.sh_addr;
			end[i] = sh.sh_addr + sh.sh_size;
		}
	}
	*ret_n = n;
	return end;
}

static void add_section(struct ph_symtab *t, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	uint64_t *begin, *end;
	size_t n, nsections;

	if (!data || !data->d_buf || !sh->sh_entsize)
		return;
	end = code_ends(elf, &nsections, &begin);
	n = data->d_size / sizeof(Elf64_Sym);
	for (size_t i = 0; i < n; i++) {
		unsigned int type;
		struct ph_sym *s;
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			break;
		type = GELF_ST_TYPE(sym.st_info);
		if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
			continue;
		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx >= nsections || !end[sym.st_shndx] ||
		    sym.st_value < begin[sym.st_shndx] || sym.st_value >= end[sym.st_shndx])
			continue;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		/* $x, $d: assemblers of arm64 mark where code and data begin. */
		if (!name || !*name || (type == STT_NOTYPE && *name == '$'))
			continue;
		s = ph_vec_push(&t->syms);
		s->addr = sym.st_value;
		s->sized = sym.st_size && sym.st_size <= end[sym.st_shndx] - sym.st_value;
		s->end = s->sized ? sym.st_value + sym.st_size : end[sym.st_shndx];
		s->name = name;
		s->chosen = type == STT_GNU_IFUNC;
		s->rank = rank(&sym, name);
	}
	free(end);
}

size_t ph_symtab_add_elf(struct ph_symtab *t, Elf *elf, uint32_t type)
{
	size_t before = t->syms.n, n = 0;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while (n++ < SECTION_MAX && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == type)
			add_section(t, elf, scn, &sh);
	return t->syms.n - before;
}

void ph_symtab_add(struct ph_symtab *t, uint64_t addr, uint64_t size, const char *name)
{
	struct ph_sym *s;

	if (addr + size < addr)
		return;
	ph_strv_add(&t->names, name);
	s = ph_vec_push(&t->syms);
	s->addr = addr;
	s->sized = size;
	s->end = size ? addr + size : UINT64_MAX;
	s->name = t->names.v[t->names.n - 1];
}

/* By address; of one address, first what is shown. */
static int by_address(const void *va, const void *vb)
{
	const struct ph_sym *a = va, *b = vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* All that are not looked up stand behind @keep of them. */
static void split(struct ph_symtab *t, const bool *keep)
{
	struct ph_sym *sorted = ph_alloc((t->syms.n + 1) * sizeof(*sorted));
	size_t n = 0, rest;

	for (size_t i = 0; i < t->syms.n; i++)
		n += keep[i];
	rest = n;
	t->n = n;
	n = 0;
	for (size_t i = 0; i < t->syms.n; i++)
		sorted[keep[i] ? n++ : rest++] = t->syms.v[i];
	free(t->syms.v);
	t->syms.v = sorted;
	t->syms.cap = t->syms.n + 1;
}

void ph_symtab_sort(struct ph_symtab *t)
{
	struct ph_sym *s = t->syms.v;
	uint64_t covered = 0;
	bool *keep;

	if (!t->syms.n)
		return;
	qsort(s, t->syms.n, sizeof(*s), by_address);
	keep = ph_alloc(t->syms.n);
	for (size_t i = 0; i < t->syms.n; i++) {
		/* A label within a function is none. */
		keep[i] = (!i || s[i].addr != s[i - 1].addr) && (s[i].sized || s[i].addr >= covered);
		if (s[i].sized && s[i].end > covered)
			covered = s[i].end;
	}
	split(t, keep);
	free(keep);
	s = t->syms.v;
	t->reach = ph_alloc(t->n * sizeof(*t->reach));
	for (size_t i = 0; i < t->n; i++) {
		if (!s[i].sized && i + 1 < t->n && s[i + 1].addr < s[i].end)
			s[i].end = s[i + 1].addr;
		t->reach[i] = i && t->reach[i - 1] > s[i].end ? t->reach[i - 1] : s[i].end;
	}
}

const struct ph_sym *ph_symtab_find(const struct ph_symtab *t, uint64_t addr)
{
	size_t lo = ph_before(s, t->syms.v, t->n, s->addr <= addr);

	for (size_t back = 0; lo && back < BACK_MAX && t->reach[lo - 1] > addr; back++)
		if (t->syms.v[--lo].end > addr)
			return &t->syms.v[lo];
	return NULL;
}

void ph_symtab_done(struct ph_symtab *t)
{
	ph_vec_done(&t->syms);
	ph_strv_done(&t->names);
	free(t->reach);
	*t = (struct ph_symtab){ 0 };
}
