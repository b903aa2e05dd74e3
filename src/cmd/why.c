/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole why QUESTION: each question is a verb of its own. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "cmd/cmd.h"

static const struct question {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} questions[] = {
#define PH_WHY(name_, summary_) { #name_, ph_cmd_why_##name_, summary_ },
#include "cmd/why.def"
#undef PH_WHY
	{ 0 }
};

static int help(void)
{
	ph_autobuf b = { 0 };

	ph_buf_adds(&b, "Usage: porthole why QUESTION [selection] [options]\n\n"
			"Answers in words why a container is not as fast as it should be, with the evidence\n"
			"under them.\n\nQuestions:\n");
	for (const struct question *q = questions; q->name; q++)
		ph_buf_addf(&b, "  %-10s %s\n", q->name, q->summary);
	ph_buf_adds(&b, "\n'porthole why QUESTION --help' tells its options.\n");
	return ph_cmd_flush(&b) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
}

int ph_cmd_why(int argc, char **argv)
{
	const char *names[16];
	const char *near;
	size_t n = 0;

	if (argc < 2)
		return ph_cmd_usage("why", "which question? (porthole why throttled)");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	for (const struct question *q = questions; q->name; q++) {
		if (!strcmp(q->name, argv[1]))
			return q->run(argc - 1, argv + 1);
		names[n++] = q->name;
	}
	near = ph_nearest(argv[1], names, n);
	return ph_cmd_usage("why", "there is no question '%s'%s%s%s", argv[1], near ? "; did you mean '" : "",
			    near ? near : "", near ? "'?" : "");
}
