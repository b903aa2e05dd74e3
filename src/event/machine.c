/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/machine.h"

#include <string.h>

/* What x86_64 has, what arm64 has, as here and there. */
#ifdef __x86_64__
#define HERE(x86_64, arm64) (x86_64)
#define THERE(x86_64, arm64) (arm64)
const char ph_machine_here[] = "x86_64", ph_machine_other[] = "aarch64";
#else
#define HERE(x86_64, arm64) (arm64)
#define THERE(x86_64, arm64) (x86_64)
const char ph_machine_here[] = "aarch64", ph_machine_other[] = "x86_64";
#endif

uint64_t ph_machine_open_flags(uint64_t flags)
{
	/* asm-generic/fcntl.h, and what arch/arm64/include/uapi/asm/fcntl.h has instead. */
	static const struct { uint32_t there, here; } moved[] = {
#define O(x86_64, arm64) { THERE(x86_64, arm64), HERE(x86_64, arm64) }
		O(0200000, 040000),	/* O_DIRECTORY */
		O(0400000, 0100000),	/* O_NOFOLLOW */
		O(040000, 0200000),	/* O_DIRECT */
		O(0100000, 0400000),	/* O_LARGEFILE */
#undef O
	};
	uint64_t ret = flags;

	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		ret &= ~(uint64_t)moved[i].there;
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (flags & moved[i].there)
			ret |= moved[i].here;
	return ret;
}

#define M(x86_64, arm64, n) { THERE(x86_64, arm64), HERE(x86_64, arm64), n }

/* struct stat of arch/x86/include/uapi/asm/stat.h and of asm-generic/stat.h. */
const struct ph_machine_struct ph_machine_stat = { THERE(144, 128), HERE(144, 128), (const struct ph_machine_member []){
	M(0, 0, 16),	/* st_dev, st_ino */
	M(16, 20, 4),	/* st_nlink: 64 bits, 32 bits */
	M(24, 16, 4),	/* st_mode */
	M(28, 24, 8),	/* st_uid, st_gid */
	M(40, 32, 8),	/* st_rdev */
	M(48, 48, 72),	/* st_size, st_blksize (there is room behind the one of 32 bits), st_blocks, times */
	{ 0 } } };

/* x86_64 has it packed, so that it is as 32-bit programs have it. */
const struct ph_machine_struct ph_machine_epoll_event = { THERE(12, 16), HERE(12, 16), (const struct ph_machine_member []){
	M(0, 0, 4), M(4, 8, 8), { 0 } } };

size_t ph_machine_turn(const struct ph_machine_struct *s, const char *from, size_t n, char *to)
{
	char *end = to;

	for (; n >= s->there; n -= s->there, from += s->there, end += s->here) {
		memset(end, 0, s->here);
		for (const struct ph_machine_member *m = s->members; m->n; m++)
			memcpy(end + m->here, from + m->there, m->n);
	}
	return (size_t)(end - to);
}
