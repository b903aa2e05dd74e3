/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that are chosen when a program starts (IFUNC), as memcpy by what the machine can do: which one it is stands in the memory
 * of who has started. The file tells where.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/priv.h"

bool probe_chosen(const struct probe_elf *e, int32_t pid, const struct ph_probe_file *file, uint64_t chooses, uint64_t *ret_vaddr, uint64_t *ret_offset)
{
	const struct ph_symfile *f = ph_symchild_file(e->child, e->id);
	uint64_t begin, offset, vaddr, value, there;
	ph_autoclose int mem = -1;
	ph_symoffsets slots = { 0 };
	bool found = false;
	char name[64];

	/* The process may have it elsewhere than the file says. */
	if (!probe_mapping(pid, file->dev, file->ino, &begin, &offset) || !ph_symfile_vaddr(f, offset, &vaddr) ||
	    ph_symchild_slots(e->child, e->id, chooses, &slots, NULL) < 0)
		return false;
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	mem = open(name, O_RDONLY | O_CLOEXEC);
	ph_vec_each(s, &slots) {
		if (found || mem < 0 || pread(mem, &value, sizeof(value), (off_t)(begin - vaddr + *s)) != sizeof(value))
			continue;
		/* It is the process's to say: somewhere in the file's code. */
		*ret_vaddr = value - (begin - vaddr);
		found = ph_symfile_offset(f, *ret_vaddr, ret_offset) && ph_symfile_vaddr(f, *ret_offset, &there) && there == *ret_vaddr;
	}
	ph_vec_done(&slots);
	return found;
}
