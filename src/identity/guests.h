/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_GUESTS_H
#define PH_IDENTITY_GUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

/*
 * Guests of KVM as /proc has them: processes with a virtual machine among their descriptors. Who has
 * opened /dev/kvm alone only asks what it can do, and has no guest.
 */
struct ph_guest_thread {
	int32_t tid, vcpu;		/* vcpu -1: it runs one, which is not known */
	char comm[16];
};

struct ph_guest {
	int32_t pid;
	char comm[16];
	char *name, *uuid;		/* that the program was given; NULL: none */
	uint32_t machines;		/* descriptors of virtual machines */
	PH_VEC(int32_t) vcpus;		/* their numbers, ascending */
	PH_VEC(struct ph_guest_thread) threads;	/* that run them, as far as is known: by number */
};

struct ph_guests {
	PH_VEC(struct ph_guest) v;	/* by process id */
	uint32_t hidden;		/* processes that could not be looked into */
};

/*
 * Is process @pid one? 1: @ret is filled in, 0: no; -errno: it cannot be looked into. @procfd is /proc, @comm the
 * process's name.
 */
int ph_guest_read(int procfd, int32_t pid, const char comm[16], struct ph_guest *ret);
void ph_guest_done(struct ph_guest *g);
/* guest_threads.c: which threads run the virtual CPUs. ph_guest_read() does it. */
void ph_guest_read_threads(int procfd, struct ph_guest *g);
/* Can there be guests at all? @rootfd: "/" or a tree made by a test. */
bool ph_guests_possible(int rootfd);
/* @root: "/" or a tree made by a test. */
int ph_guests_scan(struct ph_guests *g, const char *root, struct ph_err *err);
void ph_guests_done(struct ph_guests *g);

/* The guest's name in what libvirt calls its machine, "qemu-1-web". To be freed. */
char *ph_guest_of_machine(const char *machine);

/*
 * The number of the virtual CPU that a thread of this name runs, as QEMU calls it ("CPU 3/KVM"), or -1.
 * @comm need not end with a 0.
 */
int32_t ph_guest_vcpu_of(const char comm[16]);

#endif
