/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_MACHINE_H
#define PH_EVENT_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A trace may be another machine's than the one that reads it. Of the two that are recorded, x86_64 and arm64, nearly all numbers
 * and structs of the kernel's interface are the same; here are those which are not, and how the other machine's become this one's (numbers of system calls: ph_syscall_from_other()).
 * The reader of traces does that to each field of which the unit tells what it is (ctf/turn.c), so nobody behind it sees others.
 */

/* This machine's name, and the other's, as uname -m has it. */
extern const char ph_machine_here[], ph_machine_other[];

/* O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE. */
uint64_t ph_machine_open_flags(uint64_t flags);

/* Structs of 64-bit programs, the kernel's. */
struct ph_machine_struct {
	uint16_t there, here;	/* bytes of one */
	const struct ph_machine_member {
		uint16_t there, here, n;
	} *members;		/* up to one of 0 bytes; what is in none is 0 */
};
extern const struct ph_machine_struct ph_machine_stat, ph_machine_epoll_event;

/* The @n bytes at @from hold as many as are whole: write them to @to, which has room for ph_machine_bytes(). Returns how many bytes. */
size_t ph_machine_turn(const struct ph_machine_struct *s, const char *from, size_t n, char *to);
static inline uint64_t ph_machine_bytes(const struct ph_machine_struct *s, uint64_t n)
{
	return n / s->there * s->here;
}

#endif
