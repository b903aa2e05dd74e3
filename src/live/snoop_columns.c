/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "event/syscalls.h"
#include "live/calls_priv.h"
#include "live/snoop_priv.h"

const struct ph_col ph_snoop_common[PH_SNOOP_NCOMMON] = {
	[PH_SNOOP_TIME] = { "TIME", "time_ns", PH_COL_S64, .width = 15, .help = "when it began, Unix time" },
	[PH_SNOOP_CONTAINER] = { "CONTAINER", "container", PH_COL_STR, .width = 12,
				 .help = "name or id of the container, null: the host or unknown" },
	[PH_SNOOP_PID] = { "PID", "pid", PH_COL_S64, .width = 7, .help = "process id on the host" },
	[PH_SNOOP_COMM] = { "COMM", "comm", PH_COL_STR, .width = 15, .help = "name of the task" },
	{ "TID", "tid", PH_COL_S64, true, "thread id on the host", 7 },
	{ "VPID", "vpid", PH_COL_S64, true, "process id as its own pid namespace has it", 5 },
	{ "PPID", "ppid", PH_COL_S64, true, "process id of the parent on the host", 7 },
	{ "CPU", "cpu", PH_COL_U64, true, "CPU that it began on", 3 },
	{ "ID", "container_id", PH_COL_STR, true, "the runtime's id of the container", 12 },
	{ "IMAGE", "image", PH_COL_STR, true, "image of the container", 12 },
	{ "POD", "pod", PH_COL_STR, true, "pod of the container", 12 },
	{ "NAMESPACE", "namespace", PH_COL_STR, true, "Kubernetes namespace", 12 },
};

enum { TID = PH_SNOOP_COMM + 1, VPID, PPID, CPU, CONTAINER_ID, IMAGE, POD, NAMESPACE };

static void set_number(struct ph_cell *c, int64_t v, int64_t least)
{
	c->set = v >= least;
	c->i = v;
}

static void set_text(struct ph_cell *c, const char *s)
{
	if (s && *s)
		ph_cell_str(c, s);
}

void ph_snoop_identify(const struct ph_identity *id, struct ph_snoop_row *row)
{
	const struct ph_task *t = row->tid >= 0 ? ph_identity_task(id, row->tid) : NULL;
	const struct ph_container *ct;
	struct ph_cell *c = row->cells;

	/* Who is not selected is not known before its first event: what is known later completes it. */
	if (row->container == PH_CONTAINER_UNKNOWN && t)
		row->container = t->container;
	if (row->pid < 0 && t)
		row->pid = t->pid;
	set_number(&c[TID], row->tid, 0);
	set_number(&c[PH_SNOOP_PID], row->pid, 0);
	ph_cell_u64(&c[CPU], row->cpu);
	if (t) {
		set_text(&c[PH_SNOOP_COMM], t->comm);
		set_number(&c[PPID], t->ppid, 0);
		if (t->levels)
			set_number(&c[VPID], t->vpid[t->levels - 1], 0);
	} else if (row->tid == 0) {
		set_text(&c[PH_SNOOP_COMM], "swapper");
	}
	if (row->container == PH_CONTAINER_UNKNOWN)
		return;
	set_text(&c[PH_SNOOP_CONTAINER], ph_container_label(id, row->container));
	ct = ph_identity_container(id, row->container);
	if (!ct || !row->container)
		return;
	set_text(&c[CONTAINER_ID], ct->id);
	set_text(&c[IMAGE], ct->image);
	set_text(&c[POD], ct->pod);
	set_text(&c[NAMESPACE], ct->pod_namespace);
}

/* ---- what events say --------------------------------------------------------------------------- */

/* Words as a shell would take them: what has blanks or quotes in it stands in quotes. */
static void add_words(struct ph_buf *b, const char *s, uint32_t n)
{
	uint32_t at = 0, len;

	while (at < n) {
		bool plain;

		len = (uint32_t)strnlen(s + at, n - at);
		plain = len && strcspn(s + at, " \t\n'\"\\") >= len;
		if (at)
			ph_buf_addc(b, ' ');
		if (!plain)
			ph_buf_addc(b, '\'');
		ph_buf_add(b, s + at, len);
		if (!plain)
			ph_buf_addc(b, '\'');
		at += len + 1;
	}
}

static void add_text(const struct ph_identity *id, struct ph_buf *b, const struct ph_field *f, const struct ph_value *v)
{
	const char *label;

	switch (f->type->kind) {
	case PH_KIND_STR:
		ph_buf_add(b, v->s ? v->s : "", v->s ? v->n : 0);
		return;
	case PH_KIND_BYTES:
		if (f->unit == PH_UNIT_ARGV)
			add_words(b, v->s, v->n);
		else if (f->unit == PH_UNIT_SOCKADDR)
			ph_symbol_add_sockaddr(b, v->s, v->n);
		else
			ph_symbol_add_addr(b, v->s, v->n);
		return;
	case PH_KIND_ENUM:
		label = ph_enum_label(f->type, v);
		if (label)
			ph_buf_adds(b, label);
		return;
	case PH_KIND_INT:
	case PH_KIND_UINT:
		break;
	default:
		return;
	}
	if (f->unit == PH_UNIT_CONTAINER)
		ph_buf_adds(b, v->u <= UINT32_MAX ? ph_container_label(id, (uint32_t)v->u) : "");
	else if (ph_symbol_add(b, f->unit, v->i) || f->unit == PH_UNIT_RET)
		;	/* a result that is no error has no name */
	else if (f->type->kind == PH_KIND_INT)
		ph_buf_add_s64(b, v->i);
	else
		ph_buf_add_u64(b, v->u);
}

void ph_snoop_set(const struct ph_identity *id, struct ph_cell *c, enum ph_col_type type,
		  const struct ph_field *f, const struct ph_value *v)
{
	enum ph_kind kind = f->type->kind;
	ph_autobuf b = { 0 };

	if (type == PH_COL_STR) {
		add_text(id, &b, f, v);
		if (b.len)
			ph_cell_str(c, b.p);
		return;
	}
	if (kind != PH_KIND_INT && kind != PH_KIND_UINT && kind != PH_KIND_ENUM)
		return;
	/* What failed has no amount. */
	if (f->unit == PH_UNIT_RET && v->i < 0 && type != PH_COL_S64)
		return;
	c->u = v->u;
	c->set = true;
}

static const struct ph_value *field(const struct ph_event *ev, const char *name, enum ph_kind a, enum ph_kind b)
{
	for (uint32_t i = 0; i < ev->cls->nfields; i++) {
		enum ph_kind kind = ev->cls->fields[i].type->kind;

		if (!strcmp(ev->cls->fields[i].name, name))
			return kind == a || kind == b ? &ev->v[i] : NULL;
	}
	return NULL;
}

int64_t ph_snoop_number(const struct ph_event *ev, const char *name, int64_t otherwise)
{
	const struct ph_value *v = field(ev, name, PH_KIND_INT, PH_KIND_UINT);

	return v ? v->i : otherwise;
}

const struct ph_value *ph_snoop_text(const struct ph_event *ev, const char *name)
{
	const struct ph_value *v = field(ev, name, PH_KIND_STR, PH_KIND_STR);

	return v && v->s ? v : NULL;
}

const struct ph_value *ph_snoop_bytes(const struct ph_event *ev, const char *name)
{
	return field(ev, name, PH_KIND_BYTES, PH_KIND_BYTES);
}

/* ---- what is computed ---------------------------------------------------------------------------- */

void ph_snoop_call(const struct ph_snoop_at *at, struct ph_cell *c)
{
	static const char *const prefixes[] = { "compat_syscall_entry_", "syscall_entry_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i]);

		if (!strncmp(at->ev->cls->name, prefixes[i], n)) {
			ph_cell_str(c, at->ev->cls->name + n);
			return;
		}
	}
}

void ph_snoop_call_name(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (!c->set && at->row->call && at->row->call->cc)
		ph_cell_str(c, at->row->call->cc->name);
}

void ph_snoop_call_args(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_autobuf b = { 0 };

	if (!at->last || !at->row->call)
		return;
	ph_call_add_args(at->row->call, 0, false, &b);
	ph_cell_str(c, b.p ? b.p : "");
}

void ph_snoop_call_error(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_autobuf b = { 0 };

	if (at->last && at->row->call && ph_call_failed(at->row->call) && ph_symbol_add(&b, PH_UNIT_RET, at->row->call->ret))
		ph_cell_str(c, b.p);
}

void ph_snoop_in_call(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct ph_task *t = ph_identity_task(at->id, at->ev->tid);
	const struct ph_syscall *call = t && t->in_syscall >= 0 ? ph_syscall_by_nr(t->in_syscall, false) : NULL;

	if (call)
		ph_cell_str(c, call->name);
}

/* A task that is born is in no call yet, its parent is. */
void ph_snoop_ns_call(const struct ph_snoop_at *at, struct ph_cell *c)
{
	static const char *const births[] = { "clone", "clone3", "fork", "vfork" };
	const struct ph_task *t = ph_identity_task(at->id, at->row->tid);
	const struct ph_syscall *call;

	ph_snoop_in_call(at, c);
	if (c->set || !t || ph_snoop_world_has_exec(at->world, t->tid))
		return;
	t = ph_identity_task(at->id, t->ppid);
	call = t && t->in_syscall >= 0 ? ph_syscall_by_nr(t->in_syscall, false) : NULL;
	for (size_t i = 0; call && i < PH_ARRAY_SIZE(births); i++)
		if (!strcmp(call->name, births[i]))
			ph_cell_str(c, births[i]);
}

void ph_snoop_total(const struct ph_snoop_at *at, struct ph_cell *c)
{
	c->set = c->set && at->last && at->row->what && !strcmp(at->row->what, "close");
}

void ph_snoop_what(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (at->row->what)
		ph_cell_str(c, at->row->what);
}

void ph_snoop_duration(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (at->last && !at->row->single)
		ph_cell_u64(c, at->row->end_ns - at->row->begin_ns);
}

void ph_snoop_not_zero(const struct ph_snoop_at *at, struct ph_cell *c)
{
	(void)at;
	c->set = c->set && c->u;
}

void ph_snoop_on_cpu(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_cell_u64(c, at->ev->cpu);
}

void ph_snoop_limit(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t id = ph_snoop_number(at->ev, "limit_cgroup_id", 0);

	set_text(c, id ? ph_snoop_world_cpu_cgroup(at->world, (uint64_t)id) : NULL);
}

/* As of the call's entry: it may be the one that closes it. */
void ph_snoop_file(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t fd = ph_snoop_number(at->ev, "fd", -1);

	if (fd >= 0 && !at->last)
		set_text(c, ph_snoop_world_file(at->world, at->ev, fd));
}

void ph_snoop_disk(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t dev = ph_snoop_number(at->ev, "dev", 0);
	const char *name = ph_snoop_world_disk(at->world, (uint64_t)dev);
	ph_autobuf b = { 0 };

	if (!name && dev && ph_symbol_add(&b, PH_UNIT_DEV, dev))
		name = b.p;
	set_text(c, name);
}

/* A request that was never queued had no time there. */
void ph_snoop_queue_time(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (at->ev->cls->id == PH_EV_block_rq_issue && !at->last)
		ph_cell_u64(c, at->ev->ts_ns - at->row->begin_ns);
}

void ph_snoop_device_time(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (at->last)
		ph_cell_u64(c, at->row->end_ns - at->row->mark_ns);
}

void ph_snoop_granted(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t ret = ph_snoop_number(at->ev, "ret", 1);

	if (ret <= 0)
		ph_cell_u64(c, ret == 0);
}

/* A socket that is being closed has given its own back already. */
void ph_snoop_local_port(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t port = ph_snoop_number(at->ev, "sport", 0);

	if (port)
		ph_cell_u64(c, (uint64_t)port);
}

void ph_snoop_runtime(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct ph_container *ct = at->row->container == PH_CONTAINER_UNKNOWN || !at->row->container ? NULL :
					ph_identity_container(at->id, at->row->container);

	if (ct)
		set_text(c, ct->runtime);
}

/* ---- strings that were read at the call's end ---------------------------------------------------- */

struct late {
	const char *call;
	int arg;
};

/* One of these arguments; @calls ends with NULL. */
static void late(const struct ph_snoop_at *at, struct ph_cell *c, const struct late *calls)
{
	const struct ph_value *value;
	const struct ph_syscall *call;
	int64_t arg;

	if (at->ev->cls->id != PH_EV_syscall_late_string)
		return;
	arg = ph_snoop_number(at->ev, "arg", -1);
	value = ph_snoop_text(at->ev, "value");
	call = ph_syscall_by_nr((int)ph_snoop_number(at->ev, "nr", -1), false);
	for (; call && value && value->n && calls->call; calls++) {
		if (strcmp(calls->call, call->name) || arg != calls->arg)
			continue;
		if (c->owned)
			free((char *)c->s);
		c->s = ph_strndup(value->s, value->n);
		c->set = c->owned = true;
	}
}

void ph_snoop_mount_source(const struct ph_snoop_at *at, struct ph_cell *c)
{
	late(at, c, (const struct late[]){ { "mount", 0 }, { "move_mount", 1 }, { "open_tree", 1 }, { 0 } });
}

void ph_snoop_mount_target(const struct ph_snoop_at *at, struct ph_cell *c)
{
	late(at, c, (const struct late[]){ { "mount", 1 }, { "umount", 0 }, { "move_mount", 3 }, { "pivot_root", 0 },
					   { "mount_setattr", 1 }, { 0 } });
}

void ph_snoop_mount_type(const struct ph_snoop_at *at, struct ph_cell *c)
{
	late(at, c, (const struct late[]){ { "mount", 2 }, { "fsopen", 0 }, { 0 } });
}

/*
 * Its pid namespace says so, or what is known of the container; but before its namespaces are known that is only
 * who came into its cgroup first, as runtimes do to make the first process.
 */
bool ph_snoop_is_init(const struct ph_identity *id, int32_t tid)
{
	const struct ph_task *t = ph_identity_task(id, tid);
	const struct ph_container *ct = t ? ph_identity_container(id, t->container) : NULL;

	if (!ct || !t->container || t->container == PH_CONTAINER_UNKNOWN)
		return false;
	return (t->levels > 1 && t->vpid[t->levels - 1] == 1) || (ct->init_pid > 0 && ct->init_pid == t->pid && ct->ns[PH_NS_PID]);
}

bool ph_snoop_is_visitor(const struct ph_identity *id, int32_t tid)
{
	const struct ph_task *t = ph_identity_task(id, tid), *parent = t ? ph_identity_task(id, t->ppid) : NULL;

	return parent && t->container && t->container != PH_CONTAINER_UNKNOWN && parent->container != t->container;
}

void ph_snoop_init(const struct ph_snoop_at *at, struct ph_cell *c)
{
	ph_cell_u64(c, ph_snoop_is_init(at->id, at->row->tid));
}

/* ---- the end of a process ------------------------------------------------------------------------ */

static int64_t wait_status(const struct ph_snoop_at *at)
{
	return at->last ? ph_identity_process_status(at->ev) : -1;
}

void ph_snoop_exit_code(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t status = wait_status(at);

	if (status >= 0 && !(status & 0x7f))
		ph_cell_s64(c, status >> 8 & 0xff);
}

void ph_snoop_exit_signal(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t status = wait_status(at);
	ph_autobuf b = { 0 };

	if (status < 0 || !(status & 0x7f))
		return;
	if (!ph_symbol_add(&b, PH_UNIT_SIGNAL, status & 0x7f))
		ph_buf_add_s64(&b, status & 0x7f);
	ph_cell_str(c, b.p);
}

/* Of the first thread, which need not be the last. */
static void of_first(const struct ph_snoop_at *at, const char *field, struct ph_cell *c)
{
	if (at->ev->cls->id == PH_EV_sched_process_exit && ph_snoop_number(at->ev, "tid", -1) == at->row->pid &&
	    ph_snoop_number(at->ev, field, -1) >= 0)
		ph_cell_u64(c, (uint64_t)ph_snoop_number(at->ev, field, 0));
}

void ph_snoop_first_ran(const struct ph_snoop_at *at, struct ph_cell *c)
{
	of_first(at, "runtime_ns", c);
}

void ph_snoop_first_waited(const struct ph_snoop_at *at, struct ph_cell *c)
{
	of_first(at, "run_delay_ns", c);
}

void ph_snoop_exit_oom(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (at->ev->cls->id == PH_EV_oom_mark_victim)
		ph_cell_u64(c, true);
	else if (!c->set)
		ph_cell_u64(c, false);
}

void ph_snoop_age(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct ph_task *t = ph_identity_task(at->id, at->row->tid);

	if (at->last && t && t->start_ns && t->start_ns <= at->ev->ts_ns)
		ph_cell_u64(c, at->ev->ts_ns - t->start_ns);
}

/* ---- signals ------------------------------------------------------------------------------------- */

/* Who made it, or of the kernel's own: why. */
void ph_snoop_si_code(const struct ph_snoop_at *at, struct ph_cell *c)
{
	int64_t code = ph_snoop_number(at->ev, "code", INT64_MIN), sig = ph_snoop_number(at->ev, "sig", 0);
	ph_autobuf b = { 0 };

	if (code == INT64_MIN)
		return;
	if (!call_add_si_code(&b, (int)sig, (int)code))
		ph_buf_add_s64(&b, code);
	ph_cell_str(c, b.p);
}

void ph_snoop_sig_result(const struct ph_snoop_at *at, struct ph_cell *c)
{
	static const char *const results[] = { "delivered", "ignored", "pending", "lost", "without-info" };
	int64_t result = ph_snoop_number(at->ev, "result", -1);

	if (result >= 0 && result < (int64_t)PH_ARRAY_SIZE(results))
		ph_cell_str(c, results[result]);
}

/* ---- in whose context the last event was ---------------------------------------------------------------- */

void ph_snoop_event_pid(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (at->last)
		set_number(c, at->ev->pid, 0);
}

void ph_snoop_event_comm(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct ph_task *t = ph_identity_task(at->id, at->ev->tid);

	if (at->last)
		set_text(c, t ? t->comm : at->ev->tid == 0 ? "swapper" : NULL);
}

void ph_snoop_event_container(const struct ph_snoop_at *at, struct ph_cell *c)
{
	if (at->last && at->ev->container != PH_CONTAINER_UNKNOWN)
		set_text(c, ph_container_label(at->id, at->ev->container));
}
