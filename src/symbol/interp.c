/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are interpreters: what the child finds out, and what its parent takes of that. */
#include <errno.h>
#include <gelf.h>

#include "base/cleanup.h"
#include "symbol/childfile.h"
#include "symbol/priv.h"
#include "unwind/interp_file.h"

/* ---- the child -------------------------------------------------------------------------------- */

/* A defined symbol of exactly this name, without sorting what the file has. */
static bool find_in(Elf *elf, uint32_t type, const char *name, uint64_t *vaddr, uint64_t *size)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while (elf && (scn = elf_nextscn(elf, scn))) {
		Elf_Data *data = NULL;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != type || !sh.sh_entsize || !(data = elf_getdata(scn, NULL)))
			continue;
		for (uint64_t i = 1; i < sh.sh_size / sh.sh_entsize && i < INT32_MAX; i++) {
			const char *s;
			GElf_Sym sym;

			if (!gelf_getsym(data, (int)i, &sym))
				break;
			if (sym.st_shndx == SHN_UNDEF)
				continue;
			s = elf_strptr(elf, sh.sh_link, sym.st_name);
			if (!s || strcmp(s, name))
				continue;
			*vaddr = sym.st_value;
			*size = sym.st_size;
			return true;
		}
	}
	return false;
}

static bool find_symbol(void *ctx, const char *name, uint64_t *vaddr, uint64_t *size)
{
	struct ph_childfile *f = ctx;

	/* Interpreters export what their extensions need; only parts of functions are in .symtab alone. */
	return find_in(ph_childfile_main(f), strchr(name, '.') ? SHT_SYMTAB : SHT_DYNSYM, name, vaddr, size);
}

void ph_answer_interp(struct ph_childfile *f, const char *path, struct ph_buf *out)
{
	const struct ph_interp_symbols sym = { find_symbol, f };
	struct ph_interp in = { 0 };
	struct ph_err err = { 0 };
	int r = ph_interp_find(f->elf, path, &sym, &in, &err);

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
	/* Offsets are not the child's to say. */
	if (kind >= PH_INTERP_NKINDS || version > 99 ||
	    !ph_interp_of_version(kind, (int)version, info->machine, &info->interp))
		return false;
	info->interp.root = ph_get_u64(in);
	info->interp.code_begin = ph_get_u64(in);
	info->interp.code_end = ph_get_u64(in);
	info->interp.cold_begin = ph_get_u64(in);
	info->interp.cold_end = ph_get_u64(in);
	return !in->bad;
}
