/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/jit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unwind/bytes.h"

/* Large programs have a hundred thousand functions; a map of that is 10 MB. A dump has the code, too, which is not read. */
#define CODES_MAX 1000000
#define MAP_MAX (64u << 20)
#define NAME_MAX_LEN 1024
#define CHUNK (1u << 16)

static void add(struct ph_jit *j, uint64_t addr, uint64_t size, const char *name, size_t n)
{
	struct ph_jitcode *c;

	if (!size || addr + size < addr || j->codes.n == CODES_MAX)
		return;
	c = ph_vec_push(&j->codes);
	c->addr = addr;
	c->size = size;
	c->name = ph_strndup(name, n < NAME_MAX_LEN ? n : NAME_MAX_LEN);
	j->sorted = false;
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
			add(j, addr, size, at, (size_t)(nl - at));
	}
	/* A line that has no end within a chunk is none. */
	return p == begin && n >= CHUNK ? n : (size_t)(p - begin);
}

enum { JIT_CODE_LOAD, JIT_CODE_MOVE };
#define JITDUMP_MAGIC 0x4a695444u

static void move(struct ph_jit *j, uint64_t from, uint64_t to, uint64_t size)
{
	/* It was told of lately, mostly. */
	for (size_t i = j->codes.n; i-- && j->codes.n - i < 4096; ) {
		struct ph_jitcode *c = &j->codes.v[i];

		if (c->addr == from) {
			add(j, to, size, c->name, strlen(c->name));
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
		uint64_t addr, code_size, to;
		size_t left;

		ph_bytes_skip(&b, 8);
		/* The file's own header begins otherwise: magic, version, its size. */
		if (begin == p && id == JITDUMP_MAGIC)
			size = (uint32_t)(begin[8] | begin[9] << 8 | begin[10] << 16 | (uint32_t)begin[11] << 24);
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
				add(j, addr, code_size, (const char *)b.p, (size_t)(end - b.p));
		} else if (id == JIT_CODE_MOVE && size >= 64) {
			ph_bytes_skip(&b, 16);
			addr = ph_bytes_uint(&b, 8);
			to = ph_bytes_uint(&b, 8);
			code_size = ph_bytes_uint(&b, 8);
			if (!b.bad)
				move(j, addr, to, code_size);
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
	ph_symtab_done(&j->symtab);
	j->sorted = false;
	j->at = 0;
}

void ph_jit_read(struct ph_jit *j, int fd)
{
	static char chunk[CHUNK];
	struct stat st;

	if (fstat(fd, &st))
		return;
	if ((uint64_t)st.st_size < j->at && j->at != UINT64_MAX)
		clear(j);
	while (j->codes.n < CODES_MAX && j->at < (uint64_t)st.st_size &&
	       (j->kind == PH_JIT_DUMP || j->at < MAP_MAX)) {
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
		j->at = skip == UINT64_MAX ? UINT64_MAX : j->at + took + skip;
	}
}

const struct ph_symtab *ph_jit_symtab(struct ph_jit *j)
{
	if (!j->sorted) {
		uint32_t told = 0;

		ph_symtab_done(&j->symtab);
		j->symtab.newest = true;
		ph_vec_each(c, &j->codes)
			*ph_vec_push(&j->symtab.syms) = (struct ph_sym){ c->addr, c->addr + c->size, c->name, ++told, true };
		ph_symtab_sort(&j->symtab);
		j->sorted = true;
	}
	return &j->symtab;
}

void ph_jit_done(struct ph_jit *j)
{
	clear(j);
}
