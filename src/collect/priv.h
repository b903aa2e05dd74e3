/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_PRIV_H
#define PH_COLLECT_PRIV_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "bpf/record.h"
#include "collect/collect.h"
#include "event/syscalls.h"
#include "identity/cgroupfs.h"
#include "identity/proc.h"
#include "identity/scan.h"

/* ---- ctable.c: indices that the kernel side gives, and the containers they mean -------------- */

/* Indices from here on are the kernel side's, given while recording. */
#define PH_KERNEL_INDICES 0x100000u

enum ph_ix_state {
	PH_IX_UNKNOWN,		/* nobody has said what it is */
	PH_IX_KNOWN,
	PH_IX_MAYBE,		/* a cgroup that no runtime's shape explains: the host's, until a task in
				 * namespaces of its own runs there */
};

struct ph_ix {
	enum ph_ix_state state;
	struct ph_centry *e;	/* KNOWN: the container, NULL: the host */
	int32_t hierarchy;
	uint64_t cgroup_id;
	char *path;		/* of its cgroup, NULL: it stands for namespaces */
};

struct ph_centry {
	struct ph_container c;
	bool matches, selected;	/* by the selection; it is recorded */
	bool started, stopped;
	bool settled;		/* its first program has begun: its process is known */
	uint32_t cgroups;	/* live cgroups that are its own (not below) */
	PH_VEC(uint64_t) ns_keys;	/* namespaces that the kernel side knows it by */
	int32_t guest;			/* the process that it knows a guest of KVM by, 0: none */
	uint64_t stopped_ns;
};

struct ph_gone {
	uint32_t index;
	uint64_t ts_ns;
};

struct ph_ctable {
	struct ph_u64map ix;		/* index -> struct ph_ix */
	struct ph_u64map by_index;	/* canonical index -> struct ph_centry */
	struct ph_strmap by_id;		/* runtime id or name -> struct ph_centry */
	struct ph_u64map guests;	/* process -> struct ph_centry of the guest of KVM that it runs */
	const struct ph_selection *sel;
	bool everybody, host_selected;
	uint32_t next_index;	/* of containers that only we know of, below the kernel side's */
	uint32_t nselected;	/* those that match */
	int cgroups_fd, namespaces_fd, guests_fd;	/* maps of the kernel side */
	uint64_t *generation;		/* the kernel side's, mapped: count changes of its maps */
	uint64_t *guests_known;		/* likewise: how many guests it is to ask for */
	uint32_t host_ns[PH_NS_MAX];
	PH_VEC(struct ph_gone) gone;	/* cgroups that were removed, oldest first */
	uint32_t nstopped;
	uint64_t expired_ns;
	uint64_t changes;		/* cgroups that came, or of which more was learned */
	struct ph_ix *last;		/* of ph_ctable_resolve() */
	uint32_t last_index;
};

void ph_ctable_init(struct ph_ctable *t, const struct ph_selection *sel, bool everybody, int cgroups_fd,
		    int namespaces_fd, int guests_fd, uint64_t *guests_known, uint64_t *generation);
void ph_ctable_done(struct ph_ctable *t);
/*
 * Cgroup hierarchies whose cgroups name containers to the kernel side: v2, and those of v1's cpu and
 * blkio controllers. A bit for each number.
 */
uint64_t ph_tracked_hierarchies(const struct ph_cgroupfs *fs);
/* Take in all containers of a scan and enter every cgroup of the host into the kernel's map. */
int ph_ctable_scan(struct ph_ctable *t, struct ph_err *err);
/* A control record; calls @fn with the events that follow from it. */
int ph_ctable_control(struct ph_ctable *t, const struct ph_ctl *r, ph_event_fn fn, void *arg,
		      struct ph_err *err);
/*
 * A task ran a program (@exec) or changed its namespaces: is its MAYBE cgroup a container after all?
 * Is it the first of its container?
 */
int ph_ctable_recheck(struct ph_ctable *t, uint32_t index, int32_t tid, bool exec, uint64_t ts_ns,
		      ph_event_fn fn, void *arg, struct ph_err *err);
/* Process of a task, -1: there is no such task. */
int32_t ph_thread_group(int32_t tid);
/* A process ended: was it the first of a container that has no cgroup to be removed? */
int ph_ctable_exited(struct ph_ctable *t, uint32_t index, int32_t pid, uint64_t ts_ns,
		     ph_event_fn fn, void *arg, struct ph_err *err);
/* Forget what ended so long ago that no event in the buffers can be of it. */
void ph_ctable_expire(struct ph_ctable *t, uint64_t now_ns);
/* The canonical index for what the kernel side wrote; *@ret_selected may be NULL. */
uint32_t ph_ctable_resolve(struct ph_ctable *t, uint32_t index, bool *ret_selected);
struct ph_ix *ph_ctable_ix(struct ph_ctable *t, uint32_t index);
int ph_ctable_emit_info(const struct ph_container *c, uint64_t ts_ns, ph_event_fn fn, void *arg,
			struct ph_err *err);

/* ---- cgroup_stat.c: what the kernel counts for cgroups ----------------------------------------- */

struct ph_cgstat {
	struct ph_u64map entries;	/* PH_CGKEY -> struct ph_cgstat_entry */
	size_t most;
	uint64_t changes;		/* of the container table, up to which the cgroups were looked up */
	uint64_t look_ns, round_ns;
	uint64_t looked;		/* cgroups, the last time */
	int notify;		/* tells who writes to their files, as a descriptor and one; 0: not asked for yet, -1: there is none */
};

struct ph_collect;
/* dump_cgroups.c: limits of the cgroup whose directory is @dirfd, into c->state, if others were told last. */
int ph_dump_cgroup(struct ph_collect *c, int dirfd, int32_t hierarchy, uint64_t id, uint64_t parent,
		   const char *path, struct ph_err *err);
/* Is the file of that name in a cgroup's directory one of those that have its limits? */
bool ph_dump_cgroup_has(const char *name);
/* Each selected task of a program: its process. */
int ph_dump_selected(struct ph_collect *c, void (*fn)(void *arg, int32_t pid, uint32_t container), void *arg,
		     struct ph_err *err);
/* From now on whoever changes limits is noticed. */
void ph_cgstat_begin(struct ph_collect *c);
/* Hash of the limits that were told last of a cgroup, 0: none were; NULL: it is not one of those whose changes are told. */
uint64_t *ph_cgstat_told(struct ph_collect *c, int32_t hierarchy, uint64_t id);
/* Give c->state what is due: counters of @all of them, or about once a second of those that did something; limits that changed. */
int ph_cgstat_round(struct ph_collect *c, bool all, struct ph_err *err);
void ph_cgstat_done(struct ph_cgstat *s);
/* When all cgroups may be looked through again, after that of @looked of them. */
uint64_t ph_cgstat_pause_ns(uint64_t looked);

/* ---- decode.c: records to events ----------------------------------------------------------------- */

#define PH_MAX_FIELDS 56
#define PH_MAX_CONTEXTS 32

struct ph_decoder {
	struct ph_ctable *ct;
	uint32_t nctx, context;
	struct ph_field ctx[PH_MAX_CONTEXTS];
	size_t ctx_offset[PH_MAX_CONTEXTS];
	struct ph_class *with_ctx[PH_EV_ID_MAX];
	struct ph_event ev;
	struct ph_value v[PH_MAX_FIELDS + 1], cv[PH_MAX_CONTEXTS];
	struct ph_value seq[PH_FRAMES_KERNEL + PH_FRAMES_USER];
	struct ph_buf path;
};

void ph_decoder_init(struct ph_decoder *d, struct ph_ctable *ct, uint32_t context);
void ph_decoder_done(struct ph_decoder *d);
const struct ph_class *ph_decoder_class(struct ph_decoder *d, const struct ph_class *c);
/*
 * Decode the record of @len bytes. 1: d->ev is the event (valid until the next call, pointing into
 * the record); 0: not one of ours (a broken record), or its container is not selected.
 */
int ph_decode(struct ph_decoder *d, const struct ph_rec *r, uint32_t len, uint32_t id);

/* ---- emit.c: events that user space itself makes --------------------------------------------------- */

/* Values in the order of the class's fields; ends are checked. Strings as NUL-terminated. */
struct ph_emit {
	struct ph_event ev;
	struct ph_value v[PH_MAX_FIELDS];
	uint32_t n;
};
void ph_emit_begin(struct ph_emit *e, uint32_t id, uint64_t ts_ns);
void ph_emit_u(struct ph_emit *e, uint64_t u);
void ph_emit_i(struct ph_emit *e, int64_t i);
void ph_emit_s(struct ph_emit *e, const char *s);
void ph_emit_seq(struct ph_emit *e, const struct ph_value *v, uint32_t n);	/* @v: as long as the event */
int ph_emit_done(struct ph_emit *e, ph_event_fn fn, void *arg, struct ph_err *err);

/* ---- kallsyms.c: the names of kernel functions ------------------------------------------------------- */

struct ph_kallsyms;

/* "do_nanosleep+0x10/0x80 [module]", as the kernel writes what is at an address; false: it cannot be asked. */
typedef bool (*ph_kallsyms_ask)(void *ctx, uint64_t address, char *text, size_t room);
struct ph_kallsyms *ph_kallsyms_new(ph_kallsyms_ask ask, void *ctx);
void ph_kallsyms_free(struct ph_kallsyms *k);
/* A BPF program was loaded. */
void ph_kallsyms_came(struct ph_kallsyms *k, uint64_t begin, uint64_t size, const char *name);
/* A stack was recorded: what is in it is to be told, each place once. */
void ph_kallsyms_saw(struct ph_kallsyms *k, const struct ph_value *stack);
/* How many frames at its top are there because it was recorded. */
uint32_t ph_kallsyms_ours(struct ph_kallsyms *k, const struct ph_value *stack);
/* Tell what was seen. */
int ph_kallsyms_run(struct ph_kallsyms *k, ph_event_fn fn, void *arg, struct ph_err *err);

/* ---- misses.c: events that the kernel called no program for --------------------------------------- */

struct ph_misses {
	PH_VEC(struct ph_missed) programs;	/* of each how many so far; ends with an empty one once it has begun */
	PH_VEC(int) fds;
	int (*read)(int fd, uint64_t *ret);	/* all that a program missed since it was loaded */
	uint64_t total;
	uint64_t read_ns, since_ns;		/* of the last reading and the one before it */
};

void ph_misses_add(struct ph_misses *m, const char *program, int fd);
void ph_misses_begin(struct ph_misses *m, uint64_t now_ns);
/*
 * How many more there are, since m->since_ns; as this asks the kernel for each program, it is done about once
 * a second, or where @all are asked for.
 */
uint64_t ph_misses_round(struct ph_misses *m, uint64_t now_ns, bool all);
void ph_misses_done(struct ph_misses *m);

/* ---- probes.c: programs of the kernel side where the user wants them ------------------------------------- */

struct ph_probing;

/* Are all places of a file attached at once, by programs that may wait for memory? */
bool ph_probing_multi(void);
/* Before loading: which programs, and how large their maps are. */
int ph_probing_new(struct ph_collect *c, struct ph_probes *p, struct ph_err *err);
/* Attach; from here on there are events. */
int ph_probing_begin(struct ph_collect *c, struct ph_err *err);
void ph_probing_stop(struct ph_probing *g);
void ph_probing_free(struct ph_probing *g);
/* A selected task ran a program: its container may have files that are to be probed, too. */
void ph_probing_exec(struct ph_probing *g, uint32_t container, int32_t pid);
/* Look into those, attach to what is new, and tell it; @all: tell all that there is. */
int ph_probing_run(struct ph_collect *c, bool all, ph_event_fn fn, void *arg, struct ph_err *err);

/* probe_filter.c: at most @max instructions of the filter over arguments, 0: the kernel side is not to ask any. */
size_t ph_probe_filter_code(const struct ph_probes *p, const char *expr, struct bpf_insn *out, size_t max);
/* ---- stacks.c: stacks of programs --------------------------------------------------------------------- */

struct ph_stacks;
struct ph_collect;

/* Before loading: what of the kernel side is there at all. */
void ph_stacks_prepare(struct ph_collect *c);
/* Before the first stack: the mappings that selected processes have, and their tables. */
int ph_stacks_open(struct ph_collect *c, struct ph_err *err);
/* May samples be taken, by cycles or by the clock? -errno. */
int ph_stacks_try(bool cycles);
/* Tables and mappings take at most so much. */
#define PH_STACKS_MIB 512
/* Samples begin. */
int ph_stacks_sample(struct ph_collect *c, uint32_t freq, struct ph_err *err);
void ph_stacks_free(struct ph_stacks *s);
/* Is it being found out what files are? */
bool ph_stacks_busy(const struct ph_stacks *s);
void ph_stacks_stats(const struct ph_stacks *s, struct ph_collect_stats *ret);
/* An event was drained. */
void ph_stacks_saw(struct ph_collect *c, const struct ph_event *ev);
/* Take in what changed, and tell it. */
int ph_stacks_run(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err);
/* Tell all that is known, for a new trace. */
int ph_stacks_dump(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err);

/* ---- the collector ----------------------------------------------------------------------------------- */

struct ph_collect {
	struct bpf_object *obj;
	uint64_t begun_ns;	/* no event is older */
	void *image;		/* the object file with filters compiled in */
	struct ph_config cfg;
	bool events[PH_EV_ID_MAX];
	PH_VEC(struct bpf_link *) links;
	uint64_t stopped_ns;		/* 0: it records. What programs that are still attached tell after it is dropped */
	const char **missing;
	ph_strv refused;
	uint32_t ncpus;
	uint8_t *rings;
	size_t rings_bytes;
	struct ph_ring_ctl *ctl;
	size_t ctl_bytes;
	uint64_t *lost_seen, *heads;
	struct ph_misses misses;
	struct ring_buffer *control;
	struct ph_ctable ct;
	struct ph_cgstat cgstat;
	struct ph_decoder dec;
	struct ph_filter *filter;
	struct ph_identity *filter_id;
	bool filter_exact;
	const struct ph_selection *sel;
	struct ph_evidence *evidence;	/* NULL: none is collected */
	struct ph_kallsyms *kallsyms;	/* NULL: no stacks are */
	struct ph_kernel_name *kernel_name;	/* the kernel side's, mapped */
	struct ph_probing *probing;	/* NULL: nothing is probed */
	struct ph_probes *probes;
	const char *probe_filter;
	struct ph_stacks *stacks;	/* NULL: none of programs */
	uint64_t state_ns;		/* time of what was told last of the state */
	bool comms_in_user;	/* --comm has patterns: asked of each event here */
	uint64_t nevents;
	bool dumping;
	bool count;
	uint32_t sample_hz;	/* 0: no samples are taken */
	uint32_t counted;	/* what of enum ph_counted, a bit each */
	uint64_t *count_round;	/* the kernel side's, mapped */
	uint64_t counted_gone[PH_COUNTED_N];	/* by what is no more */
	uint64_t deep_cgroups;	/* CGDIR_DEPTH deep, with others below, which are not dumped */
	uint64_t *generation, *guests_known, *control_lost;	/* the kernel side's counts, mapped */
	uint64_t *probing_now;	/* likewise: hits of probes count */
	/* of the round under way */
	ph_event_fn state;
	void *state_arg;
	int control_r;
	struct ph_err *control_err;
};

/* features.c */
bool ph_kernel_has_tracepoint(const char *name);
/* It is in a module: its type is found among the loaded ones, which takes CAP_SYS_ADMIN. */
bool ph_kernel_tracepoint_in_module(const char *name);
bool ph_kernel_may_use_modules(void);
/* Number of arguments of btf_trace_NAME without the first, -1 where it does not exist. */
int ph_tracepoint_args(const char *name);
/* Name of the type of argument @i, "" where it has none: "task_struct" for a pointer to it. */
void ph_tracepoint_arg_type(const char *name, int i, char *buf, size_t size);

/* Has struct @type of the kernel this member? */
bool ph_kernel_has_member(const char *type, const char *member);
/* Where struct @type has it, in bytes, also in unions without a name; 0: nowhere, or first. */
uint32_t ph_kernel_member_offset(const char *type, const char *member);
bool ph_kernel_has_function(const char *name);
/* Load and attach an empty fentry program to a function made for such tests: 0 or -errno. */
int ph_kernel_try_fentry(void);

/* config.c: what the kernel side is told before it is loaded */
void ph_config_set(struct ph_collect *c, const struct ph_collect_opts *opts);
/* Of each system call; of 32-bit programs, PH_NSYSCALLS further. @stacks_of: by event, what has a stack. */
void ph_config_calls(const struct ph_collect *c, const bool *stacks_of, struct ph_sysdef *calls, struct ph_faildef *failures,
		     struct ph_data_def *data);

/* programs.c: which programs an event needs */
int ph_programs_for(const bool *events, const char **names, size_t max);
const char *ph_program_why(const char *program, const char *tracepoint);

/* The namespaces of the host: process 1's, or our own where that may not be looked into. */
void ph_host_namespaces(uint32_t ns[PH_NS_MAX]);

/* ring.c */
/* A record that the kernel side has completed. */
struct ph_found {
	const struct ph_rec *rec;
	uint32_t len, id;	/* id 0: padding */
};
/* The record at @pos of a CPU's buffer, where there is one. */
bool ph_ring_at(const struct ph_collect *c, uint32_t cpu, uint64_t pos, struct ph_found *ret);
/* Begin a round: take the CPUs' heads (c->heads), then read what is new about containers. */
int ph_ring_round(struct ph_collect *c, struct ph_err *err);
/* 1: c->dec.ev is the event, until the next one, pointing into the record; 0: not one of ours. */
int ph_ring_event(struct ph_collect *c, uint32_t cpu, const struct ph_found *f, struct ph_err *err);
/* What stands before @pos was read; its room is the kernel side's again. */
void ph_ring_release(struct ph_collect *c, uint32_t cpu, uint64_t pos);
/* Room is given back in pieces of this much: the line of the tail is shared. */
#define PH_RELEASE_BYTES (PH_CHUNK / 4)
/* Events lost on a CPU since this was last asked. */
uint64_t ph_ring_lost(struct ph_collect *c, uint32_t cpu);
/* Events missed; to be asked each round. */
uint64_t ph_ring_missed(struct ph_collect *c);
/* An event about containers or of the state dump, for c->state and for the filter's own model. */
int ph_state(void *collect, const struct ph_event *ev, struct ph_err *err);
int ph_control_open(struct ph_collect *c, int fd, struct ph_err *err);
/*
 * What the kernel side says of containers, told at the times at which it happened. To be asked for before
 * anything is told with the time of now: no stream goes back, and what comes after would be too late for
 * the events of its containers.
 */
int ph_control_round(struct ph_collect *c, struct ph_err *err);

/* count.c: choose the programs that count, before loading */
void ph_count_programs(struct ph_collect *c);
int ph_collect_iterate(struct ph_collect *c, const char *program);

/* live.c: the source without the state dump */
struct ph_source *ph_live_new(struct ph_collect *c);
/* Between rounds: copy what is in the buffers, to give back their room. */
void ph_live_spill(struct ph_source *s);

/* filter.c: a copy of the object file with c->filter written into its filter slots */
int ph_filter_install(struct ph_collect *c, const void *object, size_t size, void **ret_image,
		      struct ph_err *err);

#endif
