/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/vec.h"

void ph_strv_done(ph_strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i]);
	ph_vec_done(v);
}

/* The finaliser of MurmurHash3: every bit of the key reaches every bit of the slot index. */
static uint64_t mix(uint64_t k)
{
	k ^= k >> 33;
	k *= 0xff51afd7ed558ccdULL;
	k ^= k >> 33;
	k *= 0xc4ceb9fe1a85ec53ULL;
	return k ^ k >> 33;
}

/* Never 0. */
static uint64_t hash_str(const char *s)
{
	return mix(ph_hash(PH_HASH_INIT, s, strlen(s))) | 1;
}

static struct ph_u64map_slot *u64_find(const struct ph_u64map *m, uint64_t key)
{
	size_t i = mix(key) & m->mask;

	while (m->slot[i].val && m->slot[i].key != key)
		i = (i + 1) & m->mask;
	return &m->slot[i];
}

void *ph_u64map_get(const struct ph_u64map *m, uint64_t key)
{
	return m->slot ? u64_find(m, key)->val : NULL;
}

static void u64_grow(struct ph_u64map *m)
{
	struct ph_u64map old = *m;
	size_t cap = old.slot ? (old.mask + 1) * 2 : 16;

	m->slot = ph_alloc(cap * sizeof(*m->slot));
	m->mask = cap - 1;
	for (size_t i = 0; old.slot && i <= old.mask; i++)
		if (old.slot[i].val)
			*u64_find(m, old.slot[i].key) = old.slot[i];
	free(old.slot);
}

void *ph_u64map_put(struct ph_u64map *m, uint64_t key, void *val)
{
	struct ph_u64map_slot *s;
	void *former;

	if (!m->slot || m->n * 4 >= (m->mask + 1) * 3)
		u64_grow(m);
	s = u64_find(m, key);
	former = s->val;
	if (!former)
		m->n++;
	s->key = key;
	s->val = val;
	return former;
}

void *ph_u64map_del(struct ph_u64map *m, uint64_t key)
{
	struct ph_u64map_slot *s;
	size_t hole, i;
	void *former;

	if (!m->slot)
		return NULL;
	s = u64_find(m, key);
	former = s->val;
	if (!former)
		return NULL;
	hole = (size_t)(s - m->slot);
	for (i = (hole + 1) & m->mask; m->slot[i].val; i = (i + 1) & m->mask) {
		size_t home = mix(m->slot[i].key) & m->mask;

		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->slot[hole] = m->slot[i];
			hole = i;
		}
	}
	m->slot[hole].val = NULL;
	m->n--;
	return former;
}

void ph_u64map_done(struct ph_u64map *m)
{
	free(m->slot);
	*m = (struct ph_u64map){ 0 };
}

struct ph_u64map_slot *ph_u64map_next(const struct ph_u64map *m, struct ph_u64map_slot *s)
{
	for (size_t i = s ? (size_t)(s - m->slot) + 1 : 0; m->slot && i <= m->mask; i++)
		if (m->slot[i].val)
			return &m->slot[i];
	return NULL;
}

static struct ph_strmap_slot *str_find(const struct ph_strmap *m, const char *key, uint64_t hash)
{
	size_t i = hash & m->mask;

	while (m->slot[i].key && (m->slot[i].hash != hash || strcmp(m->slot[i].key, key)))
		i = (i + 1) & m->mask;
	return &m->slot[i];
}

void *ph_strmap_get(const struct ph_strmap *m, const char *key)
{
	return m->slot ? str_find(m, key, hash_str(key))->val : NULL;
}

void *ph_strmap_put(struct ph_strmap *m, const char *key, void *val)
{
	uint64_t hash = hash_str(key);
	struct ph_strmap_slot *s;
	void *former;

	if (!m->slot || m->n * 4 >= (m->mask + 1) * 3) {
		struct ph_strmap old = *m;
		size_t cap = old.slot ? (old.mask + 1) * 2 : 16;

		m->slot = ph_alloc(cap * sizeof(*m->slot));
		m->mask = cap - 1;
		for (size_t i = 0; old.slot && i <= old.mask; i++)
			if (old.slot[i].key)
				*str_find(m, old.slot[i].key, old.slot[i].hash) = old.slot[i];
		free(old.slot);
	}
	s = str_find(m, key, hash);
	former = s->val;
	if (!s->key) {
		s->key = ph_strdup(key);
		s->hash = hash;
		m->n++;
	}
	s->val = val;
	return former;
}

void *ph_strmap_del(struct ph_strmap *m, const char *key)
{
	struct ph_strmap_slot *s;
	size_t hole, i;
	void *former;

	if (!m->slot)
		return NULL;
	s = str_find(m, key, hash_str(key));
	if (!s->key)
		return NULL;
	former = s->val;
	free(s->key);
	hole = (size_t)(s - m->slot);
	for (i = (hole + 1) & m->mask; m->slot[i].key; i = (i + 1) & m->mask) {
		size_t home = m->slot[i].hash & m->mask;

		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->slot[hole] = m->slot[i];
			hole = i;
		}
	}
	m->slot[hole] = (struct ph_strmap_slot){ 0 };
	m->n--;
	return former;
}

void ph_strmap_done(struct ph_strmap *m)
{
	for (size_t i = 0; m->slot && i <= m->mask; i++)
		free(m->slot[i].key);
	free(m->slot);
	*m = (struct ph_strmap){ 0 };
}

struct ph_strmap_slot *ph_strmap_next(const struct ph_strmap *m, struct ph_strmap_slot *s)
{
	for (size_t i = s ? (size_t)(s - m->slot) + 1 : 0; m->slot && i <= m->mask; i++)
		if (m->slot[i].key)
			return &m->slot[i];
	return NULL;
}
