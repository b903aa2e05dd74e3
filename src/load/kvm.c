/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtual machine of ten bytes, with known exits. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "load/load.h"

#if defined(__x86_64__)
#define GUEST_AT 0x1000
#define VCPU 3		/* not 0, which a field that is not filled would have as well */
#define OUTS 20

static const unsigned char guest[] = {
	0xba, 0x17, 0x02,	/* 1000: mov  $0x217, %dx */
	0xb9, OUTS, 0x00,	/* 1003: mov  $OUTS, %cx */
	0xee,			/* 1006: out  %al, (%dx) */
	0xe2, 0xfd,		/* 1007: loop 1006 */
	0xf4,			/* 1009: hlt */
};

void cause_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu, outs = 0;
	struct kvm_userspace_memory_region region = { .memory_size = 0x4000 };
	struct kvm_regs regs = { .rip = GUEST_AT, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	char *memory = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (kvm < 0 || memory == MAP_FAILED || (vm = ioctl(kvm, KVM_CREATE_VM, 0)) < 0)
		die("/dev/kvm");
	memcpy(memory + GUEST_AT, guest, sizeof(guest));
	region.userspace_addr = (unsigned long)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) || (vcpu = ioctl(vm, KVM_CREATE_VCPU, VCPU)) < 0 ||
	    ioctl(vcpu, KVM_GET_SREGS, &sregs))
		die("KVM_CREATE_VCPU");
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (run == MAP_FAILED || ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
	/* Not the first of a VM's CPUs: it would wait for another to start it. */
	ioctl(vcpu, KVM_SET_MP_STATE, &(struct kvm_mp_state){ .mp_state = KVM_MP_STATE_RUNNABLE });
	do {
		if (ioctl(vcpu, KVM_RUN, 0))
			die("KVM_RUN");
		outs += run->exit_reason == KVM_EXIT_IO && run->io.port == 0x217;
	} while (run->exit_reason == KVM_EXIT_IO);
	printf("outs=%d last=%u vcpu=%d out_at=%d behind=%d\n", outs, run->exit_reason, VCPU, GUEST_AT + 6,
	       GUEST_AT + 7);
}
#else
void cause_kvm(void)
{
	errno = ENOTSUP;
	die("no guest for this architecture");
}
#endif
