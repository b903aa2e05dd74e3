/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that says it is Ruby 3.1: what runs its instructions is not exported, and the compiler puts a part of that elsewhere. */
const char ruby_version[] = "3.1.2";
__thread void *ruby_current_ec __attribute__((tls_model("initial-exec")));

long rare(long n);
__attribute__((cold, noinline)) long rare(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

long usual(long n);
__attribute__((noinline)) long usual(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

/* As large as it is there. */
__attribute__((noinline)) static long vm_exec_core(const long *code, long n)
{
	long v = 0;

	__asm__ volatile(".rept 17000\n\tnop\n\t.endr" : "+r"(v));
	for (long i = 0; i < n; i++) {
		switch (code[i]) {
		case 0: v += usual(v); break;
		case 1: v -= rare(v); break;
		case 2: v ^= rare(i); break;
		case 3: v |= usual(i); break;
		default: return rare(v) + rare(i);
		}
	}
	return v + usual(n);
}

long rb_vm_exec(const long *code, long n);
long rb_vm_exec(const long *code, long n)
{
	long v = (long)ruby_current_ec;

	for (long i = 0; i < n; i++)
		v += vm_exec_core(code + i, n) + usual(v);
	return v;
}
