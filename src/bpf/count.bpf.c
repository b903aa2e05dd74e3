/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting for each container, where only sums are wanted: nothing is written into the rings. What the kernel
 * itself counts well (CPU time, memory, block I/O) is read from there, and not counted again here.
 */

/* One entry for each container index that did anything, made beforehand: programs run where memory cannot be had. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ph_counts);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ph_waits);
} run_waits SEC(".maps");

u64 count_round SEC(".data.count_round") = 1;

static __always_inline struct ph_counts *counts_of(u32 index)
{
	struct ph_counts *c = bpf_map_lookup_elem(&counts, &index), none = {};

	if (c)
		return c;
	bpf_map_update_elem(&counts, &index, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&counts, &index);
}

static __always_inline struct ph_counts *current_counts(void)
{
	return counts_of(current_cgent(current_task()).index);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(count_sys_exit, struct pt_regs *regs, long ret)
{
	struct ph_counts *c = current_counts();

	if (!c)
		return 0;
	c->syscalls++;
	/* Those from 512 on never reach the program: the call is begun again. */
	if (ret < 0 && ret > -512)
		c->errors++;
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(count_exit, struct task_struct *t)
{
	struct ph_counts *c = current_counts();

	if (c)
		c->exited_wait_ns += task_run_delay(t);
	return 0;
}

/* v6.3 (6e6eda44b939). */
#define COUNT_SOCKET(name, hook, field)							\
SEC("?tp_btf/" #hook)									\
int BPF_PROG(name, struct sock *sk, int ret, int flags)					\
{											\
	u16 family = sk->__sk_common.skc_family;					\
	struct ph_counts *c;								\
											\
	if (ret <= 0 || flags & MSG_PEEK || (family != AF_INET && family != AF_INET6))	\
		return 0;								\
	c = current_counts();								\
	if (c)										\
		c->field += ret;							\
	return 0;									\
}

#define MSG_PEEK 2

COUNT_SOCKET(count_sent, sock_send_length, sent_bytes)
COUNT_SOCKET(count_received, sock_recv_length, received_bytes)

/*
 * What the living tasks waited for a CPU: looked up in each, a moment's work, where a program at every switch
 * would cost the loads.
 */
SEC("?iter/task")
int dump_waits(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct ph_waits fresh = {}, *w;
	u64 round = READ_ONCE(count_round);
	u32 index;

	/* Who is ending has been counted, or will be in a moment. */
	if (!t || t->flags & PF_EXITING)
		return 0;
	index = task_container(t);
	w = bpf_map_lookup_elem(&run_waits, &index);
	if (!w) {
		bpf_map_update_elem(&run_waits, &index, &fresh, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&run_waits, &index);
		if (!w)
			return 0;
	}
	if (w->round != round) {
		w->wait_ns = 0;
		w->round = round;
	}
	w->wait_ns += task_run_delay(t);
	return 0;
}
