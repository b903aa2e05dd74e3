/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <dlfcn.h>
#include <string.h>

#include "symbol_fixture.h"

/*
 * Inlined functions and source lines, and where they are looked for, against addr2line. With files as arguments: these, at
 * addresses all over their code.
 */

static char dir[] = "/tmp/test_symbol_debug.XXXXXX";

/* Run in `dir`, to succeed. */
static void run(const char *fmt, ...)
{
	char *cmd, *in;
	va_list ap;
	int r;

	va_start(ap, fmt);
	if (vasprintf(&cmd, fmt, ap) < 0)
		abort();
	va_end(ap);
	in = ph_asprintf("cd %s && { %s\n}", dir, cmd);
	r = system(in);
	if (r)
		fail_msg("%s: %d", cmd, r);
	free(cmd);
	free(in);
}

static const char *in_dir(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* One line of addr2line's, without what is behind it. */
static char *next_line(char **at)
{
	char *s = strsep(at, "\n");

	return s && *s ? s : NULL;
}

struct compared {
	size_t places, frames, inlined;
	bool aliases;		/* a function may have other names than the one in its debug information */
	size_t aliased;
};

static void same_frame(struct compared *sum, const struct ph_symname *s, const struct ph_symname *outer, const char *function, char *place,
		       uint64_t addr, bool last)
{
	char *colon = strrchr(place, ':'), *discriminator = strstr(place, " (disc");
	unsigned long line;

	if (discriminator) {
		*discriminator = 0;
		colon = strrchr(place, ':');
	}
	assert_non_null(colon);
	*colon = 0;
	line = strtoul(colon + 1, NULL, 10);
	/* Of a function that is local to its file it says the bare name; and of what is inlined, sometimes the symbol's. */
	if (sum->aliases && last && strcmp(function, s->name))
		sum->aliased++;
	else if (!strstr(s->name, function) && strcmp(function, outer->name) && strcmp(function, "??"))
		fail_msg("%#llx: '%s', and not '%s'", (unsigned long long)addr, s->name, function);
	if (line && s->line != line)
		fail_msg("%#llx in %s: line %u, and not %lu", (unsigned long long)addr, function, s->line, line);
	if (line)
		assert_string_equal(ph_basename(s->source), ph_basename(place));
	assert_int_equal(s->inlined, !last);
}

/* @path is as it is mapped, @debug what addr2line is given; every address of the list. */
static struct compared compare(struct ph_symchild *c, uint32_t file, const char *debug, const char *list, bool aliases)
{
	ph_autofree char *out = said("addr2line -afiC -e %s < %s", debug, list);
	struct compared sum = { .aliases = aliases };
	char *at = out, *line = next_line(&at);

	while (line && line[0] == '0') {
		uint64_t addr = strtoull(line, NULL, 16);
		const struct ph_symname *s;
		size_t n, i = 0;

		s = ph_symchild_name(c, file, addr, &n);
		sum.places++;
		for (line = next_line(&at); line && strncmp(line, "0x", 2); line = next_line(&at), i++) {
			char *function = line, *place = next_line(&at);
			bool last = !at || !strncmp(at, "0x", 2) || !*at;

			assert_non_null(place);
			if (i >= n)
				fail_msg("%#llx: %zu frames, and not '%s'", (unsigned long long)addr, n, function);
			same_frame(&sum, &s[i], &s[n - 1], function, place, addr, last);
			sum.frames++;
			sum.inlined += s[i].inlined;
		}
		assert_int_equal(i, n);
	}
	return sum;
}

/* Every address of its code. */
static void all_addresses(const char *path, unsigned int step, const char *list)
{
	run("readelf -SW %s | awk '$2 == \".text\" || $3 == \".text\" { sub(/.*PROGBITS/, \"\"); print $1, $3 }' |"
	    " { read -r a n; i=0; while [ $i -lt $((0x$n)) ]; do printf '0x%%x\\n' $((0x$a + i)); i=$((i + %u)); done; } > %s",
	    path, step, list);
}

static void build(const char *name, const char *flags)
{
	run("g++ -g -O2 -fno-ident -Wl,--build-id %s -o %s %s/inlined.cc", flags, name, PH_SYMBOL_SOURCES);
}

/* Where functions that are nowhere by themselves were put: what addr2line says is innermost there. */
static void inlined_places(struct ph_symchild *c, const char *path)
{
	static const char *const patterns[] = { "shop::twice", "long shop::twice<long>(long)", "shop::(anonymous namespace)::four_times",
						"shop::Order::one(long)", "*four_tim*" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(patterns); i++) {
		const char *last = strrchr(patterns[i], ':') ? strrchr(patterns[i], ':') + 1 : "four_tim";
		struct ph_symfuncs f;

		assert_int_equal(ph_symchild_find(c, 1, patterns[i], 0, &f, NULL), 0);
		assert_true(f.list.n > 0);
		ph_vec_each(s, &f.list) {
			ph_autofree char *there = said("addr2line -fiC -e %s 0x%lx | head -n 1", path, s->vaddr);

			assert_true(s->inlined && s->offset && strstr(s->shown, " in shop::Order::total(int, char const*)"));
			/* It may begin with another one that was put into it. */
			if (!strncmp(last, "twice", 5))
				assert_non_null(strstr(there, "twice"));
		}
		ph_symfuncs_done(&f);
	}
}

static void test_inlined(void **state)
{
	static const char *const flags[] = { "-static", "-gdwarf-4 -shared -fPIC",
					     "-gz=zlib -fno-pie -no-pie -ffunction-sections -Wl,--gc-sections" };

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(flags); i++) {
		ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
		struct compared sum;
		ph_autofree char *path = NULL;

		build("whole", flags[i]);
		path = ph_strdup(in_dir("whole"));
		add_path(c, 1, path);
		run("nm -S %s | awk '/total|hidden|entry| main/ && $3 ~ /^[tT]$/' | while read -r a n _; do"
		    " i=0; while [ $i -lt $((0x$n)) ]; do printf '0x%%x\\n' $((0x$a + i)); i=$((i + 1)); done; done > list",
		    path);
		sum = compare(c, 1, path, in_dir("list"), false);
		assert_true(sum.places >= 240);
		assert_true(sum.inlined > 50);
		inlined_places(c, path);
	}
}

/* As a container has it: /usr/bin/app without symbols, found in a root of its own. */
static const struct ph_symfile *add_in_root(struct ph_symchild *c, uint32_t file)
{
	ph_autoclose int root = open(in_dir("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct ph_symfile_new what = { .path = "/usr/bin/app", .root = root };

	what.fd = open(in_dir("root/usr/bin/app"), O_RDONLY | O_CLOEXEC);
	assert_true(root >= 0 && what.fd >= 0);
	assert_int_equal(ph_symchild_add(c, file, &what, NULL), 0);
	return ph_symchild_file(c, file);
}

/* Everything is there: a local function that was inlined, by an address that nm tells of the file with symbols. */
static void is_known(struct ph_symchild *c, uint32_t file, bool dwarf)
{
	ph_autofree char *nm = said("nm -S %s/whole | awk '/hidden/ { print $1 }' | head -1", dir);
	ph_autofree char *list = NULL;
	size_t n;
	const struct ph_symname *s = ph_symchild_name(c, file, strtoull(nm, NULL, 16), &n);

	assert_string_equal(s[n - 1].name, "shop::hidden(long)");
	assert_int_equal(s[n - 1].line != 0, dwarf);
	if (dwarf)
		assert_string_equal(ph_basename(s[n - 1].source), "inlined.cc");
}

static void new_root(const char *flags)
{
	run("rm -rf root; mkdir -p root/usr/bin/.debug root/usr/lib/debug/usr/bin");
	build("whole", flags);
	run("objcopy --only-keep-debug whole whole.debug; strip -o root/usr/bin/app whole");
}

static void test_debug_by_build_id(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	const struct ph_symfile *f;

	(void)state;
	new_root("-pie -Wl,--build-id=0xabcd1234567890");
	f = add_in_root(c, 1);
	assert_null(f->debug_path);
	assert_int_equal(f->from & (PH_SYMBOL_DWARF | PH_SYMBOL_SYMTAB | PH_SYMBOL_SEPARATE), 0);
	/* Of another program, in its place; then its own, by a link that is absolute in the container. */
	run("mkdir -p root/usr/lib/debug/.build-id/ab; cp /proc/self/exe root/usr/lib/debug/.build-id/ab/cd1234567890.debug");
	assert_null(add_in_root(c, 2)->debug_path);
	run("cp whole.debug root/usr/lib/debug/here; ln -sf /usr/lib/debug/here root/usr/lib/debug/.build-id/ab/cd1234567890.debug");
	f = add_in_root(c, 3);
	assert_non_null(f->debug_path);
	assert_string_equal(f->debug_path, "/usr/lib/debug/.build-id/ab/cd1234567890.debug");
	assert_true(f->from & PH_SYMBOL_DWARF);
	assert_true(f->from & PH_SYMBOL_SEPARATE);
	is_known(c, 3, true);
	/* The next child is told of it, too. */
	stop(c, 1, SIGKILL);
	add_in_root(c, 4);
	is_known(c, 4, true);
	/* A fifo in its place holds nobody up. */
	run("cd root/usr/lib/debug/.build-id/ab; rm *; mkfifo cd1234567890.debug");
	assert_null(add_in_root(c, 5)->debug_path);
	run("cd root/usr/lib/debug/.build-id/ab; rm *; ln -s /dev/zero cd1234567890.debug");
	assert_null(add_in_root(c, 6)->debug_path);
}

static void test_debuglink(void **state)
{
	static const char *const places[] = { "usr/bin/app.debug", "usr/bin/.debug/app.debug",
					      "usr/lib/debug/usr/bin/app.debug" };
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *path = ph_strdup(in_dir("root/usr/bin/app"));
	struct ph_symfile_new what = { .path = path };

	(void)state;
	new_root("-no-pie -Wl,--build-id=none");
	run("mv whole.debug app.debug; objcopy --add-gnu-debuglink=app.debug root/usr/bin/app");
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(places); i++) {
		const struct ph_symfile *f;

		run("cp app.debug root/%s", places[i]);
		f = add_in_root(c, i + 1);
		assert_string_equal(f->build_id, "");
		assert_non_null(f->debug_path);
		assert_string_equal(f->debug_path + 1, places[i]);
		is_known(c, i + 1, true);
		/* Its bytes are what they were when the link was made, or it is another one. */
		run("printf x >> root/%s", places[i]);
		assert_null(add_in_root(c, i + 11)->debug_path);
		run("rm root/%s", places[i]);
	}
	/* Of who has the host's root, beside the file as well. */
	run("cp app.debug root/usr/bin/app.debug");
	what.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	what.fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(ph_symchild_add(c, 99, &what, NULL), 0);
	close(what.root);
	is_known(c, 99, true);
}

static void test_minidebuginfo(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	const struct ph_symfile *f;

	(void)state;
	new_root("-pie");
	run("objcopy -S --keep-symbol=_ZN4shopL6hiddenEl whole.debug mini; xz -c mini > mini.xz;"
	    " objcopy --add-section .gnu_debugdata=mini.xz root/usr/bin/app");
	f = add_in_root(c, 1);
	assert_true(f->from & PH_SYMBOL_DEBUGDATA);
	assert_false(f->from & PH_SYMBOL_SYMTAB);
	is_known(c, 1, false);
	/* What unpacks to more than there is room for, and what is broken, costs its symbols and nothing else. */
	run("strip -o bare whole; head -c 100M /dev/zero | xz -0 -c > bomb.xz;"
	    " objcopy --add-section .gnu_debugdata=bomb.xz bare bomb; mv bomb root/usr/bin/app");
	add_in_root(c, 2);
	run("head -c 3000 /dev/urandom > noise; objcopy --add-section .gnu_debugdata=noise bare noisy; mv noisy root/usr/bin/app");
	add_in_root(c, 3);
	for (uint32_t i = 2; i <= 3; i++) {
		size_t n;

		assert_string_equal(ph_symchild_name(c, i, 0x1234, &n)->source, "");
		assert_int_equal(n, 1);
	}
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* Where they begin is told still: every byte of every function, against the symbols that the file had. */
static void test_without_names(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *list = NULL;
	unsigned int functions = 0;

	(void)state;
	build("whole", "-no-pie");
	run("strip -o bare whole");
	add_path(c, 1, in_dir("bare"));
	list = said("nm -S %s/whole | awk '/total|hidden|entry| main/ && $3 ~ /^[tTW]$/ { print $1, $2 }'", dir);
	for (char *save, *line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long addr, size;

		assert_int_equal(sscanf(line, "%lx %lx", &addr, &size), 2);
		for (unsigned long i = 0; i < size; i++) {
			size_t n;
			const struct ph_symname *s = ph_symchild_name(c, 1, addr + i, &n);

			assert_int_equal(n, 1);
			assert_string_equal(s->name, "");
			assert_int_equal(s->offset, i);
		}
		functions++;
	}
	assert_in_range(functions, 3, 100);
	/* What no function is known of. */
	assert_int_equal(ph_symchild_name(c, 1, 0x10, &(size_t){ 0 })->offset, 0);
}

/* Entries of the PLT as objdump names them: called lazily, marked for indirect branch tracking, and filled in at once. */
static void test_plt(void **state)
{
	static const char *const flags[] = { "-no-pie", "-fcf-protection -Wl,-z,ibtplt", "-Wl,-z,now" };

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(flags); i++) {
		ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
		ph_autofree char *list = NULL;
		unsigned int seen = 0;

		build("whole", flags[i]);
		run("strip -o bare whole");
		list = said("objdump -d -j .plt -j .plt.sec -j .plt.got %s/bare 2>/dev/null | sed -n 's/^0*\\([0-9a-f]*\\) <\\(.*\\)>:/\\1 \\2/p'",
			    dir);
		add_path(c, 1, in_dir("bare"));
		for (char *save, *line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			unsigned long addr;
			char name[128];
			size_t n;

			/* objdump counts from the last name where an entry has none. */
			if (sscanf(line, "%lx %127s", &addr, name) != 2 || !strstr(name, "@plt") || strpbrk(name, "+-*"))
				continue;
			assert_string_equal(ph_symchild_name(c, 1, addr, &n)->name, name);
			assert_string_equal(ph_symchild_name(c, 1, addr + 5, &n)->name, name);
			seen++;
		}
		assert_in_range(seen, 3, 100);
	}
}

/* The same of C++: objdump reads the name and leaves the mark. */
static void test_plt_of_cplusplus(void **state)
{
	static const char name[] = "shop::Order::total(int, char const*) const@plt";
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *at = NULL;
	size_t n;

	(void)state;
	run("echo 'namespace shop { struct Order { int total(int, const char *) const; }; } "
	    "int twice(const shop::Order &o) { return o.total(3, \"\") * 2; }' >calls.cc");
	run("g++ -O1 -fPIC -shared -o calls.so calls.cc");
	at = said("objdump -dC %s/calls.so | grep -F '<%s>:'", dir, name);
	add_path(c, 1, in_dir("calls.so"));
	assert_string_equal(ph_symchild_name(c, 1, strtoul(at, NULL, 16), &n)->name, name);
}

static uintptr_t handler_returns_to;

static void on_signal(int sig)
{
	(void)sig;
	handler_returns_to = (uintptr_t)__builtin_return_address(0);
}

/* What the kernel lets a signal's handler return to, in a library that has no symbol of it. */
static void test_signal_return(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	Dl_info info, libc;
	uint64_t vaddr;
	size_t n;

	(void)state;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	assert_true(dladdr((void *)(uintptr_t)&strtoull, &libc));
	/* On arm64 it is the kernel's own. */
	if (!dladdr((void *)handler_returns_to, &info) || info.dli_fbase != libc.dli_fbase)
		skip();
	vaddr = handler_returns_to - (uintptr_t)libc.dli_fbase;
	/* With a build id that no debug file has. */
	run("cp -L %s bare; objcopy --dump-section .note.gnu.build-id=id bare 2>/dev/null; printf other | dd of=id bs=1 seek=16 conv=notrunc status=none;"
	    " objcopy -S --update-section .note.gnu.build-id=id bare", libc.dli_fname);
	add_path(c, 1, in_dir("bare"));
	assert_string_equal(ph_symchild_name(c, 1, vaddr, &n)->name, "__restore_rt");
	assert_int_equal(ph_symchild_name(c, 1, vaddr, &n)->offset, 0);
	assert_string_equal(ph_symchild_name(c, 1, vaddr + 8, &n)->name, "__restore_rt");
	assert_string_not_equal(ph_symchild_name(c, 1, vaddr - 1, &n)->name, "__restore_rt");
	assert_string_not_equal(ph_symchild_name(c, 1, vaddr + 9, &n)->name, "__restore_rt");
}

static char **files;

static void test_files(void **state)
{
	(void)state;
	for (char **path = files; *path; path++) {
		ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
		struct compared sum;

		add_path(c, 1, *path);
		all_addresses(*path, 997, "list");
		sum = compare(c, 1, *path, in_dir("list"), true);
		printf("%s: %zu places, %zu functions, %zu inlined, %zu by another name\n", *path, sum.places,
		       sum.frames, sum.inlined, sum.aliased);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inlined),
		cmocka_unit_test(test_debug_by_build_id),
		cmocka_unit_test(test_debuglink),
		cmocka_unit_test(test_minidebuginfo),
		cmocka_unit_test(test_without_names),
		cmocka_unit_test(test_plt),
		cmocka_unit_test(test_plt_of_cplusplus),
		cmocka_unit_test(test_signal_return),
	};
	const struct CMUnitTest given[] = {
		cmocka_unit_test(test_files),
	};
	int r;

	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	if (!mkdtemp(dir))
		return 1;
	files = argv + 1;
	r = argc > 1 ? cmocka_run_group_tests(given, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
	run("rm -rf %s", dir);
	return r;
}
