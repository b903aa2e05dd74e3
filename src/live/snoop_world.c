/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analyze/cgtree.h"
#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/snoop_priv.h"

/*
 * What columns look up that is in no single event: the files behind descriptors, disks, cgroups.
 *
 * Files are those that the state dump names and that processes open meanwhile, where the view asks for these
 * events. A descriptor is as its process has it: a child has a copy, exec closes what was opened for that.
 */

struct file {
	bool cloexec;
	char *path;
};

/* A call under way that makes a descriptor. */
struct opening {
	char *path;		/* of a new file; "": it is told at the call's end */
	int32_t dir;		/* the descriptor that it is below where it is relative, -1: none */
	int32_t from;		/* or the descriptor that is doubled */
	int32_t to;		/* the descriptor that is connected or bound, -1: the result is one */
	bool cloexec;
};

struct ph_snoop_world {
	struct ph_cgtree *cgroups;
	struct ph_u64map disks;		/* device -> name */
	struct ph_u64map files;		/* process -> map of descriptors -> struct file */
	struct ph_u64map tables;	/* of the state dump: table's address -> its process, plus 1 */
	struct ph_u64map opening;	/* thread -> struct opening */
	struct ph_u64map kinds;		/* class -> enum kind, plus 1 */
	struct ph_u64map asked;		/* of snoop_dns.c */
	struct ph_u64map execs;		/* threads that have started a program */
	struct ph_u64map namespaces;	/* thread -> a hash of those that were told last */
};

enum kind { NOTHING, OPEN, OPENED, DUP, DUP_TO, FCNTL, SOCKET, CONNECT, ACCEPT, ACCEPTED, CLOSE };

struct ph_snoop_world *ph_snoop_world_new(void)
{
	struct ph_snoop_world *w = ph_alloc(sizeof(*w));

	w->cgroups = ph_cgtree_new();
	return w;
}

static void file_free(struct file *f)
{
	if (!f)
		return;
	free(f->path);
	free(f);
}

static void files_free(struct ph_u64map *t)
{
	if (!t)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(t, s)); )
		file_free(s->val);
	ph_u64map_done(t);
	free(t);
}

static void opening_free(struct opening *o)
{
	if (!o)
		return;
	free(o->path);
	free(o);
}

struct ph_u64map *ph_snoop_world_asked(struct ph_snoop_world *w)
{
	return &w->asked;
}

void ph_snoop_world_forget_asked(struct ph_snoop_world *w)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&w->asked, s)); )
		free(s->val);
	ph_u64map_done(&w->asked);
}

void ph_snoop_world_free(struct ph_snoop_world *w)
{
	if (!w)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&w->files, s)); )
		files_free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&w->opening, s)); )
		opening_free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&w->disks, s)); )
		free(s->val);
	ph_u64map_done(&w->files);
	ph_u64map_done(&w->opening);
	ph_u64map_done(&w->disks);
	ph_u64map_done(&w->tables);
	ph_u64map_done(&w->kinds);
	ph_u64map_done(&w->execs);
	ph_u64map_done(&w->namespaces);
	ph_snoop_world_forget_asked(w);
	ph_cgtree_free(w->cgroups);
	free(w);
}

/* ---- files ------------------------------------------------------------------------------------- */

/* A process that is not known yet has one thread as far as is known. */
static uint64_t process_of(const struct ph_event *ev)
{
	return (uint64_t)(uint32_t)(ev->pid >= 0 ? ev->pid : ev->tid);
}

static const struct file *file_find(const struct ph_snoop_world *w, uint64_t process, int64_t fd)
{
	const struct ph_u64map *t = ph_u64map_get(&w->files, process);

	return t ? ph_u64map_get(t, (uint64_t)fd) : NULL;
}

static void file_close(struct ph_snoop_world *w, uint64_t process, int64_t fd)
{
	struct ph_u64map *t = ph_u64map_get(&w->files, process);

	if (t)
		file_free(ph_u64map_del(t, (uint64_t)fd));
}

/* Takes over @path; NULL: the descriptor is something else from now on. */
static void file_set(struct ph_snoop_world *w, uint64_t process, int64_t fd, char *path, bool cloexec)
{
	struct ph_u64map *t;
	struct file *f;

	file_close(w, process, fd);
	if (!path)
		return;
	t = ph_u64map_get(&w->files, process);
	if (!t) {
		t = ph_alloc(sizeof(*t));
		ph_u64map_put(&w->files, process, t);
	}
	f = ph_alloc(sizeof(*f));
	*f = (struct file){ cloexec, path };
	ph_u64map_put(t, (uint64_t)fd, f);
}

/* The thread's number is another's from now on. */
static void forget_thread(struct ph_snoop_world *w, int32_t tid)
{
	ph_u64map_del(&w->execs, (uint64_t)(uint32_t)tid);
	ph_u64map_del(&w->namespaces, (uint64_t)(uint32_t)tid);
}

static void on_fork(struct ph_snoop_world *w, const struct ph_event *ev)
{
	int64_t parent = ph_event_i(ev, PH_FLD(sched_process_fork, parent_pid), -1);
	int64_t child = ph_event_i(ev, PH_FLD(sched_process_fork, child_pid), -1);
	const struct ph_u64map *from;

	forget_thread(w, (int32_t)ph_event_i(ev, PH_FLD(sched_process_fork, child_tid), -1));
	if (child < 0 || child == parent)
		return;
	files_free(ph_u64map_del(&w->files, (uint64_t)child));
	from = ph_u64map_get(&w->files, (uint64_t)parent);
	for (struct ph_u64map_slot *s = NULL; from && (s = ph_u64map_next(from, s)); ) {
		const struct file *f = s->val;

		file_set(w, (uint64_t)child, (int64_t)s->key, ph_strdup(f->path), f->cloexec);
	}
}

static void on_exec(struct ph_snoop_world *w, const struct ph_event *ev)
{
	const struct ph_u64map *t = ph_u64map_get(&w->files, process_of(ev));
	PH_VEC(int64_t) closed = { 0 };

	for (struct ph_u64map_slot *s = NULL; t && (s = ph_u64map_next(t, s)); )
		if (((const struct file *)s->val)->cloexec)
			*ph_vec_push(&closed) = (int64_t)s->key;
	for (size_t i = 0; i < closed.n; i++)
		file_close(w, process_of(ev), closed.v[i]);
	ph_vec_done(&closed);
	ph_u64map_put(&w->execs, (uint64_t)(uint32_t)ev->tid, w);
}

static void on_end(struct ph_snoop_world *w, const struct ph_identity *id, const struct ph_event *ev)
{
	opening_free(ph_u64map_del(&w->opening, (uint64_t)(uint32_t)ev->tid));
	forget_thread(w, ev->tid);
	if (ph_identity_process_ended(id, ev))
		files_free(ph_u64map_del(&w->files, process_of(ev)));
}

static void on_dumped_file(struct ph_snoop_world *w, const struct ph_event *ev)
{
	uint64_t table = ph_event_u(ev, PH_FLD(lttng_statedump_file_descriptor, file_table_address), 0);
	uintptr_t process = (uintptr_t)ph_u64map_get(&w->tables, table);
	const struct ph_value *name = ph_event_field(ev, PH_FLD(lttng_statedump_file_descriptor, filename));
	int64_t fd = ph_event_i(ev, PH_FLD(lttng_statedump_file_descriptor, fd), -1);

	/* What was opened meanwhile is as good, and later. */
	if (process && name && name->s && fd >= 0 && !file_find(w, process - 1, fd))
		file_set(w, process - 1, fd, ph_strndup(name->s, name->n),
			 ph_event_u(ev, PH_FLD(lttng_statedump_file_descriptor, flags), 0) & O_CLOEXEC);
}

static void on_dumped_task(struct ph_snoop_world *w, const struct ph_event *ev)
{
	uint64_t table = ph_event_u(ev, PH_FLD(lttng_statedump_process_state, file_table_address), 0);
	int64_t pid = ph_event_i(ev, PH_FLD(lttng_statedump_process_state, pid), -1);

	if (table && pid >= 0)
		ph_u64map_put(&w->tables, table, (void *)(uintptr_t)(pid + 1));
	ph_u64map_put(&w->execs, ph_event_u(ev, PH_FLD(lttng_statedump_process_state, tid), 0), w);
}

static char *text(const struct ph_event *ev, const char *name)
{
	const struct ph_value *v = ph_snoop_text(ev, name);

	return v ? ph_strndup(v->s, v->n) : NULL;
}

static void begin(struct ph_snoop_world *w, const struct ph_event *ev, char *path, int32_t from, bool cloexec)
{
	struct opening *o = ph_alloc(sizeof(*o));

	*o = (struct opening){ path, -1, from, -1, cloexec };
	opening_free(ph_u64map_put(&w->opening, (uint64_t)(uint32_t)ev->tid, o));
}

/* Whom a socket is connected to, or what it is bound to. */
static char *address(const struct ph_event *ev, const char *field)
{
	ph_autobuf b = { 0 };

	for (uint32_t i = 0; i < ev->cls->nfields; i++)
		if (ev->cls->fields[i].type->kind == PH_KIND_BYTES && !strcmp(ev->cls->fields[i].name, field) &&
		    ev->v[i].n && ph_symbol_add_sockaddr(&b, ev->v[i].s, ev->v[i].n))
			return ph_buf_steal(&b);
	return NULL;
}

static void begin_connect(struct ph_snoop_world *w, const struct ph_event *ev)
{
	char *to = address(ev, "uservaddr_data");
	struct opening *o;

	begin(w, ev, to ? to : address(ev, "umyaddr_data"), -1, false);
	o = ph_u64map_get(&w->opening, (uint64_t)(uint32_t)ev->tid);
	o->to = (int32_t)ph_snoop_number(ev, "fd", -1);
}

static void name_peer(struct ph_snoop_world *w, const struct ph_event *ev)
{
	struct opening *o = ph_u64map_get(&w->opening, (uint64_t)(uint32_t)ev->tid);
	char *peer = o ? address(ev, "upeer_sockaddr_data") : NULL;

	if (!peer)
		return;
	free(o->path);
	o->path = peer;
}

/* The path, whole if it is relative to a directory whose name is known; takes it over. */
static char *below(const struct ph_snoop_world *w, const struct ph_event *ev, int32_t dirfd, char *path)
{
	const struct file *dir = path && path[0] && path[0] != '/' ? file_find(w, process_of(ev), dirfd) : NULL;
	char *whole;

	if (!dir)
		return path;
	whole = ph_asprintf("%s/%s", dir->path, path);
	free(path);
	return whole;
}

static void begin_open(struct ph_snoop_world *w, const struct ph_event *ev)
{
	int32_t dir = (int32_t)ph_snoop_number(ev, "dfd", -1);
	char *path = text(ev, "filename");
	struct opening *o;

	begin(w, ev, below(w, ev, dir, path ? path : text(ev, "pathname")), -1, ph_snoop_number(ev, "flags", 0) & O_CLOEXEC);
	o = ph_u64map_get(&w->opening, (uint64_t)(uint32_t)ev->tid);
	o->dir = dir;
}

/* Its memory was not there yet when the call began. */
static void on_late_string(struct ph_snoop_world *w, const struct ph_event *ev)
{
	struct opening *o = ph_u64map_get(&w->opening, (uint64_t)(uint32_t)ev->tid);

	if (!o || !o->path || o->path[0])
		return;
	free(o->path);
	o->path = below(w, ev, o->dir, text(ev, "value"));
}

static bool is_cloexec(const struct ph_snoop_world *w, const struct ph_event *ev, int64_t fd)
{
	const struct file *f = file_find(w, process_of(ev), fd);

	return f && f->cloexec;
}

static void end(struct ph_snoop_world *w, const struct ph_event *ev)
{
	struct opening *o = ph_u64map_del(&w->opening, (uint64_t)(uint32_t)ev->tid);
	int64_t fd = ph_snoop_number(ev, "ret", -1);
	const struct file *from;

	if (!o)
		return;
	if (o->to >= 0) {
		if (o->path && (fd == 0 || fd == -EINPROGRESS))
			file_set(w, process_of(ev), o->to, ph_take(o->path), is_cloexec(w, ev, o->to));
	} else if (fd >= 0 && o->from < 0) {
		file_set(w, process_of(ev), fd, ph_take(o->path), o->cloexec);
	} else if (fd >= 0 && fd != o->from) {
		from = file_find(w, process_of(ev), o->from);
		file_set(w, process_of(ev), fd, from ? ph_strdup(from->path) : NULL, o->cloexec);
	}
	opening_free(o);
}

static enum kind kind_of(struct ph_snoop_world *w, const struct ph_class *cls)
{
	static const struct { const char *name; enum kind entry, exit; } calls[] = {
		{ "open", OPEN, OPENED }, { "openat", OPEN, OPENED }, { "openat2", OPEN, OPENED },
		{ "creat", OPEN, OPENED }, { "dup", DUP, OPENED }, { "dup2", DUP_TO, OPENED },
		{ "dup3", DUP_TO, OPENED }, { "fcntl", FCNTL, OPENED }, { "close", CLOSE, NOTHING },
		{ "socket", SOCKET, OPENED }, { "connect", CONNECT, OPENED }, { "bind", CONNECT, OPENED },
		{ "accept", ACCEPT, ACCEPTED }, { "accept4", ACCEPT, ACCEPTED },
	};
	uint64_t key = (uint64_t)(uintptr_t)cls;
	uintptr_t known = (uintptr_t)ph_u64map_get(&w->kinds, key);
	const char *entry, *exit;
	enum kind kind = NOTHING;

	if (known)
		return (enum kind)(known - 1);
	entry = strstr(cls->name, "syscall_entry_");
	exit = strstr(cls->name, "syscall_exit_");
	for (size_t i = 0; i < PH_ARRAY_SIZE(calls); i++) {
		if (entry && !strcmp(entry + strlen("syscall_entry_"), calls[i].name))
			kind = calls[i].entry;
		if (exit && !strcmp(exit + strlen("syscall_exit_"), calls[i].name))
			kind = calls[i].exit;
	}
	ph_u64map_put(&w->kinds, key, (void *)(uintptr_t)(kind + 1));
	return kind;
}

static void feed_call(struct ph_snoop_world *w, const struct ph_event *ev)
{
	int64_t cmd;

	switch (kind_of(w, ev->cls)) {
	case OPEN:
		begin_open(w, ev);
		break;
	case DUP:
		begin(w, ev, NULL, (int32_t)ph_snoop_number(ev, "fildes", -1), false);
		break;
	case DUP_TO:
		begin(w, ev, NULL, (int32_t)ph_snoop_number(ev, "oldfd", -1), ph_snoop_number(ev, "flags", 0) & O_CLOEXEC);
		break;
	case FCNTL:
		cmd = ph_snoop_number(ev, "cmd", -1);
		if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
			begin(w, ev, NULL, (int32_t)ph_snoop_number(ev, "fd", -1), cmd == F_DUPFD_CLOEXEC);
		break;
	case SOCKET:
		begin(w, ev, ph_strdup("socket"), -1, ph_snoop_number(ev, "type", 0) & SOCK_CLOEXEC);
		break;
	case CONNECT:
		begin_connect(w, ev);
		break;
	case ACCEPT:
		begin(w, ev, ph_strdup("socket"), -1, ph_snoop_number(ev, "flags", 0) & SOCK_CLOEXEC);
		break;
	case ACCEPTED:
		name_peer(w, ev);
		end(w, ev);
		break;
	case OPENED:
		end(w, ev);
		break;
	case CLOSE:
		file_close(w, process_of(ev), ph_snoop_number(ev, "fd", -1));
		break;
	case NOTHING:
		break;
	}
}

/* ---- all of it --------------------------------------------------------------------------------- */

static void on_disk(struct ph_snoop_world *w, const struct ph_event *ev)
{
	const struct ph_value *name = ph_event_field(ev, PH_FLD(lttng_statedump_block_device, diskname));

	if (name && name->s && name->n)
		free(ph_u64map_put(&w->disks, ph_event_u(ev, PH_FLD(lttng_statedump_block_device, dev), 0),
				   ph_strndup(name->s, name->n)));
}

/* Of all eight, never 0. */
static uint64_t namespaces_of(const struct ph_event *ev)
{
	uint64_t hash = PH_HASH_INIT;

	for (uint32_t i = 0; i < ev->cls->nfields; i++)
		if (ev->cls->fields[i].unit == PH_UNIT_INUM)
			hash = ph_hash(hash, &ev->v[i].u, sizeof(ev->v[i].u));
	return hash | 1;
}

static uint64_t whose_namespaces(const struct ph_event *ev)
{
	return (uint64_t)(uint32_t)ph_event_i(ev, PH_FLD(sched_process_namespaces, tid), -1);
}

static void on_namespaces(struct ph_snoop_world *w, const struct ph_event *ev)
{
	ph_u64map_put(&w->namespaces, whose_namespaces(ev), (void *)(uintptr_t)namespaces_of(ev));
}

void ph_snoop_world_feed(struct ph_snoop_world *w, const struct ph_identity *id, const struct ph_event *ev)
{
	void (*fn)(struct ph_snoop_world *w, const struct ph_event *ev);

	if (ev->cls->syscall_nr >= 0 || ev->cls->id == PH_EV_UNKNOWN) {
		feed_call(w, ev);
		return;
	}
	ph_cgtree_feed(w->cgroups, ev);
	/* Most are none of these, and to compare a class with ours costs more than all the rest. */
	switch (ev->cls->id) {
	case PH_EV_sched_process_fork: fn = on_fork; break;
	case PH_EV_sched_process_exec: fn = on_exec; break;
	case PH_EV_sched_process_exit: on_end(w, id, ev); return;
	case PH_EV_sched_process_namespaces: fn = on_namespaces; break;
	case PH_EV_syscall_late_string: fn = on_late_string; break;
	case PH_EV_lttng_statedump_process_state: fn = on_dumped_task; break;
	case PH_EV_lttng_statedump_file_descriptor: fn = on_dumped_file; break;
	case PH_EV_lttng_statedump_block_device: fn = on_disk; break;
	default: return;
	}
	if (ph_class_like_ours(ev->cls))
		fn(w, ev);
}

const char *ph_snoop_world_file(const struct ph_snoop_world *w, const struct ph_event *ev, int64_t fd)
{
	const struct file *f = file_find(w, process_of(ev), fd);

	return f ? f->path : NULL;
}

const char *ph_snoop_world_disk(const struct ph_snoop_world *w, uint64_t dev)
{
	return ph_u64map_get(&w->disks, dev);
}

/* Limits of CPU time are the cpu controller's. */
const char *ph_snoop_world_cpu_cgroup(const struct ph_snoop_world *w, uint64_t id)
{
	int32_t hierarchy = ph_cgtree_cpu_hierarchy(w->cgroups);
	const struct ph_cgnode *n = hierarchy >= 0 ? ph_cgtree_get(w->cgroups, hierarchy, id) : NULL;

	return n ? n->path : NULL;
}

bool ph_snoop_world_has_exec(const struct ph_snoop_world *w, int32_t tid)
{
	return ph_u64map_get(&w->execs, (uint64_t)(uint32_t)tid) != NULL;
}

bool ph_snoop_world_new_namespaces(const struct ph_snoop_world *w, const struct ph_event *ev)
{
	return (uintptr_t)ph_u64map_get(&w->namespaces, whose_namespaces(ev)) != namespaces_of(ev);
}
