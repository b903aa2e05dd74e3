/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual machines of some ten bytes, with known exits. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "load/load.h"

#if defined(__x86_64__)
#define MEMORY 0x4000
#define GUEST_AT 0x1000
#define HANDLER_AT 0x1010
#define STACK_AT 0x2000
#define VCPU 3		/* not 0, which a field that is not filled would have as well */
#define OUTS 20
#define PORT 0x217
#define VECTOR 0x41
#define HALT_NS 50000000

/* From 0x1000 on. */
static const unsigned char guest_out[] = {
	0xba, 0x17, 0x02,	/* 1000: mov  $PORT, %dx */
	0xb9, OUTS, 0x00,	/* 1003: mov  $OUTS, %cx */
	0xee,			/* 1006: out  %al, (%dx) */
	0xe2, 0xfd,		/* 1007: loop 1006 */
	0xf4,			/* 1009: hlt */
};

static const unsigned char guest_halt[] = {
	0xba, 0x17, 0x02,	/* 1000: mov  $PORT, %dx */
	0xfb,			/* 1003: sti */
	0xf4,			/* 1004: hlt */
	0xee,			/* 1005: out  %al, (%dx) */
	[HANDLER_AT - GUEST_AT] = 0xcf,	/* 1010: iret */
};

static const unsigned char guest_spin[] = { 0xeb, 0xfe };	/* 1000: jmp  1000 */

struct machine {
	int vm, vcpu;
	char *memory;
	struct kvm_run *run;
};

/* @chip: KVM has its interrupt controllers, and sits out its halts. */
static void machine_new(struct machine *m, const unsigned char *code, size_t n, int chip)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	struct kvm_regs regs = { .rip = GUEST_AT, .rsp = STACK_AT, .rflags = 2 };
	struct kvm_sregs sregs;

	m->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (kvm < 0 || m->memory == MAP_FAILED || (m->vm = ioctl(kvm, KVM_CREATE_VM, 0)) < 0)
		die("/dev/kvm");
	memcpy(m->memory + GUEST_AT, code, n);
	region.userspace_addr = (unsigned long)m->memory;
	if (chip && ioctl(m->vm, KVM_CREATE_IRQCHIP))
		die("KVM_CREATE_IRQCHIP");
	if (ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region) || (m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, VCPU)) < 0 ||
	    ioctl(m->vcpu, KVM_GET_SREGS, &sregs))
		die("KVM_CREATE_VCPU");
	m->run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (m->run == MAP_FAILED || ioctl(m->vcpu, KVM_SET_SREGS, &sregs) || ioctl(m->vcpu, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
	/* Not the first of a VM's CPUs: it would wait for another to start it. */
	ioctl(m->vcpu, KVM_SET_MP_STATE, &(struct kvm_mp_state){ .mp_state = KVM_MP_STATE_RUNNABLE });
	close(kvm);
}

void cause_kvm(void)
{
	struct machine m;
	int outs = 0;

	machine_new(&m, guest_out, sizeof(guest_out), 0);
	do {
		if (ioctl(m.vcpu, KVM_RUN, 0))
			die("KVM_RUN");
		outs += m.run->exit_reason == KVM_EXIT_IO && m.run->io.port == PORT;
	} while (m.run->exit_reason == KVM_EXIT_IO);
	printf("outs=%d last=%u vcpu=%d out_at=%d behind=%d\n", outs, m.run->exit_reason, VCPU, GUEST_AT + 6,
	       GUEST_AT + 7);
}

/* Of the first thread, whose name has no blanks: R, S, D … */
static char state_of_main(void)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
		die(path);
	fclose(f);
	return state;
}

/* Once the guest has halted, which is the only thing that its thread sleeps for. */
static void *send_interrupt(void *arg)
{
	const struct machine *m = arg;
	struct kvm_msi msi = { .address_lo = 0xfee00000u | VCPU << 12, .data = VECTOR };

	while (state_of_main() != 'S')
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	nanosleep(&(struct timespec){ .tv_nsec = HALT_NS }, NULL);
	if (ioctl(m->vm, KVM_SIGNAL_MSI, &msi) < 1)
		die("KVM_SIGNAL_MSI");
	return NULL;
}

/* The guest halts until an interrupt comes. */
void cause_kvm_halt(void)
{
	struct kvm_lapic_state lapic;
	struct machine m;
	pthread_t sender;

	machine_new(&m, guest_halt, sizeof(guest_halt), 1);
	m.memory[VECTOR * 4] = HANDLER_AT & 0xff;
	m.memory[VECTOR * 4 + 1] = HANDLER_AT >> 8;
	/* Its interrupt controller is off until software turns it on (the spurious vector's register). */
	if (ioctl(m.vcpu, KVM_GET_LAPIC, &lapic))
		die("KVM_GET_LAPIC");
	lapic.regs[0xf0] = (char)0xff;
	lapic.regs[0xf1] = 1;
	if (ioctl(m.vcpu, KVM_SET_LAPIC, &lapic))
		die("KVM_SET_LAPIC");
	if (pthread_create(&sender, NULL, send_interrupt, &m))
		die("pthread_create");
	if (ioctl(m.vcpu, KVM_RUN, 0))
		die("KVM_RUN");
	pthread_join(sender, NULL);
	printf("halt_ns=%d vector=%d last=%u\n", HALT_NS, VECTOR, m.run->exit_reason);
}

static void nothing(int sig)
{
}

/* A guest that computes for a time, and whose program then takes the CPU back once. */
int load_guest(int argc, char **argv)
{
	uint64_t ns = arg_ns(argc, argv, 1, 1000000000);
	struct itimerval timer = { .it_value = { (time_t)(ns / 1000000000), (suseconds_t)(ns % 1000000000 / 1000) } };
	struct sigaction act = { .sa_handler = nothing };
	struct machine m;
	int r;

	machine_new(&m, guest_spin, sizeof(guest_spin), 0);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	r = ioctl(m.vcpu, KVM_RUN, 0);
	printf("vcpu=%d interrupted=%d\n", VCPU, r < 0 && errno == EINTR);
	return 0;
}
#else
static _Noreturn void no_guest(void)
{
	errno = ENOTSUP;
	die("no guest for this architecture");
}

void cause_kvm(void)
{
	no_guest();
}

void cause_kvm_halt(void)
{
	no_guest();
}

int load_guest(int argc, char **argv)
{
	no_guest();
}
#endif
