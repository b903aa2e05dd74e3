/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/rows.h"

#include <string.h>

#include "base/parse.h"
#include "cmd/cmd.h"

/* Of a trace, rows are written when there are so many; of the running kernel, at each round's end. */
#define ROWS 512

static int flush(void *arg, struct ph_err *err)
{
	struct ph_cmd_rows *w = arg;
	int r;

	ph_snooping_print(w->snooping, w->s.run.id, &w->out);
	w->printed = ph_snooping_seen(w->snooping)->shown;
	r = w->out.len ? ph_cmd_flush(&w->out) : 0;
	return r < 0 ? ph_err_sys(err, r, "cannot write the output") : 0;
}

int ph_cmd_rows_feed(struct ph_cmd_rows *w, const struct ph_event *ev, struct ph_err *err)
{
	int r = ph_snooping_feed(w->snooping, w->s.run.id, ev), f = 0;

	if (!w->s.live && ph_snooping_seen(w->snooping)->shown - w->printed >= ROWS)
		f = flush(w, err);
	return f < 0 ? f : r;
}

int ph_cmd_rows_min(void *opts, const char *value, struct ph_err *err)
{
	struct ph_snoop_opts *o = opts;

	o->has_min = true;
	return ph_parse_duration(value, &o->min_ns, err);
}

void ph_cmd_rows_init(struct ph_cmd_rows *w, const char *verb, const char *filter_help, struct ph_opt_group *groups)
{
	ph_cmd_source_init(&w->s, verb, groups);
	for (size_t i = 0; i < PH_CMD_SOURCE_NOPTS; i++)
		if (w->s.rows[i].name && !strcmp(w->s.rows[i].name, "filter"))
			w->s.rows[i].help = filter_help;
	w->s.tick = flush;
	w->o.width = ph_cmd_width();
}

int ph_cmd_rows_open(struct ph_cmd_rows *w, int (*event)(void *arg, const struct ph_event *ev, struct ph_err *err))
{
	struct ph_cmd_collect *co = &w->s.co;
	int r;

	w->s.one_result |= w->o.hist || w->o.calls.only_summary || w->o.fmt.sort;
	r = ph_cmd_source_open(&w->s);
	if (r)
		return r;
	/* The kernel knows the command's process; so must who asks again. */
	if (w->s.live && co->child.pid > 0)
		*ph_vec_push(&co->sel.pids) = co->child.pid;
	w->o.sel = ph_selection_empty(&co->sel) ? NULL : &co->sel;
	w->o.chosen = w->s.live != NULL;
	w->o.offset_ns = w->s.run.src->offset_ns;
	w->o.utc = w->s.utc;
	/* Who is selected is asked of each row, of which one may be about another task than its event. */
	w->s.run.sel = NULL;
	w->s.run.follow = &co->sel;
	w->s.run.event = event;
	w->s.run.arg = w;
	return 0;
}

void ph_cmd_rows_done(struct ph_cmd_rows *w)
{
	ph_snooping_free(w->snooping);
	ph_cmd_source_done(&w->s);
	ph_strv_done(&w->o.fmt.fields);
	ph_buf_done(&w->out);
}
