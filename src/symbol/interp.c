/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are interpreters: what the child finds out, and what its parent takes of that. */
#include <errno.h>
#include <gelf.h>

#include "base/cleanup.h"
#include "symbol/childfile.h"
#include "symbol/priv.h"
#include "unwind/interp_file.h"

/* ---- the child -------------------------------------------------------------------------------- */

/* V8 has some hundred symbols for debuggers, of which many are asked for, in a file with a hundred thousand. */
#define V8DBG "v8dbg_"
#define V8DBG_MAX 2048

struct known {
	const char *name;
	uint64_t vaddr, size;
};

struct finder {
	struct ph_childfile *f;
	PH_VEC(struct known) v8dbg;
	bool collected;
};

/* Each defined symbol, until @take takes it. */
static bool each_symbol(Elf *elf, uint32_t type, bool (*take)(void *arg, const char *name, const GElf_Sym *sym), void *arg)
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
			if (s && take(arg, s, &sym))
				return true;
		}
	}
	return false;
}

static bool take_named(void *arg, const char *name, const GElf_Sym *sym)
{
	struct known *k = arg;

	if (strcmp(name, k->name))
		return false;
	k->vaddr = sym->st_value;
	k->size = sym->st_size;
	return true;
}

static bool take_v8dbg(void *arg, const char *name, const GElf_Sym *sym)
{
	struct finder *find = arg;

	if (!strncmp(name, V8DBG, strlen(V8DBG)) && find->v8dbg.n < V8DBG_MAX)
		*ph_vec_push(&find->v8dbg) = (struct known){ name, sym->st_value, sym->st_size };
	return false;
}

static bool find_symbol(void *ctx, const char *name, uint64_t *vaddr, uint64_t *size)
{
	struct finder *find = ctx;
	Elf *elf = ph_childfile_main(find->f);
	struct known k = { .name = name };
	bool found = false;

	if (!strncmp(name, V8DBG, strlen(V8DBG))) {
		if (!find->collected)
			each_symbol(elf, SHT_DYNSYM, take_v8dbg, find);
		find->collected = true;
		for (size_t i = 0; i < find->v8dbg.n && !found; i++) {
			found = !strcmp(find->v8dbg.v[i].name, name);
			k = found ? find->v8dbg.v[i] : k;
		}
	} else {
		/* Interpreters export what their extensions need; parts of functions are in .symtab alone, and some of Ruby's. */
		found = (!strchr(name, '.') && each_symbol(elf, SHT_DYNSYM, take_named, &k)) || each_symbol(elf, SHT_SYMTAB, take_named, &k);
	}
	if (found) {
		*vaddr = k.vaddr;
		*size = k.size;
	}
	return found;
}

void ph_answer_interp(struct ph_childfile *f, const char *path, struct ph_buf *out)
{
	struct finder find = { .f = f };
	const struct ph_interp_symbols sym = { find_symbol, &find };
	struct ph_interp in = { 0 };
	struct ph_err err = { 0 };
	int r = ph_interp_find(f->elf, path, &sym, &in, &err);

	ph_vec_done(&find.v8dbg);
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
	ph_put_u64(out, in.statement);
	ph_put_u64(out, in.own.slot);
	ph_put_u64(out, (uint64_t)in.own.off);
	ph_put_u32(out, in.own.how);
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
	info->interp.statement = ph_get_u64(in);
	info->interp.own.slot = ph_get_u64(in);
	info->interp.own.off = (int64_t)ph_get_u64(in);
	info->interp.own.how = (uint8_t)ph_get_u32(in);
	return !in->bad;
}
