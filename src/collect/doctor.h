/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_DOCTOR_H
#define PH_COLLECT_DOCTOR_H

#include <stdbool.h>

#include "base/vec.h"

/* What this machine, its kernel and this process's rights allow: one check a row. */
enum ph_check_status {
	PH_CHECK_YES,
	PH_CHECK_PART,		/* works in part, or without something */
	PH_CHECK_NO,
	PH_CHECK_UNKNOWN,	/* could not be found out */
	PH_CHECK_INFO,		/* porthole works either way */
};

struct ph_check {
	const char *area;	/* "kernel", "rights", "cgroups", "events", "features", "trial" */
	char *name;
	enum ph_check_status status;
	char *found;		/* what is there, or what is missing */
	char *advice;		/* what it means and what to change; NULL: nothing */
};

struct ph_doctor {
	struct ph_check *v;
	size_t n, cap;
	int root;		/* directory under which proc and sys are looked up */
	bool may_load;		/* this process's capabilities suffice to record */
	bool works;		/* the trial recorded events */
};

/* Run all checks, the trial too; @root is "/", or a tree that a test made (then without trial). */
void ph_doctor_run(struct ph_doctor *d, const char *root);
void ph_doctor_done(struct ph_doctor *d);
const char *ph_check_status_name(enum ph_check_status s);
/* One sentence: what can be recorded here. The caller frees it. */
char *ph_doctor_verdict(const struct ph_doctor *d);

/* For the files that make checks; @advice may be NULL. */
void ph_check_add(struct ph_doctor *d, const char *area, const char *name,
		  enum ph_check_status status, const char *advice, const char *found, ...)
	__attribute__((format(printf, 6, 7)));

/* doctor_host.c: what proc, sys and the mounts say. */
void ph_doctor_kernel(struct ph_doctor *d);
void ph_doctor_rights(struct ph_doctor *d);
void ph_doctor_cgroups(struct ph_doctor *d);
void ph_doctor_extras(struct ph_doctor *d);

#endif
