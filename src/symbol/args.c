/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of functions by the names that their author gave them: where they are, and what to load from there.
 */
#include "symbol/args.h"

#include <ctype.h>
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "symbol/args_walk.h"
#include "symbol/dwarf.h"

/* Members of members without a name, classes of classes. */
#define NEST_MAX 16

bool args_find_member(Dwarf_Die *type, const char *name, uint64_t *bit, uint64_t *bits, Dwarf_Die *ret, unsigned int depth)
{
	Dwarf_Die die, inner;

	if (depth > NEST_MAX || dwarf_child(type, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		const char *s = tag == DW_TAG_member ? dwarf_diename(&die) : NULL;
		uint64_t at = 0, below = 0;

		if (tag == DW_TAG_member || tag == DW_TAG_inheritance)
			at = ph_member_bit(&die, bits);
		if (s && !strcmp(s, name)) {
			*bit += at;
			*ret = die;
			return true;
		}
		/* Without a name, or a class that this one is made of. */
		if ((tag != DW_TAG_member || s) && tag != DW_TAG_inheritance)
			continue;
		if (ph_type_of(&die, &inner) && ph_is_struct(&inner) && args_find_member(&inner, name, &below, bits, ret, depth + 1)) {
			*bit += at + below;
			return true;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static void forward(struct args_walk *w, uint64_t bytes)
{
	if (w->in_memory)
		w->a->add[w->a->loads] += (int64_t)bytes;
	else
		w->byte += bytes;
}

static int element(struct args_walk *w)
{
	bool pointer = ph_is_pointer(&w->type);
	uint64_t n, size;
	char *end;
	int r = 0;

	errno = 0;
	n = strtoull(w->p + 1, &end, 10);
	if (errno || end == w->p + 1 || *end != ']' || n > INT32_MAX)
		return ph_err_set(w->err, -EINVAL, "'%s': a number between '[' and ']' was expected", w->text);
	w->p = end + 1;
	if (pointer)
		r = args_follow(w);
	else if (dwarf_tag(&w->type) != DW_TAG_array_type || !ph_type_of(&w->type, &w->type))
		r = ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '[%lu]' is no array", w->text, n);
	if (r < 0)
		return r;
	size = ph_type_size(&w->type);
	if (!size && n)
		return ph_err_set(w->err, -EINVAL, "'%s': nobody knows how large one of them is", w->text);
	forward(w, n * size);
	return 0;
}

static int step(struct args_walk *w)
{
	bool arrow = w->p[0] == '-' && w->p[1] == '>';
	ph_autofree char *name = NULL;
	uint64_t bit = 0;
	const char *type;
	Dwarf_Die member;
	size_t n = 0;
	int r = 0;

	if (w->bits)
		return ph_err_set(w->err, -EINVAL, "'%s': a bit field has no members", w->text);
	if (*w->p == '[')
		return element(w);
	if (!arrow && *w->p != '.')
		return ph_err_set(w->err, -EINVAL, "'%s': '->', '.' or '[' was expected", w->text);
	w->p += arrow ? 2 : 1;
	while (isalnum((unsigned char)w->p[n]) || w->p[n] == '_')
		n++;
	name = ph_strndup(w->p, n);
	w->p += n;
	if (arrow && !ph_is_pointer(&w->type))
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '->%s' is no pointer", w->text, name);
	if (ph_is_pointer(&w->type))
		r = args_follow(w);
	if (r < 0)
		return r;
	if (!ph_is_struct(&w->type))
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '%s' has no members", w->text, name);
	type = dwarf_diename(&w->type);
	if (!ph_type_define(w->dwarf, &w->type))
		return ph_err_set(w->err, -ENOENT, "'%s': the members of '%s' are nowhere in the debug information", w->text,
				  type ? type : "it");
	if (!args_find_member(&w->type, name, &bit, &w->bits, &member, 0))
		return ph_err_set(w->err, -ENOENT, "'%s': '%s' has no member '%s'", w->text, type ? type : "it", name);
	forward(w, bit / 8);
	w->bit = bit % 8;
	return ph_type_of(&member, &w->type) ? 0 : ph_err_set(w->err, -EINVAL, "'%s': it has no type", w->text);
}

int ph_answer_arg(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	struct ph_symarg a = { .size = 8, .bits = 64 };
	ph_autobuf names = { 0 };
	struct args_walk w = { .a = &a, .err = err, .names = &names, .held = 64 };
	struct ph_locator inlined = { .file = f };
	ph_autofree char *text = NULL;
	struct ph_dwarf *d;
	const struct ph_sym *symbol;
	Dwarf_Die function;
	struct ph_elf *elf;
	Dwarf_Addr low;
	uint64_t vaddr, offset;
	int r;

	text = ph_get_str(in);
	vaddr = ph_get_u64(in);
	offset = ph_get_u64(in);
	r = ph_childfile_elf(f, &elf, err);
	if (r)
		return r;
	d = ph_childfile_dwarf(f);
	if (d && !ph_dwarf_function(d, vaddr, &function) && ph_dwarf_split(d))
		return ph_err_set(err, -ENOENT, "its debug information is in files of its compiler's, as %s, which are not read (-gno-split-dwarf puts "
				  "it into the program): arguments are arg1, arg2 …", ph_dwarf_split(d));
	if (!d || !ph_dwarf_function(d, vaddr, &function))
		return ph_err_set(err, -ENOENT, "there is no debug information about its arguments: they are arg1, arg2 …");
	if (offset) {
		inlined.function = function;
		inlined.addr = vaddr;
		inlined.machine = ph_elf_machine(elf);
		w.inlined = &inlined;
		if (!ph_dwarf_inlined(d, offset, vaddr, &function))
			return ph_err_set(err, -ENOENT, "its debug information has changed");
	} else if (dwarf_entrypc(&function, &low) == 0 && low != vaddr)
		return ph_err_set(err, -EINVAL, "arguments have names where a function begins, and not within it: there are registers (%%…)");
	symbol = ph_symtab_find(ph_childfile_symtab(f), vaddr);
	w.symbol = symbol ? symbol->name : NULL;
	w.dwarf = d;
	w.text = w.p = text;
	if (!w.inlined && strcspn(text, "-.[") == strlen(PH_SYMARG_RESULT_NAME) && !strncmp(text, PH_SYMARG_RESULT_NAME, strlen(PH_SYMARG_RESULT_NAME)))
		r = args_find_result(&w, &function, ph_elf_machine(elf));
	else
		r = args_find_param(&w, &function, ph_elf_machine(elf));
	while (*w.p && r == 0)
		r = step(&w);
	if (r == 0 && a.kind != PH_SYMARG_NOTHING)
		r = args_finish(&w);
	if (r == 0 && a.low + a.bits > w.held)
		r = args_parted(&w);
	if (r < 0)
		return r;
	ph_put_uint(out, a.place, 1);
	ph_put_u32(out, a.argument);
	ph_put_uint(out, a.loads, 1);
	ph_put_uint(out, a.size, 1);
	ph_put_uint(out, a.low, 1);
	ph_put_uint(out, a.bits, 1);
	ph_put_uint(out, a.is_signed, 1);
	ph_put_uint(out, a.kind, 1);
	ph_put_u32(out, a.room);
	for (unsigned int i = 0; i <= PH_SYMARG_LOADS; i++)
		ph_put_u64(out, (uint64_t)a.add[i]);
	ph_put_str(out, names.p ? names.p : "");
	return 0;
}
