/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_MAP_H
#define PH_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Hash maps with open addressing. Zero-initialise, ph_xmap_done() frees the table (not the values).
 * Deleting keeps the table compact (backward shift), so a map that churns does not slow down.
 */
struct ph_u64map {
	struct ph_u64map_slot { uint64_t key; void *val; } *slot;	/* val NULL: empty */
	size_t n, mask;
};

void *ph_u64map_get(const struct ph_u64map *m, uint64_t key);
/* Set (val must not be NULL); returns the former value or NULL. */
void *ph_u64map_put(struct ph_u64map *m, uint64_t key, void *val);
void *ph_u64map_del(struct ph_u64map *m, uint64_t key);
void ph_u64map_done(struct ph_u64map *m);

/* Keys are copied. */
struct ph_strmap {
	struct ph_strmap_slot { char *key; void *val; uint64_t hash; } *slot;
	size_t n, mask;
};

void *ph_strmap_get(const struct ph_strmap *m, const char *key);
void *ph_strmap_put(struct ph_strmap *m, const char *key, void *val);
void *ph_strmap_del(struct ph_strmap *m, const char *key);
void ph_strmap_done(struct ph_strmap *m);

/* for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s)); ) — do not change m inside. */
struct ph_u64map_slot *ph_u64map_next(const struct ph_u64map *m, struct ph_u64map_slot *s);
struct ph_strmap_slot *ph_strmap_next(const struct ph_strmap *m, struct ph_strmap_slot *s);

/* FNV-1a over @n bytes: for a key made of several things, the first on PH_HASH_INIT, each on what the last gave. */
#define PH_HASH_INIT 0xcbf29ce484222325ULL
static inline uint64_t ph_hash(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	return h;
}

#endif
