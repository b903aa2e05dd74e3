/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_CHILDFILE_H
#define PH_SYMBOL_CHILDFILE_H

#include "symbol/dwarf.h"
#include "symbol/jit.h"
#include "symbol/proto.h"
#include "symbol/symbol.h"
#include "symbol/symtab.h"
#include "unwind/unwind.h"

/* A file as the child has it. Nothing is read before it is asked for, and everything may be forgotten but descriptors. */
struct ph_childfile {
	uint32_t id;
	enum ph_symfile_kind kind;
	enum ph_symlevel level;
	int fd, debug_fd[PH_SYMDEBUG_N];
	uint8_t build_id[PH_BUILD_ID_MAX];
	size_t build_id_n;

	struct ph_elf *elf;			/* headers, frames */
	Elf *main, *separate, *alt;		/* symbols, DWARF */
	Elf *debugdata;				/* what is packed in .gnu_debugdata */
	void *unpacked;
	struct ph_symtab *symtab;
	struct ph_unwind_functions functions;	/* .v NULL: not read */
	struct ph_dwarf *dwarf;
	Elf *dwarf_elf;				/* its sections, where they were compressed */
	void *dwarf_image;
	struct ph_jit jit;
	bool dwarf_read;			/* `dwarf` is NULL because there is none */
};

struct ph_childfile *ph_childfile_new(uint32_t id, enum ph_symfile_kind kind, int fd);
void ph_childfile_free(struct ph_childfile *f);
/* Give back the memory; it is read anew when it is needed. */
void ph_childfile_forget(struct ph_childfile *f);

int ph_childfile_elf(struct ph_childfile *f, struct ph_elf **ret, struct ph_err *err);
/* Never NULL; empty where there are no symbols. */
const struct ph_symtab *ph_childfile_symtab(struct ph_childfile *f);

/* For symbols and sections; NULL: it is no ELF file. */
Elf *ph_childfile_main(struct ph_childfile *f);
/* The file of its debug information, if there is one. */
Elf *ph_childfile_separate(struct ph_childfile *f);
/* The beginning of the function that @vaddr is in, as the tables of frames tell it of code without names; else @vaddr. */
uint64_t ph_childfile_function(struct ph_childfile *f, uint64_t vaddr);
/* Is it a program of Go? *@ret_registers: of 1.18 or later. */
bool ph_childfile_go(struct ph_childfile *f, bool *ret_registers);
/* NULL where there is none, or where it is not dared. */
struct ph_dwarf *ph_childfile_dwarf(struct ph_childfile *f);

/* childdebug.c: the names and build ids of files that belong to it; the symbols that are packed into it. */
void ph_childdebug_put_wants(struct ph_childfile *f, struct ph_buf *out);
Elf *ph_childdebug_unpack(struct ph_childfile *f);

/* Section @name that has contents; its header. */
Elf_Scn *ph_section(Elf *elf, const char *name, Elf64_Shdr *sh);
bool ph_has_section_type(Elf *elf, uint32_t type);

/* Is it an interpreter, and which; part of the answer to PH_SYMMSG_ADD. */
void ph_answer_interp(struct ph_childfile *f, const char *path, struct ph_buf *out);
/* Answers. 0, or -errno with a sentence. */
int ph_answer_add(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err);
int ph_answer_debug(struct ph_childfile *f, struct ph_bytes *in, int *fd, struct ph_buf *out, struct ph_err *err);
int ph_answer_table(struct ph_childfile *f, struct ph_buf *out, struct ph_err *err);
int ph_answer_names(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err);
int ph_answer_find(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err);
int ph_answer_usdt(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err);

#endif
