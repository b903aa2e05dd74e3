/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading the kernel side: which maps and programs; mapping its buffers; attaching. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/evidence.h"
#include "collect/priv.h"
#include "porthole_bpf.h"
#include "porthole_bpf_old.h"

#define MAX_PROGRAMS 256

/* libbpf's own words, kept for the error message: its codes alone say too little. */
static _Thread_local struct ph_buf libbpf_log;

static int keep_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[1024];

	if (level != LIBBPF_WARN || libbpf_log.len > 16384)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	ph_buf_adds(&libbpf_log, line);
	return 0;
}

const char *ph_collect_last_words(void)
{
	static _Thread_local char line[256];
	const char *p = libbpf_log.len ? libbpf_log.p : "", *next;

	/*
	 * The first complaint is the cause, the others follow from it; but that the limit on locked
	 * memory cannot be raised stands in front of every refusal, and matters before v5.11 only,
	 * and what libbpf tries again without BTF is none.
	 */
	while ((next = strchr(p, '\n')) && next[1] &&
	       (memmem(p, (size_t)(next - p), "RLIMIT_MEMLOCK", 14) ||
		memmem(p, (size_t)(next - p), "Retrying without BTF", 20)))
		p = next + 1;
	if (!strncmp(p, "libbpf: ", 8))
		p += 8;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(p, "\n"), p);
	return line;
}

/* The variable that has the data section @section to itself, as it will be when loaded. */
static void *variable(struct bpf_object *obj, const char *section)
{
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, obj)
		if (!strcmp(bpf_map__name(map), section))
			return (void *)bpf_map__initial_value(map, &size);
	return NULL;
}

/* The same of the loaded object, shared with the kernel: libbpf before 1.6 does that for skeletons only. */
static int share_variable(struct ph_collect *c, const char *section, void *ret_pointer, struct ph_err *err)
{
	void **ret = ret_pointer;
	struct bpf_map *map;

	*ret = NULL;
	bpf_object__for_each_map(map, c->obj)
		if (!strcmp(bpf_map__name(map), section))
			*ret = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
				    bpf_map__fd(map), 0);
	if (*ret && *ret != MAP_FAILED)
		return 0;
	*ret = NULL;
	return ph_err_sys(err, errno, "cannot map the kernel side's %s", section);
}

static void unshare_variable(void *p)
{
	if (p)
		munmap(p, (size_t)sysconf(_SC_PAGESIZE));
}

/* kfree_skb names the socket since v6.11 (c53795d48ee8); before, that program would not load. */
static bool can_attach(const char *program, const char *tracepoint)
{
	if (!strcmp(program, "tcp_listen_overflow") && ph_tracepoint_args(tracepoint) < 4)
		return false;
	if (ph_kernel_tracepoint_in_module(tracepoint))
		return ph_kernel_may_use_modules();
	return ph_kernel_has_tracepoint(tracepoint);
}

/* What user space runs when it wants to. */
static void load_iterator(struct ph_collect *c, const char *name, bool wanted)
{
	bpf_program__set_autoload(bpf_object__find_program_by_name(c->obj, name), wanted);
}

static bool is_refused(const struct ph_collect *c, const struct bpf_program *p)
{
	for (size_t i = 0; i < c->refused.n; i++)
		if (!strcmp(c->refused.v[i], bpf_program__name(p)))
			return true;
	return false;
}

static void load_programs(struct ph_collect *c)
{
	const char *names[MAX_PROGRAMS];
	int n = ph_programs_for(c->events, names, MAX_PROGRAMS);
	size_t nmissing = 0;

	free(c->missing);
	c->missing = ph_alloc((size_t)(n + 1) * sizeof(*c->missing));
	for (int i = 0; i < n; i++) {
		bool old_kvm = !strcmp(names[i], "kvm_x86_exit") && ph_tracepoint_args("kvm_exit") == 3;
		struct bpf_program *p = bpf_object__find_program_by_name(
			c->obj, old_kvm ? "kvm_x86_exit_v515" : names[i]);
		const char *tp = p ? strrchr(bpf_program__section_name(p), '/') : NULL;

		if (p && is_refused(c, p))
			continue;
		if (p && tp && can_attach(names[i], tp + 1)) {
			bpf_program__set_autoload(p, true);
			continue;
		}
		/* One of several that write its events; what the other adds can be done without. */
		if (strncmp(names[i], "throttle_", 9) != 0 && strcmp(names[i], "mark_caps") != 0)
			c->missing[nmissing++] = names[i];
	}
	bpf_program__set_autoload(bpf_object__find_program_by_name(c->obj, "callstack"), c->sample_hz > 0);
	load_iterator(c, "dump_task", true);
	load_iterator(c, "dump_file", true);
	load_iterator(c, "dump_marks", c->cfg.mark_seccomp);
	load_iterator(c, "dump_limits", c->events[PH_EV_sched_limit_begin]);
	load_iterator(c, "dump_waits", c->count);
	load_iterator(c, "dump_name", c->cfg.write_stack || c->cfg.stacks);
	ph_count_programs(c);
}

/* The object that this kernel can load (bpf/lib/kernel.bpf.h). */
static const void *kernel_side(size_t *size)
{
	bool old = !ph_kernel_has_function("bpf_rdonly_cast");

	*size = old ? sizeof(porthole_bpf_old) : sizeof(porthole_bpf);
	return old ? porthole_bpf_old : porthole_bpf;
}

static int why_not_loaded(int r, struct ph_err *err)
{
	if (r == -EPERM && geteuid() != 0)
		return ph_err_set(err, r, "loading BPF programs was refused (EPERM): run as root, or with the "
				  "capabilities BPF, PERFMON, SYS_PTRACE and DAC_READ_SEARCH; 'porthole "
				  "doctor' tells more");
	if (r == -EPERM)
		return ph_err_set(err, r, "loading BPF programs was refused (EPERM) although this is root: a "
				  "missing capability (CAP_BPF, CAP_PERFMON), kernel lockdown or a seccomp "
				  "filter; 'porthole doctor' tells which");
	return ph_err_sys(err, r, "the kernel refused the BPF programs (%s); 'porthole doctor' tells what "
			  "this kernel lacks", ph_collect_last_words());
}

/* Load what is chosen; c->refused stays out. */
static int load_object(struct ph_collect *c, const struct ph_collect_opts *opts, size_t size, struct ph_err *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, oo, .object_name = "porthole");
	struct ph_faildef *faildefs;
	struct ph_data_def *datadefs;
	struct ph_sysdef *sysdefs;
	uint32_t *next_index;
	void *config;
	int r;

	ph_buf_clear(&libbpf_log);
	c->obj = bpf_object__open_mem(c->image, size, &oo);
	if (!c->obj)
		return ph_err_sys(err, -errno, "cannot open the BPF object (%s)", ph_collect_last_words());
	load_programs(c);
	if (opts->probes) {
		r = ph_probing_new(c, opts->probes, err);
		if (r < 0)
			return r;
	}
	config = variable(c->obj, ".rodata.config");
	next_index = variable(c->obj, ".data.next_index");
	sysdefs = variable(c->obj, ".data.sysdefs");
	faildefs = variable(c->obj, ".data.faildefs");
	datadefs = variable(c->obj, ".data.datadefs");
	if (!config || !next_index || !sysdefs || !faildefs || !datadefs)
		return ph_err_set(err, -EINVAL, "the BPF object lacks a data section");
	ph_stacks_prepare(c);
	memcpy(config, &c->cfg, sizeof(c->cfg));
	*next_index = PH_KERNEL_INDICES;
	ph_config_calls(c, opts->stacks_of, sysdefs, faildefs, datadefs);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(c->obj, "rings"), c->ncpus * c->cfg.chunks);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(c->obj, "ring_ctl"), c->ncpus);
	r = bpf_object__load(c->obj);
	return r < 0 ? why_not_loaded(r, err) : 0;
}

static void unload_object(struct ph_collect *c)
{
	ph_probing_free(c->probing);
	c->probing = NULL;
	bpf_object__close(c->obj);
	c->obj = NULL;
}

/*
 * The program that the verifier did not like, by libbpf's "prog 'NAME': failed to load", added to c->refused; false: it is none
 * whose events can be done without.
 */
static bool note_refused(struct ph_collect *c)
{
	static const char mark[] = "prog '", end[] = "': failed to load";
	const char *at = libbpf_log.len ? strstr(libbpf_log.p, end) : NULL, *name = at;
	ph_autofree char *copy = NULL;
	const char *names[MAX_PROGRAMS];
	int n = ph_programs_for(c->events, names, MAX_PROGRAMS);

	while (name && name > libbpf_log.p && name[-1] != '\'')
		name--;
	if (!name || name - libbpf_log.p < (ptrdiff_t)strlen(mark) || strncmp(name - strlen(mark), mark, strlen(mark)) != 0)
		return false;
	copy = ph_strndup(name, (size_t)(at - name));
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], copy) != 0 && (strcmp(names[i], "kvm_x86_exit") != 0 || strcmp(copy, "kvm_x86_exit_v515") != 0))
			continue;
		ph_strv_add(&c->refused, copy);
		return true;
	}
	return false;
}

/* A kernel that is newer than this may refuse a program that all before took: its events are missing then, and no others. */
#define REFUSED_MAX 16

static int load_what_can_be(struct ph_collect *c, const struct ph_collect_opts *opts, size_t size, struct ph_err *err)
{
	int r;

	while ((r = load_object(c, opts, size, err)) < 0 && r != -EPERM && c->refused.n < REFUSED_MAX && note_refused(c))
		unload_object(c);
	return r;
}

static int map_buffers(struct ph_collect *c, struct ph_err *err)
{
	struct bpf_map *rings = bpf_object__find_map_by_name(c->obj, "rings");
	struct bpf_map *ctl = bpf_object__find_map_by_name(c->obj, "ring_ctl");
	long page = sysconf(_SC_PAGESIZE);

	c->rings_bytes = (size_t)c->ncpus * c->cfg.chunks * PH_CHUNK_BYTES;
	c->ctl_bytes = (c->ncpus * sizeof(struct ph_ring_ctl) + (size_t)page - 1) & ~((size_t)page - 1);
	c->rings = mmap(NULL, c->rings_bytes, PROT_READ, MAP_SHARED, bpf_map__fd(rings), 0);
	if (c->rings == MAP_FAILED) {
		c->rings = NULL;
		return ph_err_sys(err, errno, "cannot map the event buffers (%zu MiB)",
				  c->rings_bytes >> 20);
	}
	c->ctl = mmap(NULL, c->ctl_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(ctl), 0);
	if (c->ctl == MAP_FAILED) {
		c->ctl = NULL;
		return ph_err_sys(err, errno, "cannot map the event buffers' heads");
	}
	c->lost_seen = ph_alloc(c->ncpus * sizeof(*c->lost_seen));
	c->heads = ph_alloc(c->ncpus * sizeof(*c->heads));
	return ph_control_open(c, bpf_object__find_map_fd_by_name(c->obj, "control"), err);
}

static int attach(struct ph_collect *c, bool tracking, struct ph_err *err)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, c->obj) {
		const char *name = bpf_program__name(p);
		struct bpf_link *link;

		if (!bpf_program__autoload(p) || !strncmp(name, "dump_", 5) || !strncmp(name, "probe_", 6) || !strcmp(name, "callstack") ||
		    !strncmp(name, "track_", 6) != tracking)
			continue;
		link = bpf_program__attach(p);
		if (!link)
			return ph_err_sys(err, -errno, "cannot attach to %s",
					  bpf_program__section_name(p));
		*ph_vec_push(&c->links) = link;
	}
	return 0;
}

/* However they are attached; those that dump or count make no events. */
static void watch_misses(struct ph_collect *c)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, c->obj) {
		const char *name = bpf_program__name(p);

		if (bpf_program__autoload(p) && strncmp(name, "dump_", 5) != 0 && strncmp(name, "count_", 6) != 0)
			ph_misses_add(&c->misses, name, bpf_program__fd(p));
	}
	ph_misses_begin(&c->misses, c->begun_ns);
}

int ph_collect_iterate(struct ph_collect *c, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(c->obj, name);
	struct bpf_link *link = bpf_program__attach_iter(p, NULL);
	char buf[4096];
	int fd;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd >= 0) {
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
	}
	bpf_link__destroy(link);
	return 0;
}

/* The kernel's own name for an address. */
static bool ask_kernel_name(void *ctx, uint64_t address, char *text, size_t room)
{
	struct ph_collect *c = ctx;
	struct bpf_program *p = bpf_object__find_program_by_name(c->obj, "dump_name");
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	c->kernel_name->address = address;
	if (bpf_prog_test_run_opts(bpf_program__fd(p), &opts) || (int)opts.retval <= 0)
		return false;
	snprintf(text, room, "%s", c->kernel_name->text);
	return true;
}

static int set_selection_maps(struct ph_collect *c, const struct ph_collect_opts *opts,
			      struct ph_err *err)
{
	int pids = bpf_object__find_map_fd_by_name(c->obj, "pids");
	int comms = bpf_object__find_map_fd_by_name(c->obj, "comms");

	for (size_t i = 0; i < opts->npids; i++) {
		uint32_t how = opts->pids[i] < 0 ? PH_SEL_NOT : PH_SEL_ONLY;
		int32_t pid = abs(opts->pids[i]), leader = ph_thread_group(pid);

		if (leader < 0)
			return ph_err_set(err, -ESRCH, "there is no process %d", pid);
		if (bpf_map_update_elem(pids, &leader, &how, BPF_ANY))
			return ph_err_sys(err, errno, "cannot select process %d", pid);
	}
	for (size_t i = 0; c->cfg.by_comm && i < opts->sel->comm.n; i++) {
		const char *name = opts->sel->comm.v[i];
		uint32_t how = *name == '!' ? PH_SEL_NOT : PH_SEL_ONLY;
		char comm[16] = "";

		snprintf(comm, sizeof(comm), "%s", name + (*name == '!'));
		if (bpf_map_update_elem(comms, comm, &how, BPF_ANY))
			return ph_err_sys(err, errno, "cannot select the command %s", comm);
	}
	return 0;
}

static int nothing_selected(struct ph_collect *c, const struct ph_collect_opts *opts, struct ph_err *err)
{
	PH_VEC(const struct ph_container *) known = { 0 };
	static const struct ph_container host;
	int r;

	if (!opts->sel || !ph_selection_by_container(opts->sel) || c->ct.nselected || opts->wait ||
	    ph_selection_match_container(opts->sel, &host))
		return 0;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->ct.by_index, s));)
		*ph_vec_push(&known) = &((struct ph_centry *)s->val)->c;
	r = ph_selection_none(opts->sel, known.v, known.n, err);
	ph_vec_done(&known);
	return r;
}

int ph_collect_open(const struct ph_collect_opts *opts, struct ph_collect **ret, struct ph_err *err)
{
	struct ph_collect *c = ph_alloc(sizeof(*c));
	const void *object;
	size_t object_size;
	int r;

	memcpy(c->events, opts->events, sizeof(c->events));
	c->count = opts->count;
	ph_buf_clear(&libbpf_log);
	libbpf_set_print(keep_log);
	r = libbpf_num_possible_cpus();
	if (r < 0) {
		r = ph_err_sys(err, r, "cannot tell the number of CPUs");
		goto fail;
	}
	c->ncpus = (uint32_t)r;
	r = ph_kernel_btf_check(err);
	if (r < 0)
		goto fail;
	if (opts->sel && opts->sel->nns > PH_MAX_NS_SEL) {
		r = ph_err_set(err, -E2BIG, "at most %d namespaces can be selected", PH_MAX_NS_SEL);
		goto fail;
	}
	ph_config_set(c, opts);
	c->filter = opts->filter;
	c->probes = opts->probes;
	c->probe_filter = opts->probe_filter;
	ph_decoder_init(&c->dec, &c->ct, opts->context | c->cfg.context);
	c->sel = opts->sel;
	object = kernel_side(&object_size);
	r = ph_filter_install(c, object, object_size, &c->image, err);
	if (r < 0)
		goto fail;
	r = load_what_can_be(c, opts, object_size, err);
	if (r < 0)
		goto fail;
	r = map_buffers(c, err);
	if (r < 0)
		goto fail;
	if (share_variable(c, ".data.generation", &c->generation, err) < 0 ||
	    share_variable(c, ".data.guests_known", &c->guests_known, err) < 0 ||
	    share_variable(c, ".data.control_lost", &c->control_lost, err) < 0 ||
	    share_variable(c, ".data.kernel_name", &c->kernel_name, err) < 0 ||
	    share_variable(c, ".data.probing", &c->probing_now, err) < 0 ||
	    share_variable(c, ".data.count_round", &c->count_round, err) < 0) {
		r = -EIO;
		goto fail;
	}
	ph_ctable_init(&c->ct, opts->sel, opts->everybody, bpf_object__find_map_fd_by_name(c->obj, "cgroups"),
		       bpf_object__find_map_fd_by_name(c->obj, "namespaces"),
		       bpf_object__find_map_fd_by_name(c->obj, "guests"), c->guests_known, c->generation);
	r = set_selection_maps(c, opts, err);
	if (r < 0)
		goto fail;
	/* New cgroups are noticed first, then those that exist are entered; then events begin. */
	r = attach(c, true, err);
	if (r < 0)
		goto fail;
	r = ph_ctable_scan(&c->ct, err);
	if (r < 0)
		goto fail;
	r = nothing_selected(c, opts, err);
	if (r < 0)
		goto fail;
	/* Before there are events that would have to wait for it. */
	if (c->cfg.write_stack || c->cfg.stacks)
		c->kallsyms = ph_kallsyms_new(ask_kernel_name, c);
	if (c->cfg.stacks) {
		r = ph_stacks_open(c, err);
		if (r < 0)
			goto fail;
	}
	c->begun_ns = ph_now_ns();
	r = attach(c, false, err);
	if (r < 0)
		goto fail;
	watch_misses(c);
	if (c->probing) {
		r = ph_probing_begin(c, err);
		if (r < 0)
			goto fail;
	}
	if (c->sample_hz) {
		r = ph_stacks_sample(c, c->sample_hz, err);
		if (r < 0)
			goto fail;
	}
	if (c->cfg.mark_seccomp)
		ph_collect_iterate(c, "dump_marks");
	if (c->events[PH_EV_sched_limit_begin])
		ph_collect_iterate(c, "dump_limits");
	if (c->events[PH_EV_denial_evidence] && c->cfg.failures)
		c->evidence = ph_evidence_new(c);
	__atomic_store_n(c->probing_now, 1, __ATOMIC_RELEASE);
	*ret = c;
	return 0;
fail:
	ph_collect_close(c);
	return r;
}

void ph_collect_stop(struct ph_collect *c)
{
	if (c->links.n)
		c->stopped_ns = ph_now_ns();
	if (c->probing_now)
		__atomic_store_n(c->probing_now, 0, __ATOMIC_RELEASE);
	for (size_t i = 0; i < c->links.n; i++)
		bpf_link__destroy(c->links.v[i]);
	ph_vec_done(&c->links);
	ph_probing_stop(c->probing);
}

void ph_collect_close(struct ph_collect *c)
{
	if (!c)
		return;
	ph_collect_stop(c);
	if (c->control)
		ring_buffer__free(c->control);
	if (c->rings)
		munmap(c->rings, c->rings_bytes);
	if (c->ctl)
		munmap(c->ctl, c->ctl_bytes);
	ph_cgstat_done(&c->cgstat);
	ph_evidence_free(c->evidence);
	ph_kallsyms_free(c->kallsyms);
	ph_misses_done(&c->misses);
	ph_probing_free(c->probing);
	ph_stacks_free(c->stacks);
	ph_decoder_done(&c->dec);
	ph_ctable_done(&c->ct);
	unshare_variable(c->generation);
	unshare_variable(c->guests_known);
	unshare_variable(c->control_lost);
	unshare_variable(c->kernel_name);
	unshare_variable(c->count_round);
	unshare_variable(c->probing_now);
	if (c->filter_id)
		ph_identity_free(c->filter_id);
	bpf_object__close(c->obj);
	free(c->image);
	free(c->missing);
	ph_strv_done(&c->refused);
	free(c->lost_seen);
	free(c->heads);
	free(c);
}

int ph_collect_ncpus(const struct ph_collect *c)
{
	return (int)c->ncpus;
}

bool ph_collect_whole(const struct ph_collect *c)
{
	return !c->cfg.select && !c->comms_in_user && !c->filter;
}

const struct ph_field *ph_collect_context(const struct ph_collect *c, uint32_t *ret_n)
{
	*ret_n = c->dec.nctx;
	return c->dec.ctx;
}

int ph_programs_list(struct ph_program **ret, struct ph_err *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, oo, .object_name = "porthole");
	PH_VEC(struct ph_program) list = { 0 };
	struct bpf_object *obj;
	struct bpf_program *p;
	const void *object;
	size_t size;

	libbpf_set_print(keep_log);
	object = kernel_side(&size);
	obj = bpf_object__open_mem(object, size, &oo);
	if (!obj)
		return ph_err_sys(err, -errno, "cannot open the BPF object");
	bpf_object__for_each_program(p, obj) {
		const char *tp = strrchr(bpf_program__section_name(p), '/');
		struct ph_program *e;

		if (!tp || strstr(bpf_program__section_name(p), "iter/"))
			continue;
		e = ph_vec_push(&list);
		e->name = ph_strdup(bpf_program__name(p));
		e->tracepoint = ph_strdup(tp + 1);
		e->available = can_attach(e->name, tp + 1);
		e->why = e->available ? NULL : ph_program_why(e->name, tp + 1);
	}
	bpf_object__close(obj);
	ph_vec_push(&list);
	*ret = list.v;
	return 0;
}

void ph_programs_free(struct ph_program *list)
{
	for (struct ph_program *p = list; p && p->name; p++) {
		free((char *)p->name);
		free((char *)p->tracepoint);
	}
	free(list);
}
