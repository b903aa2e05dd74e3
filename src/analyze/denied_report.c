/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdicts in words, as a table, as JSON. */
#include "analyze/denied.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "event/symbols.h"

enum { C_CONTAINER, C_COMM, C_PID, C_CALL, C_SUBJECT, C_ERROR, C_COUNT, C_CAUSE, C_WHY, C_EVIDENCE, C_CHANGE, C_FIRST, C_LAST,
       C_ORDINARY, C_FATAL, C_UID, NCOLS };

static const struct ph_col cols[NCOLS] = {
	[C_CONTAINER] = { "CONTAINER", "container", PH_COL_STR, .help = "name, or short id; null: the host" },
	[C_COMM] = { "COMM", "comm", PH_COL_STR, .help = "program" },
	[C_PID] = { "PID", "pid", PH_COL_S64, .hidden = true, .help = "host process id of one of them" },
	[C_CALL] = { "CALL", "call", PH_COL_STR, .help = "system call; oom-kill, seccomp-kill: the kernel killed it" },
	[C_SUBJECT] = { "SUBJECT", "subject", PH_COL_STR, .help = "path or address it was about" },
	[C_ERROR] = { "ERROR", "error", PH_COL_STR, .help = "errno's name, or the signal" },
	[C_COUNT] = { "COUNT", "count", PH_COL_U64, .help = "how often" },
	[C_CAUSE] = { "CAUSE", "cause", PH_COL_STR, .help = "stable name of the cause; undetermined where it is not known" },
	[C_WHY] = { "WHY", "why", PH_COL_STR, .hidden = true, .help = "the cause in words" },
	[C_EVIDENCE] = { "EVIDENCE", "evidence", PH_COL_STR, .hidden = true, .help = "what it rests on, one a line" },
	[C_CHANGE] = { "CHANGE", "change", PH_COL_STR, .hidden = true, .help = "what would change it" },
	[C_FIRST] = { "FIRST", "first", PH_COL_S64, .hidden = true, .help = "time of the first, Unix ns" },
	[C_LAST] = { "LAST", "last", PH_COL_S64, .hidden = true, .help = "time of the last, Unix ns" },
	[C_ORDINARY] = { "ORDINARY", "ordinary", PH_COL_BOOL, .hidden = true, .help = "part of how programs work; shown with --ordinary" },
	[C_FATAL] = { "FATAL", "fatal", PH_COL_BOOL, .hidden = true, .help = "the process ended with an error within a second" },
	[C_UID] = { "UID", "fsuid", PH_COL_U64, .hidden = true, .help = "user that files are judged by, on the host" },
};

static bool shown(const struct ph_denied_group *g, const struct ph_denied_view *view)
{
	return view->all || !g->v.ordinary;
}

static void add_error(const struct ph_denied_group *g, struct ph_buf *out)
{
	if (g->killed ? ph_symbol_add(out, PH_UNIT_SIGNAL, -g->f.error) : ph_symbol_add(out, PH_UNIT_RET, -g->f.error))
		return;
	ph_buf_addf(out, "%d", -g->f.error);
}

/* What it was about, as it is; "" where there is no such thing. */
static void add_subject(const struct ph_denied_group *g, struct ph_buf *out)
{
	const struct ph_failed *f = &g->f;
	ph_autofree char *path = ph_failed_path(f);

	if (f->addr_len && ph_symbol_add_sockaddr(out, (const char *)f->addr, f->addr_len))
		return;
	if (f->call->path || f->call->fd)
		ph_buf_adds(out, path ? path : f->path);
	else if (f->path2[0])
		ph_buf_adds(out, f->path2);
	else if (!f->full && f->path[0])
		ph_buf_adds(out, f->path);
}

static void add_term(struct ph_buf *out, const char *s)
{
	ph_buf_add_term(out, s ? s : "", s ? strlen(s) : 0);
}

void ph_denied_call(const struct ph_denied_group *g, struct ph_buf *out)
{
	const struct ph_failed *f = &g->f;
	ph_autobuf subject = { 0 };

	if (g->killed) {
		ph_buf_adds(out, "killed by ");
		add_error(g, out);
		return;
	}
	add_subject(g, &subject);
	add_term(out, f->name);
	ph_buf_addc(out, '(');
	if (subject.len) {
		bool quote = !f->addr_len;

		ph_buf_adds(out, quote ? "\"" : "");
		ph_buf_add_term(out, subject.p, subject.len);
		ph_buf_adds(out, quote ? "\"" : "");
	} else if (f->call->pid) {
		ph_buf_addf(out, "%d", (int32_t)f->arg[f->call->pid - 1]);
	}
	ph_buf_adds(out, ") ");
	add_error(g, out);
}

static void add_time(struct ph_buf *out, const struct ph_denied_view *view, uint64_t ts_ns)
{
	ph_clock_text((int64_t)(ts_ns + (uint64_t)view->base.offset_ns), view->base.utc, 3, out);
}

static const char *label(const struct ph_denied *d, const struct ph_denied_group *g)
{
	const char *s = ph_container_label(d->id, g->f.container);

	return s[0] ? s : "the host";
}

static void in_words(const struct ph_denied *d, const struct ph_denied_group *g, const struct ph_denied_view *view,
		     struct ph_buf *out)
{
	add_term(out, label(d, g));
	ph_buf_adds(out, ": ");
	add_term(out, g->f.comm[0] ? g->f.comm : "?");
	ph_buf_adds(out, ": ");
	ph_denied_call(g, out);
	if (g->count > 1) {
		ph_buf_addf(out, " %lu times, ", g->count);
		add_time(out, view, g->first_ns);
		ph_buf_adds(out, " to ");
		add_time(out, view, g->last_ns);
	} else {
		ph_buf_adds(out, " at ");
		add_time(out, view, g->first_ns);
	}
	ph_buf_adds(out, "\n    ");
	add_term(out, g->v.why.p);
	ph_buf_addf(out, " [%s]\n", g->v.cause);
	ph_vec_each(e, &g->v.evidence) {
		ph_buf_adds(out, "    - ");
		add_term(out, *e);
		ph_buf_addc(out, '\n');
	}
	if (g->v.change.len) {
		ph_buf_adds(out, strcmp(g->v.cause, "undetermined") ? "    to change it: " : "    to find out: ");
		add_term(out, g->v.change.p);
		ph_buf_addc(out, '\n');
	}
	for (size_t i = 0; view->facts && i < g->facts.n; i++) {
		const struct ph_denied_fact *f = &g->facts.v[i];

		ph_buf_adds(out, "      ");
		add_term(out, f->what);
		ph_buf_addc(out, ' ');
		add_term(out, f->subject);
		ph_buf_adds(out, f->subject[0] ? " " : "");
		add_term(out, f->facts);
		if (f->text[0]) {
			ph_buf_adds(out, " | ");
			add_term(out, f->text);
		}
		ph_buf_addc(out, '\n');
	}
	ph_buf_addc(out, '\n');
}

static void fill(struct ph_cell *row, const struct ph_denied *d, const struct ph_denied_group *g,
		 const struct ph_denied_view *view)
{
	const char *name = ph_container_label(d->id, g->f.container);
	ph_autobuf subject = { 0 }, error = { 0 }, evidence = { 0 };

	add_subject(g, &subject);
	add_error(g, &error);
	ph_vec_each(e, &g->v.evidence)
		ph_buf_addf(&evidence, "%s%s", evidence.len ? "\n" : "", *e);
	ph_cell_str(&row[C_CONTAINER], name[0] ? name : NULL);
	ph_cell_str(&row[C_COMM], g->f.comm);
	ph_cell_s64(&row[C_PID], g->f.pid);
	ph_cell_str(&row[C_CALL], g->f.name);
	ph_cell_str(&row[C_SUBJECT], subject.len ? subject.p : NULL);
	ph_cell_str(&row[C_ERROR], error.p);
	ph_cell_u64(&row[C_COUNT], g->count);
	ph_cell_str(&row[C_CAUSE], g->v.cause);
	ph_cell_str(&row[C_WHY], g->v.why.p);
	ph_cell_str(&row[C_EVIDENCE], evidence.len ? evidence.p : NULL);
	ph_cell_str(&row[C_CHANGE], g->v.change.len ? g->v.change.p : NULL);
	ph_cell_s64(&row[C_FIRST], (int64_t)(g->first_ns + (uint64_t)view->base.offset_ns));
	ph_cell_s64(&row[C_LAST], (int64_t)(g->last_ns + (uint64_t)view->base.offset_ns));
	ph_cell_u64(&row[C_ORDINARY], g->v.ordinary);
	ph_cell_u64(&row[C_FATAL], g->fatal);
	if (g->f.full)
		ph_cell_u64(&row[C_UID], g->f.fsuid);
}

int ph_denied_check(const struct ph_denied_view *view, struct ph_err *err)
{
	return ph_table_check(&view->base.fmt, cols, NCOLS, err);
}

void ph_denied_schema(struct ph_buf *out)
{
	ph_table_schema(cols, NCOLS, out);
}

int ph_denied_report(struct ph_denied *d, const struct ph_denied_view *view, struct ph_buf *out, struct ph_err *err)
{
	uint64_t matter = 0, folded = 0, kinds = 0;
	bool words = view->base.fmt.output == PH_OUT_COLUMNS;
	struct ph_table t;
	int r = 0;

	ph_table_init(&t, cols, NCOLS);
	ph_vec_each(p, &d->groups) {
		const struct ph_denied_group *g = *p;

		/* The same refusal was told twice, by the event that has all and by the plain one. */
		if (d->full && !g->f.full && !g->killed)
			continue;
		if (!shown(g, view)) {
			folded += g->count;
			kinds++;
			continue;
		}
		matter++;
		if (words && (!view->base.fmt.max_entries || matter <= view->base.fmt.max_entries))
			in_words(d, g, view, out);
		fill(ph_table_row(&t), d, g, view);
	}
	if (matter || !words)
		r = ph_table_print(&t, &view->base.fmt, view->base.width, out, err);
	ph_table_done(&t);
	if (words && r >= 0) {
		if (!matter)
			ph_buf_adds(out, "Nothing was denied.\n");
		if (kinds)
			ph_buf_addf(out, "%s%lu failures of %lu kinds are part of how programs work; --ordinary shows them.\n",
				    matter ? "\n" : "", folded, kinds);
		if (d->dropped)
			ph_buf_addf(out, "%lu more failures were of too many different kinds to be kept; select fewer containers.\n",
				    d->dropped);
		if (d->gaps)
			ph_buf_adds(out, "Events were lost: there may be more.\n");
	}
	return r;
}
