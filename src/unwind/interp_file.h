/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_INTERP_FILE_H
#define PH_UNWIND_INTERP_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "unwind/elf.h"
#include "unwind/interp.h"

/* Where a file's symbol of exactly this name is, for who has the file's symbols. */
struct ph_interp_symbols {
	bool (*find)(void *ctx, const char *name, uint64_t *vaddr, uint64_t *size);
	void *ctx;
};

/*
 * What kind of interpreter a file is. -ENOENT: none; -ENOTSUP with a sentence: one whose frames are not known,
 * its stacks are those of its own functions then.
 */
int ph_interp_find(struct ph_elf *elf, const char *path, const struct ph_interp_symbols *sym,
		   struct ph_interp *ret, struct ph_err *err);

/* What all builds of a version (struct ph_interp) for a machine (EM_X86_64 …) have in common; false: that is not known. */
bool ph_interp_of_version(enum ph_interp_kind kind, int version, int machine, struct ph_interp *ret);

/* "python3.11" */
#define PH_INTERP_LANGUAGE_MAX 16
void ph_interp_language(const struct ph_interp *in, char *ret, size_t room);

/*
 * Where a thread has a variable: that which the file has @off behind the beginning of its own; (x86_64) the first one that a function of
 * a library reads; and (x86_64) what pthread_getspecific() returns for the key at @vaddr. False: that cannot be told.
 */
bool ph_interp_tls(const struct ph_elf *elf, uint64_t off, struct ph_interp_tls *ret);
bool ph_interp_tls_read_by(const struct ph_elf *elf, uint64_t begin, uint64_t size, struct ph_interp_tls *ret);
bool ph_interp_tls_key(const struct ph_elf *elf, uint64_t vaddr, struct ph_interp_tls *ret);

/* Copy memory of the interpreted process; false: not there. */
typedef bool (*ph_interp_memory)(void *ctx, uint64_t addr, void *buf, size_t n);

struct ph_interp_name {
	struct ph_buf name;	/* "Class.method", "Class::method"; UTF-8, as the program has it: not escaped */
	struct ph_buf file;	/* "": of the interpreter itself */
	uint32_t line;		/* 0: not known */
};

/*
 * What an interpreted frame (ph_interp_frame()) is called. The process may have ended or have thrown the code away since,
 * and may lie: all lengths are bounded. -EFAULT: its memory has no such thing (any more). Free with ph_interp_name_done().
 */
int ph_interp_name(const struct ph_interp *in, uint64_t frame, ph_interp_memory memory, void *ctx,
		   struct ph_interp_name *ret);
void ph_interp_utf8(struct ph_buf *b, uint32_t c);
/*
 * The same of a frame of V8 (ph_v8_word()), which has its SharedFunctionInfo at @shared. What is there is compared with the frame before
 * and after, as the collector moves objects. -EFAULT, -EAGAIN: it is not there any more.
 */
int ph_v8_name(const struct ph_interp *in, uint64_t frame, uint64_t shared, ph_interp_memory memory, void *ctx,
	       struct ph_interp_name *ret);
/*
 * Where a process's Java has what, into in->java, and where its list of code's heaps is. -EAGAIN: it does not say it (yet).
 */
int ph_java_layout(struct ph_interp *in, uint64_t bias, ph_interp_memory memory, void *ctx, uint64_t *ret_list);
void ph_interp_name_done(struct ph_interp_name *n);

#endif
