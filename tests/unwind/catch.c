/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that the runtime for exceptions unwinds: of two, one has something to be dropped, for which it is gone over to. Raises
 * SIGUSR2 before and afterwards, for test_unwind_walk.c.
 */
#include <signal.h>
#include <unwind.h>

#define OPAQUE __attribute__((noinline, noclone, visibility("default")))
#define KEEP(x) ({ int v_ = (x); __asm__ volatile("" : "+r"(v_)); v_; })

int here(int n);
int drops(int n);
int wide(int n);
int passes(int n);
void drop(const int *n);
int catches(int n);

static volatile int dropped;

OPAQUE int here(int n)
{
	return KEEP(raise(SIGUSR2)) + n;
}

OPAQUE void drop(const int *n)
{
	dropped += *n;
}

static _Unwind_Reason_Code stop(int version, _Unwind_Action actions, _Unwind_Exception_Class class, struct _Unwind_Exception *e,
				struct _Unwind_Context *context, void *arg)
{
	(void)version, (void)actions, (void)class, (void)e, (void)context, (void)arg;
	/* All three: 3 + 2 + 1. */
	if (dropped == 6)
		here(0);
	return _URC_NO_REASON;
}

OPAQUE int passes(int n)
{
	volatile char room[200] = { 0 };

	return KEEP(n == 2 ? wide(n) : drops(n)) + room[n];
}

/* As drops(), but nobody's frame is as large: who takes it to be where another one is finds nothing. */
OPAQUE int wide(int n)
{
	int v __attribute__((cleanup(drop))) = n;
	volatile char room[600] = { 0 };

	KEEP(passes(n - 1));
	return n + room[n];
}

OPAQUE int drops(int n)
{
	static struct _Unwind_Exception exception;
	int v __attribute__((cleanup(drop))) = n;

	if (n == 1)
		_Unwind_ForcedUnwind(&exception, stop, 0);
	else
		KEEP(passes(n - 1));
	return n;
}

OPAQUE int catches(int n)
{
	KEEP(here(n));
	return KEEP(drops(3)) + n;
}

int main(void)
{
	return KEEP(catches(1));
}
