/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples: what each CPU does, at intervals of its time. Stacks with other events: lib/callstack.bpf.h. */

/* The context of a perf event's program: ABI. */
struct bpf_perf_event_data {
	u64 regs[PH_SAMPLE_REGS];
	u64 sample_period, addr;
};

/* Not NAME.bpf.c's "callstack" of other programs: this one writes the samples. */
SEC("?perf_event")
int callstack(struct bpf_perf_event_data *ctx)
{
	struct walk *w;
	u32 slot = 0;
	bool user;

	CURRENT_SELECTED(cur, who);
	if (!cur->pid || is_recorder(cur))
		return 0;
#if defined(__TARGET_ARCH_x86)
	user = ctx->regs[REG_CS] & 3;
#else
	user = !(ctx->regs[REG_PSTATE] & 0xf);
#endif
	w = walk_take(&slot);
	if (w) {
		long n = user ? 0 : bpf_get_stack(ctx, w->frames, 8 * PH_FRAMES_KERNEL, 0);

		w->nkernel = n > 0 && n <= 8 * PH_FRAMES_KERNEL ? n >> 3 : 0;
		walk_user(w, slot, cur, true);
	}
	callstack_done(w, cur, who, 0, ctx->sample_period, cfg.sample_unit);
	return 0;
}
