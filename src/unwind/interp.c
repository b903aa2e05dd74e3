/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are interpreters, of which version, and where these have what. */
#include "unwind/interp_file.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

/*
 * CPython for 64-bit machines, as its debug information has it (3.9, 3.11, 3.13), or its headers (3.8, 3.10,
 * 3.12). Builds without the global lock (3.13t) have other structures.
 */
static const struct ph_interp pythons[] = {
	{ .kind = PH_INTERP_PYTHON, .version = 8, .frames = PH_PY_OBJECTS, .lasti_unit = 1, .runtime_head = 32, .interp_threads = 8,
	  .thread_id = 176, .thread_frame = 24, .frame_back = 24, .frame_code = 32, .frame_lasti = 104,
	  .code_file = 104, .code_name = 112, .code_line = 40, .code_lines = 120, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 9, .frames = PH_PY_OBJECTS, .lasti_unit = 1, .runtime_head = 32, .interp_threads = 8,
	  .thread_id = 176, .thread_frame = 24, .frame_back = 24, .frame_code = 32, .frame_lasti = 104,
	  .code_file = 104, .code_name = 112, .code_line = 40, .code_lines = 120, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 10, .frames = PH_PY_OBJECTS, .lasti_unit = 2, .runtime_head = 32, .interp_threads = 8,
	  .thread_id = 176, .thread_frame = 24, .frame_back = 24, .frame_code = 32, .frame_lasti = 96,
	  .code_file = 104, .code_name = 112, .code_line = 40, .code_lines = 120, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 11, .frames = PH_PY_ENTRY, .runtime_head = 40, .interp_threads = 16,
	  .thread_id = 152, .thread_frame = 56, .frame_back = 48, .frame_code = 32, .frame_lasti = 56,
	  .frame_entry = 68, .code_bytes = 184,
	  .code_file = 112, .code_name = 128, .code_line = 72, .code_lines = 136, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 12, .frames = PH_PY_SHIM, .runtime_head = 40, .interp_threads = 72,
	  .thread_id = 136, .thread_frame = 56, .frame_back = 8, .frame_code = 0, .frame_lasti = 56,
	  .frame_entry = 70, .code_bytes = 192,
	  .code_file = 112, .code_name = 128, .code_line = 68, .code_lines = 136, .text = 40 },
	{ .kind = PH_INTERP_PYTHON, .version = 13, .frames = PH_PY_SHIM, .runtime_head = 632, .interp_threads = 7344,
	  .thread_id = 152, .thread_frame = 72, .frame_back = 8, .frame_code = 0, .frame_lasti = 56,
	  .frame_entry = 70, .code_bytes = 200,
	  .code_file = 112, .code_name = 128, .code_line = 68, .code_lines = 136, .text = 40 },
};

/* Its root is counted from executor_globals. */
static const struct ph_interp phps[] = {
	{ .kind = PH_INTERP_PHP, .version = 0, .root = 488, .func_file = 144 },
	{ .kind = PH_INTERP_PHP, .version = 1, .root = 488, .func_file = 144 },
	{ .kind = PH_INTERP_PHP, .version = 2, .root = 488, .func_file = 152 },
	{ .kind = PH_INTERP_PHP, .version = 3, .root = 488, .func_file = 144 },
	{ .kind = PH_INTERP_PHP, .version = 4, .root = 488, .func_file = 168 },
};

/* V8 of Node.js 18 and 20, as its metadata for debuggers have it (v8dbg_…). */
static const struct ph_interp v8s[] = {
	{ .kind = PH_INTERP_V8, .version = 102, .type_shared = 257, .type_script = 170, .type_scope = 256 },
	{ .kind = PH_INTERP_V8, .version = 113, .type_shared = 262, .type_script = 167, .type_scope = 261 },
};

bool ph_interp_of_version(enum ph_interp_kind kind, int version, int machine, struct ph_interp *ret)
{
	static const struct {
		const struct ph_interp *v;
		size_t n;
	} all[PH_INTERP_NKINDS] = {
		[PH_INTERP_PYTHON] = { pythons, PH_ARRAY_SIZE(pythons) }, [PH_INTERP_PHP] = { phps, PH_ARRAY_SIZE(phps) },
		[PH_INTERP_V8] = { v8s, PH_ARRAY_SIZE(v8s) },
	};

	for (size_t i = 0; i < all[kind].n; i++) {
		if (all[kind].v[i].version != version)
			continue;
		*ret = all[kind].v[i];
		if (machine != EM_AARCH64 || kind != PH_INTERP_PYTHON)
			return true;
		/* native_thread_id, which is next */
		ret->thread_id += 8;
		return version >= 11;
	}
	return false;
}

/* Copy @n bytes at the file's address @vaddr. */
static bool read_at(const struct ph_elf *elf, uint64_t vaddr, void *buf, size_t n)
{
	size_t nseg;
	const struct ph_elf_segment *seg = ph_elf_segments(elf, &nseg);

	for (size_t i = 0; i < nseg; i++) {
		if (vaddr >= seg[i].vaddr && vaddr - seg[i].vaddr < seg[i].filesz &&
		    seg[i].filesz - (vaddr - seg[i].vaddr) >= n)
			return ph_elf_read(elf, seg[i].offset + (vaddr - seg[i].vaddr), buf, n);
	}
	return false;
}

/* N of "python3.N" or "libpython3.N.so", which is how the files of 3.10 and before tell. */
static int python_of_path(const char *path)
{
	const char *base = strrchr(path, '/'), *at;

	at = strstr(base ? base : path, "python3.");
	return at ? atoi(at + strlen("python3.")) : -1;
}

static int find_python(const struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		       struct ph_interp *ret, struct ph_err *err)
{
	uint64_t at, size, word;
	int version = python_of_path(path);

	/* PY_VERSION_HEX: 0x030b02f0 */
	if (sym->find(sym->ctx, "Py_Version", &at, &size) && read_at(elf, at, &word, sizeof(word)))
		version = word >> 24 == 3 ? (int)(word >> 16 & 0xff) : -1;
	if (ph_interp_of_version(PH_INTERP_PYTHON, version, ph_elf_machine(elf), ret)) {
		if (!sym->find(sym->ctx, "_PyRuntime", &at, &size))
			return ph_err_set(err, -ENOTSUP, "%s: a Python without the symbol _PyRuntime", path);
		ret->root = at;
		/* struct _Py_DebugOffsets: "xdebugpy", its version, and whether there is no global lock. */
		if (version >= 13 && read_at(elf, at + 16, &word, sizeof(word)) && word)
			return ph_err_set(err, -ENOTSUP, "%s: Python without its global lock", path);
		return 0;
	}
	if (version < 0)
		return ph_err_set(err, -ENOTSUP, "%s: a Python of unknown version", path);
	return ph_err_set(err, -ENOTSUP, "%s: Python 3.%d%s", path, version,
			  ph_elf_machine(elf) == EM_AARCH64 ? " on arm64" : "");
}

#define PHP_MARK "X-Powered-By: PHP/"
#define PHP_WINDOW (1u << 20)

/* The N of "PHP/8.N", a header that it sends: no symbol has its version. */
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

			if (seg[i].exec || !ph_elf_read(elf, seg[i].offset + at, buf, n))
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

static int find_php(const struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		    struct ph_interp *ret, struct ph_err *err)
{
	int version = php_version(elf);
	uint64_t at, size;

	if (ph_interp_of_version(PH_INTERP_PHP, version, ph_elf_machine(elf), ret)) {
		if (!sym->find(sym->ctx, "executor_globals", &at, &size))
			return ph_err_set(err, -ENOTSUP, "%s: a PHP with threads (ZTS)", path);
		ret->root += at;
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

	if (!sym->find(sym->ctx, name, &at, &size) || size != sizeof(v) || !read_at(elf, at, &v, sizeof(v)))
		return false;
	*ret = v;
	return true;
}

static int find_v8(const struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym, struct ph_interp *ret,
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

int ph_interp_find(const struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		   struct ph_interp *ret, struct ph_err *err)
{
	static const struct {
		const char *runs, *cold;
		int (*find)(const struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
			    struct ph_interp *ret, struct ph_err *err);
	} kinds[] = {
		{ "_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault.cold", find_python },
		{ "execute_ex", "execute_ex.cold", find_php },
		/* It is not one function that runs its code: by the frames themselves. */
		{ "_ZN2v88internal7Version6major_E", NULL, find_v8 },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++) {
		uint64_t at, size;
		int r;

		if (!sym->find(sym->ctx, kinds[i].runs, &at, &size) || !size)
			continue;
		r = kinds[i].find(elf, path, sym, ret, err);
		if (r || !kinds[i].cold)
			return r;
		ret->code_begin = at;
		ret->code_end = at + size;
		if (sym->find(sym->ctx, kinds[i].cold, &at, &size)) {
			ret->cold_begin = at;
			ret->cold_end = at + size;
		}
		return 0;
	}
	return -ENOENT;
}
