/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of porthole stat: columns, headings, and their numbers on a host of plain files. */
#include "top_host.h"

#include <time.h>

#include "live/stat.h"

#define HEAD_WEB "    TIME   CPU%  USER%   SYS%   LIM%   THR%  RUNQ%  PSI-CPU%  PSI-MEM%  PSI-IO%       MEM    READ/s   WRITE/s" \
		 "      RX/s      TX/s  CALLS/s  ERRS/s  HOST%  HSTEAL%\n"
#define UNIX (1700000100 * PH_NSEC)	/* 22:15:00 */

static void pressure(struct host *h, const char *name, unsigned int us)
{
	ph_autofree char *path = ph_asprintf(CG "/%s.pressure", name);

	put(h, path, "some avg10=9.00 avg60=9.00 avg300=9.00 total=%u\nfull avg10=9.00 avg60=9.00 avg300=9.00 total=7\n", us);
}

static void web(struct host *h, unsigned int k, unsigned int cpu_us)
{
	put(h, CG "/cpu.stat", "usage_usec %u\nuser_usec %u\nsystem_usec %u\nnr_periods %u\nnr_throttled %u\nthrottled_usec 0\n",
	    cpu_us, cpu_us / 4 * 3, cpu_us / 4, k * 10, k * 4);
	put(h, CG "/memory.current", "8388608\n");
	put(h, CG "/memory.stat", "inactive_file 2097152\npgfault 0\npgmajfault 0\n");
	put(h, CG "/io.stat", "8:0 rbytes=%u wbytes=%u rios=0 wios=0 dbytes=0 dios=0\n", k * 4096, k * 100);
	pressure(h, "cpu", k * 300000);
	pressure(h, "memory", k * 100000);
	pressure(h, "io", k * 55500);
	put(h, "proc/60/net/dev", "h\nh\n  eth0: %u 10 0 0 0 0 0 0 %u 20 0 0 0 0 0 0\n", k * 2048, k * 10);
	put(h, "proc/60/task/60/schedstat", "5000 %u 12\n", k * 125000000);
}

struct fixture {
	struct host h;
	struct ph_top t;
	struct ph_table_fmt fmt;
	struct ph_stat st;
	struct ph_buf out;
};

/* A machine and one container with half a CPU, looked at at second 10. */
static void begin_called(struct fixture *f, const char *name)
{
	struct host *h = &f->h;
	struct ph_top_want want = { .no_bpf = true };
	struct ph_err err = { 0 };

	*f = (struct fixture){ 0 };
	v2_host(h);
	put(h, CG "/cpu.max", "50000 100000\n");
	put(h, CG "/cgroup.events", "populated 1\nfrozen 0\n");
	put(h, "var/lib/docker/containers/" ID1 "/config.v2.json", "{\"Name\":\"/%s\",\"State\":{\"Running\":true}}",
	    name);
	add_proc(h, 60, 1, "nginx", "0::/docker/" ID1 "\n", 700, "\t1");
	web(h, 0, 0);
	ph_stat_want(&f->fmt, &want);
	assert_int_equal(ph_top_open(&f->t, h->root, &want, &err), 0);
	assert_int_equal(ph_top_round(&f->t, 10 * PH_NSEC, &err), 0);
}

static void begin(struct fixture *f)
{
	begin_called(f, "web");
}

static void end(struct fixture *f)
{
	ph_stat_done(&f->st);
	ph_top_close(&f->t);
	host_done(&f->h);
	ph_buf_done(&f->out);
}

static bool containers(void *arg, const struct ph_top_row *r)
{
	return r->hc->c.index != 0;
}

static bool everything(void *arg, const struct ph_top_row *r)
{
	return true;
}

static bool nothing(void *arg, const struct ph_top_row *r)
{
	return false;
}

/* From the headings on: the container, whose name everybody knows, or everything. */
static void start(struct fixture *f, bool (*wanted)(void *arg, const struct ph_top_row *r))
{
	ph_stat_done(&f->st);
	f->st = (struct ph_stat){ .t = &f->t, .fmt = &f->fmt, .wanted = wanted, .one = wanted == containers,
				  .machine = wanted == everything };
}

static const char *lines(struct fixture *f, unsigned int width, unsigned int height)
{
	struct ph_err err = { 0 };

	ph_buf_clear(&f->out);
	assert_true(ph_stat_round(&f->st, UNIX, width, height, &f->out, &err) >= 0);
	return f->out.p ? f->out.p : "";
}

#define HAS(out, line) do { if (!strstr(out, line)) fail_msg("no '%s' in:\n%s", line, out); } while (0)

static void one_container(void **state)
{
	struct ph_err err = { 0 };
	struct fixture f;

	begin(&f);
	start(&f, containers);
	proc_files(&f.h, 100, 30);
	web(&f.h, 1, 250000);
	assert_int_equal(ph_top_round(&f.t, 11 * PH_NSEC, &err), 0);
	assert_string_equal(lines(&f, 0, 0), HEAD_WEB
			    "22:15:00   25.0   18.8    6.2   50.0   40.0   12.5      30.0      10.0      5.5   6.0 MiB   4.0 KiB     100 B"
			    "   2.0 KiB      10 B        -       -  100.0     30.0\n");
	/* It waits for a disk, and so uses no CPU: what it waits and what is written for it is seen at once. */
	web(&f.h, 2, 250000);
	assert_int_equal(ph_top_round(&f.t, 12 * PH_NSEC, &err), 0);
	assert_string_equal(lines(&f, 0, 0),
			    "22:15:00    0.0    0.0    0.0    0.0   40.0   12.5      30.0      10.0      5.5   6.0 MiB   4.0 KiB     100 B"
			    "   2.0 KiB      10 B        -       -    0.0      0.0\n");
	f.st.wanted = nothing;
	assert_string_equal(lines(&f, 0, 0), "");
	end(&f);
}

/* The table of top takes idle containers to be as before, but not what they wait for. */
static void idle_in_top(void **state)
{
	struct ph_err err = { 0 };
	struct fixture f;

	begin(&f);
	f.t.want.each_round = false;
	for (unsigned int k = 1; k < 4; k++) {
		web(&f.h, k, 0);
		assert_int_equal(ph_top_round(&f.t, (10 + k) * PH_NSEC, &err), 0);
		NEAR(cell(&f.t, f.t.rows.v[1], PH_TOP_COL_IO_SOME), 5.55);
		NEAR(cell(&f.t, f.t.rows.v[1], PH_TOP_COL_READ), 0);
	}
	end(&f);
}

/* The machine and all containers: a row each, with names; steal is the machine's. */
static void machine_and_containers(void **state)
{
	struct ph_err err = { 0 };
	struct fixture f;

	begin(&f);
	start(&f, everything);
	f.fmt.sort = "container";
	f.st.digits = 3;
	proc_files(&f.h, 100, 30);
	web(&f.h, 1, 250000);
	assert_int_equal(ph_top_round(&f.t, 12 * PH_NSEC, &err), 0);
	assert_string_equal(lines(&f, 0, 0),
			    "        TIME  CONTAINER   CPU%  USER%   SYS%   LIM%   THR%  RUNQ%  PSI-CPU%  PSI-MEM%  PSI-IO%       MEM"
			    "    READ/s   WRITE/s      RX/s      TX/s  CALLS/s  ERRS/s  STEAL%\n"
			    "22:15:00.000  (host)      50.0   50.0    0.0   25.0      -      -       5.0         -        -   768 KiB"
			    "    25 KiB       0 B         -         -        -       -    15.0\n"
			    "22:15:00.000  web         12.5    9.4    3.1   25.0   40.0    6.2      15.0       5.0      2.8   6.0 MiB"
			    "   2.0 KiB      50 B   1.0 KiB       5 B        -       -       -\n");
	f.fmt.sort = "-cpu_percent";
	f.fmt.max_entries = 1;
	start(&f, everything);
	assert_null(strstr(lines(&f, 0, 0), "web"));
	HAS(f.out.p, "(host)");
	end(&f);
}

/* What fits, the most important first; no line is wider than the terminal. */
static void widths(void **state)
{
	struct fixture f;

	begin(&f);
	start(&f, containers);
	HAS(lines(&f, 80, 24), "    TIME   CPU%   THR%  RUNQ%  PSI-CPU%  PSI-MEM%  PSI-IO%       MEM  HSTEAL%\n");
	HAS(lines(&f, 160, 24), "ERRS/s");
	/* Another width has other columns, and their headings at once. */
	HAS(lines(&f, 40, 24), "    TIME   CPU%   THR%  RUNQ%       MEM\n");
	assert_null(strstr(lines(&f, 40, 24), "TIME"));
	f.st.one = false;
	HAS(lines(&f, 41, 24), "    TIME  CONTAINER   CPU%   THR%  RUNQ%\n");
	for (unsigned int w = 1; w < 200; w += 3)
		for (const char *l = lines(&f, w, 24); *l; l += strcspn(l, "\n") + 1)
			assert_true(strcspn(l, "\n") <= w);
	/* When and who stay, however little room there is. */
	HAS(lines(&f, 13, 24), "    TIME  CON");
	end(&f);
	/* A long name takes the others' room. */
	begin_called(&f, "a-name-of-22-letters-x");
	start(&f, containers);
	f.st.one = false;
	HAS(lines(&f, 41, 24), "    TIME  CONTAINER                CPU%\n");
	end(&f);
}

static unsigned int headings(struct fixture *f, unsigned int rounds, unsigned int height)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < rounds; i++)
		n += strstr(lines(f, height ? 120 : 0, height), "TIME") != NULL;
	return n;
}

/* Once in a file; on a terminal on each screenful, with the line that the cursor is in. */
static void headings_again(void **state)
{
	struct fixture f;

	begin(&f);
	start(&f, everything);
	assert_int_equal(headings(&f, 100, 0), 1);
	start(&f, everything);
	/* Ten lines: the headings, four rounds of two, and the cursor. */
	assert_int_equal(headings(&f, 9, 10), 3);
	f.fmt.max_entries = 1;
	start(&f, everything);
	assert_int_equal(headings(&f, 9, 10), 2);
	f.fmt.no_header = true;
	assert_int_equal(headings(&f, 9, 10), 0);
	end(&f);
}

static void other_fields_and_formats(void **state)
{
	struct ph_top_want want = { 0 };
	struct fixture f;

	begin(&f);
	start(&f, containers);
	ph_strv_add(&f.fmt.fields, "+cpu_limit");
	HAS(lines(&f, 0, 0), "  HOST%  HSTEAL%   CPUS\n");
	ph_strv_add(&f.fmt.fields, "container");
	ph_strv_add(&f.fmt.fields, "time_unix_ns");
	start(&f, containers);
	assert_string_equal(lines(&f, 0, 0), " CPUS  CONTAINER      TIME\n  0.5  web        22:15:00\n");
	/* What is asked for is read, and recorded with -w, and nothing else. */
	ph_strv_add(&f.fmt.fields, "page_faults_per_s");
	ph_stat_want(&f.fmt, &want);
	assert_int_equal(want.counts, 1ull << PH_TOP_FAULTS);
	ph_strv_done(&f.fmt.fields);
	/* In a file each line stands for itself: it has the name. */
	f.fmt = (struct ph_table_fmt){ .output = PH_OUT_CSV };
	start(&f, containers);
	HAS(lines(&f, 0, 0), "time_unix_ns,container,cpu_percent,user_percent,");
	HAS(f.out.p, ",host_cpu_percent,host_steal_percent\r\n1700000100000000000,web,,");
	assert_null(strstr(lines(&f, 0, 0), "container"));
	f.fmt.output = PH_OUT_JSON;
	start(&f, containers);
	HAS(lines(&f, 0, 0), "{\"container\":\"web\",");
	HAS(f.out.p, "\"time_unix_ns\":1700000100000000000}\n");
	end(&f);
}

/* A kernel with cgroup v1 alone tells of no container's pressure. */
static void pressure_v1(void **state)
{
	struct ph_top_want want = { .no_bpf = true };
	struct ph_err err = { 0 };
	struct fixture f = { 0 };

	host_new(&f.h, "1:cpu,cpuacct:/\n", "30 20 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
	proc_files(&f.h, 0, 0);
	add_proc(&f.h, 60, 1, "nginx", "1:cpu,cpuacct:/docker/" ID1 "\n", 0, "\t1");
	ph_stat_want(&f.fmt, &want);
	assert_int_equal(ph_top_open(&f.t, f.h.root, &want, &err), 0);
	start(&f, containers);
	for (unsigned int k = 0; k < 2; k++) {
		put(&f.h, "sys/fs/cgroup/cpu/docker/" ID1 "/cpuacct.usage", "%u\n", k * 400000000);
		assert_int_equal(ph_top_round(&f.t, (20 + k) * PH_NSEC, &err), 0);
	}
	HAS(lines(&f, 80, 24), "22:15:00   40.0    0.0      -         -         -        -         -      0.0\n");
	ph_buf_clear(&f.out);
	ph_top_missing(&f.t, &f.st.shown, &f.out);
	HAS(f.out.p, "cpu_some_percent: no cgroup here tells of waiting");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_container),
		cmocka_unit_test(idle_in_top),
		cmocka_unit_test(machine_and_containers),
		cmocka_unit_test(widths),
		cmocka_unit_test(headings_again),
		cmocka_unit_test(other_fields_and_formats),
		cmocka_unit_test(pressure_v1),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
