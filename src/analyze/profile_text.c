/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a profile is of, and what it lacks, in words. */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/profile_priv.h"
#include "analyze/words.h"
#include "base/cleanup.h"
#include "unwind/walk.h"

/* Less than this share is not worth a sentence. */
#define MATTERS 0.001
#define NAMELESS_MATTERS 0.01
/* Files that are named. */
#define FILES_TOLD 8

const char *ph_profile_what_text(const struct ph_profile *p)
{
	switch (p->opts.what) {
	case PH_PROFILE_CPU:	return "CPU time";
	case PH_PROFILE_OFFCPU:	return "off-CPU time";
	case PH_PROFILE_WALL:	return "wall-clock time";
	default:		return p->opts.event ? p->opts.event->name : "?";
	}
}

void ph_profile_weight_text(const struct ph_profile *p, uint64_t weight, struct ph_buf *out)
{
	static const char *const powers[] = { "", " k", " M", " G", " T", " P" };
	double x = (double)weight;
	size_t i = 0;

	if (p->unit == PH_PROFILE_NS) {
		words_ns(out, weight);
		return;
	}
	for (; p->unit == PH_PROFILE_CYCLES && x >= 1000 && i + 1 < PH_ARRAY_SIZE(powers); i++)
		x /= 1000;
	if (i)
		ph_buf_addf(out, "%.3g%s", x, powers[i]);
	else
		ph_buf_add_u64(out, weight);
	ph_buf_adds(out, p->unit == PH_PROFILE_CYCLES ? i ? "cycles" : " cycles" : weight == 1 ? " time" : " times");
}

static uint64_t incomplete(const struct ph_profile *p, uint64_t *ret_all)
{
	uint64_t n = 0;

	*ret_all = 0;
	for (unsigned int i = 0; i < PH_ARRAY_SIZE(p->ends); i++) {
		*ret_all += i == PH_END_NOT_WALKED ? 0 : p->ends[i];
		n += i == PH_END_NOT_WALKED || i == PH_END_COMPLETE ? 0 : p->ends[i];
	}
	return n;
}

static void say_incomplete(const struct ph_profile *p, struct ph_buf *out)
{
	uint64_t all, n = incomplete(p, &all);
	bool more = false;

	words_percent(out, words_share(n, all));
	ph_buf_adds(out, " of the programs' stacks end before the program's start: ");
	for (unsigned int i = 0; i < PH_ARRAY_SIZE(p->ends); i++) {
		if (i == PH_END_NOT_WALKED || i == PH_END_COMPLETE || !p->ends[i])
			continue;
		if (more)
			ph_buf_adds(out, ", ");
		more = true;
		words_percent(out, words_share(p->ends[i], all));
		ph_buf_addc(out, ' ');
		ph_buf_adds(out, ph_unwind_end_text(i));
	}
}

/* A file without names, with all that have the same build id: of several images, as it is one file for who looks for its symbols. */
struct nameless {
	const struct ph_profile_file *file;	/* whose symbols it is known how to get, if of any of them */
	uint64_t weight;
};

typedef PH_VEC(struct nameless) namelessv;

static int most_nameless_first(const void *pa, const void *pb)
{
	const struct nameless *a = pa, *b = pb;

	return a->weight > b->weight ? -1 : a->weight < b->weight;
}

/* Which file it is, why it has no names, what has them. */
static void say_missing(const struct ph_profile_file *f, struct ph_buf *out)
{
	words_name(out, f->path);
	if (f->build_id[0]) {
		ph_buf_adds(out, ", build id ");
		words_name(out, f->build_id);
	} else {
		ph_buf_adds(out, ", which has no build id");
	}
	if (f->problem[0]) {
		ph_buf_adds(out, ": ");
		words_name(out, f->problem);
	}
	if (f->install[0]) {
		ph_buf_adds(out, ": ");
		words_name(out, f->install);
		ph_buf_adds(out, " (");
		words_name(out, f->distribution);
		ph_buf_addc(out, ')');
	}
}

static void add_nameless(namelessv *v, const struct ph_profile_file *f)
{
	ph_vec_each(it, v) {
		if (!f->build_id[0] || strcmp(it->file->build_id, f->build_id))
			continue;
		it->weight += f->nameless;
		if (!it->file->install[0] && f->install[0])
			it->file = f;
		return;
	}
	*ph_vec_push(v) = (struct nameless){ f, f->nameless };
}

/* What to do about it, then a line for each file. */
static bool say_nameless(const struct ph_profile *p, unsigned int i, struct ph_buf *out)
{
	namelessv v = { 0 };
	size_t n = 0;
	bool there;

	ph_vec_each(it, &p->files)
		if ((*it)->nameless)
			add_nameless(&v, *it);
	if (v.n)
		qsort(v.v, v.n, sizeof(v.v[0]), most_nameless_first);
	while (n < v.n && n < FILES_TOLD && words_share(v.v[n].weight, p->weight) >= NAMELESS_MATTERS)
		n++;
	there = n && i <= n;
	if (there && i) {
		ph_buf_adds(out, "  ");
		words_percent(out, words_share(v.v[i - 1].weight, p->weight));
		ph_buf_adds(out, " of the stacks: ");
		say_missing(v.v[i - 1].file, out);
	} else if (there) {
		ph_buf_adds(out, "functions without names: debug symbols have them, in the container or on the host when it is recorded; install "
			    "them there, or get them by debuginfod-find debuginfo BUILD-ID");
	}
	ph_vec_done(&v);
	return there;
}

/* Interpreters that are not known, one line each: how many there are; the @i-th is said, if it is one of them. */
static unsigned int say_not_shown(const struct ph_profile *p, unsigned int i, struct ph_buf *out)
{
	unsigned int n = 0;

	ph_vec_each(it, &p->files) {
		const struct ph_profile_file *f = *it;

		if (words_share(f->running, p->weight) < NAMELESS_MATTERS || n == FILES_TOLD || n++ != i)
			continue;
		words_percent(out, words_share(f->running, p->weight));
		ph_buf_adds(out, " of the stacks show an interpreter's functions, not its program's: ");
		words_name(out, f->not_shown);
	}
	return n;
}

/* What makes code without names in a container. */
struct makers {
	const struct ph_profile_made *first;
	unsigned int processes;
	uint64_t nameless;
};

static int most_made_first(const void *pa, const void *pb)
{
	const struct makers *a = pa, *b = pb;

	return a->nameless > b->nameless ? -1 : a->nameless < b->nameless;
}

static void say_maker(const struct ph_profile *p, const struct makers *g, struct ph_buf *out)
{
	ph_buf_adds(out, "  ");
	words_percent(out, words_share(g->nameless, p->weight));
	ph_buf_adds(out, " of the stacks: ");
	words_name(out, g->first->runtime);
	ph_buf_adds(out, " of ");
	words_container(out, p->id, g->first->container);
	if (g->processes == 1)
		ph_buf_addf(out, ", process %d", g->first->pid);
	else
		ph_buf_addf(out, ", %u processes", g->processes);
	ph_buf_adds(out, ": ");
	words_name(out, g->first->remedy);
}

/*
 * The same of code that programs made: what to do, then a line for each container and what makes code there. How many there are;
 * the @i-th is said, if it is one of them.
 */
static unsigned int say_made(const struct ph_profile *p, unsigned int i, struct ph_buf *out)
{
	PH_VEC(struct makers) v = { 0 };
	unsigned int n = 0;

	ph_vec_each(m, &p->made) {
		size_t at = 0;

		if (!m->nameless)
			continue;
		while (at < v.n && (v.v[at].first->container != m->container || v.v[at].first->runtime != m->runtime))
			at++;
		if (at == v.n)
			*ph_vec_push(&v) = (struct makers){ .first = m };
		v.v[at].processes++;
		v.v[at].nameless += m->nameless;
	}
	if (v.n)
		qsort(v.v, v.n, sizeof(v.v[0]), most_made_first);
	while (n < v.n && n < FILES_TOLD && words_share(v.v[n].nameless, p->weight) >= NAMELESS_MATTERS)
		n++;
	if (n && !i)
		ph_buf_adds(out, "[anonymous code] is code that programs made while they ran: it has names if they are asked to tell them");
	else if (n && i <= n)
		say_maker(p, &v.v[i - 1], out);
	ph_vec_done(&v);
	return n ? n + 1 : 0;
}

bool ph_profile_note(const struct ph_profile *p, unsigned int i, struct ph_buf *out)
{
	uint64_t all, torn = incomplete(p, &all);
	unsigned int at = 0;

	if (p->others && i == at++) {
		ph_buf_addf(out, "%" PRIu64 " stacks of other events were recorded, too: --off-cpu, --wall or -e EVENT shows these", p->others);
		return true;
	}
	if (p->other_unit && i == at++) {
		ph_buf_addf(out, "%" PRIu64 " samples are left out: they are in %s, the first is not", p->other_unit,
			    p->unit == PH_PROFILE_NS ? "cycles" : "time");
		return true;
	}
	if (words_share(torn, all) >= MATTERS && i == at++) {
		say_incomplete(p, out);
		return true;
	}
	if (words_share(p->unmapped, p->weight) >= MATTERS && i == at++) {
		words_percent(out, words_share(p->unmapped, p->weight));
		ph_buf_adds(out, " of the stacks have addresses that no known mapping has: [unknown]");
		return true;
	}
	if (words_share(p->nameless_kernel, p->weight) >= MATTERS && i == at++) {
		words_percent(out, words_share(p->nameless_kernel, p->weight));
		ph_buf_adds(out, " of the stacks have functions of the kernel whose names are not recorded");
		return true;
	}
	if (p->stackless_ns && words_share(p->stackless_ns, p->weight) >= MATTERS && i == at++) {
		words_percent(out, words_share(p->stackless_ns, p->weight));
		ph_buf_adds(out, " of the time is of waits that began before the recording, or whose stack was not recorded");
		return true;
	}
	if (p->left_out && i == at++) {
		ph_buf_addf(out, "%" PRIu64 " waits are left out, of tasks that are not seen to leave a CPU with a stack, ", p->left_out);
		words_ns(out, p->left_out_ns);
		ph_buf_adds(out, " together");
		return true;
	}
	if (p->crowded && i == at++) {
		words_percent(out, words_share(p->crowded, p->weight));
		ph_buf_adds(out, " are of more different stacks, or tasks, than are kept apart: [others]");
		return true;
	}
	if (p->samples_left_out && i == at++) {
		ph_buf_addf(out, "the last %" PRIu64 " samples are left out of the order of time: more are not kept", p->samples_left_out);
		return true;
	}
	if (i < at)
		return false;
	i -= at;
	at = say_not_shown(p, i, out);
	if (i < at)
		return true;
	i -= at;
	at = say_made(p, i, out);
	return i < at || say_nameless(p, i - at, out);
}
