/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_FILTER_EXPR_H
#define PH_FILTER_EXPR_H

#include "base/map.h"
#include "base/vec.h"
#include "filter/filter.h"

/* The parts of a filter, shared by the files of this folder only. */

enum ph_fop {
	PH_FOP_TRUE,	/* a name alone, or NAME & VALUE */
	PH_FOP_EQ, PH_FOP_NE, PH_FOP_LT, PH_FOP_LE, PH_FOP_GT, PH_FOP_GE, PH_FOP_GLOB, PH_FOP_NGLOB,
};

enum ph_fattr {
	PH_FATTR_NONE = -1,
	PH_FATTR_NAME, PH_FATTR_CPU, PH_FATTR_TID, PH_FATTR_PID, PH_FATTR_PPID, PH_FATTR_COMM,
	PH_FATTR_CONTAINER, PH_FATTR_POD, PH_FATTR_NAMESPACE, PH_FATTR_IMAGE, PH_FATTR_TS,
	PH_FATTR_MAX,
};

extern const char *const ph_fattr_names[PH_FATTR_MAX];
enum ph_fattr ph_fattr_by_name(const char *name);
/* The type that an attribute has as a number; NULL where it is text. */
const struct ph_type *ph_fattr_type(enum ph_fattr a);

/* One operand of the right side; a value is several of them joined by |. */
struct ph_fterm {
	enum { PH_FTERM_NUM, PH_FTERM_STR, PH_FTERM_WORD } kind;
	bool neg;
	bool fraction;		/* only .f says it all */
	uint64_t u;		/* magnitude */
	double f;
	char *s;		/* owned; WORD: a symbol, or text without quotes */
	size_t n;
};

typedef PH_VEC(struct ph_fterm) ph_fvalue;

struct ph_fleaf {
	size_t pos;		/* in the expression, for messages */
	char *event;		/* pattern; NULL: any */
	char *field;
	enum ph_fattr attr;	/* that .field names */
	bool has_mask;
	ph_fvalue mask;
	enum ph_fop op;
	ph_fvalue val;
};

struct ph_fnode {
	enum { PH_FNODE_LEAF, PH_FNODE_AND, PH_FNODE_OR, PH_FNODE_NOT } kind;
	uint32_t a, b;		/* nodes; LEAF: a is the leaf */
};

/*
 * For one class of events the expression becomes a list of tests, each with two targets of lower
 * number; PH_FSTEP_DROP and PH_FSTEP_KEEP end it. What the class decides alone is folded away.
 * The evaluator walks this list, the kernel side gets it as instructions.
 */
#define PH_FSTEP_DROP 0
#define PH_FSTEP_KEEP 1
#define PH_FSTEP_FIRST 2

enum ph_fsrc { PH_FSRC_FIELD, PH_FSRC_CTX, PH_FSRC_ATTR };

enum ph_ftest {
	PH_FTEST_U64, PH_FTEST_S64, PH_FTEST_F64, PH_FTEST_STR,
	PH_FTEST_LABEL,		/* enumeration against the range of a label: u..hi */
	PH_FTEST_CONTAINER,	/* by name or id */
	PH_FTEST_TEXT,		/* bytes with a text form (addresses) against a string */
	PH_FTEST_ELEMS,		/* sequences, variants: decided value by value */
};

struct ph_fstep {
	enum ph_ftest test;
	enum ph_fsrc src;
	enum ph_fop op;
	uint16_t idx;		/* field or context; attribute */
	uint16_t jt, jf;
	const struct ph_fleaf *leaf;
	const struct ph_type *type;
	enum ph_unit unit;
	bool has_mask;
	uint64_t mask;
	union {
		uint64_t u;
		int64_t i;
		double f;
	};
	uint64_t hi;
	const char *s;
	size_t n;
};

/* What a leaf is for a class. */
enum ph_flower { PH_FLOWER_FALSE, PH_FLOWER_TRUE, PH_FLOWER_UNKNOWN, PH_FLOWER_STEP };

struct ph_fprog {
	PH_VEC(struct ph_fstep) steps;	/* [0] is number PH_FSTEP_FIRST */
	uint32_t entry;
};

struct ph_filter {
	PH_VEC(struct ph_fleaf) leaves;
	PH_VEC(struct ph_fnode) nodes;
	uint32_t root;
	struct ph_u64map progs;		/* class pointer -> struct ph_fprog */
	/* The last class of each slot: a few classes take turns, and the map costs more. */
	struct { const struct ph_class *cls; const struct ph_fprog *prog; } recent[64];
};

/* Refuses names that neither porthole nor @names know, and comparisons that cannot be. */
int ph_filter_check(struct ph_filter *f, const struct ph_filter_names *names, const char *expr,
		    struct ph_err *err);

/*
 * A test of a number or string of type @type; -EINVAL with a sentence (without place) where the
 * leaf cannot be applied to it.
 */
int ph_filter_lower_leaf(const struct ph_fleaf *leaf, const struct ph_type *type, enum ph_unit unit,
			 struct ph_fstep *ret, struct ph_err *err);
/* The same for what the leaf names in events of @cls, or PH_FLOWER_FALSE where there is none. */
int ph_filter_lower(const struct ph_fleaf *leaf, const struct ph_class *cls, struct ph_fstep *ret,
		    struct ph_err *err);

typedef enum ph_flower (*ph_filter_lower_fn)(void *arg, const struct ph_fleaf *leaf,
					     struct ph_fstep *ret);
void ph_filter_build(const struct ph_filter *f, ph_filter_lower_fn lower, void *arg,
		     struct ph_fprog *ret);

/* The names that a context field may have in a trace of ours (--context) or of LTTng's. */
bool ph_filter_known_context(const char *name);

#endif
