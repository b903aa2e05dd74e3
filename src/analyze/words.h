/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_WORDS_H
#define PH_ANALYZE_WORDS_H

#include "base/buf.h"
#include "identity/model.h"

/* Among *_text.c: what sentences are made of. Names are escaped for a terminal. */

static inline double words_share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

void words_percent(struct ph_buf *out, double share);		/* "45 %", "2.5 %", "less than 0.1 %" */
void words_ns(struct ph_buf *out, uint64_t ns);			/* "1.5 ms" */
void words_bytes(struct ph_buf *out, uint64_t bytes);		/* "64 MiB" */
void words_cpus(struct ph_buf *out, double cpus);		/* "0.5 CPU", "2 CPUs" */
void words_name(struct ph_buf *out, const char *name);
void words_container(struct ph_buf *out, const struct ph_identity *id, uint32_t container);	/* "web", "the host" */

#endif
