/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int negative(int code)
{
	return code > 0 ? -code : code ? code : -EINVAL;
}

static int set(struct ph_err *err, int code, const char *fmt, va_list ap)
{
	code = negative(code);
	if (!err)
		return code;
	err->code = code;
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	return code;
}

int ph_err_set(struct ph_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = set(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int ph_err_sys(struct ph_err *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	code = set(err, code, fmt, ap);
	va_end(ap);
	if (!err)
		return code;
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(-code));
	return code;
}

int ph_err_wrap(struct ph_err *err, int code, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	va_list ap;
	size_t n;

	code = negative(code);
	if (!err)
		return code;
	if (!err->code)
		err->code = code;
	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (inner[0]) {
		n = strlen(err->msg);
		snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", inner);
	}
	return err->code;
}
