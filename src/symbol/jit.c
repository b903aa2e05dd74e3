/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/jit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unwind/bytes.h"

/*
 * Large programs have a hundred thousand functions; a map of that is 10 MB. A dump has the code, too, which is not read. Of those that
 * compile again and again for weeks, the newest are kept: what is older has mostly lost its place to these.
 */
#define CODES_MAX 1000000
#define MAP_MAX (64u << 20)
#define NAME_MAX_LEN 1024
#define CHUNK (1u << 16)
/* Code that overlaps other code; more only where somebody wants to take time. */
#define BACK_MAX 1024

static void unsort(struct ph_jit *j)
{
	free(j->order);
	free(j->reach);
	j->order = NULL;
	j->reach = NULL;
}

static void forget_oldest(struct ph_jit *j)
{
	size_t n = j->codes.n / 4;

	for (size_t i = 0; i < n; i++)
		free(j->codes.v[i].name);
	j->codes.n -= n;
	memmove(j->codes.v, j->codes.v + n, j->codes.n * sizeof(*j->codes.v));
}

static void add(struct ph_jit *j, uint64_t addr, uint64_t size, uint64_t since_ns, const char *name, size_t n)
{
	struct ph_jitcode *c;

	if (!size || addr + size < addr)
		return;
	if (j->codes.n == CODES_MAX)
		forget_oldest(j);
	c = ph_vec_push(&j->codes);
	c->addr = addr;
	c->size = size;
	c->since_ns = j->timeless ? 0 : since_ns;
	c->name = ph_strndup(name, n < NAME_MAX_LEN ? n : NAME_MAX_LEN);
	unsort(j);
}

/* A hexadecimal number and a blank; NULL: something else. */
static const char *hex(const char *p, const char *end, uint64_t *ret)
{
	const char *begin;

	*ret = 0;
	if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	for (begin = p; p < end && p - begin < 17; p++) {
		unsigned int c = (unsigned char)*p;

		if (c == ' ' && p > begin)
			return p + 1;
		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			c = (c | 32) - 'a' + 10;
		else
			return NULL;
		*ret = *ret << 4 | c;
	}
	return NULL;
}

size_t ph_jit_lines(struct ph_jit *j, const char *p, size_t n)
{
	const char *begin = p, *end = p + n, *nl;

	for (; (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		uint64_t addr, size;
		const char *at = hex(p, nl, &addr);

		at = at ? hex(at, nl, &size) : NULL;
		/* What is no such line may be half of one that was being written. */
		if (at && at < nl)
			add(j, addr, size, 0, at, (size_t)(nl - at));
	}
	/* A line that has no end within a chunk is none. */
	return p == begin && n >= CHUNK ? n : (size_t)(p - begin);
}

enum { JIT_CODE_LOAD, JIT_CODE_MOVE };
#define JITDUMP_MAGIC 0x4a695444u
/* Of the header's flags: times are the processor's. */
#define JITDUMP_ARCH_TIMESTAMP 1

static void move(struct ph_jit *j, uint64_t from, uint64_t to, uint64_t size, uint64_t since_ns)
{
	/* It was told of lately, mostly. */
	for (size_t i = j->codes.n; i-- && j->codes.n - i < 4096; ) {
		struct ph_jitcode *c = &j->codes.v[i];

		if (c->addr == from) {
			add(j, to, size, since_ns, c->name, strlen(c->name));
			return;
		}
	}
}

size_t ph_jit_records(struct ph_jit *j, const uint8_t *p, size_t n, uint64_t *skip)
{
	struct ph_bytes b = { p, p + n, false };

	*skip = 0;
	while (ph_bytes_left(&b) >= 16) {
		const uint8_t *begin = b.p;
		uint32_t id = (uint32_t)ph_bytes_uint(&b, 4), size = (uint32_t)ph_bytes_uint(&b, 4);
		uint64_t addr, code_size, to, ts_ns = ph_bytes_uint(&b, 8);
		size_t left;

		/* The file's own header begins otherwise: magic, version, its size; at 32 its flags. */
		if (begin == p && id == JITDUMP_MAGIC) {
			size = (uint32_t)ts_ns;
			j->timeless = p + 40 <= b.end && begin[32] & JITDUMP_ARCH_TIMESTAMP;
		}
		left = (size_t)(p + n - begin);
		if (size < 16) {
			/* Nothing can be found behind it. */
			*skip = UINT64_MAX;
			return (size_t)(begin - p);
		}
		/*
		 * The end of a shorter chunk is the file's: the rest is being written. A name is within a chunk, unless that
		 * began too late for it.
		 */
		if (left < size && (n < CHUNK || (left < CHUNK / 2 && begin != p)))
			return (size_t)(begin - p);
		if (id == JIT_CODE_LOAD && size >= 56) {
			const uint8_t *end, *last;

			ph_bytes_skip(&b, 16);
			addr = ph_bytes_uint(&b, 8);
			code_size = ph_bytes_uint(&b, 8);
			ph_bytes_skip(&b, 8);
			last = left < size ? b.end : begin + size;
			end = b.p < last ? memchr(b.p, 0, (size_t)(last - b.p)) : NULL;
			if (!b.bad && end && end > b.p)
				add(j, addr, code_size, ts_ns, (const char *)b.p, (size_t)(end - b.p));
		} else if (id == JIT_CODE_MOVE && size >= 64) {
			ph_bytes_skip(&b, 16);
			addr = ph_bytes_uint(&b, 8);
			to = ph_bytes_uint(&b, 8);
			code_size = ph_bytes_uint(&b, 8);
			if (!b.bad)
				move(j, addr, to, code_size, ts_ns);
		}
		if (left < size) {
			*skip = size - left;
			return n;
		}
		b.p = begin + size;
	}
	return (size_t)(b.p - p);
}

static void clear(struct ph_jit *j)
{
	ph_vec_each(c, &j->codes)
		free(c->name);
	ph_vec_done(&j->codes);
	unsort(j);
	j->at = 0;
	j->head.n = j->tail.n = 0;
}

/* The last of @n bytes that are at @at of the file. */
static void mark(struct ph_jitmark *m, const char *p, size_t n, uint64_t at)
{
	m->n = n < sizeof(m->bytes) ? (uint8_t)n : sizeof(m->bytes);
	m->at = at + n - m->n;
	memcpy(m->bytes, p + n - m->n, m->n);
}

static bool is_there(const struct ph_jitmark *m, int fd)
{
	uint8_t now[sizeof(m->bytes)];

	return !m->n || (pread(fd, now, m->n, (off_t)m->at) == m->n && !memcmp(now, m->bytes, m->n));
}

/* Where the first line begins behind @at; the end, where there is none. */
static uint64_t next_line(int fd, uint64_t at, char chunk[CHUNK])
{
	const char *nl = NULL;
	ssize_t n;

	while (!nl && (n = pread(fd, chunk, CHUNK, (off_t)at)) > 0) {
		nl = memchr(chunk, '\n', (size_t)n);
		at += nl ? (uint64_t)(nl + 1 - chunk) : (uint64_t)n;
	}
	return at;
}

void ph_jit_read(struct ph_jit *j, int fd)
{
	static char chunk[CHUNK];
	struct stat st;

	if (fstat(fd, &st))
		return;
	if (((uint64_t)st.st_size < j->at && j->at != UINT64_MAX) || !is_there(&j->head, fd) || !is_there(&j->tail, fd))
		clear(j);
	if (j->kind == PH_JIT_PERF_MAP && (uint64_t)st.st_size > j->at + MAP_MAX)
		j->at = next_line(fd, (uint64_t)st.st_size - MAP_MAX, chunk);
	while (j->at < (uint64_t)st.st_size) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), (off_t)j->at);
		uint64_t skip = 0;
		size_t took;

		if (n <= 0)
			return;
		took = j->kind == PH_JIT_DUMP ? ph_jit_records(j, (uint8_t *)chunk, (size_t)n, &skip) :
						ph_jit_lines(j, chunk, (size_t)n);
		/* The rest is being written. */
		if (!took && !skip)
			return;
		if (!j->head.n)
			mark(&j->head, chunk, took < sizeof(j->head.bytes) ? took : sizeof(j->head.bytes), j->at);
		if (took)
			mark(&j->tail, chunk, took, j->at);
		j->at = skip == UINT64_MAX ? UINT64_MAX : j->at + took + skip;
	}
}

static int by_address(const void *va, const void *vb, void *codes)
{
	uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;
	const struct ph_jitcode *c = codes;

	if (c[a].addr != c[b].addr)
		return c[a].addr < c[b].addr ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void sort(struct ph_jit *j)
{
	size_t n = j->codes.n;

	j->order = ph_alloc((n + 1) * sizeof(*j->order));
	j->reach = ph_alloc((n + 1) * sizeof(*j->reach));
	for (size_t i = 0; i < n; i++)
		j->order[i] = (uint32_t)i;
	qsort_r(j->order, n, sizeof(*j->order), by_address, j->codes.v);
	for (size_t i = 0; i < n; i++) {
		uint64_t end = j->codes.v[j->order[i]].addr + j->codes.v[j->order[i]].size;

		j->reach[i] = i && j->reach[i - 1] > end ? j->reach[i - 1] : end;
	}
}

size_t ph_jit_find(struct ph_jit *j, uint64_t addr, const struct ph_jitcode *ret[PH_JIT_VERSIONS])
{
	size_t lo, n = 0, max = j->kind == PH_JIT_DUMP && !j->timeless ? PH_JIT_VERSIONS : 1;

	if (!j->order)
		sort(j);
	lo = ph_before(i, j->order, j->codes.n, j->codes.v[*i].addr <= addr);
	for (size_t back = 0; lo && back < BACK_MAX && j->reach[lo - 1] > addr; back++) {
		const struct ph_jitcode *c = &j->codes.v[j->order[--lo]];
		size_t at = n;

		if (addr - c->addr >= c->size)
			continue;
		/* In the order in which they were told. */
		while (at && ret[at - 1] < c)
			at--;
		if (at == max)
			continue;
		n += n < max;
		memmove(&ret[at + 1], &ret[at], (n - 1 - at) * sizeof(*ret));
		ret[at] = c;
	}
	return n;
}

void ph_jit_done(struct ph_jit *j)
{
	clear(j);
}
