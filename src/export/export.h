/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EXPORT_EXPORT_H
#define PH_EXPORT_EXPORT_H

#include "analyze/path_compare.h"
#include "analyze/profile_tree.h"
#include "analyze/report.h"

/* Profiles and paths as other programs and people read them. Names come from containers: each escapes what its format must not have. */

struct ph_export {
	struct ph_report_view view;	/* fmt: top; width: tree, top */
	const struct ph_profile *p;
	const struct ph_profile *base;	/* what it is compared with, or NULL */
	double min;			/* share of the whole below which branches are left out: tree */
	bool icicle;			/* the outermost function at the top: svg */
	bool by_container;		/* colours: svg */
	bool groups;			/* what stacks are divided by stands in them: pprof, speedscope, perf-script */
	const char *hostname;		/* that was recorded, may be NULL */
	bool pretty;			/* json */
};

/* For people: a tree of calls, and a table of functions. */
void ph_export_tree(const struct ph_export *x, struct ph_buf *out);
int ph_export_top_check(const struct ph_table_fmt *fmt, bool diff, struct ph_err *err);
void ph_export_top_schema(struct ph_buf *out);
int ph_export_top(const struct ph_export *x, struct ph_buf *out, struct ph_err *err);
/* "a;b;c 12": flamegraph.pl, inferno. Of two profiles two figures, as difffolded.pl gives them. */
void ph_export_folded(const struct ph_export *x, struct ph_buf *out);
/* A flame graph that needs nothing beside it. */
void ph_export_svg(const struct ph_export *x, struct ph_buf *out);
/* perftools.profiles.Profile, with gzip: go tool pprof, pprof.me, Grafana Pyroscope, Parca. */
int ph_export_pprof(const struct ph_export *x, struct ph_buf *out, struct ph_err *err);
/* https://www.speedscope.app; samples in the order of time, one profile a thread. */
void ph_export_speedscope(const struct ph_export *x, struct ph_buf *out);
/* As `perf script` prints samples: stackcollapse-perf.pl, the profilers of Firefox and Chromium, hotspot. */
void ph_export_perf_script(const struct ph_export *x, struct ph_buf *out);
/* A row a stack. */
void ph_export_json(const struct ph_export *x, struct ph_buf *out);
void ph_export_json_schema(struct ph_buf *out);

/* A critical path, a lane a task. */
void ph_export_path_svg(const struct ph_path *p, struct ph_buf *out);
/* Of requests a typical fast one, and below it a typical slow one, at the same scale. */
void ph_export_compare_svg(const struct ph_path_compare *c, struct ph_buf *out);

struct ph_whatif_report;
/* What would have been, over the limits that were asked for: a curve. */
void ph_export_whatif_svg(const struct ph_whatif_report *r, struct ph_buf *out);

#endif
