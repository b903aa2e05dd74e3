/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_JIT_H
#define PH_SYMBOL_JIT_H

#include "symbol/symtab.h"

/*
 * Names that a program tells of the code that it makes while it runs: in /tmp/perf-PID.map a line for each function, in a
 * jitdump a record. They are appended to while they are read. In the child only.
 */
enum ph_jit_kind { PH_JIT_PERF_MAP, PH_JIT_DUMP };

struct ph_jitcode {
	uint64_t addr, size;
	char *name;
};

struct ph_jit {
	enum ph_jit_kind kind;
	uint64_t at;			/* so much of the file was read */
	PH_VEC(struct ph_jitcode) codes;	/* as they were told: later ones take the place of earlier ones */
	struct ph_symtab symtab;
	bool sorted;
};

/* Read what the file has got since the last time; all of it, where it has become shorter. */
void ph_jit_read(struct ph_jit *j, int fd);
const struct ph_symtab *ph_jit_symtab(struct ph_jit *j);
void ph_jit_done(struct ph_jit *j);

/* Take whole lines, or records; returns how many bytes that were, and with @skip how many more follow that say nothing. */
size_t ph_jit_lines(struct ph_jit *j, const char *p, size_t n);
size_t ph_jit_records(struct ph_jit *j, const uint8_t *p, size_t n, uint64_t *skip);

#endif
