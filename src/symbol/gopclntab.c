/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/gopclntab.h"

#include "base/buf.h"
#include "unwind/bytes.h"

#define FUNCS_MAX (1u << 22)

enum go { GO_NOT, GO_1_2, GO_1_16, GO_1_18 };

static enum go version_of(uint32_t magic)
{
	switch (magic) {
	case 0xfffffffb:
		return GO_1_2;
	case 0xfffffffa:
		return GO_1_16;
	case 0xfffffff0:	/* 1.18 */
	case 0xfffffff1:	/* 1.20 */
		return GO_1_18;
	}
	return GO_NOT;
}

static uint64_t at(const uint8_t *p, size_t n, uint64_t offset, unsigned int size)
{
	uint64_t v = 0;

	if (offset <= n && size <= n - offset)
		memcpy(&v, p + offset, size);
	return v;
}

/* The name at @offset; NULL: there is none. */
static const char *string(const uint8_t *p, size_t n, uint64_t offset)
{
	if (offset >= n || !memchr(p + offset, 0, n - offset) || !p[offset])
		return NULL;
	return (const char *)p + offset;
}

/*
 * Pairs of a function's address and where, from the same place on, its record is; a last address behind them all. From 1.18 on
 * these are 32 bits, counted from the code's beginning; before, addresses. A record begins with the address, then the name.
 */
size_t ph_gopclntab_add(struct ph_symtab *t, const uint8_t *p, size_t n, uint64_t text)
{
	enum go go = n >= 16 ? version_of((uint32_t)at(p, n, 0, 4)) : GO_NOT;
	uint64_t nfunc, names = 0, funcs, base = 0, added = 0;
	unsigned int word = go == GO_1_18 ? 4 : 8;

	/* Pointers of 8 bytes. */
	if (!go || p[4] || p[5] || p[7] != 8)
		return 0;
	nfunc = at(p, n, 8, 8);
	if (go == GO_1_18) {
		base = at(p, n, 24, 8);
		/* Filled in when it is loaded, or not at all. */
		base = base ? base : text;
		names = at(p, n, 32, 8);
		funcs = at(p, n, 64, 8);
	} else if (go == GO_1_16) {
		names = at(p, n, 24, 8);
		funcs = at(p, n, 56, 8);
	} else {
		funcs = 16;
	}
	if (nfunc > FUNCS_MAX || funcs > n || names > n || nfunc * 2 * word > n - funcs)
		return 0;
	for (uint64_t i = 0; i < nfunc; i++) {
		uint64_t pair = funcs + i * 2 * word, begin = at(p, n, pair, word), end = at(p, n, pair + 2 * word, word);
		uint64_t record = at(p, n, pair + word, word) + (go == GO_1_2 ? 0 : funcs);
		const char *name;

		if (record > n || end <= begin)
			continue;
		name = string(p, n, names + at(p, n, record + word, 4));
		if (!name)
			continue;
		ph_symtab_add(t, base + begin, end - begin, name);
		added++;
	}
	return added;
}

bool ph_gopclntab_registers(const uint8_t *p, size_t n)
{
	return version_of((uint32_t)at(p, n, 0, 4)) == GO_1_18;
}
