/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter over probes' arguments, as instructions. It is only there to drop early: who shows the hits asks
 * it again, of everything that a hit has.
 */
#include <errno.h>
#include <linux/bpf.h>

#include "collect/priv.h"
#include "probe/resolve.h"

/* What every record has in front of the values; struct ph_ev_probe_hit is the kernel side's alone. */
#define BEGIN (sizeof(struct ph_rec) + sizeof(struct ph_rec_ctx))
#define ASKED (BEGIN + 4)
#define VALUES (BEGIN + 34)
#define FIXED_FIELDS 3

_Static_assert(PH_FLD(probe_hit, asked) == 1 && PH_FLD(probe_hit, values) == 3 && PH_FLD(probe_hit, text1) == 6 &&
	       sizeof(struct ph_fld_probe_hit) == 11, "the places of values in a record have changed");

#define INSN(op, dst, src, o, i) \
	((struct bpf_insn){ .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i) })

/* A hit of one probe as the filter sees it; what has no slot is not decided here. */
struct shape {
	struct ph_class cls;
	struct ph_field fields[PH_PROBE_ARGS + FIXED_FIELDS];
	struct ph_filter_slot slots[PH_PROBE_ARGS + 3];
	size_t nslots;
};

static const struct ph_class *shape_nth(void *arg, size_t i)
{
	return i ? NULL : &((struct shape *)arg)->cls;
}

static void make_shape(const struct ph_probe_plan *plan, struct shape *s)
{
	static const struct ph_field fixed[FIXED_FIELDS] = {
		{ "duration_ns", &ph_type_u64 }, { "function", &ph_type_str }, { "path", &ph_type_str },
	};

	*s = (struct shape){ .cls = { .name = "probe", .syscall_nr = -1, .fields = s->fields } };
	for (size_t i = 0; i < FIXED_FIELDS; i++)
		s->fields[s->cls.nfields++] = fixed[i];
	s->slots[s->nslots++] = (struct ph_filter_slot){ "tid", offsetof(struct ph_rec, tid), 4, true, true };
	s->slots[s->nslots++] = (struct ph_filter_slot){ "pid", offsetof(struct ph_rec, pid), 4, true, true };
	s->slots[s->nslots++] = (struct ph_filter_slot){
		"comm", sizeof(struct ph_rec) + offsetof(struct ph_rec_ctx, procname), 16, false, true };
	for (uint32_t i = 0; i < plan->def.nargs; i++) {
		enum ph_probe_type t = plan->types[i];
		/* Numbers with a name are compared by it, and floating-point ones not by the kernel side. */
		bool is_signed = ph_probe_type_signed(t),
		     text = t == PH_PROBE_STR || t == PH_PROBE_BUF || t == PH_PROBE_ENUM || t == PH_PROBE_F32 || t == PH_PROBE_F64;

		s->fields[s->cls.nfields++] = (struct ph_field){ .name = plan->names.v[i], .type = text ? &ph_type_str :
								 is_signed ? &ph_type_s64 : &ph_type_u64 };
		if (!text)
			s->slots[s->nslots++] = (struct ph_filter_slot){ plan->names.v[i], (uint32_t)(VALUES + 8 * i), 8, is_signed };
	}
}

/* Of all places of a probe the arguments must be of one type: a USDT probe has them as each compiler left them. */
static const struct ph_probe_plan *plan_of(const struct ph_probes *p, uint32_t spec)
{
	const struct ph_probe_plan *first = NULL;

	ph_vec_each(pt, &p->points) {
		const struct ph_probe_plan *plan = &(*pt)->plan;

		if ((*pt)->spec != spec)
			continue;
		if (!first)
			first = plan;
		else if (plan->def.nargs != first->def.nargs || memcmp(plan->types, first->types, sizeof(plan->types)) != 0)
			return NULL;
	}
	return first && p->specs.v[spec].kind != PH_PROBE_USDT ? first : NULL;
}

static int one(const struct ph_probe_plan *plan, const char *expr, struct bpf_insn *out, size_t max)
{
	struct ph_filter_names names = { .nth = shape_nth };
	struct ph_filter *f = NULL;
	struct shape s;
	bool exact;
	int n;

	make_shape(plan, &s);
	names.arg = &s;
	/* Columns of other probes, or a mistake that is told elsewhere. */
	if (ph_filter_parse_names(expr, &names, &f, NULL) < 0)
		return -EINVAL;
	n = ph_filter_to_bpf(f, &s.cls, s.slots, s.nslots, out, max, &exact, NULL);
	ph_filter_free(f);
	return n;
}

size_t ph_probe_filter_code(const struct ph_probes *p, const char *expr, struct bpf_insn *out, size_t max)
{
	size_t n = 0, ends[256], nends = 0;

	/* `if (asked != N) skip` before each probe's code; two are left for what stands behind all. */
	for (uint32_t i = 0; i < p->specs.n; i++) {
		const struct ph_probe_plan *plan = plan_of(p, i);
		int len;

		if (!plan)
			continue;
		if (n + 6 >= max)
			return 0;
		len = one(plan, expr, out + n + 2, max - n - 6);
		if (len == -E2BIG)
			return 0;
		if (len < 0)
			continue;
		out[n] = INSN(BPF_LDX | BPF_MEM | BPF_B, 0, 1, ASKED, 0);
		out[n + 1] = INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, (int16_t)(len + 1), (int32_t)i);
		n += 2 + (size_t)len;
		ends[nends++] = n;
		out[n++] = INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0);
	}
	if (!nends || n + 3 >= max)
		return 0;
	out[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	for (size_t i = 0; i < nends; i++)
		out[ends[i]].off = (int16_t)(n - 1 - ends[i]);
	return n;
}
