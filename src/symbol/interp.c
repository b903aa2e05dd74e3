/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are interpreters: what the child finds out, and what its parent takes of that. */
#include <errno.h>
#include <gelf.h>

#include "base/cleanup.h"
#include "symbol/childfile.h"
#include "symbol/priv.h"
#include "unwind/interp_file.h"

/* What Python says of itself from 3.13 on: at which places of its own memory it is read. */
static const uint16_t told[] = {
	offsetof(struct ph_interp, runtime_head), offsetof(struct ph_interp, interp_threads), offsetof(struct ph_interp, thread_id),
	offsetof(struct ph_interp, thread_frame), offsetof(struct ph_interp, frame_back), offsetof(struct ph_interp, frame_code),
	offsetof(struct ph_interp, frame_lasti), offsetof(struct ph_interp, frame_entry), offsetof(struct ph_interp, code_bytes),
	offsetof(struct ph_interp, code_file), offsetof(struct ph_interp, code_name), offsetof(struct ph_interp, code_line),
	offsetof(struct ph_interp, code_lines), offsetof(struct ph_interp, text),
};

static uint16_t *told_one(struct ph_interp *in, size_t i)
{
	return (uint16_t *)((char *)in + told[i]);
}

/* PHP's functions. */
static const uint16_t ranges[] = {
	offsetof(struct ph_interp, starts[0]), offsetof(struct ph_interp, starts[1]), offsetof(struct ph_interp, fiber),
	offsetof(struct ph_interp, fiber_switch),
};

static struct ph_interp_range *range(struct ph_interp *in, size_t i)
{
	return (struct ph_interp_range *)((char *)in + ranges[i]);
}

/* ---- the child -------------------------------------------------------------------------------- */

/*
 * What the symbols begin with that say what is an interpreter. All files are asked for a dozen of them, interpreters for some more, V8's
 * for hundreds, and there may be a hundred thousand: those are kept by which it may be, and the others are looked at once.
 */
static const char *const beginnings[] = {
	"_Py", "Py_Version", "execut", "_ZN2v88internal7Version", "v8dbg_", "zend_call_function", "zend_generator_resume",
	"zend_fiber_switch_context", "make_fcontext", "jump_fcontext", "tsrm_get_ls_cache", "rb_vm_exec", "vm_exec", "rb_errinfo", "ruby_",
	"Perl_runops_", "PL_", "gHotSpotVM",
};
#define KEPT_MAX 16384

struct known {
	const char *name;
	uint64_t vaddr, size;
};

struct finder {
	PH_VEC(struct known) known;
};

static bool may_be_asked(const char *name)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(beginnings); i++)
		if (name[0] == beginnings[i][0] && !strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

/* Each defined symbol. */
static void collect(struct finder *find, Elf *elf, uint32_t table)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while (elf && (scn = elf_nextscn(elf, scn))) {
		Elf_Data *data, *names;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != table || !(data = elf_getdata(scn, NULL)) ||
		    !(names = elf_getdata(elf_getscn(elf, sh.sh_link), NULL)) || !data->d_buf || !names->d_size || !names->d_buf)
			continue;
		/* They end within it. */
		if (((const char *)names->d_buf)[names->d_size - 1])
			continue;
		for (size_t i = 1; i < data->d_size / sizeof(Elf64_Sym) && find->known.n < KEPT_MAX; i++) {
			const Elf64_Sym *sym = (const Elf64_Sym *)data->d_buf + i;
			const char *name = (const char *)names->d_buf + sym->st_name;

			if (sym->st_shndx != SHN_UNDEF && sym->st_name < names->d_size && may_be_asked(name))
				*ph_vec_push(&find->known) = (struct known){ name, sym->st_value, sym->st_size };
		}
	}
}

static bool find_symbol(void *ctx, const char *name, uint64_t *vaddr, uint64_t *size)
{
	struct finder *find = ctx;

	ph_vec_each(k, &find->known) {
		if (strcmp(k->name, name) != 0)
			continue;
		*vaddr = k->vaddr;
		*size = k->size;
		return true;
	}
	return false;
}

void ph_answer_interp(struct ph_childfile *f, const char *path, struct ph_buf *out)
{
	struct finder find = { 0 };
	const struct ph_interp_symbols sym = { find_symbol, &find };
	struct ph_interp in = { 0 };
	struct ph_err err = { 0 };
	int r;

	/* Interpreters export what their extensions need; the rest, and some of Ruby's, is in .symtab. */
	collect(&find, ph_childfile_main(f), SHT_DYNSYM);
	collect(&find, ph_childfile_main(f), SHT_SYMTAB);
	r = ph_interp_find(f->elf, path, &sym, &in, &err);
	ph_vec_done(&find.known);
	ph_autofree char *message = ph_strdup(r == -ENOTSUP ? err.msg : "");

	ph_put_str(out, message);
	ph_put_u32(out, r ? PH_INTERP_NONE : in.kind);
	if (r)
		return;
	ph_put_u32(out, in.version);
	ph_put_u64(out, in.root);
	ph_put_u64(out, in.code_begin);
	ph_put_u64(out, in.code_end);
	ph_put_u64(out, in.cold_begin);
	ph_put_u64(out, in.cold_end);
	ph_put_u64(out, in.loop_begin);
	ph_put_u64(out, in.loop_end);
	ph_put_u64(out, in.loop_cold_begin);
	ph_put_u64(out, in.loop_cold_end);
	for (size_t i = 0; i < PH_ARRAY_SIZE(ranges); i++) {
		ph_put_u64(out, range(&in, i)->begin);
		ph_put_u64(out, range(&in, i)->end);
	}
	ph_put_u32(out, in.fiber_saved);
	ph_put_u64(out, in.statement);
	ph_put_u64(out, in.own.slot);
	ph_put_u64(out, (uint64_t)in.own.off);
	ph_put_u32(out, in.own.how);
	for (size_t i = 0; i < PH_ARRAY_SIZE(told) && in.kind == PH_INTERP_PYTHON; i++)
		ph_put_u32(out, *told_one(&in, i));
}

/* ---- its parent ------------------------------------------------------------------------------- */

bool ph_take_interp(struct ph_symfile *info, struct ph_bytes *in)
{
	uint32_t kind, version;

	info->interp_message = ph_get_str(in);
	if (!info->interp_message[0]) {
		free(info->interp_message);
		info->interp_message = NULL;
	}
	kind = ph_get_u32(in);
	if (kind == PH_INTERP_NONE)
		return true;
	version = ph_get_u32(in);
	if (kind >= PH_INTERP_NKINDS || version > 255 ||
	    !ph_interp_of_version(kind, (int)version, info->machine, &info->interp))
		return false;
	info->interp.root = ph_get_u64(in);
	info->interp.code_begin = ph_get_u64(in);
	info->interp.code_end = ph_get_u64(in);
	info->interp.cold_begin = ph_get_u64(in);
	info->interp.cold_end = ph_get_u64(in);
	info->interp.loop_begin = ph_get_u64(in);
	info->interp.loop_end = ph_get_u64(in);
	info->interp.loop_cold_begin = ph_get_u64(in);
	info->interp.loop_cold_end = ph_get_u64(in);
	for (size_t i = 0; i < PH_ARRAY_SIZE(ranges); i++) {
		range(&info->interp, i)->begin = ph_get_u64(in);
		range(&info->interp, i)->end = ph_get_u64(in);
	}
	info->interp.fiber_saved = (uint16_t)ph_get_u32(in);
	info->interp.statement = ph_get_u64(in);
	info->interp.own.slot = ph_get_u64(in);
	info->interp.own.off = (int64_t)ph_get_u64(in);
	info->interp.own.how = (uint8_t)ph_get_u32(in);
	for (size_t i = 0; i < PH_ARRAY_SIZE(told) && kind == PH_INTERP_PYTHON; i++)
		*told_one(&info->interp, i) = (uint16_t)ph_get_u32(in);
	return !in->bad;
}
