/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/requests_opts.h"

#include <string.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "ctf/ctf.h"

/* Events that a filter may be about; more than so many, and it is about none of them. */
#define MAY_MATCH 16

bool ph_cmd_requests_asked(const struct ph_cmd_requests *q)
{
	return q->requests || q->from || q->to;
}

static int check_words(struct ph_cmd_requests *q, const char *verb)
{
	static const char *const kinds[] = { [PH_REQUESTS_CONNECTIONS] = "connections", [PH_REQUESTS_ANSWERS] = "answers" };

	if (!q->from != !q->to)
		return ph_cmd_usage(verb, "--from and --to go together");
	if (q->requests && q->from)
		return ph_cmd_usage(verb, "--requests says what begins and ends them, it goes without --from and --to");
	if (!q->from && q->by)
		return ph_cmd_usage(verb, "--by goes with --from and --to");
	if (q->by && strcmp(q->by, "task") != 0 && strcmp(q->by, "fd") != 0)
		return ph_cmd_usage(verb, "--by takes task or fd, not '%s'", q->by);
	q->ask.by = q->by && !strcmp(q->by, "fd") ? PH_REQUESTS_BY_FD : PH_REQUESTS_BY_TASK;
	for (size_t i = PH_REQUESTS_CONNECTIONS; q->requests && i < PH_ARRAY_SIZE(kinds); i++)
		if (!strcmp(q->requests, kinds[i]))
			q->ask.kind = (enum ph_requests_kind)i;
	if (q->requests && !q->ask.kind)
		return ph_cmd_usage(verb, "--requests takes connections or answers, not '%s'", q->requests);
	return 0;
}

/* @names: of the trace, NULL: none. */
static int parse(struct ph_cmd_requests *q, const struct ph_filter_names *names, struct ph_err *err)
{
	int r = 0;

	ph_filter_free(ph_take(q->ask.from));
	ph_filter_free(ph_take(q->ask.to));
	if (q->from)
		r = ph_requests_filter(q->from, names, &q->ask.from, err);
	if (r < 0)
		return ph_err_wrap(err, r, "--from");
	if (q->to)
		r = ph_requests_filter(q->to, names, &q->ask.to, err);
	return r < 0 ? ph_err_wrap(err, r, "--to") : 0;
}

int ph_cmd_requests_check(struct ph_cmd_requests *q, struct ph_cmd_source *s, const char *const *needed)
{
	/* What else a trace has is known when it is open. */
	struct ph_filter_names names = { .lenient = s->trace };
	const struct ph_class *c;
	struct ph_err err = { 0 };
	int r = check_words(q, s->co.verb);

	if (r)
		return r;
	if (parse(q, &names, &err) < 0)
		return ph_cmd_usage(s->co.verb, "%s", err.msg);
	for (size_t i = 0; needed[i]; i++)
		*ph_vec_push(&q->need) = needed[i];
	for (int k = 0; k < 2; k++) {
		struct ph_filter *f = k ? q->ask.to : q->ask.from;
		size_t before = q->need.n;

		for (size_t i = 0; f && (c = ph_class_nth(i)) && c->id < PH_EV_SYSCALL_ENTRY; i++)
			if (c->group < PH_GROUP_PROBE && ph_filter_may_match(f, c))
				*ph_vec_push(&q->need) = c->name;
		if (q->need.n > before + MAY_MATCH)
			q->need.n = before;
	}
	ph_vec_push(&q->need);
	s->need = q->need.v;
	return 0;
}

static const struct ph_class *class_nth(void *arg, size_t i)
{
	return ph_ctf_class(arg, i);
}

int ph_cmd_requests_filters(struct ph_cmd_requests *q, struct ph_source *src, struct ph_err *err)
{
	return parse(q, &(struct ph_filter_names){ .nth = class_nth, .arg = src }, err);
}

void ph_cmd_requests_done(struct ph_cmd_requests *q)
{
	ph_filter_free(q->ask.from);
	ph_filter_free(q->ask.to);
	ph_vec_done(&q->need);
}
