/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel side is told before it is loaded: its knobs, and what it does with each system call. */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "collect/priv.h"
#include "event/calldata.h"
#include "event/failcalls.h"
#include "probe/resolve.h"

static uint64_t host_ns_key(void)
{
	uint32_t ns[PH_NS_MAX];

	ph_host_namespaces(ns);
	return PH_NSKEY(ns[PH_NS_MNT], ns[PH_NS_PID]);
}

static uint32_t round_up_pow2(uint64_t v)
{
	uint32_t p = 1;

	while (p < v && p < 1u << 12)
		p *= 2;
	return p;
}

/* Does nothing come often but samples? */
static bool is_quiet(const struct ph_collect *c)
{
	for (uint32_t id = 1; id < PH_EV_ID_MAX; id++) {
		const struct ph_class *cls = c->events[id] ? ph_class_by_id(id) : NULL;

		if (cls && id != PH_EV_callstack && !ph_event_always(cls))
			return false;
	}
	return true;
}

/*
 * 16 MiB a CPU hold 0.3 s of a storm; many CPUs share 512 MiB, with no less than 1 MiB each. The kernel fills all with zeros before it
 * begins, and samples need little: 4 MiB are 20 s of the largest at 99 Hz, and 0.4 s at 4999 Hz.
 */
static uint32_t default_chunks(const struct ph_collect *c)
{
	uint32_t chunks = is_quiet(c) ? 4 : 16;

	while (chunks > 1 && (uint64_t)chunks * c->ncpus > 512)
		chunks /= 2;
	return chunks;
}

/* Are children of ours also those that others have left behind? */
static bool takes_orphans(void)
{
	int subreaper = 0;

	return getpid() == 1 || (!prctl(PR_GET_CHILD_SUBREAPER, &subreaper) && subreaper);
}

/* Stacks: of samples, unless they are asked for with events alone. */
static void set_stacks(struct ph_collect *c, const struct ph_collect_opts *opts)
{
	struct ph_config *cfg = &c->cfg;
	bool with_events = false;

	if (!c->events[PH_EV_callstack])
		return;
	for (uint32_t id = 1; opts->stacks_of && id < PH_EV_ID_MAX; id++) {
		if (!opts->stacks_of[id] || !c->events[id] || !ph_class_by_id(id) || !ph_event_may_have_stack(ph_class_by_id(id)))
			continue;
		with_events = true;
		if (id >= PH_EV_SYSCALL_ENTRY)
			cfg->call_stacks = 1;
		else if (id / 64 < PH_ARRAY_SIZE(cfg->stack_of))
			cfg->stack_of[id / 64] |= 1ULL << id % 64;
	}
	cfg->stacks = 1;
	c->sample_hz = opts->sample_hz ? opts->sample_hz : with_events ? 0 : PH_SAMPLE_HZ;
	cfg->sample_unit = c->sample_hz && ph_stacks_try(true) == 0;
}

void ph_config_set(struct ph_collect *c, const struct ph_collect_opts *opts)
{
	const struct ph_selection *sel = opts->everybody ? NULL : opts->sel;
	struct ph_config *cfg = &c->cfg;
	const struct ph_hierarchy *cpu;
	struct ph_cgroupfs fs;
	char type[64];
	int rootfd;

	cfg->ncpus = c->ncpus;
	cfg->chunks = opts->ring_bytes ? round_up_pow2((opts->ring_bytes + PH_CHUNK - 1) / PH_CHUNK) :
					 default_chunks(c);
	if (getrandom(&cfg->secret, sizeof(cfg->secret), 0) != sizeof(cfg->secret))
		cfg->secret = (uint32_t)getpid() * 2654435761u;
	cfg->self_tgid = getpid();
	cfg->command_tgid = opts->command;
	cfg->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	cfg->host_ns_key = host_ns_key();
	cfg->context = opts->context & ~(uint32_t)PH_CTX_PID;
	/* The filter may ask for the name of the task that an event happened in. */
	if (opts->filter || opts->probe_filter)
		cfg->context |= PH_CTX_PROCNAME;
	cfg->capture_data = opts->capture_bytes;
	cfg->capture_name = cfg->capture_data > PH_CAPTURE_NAME ? cfg->capture_data : PH_CAPTURE_NAME;
	cfg->identity = PH_ID_V2;
	cfg->hierarchies = 1;
	rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rootfd >= 0) {
		ph_cgroupfs_open(&fs, rootfd);
		cpu = ph_cgroupfs_by_controller(&fs, "cpu");
		if (cpu && cpu->num > 0) {
			cfg->identity = PH_ID_CPU;
			cfg->cpu_hierarchy = (uint32_t)cpu->num;
		}
		cfg->hierarchies = ph_tracked_hierarchies(&fs);
		ph_cgroupfs_done(&fs);
		close(rootfd);
	}
	if (sel) {
		static const struct ph_container host;

		cfg->by_container = ph_selection_by_container(sel);
		cfg->host_selected = ph_selection_match_container(sel, &host);
		for (size_t i = 0; i < sel->comm.n; i++) {
			cfg->by_comm |= sel->comm.v[i][0] == '!' ? PH_SEL_NOT : PH_SEL_ONLY;
			c->comms_in_user |= strpbrk(sel->comm.v[i], "*?[") != NULL;
		}
		/* Patterns are compared where there is room for it; the record brings the name. */
		if (c->comms_in_user) {
			cfg->by_comm = 0;
			cfg->context |= PH_CTX_PROCNAME;
		}
		for (size_t i = 0; i < sel->nns; i++)
			cfg->ns[cfg->nns++] = (struct ph_ns_sel){
				.type = (uint16_t)sel->ns_sel[i].type, .not = sel->ns_sel[i].not,
				.inum = sel->ns_sel[i].inum,
			};
	} else {
		cfg->host_selected = 1;
	}
	for (size_t i = 0; i < opts->npids; i++)
		cfg->by_pid |= opts->pids[i] < 0 ? PH_SEL_NOT : PH_SEL_ONLY;
	cfg->select = cfg->by_container || cfg->by_pid || cfg->by_comm || cfg->nns;
	/* A new cgroup is recorded until it is known whose it is: nothing of a container is missed. */
	cfg->new_flags = PH_CG_SELECTED | PH_CG_PENDING;
	cfg->switch_has_state = ph_tracepoint_args("sched_switch") >= 4;
	cfg->backing_path = (uint16_t)ph_kernel_member_offset("backing_file", "user_path");
	ph_tracepoint_arg_type("mark_victim", 0, type, sizeof(type));
	cfg->victim_is_task = !strcmp(type, "task_struct");
	cfg->mark_seccomp = c->events[PH_EV_seccomp_refused];
	cfg->failures = c->events[PH_EV_syscall_failed];
	cfg->call_data = c->events[PH_EV_syscall_data];
	cfg->caps_watched = ph_kernel_has_tracepoint("cap_capable");
	cfg->filter = opts->filter || opts->probe_filter;
	cfg->probe_text = opts->probes ? (uint16_t)opts->probes->text_max : 0;
	cfg->probe_sleeps = opts->probes && ph_probing_multi();
	cfg->write_switch = c->events[PH_EV_sched_switch];
	cfg->write_block = c->events[PH_EV_sched_block];
	cfg->write_stack = c->events[PH_EV_sched_block_stack];
	cfg->block_changes = opts->block_changes;
	cfg->write_steal = c->events[PH_EV_cpu_steal];
	set_stacks(c, opts);
	cfg->children = (cfg->stacks || opts->probes) && !takes_orphans();
}

/* ---- system calls ---------------------------------------------------------------------------------- */

/*
 * Copy a call's captures. Names, addresses and structs are of use as a whole only; of data the first
 * bytes tell what it is. The k-th field that is captured is filled by the k-th capture.
 */
static uint16_t set_captures(const struct ph_config *cfg, struct ph_capture *to,
			     const struct ph_capture *from, const struct ph_class *cls,
			     const uint8_t *src)
{
	uint32_t room = 0, k = 0;

	for (uint32_t i = 0; i < cls->nfields && k < PH_MAX_CAPTURES; i++) {
		const struct ph_field *f = &cls->fields[i];

		if (src[i] < PH_SRC_CAPTURE || from[k].kind == PH_CAP_NONE)
			continue;
		to[k] = from[k];
		to[k].whole = f->type->kind == PH_KIND_STR || f->unit == PH_UNIT_SOCKADDR ||
			      from[k].kind == PH_CAP_FIXED || from[k].kind == PH_CAP_ARGV ||
			      f->type->kind == PH_KIND_SEQ;
		room += 2 + (to[k].whole ? cfg->capture_name : cfg->capture_data);
		k++;
	}
	return (uint16_t)room;
}

static void set_syscalls(const struct ph_collect *c, const bool *stacks_of, struct ph_sysdef *defs)
{
	for (int compat = 0; compat < 2; compat++) {
		uint32_t enter = compat ? PH_EV_COMPAT_ENTRY : PH_EV_SYSCALL_ENTRY;
		uint32_t leave = compat ? PH_EV_COMPAT_EXIT : PH_EV_SYSCALL_EXIT;

		for (int nr = 0; nr < PH_NSYSCALLS; nr++) {
			const struct ph_syscall *sc = ph_syscall_by_nr(nr, compat);
			struct ph_sysdef *d = &defs[compat * PH_NSYSCALLS + nr];
			uint32_t offset = sc ? (uint32_t)nr : PH_SYSCALL_UNKNOWN;

			if (!sc)
				sc = ph_syscall_unknown(compat);
			d->enter = c->events[enter + offset];
			d->exit = c->events[leave + offset];
			if (c->cfg.call_stacks)
				d->stack = (stacks_of[enter + offset] ? PH_STACK_ENTRY : 0) |
					   (stacks_of[leave + offset] ? PH_STACK_EXIT : 0);
			d->nargs = sc->nargs;
			d->in_room = set_captures(&c->cfg, d->in, sc->in, sc->entry, sc->entry_src);
			d->out_room = set_captures(&c->cfg, d->out, sc->out, sc->exit, sc->exit_src);
			for (uint32_t i = 0; i < sc->exit->nfields; i++)
				if (sc->exit_src[i] < PH_SRC_RET)
					d->exit_nargs = sc->nargs;
			for (uint32_t i = 0; i < sc->entry->nfields; i++)
				if (sc->entry_src[i] == PH_SRC_ARG0 &&
				    sc->entry->fields[i].unit == PH_UNIT_FD)
					d->on_fd = 1;
		}
	}
}

/* What calls point to; 32-bit programs have other structs. */
static void set_call_data(struct ph_sysdef *calls, struct ph_data_def *defs)
{
	const struct ph_calldata *all, *rows;
	size_t n;

	all = ph_calldata_all(&n);
	for (size_t i = 0; i < n; i++)
		defs[i] = all[i].def;
	for (int nr = 0; nr < PH_NSYSCALLS; nr++) {
		const struct ph_syscall *sc = ph_syscall_by_nr(nr, false);

		rows = sc ? ph_calldata_of(sc->name, &n) : NULL;
		if (!rows)
			continue;
		calls[nr].data = (uint16_t)(rows - all);
		calls[nr].ndata = (uint8_t)n;
	}
}

static void set_failures(struct ph_faildef *defs)
{
	for (int compat = 0; compat < 2; compat++)
		for (int nr = 0; nr < PH_NSYSCALLS; nr++) {
			const struct ph_syscall *sc = ph_syscall_by_nr(nr, compat);
			const struct ph_failcall *f = ph_failcall(sc ? sc->name : "");
			struct ph_faildef *d = &defs[compat * PH_NSYSCALLS + nr];

			*d = (struct ph_faildef){
				.path = f->path, .path2 = f->path2, .dirfd = f->dirfd, .fd = f->fd,
				.addr = f->addr, .word = f->word, .limit = f->limit, .limit2 = f->limit2,
				.note = !strcmp(f->name, "getsockopt") ? PH_NOTE_SO_ERROR :
					!strcmp(f->name, "landlock_restrict_self") ? PH_NOTE_LANDLOCK : 0,
				.ucount = f->kind == PH_FAIL_INOTIFY ? strstr(f->name, "init") ? PH_UCOUNT_INSTANCES :
									PH_UCOUNT_WATCHES :
					  !strcmp(f->name, "clone3") ? PH_UCOUNT_WORD :
					  f->kind == PH_FAIL_NS || f->kind == PH_FAIL_FORK ? PH_UCOUNT_FLAGS : 0,
			};
			for (int e = 1; e < 192; e++)
				if (ph_fail_recorded(f, e))
					d->errnos[e / 64] |= 1ULL << e % 64;
		}
}

void ph_config_calls(const struct ph_collect *c, const bool *stacks_of, struct ph_sysdef *calls, struct ph_faildef *failures,
		     struct ph_data_def *data)
{
	set_syscalls(c, stacks_of, calls);
	set_failures(failures);
	set_call_data(calls, data);
}
