/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/container.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *const ph_ns_names[PH_NS_MAX] = {
	[PH_NS_CGROUP] = "cgroup", [PH_NS_IPC] = "ipc", [PH_NS_MNT] = "mnt", [PH_NS_NET] = "net",
	[PH_NS_PID] = "pid", [PH_NS_TIME] = "time", [PH_NS_USER] = "user", [PH_NS_UTS] = "uts",
};

bool ph_container_is_guest(const struct ph_container *c)
{
	return c->runtime && !strcmp(c->runtime, PH_RUNTIME_KVM);
}

bool ph_container_by_process(const struct ph_container *c)
{
	return ph_container_is_guest(c) && !c->cgroup_path && c->init_pid > 0;
}

bool ph_container_is_within(const struct ph_container *c)
{
	return ph_container_by_process(c) && c->parent;
}

void ph_labels_join(const ph_strv *labels, struct ph_buf *out)
{
	for (size_t i = 0; i < labels->n; i++) {
		if (i)
			ph_buf_addc(out, '\n');
		if (strchr("\t\n", labels->v[i][0]))	/* (or empty) */
			ph_buf_addc(out, '\n');
		for (const char *c = labels->v[i]; *c; c++) {
			ph_buf_addc(out, *c);
			if (*c == '\n')
				ph_buf_addc(out, '\t');
		}
	}
}

void ph_labels_split(const char *s, size_t n, ph_strv *ret)
{
	ph_autobuf label = { 0 };
	bool within = false, empty_before = false;

	for (size_t i = 0, len; n && i <= n; i += len + 1) {
		const char *end = memchr(s + i, '\n', n - i);

		len = end ? (size_t)(end - (s + i)) : n - i;
		if (within && len && s[i] == '\t') {
			ph_buf_addc(&label, '\n');
			ph_buf_add(&label, s + i + 1, len - 1);
			continue;
		}
		if (within)
			*ph_vec_push(ret) = ph_buf_steal(&label);
		within = len || empty_before;
		empty_before = !within;
		ph_buf_add(&label, s + i, len);
	}
	if (within)
		*ph_vec_push(ret) = ph_buf_steal(&label);
}

void ph_container_done(struct ph_container *c)
{
	free(c->id);
	free(c->name);
	free(c->runtime);
	free(c->image);
	free(c->state);
	free(c->pod);
	free(c->pod_namespace);
	free(c->pod_uid);
	free(c->uuid);
	free(c->cgroup_path);
	ph_strv_done(&c->labels);
	*c = (struct ph_container){ 0 };
}
