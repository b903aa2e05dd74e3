/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of programs: the kernel side gets what it walks them by, readers what their addresses are of. Samples are taken by an
 * event on each CPU.
 */
#include <errno.h>
#include <linux/bpf_perf_event.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/madecode.h"
#include "unwind/interp_file.h"

/* Tables and mappings take no more memory than this. */
#define STORE_BYTES ((uint64_t)PH_STACKS_MIB << 20)
/* So long is waited for what the files are, before the first stack and after the last one; where CPUs are busy, longer. */
#define FIRST_NS PH_NSEC
#define LAST_NS (2 * PH_NSEC)
#define MOST_NS (10 * PH_NSEC)
/* Places that are told. */
#define SYMBOLS_MAX (1u << 18)

/* A frame of an interpreter's program. */
struct ph_interpreted {
	int32_t pid;
	uint32_t file;
	struct ph_interp interp;
	uint64_t frame;
};

struct ph_stacks {
	struct ph_store store;
	struct ph_codefiles files;
	struct ph_procmaps maps;
	struct ph_madecode made;
	struct ph_sideband *sideband;
	/* Two: names may take seconds to be found, and stacks end early until there are tables. */
	struct ph_symchild *child, *namer;
	struct ph_store_table *shared;
	size_t shared_bytes;
	struct ph_interp *interps;
	size_t interps_bytes;
	int v8_functions;		/* the kernel side's map */
	uint64_t ends[PH_END_NKINDS];
	PH_VEC(struct ph_interpreted) interpreted;	/* frames whose names are to be read */
	PH_VEC(uint32_t) asking;	/* files whose names are to be asked for */
	struct ph_packages *packages;
	PH_VEC(uint32_t) missing;	/* files of which it is to be told what has their names */
	bool busy;			/* the child has something to do */
	uint64_t symbols;		/* places that were seen */
	struct ph_emit out;
	/* Of the round under way. */
	ph_event_fn fn;
	void *arg;
	struct ph_err *err;
	int r;
};

static const char *const maps_of_stacks[] = { "store", "tables", "procs", "known_files", "walks", "frames", "interps",
					     "interp_threads", "v8_functions" };

void ph_stacks_prepare(struct ph_collect *c)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(maps_of_stacks); i++)
		bpf_map__set_autocreate(bpf_object__find_map_by_name(c->obj, maps_of_stacks[i]), c->cfg.stacks);
}

/* A task is selected, so its process' stacks are walked. */
static void on_selected(void *arg, int32_t pid, uint32_t container)
{
	struct ph_stacks *s = arg;

	ph_procmaps_add(&s->maps, pid, container, 0);
}

static void on_file(void *ctx, uint32_t file, const struct ph_symfile *info)
{
	struct ph_stacks *s = ctx;

	ph_codefile_is(&s->files, file, info);
}

static void on_table(void *ctx, uint32_t file, struct ph_unwind_table *t, const struct ph_err *why)
{
	struct ph_stacks *s = ctx;

	(void)why;
	ph_codefile_table(&s->files, file, t);
	ph_unwind_free(t);
}

static void nameless(struct ph_stacks *s, struct ph_codefile *f, const char *problem)
{
	if (ph_codefile_nameless(f, problem, s->packages))
		*ph_vec_push(&s->missing) = f->id;
}

static int tell_symbol(struct ph_stacks *s, uint32_t file, uint64_t vaddr, int32_t pid, size_t depth,
		       const struct ph_symname *name, uint64_t since_ns, ph_event_fn fn, void *arg, struct ph_err *err)
{
	ph_emit_begin(&s->out, PH_EV_user_symbol, ph_now_ns());
	ph_emit_u(&s->out, file);
	ph_emit_u(&s->out, vaddr);
	ph_emit_i(&s->out, pid);
	ph_emit_u(&s->out, depth);
	ph_emit_u(&s->out, name->inlined);
	ph_emit_s(&s->out, name->name);
	ph_emit_u(&s->out, name->offset);
	ph_emit_s(&s->out, name->source);
	ph_emit_u(&s->out, name->line);
	ph_emit_u(&s->out, since_ns);
	return ph_emit_done(&s->out, fn, arg, err);
}

static void on_names(void *ctx, uint32_t file, uint64_t vaddr, const struct ph_symname *names, size_t n)
{
	struct ph_stacks *s = ctx;
	struct ph_codefile *f = s->files.all.v[file];

	f->unanswered--;
	if (!names[0].name[0])
		nameless(s, f, ph_symchild_problem(s->namer, file));
	for (size_t i = 0; i < n && s->fn && s->r >= 0; i++)
		s->r = tell_symbol(s, file, vaddr, 0, i, &names[i], 0, s->fn, s->arg, s->err);
}

static void on_made(void *ctx, int32_t pid, uint32_t file, uint64_t address, uint64_t since_ns, const struct ph_symname *name)
{
	struct ph_stacks *s = ctx;

	if (s->fn && s->r >= 0)
		s->r = tell_symbol(s, file, address, pid, 0, name, since_ns, s->fn, s->arg, s->err);
}

/* One of the kernel side's arrays; NULL: errno. */
static void *map_shared(struct ph_collect *c, const char *name, size_t bytes, size_t *ret_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	*ret_bytes = (bytes + page - 1) & ~(page - 1);
	p = mmap(NULL, *ret_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_object__find_map_fd_by_name(c->obj, name), 0);
	return p == MAP_FAILED ? NULL : p;
}

int ph_stacks_open(struct ph_collect *c, struct ph_err *err)
{
	static const struct ph_symchild_ops ops = { .added = on_file, .table = on_table }, names = { .named = on_names };
	struct ph_symchild_options child = { .ops = &ops, .no_debug_files = true }, namer = { .ops = &names };
	struct ph_stacks *s = ph_alloc(sizeof(*s));
	int r;

	c->stacks = s;
	s->maps.proc_fd = -1;
	ph_madecode_init(&s->made, on_made, s);
	s->v8_functions = bpf_object__find_map_fd_by_name(c->obj, "v8_functions");
	s->shared = map_shared(c, "tables", PH_STORE_FILES * sizeof(*s->shared), &s->shared_bytes);
	s->interps = map_shared(c, "interps", PH_STORE_INTERPS * sizeof(*s->interps), &s->interps_bytes);
	if (!s->shared || !s->interps)
		return ph_err_sys(err, errno, "cannot map the kernel side's tables");
	ph_store_init(&s->store, bpf_object__find_map_fd_by_name(c->obj, "store"), STORE_BYTES);
	child.ctx = namer.ctx = s;
	s->packages = ph_packages_new();
	r = ph_symchild_new(&child, &s->child, err);
	if (r >= 0)
		r = ph_symchild_new(&namer, &s->namer, err);
	if (r < 0)
		return r;
	ph_codefiles_init(&s->files, &s->store, s->shared, bpf_object__find_map_fd_by_name(c->obj, "known_files"), s->interps,
			  s->child, s->namer);
	ph_procmaps_init(&s->maps, &s->files, &s->store, bpf_object__find_map_fd_by_name(c->obj, "procs"));
	/* What is mapped from here on is told; then what there is is read. */
	s->sideband = ph_sideband_new(err);
	if (!s->sideband)
		return err->code;
	r = ph_dump_selected(c, on_selected, s, err);
	if (r < 0)
		return r;
	ph_procmaps_run(&s->maps, ph_now_ns());
	ph_symchild_wait_fairly(s->child, FIRST_NS, MOST_NS);
	ph_procmaps_run(&s->maps, ph_now_ns());
	return 0;
}

void ph_stacks_free(struct ph_stacks *s)
{
	if (!s)
		return;
	ph_sideband_free(s->sideband);
	ph_symchild_free(s->child);
	ph_symchild_free(s->namer);
	ph_packages_free(s->packages);
	if (s->shared) {
		ph_procmaps_done(&s->maps);
		ph_codefiles_done(&s->files);
		ph_store_done(&s->store);
		ph_madecode_done(&s->made);
		munmap(s->shared, s->shared_bytes);
	}
	if (s->interps)
		munmap(s->interps, s->interps_bytes);
	ph_vec_done(&s->asking);
	ph_vec_done(&s->missing);
	ph_vec_done(&s->interpreted);
	free(s);
}

/* ---- samples ------------------------------------------------------------------------------------ */

static int open_event(uint64_t config, bool hardware, uint32_t freq, int cpu)
{
	struct perf_event_attr attr = {
		.type = hardware ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE, .config = config, .size = sizeof(attr),
		.freq = 1, .sample_freq = freq, .exclude_idle = 1, .disabled = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

_Static_assert(offsetof(struct bpf_perf_event_data, sample_period) == PH_SAMPLE_REGS * sizeof(uint64_t), "what the kernel side knows of it");

/* Virtual machines mostly do not count cycles. */
int ph_stacks_try(bool cycles)
{
	int fd = open_event(cycles ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_SW_CPU_CLOCK, cycles, PH_SAMPLE_HZ, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int ph_stacks_sample(struct ph_collect *c, uint32_t freq, struct ph_err *err)
{
	struct bpf_program *p = bpf_object__find_program_by_name(c->obj, "callstack");
	bool cycles = c->cfg.sample_unit == 1;

	for (int cpu = 0; cpu < (int)c->ncpus; cpu++) {
		int fd = open_event(cycles ? PERF_COUNT_HW_CPU_CYCLES : PERF_COUNT_SW_CPU_CLOCK, cycles, freq, cpu);
		struct bpf_link *link;

		if (fd == -ENODEV)	/* it is offline */
			continue;
		if (fd < 0)
			return ph_err_sys(err, fd, "cannot take samples on CPU %d (perf_event_open)", cpu);
		link = bpf_program__attach_perf_event(p, fd);	/* closes it with the link */
		if (!link) {
			close(fd);
			return ph_err_sys(err, -errno, "cannot attach to the samples of CPU %d", cpu);
		}
		*ph_vec_push(&c->links) = link;
	}
	return 0;
}

/* ---- what is told ----------------------------------------------------------------------------------- */

static int tell_file(struct ph_stacks *s, struct ph_codefile *f, uint64_t ts_ns, ph_event_fn fn, void *arg,
		     struct ph_err *err)
{
	f->told = true;
	ph_emit_begin(&s->out, PH_EV_mapped_file, ts_ns);
	s->out.ev.container = f->container;
	ph_emit_u(&s->out, f->id);
	ph_emit_s(&s->out, f->build_id);
	ph_emit_s(&s->out, f->path);
	ph_emit_s(&s->out, f->info && f->info->interp_message ? f->info->interp_message : "");
	return ph_emit_done(&s->out, fn, arg, err);
}

static int tell_map(struct ph_stacks *s, const struct ph_mapproc *p, const struct ph_mapping *m, uint64_t ts_ns,
		    ph_event_fn fn, void *arg, struct ph_err *err)
{
	ph_emit_begin(&s->out, PH_EV_process_map, ts_ns);
	s->out.ev.container = p->container;
	ph_emit_i(&s->out, p->pid);
	ph_emit_u(&s->out, m->begin);
	ph_emit_u(&s->out, m->end);
	ph_emit_u(&s->out, m->vaddr);
	ph_emit_u(&s->out, m->file ? m->file->id : 0);
	return ph_emit_done(&s->out, fn, arg, err);
}

/* The range in which frames of an interpreter's program are (ph_interp_frame()), as if it were mapped there. */
static int tell_interpreted(struct ph_stacks *s, const struct ph_mapproc *p, struct ph_codefile *f, uint64_t ts_ns,
			    ph_event_fn fn, void *arg, struct ph_err *err)
{
	uint64_t base = PH_INTERP_BASE(f->info->interp.kind);
	const struct ph_mapping m = {
		.begin = base, .end = base + (1ull << 60), .vaddr = base, .file = f->interprets,
	};
	int r = f->interprets->told ? 0 : tell_file(s, f->interprets, ts_ns, fn, arg, err);

	return r < 0 ? r : tell_map(s, p, &m, ts_ns, fn, arg, err);
}

static int tell_proc(struct ph_stacks *s, struct ph_mapproc *p, uint64_t ts_ns, ph_event_fn fn, void *arg,
		     struct ph_err *err)
{
	static const struct ph_mapping none;
	int r = 0;

	p->tell = false;
	p->told_ns = ts_ns;
	if (p->clear_due)
		r = tell_map(s, p, &none, ts_ns, fn, arg, err);
	p->clear_due = false;
	ph_vec_each(m, &p->maps) {
		/* Of a file that is not known yet, neither are the addresses. */
		if (m->told || !m->file->known)
			continue;
		m->told = true;
		if (r >= 0 && !m->file->told)
			r = tell_file(s, m->file, ts_ns, fn, arg, err);
		if (r >= 0)
			r = tell_map(s, p, m, ts_ns, fn, arg, err);
		if (r >= 0 && m->file->interprets)
			r = tell_interpreted(s, p, m->file, ts_ns, fn, arg, err);
	}
	return r;
}

/* In the state's stream, which does not go back: what was told last there is not later. */
static uint64_t no_earlier(const struct ph_collect *c, uint64_t ts_ns)
{
	uint64_t least = c->state_ns > c->begun_ns ? c->state_ns : c->begun_ns;

	return ts_ns > least ? ts_ns : least;
}

static int tell_all(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_stacks *s = c->stacks;
	int r = 0;

	for (struct ph_u64map_slot *e = NULL; r >= 0 && (e = ph_u64map_next(&s->maps.procs, e)); ) {
		struct ph_mapproc *p = e->val;

		if (p->tell)
			r = tell_proc(s, p, no_earlier(c, p->since_ns), fn, arg, err);
	}
	return r;
}

int ph_stacks_dump(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_stacks *s = c->stacks;

	for (size_t i = 0; i < s->files.all.n; i++) {
		s->files.all.v[i]->told = s->files.all.v[i]->missing_told = false;
		ph_u64map_done(&s->files.all.v[i]->seen);
	}
	s->symbols = 0;
	ph_madecode_forget(&s->made);
	for (struct ph_u64map_slot *e = NULL; (e = ph_u64map_next(&s->maps.procs, e)); ) {
		struct ph_mapproc *p = e->val;

		p->tell = true;
		p->clear_due = false;
		ph_u64map_done(&p->interpreted);
		ph_vec_each(m, &p->maps)
			m->told = false;
	}
	return tell_all(c, fn, arg, err);
}

bool ph_stacks_busy(const struct ph_stacks *s)
{
	return s->busy;
}

_Static_assert(PH_COLLECT_ENDS == PH_END_NKINDS, "PH_COLLECT_ENDS");

void ph_stacks_stats(const struct ph_stacks *s, struct ph_collect_stats *ret)
{
	ret->stacks.memory_bytes = (uint64_t)s->store.nchunks * PH_STORE_CHUNK;
	ret->stacks.tables = s->files.tables;
	ret->stacks.table_bytes = s->files.table_bytes;
	ret->stacks.processes = s->maps.procs.n;
	ret->stacks.refused = s->files.refused + s->maps.refused;
	memcpy(ret->stacks.ended, s->ends, sizeof(s->ends));
}

/* ---- rounds ------------------------------------------------------------------------------------------ */

static const struct ph_mapping *mapping_at(const struct ph_mapproc *p, uint64_t address)
{
	size_t at = ph_before(m, p->maps.v, p->maps.n, m->end <= address);

	return at < p->maps.n && p->maps.v[at].begin <= address ? &p->maps.v[at] : NULL;
}

static const struct ph_codefile *interpreter_of(const struct ph_mapproc *p, uint64_t frame)
{
	ph_vec_each(m, &p->maps)
		if (m->file->interprets && PH_INTERP_BASE(m->file->info->interp.kind) >> 60 == frame >> 60)
			return m->file;
	return NULL;
}

/* Its name is in the memory of the process, which may be gone at any time. */
static void saw_interpreted(struct ph_stacks *s, struct ph_mapproc *p, uint64_t frame)
{
	const struct ph_codefile *f;

	if (ph_likely(ph_u64map_get(&p->interpreted, frame)))
		return;
	f = interpreter_of(p, frame);
	if (!f)
		return;
	ph_u64map_put(&p->interpreted, frame, p);
	s->symbols++;
	*ph_vec_push(&s->interpreted) = (struct ph_interpreted){
		.pid = p->pid, .file = f->interprets->id, .interp = f->info->interp.kind == PH_INTERP_JAVA ? p->java : f->info->interp,
		.frame = frame,
	};
}

/* Names of a stack's places are asked for, each once. */
static void saw_stack(struct ph_stacks *s, struct ph_mapproc *p, const struct ph_value *stack)
{
	for (uint32_t i = 0; i < stack->n && s->symbols < SYMBOLS_MAX; i++) {
		uint64_t address = stack->v[i].u - (i > 0), vaddr;
		const struct ph_mapping *m;

		if (ph_interp_is(address)) {
			saw_interpreted(s, p, address);
			continue;
		}
		m = mapping_at(p, address);
		if (m && ph_codefile_made(m->file))
			ph_made_saw(&s->made, p, m->file->id, address);
		if (!m || !m->file->known)
			continue;
		vaddr = m->vaddr + (address - m->begin);
		if (ph_likely(ph_u64map_get(&m->file->seen, vaddr + 1)) || !ph_codefile_has_names(&s->files, m->file, p->pid, m))
			continue;
		ph_u64map_put(&m->file->seen, vaddr + 1, m->file);
		s->symbols++;
		if (!m->file->asked.n)
			*ph_vec_push(&s->asking) = m->file->id;
		*ph_vec_push(&m->file->asked) = vaddr;
	}
}

static bool name_interpreted(struct ph_stacks *s, struct ph_interpreted *i, struct ph_interp_name *name)
{
	struct ph_v8_key key = { .word = i->frame, .pid = (uint32_t)i->pid };
	uint64_t shared;

	if (i->interp.kind != PH_INTERP_V8)
		return !ph_interp_name(&i->interp, i->frame, ph_process_memory, &i->pid, name);
	return !bpf_map_lookup_elem(s->v8_functions, &key, &shared) &&
	       !ph_v8_name(&i->interp, i->frame, shared, ph_process_memory, &i->pid, name);
}

/* What V8 has moved since is found where it is when it is seen again. */
static void look_again(struct ph_stacks *s, const struct ph_interpreted *i)
{
	struct ph_mapproc *p = ph_procmaps_get(&s->maps, i->pid);

	if (p && i->interp.kind == PH_INTERP_V8)
		ph_u64map_del(&p->interpreted, i->frame);
}

static int tell_interpreted_names(struct ph_stacks *s, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_interp_name name = { 0 };
	int r = 0;

	ph_vec_each(i, &s->interpreted) {
		bool known = name_interpreted(s, i, &name);

		if (r < 0)
			break;
		if (!known)
			look_again(s, i);
		r = tell_symbol(s, i->file, i->frame, i->pid, 0, &(struct ph_symname){
			.name = known && name.name.len ? name.name.p : "[gone]",
			.source = known && name.file.len ? name.file.p : "", .line = known ? name.line : 0,
		}, 0, fn, arg, err);
	}
	s->interpreted.n = 0;
	ph_interp_name_done(&name);
	return r;
}

static int tell_missing(struct ph_stacks *s, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_symbol_package found;
	uint32_t file;
	int r = 0;

	while (ph_packages_next(s->packages, &file, &found)) {
		s->files.all.v[file]->package = found;
		*ph_vec_push(&s->missing) = file;
	}
	ph_vec_each(id, &s->missing) {
		struct ph_codefile *f = s->files.all.v[*id];

		if (r < 0 || f->missing_told)
			continue;
		f->missing_told = true;
		ph_emit_begin(&s->out, PH_EV_symbols_missing, ph_now_ns());
		s->out.ev.container = f->container;
		ph_emit_u(&s->out, f->id);
		ph_emit_s(&s->out, f->problem ? f->problem : "");
		ph_emit_s(&s->out, f->package.distribution);
		ph_emit_s(&s->out, f->package.install);
		r = ph_emit_done(&s->out, fn, arg, err);
	}
	s->missing.n = 0;
	return r;
}

static void ask_names(struct ph_stacks *s)
{
	ph_vec_each(id, &s->asking) {
		struct ph_codefile *f = s->files.all.v[*id];

		if (f->in_namer) {
			f->unanswered += (uint32_t)f->asked.n;
			ph_symchild_names(s->namer, f->id, f->asked.v, f->asked.n);
		}
		f->asked.n = 0;
	}
	s->asking.n = 0;
}

static void saw_callstack(struct ph_stacks *s, const struct ph_event *ev)
{
	const struct ph_value *stack = ph_event_field(ev, PH_FLD(callstack, callstack_user));
	uint64_t end = ph_event_u(ev, PH_FLD(callstack, user_end), 0);
	struct ph_mapproc *p = ph_procmaps_get(&s->maps, ev->pid);

	if (end < PH_END_NKINDS)
		s->ends[end]++;
	if (p)
		saw_stack(s, p, stack);
	else if (end != PH_END_NOT_WALKED)
		ph_procmaps_add(&s->maps, ev->pid, ev->container, ev->ts_ns);
	/* What was read is not what there is: of what is unmapped, and of prctl(PR_SET_MM), nobody tells. */
	if (p && ((end == PH_END_NO_MAPS && stack->n == 1) || end == PH_END_NO_TABLE) && ev->ts_ns > p->read_ns)
		ph_procmaps_changed(&s->maps, ev->pid, ev->ts_ns);
}

void ph_stacks_saw(struct ph_collect *c, const struct ph_event *ev)
{
	struct ph_stacks *s = c->stacks;

	if (ev->cls->id == PH_EV_callstack)
		saw_callstack(s, ev);
	else if (ev->cls->id == PH_EV_sched_process_exec &&
		 ph_procmaps_add(&s->maps, ev->pid, ev->container, ev->ts_ns))
		ph_procmaps_exec(&s->maps, ev->pid, ev->ts_ns);
}

static void wait_for_the_last(struct ph_stacks *s)
{
	if (!ph_symchild_wait_fairly(s->namer, LAST_NS, MOST_NS))
		ph_vec_each(f, &s->files.all)
			if ((*f)->unanswered)
				nameless(s, *f, "it took too long to read its symbols, or others of its container");
	ph_packages_wait(s->packages, LAST_NS);
}

int ph_stacks_run(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_stacks *s = c->stacks;
	uint64_t now = ph_now_ns();
	int r;

	if (ph_sideband_read(s->sideband, &s->maps, c->kallsyms))
		for (struct ph_u64map_slot *e = NULL; (e = ph_u64map_next(&s->maps.procs, e)); )
			((struct ph_mapproc *)e->val)->dirty = true;
	ph_procmaps_run(&s->maps, now);
	ph_codefiles_expire(&s->files, now);
	r = tell_all(c, fn, arg, err);
	if (r >= 0)
		r = tell_interpreted_names(s, fn, arg, err);
	if (r < 0)
		return r;
	ask_names(s);
	s->fn = fn;
	s->arg = arg;
	s->err = err;
	s->r = 0;
	ph_symchild_poll(s->child);
	ph_symchild_poll(s->namer);
	ph_madecode_run(&s->made, now, !c->links.n);
	if (s->maps.news != s->files.news)
		ph_procmaps_run(&s->maps, now);
	/* The last stacks were taken: what is asked now is not asked again. */
	s->busy = !ph_symchild_wait(s->child, 0);
	if (!c->links.n) {
		wait_for_the_last(s);
		ph_madecode_wait(&s->made, LAST_NS);
	}
	s->fn = NULL;
	return s->r < 0 ? s->r : tell_missing(s, fn, arg, err);
}
