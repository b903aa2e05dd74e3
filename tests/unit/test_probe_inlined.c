/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of functions that a compiler put into others: a program is stopped wherever one begins, what a probe would read there is read, and
 * has to be what the program says of itself.
 */
#include "test.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "probe/probe.h"
#include "symbol_fixture.h"

#define STOPS_MAX 200

static char dir[] = "/tmp/porthole-inlined.XXXXXX";

/* In the order in which tests/symbol/within.c says them. */
static const struct {
	const char *function, *args[6];
} wanted[] = {
	{ "add", { "a", "b" } },
	{ "look", { "item->id", "str(item->name)", "item->next->id", "item->small", "item->wide", "c" } },
	{ "sum", { "p.a", "p.b", "p.c", "list[1]", "s" } },
	{ "twice", { "x", "y" } },
};

struct place {
	uint64_t vaddr;
	uint32_t function;
	bool known[6];
	struct ph_probe_arg arg[6];
	uint8_t code[4];		/* that a breakpoint is in the place of */
};

struct program {
	struct ph_symchild *c;
	struct ph_symfunc *f;		/* whose arguments are asked for */
	PH_VEC(struct place) places;
	pid_t pid;
	int mem;
	uint64_t bias;
	uint8_t regs[sizeof(struct user_regs_struct)];
	/* What was found, for all programs together. */
	size_t values, constants, registers, loads;
};

static int name_arg(void *arg, const char *name, struct ph_symarg *ret, struct ph_err *err)
{
	struct program *p = arg;

	return ph_symchild_arg(p->c, 1, p->f->vaddr, p->f->inlined, name, ret, err);
}

static void plan(struct program *p, const char *word, struct place *at, size_t k)
{
	ph_autofree char *text = ph_asprintf("uprobe:/x:f(%s)", word);
	const struct ph_probe_site site = { .machine = ph_probe_machine(), .inlined = true, .name = name_arg, .arg = p };
	struct ph_probe_spec spec;
	struct ph_probe_plan made;
	struct ph_err err = { 0 };

	assert_int_equal(ph_probe_parse(text, &spec, &err), 0);
	if (ph_probe_plan(&spec, &site, 64, &made, &err) == 0) {
		at->known[k] = true;
		at->arg[k] = made.def.args[0];
		ph_probe_plan_done(&made);
	} else {
		assert_true(*err.msg);
	}
	ph_probe_spec_done(&spec);
}

static void find_places(struct program *p)
{
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(wanted); i++) {
		struct ph_symfuncs found;

		assert_int_equal(ph_symchild_find(p->c, 1, wanted[i].function, 100, &found, NULL), 0);
		assert_true(found.list.n > 0);
		ph_vec_each(f, &found.list) {
			struct place *at;

			assert_true(f->inlined > 0);
			at = ph_vec_push(&p->places);
			at->vaddr = f->vaddr;
			at->function = i;
			p->f = f;
			for (size_t k = 0; k < PH_ARRAY_SIZE(wanted[i].args) && wanted[i].args[k]; k++)
				plan(p, wanted[i].args[k], at, k);
		}
		ph_symfuncs_done(&found);
	}
}

/* ---- the program ------------------------------------------------------------------------------------ */

#if defined(__x86_64__)
static const uint8_t trap[] = { 0xcc };
#define PC(regs) ((regs)->rip)
#define BEHIND 1
#else
static const uint8_t trap[] = { 0, 0, 0x20, 0xd4 };
#define PC(regs) ((regs)->pc)
#define BEHIND 0
#endif

static void wait_stop(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
}

static void start(struct program *p, const char *path, int out)
{
	ph_autofree char *maps = NULL, *mem = NULL;

	p->pid = fork();
	assert_true(p->pid >= 0);
	if (!p->pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		dup2(out, STDOUT_FILENO);
		execl(path, path, NULL);
		_exit(1);
	}
	wait_stop(p->pid);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, p->pid, NULL, PTRACE_O_EXITKILL), 0);
	maps = said("grep -m 1 '%s$' /proc/%d/maps", path, p->pid);
	p->bias = strtoul(maps, NULL, 16);
	assert_true(p->bias > 0);
	/* One that is linked to an address of its own has none. */
	if (p->bias == 0x400000)
		p->bias = 0;
	mem = ph_asprintf("/proc/%d/mem", p->pid);
	p->mem = open(mem, O_RDWR | O_CLOEXEC);
	assert_true(p->mem >= 0);
}

static void write_code(struct program *p, const struct place *at, const void *code)
{
	assert_int_equal(pwrite(p->mem, code, sizeof(trap), (off_t)(p->bias + at->vaddr)), sizeof(trap));
}

static uint64_t reg(const struct program *p, uint32_t offset)
{
	uint64_t v;

	memcpy(&v, p->regs + offset, sizeof(v));
	return v;
}

/* As the kernel side does it. */
static void add_value(struct program *p, const struct ph_probe_arg *a, struct ph_buf *out)
{
	uint64_t v = (a->has_reg ? reg(p, a->reg) : 0) + (uint64_t)a->add[0], drop = 64u - a->bits;
	char text[65] = { 0 };

	for (uint32_t i = 0; i < a->loads; i++) {
		uint64_t more = 0;

		if (pread(p->mem, &more, i + 1 == a->loads ? a->size : 8, (off_t)v) <= 0) {
			ph_buf_adds(out, " unread");
			return;
		}
		v = more + (uint64_t)a->add[i + 1];
	}
	if (a->what == PH_PROBE_TEXT) {
		assert_true(pread(p->mem, text, sizeof(text) - 1, (off_t)v) > 0);
		ph_buf_addf(out, " %s", text);
		return;
	}
	v = v << (drop - a->low);
	ph_buf_addf(out, " %ld", a->is_signed ? (int64_t)v >> drop : (int64_t)(v >> drop));
	p->values++;
	p->constants += !a->has_reg;
	p->registers += a->has_reg && !a->loads;
	p->loads += a->loads > 0;
}

/* "add 3 ?": unknown ones are told as such. */
static void tell(struct program *p, const struct place *at, struct ph_buf *out)
{
	ph_buf_adds(out, wanted[at->function].function);
	for (size_t k = 0; k < PH_ARRAY_SIZE(at->arg) && wanted[at->function].args[k]; k++)
		if (at->known[k])
			add_value(p, &at->arg[k], out);
		else
			ph_buf_adds(out, " ?");
	ph_buf_adds(out, "\n");
}

/* Stopped at a breakpoint: what begins here, and go on. */
static void stopped(struct program *p, struct user_regs_struct *regs, struct iovec *v, struct ph_buf *out)
{
	struct place *here = NULL;

	PC(regs) -= BEHIND;
	memcpy(p->regs, regs, sizeof(p->regs));
	ph_vec_each(at, &p->places)
		if (p->bias + at->vaddr == PC(regs)) {
			here = at;
			tell(p, at, out);
		}
	assert_non_null(here);
	assert_int_equal(ptrace(PTRACE_SETREGSET, p->pid, NT_PRSTATUS, v), 0);
	write_code(p, here, here->code);
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, p->pid, NULL, 0), 0);
	wait_stop(p->pid);
	write_code(p, here, trap);
}

static void run(struct program *p, const char *path, int out_fd, struct ph_buf *out)
{
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };
	int status;

	start(p, path, out_fd);
	ph_vec_each(at, &p->places)
		assert_int_equal(pread(p->mem, at->code, sizeof(trap), (off_t)(p->bias + at->vaddr)), sizeof(trap));
	ph_vec_each(at, &p->places)
		write_code(p, at, trap);
	for (size_t i = 0; i < STOPS_MAX; i++) {
		assert_int_equal(ptrace(PTRACE_CONT, p->pid, NULL, 0), 0);
		assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
		if (!WIFSTOPPED(status))
			break;
		assert_int_equal(WSTOPSIG(status), SIGTRAP);
		assert_int_equal(ptrace(PTRACE_GETREGSET, p->pid, NT_PRSTATUS, &v), 0);
		stopped(p, &regs, &v, out);
	}
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	close(p->mem);
}

/* ---- compared --------------------------------------------------------------------------------------- */

/* Word by word, but for those that are not known. Returns how many words are. */
static size_t compare(const char *flags, char *is, char *says)
{
	char *save_is, *save_says, *a = strtok_r(is, " \n", &save_is), *b = strtok_r(says, " \n", &save_says);
	size_t n = 0;

	for (; a && b; a = strtok_r(NULL, " \n", &save_is), b = strtok_r(NULL, " \n", &save_says)) {
		if (!strcmp(a, "?"))
			continue;
		if (strcmp(a, b) != 0)
			fail_msg("gcc %s: %s, where the program says %s", flags, a, b);
		n++;
	}
	assert_true(!a && !b);
	return n;
}

static void test_values(void **state)
{
	static const char *const flags[] = { "-O2 -gdwarf-5", "-O1 -gdwarf-4", "-O2 -no-pie -fno-pie -gdwarf-5",
					     "-O3 -fno-omit-frame-pointer -gdwarf-5", "-Os -gdwarf-5", "-Og -gdwarf-5", "-O0 -gdwarf-5" };
	struct program p = { 0 };
	size_t words = 0;

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(flags); i++) {
		ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
		ph_autofree char *path = ph_asprintf("%s/within%zu", dir, i), *out = ph_asprintf("%s/out", dir), *says = NULL;
		ph_autoclose int fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		ph_autobuf is = { 0 };

		assert_true(fd >= 0);
		free(said("gcc %s -o %s %s/within.c", flags[i], path, PH_SYMBOL_SOURCES));
		add_path(c, 1, path);
		p.c = c;
		find_places(&p);
		run(&p, path, fd, &is);
		says = said("cat %s", out);
		words += compare(flags[i], is.p, says);
		ph_vec_done(&p.places);
	}
	/* Compilers differ in what they leave out; gcc 12 leaves 590 words, 410 values. */
	assert_true(words > 400 && p.values > 250 && p.constants > 40 && p.registers > 60 && p.loads > 80);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
	};

	return symbol_tests(argc, argv, dir, tests);
}
