/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: tables and mappings, where the kernel side's walks find them (bpf/record.h). */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/stacks.h"

#define ALIGN(n) (((n) + 31) & ~31ull)
/* A walk takes some ten microseconds; its CPU may be taken away from the machine meanwhile. */
#define GRACE_NS (PH_NSEC / 2)

void ph_store_init(struct ph_store *s, int outer_fd, uint64_t most_bytes)
{
	uint64_t most = most_bytes / PH_STORE_CHUNK;

	*s = (struct ph_store){ .outer_fd = outer_fd };
	s->most = most < 1 ? 1 : most > PH_STORE_CHUNKS ? PH_STORE_CHUNKS : (uint32_t)most;
}

void ph_store_done(struct ph_store *s)
{
	for (uint32_t i = 0; i < s->nchunks; i++)
		munmap(s->chunk[i], PH_STORE_CHUNK);
	s->nchunks = 0;
	ph_vec_done(&s->free);
	ph_vec_done(&s->given_back);
}

static void *new_chunk(int outer_fd, uint32_t at)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	void *p = MAP_FAILED;
	int fd;

	if (outer_fd < 0) {
		p = mmap(NULL, PH_STORE_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "porthole_chunk", sizeof(uint32_t), PH_STORE_CHUNK, 1, &opts);
	if (fd < 0)
		return NULL;
	p = mmap(NULL, PH_STORE_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED && bpf_map_update_elem(outer_fd, &at, &fd, BPF_ANY)) {
		munmap(p, PH_STORE_CHUNK);
		p = MAP_FAILED;
	}
	close(fd);	/* the outer map and the mapping keep it */
	return p == MAP_FAILED ? NULL : p;
}

/* Put an extent among the free ones, which are sorted, together with its neighbours of the same chunk. */
static void put_free(struct ph_store *s, uint64_t pos, uint64_t n)
{
	struct ph_store_extent *e;
	size_t i = s->free.n;

	ph_vec_push(&s->free);
	e = s->free.v;
	while (i && e[i - 1].pos > pos) {
		e[i] = e[i - 1];
		i--;
	}
	e[i] = (struct ph_store_extent){ .pos = pos, .n = n };
	if (i + 1 < s->free.n && pos + n == e[i + 1].pos && e[i + 1].pos % PH_STORE_CHUNK) {
		e[i].n += e[i + 1].n;
		memmove(&e[i + 1], &e[i + 2], (s->free.n - i - 2) * sizeof(*e));
		s->free.n--;
	}
	if (i && e[i - 1].pos + e[i - 1].n == pos && pos % PH_STORE_CHUNK) {
		e[i - 1].n += e[i].n;
		memmove(&e[i], &e[i + 1], (s->free.n - i - 1) * sizeof(*e));
		s->free.n--;
	}
}

static void reclaim(struct ph_store *s, uint64_t now_ns)
{
	size_t n = 0;

	while (n < s->given_back.n && now_ns - s->given_back.v[n].since_ns >= GRACE_NS) {
		put_free(s, s->given_back.v[n].pos, s->given_back.v[n].n);
		n++;
	}
	if (!n)
		return;
	s->given_back.n -= n;
	memmove(s->given_back.v, s->given_back.v + n, s->given_back.n * sizeof(*s->given_back.v));
}

int ph_store_alloc(struct ph_store *s, uint64_t n, uint64_t *ret)
{
	n = ALIGN(n ? n : 1);
	if (n > PH_STORE_CHUNK)
		return -E2BIG;
	if (s->given_back.n)
		reclaim(s, ph_now_ns());
	for (;;) {
		ph_vec_each(e, &s->free) {
			if (e->n < n)
				continue;
			*ret = e->pos;
			e->pos += n;
			e->n -= n;
			if (!e->n) {
				memmove(e, e + 1, (size_t)(s->free.v + s->free.n - e - 1) * sizeof(*e));
				s->free.n--;
			}
			s->used += n;
			memset(ph_store_at(s, *ret), 0, n);
			return 0;
		}
		if (s->nchunks == s->most)
			return -ENOSPC;
		s->chunk[s->nchunks] = new_chunk(s->outer_fd, s->nchunks);
		if (!s->chunk[s->nchunks])
			return -ENOSPC;
		put_free(s, (uint64_t)s->nchunks++ * PH_STORE_CHUNK, PH_STORE_CHUNK);
	}
}

void ph_store_free(struct ph_store *s, uint64_t pos, uint64_t n, uint64_t now_ns)
{
	n = ALIGN(n ? n : 1);
	s->used -= n;
	*ph_vec_push(&s->given_back) = (struct ph_store_extent){ pos, n, now_ns };
}

void *ph_store_at(const struct ph_store *s, uint64_t pos)
{
	return s->chunk[pos / PH_STORE_CHUNK] + pos % PH_STORE_CHUNK;
}

/* ---- tables ---------------------------------------------------------------------------------------- */

/* The word of struct pt_regs that DWARF's register is in. */
static uint32_t register_word(enum ph_unwind_arch arch, int32_t reg)
{
	static const uint8_t x86_64[17] = { 10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16 };

	if (arch == PH_UNWIND_ARM64)
		return reg >= 0 && reg <= 31 ? (uint32_t)reg : UINT16_MAX;
	return reg >= 0 && reg < 17 ? x86_64[reg] : UINT16_MAX;
}

/* The rows of pages [@from, @to), which are searched one page at a time, in one piece of the store. */
static int put_rows(struct ph_store *s, const struct ph_unwind_table *t, uint32_t from, uint32_t to, size_t n,
		    struct ph_store_page *pages, struct ph_stored_table *ret)
{
	struct ph_unwind_row *row;
	uint64_t pos;
	int r = ph_store_alloc(s, n * sizeof(*row), &pos);

	if (r < 0)
		return r;
	*ph_vec_push(&ret->rows) = (struct ph_store_extent){ .pos = pos, .n = n * sizeof(*row) };
	row = ph_store_at(s, pos);
	for (uint32_t p = from; p < to; p++) {
		uint32_t i = t->pages[p], end = t->pages[p + 1];

		pages[p].first = (uint32_t)(pos / sizeof(*row));
		if (i == end || t->rows[i].pc)
			row[pages[p].n++] = (struct ph_unwind_row){ 0, i ? t->rows[i - 1].rule : PH_RULE_NONE };
		while (i < end)
			row[pages[p].n++] = t->rows[i++];
		pos += pages[p].n * sizeof(*row);
		row += pages[p].n;
	}
	return 0;
}

/* Whole pages as long as they fill no more than this together; a page alone may be longer, up to 256 KiB. */
#define PIECE_ROWS 16384

int ph_store_table(struct ph_store *s, const struct ph_unwind_table *t, struct ph_stored_table *ret)
{
	struct ph_store_page *pages;
	union ph_store_rule *rules;
	uint32_t from = 0;
	uint64_t pos;
	size_t n = 0;
	int r;

	*ret = (struct ph_stored_table){ 0 };
	ret->pages_n = t->npages * sizeof(*pages);
	ret->rules_n = t->nrules * sizeof(*rules);
	r = ph_store_alloc(s, ret->pages_n, &pos);
	if (r < 0) {
		ret->pages_n = ret->rules_n = 0;
		return r;
	}
	ret->t.pages = pos;
	r = ph_store_alloc(s, ret->rules_n, &pos);
	ret->t.rules = pos;
	if (r < 0) {
		ret->rules_n = 0;
		ph_store_table_free(s, ret, 0);
		return r;
	}
	pages = ph_store_at(s, ret->t.pages);
	rules = ph_store_at(s, ret->t.rules);
	for (uint32_t i = 0; i < t->nrules; i++) {
		rules[i].rule = t->rules[i];
		if (rules[i].rule.cfa == PH_CFA_REGISTER)
			rules[i].rule.cfa_add = (int16_t)register_word(t->arch, rules[i].rule.cfa_add);
	}
	for (uint32_t p = 0; p <= t->npages && r >= 0; p++) {
		size_t rows = p < t->npages ? t->pages[p + 1] - t->pages[p] + 1 : 0;

		if (p > from && (p == t->npages || n + rows > PIECE_ROWS)) {
			r = put_rows(s, t, from, p, n, pages, ret);
			from = p;
			n = 0;
		}
		n += rows;
	}
	if (r < 0) {
		ph_store_table_free(s, ret, 0);
		return r;
	}
	ret->t.base = t->base;
	ret->t.npages = t->npages;
	ret->t.nrules = t->nrules;
	ret->t.state = PH_TABLE_RULES;
	ret->bytes = ret->pages_n + ret->rules_n;
	ph_vec_each(e, &ret->rows)
		ret->bytes += e->n;
	return 0;
}

void ph_store_table_free(struct ph_store *s, struct ph_stored_table *t, uint64_t now_ns)
{
	if (t->pages_n)
		ph_store_free(s, t->t.pages, t->pages_n, now_ns);
	if (t->rules_n)
		ph_store_free(s, t->t.rules, t->rules_n, now_ns);
	ph_vec_each(e, &t->rows)
		ph_store_free(s, e->pos, e->n, now_ns);
	ph_vec_done(&t->rows);
	*t = (struct ph_stored_table){ 0 };
}

uint32_t ph_store_find(const struct ph_store *s, const struct ph_store_table *t, uint64_t vaddr)
{
	uint64_t at = vaddr - t->base, page = at >> PH_UNWIND_PAGE_BITS;
	const struct ph_unwind_row *row;
	const struct ph_store_page *pg;
	uint32_t lo = 0, n;

	if (vaddr < t->base || page >= t->npages)
		return PH_RULE_NONE;
	pg = (const struct ph_store_page *)ph_store_at(s, t->pages) + page;
	row = ph_store_at(s, (uint64_t)pg->first * sizeof(*row));
	for (n = pg->n; n > 1; ) {
		uint32_t half = n / 2;

		if (row[lo + half].pc <= (at & (PH_UNWIND_PAGE - 1)))
			lo += half;
		n -= half;
	}
	return row[lo].rule;
}
