/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/packages.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"

/* Whose files have taken so long altogether are not looked for any more. */
#define OWNER_NS (2 * PH_NSEC)

struct package {
	uint32_t file, owner;
	int root;
	char *path, *build_id;
	struct ph_symbol_package found;
};

struct ph_packages {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	PH_VEC(struct package *) asked, found;
	struct package *looking;
	struct ph_u64map spent;		/* owner → ns */
	bool started, stop;
	unsigned int refs;		/* the owner's and the thread's */
};

struct ph_packages *ph_packages_new(void)
{
	struct ph_packages *p = ph_alloc(sizeof(*p));
	pthread_condattr_t attr;

	p->refs = 1;
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
	ph_vec_done(&p->found);
	ph_u64map_done(&p->spent);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* With the lock, which is given back meanwhile. */
static void look_up(struct ph_packages *p, struct package *k)
{
	uintptr_t spent = (uintptr_t)ph_u64map_get(&p->spent, k->owner + 1ull);
	uint64_t since = ph_now_ns();

	if (spent >= OWNER_NS) {
		k->found = (struct ph_symbol_package){ ph_strdup(""), ph_strdup("") };
		return;
	}
	pthread_mutex_unlock(&p->lock);
	ph_symbol_package(k->root, k->path, k->build_id, &k->found);
	pthread_mutex_lock(&p->lock);
	ph_u64map_put(&p->spent, k->owner + 1ull, (void *)(spent + (uintptr_t)(ph_now_ns() - since)));
}

static void *thread(void *arg)
{
	struct ph_packages *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->stop && !p->asked.n)
			pthread_cond_wait(&p->changed, &p->lock);
		if (p->stop)
			break;
		p->looking = p->asked.v[0];
		memmove(p->asked.v, p->asked.v + 1, --p->asked.n * sizeof(p->asked.v[0]));
		look_up(p, p->looking);
		*ph_vec_push(&p->found) = ph_take(p->looking);
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
	uint64_t end = ph_now_ns() + timeout_ns;
	struct timespec until = { (time_t)(end / PH_NSEC), (long)(end % PH_NSEC) };

	pthread_mutex_lock(&p->lock);
	while (p->asked.n || p->looking)
		if (pthread_cond_timedwait(&p->changed, &p->lock, &until))
			break;
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
