/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyze/words.h"

#include <stdio.h>

#include "base/parse.h"

void words_percent(struct ph_buf *out, double share)
{
	double x = share * 100;

	if (x > 0 && x < 0.1)
		ph_buf_adds(out, "less than 0.1 %");
	else
		ph_buf_addf(out, x < 9.95 && x != (int)x ? "%.1f %%" : "%.0f %%", x);
}

void words_ns(struct ph_buf *out, uint64_t ns)
{
	char text[PH_HUMAN_MAX];

	ph_buf_adds(out, ph_human_ns(ns, text));
}

void words_bytes(struct ph_buf *out, uint64_t bytes)
{
	char text[PH_HUMAN_MAX];

	ph_buf_adds(out, ph_human_bytes(bytes, text));
}

void words_name(struct ph_buf *out, const char *name)
{
	ph_buf_add_term(out, name, strlen(name));
}

void words_container(struct ph_buf *out, const struct ph_identity *id, uint32_t container)
{
	if (container == PH_CONTAINER_HOST)
		ph_buf_adds(out, "the host");
	else if (container == PH_CONTAINER_UNKNOWN)
		ph_buf_adds(out, "an unknown container");
	else
		words_name(out, ph_container_label(id, container));
}

void words_cpus(struct ph_buf *out, double cpus)
{
	char text[32];
	size_t n;

	snprintf(text, sizeof(text), "%.2f", cpus);
	for (n = strlen(text); text[n - 1] == '0'; n--)
		;
	n -= text[n - 1] == '.';
	ph_buf_addf(out, "%.*s CPU%s", (int)n, text, cpus > 1 ? "s" : "");
}
