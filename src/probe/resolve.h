/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_PROBE_RESOLVE_H
#define PH_PROBE_RESOLVE_H

#include <sys/types.h>

#include "base/map.h"
#include "identity/select.h"
#include "probe/probe.h"
#include "symbol/symbol.h"

/* From probes as they are written to places in files, for the processes that are selected. */

/* A file that is probed: the same one may be found again in another container by another descriptor. */
struct ph_probe_file {
	int at;			/* O_PATH */
	int fd;			/* to read it, or a copy of it; or -errno: it cannot be read */
	char *path;		/* as the first process has it in which it was found */
	dev_t dev;
	ino_t ino;
	int same_as;		/* number of the file that this really is, -1: none that is known */
};

/* One place: a function, a USDT probe's site, a tracepoint. Its number is that of events. */
struct ph_probe_point {
	uint32_t spec;
	int file;		/* in ph_probes.files, -1: the kernel */
	char *category;		/* of a tracepoint */
	char *function;
	uint64_t offset, semaphore;	/* in the file; of a kprobe, behind the function */
	/* Of a return where the kernel is not to put an address of its own on the stack: the places in the file that return. */
	ph_symoffsets returns;
	struct ph_probe_plan plan;
	bool off;		/* it is another one's place, too */
};

struct ph_probes {
	PH_VEC(struct ph_probe_spec) specs;
	PH_VEC(struct ph_probe_file) files;
	PH_VEC(struct ph_probe_point *) points;
	uint64_t max;		/* functions of one glob in one file */
	uint32_t text_max;
	struct btf *btf;	/* the kernel's types; NULL: nobody asked, or it has none */
	struct ph_symchild *child;	/* looks into files; NULL: none was looked into */
	PH_VEC(char *) notes;	/* sentences for the user: what was left out */
};

#define PH_PROBES_MAX 512

/* @texts: as the user wrote them. -EINVAL with a sentence. */
int ph_probes_new(const ph_strv *texts, uint64_t max, uint32_t text_max, struct ph_probes **ret, struct ph_err *err);
void ph_probes_free(struct ph_probes *p);

/*
 * Look into what the processes of @sel have, and @npids further ones. -ENOENT with a sentence where a probe is nowhere,
 * although there are processes; where there are none, nothing was found.
 */
int ph_probes_find(struct ph_probes *p, const struct ph_selection *sel, const int32_t *pids, size_t npids,
		   struct ph_err *err);
/* A sentence for the user; takes it over. */
void ph_probes_note(struct ph_probes *p, char *sentence);
/* By a process that came since; false: it has ended. */
bool ph_probes_find_more(struct ph_probes *p, int32_t pid);

/* Processes that @sel may select: its containers', those named, those of that name. */
struct ph_probe_process {
	int32_t pid;
	uint32_t container;
};
typedef PH_VEC(struct ph_probe_process) ph_probe_processes;
/* -ENOENT: there are none, with what there is. */
int ph_probe_select(const struct ph_selection *sel, ph_probe_processes *ret, struct ph_err *err);

/*
 * The file that @name means to the process @pid, as a path of ours: /proc/PID/root/…, in which no link is left that would lead
 * to a file of ours. The caller frees; NULL: there is none that has such a path.
 */
char *ph_probe_file_path(int32_t pid, const char *name);

/* ---- what can be probed ------------------------------------------------------------------------- */

struct ph_probe_found {
	enum ph_probe_kind kind;
	const char *text;				/* as `porthole probe` takes it */
	const char *path, *provider, *function;		/* tracepoints: path is the category */
	const char *shown;				/* demangled, NULL: the same */
	const char *args;				/* of USDT: its note's */
	uint64_t offset, size;
};
/* 0, or -EPIPE to end it. */
typedef int (*ph_probe_list_fn)(void *arg, const struct ph_probe_found *f);
/* A file that could not be looked into. */
typedef void (*ph_probe_list_note_fn)(void *arg, const char *path, const char *why);
/* A pattern of what only the kernel has, for which no processes need be known. */
bool ph_probe_is_kernel(const char *pattern);
/*
 * Everything that matches @pattern (a glob over the whole, or a part of it; NULL: all): of files that the processes have
 * mapped, and of the @kernel: tracepoints, and functions where the pattern says "kprobe:".
 */
int ph_probe_list(const ph_probe_processes *processes, const char *pattern, bool kernel, ph_probe_list_fn fn,
		  ph_probe_list_note_fn note, void *arg);

#endif
