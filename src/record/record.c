/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "ctf/ctf.h"

/* A reader of a trace whose recorder was killed finds all but this much. */
#define FLUSH_NS (PH_NSEC / 2)

struct cpu_stream {
	struct ph_ctf_stream *st;
	uint64_t last_ns;	/* time of its last event */
};

struct ph_recorder {
	struct ph_collect *c;
	struct ph_record_opts opts;
	char *dir;
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *state;
	uint64_t state_ns;
	struct cpu_stream *cpu;
	struct ph_ctf_stream *missed;
	uint64_t nmissed, missed_ns;	/* not written yet, and since when */
	uint64_t begun_ns, flushed_ns;
	uint64_t last_ns;		/* time of the last event, where it is fed */
	uint64_t done_bytes;		/* of finished pieces */
	uint64_t pieces, dumped;
	bool failed;
};

static int on_state(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_recorder *r = arg;

	if (ev->ts_ns > r->state_ns)
		r->state_ns = ev->ts_ns;
	return ph_ctf_write(r->state, ev, err);
}

static int on_event(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_recorder *r = arg;
	struct cpu_stream *s = &r->cpu[ev->cpu];

	s->last_ns = ev->ts_ns;
	return ph_ctf_write(s->st, ev, err);
}

static int drain(struct ph_recorder *r, struct ph_err *err);

/* The state dump of a large host takes longer than the buffers last: drain them meanwhile. */
static int on_dump(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_recorder *r = arg;
	int ret = on_state(r, ev, err);

	if (ret >= 0 && ++r->dumped % 64 == 0 && ph_collect_fill(r->c) >= PH_BUSY_PERCENT)
		ret = drain(r, err);
	return ret;
}

static void on_lost(void *arg, uint32_t cpu, uint64_t n)
{
	struct ph_recorder *r = arg;

	if (cpu == PH_CPU_UNKNOWN)
		r->nmissed += n;
	else
		ph_ctf_discarded(r->cpu[cpu].st, n);
}

static void read_line(const char *path, char *out, size_t size)
{
	ph_autobuf b = { 0 };

	out[0] = 0;
	if (ph_read_file_at(AT_FDCWD, path, 4096, &b) >= 0)
		snprintf(out, size, "%.*s", (int)strcspn(b.p, "\n"), b.p);
}

static bool rotates(const struct ph_record_opts *o)
{
	return o->rotate_bytes || o->rotate_ns;
}

/* The name of the @n-th piece in @dir; the caller frees it. */
static char *piece_name(const struct ph_record_opts *o, const char *dir, uint64_t n)
{
	return rotates(o) ? ph_asprintf("%s/%05llu", dir, (unsigned long long)n) : ph_strdup(dir);
}

static int begin_piece(struct ph_recorder *r, struct ph_err *err)
{
	ph_autofree char *path = piece_name(&r->opts, r->dir, r->pieces + 1);
	struct ph_ctf_env env = { 0 };
	const struct ph_field *ctx;
	char boot_id[64];
	struct utsname uts;
	uint32_t nctx;
	int ret;

	uname(&uts);
	read_line("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
	env.hostname = uts.nodename;
	env.kernel_release = uts.release;
	env.kernel_version = uts.version;
	env.trace_name = strrchr(r->dir, '/') ? strrchr(r->dir, '/') + 1 : r->dir;
	env.boot_id = boot_id;
	env.is_new = rotates(&r->opts);
	env.whole = ph_collect_whole(r->c);
	env.offset_ns = r->opts.fed ? r->opts.offset_ns : ph_clock_offset_ns();
	ctx = ph_collect_context(r->c, &nctx);
	ret = ph_ctf_create(path, &env, nctx > 2 ? ctx : NULL, nctx > 2 ? nctx : 0, &r->w, err);
	if (ret < 0)
		return ret;
	r->pieces++;
	ret = ph_ctf_stream(r->w, "state", 0, &r->state, err);
	for (int cpu = 0; ret >= 0 && cpu < ph_collect_ncpus(r->c); cpu++)
		ret = ph_ctf_stream(r->w, "channel0", (uint32_t)cpu, &r->cpu[cpu].st, err);
	if (ret >= 0)
		ret = ph_ctf_stream(r->w, "missed", PH_CPU_UNKNOWN, &r->missed, err);
	r->begun_ns = r->flushed_ns = r->missed_ns = ph_now_ns();
	if (r->opts.fed)
		return ret;
	if (ret >= 0)
		ret = ph_collect_dump(r->c, on_dump, r, err);
	if (ret >= 0)
		ret = ph_ctf_flush(r->state, r->state_ns, err);
	return ret;
}

/* What was missed up to @now, and whose CPU is not known. */
static int tell_missed(struct ph_recorder *r, uint64_t now, struct ph_err *err)
{
	int ret = r->nmissed ? ph_ctf_gap(r->missed, r->nmissed, r->missed_ns, now, err) : 0;

	r->nmissed = 0;
	r->missed_ns = now;
	return ret;
}

static int end_piece(struct ph_recorder *r, struct ph_err *err)
{
	uint64_t now = r->opts.fed ? r->last_ns : ph_now_ns();
	int ret = 0, rc;

	if (!r->w)
		return 0;
	if (!r->failed)
		ret = tell_missed(r, now, err);
	r->done_bytes += ph_ctf_bytes(r->w);
	rc = ph_ctf_close(r->w, now, ret < 0 ? NULL : err);
	r->w = NULL;
	return ret < 0 ? ret : rc;
}

/* Remove a piece: a flat directory of files that the recorder made. */
static void remove_piece(const char *path)
{
	/* Where others may write beside it, another one may be called so by now. */
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	ph_autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (fd >= 0 && !dir)
		close(fd);
	while (dir && (de = readdir(dir)))
		if (de->d_type == DT_REG)
			unlinkat(dirfd(dir), de->d_name, 0);
	rmdir(path);
}

static int rotate(struct ph_recorder *r, struct ph_err *err)
{
	int ret = ph_collect_counts(r->c, on_dump, r, err);

	if (ret >= 0)
		ret = end_piece(r, err);
	if (ret < 0)
		return ret;
	if (r->opts.keep && r->pieces >= r->opts.keep) {
		ph_autofree char *old = piece_name(&r->opts, r->dir, r->pieces - r->opts.keep + 1);

		remove_piece(old);
	}
	return begin_piece(r, err);
}

/* Pieces that are there already, also empty ones and those of which the first are gone, would end a recording when it comes to their number. */
static int check_pieces(const char *dir, struct ph_err *err)
{
	ph_autoclosedir DIR *d = opendir(dir);
	struct dirent *de;

	while (d && (de = readdir(d)))
		if (strlen(de->d_name) >= 5 && !de->d_name[strspn(de->d_name, "0123456789")])
			return ph_err_set(err, -EEXIST, "%s has a piece of another recording, %s: remove it, or name another directory",
					  dir, de->d_name);
	return 0;
}

int ph_recorder_check(const struct ph_record_opts *opts, struct ph_err *err)
{
	ph_autofree char *first = piece_name(opts, opts->dir, 1);
	int r = rotates(opts) ? check_pieces(opts->dir, err) : 0;

	if (r < 0)
		return r;
	/* Where pieces go there may be something else. */
	return ph_ctf_can_create(access(opts->dir, F_OK) ? opts->dir : first, err);
}

int ph_recorder_open(struct ph_collect *c, const struct ph_record_opts *opts,
		     struct ph_recorder **ret, struct ph_err *err)
{
	struct ph_recorder *r = ph_alloc(sizeof(*r));
	size_t n = strlen(opts->dir);
	int rc = 0;

	r->c = c;
	r->opts = *opts;
	while (n > 1 && opts->dir[n - 1] == '/')
		n--;
	r->dir = ph_strndup(opts->dir, n);
	r->cpu = ph_alloc((size_t)ph_collect_ncpus(c) * sizeof(*r->cpu));
	/*
	 * Where programs keep all CPUs busy, the recorder must not wait its turn among them: it runs for
	 * little, but the buffers last some tenths of a second only. Without the right to, it tries as is.
	 */
	setpriority(PRIO_PROCESS, 0, -20);
	if (rotates(opts) && mkdir(r->dir, 0700) < 0)
		rc = errno == EEXIST ? 0 : ph_err_sys(err, errno, "cannot make the directory %s", r->dir);
	if (rc >= 0)
		rc = begin_piece(r, err);
	if (rc < 0) {
		r->failed = true;
		ph_recorder_close(r, NULL, NULL);
		return rc;
	}
	*ret = r;
	return 0;
}

static int drain(struct ph_recorder *r, struct ph_err *err)
{
	struct ph_drain to = { .state = on_state, .cpu = on_event, .lost = on_lost, .arg = r };

	return ph_collect_drain(r->c, &to, err);
}

/*
 * Close all open packets. A packet's end is the time of its last event: an event may be on its way
 * whose time was taken before now.
 */
static int flush(struct ph_recorder *r, struct ph_err *err)
{
	int ret = ph_ctf_flush(r->state, r->state_ns, err);

	for (int cpu = 0; ret >= 0 && cpu < ph_collect_ncpus(r->c); cpu++)
		ret = ph_ctf_flush(r->cpu[cpu].st, r->cpu[cpu].last_ns, err);
	r->flushed_ns = ph_now_ns();
	if (ret >= 0)
		ret = tell_missed(r, r->opts.fed ? r->last_ns : r->flushed_ns, err);
	return ret;
}

int ph_recorder_put(struct ph_recorder *r, const struct ph_event *ev, struct ph_err *err)
{
	r->last_ns = ev->ts_ns;
	if (ev->cls->id == PH_EV_events_discarded) {
		on_lost(r, ev->cpu, ph_event_u(ev, PH_FLD(events_discarded, count), 0));
		return 0;
	}
	/* What the kernel side records has contexts, what the collector itself says has none. */
	return ev->cls->nctx ? on_event(r, ev, err) : on_state(r, ev, err);
}

int ph_recorder_turn(struct ph_recorder *r, struct ph_err *err)
{
	uint64_t now, bytes;
	int ret;

	ret = r->opts.fed ? 0 : drain(r, err);
	now = ph_now_ns();
	if (ret >= 0 && now - r->flushed_ns >= FLUSH_NS)
		ret = flush(r, err);
	if (ret < 0) {
		r->failed = true;
		return ret;
	}
	bytes = ph_ctf_bytes(r->w);
	if (r->opts.max_bytes && r->done_bytes + bytes >= r->opts.max_bytes)
		return 1;
	if ((r->opts.rotate_bytes && bytes >= r->opts.rotate_bytes) ||
	    (r->opts.rotate_ns && now - r->begun_ns >= r->opts.rotate_ns))
		ret = rotate(r, err);
	return ret < 0 ? ret : 0;
}

void ph_recorder_stats(const struct ph_recorder *r, struct ph_record_stats *ret)
{
	struct ph_collect_stats s;

	ph_collect_stats(r->c, &s);
	*ret = (struct ph_record_stats){
		.events = s.events, .lost = s.lost, .missed = s.nmissed, .pieces = r->pieces,
		.bytes = r->done_bytes + (r->w ? ph_ctf_bytes(r->w) : 0),
	};
}

/* What the kernel has counted, and what is still in the buffers. */
static int last_events(struct ph_recorder *r, struct ph_err *err)
{
	bool writable = r->w && !r->failed;
	int ret = writable ? ph_collect_counts(r->c, on_dump, r, err) : 0;

	ph_collect_stop(r->c);
	/* Twice: what was on its way while the first round read the heads. */
	for (int i = 0; i < 2 && writable && ret >= 0; i++)
		ret = drain(r, err);
	return ret;
}

int ph_recorder_close(struct ph_recorder *r, struct ph_record_stats *stats, struct ph_err *err)
{
	int ret = 0, rc;

	if (!r->opts.fed)
		ret = last_events(r, err);
	rc = end_piece(r, ret < 0 ? NULL : err);
	if (stats)
		ph_recorder_stats(r, stats);
	free(r->cpu);
	free(r->dir);
	free(r);
	return ret < 0 ? ret : rc;
}
