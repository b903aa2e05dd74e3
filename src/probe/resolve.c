/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From probes as they are written to places in files. */
#include "probe/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "probe/priv.h"
#include "symbol/demangle.h"
#include "symbol/open.h"
#include "symbol/symbol.h"

/* Of a file's names, so many are compared with one that is not there. */
#define NAMES_MAX 100000

/* So many places without what is asked for are told one by one. */
#define REASONS_MAX 3

/* Bytes of such functions' names. */
#define BROKEN_MAX 200

/* What became of one probe. */
struct search {
	struct ph_probes *p;
	uint32_t spec;
	size_t processes;	/* that were there to be looked into */
	size_t files;		/* that it was looked for in */
	size_t found;
	bool cut;		/* there are more beyond the limit */
	int32_t pid;		/* of the process that is looked into */
	PH_VEC(int) done;	/* files that were looked into, and need not be for another process */
	bool again;		/* this one's is to be, as memory of another may tell more */
	struct ph_err failed;	/* the last thing that went wrong with a file */
	ph_strv failures;	/* what went wrong with each file that has nothing to be probed */
	size_t without;		/* files that have nothing of that name, the last one @lacks, of process @lacks_pid */
	char *lacks;
	int32_t lacks_pid;
	struct ph_buf broken;	/* functions on which a probe would break programs, of one file */
	ph_strv near;		/* names of functions that there are, of a file without it */
	char *path;
};

int ph_probes_new(const ph_strv *texts, uint64_t max, uint32_t text_max, struct ph_probes **ret, struct ph_err *err)
{
	struct ph_probes *p = ph_alloc(sizeof(*p));
	int r = 0;

	p->max = max;
	p->text_max = text_max > PH_PROBE_TEXT_MAX ? PH_PROBE_TEXT_MAX : text_max;
	for (size_t i = 0; i < texts->n && r == 0; i++) {
		if (i == 255)
			r = ph_err_set(err, -E2BIG, "that is more than 255 probes; a glob is one: 'uprobe:/bin/app:http_*'");
		else
			r = ph_probe_parse(texts->v[i], ph_vec_push(&p->specs), err);
	}
	if (r < 0)
		ph_probes_free(p);
	else
		*ret = p;
	return r;
}

static void point_free(struct ph_probe_point *pt)
{
	ph_probe_plan_done(&pt->plan);
	ph_vec_done(&pt->returns);
	free(pt->category);
	free(pt->function);
	free(pt);
}

void ph_probes_free(struct ph_probes *p)
{
	if (!p)
		return;
	ph_vec_each(s, &p->specs)
		ph_probe_spec_done(s);
	ph_vec_each(f, &p->files) {
		close(f->at);
		ph_close_ptr(&f->fd);
		free(f->path);
	}
	ph_vec_each(pt, &p->points)
		point_free(*pt);
	ph_symchild_free(p->child);
	btf__free(p->btf);
	ph_strv_done((ph_strv *)&p->notes);
	ph_vec_done(&p->specs);
	ph_vec_done(&p->files);
	ph_vec_done(&p->points);
	free(p);
}

void ph_probes_note(struct ph_probes *p, char *sentence)
{
	*ph_vec_push(&p->notes) = sentence;
}

/* ---- points -------------------------------------------------------------------------------------- */

static int add_point(struct search *s, int file, const char *category, const char *function, uint64_t offset,
		     uint64_t semaphore, const struct ph_probe_site *site, struct ph_err *err)
{
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];
	struct ph_probe_plan plan;
	struct ph_probe_point *pt;
	int r;

	ph_vec_each(o, &s->p->points)
		if ((*o)->spec == s->spec && (*o)->file == file && file >= 0 && (*o)->offset == offset) {
			s->found++;
			return 0;
		}
	if (file >= 0 && probe_would_break(site->machine, s->p->files.v[file].fd, offset)) {
		ph_buf_addf(&s->broken, "%s%s", s->broken.len ? ", " : "", function);
		return ph_err_set(err, -EOPNOTSUPP, "'%s': the kernel takes the instruction of AVX that %s begins with for another one, and a probe "
				  "there would make programs go wrong", spec->text, function);
	}
	r = ph_probe_plan(spec, site, s->p->text_max, &plan, err);
	if (r < 0)
		return r;
	plan.def.asked = s->spec;
	pt = ph_alloc(sizeof(*pt));
	*pt = (struct ph_probe_point){ .spec = s->spec, .file = file, .category = ph_strdup(category), .plan = plan,
				       .function = ph_strdup(function), .offset = offset, .semaphore = semaphore };
	*ph_vec_push(&s->p->points) = pt;
	s->found++;
	return 0;
}

/* ---- one file ------------------------------------------------------------------------------------- */

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

static int usdt_points(struct search *s, int file, const struct probe_elf *e, struct ph_err *err)
{
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];
	struct ph_symusdts found;
	int r = probe_elf_notes(e, spec->provider, spec->function, s->p->max, &found, err);

	if (r < 0)
		return r;
	ph_vec_each(n, &found.list) {
		struct ph_probe_site site = { .machine = e->machine, .usdt = n->args };
		ph_autofree char *name = ph_asprintf("%s:%s", n->provider, n->name);

		if (r == 0)
			r = add_point(s, file, NULL, name, n->offset, n->semaphore ? n->semaphore_offset : 0, &site, err);
	}
	s->cut |= found.more;
	ph_symusdts_done(&found);
	return r;
}

/* A function whose arguments have names. */
struct named {
	const struct probe_elf *e;
	const struct ph_symfunc *f;	/* NULL: it is an address */
	uint64_t vaddr;
};

static int name_arg(void *arg, const char *name, struct ph_symarg *ret, struct ph_err *err)
{
	const struct named *n = arg;

	uint64_t inlined = n->f ? n->f->inlined : 0;
	int r = ph_symchild_arg(n->e->child, n->e->id, n->vaddr, inlined, name, ret, err);

	/* Each place has its own. */
	return r < 0 && inlined ? ph_err_wrap(err, r, "%s at 0x%lx", n->f->shown, n->vaddr) : r;
}

/*
 * The kernel knows a return by an address of its own on the stack. Go moves its stacks, and an exception looks for who called whom:
 * either meets an address of no function, and the program dies. There the instructions that return are probed instead.
 */
static int set_returns(struct search *s, const struct probe_elf *e, const struct ph_symfunc *f, struct ph_err *err)
{
	struct ph_probe_point *pt = s->p->points.v[s->p->points.n - 1];
	int r;

	/* It was known already. */
	if (pt->returns.n || pt->offset != f->offset || pt->spec != s->spec)
		return 0;
	r = ph_symchild_returns(e->child, e->id, f->vaddr, f->size, &pt->returns, err);
	if (r == 0 && !pt->returns.n)
		r = ph_err_set(err, -EOPNOTSUPP, "it has no instruction that returns");
	pt->plan.def.at_returns = r == 0;
	if (r == 0)
		return 0;
	point_free(pt);
	s->p->points.n--;
	s->found--;
	return ph_err_wrap(err, r, "'%s': %s would end the program, should a return of %s be probed as others are, and", s->p->specs.v[s->spec].text,
			   e->go ? "Go, which moves its stacks," : "an exception", f->shown);
}

/* One of those that have the name. */
static int function_point(struct search *s, int file, const struct probe_elf *e, const struct ph_symfunc *f, struct ph_err *err)
{
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];
	struct named named = { .e = e, .f = f, .vaddr = f->vaddr + spec->address };
	struct ph_probe_site site = { .machine = e->machine, .go = e->go, .go_old = e->go_old, .name = name_arg, .arg = &named,
				      .inlined = f->inlined != 0 };
	ph_autofree char *name = spec->address ? ph_asprintf("%s+0x%lx", f->shown, spec->address) : ph_strdup(f->shown);
	uint64_t offset = f->offset;
	bool chosen;
	int r;

	chosen = !f->chosen || probe_chosen(e, s->pid, &s->p->files.v[file], f->vaddr, &named.vaddr, &offset);
	s->again |= !chosen;
	if (!chosen)
		return ph_err_set(err, -EOPNOTSUPP, "'%s': which %s there is, is chosen when the program starts (an IFUNC), and no process tells: "
				  "probe '*%s*', or the one that is used", spec->text, f->name, f->name);
	if (spec->address && (f->chosen || f->inlined))
		return ph_err_set(err, -EINVAL, "'%s': an address within %s is no function's", spec->text, f->shown);
	if (spec->address && f->size && spec->address >= f->size)
		return ph_err_set(err, -EINVAL, "'%s': %s has %lu bytes", spec->text, f->name, f->size);
	if (f->inlined && ph_probe_is_return(spec->kind))
		return ph_err_set(err, -EOPNOTSUPP, "'%s': the compiler has put it into its callers (%s), from where it does not return", spec->text,
				  f->shown);
	r = add_point(s, file, NULL, name, offset + spec->address, 0, &site, err);
	if (r == 0 && (e->go || e->throws) && ph_probe_is_return(spec->kind))
		r = set_returns(s, e, f, err);
	return r;
}

static int function_points(struct search *s, int file, const struct probe_elf *e, struct ph_err *err)
{
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];
	struct named named = { .e = e };
	struct ph_probe_site site = { .machine = e->machine, .go = e->go, .go_old = e->go_old, .name = name_arg, .arg = &named };
	const char *path = s->p->files.v[file].path;
	struct ph_symfuncs found;
	size_t before = s->found, left = 0, prefix = strlen(spec->text) + strlen("'': ");
	ph_autobuf reasons = { 0 };
	uint64_t offset;
	int r, why = 0;

	if (!spec->function) {
		ph_autofree char *name = ph_asprintf("0x%lx", spec->address);

		if (!probe_elf_offset(e, spec->address, &offset))
			return ph_err_set(err, -ENOENT, "'%s': %s has nothing at that address", spec->text, path);
		named.vaddr = spec->address;
		return add_point(s, file, NULL, name, offset, 0, &site, err);
	}
	ph_buf_clear(&s->broken);
	r = probe_elf_functions(e, spec->function, s->p->max, &found, err);
	ph_vec_each(f, &found.list) {
		struct ph_err one = { 0 };

		if (r < 0)
			break;
		r = function_point(s, file, e, f, &one);
		if (r < 0 && !why)
			*err = one;
		/* Of several functions, those that have what is asked for. */
		if (r == -ENOENT || r == -EOPNOTSUPP || r == -EINVAL) {
			why = why ? why : r;
			r = 0;
			if (f->inlined && left++ < REASONS_MAX && strlen(one.msg) > prefix)
				ph_buf_addf(&reasons, "; %s", one.msg + prefix);
		}
	}
	if (r == 0 && left && s->found > before)
		ph_probes_note(s->p, ph_asprintf("'%s': of %s, places where the compiler has put it into others (%zu) are not probed%s%s",
						 spec->text, path, left, reasons.p, left > REASONS_MAX ? "; …" : ""));
	if (r == 0 && s->broken.len && s->found > before)
		ph_probes_note(s->p, ph_asprintf("'%s': of %s, functions are not probed that begin with an instruction of AVX which the kernel takes for "
						 "another one: %.*s%s", spec->text, path, BROKEN_MAX, s->broken.p, s->broken.len > BROKEN_MAX ? " …" : ""));
	s->cut |= found.more;
	ph_symfuncs_done(&found);
	return r < 0 || s->found > before ? r : why;
}

/* Of C++ without parameters and the like. */
static char *plain(const char *shown)
{
	struct ph_demangled d;

	ph_demangled_parse(shown, &d);
	return ph_strndup(shown + d.name, d.params - d.name);
}

/* What there is instead, for a sentence. */
static void keep_names(struct search *s, const struct probe_elf *e)
{
	struct ph_symfuncs funcs = { 0 };
	struct ph_symusdts notes = { 0 };

	if (s->p->specs.v[s->spec].kind == PH_PROBE_USDT)
		probe_elf_notes(e, "*", "*", NAMES_MAX, &notes, NULL);
	else
		probe_elf_functions(e, "*", NAMES_MAX, &funcs, NULL);
	ph_vec_each(f, &funcs.list) {
		ph_strv_add(&s->near, f->name);
		if (strcmp(f->shown, f->name) != 0)
			*ph_vec_push(&s->near) = plain(f->shown);
	}
	ph_vec_each(n, &notes.list)
		ph_strv_add(&s->near, n->name);
	ph_symfuncs_done(&funcs);
	ph_symusdts_done(&notes);
}

/* Number of the file, -1: it is known. Takes over @at. */
static int file_of(struct ph_probes *p, int at, const char *path, int32_t pid)
{
	struct ph_probe_file *f;
	struct stat st;

	if (ph_stat_kept(at, &st) < 0) {
		close(at);
		return -1;
	}
	for (size_t i = 0; i < p->files.n; i++)
		if (p->files.v[i].dev == st.st_dev && p->files.v[i].ino == st.st_ino) {
			close(at);
			return (int)i;
		}
	f = ph_vec_push(&p->files);
	*f = (struct ph_probe_file){ .at = at, .fd = ph_symread(at, pid, 0, NULL), .path = ph_strdup(path), .dev = st.st_dev, .ino = st.st_ino, .same_as = -1 };
	return (int)p->files.n - 1;
}

static int on_file(void *arg, int at, const char *path)
{
	struct search *s = arg;
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];
	size_t before = s->found;
	struct ph_err err = { 0 };
	struct probe_elf e;
	int file = file_of(s->p, at, path, s->pid), r;

	if (file < 0)
		return 0;
	ph_vec_each(d, &s->done)
		if (*d == file)
			return 0;
	s->again = false;
	s->files++;
	free(s->path);
	s->path = ph_strdup(path);
	r = probe_elf_open(&s->p->child, (uint32_t)file, s->p->files.v[file].fd, path, s->pid, &e, &err);
	if (r == 0)
		r = spec->kind == PH_PROBE_USDT ? usdt_points(s, file, &e, &err) : function_points(s, file, &e, &err);
	if (!s->again)
		*ph_vec_push(&s->done) = file;
	if (r < 0)
		s->failed = err;
	if (s->found > before)
		return 0;
	if (r < 0) {
		*ph_vec_push(&s->failures) = ph_asprintf("%s of process %d: %s", path, s->pid, err.msg);
		return 0;
	}
	s->without++;
	s->lacks_pid = s->pid;
	free(s->lacks);
	s->lacks = ph_strdup(path);
	if (s->near.n < NAMES_MAX)
		keep_names(s, &e);
	return 0;
}

/* ---- processes ---------------------------------------------------------------------------------- */

/*
 * The name that is meant: one like it; one of that name in a namespace or class; what a compiler made of it.
 */
static const char *nearest(const char *written, const ph_strv *names)
{
	ph_autofree char *name = plain(written);
	const char *near = ph_nearest(name, (const char *const *)names->v, names->n), *last = name;
	size_t n;

	for (const char *p = name; (p = strstr(p, "::")); )
		last = p += 2;
	n = strlen(last);
	for (size_t i = 0; i < names->n && !near && n; i++) {
		const char *other = names->v[i];
		size_t len = strlen(other);

		if ((len > n + 2 && !strcmp(other + len - n, last) && !strncmp(other + len - n - 2, "::", 2)) ||
		    (!strncmp(other, name, strlen(name)) && other[strlen(name)] == '.'))
			near = other;
	}
	return near;
}

/* Are they there, but none of ours? */
static bool hidden(const ph_probe_processes *procs)
{
	ph_vec_each(pr, procs) {
		ph_autofree char *path = ph_asprintf("/proc/%d/root/", pr->pid);

		if (access(path, F_OK) < 0 && errno == EACCES)
			return true;
	}
	return false;
}

static int explain_no_file(struct search *s, const ph_probe_processes *procs, struct ph_err *err)
{
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];
	PH_VEC(const char *) names = { 0 };
	bool path = *spec->path == '/';
	ph_strv mapped = { 0 };
	const char *near;

	if (!s->processes && hidden(procs))
		return ph_err_set(err, -EACCES, "'%s': the files of those who are selected may not be looked at: run as root, or with the "
				  "capabilities SYS_PTRACE and DAC_READ_SEARCH", spec->text);
	if (!s->processes)
		return ph_err_set(err, -ESRCH, "'%s': the processes of those who are selected have ended", spec->text);
	/* The kernel hands its pages to each process: a uprobe has no file to be in. */
	if (strstr(spec->path, "vdso"))
		return ph_err_set(err, -EOPNOTSUPP, "'%s': functions of the vdso are in no file, so the kernel cannot probe them; what calls them "
				  "can be, as 'uprobe:libc.so.6:clock_gettime'", spec->text);
	ph_vec_each(pr, procs)
		probe_mapped(pr->pid, &mapped);
	ph_vec_each(m, &mapped)
		*ph_vec_push(&names) = path ? *m : ph_basename(*m);
	near = ph_nearest(spec->path, names.v, names.n);
	ph_err_set(err, -ENOENT, "'%s': %s %s%s%s%s%s", spec->text, path ? "none of those who are selected has a file" :
		   "no process of those who are selected has", spec->path, path ? "" : ", nor is it where libraries and programs are",
		   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	ph_vec_done(&names);
	ph_strv_done(&mapped);
	return -ENOENT;
}

static int explain(struct search *s, const ph_probe_processes *procs, struct ph_err *err)
{
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];
	bool usdt = spec->kind == PH_PROBE_USDT;
	const char *near, *name;

	if (s->failed.code)
		return ph_err_set(err, s->failed.code, "%s", s->failed.msg);
	if (!s->files)
		return explain_no_file(s, procs, err);
	if (!s->near.n && usdt)
		return ph_err_set(err, -ENOENT, "'%s': %s has no USDT probes", spec->text, s->path);
	if (!s->near.n)
		return ph_err_set(err, -ENOENT, "'%s': %s is stripped, it has no names of functions; probe an address: "
				  "uprobe:%s:0x1234", spec->text, s->path, spec->path);
	name = spec->function;
	near = nearest(name, &s->near);
	return ph_err_set(err, -ENOENT, "'%s': %s has no %s '%s'%s%s%s ('porthole probes' lists what there is)", spec->text, s->path,
			  usdt ? "USDT probe" : "function", name, near ? "; did you mean '" : "", near ? near : "",
			  near ? "'?" : "");
}

static void search_done(struct search *s)
{
	ph_strv_done(&s->near);
	ph_buf_done(&s->broken);
	ph_strv_done(&s->failures);
	ph_vec_done(&s->done);
	free(s->path);
	free(s->lacks);
}

static bool in_files(const struct ph_probe_spec *spec)
{
	return spec->kind == PH_PROBE_UPROBE || spec->kind == PH_PROBE_URETPROBE || spec->kind == PH_PROBE_USDT;
}

/* Of one container's files, where another one has what is to be probed. */
static void tell_others(struct search *s)
{
	const struct ph_probe_spec *spec = &s->p->specs.v[s->spec];

	ph_vec_each(f, &s->failures)
		ph_probes_note(s->p, ph_strdup(*f));
	if (s->without && !is_glob(spec->function ? spec->function : ""))
		ph_probes_note(s->p, ph_asprintf("'%s': %zu of %zu files have no such %s, as %s of process %d", spec->text, s->without, s->files,
						 spec->kind == PH_PROBE_USDT ? "USDT probe" : "function", s->lacks, s->lacks_pid));
}

static int find_in_files(struct ph_probes *p, uint32_t i, const ph_probe_processes *procs, struct ph_err *err)
{
	struct search s = { .p = p, .spec = i };
	int r = 0;

	ph_vec_each(pr, procs) {
		s.pid = pr->pid;
		s.processes += probe_root_key(pr->pid) != 0;
		probe_open(pr->pid, p->specs.v[i].path, true, on_file, &s);
	}
	if (!s.found && procs->n)
		r = explain(&s, procs, err);
	if (s.found)
		tell_others(&s);
	if (s.cut)
		ph_probes_note(p, ph_asprintf("'%s': more functions match than are probed (--max-probes %lu)", p->specs.v[i].text, p->max));
	search_done(&s);
	return r;
}

/* ---- the kernel ---------------------------------------------------------------------------------- */

static int find_tracepoints(struct search *s, const struct ph_probe_spec *spec, struct ph_err *err)
{
	ph_strv names = { 0 }, categories = { 0 };
	int r = probe_tracepoints(spec->path, spec->function, &names, &categories, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		struct ph_probe_site site = { .machine = ph_probe_machine() };
		struct ph_probe_field *fields = NULL;

		if (i == s->p->max) {
			s->cut = true;
			break;
		}
		r = probe_tracepoint_fields(categories.v[i], names.v[i], &fields, &site.nfields, err);
		site.fields = fields;
		if (r == 0)
			r = add_point(s, -1, categories.v[i], names.v[i], 0, 0, &site, err);
		probe_fields_free(fields, site.nfields);
	}
	ph_strv_done(&names);
	ph_strv_done(&categories);
	return r;
}

/* A function of the kernel whose arguments have names. */
struct kernel_named {
	const struct btf *btf;
	const char *function;
};

static int kernel_arg(void *arg, const char *name, struct ph_symarg *ret, struct ph_err *err)
{
	const struct kernel_named *n = arg;

	return probe_btf_arg(n->btf, n->function, name, ret, err);
}

static int find_functions(struct search *s, const struct ph_probe_spec *spec, struct ph_err *err)
{
	struct kernel_named named = { 0 };
	/* Within it, arguments are where they happen to be. */
	struct ph_probe_site site = { .machine = ph_probe_machine(), .name = spec->address ? NULL : kernel_arg, .arg = &named };
	struct probe_kernel_names found = { 0 };
	int r;

	if (!spec->function)
		return ph_err_set(err, -EINVAL, "'%s': functions of the kernel are probed by their names", spec->text);
	r = probe_kernel_functions(spec->function, s->p->max, &found, err);
	if (!s->p->btf)
		s->p->btf = btf__load_vmlinux_btf();
	named.btf = s->p->btf;
	for (size_t i = 0; i < found.names.n && (r == 0 || ((r == -ENOENT || r == -EOPNOTSUPP) && is_glob(spec->function))); i++) {
		named.function = found.names.v[i];
		r = add_point(s, -1, NULL, found.names.v[i], spec->address, 0, &site, err);
	}
	/* Of many functions, those that have what is asked for. */
	if (s->found)
		r = 0;
	s->cut = found.more;
	if (found.several.n && r == 0)
		ph_probes_note(s->p, ph_asprintf("'%s': the kernel has several functions called %s%s, of which one is probed", spec->text,
						 found.several.v[0], found.several.n > 1 ? " and others" : ""));
	probe_kernel_names_done(&found);
	return r;
}

static int find_in_kernel(struct ph_probes *p, uint32_t i, struct ph_err *err)
{
	const struct ph_probe_spec *spec = &p->specs.v[i];
	struct search s = { .p = p, .spec = i };
	int r = spec->kind == PH_PROBE_TRACEPOINT ? find_tracepoints(&s, spec, err) : find_functions(&s, spec, err);

	if (r < 0)
		ph_err_wrap(err, r, "'%s'", spec->text);
	if (s.cut)
		ph_probes_note(p, ph_asprintf("'%s': more match than are probed (--max-probes %lu)", spec->text, p->max));
	search_done(&s);
	return r;
}

/* ---- all ------------------------------------------------------------------------------------------ */

int ph_probes_find(struct ph_probes *p, const struct ph_selection *sel, const int32_t *pids, size_t npids,
		   struct ph_err *err)
{
	ph_probe_processes procs = { 0 };
	int r = ph_probe_select(sel, &procs, err);

	/* They may still come. */
	if (r == -ENOENT)
		r = 0;
	for (size_t i = 0; i < npids; i++)
		if (pids[i] > 0)
			ph_vec_push(&procs)->pid = pids[i];
	for (uint32_t i = 0; i < p->specs.n && r >= 0; i++)
		r = in_files(&p->specs.v[i]) ? find_in_files(p, i, &procs, err) : find_in_kernel(p, i, err);
	ph_vec_done(&procs);
	return r;
}

bool ph_probes_find_more(struct ph_probes *p, int32_t pid)
{
	if (!probe_root_key(pid))
		return false;
	for (uint32_t i = 0; i < p->specs.n; i++) {
		struct search s = { .p = p, .spec = i, .pid = pid };
		size_t files = p->files.n;
		struct ph_err err = { 0 };

		if (in_files(&p->specs.v[i]))
			probe_open(pid, p->specs.v[i].path, false, on_file, &s);
		/* In the place of one that is probed, or in a container that is new. */
		if (files < p->files.n && !s.found) {
			explain(&s, NULL, &err);
			ph_probes_note(p, ph_asprintf("%s: what process %d runs there is not probed", err.msg, pid));
		}
		search_done(&s);
	}
	return true;
}
