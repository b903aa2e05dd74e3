/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What top makes of counters: hosts of plain files that change between two rounds. */
#include "top_host.h"

static struct ph_top_row *row_of(struct ph_top *t, const char *id)
{
	for (size_t i = 0; i < t->rows.n; i++)
		if (t->rows.v[i]->hc->c.id && !strcmp(t->rows.v[i]->hc->c.id, id))
			return t->rows.v[i];
	return NULL;
}

static void cgroup_v2(struct host *h, unsigned int k)
{
	put(h, CG "/cpu.stat", "usage_usec %u\nuser_usec %u\nsystem_usec %u\nnr_periods %u\nnr_throttled %u\nthrottled_usec %u\n",
	    1000000 + k * 500000, 800000 + k * 300000, 200000 + k * 200000, 100 + k * 20, 10 + k * 5, 7000 + k * 1000);
	put(h, CG "/memory.current", "8388608\n");
	put(h, CG "/memory.stat", "anon 1\nfile 4194304\ninactive_file 2097152\npgfault %u\npgmajfault 2\n", 1000 + k * 300);
	put(h, CG "/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n");
	put(h, CG "/pids.current", "4\n");
	put(h, CG "/io.stat", "8:0 rbytes=%u wbytes=4096 rios=%u wios=1 dbytes=0 dios=0\n8:16 rbytes=100 wbytes=%u rios=0 wios=2 dbytes=7 dios=0\n",
	    4096 * (1 + k), k, 1000 * k);
	put(h, CG "/io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=%u\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=%u\n",
	    k * 250000, k * 100000);
	put(h, "proc/60/net/dev", "Inter-|   Receive\n face |bytes\n    lo: 999%u 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n  eth0: %u 10 0 %u 0 0 0 0 %u 20 0 1 0 0 0 0\n",
	    k, 1000 + k * 500, k, 2000 + k * 100);
	put(h, "proc/60/task/60/schedstat", "5000 %u 12\n", 1000000 + k * 200000000);
	put(h, "proc/60/task/66/schedstat", "5000 %u 12\n", 1000000 + k * 50000000);
}

/* A host with a container of one process, looked at from now on. */
static void one_container(struct host *h, struct ph_top *t, const struct ph_top_want *want)
{
	struct ph_err err = { 0 };

	v2_host(h);
	add_proc(h, 60, 1, "nginx", "0::/docker/" ID1 "\n", 700, "\t1");
	assert_int_equal(ph_top_open(t, h->root, want, &err), 0);
}

/* All counters of a container on v2, over two seconds. */
static void counters_v2(void **state)
{
	struct ph_err err = { 0 };
	struct ph_top_row *r;
	struct ph_top t;
	struct host h;

	(void)state;
	v2_host(&h);
	put(&h, CG "/cpu.max", "50000 100000\n");
	put(&h, CG "/memory.max", "16777216\n");
	put(&h, CG "/cgroup.events", "populated 1\nfrozen 0\n");
	put(&h, "var/lib/docker/containers/" ID1 "/config.v2.json", "{\"Name\":\"/web\",\"RestartCount\":3,\"State\":{\"Running\":true}}");
	add_proc(&h, 60, 1, "nginx", "0::/docker/" ID1 "\n", 700, "\t1");
	put(&h, "proc/60/fd/0", "");
	put(&h, "proc/60/fd/1", "");
	cgroup_v2(&h, 0);
	assert_int_equal(ph_top_open(&t, h.root, &all, &err), 0);
	assert_int_equal(ph_top_round(&t, 10 * PH_NSEC, &err), 0);
	r = row_of(&t, ID1);
	assert_non_null(r);
	assert_true(isnan(cell(&t, r, PH_TOP_COL_CPU)));	/* nothing to subtract from */
	assert_true(isnan(cell(&t, r, PH_TOP_COL_HOST_CPU)) && isnan(cell(&t, r, PH_TOP_COL_HOST_STEAL)));
	cgroup_v2(&h, 1);
	proc_files(&h, 100, 30);
	assert_int_equal(ph_top_round(&t, 12 * PH_NSEC, &err), 0);
	r = row_of(&t, ID1);
	NEAR(cell(&t, r, PH_TOP_COL_CPU), 25);
	NEAR(cell(&t, r, PH_TOP_COL_USER), 15);
	NEAR(cell(&t, r, PH_TOP_COL_SYSTEM), 10);
	NEAR(cell(&t, r, PH_TOP_COL_OF_LIMIT), 50);
	NEAR(cell(&t, r, PH_TOP_COL_THROTTLED), 25);
	NEAR(cell(&t, r, PH_TOP_COL_THROTTLED_NS), 1000000);
	NEAR(cell(&t, r, PH_TOP_COL_RUNQ), 12.5);
	NEAR(cell(&t, r, PH_TOP_COL_TASKS), 4);
	NEAR(cell(&t, r, PH_TOP_COL_MEMORY), 8 << 20);
	NEAR(cell(&t, r, PH_TOP_COL_WSET), 6 << 20);
	NEAR(cell(&t, r, PH_TOP_COL_MEM_OF), 37.5);
	NEAR(cell(&t, r, PH_TOP_COL_FAULTS), 150);
	NEAR(cell(&t, r, PH_TOP_COL_MAJOR), 0);
	NEAR(cell(&t, r, PH_TOP_COL_READ), 2048);
	NEAR(cell(&t, r, PH_TOP_COL_WRITE), 500);
	NEAR(cell(&t, r, PH_TOP_COL_READ_BYTES), 4096);
	NEAR(cell(&t, r, PH_TOP_COL_READS), 0.5);
	NEAR(cell(&t, r, PH_TOP_COL_RX), 250);
	NEAR(cell(&t, r, PH_TOP_COL_TX), 50);
	NEAR(cell(&t, r, PH_TOP_COL_DROPS), 0.5);
	NEAR(cell(&t, r, PH_TOP_COL_IO_SOME), 12.5);
	NEAR(cell(&t, r, PH_TOP_COL_IO_FULL), 5);
	NEAR(cell(&t, r, PH_TOP_COL_OOM), 2);
	NEAR(cell(&t, r, PH_TOP_COL_FILES), 2);
	NEAR(cell(&t, r, PH_TOP_COL_RESTARTS), 3);
	NEAR(cell(&t, r, PH_TOP_COL_INTERVAL), 2e9);
	assert_true(isnan(cell(&t, r, PH_TOP_COL_CPU_SOME)));	/* no such file: not known, not 0 */
	NEAR(r->history[PH_TOP_HISTORY - 1], 25);
	/* The machine: 100 ticks of 10 ms over 2 s; partitions and stacked devices once. */
	r = t.rows.v[0];
	NEAR(cell(&t, r, PH_TOP_COL_CPU), 50);
	NEAR(cell(&t, r, PH_TOP_COL_OF_LIMIT), 25);
	NEAR(cell(&t, r, PH_TOP_COL_STEAL), 15);
	NEAR(cell(&t, r, PH_TOP_COL_READ_BYTES), 51200);
	NEAR(cell(&t, r, PH_TOP_COL_WSET), 768 << 10);
	NEAR(cell(&t, r, PH_TOP_COL_CPU_SOME), 5);
	NEAR(cell(&t, r, PH_TOP_COL_LOAD), 0.5);
	NEAR(cell(&t, r, PH_TOP_COL_TASKS), 345);
	ph_top_close(&t);
	host_done(&h);
}

/* Hybrid: v1 counts, v2 has the pressure; the limit is that of the cgroup above. */
static void counters_hybrid(void **state)
{
	static const char in[] = "5:blkio:/docker/" ID1 "\n4:pids:/docker/" ID1 "\n3:memory:/docker/" ID1 "\n2:cpuacct:/docker/" ID1
				 "\n1:cpu:/docker/" ID1 "\n0::/docker/" ID1 "\n";
	struct ph_err err = { 0 };
	struct ph_top_row *r;
	struct ph_top t;
	struct host h;

	(void)state;
	host_new(&h, "5:blkio:/\n4:pids:/\n3:memory:/\n2:cpuacct:/\n1:cpu:/\n0::/\n",
		 "30 20 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		 "31 20 0:27 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
		 "32 20 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		 "33 20 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
		 "34 20 0:30 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n"
		 "35 20 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	put(&h, "sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "100000\n");
	put(&h, "sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "100000\n");
	put(&h, "sys/fs/cgroup/cpu/docker/" ID1 "/cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n");
	add_proc(&h, 60, 1, "nginx", in, 0, "\t1");
	proc_files(&h, 0, 0);
	assert_int_equal(ph_top_open(&t, h.root, &cgroups, &err), 0);
	for (unsigned int k = 0; k < 2; k++) {
		put(&h, "sys/fs/cgroup/cpu/docker/cpu.stat", "nr_periods %u\nnr_throttled %u\nthrottled_time 5\n", 10 + k * 10, 2 + k * 4);
		put(&h, "sys/fs/cgroup/cpu/docker/" ID1 "/cpu.stat.local", "throttled_time %u\n", 5 + k * 30000);
		put(&h, "sys/fs/cgroup/cpuacct/docker/" ID1 "/cpuacct.usage", "%u\n", 1000000 + k * 400000000);
		/* Counted in ticks: more than the whole. */
		put(&h, "sys/fs/cgroup/cpuacct/docker/" ID1 "/cpuacct.usage_user", "%u\n", k * 330000000);
		put(&h, "sys/fs/cgroup/cpuacct/docker/" ID1 "/cpuacct.usage_sys", "%u\n", k * 110000000);
		put(&h, "sys/fs/cgroup/memory/docker/" ID1 "/memory.usage_in_bytes", "5000\n");
		put(&h, "sys/fs/cgroup/memory/docker/" ID1 "/memory.stat",
		    "inactive_file 1\npgfault 3\ntotal_inactive_file 6000\ntotal_pgfault %u\ntotal_pgmajfault 0\n", k * 7);
		put(&h, "sys/fs/cgroup/pids/docker/" ID1 "/pids.current", "9\n");
		put(&h, "sys/fs/cgroup/blkio/docker/" ID1 "/blkio.throttle.io_service_bytes",
		    "8:0 Read %u\n8:0 Write 10\n8:0 Sync 1\n8:0 Total 99\n8:16 Read 5\n8:16 Write %u\nTotal 999\n", k * 100, k * 40);
		put(&h, "sys/fs/cgroup/unified/docker/" ID1 "/cpu.pressure",
		    "some avg10=0.00 avg60=0.00 avg300=0.00 total=%u\n", k * 20000);
		assert_int_equal(ph_top_round(&t, (20 + k) * PH_NSEC, &err), 0);
	}
	r = row_of(&t, ID1);
	assert_non_null(r);
	NEAR(cell(&t, r, PH_TOP_COL_CPU), 40);
	NEAR(cell(&t, r, PH_TOP_COL_USER), 30);
	NEAR(cell(&t, r, PH_TOP_COL_SYSTEM), 10);
	NEAR(cell(&t, r, PH_TOP_COL_OF_LIMIT), 40);
	NEAR(cell(&t, r, PH_TOP_COL_THROTTLED), 40);
	NEAR(cell(&t, r, PH_TOP_COL_THROTTLED_NS), 30000);
	NEAR(cell(&t, r, PH_TOP_COL_WSET), 0);		/* never below it */
	NEAR(cell(&t, r, PH_TOP_COL_FAULTS), 7);
	NEAR(cell(&t, r, PH_TOP_COL_TASKS), 9);
	NEAR(cell(&t, r, PH_TOP_COL_READ_BYTES), 100);
	NEAR(cell(&t, r, PH_TOP_COL_WRITE_BYTES), 40);
	NEAR(cell(&t, r, PH_TOP_COL_CPU_SOME), 2);
	assert_true(isnan(cell(&t, r, PH_TOP_COL_RX)));	/* the host's network */
	assert_true(isnan(cell(&t, r, PH_TOP_COL_RESTARTS)));	/* nobody counts them */
	ph_top_close(&t);
	host_done(&h);
}

/* blkio of newer kernels counts for devices with a limit: where there is none, nothing is known. */
static void block_io_not_counted(void **state)
{
	static const char nobody[] = "Total 0\n", file[] = "blkio.throttle.io_service_bytes_recursive";
	ph_autofree char *whole = ph_asprintf("sys/fs/cgroup/blkio/%s", file);
	ph_autofree char *own = ph_asprintf("sys/fs/cgroup/blkio/docker/" ID1 "/%s", file);
	struct ph_table_fmt fmt = { 0 };
	ph_autobuf why = { 0 };
	struct ph_err err = { 0 };
	struct ph_top t;
	struct host h;

	(void)state;
	for (unsigned int counted = 0; counted < 2; counted++) {
		host_new(&h, "1:blkio:/\n", "34 20 0:30 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n");
		add_proc(&h, 60, 1, "nginx", "1:blkio:/docker/" ID1 "\n", 0, "\t1");
		proc_files(&h, 0, 0);
		put(&h, whole, "%s", counted ? "8:0 Read 0\n8:0 Write 9\n8:0 Total 9\nTotal 9\n" : nobody);
		put(&h, own, "%s", nobody);
		assert_int_equal(ph_top_open(&t, h.root, &cgroups, &err), 0);
		assert_int_equal(ph_top_round(&t, 10 * PH_NSEC, &err), 0);
		assert_int_equal(ph_top_round(&t, 11 * PH_NSEC, &err), 0);
		ph_buf_clear(&why);
		ph_top_missing(&t, &fmt, &why);
		if (counted) {
			NEAR(cell(&t, row_of(&t, ID1), PH_TOP_COL_WRITE_BYTES), 0);
			assert_null(strstr(why.p, "io_read_bytes_per_s"));
		} else {
			assert_true(isnan(cell(&t, row_of(&t, ID1), PH_TOP_COL_WRITE_BYTES)));
			assert_non_null(strstr(why.p, "counts only for devices that have a limit"));
		}
		ph_top_close(&t);
		host_done(&h);
	}
}

/* A sandbox in the host's cgroup: its processes are summed up; one that ended takes nothing away. */
static void counters_without_cgroup(void **state)
{
	struct ph_err err = { 0 };
	struct ph_top_row *r;
	struct ph_top t;
	struct host h;

	(void)state;
	host_new(&h, "0::/\n", V2_MOUNT);
	proc_files(&h, 0, 0);
	add_proc(&h, 70, 1, "bwrap", "0::/\n", 0, "");
	add_proc(&h, 71, 70, "app", "0::/\n", 900, "\t1");
	add_proc(&h, 72, 71, "app", "0::/\n", 900, "\t2");
	process(&h, 71, 100, 10);
	process(&h, 72, 1000, 20);
	assert_int_equal(ph_top_open(&t, h.root, &cgroups, &err), 0);
	assert_int_equal(ph_top_round(&t, 10 * PH_NSEC, &err), 0);
	assert_int_equal(t.rows.n, 2);
	process(&h, 71, 110, 10);
	process(&h, 72, 1020, 20);
	assert_int_equal(ph_top_round(&t, 11 * PH_NSEC, &err), 0);
	r = t.rows.v[1];
	NEAR(cell(&t, r, PH_TOP_COL_USER), 30);
	NEAR(cell(&t, r, PH_TOP_COL_CPU), 45);
	NEAR(cell(&t, r, PH_TOP_COL_READ_BYTES), 30 * 512);
	NEAR(cell(&t, r, PH_TOP_COL_WSET), 30. * (double)sysconf(_SC_PAGESIZE));
	/* 72 ends, 73 is new and has used 4 ticks. */
	host_remove(&h, "proc/72");
	add_proc(&h, 73, 71, "app", "0::/\n", 900, "\t3");
	process(&h, 73, 4, 1);
	assert_int_equal(ph_top_round(&t, 21 * PH_NSEC, &err), 0);
	r = t.rows.v[1];
	NEAR(cell(&t, r, PH_TOP_COL_CPU_NS), 60000000);
	ph_top_close(&t);
	host_done(&h);
}

/* On a screen the descriptors are counted in one round of four, and are what they were in the others. */
static void files_seldom(void **state)
{
	unsigned int news = 0, last = 1;
	struct ph_err err = { 0 };
	struct ph_top t;
	struct host h;

	(void)state;
	one_container(&h, &t, &all);
	put(&h, "proc/60/fd/0", "");
	t.want.seldom = true;
	for (unsigned int k = 1; k <= 9; k++) {
		ph_autofree char *fd = ph_asprintf("proc/60/fd/%u", k);
		unsigned int n;

		assert_int_equal(ph_top_round(&t, (10 + k) * PH_NSEC, &err), 0);
		n = (unsigned int)cell(&t, row_of(&t, ID1), PH_TOP_COL_FILES);
		assert_true(n == last || n == k);
		assert_true(k > 1 || n == 1);
		news += n != last;
		last = n;
		put(&h, fd, "");
	}
	assert_int_equal(news, 2);
	t.want.seldom = false;
	assert_int_equal(ph_top_round(&t, 20 * PH_NSEC, &err), 0);
	NEAR(cell(&t, row_of(&t, ID1), PH_TOP_COL_FILES), 10);
	ph_top_close(&t);
	host_done(&h);
}

/* Containers come and go; another one of the same name is another one. */
static void come_and_go(void **state)
{
	struct ph_err err = { 0 };
	struct ph_top t;
	struct host h;

	(void)state;
	one_container(&h, &t, &cgroups);
	cgroup_v2(&h, 5);
	assert_int_equal(ph_top_round(&t, 10 * PH_NSEC, &err), 0);
	assert_int_equal(t.rows.n, 2);
	host_remove(&h, "proc/60");
	assert_int_equal(ph_top_round(&t, 30 * PH_NSEC, &err), 0);
	assert_int_equal(t.rows.n, 1);
	add_proc(&h, 61, 1, "nginx", "0::/docker/" ID1 "\n", 700, "\t1");
	cgroup_v2(&h, 0);
	assert_int_equal(ph_top_round(&t, 50 * PH_NSEC, &err), 0);
	assert_int_equal(t.rows.n, 2);
	assert_true(isnan(cell(&t, row_of(&t, ID1), PH_TOP_COL_CPU)));
	/* A counter that goes back is never a huge number. */
	cgroup_v2(&h, 5);
	assert_int_equal(ph_top_round(&t, 51 * PH_NSEC, &err), 0);
	cgroup_v2(&h, 0);
	assert_int_equal(ph_top_round(&t, 52 * PH_NSEC, &err), 0);
	NEAR(cell(&t, row_of(&t, ID1), PH_TOP_COL_CPU), 0);
	ph_top_close(&t);
	host_done(&h);
}

/* Steal is flagged when it has been above 10 % for a minute, and no longer when it is not. */
static void steal_flag(void **state)
{
	struct ph_err err = { 0 };
	ph_autobuf line = { 0 };
	unsigned int steal = 0;
	struct ph_top t;
	struct host h;

	(void)state;
	host_new(&h, "0::/\n", V2_MOUNT);
	proc_files(&h, 0, 0);
	assert_int_equal(ph_top_open(&t, h.root, &cgroups, &err), 0);
	for (unsigned int s = 0; s <= 60; s += 10) {
		proc_files(&h, 0, steal);
		assert_int_equal(ph_top_round(&t, (100 + s) * PH_NSEC, &err), 0);
		ph_buf_clear(&line);
		ph_top_host_line(&t, &line);
		assert_int_equal(strstr(line.p, "STEAL") != NULL, s == 60);
		steal += 10 * 22;	/* 22 ticks a second: 11 % of two CPUs */
	}
	steal -= 10 * 22 - 10 * 18;
	proc_files(&h, 0, steal);
	assert_int_equal(ph_top_round(&t, 170 * PH_NSEC, &err), 0);
	ph_buf_clear(&line);
	ph_top_host_line(&t, &line);
	assert_null(strstr(line.p, "STEAL"));
	assert_non_null(strstr(line.p, "2 CPUs 0.0% (user 0.0 system 0.0 steal 18.0)  load 0.50 0.25 0.10  memory 768 KiB of 1.0 MiB"));
	/* Ticks make it more than the time that passed: never more than there is. */
	proc_files(&h, 2060, steal);
	put(&h, "proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=99000000\n");
	assert_int_equal(ph_top_round(&t, 180 * PH_NSEC, &err), 0);
	ph_buf_clear(&line);
	ph_top_host_line(&t, &line);
	assert_non_null(strstr(line.p, "2 CPUs 200.0% (user 206.0"));
	assert_non_null(strstr(line.p, "waiting: cpu 100.0%"));
	assert_null(strstr(line.p, "LOST"));
	t.host.lost = 17;
	ph_top_host_line(&t, &line);
	assert_non_null(strstr(line.p, "  LOST: 17 events"));
	ph_top_close(&t);
	host_done(&h);
}

/* Files that are broken, empty or absurd: no number, and no harm. */
static void broken_files(void **state)
{
	static const char *const files[] = { "cpu.stat", "memory.current", "memory.stat", "io.stat", "io.pressure", "pids.current" };
	static const char *const contents[] = { "", "\n", "usage_usec", "usage_usec -1\nuser_usec 99999999999999999999999\n", "some total=",
						"8:0 rbytes= wbytes=x\n rbytes", "\xff\xfe garbage total=1" };
	struct ph_err err = { 0 };
	struct ph_top t;
	struct host h;

	(void)state;
	one_container(&h, &t, &all);
	for (size_t c = 0; c < PH_ARRAY_SIZE(contents); c++) {
		for (size_t f = 0; f < PH_ARRAY_SIZE(files); f++) {
			ph_autofree char *path = ph_asprintf(CG "/%s", files[f]);

			put(&h, path, "%s", contents[c]);
		}
		put(&h, "proc/60/net/dev", "%s", contents[c]);
		put(&h, "proc/diskstats", "%s", contents[c]);
		put(&h, "proc/stat", "%s", contents[c]);
		assert_int_equal(ph_top_round(&t, (10 + c) * PH_NSEC, &err), 0);
		for (size_t i = 0; i < t.rows.n; i++)
			for (unsigned int col = 0; col < PH_TOP_NCOLS; col++)
				cell(&t, t.rows.v[i], col);
	}
	ph_top_close(&t);
	host_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_v2),
		cmocka_unit_test(counters_hybrid),
		cmocka_unit_test(block_io_not_counted),
		cmocka_unit_test(counters_without_cgroup),
		cmocka_unit_test(files_seldom),
		cmocka_unit_test(come_and_go),
		cmocka_unit_test(steal_flag),
		cmocka_unit_test(broken_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
