/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

#include "base/cleanup.h"
#include "symbol/plt.h"
#include "symbol/proto.h"

/* Longer ones are shown as they are: the demanglers keep what they read on the stack. */
#define MANGLED_MAX 16384

struct printing {
	struct ph_buf *out;
	jmp_buf full;
};

static void print(const char *s, size_t n, void *opaque)
{
	struct printing *p = opaque;
	size_t room = PH_SYMSTR_MAX - p->out->len;

	if (n)
		ph_buf_add(p->out, s, n < room ? n : room);
	/* They cannot be told to stop, and keep nothing that would be lost but what they read of Unicode names. */
	if (n >= room)
		longjmp(p->full, 1);
}

static void demangle(const char *name, struct ph_buf *out)
{
	static struct printing p;	/* not on the stack that is jumped out of */
	int ok;

	p.out = out;
	ph_buf_clear(out);
	if (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R') && strnlen(name, MANGLED_MAX) < MANGLED_MAX) {
		if (setjmp(p.full))
			return;
		/* Rust's older names look like C++'s. */
		ok = rust_demangle_callback(name, 0, print, &p);
		if (!ok) {
			ph_buf_clear(out);
			ok = cplus_demangle_v3_callback(name, DMGL_PARAMS | DMGL_ANSI, print, &p);
		}
		if (ok && out->len)
			return;
	}
	ph_buf_clear(out);
	ph_buf_add(out, name, strnlen(name, PH_SYMSTR_MAX));
}

/* An entry of the PLT is called as what it leads to, with "@plt" behind it, which is no part of the mangled name. */
void ph_demangle(const char *name, struct ph_buf *out)
{
	size_t n = strnlen(name, MANGLED_MAX);
	ph_autobuf bare = { 0 };

	if (n == MANGLED_MAX || n < strlen(PH_PLT_MARK) || strcmp(name + n - strlen(PH_PLT_MARK), PH_PLT_MARK)) {
		demangle(name, out);
		return;
	}
	ph_buf_add(&bare, name, n - strlen(PH_PLT_MARK));
	demangle(bare.p ? bare.p : "", out);
	if (out->len + strlen(PH_PLT_MARK) <= PH_SYMSTR_MAX)
		ph_buf_adds(out, PH_PLT_MARK);
}

/* ---- what a demangled name is made of -------------------------------------------------------------- */

/* Where the bracket that the last of @n bytes closes was opened; @n: nowhere. */
static size_t opened(const char *s, size_t n)
{
	char close = s[n - 1], open = close == ')' ? '(' : '<';
	int depth = 0;

	for (size_t i = n; i-- > 0; ) {
		depth += s[i] == close ? 1 : s[i] == open ? -1 : 0;
		if (!depth)
			return i;
	}
	return n;
}

/* Without what stands behind parameters. */
static size_t without_qualifiers(const char *s, size_t n)
{
	static const char *const words[] = { " const", " volatile", " &", "&", " noexcept" };
	const char *clone = strstr(s, " [clone ");
	bool more = true;

	if (clone)
		n = (size_t)(clone - s);
	while (more) {
		more = false;
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			size_t w = strlen(words[i]);

			if (n > w && !memcmp(s + n - w, words[i], w)) {
				n -= w;
				more = true;
			}
		}
	}
	return n;
}

/* "operator<" and the like, whose brackets are none. */
static const char *operator_of(const char *s, size_t n)
{
	const char *at = s;

	while ((at = strstr(at, "operator")) && (size_t)(at - s) < n) {
		if (at == s || at[-1] == ':' || at[-1] == ' ')
			return at;
		at++;
	}
	return NULL;
}

void ph_demangled_parse(const char *shown, struct ph_demangled *ret)
{
	size_t n = strlen(shown), end = without_qualifiers(shown, n), limit;
	const char *operator;
	int depth = 0;

	*ret = (struct ph_demangled){ 0, n, n };
	if (end && shown[end - 1] == ')') {
		size_t at = opened(shown, end);

		if (at && at < end)
			ret->params = at;
	}
	ret->templates = ret->params;
	operator = operator_of(shown, ret->params);
	limit = operator ? (size_t)(operator - shown) : ret->params;
	if (!ret->params || shown[ret->params - 1] != '>')
		return;
	if (!operator)
		ret->templates = opened(shown, ret->params);
	/* Only templates tell what they return; in front of others may stand "non-virtual thunk to". */
	for (size_t i = 0; i < limit; i++) {
		depth += strchr("<({[", shown[i]) ? 1 : strchr(">)}]", shown[i]) ? -1 : 0;
		if (!depth && shown[i] == ' ')
			ret->name = i + 1;
	}
	if (ret->templates <= ret->name)
		ret->templates = ret->params;
}
