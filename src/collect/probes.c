/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaching programs to the places of probe/: by perf's uprobe device, one at a time, or where the kernel has it
 * (v6.6, 89ae89f53d20) all places of a file at once. The kernel attaches to the file's inode, so that one place serves
 * all containers that have the file from one image; whose hits are recorded is the selection's business.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "base/clock.h"
#include "collect/priv.h"
#include "probe/resolve.h"

/* Calls that were entered and have not returned. */
#define ENTRIES_MAX 65536
/* Places that may come while recording: new containers, other versions of a file. */
#define MORE_POINTS 1024
/* A container is looked into at its first program, and then so often at most. */
#define LOOK_NS PH_NSEC

/* bpf.h of Debian 12 is older than these. */
#define ATTACH_UPROBE_MULTI 48
#define UPROBE_MULTI_RETURN 1

struct link_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad_;
};

struct looked {
	uint64_t ns;
	int32_t pid;		/* who has run a program since, 0: nobody */
};

struct ph_probing {
	struct ph_probes *p;
	bool multi;
	size_t attached, told;			/* points */
	uint32_t room;				/* of the kernel side's list of them */
	uint64_t refused;			/* points that could not be attached */
	PH_VEC(struct bpf_link *) links;
	PH_VEC(int) multi_links;
	struct ph_u64map looked;		/* container -> struct looked */
	size_t due;				/* of them, those with a pid */
	struct ph_emit out;
};

/* ---- before loading ------------------------------------------------------------------------------ */

static struct bpf_program *program(struct ph_collect *c, const char *name)
{
	return bpf_object__find_program_by_name(c->obj, name);
}

static void want(struct ph_collect *c, const char *name, bool multi)
{
	struct bpf_program *p = program(c, name);

	bpf_program__set_autoload(p, true);
	if (!multi)
		return;
	bpf_program__set_expected_attach_type(p, (enum bpf_attach_type)ATTACH_UPROBE_MULTI);
	bpf_program__set_flags(p, bpf_program__flags(p) | BPF_F_SLEEPABLE);
}

bool ph_probing_multi(void)
{
	return ph_kernel_has_function("bpf_uprobe_multi_link_attach");
}

int ph_probing_new(struct ph_collect *c, struct ph_probes *p, struct ph_err *err)
{
	struct ph_probing *g = ph_alloc(sizeof(*g));
	bool returns = false, files = false;

	c->probing = g;
	g->p = p;
	g->multi = ph_probing_multi();
	ph_vec_each(s, &p->specs) {
		switch (s->kind) {
		case PH_PROBE_UPROBE: case PH_PROBE_USDT:
			want(c, "probe_user", g->multi);
			files = true;
			break;
		case PH_PROBE_URETPROBE:
			want(c, "probe_user_entry", g->multi);
			want(c, "probe_user_return", g->multi);
			files = returns = true;
			break;
		case PH_PROBE_KPROBE:
			want(c, "probe_kernel", false);
			break;
		case PH_PROBE_KRETPROBE:
			want(c, "probe_kernel_entry", false);
			want(c, "probe_kernel_return", false);
			returns = true;
			break;
		default:
			want(c, "probe_tracepoint", false);
		}
	}
	if (files && access("/sys/bus/event_source/devices/uprobe/type", R_OK) < 0)
		return ph_err_set(err, -EOPNOTSUPP, "this kernel was built without uprobes (CONFIG_UPROBE_EVENTS), or /sys is not mounted");
	if (files)
		bpf_program__set_autoload(program(c, "dump_vma"), true);
	g->room = (uint32_t)p->points.n + MORE_POINTS;
	bpf_map__set_max_entries(bpf_object__find_map_by_name(c->obj, "probe_defs"), g->room);
	if (returns)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(c->obj, "probe_entries"), ENTRIES_MAX);
	return 0;
}

/* ---- which files are the same --------------------------------------------------------------------- */

/*
 * Two containers' overlays show a file of their image with a device each; what the kernel attaches to is the file below.
 * It is known by what a mapping of it really is.
 */
static int real_files(struct ph_collect *c, struct ph_dump_vma **ret)
{
	struct bpf_link *link = bpf_program__attach_iter(program(c, "dump_vma"), NULL);
	PH_VEC(struct ph_dump_vma) v = { 0 };
	struct ph_dump_vma buf[64];
	ssize_t n;
	int fd;

	*ret = NULL;
	if (!link)
		return 0;
	fd = bpf_iter_create(bpf_link__fd(link));
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(*buf); i++)
			*ph_vec_push(&v) = buf[i];
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	*ret = v.v;
	return (int)v.n;
}

static void find_same(struct ph_collect *c, size_t from)
{
	struct ph_probes *p = c->probing->p;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	ph_autofree void **at = ph_alloc((p->files.n + 1) * sizeof(*at));
	ph_autofree struct ph_dump_vma **real = ph_alloc((p->files.n + 1) * sizeof(*real)), *v = NULL;
	int n;

	if (from == p->files.n)
		return;
	for (size_t i = 0; i < p->files.n; i++)
		at[i] = mmap(NULL, page, PROT_READ, MAP_PRIVATE, p->files.v[i].fd, 0);
	n = real_files(c, &v);
	for (size_t i = 0; i < p->files.n; i++) {
		for (int k = 0; k < n; k++)
			if (v[k].begin == (uint64_t)(uintptr_t)at[i])
				real[i] = &v[k];
		for (size_t k = 0; i >= from && real[i] && k < i && p->files.v[i].same_as < 0; k++)
			if (real[k] && p->files.v[k].same_as < 0 && real[k]->inode == real[i]->inode && real[k]->dev == real[i]->dev)
				p->files.v[i].same_as = (int)k;
	}
	for (size_t i = 0; i < p->files.n; i++)
		if (at[i] != MAP_FAILED)
			munmap(at[i], page);
}

/* What is attached to already, by another name of the file. */
static void drop_same(struct ph_probes *p, size_t from)
{
	for (size_t i = from; i < p->points.n; i++) {
		struct ph_probe_point *pt = p->points.v[i];
		int same = pt->file >= 0 ? p->files.v[pt->file].same_as : -1;

		for (size_t k = 0; same >= 0 && k < p->points.n; k++) {
			const struct ph_probe_point *o = p->points.v[k];

			pt->off |= k != i && o->file == same && o->spec == pt->spec && o->offset == pt->offset;
		}
	}
}

/* ---- attaching ------------------------------------------------------------------------------------ */

/* Also of one that stands for a file only. */
static void fd_path(char buf[64], int fd)
{
	snprintf(buf, 64, "/proc/self/fd/%d", fd);
}

static int keep(struct ph_probing *g, struct bpf_link *link)
{
	if (!link)
		return -errno;
	*ph_vec_push(&g->links) = link;
	return 0;
}

static int attach_perf(struct ph_collect *c, const struct ph_probe_point *pt, uint64_t offset, uint32_t number, const char *name,
		       bool ret)
{
	LIBBPF_OPTS(bpf_uprobe_opts, uo, .ref_ctr_offset = pt->semaphore, .bpf_cookie = number, .retprobe = ret);
	char path[64];

	fd_path(path, c->probing->p->files.v[pt->file].at);
	return keep(c->probing, bpf_program__attach_uprobe_opts(program(c, name), -1, path, offset, &uo));
}

/* Where it returns, and last where it is entered: no entry is without its return. */
static int attach_return(struct ph_collect *c, const struct ph_probe_point *pt, uint32_t number)
{
	int r = pt->returns.n ? 0 : attach_perf(c, pt, pt->offset, number, "probe_user_return", true);

	for (size_t i = 0; i < pt->returns.n && r == 0; i++)
		r = attach_perf(c, pt, pt->returns.v[i], number, "probe_user_return", false);
	return r < 0 ? r : attach_perf(c, pt, pt->offset, number, "probe_user_entry", false);
}

static int attach_kernel(struct ph_collect *c, const struct ph_probe_point *pt, uint32_t number, const char *name, bool ret)
{
	LIBBPF_OPTS(bpf_kprobe_opts, ko, .bpf_cookie = number, .retprobe = ret, .offset = pt->offset);

	return keep(c->probing, bpf_program__attach_kprobe_opts(program(c, name), pt->function, &ko));
}

static int attach_tracepoint(struct ph_collect *c, const struct ph_probe_point *pt, uint32_t number)
{
	LIBBPF_OPTS(bpf_tracepoint_opts, to, .bpf_cookie = number);

	return keep(c->probing, bpf_program__attach_tracepoint_opts(program(c, "probe_tracepoint"), pt->category, pt->function, &to));
}

/* Places of one file, at once. */
struct places {
	PH_VEC(uint64_t) offsets, semaphores, cookies;
};

static void add_place(struct places *p, uint64_t offset, uint64_t semaphore, uint32_t number)
{
	*ph_vec_push(&p->offsets) = offset;
	*ph_vec_push(&p->semaphores) = semaphore;
	*ph_vec_push(&p->cookies) = number;
}

static int attach_multi(struct ph_collect *c, int file, struct places *p, const char *name, bool ret)
{
	struct link_multi attr = {
		.prog_fd = (uint32_t)bpf_program__fd(program(c, name)), .attach_type = ATTACH_UPROBE_MULTI,
		.multi_flags = ret ? UPROBE_MULTI_RETURN : 0, .cnt = (uint32_t)p->offsets.n,
		.offsets = (uintptr_t)p->offsets.v, .ref_ctr_offsets = (uintptr_t)p->semaphores.v, .cookies = (uintptr_t)p->cookies.v,
	};
	char path[64];
	int fd = -1, r = 0;

	fd_path(path, c->probing->p->files.v[file].at);
	attr.path = (uintptr_t)path;
	if (attr.cnt) {
		fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
		r = fd < 0 ? -errno : 0;
	}
	if (fd >= 0)
		*ph_vec_push(&c->probing->multi_links) = fd;
	ph_vec_done(&p->offsets);
	ph_vec_done(&p->semaphores);
	ph_vec_done(&p->cookies);
	return r;
}

/* The points @numbers of one file and one probe. */
static int attach_file(struct ph_collect *c, const uint32_t *numbers, size_t n)
{
	const struct ph_probes *p = c->probing->p;
	const struct ph_probe_point *first = p->points.v[numbers[0]];
	bool returns = p->specs.v[first->spec].kind == PH_PROBE_URETPROBE;
	struct places entries = { 0 }, exits = { 0 }, go_exits = { 0 };
	struct ph_probing *g = c->probing;
	size_t before = g->multi_links.n;
	int r[3];

	for (size_t i = 0; i < n; i++) {
		const struct ph_probe_point *pt = p->points.v[numbers[i]];

		add_place(&entries, pt->offset, pt->semaphore, numbers[i]);
		if (returns && !pt->returns.n)
			add_place(&exits, pt->offset, 0, numbers[i]);
		ph_vec_each(at, &pt->returns)
			add_place(&go_exits, *at, 0, numbers[i]);
	}
	/* No entry is without its return. */
	r[0] = attach_multi(c, first->file, &exits, "probe_user_return", true);
	r[1] = attach_multi(c, first->file, &go_exits, "probe_user_return", false);
	r[2] = attach_multi(c, first->file, &entries, returns ? "probe_user_entry" : "probe_user", false);
	if (r[0] == 0 && r[1] == 0 && r[2] == 0)
		return 0;
	while (g->multi_links.n > before)
		close(g->multi_links.v[--g->multi_links.n]);
	return r[0] < 0 ? r[0] : r[1] < 0 ? r[1] : r[2];
}

static int attach_one(struct ph_collect *c, uint32_t number)
{
	const struct ph_probe_point *pt = c->probing->p->points.v[number];
	int r;

	if (c->probing->multi && pt->file >= 0)
		return attach_file(c, &number, 1);
	switch (c->probing->p->specs.v[pt->spec].kind) {
	case PH_PROBE_UPROBE: case PH_PROBE_USDT:
		return attach_perf(c, pt, pt->offset, number, "probe_user", false);
	case PH_PROBE_URETPROBE:
		return attach_return(c, pt, number);
	case PH_PROBE_KPROBE:
		return attach_kernel(c, pt, number, "probe_kernel", false);
	case PH_PROBE_KRETPROBE:
		r = attach_kernel(c, pt, number, "probe_kernel_return", true);
		return r < 0 ? r : attach_kernel(c, pt, number, "probe_kernel_entry", false);
	default:
		return attach_tracepoint(c, pt, number);
	}
}

/* The points @numbers of one file and one probe; one that the kernel refuses is as if all were: it is found by halves. */
static int attach_some(struct ph_collect *c, const uint32_t *numbers, size_t n, bool at_once)
{
	struct ph_probing *g = c->probing;
	int r = n == 1 ? attach_one(c, numbers[0]) : at_once ? attach_file(c, numbers, n) : -EOPNOTSUPP, other;

	if (r == 0)
		return 0;
	if (n == 1) {
		g->p->points.v[numbers[0]]->off = true;
		g->refused++;
		return r;
	}
	r = attach_some(c, numbers, n / 2, at_once);
	other = attach_some(c, numbers + n / 2, n - n / 2, at_once);
	return r < 0 ? r : other;
}

/* Those of one probe in one file, from @from on. */
static void attach_group(struct ph_collect *c, size_t from, const struct ph_probe_point *first, int *failed)
{
	struct ph_probing *g = c->probing;
	PH_VEC(uint32_t) numbers = { 0 };

	for (size_t i = from; i < g->p->points.n; i++) {
		const struct ph_probe_point *pt = g->p->points.v[i];

		if (!pt->off && pt->spec == first->spec && pt->file == first->file)
			*ph_vec_push(&numbers) = (uint32_t)i;
	}
	if (numbers.n)
		*failed = attach_some(c, numbers.v, numbers.n, g->multi && first->file >= 0);
	ph_vec_done(&numbers);
}

static int tell_kernel_side(struct ph_collect *c, size_t from, struct ph_err *err)
{
	int defs = bpf_object__find_map_fd_by_name(c->obj, "probe_defs");
	struct ph_probes *p = c->probing->p;

	for (uint32_t i = (uint32_t)from; i < p->points.n; i++) {
		struct ph_probe_point *pt = p->points.v[i];

		/* More than there is room for, of containers that came since. */
		if (i >= c->probing->room) {
			c->probing->refused += !pt->off;
			pt->off = true;
		}
		if (!pt->off && bpf_map_update_elem(defs, &i, &pt->plan.def, BPF_ANY))
			return ph_err_sys(err, errno, "cannot tell the kernel side of the probe '%s'", p->specs.v[pt->spec].text);
	}
	return 0;
}

/* Points that are new. @must: it is an error where of a probe none can be attached. */
static int attach_new(struct ph_collect *c, bool must, struct ph_err *err)
{
	struct ph_probing *g = c->probing;
	size_t from = g->attached;
	int r = tell_kernel_side(c, from, err);

	g->attached = g->p->points.n;
	for (size_t i = from; i < g->p->points.n && r >= 0; i++) {
		struct ph_probe_point *pt = g->p->points.v[i];
		bool first = !pt->off, any = false;
		int failed = 0;

		/* The first of its file has all of it attached. */
		for (size_t k = from; k < i && first; k++)
			first = g->p->points.v[k]->off || g->p->points.v[k]->spec != pt->spec || g->p->points.v[k]->file != pt->file;
		if (!first)
			continue;
		attach_group(c, from, pt, &failed);
		for (size_t k = from; k < g->p->points.n; k++)
			any |= g->p->points.v[k]->spec == pt->spec && !g->p->points.v[k]->off;
		if (must && !any)
			r = ph_err_sys(err, failed, "'%s': the kernel refuses a probe of %s", g->p->specs.v[pt->spec].text, pt->function);
	}
	return r;
}

int ph_probing_begin(struct ph_collect *c, struct ph_err *err)
{
	find_same(c, 0);
	drop_same(c->probing->p, 0);
	return attach_new(c, true, err);
}

void ph_probing_stop(struct ph_probing *g)
{
	if (!g)
		return;
	if (g->refused)
		ph_probes_note(g->p, ph_asprintf("%lu places could not be probed: the kernel refused them, or there were too many", g->refused));
	g->refused = 0;
	ph_vec_each(l, &g->links)
		bpf_link__destroy(*l);
	ph_vec_each(fd, &g->multi_links)
		close(*fd);
	ph_vec_done(&g->links);
	ph_vec_done(&g->multi_links);
	g->due = 0;
}

void ph_probing_free(struct ph_probing *g)
{
	if (!g)
		return;
	ph_probing_stop(g);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&g->looked, s)); )
		free(s->val);
	ph_u64map_done(&g->looked);
	free(g);
}

/* ---- while recording ------------------------------------------------------------------------------ */

void ph_probing_exec(struct ph_probing *g, uint32_t container, int32_t pid)
{
	uint64_t key = (uint64_t)container + 1;
	struct looked *l = ph_u64map_get(&g->looked, key);

	if (!l) {
		l = ph_alloc(sizeof(*l));
		ph_u64map_put(&g->looked, key, l);
	}
	g->due += !l->pid;
	l->pid = pid;
}

/* Now, or when it is time. Whose program has ended by then had the files of the container's first process, or the host's. */
static void look(struct ph_collect *c, uint64_t now)
{
	struct ph_probing *g = c->probing;

	for (struct ph_u64map_slot *s = NULL; g->due && (s = ph_u64map_next(&g->looked, s)); ) {
		const struct ph_centry *e = ph_u64map_get(&c->ct.by_index, s->key - 1);
		struct looked *l = s->val;

		if (!l->pid || (l->ns && now - l->ns < LOOK_NS))
			continue;
		if (!ph_probes_find_more(g->p, l->pid))
			ph_probes_find_more(g->p, e ? e->c.init_pid : getpid());
		l->ns = now;
		l->pid = 0;
		g->due--;
	}
}

static int tell(struct ph_probing *g, uint32_t number, uint64_t ts_ns, ph_event_fn fn, void *arg, struct ph_err *err)
{
	const struct ph_probe_point *pt = g->p->points.v[number];
	const struct ph_probe_spec *s = &g->p->specs.v[pt->spec];
	ph_autobuf names = { 0 }, types = { 0 };
	ph_autofree char *category = NULL;

	for (uint32_t i = 0; i < pt->plan.def.nargs; i++) {
		ph_buf_addf(&names, "%s%s", i ? " " : "", pt->plan.names.v[i]);
		ph_buf_addf(&types, "%s%s%s%s", i ? " " : "", ph_probe_type_name(pt->plan.types[i]), pt->plan.enums[i] ? ":" : "",
			    pt->plan.enums[i] ? pt->plan.enums[i] : "");
	}
	if (pt->category)
		category = ph_asprintf("%s:%s", pt->category, pt->function);
	ph_emit_begin(&g->out, PH_EV_probe_point, ts_ns);
	ph_emit_u(&g->out, number);
	ph_emit_u(&g->out, pt->spec);
	ph_emit_s(&g->out, ph_probe_kind_name(s->kind));
	ph_emit_s(&g->out, s->text);
	ph_emit_s(&g->out, pt->file >= 0 ? g->p->files.v[pt->file].path : "");
	ph_emit_s(&g->out, category ? category : pt->function);
	ph_emit_u(&g->out, pt->offset);
	ph_emit_s(&g->out, names.p);
	ph_emit_s(&g->out, types.p);
	return ph_emit_done(&g->out, fn, arg, err);
}

int ph_probing_run(struct ph_collect *c, bool all, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_probing *g = c->probing;
	size_t files = g->p->files.n, points = g->p->points.n;
	uint64_t ts_ns = all ? c->begun_ns : ph_now_ns();
	int r = 0;

	look(c, ph_now_ns());
	if (points < g->p->points.n) {
		find_same(c, files);
		drop_same(g->p, points);
		r = attach_new(c, false, err);
	}
	for (size_t i = all ? 0 : g->told; i < g->p->points.n && r >= 0; i++)
		if (!g->p->points.v[i]->off)
			r = tell(g, (uint32_t)i, ts_ns, fn, arg, err);
	g->told = g->p->points.n;
	return r;
}
