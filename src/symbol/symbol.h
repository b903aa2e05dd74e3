/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_SYMBOL_H
#define PH_SYMBOL_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "unwind/interp.h"
#include "unwind/unwind.h"

/*
 * Addresses of files to names, names to addresses, and tables for walking stacks. The files come from
 * containers, so they are parsed by a child process that has no privileges and no descriptors but the files' own.
 * When it dies of one or takes too long, it is started anew: that file loses what it was asked for, and
 * nobody else anything. Who uses this never parses; docs/symbols.md tells what is looked for where.
 *
 * Nothing here is for more than one thread at a time. Files have numbers that the caller chooses.
 */
struct ph_symchild;

/* One function at a place: where functions were inlined, there are several. The strings are the library's. */
struct ph_symname {
	const char *name;	/* demangled; "": none was found */
	uint64_t offset;	/* of the address, from the function's beginning, also of one without a name; 0 where inlined */
	const char *source;	/* file as the compiler was told it; "": not known */
	uint32_t line;		/* in it, of the place, or of the call of the next inner function; 0: not known */
	bool inlined;		/* into the next one */
	uint64_t since_ns;	/* of code that a jitdump tells of: its time, CLOCK_MONOTONIC; 0: not known */
};

/* Where a file's names come from. */
enum ph_symbol_from {
	PH_SYMBOL_SYMTAB = 1,		/* of the file */
	PH_SYMBOL_DYNSYM = 2,
	PH_SYMBOL_DEBUGDATA = 4,	/* .gnu_debugdata (MiniDebugInfo) */
	PH_SYMBOL_SEPARATE = 8,		/* .symtab of a separate debug file */
	PH_SYMBOL_DWARF = 16,		/* inlined functions, source lines */
	PH_SYMBOL_GO = 32,		/* .gopclntab */
	PH_SYMBOL_JIT = 64,
	PH_SYMBOL_THROWS = 128,		/* no source: exceptions may pass through its functions */
	PH_SYMBOL_GO_OLD = 256,		/* no source: of Go before 1.18, which may have arguments on the stack */
};

/* What was found out of a file. */
struct ph_symfile {
	int error;			/* 0, or why nothing is known of it */
	char *message;			/* a sentence about that, or else as ph_symchild_problem() */
	char *path;			/* as it was added */
	char build_id[2 * PH_BUILD_ID_MAX + 1];		/* hex; "": it has none */
	int machine;			/* EM_X86_64, EM_AARCH64 */
	unsigned int from;		/* enum ph_symbol_from, bits: what there is */
	char *debug_path;		/* the separate debug file that is used; NULL: none */
	PH_VEC(struct ph_elf_segment) segments;
	struct ph_interp interp;	/* kind PH_INTERP_NONE: it is none */
	char *interp_message;		/* it is an interpreter whose frames are not known; NULL otherwise */
};

/*
 * All are called out of ph_symchild_poll() and the functions that wait, never out of those that only ask. Each may be NULL,
 * and may ask for more, but neither wait nor drop files.
 */
struct ph_symchild_ops {
	/*
	 * The answer to ph_symchild_names(), for each address; n >= 1, [0] is the innermost. Of code that is made while a program
	 * runs it is what was there, the newest first.
	 */
	void (*named)(void *ctx, uint32_t file, uint64_t vaddr, const struct ph_symname *names, size_t n);
	/* It is known what the file is, and its debug files were looked for. */
	void (*added)(void *ctx, uint32_t file, const struct ph_symfile *f);
	/* The answer to ph_symchild_ask_table(): the caller's to free, or NULL and why. */
	void (*table)(void *ctx, uint32_t file, struct ph_unwind_table *t, const struct ph_err *why);
};

struct ph_symchild_options {
	const struct ph_symchild_ops *ops;
	void *ctx;
	/* The program that is run as the child. NULL: this one, whose main() begins as ph_symchild_main() says. */
	const char *program;
	uint64_t patience_ns;	/* what one request may take; 0: 10 s */
	uint64_t memory_bytes;	/* the child's own; 0: 1 GiB */
	bool no_debug_files;	/* are looked for: for tables, which are made of the files themselves */
};

/*
 * What main() does first: `if (ph_symchild_asked(argc, argv)) return ph_symchild_main(argv);`. So the child, and whoever opens
 * files for it (symbol/opener.h), is the same build as its parent, with an address space of its own.
 */
bool ph_symchild_asked(int argc, char **argv);
int ph_symchild_main(char **argv);

/* -EPERM and the like with a sentence: it cannot be started, or not be confined. */
int ph_symchild_new(const struct ph_symchild_options *o, struct ph_symchild **ret, struct ph_err *err);
void ph_symchild_free(struct ph_symchild *c);

/* Readable when ph_symchild_poll() has something to do. It stays the same when the child is started anew. */
int ph_symchild_fd(const struct ph_symchild *c);
/* Take what has been answered, call back, send what was asked for. Never waits. */
void ph_symchild_poll(struct ph_symchild *c);
/* Wait until everything is answered, or for @timeout_ns; true: nothing is left. */
bool ph_symchild_wait(struct ph_symchild *c, uint64_t timeout_ns);
/* The same, but the time that the caller or a child waits for a CPU is nobody's fault and does not count, up to @most_ns altogether. */
bool ph_symchild_wait_fairly(struct ph_symchild *c, uint64_t timeout_ns, uint64_t most_ns);
/* The child that is asked about the file; 0: there is none at the moment. */
int ph_symchild_pid(const struct ph_symchild *c, uint32_t file);
/* How often it died or took too long. */
unsigned int ph_symchild_deaths(const struct ph_symchild *c);

enum ph_symfile_kind {
	PH_SYMFILE_ELF,
	PH_SYMFILE_PERF_MAP,	/* /tmp/perf-PID.map: addresses are those of the process */
	PH_SYMFILE_JITDUMP,	/* jit-PID.dump: the same */
};

struct ph_symfile_new {
	enum ph_symfile_kind kind;
	int fd;			/* O_RDONLY, of a regular file; from now on the library's, also when this fails */
	const char *path;	/* as in its mount namespace: for messages, and to look for debug files beside it */
	int root;		/* O_PATH of that namespace's root; stays the caller's. -1: the host's */
	/* Whose it is, as a container's number: who makes the child die too often is not looked at any more. 0: nobody's. */
	uint64_t owner;
};

/* -EEXIST: there is one of that number; -ENOEXEC: not a regular file. What is in it is found out later. */
int ph_symchild_add(struct ph_symchild *c, uint32_t file, const struct ph_symfile_new *what, struct ph_err *err);
/* What was asked of it is not answered. */
void ph_symchild_drop(struct ph_symchild *c, uint32_t file);
/* Nothing will be asked of it any more: it is closed, and what is known of it stays. May be called back out of. */
void ph_symchild_done_with(struct ph_symchild *c, uint32_t file);
/* What is known of it, after waiting for it; NULL: no such number. Valid until it is dropped. */
const struct ph_symfile *ph_symchild_file(struct ph_symchild *c, uint32_t file);
/* Why names of it are not found, as far as that is known by now; NULL: there is no reason. */
const char *ph_symchild_problem(const struct ph_symchild *c, uint32_t file);

/*
 * As ph_elf_vaddr(): the address of what is mapped executable from @offset on; and where in the file the byte of an
 * address is, for probes.
 */
bool ph_symfile_vaddr(const struct ph_symfile *f, uint64_t offset, uint64_t *ret);
bool ph_symfile_offset(const struct ph_symfile *f, uint64_t vaddr, uint64_t *ret);

/*
 * The table by which stacks are walked through it, checked: every page, row and rule is within it, so that it may be handed to the
 * kernel as it is. ph_symchild_table() waits. -ENOENT: the file has none.
 */
void ph_symchild_ask_table(struct ph_symchild *c, uint32_t file);
int ph_symchild_table(struct ph_symchild *c, uint32_t file, struct ph_unwind_table **ret, struct ph_err *err);

/*
 * Names of addresses as the file counts. Each address that is asked for is answered once, by ops->named. What
 * is known is answered at the next ph_symchild_poll() without the child, but for code that is made while a program runs, of which
 * it may not be true any more. A number that was not added has no names.
 */
void ph_symchild_names(struct ph_symchild *c, uint32_t file, const uint64_t *vaddrs, size_t n);
/* The same, waiting; valid until the file is dropped. Never NULL, *ret_n >= 1. */
const struct ph_symname *ph_symchild_name(struct ph_symchild *c, uint32_t file, uint64_t vaddr, size_t *ret_n);

/* A function that can be probed. */
struct ph_symfunc {
	char *name;		/* as the symbol is called */
	char *shown;		/* demangled; the same where there is nothing to demangle */
	uint64_t vaddr, size;	/* size 0: not known */
	uint64_t offset;	/* of its first byte in the file */
	bool chosen;		/* the name is that of what finds the function when the program starts (IFUNC) */
	uint64_t inlined;	/* it was put into another one here, `shown` says into which: where the debug information has that; else 0 */
};
struct ph_symfuncs {
	PH_VEC(struct ph_symfunc) list;
	bool more;		/* there are more than were asked for */
};
/*
 * Functions whose name, mangled or demangled, with its parameters and what a template returns or without, matches a glob; sorted by
 * address, each address and name once. Behind them, by debug information, where such a function was put into others: of a glob, if
 * there are no functions. Waits. 0 also where there are none.
 */
int ph_symchild_find(struct ph_symchild *c, uint32_t file, const char *pattern, size_t max,
		     struct ph_symfuncs *ret, struct ph_err *err);
void ph_symfuncs_done(struct ph_symfuncs *f);

/* A probe that the program's author put in (USDT). */
struct ph_symusdt {
	char *provider, *name;
	char *args;			/* "-4@%edi 8@-8(%rbp)", as the compiler wrote it */
	uint64_t vaddr, offset;
	uint64_t semaphore;		/* its address; 0: it has none */
	uint64_t semaphore_offset;	/* in the file, where it is 16 bits */
};
struct ph_symusdts {
	PH_VEC(struct ph_symusdt) list;
	bool more;
};
/* Those whose provider and name match globs. Waits. */
int ph_symchild_usdt(struct ph_symchild *c, uint32_t file, const char *provider, const char *name, size_t max,
		     struct ph_symusdts *ret, struct ph_err *err);
void ph_symusdts_done(struct ph_symusdts *u);

/*
 * Offsets in the file of the places where the function at @vaddr, of @size bytes, returns. Waits. -EOPNOTSUPP with a sentence where nobody
 * can tell.
 */
typedef PH_VEC(uint64_t) ph_symoffsets;
int ph_symchild_returns(struct ph_symchild *c, uint32_t file, uint64_t vaddr, uint64_t size, ph_symoffsets *ret, struct ph_err *err);

/* Addresses of words that get the address of what an IFUNC, the function at @chooses, has chosen when the program starts. Waits. */
int ph_symchild_slots(struct ph_symchild *c, uint32_t file, uint64_t chooses, ph_symoffsets *ret, struct ph_err *err);

/*
 * Where an argument is when its function is entered, or begins in another one, or the result when it returns: what that place has; then add[0] is added, what
 * stands there loaded, … Of the last, some bits are the value.
 */
#define PH_SYMARG_LOADS 4
#define PH_SYMARG_RESULT_NAME "retval"	/* what the result is called */
#define PH_SYMARG_WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
struct ph_symarg {
	/* STACK: the address of the first byte that is handed over there. */
	enum { PH_SYMARG_REGISTER, PH_SYMARG_STACK, PH_SYMARG_RESULT,
	       PH_SYMARG_NUMBERED,	/* `argument` is a register by DWARF's number */
	       PH_SYMARG_CONSTANT,	/* 0 */
	       PH_SYMARG_PLACES } place;
	uint32_t argument;		/* which register for integers, or for results, from 1 */
	uint8_t loads, size;		/* the last load is of `size` bytes, the others of 8 */
	uint8_t low, bits;		/* the value is `bits` bits from the `low`-th on */
	bool is_signed;
	/* TEXT: the address of one. PAIR: a struct of a text's address and length. NOTHING: a result that is none. */
	enum { PH_SYMARG_NUMBER, PH_SYMARG_ADDRESS, PH_SYMARG_TEXT, PH_SYMARG_FLOAT, PH_SYMARG_ENUM, PH_SYMARG_NOTHING,
	       PH_SYMARG_PAIR, PH_SYMARG_KINDS } kind;
	uint16_t room;			/* of a text: bytes that it has room for, 0: it ends by itself */
	int64_t add[PH_SYMARG_LOADS + 1];
	char *names;			/* of ENUM: "RED=0,GREEN=1", of PAIR its members: "data,len"; the caller frees */
};
/*
 * The argument @text ("len", "req->id", "req->peers[2].name", "retval->id") of the function that begins at the address, by DWARF;
 * @inlined: of what was put into another one there (struct ph_symfunc), else 0. Waits. -ENOENT with a sentence where it is not known, -EOPNOTSUPP where it cannot be read.
 */
int ph_symchild_arg(struct ph_symchild *c, uint32_t file, uint64_t vaddr, uint64_t inlined, const char *text, struct ph_symarg *ret,
		    struct ph_err *err);

static inline void ph_symchild_free_ptr(struct ph_symchild **c)
{
	ph_symchild_free(*c);
}

#endif
