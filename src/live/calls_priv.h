/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_CALLS_PRIV_H
#define PH_LIVE_CALLS_PRIV_H

#include <string.h>

#include "event/calldata.h"
#include "event/syscalls.h"
#include "live/calls.h"
#include "live/snoop_priv.h"

/* The inside of the view "syscalls", shared by calls*.c and the engine (snoop.c). */

#define CALL_ARGS 6
#define CALL_VECTORS_MAX 1024	/* more iovecs no call takes (UIO_MAXIOV) */

/* What a class of entries or exits means, worked out when its first event comes. */
struct call_class {
	const struct ph_syscall *sc;	/* NULL: not one of ours */
	char *name;			/* as manual pages have it */
	uint32_t field[CALL_ARGS];	/* with the argument's own value, plus 1; 0: none … */
	uint32_t data[CALL_ARGS];	/* … and with what it points to */
	const struct ph_capture *cap[CALL_ARGS];	/* of data */
	uint32_t msg_name;		/* a message's address, plus 1 */
	const struct call_names *names[CALL_ARGS];
	bool selected;			/* other names, too, by one of its arguments */
	bool result;			/* what it returns may have a name */
	bool other;			/* of the other machine (event/machine.h) */
	const struct ph_calldata *rows;	/* what else its arguments point to */
	size_t nrows;
	PH_VEC(uint32_t) more;		/* fields that are no argument as far as is known */
	int ret;			/* field, -1: none */
};

/* Of what an argument points to, from an event of its own. */
struct call_piece {
	uint8_t arg, part;		/* enum ph_data_part */
	bool at_exit;
	uint16_t index;
	uint32_t n;
	uint64_t size;			/* in memory; @n were recorded */
	char *data;
};

/* A call that has begun: its arguments as far as they are known, as text. */
struct ph_call {
	const struct call_class *cc;	/* of the entry */
	uint8_t nargs, skip;		/* of them, a bit each: not shown */
	char *arg[CALL_ARGS];		/* NULL: not known yet, or not there */
	bool sure[CALL_ARGS];		/* the exit says nothing else */
	struct ph_buf more;
	int64_t value[CALL_ARGS];	/* of those that are numbers */
	PH_VEC(struct call_piece) pieces;
	uint64_t nstrings;		/* of the list of them that it has */
	char *msg_name;			/* address of a message */
	char *ret_path;			/* of the descriptor that it returns */
	char *found;			/* what stands behind the result */
	int64_t ret;
	bool ended, address;		/* ret is known; it is an address */
	bool cut;			/* printed, as unfinished … */
	unsigned int printed;		/* … up to this argument */
};

struct ph_calls;

struct ph_calls *ph_calls_new(const struct ph_snoop_opts *o);
void ph_calls_free(struct ph_calls *c);

/* ---- calls_class.c ------------------------------------------------------------------------------------ */

const struct call_class *call_class_of(struct ph_calls *c, const struct ph_class *cls);
void call_class_free(struct call_class *cc);

/* ---- calls.c: what events tell ------------------------------------------------------------------- */

struct ph_call *ph_call_new(void);
void ph_call_free(struct ph_call *call);
/* The entry, the string that was read late, or the exit (@last). */
void ph_call_tell(struct ph_calls *c, struct ph_call *call, const struct ph_snoop_at *at);
/* Arguments @from … without those from the first on that may still change, where @sure; the next number. */
unsigned int ph_call_add_args(const struct ph_call *call, unsigned int from, bool sure, struct ph_buf *b);
static inline bool ph_call_failed(const struct ph_call *call)
{
	return call->ended && call->ret < 0 && call->ret >= -4095;
}

/* ---- calls_result.c ----------------------------------------------------------------------------------- */

/* "3", "-1 ENOENT (No such file or directory)", "?" */
void ph_call_add_result(const struct ph_call *call, struct ph_buf *b);

/* ---- calls_number.c: arguments that are numbers ----------------------------------------------------- */

/* Of one event of a call. */
struct call_telling {
	struct ph_calls *c;
	struct ph_call *call;
	const struct call_class *cc;	/* of the event */
	const struct ph_snoop_at *at;
	bool at_exit;
};

/* By the name of its event. */
bool call_is(const struct ph_call *call, const char *name);
/* Of fcntl. */
void call_add_open_flags(struct ph_buf *b, const struct ph_call *call, int64_t v);
void call_add_number(const struct call_telling *t, const struct ph_field *f, unsigned int arg, const struct ph_value *v,
		     struct ph_buf *b);
void call_add_mode(struct ph_buf *b, uint64_t mode);
/* Those of @n that it has with these values: how many, and in @skip those in between that it has not. */
uint8_t call_count_args(const struct ph_call *call, uint8_t n, uint8_t *skip);

/* ---- calls_names.c: names of arguments that only one call gives this meaning --------------------- */

struct call_names;
/* Those that depend on no other argument. */
const struct call_names *call_names_of(const char *call, unsigned int arg);
/* "call:argument", or a name of its own. */
const struct call_names *call_names_by(const char *key);
/* Are there some of this call that depend on another argument? And as that is: */
bool call_names_selected(const char *call);
bool call_names_result(const char *call);
const struct call_names *call_names_now(const struct ph_call *call, unsigned int arg);
#define CALL_RESULT 9	/* for an argument's number */
/* @args: "call:argument", "call:argument@selector", commas between. */
bool call_names_match(const char *args, const struct ph_call *call, unsigned int arg);
bool call_names_flags(const struct call_names *names);
/* False, and nothing appended, where it has no name, or there are no @names. */
bool call_names_add(const struct call_names *names, int64_t v, struct ph_buf *b);

/* ---- calls_value.c: what arguments point to -------------------------------------------------------- */

/* @whole: how long it is, where that is more than what was captured, else 0. False: print the address. */
bool call_add_data(struct ph_buf *b, enum ph_unit unit, const struct ph_capture *cap, const char *s, size_t n,
		   uint64_t whole, uint64_t string_max);
/* An unsigned number in memory. */
static inline uint64_t call_number(const char *s, size_t bytes)
{
	uint64_t v = 0;

	memcpy(&v, s, bytes);	/* traces that are read are of little-endian machines, as this one */
	return v;
}

/* NULL, or hexadecimal. */
void call_add_pointer(struct ph_buf *b, uint64_t v);
/* 0, or hexadecimal. */
void call_add_hex(struct ph_buf *b, uint64_t v);
/* A list of numbers of @size bytes. */
void call_add_words(struct ph_buf *b, const char *s, size_t n, size_t size, uint64_t whole);
/* struct timespec and timeval of @n bytes, whose @fraction is called so; false, and nothing appended: it is none. */
bool call_add_time(struct ph_buf *b, const char *s, size_t n, const char *fraction);
bool call_add_timer(struct ph_buf *b, const char *s, size_t n, const char *fraction);
/* clock_t, of which each second has a hundred for all programs, with what that is. */
void call_add_ticks(struct ph_buf *b, int64_t v);
/* Of descriptors that were waited for: those where something is. */
void call_add_revents(struct ph_buf *b, const char *s, size_t n);
void call_add_signal(struct ph_buf *b, int64_t sig);
void call_add_wait_status(struct ph_buf *b, int32_t status);

void call_add_string(struct ph_buf *b, const char *s, size_t n, uint64_t whole, uint64_t max);
/* Of 8 bytes, and of 32: with mask and restorer. */
void call_add_sigset(struct ph_buf *b, const char *s);
void call_add_sigaction(struct ph_buf *b, const char *s);

/* ---- calls_data.c: what they point to, from events of its own ------------------------------------------- */

void call_data_tell(struct ph_calls *c, struct ph_call *call, const struct ph_event *ev);
/* The entry was told: which arguments may still be shown otherwise. */
void call_data_entry(const struct ph_calls *c, struct ph_call *call);
const struct call_piece *call_piece_of(const struct ph_call *call, unsigned int arg, bool at_exit, unsigned int part,
				       unsigned int index);
/* The length that it was called with, of an address that is filled in; -1: not known. */
int64_t call_data_length(const struct ph_call *call, unsigned int arg);
/* By the entry's events. */
bool call_data_told(const struct ph_call *call, unsigned int arg);
void call_data_exit(const struct ph_calls *c, struct ph_call *call);
void call_pieces_free(struct ph_call *call);

/* ---- calls_struct.c ----------------------------------------------------------------------------------- */

/* False, and nothing appended: it is not whole. */
bool call_add_struct(struct ph_buf *b, const struct ph_calldata *row, const struct call_piece *p, const struct ph_call *call,
		     uint64_t string_max);

/* ---- calls_layout.c ----------------------------------------------------------------------------------- */

/* False, and nothing appended: it is no struct that is known, or not whole. */
bool call_add_layout(struct ph_buf *b, const struct ph_call *call, unsigned int arg, const char *s, size_t n);

/* ---- calls_siginfo.c ---------------------------------------------------------------------------------- */

#define CALL_SIGINFO 48		/* bytes of it that mean something, of any signal */

/* Of @n bytes, at least the first three numbers. */
void call_add_siginfo(struct ph_buf *b, const char *s, size_t n);
/* False, and nothing appended: it has no name. */
bool call_add_si_code(struct ph_buf *b, int sig, int code);

/* ---- calls_lines.c ------------------------------------------------------------------------------------ */

struct ph_call_lines {
	const struct ph_snoop_opts *o;
	struct ph_buf out;
	const struct ph_snoop_row *open;	/* whose line would still be whole if its end came now */
	const struct ph_snoop_row *waits;	/* that it was already … */
	uint64_t waits_ns;			/* … at this time of ph_now_ns() */
	bool in_order;				/* what begins is told at once, and not only what has passed a filter */
	bool tasks;				/* signals and ends of tasks, too: nothing asks for some calls alone */
	uint64_t last_ns;			/* of the last line */
	bool any;
	int64_t shown_sec;
	char hms[16];
};

void ph_call_lines_begin(struct ph_call_lines *l, const struct ph_identity *id, struct ph_snoop_row *row);
void ph_call_lines_end(struct ph_call_lines *l, const struct ph_identity *id, struct ph_snoop_row *row);
/* @row is no more. */
void ph_call_lines_forget(struct ph_call_lines *l, const struct ph_snoop_row *row);
/* A task's end. */
void ph_call_lines_exit(struct ph_call_lines *l, const struct ph_identity *id, const struct ph_event *ev);
/* A signal that arrives. */
void ph_call_lines_signal(struct ph_call_lines *l, const struct ph_identity *id, const struct ph_event *ev);
/* Of the running kernel, now and then: what takes long is not kept back. */
void ph_call_lines_wait(struct ph_call_lines *l, const struct ph_identity *id);
/* What has not ended. */
void ph_call_lines_finish(struct ph_call_lines *l, const struct ph_identity *id);

/* ---- calls_summary.c ---------------------------------------------------------------------------------- */

struct ph_call_summary;
struct ph_call_summary *ph_call_summary_new(void);
void ph_call_summary_free(struct ph_call_summary *s);
void ph_call_summary_add(struct ph_call_summary *s, const struct ph_identity *id, const struct ph_snoop_row *row);
void ph_call_summary_print(struct ph_call_summary *s, const struct ph_table_fmt *fmt, unsigned int width,
			   struct ph_buf *out);

/* ---- what the engine holds ---------------------------------------------------------------------------- */

struct ph_calls {
	const struct ph_snoop_opts *o;
	struct ph_u64map classes;	/* class -> struct call_class */
	bool no_args;			/* nobody looks at them */
	bool has_data;			/* what they point to comes as events of its own */
	struct ph_call_lines *lines;	/* NULL: a table */
	struct ph_call_summary *summary;	/* NULL: none */
};

#endif
