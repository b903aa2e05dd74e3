/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells of new mappings, programs, processes and BPF programs: records of an event that never happens, on each
 * CPU, as perf has them (perf_event_open(2)).
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collect/stacks.h"

#define PAGES 64		/* 256 KiB a CPU: some thousand records */

struct cpu {
	int fd;
	struct perf_event_mmap_page *page;
};

/* What a record says, to be put in order of time over all CPUs. */
struct news {
	uint64_t ts_ns;
	uint32_t type;
	int32_t pid, parent;
	struct ph_mapped map;		/* what was mapped, or code of the kernel, */
	char *name;			/* whose it is */
	bool vdso;
};

struct ph_sideband {
	uint32_t ncpus;
	size_t bytes, page_size;
	struct cpu *cpu;
	PH_VEC(struct news) news;
};

void ph_sideband_free(struct ph_sideband *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->ncpus; i++) {
		if (s->cpu[i].page)
			munmap(s->cpu[i].page, s->bytes);
		if (s->cpu[i].fd >= 0)
			close(s->cpu[i].fd);
	}
	ph_vec_done(&s->news);
	free(s->cpu);
	free(s);
}

static int open_cpu(struct ph_sideband *s, uint32_t cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .size = sizeof(attr),
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME, .sample_id_all = 1,
		.mmap = 1, .mmap2 = 1, .comm = 1, .comm_exec = 1, .task = 1, .ksymbol = 1,
		.use_clockid = 1, .clockid = CLOCK_MONOTONIC, .watermark = 1, .wakeup_watermark = UINT32_MAX,
	};
	void *p;

	s->cpu[cpu].fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (s->cpu[cpu].fd < 0)
		return errno == ENODEV ? 0 : -errno;	/* it is offline */
	p = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->cpu[cpu].fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	s->cpu[cpu].page = p;
	return 0;
}

struct ph_sideband *ph_sideband_new(struct ph_err *err)
{
	struct ph_sideband *s = ph_alloc(sizeof(*s));
	int r;

	s->page_size = (size_t)sysconf(_SC_PAGESIZE);
	s->bytes = (1 + PAGES) * s->page_size;
	s->ncpus = (uint32_t)libbpf_num_possible_cpus();
	s->cpu = ph_alloc(s->ncpus * sizeof(*s->cpu));
	for (uint32_t i = 0; i < s->ncpus; i++)
		s->cpu[i].fd = -1;
	for (uint32_t i = 0; i < s->ncpus; i++) {
		r = open_cpu(s, i);
		if (r < 0) {
			ph_sideband_free(s);
			ph_err_sys(err, r, "cannot be told of new mappings (perf_event_open)");
			return NULL;
		}
	}
	return s;
}

/* A record, as a whole: it may run over the end of the buffer. */
union record {
	struct perf_event_header h;
	uint64_t words[(1 << 16) / 8];
	char bytes[1 << 16];
};

struct task_record {
	struct perf_event_header h;
	uint32_t pid, ppid, tid, ptid;
};

struct ksymbol_record {
	struct perf_event_header h;
	uint64_t addr;
	uint32_t len;
	uint16_t ksym_type, flags;
	char name[];
};

/* At the end of each: struct { u32 pid, tid; u64 time; }. */
static uint64_t time_of(const union record *r)
{
	return r->words[r->h.size / 8 - 1];
}

/* BPF programs, as they come. What they leave is known until others are there: stacks may be older. */
static void note_ksymbol(struct ph_sideband *s, const struct ksymbol_record *k)
{
	size_t room = k->h.size - sizeof(*k) - 16;

	if (k->ksym_type == PERF_RECORD_KSYMBOL_TYPE_BPF && !(k->flags & PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER))
		*ph_vec_push(&s->news) = (struct news){ .ts_ns = time_of((const void *)k), .type = k->h.type, 
							.map = { .begin = k->addr, .end = k->addr + k->len }, .name = ph_strndup(k->name, strnlen(k->name, room)) };
}

struct mmap2_record {
	struct perf_event_header h;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, generation;
	uint32_t prot, flags;
	char path[];
};

static void note_mmap(struct ph_sideband *s, const struct mmap2_record *m)
{
	if (m->h.size > sizeof(*m) + 16)
		*ph_vec_push(&s->news) = (struct news){
			.ts_ns = time_of((const void *)m), .type = m->h.type, .pid = (int32_t)m->pid,
			.map = { .begin = m->addr, .end = m->addr + m->len, .offset = m->pgoff, .dev = PH_DEV(m->maj, m->min), .ino = m->ino },
			.vdso = !strncmp(m->path, "[vdso]", m->h.size - sizeof(*m) - 16),
		};
}

/* True: some were lost. */
static bool note(struct ph_sideband *s, const union record *r)
{
	const struct task_record *t = (const void *)r;

	if (r->h.type == PERF_RECORD_LOST)
		return true;
	if (r->h.size < sizeof(*t) + 16 ||
	    (r->h.type == PERF_RECORD_COMM && !(r->h.misc & PERF_RECORD_MISC_COMM_EXEC)) ||
	    (r->h.type == PERF_RECORD_FORK && t->pid == t->ppid) ||
	    (r->h.type == PERF_RECORD_EXIT && t->pid != t->tid))
		return false;
	if (r->h.type == PERF_RECORD_KSYMBOL)
		note_ksymbol(s, (const void *)r);
	else if (r->h.type == PERF_RECORD_MMAP2)
		note_mmap(s, (const void *)r);
	else
		*ph_vec_push(&s->news) = (struct news){ .ts_ns = time_of(r), .type = r->h.type, .pid = (int32_t)t->pid,
							.parent = (int32_t)t->ppid };
	return false;
}

static int by_time(const void *pa, const void *pb)
{
	const struct news *a = pa, *b = pb;

	return a->ts_ns < b->ts_ns ? -1 : a->ts_ns > b->ts_ns;
}

static void tell(const struct news *n, struct ph_procmaps *m, struct ph_kallsyms *k)
{
	switch (n->type) {
	case PERF_RECORD_KSYMBOL:
		ph_kallsyms_came(k, n->map.begin, n->map.end - n->map.begin, n->name);
		break;
	case PERF_RECORD_MMAP2:
		ph_procmaps_mapped(m, n->pid, &n->map, n->vdso, n->ts_ns);
		break;
	case PERF_RECORD_COMM:
		ph_procmaps_exec(m, n->pid, n->ts_ns);
		break;
	case PERF_RECORD_FORK:
		ph_procmaps_fork(m, n->parent, n->pid, n->ts_ns);
		break;
	case PERF_RECORD_EXIT:
		ph_procmaps_exit(m, n->pid, n->ts_ns);
		break;
	}
}

static void copy_out(const uint8_t *data, size_t size, uint64_t from, void *to, size_t n)
{
	size_t at = from & (size - 1), first = size - at < n ? size - at : n;

	memcpy(to, data + at, first);
	memcpy((char *)to + first, data, n - first);
}

bool ph_sideband_read(struct ph_sideband *s, struct ph_procmaps *m, struct ph_kallsyms *k)
{
	static _Thread_local union record rec;
	size_t size = PAGES * s->page_size;
	bool lost = false;

	for (uint32_t i = 0; i < s->ncpus; i++) {
		struct perf_event_mmap_page *page = s->cpu[i].page;
		uint64_t head, tail;

		if (!page)
			continue;
		head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
		for (tail = page->data_tail; tail < head; tail += rec.h.size) {
			const uint8_t *data = (const uint8_t *)page + s->page_size;

			copy_out(data, size, tail, &rec.h, sizeof(rec.h));
			if (rec.h.size < sizeof(rec.h) || rec.h.size > head - tail) {
				tail = head;
				break;
			}
			copy_out(data, size, tail, &rec, rec.h.size);
			lost |= note(s, &rec);
		}
		__atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
	}
	if (s->news.n > 1)
		qsort(s->news.v, s->news.n, sizeof(*s->news.v), by_time);
	ph_vec_each(n, &s->news) {
		tell(n, m, k);
		free(n->name);
	}
	s->news.n = 0;
	return lost;
}
