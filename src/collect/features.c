/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel has, as its BTF tells: no privilege needed. */
#include <errno.h>
#include <fcntl.h>

#include <bpf/btf.h>

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

/* btf_trace_NAME is a pointer to the probe's prototype. Modules have their own BTF. */
static const struct btf_type *tracepoint_proto(const char *name, const struct btf **ret_btf)
{
	static const char *const modules[] = { "kvm", "kvm_intel", "kvm_amd" };
	static struct btf *module_btf[PH_ARRAY_SIZE(modules)];
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	for (size_t i = 0; i <= PH_ARRAY_SIZE(modules); i++) {
		const struct btf_type *t;
		struct btf *btf = vmlinux_btf();
		int id;

		if (!btf)
			return NULL;
		if (i > 0) {
			if (!module_btf[i - 1])
				module_btf[i - 1] = btf__load_module_btf(modules[i - 1], btf);
			btf = module_btf[i - 1];
			if (!btf)
				continue;
		}
		id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
		if (id < 0)
			continue;
		t = btf__type_by_id(btf, (unsigned int)id);
		t = t ? btf__type_by_id(btf, t->type) : NULL;		/* the pointer */
		t = t ? btf__type_by_id(btf, t->type) : NULL;		/* the prototype */
		if (t && btf_is_func_proto(t)) {
			*ret_btf = btf;
			return t;
		}
	}
	return NULL;
}

bool ph_kernel_has_tracepoint(const char *name)
{
	const struct btf *btf;

	return tracepoint_proto(name, &btf) != NULL;
}

int ph_tracepoint_args(const char *name)
{
	const struct btf *btf;
	const struct btf_type *t = tracepoint_proto(name, &btf);

	return t ? btf_vlen(t) - 1 : -1;
}

void ph_tracepoint_arg_type(const char *name, int i, char *buf, size_t size)
{
	const struct btf *btf;
	const struct btf_type *t = tracepoint_proto(name, &btf);

	buf[0] = 0;
	if (!t || i + 1 >= btf_vlen(t))
		return;
	t = btf__type_by_id(btf, btf_params(t)[i + 1].type);
	while (t && (btf_is_ptr(t) || btf_is_mod(t)))
		t = btf__type_by_id(btf, t->type);
	if (t)
		snprintf(buf, size, "%s", btf__name_by_offset(btf, t->name_off));
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
