/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A variable of each thread, in a library and (-DPROGRAM) in a program. For arm64 it is not compiled here:
 *
 *	flags="-O1 -nostdlib -fno-ident -fno-asynchronous-unwind-tables -s -Wl,-z,max-page-size=4096,-z,noseparate-code,--build-id=none"
 *	aarch64-linux-gnu-gcc $flags -fPIC -shared -o ../data/unwind/tls_arm64.so tls_arm64.c
 *	aarch64-linux-gnu-gcc $flags -DPROGRAM -fPIE -pie -Wl,-E -o ../data/unwind/tls_arm64 tls_arm64.c
 */
#ifdef PROGRAM
__thread long first __attribute__((aligned(64))), own;

void _start(void)
{
	own = first;
	for (;;)
		;
}
#else
__thread long first = 1, own;

long *get(void)
{
	return &own;
}
#endif
