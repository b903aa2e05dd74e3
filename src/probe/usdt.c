/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the arguments of a USDT probe are, in the words of the assembler that made its note. N@OPERAND: N bytes,
 * negative where the value has a sign, with an f where it is a floating-point number.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "probe/probe.h"

struct cursor {
	const char *p;
	int machine;
};

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static bool number(struct cursor *c, __s64 *ret)
{
	const char *digits = c->p + (*c->p == '-' || *c->p == '+');
	char *end;

	if (!isdigit((unsigned char)*digits))
		return false;
	errno = 0;
	/* A number without a sign may have all 64 bits. */
	*ret = *c->p == '-' ? strtoll(c->p, &end, 0) : (__s64)strtoull(digits, &end, 0);
	if (errno || end == digits)
		return false;
	c->p = end;
	return true;
}

static bool take(struct cursor *c, char ch)
{
	if (*c->p != ch)
		return false;
	c->p++;
	return true;
}

static bool reg(struct cursor *c, uint16_t *ret, unsigned int *ret_size, unsigned int *ret_shift)
{
	size_t n = 0;
	int offset;

	if (c->machine == EM_X86_64 && !take(c, '%'))
		return false;
	while (is_name(c->p[n]))
		n++;
	offset = ph_probe_reg(c->machine, c->p, n, ret_size, ret_shift);
	if (offset < 0)
		return false;
	*ret = (uint16_t)offset;
	c->p += n;
	return true;
}

/* ---- x86_64: $3, %eax, -20(%rbp), 8(%rax,%rdx,4), (,%rdx,8), symbol+4(%rip) -------------------------- */

/* Behind the number in front: "(BASE,INDEX,SCALE)". */
static bool x86_memory(struct cursor *c, struct ph_probe_arg *a)
{
	unsigned int size, shift;
	__s64 scale = 1;

	if (!take(c, '('))
		return false;
	if (*c->p == '%') {
		if (!reg(c, &a->reg, &size, &shift) || size != 8)
			return false;
		a->has_reg = 1;
	}
	if (take(c, ',')) {
		if (!reg(c, &a->index, &size, &shift) || size != 8)
			return false;
		a->has_index = 1;
		if (take(c, ',') && !number(c, &scale))
			return false;
		if (scale != 1 && scale != 2 && scale != 4 && scale != 8)
			return false;
		a->shift = (uint8_t)__builtin_ctz((unsigned int)scale);
	}
	a->loads = 1;
	return (a->has_reg || a->has_index) && take(c, ')');
}

static bool x86_operand(struct cursor *c, struct ph_probe_arg *a, unsigned int *ret_shift)
{
	unsigned int size;

	if (take(c, '$'))
		return number(c, &a->add[0]);
	if (*c->p == '%') {
		a->has_reg = 1;
		return reg(c, &a->reg, &size, ret_shift);
	}
	if (*c->p != '(' && !number(c, &a->add[0]))
		return false;
	return x86_memory(c, a);
}

/* ---- arm64: 5, x0, w3, sp, [sp], [x29, 16], [x0, #-8] ------------------------------------------------ */

static void blanks(struct cursor *c)
{
	while (*c->p == ' ')
		c->p++;
}

static bool arm64_operand(struct cursor *c, struct ph_probe_arg *a)
{
	unsigned int size, shift;

	take(c, '#');
	if (isdigit((unsigned char)*c->p) || *c->p == '-')
		return number(c, &a->add[0]);
	a->has_reg = 1;
	if (!take(c, '['))
		return reg(c, &a->reg, &size, &shift);
	blanks(c);
	if (!reg(c, &a->reg, &size, &shift) || size != 8)
		return false;
	blanks(c);
	if (take(c, ',')) {
		blanks(c);
		take(c, '#');
		if (!number(c, &a->add[0]))
			return false;
		blanks(c);
	}
	a->loads = 1;
	return take(c, ']');
}

static enum ph_probe_type type_of(uint8_t size, bool is_signed)
{
	static const enum ph_probe_type unsigned_[] = { PH_PROBE_U8, PH_PROBE_U16, PH_PROBE_U32, PH_PROBE_U64 };
	static const enum ph_probe_type signed_[] = { PH_PROBE_S8, PH_PROBE_S16, PH_PROBE_S32, PH_PROBE_S64 };
	int i = __builtin_ctz(size);

	return is_signed ? signed_[i] : unsigned_[i];
}

/* %xmm0, %st; arm64: v0 and its parts d0, s0 … What the kernel hands to a probe does not have them. */
static bool is_float_reg(int machine, const char *operand)
{
	if (machine == EM_X86_64)
		return !strncmp(operand, "%xmm", 4) || !strncmp(operand, "%ymm", 4) || !strncmp(operand, "%zmm", 4) || !strncmp(operand, "%st", 3);
	return machine == EM_AARCH64 && *operand && strchr("vqdshb", *operand) && isdigit((unsigned char)operand[1]);
}

int ph_usdt_arg(int machine, const char *text, const char **ret_end, struct ph_probe_arg *ret,
		enum ph_probe_type *ret_type, struct ph_err *err)
{
	struct cursor c = { .p = text, .machine = machine };
	struct ph_probe_arg a = { .user = 1, .size = 8 };
	bool is_signed = machine == EM_X86_64 || machine == EM_AARCH64, ok;
	unsigned int shift = 0;
	const char *at = strpbrk(text, "@ ");
	const char *operand;
	bool is_float = false;
	__s64 size = 8;

	/* Without a size: a word. */
	ok = is_signed;
	is_signed = false;
	if (ok && at && *at == '@') {
		ok = number(&c, &size);
		is_float = take(&c, 'f');
		ok = ok && take(&c, '@');
		ok = ok && size >= -8;
		is_signed = size < 0;
		size = ok && is_signed ? -size : size;
		ok = ok && (size == 1 || size == 2 || size == 4 || size == 8);
	}
	operand = c.p;
	ok = ok && (machine == EM_X86_64 ? x86_operand(&c, &a, &shift) : arm64_operand(&c, &a));
	if (is_float_reg(machine, operand))
		return ph_err_set(err, -EINVAL, "'%.*s' is in a register for floating-point numbers, none of which can be read",
				  (int)strcspn(text, " "), text);
	if (!ok || (*c.p && *c.p != ' '))
		return ph_err_set(err, -EINVAL, "'%.*s' is no place of an argument that is understood",
				  (int)strcspn(text, machine == EM_AARCH64 ? "]" : " "), text);
	a.size = (uint8_t)size;
	a.is_signed = is_signed;
	/* %ah: the second byte. */
	if (shift) {
		a.low = (uint8_t)shift;
		a.bits = (uint8_t)(8 * a.size > 64 - shift ? 64 - shift : 8 * a.size);
	}
	*ret = a;
	*ret_type = is_float && a.size >= 4 ? (a.size == 4 ? PH_PROBE_F32 : PH_PROBE_F64) : type_of(a.size, is_signed);
	*ret_end = c.p;
	return 0;
}
