/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_H
#define PH_LIVE_TOP_H

#include "base/err.h"
#include "base/table.h"
#include "identity/scan.h"

/*
 * What the containers of this host use, round by round: the counters of their cgroups (v1, v2 or both) and
 * what /proc has of their tasks and their network namespace. A row is a container; row 0 is the whole
 * machine. Works without root for what the caller may read; what is not known is absent, never 0.
 */

struct ph_event;
struct ph_identity;
struct ph_source;
struct ph_top_trace_opts;

/* What only grows; times in ns. */
enum ph_top_count {
	PH_TOP_CPU, PH_TOP_USER, PH_TOP_SYSTEM,
	PH_TOP_PERIODS, PH_TOP_THROTTLED_PERIODS,	/* of the limit in force, an ancestor's perhaps */
	PH_TOP_THROTTLED,
	PH_TOP_RUNQ,
	PH_TOP_FAULTS, PH_TOP_MAJOR_FAULTS,
	PH_TOP_READ_BYTES, PH_TOP_WRITE_BYTES, PH_TOP_READS, PH_TOP_WRITES,
	PH_TOP_RX_BYTES, PH_TOP_TX_BYTES, PH_TOP_RX_PACKETS, PH_TOP_TX_PACKETS, PH_TOP_NET_DROPS,
	PH_TOP_SYSCALLS, PH_TOP_ERRORS, PH_TOP_SOCKET_RX, PH_TOP_SOCKET_TX,	/* the kernel side's */
	PH_TOP_CPU_SOME, PH_TOP_CPU_FULL, PH_TOP_IO_SOME, PH_TOP_IO_FULL, PH_TOP_MEMORY_SOME, PH_TOP_MEMORY_FULL,
	PH_TOP_STEAL,
	PH_TOP_NCOUNTS,
};

#define PH_TOP_KERNEL (1ull << PH_TOP_RUNQ | 1ull << PH_TOP_SYSCALLS | 1ull << PH_TOP_ERRORS | \
		       1ull << PH_TOP_SOCKET_RX | 1ull << PH_TOP_SOCKET_TX)
#define PH_TOP_NETWORK (1ull << PH_TOP_RX_BYTES | 1ull << PH_TOP_TX_BYTES | 1ull << PH_TOP_RX_PACKETS | \
			1ull << PH_TOP_TX_PACKETS | 1ull << PH_TOP_NET_DROPS)

/* What is as it is at the moment. */
enum ph_top_level {
	PH_TOP_MEMORY, PH_TOP_WORKING_SET, PH_TOP_MEMORY_LIMIT, PH_TOP_TASKS, PH_TOP_FILES, PH_TOP_OOM_KILLS,
	PH_TOP_NLEVELS,
};

struct ph_top_sample {
	uint64_t ns;			/* when, CLOCK_MONOTONIC */
	uint64_t counted;		/* which of count[], a bit each */
	uint64_t count[PH_TOP_NCOUNTS];
	uint32_t levelled;
	uint64_t level[PH_TOP_NLEVELS];
};

#define PH_TOP_HISTORY 60

struct ph_top_row {
	const struct ph_host_container *hc;	/* until the next round */
	char *key;				/* the same container has the same one in all rounds */
	struct ph_top_sample now, before;
	bool by_tasks;				/* no cgroup counts for it: its tasks' counters do */
	bool gone;				/* its cgroup went before this round, and the scan has not seen that yet */
	bool fresh;				/* seen for the first time: there is nothing to subtract from */
	float history[PH_TOP_HISTORY];		/* CPU %, the last one newest; < 0: none */
	uint64_t acc[PH_TOP_NCOUNTS];		/* what is summed up over its tasks */
	struct ph_top_dirs *dirs;
	uint32_t round;
};

struct ph_top_host {
	uint32_t cpus;
	double load[3];
	uint64_t lost;			/* events that were to be counted or recorded, so far */
	uint64_t steal_over_ns;		/* for how long the hypervisor has been taking more than PH_TOP_STEAL_PERCENT */
};
#define PH_TOP_STEAL_PERCENT 10.0
#define PH_TOP_STEAL_NS (60 * 1000000000ull)

/* What is to be known, a bit each: what nobody looks at is not read. */
struct ph_top_want {
	uint64_t counts;
	uint32_t levels;
	bool no_bpf;
	bool filtered;		/* ph_top_events_open() follows, in the place of what the kernel side counts */
	bool seldom;		/* what is dear to find out may be some rounds old */
	bool each_round;	/* also what containers that used no CPU may have had done for them: write-back */
};

struct ph_top {
	struct ph_scan_opts scan_opts;
	struct ph_top_want want;
	struct ph_scan scan;
	PH_VEC(struct ph_top_row *) rows;	/* by the index of the scan, NULL for some: [0] is the machine */
	struct ph_top_host host;
	uint32_t unreadable;		/* processes that could not be asked for what was wanted */
	/* The insides. */
	struct ph_strmap by_key;
	struct ph_collect *kernel;	/* NULL: nothing is counted there, as the user may not or did not want */
	char *kernel_why;		/* why not, NULL */
	struct ph_top_tasks *tasks;
	struct ph_top_events *events;	/* NULL: no filter chooses what is counted */
	struct ph_top_trace *trace;	/* what a stream tells takes the place of all these (top_trace.h) */
	struct ph_cgroupfs *fs;
	int rootfd, procfd;
	uint32_t round;
	uint64_t scanned_ns, scan_cost_ns;
	bool lost_one;			/* a cgroup has gone: look again */
};

/* @root: "/" or a tree made by a test. */
int ph_top_open(struct ph_top *t, const char *root, const struct ph_top_want *want, struct ph_err *err);
void ph_top_close(struct ph_top *t);
/*
 * Take a sample of each container. Looking for containers costs more than reading their counters: it
 * is done as often as fits into 0.5 % of a CPU, and when one has gone.
 */
int ph_top_round(struct ph_top *t, uint64_t now_ns, struct ph_err *err);

/*
 * Count events that passed a filter, as they come, for what is counted event by event: system calls, block I/O, packets.
 * What such events cannot tell stays as files have it. @events: the kinds that come, by ph_top_trace_choose(); @id is
 * that of @opts, and is fed here.
 */
void ph_top_events_open(struct ph_top *t, const struct ph_top_trace_opts *opts, const bool *events, struct ph_identity *id,
			struct ph_source *src);
/* What has come by now, to be asked for often. Each goes to @see as well. 1: the source has ended. */
int ph_top_events_turn(struct ph_top *t, void (*see)(void *arg, const struct ph_event *ev), void *arg, struct ph_err *err);

/* How much @what grew since the round before, and in which time; false: not known. */
bool ph_top_delta(const struct ph_top_row *r, enum ph_top_count what, uint64_t *ret);
static inline uint64_t ph_top_interval(const struct ph_top_row *r)
{
	return r->now.ns - r->before.ns;
}
bool ph_top_level(const struct ph_top_row *r, enum ph_top_level what, uint64_t *ret);
/* The row of the container that has this index there, NULL: none. */
const struct ph_top_row *ph_top_row_at(const struct ph_top *t, uint32_t index);
/* What eyes know the container by. */
const char *ph_top_name(const struct ph_top_row *r);

/* ---- as a table: top.def ---------------------------------------------------------------------------- */

enum ph_top_col {
#define PH_TOP_COL(id, head, json, type, hidden, how, a, b, help) PH_TOP_COL_##id,
#include "live/top.def"
#undef PH_TOP_COL
	PH_TOP_NCOLS,
};
extern const struct ph_col ph_top_cols[PH_TOP_NCOLS];

/* What it takes to fill this column. */
void ph_top_want_col(struct ph_top_want *want, enum ph_top_col col);
/* What a table shows, is sorted by, or is told of in the machine's line. */
void ph_top_wanted(const struct ph_table_fmt *fmt, struct ph_top_want *want);
/* Fill a row of cells; @unix_ns: now. */
void ph_top_fill(const struct ph_top *t, const struct ph_top_row *r, uint64_t unix_ns, struct ph_cell *cells);
/* The line above the containers, into @out without a newline. */
void ph_top_host_line(const struct ph_top *t, struct ph_buf *out);
/* What the columns that are shown lack, and why, into @out: sentences, a line each. */
void ph_top_missing(const struct ph_top *t, const struct ph_table_fmt *fmt, struct ph_buf *out);

/* ---- the insides, of top_*.c ------------------------------------------------------------------------- */

static inline void ph_top_set(struct ph_top_sample *s, enum ph_top_count what, uint64_t v)
{
	s->count[what] = v;
	s->counted |= 1ull << what;
}

static inline void ph_top_set_level(struct ph_top_sample *s, enum ph_top_level what, uint64_t v)
{
	s->level[what] = v;
	s->levelled |= 1u << what;
}

/* Into its history, what it shows now. */
void ph_top_remember(struct ph_top_row *r);

/* A file below @dir as text; false where it is not there or may not be read. */
bool ph_top_read(int dir, const char *file, char *buf, size_t size);
/* The number behind @key at the beginning of a line. */
bool ph_top_number(const char *text, const char *key, uint64_t *ret);
/* Microseconds that stand behind "total=" of the line that begins with @kind, as ns. */
bool ph_top_pressure(const char *text, const char *kind, uint64_t *ret_ns);
/* Interfaces of a /proc/PID/net/dev without lo; @only asks which count, NULL: all. */
void ph_top_net(const char *text, bool (*only)(void *arg, const char *name), void *arg, struct ph_top_sample *s);

/* What a stat of /proc/PID or of a thread has; comm[] is cut. */
struct ph_top_stat {
	char comm[64], state;
	unsigned long long minor, major, user, system, start;	/* faults; ticks */
	unsigned long threads;
	long long rss;						/* pages */
};
bool ph_top_stat(const char *text, struct ph_top_stat *ret);

/* Values of maps by task: each begins with the last round that it was met in. Those of other rounds go. */
void ph_top_forget(struct ph_u64map *m, uint32_t round);
void ph_top_forget_all(struct ph_u64map *m);

/* top_cgroup.c */
struct ph_top_dirs *ph_top_dirs_open(const struct ph_cgroupfs *fs, const struct ph_host_container *hc);
void ph_top_dirs_free(struct ph_top_dirs *d);
/* Were they opened for the CPU limit that is in force now? */
bool ph_top_dirs_current(const struct ph_top_dirs *d, const struct ph_host_container *hc);
/*
 * @s: the sample to be, @last: the one before. A container that used no CPU meanwhile is mostly taken to be as
 * it was. -ENODEV: it has gone.
 */
int ph_top_cgroup(struct ph_top_dirs *d, const struct ph_top_want *want, const struct ph_top_sample *last,
		  struct ph_top_sample *s);

/* top_tasks.c: what only /proc has, or what cgroups do not have here */
struct ph_top_tasks *ph_top_tasks_new(void);
void ph_top_tasks_free(struct ph_top_tasks *k);
void ph_top_tasks_round(struct ph_top *t);

/* top_kernel.c: what the kernel side counts; without the rights for that t->kernel_why tells so */
void ph_top_kernel_open(struct ph_top *t);
void ph_top_kernel_close(struct ph_top *t);
void ph_top_kernel_round(struct ph_top *t);

/* top_events.c */
void ph_top_events_round(struct ph_top *t, uint64_t now_ns);
/* Which counters are those of events. */
uint64_t ph_top_events_counts(const struct ph_top *t);
void ph_top_events_close(struct ph_top *t);

/* Rows by the runtime's id of their container, without the machine. */
void ph_top_by_id(const struct ph_top *t, struct ph_strmap *ret);

/* top_host.c */
void ph_top_host_round(struct ph_top *t, struct ph_top_row *r);

#endif
