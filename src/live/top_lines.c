/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the full-screen view that are not tables: text, the machine, keys and help. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "live/top_view_priv.h"

/* Joiners (U+200C, U+200D) and variants (U+FE00 to U+FE0F) change how their neighbours are drawn, terminals do not agree how. */
static bool joins(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	return (c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0x8c || c[2] == 0x8d)) || (c[0] == 0xef && c[1] == 0xb8 && c[2] >= 0x80 && c[2] <= 0x8f);
}

/* In place of a character, and as wide. */
static void put_ascii(const char *s, size_t n, struct ph_buf *out)
{
	char one[8] = { 0 };
	size_t cells, bytes;

	memcpy(one, s, n < sizeof(one) ? n : sizeof(one) - 1);
	cells = ph_display_width(one, SIZE_MAX, &bytes);
	while (cells--)
		ph_buf_addc(out, strcmp(one, "…") ? '?' : '~');
}

void ph_top_put_line(struct ph_top_view *v, enum ph_top_style style, const char *text, unsigned int width)
{
	struct ph_top_line *l = ph_vec_push(&v->lines);
	size_t bytes;

	l->style = style;
	ph_display_width(text, width, &bytes);
	ph_buf_reserve(&l->text, 1);
	l->text.p[0] = 0;
	for (size_t i = 0; i < bytes; ) {
		size_t n = 1;

		while (i + n < bytes && ((unsigned char)text[i + n] & 0xc0) == 0x80)
			n++;
		if (n == 1)
			ph_buf_addc(&l->text, text[i]);
		else if (v->utf8 && !joins(text + i))
			ph_buf_add(&l->text, text + i, n);
		else if (!v->utf8)
			put_ascii(text + i, n, &l->text);
		i += n;
	}
}

/* Where a line of prose that is too wide is to be broken: behind a blank. */
static size_t break_at(const char *text, unsigned int width)
{
	size_t bytes, at;

	ph_display_width(text, width, &bytes);
	if (!text[bytes])
		return bytes;
	for (at = bytes; at && text[at] != ' '; at--)
		;
	return at ? at : bytes ? bytes : strlen(text);
}

void ph_top_wrap(const char *text, unsigned int width, size_t x, ph_strv *out)
{
	for (const char *l = text; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		ph_autobuf line = { 0 };
		size_t blanks, bytes, end;
		const char *at;

		ph_buf_add_term(&line, l, strcspn(l, "\n"));
		at = line.p ? line.p : "";
		blanks = strspn(at, " ");
		if (strstr(at + blanks, "  ")) {
			ph_display_width(at, x, &bytes);
			ph_strv_add(out, at + bytes);
			continue;
		}
		if (blanks + 20 > width)
			blanks = 0;
		end = break_at(at, width);
		*ph_vec_push(out) = ph_strndup(at, end);
		while (at[end]) {
			at += end;
			at += strspn(at, " ");
			end = break_at(at, width - (unsigned int)blanks);
			*ph_vec_push(out) = ph_asprintf("%*s%.*s", (int)blanks, "", (int)end, at);
		}
	}
}

static void put_text(struct ph_top_view *v, enum ph_top_style style, const char *text, unsigned int width)
{
	ph_strv lines = { 0 };

	ph_top_wrap(text, width, 0, &lines);
	for (size_t i = 0; i < lines.n; i++)
		ph_top_put_line(v, style, lines.v[i], width);
	ph_strv_done(&lines);
}

/* When it was that a trace tells of. */
static void add_time(const struct ph_top_replay *rp, struct ph_buf *out)
{
	uint64_t end = ph_top_past_end(rp->past, rp->at);
	char since[PH_HUMAN_MAX];

	ph_clock_text((int64_t)end, rp->utc, 3, out);
	ph_buf_addf(out, " (+%s)  interval %zu", ph_human_ns(end - ph_top_past_origin(rp->past), since), rp->at + 1);
	if (!rp->more)
		ph_buf_addf(out, " of %zu", ph_top_past_n(rp->past));
	ph_buf_adds(out, "  ");
}

/* Its parts stand two blanks apart. */
void ph_top_put_host(struct ph_top_view *v, unsigned int width)
{
	ph_autobuf all = { 0 }, line = { 0 };
	char *part, *next;

	if (v->replay.past)
		add_time(&v->replay, &all);
	ph_top_host_line(v->t, &all);
	for (part = all.p; part && v->lines.n < 4; part = next) {
		next = strstr(part, "  ");
		if (next) {
			*next = 0;
			next += 2;
		}
		if (line.len && line.len + 2 + strlen(part) > width) {
			ph_top_put_line(v, PH_STYLE_PLAIN, line.p, width);
			ph_buf_clear(&line);
		}
		if (!strncmp(part, "STEAL", 5) || !strncmp(part, "LOST", 4)) {
			if (line.len)
				ph_top_put_line(v, PH_STYLE_PLAIN, line.p, width);
			ph_buf_clear(&line);
			ph_top_put_line(v, PH_STYLE_WARN, part, width);
			continue;
		}
		ph_buf_addf(&line, "%s%s", line.len ? "  " : "", part);
	}
	if (line.len)
		ph_top_put_line(v, PH_STYLE_PLAIN, line.p, width);
}

void ph_top_put_keys(struct ph_top_view *v, unsigned int width)
{
	enum { ROWS = 1 << PH_SHOW_CONTAINERS | 1 << PH_SHOW_GROUPS | 1 << PH_SHOW_PROCESSES | 1 << PH_SHOW_THREADS,
	       LISTS = ROWS | 1 << PH_SHOW_FILES | 1 << PH_SHOW_SOCKETS, INNER = 1 << PH_SHOW_N };
	enum { LIVE = 1, TRACE = 2, BOTH = LIVE | TRACE };
	static const struct { const char *text; unsigned int where, of; } keys[] = {
		{ "h help", ~0u, BOTH }, { "q quit", ~0u, BOTH }, { "Backspace back", INNER, BOTH },
		{ "Left Right step", LISTS, TRACE }, { "Space pause", LISTS, TRACE },
		{ "Enter in", ROWS & ~(1u << PH_SHOW_THREADS), LIVE }, { "Enter in", 1u << PH_SHOW_GROUPS, TRACE },
		{ "Enter show it", 1u << PH_SHOW_VIEWS, BOTH },
		{ "Up Down Left Right move", 1u << PH_SHOW_REPORT, BOTH }, { "F2 views", LISTS, BOTH },
		{ "w why throttled", ROWS, BOTH }, { "s calls", ROWS, BOTH },
		{ "f files", (ROWS & ~(1u << PH_SHOW_GROUPS)) | 1u << PH_SHOW_SOCKETS, LIVE },
		{ "n sockets", (ROWS & ~(1u << PH_SHOW_GROUPS)) | 1u << PH_SHOW_FILES, LIVE }, { "i inspect", ROWS, LIVE },
		{ "p profile", ROWS, BOTH },
		{ "/ filter", LISTS, BOTH }, { "< > sort", LISTS, BOTH },
		{ "t tree", 1u << PH_SHOW_CONTAINERS, BOTH }, { "Space pause", LISTS, LIVE },
	};
	unsigned int of = v->replay.past ? TRACE : LIVE;
	unsigned int here = 1u << ph_top_view_here(v)->show | (v->places.n > 1 ? INNER : 0u);
	ph_autobuf b = { 0 };

	if (v->note.len) {
		ph_top_put_line(v, PH_STYLE_WARN, v->note.p, width);
		return;
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(keys); i++)
		if (keys[i].of & of && keys[i].where & here && b.len + 2 + strlen(keys[i].text) <= (width > 20 ? width : 20))
			ph_buf_addf(&b, "%s%s", b.len ? "  " : "", keys[i].text);
	ph_top_put_line(v, PH_STYLE_KEYS, b.p, width);
}

void ph_top_put_help(struct ph_top_view *v, unsigned int width)
{
	static const char *const live[] = {
		"Up Down PgUp PgDn Home End  select a row (also k j g G, the mouse)",
		"Enter, Backspace            in (processes of a container, their threads), back",
		"F2, v                       other views: pods, images, guests, processes",
		"s                           its system calls: how many, how long they take",
		"w                           why it does not run: CPU limits, neighbours, waiting",
		"p                           which functions its CPU time is of",
		"f, n                        its open files; its network sockets",
		"i                           its namespaces, capabilities, mounts, limits",
		"< > F6, r                   sort by another column; the other way round",
		"/                           show only what has these letters; Esc: all",
		"t                           containers below those that they run in",
		"Space                       pause",
		"q                           quit",
		NULL,
	};
	static const char *const trace[] = {
		"Left Right, also , and .    one interval back, one on",
		"Space                       stop there; go on",
		"Up Down PgUp PgDn Home End  select a row (also k j g G, the mouse)",
		"Enter, Backspace            into a group, back",
		"F2, v                       other views: pods, images, namespaces, cgroups",
		"s                           its system calls in this interval",
		"w                           why it did not run: CPU limits, neighbours, waiting",
		"p                           its functions, where the trace has samples",
		"< > F6, r                   sort by another column; the other way round",
		"/                           show only what has these letters; Esc: all",
		"t                           containers below those that they run in",
		"q                           quit",
		NULL,
	};
	static const char *const columns[] = {
		"Percentages of time are of one CPU: two busy CPUs are 200 %.",
		"LIM%: CPU time, of the CPU limit. THR%: periods in which the limit ran out.",
		"RUNQ%: time that ready tasks waited for a CPU. MEM: working set, MEM% of its limit.",
		"LAST: CPU time, look by look, newest to the right. man porthole-top tells more.",
		NULL,
	};
	const char *const *const texts[] = { v->replay.past ? trace : live, columns };
	struct ph_table_fmt fmt = { 0 };
	ph_autobuf missing = { 0 };

	ph_top_put_line(v, PH_STYLE_TITLE, "porthole top", width);
	for (size_t i = 0; i < PH_ARRAY_SIZE(texts); i++)
		for (const char *const *line = texts[i]; *line; line++)
			put_text(v, PH_STYLE_PLAIN, *line, width);
	ph_top_missing(v->t, &fmt, &missing);
	if (missing.p)
		put_text(v, PH_STYLE_WARN, missing.p, width);
}
