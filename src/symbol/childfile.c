/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/childfile.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "symbol/gopclntab.h"
#include "symbol/plt.h"
#include "symbol/unpack.h"

#define SECTION_MAX 65536
#define CODE_MAX (16u << 20)

struct ph_childfile *ph_childfile_new(uint32_t id, enum ph_symfile_kind kind, int fd)
{
	struct ph_childfile *f = ph_alloc(sizeof(*f));

	*f = (struct ph_childfile){ .id = id, .kind = kind, .fd = fd, .debug_fd = { -1, -1 },
				    .jit.kind = kind == PH_SYMFILE_JITDUMP ? PH_JIT_DUMP : PH_JIT_PERF_MAP };
	return f;
}

void ph_childfile_forget(struct ph_childfile *f)
{
	if (f->symtab)
		ph_symtab_done(f->symtab);
	free(f->symtab);
	f->symtab = NULL;
	free(f->functions.v);
	f->functions.v = NULL;
	ph_jit_done(&f->jit);
	ph_dwarf_close(f->dwarf);
	f->dwarf = NULL;
	f->dwarf_read = false;
	elf_end(f->dwarf_elf);
	f->dwarf_elf = NULL;
	free(f->dwarf_image);
	f->dwarf_image = NULL;
	elf_end(f->debugdata);
	elf_end(f->alt);
	elf_end(f->separate);
	elf_end(f->main);
	f->debugdata = f->alt = f->separate = f->main = NULL;
	free(f->unpacked);
	f->unpacked = NULL;
	ph_elf_close(f->elf);
	f->elf = NULL;
}

void ph_childfile_free(struct ph_childfile *f)
{
	if (!f)
		return;
	ph_childfile_forget(f);
	for (size_t i = 0; i < PH_ARRAY_SIZE(f->debug_fd); i++)
		ph_close_ptr(&f->debug_fd[i]);
	ph_close_ptr(&f->fd);
	free(f);
}

int ph_childfile_elf(struct ph_childfile *f, struct ph_elf **ret, struct ph_err *err)
{
	int r = 0;

	if (f->kind != PH_SYMFILE_ELF)
		return ph_err_set(err, -ENOENT, "it is a list of names, not a program");
	if (!f->elf)
		r = ph_elf_open(f->fd, &f->elf, err);
	if (!r)
		*ret = f->elf;
	return r;
}

/* Mapped, as most of a file of debug information is never looked at. The one who cuts it off meanwhile ends this process. */
static Elf *open_mapped(int fd)
{
	Elf *elf;

	if (fd < 0)
		return NULL;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		elf = NULL;
	}
	return elf;
}

Elf *ph_childfile_main(struct ph_childfile *f)
{
	struct ph_elf *elf;

	/* What is no ELF file that may be looked at, is not shown to the library. */
	if (!f->main && !ph_childfile_elf(f, &elf, NULL))
		f->main = open_mapped(f->fd);
	return f->main;
}

Elf *ph_childfile_separate(struct ph_childfile *f)
{
	if (!f->separate)
		f->separate = open_mapped(f->debug_fd[PH_SYMDEBUG_SEPARATE]);
	return f->separate;
}

struct ph_dwarf *ph_childfile_dwarf(struct ph_childfile *f)
{
	Elf64_Shdr sh;
	Elf *elf;

	if (f->dwarf_read || f->level != PH_SYMLEVEL_ALL)
		return f->dwarf;
	f->dwarf_read = true;
	elf = ph_childfile_separate(f);
	if (!ph_section(elf, ".debug_info", &sh))
		elf = ph_childfile_main(f);
	if (!ph_section(elf, ".debug_info", &sh))
		return NULL;
	f->alt = open_mapped(f->debug_fd[PH_SYMDEBUG_ALT]);
	f->dwarf_elf = ph_unpack_debug(elf, &f->dwarf_image);
	f->dwarf = ph_dwarf_open(f->dwarf_elf ? f->dwarf_elf : elf, f->alt);
	return f->dwarf;
}

Elf_Scn *ph_section(Elf *elf, const char *name, Elf64_Shdr *sh)
{
	Elf_Scn *scn = NULL;
	size_t names, n = 0;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return NULL;
	while (n++ < SECTION_MAX && (scn = elf_nextscn(elf, scn))) {
		const char *s = gelf_getshdr(scn, sh) ? elf_strptr(elf, names, sh->sh_name) : NULL;

		if (s && !strcmp(s, name) && sh->sh_type != SHT_NOBITS)
			return scn;
	}
	return NULL;
}

bool ph_has_section_type(Elf *elf, uint32_t type)
{
	Elf_Scn *scn = NULL;
	size_t n = 0;
	GElf_Shdr sh;

	while (elf && n++ < SECTION_MAX && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == type)
			return true;
	return false;
}

/* The table that the runtime of Go needs; NULL: it is no program of Go. */
static Elf_Data *go_table(Elf *elf)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	Elf64_Shdr sh;

	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		Elf_Scn *scn = ph_section(elf, names[i], &sh);
		Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;

		if (data && data->d_buf)
			return data;
	}
	return NULL;
}

/* A Go program without symbols has those that its runtime needs. */
static void add_go(struct ph_symtab *t, Elf *elf)
{
	Elf_Data *data = go_table(elf);
	Elf64_Shdr text = { 0 };

	if (data && ph_section(elf, ".text", &text))
		ph_gopclntab_add(t, data->d_buf, data->d_size, text.sh_addr);
}

bool ph_childfile_go(struct ph_childfile *f, bool *ret_registers)
{
	Elf *elf = ph_childfile_main(f);
	Elf_Data *data = elf ? go_table(elf) : NULL;

	*ret_registers = data && ph_gopclntab_registers(data->d_buf, data->d_size);
	return data;
}

/* Has a program that is linked with nothing the part of C++ or of Rust that finds handlers? Without symbols it may. */
static bool has_handlers(Elf *elf)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	Elf64_Shdr *sh;
	GElf_Sym sym;

	while ((scn = elf_nextscn(elf, scn))) {
		sh = elf64_getshdr(scn);
		if (!sh || sh->sh_type != SHT_SYMTAB || !(data = elf_getdata(scn, NULL)))
			continue;
		for (int i = 0; gelf_getsym(data, i, &sym); i++) {
			const char *name = elf_strptr(elf, sh->sh_link, sym.st_name);

			if (name && (!strcmp(name, "__gxx_personality_v0") || !strcmp(name, "rust_eh_personality")))
				return true;
		}
		return false;
	}
	return true;
}

/*
 * May exceptions pass through its functions? It has tables for them, and is linked with what throws: C libraries have tables for
 * threads that are ended, too.
 */
static bool throws(Elf *elf)
{
	Elf64_Shdr sh;
	Elf_Scn *scn = ph_section(elf, ".gcc_except_table", &sh);
	Elf_Data *data;
	GElf_Dyn dyn;
	bool needs = false;

	if (!scn)
		return false;
	scn = ph_section(elf, ".dynamic", &sh);
	data = scn ? elf_getdata(scn, NULL) : NULL;
	for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		const char *name = dyn.d_tag == DT_NEEDED ? elf_strptr(elf, sh.sh_link, dyn.d_un.d_val) : NULL;

		needs |= dyn.d_tag == DT_NEEDED;
		if (name && (!strncmp(name, "libstdc++.", 10) || !strncmp(name, "libc++", 6) || !strncmp(name, "libgcc_s.", 9) ||
			     !strncmp(name, "libunwind.", 10)))
			return true;
	}
	return !needs && has_handlers(elf);
}

/*
 * What a signal's handler returns to is in the library that has sigaction(). Where that is stripped it has no name, and in musl stands
 * behind a function that does not say how long it is.
 */
static void add_signal_return(struct ph_symtab *t, Elf *elf)
{
	bool has_sigaction = false;
	Elf_Scn *scn = NULL;
	const uint8_t *code;
	size_t n, code_n;
	GElf_Ehdr eh;

	for (size_t i = 0; i < t->syms.n && !has_sigaction; i++)
		has_sigaction = !strcmp(t->syms.v[i].name, "sigaction");
	if (!has_sigaction || !gelf_getehdr(elf, &eh))
		return;
	code = ph_unwind_sigreturn(eh.e_machine == EM_X86_64 ? PH_UNWIND_X86_64 : PH_UNWIND_ARM64, &code_n);
	for (n = 0; n < SECTION_MAX && (scn = elf_nextscn(elf, scn)); n++) {
		const uint8_t *hit;
		Elf_Data *data;
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_EXECINSTR) || sh.sh_type != SHT_PROGBITS || sh.sh_size > CODE_MAX)
			continue;
		data = elf_rawdata(scn, NULL);
		hit = data && data->d_buf ? memmem(data->d_buf, data->d_size, code, code_n) : NULL;
		if (hit)
			ph_symtab_add(t, sh.sh_addr + (uint64_t)(hit - (const uint8_t *)data->d_buf), code_n, "__restore_rt");
	}
}

const struct ph_symtab *ph_childfile_symtab(struct ph_childfile *f)
{
	struct ph_symtab *t = f->symtab;
	size_t n;

	if (t)
		return t;
	t = f->symtab = ph_alloc(sizeof(*t));
	if (!ph_childfile_main(f))
		return t;
	n = ph_childfile_separate(f) ? ph_symtab_add_elf(t, f->separate, SHT_SYMTAB) : 0;
	if (!n)
		n = ph_symtab_add_elf(t, f->main, SHT_SYMTAB);
	if (!n) {
		f->debugdata = ph_childdebug_unpack(f);
		n = f->debugdata ? ph_symtab_add_elf(t, f->debugdata, SHT_SYMTAB) : 0;
	}
	if (!n)
		add_go(t, f->main);
	ph_symtab_add_elf(t, f->main, SHT_DYNSYM);
	ph_plt_add(t, f->main);
	add_signal_return(t, f->main);
	ph_symtab_sort(t);
	return t;
}

/* It says that it has sections, and they are not found. */
static bool sections_lost(Elf *elf)
{
	GElf_Ehdr h;
	size_t names;

	return elf && gelf_getehdr(elf, &h) && h.e_shoff && (elf_getshdrstrndx(elf, &names) || !elf_nextscn(elf, NULL));
}

int ph_answer_add(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	ph_autofree char *path = ph_get_str(in), *problem = NULL;
	const struct ph_elf_segment *s;
	unsigned int from = 0;
	struct ph_elf *elf;
	bool registers;
	Elf64_Shdr sh;
	size_t n;
	int r;

	if (f->kind != PH_SYMFILE_ELF) {
		/* No machine, no build id, no segments, no debug files; no interpreter. */
		ph_put_u32(out, 0);
		ph_put_u32(out, PH_SYMBOL_JIT);
		ph_put_u32(out, 0);
		ph_put_u32(out, 0);
		ph_put_str(out, "");
		ph_put_str(out, "");
		ph_put_u32(out, 0);
		ph_put_str(out, "");
		ph_put_u32(out, PH_INTERP_NONE);
		ph_put_str(out, "");
		return 0;
	}
	r = ph_childfile_elf(f, &elf, err);
	if (r)
		return r;
	ph_childfile_main(f);
	if (ph_has_section_type(f->main, SHT_SYMTAB))
		from |= PH_SYMBOL_SYMTAB;
	if (ph_has_section_type(f->main, SHT_DYNSYM))
		from |= PH_SYMBOL_DYNSYM;
	if (ph_section(f->main, ".debug_info", &sh))
		from |= PH_SYMBOL_DWARF;
	if (ph_childfile_go(f, &registers))
		from |= PH_SYMBOL_GO | (registers ? 0 : PH_SYMBOL_GO_OLD);
	if (throws(f->main))
		from |= PH_SYMBOL_THROWS;
	if (ph_section(f->main, ".gnu_debugdata", &sh))
		from |= PH_SYMBOL_DEBUGDATA;
	f->build_id_n = ph_elf_build_id(elf, f->build_id);
	ph_put_u32(out, (uint32_t)ph_elf_machine(elf));
	ph_put_u32(out, from);
	ph_put_u32(out, (uint32_t)f->build_id_n);
	ph_buf_add(out, f->build_id, f->build_id_n);
	s = ph_elf_segments(elf, &n);
	ph_put_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		ph_put_u64(out, s[i].vaddr);
		ph_put_u64(out, s[i].memsz);
		ph_put_u64(out, s[i].offset);
		ph_put_u64(out, s[i].filesz);
		ph_put_u32(out, s[i].exec);
	}
	ph_childdebug_put_wants(f, out);
	ph_answer_interp(f, path, out);
	problem = sections_lost(f->main) ? ph_strdup("its section headers cannot be read") : NULL;
	ph_put_str(out, problem);
	return 0;
}

/* Sections of frames are read whole, and not needed again. */
static void frames_done(struct ph_childfile *f)
{
	ph_elf_close(f->elf);
	f->elf = NULL;
}

uint64_t ph_childfile_function(struct ph_childfile *f, uint64_t vaddr)
{
	const struct ph_unwind_function *at;
	struct ph_elf *elf;

	if (!f->functions.v) {
		if (ph_childfile_elf(f, &elf, NULL))
			return vaddr;
		ph_unwind_functions(elf, &f->functions);
		frames_done(f);
	}
	at = ph_unwind_function_at(&f->functions, vaddr);
	return at ? at->begin : vaddr;
}

int ph_answer_table(struct ph_childfile *f, struct ph_buf *out, struct ph_err *err)
{
	struct ph_unwind_table *t;
	struct ph_elf *elf;
	int r;

	r = ph_childfile_elf(f, &elf, err);
	if (!r)
		r = ph_unwind_compile(elf, &t, err);
	if (r)
		return r;
	ph_symtable_put(out, t);
	ph_unwind_free(t);
	frames_done(f);
	return 0;
}
