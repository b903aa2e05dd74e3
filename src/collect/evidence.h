/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_EVIDENCE_H
#define PH_COLLECT_EVIDENCE_H

#include "collect/priv.h"
#include "event/failed.h"

/*
 * Why did that call fail? Some milliseconds after it, what the machine says about it is written
 * into the stream, so that the answer can be worked out later and elsewhere. Everything here only
 * looks: nothing is opened but with O_PATH (and the head of a program that could not be run), no link
 * of a container is followed, and file systems that a container may serve itself (FUSE) or a network
 * may hold up are not asked at all.
 */

struct ph_evidence;

struct ph_evidence *ph_evidence_new(struct ph_collect *c);
void ph_evidence_free(struct ph_evidence *e);
/* A call failed: look into it at the end of the round. */
void ph_evidence_failed(struct ph_evidence *e, const struct ph_event *ev);
/* A thread ended: by seccomp's will? */
void ph_evidence_exit(struct ph_evidence *e, const struct ph_event *ev);
/* A task runs a program: keep hold of the namespaces that it is in, which may soon be gone. */
void ph_evidence_task(struct ph_evidence *e, int32_t tid);
int ph_evidence_run(struct ph_evidence *e, ph_event_fn fn, void *arg, struct ph_err *err);

/* ---- among evidence*.c ------------------------------------------------------------------------- */

struct ev_mount {
	int id;
	bool ro, nosuid, nodev, noexec, sb_ro;
	bool remote;		/* may not answer: served by a container's own program or over a network */
	char *point, *root, *fstype, *source, *super;
};

/* A mount namespace, as the tasks see it whose root is @root_mnt. */
struct ev_view {
	uint32_t mnt_ns;
	int32_t root_mnt;	/* -1: a directory below a mount, as chroot makes it */
	int root, ns;		/* descriptors, -1 none; the latter keeps the mounts in place */
	PH_VEC(struct ev_mount) mounts;
	char *cgroups;		/* /proc/PID/cgroup of that task */
	uint64_t used_ns;
	uint64_t round;		/* in which it was brought up to date */
	int32_t tid;		/* from whom */
};

/* A namespace that is kept from going. */
struct ev_kept_ns {
	uint32_t inum;
	int fd;
	uint64_t used_ns;
};

/* What the ids of a user namespace are outside. */
struct ev_id_maps {
	char *uid, *gid;
	uint64_t used_ns;
};

/* evidence_view.c: what is kept of namespaces. */
struct ev_views {
	int proc;			/* /proc */
	uint64_t round;			/* counted by who looks: a view of this round is as it is now */
	int32_t own_root;		/* the mount that is our root */
	struct ph_u64map views;		/* mount namespace and root -> struct ev_view */
	struct ph_u64map maps;		/* user namespace -> struct ev_id_maps */
	PH_VEC(struct ev_kept_ns) ns;
	uint64_t trimmed_ns;
};

void ev_views_init(struct ev_views *e);
void ev_views_done(struct ev_views *e);
/* The view of @mnt_ns with that root; made, or brought up to date, from task @tid if that is (still) in it. */
struct ev_view *ev_view_of(struct ev_views *e, uint32_t mnt_ns, int32_t root_mnt, int32_t tid);
/* Of a user namespace, NULL: not known. @tid: a task in it, -1: none is known. */
const struct ev_id_maps *ev_id_maps(struct ev_views *e, uint32_t user_ns, int32_t tid);
/* Keep what @tid is in, but for the host's. */
void ev_views_task(struct ev_views *e, int32_t tid, const uint32_t *host_ns);
/* Let go of what was of no use for some time. */
void ev_views_trim(struct ev_views *e);

/* One look: the failed call, what is seen of its task, where to write. */
struct ev_look {
	struct ph_evidence *e;
	struct ph_collect *c;
	struct ev_views *views;
	const struct ph_failed *f;
	bool alive;			/* its task is there still */
	struct ev_view *view;		/* NULL: gone */
	struct ph_net *net;
	ph_event_fn fn;
	void *arg;
	struct ph_err *err;
	int r;
};

/* Emit a fact; @facts: "name=number …", printf-like. */
void ph_fact(struct ev_look *l, const char *what, const char *subject, const char *text,
	     const char *facts, ...) __attribute__((format(printf, 5, 6)));
/* /proc/TID/FILE of the failed task into @b: 0 or -errno. */
int ph_look_proc(const struct ev_look *l, const char *file, struct ph_buf *b);
struct ev_view *ph_look_host(struct ev_look *l);
/* A mount that some view of this namespace has, or NULL. */
const struct ev_mount *ph_look_mount(const struct ev_views *e, uint32_t mnt_ns, int id);
/* Id of the mount that a descriptor is on, -1: not known. */
int ph_mount_of(int fd);
/* A descriptor of a namespace, which the cache keeps; -1: gone. */
int ph_look_ns(struct ev_views *e, const char *type, uint32_t inum, int32_t tid);
/* The same for the moment: the caller closes it. */
int ph_open_ns(const char *type, uint32_t inum, int32_t tid);

void ph_look_path(struct ev_look *l, const char *path, bool follow);
void ph_look_memory(struct ev_look *l);
/* Who has the memory of the cgroup. */
void ph_look_memory_users(struct ev_look *l);
void ph_look_pids(struct ev_look *l);
void ph_look_devices(struct ev_look *l);
void ph_look_lockdown(struct ev_look *l);
void ph_look_sysctl(struct ev_look *l, const char *name);
void ph_look_net(struct ev_look *l);
void ph_look_target(struct ev_look *l, int32_t vpid);
void ph_look_kernel(struct ev_look *l);

/* What network namespaces said of their sockets, for all failures that were before. */
struct ph_net;
struct ph_net *ph_net_new(void);
void ph_net_free(struct ph_net *n);
void ph_net_forget(struct ph_net *n);

/* Records of the kernel's audit log, each told as a fact about the failure that it is of. NULL: not to be heard. */
struct ph_audit;
struct ph_audit *ph_audit_new(void);
void ph_audit_free(struct ph_audit *a);
void ph_audit_failed(struct ph_audit *a, const struct ph_failed *f);
void ph_audit_killed(struct ph_audit *a, const struct ph_event *ev);
int ph_audit_tell(struct ph_audit *a, struct ev_look *l);

#endif
