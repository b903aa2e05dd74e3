/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "live/calls_priv.h"

/*
 * A line for each call, in the order in which they begin, as strace has it: a call into which another line comes is
 * "unfinished", and "resumed" when it ends.
 */

/* A call of the running kernel that takes so long is told of before it ends, or nobody saw what hangs. */
#define WAIT_NS (PH_NSEC / 2)

static void add_time(struct ph_call_lines *l, uint64_t ts_ns)
{
	int64_t t = (int64_t)(ts_ns + (uint64_t)l->o->offset_ns), sec = t / (int64_t)PH_NSEC, ns = t % (int64_t)PH_NSEC;
	uint64_t since = l->any && ts_ns > l->last_ns ? ts_ns - l->last_ns : 0;
	time_t clock = (time_t)sec;
	struct tm tm;

	if (ns < 0) {
		ns += (int64_t)PH_NSEC;
		clock = (time_t)--sec;
	}
	if (l->o->calls.time == PH_CALLS_UNIX) {
		ph_buf_addf(&l->out, "%ld.%06ld ", (long)sec, (long)ns / 1000);
	} else if (l->o->calls.time != PH_CALLS_NO_TIME) {
		if (sec != l->shown_sec) {
			if (l->o->utc ? !gmtime_r(&clock, &tm) : !localtime_r(&clock, &tm))
				tm = (struct tm){ 0 };
			strftime(l->hms, sizeof(l->hms), "%H:%M:%S", &tm);
			l->shown_sec = sec;
		}
		ph_buf_adds(&l->out, l->hms);
		if (l->o->calls.time == PH_CALLS_USEC)
			ph_buf_addf(&l->out, ".%06ld", (long)ns / 1000);
		ph_buf_addc(&l->out, ' ');
	}
	if (l->o->calls.relative) {
		ph_buf_addf(&l->out, "%6lu.%06lu ", (unsigned long)(since / PH_NSEC),
			    (unsigned long)(since % PH_NSEC / 1000));
		l->last_ns = ts_ns;
		l->any = true;
	}
}

/* "12:00:00 [web] nginx[7] " */
static void add_head(struct ph_call_lines *l, const struct ph_identity *id, uint64_t ts_ns, int32_t tid,
		     uint32_t container)
{
	const struct ph_task *t = ph_identity_task(id, tid);
	const char *label = container != PH_CONTAINER_UNKNOWN ? ph_container_label(id, container) : "";

	add_time(l, ts_ns);
	if (*label) {
		ph_buf_addc(&l->out, '[');
		ph_buf_add_term(&l->out, label, strlen(label));
		ph_buf_adds(&l->out, "] ");
	}
	if (t && t->comm[0])
		ph_buf_add_term(&l->out, t->comm, strlen(t->comm));
	else
		ph_buf_addc(&l->out, '?');
	ph_buf_addf(&l->out, "[%d] ", tid);
}

static void add_name(struct ph_call_lines *l, const struct ph_snoop_row *row)
{
	ph_buf_add_term(&l->out, row->call->cc->name, strlen(row->call->cc->name));
}

/* The line that is still open ends here: another comes. */
static void cut(struct ph_call_lines *l, const struct ph_identity *id)
{
	const struct ph_snoop_row *row = l->open;

	l->open = NULL;
	if (!row)
		return;
	add_head(l, id, row->begin_ns, row->tid, row->container);
	add_name(l, row);
	ph_buf_addc(&l->out, '(');
	row->call->printed = ph_call_add_args(row->call, 0, true, &l->out);
	ph_buf_adds(&l->out, " <unfinished ...>\n");
	row->call->cut = true;
}

void ph_call_lines_begin(struct ph_call_lines *l, const struct ph_identity *id, struct ph_snoop_row *row)
{
	if (!l->in_order)
		return;
	cut(l, id);
	l->open = row;
}

void ph_call_lines_forget(struct ph_call_lines *l, const struct ph_snoop_row *row)
{
	if (l->open == row)
		l->open = NULL;
	if (l->waits == row)
		l->waits = NULL;
}

void ph_call_lines_end(struct ph_call_lines *l, const struct ph_identity *id, struct ph_snoop_row *row)
{
	const struct ph_call *call = row->call;

	if (l->open == row)
		l->open = NULL;
	cut(l, id);
	add_head(l, id, call->cut ? row->end_ns : row->begin_ns, row->tid, row->container);
	if (call->cut)
		ph_buf_adds(&l->out, "<... ");
	add_name(l, row);
	ph_buf_adds(&l->out, call->cut ? " resumed>" : "(");
	ph_call_add_args(call, call->cut ? call->printed : 0, false, &l->out);
	ph_buf_adds(&l->out, ") = ");
	ph_call_add_result(call, &l->out);
	if (l->o->calls.duration && call->ended) {
		uint64_t ns = row->end_ns - row->begin_ns;

		ph_buf_addf(&l->out, " <%lu.%06lu>", (unsigned long)(ns / PH_NSEC), (unsigned long)(ns % PH_NSEC / 1000));
	}
	ph_buf_addc(&l->out, '\n');
}

void ph_call_lines_exit(struct ph_call_lines *l, const struct ph_identity *id, const struct ph_event *ev)
{
	int status = (int)ph_snoop_number(ev, "exit_code", -1);

	if (!l->tasks || status < 0)
		return;
	cut(l, id);
	add_head(l, id, ev->ts_ns, ev->tid, ev->container);
	if (WIFSIGNALED(status)) {
		ph_buf_adds(&l->out, "+++ killed by ");
		call_add_signal(&l->out, WTERMSIG(status));
		ph_buf_adds(&l->out, WCOREDUMP(status) ? " (core dumped) +++\n" : " +++\n");
	} else {
		ph_buf_addf(&l->out, "+++ exited with %d +++\n", WEXITSTATUS(status));
	}
}

/* Of SIGKILL the task's end tells, as it never gets there. */
void ph_call_lines_signal(struct ph_call_lines *l, const struct ph_identity *id, const struct ph_event *ev)
{
	int32_t head[3] = { (int32_t)ph_snoop_number(ev, "sig", 0), (int32_t)ph_snoop_number(ev, "errno", 0),
			    (int32_t)ph_snoop_number(ev, "code", 0) };
	const struct ph_value *rest = ph_snoop_bytes(ev, "info");
	bool whole = rest && rest->n >= CALL_SIGINFO - 16;
	char info[CALL_SIGINFO] = { 0 };

	if (!l->tasks || head[0] == SIGKILL)
		return;
	memcpy(info, head, sizeof(head));
	if (whole)
		memcpy(info + 16, rest->s, sizeof(info) - 16);
	cut(l, id);
	add_head(l, id, ev->ts_ns, ev->tid, ev->container);
	ph_buf_adds(&l->out, "--- ");
	call_add_signal(&l->out, head[0]);
	ph_buf_addc(&l->out, ' ');
	call_add_siginfo(&l->out, info, whole ? sizeof(info) : sizeof(head));
	ph_buf_adds(&l->out, " ---\n");
}

void ph_call_lines_wait(struct ph_call_lines *l, const struct ph_identity *id)
{
	uint64_t now = ph_now_ns();

	if (!l->open || l->open != l->waits) {
		l->waits = l->open;
		l->waits_ns = now;
	} else if (now - l->waits_ns >= WAIT_NS) {
		cut(l, id);
	}
}

void ph_call_lines_finish(struct ph_call_lines *l, const struct ph_identity *id)
{
	cut(l, id);
}
