/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What top makes of counters: hosts of plain files that change between two rounds. */
#include "host_tree.h"

#include <arpa/inet.h>
#include <locale.h>
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "live/top_view.h"

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define CG "sys/fs/cgroup/docker/" ID1
#define NEAR(a, b) assert_true(fabs((a) - (b)) < 0.01)

/* Everything, and what is in the cgroups' files. */
static const struct ph_top_want all = { ~0ull, ~0u, true };
static const struct ph_top_want cgroups = { ~(1ull << PH_TOP_RUNQ), ~(1u << PH_TOP_FILES), true };

static struct ph_top_row *row_of(struct ph_top *t, const char *id)
{
	for (size_t i = 0; i < t->rows.n; i++)
		if (t->rows.v[i]->hc->c.id && !strcmp(t->rows.v[i]->hc->c.id, id))
			return t->rows.v[i];
	return NULL;
}

/* A cell of a row: its number, NAN where there is none. */
static double cell(struct ph_top *t, const struct ph_top_row *r, enum ph_top_col col)
{
	struct ph_table table;
	struct ph_cell *c;
	double v = NAN;

	ph_table_init(&table, ph_top_cols, PH_TOP_NCOLS);
	c = ph_table_row(&table);
	ph_top_fill(t, r, 1700000100 * PH_NSEC, c);
	if (c[col].set)
		v = ph_top_cols[col].type == PH_COL_F64 ? c[col].f : (double)c[col].u;
	ph_table_done(&table);
	return v;
}

static void proc_files(struct host *h, unsigned int busy, unsigned int steal)
{
	put(h, "proc/stat", "cpu  %u 0 100 5000 0 0 0 %u 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\ncpu1 1 0 0 0 0 0 0 0 0 0\nbtime 1700000000\n",
	    1000 + busy, steal);
	put(h, "proc/loadavg", "0.50 0.25 0.10 2/345 999\n");
	put(h, "proc/meminfo", "MemTotal:        1024 kB\nMemFree:          128 kB\nMemAvailable:     256 kB\n");
	put(h, "proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=%u\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	    busy * 1000);
	put(h, "proc/diskstats", "   8 0 sda 10 0 %u 0 5 0 40 0 0 0 0\n   8 1 sda1 10 0 100 0 5 0 40 0 0 0 0\n 253 0 dm-0 1 0 900 0 1 0 9 0 0 0 0\n",
	    100 + busy);
}

static void v2_host(struct host *h)
{
	host_new(h, "0::/\n", V2_MOUNT);
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
	proc_files(h, 0, 0);
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

static void process(struct host *h, int pid, unsigned int ticks, unsigned int rss)
{
	ph_autofree char *stat = ph_asprintf("proc/%d/stat", pid), *io = ph_asprintf("proc/%d/io", pid);

	put(h, stat, "%d (a) b) R 1 1 1 0 -1 4194560 %u 0 2 0 %u %u 0 0 20 0 1 0 %d 0 %u 0", pid, ticks * 3, ticks, ticks / 2,
	    pid * 100, rss);
	put(h, io, "rchar: 9\nwchar: 9\nread_bytes: %u\nwrite_bytes: 0\ncancelled_write_bytes: 0\n", ticks * 512);
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

/* Containers come and go; another one of the same name is another one. */
static void come_and_go(void **state)
{
	struct ph_err err = { 0 };
	struct ph_top t;
	struct host h;

	(void)state;
	v2_host(&h);
	add_proc(&h, 60, 1, "nginx", "0::/docker/" ID1 "\n", 700, "\t1");
	cgroup_v2(&h, 5);
	assert_int_equal(ph_top_open(&t, h.root, &cgroups, &err), 0);
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
	v2_host(&h);
	add_proc(&h, 60, 1, "nginx", "0::/docker/" ID1 "\n", 700, "\t1");
	assert_int_equal(ph_top_open(&t, h.root, &all, &err), 0);
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

/* ---- the screen ------------------------------------------------------------------------------------------- */

struct screen {
	struct host h;
	struct ph_top t;
	struct ph_top_view v;
};

static void container(struct host *h, const char *id, int pid, unsigned int usage_us)
{
	ph_autofree char *cg = ph_asprintf("0::/lxc.payload.%s\n", id), *file = ph_asprintf("sys/fs/cgroup/lxc.payload.%s/cpu.stat", id);

	add_proc(h, pid, 1, id, cg, (unsigned int)pid, "\t1");
	put(h, file, "usage_usec %u\nuser_usec %u\nsystem_usec 0\n", usage_us, usage_us);
}

#define EVIL "ev\x1b[31mil\xc2\x9b"
#define WIDE "日本語の名前"

static void usage(struct host *h, unsigned int round)
{
	container(h, "alpha", 60, round * 100000);
	container(h, "beta", 70, round * 700000);
	container(h, EVIL, 80, round * 300000);
	container(h, WIDE, 90, 0);
}

static void screen_new(struct screen *s)
{
	struct ph_err err = { 0 };

	v2_host(&s->h);
	usage(&s->h, 0);
	assert_int_equal(ph_top_open(&s->t, s->h.root, &cgroups, &err), 0);
	ph_top_view_init(&s->v, &s->t);
	s->v.utf8 = true;
	for (unsigned int i = 0; i < 2; i++) {
		usage(&s->h, i);
		assert_int_equal(ph_top_round(&s->t, (100 + i) * PH_NSEC, &err), 0);
	}
}

static void screen_done(struct screen *s)
{
	ph_top_view_done(&s->v);
	ph_top_close(&s->t);
	host_done(&s->h);
}

/* As many lines as there are, none too wide, and nothing in them that a terminal would act upon. */
static void draw(struct screen *s, unsigned int width, unsigned int height)
{
	ph_top_view_draw(&s->v, width, height, 1700000100 * PH_NSEC);
	assert_int_equal(s->v.lines.n, width && height ? height : 0);
	ph_vec_each(l, &s->v.lines) {
		size_t bytes, cells = ph_display_width(l->text.p ? l->text.p : "", SIZE_MAX, &bytes);

		assert_true(cells <= width);
		for (size_t i = 0; i < l->text.len; i++) {
			unsigned char c = (unsigned char)l->text.p[i];

			assert_true(c >= ' ' && c != 127 && (s->v.utf8 || c < 128));
			assert_false(c == 0xc2 && (unsigned char)l->text.p[i + 1] < 0xa0);
		}
	}
}

/* The line that has @what, -1: none. */
static int line_of(const struct screen *s, const char *what)
{
	for (size_t i = 0; i < s->v.lines.n; i++)
		if (s->v.lines.v[i].text.p && strstr(s->v.lines.v[i].text.p, what))
			return (int)i;
	return -1;
}

static void keys(struct screen *s, const char *text)
{
	for (; *text; text++)
		assert_true(ph_top_view_key(&s->v, (unsigned char)*text));
}

static void screen_sizes(void **state)
{
	static const unsigned int sizes[][2] = { { 80, 24 }, { 200, 50 }, { 300, 100 }, { 40, 10 }, { 10, 3 }, { 1, 1 }, { 0, 0 }, { 80, 1 } };
	struct screen s;

	(void)state;
	screen_new(&s);
	for (size_t i = 0; i < PH_ARRAY_SIZE(sizes); i++) {
		s.v.utf8 = true;
		draw(&s, sizes[i][0], sizes[i][1]);
		s.v.utf8 = false;
		draw(&s, sizes[i][0], sizes[i][1]);
		assert_int_equal(line_of(&s, "AGE") >= 0, sizes[i][0] >= 200);
		keys(&s, "h");
		draw(&s, sizes[i][0], sizes[i][1]);
		keys(&s, "h");
	}
	/* 80x24: the machine, what is shown, headings, by CPU time; the keys last. */
	s.v.utf8 = true;
	draw(&s, 80, 24);
	assert_int_equal(line_of(&s, "2 CPUs"), 0);
	assert_true(line_of(&s, "4 containers, by CPU%") < line_of(&s, "CONTAINER"));
	assert_int_equal(line_of(&s, "CONTAINER") + 1, line_of(&s, "beta"));
	assert_int_equal(line_of(&s, "beta") + 1, line_of(&s, "ev\\x1b[31mil\\xc2\\x9b"));
	assert_int_equal(line_of(&s, "beta") + 2, line_of(&s, "alpha"));
	assert_int_equal(line_of(&s, "beta") + 3, line_of(&s, WIDE));
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "beta")].text.p, " 70.0"));
	assert_int_equal(s.v.lines.v[line_of(&s, "beta")].style, PH_STYLE_SELECTED);
	assert_int_equal(line_of(&s, "h help"), 23);
	screen_done(&s);
}

static void screen_keys(void **state)
{
	struct ph_err err = { 0 };
	struct screen s;

	(void)state;
	screen_new(&s);
	process(&s.h, 60, 100, 10);
	draw(&s, 100, 30);
	/* A filter, as one types. */
	keys(&s, "/ALPx");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "0 containers") >= 0 && line_of(&s, "filter: ALPx_") >= 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "1 container,") >= 0 && line_of(&s, "alpha") > 0 && line_of(&s, "beta") < 0);
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	/* In: its processes, with both numbers. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "alpha: 1 process, by CPU%") >= 0);
	assert_true(line_of(&s, "PID  CPID") >= 0);
	/* The container ends while one looks at it. */
	host_remove(&s.h, "proc/60");
	assert_int_equal(ph_top_round(&s.t, 103 * PH_NSEC, &err), 0);
	ph_top_view_round(&s.v, 103 * PH_NSEC);
	assert_int_equal(ph_top_round(&s.t, 104 * PH_NSEC, &err), 0);
	ph_top_view_round(&s.v, 104 * PH_NSEC);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "alpha (has ended)") >= 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "3 containers") >= 0);
	/* Sorted by name, and the other way round; what is selected stays so. */
	ph_top_view_key(&s.v, PH_KEY_HOME);
	draw(&s, 100, 30);
	assert_int_equal(s.v.lines.v[line_of(&s, "beta")].style, PH_STYLE_SELECTED);
	ph_top_view_key(&s.v, '<');
	draw(&s, 100, 30);
	assert_true(line_of(&s, "beta") < line_of(&s, "31mil"));
	keys(&s, "r");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "beta") > line_of(&s, "31mil"));
	assert_int_equal(s.v.lines.v[line_of(&s, "beta")].style, PH_STYLE_SELECTED);
	ph_top_view_click(&s.v, (unsigned int)line_of(&s, "31mil"), false);
	draw(&s, 100, 30);
	assert_int_equal(s.v.lines.v[line_of(&s, "31mil")].style, PH_STYLE_SELECTED);
	/* On a low screen it is scrolled to. */
	ph_top_view_key(&s.v, PH_KEY_END);
	draw(&s, 100, 6);
	assert_true(line_of(&s, "beta") >= 0);
	assert_false(ph_top_view_key(&s.v, 'q'));
	screen_done(&s);
}

#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define ID3 "3333333333333333333333333333333333333333333333333333333333333333"

/* Docker's: of what image and pod, half a CPU, in the network namespace @own. */
static void pod_container(struct host *h, const char *id, int pid, const char *name, const char *image, const char *pod, unsigned int own)
{
	ph_autofree char *in = ph_asprintf("0::/docker/%s\n", id), *config = ph_asprintf("var/lib/docker/containers/%s/config.v2.json", id);
	ph_autofree char *max = ph_asprintf("sys/fs/cgroup/docker/%s/cpu.max", id);
	ph_autofree char *labels = pod ? ph_asprintf("\"io.kubernetes.pod.name\":\"%s\",\"io.kubernetes.pod.namespace\":\"shop\"", pod) : ph_strdup("");

	add_proc(h, pid, 1, name, in, own, "\t1");
	put(h, max, "50000 100000\n");
	put(h, config, "{\"Name\":\"/%s\",\"Config\":{\"Image\":\"%s\",\"Labels\":{%s}},\"State\":{\"Running\":true}}", name, image, labels);
}

static void pods(struct host *h, unsigned int k)
{
	static const struct { const char *id; int pid; unsigned int us; } used[] = { { ID1, 60, 500000 }, { ID2, 61, 250000 }, { ID3, 62, 100000 } };

	for (size_t i = 0; i < PH_ARRAY_SIZE(used); i++) {
		ph_autofree char *stat = ph_asprintf("sys/fs/cgroup/docker/%s/cpu.stat", used[i].id);
		ph_autofree char *dev = ph_asprintf("proc/%d/net/dev", used[i].pid);

		put(h, stat, "usage_usec %u\nuser_usec %u\nsystem_usec 0\n", used[i].us * k, used[i].us * k);
		put(h, dev, "a\nb\n  eth0: %u 10 0 0 0 0 0 0 0 20 0 1 0 0 0 0\n", k * 1000);
	}
}

static void pods_new(struct screen *s)
{
	struct ph_err err = { 0 };

	v2_host(&s->h);
	pod_container(&s->h, ID1, 60, "front", "nginx:1", "web-7", 700);
	pod_container(&s->h, ID2, 61, "side", "proxy:2", "web-7", 700);
	pod_container(&s->h, ID3, 62, "db", "nginx:1", NULL, 800);
	assert_int_equal(ph_top_open(&s->t, s->h.root, &cgroups, &err), 0);
	s->t.want.no_bpf = false;
	ph_top_view_init(&s->v, &s->t);
	s->v.utf8 = true;
	for (unsigned int i = 0; i < 2; i++) {
		pods(&s->h, i);
		assert_int_equal(ph_top_round(&s->t, (100 + i) * PH_NSEC, &err), 0);
	}
}

static bool anybody(void *arg, const struct ph_top_row *r)
{
	(void)arg;
	return r->hc->c.index != 0;
}

/* What a group uses is what its containers use; what they share counts once. */
static void groups_add_up(void **state)
{
	ph_top_groups g = { 0 };
	struct screen s;

	(void)state;
	pods_new(&s);
	ph_top_groups_make(&s.t, PH_TOP_BY_POD, anybody, NULL, &g);
	assert_int_equal(g.n, 2);
	for (size_t i = 0; i < g.n; i++) {
		bool pod = !strcmp(g.v[i]->key, "shop/web-7");

		assert_true(pod || !*g.v[i]->key);
		assert_int_equal(g.v[i]->members, pod ? 2 : 1);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_CPU), pod ? 75 : 10);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_LIMIT), pod ? 1 : 0.5);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_OF_LIMIT), pod ? 75 : 20);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_RX), 1000);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_TASKS), pod ? 4 : 2);
		assert_true(isnan(cell(&s.t, &g.v[i]->row, PH_TOP_COL_WSET)));
	}
	ph_top_groups_done(&g);
	ph_top_groups_make(&s.t, PH_TOP_BY_IMAGE, anybody, NULL, &g);
	assert_int_equal(g.n, 2);
	NEAR(cell(&s.t, &g.v[!!strcmp(g.v[0]->key, "nginx:1")]->row, PH_TOP_COL_RX), 2000);
	ph_top_groups_done(&g);
	ph_top_groups_make(&s.t, PH_TOP_BY_CGROUP, anybody, NULL, &g);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.v[0]->key, "/docker");
	ph_top_groups_done(&g);
	screen_done(&s);
}

static bool inner_only(void *arg, const struct ph_top_row *r)
{
	(void)arg;
	return r->hc->c.id && !strcmp(r->hc->c.id, ID2);
}

/* What a cgroup counts has the containers in it already; who is looked at alone is counted. */
static void groups_nested(void **state)
{
	ph_top_groups g = { 0 };
	struct ph_err err = { 0 };
	struct ph_top t;
	struct host h;

	(void)state;
	v2_host(&h);
	pod_container(&h, ID1, 60, "outer", "nginx:1", NULL, 700);
	put(&h, "var/lib/docker/containers/" ID2 "/config.v2.json", "{\"Name\":\"/inner\",\"Config\":{\"Image\":\"nginx:1\"}}");
	add_proc(&h, 70, 60, "inner", "0::/docker/" ID1 "/docker/" ID2 "\n", 800, "\t9\t1");
	assert_int_equal(ph_top_open(&t, h.root, &cgroups, &err), 0);
	for (unsigned int k = 0; k < 2; k++) {
		put(&h, CG "/cpu.stat", "usage_usec %u\nuser_usec 0\nsystem_usec 0\n", k * 500000);
		put(&h, CG "/docker/" ID2 "/cpu.stat", "usage_usec %u\nuser_usec 0\nsystem_usec 0\n", k * 200000);
		assert_int_equal(ph_top_round(&t, (10 + k) * PH_NSEC, &err), 0);
	}
	ph_top_groups_make(&t, PH_TOP_BY_IMAGE, anybody, NULL, &g);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.v[0]->members, 2);
	NEAR(cell(&t, &g.v[0]->row, PH_TOP_COL_CPU), 50);
	ph_top_groups_done(&g);
	ph_top_groups_make(&t, PH_TOP_BY_IMAGE, inner_only, NULL, &g);
	NEAR(cell(&t, &g.v[0]->row, PH_TOP_COL_CPU), 20);
	ph_top_groups_done(&g);
	ph_top_close(&t);
	host_done(&h);
}

/* To the view of this name, by F2. */
static void choose(struct screen *s, const char *name)
{
	ph_top_view_key(&s->v, PH_KEY_VIEWS);
	draw(s, 100, 30);
	assert_true(line_of(s, "What is to be shown?") >= 0);
	ph_top_view_click(&s->v, (unsigned int)line_of(s, name), true);
	draw(s, 100, 30);
}

static void screen_views(void **state)
{
	struct screen s;

	(void)state;
	pods_new(&s);
	draw(&s, 100, 30);
	choose(&s, "pods");
	assert_true(line_of(&s, "2 pods, by CPU%") >= 0);
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "POD  ")].text.p, "CONTS"));
	assert_int_equal(line_of(&s, "POD  ") + 1, line_of(&s, "shop/web-7"));
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "shop/web-7")].text.p, " 75.0"));
	assert_true(line_of(&s, "(none)") > 0);
	/* In: its containers, then the processes of one; and back, to what was selected. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "pod shop/web-7: 2 containers") >= 0 && line_of(&s, "front") > 0 && line_of(&s, "db") < 0);
	ph_top_view_key(&s.v, PH_KEY_DOWN);
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "side: 1 process, by CPU%") >= 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 100, 30);
	assert_int_equal(s.v.lines.v[line_of(&s, "side")].style, PH_STYLE_SELECTED);
	ph_top_view_key(&s.v, PH_KEY_ESCAPE);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "2 pods") >= 0);
	choose(&s, "namespaces");
	assert_true(line_of(&s, "2 namespaces") >= 0);
	/* All processes, each with its container, which a filter finds. */
	choose(&s, "processes");
	assert_true(line_of(&s, "3 processes, by CPU%") >= 0 && line_of(&s, "CONTAINER") >= 0);
	keys(&s, "/fron");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "1 process,") >= 0 && line_of(&s, "front") > 0);
	ph_top_view_key(&s.v, PH_KEY_ESCAPE);
	put(&s.h, "proc/60/task/60/stat", "60 (front) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 6000 0 0");
	put(&s.h, "proc/60/task/66/stat", "66 (worker) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 6000 0 0");
	choose(&s, "threads");
	assert_true(line_of(&s, "2 threads, by CPU%") >= 0 && line_of(&s, "worker") > 0);
	/* Again: where one was. */
	keys(&s, "vv");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "2 threads") >= 0);
	screen_done(&s);
}

static void fd(struct host *h, int pid, int n, const char *to)
{
	ph_autofree char *path = ph_asprintf("proc/%d/fd/%d", pid, n);

	put_link(h, path, to);
}

/* A line of /proc/net/tcp: 127.0.0.1:80 to 10.0.0.2. */
static void tcp(struct host *h, int pid, const char *state, unsigned int inode)
{
	ph_autofree char *path = ph_asprintf("proc/%d/net/tcp", pid);

	put(h, path, "  sl  local_address\n   0: %08X:0050 %08X:%s 00000010:00000400 00:00000000 00000000     0        0 %u 1 0 100\n"
	    "   1: %08X:0050 %08X:9C41 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0\n",
	    htonl(0x7f000001), htonl(0x0a000002), state, inode, htonl(0x7f000001), htonl(0x0a000002));
}

static void screen_files(void **state)
{
	struct screen s;

	(void)state;
	pods_new(&s);
	fd(&s.h, 60, 3, "socket:[777]");
	fd(&s.h, 60, 4, "/var/log/a\x1b[31mlog");
	fd(&s.h, 60, 5, "socket:[778]");
	fd(&s.h, 60, 6, "socket:[779]");
	tcp(&s.h, 60, "9C40 01", 777);
	put(&s.h, "proc/60/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"
	    "0000000000000000: 00000002 00000000 00010000 0001 01 779 /run/front.sock\n");
	draw(&s, 120, 30);
	keys(&s, "f");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "front: 4 open files, by PID") >= 0);
	assert_true(line_of(&s, "tcp 127.0.0.1:80 > 10.0.0.2:40000 ESTABLISHED") > 0);
	assert_true(line_of(&s, "unix /run/front.sock") > 0);
	assert_true(line_of(&s, "socket:[778]") > 0 && line_of(&s, "/var/log/a\\x1b[31mlog") > 0);
	/* From there to its sockets: also the one that is nobody's any more. */
	keys(&s, "n");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "front: 2 sockets, by LOCAL") >= 0);
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "ESTABLISHED")].text.p, "1.0 KiB"));
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "ESTABLISHED")].text.p, "60  front"));
	assert_true(line_of(&s, "TIME_WAIT") > 0);
	keys(&s, "/time");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "1 socket,") >= 0);
	ph_top_view_key(&s.v, PH_KEY_ESCAPE);
	/* One step back, although one went from here to there. */
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 120, 30);
	assert_true(line_of(&s, "3 containers") >= 0);
	/* A process' own sockets are those that it has open. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 120, 30);
	keys(&s, "n");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "front: 1 socket of process 60") >= 0);
	/* Of a group nothing is shown, but what to do. */
	choose(&s, "images");
	keys(&s, "f");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "of one container: Enter") == 29 && line_of(&s, "2 images") >= 0);
	screen_done(&s);
}

static bool command_has(const struct screen *s, const char *arg)
{
	for (size_t i = 0; i < s->v.report.command.n; i++)
		if (!strcmp(s->v.report.command.v[i], arg))
			return true;
	return false;
}

/* What is asked of the analyses, and what they say. */
static void screen_report(void **state)
{
	static const char said[] = "front was throttled: it wanted to run for as long as a sentence takes to be wider than this\n"
				   "\nNAME   TOTAL   USER  KERNEL\x1b[2J\n  but it did not get so far as that, and this is indented as well\n";
	struct screen s;

	(void)state;
	pods_new(&s);
	draw(&s, 60, 12);
	keys(&s, "w");
	assert_int_equal(s.v.report.serial, 1);
	assert_true(command_has(&s, "throttled") && command_has(&s, "--container=" ID1));
	draw(&s, 60, 12);
	assert_true(line_of(&s, "front: what kept it from running in 5 s: looking for 0 s now") >= 0);
	ph_top_view_report(&s.v, said, strlen(said));
	ph_top_view_report_end(&s.v);
	draw(&s, 60, 12);
	/* Sentences go on below, tables are cut. */
	assert_int_equal(line_of(&s, "front was throttled") + 1, line_of(&s, "to be wider than this"));
	assert_true(line_of(&s, "NAME   TOTAL   USER  KERNEL\\x1b[2J") > 0);
	assert_int_equal(line_of(&s, "  but it did not") + 1, line_of(&s, "  well"));
	ph_top_view_key(&s.v, PH_KEY_RIGHT);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "NAME") < 0 && line_of(&s, "SER  KERNEL") > 0 && line_of(&s, "front was throttled") > 0);
	for (unsigned int i = 0; i < 100; i++)
		ph_top_view_key(&s.v, i % 2 ? PH_KEY_DOWN : PH_KEY_PAGE_DOWN);
	draw(&s, 60, 7);
	assert_true(line_of(&s, "well") > 0 && line_of(&s, "front was") < 0);
	ph_top_view_key(&s.v, PH_KEY_HOME);
	draw(&s, 60, 7);
	assert_true(line_of(&s, "front was") > 0);
	/* Asked again from here: of the same one. */
	keys(&s, "s");
	assert_int_equal(s.v.report.serial, 2);
	assert_true(command_has(&s, "calls") && command_has(&s, "--container=" ID1));
	ph_top_view_report_end(&s.v);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "There was nothing") > 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "3 containers") >= 0);
	/* What is read from files takes no BPF. */
	s.t.want.no_bpf = true;
	keys(&s, "i");
	assert_true(command_has(&s, "inspect") && command_has(&s, "--container=" ID1));
	s.t.want.no_bpf = false;
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 60, 12);
	/* Of a process; of a pod. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 60, 12);
	keys(&s, "s");
	assert_true(command_has(&s, "--pid=60"));
	draw(&s, 80, 12);
	assert_true(line_of(&s, "front: process 60: its system calls in 3 s: looking") >= 0);
	choose(&s, "pods");
	keys(&s, "w");
	assert_true(command_has(&s, "--podname=web-7") && command_has(&s, "--namespace=shop"));
	choose(&s, "pods");
	ph_top_view_key(&s.v, PH_KEY_END);
	draw(&s, 60, 12);
	keys(&s, "w");
	assert_int_equal(s.v.report.serial, 5);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "nothing in common") == 11);
	s.t.want.no_bpf = true;
	choose(&s, "containers");
	keys(&s, "s");
	draw(&s, 80, 12);
	assert_true(line_of(&s, "--no-bpf") == 11 && s.v.report.serial == 5);
	screen_done(&s);
}

/* Open files are read while their column is on the screen, as that takes time. */
static void screen_wants(void **state)
{
	struct screen s;

	(void)state;
	screen_new(&s);
	draw(&s, 80, 24);
	assert_false(s.t.want.levels & 1u << PH_TOP_FILES);
	draw(&s, 300, 24);
	assert_true(line_of(&s, "FILES") >= 0 && line_of(&s, "RESTARTS") >= 0);
	assert_true(s.t.want.levels & 1u << PH_TOP_FILES);
	draw(&s, 80, 24);
	assert_false(s.t.want.levels & 1u << PH_TOP_FILES);
	/* Every line of the help is whole. */
	keys(&s, "h");
	draw(&s, 80, 24);
	assert_true(line_of(&s, "their threads), back") > 0 && line_of(&s, "how long they take") > 0);
	assert_true(line_of(&s, "newest to the right. man porthole-top tells more.") > 0);
	screen_done(&s);
}

/* Garbage keys, clicks and sizes, while containers come and go. */
static void screen_garbage(void **state)
{
	struct ph_err err = { 0 };
	struct screen s;
	unsigned int seed = 1;

	(void)state;
	screen_new(&s);
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int r = seed = seed * 1103515245 + 12345;
		int key = r >> 16 & 1 ? (int)(PH_KEY_UP + (r >> 20) % 15) : (int)((r >> 18) % 300);

		ph_top_view_key(&s.v, key);
		if (i % 7 == 0)
			ph_top_view_click(&s.v, (r >> 8) % 40, i % 2);
		draw(&s, (r >> 9) % 120, (r >> 12) % 40);
		if (i % 300 == 0) {
			usage(&s.h, i);
			if (i % 600 == 0)
				host_remove(&s.h, "proc/70");
			assert_int_equal(ph_top_round(&s.t, (200 + i * 20) * PH_NSEC, &err), 0);
			ph_top_view_round(&s.v, (200 + i * 20) * PH_NSEC);
		}
	}
	screen_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_v2),
		cmocka_unit_test(counters_hybrid),
		cmocka_unit_test(counters_without_cgroup),
		cmocka_unit_test(come_and_go),
		cmocka_unit_test(steal_flag),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(screen_sizes),
		cmocka_unit_test(screen_keys),
		cmocka_unit_test(groups_add_up),
		cmocka_unit_test(groups_nested),
		cmocka_unit_test(screen_views),
		cmocka_unit_test(screen_files),
		cmocka_unit_test(screen_report),
		cmocka_unit_test(screen_wants),
		cmocka_unit_test(screen_garbage),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
