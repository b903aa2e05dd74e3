/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files with code that processes have mapped: which is which. They are parsed by symbol/'s child, which
 * tells what they are and makes their tables; here these are handed to the kernel side. While a file is open, or somebody has it
 * mapped, its inode is no other's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/parse.h"
#include "collect/madecode.h"
#include "symbol/open.h"
#include "unwind/interp_file.h"

/* A file that nobody has mapped any more may be mapped again: commands of a script. */
#define IDLE_NS (60 * PH_NSEC)

static void set_state(struct ph_codefiles *f, struct ph_codefile *file, uint32_t state)
{
	struct ph_store_table *to = &f->shared[file->id];

	__atomic_store_n(&to->state, PH_TABLE_NONE, __ATOMIC_RELEASE);
	to->base = file->table.t.base;
	to->pages = file->table.t.pages;
	to->rules = file->table.t.rules;
	to->npages = file->table.t.npages;
	to->nrules = file->table.t.nrules;
	/* The kernel side looks at this word first. */
	__atomic_store_n(&to->state, state, __ATOMIC_RELEASE);
}

static struct ph_codefile *new_file(struct ph_codefiles *f, const char *path)
{
	struct ph_codefile *file;
	uint32_t id = (uint32_t)f->all.n;

	if (id >= PH_STORE_FILES)
		return NULL;
	file = ph_alloc(sizeof(*file));
	*ph_vec_push(&f->all) = file;
	file->id = id;
	file->path = ph_strdup(path);
	file->root = file->fd = -1;
	return file;
}

/* Its addresses less the offsets in the file, where that is one number for all of its code, as nearly always; of what is no program, 0. */
static bool one_bias(const struct ph_codefile *file, uint64_t *ret)
{
	bool any = false;

	*ret = 0;
	if (!file->info)
		return file->known && !file->missed;
	ph_vec_each(s, &file->info->segments) {
		if (!s->exec || !s->filesz)
			continue;
		if (any && s->vaddr - s->offset != *ret)
			return false;
		any = true;
		*ret = s->vaddr - s->offset;
	}
	return any;
}

/* The kernel side may look what processes have mapped up by itself. */
static void share_key(struct ph_codefiles *f, const struct ph_codefile *file, const struct ph_file_key *key)
{
	struct ph_known_file value = { .file = file->id };
	uint64_t bias;

	if (f->known_fd < 0 || !one_bias(file, &bias))
		return;
	value.bias = bias;
	bpf_map_update_elem(f->known_fd, key, &value, BPF_ANY);
}

static void now_known(struct ph_codefiles *f, struct ph_codefile *file)
{
	file->known = true;
	f->news++;
	ph_vec_each(key, &file->keys)
		share_key(f, file, key);
}

/* What is open of each that is held: it, its root, in the namer's hands two debug files, while these are looked for one more. */
#define PER_FILE 6
/* For what the recorder opens later: samples and mappings on each CPU, and what else comes. */
#define PER_CPU 3
#define OTHERS 64
/* So long is waited for tables where no more files may be open. */
#define ROOM_NS (PH_NSEC / 2)

/* A third of what may be open for the files whose tables are being made, a third for all that are mapped, a third for those in stacks. */
static void share_out(struct ph_codefiles *f)
{
	uint64_t max = ph_files_max(), others = ph_files_open() + PER_CPU * (uint64_t)get_nprocs_conf() + OTHERS;
	uint64_t third = max > others ? (max - others) / 3 : 0;

	f->may_pend = third ? third : 1;
	f->may_hold = third > PER_FILE ? third / PER_FILE : 1;
}

static struct ph_symfile_new as_new(const struct ph_codefile *file, int fd, int root)
{
	return (struct ph_symfile_new){
		.kind = PH_SYMFILE_ELF, .fd = fd, .path = file->path, .root = root, .owner = file->container,
	};
}

static int open_root(int32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void hold(struct ph_codefiles *f, struct ph_codefile *file)
{
	f->held += !file->held;
	file->held = true;
}

/* Hand it to the child that makes tables, whose @fd is from now on; what names are read of is kept, if it may be. */
static void add_to_child(struct ph_codefiles *f, struct ph_codefile *file, int fd)
{
	struct ph_symfile_new what = as_new(file, fd, -1);

	if (f->namer && f->held < f->may_hold)
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (file->fd >= 0)
		hold(f, file);
	if (!f->child) {
		close(fd);
	} else if (ph_symchild_add(f->child, file->id, &what, NULL) >= 0) {
		f->pending++;
		file->pending = true;
		ph_symchild_ask_table(f->child, file->id);
		file->in_child = true;
		return;
	}
	set_state(f, file, PH_TABLE_FP);
	now_known(f, file);
}

/* As it was when it was seen first: something else may be mapped there by now. */
static int reopen(const struct ph_codefile *file, int32_t pid, const struct ph_mapping *m)
{
	enum ph_mount_kind kind;
	int fd = ph_symopen_mapped(pid, m->begin, m->end, &kind);
	struct stat st;

	if (fd >= 0 && (kind == PH_MOUNT_SERVED || fstat(fd, &st) || st.st_ino != file->ino || (uint64_t)st.st_size != file->size)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Nothing of it is open any more for its names. */
static void let_go(struct ph_codefiles *f, struct ph_codefile *file)
{
	if (file->in_namer)
		ph_symchild_drop(f->namer, file->id);
	f->held -= file->held;
	file->in_namer = file->held = false;
	ph_close_ptr(&file->fd);
	ph_close_ptr(&file->root);
	file->fd = file->root = -1;
}

/* For another one goes what was last in a new place of a stack longest ago, at first what never was; not what is asked about just now. */
static bool make_room(struct ph_codefiles *f)
{
	struct ph_codefile *oldest = NULL;

	for (size_t i = PH_CODE_FILES; i < f->all.n; i++) {
		struct ph_codefile *file = f->all.v[i];

		if (file->held && !file->unanswered && !file->asked.n && (!oldest || file->last_seen < oldest->last_seen))
			oldest = file;
	}
	if (!oldest)
		return false;
	let_go(f, oldest);
	/* Not open here, nor mapped. */
	if (!oldest->refs)
		oldest->idle_ns = 1;
	return true;
}

bool ph_codefile_has_names(struct ph_codefiles *f, struct ph_codefile *file, int32_t pid, const struct ph_mapping *m)
{
	struct ph_symfile_new what;
	bool again;
	int fd;

	if (!f->namer || !file->ino)
		return false;
	file->last_seen = ++f->places;
	if (file->in_namer)
		return true;
	again = file->fd < 0;
	fd = again ? reopen(file, pid, m) : file->fd;
	file->fd = -1;
	if (fd < 0)
		return false;
	/* Over what is held for all files that are mapped, some are for those that are in stacks. */
	if (!file->held && f->held >= 2 * f->may_hold && !make_room(f)) {
		close(fd);
		return false;
	}
	if (again && file->root < 0)
		file->root = open_root(pid);
	what = as_new(file, fd, file->root);
	file->in_namer = ph_symchild_add(f->namer, file->id, &what, NULL) >= 0;
	if (file->in_namer)
		hold(f, file);
	return file->in_namer;
}

/* The kernel's own library is the same in all processes: ours, as a file. */
static void add_vdso(struct ph_codefiles *f)
{
	struct ph_codefile *file = new_file(f, "[vdso]");
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);
	ph_autofclose FILE *maps = fopen("/proc/self/maps", "re");
	ph_autofree char *line = NULL;
	unsigned long begin, end;
	size_t room = 0;
	int fd = -1;

	file->refs = 1;
	*ph_vec_push(&file->keys) = (struct ph_file_key){ 0, 0 };	/* of no file */
	while (maps && image && fd < 0 && getline(&line, &room, maps) > 0)
		if (sscanf(line, "%lx-%lx", &begin, &end) == 2 && begin == (unsigned long)image) {
			fd = ph_symopen_image(image, end - begin);
			break;
		}
	if (fd >= 0) {
		file->ino = 1;
		add_to_child(f, file, fd);
		return;
	}
	set_state(f, file, PH_TABLE_FP);
	now_known(f, file);
}

void ph_codefiles_init(struct ph_codefiles *f, struct ph_store *store, struct ph_store_table *shared, int known_fd,
		       struct ph_interp *interps, struct ph_symchild *child, struct ph_symchild *namer)
{
	struct ph_codefile *anon;

	*f = (struct ph_codefiles){
		.store = store, .shared = shared, .known_fd = known_fd, .interps = interps, .child = child, .namer = namer,
	};
	if (getrandom(&f->secret, sizeof(f->secret), 0) != sizeof(f->secret))
		f->secret = ph_now_ns();
	share_out(f);
	anon = new_file(f, "//anon");
	anon->refs = 1;
	set_state(f, anon, PH_TABLE_MADE);
	now_known(f, anon);
	add_vdso(f);
	new_file(f, "")->refs = 1;
}

static void free_file(struct ph_codefile *file)
{
	ph_vec_done(&file->table.rows);
	ph_vec_done(&file->keys);
	ph_vec_done(&file->asked);
	ph_u64map_done(&file->seen);
	ph_close_ptr(&file->root);
	ph_close_ptr(&file->fd);
	ph_symbol_package_done(&file->package);
	free(file->problem);
	free(file->path);
	free(file);
}

void ph_codefiles_done(struct ph_codefiles *f)
{
	for (size_t i = 0; i < f->all.n; i++)
		free_file(f->all.v[i]);
	ph_vec_done(&f->all);
	ph_vec_done(&f->interpreted);
	ph_u64map_done(&f->by_inode);
	ph_u64map_done(&f->by_layer);
}

/*
 * Numbers of inodes are given one after the other, and of devices too: mixed. Times, and on some file systems inodes, are a container's to
 * choose: with a secret, so that none can be chosen that push another file out of its place.
 */
static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ b * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
	return (a ^ a >> 31) | 1;
}

/*
 * Containers of one image have its files on file systems of their own, of which each shows the inode of the layer below. What is
 * of the same number, size and times, the last of which nobody can set, is the same file. On one that a container has mounted
 * itself, everything is the container's to say.
 */
static struct ph_layer_key layer_key(const struct stat *st)
{
	return (struct ph_layer_key){ st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec,
				      (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec };
}

static uint64_t hash_of_layer(const struct ph_codefiles *f, const struct ph_layer_key *k)
{
	return mix(mix(mix(mix(k->ino, f->secret), k->size), mix(k->ctime_s, k->ctime_ns)), mix(k->mtime_s, k->mtime_ns));
}

static struct ph_codefile *find_by_layer(struct ph_codefiles *f, const struct ph_layer_key *k)
{
	struct ph_codefile *file = ph_u64map_get(&f->by_layer, hash_of_layer(f, k));

	return file && !memcmp(&file->layer, k, sizeof(*k)) ? file : NULL;
}

static struct ph_codefile *one_more(struct ph_codefile *file)
{
	file->refs++;
	return file;
}

static uint64_t hash_of(const struct ph_codefiles *f, const struct ph_file_key *key)
{
	return mix(mix(key->ino, f->secret), key->dev);
}

static struct ph_codefile *find_by_inode(struct ph_codefiles *f, const struct ph_file_key *key)
{
	struct ph_codefile *file = ph_u64map_get(&f->by_inode, hash_of(f, key));

	if (file)
		ph_vec_each(k, &file->keys)
			if (k->dev == key->dev && k->ino == key->ino)
				return file;
	return NULL;
}

static void known_as(struct ph_codefiles *f, struct ph_codefile *file, const struct ph_file_key *key)
{
	*ph_vec_push(&file->keys) = *key;
	ph_u64map_put(&f->by_inode, hash_of(f, key), file);
	share_key(f, file, key);
}

static void known_no_more(struct ph_codefiles *f, struct ph_codefile *file)
{
	ph_vec_each(key, &file->keys) {
		if (ph_u64map_get(&f->by_inode, hash_of(f, key)) != file)
			continue;
		ph_u64map_del(&f->by_inode, hash_of(f, key));
		if (f->known_fd >= 0)
			bpf_map_delete_elem(f->known_fd, key);
	}
	ph_vec_done(&file->keys);
}

static void look_into(struct ph_codefiles *f, struct ph_codefile *file, int32_t pid, int fd, const struct stat *st)
{
	file->ino = st->st_ino;
	file->size = (uint64_t)st->st_size;
	add_to_child(f, file, fd);
	if (file->held)
		file->root = open_root(pid);
}

struct ph_codefile *ph_codefile_mapped(struct ph_codefiles *f, int32_t pid, uint32_t container, struct ph_mapsfile *maps)
{
	const struct ph_mapped *is = &maps->last;
	const struct ph_file_key key = { .dev = is->dev, .ino = is->ino };
	struct ph_layer_key layer = { 0 };
	struct ph_codefile *file;
	const char *path;
	struct stat st;
	enum ph_mount_kind kind;
	int fd;

	/* While it is open here, its inode is no other file's. */
	file = is->ino ? find_by_inode(f, &key) : NULL;
	if (file && !file->missed)
		return one_more(file);
	path = ph_mapsfile_path(maps);
	/* Memory that processes share without a file has a name and a number. */
	if (!is->ino || !strcmp(path, "/dev/zero"))
		return f->all.v[!strcmp(path, "[vdso]") ? PH_CODE_VDSO : PH_CODE_ANON];
	/* What is open to make tables of is closed then. */
	if (f->child && f->pending >= f->may_pend)
		ph_symchild_wait(f->child, ROOM_NS);
	/* What is really mapped, whatever is at its path by now. */
	fd = ph_symopen_mapped(pid, is->begin, is->end, &kind);
	if (fd >= 0 && fstat(fd, &st)) {
		close(fd);
		fd = -1;
	}
	if (file && fd < 0) {
		file->crowded = fd == -EMFILE;
		return one_more(file);
	}
	/* It is another one from here on: so whatever was told of it is told again, to the kernel side and in the stream. */
	if (file)
		known_no_more(f, file);
	if (fd >= 0 && kind == PH_MOUNT_LAYERS)
		layer = layer_key(&st);
	file = layer.ino ? find_by_layer(f, &layer) : NULL;
	if (file) {
		close(fd);
		known_as(f, file, &key);
		return one_more(file);
	}
	file = new_file(f, path);
	if (!file) {
		ph_close_ptr(&fd);
		f->refused++;
		return f->all.v[PH_CODE_ANON];
	}
	file->container = container;
	file->copied = fd >= 0 && kind == PH_MOUNT_SERVED;
	file->layer = layer;
	if (layer.ino)
		ph_u64map_put(&f->by_layer, hash_of_layer(f, &layer), file);
	known_as(f, file, &key);
	file->jitdump = ph_is_jitdump(path);
	file->missed = fd < 0;
	file->crowded = fd == -EMFILE;
	if (fd < 0 || file->jitdump) {
		ph_close_ptr(&fd);
		set_state(f, file, PH_TABLE_FP);
		now_known(f, file);
	} else {
		look_into(f, file, pid, fd, &st);
	}
	return one_more(file);
}

struct ph_codefile *ph_codefile_known(struct ph_codefiles *f, const struct ph_mapped *is, bool vdso)
{
	struct ph_codefile *file;

	if (!is->ino)
		return f->all.v[vdso ? PH_CODE_VDSO : PH_CODE_ANON];
	file = find_by_inode(f, &(struct ph_file_key){ .dev = is->dev, .ino = is->ino });
	return file && !file->missed ? one_more(file) : NULL;
}

void ph_codefile_drop(struct ph_codefile *file, uint64_t now_ns)
{
	if (file->id >= PH_CODE_FILES && !--file->refs)
		file->idle_ns = now_ns;
	/* Not open here, nor mapped: its inode may be another file's soon. */
	if (!file->refs && (!file->held || file->copied))
		file->idle_ns = 1;
}

/* Its number stays its own: it may be in the stream. */
static void forget(struct ph_codefiles *f, struct ph_codefile *file, uint64_t now_ns)
{
	known_no_more(f, file);
	if (file->layer.ino && ph_u64map_get(&f->by_layer, hash_of_layer(f, &file->layer)) == file)
		ph_u64map_del(&f->by_layer, hash_of_layer(f, &file->layer));
	f->shared[file->id].state = PH_TABLE_NONE;
	f->shared[file->id].interp = 0;
	f->table_bytes -= file->table.bytes;
	f->tables -= file->table.bytes != 0;
	ph_store_table_free(f->store, &file->table, now_ns);
	if (file->in_child)
		ph_symchild_drop(f->child, file->id);
	let_go(f, file);
	f->pending -= file->pending;
	file->in_child = file->pending = false;
	file->unanswered = 0;
	file->info = NULL;
	file->interprets = NULL;
	file->idle_ns = 0;
}

void ph_codefiles_expire(struct ph_codefiles *f, uint64_t now_ns)
{
	if (now_ns - f->expired_ns < PH_NSEC)
		return;
	f->expired_ns = now_ns;
	f->room += f->pending < f->may_pend;
	for (size_t i = PH_CODE_FILES; i < f->all.n; i++) {
		struct ph_codefile *file = f->all.v[i];

		if (file->idle_ns && !file->refs && now_ns - file->idle_ns >= IDLE_NS)
			forget(f, file, now_ns);
	}
}

bool ph_codefile_made(const struct ph_codefile *f)
{
	return f->id == PH_CODE_ANON || (f->known && !f->info && !strncmp(f->path, "/memfd:", 7));
}

uint64_t ph_codefile_vaddr(const struct ph_codefile *f, uint64_t begin, uint64_t offset)
{
	uint64_t vaddr;

	if (f->id == PH_CODE_ANON)
		return begin;
	return f->info && ph_symfile_vaddr(f->info, offset, &vaddr) ? vaddr : offset;
}

/* ---- answers of the child ----------------------------------------------------------------------------- */

static struct ph_codefile *by_id(const struct ph_codefiles *f, uint32_t id)
{
	return id < f->all.n ? f->all.v[id] : NULL;
}

/* "//python3.11": one for all interpreters of a version. */
static struct ph_codefile *interpreted_file(struct ph_codefiles *f, const struct ph_interp *in)
{
	char path[2 + PH_INTERP_LANGUAGE_MAX] = "//";
	struct ph_codefile *file;

	ph_interp_language(in, path + 2, PH_INTERP_LANGUAGE_MAX);
	ph_vec_each(have, &f->interpreted)
		if (!strcmp((*have)->path, path))
			return *have;
	file = new_file(f, path);
	if (!file)
		return NULL;
	file->refs = 1;
	now_known(f, file);
	*ph_vec_push(&f->interpreted) = file;
	return file;
}

uint32_t ph_codefiles_interp(struct ph_codefiles *f, const struct ph_interp *in)
{
	uint32_t at = 0;

	while (at < f->ninterps && memcmp(&f->interps[at], in, sizeof(*in)))
		at++;
	if (at == PH_STORE_INTERPS) {
		f->refused++;
		return 0;
	}
	if (at == f->ninterps)
		f->interps[f->ninterps++] = *in;
	return at + 1;
}

/* From now on the kernel side finds frames of interpreted code where it comes upon this file. */
static void set_interp(struct ph_codefiles *f, struct ph_codefile *file)
{
	const struct ph_interp *in = &file->info->interp;
	uint32_t number = in->kind == PH_INTERP_NONE ? 0 : ph_codefiles_interp(f, in);

	file->interprets = number ? interpreted_file(f, in) : NULL;
	if (!file->interprets)
		return;
	file->interp = number;
	__atomic_store_n(&f->shared[file->id].interp, number, __ATOMIC_RELEASE);
}

void ph_codefile_is(struct ph_codefiles *f, uint32_t id, const struct ph_symfile *info)
{
	struct ph_codefile *file = by_id(f, id);

	if (!file || file->known)
		return;
	if (!info->error) {
		file->info = info;
		set_interp(f, file);
	}
	snprintf(file->build_id, sizeof(file->build_id), "%s", info->build_id);
	now_known(f, file);
}

bool ph_codefile_nameless(struct ph_codefile *file, const char *problem, struct ph_packages *packages)
{
	bool first = !file->nameless;

	file->nameless = true;
	if (first && problem) {
		file->problem = ph_strdup(problem);
		file->package = (struct ph_symbol_package){ ph_strdup(""), ph_strdup("") };
	} else if (first && file->path[0] == '/') {
		ph_packages_ask(packages, file->id, file->container, file->root, file->path, file->build_id);
		file->root = -1;
	}
	return file->package.install;
}

void ph_codefile_table(struct ph_codefiles *f, uint32_t id, const struct ph_unwind_table *t)
{
	struct ph_codefile *file = by_id(f, id);

	if (file) {
		f->pending -= file->pending;
		file->pending = false;
	}
	if (!file || !file->in_child || file->table.bytes)
		return;
	ph_symchild_done_with(f->child, id);
	if (!t) {
		set_state(f, file, PH_TABLE_FP);
		return;
	}
	if (ph_store_table(f->store, t, &file->table) < 0) {
		f->refused++;
		return;
	}
	f->tables++;
	f->table_bytes += file->table.bytes;
	set_state(f, file, PH_TABLE_RULES);
}
