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

	/* A hole, too. */
	if (addr % 4096 >= 4000)
		return false;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buf)[i] = m->p[(addr + i) % m->n];
	return true;
}

static int read_word(void *ctx, __u64 addr, __u64 *value)
{
	return memory(ctx, addr, value, sizeof(*value)) ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Those of which this is how frames are found. */
	static const enum ph_interp_kind kinds[] = { PH_INTERP_PYTHON, PH_INTERP_PHP, PH_INTERP_RUBY, PH_INTERP_PERL };
	struct image m = { data + 1, size - 1 };
	struct ph_interp_state s = { 0 };
	struct ph_interp_name name = { 0 };
	struct ph_interp in;
	__u64 frame;

	if (size < 64)
		return 0;
	if (!ph_interp_of_version(kinds[data[0] % 4], data[0] / 4, data[2] & 1 ? EM_AARCH64 : EM_X86_64, &in))
		return 0;
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
