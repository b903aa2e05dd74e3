/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts of plain files for the tests of top. */
#ifndef PH_TEST_TOP_HOST_H
#define PH_TEST_TOP_HOST_H

#include "host_tree.h"

#include <math.h>

#include "base/clock.h"
#include "live/top_view.h"

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define CG "sys/fs/cgroup/docker/" ID1
#define NEAR(a, b) assert_true(fabs((a) - (b)) < 0.01)

/* Everything, and what is in the cgroups' files. */
static const struct ph_top_want all = { ~0ull, ~0u, true };
static const struct ph_top_want cgroups = { ~(1ull << PH_TOP_RUNQ), ~(1u << PH_TOP_FILES), true };

/* A cell of a row: its number, NAN where there is none. */
static inline double cell(struct ph_top *t, const struct ph_top_row *r, enum ph_top_col col)
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

static inline void proc_files(struct host *h, unsigned int busy, unsigned int steal)
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

static inline void v2_host(struct host *h)
{
	host_new(h, "0::/\n", V2_MOUNT);
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
	proc_files(h, 0, 0);
}

static inline void process(struct host *h, int pid, unsigned int ticks, unsigned int rss)
{
	ph_autofree char *stat = ph_asprintf("proc/%d/stat", pid), *io = ph_asprintf("proc/%d/io", pid);

	put(h, stat, "%d (a) b) R 1 1 1 0 -1 4194560 %u 0 2 0 %u %u 0 0 20 0 1 0 %d 0 %u 0", pid, ticks * 3, ticks, ticks / 2,
	    pid * 100, rss);
	put(h, io, "rchar: 9\nwchar: 9\nread_bytes: %u\nwrite_bytes: 0\ncancelled_write_bytes: 0\n", ticks * 512);
}

#endif
