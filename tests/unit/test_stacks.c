/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What walks in the kernel are given: tables and mappings in the store. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/parse.h"
#include "collect/stacks.h"

static struct ph_store store;

static int setup(void **state)
{
	(void)state;
	ph_store_init(&store, -1, 4 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ph_store_done(&store);
	return 0;
}

/* Nothing runs over the end of a chunk; what was given back is used again, though not at once. */
static void pieces(void **state)
{
	uint64_t a, b, c, d, old = ph_now_ns() - PH_NSEC;

	(void)state;
	assert_int_equal(ph_store_alloc(&store, PH_STORE_CHUNK + 1, &a), -E2BIG);
	assert_int_equal(ph_store_alloc(&store, 1000, &a), 0);
	assert_int_equal(ph_store_alloc(&store, 1, &b), 0);
	assert_int_equal(b % 32, 0);
	assert_true(b >= a + 1000);
	memset(ph_store_at(&store, a), 0xff, 1000);
	assert_int_equal(ph_store_alloc(&store, PH_STORE_CHUNK - 512, &c), 0);
	assert_int_equal(c, PH_STORE_CHUNK);
	assert_int_equal(store.nchunks, 2);
	ph_store_free(&store, a, 1000, ph_now_ns());
	assert_int_equal(ph_store_alloc(&store, 1000, &d), 0);
	assert_int_not_equal(d, a);
	ph_store_free(&store, d, 1000, old);
	ph_store_free(&store, b, 1, old);
	store.given_back.v[0].since_ns = old;
	/* All three are one again. */
	assert_int_equal(ph_store_alloc(&store, 2000, &d), 0);
	assert_int_equal(d, a);
	assert_int_equal(*(uint64_t *)ph_store_at(&store, d), 0);
	/* Up to what it may take. */
	assert_int_equal(ph_store_alloc(&store, PH_STORE_CHUNK, &a), 0);
	assert_int_equal(ph_store_alloc(&store, PH_STORE_CHUNK, &a), 0);
	assert_int_equal(ph_store_alloc(&store, PH_STORE_CHUNK, &a), -ENOSPC);
}

static void same_rules(const struct ph_unwind_table *t, const struct ph_stored_table *s, uint64_t vaddr)
{
	uint32_t rule = ph_unwind_find(t, vaddr), ours = ph_store_find(&store, &s->t, vaddr);

	if (rule != ours)
		fail_msg("%#lx has rule %u, not %u", (unsigned long)vaddr, rule, ours);
}

static void compare(const struct ph_unwind_table *t)
{
	const union ph_store_rule *rules;
	struct ph_stored_table s;

	assert_int_equal(ph_store_table(&store, t, &s), 0);
	for (uint32_t p = 0; p < t->npages; p++) {
		uint64_t page = t->base + (uint64_t)p * PH_UNWIND_PAGE;

		same_rules(t, &s, page);
		same_rules(t, &s, page + PH_UNWIND_PAGE - 1);
		for (uint32_t i = t->pages[p]; i < t->pages[p + 1]; i++) {
			same_rules(t, &s, page + t->rows[i].pc);
			same_rules(t, &s, page + t->rows[i].pc - 1);
		}
	}
	same_rules(t, &s, t->base - 1);
	same_rules(t, &s, t->base + (uint64_t)t->npages * PH_UNWIND_PAGE);
	rules = ph_store_at(&store, s.t.rules);
	for (uint32_t i = 0; i < t->nrules; i++) {
		assert_int_equal(rules[i].rule.cfa, t->rules[i].cfa);
		assert_int_equal(rules[i].rule.cfa_off, t->rules[i].cfa_off);
		assert_int_equal(rules[i].rule.bx_off, t->rules[i].bx_off);
	}
	assert_true(s.bytes >= ph_unwind_size(t));
	ph_store_table_free(&store, &s, ph_now_ns());
	assert_int_equal(store.used, 0);
}

/* A real one. */
static void tables(void **state)
{
	struct ph_unwind_table *t;
	struct ph_elf *elf;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(ph_elf_open(fd, &elf, NULL), 0);
	assert_int_equal(ph_unwind_compile(elf, &t, NULL), 0);
	compare(t);
	ph_unwind_free(t);
	ph_elf_close(elf);
	close(fd);
}

/* Pages without rows, one that is full, and more rows than one piece has. */
static void strange_tables(void **state)
{
	enum { PAGES = 9 };
	uint32_t pages[PAGES + 1] = { 0, 0, 3, 3, 3 + 65536 };
	struct ph_unwind_rule rules[] = {
		{ 0 }, { .cfa = PH_CFA_END }, { .cfa = PH_CFA_SP, .cfa_off = 8 }, { .cfa = PH_CFA_REGISTER, .cfa_add = 14 },
	};
	struct ph_unwind_table t = { .base = 0x10000, .npages = PAGES, .pages = pages, .rules = rules, .nrules = 4 };
	struct ph_stored_table s;
	uint32_t n = pages[4];

	(void)state;
	t.rows = ph_alloc((n + 5 * 9000) * sizeof(*t.rows));
	t.rows[0] = (struct ph_unwind_row){ 5, 2 };
	t.rows[1] = (struct ph_unwind_row){ 0x7fff, 3 };
	t.rows[2] = (struct ph_unwind_row){ 0xffff, 1 };
	for (uint32_t i = 3; i < n; i++)
		t.rows[i] = (struct ph_unwind_row){ (uint16_t)(i - 3), (uint16_t)(i % 4) };
	for (uint32_t p = 4; p < PAGES; p++) {
		for (uint32_t i = 0; i < 9000; i++)
			t.rows[n++] = (struct ph_unwind_row){ (uint16_t)(7 * i + p), (uint16_t)((i + p) % 4) };
		pages[p + 1] = n;
	}
	t.nrows = n;
	compare(&t);
	/* DWARF's register 14 is the second word of x86_64's struct pt_regs. */
	assert_int_equal(ph_store_table(&store, &t, &s), 0);
	assert_int_equal(((union ph_store_rule *)ph_store_at(&store, s.t.rules))[3].rule.cfa_add, 1);
	ph_store_table_free(&store, &s, ph_now_ns());
	free(t.rows);
}

/* ---- mappings ---------------------------------------------------------------------------------------- */

static struct ph_store_table *shared;
static struct ph_codefiles files;
static struct ph_procmaps maps;

static int setup_maps(void **state)
{
	setup(state);
	shared = ph_alloc(PH_STORE_FILES * sizeof(*shared));
	ph_codefiles_init(&files, &store, shared, -1, NULL, NULL, NULL);
	ph_procmaps_init(&maps, &files, &store, -1);
	return 0;
}

static int teardown_maps(void **state)
{
	ph_procmaps_done(&maps);
	ph_codefiles_done(&files);
	free(shared);
	return teardown(state);
}

static int take(struct ph_mapproc *p, const char *text)
{
	ph_autofree char *copy = ph_strdup(text);
	struct ph_mapsfile from;

	ph_mapsfile_text(&from, copy);
	return ph_procmaps_take(&maps, p, &from);
}

#define LIBC "7f0000010000-7f0000020000 r-xp 00026000 08:01 77                         /lib/libc.so.6\n"

static void mappings(void **state)
{
	struct ph_mapproc *p = ph_procmaps_add(&maps, 1 << 30, 3, 1000);
	struct ph_codefile *libc;

	(void)state;
	/* An exec is told of a process of which nothing was known, too. */
	ph_procmaps_exec(&maps, p->pid, 900);
	assert_true(p->clear_due);
	p->clear_due = p->replaced = false;
	assert_int_equal(take(p, "55d000000000-55d000001000 r--p 00000000 08:01 12                   /bin/a b\n"
				 "55d000001000-55d000003000 r-xp 00001000 08:01 12                   /bin/a b (deleted)\n"
				 LIBC
				 "7f0000030000-7f0000031000 rwxp 00000000 00:00 0 \n"
				 "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                    [vdso]\n"
				 "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0            [vsyscall]\n"), 5);
	assert_int_equal(p->maps.n, 4);
	assert_string_equal(p->maps.v[0].file->path, "/bin/a b");
	assert_int_equal(p->maps.v[0].offset, 0x1000);
	libc = p->maps.v[1].file;
	assert_int_equal(libc->refs, 1);
	assert_int_equal(p->maps.v[2].file->id, PH_CODE_ANON);
	assert_int_equal(p->maps.v[2].vaddr, 0x7f0000030000);
	assert_int_equal(p->maps.v[3].file->id, PH_CODE_VDSO);
	/* Another has it mapped as well, and nothing twice. */
	p = ph_procmaps_add(&maps, (1 << 30) + 1, 3, 1000);
	assert_int_equal(take(p, LIBC), 2);
	assert_ptr_equal(p->maps.v[0].file, libc);
	assert_int_equal(libc->refs, 2);
	p->maps.v[0].told = p->maps.v[0].stored_known = true;
	assert_int_equal(take(p, LIBC), 0);
	assert_int_equal(libc->refs, 2);
	assert_true(p->maps.v[0].told);
	/* That it is known by now which file it is, is news, also where the mappings are read for another reason. */
	p->maps.v[0].stored_known = false;
	assert_int_equal(take(p, LIBC), 1);
	p->maps.v[0].stored_known = true;
	/* Something else at its place is told. */
	assert_int_equal(take(p, "7f0000010000-7f0000020000 r-xp 00027000 08:01 77 /lib/libc.so.6\n"), 1);
	assert_false(p->maps.v[0].told);
	/* Another program may have the same at the same place, and it is told again. */
	p->maps.v[0].told = true;
	ph_procmaps_exec(&maps, p->pid, 5000000000);
	assert_true(p->clear_due);
	take(p, "7f0000010000-7f0000020000 r-xp 00027000 08:01 77 /lib/libc.so.6\n");
	assert_false(p->maps.v[0].told);
}

/* As codefile.c mixes two numbers, and back: what @a was of what came out, the last bit of which is always set. */
#define MIX_B 0x9e3779b97f4a7c15ull
#define MIX 0xbf58476d1ce4e5b9ull

static uint64_t mixed(uint64_t a, uint64_t b)
{
	a = (a ^ b * MIX_B) * MIX;
	return (a ^ a >> 31) | 1;
}

static uint64_t unmixed(uint64_t m)
{
	uint64_t inverse = MIX;

	for (int i = 0; i < 6; i++)
		inverse *= 2 - MIX * inverse;
	return (m ^ m >> 31 ^ m >> 62) * inverse;
}

static struct ph_codefile *mapped(int32_t pid, const char *device, uint64_t ino)
{
	struct ph_mapproc *p = ph_procmaps_add(&maps, pid, 3, 1000);
	ph_autofree char *line = ph_asprintf("7f0000010000-7f0000020000 r-xp 00000000 %s %" PRIu64 " /lib/libc.so.6\n", device, ino);

	take(p, line);
	return p->maps.v[0].file;
}

/* A container that serves its file system itself has chosen an inode of which the hash is that of another one's library. */
static void chosen_inode(void **state)
{
	struct ph_codefile *libc, *other;
	uint64_t dev, ino;
	size_t before;

	(void)state;
	files.secret = 0;
	libc = mapped(1 << 30, "08:01", 77);
	dev = mapped((1 << 30) + 1, "00:31", 5)->keys.v[0].dev;
	ino = unmixed(mixed(77, 0) ^ libc->keys.v[0].dev * MIX_B ^ dev * MIX_B);
	before = files.by_inode.n;
	other = mapped((1 << 30) + 2, "00:31", ino);
	assert_int_equal(files.by_inode.n, before);	/* they do have the same */
	assert_ptr_not_equal(other, libc);
	assert_ptr_equal(mapped((1 << 30) + 3, "00:31", ino), other);
	assert_ptr_not_equal(mapped((1 << 30) + 4, "08:01", 77), other);
}

/* The kernel's answers and its text say the same, of libraries, of memory without a file, and of what is deleted. */
static void asked_and_read(void **state)
{
	ph_autoclose int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char deleted[] = "/tmp/ph-stacks-XXXXXX";
	ph_autoclose int fd = mkstemp(deleted);
	struct ph_mapsfile asked, text;
	struct ph_mapped a, t;
	size_t n = 0, found = 0;
	void *of_file, *own;

	(void)state;
	assert_true(proc >= 0 && fd >= 0);
	unlink(deleted);
	assert_int_equal(ftruncate(fd, 8192), 0);
	of_file = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	own = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(of_file != MAP_FAILED && own != MAP_FAILED);
	assert_int_equal(ph_mapsfile_open(&asked, proc, getpid(), false), 0);
	assert_int_equal(ph_mapsfile_open(&text, proc, getpid(), true), 0);
	while (ph_mapsfile_next(&text, &t)) {
		assert_true(ph_mapsfile_next(&asked, &a));
		assert_true(a.begin == t.begin && a.end == t.end && a.offset == t.offset && a.dev == t.dev && a.ino == t.ino);
		assert_int_equal(a.writable, t.writable);
		assert_string_equal(ph_mapsfile_path(&asked), ph_mapsfile_path(&text));
		found += a.begin == (uintptr_t)of_file && a.offset == 4096 && !strcmp(ph_mapsfile_path(&asked), deleted);
		found += a.begin == (uintptr_t)own && !a.ino;
		n++;
	}
	assert_false(ph_mapsfile_next(&asked, &a));
	assert_true(n > 4);
	assert_int_equal(found, 2);
	ph_mapsfile_close(&asked);
	ph_mapsfile_close(&text);
	munmap(of_file, 4096);
	munmap(own, 4096);
	assert_int_equal(ph_mapsfile_open(&asked, proc, 0x3fffffff, false), -ENOENT);
}

/* Whatever stands there. */
static void strange_mappings(void **state)
{
	struct ph_mapproc *p = ph_procmaps_add(&maps, 1 << 30, 3, 1000);
	ph_autobuf many = { 0 };

	(void)state;
	take(p, "");
	take(p, "\n\n-\nx-y r-xp\n1000-2000 r-x\n2000-1000 r-xp 0 0:0 5 /back\n3000-4000 r-xp 0 0:0");
	assert_int_equal(p->maps.n, 0);
	take(p, "5000-6000 r-xp 0 0:1 9 /a\n4000-5000 r-xp 0 0:1 9 /unsorted\n5800-7000 r-xp 0 0:1 9 /over\n7000-8000 r-xp 0 0:1 9 /a\n");
	assert_int_equal(p->maps.n, 2);
	for (unsigned int i = 0; i < PH_STORE_MAPS + 10; i++)
		ph_buf_addf(&many, "%x000-%x800 r-xp 00000000 00:00 0 \n", 16 + i, 16 + i);
	take(p, many.p);
	assert_int_equal(p->maps.n, PH_STORE_MAPS);
	assert_int_equal(maps.refused, 1);
}

/* A process that ends just after its maps were read takes the way to its files along; the next one has it. */
static void opened_too_late(void **state)
{
	struct ph_mapproc *gone = ph_procmaps_add(&maps, 1 << 30, 3, 1000), *p = ph_procmaps_add(&maps, getpid(), 3, 1000);
	ph_autofclose FILE *f = fopen("/proc/self/maps", "re");
	ph_autofree char *line = NULL;
	size_t room = 0;

	(void)state;
	while (getline(&line, &room, f) > 0 && !strstr(line, " r-xp "))
		;
	take(gone, line);
	assert_true(gone->maps.v[0].file->missed);
	gone->maps.v[0].file->told = true;
	take(p, line);
	assert_ptr_not_equal(p->maps.v[0].file, gone->maps.v[0].file);
	assert_false(p->maps.v[0].file->missed);
	assert_false(p->maps.v[0].file->told);
	assert_int_equal(p->maps.v[0].file->refs, 1);
	/* Nobody tries in vain what can be done no more. */
	assert_false(gone->crowded);
}

static const struct ph_mapping *mapped_from(const struct ph_mapproc *p, uint64_t begin)
{
	ph_vec_each(map, &p->maps)
		if (map->begin == begin)
			return map;
	fail_msg("nothing is mapped at %#" PRIx64, begin);
	return NULL;
}

/* What cannot be opened while no more files may be open is tried again later, of all who have it mapped; and told as what it is then. */
static void opened_when_there_is_room(void **state)
{
	struct ph_mapproc *p = ph_procmaps_add(&maps, getpid(), 3, 1000), *child;
	ph_autofclose FILE *f = fopen("/proc/self/maps", "re");
	ph_autofree char *line = NULL;
	struct rlimit before, none;
	const struct ph_mapping *map;
	uint64_t begin;
	size_t room = 0;

	(void)state;
	while (getline(&line, &room, f) > 0 && !strstr(line, " r-xp "))
		;
	begin = strtoull(line, NULL, 16);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	take(p, line);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(p->maps.v[0].file->missed);
	p->maps.v[0].told = p->maps.v[0].file->told = true;
	ph_procmaps_fork(&maps, p->pid, 1 << 30, 2000);
	child = ph_procmaps_get(&maps, 1 << 30);
	assert_true(child->crowded);
	p->dirty = child->dirty = false;
	ph_procmaps_run(&maps, ph_now_ns());
	assert_true(mapped_from(p, begin)->file->missed);
	/* Nothing is opened while that would have to wait. */
	maps.files->pending = maps.files->may_pend;
	ph_codefiles_expire(maps.files, ph_now_ns() + 10 * PH_NSEC);
	ph_procmaps_run(&maps, ph_now_ns());
	assert_true(mapped_from(p, begin)->file->missed);
	maps.files->pending = 0;
	ph_codefiles_expire(maps.files, ph_now_ns() + 20 * PH_NSEC);
	ph_procmaps_run(&maps, ph_now_ns());
	map = mapped_from(p, begin);
	assert_false(map->file->missed || map->told || map->file->told);
	assert_true(p->tell);
	assert_false(p->crowded);
	take(child, line);
	assert_ptr_equal(child->maps.v[0].file, map->file);
	assert_false(child->maps.v[0].told || child->crowded);
}

/* Where not all files may be open at once that are in stacks, those that were in new ones last have names. */
static void names_take_turns(void **state)
{
	enum { N = 3 };
	struct ph_mapproc *p = ph_procmaps_add(&maps, getpid(), 3, 1000);
	const struct ph_symchild_options o = { 0 };
	struct ph_err err = { 0 };
	struct ph_codefile *file[N];
	const struct ph_mapping *map[N];
	const uint64_t now_ns = ph_now_ns();
	uint64_t open;
	struct ph_file_key key;
	ph_autobuf text = { 0 };
	uint32_t refs;

	(void)state;
	assert_int_equal(ph_symchild_new(&o, &files.namer, &err), 0);
	files.may_hold = 1;
	assert_int_equal(ph_read_file_at(AT_FDCWD, "/proc/self/maps", 1 << 20, &text), 0);
	take(p, text.p);
	for (size_t i = 0, n = 0; n < N; i++) {
		assert_true(i < p->maps.n);
		map[n] = &p->maps.v[i];
		file[n] = map[n]->file;
		n += file[n]->id >= PH_CODE_FILES && (!n || file[n] != file[n - 1]);
	}
	/* Who is open as it is mapped takes nobody's place. */
	assert_true(file[0]->held && !file[0]->in_namer);
	assert_true(ph_codefile_has_names(&files, file[1], p->pid, map[1]));
	assert_int_equal(files.held, 2);
	assert_true(ph_codefile_has_names(&files, file[0], p->pid, map[0]));
	assert_true(file[1]->in_namer);
	open = ph_files_open();
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < N; i++) {
			assert_true(ph_codefile_has_names(&files, file[i], p->pid, map[i]));
			assert_true(file[i]->in_namer);
			assert_true(files.held <= 2);
		}
	/* Who had to go has left nothing open behind. */
	assert_true(ph_files_open() < open + 20);
	/* The first one was seen longer ago than the second, until now. */
	assert_false(file[0]->in_namer || file[0]->held || file[0]->root >= 0);
	assert_true(ph_codefile_has_names(&files, file[1], p->pid, map[1]));
	assert_true(ph_codefile_has_names(&files, file[0], p->pid, map[0]));
	assert_false(file[2]->in_namer);
	/* Of these, names are about to be told. */
	file[0]->unanswered = 1;
	*ph_vec_push(&file[1]->asked) = 1;
	assert_false(ph_codefile_has_names(&files, file[2], p->pid, map[2]));
	file[0]->unanswered = 0;
	assert_true(ph_codefile_has_names(&files, file[2], p->pid, map[2]));
	assert_false(file[0]->in_namer);
	key = file[1]->keys.v[0];
	/* What is not mapped any more is forgotten, once it is closed: its number may be another one's. */
	refs = file[1]->refs;
	while (file[1]->refs)
		ph_codefile_drop(file[1], now_ns);
	ph_codefiles_expire(&files, now_ns + PH_NSEC);
	assert_ptr_equal(ph_codefile_known(&files, &(struct ph_mapped){ .dev = key.dev, .ino = key.ino }, false), file[1]);
	ph_codefile_drop(file[1], now_ns);
	file[1]->asked.n = 0;
	assert_true(ph_codefile_has_names(&files, file[0], p->pid, map[0]));
	assert_false(file[1]->in_namer);
	ph_codefiles_expire(&files, now_ns + 2 * PH_NSEC);
	assert_null(ph_codefile_known(&files, &(struct ph_mapped){ .dev = key.dev, .ino = key.ino }, false));
	file[1]->refs = refs;
	ph_symchild_free(files.namer);
}

/* The kernel tells of code that is mapped: what a process has that ends before its mappings are read. */
static void told_by_the_kernel(void **state)
{
	struct ph_mapproc *p = ph_procmaps_add(&maps, 1 << 30, 3, 1000), *q;
	struct ph_mapped libc = { .begin = 0x7e0000000000, .end = 0x7e0000010000, .offset = 0x26000, .dev = PH_DEV(8, 1), .ino = 77 };
	struct ph_mapped other = { .begin = 0x1000, .end = 0x9000, .dev = PH_DEV(8, 1), .ino = 78 }, anon = other;

	(void)state;
	take(p, LIBC);
	p->maps.v[0].file->missed = false;	/* as if it had been opened */
	q = ph_procmaps_add(&maps, (1 << 30) + 1, 3, 1000);
	q->dirty = q->tell = false;
	ph_procmaps_mapped(&maps, q->pid, &other, false, 2000);
	assert_true(q->dirty);
	assert_int_equal(q->since_ns, 2000);
	assert_int_equal(q->maps.n, 0);		/* of a file that nobody has seen, it is not known what its addresses are */
	assert_false(q->tell);
	ph_procmaps_mapped(&maps, q->pid, &libc, false, 3000);
	assert_true(q->tell);
	assert_int_equal(q->maps.n, 1);
	assert_ptr_equal(q->maps.v[0].file, p->maps.v[0].file);
	assert_int_equal(q->maps.v[0].file->refs, 2);
	/* By address; and what is mapped over others takes their place. */
	anon.ino = 0;
	for (uint64_t at = 0x4000; at >= 0x1000; at -= 0x1000) {
		anon.begin = at;
		anon.end = at + 0x1000;
		ph_procmaps_mapped(&maps, q->pid, &anon, at == 0x1000, 4000);
	}
	assert_int_equal(q->maps.n, 5);
	assert_int_equal(q->maps.v[0].file->id, PH_CODE_VDSO);
	assert_int_equal(q->maps.v[1].begin, 0x2000);
	assert_int_equal(q->maps.v[1].file->id, PH_CODE_ANON);
	assert_int_equal(q->maps.v[4].begin, libc.begin);
	libc.begin = 0x2800;
	libc.end = 0x4800;
	ph_procmaps_mapped(&maps, q->pid, &libc, false, 5000);
	assert_int_equal(q->maps.n, 3);
	assert_int_equal(q->maps.v[1].begin, 0x2800);
	assert_int_equal(q->maps.v[2].begin, 0x7e0000000000);
	assert_int_equal(q->maps.v[1].file->refs, 3);
	/* Another program has nothing of it. */
	ph_procmaps_exec(&maps, q->pid, 6000);
	assert_int_equal(q->maps.n, 0);
	assert_int_equal(p->maps.v[0].file->refs, 1);
	/* Of processes that nobody looks after, nothing is kept. */
	ph_procmaps_mapped(&maps, 99, &libc, false, 7000);
	assert_null(ph_procmaps_get(&maps, 99));
}

static void children(void **state)
{
	struct ph_mapproc *p = ph_procmaps_add(&maps, 1 << 30, 3, 1000), *child;

	(void)state;
	take(p, LIBC);
	p->maps.v[0].told = true;
	p->told_ns = 5000;
	p->stack = 0x7ffc12345678;
	ph_procmaps_fork(&maps, p->pid, p->pid + 1, 6000);
	child = ph_procmaps_get(&maps, (1 << 30) + 1);
	assert_non_null(child);
	assert_int_equal(child->maps.n, 1);
	assert_int_equal(child->stack, p->stack);
	assert_true(child->maps.v[0].told);	/* a reader takes its parent's */
	assert_int_equal(child->maps.v[0].file->refs, 2);
	assert_int_equal(((struct ph_store_map *)ph_store_at(&store, child->pos))->begin, 0x7f0000010000);
	/* Of a process that nobody looks after, neither is the child. */
	ph_procmaps_fork(&maps, 99, 100, 6000);
	assert_null(ph_procmaps_get(&maps, 100));
	/* What the parent had was told later than with the child's birth: of the child it is told as well. */
	ph_procmaps_fork(&maps, p->pid, p->pid + 2, 4000);
	child = ph_procmaps_get(&maps, (1 << 30) + 2);
	assert_false(child->maps.v[0].told);
	assert_true(child->tell);
	child = ph_procmaps_get(&maps, (1 << 30) + 1);
	/* Processes that there are not any more go after a while. */
	ph_procmaps_exit(&maps, child->pid, 2000);
	ph_procmaps_run(&maps, ph_now_ns());
	assert_true(child->gone_ns);
	ph_procmaps_run(&maps, ph_now_ns() + 3 * PH_NSEC);
	assert_null(ph_procmaps_get(&maps, (1 << 30) + 1));
	assert_non_null(ph_procmaps_get(&maps, 1 << 30));
}

/* What the kernel side gave to a child is its parent's: where there is no room for its own, it has none. */
static void refused_children(void **state)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "procs", sizeof(uint32_t), sizeof(struct ph_store_proc), 64, NULL);
	uint32_t parent = 1 << 30, child = parent + 1;
	struct ph_mapproc *p;
	struct ph_store_proc has;
	uint64_t pos;

	(void)state;
	if (fd < 0)
		skip();
	maps.procs_fd = fd;
	p = ph_procmaps_add(&maps, (int32_t)parent, 3, 1000);
	take(p, LIBC);
	ph_procmaps_fork(&maps, p->pid, (int32_t)child, 6000);
	assert_int_equal(bpf_map_lookup_elem(fd, &child, &has), 0);
	assert_int_equal(has.maps, ph_procmaps_get(&maps, (int32_t)child)->pos);
	while (ph_store_alloc(&store, PH_STORE_CHUNK / 2, &pos) == 0 || ph_store_alloc(&store, 32, &pos) == 0)
		;
	/* No room in the store. */
	child++;
	assert_int_equal(bpf_map_update_elem(fd, &child, &has, BPF_NOEXIST), 0);
	ph_procmaps_fork(&maps, p->pid, (int32_t)child, 6000);
	assert_int_equal(maps.refused, 1);
	assert_int_equal(bpf_map_lookup_elem(fd, &child, &has), -ENOENT);
	/* Who had something keeps that. */
	p = ph_procmaps_get(&maps, (int32_t)parent + 1);
	ph_procmaps_fork(&maps, (int32_t)parent, p->pid, 7000);
	assert_int_equal(maps.refused, 2);
	child = parent + 1;
	assert_int_equal(bpf_map_lookup_elem(fd, &child, &has), 0);
	/* Too many processes. */
	for (int32_t pid = 1; maps.refused < 3; pid++)
		ph_procmaps_add(&maps, pid, 3, 1000);
	child = parent + 9;
	assert_int_equal(bpf_map_update_elem(fd, &child, &has, BPF_NOEXIST), 0);
	ph_procmaps_fork(&maps, (int32_t)parent, (int32_t)child, 6000);
	assert_int_equal(bpf_map_lookup_elem(fd, &child, &has), -ENOENT);
	maps.procs_fd = -1;
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(tables, setup, teardown),
		cmocka_unit_test_setup_teardown(strange_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(mappings, setup_maps, teardown_maps),
		cmocka_unit_test_setup_teardown(chosen_inode, setup_maps, teardown_maps),
		cmocka_unit_test(asked_and_read),
		cmocka_unit_test_setup_teardown(strange_mappings, setup_maps, teardown_maps),
		cmocka_unit_test_setup_teardown(refused_children, setup_maps, teardown_maps),
		cmocka_unit_test_setup_teardown(opened_too_late, setup_maps, teardown_maps),
		cmocka_unit_test_setup_teardown(opened_when_there_is_room, setup_maps, teardown_maps),
		cmocka_unit_test_setup_teardown(names_take_turns, setup_maps, teardown_maps),
		cmocka_unit_test_setup_teardown(told_by_the_kernel, setup_maps, teardown_maps),
		cmocka_unit_test_setup_teardown(children, setup_maps, teardown_maps),
	};

	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
