/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who listens in a network namespace, by netlink and by /proc; and the evidence that is made of it. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collect/evidence.h"
#include "collect/sockets.h"
#include "source/synthetic.h"

#define NO_DIAG 0xf		/* only /proc is left */
#define WAYS 3

static const unsigned int ways[WAYS] = { 0, 0xc, NO_DIAG };	/* netlink; for TCP alone; /proc */

/* ---- sockets ------------------------------------------------------------------------------------------ */

static int addr_of(struct sockaddr_storage *s, const char *ip, uint16_t port)
{
	struct sockaddr_in6 *six = (void *)s;
	struct sockaddr_in *four = (void *)s;

	memset(s, 0, sizeof(*s));
	if (strchr(ip, ':')) {
		*six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		assert_int_equal(inet_pton(AF_INET6, ip, &six->sin6_addr), 1);
		return sizeof(*six);
	}
	*four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	assert_int_equal(inet_pton(AF_INET, ip, &four->sin_addr), 1);
	return sizeof(*four);
}

/* A socket that is bound to *@port, 0: to one of its own, which is told. */
static int bound(const char *ip, int type, bool only6, uint16_t *port)
{
	struct sockaddr_storage a;
	socklen_t len = (socklen_t)addr_of(&a, ip, *port);
	int fd = socket(a.ss_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (only6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	len = sizeof(a);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(((struct sockaddr_in *)(void *)&a)->sin_port);
	return fd;
}

static int listening(const char *ip, bool only6, uint16_t *port)
{
	int fd = bound(ip, SOCK_STREAM, only6, port);

	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int connected(const char *ip, int type, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t len = (socklen_t)addr_of(&a, ip, port);
	int fd = socket(a.ss_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, len), 0);
	return fd;
}

/* An abstract name, or a path; @call is bind() or connect(). */
static void named(int (*call)(int, const struct sockaddr *, socklen_t), int fd, const char *name, size_t n)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memcpy(a.sun_path, name, n);
	assert_int_equal(call(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
}

static void lo_up(void)
{
	ph_autoclose int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

/* Into a network namespace of our own, and back by what is returned; -1: we may not. */
static int leave(void)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(own >= 0);
	if (unshare(CLONE_NEWNET) < 0) {
		close(own);
		return -1;
	}
	lo_up();
	return own;
}

static void come_back(int own)
{
	assert_int_equal(setns(own, CLONE_NEWNET), 0);
	close(own);
}

static const struct ph_socket *find(const ph_socketv *v, int protocol, const char *ip, uint16_t port)
{
	int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	char text[INET6_ADDRSTRLEN];

	ph_vec_each(s, v)
		if (s->protocol == protocol && s->family == family && s->port == port &&
		    !strcmp(inet_ntop(family, s->addr, text, sizeof(text)), ip))
			return s;
	return NULL;
}

static void there(const ph_socketv *v, int protocol, const char *ip, uint16_t port)
{
	const struct ph_socket *s = find(v, protocol, ip, port);

	if (!s)
		fail_msg("%s port %u protocol %d is not seen", ip, port, protocol);
	assert_int_equal(s->state, protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE);
}

/* ---- asking ------------------------------------------------------------------------------------------- */

/* What listens, of each kind and nothing else; @alone: nobody else has sockets here. */
static void listeners_here(bool alone)
{
	uint16_t four = 0, six = 0, both = 0, any = 0, udp = 0, udp6 = 0, client = 0, idle = 0;
	int fd[] = {
		listening("127.0.0.1", false, &four), listening("::1", true, &six), listening("::", false, &both),
		listening("0.0.0.0", false, &any), bound("127.0.0.1", SOCK_DGRAM, false, &udp),
		bound("::1", SOCK_DGRAM, false, &udp6), bound("127.0.0.1", SOCK_DGRAM, false, &client),
		bound("127.0.0.1", SOCK_STREAM, false, &idle), connected("127.0.0.1", SOCK_STREAM, four),
		connected("::1", SOCK_STREAM, six),
	};
	struct sockaddr_storage a;
	socklen_t len = (socklen_t)addr_of(&a, "127.0.0.1", udp);

	assert_int_equal(connect(fd[6], (struct sockaddr *)&a, len), 0);
	for (int i = 0; i < WAYS; i++) {
		struct ph_sockets s = { .no_diag = ways[i] };
		ph_socketv v = { 0 };

		ph_sockets_read(&s, 0, &v);
		there(&v, IPPROTO_TCP, "127.0.0.1", four);
		there(&v, IPPROTO_TCP, "::1", six);
		there(&v, IPPROTO_TCP, "::", both);
		there(&v, IPPROTO_TCP, "0.0.0.0", any);
		there(&v, IPPROTO_UDP, "127.0.0.1", udp);
		there(&v, IPPROTO_UDP, "::1", udp6);
		assert_null(find(&v, IPPROTO_TCP, "127.0.0.1", idle));
		assert_null(find(&v, IPPROTO_UDP, "127.0.0.1", client));
		if (alone)
			assert_int_equal(v.n, 6);
		ph_vec_done(&v);
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

static void test_listeners(void **state)
{
	struct ph_sockets s = { 0 };
	ph_socketv v = { 0 };
	uint16_t port = 0;
	int fd, own;

	listeners_here(false);
	fd = listening("127.0.0.1", false, &port);
	own = leave();
	if (own < 0)
		skip();
	listeners_here(true);
	/* Ours are not those of another namespace. */
	ph_sockets_read(&s, port, &v);
	assert_int_equal(v.n, 0);
	come_back(own);
	ph_sockets_read(&s, 0, &v);
	there(&v, IPPROTO_TCP, "127.0.0.1", port);
	ph_vec_done(&v);
	close(fd);
}

static size_t holders(unsigned int way, uint16_t port, bool *listens)
{
	struct ph_sockets s = { .no_diag = way };
	ph_socketv v = { 0 };
	size_t n;

	ph_sockets_read(&s, port, &v);
	*listens = false;
	ph_vec_each(x, &v) {
		assert_int_equal(x->port, port);
		*listens |= x->protocol == IPPROTO_TCP && x->state == TCP_LISTEN;
	}
	n = v.n;
	ph_vec_done(&v);
	return n;
}

static bool kernel_is(int major, int minor)
{
	struct utsname u;
	int a, b;

	assert_int_equal(uname(&u), 0);
	assert_int_equal(sscanf(u.release, "%d.%d", &a, &b), 2);
	return a > major || (a == major && b >= minor);
}

/* Has the kernel the part for TCP? Else it is loaded, where there is who does that. */
static bool kernel_has_diag(void)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.r = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP },
	};
	struct { struct nlmsghdr h; char rest[4096]; } answer;
	ph_autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd >= 0 && send(fd, &q, sizeof(q), 0) == sizeof(q) && recv(fd, &answer, sizeof(answer), 0) > 0 &&
	       answer.h.nlmsg_type != NLMSG_ERROR;
}

/* Whatever has a port: who listens, connections to it, what they leave behind when they end. */
static void test_any_state(void **state)
{
	int own = leave(), server, client, conn;
	uint16_t port = 0, other = 0, idle = 0;
	bool listens;

	if (own < 0)
		skip();
	server = listening("127.0.0.1", false, &port);
	client = connected("127.0.0.1", SOCK_STREAM, port);
	conn = accept(server, NULL, NULL);
	for (int i = 0; i < WAYS; i++) {
		assert_int_equal(holders(ways[i], port, &listens), 2);
		assert_true(listens);
	}
	close(server);
	for (int i = 0; i < WAYS; i++) {
		assert_int_equal(holders(ways[i], port, &listens), 1);
		assert_false(listens);
	}
	close(conn);
	close(client);
	for (int i = 0; i < WAYS; i++)
		assert_int_equal(holders(ways[i], port, &listens), 1);
	/* Both protocols count: which of them the call was for is not known. */
	server = bound("127.0.0.1", SOCK_DGRAM, false, &other);
	for (int i = 0; i < WAYS; i++)
		assert_int_equal(holders(ways[i], other, &listens), 1);
	close(server);
	/* Of what is bound only Linux tells from 6.8 on, by netlink. */
	server = bound("127.0.0.1", SOCK_STREAM, false, &idle);
	assert_int_equal(holders(NO_DIAG, idle, &listens), 0);
	assert_int_equal(holders(0, idle, &listens), kernel_has_diag() && kernel_is(6, 8));
	assert_false(listens);
	close(server);
	come_back(own);
}

static size_t times(const ph_strv *v, const char *name)
{
	size_t n = 0;

	ph_vec_each(s, v)
		n += !strcmp(*s, name);
	return n;
}

/* Names: abstract ones (with a NUL in the middle), paths with blanks; those of accepted connections are not told again. */
static void test_names(void **state)
{
	static const char with_nul[] = "\0ph-test\0b c";
	ph_autofree char *path = ph_asprintf("%s/ph sock %d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", getpid());
	int own = leave(), a, b, c, d;
	ph_strv v = { 0 };

	if (own < 0)
		skip();
	a = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	named(bind, a, with_nul, sizeof(with_nul) - 1);
	assert_int_equal(listen(a, 8), 0);
	b = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	named(connect, b, with_nul, sizeof(with_nul) - 1);
	c = accept(a, NULL, NULL);
	assert_true(c >= 0);
	d = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	named(bind, d, path, strlen(path));
	ph_sockets_names(&v);
	assert_int_equal(v.n, 2);
	assert_int_equal(times(&v, "@ph-test@b c"), 1);
	assert_int_equal(times(&v, path), 1);
	ph_strv_done(&v);
	come_back(own);
	ph_sockets_names(&v);
	assert_int_equal(times(&v, "@ph-test@b c"), 0);
	ph_strv_done(&v);
	unlink(path);
	close(a);
	close(b);
	close(c);
	close(d);
}

/* ---- the evidence --------------------------------------------------------------------------------------- */

#define CHILDREN 3
#define PORTS 4
#define KEPT 3			/* nobody listens on this one any more, but a connection has it */

struct child {
	pid_t pid;
	uint32_t net_ns;
	uint16_t port[PORTS];
};

struct world {
	struct ph_collect c;
	struct ph_evidence *e;
	struct child child[CHILDREN];
	struct ph_centry centry[CHILDREN + 1];
	uint64_t generation;
	int own;
	ph_strv facts;
	pid_t kill;		/* once a fact was told of another's port */
};

static uint32_t net_of(pid_t pid)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/ns/net", pid);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint32_t)st.st_ino;
}

/* A process with a network of its own, whose ports others ask for. */
static void child_start(struct child *c)
{
	int p[2], fd = -1;
	char said;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	c->pid = fork();
	if (!c->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		lo_up();
		for (int i = 0; i < PORTS; i++)
			fd = listening("0.0.0.0", false, &c->port[i]);
		connected("127.0.0.1", SOCK_STREAM, c->port[KEPT]);
		if (accept(fd, NULL, NULL) < 0 || close(fd) < 0)
			_exit(1);
		if (write(p[1], "", 1) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(p[1]);
	assert_int_equal(read(p[0], &said, 1), 1);
	close(p[0]);
	c->net_ns = net_of(c->pid);
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void add_container(struct world *w, uint32_t index, const char *name, const struct child *c)
{
	struct ph_centry *e = &w->centry[index - 1];

	e->c.name = ph_strdup(name);
	e->c.init_pid = c->pid;
	e->c.ns[PH_NS_NET] = c->net_ns;
	ph_u64map_put(&w->c.ct.by_index, index, e);
}

static int world_setup(void **state)
{
	int own = leave();
	struct world *w;

	/* Even what stands for the host is ours: nobody else has sockets there. */
	if (own < 0)
		return 0;
	w = ph_alloc(sizeof(*w));
	w->own = own;
	ph_ctable_init(&w->c.ct, NULL, false, -1, -1, -1, NULL, &w->generation);
	w->c.ct.host_ns[PH_NS_NET] = net_of(getpid());
	for (int i = 0; i < CHILDREN; i++) {
		for (int k = 0; k < PORTS; k++)
			w->child[i].port[k] = (uint16_t)(7000 + 10 * i + k);
		child_start(&w->child[i]);
	}
	add_container(w, 1, "fails", &w->child[0]);
	add_container(w, 2, "other", &w->child[1]);
	/* Two of one network, as in a pod. */
	add_container(w, 3, "pod", &w->child[2]);
	add_container(w, 4, "pod", &w->child[2]);
	w->e = ph_evidence_new(&w->c);
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	if (!w)
		return 0;
	for (int i = 0; i < CHILDREN; i++)
		child_end(w->child[i].pid);
	ph_evidence_free(w->e);
	for (int i = 0; i <= CHILDREN; i++)
		free(w->centry[i].c.name);
	ph_u64map_done(&w->c.ct.by_index);
	ph_strv_done(&w->facts);
	come_back(w->own);
	free(w);
	return 0;
}

/* Port, name and their number of each fact about a port: "PORT WHERE SOCKETS LISTENING". */
static int hear(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	const struct ph_value *what = ph_event_field(ev, PH_FLD(denial_evidence, what));
	const struct ph_value *facts = ph_event_field(ev, PH_FLD(denial_evidence, facts));
	const struct ph_value *where = ph_event_field(ev, PH_FLD(denial_evidence, subject));
	struct world *w = arg;

	if (what->n != 4 || memcmp(what->s, "port", 4))
		return 0;
	*ph_vec_push(&w->facts) = ph_asprintf("%.*s: %.*s", (int)where->n, where->s, (int)facts->n, facts->s);
	if (w->kill && memcmp(where->s, "inside", 6)) {
		child_end(w->kill);
		w->kill = 0;
		/* More than a round may take: what else there is to look into waits for the next. */
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return 0;
}

/* The first container's call fails, now. The same one again would not be looked into so soon. */
static void fails(struct world *w, const char *call, int error, uint16_t port)
{
	const struct child *c = &w->child[0];
	ph_autofree char *text = ph_asprintf("@%llu tid=%d pid=%d container=1 syscall_failed name=%s ret=%d net_ns=%u "
		"addr=0200%04x7f0000010000000000000000 comm=%s setuid=-1 limit=-1 limit2=-1\n",
		(unsigned long long)ph_now_ns(), c->pid, c->pid, call, -error, c->net_ns, port, call);
	struct ph_err err = { 0 };
	struct ph_source *src;
	struct ph_event *ev;

	assert_int_equal(ph_synthetic_parse(text, &src, &err), 0);
	assert_int_equal(ph_source_next(src, &ev, &err), 1);
	ph_evidence_failed(w->e, ev);
	ph_source_close(src);
}

/* What is told until @n facts about ports were, which may take more than a round. */
static void told(struct world *w, size_t n)
{
	struct ph_err err = { 0 };

	ph_strv_done(&w->facts);
	for (int i = 0; i < 1000 && w->facts.n < n; i++)
		assert_int_equal(ph_evidence_run(w->e, hear, w, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ph_evidence_run(w->e, hear, w, &err), 0);
	assert_int_equal(w->facts.n, n);
}

static void fact(const struct world *w, const char *where, uint16_t port, int sockets, int listen_n)
{
	ph_autofree char *want = ph_asprintf("%s: port=%u sockets=%d listening=%d", where, port, sockets, listen_n);

	if (!times(&w->facts, want)) {
		ph_vec_each(f, &w->facts)
			print_message("%s\n", *f);
		fail_msg("not told: %s", want);
	}
}

static void test_elsewhere(void **state)
{
	struct world *w = *state;
	uint16_t nobodys = 7777;
	int fd;

	if (!w)
		skip();
	fd = bound("127.0.0.1", SOCK_STREAM, false, &nobodys);
	fails(w, "connect", ECONNREFUSED, w->child[1].port[0]);
	told(w, 2);
	fact(w, "inside", w->child[1].port[0], 0, 0);
	fact(w, "container other", w->child[1].port[0], 1, 1);
	/* Two containers, one network: it is told once. */
	fails(w, "connect", ECONNREFUSED, w->child[2].port[0]);
	told(w, 2);
	fact(w, "container pod", w->child[2].port[0], 1, 1);
	/* Bound in our own network, but without listening. */
	fails(w, "connect", ECONNREFUSED, nobodys);
	told(w, 1);
	fact(w, "inside", nobodys, 0, 0);
	assert_int_equal(listen(fd, 1), 0);
	fails(w, "sendto", ECONNREFUSED, nobodys);
	told(w, 2);
	fact(w, "the host", nobodys, 1, 1);
	/* Where a port is taken nobody else matters, but whoever has it there. */
	fails(w, "bind", EADDRINUSE, nobodys);
	told(w, 1);
	fact(w, "inside", nobodys, 0, 0);
	close(fd);
	fails(w, "bind", EADDRINUSE, w->child[0].port[0]);
	told(w, 1);
	fact(w, "inside", w->child[0].port[0], 1, 1);
	fails(w, "bind", EADDRINUSE, w->child[0].port[KEPT]);
	told(w, 1);
	fact(w, "inside", w->child[0].port[KEPT], 1, 0);
	fails(w, "bind", EADDRINUSE, w->child[1].port[0]);
	told(w, 1);
	fact(w, "inside", w->child[1].port[0], 0, 0);
	/* We are where we were. */
	assert_int_equal(net_of(getpid()), w->c.ct.host_ns[PH_NS_NET]);
}

/* Two calls fail, then the first is looked into: what is answered serves the second too, and none that fails later. */
static void test_one_answer(void **state)
{
	struct world *w = *state;
	struct ph_err err = { 0 };
	const struct child *o;

	if (!w)
		skip();
	o = &w->child[1];
	fails(w, "connect", ECONNREFUSED, o->port[0]);
	fails(w, "connect", ECONNREFUSED, o->port[1]);
	w->kill = o->pid;
	for (int i = 0; i < 1000 && !w->facts.n; i++)
		assert_int_equal(ph_evidence_run(w->e, hear, w, &err), 0);
	assert_int_equal(w->facts.n, 2);
	fact(w, "container other", o->port[0], 1, 1);
	fails(w, "connect", ECONNREFUSED, o->port[2]);
	told(w, 3);
	fact(w, "container other", o->port[1], 1, 1);
	fact(w, "inside", o->port[2], 0, 0);
	child_start(&w->child[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_any_state),
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_elsewhere, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_one_answer, world_setup, world_teardown),
	};

	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
