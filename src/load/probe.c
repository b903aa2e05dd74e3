/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are called a known number of times with known arguments, for probes; one is a USDT probe's place. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"

struct probe_object {
	uint32_t size;
	int32_t level;
	struct probe_object *next;
	char name[16];
};

enum probe_state { PROBE_IDLE, PROBE_BUSY = 7, PROBE_GONE = -2 };

struct probe_kinds {
	double ratio;
	float share;
	unsigned int low : 3, middle : 10;
	int high : 5;
	enum probe_state state;
	char tag[4];			/* full: no NUL */
	const char *names[2];
	const struct probe_kinds *next;
};

/* In registers, of x86_64 and arm64, and in memory. */
struct probe_pair {
	int32_t first;
	float second;
	int64_t third;
};

struct probe_large {
	int64_t v[3];
	char name[8];
};

/* A text that does not end by itself. */
struct probe_view {
	const char *data;
	size_t len;
};

/* Counted up by who attaches to the USDT probe. */
uint16_t ph_load_semaphore __attribute__((section(".probes"), used));

long ph_load_target(long n, const char *text, signed char small, const struct probe_object *o, long five, long six, long seven,
		    long eight);
int ph_load_recurse(int depth);
enum probe_state ph_load_kinds(double before, struct probe_pair pair, struct probe_large large, const struct probe_kinds *k,
			       const char **words, short last);
const struct probe_kinds *ph_load_result(const struct probe_kinds *k);
void ph_load_far(const char *text);
long ph_load_view(struct probe_view view, const struct probe_view *views, const char *bytes, long n);

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

/* What it is handed, as it is called by a probe: one line of JSON. */
__attribute__((noinline, noclone)) enum probe_state ph_load_kinds(double before, struct probe_pair pair, struct probe_large large,
								  const struct probe_kinds *k, const char **words, short last)
{
	asm volatile("" ::"m"(before) : "memory");
	printf("{\"pair_first\":%d,\"pair_second\":%g,\"pair_third\":%ld,\"large_v_2\":%ld,\"large_name\":\"%s\",\"last\":%d}\n",
	       pair.first, (double)pair.second, pair.third, large.v[2], large.name, last);
	printf("{\"ratio\":%g,\"share\":%g,\"low\":%u,\"middle\":%u,\"high\":%d,\"next_tag\":\"%.4s\",\"word\":\"%s\",\"name\":\"%s\"}\n",
	       k->ratio, (double)k->share, k->low, k->middle, k->high, k->next->tag, *words, k->next->names[1]);
	return k->next->state;
}

__attribute__((noinline, noclone)) const struct probe_kinds *ph_load_result(const struct probe_kinds *k)
{
	asm volatile("" ::"r"(k) : "memory");
	return k->next;
}

__attribute__((noinline, noclone)) long ph_load_view(struct probe_view view, const struct probe_view *views, const char *bytes, long n)
{
	if (n < 0)
		return n;
	printf("{\"view\":\"%.*s\",\"views\":\"%.*s\",\"bytes\":\"%.*s\",\"out\":\"%.*s\"}\n", (int)view.len, view.data, (int)views->len,
	       views->data, (int)n, bytes, (int)n - 3, bytes);
	return n - 3;
}

/* Its text was never touched: it is in no page of this process yet. */
__attribute__((noinline, noclone)) void ph_load_far(const char *text)
{
	asm volatile("" ::"r"(text) : "memory");
}

static void kinds(void)
{
	struct probe_kinds next = { .ratio = 0.25, .share = 0.5f, .low = 5, .middle = 1000, .high = -9, .state = PROBE_GONE,
				    .tag = { 'w', 'x', 'y', 'z' }, .names = { "first", "second" } };
	struct probe_kinds k = { .ratio = -3.75, .share = 1.5f, .low = 3, .middle = 513, .high = -7, .state = PROBE_BUSY,
				 .tag = "k", .next = &next };
	struct probe_pair pair = { -14, 2.5f, 1ll << 40 };
	struct probe_large large = { { 1, 2, 3 }, "large" };
	const char *words[] = { "one", "two" };
	const char list[] = "one two three four";
	const struct probe_view views[] = { { list + 8, 5 }, { list, 0 } };

	ph_load_kinds(1.5, pair, large, &k, words, -70);
	ph_load_result(&k);
	ph_load_view((struct probe_view){ list, 3 }, views, list + 4, 9);
	/* Of less than none, nothing; nor of none at an address that is none. */
	ph_load_view((struct probe_view){ NULL, 0 }, views + 1, list, -1);
}

/* A text at the end of one page and at the beginning of the next, that are mapped each by itself. */
static int far(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const char text[] = "a text that is far away";
	int fd = memfd_create("far", 0);
	char *at = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0 || at == MAP_FAILED || pwrite(fd, text, sizeof(text), (off_t)page - 10) != (ssize_t)sizeof(text) ||
	    ftruncate(fd, (off_t)(2 * page)) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		if (mmap(at + i * page, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, (off_t)(i * page)) == MAP_FAILED)
			return -1;
	ph_load_far(at + page - 10);
	return 0;
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
	kinds();
	if (far() < 0)
		return 1;
	printf("calls=%lu recursion=%d semaphore=%u\n", n, ph_load_recurse(3), (unsigned int)ph_load_semaphore);
	return 0;
}
