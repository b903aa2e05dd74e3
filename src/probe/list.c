/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be probed: of the files that processes have mapped, and of the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "probe/priv.h"
#include "symbol/open.h"

/* Of one file; what a list would be for has no more. */
#define FUNCTIONS_MAX 1000000
#define NOTES_MAX 100000

struct list {
	struct ph_symchild *child;
	const char *pattern;
	ph_probe_list_fn fn;
	void *arg;
	ph_probe_list_note_fn note;
	PH_VEC(struct stat) files;	/* that were looked into */
	struct ph_strmap known;		/* path and build id: images have copies of the same */
	uint32_t next;
	int32_t pid;
};

/* Is it what is looked for? A pattern without * is to be somewhere in it. */
static bool wanted(const struct list *l, const char *text)
{
	return !l->pattern || (strpbrk(l->pattern, "*?[") ? ph_glob(l->pattern, text) : strstr(text, l->pattern) != NULL);
}

static int give(struct list *l, struct ph_probe_found *f)
{
	ph_autobuf text = { 0 };

	ph_buf_addf(&text, "%s:", ph_probe_kind_name(f->kind));
	if (f->path)
		ph_buf_addf(&text, "%s:", f->path);
	if (f->provider)
		ph_buf_addf(&text, "%s:", f->provider);
	ph_buf_adds(&text, f->function);
	f->text = text.p;
	return wanted(l, text.p) ? l->fn(l->arg, f) : 0;
}

static int list_functions(struct list *l, const struct probe_elf *e, const char *path)
{
	struct ph_symfuncs funcs;
	struct ph_err err = { 0 };
	int r = probe_elf_functions(e, "*", FUNCTIONS_MAX, &funcs, &err);

	if (r < 0)
		l->note(l->arg, path, err.msg);
	ph_vec_each(f, &funcs.list) {
		struct ph_probe_found found = { .kind = PH_PROBE_UPROBE, .path = path, .function = f->name, .shown = f->shown,
						.offset = f->offset, .size = f->size };

		/* What chooses a function is not the function. */
		if (r >= 0 && !f->chosen)
			r = give(l, &found);
	}
	ph_symfuncs_done(&funcs);
	return r == -EPIPE ? r : 0;
}

static int list_notes(struct list *l, const struct probe_elf *e, const char *path)
{
	struct ph_symusdts notes;
	int r = probe_elf_notes(e, "*", "*", NOTES_MAX, &notes, NULL);

	ph_vec_each(n, &notes.list) {
		struct ph_probe_found found = { .kind = PH_PROBE_USDT, .path = path, .provider = n->provider, .function = n->name,
						.args = n->args, .offset = n->offset };

		if (r >= 0)
			r = give(l, &found);
	}
	ph_symusdts_done(&notes);
	return r == -EPIPE ? r : 0;
}

static bool is_known(struct list *l, const char *path, const struct probe_elf *e)
{
	const char *id = ph_symchild_file(e->child, e->id)->build_id;
	ph_autofree char *key = NULL;

	if (!*id)
		return false;
	key = ph_asprintf("%s\n%s", path, id);
	return ph_strmap_put(&l->known, key, l) != NULL;
}

static int on_file(void *arg, int at, const char *path)
{
	ph_autoclose int kept = at, fd = -1;
	struct list *l = arg;
	struct probe_elf e;
	struct ph_err err = { 0 };
	struct stat st;
	int r = 0;

	if (ph_stat_kept(kept, &st) < 0)
		return 0;
	ph_vec_each(f, &l->files)
		if (f->st_dev == st.st_dev && f->st_ino == st.st_ino)
			return 0;
	*ph_vec_push(&l->files) = st;
	fd = ph_symread(kept, l->pid, 0, NULL);
	if (probe_elf_open(&l->child, l->next++, fd, path, l->pid, &e, &err) < 0)
		l->note(l->arg, path, err.msg);
	else if (!is_known(l, path, &e) && (r = list_functions(l, &e, path)) == 0)
		r = list_notes(l, &e, path);
	return r;
}

static int list_tracepoints(struct list *l)
{
	ph_strv names = { 0 }, categories = { 0 };
	struct ph_err err = { 0 };
	int r = probe_tracepoints("*", "*", &names, &categories, &err);

	if (r < 0)
		l->note(l->arg, "the kernel", err.msg);
	for (size_t i = 0; i < names.n && r >= 0; i++) {
		struct ph_probe_found found = { .kind = PH_PROBE_TRACEPOINT, .path = categories.v[i], .function = names.v[i] };

		r = give(l, &found);
	}
	ph_strv_done(&names);
	ph_strv_done(&categories);
	return r == -EPIPE ? r : 0;
}

/* There are tens of thousands, which who looks for something else does not want. */
#define KERNEL_FUNCTIONS "kprobe:"

static int list_kernel_functions(struct list *l)
{
	struct probe_kernel_names found = { 0 };
	struct ph_err err = { 0 };
	int r = probe_kernel_functions("*", FUNCTIONS_MAX, &found, &err);

	if (r < 0)
		l->note(l->arg, "the kernel", err.msg);
	ph_vec_each(n, &found.names) {
		struct ph_probe_found f = { .kind = PH_PROBE_KPROBE, .function = *n };

		if (r >= 0)
			r = give(l, &f);
	}
	probe_kernel_names_done(&found);
	return r == -EPIPE ? r : 0;
}

bool ph_probe_is_kernel(const char *pattern)
{
	return pattern && (!strncmp(pattern, KERNEL_FUNCTIONS, strlen(KERNEL_FUNCTIONS)) || !strncmp(pattern, "tracepoint:", strlen("tracepoint:")));
}

int ph_probe_list(const ph_probe_processes *processes, const char *pattern, bool kernel, ph_probe_list_fn fn,
		  ph_probe_list_note_fn note, void *arg)
{
	struct list l = { .pattern = pattern, .fn = fn, .arg = arg, .note = note };
	int r = 0;

	ph_vec_each(pr, processes) {
		l.pid = pr->pid;
		if (r >= 0)
			r = probe_open(pr->pid, NULL, true, on_file, &l);
	}
	if (r >= 0 && kernel)
		r = pattern && !strncmp(pattern, KERNEL_FUNCTIONS, strlen(KERNEL_FUNCTIONS)) ? list_kernel_functions(&l) : list_tracepoints(&l);
	ph_symchild_free(l.child);
	ph_vec_done(&l.files);
	ph_strmap_done(&l.known);
	return r < 0 ? r : 0;
}
