/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel side counts (bpf/count.bpf.c), put together: over CPUs, and over the indices of a container. */
#include <errno.h>
#include <stdlib.h>

#include "collect/priv.h"

static const struct {
	const char *program, *tracepoint;
	uint32_t counts;
} programs[] = {
	{ "count_sys_exit", "sys_exit", 1u << PH_COUNTED_SYSCALLS | 1u << PH_COUNTED_ERRORS },
	{ "count_exit", "sched_process_exit", 1u << PH_COUNTED_WAIT_NS },
	{ "count_sent", "sock_send_length", 1u << PH_COUNTED_SENT_BYTES },
	{ "count_received", "sock_recv_length", 1u << PH_COUNTED_RECEIVED_BYTES },
};

void ph_count_programs(struct ph_collect *c)
{
	static const char *const maps[] = { "counts", "run_waits" };

	if (!c->count)
		return;
	for (size_t i = 0; i < PH_ARRAY_SIZE(programs); i++) {
		if (!ph_kernel_has_tracepoint(programs[i].tracepoint))
			continue;
		bpf_program__set_autoload(bpf_object__find_program_by_name(c->obj, programs[i].program), true);
		c->counted |= programs[i].counts;
	}
	if (!ph_kernel_has_member("sched_info", "run_delay"))
		c->counted &= ~(1u << PH_COUNTED_WAIT_NS);
	for (size_t i = 0; i < PH_ARRAY_SIZE(maps); i++)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(c->obj, maps[i]), PH_COUNTS_MAX);
}

struct sums {
	uint64_t v[PH_COUNTED_N];
};

/* Where the numbers of kernel index @index belong. */
static struct sums *sums_of(struct ph_collect *c, struct ph_u64map *by_container, uint32_t index)
{
	uint64_t key = (uint64_t)ph_ctable_resolve(&c->ct, index, NULL) + 1;
	struct sums *s = ph_u64map_get(by_container, key);

	if (!s) {
		s = ph_alloc(sizeof(*s));
		ph_u64map_put(by_container, key, s);
	}
	return s;
}

static void add_counts(uint64_t v[PH_COUNTED_N], const struct ph_counts *per_cpu, uint32_t ncpus)
{
	for (uint32_t cpu = 0; cpu < ncpus; cpu++) {
		v[PH_COUNTED_SYSCALLS] += per_cpu[cpu].syscalls;
		v[PH_COUNTED_ERRORS] += per_cpu[cpu].errors;
		v[PH_COUNTED_WAIT_NS] += per_cpu[cpu].exited_wait_ns;
		v[PH_COUNTED_SENT_BYTES] += per_cpu[cpu].sent_bytes;
		v[PH_COUNTED_RECEIVED_BYTES] += per_cpu[cpu].received_bytes;
	}
}

/* The keys of a map, found first: entries are deleted. */
static size_t keys_of(int fd, uint32_t keys[PH_COUNTS_MAX])
{
	uint32_t *prev = NULL;
	size_t n = 0;

	while (n < PH_COUNTS_MAX && !bpf_map_get_next_key(fd, prev, &keys[n]))
		prev = &keys[n++];
	return n;
}

static int read_counts(struct ph_collect *c, struct ph_u64map *by_container, struct ph_err *err)
{
	ph_autofree struct ph_counts *per_cpu = ph_alloc(c->ncpus * sizeof(*per_cpu));
	int fd = bpf_object__find_map_fd_by_name(c->obj, "counts");
	uint32_t keys[PH_COUNTS_MAX];
	size_t n = keys_of(fd, keys);
	struct sums *none;

	for (size_t i = 0; i < n; i++) {
		/* Nobody has this index any more: room for another. */
		bool gone = keys[i] && !ph_u64map_get(&c->ct.ix, keys[i]);

		if (bpf_map_lookup_elem(fd, &keys[i], per_cpu)) {
			if (errno == ENOENT)
				continue;
			return ph_err_sys(err, errno, "cannot read what was counted");
		}
		if (gone)
			bpf_map_delete_elem(fd, &keys[i]);
		add_counts(gone ? c->counted_gone : sums_of(c, by_container, keys[i])->v, per_cpu, c->ncpus);
	}
	none = sums_of(c, by_container, PH_CONTAINER_HOST);
	for (unsigned int i = 0; i < PH_COUNTED_N; i++)
		none->v[i] += c->counted_gone[i];
	return 0;
}

static int read_waits(struct ph_collect *c, struct ph_u64map *by_container, struct ph_err *err)
{
	int fd = bpf_object__find_map_fd_by_name(c->obj, "run_waits"), r;
	uint32_t keys[PH_COUNTS_MAX];
	size_t n;

	++*c->count_round;
	r = ph_collect_iterate(c, "dump_waits");
	if (r < 0)
		return ph_err_sys(err, r, "cannot ask the tasks how long they waited");
	n = keys_of(fd, keys);
	for (size_t i = 0; i < n; i++) {
		struct ph_waits w;

		if (bpf_map_lookup_elem(fd, &keys[i], &w))
			continue;
		if (w.round == *c->count_round)
			sums_of(c, by_container, keys[i])->v[PH_COUNTED_WAIT_NS] += w.wait_ns;
		else	/* without tasks */
			bpf_map_delete_elem(fd, &keys[i]);
	}
	return 0;
}

static int ignore(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	(void)arg;
	(void)ev;
	(void)err;
	return 0;
}

static void ignore_lost(void *arg, uint32_t cpu, uint64_t n)
{
	(void)arg;
	(void)cpu;
	(void)n;
}

int ph_collect_counted(struct ph_collect *c, ph_counted_fn fn, void *arg, struct ph_err *err)
{
	static const struct ph_drain nobody = { ignore, ignore, ignore_lost, NULL };
	struct ph_u64map by_container = { 0 };
	int r;

	/* Forks and exits are written all the same: they tell what is new about containers. */
	r = ph_collect_drain(c, &nobody, err);
	if (r >= 0)
		r = read_counts(c, &by_container, err);
	if (r >= 0 && c->counted & 1u << PH_COUNTED_WAIT_NS)
		r = read_waits(c, &by_container, err);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&by_container, s));) {
		uint32_t index = (uint32_t)(s->key - 1);
		const struct ph_centry *e = index ? ph_u64map_get(&c->ct.by_index, index) : NULL;

		if (r >= 0 && (!index || e))
			fn(arg, e ? &e->c : NULL, ((struct sums *)s->val)->v, c->counted);
		free(s->val);
	}
	ph_u64map_done(&by_container);
	return r;
}
