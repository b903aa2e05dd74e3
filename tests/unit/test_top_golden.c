/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole screens of top, as keys lead to them, at three sizes: tests/data/top/WIDTHxHEIGHT has them, each behind the keys
 * that were pressed since the one before. A line begins with what it is: h heading, > selected, t title, ! warning,
 * k keys. PH_GOLDEN=write makes them anew: look at what git diff says of them then.
 */
#include "top_host.h"

#include <locale.h>

#include "live/top_trace.h"
#include "source/synthetic.h"

#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define ID3 "3333333333333333333333333333333333333333333333333333333333333333"
#define ID4 "4444444444444444444444444444444444444444444444444444444444444444"
#define ID5 "5555555555555555555555555555555555555555555555555555555555555555"
#define EVIL "ev\x1b[31mil\xc2\x9b\xe2\x80\xaex"
#define WIDE "日本語の名前が長い容器"
#define ROCKET "🚀launch👩‍👩‍👧"

static const struct {
	const char *id, *in, *name, *image, *pod, *restarts, *comm, *args;	/* args: each ends with a | */
	int pid;
	unsigned int quota, memory_mib, usage, kib, net;	/* of 100000; per mille of a CPU; what it does to disk and network */
} made[] = {
	{ ID1, "", "web-frontend", "registry.example/shop/nginx:1.25.3-alpine", "web-7", "3", "nginx", "nginx: worker process|", 60, 50000, 64, 500, 4, 900 },
	{ ID2, "", "web-sidecar", "proxy:2", "web-7", NULL, "envoy",
	  "/usr/bin/envoy|-c|/etc/envoy.yaml|", 61, 25000, 0, 120, 0, 900 },
	{ ID3, "", "db", "postgres:16", "db-0", NULL, "postgres",
	  "postgres: checkpointer|", 62, 0, 512, 830, 70000, 12 },
	{ ID4, "", "a-name-that-goes-on-and-on-and-on-until-no-screen-has-room-for-it",
	  "batch", NULL, NULL, "sh", "sh|-c|while :; do work; done|", 63, 0, 0, 1900, 1, 0 },
	{ ID5, "/docker/" ID3, "in-the-db", "backup:1", NULL, NULL, "cron", "cron|-f|", 67, 0, 0, 30, 0, 0 },
	{ NULL, "", EVIL, NULL, NULL, NULL, "ev\x1bil", "/bin/ev\x1b[2Jil|\xff|", 64, 0, 0, 1, 0, 0 },
	{ NULL, "", WIDE, NULL, NULL, NULL, "容器", "容器|日本語の名前|", 65, 0, 0, 40, 0, 0 },
	{ NULL, "", ROCKET, NULL, NULL, NULL, "rocket", "", 66, 0, 0, 7, 0, 0 },
};

/* A trace, and how far it has been read. */
struct reel {
	struct ph_identity *id;
	struct ph_source *src;
	struct ph_event *ev;
	uint64_t at, end;
};

struct screen {
	struct host h;
	struct reel reel;
	struct ph_top t;
	struct ph_top_view v;
	unsigned int round, width, height;
	struct ph_buf out;
};

static char *in_cgroup(size_t i, const char *file)
{
	return made[i].id ? ph_asprintf("sys/fs/cgroup%s/docker/%s/%s", made[i].in, made[i].id, file) :
			    ph_asprintf("sys/fs/cgroup/lxc.payload.%s/%s", made[i].name, file);
}

static void put_cgroup(struct host *h, size_t i, const char *file, const char *fmt, unsigned int a, unsigned int b, unsigned int c)
{
	ph_autofree char *path = in_cgroup(i, file), *text = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	text = ph_asprintf(fmt, a, b, c);
#pragma GCC diagnostic pop
	put(h, path, "%s", text);
}

static void put_proc(struct host *h, int pid, const char *file, const char *text)
{
	ph_autofree char *path = ph_asprintf("proc/%d/%s", pid, file);

	put(h, path, "%s", text);
}

/* As the files are after @k seconds. */
static void at_second(struct host *h, unsigned int k)
{
	proc_files(h, 180 * k, 20 * k);
	for (size_t i = 0; i < PH_ARRAY_SIZE(made); i++) {
		/* Some come and go, for the past to have a shape. */
		unsigned int ms = made[i].usage * (k / 2 + (k % 2 ? 1 : 0)), pid = (unsigned int)made[i].pid;
		ph_autofree char *net = ph_asprintf("a\nb\n lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n  eth0: %u %u 0 0 0 0 0 0 %u %u 0 1 0 0 0 0\n",
						    k * made[i].net * 1000, k * made[i].net, k * made[i].net * 20, k * made[i].net / 2);
		ph_autofree char *wait = ph_asprintf("%u000000 %u000000 %u\n", ms, ms / 4, k);
		ph_autofree char *stat = ph_asprintf("%u (%s) S 1 1 1 0 -1 4194560 0 0 0 0 %u %u 0 0 20 0 %d 0 %u 0 %u", pid, made[i].comm,
						     ms / 20, ms / 20, i ? 1 : 2, pid * 100, 100 + made[i].usage);
		ph_autofree char *sched = ph_asprintf("task/%u/schedstat", pid);

		put_cgroup(h, i, "cpu.stat", "usage_usec %u\nuser_usec %u\nsystem_usec %u\n", ms * 1000, ms * 700, ms * 300);
		if (made[i].quota)
			put_cgroup(h, i, "cpu.stat", "usage_usec %u\nuser_usec 0\nsystem_usec 0\nnr_periods %u\nnr_throttled %u\n",
				   ms * 1000, k * 10, k * 4);
		put_cgroup(h, i, "memory.current", "%u\n", made[i].usage << 16, 0, 0);
		put_cgroup(h, i, "memory.stat", "anon 1\ninactive_file 4096\npgfault %u\npgmajfault %u\n", k * made[i].usage, k * 2, 0);
		put_cgroup(h, i, "memory.events", "low 0\noom_kill %u\n", i == 2, 0, 0);
		put_cgroup(h, i, "pids.current", "%u\n", 2 + (unsigned int)i, 0, 0);
		put_cgroup(h, i, "io.stat", "8:0 rbytes=%u wbytes=%u rios=%u wios=0 dbytes=0 dios=0\n", k * made[i].kib << 10,
			   k * made[i].kib << 8, k * made[i].kib / 64);
		put_proc(h, made[i].pid, "net/dev", net);
		put_proc(h, made[i].pid, sched, wait);
		put_proc(h, made[i].pid, "schedstat", wait);
		put_proc(h, made[i].pid, "stat", stat);
	}
}

static void make_container(struct host *h, size_t i)
{
	ph_autofree char *cg = made[i].id ? ph_asprintf("0::%s/docker/%s\n", made[i].in, made[i].id) : ph_asprintf("0::/lxc.payload.%s\n", made[i].name);
	ph_autofree char *cmdline = ph_asprintf("%s/proc/%d/cmdline", h->root, made[i].pid);
	ph_autofree char *pod = made[i].pod ? ph_asprintf("\"io.kubernetes.pod.name\":\"%s\",\"io.kubernetes.pod.namespace\":\"shop\"", made[i].pod) : ph_strdup("");
	FILE *f;

	add_proc(h, made[i].pid, 1, made[i].comm, cg, 700 + (unsigned int)(made[i].net == 900 ? 0 : i), "\t1");
	ph_autofree char *status = ph_asprintf("Name:\tx\nTgid:\t%d\nNStgid:\t%d\t1\nNSpid:\t%d\t1\n", made[i].pid, made[i].pid, made[i].pid);
	put_proc(h, made[i].pid, "status", status);
	f = fopen(cmdline, "w");
	assert_non_null(f);
	for (const char *a = made[i].args; *a; a++)
		fputc(*a == '|' ? 0 : *a, f);
	fclose(f);
	if (!made[i].id)
		return;
	put_cgroup(h, i, "cpu.max", made[i].quota ? "%u 100000\n" : "max 100000\n", made[i].quota, 0, 0);
	put_cgroup(h, i, "memory.max", made[i].memory_mib ? "%u\n" : "max\n", made[i].memory_mib << 20, 0, 0);
	ph_autofree char *config = ph_asprintf("var/lib/docker/containers/%s/config.v2.json", made[i].id);
	put(h, config, "{\"Name\":\"/%s\",\"RestartCount\":%s,\"Config\":{\"Image\":\"%s\",\"Labels\":{%s}},\"State\":{\"Running\":true}}",
	    made[i].name, made[i].restarts ? made[i].restarts : "0", made[i].image, pod);
}

static bool shown(void *arg, const struct ph_top_row *r)
{
	(void)arg;
	return !r->gone;
}

#define MS 1000000ul

/* As who reads a trace does it for the screen. */
static void next_interval(struct screen *s)
{
	struct reel *r = &s->reel;
	struct ph_err err = { 0 };

	if (r->at == r->end) {
		ph_top_view_ended(&s->v);
		return;
	}
	r->at += 100 * MS;
	while (r->ev || ph_source_next(r->src, &r->ev, &err) > 0) {
		if (r->ev->ts_ns >= r->at)
			break;
		ph_identity_feed(r->id, r->ev);
		ph_top_trace_feed(&s->t, r->ev);
		r->ev = NULL;
	}
	ph_top_trace_round(&s->t, r->at);
	ph_top_view_arrived(&s->v, 1700000000 * PH_NSEC + r->at);
}

static void next_round(struct screen *s)
{
	struct ph_err err = { 0 };

	if (s->reel.src) {
		ph_top_view_step(&s->v, 1);
		while (s->v.replay.next)
			next_interval(s);
		return;
	}

	at_second(&s->h, ++s->round);
	assert_int_equal(ph_top_round(&s->t, (1000 + s->round) * PH_NSEC, &err), 0);
	ph_top_view_round(&s->v, (1000 + s->round) * PH_NSEC);
}

static void screen_new(struct screen *s, unsigned int width, unsigned int height, bool utf8)
{
	struct ph_err err = { 0 };

	*s = (struct screen){ .width = width, .height = height };
	v2_host(&s->h);
	for (size_t i = 0; i < PH_ARRAY_SIZE(made); i++)
		make_container(&s->h, i);
	put_link(&s->h, "proc/60/fd/3", "socket:[777]");
	put_link(&s->h, "proc/60/fd/4", "/var/log/a\x1b[31mlog-日本語");
	put_proc(&s->h, 60, "net/tcp", "  sl  local_address\n"
		 "   0: 0100007F:0050 0200000A:9C40 01 00000010:00000400 00:00000000 00000000     0        0 777 1 0 100\n"
		 "   1: 0100007F:0050 0200000A:9C41 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0\n");
	put_proc(&s->h, 60, "task/68/stat", "68 (worker) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 6000 0 0");
	put_proc(&s->h, 60, "task/60/stat", "60 (nginx) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 6000 0 0");
	at_second(&s->h, 0);
	assert_int_equal(ph_top_open(&s->t, s->h.root, &cgroups, &err), 0);
	s->t.want.no_bpf = false;
	ph_top_view_init(&s->v, &s->t);
	s->v.utf8 = utf8;
	/* What is on the screen is asked for from then on. */
	ph_top_view_draw(&s->v, width, height, 1700000000 * PH_NSEC);
	for (unsigned int i = 0; i < 9; i++)
		next_round(s);
}

static void screen_done(struct screen *s)
{
	ph_top_view_done(&s->v);
	ph_top_close(&s->t);
	host_done(&s->h);
	ph_buf_done(&s->out);
}

static const struct { const char *name; int key; } named[] = {
	{ "Enter", PH_KEY_ENTER }, { "Back", PH_KEY_BACK }, { "Esc", PH_KEY_ESCAPE }, { "Up", PH_KEY_UP }, { "Down", PH_KEY_DOWN },
	{ "Home", PH_KEY_HOME }, { "End", PH_KEY_END }, { "Left", PH_KEY_LEFT }, { "Right", PH_KEY_RIGHT }, { "F2", PH_KEY_VIEWS }, { "F6", PH_KEY_SORT },
};

/* Keys as they are, and <Name>; <round> lets a second pass, twice for rates of what is looked at newly. */
static void press(struct screen *s, const char *keys)
{
	while (*keys) {
		const char *end = *keys == '<' ? strchr(keys, '>') : NULL;
		size_t n = end ? (size_t)(end - keys - 1) : 0;
		bool found = false;

		ph_top_view_draw(&s->v, s->width, s->height, 1700086500 * PH_NSEC);
		if (n == 5 && !strncmp(keys + 1, "round", n)) {
			next_round(s);
			next_round(s);
			found = true;
		}
		for (size_t i = 0; n && i < PH_ARRAY_SIZE(named); i++) {
			if (strlen(named[i].name) != n || strncmp(named[i].name, keys + 1, n))
				continue;
			assert_true(ph_top_view_key(&s->v, named[i].key));
			found = true;
		}
		if (!found)
			assert_true(ph_top_view_key(&s->v, (unsigned char)*keys));
		while (s->v.replay.next)
			next_interval(s);
		keys = found ? end + 1 : keys + 1;
	}
}

/* What the screen has, its empty lines counted. */
static void take(struct screen *s, const char *keys)
{
	static const char marks[] = { [PH_STYLE_PLAIN] = ' ', [PH_STYLE_HEAD] = 'h', [PH_STYLE_SELECTED] = '>', [PH_STYLE_TITLE] = 't',
				      [PH_STYLE_WARN] = '!', [PH_STYLE_KEYS] = 'k' };
	size_t empty = 0;

	ph_top_view_draw(&s->v, s->width, s->height, 1700086500 * PH_NSEC);
	ph_buf_addf(&s->out, "==== %s\n", *keys ? keys : "at first");
	ph_vec_each(l, &s->v.lines) {
		size_t bytes;

		assert_true(ph_display_width(l->text.p ? l->text.p : "", SIZE_MAX, &bytes) <= s->width);
		if (!l->text.len) {
			empty++;
			continue;
		}
		if (empty)
			ph_buf_addf(&s->out, "     (%zu empty)\n", empty);
		empty = 0;
		ph_buf_addf(&s->out, "%c|%s\n", marks[l->style], l->text.p);
	}
}

static void compare(const struct screen *s, const char *name)
{
	ph_autofree char *path = ph_asprintf("%s/top/%s", PH_TEST_DATA, name);
	const char *write = getenv("PH_GOLDEN");
	ph_autobuf had = { 0 };
	char chunk[4096];
	size_t n, line = 1;
	FILE *f;

	if (write && !strcmp(write, "write")) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(s->out.p, 1, s->out.len, f), s->out.len);
		fclose(f);
		return;
	}
	f = fopen(path, "r");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		ph_buf_add(&had, chunk, n);
	fclose(f);
	for (const char *a = had.p ? had.p : "", *b = s->out.p; *a || *b; line++) {
		size_t na = strcspn(a, "\n"), nb = strcspn(b, "\n");

		if (na != nb || strncmp(a, b, na))
			fail_msg("%s:%zu:\n- %.*s\n+ %.*s", path, line, (int)na, a, (int)nb, b);
		a += na + (a[na] == '\n');
		b += nb + (b[nb] == '\n');
	}
}

static void play(unsigned int width, unsigned int height, bool utf8, const char *const *script, const char *name)
{
	struct screen s;

	screen_new(&s, width, height, utf8);
	for (; *script; script++) {
		press(&s, *script);
		take(&s, *script);
	}
	compare(&s, name);
	screen_done(&s);
}

static const char report[] = "web-frontend was throttled in 40 % of 50 periods, for 1.2 s in all, because it may use half a CPU and wanted more than that\n"
			     "\nTASK       PID   TOTAL  THROTTLED  WAITED  WHO HAD THE CPU MEANWHILE                             HOW LONG\n"
			     "nginx       60   1.2 s     800 ms  100 ms  a-name-that-goes-on-and-on-and-on-until-no-screen-has  90 ms\n";

/* From place to place and back. */
static const char *const tour[] = {
	"", "<round>", "<Down><Down>", "/we", "<Enter><Home>", "<Enter><round>", "<Enter>", "f", "n", "<Back><Back><Esc>", ">", "r", "r<", "t", "t<F2>", NULL,
};

static void tour_80(void **state)
{
	(void)state;
	play(80, 24, true, tour, "80x24");
}

static void tour_120(void **state)
{
	(void)state;
	play(120, 40, true, tour, "120x40");
}

static void tour_300(void **state)
{
	(void)state;
	play(300, 60, true, tour, "300x60");
}

/* The other views, reports and help; in a terminal without UTF-8. */
static void others_ascii(void **state)
{
	static const char *const views[] = {
		"", "<F2><Down><Enter>", "<Enter>", "<F2><Down><Down><Enter>", "<F2><End><Up><Enter><round>", "<F2><End><Enter><round>",
		"<F2><Enter> ", " h", "h/zzz", NULL,
	};

	(void)state;
	play(80, 24, false, views, "80x24-ascii");
}

/* Two guests of KVM: one in a terminal, one in the container db. */
static const struct { int pid; const char *cgroup, *name; } vms[] = {
	{ 80, "0::/user.slice/session-3.scope\n", "guest=mine,debug-threads=on" },
	{ 90, "0::/docker/" ID3 "\n", "guest=win10,debug-threads=on" },
};

static void guests_at_second(struct host *h, unsigned int k)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(vms); i++) {
		unsigned int pid = (unsigned int)vms[i].pid, ticks = k * 20 * ((unsigned int)i + 1);

		for (unsigned int thread = 0; thread < 3; thread++) {
			ph_autofree char *dir = ph_asprintf("proc/%u/task/%u/stat", pid, pid + thread);
			ph_autofree char *sched = ph_asprintf("proc/%u/task/%u/schedstat", pid, pid + thread);
			static const char *const comms[] = { "qemu", "CPU 0/KVM", "CPU 1/KVM" };

			put(h, dir, "%u (%s) S 1 1 1 0 -1 0 0 0 0 0 %u 0 0 0 20 0 3 0 8000 0 100", pid + thread, comms[thread], ticks / 2);
			put(h, sched, "%u0000000 %u0000000 1\n", thread ? ticks / 2 : 0, thread == 2 ? ticks / 4 : 0);
		}
		ph_autofree char *stat = ph_asprintf("proc/%u/stat", pid), *io = ph_asprintf("proc/%u/io", pid);

		put(h, stat, "%u (qemu) S 1 1 1 0 -1 0 0 0 0 0 %u 0 0 0 20 0 3 0 8000 0 2560", pid, ticks);
		put(h, io, "read_bytes: %u\nwrite_bytes: 0\n", k * 4096 * ((unsigned int)i + 1));
	}
}

static void make_guests(struct host *h)
{
	put(h, "dev/kvm", "");
	add_proc(h, 79, 1, "bash", vms[0].cgroup, 0, "");
	for (size_t i = 0; i < PH_ARRAY_SIZE(vms); i++) {
		ph_autofree char *cmdline = ph_asprintf("%s/proc/%d/cmdline", h->root, vms[i].pid);
		ph_autofree char *vm = ph_asprintf("proc/%d/fd/7", vms[i].pid), *vcpu = ph_asprintf("proc/%d/fd/8", vms[i].pid);
		FILE *f;

		add_proc(h, vms[i].pid, 1, "qemu", vms[i].cgroup, i ? 702 : 0, i ? "\t7" : "");
		put_link(h, vm, "anon_inode:kvm-vm");
		put_link(h, vcpu, "anon_inode:kvm-vcpu:0");
		f = fopen(cmdline, "w");
		assert_non_null(f);
		fprintf(f, "qemu-kvm%c-name%c%s%c", 0, 0, vms[i].name, 0);
		fclose(f);
	}
}

/* Guests beside containers, alone, and their threads; a sum has what one in a container does once. */
static void guests(void **state)
{
	static const char *const script[] = {
		"/mine<Enter>", "<Esc>t", "<F2><Down><Down><Down><Down><Down><Enter>", "/win<Enter><Home><Enter>", "<Back>w",
		"<Back><Esc><F2><Down><Enter>", NULL,
	};
	struct screen s;

	(void)state;
	screen_new(&s, 80, 24, true);
	make_guests(&s.h);
	s.t.lost_one = true;
	for (unsigned int i = 0; i < 3; i++) {
		guests_at_second(&s.h, i);
		next_round(&s);
	}
	for (size_t i = 0; script[i]; i++) {
		press(&s, script[i]);
		if (ph_top_view_here(&s.v)->show == PH_SHOW_THREADS) {
			for (unsigned int k = 3; k < 5; k++) {
				guests_at_second(&s.h, k);
				next_round(&s);
			}
		}
		take(&s, script[i]);
	}
	ph_buf_adds(&s.out, "==== the command\n");
	for (size_t i = 0; i < s.v.report.command.n; i++)
		ph_buf_addf(&s.out, "%s\n", s.v.report.command.v[i]);
	compare(&s, "80x24-guests");
	screen_done(&s);
}

static void ended_and_report(void **state)
{
	struct ph_err err = { 0 };
	struct screen s;

	(void)state;
	screen_new(&s, 80, 24, true);
	press(&s, "/web-f<Enter>w");
	take(&s, "/web-f<Enter>w");
	ph_top_view_report(&s.v, report, strlen(report));
	take(&s, "the report");
	ph_top_view_report_end(&s.v);
	press(&s, "<Back><Enter>");
	host_remove(&s.h, "proc/60");
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ph_top_round(&s.t, (2000 + i) * PH_NSEC, &err), 0);
		ph_top_view_round(&s.v, (2000 + i) * PH_NSEC);
	}
	take(&s, "<Back><Enter>, its last process ends");
	press(&s, "s");
	take(&s, "s");
	press(&s, "<Back>");
	take(&s, "<Back>");
	compare(&s, "80x24-ended");
	screen_done(&s);
}

static struct ph_source *synthetic(const char *events)
{
	struct ph_source *src;
	struct ph_err err = { 0 };

	assert_int_equal(ph_synthetic_parse(events, &src, &err), 0);
	return src;
}

static const char five_intervals[] =
	"@0 container_info index=1 name=web image=nginx:1 cgroup_path=/web cgroup_id=12 net_ns=300 start_ns=1699999940000000000\n"
	"@0 container_info index=2 name=db image=postgres:16 cgroup_path=/web/db cgroup_id=13 parent=1 net_ns=100 start_ns=1699999940000000000\n"
	"@0 statedump_cgroup id=1 container=0 cpu_quota_us=-1 cpu_period_us=100000 cpu_weight=100 memory_max_bytes=-1 path=/\n"
	"@0 statedump_cgroup id=12 parent_id=1 container=1 cpu_quota_us=50000 cpu_period_us=100000 cpu_weight=100 memory_max_bytes=10000 path=/web\n"
	"@0 statedump_cgroup id=13 parent_id=12 container=2 cpu_quota_us=-1 cpu_period_us=100000 cpu_weight=100 memory_max_bytes=-1 path=/web/db\n"
	"@0 lttng_statedump_cpu_topology cpu=1\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=20 pid=20 name=postgres container=2 cgroup_id=13 status=5 syscall=-1\n"
	"@1ms lttng_statedump_end\n"
	"@5ms cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@10ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@60ms cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=20\n"
	"@120ms cpu=0 tid=20 syscall_entry_read\n"
	"@130ms cpu=0 tid=20 syscall_exit_read ret=-11\n"
	"@150ms cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=0\n"
	"@160ms cpu=0 tid=0 block_rq_complete rwbs=1 bytes=8192 io_container=2\n"
	"@210ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@220ms cpu=0 tid=7 cgroup_mkdir id=15 container=3 path=/job\n"
	"@220ms container_info index=3 name=job cgroup_path=/job cgroup_id=15 state=running start_ns=1700000000220000000\n"
	"@230ms cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=30 child_pid=30 child_container=3\n"
	"@240ms cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=30\n"
	"@290ms cpu=0 tid=30 sched_process_exit tid=30\n"
	"@295ms cpu=0 tid=30 sched_switch prev_tid=30 prev_state=64 next_tid=0\n"
	"@296ms container_stop index=3\n"
	"@480ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=20\n";

/* Through a trace: on by time, back and on by keys; what only the running machine has; its end. */
static void through_a_trace(void **state)
{
	static const char *const script[] = {
		"", "<round>", "<Left>", "<Left>", "<Left>", "...", " t", "<Down><Enter>", "f", "s", "<Back><F2>", "<Down><Down><Enter>", "<Back>h",
		"<Esc><round>", ",,,,,", NULL,
	};
	struct ph_source *ahead = synthetic(five_intervals);
	struct ph_err err = { 0 };
	struct ph_event *ev;
	struct screen s = { .width = 80, .height = 24, .reel.end = 500 * MS };

	(void)state;
	s.reel.id = ph_identity_new();
	ph_top_view_init(&s.v, &s.t);
	s.v.wanted = shown;
	ph_top_view_replay(&s.v, "a trace", true, 1 << 20);
	s.v.utf8 = true;
	ph_top_trace_open(&s.t, &(struct ph_top_trace_opts){ .id = s.reel.id, .whole = true });
	while (ph_source_next(ahead, &ev, &err) > 0) {
		ph_top_trace_class(&s.t, ev->cls);
		ph_top_trace_ahead(&s.t, ev);
	}
	ph_source_close(ahead);
	s.reel.src = synthetic(five_intervals);
	ph_top_trace_begin(&s.t, 0);
	next_interval(&s);
	for (size_t i = 0; script[i]; i++) {
		press(&s, script[i]);
		take(&s, script[i]);
	}
	compare(&s, "80x24-trace");
	assert_string_equal(s.v.report.command.v[s.v.report.command.n - 3], "--range=1700000000300000000..1700000000400000000");
	ph_top_view_done(&s.v);
	ph_top_close(&s.t);
	ph_source_close(s.reel.src);
	ph_identity_free(s.reel.id);
	ph_buf_done(&s.out);
}

/* Of the past only so much is kept. */
static void short_memory(void **state)
{
	struct ph_top_past *p = ph_top_past_new(1);
	struct ph_identity *id = ph_identity_new();
	struct ph_top t;

	(void)state;
	ph_top_trace_open(&t, &(struct ph_top_trace_opts){ .id = id, .whole = true });
	ph_top_trace_begin(&t, 0);
	for (unsigned int i = 1; i <= 3; i++) {
		ph_top_trace_round(&t, i * PH_NSEC);
		ph_top_past_add(p, &t, i * PH_NSEC, shown, NULL);
	}
	assert_int_equal(ph_top_past_n(p), 3);
	assert_int_equal(ph_top_past_first(p), 2);
	assert_int_equal(ph_top_past_begin(p, 2), 2 * PH_NSEC);
	assert_int_equal(ph_top_past_origin(p), 0);
	ph_top_past_show(p, &t, 2);
	assert_int_equal(t.rows.v[0]->now.ns, 3 * PH_NSEC);
	ph_top_past_free(p);
	ph_top_close(&t);
	ph_identity_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tour_80),
		cmocka_unit_test(tour_120),
		cmocka_unit_test(tour_300),
		cmocka_unit_test(others_ascii), cmocka_unit_test(guests),
		cmocka_unit_test(ended_and_report),
		cmocka_unit_test(through_a_trace),
		cmocka_unit_test(short_memory),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
