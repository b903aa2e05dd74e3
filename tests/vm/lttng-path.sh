#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Record tasks that wait for each other in known ways with LTTng's kernel tracer in the virtual machine: what
# tests/data/lttng-path is, made anew.
#
#	tests/vm/lttng-path.sh DIR
#
# Writes the trace to DIR/trace, which must not exist, and what each task says that it computed to DIR/said.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shapes="lock tcp timer"

if [ "${1:-}" != --inside ]; then
	dir=${1:?a directory for the trace}
	mkdir -p "$dir"
	mkdir "$dir/trace"
	PH_VM_LIMIT=${PH_VM_LIMIT:-180} PH_VM_ADD=$here/lttng-modules.sh \
		PH_VM_RUN="bash tests/vm/lttng-path.sh --inside" "$here/run.sh" | tar -xz -C "$dir/trace"
	mv "$dir/trace/said" "$dir/said"
	exit
fi

# From here on: in the machine. Nothing that is left running may hold its standard output, which is the trace.
exec {out}>&1 >&2
PATH=/porthole/build:$PATH
mkdir -p /var/run
lttng-sessiond -d {out}>&-
lttng create demo -o /tmp/trace
lttng enable-channel -k --subbuf-size 64K --num-subbuf 16 channel0
lttng enable-event -k -c channel0 'lttng_statedump_process_state,sched_switch,sched_wak*,sched_process_*,irq_*,net_dev_queue,net_if_receive_skb'
lttng enable-event -k -c channel0 --syscall futex,nanosleep,clock_nanosleep,read,write,recvfrom,sendto,accept,connect,close,wait4
for t in pid tid procname cgroup_ns pid_ns; do lttng add-context -k -c channel0 -t $t; done
lttng start
for shape in $shapes; do
	ph-launch --quiet --name "$shape" -- ph-load chain "$shape" | sed "s/^/$shape /" >>/tmp/said
done
lttng stop
lttng destroy
mv /tmp/said /tmp/trace/kernel/
cd /tmp/trace/kernel && tar --mode=0644 -cz metadata channel0_* said >&"$out"
