/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_PROFILE_H
#define PH_CMD_PROFILE_H

/* The insides of profile*.c. */

#include "cmd/cmd.h"
#include "cmd/report.h"
#include "export/export.h"

#define PROFILE_VERB "profile"

enum profile_format {
	PROFILE_TREE, PROFILE_TOP, PROFILE_FOLDED, PROFILE_SVG, PROFILE_PPROF, PROFILE_SPEEDSCOPE, PROFILE_PERF_SCRIPT, PROFILE_JSON,
	PROFILE_JSONPRETTY, PROFILE_CSV,
};
extern const char *const profile_formats[];	/* their names, ending with NULL */

/* A recording that is looked at. */
struct profile_side {
	struct ph_profile *p;
	struct ph_filter *filter;
};

struct profile_verb {
	struct ph_cmd_report r;
	uint64_t hz;
	bool off_cpu, wall;
	const char *event, *diff, *filter, *min, *colors;
	ph_strv by;
	enum profile_format format;
	struct ph_profile_opts opts;
	struct ph_export x;
	struct profile_side side, base;
	/* Of --diff. */
	struct ph_source *base_src;
	struct ph_identity *base_id;
	/* Of -e with a probe. */
	struct ph_probes *probes;
	size_t told;
};

/* profile_opts.c: do the options go together? Fills in what follows from them. 0, or the exit code after the sentence. */
int profile_check(void *arg, const ph_strv *args, size_t dashdash);

#endif
