/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_CTF_H
#define PH_CTF_CTF_H

#include "source/source.h"

/*
 * Open a CTF 1.8 trace (ours, LTTng's kernel or user-space tracer's, any other) as a source.
 * @path is a trace directory, or one above it (an LTTng session, a rotated recording): all traces
 * below it are read as one, merged by time. Memory does not grow with the length of the trace.
 * A truncated packet at the end is read as far as it goes, and said (ph_ctf_warnings).
 */
int ph_ctf_open(const char *path, struct ph_source **ret, struct ph_err *err);

/* Sentences about what is odd in the trace (truncated, packet lost, unknown), one each; until NULL. */
const char *ph_ctf_warning(struct ph_source *s, size_t i);
/* The classes that the trace's metadata describes, by 0-based number until NULL. */
const struct ph_class *ph_ctf_class(struct ph_source *s, size_t i);
/*
 * The streams of @s in which the recorder says who is who (those named "state") once more, as a source
 * of their own: what an identity model needs before a seek into the middle, and ahead of the events.
 * It is to be closed before @s is. *@ret is NULL where @s is no CTF trace or has no such stream.
 */
int ph_ctf_state(struct ph_source *s, struct ph_source **ret, struct ph_err *err);

struct ph_ctf_writer;
struct ph_ctf_stream;

struct ph_ctf_env {
	const char *hostname, *kernel_release, *kernel_version, *trace_name;
	const char *machine;		/* as uname -m says; NULL: this one */
	const char *boot_id;		/* "xxxxxxxx-xxxx-…": becomes the clock's uuid */
	int64_t offset_ns;		/* Unix time of the clock's 0 */
	bool whole;			/* as of struct ph_source */
	bool is_new;			/* the directory must not be there yet, not even empty or as a link */
	uint64_t packet_bytes;		/* a packet is closed at this size; 0: 256 KiB */
};

/* Could ph_ctf_create() make a trace there? As far as can be told without making anything, in its words. */
int ph_ctf_can_create(const char *path, struct ph_err *err);

/*
 * Make the directory @path (it must not exist, or be empty) and a trace in it, which is its owner's alone to read: it has what
 * programs were started with, and what they wrote. Classes are added to
 * the metadata when their first event is written. @ctx: the contexts that every event of this trace
 * carries, in ph_event.ctx order: name and type; NULL/0: tid and container only, from ph_event.
 */
int ph_ctf_create(const char *path, const struct ph_ctf_env *env, const struct ph_field *ctx,
		  uint32_t nctx, struct ph_ctf_writer **ret, struct ph_err *err);

/*
 * A stream file: one per CPU, plus one for what the recorder itself says (cpu 0, name "state"), and one without
 * a CPU (PH_CPU_UNKNOWN, name "missed") that has gaps alone. The file is there once something was written.
 * Streams of one writer may be written by different threads at once.
 */
int ph_ctf_stream(struct ph_ctf_writer *w, const char *name, uint32_t cpu, struct ph_ctf_stream **ret,
		  struct ph_err *err);

/*
 * Append an event; times in a stream must not go back (one that does gets the time of the event
 * before it). Writes out the packet when it is full. Classes must outlive the writer: they are known
 * by their address. -E2BIG: a sequence of more than 65535 elements; the stream stays good. After an
 * error of the file itself every call for this stream gives that error.
 */
int ph_ctf_write(struct ph_ctf_stream *st, const struct ph_event *ev, struct ph_err *err);
/* @n more events were lost in this stream at about the present end of the packet. */
void ph_ctf_discarded(struct ph_ctf_stream *st, uint64_t n);
/* @n more events were lost between these times: an empty packet says so. Of a stream that has no events. */
int ph_ctf_gap(struct ph_ctf_stream *st, uint64_t n, uint64_t begin_ns, uint64_t end_ns, struct ph_err *err);
/* Close the open packet with its end at @now_ns, so that a reader sees it. No-op where it is empty
 * and nothing was discarded. No event of before @now_ns may follow in this stream. */
int ph_ctf_flush(struct ph_ctf_stream *st, uint64_t now_ns, struct ph_err *err);
/* Bytes written so far in all streams. */
uint64_t ph_ctf_bytes(const struct ph_ctf_writer *w);
/* Flush all, close all; the trace is complete. Frees @w even on error. */
int ph_ctf_close(struct ph_ctf_writer *w, uint64_t now_ns, struct ph_err *err);

#endif
