/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "ctf/ctf.h"
#include "fuzz.h"

/*
 * A trace: metadata, a line "--- packets", and the bytes of a stream file. Without that line all of the
 * input is packets, for metadata that has a field of every kind.
 */
static const char rich[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8; align = 8; signed = false; } := u8;\n"
	"typealias integer { size = 8; align = 8; signed = true; encoding = UTF8; } := chr;\n"
	"typealias integer { size = 32; align = 32; signed = true; byte_order = be; } := s32be;\n"
	"typealias integer { size = 3; align = 1; signed = true; } := s3;\n"
	"typealias integer { size = 64; align = 8; } := u64;\n"
	"trace { major = 1; minor = 8; byte_order = le; packet.header := struct {\n"
	"  u8 stream_id; }; };\n"
	"clock { name = c; freq = 1000; offset = 5; };\n"
	"stream { id = 0; packet.context := struct { u8 content_size; u8 packet_size; u8 cpu_id;\n"
	"    u8 packet_seq_num; u8 events_discarded; u8 timestamp_begin; u8 timestamp_end; };\n"
	"  event.header := struct { enum : u8 { compact = 0 ... 30, extended = 31 } id; variant <id> {\n"
	"    struct { integer { size = 24; align = 8; map = clock.c.value; } timestamp; } compact;\n"
	"    struct { integer { size = 32; align = 8; } id;\n"
	"      integer { size = 64; align = 8; map = clock.c.value; } timestamp; } extended; } v; };\n"
	"  event.context := struct { u8 _tid; enum : u8 { A, B = 2 ... 9, C } kind; }; };\n"
	"stream { id = 1; event.header := struct { integer { size = 5; } id;\n"
	"    integer { size = 27; } timestamp; } align(16); };\n"
	"event { name = a; id = 0; fields := struct { u8 __s_length; u8 _s[__s_length]; string t; s3 x;\n"
	"    s32be y; chr z[4]; floating_point { exp_dig = 8; mant_dig = 24; } f; }; };\n"
	"event { name = b; id = 1; context := struct { string c; }; fields := struct { u8 n; u8 m;\n"
	"    struct { s3 q; variant <stream.event.context.kind> { u64 A; string B; struct { } C; } v; }\n"
	"      list[n][m]; chr text[n]; }; };\n"
	"event { name = c; id = 0; stream_id = 1; fields := struct { s3 a[3]; u8 n; s3 b[n]; string d; }; };\n"
	"event { name = d; id = 1; stream_id = 1; };\n"
	"event { name = e; id = 2; stream_id = 1; fields := struct { u64 n; struct { } none[n]; }; };\n"
	"event { name = sched_switch; id = 2; fields := struct { chr _prev_comm[16]; s3 _prev_tid;\n"
	"    string _next_comm; floating_point { exp_dig = 11; mant_dig = 53; byte_order = be; } d; }; };\n";

static char dir[64], metadata[80], stream[80];

static void write_file(const char *path, const void *data, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	close(fd);
}

static void remove_files(void)
{
	unlink(metadata);
	unlink(stream);
	rmdir(dir);
}

static void make_dir(void)
{
	strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-ctf-XXXXXX" : "/tmp/fuzz-ctf-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(metadata, sizeof(metadata), "%s/metadata", dir);
	snprintf(stream, sizeof(stream), "%s/stream", dir);
	atexit(remove_files);
}

/* Touch every byte that a consumer may. */
static uint64_t touch(const struct ph_type *t, const struct ph_value *v)
{
	uint64_t sum = 0;

	switch (t->kind) {
	case PH_KIND_STR:
	case PH_KIND_BYTES:
		for (uint32_t i = 0; i < v->n; i++)
			sum += (unsigned char)v->s[i];
		break;
	case PH_KIND_SEQ:
		for (uint32_t i = 0; i < v->n; i++)
			sum += touch(t->elem, &v->v[i]);
		break;
	case PH_KIND_STRUCT:
		for (uint32_t i = 0; i < t->nfields; i++)
			sum += touch(t->fields[i].type, &v->v[i]);
		break;
	case PH_KIND_VARIANT:
		sum += touch(t->fields[v->sel].type, v->v);
		break;
	case PH_KIND_ENUM:
		sum += ph_enum_label(t, v) != NULL;
		break;
	default:
		sum += v->u;
	}
	return sum;
}

static void read_all(struct ph_source *s)
{
	static volatile uint64_t sink ph_unused;
	struct ph_err err = { 0 };
	struct ph_event *ev;
	uint64_t sum = 0;

	while (ph_source_next(s, &ev, &err) > 0) {
		for (uint32_t i = 0; i < ev->cls->nctx; i++)
			sum += touch(ev->cls->ctx[i].type, &ev->ctx[i]);
		for (uint32_t i = 0; i < ev->cls->nfields; i++)
			sum += touch(ev->cls->fields[i].type, &ev->v[i]);
		for (uint32_t i = 0; ev->cls->id == PH_EV_sched_switch && i < 7; i++)
			sum += ph_event_field(ev, i) != NULL;
	}
	sink = sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] = "\n--- packets\n";
	const uint8_t *at = memmem(data, size, line, sizeof(line) - 1);
	struct ph_err err = { 0 };
	struct ph_source *s;

	if (!dir[0])
		make_dir();
	if (at) {
		write_file(metadata, data, (size_t)(at - data));
		at += sizeof(line) - 1;
		write_file(stream, at, size - (size_t)(at - data));
	} else {
		write_file(metadata, rich, sizeof(rich) - 1);
		write_file(stream, data, size);
	}
	if (ph_ctf_open(dir, &s, &err) < 0) {
		if (!err.code || !err.msg[0])
			abort();
		return 0;
	}
	read_all(s);
	s->ops->seek(s, s->begin_ns + (s->end_ns - s->begin_ns) / 2, &err);
	read_all(s);
	ph_source_close(s);
	return 0;
}
