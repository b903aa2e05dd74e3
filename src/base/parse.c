/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"

int ph_parse_u64(const char *s, uint64_t *ret, struct ph_err *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(s, &end, 0);
	if (errno == ERANGE)
		return ph_err_set(err, -ERANGE, "'%s' is too large a number", s);
	if (end == s || *end || strchr(s, '-'))
		return ph_err_set(err, -EINVAL, "'%s' is not a whole number", s);
	return 0;
}

int ph_parse_s64(const char *s, int64_t *ret, struct ph_err *err)
{
	char *end;

	errno = 0;
	*ret = strtoll(s, &end, 0);
	if (errno == ERANGE)
		return ph_err_set(err, -ERANGE, "'%s' is too large a number", s);
	if (end == s || *end)
		return ph_err_set(err, -EINVAL, "'%s' is not a whole number", s);
	return 0;
}

struct unit {
	const char *name;
	double factor;
};

static int parse_unit(const char *s, const struct unit *units, size_t n, const char *what,
		      uint64_t *ret, struct ph_err *err)
{
	double v;
	char *end;

	errno = 0;
	v = strtod(s, &end);
	if (end == s || errno || !isfinite(v) || v < 0)
		return ph_err_set(err, -EINVAL, "'%s' is not a %s", s, what);
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(end, units[i].name))
			continue;
		v *= units[i].factor;
		if (v >= 18446744073709551615.0)
			return ph_err_set(err, -ERANGE, "'%s' is too large a %s", s, what);
		*ret = (uint64_t)llround(v);
		return 0;
	}
	return ph_err_set(err, -EINVAL, "'%s' is not a %s: unknown unit '%s'", s, what, end);
}

int ph_parse_size(const char *s, uint64_t *ret_bytes, struct ph_err *err)
{
	static const struct unit units[] = {
		{ "", 1 }, { "b", 1 },
		{ "k", 1024 }, { "kb", 1024 }, { "kib", 1024 },
		{ "m", 1048576 }, { "mb", 1048576 }, { "mib", 1048576 },
		{ "g", 1073741824 }, { "gb", 1073741824 }, { "gib", 1073741824 },
		{ "t", 1099511627776 }, { "tb", 1099511627776 }, { "tib", 1099511627776 },
	};

	return parse_unit(s, units, PH_ARRAY_SIZE(units), "size (try 64M)", ret_bytes, err);
}

int ph_parse_duration(const char *s, uint64_t *ret_ns, struct ph_err *err)
{
	static const struct unit units[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "sec", 1e9 }, { "ms", 1e6 }, { "us", 1e3 },
		{ "µs", 1e3 }, { "ns", 1 }, { "m", 60e9 }, { "min", 60e9 }, { "h", 3600e9 },
		{ "d", 86400e9 },
	};

	return parse_unit(s, units, PH_ARRAY_SIZE(units), "duration (try 5s or 100ms)", ret_ns, err);
}

int ph_parse_list(const char *s, ph_strv *out, struct ph_err *err)
{
	const char *comma;

	for (;; s = comma + 1) {
		comma = strchrnul(s, ',');
		if (comma == s)
			return ph_err_set(err, -EINVAL, "an empty name in a comma list");
		*ph_vec_push(out) = ph_strndup(s, (size_t)(comma - s));
		if (!*comma)
			return 0;
	}
}

bool ph_glob(const char *pattern, const char *s)
{
	return strpbrk(pattern, "*?[") ? fnmatch(pattern, s, 0) == 0 : !strcmp(pattern, s);
}

const char *ph_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool ph_list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, word, n) && (!p[n] || p[n] == ','))
			return true;
	return false;
}

void ph_unescape_octal(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

int ph_read_file_at(int dirfd, const char *path, size_t max, struct ph_buf *b)
{
	ph_autoclose int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	ph_buf_clear(b);
	for (;;) {
		ph_buf_reserve(b, b->len ? b->len + 1 : 4096);
		n = read(fd, b->p + b->len, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		b->len += (size_t)n;
		if (b->len > max)
			return -EFBIG;
	}
	b->p[b->len] = 0;
	return 0;
}

/* How many letters are too many, missing, wrong, or in the wrong order with the next. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), rows[3][65], *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	if (la > 64 || lb > 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		spare = before;
		before = last;
		last = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < row[j])
				row[j] = last[j] + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return row[lb];
}

const char *ph_nearest(const char *word, const char *const *names, size_t n)
{
	size_t best = SIZE_MAX, limit = strlen(word) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = names[i] ? distance(word, names[i]) : SIZE_MAX;

		if (d < best) {
			best = d;
			found = names[i];
		}
	}
	return best <= limit ? found : NULL;
}

const char *ph_human_bytes(uint64_t bytes, char buf[PH_HUMAN_MAX])
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	unsigned int i = 0;

	for (; v >= 1024 && i + 1 < PH_ARRAY_SIZE(unit); i++)
		v /= 1024;
	snprintf(buf, PH_HUMAN_MAX, v < 10 && i ? "%.1f %s" : "%.0f %s", v, unit[i]);
	return buf;
}

const char *ph_human_ns(uint64_t ns, char buf[PH_HUMAN_MAX])
{
	if (ns < 1000)
		snprintf(buf, PH_HUMAN_MAX, "%lu ns", ns);
	else if (ns < 999500)	/* what rounds to a thousand is one of the next */
		snprintf(buf, PH_HUMAN_MAX, "%.3g us", (double)ns / 1e3);
	else if (ns < 999500000)
		snprintf(buf, PH_HUMAN_MAX, "%.3g ms", (double)ns / 1e6);
	else if (ns < 120 * 1000000000UL)
		snprintf(buf, PH_HUMAN_MAX, "%.3g s", (double)ns / 1e9);
	else if (ns < 3600 * 1000000000UL)
		snprintf(buf, PH_HUMAN_MAX, "%lum %lus", ns / 60000000000UL,
			 ns / 1000000000UL % 60);
	else if (ns < 86400 * 1000000000UL)
		snprintf(buf, PH_HUMAN_MAX, "%luh %lum", ns / 3600000000000UL,
			 ns / 60000000000UL % 60);
	else
		snprintf(buf, PH_HUMAN_MAX, "%lud %luh", ns / 86400000000000UL,
			 ns / 3600000000000UL % 24);
	return buf;
}
