/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctf/ctf.h"

/*
 * Writes a trace of a made-up scheduler and system call load, and says what an event cost in time
 * and bytes: `ctf_gen DIR EVENTS [CPUS]`. The mix per step: a wake-up, two switches, and entry and
 * exit of a system call.
 */
#define NAMES 8

static const char *const names[NAMES] = {
	"nginx", "redis-server", "postgres", "swapper/0", "kworker/0:1", "java", "sh", "containerd-shim",
};

static struct ph_value name_value(uint32_t i)
{
	const char *s = names[i % NAMES];

	return (struct ph_value){ .s = s, .n = (uint32_t)strlen(s) };
}

static const struct ph_field call_fields[] = {
	{ "fd", &ph_type_u32, PH_UNIT_FD, NULL },
	{ "buf", &ph_type_x64, PH_UNIT_NONE, NULL },
	{ "count", &ph_type_u64, PH_UNIT_NONE, NULL },
};
static const struct ph_field ret_fields[] = {
	{ "ret", &ph_type_s64, PH_UNIT_RET, NULL },
};
static const struct ph_class call_class = {
	.name = "syscall_entry_read", .fields = call_fields, .nfields = 3, .syscall_nr = 0,
};
static const struct ph_class ret_class = {
	.name = "syscall_exit_read", .fields = ret_fields, .nfields = 1, .syscall_nr = 0,
};

/* Event @i of the load. */
static struct ph_event make(uint64_t i, struct ph_value v[8])
{
	uint32_t t = (uint32_t)(i / 5 % 1000);
	struct ph_event ev = { .v = v, .tid = (int32_t)(1000 + t), .container = t % 17 };

	switch (i % 5) {
	case 0:
		ev.cls = ph_class_by_id(PH_EV_sched_waking);
		v[0] = name_value(t + 1);
		v[1].i = (int32_t)t + 1001;
		v[2].i = 20;
		v[3].i = 1;
		break;
	case 1:
	case 4:
		ev.cls = ph_class_by_id(PH_EV_sched_switch);
		v[0] = name_value(t);
		v[1].i = ev.tid;
		v[2].i = 20;
		v[3].i = 1;
		v[4] = name_value(t + 1);
		v[5].i = ev.tid + 1;
		v[6].i = 20;
		break;
	case 2:
		ev.cls = &call_class;
		v[0].u = t % 50;
		v[1].u = 0x7ffe12345678 + i;
		v[2].u = 4096;
		break;
	case 3:
		ev.cls = &ret_class;
		v[0].i = (int64_t)(i % 4096);
		break;
	}
	return ev;
}

static int run(const char *dir, uint64_t n, uint32_t ncpus, struct ph_err *err)
{
	struct ph_ctf_env env = { .hostname = "bench", .trace_name = "bench", .offset_ns = 1700000000000000000 };
	struct ph_ctf_stream *st[64], *state;
	struct ph_event dump = { .cls = ph_class_by_id(PH_EV_lttng_statedump_start), .ts_ns = 1000000000 };
	struct ph_value v[8] = { 0 };
	struct ph_ctf_writer *w;
	uint64_t t0, t1, bytes;
	int r;

	r = ph_ctf_create(dir, &env, NULL, 0, &w, err);
	if (r < 0)
		return r;
	for (uint32_t c = 0; c < ncpus && r == 0; c++)
		r = ph_ctf_stream(w, "channel0", c, &st[c], err);
	/* A recording has its state dump in a stream of its own: what a reader needs before it seeks. */
	if (r == 0)
		r = ph_ctf_stream(w, "state", 0, &state, err);
	if (r == 0)
		r = ph_ctf_write(state, &dump, err);
	t0 = ph_now_ns();
	for (uint64_t i = 0; i < n && r == 0; i++) {
		struct ph_event ev = make(i, v);

		ev.ts_ns = 1000000000 + i * 500;
		/* Runs of a few events: CPUs do not take turns at each. */
		r = ph_ctf_write(st[i / 7 % ncpus], &ev, err);
	}
	t1 = ph_now_ns();
	bytes = ph_ctf_bytes(w);
	if (r == 0)
		r = ph_ctf_close(w, 0, err);
	else
		ph_ctf_close(w, 0, NULL);
	if (r == 0)
		printf("%" PRIu64 " events, %.1f ns and %.1f bytes each\n", n,
		       (double)(t1 - t0) / (double)n, (double)bytes / (double)n);
	return r;
}

int main(int argc, char **argv)
{
	struct ph_err err = { 0 };
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	uint32_t ncpus = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 4;

	if (!n || !ncpus || ncpus > 64) {
		fprintf(stderr, "usage: ctf_gen DIR EVENTS [CPUS, at most 64]\n");
		return 2;
	}
	if (run(argv[1], n, ncpus, &err) < 0) {
		fprintf(stderr, "ctf_gen: %s\n", err.msg);
		return 1;
	}
	return 0;
}
