/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LOAD_DENY_H
#define PH_LOAD_DENY_H

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

/* A word of `ph-load deny`: it arranges a cause, or is the call that fails. */
struct deny_word {
	const char *name;
	int nargs;
	void (*step)(char **args);
	int (*call)(char **args);	/* errno's number, 0: it was not refused */
};

/* Each ends with name NULL. */
extern const struct deny_word deny_steps[], deny_calls[], deny_sockets[];

extern unsigned int deny_hold_ms;	/* to stay after the call */
extern pid_t deny_beside;		/* the other user's process that was begun, whose number is "-" */
/* Calls of that number end by seccomp's @action. */
void deny_filter(uint32_t action, int nr);

static inline int deny_result(long r)
{
	return r < 0 ? errno : 0;
}

#endif
