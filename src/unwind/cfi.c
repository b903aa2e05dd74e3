/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/cfi.h"

#include <dwarf.h>
#include <stdlib.h>

/* Many times what any file has; what a hostile one can make us keep. */
#define CIE_MAX 65536
#define FDE_MAX (4u << 20)

struct reader {
	struct ph_cfi *cfi;
	const struct ph_elf_data *data;
	bool debug;
	struct ph_u64map cies;		/* offset of a CIE: its index + 1 */
};

static uint64_t offset_of(const struct reader *r, const uint8_t *p)
{
	return (uint64_t)(p - r->data->p);
}

/* The size of an encoded pointer's value, 0 where it has none of its own. */
static unsigned int pointer_size(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return 8;
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return 4;
	case DW_EH_PE_udata2:
	case DW_EH_PE_sdata2:
		return 2;
	}
	return 0;
}

/* A value as the low half of @encoding says. */
static uint64_t pointer_value(struct ph_bytes *b, uint8_t encoding)
{
	unsigned int n = pointer_size(encoding);

	if (n)
		return encoding & 8 ? (uint64_t)ph_bytes_sint(b, n) : ph_bytes_uint(b, n);
	if ((encoding & 0x0f) == DW_EH_PE_uleb128)
		return ph_bytes_uleb(b);
	if ((encoding & 0x0f) == DW_EH_PE_sleb128)
		return (uint64_t)ph_bytes_sleb(b);
	b->bad = true;
	return 0;
}

/* What stands behind 'z': of these the FDE's encoding and the signal count. False: cannot be skipped. */
static bool take_augmentation(struct ph_cie *c, const char *letters, struct ph_bytes *b)
{
	struct ph_bytes in;

	if (!*letters)
		return true;
	if (*letters != 'z')
		return false;
	c->has_augmentation = true;
	in = ph_bytes_cut(b, ph_bytes_uleb(b));
	for (letters++; *letters && !in.bad; letters++) {
		uint8_t encoding;

		switch (*letters) {
		case 'R':
			c->fde_encoding = ph_bytes_u8(&in);
			break;
		case 'P':
			encoding = ph_bytes_u8(&in);
			pointer_value(&in, encoding);
			break;
		case 'L':
			ph_bytes_u8(&in);
			break;
		case 'S':
			c->signal = true;
			break;
		case 'B':	/* arm64: return addresses are signed with key B */
		case 'G':	/* arm64: memory tags */
			break;
		default:
			/* Its length is given: what is not known is passed over. */
			return !b->bad;
		}
	}
	return !b->bad && !in.bad;
}

static bool take_cie(struct reader *r, struct ph_bytes b, uint64_t offset)
{
	struct ph_cie c = { .fde_encoding = DW_EH_PE_absptr };
	const uint8_t *letters;
	struct ph_cfi_run run;
	uint8_t version = ph_bytes_u8(&b);

	if (version != 1 && version != 3 && version != 4)
		return false;
	letters = memchr(b.p, 0, ph_bytes_left(&b));
	if (!letters)
		return false;
	letters = b.p;
	ph_bytes_skip(&b, strlen((const char *)letters) + 1);
	if (version == 4 && (ph_bytes_u8(&b) != 8 || ph_bytes_u8(&b)))
		return false;
	c.code_align = ph_bytes_uleb(&b);
	c.data_align = ph_bytes_sleb(&b);
	c.ra = version == 1 ? ph_bytes_u8(&b) : ph_bytes_uleb(&b);
	if (b.bad || !take_augmentation(&c, (const char *)letters, &b))
		return false;
	/* The others need to know where the code, the data or the function begins, and nobody writes them. */
	if (r->debug)
		c.fde_encoding = DW_EH_PE_absptr;
	else if ((c.fde_encoding & 0x70) != DW_EH_PE_absptr && (c.fde_encoding & 0x70) != DW_EH_PE_pcrel)
		return false;
	if (c.fde_encoding & DW_EH_PE_indirect)
		return false;

	/* Its program runs once, however many FDEs begin with its outcome. */
	ph_cfi_start(&run, r->cfi->arch, &c, b, 0);
	while (ph_cfi_next(&run))
		;
	c.initial = run.now;
	c.bad = run.bad;
	if (r->cfi->cies.n >= CIE_MAX)
		return false;
	*ph_vec_push(&r->cfi->cies) = c;
	ph_u64map_put(&r->cies, offset, (void *)r->cfi->cies.n);
	return true;
}

static bool take_fde(struct reader *r, struct ph_bytes b, uint64_t cie_offset)
{
	uintptr_t index = (uintptr_t)ph_u64map_get(&r->cies, cie_offset);
	uint64_t at = r->data->vaddr + offset_of(r, b.p), begin, size;
	const struct ph_cie *c;
	struct ph_fde *f;

	if (!index || r->cfi->fdes.n >= FDE_MAX)
		return false;
	c = &r->cfi->cies.v[index - 1];
	begin = pointer_value(&b, c->fde_encoding);
	if ((c->fde_encoding & 0x70) == DW_EH_PE_pcrel)
		begin += at;
	/* A length has no place that it is relative to, and no sign. */
	size = pointer_value(&b, c->fde_encoding & 0x07);
	if (c->has_augmentation)
		ph_bytes_cut(&b, ph_bytes_uleb(&b));
	if (b.bad || begin + size < begin || size > UINT32_MAX)
		return false;
	/* Functions that the linker threw away are left with nothing, in older files at address 0. */
	if (!size || !begin)
		return true;
	f = ph_vec_push(&r->cfi->fdes);
	*f = (struct ph_fde){ begin, b.p, (uint32_t)size, (uint32_t)ph_bytes_left(&b), (uint32_t)(index - 1),
			      r->debug };
	return true;
}

void ph_cfi_read(struct ph_cfi *cfi, const struct ph_elf_data *data, bool debug)
{
	struct reader r = { .cfi = cfi, .data = data, .debug = debug };
	struct ph_bytes b = { data->p, data->p + data->n, false };

	while (ph_bytes_left(&b) >= 4) {
		uint64_t offset = offset_of(&r, b.p), length = ph_bytes_uint(&b, 4), id;
		unsigned int wide = length == 0xffffffff ? 8 : 4;
		struct ph_bytes entry;
		const uint8_t *id_at;
		bool cie, ok;

		if (!length && data->open_end)
			break;
		if (!length)
			continue;
		if (wide == 8)
			length = ph_bytes_uint(&b, 8);
		entry = ph_bytes_cut(&b, length);
		if (b.bad) {
			cfi->dropped++;
			break;
		}
		id_at = entry.p;
		/* .eh_frame's identifier has 32 bits also where the length has 64. */
		id = ph_bytes_uint(&entry, debug ? wide : 4);
		if (entry.bad) {
			cfi->dropped++;
			continue;
		}
		cie = debug ? id == (wide == 8 ? ~0ULL : 0xffffffff) : !id;
		if (cie)
			ok = take_cie(&r, entry, offset);
		else
			ok = take_fde(&r, entry, debug ? id : offset_of(&r, id_at) - id);
		if (!ok)
			cfi->dropped++;
	}
	ph_u64map_done(&r.cies);
}

void ph_cfi_done(struct ph_cfi *c)
{
	ph_vec_done(&c->cies);
	ph_vec_done(&c->fdes);
}

static int by_address(const void *a, const void *b)
{
	const struct ph_fde *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (int)x->debug - (int)y->debug;
}

void ph_cfi_sort(struct ph_cfi *c)
{
	bool sorted = true;

	for (size_t i = 1; i < c->fdes.n && sorted; i++)
		sorted = by_address(&c->fdes.v[i - 1], &c->fdes.v[i]) <= 0;
	if (!sorted)
		qsort(c->fdes.v, c->fdes.n, sizeof(*c->fdes.v), by_address);
}

const struct ph_fde *ph_cfi_find(const struct ph_cfi *c, uint64_t vaddr)
{
	const struct ph_fde *f;
	size_t from = 0, to = c->fdes.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (c->fdes.v[middle].begin <= vaddr)
			from = middle + 1;
		else
			to = middle;
	}
	f = from ? &c->fdes.v[from - 1] : NULL;
	return f && vaddr - f->begin < f->size ? f : NULL;
}
