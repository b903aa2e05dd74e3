/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/opt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/parse.h"

static const struct ph_opt *find(const struct ph_opt_group *groups, const char *name, size_t n, char c)
{
	for (; groups->title; groups++)
		for (const struct ph_opt *o = groups->opts; o->name; o++)
			if (name ? strlen(o->name) == n && !memcmp(o->name, name, n) : o->c == c)
				return o;
	return NULL;
}

static int unknown(const struct ph_opt_group *groups, const char *name, size_t n, struct ph_err *err)
{
	const char *names[256], *near;
	char word[64] = "";
	size_t k = 0;

	for (const struct ph_opt_group *g = groups; g->title; g++)
		for (const struct ph_opt *o = g->opts; o->name && k < 256; o++)
			names[k++] = o->name;
	memcpy(word, name, n < sizeof(word) ? n : sizeof(word) - 1);
	near = ph_nearest(word, names, k);
	if (near)
		return ph_err_set(err, -EINVAL, "unknown option '--%s'; did you mean '--%s'?", word,
				  near);
	return ph_err_set(err, -EINVAL, "unknown option '--%s'", word);
}

static int apply(const struct ph_opt *o, const char *value, struct ph_err *err)
{
	int r = 0;

	switch (o->kind) {
	case PH_OPT_FLAG:
		*(bool *)o->dst = true;
		break;
	case PH_OPT_STR:
		*(const char **)o->dst = value;
		break;
	case PH_OPT_U64:
		r = ph_parse_u64(value, o->dst, err);
		break;
	case PH_OPT_SIZE:
		r = ph_parse_size(value, o->dst, err);
		break;
	case PH_OPT_DURATION:
		r = ph_parse_duration(value, o->dst, err);
		break;
	case PH_OPT_LIST:
		r = ph_parse_list(value, o->dst, err);
		break;
	case PH_OPT_STRV:
		ph_strv_add(o->dst, value);
		break;
	case PH_OPT_CALL:
		r = o->call(o->dst, value, err);
		break;
	}
	return r < 0 ? ph_err_wrap(err, r, "--%s", o->name) : 0;
}

static bool takes_value(const struct ph_opt *o)
{
	return o->arg != NULL;
}

int ph_opt_parse(const struct ph_opt_group *groups, int argc, char **argv, ph_strv *ret_args,
		 size_t *ret_dashdash, struct ph_err *err)
{
	int r;

	*ret_dashdash = SIZE_MAX;
	for (int i = 1; i < argc; i++) {
		char *a = argv[i];

		if (a[0] != '-' || !a[1]) {
			*ph_vec_push(ret_args) = a;
		} else if (!strcmp(a, "--")) {
			*ret_dashdash = ret_args->n;
			for (i++; i < argc; i++)
				*ph_vec_push(ret_args) = argv[i];
		} else if (a[1] == '-') {
			size_t n = strcspn(a + 2, "=");
			const struct ph_opt *o = find(groups, a + 2, n, 0);
			const char *value = a[2 + n] ? a + 3 + n : NULL;

			if (!o && n == 4 && !memcmp(a + 2, "help", 4))
				return 1;
			if (!o)
				return unknown(groups, a + 2, n, err);
			if (value && !takes_value(o))
				return ph_err_set(err, -EINVAL, "--%s takes no value", o->name);
			if (!value && takes_value(o)) {
				if (++i >= argc)
					return ph_err_set(err, -EINVAL, "--%s needs a value: %s",
							  o->name, o->arg);
				value = argv[i];
			}
			r = apply(o, value, err);
			if (r < 0)
				return r;
		} else {
			for (const char *c = a + 1; *c; c++) {
				const struct ph_opt *o = find(groups, NULL, 0, *c);
				const char *value = NULL;

				if (!o && *c == 'h')
					return 1;
				if (!o)
					return ph_err_set(err, -EINVAL, "unknown option '-%c'", *c);
				if (takes_value(o)) {
					value = c[1] ? c + 1 : ++i < argc ? argv[i] : NULL;
					if (!value)
						return ph_err_set(err, -EINVAL,
								  "-%c needs a value: %s", *c, o->arg);
				}
				r = apply(o, value, err);
				if (r < 0)
					return r;
				if (value)
					break;
			}
		}
	}
	return 0;
}

#define HELP_COL 30
#define HELP_WIDTH 80

static void wrap(struct ph_buf *out, size_t col, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (col > HELP_COL && col + 1 + n > HELP_WIDTH) {
			ph_buf_addf(out, "\n%*s", HELP_COL, "");
			col = HELP_COL;
		} else if (col > HELP_COL) {
			ph_buf_addc(out, ' ');
			col++;
		}
		ph_buf_add(out, text, n);
		col += n;
		text += n + (text[n] == ' ');
	}
	ph_buf_addc(out, '\n');
}

void ph_opt_help(const struct ph_opt_group *groups, struct ph_buf *out)
{
	for (; groups->title; groups++) {
		ph_buf_addf(out, "%s%s:\n", out->len ? "\n" : "", groups->title);
		for (const struct ph_opt *o = groups->opts; o->name; o++) {
			size_t start = out->len, used;

			if (o->c)
				ph_buf_addf(out, "  -%c, --%s", o->c, o->name);
			else
				ph_buf_addf(out, "      --%s", o->name);
			if (o->arg)
				ph_buf_addf(out, " %s", o->arg);
			used = out->len - start;
			if (used >= HELP_COL - 1) {
				ph_buf_addc(out, '\n');
				used = 0;
			}
			ph_buf_addf(out, "%*s", (int)(HELP_COL - used), "");
			wrap(out, HELP_COL, o->help ? o->help : "");
		}
	}
}
