/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of Perl's frames: "Package::function", as caller() has it. */
#include "unwind/interp_priv.h"

#include <errno.h>
#include <string.h>

/* struct sv: sv_any 0, sv_flags 12 (its type is the lowest byte), sv_u 16. */
enum { SVt_PVGV = 9, SVt_PVHV = 12, SVt_PVCV = 13 };
#define SVf_OOK 0x2000000
#define CVf_NAMED 0x8000
#define CVf_LEXICAL 0x10000
#define HVhek_UTF8 1

/* What sv_any of a value of that type points at. */
static bool body_of(const struct ph_interp_mem *m, uint64_t sv, unsigned int type, uint32_t *flags, uint64_t *ret)
{
	return m->read(m->ctx, sv + 12, flags, sizeof(*flags)) && (*flags & 0xff) == type && ph_interp_word(m, sv, ret);
}

/* HEK: hash 0, length 4, bytes 8, behind them a 0 and flags. It is UTF-8 or Latin-1. */
static bool add_key(const struct ph_interp_mem *m, uint64_t hek, struct ph_buf *b)
{
	uint8_t bytes[PH_INTERP_NAME_BYTES + 2];
	int32_t n;

	if (!m->read(m->ctx, hek + 4, &n, sizeof(n)) || n < 0 || n > PH_INTERP_NAME_BYTES ||
	    !m->read(m->ctx, hek + 8, bytes, (size_t)n + 2))
		return false;
	for (int32_t i = 0; i < n; i++) {
		if (bytes[n + 1] & HVhek_UTF8)
			ph_buf_addc(b, (char)bytes[i]);
		else
			ph_interp_utf8(b, bytes[i]);
	}
	return true;
}

/*
 * A package: struct xpvhv: xhv_max 24, behind which since 5.36 is struct xpvhv_aux; before, that is behind the array. Of it: name 0,
 * how many names 28; with several, the first is meant.
 */
static bool add_package(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t stash, struct ph_buf *b)
{
	uint64_t body, aux, max, name;
	uint32_t flags, names;

	if (!body_of(m, stash, SVt_PVHV, &flags, &body) || !(flags & SVf_OOK))
		return false;
	aux = body + 32;
	if (!in->stash_aux) {
		if (!ph_interp_word(m, body + 24, &max) || !ph_interp_word(m, stash + 16, &aux))
			return false;
		aux += (max + 1) * 8;
	}
	if (!ph_interp_word(m, aux, &name) || !m->read(m->ctx, aux + 28, &names, sizeof(names)) ||
	    (names && !ph_interp_word(m, name, &name)) || !add_key(m, name, b))
		return false;
	ph_buf_adds(b, "::");
	return true;
}

/* struct xpvgv: name 32, stash 40. */
static bool add_glob(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t gv, struct ph_buf *b)
{
	uint64_t body, stash, name;
	uint32_t flags;

	if (!body_of(m, gv, SVt_PVGV, &flags, &body) || !ph_interp_word(m, body + 40, &stash) ||
	    !ph_interp_word(m, body + 32, &name))
		return false;
	if (!stash || !add_package(m, in, stash, b))
		ph_buf_adds(b, "__ANON__::");
	return add_key(m, name, b);
}

/* A text that ends with a 0; it may end just before memory that is not there. */
static void add_text(const struct ph_interp_mem *m, uint64_t at, struct ph_buf *b)
{
	for (size_t had = 0; had < PH_INTERP_NAME_BYTES;) {
		char bytes[64];
		size_t n = 64 - at % 64, len;

		if (!m->read(m->ctx, at, bytes, n))
			return;
		len = strnlen(bytes, n);
		ph_buf_add(b, bytes, len);
		if (len < n)
			return;
		at += n;
		had += n;
	}
}

/* struct cop: the operation's number 32, line 36, file 48; without threads that is a glob by the name of "_<" and the file's. */
static bool add_statement(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t cop, struct ph_interp_name *ret)
{
	uint64_t file, body, name;
	uint32_t op, line, flags;
	struct ph_buf glob = { 0 };

	if (!m->read(m->ctx, cop + 32, &op, sizeof(op)))
		return false;
	op &= 0x1ff;
	/* What is being compiled: it goes on. */
	if (!op)
		return true;
	if ((op != in->op_statement && op != in->op_statement + 1u) || !m->read(m->ctx, cop + 36, &line, sizeof(line)) ||
	    !ph_interp_word(m, cop + 48, &file))
		return false;
	ret->line = line;
	if (in->own.how) {
		add_text(m, file, &ret->file);
	} else if (file && body_of(m, file, SVt_PVGV, &flags, &body) && ph_interp_word(m, body + 32, &name) &&
		   add_key(m, name, &glob) && glob.len > 2) {
		ph_buf_add(&ret->file, glob.p + 2, glob.len - 2);
	}
	ph_buf_done(&glob);
	return true;
}

/* struct xpvcv: stash 32, glob or name 56, file 64, flags 92. struct gp, which a glob has at 16: the one it stands for, 56. */
static int function(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t cv, uint32_t line,
		    struct ph_interp_name *ret)
{
	uint64_t body, name, gp, egv, stash, file;
	uint32_t flags, cvflags;

	if (!body_of(m, cv, SVt_PVCV, &flags, &body) || !ph_interp_word(m, body + 56, &name) ||
	    !m->read(m->ctx, body + 92, &cvflags, sizeof(cvflags)))
		return -EFAULT;
	if (cvflags & CVf_NAMED) {
		if (!(cvflags & CVf_LEXICAL) && ph_interp_word(m, body + 32, &stash) && stash)
			add_package(m, in, stash, &ret->name);
		if (!add_key(m, name, &ret->name))
			return -EFAULT;
	} else {
		if (ph_interp_word(m, name + 16, &gp) && ph_interp_word(m, gp + 56, &egv) && egv)
			name = egv;
		if (!add_glob(m, in, name, &ret->name))
			return -EFAULT;
	}
	if (ph_interp_word(m, body + 64, &file) && file)
		add_text(m, file, &ret->file);
	ret->line = line < PH_PERL_LINE_MAX ? line : 0;
	return 0;
}

int ph_interp_name_perl(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t code, uint32_t where,
			struct ph_interp_name *ret)
{
	static const char *const names[] = { "(main)", "(eval)", "(require)" };

	if (where < PH_PERL_MAIN)
		return function(m, in, code, where, ret);
	if (!add_statement(m, in, code, ret))
		return -EFAULT;
	ph_buf_adds(&ret->name, where <= PH_PERL_FILE ? names[where - PH_PERL_MAIN] : "(main)");
	return 0;
}
