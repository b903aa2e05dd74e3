/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_PROFILE_STREAM_H
#define PH_TESTS_PROFILE_STREAM_H

#include <stdio.h>

#include "analyze/profile.h"
#include "base/cleanup.h"
#include "source/synthetic.h"
#include "test.h"

/* Containers 1 "web" with process 7 (tasks 7 and 8) and 2 "db" with 20; 7 has nginx and the C library mapped. */
static const char profile_setup[] =
	"@0 container_info index=1 name=web pod=web-1 pod_namespace=shop image=nginx:1.27 cgroup_path=/pod/web cgroup_id=12\n"
	"@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=8 pid=7 name=worker container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=20 pid=20 name=sh container=2 cgroup_id=13 status=5 syscall=-1\n"
	"@0 mapped_file file=1 path=/usr/sbin/nginx build_id=0123\n@0 mapped_file file=2 path=/lib/libc.so.6 build_id=abcdef\n"
	"@0 process_map pid=7 begin=0x400000 end=0x410000 vaddr=0 file=1\n"
	"@0 process_map pid=7 begin=0x7f0000000000 end=0x7f0000010000 vaddr=0x28000 file=2\n";

/* Told after the stacks that need them. */
#define NAMES \
	"+50 user_symbol file=1 vaddr=0x1100 depth=0 inlined=1 name=next source=parse.c line=10\n" \
	"+0 user_symbol file=1 vaddr=0x1100 depth=1 name=parse source=parse.c line=20\n" \
	"+0 user_symbol file=1 vaddr=0x2000 name=serve source=serve.c line=31\n" \
	"+0 user_symbol file=1 vaddr=0x3010 name=main source=main.c line=40\n" \
	"+0 user_symbol file=2 vaddr=0x28555 name=\"\"\n" \
	"+0 kernel_symbol address=0xffff1000 name=do_read\n+0 kernel_symbol address=0xffff2000 name=do_syscall\n" \
	"+0 kernel_symbol address=0xffff3000 name=futex_wait\n+0 kernel_symbol address=0xffff4000 name=schedule\n" \
	"+0 kernel_symbol address=0xffff5000 name=__schedule\n"

struct profiled {
	struct ph_identity *id;
	struct ph_profile *p;
};

ph_unused static void profiled_of(struct profiled *d, const struct ph_profile_opts *o, const char *events)
{
	ph_autofree char *text = ph_asprintf("%s%s", profile_setup, events);
	struct ph_err err = { 0 };
	struct ph_source *src;
	struct ph_event *ev;

	if (ph_synthetic_parse(text, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	d->id = ph_identity_new();
	d->p = ph_profile_new(d->id, o);
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(d->id, ev);
		ph_profile_feed(d->p, ev);
	}
	ph_profile_finish(d->p, 0);
	ph_source_close(src);
}

ph_unused static void profiled_done(struct profiled *d)
{
	ph_profile_free(d->p);
	ph_identity_free(d->id);
}

#endif
