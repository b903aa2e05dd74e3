/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Java (HotSpot): where it has what, and the names of its methods, from the memory of a process. */
#include "unwind/interp_priv.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define TEXT 40u
/* Each version has some hundred. */
#define ENTRIES_MAX 4096
#define AT_ONCE 64

/* VMStructEntry, VMTypeEntry. */
struct field_entry {
	uint64_t type, field, kind;
	int32_t is_static, pad;
	uint64_t offset, address;
};
struct type_entry {
	uint64_t type, super;
	int32_t is[4];
	uint64_t size;
};

/* Of several with the same meaning, as versions have it, the one that is there counts. */
static const struct {
	const char *type, *field;
	size_t to;	/* in struct ph_java */
} fields[] = {
#define F(type, field, to) { type, field, offsetof(struct ph_java, to) }
	F("GrowableArrayBase", "_len", list_n), F("GenericGrowableArray", "_len", list_n), F("GrowableArray<int>", "_data", list_v),
	F("CodeBlob", "_name", blob_name), F("CodeBlob", "_frame_size", blob_frame),
	F("CodeBlob", "_frame_complete_offset", blob_complete), F("CodeBlob", "_code_begin", blob_code),
	F("CompiledMethod", "_method", blob_method), F("nmethod", "_method", blob_method), F("Method", "_constMethod", method_const),
	F("ConstMethod", "_constants", const_pool), F("ConstMethod", "_name_index", const_name), F("ConstantPool", "_pool_holder", pool_class),
	F("Klass", "_name", class_name), F("Symbol", "_length", symbol_n), F("Symbol", "_body", symbol_bytes),
	F("CodeHeap", "_log2_segment_size", heap_log2),
#undef F
};
/* So many of these, and where code begins, each version has. */
#define FIELDS 15

struct reading {
	const struct ph_interp_mem *m;
	struct ph_java java;
	uint16_t memory, segmap, low, high;
	uint64_t list;
	unsigned int found;
};

static bool is_text(const struct reading *r, uint64_t addr, const char *text)
{
	char s[TEXT];
	size_t n = strlen(text) + 1;

	return n <= sizeof(s) && r->m->read(r->m->ctx, addr, s, n) && !memcmp(s, text, n);
}

static bool is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

/* What stands before the end of a page cannot be read beyond it. */
static void text_at(const struct ph_interp_mem *m, uint64_t addr, char ret[TEXT])
{
	size_t n = 4096 - addr % 4096 < TEXT - 1 ? 4096 - addr % 4096 : TEXT - 1;

	memset(ret, 0, TEXT);
	if (addr && m->read(m->ctx, addr, ret, n) && n < TEXT - 1 && !memchr(ret, 0, n))
		m->read(m->ctx, addr + n, ret + n, TEXT - 1 - n);
}

static void take_field(struct reading *r, const struct field_entry *e)
{
	static const char *const types[] = { "CodeCache", "CodeHeap", "VirtualSpace", "GrowableArrayBase", "GenericGrowableArray", "GrowableArray<int>",
					     "CodeBlob", "CompiledMethod", "nmethod", "Method", "ConstMethod", "ConstantPool", "Klass", "Symbol" };
	char type[TEXT], field[TEXT];
	bool asked = false;

	text_at(r->m, e->type, type);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !asked; i++)
		asked = is(type, types[i]);
	if (!asked)
		return;
	text_at(r->m, e->field, field);
	if (e->is_static) {
		if (is(type, "CodeCache") && (is(field, "_heaps") || is(field, "_heap"))) {
			r->list = e->address;
			r->java.one_heap = is(field, "_heap");
		}
		return;
	}
	if (e->offset > 4096)
		return;
	if (is(type, "CodeHeap") && is(field, "_memory"))
		r->memory = (uint16_t)e->offset;
	else if (is(type, "CodeHeap") && is(field, "_segmap"))
		r->segmap = (uint16_t)e->offset;
	else if (is(type, "VirtualSpace") && is(field, "_low"))
		r->low = (uint16_t)e->offset;
	else if (is(type, "VirtualSpace") && is(field, "_high"))
		r->high = (uint16_t)e->offset;
	else if (is(type, "CodeBlob") && is(field, "_code_offset")) {
		r->java.blob_code = (uint16_t)e->offset;
		r->java.code_is_far = 1;
		r->found++;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint16_t offset = (uint16_t)e->offset;

		if (!is(type, fields[i].type) || !is(field, fields[i].field))
			continue;
		memcpy((char *)&r->java + fields[i].to, &offset, sizeof(offset));
		r->found++;
	}
}

static bool read_fields(struct reading *r, uint64_t at)
{
	struct field_entry v[AT_ONCE];

	for (unsigned int n = 0; n < ENTRIES_MAX; n += AT_ONCE, at += sizeof(v)) {
		/* It ends with one without a name, which may be near the end of what is there. */
		memset(v, 0, sizeof(v));
		if (!r->m->read(r->m->ctx, at, v, sizeof(v)))
			for (size_t i = 0; i < AT_ONCE && r->m->read(r->m->ctx, at + i * sizeof(v[0]), &v[i], sizeof(v[0])) && v[i].type; i++)
				;
		for (size_t i = 0; i < AT_ONCE; i++) {
			if (!v[i].type)
				return true;
			take_field(r, &v[i]);
		}
	}
	return false;
}

static bool read_sizes(struct reading *r, uint64_t at)
{
	struct type_entry e;

	for (unsigned int n = 0; n < ENTRIES_MAX; n++, at += sizeof(e)) {
		if (!r->m->read(r->m->ctx, at, &e, sizeof(e)))
			return false;
		if (!e.type)
			return true;
		if (e.size > 4096)
			continue;
		if (is_text(r, e.type, "HeapBlock"))
			r->java.block_head = (uint16_t)e.size;
		else if (is_text(r, e.type, "ConstantPool"))
			r->java.pool_symbols = (uint16_t)e.size;
	}
	return false;
}

int ph_java_layout(struct ph_interp *in, uint64_t bias, ph_interp_memory memory, void *ctx, uint64_t *ret_list)
{
	const struct ph_interp_mem m = { memory, ctx };
	struct reading r = { .m = &m };
	uint64_t at, types;

	if (!ph_interp_word(&m, bias + in->root, &at) || !ph_interp_word(&m, bias + in->statement, &types) || !read_fields(&r, at) ||
	    !read_sizes(&r, types))
		return -EAGAIN;
	/* All that is asked for, once. What it begins with fills them in. */
	if (!r.list || r.found != FIELDS || !r.high || !r.java.block_head || !r.java.pool_symbols || !r.java.blob_frame || !r.java.symbol_bytes)
		return -EAGAIN;
	r.java.heap_begin = (uint16_t)(r.memory + r.low);
	r.java.heap_end = (uint16_t)(r.memory + r.high);
	r.java.heap_map = (uint16_t)(r.segmap + r.low);
	r.java.known = 1;
	in->java = r.java;
	*ret_list = r.list;
	return 0;
}

static bool add_symbol(const struct ph_interp_mem *m, const struct ph_java *j, uint64_t symbol, bool dots, struct ph_buf *b)
{
	char bytes[PH_INTERP_NAME_BYTES];
	uint16_t n;

	if (!m->read(m->ctx, symbol + j->symbol_n, &n, sizeof(n)) || !n)
		return false;
	if (n > sizeof(bytes))
		n = sizeof(bytes);
	if (!m->read(m->ctx, symbol + j->symbol_bytes, bytes, n))
		return false;
	for (unsigned int i = 0; dots && i < n; i++)
		if (bytes[i] == '/')
			bytes[i] = '.';
	ph_buf_add(b, bytes, n);
	return true;
}

/* "java.util.Formatter.format"; "StubRoutines (1)". @of, @where: ph_java_of(). */
int ph_interp_name_java(const struct ph_interp_mem *m, const struct ph_interp *in, uint64_t of, uint32_t where, struct ph_interp_name *ret)
{
	const struct ph_java *j = &in->java;
	uint64_t constant, pool, holder, symbol;
	char text[TEXT];
	uint16_t index;

	if (where == PH_JAVA_BLOB) {
		if (!ph_interp_word(m, of + j->blob_name, &symbol))
			return -EFAULT;
		text_at(m, symbol, text);
		ph_buf_adds(&ret->name, text);
		return text[0] ? 0 : -EFAULT;
	}
	if (!ph_interp_word(m, of + j->method_const, &constant) || !ph_interp_word(m, constant + j->const_pool, &pool) ||
	    !ph_interp_word(m, pool + j->pool_class, &holder) || !ph_interp_word(m, holder + j->class_name, &symbol) ||
	    !add_symbol(m, j, symbol, true, &ret->name))
		return -EFAULT;
	ph_buf_addc(&ret->name, '.');
	if (!m->read(m->ctx, constant + j->const_name, &index, sizeof(index)) || !ph_interp_word(m, pool + j->pool_symbols + 8ull * index, &symbol) ||
	    !add_symbol(m, j, symbol, false, &ret->name))
		return -EFAULT;
	return 0;
}
