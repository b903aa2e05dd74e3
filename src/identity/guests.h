/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_GUESTS_H
#define PH_IDENTITY_GUESTS_H

#include "base/err.h"
#include "base/vec.h"

/*
 * Guests of KVM as /proc has them: processes with a virtual machine among their descriptors. Who has
 * opened /dev/kvm alone only asks what it can do, and has no guest.
 */
struct ph_guest {
	int32_t pid;
	char comm[16];
	char *name, *uuid;		/* that the program was given; NULL: none */
	uint32_t machines;		/* descriptors of virtual machines */
	PH_VEC(int32_t) vcpus;		/* their numbers, ascending */
};

struct ph_guests {
	PH_VEC(struct ph_guest) v;	/* by process id */
	uint32_t hidden;		/* processes that could not be looked into */
};

/* @root: "/" or a tree made by a test. */
int ph_guests_scan(struct ph_guests *g, const char *root, struct ph_err *err);
void ph_guests_done(struct ph_guests *g);

/*
 * The number of the virtual CPU that a thread of this name runs, as QEMU calls it ("CPU 3/KVM"), or -1.
 * @comm need not end with a 0.
 */
int32_t ph_guest_vcpu_of(const char comm[16]);

#endif
