/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_OBJECT_H
#define PH_ANALYZE_OBJECT_H

#include "analyze/states.h"
#include "base/buf.h"
#include "base/map.h"

/* What a blocked task waits for, as far as it has a name: a device, a peer, an own port. */
enum ph_thing { PH_THING_NONE, PH_THING_DISK, PH_THING_PEER, PH_THING_PORT, PH_THING_UNIX, PH_THING_REST };

/* All zero: nothing that has a name. Compared as bytes: without padding. */
struct ph_object {
	enum ph_thing thing;
	uint32_t dev;			/* DISK: the device, or where no request tells it that of a file system */
	uint16_t family, port;		/* PEER: its port; PORT: the own one */
	uint8_t addr[16];		/* PEER */
};

/* Of a BLOCKED segment. */
void ph_object_of(const struct ph_segment *s, struct ph_object *ret);
/* Does it wait on a socket of a server, until a client asks? */
bool ph_object_is_client(const struct ph_segment *s);

/* Names of block devices, and of file systems without one, by their numbers. */
struct ph_devices {
	struct ph_u64map disks, file_systems;
};

/* For every event of the stream that dumps the state. */
void ph_devices_feed(struct ph_devices *d, const struct ph_event *ev);
void ph_devices_done(struct ph_devices *d);

/* "vda", or of one without a name "8:1". */
void ph_device_text(const struct ph_devices *d, uint32_t dev, struct ph_buf *out);
/* "vda", "10.0.0.5:5432", "port 80", "a Unix socket", "others"; nothing for what has no name. */
void ph_object_text(const struct ph_devices *d, const struct ph_object *o, struct ph_buf *out);

#endif
