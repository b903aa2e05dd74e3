/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/elf.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "unwind/bytes.h"

/* Larger than any table of frames that was seen: some 10 MB in a browser. */
#define FRAME_MAX (64u << 20)
/* What is a program or library has some dozens of sections, some ten segments, and short notes. */
#define SECTION_MAX 65536
#define SEGMENT_MAX 1024
#define NOTES_MAX 65536

struct ph_elf {
	Elf *elf;
	int fd;
	const uint8_t *image;		/* instead of fd */
	int machine;
	uint64_t size;
	PH_VEC(struct ph_elf_segment) segments;
	uint64_t frame_hdr, frame_hdr_size;	/* PT_GNU_EH_FRAME, as an address */
	struct ph_elf_part dynamic, tls;
	uint8_t build_id[PH_BUILD_ID_MAX];
	size_t build_id_n;
	PH_VEC(struct ph_elf_code) code;
	bool code_read;
};

/* @n bytes of the file as they are; NULL also where it is shorter. */
static const uint8_t *chunk(struct ph_elf *e, uint64_t offset, uint64_t n)
{
	Elf_Data *d;

	if (!n || offset > e->size || n > e->size - offset)
		return NULL;
	d = elf_getdata_rawchunk(e->elf, (int64_t)offset, n, ELF_T_BYTE);
	return d && d->d_size >= n ? d->d_buf : NULL;
}

bool ph_elf_read_at(const struct ph_elf *e, uint64_t vaddr, void *buf, size_t n)
{
	ph_vec_each(s, &e->segments)
		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->filesz && s->filesz - (vaddr - s->vaddr) >= n)
			return ph_elf_read(e, s->offset + (vaddr - s->vaddr), buf, n);
	return false;
}

bool ph_elf_read(const struct ph_elf *e, uint64_t offset, void *buf, size_t n)
{
	if (offset > e->size || n > e->size - offset)
		return false;
	if (e->image) {
		memcpy(buf, e->image + offset, n);
		return true;
	}
	for (size_t done = 0; done < n; ) {
		ssize_t r = pread(e->fd, (char *)buf + done, n - done, (off_t)(offset + done));

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

/* Notes: name's length, content's length, type, name, content; both filled up to @align. */
static void take_notes(struct ph_elf *e, const uint8_t *p, size_t n, uint64_t align)
{
	struct ph_bytes b = { p, p + n, false };

	align = align == 8 ? 8 : 4;
	while (!e->build_id_n && ph_bytes_left(&b) >= 12) {
		uint32_t name_n = (uint32_t)ph_bytes_uint(&b, 4), n_desc = (uint32_t)ph_bytes_uint(&b, 4);
		uint32_t type = (uint32_t)ph_bytes_uint(&b, 4);
		struct ph_bytes name = ph_bytes_cut(&b, name_n), desc;

		ph_bytes_skip(&b, -(uint64_t)(12 + (uint64_t)name_n) & (align - 1));
		desc = ph_bytes_cut(&b, n_desc);
		if (b.bad)
			return;
		/* The last one's filling may be missing. */
		ph_bytes_skip(&b, -(uint64_t)n_desc & (align - 1));
		if (type == NT_GNU_BUILD_ID && name_n == 4 && !memcmp(name.p, "GNU", 4) && n_desc &&
		    n_desc <= PH_BUILD_ID_MAX) {
			memcpy(e->build_id, desc.p, n_desc);
			e->build_id_n = n_desc;
		}
	}
}

static int take_headers(struct ph_elf *e, struct ph_err *err)
{
	size_t n;

	if (elf_getphdrnum(e->elf, &n))
		return ph_err_set(err, -EBADMSG, "its program headers cannot be read: %s", elf_errmsg(-1));
	if (n > SEGMENT_MAX)
		return ph_err_set(err, -EFBIG, "%zu program headers, more than %d", n, SEGMENT_MAX);
	for (size_t i = 0; i < n; i++) {
		struct ph_elf_segment *s;
		GElf_Phdr ph;

		if (!gelf_getphdr(e->elf, (int)i, &ph))
			return ph_err_set(err, -EBADMSG, "its program headers cannot be read: %s",
					  elf_errmsg(-1));
		/* What is behind the file's end cannot be mapped, or not be read. */
		if (ph.p_offset > e->size)
			ph.p_filesz = 0;
		else if (ph.p_filesz > e->size - ph.p_offset)
			ph.p_filesz = e->size - ph.p_offset;
		if (ph.p_vaddr + ph.p_memsz < ph.p_vaddr)
			continue;
		if (ph.p_type == PT_LOAD) {
			s = ph_vec_push(&e->segments);
			*s = (struct ph_elf_segment){ ph.p_vaddr, ph.p_memsz, ph.p_offset,
						      ph.p_filesz < ph.p_memsz ? ph.p_filesz : ph.p_memsz,
						      ph.p_flags & PF_X };
		} else if (ph.p_type == PT_GNU_EH_FRAME) {
			e->frame_hdr = ph.p_vaddr;
			e->frame_hdr_size = ph.p_memsz;
		} else if (ph.p_type == PT_DYNAMIC) {
			e->dynamic = (struct ph_elf_part){ ph.p_vaddr, ph.p_memsz, ph.p_align };
		} else if (ph.p_type == PT_TLS) {
			e->tls = (struct ph_elf_part){ ph.p_vaddr, ph.p_memsz, ph.p_align };
		} else if (ph.p_type == PT_NOTE && ph.p_filesz <= NOTES_MAX) {
			const uint8_t *p = chunk(e, ph.p_offset, ph.p_filesz);

			if (p)
				take_notes(e, p, ph.p_filesz, ph.p_align);
		}
	}
	return 0;
}

/*
 * What the library need not be asked about, and must not: it has room for each section that a file says it has, so
 * one of some terabytes that are not there would take all memory.
 */
static int look_at_header(struct ph_elf *e, struct ph_err *err)
{
	Elf64_Ehdr eh;
	Elf64_Shdr sh;

	if (!ph_elf_read(e, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return ph_err_set(err, -ENOEXEC, "not an ELF file");
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (eh.e_machine != EM_X86_64 && eh.e_machine != EM_AARCH64))
		return ph_err_set(err, -ENOEXEC, "an ELF file of another machine than x86_64 and arm64");
	e->machine = eh.e_machine;
	/* Where there are too many for the header, the first one has their number. */
	if (eh.e_shoff && !eh.e_shnum && ph_elf_read(e, eh.e_shoff, &sh, sizeof(sh)) && sh.sh_size > SECTION_MAX)
		return ph_err_set(err, -EFBIG, "%llu sections, more than %d", (unsigned long long)sh.sh_size,
				  SECTION_MAX);
	return 0;
}

static int open_elf(struct ph_elf *e, struct ph_err *err)
{
	int r = look_at_header(e, err);

	if (r)
		return r;
	elf_version(EV_CURRENT);
	/* The library only reads: what it is asked for is not written. */
	e->elf = e->image ? elf_memory((char *)e->image, e->size) : elf_begin(e->fd, ELF_C_READ, NULL);
	if (!e->elf || elf_kind(e->elf) != ELF_K_ELF)
		return ph_err_set(err, -ENOEXEC, "not an ELF file");
	return take_headers(e, err);
}

static int open_new(struct ph_elf from, struct ph_elf **ret, struct ph_err *err)
{
	struct ph_elf *e = ph_alloc(sizeof(*e));
	int r;

	*e = from;
	r = open_elf(e, err);
	if (r)
		ph_elf_close(e);
	else
		*ret = e;
	return r;
}

int ph_elf_open(int fd, struct ph_elf **ret, struct ph_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return ph_err_sys(err, -errno, "cannot be looked at");
	if (!S_ISREG(st.st_mode))
		return ph_err_set(err, -ENOEXEC, "not a file with contents");
	return open_new((struct ph_elf){ .fd = fd, .size = (uint64_t)st.st_size }, ret, err);
}

int ph_elf_open_image(const void *image, size_t n, struct ph_elf **ret, struct ph_err *err)
{
	return open_new((struct ph_elf){ .fd = -1, .image = image, .size = n }, ret, err);
}

void ph_elf_close(struct ph_elf *e)
{
	if (!e)
		return;
	elf_end(e->elf);
	ph_vec_done(&e->segments);
	ph_vec_done(&e->code);
	free(e);
}

int ph_elf_machine(const struct ph_elf *e)
{
	return e->machine;
}

struct ph_elf_part ph_elf_dynamic(const struct ph_elf *e)
{
	return e->dynamic;
}

struct ph_elf_part ph_elf_tls(const struct ph_elf *e)
{
	return e->tls;
}

const struct ph_elf_segment *ph_elf_segments(const struct ph_elf *e, size_t *ret_n)
{
	*ret_n = e->segments.n;
	return e->segments.v;
}

bool ph_elf_segments_vaddr(const struct ph_elf_segment *segments, size_t n, uint64_t offset, uint64_t *ret)
{
	const struct ph_elf_segment *found = NULL, *s, *end = segments + n;

	/*
	 * A mapping begins with a page, of 4 to 64 KiB, also where its segment does not; so it may begin in the one
	 * before. It may also have lost its first part.
	 */
	for (s = segments; s < end; s++)
		if (s->exec && s->filesz && (s->offset & ~4095ULL) == offset)
			found = s;
	for (s = segments; s < end; s++)
		if (!found && s->exec && offset >= s->offset && offset - s->offset < s->filesz)
			found = s;
	for (s = segments; s < end; s++)
		if (!found && s->exec && s->filesz && (s->offset & ~65535ULL) == offset)
			found = s;
	if (found)
		*ret = found->vaddr + offset - found->offset;
	return found;
}

bool ph_elf_vaddr(const struct ph_elf *e, uint64_t offset, uint64_t *ret)
{
	return ph_elf_segments_vaddr(e->segments.v, e->segments.n, offset, ret);
}

static Elf_Scn *section(struct ph_elf *e, const char *name, GElf_Shdr *sh)
{
	size_t names, n = 0;
	Elf_Scn *scn = NULL;

	if (elf_getshdrstrndx(e->elf, &names))
		return NULL;
	while (n++ < SECTION_MAX && (scn = elf_nextscn(e->elf, scn))) {
		const char *s = gelf_getshdr(scn, sh) ? elf_strptr(e->elf, names, sh->sh_name) : NULL;

		/* A file of debug information alone has the section, without its contents. */
		if (s && !strcmp(s, name) && sh->sh_type != SHT_NOBITS)
			return scn;
	}
	return NULL;
}

size_t ph_elf_build_id(const struct ph_elf *e, uint8_t id[PH_BUILD_ID_MAX])
{
	memcpy(id, e->build_id, e->build_id_n);
	return e->build_id_n;
}

static int section_data(struct ph_elf *e, const char *name, struct ph_elf_data *ret)
{
	GElf_Shdr sh;
	GElf_Chdr ch;
	Elf_Scn *scn = section(e, name, &sh);
	Elf_Data *d;

	if (!scn)
		return -ENOENT;
	if (sh.sh_flags & SHF_COMPRESSED) {
		if (!gelf_getchdr(scn, &ch))
			return -EBADMSG;
		if (ch.ch_size > FRAME_MAX || sh.sh_size > FRAME_MAX)
			return -EFBIG;
		if (elf_compress(scn, 0, 0) < 0)
			return -EBADMSG;
		d = elf_getdata(scn, NULL);
	} else {
		if (sh.sh_size > FRAME_MAX)
			return -EFBIG;
		if (sh.sh_offset > e->size || sh.sh_size > e->size - sh.sh_offset)
			return -EBADMSG;
		d = elf_rawdata(scn, NULL);
	}
	if (!d || (!d->d_buf && d->d_size))
		return -EBADMSG;
	*ret = (struct ph_elf_data){ d->d_buf, d->d_size, sh.sh_addr, false };
	return d->d_size ? 0 : -ENOENT;
}

/* A file whose section headers were taken away has the table still, or nothing could be thrown in it. */
static int frame_by_header(struct ph_elf *e, struct ph_elf_data *ret)
{
	const struct ph_elf_segment *at = NULL;
	uint64_t vaddr = 0, n;
	struct ph_bytes b;
	const uint8_t *p;

	ph_vec_each(s, &e->segments)
		if (e->frame_hdr_size >= 8 && e->frame_hdr >= s->vaddr && s->filesz >= 8 &&
		    e->frame_hdr - s->vaddr <= s->filesz - 8)
			at = s;
	p = at ? chunk(e, at->offset + (e->frame_hdr - at->vaddr), 8) : NULL;
	/* Version 1, and the table's address in the one way in which it is written: 32 bits from here. */
	if (!p || p[0] != 1 || p[1] != 0x1b)
		return -ENOENT;
	b = (struct ph_bytes){ p + 4, p + 8, false };
	vaddr = e->frame_hdr + 4 + (uint64_t)ph_bytes_sint(&b, 4);
	at = NULL;
	ph_vec_each(s, &e->segments)
		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->filesz)
			at = s;
	if (!at)
		return -EBADMSG;
	n = at->filesz - (vaddr - at->vaddr);
	if (n > FRAME_MAX)
		n = FRAME_MAX;
	p = chunk(e, at->offset + (vaddr - at->vaddr), n);
	if (!p)
		return -EBADMSG;
	*ret = (struct ph_elf_data){ p, n, vaddr, true };
	return 0;
}

int ph_elf_eh_frame(struct ph_elf *e, struct ph_elf_data *ret)
{
	int r = section_data(e, ".eh_frame", ret);

	return r == -ENOENT ? frame_by_header(e, ret) : r;
}

int ph_elf_debug_frame(struct ph_elf *e, struct ph_elf_data *ret)
{
	return section_data(e, ".debug_frame", ret);
}

static int by_begin(const void *a, const void *b)
{
	const struct ph_elf_code *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static void read_code(struct ph_elf *e)
{
	Elf_Scn *scn = NULL;
	size_t n = 0, kept = 0;
	GElf_Shdr sh;

	while (n++ < SECTION_MAX && (scn = elf_nextscn(e->elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_flags & SHF_ALLOC && sh.sh_flags & SHF_EXECINSTR && sh.sh_type == SHT_PROGBITS &&
		    sh.sh_addr + sh.sh_size > sh.sh_addr)
			*ph_vec_push(&e->code) = (struct ph_elf_code){ sh.sh_addr, sh.sh_addr + sh.sh_size };
	if (!e->code.n)
		return;
	qsort(e->code.v, e->code.n, sizeof(*e->code.v), by_begin);
	ph_vec_each(c, &e->code) {
		if (kept && c->begin < e->code.v[kept - 1].end)
			c->begin = e->code.v[kept - 1].end;
		if (c->begin < c->end)
			e->code.v[kept++] = *c;
	}
	e->code.n = kept;
}

const struct ph_elf_code *ph_elf_code(struct ph_elf *e, size_t *ret_n)
{
	if (!e->code_read)
		read_code(e);
	e->code_read = true;
	*ret_n = e->code.n;
	return e->code.n ? e->code.v : NULL;
}

void ph_elf_functions(struct ph_elf *e, void (*fn)(void *ctx, uint64_t vaddr), void *ctx)
{
	static const char *const tables[] = { ".dynsym", ".symtab" };
	struct ph_elf_data d;
	GElf_Ehdr eh;

	if (gelf_getehdr(e->elf, &eh) && eh.e_entry)
		fn(ctx, eh.e_entry);
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		if (section_data(e, tables[t], &d))
			continue;
		for (size_t at = 0; at + sizeof(Elf64_Sym) <= d.n; at += sizeof(Elf64_Sym)) {
			Elf64_Sym sym;

			memcpy(&sym, d.p + at, sizeof(sym));
			if (sym.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(sym.st_info) == STT_FUNC)
				fn(ctx, sym.st_value);
		}
	}
}
