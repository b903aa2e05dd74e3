/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/bpftrace.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* What a program is made of, as far as it matters here. Texts point into the program. */
struct span {
	const char *p;
	size_t n;
};

struct reader {
	const char *begin, *p;
	struct ph_err *err;
};

static int bad(const struct reader *r, const char *at, const char *what)
{
	unsigned int line = 1;

	for (const char *p = r->begin; p < at; p++)
		line += *p == '\n';
	return ph_err_set(r->err, -EINVAL, "line %u: %s", line, what);
}

/* ---- what stands for itself: blanks, comments, strings --------------------------------------------- */

/* Behind the comment that begins at @p, @p itself where none does. One that has no end goes to the end of the text. */
static const char *skip_comment(const char *p)
{
	const char *end;

	if (p[0] == '/' && p[1] == '/')
		return p + strcspn(p, "\n");
	if (p[0] != '/' || p[1] != '*')
		return p;
	end = strstr(p + 2, "*/");
	return end ? end + 2 : p + strlen(p);
}

/* Behind the string that begins at @p; NULL: it has no end. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : NULL;
}

static const char *skip_blanks(const char *p)
{
	for (;;) {
		const char *q = skip_comment(p);

		while (isspace((unsigned char)*q))
			q++;
		if (q == p)
			return p;
		p = q;
	}
}

/* Behind what closes the brace that @p is at; NULL: nothing does. */
static const char *skip_braces(const char *p)
{
	int depth = 0;

	while (*p) {
		const char *q = skip_comment(p);

		if (q != p) {
			p = q;
			continue;
		}
		if (*p == '"') {
			p = skip_string(p);
			if (!p)
				return NULL;
			continue;
		}
		depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
		p++;
		if (!depth)
			return p;
	}
	return NULL;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t word(const char *p)
{
	size_t n = 0;

	while (is_word(p[n]))
		n++;
	return n;
}

static bool is(struct span s, const char *text)
{
	return strlen(text) == s.n && !memcmp(s.p, text, s.n);
}

/* ---- probes ---------------------------------------------------------------------------------------- */

enum place {
	PLACE_NOBODYS,		/* BEGIN, END, interval: they happen for nobody */
	PLACE_TASKS,		/* in a task */
	PLACE_OTHERS,		/* likewise, which need not be the one that it is about */
	PLACE_ITERATOR,		/* iter: of all tasks, which a predicate cannot choose from */
	PLACE_FILE,		/* in a task, and there is a path in it */
};

struct probe {
	struct span text;
	enum place place;
	size_t path, path_n;	/* in the text */
};

/*
 * What interrupts, timers, kernel threads and wakers do for somebody: tracepoints by category and name, functions of the kernel. Both sides
 * may be patterns.
 */
static bool is_others(const char *name)
{
	static const char *const others[] = {
		"block:*", "irq:*", "irq_vectors:*", "napi:*", "net:napi_*", "net:netif_r*", "nvme:nvme_complete_rq", "rcu:*",
		"sched:sched_migrate_task", "sched:sched_stat_*", "sched:sched_switch", "sched:sched_wak*", "scsi:scsi_dispatch_cmd_done", "skb:*",
		"sock:inet_sock_set_state", "tcp:*", "timer:*_expire_*", "workqueue:workqueue_execute_*", "writeback:*",
		"*blk_account_io_done", "*kfree_skb*", "bio_endio", "blk_mq_*complete*", "blk_mq_end_request*", "blk_*start_request",
		"blk_update_request", "sched_switch", "sched_wak*", "tcp_drop*", "tcp_rcv_*", "tcp_retransmit_*", "tcp_set_state", "tcp_v?_*rcv*", "tcp_v?_syn_recv_sock",
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(others); i++)
		if (ph_glob(others[i], name) || ph_glob(name, others[i]))
			return true;
	return false;
}

static enum place place_of(struct span kind)
{
	static const char *const files[] = { "uprobe", "u", "uretprobe", "ur", "usdt", "U" };
	static const char *const nobodys[] = { "BEGIN", "END", "begin", "end", "interval", "i", "self", "test", "bench" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(files); i++)
		if (is(kind, files[i]))
			return PLACE_FILE;
	for (size_t i = 0; i < PH_ARRAY_SIZE(nobodys); i++)
		if (is(kind, nobodys[i]))
			return PLACE_NOBODYS;
	return is(kind, "iter") || is(kind, "it") ? PLACE_ITERATOR : PLACE_TASKS;
}

/* Up to a blank, comma or brace; what is in quotes belongs to it. */
static int read_probe(struct reader *r, struct probe *ret)
{
	const char *begin = r->p, *p = begin;
	size_t kind = strcspn(begin, ": \t\n,{");

	while (*p && !isspace((unsigned char)*p) && *p != ',' && *p != '{') {
		if (*p == '"') {
			p = skip_string(p);
			if (!p)
				return bad(r, begin, "a string has no end");
			continue;
		}
		p++;
	}
	if (p == begin)
		return bad(r, begin, "a probe was expected");
	*ret = (struct probe){ .text = { begin, (size_t)(p - begin) }, .place = place_of((struct span){ begin, kind }) };
	if (ret->place == PLACE_TASKS && begin[kind] == ':') {
		ph_autofree char *name = ph_strndup(begin + kind + 1, (size_t)(p - begin) - kind - 1);

		if (is_others(name))
			ret->place = PLACE_OTHERS;
	}
	if (ret->place == PLACE_FILE && begin[kind] == ':') {
		const char *path = begin + kind + 1, *end = path;

		if (*path == '"') {
			end = skip_string(path);
			ret->path = (size_t)(path + 1 - begin);
			ret->path_n = (size_t)(end - path - 2);
		} else {
			while (end < p && *end != ':')
				end++;
			ret->path = (size_t)(path - begin);
			ret->path_n = (size_t)(end - path);
		}
	}
	r->p = p;
	return 0;
}

/* "/ … /" in front of a body: it ends with the slash behind which the brace is. */
static int read_predicate(struct reader *r, struct span *ret)
{
	const char *begin = r->p, *p = begin + 1;

	while (*p) {
		const char *q = skip_comment(p);

		if (q != p) {
			p = q;
		} else if (*p == '"') {
			p = skip_string(p);
			if (!p)
				return bad(r, begin, "a string has no end");
		} else if (*p == '/' && *skip_blanks(p + 1) == '{') {
			*ret = (struct span){ begin + 1, (size_t)(p - begin - 1) };
			r->p = p + 1;
			return 0;
		} else {
			p++;
		}
	}
	return bad(r, begin, "a predicate has no end");
}

/* ---- bodies ------------------------------------------------------------------------------------------ */

struct rewrite {
	const struct ph_bpftrace_container *c;
	size_t n;
	struct ph_buf *out;
	ph_strv *notes;
};

static void add_span(struct ph_buf *b, struct span s)
{
	if (s.n)
		ph_buf_add(b, s.p, s.n);
}

static void note(struct rewrite *w, char *sentence)
{
	ph_vec_each(n, w->notes)
		if (!strcmp(*n, sentence)) {
			free(sentence);
			return;
		}
	*ph_vec_push(w->notes) = sentence;
}

/* In a string of bpftrace, also of its printf. It prints what it is given as it is: of what a terminal would act upon nothing is left. */
static void add_name(struct ph_buf *b, const char *name, bool format)
{
	ph_autobuf safe = { 0 };

	ph_buf_add_term(&safe, name, strlen(name));
	for (size_t i = 0; i < safe.len; i++) {
		ph_buf_addc(b, strchr("\"\\", safe.p[i]) ? '_' : safe.p[i]);
		if (safe.p[i] == '%' && format)
			ph_buf_addc(b, '%');
	}
}

/* $container_pid and the others; false: it is none of them. */
static bool add_variable(struct rewrite *w, const struct ph_bpftrace_container *c, struct span s)
{
	if (is(s, "$container_pid")) {
		ph_buf_addf(w->out, "%d", c->pid);
	} else if (is(s, "$container_cgroupid")) {
		ph_buf_addf(w->out, "%lu", c->cgroup_id);
	} else if (is(s, "$container_name")) {
		ph_buf_addc(w->out, '"');
		add_name(w->out, c->name, false);
		ph_buf_addc(w->out, '"');
	} else {
		return false;
	}
	return true;
}

/* printf("…\n": a line, which is to say whose it is. */
static bool is_line(const char *p, const char *end)
{
	const char *close = *p == '"' ? skip_string(p) : NULL;

	return close && close <= end && close - p >= 4 && close[-2] == 'n' && close[-3] == '\\';
}

/* A body, or a predicate's expression. @prefix: lines begin with the container's name. */
static void add_code(struct rewrite *w, const struct ph_bpftrace_container *c, struct span s, bool prefix)
{
	const char *p = s.p, *end = s.p + s.n;

	while (p < end) {
		const char *q = skip_comment(p);
		size_t n;

		if (q != p || *p == '"') {
			if (q == p)
				q = skip_string(p);
			if (!q || q > end)
				q = end;
		} else if (*p == '$' && (n = word(p + 1)) && add_variable(w, c, (struct span){ p, n + 1 })) {
			p += n + 1;
			continue;
		} else if (is_word(*p)) {
			n = word(p);
			q = p + n;
			if (prefix && is((struct span){ p, n }, "printf") && *skip_blanks(q) == '(' &&
			    is_line(skip_blanks(skip_blanks(q) + 1), end)) {
				q = skip_blanks(skip_blanks(q) + 1) + 1;
				ph_buf_add(w->out, p, (size_t)(q - p));
				add_name(w->out, c->name, true);
				ph_buf_adds(w->out, ": ");
				p = q;
				/* The rest of the string is no code. */
				q = skip_string(p - 1);
			}
		} else {
			q = p + 1;
		}
		ph_buf_add(w->out, p, (size_t)(q - p));
		p = q;
	}
}

/* ---- blocks ------------------------------------------------------------------------------------------ */

struct block {
	PH_VEC(struct probe) probes;
	struct span predicate, between, body;	/* what stands between the probes' end and the body */
	bool has_predicate;
};

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.+-@="

/* What stands for something else also within quotes; and the program may be printed. */
static bool is_special(const char *file)
{
	ph_autobuf safe = { 0 };

	ph_buf_add_term(&safe, file, strlen(file));
	return strpbrk(file, "\"\\*?[]{}$") || (safe.p && strcmp(safe.p, file));
}

/* Containers call their files as they like, also as programs of bpftrace are written: what is not plain stands in quotes. */
static void add_file(struct ph_buf *out, const char *file, bool quoted)
{
	const char *quote = quoted || !file[strspn(file, PLAIN)] ? "" : "\"";

	ph_buf_addf(out, "%s%s%s", quote, file, quote);
}

/* A probe with its path as the container has it; false: it has no such file. */
static bool add_probe(struct rewrite *w, const struct ph_bpftrace_container *c, const struct probe *pr)
{
	ph_autofree char *path = NULL, *file = NULL;

	if (pr->place != PLACE_FILE || !pr->path_n) {
		add_span(w->out, pr->text);
		return true;
	}
	path = ph_strndup(pr->text.p + pr->path, pr->path_n);
	if (strpbrk(path, "*?[")) {
		note(w, ph_asprintf("%.*s: a path with a pattern is not looked up in the container", (int)pr->text.n, pr->text.p));
		return false;
	}
	file = c->file(c, path, c->arg);
	if (!file) {
		note(w, ph_asprintf("%.*s: %s has no %s", (int)pr->text.n, pr->text.p, c->name, path));
		return false;
	}
	if (is_special(file)) {
		note(w, ph_asprintf("%.*s: the file of %s has a name that cannot stand in a program: %s", (int)pr->text.n, pr->text.p, c->name, file));
		return false;
	}
	add_span(w->out, (struct span){ pr->text.p, pr->path });
	add_file(w->out, file, pr->text.p[pr->path - 1] == '"');
	add_span(w->out, (struct span){ pr->text.p + pr->path + pr->path_n, pr->text.n - pr->path - pr->path_n });
	return true;
}

/* Which of a block's probes stand together. */
enum group {
	GROUP_AS_WRITTEN,	/* nobody's, and those that the block's predicate chooses: once, for all containers */
	GROUP_CONTAINER,	/* in front of which the container's predicate stands: for each container */
};

/* What was put into a map is the container's: who asks for it may be anybody. */
static bool by_map(const struct block *b)
{
	return b->has_predicate && memchr(b->predicate.p, '@', b->predicate.n);
}

static enum group group_of(const struct block *b, const struct probe *pr)
{
	switch (pr->place) {
	case PLACE_TASKS:
	case PLACE_FILE: return GROUP_CONTAINER;
	case PLACE_OTHERS: return by_map(b) ? GROUP_AS_WRITTEN : GROUP_CONTAINER;
	default: return GROUP_AS_WRITTEN;
	}
}

static void note_place(struct rewrite *w, const struct block *b, const struct probe *pr)
{
	if (pr->place == PLACE_ITERATOR)
		note(w, ph_asprintf("%.*s: an iterator sees everybody; compare its task's numbers with $container_pid, "
				    "$container_cgroupid", (int)pr->text.n, pr->text.p));
	else if (pr->place == PLACE_OTHERS)
		note(w, ph_asprintf("%.*s happens in whoever is running: %s", (int)pr->text.n, pr->text.p, by_map(b) ?
				    "it is left to its own predicate, which asks for what the program has of the container" :
				    "what happens for the container in others' time is not seen"));
}

static void add_predicate(struct rewrite *w, const struct ph_bpftrace_container *c, const struct block *b)
{
	if (!b->has_predicate)
		return;
	ph_buf_addc(w->out, '/');
	add_code(w, c, b->predicate, false);
	ph_buf_adds(w->out, "/ ");
}

/* A group of the block's probes, for one container. */
static void add_block(struct rewrite *w, const struct ph_bpftrace_container *c, const struct block *b, enum group group)
{
	size_t n = 0, begin = w->out->len;
	bool mine = group == GROUP_CONTAINER;

	ph_vec_each(pr, &b->probes) {
		size_t before = w->out->len;

		if (group_of(b, pr) != group)
			continue;
		if (n)
			ph_buf_adds(w->out, ",\n");
		if (add_probe(w, c, pr)) {
			n++;
		} else {
			w->out->len = before;
			if (w->out->p)
				w->out->p[before] = 0;
		}
		note_place(w, b, pr);
	}
	if (!n) {
		w->out->len = begin;
		if (w->out->p)
			w->out->p[begin] = 0;
		return;
	}
	ph_buf_adds(w->out, " ");
	/* A predicate may be a text or an address, to which nothing can be added: it stays, and the container's is asked within. */
	if (mine && !b->has_predicate)
		ph_buf_addf(w->out, "/%s/ ", c->predicate);
	add_predicate(w, c, b);
	if (mine && b->has_predicate)
		ph_buf_addf(w->out, "{ if (%s) ", c->predicate);
	add_code(w, c, b->body, mine && w->n > 1);
	ph_buf_adds(w->out, mine && b->has_predicate ? " }\n" : "\n");
}

static int read_block(struct reader *r, struct block *b)
{
	const char *end;
	int ret;

	for (;;) {
		ret = read_probe(r, ph_vec_push(&b->probes));
		if (ret < 0)
			return ret;
		r->p = skip_blanks(r->p);
		if (*r->p != ',')
			break;
		r->p = skip_blanks(r->p + 1);
	}
	if (*r->p == '/') {
		ret = read_predicate(r, &b->predicate);
		if (ret < 0)
			return ret;
		b->has_predicate = true;
		r->p = skip_blanks(r->p);
	}
	if (*r->p != '{')
		return bad(r, r->p, "'{' was expected, the body of a probe");
	end = skip_braces(r->p);
	if (!end)
		return bad(r, r->p, "a body has no end");
	b->body = (struct span){ r->p, (size_t)(end - r->p) };
	r->p = end;
	return 0;
}

/* What is no probe at the top: definitions. Behind it; NULL: it is none, or has no end. */
static const char *skip_definition(const char *p)
{
	static const char *const words[] = { "struct", "union", "enum", "typedef", "config", "fn", "macro", "import", "let" };
	struct span s = { p, word(p) };
	bool found = false;

	if (*p == '#')
		return p + strcspn(p, "\n");
	for (size_t i = 0; i < PH_ARRAY_SIZE(words); i++)
		found |= is(s, words[i]);
	if (!found)
		return NULL;
	while (*p && *p != '{' && *p != ';') {
		const char *q = skip_comment(p);

		p = q != p ? q : *p == '"' && skip_string(p) ? skip_string(p) : p + 1;
	}
	if (*p == '{')
		p = skip_braces(p);
	if (p && *skip_blanks(p) == ';')
		p = skip_blanks(p) + 1;
	return p;
}

int ph_bpftrace_rewrite(const char *program, const struct ph_bpftrace_container *c, size_t n, struct ph_buf *out,
			ph_strv *notes, struct ph_err *err)
{
	struct reader r = { .begin = program, .p = program, .err = err };
	struct rewrite w = { .c = c, .n = n, .out = out, .notes = notes };
	int ret = 0;

	if (!strncmp(program, "#!", 2))
		r.p += strcspn(program, "\n");
	while (ret == 0) {
		const char *p = skip_blanks(r.p), *end;
		struct block b = { 0 };

		ph_buf_add(out, r.p, (size_t)(p - r.p));
		r.p = p;
		if (!*p)
			return 0;
		end = skip_definition(p);
		if (end) {
			ph_buf_add(out, p, (size_t)(end - p));
			r.p = end;
			continue;
		}
		ret = read_block(&r, &b);
		if (ret == 0) {
			add_block(&w, &c[0], &b, GROUP_AS_WRITTEN);
			for (size_t i = 0; i < n; i++)
				add_block(&w, &c[i], &b, GROUP_CONTAINER);
		}
		ph_vec_done(&b.probes);
	}
	return ret;
}
