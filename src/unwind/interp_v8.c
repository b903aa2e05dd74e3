/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of functions of JavaScript, from the memory of a process that runs V8. */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "unwind/interp_file.h"

#define NAME_MAX_BYTES 512u
/* So far into its source a function's line is counted. */
#define SOURCE_MAX (256u * 1024)
#define CHUNK 65536u
/* Strings that stand for others, or are made of two. */
#define DEPTH_MAX 6

struct memory {
	const struct ph_interp *in;
	ph_interp_memory read;
	void *ctx;
	bool moving;	/* an object was none any more, but what points at it still does: its collector is at it */
};

static int word_at(void *ctx, __u64 addr, __u64 *ret)
{
	struct memory *m = ctx;

	return m->read(m->ctx, addr, ret, sizeof(*ret)) ? 0 : -1;
}

static uint64_t type_of(struct memory *m, uint64_t object)
{
	struct ph_v8_scratch v;
	uint64_t type = ph_v8_type(object, &v, word_at, m);

	m->moving |= type == PH_V8_NO_TYPE;
	return type;
}

static bool object_at(struct memory *m, uint64_t addr, uint64_t *ret)
{
	__u64 word;

	if (word_at(m, addr, &word) || !PH_V8_IS_OBJECT(word))
		return false;
	*ret = word;
	return true;
}

/* A small integer. */
static bool int_at(struct memory *m, uint64_t addr, int32_t *ret)
{
	__u64 word;

	if (word_at(m, addr, &word) || (uint32_t)word)
		return false;
	*ret = (int32_t)(word >> 32);
	return true;
}

/* Where a string's characters are. Its kind: 0 here, 1 two others, 2 elsewhere, 3 a part of another, 5 another; 8: one byte each. */
struct text {
	uint64_t at;
	uint32_t n;
	bool wide;
};

static bool find_text(struct memory *m, uint64_t string, struct text *ret)
{
	for (unsigned int depth = 0; depth < DEPTH_MAX; depth++) {
		uint64_t type = type_of(m, string);
		__u64 data;

		if (!PH_V8_IS_OBJECT(string) || type >= 128)
			return false;
		if ((type & 7) == 5) {
			if (!object_at(m, string - 1 + 16, &string))
				return false;
			continue;
		}
		if (!m->read(m->ctx, string - 1 + 12, &ret->n, sizeof(ret->n)))
			return false;
		ret->wide = !(type & 8);
		ret->at = string - 1 + 16;
		if ((type & 7) == 0)
			return true;
		/* A resource of the program's own, and where its data is. */
		if ((type & 7) != 2 || type & 16 || word_at(m, string - 1 + 24, &data))
			return false;
		ret->at = data;
		return true;
	}
	return false;
}

static bool add_text(struct memory *m, uint64_t string, struct ph_buf *b, unsigned int depth)
{
	uint8_t bytes[NAME_MAX_BYTES];
	uint64_t first, second;
	struct text t;
	uint32_t n, c;

	/* "Module" "." "load" */
	if (PH_V8_IS_OBJECT(string) && (type_of(m, string) & ~(uint64_t)0x28) == 1)
		return depth < DEPTH_MAX && b->len < NAME_MAX_BYTES && object_at(m, string - 1 + 16, &first) &&
		       object_at(m, string - 1 + 24, &second) && add_text(m, first, b, depth + 1) && add_text(m, second, b, depth + 1);
	if (!find_text(m, string, &t))
		return false;
	n = t.n < NAME_MAX_BYTES >> t.wide ? t.n : NAME_MAX_BYTES >> t.wide;
	if (!m->read(m->ctx, t.at, bytes, n << t.wide))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		c = t.wide ? bytes[2 * i] | (uint32_t)bytes[2 * i + 1] << 8 : bytes[i];
		if (t.wide && (c & 0xfc00) == 0xd800 && i + 1 < n) {
			uint32_t low = bytes[2 * i + 2] | (uint32_t)bytes[2 * i + 3] << 8;

			if ((low & 0xfc00) == 0xdc00) {
				c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
				i++;
			}
		}
		ph_interp_utf8(b, c);
	}
	return true;
}

/* Lines of a string before its character @position, and one; 0: not known. */
static uint32_t line_of(struct memory *m, uint64_t source, uint32_t position)
{
	static uint8_t chunk[CHUNK];
	uint32_t line = 1;
	struct text t;

	if (!find_text(m, source, &t) || position > t.n || position > SOURCE_MAX)
		return 0;
	for (uint32_t at = 0, n; at < position; at += n) {
		n = position - at < CHUNK / 2 ? position - at : CHUNK / 2;
		if (!m->read(m->ctx, t.at + ((uint64_t)at << t.wide), chunk, n << t.wide))
			return 0;
		for (uint32_t i = 0; i < n; i++)
			line += t.wide ? chunk[2 * i] == '\n' && !chunk[2 * i + 1] : chunk[i] == '\n';
	}
	return line;
}

/*
 * ScopeInfo: flags 8, parameters 16, n context locals 24; then their names, but of 75 and more a table, and a word for each. Bits of
 * the flags say what follows: 10 a class's variable, 12 and 13 the function's name and where its variable is, 14 a name
 * that was inferred. After these come where its source begins and ends.
 */
struct scope {
	uint64_t name, inferred;	/* strings; 0: none */
	int32_t position;		/* -1: not known */
};

static bool read_scope(struct memory *m, uint64_t scope, struct scope *ret)
{
	int32_t flags, locals;
	uint64_t at;

	*ret = (struct scope){ .position = -1 };
	if (!int_at(m, scope - 1 + 8, &flags) || !int_at(m, scope - 1 + 24, &locals) || locals < 0 || locals > 1 << 20)
		return false;
	/* A module's own scope has a word more; code of an empty one has none of all this. */
	if ((flags & 15) == 3)
		return true;
	at = scope - 1 + 32 + 8ull * (uint32_t)(locals < 75 ? 2 * locals : locals + 1);
	if (flags >> 10 & 1)
		at += 8;
	if (flags >> 12 & 3) {
		if (!object_at(m, at, &ret->name))
			ret->name = 0;
		at += 16;
	}
	if (flags >> 14 & 1) {
		if (!object_at(m, at, &ret->inferred))
			ret->inferred = 0;
		at += 8;
	}
	if (!int_at(m, at, &ret->position) || ret->position < 0)
		ret->position = -1;
	return true;
}

/* Is it another object than @was that the word at @addr points at? @was 0: it is not asked. */
static bool moved(struct memory *m, uint64_t addr, uint64_t was)
{
	uint64_t is;

	return was && (!object_at(m, addr, &is) || is != was);
}

int ph_v8_name(const struct ph_interp *in, uint64_t frame, uint64_t shared, ph_interp_memory memory, void *ctx,
	       struct ph_interp_name *ret)
{
	struct memory m = { .in = in, .read = memory, .ctx = ctx };
	uint64_t thread = frame >> (PH_V8_SCRIPT_BITS + PH_V8_FUNCTION_BITS), name, script, file, source = 0;
	struct ph_v8_scratch v = { .shared = shared };
	struct scope scope = { .position = -1 }, now;
	bool in_scope = false;

	ph_buf_clear(&ret->name);
	ph_buf_clear(&ret->file);
	ret->line = 0;
	/* It is what was seen, and not what is in its place by now. */
	if (ph_v8_function(in, thread, &v, word_at, &m) != frame ||
	    !object_at(&m, shared - 1 + PH_V8_OF_SHARED_SCRIPT, &script))
		return -EFAULT;
	if (object_at(&m, shared - 1 + PH_V8_OF_SHARED_NAME, &name)) {
		if (type_of(&m, name) == in->type_scope) {
			in_scope = true;
			if (!read_scope(&m, name, &scope))
				return -EFAULT;
		} else {
			scope.name = name;
		}
	} else {
		name = 0;
	}
	if (scope.name)
		add_text(&m, scope.name, &ret->name, 0);
	if (!ret->name.len && scope.inferred)
		add_text(&m, scope.inferred, &ret->name, 0);
	if (object_at(&m, script - 1 + PH_V8_OF_SCRIPT_NAME, &file))
		add_text(&m, file, &ret->file, 0);
	else
		file = 0;
	if (scope.position >= 0 && object_at(&m, script - 1 + PH_V8_OF_SCRIPT_SOURCE, &source))
		ret->line = line_of(&m, source, (uint32_t)scope.position);
	else
		source = 0;
	if (!ret->name.len) {
		ph_buf_adds(&ret->name, "(anonymous)");
		if (ret->file.len)
			ph_buf_addf(&ret->name, " %s", ph_basename(ret->file.p));
		if (ret->file.len && ret->line)
			ph_buf_addf(&ret->name, ":%u", ret->line);
	}
	/* The collector moves what is read here: what was read before it did is what it was. */
	if (m.moving || ph_v8_function(in, thread, &v, word_at, &m) != frame ||
	    moved(&m, shared - 1 + PH_V8_OF_SHARED_NAME, name) || moved(&m, shared - 1 + PH_V8_OF_SHARED_SCRIPT, script) ||
	    moved(&m, script - 1 + PH_V8_OF_SCRIPT_NAME, file) || moved(&m, script - 1 + PH_V8_OF_SCRIPT_SOURCE, source) ||
	    (in_scope && (!read_scope(&m, name, &now) || now.name != scope.name || now.inferred != scope.inferred ||
			  now.position != scope.position)))
		return -EAGAIN;
	return 0;
}
