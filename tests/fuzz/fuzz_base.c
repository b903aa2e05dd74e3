/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/buf.h"
#include "base/parse.h"
#include "fuzz.h"

/* What users type (sizes, times, lists, patterns) and what is escaped on its way out. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = ph_strndup((const char *)data, size);
	const char *names[] = { "sched_switch", "sched_waking", "syscall" };
	struct ph_buf b = { 0 };
	ph_strv list = { 0 };
	uint64_t u;
	int64_t i;

	ph_parse_u64(s, &u, NULL);
	ph_parse_s64(s, &i, NULL);
	ph_parse_size(s, &u, NULL);
	ph_parse_duration(s, &u, NULL);
	ph_parse_list(s, &list, NULL);
	ph_strv_done(&list);
	if (size < 256) {
		ph_glob(s, "sched_switch");
		ph_nearest(s, names, 3);
	}
	ph_buf_add_json(&b, (const char *)data, size);
	ph_buf_add_term(&b, (const char *)data, size);
	ph_buf_add_csv(&b, (const char *)data, size);
	/* Whatever came in: nothing that a terminal acts on comes out. */
	ph_buf_clear(&b);
	ph_buf_add_term(&b, (const char *)data, size);
	for (size_t n = 0; n < b.len; n++)
		if ((unsigned char)b.p[n] < 0x20 || b.p[n] == 0x7f)
			abort();
	ph_buf_done(&b);
	free(s);
	return 0;
}
