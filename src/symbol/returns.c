/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/returns.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "symbol/childfile.h"
#include "symbol/symtab.h"
#include "unwind/insn.h"

/* No compiler makes a function of more. */
#define FUNCTION_MAX (4u << 20)

/* The function, and what its compiler put elsewhere of it. */
#define PARTS_MAX 8
/* Each is a place that the kernel is to probe. */
#define RETURNS_MAX 4096

struct part {
	uint64_t vaddr, n;
};

struct search {
	struct ph_childfile *f;
	int machine;
	bool go;
	struct part parts[PARTS_MAX];
	size_t n;
	struct ph_buf *out;
	struct ph_err *err;
};

/* What an instruction does to the flow. */
struct flow {
	size_t len;		/* 0: it is none that is known */
	bool returns, jumps, direct;
	int64_t target;		/* counted from its begin */
};

static void read_flow(int machine, const uint8_t *p, size_t n, struct flow *ret)
{
	struct ph_insn insn;

	*ret = (struct flow){ 0 };
	if (machine == EM_X86_64)
		ph_insn_read(p, n, &insn);
	else
		ph_insn_read_arm64(p, n, &insn);
	if (insn.kind == PH_INSN_BAD)
		return;
	*ret = (struct flow){ .len = insn.len, .returns = insn.kind == PH_INSN_RETURN, .direct = insn.direct, .target = insn.target,
			      .jumps = insn.kind == PH_INSN_JUMP || insn.kind == PH_INSN_BRANCH };
}

static bool within(const struct search *s, uint64_t vaddr)
{
	for (size_t i = 0; i < s->n; i++)
		if (vaddr - s->parts[i].vaddr < s->parts[i].n)
			return true;
	return false;
}

/* "f.cold", "f.cold.3": what is rarely run. */
static void find_parts(struct search *s)
{
	const struct ph_symtab *t = ph_childfile_symtab(s->f);
	ph_autobuf cold = { 0 };

	for (size_t i = 0; i < t->syms.n; i++) {
		const struct ph_sym *is = &t->syms.v[i];

		if (is->addr != s->parts[0].vaddr)
			continue;
		ph_buf_clear(&cold);
		ph_buf_addf(&cold, "%s.cold", is->name);
		for (size_t k = 0; k < t->syms.n && s->n < PARTS_MAX; k++) {
			const struct ph_sym *o = &t->syms.v[k];

			if (o->sized && !strncmp(o->name, cold.p, cold.len) && (!o->name[cold.len] || o->name[cold.len] == '.') &&
			    !within(s, o->addr))
				s->parts[s->n++] = (struct part){ o->addr, o->end - o->addr };
		}
	}
}

static uint8_t *read_code(struct ph_elf *elf, const struct part *p)
{
	const struct ph_elf_segment *v;
	uint8_t *code;
	size_t n;

	if (!p->n || p->n > FUNCTION_MAX)
		return NULL;
	v = ph_elf_segments(elf, &n);
	code = ph_alloc(p->n);
	for (size_t i = 0; i < n; i++)
		if (p->vaddr >= v[i].vaddr && p->vaddr - v[i].vaddr < v[i].filesz &&
		    ph_elf_read(elf, v[i].offset + (p->vaddr - v[i].vaddr), code, p->n))
			return code;
	free(code);
	return NULL;
}

/*
 * Who leaves by a jump into another function returns there, unseen. Where an indirect one goes nobody can tell; Go has them for its
 * switches alone.
 */
static int add_returns(struct search *s, const struct part *p, const uint8_t *code)
{
	struct flow flow;

	for (size_t i = 0; i < p->n; i += flow.len) {
		read_flow(s->machine, code + i, p->n - i, &flow);
		if (!flow.len)
			return ph_err_set(s->err, -EOPNOTSUPP, "its machine code is not understood");
		if (flow.jumps && (flow.direct ? !within(s, p->vaddr + i + (uint64_t)flow.target) : !s->go))
			return ph_err_set(s->err, -EOPNOTSUPP, "it may leave by a jump into another function");
		if (flow.returns && s->out->len / sizeof(uint64_t) >= RETURNS_MAX)
			return ph_err_set(s->err, -EOPNOTSUPP, "it has more than %d instructions that return", RETURNS_MAX);
		if (flow.returns)
			ph_put_u64(s->out, p->vaddr + i);
	}
	return 0;
}

int ph_answer_returns(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	struct search s = { .f = f, .out = out, .err = err, .n = 1 };
	ph_autofree char *at = NULL, *size = NULL;
	struct ph_elf *elf;
	bool registers;
	int r = ph_childfile_elf(f, &elf, err);

	ph_get_u64(in);
	at = ph_get_str(in);
	size = ph_get_str(in);
	if (r || ph_parse_u64(at, &s.parts[0].vaddr, err) || ph_parse_u64(size, &s.parts[0].n, err))
		return r ? r : -EINVAL;
	s.machine = ph_elf_machine(elf);
	s.go = ph_childfile_go(f, &registers);
	if (s.go && !registers)
		return ph_err_set(err, -EOPNOTSUPP, "it is of Go before 1.18, which does not tell who runs");
	find_parts(&s);
	r = 0;
	for (size_t i = 0; i < s.n && r == 0; i++) {
		ph_autofree uint8_t *code = read_code(elf, &s.parts[i]);

		r = code ? add_returns(&s, &s.parts[i], code) : ph_err_set(err, -EOPNOTSUPP, "nobody knows where it ends");
	}
	return r;
}
