/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_JIT_H
#define PH_SYMBOL_JIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/*
 * Names that a program tells of the code that it makes while it runs: in /tmp/perf-PID.map a line for each function, in a
 * jitdump a record. They are appended to while they are read. In the child only.
 */
enum ph_jit_kind { PH_JIT_PERF_MAP, PH_JIT_DUMP };

struct ph_jitcode {
	uint64_t addr, size;
	uint64_t since_ns;		/* CLOCK_MONOTONIC; 0: it is not told */
	char *name;
};

/* The last bytes of those that were read: where they are others now, it was written anew. */
struct ph_jitmark {
	uint64_t at;
	uint8_t n, bytes[64];
};

struct ph_jit {
	enum ph_jit_kind kind;
	uint64_t at;			/* so much of the file was read */
	PH_VEC(struct ph_jitcode) codes;	/* as they were told: later ones take the place of earlier ones */
	uint32_t *order;		/* of `codes` by address, and as they were told; NULL: not sorted */
	uint64_t *reach;		/* the largest end of all up to here: how far back a look-up must go */
	struct ph_jitmark head, tail;
	bool timeless;			/* times are of a clock that nobody else has */
};

/* Read what the file has got since the last time; all of it, where it was written anew. */
void ph_jit_read(struct ph_jit *j, int fd);
/*
 * What was at the address, the newest first; of a map, which has no times, that alone. Valid until more is read. Returns how many, at
 * most PH_JIT_VERSIONS.
 */
#define PH_JIT_VERSIONS 8
size_t ph_jit_find(struct ph_jit *j, uint64_t addr, const struct ph_jitcode *ret[PH_JIT_VERSIONS]);
void ph_jit_done(struct ph_jit *j);

/* Take whole lines, or records; returns how many bytes that were, and with @skip how many more follow that say nothing. */
size_t ph_jit_lines(struct ph_jit *j, const char *p, size_t n);
size_t ph_jit_records(struct ph_jit *j, const uint8_t *p, size_t n, uint64_t *skip);

#endif
