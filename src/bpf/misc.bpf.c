/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory, signals, capabilities, KVM. */

/* ---- memory -------------------------------------------------------------------------------------- */

#define MM_ANONPAGES 1

/* Without what the CPUs have not yet added, as the kernel's own message about the kill. */
static __always_inline u64 anon_pages(struct mm_struct *mm)
{
	struct mm_struct___v61 *old = (void *)mm;
	s64 n = 0;

	if (bpf_core_field_exists(old->rss_stat.count)) {
		asm volatile("" : "+r"(old));
		bpf_probe_read_kernel(&n, sizeof(n), &old->rss_stat.count[MM_ANONPAGES]);
	} else {
		/* The place of what this kernel lacks must not be computed before the question. */
		asm volatile("" : "+r"(mm));
		bpf_probe_read_kernel(&n, sizeof(n), &mm->rss_stat[MM_ANONPAGES].count);
	}
	return n > 0 ? n : 0;
}

static __always_inline int emit_victim(struct task_struct *victim, s32 pid)
{
	struct task_struct *cur = current_task();
	u64 who;
	u32 vc = PH_CONTAINER_UNKNOWN;

	if (victim ? !either_selected(cur, victim, &who) : !current_selected(cur, &who))
		return 0;
	if (victim)
		vc = task_container(victim);
	EVENT(oom_mark_victim, cur, who, e);
	SET(e, pid, pid);
	SET(e, total_vm_bytes, 0);
	SET(e, anon_rss_bytes, 0);
	SET(e, oom_score_adj, 0);
	if (victim) {
		struct mm_struct *mm = WALK(victim)->mm;

		set_comm(e->comm, victim);
		SET(e, total_vm_bytes, mm->total_vm * PAGE_BYTES);
		SET(e, anon_rss_bytes, anon_pages(mm) * PAGE_BYTES);
		SET(e, oom_score_adj, WALK(victim)->signal->oom_score_adj);
	} else {
		*(u64 *)e->comm = 0;
		*(u64 *)(e->comm + 8) = 0;
	}
	SET(e, victim_container, vc);
	SET(e, memory_cgroup, memory_cgroup(cur));
	DONE(oom_mark_victim, e, 0);
	return 0;
}

SEC("?tp_btf/mark_victim")
int oom_mark_victim(u64 *ctx)
{
	if (cfg.victim_is_task) {
		struct task_struct *t = (void *)ctx[0];

		return emit_victim(t, t->tgid);
	}
	return emit_victim(NULL, (s32)ctx[0]);
}

#define RECLAIM_BEGIN(name)						\
SEC("?tp_btf/" #name)							\
int BPF_PROG(name, int order, u32 gfp)					\
{									\
	CURRENT_SELECTED(cur, who);				\
	EVENT(name, cur, who, e);					\
	SET(e, order, order);						\
	SET(e, gfp_flags, gfp);						\
	DONE(name, e, 0);						\
	return 0;							\
}
#define RECLAIM_END(name)						\
SEC("?tp_btf/" #name)							\
int BPF_PROG(name, unsigned long nr)					\
{									\
	CURRENT_SELECTED(cur, who);				\
	EVENT(name, cur, who, e);					\
	SET(e, nr_reclaimed, nr);					\
	DONE(name, e, 0);						\
	return 0;							\
}

RECLAIM_BEGIN(mm_vmscan_direct_reclaim_begin)
RECLAIM_END(mm_vmscan_direct_reclaim_end)
RECLAIM_BEGIN(mm_vmscan_memcg_reclaim_begin)
RECLAIM_END(mm_vmscan_memcg_reclaim_end)

#define PAGE_FAULT(name)						\
SEC("?tp_btf/" #name)							\
int BPF_PROG(name, unsigned long address, struct pt_regs *regs,		\
	     unsigned long error_code)					\
{									\
	CURRENT_SELECTED(cur, who);				\
	EVENT(name, cur, who, e);					\
	SET(e, address, address);					\
	SET(e, ip, regs_ip(regs));					\
	SET(e, error_code, error_code);					\
	DONE(name, e, 0);						\
	return 0;							\
}

PAGE_FAULT(page_fault_user)
PAGE_FAULT(page_fault_kernel)

/* ---- signals ---------------------------------------------------------------------------------------- */

/*
 * Who sent it, and why: SEND_SIG_NOINFO and SEND_SIG_PRIV are 0 and 1 in the place of a pointer. So some kernels (6.12 as
 * distributions have it) take it for a number, from which nothing may be loaded.
 */
static __always_inline void siginfo(struct kernel_siginfo *info, s32 *err, s32 *code)
{
	*err = 0;
	*code = info ? 0x80 : 0;		/* SI_KERNEL, SI_USER */
	if ((u64)info > 1) {
		bpf_core_read(code, sizeof(*code), &info->si_code);
		bpf_core_read(err, sizeof(*err), &info->si_errno);
	}
}

SEC("?tp_btf/signal_generate")
int BPF_PROG(signal_generate, int sig, struct kernel_siginfo *info, struct task_struct *t, int group,
	     int result)
{
	struct task_struct *cur = current_task();
	s32 err, code;
	u64 who;

	if (!either_selected(cur, t, &who))
		return 0;
	siginfo(info, &err, &code);
	EVENT(signal_generate, cur, who, e);
	SET(e, sig, sig);
	SET(e, errno, err);
	SET(e, code, code);
	set_comm(e->comm, t);
	SET(e, pid, t->pid);
	SET(e, group, group);
	SET(e, result, result);
	SET(e, target_container, task_container(t));
	DONE(signal_generate, e, 0);
	return 0;
}

/* As far as any signal has some. */
#define SIGINFO_FIELDS 32

SEC("?tp_btf/signal_deliver")
int BPF_PROG(signal_deliver, int sig, struct kernel_siginfo *info, struct k_sigaction *ka)
{
	s32 err, code;
	u32 n = 0;

	CURRENT_SELECTED(cur, who);
	siginfo(info, &err, &code);
	EVENT_TAIL(signal_deliver, SIGINFO_FIELDS, cur, who, e, tail);
	SET(e, sig, sig);
	SET(e, errno, err);
	SET(e, code, code);
	SET(e, sa_handler, (u64)ka->sa.sa_handler);
	SET(e, sa_flags, ka->sa.sa_flags);
	/* Those that the kernel makes for itself (SEND_SIG_PRIV) have none. */
	if ((u64)info > 1 &&
	    !bpf_probe_read_kernel(tail, SIGINFO_FIELDS, (void *)info + bpf_core_field_offset(info->_sifields)))
		n = SIGINFO_FIELDS;
	SET(e, info, n);
	DONE(signal_deliver, e, n);
	return 0;
}

/* ---- capabilities: v6.14 (tracepoint cap_capable) ------------------------------------------------- */

SEC("?tp_btf/cap_capable")
int BPF_PROG(cap_capable, const struct cred *cred, struct user_namespace *target,
	     struct user_namespace *capable, int cap, int ret)
{
	CURRENT_SELECTED(cur, who);
	EVENT(cap_capable, cur, who, e);
	SET(e, cap, cap);
	SET(e, target_ns, target->ns.inum);
	SET(e, task_ns, cred->user_ns->ns.inum);
	SET(e, ret, ret);
	DONE(cap_capable, e, 0);
	return 0;
}

/*
 * ---- KVM: its tracepoints are in a module where KVM is one --------------------------------------
 *
 * Of a module's tracepoints the verifier of newer kernels (6.13, and distributions' 6.12) does not know which pointers may be
 * NULL, so all of them are asked.
 */

#define KVM_ISA_VMX 1
#define KVM_ISA_SVM 2

/* As far as KVM has it at hand: on VMX it is read from the VMCS only when somebody needs it. */
static __always_inline u64 guest_rip(struct kvm_vcpu *vcpu)
{
	u64 rip = 0;

	if (bpf_core_field_exists(vcpu->arch.regs))
		bpf_probe_read_kernel(&rip, sizeof(rip),
				      (void *)vcpu + bpf_core_field_offset(vcpu->arch.regs) + 16 * 8);
	return rip;
}

SEC("?tp_btf/kvm_entry")
int BPF_PROG(kvm_x86_entry, struct kvm_vcpu *vcpu)
{
	if (!vcpu)
		return 0;
	CURRENT_SELECTED(cur, who);
	EVENT(kvm_x86_entry, cur, who, e);
	SET(e, vcpu_id, vcpu->vcpu_id);
	SET(e, guest_rip, guest_rip(vcpu));
	DONE(kvm_x86_entry, e, 0);
	return 0;
}

static __always_inline int emit_kvm_exit(struct kvm_vcpu *vcpu, u32 isa, u32 reason)
{
	CURRENT_SELECTED(cur, who);
	EVENT(kvm_x86_exit, cur, who, e);
	SET(e, exit_reason, reason);
	SET(e, guest_rip, guest_rip(vcpu));
	SET(e, isa, isa);
	SET(e, vcpu_id, vcpu->vcpu_id);
	DONE(kvm_x86_exit, e, 0);
	return 0;
}

/* Since v5.16 (0a62a0319abb) the reason is no argument any more, but where the vendor's code has it. */
SEC("?tp_btf/kvm_exit")
int BPF_PROG(kvm_x86_exit, struct kvm_vcpu *vcpu, u32 isa)
{
	struct vcpu_svm *svm = (void *)vcpu;
	struct vcpu_vmx *vmx = (void *)vcpu;
	u32 reason = 0;

	if (!vcpu)
		return 0;
	if (isa == KVM_ISA_SVM && bpf_core_field_exists(svm->vmcb))
		reason = BPF_CORE_READ(svm, vmcb, control.exit_code);
	else if (isa == KVM_ISA_VMX && bpf_core_field_exists(vmx->exit_reason))
		reason = BPF_CORE_READ(vmx, exit_reason.full);
	return emit_kvm_exit(vcpu, isa, reason);
}

SEC("?tp_btf/kvm_exit")
int BPF_PROG(kvm_x86_exit_v515, u32 reason, struct kvm_vcpu *vcpu, u32 isa)
{
	return vcpu ? emit_kvm_exit(vcpu, isa, reason) : 0;
}

SEC("?tp_btf/kvm_userspace_exit")
int BPF_PROG(kvm_userspace_exit, u32 reason, int err)
{
	CURRENT_SELECTED(cur, who);
	EVENT(kvm_userspace_exit, cur, who, e);
	SET(e, reason, reason);
	SET(e, errno, err);
	DONE(kvm_userspace_exit, e, 0);
	return 0;
}

SEC("?tp_btf/kvm_inj_virq")
int BPF_PROG(kvm_x86_inj_virq, u32 irq)
{
	CURRENT_SELECTED(cur, who);
	EVENT(kvm_x86_inj_virq, cur, who, e);
	SET(e, irq, irq);
	DONE(kvm_x86_inj_virq, e, 0);
	return 0;
}

/* Each halt that KVM itself sits out; where its program does (KVM_EXIT_HLT), there is none. */
SEC("?tp_btf/kvm_vcpu_wakeup")
int BPF_PROG(kvm_vcpu_wakeup, u64 ns, bool waited, bool valid)
{
	CURRENT_SELECTED(cur, who);
	EVENT(kvm_vcpu_wakeup, cur, who, e);
	SET(e, halted_ns, ns);
	SET(e, waited, waited);
	SET(e, valid, valid);
	DONE(kvm_vcpu_wakeup, e, 0);
	return 0;
}
