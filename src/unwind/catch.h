/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_CATCH_H
#define PH_UNWIND_CATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How GCC's runtime for exceptions goes over to the function that catches one (_Unwind_Resume and three more, of x86_64). A call puts what
 * the catching function has in its registers into the places where this one saved its caller's, the return address too; from then on
 * its caller is the other one, whose stack pointer stands in a variable only. Its entry says so in the last three instructions.
 * Offsets are from the begin of the function.
 */
struct ph_catch {
	size_t call, after;	/* the call that changes the saved registers, and where it returns to */
	size_t leave, ret, end;	/* mov %rcx, %rsp; and then to where the stack says: `ret`, or it is popped, */
	size_t jump;		/* and jumped to here; else 0 */
	int32_t sp;		/* from RBP to the other's stack pointer; the word above that is where it goes on */
};

/* @code is a function as far as to there, and some bytes behind it: is it one of these? */
bool ph_catch_find(const uint8_t *code, size_t n, size_t leave, struct ph_catch *ret);

#endif
