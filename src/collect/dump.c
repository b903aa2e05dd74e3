/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state dump. Tasks and files come from BPF iterators (one pass, as the kernel has them),
 * cgroups, mounts and devices from /proc and /sys. Events are recorded meanwhile, so whatever
 * changes during the dump is in the trace as well.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "collect/dump_priv.h"
#include "identity/guests.h"

/* ---- containers ------------------------------------------------------------------------------ */

/* All containers as they are now: the table may grow while they are written. */
static size_t snapshot(const struct ph_ctable *t, struct ph_centry ***ret)
{
	size_t n = 0;

	*ret = ph_alloc(t->by_index.n * sizeof(**ret));
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->by_index, s));)
		(*ret)[n++] = s->val;
	return n;
}

static int dump_containers(struct dump *d)
{
	ph_autofree struct ph_centry **all = NULL;
	size_t n = snapshot(&d->c->ct, &all);
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		if (!all[i]->stopped)
			r = ph_ctable_emit_info(&all[i]->c, ph_now_ns(), d->fn, d->arg, d->err);
	return r;
}

/* ---- mounts ----------------------------------------------------------------------------------------- */

/* mountinfo: id parent major:minor root mountpoint options [tags…] - fstype source super_options */
static int dump_mount_line(struct dump *d, uint32_t mnt_ns, char *line)
{
	char *word[6], *rest = line, *fstype, *source, *super;
	unsigned int major = 0, minor = 0;
	char *sep;

	for (int i = 0; i < 6; i++)
		word[i] = strsep(&rest, " ");
	sep = rest ? strstr(rest, "- ") : NULL;
	if (!sep || !word[5])
		return 0;
	sep += 2;
	fstype = strsep(&sep, " ");
	source = strsep(&sep, " ");
	super = strsep(&sep, " ");
	sscanf(word[2], "%u:%u", &major, &minor);
	dump_begin(d, PH_EV_statedump_mount);
	ph_emit_u(&d->e, mnt_ns);
	ph_emit_i(&d->e, atoi(word[0]));
	ph_emit_i(&d->e, atoi(word[1]));
	ph_emit_u(&d->e, major << 20 | minor);
	ph_emit_s(&d->e, word[3]);
	ph_emit_s(&d->e, word[4]);
	ph_emit_s(&d->e, word[5]);
	ph_emit_s(&d->e, fstype);
	ph_emit_s(&d->e, source);
	ph_emit_s(&d->e, super);
	return dump_done(d);
}

static int dump_mounts_of(struct dump *d, int32_t pid, uint32_t mnt_ns)
{
	ph_autobuf b = { 0 };
	char path[64], *rest, *line;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	if (ph_read_file_at(AT_FDCWD, path, 4 << 20, &b) < 0)
		return 0;
	rest = b.p;
	while (r >= 0 && (line = strsep(&rest, "\n")))
		if (*line)
			r = dump_mount_line(d, mnt_ns, line);
	return r;
}

/* The host's mounts, then those of each container whose mount namespace was not seen yet. */
static int dump_mounts(struct dump *d)
{
	ph_autofree struct ph_centry **all = NULL;
	struct ph_u64map seen = { 0 };
	size_t n;
	int r = 0;

	ph_u64map_put(&seen, d->c->ct.host_ns[PH_NS_MNT], d);
	r = dump_mounts_of(d, getpid(), d->c->ct.host_ns[PH_NS_MNT]);
	n = snapshot(&d->c->ct, &all);
	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct ph_container *c = &all[i]->c;
		uint32_t ns = c->ns[PH_NS_MNT];

		if (!c->init_pid || !ns || ph_u64map_put(&seen, ns, d))
			continue;
		r = dump_mounts_of(d, c->init_pid, ns);
	}
	ph_u64map_done(&seen);
	return r;
}

/* ---- guests ------------------------------------------------------------------------------------------ */

static bool records_kvm(const struct ph_collect *c)
{
	const struct ph_class *cls;

	for (size_t i = 0; (cls = ph_class_nth(i)); i++)
		if (cls->group == PH_GROUP_KVM && c->events[cls->id])
			return true;
	return false;
}

static int dump_guest(struct dump *d, const struct ph_guest *g)
{
	PH_VEC(struct ph_value) vcpus = { 0 }, tids = { 0 }, numbers = { 0 };
	int r;

	ph_vec_each(v, &g->vcpus)
		ph_vec_push(&vcpus)->i = *v;
	/* Who looks at the trace takes them for shown: others' are not. */
	ph_vec_each(t, &g->threads) {
		if (!ph_u64map_get(&d->selected, (uint64_t)t->tid))
			continue;
		ph_vec_push(&tids)->i = t->tid;
		ph_vec_push(&numbers)->i = t->vcpu;
	}
	dump_begin(d, PH_EV_kvm_guest);
	ph_emit_i(&d->e, g->pid);
	ph_emit_s(&d->e, g->name);
	ph_emit_s(&d->e, g->uuid);
	ph_emit_seq(&d->e, vcpus.v, (uint32_t)vcpus.n);
	ph_emit_seq(&d->e, tids.v, (uint32_t)tids.n);
	ph_emit_seq(&d->e, numbers.v, (uint32_t)numbers.n);
	r = dump_done(d);
	ph_vec_done(&vcpus);
	ph_vec_done(&tids);
	ph_vec_done(&numbers);
	return r;
}

/* Only for who looks at them: all descriptors of the machine are read. */
static int dump_guests(struct dump *d)
{
	struct ph_guests guests;
	int r;

	if (!records_kvm(d->c))
		return 0;
	r = ph_guests_scan(&guests, "/", d->err);
	for (size_t i = 0; i < guests.v.n && r >= 0; i++)
		r = dump_guest(d, &guests.v.v[i]);
	ph_guests_done(&guests);
	return r;
}

int ph_collect_dump(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct dump d = { .c = c, .fn = ph_state, .arg = c, .err = err };
	int r;

	c->dumping = true;
	c->state = fn;
	c->state_arg = arg;
	/* First of all what is told of before everything else: hits and stacks may be older than the dump. */
	r = c->probing ? ph_probing_run(c, true, ph_state, c, err) : 0;
	if (c->stacks && r >= 0)
		r = ph_stacks_dump(c, ph_state, c, err);
	if (r >= 0) {
		dump_begin(&d, PH_EV_lttng_statedump_start);
		r = dump_done(&d);
	}
	if (r >= 0)
		r = dump_cpus(&d);
	if (r >= 0)
		r = dump_devices(&d);
	if (r >= 0)
		r = dump_containers(&d);
	ph_cgstat_begin(c);
	if (r >= 0)
		r = dump_hierarchies(&d);
	if (r >= 0)
		r = dump_tasks(&d);
	if (r >= 0)
		r = ph_cgstat_round(c, true, err);
	if (r >= 0)
		r = dump_files(&d);
	if (r >= 0)
		r = dump_mounts(&d);
	if (r >= 0)
		r = dump_guests(&d);
	if (r >= 0) {
		dump_begin(&d, PH_EV_lttng_statedump_end);
		r = dump_done(&d);
	}
	ph_u64map_done(&d.selected);
	c->dumping = false;
	return r;
}

int ph_collect_counts(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct dump d = { .c = c, .fn = ph_state, .arg = c, .err = err };
	int r;

	c->dumping = true;
	c->state = fn;
	c->state_arg = arg;
	r = dump_all_times(&d);
	if (r >= 0)
		r = dump_guests(&d);
	if (r >= 0)
		r = ph_cgstat_round(c, true, err);
	ph_u64map_done(&d.selected);
	c->dumping = false;
	return r;
}
