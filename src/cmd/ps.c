/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "cmd/scan_opts.h"
#include "event/schema.h"

enum {
	COL_NAME, COL_ID, COL_RUNTIME, COL_IMAGE, COL_POD, COL_NAMESPACE, COL_STATE, COL_PID, COL_TASKS,
	COL_CPU, COL_MEM, COL_AGE, COL_CGROUP, COL_CPU_WHERE, COL_QUOTA, COL_PERIOD, COL_BURST,
	COL_MEM_WHERE, COL_START, COL_PARENT, COL_LEVEL, COL_HIERARCHY, COL_CGROUP_ID, COL_POD_UID,
	COL_LABELS, COL_BUNDLE, COL_UUID, COL_VCPUS, COL_NS, COL_MAX = COL_NS + PH_NS_MAX,
};

static const struct ph_col cols[COL_MAX] = {
	[COL_NAME] = { "CONTAINER", "container", PH_COL_STR, .help = "name, null where it has none" },
	[COL_ID] = { "ID", "id", PH_COL_STR, .help = "the runtime's id; shortened in columns" },
	[COL_RUNTIME] = { "RUNTIME", "runtime", PH_COL_STR,
			  .help = "docker, containerd, cri-o, podman, lxc, nspawn, …; kvm: a guest of KVM" },
	[COL_IMAGE] = { "IMAGE", "image", PH_COL_STR, .help = "image" },
	[COL_POD] = { "POD", "pod", PH_COL_STR, .help = "Kubernetes pod" },
	[COL_NAMESPACE] = { "NAMESPACE", "namespace", PH_COL_STR, .help = "Kubernetes namespace" },
	[COL_STATE] = { "STATE", "state", PH_COL_STR, .help = "created, running, paused, stopped" },
	[COL_PID] = { "PID", "pid", PH_COL_S64, .help = "host pid of its first process; the process that runs a guest" },
	[COL_TASKS] = { "TASKS", "tasks", PH_COL_U64, .help = "threads in it, not those of containers in it" },
	[COL_CPU] = { "CPU", "cpu_limit", PH_COL_F64,
		      .help = "CPUs it may use: its own limit or the tightest one above it" },
	[COL_MEM] = { "MEM", "memory_limit_bytes", PH_COL_BYTES,
		      .help = "memory it may use: its own limit or the tightest one above it" },
	[COL_AGE] = { "AGE", "age_ns", PH_COL_NS, .help = "time since its first process began" },
	[COL_CGROUP] = { "CGROUP", "cgroup", PH_COL_STR, .help = "its cgroup, null where it has none of its own" },
	[COL_CPU_WHERE] = { "CPU_CGROUP", "cpu_limit_cgroup", PH_COL_STR, true, "cgroup that sets the CPU limit" },
	[COL_QUOTA] = { "QUOTA_US", "cpu_quota_us", PH_COL_U64, true, "CPU time a period, microseconds" },
	[COL_PERIOD] = { "PERIOD_US", "cpu_period_us", PH_COL_U64, true, "the period, microseconds" },
	[COL_BURST] = { "BURST_US", "cpu_burst_us", PH_COL_U64, true, "what may be saved up, microseconds" },
	[COL_MEM_WHERE] = { "MEM_CGROUP", "memory_limit_cgroup", PH_COL_STR, true, "cgroup that sets the memory limit" },
	[COL_START] = { "START_NS", "start_unix_ns", PH_COL_U64, true, "start of its first process, Unix time" },
	[COL_PARENT] = { "IN", "parent", PH_COL_STR, true, "container that it runs in, null: the host" },
	[COL_LEVEL] = { "LEVEL", "pid_level", PH_COL_U64, true, "depth of its pid namespace, 0: the host's" },
	[COL_HIERARCHY] = { "HIERARCHY", "hierarchy", PH_COL_S64, true, "of the cgroup; 0: v2" },
	[COL_CGROUP_ID] = { "CGROUP_ID", "cgroup_id", PH_COL_U64, true, "id of the cgroup" },
	[COL_POD_UID] = { "POD_UID", "pod_uid", PH_COL_STR, true, "uid of the pod" },
	[COL_LABELS] = { "LABELS", "labels", PH_COL_STR, true, "key=value, comma-separated" },
	[COL_BUNDLE] = { "BUNDLE", "bundle", PH_COL_STR, true, "folder of its OCI bundle" },
	[COL_UUID] = { "UUID", "uuid", PH_COL_STR, true, "of a guest of KVM" },
	[COL_VCPUS] = { "VCPUS", "vcpus", PH_COL_U64, true, "virtual CPUs of a guest" },
	[COL_NS + PH_NS_CGROUP] = { "CGROUP_NS", "cgroup_ns", PH_COL_U64, true, "inode of its cgroup namespace" },
	[COL_NS + PH_NS_IPC] = { "IPC_NS", "ipc_ns", PH_COL_U64, true, "inode of its ipc namespace" },
	[COL_NS + PH_NS_MNT] = { "MNT_NS", "mnt_ns", PH_COL_U64, true, "inode of its mount namespace" },
	[COL_NS + PH_NS_NET] = { "NET_NS", "net_ns", PH_COL_U64, true, "inode of its network namespace" },
	[COL_NS + PH_NS_PID] = { "PID_NS", "pid_ns", PH_COL_U64, true, "inode of its pid namespace" },
	[COL_NS + PH_NS_TIME] = { "TIME_NS", "time_ns", PH_COL_U64, true, "inode of its time namespace" },
	[COL_NS + PH_NS_USER] = { "USER_NS", "user_ns", PH_COL_U64, true, "inode of its user namespace" },
	[COL_NS + PH_NS_UTS] = { "UTS_NS", "uts_ns", PH_COL_U64, true, "inode of its uts namespace" },
};

/* What --guests shows, where nothing else is asked for. */
static const char *const guest_fields[] = {
	"container", "uuid", "vcpus", "state", "pid", "tasks", "cpu_limit", "memory_limit_bytes", "age_ns", "parent", "cgroup",
};

static uint64_t unix_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

static const char *label(const struct ph_scan *scan, uint32_t index)
{
	const struct ph_container *c = &scan->containers.v[index]->c;

	return c->name ? c->name : c->id;
}

static void fill_limits(struct ph_cell *row, const struct ph_host_container *hc)
{
	ph_autofree char *cpu = ph_cmd_cpu_text(hc), *memory = ph_cmd_memory_text(hc);

	if (hc->cpu.found) {
		ph_cell_f64(&row[COL_CPU], (double)hc->cpu.quota_us / (double)hc->cpu.period_us);
		ph_cell_str(&row[COL_CPU_WHERE], hc->cpu.where);
		ph_cell_u64(&row[COL_QUOTA], hc->cpu.quota_us);
		ph_cell_u64(&row[COL_PERIOD], hc->cpu.period_us);
		ph_cell_u64(&row[COL_BURST], hc->cpu.burst_us);
	}
	ph_cell_text(&row[COL_CPU], "%s", cpu);
	if (hc->memory.found) {
		ph_cell_u64(&row[COL_MEM], hc->memory.bytes);
		ph_cell_str(&row[COL_MEM_WHERE], hc->memory.where);
	}
	ph_cell_text(&row[COL_MEM], "%s", memory);
}

static void add_row(struct ph_table *t, const struct ph_scan *scan, const struct ph_host_container *hc,
		    unsigned int depth, bool tree, uint64_t now)
{
	const struct ph_container *c = &hc->c;
	struct ph_cell *row = ph_table_row(t);
	ph_autobuf labels = { 0 };

	ph_cell_str(&row[COL_NAME], c->index == PH_CONTAINER_HOST ? "(host)" : c->name);
	if (tree)
		ph_cell_text(&row[COL_NAME], "%*s%s%s", (int)(depth ? (depth - 1) * 3 : 0), "",
			     depth ? "`- " : "", c->index == PH_CONTAINER_HOST ? "(host)" :
			     c->name ? c->name : "-");
	ph_cell_str(&row[COL_ID], c->id);
	if (c->id && strlen(c->id) == 64)
		ph_cell_text(&row[COL_ID], "%.12s", c->id);
	else if (c->id && c->uuid && !strcmp(c->id, c->uuid))
		ph_cell_text(&row[COL_ID], "%.8s", c->id);
	ph_cell_str(&row[COL_RUNTIME], c->runtime);
	ph_cell_str(&row[COL_IMAGE], c->image);
	ph_cell_str(&row[COL_POD], c->pod);
	ph_cell_str(&row[COL_NAMESPACE], c->pod_namespace);
	ph_cell_str(&row[COL_STATE], c->state);
	if (c->init_pid)
		ph_cell_s64(&row[COL_PID], c->init_pid);
	ph_cell_u64(&row[COL_TASKS], hc->ntasks);
	fill_limits(row, hc);
	if (c->start_ns) {
		ph_cell_u64(&row[COL_START], c->start_ns);
		ph_cell_u64(&row[COL_AGE], now > c->start_ns ? now - c->start_ns : 0);
	}
	ph_cell_str(&row[COL_CGROUP], c->cgroup_path);
	if (c->parent && c->parent < scan->containers.n)
		ph_cell_str(&row[COL_PARENT], label(scan, c->parent));
	ph_cell_u64(&row[COL_LEVEL], hc->pid_level);
	if (c->cgroup_path)
		ph_cell_s64(&row[COL_HIERARCHY], c->hierarchy);
	if (c->cgroup_id)
		ph_cell_u64(&row[COL_CGROUP_ID], c->cgroup_id);
	ph_cell_str(&row[COL_POD_UID], c->pod_uid);
	for (size_t i = 0; i < c->labels.n; i++)
		ph_buf_addf(&labels, "%s%s", i ? "," : "", c->labels.v[i]);
	ph_cell_str(&row[COL_LABELS], labels.p);
	ph_cell_str(&row[COL_BUNDLE], hc->bundle);
	ph_cell_str(&row[COL_UUID], c->uuid);
	if (hc->guest)
		ph_cell_u64(&row[COL_VCPUS], hc->guest->vcpus.n);
	for (unsigned int i = 0; i < PH_NS_MAX; i++)
		if (c->ns[i])
			ph_cell_u64(&row[COL_NS + i], c->ns[i]);
}

/* Depth first, so that what runs in a container stands below it. */
static void add_tree(struct ph_table *t, const struct ph_scan *scan, const bool *shown, uint32_t parent,
		     unsigned int depth, uint64_t now)
{
	for (uint32_t i = 1; i < scan->containers.n && depth < 64; i++) {
		const struct ph_host_container *hc = scan->containers.v[i];

		if (hc->c.parent != parent || i == parent)
			continue;
		if (shown[i])
			add_row(t, scan, hc, depth, true, now);
		add_tree(t, scan, shown, i, depth + shown[i], now);
	}
}

static int print(struct ph_scan *scan, const struct ph_selection *sel, const struct ph_table_fmt *fmt,
		 bool tree, bool guests)
{
	ph_autofree bool *shown = ph_alloc(scan->containers.n * sizeof(*shown));
	uint64_t now = unix_now_ns();
	struct ph_err err = { 0 };
	struct ph_table t;
	ph_autobuf out = { 0 };
	size_t n = 0;
	int r;

	for (size_t i = 0; i < scan->containers.n; i++) {
		bool host = i == PH_CONTAINER_HOST;

		/* The host is shown on request only: this is a list of containers. */
		shown[i] = (!host || sel->host) && ph_cmd_scan_match(sel, scan, scan->containers.v[i]) &&
			   (!guests || ph_container_is_guest(&scan->containers.v[i]->c));
		n += shown[i];
	}
	if (!n && !ph_selection_empty(sel))
		return ph_cmd_scan_none("ps", sel, scan);
	ph_table_init(&t, cols, COL_MAX);
	if (shown[0])
		add_row(&t, scan, scan->containers.v[0], 0, tree, now);
	if (tree) {
		add_tree(&t, scan, shown, PH_CONTAINER_HOST, shown[0], now);
	} else {
		for (size_t i = 1; i < scan->containers.n; i++)
			if (shown[i])
				add_row(&t, scan, scan->containers.v[i], 0, false, now);
	}
	r = ph_table_print(&t, fmt, ph_cmd_width(), &out, &err);
	ph_table_done(&t);
	if (r < 0)
		return ph_cmd_fail("ps", &err);
	r = ph_cmd_flush(&out);
	if (r < 0 && r != -EPIPE) {
		ph_err_sys(&err, r, "cannot write");
		return ph_cmd_fail("ps", &err);
	}
	return PH_EXIT_OK;
}

int ph_cmd_ps(int argc, char **argv)
{
	struct ph_opt sel_opts[PH_SELECTION_NOPTS], out_opts[PH_TABLE_NOPTS];
	struct ph_selection sel = { 0 };
	struct ph_table_fmt fmt = { 0 };
	bool tree = false, stopped = false, guests = false;
	const struct ph_opt own[] = {
		{ "tree", 0, PH_OPT_FLAG, NULL, &tree, .help = "show containers below those that they run in" },
		{ "stopped", 0, PH_OPT_FLAG, NULL, &stopped,
		  .help = "also those that exist but do not run; so does --all" },
		{ "guests", 0, PH_OPT_FLAG, NULL, &guests,
		  .help = "guests of KVM alone, with what is known of them" },
		{ 0 },
	};
	const struct ph_opt_group groups[] = {
		{ "Options", own }, { "Selection", sel_opts }, { "Output", out_opts }, { 0 },
	};
	struct ph_err err = { 0 };
	struct ph_scan scan = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_selection_opts(&sel, sel_opts);
	ph_table_opts(&fmt, out_opts);
	r = ph_cmd_options("ps", "Lists the containers of this host: found from cgroups and namespaces, "
			   "named by what\ntheir runtimes left on disk. No runtime has to be there. Guests of KVM are "
			   "listed too.",
			   "  porthole ps --tree\n"
			   "  porthole ps -n kube-system --sort -memory_limit_bytes\n"
			   "  porthole ps -o json --fields container,pid,pid_ns\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (fmt.json_schema) {
		r = ph_cmd_schema(cols, COL_MAX);
		goto out;
	}
	if (guests && !fmt.fields.n && fmt.output == PH_OUT_COLUMNS)
		for (size_t i = 0; i < PH_ARRAY_SIZE(guest_fields); i++)
			ph_strv_add(&fmt.fields, guest_fields[i]);
	/* `porthole ps web` is what one types: an argument is a container. */
	for (size_t i = 0; i < args.n; i++)
		ph_strv_add(&sel.container, args.v[i]);
	if (ph_selection_check(&sel, &err) < 0 || ph_table_check(&fmt, cols, COL_MAX, &err) < 0) {
		r = ph_cmd_usage("ps", "%s", err.msg);
		goto out;
	}
	r = ph_cmd_scan("ps", &scan, stopped || sel.all);
	if (r == PH_EXIT_OK)
		r = print(&scan, &sel, &fmt, tree, guests);
	ph_scan_done(&scan);
out:
	ph_vec_done(&args);
	ph_selection_done(&sel);
	ph_strv_done(&fmt.fields);
	return r;
}
