/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The message perftools.profiles.Profile of pprof's profile.proto, compressed by gzip. */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "export/export.h"
#include "export/protobuf.h"

/* Numbers of fields, by message. */
enum {
	PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE, PROFILE_MAPPING, PROFILE_LOCATION, PROFILE_FUNCTION, PROFILE_STRING_TABLE,
	PROFILE_TIME_NANOS = 9, PROFILE_DURATION_NANOS, PROFILE_PERIOD_TYPE, PROFILE_PERIOD, PROFILE_DEFAULT_SAMPLE_TYPE = 14,
};
enum { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT };
enum { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STR, LABEL_NUM };
enum {
	MAPPING_ID = 1, MAPPING_LIMIT = 3, MAPPING_FILENAME = 5, MAPPING_BUILD_ID, MAPPING_HAS_FUNCTIONS,
	MAPPING_HAS_FILENAMES, MAPPING_HAS_LINES, MAPPING_HAS_INLINED,
};
enum { LOCATION_ID = 1, LOCATION_MAPPING_ID, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION_ID = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_FILENAME = 4 };

struct encoder {
	const struct ph_export *x;
	struct ph_buf out, message, inner;
	struct ph_strmap strings;
	uint64_t nstrings;
	struct ph_strmap kernel;	/* by module: number of the mapping that stands for it */
	uint64_t nmappings;
	bool *used;			/* locs that are the innermost of a location */
};

/* The string's place in the table; the text is UTF-8 whatever the name was. */
static uint64_t string(struct encoder *e, const char *s)
{
	ph_autobuf b = { 0 };
	uintptr_t have;

	if (!s || !*s)
		return 0;
	ph_buf_add_term(&b, s, strlen(s));
	have = (uintptr_t)ph_strmap_get(&e->strings, b.p);
	if (have)
		return have;
	pb_bytes(&e->out, PROFILE_STRING_TABLE, b.p, b.len);
	ph_strmap_put(&e->strings, b.p, (void *)(uintptr_t)++e->nstrings);
	return e->nstrings;
}

static void value_type(struct encoder *e, unsigned int field, const char *type, const char *unit)
{
	uint64_t t = string(e, type), u = string(e, unit);

	pb_u64(&e->message, VALUE_TYPE_TYPE, t);
	pb_u64(&e->message, VALUE_TYPE_UNIT, u);
	pb_message(&e->out, field, &e->message);
}

static const char *type_name(const struct ph_profile *p)
{
	static const char *const names[] = { [PH_PROFILE_CPU] = "cpu", [PH_PROFILE_OFFCPU] = "off-cpu", [PH_PROFILE_WALL] = "wall" };

	return p->opts.what == PH_PROFILE_EVENT ? p->opts.event->name : p->unit == PH_PROFILE_CYCLES ? "cycles" : names[p->opts.what];
}

static const char *unit_name(const struct ph_profile *p)
{
	return p->unit == PH_PROFILE_NS ? "nanoseconds" : "count";
}

/* How much lies between two that are told: of what is all told, 1. */
static uint64_t period(const struct ph_profile *p)
{
	return p->opts.what == PH_PROFILE_CPU && p->count ? p->weight / p->count : 1;
}

static void add_head(struct encoder *e)
{
	const struct ph_profile *p = e->x->p;

	/* The first string is the empty one. */
	pb_bytes(&e->out, PROFILE_STRING_TABLE, "", 0);
	value_type(e, PROFILE_SAMPLE_TYPE, p->opts.what == PH_PROFILE_OFFCPU ? "waits" : "samples", "count");
	value_type(e, PROFILE_SAMPLE_TYPE, type_name(p), unit_name(p));
	value_type(e, PROFILE_PERIOD_TYPE, type_name(p), unit_name(p));
	pb_u64(&e->out, PROFILE_PERIOD, period(p));
	pb_u64(&e->out, PROFILE_TIME_NANOS, p->begin_ns + (uint64_t)e->x->view.offset_ns);
	pb_u64(&e->out, PROFILE_DURATION_NANOS, p->end_ns - p->begin_ns);
	pb_u64(&e->out, PROFILE_DEFAULT_SAMPLE_TYPE, string(e, type_name(p)));
}

/* What was inlined stands in one location with what it is in. */
static bool goes_on(const struct ph_profile *p, uint32_t loc)
{
	const struct ph_loc *l = &p->locs.v[loc];

	return p->funcs.v[l->func].kind == PH_FRAME_INLINED && loc + 1 < p->locs.n && l[1].file == l->file && l[1].address == l->address;
}

static void add_mapping(struct encoder *e, uint64_t id, const char *path, const char *build_id, bool named, bool lines)
{
	uint64_t name = string(e, path), build = string(e, build_id);

	pb_u64(&e->message, MAPPING_ID, id);
	/* All of the address space: so readers know addresses to be the file's own, and look up what has no name. */
	pb_u64(&e->message, MAPPING_LIMIT, UINT64_MAX);
	pb_u64(&e->message, MAPPING_FILENAME, name);
	pb_u64(&e->message, MAPPING_BUILD_ID, build);
	/* What has names is not looked up once more. */
	pb_u64(&e->message, MAPPING_HAS_FUNCTIONS, named);
	pb_u64(&e->message, MAPPING_HAS_FILENAMES, lines);
	pb_u64(&e->message, MAPPING_HAS_LINES, lines);
	pb_u64(&e->message, MAPPING_HAS_INLINED, lines);
	pb_message(&e->out, PROFILE_MAPPING, &e->message);
}

static void add_mappings(struct encoder *e)
{
	const struct ph_profile *p = e->x->p;
	ph_autofree bool *lines = ph_alloc(p->files.n + 1);
	ph_autofree bool *used = ph_alloc(p->files.n + 1);

	for (uint32_t i = 1; i < p->locs.n; i++) {
		const struct ph_loc *l = &p->locs.v[i];

		if (!e->used[i] || l->file == UINT32_MAX)
			continue;
		used[l->file] = true;
		lines[l->file] |= l->line;
	}
	for (size_t i = 0; i < p->files.n; i++)
		if (used[i])
			add_mapping(e, i + 1, p->files.v[i]->path, p->files.v[i]->build_id, !p->files.v[i]->nameless, lines[i]);
	e->nmappings = p->files.n;
}

/* The kernel, or a module of it. */
static uint64_t kernel_mapping(struct encoder *e, const char *module)
{
	uintptr_t have = (uintptr_t)ph_strmap_get(&e->kernel, module);
	ph_autofree char *name = NULL;

	if (have)
		return have;
	name = ph_asprintf("[%s]", module[0] ? module : "kernel.kallsyms");
	add_mapping(e, ++e->nmappings, name, "", true, false);
	ph_strmap_put(&e->kernel, module, (void *)(uintptr_t)e->nmappings);
	return e->nmappings;
}

static void add_location(struct encoder *e, uint32_t i)
{
	const struct ph_profile *p = e->x->p;
	const struct ph_loc *l = &p->locs.v[i];
	const struct ph_func *f = &p->funcs.v[l->func];
	uint64_t mapping = f->kind == PH_FRAME_KERNEL ? kernel_mapping(e, f->module) : l->file == UINT32_MAX ? 0 : l->file + 1;

	pb_u64(&e->message, LOCATION_ID, i);
	pb_u64(&e->message, LOCATION_MAPPING_ID, mapping);
	pb_u64(&e->message, LOCATION_ADDRESS, f->kind == PH_FRAME_NONE ? 0 : l->address);
	for (bool more = true; more; i++) {
		more = goes_on(p, i);
		pb_u64(&e->inner, LINE_FUNCTION_ID, (uint64_t)p->locs.v[i].func + 1);
		pb_u64(&e->inner, LINE_LINE, p->locs.v[i].line);
		pb_message(&e->message, LOCATION_LINE, &e->inner);
	}
	pb_message(&e->out, PROFILE_LOCATION, &e->message);
}

/* Names are as they are to be read; without a system name, which C++ has, nobody takes them for what is to be made readable. */
static void add_functions(struct encoder *e)
{
	const struct ph_profile *p = e->x->p;
	ph_autofree const char **source = ph_alloc((p->funcs.n + 1) * sizeof(*source));
	ph_autofree bool *used = ph_alloc(p->funcs.n + 1);
	bool inner = false;

	for (uint32_t i = 1; i < p->locs.n; i++) {
		const struct ph_loc *l = &p->locs.v[i];

		if (e->used[i])
			add_location(e, i);
		if (!e->used[i] && !inner)
			continue;
		inner = goes_on(p, i);
		used[l->func] = true;
		if (!source[l->func] && l->source[0])
			source[l->func] = l->source;
	}
	for (size_t i = 0; i < p->funcs.n; i++) {
		uint64_t name = string(e, p->funcs.v[i].name), file = string(e, source[i]);

		if (!used[i])
			continue;
		pb_u64(&e->message, FUNCTION_ID, i + 1);
		pb_u64(&e->message, FUNCTION_NAME, name);
		pb_u64(&e->message, FUNCTION_FILENAME, file);
		pb_message(&e->out, PROFILE_FUNCTION, &e->message);
	}
}

static void label(struct encoder *e, const char *key, const char *text, int64_t number)
{
	uint64_t k = string(e, key), s = string(e, text);

	if (!s && !number)
		return;
	pb_u64(&e->inner, LABEL_KEY, k);
	pb_u64(&e->inner, LABEL_STR, s);
	pb_u64(&e->inner, LABEL_NUM, s ? 0 : (uint64_t)number);
	pb_message(&e->message, SAMPLE_LABEL, &e->inner);
}

static void add_sample(struct encoder *e, const struct ph_profile_row *row, ph_locv *locs)
{
	const struct ph_profile *p = e->x->p;
	const struct ph_actor *a = &p->actors.v[row->actor];
	const struct ph_container *c = ph_identity_container(p->id, a->container);
	ph_autobuf values = { 0 };

	ph_profile_stack(p, row, e->x->groups, locs);
	for (size_t i = locs->n; i-- > 0; ) {
		uint32_t innermost = locs->v[i];

		e->used[innermost] = true;
		pb_varint(&values, innermost);
		for (uint32_t loc = innermost; i > 0 && goes_on(p, loc) && locs->v[i - 1] == loc + 1; loc++)
			i--;
	}
	pb_message(&e->message, SAMPLE_LOCATION_ID, &values);
	pb_varint(&values, row->count);
	pb_varint(&values, row->weight);
	pb_message(&e->message, SAMPLE_VALUE, &values);
	label(e, "container", a->container == PH_CONTAINER_HOST ? NULL : ph_container_label(p->id, a->container), 0);
	label(e, "pod", c ? c->pod : NULL, 0);
	label(e, "image", c ? c->image : NULL, 0);
	label(e, "comm", a->comm, 0);
	label(e, "pid", NULL, a->pid);
	label(e, "tid", NULL, a->tid);
	label(e, "reason", row->reason ? ph_profile_func(p, row->reason)->name : NULL, 0);
	pb_message(&e->out, PROFILE_SAMPLE, &e->message);
}

static int compress_to(struct ph_buf *out, const struct ph_buf *in, struct ph_err *err)
{
	z_stream z = { .next_in = (unsigned char *)in->p, .avail_in = (unsigned int)in->len };
	size_t bound;
	int r;

	if (in->len > UINT32_MAX / 2)
		return ph_err_set(err, -EFBIG, "the profile is too large for pprof: choose fewer containers, or a shorter range");
	/* 16: with the head of gzip. */
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return ph_err_set(err, -ENOMEM, "zlib: no memory");
	bound = deflateBound(&z, in->len) + 64;
	ph_buf_reserve(out, bound);
	z.next_out = (unsigned char *)out->p + out->len;
	z.avail_out = (unsigned int)bound;
	r = deflate(&z, Z_FINISH);
	out->len += z.total_out;
	deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : ph_err_set(err, -EIO, "zlib: deflate: %d", r);
}

int ph_export_pprof(const struct ph_export *x, struct ph_buf *out, struct ph_err *err)
{
	struct encoder e = { .x = x, .used = ph_alloc(x->p->locs.n + 1) };
	ph_locv locs = { 0 };
	int r;

	add_head(&e);
	ph_vec_each(row, &x->p->rows)
		add_sample(&e, row, &locs);
	add_mappings(&e);
	add_functions(&e);
	r = compress_to(out, &e.out, err);
	ph_vec_done(&locs);
	ph_strmap_done(&e.strings);
	ph_strmap_done(&e.kernel);
	ph_buf_done(&e.out);
	ph_buf_done(&e.message);
	ph_buf_done(&e.inner);
	free(e.used);
	return r;
}
