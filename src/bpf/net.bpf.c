/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network: packets at the device, states of TCP sockets, what was sent again or dropped. */

#define IPPROTO_TCP 6
#define SOCK_DONE 1	/* of skc_flags: the peer has sent its last */
#define TCP_TIME_WAIT 6
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

/* Addresses take 4 or 16 bytes each in the tail; behind saddr comes daddr. */
static __always_inline u32 put_sock_addr(u8 *tail, struct sock *sk, bool dest)
{
	if (sk->__sk_common.skc_family == AF_INET6) {
		const u64 *a = (const u64 *)(dest ? &sk->__sk_common.skc_v6_daddr :
						    &sk->__sk_common.skc_v6_rcv_saddr);

		bpf_probe_read_kernel(tail, 16, a);
		return 16;
	}
	*(u32 *)tail = dest ? sk->__sk_common.skc_daddr : sk->__sk_common.skc_rcv_saddr;
	return 4;
}

/* IP and TCP or UDP headers of a packet, as far as events show them. */
struct packet {
	u16 protocol, source_port, dest_port, tcp_flags;
	u8 ipproto, alen;
	u32 seq, ack;
	u8 saddr[16], daddr[16];
};

static __always_inline void parse_packet(struct packet *pk, struct sk_buff *skb, u8 *l3)
{
	u8 *l4;
	u8 ip[40] = {}, th[14] = {};

	__builtin_memset(pk, 0, sizeof(*pk));
	pk->protocol = swap16(skb->protocol);
	if (pk->protocol == 0x0800) {
		if (bpf_probe_read_kernel(ip, 20, l3) || ip[0] >> 4 != 4)
			return;
		pk->alen = 4;
		pk->ipproto = ip[9];
		__builtin_memcpy(pk->saddr, ip + 12, 4);
		__builtin_memcpy(pk->daddr, ip + 16, 4);
		if ((ip[6] & 0x1f) || ip[7])	/* a later fragment: no ports */
			return;
		l4 = l3 + (ip[0] & 15) * 4;
	} else if (pk->protocol == 0x86dd) {
		if (bpf_probe_read_kernel(ip, 40, l3) || ip[0] >> 4 != 6)
			return;
		pk->alen = 16;
		pk->ipproto = ip[6];
		__builtin_memcpy(pk->saddr, ip + 8, 16);
		__builtin_memcpy(pk->daddr, ip + 24, 16);
		l4 = l3 + 40;
	} else {
		return;
	}
	if (pk->ipproto != 6 && pk->ipproto != 17)
		return;
	if (bpf_probe_read_kernel(th, pk->ipproto == 6 ? 14 : 4, l4))
		return;
	pk->source_port = th[0] << 8 | th[1];
	pk->dest_port = th[2] << 8 | th[3];
	if (pk->ipproto == 6) {
		pk->seq = (u32)th[4] << 24 | th[5] << 16 | th[6] << 8 | th[7];
		pk->ack = (u32)th[8] << 24 | th[9] << 16 | th[10] << 8 | th[11];
		pk->tcp_flags = (th[12] & 1) << 8 | th[13];
	}
}

/* @l3_: where the IP header is. */
#define PACKET_EVENT(event, hook, l3_)								\
SEC("?tp_btf/" #hook)										\
int BPF_PROG(event, struct sk_buff *skb)								\
{												\
	struct packet pk;									\
	u32 at = 0, n;										\
												\
	CURRENT_SELECTED(cur, who);							\
	parse_packet(&pk, skb, l3_);									\
	EVENT_TAIL(event, 16 + 32, cur, who, e, tail);					\
	SET(e, skbaddr, (u64)skb);								\
	SET(e, len, skb->len);									\
	at = TAIL_STR(e, name, tail, at, 16, (void *)WALK(skb)->dev->name);				\
	at &= 15;										\
	SET(e, netns, WALK(skb)->dev->nd_net.net->ns.inum);						\
	SET(e, protocol, pk.protocol);								\
	SET(e, ipproto, pk.ipproto);								\
	n = pk.alen;										\
	SET(e, saddr, n);									\
	SET(e, daddr, n);									\
	if (n == 4) {										\
		__builtin_memcpy(tail + at, pk.saddr, 4);					\
		__builtin_memcpy(tail + at + 4, pk.daddr, 4);					\
		at += 8;									\
	} else if (n == 16) {									\
		__builtin_memcpy(tail + at, pk.saddr, 16);					\
		__builtin_memcpy(tail + at + 16, pk.daddr, 16);					\
		at += 32;									\
	}											\
	SET(e, source_port, pk.source_port);							\
	SET(e, dest_port, pk.dest_port);							\
	SET(e, seq, pk.seq);									\
	SET(e, ack_seq, pk.ack);								\
	SET(e, tcp_flags, pk.tcp_flags);							\
	DONE(event, e, at);									\
	return 0;										\
}

PACKET_EVENT(net_dev_queue, net_dev_queue, skb->head + skb->network_header)
/* The device has taken its own header off; the offset of the next one is set just after this. */
PACKET_EVENT(net_if_receive_skb, netif_receive_skb, skb->data)

/*
 * The cgroup in which a socket was made; NULL: not known. TCP works in timers and interrupts, where
 * the current task is anybody: it is the socket that tells whose an event is.
 */
static __always_inline struct ph_cgent *sock_cgent(struct sock *sk)
{
	u8 state = sk->__sk_common.skc_state;

	/* These are not whole: nothing but the common part is there. */
	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		return NULL;
	if (!bpf_core_field_exists(sk->sk_cgrp_data))
		return NULL;
	return cgent(PH_CGKEY(0, WALK(sk)->sk_cgrp_data.cgroup->kn->id));
}

/*
 * Is the current task selected, or else the container whose socket it is? The recorder uses no TCP: where it
 * is the current task it was interrupted.
 */
static __always_inline bool sock_selected(struct task_struct *cur, u64 *who, struct ph_cgent *owner)
{
	bool ours;

	if (current_surely_selected(cur, who, &ours))
		return true;
	if (!cfg.by_container || cfg.by_pid || cfg.by_comm || cfg.nns || !owner ||
	    !(owner->flags & PH_CG_SELECTED))
		return ours;
	*who = or_of(*who, ours, owner->index);
	return true;
}

#define SOCK_SELECTED(cur, who, sk)							\
	struct task_struct *cur = current_task();					\
	struct ph_cgent *owner = sock_cgent(sk);					\
	u64 who;									\
	if (!sock_selected(cur, &who, owner))						\
		return 0

#define SOCK_HEAD(e, sk)								\
	SET(e, sock_container, owner ? owner->index : PH_CONTAINER_HOST);		\
	SET(e, skaddr, (u64)(sk));							\
	SET(e, netns, (sk)->__sk_common.skc_net.net->ns.inum);				\
	SET(e, sport, (sk)->__sk_common.skc_num);					\
	SET(e, family, (sk)->__sk_common.skc_family);					\
	at = put_sock_addr(tail, sk, false);						\
	SET(e, saddr, at)

#define SOCK_PEER(e, sk)								\
	SET(e, dport, swap16((sk)->__sk_common.skc_dport));				\
	{										\
		u32 n_ = put_sock_addr(tail + at, sk, true);				\
											\
		SET(e, daddr, n_);							\
		at += n_;								\
	}

/* What a program gave to the connection and can take from it; the kernel counts what was sent again, and the peer's FIN. */
static __always_inline u64 tcp_bytes_sent(struct sock *sk)
{
	u64 sent = FETCH(sk, struct tcp_sock, bytes_sent), again = FETCH(sk, struct tcp_sock, bytes_retrans);

	return sent > again ? sent - again : 0;
}

static __always_inline u64 tcp_bytes_received(struct sock *sk)
{
	u64 received = FETCH(sk, struct tcp_sock, bytes_received), fin = sk->__sk_common.skc_flags >> SOCK_DONE & 1;

	return received > fin ? received - fin : 0;
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int oldstate, int newstate)
{
	bool tcp = sk->sk_protocol == IPPROTO_TCP;
	u32 at;

	SOCK_SELECTED(cur, who, sk);
	EVENT_TAIL(inet_sock_set_state, 32, cur, who, e, tail);
	SOCK_HEAD(e, sk);
	SOCK_PEER(e, sk);
	SET(e, oldstate, oldstate);
	SET(e, newstate, newstate);
	SET(e, protocol, sk->sk_protocol);
	SET(e, bytes_sent, tcp ? tcp_bytes_sent(sk) : 0);
	SET(e, bytes_received, tcp ? tcp_bytes_received(sk) : 0);
	DONE(inet_sock_set_state, e, at);
	return 0;
}

SEC("?tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, struct sock *sk)
{
	u32 at;

	SOCK_SELECTED(cur, who, sk);
	EVENT_TAIL(tcp_retransmit_skb, 32, cur, who, e, tail);
	SOCK_HEAD(e, sk);
	SOCK_PEER(e, sk);
	SET(e, state, sk->__sk_common.skc_state);
	DONE(tcp_retransmit_skb, e, at);
	return 0;
}

SEC("?tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, struct sock *sk)
{
	u32 at;

	if (!sk)	/* an answer to a packet for no socket */
		return 0;
	SOCK_SELECTED(cur, who, sk);
	EVENT_TAIL(tcp_send_reset, 32, cur, who, e, tail);
	SOCK_HEAD(e, sk);
	SOCK_PEER(e, sk);
	SET(e, state, sk->__sk_common.skc_state);
	DONE(tcp_send_reset, e, at);
	return 0;
}

/*
 * No kernel has a tracepoint for an overflow of the accept queue; the packet that would complete a
 * handshake and is dropped for it is freed with the listening socket (v6.11, c53795d48ee8), whose
 * queue is then longer than allowed. A SYN that finds the queue full shows at its sender only, who
 * sends it again: the kernel frees it as if it had been used.
 */
SEC("?tp_btf/kfree_skb")
int BPF_PROG(tcp_listen_overflow, struct sk_buff *skb, void *location, int reason, struct sock *sk)
{
	u32 at;

	if (!sk || sk->__sk_common.skc_state != TCP_LISTEN ||
	    sk->sk_ack_backlog <= sk->sk_max_ack_backlog)
		return 0;
	SOCK_SELECTED(cur, who, sk);
	EVENT_TAIL(tcp_listen_overflow, 16, cur, who, e, tail);
	SOCK_HEAD(e, sk);
	SET(e, backlog, sk->sk_max_ack_backlog);
	SET(e, queued, sk->sk_ack_backlog);
	DONE(tcp_listen_overflow, e, at);
	return 0;
}
