/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_PROBE_PRIV_H
#define PH_PROBE_PRIV_H

#include <stdio.h>

#include "probe/resolve.h"
#include "symbol/symbol.h"

/* Between the files of this folder alone. */

/* ---- functions.c: the one place that has files of containers looked into ---------------------------- */

struct probe_elf {
	struct ph_symchild *child;
	uint32_t id;
	int machine;
	bool go, go_old, throws;	/* PH_SYMBOL_GO, PH_SYMBOL_GO_OLD, PH_SYMBOL_THROWS */
};

/*
 * The file of number @file; *@child is begun at the first. @pid: a process that has the file. -ENOEXEC with a sentence: it is no
 * program of this machine.
 */
int probe_elf_open(struct ph_symchild **child, uint32_t file, int fd, const char *path, int32_t pid, struct probe_elf *ret,
		   struct ph_err *err);
/* Where in the file the byte of an address is; false: nowhere. */
bool probe_elf_offset(const struct probe_elf *e, uint64_t vaddr, uint64_t *ret);
int probe_elf_functions(const struct probe_elf *e, const char *glob, size_t max, struct ph_symfuncs *ret, struct ph_err *err);
int probe_elf_notes(const struct probe_elf *e, const char *provider, const char *name, size_t max, struct ph_symusdts *ret,
		    struct ph_err *err);

/* ---- emulated.c ---------------------------------------------------------------------------------------- */

/* Would a probe on this byte of the file make the kernel do another instruction than stands there? */
bool probe_would_break(int machine, int fd, uint64_t offset);
bool probe_is_emulated_wrongly(int machine, const uint8_t *code, size_t n);

/* ---- chosen.c ------------------------------------------------------------------------------------------ */

/* What the function at @chooses, an IFUNC's, has chosen in @pid, which has @file; false: nobody knows. */
bool probe_chosen(const struct probe_elf *e, int32_t pid, const struct ph_probe_file *file, uint64_t chooses, uint64_t *ret_vaddr,
		  uint64_t *ret_offset);

/* ---- places.c: processes, and the files that they have --------------------------------------------- */

/*
 * Find the files that @name means to the process @pid: a path in its root, or the name of a library or program, by what
 * it has mapped (@maps), else by where such things are; NULL: all that it has mapped. @fn gets each regular file once, with the path that the process
 * has it by; the descriptor (O_PATH) is its to close. Returns how many, or what @fn returned that was negative.
 */
typedef int (*probe_open_fn)(void *arg, int fd, const char *path);
int probe_open(int32_t pid, const char *name, bool maps, probe_open_fn fn, void *arg);
/* Where @pid has the file, by its numbers as the process sees it, mapped executable, and from which byte of it on. */
bool probe_mapping(int32_t pid, dev_t dev, ino_t ino, uint64_t *ret_begin, uint64_t *ret_offset);
/* Names of what @pid has mapped, for messages. */
void probe_mapped(int32_t pid, ph_strv *names);
/* Which root that is: those of the same number need not be looked into twice. */
uint64_t probe_root_key(int32_t pid);

/* ---- kernel.c: what the kernel itself has ----------------------------------------------------------- */

/* Names of tracepoints of @category that match @glob; -ENOENT with a sentence. */
int probe_tracepoints(const char *category, const char *glob, ph_strv *names, ph_strv *categories, struct ph_err *err);
int probe_tracepoint_fields(const char *category, const char *name, struct ph_probe_field **ret, size_t *ret_n,
			    struct ph_err *err);
/* Of a line of such a format; false: it is no field. Changes @line; the name is the caller's to free. */
bool probe_tracepoint_field(char *line, struct ph_probe_field *ret);
void probe_fields_free(struct ph_probe_field *fields, size_t n);
/* What "file->f_mode" or "retval" of a function of the kernel is; as ph_symchild_arg(). @btf: NULL where it carries none. */
struct btf;
int probe_btf_arg(const struct btf *btf, const char *function, const char *text, struct ph_symarg *ret, struct ph_err *err);
/* Functions by name. Static ones of several files may be called the same: the kernel probes one of them, or none. */
struct probe_kernel_names {
	ph_strv names;		/* that match, each once */
	ph_strv several;	/* of these, what several functions are called */
	ph_strv others;		/* that do not match */
	bool more;
};
int probe_kernel_functions(const char *glob, size_t max, struct probe_kernel_names *ret, struct ph_err *err);
/* Of a list like /proc/kallsyms. */
void probe_kernel_names(FILE *f, const char *glob, size_t max, struct probe_kernel_names *ret);
void probe_kernel_names_done(struct probe_kernel_names *n);

#endif
