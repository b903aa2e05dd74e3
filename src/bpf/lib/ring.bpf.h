/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BPF_RING_BPF_H
#define PH_BPF_RING_BPF_H

#include "kernel.bpf.h"
#include "../record.h"

/*
 * The way of an event into user space: per-CPU buffers in a memory-mapped array.
 *
 * An interrupt's probe may nest in another's at any instruction, and since v6.19 a tracing program
 * may be preempted, so room is reserved by compare-and-exchange on the CPU's own head. The time is
 * taken between reading the head and moving it: when the exchange succeeds, nobody came between,
 * and times in a buffer never go back. Records that are reserved are committed in any order; the
 * reader stops at the first that is not. Nobody is woken: the reader looks at intervals.
 */

/* In a section of its own: user space writes it before loading. */
const volatile struct ph_config cfg SEC(".rodata.config") = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* ncpus * chunks, set before loading */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__uint(value_size, PH_CHUNK_BYTES);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* ncpus */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct ph_ring_ctl);
} ring_ctl SEC(".maps");

/* An open reservation. */
struct slot {
	struct ph_ring_ctl *ctl;
	u64 pos;
	u32 size;
};

#define ALIGN8(n) (((n) + 7u) & ~7u)

/*
 * Reserve @size bytes (a multiple of 8, at most PH_REC_MAX) and stamp the time. NULL: no room, and
 * the loss is counted. To be followed by ring_commit().
 */
static __always_inline struct ph_rec *ring_reserve(struct slot *s, u32 size)
{
	u32 cpu = bpf_get_smp_processor_id(), key;
	struct ph_ring_ctl *ctl = bpf_map_lookup_elem(&ring_ctl, &cpu);
	u64 head = 0, ts = 0;
	bool got = false;
	struct ph_rec *rec;
	u8 *chunk;

	if (!ctl)
		return NULL;
#pragma unroll
	for (int i = 0; i < 4 && !got; i++) {
		head = READ_ONCE(ctl->head);
		ts = bpf_ktime_get_ns();
		if (ph_ring_full(head, READ_ONCE(ctl->tail), size, (u64)cfg.chunks * PH_CHUNK))
			break;
		got = __sync_val_compare_and_swap(&ctl->head, head, head + size) == head;
	}
	if (!got)
		goto lost;
	key = cpu * cfg.chunks + ((head / PH_CHUNK) & (cfg.chunks - 1));
	chunk = bpf_map_lookup_elem(&rings, &key);
	if (!chunk)
		goto lost;
	rec = (struct ph_rec *)(chunk + (head & (PH_CHUNK - 8)));
	rec->ts_ns = ts;
	s->ctl = ctl;
	s->pos = head;
	s->size = size;
	return rec;
lost:
	__sync_fetch_and_add(&ctl->lost, 1);
	return NULL;
}

/*
 * Publish the record as event @id with @size bytes (at most what was reserved). What is left over
 * is given back unless somebody nested has reserved behind it; then it stays as padding.
 */
static __always_inline void ring_commit(struct slot *s, struct ph_rec *rec, u32 id, u32 size)
{
	u64 word;

	size = ALIGN8(size);
	if (size < s->size &&
	    __sync_val_compare_and_swap(&s->ctl->head, s->pos + s->size, s->pos + size) ==
		    s->pos + s->size)
		s->size = size;
	word = PH_COMMIT(s->pos, cfg.secret, s->size, id);
#if defined(__TARGET_ARCH_x86)
	/* Stores are not reordered on x86; the compiler must not either. */
	asm volatile("" ::: "memory");
	WRITE_ONCE(rec->commit, word);
#else
	__sync_lock_test_and_set(&rec->commit, word);
#endif
}

/* Give the reservation back unused. */
static __always_inline void ring_discard(struct slot *s, struct ph_rec *rec)
{
	if (__sync_val_compare_and_swap(&s->ctl->head, s->pos + s->size, s->pos) !=
	    s->pos + s->size)
		ring_commit(s, rec, 0, s->size);
}

#endif
