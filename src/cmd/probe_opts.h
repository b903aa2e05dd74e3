/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_PROBE_OPTS_H
#define PH_CMD_PROBE_OPTS_H

#include "cmd/collect_opts.h"
#include "probe/resolve.h"

/* What the verbs share that probe what the user names. */

/*
 * Look for the probes in what @co selects, after its options were checked; they are recorded then. 0, or the exit code after
 * the sentence.
 */
int ph_cmd_probes_find(struct ph_cmd_collect *co, struct ph_probes *p);
/* What was left out, as far as it was not told: *@told notes were. @p may be NULL. */
void ph_cmd_probes_tell(const char *verb, const struct ph_probes *p, size_t *told);

#endif
