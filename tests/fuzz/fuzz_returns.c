/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "symbol/returns.h"

/*
 * Where a function returns, of a file of which the input says the code and the symbols: what libelf reads is right, so that what is changed
 * is what matters.
 *
 *	flags, where the function is and how long (2 bytes each), symbols (4), of each: name, where and how long; code
 */
enum { ARM64 = 1, GO = 2, OLD_GO = 4, FAR = 8 };
enum { SYMBOLS = 4, SYMBOL = 5, HEADER = 5 + SYMBOLS * SYMBOL };
#define CODE_AT 0x10000u

static const char names[] = "\0f\0f.cold\0f.cold.1\0f.colder\0g\0";
static const uint32_t name_at[] = { 0, 1, 3, 10, 19, 28 };
static const char section_names[] = "\0.text\0.symtab\0.strtab\0.gopclntab\0";

struct file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	Elf64_Shdr sh[6];
	Elf64_Sym sym[1 + SYMBOLS];
	char names[sizeof(names)], section_names[sizeof(section_names)];
	uint32_t go[2];
};

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static void section(struct file *f, int i, uint32_t name, uint32_t type, size_t at, size_t n)
{
	f->sh[i] = (Elf64_Shdr){ .sh_name = name, .sh_type = type, .sh_offset = at, .sh_size = n, .sh_addralign = 1 };
}

static void make(struct file *f, const uint8_t *data, size_t code_n)
{
	memcpy(f->eh.e_ident, ELFMAG, SELFMAG);
	f->eh.e_ident[EI_CLASS] = ELFCLASS64;
	f->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	f->eh.e_ident[EI_VERSION] = EV_CURRENT;
	f->eh.e_type = ET_DYN;
	f->eh.e_machine = data[0] & ARM64 ? EM_AARCH64 : EM_X86_64;
	f->eh.e_version = EV_CURRENT;
	f->eh.e_ehsize = sizeof(f->eh);
	f->eh.e_phoff = offsetof(struct file, ph);
	f->eh.e_phentsize = sizeof(f->ph);
	f->eh.e_phnum = 1;
	f->eh.e_shoff = offsetof(struct file, sh);
	f->eh.e_shentsize = sizeof(f->sh[0]);
	f->eh.e_shnum = data[0] & GO ? 6 : 5;
	f->eh.e_shstrndx = 4;
	f->ph = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = sizeof(*f), .p_vaddr = CODE_AT,
			      .p_filesz = code_n, .p_memsz = code_n, .p_align = 1 };
	section(f, 1, 1, SHT_PROGBITS, sizeof(*f), code_n);
	f->sh[1].sh_addr = CODE_AT;
	f->sh[1].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	section(f, 2, 7, SHT_SYMTAB, offsetof(struct file, sym), sizeof(f->sym));
	f->sh[2].sh_link = 3;
	f->sh[2].sh_entsize = sizeof(f->sym[0]);
	section(f, 3, 15, SHT_STRTAB, offsetof(struct file, names), sizeof(f->names));
	section(f, 4, 15, SHT_STRTAB, offsetof(struct file, section_names), sizeof(f->section_names));
	section(f, 5, 23, SHT_PROGBITS, offsetof(struct file, go), sizeof(f->go));
	memcpy(f->names, names, sizeof(names));
	memcpy(f->section_names, section_names, sizeof(section_names));
	f->go[0] = data[0] & OLD_GO ? 0xfffffffb : 0xfffffff1;
	for (int i = 0; i < SYMBOLS; i++) {
		const uint8_t *p = data + 5 + i * SYMBOL;

		f->sym[1 + i] = (Elf64_Sym){ .st_name = name_at[p[0] % PH_ARRAY_SIZE(name_at)], .st_info = STT_FUNC, .st_shndx = 1,
					     .st_value = CODE_AT + u16(p + 1), .st_size = u16(p + 3) };
	}
}

/* Is there one in the code? Whatever comes before it, it has these bytes. */
static bool returns(int arm64, const uint8_t *p, size_t n)
{
	uint32_t word;

	if (!arm64) {
		static const uint8_t prefixes[] = { 0xf0, 0xf2, 0xf3, 0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65 };

		while (n && (memchr(prefixes, *p, sizeof(prefixes)) || (*p & 0xf0) == 0x40)) {
			p++;
			n--;
		}
		return n && (*p & 0xf6) == 0xc2;
	}
	if (n < 4)
		return false;
	memcpy(&word, p, 4);
	/* ret Xn; retaa, retab, also with the signature's other half in a register */
	return (word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbe0) == 0xd65f0be0;
}

static void ask(int fd, const uint8_t *data, const uint8_t *code, size_t code_n)
{
	struct ph_childfile *f = ph_childfile_new(1, PH_SYMFILE_ELF, fd);
	uint64_t at = CODE_AT + u16(data + 1), n = u16(data + 3);
	ph_autofree char *at_text = NULL, *n_text = NULL;
	ph_autobuf request = { 0 }, out = { 0 };
	struct ph_bytes in;
	struct ph_err err = { 0 };

	if (data[0] & FAR) {
		at |= (uint64_t)data[5] << 56;
		n |= (uint64_t)data[6] << 56;
	}
	ph_put_u64(&request, 0);
	at_text = ph_asprintf("%lu", (unsigned long)at);
	n_text = ph_asprintf("%lu", (unsigned long)n);
	ph_put_str(&request, at_text);
	ph_put_str(&request, n_text);
	in = (struct ph_bytes){ (const uint8_t *)request.p, (const uint8_t *)request.p + request.len, false };
	if (!ph_answer_returns(f, &in, &out, &err)) {
		for (size_t i = 0; i + 8 <= out.len; i += 8) {
			uint64_t v;

			memcpy(&v, out.p + i, 8);
			if (v < CODE_AT || v - CODE_AT >= code_n || !returns(data[0] & ARM64, code + (v - CODE_AT), code_n - (v - CODE_AT)))
				abort();
		}
	}
	ph_childfile_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file f = { 0 };
	size_t code_n;
	int fd;

	if (size < HEADER || size > 65536)
		return 0;
	code_n = size - HEADER;
	make(&f, data, code_n);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (write(fd, &f, sizeof(f)) != sizeof(f) || write(fd, data + HEADER, code_n) != (ssize_t)code_n)
		abort();
	/* It closes the file. */
	ask(fd, data, data + HEADER, code_n);
	return 0;
}
