/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/when.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

#define NSEC ((int64_t)PH_NSEC)

/* ".5" and the like, or nothing. */
static int fraction(const char *s, int64_t *ret_ns)
{
	int64_t unit = NSEC / 10;

	*ret_ns = 0;
	if (!*s)
		return 0;
	if (*s++ != '.' || !*s)
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++, unit /= 10)
		*ret_ns += (*s - '0') * unit;
	return *s ? -EINVAL : 0;
}

static int unix_time(const char *s, int64_t *ret_ns)
{
	char *end;
	int64_t ns;

	errno = 0;
	*ret_ns = strtoll(s, &end, 10);
	if (errno || end == s)
		return -EINVAL;
	/* No trace is older than 1973 in ns, or younger than the year 5138 in s. */
	if (!*end && *ret_ns >= 100000000000)
		return 0;
	if (fraction(end, &ns) < 0 || *ret_ns >= 100000000000 || *ret_ns < 0)
		return -EINVAL;
	*ret_ns = *ret_ns * NSEC + ns;
	return 0;
}

static int64_t to_unix(struct tm *tm, bool utc)
{
	tm->tm_isdst = -1;
	return (int64_t)(utc ? timegm(tm) : mktime(tm));
}

int ph_when_parse(const char *s, int64_t begin_ns, bool utc, int64_t *ret_ns, struct ph_err *err)
{
	time_t first = (time_t)(begin_ns / NSEC);
	struct tm tm = { 0 };
	const char *rest;
	uint64_t rel;
	int64_t ns;
	int r;

	if (*s == '+') {
		r = ph_parse_duration(s + 1, &rel, err);
		if (r < 0)
			return r;
		if (rel > INT64_MAX / 2)
			return ph_err_set(err, -ERANGE, "'%s' is too far away", s);
		*ret_ns = begin_ns + (int64_t)rel;
		return 0;
	}
	rest = strptime(s, "%Y-%m-%d", &tm);
	if (rest && (*rest == ' ' || *rest == 'T'))
		rest = strptime(rest + 1, "%H:%M:%S", &tm);
	else if (rest && *rest)
		rest = NULL;
	if (rest && fraction(rest, &ns) == 0) {
		*ret_ns = to_unix(&tm, utc) * NSEC + ns;
		return 0;
	}
	if (!(utc ? gmtime_r(&first, &tm) : localtime_r(&first, &tm)))
		return ph_err_set(err, -ERANGE, "the trace's time is out of range");
	rest = strptime(s, "%H:%M:%S", &tm);
	if (rest && fraction(rest, &ns) == 0) {
		*ret_ns = to_unix(&tm, utc) * NSEC + ns;
		/* Earlier than the second in which it began: the day after. */
		if (*ret_ns < (int64_t)first * NSEC) {
			tm.tm_mday++;
			*ret_ns = to_unix(&tm, utc) * NSEC + ns;
		}
		return 0;
	}
	if (unix_time(s, ret_ns) == 0)
		return 0;
	return ph_err_set(err, -EINVAL, "'%s' is not a time (+1.5s, 10:00:00.5, "
			  "\"2026-11-21 10:00:00\", or Unix time in ns)", s);
}

int ph_when_range(const char *s, int64_t begin_ns, bool utc, int64_t *ret_from, int64_t *ret_to,
		  struct ph_err *err)
{
	const char *dots = strstr(s, "..");
	ph_autofree char *from = NULL;
	int r;

	if (!dots)
		return ph_err_set(err, -EINVAL, "'%s' is not a range FROM..TO", s);
	from = ph_strndup(s, (size_t)(dots - s));
	if (*from) {
		r = ph_when_parse(from, begin_ns, utc, ret_from, err);
		if (r < 0)
			return r;
	}
	return dots[2] ? ph_when_parse(dots + 2, begin_ns, utc, ret_to, err) : 0;
}
