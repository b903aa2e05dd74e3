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

	if (s->range || s->begin || s->end)
		return ph_cmd_usage(rs->verb, "--begin, --end and --range are about a trace: -r TRACE");
	if (!s->dir && !s->co.filter && (s->co.ring_bytes || s->strict))
		return ph_cmd_usage(rs->verb, "nothing is recorded, so nothing is lost: --buffer and --strict go with -w DIR or --filter");
	if ((s->dir || s->co.filter) && rs->want.no_bpf)
		return ph_cmd_usage(rs->verb, "that takes BPF: %s goes without --no-bpf", s->dir ? "-w" : "--filter");
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
	const struct ph_record_opts ro = { .dir = rs->s.dir };
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
	r = ph_recorder_check(&ro, &err);
	if (r >= 0)
		r = ph_cmd_collect_open(co, &err);
	if (r >= 0)
		r = ph_recorder_open(co->c, &ro, &rs->s.recorder, &err);
	return r < 0 ? ph_cmd_fail(rs->verb, &err) : 0;
}

static bool whole(const struct ph_rounds *rs)
{
	return rs->s.co.sel.all || ph_selection_empty(&rs->s.co.sel);
}

/* Those that pass the filter, of which the columns shown can be made, come as they happen. */
static int start_events(struct ph_rounds *rs)
{
	struct ph_cmd_collect *co = &rs->s.co;
	uint64_t counts = rs->want.counts;
	ph_strv none = { 0 };
	int r;

	/* A container's packets are handled by whoever runs. */
	if (!whole(rs))
		counts &= ~PH_TOP_NETWORK;
	co->any_events = true;
	r = ph_cmd_collect_check(co, &none, SIZE_MAX);
	if (!r && !ph_top_trace_choose(co->parsed, counts, co->chosen))
		return ph_cmd_usage(rs->verb, "--filter: no event can pass that a column shown is counted by: ends of system calls, "
				    "block_rq_complete, net_dev_queue, net_if_receive_skb");
	if (!r)
		r = ph_cmd_source_open(&rs->s);
	rs->want.filtered = true;
	return r;
}

int ph_rounds_start(struct ph_rounds *rs)
{
	struct ph_err err = { 0 };
	int r;

	ph_cmd_catch_signals();
	if (ph_cmd_can_write(&err) < 0)
		return ph_cmd_fail(rs->verb, &err);
	r = rs->s.co.filter ? start_events(rs) : rs->s.dir ? start_recording(rs) : 0;
	if (r)
		return r;
	if (ph_top_open(&rs->t, "/", &rs->want, &err) < 0)
		return ph_cmd_fail(rs->verb, &err);
	rs->open = true;
	if (rs->s.live)
		ph_top_events_open(&rs->t, &(struct ph_top_trace_opts){
			.id = rs->s.run.id, .filter = rs->s.run.filter, .whole = whole(rs), .passed = true,
		}, rs->s.co.chosen, rs->s.run.id, rs->s.run.src);
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
		ph_cmd_say(rs->verb, "%s", l);
}

static void see(void *arg, const struct ph_event *ev)
{
	struct ph_rounds *rs = arg;
	struct ph_run *run = &rs->s.run;

	if (ev->cls->id == PH_EV_events_discarded) {
		run->gaps++;
		run->lost += ph_event_u(ev, PH_FLD(events_discarded, count), 0);
		rs->t.host.lost = run->lost;
	} else if (!ph_event_always(ev->cls)) {
		run->seen++;
		run->passed++;
	}
}

int ph_rounds_turn(struct ph_rounds *rs, uint64_t *pause_ns, struct ph_err *err)
{
	int r = rs->t.events ? ph_top_events_turn(&rs->t, see, rs, err) : 0;
	struct ph_record_stats stats;

	if (r >= 0 && rs->s.recorder)
		r = ph_recorder_turn(rs->s.recorder, err);
	if (rs->s.recorder && !rs->t.events) {
		ph_recorder_stats(rs->s.recorder, &stats);
		rs->t.host.lost = stats.lost;
	}
	*pause_ns = rs->s.co.c ? ph_collect_pause_ns(rs->s.co.c) : UINT64_MAX;
	return r < 0 ? r : 0;
}

static int stop_recording(struct ph_rounds *rs, int rc, struct ph_err *err)
{
	struct ph_record_stats stats;
	int r;

	if (!rs->s.recorder)
		return rc;
	r = ph_recorder_close(ph_take(rs->s.recorder), &stats, rc < 0 ? NULL : err);
	if (stats.lost)
		ph_cmd_say(rs->verb, "%" PRIu64 " events were lost, and are not in the trace (a larger --buffer helps)", stats.lost);
	ph_cmd_collect_missed(&rs->s.co);
	rs->lost = stats.lost + stats.missed;
	return rc < 0 ? rc : r;
}

int ph_rounds_end(struct ph_rounds *rs, int rc, struct ph_err *err)
{
	uint64_t pause;

	if (rs->t.events) {
		/* What is in the buffers still belongs into the trace. */
		if (rc >= 0 && rs->s.recorder)
			rc = ph_live_stop(rs->s.live, err);
		if (rc >= 0 && rs->s.recorder)
			rc = ph_rounds_turn(rs, &pause, err);
		return ph_cmd_source_end(&rs->s, rc, err);
	}
	rc = stop_recording(rs, rc, err);
	if (rc == -EINTR)
		return ph_cmd_cut_short(rs->verb, "there was more to come");
	if (rc < 0 && rc != -EPIPE)
		return ph_cmd_fail(rs->verb, err);
	return rs->s.strict && rs->lost ? PH_EXIT_LOST : PH_EXIT_OK;
}

/* Until @at; Ctrl-C ends it. What comes meanwhile is counted, and written. */
static int sleep_until(struct ph_rounds *rs, uint64_t at, struct ph_err *err)
{
	uint64_t next, pause;
	int r;

	do {
		struct timespec ts;

		r = ph_rounds_turn(rs, &pause, err);
		next = ph_now_ns();
		next = next < at && at - next > pause ? next + pause : at;
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
	return ph_rounds_end(rs, r, &err);
}

void ph_rounds_done(struct ph_rounds *rs)
{
	if (rs->open)
		ph_top_close(&rs->t);
	ph_buf_done(&rs->told);
	ph_strv_done(&rs->fmt.fields);
	ph_cmd_source_done(&rs->s);
}
