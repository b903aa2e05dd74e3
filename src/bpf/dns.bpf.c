/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS messages, where tasks hand them to a socket whose peer is a port 53, and where they take the answers
 * from it: there the addresses are the task's own, whatever its network namespace rewrites, and the task is
 * the one that asks. Packets at a device tell neither.
 */

#define DNS_PORT 53
#define DNS_HEAD 12		/* bytes that every message has */
#define DNS_BYTES 1024		/* that are recorded of one */
#define DNS_BATCH 4		/* messages of one sendmmsg or recvmmsg: resolvers ask for A and AAAA so */

#define MSG_PEEK 2

#if defined(__TARGET_ARCH_x86)
enum { NR_READ = 0, NR_WRITE = 1, NR_READV = 19, NR_WRITEV = 20, NR_SENDTO = 44, NR_RECVFROM = 45, NR_SENDMSG = 46,
       NR_RECVMSG = 47, NR_RECVMMSG = 299, NR_SENDMMSG = 307 };
#else
enum { NR_READ = 63, NR_WRITE = 64, NR_READV = 65, NR_WRITEV = 66, NR_SENDTO = 206, NR_RECVFROM = 207,
       NR_SENDMSG = 211, NR_RECVMSG = 212, NR_RECVMMSG = 243, NR_SENDMMSG = 269 };
#endif

struct user_mmsghdr {
	struct user_msghdr hdr;
	u64 control, controllen, flags;
	u32 len, pad_;
};

struct dns_msg {
	u64 sk, buf;
	u64 len;		/* at @buf, or of all buffers together */
	u32 netns;
	u16 protocol, sport, dport, alen, id, pad_;
	u8 daddr[16];
};

static __always_inline bool dns_socket(struct dns_msg *m, struct task_struct *cur, u32 fd)
{
	struct sock_common *c = fd_sock(cur, fd);
	u16 family;

	if (!c)
		return false;
	family = FETCH(c, struct sock_common, skc_family);
	if (family == AF_INET) {
		m->alen = 4;
		*(u32 *)m->daddr = FETCH(c, struct sock_common, skc_daddr);
	} else if (family == AF_INET6) {
		m->alen = 16;
		bpf_probe_read_kernel(m->daddr, 16, (void *)c + bpf_core_field_offset(struct sock_common, skc_v6_daddr));
	} else {
		return false;
	}
	m->sk = (u64)c;
	m->netns = BPF_CORE_READ(c, skc_net.net, ns.inum);
	m->protocol = FETCH(c, struct sock, sk_protocol);
	m->sport = FETCH(c, struct sock_common, skc_num);
	m->dport = swap16(FETCH(c, struct sock_common, skc_dport));
	return true;
}

/* The peer that the message itself has. */
static __always_inline void dns_peer(struct dns_msg *m, u64 name, u32 len)
{
	u8 sa[24] = {};

	if (!name || len < 16 || bpf_probe_read_user(sa, len < 24 ? 16 : 24, (void *)name))
		return;
	if (*(u16 *)sa == AF_INET) {
		m->alen = 4;
		__builtin_memcpy(m->daddr, sa + 4, 4);
	} else if (*(u16 *)sa == AF_INET6 && len >= 24) {
		m->alen = 16;
		__builtin_memcpy(m->daddr, sa + 8, 16);
	} else {
		return;
	}
	m->dport = sa[2] << 8 | sa[3];
}

/* The first buffer; or the second, where the first has the length that stands before each message in TCP. */
static __always_inline bool dns_buffer(struct dns_msg *m, struct user_iovec *at, u64 n)
{
	struct user_iovec iov = {};

	if (!n || bpf_probe_read_user(&iov, sizeof(iov), at))
		return false;
	if (m->protocol == IPPROTO_TCP && iov.len == 2 && n > 1) {
		m->len = m->len > 2 ? m->len - 2 : 0;
		if (bpf_probe_read_user(&iov, sizeof(iov), at + 1))
			return false;
	}
	m->buf = iov.base;
	if (m->len > iov.len)
		m->len = iov.len;
	return true;
}

/* Is it a query, or an answer? Without TCP's length from here on. */
static __always_inline bool dns_is(struct dns_msg *m, bool answer)
{
	u8 b[4] = {};

	if (m->protocol == IPPROTO_TCP && m->len >= 2 + DNS_HEAD) {
		if (bpf_probe_read_user(b, 2, (void *)m->buf))
			return false;
		if ((u64)(b[0] << 8 | b[1]) + 2 == m->len) {
			m->buf += 2;
			m->len -= 2;
		}
	}
	if (m->len < DNS_HEAD || bpf_probe_read_user(b, 4, (void *)m->buf))
		return false;
	m->id = b[0] << 8 | b[1];
	return !(b[2] & 0x80) == !answer;
}

/* Global functions: the verifier looks at them once, not at each message of a batch. */
#define EMIT_DNS(event)									\
__noinline int emit_##event(struct dns_msg *m, u64 who)					\
{											\
	struct task_struct *cur = current_task();					\
	u32 at, n;									\
											\
	if (!m)										\
		return 0;								\
	EVENT_TAIL_ALONE(event, 16 + DNS_BYTES, cur, who, e, tail);				\
	SET(e, skaddr, m->sk);								\
	SET(e, netns, m->netns);							\
	SET(e, protocol, m->protocol);							\
	SET(e, sport, m->sport);							\
	SET(e, dport, m->dport);							\
	SET(e, id, m->id);								\
	SET(e, len, (u32)m->len);							\
	__builtin_memcpy(tail, m->daddr, 16);						\
	at = m->alen == 16 ? 16 : 4;							\
	SET(e, daddr, at);								\
	n = m->len > DNS_BYTES ? DNS_BYTES : (u32)m->len;				\
	if (bpf_probe_read_user(tail + at, n, (void *)m->buf))				\
		n = 0;									\
	SET(e, message, n);								\
	DONE(event, e, at + n);								\
	return 0;									\
}

EMIT_DNS(dns_query)
EMIT_DNS(dns_answer)

/* One message of socket @s: in the buffers of @msg, or at @s->buf where it has none. */
__noinline int dns_message(struct dns_msg *s, struct user_msghdr *msg, u64 who, u32 answer)
{
	struct dns_msg m;

	if (!s || !msg)
		return 0;
	m = *s;
	dns_peer(&m, msg->name, msg->namelen);
	if (m.dport != DNS_PORT)
		return 0;
	if (msg->iov && !dns_buffer(&m, msg->iov, msg->iovlen))
		return 0;
	if (!dns_is(&m, answer))
		return 0;
	if (answer)
		emit_dns_answer(&m, who);
	else
		emit_dns_query(&m, who);
	return 0;
}

/* @len: bytes that the call took or gave, -1: not known yet; of those in batches, messages. */
static __always_inline int dns_call(struct task_struct *cur, struct pt_regs *regs, long nr, u64 len, u64 who,
				    bool answer)
{
	struct user_msghdr msg = {};
	struct user_mmsghdr mm = {};
	struct dns_msg m = {};
	u64 at = sys_arg(regs, 1, false);

	if (sys_compat(cur) || !at || !dns_socket(&m, cur, sys_arg(regs, 0, false)))
		return 0;
	m.buf = at;
	m.len = len;
	switch (nr) {
	case NR_WRITE:
		m.len = sys_arg(regs, 2, false);
		break;
	case NR_SENDTO:
		m.len = sys_arg(regs, 2, false);
		msg.name = sys_arg(regs, 4, false);
		msg.namelen = sys_arg(regs, 5, false);
		break;
	case NR_RECVFROM:
		if (sys_arg(regs, 3, false) & MSG_PEEK)
			return 0;
		msg.name = sys_arg(regs, 4, false);
		if (msg.name)
			bpf_probe_read_user(&msg.namelen, sizeof(msg.namelen), (void *)sys_arg(regs, 5, false));
		/* fall through */
	case NR_READ:
		/* With MSG_TRUNC it says more than it gave. */
		if (m.len > sys_arg(regs, 2, false))
			m.len = sys_arg(regs, 2, false);
		break;
	case NR_READV:
	case NR_WRITEV:
		msg.iov = (void *)at;
		msg.iovlen = sys_arg(regs, 2, false);
		break;
	case NR_SENDMSG:
	case NR_RECVMSG:
		if ((answer && sys_arg(regs, 2, false) & MSG_PEEK) || bpf_probe_read_user(&msg, sizeof(msg), (void *)at))
			return 0;
		break;
	default:
		if (answer && sys_arg(regs, 3, false) & MSG_PEEK)
			return 0;
		if (len > sys_arg(regs, 2, false))
			len = sys_arg(regs, 2, false);
		for (u32 i = 0; i < DNS_BATCH; i++) {
			if (i >= len || bpf_probe_read_user(&mm, sizeof(mm), (void *)(at + i * sizeof(mm))))
				break;
			m.len = answer ? mm.len : (u64)-1;
			dns_message(&m, &mm.hdr, who, answer);
		}
		return 0;
	}
	dns_message(&m, &msg, who, answer);
	return 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(dns_query, struct pt_regs *regs, long id)
{
	if (id != NR_WRITE && id != NR_SENDTO && id != NR_SENDMSG && id != NR_SENDMMSG && id != NR_WRITEV)
		return 0;
	CURRENT_SELECTED(cur, who);
	return dns_call(cur, regs, id, -1, who, false);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(dns_answer, struct pt_regs *regs, long ret)
{
	long nr = sys_nr(regs);

	if (ret <= 0 || (nr != NR_READ && nr != NR_RECVFROM && nr != NR_RECVMSG && nr != NR_RECVMMSG && nr != NR_READV))
		return 0;
	CURRENT_SELECTED(cur, who);
	return dns_call(cur, regs, nr, ret, who, true);
}
