/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts, softirqs, high-resolution timers, inter-processor interrupts. */

/*
 * What interrupts the recorder is not its doing: without these events a task that a timer has woken at such a time would seem to have
 * been woken by the recorder.
 */
#define INTERRUPTED_SELECTED(cur, who)			\
	struct task_struct *cur = current_task();	\
	u64 who;					\
	if (!current_selected(cur, &who))		\
		return 0

SEC("?tp_btf/irq_handler_entry")
int BPF_PROG(irq_handler_entry, int irq, struct irqaction *action)
{
	u32 at = 0;

	INTERRUPTED_SELECTED(cur, who);
	EVENT_TAIL(irq_handler_entry, 64, cur, who, e, tail);
	SET(e, irq, irq);
	at = TAIL_STR(e, name, tail, at, 64, action->name);
	DONE(irq_handler_entry, e, at);
	return 0;
}

SEC("?tp_btf/irq_handler_exit")
int BPF_PROG(irq_handler_exit, int irq, struct irqaction *action, int ret)
{
	INTERRUPTED_SELECTED(cur, who);
	EVENT(irq_handler_exit, cur, who, e);
	SET(e, irq, irq);
	SET(e, ret, ret);
	DONE(irq_handler_exit, e, 0);
	return 0;
}

#define SOFTIRQ(what, SELECTED)					\
SEC("?tp_btf/softirq_" #what)					\
int BPF_PROG(irq_softirq_##what, unsigned int nr)		\
{								\
	SELECTED(cur, who);					\
	EVENT(irq_softirq_##what, cur, who, e);		\
	SET(e, vec, nr);					\
	DONE(irq_softirq_##what, e, 0);				\
	return 0;						\
}

SOFTIRQ(raise, CURRENT_SELECTED)
SOFTIRQ(entry, INTERRUPTED_SELECTED)
SOFTIRQ(exit, INTERRUPTED_SELECTED)

SEC("?tp_btf/hrtimer_expire_entry")
int BPF_PROG(timer_hrtimer_expire_entry, struct hrtimer *timer, ktime_t *now)
{
	INTERRUPTED_SELECTED(cur, who);
	s64 t = 0;

	bpf_probe_read_kernel(&t, sizeof(t), now);
	EVENT(timer_hrtimer_expire_entry, cur, who, e);
	SET(e, hrtimer, (u64)timer);
	SET(e, now, t);
	SET(e, function, (u64)timer->function);
	DONE(timer_hrtimer_expire_entry, e, 0);
	return 0;
}

#define HRTIMER(what, SELECTED)					\
SEC("?tp_btf/hrtimer_" #what)					\
int BPF_PROG(timer_hrtimer_##what, struct hrtimer *timer)	\
{								\
	SELECTED(cur, who);					\
	EVENT(timer_hrtimer_##what, cur, who, e);		\
	SET(e, hrtimer, (u64)timer);				\
	DONE(timer_hrtimer_##what, e, 0);			\
	return 0;						\
}

HRTIMER(expire_exit, INTERRUPTED_SELECTED)
HRTIMER(cancel, CURRENT_SELECTED)

SEC("?tp_btf/hrtimer_start")
int BPF_PROG(timer_hrtimer_start, struct hrtimer *timer, u32 mode)
{
	CURRENT_SELECTED(cur, who);
	EVENT(timer_hrtimer_start, cur, who, e);
	SET(e, hrtimer, (u64)timer);
	SET(e, function, (u64)timer->function);
	SET(e, expires, timer->node.expires);
	SET(e, softexpires, timer->_softexpires);
	SET(e, mode, mode);
	DONE(timer_hrtimer_start, e, 0);
	return 0;
}

#if defined(__TARGET_ARCH_x86)
#define VECTOR(name)						\
SEC("?tp_btf/" #name)						\
int BPF_PROG(x86_irq_vectors_##name, int vector)		\
{								\
	INTERRUPTED_SELECTED(cur, who);			\
	EVENT(x86_irq_vectors_##name, cur, who, e);	\
	SET(e, vector, vector);					\
	DONE(x86_irq_vectors_##name, e, 0);			\
	return 0;						\
}

VECTOR(local_timer_entry)
VECTOR(local_timer_exit)
VECTOR(reschedule_entry)
VECTOR(reschedule_exit)
VECTOR(call_function_entry)
VECTOR(call_function_exit)
VECTOR(call_function_single_entry)
VECTOR(call_function_single_exit)
#else
#define IPI(what)						\
SEC("?tp_btf/ipi_" #what)					\
int BPF_PROG(ipi_##what, const char *reason)			\
{								\
	u32 at = 0;						\
								\
	INTERRUPTED_SELECTED(cur, who);			\
	EVENT_TAIL(ipi_##what, 64, cur, who, e, tail);	\
	at = TAIL_STR(e, reason, tail, at, 64, reason);		\
	DONE(ipi_##what, e, at);				\
	return 0;						\
}

IPI(entry)
IPI(exit)
#endif
