/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets, and other tasks: what the network and pid namespaces keep apart. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>

#include "analyze/denied_priv.h"
#include "base/cleanup.h"
#include "event/symbols.h"

static int family(const struct ph_failed *f)
{
	return f->addr_len >= 2 ? f->addr[0] | f->addr[1] << 8 : -1;
}

static int port(const struct ph_failed *f)
{
	return f->addr_len >= 4 && (family(f) == AF_INET || family(f) == AF_INET6) ? f->addr[2] << 8 | f->addr[3] : 0;
}

static bool gone(struct dn *c, const char *what)
{
	dn_say(c, "undetermined", "%s: the container's network namespace was gone before it could be looked at", what);
	dn_change(c, "record before it starts, or keep the container running; looking needs CAP_SYS_ADMIN");
	return true;
}

/* Who else has the socket that was wanted; NULL: nobody that can be seen. */
static const struct ph_denied_fact *elsewhere(const struct dn *c, const char *what)
{
	ph_vec_each(f, &c->g->facts) {
		const char *where = !strcmp(what, "port") ? f->subject : f->text;

		if (!strcmp(f->what, what) && strcmp(where, "inside") && dn_num(f, "sockets", 0) > 0)
			return f;
	}
	return NULL;
}

bool dn_rule_port(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct ph_denied_fact *s, *net = dn_fact(c, "net", NULL);
	const char *again = NULL;
	ph_autobuf addr = { 0 };
	char head[64];

	if (f->call->kind == PH_FAIL_SOCKET && dn_is(c, "socket") && dn_refused(c) && f->full)
		return dn_capability(c, CAP_NET_RAW, (f->arg[1] & 0xf) == SOCK_RAW || f->arg[0] == AF_PACKET ?
				     "a raw socket" : "this kind of socket");
	if (dn_is(c, "socket") && f->error == EAFNOSUPPORT) {
		s = dn_fact(c, "sysctl", "net/ipv6/conf/all/disable_ipv6");
		dn_say(c, "no-family", f->arg[0] == AF_INET6 && s && !dn_num(s, "there", 1) ? "this kernel has no IPv6" :
		       "this kernel does not have sockets of this family");
		c->v->ordinary = !c->g->fatal;
		return true;
	}
	if (f->call->kind != PH_FAIL_BIND || family(f) == AF_UNIX || !f->full)
		return false;
	ph_symbol_add_sockaddr(&addr, (const char *)f->addr, f->addr_len);
	if (f->error == EACCES && port(f)) {
		s = dn_fact(c, "sysctl", "net/ipv4/ip_unprivileged_port_start");
		if (s && port(f) >= dn_num(s, "value", 1024))
			return false;
		snprintf(head, sizeof(head), "binding port %d", port(f));
		if (!dn_capability(c, CAP_NET_BIND_SERVICE, head))
			return false;
		c->v->cause = "privileged-port";
		dn_evidence(c, "ports below %lld need it in this network namespace (net.ipv4.ip_unprivileged_port_start)",
			    dn_num(s, "value", 1024));
		dn_change(c, "bind a higher port, add CAP_NET_BIND_SERVICE, or lower net.ipv4.ip_unprivileged_port_start "
			  "(docker run --sysctl)");
		return true;
	}
	if (f->error == EADDRINUSE) {
		s = dn_fact(c, "port", "inside");
		if (!s)
			return dn_fact(c, "net_gone", NULL) ? gone(c, "the port is in use") : false;
		dn_say(c, "port-in-use", "port %d is taken in the container's own network namespace %u", port(f), f->net_ns);
		if (dn_num(s, "sockets", 0) && !dn_num(s, "listening", 1)) {
			dn_evidence(c, "nobody there listens on it; sockets that are bound only, connected or in TIME_WAIT: %lld",
				    dn_num(s, "sockets", 0));
			again = "set SO_REUSEADDR before every bind to it, so that only a listener is in the way; or take another port";
		} else if (dn_num(s, "sockets", 0)) {
			dn_evidence(c, "%lld socket%s there are bound to it", dn_num(s, "sockets", 0),
				    dn_num(s, "sockets", 0) > 1 ? "s" : "");
		} else {
			dn_evidence(c, "a moment later nobody had it any more: a program that tries again will get it");
		}
		if (net && dn_num(net, "host", 0))
			dn_evidence(c, "that namespace is the host's");
		dn_change(c, again ? again : net && dn_num(net, "host", 0) ? "it shares the host's network: take another port, or give it "
			  "a network of its own" : "stop the other program in the container, or take another port");
		return true;
	}
	if (f->error == EADDRNOTAVAIL) {
		if (!net)
			return gone(c, "the address is not there");
		dn_say(c, "address-not-here", "no interface of the container's network namespace %u has the address %s", f->net_ns,
		       addr.p ? addr.p : "");
		dn_evidence(c, "interfaces there: %s", net->text);
		dn_change(c, "bind 0.0.0.0 or [::], or an address that the container has");
		return true;
	}
	return false;
}

bool dn_rule_connect(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct ph_denied_fact *net = dn_fact(c, "net", NULL), *other;
	ph_autobuf addr = { 0 };

	if ((f->call->kind != PH_FAIL_CONNECT && f->call->kind != PH_FAIL_SEND) || family(f) == AF_UNIX || !f->full)
		return false;
	ph_symbol_add_sockaddr(&addr, (const char *)f->addr, f->addr_len);
	switch (f->error) {
	case ENETUNREACH: case EHOSTUNREACH:
		if (!net)
			return gone(c, "no way to the network");
		if (f->error == EHOSTUNREACH && dn_num(net, "up", 0)) {
			dn_say(c, "host-unreachable", "the container has a route to %s, but the host there does not answer or a router "
			       "refused", addr.p ? addr.p : "it");
			dn_change(c, "look at the address, and at the network between");
			return true;
		}
		if (!dn_num(net, "others", 0)) {
			dn_say(c, "no-interface", "the container's network namespace %u has no interface but lo", f->net_ns);
			dn_change(c, "give it a network (docker run without --network none)");
		} else if (!dn_num(net, "up", 0)) {
			dn_say(c, "interface-down", "no interface of the container's network namespace %u is up", f->net_ns);
			dn_change(c, "set one up (ip link set … up)");
		} else {
			bool six = family(f) == AF_INET6;

			dn_say(c, "no-route", "the container's network namespace %u has no %sroute to %s", f->net_ns,
			       dn_num(net, six ? "default6" : "default4", 0) ? "" : "default route and no other ",
			       addr.p ? addr.p : "it");
			dn_change(c, "add a route or a default gateway (internal networks have none)");
			/* Most programs try IPv6 first and are content with IPv4. */
			c->v->ordinary = six && !c->g->fatal;
		}
		dn_evidence(c, "interfaces: %s; IPv4 routes %lld, default %lld; IPv6 default %lld", net->text[0] ? net->text : "none",
			    dn_num(net, "routes4", 0), dn_num(net, "default4", 0), dn_num(net, "default6", 0));
		return true;
	case ECONNREFUSED:
		if (!net)
			return gone(c, "the connection was refused");
		other = elsewhere(c, "port");
		if (dn_num(dn_fact(c, "port", "inside"), "sockets", 0) > 0) {
			dn_say(c, "refused-by-peer", "port %d is bound in the container, but on another address, or its queue is full",
			       port(f));
			dn_change(c, "listen on the address that is connected to");
		} else if (other) {
			dn_say(c, "port-elsewhere", "nothing in the container's network namespace %u listens on port %d; %s does", f->net_ns,
			       port(f), other->subject);
			dn_evidence(c, "sockets on port %d: inside 0, %s %lld", port(f), other->subject,
				    dn_num(other, "sockets", 0));
			dn_change(c, "127.0.0.1 is each network namespace's own: connect to the other's address or name, or share the network");
		} else {
			dn_say(c, "port-not-bound", "nobody listens on %s: neither in the container nor, as far as can be seen, elsewhere on "
			       "this host", addr.p ? addr.p : "it");
			dn_change(c, "start the service, or correct the address");
		}
		return true;
	case ETIMEDOUT:
		dn_say(c, "undetermined", "%s did not answer: dropped by a firewall, or away", addr.p ? addr.p : "it");
		dn_change(c, "trace the packets (-e net), or look at the firewall's counters");
		return true;
	case EADDRNOTAVAIL:
		if (!net)
			return false;
		dn_say(c, "address-not-here", "no address of the container's network namespace %u may be used to reach %s", f->net_ns,
		       addr.p ? addr.p : "it");
		dn_evidence(c, "interfaces there: %s", net->text);
		dn_change(c, "an interface with an address of that family, or ports left to use");
		c->v->ordinary = family(f) == AF_INET6 && !c->g->fatal;
		return true;
	case EPERM:
		if (f->cap_refused)
			return false;
		dn_say(c, "undetermined", "sending to %s was refused: a netfilter rule that drops it, or a BPF program of the cgroup",
		       addr.p ? addr.p : "it");
		dn_change(c, "look at the rules of that network namespace (nft list ruleset) and at the cgroup's programs");
		return true;
	default:
		return false;
	}
}

bool dn_rule_unix(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct ph_denied_fact *u = dn_fact(c, "unix", NULL), *other;

	if (family(f) != AF_UNIX || !f->full)
		return false;
	if (f->addr_len > 2 && !f->addr[2] && f->error == ECONNREFUSED) {
		if (!u)
			return gone(c, "nobody has this abstract name");
		other = elsewhere(c, "unix");
		if (other) {
			dn_say(c, "abstract-socket", "the abstract socket %s is in the network namespace of %s, and those names are each "
			       "network namespace's own", u->subject, other->text);
			dn_evidence(c, "sockets of that name: inside %lld, %s %lld", dn_num(u, "sockets", 0), other->text,
				    dn_num(other, "sockets", 0));
			dn_change(c, "share the network namespace, or use a socket in a directory that both have mounted");
		} else {
			dn_say(c, "socket-not-bound", "nobody has the abstract socket %s", u->subject);
			dn_change(c, "start the service that binds it");
		}
		return true;
	}
	if (f->error == ECONNREFUSED && c->nwalks && !c->walk[0].error) {
		dn_say(c, "socket-not-bound", "%s is there, but nobody listens on it any more", c->walk[0].path);
		dn_change(c, "start the service that binds it");
		return true;
	}
	if (f->error == EADDRINUSE && f->addr_len > 2) {
		dn_say(c, "port-in-use", "the name is bound already%s", f->addr[2] ? ": the socket's file is there" : "");
		dn_change(c, f->addr[2] ? "remove the stale file before binding" : "take another name");
		return true;
	}
	if (f->error == ENOENT && c->nwalks && c->walk[0].error == ENOENT) {
		const struct dn_walk *w = &c->walk[0];

		if (w->host && dn_num(w->host, "known", 0) && !dn_num(w->host, "errno", 1)) {
			ph_autofree char *word = ph_shell_word(w->path);

			dn_say(c, "mount-namespace", "the socket %s is on the host, but not in the container's mount namespace %u", w->path,
			       f->mnt_ns);
			dn_change(c, "mount it into the container (docker run -v %s:%s)", word, word);
		} else {
			dn_say(c, "not-there", "the socket %s exists neither in the container nor on the host", w->path);
			dn_change(c, "start the service that makes it");
			c->v->ordinary = !c->g->fatal || ph_denied_searched(w->path);
		}
		return true;
	}
	return false;
}

/* ---- other tasks ----------------------------------------------------------------------------------------------------- */

static const struct ph_denied_fact *target(const struct dn *c, const char *where)
{
	const struct ph_denied_fact *t = dn_fact(c, "target", where);

	return t && dn_num(t, "pid", 0) > 0 ? t : NULL;
}

bool dn_rule_target(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct ph_denied_fact *in = target(c, "inside"), *out = target(c, "outside"), *yama;
	long long pid = f->call->pid ? (int32_t)f->arg[f->call->pid - 1] : 0;

	if (!f->call->pid || !f->full || (f->call->kind != PH_FAIL_SIGNAL && f->call->kind != PH_FAIL_PTRACE &&
					  f->call->kind != PH_FAIL_PRIO && f->call->kind != PH_FAIL_RLIMIT))
		return false;
	if (f->error == ESRCH) {
		if (!in && out) {
			dn_say(c, "pid-namespace", "there is no process %lld in the container's pid namespace %u; outside of it %lld is %s", pid,
			       f->pid_ns, pid, out->text);
			dn_evidence(c, "process %lld on the host is in pid namespace %lld", pid, dn_num(out, "pid_ns", 0));
			dn_change(c, "share the pid namespace (docker run --pid=host or container:NAME; shareProcessNamespace), or use the "
				  "number that it has inside");
		} else {
			dn_say(c, "no-such-process", "there is no process %lld any more%s", pid, out ? "" : ", inside or outside");
			c->v->ordinary = !c->g->fatal;
		}
		return true;
	}
	if (!dn_refused(c))
		return false;
	if (f->call->kind == PH_FAIL_SIGNAL && in && f->error == EPERM) {
		if (!dn_capability(c, CAP_KILL, "a signal to another user's process"))
			return false;
		c->v->cause = "signal";
		dn_evidence(c, "%s (process %lld inside) runs as user %lld, the sender as %u", in->text, pid, dn_num(in, "uid", 0), f->euid);
		dn_change(c, "send it as the same user, or with CAP_KILL in the target's user namespace %lld", dn_num(in, "user_ns", 0));
		return true;
	}
	if (f->call->kind == PH_FAIL_PTRACE) {
		yama = dn_fact(c, "sysctl", "kernel/yama/ptrace_scope");
		if (yama && dn_num(yama, "value", 0) > 0 && in && dn_num(in, "uid", -1) == f->uid) {
			dn_say(c, "yama", "kernel.yama.ptrace_scope is %lld: %s", dn_num(yama, "value", 0), dn_num(yama, "value", 0) == 1 ?
			       "only a parent may trace (or who has CAP_SYS_PTRACE)" : "only who has CAP_SYS_PTRACE may trace");
			dn_change(c, "kernel.yama.ptrace_scope=0 on the host, PR_SET_PTRACER in the target, or CAP_SYS_PTRACE");
			return true;
		}
		if (!dn_capability(c, CAP_SYS_PTRACE, "tracing a process of other ids or more capabilities"))
			return false;
		c->v->cause = "ptrace";
		if (in)
			dn_evidence(c, "%s: user %lld, permitted capabilities 0x%llx; the tracer: user %u, 0x%llx", in->text,
				    dn_num(in, "uid", 0), (unsigned long long)dn_num(in, "cap_permitted", 0), f->uid,
				    (unsigned long long)f->cap_permitted);
		return true;
	}
	return false;
}
