/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_PROBE_H
#define PH_EVENT_PROBE_H

/*
 * What a probe is to the kernel side: where the values are that its arguments ask for. Shared with BPF code, which
 * has the types from kernel.bpf.h.
 *
 * A value begins with a register, or with 0; an index may be added. Then, in turns: a number is added, and what
 * stands in memory at that address takes its place. The last load is of the value's size, those before of a
 * pointer's. Of what that gives, some bits are the value.
 */

#ifndef __bpf__
#include <linux/types.h>
#endif

#define PH_PROBE_ARGS 8		/* of one probe */
#define PH_PROBE_TEXTS 4	/* of them, texts */
#define PH_PROBE_LOADS 4
#define PH_PROBE_TEXT_MAX 1024

enum ph_probe_what {
	PH_PROBE_NUMBER,
	PH_PROBE_TEXT,		/* the value is the address of a string */
	PH_PROBE_DATA_LOC,	/* of a tracepoint: the value's lower half is the offset of a string */
	PH_PROBE_BYTES,		/* of a tracepoint: the string stands in its record, at `reg` */
	PH_PROBE_BUFFER,	/* the value is the address of bytes, `length` of them; of a probe one at most */
};

struct ph_probe_arg {
	__u8 what;
	__u8 size;		/* of the last load in bytes */
	__u8 low, bits;		/* the value is `bits` bits from the `low`-th on */
	__u8 is_signed;
	__u8 loads;
	__u8 has_reg, has_index;
	__u8 shift;		/* of the index */
	__u8 at_entry;		/* of a return: it is as it was at the entry */
	__u8 user;		/* memory is the program's, not the kernel's */
	__u8 text;		/* which of the texts it is */
	__u16 reg, index;	/* offsets in the registers; reg of a tracepoint: in its record */
	__u16 max;		/* of a text: as many bytes as have room where it is; 0: it ends by itself */
	__u16 length;		/* of a text: 1 + number of the value that says how many bytes it has; 0: none does */
	__s64 add[PH_PROBE_LOADS + 1];
};

struct ph_probe_def {
	__u32 asked;		/* which of those that the user asked for */
	__u16 nargs;
	__u16 buffer;		/* 1 + number of the argument that is one; 0: none is */
	__u32 room;		/* bytes that values and texts take at most */
	__u32 entry;		/* of a return: which are the entry's, a bit for each */
	__u8 go;		/* it is a function of Go, which moves stacks from thread to thread, and in memory */
	__u8 at_returns;	/* what returns is probed, and not the address that it returns to */
	__u16 nvalues;		/* nargs, and behind them lengths of texts, which are not shown */
	struct ph_probe_arg args[PH_PROBE_ARGS];
};

#endif
