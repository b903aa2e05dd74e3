/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ctf/ctf.h"
#include "ctf/file.h"
#include "source/merge.h"

/* All traces below a directory as one source. */

#define DIR_DEPTH_MAX 8		/* a session: ust/uid/1000/64-bit/ is four */
#define FILES_MAX (1u << 16)

struct reader {
	struct ph_source src;
	PH_VEC(struct ph_ct_trace *) traces;
	PH_VEC(struct ph_ct_file) files;
	ph_strv warnings;
	struct ph_merge merge;
	struct ph_ct_file *cur;		/* of the event returned last: to be moved on */
	struct ph_merge_entry rival;	/* what comes first of the others */
	uint64_t skip_ns;		/* events before are not returned */
	bool borrowed;			/* the traces are another reader's */
	PH_VEC(const struct ph_class *) classes;	/* of ph_ctf_class(), made when asked for */
	struct ph_event ev;
	struct ph_err failed;
};

/* ---- opening --------------------------------------------------------------------------------------- */

static void free_reader(struct reader *r)
{
	ph_vec_each(f, &r->files)
		ph_ct_file_done(f);
	ph_vec_each(t, &r->traces)
		if (!r->borrowed)
			ph_ct_trace_free(*t);
	ph_vec_done(&r->files);
	ph_vec_done(&r->traces);
	ph_vec_done(&r->classes);
	ph_strv_done(&r->warnings);
	ph_merge_done(&r->merge);
	free((char *)r->src.what);
	free(r);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Entries of a directory in order, but for hidden ones; the order decides between equal times. */
static int list_dir(const char *path, ph_strv *out, struct ph_err *err)
{
	ph_autoclosedir DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return ph_err_sys(err, errno, "cannot open %s", path);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			ph_strv_add(out, e->d_name);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
	return 0;
}

static int add_file(struct reader *r, const struct ph_ct_trace *t, const char *path, struct ph_err *err)
{
	struct ph_ct_file *f;
	int ret;

	if (r->files.n >= FILES_MAX)
		return ph_err_set(err, -E2BIG, "%s has more than %u stream files", t->path, FILES_MAX);
	f = ph_vec_push(&r->files);
	ret = ph_ct_file_open(t, path, f, err);
	ph_vec_each(w, &f->warnings)
		ph_strv_add(&r->warnings, *w);
	return ret;
}

/* A file of the stream in which our recorder says who is who: state_0. */
static bool is_state(const char *path)
{
	return !strncmp(ph_basename(path), "state_", 6);
}

/* Files in which the recorder speaks, or the others. */
static int add_files(struct reader *r, const struct ph_ct_trace *t, const ph_strv *names, bool state,
		     struct ph_err *err)
{
	int ret = 0;

	for (size_t i = 0; ret >= 0 && i < names->n; i++) {
		ph_autofree char *file = ph_asprintf("%s/%s", t->path, names->v[i]);
		struct stat st;

		if (is_state(file) == state && strcmp(names->v[i], "metadata") && stat(file, &st) == 0 &&
		    S_ISREG(st.st_mode) && st.st_size)
			ret = add_file(r, t, file, err);
	}
	return ret;
}

static int add_trace(struct reader *r, const char *path, const ph_strv *names, struct ph_err *err)
{
	struct ph_ct_trace *t;
	int ret = ph_ct_trace_open(path, &t, err);

	if (ret < 0)
		return ret;
	*ph_vec_push(&r->traces) = t;
	/* Of equal times the first file's come first: a container is named before its first event. */
	ret = add_files(r, t, names, true, err);
	return ret < 0 ? ret : add_files(r, t, names, false, err);
}

/* @path is a trace if it has metadata; others may lie below it. */
static int add_dir(struct reader *r, const char *path, unsigned int depth, struct ph_err *err)
{
	ph_strv names = { 0 };
	int ret = list_dir(path, &names, err);

	ph_vec_each(name, &names) {
		if (ret == 0 && !strcmp(*name, "metadata"))
			ret = add_trace(r, path, &names, err);
	}
	ph_vec_each(name, &names) {
		ph_autofree char *sub = ph_asprintf("%s/%s", path, *name);
		struct stat st;

		/* LTTng keeps an index of each stream beside it; ours is made from the packets. */
		if (ret == 0 && depth < DIR_DEPTH_MAX && strcmp(*name, "index") &&
		    lstat(sub, &st) == 0 && S_ISDIR(st.st_mode))
			ret = add_dir(r, sub, depth + 1, err);
	}
	ph_strv_done(&names);
	return ret;
}

static bool same_clock(const struct ph_ct_trace *a, const struct ph_ct_trace *b)
{
	return a->clock && b->clock && a->clock->has_uuid && b->clock->has_uuid &&
	       a->clock->freq == b->clock->freq && !memcmp(a->clock->uuid, b->clock->uuid, 16);
}

/*
 * One clock for all. Traces of one clock (by its uuid) share its readings; each tracer measured the
 * clock's offset for itself, and those differ by more than events do. Other clocks meet in Unix time;
 * the earliest offset is the source's, so that no time is negative.
 */
static void join_clocks(struct reader *r)
{
	for (size_t i = 0; i < r->traces.n; i++) {
		struct ph_ct_trace *t = r->traces.v[i];

		for (size_t k = 0; k < i; k++) {
			if (same_clock(r->traces.v[k], t)) {
				t->offset_ns = r->traces.v[k]->offset_ns;
				break;
			}
		}
		if (!i || t->offset_ns < r->src.offset_ns)
			r->src.offset_ns = t->offset_ns;
		r->src.whole = t->whole && (!i || r->src.whole);
		if (!r->src.hostname)
			r->src.hostname = t->hostname;
		if (!r->src.kernel_release)
			r->src.kernel_release = t->kernel_release;
	}
	ph_vec_each(t, &r->traces)
		(*t)->adjust_ns = (int64_t)((uint64_t)(*t)->offset_ns - (uint64_t)r->src.offset_ns);
}

static void find_range(struct reader *r)
{
	ph_vec_each(f, &r->files) {
		uint64_t adjust = (uint64_t)f->trace->adjust_ns;

		ph_vec_each(p, &f->packets) {
			uint64_t begin = p->begin_ns + adjust;
			uint64_t end = (p->end_ns == UINT64_MAX ? p->begin_ns : p->end_ns) + adjust;

			if (!r->src.begin_ns || begin < r->src.begin_ns)
				r->src.begin_ns = begin;
			if (end > r->src.end_ns)
				r->src.end_ns = end;
		}
	}
}

/* ---- reading ------------------------------------------------------------------------------------------ */

/*
 * Streams enter by the time their packet begins, without being read: of a recording in a hundred
 * parts, those that are not reached yet take no memory.
 */
static void start(struct reader *r)
{
	r->cur = NULL;
	ph_merge_clear(&r->merge);
	for (uint32_t i = 0; i < r->files.n; i++) {
		const struct ph_ct_file *f = &r->files.v[i];
		uint64_t ts = 0;

		if (f->at < f->packets.n)
			ts = f->packets.v[f->at].begin_ns + (uint64_t)f->trace->adjust_ns;
		if (r->skip_ns && ts > r->skip_ns)
			ts = r->skip_ns;
		ph_merge_push(&r->merge, ts, i);
	}
}

/* The first stream's next event is found: keep it first, or let another go ahead. */
static void settle(struct reader *r, struct ph_ct_file *f)
{
	struct ph_merge *m = &r->merge;
	struct ph_merge_entry e = { f->next_ns, (uint32_t)(f - r->files.v) };

	r->cur = f;
	if (ph_likely(ph_merge_before(&e, &r->rival)))
		return;
	ph_merge_update(m, f->next_ns);
	r->cur = NULL;
}

static void set_rival(struct reader *r)
{
	const struct ph_merge *m = &r->merge;

	r->rival = (struct ph_merge_entry){ UINT64_MAX, UINT32_MAX };
	for (size_t i = 1; i < m->n && i < 3; i++)
		if (ph_merge_before(&m->v[i], &r->rival))
			r->rival = m->v[i];
}

static int step(struct reader *r, struct ph_ct_file *f, struct ph_err *err)
{
	int ret = ph_ct_file_next(f, err);

	if (ph_likely(ret > 0)) {
		settle(r, f);
	} else if (ret == 0) {
		f->next = PH_NEXT_NONE;
		ph_merge_pop(&r->merge);
		r->cur = NULL;
	}
	return ret;
}

static int next_event(struct reader *r, struct ph_err *err)
{
	struct ph_ct_file *f = r->cur;
	int ret;

	if (f) {
		ret = step(r, f, err);
		if (ph_unlikely(ret < 0))
			return ret;
	}
	for (;;) {
		while (ph_unlikely(!r->cur)) {
			if (!r->merge.n)
				return 0;
			set_rival(r);
			f = &r->files.v[ph_merge_first(&r->merge)->stream];
			if (f->next == PH_NEXT_NONE) {
				ret = step(r, f, err);
				if (ret < 0)
					return ret;
			} else {
				r->cur = f;
			}
		}
		f = r->cur;
		ret = ph_ct_file_take(f, &r->ev, err);
		if (ph_unlikely(ret < 0))
			return ret;
		if (ph_likely(ret > 0 && r->ev.ts_ns >= r->skip_ns))
			return 1;
		ret = step(r, f, err);
		if (ret < 0)
			return ret;
	}
}

static int reader_next(struct ph_source *s, struct ph_event **ret, struct ph_err *err)
{
	struct reader *r = (struct reader *)s;
	int rc;

	if (ph_unlikely(r->failed.code))
		return ph_err_set(err, r->failed.code, "%s", r->failed.msg);
	rc = next_event(r, &r->failed);
	*ret = &r->ev;
	if (ph_unlikely(rc < 0))
		return ph_err_set(err, rc, "%s", r->failed.msg);
	return rc;
}

static int reader_seek(struct ph_source *s, uint64_t ts_ns, struct ph_err *err)
{
	struct reader *r = (struct reader *)s;

	(void)err;
	r->failed.code = 0;
	r->skip_ns = ts_ns;
	ph_vec_each(f, &r->files)
		ph_ct_file_seek(f, ts_ns);
	start(r);
	return 0;
}

static void reader_close(struct ph_source *s)
{
	free_reader((struct reader *)s);
}

static const struct ph_source_ops reader_ops = {
	.next = reader_next, .seek = reader_seek, .close = reader_close,
};

int ph_ctf_state(struct ph_source *s, struct ph_source **ret, struct ph_err *err)
{
	struct reader *of = (struct reader *)s, *r;
	int rc = 0;

	*ret = NULL;
	if (s->ops != &reader_ops)
		return 0;
	r = ph_alloc(sizeof(*r));
	r->src = (struct ph_source){ .ops = &reader_ops, .what = ph_strdup(s->what), .offset_ns = s->offset_ns };
	r->borrowed = true;
	ph_vec_each(f, &of->files)
		if (rc >= 0 && is_state(f->path))
			rc = ph_ct_file_open(f->trace, f->path, ph_vec_push(&r->files), err);
	if (rc < 0 || !r->files.n) {
		free_reader(r);
		return rc < 0 ? rc : 0;
	}
	start(r);
	*ret = &r->src;
	return 0;
}

static void add_classes(struct reader *r, const struct ph_ct_stream_class *sc)
{
	for (uint32_t i = 0; i < sc->nby_id; i++)
		if (sc->by_id[i])
			*ph_vec_push(&r->classes) = &sc->by_id[i]->cls;
	for (struct ph_u64map_slot *o = NULL; (o = ph_u64map_next(&sc->others, o)); )
		*ph_vec_push(&r->classes) = &((const struct ph_ct_class *)o->val)->cls;
}

const struct ph_class *ph_ctf_class(struct ph_source *s, size_t i)
{
	struct reader *r = (struct reader *)s;

	if (s->ops != &reader_ops)
		return NULL;
	if (!r->classes.n)
		ph_vec_each(t, &r->traces)
			for (size_t k = 0; k < (*t)->nstreams; k++)
				add_classes(r, &(*t)->streams[k]);
	return i < r->classes.n ? r->classes.v[i] : NULL;
}

const char *ph_ctf_warning(struct ph_source *s, size_t i)
{
	struct reader *r = (struct reader *)s;

	if (s->ops != &reader_ops)
		return NULL;
	return i < r->warnings.n ? r->warnings.v[i] : NULL;
}

int ph_ctf_open(const char *path, struct ph_source **ret, struct ph_err *err)
{
	struct reader *r = ph_alloc(sizeof(*r));
	int rc;

	r->src.ops = &reader_ops;
	r->src.what = ph_asprintf("trace %s", path);
	rc = add_dir(r, path, 0, err);
	if (rc == 0 && !r->traces.n)
		rc = ph_err_set(err, -ENOENT, "%s is not a CTF trace: there is no file \"metadata\" in it "
				"or below it", path);
	if (rc < 0) {
		free_reader(r);
		return rc;
	}
	join_clocks(r);
	find_range(r);
	start(r);
	*ret = &r->src;
	return 0;
}
