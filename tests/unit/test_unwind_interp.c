/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of interpreted programs, out of a process that waits: the same functions, files and lines that the program itself says
 * it is in. PH_INTERPRETERS adds other versions: "python CALLS COMMAND" or "php COMMAND", divided by semicolons. (Python 3.8, 3.9
 * and 3.10: 0 calls, 3.11 on: 3.)
 */
#include "test.h"

#include <elf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
	"    fwrite(STDOUT, $out . \"calls {$GLOBALS['argv'][1]}\\n\");\n"
	"}\n"
	"function stop() {\n"
	"    report(); array_map('fgets', [STDIN]);\n"
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
	"function inner($n) { yield from $n ? inner($n - 1) : [Thing::made(5)]; }\n"
	"function shared($g) { yield from $g; }\n"
	"function outer() {\n"
	"    foreach (inner(60) as $x);\n"
	"}\n"
	"function two() {\n"
	"    $g = (function () { yield 1; yield outer(); })();\n"
	"    foreach ([shared($g), shared(shared($g))] as $a) $a->current();\n"
	"    $a->next();\n"
	"}\n"
	"function fiber($n) {\n"
	"    $f = new Fiber(function () use ($n) { Fiber::suspend(); $n ? fiber($n - 1) : outer(); });\n"
	"    $f->start();\n"
	"    $f->resume();\n"
	"}\n"
	"switch ($argv[2]) { case 'main': Thing::made(5); break; case 'generator': two(); break; default: fiber(1); }\n";

/* It sees its functions in C as if they were in the caller's file; 3.4 has their classes with the names. */
static const char ruby_script[] =
	"# -*- coding: utf-8 -*-\n"
	"def report\n"
	"  out = caller_locations(1).map { |l| [l.label.gsub(/[[:upper:]]\\w*[#.]/, ''), l.path, l.lineno] }\n"
	"  out.reject! { |l| %w[map catch eval].include?(l[0]) }\n"
	"  $stdout.write(out.map { |l| l.join(\"\\t\") + \"\\n\" }.join + \"calls #{ARGV[0]}\\n\")\n"
	"  $stdout.flush\n"
	"end\n"
	"def stop\n"
	"  report; $stdin.sysread(1)\n"
	"end\n"
	"def recurse(n)\n"
	"  x = [1,\n"
	"       2]\n"
	"  return stop if n == 0\n"
	"  recurse(n - 1)\n"
	"end\n"
	"class Über\n"
	"  define_method(:long) { |n|\n"
	"    y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1\n"
	"    y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1\n"
	"    y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1; y = n + 1\n"
	"    recurse(n)\n"
	"  }\n"
	"  def méthode(名)\n"
	"    [名].map { |i|\n"
	"      eval('long(i)') }\n"
	"  end\n"
	"end\n"
	"def body\n"
	"  catch(:done) { Über.new.méthode(5) }\n"
	"rescue\n"
	"  0\n"
	"end\n"
	"case ARGV[1]\n"
	"when 'thread' then Thread.new { body }.join\n"
	"when 'fiber' then Fiber.new { body }.resume\n"
	"else body\n"
	"end\n";

/* Blocks of eval are parts of their functions; caller() has frames for them. */
static const char perl_script[] =
	"use utf8; use List::Util 'first';\n"
	"sub report {\n"
	"    my (undef, $file, $line) = caller(0);\n"
	"    my $out = '';\n"
	"    for (my $i = 1; my @c = caller($i); $i++) {\n"
	"        next if $c[3] eq '(eval)' && !defined $c[6];\n"
	"        $out .= ($c[7] ? '(require)' : $c[3]) . \"\\t$file\\t$line\\n\";\n"
	"        ($file, $line) = @c[1, 2];\n"
	"    }\n"
	"    utf8::encode($out); syswrite STDOUT, \"$out(main)\\t$file\\t$line\\ncalls $ARGV[0]\\n\";\n"
	"}\n"
	"sub stop {\n"
	"    report(); sysread STDIN, my $x, 1;\n"
	"}\n"
	"sub recurse {\n"
	"    my ($n) = @_;\n"
	"    for my $i (1) {\n"
	"        return eval '1;\n"
	"            stop()' if $n == 0;\n"
	"    }\n"
	"    recurse($n - 1);\n"
	"}\n"
	"package Über;\n"
	"use overload '+' => sub { $_[0]->méthode($_[1]) };\n"
	"sub méthode {\n"
	"    my ($self, $n) = @_;\n"
	"    eval {\n"
	"        main::recurse($n); 1;\n"
	"    };\n"
	"}\n"
	"sub DESTROY { ::sorted() if @{$_[0]} }\n"
	"package main;\n"
	"sub searched { return first {\n"
	"    bless([], 'Über') + 3 } 1;\n"
	"}\n"
	"sub sorted { my @x = sort { searched() } 2, 1; 1 }\n"
	"sub loaded { { my $gone = bless [1], 'Über'; }\n"
	"    1 }\n"
	"sub begin {\n"
	"    my @lines = (\"1;\\n\", \"main::loaded();\\n\");\n"
	"    unshift @INC, sub { $_[1] eq 'Loaded.pm' ? sub { @lines ? !!($_ = shift @lines) : 0 } : () };\n"
	"    require Loaded; }\n"
	"if ($ARGV[1] eq 'thread') {\n"
	"    require threads;\n"
	"    threads->create(\\&begin)->join;\n"
	"} else {\n"
	"    begin();\n"
	"}\n";

struct target {
	pid_t pid, tid;
	int in, out;
	struct ph_interp interp;
	uint64_t bias, id;
	unsigned int fibers;	/* PHP: that it is in */
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

/* That thread's pointer. */
static void thread_id(struct target *t)
{
#ifdef __x86_64__
	struct user_regs_struct regs;
	const struct iovec v = { &regs, sizeof(regs) };
	const unsigned int set = NT_PRSTATUS;
#else
	const struct iovec v = { &t->id, sizeof(t->id) };
	const unsigned int set = NT_ARM_TLS;
#endif
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, t->tid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, t->tid, 0, 0), 0);
	assert_int_equal(waitpid(t->tid, &status, __WALL), t->tid);
	assert_int_equal(ptrace(PTRACE_GETREGSET, t->tid, set, &v), 0);
#ifdef __x86_64__
	t->id = regs.fs_base;
#endif
	ptrace(PTRACE_DETACH, t->tid, 0, 0);
}

/* The thread that waits for its input (Ruby 2.7: by ppoll(), as others wait for each other); 0: none does yet. */
static pid_t reading_thread(pid_t pid)
{
	ph_autofree char *dir = ph_asprintf("/proc/%d/task", pid);
	ph_autoclosedir DIR *d = opendir(dir);

	for (struct dirent *e; d && (e = readdir(d));) {
		ph_autofree char *path = ph_asprintf("%s/%s/syscall", dir, e->d_name);
		ph_autofclose FILE *f = fopen(path, "re");
		unsigned long nr, fd;
		struct stat st;

		if (atoi(e->d_name) && f && fscanf(f, "%lu %lx", &nr, &fd) == 2 &&
		    ((nr == SYS_read && fd == 0) || (nr == SYS_ppoll && !stat(dir, &st) && st.st_nlink == 3)))
			return atoi(e->d_name);
	}
	return 0;
}

struct frames {
	PH_VEC(uint64_t) v;
	unsigned int calls, fibers;
};

#ifdef __x86_64__
#define ARCH PH_UNWIND_X86_64
#else
#define ARCH PH_UNWIND_ARM64
#endif

/*
 * PHP: where @s has the last of a fiber's frames, a walk goes on where its stack was resumed. A call more than there are frames is told first, until
 * that is mended.
 */
static bool resumed(struct target *t, struct ph_interp_state *s)
{
	struct ph_interp_state more = *s;
	struct ph_unwind_regs regs = {}, none = {};
	__u64 frame, fp;

	if (t->interp.kind != PH_INTERP_PHP || !ph_interp_php_fiber(&t->interp, s, ARCH, t->bias, &regs, read_word, t))
		return false;
	assert_int_equal(s->shift, PH_INTERP_SHIFTED);
	/* It returns into the function that has called, whose frames lead on. */
	assert_true(ph_interp_within(&t->interp.fiber_switch, regs.pc - 1 - t->bias));
	assert_int_equal(regs.sp & 7, 0);
	assert_int_equal(read_word(t, regs.sp, &fp), 0);
	more.shift = PH_INTERP_EVEN;
	assert_int_equal(ph_interp_step(&t->interp, &more, t->bias, t->id, &frame, read_word, t), PH_INTERP_NATIVE);
	assert_int_equal(ph_interp_counted(&more, false), PH_INTERP_OUT);
	assert_false(ph_interp_php_fiber(&t->interp, &more, ARCH, t->bias, &none, read_word, t));
	more.shift = PH_INTERP_SHIFTED;
	assert_true(ph_interp_php_fiber(&t->interp, &more, ARCH, t->bias, &none, read_word, t));
	assert_int_equal(none.pc, regs.pc);
	return true;
}

/* All of them, call by call, as a walk that comes upon the interpreter's function often enough. */
static void walk(struct target *t, enum ph_interp_shift shift, struct frames *ret)
{
	struct ph_interp_state s = { .shift = shift };
	unsigned int again = 0;

	for (unsigned int i = 0; s.at < PH_INTERP_OVER; i++) {
		enum ph_interp_step step;
		__u64 frame;
		size_t before = ret->v.n;

		assert_true(i < 1000);
		do {
			step = ph_interp_step(&t->interp, &s, t->bias, t->id, &frame, read_word, t);
			if (step == PH_INTERP_FRAME || step == PH_INTERP_LAST)
				*ph_vec_push(&ret->v) = frame;
			again += step == PH_INTERP_AGAIN;
			assert_true(ret->v.n < 1000);
		} while (step == PH_INTERP_FRAME || step == PH_INTERP_AGAIN);
		ret->calls += ret->v.n > before;
		if (shift == PH_INTERP_OUT)
			assert_int_equal(ret->v.n > 0, i > 0);
		if (resumed(t, &s))
			ret->fibers++;
		assert_int_equal(s.shift, shift || ret->fibers ? PH_INTERP_SHIFTED : PH_INTERP_EVEN);
		/* This was the last call, or there is one more than frames are for. */
		if (t->interp.kind == PH_INTERP_PHP) {
			assert_int_equal(ph_interp_counted(&s, true), s.at == PH_INTERP_OVER ? PH_INTERP_OUT :
					 s.frame ? PH_INTERP_AHEAD : PH_INTERP_EVEN);
			assert_int_equal(ph_interp_counted(&s, false), s.at == PH_INTERP_OVER ? PH_INTERP_OUT : PH_INTERP_EVEN);
		}
		if (t->interp.kind == PH_INTERP_RUBY && !shift)
			assert_int_equal(ph_interp_counted(&s, false), s.at == PH_INTERP_OVER ? PH_INTERP_EVEN : PH_INTERP_AHEAD);
	}
	/* However many generators wait for each other, a walk comes to an end. */
	if (t->interp.kind == PH_INTERP_PHP)
		assert_true(again <= 2 * ret->v.n + 20);
	assert_int_equal(s.owner != 0, t->interp.kind == PH_INTERP_PYTHON && t->interp.version >= 10);
}

/* The innermost call has none of the frames, or the frames of another one come first. */
static void walk_shifted(struct target *t, const struct frames *all)
{
	struct frames out = {}, ahead = {};
	size_t less;

	walk(t, PH_INTERP_OUT, &out);
	assert_int_equal(out.calls, all->calls);
	assert_int_equal(out.v.n, all->v.n);
	assert_memory_equal(out.v.v, all->v.v, all->v.n * sizeof(*all->v.v));
	ph_vec_done(&out.v);
	if (t->interp.kind != PH_INTERP_PHP && t->interp.kind != PH_INTERP_RUBY)
		return;
	walk(t, PH_INTERP_AHEAD, &ahead);
	less = all->v.n - ahead.v.n;
	assert_int_equal(ahead.calls, all->calls - 1);
	assert_in_range(less, 1, all->v.n - 1);
	assert_memory_equal(ahead.v.v, all->v.v + less, ahead.v.n * sizeof(*ahead.v.v));
	ph_vec_done(&ahead.v);
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
	while (!(t->tid = reading_thread(t->pid)))
		assert_int_equal(waitpid(t->pid, NULL, WNOHANG), 0);
	assert_true(find_interp(t));
	thread_id(t);
	walk(t, PH_INTERP_EVEN, &frames);
	walk_shifted(t, &frames);
	do {
		ph_autofree char *got = NULL;

		if (sscanf(line, "calls %u", &calls) == 1)
			break;
		line[strcspn(line, "\n")] = 0;
		/* PHP's own functions are frames, too: the two that it waits in. */
		do {
			assert_true(n < frames.v.n);
			assert_true(ph_interp_is(frames.v.v[n]));
			assert_int_equal(ph_interp_name(&t->interp, frames.v.v[n++], memory, t, &name), 0);
		} while (t->interp.kind == PH_INTERP_PHP && n < 3);
		if (t->interp.kind != PH_INTERP_PHP) {
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
		assert_int_equal(name.line, 35);
	}
	assert_int_equal(n, frames.v.n);
	/* 0: each frame is one. */
	assert_int_equal(calls ? calls : n, frames.calls);
	assert_int_equal(frames.fibers, t->fibers);
	/* Not a word of it is believed. */
	assert_int_equal(ph_interp_name(&t->interp, ph_interp_frame(t->interp.kind, 8, 1), memory, t, &name), -EFAULT);
	ph_interp_name_done(&name);
	ph_vec_done(&frames.v);
	close(t->in);
	waitpid(t->pid, NULL, 0);
}

/* The words of @command, then "@flag @script @calls @how". */
static void run(const char *command, const char *flag, const char *script, const char *calls, const char *how)
{
	ph_autofree char *copy = ph_strdup(command);
	const char *argv[16];
	char *save = NULL;
	size_t n = 0;
	struct target t = {};

	for (char *w = strtok_r(copy, " ", &save); w && n < 8; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n++] = flag;
	argv[n++] = script;
	argv[n++] = calls;
	argv[n++] = how;
	argv[n] = NULL;
	t.fibers = !strcmp(how, "fiber") && script == php_script ? 2 : 0;
	start(&t, (char *const *)argv);
	compare(&t);
}

static const struct language {
	const char *name, *flag, *script, *program;
	struct {
		const char *calls, *how;
	} runs[4];
} languages[] = {
	/* Of Debian 12's 3.11: map() and the generator are called by C. Until 3.10 every frame is a call of its own. */
	{ "python", "-c", python_script, "/usr/bin/python3", { { "3", "main" }, { "4", "thread" } } },
	/* By array_map(), generators, and fibers. */
	{ "php", "-r", php_script, "/usr/bin/php", { { "2", "main" }, { "4", "generator" }, { "5", "fiber" } } },
	/* map(), catch() and eval() are C, and methods from blocks are called anew. */
	{ "ruby", "-e", ruby_script, "/usr/bin/ruby", { { "5", "main" }, { "5", "thread" }, { "5", "fiber" } } },
	/* Called anew: +, first, the block of sort, DESTROY. A thread is called, too. */
	{ "perl", "-e", perl_script, "/usr/bin/perl", { { "5", "main" }, { "6", "thread" } } },
};

static void test_installed(void **state)
{
	size_t found = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(languages); i++) {
		const struct language *l = &languages[i];

		if (access(l->program, X_OK)) {
			print_message("no %s\n", l->program);
			continue;
		}
		found++;
		for (size_t j = 0; j < PH_ARRAY_SIZE(l->runs) && l->runs[j].calls; j++) {
			print_message("%s, %s\n", l->program, l->runs[j].how);
			run(l->program, l->flag, l->script, l->runs[j].calls, l->runs[j].how);
		}
	}
	if (!found)
		skip();
}

static void test_others(void **state)
{
	const char *others = getenv("PH_INTERPRETERS");
	ph_autofree char *copy = ph_strdup(others ? others : "");
	char *save = NULL;

	for (char *one = strtok_r(copy, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
		const char *name = strsep(&one, " "), *calls = strsep(&one, " ");
		const struct language *l = NULL;

		for (size_t i = 0; i < PH_ARRAY_SIZE(languages); i++)
			if (!strcmp(languages[i].name, name))
				l = &languages[i];
		assert_non_null(l);
		assert_non_null(one);
		for (size_t j = 0; j < PH_ARRAY_SIZE(l->runs) && l->runs[j].calls; j++)
			if (!strcmp(l->runs[j].how, "main"))
				run(one, l->flag, l->script, calls, l->runs[j].how);
	}
}

/* ---- Ruby: a stack of our own --------------------------------------------------------------------- */

/* Frames, the innermost first, as they lie at the end of the VM's stack; their code says which they are. */
enum { RUBY_BLOCK = 1, RUBY_C, RUBY_METHOD, RUBY_CALLED, RUBY_MAIN, RUBY_DUMMY, RUBY_NFRAMES = RUBY_DUMMY };
#define RUBY_STACK 0x10000ull
#define RUBY_STACK_WORDS 128
#define RUBY_CONTEXT 0x20000ull
#define RUBY_TYPES 0x30000ull
#define RUBY_CODE 0x40000ull	/* an iseq, its body and its first instruction are at the same address */

struct ruby_stack {
	const struct ph_interp *in;
	unsigned int first;	/* the innermost frame that there is */
};

static int ruby_word(void *ctx, __u64 addr, __u64 *value)
{
	/* FINISH is 0x20, CFRAME 0x80. What is called by RUBY_MAIN is run by the same call of the interpreter. */
	static const __u64 types[] = { 0, 0x22220021, 0x55550081, 0x11110021, 0x11110001, 0x33330021, 0x799900a1 };
	const struct ruby_stack *s = ctx;
	__u64 end = RUBY_STACK + RUBY_STACK_WORDS * 8, at, n;

	if (addr >= RUBY_CODE && addr < RUBY_CODE + 0x1000) {
		*value = addr % 256 == 16 || addr % 256 == 8 ? addr & ~255ull : 0;
		return 0;
	}
	if (addr >= RUBY_TYPES && addr < RUBY_TYPES + sizeof(types)) {
		*value = types[(addr - RUBY_TYPES) / 8];
		return 0;
	}
	at = end - (RUBY_NFRAMES + 1 - s->first) * s->in->frame_size;
	switch (addr) {
	case RUBY_CONTEXT: *value = RUBY_CONTEXT + 8; return 0;
	case RUBY_CONTEXT + 8: *value = RUBY_STACK; return 0;
	case RUBY_CONTEXT + 16: *value = RUBY_STACK_WORDS; return 0;
	case RUBY_CONTEXT + 24: *value = at; return 0;
	}
	if (addr < at || addr >= end)
		return -1;
	n = s->first + (addr - at) / s->in->frame_size;
	switch ((addr - at) % s->in->frame_size) {
	case 0: *value = RUBY_CODE + n * 256 + 8; return 0;
	case 16: *value = types[n] & 0x80 ? 0 : RUBY_CODE + n * 256; return 0;
	case 32: *value = RUBY_TYPES + n * 8; return 0;
	}
	return -1;
}

/* "3;45;": which frames so many calls of the interpreter have, if @first is the innermost. */
static enum ph_interp_shift ruby_calls(unsigned int first, unsigned int calls, enum ph_interp_shift shift, char *ret)
{
	struct ph_interp in;
	struct ruby_stack stack = { &in, first };
	struct ph_interp_state s = { .shift = shift };

	assert_true(ph_interp_of_version(PH_INTERP_RUBY, 31, EM_X86_64, &in));
	for (unsigned int i = 0; i < calls; i++) {
		enum ph_interp_step step;
		unsigned int steps = 0;
		__u64 frame;

		do {
			step = ph_interp_step(&in, &s, RUBY_CONTEXT, 1, &frame, ruby_word, &stack);
			if (step == PH_INTERP_FRAME || step == PH_INTERP_LAST)
				*ret++ = (char)('0' + ((frame << 3) - RUBY_CODE) % 0x1000 / 256);
			assert_in_range(++steps, 1, 20);
		} while (step == PH_INTERP_FRAME || step == PH_INTERP_AGAIN);
		*ret++ = ';';
	}
	*ret = 0;
	return ph_interp_counted(&s, false);
}

/* A block's frame is there before the interpreter is called to run it, and not any more at the end of the call. */
static void test_ruby_in_and_out(void **state)
{
	static const struct {
		unsigned int first, calls;
		enum ph_interp_shift shift;
		const char *even, *shifted;
	} walks[] = {
		{ RUBY_BLOCK, 3, PH_INTERP_EVEN, "1;3;45;" },
		{ RUBY_BLOCK, 2, PH_INTERP_AHEAD, "1;3;", "3;45;" },
		{ RUBY_BLOCK, 4, PH_INTERP_OUT, "1;3;45;;", ";1;3;45;" },
		/* Functions in C are no frames that a call is for. */
		{ RUBY_C, 2, PH_INTERP_EVEN, "3;45;" },
		{ RUBY_C, 3, PH_INTERP_OUT, "3;45;;", ";3;45;" },
		{ RUBY_MAIN, 1, PH_INTERP_EVEN, "5;" },
		{ RUBY_MAIN, 2, PH_INTERP_OUT, "5;;", ";5;" },
		/* More than one call is another matter, as of one frame fewer. */
		{ RUBY_MAIN, 3, PH_INTERP_EVEN, "5;;;" },
		{ RUBY_DUMMY, 1, PH_INTERP_OUT, ";", ";" },
		{ RUBY_BLOCK, 0, PH_INTERP_EVEN, "" },
	};
	char is[32];

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(walks); i++) {
		assert_int_equal(ruby_calls(walks[i].first, walks[i].calls, PH_INTERP_EVEN, is), walks[i].shift);
		assert_string_equal(is, walks[i].even);
		if (!walks[i].shift)
			continue;
		ruby_calls(walks[i].first, walks[i].calls, walks[i].shift, is);
		assert_string_equal(is, walks[i].shifted);
	}
}

/* ---- V8: a heap of our own ------------------------------------------------------------------------ */

#define HEAP 0x10000ull
#define OBJECT(word) (HEAP + 8 * (word) + 1)
#define SMI(n) ((uint64_t)(uint32_t)(n) << 32)

struct heap {
	uint64_t w[512];
	unsigned int reads, change_at;	/* when so many words were read, what is at `where` becomes `to` */
	unsigned int where, left;	/* what was at `left` is something else then, too */
	uint64_t to;
};

/* Where what is: maps, then the function's frame, itself and what belongs to it. */
enum {
	MAP_SHARED = 0, MAP_SCRIPT = 8, MAP_SCOPE = 16, MAP_ONE = 24, MAP_TWO = 32, MAP_CONS = 40, MAP_THIN = 48, MAP_EXTERN = 56,
	FRAME = 70, FUNCTION = 80, SHARED = 90, SCRIPT = 100, SCOPE = 120, NAME = 140, FILE_NAME = 150, SOURCE = 160, DATA = 200,
	OTHER = 240,
};

static bool heap_memory(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct heap *h = ctx;

	if (h->change_at && ++h->reads == h->change_at) {
		h->w[h->where] = h->to;
		if (h->left)
			memset(&h->w[h->left], '\n', 8);
	}
	if (addr < HEAP || addr - HEAP > sizeof(h->w) || n > sizeof(h->w) - (addr - HEAP))
		return false;
	memcpy(buf, (char *)h->w + (addr - HEAP), n);
	return true;
}

static int heap_word(void *ctx, __u64 addr, __u64 *value)
{
	return heap_memory(ctx, addr, value, sizeof(*value)) ? 0 : -1;
}

static void put_string(struct heap *h, unsigned int at, unsigned int map, const char *text)
{
	h->w[at] = OBJECT(map);
	h->w[at + 1] = SMI(strlen(text));
	memcpy(&h->w[at + 2], text, strlen(text));
}

static void heap_make(struct heap *h, const struct ph_interp *in)
{
	static const struct { unsigned int map, type; } types[] = {
		{ MAP_ONE, 8 }, { MAP_TWO, 0 }, { MAP_CONS, 41 }, { MAP_THIN, 45 }, { MAP_EXTERN, 42 },
	};

	*h = (struct heap){ 0 };
	for (unsigned int map = MAP_SHARED; map <= MAP_EXTERN; map += 8)
		h->w[map] = OBJECT(map);
	for (size_t i = 0; i < PH_ARRAY_SIZE(types); i++)
		h->w[types[i].map + 1] = SMI(types[i].type);
	h->w[MAP_SHARED + 1] = SMI(in->type_shared);
	h->w[MAP_SCRIPT + 1] = SMI(in->type_script);
	h->w[MAP_SCOPE + 1] = SMI(in->type_scope);
	h->w[FRAME - 1] = OBJECT(OTHER);
	h->w[FRAME - 2] = OBJECT(FUNCTION);
	h->w[FUNCTION + 3] = OBJECT(SHARED);
	h->w[SHARED] = OBJECT(MAP_SHARED);
	h->w[SHARED + 2] = OBJECT(SCOPE);
	h->w[SHARED + 4] = OBJECT(SCRIPT);
	h->w[SHARED + 6] = SMI(7) | 0x1234;
	h->w[SCRIPT] = OBJECT(MAP_SCRIPT);
	h->w[SCRIPT + 1] = OBJECT(SOURCE);
	h->w[SCRIPT + 2] = OBJECT(FILE_NAME);
	h->w[SCRIPT + 8] = SMI(81);
	h->w[SCOPE] = OBJECT(MAP_SCOPE);
	/* A name, and one that was inferred; two locals. */
	h->w[SCOPE + 1] = SMI(1 << 12 | 1 << 14);
	h->w[SCOPE + 3] = SMI(2);
	h->w[SCOPE + 8] = OBJECT(NAME);
	h->w[SCOPE + 10] = OBJECT(OTHER);
	h->w[SCOPE + 11] = SMI(12);
	put_string(h, NAME, MAP_ONE, "na\xefve");
	put_string(h, FILE_NAME, MAP_ONE, "/app/a.js");
	/* The source is the program's own memory. */
	h->w[SOURCE] = OBJECT(MAP_EXTERN);
	h->w[SOURCE + 1] = SMI(24);
	h->w[SOURCE + 3] = HEAP + 8 * DATA;
	memcpy(&h->w[DATA], "one\ntwo\n\n  (x) => x\nfive", 24);
	/* "Thing" "." as one, of which the rest is another one's. */
	h->w[OTHER] = OBJECT(MAP_CONS);
	h->w[OTHER + 2] = OBJECT(OTHER + 5);
	h->w[OTHER + 3] = OBJECT(OTHER + 15);
	put_string(h, OTHER + 5, MAP_ONE, "Thing.");
	h->w[OTHER + 15] = OBJECT(MAP_THIN);
	h->w[OTHER + 17] = OBJECT(OTHER + 20);
	h->w[OTHER + 20] = OBJECT(MAP_TWO);
	h->w[OTHER + 21] = SMI(2);
	h->w[OTHER + 22] = 0x540d;
	h->w[OTHER + 22] |= 'm' << 16;
}

/* "function file:line", or the error. */
static void v8_says(const struct ph_interp *in, struct heap *h, uint64_t frame, struct ph_buf *is)
{
	struct ph_interp_name name = {};
	int r = ph_v8_name(in, frame, OBJECT(SHARED), heap_memory, h, &name);

	if (r)
		ph_buf_addf(is, "%d", r);
	else
		ph_buf_addf(is, "%s %s:%u", name.name.p, name.file.p, name.line);
	ph_interp_name_done(&name);
}

static void v8_is(const struct ph_interp *in, struct heap *h, uint64_t frame, const char *want)
{
	ph_autobuf is = {};

	v8_says(in, h, frame, &is);
	assert_string_equal(is.p, want);
}

static void test_v8(void **state)
{
	struct ph_v8_scratch v;
	struct ph_interp in;
	struct heap h;
	__u64 frame;

	(void)state;
	assert_true(ph_interp_of_version(PH_INTERP_V8, 113, EM_X86_64, &in));
	assert_false(ph_interp_of_version(PH_INTERP_V8, 114, EM_X86_64, &in));
	heap_make(&h, &in);
	frame = ph_v8_frame(&in, HEAP + 8 * FRAME, 4000000, &v, heap_word, &h);
	assert_int_equal(v.shared, OBJECT(SHARED));
	assert_int_equal(frame, ph_v8_word(4000000, 81, 7));
	assert_true(ph_interp_is(frame));
	assert_int_equal(frame >> 60 & 7, PH_INTERP_V8);
	v8_is(&in, &h, frame, "naïve /app/a.js:4");
	/* Another thread's, another function. */
	v8_is(&in, &h, ph_v8_word(4000000, 81, 8), "-14");
	v8_is(&in, &h, ph_v8_word(4000000, 80, 7), "-14");
	/* Without a name of its own; without any. */
	h.w[NAME + 1] = 0;
	v8_is(&in, &h, frame, "Thing.名m /app/a.js:4");
	h.w[OTHER + 3] = OBJECT(OTHER);
	v8_is(&in, &h, frame, "Thing.Thing.Thing.Thing.Thing.Thing. /app/a.js:4");
	h.w[SCOPE + 1] = 0;
	h.w[SCOPE + 8] = SMI(12);
	v8_is(&in, &h, frame, "(anonymous) a.js:4 /app/a.js:4");
	/* Behind the end, and before the begin. */
	h.w[SCOPE + 8] = SMI(25);
	v8_is(&in, &h, frame, "(anonymous) a.js /app/a.js:0");
	h.w[SCOPE + 8] = SMI(-2);
	v8_is(&in, &h, frame, "(anonymous) a.js /app/a.js:0");
	/* It is no function of JavaScript. */
	for (unsigned int i = 0; i < 6; i++) {
		heap_make(&h, &in);
		h.w[(unsigned int[]){ FRAME - 1, FRAME - 2, FUNCTION + 3, SHARED, SHARED + 4, SHARED + 6 }[i]] = SMI(i == 5 ? -1 : 13);
		assert_int_equal(ph_v8_frame(&in, HEAP + 8 * FRAME, 1, &v, heap_word, &h), 0);
	}
}

#define MOVED (HEAP + 8 * OTHER)

/* The heap as it is in test_v8_moved(), with a word of it changed. */
static void heap_moved(struct heap *h, const struct ph_interp *in)
{
	heap_make(h, in);
	put_string(h, OTHER + 60, MAP_ONE, "another");
	put_string(h, OTHER + 70, MAP_ONE, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
}

/* The collector changes a word while a name is read, at whatever moment: it is what it was before, or after; never some of each. */
static void test_v8_moved(void **state)
{
	static const struct { unsigned int where; uint64_t to; unsigned int left; } changes[] = {
		{ SHARED, OBJECT(OTHER) }, { SHARED + 2, OBJECT(OTHER + 60) }, { SHARED + 4, OBJECT(OTHER) },
		{ SHARED + 6, SMI(8) }, { SCRIPT + 8, SMI(82) }, { SCRIPT + 1, OBJECT(OTHER + 70), DATA },
		{ SCRIPT + 2, OBJECT(OTHER + 60), FILE_NAME + 2 }, { SCOPE + 8, OBJECT(OTHER + 60), NAME + 2 }, { SCOPE + 11, SMI(2) },
		/* The object is elsewhere, and its first word says where; what points at it is told later. */
		{ SCOPE, MOVED }, { NAME, MOVED }, { FILE_NAME, MOVED }, { SOURCE, MOVED },
	};
	unsigned int refused = 0, before = 0, after = 0;
	struct ph_interp in;
	struct heap h;

	(void)state;
	ph_interp_of_version(PH_INTERP_V8, 113, EM_X86_64, &in);
	for (size_t i = 0; i < PH_ARRAY_SIZE(changes); i++) {
		ph_autobuf changed = {};

		heap_moved(&h, &in);
		h.w[changes[i].where] = changes[i].to;
		v8_says(&in, &h, ph_v8_word(1, 81, 7), &changed);
		if (changes[i].to == MOVED)
			assert_string_equal(changed.p, "-11");
		for (unsigned int at = 1; at < 80; at++) {
			ph_autobuf is = {};

			heap_moved(&h, &in);
			h.where = changes[i].where;
			h.to = changes[i].to;
			h.left = changes[i].left;
			h.change_at = at;
			v8_says(&in, &h, ph_v8_word(1, 81, 7), &is);
			if (is.p[0] == '-')
				refused++;
			else if (!strcmp(is.p, "naïve /app/a.js:4"))
				before++;
			else if (h.reads < at || strcmp(is.p, changed.p) != 0)
				fail_msg("word %u changed at read %u: %s", changes[i].where, at, is.p);
			else
				after++;
		}
	}
	assert_true(refused > 50 && before > 50 && after > 20);
}

/* ---- arm64 ------------------------------------------------------------------------------------------ */

static bool note_address(void *ctx, uint64_t addr, void *buf, size_t n)
{
	*(uint64_t *)ctx = addr;
	return false;
}

static bool tls_of(const char *path, uint64_t off, struct ph_interp_tls *ret)
{
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	ph_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ph_err err = {};

	assert_int_equal(ph_elf_open(fd, &elf, &err), 0);
	return ph_interp_tls(elf, off, ret);
}

/* The same file, its R_AARCH64_TLSDESC being a R_AARCH64_TLS_TPREL. */
static bool tls_as_from_the_start(const char *path, uint64_t off, struct ph_interp_tls *ret)
{
	static const uint32_t desc = R_AARCH64_TLSDESC, tprel = R_AARCH64_TLS_TPREL;
	ph_autofclose FILE *f = tmpfile();
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	ph_autobuf b = { 0 };
	struct ph_err err = {};
	unsigned int n = 0;

	assert_int_equal(ph_read_file_at(AT_FDCWD, path, 1 << 20, &b), 0);
	/* The lower half of r_info, whose upper one is the symbol's number. */
	for (size_t i = 8; i + 16 <= b.len; i += 8)
		if (!memcmp(b.p + i, &desc, sizeof(desc))) {
			memcpy(b.p + i, &tprel, sizeof(tprel));
			n++;
		}
	assert_int_equal(n, 1);
	assert_int_equal(fwrite(b.p, 1, b.len, f), b.len);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(ph_elf_open(fileno(f), &elf, &err), 0);
	return ph_interp_tls(elf, off, ret);
}

/* Addresses have 48 bits, a thread's pointer is above its pthread_self(), and variables lie above it. */
static void test_arm64(void **state)
{
	const uint64_t code = 0xffff8a001238, id = 0xffff8a400740;
	struct ph_interp_name name = {};
	struct ph_interp_tls tls;
	struct ph_interp in;
	uint64_t at = 0;

	assert_true(ph_interp_of_version(PH_INTERP_RUBY, 31, EM_AARCH64, &in));
	assert_int_equal(ph_interp_name(&in, ph_interp_frame(PH_INTERP_RUBY, code, 40000), note_address, &at, &name), -EFAULT);
	assert_int_equal(at, code);
	ph_interp_name_done(&name);

	assert_true(ph_interp_of_version(PH_INTERP_PYTHON, 9, EM_AARCH64, &in));
	assert_true(ph_interp_is_thread(&in, id - 0x740, id));
	assert_false(ph_interp_is_thread(&in, id + 0x740, id));
	assert_false(ph_interp_is_thread(&in, id - 0x20000, id));
	assert_true(ph_interp_of_version(PH_INTERP_PYTHON, 9, EM_X86_64, &in));
	assert_true(ph_interp_is_thread(&in, id, id));
	assert_false(ph_interp_is_thread(&in, id - 8, id));

	/* The program's begin at the first multiple of 64 behind two words. The library's relocation is among the PLT's, its second word counts. */
	assert_true(tls_of(PH_TEST_DATA "/unwind/tls_arm64", 64, &tls));
	assert_int_equal(tls.how, PH_TLS_PROGRAM);
	assert_int_equal(tls.off, 128);
	assert_true(tls_of(PH_TEST_DATA "/unwind/tls_arm64.so", 8, &tls));
	assert_int_equal(tls.how, PH_TLS_OFFSET);
	assert_int_equal(tls.slot, 0x2008);
	assert_false(tls_of(PH_TEST_DATA "/unwind/tls_arm64.so", 0, &tls));
	/* Behind the last one there is none. */
	assert_false(tls_of(PH_TEST_DATA "/unwind/tls_arm64", 1 << 20, &tls));
	/* Of a library that is built to be there from the start the relocation has but one word. */
	assert_true(tls_as_from_the_start(PH_TEST_DATA "/unwind/tls_arm64.so", 8, &tls));
	assert_int_equal(tls.how, PH_TLS_OFFSET);
	assert_int_equal(tls.slot, 0x2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_installed),
		cmocka_unit_test(test_ruby_in_and_out),
		cmocka_unit_test(test_v8),
		cmocka_unit_test(test_v8_moved),
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
