/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_SYSCALLS_H
#define PH_EVENT_SYSCALLS_H

#include "event/capture.h"
#include "event/schema.h"

/*
 * The system calls of this machine's architecture, from syscalls.def. `compat` means the calls that
 * 32-bit programs make (i386 on x86_64; elsewhere there are none and all of them are unknown). A trace may be another machine's:
 * calls that only such have are known, too, with numbers from PH_SYSCALL_ELSEWHERE on, which no call has here.
 */
#define PH_SYSCALL_ELSEWHERE 512

struct ph_syscall {
	const char *name;		/* "openat" */
	int32_t nr;			/* -1: in ph_syscall_unknown() */
	int32_t nr_other;		/* of this row on the other machine (event/machine.h), -1: there is none */
	uint8_t nargs;
	/* Copied at entry and at exit; PH_CAP_NONE ends the list where it is shorter. */
	struct ph_capture in[PH_MAX_CAPTURES], out[PH_MAX_CAPTURES];
	const struct ph_class *entry, *exit;
	/* enum ph_src, one for each field of entry and exit. */
	const uint8_t *entry_src, *exit_src;
};

/* NULL where the number or name is not known. Names are those of native calls. */
const struct ph_syscall *ph_syscall_by_nr(int nr, bool compat);
const struct ph_syscall *ph_syscall_by_name(const char *name);

/*
 * The number here of what the other machine calls @nr. Numbers that are no call's there stay what they are where none is another's
 * here either; else they come to 2 * PH_SYSCALL_ELSEWHERE and more, which no machine has.
 */
int32_t ph_syscall_from_other(int32_t nr, bool compat);
/* Does the other machine have this call, too? */
bool ph_syscall_has_other(int nr, bool compat);

/* What stands for a call whose number is not known: the number and six bare arguments. */
const struct ph_syscall *ph_syscall_unknown(bool compat);

/* One more than the highest known number. */
int ph_syscall_end(bool compat);

/* Number of the unknown call's classes above PH_EV_SYSCALL_ENTRY and the other three. */
#define PH_SYSCALL_UNKNOWN 0xfff

/* The entry and exit classes of all of them in ascending number, the unknown ones included. */
const struct ph_class *ph_syscall_class_nth(size_t i);
/* The same of the calls that other machines have. */
const struct ph_class *ph_syscall_class_elsewhere_nth(size_t i);

#endif
