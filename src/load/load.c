/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "load/load.h"

const struct ph_load ph_loads[] = {
	{ "spin", "[TIME] [CPU]", "compute for TIME (1s)", load_spin },
	{ "burst", "[N] [ON] [OFF]", "N times compute for ON (10ms), sleep for OFF (40ms)", load_burst },
	{ "getppid", "[N] [CPU]", "N system calls (1M), timed", load_getppid },
	{ "rate", "[N] [TIME]", "N system calls (100K) a second for TIME (1s)", load_rate },
	{ "threads", "[N] [TIME]", "N threads (4) that compute for TIME (100ms)", load_threads },
	{ "sleep", "[TIME]", "sleep for TIME (1s)", load_sleep },
	{ "marks", "[FILE] [PAUSE]", "open FILE (/mark) over and over, with PAUSE (30ms) between", load_marks },
	{ "io", "[DIR] [N] [SIZE] [FILE]", "N times write SIZE (4K), fsync, read back in DIR (/tmp); FILE: ns of each fsync", load_io },
	{ "db", "SOCKET [TIME] [DIR]", "serve requests on a Unix socket, a file write each", load_db },
	{ "web", "SOCKET [TIME] [PAUSE]", "serve HTTP on loopback TCP, asking a db for each page", load_web },
	{ "sock", "[tcp|unix] [N] [SIZE]", "N round trips (100) over loopback TCP or a Unix socket", load_sock },
	{ "pingpong", "[N]", "N round trips (1000) between two processes over pipes", load_pingpong },
	{ "forks", "[N]", "N children (10) that exit at once, one after the other", load_forks },
	{ "fail", "", "calls that fail in known ways", load_fail },
	{ "deny", "WORDS", "one call that fails for a known cause (without: what there is)", load_deny },
	{ "alloc", "[SIZE]", "touch memory until SIZE (64M) or until the limit kills the child", load_alloc },
	{ "pids", "[N]", "fork up to N (1000) sleeping children until a limit refuses", load_pids },
	{ "calls", "[DIR]", "one of each of many system calls with known arguments", load_calls },
	{ "kinds", "", "system calls with every kind of argument, from threads and children", load_kinds },
	{ "cause", "EVENT", "cause one kernel event: migrate, pi, signals … (without: what there is)", load_cause },
	{ "wait", "FOR", "wait once: pipe, unix, tcp, futex, child … (without: what there is)", load_wait },
	{ "net", "CASE", "cause one network event: udp, tcp6, reset, overflow … (without: what there is)", load_net },
	{ "dns", "", "names that are asked for and answered, or not, as glibc, musl and Go do it", load_dns },
	{ "stacks", "[TIME]", "stacks that are known, for TIME (1s): recursion, a signal's handler, a thread", load_stacks },
	{ "guest", "[TIME]", "a virtual CPU computes for TIME (1s)", load_guest },
	{ "chain", "SHAPE", "tasks that wait for each other: join, pipe, lock, tcp … (without: what there is)", load_chain },
	{ "requests", "ROLE", "requests of which some wait for a lock, a server behind, a time: back, serve, ask", load_requests },
	{ "work", "SHAPE", "a fixed amount of work: compute, forkjoin, cron, serve … (without: what there is)", load_work },
	{ "who", "[TIME]", "threads and children that differ in names, ids, priorities, namespaces", load_who },
	{ "probe", "[COUNT] [now]", "call functions COUNT times (1000) with known arguments, at SIGUSR1", load_probe },
	{ "bpf", "", "the BPF programs that are loaded", load_bpf },
	{ 0 }
};

uint64_t arg_u64(int argc, char **argv, int i, uint64_t def)
{
	struct ph_err err = { 0 };
	uint64_t v = def;

	if (i < argc && ph_parse_size(argv[i], &v, &err)) {
		fprintf(stderr, "ph-load %s: %s\n", argv[0], err.msg);
		exit(2);
	}
	return v;
}

uint64_t arg_ns(int argc, char **argv, int i, uint64_t def)
{
	struct ph_err err = { 0 };
	uint64_t v = def;

	if (i < argc && ph_parse_duration(argv[i], &v, &err)) {
		fprintf(stderr, "ph-load %s: %s\n", argv[0], err.msg);
		exit(2);
	}
	return v;
}

const char *arg_str(int argc, char **argv, int i, const char *def)
{
	return i < argc ? argv[i] : def;
}

void die(const char *what)
{
	fprintf(stderr, "ph-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct ph_load *l = ph_loads; argc > 1 && l->name; l++)
		if (!strcmp(l->name, argv[1]))
			return l->run(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "--help")) {
		fprintf(stderr, "ph-load: there is no load '%s'; see ph-load --help\n", argv[1]);
		return 2;
	}
	printf("usage: ph-load LOAD [ARGUMENT...]\n\n");
	for (const struct ph_load *l = ph_loads; l->name; l++)
		printf("  %-9s %-22s %s\n", l->name, l->args, l->help);
	return argc > 1 ? 0 : 2;
}
