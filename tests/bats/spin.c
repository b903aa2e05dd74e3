/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes for so many milliseconds, in functions of a name that is given; or calls what is at an offset of a file that it maps. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#ifndef NAME
#define NAME spin
#endif
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
static volatile unsigned long sink;
__attribute__((noinline)) void JOIN(NAME, _leaf)(void) { for (int i = 0; i < 100000; i++) sink += i; }
__attribute__((noinline)) void JOIN(NAME, _work)(void) { JOIN(NAME, _leaf)(); sink++; }
static long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
int main(int argc, char **argv)
{
	long end = now() + atol(argv[1]);
	void (*work)(void) = JOIN(NAME, _work);
	if (argc > 3) {
		struct stat st;
		int fd = open(argv[2], O_RDONLY);
		char *p;
		if (fd < 0 || fstat(fd, &st) || (p = mmap(0, st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
			return 1;
		work = (void (*)(void))(p + strtol(argv[3], 0, 16));
	}
	while (now() < end)
		work();
	return 0;
}
