/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"
#include "ctf/writer.h"

#define PACKET_BYTES_DEFAULT (256u << 10)
#define CTF_MAGIC 0xC1FC1FC1u

/* What stands in front of each packet's events; all of it is byte-aligned, so it is one struct. */
struct packet_head {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id;
	uint64_t stream_instance_id;
	uint64_t ts_begin, ts_end;
	uint64_t content_bits, packet_bits;
	uint64_t seq_num;
	uint64_t events_discarded;
	uint32_t cpu_id;
} __attribute__((packed));

#define HEADER_MAX 13	/* of an extended event */

struct ph_ctf_writer {
	char *path;
	int dirfd, metadata_fd;
	uint64_t metadata_bytes;	/* good ones in the file */
	uint64_t packet_bytes;
	uint8_t uuid[16];
	const struct ph_field *ctx;
	uint32_t nctx;
	uint8_t *ctx_ops;
	uint32_t ctx_fixed_bytes;
	bool ctx_has_var;
	atomic_uint_fast64_t bytes;

	pthread_mutex_t lock;		/* of what follows and of the metadata file */
	struct ph_u64map classes;	/* address of the ph_class -> struct ph_wclass */
	uint32_t nclasses;
	struct ph_err failed;		/* of the metadata: all streams stop */
	PH_VEC(struct ph_ctf_stream *) streams;
};

/* A stream's own view of the class table, so that writing takes no lock. */
struct class_slot {
	const struct ph_class *cls;
	const struct ph_wclass *w;
};

struct ph_ctf_stream {
	struct ph_ctf_writer *w;
	char *file;
	int fd;				/* -1 until the first packet is written */
	uint32_t cpu;
	uint64_t instance;
	uint64_t file_bytes;		/* whole packets in the file */
	uint64_t seq_num, discarded, discarded_written;
	uint64_t ts_begin, ts_last;
	uint8_t *buf;
	size_t cap, len;		/* len 0: no packet is open */
	struct class_slot *slots;
	size_t nslots, used;		/* nslots is a power of two */
	struct ph_err failed;
};

/*
 * The contexts where the caller names none. Every event carries them, so they are as short as they can
 * be: the kernel's thread ids end at 2^22 (PID_MAX_LIMIT), and 2^24 - 1 containers are enough for one
 * recording; all ones are the unknown container.
 */
#define CTX_BITS 24
#define CTX_BYTES (2 * CTX_BITS / 8)
static const struct ph_type ctx_tid = { .kind = PH_KIND_INT, .bits = CTX_BITS, .base = 10 };
static const struct ph_type ctx_container = { .kind = PH_KIND_UINT, .bits = CTX_BITS, .base = 10 };
static const struct ph_field default_ctx[] = {
	{ "tid", &ctx_tid, PH_UNIT_TID, NULL },
	{ "container", &ctx_container, PH_UNIT_CONTAINER, NULL },
};

static int write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -EIO;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

/*
 * Append to a file of which @good bytes are whole units. When that fails, what was written of the
 * last one is cut off again, so the file stays readable.
 */
static int append(int fd, uint64_t good, const void *data, size_t n)
{
	int r = write_all(fd, data, n);

	if (r < 0 && ftruncate(fd, (off_t)good) < 0)
		return r;	/* as before: a reader reports the torn packet and stops there */
	return r;
}

static int append_metadata(struct ph_ctf_writer *w, const struct ph_buf *text, struct ph_err *err)
{
	int r = append(w->metadata_fd, w->metadata_bytes, text->p, text->len);

	if (r < 0) {
		r = ph_err_sys(err, r, "cannot write %s/metadata", w->path);
		ph_err_sys(&w->failed, r, "cannot write %s/metadata", w->path);
		return r;
	}
	w->metadata_bytes += text->len;
	atomic_fetch_add(&w->bytes, text->len);
	return 0;
}

static int cannot_make(const char *path, int error, struct ph_err *err)
{
	return ph_err_sys(err, error, "cannot make the trace directory %s", path);
}

/* @path, which exists, must be an empty directory. */
static int check_empty(const char *path, struct ph_err *err)
{
	ph_autoclosedir DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return ph_err_sys(err, errno, "cannot use %s as a trace directory", path);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			return ph_err_set(err, -EEXIST, "%s is not empty: a trace is written only "
					  "into a new or empty directory", path);
	return 0;
}

/* A descriptor of it. What was made here is nothing else, also where others may write beside it. */
static int make_dir(const char *path, bool is_new, struct ph_err *err)
{
	bool made = !mkdir(path, 0700);
	int fd, r = 0;

	if (!made)
		r = errno == EEXIST && !is_new ? check_empty(path, err) : cannot_make(path, errno, err);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0));
	return fd < 0 ? ph_err_sys(err, errno, "cannot open %s", path) : fd;
}

/* Is there room below @path? Some file systems do not tell what they have. */
static bool is_full(const char *path)
{
	struct statvfs fs;

	return !statvfs(path, &fs) && fs.f_blocks && !fs.f_bfree;
}

int ph_ctf_can_create(const char *path, struct ph_err *err)
{
	ph_autofree char *copy = ph_strdup(path);
	const char *in = path;
	struct stat st;
	int r;

	if (!stat(path, &st)) {
		r = check_empty(path, err);
		if (r < 0)
			return r;
	} else if (errno == ENOENT) {
		in = dirname(copy);
	} else {
		return cannot_make(path, errno, err);
	}
	if (faccessat(AT_FDCWD, in, W_OK | X_OK, AT_EACCESS))
		return cannot_make(path, errno, err);
	return is_full(in) ? cannot_make(path, ENOSPC, err) : 0;
}

static void free_class(struct ph_wclass *c)
{
	free(c->ops);
	free(c);
}

static void free_stream(struct ph_ctf_stream *st)
{
	if (st->fd >= 0)
		close(st->fd);
	free(st->file);
	free(st->buf);
	free(st->slots);
	free(st);
}

static void free_writer(struct ph_ctf_writer *w)
{
	for (size_t i = 0; i < w->streams.n; i++)
		free_stream(w->streams.v[i]);
	ph_vec_done(&w->streams);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&w->classes, s));)
		free_class(s->val);
	ph_u64map_done(&w->classes);
	if (w->metadata_fd >= 0)
		close(w->metadata_fd);
	if (w->dirfd >= 0)
		close(w->dirfd);
	pthread_mutex_destroy(&w->lock);
	free(w->ctx_ops);
	free(w->path);
	free(w);
}

static int start(struct ph_ctf_writer *w, const struct ph_ctf_env *env, struct ph_err *err)
{
	ph_autobuf text = { 0 };
	int r;

	w->ctx_ops = ph_alloc(w->nctx);
	r = ph_wops_compile(w->ctx, w->nctx, w->ctx_ops, &w->ctx_fixed_bytes, &w->ctx_has_var, err);
	if (r < 0)
		return ph_err_wrap(err, r, "contexts");
	for (uint32_t i = 0; i < w->nctx; i++)
		if (w->ctx[i].type->kind == PH_KIND_STRUCT)
			return ph_err_set(err, -EOPNOTSUPP, "context \"%s\" is a structure, which "
					  "cannot be written", w->ctx[i].name);
	if (getrandom(w->uuid, sizeof(w->uuid), 0) != sizeof(w->uuid))
		return ph_err_sys(err, errno, "cannot get random bytes for the trace's uuid");
	w->uuid[6] = (w->uuid[6] & 0x0f) | 0x40;	/* RFC 4122: version 4, random */
	w->uuid[8] = (w->uuid[8] & 0x3f) | 0x80;
	r = ph_tsdl_head(&text, env, w->uuid, w->ctx, w->nctx, err);
	if (r < 0)
		return r;
	r = make_dir(w->path, env->is_new, err);
	if (r < 0)
		return r;
	w->dirfd = r;
	w->metadata_fd = openat(w->dirfd, "metadata",
				O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (w->metadata_fd < 0)
		return ph_err_sys(err, errno, "cannot make %s/metadata", w->path);
	return append_metadata(w, &text, err);
}

int ph_ctf_create(const char *path, const struct ph_ctf_env *env, const struct ph_field *ctx,
		  uint32_t nctx, struct ph_ctf_writer **ret, struct ph_err *err)
{
	struct ph_ctf_writer *w = ph_alloc(sizeof(*w));
	int r;

	w->path = ph_strdup(path);
	w->dirfd = w->metadata_fd = -1;
	w->packet_bytes = env->packet_bytes ? env->packet_bytes : PACKET_BYTES_DEFAULT;
	w->ctx = ctx ? ctx : default_ctx;
	w->nctx = ctx ? nctx : PH_ARRAY_SIZE(default_ctx);
	pthread_mutex_init(&w->lock, NULL);
	r = start(w, env, err);
	if (r < 0) {
		free_writer(w);
		return r;
	}
	*ret = w;
	return 0;
}

int ph_ctf_stream(struct ph_ctf_writer *w, const char *name, uint32_t cpu, struct ph_ctf_stream **ret,
		  struct ph_err *err)
{
	struct ph_ctf_stream *st;

	if (strchr(name, '/') || !*name || *name == '.' || !strcmp(name, "metadata"))
		return ph_err_set(err, -EINVAL, "\"%s\" cannot be the name of a stream file", name);
	st = ph_alloc(sizeof(*st));
	st->w = w;
	st->fd = -1;
	st->cpu = cpu;
	st->file = cpu == PH_CPU_UNKNOWN ? ph_strdup(name) : ph_asprintf("%s_%" PRIu32, name, cpu);
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->streams.n; i++) {
		if (!strcmp(w->streams.v[i]->file, st->file)) {
			pthread_mutex_unlock(&w->lock);
			ph_err_set(err, -EEXIST, "there are two streams %s", st->file);
			free_stream(st);
			return -EEXIST;
		}
	}
	st->instance = w->streams.n;
	*ph_vec_push(&w->streams) = st;
	pthread_mutex_unlock(&w->lock);
	st->cap = w->packet_bytes + 4096;
	st->buf = ph_alloc(st->cap);
	st->nslots = 256;
	st->slots = ph_alloc(st->nslots * sizeof(*st->slots));
	*ret = st;
	return 0;
}

static int compile_class(struct ph_ctf_writer *w, const struct ph_class *cls,
			 struct ph_wclass **ret, struct ph_err *err)
{
	struct ph_wclass *c = ph_alloc(sizeof(*c));
	ph_autobuf text = { 0 };
	int r;

	c->cls = cls;
	c->id = w->nclasses;
	c->nops = cls->nfields;
	c->ops = ph_alloc(cls->nfields);
	c->fixed_bytes = HEADER_MAX + w->ctx_fixed_bytes;
	c->has_var = w->ctx_has_var;
	r = ph_tsdl_class(&text, cls, c->id, err);
	if (r == 0)
		r = ph_wops_compile(cls->fields, cls->nfields, c->ops, &c->fixed_bytes, &c->has_var,
				    err);
	if (r == 0)
		r = append_metadata(w, &text, err);
	if (r < 0) {
		free_class(c);
		return r;
	}
	w->nclasses++;
	ph_u64map_put(&w->classes, (uintptr_t)cls, c);
	*ret = c;
	return 0;
}

static size_t slot_of(const struct ph_ctf_stream *st, const struct ph_class *cls)
{
	/* Classes are neighbours in an array: their distance is what differs. */
	uint64_t h = (uint64_t)(uintptr_t)cls * 0x9e3779b97f4a7c15ULL;
	size_t i = (h >> 32) & (st->nslots - 1);

	while (st->slots[i].cls && st->slots[i].cls != cls)
		i = (i + 1) & (st->nslots - 1);
	return i;
}

static void grow_slots(struct ph_ctf_stream *st)
{
	struct class_slot *old = st->slots;
	size_t n = st->nslots;

	st->nslots *= 2;
	st->slots = ph_alloc(st->nslots * sizeof(*st->slots));
	for (size_t i = 0; i < n; i++)
		if (old[i].cls)
			st->slots[slot_of(st, old[i].cls)] = old[i];
	free(old);
}

/* First event of a class in this stream. */
static int learn_class(struct ph_ctf_stream *st, const struct ph_class *cls,
		       const struct ph_wclass **ret, struct ph_err *err)
{
	struct ph_ctf_writer *w = st->w;
	struct ph_wclass *c;
	int r = 0;

	pthread_mutex_lock(&w->lock);
	c = ph_u64map_get(&w->classes, (uintptr_t)cls);
	if (!c) {
		r = w->failed.code ? ph_err_set(err, w->failed.code, "%s", w->failed.msg)
				   : compile_class(w, cls, &c, err);
	}
	pthread_mutex_unlock(&w->lock);
	if (r < 0)
		return r;
	if (2 * ++st->used > st->nslots)
		grow_slots(st);
	st->slots[slot_of(st, cls)] = (struct class_slot){ cls, c };
	*ret = c;
	return 0;
}

static int fail(struct ph_ctf_stream *st, int code, const char *what, struct ph_err *err)
{
	ph_err_sys(&st->failed, code, "cannot %s %s/%s", what, st->w->path, st->file);
	return ph_err_set(err, code, "%s", st->failed.msg);
}

static void open_packet(struct ph_ctf_stream *st, uint64_t ts)
{
	st->len = sizeof(struct packet_head);
	st->ts_begin = st->ts_last = ts;
}

static int close_packet(struct ph_ctf_stream *st, uint64_t ts_end, struct ph_err *err)
{
	size_t padded = (st->len + 7) & ~(size_t)7;
	struct packet_head h = {
		.magic = CTF_MAGIC, .stream_instance_id = st->instance,
		.ts_begin = st->ts_begin, .ts_end = ts_end,
		.content_bits = (uint64_t)st->len * 8, .packet_bits = (uint64_t)padded * 8,
		.seq_num = st->seq_num, .events_discarded = st->discarded, .cpu_id = st->cpu,
	};
	int r;

	memcpy(h.uuid, st->w->uuid, sizeof(h.uuid));
	memcpy(st->buf, &h, sizeof(h));
	memset(st->buf + st->len, 0, padded - st->len);
	if (st->fd < 0) {
		st->fd = openat(st->w->dirfd, st->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
				O_APPEND, 0600);
		if (st->fd < 0)
			return fail(st, -errno, "make", err);
	}
	r = append(st->fd, st->file_bytes, st->buf, padded);
	if (r < 0) {
		/* Nothing was ever whole: a file without a packet only puzzles readers. */
		if (!st->file_bytes)
			unlinkat(st->w->dirfd, st->file, 0);
		return fail(st, r, "write", err);
	}
	st->file_bytes += padded;
	atomic_fetch_add(&st->w->bytes, padded);
	st->seq_num++;
	st->discarded_written = st->discarded;
	st->len = 0;
	st->ts_last = ts_end;
	return 0;
}

/* Make room for @need bytes: a new packet where this one is full, a longer buffer for a long event. */
static int make_room(struct ph_ctf_stream *st, uint64_t need, uint64_t ts, struct ph_err *err)
{
	if (st->len && st->len + need > st->w->packet_bytes) {
		int r = close_packet(st, st->ts_last, err);

		if (r < 0)
			return r;
	}
	if (!st->len)
		open_packet(st, ts);
	if (st->len + need + 8 > st->cap) {
		st->cap = st->len + need + 4096;
		st->buf = ph_realloc(st->buf, st->cap);
	}
	return 0;
}

/* An event that carries none of the trace's contexts (made by hand) still has a task and container. */
static uint8_t *put_known_ctx(const struct ph_ctf_writer *w, const struct ph_event *ev, uint8_t *p)
{
	for (uint32_t i = 0; i < w->nctx; i++) {
		const char *name = w->ctx[i].name;
		struct ph_value v = { 0 };

		if (!strcmp(name, "tid"))
			v.i = ev->tid;
		else if (!strcmp(name, "pid"))
			v.i = ev->pid;
		else if (!strcmp(name, "container"))
			v.u = ev->container;
		p = ph_wops_put(&w->ctx_ops[i], &w->ctx[i], &v, 1, p);
	}
	return p;
}

static inline uint8_t *put_default_ctx(const struct ph_event *ev, uint8_t *p)
{
	const uint64_t max = (1u << CTX_BITS) - 1;
	uint64_t container = ev->container < max ? ev->container : max;
	struct ph_value v[] = { { .i = ev->tid }, { .u = container } };
	uint64_t both = ((uint64_t)(uint32_t)ev->tid & max) | container << CTX_BITS;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return ph_wops_put((const uint8_t[]){ PH_WOP_24, PH_WOP_24 }, default_ctx, v, 2, p);
	memcpy(p, &both, CTX_BYTES);
	return p + CTX_BYTES;
}

static inline uint8_t *put_header(struct ph_ctf_stream *st, uint32_t id, uint64_t ts, uint8_t *p)
{
	if (ph_likely(id < PH_CTF_ID_EXTENDED && ts - st->ts_last < 1ULL << PH_CTF_TS_BITS)) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		uint32_t both = (uint32_t)ts << 8 | id;
#else
		uint32_t both = ((uint32_t)ts & 0xffffff) | id << 24;
#endif
		memcpy(p, &both, 4);
		return p + 4;
	}
	*p = PH_CTF_ID_EXTENDED;
	memcpy(p + 1, &id, 4);
	memcpy(p + 5, &ts, 8);
	return p + HEADER_MAX;
}

int ph_ctf_write(struct ph_ctf_stream *st, const struct ph_event *ev, struct ph_err *err)
{
	const struct class_slot *slot = &st->slots[slot_of(st, ev->cls)];
	const struct ph_ctf_writer *w = st->w;
	const struct ph_wclass *c = slot->w;
	bool has_ctx = ev->ctx && ev->cls->nctx == w->nctx && w->ctx != default_ctx;
	uint64_t need, ts = ev->ts_ns;
	uint8_t *p;
	int r;

	if (ph_unlikely(st->failed.code))
		return ph_err_set(err, st->failed.code, "%s", st->failed.msg);
	if (ph_unlikely(!c)) {
		r = learn_class(st, ev->cls, &c, err);
		if (r < 0)
			return r;
	}
	need = c->fixed_bytes;
	if (c->has_var) {
		uint64_t var = ph_wops_var(c->ops, ev->cls->fields, ev->v, c->nops);
		uint64_t ctx_var = has_ctx ? ph_wops_var(w->ctx_ops, w->ctx, ev->ctx, w->nctx) : 0;

		if (ph_unlikely(var >= UINT32_MAX || ctx_var >= UINT32_MAX))
			return ph_err_set(err, -E2BIG, "event \"%s\" has a sequence that is longer "
					  "than %u elements", ev->cls->name, PH_CTF_LENGTH_MAX);
		need += var + ctx_var;
	}
	if (ph_unlikely(!st->len || st->len + need > w->packet_bytes)) {
		/* The clock of a new packet starts no earlier than the last one's end. */
		if (ts < st->ts_last)
			ts = st->ts_last;
		r = make_room(st, need, ts, err);
		if (r < 0)
			return r;
	} else if (ph_unlikely(ts < st->ts_last)) {
		ts = st->ts_last;
	}
	p = put_header(st, c->id, ts, st->buf + st->len);
	if (w->ctx == default_ctx) {
		p = put_default_ctx(ev, p);
	} else if (has_ctx) {
		p = ph_wops_put(w->ctx_ops, w->ctx, ev->ctx, w->nctx, p);
	} else {
		p = put_known_ctx(w, ev, p);
	}
	p = ph_wops_put(c->ops, ev->cls->fields, ev->v, c->nops, p);
	st->len = (size_t)(p - st->buf);
	st->ts_last = ts;
	return 0;
}

void ph_ctf_discarded(struct ph_ctf_stream *st, uint64_t n)
{
	st->discarded += n;
}

int ph_ctf_gap(struct ph_ctf_stream *st, uint64_t n, uint64_t begin_ns, uint64_t end_ns, struct ph_err *err)
{
	int r;

	if (st->failed.code)
		return ph_err_set(err, st->failed.code, "%s", st->failed.msg);
	/* Packets say how many were lost up to their end: readers subtract, from the first on. */
	if (!st->seq_num) {
		open_packet(st, begin_ns);
		r = close_packet(st, begin_ns, err);
		if (r < 0)
			return r;
	}
	ph_ctf_discarded(st, n);
	open_packet(st, begin_ns > st->ts_last ? begin_ns : st->ts_last);
	return close_packet(st, end_ns > st->ts_last ? end_ns : st->ts_last, err);
}

int ph_ctf_flush(struct ph_ctf_stream *st, uint64_t now_ns, struct ph_err *err)
{
	if (st->failed.code)
		return ph_err_set(err, st->failed.code, "%s", st->failed.msg);
	if (!st->len) {
		if (st->discarded == st->discarded_written)
			return 0;
		open_packet(st, now_ns > st->ts_last ? now_ns : st->ts_last);
	}
	return close_packet(st, now_ns > st->ts_last ? now_ns : st->ts_last, err);
}

uint64_t ph_ctf_bytes(const struct ph_ctf_writer *w)
{
	return atomic_load(&w->bytes);
}

int ph_ctf_close(struct ph_ctf_writer *w, uint64_t now_ns, struct ph_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < w->streams.n; i++) {
		struct ph_ctf_stream *st = w->streams.v[i];
		struct ph_err one = { 0 };
		int r = ph_ctf_flush(st, now_ns, &one);

		/* Network file systems say only here that the disk was full. */
		if (st->fd >= 0 && close(st->fd) < 0 && r == 0)
			r = fail(st, -errno, "write", &one);
		st->fd = -1;
		if (r < 0 && ret == 0)
			ret = ph_err_set(err, r, "%s", one.msg);
	}
	free_writer(w);
	return ret;
}
