/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_SNOOP_PRIV_H
#define PH_LIVE_SNOOP_PRIV_H

#include "analyze/histogram.h"
#include "base/map.h"
#include "event/evset.h"
#include "filter/filter.h"
#include "live/snoop.h"

/* The inside of the live views, shared by this folder's files only. */

struct ph_call;
struct ph_snoop_row;
struct ph_snoop_world;

/* What a function may look at that computes a column. */
struct ph_snoop_at {
	const struct ph_identity *id;
	const struct ph_event *ev;		/* the event that begins the row, adds to it, or ends it */
	const struct ph_snoop_row *row;
	struct ph_snoop_world *world;
	const struct ph_snoop *sn;
	bool last;				/* it ends it */
};

struct ph_snoop_col {
	struct ph_col col;
	/*
	 * Names of fields, commas between: the first that an event of the row has; EVENT.field is of that event
	 * (or glob) alone. A later event of the row has the last word. Numbers in a column of text get their names.
	 */
	const char *from;
	/* Where it is computed: for each event of a row, after what the events say themselves. */
	void (*get)(const struct ph_snoop_at *at, struct ph_cell *c);
};

enum ph_snoop_act {
	PH_SNOOP_ROW,		/* it is a row by itself, with what was told before under its key */
	PH_SNOOP_BEGIN,		/* a row begins; another that had begun with this key is forgotten */
	PH_SNOOP_ADD,		/* tells more of the row that has begun with this key */
	PH_SNOOP_END,		/* and ends it */
	PH_SNOOP_CALL,		/* system calls: the entry begins, the exit ends; of the task */
	PH_SNOOP_MOVE,		/* the row that has this key belongs to the event's task from now on */
	PH_SNOOP_DROP,		/* the row that has this key comes to nothing */
};

struct ph_snoop_step {
	const char *events;		/* words as -e takes them, commas between */
	enum ph_snoop_act act;
	/* Fields with integers, at most three; NULL: the task; "process": that of the task, and the row is about its first thread. */
	const char *key;
	bool (*when)(const struct ph_event *ev, const struct ph_identity *id, const struct ph_snoop_world *w);	/* NULL: always */
	const char *what;		/* for the column of this name */
	bool keep;			/* BEGIN: what has begun with this key goes on, and this adds to it */
	const char *join;		/* BEGIN: it goes on where this field is another than when it began */
	const char *next;		/* END: the same task's next row begins at once, with this for `what` */
	bool nobody;			/* of a row that begins: the event's task is only whom an interrupt met */
	bool finds;			/* ADD: a row without a task is this event's */
};

struct ph_snoop {
	const char *name, *summary, *example;
	const struct ph_snoop_step *steps;	/* up to one without events; all that match are taken, in order */
	const struct ph_snoop_col *cols;	/* behind those that every view has, up to one without a name */
	const char *also;		/* further events that columns live on, as -e */
	const char *task;		/* field with the thread whom a row is about; NULL: the event's own */
	const char *container;		/* field with the container of a row, where the event knows better */
	/* Rows of others are shown where the event's own task, or these fields' one, is selected. */
	bool either;
	const char *other_task, *other_container;
	const char *time;		/* column that --min and --hist are about, NULL: none */
	uint64_t min_ns;		/* of it, where nothing is said */
	/*
	 * How long an end is waited for, 0: as long as it takes. What has none by then, or when its key begins anew,
	 * its process ends or the stream, is a row without.
	 */
	uint64_t wait_ns;
	/* It has system calls, those of its first step, or of them those that are asked for: calls*.c know more of them. */
	bool calls;
	void *data;			/* of whoever made the row while running, for its columns' functions */
};

/* A row that has begun. */
struct ph_snoop_row {
	uint64_t begin_ns, end_ns;
	uint32_t cpu;
	uint64_t mark_ns;			/* of its last event but the one that ends it */
	uint32_t container, by_container;	/* of the row; of who else was in it, see `either` */
	int32_t tid, pid, by_tid, by_pid;
	const char *what;
	bool single;				/* made of one event: it took no time */
	bool endless;				/* its end did not come: end_ns is how long it was waited for */
	uint64_t join;				/* of the field that its step has for this */
	struct ph_cell *cells;		/* all columns */
	struct ph_call *call;		/* of a view that has calls */
};

/* ---- snoop_world.c ------------------------------------------------------------------------------- */

struct ph_snoop_world *ph_snoop_world_new(void);
void ph_snoop_world_free(struct ph_snoop_world *w);
/* @id has been fed with it. */
void ph_snoop_world_feed(struct ph_snoop_world *w, const struct ph_identity *id, const struct ph_event *ev);
/* NULL where they are not known. A descriptor of the event's process: */
const char *ph_snoop_world_file(const struct ph_snoop_world *w, const struct ph_event *ev, int64_t fd);
const char *ph_snoop_world_disk(const struct ph_snoop_world *w, uint64_t dev);
const char *ph_snoop_world_cpu_cgroup(const struct ph_snoop_world *w, uint64_t id);
/* Has this task started a program since it is known? */
bool ph_snoop_world_has_exec(const struct ph_snoop_world *w, int32_t tid);
/* Are a task's namespaces, as sched_process_namespaces has them, others than when it was told last? */
bool ph_snoop_world_new_namespaces(const struct ph_snoop_world *w, const struct ph_event *ev);
/* What snoop_dns.c counts; its values are only freed. */
struct ph_u64map *ph_snoop_world_asked(struct ph_snoop_world *w);
void ph_snoop_world_forget_asked(struct ph_snoop_world *w);

/* ---- snoop_columns.c ----------------------------------------------------------------------------------- */

/* Those that every view has, in front of its own. */
enum { PH_SNOOP_TIME, PH_SNOOP_CONTAINER, PH_SNOOP_PID, PH_SNOOP_COMM, PH_SNOOP_NCOMMON = 12 };
extern const struct ph_col ph_snoop_common[PH_SNOOP_NCOMMON];

/* The row's cells of these: what is known of its task and container now. */
void ph_snoop_identify(const struct ph_identity *id, struct ph_snoop_row *row);
/* A field's value into a cell of a column of this type. */
void ph_snoop_set(const struct ph_identity *id, struct ph_cell *c, enum ph_col_type type,
		  const struct ph_field *f, const struct ph_value *v);

bool ph_snoop_is_init(const struct ph_identity *id, int32_t tid);
/* Was it born outside of its container? */
bool ph_snoop_is_visitor(const struct ph_identity *id, int32_t tid);

/* Computed. */
void ph_snoop_call(const struct ph_snoop_at *at, struct ph_cell *c);	/* "openat", from the event's name */
void ph_snoop_call_name(const struct ph_snoop_at *at, struct ph_cell *c);	/* as its manual page is called */
void ph_snoop_call_args(const struct ph_snoop_at *at, struct ph_cell *c);	/* what stands between its parentheses */
void ph_snoop_call_error(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_in_call(const struct ph_snoop_at *at, struct ph_cell *c);	/* that the task is in */
void ph_snoop_ns_call(const struct ph_snoop_at *at, struct ph_cell *c);	/* or that made it */
void ph_snoop_total(const struct ph_snoop_at *at, struct ph_cell *c);	/* what is counted, as of a connection's end */
void ph_snoop_what(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_duration(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_file(const struct ph_snoop_at *at, struct ph_cell *c);	/* that `fd` stands for */
void ph_snoop_disk(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_queue_time(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_device_time(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_granted(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_runtime(const struct ph_snoop_at *at, struct ph_cell *c);	/* of containers: docker … */
void ph_snoop_local_port(const struct ph_snoop_at *at, struct ph_cell *c);
/* Strings that were read late. */
void ph_snoop_mount_source(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_mount_target(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_mount_type(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_not_zero(const struct ph_snoop_at *at, struct ph_cell *c);	/* 0 of a field says that it is not known */
void ph_snoop_on_cpu(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_limit(const struct ph_snoop_at *at, struct ph_cell *c);	/* path of the cgroup limit_cgroup_id */
void ph_snoop_init(const struct ph_snoop_at *at, struct ph_cell *c);	/* is it its container's first process? */
void ph_snoop_exit_code(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_exit_signal(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_first_ran(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_first_waited(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_exit_oom(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_age(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_si_code(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_sig_result(const struct ph_snoop_at *at, struct ph_cell *c);
/* Of the task in whose context the row's last event was. */
void ph_snoop_event_pid(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_event_comm(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_event_container(const struct ph_snoop_at *at, struct ph_cell *c);

/* ---- snoop_dns.c: columns of name look-ups ------------------------------------------------------------- */

void ph_snoop_dns_server(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_dns_name(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_dns_type(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_dns_code(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_dns_answers(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_dns_try(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_dns_truncated(const struct ph_snoop_at *at, struct ph_cell *c);
void ph_snoop_dns_protocol(const struct ph_snoop_at *at, struct ph_cell *c);

/* A field by name, where the event has it and it is a number, or text (else NULL): traces may call anything so. */
int64_t ph_snoop_number(const struct ph_event *ev, const char *name, int64_t otherwise);
const struct ph_value *ph_snoop_text(const struct ph_event *ev, const char *name);
const struct ph_value *ph_snoop_bytes(const struct ph_event *ev, const char *name);

/* ---- snoop_output.c ------------------------------------------------------------------------------------ */

struct ph_snoop_group {
	char *key;
	struct ph_hist hist;
};

struct ph_snoop_out {
	const struct ph_snoop *sn;
	const struct ph_snoop_opts *o;
	const struct ph_col *cols;
	size_t ncols, time, by;		/* columns; SIZE_MAX: none */
	struct ph_table table;
	struct ph_table_more more;
	PH_VEC(struct ph_snoop_group) groups;
	struct ph_strmap by_key;	/* number of the group, plus 1 */
	int64_t shown_sec;
	char hms[16];
};

/* Takes over @cells. */
void ph_snoop_out_row(struct ph_snoop_out *o, struct ph_cell *cells);
void ph_snoop_out_print(struct ph_snoop_out *o, bool last, struct ph_buf *out);
void ph_snoop_out_done(struct ph_snoop_out *o);
void ph_snoop_cells_free(struct ph_cell *cells, size_t n);

#endif
