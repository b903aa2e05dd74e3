/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>

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

void ph_demangle(const char *name, struct ph_buf *out)
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
