/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "program.h"

/* The command lines of `porthole why`, of a trace with four containers. */
#define TRACE "-r '" PH_TEST_DATA "/demo-trace'"
#define ROWS " -o csv --no-header"

static const struct {
	const char *args, *out, *err;	/* stdout as a whole; to be found on stderr, NULL: nothing is said there */
	int code;
} runs[] = {
	/* A process with its children, and nobody else: whose requests, too. */
	{ "slow -p 179 --table containers --fields container,tasks" ROWS, "demo-tiny,19\r\n", NULL, 0 },
	{ "slow -p 169 --table containers --fields container,tasks" ROWS, "demo-db,1\r\n", NULL, 0 },
	{ "slow -p 169 --table disks --fields container,device,op,count" ROWS, "demo-db,vda,write,2\r\n", NULL, 0 },
	{ "throttled -p 179 --fields name,tasks" ROWS, "demo-tiny,19\r\n", NULL, 0 },
	{ "denied -p 179 --fields container,comm,cause,count" ROWS,
	  "demo-tiny,mkdir,seccomp,5\r\ndemo-tiny,cat,mount-namespace,4\r\n", NULL, 0 },
	/* What is not there. */
	{ "throttled -c nosuch", "", "--container nosuch matches none of 4 containers; there are: demo-db", 1 },
	{ "slow -c nosuch", "", "--container nosuch matches none of 4 containers; there are: demo-db", 1 },
	{ "denied -c nosuch", "", "--container nosuch matches none of 4 containers; there are: demo-db", 1 },
	{ "throttled -p 99999", "", "the selection matches none of its", 1 },
	{ "slow -p 99999", "", "the selection matches none of its", 1 },
	{ "denied -c demo-db", "Nothing was denied.\n", NULL, 0 },
	{ "throttled >/dev/full", "", "cannot write the output: No space left", 1 },
	{ "slow >/dev/full", "", "cannot write the output: No space left", 1 },
	{ "denied >/dev/full", "", "cannot write the output: No space left", 1 },
	/* Wrong usage. */
	{ "sloww", "", "did you mean 'slow'?", 2 },
	{ "throttled --by week", "", "--by takes container, pod, cgroup or task, not 'week'", 2 },
	{ "throttled --fields x", "", "there is no field 'x'", 2 },
	{ "throttled -o json --fields name", "", "are about the table: JSON has all of the report", 2 },
	{ "throttled -o jsonpretty --max-entries 1", "", "are about the table: JSON has all of the report", 2 },
	{ "slow --fields container", "", "say which with --table", 2 },
	{ "slow -o json --max-entries 1", "", "say which with --table", 2 },
	{ "slow -o json --max-entries 1 -c 'demo-w*' --table containers --fields container", "{\"container\":\"demo-web\"}\n", NULL, 0 },
	{ "slow --table x", "", "or stacks, not 'x'", 2 },
	{ "slow --top 0", "", "--top takes 1 to", 2 },
	{ "slow --syscall nosuch", "", "there is no system call 'nosuch'", 1 },
	{ "denied --fields x", "", "there is no field 'x'", 2 },
};

static void test_runs(void **state)
{
	char dir[] = "/tmp/ph-why-XXXXXX";
	ph_autofree char *rm = NULL;

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < PH_ARRAY_SIZE(runs); i++) {
		size_t n = strcspn(runs[i].args, " ");
		ph_autofree char *args = ph_asprintf("why %.*s " TRACE "%s", (int)n, runs[i].args, runs[i].args + n);
		struct result r = program_run(dir, args);

		/* What ended before an event was read says nothing of what there is. */
		if (r.code != runs[i].code || strcmp(r.out, runs[i].out) || strstr(r.err, "there are no events") ||
		    (runs[i].err ? !strstr(r.err, runs[i].err) : r.err[0]))
			fail_msg("why %s: exit %d, stderr \"%s\", stdout \"%.3000s\"", runs[i].args, r.code, r.err, r.out);
		result_done(&r);
	}
	rm = ph_asprintf("rm -rf '%s'", dir);
	assert_int_equal(system(rm), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_runs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
