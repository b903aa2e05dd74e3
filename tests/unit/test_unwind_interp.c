/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of interpreted programs, out of a process that waits: the same functions, files and lines that the program itself says
 * it is in. PH_INTERPRETERS adds other versions: "python CALLS COMMAND" or "php COMMAND", divided by semicolons. (Python 3.8, 3.9
 * and 3.10: 0 calls, 3.11 to 3.13: 3.)
 */
#include "test.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "unwind/interp_file.h"

/*
 * A line for each frame, the innermost first: name, file, line, and then "calls N": how often the interpreter was called to run
 * them. Which then waits for its input on the same line of the program.
 */
static const char python_script[] =
	"import sys, os, threading\n"
	"def report(f):\n"
	"    out = []\n"
	"    while f:\n"
	"        c = f.f_code\n"
	"        out.append('%s\\t%s\\t%d' % (getattr(c, 'co_qualname', c.co_name), c.co_filename, f.f_lineno))\n"
	"        f = f.f_back\n"
	"    os.write(1, ('\\n'.join(out) + '\\ncalls %d\\n' % int(sys.argv[1])).encode())\n"
	"def stop():\n"
	"    report(sys._getframe()); os.read(0, 1)\n"
	"def recurse(n):\n"
	"    x = [1,\n"
	"         2]\n"
	"    if n == 0:\n"
	"        return stop()\n"
	"    return recurse(n - 1)\n"
	"class Über:\n"
	"    def méthode(self, 名):\n"
	"        return list(map(lambda i: recurse(i),\n"
	"                        [名]))\n"
	"def generator():\n"
	"    yield Über().méthode(5)\n"
	"def body():\n"
	"    for x in generator():\n"
	"        pass\n"
	"if sys.argv[2] == 'thread':\n"
	"    t = threading.Thread(target=body)\n"
	"    t.start()\n"
	"    t.join()\n"
	"else:\n"
	"    body()\n";

static const char php_script[] =
	"function report() {\n"
	"    $out = '';\n"
	"    foreach (array_slice(debug_backtrace(), 1) as $i => $f)\n"
	"        $out .= (isset($f['class']) ? $f['class'] . '::' : '') . $f['function'] . \"\\t\" . ($f['line'] ?? 0) . \"\\n\";\n"
	"    fwrite(STDOUT, $out . \"calls 2\\n\");\n"
	"}\n"
	"function stop() {\n"
	"    report(); fgets(STDIN);\n"
	"}\n"
	"function recurse($n) {\n"
	"    if ($n == 0)\n"
	"        return stop();\n"
	"    return recurse($n - 1);\n"
	"}\n"
	"class Thing {\n"
	"    static function made($n) { return array_map(function ($i) {\n"
	"        return recurse($i);\n"
	"    }, [$n]); }\n"
	"}\n"
	"Thing::made(5);\n";

struct target {
	pid_t pid, tid;
	int in, out;
	struct ph_interp interp;
	uint64_t bias, id;
};

/* ---- the file ----------------------------------------------------------------------------------- */

static int no_debuginfo(Dwfl_Module *m, void **user, const char *module, Dwarf_Addr base, const char *file,
			const char *link, GElf_Word crc, char **found)
{
	return -1;
}

static bool find_symbol(void *ctx, const char *name, uint64_t *vaddr, uint64_t *size)
{
	Dwfl_Module *m = ctx;
	int n = dwfl_module_getsymtab(m);
	GElf_Addr bias;

	dwfl_module_getelf(m, &bias);
	for (int i = 0; i < n; i++) {
		GElf_Sym sym;
		const char *s = dwfl_module_getsym(m, i, &sym, NULL);

		if (s && !strcmp(s, name) && sym.st_shndx) {
			*vaddr = sym.st_value - bias;
			*size = sym.st_size;
			return true;
		}
	}
	return false;
}

/* Find the interpreter among what the process has mapped: the first file that is one. */
static bool find_interp(struct target *t)
{
	static const Dwfl_Callbacks callbacks = {
		.section_address = dwfl_offline_section_address, .find_debuginfo = no_debuginfo,
	};
	ph_autofree char *maps = ph_asprintf("/proc/%d/maps", t->pid);
	ph_autofclose FILE *f = fopen(maps, "re");
	char line[4096], last[4096] = "";

	while (f && fgets(line, sizeof(line), f)) {
		ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
		ph_autofree char *file = NULL;
		ph_autoclose int fd = -1;
		uint64_t begin, end, offset, vaddr;
		char prot[8], path[4096];
		struct ph_err err = {};
		Dwfl *dwfl;
		int r = -ENOENT;

		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %4000s", &begin, &end, prot, &offset, path) != 5 || prot[2] != 'x' ||
		    path[0] != '/' || !strcmp(path, last))
			continue;
		strcpy(last, path);
		file = ph_strdup(path);
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || ph_elf_open(fd, &elf, &err))
			continue;
		dwfl = dwfl_begin(&callbacks);
		dwfl_report_begin(dwfl);
		Dwfl_Module *m = dwfl_report_offline(dwfl, file, file, -1);
		dwfl_report_end(dwfl, NULL, NULL);
		if (m) {
			const struct ph_interp_symbols sym = { find_symbol, m };

			r = ph_interp_find(elf, path, &sym, &t->interp, &err);
		}
		if (r == -ENOTSUP)
			print_message("%s\n", err.msg);
		dwfl_end(dwfl);
		if (!r && ph_elf_vaddr(elf, offset, &vaddr)) {
			t->bias = begin - vaddr;
			return true;
		}
	}
	return false;
}

/* ---- the process ---------------------------------------------------------------------------------- */

static bool memory(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct target *t = ctx;
	struct iovec to = { buf, n }, from = { (void *)addr, n };

	return process_vm_readv(t->pid, &to, 1, &from, 1, 0) == (ssize_t)n;
}

static int read_word(void *ctx, __u64 addr, __u64 *value)
{
	return memory(ctx, addr, value, sizeof(*value)) ? 0 : -1;
}

static void start(struct target *t, char *const *argv)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	t->pid = fork();
	if (!t->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	t->in = in[1];
	t->out = out[0];
}

/* What pthread_self() is in that thread. */
static void thread_id(struct target *t)
{
#ifdef __x86_64__
	struct user_regs_struct regs;
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, t->tid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, t->tid, 0, 0), 0);
	assert_int_equal(waitpid(t->tid, &status, __WALL), t->tid);
	assert_int_equal(ptrace(PTRACE_GETREGS, t->tid, 0, &regs), 0);
	t->id = regs.fs_base;
	ptrace(PTRACE_DETACH, t->tid, 0, 0);
#else
	t->id = (uint64_t)t->tid;
#endif
}

/* The thread that waits in read(): the one that is not the first, where there are two. */
static pid_t last_thread(pid_t pid)
{
	ph_autofree char *dir = ph_asprintf("/proc/%d/task", pid);
	ph_autoclosedir DIR *d = opendir(dir);
	pid_t last = pid;

	for (struct dirent *e; d && (e = readdir(d));) {
		if (atoi(e->d_name) > last)
			last = atoi(e->d_name);
	}
	return last;
}

struct frames {
	PH_VEC(uint64_t) v;
	unsigned int calls;
};

/* All of them, call by call, as a walk that comes upon the interpreter's function often enough. */
static void walk(struct target *t, struct frames *ret)
{
	struct ph_interp_state s = {};

	for (unsigned int i = 0; s.at != PH_INTERP_GONE; i++) {
		enum ph_interp_step step;
		__u64 frame;
		size_t before = ret->v.n;

		assert_true(i < 1000);
		do {
			step = ph_interp_step(&t->interp, &s, t->bias, t->id, &frame, read_word, t);
			if (step == PH_INTERP_FRAME || step == PH_INTERP_LAST)
				*ph_vec_push(&ret->v) = frame;
			assert_true(ret->v.n < 1000);
		} while (step == PH_INTERP_FRAME || step == PH_INTERP_AGAIN);
		ret->calls += ret->v.n > before;
	}
}

static void compare(struct target *t)
{
	ph_autofclose FILE *f = fdopen(t->out, "r");
	struct ph_interp_name name = {};
	struct frames frames = {};
	char line[1024];
	unsigned int calls = 0;
	size_t n = 0;

	assert_non_null(fgets(line, sizeof(line), f));
	/* It has written all at once. Until it waits, a moment may pass. */
	for (char state = 0; state != 'S';) {
		ph_autofree char *path = ph_asprintf("/proc/%d/task/%d/stat", t->pid, t->tid = last_thread(t->pid));
		ph_autofclose FILE *stat = fopen(path, "re");

		assert_int_equal(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
	}
	assert_true(find_interp(t));
	thread_id(t);
	walk(t, &frames);
	do {
		ph_autofree char *got = NULL;

		if (sscanf(line, "calls %u", &calls) == 1)
			break;
		line[strcspn(line, "\n")] = 0;
		/* PHP's own functions are frames, too: that it waits in. */
		do {
			assert_true(n < frames.v.n);
			assert_true(ph_interp_is(frames.v.v[n]));
			assert_int_equal(ph_interp_name(&t->interp, frames.v.v[n++], memory, t, &name), 0);
		} while (t->interp.kind == PH_INTERP_PHP && n == 1);
		if (t->interp.kind == PH_INTERP_PYTHON) {
			got = ph_asprintf("%s\t%s\t%u", name.name.p, name.file.p, name.line);
			assert_string_equal(got, line);
			continue;
		}
		/* It tells of each the line that it was called from, which is the next one's. */
		line[strcspn(line, "\t")] = 0;
		assert_string_equal(name.name.p, line);
		if (n < frames.v.n) {
			unsigned int from = (unsigned int)atoi(line + strlen(line) + 1);
			struct ph_interp_name caller = {};

			assert_int_equal(ph_interp_name(&t->interp, frames.v.v[n], memory, t, &caller), 0);
			if (caller.line)
				assert_int_equal(caller.line, from);
			ph_interp_name_done(&caller);
		}
	} while (fgets(line, sizeof(line), f));
	if (t->interp.kind == PH_INTERP_PHP) {
		assert_int_equal(ph_interp_name(&t->interp, frames.v.v[n++], memory, t, &name), 0);
		assert_string_equal(name.name.p, "{main}");
		assert_int_equal(name.line, 20);
	}
	assert_int_equal(n, frames.v.n);
	/* 0: each frame is one. */
	assert_int_equal(calls ? calls : n, frames.calls);
	/* Not a word of it is believed. */
	assert_int_equal(ph_interp_name(&t->interp, ph_interp_frame(t->interp.kind, 8, 1), memory, t, &name), -EFAULT);
	ph_interp_name_done(&name);
	ph_vec_done(&frames.v);
	close(t->in);
	waitpid(t->pid, NULL, 0);
}

static bool installed(const char *program)
{
	return access(program, X_OK) == 0;
}

static void python(const char *command, const char *calls, const char *thread)
{
	ph_autofree char *copy = ph_strdup(command);
	char *argv[16], *save = NULL;
	size_t n = 0;
	struct target t = {};

	for (char *w = strtok_r(copy, " ", &save); w && n < 8; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n++] = (char *)"-c";
	argv[n++] = (char *)python_script;
	argv[n++] = (char *)calls;
	argv[n++] = (char *)thread;
	argv[n] = NULL;
	start(&t, argv);
	compare(&t);
}

static void php(const char *command)
{
	ph_autofree char *copy = ph_strdup(command);
	char *argv[16], *save = NULL;
	size_t n = 0;
	struct target t = {};

	for (char *w = strtok_r(copy, " ", &save); w && n < 8; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n++] = (char *)"-r";
	argv[n++] = (char *)php_script;
	argv[n] = NULL;
	start(&t, argv);
	compare(&t);
}

static void test_python(void **state)
{
	if (!installed("/usr/bin/python3"))
		skip();
	/* Of Debian 12's 3.11: map() and the generator are called by C. Until 3.10 every frame is a call of its own. */
	python("/usr/bin/python3", "3", "main");
	python("/usr/bin/python3", "4", "thread");
}

static void test_php(void **state)
{
	if (!installed("/usr/bin/php"))
		skip();
	php("/usr/bin/php");
}

static void test_others(void **state)
{
	const char *others = getenv("PH_INTERPRETERS");
	ph_autofree char *copy = ph_strdup(others ? others : "");
	char *save = NULL;

	for (char *one = strtok_r(copy, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
		if (!strncmp(one, "php ", 4)) {
			php(one + 4);
		} else {
			/* "python CALLS COMMAND" */
			char *calls = one + strlen("python "), *command = strchr(calls, ' ');

			*command++ = 0;
			python(command, calls, "main");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_python),
		cmocka_unit_test(test_php),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
