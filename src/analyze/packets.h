/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PACKETS_H
#define PH_ANALYZE_PACKETS_H

#include "source/source.h"

/* Which task sent the packet in whose softirq a task is woken: packets between tasks of one host, across containers. */
struct ph_packets;

struct ph_packets *ph_packets_new(void);
void ph_packets_free(struct ph_packets *k);
/* For every event of the stream. */
void ph_packets_feed(struct ph_packets *k, const struct ph_event *ev);
/* Who sent what woke @tid with the sched_waking of @waking_ns, and when: false where no task of this host did. */
bool ph_packets_woke(const struct ph_packets *k, int32_t tid, uint64_t waking_ns, int32_t *from_tid, uint64_t *from_ns);

#endif
