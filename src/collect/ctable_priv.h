/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_CTABLE_PRIV_H
#define PH_COLLECT_CTABLE_PRIV_H

#include "collect/priv.h"

/* ---- ctable.c: what is known, and what the kernel side is told of it ---- */

bool ct_task_namespaces(int32_t tid, uint32_t ns[PH_NS_MAX]);
bool ct_sandbox(const struct ph_ctable *t, const uint32_t ns[PH_NS_MAX]);
/* By its canonical index; NULL: there is none. */
struct ph_centry *ct_centry(struct ph_ctable *t, uint32_t index);
struct ph_centry *ct_add_container(struct ph_ctable *t, const struct ph_container *c);
void ct_map_index(struct ph_ctable *t, uint32_t index, struct ph_centry *e);
/* Is it selected? To be asked again when it goes by another name, and told again. */
void ct_decide(struct ph_ctable *t, struct ph_centry *e);
uint32_t ct_kernel_flags(bool selected, bool container);
void ct_tell_cgroup(struct ph_ctable *t, int32_t hierarchy, uint64_t id, uint32_t index, uint32_t flags);
void ct_tell_namespaces(struct ph_ctable *t, uint64_t key, uint32_t index, uint32_t flags);
void ct_tell_namespaces_again(struct ph_ctable *t, const struct ph_centry *e);
void ct_own_namespaces(struct ph_ctable *t, struct ph_centry *e, uint64_t key);

/* ---- ctable_new.c: containers that begin, start and stop while recording ---- */

struct ph_centry *ct_find_by_id(struct ph_ctable *t, const char *id);
int32_t ct_first_pid(int32_t tid);
void ct_describe(struct ph_ctable *t, struct ph_container *c, char **ret_bundle);
void ct_name_by_namespaces(const struct ph_ctable *t, struct ph_container *c);
int ct_new_container(struct ph_ctable *t, struct ph_container *c, uint32_t index, uint64_t ts_ns, ph_event_fn fn,
		     void *arg, struct ph_err *err);
int ct_started(struct ph_ctable *t, struct ph_centry *e, int32_t tid, uint64_t ts_ns, ph_event_fn fn, void *arg,
	       struct ph_err *err);
int ct_stopped(struct ph_ctable *t, struct ph_centry *e, uint64_t ts_ns, ph_event_fn fn, void *arg, struct ph_err *err);

#endif
