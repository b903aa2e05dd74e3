/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are called a known number of times with known arguments, for probes; one is a USDT probe's place. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "load/load.h"

struct probe_object {
	uint32_t size;
	int32_t level;
	struct probe_object *next;
	char name[16];
};

/* Counted up by who attaches to the USDT probe. */
uint16_t ph_load_semaphore __attribute__((section(".probes"), used));

long ph_load_target(long n, const char *text, signed char small, const struct probe_object *o, long five, long six, long seven,
		    long eight);
int ph_load_recurse(int depth);

/* Arguments in registers, and the last two on the stack of x86. */
__attribute__((noinline, noclone)) long ph_load_target(long n, const char *text, signed char small, const struct probe_object *o,
						       long five, long six, long seven, long eight)
{
	asm volatile("" ::"r"(text), "r"((long)small), "r"(o), "r"(five), "r"(six), "r"(seven), "r"(eight) : "memory");
	return -n;
}

__attribute__((noinline, noclone)) int ph_load_recurse(int depth)
{
	int r = 0;

	if (depth)
		r = ph_load_recurse(depth - 1);
	/* No jump: each depth returns. */
	asm volatile("" ::: "memory");
	return r + depth;
}

/* A note as SystemTap's <sys/sdt.h> makes it: of the place, and where two values are at it. */
static void tick(int32_t count, const char *word)
{
	asm volatile("990:	nop\n"
		     ".pushsection .note.stapsdt, \"?\", \"note\"\n"
		     ".balign 4\n"
		     ".4byte 992f - 991f, 994f - 993f, 3\n"
		     "991:	.asciz \"stapsdt\"\n"
		     "992:	.balign 4\n"
		     "993:	.8byte 990b, 0, ph_load_semaphore\n"
		     ".asciz \"ph_load\"\n"
		     ".asciz \"tick\"\n"
		     ".asciz \"-4@%0 8@%1 -4@%2\"\n"
		     "994:	.balign 4\n"
		     ".popsection\n" ::"r"(count),
		     "r"(word), "m"(count));
}

/* How long a call takes: what a probe adds to it is the difference. */
static int measure(uint64_t n)
{
	struct probe_object object = { .size = 4096 };
	uint64_t t0 = ph_now_ns();

	for (uint64_t i = 0; i < n; i++)
		ph_load_target((long)i, "a text", -5, &object, 5, 6, 7, 8);
	t0 = ph_now_ns() - t0;
	printf("calls=%lu ns_per_call=%.1f\n", n, (double)t0 / (double)(n ? n : 1));
	return 0;
}

/* COUNT calls of each, when SIGUSR1 comes; or at once, of one, and how long each took. */
int load_probe(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 1, 1000);
	struct probe_object first = { .size = 11, .level = -1, .name = "first" };
	struct probe_object object = { .size = 4096, .level = -7, .next = &first, .name = "second" };
	sigset_t set;
	int sig;

	if (!strcmp(arg_str(argc, argv, 2, ""), "now"))
		return measure(n);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("ready=1\n");
	sigwait(&set, &sig);
	for (uint64_t i = 0; i < n; i++) {
		char text[32];

		snprintf(text, sizeof(text), "call %lu", i % 10);
		if (ph_load_target((long)i, text, (signed char)-5, &object, 5, 6, 7, 8) != -(long)i)
			return 1;
		tick((int32_t)-i, text);
	}
	printf("calls=%lu recursion=%d semaphore=%u\n", n, ph_load_recurse(3), (unsigned int)ph_load_semaphore);
	return 0;
}
