/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_MODEL_PRIV_H
#define PH_IDENTITY_MODEL_PRIV_H

/* The insides of the identity model, shared by model*.c only. */

#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"
#include "identity/model.h"

/* Numbers come from traces: what is beyond these does not exist on Linux and is not stored. */
#define TID_LIMIT 4194304		/* PID_MAX_LIMIT */
#define CPU_LIMIT 8192
#define CONTAINER_LIMIT (1u << 22)
/* Exited tasks whose sched_process_free was not recorded are dropped, the oldest first. */
#define EXITED_MAX 4096
/* Kernel addresses that have a name, and the length of one. */
#define FUNCTIONS_MAX 65536
#define FUNCTION_NAME_MAX 256

struct task {
	struct ph_task t;		/* first: the public part */
	uint32_t pid_chain[PH_PID_LEVELS];	/* pid namespaces from the host's inwards */
	struct task *prev, *next;	/* among the exited, in order of exit */
	int32_t lives_in;		/* the process that it is counted in, 0: none */
	int32_t user_level;		/* deepest user namespace told by the dump */
	bool kthread;
	bool renamed;			/* its name came with task_rename, which exec is told by as well */
	bool gone;			/* exited and off its CPU for good: its tid may come back */
	bool stale;			/* namespaces changed since the container was derived */
	bool counted;			/* in ntasks of its derived container */
	bool exits;			/* it is in the call exit, which ends nobody else (told of it, it may be in none) */
	/* Of the first one of a process: */
	bool left;			/* it has ended, and others go on */
	bool decided;			/* after that, the process was told to end as well, or its last thread did */
	bool process_ended;
};

struct cont {
	struct ph_container c;
	char label[16];			/* where it has no name */
	/* Derived from namespaces only (traces that were not recorded by porthole): */
	bool derived;
	uint32_t key;			/* inode that it is found by */
	uint32_t ntasks;
	struct cont *same;		/* next one with that inode */
};

struct cgroup {
	int32_t hierarchy;
	uint64_t id, parent;
	uint32_t container;
	char *path;
};

struct index_slot {
	struct cont *cont;
	uint32_t canon;			/* index + 1 of the container it belongs to, 0: itself */
};

/* Takes the event into the model; returns the task in whose context it happened. */
typedef struct task *(*handler_fn)(struct ph_identity *id, struct ph_event *ev, struct task *t);

/* What feed needs to know of a class, found once. */
struct class_info {
	const struct ph_class *cls;
	handler_fn handler;
	int16_t tid, pid, procname, container;	/* positions of contexts, -1 */
	int16_t ns[PH_NS_MAX];
	bool any_ns, any_ctx;
	bool no_task;		/* written by the recorder: not in the context of a task */
	int32_t syscall_nr;	/* of entry classes, else -1 */
	bool syscall_exit;
	bool exits;		/* entry of the call exit */
	/* Of lttng_statedump_process_state before LTTng 2.12, which had the pid namespace in it. */
	int16_t old_vtid, old_vpid, old_level, old_inum;
};

struct cpu {
	struct task *cur;
};

struct ph_identity {
	struct ph_u64map tasks;		/* tid -> struct task */
	struct task *exited_first, *exited_last;
	size_t nexited;
	struct ph_u64map living;	/* process -> how many of its tasks live, see model.c */
	bool ended;			/* the last end of a task was that of its process */
	bool ended_after_first;		/* and it began with this task, as the first one had left before */
	PH_VEC(struct cpu) cpus;

	PH_VEC(struct index_slot) slots;	/* by index */
	PH_VEC(struct cont *) order;		/* by index, without holes */
	uint32_t told;			/* ph_identity_told() */
	struct ph_u64map cgroups;		/* hierarchy and id -> struct cgroup */
	struct ph_strmap cgroup_paths;		/* "hierarchy:path" -> struct cgroup */

	bool own;			/* the stream tells containers itself */
	bool complete;			/* a whole state dump was seen */
	uint32_t host_ns[PH_NS_MAX];
	struct ph_u64map derived;	/* inode -> struct cont, those that live */

	struct ph_u64map guests;	/* process -> struct cont of the guest of KVM that it runs */

	struct ph_u64map functions;	/* kernel address -> its function's name */

	struct class_info *cache[256];	/* by pointer of the class */
	struct ph_u64map classes;	/* all of them */
	char labels[8][16];		/* for ph_container_label() of what has no name */
	unsigned int next_label;
};

/* model_container.c */
void model_containers_init(struct ph_identity *id);
void model_containers_free(struct ph_identity *id);
struct cont *container_make(struct ph_identity *id, uint32_t index);
void container_make_label(struct cont *c);
/* Process @pid has ended: the number is another's. */
void guest_gone(struct ph_identity *id, int32_t pid);
/* The container of process @pid, of which @index is told: a guest that no cgroup is for is known by its process. */
uint32_t guest_index(const struct ph_identity *id, uint32_t index, int32_t pid);

/* model_derived.c */
/* Which container its namespaces put @t into, for streams that do not tell. */
void derive_container(struct ph_identity *id, struct task *t);
/* @t leaves its derived container; a container without tasks is not found any more. */
void derived_leave(struct ph_identity *id, struct task *t);

/* The container's own index for an index that an event carries. */
static inline uint32_t canon_index(const struct ph_identity *id, uint32_t index)
{
	/* The bound ends what only a trace that lies can hold: long chains. */
	for (unsigned int i = 0; i < 16 && index < id->slots.n && id->slots.v[index].canon; i++)
		index = id->slots.v[index].canon - 1;
	return index;
}

/* model.c */
/* A task that begins now: whatever had its tid before is another one. NULL: there cannot be one of that number. */
struct task *task_new(struct ph_identity *id, int32_t tid);
void task_exit(struct ph_identity *id, struct task *t);
void task_revive(struct ph_identity *id, struct task *t);
void task_drop(struct ph_identity *id, struct task *t);
void task_set_pid(struct ph_identity *id, struct task *t, int32_t pid);
/* Does process @pid, -1 unknown, end with the task that @ev, a sched_process_exit, is about? It has been told of to task_exit(). */
bool process_ends(struct ph_identity *id, const struct ph_event *ev, int32_t pid);
/* @t, of process @pid, ends with @ev, and does not end its process with it as its first thread; or it does, as another one. */
void process_left(struct ph_identity *id, const struct ph_event *ev, struct task *t, int32_t pid);

static inline struct task *task_find(const struct ph_identity *id, int32_t tid)
{
	return tid >= 0 ? ph_u64map_get(&id->tasks, (uint64_t)tid) : NULL;
}

static inline struct task *task_get(struct ph_identity *id, int32_t tid)
{
	struct task *t = task_find(id, tid);

	/* It ran for the last time: who shows up under its number now is a new task. */
	if (!t || t->gone)
		return task_new(id, tid);
	return t;
}

static inline struct cpu *cpu_get(struct ph_identity *id, uint32_t cpu)
{
	if (ph_unlikely(cpu >= id->cpus.n)) {
		if (cpu >= CPU_LIMIT)
			return NULL;
		while (id->cpus.n <= cpu)
			ph_vec_push(&id->cpus);
	}
	return &id->cpus.v[cpu];
}

static inline void set_comm(struct task *t, const struct ph_value *v)
{
	uint32_t n;

	if (!v || !v->s)
		return;
	n = v->n < sizeof(t->t.comm) - 1 ? v->n : sizeof(t->t.comm) - 1;
	if (ph_likely(!memcmp(t->t.comm, v->s, n) && !t->t.comm[n]))
		return;
	memset(t->t.comm, 0, sizeof(t->t.comm));
	memcpy(t->t.comm, v->s, n);
}

static inline void set_ns(struct task *t, unsigned int type, uint32_t inum)
{
	if (inum && t->t.ns[type] != inum) {
		t->t.ns[type] = inum;
		t->stale = true;
	}
}

static inline void set_container(struct ph_identity *id, struct task *t, uint32_t index)
{
	if (index == PH_CONTAINER_UNKNOWN)
		return;
	t->t.container = canon_index(id, index);
	if (ph_unlikely(id->guests.n))
		t->t.container = guest_index(id, t->t.container, t->t.pid);
}

/* How events of a kind are taken in, NULL: not here. model_sched.c, model_dump.c, model_container.c. */
handler_fn sched_handler(uint32_t event);
handler_fn dump_handler(uint32_t event);
handler_fn container_handler(uint32_t event);

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))
#define V(event, field) ph_event_field(ev, PH_FLD(event, field))

#endif
