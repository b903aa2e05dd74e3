/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are CPython, of which version, and where that has what in its structures. */
#include "unwind/interp_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * For 64-bit machines; until 3.12 as its debug information has it (3.9, 3.11), or its headers (3.8, 3.10, 3.12). From 3.13 on each file
 * says it of itself.
 */
const struct ph_interp ph_interp_pythons[PH_INTERP_NPYTHONS] = {
	{ .kind = PH_INTERP_PYTHON, .version = 8, .frames = PH_PY_OBJECTS, .lasti_unit = 1, .runtime_head = 32, .interp_threads = 8,
	  .thread_id = 176, .thread_frame = 24, .frame_back = 24, .frame_code = 32, .frame_lasti = 104,
	  .code_file = 104, .code_name = 112, .code_line = 40, .code_lines = 120, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 9, .frames = PH_PY_OBJECTS, .lasti_unit = 1, .runtime_head = 32, .interp_threads = 8,
	  .thread_id = 176, .thread_frame = 24, .frame_back = 24, .frame_code = 32, .frame_lasti = 104,
	  .code_file = 104, .code_name = 112, .code_line = 40, .code_lines = 120, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 10, .frames = PH_PY_OBJECTS, .lasti_unit = 2, .runtime_head = 32, .interp_threads = 8,
	  .thread_id = 176, .thread_frame = 24, .thread_call = 48, .frame_back = 24, .frame_code = 32, .frame_lasti = 96,
	  .code_file = 104, .code_name = 112, .code_line = 40, .code_lines = 120, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 11, .frames = PH_PY_ENTRY, .runtime_head = 40, .interp_threads = 16,
	  .thread_id = 152, .thread_frame = 56, .frame_back = 48, .frame_code = 32, .frame_lasti = 56,
	  .frame_entry = 68, .code_bytes = 184,
	  .code_file = 112, .code_name = 128, .code_line = 72, .code_lines = 136, .text = 48 },
	{ .kind = PH_INTERP_PYTHON, .version = 12, .frames = PH_PY_SHIM, .runtime_head = 40, .interp_threads = 72,
	  .thread_id = 136, .thread_frame = 56, .frame_back = 8, .frame_code = 0, .frame_lasti = 56,
	  .frame_entry = 70, .code_bytes = 192,
	  .code_file = 112, .code_name = 128, .code_line = 68, .code_lines = 136, .text = 40 },
	{ .kind = PH_INTERP_PYTHON, .version = 13, .frames = PH_PY_SHIM },
	{ .kind = PH_INTERP_PYTHON, .version = 14, .frames = PH_PY_SHIM },
	{ .kind = PH_INTERP_PYTHON, .version = 15, .frames = PH_PY_SHIM },
};

/*
 * struct _Py_DebugOffsets, with which _PyRuntime begins from 3.13 on: "xdebugpy", PY_VERSION_HEX, whether there is no global lock, and then
 * what is where in which structure, a word each. Which of the words it is depends on the version.
 */
enum { COOKIE, VERSION, NO_LOCK, WORDS = 96 };

static const struct words {
	uint8_t version;
	/* what may differ from build to build */
	uint8_t runtime_head, interp_threads, thread_frame, thread_id, frame_back, frame_code, frame_lasti, frame_entry;
	uint8_t code_file, code_name, code_lines, code_line, code_bytes, text;
	/* what is taken for granted */
	uint8_t thread_next, bytes_size, bytes_data, text_state, text_length;
} words[] = {
	{ .version = 13, .runtime_head = 5, .interp_threads = 9, .thread_frame = 23, .thread_id = 24,
	  .frame_back = 29, .frame_code = 30, .frame_lasti = 31, .frame_entry = 33,
	  .code_file = 35, .code_name = 37, .code_lines = 38, .code_line = 39, .code_bytes = 43, .text = 70,
	  .thread_next = 21, .bytes_size = 65, .bytes_data = 66, .text_state = 68, .text_length = 69 },
	{ .version = 14, .runtime_head = 5, .interp_threads = 9, .thread_frame = 26, .thread_id = 27,
	  .frame_back = 32, .frame_code = 33, .frame_lasti = 34, .frame_entry = 36,
	  .code_file = 40, .code_name = 42, .code_lines = 43, .code_line = 44, .code_bytes = 48, .text = 80,
	  .thread_next = 24, .bytes_size = 75, .bytes_data = 76, .text_state = 78, .text_length = 79 },
	{ .version = 15, .runtime_head = 5, .interp_threads = 9, .thread_frame = 26, .thread_id = 30,
	  .frame_back = 40, .frame_code = 41, .frame_lasti = 42, .frame_entry = 44,
	  .code_file = 48, .code_name = 50, .code_lines = 51, .code_line = 52, .code_bytes = 56, .text = 92,
	  .thread_next = 24, .bytes_size = 87, .bytes_data = 88, .text_state = 90, .text_length = 91 },
};

/* N of "python3.N" or "libpython3.N.so", which is how the files of 3.10 and before tell. */
static int version_of_path(const char *path)
{
	const char *base = strrchr(path, '/'), *at;

	at = strstr(base ? base : path, "python3.");
	return at ? atoi(at + strlen("python3.")) : -1;
}

/* What the file says of its own structures. */
static int read_offsets(const struct ph_elf *elf, const char *path, const struct words *is, struct ph_interp *ret, struct ph_err *err)
{
	const struct { uint16_t *to; uint8_t from; } all[] = {
		{ &ret->runtime_head, is->runtime_head }, { &ret->interp_threads, is->interp_threads },
		{ &ret->thread_frame, is->thread_frame }, { &ret->thread_id, is->thread_id },
		{ &ret->frame_back, is->frame_back }, { &ret->frame_code, is->frame_code }, { &ret->frame_lasti, is->frame_lasti },
		{ &ret->frame_entry, is->frame_entry }, { &ret->code_file, is->code_file }, { &ret->code_name, is->code_name },
		{ &ret->code_lines, is->code_lines }, { &ret->code_line, is->code_line }, { &ret->code_bytes, is->code_bytes },
		{ &ret->text, is->text },
	};
	uint64_t w[WORDS];

	if (!ph_elf_read_at(elf, ret->root, w, sizeof(w)) || memcmp(&w[COOKIE], "xdebugpy", 8) != 0 ||
	    w[VERSION] >> 16 != (0x300u | is->version))
		return ph_err_set(err, -ENOTSUP, "%s: a Python 3.%d that does not tell where it has what", path, is->version);
	if (w[NO_LOCK])
		return ph_err_set(err, -ENOTSUP, "%s: Python without its global lock", path);
	for (size_t i = 0; i < PH_ARRAY_SIZE(all); i++) {
		if (w[all[i].from] > UINT16_MAX)
			goto other;
		*all[i].to = (uint16_t)w[all[i].from];
	}
	if (w[is->thread_next] == 8 && w[is->bytes_size] == 16 && w[is->bytes_data] == 32 && w[is->text_state] == 32 && w[is->text_length] == 16)
		return 0;
other:
	return ph_err_set(err, -ENOTSUP, "%s: a Python 3.%d of another layout", path, is->version);
}

int ph_interp_find_python(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
			  struct ph_interp *ret, struct ph_err *err)
{
	uint64_t at, size, word;
	int version = version_of_path(path);

	/* PY_VERSION_HEX: 0x030b02f0 */
	if (sym->find(sym->ctx, "Py_Version", &at, &size) && ph_elf_read_at(elf, at, &word, sizeof(word)))
		version = word >> 24 == 3 ? (int)(word >> 16 & 0xff) : -1;
	if (version < 0)
		return ph_err_set(err, -ENOTSUP, "%s: a Python of unknown version", path);
	if (!ph_interp_of_version(PH_INTERP_PYTHON, version, ph_elf_machine(elf), ret))
		return ph_err_set(err, -ENOTSUP, "%s: Python 3.%d", path, version);
	if (!sym->find(sym->ctx, "_PyRuntime", &at, &size))
		return ph_err_set(err, -ENOTSUP, "%s: a Python without the symbol _PyRuntime", path);
	ret->root = at;
	for (size_t i = 0; i < PH_ARRAY_SIZE(words); i++)
		if (words[i].version == version)
			return read_offsets(elf, path, &words[i], ret, err);
	return 0;
}
