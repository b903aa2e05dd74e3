/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What top shows of hosts of plain files: lines, keys, groups of containers, and what is inside of one. */
#include "top_host.h"

#include <arpa/inet.h>
#include <locale.h>

struct screen {
	struct host h;
	struct ph_top t;
	struct ph_top_view v;
};

static void container(struct host *h, const char *id, int pid, unsigned int usage_us)
{
	ph_autofree char *cg = ph_asprintf("0::/lxc.payload.%s\n", id), *file = ph_asprintf("sys/fs/cgroup/lxc.payload.%s/cpu.stat", id);

	add_proc(h, pid, 1, id, cg, (unsigned int)pid, "\t1");
	put(h, file, "usage_usec %u\nuser_usec %u\nsystem_usec 0\n", usage_us, usage_us);
}

#define EVIL "ev\x1b[31mil\xc2\x9b"
#define WIDE "日本語の名前"

static void usage(struct host *h, unsigned int round)
{
	container(h, "alpha", 60, round * 100000);
	container(h, "beta", 70, round * 700000);
	container(h, EVIL, 80, round * 300000);
	container(h, WIDE, 90, 0);
}

static void screen_new(struct screen *s)
{
	struct ph_err err = { 0 };

	v2_host(&s->h);
	usage(&s->h, 0);
	assert_int_equal(ph_top_open(&s->t, s->h.root, &cgroups, &err), 0);
	ph_top_view_init(&s->v, &s->t);
	s->v.utf8 = true;
	for (unsigned int i = 0; i < 2; i++) {
		usage(&s->h, i);
		assert_int_equal(ph_top_round(&s->t, (100 + i) * PH_NSEC, &err), 0);
	}
}

static void screen_done(struct screen *s)
{
	ph_top_view_done(&s->v);
	ph_top_close(&s->t);
	host_done(&s->h);
}

/* As many lines as there are, none too wide, and nothing in them that a terminal would act upon. */
static void draw(struct screen *s, unsigned int width, unsigned int height)
{
	ph_top_view_draw(&s->v, width, height, 1700000100 * PH_NSEC);
	assert_int_equal(s->v.lines.n, width && height ? height : 0);
	ph_vec_each(l, &s->v.lines) {
		size_t bytes, cells = ph_display_width(l->text.p ? l->text.p : "", SIZE_MAX, &bytes);

		assert_true(cells <= width);
		for (size_t i = 0; i < l->text.len; i++) {
			unsigned char c = (unsigned char)l->text.p[i];

			assert_true(c >= ' ' && c != 127 && (s->v.utf8 || c < 128));
			assert_false(c == 0xc2 && (unsigned char)l->text.p[i + 1] < 0xa0);
		}
	}
}

/* The line that has @what, -1: none. */
static int line_of(const struct screen *s, const char *what)
{
	for (size_t i = 0; i < s->v.lines.n; i++)
		if (s->v.lines.v[i].text.p && strstr(s->v.lines.v[i].text.p, what))
			return (int)i;
	return -1;
}

static void keys(struct screen *s, const char *text)
{
	for (; *text; text++)
		assert_true(ph_top_view_key(&s->v, (unsigned char)*text));
}

static void screen_sizes(void **state)
{
	static const unsigned int sizes[][2] = { { 80, 24 }, { 200, 50 }, { 300, 100 }, { 40, 10 }, { 10, 3 }, { 1, 1 }, { 0, 0 }, { 80, 1 } };
	struct screen s;

	(void)state;
	screen_new(&s);
	for (size_t i = 0; i < PH_ARRAY_SIZE(sizes); i++) {
		s.v.utf8 = true;
		draw(&s, sizes[i][0], sizes[i][1]);
		s.v.utf8 = false;
		draw(&s, sizes[i][0], sizes[i][1]);
		assert_int_equal(line_of(&s, "AGE") >= 0, sizes[i][0] >= 200);
		keys(&s, "h");
		draw(&s, sizes[i][0], sizes[i][1]);
		keys(&s, "h");
	}
	/* 80x24: the machine, what is shown, headings, by CPU time; the keys last. */
	s.v.utf8 = true;
	draw(&s, 80, 24);
	assert_int_equal(line_of(&s, "2 CPUs"), 0);
	assert_true(line_of(&s, "4 containers, by CPU%") < line_of(&s, "CONTAINER"));
	assert_int_equal(line_of(&s, "CONTAINER") + 1, line_of(&s, "beta"));
	assert_int_equal(line_of(&s, "beta") + 1, line_of(&s, "ev\\x1b[31mil\\xc2\\x9b"));
	assert_int_equal(line_of(&s, "beta") + 2, line_of(&s, "alpha"));
	assert_int_equal(line_of(&s, "beta") + 3, line_of(&s, WIDE));
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "beta")].text.p, " 70.0"));
	assert_int_equal(s.v.lines.v[line_of(&s, "beta")].style, PH_STYLE_SELECTED);
	assert_int_equal(line_of(&s, "h help"), 23);
	screen_done(&s);
}

static void screen_keys(void **state)
{
	struct ph_err err = { 0 };
	struct screen s;

	(void)state;
	screen_new(&s);
	process(&s.h, 60, 100, 10);
	draw(&s, 100, 30);
	/* A filter, as one types. */
	keys(&s, "/ALPx");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "0 containers") >= 0 && line_of(&s, "filter: ALPx_") >= 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "1 container,") >= 0 && line_of(&s, "alpha") > 0 && line_of(&s, "beta") < 0);
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	/* In: its processes, with both numbers. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "alpha: 1 process, by CPU%") >= 0);
	assert_true(line_of(&s, "PID    CPID") >= 0);
	/* The container ends while one looks at it. */
	host_remove(&s.h, "proc/60");
	assert_int_equal(ph_top_round(&s.t, 103 * PH_NSEC, &err), 0);
	ph_top_view_round(&s.v, 103 * PH_NSEC);
	assert_int_equal(ph_top_round(&s.t, 104 * PH_NSEC, &err), 0);
	ph_top_view_round(&s.v, 104 * PH_NSEC);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "alpha (has ended)") >= 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "3 containers") >= 0);
	/* Sorted by name, and the other way round; what is selected stays so. */
	ph_top_view_key(&s.v, PH_KEY_HOME);
	draw(&s, 100, 30);
	assert_int_equal(s.v.lines.v[line_of(&s, "beta")].style, PH_STYLE_SELECTED);
	ph_top_view_key(&s.v, '<');
	draw(&s, 100, 30);
	assert_true(line_of(&s, "beta") < line_of(&s, "31mil"));
	keys(&s, "r");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "beta") > line_of(&s, "31mil"));
	assert_int_equal(s.v.lines.v[line_of(&s, "beta")].style, PH_STYLE_SELECTED);
	ph_top_view_click(&s.v, (unsigned int)line_of(&s, "31mil"), false);
	draw(&s, 100, 30);
	assert_int_equal(s.v.lines.v[line_of(&s, "31mil")].style, PH_STYLE_SELECTED);
	/* On a low screen it is scrolled to. */
	ph_top_view_key(&s.v, PH_KEY_END);
	draw(&s, 100, 6);
	assert_true(line_of(&s, "beta") >= 0);
	assert_false(ph_top_view_key(&s.v, 'q'));
	screen_done(&s);
}

#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define ID3 "3333333333333333333333333333333333333333333333333333333333333333"

/* Docker's: of what image and pod, half a CPU, in the network namespace @own. */
static void pod_container(struct host *h, const char *id, int pid, const char *name, const char *image, const char *pod, unsigned int own)
{
	ph_autofree char *in = ph_asprintf("0::/docker/%s\n", id), *config = ph_asprintf("var/lib/docker/containers/%s/config.v2.json", id);
	ph_autofree char *max = ph_asprintf("sys/fs/cgroup/docker/%s/cpu.max", id);
	ph_autofree char *labels = pod ? ph_asprintf("\"io.kubernetes.pod.name\":\"%s\",\"io.kubernetes.pod.namespace\":\"shop\"", pod) : ph_strdup("");

	add_proc(h, pid, 1, name, in, own, "\t1");
	put(h, max, "50000 100000\n");
	put(h, config, "{\"Name\":\"/%s\",\"Config\":{\"Image\":\"%s\",\"Labels\":{%s}},\"State\":{\"Running\":true}}", name, image, labels);
}

static void pods(struct host *h, unsigned int k)
{
	static const struct { const char *id; int pid; unsigned int us; } used[] = { { ID1, 60, 500000 }, { ID2, 61, 250000 }, { ID3, 62, 100000 } };

	for (size_t i = 0; i < PH_ARRAY_SIZE(used); i++) {
		ph_autofree char *stat = ph_asprintf("sys/fs/cgroup/docker/%s/cpu.stat", used[i].id);
		ph_autofree char *dev = ph_asprintf("proc/%d/net/dev", used[i].pid);

		put(h, stat, "usage_usec %u\nuser_usec %u\nsystem_usec 0\n", used[i].us * k, used[i].us * k);
		put(h, dev, "a\nb\n  eth0: %u 10 0 0 0 0 0 0 0 20 0 1 0 0 0 0\n", k * 1000);
	}
}

static void pods_new(struct screen *s)
{
	struct ph_err err = { 0 };

	v2_host(&s->h);
	pod_container(&s->h, ID1, 60, "front", "nginx:1", "web-7", 700);
	pod_container(&s->h, ID2, 61, "side", "proxy:2", "web-7", 700);
	pod_container(&s->h, ID3, 62, "db", "nginx:1", NULL, 800);
	assert_int_equal(ph_top_open(&s->t, s->h.root, &cgroups, &err), 0);
	s->t.want.no_bpf = false;
	ph_top_view_init(&s->v, &s->t);
	s->v.utf8 = true;
	for (unsigned int i = 0; i < 2; i++) {
		pods(&s->h, i);
		assert_int_equal(ph_top_round(&s->t, (100 + i) * PH_NSEC, &err), 0);
	}
}

static bool anybody(void *arg, const struct ph_top_row *r)
{
	(void)arg;
	return r->hc->c.index != 0;
}

/* What a group uses is what its containers use; what they share counts once. */
static void groups_add_up(void **state)
{
	ph_top_groups g = { 0 };
	struct screen s;

	(void)state;
	pods_new(&s);
	ph_top_groups_make(&s.t, PH_TOP_BY_POD, anybody, NULL, &g);
	assert_int_equal(g.n, 2);
	for (size_t i = 0; i < g.n; i++) {
		bool pod = !strcmp(g.v[i]->key, "shop/web-7");

		assert_true(pod || !*g.v[i]->key);
		assert_int_equal(g.v[i]->members, pod ? 2 : 1);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_CPU), pod ? 75 : 10);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_LIMIT), pod ? 1 : 0.5);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_OF_LIMIT), pod ? 75 : 20);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_RX), 1000);
		NEAR(cell(&s.t, &g.v[i]->row, PH_TOP_COL_TASKS), pod ? 4 : 2);
		assert_true(isnan(cell(&s.t, &g.v[i]->row, PH_TOP_COL_WSET)));
	}
	ph_top_groups_done(&g);
	ph_top_groups_make(&s.t, PH_TOP_BY_IMAGE, anybody, NULL, &g);
	assert_int_equal(g.n, 2);
	NEAR(cell(&s.t, &g.v[!!strcmp(g.v[0]->key, "nginx:1")]->row, PH_TOP_COL_RX), 2000);
	ph_top_groups_done(&g);
	ph_top_groups_make(&s.t, PH_TOP_BY_CGROUP, anybody, NULL, &g);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.v[0]->key, "/docker");
	ph_top_groups_done(&g);
	screen_done(&s);
}

static bool inner_only(void *arg, const struct ph_top_row *r)
{
	(void)arg;
	return r->hc->c.id && !strcmp(r->hc->c.id, ID2);
}

/* What a cgroup counts has the containers in it already; who is looked at alone is counted. */
static void groups_nested(void **state)
{
	ph_top_groups g = { 0 };
	struct ph_err err = { 0 };
	struct ph_top t;
	struct host h;

	(void)state;
	v2_host(&h);
	pod_container(&h, ID1, 60, "outer", "nginx:1", NULL, 700);
	put(&h, "var/lib/docker/containers/" ID2 "/config.v2.json", "{\"Name\":\"/inner\",\"Config\":{\"Image\":\"nginx:1\"}}");
	add_proc(&h, 70, 60, "inner", "0::/docker/" ID1 "/docker/" ID2 "\n", 800, "\t9\t1");
	assert_int_equal(ph_top_open(&t, h.root, &cgroups, &err), 0);
	for (unsigned int k = 0; k < 2; k++) {
		put(&h, CG "/cpu.stat", "usage_usec %u\nuser_usec 0\nsystem_usec 0\n", k * 500000);
		put(&h, CG "/docker/" ID2 "/cpu.stat", "usage_usec %u\nuser_usec 0\nsystem_usec 0\n", k * 200000);
		assert_int_equal(ph_top_round(&t, (10 + k) * PH_NSEC, &err), 0);
	}
	ph_top_groups_make(&t, PH_TOP_BY_IMAGE, anybody, NULL, &g);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.v[0]->members, 2);
	NEAR(cell(&t, &g.v[0]->row, PH_TOP_COL_CPU), 50);
	ph_top_groups_done(&g);
	ph_top_groups_make(&t, PH_TOP_BY_IMAGE, inner_only, NULL, &g);
	NEAR(cell(&t, &g.v[0]->row, PH_TOP_COL_CPU), 20);
	ph_top_groups_done(&g);
	ph_top_close(&t);
	host_done(&h);
}

/* To the view of this name, by F2. */
static void choose(struct screen *s, const char *name)
{
	ph_top_view_key(&s->v, PH_KEY_VIEWS);
	draw(s, 100, 30);
	assert_true(line_of(s, "What is to be shown?") >= 0);
	ph_top_view_click(&s->v, (unsigned int)line_of(s, name), true);
	draw(s, 100, 30);
}

static void screen_views(void **state)
{
	struct screen s;

	(void)state;
	pods_new(&s);
	draw(&s, 100, 30);
	choose(&s, "pods");
	assert_true(line_of(&s, "2 pods, by CPU%") >= 0);
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "POD  ")].text.p, "CONTS"));
	assert_int_equal(line_of(&s, "POD  ") + 1, line_of(&s, "shop/web-7"));
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "shop/web-7")].text.p, " 75.0"));
	assert_true(line_of(&s, "(none)") > 0);
	/* In: its containers, then the processes of one; and back, to what was selected. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "pod shop/web-7: 2 containers") >= 0 && line_of(&s, "front") > 0 && line_of(&s, "db") < 0);
	ph_top_view_key(&s.v, PH_KEY_DOWN);
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "side: 1 process, by CPU%") >= 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 100, 30);
	assert_int_equal(s.v.lines.v[line_of(&s, "side")].style, PH_STYLE_SELECTED);
	ph_top_view_key(&s.v, PH_KEY_ESCAPE);
	draw(&s, 100, 30);
	assert_true(line_of(&s, "2 pods") >= 0);
	choose(&s, "namespaces");
	assert_true(line_of(&s, "2 namespaces") >= 0);
	/* All processes, each with its container, which a filter finds. */
	choose(&s, "processes");
	assert_true(line_of(&s, "3 processes, by CPU%") >= 0 && line_of(&s, "CONTAINER") >= 0);
	keys(&s, "/fron");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "1 process,") >= 0 && line_of(&s, "front") > 0);
	ph_top_view_key(&s.v, PH_KEY_ESCAPE);
	put(&s.h, "proc/60/task/60/stat", "60 (front) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 6000 0 0");
	put(&s.h, "proc/60/task/66/stat", "66 (worker) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 6000 0 0");
	choose(&s, "threads");
	assert_true(line_of(&s, "2 threads, by CPU%") >= 0 && line_of(&s, "worker") > 0);
	/* Again: where one was. */
	keys(&s, "vv");
	draw(&s, 100, 30);
	assert_true(line_of(&s, "2 threads") >= 0);
	screen_done(&s);
}

static void fd(struct host *h, int pid, int n, const char *to)
{
	ph_autofree char *path = ph_asprintf("proc/%d/fd/%d", pid, n);

	put_link(h, path, to);
}

/* A line of /proc/net/tcp: 127.0.0.1:80 to 10.0.0.2. */
static void tcp(struct host *h, int pid, const char *state, unsigned int inode)
{
	ph_autofree char *path = ph_asprintf("proc/%d/net/tcp", pid);

	put(h, path, "  sl  local_address\n   0: %08X:0050 %08X:%s 00000010:00000400 00:00000000 00000000     0        0 %u 1 0 100\n"
	    "   1: %08X:0050 %08X:9C41 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0\n",
	    htonl(0x7f000001), htonl(0x0a000002), state, inode, htonl(0x7f000001), htonl(0x0a000002));
}

static void screen_files(void **state)
{
	struct screen s;

	(void)state;
	pods_new(&s);
	fd(&s.h, 60, 3, "socket:[777]");
	fd(&s.h, 60, 4, "/var/log/a\x1b[31mlog");
	fd(&s.h, 60, 5, "socket:[778]");
	fd(&s.h, 60, 6, "socket:[779]");
	tcp(&s.h, 60, "9C40 01", 777);
	put(&s.h, "proc/60/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"
	    "0000000000000000: 00000002 00000000 00010000 0001 01 779 /run/front.sock\n");
	draw(&s, 120, 30);
	keys(&s, "f");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "front: 4 open files, by PID") >= 0);
	assert_true(line_of(&s, "tcp 127.0.0.1:80 > 10.0.0.2:40000 ESTABLISHED") > 0);
	assert_true(line_of(&s, "unix /run/front.sock") > 0);
	assert_true(line_of(&s, "socket:[778]") > 0 && line_of(&s, "/var/log/a\\x1b[31mlog") > 0);
	/* From there to its sockets: also the one that is nobody's any more. */
	keys(&s, "n");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "front: 2 sockets, by LOCAL") >= 0);
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "ESTABLISHED")].text.p, "1.0 KiB"));
	assert_non_null(strstr(s.v.lines.v[line_of(&s, "ESTABLISHED")].text.p, "60  front"));
	assert_true(line_of(&s, "TIME_WAIT") > 0);
	keys(&s, "/time");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "1 socket,") >= 0);
	ph_top_view_key(&s.v, PH_KEY_ESCAPE);
	/* One step back, although one went from here to there. */
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 120, 30);
	assert_true(line_of(&s, "3 containers") >= 0);
	/* A process' own sockets are those that it has open. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 120, 30);
	keys(&s, "n");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "front: 1 socket of process 60") >= 0);
	/* Of a group nothing is shown, but what to do. */
	choose(&s, "images");
	keys(&s, "f");
	draw(&s, 120, 30);
	assert_true(line_of(&s, "of one container: Enter") == 29 && line_of(&s, "2 images") >= 0);
	screen_done(&s);
}

static bool command_has(const struct screen *s, const char *arg)
{
	for (size_t i = 0; i < s->v.report.command.n; i++)
		if (!strcmp(s->v.report.command.v[i], arg))
			return true;
	return false;
}

static void screen_profile(void **state)
{
	struct screen s;

	(void)state;
	pods_new(&s);
	draw(&s, 60, 12);
	keys(&s, "p");
	assert_true(command_has(&s, "profile") && command_has(&s, "--duration=5s") && command_has(&s, "--container=" ID1));
	draw(&s, 60, 12);
	assert_true(line_of(&s, "front: its functions in 5 s: looking for 0 s now") >= 0);
	screen_done(&s);
}

/* What is asked of the analyses, and what they say. */
static void screen_report(void **state)
{
	static const char said[] = "front was throttled: it wanted to run for as long as a sentence takes to be wider than this\n"
				   "\nNAME   TOTAL   USER  KERNEL\x1b[2J\n  but it did not get so far as that, and this is indented as well\n";
	struct screen s;

	(void)state;
	pods_new(&s);
	draw(&s, 60, 12);
	keys(&s, "w");
	assert_int_equal(s.v.report.serial, 1);
	assert_true(command_has(&s, "throttled") && command_has(&s, "--container=" ID1));
	draw(&s, 60, 12);
	assert_true(line_of(&s, "front: what kept it from running in 5 s: looking for 0 s now") >= 0);
	ph_top_view_report(&s.v, said, strlen(said));
	ph_top_view_report_end(&s.v);
	draw(&s, 60, 12);
	/* Sentences go on below, tables are cut. */
	assert_int_equal(line_of(&s, "front was throttled") + 1, line_of(&s, "to be wider than this"));
	assert_true(line_of(&s, "NAME   TOTAL   USER  KERNEL\\x1b[2J") > 0);
	assert_int_equal(line_of(&s, "  but it did not") + 1, line_of(&s, "  well"));
	ph_top_view_key(&s.v, PH_KEY_RIGHT);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "NAME") < 0 && line_of(&s, "SER  KERNEL") > 0 && line_of(&s, "front was throttled") > 0);
	for (unsigned int i = 0; i < 100; i++)
		ph_top_view_key(&s.v, i % 2 ? PH_KEY_DOWN : PH_KEY_PAGE_DOWN);
	draw(&s, 60, 7);
	assert_true(line_of(&s, "well") > 0 && line_of(&s, "front was") < 0);
	ph_top_view_key(&s.v, PH_KEY_HOME);
	draw(&s, 60, 7);
	assert_true(line_of(&s, "front was") > 0);
	/* Asked again from here: of the same one. */
	keys(&s, "s");
	assert_int_equal(s.v.report.serial, 2);
	assert_true(command_has(&s, "calls") && command_has(&s, "--container=" ID1));
	ph_top_view_report_end(&s.v);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "There was nothing") > 0);
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "3 containers") >= 0);
	/* What is read from files takes no BPF. */
	s.t.want.no_bpf = true;
	keys(&s, "i");
	assert_true(command_has(&s, "inspect") && command_has(&s, "--container=" ID1));
	s.t.want.no_bpf = false;
	ph_top_view_key(&s.v, PH_KEY_BACK);
	draw(&s, 60, 12);
	/* Of a process; of a pod. */
	ph_top_view_key(&s.v, PH_KEY_ENTER);
	draw(&s, 60, 12);
	keys(&s, "s");
	assert_true(command_has(&s, "--pid=60"));
	draw(&s, 80, 12);
	assert_true(line_of(&s, "front: process 60: its system calls in 3 s: looking") >= 0);
	choose(&s, "pods");
	keys(&s, "w");
	assert_true(command_has(&s, "--podname=web-7") && command_has(&s, "--namespace=shop"));
	choose(&s, "pods");
	ph_top_view_key(&s.v, PH_KEY_END);
	draw(&s, 60, 12);
	keys(&s, "w");
	assert_int_equal(s.v.report.serial, 5);
	draw(&s, 60, 12);
	assert_true(line_of(&s, "nothing in common") == 11);
	s.t.want.no_bpf = true;
	choose(&s, "containers");
	keys(&s, "s");
	draw(&s, 80, 12);
	assert_true(line_of(&s, "--no-bpf") == 11 && s.v.report.serial == 5);
	screen_done(&s);
}

/* Open files are read while their column is on the screen, as that takes time. */
static void screen_wants(void **state)
{
	struct screen s;

	(void)state;
	screen_new(&s);
	draw(&s, 80, 24);
	assert_false(s.t.want.levels & 1u << PH_TOP_FILES);
	draw(&s, 300, 24);
	assert_true(line_of(&s, "FILES") >= 0 && line_of(&s, "RUNTIME") >= 0);
	/* Nobody has restarts. */
	assert_true(line_of(&s, "RESTARTS") < 0);
	assert_true(s.t.want.levels & 1u << PH_TOP_FILES);
	draw(&s, 80, 24);
	assert_false(s.t.want.levels & 1u << PH_TOP_FILES);
	assert_true(s.t.want.seldom);
	/* By what it is sorted is read, on the screen or not. */
	assert_false(s.t.want.counts & 1ull << PH_TOP_NET_DROPS);
	s.v.sort[PH_SHOW_CONTAINERS] = PH_TOP_COL_DROPS;
	draw(&s, 80, 24);
	assert_true(s.t.want.counts & 1ull << PH_TOP_NET_DROPS);
	/* Every line of the help is whole. */
	keys(&s, "h");
	draw(&s, 80, 24);
	assert_true(line_of(&s, "their threads), back") > 0 && line_of(&s, "how long they take") > 0);
	assert_true(line_of(&s, "newest to the right. man porthole-top tells more.") > 0);
	screen_done(&s);
}

/* The past: of one CPU, or of as many as it had at most. */
static void screen_past(void **state)
{
	struct screen s;
	float *past;

	(void)state;
	screen_new(&s);
	past = s.t.rows.v[1]->history + PH_TOP_HISTORY - 3;
	past[0] = -1;
	past[1] = 0;
	past[2] = 50;
	draw(&s, 200, 24);
	assert_true(line_of(&s, "LAST") > 0 && line_of(&s, "  ▄ ") > 0);
	past[0] = 200;
	past[1] = 100;
	draw(&s, 200, 24);
	assert_true(line_of(&s, "█▄▂ ") > 0);
	screen_done(&s);
}

/* Garbage keys, clicks and sizes, while containers come and go. */
static void screen_garbage(void **state)
{
	struct ph_err err = { 0 };
	struct screen s;
	unsigned int seed = 1;

	(void)state;
	screen_new(&s);
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int r = seed = seed * 1103515245 + 12345;
		int key = r >> 16 & 1 ? (int)(PH_KEY_UP + (r >> 20) % 15) : (int)((r >> 18) % 300);

		ph_top_view_key(&s.v, key);
		if (i % 7 == 0)
			ph_top_view_click(&s.v, (r >> 8) % 40, i % 2);
		draw(&s, (r >> 9) % 120, (r >> 12) % 40);
		if (i % 300 == 0) {
			usage(&s.h, i);
			if (i % 600 == 0)
				host_remove(&s.h, "proc/70");
			assert_int_equal(ph_top_round(&s.t, (200 + i * 20) * PH_NSEC, &err), 0);
			ph_top_view_round(&s.v, (200 + i * 20) * PH_NSEC);
		}
	}
	screen_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screen_sizes),
		cmocka_unit_test(screen_keys),
		cmocka_unit_test(groups_add_up),
		cmocka_unit_test(groups_nested),
		cmocka_unit_test(screen_views),
		cmocka_unit_test(screen_files),
		cmocka_unit_test(screen_report),
		cmocka_unit_test(screen_profile),
		cmocka_unit_test(screen_wants),
		cmocka_unit_test(screen_past),
		cmocka_unit_test(screen_garbage),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
