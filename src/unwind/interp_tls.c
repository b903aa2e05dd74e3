/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a thread has a variable of its own: what the psABI and the dynamic linkers have agreed upon. */
#include "unwind/interp_file.h"

#include <elf.h>
#include <string.h>

#define DYNAMIC_MAX 4096
#define RELOCATIONS_MAX (1u << 20)
#define NEEDED_MAX 64
/* What two words at the thread pointer are for. */
#define ARM64_TCB 16

struct dynamic {
	struct {
		uint64_t at, bytes;
	} rela, jmprel;
	uint64_t symtab, strtab, flags;
	uint64_t needed[NEEDED_MAX];
	size_t nneeded;
};

static bool read_dynamic(const struct ph_elf *elf, struct dynamic *d)
{
	struct ph_elf_part part = ph_elf_dynamic(elf);

	*d = (struct dynamic){ 0 };
	for (uint64_t i = 0; i < part.memsz / sizeof(Elf64_Dyn) && i < DYNAMIC_MAX; i++) {
		Elf64_Dyn entry;

		if (!ph_elf_read_at(elf, part.vaddr + i * sizeof(entry), &entry, sizeof(entry)) || entry.d_tag == DT_NULL)
			break;
		switch (entry.d_tag) {
		case DT_RELA: d->rela.at = entry.d_un.d_ptr; break;
		case DT_RELASZ: d->rela.bytes = entry.d_un.d_val; break;
		case DT_JMPREL: d->jmprel.at = entry.d_un.d_ptr; break;
		case DT_PLTRELSZ: d->jmprel.bytes = entry.d_un.d_val; break;
		case DT_SYMTAB: d->symtab = entry.d_un.d_ptr; break;
		case DT_STRTAB: d->strtab = entry.d_un.d_ptr; break;
		case DT_FLAGS_1: d->flags = entry.d_un.d_val; break;
		case DT_NEEDED:
			if (d->nneeded < NEEDED_MAX)
				d->needed[d->nneeded++] = entry.d_un.d_val;
			break;
		}
	}
	return part.memsz;
}

/* Does it need a library of this name, or of one that begins so? */
static bool needs(const struct ph_elf *elf, const struct dynamic *d, const char *name)
{
	for (size_t i = 0; i < d->nneeded; i++) {
		char text[32];

		if (ph_elf_read_at(elf, d->strtab + d->needed[i], text, strlen(name)) && !memcmp(text, name, strlen(name)))
			return true;
	}
	return false;
}

static bool is_program(const struct ph_elf *elf, const struct dynamic *d)
{
	Elf64_Ehdr eh;

	return ph_elf_read(elf, 0, &eh, sizeof(eh)) && (eh.e_type == ET_EXEC || d->flags & DF_1_PIE);
}

/* Is it the variable's, or (@any) that of all variables of the file? */
static bool is_of(const struct ph_elf *elf, const struct dynamic *d, const Elf64_Rela *r, uint64_t off, bool any)
{
	uint64_t i = ELF64_R_SYM(r->r_info);
	Elf64_Sym sym;

	if (!i)
		return any || (uint64_t)r->r_addend == off;
	return ph_elf_read_at(elf, d->symtab + i * sizeof(sym), &sym, sizeof(sym)) && sym.st_shndx != SHN_UNDEF &&
	       ELF64_ST_TYPE(sym.st_info) == STT_TLS && sym.st_value == off;
}

/* What one relocation tells; false: it is of something else. */
static bool of_relocation(const struct ph_elf *elf, const struct dynamic *d, const Elf64_Rela *r, uint64_t off, struct ph_interp_tls *ret)
{
	uint64_t type = ELF64_R_TYPE(r->r_info);

	if (ph_elf_machine(elf) == EM_AARCH64) {
		bool desc = type == R_AARCH64_TLSDESC;

		/* A function and its argument, which is how far away it is, where the library was there from the start. */
		if ((!desc && type != R_AARCH64_TLS_TPREL) || !is_of(elf, d, r, off, false))
			return false;
		*ret = (struct ph_interp_tls){ .how = PH_TLS_OFFSET, .slot = r->r_offset + (desc ? 8 : 0) };
		return true;
	}
	if (type == R_X86_64_TPOFF64 && is_of(elf, d, r, off, false)) {
		*ret = (struct ph_interp_tls){ .how = PH_TLS_OFFSET, .slot = r->r_offset };
		return true;
	}
	if (type != R_X86_64_DTPMOD64 || !is_of(elf, d, r, off, true))
		return false;
	*ret = (struct ph_interp_tls){
		.slot = r->r_offset, .off = (int64_t)off,
		.how = needs(elf, d, "libc.so.6") ? PH_TLS_GLIBC : needs(elf, d, "libc.musl-") ? PH_TLS_MUSL : PH_TLS_NONE,
	};
	return true;
}

bool ph_interp_tls(const struct ph_elf *elf, uint64_t off, struct ph_interp_tls *ret)
{
	const bool arm64 = ph_elf_machine(elf) == EM_AARCH64;
	struct ph_elf_part tls = ph_elf_tls(elf);
	struct dynamic d;

	*ret = (struct ph_interp_tls){ 0 };
	if (!read_dynamic(elf, &d) || !tls.memsz || off >= tls.memsz)
		return false;
	if (is_program(elf, &d)) {
		uint64_t align = tls.align ? tls.align : 1, room = ((arm64 ? ARM64_TCB : tls.memsz) + align - 1) / align * align;

		*ret = (struct ph_interp_tls){ .how = PH_TLS_PROGRAM, .off = (int64_t)(arm64 ? off + room : off - room) };
		return true;
	}
	/* Those of descriptors are among the PLT's. */
	for (int plt = 0; plt < 2; plt++) {
		uint64_t at = plt ? d.jmprel.at : d.rela.at, n = (plt ? d.jmprel.bytes : d.rela.bytes) / sizeof(Elf64_Rela);

		for (uint64_t i = 0; i < n && i < RELOCATIONS_MAX; i++) {
			Elf64_Rela r;

			if (!ph_elf_read_at(elf, at + i * sizeof(r), &r, sizeof(r)))
				return false;
			if (of_relocation(elf, &d, &r, off, ret))
				return ret->how != PH_TLS_NONE;
		}
	}
	return false;
}

/*
 * The psABI's sequence for a library's variable (General Dynamic), the same in all builds, as linkers may replace it:
 *   data16 lea slot(%rip), %rdi; data16 data16 rex.W call __tls_get_addr, or data16 rex.W call *…(%rip)
 * The slot has the library's number, and the word behind it where the variable is.
 */
bool ph_interp_tls_read_by(const struct ph_elf *elf, uint64_t begin, uint64_t size, struct ph_interp_tls *ret)
{
	static const uint8_t lea[] = { 0x66, 0x48, 0x8d, 0x3d }, call[] = { 0x66, 0x66, 0x48, 0xe8 }, call_by[] = { 0x66, 0x48, 0xff, 0x15 };
	uint8_t code[64];
	uint64_t off;

	*ret = (struct ph_interp_tls){ 0 };
	if (size > sizeof(code))
		size = sizeof(code);
	if (!ph_elf_read_at(elf, begin, code, size))
		return false;
	for (uint64_t at = 0; at + 12 <= size; at++) {
		int32_t disp;

		if (memcmp(code + at, lea, sizeof(lea)) ||
		    (memcmp(code + at + 8, call, sizeof(call)) && memcmp(code + at + 8, call_by, sizeof(call_by))))
			continue;
		memcpy(&disp, code + at + 4, sizeof(disp));
		return ph_elf_read_at(elf, begin + at + 8 + (uint64_t)disp + 8, &off, sizeof(off)) && ph_interp_tls(elf, off, ret);
	}
	return false;
}

bool ph_interp_tls_key(const struct ph_elf *elf, uint64_t vaddr, struct ph_interp_tls *ret)
{
	struct dynamic d;

	*ret = (struct ph_interp_tls){ .how = PH_TLS_KEY, .slot = vaddr };
	return ph_elf_machine(elf) == EM_X86_64 && read_dynamic(elf, &d) && needs(elf, &d, "libc.so.6");
}
