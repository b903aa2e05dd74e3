/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PATH_COMPARE_H
#define PH_ANALYZE_PATH_COMPARE_H

#include "analyze/path_report.h"
#include "analyze/requests.h"

/*
 * The critical paths of many requests: those of two bands, ranked by how long they took, are summed up and compared. What do
 * the slow ones wait for that the fast ones do not? A request's path goes from its end, of the task that ended it, back to
 * its begin.
 */
enum ph_band { PH_BAND_FAST, PH_BAND_SLOW, PH_BANDS };

struct ph_path_band {
	double from, to;		/* of all by duration, percent */
	uint64_t min_ns, max_ns;	/* of those in it */
	uint64_t n;			/* how many */
	uint64_t every;			/* of so many one path is walked: there is a limit to how many are */
	uint64_t walked, ns;		/* those, and the sum of their durations */
	struct ph_request typical;	/* of the middle */
};

/* What requests of both have of a state, whatever thread was in it: the sum of all. */
struct ph_path_diff {
	struct ph_path_share what;	/* without tids, and times */
	uint64_t ns[PH_BANDS], requests[PH_BANDS];
	uint64_t last;			/* the request that it was counted for */
};

/* The same by what would have to be faster: longer by @ns, a mean. */
struct ph_path_more {
	struct ph_path_help help;
	double ns;
};

struct ph_path_compare {
	struct ph_path *p;
	const struct ph_requests *r;
	struct ph_path_band band[PH_BANDS];
	PH_VEC(struct ph_path_diff) diffs;	/* what makes the slow ones slow first */
	PH_VEC(struct ph_path_more) more;	/* so */
	struct ph_u64map diff_map;
	enum ph_band now;
	uint64_t nr, seen;
};

/* @p was asked for many, and is finished, as @r is; both stay the caller's. -ENOENT: there is no request. */
int ph_path_compare_new(struct ph_path_compare **ret, struct ph_path *p, const struct ph_requests *r,
			const double percent[PH_BANDS][2], struct ph_err *err);
void ph_path_compare_free(struct ph_path_compare *c);

/* How much longer a slow one is in that state than a fast one: means. */
double ph_path_diff_ns(const struct ph_path_compare *c, const struct ph_path_diff *d);
/* The typical request of a band becomes the path that c->p shows. */
void ph_path_compare_show(const struct ph_path_compare *c, enum ph_band b);
const char *ph_band_name(enum ph_band b);	/* "fast" */

/* Sentences, without a line's end. */
void ph_path_compare_verdict(const struct ph_path_compare *c, struct ph_buf *out);
bool ph_path_compare_note(const struct ph_path_compare *c, unsigned int i, struct ph_buf *out);
/* All of it; c->p shows the typical slow one afterwards. */
int ph_path_compare_report(const struct ph_path_compare *c, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err);

#endif
