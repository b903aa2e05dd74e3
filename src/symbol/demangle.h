/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_DEMANGLE_H
#define PH_SYMBOL_DEMANGLE_H

#include "base/buf.h"

/*
 * The name as its author wrote it, of C++ and Rust (both manglings; without the hash); any other as it is. At most
 * PH_SYMSTR_MAX bytes, and bounded in time: a short name may be made to stand for an endless one. In the child only.
 */
void ph_demangle(const char *name, struct ph_buf *out);

/* A demangled name's parts, as offsets: "int ns::f<int>(char) const" is 4, 9, 14. */
struct ph_demangled {
	size_t name;		/* behind the type that a function template returns */
	size_t templates;	/* where its last "<…>" begins; .params: it has none */
	size_t params;		/* where its parameters begin; the end: it has none */
};
void ph_demangled_parse(const char *shown, struct ph_demangled *ret);

#endif
