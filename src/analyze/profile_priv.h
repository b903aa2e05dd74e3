/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PROFILE_PRIV_H
#define PH_ANALYZE_PROFILE_PRIV_H

/* The insides of profile*.c. */

#include "analyze/profile.h"

/* Places that are in no file: numbers of files that no stream may use. */
#define FILE_KERNEL (UINT32_MAX - 1)
#define FILE_NONE (UINT32_MAX - 2)	/* `at` is an enum place_note */
#define FILE_MAX (UINT32_MAX - 16)

/* What stands in a stack where no function does. */
enum place_note {
	NOTE_UNMAPPED, NOTE_INCOMPLETE, NOTE_KERNEL, NOTE_USER, NOTE_CUT, NOTE_UNSEEN, NOTE_ANON, NOTE_MAX,
};

/* Where a function may be. */
struct place {
	uint32_t file;			/* as the stream numbers it, or FILE_… */
	int32_t pid;			/* of code that is one process's alone, else 0 */
	uint64_t at;
	uint64_t seen_ns;		/* first: what was there then is meant */
	uint32_t loc, nlocs;		/* when names were given: from the innermost */
};

/* A stack is a place and the stack below it. */
struct node {
	uint32_t parent, place;
};

/* What a place is called, from the innermost function. */
struct name {
	const char *function, *module, *source;
	uint32_t line;
	uint64_t offset;		/* from the function's beginning, also where that has no name */
	bool inlined;
};

struct names {
	struct names *older;		/* what was there before, where a program made other code */
	uint64_t since_ns;
	uint32_t n;
	struct name v[];
};

struct map {
	uint64_t begin, end, vaddr;
	uint32_t file;
};

/* The code that a process has mapped; shared by those that have the same. In order, without overlap. */
struct space {
	unsigned int refs;
	PH_VEC(struct map) maps;
};

/* A wait of a task of which no stack was told yet. */
struct early {
	struct ph_profile_row row;
	uint64_t ts_ns, ns;
	uint32_t cpu;
};

/* A task that waits, or soon will. */
struct waiter {
	bool known, selected;
	bool seen;			/* a stack of it was told, so it is recorded */
	int32_t pid;
	uint32_t container, told;	/* told: ph_identity_told() as of `selected` */
	uint32_t next, node, maybe;	/* stacks: told, and not yet waited in; waited in; that of a wait of which it is not known how it ended. 0: none */
	uint64_t next_ns;
	PH_VEC(struct early) early;	/* until then */
};


struct profile {
	/* profile_places.c */
	PH_VEC(struct place) places;
	PH_VEC(struct node) nodes;	/* [0] is the empty stack */
	struct ph_u64map place_map, node_map, names, spaces, file_map;
	struct ph_strmap strings;
	size_t string_bytes;
	uint64_t nmaps, nlater, nnames;
	struct ph_u64map later;		/* by process: mappings that a trace tells of later */
	bool exec_told;			/* processes that run another program tell that by a process_map */
	/* profile_rows.c, profile_names.c */
	struct ph_u64map row_map, actor_map, func_map, reason_map, made_map;
	/* profile.c */
	struct held *held;		/* by CPU */
	size_t nheld;
	bool unit_known;
	/* profile_wait.c */
	struct ph_states *st;
	struct ph_u64map waiters;
	uint64_t ran_ns;
};

/* Bounds: what comes from a trace may be anything. */
#define PLACES_MAX (1u << 21)
#define NODES_MAX (1u << 22)
#define ROWS_MAX (1u << 20)
#define ACTORS_MAX (1u << 18)
#define MADE_MAX (1u << 12)
#define SAMPLES_MAX (1u << 22)
#define MAPS_MAX (1u << 22)
#define SPACE_MAPS_MAX (1u << 16)
#define FILES_MAX (1u << 18)
#define NAMES_MAX (1u << 21)
#define STRING_MAX 4096	/* as long as names are told */
#define STRINGS_BYTES (256u << 20)

/* profile_places.c: files, mappings, places, stacks */
const char *profile_string(struct ph_profile *p, const char *s, size_t n);
void profile_place_event(struct ph_profile *p, const struct ph_event *ev);
void profile_map_ahead(struct ph_profile *p, const struct ph_event *ev);
/* The stack of @ev, a callstack or sched_block_stack, of process @pid. */
uint32_t profile_node(struct ph_profile *p, int32_t pid, const struct ph_value *kernel, const struct ph_value *user,
		      unsigned int user_end);
/* What a process has mapped; NULL: not known. */
struct space *profile_space(const struct ph_profile *p, int32_t pid);
uint32_t profile_note_node(struct ph_profile *p, uint32_t parent, enum place_note note);
void profile_places_free(struct ph_profile *p);

/* profile_names.c */
void profile_name_event(struct ph_profile *p, const struct ph_event *ev);
/* Since when the code is there that is there now, as far as is known yet; 0: always. */
uint64_t profile_made_ns(const struct ph_profile *p, uint32_t file, int32_t pid, uint64_t at);
void profile_names_finish(struct ph_profile *p);
void profile_names_free(struct ph_profile *p);
uint32_t profile_func(struct ph_profile *p, enum ph_frame_kind kind, const char *name, const char *module, bool named);
/* A loc that is no place: of a group, of a reason. */
uint32_t profile_loc(struct ph_profile *p, enum ph_frame_kind kind, const char *name);

/* profile_made.c */
/* A stack of @pid has code that it made. */
void profile_made_saw(struct ph_profile *p, int32_t pid);
/* Which of p->made it is, from 1; 0: what it is made by is not known. At the end. */
uint32_t profile_made_by(struct ph_profile *p, int32_t pid);

/* profile_rows.c */
void profile_add(struct ph_profile *p, const struct ph_profile_row *key, uint64_t ts_ns, uint32_t cpu, uint64_t weight);
uint32_t profile_actor(struct ph_profile *p, uint32_t container, int32_t pid, int32_t tid, const char *comm);
bool profile_selects(const struct ph_profile *p, uint32_t container, int32_t pid, int32_t tid);
/* At the end: what stacks are divided by, of each actor. */
void profile_name_groups(struct ph_profile *p);

/* profile_wait.c */
void profile_wait_new(struct ph_profile *p);
void profile_wait_stack(struct ph_profile *p, uint64_t ts_ns, uint32_t node, int32_t tid);
void profile_wait_finish(struct ph_profile *p);
void profile_wait_free(struct ph_profile *p);

#endif
