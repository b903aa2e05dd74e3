/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <sys/epoll.h>
#include <sys/stat.h>

#include "ctf/ctf.h"
#include "ctf_dir.h"
#include "event/machine.h"
#include "event/symbols.h"
#include "event/syscalls.h"
#include "source/synthetic.h"

/* Traces of the other machine: on x86_64 those of arm64, on arm64 those of x86_64. */

#ifdef __x86_64__
#define HERE(x86_64, arm64) (x86_64)
#define THERE(x86_64, arm64) (arm64)
#else
#define HERE(x86_64, arm64) (arm64)
#define THERE(x86_64, arm64) (x86_64)
#endif

static void test_calls(void **state)
{
	static const struct { const char *name; int x86_64, arm64; } calls[] = {
		{ "read", 0, 63 }, { "openat", 257, 56 }, { "clone", 56, 220 }, { "futex", 202, 98 }, { "clock_nanosleep", 230, 115 },
		{ "epoll_pwait", 281, 22 }, { "clone3", 435, 435 }, { "statmount", 457, 457 },
	};
	const int close_there = THERE(3, 57), none_there = THERE(390, 260 - 16);
	int n = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(calls); i++) {
		assert_int_equal(ph_syscall_from_other(THERE(calls[i].x86_64, calls[i].arm64), false), HERE(calls[i].x86_64, calls[i].arm64));
		assert_string_equal(ph_syscall_by_nr(HERE(calls[i].x86_64, calls[i].arm64), false)->name, calls[i].name);
		assert_true(ph_syscall_has_other(HERE(calls[i].x86_64, calls[i].arm64), false));
	}
	/* No two become one; what is a call there is one here. */
	for (int nr = 0; nr < PH_SYSCALL_ELSEWHERE; nr++) {
		int here = ph_syscall_from_other(nr, false);

		for (int k = 0; k < nr; k++)
			assert_int_not_equal(ph_syscall_from_other(k, false), here);
		n += ph_syscall_by_nr(here, false) != NULL;
		assert_int_equal(ph_syscall_by_nr(here, false) != NULL, ph_syscall_has_other(here, false));
	}
	assert_true(n > 300);
	assert_string_equal(ph_syscall_by_nr(ph_syscall_from_other(THERE(2, 223), false), false)->name, THERE("open", "fadvise64_64"));
	assert_false(ph_syscall_has_other(HERE(2, 223), false));
	assert_int_equal(ph_syscall_from_other(-1, false), -1);
	/* Nobody's there, but somebody's here; nobody's at all. */
	assert_null(ph_syscall_by_nr(ph_syscall_from_other(none_there, false), false));
	assert_int_equal(ph_syscall_from_other(500, false), 500);
	assert_int_equal(ph_syscall_from_other(INT32_MAX, false), INT32_MAX);
	/* 32-bit programs: arm64's have numbers of their own, which none of ours are. */
	assert_string_equal(ph_syscall_by_nr(ph_syscall_from_other(close_there, false), false)->name, "close");
	if (THERE(true, false))
		assert_string_equal(ph_syscall_by_nr(ph_syscall_from_other(6, true), true)->name, "close");
	else
		assert_null(ph_syscall_by_nr(ph_syscall_from_other(6, true), true));
}

/* What the other machine's flags are called. */
static void flags(uint64_t there, const char *want)
{
	ph_autobuf b = { 0 };

	ph_symbol_add(&b, PH_UNIT_OPEN_FLAGS, (int64_t)ph_machine_open_flags(there));
	assert_string_equal(b.p, want);
}

static void test_open_flags(void **state)
{
	flags(0, "O_RDONLY");
	flags(THERE(0200000, 040000), "O_RDONLY|O_DIRECTORY");
	flags(THERE(0400000, 0100000), "O_RDONLY|O_NOFOLLOW");
	flags(THERE(040000, 0200000), "O_RDONLY|O_DIRECT");
	flags(THERE(0100000, 0400000), "O_RDONLY|O_LARGEFILE");
	flags(THERE(0740000, 0740000), "O_RDONLY|O_DIRECT|O_LARGEFILE|O_NOFOLLOW|O_DIRECTORY");
	flags(020000000 | THERE(0200000, 040000) | 02000002, "O_RDWR|O_CLOEXEC|O_TMPFILE");
	flags(02000000 | 01101, "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC");
}

/* The fields of a struct stat of the other machine, by the offsets that its headers give them. */
static void test_structs(void **state)
{
	char there[300] = { 0 }, out[300];
	struct epoll_event ev[2];
	struct stat st;
	size_t n;

#define PUT(x86_64, arm64, type, value) \
	memcpy(there + THERE(x86_64, arm64), &(type){ value }, sizeof(type))
	PUT(0, 0, uint64_t, 0x801);
	PUT(8, 8, uint64_t, 1ull << 40);
	PUT(24, 16, uint32_t, S_IFREG | 0644);
	PUT(28, 24, uint32_t, 1000);
	PUT(32, 28, uint32_t, 1001);
	PUT(40, 32, uint64_t, 0x103);
	PUT(48, 48, int64_t, 5);
	PUT(56, 56, uint32_t, 4096);
	PUT(64, 64, int64_t, 8);
	PUT(72, 72, int64_t, 11);
	PUT(88, 88, int64_t, 12);
	PUT(112, 112, int64_t, 13);
	memcpy(there + THERE(16, 20), &(uint32_t){ 2 }, 4);
	assert_int_equal(ph_machine_stat.there, THERE(144, 128));
	assert_int_equal(ph_machine_turn(&ph_machine_stat, there, ph_machine_stat.there - 1u, out), 0);
	n = ph_machine_turn(&ph_machine_stat, there, ph_machine_stat.there, out);
	assert_int_equal(n, sizeof(st));
	memcpy(&st, out, sizeof(st));
	assert_int_equal(st.st_dev, 0x801);
	assert_int_equal(st.st_ino, 1ull << 40);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(st.st_gid, 1001);
	assert_int_equal(st.st_rdev, 0x103);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(st.st_blksize, 4096);
	assert_int_equal(st.st_blocks, 8);
	assert_int_equal(st.st_atim.tv_sec, 11);
	assert_int_equal(st.st_mtim.tv_sec, 12);
	assert_int_equal(st.st_ctim.tv_nsec, 13);

	memset(there, 0x55, sizeof(there));
	for (unsigned int i = 0; i < 2; i++) {
		char *at = there + i * THERE(12, 16);

		memcpy(at, &(uint32_t){ EPOLLIN << i }, 4);
		memcpy(at + THERE(4, 8), &(uint64_t){ 7 + i }, 8);
	}
	n = ph_machine_turn(&ph_machine_epoll_event, there, 2 * THERE(12, 16) + 3, out);
	assert_int_equal(n, sizeof(ev));
	memcpy(ev, out, n);
	assert_int_equal(ev[1].events, EPOLLIN << 1);
	assert_int_equal(ev[0].data.u64, 7);
	assert_int_equal(ev[1].data.u64, 8);
}

/* Write @text's events into a trace of @machine, NULL: one that does not say; read it. */
static struct ph_source *trace(struct dir *d, const char *machine, const char *text)
{
	static int traces;
	ph_autofree char *path = ph_asprintf("%s/%d", d->path, traces++);
	struct ph_ctf_env env = { .hostname = "h", .trace_name = "t", .machine = machine };
	struct ph_source *from, *s;
	struct ph_ctf_stream *st;
	struct ph_ctf_writer *w;
	struct ph_err err = { 0 };
	struct ph_event *ev;

	if (ph_synthetic_parse(text, &from, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(ph_ctf_create(path, &env, NULL, 0, &w, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 0, &st, &err), 0);
	while (ph_source_next(from, &ev, &err) > 0)
		assert_int_equal(ph_ctf_write(st, ev, &err), 0);
	assert_int_equal(ph_ctf_close(w, 1000, &err), 0);
	ph_source_close(from);
	if (!machine) {
		ph_autofree char *cmd = ph_asprintf("sed -i '/machine = \"%s\"/d' '%s/metadata' && ! grep -q machine.= '%s/metadata'",
						    ph_machine_here, path, path);

		assert_int_equal(system(cmd), 0);
	}
	if (ph_ctf_open(path, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static struct ph_event *next(struct ph_source *s, const char *name)
{
	struct ph_err err = { 0 };
	struct ph_event *ev;

	if (ph_source_next(s, &ev, &err) <= 0)
		fail_msg("no %s: %s", name, err.msg);
	assert_string_equal(ev->cls->name, name);
	return ev;
}

static const struct ph_value *field(const struct ph_event *ev, const char *name)
{
	for (uint32_t i = 0; i < ev->cls->nfields; i++)
		if (!strcmp(ev->cls->fields[i].name, name))
			return &ev->v[i];
	fail_msg("%s has no %s", ev->cls->name, name);
	return NULL;
}

#define FUTEX_THERE THERE(202, 98)
#define FUTEX_HERE HERE(202, 98)

static void test_trace(void **state)
{
	/* st_mode and st_size; an epoll_event; a struct open_how. */
	ph_autofree char *text = ph_asprintf(
		"@1 tid=7 sched_block nr=%d\n"
		"@2 tid=7 sched_block nr=-1\n"
		"@3 tid=7 sched_block nr=6 compat=1\n"
		"@4 lttng_statedump_process_state tid=7 syscall=%d\n"
		"@5 lttng_statedump_file_descriptor fd=3 flags=%d\n"
		"@6 tid=7 syscall_entry_openat filename=/f flags=%d\n"
		"@7 tid=7 syscall_entry_openat2 how_data=%s0000000000000000\n"
		"@8 tid=7 syscall_entry_epoll_ctl event_data=%s\n"
		"@9 tid=7 syscall_data nr=%d arg=1 at_exit=1 size=%d data=%0*d%s%0*d\n"
		"@10 tid=7 syscall_data nr=%d arg=1 at_exit=1 size=%d data=%s\n"
		"@11 tid=7 syscall_data nr=%d arg=1 at_exit=1 size=5 data=0102030405\n",
		FUTEX_THERE, FUTEX_THERE, THERE(0200000, 040000), THERE(0400000, 0100000), THERE("0000010000000000", "0040000000000000"),
		THERE("010000002a00000000000000", "01000000555555552a00000000000000"),
		THERE(5, 80), THERE(144, 128), THERE(48, 32), 0, "ff430000", THERE(232, 216), 0,
		THERE(232, 22), THERE(24, 32),
		THERE("010000002a00000000000000040000002b00000000000000", "01000000000000002a0000000000000004000000000000002b00000000000000"),
		THERE(0, 63));
	struct ph_source *s = trace(*state, ph_machine_other, text);
	struct epoll_event epoll[2];
	const struct ph_value *v;
	struct ph_event *ev;
	uint64_t how;
	struct stat st;

	assert_int_equal(field(next(s, "sched_block"), "nr")->i, FUTEX_HERE);
	assert_int_equal(field(next(s, "sched_block"), "nr")->i, -1);
	assert_int_equal(field(next(s, "sched_block"), "nr")->i, HERE(2 * PH_SYSCALL_ELSEWHERE, PH_SYSCALL_ELSEWHERE) + 6);
	assert_int_equal(field(next(s, "lttng_statedump_process_state"), "syscall")->i, FUTEX_HERE);
	assert_int_equal(field(next(s, "lttng_statedump_file_descriptor"), "flags")->u, HERE(0200000, 040000));
	assert_int_equal(field(next(s, "syscall_entry_openat"), "flags")->u, HERE(0400000, 0100000));
	v = field(next(s, "syscall_entry_openat2"), "how_data");
	assert_int_equal(v->n, 16);
	memcpy(&how, v->s, sizeof(how));
	assert_int_equal(how, HERE(0200000, 040000));
	v = field(next(s, "syscall_entry_epoll_ctl"), "event_data");
	assert_int_equal(v->n, sizeof(epoll[0]));
	memcpy(epoll, v->s, sizeof(epoll[0]));
	assert_int_equal(epoll[0].events, 1);
	assert_int_equal(epoll[0].data.u64, 42);
	ev = next(s, "syscall_data");
	v = field(ev, "data");
	assert_int_equal(field(ev, "nr")->i, HERE(5, 80));
	assert_int_equal(field(ev, "size")->u, sizeof(st));
	assert_int_equal(v->n, sizeof(st));
	memcpy(&st, v->s, sizeof(st));
	assert_int_equal(st.st_mode, S_IFDIR | S_ISVTX | 0777);
	ev = next(s, "syscall_data");
	v = field(ev, "data");
	assert_int_equal(field(ev, "size")->u, sizeof(epoll));
	assert_int_equal(v->n, sizeof(epoll));
	memcpy(epoll, v->s, sizeof(epoll));
	assert_int_equal(epoll[0].data.u64, 42);
	assert_int_equal(epoll[1].events, 4);
	assert_int_equal(epoll[1].data.u64, 43);
	v = field(next(s, "syscall_data"), "data");
	assert_int_equal(v->n, 5);
	assert_memory_equal(v->s, "\1\2\3\4\5", 5);
	ph_source_close(s);
}

/* Whose a trace is: it says so, or its calls do. */
static void test_whose(void **state)
{
	static const char block[] = "@1 tid=7 sched_block nr=98\n", both[] = "@2 tid=7 syscall_entry_clone\n";
	const char *only_here = HERE("@3 tid=7 syscall_entry_open\n", "@3 tid=7 syscall_entry_fadvise64_64\n");
	const char *only_there = THERE("@4 tid=7 syscall_entry_open\n", "@4 tid=7 syscall_entry_fadvise64_64\n");
	const struct { const char *machine, *calls[3]; bool other; } whose[] = {
		{ ph_machine_here, { "" , "", only_there }, false },
		{ ph_machine_other, { "", only_here, "" }, true },
		{ "riscv64", { "", "", only_there }, false },
		{ NULL, { "", "", "" }, false },
		{ NULL, { both, "", "" }, false },
		{ NULL, { both, only_here, "" }, false },
		{ NULL, { both, "", only_there }, true },
		{ NULL, { both, only_here, only_there }, false },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(whose); i++) {
		ph_autofree char *text = ph_asprintf("%s%s%s%s", block, whose[i].calls[0], whose[i].calls[1], whose[i].calls[2]);
		struct ph_source *s = trace(*state, whose[i].machine, text);
		struct ph_event *ev = next(s, "sched_block");

		assert_int_equal(ev->cls->other, whose[i].other);
		assert_int_equal(field(ev, "nr")->i, whose[i].other ? ph_syscall_from_other(98, false) : 98);
		ph_source_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_open_flags),
		cmocka_unit_test(test_structs),
		cmocka_unit_test_setup_teardown(test_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whose, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
