/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests of KVM from streams whose truth is known: vCPUs, their time, exits and how long they took. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/kvm.h"
#include "base/cleanup.h"
#include "source/synthetic.h"

struct run {
	struct ph_identity *id;
	struct ph_selection sel;
	struct ph_kvm *k;
};

static void feed(struct run *run, const char *text, const char *container)
{
	struct ph_err err = { 0 };
	struct ph_source *src;
	struct ph_event *ev;
	int r;

	*run = (struct run){ .id = ph_identity_new() };
	if (container)
		ph_strv_add(&run->sel.container, container);
	run->k = ph_kvm_new(run->id, container ? &run->sel : NULL);
	if (ph_synthetic_parse(text, &src, &err) < 0)
		fail_msg("%s", err.msg);
	while ((r = ph_source_next(src, &ev, &err)) > 0) {
		ph_identity_feed(run->id, ev);
		ph_kvm_feed(run->k, ev);
	}
	assert_int_equal(r, 0);
	ph_kvm_finish(run->k, 0);
	ph_source_close(src);
}

static void done(struct run *run)
{
	ph_kvm_free(run->k);
	ph_identity_free(run->id);
	ph_selection_done(&run->sel);
}

/* The only one there is, with so many vCPUs. */
static const struct ph_kvm_guest *only_guest(const struct run *run, size_t vcpus)
{
	assert_int_equal(run->k->guests.n, 1);
	assert_int_equal(run->k->guests.v[0]->vcpus.n, vcpus);
	return run->k->guests.v[0];
}

static void vcpu_time(const struct ph_kvm_vcpu *v, uint64_t run_ns, uint64_t wait_ns, uint64_t asleep_ns)
{
	assert_int_equal(v->run_ns, run_ns);
	assert_int_equal(v->wait_ns, wait_ns);
	assert_int_equal(v->asleep_ns, asleep_ns);
}

static const struct ph_kvm_exit *find(const ph_kvm_exits *exits, const char *name)
{
	ph_vec_each(e, exits) {
		ph_autobuf reason = { 0 };

		ph_kvm_reason(*e, &reason);
		if (!strcmp(reason.p, name))
			return *e;
	}
	fail_msg("there is no exit %s", name);
	return NULL;
}

static void timed(const ph_kvm_exits *exits, const char *name, uint64_t count, uint64_t n, uint64_t sum, uint64_t max)
{
	const struct ph_kvm_exit *e = find(exits, name);

	assert_int_equal(e->count, count);
	assert_int_equal(e->hist.n, n);
	assert_int_equal(e->hist.sum, sum);
	assert_int_equal(e->hist.max, max);
}

static void report(const struct run *run, const struct ph_kvm_view *view, const char *has)
{
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };

	assert_int_equal(ph_kvm_report(run->k, view, &out, &err), 0);
	if (!out.p || !strstr(out.p, has))
		fail_msg("no '%s' in:\n%s", has, out.p);
}

/* QEMU with two vCPUs in container 1; one of them halts all the time, and is known by its name. */
#define QEMU \
	"@0 container_info index=1 name=vmm cgroup_path=/vmm cgroup_id=12\n" \
	"@0 container_info index=2 name=other cgroup_path=/other cgroup_id=13\n" \
	"@0 lttng_statedump_process_state tid=70 pid=70 name=qemu-kvm container=1 cgroup_id=12 status=5 syscall=-1\n" \
	"@0 lttng_statedump_process_state tid=71 pid=70 name=\"CPU 0/KVM\" container=1 cgroup_id=12 status=5 syscall=-1\n" \
	"@0 lttng_statedump_process_state tid=72 pid=70 name=\"CPU 1/KVM\" container=1 cgroup_id=12 status=5 syscall=-1\n" \
	"@0 lttng_statedump_process_state tid=73 pid=70 name=IO container=1 cgroup_id=12 status=5 syscall=-1\n" \
	"@0 lttng_statedump_process_state tid=80 pid=80 name=bash container=2 cgroup_id=13 status=5 syscall=-1\n" \
	"@0 lttng_statedump_process_state tid=81 pid=81 name=\"CPU 7/KVM\" container=2 cgroup_id=13 status=5 syscall=-1\n" \
	"@0 kvm_guest pid=70 name=web uuid=1-2-3 vcpus=[0,1]\n"

#define ON "cpu=0 tid=71 pid=70 container=1 "

static const char switches[] = QEMU
	/* 1 ms waiting for a CPU, 9 ms on it, of that 2 ms in the guest; asleep for the rest. */
	"@1ms cpu=0 tid=0 sched_waking tid=71 target_cpu=0\n"
	"@1ms cpu=0 tid=0 sched_wakeup tid=71 target_cpu=0\n"
	"@2ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=71\n"
	"@3ms " ON "kvm_x86_entry vcpu_id=0\n"
	"@4ms " ON "kvm_x86_exit exit_reason=0x400 isa=2 vcpu_id=0\n"
	"+100us " ON "kvm_x86_entry vcpu_id=0\n"
	"+1ms " ON "kvm_x86_exit exit_reason=0x400 isa=2 vcpu_id=0\n"
	"+300us " ON "kvm_x86_inj_virq irq=236\n"
	"+0 " ON "kvm_x86_entry vcpu_id=0\n"
	"+0 " ON "kvm_x86_exit exit_reason=0x7b isa=2 vcpu_id=0\n"
	"+10us " ON "kvm_userspace_exit reason=2 errno=0\n"
	"+40us " ON "kvm_x86_entry vcpu_id=0\n"
	"+0 " ON "kvm_x86_exit exit_reason=0x78 isa=2 vcpu_id=0\n"
	"+20us " ON "kvm_vcpu_wakeup halted_ns=15000 waited=0 valid=1\n"
	"+0 " ON "kvm_userspace_exit reason=10 errno=-4\n"
	"@11ms " ON "sched_switch prev_tid=71 prev_state=1 next_tid=0\n"
	"@100ms cpu=0 tid=0 irq_softirq_raise\n";

static void test_vcpus(void **state)
{
	const struct ph_kvm_guest *g;
	const struct ph_kvm_vcpu *v;
	struct run run;

	feed(&run, switches, NULL);
	g = only_guest(&run, 2);
	assert_string_equal(g->name, "web");
	assert_string_equal(g->uuid, "1-2-3");
	assert_string_equal(g->comm, "qemu-kvm");
	assert_int_equal(g->container, 1);
	v = g->vcpus.v[0];
	assert_int_equal(v->vcpu, 0);
	assert_int_equal(v->tid, 71);
	vcpu_time(v, 9000000, 1000000, 90000000);
	assert_int_equal(v->throttled_ns, 0);
	assert_int_equal(v->entries, 4);
	assert_int_equal(v->guest_ns, 2000000);
	assert_int_equal(v->irqs, 1);
	assert_int_equal(v->polled, 1);
	assert_int_equal(v->polled_ns, 15000);
	assert_int_equal(ph_kvm_count(&v->exits), 4);
	timed(&v->exits, "npf", 2, 2, 400000, 300000);
	timed(&v->exits, "io", 1, 1, 50000, 50000);
	/* Those whose end has not come count, and have no time. */
	timed(&v->exits, "hlt", 1, 0, 0, 0);
	timed(&v->user, "IO", 1, 1, 40000, 40000);
	timed(&v->user, "EINTR", 1, 0, 0, 0);
	/* The longest first. */
	assert_int_equal(v->exits.v[0]->reason, 0x400);
	v = g->vcpus.v[1];
	assert_int_equal(v->vcpu, 1);
	assert_int_equal(v->tid, 72);
	assert_int_equal(v->run_ns, 0);
	assert_int_equal(v->asleep_ns, 100000000);
	done(&run);
}

static void test_selection(void **state)
{
	struct run run;

	feed(&run, switches, "other");
	assert_int_equal(run.k->guests.n, 0);
	done(&run);
	feed(&run, switches, "vmm");
	only_guest(&run, 2);
	done(&run);
}

/* A limit of the vCPU's cgroup: 20 ms on a CPU, 30 ms throttled. */
static void test_throttled(void **state)
{
	const struct ph_kvm_vcpu *v;
	struct run run;

	feed(&run, QEMU
	     "@0 statedump_cgroup hierarchy=0 id=12 container=1 cpu_quota_us=20000 cpu_period_us=50000 memory_max_bytes=-1 path=/vmm\n"
	     "@1ms cpu=0 tid=0 sched_waking tid=71 target_cpu=0\n"
	     "@1ms cpu=0 tid=0 sched_wakeup tid=71 target_cpu=0\n"
	     "@1ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=71\n"
	     "@2ms " ON "kvm_userspace_exit reason=5\n"
	     "@20ms " ON "cpu_steal steal_ns=4000000\n"
	     "@21ms " ON "sched_throttle_begin tid=71 cgroup_id=12 limit_cgroup_id=12 quota_ns=20000000 period_ns=50000000\n"
	     "@21ms " ON "sched_switch prev_tid=71 prev_state=0 next_tid=0\n"
	     "@51ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=71\n"
	     "@51ms " ON "sched_throttle_end tid=71 throttled_ns=30000000 exact=1\n"
	     "@52ms " ON "sched_switch prev_tid=71 prev_state=1 next_tid=0\n", NULL);
	v = run.k->guests.v[0]->vcpus.v[0];
	assert_int_equal(v->throttled_ns, 30000000);
	assert_int_equal(v->run_ns, 21000000);
	assert_int_equal(v->steal_ns, 4000000);
	assert_int_equal(v->wait_ns, 0);
	done(&run);
}

/* Of KVM's events alone: the counters of the kernel; who is no QEMU has its program's name. */
static void test_counters(void **state)
{
	const struct ph_kvm_guest *g;
	ph_autobuf label = { 0 };
	struct run run;

	feed(&run,
	     "@0 lttng_statedump_process_state tid=90 pid=90 name=tiny container=0 status=5 syscall=-1\n"
	     "@0 kvm_guest pid=90 vcpus=[3]\n"
	     "@0 task_times tid=90 runtime_ns=1000000000 run_delay_ns=2000000000\n"
	     "@1ms cpu=0 tid=90 pid=90 container=0 kvm_userspace_exit reason=2\n"
	     "@2ms cpu=0 tid=90 pid=90 container=0 kvm_userspace_exit reason=2\n"
	     "@10ms task_times tid=90 runtime_ns=1004000000 run_delay_ns=2001000000\n"
	     /* Counters only grow. */
	     "@11ms task_times tid=90 runtime_ns=1 run_delay_ns=2001000000\n"
	     "@11ms task_times tid=90 runtime_ns=1004000000 run_delay_ns=1\n", NULL);
	g = only_guest(&run, 1);
	ph_kvm_guest_label(g, &label);
	assert_string_equal(label.p, "tiny:90");
	/* There is but one. */
	assert_int_equal(g->vcpus.v[0]->vcpu, 3);
	vcpu_time(g->vcpus.v[0], 4000000, 1000000, 5000000);
	timed(&g->vcpus.v[0]->user, "IO", 2, 0, 0, 0);
	report(&run, &(struct ph_kvm_view){ .base.alone = true, .base.fmt.output = PH_OUT_JSON },
	       "{\"guest\":\"tiny:90\",\"uuid\":null,\"container\":null,\"pid\":90,\"vcpu\":3,\"tid\":90,\"cpu_percent\":40,"
	       "\"guest_percent\":null,\"run_queue_wait_percent\":10,\"throttled_percent\":null,\"asleep_percent\":50,"
	       "\"steal_percent\":null,\"known_ns\":10000000,\"cpu_ns\":4000000,\"run_queue_wait_ns\":1000000,"
	       "\"throttled_ns\":null,\"guest_ns\":null,\"entries\":null,\"exits\":null,\"exits_per_second\":null,"
	       "\"userspace_exits\":2,\"interrupts\":null}\n");
	report(&run, &(struct ph_kvm_view){ .base.fmt.output = PH_OUT_JSON },
	       "{\"kind\":\"vcpu\",\"guest\":\"tiny:90\",\"pid\":90,\"vcpu\":3,\"tid\":90,\"known_ns\":10000000,\"cpu_ns\":4000000,"
	       "\"run_queue_wait_ns\":1000000,\"throttled_ns\":null,\"asleep_ns\":5000000,\"steal_ns\":null,\"guest_ns\":null,"
	       "\"entries\":null,\"exits\":null,\"userspace_exits\":2,\"interrupts\":null,\"polled_halts\":0,\"polled_ns\":0,");
	report(&run, &(struct ph_kvm_view){ 0 }, "note: no entries into guests and exits are recorded");
	done(&run);
}

/* A thread that began meanwhile; and where one of two is not known by its number, neither is. */
static void test_born(void **state)
{
	const struct ph_kvm_guest *g;
	struct run run;

	feed(&run,
	     "@0 kvm_guest pid=90 vcpus=[3]\n"
	     "@0 task_times tid=90 runtime_ns=1000000000 run_delay_ns=2000000000\n"
	     "@1ms cpu=0 tid=90 pid=90 container=0 kvm_userspace_exit reason=2\n"
	     "@2ms cpu=0 tid=90 pid=90 container=0 sched_process_fork parent_tid=90 child_tid=91 child_pid=90\n"
	     "@3ms cpu=0 tid=91 pid=90 container=0 kvm_userspace_exit reason=2\n"
	     "@10ms task_times tid=90 runtime_ns=1000000000 run_delay_ns=2000000000\n"
	     "@10ms task_times tid=91 runtime_ns=4000000 run_delay_ns=1000000\n", NULL);
	g = only_guest(&run, 2);
	assert_int_equal(g->vcpus.v[0]->tid, 90);
	assert_int_equal(g->vcpus.v[0]->vcpu, -1);
	assert_int_equal(g->vcpus.v[1]->vcpu, -1);
	vcpu_time(g->vcpus.v[1], 4000000, 1000000, 3000000);
	done(&run);
}

#define ON1 "cpu=1 tid=72 pid=70 container=1 "

/* Each begins anew; a thread id may come back in another guest. In order of numbers and of names. */
static void test_pairs(void **state)
{
	const struct ph_kvm_vcpu *v;
	struct run run;

	feed(&run, QEMU
	     "@1ms " ON1 "kvm_x86_entry vcpu_id=1\n"
	     "+10us " ON1 "kvm_x86_exit exit_reason=0x7b isa=2 vcpu_id=1\n"
	     "+10us " ON1 "kvm_userspace_exit reason=2\n"
	     "+10us " ON1 "kvm_x86_entry vcpu_id=1\n"
	     "+10us " ON1 "kvm_x86_exit exit_reason=0x400 isa=2 vcpu_id=1\n"
	     "+5us " ON1 "kvm_x86_exit exit_reason=0x78 isa=2 vcpu_id=1\n"
	     "+10us " ON1 "kvm_x86_entry vcpu_id=1\n"
	     "@2ms " ON "kvm_x86_exit exit_reason=0x60 isa=2 vcpu_id=0\n"
	     "+5us " ON "kvm_x86_entry vcpu_id=0\n"
	     "@3ms " ON1 "sched_process_exit tid=72\n"
	     "@3ms " ON1 "sched_process_free tid=72\n"
	     "@4ms kvm_guest pid=72 name=app vcpus=[5,6]\n"
	     "@4ms cpu=1 tid=72 pid=72 container=2 kvm_x86_exit exit_reason=0x7b isa=2 vcpu_id=5\n"
	     "@4ms kvm_guest pid=94 name=zoo vcpus=[0,1]\n"
	     "@4ms cpu=1 tid=95 pid=94 container=2 kvm_x86_entry vcpu_id=1\n"
	     "@4ms cpu=1 tid=96 pid=94 container=2 kvm_x86_entry vcpu_id=0\n", NULL);
	assert_int_equal(run.k->guests.n, 3);
	assert_int_equal(run.k->guests.v[2]->vcpus.n, 2);
	assert_int_equal(run.k->guests.v[2]->vcpus.v[0]->tid, 96);
	assert_string_equal(run.k->guests.v[0]->name, "app");
	assert_int_equal(run.k->guests.v[0]->vcpus.n, 1);
	v = run.k->guests.v[0]->vcpus.v[0];
	assert_int_equal(v->vcpu, 5);
	assert_int_equal(v->guest_ns, 0);
	timed(&v->exits, "io", 1, 0, 0, 0);
	assert_string_equal(run.k->guests.v[1]->name, "web");
	assert_int_equal(run.k->guests.v[1]->vcpus.n, 2);
	assert_int_equal(run.k->guests.v[1]->vcpus.v[0]->vcpu, 0);
	v = run.k->guests.v[1]->vcpus.v[1];
	assert_int_equal(v->vcpu, 1);
	assert_int_equal(v->guest_ns, 20000);
	timed(&v->exits, "io", 1, 1, 20000, 20000);
	timed(&v->exits, "npf", 1, 0, 0, 0);
	timed(&v->exits, "hlt", 1, 1, 10000, 10000);
	timed(&v->user, "IO", 1, 1, 10000, 10000);
	report(&run, &(struct ph_kvm_view){ .base.table = PH_KVM_EXITS, .base.alone = true, .base.fmt.output = PH_OUT_CSV },
	       "web,vmm,,io,1,20000,20000,20000,20000\r\nweb,vmm,,hlt,1,10000,10000,10000,10000\r\n"
	       "web,vmm,,interrupt,1,5000,5000,5000,5000\r\nweb,vmm,,npf,1,,,,\r\n");
	/* One of two has done nothing by which it could be known. */
	report(&run, &(struct ph_kvm_view){ .base.fmt.output = PH_OUT_JSON },
	       "{\"kind\":\"guest\",\"guest\":\"app\",\"pid\":72,\"name\":\"app\",\"uuid\":null,\"comm\":\"\","
	       "\"container\":\"other\",\"vcpus\":2,\"recorded_ns\":4000000}\n");
	done(&run);
}

/* What was under way when events were lost has no time: neither exit nor entry. */
static void test_gap(void **state)
{
	const struct ph_kvm_vcpu *v;
	struct run run;

	feed(&run, QEMU
	     "@1ms " ON "kvm_x86_exit exit_reason=1 isa=1 vcpu_id=0\n"
	     "@2ms cpu=0 events_discarded count=5 begin_ns=1500000 end_ns=2000000\n"
	     "@3ms " ON "kvm_x86_entry vcpu_id=0\n"
	     "@4ms " ON "kvm_x86_exit exit_reason=1 isa=1 vcpu_id=0\n"
	     "@5ms " ON "kvm_x86_entry vcpu_id=0\n"
	     "@6ms cpu=0 events_discarded count=5 begin_ns=5500000 end_ns=6000000\n"
	     "@7ms " ON "kvm_x86_exit exit_reason=1 isa=1 vcpu_id=0\n"
	     /* A gap that does not say when it ends. */
	     "@8ms cpu=0 events_discarded count=5\n"
	     "@9ms " ON "kvm_x86_entry vcpu_id=0\n", NULL);
	v = run.k->guests.v[0]->vcpus.v[0];
	timed(&v->exits, "EXTERNAL_INTERRUPT", 3, 1, 1000000, 1000000);
	assert_int_equal(v->guest_ns, 1000000);
	report(&run, &(struct ph_kvm_view){ 0 }, "note: 15 events were lost");
	done(&run);
}

static void test_reasons(void **state)
{
	static const struct { uint32_t isa, reason; int32_t error; const char *name; } cases[] = {
		{ PH_KVM_VMX, 48, 0, "EPT_VIOLATION" }, { PH_KVM_VMX, 12, 0, "HLT" }, { PH_KVM_VMX, 0, 0, "EXCEPTION_NMI" },
		{ PH_KVM_VMX, 0x80000021, 0, "INVALID_STATE (entry failed)" }, { PH_KVM_VMX, 9999, 0, "0x270f" },
		{ PH_KVM_SVM, 0x7b, 0, "io" }, { PH_KVM_SVM, 0x400, 0, "npf" }, { PH_KVM_SVM, 0x60, 0, "interrupt" },
		{ PH_KVM_SVM, 0xffffffff, 0, "invalid_guest_state" }, { PH_KVM_SVM, 0x7777, 0, "0x7777" }, { 9, 0x2, 0, "0x2" },
		{ 0, 2, 0, "IO" }, { 0, 5, 0, "HLT" }, { 0, 6, 0, "MMIO" }, { 0, 4711, 0, "0x1267" }, { 0, 0, -4, "EINTR" },
		{ 0, 0, -99999, "-99999" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_kvm_exit e = { .isa = cases[i].isa, .reason = cases[i].reason, .error = cases[i].error };
		ph_autobuf name = { 0 };

		ph_kvm_reason(&e, &name);
		assert_string_equal(name.p, cases[i].name);
	}
}

/* Columns of the tables, sums of a guest and by vCPU, words. */
static void test_report(void **state)
{
	struct ph_kvm_view view = { .base.width = 0 };
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	struct run run;

	feed(&run, QEMU
	     "@1ms " ON "kvm_x86_exit exit_reason=12 isa=1 vcpu_id=0\n"
	     "@2ms " ON "kvm_x86_entry vcpu_id=0\n"
	     "@2ms cpu=1 tid=72 pid=70 container=1 kvm_x86_exit exit_reason=12 isa=1 vcpu_id=1\n"
	     "@5ms cpu=1 tid=72 pid=70 container=1 kvm_x86_entry vcpu_id=1\n"
	     "@6ms cpu=1 tid=72 pid=70 container=1 kvm_vcpu_wakeup halted_ns=3000000 waited=1\n", NULL);
	view.base.fmt.output = PH_OUT_CSV;
	view.base.fmt.no_header = true;
	view.base.table = PH_KVM_EXITS;
	view.base.alone = true;
	assert_int_equal(ph_kvm_report(run.k, &view, &out, &err), 0);
	/* GUEST, CONTAINER, VCPU, REASON, COUNT, TOTAL, AVG, P99, MAX */
	assert_non_null(strstr(out.p, "web,vmm,,HLT,2,4000000,2000000,"));
	assert_non_null(strstr(out.p, ",3000000\r\n"));
	ph_buf_clear(&out);
	view.by_vcpu = true;
	assert_int_equal(ph_kvm_report(run.k, &view, &out, &err), 0);
	assert_non_null(strstr(out.p, "web,vmm,0,HLT,1,1000000,1000000,1000000,1000000\r\n"));
	assert_non_null(strstr(out.p, "web,vmm,1,HLT,1,3000000,3000000,3000000,3000000\r\n"));
	ph_buf_clear(&out);
	view.base.table = PH_KVM_HALTS;
	assert_int_equal(ph_kvm_report(run.k, &view, &out, &err), 0);
	assert_string_equal(out.p, "web,vmm,1,1,0,0,1,3000000,3000000,3000000,3000000\r\n");
	ph_buf_clear(&out);
	view = (struct ph_kvm_view){ .hist = true, .is_guest = true, .steal = 0.25 };
	assert_int_equal(ph_kvm_report(run.k, &view, &out, &err), 0);
	assert_non_null(strstr(out.p, "web, HLT:\n"));
	assert_non_null(strstr(out.p, "its hypervisor took 25 % of its CPU time."));
	assert_non_null(strstr(out.p, "note: no switches of tasks are recorded"));
	assert_null(strstr(out.p, "note: no entries"));
	ph_buf_clear(&out);
	view = (struct ph_kvm_view){ .base.fmt.output = PH_OUT_JSON };
	assert_int_equal(ph_kvm_report(run.k, &view, &out, &err), 0);
	assert_non_null(strstr(out.p, "{\"kind\":\"guest\",\"guest\":\"web\",\"pid\":70,\"name\":\"web\",\"uuid\":\"1-2-3\","
			       "\"comm\":\"qemu-kvm\",\"container\":\"vmm\",\"vcpus\":2,"));
	assert_non_null(strstr(out.p, "{\"kind\":\"exit\",\"guest\":\"web\",\"pid\":70,\"vcpu\":null,\"isa\":\"VMX\",\"reason\":\"HLT\","
			       "\"number\":12,\"count\":2,\"time\":{\"count\":2,\"sum_ns\":4000000,"));
	done(&run);
}

/* All that is shown of @switches, and all columns of a vCPU. */
static void test_tables(void **state)
{
	ph_autobuf out = { 0 };
	struct ph_err err = { 0 };
	struct run run;

	feed(&run, switches, NULL);
	assert_int_equal(ph_kvm_report(run.k, &(struct ph_kvm_view){ .hist = true }, &out, &err), 0);
	assert_string_equal(out.p,
		"GUEST  CONTAINER  VCPU  TID  CPU%  GUEST%  RUNQ%  THR%  SLEEP%  EXITS  EXITS/S  USER  IRQS\n"
		"web    vmm           0   71   9.0     2.0    1.0   0.0    90.0      4     40.0     2     1\n"
		"web    vmm           1   72   0.0     0.0    0.0   0.0   100.0      0      0.0     0     0\n"
		"\nWhy the guest was left, and how long until it went on:\n"
		"GUEST  CONTAINER  VCPU  REASON  COUNT   TOTAL     AVG     P99     MAX\n"
		"web    vmm           -  npf         2  400 us  200 us  300 us  300 us\n"
		"web    vmm           -  io          1   50 us   50 us   50 us   50 us\n"
		"web    vmm           -  hlt         1       -       -       -       -\n"
		"\nReturns to its program, and how long until the guest went on:\n"
		"GUEST  CONTAINER  VCPU  REASON  COUNT  TOTAL    AVG    P99    MAX\n"
		"web    vmm           -  IO          1  40 us  40 us  40 us  40 us\n"
		"web    vmm           -  EINTR       1      -      -      -      -\n"
		"\nHalts:\n"
		"GUEST  CONTAINER  VCPU  HALTS  POLLED  POLLING  SLEPT  SLEEPING  AVG  P99  MAX\n"
		"web    vmm           0      1       1    15 us      0      0 ns    -    -    -\n"
		"\nweb, npf:\n"
		"   65.5 us .. 131 us   |########################################| 1\n"
		"    131 us .. 262 us   |                                        | 0\n"
		"    262 us .. 524 us   |########################################| 1\n"
		"\nweb, io:\n"
		"   32.8 us .. 65.5 us  |########################################| 1\n"
		"\nweb, IO:\n"
		"   32.8 us .. 65.5 us  |########################################| 1\n");
	report(&run, &(struct ph_kvm_view){ .base.alone = true, .base.fmt.output = PH_OUT_JSON },
	       "\"vcpu\":0,\"tid\":71,\"cpu_percent\":9,\"guest_percent\":2,\"run_queue_wait_percent\":1,"
	       "\"throttled_percent\":0,\"asleep_percent\":90,\"steal_percent\":null,\"known_ns\":100000000,\"cpu_ns\":9000000,"
	       "\"run_queue_wait_ns\":1000000,\"throttled_ns\":0,\"guest_ns\":2000000,\"entries\":4,\"exits\":4,"
	       "\"exits_per_second\":40,\"userspace_exits\":2,\"interrupts\":1}\n");
	report(&run, &(struct ph_kvm_view){ .base.fmt.output = PH_OUT_JSON, .is_guest = true, .steal = 0.25 },
	       "{\"kind\":\"machine\",\"steal_percent\":25}\n");
	report(&run, &(struct ph_kvm_view){ .base.fmt.output = PH_OUT_JSON },
	       "{\"kind\":\"vcpu\",\"guest\":\"web\",\"pid\":70,\"vcpu\":0,\"tid\":71,\"known_ns\":100000000,\"cpu_ns\":9000000,"
	       "\"run_queue_wait_ns\":1000000,\"throttled_ns\":0,\"asleep_ns\":90000000,\"steal_ns\":null,\"guest_ns\":2000000,"
	       "\"entries\":4,\"exits\":4,\"userspace_exits\":2,\"interrupts\":1,\"polled_halts\":1,\"polled_ns\":15000,");
	report(&run, &(struct ph_kvm_view){ .base.fmt.output = PH_OUT_JSON },
	       "{\"kind\":\"userspace_exit\",\"guest\":\"web\",\"pid\":70,\"vcpu\":null,\"isa\":null,\"reason\":\"EINTR\","
	       "\"number\":null,\"count\":1,");
	done(&run);
}

static void test_options(void **state)
{
	struct ph_kvm_view view = { .base.fmt.sort = "count" };
	struct ph_err err = { 0 };

	assert_int_equal(ph_kvm_check(&view, &err), -EINVAL);
	view.base.table = PH_KVM_EXITS;
	view.base.alone = true;
	assert_int_equal(ph_kvm_check(&view, &err), 0);
	view.hist = true;
	assert_int_equal(ph_kvm_check(&view, &err), -EINVAL);
	view = (struct ph_kvm_view){ .hist = true };
	assert_int_equal(ph_kvm_check(&view, &err), 0);
	view.base.fmt.output = PH_OUT_CSV;
	assert_int_equal(ph_kvm_check(&view, &err), -EINVAL);
	view = (struct ph_kvm_view){ .base.fmt.output = PH_OUT_JSON, .base.fmt.max_entries = 1 };
	assert_int_equal(ph_kvm_check(&view, &err), -EINVAL);
	view.base.alone = true;
	assert_int_equal(ph_kvm_check(&view, &err), 0);
}

/* Whatever a trace says: nothing of it may be believed to be possible. */
static void test_nonsense(void **state)
{
	struct run run;

	feed(&run,
	     "@0 kvm_guest pid=-1 name=x vcpus=[-5]\n"
	     "@0 kvm_guest pid=5 name=x vcpus=[-5,7]\n"
	     "@0 kvm_guest pid=5 name=y\n"
	     "@1 kvm_x86_exit isa=77 exit_reason=4294967295\n"
	     "@2 tid=-7 pid=3 kvm_x86_entry vcpu_id=4294967295\n"
	     "@3 tid=9 kvm_x86_entry vcpu_id=4294967295\n"
	     "@4 tid=9 kvm_userspace_exit reason=4294967295 errno=2147483647\n"
	     "@5 tid=9 pid=5 task_times tid=9 runtime_ns=18446744073709551615\n"
	     "@6 tid=9 pid=5 task_times tid=9 runtime_ns=1\n"
	     "@7 tid=9 pid=5 kvm_vcpu_wakeup halted_ns=18446744073709551615 waited=1\n"
	     "@8 tid=9 pid=5 sched_process_exit tid=9\n"
	     "@9 tid=9 pid=5 sched_process_free tid=9\n"
	     "@9 tid=9 pid=5 kvm_userspace_exit reason=5\n", NULL);
	assert_int_equal(run.k->guests.n, 1);
	assert_string_equal(run.k->guests.v[0]->name, "y");
	/* Its thread's number is another's after it ended. */
	assert_int_equal(run.k->guests.v[0]->vcpus.n, 2);
	ph_vec_each(v, &run.k->guests.v[0]->vcpus)
		timed(&(*v)->user, (*v)->entries ? "0xffffffff" : "HLT", 1, 0, 0, 0);
	done(&run);
}

/*
 * Guests known by their process: what a container's or the host's process does is selected by the guest's name, and is
 * shown as the guest's where the process is the host's.
 */
#define GUESTS \
	"@0 container_info index=1 name=vmm cgroup_path=/vmm cgroup_id=12\n" \
	"@0 container_info index=2 name=own runtime=kvm init_pid=60 uuid=c7a5fdbd-edaf-9455-926a-d65c16db1809\n" \
	"@0 container_info index=3 name=within runtime=kvm parent=1 init_pid=70\n" \
	"@0 lttng_statedump_process_state tid=60 pid=60 name=qemu container=0 status=5 syscall=-1\n" \
	"@0 lttng_statedump_process_state tid=70 pid=70 name=qemu container=1 cgroup_id=12 status=5 syscall=-1\n" \
	"@0 kvm_guest pid=60 name=own vcpus=[0]\n" \
	"@0 kvm_guest pid=70 name=within vcpus=[0]\n" \
	"@1ms cpu=0 tid=60 pid=60 container=0 kvm_userspace_exit reason=2 errno=0\n" \
	"+1ms cpu=0 tid=70 pid=70 container=1 kvm_userspace_exit reason=2 errno=0\n" \
	"+1ms cpu=1 tid=80 pid=80 container=1 kvm_userspace_exit reason=2 errno=0\n" \
	"+1ms cpu=0 tid=90 pid=90 container=0 kvm_userspace_exit reason=2 errno=0\n"

/* Which processes' exits are there, and as whose. */
static void exits_of(const char *text, const char *selection, const char *want)
{
	static const int32_t pids[] = { 60, 61, 70, 80, 90 };
	ph_autobuf got = { 0 };
	struct run run;

	feed(&run, text, selection);
	for (size_t i = 0; i < PH_ARRAY_SIZE(pids); i++)
		ph_vec_each(v, &run.k->tasks)
			if ((*v)->pid == pids[i] && ph_kvm_count(&(*v)->user))
				ph_buf_addf(&got, "%s%d %s", got.len ? ", " : "", pids[i],
					    ph_container_label(run.id, (*v)->container));
	assert_string_equal(got.p ? got.p : "", want);
	done(&run);
}

static void test_guests(void **state)
{
	(void)state;
	exits_of(GUESTS, NULL, "60 own, 70 vmm, 80 vmm, 90 ");
	exits_of(GUESTS, "own", "60 own");
	exits_of(GUESTS, "c7a5", "60 own");
	exits_of(GUESTS, "within", "70 vmm");
	exits_of(GUESTS, "vmm", "70 vmm, 80 vmm");
	exits_of(GUESTS, "!within", "60 own, 80 vmm, 90 ");
	exits_of(GUESTS, "!vmm", "60 own, 90 ");
	/* The guest ends, and its number is another's: nobody's guest. */
	exits_of("@0 container_info index=2 name=own runtime=kvm init_pid=60\n"
		 "@9ms cpu=0 tid=60 pid=60 container=0 sched_process_exit tid=60\n"
		 "+1ms cpu=1 tid=90 pid=90 container=0 sched_process_fork parent_tid=90 parent_pid=90 child_tid=60 child_pid=60\n"
		 "+1ms cpu=0 tid=60 pid=60 container=0 kvm_userspace_exit reason=2 errno=0\n", "own", "");
	/* A thread that it makes is its. */
	exits_of(GUESTS "@9ms cpu=0 tid=60 pid=60 container=0 sched_process_fork parent_tid=60 parent_pid=60 child_tid=61 child_pid=60 "
		 "child_container=0\n"
		 "+1ms cpu=0 tid=61 pid=60 kvm_userspace_exit reason=2 errno=0\n", "own", "60 own, 60 own");
}

/*
 * Guests of which nothing is heard: one halts and one computes, without names and without events of KVM. What is told of
 * their threads shows them; who is not selected, and whose number it is later, is not there.
 */
static void test_silent(void **state)
{
	static const char events[] =
		"@0 container_info index=1 name=vmm cgroup_path=/vmm cgroup_id=12\n"
		"@0 lttng_statedump_process_state tid=60 pid=60 name=vm container=0 status=5 syscall=-1\n"
		"@0 lttng_statedump_process_state tid=61 pid=60 name=vm container=0 status=5 syscall=ioctl\n"
		"@0 lttng_statedump_process_state tid=70 pid=70 name=spin container=1 cgroup_id=12 status=0 syscall=-1\n"
		"@0 lttng_statedump_process_state tid=71 pid=90 name=sh container=0 status=5 syscall=-1\n"
		"@0 task_times tid=70 runtime_ns=1000000 run_delay_ns=1000000\n"
		"@0 kvm_guest pid=60 name=idle vcpus=[0] tids=[61] tid_vcpus=[0]\n"
		"@0 kvm_guest pid=70 vcpus=[3,4] tids=[70,71] tid_vcpus=[-1,4]\n"
		"@1ms lttng_statedump_end\n"
		"@5ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=71\n"
		"@100ms task_times tid=70 runtime_ns=81000000 run_delay_ns=11000000\n";
	struct run run;

	(void)state;
	feed(&run, events, NULL);
	assert_int_equal(run.k->guests.n, 2);
	assert_int_equal(run.k->guests.v[1]->pid, 60);
	assert_int_equal(run.k->guests.v[1]->vcpus.n, 1);
	assert_int_equal(run.k->guests.v[1]->vcpus.v[0]->tid, 61);
	assert_int_equal(run.k->guests.v[1]->vcpus.v[0]->vcpu, 0);
	assert_int_equal(run.k->guests.v[1]->vcpus.v[0]->run_ns, 0);
	assert_true(run.k->guests.v[1]->vcpus.v[0]->asleep_ns > 90000000);
	/* The kernel's counters, as it was never seen to begin or to stop. */
	assert_int_equal(run.k->guests.v[0]->vcpus.n, 1);
	assert_int_equal(run.k->guests.v[0]->vcpus.v[0]->tid, 70);
	assert_int_equal(run.k->guests.v[0]->vcpus.v[0]->run_ns, 80000000);
	assert_int_equal(run.k->guests.v[0]->vcpus.v[0]->wait_ns, 10000000);
	done(&run);
	feed(&run, events, "vmm");
	assert_int_equal(run.k->guests.n, 1);
	assert_int_equal(run.k->guests.v[0]->pid, 70);
	done(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpus),
		cmocka_unit_test(test_guests),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_throttled),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_born),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests_name("kvm", tests, NULL, NULL);
}
