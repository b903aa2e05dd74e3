/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filter expressions in the kernel: the code of an event's filter is written over the filler of its
 * slot (bpf/lib/event.bpf.h) in the object file, before libbpf sees it. No program is replaced
 * while it runs, and a kernel that cannot replace programs is no obstacle.
 */
#include <errno.h>
#include <gelf.h>
#include <linux/bpf.h>

#include "collect/priv.h"

/* Instructions that a filter may have there; the slots hold two more, which fill_slot() adds. */
#define SLOT_STATIC 160
#define SLOT_SYSCALL 1500
#define MAX_LAYOUT 48

struct layout {
	struct ph_filter_slot slot[MAX_LAYOUT];
	size_t n;
};

static void add_slot(struct layout *l, const char *name, size_t offset, unsigned int size,
		     bool is_signed, bool attr)
{
	if (l->n < MAX_LAYOUT)
		l->slot[l->n++] = (struct ph_filter_slot){
			.name = name, .offset = (uint32_t)offset, .size = (uint8_t)size,
			.is_signed = is_signed, .attr = attr,
		};
}

/* What every record has: header and, as filters are on, the name of the task. */
static size_t common_layout(struct layout *l)
{
	size_t ctx = sizeof(struct ph_rec);

	l->n = 0;
	add_slot(l, "tid", offsetof(struct ph_rec, tid), 4, true, true);
	add_slot(l, "pid", offsetof(struct ph_rec, pid), 4, true, true);
	add_slot(l, "comm", ctx + offsetof(struct ph_rec_ctx, procname), 16, false, true);
	return ctx + sizeof(struct ph_rec_ctx);
}

static void static_layout(struct layout *l, const struct ph_class *c)
{
	size_t at = common_layout(l);

	for (uint32_t i = 0; i < c->nfields; i++) {
		const struct ph_type *t = c->fields[i].type;
		bool num = t->kind == PH_KIND_UINT || t->kind == PH_KIND_INT;

		/* A container's index is the kernel side's own here, not the stream's. */
		if (num && c->fields[i].unit != PH_UNIT_CONTAINER)
			add_slot(l, c->fields[i].name, at, t->bits / 8, t->kind == PH_KIND_INT, false);
		else if (t->kind == PH_KIND_STR && t->bits)
			add_slot(l, c->fields[i].name, at, 16, false, false);
		at += num ? t->bits / 8 : t->kind == PH_KIND_STR && t->bits ? 16 : 2;
	}
}

static void syscall_layout(struct layout *l, const struct ph_syscall *sc, bool entry)
{
	const struct ph_class *c = entry ? sc->entry : sc->exit;
	const uint8_t *src = entry ? sc->entry_src : sc->exit_src;
	size_t at = common_layout(l);
	size_t args = at + (entry ? sizeof(struct ph_rec_enter) : sizeof(struct ph_rec_exit));

	for (uint32_t i = 0; i < c->nfields; i++) {
		const struct ph_type *t = c->fields[i].type;
		unsigned int size = t->bits / 8;

		if (t->kind != PH_KIND_UINT && t->kind != PH_KIND_INT)
			continue;
		/* Little-endian: the low bytes of an argument come first. */
		if (src[i] < PH_SRC_RET)
			add_slot(l, c->fields[i].name, args + 8u * src[i], size,
				 t->kind == PH_KIND_INT, false);
		else if (src[i] == PH_SRC_RET)
			add_slot(l, c->fields[i].name, at + offsetof(struct ph_rec_exit, ret), size,
				 t->kind == PH_KIND_INT, false);
	}
}

/* ---- the slots in the object file ------------------------------------------------------------------ */

struct image {
	Elf *elf;
	char *bytes;
	size_t text_offset, text_size;
	Elf_Data *syms;
	size_t nsyms, strtab;
};

static int image_open(struct image *im, void *bytes, size_t size, struct ph_err *err)
{
	Elf_Scn *scn = NULL;
	size_t shstr;

	elf_version(EV_CURRENT);
	*im = (struct image){ .bytes = bytes, .elf = elf_memory(bytes, size) };
	if (!im->elf || elf_getshdrstrndx(im->elf, &shstr))
		return ph_err_set(err, -EINVAL, "the BPF object is no ELF file: %s", elf_errmsg(-1));
	while ((scn = elf_nextscn(im->elf, scn))) {
		const char *name;
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(im->elf, shstr, sh.sh_name);
		if (name && !strcmp(name, ".text")) {
			im->text_offset = sh.sh_offset;
			im->text_size = sh.sh_size;
		} else if (sh.sh_type == SHT_SYMTAB && sh.sh_entsize) {
			im->syms = elf_getdata(scn, NULL);
			im->nsyms = sh.sh_size / sh.sh_entsize;
			im->strtab = sh.sh_link;
		}
	}
	return 0;
}

/* The first of @max instructions of the slot of event @name, NULL where no program has it. */
static struct bpf_insn *find_slot(const struct image *im, const char *name, size_t max)
{
	char want[128];
	GElf_Sym sym;

	snprintf(want, sizeof(want), "filter_%s", name);
	for (size_t i = 0; i < im->nsyms; i++) {
		const char *s;

		if (!gelf_getsym(im->syms, (int)i, &sym))
			continue;
		s = elf_strptr(im->elf, im->strtab, sym.st_name);
		if (!s || strcmp(s, want) || sym.st_value + max * 8 > im->text_size)
			continue;
		return (void *)(im->bytes + im->text_offset + sym.st_value);
	}
	return NULL;
}

#define INSN(op, dst, src, o, i) \
	((struct bpf_insn){ .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i) })

/*
 * @n instructions go to the slot of @max; what is left of the filler is jumped over by a condition
 * that always holds, as in the slot itself.
 */
static void fill_slot(struct bpf_insn *slot, size_t max, const struct bpf_insn *code, size_t n)
{
	memcpy(slot, code, n * sizeof(*code));
	slot[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0);
	slot[n] = INSN(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, (int16_t)(max - n - 1), 0);
	for (n++; n < max; n++)
		slot[n] = INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

/* ---- system calls: one slot for all entries, one for all exits ------------------------------------- */

/* Is any call recorded whose records this slot does not lay out: 32-bit ones, unknown numbers? */
static bool others_recorded(const struct ph_collect *c, bool entry)
{
	uint32_t native = entry ? PH_EV_SYSCALL_ENTRY : PH_EV_SYSCALL_EXIT;
	uint32_t compat = entry ? PH_EV_COMPAT_ENTRY : PH_EV_COMPAT_EXIT;

	for (uint32_t i = 0; i <= PH_SYSCALL_UNKNOWN; i++)
		if (c->events[compat + i])
			return true;
	return c->events[native + PH_SYSCALL_UNKNOWN];
}

/*
 * `if (nr != NR) skip` before each call's code, unless it is the same for all calls: then it asks of
 * no argument. Records of 32-bit programs have other layouts: they are kept, as is what has no row and
 * what does not fit, and asked again in user space.
 */
static int syscalls_slot(struct ph_collect *c, struct ph_filter *f, const struct image *im, bool entry,
			 struct ph_err *err)
{
	struct bpf_insn *slot = find_slot(im, entry ? "syscall_entry" : "syscall_exit", SLOT_SYSCALL);
	struct bpf_insn code[SLOT_SYSCALL], first[SLOT_SYSCALL], one[SLOT_STATIC];
	size_t at = sizeof(struct ph_rec) + sizeof(struct ph_rec_ctx);
	size_t nr_at = at + offsetof(struct ph_rec_enter, nr);
	size_t compat_at = at + offsetof(struct ph_rec_enter, compat);
	size_t n = 0, nfirst = 0, ncalls = 0, ends[PH_NSYSCALLS];
	bool same = true, fits = true;
	struct layout l;

	_Static_assert(offsetof(struct ph_rec_enter, nr) == offsetof(struct ph_rec_exit, nr) &&
		       offsetof(struct ph_rec_enter, compat) == offsetof(struct ph_rec_exit, compat),
		       "one code for both");
	if (!slot)
		return 0;
	if (others_recorded(c, entry))
		c->filter_exact = false;
	code[n++] = INSN(BPF_LDX | BPF_MEM | BPF_B, 0, 1, (int16_t)compat_at, 0);
	code[n++] = INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 0, 0);	/* to the end, below */
	for (int nr = 0; nr < PH_NSYSCALLS; nr++) {
		const struct ph_syscall *sc = ph_syscall_by_nr(nr, false);
		const struct ph_class *cls = sc ? entry ? sc->entry : sc->exit : NULL;
		bool exact = true;
		int len;

		if (!cls || !c->events[cls->id])
			continue;
		syscall_layout(&l, sc, entry);
		len = ph_filter_to_bpf(f, cls, l.slot, l.n, one, SLOT_STATIC, &exact, err);
		if (len == -E2BIG) {
			fits = false;
			break;
		}
		if (len < 0)
			return len;
		c->filter_exact &= exact;
		if (!ncalls++) {
			memcpy(first, one, (size_t)len * sizeof(*one));
			nfirst = (size_t)len;
		} else if ((size_t)len != nfirst || memcmp(first, one, nfirst * sizeof(*one))) {
			same = false;
		}
		if (n + (size_t)len + 3 >= SLOT_SYSCALL - 1) {
			fits = false;
			continue;
		}
		code[n++] = INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 1, (int16_t)nr_at, 0);
		code[n++] = INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, (int16_t)(len + 1), nr);
		memcpy(code + n, one, (size_t)len * sizeof(*one));
		n += (size_t)len;
		ends[ncalls - 1] = n;
		code[n++] = INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0);
	}
	if (!ncalls)
		return 0;
	if (same && fits && ncalls > 1) {
		fill_slot(slot, SLOT_SYSCALL + 2, first, nfirst);
		return 0;
	}
	if (!fits) {
		c->filter_exact = false;
		return 0;
	}
	/* Calls that are not in the list are those without a row: kept, for user space to decide. */
	code[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	code[1].off = (int16_t)(n - 1 - 2);
	for (size_t i = 0; i < ncalls; i++)
		code[ends[i]].off = (int16_t)(n - 1 - ends[i]);
	fill_slot(slot, SLOT_SYSCALL + 2, code, n);
	return 0;
}

/* The filter over probes' arguments has the place of probe_hit's. */
static int install_probes(const struct ph_collect *c, void *object, size_t size, struct ph_err *err)
{
	struct bpf_insn code[SLOT_STATIC], *slot;
	struct image im;
	int r = image_open(&im, object, size, err);
	size_t n;

	if (r < 0)
		return r;
	n = ph_probe_filter_code(c->probes, c->probe_filter, code, SLOT_STATIC);
	slot = find_slot(&im, "probe_hit", SLOT_STATIC);
	if (slot && n)
		fill_slot(slot, SLOT_STATIC + 2, code, n);
	elf_end(im.elf);
	return 0;
}

int ph_filter_install(struct ph_collect *c, const void *object, size_t size, void **ret_image,
		      struct ph_err *err)
{
	struct ph_filter *f = c->filter;
	const struct ph_class *cls;
	struct image im;
	int r = 0;

	*ret_image = ph_alloc(size);
	memcpy(*ret_image, object, size);
	c->filter_exact = true;
	if (c->probe_filter)
		r = install_probes(c, *ret_image, size, err);
	if (!f || r < 0)
		return r;
	c->filter_id = ph_identity_new();
	for (size_t i = 0; (cls = ph_class_nth(i)); i++)
		if (!ph_event_always(cls) && c->events[cls->id])
			c->events[cls->id] = ph_filter_may_match(f, ph_decoder_class(&c->dec, cls));
	r = image_open(&im, *ret_image, size, err);
	for (size_t i = 0; r >= 0 && (cls = ph_class_nth(i)); i++) {
		struct bpf_insn code[SLOT_STATIC], *slot;
		bool exact = true;
		struct layout l;

		if (cls->id >= PH_EV_SYSCALL_ENTRY)
			break;
		slot = find_slot(&im, cls->name, SLOT_STATIC);
		if (!slot || !c->events[cls->id] || ph_event_always(cls))
			continue;
		static_layout(&l, cls);
		r = ph_filter_to_bpf(f, cls, l.slot, l.n, code, SLOT_STATIC, &exact, err);
		if (r == -E2BIG) {
			exact = false;
			r = 0;
		} else if (r >= 0) {
			fill_slot(slot, SLOT_STATIC + 2, code, (size_t)r);
		}
		c->filter_exact &= exact;
	}
	if (r >= 0)
		r = syscalls_slot(c, f, &im, true, err);
	if (r >= 0)
		r = syscalls_slot(c, f, &im, false, err);
	elf_end(im.elf);
	return r < 0 ? r : 0;
}
