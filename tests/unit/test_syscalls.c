/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/buf.h"
#include "event/syscalls.h"

/* ---- the numbers of all three architectures, straight from the table's source ---- */

enum { NO = -1 };

static const struct numbers {
	const char *name;
	int nr[3];
} numbers[] = {
#define PH_SYSCALL(name, x, a, i, ...) { #name, { x, a, i } },
#include "event/syscalls.def"
#undef PH_SYSCALL
};

enum { X86_64, ARM64, I386 };

/* Names in <asm/unistd.h> whose call the kernel itself names otherwise. */
static const struct {
	const char *header, *ours;
} other_names[] = {
	{ "stat", "newstat" }, { "fstat", "newfstat" }, { "lstat", "newlstat" },
	{ "uname", "newuname" }, { "umount2", "umount" }, { "sendfile", "sendfile64" },
	{ "_sysctl", "sysctl" }, { "fadvise64", "fadvise64_64" }, { "fstatat", "newfstatat" },
	/* The generic header has both; which one an architecture takes, its own header says. */
	{ "sync_file_range2", "sync_file_range" },
	/* i386 */
	{ "oldstat", "stat" }, { "oldfstat", "fstat" }, { "oldlstat", "lstat" },
	{ "umount", "oldumount" }, { "oldolduname", "olduname" }, { "olduname", "uname" },
	{ "getrlimit", "old_getrlimit" }, { "ugetrlimit", "getrlimit" }, { "select", "old_select" },
	{ "_newselect", "select" }, { "readdir", "old_readdir" }, { "mmap", "old_mmap" },
	{ "mmap2", "mmap_pgoff" }, { "_llseek", "llseek" },
};

/* i386's wide user ids, narrow times and split 64-bit arguments show in the kernel's names. */
static bool i386_variant(const char *header, const char *ours)
{
	static const char *const ends[][2] = {	/* of the header's, of ours */
		{ "", "16" }, { "32", "" }, { "", "_time32" }, { "", "32" }, { "64", "" },
		{ "_time64", "" },
	};
	char h[64], o[64];

	for (size_t i = 0; i < PH_ARRAY_SIZE(ends); i++) {
		size_t nh = strlen(header), ne = strlen(ends[i][0]);

		if (nh < ne || strcmp(header + nh - ne, ends[i][0]) != 0)
			continue;
		snprintf(h, sizeof(h), "%.*s%s", (int)(nh - ne), header, ends[i][1]);
		if (strcmp(h, ours) == 0)
			return true;
	}
	snprintf(o, sizeof(o), "ia32_%s", header);
	return strcmp(o, ours) == 0;
}

static bool same_call(const char *header, const char *ours, int column)
{
	if (strcmp(header, ours) == 0)
		return true;
	for (size_t i = 0; i < PH_ARRAY_SIZE(other_names); i++)
		if (strcmp(header, other_names[i].header) == 0 && strcmp(ours, other_names[i].ours) == 0)
			return true;
	return column == I386 && i386_variant(header, ours);
}

static const struct numbers *number(int column, int nr)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(numbers); i++)
		if (numbers[i].nr[column] == nr)
			return &numbers[i];
	return NULL;
}

/* Every number that a header defines is in the column, under the header's name. */
static int check_header(FILE *f, int column)
{
	char line[256], name[64], of[16];
	int nr, n = 0;

	while (fgets(line, sizeof(line), f)) {
		const struct numbers *s;

		if (sscanf(line, "#define __NR_%63s %d", name, &nr) != 2) {
			/* asm-generic's numbers of calls that have another name with 32 bits */
			if (sscanf(line, "#define __NR%15[3264]_%63s %d", of, name, &nr) != 3)
				continue;
		}
		if (strcmp(name, "syscalls") == 0 || strcmp(name, "arch_specific_syscall") == 0)
			continue;	/* how many there are, and room for more */
		if (column == ARM64 && nr >= 403 && nr <= 423)
			continue;	/* times of 64 bits, for 32-bit architectures */
		s = number(column, nr);
		if (!s)
			fail_msg("%s, number %d, is missing", name, nr);
		if (!same_call(name, s->name, column))
			fail_msg("number %d is %s, not %s", nr, name, s->name);
		n++;
	}
	return n;
}

static FILE *open_header(const char *name)
{
	static const char *const dirs[] = {
		"/usr/include/x86_64-linux-gnu/asm", "/usr/include/aarch64-linux-gnu/asm",
		"/usr/include/asm", "/usr/include",
	};
	char path[128];

	for (size_t i = 0; i < PH_ARRAY_SIZE(dirs); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		f = fopen(path, "r");
		if (f)
			return f;
	}
	return NULL;
}

static void header_numbers(const char *header, int column, int at_least)
{
	FILE *f = open_header(header);

	if (!f)
		skip();
	assert_true(check_header(f, column) >= at_least);
	fclose(f);
}

static void x86_64_numbers(void **state) { header_numbers("unistd_64.h", X86_64, 350); }
static void i386_numbers(void **state) { header_numbers("unistd_32.h", I386, 400); }
static void arm64_numbers(void **state) { header_numbers("asm-generic/unistd.h", ARM64, 290); }

static void numbers_are_unique(void **state)
{
	for (int column = X86_64; column <= I386; column++) {
		for (size_t i = 0; i < PH_ARRAY_SIZE(numbers); i++) {
			const struct numbers *s = &numbers[i];

			if (s->nr[column] >= 0 && number(column, s->nr[column]) != s)
				fail_msg("%s: %d is twice in column %d", s->name, s->nr[column], column);
			/* Since 5.1 a new call has one number everywhere. */
			if (s->nr[column] >= 424 && s->nr[X86_64] >= 0)
				assert_int_equal(s->nr[column], s->nr[X86_64]);
		}
	}
}

static void native_numbers(void **state)
{
	assert_int_equal(ph_syscall_by_name("openat")->nr, SYS_openat);
	assert_int_equal(ph_syscall_by_name("clone")->nr, SYS_clone);
	assert_int_equal(ph_syscall_by_name("execve")->nr, SYS_execve);
	assert_int_equal(ph_syscall_by_name("newuname")->nr, SYS_uname);
	assert_int_equal(ph_syscall_by_name("file_setattr")->nr, 469);
	assert_int_equal(ph_syscall_by_name("statmount")->nr, 457);
}

/* A trace may be of another machine: calls that only that one has are known by their names, and are none that can be recorded here. */
static void calls_of_other_machines(void **state)
{
#ifdef __x86_64__
	const int here = X86_64;
#else
	const int here = ARM64;
#endif
	const struct ph_class *c;

	for (size_t i = 0; i < PH_ARRAY_SIZE(numbers); i++) {
		const struct numbers *s = &numbers[i];
		ph_autofree char *entry = ph_asprintf("syscall_entry_%s", s->name), *exit = ph_asprintf("syscall_exit_%s", s->name);

		if (s->nr[X86_64] < 0 && s->nr[ARM64] < 0)
			continue;
		if (!ph_class_by_name(entry) || !ph_class_by_name(exit) || !ph_syscall_by_name(s->name))
			fail_msg("%s is not known", s->name);
		c = ph_class_by_name(entry);
		assert_ptr_equal(ph_class_by_id(c->id), c);
		assert_ptr_equal(ph_syscall_by_nr(c->syscall_nr, false)->entry, c);
		if (s->nr[here] >= 0)
			assert_int_equal(c->syscall_nr, s->nr[here]);
	}
	for (size_t i = 0; (c = ph_class_nth(i)); i++)
		assert_true(c->syscall_nr < PH_SYSCALL_ELSEWHERE);
}

/* ---- against the running kernel's own description of its calls ---- */

/* Arguments whose field has another name than in the kernel: LTTng's. */
static const struct {
	const char *call, *kernel, *ours;
} other_args[] = {
	{ "clone", "clone_flags", "flags" }, { "clone", "parent_tidptr", "parent_tid" },
	{ "clone", "child_tidptr", "child_tid" }, { "mmap", "off", "offset" },
	{ "socketpair", "usockvec", "socket" },
};

/* LTTng gives mmap's small arguments 32 bits. */
static bool other_width(const char *call)
{
	return strcmp(call, "mmap") == 0;
}

static const struct ph_field *arg_field(const struct ph_syscall *s, unsigned int arg,
					bool *captured)
{
	for (int d = 0; d < 2; d++) {
		const struct ph_class *c = d ? s->exit : s->entry;
		const struct ph_capture *cap = d ? s->out : s->in;
		const uint8_t *src = d ? s->exit_src : s->entry_src;

		for (uint32_t i = 0; i < c->nfields; i++) {
			*captured = src[i] == PH_SRC_CAPTURE;
			if (*captured ? cap++->arg == arg : src[i] == arg)
				return &c->fields[i];
		}
	}
	return NULL;
}

static unsigned int c_bits(const char *type)
{
	if (strchr(type, '*') || strstr(type, "long") || strstr(type, "size_t") || strstr(type, "off_t") ||
	    strstr(type, "64") || strstr(type, "cap_user") || strstr(type, "aio_context_t"))
		return 64;
	return strstr(type, "umode_t") ? 16 : 32;
}

static void check_arg(const struct ph_syscall *s, unsigned int i, const char *type,
		      const char *name)
{
	bool captured = false, pointer = strchr(type, '*') || strstr(type, "cap_user"), is_signed;
	const struct ph_field *f = arg_field(s, i, &captured);

	if (!f)
		fail_msg("%s: no field for argument %u, %s", s->name, i, name);
	for (size_t k = 0; k < PH_ARRAY_SIZE(other_args); k++)
		if (strcmp(other_args[k].call, s->name) == 0 && strcmp(other_args[k].kernel, name) == 0)
			name = other_args[k].ours;
	if (strcmp(f->name, name) != 0)
		fail_msg("%s: argument %u is %s, not %s", s->name, i, name, f->name);
	if (captured) {
		if (!pointer)
			fail_msg("%s: %s is captured, but it is no pointer", s->name, name);
		return;
	}
	if (other_width(s->name))
		return;
	if (f->type->bits != c_bits(type))
		fail_msg("%s: %s has %u bits, not %u", s->name, name, f->type->bits, c_bits(type));
	is_signed = strcmp(type, "int ") == 0 || strcmp(type, "long ") == 0 ||
		    strcmp(type, "pid_t ") == 0 || strcmp(type, "loff_t ") == 0;
	/* Flags and addresses are shown in base 16, without a sign. */
	if (is_signed && f->type->base == 10 && f->type->kind != PH_KIND_INT && f->unit != PH_UNIT_MODE)
		fail_msg("%s: %s has a sign", s->name, name);
	if (pointer && f->type->base != 16)
		fail_msg("%s: %s is a pointer", s->name, name);
}

static void check_format(FILE *f, const struct ph_syscall *s)
{
	char line[256], type[160], name[64];
	unsigned int n = 0;
	bool args = false;

	while (fgets(line, sizeof(line), f)) {
		char *last;

		if (strstr(line, "__syscall_nr")) {
			args = true;
			continue;
		}
		if (!args || sscanf(line, " field:%159[^;]", type) != 1)
			continue;
		last = strrchr(type, ' ');
		assert_non_null(last);
		snprintf(name, sizeof(name), "%s", last + 1);
		last[1] = '\0';
		check_arg(s, n, type, name);
		n++;
	}
	if (n != s->nargs)
		fail_msg("%s has %u arguments, not %u", s->name, n, s->nargs);
}

#define FORMATS "/sys/kernel/tracing/events/syscalls/sys_enter_*/format"

static void kernel_formats(void **state)
{
	int n = 0;
	glob_t g;

	/* Where nobody has mounted tracefs, for this process alone. */
	if (glob(FORMATS, 0, NULL, &g) != 0 &&
	    (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	     mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL) != 0 ||
	     glob(FORMATS, 0, NULL, &g) != 0))
		skip();
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const struct ph_syscall *s;
		char name[64];
		FILE *f;

		assert_int_equal(sscanf(g.gl_pathv[i],
			"/sys/kernel/tracing/events/syscalls/sys_enter_%63[^/]", name), 1);
		s = ph_syscall_by_name(name);
		f = fopen(g.gl_pathv[i], "r");
		if (!f)
			continue;
		/* A newer kernel may have calls that are not known here. */
		if (s) {
			check_format(f, s);
			n++;
		}
		fclose(f);
	}
	globfree(&g);
	assert_true(n > 300 || n == 0);
}

/* ---- the table in itself ---- */

static unsigned int check_captures(const struct ph_syscall *s, const struct ph_capture *cap)
{
	unsigned int n;

	for (n = 0; n < PH_MAX_CAPTURES && cap[n].kind != PH_CAP_NONE; n++) {
		const struct ph_capture *c = &cap[n];
		bool has_len = c->kind == PH_CAP_ARG_LEN || c->kind == PH_CAP_PTR_LEN ||
			       c->kind == PH_CAP_RET_LEN || c->kind == PH_CAP_IOVEC;

		assert_in_range(c->arg, 0, s->nargs - 1);
		if (has_len) {
			assert_in_range(c->len_arg, 0, s->nargs - 1);
			assert_int_not_equal(c->arg, c->len_arg);
		} else {
			assert_int_equal(c->len_arg, 0);
		}
		if (c->kind == PH_CAP_ARG_LEN || c->kind == PH_CAP_RET_LEN || c->kind == PH_CAP_FIXED)
			assert_int_not_equal(c->len, 0);
	}
	return n;
}

static void check_class(const struct ph_syscall *s, const struct ph_class *c, const uint8_t *src,
			const struct ph_capture *cap, bool at_exit, bool compat)
{
	unsigned int captures = 0;
	char name[96];

	snprintf(name, sizeof(name), "%ssyscall_%s_%s", compat ? "compat_" : "",
		 at_exit ? "exit" : "entry", s->name);
	assert_string_equal(c->name, name);
	assert_int_equal(c->group, PH_GROUP_SYSCALL);
	assert_int_equal(c->syscall_nr, s->nr);
	assert_int_equal(c->nctx, 0);
	for (uint32_t i = 0; i < c->nfields; i++) {
		const struct ph_field *f = &c->fields[i];

		assert_non_null(f->name);
		assert_non_null(f->doc);
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(f->name, c->fields[j].name);
		if (src[i] == PH_SRC_CAPTURE) {
			assert_true(captures < PH_MAX_CAPTURES);
			assert_true(f->type->kind == PH_KIND_STR || f->type->kind == PH_KIND_BYTES ||
				    f->type->kind == PH_KIND_SEQ);
			if (f->type->kind == PH_KIND_SEQ)
				assert_int_equal(cap[captures].len % 4, 0);
			captures++;
		} else if (src[i] == PH_SRC_RET) {
			assert_true(at_exit && i == 0);
			assert_int_equal(f->type->bits, 64);
		} else if (src[i] == PH_SRC_NR) {
			assert_int_equal(s->nr, -1);
		} else {
			assert_in_range(src[i], 0, s->nargs - 1);
			assert_true(f->type->kind == PH_KIND_INT || f->type->kind == PH_KIND_UINT);
			assert_true(f->type->bits <= (compat ? 32 : 64));
		}
	}
	assert_int_equal(captures, check_captures(s, cap));
	if (at_exit) {
		assert_string_equal(c->fields[0].name, "ret");
		assert_int_equal(src[0], PH_SRC_RET);
		assert_int_equal(c->fields[0].unit, PH_UNIT_RET);
	}
	assert_ptr_equal(ph_class_by_id(c->id), c);
	assert_ptr_equal(ph_class_by_name(c->name), c);
}

static void table_is_sound(void **state)
{
	for (int compat = 0; compat < 2; compat++) {
		int n = 0;

		for (int nr = -1; nr <= ph_syscall_end(compat); nr++) {
			const struct ph_syscall *s = nr < 0 ? ph_syscall_unknown(compat)
							    : ph_syscall_by_nr(nr, compat);

			if (!s)
				continue;
			assert_int_equal(s->nr, nr);
			assert_in_range(s->nargs, 0, 6);
			check_class(s, s->entry, s->entry_src, s->in, false, compat);
			check_class(s, s->exit, s->exit_src, s->out, true, compat);
			n++;
		}
#ifdef __x86_64__
		assert_true(n > (compat ? 430 : 370));
#endif
	}
	assert_null(ph_syscall_by_nr(-1, false));
	assert_null(ph_syscall_by_nr(ph_syscall_end(false), false));
	assert_null(ph_syscall_by_nr(1 << 30, true));
	assert_null(ph_syscall_by_name("syscall_entry_openat"));
}

static void classes_ascend(void **state)
{
	const struct ph_class *c;
	uint32_t last = 0;
	size_t n = 0;

	for (size_t i = 0; (c = ph_class_nth(i)); i++) {
		assert_true(c->id > last && c->id < PH_EV_ID_MAX);
		last = c->id;
		n++;
	}
	assert_int_equal(last, PH_EV_COMPAT_EXIT + PH_SYSCALL_UNKNOWN);
	assert_true(n > 600);
	assert_int_equal(ph_class_by_name("syscall_exit_unknown")->id,
			 PH_EV_SYSCALL_EXIT + PH_SYSCALL_UNKNOWN);
}

/* ---- samples, field by field ---- */

static void fields_are(const char *class, const char *fields)
{
	const struct ph_class *c = ph_class_by_name(class);
	char s[256] = "";

	assert_non_null(c);
	for (uint32_t i = 0; i < c->nfields; i++) {
		const struct ph_type *t = c->fields[i].type;
		size_t n = strlen(s);
		const char *k = t->kind == PH_KIND_INT ? "s" : t->base == 16 ? "x" : t->base == 8 ? "o" : "u";

		if (t->kind == PH_KIND_STR || t->kind == PH_KIND_BYTES || t->kind == PH_KIND_SEQ)
			snprintf(s + n, sizeof(s) - n, "%s%s %s", i ? ", " : "",
				 t->kind == PH_KIND_STR ? "str" : t->kind == PH_KIND_SEQ ? "seq" : "bytes",
				 c->fields[i].name);
		else
			snprintf(s + n, sizeof(s) - n, "%s%s%u %s", i ? ", " : "", k, t->bits, c->fields[i].name);
	}
	assert_string_equal(s, fields);
}

static void samples(void **state)
{
	const struct ph_syscall *s;

	fields_are("syscall_entry_openat", "s32 dfd, str filename, x32 flags, o16 mode");
	fields_are("syscall_exit_openat", "s64 ret");
	fields_are("syscall_entry_read", "u32 fd, u64 count");
	fields_are("syscall_exit_read", "s64 ret, x64 buf, bytes buf_data");
	fields_are("syscall_entry_write", "u32 fd, x64 buf, bytes buf_data, u64 count");
	fields_are("syscall_exit_pipe2", "s64 ret, seq fildes");
	fields_are("syscall_exit_mmap", "x64 ret");
	fields_are("syscall_entry_getppid", "");
	fields_are("syscall_entry_connect", "s32 fd, x64 uservaddr, bytes uservaddr_data, s32 addrlen");
	fields_are("syscall_entry_execve", "str filename, bytes argv, x64 envp");
	fields_are("syscall_entry_unknown",
		   "s32 nr, x64 arg0, x64 arg1, x64 arg2, x64 arg3, x64 arg4, x64 arg5");
	fields_are("syscall_exit_unknown", "s64 ret, s32 nr");
#ifdef __x86_64__
	fields_are("compat_syscall_entry_write", "u32 fd, x32 buf, bytes buf_data, u32 count");
	fields_are("compat_syscall_exit_mmap_pgoff", "x64 ret");
	assert_int_equal(ph_class_by_name("compat_syscall_entry_openat")->id, PH_EV_COMPAT_ENTRY + 295);
#endif

	s = ph_syscall_by_name("sendto");
	assert_int_equal(s->nargs, 6);
	assert_int_equal(s->in[0].kind, PH_CAP_ARG_LEN);
	assert_int_equal(s->in[0].arg, 1);
	assert_int_equal(s->in[0].len_arg, 2);
	assert_int_equal(s->in[0].len, 1);
	assert_int_equal(s->in[1].arg, 4);
	assert_int_equal(s->in[1].len_arg, 5);
	assert_int_equal(s->in[2].kind, PH_CAP_NONE);
	s = ph_syscall_by_name("getxattr");
	assert_int_equal(s->out[0].kind, PH_CAP_RET_LEN);
	assert_int_equal(s->out[0].arg, 2);
	assert_int_equal(s->out[0].len_arg, 3);
	s = ph_syscall_by_name("getrlimit");
	assert_int_equal(s->out[0].kind, PH_CAP_FIXED);
	assert_int_equal(s->out[0].len, 16);
#ifdef __x86_64__
	assert_int_equal(ph_syscall_by_nr(191, true)->out[0].len, 8);
	assert_int_equal(ph_syscall_by_name("epoll_ctl")->in[0].len, 12);
#endif
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_64_numbers), cmocka_unit_test(i386_numbers),
		cmocka_unit_test(arm64_numbers), cmocka_unit_test(numbers_are_unique),
		cmocka_unit_test(native_numbers), cmocka_unit_test(calls_of_other_machines),
		cmocka_unit_test(kernel_formats), cmocka_unit_test(table_is_sound),
		cmocka_unit_test(classes_ascend), cmocka_unit_test(samples),
	};

	return cmocka_run_group_tests_name("syscalls", tests, NULL, NULL);
}
