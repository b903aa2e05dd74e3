#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Record a trace with LTTng's kernel tracer in the virtual machine: what tests/data/lttng-kernel is,
# made anew.
#
#	tests/vm/lttng-kernel.sh DIR [CALLS]
#
# Writes the trace to DIR/trace, which must not exist, and what babeltrace2 says of it to DIR/expected: how many
# events of each type there are in each pid namespace. CALLS: system calls to record, by default a few whose
# metadata is small; "all" for all.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
calls=getppid,unshare,setns,clone,openat,nanosleep,clock_nanosleep,kill,connect,wait4

if [ "${1:-}" = --inside ]; then
	calls=$2
else
	dir=${1:?a directory for the trace}
	mkdir -p "$dir"
	mkdir "$dir/trace"
	PH_VM_LIMIT=${PH_VM_LIMIT:-180} PH_VM_ADD=$here/lttng-modules.sh \
		PH_VM_RUN="bash tests/vm/lttng-kernel.sh --inside ${2:-$calls}" "$here/run.sh" | tar -xz -C "$dir/trace"
	babeltrace2 --no-delta "$dir/trace" | sed -E 's/^[^{]* ([a-z_0-9]+): .*[, ]pid_ns = ([0-9]+).*/\1 \2/' |
		sort | uniq -c | sed 's/^ *//' >"$dir/expected"
	exit
fi

# From here on: in the machine. Nothing that is left running may hold its standard output, which is the trace.
exec {out}>&1 >&2
PATH=/porthole/build:$PATH
mkdir -p /tmp/go /var/run
say() { mkfifo "/tmp/go/$1"; }

# A command line that waits until it is told to go on.
wait_for() { echo "read x </go/$1"; }
go() { echo >"/tmp/go/$1"; }
# Until ph-load in that container has made its calls.
done_with() { while [ ! -e "/tmp/go/$1.done" ]; do sleep 0.1; done; }

# work NAME N: N calls of getppid when told, then wait for the end.
work() { echo "$(wait_for "$1"); ph-load getppid $2; >/go/$1.done; $(wait_for "$1")"; }

launch() {
	local name=$1
	shift
	say "$name"
	ph-launch --detach --quiet --name "$name" --bind /tmp/go:/go:rw "$@" {out}>&-
}

modprobe loop
truncate -s 64K /tmp/disk
losetup /dev/loop0 /tmp/disk 2>/dev/null || busybox losetup /dev/loop0 /tmp/disk

# Older than the recording: one with all namespaces of its own, which has another one in it; one in the
# host's pid namespace; one of util-linux.
launch old -- sh -c "$(work old 11)"
launch hostpid --share pid -- sh -c "$(work hostpid 13)"
say sandbox
unshare --fork --pid --mount --uts --ipc sh -c "mount --bind /tmp/go /mnt; $(work sandbox 7 | sed 's|/go/|/mnt/|g')" {out}>&- &

lttng-sessiond -d {out}>&-
lttng create demo -o /tmp/trace
lttng enable-channel -k --subbuf-size 64K --num-subbuf 16 channel0
lttng enable-event -k -c channel0 'lttng_statedump_*,sched_switch,sched_wak*,sched_migrate_task,sched_process_*,block_rq_*,net_*,signal_*,irq_handler_*'
if [ "$calls" = all ]; then
	lttng enable-event -k -c channel0 --syscall --all
else
	lttng enable-event -k -c channel0 --syscall "$calls"
fi
for t in pid tid vpid vtid ppid procname cgroup_ns ipc_ns mnt_ns net_ns pid_ns time_ns user_ns uts_ns; do
	lttng add-context -k -c channel0 -t $t
done
lttng start
go old
done_with old
go hostpid
done_with hostpid
go sandbox
done_with sandbox
# Younger than the recording, and gone before its end.
launch new --caps all -- sh -c "ph-load getppid 17; ph-load sock tcp 2; unshare -fmp ph-load getppid 3
	>/go/new.done; $(wait_for new)"
done_with new
go new
launch newhostpid --share pid -- sh -c "$(work newhostpid 19)"
go newhostpid
done_with newhostpid
go newhostpid
ph-load getppid 5
dd if=/tmp/disk of=/dev/loop0 bs=4k count=2 oflag=direct
lttng stop
lttng destroy
for c in old hostpid sandbox; do go $c; done
cd /tmp/trace/kernel && tar --mode=0644 -cz metadata channel0_* >&"$out"
