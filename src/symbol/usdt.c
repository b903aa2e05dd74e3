/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/usdt.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "symbol/childfile.h"

#define NOTE_STAPSDT 3

static const char *string(struct ph_bytes *in)
{
	const char *s = (const char *)in->p;
	const uint8_t *end = memchr(in->p, 0, ph_bytes_left(in));

	if (!end) {
		in->bad = true;
		return "";
	}
	in->p = end + 1;
	return s;
}

bool ph_usdt_next(struct ph_bytes *in, struct ph_usdt_note *ret)
{
	while (ph_bytes_left(in) >= 12) {
		uint32_t name_n = ph_get_u32(in), desc_n = ph_get_u32(in), type = ph_get_u32(in);
		struct ph_bytes name = ph_bytes_cut(in, name_n), desc;

		ph_bytes_skip(in, -(uint64_t)name_n & 3);
		desc = ph_bytes_cut(in, desc_n);
		if (in->bad)
			return false;
		/* The last one's filling may be missing. */
		if (ph_bytes_left(in) >= (-desc_n & 3))
			ph_bytes_skip(in, -desc_n & 3);
		if (type != NOTE_STAPSDT || name_n != 8 || memcmp(name.p, "stapsdt", 8))
			continue;
		ret->pc = ph_get_u64(&desc);
		ret->base = ph_get_u64(&desc);
		ret->semaphore = ph_get_u64(&desc);
		ret->provider = string(&desc);
		ret->name = string(&desc);
		ret->args = string(&desc);
		if (!desc.bad && *ret->provider && *ret->name)
			return true;
	}
	return false;
}

int ph_answer_usdt(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	uint64_t max = ph_get_u64(in), n = 0, base = 0;
	ph_autofree char *provider = ph_get_str(in);
	ph_autofree char *name = ph_get_str(in);
	struct ph_usdt_note note;
	struct ph_bytes notes;
	struct ph_elf *elf;
	Elf_Data *data;
	Elf64_Shdr sh;
	Elf_Scn *scn;
	int r = ph_childfile_elf(f, &elf, err);

	if (r)
		return r;
	/* Where this section came to be, other than the notes say: so far prelink has moved everything. */
	if (ph_section(ph_childfile_main(f), ".stapsdt.base", &sh))
		base = sh.sh_addr;
	scn = ph_section(ph_childfile_main(f), ".note.stapsdt", &sh);
	data = scn ? elf_rawdata(scn, NULL) : NULL;
	if (!data || !data->d_buf)
		return 0;
	notes = (struct ph_bytes){ data->d_buf, (uint8_t *)data->d_buf + data->d_size, false };
	while (ph_usdt_next(&notes, &note)) {
		uint64_t moved = base && note.base ? base - note.base : 0;

		if (!ph_glob(provider, note.provider) || !ph_glob(name, note.name))
			continue;
		if (n++ == max) {
			ph_put_str(out, "");
			return 0;
		}
		ph_put_str(out, note.provider);
		ph_put_str(out, note.name);
		ph_put_str(out, note.args);
		ph_put_u64(out, note.pc + moved);
		ph_put_u64(out, note.semaphore ? note.semaphore + moved : 0);
	}
	return 0;
}
