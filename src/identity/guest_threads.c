/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which threads of a guest's process run its virtual CPUs. Their names tell it of QEMU (with debug-threads=on, as libvirt
 * has it), firecracker and others; the call that a thread sleeps in, of all that halt; the time that it has spent in a
 * guest, where the kernel counts that. One that computes all the time and has no name is the one that is left.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "identity/guests.h"
#include "identity/proc.h"

#define PF_VCPU 0x1			/* it is in the guest at this moment */
#define PF_USER_WORKER 0x4000		/* vhost, KVM's own: has its maker's registers, and is in no call */
#define KVM_RUN 0xae80ull
#define THREADS_MAX 65536

/* Names in the order of programs that give them; of a process that has a guest they mean this. */
static const char *const names[] = { "CPU %d/KVM%n", "fc_vcpu %d%n", "vcpu%d%n", "crosvm_vcpu%d%n", "kvm-vcpu-%d%n" };

static int32_t named(const char comm[16])
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		int n = -1;
		int32_t vcpu;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (sscanf(comm, names[i], &vcpu, &n) == 1 && n > 0 && !comm[n] && vcpu >= 0)
			return vcpu;
#pragma GCC diagnostic pop
	}
	return -1;
}

struct thread {
	struct ph_guest_thread t;
	bool is, running;
};

/* "16 0x5 0xae80 …" of one that sleeps in a call, "running" of one that does not. */
static void read_call(int procfd, int32_t pid, struct thread *t)
{
	static const char vcpu[] = "anon_inode:kvm-vcpu:";
	unsigned long long fd, request;
	char path[48], buf[256], link[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "task/%d/syscall", t->t.tid);
	if (ph_proc_read(procfd, pid, path, buf, sizeof(buf)) <= 0)
		return;
	t->running = !strncmp(buf, "running", 7);
	if (t->running || sscanf(buf, "%*d %llx %llx", &fd, &request) != 2 || request != KVM_RUN || fd > INT_MAX)
		return;
	snprintf(path, sizeof(path), "%d/fd/%llu", pid, fd);
	n = readlinkat(procfd, path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = 0;
	t->is = !strncmp(link, vcpu, sizeof(vcpu) - 2);
	if (t->is && t->t.vcpu < 0 && !strncmp(link, vcpu, sizeof(vcpu) - 1))
		t->t.vcpu = (int32_t)strtol(link + sizeof(vcpu) - 1, NULL, 10);
}

static int by_vcpu(const void *pa, const void *pb)
{
	const struct ph_guest_thread *a = pa, *b = pb;

	if (a->vcpu != b->vcpu)
		return a->vcpu < 0 || (b->vcpu >= 0 && a->vcpu > b->vcpu) ? 1 : -1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

void ph_guest_read_threads(int procfd, struct ph_guest *g)
{
	PH_VEC(struct thread) all = { 0 };
	size_t found = 0, running = 0;
	ph_autoclosedir DIR *dir = NULL;
	struct dirent *de;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "%d/task", g->pid);
	fd = openat(procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (de = readdir(dir)) && all.n < THREADS_MAX) {
		struct thread t = { .t.tid = (int32_t)strtol(de->d_name, NULL, 10) };
		struct ph_proc_stat st;

		if (t.t.tid <= 0 || ph_proc_task_stat(procfd, g->pid, t.t.tid, &st) < 0 || st.flags & PF_USER_WORKER)
			continue;
		snprintf(t.t.comm, sizeof(t.t.comm), "%.15s", st.comm);
		t.t.vcpu = named(t.t.comm);
		t.is = t.t.vcpu >= 0 || st.guest_ticks || st.flags & PF_VCPU;
		if (!t.is || t.t.vcpu < 0) {
			bool is = t.is;

			read_call(procfd, g->pid, &t);
			t.is |= is;
		}
		found += t.is;
		running += !t.is && t.running;
		*ph_vec_push(&all) = t;
	}
	/* Those that are left, if there are no more than could be. */
	if (found < g->vcpus.n && running <= g->vcpus.n - found)
		ph_vec_each(t, &all)
			t->is |= t->running;
	ph_vec_each(t, &all)
		if (t->is)
			*ph_vec_push(&g->threads) = t->t;
	ph_vec_done(&all);
	if (g->threads.n == 1 && g->vcpus.n == 1 && g->threads.v[0].vcpu < 0)
		g->threads.v[0].vcpu = g->vcpus.v[0];
	if (g->threads.n)
		qsort(g->threads.v, g->threads.n, sizeof(*g->threads.v), by_vcpu);
}
