/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_ERR_H
#define PH_BASE_ERR_H

/*
 * Errors carry a negative errno and a sentence for the user. The function that fails sets it,
 * each caller may put its own context in front, and only cmd/ prints it.
 *
 * A function that succeeds leaves the struct alone. Every function here accepts err == NULL.
 */
struct ph_err {
	int code;	/* negative errno, 0 while unset */
	char msg[1024];
};

/* Set the message; returns @code (made negative if it is not), so `return ph_err_set(...)`. */
int ph_err_set(struct ph_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": <strerror>" appended. */
int ph_err_sys(struct ph_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "context: " in front of what is there; returns err->code (or @code where err is NULL). */
int ph_err_wrap(struct ph_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
