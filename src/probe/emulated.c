/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that the kernel takes for others. What a probe stands on is run elsewhere, but jumps, calls and a one-byte nop are done by
 * the kernel itself. On x86_64 it knows these by the opcode (branch_setup_xol_ops() in arch/x86/kernel/uprobes.c), also of an instruction
 * of AVX, where the same byte means another one: "vpbroadcastb %esi,%zmm16", with which glibc's memset begins on machines with AVX-512, has
 * that of "jp", is not run, and each memset() of the machine writes what happens to be in the register.
 */
#include <elf.h>
#include <unistd.h>

#include "probe/priv.h"

/* Of those with a prefix of VEX or EVEX, how many bytes that has. */
static size_t vector_prefix(uint8_t first)
{
	return first == 0xc5 ? 2 : first == 0xc4 ? 3 : first == 0x62 ? 4 : 0;
}

bool probe_is_emulated_wrongly(int machine, const uint8_t *code, size_t n)
{
	size_t prefix = machine == EM_X86_64 && n ? vector_prefix(code[0]) : 0;
	uint8_t opcode;

	if (!prefix || prefix >= n)
		return false;
	opcode = code[prefix];
	return (opcode & 0xf0) == 0x70 || opcode == 0x90 || opcode == 0xe8 || opcode == 0xe9 || opcode == 0xeb;
}

bool probe_would_break(int machine, int fd, uint64_t offset)
{
	uint8_t code[8];
	ssize_t n = pread(fd, code, sizeof(code), (off_t)offset);

	return n > 0 && probe_is_emulated_wrongly(machine, code, (size_t)n);
}
