/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions and USDT probes of files. The files are containers': they are opened here, and looked into by a child without
 * privileges (symbol/).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/priv.h"
#include "symbol/symbol.h"

/* How long one file may be looked into: a hostile one is given up. */
#define PATIENCE_NS 5000000000ull

int probe_elf_open(struct ph_symchild **child, uint32_t file, int fd, const char *path, int32_t pid, struct probe_elf *ret,
		   struct ph_err *err)
{
	const struct ph_symchild_options o = { .patience_ns = PATIENCE_NS };
	ph_autoclose int root = -1;
	const struct ph_symfile *f;
	char name[64];
	int r = 0;

	if (!*child)
		r = ph_symchild_new(&o, child, err);
	if (r < 0)
		return ph_err_wrap(err, r, "%s", path);
	if (fd < 0)
		return ph_err_set(err, fd, fd == -ETIMEDOUT ? "%s is on a file system that does not answer" : "%s cannot be read", path);
	if (!ph_symchild_file(*child, file)) {
		snprintf(name, sizeof(name), "/proc/%d/root", pid);
		root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = ph_symchild_add(*child, file, &(struct ph_symfile_new){
			.kind = PH_SYMFILE_ELF, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3), .path = path, .root = root,
			.owner = probe_root_key(pid) }, err);
	}
	if (r < 0)
		return r;
	f = ph_symchild_file(*child, file);
	if (f->error)
		return f->error == -ENOEXEC ? ph_err_set(err, -ENOEXEC, "%s is no program or library", path) :
					      ph_err_set(err, f->error, "%s: %s", path, f->message);
	if (f->machine != ph_probe_machine())
		return ph_err_set(err, -ENOEXEC, "%s is for another machine", path);
	*ret = (struct probe_elf){ .child = *child, .id = file, .machine = f->machine, .go = f->from & PH_SYMBOL_GO,
				  .go_old = f->from & PH_SYMBOL_GO_OLD, .throws = f->from & PH_SYMBOL_THROWS };
	return 0;
}

bool probe_elf_offset(const struct probe_elf *e, uint64_t vaddr, uint64_t *ret)
{
	return ph_symfile_offset(ph_symchild_file(e->child, e->id), vaddr, ret);
}

int probe_elf_functions(const struct probe_elf *e, const char *glob, size_t max, struct ph_symfuncs *ret, struct ph_err *err)
{
	return ph_symchild_find(e->child, e->id, glob, max, ret, err);
}

int probe_elf_notes(const struct probe_elf *e, const char *provider, const char *name, size_t max, struct ph_symusdts *ret,
		    struct ph_err *err)
{
	return ph_symchild_usdt(e->child, e->id, provider, name, max, ret, err);
}
