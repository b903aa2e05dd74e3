/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "symbol/priv.h"
#include "symbol/sandbox.h"
#include "symbol/spawn.h"
#include "symbol/demangle.h"
#include "symbol_fixture.h"

/* So many messages cannot be sent, for want of memory. */
static unsigned int no_memory;

ssize_t __real_sendmsg(int sock, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int sock, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int sock, const struct msghdr *m, int flags)
{
	if (!no_memory)
		return __real_sendmsg(sock, m, flags);
	no_memory--;
	errno = ENOMEM;
	return -1;
}

/* The library's own copy of itself. */
static const char *libc_path(void)
{
	static char path[4096];
	Dl_info info;

	assert_true(dladdr((void *)(uintptr_t)&strtoull, &info));
	assert_non_null(realpath(info.dli_fname, path));
	return path;
}

static void one_name(struct ph_symchild *c, uint32_t file, uint64_t vaddr, const char *name, uint64_t offset)
{
	size_t n;
	const struct ph_symname *s = ph_symchild_name(c, file, vaddr, &n);

	assert_string_equal(s[n - 1].name, name);
	assert_int_equal(s[n - 1].offset, offset);
	assert_false(s[n - 1].inlined);
}

/* Each function that the library exports, as nm tells it: its address has one of its names. */
static void test_names_of_libc(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *nm = said("nm -D --defined-only --without-symbol-versions %s", libc_path());
	unsigned int seen = 0, same = 0;

	(void)state;
	add_path(c, 7, libc_path());
	for (char *save, *line = strtok_r(nm, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long addr;
		char type, name[256];
		const struct ph_symname *s;
		struct ph_symfuncs f;
		bool found = false;
		size_t n;

		if (sscanf(line, "%lx %c %255s", &addr, &type, name) != 3 || !strchr("TWi", type))
			continue;
		s = ph_symchild_name(c, 7, addr, &n);
		assert_int_not_equal(s[n - 1].name[0], 0);
		assert_int_equal(s[n - 1].offset, 0);
		seen++;
		same += !strcmp(s[n - 1].name, name);
		if (seen % 50)
			continue;
		assert_int_equal(ph_symchild_find(c, 7, name, 0, &f, NULL), 0);
		ph_vec_each(e, &f.list) {
			found |= e->vaddr == addr;
			assert_string_equal(e->name, name);
		}
		assert_true(found);
		ph_symfuncs_done(&f);
	}
	assert_true(seen > 1500);
	/* The others have several names. */
	assert_true(same > seen / 2);
}

static void test_parts_of_names(void **state)
{
	/* Whole, without what a template returns and parameters, and without what it is of. */
	static const char *const names[][3] = {
		{ "malloc", "malloc", "malloc" },
		{ "ns::over(char const*, int)", "ns::over", "ns::over" },
		{ "int ns::f<int>(int) const", "ns::f<int>", "ns::f" },
		{ "ns::(anonymous namespace)::hidden(int) [clone .isra.0]", "ns::(anonymous namespace)::hidden", "ns::(anonymous namespace)::hidden" },
		{ "ns::T<int>::f(void (*)(int)) const &", "ns::T<int>::f", "ns::T<int>::f" },
		{ "bool ns::operator< <int>(ns::A<int> const&)", "ns::operator< <int>", "ns::operator< <int>" },
		{ "ns::A::operator bool() const", "ns::A::operator bool", "ns::A::operator bool" },
		{ "ns::A::operator()(int)", "ns::A::operator()", "ns::A::operator()" },
		{ "main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()", "main::{lambda(int)#1}::operator()" },
		{ "std::function<void (int)> ns::make<void (int)>(int)", "ns::make<void (int)>", "ns::make" },
		{ "non-virtual thunk to ns::A::f()", "non-virtual thunk to ns::A::f", "non-virtual thunk to ns::A::f" },
		{ "<(A, B) as core::fmt::Debug>::fmt", "<(A, B) as core::fmt::Debug>::fmt", "<(A, B) as core::fmt::Debug>::fmt" },
		{ "", "", "" }, { ")", ")", ")" }, { ">)", ">)", ">)" }, { "(a)", "(a)", "(a)" },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		ph_autofree char *plain = NULL, *bare = NULL;
		struct ph_demangled d;

		ph_demangled_parse(names[i][0], &d);
		plain = ph_strndup(names[i][0] + d.name, d.params - d.name);
		bare = ph_strndup(names[i][0] + d.name, d.templates - d.name);
		assert_string_equal(plain, names[i][1]);
		assert_string_equal(bare, names[i][2]);
	}
}

static int eh_frame_table(const char *path, struct ph_unwind_table **ret)
{
	ph_autoclose int fd = open(path, O_RDONLY);
	struct ph_elf *elf;
	int r = ph_elf_open(fd, &elf, NULL);

	assert_int_equal(r, 0);
	r = ph_unwind_compile(elf, ret, NULL);
	ph_elf_close(elf);
	return r;
}

/* Through the child it is the same as without. */
static void test_table_of_libc(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	struct ph_unwind_table *t, *own;

	(void)state;
	add_path(c, 1, libc_path());
	assert_int_equal(eh_frame_table(libc_path(), &own), 0);
	assert_int_equal(ph_symchild_table(c, 1, &t, NULL), 0);
	assert_int_equal(t->base, own->base);
	assert_int_equal(t->npages, own->npages);
	assert_int_equal(t->nrows, own->nrows);
	assert_int_equal(t->nrules, own->nrules);
	assert_memory_equal(t->pages, own->pages, (t->npages + 1) * sizeof(*t->pages));
	assert_memory_equal(t->rows, own->rows, t->nrows * sizeof(*t->rows));
	assert_memory_equal(t->rules, own->rules, t->nrules * sizeof(*t->rules));
	assert_memory_equal(&t->stats, &own->stats, sizeof(t->stats));
	ph_unwind_free(t);
	ph_unwind_free(own);
}

static void test_what_a_file_is(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *id = said("readelf -n %s | sed -n 's/.*Build ID: //p'", libc_path());
	const struct ph_symfile *f;
	uint64_t vaddr, offset;

	(void)state;
	add_path(c, 1, libc_path());
	f = ph_symchild_file(c, 1);
	assert_int_equal(f->error, 0);
	assert_string_equal(f->path, libc_path());
	id[strcspn(id, "\n")] = 0;
	assert_int_not_equal(id[0], 0);
	assert_string_equal(f->build_id, id);
	assert_true(f->from & PH_SYMBOL_DYNSYM);
	assert_true(f->segments.n > 2);
	ph_vec_each(s, &f->segments)
		if (s->exec) {
			assert_true(ph_symfile_vaddr(f, s->offset & ~4095ULL, &vaddr));
			assert_int_equal(vaddr, s->vaddr & ~4095ULL);
			assert_true(ph_symfile_offset(f, s->vaddr + 5, &offset));
			assert_int_equal(offset, s->offset + 5);
		}
	assert_null(ph_symchild_file(c, 2));
}

/* Of what has no names, and of what is not there, the answer is that there is none. */
static void test_no_names(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	struct ph_unwind_table *t;
	struct ph_err err = { 0 };
	struct ph_symfuncs f;

	(void)state;
	add_path(c, 1, libc_path());
	add_path(c, 2, "/etc/passwd");
	one_name(c, 1, 0xffffffffff, "", 0);
	one_name(c, 2, 0x1000, "", 0);
	one_name(c, 3, 0x1000, "", 0);
	assert_int_equal(ph_symchild_file(c, 2)->error, -ENOEXEC);
	assert_string_equal(ph_symchild_file(c, 2)->message, "not an ELF file");
	assert_int_equal(ph_symchild_table(c, 2, &t, &err), -ENOEXEC);
	assert_int_equal(ph_symchild_table(c, 3, &t, &err), -ENOENT);
	assert_int_equal(ph_symchild_find(c, 2, "*", 0, &f, &err), -ENOEXEC);
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* Where there is no descriptor left for the root of a container, its debug files are not looked for on the host. */
static void test_no_root(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	struct ph_symfile_new what = { .kind = PH_SYMFILE_ELF, .path = libc_path() };
	struct rlimit before, few;
	struct ph_err err = { 0 };

	(void)state;
	what.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	what.fd = open(libc_path(), O_RDONLY | O_CLOEXEC);
	assert_true(what.root >= 0 && what.fd > what.root);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ (rlim_t)what.fd + 1, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(ph_symchild_add(c, 1, &what, &err), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(ph_symchild_file(c, 1));
	close(what.root);
}

struct told {
	unsigned int named, added, tables;
	char last[256];
};

static void on_named(void *ctx, uint32_t file, uint64_t vaddr, const struct ph_symname *names, size_t n)
{
	struct told *t = ctx;

	t->named++;
	snprintf(t->last, sizeof(t->last), "%u:%llx:%s", file, (unsigned long long)vaddr, names[n - 1].name);
}

static void on_added(void *ctx, uint32_t file, const struct ph_symfile *f)
{
	((struct told *)ctx)->added++;
}

static void on_table(void *ctx, uint32_t file, struct ph_unwind_table *t, const struct ph_err *why)
{
	((struct told *)ctx)->tables += t != NULL;
	ph_unwind_free(t);
}

static const struct ph_symchild_ops tell = { on_named, on_added, on_table };

static uint64_t address_of(struct ph_symchild *c, uint32_t file, const char *name)
{
	struct ph_symfuncs f;
	uint64_t r;

	assert_int_equal(ph_symchild_find(c, file, name, 0, &f, NULL), 0);
	assert_true(f.list.n >= 1);
	r = f.list.v[0].vaddr;
	ph_symfuncs_done(&f);
	return r;
}

/* Nothing is told out of the function that asks, each address once, and what is known without the child. */
static void test_asynchronous(void **state)
{
	struct told t = { 0 };
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild_patient(&tell, &t, 0);
	uint64_t addrs[3], wrong = 0x10;

	(void)state;
	add_path(c, 1, libc_path());
	addrs[0] = address_of(c, 1, "malloc");
	addrs[1] = addrs[0] + 1;
	addrs[2] = addrs[0];
	assert_int_equal(t.added, 1);
	ph_symchild_names(c, 1, addrs, 3);
	ph_symchild_names(c, 9, &wrong, 1);
	ph_symchild_ask_table(c, 1);
	assert_int_equal(t.named, 0);
	assert_true(ph_symchild_wait(c, 20 * PH_NSEC));
	assert_int_equal(t.named, 3);
	assert_int_equal(t.tables, 1);
	stop(c, 1, SIGSTOP);
	ph_symchild_names(c, 1, addrs, 1);
	ph_symchild_poll(c);
	assert_int_equal(t.named, 4);
	assert_non_null(strstr(t.last, ":malloc"));
	kill(ph_symchild_pid(c, 1), SIGCONT);
	/* A number may be used again. */
	ph_symchild_drop(c, 1);
	add_path(c, 1, "/proc/self/exe");
	assert_non_null(strstr(ph_symchild_file(c, 1)->path, "exe"));
	assert_int_equal(ph_symchild_file(c, 1)->error, 0);
	one_name(c, 1, address_of(c, 1, "main"), "main", 0);
}

/* In a process that has given up everything: how many of these can be done nevertheless. */
static int done_nevertheless(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	pid_t parent = getppid();
	int n = 0, fd;

	dup2(2, 3);
	if (ph_sandbox(3, 1ULL << 30))
		return 100;
	n += (fd = open("/", O_RDONLY)) >= 0;
	n += openat(fd, "etc/passwd", O_RDONLY) >= 0;
	n += socket(AF_INET, SOCK_STREAM, 0) >= 0;
	n += connect(3, (struct sockaddr *)&addr, sizeof(addr)) == 0;
	n += mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
	n += syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0;
	n += kill(parent, 0) == 0;
	n += syscall(SYS_execve, "/bin/true", NULL, NULL) >= 0;
	n += syscall(SYS_ptrace, 0, 0, 0, 0) >= 0;
	n += memfd_create("x", 0) >= 0;
	n += setrlimit(RLIMIT_CORE, &(struct rlimit){ 1, 1 }) == 0;
	n += unlink("/x") == 0 || errno != EPERM;
	n += write(3, "x", 1) == 1 && !PH_SANITIZED;
	return n;
}

static void test_confined(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(done_nevertheless());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Its parent's end is the whole of what the child has. */
static void test_child_has_nothing(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *fds = NULL, *others = NULL, *status = NULL;
	int pid;

	(void)state;
	add_path(c, 1, "/proc/self/exe");
	pid = ph_symchild_pid(c, 1);
	fds = said("ls -l /proc/%d/fd 2>/dev/null | grep -c 'socket:'", pid);
	others = said("ls -l /proc/%d/fd 2>/dev/null | grep -e '->' | grep -v -e socket: -e /dev/null -e ' 2 ->' | wc -l", pid);
	status = said("cat /proc/%d/status", pid);
	/* Nobody but root may look into it, not even who started it. */
	assert_string_equal(fds, geteuid() ? "0\n" : "1\n");
	assert_string_equal(others, "0\n");
	assert_non_null(strstr(status, "Seccomp:\t2\n"));
	assert_non_null(strstr(status, "NoNewPrivs:\t1\n"));
	assert_non_null(strstr(status, "CapEff:\t0000000000000000\n"));
	assert_non_null(strstr(status, "CapPrm:\t0000000000000000\n"));
	if (!geteuid()) {
		assert_non_null(strstr(status, "CapBnd:\t0000000000000000\n"));
		assert_non_null(strstr(status, "Uid:\t65534\t65534\t65534\t65534\n"));
		assert_non_null(strstr(status, "Gid:\t65534\t65534\t65534\t65534\n"));
		assert_non_null(strstr(status, "Groups:\t \n"));
	}
}

/* USDT, as readelf shows it. */
static void test_usdt(void **state)
{
	const char *path = PH_SYMBOL_OBJECTS "/symbol_usdt.so";
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *notes = said("readelf -n %s", path);
	ph_autofree char *bases = said("readelf -SW %s | sed -n 's/.*stapsdt.base *PROGBITS *//p'", path);
	uint64_t base = strtoull(bases, NULL, 16), offset;
	const struct ph_symfile *f;
	struct ph_symusdts u, one;
	size_t seen = 0;

	(void)state;
	add_path(c, 1, path);
	f = ph_symchild_file(c, 1);
	assert_int_equal(ph_symchild_usdt(c, 1, "*", "*", 0, &u, NULL), 0);
	for (char *p = notes; (p = strstr(p, "Provider: ")); p++) {
		const struct ph_symusdt *s = &u.list.v[seen++];
		char provider[64], name[64], args[256] = "";
		unsigned long pc, at, semaphore;

		assert_in_range(seen, 1, u.list.n);
		assert_true(sscanf(p, "Provider: %63s Name: %63s Location: %lx, Base: %lx, Semaphore: %lx Arguments:%255[^\n]",
				   provider, name, &pc, &at, &semaphore, args) >= 5);
		assert_string_equal(s->provider, provider);
		assert_string_equal(s->name, name);
		assert_string_equal(s->args, args + strspn(args, " "));
		assert_int_equal(s->vaddr, pc + base - at);
		assert_int_equal(s->semaphore, semaphore);
		assert_true(ph_symfile_offset(f, s->vaddr, &offset));
		assert_int_equal(offset, s->offset);
		if (!strcmp(name, "paid")) {
			assert_int_not_equal(semaphore, 0);
			assert_true(ph_symfile_offset(f, semaphore, &offset));
			assert_int_equal(offset, s->semaphore_offset);
		}
		one_name(c, 1, s->vaddr, "usdt_work", s->vaddr - address_of(c, 1, "usdt_work"));
	}
	assert_int_equal(seen, 3);
	assert_int_equal(u.list.n, 3);
	assert_false(u.more);
	assert_int_equal(ph_symchild_usdt(c, 1, "sho*", "paid", 0, &one, NULL), 0);
	assert_int_equal(one.list.n, 1);
	ph_symusdts_done(&one);
	assert_int_equal(ph_symchild_usdt(c, 1, "shop", "*", 1, &one, NULL), 0);
	assert_int_equal(one.list.n, 1);
	assert_true(one.more);
	ph_symusdts_done(&one);
	ph_symusdts_done(&u);
}

/* Dying and hanging cost one file's names, and time that is bounded. */
static void test_child_dies(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild_patient(NULL, NULL, PH_NSEC / 2);
	struct ph_unwind_table *t;
	uint64_t begin, vaddr;
	int pid;

	(void)state;
	add_path(c, 1, libc_path());
	add_path(c, 2, "/proc/self/exe");
	pid = ph_symchild_pid(c, 1);
	vaddr = address_of(c, 1, "malloc");
	/* At nothing: the next one is told of the file again, and takes the question. */
	stop(c, 1, SIGKILL);
	ph_symchild_poll(c);
	one_name(c, 1, vaddr, "malloc", 0);
	assert_int_not_equal(ph_symchild_pid(c, 1), pid);
	assert_int_equal(ph_symchild_deaths(c), 1);

	/* At a question: it is asked once more, without debug information; then no more. */
	begin = ph_now_ns();
	stop(c, 1, SIGSTOP);
	one_name(c, 1, vaddr + 4, "malloc", 4);
	assert_int_equal(ph_symchild_deaths(c), 2);
	stop(c, 1, SIGSTOP);
	one_name(c, 1, vaddr + 5, "", 0);
	one_name(c, 1, vaddr + 6, "", 0);
	assert_int_equal(ph_symchild_deaths(c), 3);
	assert_true(ph_now_ns() - begin >= 2 * 3 * PH_NSEC / 2);
	/* Nobody else has lost anything, nor the file its table. */
	one_name(c, 1, vaddr, "malloc", 0);
	one_name(c, 2, address_of(c, 2, "main"), "main", 0);
	assert_int_equal(ph_symchild_table(c, 1, &t, NULL), 0);
	ph_unwind_free(t);
	assert_int_equal(ph_symchild_deaths(c), 3);
}

/* What cannot be sent, while no answer is to come, is sent a moment later; in the end there is an answer without it. */
static void test_no_memory(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild_patient(NULL, NULL, PH_NSEC / 5);
	const struct ph_symfile *f;
	uint64_t vaddr;

	(void)state;
	add_path(c, 1, "/proc/self/exe");
	vaddr = address_of(c, 1, "main");
	no_memory = 3;
	one_name(c, 1, vaddr, "main", 0);
	assert_int_equal(no_memory, 0);
	no_memory = ~0u;
	add_path(c, 2, "/proc/self/exe");
	f = ph_symchild_file(c, 2);
	no_memory = 0;
	assert_int_equal(f->error, -ENOMEM);
	assert_non_null(strstr(f->message, "cannot be asked"));
	one_name(c, 1, vaddr + 1, "main", 1);
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* Whose files make too many children die, is not looked at any more. */
static void test_owner_struck_out(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	struct ph_symfile_new what = { .path = "/x", .root = -1, .owner = 5 };
	uint32_t file = 10;

	(void)state;
	add_path(c, 1, libc_path());
	what.fd = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(ph_symchild_add(c, 2, &what, NULL), 0);
	for (; file < 100; file++) {
		/* It is there; now it is at the file, and dies. */
		address_of(c, 2, "main");
		stop(c, 2, SIGSTOP);
		what.fd = open("/proc/self/exe", O_RDONLY);
		assert_int_equal(ph_symchild_add(c, file, &what, NULL), 0);
		ph_symchild_poll(c);
		stop(c, 2, SIGKILL);
		/* One death is forgiven: the next child may be asked. */
		if (ph_symchild_file(c, file)->error)
			break;
	}
	assert_in_range(file, 12, 30);
	assert_int_equal(ph_symchild_file(c, file)->error, -EIO);
	assert_non_null(strstr(ph_symchild_file(c, file)->message, "too many"));
	one_name(c, 1, address_of(c, 1, "malloc"), "malloc", 0);
}

/* Nobody waits for what takes another container's file long: a second child goes on with that, and with all that is this one's. */
static void test_in_the_way(void **state)
{
	struct told t = { 0 };
	/* Half a minute by the clock is longer than the test. */
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild_patient(&tell, &t, 0);
	struct ph_symfile_new what = { .path = "/x", .root = -1, .owner = 5 };
	uint64_t begin = ph_now_ns(), vaddr;
	int first;

	(void)state;
	add_path(c, 1, libc_path());
	for (uint32_t file = 2; file <= 3; file++) {
		what.fd = open("/proc/self/exe", O_RDONLY);
		assert_int_equal(ph_symchild_add(c, file, &what, NULL), 0);
	}
	vaddr = address_of(c, 2, "main");
	address_of(c, 1, "malloc");
	first = ph_symchild_pid(c, 1);
	assert_int_equal(ph_symchild_pid(c, 2), first);
	stop(c, 2, SIGSTOP);
	ph_symchild_names(c, 2, &vaddr, 1);
	ph_symchild_poll(c);
	one_name(c, 1, address_of(c, 1, "malloc"), "malloc", 0);
	assert_true(ph_now_ns() - begin < 10 * PH_NSEC);
	assert_int_not_equal(ph_symchild_pid(c, 1), first);
	assert_int_not_equal(ph_symchild_pid(c, 2), ph_symchild_pid(c, 1));
	assert_int_equal(ph_symchild_pid(c, 3), ph_symchild_pid(c, 2));
	/* It was not its fault: it has its names, and so have others of its owner. */
	assert_int_equal(ph_symchild_deaths(c), 0);
	one_name(c, 2, vaddr, "main", 0);
	one_name(c, 3, vaddr, "main", 0);
	/* Now it is in nobody's way. */
	stop(c, 2, SIGSTOP);
	ph_symchild_names(c, 2, &(uint64_t){ vaddr + 1 }, 1);
	ph_symchild_poll(c);
	first = ph_symchild_pid(c, 1);
	one_name(c, 1, address_of(c, 1, "malloc") + 3, "malloc", 3);
	assert_int_equal(ph_symchild_pid(c, 1), first);
	kill(ph_symchild_pid(c, 2), SIGCONT);
	one_name(c, 2, vaddr + 1, "main", 1);
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* A child that does not ask what it was started for, and does what its parent does, begins no chain of them. */
static void test_no_chain(void **state)
{
	char *env[] = { NULL };
	pid_t pid;

	setenv("PORTHOLE_CHILD", "1", 1);
	assert_int_equal(ph_symspawn("/proc/self/exe", "no-chain", env, NULL, 0, 0, &pid), -ELOOP);
	unsetenv("PORTHOLE_CHILD");
	assert_int_equal(ph_symspawn("/bin/grep", "-qz", env, NULL, 0, 0, &pid), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Has one CPU for itself for so much of its time, then lets @pid have any. */
static void keep_busy(uint64_t ns, pid_t pid)
{
	cpu_set_t one, all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_getaffinity(0, sizeof(all), &all);
	if (sched_setaffinity(0, sizeof(one), &one) || sched_setaffinity(pid, sizeof(one), &one) ||
	    sched_setscheduler(pid, SCHED_IDLE, &(struct sched_param){ 0 }))
		_exit(1);
	kill(pid, SIGCONT);
	for (struct timespec t = { 0 }; (uint64_t)t.tv_sec * PH_NSEC + (uint64_t)t.tv_nsec < ns; )
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	/* Without privileges it cannot be as important as before. */
	sched_setscheduler(pid, SCHED_OTHER, &(struct sched_param){ 0 });
	sched_setaffinity(pid, sizeof(all), &all);
	_exit(0);
}

/* Who has to wait for a CPU has longer, and is in nobody's way: here beside somebody who always wants the same one. */
static void test_starved(void **state)
{
	struct told t = { 0 };
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild_patient(&tell, &t, 0);
	const uint64_t timeout_ns = PH_NSEC / 2;
	uint64_t begin_ns;
	pid_t busy, pid;
	uint32_t n = 0;
	bool plainly, fairly;

	(void)state;
	add_path(c, 1, libc_path());
	address_of(c, 1, "malloc");
	pid = ph_symchild_pid(c, 1);
	stop(c, 1, SIGSTOP);
	busy = fork();
	if (!busy)
		keep_busy(30 * PH_NSEC, pid);
	assert_true(busy > 0);
	/* It has a moment now and then, which is enough for some, and may be at hand when it has begun to be waited for. */
	do {
		do {
			add_path(c, 2 + n, libc_path());
			ph_symchild_ask_table(c, 2 + n);
			plainly = ph_symchild_wait(c, PH_NSEC / 50);
		} while (++n < 1000 && plainly);
		begin_ns = ph_now_ns();
		fairly = ph_symchild_wait_fairly(c, timeout_ns, 600 * PH_NSEC);
	} while (!plainly && fairly && ph_now_ns() - begin_ns < timeout_ns);
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
	assert_false(plainly);
	assert_true(fairly);
	assert_int_equal(t.tables, n);
	assert_int_equal(ph_symchild_pid(c, 2), pid);
	/* Who sleeps has not: */
	stop(c, 1, SIGSTOP);
	add_path(c, 2 + n, libc_path());
	ph_symchild_ask_table(c, 2 + n);
	assert_false(ph_symchild_wait_fairly(c, PH_NSEC / 10, 600 * PH_NSEC));
	kill(ph_symchild_pid(c, 1), SIGCONT);
}

/* What one look more tells of a process that wants a CPU which another one has. */
static void test_starved_looks(void **state)
{
	struct ph_starved s = { 0 };
	unsigned int seen = 0, i;
	pid_t waits, busy;

	(void)state;
	waits = fork();
	if (!waits) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			;
	}
	busy = fork();
	if (!busy)
		keep_busy(30 * PH_NSEC, waits);
	assert_true(waits > 0 && busy > 0);
	for (i = 0; i < 30000 && seen < 5; i++) {
		const struct ph_starved last = s;
		struct ph_starved slept, other;
		uint64_t more, of_other;

		usleep(1000);
		more = ph_starved_more(&s, waits);
		slept = other = last;
		slept.runnable = false;
		other.pid = busy;
		ph_starved_more(&slept, waits);
		of_other = ph_starved_more(&other, waits);
		/* It has not run since the look before the last, and has waited then already. */
		if (!last.going_on || !last.waited || !s.runnable || other.ran != last.ran || other.times != last.times)
			continue;
		seen++;
		assert_int_equal(s.going_on, last.going_on + (s.at_ns - last.at_ns));
		assert_int_equal(more, s.waited + s.going_on - last.waited - last.going_on);
		/* It may have slept until now; and what is known is of another process. */
		assert_int_equal(slept.going_on, 0);
		assert_int_equal(other.going_on, 0);
		assert_int_equal(of_other, other.waited);
	}
	kill(waits, SIGKILL);
	kill(busy, SIGKILL);
	waitpid(waits, NULL, 0);
	waitpid(busy, NULL, 0);
	assert_int_equal(seen, 5);
}

/* Interpreters are known as such, with the functions that nm has. */
static void test_interpreters(void **state)
{
	static const struct {
		const char *path, *runs;
		enum ph_interp_kind kind;
	} files[] = {
		{ "/usr/bin/python3", "_PyEval_EvalFrameDefault", PH_INTERP_PYTHON },
		{ "/usr/bin/php", "execute_ex", PH_INTERP_PHP },
	};
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	const struct ph_symfile *f;

	(void)state;
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(files); i++) {
		ph_autofree char *path = realpath(files[i].path, NULL);
		ph_autofree char *addr = NULL;

		if (!path)
			continue;
		add_path(c, i, path);
		f = ph_symchild_file(c, i);
		assert_int_equal(f->error, 0);
		assert_null(f->interp_message);
		assert_int_equal(f->interp.kind, files[i].kind);
		addr = said("nm -D --defined-only %s | sed -n 's/ T %s$//p'", path, files[i].runs);
		assert_int_equal(f->interp.code_begin, strtoull(addr, NULL, 16));
		assert_true(f->interp.code_end > f->interp.code_begin);
	}
	add_path(c, 9, libc_path());
	f = ph_symchild_file(c, 9);
	assert_int_equal(f->interp.kind, PH_INTERP_NONE);
	assert_null(f->interp_message);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_libc),
		cmocka_unit_test(test_table_of_libc),
		cmocka_unit_test(test_parts_of_names),
		cmocka_unit_test(test_what_a_file_is),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_no_root),
		cmocka_unit_test(test_asynchronous),
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_child_has_nothing),
		cmocka_unit_test(test_usdt),
		cmocka_unit_test(test_child_dies), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_in_the_way), cmocka_unit_test(test_no_chain), cmocka_unit_test(test_starved), cmocka_unit_test(test_starved_looks),
		cmocka_unit_test(test_owner_struck_out),
		cmocka_unit_test(test_interpreters),
	};

	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
