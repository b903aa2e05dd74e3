/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/plt.h"

#include <gelf.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "symbol/childfile.h"

#define SECTION_MAX 65536
#define RELOCATIONS_MAX (1u << 20)
#define CODE_MAX (16u << 20)

/* What is written at which address when the file is loaded: address of a symbol → its name. */
static void take_relocations(struct ph_u64map *slots, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL), *symbols;
	Elf_Scn *table = elf_getscn(elf, sh->sh_link);
	GElf_Shdr tsh;
	size_t n;

	if (!data || !data->d_buf || !table || !gelf_getshdr(table, &tsh) || tsh.sh_type != SHT_DYNSYM)
		return;
	symbols = elf_getdata(table, NULL);
	n = data->d_size / sizeof(Elf64_Rela);
	for (size_t i = 0; symbols && i < n && i < RELOCATIONS_MAX; i++) {
		const char *name;
		GElf_Rela rela;
		GElf_Sym sym;

		if (!gelf_getrela(data, (int)i, &rela) || !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &sym))
			continue;
		name = GELF_R_SYM(rela.r_info) ? elf_strptr(elf, tsh.sh_link, sym.st_name) : NULL;
		if (name && *name)
			ph_u64map_put(slots, rela.r_offset, (void *)name);
	}
}

/* The address from which the code at @p, which is at @vaddr, takes where it jumps to; 0: it is no such code. */
static uint64_t jumps_by(int machine, const uint8_t *p, uint64_t vaddr)
{
	uint32_t a, b;
	int32_t off;

	if (machine == EM_X86_64) {
		/* jmp *off(%rip) */
		if (p[0] != 0xff || p[1] != 0x25)
			return 0;
		memcpy(&off, p + 2, 4);
		return vaddr + 6 + (uint64_t)(int64_t)off;
	}
	/* adrp x16, PAGE; ldr x17, [x16, OFFSET] */
	memcpy(&a, p, 4);
	memcpy(&b, p + 4, 4);
	if ((a & 0x9f00001f) != 0x90000010 || (b & 0xffc003ff) != 0xf9400211)
		return 0;
	off = (int32_t)(((a >> 5 & 0x7ffff) << 2 | (a >> 29 & 3)) << 11) >> 11;
	return (vaddr & ~4095ULL) + ((uint64_t)(int64_t)off << 12) + (b >> 10 & 0xfff) * 8;
}

/* Entries begin at multiples of @step; what they jump by is somewhere in them. */
static void take_entries(struct ph_symtab *t, const struct ph_u64map *slots, int machine, const uint8_t *p,
			 size_t n, uint64_t vaddr, size_t step)
{
	const size_t unit = machine == EM_X86_64 ? 1 : 4;

	for (size_t at = 0; at + step <= n; at += step)
		for (size_t i = at; i + 8 <= at + step && i + 8 <= n; i += unit) {
			uint64_t slot = jumps_by(machine, p + i, vaddr + i);
			const char *name = slot ? ph_u64map_get(slots, slot) : NULL;
			ph_autobuf b = { 0 };

			if (!name)
				continue;
			ph_buf_add(&b, name, strnlen(name, PH_SYMSTR_MAX));
			ph_buf_adds(&b, PH_PLT_MARK);
			ph_symtab_add(t, vaddr + at, step, b.p);
			break;
		}
}

void ph_plt_add(struct ph_symtab *t, Elf *elf)
{
	struct ph_u64map slots = { 0 };
	Elf_Scn *scn = NULL;
	size_t names, n = 0;
	GElf_Ehdr eh;
	GElf_Shdr sh;

	if (!elf || !gelf_getehdr(elf, &eh) || elf_getshdrstrndx(elf, &names))
		return;
	while (n++ < SECTION_MAX && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_RELA)
			take_relocations(&slots, elf, scn, &sh);
	scn = NULL;
	n = 0;
	while (slots.n && n++ < SECTION_MAX && (scn = elf_nextscn(elf, scn))) {
		const char *name = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
		Elf_Data *data;

		if (!name || strncmp(name, ".plt", 4) || sh.sh_type != SHT_PROGBITS || sh.sh_size > CODE_MAX)
			continue;
		data = elf_rawdata(scn, NULL);
		/* .plt.got has entries of 8 bytes where nothing marks the targets of jumps. */
		if (data && data->d_buf)
			take_entries(t, &slots, eh.e_machine, data->d_buf, data->d_size, sh.sh_addr,
				     sh.sh_entsize == 8 ? 8 : 16);
	}
	ph_u64map_done(&slots);
}
