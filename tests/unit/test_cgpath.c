/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "identity/cgpath.h"

static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s == '\\' && (s[1] == 'n' || s[1] == '\\')) {
			s++;
			*out++ = *s == 'n' ? '\n' : '\\';
		} else {
			*out++ = *s;
		}
	}
	*out = 0;
}

/* The table of real-world shapes: contents, runtime, id, pod uid. */
static void table(void **state)
{
	ph_autofclose FILE *f = fopen(PH_TEST_DATA "/cgroup_paths.tsv", "re");
	ph_autofree char *line = NULL;
	unsigned int n = 0, wrong = 0;
	size_t cap = 0;

	(void)state;
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		char *rest = line, *content, *runtime, *id, *uid;
		struct ph_cgpath got;
		bool in;

		if (*line == '#')
			continue;
		line[strcspn(line, "\n")] = 0;
		content = strsep(&rest, "\t");
		runtime = strsep(&rest, "\t");
		id = strsep(&rest, "\t");
		uid = strsep(&rest, "\t");
		assert_non_null(uid);
		unescape(content);
		in = ph_cgpath_parse_proc(content, &got, NULL, NULL, 0);
		n++;
		if (strcmp(in ? got.runtime : "none", runtime) || strcmp(got.id, id) ||
		    strcmp(got.pod_uid, uid)) {
			print_error("%s\n  want %s %s %s\n  got  %s %s %s\n", content, runtime, id, uid,
				    in ? got.runtime : "none", got.id, got.pod_uid);
			wrong++;
		}
	}
	assert_in_range(n, 100, 100000);
	assert_int_equal(wrong, 0);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID "0d08203e-255a-11e9-8cd9-0007cb0b2cc8"

static size_t own(const char *path)
{
	struct ph_cgpath got;

	assert_true(ph_cgpath_parse(path, &got));
	return got.own_len;
}

/* The container's own cgroup ends where its name does; what is below belongs to it. */
static void own_cgroup(void **state)
{
	struct ph_cgpath got;

	(void)state;
	assert_int_equal(own("/docker/" ID), strlen("/docker/" ID));
	assert_int_equal(own("/docker/" ID "/init.scope"), strlen("/docker/" ID));
	assert_int_equal(own("/docker/" ID "/docker/" ID "/x"), strlen("/docker/" ID "/docker/" ID));
	assert_int_equal(own("/lxc.payload.a/b"), strlen("/lxc.payload.a"));
	assert_false(ph_cgpath_parse("/kubepods/burstable/pod" UID, &got));
	assert_true(got.pod_only);
	assert_int_equal(got.own_len, strlen("/kubepods/burstable/pod" UID));
}

/* Who watches a container is not in it. */
static void watchers(void **state)
{
	static const char *const paths[] = { "/lxc.monitor.a", "/lxc.monitor/a", "/libpod_parent/conmon",
					     "/machine.slice/libpod-conmon-" ID ".scope",
					     "/system.slice/crio-conmon-" ID ".scope" };
	struct ph_cgpath got;

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(paths); i++) {
		assert_false(ph_cgpath_parse(paths[i], &got));
		assert_true(got.watcher);
	}
	assert_true(ph_cgpath_parse("/lxc.payload.a", &got) && !got.watcher);
	assert_true(ph_cgpath_parse("/lxc.payload.a/conmon", &got));
	assert_false(ph_cgpath_parse("/system.slice/a.service", &got) || got.watcher);
}

static void which_line(void **state)
{
	struct ph_cgpath got;
	char path[256];
	int h;

	(void)state;
	assert_true(ph_cgpath_parse_proc("3:cpu:/docker/" ID "\n2:pids:/docker/" ID "\n0::/\n", &got, &h,
					 path, sizeof(path)));
	assert_int_equal(h, 3);
	assert_string_equal(path, "/docker/" ID);
	assert_true(ph_cgpath_parse_proc("3:cpu:/docker/" ID "\n0::/docker/" ID "\n", &got, &h, path,
					 sizeof(path)));
	assert_int_equal(h, 0);
	assert_false(ph_cgpath_parse_proc("", &got, &h, path, sizeof(path)));
	assert_int_equal(h, -1);
	/* A path that does not fit is cut, not overrun. */
	assert_true(ph_cgpath_parse_proc("0::/docker/" ID "\n", &got, &h, path, 8));
	assert_string_equal(path, "/docker");
}

static void long_names(void **state)
{
	char path[600] = "/lxc/";
	struct ph_cgpath got;

	(void)state;
	memset(path + 5, 'a', 500);
	assert_false(ph_cgpath_parse(path, &got));
	path[5 + 127] = 0;
	assert_true(ph_cgpath_parse(path, &got));
	assert_int_equal(strlen(got.id), 127);
	assert_false(ph_cgpath_parse("", &got));
	assert_false(ph_cgpath_parse("/////", &got));
	assert_false(ph_cgpath_parse("/machine-.scope", &got));
	assert_false(ph_cgpath_parse("/machine-\\x00.scope", &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table), cmocka_unit_test(own_cgroup), cmocka_unit_test(watchers),
		cmocka_unit_test(which_line),		cmocka_unit_test(long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
