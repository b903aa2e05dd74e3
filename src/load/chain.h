/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LOAD_CHAIN_H
#define PH_LOAD_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MS 1000000ul

/* chain.c: what the shapes are made of. */
extern pid_t the_main;		/* whose path it is */

pid_t tid(void);
pid_t child(void);		/* 0: this is the child */
uint64_t own_cpu_ns(void);	/* of this thread */
bool sleeps(pid_t who);		/* a thread of this process, or a process */
void pass(int fd);		/* a byte */
void take(int fd);
void say(const char *name, uint64_t since);	/* what it has computed since */
/* Computes for @ns once @waiter sleeps (0: at once), and says so. */
void stage(const char *name, pid_t waiter, uint64_t ns);

/* chainfight.c */
void shape_imbalance(void);
void shape_filelock(void);
void shape_preempt(void);
void shape_disk(void);
void shape_random(void);

/* chainpeer.c: in two containers. Each answer has so many bytes. */
int chain_serve(const char *address, uint64_t ns, size_t bytes);
void chain_ask(const char *address, uint64_t n, size_t bytes);

#endif
