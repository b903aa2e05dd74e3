/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of which it is known, by hand or by what the kernel does, how long they take. */
#include "test.h"

#include <stdlib.h>

#include "analyze/sim.h"
#include "base/cleanup.h"

#define MS 1000000ULL
#define POINTS 16

struct world {
	struct ph_program *p;
	struct ph_sim_group groups[4];
	struct ph_sim_point points[POINTS];
	struct ph_sim_setup s;
	struct ph_sim_result res;
};

/* Groups 1 and 2 are below the root, 3 below 2. Ticks and periods begin with the simulation. */
static struct world world_new(uint32_t ncpus)
{
	struct world w = { 0 };
	struct ph_err err = { 0 };

	assert_int_equal(ph_program_new(&w.p, &err), 0);
	for (int i = 0; i < 4; i++)
		w.groups[i] = (struct ph_sim_group){ .parent = i == 0 ? -1 : i == 3 ? 2 : 0, .weight = PH_SIM_WEIGHT, .quota_ns = -1, .period_ns = 100 * MS };
	w.s = (struct ph_sim_setup){ .program = w.p, .ngroups = 4, .ncpus = ncpus, .begin_ns = 1000 * MS, .tick_ns = 4 * MS, .tick_at_ns = 1000 * MS };
	return w;
}

/* What @tid does next, in ms. */
static void add(struct world *w, int32_t tid, enum ph_op_kind kind, uint64_t ms, struct ph_op more)
{
	uint32_t task = ph_program_task(w->p, tid);
	const struct ph_program_task *t = ph_program_nth(w->p, task);

	more.kind = (uint8_t)kind;
	more.begin_ns = t->active ? t->end_ns : 1000 * MS;
	more.end_ns = more.begin_ns + ms * MS;
	ph_program_add(w->p, task, &more);
}

#define RUN(tid, ms, in) add(&w, tid, PH_OP_RUN, ms, (struct ph_op){ .group = in })
#define SLEEP(tid, ms) add(&w, tid, PH_OP_SLEEP, ms, (struct ph_op){ 0 })
#define WAIT(tid, ms, for_tid, until_ms) \
	add(&w, tid, PH_OP_WAIT, ms, (struct ph_op){ .from = ph_program_task(w.p, for_tid), .from_ns = (1000 + (until_ms)) * MS })

/* When each task's program was done, us after the beginning; by index. */
static void ends(struct world *w, const uint64_t *want_us, size_t n)
{
	w->s.groups = w->groups;
	w->s.points = w->points;
	w->s.npoints = n;
	assert_int_equal(n, ph_program_ntasks(w->p));
	for (uint32_t i = 0; i < n; i++)
		w->points[i] = (struct ph_sim_point){ .task = i, .pos_ns = ph_program_nth(w->p, i)->end_ns };
	ph_sim_run(&w->s, &w->res);
	for (size_t i = 0; i < n; i++) {
		uint64_t us = (w->points[i].at_ns - 1000 * MS) / 1000;

		if (us != want_us[i])
			print_message("task %zu: %lu us, not %lu\n", i, us, want_us[i]);
		assert_int_equal(us, want_us[i]);
	}
}

#define ENDS(...) ends(&w, (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void done(struct world *w)
{
	free(w->res.groups);
	ph_program_free(w->p);
}

static void test_alone(void **state)
{
	struct world w = world_new(1);

	RUN(7, 10, 1);
	SLEEP(7, 5);
	RUN(7, 3, 1);
	ENDS(18000);
	assert_int_equal(w.res.groups[1].cpu_ns, 13 * MS);
	assert_int_equal(w.res.groups[0].cpu_ns, 13 * MS);
	done(&w);
}

/* 8 goes on when 7 has come to 4 ms of what it did, wherever that is in time; a wake-up that was there already is no wait. */
static void test_waits(void **state)
{
	struct world w = world_new(2);

	SLEEP(7, 2);
	RUN(7, 10, 1);
	RUN(8, 1, 1);
	WAIT(8, 3, 7, 4);
	RUN(8, 1, 1);
	RUN(9, 9, 1);
	WAIT(9, 1, 8, 1);
	RUN(9, 1, 1);
	/* 9 shares a CPU with others, which are two on two CPUs most of the time. */
	w.s.ncpus = 3;
	ENDS(12000, 5000, 10000);
	done(&w);

	/* On one CPU, no slice shorter than all: 7 sleeps, 8 runs; 7 comes and runs to its end; 8 waits for that. */
	w = world_new(1);
	w.s.slice_ns = 1000 * MS;
	SLEEP(7, 2);
	RUN(7, 10, 1);
	RUN(8, 1, 1);
	WAIT(8, 3, 7, 4);
	RUN(8, 1, 1);
	ENDS(12000, 13000);
	done(&w);
}

/* Disks may be of other speeds, waits for tasks not; a time on the clock stays where it is. */
static void test_sleeps(void **state)
{
	struct world w = world_new(2);

	add(&w, 7, PH_OP_SLEEP, 8, (struct ph_op){ .wait = PH_WAIT_DISK });
	RUN(7, 1, 1);
	add(&w, 7, PH_OP_UNTIL, 11, (struct ph_op){ 0 });
	RUN(7, 1, 1);
	add(&w, 7, PH_OP_UNTIL, 1, (struct ph_op){ 0 });
	ENDS(22000);
	free(w.res.groups);
	w.s.scale[PH_WAIT_DISK] = -0.5;
	ENDS(22000);
	free(w.res.groups);
	/* Late: the first time is over when it comes, the second as well. */
	w.s.scale[PH_WAIT_DISK] = 2;
	ENDS(26000);
	done(&w);
}

/*
 * 20 ms of 100, in takes of 5 ms, counted each 4 ms. The CPU takes 5, at 8 ms it owes 3 and takes 8, at 16 ms it owes 3 again and
 * gets the last 7; at 20 ms there is nothing left. So it goes on until 420 ms, in four more periods.
 */
static void test_limit(void **state)
{
	struct world w = world_new(1);

	w.groups[1].quota_ns = 20 * MS;
	RUN(7, 100, 1);
	ENDS(420000);
	assert_int_equal(w.res.groups[1].throttled_periods, 4);
	assert_int_equal(w.res.groups[1].throttled_ns, 320 * MS);
	assert_int_equal(w.res.groups[1].cpu_ns, 100 * MS);
	done(&w);

	/* 10 ms: takes 5, at 8 ms owes 3, gets 5; at 12 ms owes 2. The next period pays that, so each has 8 ms or 12. */
	w = world_new(1);
	w.groups[1].quota_ns = 10 * MS;
	RUN(7, 40, 1);
	ENDS(308000);
	done(&w);
}

/* Four CPUs use 52 ms in the first 16 ms: what they owe then is paid by the next period. */
static void test_limit_of_many(void **state)
{
	struct world w = world_new(4);

	w.groups[1].quota_ns = 40 * MS;
	SLEEP(6, 50);
	for (int32_t tid = 7; tid < 11; tid++)
		RUN(tid, 1000, 1);
	w.s.groups = w.groups;
	w.s.points = w.points;
	w.s.npoints = 1;
	w.points[0] = (struct ph_sim_point){ .task = 0, .pos_ns = 1050 * MS };
	ph_sim_run(&w.s, &w.res);
	assert_int_equal(w.res.groups[1].cpu_ns, 52 * MS);
	assert_int_equal(w.res.groups[1].throttled_ns, (50 - 8 + 50 - 12 + 50 - 16 + 50 - 16) * MS);
	free(w.res.groups);
	SLEEP(6, 450);
	w.points[0].pos_ns = 1500 * MS;
	ph_sim_run(&w.s, &w.res);
	assert_int_equal(w.res.groups[1].throttled_periods, 4);
	assert_in_range(w.res.groups[1].cpu_ns, 200 * MS, 216 * MS);
	done(&w);
}

/* The limit of a group holds for those below it, and the lower of two is what counts. */
static void test_nested(void **state)
{
	struct world w = world_new(2);

	w.groups[2].quota_ns = 20 * MS;
	RUN(7, 100, 3);
	ENDS(420000);
	assert_int_equal(w.res.groups[2].throttled_periods, 4);
	assert_int_equal(w.res.groups[3].throttled_periods, 0);
	assert_int_equal(w.res.groups[3].cpu_ns, 100 * MS);
	free(w.res.groups);
	w.groups[3].quota_ns = 10 * MS;
	ENDS(908000);
	assert_int_equal(w.res.groups[2].throttled_periods, 0);
	done(&w);
}

/* What was not used may be used later, but for the burst at most. */
static void test_burst(void **state)
{
	struct world w = world_new(1);

	w.groups[1].quota_ns = 20 * MS;
	RUN(7, 4, 1);
	SLEEP(7, 96);
	RUN(7, 32, 1);
	ENDS(208000);
	free(w.res.groups);
	w.groups[1].burst_ns = 20 * MS;
	ENDS(132000);
	done(&w);
}

/* A CPU that has nothing to do gives back all but a millisecond, and five later another one has it. */
static void test_slack(void **state)
{
	struct world w = world_new(2);

	w.s.bandwidth_slice_ns = 10 * MS;
	w.groups[1].quota_ns = 40 * MS;
	/* One takes 30 in three, the other 10 of which it needs 1. */
	RUN(7, 36, 1);
	SLEEP(8, 29);
	RUN(8, 1, 1);
	ENDS(36000, 30000);
	done(&w);
}

/* Two of the same weight share, a group of double weight has double; two tasks in a group have together what one has. */
static void test_weights(void **state)
{
	struct world w = world_new(1);

	w.s.slice_ns = 1 * MS;
	RUN(7, 200, 1);
	RUN(8, 200, 2);
	w.groups[1].weight = 2 * PH_SIM_WEIGHT;
	w.s.groups = w.groups;
	w.s.points = w.points;
	w.s.npoints = 2;
	w.points[0] = (struct ph_sim_point){ .task = 0, .pos_ns = 1200 * MS };
	w.points[1] = (struct ph_sim_point){ .task = 1, .pos_ns = 1100 * MS };
	ph_sim_run(&w.s, &w.res);
	assert_in_range(w.points[0].at_ns, 1292 * MS, 1308 * MS);
	assert_in_range(w.points[1].at_ns, 1292 * MS, 1308 * MS);
	done(&w);

	w = world_new(1);
	w.s.slice_ns = 1 * MS;
	RUN(7, 200, 1);
	RUN(8, 100, 2);
	RUN(9, 100, 2);
	w.s.groups = w.groups;
	w.s.points = w.points;
	w.s.npoints = 3;
	for (uint32_t i = 0; i < 3; i++)
		w.points[i] = (struct ph_sim_point){ .task = i, .pos_ns = (i ? 1050 : 1100) * MS };
	ph_sim_run(&w.s, &w.res);
	for (int i = 0; i < 3; i++)
		assert_in_range(w.points[i].at_ns, 1188 * MS, 1212 * MS);
	done(&w);
}

/* Three programs on two CPUs take as long as one and a half; confined to one CPU as long as all. */
static void test_cpus(void **state)
{
	struct world w = world_new(2);

	for (int32_t tid = 7; tid < 11; tid++)
		RUN(tid, 100, 1);
	w.s.groups = w.groups;
	ph_sim_run(&w.s, &w.res);
	assert_int_equal(w.res.end_ns, 1200 * MS);
	free(w.res.groups);
	w.groups[1].confined = true;
	ph_sim_cpu_add(&w.groups[1].cpus, 1);
	ph_sim_run(&w.s, &w.res);
	assert_int_equal(w.res.end_ns, 1400 * MS);
	done(&w);
}

/* Since 6.18 who is in the kernel is not taken off its CPU there. */
static void test_kernel(void **state)
{
	struct world w = world_new(1);

	w.groups[1].quota_ns = 20 * MS;
	add(&w, 7, PH_OP_RUN, 50, (struct ph_op){ .group = 1, .flags = PH_OP_KERNEL });
	RUN(7, 1, 1);
	ENDS(211000);
	free(w.res.groups);
	w.s.kernel_runs_on = true;
	ENDS(51000);
	done(&w);
}

/* One that is first has its CPU at once, and the other goes on behind it. */
static void test_first(void **state)
{
	struct world w = world_new(2);

	RUN(7, 20, 1);
	SLEEP(8, 5);
	RUN(8, 10, 1);
	RUN(9, 20, 1);
	ph_program_nth(w.p, ph_program_task(w.p, 8))->first = true;
	ph_program_nth(w.p, ph_program_task(w.p, 8))->pinned = 1;
	w.groups[1].quota_ns = 150 * MS;
	ENDS(20000, 15000, 30000);
	assert_int_equal(w.res.groups[1].cpu_ns, 40 * MS);
	done(&w);
}

static bool is_8(void *arg, uint32_t task)
{
	return ph_program_nth(arg, task)->tid == 8;
}

/* Who is not there does not run, and who waited for it waits as long as it did. */
static void test_without(void **state)
{
	struct world w = world_new(1);

	w.s.slice_ns = 1000 * MS;
	RUN(7, 1, 1);
	WAIT(7, 20, 8, 15);
	RUN(7, 1, 1);
	RUN(8, 30, 2);
	ENDS(32000, 31000);
	free(w.res.groups);
	w.s.without = is_8;
	w.s.arg = w.p;
	w.s.npoints = 1;
	ph_sim_run(&w.s, &w.res);
	assert_int_equal(w.points[0].at_ns, 1022 * MS);
	done(&w);
}

/* @tid is made by @parent when that has come to @ms, and was seen first @late ms later. */
static void made(struct world *w, int32_t tid, int32_t parent, uint64_t ms, uint64_t late)
{
	uint32_t task = ph_program_task(w->p, tid);
	uint64_t at = (1000 + ms) * MS;

	ph_program_made(w->p, task, ph_program_task(w->p, parent), at);
	ph_program_add(w->p, task, &(struct ph_op){ .kind = PH_OP_RUN, .group = 2, .begin_ns = at + late * MS, .end_ns = at + (late + 1) * MS });
}

/* Children are there when their parent makes them: later than recorded, or sooner; without it as recorded. */
static void test_births(void **state)
{
	struct world w = world_new(3);

	/* 50 ms were a limit's. */
	RUN(7, 2, 1);
	ph_program_add(w.p, 0, &(struct ph_op){ .kind = PH_OP_RUN, .group = 1, .begin_ns = 1052 * MS, .end_ns = 1062 * MS });
	made(&w, 9, 7, 1, 0);
	made(&w, 8, 7, 53, 9);
	made(&w, 10, 7, 55, 0);
	made(&w, 11, 10, 55, 0);
	assert_int_equal(ph_program_nth(w.p, 0)->child, 1);
	assert_int_equal(ph_program_nth(w.p, 2)->sibling, 3);
	/* 7 makes them after 1, 3 and 5 ms; 10 makes 11 at once. */
	ENDS(12000, 2000, 4000, 6000, 6000);
	free(w.res.groups);
	/* 4 ms in 20, counted at ticks, from the second period on. */
	w.groups[1].quota_ns = 4 * MS;
	w.groups[1].period_ns = 20 * MS;
	ENDS(44000, 2000, 4000, 22000, 22000);
	free(w.res.groups);
	w.groups[1].quota_ns = -1;
	/* 8 was not there: those after it are. */
	w.s.without = is_8;
	w.s.arg = w.p;
	w.points[2].task = 3;
	w.points[2].pos_ns = 1056 * MS;
	w.s.npoints = 3;
	ph_sim_run(&w.s, &w.res);
	assert_int_equal(w.points[2].at_ns, 1006 * MS);
	free(w.res.groups);
	w.s.without = NULL;
	w.s.as_recorded = true;
	ENDS(12000, 2000, 4000, 6000, 6000);
	done(&w);
}

/* Of a task that has ended, and of one that is to come, there is next to nothing in memory. */
static void test_many(void **state)
{
	struct world w = world_new(3);

	RUN(7, 1001, 1);
	for (int32_t i = 1; i <= 1000; i++) {
		made(&w, 100 + i, 7, (uint64_t)i, 0);
		ph_program_end(w.p, 100 + i);
		assert_null(ph_program_nth(w.p, (uint32_t)i)->more);
	}
	assert_true(sizeof(struct ph_program_task) <= 96);
	w.points[0] = (struct ph_sim_point){ .task = 0, .pos_ns = 2001 * MS };
	w.points[1] = (struct ph_sim_point){ .task = 1000, .pos_ns = 2001 * MS };
	w.s.groups = w.groups;
	w.s.points = w.points;
	w.s.npoints = 2;
	for (int i = 0; i < 2; i++) {
		w.s.as_recorded = i;
		ph_sim_run(&w.s, &w.res);
		assert_int_equal(w.points[0].at_ns, 2001 * MS);
		assert_int_equal(w.points[1].at_ns, 2001 * MS);
		/* Who makes them, the one that runs, and the one that comes next. */
		assert_in_range(w.res.ntasks_most, 3, 4);
		free(w.res.groups);
		w.res.groups = NULL;
	}
	/* Who is waited for before it begins: it is the same one then. */
	done(&w);
	w = world_new(3);
	RUN(8, 1, 1);
	WAIT(8, 1, 9, 52);
	RUN(8, 1, 1);
	RUN(7, 60, 1);
	made(&w, 9, 7, 50, 0);
	RUN(9, 4, 1);
	made(&w, 10, 9, 53, 0);
	ENDS(53000, 55000, 60000, 54000);
	done(&w);
}

/* A second parent, and one that was made while its own was not there. */
static void test_orphans(void **state)
{
	struct world w = world_new(3);

	RUN(8, 60, 1);
	made(&w, 9, 8, 3, 2);
	made(&w, 10, 8, 5, 0);
	made(&w, 11, 9, 5, 0);
	ph_program_made(w.p, 3, 0, 1050 * MS);
	assert_int_equal(ph_program_nth(w.p, 3)->parent, 1);
	w.s.without = is_8;
	w.s.arg = w.p;
	w.points[0] = (struct ph_sim_point){ .task = 1, .pos_ns = 1006 * MS };
	w.points[1] = (struct ph_sim_point){ .task = 2, .pos_ns = 1006 * MS };
	w.points[2] = (struct ph_sim_point){ .task = 3, .pos_ns = 1006 * MS };
	w.s.groups = w.groups;
	w.s.points = w.points;
	w.s.npoints = 3;
	ph_sim_run(&w.s, &w.res);
	assert_int_equal(w.points[0].at_ns, 1006 * MS);
	assert_int_equal(w.points[1].at_ns, 1006 * MS);
	assert_int_equal(w.points[2].at_ns, 1006 * MS);
	done(&w);
}

/* Each wait for a CPU as it was, limits or not. */
static void test_as_recorded(void **state)
{
	struct world w = world_new(1);

	w.groups[1].quota_ns = 1 * MS;
	add(&w, 7, PH_OP_RUN, 10, (struct ph_op){ .group = 1, .queued_ns = 7 * MS });
	RUN(8, 1, 1);
	WAIT(8, 1, 7, 4);
	RUN(8, 1, 1);
	w.s.as_recorded = true;
	ENDS(17000, 12000);
	assert_int_equal(w.res.groups[1].cpu_ns, 12 * MS);
	done(&w);
}

/* A long program is read back as it was written. */
static void test_program(void **state)
{
	struct world w = world_new(1);
	struct ph_program_reader r = { 0 };
	const struct ph_op *op;
	uint64_t at = 1000 * MS;
	unsigned int n = 0;

	for (int i = 0; i < 1000; i++) {
		RUN(7, 1, 1);
		SLEEP(8, 2);
	}
	ph_program_end(w.p, 8);
	assert_int_equal(ph_program_find(w.p, 8), UINT32_MAX);
	assert_int_equal(ph_program_task(w.p, 8), 2);
	for (uint32_t task = 0; task < 2; task++) {
		for (at = 1000 * MS, n = 0; (op = ph_program_next(w.p, task, &r)); n++) {
			assert_int_equal(op->begin_ns, at);
			assert_int_equal(op->kind, task ? PH_OP_SLEEP : PH_OP_RUN);
			at = op->end_ns;
		}
		assert_int_equal(n, 1000);
		ph_program_rewind(&r);
	}
	assert_null(ph_program_next(w.p, 2, &r));
	done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_sleeps),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_of_many),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_slack),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_births),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_as_recorded),
		cmocka_unit_test(test_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
