/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fdpass.h"
#include "symbol/priv.h"
#include "symbol/sandbox.h"
#include "symbol/spawn.h"

/*
 * The child as its parent sees it: a process that answers requests in order. While it lives, so many requests are under way;
 * when it dies, the one that it was at is to blame, and the others are sent to the next child. Whose files make others wait,
 * or the child die, goes on with a child that all such share: what containers ship is no matter of other containers'.
 */
#define WINDOW 32
/* So long a request may make those of others wait. */
#define IN_THE_WAY_NS PH_NSEC
/* So often it is looked whether the child runs, while it has something to do. */
#define LOOK_NS (PH_NSEC / 8)
/* A request that could not be sent, for want of memory, is tried again after this. */
#define RETRY_NS (PH_NSEC / 100)
/* By the clock a request may take so many times the CPU time that it may take: others run, too. */
#define CLOCK_FACTOR 3
/* Who made so many children die is not looked at any more: each costs everybody the time it may take. */
#define STRIKES_MAX 8
/* What an answer may be. Tables of 4 million entries have less. */
#define ANSWER_MAX (512u << 20)

static uint64_t patience(const struct ph_symchild *c)
{
	return c->o.patience_ns ? c->o.patience_ns : 10 * PH_NSEC;
}

/* ---- the process ---------------------------------------------------------------------------- */

static int spawn(struct ph_symchild *c, int sock, pid_t *ret)
{
	ph_autofree char *cpu = ph_asprintf(PH_SYMCHILD_CPU_ENV "=%llu",
					    (unsigned long long)(patience(c) / 1000000));
	ph_autofree char *memory = ph_asprintf(PH_SYMCHILD_MEM_ENV "=%llu", (unsigned long long)
					       (c->o.memory_bytes ? c->o.memory_bytes : 1ULL << 30));
	ph_autofree char *sanitizer = NULL;
	/* Of the environment nothing: libraries take orders from it, as to ask servers for debug information. */
	char *env[] = { cpu, memory, NULL, NULL };

	if (PH_SANITIZED && getenv("UBSAN_OPTIONS"))
		env[2] = sanitizer = ph_asprintf("UBSAN_OPTIONS=%s", getenv("UBSAN_OPTIONS"));
	return ph_symspawn(c->program, PH_SYMCHILD_ARG, env, &sock, 1, PH_SYMCHILD_FD, ret);
}

static void stop(struct ph_symlink *l)
{
	if (l->pid) {
		kill(l->pid, SIGKILL);
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
		l->pid = 0;
	}
	ph_close_ptr(&l->sock);
	l->sock = -1;
}

int ph_symlink_start(struct ph_symchild *c, struct ph_symlink *l, struct ph_err *err)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return ph_err_sys(err, -errno, "no socket for the process that reads symbols");
	r = spawn(c, pair[1], &l->pid);
	close(pair[1]);
	if (r) {
		close(pair[0]);
		l->pid = 0;
		return ph_err_sys(err, r, "cannot start '%s' to read symbols", c->program);
	}
	l->sock = pair[0];
	l->generation = ++c->generation;
	l->hello = false;
	l->retry_ns = 0;
	l->since_ns = ph_now_ns();
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, l->sock, &ev)) {
		r = ph_err_sys(err, -errno, "cannot wait for the process that reads symbols");
		stop(l);
		return r;
	}
	return 0;
}

void ph_symlink_init(struct ph_symchild *c)
{
	for (size_t i = 0; i < PH_SYMLINKS; i++) {
		c->links[i].sock = -1;
		c->links[i].tail = &c->links[i].jobs;
	}
}

/* ---- requests ------------------------------------------------------------------------------- */

static struct ph_symjob *job_new(struct ph_symchild *c, struct ph_symparent_file *f, enum ph_symmsg_type type)
{
	struct ph_symjob *j = ph_alloc(sizeof(*j));

	*j = (struct ph_symjob){ .file = f, .id = f->id, .level = f->level, .type = type,
				 .number = ++c->last_number, .fd = -1 };
	if (type == PH_SYMMSG_ADD) {
		j->fd = f->fd;
		ph_put_u32(&j->request, f->kind);
		ph_put_str(&j->request, f->info.path);
	}
	return j;
}

static void job_free(struct ph_symjob *j)
{
	ph_buf_done(&j->request);
	ph_buf_done(&j->answer);
	free(j);
}

static void append(struct ph_symlink *l, struct ph_symjob *j)
{
	*l->tail = j;
	l->tail = &j->next;
}

static void find_tail(struct ph_symlink *l)
{
	l->tail = &l->jobs;
	while (*l->tail)
		l->tail = &(*l->tail)->next;
}

static bool is_slow(const struct ph_symchild *c, const struct ph_symparent_file *f)
{
	return f->slow || (f->owner && ph_u64map_get(&c->slow, f->owner));
}

const struct ph_symlink *ph_symlink_of(const struct ph_symchild *c, const struct ph_symparent_file *f)
{
	return &c->links[is_slow(c, f) ? PH_SYMLINK_SLOW : PH_SYMLINK_ALL];
}

struct ph_symjob *ph_symlink_ask(struct ph_symchild *c, struct ph_symparent_file *f, enum ph_symmsg_type type)
{
	struct ph_symjob *j = job_new(c, f, type);

	append((struct ph_symlink *)ph_symlink_of(c, f), j);
	return j;
}

/* The first one, whether it was sent or not, is over. */
static void finish(struct ph_symchild *c, struct ph_symlink *l, int error, const struct ph_err *why)
{
	struct ph_symjob *j = l->jobs;

	l->jobs = j->next;
	if (!l->jobs)
		l->tail = &l->jobs;
	if (j->sent)
		l->nsent--;
	l->since_ns = ph_now_ns();
	ph_symchild_answered(c, j, error, why);
	job_free(j);
}

void ph_symlink_forget(struct ph_symchild *c, struct ph_symparent_file *f)
{
	for (struct ph_symlink *l = c->links; l < c->links + PH_SYMLINKS; l++) {
		for (struct ph_symjob **at = &l->jobs, *j; (j = *at); ) {
			if (j->file != f) {
				at = &j->next;
			} else if (j->sent) {
				j->file = NULL;
				at = &j->next;
			} else {
				*at = j->next;
				job_free(j);
			}
		}
		find_tail(l);
	}
}

void ph_symlink_drop(struct ph_symchild *c, struct ph_symparent_file *f)
{
	for (struct ph_symlink *l = c->links; l < c->links + PH_SYMLINKS; l++) {
		struct ph_symjob *j;

		if (f->generation != l->generation || l->sock < 0)
			continue;
		j = job_new(c, f, PH_SYMMSG_DROP);
		j->file = NULL;
		append(l, j);
	}
}

bool ph_symlink_idle(const struct ph_symchild *c)
{
	for (size_t i = 0; i < PH_SYMLINKS; i++)
		if (c->links[i].jobs)
			return false;
	return true;
}

void ph_symlink_done(struct ph_symchild *c)
{
	for (struct ph_symlink *l = c->links; l < c->links + PH_SYMLINKS; l++) {
		stop(l);
		while (l->jobs) {
			struct ph_symjob *j = l->jobs;

			l->jobs = j->next;
			job_free(j);
		}
	}
	ph_u64map_done(&c->strikes);
	ph_u64map_done(&c->slow);
}

/* What this child has not been told of the file yet, in front of the request. */
static void tell_again(struct ph_symchild *c, struct ph_symlink *l, struct ph_symjob **at)
{
	struct ph_symparent_file *f = (*at)->file;
	struct ph_symjob *j = job_new(c, f, PH_SYMMSG_ADD);

	j->again = true;
	j->next = *at;
	*at = j;
	at = &j->next;
	for (uint32_t which = 0; which < PH_SYMDEBUG_N; which++) {
		if (f->debug_fd[which] < 0)
			continue;
		j = job_new(c, f, PH_SYMMSG_DEBUG);
		j->again = true;
		ph_symjob_debug(j, f, which);
		j->next = *at;
		*at = j;
		at = &j->next;
	}
	f->generation = l->generation;
}

static bool struck_out(struct ph_symchild *c, uint64_t owner)
{
	return owner && (uintptr_t)ph_u64map_get(&c->strikes, owner) >= STRIKES_MAX;
}

/* Nobody need be asked: there will be no child, or its file was given up. */
static bool lost(struct ph_symchild *c, const struct ph_symjob *j, struct ph_err *why)
{
	const struct ph_symparent_file *f = j->file;

	*why = (struct ph_err){ 0 };
	if (c->broken.code)
		*why = c->broken;
	else if (!f)
		return false;
	else if (f->info.error && j->type != PH_SYMMSG_ADD)
		ph_err_set(why, f->info.error, "%s", f->info.message);
	else if (struck_out(c, f->owner))
		ph_err_set(why, -EIO, "too many files of its container could not be read");
	else if (f->level >= PH_SYMLEVEL_NOTHING && (j->type == PH_SYMMSG_NAMES || j->type == PH_SYMMSG_FIND))
		ph_err_set(why, -EIO, "the process that reads symbols died of it");
	return why->code;
}

/* 0, or -errno: -EAGAIN, or the child is not there any more. */
static int send_job(const struct ph_symlink *l, struct ph_symjob *j)
{
	struct ph_symmsg head = { .number = j->number, .type = (uint8_t)j->type, .last = 1,
				  .level = (uint16_t)j->level, .file = j->id };
	struct iovec v[] = { { &head, sizeof(head) }, { j->request.p, j->request.len } };

	return ph_send_fd(l->sock, v, j->request.len ? 2 : 1, j->fd, MSG_DONTWAIT);
}

/* Nothing is under way whose answer would be heard of. False: that was tried for as long as it may take. */
static bool retry(const struct ph_symchild *c, struct ph_symlink *l)
{
	uint64_t now = ph_now_ns();

	if (!l->retry_ns)
		l->since_ns = now;
	l->retry_ns = now + RETRY_NS;
	return now - l->since_ns < patience(c);
}

static void send_jobs(struct ph_symchild *c, struct ph_symlink *l)
{
	struct ph_symjob **at = &l->jobs;

	while (*at && (*at)->sent)
		at = &(*at)->next;
	while (*at && l->nsent < WINDOW) {
		struct ph_symjob *j = *at;
		struct ph_err why = { 0 };
		int r;

		/* In order: it is answered when it is the first. */
		if (lost(c, j, &why))
			return;
		if (j->file && j->type != PH_SYMMSG_ADD && j->file->generation != l->generation) {
			tell_again(c, l, at);
			continue;
		}
		if (j->file)
			j->level = j->file->level;
		r = send_job(l, j);
		/* The child's end is what receiving finds out; else there is room again when something is answered. */
		if (r == -EPIPE || r == -ECONNRESET || (r && l->nsent))
			return;
		if (r && retry(c, l))
			return;
		l->retry_ns = 0;
		if (r) {
			ph_err_sys(&why, r, "the process that reads symbols cannot be asked");
			finish(c, l, r, &why);
			at = &l->jobs;
			continue;
		}
		if (!l->nsent)
			l->since_ns = ph_now_ns();
		if (j->file)
			j->file->generation = l->generation;
		j->sent = true;
		l->nsent++;
		at = &j->next;
	}
}

/* ---- its end -------------------------------------------------------------------------------- */

/* From now on it is in nobody's way, nor what else is its owner's. */
static void set_aside(struct ph_symchild *c, struct ph_symparent_file *f)
{
	f->slow = true;
	if (f->owner)
		ph_u64map_put(&c->slow, f->owner, c);
}

/*
 * The child died of the first request, or was ended for it. It may have been something else, as where memory ran out: one death
 * is forgiven. Then names are tried without debug information, which is the most of what can go wrong.
 */
static void blame(struct ph_symchild *c, struct ph_symlink *l, bool hung, const struct ph_err *why)
{
	struct ph_symjob *j = l->jobs;
	struct ph_symparent_file *f = j->file;

	if (f && f->owner)
		ph_u64map_put(&c->strikes, f->owner, (void *)((uintptr_t)ph_u64map_get(&c->strikes, f->owner) + 1));
	if (f)
		set_aside(c, f);
	if (f && !hung && !j->forgiven) {
		j->forgiven = true;
		j->sent = false;
		l->nsent--;
		return;
	}
	if (f && (j->type == PH_SYMMSG_NAMES || j->type == PH_SYMMSG_FIND) && f->level == PH_SYMLEVEL_ALL) {
		f->level = PH_SYMLEVEL_SYMBOLS;
		j->sent = false;
		l->nsent--;
		return;
	}
	if (f && j->type == PH_SYMMSG_NAMES)
		f->level = PH_SYMLEVEL_NOTHING;
	finish(c, l, why->code, why);
}

/* What was asked of a child that is not there any more is for the next one: of this link, or of the other. */
static void ask_again(struct ph_symchild *c, struct ph_symlink *l)
{
	struct ph_symlink *slow = &c->links[PH_SYMLINK_SLOW];

	for (struct ph_symjob **at = &l->jobs, *j; (j = *at); ) {
		j->sent = false;
		ph_buf_clear(&j->answer);
		/* The next child is told of files when it is asked for them; and need not be told to forget any. */
		if (!j->file || j->again) {
			*at = j->next;
			job_free(j);
		} else if (l != slow && is_slow(c, j->file)) {
			*at = j->next;
			j->next = NULL;
			append(slow, j);
		} else {
			at = &j->next;
		}
	}
	l->nsent = 0;
	find_tail(l);
}

static void end_child(struct ph_symchild *c, struct ph_symlink *l, bool hung, const char *how)
{
	bool worked = l->hello;
	struct ph_err why = { 0 };

	stop(l);
	c->deaths++;
	ph_err_set(&why, -EIO, "the process that reads symbols %s", how);
	if (!worked) {
		if (!c->broken.code && ++l->starts_failed >= 3)
			c->broken = why;
	} else if (l->nsent) {
		blame(c, l, hung, &why);
	}
	ask_again(c, l);
}

/* Somebody else's request waits for the one that is worked on. */
static bool is_in_the_way(const struct ph_symlink *l)
{
	const struct ph_symparent_file *f = l->nsent ? l->jobs->file : NULL;

	for (const struct ph_symjob *j = f ? l->jobs->next : NULL; j; j = j->next)
		if (j->file && j->file != f && (!f->owner || j->file->owner != f->owner))
			return true;
	return false;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* False: whoever speaks there is not what was started. */
static bool take_packet(struct ph_symchild *c, struct ph_symlink *l, const char *p, size_t n)
{
	struct ph_symjob *j = l->jobs;
	struct ph_err why = { 0 };
	struct ph_symmsg head;

	if (n < sizeof(head))
		return false;
	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	n -= sizeof(head);
	if (!l->hello) {
		if (head.type != PH_SYMMSG_HELLO || head.error > 0)
			return false;
		if (head.error)
			ph_err_sys(&c->broken, head.error, "the process that reads symbols cannot give up its privileges");
		l->hello = !head.error;
		l->starts_failed = 0;
		return true;
	}
	if (!j || !j->sent || head.number != j->number || head.type != j->type || head.error > 0 ||
	    n > ANSWER_MAX - j->answer.len)
		return false;
	ph_buf_add(&j->answer, p, n);
	/* Each part is progress, but what is endless ends at ANSWER_MAX. */
	if (!head.last)
		return true;
	if (head.error) {
		ph_err_set(&why, head.error, "%.*s", (int)strnlen(j->answer.p, 512), j->answer.p);
		ph_buf_clear(&j->answer);
	}
	finish(c, l, head.error, &why);
	return true;
}

static void receive(struct ph_symchild *c, struct ph_symlink *l)
{
	while (l->sock >= 0) {
		/* Without room for descriptors none are taken. */
		ssize_t n = recv(l->sock, c->packet, PH_SYMMSG_PACKET, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			end_child(c, l, false, "died");
		else if (!take_packet(c, l, c->packet, (size_t)n))
			end_child(c, l, false, "answered what it was not asked");
	}
}

/* When it has taken too long: for itself, or for others that wait. */
static uint64_t due_ns(const struct ph_symchild *c, const struct ph_symlink *l)
{
	uint64_t patient = CLOCK_FACTOR * patience(c);

	if (l->sock < 0)
		return 0;
	if (!l->nsent && l->hello)
		return l->retry_ns;
	return l->since_ns + (l == &c->links[PH_SYMLINK_ALL] && IN_THE_WAY_NS < patient && is_in_the_way(l) ? IN_THE_WAY_NS : patient);
}

static void set_timer(struct ph_symchild *c)
{
	struct itimerspec t = { 0 };
	uint64_t due = 0;

	for (size_t i = 0; i < PH_SYMLINKS; i++) {
		uint64_t at = due_ns(c, &c->links[i]), look = c->links[i].nsent ? c->links[i].starved.at_ns + LOOK_NS : at;

		at = look < at ? look : at;
		due = at && (!due || at < due) ? at : due;
	}
	/* Moving it with each answer would cost as much as the answer: it goes off, and is set again. */
	if (!due || (c->timer_ns && c->timer_ns <= due))
		return;
	t.it_value = (struct timespec){ (time_t)(due / PH_NSEC), (long)(due % PH_NSEC) };
	timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &t, NULL);
	c->timer_ns = due;
}

/* While it waits for a CPU it takes none of the time that it has. */
static void look_whether_starved(struct ph_symlink *l, uint64_t now)
{
	uint64_t more;

	if (!l->nsent || now - l->starved.at_ns < LOOK_NS)
		return;
	more = ph_starved_more(&l->starved, l->pid);
	l->since_ns = l->since_ns + more < now ? l->since_ns + more : now;
}

static void look_at_timer(struct ph_symchild *c)
{
	uint64_t now = ph_now_ns(), n;

	if (c->timer_ns && now >= c->timer_ns) {
		if (read(c->timer, &n, sizeof(n)) < 0)
			errno = 0;
		c->timer_ns = 0;
	}
	for (struct ph_symlink *l = c->links; l < c->links + PH_SYMLINKS; l++) {
		uint64_t due;

		look_whether_starved(l, now);
		due = due_ns(c, l);
		if (!due || now < due || l->retry_ns)
			continue;
		if (now >= l->since_ns + CLOCK_FACTOR * patience(c)) {
			end_child(c, l, true, "took too long");
			continue;
		}
		set_aside(c, l->jobs->file);
		stop(l);
		ask_again(c, l);
	}
}

static void finish_lost(struct ph_symchild *c, struct ph_symlink *l)
{
	struct ph_err why;

	while (l->jobs && !l->jobs->sent && lost(c, l->jobs, &why))
		finish(c, l, why.code, &why);
}

static void pump(struct ph_symchild *c, struct ph_symlink *l)
{
	finish_lost(c, l);
	if (!l->jobs)
		l->retry_ns = 0;
	if (l->jobs && l->sock < 0 && !c->broken.code) {
		struct ph_err err = { 0 };

		if (ph_symlink_start(c, l, &err))
			c->broken = err;
	}
	if (l->jobs && l->sock >= 0)
		send_jobs(c, l);
}

void ph_symlink_pump(struct ph_symchild *c)
{
	for (unsigned int round = 0; round < 2; round++) {
		for (size_t i = 0; i < PH_SYMLINKS; i++)
			receive(c, &c->links[i]);
		look_at_timer(c);
		for (size_t i = 0; i < PH_SYMLINKS; i++)
			finish_lost(c, &c->links[i]);
		ph_symchild_make_jobs(c);
		for (size_t i = 0; i < PH_SYMLINKS; i++)
			pump(c, &c->links[i]);
	}
	set_timer(c);
}

void ph_symlink_wait(struct ph_symchild *c, int timeout_ms)
{
	struct pollfd p = { .fd = c->epoll, .events = POLLIN };

	if (poll(&p, 1, timeout_ms) < 0)
		errno = 0;
}
