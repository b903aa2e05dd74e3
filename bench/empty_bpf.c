/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that tracing can cost: a BPF program that does nothing on the entry and on the exit of
 * every system call, until the process is ended. What porthole adds is measured above this.
 */
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

static int attach(const char *tracepoint)
{
	struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "empty", "GPL", nothing, 2, NULL);

	return prog < 0 ? prog : bpf_raw_tracepoint_open(tracepoint, prog);
}

int main(void)
{
	if (attach("sys_enter") < 0 || attach("sys_exit") < 0) {
		perror("empty_bpf: cannot load or attach");
		return 1;
	}
	pause();
	return 0;
}
