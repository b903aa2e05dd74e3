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
#include "base/parse.h"
#include "collect/evidence.h"

#define NETNS_MAX 64		/* others that are asked for a port or a name */

struct wanted {
	int family;
	uint16_t port;
	uint8_t ip[16];
	size_t ip_len;
	char name[128];		/* of a Unix socket, abstract ones with @ */
};

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
	return true;
}

/* Sockets bound to @port in the network namespace that we are in: listening ones, with an address. */
static int bound(const char *file, uint16_t port, bool udp, char *addr, size_t size)
{
	ph_autobuf b = { 0 };
	char *rest, *line;
	int n = 0;

	if (ph_read_file_at(AT_FDCWD, file, 4 << 20, &b) < 0 || !b.len)
		return 0;
	rest = b.p;
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n"))) {
		char local[64];
		unsigned int p, state;

		if (sscanf(line, "%*d: %63[0-9A-Fa-f]:%x %*[0-9A-Fa-f:] %x", local, &p, &state) != 3 || p != port)
			continue;
		if (!udp && state != 0x0a)
			continue;
		if (!n++)
			snprintf(addr, size, "%s", local);
	}
	return n;
}

static int bound_any(uint16_t port, char *addr, size_t size)
{
	return bound("/proc/thread-self/net/tcp", port, false, addr, size) +
	       bound("/proc/thread-self/net/tcp6", port, false, addr, size) +
	       bound("/proc/thread-self/net/udp", port, true, addr, size) +
	       bound("/proc/thread-self/net/udp6", port, true, addr, size);
}

/* Unix sockets of this name (of any state but connected halves) in the namespace that we are in. */
static int unix_there(const char *name)
{
	ph_autobuf b = { 0 };
	char *rest, *line;
	int n = 0;

	if (ph_read_file_at(AT_FDCWD, "/proc/thread-self/net/unix", 8 << 20, &b) < 0)
		return 0;
	rest = b.p;
	while ((line = strsep(&rest, "\n"))) {
		const char *p = line;

		for (int i = 0; i < 7 && p; i++) {
			p = strchr(p, ' ');
			p = p ? p + strspn(p, " ") : NULL;
		}
		n += p && !strcmp(p, name);
	}
	return n;
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

static void tell_wanted(struct ev_look *l, const struct wanted *w, const char *where)
{
	char addr[64] = "";
	int n;

	if (w->family == AF_UNIX && w->name[0]) {
		n = unix_there(w->name);
		if (n || !strcmp(where, "inside"))
			ph_fact(l, "unix", w->name, where, "sockets=%d", n);
	} else if (w->port) {
		n = bound_any(w->port, addr, sizeof(addr));
		if (n || !strcmp(where, "inside"))
			ph_fact(l, "port", where, addr, "port=%u sockets=%d", w->port, n);
	}
}

/* Other containers' network namespaces, each once. */
static void elsewhere(struct ev_look *l, const struct wanted *w)
{
	struct ph_collect *c = l->c;
	struct ph_u64map seen = { 0 };
	int n = 0;

	ph_u64map_put(&seen, l->f->net_ns, l);
	ph_u64map_put(&seen, c->ct.host_ns[PH_NS_NET], l);
	for (struct ph_u64map_slot *s = NULL; n < NETNS_MAX && (s = ph_u64map_next(&c->ct.by_index, s));) {
		const struct ph_container *o = &((struct ph_centry *)s->val)->c;
		ph_autofree char *where = NULL;

		if (!o->ns[PH_NS_NET] || !o->init_pid || ph_u64map_put(&seen, o->ns[PH_NS_NET], l))
			continue;
		n++;
		where = ph_asprintf("container %s", o->name ? o->name : o->id ? o->id : "?");
		if (enter(ph_look_ns(l->e, "net", o->ns[PH_NS_NET], o->init_pid)))
			tell_wanted(l, w, where);
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
	fd = f->net_ns == host ? own : ph_look_ns(l->e, "net", f->net_ns, f->tid);
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
		tell_wanted(l, &w, "inside");
	/* Our own namespace is the host's, but where we are in a container ourselves. */
	if (any && f->net_ns != host && enter(own))
		tell_wanted(l, &w, "the host");
	if (any)
		elsewhere(l, &w);
	/* Whatever happened: nothing else may run in a container's network. */
	if (setns(own, CLONE_NEWNET) < 0)
		abort();
}
