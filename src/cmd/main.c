/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "symbol/symbol.h"

const struct ph_cmd ph_cmds[] = {
#define PH_CMD_AS(name_, verb_, args_, summary_) { verb_, ph_cmd_##name_, args_, summary_ },
#define PH_CMD(name_, args_, summary_) PH_CMD_AS(name_, #name_, args_, summary_)
#include "cmd/commands.def"
#undef PH_CMD
#undef PH_CMD_AS
	{ 0 }
};

static const struct ph_cmd *find_cmd(const char *name)
{
	for (const struct ph_cmd *c = ph_cmds; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

volatile bool ph_cmd_interrupted, ph_cmd_hurry;
const volatile bool *ph_cmd_stop = &ph_cmd_hurry;

static volatile int signalled = SIGINT;
/* Said when a signal comes, which then has its usual effect; "": it is left to the verb. */
static char last_words[128];

int ph_cmd_flush(struct ph_buf *b)
{
	size_t at = 0;

	while (at < b->len) {
		ssize_t n = write(STDOUT_FILENO, b->p + at, b->len - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
		/* Who reads it may have stopped to: he is not waited for. */
		if (at < b->len && *ph_cmd_stop) {
			ph_buf_clear(b);
			return -EINTR;
		}
	}
	ph_buf_clear(b);
	return 0;
}

int ph_cmd_can_write(struct ph_err *err)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
		return 0;
	return ph_err_sys(err, -EBADF, "cannot write the output");
}

/* No file that is opened takes the place of a standard stream that was closed: what is written there still fails. */
static void keep_standard(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
}

int ph_cmd_schema(const struct ph_col *cols, size_t n)
{
	ph_autobuf out = { 0 };

	ph_table_schema(cols, n, &out);
	return ph_cmd_flush(&out) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
}

static void end_by(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

static void on_signal(int sig)
{
	if (last_words[0]) {
		ssize_t n = write(STDERR_FILENO, last_words, strlen(last_words));

		(void)n;
		end_by(sig);
		return;
	}
	signalled = sig;
	ph_cmd_hurry = ph_cmd_interrupted;
	ph_cmd_interrupted = true;
}

static void catch_signals(void)
{
	const struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

void ph_cmd_catch_signals(void)
{
	last_words[0] = 0;
	catch_signals();
}

void ph_cmd_end_at_once(const char *verb)
{
	snprintf(last_words, sizeof(last_words), "porthole %s: interrupted: there is no result\n", verb);
	catch_signals();
}

int ph_cmd_cut_short(const char *verb, const char *what)
{
	ph_cmd_say(verb, "interrupted: %s", what);
	return PH_EXIT_INTERRUPTED;
}

static struct winsize terminal(void)
{
	struct winsize ws = { 0 };

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0)
		return (struct winsize){ 0 };
	return ws;
}

unsigned int ph_cmd_width(void)
{
	return terminal().ws_col;
}

unsigned int ph_cmd_height(void)
{
	return terminal().ws_row;
}

/* Names in it may be a container's, or a trace's that somebody else wrote. */
static void say(const char *verb, const char *fmt, va_list ap)
{
	ph_autofree char *text = NULL;
	ph_autobuf safe = { 0 };

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	ph_buf_add_term(&safe, text, strlen(text));
	fprintf(stderr, "porthole %s: %s\n", verb, safe.p ? safe.p : "");
}

void ph_cmd_say(const char *verb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(verb, fmt, ap);
	va_end(ap);
}

int ph_cmd_fail(const char *verb, const struct ph_err *err)
{
	ph_cmd_say(verb, "%s", err->msg[0] ? err->msg : "failed");
	return PH_EXIT_FAILED;
}

int ph_cmd_usage(const char *verb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(verb, fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try 'porthole %s --help'.\n", verb);
	return PH_EXIT_USAGE;
}

int ph_cmd_choice(const char *verb, const char *option, const char *const *names, const char *word, unsigned int *ret)
{
	ph_autobuf all = { 0 };

	for (unsigned int i = 0; names[i]; i++) {
		if (!strcmp(word, names[i])) {
			*ret = i;
			return 0;
		}
		ph_buf_addf(&all, "%s%s", !i ? "" : names[i + 1] ? ", " : " or ", names[i]);
	}
	return ph_cmd_usage(verb, "%s takes %s, not '%s'", option, all.p, word);
}

int ph_cmd_options(const char *verb, const char *intro, const char *examples,
		   const struct ph_opt_group *groups, int argc, char **argv, ph_strv *ret_args,
		   size_t *ret_dashdash)
{
	const struct ph_cmd *c = find_cmd(verb);
	struct ph_err err = { 0 };
	int r;

	r = ph_opt_parse(groups, argc, argv, ret_args, ret_dashdash, &err);
	if (r < 0)
		return ph_cmd_usage(verb, "%s", err.msg);
	if (r > 0) {
		ph_autobuf b = { 0 };
		ph_autobuf opts = { 0 };

		ph_buf_addf(&b, "Usage: porthole %s %s\n\n%s\n", verb, c ? c->args : "[selection] [options]",
			    intro ? intro : c ? c->summary : "");
		ph_opt_help(groups, &opts);
		ph_buf_addf(&b, "\n%s", opts.p ? opts.p : "");
		if (examples)
			ph_buf_addf(&b, "\nExamples:\n%s", examples);
		return ph_cmd_flush(&b) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
	}
	return -1;
}

static int help(void)
{
	ph_autobuf b = { 0 };

	ph_buf_adds(&b, "Usage: porthole VERB [selection] [options]\n\n"
			"Looks into every container from the host, says why one is slow, throttled or refused,\n"
			"and records what the kernel does for them into a trace that tells of every event whose it is.\n"
			"\nVerbs:\n");
	for (const struct ph_cmd *c = ph_cmds; c->name; c++)
		ph_buf_addf(&b, "  %-10s %s\n", c->name, c->summary);
	ph_buf_adds(&b, "\nFor a start:\n"
			"  porthole doctor                          what can be recorded on this machine?\n"
			"  porthole ps                              which containers are there?\n"
			"  porthole why slow -c web -d 10s          what did that one wait for? (or throttled, denied)\n"
			"  porthole record -c web -d 10s -w trace   record one of them for ten seconds\n"
			"  porthole view trace --stats              what is in the trace?\n"
			"  porthole view trace -c web               what happened to it?\n"
			"  porthole why throttled -r trace          the same question, of a trace\n"
			"\n'porthole VERB --help' tells a verb's options; its manual page more.\n");
	return ph_cmd_flush(&b) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
}

int ph_cmd_help(int argc, char **argv)
{
	const struct ph_cmd *c;
	char *sub[] = { NULL, (char *)"--help", NULL };

	if (argc < 2 || argv[1][0] == '-')
		return help();
	c = find_cmd(argv[1]);
	if (!c)
		return ph_cmd_usage("help", "there is no verb '%s'", argv[1]);
	sub[0] = argv[1];
	return !strcmp(c->name, "help") ? help() : c->run(2, sub);
}

int main(int argc, char **argv)
{
	const char *names[64];
	const char *near;
	const struct ph_cmd *c;
	size_t n = 0;

	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	keep_standard();
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		help();
		return PH_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("porthole " PH_VERSION);
		return PH_EXIT_OK;
	}
	c = find_cmd(argv[1]);
	if (c) {
		int code = c->run(argc - 1, argv + 1);

		/* As if nobody had caught it: a shell's loop ends, too. */
		if (code == PH_EXIT_INTERRUPTED)
			end_by(signalled);
		return code;
	}
	for (c = ph_cmds; c->name && n < PH_ARRAY_SIZE(names); c++)
		names[n++] = c->name;
	near = ph_nearest(argv[1], names, n);
	fprintf(stderr, "porthole: there is no verb '%s'%s%s%s\nTry 'porthole --help'.\n", argv[1],
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return PH_EXIT_USAGE;
}
