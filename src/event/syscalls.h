/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_SYSCALLS_H
#define PH_EVENT_SYSCALLS_H

#include "event/schema.h"

/* The entry and exit classes of all system calls of this machine's architecture, NULL at the end. */
const struct ph_class *ph_syscall_class_nth(size_t i);

#endif
