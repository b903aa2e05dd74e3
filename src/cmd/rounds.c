/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/rounds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/scan_opts.h"

#define INTERVAL_MIN (PH_NSEC / 20)
#define INTERVAL_MAX (365 * 86400 * PH_NSEC)

int ph_rounds_check(struct ph_rounds *rs, struct ph_err *err)
{
	if (ph_selection_check(&rs->sel, err) < 0 || ph_table_check(&rs->fmt, ph_top_cols, PH_TOP_NCOLS, err) < 0)
		return -EINVAL;
	if (rs->interval_ns < INTERVAL_MIN)
		return ph_err_set(err, -EINVAL, "the interval is too short: at least 50ms");
	if (rs->interval_ns > INTERVAL_MAX)
		return ph_err_set(err, -EINVAL, "the interval is too long: at most 365d");
	return 0;
}

bool ph_rounds_shown(const struct ph_rounds *rs, const struct ph_top_row *r)
{
	const struct ph_selection *sel = &rs->sel;

	if (r->gone)
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
	return !ph_selection_empty(&rs->sel);
}

int ph_rounds_start(struct ph_rounds *rs)
{
	struct ph_err err = { 0 };

	ph_cmd_catch_signals();
	if (ph_top_open(&rs->t, "/", &rs->want, &err) < 0)
		return ph_cmd_fail(rs->verb, &err);
	rs->open = true;
	rs->begun_ns = ph_now_ns();
	if (ph_top_round(&rs->t, rs->begun_ns, &err) < 0)
		return ph_cmd_fail(rs->verb, &err);
	return nobody(rs) ? ph_cmd_scan_none(rs->verb, &rs->sel, &rs->t.scan) : 0;
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

	ph_top_missing(&rs->t, shown, &now);
	if (!now.p || (rs->told.p && !strcmp(rs->told.p, now.p)))
		return;
	ph_buf_clear(&rs->told);
	ph_buf_adds(&rs->told, now.p);
	for (char *l = strtok_r(now.p, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		fprintf(stderr, "porthole %s: %s\n", rs->verb, l);
}

/* Until @at; Ctrl-C ends it. */
static void sleep_until(uint64_t at)
{
	struct timespec ts = { .tv_sec = (time_t)(at / PH_NSEC), .tv_nsec = (long)(at % PH_NSEC) };

	while (!ph_cmd_interrupted && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

int ph_rounds_run(struct ph_rounds *rs, int (*print)(void *arg, uint64_t unix_ns, struct ph_err *err), void *arg)
{
	uint64_t next = rs->begun_ns, now;
	struct ph_err err = { 0 };
	int r = 0;

	for (uint64_t n = 0; r >= 0 && (!rs->count || n < rs->count); n++) {
		next += rs->interval_ns;
		sleep_until(next);
		if (ph_cmd_interrupted)
			return PH_EXIT_OK;
		now = ph_now_ns();
		/* Who was stopped for a while does not make up for it. */
		if (now > next + rs->interval_ns)
			next = now;
		r = ph_top_round(&rs->t, now, &err);
		if (r < 0)
			break;
		r = print(arg, unix_now_ns(), &err);
		if (rs->duration_ns && now - rs->begun_ns >= rs->duration_ns)
			break;
	}
	return r < 0 && r != -EPIPE ? ph_cmd_fail(rs->verb, &err) : PH_EXIT_OK;
}

void ph_rounds_done(struct ph_rounds *rs)
{
	if (rs->open)
		ph_top_close(&rs->t);
	ph_buf_done(&rs->told);
	ph_selection_done(&rs->sel);
	ph_strv_done(&rs->fmt.fields);
}
