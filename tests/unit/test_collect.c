/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the kernel side become events; broken ones become nothing. */
#include "base/clock.h"
#include "test.h"

#include <errno.h>

#include <stdlib.h>
#include <string.h>

#include "collect/priv.h"
#include "unwind/walk.h"

struct fixture {
	struct ph_ctable ct;
	struct ph_decoder dec;
	uint64_t generation;
	union {
		struct ph_rec rec;
		uint8_t bytes[8192];
	} r;
	uint32_t len;
};

static int setup(void **state)
{
	struct fixture *f = ph_alloc(sizeof(*f));

	ph_ctable_init(&f->ct, NULL, false, -1, -1, -1, NULL, &f->generation);
	ph_decoder_init(&f->dec, &f->ct, 0);
	f->r.rec.ts_ns = 1000;
	f->r.rec.tid = 7;
	f->r.rec.pid = 6;
	f->len = sizeof(struct ph_rec);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ph_decoder_done(&f->dec);
	ph_ctable_done(&f->ct);
	free(f);
	return 0;
}

static void put(struct fixture *f, const void *p, size_t n)
{
	memcpy(f->r.bytes + f->len, p, n);
	f->len += (uint32_t)n;
}

static void put_u(struct fixture *f, uint64_t v, size_t n)
{
	put(f, &v, n);
}

static int decode(struct fixture *f, uint32_t id)
{
	return ph_decode(&f->dec, &f->r.rec, f->len, id);
}

static void a_switch(void **state)
{
	struct fixture *f = *state;
	const struct ph_event *ev = &f->dec.ev;

	put(f, "bash\0\0\0\0\0\0\0\0\0\0\0", 16);
	put_u(f, 7, 4);
	put_u(f, 20, 4);
	put_u(f, 1, 8);
	put(f, "sixteen_chars_ab", 16);
	put_u(f, 9, 4);
	put_u(f, (uint64_t)-100, 4);
	assert_int_equal(decode(f, PH_EV_sched_switch), 1);
	assert_string_equal(ev->cls->name, "sched_switch");
	assert_int_equal(ev->ts_ns, 1000);
	assert_int_equal(ev->tid, 7);
	assert_int_equal(ev->pid, 6);
	assert_int_equal(ev->container, PH_CONTAINER_HOST);
	assert_int_equal(ph_event_field(ev, PH_FLD(sched_switch, prev_comm))->n, 4);
	assert_int_equal(ph_event_field(ev, PH_FLD(sched_switch, next_comm))->n, 16);
	assert_int_equal(ph_event_i(ev, PH_FLD(sched_switch, prev_state), 0), 1);
	assert_int_equal(ph_event_i(ev, PH_FLD(sched_switch, next_prio), 0), -100);
	/* The recorder's contexts: tid and container, by position. */
	assert_int_equal(ev->cls->nctx, 2);
	assert_int_equal(ev->ctx[0].i, 7);
}

/* Bytes in the middle: their lengths stand in the fixed part, they themselves behind it. */
static void a_wait(void **state)
{
	struct fixture *f = *state;
	const struct ph_event *ev = &f->dec.ev;
	const struct ph_value *v;

	put(f, "waiter\0\0\0\0\0\0\0\0\0", 16);
	put_u(f, 7, 4);
	put_u(f, 1, 8);
	put_u(f, 45, 4);
	put_u(f, 0, 1);
	put_u(f, 3, 8);
	put_u(f, 0xffff0000, 8);
	put_u(f, 64, 8);
	put_u(f, 3, 4);
	put_u(f, 0140000, 4);
	put_u(f, 8, 4);
	put_u(f, 4711, 8);
	put_u(f, 2, 2);
	put_u(f, 6, 2);
	put_u(f, 80, 2);
	put_u(f, 5000, 2);
	put_u(f, 4, 2);
	put_u(f, 4, 2);
	put_u(f, 99, 8);
	assert_int_equal(decode(f, PH_EV_sched_block), 0);	/* without the addresses */
	put(f, "\x7f\0\0\1\x0a\0\0\2", 8);
	assert_int_equal(decode(f, PH_EV_sched_block), 1);
	assert_int_equal(ph_event_u(ev, PH_FLD(sched_block, ino), 0), 4711);
	assert_int_equal(ph_event_u(ev, PH_FLD(sched_block, dport), 0), 5000);
	v = ph_event_field(ev, PH_FLD(sched_block, daddr));
	assert_int_equal(v->n, 4);
	assert_memory_equal(v->s, "\x0a\0\0\2", 4);
	assert_int_equal(ph_event_u(ev, PH_FLD(sched_block, peer_ino), 0), 99);
}

/* A sequence of addresses, as long as a record may have it and no longer. */
static void a_stack(void **state)
{
	struct fixture *f = *state;
	const struct ph_value *v;

	put(f, "waiter\0\0\0\0\0\0\0\0\0", 16);
	put_u(f, 7, 4);
	put_u(f, PH_STACK_MAX, 2);
	for (uint64_t i = 0; i < PH_STACK_MAX - 1; i++)
		put_u(f, 0xffffffff81000000 + i, 8);
	assert_int_equal(decode(f, PH_EV_sched_block_stack), 0);
	put_u(f, UINT64_MAX, 8);
	assert_int_equal(decode(f, PH_EV_sched_block_stack), 1);
	v = ph_event_field(&f->dec.ev, PH_FLD(sched_block_stack, callstack_kernel));
	assert_int_equal(v->n, PH_STACK_MAX);
	assert_int_equal(v->v[1].u, 0xffffffff81000001);
	assert_int_equal(v->v[PH_STACK_MAX - 1].u, UINT64_MAX);
}

/* Two sequences in one event: their lengths in the fixed part, one behind the other after it. */
static void both_stacks(void **state)
{
	const uint64_t most = PH_FRAMES_KERNEL + PH_FRAMES_USER;
	struct fixture *f = *state;
	const struct ph_value *v;

	put_u(f, 0, 4);
	put_u(f, 10101010, 8);
	put_u(f, 0, 1);
	put(f, "worker\0\0\0\0\0\0\0\0\0", 16);
	put_u(f, 7, 4);
	put_u(f, PH_FRAMES_KERNEL, 2);
	put_u(f, PH_FRAMES_USER, 2);
	put_u(f, PH_END_COMPLETE, 1);
	put_u(f, 8100, 4);
	for (uint64_t i = 0; i < most - 1; i++)
		put_u(f, 0x1000 + i, 8);
	assert_int_equal(decode(f, PH_EV_callstack), 0);
	put_u(f, 5, 8);
	assert_int_equal(decode(f, PH_EV_callstack), 1);
	assert_int_equal(ph_event_u(&f->dec.ev, PH_FLD(callstack, walk_ns), 0), 8100);
	v = ph_event_field(&f->dec.ev, PH_FLD(callstack, callstack_kernel));
	assert_int_equal(v->n, PH_FRAMES_KERNEL);
	assert_int_equal(v->v[PH_FRAMES_KERNEL - 1].u, 0x1000 + PH_FRAMES_KERNEL - 1);
	v = ph_event_field(&f->dec.ev, PH_FLD(callstack, callstack_user));
	assert_int_equal(v->n, PH_FRAMES_USER);
	assert_int_equal(v->v[0].u, 0x1000 + PH_FRAMES_KERNEL);
	assert_int_equal(v->v[PH_FRAMES_USER - 1].u, 5);
	assert_int_equal(ph_event_u(&f->dec.ev, PH_FLD(callstack, user_end), 0), PH_END_COMPLETE);
	/* One more than there is room for. */
	f->r.bytes[sizeof(struct ph_rec) + 33]++;
	put_u(f, 1, 8);
	assert_int_equal(decode(f, PH_EV_callstack), 0);
}

/* "NAME in PARENT: STATE;" for each container_info, "NAME stops;" for each end. */
static int note_life(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_buf *b = arg;

	const struct ph_value *name;

	if (ev->cls->id == PH_EV_container_info) {
		const struct ph_value *life = &ev->v[PH_FLD(container_info, state)];

		name = &ev->v[PH_FLD(container_info, name)];
		ph_buf_addf(b, "%.*s in %d: %.*s; ", (int)name->n, name->s,
			    (int)ev->v[PH_FLD(container_info, parent)].u, (int)life->n, life->s);
	} else if (ev->cls->id == PH_EV_container_stop) {
		name = &ev->v[PH_FLD(container_stop, name)];
		ph_buf_addf(b, "%.*s stops; ", (int)name->n, name->s);
	}
	return 0;
}

static void control(struct fixture *f, struct ph_buf *said, uint32_t kind, uint32_t index, uint32_t flags,
		    uint64_t id, const char *path)
{
	struct ph_ctl r = { .kind = kind, .index = index, .flags = flags, .cgroup_id = id, .tid = 1 << 30,
			    .pid = 1 << 30 };
	struct ph_err err = { 0 };

	snprintf(r.path, sizeof(r.path), "%s", path);
	ph_buf_clear(said);
	assert_int_equal(ph_ctable_control(&f->ct, &r, note_life, said, &err), 0);
}

/* What is on record of a container of this id says that it has another one. */
static const char *on_record[2];

void __real_ph_runtime_describe(struct ph_container *c, const struct ph_scan_opts *opts, char **ret_bundle);
void __wrap_ph_runtime_describe(struct ph_container *c, const struct ph_scan_opts *opts, char **ret_bundle);

void __wrap_ph_runtime_describe(struct ph_container *c, const struct ph_scan_opts *opts, char **ret_bundle)
{
	__real_ph_runtime_describe(c, opts, ret_bundle);
	if (!on_record[0] || strcmp(c->id, on_record[0]))
		return;
	free(c->id);
	free(c->name);
	c->id = ph_strdup(on_record[1]);
	c->name = NULL;
}

/* LXC makes a cgroup for its monitor too; a container in a container is its own. */
static void cgroups_of_containers(void **state)
{
	const uint32_t monitor = PH_KERNEL_INDICES, outer = monitor + 1;
	struct fixture *f = *state;
	ph_autobuf said = { 0 };

	control(f, &said, PH_CTL_CG_NEW, monitor, 0, 10, "/lxc.monitor.a");
	assert_int_equal(said.len, 0);
	assert_int_equal(ph_ctable_ix(&f->ct, monitor)->state, PH_IX_KNOWN);
	assert_int_equal(ph_ctable_resolve(&f->ct, monitor, NULL), PH_CONTAINER_HOST);
	control(f, &said, PH_CTL_CG_NEW, outer, 0, 11, "/lxc.payload.a");
	assert_string_equal(said.p, "a in 0: created; ");
	control(f, &said, PH_CTL_CG_ATTACH, outer, 0, 11, "/lxc.payload.a");
	assert_string_equal(said.p, "a in 0: running; ");
	control(f, &said, PH_CTL_CG_NEW, outer, PH_CG_CONTAINER, 12, "/lxc.payload.a/init.scope");
	assert_int_equal(said.len, 0);
	control(f, &said, PH_CTL_CG_NEW, outer, PH_CG_CONTAINER, 13, "/lxc.payload.a/lxc.payload.b");
	assert_string_equal(said.p, "b in 1048577: created; ");
	/* The kernel side was not told yet whose it is. */
	control(f, &said, PH_CTL_CG_ATTACH, outer, 0, 13, "/lxc.payload.a/lxc.payload.b");
	assert_string_equal(said.p, "b in 1048577: running; ");
	control(f, &said, PH_CTL_CG_GONE, f->ct.next_index - 1, 0, 13, "/lxc.payload.a/lxc.payload.b");
	assert_string_equal(said.p, "b stops; ");
	/* It need not go by the name that its cgroup has. */
	on_record[0] = "c";
	on_record[1] = "kept";
	control(f, &said, PH_CTL_CG_NEW, outer, PH_CG_CONTAINER, 14, "/lxc.payload.a/lxc.payload.c");
	on_record[0] = NULL;
	assert_string_equal(said.p, "kept in 1048577: created; ");
	control(f, &said, PH_CTL_CG_GONE, f->ct.next_index - 1, 0, 14, "/lxc.payload.a/lxc.payload.c");
	assert_string_equal(said.p, "kept stops; ");
	control(f, &said, PH_CTL_CG_GONE, outer, 0, 11, "/lxc.payload.a");
	assert_string_equal(said.p, "a stops; ");
}

static int tell(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	const struct ph_value *name = &ev->v[PH_FLD(kernel_symbol, name)];
	const struct ph_value *module = &ev->v[PH_FLD(kernel_symbol, module)];

	ph_buf_addf(arg, "%lx %.*s+%lu [%.*s]\n", ev->v[PH_FLD(kernel_symbol, address)].u, (int)name->n, name->s,
		    ev->v[PH_FLD(kernel_symbol, offset)].u, (int)module->n, module->s);
	return 0;
}

/* Functions of a kernel. */
struct functions {
	const struct {
		uint64_t begin, size;
		const char *name, *module;
	} v[4];
	unsigned int asked;
};

static bool kernel_answers(void *ctx, uint64_t address, char *text, size_t room)
{
	struct functions *f = ctx;

	f->asked++;
	snprintf(text, room, "0x%lx", address);
	for (size_t i = 0; i < PH_ARRAY_SIZE(f->v); i++)
		if (address - f->v[i].begin < f->v[i].size)
			snprintf(text, room, "%s+0x%lx/0x%lx%s", f->v[i].name, address - f->v[i].begin, f->v[i].size, f->v[i].module);
	return true;
}

static bool kernel_refuses(void *ctx, uint64_t address, char *text, size_t room)
{
	return false;
}

static void function_names(void **state)
{
	/* At its very end: what is behind a call that does not return. Before all, and far behind. */
	struct ph_value at[] = { { .u = 0xffffffff81000200 }, { .u = 0xffffffff81000201 }, { .u = 0xffffffffc0000050 },
				 { .u = 0xffffffff81000201 }, { .u = 0xffffffff81000100 }, { .u = 0xffffffff91000000 }, { .u = 0 } };
	struct functions kernel = { .v = {
		{ 0xffffffff81000100, 0x100, "first.part.0", "" },
		{ 0xffffffff81000200, 0x100, "second", "" },
		{ 0xffffffffc0000040, 0x40, "too", " [ext4]" },
	} };
	struct ph_kallsyms *k;
	struct ph_err err = { 0 };
	unsigned int asked;
	ph_autobuf out = { 0 };

	(void)state;
	k = ph_kallsyms_new(kernel_answers, &kernel);
	ph_kallsyms_saw(k, &(struct ph_value){ .v = at, .n = PH_ARRAY_SIZE(at) });
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	asked = kernel.asked;
	ph_kallsyms_saw(k, &(struct ph_value){ .v = at, .n = PH_ARRAY_SIZE(at) });
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	assert_int_equal(kernel.asked, asked);
	assert_string_equal(out.p, "ffffffff81000200 first.part.0+256 []\nffffffff81000201 second+1 []\n"
			    "ffffffffc0000050 too+16 [ext4]\n");
	ph_kallsyms_free(k);
	/* Nobody tells. */
	ph_buf_clear(&out);
	k = ph_kallsyms_new(kernel_refuses, NULL);
	ph_kallsyms_saw(k, &(struct ph_value){ .v = at, .n = PH_ARRAY_SIZE(at) });
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	assert_int_equal(out.len, 0);
	ph_kallsyms_free(k);
}

/* Programs of tracers: which frames are of the one that records, and what was loaded meanwhile. */
static void function_names_of_bpf(void **state)
{
	struct functions kernel = { .v = {
		{ 0xffffffff81000100, 0x100, "bpf_prog_load", "" },
		{ 0xffffffff81000200, 0x100, "bpf_trace_run2", "" },
		{ 0xffffffffc0000000, 0x40, "bpf_prog_0123456789abcdef_on_switch", "" },
	} };
	struct ph_value recorder[] = { { .u = 0xffffffffc0000010 }, { .u = 0xffffffff81000210 }, { .u = 0xffffffff81000110 } };
	struct ph_value late[] = { { .u = 0xffffffffc0000910 }, { .u = 0xffffffffc0000990 } };
	struct ph_kallsyms *k;
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };

	(void)state;
	k = ph_kallsyms_new(kernel_answers, &kernel);
	/* Who loads programs is a task as others. */
	assert_int_equal(ph_kallsyms_ours(k, &(struct ph_value){ .v = recorder, .n = 3 }), 2);
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	assert_null(out.p);
	ph_kallsyms_saw(k, &(struct ph_value){ .v = recorder, .n = 1 });
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	assert_string_equal(out.p, "ffffffffc0000010 bpf_prog_0123456789abcdef_on_switch+16 [bpf]\n");
	ph_buf_clear(&out);
	/* In the middle of one that another tracer has: it has its name. */
	ph_kallsyms_saw(k, &(struct ph_value){ .v = recorder + 1, .n = 2 });
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	assert_string_equal(out.p, "ffffffff81000210 bpf_trace_run2+16 []\nffffffff81000110 bpf_prog_load+16 []\n");
	/* Not the name of the one before it; and of what comes in its place, the next one's. */
	ph_buf_clear(&out);
	ph_kallsyms_came(k, 0xffffffffc0000900, 0x100, "bpf_prog_fedcba9876543210_late");
	ph_kallsyms_saw(k, &(struct ph_value){ .v = late, .n = 1 });
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	ph_kallsyms_came(k, 0xffffffffc0000980, 0x100, "bpf_prog_0000000000000000_next");
	ph_kallsyms_saw(k, &(struct ph_value){ .v = late + 1, .n = 1 });
	assert_int_equal(ph_kallsyms_run(k, tell, &out, &err), 0);
	assert_string_equal(out.p, "ffffffffc0000910 bpf_prog_fedcba9876543210_late+16 [bpf]\n"
			    "ffffffffc0000990 bpf_prog_0000000000000000_next+16 [bpf]\n");
	ph_kallsyms_free(k);
}

static void stolen_time(void **state)
{
	struct fixture *f = *state;

	put_u(f, 123456789012, 8);
	assert_int_equal(decode(f, PH_EV_cpu_steal), 1);
	assert_int_equal(ph_event_u(&f->dec.ev, PH_FLD(cpu_steal, steal_ns), 0), 123456789012);
	assert_int_equal(f->dec.ev.cls->fields[0].unit, PH_UNIT_NS);
	f->len--;
	assert_int_equal(decode(f, PH_EV_cpu_steal), 0);
}

static void put_fork(struct fixture *f, uint64_t nvtids)
{
	put(f, "parent\0\0\0\0\0\0\0\0\0", 16);
	put_u(f, 6, 4);
	put_u(f, 6, 4);
	put_u(f, 111, 4);
	put(f, "child\0\0\0\0\0\0\0\0\0\0", 16);
	put_u(f, 50, 4);
	put_u(f, nvtids, 2);
	put_u(f, 50, 4);
	put_u(f, 222, 4);
	put_u(f, PH_CONTAINER_UNKNOWN, 4);
	put_u(f, 999, 8);
	put_u(f, 50, 4);
	put_u(f, 2, 4);
}

static void a_fork(void **state)
{
	struct fixture *f = *state;
	const struct ph_value *v;

	put_fork(f, 2);
	assert_int_equal(decode(f, PH_EV_sched_process_fork), 1);
	v = ph_event_field(&f->dec.ev, PH_FLD(sched_process_fork, vtids));
	assert_int_equal(v->n, 2);
	assert_int_equal(v->v[1].i, 2);
	assert_int_equal(ph_event_u(&f->dec.ev, PH_FLD(sched_process_fork, child_container), 0),
			 PH_CONTAINER_UNKNOWN);
	assert_int_equal(ph_event_u(&f->dec.ev, PH_FLD(sched_process_fork, child_start_ns), 0), 999);
}

static void broken(void **state)
{
	struct fixture *f = *state;
	uint32_t whole;

	put_fork(f, 3);		/* more than there is */
	assert_int_equal(decode(f, PH_EV_sched_process_fork), 0);
	put_u(f, 3, 4);
	whole = f->len;
	assert_int_equal(decode(f, PH_EV_sched_process_fork), 1);
	for (f->len = 0; f->len < whole; f->len++)
		assert_int_equal(decode(f, PH_EV_sched_process_fork), 0);
	f->len = whole;
	assert_int_equal(decode(f, 255), 0);	/* no such event */
}

static void put_openat(struct fixture *f, int nr, unsigned int nargs)
{
	put_u(f, (uint64_t)nr, 4);
	put_u(f, 0, 1);
	put_u(f, nargs, 1);
	put_u(f, 0, 2);
	put_u(f, 0xffffffffffffff9c, 8);	/* AT_FDCWD as the register has it */
	put_u(f, 0x7fff0000, 8);
	put_u(f, 0x80000, 8);
	put_u(f, 0644, 8);
}

static const struct ph_value *named(const struct ph_event *ev, const char *name)
{
	for (uint32_t i = 0; i < ev->cls->nfields; i++)
		if (!strcmp(ev->cls->fields[i].name, name))
			return &ev->v[i];
	fail_msg("%s has no field %s", ev->cls->name, name);
	return NULL;
}

static void a_call(void **state)
{
	int nr = ph_syscall_by_name("openat")->nr;
	struct fixture *f = *state;

	put_openat(f, nr, 4);
	put_u(f, 11, 2);
	put(f, "/etc/passwd", 11);
	assert_int_equal(decode(f, PH_EV_SYSCALL_ENTRY), 1);
	assert_string_equal(f->dec.ev.cls->name, "syscall_entry_openat");
	assert_int_equal(named(&f->dec.ev, "dfd")->i, -100);
	assert_int_equal(named(&f->dec.ev, "filename")->n, 11);
	assert_memory_equal(named(&f->dec.ev, "filename")->s, "/etc/passwd", 11);
	assert_int_equal(named(&f->dec.ev, "flags")->u, 0x80000);
	f->len--;	/* the last byte of the capture is missing */
	assert_int_equal(decode(f, PH_EV_SYSCALL_ENTRY), 0);
}

static void room_in_a_ring(void **state)
{
	const uint64_t bytes = 4 * PH_CHUNK, far = 1ull << 40;

	assert_false(ph_ring_full(0, 0, 64, bytes));
	assert_false(ph_ring_full(far + bytes - 64, far, 64, bytes));
	assert_true(ph_ring_full(far + bytes - 56, far, 64, bytes));
	/* The head was read, an interrupt recorded 1000 bytes, and the reader took some of them, or all. */
	assert_false(ph_ring_full(far, far + 8, 64, bytes));
	assert_false(ph_ring_full(far, far + 64, 64, bytes));
	assert_false(ph_ring_full(far, far + 1000, 64, bytes));
	(void)state;
}

static void a_string_ends_before_its_end(void **state)
{
	int nr = ph_syscall_by_name("getcwd")->nr;
	struct fixture *f = *state;

	put_u(f, (uint64_t)nr, 4);
	put_u(f, 0, 1);
	put_u(f, 2, 1);
	put_u(f, 0, 2);
	put_u(f, 5, 8);
	put_u(f, 0x7fff0000, 8);
	put_u(f, 4096, 8);
	put_u(f, 5, 2);
	put(f, "/tmp", 5);
	assert_int_equal(decode(f, PH_EV_SYSCALL_EXIT), 1);
	assert_string_equal(f->dec.ev.cls->name, "syscall_exit_getcwd");
	assert_int_equal(named(&f->dec.ev, "buf_data")->n, 4);
}

static void what_could_not_be_read_is_empty(void **state)
{
	int nr = ph_syscall_by_name("openat")->nr;
	struct fixture *f = *state;

	put_openat(f, nr, 4);
	put_u(f, PH_CAP_FAULT, 2);
	assert_int_equal(decode(f, PH_EV_SYSCALL_ENTRY), 1);
	assert_int_equal(named(&f->dec.ev, "filename")->n, 0);
}

static void unknown_calls(void **state)
{
	struct fixture *f = *state;

	put_openat(f, 0x40000001, 6);	/* 1 is write */
	assert_int_equal(decode(f, PH_EV_SYSCALL_ENTRY), 0);	/* says six arguments, has four */
	put_u(f, 5, 8);
	put_u(f, 6, 8);
	assert_int_equal(decode(f, PH_EV_SYSCALL_ENTRY), 1);
	assert_string_equal(f->dec.ev.cls->name, "syscall_entry_unknown");
	assert_int_equal(named(&f->dec.ev, "nr")->i, 0x40000001);
	assert_int_equal(named(&f->dec.ev, "arg5")->u, 6);
}

#ifdef __x86_64__
#define ELSEWHERE "fadvise64_64"
#else
#define ELSEWHERE "open"
#endif

static void choosing(void **state)
{
	ph_autofree bool *on = ph_alloc(PH_EV_ID_MAX);
	struct ph_err err = { 0 };
	ph_strv words = { 0 };

	(void)state;
	assert_int_equal(ph_events_choose(NULL, on, &err), 0);
	assert_true(on[PH_EV_sched_switch] && on[PH_EV_container_info]);
	assert_false(on[PH_EV_irq_handler_entry]);
	ph_strv_add(&words, "irq");
	ph_strv_add(&words, "!irq_softirq_*");
	assert_int_equal(ph_events_choose(&words, on, &err), 0);
	assert_true(on[PH_EV_irq_handler_entry]);
	assert_false(on[PH_EV_irq_softirq_entry] || on[PH_EV_sched_switch] || on[PH_EV_seccomp_refused]);
	/* Without these nothing has a name. */
	assert_true(on[PH_EV_sched_process_fork] && on[PH_EV_container_info]);
	ph_strv_add(&words, "irq_handler_entri");
	assert_int_equal(ph_events_choose(&words, on, &err), -22);
	assert_non_null(strstr(err.msg, "irq_handler_entry"));
	ph_strv_done(&words);

	/* A call that only other machines have does not come here, unless as another name of one that does. */
	ph_strv_add(&words, "sched");
	ph_strv_add(&words, ELSEWHERE);
	assert_int_equal(ph_events_choose(&words, on, &err), -EINVAL);
	assert_non_null(strstr(err.msg, ELSEWHERE " is a system call of another architecture"));
	ph_strv_add(&words, "openat");
	assert_int_equal(ph_events_choose(&words, on, &err), 0);
	assert_true(on[PH_EV_sched_switch]);
	ph_strv_done(&words);
}

static void contexts(void **state)
{
	struct ph_err err = { 0 };
	ph_strv names = { 0 };
	uint32_t mask;

	(void)state;
	ph_strv_add(&names, "vpid");
	assert_int_equal(ph_context_parse(&names, &mask, &err), 0);
	assert_int_equal(mask, PH_CTX_VPID);
	ph_strv_add(&names, "pid_nss");
	assert_int_equal(ph_context_parse(&names, &mask, &err), -22);
	assert_non_null(strstr(err.msg, "'pid_ns'"));
	ph_strv_done(&names);
}

/* A minute in which there is always a new one: how many cgroups are read. */
static void cgroups_are_not_looked_through_all_the_time(void **state)
{
	(void)state;
	for (uint64_t cgroups = 10; cgroups <= 100000; cgroups *= 10) {
		uint64_t read = 0;

		for (uint64_t now = 0; now < 60 * PH_NSEC; now += ph_cgstat_pause_ns(cgroups))
			read += cgroups;
		assert_true(read <= 60 * 4000 + cgroups);
		assert_true(read >= cgroups * 2);
	}
	/* Of few, a new one is known soon. */
	assert_int_equal(ph_cgstat_pause_ns(100), PH_NSEC / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cgroups_of_containers, setup, teardown),
		cmocka_unit_test_setup_teardown(a_switch, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(stolen_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_fork, setup, teardown),
		cmocka_unit_test_setup_teardown(broken, setup, teardown),
		cmocka_unit_test_setup_teardown(a_call, setup, teardown),
		cmocka_unit_test(room_in_a_ring),
		cmocka_unit_test_setup_teardown(a_string_ends_before_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(what_could_not_be_read_is_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stack, setup, teardown),
		cmocka_unit_test_setup_teardown(both_stacks, setup, teardown),
		cmocka_unit_test(function_names),
		cmocka_unit_test(function_names_of_bpf),
		cmocka_unit_test(cgroups_are_not_looked_through_all_the_time), cmocka_unit_test(choosing), cmocka_unit_test(contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
