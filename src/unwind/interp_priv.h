/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_INTERP_PRIV_H
#define PH_UNWIND_INTERP_PRIV_H

/* What the files interp*.c have of each other. */
#include "unwind/interp_file.h"

/* ---- which files are interpreters ---- */

#define PH_INTERP_NPYTHONS 8
extern const struct ph_interp ph_interp_pythons[PH_INTERP_NPYTHONS];
int ph_interp_find_python(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
			  struct ph_interp *ret, struct ph_err *err);
/*
 * Where the other parts of the function are that runs interpreted code: what is rarely run, and Ruby's loop. Of Ruby, where that function is
 * itself, if nothing is known (code_end is 0); it may still not be, then.
 */
void ph_interp_parts(struct ph_elf *elf, const struct ph_interp_symbols *sym, struct ph_interp *ret);

/* ---- names ---- */

#define PH_INTERP_NAME_BYTES 512

struct ph_interp_mem {
	ph_interp_memory read;
	void *ctx;
};

static inline bool ph_interp_word(const struct ph_interp_mem *m, uint64_t addr, uint64_t *ret)
{
	return m->read(m->ctx, addr, ret, sizeof(*ret));
}

/* One for each language, @where as in the frame. -EFAULT: there is no such thing. */
int ph_interp_name_ruby(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t iseq, uint32_t where,
			struct ph_interp_name *ret);
int ph_interp_name_perl(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t code, uint32_t where,
			struct ph_interp_name *ret);
int ph_interp_name_java(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t of, uint32_t where,
			struct ph_interp_name *ret);

#endif
