/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bpf.h>
#include <stdlib.h>

#include "base/buf.h"
#include "event/schema.h"
#include "filter/filter.h"
#include "fuzz.h"

/* A filter expression: parsed, and compiled for the kernel for a class of each kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ph_filter_slot layout[] = {
		{ "tid", 0, 4, true, true }, { "comm", 8, 16, false, true },
		{ "prev_state", 24, 8, true, false }, { "ret", 32, 8, true, false },
	};
	char *expr = ph_strndup((const char *)data, size);
	struct ph_filter_names lenient = { .lenient = true };
	struct ph_filter *f = NULL;
	struct ph_err err = { 0 };
	struct bpf_insn out[256];
	bool exact;

	if (!ph_filter_parse(expr, &f, &err)) {
		const struct ph_class *cls;

		for (size_t i = 0; i < 40 && (cls = ph_class_nth(i)); i++)
			ph_filter_to_bpf(f, cls, layout, 4, out, 256, &exact, &err);
		ph_filter_free(f);
	}
	f = NULL;
	if (!ph_filter_parse_names(expr, &lenient, &f, &err))
		ph_filter_free(f);
	free(expr);
	return 0;
}
