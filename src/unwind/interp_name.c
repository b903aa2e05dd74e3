/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of interpreted frames, from the memory of the process; those of Python and PHP. */
#include "unwind/interp_priv.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define LINES_MAX (64 * 1024)

void ph_interp_utf8(struct ph_buf *b, uint32_t c)
{
	if (c < 0x80) {
		ph_buf_addc(b, (char)c);
		return;
	}
	if (c < 0x800) {
		ph_buf_addc(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			ph_buf_addc(b, (char)(0xe0 | c >> 12));
		} else {
			ph_buf_addc(b, (char)(0xf0 | (c >> 18 & 7)));
			ph_buf_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		ph_buf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	ph_buf_addc(b, (char)(0x80 | (c & 0x3f)));
}

/* ---- Python ------------------------------------------------------------------------------------- */

/*
 * PyASCIIObject: length 16, state 32 (interned 2 bits, kind 3, compact 1, ascii 1). Characters that are not ASCII
 * come behind PyCompactUnicodeObject, which is longer: by utf8_length, utf8, and until 3.11 wstr_length.
 */
static bool add_python_string(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t addr, struct ph_buf *b)
{
	uint8_t bytes[PH_INTERP_NAME_BYTES];
	uint64_t n, state, kind;

	if (!ph_interp_word(m, addr + 16, &n) || !ph_interp_word(m, addr + 32, &state))
		return false;
	kind = state >> 2 & 7;
	if (!(state & 1 << 5) || (kind != 1 && kind != 2 && kind != 4))
		return false;
	addr += in->text;
	if (!(state & 1 << 6))
		addr += in->text == 48 ? 24 : 16;
	if (n > PH_INTERP_NAME_BYTES / kind)
		n = PH_INTERP_NAME_BYTES / kind;
	if (!m->read(m->ctx, addr, bytes, n * kind))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = bytes[i];
		uint16_t half;

		if (kind == 2) {
			memcpy(&half, bytes + 2 * i, 2);
			c = half;
		} else if (kind == 4) {
			memcpy(&c, bytes + 4 * i, 4);
		}
		ph_interp_utf8(b, c);
	}
	return true;
}

/* Objects/lnotab_notes.txt: pairs of a step in bytes and one in lines. */
static uint32_t line_of_pairs(const struct ph_interp *in, const uint8_t *p, size_t n, uint32_t first, uint32_t at)
{
	int64_t line = first;
	uint32_t end = 0;

	at *= 2;
	for (size_t i = 0; i + 1 < n; i += 2) {
		int8_t step = (int8_t)p[i + 1];

		end += p[i];
		if (in->version < 10) {
			/* A line begins behind the step. */
			if (end > at)
				break;
			line += step;
			continue;
		}
		/* It ends there; -128: there is none. */
		if (step != -128)
			line += step;
		if (end > at)
			return step == -128 || line < 0 ? 0 : (uint32_t)line;
	}
	return line < 0 ? 0 : (uint32_t)line;
}

/* Six bits a byte, the least significant first; 64 says that there are more. */
static bool varint(const uint8_t *p, size_t n, size_t *i, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned int shift = 0; *i < n && shift < 32; shift += 6) {
		uint8_t b = p[(*i)++];

		v |= (uint32_t)(b & 63) << shift;
		if (!(b & 64)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* 3.11, Objects/locations.md: entries that begin with a byte above 127: its kind, and how many instructions. */
static uint32_t line_of_locations(const uint8_t *p, size_t n, uint32_t first, uint32_t at)
{
	int64_t line = first;
	uint32_t end = 0, v;

	for (size_t i = 0; i < n;) {
		unsigned int kind = p[i] >> 3 & 15, count = (p[i] & 7u) + 1;

		if (!(p[i++] & 0x80))
			return 0;
		if (kind == 13 || kind == 14) {
			if (!varint(p, n, &i, &v))
				return 0;
			line += v & 1 ? -(int64_t)(v >> 1) : (int64_t)(v >> 1);
		} else if (kind >= 10 && kind <= 12) {
			line += kind - 10;
		}
		end += count;
		if (end > at)
			return kind == 15 || line < 0 ? 0 : (uint32_t)line;
		while (i < n && !(p[i] & 0x80))
			i++;
	}
	return 0;
}

/* bytes: size 16, data 32 */
static uint32_t python_line(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t code, uint32_t at)
{
	ph_autofree uint8_t *p = NULL;
	uint64_t lines, n;
	uint32_t first;

	if (!m->read(m->ctx, code + in->code_line, &first, sizeof(first)))
		return 0;
	if (at == PH_INTERP_WHERE_MAX || !ph_interp_word(m, code + in->code_lines, &lines) || !ph_interp_word(m, lines + 16, &n) ||
	    n > LINES_MAX)
		return first;
	p = ph_alloc(n + 1);
	if (!m->read(m->ctx, lines + 32, p, n))
		return first;
	return in->version >= 11 ? line_of_locations(p, n, first, at) : line_of_pairs(in, p, n, first, at);
}

static int python_name(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t code, uint32_t at,
		       struct ph_interp_name *ret)
{
	uint64_t name, file;

	if (!ph_interp_word(m, code + in->code_name, &name) || !add_python_string(m, in, name, &ret->name))
		return -EFAULT;
	if (!ph_interp_word(m, code + in->code_file, &file) || !add_python_string(m, in, file, &ret->file))
		return -EFAULT;
	ret->line = python_line(m, in, code, at);
	return 0;
}

/* ---- PHP ---------------------------------------------------------------------------------------- */

/* zend_string: length 16, bytes 24 */
static bool add_php_string(const struct ph_interp_mem *m, uint64_t addr, struct ph_buf *b)
{
	char bytes[PH_INTERP_NAME_BYTES];
	uint64_t n;

	if (!ph_interp_word(m, addr + 16, &n))
		return false;
	if (n > sizeof(bytes))
		n = sizeof(bytes);
	if (!m->read(m->ctx, addr + 24, bytes, n))
		return false;
	/* The name of a class without one goes on behind a 0 with where it was made. */
	ph_buf_add(b, bytes, strnlen(bytes, n));
	return true;
}

/* struct zend_function: type 0, function_name 8, scope 16, whose name is at 8. */
static int php_name(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t func, uint32_t line,
		    struct ph_interp_name *ret)
{
	uint64_t name, scope, text;
	uint8_t type;

	if (!m->read(m->ctx, func, &type, 1) || !ph_interp_word(m, func + 8, &name) || !ph_interp_word(m, func + 16, &scope))
		return -EFAULT;
	if (!name) {
		/* The file's own code, or what is included or evaluated. */
		ph_buf_adds(&ret->name, "{main}");
	} else {
		if (scope && ph_interp_word(m, scope + 8, &text) && add_php_string(m, text, &ret->name))
			ph_buf_adds(&ret->name, "::");
		if (!add_php_string(m, name, &ret->name))
			return -EFAULT;
	}
	if (type == 1)
		return 0;
	if (ph_interp_word(m, func + in->func_file, &text))
		add_php_string(m, text, &ret->file);
	ret->line = line;
	return 0;
}

int ph_interp_name(const struct ph_interp *in, uint64_t frame, ph_interp_memory memory, void *ctx,
		   struct ph_interp_name *ret)
{
	const struct ph_interp_mem m = { memory, ctx };
	uint64_t code = (frame & ((1ull << PH_INTERP_CODE_BITS) - 1)) << 3;
	uint32_t where = frame >> PH_INTERP_CODE_BITS & PH_INTERP_WHERE_MAX;

	ph_buf_clear(&ret->name);
	ph_buf_clear(&ret->file);
	ret->line = 0;
	if (!ph_interp_is(frame) || (frame >> 60 & 7) != in->kind)
		return -EFAULT;
	switch (in->kind) {
	case PH_INTERP_PYTHON: return python_name(&m, in, code, where, ret);
	case PH_INTERP_PHP: return php_name(&m, in, code, where, ret);
	case PH_INTERP_RUBY: return ph_interp_name_ruby(&m, in, code, where, ret);
	case PH_INTERP_JAVA: return ph_interp_name_java(&m, in, code, where, ret);
	case PH_INTERP_PERL: return ph_interp_name_perl(&m, in, code, where, ret);
	}
	return -EFAULT;
}

void ph_interp_name_done(struct ph_interp_name *n)
{
	ph_buf_done(&n->name);
	ph_buf_done(&n->file);
}
