/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracepoints, their fields, and functions of the running kernel. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/parse.h"
#include "probe/priv.h"

static const char *const tracefs[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

static const char *events_dir(struct ph_err *err)
{
	static char path[64];
	bool refused = false;

	for (size_t i = 0; i < PH_ARRAY_SIZE(tracefs); i++) {
		snprintf(path, sizeof(path), "%s/events", tracefs[i]);
		if (access(path, R_OK | X_OK) == 0)
			return path;
		refused |= errno == EACCES;
	}
	ph_err_set(err, -ENOENT, refused ? "the kernel's list of tracepoints may not be read: run as root" : "the kernel's list of tracepoints is not there: mount -t tracefs tracefs /sys/kernel/tracing");
	return NULL;
}

static int cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the folders in @path, sorted. */
static void subfolders(const char *path, ph_strv *out)
{
	ph_autoclosedir DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			ph_strv_add(out, e->d_name);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), cmp);
}

static int no_such(const char *what, const char *name, const ph_strv *known, struct ph_err *err)
{
	const char *near = ph_nearest(name, (const char *const *)known->v, known->n);

	return ph_err_set(err, -ENOENT, "this kernel has no %s '%s'%s%s%s", what, name, near ? "; did you mean '" : "",
			  near ? near : "", near ? "'?" : "");
}

int probe_tracepoints(const char *category, const char *glob, ph_strv *names, ph_strv *categories, struct ph_err *err)
{
	const char *dir = events_dir(err);
	ph_strv cats = { 0 }, all = { 0 };
	int r = 0;

	if (!dir)
		return -ENOENT;
	subfolders(dir, &cats);
	ph_vec_each(c, &cats) {
		ph_autofree char *path = ph_asprintf("%s/%s", dir, *c);
		ph_strv here = { 0 };

		if (!ph_glob(category, *c))
			continue;
		subfolders(path, &here);
		ph_vec_each(n, &here) {
			ph_strv_add(&all, *n);
			if (!ph_glob(glob, *n))
				continue;
			ph_strv_add(names, *n);
			ph_strv_add(categories, *c);
		}
		ph_strv_done(&here);
	}
	if (!all.n)
		r = no_such("category of tracepoints", category, &cats, err);
	else if (!names->n)
		r = no_such("tracepoint", glob, &all, err);
	ph_strv_done(&all);
	ph_strv_done(&cats);
	return r;
}

/* ---- fields -------------------------------------------------------------------------------------- */

/* "	field:char comm[16];	offset:8;	size:16;	signed:0;", "	field:__data_loc char[] name;	…" */
bool probe_tracepoint_field(char *line, struct ph_probe_field *f)
{
	char *decl = strstr(line, "field:"), *semi, *name, *bracket;
	unsigned int offset, size, is_signed = 0;
	bool elsewhere;
	size_t n;

	semi = decl ? strchr(decl, ';') : NULL;
	if (!semi || sscanf(semi + 1, " offset:%u; size:%u; signed:%u;", &offset, &size, &is_signed) < 2)
		return false;
	*semi = 0;
	decl += strlen("field:");
	bracket = strchr(decl, '[');
	*f = (struct ph_probe_field){ .offset = offset, .size = size, .is_signed = is_signed };
	/* Behind the record's fixed part, at an offset from where the record begins, or (v5.17, 55de2c0b5610) from where this field ends. */
	f->rel_loc = !strncmp(decl, "__rel_loc ", 10);
	elsewhere = f->rel_loc || !strncmp(decl, "__data_loc ", 11);
	f->data_loc = elsewhere && strstr(decl, "char");
	/* An array of something else is there, too, and is no number. */
	if (elsewhere && !f->data_loc)
		f->size = 255;
	f->text = bracket && !elsewhere && strstr(decl, "char");
	/* "__data_loc char[] name": the name is last; "char comm[16]": it is in front of the bracket. */
	if (bracket && !elsewhere)
		*bracket = 0;
	n = strlen(decl);
	while (n && decl[n - 1] == ' ')
		decl[--n] = 0;
	name = strrchr(decl, ' ');
	if (!name)
		return false;
	name += 1 + (name[1] == '*');
	f->name = ph_strdup(name);
	return true;
}

int probe_tracepoint_fields(const char *category, const char *name, struct ph_probe_field **ret, size_t *ret_n,
			    struct ph_err *err)
{
	const char *dir = events_dir(err);
	PH_VEC(struct ph_probe_field) fields = { 0 };
	ph_autofree char *path = NULL, *line = NULL;
	struct ph_probe_field f;
	size_t room = 0;
	FILE *file;

	if (!dir)
		return -ENOENT;
	path = ph_asprintf("%s/%s/%s/format", dir, category, name);
	file = fopen(path, "re");
	if (!file)
		return ph_err_sys(err, errno, "cannot read what the tracepoint %s:%s has", category, name);
	while (getline(&line, &room, file) > 0)
		if (probe_tracepoint_field(line, &f))
			*ph_vec_push(&fields) = f;
	fclose(file);
	*ret = fields.v;
	*ret_n = fields.n;
	return 0;
}

void probe_fields_free(struct ph_probe_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(fields[i].name);
	free(fields);
}

/* ---- functions ----------------------------------------------------------------------------------- */

/* Names for a message, where none matches. */
#define OTHERS_MAX 200000

void probe_kernel_names(FILE *f, const char *glob, size_t max, struct probe_kernel_names *ret)
{
	struct ph_strmap seen = { 0 };
	ph_autofree char *line = NULL;
	char name[256], type;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		if (sscanf(line, "%*s %c %255s", &type, name) != 2 || !strchr("tTwW", type))
			continue;
		if (!ph_glob(glob, name)) {
			if (ret->others.n < OTHERS_MAX)
				ph_strv_add(&ret->others, name);
		} else if (ph_strmap_get(&seen, name)) {
			if (ph_strmap_put(&seen, name, &ret->several) != &ret->several)
				ph_strv_add(&ret->several, name);
		} else if (ret->names.n == max) {
			ret->more = true;
			break;
		} else {
			ph_strmap_put(&seen, name, ret);
			ph_strv_add(&ret->names, name);
		}
	}
	ph_strmap_done(&seen);
}

void probe_kernel_names_done(struct probe_kernel_names *n)
{
	ph_strv_done(&n->names);
	ph_strv_done(&n->several);
	ph_strv_done(&n->others);
}

int probe_kernel_functions(const char *glob, size_t max, struct probe_kernel_names *ret, struct ph_err *err)
{
	ph_autofclose FILE *f = NULL;

	if (access("/sys/bus/event_source/devices/kprobe/type", R_OK) < 0)
		return ph_err_set(err, -EOPNOTSUPP, "this kernel was built without kprobes (CONFIG_KPROBES); of functions of programs "
				  "there are uprobes, of the kernel tracepoints");
	f = fopen("/proc/kallsyms", "re");
	probe_kernel_names(f, glob, max, ret);
	return ret->names.n ? 0 : no_such("function", glob, &ret->others, err);
}
