/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "bt2_text.h"
#include "ctf/ctf.h"
#include "ctf_dir.h"

/*
 * Conformance cases: traces as text, tests/ctf/good/NAME and tests/ctf/bad/NAME. Sections of a case:
 *
 *	--- metadata		TSDL
 *	--- packetized		TSDL again, which goes into metadata packets (big endian ones)
 *	--- stream NAME		bytes of a stream file: 1f is a byte, 0b00011111 too, u16:5 u32be:5 u64:5
 *				integers, "text" bytes, zeros:8 zero bytes; # begins a comment
 *	--- text		what is read: as babeltrace2 prints it (with --no-delta --clock-cycles)
 *	--- error		what the error has in it; text before it is still read
 *	--- warning		what the first warning has in it
 *	--- alone: WHY		babeltrace2 reads this in another way or not at all
 *
 * A good case is also given to babeltrace2, whose text must be the same.
 */
struct ctf_case {
	char *path;
	const char *name;
	char *text, *error, *warning;
	bool alone, has_cpu;
};

static void put_int(struct ph_buf *out, const char *token)
{
	unsigned int bits = (unsigned int)strtoul(token + 1, NULL, 10);
	bool be = strstr(token, "be:") != NULL;
	uint64_t v = strtoull(strchr(token, ':') + 1, NULL, 0);

	for (unsigned int i = 0; i < bits; i += 8)
		ph_buf_addc(out, (char)(v >> (be ? bits - 8 - i : i)));
}

/* One line of a stream section. */
static void put_bytes(struct ph_buf *out, char *line)
{
	while (*line) {
		char *token = line + strspn(line, " \t");
		size_t n = strcspn(token, " \t");

		if (!*token || *token == '#')
			return;
		if (*token == '"') {
			n = strcspn(token + 1, "\"") + 2;
			ph_buf_add(out, token + 1, n - 2);
		} else if (!strncmp(token, "zeros:", 6)) {
			for (unsigned long i = strtoul(token + 6, NULL, 0); i; i--)
				ph_buf_addc(out, 0);
		} else if (*token == 'u') {
			put_int(out, token);
		} else if (n == 10 && !strncmp(token, "0b", 2)) {
			ph_buf_addc(out, (char)strtoul(token + 2, NULL, 2));
		} else {
			assert_int_equal(n, 2);
			ph_buf_addc(out, (char)strtoul(token, NULL, 16));
		}
		line = token + n;
	}
}

static void save(const char *dir, const char *name, const struct ph_buf *b)
{
	ph_autofree char *path = ph_asprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fwrite(b->p ? b->p : "", 1, b->len, f);
	fclose(f);
}

/* A metadata packet of @text, with some bytes of padding. */
static void packetize(struct ph_buf *b)
{
	ph_autobuf out = { 0 };
	uint64_t content = (b->len + 37) * 8, size = content + 64;
	ph_autofree char *sizes = ph_asprintf("u32be:%" PRIu64 " u32be:%" PRIu64, content, size);
	char magic[] = "75 d1 1d 57 zeros:20", rest[] = "00 00 00 01 08", pad[] = "zeros:8";

	put_bytes(&out, magic);
	put_bytes(&out, sizes);
	put_bytes(&out, rest);
	ph_buf_add(&out, b->p, b->len);
	put_bytes(&out, pad);
	ph_buf_clear(b);
	ph_buf_add(b, out.p, out.len);
}

static void end_section(struct ctf_case *c, const char *section, struct ph_buf *b, const char *dir)
{
	ph_buf_adds(b, "");
	if (!strcmp(section, "metadata") || !strcmp(section, "packetized")) {
		c->has_cpu |= strstr(b->p, "cpu_id") != NULL;
		if (*section == 'p')
			packetize(b);
		save(dir, "metadata", b);
	} else if (!strncmp(section, "stream ", 7)) {
		save(dir, section + 7, b);
	} else if (!strcmp(section, "text")) {
		c->text = ph_strdup(b->p);
	} else if (!strcmp(section, "error")) {
		c->error = ph_strndup(b->p, b->len - 1);
	} else if (!strcmp(section, "warning")) {
		c->warning = ph_strndup(b->p, b->len - 1);
	} else if (!strncmp(section, "alone: ", 7)) {
		c->alone = true;
	} else if (*section) {
		fail_msg("%s: no section \"%s\"", c->path, section);
	}
	ph_buf_clear(b);
}

static void build(struct ctf_case *c, const char *dir)
{
	ph_autobuf file = { 0 }, b = { 0 };
	char *line, *rest, *section = "";

	assert_int_equal(ph_read_file_at(AT_FDCWD, c->path, 1 << 20, &file), 0);
	rest = file.p;
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "--- ", 4)) {
			end_section(c, section, &b, dir);
			section = line + 4;
		} else if (!strncmp(section, "stream ", 7)) {
			put_bytes(&b, line);
		} else if (*section && rest) {
			ph_buf_addf(&b, "%s\n", line);
		}
	}
	end_section(c, section, &b, dir);
}

static void check_text(const struct ctf_case *c, const char *dir)
{
	const char *want = c->text ? c->text : "";
	struct ph_source *s = NULL;
	struct ph_err err = { 0 };
	ph_autobuf have = { 0 };
	struct ph_event *ev;
	int r = ph_ctf_open(dir, &s, &err);

	ph_buf_adds(&have, "");
	while (r >= 0 && (r = ph_source_next(s, &ev, &err)) > 0)
		bt2_event(&have, ev, s->hostname, c->has_cpu && ev->cls->id != PH_EV_events_discarded);
	assert_string_equal(have.p, want);
	if (r < 0 && !c->error)
		fail_msg("%s", err.msg);
	if (c->error) {
		assert_true(r < 0);
		if (!strstr(err.msg, c->error))
			fail_msg("the error is \"%s\"", err.msg);
		/* It says where, and it stays. */
		assert_non_null(strstr(err.msg, dir));
		if (s)
			assert_int_equal(ph_source_next(s, &ev, &err), r);
	}
	if (c->warning) {
		assert_non_null(ph_ctf_warning(s, 0));
		assert_non_null(strstr(ph_ctf_warning(s, 0), c->warning));
	} else if (s) {
		assert_null(ph_ctf_warning(s, 0));
	}
	ph_source_close(s);
}

static void run_case(void **state)
{
	struct ctf_case *c = *state;
	struct dir *d;
	ph_autofree char *dir = NULL;
	char *theirs = NULL;

	setup((void **)&d);
	dir = ph_asprintf("%s/%s", d->path, c->name);
	assert_int_equal(mkdir(dir, 0777), 0);
	build(c, dir);
	check_text(c, dir);
	if (!c->alone && !c->error)
		theirs = babeltrace(dir, "--no-delta --clock-cycles");
	if (theirs) {
		bt2_without_lengths(theirs);
		assert_string_equal(theirs, c->text);
	}
	free(theirs);
	teardown((void **)&d);
}

/* A trace that LTTng's user-space tracer made of an application with a field of every kind it knows. */
static void lttng_ust(void **state)
{
	struct ph_source *s = NULL;
	struct ph_err err = { 0 };
	ph_autobuf ours = { 0 };
	struct ph_event *ev;
	struct dir *d;
	ph_autofree char *trace = NULL, *copy = NULL;
	char *theirs;

	(void)state;
	setup((void **)&d);
	trace = ph_asprintf("%s/trace", d->path);
	copy = ph_asprintf("cp -r %s/lttng-ust %s", PH_TEST_DATA, trace);
	assert_int_equal(system(copy), 0);
	if (ph_ctf_open(trace, &s, &err) < 0)
		fail_msg("%s", err.msg);
	while (ph_source_next(s, &ev, &err) > 0) {
		/* Its vtid is the container's number for the thread, not the host's. */
		assert_int_equal(ev->tid, -1);
		bt2_event(&ours, ev, s->hostname, true);
	}
	assert_int_equal(err.code, 0);
	ph_source_close(s);
	theirs = babeltrace(trace, "--no-delta --clock-cycles");
	if (theirs) {
		bt2_without_lengths(theirs);
		assert_string_equal(ours.p, theirs);
	}
	teardown((void **)&d);
	if (!theirs)
		skip();
	free(theirs);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(void)
{
	static const char *const kinds[] = { "good", "bad" };
	PH_VEC(struct CMUnitTest) tests = { 0 };
	int r;

	for (size_t k = 0; k < PH_ARRAY_SIZE(kinds); k++) {
		ph_autofree char *path = ph_asprintf("%s/../ctf/%s", PH_TEST_DATA, kinds[k]);
		ph_autoclosedir DIR *d = opendir(path);
		struct dirent *e;

		while (d && (e = readdir(d))) {
			struct ctf_case *c;

			if (e->d_name[0] == '.')
				continue;
			c = ph_alloc(sizeof(*c));
			c->path = ph_asprintf("%s/%s", path, e->d_name);
			c->name = strrchr(c->path, '/') + 1;
			*ph_vec_push(&tests) = (struct CMUnitTest){
				.name = ph_asprintf("%s/%s", kinds[k], c->name), .test_func = run_case,
				.initial_state = c,
			};
		}
	}
	*ph_vec_push(&tests) = (struct CMUnitTest){ .name = "lttng_ust", .test_func = lttng_ust };
	qsort(tests.v, tests.n, sizeof(*tests.v), by_name);
	r = _cmocka_run_group_tests("ctf_cases", tests.v, tests.n, NULL, NULL);
	ph_vec_each(t, &tests) {
		struct ctf_case *c = t->initial_state;

		if (!c)
			continue;
		free((char *)t->name);
		free(c->path);
		free(c->text);
		free(c->error);
		free(c->warning);
		free(c);
	}
	ph_vec_done(&tests);
	return r;
}
