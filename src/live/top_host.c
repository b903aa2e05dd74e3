/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine as a whole: row 0, and what only a machine has. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "live/top.h"

/* "cpu  user nice system idle iowait irq softirq steal …" in ticks; then a line for each CPU. */
static void cpu_times(struct ph_top *t, struct ph_top_sample *s)
{
	unsigned long long v[8] = { 0 };
	uint64_t tick = PH_NSEC / (uint64_t)sysconf(_SC_CLK_TCK);
	ph_autobuf b = { 0 };

	t->host.cpus = 0;
	if (ph_read_file_at(t->procfd, "stat", 4 << 20, &b) < 0 || !b.p)
		return;
	for (const char *l = b.p; (l = strstr(l, "\ncpu")); l++)
		t->host.cpus++;
	if (sscanf(b.p, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		   &v[6], &v[7]) < 4)
		return;
	ph_top_set(s, PH_TOP_USER, (v[0] + v[1]) * tick);
	ph_top_set(s, PH_TOP_SYSTEM, (v[2] + v[5] + v[6]) * tick);
	ph_top_set(s, PH_TOP_CPU, (v[0] + v[1] + v[2] + v[5] + v[6]) * tick);
	ph_top_set(s, PH_TOP_STEAL, v[7] * tick);
}

static void memory(struct ph_top *t, struct ph_top_sample *s)
{
	uint64_t total, available, free_;
	char buf[8192];

	if (!ph_top_read(t->procfd, "meminfo", buf, sizeof(buf)) || !ph_top_number(buf, "MemTotal", &total))
		return;
	ph_top_set_level(s, PH_TOP_MEMORY_LIMIT, total * 1024);
	if (ph_top_number(buf, "MemAvailable", &available))
		ph_top_set_level(s, PH_TOP_WORKING_SET, (total > available ? total - available : 0) * 1024);
	if (ph_top_number(buf, "MemFree", &free_))
		ph_top_set_level(s, PH_TOP_MEMORY, (total > free_ ? total - free_ : 0) * 1024);
}

static void faults(struct ph_top *t, struct ph_top_sample *s)
{
	char buf[16384];
	uint64_t v;

	if (!ph_top_read(t->procfd, "vmstat", buf, sizeof(buf)))
		return;
	if (ph_top_number(buf, "pgfault", &v))
		ph_top_set(s, PH_TOP_FAULTS, v);
	if (ph_top_number(buf, "pgmajfault", &v))
		ph_top_set(s, PH_TOP_MAJOR_FAULTS, v);
	if (ph_top_number(buf, "oom_kill", &v))
		ph_top_set_level(s, PH_TOP_OOM_KILLS, v);
}

/* Devices made of others would count twice. */
static bool stacked(const char *name)
{
	static const char *const kinds[] = { "loop", "ram", "zram", "dm-", "md" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])))
			return true;
	return false;
}

/* sda1 of sda, nvme0n1p1 of nvme0n1: partitions follow their disk. */
static bool partition(const char *disk, const char *name)
{
	size_t n = strlen(disk);

	if (!n || strncmp(disk, name, n))
		return false;
	name += n;
	name += *name == 'p';
	return *name && !name[strspn(name, "0123456789")];
}

static void disks(struct ph_top *t, struct ph_top_sample *s)
{
	uint64_t sum[4] = { 0 };
	char disk[64] = "", *save = NULL;
	ph_autobuf b = { 0 };

	if (ph_read_file_at(t->procfd, "diskstats", 1 << 20, &b) < 0 || !b.p)
		return;
	for (char *l = strtok_r(b.p, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		unsigned long long rios, rsect, wios, wsect;
		char name[64];

		if (sscanf(l, "%*u %*u %63s %llu %*u %llu %*u %llu %*u %llu", name, &rios, &rsect, &wios, &wsect) != 5 ||
		    stacked(name) || partition(disk, name))
			continue;
		memcpy(disk, name, sizeof(disk));
		sum[0] += rsect * 512;
		sum[1] += wsect * 512;
		sum[2] += rios;
		sum[3] += wios;
	}
	ph_top_set(s, PH_TOP_READ_BYTES, sum[0]);
	ph_top_set(s, PH_TOP_WRITE_BYTES, sum[1]);
	ph_top_set(s, PH_TOP_READS, sum[2]);
	ph_top_set(s, PH_TOP_WRITES, sum[3]);
}

/* Bridges and the host's ends of containers' links would count twice: those with hardware behind them. */
static bool has_device(void *arg, const char *name)
{
	struct ph_top *t = arg;
	char path[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/device", name);
	return faccessat(t->rootfd, path, F_OK, 0) == 0;
}

void ph_top_net(const char *text, bool (*only)(void *arg, const char *name), void *arg, struct ph_top_sample *s)
{
	uint64_t sum[5] = { 0 };

	for (const char *l = text; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		unsigned long long rb, rp, rd, tb, tp, td;
		char name[32];

		if (sscanf(l, " %31[^: \t\n]: %llu %llu %*u %llu %*u %*u %*u %*u %llu %llu %*u %llu", name, &rb, &rp, &rd,
			   &tb, &tp, &td) != 7 ||
		    !strcmp(name, "lo") || (only && !only(arg, name)))
			continue;
		sum[0] += rb;
		sum[1] += tb;
		sum[2] += rp;
		sum[3] += tp;
		sum[4] += rd + td;
	}
	ph_top_set(s, PH_TOP_RX_BYTES, sum[0]);
	ph_top_set(s, PH_TOP_TX_BYTES, sum[1]);
	ph_top_set(s, PH_TOP_RX_PACKETS, sum[2]);
	ph_top_set(s, PH_TOP_TX_PACKETS, sum[3]);
	ph_top_set(s, PH_TOP_NET_DROPS, sum[4]);
}

static void pressures(struct ph_top *t, struct ph_top_sample *s)
{
	static const struct { const char *file; enum ph_top_count some, full; } rows[] = {
		{ "pressure/cpu", PH_TOP_CPU_SOME, PH_TOP_CPU_FULL },
		{ "pressure/io", PH_TOP_IO_SOME, PH_TOP_IO_FULL },
		{ "pressure/memory", PH_TOP_MEMORY_SOME, PH_TOP_MEMORY_FULL },
	};
	char buf[512];
	uint64_t ns;

	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		if (!ph_top_read(t->procfd, rows[i].file, buf, sizeof(buf)))
			continue;
		if (ph_top_pressure(buf, "some ", &ns))
			ph_top_set(s, rows[i].some, ns);
		if (ph_top_pressure(buf, "full ", &ns))
			ph_top_set(s, rows[i].full, ns);
	}
}

/* Only what lasts is worth a flag: a moment's steal is the neighbour's start-up. */
static void watch_steal(struct ph_top *t, const struct ph_top_row *r)
{
	uint64_t stolen;

	if (!ph_top_delta(r, PH_TOP_STEAL, &stolen) || !t->host.cpus)
		return;
	if ((double)stolen * 100 > PH_TOP_STEAL_PERCENT * (double)ph_top_interval(r) * t->host.cpus)
		t->host.steal_over_ns += ph_top_interval(r);
	else
		t->host.steal_over_ns = 0;
}

void ph_top_host_round(struct ph_top *t, struct ph_top_row *r)
{
	unsigned int tasks;
	char buf[65536];

	if (ph_top_read(t->procfd, "loadavg", buf, sizeof(buf)) &&
	    sscanf(buf, "%lf %lf %lf %*u/%u", &t->host.load[0], &t->host.load[1], &t->host.load[2], &tasks) == 4)
		ph_top_set_level(&r->now, PH_TOP_TASKS, tasks);
	cpu_times(t, &r->now);
	memory(t, &r->now);
	faults(t, &r->now);
	disks(t, &r->now);
	if (ph_top_read(t->procfd, "1/net/dev", buf, sizeof(buf)) || ph_top_read(t->procfd, "net/dev", buf, sizeof(buf)))
		ph_top_net(buf, has_device, t, &r->now);
	pressures(t, &r->now);
	watch_steal(t, r);
}
