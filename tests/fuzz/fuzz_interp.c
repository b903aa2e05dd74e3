/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <stdlib.h>

#include "fuzz.h"
#include "unwind/interp_file.h"

/* A process whose memory is the input, again and again: frames of every kind are walked and named. */
struct image {
	const uint8_t *p;
	size_t n;
};

static bool memory(void *ctx, uint64_t addr, void *buf, size_t n)
{
	const struct image *m = ctx;

	/* A hole, too, and what is the kernel's. */
	if (addr % 4096 >= 4000 || addr >> 47)
		return false;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buf)[i] = m->p[(addr + i) % m->n];
	return true;
}

static int read_word(void *ctx, __u64 addr, __u64 *value)
{
	return memory(ctx, addr, value, sizeof(*value)) ? 0 : -1;
}

/* Java: where it says that it has what, and what is there, at any address that a stack may have. */
static void java(const struct ph_interp *of_file, struct image *m)
{
	struct ph_interp_name name = { 0 };
	struct ph_interp in = *of_file;
	uint64_t list = 0;

	in.root = 64;
	in.statement = 72;
	/* It seldom tells all: then its offsets are the input. */
	if (ph_java_layout(&in, 0, memory, m, &list)) {
		memory(m, 0, &in.java, sizeof(in.java));
		memory(m, sizeof(in.java), &list, sizeof(list));
	}
	for (unsigned int i = 0; i < 128; i++) {
		struct ph_unwind_regs r = { .pc = 0x40000 + i, .sp = 0x30000, .fp = 0x30000 + 8 * i, .flags = PH_REGS_FP | (i & 1 ? PH_REGS_EXACT : 0) };
		enum ph_unwind_step step = PH_STEP_CALLER;
		struct ph_java_scratch v = { 0 };

		for (unsigned int n = 0; n < 16 && step == PH_STEP_CALLER; n++) {
			__u64 sp = r.sp, of, where;

			step = ph_java_step(&in.java, list, &v, &r, read_word, m);
			/* Whatever is there, a stack comes to an end. */
			if (step == PH_STEP_CALLER && r.sp < sp)
				abort();
			of = ph_java_of(&in.java, &v, &where, read_word, m);
			if (!of)
				continue;
			of = ph_interp_frame(PH_INTERP_JAVA, of, where);
			if (!ph_interp_is(of))
				abort();
			if (!ph_interp_name(&in, of, memory, m, &name) && name.name.len > 4096)
				abort();
		}
	}
	ph_interp_name_done(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum ph_interp_kind kinds[] = { PH_INTERP_PYTHON, PH_INTERP_PHP, PH_INTERP_RUBY, PH_INTERP_PERL, PH_INTERP_JAVA };
	struct image m = { data + 1, size - 1 };
	struct ph_interp_state s = { 0 };
	struct ph_interp_name name = { 0 };
	struct ph_interp in;
	__u64 frame;

	if (size < 64)
		return 0;
	if (!ph_interp_of_version(kinds[data[0] % 5], data[0] / 5, data[2] & 1 ? EM_AARCH64 : EM_X86_64, &in))
		return 0;
	if (in.kind == PH_INTERP_JAVA) {
		java(&in, &m);
		return 0;
	}
	if (in.kind == PH_INTERP_RUBY || in.kind == PH_INTERP_PERL)
		in.own.how = data[1] % (PH_TLS_KEY + 1);
	for (unsigned int i = 0; i < 256; i++) {
		enum ph_interp_step step = ph_interp_step(&in, &s, 0x10000, 1, &frame, read_word, &m);

		if (step != PH_INTERP_FRAME && step != PH_INTERP_LAST)
			continue;
		if (!ph_interp_is(frame))
			abort();
		if (!ph_interp_name(&in, frame, memory, &m, &name) && (name.name.len > 4096 || name.file.len > 4096))
			abort();
	}
	ph_interp_name_done(&name);
	return 0;
}
