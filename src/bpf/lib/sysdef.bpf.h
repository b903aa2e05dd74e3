/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BPF_SYSDEF_BPF_H
#define PH_BPF_SYSDEF_BPF_H

#include "event.bpf.h"

/* What to do with each call: native numbers, then those of 32-bit calls. Written by user space. */
struct ph_sysdef sysdefs[2 * PH_NSYSCALLS] SEC(".data.sysdefs") = {};

static __always_inline struct ph_sysdef *sysdef(long nr, bool compat)
{
	u32 i = nr;

	if (i >= PH_NSYSCALLS)
		i = PH_NSYSCALLS - 1;	/* the row of unknown numbers */
	if (compat)
		i += PH_NSYSCALLS;
	if (i >= 2 * PH_NSYSCALLS)
		return NULL;
	return &sysdefs[i];
}

#endif
