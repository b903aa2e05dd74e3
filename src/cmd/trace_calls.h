/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_TRACE_CALLS_H
#define PH_CMD_TRACE_CALLS_H

#include "base/opt.h"
#include "cmd/source_opts.h"
#include "live/snoop.h"

/* The options that `porthole trace syscalls` has beyond the other snoops': strace's. */
#define PH_TRACE_CALLS_NOPTS 13

struct ph_trace_calls {
	struct ph_snoop_opts *o;
	struct ph_cmd_source *s;
	bool has_string_max;
};

/* @tc, the options and the source must outlive the parsing; @rows ends with a row without a name. */
void ph_trace_calls_init(struct ph_trace_calls *tc, struct ph_snoop_opts *o, struct ph_cmd_source *s,
			 struct ph_opt rows[PH_TRACE_CALLS_NOPTS]);
/* When they are parsed: which events are needed (words of -e, appended), how much of buffers. */
void ph_trace_calls_apply(struct ph_trace_calls *tc, ph_strv *need);
/* The paragraph for --help. */
char *ph_trace_calls_intro(void);

#endif
