/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for programs: one object. */
#include <math.h>

#include "analyze/whatif_report.h"
#include "base/json.h"

static void add_outcome(struct ph_json *j, const struct ph_whatif_outcome *o)
{
	ph_json_u64(j, "duration_ns", o->duration_ns);
	ph_json_u64(j, "cpu_ns", o->cpu_ns);
	ph_json_u64(j, "throttled_ns", o->throttled_ns);
	ph_json_u64(j, "throttled_periods", o->throttled_periods);
	if (!o->requests.count) {
		ph_json_null(j, "requests");
		return;
	}
	ph_json_obj(j, "requests");
	ph_json_u64(j, "count", o->requests.count);
	ph_json_u64(j, "p50_ns", o->requests.p50_ns);
	ph_json_u64(j, "p90_ns", o->requests.p90_ns);
	ph_json_u64(j, "p99_ns", o->requests.p99_ns);
	ph_json_u64(j, "max_ns", o->requests.max_ns);
	ph_json_obj_end(j);
}

static void add_range(struct ph_json *j, const struct ph_whatif_outcome *o)
{
	ph_json_arr(j, "range_ns");
	ph_json_u64(j, NULL, o->least_ns);
	ph_json_u64(j, NULL, o->most_ns);
	ph_json_arr_end(j);
}

static void add_named(struct ph_json *j, const char *key, const struct ph_whatif_outcome *o)
{
	ph_json_obj(j, key);
	add_outcome(j, o);
	ph_json_obj_end(j);
}

void ph_whatif_json(const struct ph_whatif_report *r, struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = r->view->fmt.output == PH_OUT_JSONPRETTY };
	const struct ph_whatif *w = r->w;

	ph_json_obj(&j, NULL);
	ph_json_str(&j, "container", ph_container_label(w->id, w->container));
	ph_json_f64(&j, "cpus", w->cpus);
	ph_json_bool(&j, "cpus_changed", w->changed);
	ph_json_bool(&j, "ended", w->ended);
	add_named(&j, "recorded", &w->recorded);
	add_named(&j, "again", &w->again);
	add_named(&j, "bound", &w->bound);
	ph_json_arr(&j, "predictions");
	ph_vec_each(a, &r->answers) {
		ph_json_obj(&j, NULL);
		ph_json_f64(&j, "cpus", isnan(a->change.cpus) ? w->cpus : a->change.cpus);
		add_outcome(&j, &a->outcome);
		add_range(&j, &a->outcome);
		ph_json_obj_end(&j);
	}
	ph_json_arr_end(&j);
	if (r->goal.text) {
		ph_json_obj(&j, "goal");
		ph_json_str(&j, "text", r->goal.text);
		ph_json_bool(&j, "reached", !isnan(r->limit.change.cpus));
		ph_json_f64(&j, "cpus", r->limit.change.cpus);
		add_outcome(&j, &r->limit.outcome);
		add_range(&j, &r->limit.outcome);
		ph_json_obj_end(&j);
	}
	ph_json_obj(&j, "confidence");
	ph_json_f64(&j, "deviation", w->deviation);
	ph_json_arr(&j, "unmodelled");
	for (int i = 0; i < PH_GAP_MAX; i++) {
		if (!(w->gaps[i] > 0))
			continue;
		ph_json_obj(&j, NULL);
		ph_json_str(&j, "what", ph_whatif_gap_text((enum ph_whatif_gap)i));
		ph_json_f64(&j, "share", w->gaps[i]);
		ph_json_obj_end(&j);
	}
	ph_json_arr_end(&j);
	ph_json_obj_end(&j);
	ph_json_obj_end(&j);
	ph_buf_addc(out, '\n');
}
