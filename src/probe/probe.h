/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_PROBE_PROBE_H
#define PH_PROBE_PROBE_H

#include "base/err.h"
#include "base/vec.h"
#include "event/probe.h"

/*
 * Probes as a user writes them, docs/probe.md:
 *
 *	uprobe:PATH:FUNCTION(arg1, str(arg2), len=u32(*(arg1+8)))
 *	uretprobe:libc.so.6:malloc(arg1, retval)
 *	uretprobe:libc.so.6:read(str(arg2, retval))
 *	uprobe:libssl.so.3:SSL_write(buf(arg2, s32(arg3)))
 *	usdt:PATH:PROVIDER:NAME		tracepoint:CATEGORY:NAME
 *	kprobe:FUNCTION			kretprobe:FUNCTION
 *
 * FUNCTION is a name, a glob, NAME+OFFSET, or 0xADDRESS as the file counts them.
 */

enum ph_probe_kind {
	PH_PROBE_UPROBE, PH_PROBE_URETPROBE, PH_PROBE_USDT, PH_PROBE_TRACEPOINT, PH_PROBE_KPROBE,
	PH_PROBE_KRETPROBE, PH_PROBE_KIND_MAX,
};

const char *ph_probe_kind_name(enum ph_probe_kind k);		/* "uprobe" */
static inline bool ph_probe_is_return(enum ph_probe_kind k)
{
	return k == PH_PROBE_URETPROBE || k == PH_PROBE_KRETPROBE;
}

/* What an argument begins with. */
enum ph_probe_from {
	PH_PROBE_FROM_ARG,	/* the .number-th argument, from 1 */
	PH_PROBE_FROM_RETVAL,	/* .word is "retval", or has members of it behind that */
	PH_PROBE_FROM_REG,	/* .word is a register */
	PH_PROBE_FROM_NAME,	/* .word is what a tracepoint calls it, or a program's debug information */
};

/* How it is shown; the value's size and sign follow. */
enum ph_probe_type {
	PH_PROBE_AUTO,		/* as what it is made of is known to be, else s64 */
	PH_PROBE_U8, PH_PROBE_U16, PH_PROBE_U32, PH_PROBE_U64, PH_PROBE_S8, PH_PROBE_S16, PH_PROBE_S32, PH_PROBE_S64,
	PH_PROBE_X32, PH_PROBE_X64, PH_PROBE_F32, PH_PROBE_F64, PH_PROBE_STR,
	PH_PROBE_BUF,		/* bytes, whatever they are */
	PH_PROBE_ENUM,		/* a number that has names; nobody asks for it */
	PH_PROBE_TYPE_MAX,
};

const char *ph_probe_type_name(enum ph_probe_type t);		/* "u8" … "x64", "str", "buf" */
enum ph_probe_type ph_probe_type_by_name(const char *name, size_t n);	/* that can be asked for; TYPE_MAX: there is none */
uint8_t ph_probe_type_size(enum ph_probe_type t);		/* of a text or buffer 8: its address */
bool ph_probe_type_signed(enum ph_probe_type t);

/* One argument as it was written. */
struct ph_probe_expr {
	char *name;		/* what its column is called */
	enum ph_probe_from from;
	uint32_t number;
	char *word;
	enum ph_probe_type type;
	uint32_t loads;
	int64_t add[PH_PROBE_LOADS + 1];
	struct ph_probe_expr *length;	/* of a text, NULL: it ends by itself; of a buffer */
};

struct ph_probe_spec {
	enum ph_probe_kind kind;
	char *text;		/* all of it */
	char *path;		/* file or library; of a tracepoint its category; NULL: the kernel's */
	char *provider;		/* of USDT */
	char *function;		/* or name, or glob; NULL: an address */
	uint64_t address;	/* or behind the function */
	bool has_args;		/* else those that this kind has */
	PH_VEC(struct ph_probe_expr) args;
};

/* -EINVAL with a sentence. */
int ph_probe_parse(const char *text, struct ph_probe_spec *ret, struct ph_err *err);
void ph_probe_spec_done(struct ph_probe_spec *s);

/* ---- regs.c: where values are ------------------------------------------------------------------- */

/* Machines are those of ELF: EM_X86_64, EM_AARCH64. */
int ph_probe_machine(void);		/* that we run on */
/*
 * Offset of a register in what the kernel has of them, -1: there is none of this name (without %). *@ret_size: the
 * bytes of it that the name means (%eax: 4), *@ret_shift: the bits below them (%ah: 8).
 */
int ph_probe_reg(int machine, const char *name, size_t n, unsigned int *ret_size, unsigned int *ret_shift);
/* The n-th argument (from 1) of a function at its entry, as C or, @go, as Go has them. -ERANGE. */
int ph_probe_arg_place(int machine, bool go, uint32_t n, struct ph_probe_arg *ret);
/* The n-th register of results; the first byte of arguments that are on the stack: its address. */
int ph_probe_retval_place(int machine, bool go, uint32_t n, struct ph_probe_arg *ret);
void ph_probe_stack_place(int machine, struct ph_probe_arg *ret);
/* A register by DWARF's number. -ERANGE. */
int ph_probe_numbered_place(int machine, uint32_t n, struct ph_probe_arg *ret);

/* ---- usdt.c ------------------------------------------------------------------------------------- */

/*
 * One argument of a USDT probe's note ("-4@-20(%rbp)", "8@%rax", "4@$3"; arm64: "8@[sp, 16]", "4@x0", "-4@5"), of
 * which @text is followed by a blank or its end. *@ret_end: behind it. -EINVAL where this is no such format.
 */
int ph_usdt_arg(int machine, const char *text, const char **ret_end, struct ph_probe_arg *ret,
		enum ph_probe_type *ret_type, struct ph_err *err);

/* ---- place.c: what a probe's arguments are at one place ------------------------------------------- */

struct ph_probe_field {		/* of a tracepoint */
	char *name;
	uint32_t offset, size;
	bool is_signed, data_loc, text;
	bool rel_loc;		/* of a data_loc: its offset counts from the field's end */
};

struct ph_symarg;

struct ph_probe_site {
	int machine;
	/* What a name means by the program's debug information (ph_symchild_arg()); NULL: it has none. */
	int (*name)(void *arg, const char *name, struct ph_symarg *ret, struct ph_err *err);
	void *arg;
	bool inlined;			/* into another function, where arguments are anywhere */
	bool go, go_old;		/* Go's way of calling; before 1.18: in registers or on the stack */
	const char *usdt;		/* the note's arguments, NULL: it is none */
	const struct ph_probe_field *fields;	/* of a tracepoint */
	size_t nfields;
};

struct ph_probe_plan {
	struct ph_probe_def def;
	ph_strv names;
	enum ph_probe_type types[PH_PROBE_ARGS];
	char *enums[PH_PROBE_ARGS];	/* of an ENUM: "RED=0,GREEN=1" */
};

/* @text_max: bytes of a text that are read. -EINVAL with a sentence. */
int ph_probe_plan(const struct ph_probe_spec *s, const struct ph_probe_site *site, uint32_t text_max,
		  struct ph_probe_plan *ret, struct ph_err *err);
void ph_probe_plan_done(struct ph_probe_plan *p);

#endif
