/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_STACKS_H
#define PH_COLLECT_STACKS_H

#include "base/map.h"
#include "collect/packages.h"
#include "collect/priv.h"
#include "symbol/symbol.h"
#include "unwind/walk.h"

/*
 * What the kernel side needs to walk stacks (bpf/lib/callstack.bpf.h), and what tells a reader of them what their
 * addresses are: which processes have mapped which files where, tables of these files, names of places in them.
 */

/* ---- store.c: memory that is shared with the kernel side ---------------------------------------- */

struct ph_store_extent {
	uint64_t pos, n;
	uint64_t since_ns;	/* given back; a walk may still be looking */
};

struct ph_store {
	int outer_fd;			/* the map of chunks; -1: user space's own, for tests */
	uint32_t nchunks, most;
	uint8_t *chunk[PH_STORE_CHUNKS];
	PH_VEC(struct ph_store_extent) free, given_back;
	uint64_t used;			/* bytes */
};

void ph_store_init(struct ph_store *s, int outer_fd, uint64_t most_bytes);
void ph_store_done(struct ph_store *s);
/* The position of @n bytes of zeros in one chunk, on a multiple of 32. -ENOSPC: it is full. */
int ph_store_alloc(struct ph_store *s, uint64_t n, uint64_t *ret);
/* They may be used for something else a little later. */
void ph_store_free(struct ph_store *s, uint64_t pos, uint64_t n, uint64_t now_ns);
void *ph_store_at(const struct ph_store *s, uint64_t pos);

/* A table's parts; what each takes, to give it back. */
struct ph_stored_table {
	struct ph_store_table t;
	uint64_t pages_n, rules_n, bytes;
	PH_VEC(struct ph_store_extent) rows;
};
/* -ENOSPC, -E2BIG. */
int ph_store_table(struct ph_store *s, const struct ph_unwind_table *table, struct ph_stored_table *ret);
void ph_store_table_free(struct ph_store *s, struct ph_stored_table *t, uint64_t now_ns);
/* The index of the rule for an address as the kernel side finds it, for tests; PH_RULE_NONE. */
uint32_t ph_store_find(const struct ph_store *s, const struct ph_store_table *t, uint64_t vaddr);

/* ---- codefile.c: files with code ------------------------------------------------------------------ */

/* What a file of an image is known by in all containers of it. */
struct ph_layer_key {
	uint64_t ino, size, ctime_s, ctime_ns, mtime_s, mtime_ns;
};

struct ph_codefile {
	uint32_t id;			/* in the stream, and in the kernel side's `tables` */
	uint32_t refs;			/* mappings that are of it */
	PH_VEC(struct ph_file_key) keys;	/* of by_inode */
	struct ph_layer_key layer;	/* of by_layer; inode 0: none */
	uint64_t idle_ns;		/* since when nobody has it mapped */
	uint32_t container;		/* of the process that had it first */
	char *path;
	char build_id[2 * PH_BUILD_ID_MAX + 1];
	const struct ph_symfile *info;	/* NULL: not known, or no program */
	int fd;				/* until the namer has it; -1: it is opened again when it is needed */
	uint64_t ino, size;		/* as the one that was opened first */
	int root;			/* O_PATH, of the process that had it first; -1: the host's, or no more needed */
	uint64_t last_seen;		/* when it was in a stack at a place that was new, by `places` */
	uint32_t unanswered;		/* places whose names the namer has not told yet */
	bool nameless;			/* one has none: because of */
	char *problem;			/* this; NULL: because there are no debug symbols, but */
	struct ph_symbol_package package;	/* here; NULL: not known yet */
	bool missing_told;
	bool known;			/* what it is, well or badly */
	bool in_child, in_namer;
	bool held, pending;		/* it is one of `held`, of `pending` */
	bool jitdump;			/* it is told what code the process makes */
	bool copied;			/* what is open is a copy: its inode is not held */
	bool missed;			/* it could not be opened, as its process had ended, or */
	bool crowded;			/* as no more files may be open: it is tried again */
	bool told;			/* in the stream */
	struct ph_stored_table table;
	struct ph_codefile *interprets;	/* it is an interpreter: what its program's functions are in */
	uint32_t interp;		/* as the kernel side has it */
	struct ph_u64map seen;		/* addresses of it in stacks: their names are told, or asked for */
	PH_VEC(uint64_t) asked;		/* to be asked for */
};

/* ---- mapsfile.c: the code that a process has mapped, by address ------------------------------------ */

/* As the kernel keeps it. */
#define PH_DEV(major, minor) ((uint64_t)(major) << 20 | (minor))

struct ph_mapped {
	uint64_t begin, end, offset, dev, ino;	/* dev: PH_DEV(); ino 0: memory of its own */
	bool writable;
};

struct ph_mapsfile {
	int fd;				/* the kernel is asked; -1: */
	struct ph_buf text;
	char *rest;			/* of the text */
	uint64_t from;
	struct ph_mapped last;
	char *path;
	char name[4096];
};

/* -errno: it is not there, or has no memory any more. @as_text: also where the kernel could be asked. */
int ph_mapsfile_open(struct ph_mapsfile *m, int proc_fd, int32_t pid, bool as_text);
/* Of a text as the kernel writes it, which is changed; need not be closed. */
void ph_mapsfile_text(struct ph_mapsfile *m, char *text);
void ph_mapsfile_close(struct ph_mapsfile *m);
/* False: that was all. */
bool ph_mapsfile_next(struct ph_mapsfile *m, struct ph_mapped *ret);
/* Of the last one, also where it is deleted; "": it has none. Valid until the next. */
const char *ph_mapsfile_path(struct ph_mapsfile *m);

struct ph_mapping;
struct ph_codefiles {
	struct ph_u64map by_inode;	/* device and inode → struct ph_codefile */
	struct ph_u64map by_layer;
	uint64_t secret;		/* in what both are looked up by: nobody else can tell which files fall together */
	PH_VEC(struct ph_codefile *) all;	/* by id */
	struct ph_store *store;
	struct ph_store_table *shared;	/* the kernel side's `tables`, mapped */
	int known_fd;			/* its `known_files`; -1: none */
	struct ph_symchild *child, *namer;	/* for tables, for names; NULL: nothing is looked into */
	struct ph_interp *interps;	/* the kernel side's, mapped */
	uint32_t ninterps;
	PH_VEC(struct ph_codefile *) interpreted;	/* `interprets` of all */
	uint64_t news;			/* counts files that became known */
	uint64_t room;			/* counts when it is to be tried again to open some */
	uint64_t refused;		/* files for which there was no room */
	uint64_t held, may_hold;	/* files that are open for their names, and how many may be */
	uint64_t places;		/* counts new places in stacks */
	uint64_t pending, may_pend;	/* whose table is asked for, and which are open for that */
	uint64_t tables, table_bytes, expired_ns;
};

void ph_codefiles_init(struct ph_codefiles *f, struct ph_store *store, struct ph_store_table *shared, int known_fd,
		       struct ph_interp *interps, struct ph_symchild *child, struct ph_symchild *namer);
void ph_codefiles_done(struct ph_codefiles *f);
/* The file of @pid's mapping that @maps has told last; it has one reference more. Never NULL. */
struct ph_codefile *ph_codefile_mapped(struct ph_codefiles *f, int32_t pid, uint32_t container, struct ph_mapsfile *maps);
/* The same of a process that may be gone by now; NULL: it is not known which file that is. */
struct ph_codefile *ph_codefile_known(struct ph_codefiles *f, const struct ph_mapped *is, bool vdso);
/* Can the namer be asked about it, which is mapped at @m of @pid? It is handed over when this is asked first. */
bool ph_codefile_has_names(struct ph_codefiles *f, struct ph_codefile *file, int32_t pid, const struct ph_mapping *m);
void ph_codefile_drop(struct ph_codefile *file, uint64_t now_ns);
/* Forget those that nobody has had mapped for long. */
void ph_codefiles_expire(struct ph_codefiles *f, uint64_t now_ns);
/* Code in it was made by the program that has it mapped: its addresses are that process's. */
bool ph_codefile_made(const struct ph_codefile *f);
/* What the file calls the first address of a mapping from @offset on; a guess while it is not known. */
uint64_t ph_codefile_vaddr(const struct ph_codefile *f, uint64_t begin, uint64_t offset);
/* A place of it has no name, because of a @problem, or else what has it is asked, once. True: what there is to tell is known. */
bool ph_codefile_nameless(struct ph_codefile *file, const char *problem, struct ph_packages *packages);
/* The child's answers. @t NULL: there is no table. */
/* Its number in the kernel side's `interps`, from 1; 0: there is no room. */
uint32_t ph_codefiles_interp(struct ph_codefiles *f, const struct ph_interp *in);
void ph_codefile_is(struct ph_codefiles *f, uint32_t id, const struct ph_symfile *info);
void ph_codefile_table(struct ph_codefiles *f, uint32_t id, const struct ph_unwind_table *t);

/* ---- procmaps.c: mappings of processes ------------------------------------------------------------- */

struct ph_mapping {
	uint64_t begin, end, offset, vaddr;
	struct ph_codefile *file;
	bool told;
	bool stored_known;		/* the kernel side has which file it is */
};

struct ph_mapproc {
	int32_t pid;
	uint32_t container;
	PH_VEC(struct ph_mapping) maps;		/* by address */
	struct ph_u64map interpreted;		/* frames of interpreters that were seen */
	struct ph_made *made;			/* madecode.c: names of code that it makes; NULL: none was seen */
	struct ph_interp java;			/* what it runs, where that has told where it has what; java.known: it has */
	uint64_t java_bias, java_list;		/* where it lies; its list of code's heaps */
	uint64_t stack;				/* where its stack begins, when `maps` were read: of each program elsewhere */
	uint64_t pos;				/* in the store */
	uint32_t stored;			/* mappings there */
	uint32_t exec_pages;			/* of code that is not writable */
	bool dirty, replaced;			/* to be read; it runs another program */
	bool tell, clear_due;			/* something is to be told; first, that what it had is no more */
	bool waiting;				/* for files to be known */
	bool crowded;				/* one is that could not be opened for want of room */
	bool exiting;				/* its first thread has ended */
	uint64_t since_ns, exec_ns;		/* the time of the change, of its last exec */
	uint64_t told_ns;			/* with which something of it was told last */
	uint64_t read_ns, not_before_ns;	/* read last; read again */
	uint64_t gone_ns;			/* it has ended */
};

struct ph_procmaps {
	struct ph_u64map procs;			/* pid → struct ph_mapproc */
	struct ph_codefiles *files;
	struct ph_store *store;
	int procs_fd;				/* the kernel side's map; -1: none */
	int proc_fd;				/* /proc */
	uint64_t news, room;			/* of files, up to which processes that waited were looked at */
	uint64_t refused;			/* mappings and processes for which there was no room */
};

/* Copy memory of process *@pid. */
bool ph_process_memory(void *pid, uint64_t addr, void *buf, size_t n);
void ph_procmaps_init(struct ph_procmaps *m, struct ph_codefiles *files, struct ph_store *store, int procs_fd);
void ph_procmaps_done(struct ph_procmaps *m);
struct ph_mapproc *ph_procmaps_get(struct ph_procmaps *m, int32_t pid);
/* From now on it is looked after; NULL: there are too many. */
struct ph_mapproc *ph_procmaps_add(struct ph_procmaps *m, int32_t pid, uint32_t container, uint64_t since_ns);
void ph_procmaps_fork(struct ph_procmaps *m, int32_t parent, int32_t child, uint64_t ts_ns);
void ph_procmaps_exec(struct ph_procmaps *m, int32_t pid, uint64_t ts_ns);
void ph_procmaps_changed(struct ph_procmaps *m, int32_t pid, uint64_t ts_ns);
/* The kernel tells of code that was mapped. */
void ph_procmaps_mapped(struct ph_procmaps *m, int32_t pid, const struct ph_mapped *is, bool vdso, uint64_t ts_ns);
void ph_procmaps_exit(struct ph_procmaps *m, int32_t pid, uint64_t ts_ns);
/* Read what changed, tell the kernel side. */
void ph_procmaps_run(struct ph_procmaps *m, uint64_t now_ns);
/* What it has mapped by now; how much of it is new. */
int ph_procmaps_take(struct ph_procmaps *m, struct ph_mapproc *p, struct ph_mapsfile *from);

/* ---- madecode.c: see madecode.h; of a process that ended, or runs another program. NULL: nothing ---- */

struct ph_made;
void ph_made_free(struct ph_made *m);

/* ---- sideband.c: what the kernel tells of mappings ------------------------------------------------- */

struct ph_sideband;

/* One event on each CPU; NULL and *@err: not permitted. */
struct ph_sideband *ph_sideband_new(struct ph_err *err);
void ph_sideband_free(struct ph_sideband *s);
/* Take what there is to @m and @k. True: some was lost, so that everything is to be read again. */
bool ph_sideband_read(struct ph_sideband *s, struct ph_procmaps *m, struct ph_kallsyms *k);

#endif
