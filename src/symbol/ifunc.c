/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/ifunc.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* One would do; a file says as it likes how many there are. */
#define SLOTS_MAX 16

/* Relocations of a library or a program that is not static either are in a section of any name. */
int ph_answer_slots(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	ph_autofree char *at = NULL;
	struct ph_elf *elf;
	uint64_t chooses;
	Elf64_Shdr *sh;
	Elf_Scn *scn = NULL;
	GElf_Rela rela;
	int r = ph_childfile_elf(f, &elf, err);
	uint32_t type;

	ph_get_u64(in);
	at = ph_get_str(in);
	if (r || ph_parse_u64(at, &chooses, err))
		return r ? r : -EINVAL;
	type = ph_elf_machine(elf) == EM_X86_64 ? R_X86_64_IRELATIVE : R_AARCH64_IRELATIVE;
	while ((scn = elf_nextscn(ph_childfile_main(f), scn))) {
		Elf_Data *data;

		sh = elf64_getshdr(scn);
		if (!sh || sh->sh_type != SHT_RELA || !(sh->sh_flags & SHF_ALLOC))
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; data && gelf_getrela(data, i, &rela); i++)
			if (GELF_R_TYPE(rela.r_info) == type && (uint64_t)rela.r_addend == chooses && out->len < SLOTS_MAX * sizeof(uint64_t))
				ph_put_u64(out, rela.r_offset);
	}
	return 0;
}
