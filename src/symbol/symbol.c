/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "symbol/priv.h"

/* Addresses in one request: what they take together must be within a request's time. */
#define BATCH 128
#define SEGMENTS_MAX 1024

static const struct ph_symname nothing = { .name = "", .source = "" };
/* Asked for, and not answered yet. */
static struct ph_symentry pending;

/* ---- files ---------------------------------------------------------------------------------- */

static struct ph_symparent_file *file_of(const struct ph_symchild *c, uint32_t file)
{
	return ph_u64map_get(&c->files, file);
}

static void file_free(struct ph_symparent_file *f)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&f->names, s)); )
		if (s->val != &pending)
			free(s->val);
	ph_u64map_done(&f->names);
	ph_vec_done(&f->asked);
	ph_close_ptr(&f->fd);
	ph_close_ptr(&f->root);
	for (size_t i = 0; i < PH_SYMDEBUG_N; i++)
		ph_close_ptr(&f->debug_fd[i]);
	ph_symsearch_done(f);
	free(f->info.message);
	free(f->info.interp_message);
	free(f->info.path);
	free(f->info.debug_path);
	ph_vec_done(&f->info.segments);
	free(f);
}

int ph_symchild_add(struct ph_symchild *c, uint32_t file, const struct ph_symfile_new *what, struct ph_err *err)
{
	ph_autoclose int fd = what->fd, root = -1;
	struct ph_symparent_file *f;
	struct stat st;

	if (file_of(c, file))
		return ph_err_set(err, -EEXIST, "file %u was added before", file);
	if (fstat(fd, &st))
		return ph_err_sys(err, -errno, "%s cannot be looked at", what->path);
	if (!S_ISREG(st.st_mode))
		return ph_err_set(err, -ENOEXEC, "%s is not a regular file", what->path);
	/* Without it, debug files of a container's file would be looked for where the host has its own. */
	if (what->root >= 0 && (root = fcntl(what->root, F_DUPFD_CLOEXEC, 3)) < 0)
		return ph_err_sys(err, -errno, "the root of %s cannot be kept", what->path);
	f = ph_alloc(sizeof(*f));
	*f = (struct ph_symparent_file){ .id = file, .kind = what->kind, .owner = what->owner, .fd = fd,
					 .root = root, .debug_fd = { -1, -1 }, .search = { .fd = -1 } };
	fd = root = -1;
	f->info.path = ph_strdup(what->path);
	ph_u64map_put(&c->files, file, f);
	ph_symlink_ask(c, f, PH_SYMMSG_ADD);
	return 0;
}

void ph_symchild_drop(struct ph_symchild *c, uint32_t file)
{
	struct ph_symparent_file *f = ph_u64map_del(&c->files, file);

	if (!f)
		return;
	ph_symlink_forget(c, f);
	for (size_t i = 0; i < c->asking.n; i++)
		if (c->asking.v[i] == file)
			c->asking.v[i--] = c->asking.v[--c->asking.n];
	for (size_t i = 0; i < c->told.n; i++)
		if (c->told.v[i].file == file)
			c->told.v[i--] = c->told.v[--c->told.n];
	ph_symlink_drop(c, f);
	file_free(f);
}

void ph_symchild_done_with(struct ph_symchild *c, uint32_t file)
{
	struct ph_symparent_file *f = file_of(c, file);

	if (!f || f->fd < 0)
		return;
	ph_symlink_drop(c, f);
	f->generation = 0;
	ph_close_ptr(&f->fd);
	f->fd = -1;
}

static void file_ready(struct ph_symchild *c, struct ph_symparent_file *f)
{
	f->ready = true;
	ph_symsearch_done(f);
	ph_close_ptr(&f->root);
	f->root = -1;
	if (c->ops.added)
		c->ops.added(c->o.ctx, f->id, &f->info);
}

static void file_bad(struct ph_symparent_file *f, int error, const char *message)
{
	f->info.error = error;
	free(f->info.message);
	f->info.message = ph_strdup(message);
}

static bool take_info(struct ph_symparent_file *f, struct ph_bytes *in)
{
	ph_autofree char *problem = NULL;
	struct ph_bytes id;
	uint32_t n;

	f->info.machine = (int)ph_get_u32(in);
	f->info.from = ph_get_u32(in);
	n = ph_get_u32(in);
	id = ph_bytes_cut(in, n);
	if (in->bad || n > PH_BUILD_ID_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++)
		snprintf(f->info.build_id + 2 * i, 3, "%02x", id.p[i]);
	n = ph_get_u32(in);
	if (n > SEGMENTS_MAX)
		return false;
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct ph_elf_segment *s = ph_vec_push(&f->info.segments);

		s->vaddr = ph_get_u64(in);
		s->memsz = ph_get_u64(in);
		s->offset = ph_get_u64(in);
		s->filesz = ph_get_u64(in);
		s->exec = ph_get_u32(in);
	}
	if (!ph_symsearch_wants(f, in) || !ph_take_interp(&f->info, in))
		return false;
	problem = ph_get_str(in);
	if (problem[0])
		f->info.message = ph_take(problem);
	return !in->bad && !ph_bytes_left(in);
}

static void added(struct ph_symchild *c, struct ph_symparent_file *f, struct ph_symjob *j, int error,
		  const struct ph_err *why)
{
	struct ph_bytes in = { (uint8_t *)j->answer.p, (uint8_t *)j->answer.p + j->answer.len, false };

	if (error)
		file_bad(f, error, why->msg);
	else if (!j->again && !take_info(f, &in))
		file_bad(f, -EBADMSG, "what was read of it makes no sense");
	if (!j->again && (f->info.error || c->o.no_debug_files || !ph_symsearch_next(c, f)))
		file_ready(c, f);
}

static void debug_answered(struct ph_symchild *c, struct ph_symparent_file *f, struct ph_symjob *j, int error)
{
	/* What one child died of, the next one is not told. */
	if (j->again) {
		uint8_t which = (uint8_t)j->request.p[0];

		if (error) {
			ph_close_ptr(&f->debug_fd[which]);
			f->debug_fd[which] = -1;
		}
		return;
	}
	ph_symsearch_answered(f, j, error);
	if (f->info.error || !ph_symsearch_next(c, f))
		file_ready(c, f);
}

/* ---- names ---------------------------------------------------------------------------------- */

static struct ph_symentry *entry_new(const struct ph_symname *names, size_t n)
{
	struct ph_symentry *e;
	size_t room = sizeof(*e) + n * sizeof(*names);
	char *at;

	for (size_t i = 0; i < n; i++)
		room += strlen(names[i].name) + strlen(names[i].source) + 2;
	e = ph_alloc(room);
	e->n = n;
	at = (char *)&e->names[n];
	for (size_t i = 0; i < n; i++) {
		e->names[i] = names[i];
		e->names[i].name = at;
		at = stpcpy(at, names[i].name) + 1;
		e->names[i].source = at;
		at = stpcpy(at, names[i].source) + 1;
	}
	return e;
}

static void named(struct ph_symchild *c, struct ph_symparent_file *f, uint64_t vaddr,
		  const struct ph_symname *names, size_t n)
{
	struct ph_symentry *e = entry_new(names, n), *old = ph_u64map_put(&f->names, vaddr, e);

	if (old && old != &pending)
		free(old);
	if (c->ops.named)
		c->ops.named(c->o.ctx, f->id, vaddr, e->names, e->n);
}

/* One address's names; false: not what was asked for. */
static bool take_names(struct ph_symchild *c, struct ph_symparent_file *f, uint64_t vaddr, struct ph_bytes *in)
{
	struct ph_symname names[PH_SYMNAMES_MAX] = { { 0 } };
	uint64_t about = ph_get_u64(in);
	uint32_t n = ph_get_u32(in);
	bool ok;

	if (in->bad || about != vaddr || !n || n > PH_SYMNAMES_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		names[i].name = ph_get_str(in);
		names[i].offset = ph_get_u64(in);
		names[i].source = ph_get_str(in);
		names[i].line = ph_get_u32(in);
		/* The last one is the function itself, whatever is said. */
		names[i].inlined = ph_get_u32(in) && i + 1 < n;
		names[i].since_ns = ph_get_u64(in);
	}
	ok = !in->bad;
	if (ok)
		named(c, f, vaddr, names, n);
	for (uint32_t i = 0; i < n; i++) {
		free((char *)names[i].name);
		free((char *)names[i].source);
	}
	return ok;
}

static void names_answered(struct ph_symchild *c, struct ph_symparent_file *f, struct ph_symjob *j, int error,
			   const struct ph_err *why)
{
	struct ph_bytes asked = { (uint8_t *)j->request.p, (uint8_t *)j->request.p + j->request.len, false };
	struct ph_bytes in = { (uint8_t *)j->answer.p, (uint8_t *)j->answer.p + j->answer.len, false };
	bool ok = !error;

	if (error && !f->info.message)
		f->info.message = ph_strdup(why->msg);
	while (ph_bytes_left(&asked)) {
		uint64_t vaddr = ph_get_u64(&asked);

		ok = ok && take_names(c, f, vaddr, &in);
		if (!ok)
			named(c, f, vaddr, &nothing, 1);
	}
}

void ph_symchild_make_jobs(struct ph_symchild *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->asking.n; i++) {
		struct ph_symparent_file *f = file_of(c, c->asking.v[i]);

		if (!f->ready) {
			c->asking.v[kept++] = c->asking.v[i];
			continue;
		}
		for (size_t at = 0; at < f->asked.n; at += BATCH) {
			struct ph_symjob *j = ph_symlink_ask(c, f, PH_SYMMSG_NAMES);
			size_t n = f->asked.n - at < BATCH ? f->asked.n - at : BATCH;

			ph_buf_add(&j->request, f->asked.v + at, n * sizeof(*f->asked.v));
		}
		f->asked.n = 0;
		f->asking = false;
	}
	c->asking.n = kept;
}

void ph_symchild_names(struct ph_symchild *c, uint32_t file, const uint64_t *vaddrs, size_t n)
{
	struct ph_symparent_file *f = file_of(c, file);

	for (size_t i = 0; i < n; i++) {
		struct ph_symentry *e = f ? ph_u64map_get(&f->names, vaddrs[i]) : NULL;

		if (e == &pending)
			continue;
		/* There may be other code by now. */
		if (e && f->kind != PH_SYMFILE_ELF)
			e = NULL;
		if (!f || e) {
			*ph_vec_push(&c->told) = (struct ph_symready){ file, vaddrs[i] };
			continue;
		}
		free(ph_u64map_put(&f->names, vaddrs[i], &pending));
		*ph_vec_push(&f->asked) = vaddrs[i];
		if (!f->asking) {
			*ph_vec_push(&c->asking) = file;
			f->asking = true;
		}
	}
}

static void tell_known(struct ph_symchild *c)
{
	/* Who is told may ask for more, which is for the next time. */
	size_t n = c->told.n;

	for (size_t i = 0; i < n; i++) {
		struct ph_symready r = c->told.v[i];
		struct ph_symparent_file *f = file_of(c, r.file);
		struct ph_symentry *e = f ? ph_u64map_get(&f->names, r.vaddr) : NULL;

		if (!c->ops.named)
			continue;
		if (e && e != &pending)
			c->ops.named(c->o.ctx, r.file, r.vaddr, e->names, e->n);
		else if (!e)
			c->ops.named(c->o.ctx, r.file, r.vaddr, &nothing, 1);
	}
	if (n)
		memmove(c->told.v, c->told.v + n, (c->told.n - n) * sizeof(*c->told.v));
	c->told.n -= n;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void table_answered(struct ph_symchild *c, struct ph_symparent_file *f, struct ph_symjob *j, int error,
			   struct ph_err why)
{
	struct ph_bytes in = { (uint8_t *)j->answer.p, (uint8_t *)j->answer.p + j->answer.len, false };
	struct ph_unwind_table *t = error ? NULL : ph_symtable_get(&in);

	if (!error && !t)
		ph_err_set(&why, -EBADMSG, "a table that makes no sense was made of it");
	if (c->ops.table)
		c->ops.table(c->o.ctx, f->id, t, t ? NULL : &why);
	else
		ph_unwind_free(t);
}

void ph_symchild_answered(struct ph_symchild *c, struct ph_symjob *j, int error, const struct ph_err *why)
{
	struct ph_symparent_file *f = j->file;

	if (j->wait) {
		j->wait->done = true;
		j->wait->error = error;
		if (error)
			j->wait->err = *why;
		j->wait->answer = j->answer;
		j->answer = (struct ph_buf){ 0 };
		return;
	}
	if (!f)
		return;
	switch (j->type) {
	case PH_SYMMSG_ADD:
		added(c, f, j, error, why);
		break;
	case PH_SYMMSG_DEBUG:
		debug_answered(c, f, j, error);
		break;
	case PH_SYMMSG_NAMES:
		names_answered(c, f, j, error, why);
		break;
	case PH_SYMMSG_TABLE:
		table_answered(c, f, j, error, error ? *why : (struct ph_err){ 0 });
		break;
	default:
		break;
	}
}

/* ---- waiting: every request is answered in bounded time, so it ends ------------------------- */

static bool idle(const struct ph_symchild *c)
{
	return ph_symlink_idle(c) && !c->asking.n && !c->told.n;
}

int ph_symchild_until_ready(struct ph_symchild *c, uint32_t file, struct ph_symparent_file **ret, struct ph_err *err)
{
	struct ph_symparent_file *f = file_of(c, file);

	if (!f)
		return ph_err_set(err, -ENOENT, "file %u was not added", file);
	for (ph_symlink_pump(c); !f->ready; ph_symlink_pump(c))
		ph_symlink_wait(c, -1);
	*ret = f;
	return f->info.error ? ph_err_set(err, f->info.error, "%s", f->info.message) : 0;
}

int ph_symchild_until_answered(struct ph_symchild *c, struct ph_symjob *j, struct ph_symwait *w, struct ph_err *err)
{
	j->wait = w;
	for (ph_symlink_pump(c); !w->done; ph_symlink_pump(c))
		ph_symlink_wait(c, -1);
	return w->error ? ph_err_set(err, w->error, "%s", w->err.msg) : 0;
}

const struct ph_symfile *ph_symchild_file(struct ph_symchild *c, uint32_t file)
{
	struct ph_symparent_file *f = NULL;

	ph_symchild_until_ready(c, file, &f, NULL);
	return f ? &f->info : NULL;
}

const char *ph_symchild_problem(const struct ph_symchild *c, uint32_t file)
{
	const struct ph_symparent_file *f = file_of(c, file);

	if (!f || f->info.message)
		return f ? f->info.message : NULL;
	return f->info.from & (PH_SYMBOL_SYMTAB | PH_SYMBOL_SEPARATE | PH_SYMBOL_DEBUGDATA | PH_SYMBOL_GO) ?
	       "its symbols have no name there" : NULL;
}

void ph_symchild_ask_table(struct ph_symchild *c, uint32_t file)
{
	struct ph_symparent_file *f = file_of(c, file);

	if (f)
		ph_symlink_ask(c, f, PH_SYMMSG_TABLE);
}

int ph_symchild_table(struct ph_symchild *c, uint32_t file, struct ph_unwind_table **ret, struct ph_err *err)
{
	struct ph_symparent_file *f = file_of(c, file);
	struct ph_symwait w = { 0 };
	struct ph_bytes in;
	int r;

	if (!f)
		return ph_err_set(err, -ENOENT, "file %u was not added", file);
	r = ph_symchild_until_answered(c, ph_symlink_ask(c, f, PH_SYMMSG_TABLE), &w, err);
	if (!r) {
		in = ph_symwait_answer(&w);
		*ret = ph_symtable_get(&in);
		if (!*ret)
			r = ph_err_set(err, -EBADMSG, "a table that makes no sense was made of it");
	}
	ph_buf_done(&w.answer);
	return r;
}

const struct ph_symname *ph_symchild_name(struct ph_symchild *c, uint32_t file, uint64_t vaddr, size_t *ret_n)
{
	struct ph_symparent_file *f = file_of(c, file);
	struct ph_symentry *e;

	*ret_n = 1;
	if (!f)
		return &nothing;
	e = ph_u64map_get(&f->names, vaddr);
	if (!e || f->kind != PH_SYMFILE_ELF)
		ph_symchild_names(c, file, &vaddr, 1);
	for (ph_symlink_pump(c); (e = ph_u64map_get(&f->names, vaddr)) == &pending; ph_symlink_pump(c))
		ph_symlink_wait(c, -1);
	*ret_n = e->n;
	return e->names;
}

bool ph_symfile_vaddr(const struct ph_symfile *f, uint64_t offset, uint64_t *ret)
{
	return ph_elf_segments_vaddr(f->segments.v, f->segments.n, offset, ret);
}

bool ph_symfile_offset(const struct ph_symfile *f, uint64_t vaddr, uint64_t *ret)
{
	ph_vec_each(s, &f->segments)
		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->filesz) {
			*ret = s->offset + (vaddr - s->vaddr);
			return true;
		}
	return false;
}

/* ---- the whole ------------------------------------------------------------------------------ */

int ph_symchild_new(const struct ph_symchild_options *o, struct ph_symchild **ret, struct ph_err *err)
{
	struct ph_symchild *c = ph_alloc(sizeof(*c));
	struct ph_symlink *l = &c->links[PH_SYMLINK_ALL];
	struct epoll_event ev = { .events = EPOLLIN };
	int r = 0;

	*c = (struct ph_symchild){ .o = *o };
	if (o->ops)
		c->ops = *o->ops;
	ph_symlink_init(c);
	c->program = ph_strdup(o->program ? o->program : "/proc/self/exe");
	c->packet = ph_alloc(PH_SYMMSG_PACKET);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll < 0 || c->timer < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->timer, &ev))
		r = ph_err_sys(err, -errno, "cannot wait for the process that reads symbols");
	if (!r)
		r = ph_symlink_start(c, l, err);
	/* Whether it may be confined here is to be known before a recording begins. */
	for (; !r && !l->hello && !c->broken.code; ph_symlink_pump(c))
		if (l->sock >= 0)
			ph_symlink_wait(c, 1000);
		else
			r = ph_err_set(err, -EIO, "the process that reads symbols ends at once");
	if (!r && c->broken.code)
		r = ph_err_set(err, c->broken.code, "%s", c->broken.msg);
	if (r)
		ph_symchild_free(c);
	else
		*ret = c;
	return r;
}

void ph_symchild_free(struct ph_symchild *c)
{
	if (!c)
		return;
	ph_symlink_done(c);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->files, s)); )
		file_free(s->val);
	ph_u64map_done(&c->files);
	ph_vec_done(&c->asking);
	ph_vec_done(&c->told);
	ph_close_ptr(&c->epoll);
	ph_close_ptr(&c->timer);
	free(c->program);
	free(c->packet);
	free(c);
}

int ph_symchild_fd(const struct ph_symchild *c)
{
	return c->epoll;
}

int ph_symchild_pid(const struct ph_symchild *c, uint32_t file)
{
	return ph_symlink_of(c, file_of(c, file))->pid;
}

unsigned int ph_symchild_deaths(const struct ph_symchild *c)
{
	return c->deaths;
}

void ph_symchild_poll(struct ph_symchild *c)
{
	tell_known(c);
	ph_symlink_pump(c);
}

bool ph_symchild_wait(struct ph_symchild *c, uint64_t timeout_ns)
{
	uint64_t end = ph_now_ns() + timeout_ns;

	for (ph_symchild_poll(c); !idle(c); ph_symchild_poll(c)) {
		uint64_t now = ph_now_ns(), ms;

		if (now >= end)
			return false;
		ms = (end - now) / 1000000 + 1;
		if (!c->told.n)
			ph_symlink_wait(c, ms < 1000 ? (int)ms : 1000);
	}
	return true;
}

/* Who may have to wait for a CPU: the children, and who asks them. */
static uint64_t all_starved_more(const struct ph_symchild *c, struct ph_starved *s)
{
	uint64_t sum = ph_starved_more(&s[PH_SYMLINKS], getpid());

	for (size_t i = 0; i < PH_SYMLINKS; i++)
		sum += ph_starved_more(&s[i], c->links[i].pid);
	return sum;
}

bool ph_symchild_wait_fairly(struct ph_symchild *c, uint64_t timeout_ns, uint64_t most_ns)
{
	struct ph_starved who[PH_SYMLINKS + 1] = { 0 };
	uint64_t begin = ph_now_ns(), elapsed = 0, starved = 0;

	all_starved_more(c, who);
	while (elapsed < most_ns && elapsed < timeout_ns + starved) {
		if (ph_symchild_wait(c, timeout_ns / 8))
			return true;
		elapsed = ph_now_ns() - begin;
		starved += all_starved_more(c, who);
	}
	return false;
}
