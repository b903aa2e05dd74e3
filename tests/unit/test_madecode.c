/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of code that a program makes: this one's own maps and dumps, read by the child. */
#include "test.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "collect/madecode.h"
#include "symbol_fixture.h"

static struct ph_madecode all;
static struct ph_mapproc proc;
static struct ph_buf told;
static char map[64];

static void on_name(void *ctx, int32_t pid, uint32_t file, uint64_t address, uint64_t since_ns, const struct ph_symname *name)
{
	(void)ctx;
	assert_int_equal(pid, getpid());
	assert_int_equal(file, 0);
	ph_buf_addf(&told, "%lx=%s+%lu%s ", (unsigned long)address, name->name, (unsigned long)name->offset,
		    since_ns ? " since" : "");
}

static int setup(void **state)
{
	(void)state;
	proc = (struct ph_mapproc){ .pid = getpid() };
	ph_madecode_init(&all, on_name, NULL);
	snprintf(map, sizeof(map), "/tmp/perf-%d.map", getpid());
	unlink(map);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ph_made_free(proc.made);
	ph_vec_done(&proc.maps);
	ph_madecode_done(&all);
	ph_buf_done(&told);
	unlink(map);
	return 0;
}

static void write_map(const char *text, const char *mode)
{
	FILE *f = fopen(map, mode);

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What is told when all of @addresses, up to a 0, were seen, or seen again. */
static void tells(const uint64_t *addresses, const char *want)
{
	ph_buf_clear(&told);
	for (; *addresses; addresses++)
		ph_made_saw(&all, &proc, 0, *addresses);
	ph_madecode_run(&all, ph_now_ns(), true);
	ph_madecode_wait(&all, 20 * PH_NSEC);
	assert_string_equal(told.p ? told.p : "", want);
}

#define TELLS(want, ...) tells((const uint64_t[]){ __VA_ARGS__, 0 }, want)

static void appended(void **state)
{
	(void)state;
	/* None; then one, that grows. What has a name has it once. */
	TELLS("", 0x1004);
	write_map("1000 10 one\n", "w");
	TELLS("1004=one+4 ", 0x2000);
	TELLS("", 0x1004);
	write_map("2000 10 two\n", "a");
	TELLS("2000=two+0 ", 0x1004);
	/* Other code in its place: known since the map was read before. */
	write_map("1000 8 three\n", "a");
	TELLS("1004=three+4 since ", 0x1004);
	/* Not seen again, so not asked for. */
	write_map("2000 8 four\n", "a");
	TELLS("", 0x3000);
	/* Another file. */
	unlink(map);
	write_map("3000 8 five\n2000 8 six\n", "w");
	TELLS("2000=six+0 since 3000=five+0 ", 0x2000);
	assert_int_equal(ph_symchild_deaths(all.child), 0);
	/* All is told again. */
	ph_madecode_forget(&all);
	TELLS("2000=six+0 ", 0x2000);
}

/* A moment after the first look, there is no other, however often it is asked. */
static void not_often(void **state)
{
	uint64_t now = ph_now_ns();

	(void)state;
	ph_made_saw(&all, &proc, 0, 0x1000);
	ph_madecode_run(&all, now, false);
	write_map("1000 10 one\n", "w");
	for (unsigned int i = 0; i < 100; i++)
		ph_madecode_run(&all, now + i, false);
	assert_null(all.child);
	ph_madecode_run(&all, now + PH_NSEC, false);
	ph_madecode_wait(&all, 20 * PH_NSEC);
	assert_string_equal(told.p, "1000=one+0 ");
}

/* What another process left, what others may write, and what is no file. */
static void not_its_own(void **state)
{
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	(void)state;
	write_map("1000 10 one\n", "w");
	assert_int_equal(utimensat(AT_FDCWD, map, old, 0), 0);
	TELLS("", 0x1000);
	unlink(map);
	assert_int_equal(mkfifo(map, 0600), 0);
	TELLS("", 0x1000);
	unlink(map);
	assert_int_equal(symlink("/dev/zero", map), 0);
	TELLS("", 0x1000);
	unlink(map);
	assert_null(all.child);
	write_map("1000 10 one\n", "w");
	if (!geteuid()) {
		assert_int_equal(chown(map, 12345, 12345), 0);
		TELLS("", 0x1000);
		/* Within a container that is its own affair. */
		proc.container = 1;
	}
	TELLS("1000=one+0 ", 0x1000);
	/* A program that runs now is another one than who wrote it. */
	ph_made_free(proc.made);
	proc.made = NULL;
	proc.exec_ns = ph_now_ns() + PH_NSEC;
	TELLS("", 0x1000);
}

/* Large, without lines, and cut off: there are no names but at its end, and it ends. */
static void hostile(void **state)
{
	(void)state;
	write_map("5000 10 five\n", "w");
	assert_int_equal(truncate(map, 10ll << 30), 0);
	write_map("\n1000 10 one\n", "a");
	TELLS("1000=one+0 ", 0x1000, 0x5000);
	assert_int_equal(truncate(map, 5), 0);
	TELLS("", 0x1000, 0x6000);
	write_map("1000 10 \033[31mred\001\n7000 10 seven\n", "w");
	TELLS("1000=\033[31mred\001+0 since 7000=seven+0 ", 0x1000, 0x7000);
	assert_int_equal(ph_symchild_deaths(all.child), 0);
}

static void put(FILE *f, uint64_t since_ns, uint64_t at, const char *name)
{
	const uint32_t head[] = { 0, (uint32_t)(56 + strlen(name) + 1) };
	const uint64_t rest[] = { since_ns, 1, at, at, 0x100, 1 };

	fwrite(head, sizeof(head), 1, f);
	fwrite(rest, sizeof(rest), 1, f);
	fwrite(name, strlen(name) + 1, 1, f);
}

/* It is mapped, as programs do that write one; that comes before a map. */
static void dump(void **state)
{
	static const char header[40] = "DTiJ\1\0\0\0\50";
	struct ph_codefile file = { .jitdump = true, .path = (char *)"jit-1.dump" };
	ph_autofree char *path = ph_asprintf("/tmp/jit-%d.dump", getpid());
	ph_autofclose FILE *f = fopen(path, "w+");
	ph_autofclose FILE *maps = NULL;
	ph_autofree char *line = NULL;
	unsigned long begin, end;
	size_t room = 0;
	void *p;

	(void)state;
	write_map("1000 10 of the map\n", "w");
	fwrite(header, sizeof(header), 1, f);
	put(f, 100, 0x1000, "one");
	put(f, 200, 0x1000, "two");
	fflush(f);
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(f), 0);
	unlink(path);
	if (p == MAP_FAILED)
		skip();		/* nothing may be run that is in /tmp */
	maps = fopen("/proc/self/maps", "r");
	while (getline(&line, &room, maps) > 0)
		if (sscanf(line, "%lx-%lx", &begin, &end) == 2 && begin == (unsigned long)p)
			*ph_vec_push(&proc.maps) = (struct ph_mapping){ .begin = begin, .end = end, .file = &file };
	assert_int_equal(proc.maps.n, 1);
	if (geteuid()) {
		munmap(p, 4096);
		skip();		/* map_files is not ours to open */
	}
	TELLS("1000=one+0 since 1000=two+0 since ", 0x1000);
	TELLS("", 0x1000);
	put(f, 300, 0x1000, "three");
	/* Of a clock of its own. */
	put(f, UINT64_MAX, 0x2000, "four");
	fflush(f);
	TELLS("1000=three+0 since 2000=four+0 ", 0x1000, 0x2000);
	munmap(p, 4096);
}

static void names_of_dumps(void **state)
{
	(void)state;
	assert_true(ph_is_jitdump("/root/.debug/jit/x/jit-123.dump"));
	assert_true(ph_is_jitdump("jit-1.dump"));
	assert_false(ph_is_jitdump("/tmp/jit-.dump"));
	assert_false(ph_is_jitdump("/tmp/jit-1.dumps"));
	assert_false(ph_is_jitdump("/jit-1.dump/x"));
	assert_false(ph_is_jitdump("/tmp/xjit-1.dump"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(appended, setup, teardown),
		cmocka_unit_test_setup_teardown(not_often, setup, teardown),
		cmocka_unit_test_setup_teardown(not_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(dump, setup, teardown),
		cmocka_unit_test(names_of_dumps),
	};

	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
