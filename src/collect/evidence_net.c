/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network as the container has it, and where else the address that it wanted is. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "collect/evidence.h"
#include "collect/sockets.h"

/* Others that are asked for a port or a name; fewer where each walks all connections of the machine. */
#define NETNS_MAX 256
#define NETNS_SLOW_MAX 64
#define ANSWERS_MAX (4 * NETNS_MAX)

/* What a network namespace said last. */
struct answer {
	uint64_t sockets_ns, names_ns;	/* when it was asked, 0: it was not */
	ph_socketv sockets;
	ph_strv names;
};

struct ph_net {
	struct ph_sockets how;
	struct ph_u64map answers;	/* network namespace -> struct answer */
};

struct wanted {
	int family;
	uint16_t port;
	uint8_t ip[16];
	size_t ip_len;
	char name[128];		/* of a Unix socket, abstract ones with @ */
};

/* False: there is nothing to ask for. */
static bool want(const struct ph_failed *f, struct wanted *w)
{
	memset(w, 0, sizeof(*w));
	if (f->addr_len < 2)
		return false;
	w->family = f->addr[0] | f->addr[1] << 8;
	if (w->family == AF_INET && f->addr_len >= 8) {
		w->port = (uint16_t)(f->addr[2] << 8 | f->addr[3]);
		memcpy(w->ip, f->addr + 4, 4);
		w->ip_len = 4;
	} else if (w->family == AF_INET6 && f->addr_len >= 24) {
		w->port = (uint16_t)(f->addr[2] << 8 | f->addr[3]);
		memcpy(w->ip, f->addr + 8, 16);
		w->ip_len = 16;
	} else if (w->family == AF_UNIX && f->addr_len > 2) {
		size_t n = f->addr_len - 2;

		memcpy(w->name, f->addr + 2, n < sizeof(w->name) ? n : sizeof(w->name) - 1);
		if (!w->name[0]) {
			w->name[0] = '@';
			for (size_t i = 1; i < n && i < sizeof(w->name) - 1; i++)
				if (!w->name[i])	/* as /proc/net/unix prints it */
					w->name[i] = '@';
		}
	}
	return w->port || w->name[0];
}

static bool enter(int fd)
{
	return fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
}

/* Interfaces, addresses and routes of the namespace that we are in. */
static void tell_here(struct ev_look *l, const struct wanted *w)
{
	struct ifaddrs *ifs = NULL;
	int up = 0, others = 0, has_addr = 0, default4 = 0, default6 = 0, routes = 0;
	ph_autobuf names = { 0 }, b = { 0 };
	char *rest, *line;

	if (getifaddrs(&ifs) == 0) {
		for (struct ifaddrs *i = ifs; i; i = i->ifa_next) {
			bool lo = i->ifa_flags & IFF_LOOPBACK;

			if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET) {
				ph_buf_addf(&names, "%s%s(%s)", names.len ? " " : "", i->ifa_name,
					    i->ifa_flags & IFF_UP ? "up" : "down");
				others += !lo;
				up += !lo && i->ifa_flags & IFF_UP;
			} else if (i->ifa_addr && i->ifa_addr->sa_family == w->family) {
				const void *a = w->family == AF_INET ?
					(void *)&((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr :
					(void *)&((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr;

				has_addr |= w->ip_len && !memcmp(a, w->ip, w->ip_len);
			}
		}
		freeifaddrs(ifs);
	}
	if (ph_read_file_at(AT_FDCWD, "/proc/thread-self/net/route", 1 << 20, &b) >= 0 && b.len) {
		rest = b.p;
		strsep(&rest, "\n");
		while ((line = strsep(&rest, "\n"))) {
			char dst[32], mask[32];

			if (sscanf(line, "%*s %31s %*s %*s %*s %*s %*s %31s", dst, mask) != 2)
				continue;
			routes++;
			default4 += !strcmp(dst, "00000000") && !strcmp(mask, "00000000");
		}
	}
	ph_buf_clear(&b);
	if (ph_read_file_at(AT_FDCWD, "/proc/thread-self/net/ipv6_route", 1 << 20, &b) >= 0 && b.len) {
		rest = b.p;
		while ((line = strsep(&rest, "\n"))) {
			char dst[64], dev[32];
			unsigned int plen;

			if (sscanf(line, "%63s %x %*s %*x %*s %*x %*x %*x %*x %31s", dst, &plen, dev) != 3)
				continue;
			default6 += !plen && strcmp(dev, "lo") != 0;
		}
	}
	ph_fact(l, "net", "", names.p, "others=%d up=%d has_addr=%d default4=%d default6=%d routes4=%d host=%d",
		others, up, has_addr, default4, default6, routes,
		l->f->net_ns == l->c->ct.host_ns[PH_NS_NET]);
}

/* ---- who waits at a port or under a name ---------------------------------------------------------------- */

struct ph_net *ph_net_new(void)
{
	struct ph_net *n = ph_alloc(sizeof(*n));
	ph_socketv v = { 0 };

	/* If the kernel has to load modules for this, then now. */
	ph_sockets_read(&n->how, 0, &v);
	ph_vec_done(&v);
	return n;
}

void ph_net_forget(struct ph_net *n)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&n->answers, s));) {
		struct answer *a = s->val;

		ph_vec_done(&a->sockets);
		ph_strv_done(&a->names);
		free(a);
	}
	ph_u64map_done(&n->answers);
}

void ph_net_free(struct ph_net *n)
{
	if (!n)
		return;
	ph_net_forget(n);
	free(n);
}

/* An answer that was given since the call failed is as good as a new one, and nearer to it. */
static bool serves(const struct ev_look *l, const struct wanted *w, const struct answer *a)
{
	return a && (w->port ? a->sockets_ns : a->names_ns) > l->f->ts_ns;
}

static void ask(struct ev_look *l, const struct wanted *w, uint32_t net_ns)
{
	struct answer *a = ph_u64map_get(&l->net->answers, net_ns);

	if (!a) {
		/* Namespaces come and go while failures never cease. */
		if (l->net->answers.n >= ANSWERS_MAX)
			ph_net_forget(l->net);
		a = ph_alloc(sizeof(*a));
		ph_u64map_put(&l->net->answers, net_ns, a);
	}
	if (w->port) {
		a->sockets_ns = ph_now_ns();
		a->sockets.n = 0;
		ph_sockets_read(&l->net->how, 0, &a->sockets);
	} else {
		a->names_ns = ph_now_ns();
		ph_strv_done(&a->names);
		ph_sockets_names(&a->names);
	}
}

/* May it be what was wanted? Only TCP refuses a connect(): who has the port in UDP is somebody else. */
static bool is_wanted(const struct ev_look *l, const struct wanted *w, const struct ph_socket *s)
{
	return s->port == w->port && (s->protocol == IPPROTO_TCP || l->f->call->kind != PH_FAIL_CONNECT);
}

static void tell_port(struct ev_look *l, const struct wanted *w, const char *where, const ph_socketv *v)
{
	bool inside = !strcmp(where, "inside");
	const struct ph_socket *first = NULL;
	char addr[INET6_ADDRSTRLEN] = "";
	int n = 0, listening = 0;
	ph_socketv all = { 0 };

	ph_vec_each(s, v)
		listening += is_wanted(l, w, s);
	/* A port is taken by what is connected as well, or waits for its end. */
	if (inside && !listening && l->f->error == EADDRINUSE) {
		ph_sockets_read(&l->net->how, w->port, &all);
		v = &all;
	}
	ph_vec_each(s, v) {
		if (is_wanted(l, w, s) && !n++)
			first = s;
	}
	if (first)
		inet_ntop(first->family, first->addr, addr, sizeof(addr));
	if (n || inside)
		ph_fact(l, "port", where, addr, "port=%u sockets=%d listening=%d", w->port, n, listening);
	ph_vec_done(&all);
}

static void tell_name(struct ev_look *l, const struct wanted *w, const char *where, const ph_strv *v)
{
	int n = 0;

	ph_vec_each(s, v)
		n += !strcmp(*s, w->name);
	if (n || !strcmp(where, "inside"))
		ph_fact(l, "unix", w->name, where, "sockets=%d", n);
}

/* Enters the namespace only where it has to be asked: @fd, or that of @tid. */
static bool tell_wanted(struct ev_look *l, const struct wanted *w, const char *where, uint32_t net_ns, int fd, int32_t tid)
{
	const struct answer *a = ph_u64map_get(&l->net->answers, net_ns);

	if (!serves(l, w, a)) {
		ph_autoclose int opened = fd < 0 ? ph_open_ns("net", net_ns, tid) : -1;

		if (!enter(fd < 0 ? opened : fd))
			return false;
		ask(l, w, net_ns);
		a = ph_u64map_get(&l->net->answers, net_ns);
	}
	if (w->port)
		tell_port(l, w, where, &a->sockets);
	else
		tell_name(l, w, where, &a->names);
	return true;
}

/* Other containers' network namespaces, each once. */
static void elsewhere(struct ev_look *l, const struct wanted *w)
{
	struct ph_collect *c = l->c;
	struct ph_u64map seen = { 0 };
	int n = 0;

	ph_u64map_put(&seen, l->f->net_ns, l);
	ph_u64map_put(&seen, c->ct.host_ns[PH_NS_NET], l);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->ct.by_index, s));) {
		const struct ph_container *o = &((struct ph_centry *)s->val)->c;
		ph_autofree char *where = NULL;

		if (n >= (l->net->how.no_diag ? NETNS_SLOW_MAX : NETNS_MAX))
			break;
		if (!o->ns[PH_NS_NET] || !o->init_pid || ph_u64map_get(&seen, o->ns[PH_NS_NET]))
			continue;
		where = ph_asprintf("container %s", o->name ? o->name : o->id ? o->id : "?");
		if (tell_wanted(l, w, where, o->ns[PH_NS_NET], -1, o->init_pid)) {
			ph_u64map_put(&seen, o->ns[PH_NS_NET], l);
			n++;
		}
	}
	ph_u64map_done(&seen);
}

void ph_look_net(struct ev_look *l)
{
	uint32_t host = l->c->ct.host_ns[PH_NS_NET];
	ph_autoclose int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	const struct ph_failed *f = l->f;
	struct wanted w;
	bool any = want(f, &w);
	int fd;

	/* A file system's socket is a path first. */
	if (w.family == AF_UNIX && w.name[0] == '/')
		ph_look_path(l, w.name, true);
	if (own < 0)
		return;
	fd = f->net_ns == host ? own : ph_look_ns(l->views, "net", f->net_ns, f->tid);
	if (fd < 0) {
		ph_fact(l, "net_gone", "", "", "net_ns=%u", f->net_ns);
		return;
	}
	if (!enter(fd)) {
		ph_fact(l, "net_gone", "", "", "net_ns=%u errno=%d", f->net_ns, errno);
		return;
	}
	tell_here(l, &w);
	ph_look_sysctl(l, "net/ipv4/ip_unprivileged_port_start");
	ph_look_sysctl(l, "net/ipv6/conf/all/disable_ipv6");
	if (any)
		tell_wanted(l, &w, "inside", f->net_ns, fd, 0);
	/*
	 * Who else has it matters where nobody was found. Our own namespace is the host's, but where we are in a
	 * container ourselves.
	 */
	if (any && f->error == ECONNREFUSED && f->net_ns != host)
		tell_wanted(l, &w, "the host", host, own, 0);
	if (any && f->error == ECONNREFUSED)
		elsewhere(l, &w);
	/* Whatever happened: nothing else may run in a container's network. */
	if (setns(own, CLONE_NEWNET) < 0)
		abort();
}
