/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine has: processors and devices. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "base/parse.h"
#include "collect/dump_priv.h"

int dump_devices(struct dump *d)
{
	ph_autobuf b = { 0 };
	struct ifaddrs *ifs = NULL;
	char *rest, *line;
	int r = 0;

	if (ph_read_file_at(AT_FDCWD, "/proc/partitions", 1 << 20, &b) >= 0) {
		rest = b.p;
		while (r >= 0 && (line = strsep(&rest, "\n"))) {
			unsigned int major, minor;
			char name[64];

			if (sscanf(line, "%u %u %*u %63s", &major, &minor, name) != 3)
				continue;
			dump_begin(d, PH_EV_lttng_statedump_block_device);
			ph_emit_u(&d->e, major << 20 | minor);
			ph_emit_s(&d->e, name);
			r = dump_done(d);
		}
	}
	if (r >= 0 && getifaddrs(&ifs) == 0) {
		for (struct ifaddrs *i = ifs; i && r >= 0; i = i->ifa_next) {
			char addr[INET_ADDRSTRLEN] = "";

			if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
				continue;
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, addr,
				  sizeof(addr));
			dump_begin(d, PH_EV_lttng_statedump_network_interface);
			ph_emit_s(&d->e, i->ifa_name);
			ph_emit_s(&d->e, addr);
			r = dump_done(d);
		}
		freeifaddrs(ifs);
	}
	return r;
}

static int cpu_file(uint32_t cpu, const char *name)
{
	ph_autobuf b = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/%s", cpu, name);
	return ph_read_file_at(AT_FDCWD, path, 256, &b) < 0 ? -1 : atoi(b.p);
}

/* The value behind "key\t: " in one block of /proc/cpuinfo, into @out; "" where it is not there. */
static void cpuinfo(const char *block, const char *key, char *out, size_t size)
{
	const char *p = block ? strstr(block, key) : NULL;
	size_t n;

	out[0] = 0;
	p = p ? strstr(p, ": ") : NULL;
	if (!p)
		return;
	n = strcspn(p + 2, "\n");
	snprintf(out, size, "%.*s", (int)n, p + 2);
}

int dump_cpus(struct dump *d)
{
	ph_autobuf b = { 0 };
	struct utsname uts;
	int r = 0;

	uname(&uts);
	ph_read_file_at(AT_FDCWD, "/proc/cpuinfo", 4 << 20, &b);
	for (uint32_t cpu = 0; cpu < d->c->ncpus && r >= 0; cpu++) {
		char vendor[64], family[16], model[16], name[128], cores[16];

		if (cpu_file(cpu, "core_id") < 0 && cpu > 0)
			continue;
		cpuinfo(b.p, "vendor_id", vendor, sizeof(vendor));
		cpuinfo(b.p, "cpu family", family, sizeof(family));
		cpuinfo(b.p, "model\t", model, sizeof(model));
		cpuinfo(b.p, "model name", name, sizeof(name));
		cpuinfo(b.p, "cpu cores", cores, sizeof(cores));
		dump_begin(d, PH_EV_lttng_statedump_cpu_topology);
		ph_emit_s(&d->e, uts.machine);
		ph_emit_s(&d->e, vendor);
		ph_emit_u(&d->e, (uint32_t)atoi(family));
		ph_emit_u(&d->e, (uint32_t)atoi(model));
		ph_emit_s(&d->e, name);
		ph_emit_i(&d->e, cpu_file(cpu, "physical_package_id"));
		ph_emit_i(&d->e, cpu_file(cpu, "core_id"));
		ph_emit_u(&d->e, (uint32_t)atoi(cores));
		ph_emit_u(&d->e, cpu);
		r = dump_done(d);
	}
	return r;
}
