/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of code that programs make while they run (JIT). They tell it in files of theirs: a jitdump, which they have mapped, or
 * /tmp/perf-PID.map. What is in these, how much, and how often it changes is the program's to say, so they are read by a process
 * of its own, which starts when the first is there, and no container gets more than a share of its time.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "collect/madecode.h"
#include "symbol/open.h"

/* Places of all processes, and of one. */
#define PLACES_MAX (1u << 18)
#define PLACES_OF_ONE (1u << 16)
/* A file is looked at again after this; where there is none, after twice as long. */
#define LOOK_NS (PH_NSEC / 2)
#define LOOK_NONE_NS PH_NSEC
/* Who was read for long is left alone for so many times that. */
#define LEAVE_FACTOR 4
/* Files of one container that are read at the same time. */
#define READING_MAX 4
/* What the clocks of files and of processes differ by. */
#define CLOCKS_NS (PH_NSEC / 10)

struct ph_made_place {
	uint64_t address;
	uint32_t file;		/* in the stream */
	bool asked, told;
	bool again;		/* it was seen since it was asked for */
	uint64_t since_ns;	/* what was told: since when it is that */
	uint64_t name;		/* a hash of it */
};

struct ph_made {
	struct ph_madecode *all;
	const struct ph_mapproc *proc;
	size_t index;		/* in all->list */
	uint32_t number;	/* of its file, for the child; 0: there is none yet */
	struct stat is;		/* when it was looked at last */
	enum ph_symfile_kind kind;
	bool copied;
	struct ph_u64map by_address;	/* index in `places`, from 1 */
	PH_VEC(struct ph_made_place) places;
	size_t asking;		/* that are not answered yet */
	uint64_t asked_ns, known_ns;	/* of this request, of the last one that was answered */
	uint64_t not_before_ns, pause_ns;
	bool news;		/* a place is to be asked for */
	bool ended;		/* it was looked at after the process had ended */
};

/* A container's share. */
struct owner {
	uint32_t reading;
	uint64_t not_before_ns;
};

void ph_madecode_init(struct ph_madecode *a, ph_made_fn named, void *ctx)
{
	*a = (struct ph_madecode){ .named = named, .ctx = ctx };
}

static struct owner *owner_of(struct ph_madecode *a, uint32_t container)
{
	struct owner *o = ph_u64map_get(&a->owners, container);

	if (!o) {
		o = ph_alloc(sizeof(*o));
		ph_u64map_put(&a->owners, container, o);
	}
	return o;
}

static void answered(struct ph_made *m)
{
	struct owner *o = owner_of(m->all, m->proc->container);
	uint64_t now = ph_now_ns(), took = now - m->asked_ns;

	o->reading -= o->reading > 0;
	if (o->not_before_ns < now + LEAVE_FACTOR * took && took > PH_NSEC / 50)
		o->not_before_ns = now + LEAVE_FACTOR * took;
	m->not_before_ns = now + LOOK_NS + LEAVE_FACTOR * took;
	m->known_ns = m->asked_ns;
}

static void drop_file(struct ph_made *m)
{
	if (!m->number)
		return;
	if (m->asking) {
		m->asking = 0;
		answered(m);
	}
	ph_u64map_del(&m->all->by_number, m->number);
	ph_symchild_drop(m->all->child, m->number);
	m->number = 0;
}

void ph_made_free(struct ph_made *m)
{
	if (!m)
		return;
	drop_file(m);
	m->all->nplaces -= m->places.n;
	m->all->list.v[m->index] = m->all->list.v[--m->all->list.n];
	m->all->list.v[m->index]->index = m->index;
	ph_u64map_done(&m->by_address);
	ph_vec_done(&m->places);
	free(m);
}

void ph_madecode_done(struct ph_madecode *a)
{
	/* Those of processes are freed with them, before. */
	ph_symchild_free(a->child);
	ph_vec_done(&a->list);
	ph_u64map_done(&a->by_number);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&a->owners, s)); )
		free(s->val);
	ph_u64map_done(&a->owners);
}

void ph_made_saw(struct ph_madecode *a, struct ph_mapproc *p, uint32_t file, uint64_t address)
{
	struct ph_made *m = p->made;
	uintptr_t at = m ? (uintptr_t)ph_u64map_get(&m->by_address, address) : 0;

	if (ph_likely(at)) {
		m->places.v[at - 1].again = true;
		return;
	}
	if (a->nplaces >= PLACES_MAX || (m && m->places.n >= PLACES_OF_ONE))
		return;
	if (!m) {
		m = p->made = ph_alloc(sizeof(*m));
		m->all = a;
		m->proc = p;
		m->index = a->list.n;
		*ph_vec_push(&a->list) = m;
	}
	a->nplaces++;
	*ph_vec_push(&m->places) = (struct ph_made_place){ .address = address, .file = file };
	ph_u64map_put(&m->by_address, address, (void *)m->places.n);
	m->news = true;
}

void ph_madecode_forget(struct ph_madecode *a)
{
	ph_vec_each(m, &a->list) {
		a->nplaces -= (*m)->places.n;
		(*m)->places.n = 0;
		ph_u64map_done(&(*m)->by_address);
	}
}

/* ---- which file ------------------------------------------------------------------------------------- */

bool ph_is_jitdump(const char *path)
{
	const char *base = strrchr(path, '/'), *p = base ? base + 1 : path;
	size_t digits = strncmp(p, "jit-", 4) ? 0 : strspn(p + 4, "0123456789");

	return digits && !strcmp(p + 4 + digits, ".dump");
}

static uint64_t realtime_of(struct timespec ts)
{
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

/* When the process began, in Unix time; 0: it is not there any more. */
static uint64_t began_ns(int32_t pid)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/stat", pid);
	struct timespec real, boot;
	unsigned long long ticks;
	ph_autobuf b = { 0 };
	const char *p;

	if (ph_read_file_at(AT_FDCWD, path, 1 << 16, &b) < 0 || !(p = strrchr(b.p, ')')) ||
	    sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1)
		return 0;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return realtime_of(real) - realtime_of(boot) + ticks * (PH_NSEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

/*
 * Processes have the numbers of former ones, in a container that starts again even mostly: what was written last before this
 * one began is of another. And on the host everybody may write to /tmp.
 */
static bool is_its_own(const struct ph_mapproc *p, const struct stat *map)
{
	uint64_t since = began_ns(p->pid), exec;
	ph_autofree char *path = ph_asprintf("/proc/%d", p->pid);
	struct stat st;

	if (!since)
		return false;
	exec = p->exec_ns ? p->exec_ns + (uint64_t)ph_clock_offset_ns() : 0;
	if (realtime_of(map->st_mtim) + CLOCKS_NS < (since > exec ? since : exec))
		return false;
	return p->container || !map->st_uid || (!stat(path, &st) && st.st_uid == map->st_uid);
}

/* A descriptor that stands for it, what it is, and what it is called; negative: there is none. */
static int find_made(const struct ph_mapproc *p, enum ph_symfile_kind *kind, struct stat *is, const char **path)
{
	int fd = -1;

	*kind = PH_SYMFILE_JITDUMP;
	ph_vec_each(m, &p->maps) {
		if (!m->file->jitdump)
			continue;
		*path = m->file->path;
		fd = ph_symfind_mapped(p->pid, m->begin, m->end);
		break;
	}
	if (fd < 0) {
		*kind = PH_SYMFILE_PERF_MAP;
		*path = "/tmp/perf-PID.map";
		fd = ph_symfind_perf_map(p->pid);
	}
	if (fd >= 0 && (ph_stat_kept(fd, is) || (*kind == PH_SYMFILE_PERF_MAP && !is_its_own(p, is)))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool start_child(struct ph_madecode *a);

/* True: it has something that it had not when it was looked at last. */
static bool look(struct ph_made *m)
{
	enum ph_symfile_kind kind;
	enum ph_mount_kind mount;
	const char *path = "";
	struct stat is;
	ph_autoclose int fd = find_made(m->proc, &kind, &is, &path);
	bool same = fd >= 0 && m->number && is.st_dev == m->is.st_dev && is.st_ino == m->is.st_ino && kind == m->kind, news;
	struct ph_symfile_new what = { .kind = kind, .path = path, .root = -1, .owner = m->proc->container };

	/* Of a process that has ended there is what was open. */
	if (fd < 0)
		return false;
	news = !same || is.st_size != m->is.st_size || is.st_mtim.tv_sec != m->is.st_mtim.tv_sec ||
	       is.st_mtim.tv_nsec != m->is.st_mtim.tv_nsec;
	/* A copy does not grow. */
	if (same && !(news && m->copied)) {
		m->is = is;
		return news;
	}
	what.fd = ph_symread(fd, m->proc->pid, 0, &mount);
	if (what.fd < 0)
		return false;
	m->is = is;
	m->kind = kind;
	m->copied = mount == PH_MOUNT_SERVED;
	drop_file(m);
	if (!start_child(m->all)) {
		close(what.fd);
		return false;
	}
	if (ph_symchild_add(m->all->child, ++m->all->last_number, &what, NULL) < 0)
		return false;
	m->number = m->all->last_number;
	ph_u64map_put(&m->all->by_number, m->number, m);
	return true;
}

/* ---- asking, and what is answered -------------------------------------------------------------------- */

static void on_names(void *ctx, uint32_t number, uint64_t address, const struct ph_symname *names, size_t n)
{
	struct ph_madecode *a = ctx;
	struct ph_made *m = ph_u64map_get(&a->by_number, number);
	uintptr_t at = m ? (uintptr_t)ph_u64map_get(&m->by_address, address) : 0;
	struct ph_made_place *pl;

	if (!m)
		return;
	if (m->asking && !--m->asking)
		answered(m);
	if (!at)
		return;
	pl = &m->places.v[at - 1];
	for (size_t i = n; i-- > 0; ) {
		uint64_t since = names[i].since_ns, name = ph_hash(PH_HASH_INIT, names[i].name, strlen(names[i].name));

		if (!names[i].name[0] || (pl->told && (name == pl->name || (since && since <= pl->since_ns))))
			continue;
		/* A time of the container's own, that will be, says nothing. */
		if (since > ph_now_ns())
			since = 0;
		/* A map does not tell when: after it was read with the former name. */
		if (!since && pl->told)
			since = m->known_ns;
		pl->told = true;
		pl->name = name;
		pl->since_ns = since;
		a->named(a->ctx, m->proc->pid, pl->file, address, since, &names[i]);
	}
}

static bool start_child(struct ph_madecode *a)
{
	static const struct ph_symchild_ops ops = { .named = on_names };
	struct ph_symchild_options o = { .ops = &ops, .ctx = a };

	/* Those for files were started, so this is no more than bad luck; there are no names then. */
	if (!a->child && !a->broken)
		a->broken = ph_symchild_new(&o, &a->child, NULL) < 0;
	return !a->broken;
}

/* Places that were never asked for; if the file has something new, those without a name, and those that were seen again. */
static void ask(struct ph_made *m, bool changed)
{
	PH_VEC(uint64_t) asked = { 0 };
	struct owner *o = owner_of(m->all, m->proc->container);

	ph_vec_each(pl, &m->places) {
		if (pl->asked && !(changed && (!pl->told || pl->again)))
			continue;
		pl->asked = true;
		pl->again = false;
		*ph_vec_push(&asked) = pl->address;
	}
	m->news = false;
	if (asked.n) {
		m->asking = asked.n;
		m->asked_ns = ph_now_ns();
		o->reading++;
		ph_symchild_names(m->all->child, m->number, asked.v, asked.n);
	}
	ph_vec_done(&asked);
}

static void run(struct ph_made *m, uint64_t now_ns, bool last)
{
	const struct owner *o = owner_of(m->all, m->proc->container);
	bool ending = m->proc->exiting && !m->ended, changed;

	if (m->asking || !m->places.n || (now_ns < m->not_before_ns && !last && !ending))
		return;
	if ((o->reading >= READING_MAX || now_ns < o->not_before_ns) && !last)
		return;
	m->ended = m->proc->exiting;
	/* What it was, after its end too. */
	changed = look(m) || ((ending || last) && m->number);
	if (m->number) {
		m->pause_ns = 0;
		m->not_before_ns = now_ns + LOOK_NS;
		if (changed || m->news)
			ask(m, changed);
		return;
	}
	m->pause_ns = m->pause_ns ? 2 * m->pause_ns : LOOK_NS;
	if (m->pause_ns > LOOK_NONE_NS)
		m->pause_ns = LOOK_NONE_NS;
	m->not_before_ns = now_ns + m->pause_ns;
}

void ph_madecode_run(struct ph_madecode *a, uint64_t now_ns, bool last)
{
	for (size_t i = 0; i < a->list.n; i++)
		run(a->list.v[i], now_ns, last);
	if (a->child)
		ph_symchild_poll(a->child);
}

void ph_madecode_wait(struct ph_madecode *a, uint64_t timeout_ns)
{
	if (a->child)
		ph_symchild_wait(a->child, timeout_ns);
}
