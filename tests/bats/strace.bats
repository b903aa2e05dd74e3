#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# System calls as another tracer sees them: strace follows a container's threads and children while
# they are recorded, and both must tell of the same calls, arguments and results, in one order.

load lib

CAPTURE=40

setup() {
	need strace python3
	[ -e /sys/kernel/tracing/events/syscalls ] || skip "the kernel does not name the arguments"
	T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER
}

teardown() {
	record_kill
	[ -z "${STRACE:-}" ] || kill "$STRACE" 2>/dev/null || :
	launch_stop
	rm -rf "$T"*
}

attached() { grep -qs attached "$T.strace.err" || ! kill -0 "$STRACE" 2>/dev/null; }

# both [strace options]: what the load calls, as both tracers see it: it waits until they look.
both() {
	mkdir "$T.go" "$T.strace"
	mkfifo "$T.go/go"
	if [ "${LOAD:-}" ]; then
		launch kinds --rootfs host --timeout 3m -- sh -c "read -r _ <$T.go/go; exec $LOAD"
	else
		launch kinds -b "$T.go:/go:rw" -- sh -c 'read -r _ </go/go; exec ph-load kinds'
	fi
	record "$T" -q -c "$PH_FILE-kinds" -e syscall,calldata,signal_deliver --capture $CAPTURE
	strace -ff -o "$T.strace/t" "$@" -p "$PID" 2>"$T.strace.err" 3>&- &
	STRACE=$!
	wait_for 20 attached
	echo >"$T.go/go"
	wait $STRACE || flunk "$(cat "$T.strace.err")" || return
	record_end
}

# compare [strace options]: the events, one by one.
compare() {
	both -n "$@" || return
	events "$T" -c "$PH_FILE-kinds" -e syscall >"$T.json"
	"$BATS_TEST_DIRNAME/strace.py" "$T.strace" "$PID" $CAPTURE <"$T.json"
}

# Not what is no ASCII, no address, number or value that there is, or longer than a line: there they differ.
compared() { sed -E '/[^ -~]|\?\?\?|0xf{16}|18446744073709551615|2147483647, |execve\("\/tmp"|\\[0-7x]|EFAULT|.{300}|177777|4294967295/d' | sort; }

# at_least KIND N: that many were compared.
at_least() {
	local n
	n=$(sed -n "s/.* compared:.*\<$1 \([0-9]*\).*/\1/p" <<<"$output")
	[ "${n:-0}" -ge "$2" ] || flunk "only ${n:-0} of $1: $output"
}

# On the host only.
@test "every argument of a call has the value that strace sees, pointers too" {
	run compare -e raw=all
	[ "$status" = 0 ] || flunk "$output"
	at_least number 1200
	at_least result 450
	[[ $output == *"8 threads, "* ]] || flunk "$output"
}

# On the host only.
@test "paths, buffers, addresses and structures have the content that strace sees" {
	run compare -X raw -xx -s 4096
	[ "$status" = 0 ] || flunk "$output"
	at_least string 110
	at_least data 45
	at_least address 12
	at_least struct 18
	at_least list 14
	# One bit, with a name of its own in this call.
	has "$T" '.event == "syscall_entry_faccessat2" and .fields.flags_name == "AT_EACCESS"'
	has "$T" '.event == "syscall_entry_unlinkat" and .fields.flag_name == "AT_REMOVEDIR"'
}

# Those of which all that strace shows is recorded.
LINES=trace=openat,open,creat,close,faccessat2,access,mkdirat,mkdir,rmdir,mknodat,linkat,link,symlinkat,symlink,rename,renameat2,\
unlink,unlinkat,readlinkat,readlink,chdir,fchdir,chmod,fchmod,fchmodat,chown,fchown,umask,umount2,pread64,pwrite64,dup2,dup3,\
pipe2,poll,bind,listen,flock,munmap,mremap,clock_nanosleep,setitimer,timerfd_settime,eventfd2,wait4,tgkill,rt_sigprocmask,exit_group
# And those of which the events of what they point to have the rest.
LINES+=,stat,lstat,fstat,newfstatat,statx,writev,readv,pwritev,preadv,sendmsg,sendmmsg,rt_sigaction,rt_sigsuspend,rt_sigpending,\
signalfd4,execve,uname,prctl,sendfile,clone3,timerfd_gettime,utimensat,getdents64,fcntl,ioctl,getresuid,getgroups,capget,rt_sigreturn

# On the host only.
@test "trace syscalls writes a call as strace does" {
	CAPTURE=4095 both -s 32 -e "$LINES"
	sed -sE 's/\) += /) = /; s| /\* [0-9]{4}-[^*]*\*/||g; /^(\+\+\+|---) /d' "$T.strace"/* | compared >"$T.theirs"
	porthole trace syscalls -r "$T" -c "$PH_FILE-kinds" -e "$LINES" --min 0 |
		sed -E 's/^\[[^ ]*\] [^ ]*\[[0-9]+\] //; /^(\+\+\+|---) /d' | compared >"$T.ours"
	diff "$T.theirs" "$T.ours"
	[ "$(wc -l <"$T.ours")" -ge 130 ]
}

# On the host only.
@test "trace syscalls writes the calls of real programs as strace does" {
	LOAD="$BATS_TEST_DIRNAME/programs.sh $T.go >$T.go/done" CAPTURE=4095 both -y -s 4095
	run "$BATS_TEST_DIRNAME/strace_lines.py" "$T.strace" "$PID" < <(
		porthole trace syscalls -r "$T" -c "$PH_FILE-kinds" -y -s 4095 --min 0)
	[ "$status" = 0 ] || flunk "$output"
	[[ $output =~ lines\ ([0-9]+),\ calls\ ([0-9]+),\ files\ ([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -ge 7000 ] && [ "${BASH_REMATCH[2]}" -ge 90 ] && [ "${BASH_REMATCH[3]}" -ge 3000 ] || flunk "$output"
	# At least what every Debian that can build porthole has.
	[ "$(sort -u "$T.go/done" | wc -l)" -ge 17 ] || flunk "$(cat "$T.go/done" "$T.go/errors")"
}
