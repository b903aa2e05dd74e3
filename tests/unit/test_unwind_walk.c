/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of a program that is stopped, walked with the tables as the kernel side does it: the functions that are
 * known to have been called, and the same addresses that elfutils finds.
 */
#include "test.h"

#include <elf.h>
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
#include "base/map.h"
#include "unwind/walk.h"

#define FRAMES_MAX 128

/* The program under the tracer. */
struct target {
	pid_t pid, tid;
	int mem;
	PH_VEC(struct ph_unwind_map) maps;
	struct ph_strmap tables;
	struct ph_u64map names;		/* of addresses: a look-up takes long */
	Dwfl *dwfl;
};

#ifdef __x86_64__
static const enum ph_unwind_arch arch = PH_UNWIND_X86_64;
#else
static const enum ph_unwind_arch arch = PH_UNWIND_ARM64;
#endif

/* ---- the tracer ----------------------------------------------------------------------------- */

/* Let it run to where it raises SIGUSR2; false: it ended. */
static bool run(struct target *t, pid_t tid)
{
	int status, sig = 0;

	for (;;) {
		assert_int_equal(ptrace(PTRACE_CONT, tid, 0, sig), 0);
		tid = waitpid(-1, &status, __WALL);
		if (tid <= 0 || !WIFSTOPPED(status))
			return false;
		sig = WSTOPSIG(status);
		if (sig == SIGUSR2) {
			t->tid = tid;
			return true;
		}
		/* A new thread begins with one that is not for it; the others are stops of the tracer's. */
		if (sig == SIGSTOP || sig == SIGTRAP)
			sig = 0;
	}
}

static int no_debuginfo(Dwfl_Module *m, void **user, const char *module, Dwarf_Addr base, const char *file,
			const char *link, GElf_Word crc, char **found)
{
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_linux_proc_find_elf,
	.find_debuginfo = no_debuginfo,
};

/* Start it, up to its first place. */
static bool begin(struct target *t, const char *name, const char *what)
{
	ph_autofree char *path = ph_asprintf("%s/%s", PH_UNWIND_OBJECTS, name), *mem = NULL;
	int status;

	memset(t, 0, sizeof(*t));
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (!t->pid) {
		unsetenv("LD_BIND_NOW");
		unsetenv("LD_PRELOAD");
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(99);
		execl(path, path, what, NULL);
		_exit(98);
	}
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	/* Where tracing is not allowed. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
		return false;
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, t->pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE), 0);
	mem = ph_asprintf("/proc/%d/mem", t->pid);
	t->mem = open(mem, O_RDONLY | O_CLOEXEC);
	assert_true(t->mem >= 0);
	assert_true(run(t, t->pid));
	t->dwfl = dwfl_begin(&callbacks);
	assert_non_null(t->dwfl);
	assert_int_equal(dwfl_linux_proc_report(t->dwfl, t->pid), 0);
	assert_int_equal(dwfl_report_end(t->dwfl, NULL, NULL), 0);
	assert_int_equal(dwfl_linux_proc_attach(t->dwfl, t->pid, true), 0);
	return true;
}

static void end(struct target *t)
{
	int status;

	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&t->tables, s)); )
		ph_unwind_free(s->val);
	ph_strmap_done(&t->tables);
	ph_u64map_done(&t->names);
	ph_vec_done(&t->maps);
	dwfl_end(t->dwfl);
	close(t->mem);
	kill(t->pid, SIGKILL);
	while (waitpid(-1, &status, __WALL) > 0)
		;
}

static int read_word(void *ctx, __u64 addr, __u64 *value)
{
	struct target *t = ctx;

	return pread(t->mem, value, 8, (off_t)addr) == 8 ? 0 : -EFAULT;
}

/* ---- what is mapped ------------------------------------------------------------------------- */

static void add_map(struct target *t, uint64_t begin, uint64_t end, uint64_t offset, const char *path)
{
	struct ph_unwind_map *m = ph_vec_push(&t->maps);
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	ph_autofree char *image = NULL;
	ph_autoclose int fd = -1;
	struct ph_unwind_table *table = NULL;
	uint64_t vaddr;
	int r = -ENOENT;

	*m = (struct ph_unwind_map){ .begin = begin, .end = end };
	if (path[0] == '/') {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = ph_elf_open(fd, &elf, NULL);
	} else if (!strcmp(path, "[vdso]")) {
		image = malloc(end - begin);
		assert_int_equal(pread(t->mem, image, end - begin, (off_t)begin), end - begin);
		r = ph_elf_open_image(image, end - begin, &elf, NULL);
	}
	if (r)
		return;
	assert_true(ph_elf_vaddr(elf, offset, &vaddr));
	m->bias = begin - vaddr;
	table = ph_strmap_get(&t->tables, path);
	if (!table) {
		assert_int_equal(ph_unwind_compile(elf, &table, NULL), 0);
		ph_strmap_put(&t->tables, path, table);
	}
	m->table = table;
}

static void read_maps(struct target *t)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/maps", t->pid);
	ph_autofclose FILE *f = fopen(path, "re");
	char line[4096 + 128];

	t->maps.n = 0;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long begin, end, offset;
		char rights[5], *file;
		int at = 0;

		assert_int_equal(sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &begin, &end, rights, &offset, &at), 4);
		file = line + at;
		file[strcspn(file, "\n")] = 0;
		if (rights[2] == 'x' && strcmp(file, "[vsyscall]"))
			add_map(t, begin, end, offset, file);
	}
}

/* ---- both walks ----------------------------------------------------------------------------- */

struct stack {
	struct ph_unwind_frame frames[FRAMES_MAX];
	size_t n;
	enum ph_unwind_step last;
};

static void walk(struct target *t, struct stack *s)
{
	struct ph_unwind_regs regs = { .flags = PH_REGS_FP | PH_REGS_EXACT };
	uint64_t top[32] = { 0 };
	struct iovec iov;

#ifdef __x86_64__
	struct user_regs_struct r;

	iov = (struct iovec){ &r, sizeof(r) };
	assert_int_equal(ptrace(PTRACE_GETREGSET, t->tid, (void *)NT_PRSTATUS, &iov), 0);
	memcpy(top, (uint64_t[]){ r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11,
				  r.r12, r.r13, r.r14, r.r15 }, 16 * sizeof(top[0]));
	regs.pc = r.rip;
	regs.sp = r.rsp;
	regs.fp = r.rbp;
	regs.bx = r.rbx;
	regs.flags |= PH_REGS_BX;
#else
	struct user_regs_struct r;

	iov = (struct iovec){ &r, sizeof(r) };
	assert_int_equal(ptrace(PTRACE_GETREGSET, t->tid, (void *)NT_PRSTATUS, &iov), 0);
	memcpy(top, r.regs, 31 * sizeof(top[0]));
	regs.pc = r.pc;
	regs.sp = r.sp;
	regs.fp = r.regs[29];
	regs.lr = r.regs[30];
	regs.flags |= PH_REGS_LR;
#endif
	s->n = ph_unwind_walk(arch, t->maps.v, t->maps.n, regs, top, read_word, t, s->frames, FRAMES_MAX, &s->last);
}

static int take_frame(Dwfl_Frame *frame, void *arg)
{
	struct stack *s = arg;
	Dwarf_Addr pc;

	if (s->n == FRAMES_MAX || !dwfl_frame_pc(frame, &pc, NULL))
		return DWARF_CB_ABORT;
	s->frames[s->n++] = (struct ph_unwind_frame){ .pc = pc };
	return DWARF_CB_OK;
}

/* Did it come to the end? */
static bool walk_elfutils(struct target *t, struct stack *s)
{
	s->n = 0;
	return !dwfl_getthread_frames(t->dwfl, t->tid, take_frame, s);
}

static const char *name_of(struct target *t, const struct ph_unwind_frame *f)
{
	uint64_t pc = f->pc - !f->exact;
	const char *name = ph_u64map_get(&t->names, pc);
	Dwfl_Module *m;

	if (name)
		return name;
	m = dwfl_addrmodule(t->dwfl, pc);
	name = m ? dwfl_module_addrname(m, pc) : NULL;
	ph_u64map_put(&t->names, pc, (void *)(name ? name : "?"));
	return name ? name : "?";
}

/* Of the program's own functions, in order: "deep" 31 times as "deep*31". */
static void names(struct target *t, const struct stack *s, struct ph_buf *b)
{
	static const char *const own[] = { "here", "handler", "compare", "sorts", "room", "wide", "deep", "main",
					   "_start", "thread_main", "steps", "leaves", "ends", "silent",
					   "calls_silent", "drops", "passes", "catches" };
	const char *last = "";
	unsigned int times = 0;

	for (size_t i = 0; i <= s->n; i++) {
		const char *name = i < s->n ? name_of(t, &s->frames[i]) : NULL;
		bool known = !name;

		/* "drops.cold": what the compiler has put elsewhere of it. */
		for (size_t k = 0; name && k < PH_ARRAY_SIZE(own); k++)
			if (!strncmp(own[k], name, strcspn(name, ".")) && !own[k][strcspn(name, ".")]) {
				name = own[k];
				known = true;
				break;
			}
		if (!known)
			continue;
		if (name && !strcmp(name, last)) {
			times++;
			continue;
		}
		if (times > 1)
			ph_buf_addf(b, "*%u", times);
		if (name)
			ph_buf_addf(b, "%s%s", b->len ? " " : "", name);
		last = name;
		times = 1;
	}
}

static void print_stack(struct target *t, const struct stack *s)
{
	for (size_t i = 0; i < s->n; i++)
		print_message("  %#lx%s %s\n", s->frames[i].pc, s->frames[i].exact ? "" : "-1",
			      name_of(t, &s->frames[i]));
}

/* Are the first @n addresses the same? */
static bool same_frames(const struct stack *a, const struct stack *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a->frames[i].pc != b->frames[i].pc)
			return false;
	return true;
}

/* Complete, by tables alone, and what elfutils has; so many signals came in between. */
static void check(struct target *t, unsigned int signals, const char *want)
{
	struct stack ours, theirs;
	unsigned int exact = 0;
	ph_autobuf b = { 0 };
	size_t same;
	bool all;

	read_maps(t);
	walk(t, &ours);
	names(t, &ours, &b);
	if (strcmp(b.p, want))
		print_stack(t, &ours);
	assert_string_equal(b.p, want);
	assert_int_equal(ours.last, PH_STEP_END);
	all = walk_elfutils(t, &theirs);
	same = theirs.n;
	/* It knows no frames of signals that have no entry, as those of arm64, and goes on from there to anywhere. */
	if (signals && arch == PH_UNWIND_ARM64) {
		for (same = 1; same < ours.n && !ours.frames[same].exact; same++)
			;
		all = same < ours.n;
	} else {
		all = all && ours.n == theirs.n;
	}
	if (!all || theirs.n < same || !same_frames(&ours, &theirs, same)) {
		print_stack(t, &ours);
		print_message("elfutils:\n");
		print_stack(t, &theirs);
		fail();
	}
	for (size_t i = 0; i < ours.n; i++) {
		exact += ours.frames[i].exact;
		assert_false(ours.frames[i].guessed);
	}
	assert_int_equal(exact, 1 + signals);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void chain(const char *program)
{
	struct target t;

	if (!begin(&t, program, "chain"))
		skip();
	check(&t, 1, "here handler compare sorts room wide deep*31 main _start");
	end(&t);
}

static void test_chain(void **state)
{
	(void)state;
	chain("unwind_target");
}

static void test_static(void **state)
{
	(void)state;
	chain("unwind_static");
}

static void test_thread(void **state)
{
	struct target t;

	(void)state;
	if (!begin(&t, "unwind_target", "thread"))
		skip();
	assert_int_not_equal(t.tid, t.pid);
	check(&t, 1, "here handler compare sorts room wide deep*4 thread_main");
	end(&t);
}

/* Where a call returns to is another function, or nothing. */
static void test_noreturn(void **state)
{
	struct target t;

	(void)state;
	if (!begin(&t, "unwind_target", "noreturn"))
		skip();
	check(&t, 0, "here leaves ends main _start");
	end(&t);
}

/* Through a function without an entry: by its instructions. */
static void test_silent(void **state)
{
	struct stack ours;
	ph_autobuf b = { 0 };
	struct target t;

	(void)state;
	if (!begin(&t, "unwind_target", "silent"))
		skip();
	read_maps(&t);
	walk(&t, &ours);
	names(&t, &ours, &b);
	assert_string_equal(b.p, "here silent calls_silent main _start");
	assert_int_equal(ours.last, PH_STEP_END);
	for (size_t i = 0; i < ours.n; i++)
		assert_false(ours.frames[i].guessed);
	end(&t);
}

static bool has_entry(struct target *t, const struct ph_unwind_frame *f)
{
	Dwfl_Module *m = dwfl_addrmodule(t->dwfl, f->pc);
	ph_autofree Dwarf_Frame *frame = NULL;
	Dwarf_Addr bias;
	Dwarf_CFI *cfi = m ? dwfl_module_eh_cfi(m, &bias) : NULL;

	return cfi && !dwarf_cfi_addrframe(cfi, f->pc - bias, &frame);
}

/*
 * How many of its frames on arm64 are to be believed: where there is no entry, as of the PLT, it takes what the frame pointer points at
 * for the caller, which in who has not set it up yet is another's; and in the look-up what it is told of the frame is not true
 * (test_pushed_by_plt in test_unwind.c).
 */
static size_t believed(struct target *t, const struct stack *s, bool complete)
{
	size_t n = 0;

	if (arch == PH_UNWIND_X86_64)
		return s->n;
	while (n < s->n && has_entry(t, &s->frames[n++]))
		;
	return !complete && n > 2 ? 2 : n;
}

/*
 * After every single instruction, through the PLT, the dynamic linker's look-up, libc and the vDSO: in the middle of
 * what begins and ends functions. elfutils does not follow RBX through functions that leave it alone, so in the
 * look-up it may stop early; it may say nothing else.
 */
static void test_steps(void **state)
{
	struct stack ours, theirs;
	unsigned int steps = 0, complete = 0;
	struct target t;
	int status;

	(void)state;
	if (!begin(&t, "unwind_target", "steps"))
		skip();
	read_maps(&t);
	for (;;) {
		ph_autobuf b = { 0 };
		bool all;

		assert_int_equal(ptrace(PTRACE_SINGLESTEP, t.tid, 0, 0), 0);
		assert_int_equal(waitpid(t.tid, &status, __WALL), t.tid);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGUSR2)
			break;
		assert_int_equal(WSTOPSIG(status), SIGTRAP);
		/* Many times what it takes: a loop without end is no test. */
		assert_true(++steps < 50000);
		walk(&t, &ours);
		walk_elfutils(&t, &theirs);
		assert_true(theirs.n);
		all = !strcmp(name_of(&t, &theirs.frames[theirs.n - 1]), "_start");
		complete += all;
		theirs.n = believed(&t, &theirs, all);
		if (ours.last != PH_STEP_END || ours.n < theirs.n || (all && arch == PH_UNWIND_X86_64 && ours.n != theirs.n) ||
		    !same_frames(&ours, &theirs, theirs.n)) {
			print_message("after step %u, ends with %d:\n", steps, ours.last);
			print_stack(&t, &ours);
			print_message("elfutils, %scomplete:\n", all ? "" : "not ");
			print_stack(&t, &theirs);
			fail();
		}
		names(&t, &ours, &b);
		if (!strstr(b.p, "main _start"))
			fail_msg("after step %u: %s", steps, b.p);
	}
	print_message("%u steps, elfutils complete in %u\n", steps, complete);
	assert_true(steps > 500);
	/* On arm64 most steps are in the look-up. */
	assert_true(complete > steps / (arch == PH_UNWIND_X86_64 ? 2 : 8));
	end(&t);
}

/*
 * After every single instruction while an exception is under way: what has been left is gone from the stack, and who is gone over to is there
 * from the moment when the one that had been called before is not any more. Debuggers do not know it for some fifty instructions each time.
 */
static void catch(const char *program)
{
	static const char all[] = "drops passes wide passes drops catches main _start";
	size_t len = strlen("catches main _start"), last = 0;
	bool deepest = false;
	struct target t;
	int status;

	if (arch != PH_UNWIND_X86_64 || !begin(&t, program, NULL))
		skip();
	read_maps(&t);
	for (unsigned int steps = 0;; steps++) {
		struct stack ours;
		ph_autobuf b = { 0 };

		assert_int_equal(ptrace(PTRACE_SINGLESTEP, t.tid, 0, 0), 0);
		assert_int_equal(waitpid(t.tid, &status, __WALL), t.tid);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGUSR2)
			break;
		assert_int_equal(WSTOPSIG(status), SIGTRAP);
		assert_true(steps < 200000);
		walk(&t, &ours);
		names(&t, &ours, &b);
		/* At the begin and at the end it is in here(). */
		if (b.len && !strncmp(b.p, "here ", 5))
			continue;
		if (ours.last != PH_STEP_END || b.len < len || b.len >= sizeof(all) || strcmp(b.p, all + sizeof(all) - 1 - b.len) ||
		    (deepest && b.len > last)) {
			print_stack(&t, &ours);
			fail_msg("after step %u, ends with %d, had %zu letters before: %s", steps, ours.last, last, b.len ? b.p : "");
		}
		last = b.len;
		deepest = deepest || b.len == sizeof(all) - 1;
	}
	assert_true(deepest);
	assert_true(last == strlen("drops catches main _start"));
	end(&t);
}

static void test_catch(void **state)
{
	(void)state;
	catch("unwind_catch");
}

static void test_catch_static(void **state)
{
	(void)state;
	catch("unwind_catch_static");
}

/* ---- code without rules ------------------------------------------------------------------------ */

/* Words from an address on; the rest of memory is not there. */
struct words {
	uint64_t code, stack[8];
};

static int read_words(void *ctx, __u64 addr, __u64 *value)
{
	const struct words *w = ctx;

	if (addr == 0x1010) {
		*value = w->code;
		return 0;
	}
	if (addr < 0x8000 || addr >= 0x8000 + sizeof(w->stack))
		return -1;
	*value = w->stack[(addr - 0x8000) / 8];
	return 0;
}

/* What a callee returns to itself returns at once: "add $8, %rsp; ret". The frame pointer is nobody's in between. */
static void test_trampoline(void **state)
{
	static const struct ph_unwind_map maps[] = { { .begin = 0x1000, .end = 0x3000 } };
	const struct ph_unwind_regs regs = { .pc = 0x1010, .sp = 0x8000, .fp = 0x8028, .flags = PH_REGS_FP };
	struct words w = { 0x1122c308c48348, { 0x1111, 0x2020, 0, 0, 0, 0, 0 } };
	struct ph_unwind_frame f[8];
	enum ph_unwind_step last;

	(void)state;
	assert_int_equal(ph_unwind_walk(PH_UNWIND_X86_64, maps, 1, regs, NULL, read_words, &w, f, 8, &last), 2);
	assert_int_equal(f[1].pc, 0x2020);
	assert_false(f[1].guessed);
	assert_int_equal(last, PH_STEP_END);
	/* Another one's, what is none, and the frame pointer then. */
	w.code = 0x1122c318c48348;
	w.stack[3] = 0x2030;
	assert_int_equal(ph_unwind_walk(PH_UNWIND_X86_64, maps, 1, regs, NULL, read_words, &w, f, 8, &last), 2);
	assert_int_equal(f[1].pc, 0x2030);
	for (unsigned int i = 0; i < 3; i++) {
		w.code = (uint64_t[]){ 0x1122c309c48348, 0x1122c388c48348, 0x1122c308ec8348 }[i];
		w.stack[6] = 0x2040;
		assert_int_equal(ph_unwind_walk(PH_UNWIND_X86_64, maps, 1, regs, NULL, read_words, &w, f, 8, &last), 2);
		assert_int_equal(f[1].pc, 0x2040);
		assert_true(f[1].guessed);
	}
	w.code = 0x1122c308c48348;
	assert_int_equal(ph_unwind_walk(PH_UNWIND_ARM64, maps, 1, regs, NULL, read_words, &w, f, 8, &last), 2);
	assert_true(f[1].guessed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_noreturn),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_catch),
		cmocka_unit_test(test_catch_static),
		cmocka_unit_test(test_trampoline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
