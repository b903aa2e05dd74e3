/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of Ruby's frames. */
#include "unwind/interp_priv.h"

#include <errno.h>

/* struct RBasic: the type is the lowest 5 bits of its flags. */
enum { T_STRING = 5, T_ARRAY = 7, T_IMEMO = 0x1a, IMEMO_ISEQ = 7 };
#define TYPE 0x1f
#define USER1 (1u << 13)

/* Of flags, length and a pointer, or the bytes themselves. Until 3.1 these have no length of their own. */
static bool add_string(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t addr, struct ph_buf *b)
{
	char bytes[PH_INTERP_NAME_BYTES];
	uint64_t flags, n, at = addr + in->text;

	if (!ph_interp_word(m, addr, &flags) || (flags & TYPE) != T_STRING || !ph_interp_word(m, addr + 16, &n))
		return false;
	if (flags & USER1) {
		if (!ph_interp_word(m, addr + 24, &at))
			return false;
	} else if (in->text == 16) {
		n = flags >> 14 & 0x1f;
	}
	if (n > sizeof(bytes))
		n = sizeof(bytes);
	if (!m->read(m->ctx, at, bytes, n))
		return false;
	ph_buf_add(b, bytes, n);
	return true;
}

/* A path, or an array of that and the real one. */
static bool add_path(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t addr, struct ph_buf *b)
{
	uint64_t flags, at = addr + 16;

	if (!ph_interp_word(m, addr, &flags))
		return false;
	if ((flags & TYPE) == T_ARRAY) {
		if (!(flags & USER1) && !ph_interp_word(m, addr + 32, &at))
			return false;
		if (!ph_interp_word(m, at, &addr))
			return false;
	}
	return add_string(m, in, addr, b);
}

/*
 * Which of the lines an instruction has: so many bits of a row are set up to it. The first 54 are numbers of 7 bits, 9 in a
 * word; then come blocks of 512: how many were set before it, in 9 bits each how many before its words, and 8 words.
 */
static bool line_index(const struct ph_interp_mem *m, uint64_t table, uint32_t at, uint32_t *ret)
{
	uint64_t v, sums, block;
	uint32_t rank;

	if (at < 54) {
		if (!ph_interp_word(m, table + at / 9 * 8, &v))
			return false;
		*ret = v >> at % 9 * 7 & 0x7f;
		return true;
	}
	at -= 54;
	block = table + 48 + at / 512 * 80ull;
	at %= 512;
	if (!m->read(m->ctx, block, &rank, sizeof(rank)) || !ph_interp_word(m, block + 8, &sums) ||
	    !ph_interp_word(m, block + 16 + at / 64 * 8, &v))
		return false;
	if (at >= 64)
		rank += sums >> (at / 64 - 1) * 9 & 0x1ff;
	*ret = rank + (uint32_t)__builtin_popcountll(v << (63 - at % 64));
	return true;
}

/* insns_info: body 0, size 16, and the table of what is of which instruction. */
static uint32_t line_of(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t body, uint32_t at)
{
	uint32_t size, index = 1, line;
	uint64_t lines, table;

	if (at == PH_INTERP_WHERE_MAX || !ph_interp_word(m, body + in->code_lines, &lines) ||
	    !m->read(m->ctx, body + in->code_lines + 16, &size, sizeof(size)) || !size)
		return 0;
	if (size > 1 && (!ph_interp_word(m, body + in->code_places, &table) || !line_index(m, table, at, &index)))
		return 0;
	if (!index || index > size || !m->read(m->ctx, lines + (index - 1ull) * in->line_size, &line, sizeof(line)))
		return 0;
	return line > INT32_MAX ? 0 : line;
}

/* rb_iseq_t: flags 0, body 16, of which location is at 64: pathobj 0, label 16. */
int ph_interp_name_ruby(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t iseq, uint32_t where,
			struct ph_interp_name *ret)
{
	uint64_t flags, body, label, path;

	if (!ph_interp_word(m, iseq, &flags) || (flags & TYPE) != T_IMEMO || (flags >> 12 & 15) != IMEMO_ISEQ ||
	    !ph_interp_word(m, iseq + 16, &body))
		return -EFAULT;
	if (!ph_interp_word(m, body + 64 + 16, &label) || !add_string(m, in, label, &ret->name) ||
	    !ph_interp_word(m, body + 64, &path) || !add_path(m, in, path, &ret->file))
		return -EFAULT;
	ret->line = line_of(m, in, body, where);
	return 0;
}
