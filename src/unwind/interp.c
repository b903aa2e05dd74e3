/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are interpreters, of which version, and where these have what. */
#include "unwind/interp_priv.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* Its root is counted from executor_globals, wherever these are. */
static const struct ph_interp phps[] = {
	{ .kind = PH_INTERP_PHP, .version = 0, .root = 488, .func_file = 144, .generator_parent = 152, .generator_fake = 192 },
	{ .kind = PH_INTERP_PHP, .version = 1, .root = 488, .func_file = 144, .generator_parent = 152, .generator_fake = 184,
	  .fiber_caller = 152, .fiber_bottom = 272, .fiber_saved = 0x40 },
	{ .kind = PH_INTERP_PHP, .version = 2, .root = 488, .func_file = 152, .generator_parent = 152, .generator_fake = 184,
	  .fiber_caller = 168, .fiber_bottom = 288, .fiber_saved = 0x40 },
	{ .kind = PH_INTERP_PHP, .version = 3, .root = 488, .func_file = 144, .generator_parent = 152, .generator_fake = 184,
	  .fiber_caller = 168, .fiber_bottom = 296, .fiber_saved = 0x40 },
	{ .kind = PH_INTERP_PHP, .version = 4, .root = 488, .func_file = 168, .generator_parent = 152, .generator_fake = 184,
	  .fiber_caller = 168, .fiber_bottom = 296, .fiber_saved = 0x40 },
	{ .kind = PH_INTERP_PHP, .version = 5, .root = 512, .func_file = 168, .generator_parent = 152, .generator_fake = 184,
	  .fiber_caller = 168, .fiber_bottom = 296, .fiber_saved = 0x40 },
	{ .kind = PH_INTERP_PHP, .version = 6, .root = 512, .func_file = 168, .generator_parent = 152, .generator_fake = 184,
	  .fiber_caller = 168, .fiber_bottom = 296, .fiber_saved = 0x40 },
};

/* V8 of Node.js 18 and 20, as its metadata for debuggers have it (v8dbg_…). */
static const struct ph_interp v8s[] = {
	{ .kind = PH_INTERP_V8, .version = 102, .type_shared = 257, .type_script = 170, .type_scope = 256 },
	{ .kind = PH_INTERP_V8, .version = 113, .type_shared = 262, .type_script = 167, .type_scope = 261 },
};

/* As its headers have it, all releases of a version alike. */
static const struct ph_interp rubies[] = {
	{ .kind = PH_INTERP_RUBY, .version = 27, .frame_size = 56, .context_thread = 56, .thread_id = 72,
	  .code_lines = 120, .code_places = 144, .line_size = 8, .text = 16 },
	{ .kind = PH_INTERP_RUBY, .version = 30, .frame_size = 56, .code_lines = 120, .code_places = 144,
	  .line_size = 8, .text = 16 },
	{ .kind = PH_INTERP_RUBY, .version = 31, .frame_size = 64, .code_lines = 120, .code_places = 144,
	  .line_size = 12, .text = 16 },
	{ .kind = PH_INTERP_RUBY, .version = 32, .frame_size = 64, .code_lines = 112, .code_places = 136,
	  .line_size = 12, .text = 24 },
	{ .kind = PH_INTERP_RUBY, .version = 33, .frame_size = 56, .code_lines = 112, .code_places = 136,
	  .line_size = 12, .text = 24 },
	{ .kind = PH_INTERP_RUBY, .version = 34, .frame_size = 56, .code_lines = 112, .code_places = 136,
	  .line_size = 12, .text = 24 },
};

/* As its headers have it, with threads or without. */
static const struct ph_interp perls[] = {
	{ .kind = PH_INTERP_PERL, .version = 32, .perl_stack = 240, .perl_statement = 224, .op_statement = 195, .op_eval = 345 },
	{ .kind = PH_INTERP_PERL, .version = 34, .perl_stack = 224, .perl_statement = 208, .op_statement = 195, .op_eval = 345 },
	{ .kind = PH_INTERP_PERL, .version = 36, .perl_stack = 224, .perl_statement = 208, .op_statement = 195, .op_eval = 345,
	  .stash_aux = true },
	{ .kind = PH_INTERP_PERL, .version = 38, .perl_stack = 224, .perl_statement = 208, .op_statement = 198, .op_eval = 348,
	  .stash_aux = true },
	{ .kind = PH_INTERP_PERL, .version = 40, .perl_stack = 224, .perl_statement = 208, .op_statement = 198, .op_eval = 348,
	  .stash_aux = true },
	{ .kind = PH_INTERP_PERL, .version = 42, .perl_stack = 224, .perl_statement = 208, .op_statement = 202, .op_eval = 352,
	  .stash_aux = true },
};

/* All versions alike: it tells itself where it has what. */
static const struct ph_interp javas[] = { { .kind = PH_INTERP_JAVA } };

bool ph_interp_of_version(enum ph_interp_kind kind, int version, int machine, struct ph_interp *ret)
{
	static const struct {
		const struct ph_interp *v;
		size_t n;
	} kinds[PH_INTERP_NKINDS] = {
		[PH_INTERP_PYTHON] = { ph_interp_pythons, PH_INTERP_NPYTHONS }, [PH_INTERP_PHP] = { phps, PH_ARRAY_SIZE(phps) },
		[PH_INTERP_V8] = { v8s, PH_ARRAY_SIZE(v8s) }, [PH_INTERP_JAVA] = { javas, PH_ARRAY_SIZE(javas) },
		[PH_INTERP_RUBY] = { rubies, PH_ARRAY_SIZE(rubies) }, [PH_INTERP_PERL] = { perls, PH_ARRAY_SIZE(perls) },
	};

	for (size_t i = 0; i < kinds[kind].n; i++) {
		if (kinds[kind].v[i].version != version)
			continue;
		*ret = kinds[kind].v[i];
		/* struct pthread: glibc's has 2 KB. Two threads are farther from each other, by the stack of one of them. */
		ret->thread_above = machine == EM_AARCH64 ? 4096 : 1;
		return true;
	}
	return false;
}

void ph_interp_language(const struct ph_interp *in, char *ret, size_t room)
{
	static const char *const names[PH_INTERP_NKINDS] = {
		[PH_INTERP_PYTHON] = "python3", [PH_INTERP_PHP] = "php8", [PH_INTERP_PERL] = "perl5",
	};

	if (in->kind == PH_INTERP_RUBY || in->kind == PH_INTERP_V8)
		snprintf(ret, room, in->kind == PH_INTERP_V8 ? "v8.%u.%u" : "ruby%u.%u", in->version / 10, in->version % 10);
	else if (in->kind == PH_INTERP_JAVA)
		snprintf(ret, room, "java");
	else
		snprintf(ret, room, "%s.%u", names[in->kind], in->version);
}

#define PHP_MARK "X-Powered-By: PHP/"
#define PHP_WINDOW (1u << 20)

/* The N of "PHP/8.N", a header that it sends: no symbol has its version. It is among the constants, which on arm64 are in one segment with the code. */
static int php_version(const struct ph_elf *elf)
{
	static const size_t keep = sizeof(PHP_MARK) + 4;
	ph_autofree char *buf = malloc(PHP_WINDOW);
	size_t nseg;
	const struct ph_elf_segment *seg = ph_elf_segments(elf, &nseg);

	for (size_t i = 0; buf && i < nseg; i++) {
		for (uint64_t at = 0; at + keep < seg[i].filesz; at += PHP_WINDOW - keep) {
			size_t n = seg[i].filesz - at < PHP_WINDOW ? seg[i].filesz - at : PHP_WINDOW;
			const char *p;

			if (!ph_elf_read(elf, seg[i].offset + at, buf, n))
				break;
			p = memmem(buf, n - keep, PHP_MARK, strlen(PHP_MARK));
			if (!p)
				continue;
			p += strlen(PHP_MARK);
			return p[0] == '8' && p[1] == '.' && p[2] >= '0' && p[2] <= '9' && (p[3] < '0' || p[3] > '9')
				? p[2] - '0' : -1;
		}
	}
	return -1;
}

static void find_range(const struct ph_interp_symbols *sym, const char *name, struct ph_interp_range *ret)
{
	uint64_t at, size;

	if (sym->find(sym->ctx, name, &at, &size))
		*ret = (struct ph_interp_range){ at, at + size };
}

static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

/*
 * With threads (ZTS) each has its globals at one place, by a key of pthread_getspecific() that only the code of a function tells:
 * mov KEY(%rip), %edi.
 */
static bool find_php_threads(struct ph_elf *elf, const struct ph_interp_symbols *sym, struct ph_interp *ret)
{
	static const uint8_t mov[] = { 0x8b, 0x3d };
	uint64_t at, offset, size;
	uint8_t code[10], *p = code;
	int32_t disp;

	if (!sym->find(sym->ctx, "executor_globals_offset", &offset, &size) ||
	    !sym->find(sym->ctx, "tsrm_get_ls_cache", &at, &size) || !ph_elf_read_at(elf, at, code, sizeof(code)))
		return false;
	if (!memcmp(p, endbr64, sizeof(endbr64)))
		p += sizeof(endbr64);
	if (memcmp(p, mov, sizeof(mov)) != 0)
		return false;
	memcpy(&disp, p + sizeof(mov), sizeof(disp));
	ret->statement = offset;
	return ph_interp_tls_key(elf, at + (uint64_t)(p - code) + sizeof(mov) + sizeof(disp) + (uint64_t)(int64_t)disp, &ret->own);
}

/*
 * lea -N(%rsp), %rsp, by which jump_fcontext() makes room for what it saves, below what it returns to: that changed in 8.1. Where it is not to be
 * found, it is as since then.
 */
static void find_php_saved(const struct ph_elf *elf, const struct ph_interp_symbols *sym, struct ph_interp *ret)
{
	static const uint8_t lea[] = { 0x48, 0x8d, 0x64, 0x24 };
	uint8_t code[9], *p = code;
	uint64_t at, size;

	if (ph_elf_machine(elf) != EM_X86_64 || !sym->find(sym->ctx, "jump_fcontext", &at, &size) ||
	    !ph_elf_read_at(elf, at, code, sizeof(code)))
		return;
	if (!memcmp(p, endbr64, sizeof(endbr64)))
		p += sizeof(endbr64);
	if (!memcmp(p, lea, sizeof(lea)))
		ret->fiber_saved = -(int8_t)p[sizeof(lea)] & 0xff;
}

static int find_php(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		    struct ph_interp *ret, struct ph_err *err)
{
	int version = php_version(elf);
	uint64_t at, size;

	if (ph_interp_of_version(PH_INTERP_PHP, version, ph_elf_machine(elf), ret)) {
		if (sym->find(sym->ctx, "executor_globals", &at, &size))
			ret->root += at;
		else if (!find_php_threads(elf, sym, ret))
			return ph_err_set(err, -ENOTSUP, "%s: a PHP with threads (ZTS) that does not tell where they are", path);
		find_range(sym, "zend_call_function", &ret->starts[0]);
		find_range(sym, "zend_generator_resume", &ret->starts[1]);
		find_range(sym, "make_fcontext", &ret->fiber);
		find_range(sym, "zend_fiber_switch_context", &ret->fiber_switch);
		find_php_saved(elf, sym, ret);
		return 0;
	}
	if (version < 0)
		return ph_err_set(err, -ENOTSUP, "%s: a PHP of another version than 8", path);
	return ph_err_set(err, -ENOTSUP, "%s: PHP 8.%d", path, version);
}

/* What the metadata must say of what interp.h reads, and interp_v8.c. */
static const struct {
	const char *name;
	int value;
} v8_layout[] = {
	{ "v8dbg_off_fp_context", -8 }, { "v8dbg_off_fp_function", -16 }, { "v8dbg_class_Map__instance_type__uint16_t", 12 },
	{ "v8dbg_class_JSFunction__shared__SharedFunctionInfo", PH_V8_OF_FUNCTION_SHARED },
	{ "v8dbg_class_SharedFunctionInfo__name_or_scope_info__Object", PH_V8_OF_SHARED_NAME },
	{ "v8dbg_class_SharedFunctionInfo__script_or_debug_info__HeapObject", PH_V8_OF_SHARED_SCRIPT },
	{ "v8dbg_class_SharedFunctionInfo__flags__int", PH_V8_OF_SHARED_FLAGS },
	{ "v8dbg_class_Script__source__Object", PH_V8_OF_SCRIPT_SOURCE }, { "v8dbg_class_Script__name__Object", PH_V8_OF_SCRIPT_NAME },
	{ "v8dbg_class_Script__line_ends__Object", PH_V8_OF_SCRIPT_ID - 8 }, { "v8dbg_scopeinfo_idx_first_vars", 3 },
	{ "v8dbg_class_String__length__int32_t", 12 }, { "v8dbg_class_SeqOneByteString__chars__char", 16 },
	{ "v8dbg_class_ThinString__actual__String", 16 }, { "v8dbg_class_ConsString__first__String", 16 },
	{ "v8dbg_class_ExternalString__resource__Object", 16 }, { "v8dbg_OneByteStringTag", 8 }, { "v8dbg_ThinStringTag", 5 },
	{ "v8dbg_ExternalStringTag", 2 }, { "v8dbg_FirstNonstringType", 128 },
};

/* An int of the file. */
static bool int_of(const struct ph_elf *elf, const struct ph_interp_symbols *sym, const char *name, int *ret)
{
	uint64_t at, size;
	int32_t v = 0;

	if (!sym->find(sym->ctx, name, &at, &size) || size != sizeof(v) || !ph_elf_read_at(elf, at, &v, sizeof(v)))
		return false;
	*ret = v;
	return true;
}

static int find_v8(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym, struct ph_interp *ret,
		   struct ph_err *err)
{
	int major, minor, is, types[3];

	if (!int_of(elf, sym, "_ZN2v88internal7Version6major_E", &major) || !int_of(elf, sym, "_ZN2v88internal7Version6minor_E", &minor))
		return ph_err_set(err, -ENOTSUP, "%s: a V8 of unknown version", path);
	if (minor < 0 || minor > 9 || major < 0 || major > 24 ||
	    !ph_interp_of_version(PH_INTERP_V8, major * 10 + minor, ph_elf_machine(elf), ret))
		return ph_err_set(err, -ENOTSUP, "%s: V8 %d.%d", path, major, minor);
	for (size_t i = 0; i < PH_ARRAY_SIZE(v8_layout); i++)
		if (!int_of(elf, sym, v8_layout[i].name, &is) || is != v8_layout[i].value)
			return ph_err_set(err, -ENOTSUP, "%s: V8 %d.%d of another layout (%s)", path, major, minor, v8_layout[i].name);
	if (!int_of(elf, sym, "v8dbg_type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE", &types[0]) ||
	    !int_of(elf, sym, "v8dbg_type_Script__SCRIPT_TYPE", &types[1]) ||
	    !int_of(elf, sym, "v8dbg_type_ScopeInfo__SCOPE_INFO_TYPE", &types[2]) ||
	    types[0] != ret->type_shared || types[1] != ret->type_script || types[2] != ret->type_scope)
		return ph_err_set(err, -ENOTSUP, "%s: V8 %d.%d of another layout", path, major, minor);
	return 0;
}

static int find_ruby(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		     struct ph_interp *ret, struct ph_err *err)
{
	char text[4] = "";
	uint64_t at, size;
	int version = -1;

	/* "3.1.2" */
	if (sym->find(sym->ctx, "ruby_version", &at, &size) && ph_elf_read_at(elf, at, text, 3) && text[1] == '.')
		version = (text[0] - '0') * 10 + text[2] - '0';
	if (!ph_interp_of_version(PH_INTERP_RUBY, version, ph_elf_machine(elf), ret))
		return ph_err_set(err, -ENOTSUP, "%s: Ruby %s", path, version < 0 ? "of unknown version" : text);
	if (ret->context_thread) {
		if (!sym->find(sym->ctx, "ruby_current_execution_context_ptr", &at, &size))
			return ph_err_set(err, -ENOTSUP, "%s: a Ruby that does not tell where its threads are", path);
		ret->root = at;
	} else if (sym->find(sym->ctx, "ruby_current_ec", &at, &size) ? !ph_interp_tls(elf, at, &ret->own) :
		   /* It is exported, and reads nothing else of the thread's. */
		   !sym->find(sym->ctx, "rb_errinfo", &at, &size) || !ph_interp_tls_read_by(elf, at, size, &ret->own)) {
		return ph_err_set(err, -ENOTSUP, "%s: a Ruby that does not tell where its threads are", path);
	}
	return 0;
}

static int find_perl(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		     struct ph_interp *ret, struct ph_err *err)
{
	uint64_t at, statement, size;
	uint8_t version = 0;

	if (!sym->find(sym->ctx, "PL_version", &at, &size) || !ph_elf_read_at(elf, at, &version, 1))
		return ph_err_set(err, -ENOTSUP, "%s: a Perl of unknown version", path);
	if (!ph_interp_of_version(PH_INTERP_PERL, version, ph_elf_machine(elf), ret))
		return ph_err_set(err, -ENOTSUP, "%s: Perl 5.%u", path, version);
	if (sym->find(sym->ctx, "PL_curstackinfo", &at, &size) && sym->find(sym->ctx, "PL_curcop", &statement, &size)) {
		ret->root = at;
		ret->statement = statement;
		return 0;
	}
	if (sym->find(sym->ctx, "PL_current_context", &at, &size) && ph_interp_tls(elf, at, &ret->own))
		return 0;
	if (sym->find(sym->ctx, "PL_thr_key", &at, &size) && ph_interp_tls_key(elf, at, &ret->own))
		return 0;
	return ph_err_set(err, -ENOTSUP, "%s: a Perl that does not tell where its threads are", path);
}

/* How frames are made on arm64 is not known: stacks have the code as it is. */
static int find_java(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym, struct ph_interp *ret, struct ph_err *err)
{
	uint64_t at, types, size;

	(void)path;
	(void)err;
	if (ph_elf_machine(elf) != EM_X86_64 || !sym->find(sym->ctx, "gHotSpotVMStructs", &at, &size) ||
	    !sym->find(sym->ctx, "gHotSpotVMTypes", &types, &size) || !ph_interp_of_version(PH_INTERP_JAVA, 0, EM_X86_64, ret))
		return -ENOENT;
	ret->root = at;
	ret->statement = types;
	return 0;
}

int ph_interp_find(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		   struct ph_interp *ret, struct ph_err *err)
{
	static const struct {
		const char *runs;
		int (*find)(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
			    struct ph_interp *ret, struct ph_err *err);
	} kinds[] = {
		{ "_PyEval_EvalFrameDefault", ph_interp_find_python },
		{ "execute_ex", find_php },
		/* It is not one function that runs its code: by the frames themselves. */
		{ "_ZN2v88internal7Version6major_E", find_v8 },
		{ "gHotSpotVMStructs", find_java },
		{ "rb_vm_exec", find_ruby },
		{ "Perl_runops_standard", find_perl },
	};
	uint64_t at, size;

	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++) {
		int r;

		if (!sym->find(sym->ctx, kinds[i].runs, &at, &size) || !size)
			continue;
		r = kinds[i].find(elf, path, sym, ret, err);
		if (r || ret->kind == PH_INTERP_V8 || ret->kind == PH_INTERP_JAVA)
			return r;
		ret->code_begin = at;
		ret->code_end = at + size;
		ph_interp_parts(elf, sym, ret);
		return 0;
	}
	/* From 3.3 on nothing of that is exported. */
	if (sym->find(sym->ctx, "ruby_version", &at, &size)) {
		int r = find_ruby(elf, path, sym, ret, err);

		if (r)
			return r;
		ph_interp_parts(elf, sym, ret);
		return ret->code_end ? 0 : ph_err_set(err, -ENOTSUP, "%s: a Ruby of which it is not known what runs its code", path);
	}
	return -ENOENT;
}
