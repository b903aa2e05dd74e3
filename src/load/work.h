/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LOAD_WORK_H
#define PH_LOAD_WORK_H

#include <stddef.h>
#include <stdint.h>

/* work.c: what all of them do. */
void work_steps(uint64_t n);
void work_until(uint64_t when_ns);
void *work_zeros(uint64_t n, size_t size);
/* Around each request, calls that nothing else makes: so a trace has it, too. */
void work_begins(void);
void work_ends(void);
/* The line at the end: since @begin_ns, and of @n requests how long each took, which it sorts. */
void work_said(const char *shape, uint64_t begin_ns, uint64_t *took_ns, uint64_t n);

/* workpeers.c: those that speak to each other. argv[1] is the shape. */
int work_serve(int argc, char **argv);
int work_ask(int argc, char **argv);
int work_produce(int argc, char **argv);
int work_consume(int argc, char **argv);

#endif
