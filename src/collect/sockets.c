/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who listens here: asked by netlink, or read from /proc where the kernel has no sock_diag. */
#include "collect/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define ALL_STATES ~0u
/* A dump of the kernel is in messages of at most so many bytes. */
#define MESSAGE_MAX 32768
#define FOREIGN_MAX 64		/* messages of others that are passed over */

static const struct table {
	uint8_t family, protocol;
	const char *file;
} tables[] = {
	{ AF_INET, IPPROTO_TCP, "/proc/thread-self/net/tcp" },
	{ AF_INET6, IPPROTO_TCP, "/proc/thread-self/net/tcp6" },
	{ AF_INET, IPPROTO_UDP, "/proc/thread-self/net/udp" },
	{ AF_INET6, IPPROTO_UDP, "/proc/thread-self/net/udp6" },
};

static int add_message(const struct table *t, const struct nlmsghdr *h, uint16_t port, ph_socketv *out)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	struct ph_socket *s;

	/* Of those that are bound only the kernel tells all, whichever port was asked for. */
	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) ||
	    (port && ntohs(m->id.idiag_sport) != port))
		return 0;
	if (out->n >= PH_SOCKETS_MAX)
		return -EFBIG;
	s = ph_vec_push(out);
	s->family = t->family;
	s->protocol = t->protocol;
	s->state = m->idiag_state;
	s->port = ntohs(m->id.idiag_sport);
	memcpy(s->addr, m->id.idiag_src, t->family == AF_INET ? 4 : 16);
	return 0;
}

/* The last message of an answer: 0, or why there is none. */
static int end_of(const struct nlmsghdr *h)
{
	int error = 0;

	/* nlmsgerr begins with it, too. */
	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, NLMSG_DATA(h), sizeof(error));
	return error < 0 ? error : 0;
}

/* -ENOENT: the kernel has no such part, or could not load it. */
static int ask(int fd, const struct table *t, uint32_t states, uint16_t port, ph_socketv *out)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		       .nlmsg_seq = (uint32_t)(t - tables) + 1 },
		.r = { .sdiag_family = t->family, .sdiag_protocol = t->protocol, .idiag_states = states,
		       .id.idiag_sport = htons(port) },
	};
	union { struct nlmsghdr h; char b[MESSAGE_MAX]; } m;
	int foreign = 0;

	if (send(fd, &q, sizeof(q), 0) < 0)
		return -errno;
	while (foreign < FOREIGN_MAX) {
		struct sockaddr_nl from;
		socklen_t len = sizeof(from);
		/* What there is to be read is made by reading: there is no waiting for it. */
		ssize_t n = recvfrom(fd, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &len);
		unsigned int left = (unsigned int)n;

		if (n < 0)
			return -errno;
		if ((size_t)n > sizeof(m))
			return -EMSGSIZE;
		/* Who is root in a container may send to any socket in its network. */
		if (from.nl_pid) {
			foreign++;
			continue;
		}
		for (struct nlmsghdr *h = &m.h; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			int r;

			if (h->nlmsg_seq != q.h.nlmsg_seq)
				continue;
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				return end_of(h);
			r = add_message(t, h, port, out);
			if (r < 0)
				return r;
		}
	}
	return -EBUSY;
}

/* "0: 0100007F:1F90 00000000:0000 0A …": addresses are words as the machine has them, in hexadecimal. */
static void read_table(const struct table *t, uint32_t states, uint16_t port, ph_socketv *out)
{
	ph_autobuf b = { 0 };
	char *rest, *line;

	if (ph_read_file_at(AT_FDCWD, t->file, 4 << 20, &b) < 0 || !b.len)
		return;
	rest = b.p;
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) && out->n < PH_SOCKETS_MAX) {
		unsigned int p, state, words = t->family == AF_INET ? 1 : 4;
		struct ph_socket *s;
		char local[40];

		if (sscanf(line, "%*d: %39[0-9A-Fa-f]:%x %*[0-9A-Fa-f:] %x", local, &p, &state) != 3 ||
		    strlen(local) != words * 8 || state > 31 || !(states & 1u << state) || (port && p != port))
			continue;
		s = ph_vec_push(out);
		s->family = t->family;
		s->protocol = t->protocol;
		s->state = (uint8_t)state;
		s->port = (uint16_t)p;
		for (unsigned int i = 0; i < words; i++) {
			uint32_t word;

			sscanf(local + 8 * i, "%8x", &word);
			memcpy(s->addr + 4 * i, &word, 4);
		}
	}
}

void ph_sockets_read(struct ph_sockets *s, uint16_t port, ph_socketv *out)
{
	const unsigned int all = (1u << PH_ARRAY_SIZE(tables)) - 1;
	ph_autoclose int fd = -1;

	if (s->no_diag != all) {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		if (fd < 0 && errno == EPROTONOSUPPORT)
			s->no_diag = all;
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(tables); i++) {
		const struct table *t = &tables[i];
		uint32_t states = port ? ALL_STATES : 1u << (t->protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE);
		size_t had = out->n;
		int r = fd < 0 || s->no_diag & 1u << i ? -EOPNOTSUPP : ask(fd, t, states, port, out);

		if (r == -EFBIG)
			return;
		if (!r)
			continue;
		/* Each question would have it look for the module again. */
		if (r == -ENOENT)
			s->no_diag |= 1u << i;
		out->n = had;
		read_table(t, states, port, out);
	}
}

/* "0000000000000000: 00000002 00000000 00010000 0001 01 12345 @name": the sixth is 1 where it is not connected. */
void ph_sockets_names(ph_strv *out)
{
	ph_autobuf b = { 0 };
	char *rest, *line;

	if (ph_read_file_at(AT_FDCWD, "/proc/thread-self/net/unix", 8 << 20, &b) < 0 || !b.len)
		return;
	rest = b.p;
	while ((line = strsep(&rest, "\n"))) {
		unsigned int state;
		int at = 0;

		if (sscanf(line, "%*x: %*x %*x %*x %*x %x %*u%n", &state, &at) == 1 && at && state == 1 && line[at] == ' ' &&
		    line[at + 1])
			ph_strv_add(out, line + at + 1);
	}
}
