/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LOAD_LOAD_H
#define PH_LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

/*
 * ph-load does one known thing, a known number of times or for a known time, and says on stdout
 * what it did as key=value: what the tests compare a trace with, and what the demonstration's
 * containers run. Static, so that it runs in an empty root file system.
 */
struct ph_load {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(int argc, char **argv);	/* argv[0] is the name; returns the exit code */
};

extern const struct ph_load ph_loads[];		/* ends with name NULL */

/* Argument @i as a number (K, M, G are 2^10...) or @def where there are not so many. */
uint64_t arg_u64(int argc, char **argv, int i, uint64_t def);
uint64_t arg_ns(int argc, char **argv, int i, uint64_t def);	/* "2s", "10ms" */
const char *arg_str(int argc, char **argv, int i, const char *def);

noreturn void die(const char *what);		/* with errno */

/* cpu.c */
void sleep_ns(uint64_t ns);
int load_spin(int argc, char **argv);
int load_burst(int argc, char **argv);
int load_getppid(int argc, char **argv);
int load_rate(int argc, char **argv);
int load_threads(int argc, char **argv);
int load_sleep(int argc, char **argv);
/* io.c */
void write_all(int fd, const char *p, size_t n);
bool read_all(int fd, char *p, size_t n);	/* false at the end of the stream */
int listen_unix(const char *path);
int connect_unix(const char *path);		/* -1 */
int must_connect_unix(const char *path);		/* the same, or the end */
int load_marks(int argc, char **argv);
int load_io(int argc, char **argv);
int load_db(int argc, char **argv);
int load_web(int argc, char **argv);
int load_sock(int argc, char **argv);
int load_pingpong(int argc, char **argv);
/* limits.c */
int load_forks(int argc, char **argv);
int load_fail(int argc, char **argv);
int load_alloc(int argc, char **argv);
int load_pids(int argc, char **argv);
/* probe.c */
int load_probe(int argc, char **argv);
/* bpf.c */
int load_bpf(int argc, char **argv);
/* events.c */
void pin(int cpu);
int load_cause(int argc, char **argv);
/* kvm.c */
void cause_kvm(void);
void cause_kvm_halt(void);
int load_guest(int argc, char **argv);
/* net.c */
int load_net(int argc, char **argv);
/* dns.c */
int load_dns(int argc, char **argv);
/* wait.c */
int load_wait(int argc, char **argv);
/* stacks.c */
int load_stacks(int argc, char **argv);
/* deny.c */
int load_deny(int argc, char **argv);
/* calls.c */
int load_calls(int argc, char **argv);
/* kinds.c */
int load_kinds(int argc, char **argv);
/* chain.c */
uint64_t own_cpu_ns(void);		/* of this thread */
uint64_t compute(uint64_t ns);		/* so much of its own CPU time; returns how much it was */
void until_sleeps(pid_t who);		/* 0: at once */
int load_chain(int argc, char **argv);
/* requests.c */
int load_requests(int argc, char **argv);
/* work.c */
int load_work(int argc, char **argv);
/* who.c */
int load_who(int argc, char **argv);

#endif
