/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running kernel's buffers, imitated: one stream in order, whatever the CPUs do. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/priv.h"

#define CPUS 3
#define SECRET 0x5eca11edu

struct kernel {
	struct ph_collect c;
	struct ph_ring_ctl ctl[CPUS];
	uint64_t lost_seen[CPUS], heads[CPUS], generation;
	struct ph_source *s;
};

static int setup(void **state)
{
	struct kernel *k = ph_alloc(sizeof(*k));

	k->c.ncpus = CPUS;
	k->c.cfg.chunks = 1;
	k->c.cfg.secret = SECRET;
	k->c.rings_bytes = (size_t)CPUS * PH_CHUNK_BYTES;
	k->c.rings = mmap(NULL, k->c.rings_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(k->c.rings, MAP_FAILED);
	k->c.ctl = k->ctl;
	k->c.lost_seen = k->lost_seen;
	k->c.heads = k->heads;
	k->c.begun_ns = 50;
	memset(k->c.events, true, sizeof(k->c.events));
	ph_ctable_init(&k->c.ct, NULL, false, -1, -1, -1, NULL, &k->generation);
	ph_decoder_init(&k->c.dec, &k->c.ct, 0);
	k->s = ph_live_new(&k->c);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kernel *k = *state;

	ph_source_close(k->s);
	ph_misses_done(&k->c.misses);
	ph_vec_done(&k->c.links);
	ph_decoder_done(&k->c.dec);
	ph_ctable_done(&k->c.ct);
	munmap(k->c.rings, k->c.rings_bytes);
	free(k);
	return 0;
}

/* ---- what the kernel side does (bpf/lib/ring.bpf.h) ------------------------------------------- */

/* A sched_process_free of @tid: comm, tid, prio. */
#define SIZE ((uint32_t)((sizeof(struct ph_rec) + 16 + 4 + 4 + 7) & ~7u))

static struct ph_rec *at(struct kernel *k, unsigned int cpu, uint64_t pos)
{
	return (void *)(k->c.rings + cpu * (size_t)PH_CHUNK_BYTES + pos % PH_CHUNK);
}

static uint64_t reserve(struct kernel *k, unsigned int cpu, uint64_t ts, int32_t tid)
{
	uint64_t pos = k->ctl[cpu].head;
	struct ph_rec *r = at(k, cpu, pos);
	char *payload = (char *)(r + 1);
	int32_t numbers[] = { tid, 120 };

	k->ctl[cpu].head += SIZE;
	r->ts_ns = ts;
	r->container = PH_CONTAINER_HOST;
	r->tid = tid;
	r->pid = tid;
	memcpy(payload, "comm\0\0\0\0\0\0\0\0\0\0\0", 16);
	memcpy(payload + 16, numbers, sizeof(numbers));
	return pos;
}

static void commit(struct kernel *k, unsigned int cpu, uint64_t pos, uint32_t id)
{
	at(k, cpu, pos)->commit = PH_COMMIT(pos, SECRET, SIZE, id);
}

static void happens(struct kernel *k, unsigned int cpu, uint64_t ts, int32_t tid)
{
	commit(k, cpu, reserve(k, cpu, ts, tid), PH_EV_sched_process_free);
}

/* ---- what is handed out --------------------------------------------------------------------------- */

static int next(struct kernel *k, struct ph_event **ev)
{
	struct ph_err err = { 0 };

	return ph_source_next(k->s, ev, &err);
}

static void comes(struct kernel *k, unsigned int cpu, uint64_t ts, int32_t tid)
{
	struct ph_event *ev;

	assert_int_equal(next(k, &ev), 1);
	assert_int_equal(ev->ts_ns, ts);
	assert_int_equal(ev->cpu, cpu);
	assert_int_equal(ph_event_i(ev, PH_FLD(sched_process_free, tid), 0), tid);
}

static void nothing_comes(struct kernel *k)
{
	struct ph_event *ev;

	assert_int_equal(next(k, &ev), -EAGAIN);
}

static void stop(struct kernel *k)
{
	struct ph_err err = { 0 };

	assert_int_equal(ph_live_stop(k->s, &err), 0);
}

static void one_order_over_all_cpus(void **state)
{
	struct kernel *k = *state;
	struct ph_event *ev;

	nothing_comes(k);
	happens(k, 2, 100, 1);
	happens(k, 0, 200, 2);
	happens(k, 0, 300, 4);
	commit(k, 1, reserve(k, 1, 150, 99), 0);	/* padding */
	happens(k, 1, 300, 5);
	happens(k, 2, 250, 3);
	comes(k, 2, 100, 1);
	comes(k, 0, 200, 2);
	happens(k, 2, 270, 6);				/* for the next round */
	comes(k, 2, 250, 3);
	comes(k, 0, 300, 4);
	comes(k, 1, 300, 5);
	nothing_comes(k);
	for (int i = 0; i < 2; i++)
		assert_int_equal(k->ctl[i].tail, k->ctl[i].head);
	/* It was late; the order stays. */
	comes(k, 2, 300, 6);
	nothing_comes(k);
	stop(k);
	happens(k, 0, 400, 7);
	comes(k, 0, 400, 7);
	assert_int_equal(next(k, &ev), 0);
	assert_int_equal(next(k, &ev), 0);
	assert_int_equal(k->s->end_ns, 400);
}

static void the_last_moments_wait(void **state)
{
	uint64_t now = ph_now_ns();
	struct kernel *k = *state;

	happens(k, 0, now, 1);
	happens(k, 0, now + PH_NSEC, 3);
	happens(k, 1, now + PH_NSEC / 2, 2);
	nothing_comes(k);
	usleep(20000);
	comes(k, 0, now, 1);
	nothing_comes(k);
	stop(k);
	comes(k, 1, now + PH_NSEC / 2, 2);
	comes(k, 0, now + PH_NSEC, 3);
}

static void a_record_that_is_owed_keeps_others_back(void **state)
{
	struct kernel *k = *state;
	uint64_t owed;

	happens(k, 0, 100, 1);
	owed = reserve(k, 0, 200, 2);
	happens(k, 0, 210, 3);
	happens(k, 1, 100, 4);
	happens(k, 1, 150, 5);
	comes(k, 0, 100, 1);
	comes(k, 1, 100, 4);
	nothing_comes(k);
	nothing_comes(k);
	commit(k, 0, owed, PH_EV_sched_process_free);
	comes(k, 1, 150, 5);
	comes(k, 0, 200, 2);
	comes(k, 0, 210, 3);
	nothing_comes(k);
}

static void but_not_forever(void **state)
{
	struct kernel *k = *state;
	uint64_t owed;

	owed = reserve(k, 0, 200, 1);
	happens(k, 1, 250, 2);
	nothing_comes(k);
	usleep(80000);
	comes(k, 1, 250, 2);
	nothing_comes(k);
	commit(k, 0, owed, PH_EV_sched_process_free);
	comes(k, 0, 250, 1);		/* not before what was handed out */
	/* Nor does it keep the end from coming. */
	reserve(k, 0, 300, 3);
	happens(k, 1, 310, 4);
	stop(k);
	comes(k, 1, 310, 4);
	assert_int_equal(next(k, &(struct ph_event *){ NULL }), 0);
}

static void what_was_given_back_is_not_owed(void **state)
{
	struct kernel *k = *state;
	uint64_t pos;

	happens(k, 0, 90, 1);
	pos = reserve(k, 0, 150, 9);
	happens(k, 1, 100, 2);
	happens(k, 1, 300, 3);
	comes(k, 0, 90, 1);		/* the round has seen the head with what is begun */
	k->ctl[0].head = pos;
	comes(k, 1, 100, 2);
	comes(k, 1, 300, 3);
	nothing_comes(k);
}

/* As at the beginning of a busy machine's recording, and once more when it ends. */
static void what_was_copied_comes_first(void **state)
{
	struct kernel *k = *state;
	struct ph_event *ev;

	for (int i = 0; i < 2; i++) {
		happens(k, 0, 100 + i * 100, 1);
		commit(k, 0, reserve(k, 0, 105 + i * 100, 99), 0);
		happens(k, 0, 110 + i * 100, 2);
		happens(k, 1, 120 + i * 100, 3);
		ph_live_spill(k->s);
		assert_int_equal(k->ctl[0].tail, k->ctl[0].head);
		happens(k, 0, 130 + i * 100, 4);
		if (i)
			stop(k);
		comes(k, 0, 100 + i * 100, 1);
		comes(k, 0, 110 + i * 100, 2);
		comes(k, 1, 120 + i * 100, 3);
		comes(k, 0, 130 + i * 100, 4);
		if (!i)
			nothing_comes(k);
	}
	assert_int_equal(next(k, &ev), 0);
}

static void a_loss_stands_where_it_may_have_begun(void **state)
{
	struct kernel *k = *state;
	struct ph_event *ev;
	uint64_t began;

	happens(k, 1, 100, 1);
	comes(k, 1, 100, 1);
	nothing_comes(k);
	began = ph_now_ns();
	usleep(1000);
	k->ctl[1].lost = 7;
	happens(k, 0, ph_now_ns(), 2);
	usleep(10000);
	assert_int_equal(next(k, &ev), 1);
	assert_int_equal(ev->cls->id, PH_EV_events_discarded);
	assert_int_equal(ev->cpu, 1);
	assert_int_equal(ph_event_u(ev, PH_FLD(events_discarded, count), 0), 7);
	assert_int_equal(ph_event_i(ev, PH_FLD(events_discarded, gap_cpu), 0), 1);
	assert_true(ph_event_u(ev, PH_FLD(events_discarded, begin_ns), 0) <= began);
	assert_true(ph_event_u(ev, PH_FLD(events_discarded, begin_ns), 0) == ev->ts_ns);
	assert_true(ph_event_u(ev, PH_FLD(events_discarded, end_ns), 0) > began + 10000000);
	assert_int_equal(next(k, &ev), 1);
	assert_int_equal(ev->cls->id, PH_EV_sched_process_free);
	nothing_comes(k);
	nothing_comes(k);
}

static uint64_t misses_of[2];
static int readings;

static int misses_are(int fd, uint64_t *ret)
{
	readings++;
	*ret = misses_of[fd];
	return fd ? -ENODATA : 0;
}

/* What the kernel called no program for: told once, of no CPU; where it does not say how many, of none. */
static void what_was_missed_is_of_no_cpu(void **state)
{
	struct kernel *k = *state;
	struct ph_misses *m = &k->c.misses;
	struct ph_collect_stats st;
	uint64_t begun = ph_now_ns(), none = 0;
	struct ph_event *ev;

	m->read = misses_are;
	k->c.control_lost = &none;
	ph_misses_add(m, "kfree_skb", 0);
	ph_misses_add(m, "block_rq_issue", 1);
	ph_misses_begin(m, begun);
	/* Not at each round. */
	misses_of[0] = misses_of[1] = 3;
	*ph_vec_push(&k->c.links) = NULL;
	nothing_comes(k);
	assert_int_equal(readings, 0);
	/* A second later. */
	m->read_ns = begun -= PH_NSEC;
	assert_int_equal(next(k, &ev), 1);
	assert_int_equal(ev->cls->id, PH_EV_events_discarded);
	assert_int_equal(ev->cpu, PH_CPU_UNKNOWN);
	assert_int_equal(ph_event_u(ev, PH_FLD(events_discarded, count), 0), 3);
	assert_int_equal(ph_event_i(ev, PH_FLD(events_discarded, gap_cpu), 0), -1);
	assert_int_equal(ph_event_u(ev, PH_FLD(events_discarded, begin_ns), 0), begun);
	assert_true(ph_event_u(ev, PH_FLD(events_discarded, end_ns), 0) >= begun + PH_NSEC);
	nothing_comes(k);
	nothing_comes(k);
	assert_int_equal(readings, 2);
	/* At the end, however soon. */
	misses_of[0] = 5;
	k->c.links.n = 0;
	stop(k);
	assert_int_equal(next(k, &ev), 1);
	assert_int_equal(ph_event_u(ev, PH_FLD(events_discarded, count), 0), 2);
	assert_int_equal(next(k, &ev), 0);
	ph_collect_stats(&k->c, &st);
	assert_int_equal(st.lost, 0);
	assert_int_equal(st.nmissed, 5);
	assert_string_equal(st.missed[0].program, "kfree_skb");
	assert_int_equal(st.missed[0].n, 5);
	assert_int_equal(st.missed[1].n, 0);
	assert_null(st.missed[2].program);
}

static void what_is_said_of_a_container_comes_first(void **state)
{
	struct kernel *k = *state;
	const struct ph_container web = { .index = 5, .name = (char *)"web", .id = (char *)"0123" };
	struct ph_err err = { 0 };
	struct ph_event *ev;

	nothing_comes(k);
	happens(k, 0, 100, 1);
	happens(k, 0, 200, 2);
	assert_int_equal(ph_ctable_emit_info(&web, 200, k->c.state, k->c.state_arg, &err), 0);
	assert_int_equal(ph_ctable_emit_info(&web, 150, k->c.state, k->c.state_arg, &err), 0);
	comes(k, 0, 100, 1);
	for (uint64_t ts = 150; ts <= 200; ts += 50) {
		const struct ph_value *name;

		assert_int_equal(next(k, &ev), 1);
		assert_int_equal(ev->cls->id, PH_EV_container_info);
		assert_int_equal(ev->ts_ns, ts);
		name = ph_event_field(ev, PH_FLD(container_info, name));
		assert_int_equal(name->n, 3);
		assert_memory_equal(name->s, "web", 3);
	}
	comes(k, 0, 200, 2);
	nothing_comes(k);
	/* What is left when it is closed is freed. */
	assert_int_equal(ph_ctable_emit_info(&web, 400, k->c.state, k->c.state_arg, &err), 0);
}

/* Many laps, with room given back on the way. */
static void around_and_around(void **state)
{
	struct kernel *k = *state;
	uint64_t ts = 1000;
	int32_t tid = 1;

	for (int round = 0; round < 400; round++) {
		for (int i = 0; i < 1000; i++)
			happens(k, (unsigned int)(i * 7 + round) % CPUS, ts + (uint64_t)i, tid + i);
		for (int i = 0; i < 1000; i++)
			comes(k, (unsigned int)(i * 7 + round) % CPUS, ts + (uint64_t)i, tid + i);
		nothing_comes(k);
		ts += 1000;
		tid += 1000;
	}
	assert_true(k->ctl[0].head > 2 * PH_CHUNK);
	for (int i = 0; i < CPUS; i++)
		assert_int_equal(k->ctl[i].tail, k->ctl[i].head);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(one_order_over_all_cpus), CASE(the_last_moments_wait),
		CASE(a_record_that_is_owed_keeps_others_back), CASE(but_not_forever),
		CASE(what_was_given_back_is_not_owed), CASE(what_was_copied_comes_first),
		CASE(a_loss_stands_where_it_may_have_begun), CASE(what_was_missed_is_of_no_cpu),
		CASE(what_is_said_of_a_container_comes_first), CASE(around_and_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
