/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/failed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"

#define U(field) ph_event_u(ev, PH_FLD(syscall_failed, field), 0)
#define I(field) ph_event_i(ev, PH_FLD(syscall_failed, field), 0)

static char *text(const struct ph_event *ev, unsigned int fld)
{
	const struct ph_value *v = ph_event_field(ev, fld);

	return ph_strndup(v && v->n ? v->s : "", v ? v->n : 0);
}

void ph_failed_read(struct ph_failed *f, const struct ph_event *ev)
{
	const struct ph_value *v;

	memset(f, 0, sizeof(*f));
	f->ts_ns = ev->ts_ns;
	f->tid = ev->tid;
	f->pid = ev->pid;
	f->container = ev->container;
	f->name = text(ev, PH_FLD(syscall_failed, name));
	f->call = ph_failcall(f->name);
	f->nr = (int)I(nr);
	f->compat = U(compat);
	f->error = (int)-I(ret);
	f->arg[0] = U(arg0);
	f->arg[1] = U(arg1);
	f->arg[2] = U(arg2);
	f->arg[3] = U(arg3);
	f->arg[4] = U(arg4);
	f->arg[5] = U(arg5);
	f->word = U(word);
	f->path = text(ev, PH_FLD(syscall_failed, path));
	f->path2 = text(ev, PH_FLD(syscall_failed, path2));
	f->base = text(ev, PH_FLD(syscall_failed, base));
	v = ph_event_field(ev, PH_FLD(syscall_failed, addr));
	if (v) {
		f->addr_len = v->n < sizeof(f->addr) ? v->n : sizeof(f->addr);
		memcpy(f->addr, v->s, f->addr_len);
		/* Behind the end of a Unix socket's path is whatever the program had there. */
		if (f->addr_len > 2 && f->addr[0] == AF_UNIX && !f->addr[1] && f->addr[2])
			f->addr_len = 2 + (uint32_t)strnlen((char *)f->addr + 2, f->addr_len - 2);
	}
	f->refused = U(refused);
	f->late = U(late);
	v = ph_event_field(ev, PH_FLD(syscall_failed, comm));
	if (v)
		memcpy(f->comm, v->s, v->n < 16 ? v->n : 16);
	f->full = true;
	f->uid = (uint32_t)U(uid);
	f->euid = (uint32_t)U(euid);
	f->fsuid = (uint32_t)U(fsuid);
	f->gid = (uint32_t)U(gid);
	f->fsgid = (uint32_t)U(fsgid);
	v = ph_event_field(ev, PH_FLD(syscall_failed, groups));
	for (uint32_t i = 0; v && i < v->n && i < 32; i++)
		f->groups[f->ngroups++] = (int32_t)v->v[i].i;
	f->cap_effective = U(cap_effective);
	f->cap_permitted = U(cap_permitted);
	f->cap_bounding = U(cap_bounding);
	f->user_ns = (uint32_t)U(user_ns);
	f->user_ns_level = (uint32_t)U(user_ns_level);
	f->mnt_ns = (uint32_t)U(mnt_ns);
	f->net_ns = (uint32_t)U(net_ns);
	f->pid_ns = (uint32_t)U(pid_ns);
	f->root_mnt = (int32_t)I(root_mnt);
	f->no_new_privs = U(no_new_privs);
	f->seccomp = (uint32_t)U(seccomp);
	f->setuid = (int32_t)ph_event_i(ev, PH_FLD(syscall_failed, setuid), -1);
	f->nosuid = U(nosuid);
	f->caps_watched = U(caps_watched);
	f->cap_refused = U(cap_refused);
	f->cap_refused_ns = (uint32_t)U(cap_refused_ns);
	f->landlocked = U(landlocked);
	f->limit[0].resource = (int)ph_event_i(ev, PH_FLD(syscall_failed, limit), -1);
	f->limit[0].cur = U(limit_cur);
	f->limit[0].use = U(limit_use);
	f->limit[1].resource = (int)ph_event_i(ev, PH_FLD(syscall_failed, limit2), -1);
	f->limit[1].cur = U(limit2_cur);
	f->limit[1].use = U(limit2_use);
	f->ucount = U(ucount);
	f->ucount_max = I(ucount_max);
	f->ucount_use = I(ucount_use);
	f->ucount_ns = (uint32_t)U(ucount_ns);
	f->memory_cgroup = U(memory_cgroup);
	f->pids_cgroup = U(pids_cgroup);
}

void ph_failed_done(struct ph_failed *f)
{
	free(f->name);
	free(f->path);
	free(f->path2);
	free(f->base);
	memset(f, 0, sizeof(*f));
}

char *ph_failed_path(const struct ph_failed *f)
{
	if (f->path[0] == '/')
		return ph_strdup(f->path);
	if (f->base[0] != '/')
		return NULL;
	if (!f->path[0])
		return ph_strdup(f->base);
	return ph_asprintf("%s/%s", strcmp(f->base, "/") ? f->base : "", f->path);
}
