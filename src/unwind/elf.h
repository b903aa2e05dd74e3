/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_ELF_H
#define PH_UNWIND_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * One ELF file, 64 bits, little-endian, x86_64 or arm64, from wherever: nothing in it is believed
 * before it was compared with the file's size. It is read, never mapped, so somebody who shortens
 * it meanwhile does no harm.
 */
struct ph_elf;

/* What is mapped when it is loaded (PT_LOAD), in the file's order; of the file only what is there. */
struct ph_elf_segment {
	uint64_t vaddr, memsz;
	uint64_t offset, filesz;
	bool exec;
};

struct ph_elf_data {
	const uint8_t *p;
	size_t n;
	uint64_t vaddr;
	bool open_end;		/* ends at its terminator, which may come earlier */
};

/* What another program header says; memsz 0: there is none. */
struct ph_elf_part {
	uint64_t vaddr, memsz, align;
};

/* @fd is a regular file, which must stay open; it may be shared. -ENOEXEC: no such ELF file. */
int ph_elf_open(int fd, struct ph_elf **ret, struct ph_err *err);
/* @image, which must stay: a file as it is in memory, as the vDSO's. */
int ph_elf_open_image(const void *image, size_t n, struct ph_elf **ret, struct ph_err *err);
void ph_elf_close(struct ph_elf *elf);

int ph_elf_machine(const struct ph_elf *elf);			/* EM_X86_64, EM_AARCH64 */
struct ph_elf_part ph_elf_dynamic(const struct ph_elf *elf);	/* PT_DYNAMIC */
struct ph_elf_part ph_elf_tls(const struct ph_elf *elf);	/* PT_TLS */
const struct ph_elf_segment *ph_elf_segments(const struct ph_elf *elf, size_t *ret_n);
/*
 * The address, as the file counts, of what is mapped executable from @offset in the file: a process that has
 * it at START uses the addresses of the file plus START minus it.
 */
bool ph_elf_vaddr(const struct ph_elf *elf, uint64_t offset, uint64_t *ret);
/* The same, where only the segments are known. */
bool ph_elf_segments_vaddr(const struct ph_elf_segment *segments, size_t n, uint64_t offset, uint64_t *ret);
#define PH_BUILD_ID_MAX 64
/* Its length, 0 where the file has none. */
size_t ph_elf_build_id(const struct ph_elf *elf, uint8_t id[PH_BUILD_ID_MAX]);

/*
 * Tables of frames; they stay until the file is closed. 0, -ENOENT, -EFBIG, -EBADMSG. .eh_frame is found by
 * its section, and without sections by the program headers.
 */
int ph_elf_eh_frame(struct ph_elf *elf, struct ph_elf_data *ret);
int ph_elf_debug_frame(struct ph_elf *elf, struct ph_elf_data *ret);
/*
 * Sections with code, sorted by address, none within another; they stay until the file is closed. NULL: it has no sections, and any
 * segment that is executable may be code as a whole.
 */
struct ph_elf_code {
	uint64_t begin, end;
};
const struct ph_elf_code *ph_elf_code(struct ph_elf *elf, size_t *ret_n);
/* Where functions begin, by the symbols that the file has, each as often as it has names; the program's begin, too. */
void ph_elf_functions(struct ph_elf *elf, void (*fn)(void *ctx, uint64_t vaddr), void *ctx);
/* Copy @n bytes of the file; false where they are not there. */
bool ph_elf_read(const struct ph_elf *elf, uint64_t offset, void *buf, size_t n);
/* The same, from the file's address. */
bool ph_elf_read_at(const struct ph_elf *elf, uint64_t vaddr, void *buf, size_t n);

static inline void ph_elf_close_ptr(struct ph_elf **elf)
{
	ph_elf_close(*elf);
}

#endif
