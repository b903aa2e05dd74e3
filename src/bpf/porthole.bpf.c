/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side, one object: a collector a file. Programs are named after the event they write
 * and are loaded only when that event is asked for (collect/programs.c lists them).
 */
#include "lib/event.bpf.h"

#include "wait.bpf.c"
#include "throttle.bpf.c"
#include "sched.bpf.c"
#include "syscalls.bpf.c"
#include "denied.bpf.c"
#include "calldata.bpf.c"
#include "cgroup.bpf.c"
#include "irq.bpf.c"
#include "block.bpf.c"
#include "net.bpf.c"
#include "dns.bpf.c"
#include "misc.bpf.c"
#include "dump.bpf.c"
#include "count.bpf.c"
#include "probe.bpf.c"
#include "profile.bpf.c"

char LICENSE[] SEC("license") = "GPL";
