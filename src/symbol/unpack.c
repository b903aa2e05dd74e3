/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug information that is compressed, as in debug packages of distributions, unpacked by libdeflate. libdw does it with zlib, which
 * takes three times as long: of a profile's names, longer than all else.
 */
#include <stddef.h>

#include "symbol/unpack.h"

#if PH_LIBDEFLATE

#include <libdeflate.h>
#include <stdlib.h>

#include "symbol/childfile.h"

/* Nothing is made of less than this part of it, so who says so has made it up. */
#define RATIO_MAX 1032
#define ALIGN 8
#define NAMES_AT (sizeof(Elf64_Ehdr) + SECTIONS_MAX * sizeof(Elf64_Shdr))
#define SECTIONS_MAX 16

/* What is read: the table of names itself, then one after the other. */
static const char names[] =
	"\0.shstrtab\0.debug_info\0.debug_types\0.debug_abbrev\0.debug_line\0.debug_str\0.debug_line_str\0.debug_str_offsets\0"
	".debug_addr\0.debug_ranges\0.debug_rnglists\0.debug_loc\0.debug_loclists\0";

struct section {
	Elf64_Shdr sh;		/* as it will be */
	const uint8_t *p;
	size_t n;
	bool packed;
};

/* 1: it is there, 0: it is not, or -1: it cannot be unpacked. */
static int find_section(Elf *elf, const char *name, struct section *s)
{
	Elf_Scn *scn = ph_section(elf, name, &s->sh);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	Elf64_Chdr ch;

	if (!data || !data->d_buf)
		return scn ? -1 : 0;
	s->p = data->d_buf;
	s->n = data->d_size;
	s->packed = s->sh.sh_flags & SHF_COMPRESSED;
	s->sh.sh_name = (uint32_t)(name - names);
	s->sh.sh_size = s->n;
	if (!s->packed)
		return 1;
	if (s->n < sizeof(ch))
		return -1;
	memcpy(&ch, s->p, sizeof(ch));
	s->p += sizeof(ch);
	s->n -= sizeof(ch);
	s->sh.sh_flags &= ~(uint64_t)SHF_COMPRESSED;
	s->sh.sh_size = ch.ch_size;
	s->sh.sh_addralign = ch.ch_addralign;
	return ch.ch_type == ELFCOMPRESS_ZLIB && ch.ch_size / RATIO_MAX <= s->n ? 1 : -1;
}

/* How many; 0: none is compressed, or one is in a way that is not known. */
static size_t find_sections(Elf *elf, struct section v[SECTIONS_MAX])
{
	bool packed = false;
	size_t n = 0;

	for (const char *name = names + sizeof("\0.shstrtab"); *name; name += strlen(name) + 1) {
		int r = find_section(elf, name, &v[n]);

		if (r < 0)
			return 0;
		packed |= r && v[n].packed;
		n += (size_t)r;
	}
	return packed ? n : 0;
}

static uint64_t aligned(uint64_t at)
{
	return (at + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

static bool put_section(struct libdeflate_decompressor *d, const struct section *s, uint8_t *to)
{
	if (s->packed)
		return !libdeflate_zlib_decompress(d, s->p, s->n, to, s->sh.sh_size, NULL);
	memcpy(to, s->p, s->n);
	return true;
}

static bool fill(Elf *elf, uint8_t *image, const struct section *v, size_t n)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	Elf64_Shdr *sh = (Elf64_Shdr *)(image + sizeof(Elf64_Ehdr));
	const Elf64_Ehdr *h = elf64_getehdr(elf);
	bool good = d && h;

	memset(image, 0, NAMES_AT);
	memcpy(image + NAMES_AT, names, sizeof(names));
	if (h)
		memcpy(image, h, sizeof(*h));
	((Elf64_Ehdr *)image)->e_phnum = 0;
	((Elf64_Ehdr *)image)->e_phoff = 0;
	((Elf64_Ehdr *)image)->e_shoff = sizeof(*h);
	((Elf64_Ehdr *)image)->e_shnum = (uint16_t)(n + 2);
	((Elf64_Ehdr *)image)->e_shstrndx = 1;
	sh[1] = (Elf64_Shdr){ .sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = NAMES_AT, .sh_size = sizeof(names), .sh_addralign = 1 };
	for (size_t i = 0; good && i < n; i++) {
		sh[i + 2] = v[i].sh;
		good = put_section(d, &v[i], image + v[i].sh.sh_offset);
	}
	libdeflate_free_decompressor(d);
	return good;
}

Elf *ph_unpack_debug(Elf *elf, void **ret_image)
{
	struct section v[SECTIONS_MAX] = { 0 };
	size_t n = elf ? find_sections(elf, v) : 0;
	uint64_t size = aligned(NAMES_AT + sizeof(names));
	uint8_t *image;

	for (size_t i = 0; i < n; i++) {
		v[i].sh.sh_offset = size;
		if (__builtin_add_overflow(size, aligned(v[i].sh.sh_size), &size))
			return NULL;
	}
	image = n ? malloc(size) : NULL;
	if (!image || !fill(elf, image, v, n)) {
		free(image);
		return NULL;
	}
	*ret_image = image;
	return elf_memory((char *)image, size);
}

#else

Elf *ph_unpack_debug(Elf *elf, void **ret_image)
{
	(void)elf;
	(void)ret_image;
	return NULL;
}

#endif
