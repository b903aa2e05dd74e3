/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/select.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"

void ph_selection_opts(struct ph_selection *sel, struct ph_opt opts[PH_SELECTION_NOPTS])
{
	const struct ph_opt all[PH_SELECTION_NOPTS] = {
		{ "container", 'c', PH_OPT_LIST, "NAME|ID|GLOB", &sel->container,
		  .help = "containers and guests of this name, id (4 characters do) or glob; !X leaves X out" },
		{ "podname", 0, PH_OPT_LIST, "NAME", &sel->podname, .help = "containers of these pods" },
		{ "namespace", 'n', PH_OPT_LIST, "NAME", &sel->pod_namespace,
		  .help = "containers of these Kubernetes namespaces" },
		{ "selector", 'l', PH_OPT_LIST, "KEY=VALUE", &sel->label,
		  .help = "containers with these labels" },
		{ "image", 0, PH_OPT_LIST, "NAME", &sel->image, .help = "containers of these images" },
		{ "pid", 'p', PH_OPT_LIST, "PID", &sel->pid, .help = "these processes, and the children they make from then on" },
		{ "cgroup", 0, PH_OPT_LIST, "PATH", &sel->cgroup,
		  .help = "containers in or below these cgroups" },
		{ "ns", 0, PH_OPT_LIST, "TYPE=INODE", &sel->ns,
		  .help = "tasks in this namespace, as mnt=4026532280" },
		{ "comm", 0, PH_OPT_LIST, "NAME", &sel->comm, .help = "tasks of these names" },
		{ "host", 0, PH_OPT_FLAG, NULL, &sel->host, .help = "what is in no container" },
		{ "all", 'a', PH_OPT_FLAG, NULL, &sel->all, .help = "everything, the host too" },
		{ 0 },
	};

	memcpy(opts, all, sizeof(all));
}

void ph_selection_done(struct ph_selection *sel)
{
	ph_strv_done(&sel->container);
	ph_strv_done(&sel->podname);
	ph_strv_done(&sel->pod_namespace);
	ph_strv_done(&sel->label);
	ph_strv_done(&sel->image);
	ph_strv_done(&sel->cgroup);
	ph_strv_done(&sel->comm);
	ph_strv_done(&sel->ns);
	ph_strv_done(&sel->pid);
	ph_vec_done(&sel->pids);
	ph_u64map_done(&sel->born);
	free(sel->ns_sel);
	sel->ns_sel = NULL;
	sel->nns = 0;
}

static int check_ns(struct ph_selection *sel, const char *s, struct ph_err *err)
{
	bool not = s[0] == '!';
	const char *eq = strchr(s, '=');
	const char *near;
	ph_autofree char *type = NULL;
	uint64_t inum;

	s += not;
	if (!eq || eq == s)
		return ph_err_set(err, -EINVAL, "--ns %s: give TYPE=INODE, as in mnt=4026532280", s);
	type = ph_strndup(s, (size_t)(eq - s));
	/* /proc/PID/ns/pid reads "pid:[4026531836]": take the number as it can be copied from there. */
	if (strlen(type) > 3 && !strcmp(type + strlen(type) - 3, "_ns"))
		type[strlen(type) - 3] = 0;
	for (unsigned int i = 0; i < PH_NS_MAX; i++) {
		ph_autofree char *num = ph_strdup(eq + 1 + (eq[1] == '['));

		if (strcmp(type, ph_ns_names[i]))
			continue;
		if (*num && num[strlen(num) - 1] == ']')
			num[strlen(num) - 1] = 0;
		if (ph_parse_u64(num, &inum, err) < 0 || inum > UINT32_MAX || !inum)
			return ph_err_set(err, -EINVAL, "--ns %s: '%s' is not an inode number", s,
					  eq + 1);
		sel->ns_sel = ph_realloc(sel->ns_sel, (sel->nns + 1) * sizeof(*sel->ns_sel));
		sel->ns_sel[sel->nns].type = (enum ph_ns)i;
		sel->ns_sel[sel->nns].inum = (uint32_t)inum;
		sel->ns_sel[sel->nns++].not = not;
		return 0;
	}
	near = ph_nearest(type, ph_ns_names, PH_NS_MAX);
	return ph_err_set(err, -EINVAL, "--ns %s: there is no namespace type '%s'%s%s%s", s, type,
			  near ? "; did you mean '" : " (cgroup, ipc, mnt, net, pid, time, user, uts)",
			  near ? near : "", near ? "'?" : "");
}

static int check_patterns(const ph_strv *v, const char *opt, struct ph_err *err)
{
	for (size_t i = 0; i < v->n; i++)
		if (!v->v[i][v->v[i][0] == '!'])
			return ph_err_set(err, -EINVAL, "--%s: an empty name", opt);
	return 0;
}

int ph_selection_check(struct ph_selection *sel, struct ph_err *err)
{
	const struct { const ph_strv *v; const char *opt; } lists[] = {
		{ &sel->container, "container" }, { &sel->podname, "podname" },
		{ &sel->pod_namespace, "namespace" }, { &sel->label, "selector" },
		{ &sel->image, "image" }, { &sel->cgroup, "cgroup" }, { &sel->comm, "comm" },
	};
	int r;

	for (size_t i = 0; i < PH_ARRAY_SIZE(lists); i++) {
		r = check_patterns(lists[i].v, lists[i].opt, err);
		if (r < 0)
			return r;
	}
	sel->pids.n = 0;
	for (size_t i = 0; i < sel->pid.n; i++) {
		const char *s = sel->pid.v[i];
		uint64_t pid;

		if (ph_parse_u64(s + (s[0] == '!'), &pid, err) < 0 || !pid || pid > INT32_MAX)
			return ph_err_set(err, -EINVAL, "--pid: '%s' is not a process id", s);
		/* Excluded ones are kept as negative numbers. */
		*ph_vec_push(&sel->pids) = s[0] == '!' ? -(int32_t)pid : (int32_t)pid;
	}
	sel->nns = 0;
	for (size_t i = 0; i < sel->ns.n; i++) {
		r = check_ns(sel, sel->ns.v[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

bool ph_selection_by_container(const struct ph_selection *sel)
{
	return sel->container.n || sel->podname.n || sel->pod_namespace.n || sel->label.n ||
	       sel->image.n || sel->cgroup.n || sel->host;
}

bool ph_selection_empty(const struct ph_selection *sel)
{
	return !ph_selection_by_container(sel) && !sel->comm.n && !sel->ns.n && !sel->pid.n && !sel->pids.n;
}

/* ---- matching ------------------------------------------------------------------------------------ */

typedef bool (*match_fn)(const char *pattern, const struct ph_container *c);

/*
 * One option's list: any of the plain values, and none of the excluded ones. Only exclusions: all
 * but those.
 */
static bool match_list(const ph_strv *v, match_fn match, const struct ph_container *c)
{
	bool wanted = false, found = false;

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i][0] == '!') {
			if (match(v->v[i] + 1, c))
				return false;
		} else {
			wanted = true;
			found = found || match(v->v[i], c);
		}
	}
	return !wanted || found;
}

static bool all_excluded(const ph_strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->v[i][0] != '!')
			return false;
	return true;
}

static bool glob_or_null(const char *pattern, const char *s)
{
	return s && ph_glob(pattern, s);
}

#define ID_PREFIX_MIN 4

/*
 * Is it an id that a runtime drew? Only those are abbreviated: where the id is a name (LXC, nspawn,
 * runc by hand), "web" must not select "webserver".
 */
static bool random_id(const char *id)
{
	size_t n = strlen(id);

	return n >= 12 && strspn(id, "0123456789abcdef-") == n;
}

static bool match_name(const char *pattern, const struct ph_container *c)
{
	size_t n = strlen(pattern);
	char index[16];

	if (glob_or_null(pattern, c->name) || glob_or_null(pattern, c->id))
		return true;
	if (c->id && n >= ID_PREFIX_MIN && random_id(c->id) && !strncmp(c->id, pattern, n))
		return true;
	if (c->uuid && (ph_glob(pattern, c->uuid) || (n >= ID_PREFIX_MIN && random_id(c->uuid) && !strncmp(c->uuid, pattern, n))))
		return true;
	snprintf(index, sizeof(index), "#%u", c->index);
	return !strcmp(pattern, index);
}

static bool match_pod(const char *pattern, const struct ph_container *c)
{
	return glob_or_null(pattern, c->pod) || (c->pod_uid && !strcmp(pattern, c->pod_uid));
}

static bool match_pod_namespace(const char *pattern, const struct ph_container *c)
{
	return glob_or_null(pattern, c->pod_namespace);
}

/* The name as written, or without registry and tag: nginx is docker.io/library/nginx:1.25 too. */
static bool match_image(const char *pattern, const struct ph_container *c)
{
	const char *slash, *last;
	ph_autofree char *bare = NULL;

	if (!c->image)
		return false;
	if (ph_glob(pattern, c->image))
		return true;
	slash = strrchr(c->image, '/');
	last = slash ? slash + 1 : c->image;
	if (ph_glob(pattern, last))
		return true;
	bare = ph_strndup(last, strcspn(last, ":@"));
	return ph_glob(pattern, bare);
}

/* key=value, or key alone: has that label. */
static bool match_label(const char *pattern, const struct ph_container *c)
{
	bool key_only = !strchr(pattern, '=');
	size_t n = strlen(pattern);

	for (size_t i = 0; i < c->labels.n; i++) {
		const char *l = c->labels.v[i];

		if (key_only ? !strncmp(l, pattern, n) && (l[n] == '=' || !l[n]) : ph_glob(pattern, l))
			return true;
	}
	return false;
}

/* The path itself or one above; with or without the mount point of a hierarchy in front. */
static bool match_cgroup(const char *pattern, const struct ph_container *c)
{
	size_t n = strlen(pattern);

	if (!c->cgroup_path)
		return false;
	if (ph_glob(pattern, c->cgroup_path))
		return true;
	while (n > 1 && pattern[n - 1] == '/')
		n--;
	if (n == 1 && pattern[0] == '/')
		return true;
	return !strncmp(c->cgroup_path, pattern, n) &&
	       (!c->cgroup_path[n] || c->cgroup_path[n] == '/');
}

bool ph_selection_match_container(const struct ph_selection *sel, const struct ph_container *c)
{
	const struct { const ph_strv *v; match_fn match; } lists[] = {
		{ &sel->container, match_name }, { &sel->podname, match_pod },
		{ &sel->pod_namespace, match_pod_namespace }, { &sel->label, match_label },
		{ &sel->image, match_image }, { &sel->cgroup, match_cgroup },
	};
	bool named = false;

	if (sel->all || !ph_selection_by_container(sel))
		return true;
	for (size_t i = 0; i < PH_ARRAY_SIZE(lists); i++)
		named |= lists[i].v->n && !all_excluded(lists[i].v);
	/* --host adds the host to what the others select, or is alone. */
	if (c->index == PH_CONTAINER_HOST)
		return sel->host || (!named && ph_selection_by_container(sel));
	if (sel->host && !named)
		return false;
	for (size_t i = 0; i < PH_ARRAY_SIZE(lists); i++)
		if (!match_list(lists[i].v, lists[i].match, c))
			return false;
	return true;
}

/* Does one of the lists name it to be left out? */
static bool is_excluded(const struct ph_selection *sel, const struct ph_container *c)
{
	for (size_t i = 0; i < sel->container.n; i++)
		if (sel->container.v[i][0] == '!' && match_name(sel->container.v[i] + 1, c))
			return true;
	return false;
}

bool ph_selection_match_within(const struct ph_selection *sel, const struct ph_container *c,
			       const struct ph_container *guest)
{
	if (!guest || sel->all)
		return ph_selection_match_container(sel, c);
	if (is_excluded(sel, guest) || is_excluded(sel, c))
		return false;
	return ph_selection_match_container(sel, c) || ph_selection_match_container(sel, guest);
}

enum named { NAMED_NOT = 1, NAMED_ONLY = 2 };

/* What --pid says of this process or thread by its number; 0: nothing. */
static unsigned int named(const struct ph_selection *sel, int32_t id)
{
	unsigned int how = 0;

	for (size_t i = 0; i < sel->pids.n; i++) {
		if (sel->pids.v[i] == -id)
			return NAMED_NOT;
		if (sel->pids.v[i] == id)
			how = NAMED_ONLY;
	}
	return how;
}

/* The same of a process, by its number or because of who made it. */
static unsigned int named_process(const struct ph_selection *sel, int32_t pid)
{
	unsigned int how = pid > 0 ? named(sel, pid) : 0;

	if (!how && pid > 0)
		how = (unsigned int)(uintptr_t)ph_u64map_get(&sel->born, (uint64_t)pid);
	return how;
}

static void set_process(struct ph_selection *sel, int32_t pid, unsigned int how)
{
	if (pid <= 0)
		return;
	if (how)
		ph_u64map_put(&sel->born, (uint64_t)pid, (void *)(uintptr_t)how);
	else
		ph_u64map_del(&sel->born, (uint64_t)pid);
}

/* A thread that was named means its process. */
static void thread_of(struct ph_selection *sel, int32_t tid, int32_t pid)
{
	unsigned int how = tid > 0 && tid != pid ? named(sel, tid) : 0;

	if (how)
		set_process(sel, pid, how);
}

#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

void ph_selection_follow(struct ph_selection *sel, const struct ph_event *ev)
{
	if (!sel->pids.n)
		return;
	if (ev->pid >= 0)
		thread_of(sel, ev->tid, ev->pid);
	if (ev->cls->id == PH_EV_sched_process_fork && ph_class_like_ours(ev->cls)) {
		int32_t parent = I32(sched_process_fork, parent_pid);
		int32_t pid = I32(sched_process_fork, child_pid);

		/* Whoever had the number before is gone, so this forgets it too. */
		if (pid != parent)
			set_process(sel, pid, named_process(sel, parent));
	} else if (ev->cls->id == PH_EV_lttng_statedump_process_state && ph_class_like_ours(ev->cls)) {
		thread_of(sel, I32(lttng_statedump_process_state, tid),
			  I32(lttng_statedump_process_state, pid));
	}
}

static bool match_pids(const struct ph_selection *sel, const struct ph_event *ev)
{
	unsigned int how = named_process(sel, ev->pid);

	if (!how && ev->tid > 0)
		how = named(sel, ev->tid);
	if (how)
		return how == NAMED_ONLY;
	for (size_t i = 0; i < sel->pids.n; i++)
		if (sel->pids.v[i] > 0)
			return false;
	return true;
}

static bool match_comm(const ph_strv *v, const char *comm)
{
	bool wanted = false, found = false;

	for (size_t i = 0; i < v->n; i++) {
		bool not = v->v[i][0] == '!';
		bool hit = comm && ph_glob(v->v[i] + not, comm);

		if (not && hit)
			return false;
		wanted |= !not;
		found |= !not && hit;
	}
	return !wanted || found;
}

/* A task that gets another name has both at that moment. */
static bool match_rename(const struct ph_selection *sel, const struct ph_event *ev)
{
	const unsigned int names[] = { PH_FLD(task_rename, oldcomm), PH_FLD(task_rename, newcomm) };

	if (!ev->cls || ev->cls->id != PH_EV_task_rename || !ph_class_like_ours(ev->cls))
		return false;
	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		const struct ph_value *v = ph_event_field(ev, names[i]);
		ph_autofree char *comm = v ? ph_strndup(v->s, v->n) : NULL;

		if (comm && match_comm(&sel->comm, comm))
			return true;
	}
	return false;
}

static bool match_ns(const struct ph_selection *sel, const struct ph_task *t)
{
	bool wanted = false, found = false;

	for (size_t i = 0; i < sel->nns; i++) {
		bool hit = t && t->ns[sel->ns_sel[i].type] == sel->ns_sel[i].inum;

		if (sel->ns_sel[i].not && hit)
			return false;
		wanted |= !sel->ns_sel[i].not;
		found |= !sel->ns_sel[i].not && hit;
	}
	return !wanted || found;
}

bool ph_selection_match_comm(const struct ph_selection *sel, const char *comm)
{
	return !sel->comm.n || match_comm(&sel->comm, comm);
}

bool ph_selection_match(const struct ph_selection *sel, const struct ph_identity *id,
			const struct ph_event *ev)
{
	const struct ph_task *t;

	if (sel->all)
		return true;
	if (ph_selection_by_container(sel)) {
		const struct ph_container *c = ph_identity_container(id, ev->container);
		struct ph_container untold = { .index = ev->container };

		if (ev->container == PH_CONTAINER_UNKNOWN)
			return false;
		if (!ph_selection_match_within(sel, c ? c : &untold, ph_identity_guest(id, ev->pid)))
			return false;
	}
	if (!sel->pids.n && !sel->comm.n && !sel->nns)
		return true;
	if (!match_pids(sel, ev))
		return false;
	if (!sel->comm.n && !sel->nns)
		return true;
	t = ph_identity_task(id, ev->tid);
	return (match_comm(&sel->comm, t ? t->comm : NULL) || match_rename(sel, ev)) && match_ns(sel, t);
}

/* ---- what is there ------------------------------------------------------------------------------- */

static void add_asked(struct ph_buf *b, const char *opt, const ph_strv *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			ph_buf_addf(b, ",%s", v->v[i]);
		else
			ph_buf_addf(b, "%s--%s %s", b->len ? " " : "", opt, v->v[i]);
	}
}

static const char *shown_name(const struct ph_container *c)
{
	return c->name && c->name[0] ? c->name : c->id && c->id[0] ? c->id : "(no name)";
}

#define SHOWN_MAX 10
#define SHORT_ID 12

void ph_selection_list(const struct ph_container *const *c, size_t n, struct ph_buf *out)
{
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++) {
		ph_buf_addf(out, "%s%s (#%u", i ? ", " : "", shown_name(c[i]), c[i]->index);
		if (c[i]->id && c[i]->id[0] && c[i]->id != shown_name(c[i]))
			ph_buf_addf(out, ", %.*s", random_id(c[i]->id) ? SHORT_ID : 64, c[i]->id);
		ph_buf_addc(out, ')');
	}
	if (n > SHOWN_MAX)
		ph_buf_addf(out, " and %zu more", n - SHOWN_MAX);
}

int ph_selection_none(const struct ph_selection *sel, const struct ph_container *const *c, size_t n,
		      struct ph_err *err)
{
	ph_autobuf asked = { 0 }, there = { 0 };
	const char *near = NULL;
	size_t found = 0, shown = 0, guests = 0;
	ph_autobuf what = { 0 };

	add_asked(&asked, "container", &sel->container);
	add_asked(&asked, "podname", &sel->podname);
	add_asked(&asked, "namespace", &sel->pod_namespace);
	add_asked(&asked, "selector", &sel->label);
	add_asked(&asked, "image", &sel->image);
	add_asked(&asked, "cgroup", &sel->cgroup);
	add_asked(&asked, "pid", &sel->pid);
	add_asked(&asked, "comm", &sel->comm);
	add_asked(&asked, "ns", &sel->ns);
	if (sel->host)
		ph_buf_addf(&asked, "%s--host", asked.len ? " " : "");
	for (size_t i = 0; i < n; i++) {
		if (c[i]->index == PH_CONTAINER_HOST)
			continue;
		found++;
		guests += ph_container_is_guest(c[i]);
		if (shown == SHOWN_MAX)
			continue;
		ph_buf_addf(&there, "%s%s", shown++ ? ", " : "", shown_name(c[i]));
	}
	if (sel->container.n && found) {
		ph_autofree const char **names = ph_alloc(n * 3 * sizeof(*names));
		size_t k = 0;

		for (size_t i = 0; i < n; i++) {
			if (c[i]->index != PH_CONTAINER_HOST && c[i]->name)
				names[k++] = c[i]->name;
			if (c[i]->index != PH_CONTAINER_HOST && c[i]->id)
				names[k++] = c[i]->id;
			if (c[i]->uuid)
				names[k++] = c[i]->uuid;
		}
		near = ph_nearest(sel->container.v[0] + (sel->container.v[0][0] == '!'), names, k);
	}
	if (!found)
		return ph_err_set(err, -ENOENT, "%s matches nothing: no container is there",
				  asked.p ? asked.p : "the selection");
	if (found > shown)
		ph_buf_addf(&there, " and %zu more", found - shown);
	if (found > guests)
		ph_buf_addf(&what, "%zu container%s", found - guests, found - guests == 1 ? "" : "s");
	if (guests)
		ph_buf_addf(&what, "%s%zu guest%s", what.len ? " and " : "", guests, guests == 1 ? "" : "s");
	return ph_err_set(err, -ENOENT, "%s matches none of %s%s%s%s; there %s: %s",
			  asked.p ? asked.p : "the selection", what.p,
			  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
			  found == 1 ? "is" : "are", there.p);
}
