/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel has, as its BTF tells: no privilege needed. */
#include <errno.h>
#include <fcntl.h>

#include <bpf/btf.h>

#include "base/map.h"
#include "base/parse.h"
#include "collect/priv.h"

static struct btf *vmlinux_btf(void)
{
	static struct btf *btf;
	static bool tried;

	if (!tried) {
		tried = true;
		btf = btf__load_vmlinux_btf();
	}
	return btf;
}

int ph_kernel_btf_check(struct ph_err *err)
{
	if (vmlinux_btf())
		return 0;
	return ph_err_set(err, -ENOENT,
			  "this kernel has no type information (/sys/kernel/btf/vmlinux): it must be built "
			  "with CONFIG_DEBUG_INFO_BTF=y, as the kernels of all supported distributions are");
}

/* A tracepoint's prototype, and the BTF that it is in. */
struct tracepoint {
	const struct btf *btf;
	const struct btf_type *proto;
};

/* btf_trace_NAME is a pointer to the probe's prototype. */
static void add_tracepoints(struct ph_strmap *map, const struct btf *btf, unsigned int from)
{
	static const char prefix[] = "btf_trace_";

	for (unsigned int id = from; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);
		struct tracepoint *tp;

		if (!btf_is_typedef(t) || !name || strncmp(name, prefix, sizeof(prefix) - 1))
			continue;
		t = btf__type_by_id(btf, t->type);		/* the pointer */
		t = t ? btf__type_by_id(btf, t->type) : NULL;	/* the prototype */
		if (!t || !btf_is_func_proto(t) || ph_strmap_get(map, name + sizeof(prefix) - 1))
			continue;
		tp = ph_alloc(sizeof(*tp));
		*tp = (struct tracepoint){ btf, t };
		ph_strmap_put(map, name + sizeof(prefix) - 1, tp);
	}
}

/* All are looked for once: there are a hundred thousand types. Modules have their own BTF. */
static const struct tracepoint *find_tracepoint(const char *name)
{
	static const char *const modules[] = { "kvm", "kvm_intel", "kvm_amd" };
	static struct ph_strmap map;
	static bool filled;

	if (!filled && vmlinux_btf()) {
		filled = true;
		add_tracepoints(&map, vmlinux_btf(), 1);
		for (size_t i = 0; i < PH_ARRAY_SIZE(modules); i++) {
			struct btf *btf = btf__load_module_btf(modules[i], vmlinux_btf());

			if (btf)
				add_tracepoints(&map, btf, btf__type_cnt(vmlinux_btf()));
		}
	}
	return ph_strmap_get(&map, name);
}

bool ph_kernel_has_tracepoint(const char *name)
{
	return find_tracepoint(name) != NULL;
}

bool ph_kernel_tracepoint_in_module(const char *name)
{
	const struct tracepoint *tp = find_tracepoint(name);

	return tp && tp->btf != vmlinux_btf();
}

bool ph_kernel_may_use_modules(void)
{
	uint32_t id;

	return !bpf_btf_get_next_id(0, &id) || errno != EPERM;
}

int ph_tracepoint_args(const char *name)
{
	const struct tracepoint *tp = find_tracepoint(name);

	return tp ? btf_vlen(tp->proto) - 1 : -1;
}

void ph_tracepoint_arg_type(const char *name, int i, char *buf, size_t size)
{
	const struct tracepoint *tp = find_tracepoint(name);
	const struct btf_type *t;

	buf[0] = 0;
	if (!tp || i + 1 >= btf_vlen(tp->proto))
		return;
	t = btf__type_by_id(tp->btf, btf_params(tp->proto)[i + 1].type);
	while (t && (btf_is_ptr(t) || btf_is_mod(t)))
		t = btf__type_by_id(tp->btf, t->type);
	if (t)
		snprintf(buf, size, "%s", btf__name_by_offset(tp->btf, t->name_off));
}

bool ph_kernel_has_member(const char *type, const char *member)
{
	struct btf *btf = vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT) : -1;
	const struct btf_type *t = id >= 0 ? btf__type_by_id(btf, (unsigned int)id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return true;
	return false;
}

/* In bits; -1: it is not there. */
static int64_t member_at(const struct btf *btf, const struct btf_type *t, const char *member, unsigned int depth)
{
	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *in = btf__type_by_id(btf, m->type);
		const char *name = btf__name_by_offset(btf, m->name_off);
		int64_t at = -1;

		if (!strcmp(name, member))
			at = 0;
		else if (!*name && in && btf_is_composite(in) && depth)
			at = member_at(btf, in, member, depth - 1);
		if (at >= 0)
			return at + btf_member_bit_offset(t, (unsigned int)i);
	}
	return -1;
}

uint32_t ph_kernel_member_offset(const char *type, const char *member)
{
	struct btf *btf = vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT) : -1;
	int64_t at = id >= 0 ? member_at(btf, btf__type_by_id(btf, (unsigned int)id), member, 4) : -1;

	return at > 0 ? (uint32_t)at / 8 : 0;
}

bool ph_kernel_has_function(const char *name)
{
	struct btf *btf = vmlinux_btf();

	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) >= 0;
}

int ph_kernel_try_fentry(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = vmlinux_btf() ?
		btf__find_by_name_kind(vmlinux_btf(), "bpf_fentry_test1", BTF_KIND_FUNC) : -ENOENT;
	int fd, link;

	if (id < 0)
		return id;
	opts.attach_btf_id = (unsigned int)id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "porthole_try", "GPL", nothing, PH_ARRAY_SIZE(nothing),
			   &opts);
	if (fd < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, fd);
	if (link < 0)
		link = -errno;
	else
		close(link);
	close(fd);
	return link < 0 ? link : 0;
}
