# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a view costs those it looks at, against peers that show the same: CPU time added to an operation of a load that runs
# under each of them in turn, round by round, the least of all rounds.

declare -A least=()
files=$work/files
mkdir -p "$files"
dd if=/dev/zero of="$files/data" bs=64k count=200 conv=fsync status=none

# Loads; each writes the CPU time of one operation, in ns, into $said. Other programs' turns are not in it; nor is the
# time in which a tracer has stopped the load, which is to strace's advantage.
export said=$work/said files
timed() { # N COMMAND...
	local n=$1 TIMEFORMAT='%U %S'
	{ time "${@:2}" >/dev/null 2>&1; } 2>"$said.all"
	awk "{ printf \"%.1f\\n\", (\$1 + \$2) * 1e9 / $n }" "$said.all" >"$said"
}
getppid() { ph-load getppid "${1:-200000}" | sed -n 's/.*cpu_ns_per_call=\([0-9.]*\).*/\1/p' >"$said"; }
some_getppid() { getppid 5000; }
open_all() { local _; for _ in {1..3000}; do : <"$files/data"; done; }
opens() { timed 3000 open_all; }
fsyncs() { timed 5000 ph-load io /dev/shm 5000; }
reads() { timed 9000 dd if="$files/data" iflag=direct bs=1k count=9000; }
pipe() { timed 8000 ph-load pingpong 8000; }
exec_all() { local _; for _ in {1..300}; do /bin/true; done; }
execs() { timed 300 exec_all; }
signal_all() { local _; trap : WINCH; for _ in {1..3000}; do kill -WINCH $BASHPID; done; }
signals() { timed 3000 signal_all; }
export -f timed getppid some_getppid open_all opens fsyncs reads pipe exec_all execs signal_all signals

# bpftrace takes the command as one word.
one_liner() { bpftrace -o /dev/null -e "$1" -c "/bin/bash -c $4"; } # PROGRAM bash -c LOAD

every_call='tracepoint:raw_syscalls:sys_enter /comm == "ph-load"/ { @s[tid] = nsecs; @n[tid] = args->id; }
	tracepoint:raw_syscalls:sys_exit /@s[tid]/ {
		printf("%s %d %d = %d %d\n", comm, tid, @n[tid], args->ret, nsecs - @s[tid]); delete(@s[tid]); delete(@n[tid]); }'
call_sums='tracepoint:raw_syscalls:sys_enter /comm == "ph-load"/ { @s[tid] = nsecs; }
	tracepoint:raw_syscalls:sys_exit /@s[tid]/ { @[args->id] = stats(nsecs - @s[tid]); delete(@s[tid]); }'
opened='tracepoint:syscalls:sys_enter_openat { @f[tid] = args->filename; }
	tracepoint:syscalls:sys_exit_openat /@f[tid]/ { printf("%s %d %s %d\n", comm, pid, str(@f[tid]), args->ret); delete(@f[tid]); }'
synced='tracepoint:syscalls:sys_enter_fsync { @s[tid] = nsecs; @fd[tid] = args->fd; }
	tracepoint:syscalls:sys_exit_fsync /@s[tid]/ {
		printf("%s %d %d %d\n", comm, pid, @fd[tid], nsecs - @s[tid]); delete(@s[tid]); delete(@fd[tid]); }'
executed='tracepoint:syscalls:sys_enter_execve { printf("%s %d ", comm, pid); join(args->argv); }
	tracepoint:syscalls:sys_exit_execve { printf("%d %d\n", pid, args->ret); }'
signalled='tracepoint:signal:signal_generate { printf("%s %d %d %d\n", comm, pid, args->sig, args->pid); }'
requests='tracepoint:block:block_rq_issue { @s[args->dev, args->sector] = nsecs; @c[args->dev, args->sector] = comm; }
	tracepoint:block:block_rq_complete /@s[args->dev, args->sector]/ {
		printf("%s %d %d %d\n", @c[args->dev, args->sector], args->dev, args->sector, nsecs - @s[args->dev, args->sector]);
		delete(@s[args->dev, args->sector]); delete(@c[args->dev, args->sector]); }'
waited='tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @q[args->pid] = nsecs; }
	tracepoint:sched:sched_switch {
		if (args->prev_state == 0) { @q[args->prev_pid] = nsecs; }
		if (@q[args->next_pid]) {
			if (nsecs - @q[args->next_pid] > 10000000) { printf("%s %d %s\n", args->next_comm, args->next_pid, args->prev_comm); }
			delete(@q[args->next_pid]);
		} }'
counted='tracepoint:raw_syscalls:sys_exit { @n[cgroup] = count(); if (args->ret < 0) { @e[cgroup] = count(); } }
	interval:s:1 { print(@n); print(@e); clear(@n); clear(@e); }'

# What is to be run: row, load, who, bar, how.
jobs=()
of() { row=$1 load=$2 whole='' bar='<= 1'; }
beside() { whole=1; }			# its commands look at everything, and start none
ours() { jobs+=("$row|$load|porthole|$bar|$whole|$(printf '%q ' porthole "$@")"); }
peer() { jobs+=("$row|$load|$1|$bar|$whole|$(printf '%q ' "${@:2}")"); }
fewer() { load=some_$load peer "$@"; }	# for one that takes much longer

of 'trace syscalls, a getppid' getppid
ours trace syscalls --
fewer 'strace -f' strace -f -o /dev/null
peer 'perf trace' perf trace -o /dev/null
peer bpftrace one_liner "$every_call"
of 'trace syscalls -C, a getppid' getppid
ours trace syscalls -C --
fewer 'strace -fc' strace -fc -o /dev/null
peer 'perf trace -s' perf trace -s -o /dev/null
peer bpftrace one_liner "$call_sums"
of 'trace open, an open' opens
ours trace open --
peer 'strace -f' strace -f -o /dev/null -e trace=openat
peer 'perf trace' perf trace -o /dev/null -e openat
peer bpftrace one_liner "$opened"
# Peers that are asked of that one call, not of every call, are cheaper here: the bar is for what is added, in ns.
of 'trace open, another call' getppid
bar='ns <= 200'
ours trace open --
peer 'strace --seccomp-bpf' strace -f --seccomp-bpf -o /dev/null -e trace=openat
peer 'perf trace' perf trace -o /dev/null -e openat
peer bpftrace one_liner "$opened"
of 'trace sync, write, fsync, read' fsyncs
ours trace sync --
peer 'strace -f' strace -f -o /dev/null -e trace=fsync
peer 'perf trace' perf trace -o /dev/null -e fsync
peer bpftrace one_liner "$synced"
# Where an operation takes long of itself, what is added drowns in that: compared is all of it.
of 'trace exec, a program' execs
bar='of all <= 1.1'
ours trace exec --
peer 'strace -f' strace -f -o /dev/null -e trace=execve
peer 'perf trace' perf trace -o /dev/null -e execve
peer bpftrace one_liner "$executed"
of 'trace signal, a signal' signals
ours trace signal --
peer 'strace -f' strace -f -o /dev/null -e trace=none
peer 'perf trace' perf trace -o /dev/null -e signal:signal_generate
peer bpftrace one_liner "$signalled"
of 'trace bio, a read of 1K' reads
bar='of all <= 1.1'
ours trace bio --
peer 'perf trace' perf trace -o /dev/null -e block:block_rq_issue,block:block_rq_complete
peer bpftrace one_liner "$requests"
of 'trace runq, a round trip' pipe
ours trace runq --
peer 'perf sched' perf sched record -q -o "$work/perf.data"
peer bpftrace one_liner "$waited"
of 'stat, a getppid' getppid
beside
ours stat 1
bar='<= 1.5'			# which counts calls alone, not those that failed, and of nobody
peer 'perf stat' perf stat -a -I 1000 -e raw_syscalls:sys_enter -o /dev/null
bar='<= 1'
peer bpftrace bpftrace -o /dev/null -e "$counted"
of 'top -b, a getppid' getppid
beside
ours top -b
bar='<= 1.5'
peer 'perf stat' perf stat -a -I 1000 -e raw_syscalls:sys_enter -o /dev/null
bar='<= 1'
peer bpftrace bpftrace -o /dev/null -e "$counted"

# run LOAD COMMAND...: what an operation took, ns; nothing where COMMAND has failed.
run() {
	rm -f "$said"
	"${@:2}" bash -c "$1" >/dev/null 2>&1 </dev/null
	cat "$said" 2>/dev/null
}
# Others are ready by then: they have it printed once.
run_beside() { # LOAD COMMAND...
	local pid
	"${@:2}" >/dev/null 2>&1 </dev/null &
	pid=$!
	sleep 2
	run "$1" command
	kill -INT $pid
	wait $pid
}
keep() { # KEY NS
	[ -z "$2" ] || least[$1]=$(printf '%s\n' "$2" "${least[$1]:-$2}" | sort -g | head -n 1)
}
for ((round = 0; round < REPEAT; round++)); do
	for load in getppid opens fsyncs reads pipe execs signals; do
		keep "$load" "$(run "$load" command)"
	done
	for job in "${jobs[@]}"; do
		IFS='|' read -r row load who bar whole command <<<"$job"
		eval "command=($command)"
		# shellcheck disable=SC2128 # the words of it
		how=run${whole:+_beside}
		keep "$row|$who" "$("$how" "$load" "${command[@]}")"
	done
done

# added KEY LOAD: what it adds to LOAD; noise may make it less than nothing.
added() {
	local bare=${least[${2#some_}]:-} with=${least[$1]:-}
	[ -z "$bare" ] || [ -z "$with" ] || awk "BEGIN { n = $with - $bare; printf \"%.0f\", (n > 0 ? n : 0) }"
}
for job in "${jobs[@]}"; do
	IFS='|' read -r row load who bar _ <<<"$job"
	ns=$(added "$row|$who" "$load")
	if [ "$who" = porthole ]; then
		ours=$ns
		continue
	fi
	case $bar in
	ns*) value=$ours ;;
	of*) value=$(calc "${least[$row|porthole]:-} / ${least[$row|$who]:-}" 3) ;;
	*) value=$([ "${ns:-0}" = 0 ] || calc "${ours:-} / $ns" 3) ;;
	esac
	row "$row (bare: $(calc "${least[${load#some_}]:-}" 0) ns)" "+$ours ns" "$who: +$ns ns" "$value" "<= ${bar##* }"
done
