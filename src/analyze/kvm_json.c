/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests for programs: an object a line, `kind` says of what. */
#include "analyze/kvm.h"
#include "base/cleanup.h"
#include "base/json.h"

static void add_number(struct ph_json *j, const char *key, int32_t number)
{
	if (number >= 0)
		ph_json_s64(j, key, number);
	else
		ph_json_null(j, key);
}

static void add_known(struct ph_json *j, const char *key, uint64_t v, bool known)
{
	if (known)
		ph_json_u64(j, key, v);
	else
		ph_json_null(j, key);
}

static void add_label(struct ph_json *j, const struct ph_kvm_guest *g)
{
	ph_autobuf label = { 0 };

	ph_kvm_guest_label(g, &label);
	ph_json_str(j, "guest", label.p);
	ph_json_s64(j, "pid", g->pid);
}

static void add_guest(struct ph_json *j, const struct ph_kvm *k, const struct ph_kvm_guest *g)
{
	const char *container = ph_container_label(k->id, g->container);

	ph_json_line(j, "guest");
	add_label(j, g);
	ph_json_str(j, "name", g->name);
	ph_json_str(j, "uuid", g->uuid);
	ph_json_strn(j, "comm", g->comm, strnlen(g->comm, sizeof(g->comm)));
	ph_json_str(j, "container", container[0] ? container : NULL);
	ph_json_u64(j, "vcpus", g->numbers.n > g->vcpus.n ? g->numbers.n : g->vcpus.n);
	ph_json_u64(j, "recorded_ns", k->end_ns - k->begin_ns);
	ph_json_line_end(j);
}

static void add_vcpu(struct ph_json *j, const struct ph_kvm *k, const struct ph_kvm_guest *g, const struct ph_kvm_vcpu *v)
{
	uint64_t known = v->run_ns + v->wait_ns + v->throttled_ns + v->asleep_ns;

	ph_json_line(j, "vcpu");
	add_label(j, g);
	add_number(j, "vcpu", v->vcpu);
	ph_json_s64(j, "tid", v->tid);
	ph_json_u64(j, "known_ns", known);
	add_known(j, "cpu_ns", v->run_ns, known);
	add_known(j, "run_queue_wait_ns", v->wait_ns, known);
	add_known(j, "throttled_ns", v->throttled_ns, known && k->seen.switches);
	add_known(j, "asleep_ns", v->asleep_ns, known);
	add_known(j, "steal_ns", v->steal_ns, known && k->seen.steals);
	add_known(j, "guest_ns", v->guest_ns, k->nexits);
	add_known(j, "entries", v->entries, k->nentries);
	add_known(j, "exits", ph_kvm_count(&v->exits), k->nexits);
	ph_json_u64(j, "userspace_exits", ph_kvm_count(&v->user));
	add_known(j, "interrupts", v->irqs, k->nirqs || k->nexits);
	ph_json_u64(j, "polled_halts", v->polled);
	ph_json_u64(j, "polled_ns", v->polled_ns);
	ph_hist_json(&v->slept, j, "slept_halts");
	ph_json_line_end(j);
}

struct writing {
	struct ph_json *j;
	const char *kind;
};

static void add_exit(void *arg, const struct ph_kvm_guest *g, int32_t vcpu, const struct ph_kvm_exit *e)
{
	static const char *const isas[] = { [PH_KVM_VMX] = "VMX", [PH_KVM_SVM] = "SVM" };
	struct writing *w = arg;
	ph_autobuf reason = { 0 };

	ph_kvm_reason(e, &reason);
	ph_json_line(w->j, w->kind);
	add_label(w->j, g);
	add_number(w->j, "vcpu", vcpu);
	ph_json_str(w->j, "isa", e->isa && e->isa < PH_ARRAY_SIZE(isas) ? isas[e->isa] : NULL);
	ph_json_str(w->j, "reason", reason.p);
	if (e->error)
		ph_json_null(w->j, "number");
	else
		ph_json_u64(w->j, "number", e->reason);
	ph_json_u64(w->j, "count", e->count);
	ph_hist_json(&e->hist, w->j, "time");
	ph_json_line_end(w->j);
}

void ph_kvm_json(const struct ph_kvm *k, const struct ph_kvm_view *view, struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = view->base.fmt.output == PH_OUT_JSONPRETTY };

	if (view->is_guest) {
		ph_json_line(&j, "machine");
		ph_json_f64(&j, "steal_percent", 100 * view->steal);
		ph_json_line_end(&j);
	}
	ph_vec_each(g, &k->guests) {
		add_guest(&j, k, *g);
		ph_vec_each(v, &(*g)->vcpus)
			add_vcpu(&j, k, *g, *v);
	}
	ph_kvm_each_exit(k, false, view->by_vcpu, add_exit, &(struct writing){ &j, "exit" });
	ph_kvm_each_exit(k, true, view->by_vcpu, add_exit, &(struct writing){ &j, "userspace_exit" });
}
