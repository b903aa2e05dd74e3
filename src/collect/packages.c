/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/packages.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "event/schema.h"
#include "symbol/mounts.h"

/* Whose files have taken so long altogether are not looked for any more. */
#define OWNER_NS (2 * PH_NSEC)
/* The host's lists are there later, too, and are long: they are read once for what is asked meanwhile; so long at first, then twice as long. */
#define HOST_NS (10 * PH_NSEC)

struct package {
	uint32_t file, owner;
	uint64_t due_ns;
	int root;
	char *path, *build_id;
	struct ph_symbol_package found;
};

struct ph_packages {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	PH_VEC(struct package *) asked, looking, found;
	struct ph_u64map spent;		/* owner → ns; the thread's */
	uint64_t host_ns;
	bool started, stop, hurry;
	unsigned int refs;		/* the owner's and the thread's */
};

struct ph_packages *ph_packages_new(void)
{
	struct ph_packages *p = ph_alloc(sizeof(*p));
	pthread_condattr_t attr;

	p->refs = 1;
	p->host_ns = HOST_NS;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

static void package_free(struct package *k)
{
	ph_close_ptr(&k->root);
	free(k->path);
	free(k->build_id);
	ph_symbol_package_done(&k->found);
	free(k);
}

static void unlock_and_drop(struct ph_packages *p)
{
	bool last = !--p->refs;

	pthread_mutex_unlock(&p->lock);
	if (!last)
		return;
	ph_vec_each(k, &p->asked)
		package_free(*k);
	ph_vec_each(k, &p->found)
		package_free(*k);
	ph_vec_done(&p->asked);
	ph_vec_done(&p->looking);
	ph_vec_done(&p->found);
	ph_u64map_done(&p->spent);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static bool same_root(const struct package *a, const struct package *b)
{
	struct stat x, y;

	return a->root == b->root || (!ph_stat_kept(a->root, &x) && !ph_stat_kept(b->root, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* The first one, and those in the same root, which are moved behind it; how many these are. */
static size_t look_up(struct ph_packages *p, struct package **v, size_t n)
{
	uintptr_t spent = (uintptr_t)ph_u64map_get(&p->spent, v[0]->owner + 1ull);
	ph_autofree struct ph_symbol_wanted *wanted = ph_alloc(n * sizeof(*wanted));
	uint64_t since = ph_now_ns();
	size_t same = 1;

	for (size_t i = 1; i < n; i++) {
		struct package *k = v[i];

		if (!same_root(v[0], k))
			continue;
		v[i] = v[same];
		v[same++] = k;
	}
	for (size_t i = 0; i < same; i++)
		wanted[i] = (struct ph_symbol_wanted){ .path = v[i]->path, .build_id = v[i]->build_id };
	if (spent < OWNER_NS)
		ph_symbol_packages(v[0]->root, wanted, same);
	for (size_t i = 0; i < same; i++)
		v[i]->found = spent < OWNER_NS ? wanted[i].found : (struct ph_symbol_package){ ph_strdup(""), ph_strdup("") };
	ph_u64map_put(&p->spent, v[0]->owner + 1ull, (void *)(spent + (uintptr_t)(ph_now_ns() - since)));
	return same;
}

/* All that is asked of one owner: its lists are read once. */
static void take_asked(struct ph_packages *p, uint32_t owner)
{
	size_t left = 0;

	ph_vec_each(k, &p->asked) {
		if ((*k)->owner == owner)
			*ph_vec_push(&p->looking) = *k;
		else
			p->asked.v[left++] = *k;
	}
	p->asked.n = left;
}

/* The first one of which it is time. */
static const struct package *first_due(const struct ph_packages *p)
{
	uint64_t now = ph_now_ns();

	ph_vec_each(k, &p->asked)
		if (p->hurry || (*k)->due_ns <= now)
			return *k;
	return NULL;
}

static struct timespec clock_at(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / PH_NSEC), (long)(ns % PH_NSEC) };
}

/* Until something is asked, or is due: what is not due is the host's, in the order in which it was asked. */
static void wait_for_more(struct ph_packages *p)
{
	struct timespec until;

	if (!p->asked.n) {
		pthread_cond_wait(&p->changed, &p->lock);
		return;
	}
	until = clock_at(p->asked.v[0]->due_ns);
	pthread_cond_timedwait(&p->changed, &p->lock, &until);
}

static void *thread(void *arg)
{
	struct ph_packages *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		const struct package *due = first_due(p);

		if (!due) {
			wait_for_more(p);
			continue;
		}
		if (due->owner == PH_CONTAINER_HOST)
			p->host_ns *= 2;
		take_asked(p, due->owner);
		/* File systems of containers may not answer: not with the lock. */
		pthread_mutex_unlock(&p->lock);
		for (size_t done = 0; done < p->looking.n; )
			done += look_up(p, p->looking.v + done, p->looking.n - done);
		pthread_mutex_lock(&p->lock);
		ph_vec_each(k, &p->looking)
			*ph_vec_push(&p->found) = *k;
		p->looking.n = 0;
		pthread_cond_broadcast(&p->changed);
	}
	unlock_and_drop(p);
	return NULL;
}

/* Signals are for the others. False: nothing is looked up. */
static bool start(struct ph_packages *p)
{
	sigset_t all, had;
	pthread_attr_t attr;
	pthread_t t;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &had);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	p->started = !pthread_create(&t, &attr, thread, p);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &had, NULL);
	p->refs += p->started;
	return p->started;
}

void ph_packages_ask(struct ph_packages *p, uint32_t file, uint32_t owner, int root, const char *path, const char *build_id)
{
	struct package *k = ph_alloc(sizeof(*k));

	*k = (struct package){ .file = file, .owner = owner, .root = root, .path = ph_strdup(path), .build_id = ph_strdup(build_id) };
	pthread_mutex_lock(&p->lock);
	k->due_ns = owner == PH_CONTAINER_HOST ? ph_now_ns() + p->host_ns : 0;
	if (p->started || start(p)) {
		*ph_vec_push(&p->asked) = k;
		pthread_cond_broadcast(&p->changed);
	} else {
		k->found = (struct ph_symbol_package){ ph_strdup(""), ph_strdup("") };
		*ph_vec_push(&p->found) = k;
	}
	pthread_mutex_unlock(&p->lock);
}

bool ph_packages_next(struct ph_packages *p, uint32_t *ret_file, struct ph_symbol_package *ret)
{
	struct package *k = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->found.n)
		k = p->found.v[--p->found.n];
	pthread_mutex_unlock(&p->lock);
	if (!k)
		return false;
	*ret_file = k->file;
	*ret = k->found;
	k->found = (struct ph_symbol_package){ 0 };
	package_free(k);
	return true;
}

void ph_packages_wait(struct ph_packages *p, uint64_t timeout_ns)
{
	struct timespec until = clock_at(ph_now_ns() + timeout_ns);

	pthread_mutex_lock(&p->lock);
	p->hurry = true;
	pthread_cond_broadcast(&p->changed);
	while (p->asked.n || p->looking.n)
		if (pthread_cond_timedwait(&p->changed, &p->lock, &until))
			break;
	p->hurry = false;
	pthread_mutex_unlock(&p->lock);
}

void ph_packages_free(struct ph_packages *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->changed);
	unlock_and_drop(p);
}
