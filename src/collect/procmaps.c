/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code that processes have mapped, and the kernel side is told of: read when a process is seen first, and again
 * whenever the kernel tells that something was mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/stacks.h"
#include "identity/proc.h"
#include "unwind/interp_file.h"

#define PROCS_MAX 32768
/* Who maps code all the time is read again after so many times what reading took. */
#define REREAD_FACTOR 20
/* Samples of a process that ended may be in the buffers still. */
#define GONE_NS (2 * PH_NSEC)
/* The kernel tells of an exec before it loads the program, the event of the stream after that. */
#define SAME_EXEC_NS (PH_NSEC / 10)

void ph_procmaps_init(struct ph_procmaps *m, struct ph_codefiles *files, struct ph_store *store, int procs_fd)
{
	*m = (struct ph_procmaps){ .files = files, .store = store, .procs_fd = procs_fd };
	m->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void drop_maps(struct ph_mapproc *p)
{
	ph_vec_each(map, &p->maps)
		ph_codefile_drop(map->file, ph_now_ns());
	p->maps.n = 0;
}

static void unstore(struct ph_procmaps *m, struct ph_mapproc *p, uint64_t now_ns)
{
	if (p->stored)
		ph_store_free(m->store, p->pos, p->stored * sizeof(struct ph_store_map), now_ns);
	p->stored = 0;
}

/* The kernel side does not walk its stacks. */
static void unknown_to_kernel(struct ph_procmaps *m, int32_t pid)
{
	uint32_t key = (uint32_t)pid;

	if (m->procs_fd >= 0)
		bpf_map_delete_elem(m->procs_fd, &key);
}

static void free_proc(struct ph_procmaps *m, struct ph_mapproc *p, uint64_t now_ns)
{
	unknown_to_kernel(m, p->pid);
	unstore(m, p, now_ns);
	drop_maps(p);
	ph_vec_done(&p->maps);
	ph_u64map_done(&p->interpreted);
	ph_made_free(p->made);
	free(p);
}

void ph_procmaps_done(struct ph_procmaps *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&m->procs, s)); ) {
		struct ph_mapproc *p = s->val;

		ph_vec_done(&p->maps);
		ph_u64map_done(&p->interpreted);
		ph_made_free(p->made);
		free(p);
	}
	ph_u64map_done(&m->procs);
	if (m->proc_fd >= 0)
		close(m->proc_fd);
}

struct ph_mapproc *ph_procmaps_get(struct ph_procmaps *m, int32_t pid)
{
	return ph_u64map_get(&m->procs, (uint64_t)pid);
}

struct ph_mapproc *ph_procmaps_add(struct ph_procmaps *m, int32_t pid, uint32_t container, uint64_t since_ns)
{
	struct ph_mapproc *p = ph_procmaps_get(m, pid);

	if (p && !p->gone_ns) {
		p->container = container;
		return p;
	}
	if (!p) {
		if (m->procs.n >= PROCS_MAX) {
			m->refused++;
			return NULL;
		}
		p = ph_alloc(sizeof(*p));
		p->pid = pid;
		ph_u64map_put(&m->procs, (uint64_t)pid, p);
	}
	if (p->gone_ns) {	/* another one of that number */
		p->replaced = p->clear_due = true;
		drop_maps(p);
	}
	p->gone_ns = 0;
	p->exiting = false;
	p->container = container;
	p->dirty = true;
	p->since_ns = since_ns;
	return p;
}

/* ---- reading -------------------------------------------------------------------------------------- */

static const struct ph_mapping *same_as_before(const struct ph_mapproc *p, size_t *from, const struct ph_mapping *now)
{
	while (*from < p->maps.n && p->maps.v[*from].begin < now->begin)
		++*from;
	if (*from < p->maps.n && p->maps.v[*from].begin == now->begin && p->maps.v[*from].end == now->end)
		return &p->maps.v[*from];
	return NULL;
}

int ph_procmaps_take(struct ph_procmaps *m, struct ph_mapproc *p, struct ph_mapsfile *maps)
{
	PH_VEC(struct ph_mapping) now = { 0 };
	struct ph_mapped is;
	bool waiting = false, crowded = false;
	uint64_t exec = 0;
	size_t from = 0;
	int changes = 0;

	while (ph_mapsfile_next(maps, &is)) {
		struct ph_mapping map = { .begin = is.begin, .end = is.end, .offset = is.offset };
		const struct ph_mapping *before;

		exec += is.writable ? 0 : is.end - is.begin;
		/* In order, as the kernel writes them: what is searched must be. */
		if (now.n && map.begin < now.v[now.n - 1].end)
			continue;
		if (now.n == PH_STORE_MAPS) {
			m->refused++;
			break;
		}
		before = same_as_before(p, &from, &map);
		map.file = ph_codefile_mapped(m->files, p->pid, p->container, maps);
		map.vaddr = ph_codefile_vaddr(map.file, map.begin, map.offset);
		if (before && (before->file != map.file || before->offset != map.offset))
			before = NULL;
		map.told = before && before->told;
		map.stored_known = before && before->stored_known;
		/* Also that its file has become known since. */
		changes += !before || (map.file->known && !map.stored_known);
		waiting |= !map.file->known;
		crowded |= map.file->crowded;
		*ph_vec_push(&now) = map;
	}
	changes += now.n != p->maps.n;
	drop_maps(p);
	ph_vec_done(&p->maps);
	memcpy(&p->maps, &now, sizeof(now));
	p->waiting = waiting;
	p->crowded = crowded;
	exec /= (uint64_t)sysconf(_SC_PAGESIZE);
	changes += !changes && exec != p->exec_pages;
	p->exec_pages = (uint32_t)exec;
	return changes;
}

bool ph_process_memory(void *pid, uint64_t addr, void *buf, size_t n)
{
	struct iovec to = { buf, n }, from = { (void *)(uintptr_t)addr, n };

	return process_vm_readv(*(const int32_t *)pid, &to, 1, &from, 1, 0) == (ssize_t)n;
}

/* What its memory says is each process's own, also where they have the same file. */
static void find_java(struct ph_procmaps *m, struct ph_mapproc *p, const struct ph_mapping *map, struct ph_store_proc *value)
{
	struct ph_interp in = map->file->info->interp;
	uint64_t bias = map->begin - map->vaddr;

	if (!p->java.java.known || p->java_bias != bias) {
		if (ph_java_layout(&in, bias, ph_process_memory, &p->pid, &p->java_list))
			return;
		p->java = in;
		p->java_bias = bias;
	}
	value->java = ph_codefiles_interp(m->files, &p->java);
	value->java_list = p->java_list;
}

/* Hand the mappings to the kernel side. */
static bool try_store_maps(struct ph_procmaps *m, struct ph_mapproc *p, uint64_t now_ns)
{
	struct ph_store_proc value = { .n = (uint32_t)p->maps.n, .exec_pages = p->exec_pages, .stack = p->stack };
	uint32_t pid = (uint32_t)p->pid;
	struct ph_store_map *to;
	uint64_t pos;

	if (ph_store_alloc(m->store, p->maps.n * sizeof(*to), &pos) < 0)
		return false;
	value.maps = pos;
	to = ph_store_at(m->store, pos);
	ph_vec_each(map, &p->maps) {
		map->stored_known = map->file->known;
		if (map->file->interprets && map->file->info->interp.kind == PH_INTERP_V8)
			value.v8 = map->file->interp;
		if (map->file->interprets && map->file->info->interp.kind == PH_INTERP_JAVA)
			find_java(m, p, map, &value);
		*to++ = (struct ph_store_map){
			.begin = map->begin, .end = map->end, .bias = map->begin - map->vaddr,
			.file = map->file->known ? map->file->id : PH_CODE_UNKNOWN,
		};
	}
	if (m->procs_fd >= 0 && bpf_map_update_elem(m->procs_fd, &pid, &value, BPF_ANY)) {
		ph_store_free(m->store, pos, value.n * sizeof(*to), now_ns);
		return false;
	}
	unstore(m, p, now_ns);
	p->pos = pos;
	p->stored = value.n;
	return true;
}

/* Without room it keeps what it had: but not what it has from its parent, which gives that back one day. */
static void store_maps(struct ph_procmaps *m, struct ph_mapproc *p, uint64_t now_ns)
{
	if (try_store_maps(m, p, now_ns))
		return;
	m->refused++;
	if (!p->stored)
		unknown_to_kernel(m, p->pid);
}

/* Has it ended? Its first thread may have, and others go on: then it has no maps, and is there. */
static bool has_ended(const struct ph_procmaps *m, int32_t pid)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "%d/task", pid);
	/* Directories count those in them. */
	return fstatat(m->proc_fd, path, &st, 0) < 0 || st.st_nlink <= 3;
}

static void read_maps(struct ph_procmaps *m, struct ph_mapproc *p, uint64_t now_ns)
{
	struct ph_mapsfile maps;
	struct ph_proc_stat st;
	bool other;

	p->dirty = false;
	/* Before the mappings: who runs another program meanwhile is told to be read again, and not walked by these. */
	other = !ph_proc_stat(m->proc_fd, p->pid, &st) && st.stack != p->stack;
	if (other)
		p->stack = st.stack;
	if (ph_mapsfile_open(&maps, m->proc_fd, p->pid, false) < 0) {
		if (p->exiting && has_ended(m, p->pid))
			p->gone_ns = now_ns;
		return;
	}
	if (ph_procmaps_take(m, p, &maps) || p->replaced || other) {
		p->tell = true;
		store_maps(m, p, now_ns);
	}
	ph_mapsfile_close(&maps);
	p->replaced = false;
	p->read_ns = now_ns;
	p->not_before_ns = now_ns + REREAD_FACTOR * (ph_now_ns() - now_ns);
}

/* ---- what the kernel tells -------------------------------------------------------------------------- */

void ph_procmaps_changed(struct ph_procmaps *m, int32_t pid, uint64_t ts_ns)
{
	struct ph_mapproc *p = ph_procmaps_get(m, pid);

	if (!p || p->dirty)
		return;
	p->dirty = true;
	p->since_ns = ts_ns;
}

/* What is mapped there now takes the place of what was. */
static void put_mapping(struct ph_mapproc *p, const struct ph_mapping *map)
{
	size_t at = 0, to;

	while (at < p->maps.n && p->maps.v[at].end <= map->begin)
		at++;
	for (to = at; to < p->maps.n && p->maps.v[to].begin < map->end; to++)
		ph_codefile_drop(p->maps.v[to].file, ph_now_ns());
	if (to == at)
		ph_vec_push(&p->maps);
	else
		p->maps.n -= to - at - 1;
	memmove(p->maps.v + at + 1, p->maps.v + to, (p->maps.n - at - 1) * sizeof(*map));
	p->maps.v[at] = *map;
}

/*
 * Its mappings are read soon, and then are what counts. But a process may have ended by then, and left stacks: of files that are
 * known this is enough to tell what its addresses are.
 */
void ph_procmaps_mapped(struct ph_procmaps *m, int32_t pid, const struct ph_mapped *is, bool vdso, uint64_t ts_ns)
{
	struct ph_mapping map = { .begin = is->begin, .end = is->end, .offset = is->offset };
	struct ph_mapproc *p = ph_procmaps_get(m, pid);

	ph_procmaps_changed(m, pid, ts_ns);
	if (!p || p->gone_ns || is->begin >= is->end || p->maps.n >= PH_STORE_MAPS)
		return;
	map.file = ph_codefile_known(m->files, is, vdso);
	if (!map.file)
		return;
	map.vaddr = ph_codefile_vaddr(map.file, map.begin, map.offset);
	put_mapping(p, &map);
	p->waiting |= !map.file->known;
	p->tell = true;
}

void ph_procmaps_exec(struct ph_procmaps *m, int32_t pid, uint64_t ts_ns)
{
	struct ph_mapproc *p = ph_procmaps_get(m, pid);

	if (!p)
		return;
	p->dirty = true;
	p->not_before_ns = 0;
	/* It is told twice: by the kernel, and by the event of the stream, a moment later. */
	if (p->exec_ns && (ts_ns > p->exec_ns ? ts_ns - p->exec_ns : p->exec_ns - ts_ns) < SAME_EXEC_NS)
		return;
	p->replaced = true;
	p->java.java.known = 0;
	drop_maps(p);
	ph_u64map_done(&p->interpreted);
	ph_made_free(p->made);
	p->made = NULL;
	/* Also where nothing was known: a reader takes it that this tells all execs, or none. */
	p->clear_due = true;
	p->since_ns = p->exec_ns = ts_ns;
}

/* The child's entry in the kernel was made there, and shows what is the parent's: it gets its own. */
void ph_procmaps_fork(struct ph_procmaps *m, int32_t parent, int32_t child, uint64_t ts_ns)
{
	struct ph_mapproc *from = ph_procmaps_get(m, parent), *p;

	if (!from || from->gone_ns)
		return;
	p = ph_procmaps_add(m, child, from->container, from->since_ns);
	if (!p) {
		unknown_to_kernel(m, child);
		return;
	}
	drop_maps(p);
	ph_vec_each(map, &from->maps) {
		*ph_vec_push(&p->maps) = *map;
		if (map->file->id >= PH_CODE_FILES)
			map->file->refs++;
	}
	/* A reader of the stream gives it what its parent had then. */
	ph_vec_each(map, &p->maps)
		map->told &= from->told_ns < ts_ns;
	p->since_ns = ts_ns;
	p->tell = true;
	p->dirty = from->dirty;
	p->waiting = from->waiting;
	p->crowded = from->crowded;
	p->stack = from->stack;
	p->exec_pages = from->exec_pages;
	store_maps(m, p, ph_now_ns());
}

void ph_procmaps_exit(struct ph_procmaps *m, int32_t pid, uint64_t ts_ns)
{
	struct ph_mapproc *p = ph_procmaps_get(m, pid);

	if (!p)
		return;
	p->exiting = true;
	ph_procmaps_changed(m, pid, ts_ns);
}

/* Files became known: the addresses that they have in a process that waited. */
static void look_again(struct ph_procmaps *m, struct ph_mapproc *p, uint64_t now_ns)
{
	bool changed = false;

	p->waiting = false;
	ph_vec_each(map, &p->maps) {
		map->vaddr = ph_codefile_vaddr(map->file, map->begin, map->offset);
		p->waiting |= !map->file->known;
		changed |= map->file->known && !map->stored_known;
	}
	p->tell = true;
	if (changed)
		store_maps(m, p, now_ns);
}

void ph_procmaps_run(struct ph_procmaps *m, uint64_t now_ns)
{
	bool news = m->news != m->files->news, room = m->room != m->files->room;
	PH_VEC(int32_t) gone = { 0 };

	m->news = m->files->news;
	m->room = m->files->room;

	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&m->procs, s)); ) {
		struct ph_mapproc *p = s->val;

		p->dirty |= p->crowded && room;
		if (p->gone_ns && now_ns - p->gone_ns >= GONE_NS)
			*ph_vec_push(&gone) = p->pid;
		else if (p->dirty && !p->gone_ns && p->not_before_ns <= now_ns)
			read_maps(m, p, ph_now_ns());
		else if (p->waiting && news)
			look_again(m, p, now_ns);
	}
	ph_vec_each(pid, &gone)
		free_proc(m, ph_u64map_del(&m->procs, (uint64_t)*pid), now_ns);
	ph_vec_done(&gone);
}
