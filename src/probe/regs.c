/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers: their names, where the kernel keeps them (struct pt_regs), and which hold arguments. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "probe/probe.h"

int ph_probe_machine(void)
{
#if defined(__x86_64__)
	return EM_X86_64;
#else
	return EM_AARCH64;
#endif
}

/* r15 stands first, with names for its 8, 4, 2 and 1 lowest bytes. */
static const struct {
	const char *name[4];
	uint16_t offset;
} x86[] = {
	{ { "r15", "r15d", "r15w", "r15b" }, 0 }, { { "r14", "r14d", "r14w", "r14b" }, 8 },
	{ { "r13", "r13d", "r13w", "r13b" }, 16 }, { { "r12", "r12d", "r12w", "r12b" }, 24 },
	{ { "rbp", "ebp", "bp", "bpl" }, 32 }, { { "rbx", "ebx", "bx", "bl" }, 40 },
	{ { "r11", "r11d", "r11w", "r11b" }, 48 }, { { "r10", "r10d", "r10w", "r10b" }, 56 },
	{ { "r9", "r9d", "r9w", "r9b" }, 64 }, { { "r8", "r8d", "r8w", "r8b" }, 72 },
	{ { "rax", "eax", "ax", "al" }, 80 }, { { "rcx", "ecx", "cx", "cl" }, 88 },
	{ { "rdx", "edx", "dx", "dl" }, 96 }, { { "rsi", "esi", "si", "sil" }, 104 },
	{ { "rdi", "edi", "di", "dil" }, 112 }, { { "rip", "eip", "ip", "ip" }, 128 },
	{ { "rsp", "esp", "sp", "spl" }, 152 },
};

static const struct {
	const char *name;
	uint16_t offset;
} high[] = { { "ah", 80 }, { "ch", 88 }, { "dh", 96 }, { "bh", 40 } };

#define X86_SP 152
#define ARM64_SP 248

static bool is(const char *name, const char *s, size_t n)
{
	return strlen(name) == n && !memcmp(name, s, n);
}

static int x86_reg(const char *s, size_t n, unsigned int *ret_size, unsigned int *ret_shift)
{
	for (size_t i = 0; i < sizeof(x86) / sizeof(x86[0]); i++)
		for (unsigned int k = 0; k < 4; k++)
			if (is(x86[i].name[k], s, n)) {
				*ret_size = 8u >> k;
				return x86[i].offset;
			}
	for (size_t i = 0; i < sizeof(high) / sizeof(high[0]); i++)
		if (is(high[i].name, s, n)) {
			*ret_size = 1;
			*ret_shift = 8;
			return high[i].offset;
		}
	return -1;
}

static int arm64_reg(const char *s, size_t n, unsigned int *ret_size)
{
	unsigned int number = 0;

	*ret_size = 8;
	if (is("sp", s, n))
		return ARM64_SP;
	if (is("pc", s, n))
		return 256;
	if (is("fp", s, n))
		return 29 * 8;
	if (is("lr", s, n))
		return 30 * 8;
	if (n < 2 || n > 3 || (*s != 'x' && *s != 'w'))
		return -1;
	for (size_t i = 1; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		number = number * 10 + (unsigned int)(s[i] - '0');
	}
	if (number > 30)
		return -1;
	*ret_size = *s == 'w' ? 4 : 8;
	return (int)(number * 8);
}

int ph_probe_reg(int machine, const char *name, size_t n, unsigned int *ret_size, unsigned int *ret_shift)
{
	*ret_size = 8;
	*ret_shift = 0;
	return machine == EM_X86_64 ? x86_reg(name, n, ret_size, ret_shift) :
	       machine == EM_AARCH64 ? arm64_reg(name, n, ret_size) : -1;
}

static void in_register(struct ph_probe_arg *a, int offset)
{
	*a = (struct ph_probe_arg){ .has_reg = 1, .reg = (uint16_t)offset, .size = 8, .user = 1 };
}

void ph_probe_stack_place(int machine, struct ph_probe_arg *ret)
{
	in_register(ret, machine == EM_X86_64 ? X86_SP : ARM64_SP);
	/* Behind the return address. */
	ret->add[0] = machine == EM_X86_64 ? 8 : 0;
}

int ph_probe_numbered_place(int machine, uint32_t n, struct ph_probe_arg *ret)
{
	/* rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 … r15, rip */
	static const uint16_t numbered[] = { 80, 96, 88, 40, 104, 112, 32, X86_SP, 72, 64, 56, 48, 24, 16, 8, 0, 128 };

	if (n >= (machine == EM_X86_64 ? PH_ARRAY_SIZE(numbered) : 33))
		return -ERANGE;
	/* arm64: x0 … x30, sp, pc, as the kernel has them. */
	in_register(ret, machine == EM_X86_64 ? numbered[n] : 8 * (int)n);
	return 0;
}

static void on_stack(struct ph_probe_arg *a, int machine, uint32_t n)
{
	ph_probe_stack_place(machine, a);
	a->add[0] += 8 * (int64_t)n;
	a->loads = 1;
}

int ph_probe_arg_place(int machine, bool go, uint32_t n, struct ph_probe_arg *ret)
{
	/* rdi, rsi, rdx, rcx, r8, r9; Go since 1.17: rax, rbx, rcx, rdi, rsi, r8 … r11. */
	static const uint16_t c_regs[] = { 112, 104, 96, 88, 72, 64 };
	static const uint16_t go_regs[] = { 80, 40, 88, 112, 104, 72, 64, 56, 48 };

	if (!n || n > 99)
		return -ERANGE;
	if (go && n > (machine == EM_X86_64 ? 9 : 16))
		return -ERANGE;
	if (machine == EM_X86_64 && go)
		in_register(ret, go_regs[n - 1]);
	else if (machine == EM_X86_64 && n <= 6)
		in_register(ret, c_regs[n - 1]);
	else if (machine == EM_X86_64)
		on_stack(ret, machine, n - 7);
	else if (n <= (go ? 16 : 8))
		in_register(ret, 8 * (int)(n - 1));
	else
		on_stack(ret, machine, n - 9);
	return 0;
}

int ph_probe_retval_place(int machine, bool go, uint32_t n, struct ph_probe_arg *ret)
{
	static const uint16_t c_regs[] = { 80, 96 };	/* rax, rdx */

	if (go)
		return ph_probe_arg_place(machine, true, n, ret);
	if (!n || n > PH_ARRAY_SIZE(c_regs))
		return -ERANGE;
	in_register(ret, machine == EM_X86_64 ? c_regs[n - 1] : 8 * (int)(n - 1));
	return 0;
}
