/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_SOCKETS_H
#define PH_COLLECT_SOCKETS_H

#include "base/vec.h"

/* Sockets of the network namespace that the calling thread is in. */

struct ph_socket {
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP */
	uint8_t state;		/* TCP_LISTEN …, 13: only bound (where the kernel tells of those, v6.8) */
	uint16_t port;
	uint8_t addr[16];	/* local; of IPv4 the first four */
};

typedef PH_VEC(struct ph_socket) ph_socketv;

/*
 * What netlink (sock_diag) does not answer for is read from /proc, which walks all connections of the machine to
 * find the few that listen. Bits: IPv4 and IPv6 of TCP, of UDP. Zero at first; asking sets what the kernel lacks.
 */
struct ph_sockets {
	unsigned int no_diag;
};

/*
 * Add to @out the sockets that wait for somebody: TCP's that listen, UDP's that are not connected. With a @port those of
 * any state that have it. Of more than PH_SOCKETS_MAX the first.
 */
#define PH_SOCKETS_MAX 32768
void ph_sockets_read(struct ph_sockets *s, uint16_t port, ph_socketv *out);

/* Names of Unix sockets that are not connected, abstract ones with an @ for each NUL. */
void ph_sockets_names(ph_strv *out);

#endif
