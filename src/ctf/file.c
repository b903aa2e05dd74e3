/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define CTF_MAGIC 0xC1FC1FC1u
#define HEAD_BYTES 4096			/* what headers and contexts of packets fit in, nearly always */
#define HEAD_BYTES_MAX (256u << 10)

/* What a packet's header and context say. */
struct head {
	const struct ph_ct_stream_class *sc;
	uint64_t content_bits, packet_bits;	/* UINT64_MAX: up to the file's end */
	uint64_t begin, end;			/* cycles */
	bool has_begin, has_end;
};

static int fail(const struct ph_ct_file *f, uint64_t bit, int code, struct ph_err *err, const char *fmt,
		...) __attribute__((format(printf, 5, 6)));

/* The place in the sentence: a trace's owner can look there with hexdump. */
static int fail(const struct ph_ct_file *f, uint64_t bit, int code, struct ph_err *err, const char *fmt,
		...)
{
	ph_autofree char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	return ph_err_set(err, code, "%s: packet %zu at byte %" PRIu64 ", bit %" PRIu64 ": %s", f->path,
			  f->at, f->at < f->packets.n ? f->packets.v[f->at].off : 0, bit,
			  msg ? msg : "");
}

static const char *why(const struct ph_ct_file *f, int code)
{
	return code == -ENODATA || !f->d.why ? "it ends too early" : f->d.why;
}

static uint64_t role(const struct ph_dec *d, enum ph_ct_role r, uint64_t otherwise)
{
	return d->role_bits[r] ? d->role[r] : otherwise;
}

/* Decode the packet's header and context at d->pos 0. d->why or the code says what is wrong. */
static int read_head(struct ph_ct_file *f, struct head *h)
{
	const struct ph_ct_trace *t = f->trace;
	struct ph_dec *d = &f->d;
	struct ph_value v;
	int r = 0;

	memset(d->role_bits, 0, sizeof(d->role_bits));
	ph_pool_reset(d->scratch);
	d->why = NULL;
	d->empty_left = 1 << 16;
	if (t->packet_header)
		r = ph_dec_any(d, t->packet_header, &v);
	if (r < 0)
		return r;
	d->why = NULL;
	if (role(d, PH_ROLE_MAGIC, CTF_MAGIC) != CTF_MAGIC)
		d->why = "there is no packet: the magic number is missing";
	else if (d->role_bits[PH_ROLE_UUID] && t->meta.has_uuid &&
		 memcmp(d->base + d->role[PH_ROLE_UUID], t->meta.uuid, 16))
		d->why = "the packet is of another trace (its uuid differs)";
	h->sc = ph_ct_trace_stream(t, role(d, PH_ROLE_STREAM_ID, t->streams[0].id));
	if (!d->why && !h->sc)
		d->why = "the metadata has no stream of the packet's stream_id";
	if (d->why)
		return -EBADMSG;
	if (h->sc->packet_context)
		r = ph_dec_any(d, h->sc->packet_context, &v);
	if (r < 0)
		return r;
	h->packet_bits = role(d, PH_ROLE_PACKET_SIZE, UINT64_MAX);
	h->content_bits = role(d, PH_ROLE_CONTENT_SIZE, h->packet_bits);
	h->has_begin = d->role_bits[PH_ROLE_TS_BEGIN] > 0;
	h->has_end = d->role_bits[PH_ROLE_TS_END] > 0;
	h->begin = role(d, PH_ROLE_TS_BEGIN, 0);
	h->end = role(d, PH_ROLE_TS_END, 0);
	if (h->packet_bits != UINT64_MAX && (h->packet_bits % 8 || h->packet_bits < d->pos))
		d->why = "the packet's size is smaller than its header or not of whole bytes";
	else if (h->content_bits < d->pos || h->content_bits > h->packet_bits)
		d->why = "the packet's content size is not between its header's and its own";
	return d->why ? -EBADMSG : 0;
}

/* How far a counter of @bits bits moved. */
static uint64_t counted(uint64_t now, uint64_t before, uint8_t bits)
{
	uint64_t n = now - before;

	return bits < 64 ? n & ((1ULL << bits) - 1) : n;
}

/* ---- the index ------------------------------------------------------------------------------------- */

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static ssize_t read_at(const struct ph_ct_file *f, void *buf, size_t n, uint64_t off)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(f->fd, (char *)buf + got, n - got, (off_t)(off + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* Part of the file in f->buf, while the index is made. */
struct window {
	uint64_t off;
	size_t len;
};

static int move_window(struct ph_ct_file *f, struct window *w, uint64_t off, size_t n)
{
	ssize_t got;

	if (f->cap < n + PH_DEC_PAD) {
		f->cap = n + PH_DEC_PAD;
		f->buf = ph_realloc(f->buf, f->cap);
	}
	got = read_at(f, f->buf, n, off);
	w->off = off;
	w->len = got < 0 ? 0 : (size_t)got;
	memset(f->buf + w->len, 0, PH_DEC_PAD);
	return got < 0 ? (int)got : 0;
}

/*
 * Head of the packet at @off. A head is read with little behind it, unless packets are so small that
 * the next ones' come with it; and again with more where a context does not fit.
 */
static int index_head(struct ph_ct_file *f, struct window *w, uint64_t off, struct head *h, bool *zero)
{
	bool small = f->packets.n && f->packets.v[f->packets.n - 1].bytes < 8 * HEAD_BYTES;
	uint64_t to_end = f->bytes - off;
	int r = -ENODATA;

	for (size_t n = HEAD_BYTES; r == -ENODATA && n <= HEAD_BYTES_MAX; n *= 64) {
		size_t want = n < to_end ? n : (size_t)to_end, at;

		if (off < w->off || off + want > w->off + w->len) {
			r = move_window(f, w, off, small && n == HEAD_BYTES ? 16 * n : n);
			if (r < 0)
				return r;
		}
		at = (size_t)(off - w->off);
		f->d = (struct ph_dec){ .base = f->buf + at, .end = (uint64_t)(w->len - at) * 8,
					.slots = f->slots, .scratch = &f->scratch };
		r = read_head(f, h);
		*zero = all_zero(f->buf + at, w->len - at < 64 ? w->len - at : 64);
		if (w->len - at >= to_end)
			break;
	}
	return r;
}

static void warn(struct ph_ct_file *f, const char *what, uint64_t off)
{
	ph_buf_clear(&f->word);
	ph_buf_addf(&f->word, "%s: %s at byte %" PRIu64, f->path, what, off);
	ph_strv_add(&f->warnings, f->word.p);
}

/* Packets that are missing in the file, by its counter. */
static void count_lost(struct ph_ct_file *f, uint64_t *last, uint64_t *lost)
{
	uint8_t bits = f->d.role_bits[PH_ROLE_SEQ_NUM];

	if (bits && f->packets.n > 1)
		*lost += counted(f->d.role[PH_ROLE_SEQ_NUM], *last + 1, bits);
	*last = f->d.role[PH_ROLE_SEQ_NUM];
}

/*
 * LTTng's crash extraction leaves open packets with a timestamp_end of 0; their end is not known
 * before what follows is.
 */
static void add_packet(struct ph_ct_file *f, const struct head *h, uint64_t off, uint64_t bytes)
{
	struct ph_ct_packet *p = ph_vec_push(&f->packets);
	uint64_t begin = ph_ct_cycles_ns(f->trace, h->begin);

	p->off = off;
	p->bytes = bytes;
	p->begin_ns = begin;
	p->end_ns = h->has_end && (h->end || !h->begin) ? ph_ct_cycles_ns(f->trace, h->end) : UINT64_MAX;
	if (f->packets.n > 1 && p[-1].end_ns == UINT64_MAX && h->has_begin)
		p[-1].end_ns = begin;
	if (p->end_ns < begin)
		p->end_ns = begin;
}

static void build_index(struct ph_ct_file *f)
{
	uint64_t off = 0, left, bytes, last = 0, lost = 0;
	struct window w = { 0 };
	struct head h;
	bool zero = false;
	int r;

	while (off < f->bytes) {
		left = f->bytes - off;
		f->at = f->packets.n;
		r = index_head(f, &w, off, &h, &zero);
		/* A file that was made longer before the machine went down ends in zeros. */
		if (r < 0 && (zero || (r == -ENODATA && f->packets.n))) {
			warn(f, "no further packet can be read: the file was cut off", off);
			break;
		}
		if (r < 0) {
			ph_err_set(&f->broken, r == -ENODATA ? -EBADMSG : r,
				   "%s: packet %zu at byte %" PRIu64 ": %s", f->path, f->at, off,
				   r == -EBADMSG || r == -ENODATA ? why(f, r) : strerror(-r));
			break;
		}
		bytes = h.packet_bits == UINT64_MAX ? left : h.packet_bits / 8;
		if (!bytes) {
			ph_err_set(&f->broken, -EBADMSG, "%s: packet %zu at byte %" PRIu64
				   ": it has no size", f->path, f->at, off);
			break;
		}
		add_packet(f, &h, off, bytes);
		count_lost(f, &last, &lost);
		if (bytes > left) {
			f->cut = true;
			warn(f, "the last packet is cut off", off);
			break;
		}
		off += bytes;
	}
	f->at = 0;
	if (!lost)
		return;
	ph_buf_clear(&f->word);
	ph_buf_addf(&f->word, "%s: %" PRIu64 " packets are missing, the number of their events is not known",
		    f->path, lost);
	ph_strv_add(&f->warnings, f->word.p);
}

static int open_file(struct ph_ct_file *f, struct ph_err *err)
{
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
	return f->fd < 0 ? ph_err_sys(err, errno, "cannot open %s", f->path) : 0;
}

static void close_file(struct ph_ct_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	free(f->buf);
	f->buf = NULL;
	f->cap = 0;
}

int ph_ct_file_open(const struct ph_ct_trace *trace, const char *path, struct ph_ct_file *f,
		    struct ph_err *err)
{
	struct stat st;
	int r;

	*f = (struct ph_ct_file){ .trace = trace, .path = ph_strdup(path), .fd = -1 };
	r = open_file(f, err);
	if (r < 0)
		return r;
	if (fstat(f->fd, &st) < 0)
		return ph_err_sys(err, errno, "cannot read %s", path);
	f->bytes = (uint64_t)st.st_size;
	f->slots = ph_alloc((trace->nslots + 1) * sizeof(*f->slots));
	build_index(f);
	close_file(f);
	return 0;
}

static void unload(struct ph_ct_file *f)
{
	if (f->map)
		munmap(f->map, f->map_bytes);
	f->map = NULL;
	f->loaded = false;
	f->next = PH_NEXT_NONE;
}

void ph_ct_file_done(struct ph_ct_file *f)
{
	unload(f);
	close_file(f);
	ph_pool_done(&f->scratch);
	ph_vec_done(&f->packets);
	free(f->slots);
	free(f->vals);
	free(f->path);
	ph_strv_done(&f->warnings);
	ph_buf_done(&f->word);
}

/* ---- packets ------------------------------------------------------------------------------------------ */

/* A large packet is mapped, over anonymous pages: the page behind it may be read too. */
static int map_packet(struct ph_ct_file *f, uint64_t off, size_t n, struct ph_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = off % page;
	size_t len = ((skip + n + page - 1) & ~(page - 1)) + page;
	void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED ||
	    mmap(p, skip + n, PROT_READ, MAP_PRIVATE | MAP_FIXED, f->fd, (off_t)(off - skip)) == MAP_FAILED) {
		int code = -errno;

		if (p != MAP_FAILED)
			munmap(p, len);
		return ph_err_sys(err, code, "%s: cannot map a packet of %zu bytes", f->path, n);
	}
	madvise(p, skip + n, MADV_SEQUENTIAL);
	f->map = p;
	f->map_bytes = len;
	f->d.base = (const uint8_t *)p + skip;
	return 0;
}

static int read_packet(struct ph_ct_file *f, struct ph_err *err)
{
	const struct ph_ct_packet *p = &f->packets.v[f->at];
	uint64_t n = f->bytes - p->off < p->bytes ? f->bytes - p->off : p->bytes;
	ssize_t got;

	f->d = (struct ph_dec){ .slots = f->slots, .scratch = &f->scratch };
	if (n > PH_CT_READ_MAX) {
		f->d.end = n * 8;
		return map_packet(f, p->off, (size_t)n, err);
	}
	if (f->cap < n + PH_DEC_PAD) {
		f->cap = (size_t)n + PH_DEC_PAD;
		f->buf = ph_realloc(f->buf, f->cap);
	}
	got = read_at(f, f->buf, (size_t)n, p->off);
	if (got < 0)
		return ph_err_sys(err, (int)got, "cannot read %s", f->path);
	if ((uint64_t)got < n)
		return ph_err_set(err, -EBADMSG, "%s became shorter while it was read", f->path);
	memset(f->buf + n, 0, PH_DEC_PAD);
	f->d.base = f->buf;
	f->d.end = n * 8;
	return 0;
}

/* Losses that the packet's counters tell: a gap from the last packet's end to this one's. */
static bool find_gap(struct ph_ct_file *f)
{
	const struct ph_ct_packet *p = &f->packets.v[f->at];
	struct ph_dec *d = &f->d;
	uint64_t discarded = role(d, PH_ROLE_DISCARDED, 0), seq = role(d, PH_ROLE_SEQ_NUM, 0);
	uint64_t lost = counted(discarded, f->has_last ? f->last_discarded : 0,
				d->role_bits[PH_ROLE_DISCARDED]);
	uint64_t begin = f->has_last ? f->last_end_ns : p->begin_ns;
	uint64_t end = p->end_ns == UINT64_MAX ? p->begin_ns : p->end_ns;
	uint64_t packets = 0;

	if (!d->role_bits[PH_ROLE_DISCARDED])
		lost = 0;
	if (f->has_last && d->role_bits[PH_ROLE_SEQ_NUM])
		packets = counted(seq, f->last_seq + 1, d->role_bits[PH_ROLE_SEQ_NUM]);
	f->last_discarded = discarded;
	f->last_seq = seq;
	f->last_end_ns = end;
	f->has_last = true;
	if (!lost && !packets)
		return false;
	if (begin > p->begin_ns)
		begin = p->begin_ns;
	f->next_ns = begin + (uint64_t)f->trace->adjust_ns;
	if (f->next_ns < f->skip_ns)
		f->next_ns = f->skip_ns;
	f->gap[PH_FLD(events_discarded, count)].u = lost;
	f->gap[PH_FLD(events_discarded, begin_ns)].u = begin + (uint64_t)f->trace->adjust_ns;
	f->gap[PH_FLD(events_discarded, end_ns)].u = end + (uint64_t)f->trace->adjust_ns;
	f->gap[PH_FLD(events_discarded, gap_cpu)].i = (int32_t)f->cpu;
	return true;
}

/* Bring packet f->at into memory, up to its first event. */
static int load(struct ph_ct_file *f, struct ph_err *err)
{
	struct head h;
	int r = f->fd < 0 ? open_file(f, err) : 0;

	if (r == 0)
		r = read_packet(f, err);
	if (r < 0)
		return r;
	f->loaded = true;
	r = read_head(f, &h);
	if (r < 0)
		return fail(f, f->d.pos, -EBADMSG, err, "%s", why(f, r));
	if (h.content_bits < f->d.end)
		f->d.end = h.content_bits;
	f->d.empty_left = f->d.end + 65536;
	f->sc = h.sc;
	f->cycles = h.has_begin ? h.begin : f->cycles;
	f->cpu = (uint32_t)role(&f->d, PH_ROLE_CPU_ID, 0);
	if (!f->vals)
		f->vals = ph_alloc((f->trace->nvals_max + 1) * sizeof(*f->vals));
	return 0;
}

void ph_ct_file_seek(struct ph_ct_file *f, uint64_t ns)
{
	uint64_t raw = ns - (uint64_t)f->trace->adjust_ns;
	size_t at;

	unload(f);
	if ((int64_t)raw < 0)
		raw = 0;
	/* The first whose end is not before; ends do not go back in a stream. */
	at = ph_before(p, f->packets.v, f->packets.n, p->end_ns < raw);
	f->has_last = false;
	f->skip_ns = ns;
	f->at = at;
	if (!at || at == f->packets.n)
		return;
	/* What was lost is told by the packet before. */
	f->at = at - 1;
	if (load(f, NULL) == 0)
		find_gap(f);
	unload(f);
	f->at = at;
}

/* ---- events -------------------------------------------------------------------------------------------- */

static inline void clock_to(struct ph_ct_file *f, uint64_t val, unsigned int bits)
{
	uint64_t mask = bits < 64 ? (1ULL << bits) - 1 : UINT64_MAX;

	/* The next time that ends in these bits. */
	f->cycles = bits < 64 ? f->cycles + ((val - f->cycles) & mask) : val;
}

/* 1: an id; 0: the packet has no room for another event; or -EBADMSG. */
static inline int fast_header(struct ph_ct_file *f, uint64_t *id)
{
	const struct ph_ct_fast_header *h = &f->sc->fast;
	struct ph_dec *d = &f->d;
	uint64_t at = (d->pos + 7) / 8, end = d->end / 8, w;
	const uint8_t *p;

	at = (at + h->align_bytes - 1) & ~(uint64_t)(h->align_bytes - 1);
	if (at * 8 >= d->end)
		return 0;
	f->next_pos = at * 8;
	p = d->base + at;
	memcpy(&w, p, 8);
	*id = w & ((1ULL << h->id_bits) - 1);
	if (ph_likely(*id <= h->short_max)) {
		if (ph_unlikely(end - at < h->bytes))
			return -ENODATA;
		clock_to(f, (w >> h->ts_shift) & ((1ULL << h->ts_bits) - 1), h->ts_bits);
		d->pos = (at + h->bytes) * 8;
		return 1;
	}
	if (*id != h->long_value || end - at < h->long_bytes) {
		d->why = "an event's id selects no form of its header";
		return *id != h->long_value ? -EBADMSG : -ENODATA;
	}
	{
		uint32_t long_id;

		memcpy(&long_id, p + h->long_id_at, 4);
		memcpy(&w, p + h->long_ts_at, 8);
		*id = long_id;
	}
	clock_to(f, w, 64);
	d->pos = (at + h->long_bytes) * 8;
	return 1;
}

static int any_header(struct ph_ct_file *f, uint64_t *id)
{
	const struct ph_ct *h = f->sc->event_header;
	struct ph_dec *d = &f->d;
	struct ph_value v;
	int r;

	f->next_pos = d->pos;
	if (h)
		f->next_pos = (d->pos + h->align - 1) & ~(uint64_t)(h->align - 1);
	if (f->next_pos >= d->end)
		return 0;
	*id = 0;
	if (!h)
		return 1;
	d->role_bits[PH_ROLE_EVENT_ID] = d->role_bits[PH_ROLE_TIME] = 0;
	ph_pool_reset(d->scratch);
	r = ph_dec_any(d, h, &v);
	if (r < 0)
		return r;
	*id = role(d, PH_ROLE_EVENT_ID, 0);
	if (d->role_bits[PH_ROLE_TIME])
		clock_to(f, d->role[PH_ROLE_TIME], d->role_bits[PH_ROLE_TIME]);
	return 1;
}

/* Behind the last packet: the end, or why there is no more. */
static int at_end(struct ph_ct_file *f, struct ph_err *err)
{
	close_file(f);
	if (f->broken.code)
		return ph_err_set(err, f->broken.code, "%s", f->broken.msg);
	return 0;
}

static bool cut_here(const struct ph_ct_file *f)
{
	return f->cut && f->at + 1 == f->packets.n;
}

int ph_ct_file_next(struct ph_ct_file *f, struct ph_err *err)
{
	uint64_t id = 0;
	int r;

	for (;;) {
		if (ph_unlikely(!f->loaded)) {
			if (f->at >= f->packets.n)
				return at_end(f, err);
			r = load(f, err);
			if (r < 0)
				return r;
			if (find_gap(f)) {
				f->next = PH_NEXT_GAP;
				return 1;
			}
		}
		r = f->sc->fast.ok ? fast_header(f, &id) : any_header(f, &id);
		if (ph_likely(r > 0))
			break;
		if (r < 0 && !(r == -ENODATA && cut_here(f)))
			return fail(f, f->next_pos, -EBADMSG, err, "in an event's header: %s", why(f, r));
		unload(f);
		f->at++;
	}
	f->next_class = ph_ct_class_get(f->sc, id);
	if (ph_unlikely(!f->next_class))
		return fail(f, f->next_pos, -EBADMSG, err, "stream %" PRIu64 " has no event with id %"
			    PRIu64, f->sc->id, id);
	f->next = PH_NEXT_EVENT;
	f->next_ns = ph_ct_cycles_ns(f->trace, f->cycles) + (uint64_t)f->trace->adjust_ns;
	return 1;
}

int ph_ct_file_take(struct ph_ct_file *f, struct ph_event *ev, struct ph_err *err)
{
	const struct ph_ct_class *c = f->next_class;
	struct ph_value *v = f->vals;
	int r;

	ev->ts_ns = f->next_ns;
	ev->cpu = f->cpu;
	ev->tid = ev->pid = -1;
	ev->container = PH_CONTAINER_UNKNOWN;
	if (ph_unlikely(f->next == PH_NEXT_GAP)) {
		ev->cls = ph_class_by_id(PH_EV_events_discarded);
		ev->v = f->gap;
		ev->ctx = NULL;
		return 1;
	}
	if (f->scratch.used)
		ph_pool_reset(&f->scratch);
	r = ph_plan_run(&c->plan, &f->d, v);
	if (ph_unlikely(r < 0 && r == -ENODATA && cut_here(f))) {
		unload(f);
		f->at++;
		return 0;
	}
	if (ph_unlikely(r < 0))
		return fail(f, f->d.pos, r == -ENODATA ? -EBADMSG : r, err, "in event \"%s\" at bit %"
			    PRIu64 ": %s", c->cls.name, f->next_pos, why(f, r));
	if (ph_unlikely(f->d.pos == f->next_pos))
		return fail(f, f->d.pos, -EBADMSG, err, "event \"%s\" has no bits, so it would never end",
			    c->cls.name);
	ev->cls = &c->cls;
	ev->ctx = v;
	ev->v = v + c->cls.nctx;
	if (ph_unlikely(c->turn != NULL))
		ph_ct_turn(c, v + c->cls.nctx, &f->scratch);
	if (c->tid_at >= 0)
		ev->tid = (int32_t)v[c->tid_at].i;
	if (c->pid_at >= 0)
		ev->pid = (int32_t)v[c->pid_at].i;
	if (c->container_at >= 0 && v[c->container_at].u < c->no_container)
		ev->container = (uint32_t)v[c->container_at].u;
	return 1;
}
