/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/rounds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/scan_opts.h"
#include "ctf/ctf.h"
#include "live/top_trace.h"

#define INTERVAL_MIN (PH_NSEC / 20)
#define TRACE_INTERVAL_MIN (PH_NSEC / 1000)
#define INTERVAL_MAX (365 * 86400 * PH_NSEC)

void ph_rounds_init(struct ph_rounds *rs, struct ph_opt_group *groups)
{
	struct ph_opt *rows = rs->s.co.rows;
	size_t n = 0;

	ph_cmd_source_init(&rs->s, rs->verb, groups);
	/* What is recorded is what the view takes: there is less to choose. */
	for (size_t i = 0; rows[i].name; i++)
		if (!strcmp(rows[i].name, "duration") || !strcmp(rows[i].name, "buffer"))
			rows[n++] = rows[i];
	rows[n] = (struct ph_opt){ 0 };
}

static int check_live(struct ph_rounds *rs)
{
	const struct ph_cmd_source *s = &rs->s;
	struct ph_err err = { 0 };

	if (s->co.filter)
		return ph_cmd_usage(rs->verb, "the kernel counts for containers, not for events that a filter chooses: --filter "
				    "takes a trace (-r TRACE; -w DIR makes one)");
	if (s->range || s->begin || s->end)
		return ph_cmd_usage(rs->verb, "--begin, --end and --range are about a trace: -r TRACE");
	if (!s->dir && (s->co.ring_bytes || s->strict))
		return ph_cmd_usage(rs->verb, "nothing is recorded, so nothing is lost: --buffer and --strict go with -w DIR");
	if (s->dir && rs->want.no_bpf)
		return ph_cmd_usage(rs->verb, "to record takes BPF: -w goes without --no-bpf");
	if (ph_selection_check(&rs->s.co.sel, &err) < 0)
		return ph_cmd_usage(rs->verb, "%s", err.msg);
	return 0;
}

int ph_rounds_check(struct ph_rounds *rs)
{
	static const char *const all[] = { NULL };
	uint64_t least = rs->s.trace ? TRACE_INTERVAL_MIN : INTERVAL_MIN;
	struct ph_err err = { 0 };
	ph_strv none = { 0 };

	if (ph_table_check(&rs->fmt, ph_top_cols, PH_TOP_NCOLS, &err) < 0)
		return ph_cmd_usage(rs->verb, "%s", err.msg);
	if (rs->interval_ns < least)
		return ph_cmd_usage(rs->verb, "the interval is too short: at least %s", rs->s.trace ? "1ms" : "50ms");
	if (rs->interval_ns > INTERVAL_MAX)
		return ph_cmd_usage(rs->verb, "the interval is too long: at most 365d");
	if (!rs->s.trace)
		return check_live(rs);
	rs->s.need = all;
	return ph_cmd_source_check(&rs->s, &none, SIZE_MAX);
}

bool ph_rounds_shown(const struct ph_rounds *rs, const struct ph_top_row *r)
{
	const struct ph_selection *sel = &rs->s.co.sel;

	if (r->gone || (rs->t.trace && r->hc->c.index == PH_CONTAINER_HOST && !rs->s.run.src->whole))
		return false;
	if (r->hc->c.index != PH_CONTAINER_HOST || sel->host || sel->all)
		return ph_cmd_scan_match(sel, &rs->t.scan, r->hc);
	return ph_selection_empty(sel) && !rs->host_apart;
}

/* A selection that meets nobody says so, and who is there. */
static bool nobody(const struct ph_rounds *rs)
{
	for (size_t i = 0; i < rs->t.rows.n; i++)
		if (rs->t.rows.v[i] && ph_rounds_shown(rs, rs->t.rows.v[i]))
			return false;
	return !ph_selection_empty(&rs->s.co.sel);
}

/* ---- of this host ----------------------------------------------------------------------------------- */

#define BIT(what) (1ull << PH_TOP_##what)

/* The events that -r makes the same columns of; what no column shows is not recorded. */
static const struct {
	uint64_t counts;
	const char *words[4];
} recorded[] = {
	{ ~0ull, { "sched", "!sched_waking", "!sched_pi_setprio", "cgroup" } },
	{ BIT(SYSCALLS) | BIT(ERRORS) | BIT(USER) | BIT(SYSTEM), { "syscall" } },
	{ BIT(READ_BYTES) | BIT(WRITE_BYTES) | BIT(READS) | BIT(WRITES), { "block_rq_issue", "block_rq_complete" } },
	{ PH_TOP_NETWORK, { "net_dev_queue", "net_if_receive_skb" } },
};

static int start_recording(struct ph_rounds *rs)
{
	struct ph_cmd_collect *co = &rs->s.co;
	struct ph_err err = { 0 };
	ph_strv none = { 0 };
	int r;

	for (size_t i = 0; i < PH_ARRAY_SIZE(recorded); i++)
		for (size_t k = 0; rs->want.counts & recorded[i].counts && k < PH_ARRAY_SIZE(recorded[i].words) && recorded[i].words[k]; k++)
			ph_strv_add(&co->events, recorded[i].words[k]);
	co->any_events = true;
	r = ph_cmd_collect_check(co, &none, SIZE_MAX);
	if (r)
		return r;
	r = ph_cmd_collect_open(co, &err);
	if (r >= 0)
		r = ph_recorder_open(co->c, &(struct ph_record_opts){ .dir = rs->s.dir }, &rs->s.recorder, &err);
	return r < 0 ? ph_cmd_fail(rs->verb, &err) : 0;
}

static int stop_recording(struct ph_rounds *rs, int rc, struct ph_err *err)
{
	struct ph_record_stats stats;
	int r;

	if (!rs->s.recorder)
		return rc;
	r = ph_recorder_close(ph_take(rs->s.recorder), &stats, rc < 0 ? NULL : err);
	if (stats.lost)
		fprintf(stderr, "porthole %s: %" PRIu64 " events were lost, and are not in the trace (a larger --buffer helps)\n", rs->verb,
			stats.lost);
	rs->lost = stats.lost;
	return rc < 0 ? rc : r;
}

int ph_rounds_start(struct ph_rounds *rs)
{
	struct ph_err err = { 0 };
	int r;

	ph_cmd_catch_signals();
	r = rs->s.dir ? start_recording(rs) : 0;
	if (r)
		return r;
	if (ph_top_open(&rs->t, "/", &rs->want, &err) < 0)
		return ph_cmd_fail(rs->verb, &err);
	rs->open = true;
	rs->begun_ns = ph_now_ns();
	if (ph_top_round(&rs->t, rs->begun_ns, &err) < 0)
		return ph_cmd_fail(rs->verb, &err);
	return nobody(rs) ? ph_cmd_scan_none(rs->verb, &rs->s.co.sel, &rs->t.scan) : 0;
}

static uint64_t unix_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

void ph_rounds_missing(struct ph_rounds *rs, const struct ph_table_fmt *shown)
{
	ph_autobuf now = { 0 };
	char *save = NULL;

	/* What a trace lacks is known when it has been read. */
	if (rs->t.trace && !rs->over) {
		rs->last_fmt = shown;
		return;
	}
	ph_top_missing(&rs->t, shown, &now);
	if (!now.p || (rs->told.p && !strcmp(rs->told.p, now.p)))
		return;
	ph_buf_clear(&rs->told);
	ph_buf_adds(&rs->told, now.p);
	for (char *l = strtok_r(now.p, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		fprintf(stderr, "porthole %s: %s\n", rs->verb, l);
}

/* Until @at; Ctrl-C ends it. What is recorded meanwhile is written. */
static int sleep_until(struct ph_rounds *rs, uint64_t at, struct ph_err *err)
{
	uint64_t next = at;
	int r = 0;

	do {
		struct timespec ts;

		if (rs->s.recorder) {
			r = ph_recorder_turn(rs->s.recorder, err);
			next = ph_now_ns() + ph_collect_pause_ns(rs->s.co.c);
			next = next < at ? next : at;
		}
		ts = (struct timespec){ .tv_sec = (time_t)(next / PH_NSEC), .tv_nsec = (long)(next % PH_NSEC) };
		while (r >= 0 && !ph_cmd_interrupted && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
	} while (r >= 0 && !ph_cmd_interrupted && next < at);
	return r < 0 ? r : 0;
}

int ph_rounds_run(struct ph_rounds *rs)
{
	uint64_t next = rs->begun_ns, now;
	struct ph_err err = { 0 };
	int r = 0;

	for (uint64_t n = 0; r >= 0 && (!rs->count || n < rs->count); n++) {
		next += rs->interval_ns;
		r = sleep_until(rs, next, &err);
		if (r < 0 || ph_cmd_interrupted)
			break;
		now = ph_now_ns();
		/* Who was stopped for a while does not make up for it. */
		if (now > next + rs->interval_ns)
			next = now;
		r = ph_top_round(&rs->t, now, &err);
		if (r < 0)
			break;
		r = rs->print(rs->arg, unix_now_ns(), &err);
		if (rs->s.co.duration_ns && now - rs->begun_ns >= rs->s.co.duration_ns)
			break;
	}
	r = stop_recording(rs, r, &err);
	if (r < 0 && r != -EPIPE)
		return ph_cmd_fail(rs->verb, &err);
	return rs->s.strict && rs->lost ? PH_EXIT_LOST : PH_EXIT_OK;
}

/* ---- of a trace ------------------------------------------------------------------------------------- */

static int end_of_interval(struct ph_rounds *rs, uint64_t ts_ns, struct ph_err *err)
{
	int r;

	ph_top_trace_round(&rs->t, ts_ns);
	for (size_t i = 0; !rs->shown && i < rs->t.rows.n; i++)
		rs->shown = ph_rounds_shown(rs, rs->t.rows.v[i]);
	r = rs->print(rs->arg, ts_ns + (uint64_t)rs->s.run.src->offset_ns, err);
	if (r < 0)
		return r;
	return rs->count && ++rs->n >= rs->count;
}

/* All intervals that end until @ts_ns. 1: that is as many as were asked for. */
static int until(struct ph_rounds *rs, uint64_t ts_ns, struct ph_err *err)
{
	int r = 0;

	for (; !r && ts_ns >= rs->next_ns && !ph_cmd_interrupted; rs->next_ns += rs->interval_ns)
		r = end_of_interval(rs, rs->next_ns, err);
	return r;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_rounds *rs = arg;
	const struct ph_run *run = &rs->s.run;
	int r;

	if (!rs->begun_ns) {
		rs->begun_ns = run->begin_ns > run->src->begin_ns ? run->begin_ns : ev->ts_ns;
		rs->next_ns = rs->begun_ns + rs->interval_ns;
		ph_top_trace_begin(&rs->t, rs->begun_ns);
	}
	if (rs->end_ns && ev->ts_ns > rs->end_ns)
		return 1;
	r = until(rs, ev->ts_ns, err);
	if (r)
		return r;
	rs->last_ns = ev->ts_ns;
	ph_top_trace_feed(&rs->t, ev);
	return 0;
}

/* Until the last event, as what happened after it is not known, or to the range's end: the last may be a short one. */
static int last_interval(struct ph_rounds *rs, struct ph_err *err)
{
	const struct ph_run *run = &rs->s.run;
	uint64_t known = rs->end_ns ? rs->end_ns : run->src->end_ns, end = rs->last_ns;
	int r;

	if (run->end_ns && run->end_ns <= known)
		end = run->end_ns;
	if (!rs->begun_ns || ph_cmd_interrupted || (rs->count && rs->n >= rs->count))
		return 0;
	r = until(rs, end, err);
	if (r || ph_cmd_interrupted || end <= rs->next_ns - rs->interval_ns)
		return r < 0 ? r : 0;
	r = end_of_interval(rs, end, err);
	return r < 0 ? r : 0;
}

/*
 * What the kernel itself counted is told about once a second: who knows the next reading, too, can divide it. With the
 * last ones the recording ends: from then on events are switched off, one kind after the other.
 */
static int read_ahead(struct ph_rounds *rs, struct ph_err *err)
{
	struct ph_source *state = NULL;
	bool dumping = true;
	struct ph_event *ev;
	int r = ph_ctf_state(rs->s.run.src, &state, err);

	while (r >= 0 && state && (r = ph_source_next(state, &ev, err)) > 0) {
		uint32_t id = ev->cls->id;

		ph_top_trace_ahead(&rs->t, ev);
		if (id == PH_EV_lttng_statedump_start || id == PH_EV_lttng_statedump_end)
			dumping = id == PH_EV_lttng_statedump_start;
		if (dumping)
			rs->end_ns = 0;
		else if (id == PH_EV_task_times)
			rs->end_ns = ev->ts_ns;
	}
	ph_source_close(state);
	return r;
}

static int analyse(struct ph_rounds *rs, struct ph_err *err)
{
	struct ph_run *run = &rs->s.run;
	const struct ph_top_trace_opts opts = { .id = run->id, .filter = run->filter, .whole = run->src->whole };
	const struct ph_class *cls;
	int r;

	ph_top_trace_open(&rs->t, &opts);
	rs->open = true;
	for (size_t i = 0; (cls = ph_ctf_class(run->src, i)); i++)
		ph_top_trace_class(&rs->t, cls);
	r = read_ahead(rs, err);
	if (r < 0)
		return r;
	/* Who ran and who waited is told by all events; the rows are selected, and what is counted is filtered. */
	run->event = feed;
	run->arg = rs;
	run->sel = NULL;
	run->filter = NULL;
	r = ph_cmd_source_run(&rs->s, err);
	if (r >= 0)
		r = last_interval(rs, err);
	rs->over = true;
	if (r >= 0 && rs->last_fmt)
		ph_rounds_missing(rs, rs->last_fmt);
	if (r >= 0 && run->passed && !rs->shown && !ph_cmd_interrupted)
		r = ph_selection_empty(&rs->s.co.sel) ?
			    ph_err_set(err, -ENOENT, "%s: it tells of no containers, and not of the whole machine", run->src->what) :
			    ph_cmd_source_nothing(&rs->s, err);
	return r;
}

int ph_rounds_trace(struct ph_rounds *rs)
{
	struct ph_err err = { 0 };
	struct ph_filter *filter;
	int r = ph_cmd_source_open(&rs->s);

	if (r)
		return r;
	filter = rs->s.run.filter;
	r = analyse(rs, &err);
	rs->s.run.filter = filter;
	return ph_cmd_source_end(&rs->s, r, &err);
}

void ph_rounds_done(struct ph_rounds *rs)
{
	if (rs->open)
		ph_top_close(&rs->t);
	ph_buf_done(&rs->told);
	ph_strv_done(&rs->fmt.fields);
	ph_cmd_source_done(&rs->s);
}
