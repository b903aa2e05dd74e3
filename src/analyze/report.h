/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_REPORT_H
#define PH_ANALYZE_REPORT_H

#include "base/table.h"

/* How the report of an analysis is to be shown. One with more to choose has it in a struct of its own. */
struct ph_report_view {
	struct ph_table_fmt fmt;
	unsigned int table;	/* where there are several: of CSV, or shown alone */
	bool alone;
	unsigned int width;	/* of the terminal, 0: unlimited */
	int64_t offset_ns;	/* of the source */
	bool utc;		/* times of day */
};

#endif
