#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole why denied: misconfigured containers, each with the cause that it was given; and healthy ones,
# of which no cause may be told.
# limit: 240 s

load lib
load cause

# A call's process stays so long that it can be looked at: what a chroot leads to only that shows. (A missing file is
# told of whoever fails within a second.)
HOLD="hold $((500 * ${PH_SLOW:-1}))"

# stricter SCOPE USERNS: what changes the whole machine, where that is ours.
stricter() {
	[ "${PH_OWN_MACHINE:-}" = 1 ] || return 0
	[ ! -e /proc/sys/kernel/yama/ptrace_scope ] || echo "$1" >/proc/sys/kernel/yama/ptrace_scope
	[ ! -e /proc/sys/kernel/unprivileged_userns_clone ] || echo "$2" >/proc/sys/kernel/unprivileged_userns_clone
}

teardown() {
	stricter 0 1
	record_kill
	[ -z "${HOST:-}" ] || kill "$HOST"
	launch_stop
	docker_stop
	rm -rf "$T"*
}

# told DIR: what is said of a trace, and of each container which causes.
told() { porthole why denied -r "$1" -o json >"$T.json"; }

# of NAME: call, error and cause of each kind of failure, sorted.
# What the runtime tries before it runs the program is not asked for.
of() { jq -r "select(.container == \"$PH_FILE-$1\" and (.comm | startswith(\"runc\") | not)) | \"\(.call) \(.error) \(.cause)\"" "$T.json" | sort -u; }

# --- the events ---

# ns_of KEY TYPE: a word of what the container prints about itself.
ns_of() { echo "$1=\$(busybox readlink /proc/self/ns/$2 | busybox tr -dc 0-9)"; }

time_of() { events "$T" -e syscall_failed | jq "select(.fields.path == \"$1\").time_ns"; }

@test "a call that fails, and what is seen of it: every field" {
	local since_614=0 base offset
	record "$T" -q -c "$PH_FILE-in" --wait -e denied
	launch out -- sh -c 'ph-load deny as 1000 open /none r; sleep 20'
	launch in -u all --uid-base 100000 --caps all --memory 64M --pids 50 --rlimit nofile=64 --rlimit as=1000000000 \
		--seccomp personality -- sh -c "
		echo $(ns_of user user) $(ns_of mnt mnt) $(ns_of net net) $(ns_of pid pid) \
			root=\$(busybox awk '\$5 == \"/\" { print \$1 }' /proc/self/mountinfo) \
			caps=\$(busybox awk '\$1 == \"CapEff:\" { print \$2 }' /proc/self/status)
		ph-load deny make-dir /tmp/d 755 file /tmp/d/f 600 groups 7 8 cd /tmp/d user 1000 open f r
		ph-load deny as 1000 rename /tmp/d/f /tmp/d/g
		ph-load deny connect 10.1.2.3 80
		ph-load deny connect-later ::1 81
		ph-load deny nnp open /tmp/none r
		ph-load deny mmap 2000000000
		ph-load deny sysctl /proc/sys/user/max_uts_namespaces 0 unshare 0x4000000
		ph-load deny as 1000 hostname x
		ph-load deny rlimit
		ph-load deny make-dir /tmp/m 755 mounted tmpfs /tmp/m nosuid - file /tmp/m/x 755 own /tmp/m/x 5 \
			copy /tmp/m/x 4755 self /tmp/m/x open /tmp/suid r
		ph-load deny landlock open /tmp/locked r
		echo said=all; sleep 20"
	wait_for 60 grep -q said=all "$PH_WORK/$PH_FILE-in.log"
	base=$(stat -c %i /sys/fs/cgroup{,/memory}/"porthole.d/$PH_FILE-in" 2>/dev/null | tail -n 1)
	sleep 0.2
	record_end
	cp "$PH_WORK/$PH_FILE-in.log" "$T.said"
	! since 6.14 || since_614=1
	# What is above an int of 32 bits is as the program's library has it.
	one syscall_failed '.fields.path == "f"' <<-END
		nr_name        "openat"
		name           "openat"
		compat_name    "false"
		ret_name       "EACCES"
		arg0           ? . == 4294967196 or . == 18446744073709551516
		arg1           ? . > 0
		arg2           ? . / 524288 | floor % 2 == 1
		arg3           ? true
		arg4           ? true
		arg5           ? true
		word           0
		path           "f"
		path2          ""
		base           "/tmp/d"
		addr           ""
		refused        0
		late           0
		comm           "ph-load"
		uid            101000
		euid           101002
		fsuid          101002
		gid            101000
		fsgid          101001
		groups         [100007, 100008]
		cap_effective  0
		cap_permitted  0
		cap_bounding   $((16#$(said caps)))
		user_ns        $(said user)
		user_ns_level  1
		mnt_ns         $(said mnt)
		net_ns         $(said net)
		pid_ns         $(said pid)
		root_mnt       $(said root)
		no_new_privs   0
		seccomp        2
		setuid         -1
		nosuid         0
		caps_watched   $since_614
		cap_refused    ? . == 0 or . == 6
		landlocked     0
		limit_name     "RLIMIT_NOFILE"
		limit_cur      64
		limit_use      ? . > 18000000000000000000
		limit2         -1
		limit2_cur     0
		limit2_use     ? . > 18000000000000000000
		ucount         0
		ucount_max     0
		ucount_use     0
		ucount_ns      0
		memory_cgroup  $base
		pids_cgroup    $(stat -c %i /sys/fs/cgroup{,/pids}/"porthole.d/$PH_FILE-in" 2>/dev/null | tail -n 1)
	END
	one syscall_failed '.fields.path == "/tmp/d/f" and .fields.ret_name == "EACCES" and .fields.name == "rename"' <<-END
		path2 "/tmp/d/g"
	END
	one syscall_failed '.fields.ret_name == "ENETUNREACH"' <<-END
		addr "10.1.2.3:80"
		base ? startswith("/") | not
	END
	one syscall_failed '.fields.late == 1' <<-END
		name     "connect"
		nr_name  "getsockopt"
		ret_name "ECONNREFUSED"
		addr     "[::1]:81"
	END
	one syscall_failed '.fields.path == "/tmp/none"' <<-END
		no_new_privs 1
	END
	one syscall_failed '.fields.name == "mmap"' <<-END
		arg1        2000000000
		limit_name  "RLIMIT_AS"
		limit_cur   1000000000
		limit_use   ? . > 100000 and . < 100000000
		limit2_name "RLIMIT_DATA"
		limit2_use  ? . > 10000 and . < 100000000
	END
	one syscall_failed '.fields.name == "unshare"' <<-END
		ucount     67108864
		ucount_max 0
		ucount_use 0
		ucount_ns  $(said user)
	END
	if [ $since_614 = 1 ]; then
		one syscall_failed '.fields.name == "sethostname"' <<-END
			cap_refused    2097152
			cap_refused_ns $(said user)
		END
	fi
	one syscall_failed '.fields.name == "prlimit64"' <<-END
		word 64
	END
	one syscall_failed '.fields.path == "/tmp/suid"' <<-END
		setuid 100005
		nosuid 1
	END
	if [[ $(cat /sys/kernel/security/lsm) == *landlock* ]]; then
		one syscall_failed '.fields.path == "/tmp/locked"' <<-END
			landlocked 1
		END
	fi
	# It has the trace's own clock: as far from ours as another one. (jq's numbers are good for 256 ns.)
	offset=$(($(time_of /tmp/none) - $(events "$T" -e denial_evidence |
		jq -s 'map(select(.fields.subject == "/tmp/none").fields.of_ns)[0]')))
	one denial_evidence ".fields.what == \"component\" and .fields.subject == \"/tmp/d/f\" and
		.tid == $(events "$T" -e syscall_failed | jq 'select(.fields.path == "f").tid')" <<-END
		of_ns   ? . + $offset - $(time_of f) | fabs < 2000
		of_tid  ? . == \$e.tid
		what    "component"
		subject "/tmp/d/f"
		facts   ? contains("mode=384 uid=100000 gid=100000")
		text    ""
	END
	hasnt "$T" ".container == \"$PH_FILE-out\""
}

# --- the misconfigurations ---

# bad NAME EXPECTED [ph-launch options] -- WORDS of ph-load deny; EXPECTED: CALL ERROR CAUSE. Several run at once.
# What is in FIRST the container's shell runs before.
bad() {
	local name=$1 expected=$2 opts=() words
	shift 2
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	[[ "${opts[*]}" == *--caps* ]] || opts+=(--caps all)
	words=$*
	echo "$expected" >"$T.expected.$name"
	# It may not be gone before it is looked at.
	ph-launch --quiet --name "$PH_FILE-$name" --timeout 60s "${opts[@]}" -- \
		sh -c "${FIRST:-} ph-load deny $words; sleep $((1 + ${PH_SLOW:-1}))" >"$T.said.$name" 2>&1 &
	PIDS+=($!)
	while [ "$(jobs -r | wc -l)" -gt 12 ]; do wait -n || :; done
}

# All that were started are told as they should.
judged() {
	local name expected f failed=0
	[ ${#PIDS[@]} = 0 ] || wait "${PIDS[@]}" || :
	record_end
	told "$T"
	for f in "$T".expected.*; do
		name=${f##*.expected.}
		expected=$(<"$f")
		[ "$(of "$name")" = "$expected" ] && continue
		failed=1
		echo "$name: expected '$expected', not:" >&2
		of "$name" >&2
		cat "$T.said.$name" >&2
	done
	[ $failed = 0 ]
}

# Of containers alone: what fails on a busy host would be looked into first.
begin() {
	PIDS=()
	record "$T" -q -c '*' --wait -e denied,oom_mark_victim
}

@test "paths: mount namespace, masks, flags of mounts, modes, ids, ACLs" {
	local d=$PH_WORK/$PH_FILE-host
	mkdir -p "$d/data"
	echo x >"$d/only-here"
	echo x >"$d/data/there"
	chmod 755 "$PH_WORK" "$d" "$d/data"
	begin
	bad host-only "openat ENOENT mount-namespace" -- open "$d/only-here" r
	bad nowhere "openat ENOENT not-there" -- open /etc/nowhere r
	bad relative "openat ENOENT not-there" -- make-dir /d 755 cd /d open nothing r
	bad in-chroot "openat EACCES file-mode" -- make-dir /d 755 make-dir /d/e 700 in-root /d as 1000 $HOLD open /e/x r
	bad other-kind "openat EISDIR mount-namespace" -b "$d/data:$d/only-here" -- open "$d/only-here" w
	bad no-directory "openat ENOTDIR mount-namespace" -b "$d/only-here:$d/data" -- open "$d/data/there" r
	bad directory "openat EISDIR is-a-directory" -- open /tmp w
	bad masked "openat ENOENT masked-path" -- mounted tmpfs /proc/irq ro - open /proc/irq/default_smp_affinity r
	bad masked-write "mkdir EROFS masked-path" -- mounted tmpfs /proc/irq ro - mkdir /proc/irq/x
	bad ro-path "openat EROFS read-only-path" -- mounted /proc/sys /proc/sys - - mounted flags /proc/sys ro - \
		open /proc/sys/kernel/panic w
	bad ro-mount "mkdir EROFS read-only-mount" -b "$d/data:/data" -- mkdir /data/x
	bad ro-flag "openat EROFS read-only-mount" -- make-dir /m 755 mounted tmpfs /m ro - open /m/x wc
	bad ro-fs "openat EROFS read-only-filesystem" -- make-dir /m 755 make-dir /n 755 mounted tmpfs /m - - mounted /m /n - - \
		mounted remount /m ro - open /n/x wc
	bad noexec "execve EACCES noexec" -- make-dir /m 755 mounted tmpfs /m noexec - copy /m/x 755 exec /m/x
	bad nodev "openat EACCES nodev" -- make-dir /m 755 mounted tmpfs /m nodev - device /m/x 1 3 open /m/x r
	bad nosuid "openat EACCES nosuid" -- file /secret 600 make-dir /m 755 mounted tmpfs /m nosuid - \
		copy /m/x 4755 as 1000 self /m/x open /secret r
	bad nnp "openat EACCES no-new-privs" -- file /secret 600 make-dir /m 755 mounted tmpfs /m - - \
		copy /m/x 4755 as 1000 nnp self /m/x open /secret r
	bad mode "openat EACCES file-mode" -- file /secret 600 as 1000 open /secret r
	bad dir-mode "openat EACCES file-mode" -- make-dir /d 700 file /d/f 644 as 1000 open /d/f r
	bad bind-owner "mkdir EACCES file-mode" -b "$d/data:/data:rw" -- as 1000 mkdir /data/x
	bad unmapped-chown "chown EINVAL unmapped-id" -u all -- file /f 644 chown /f 70000
	bad no-x "execve EACCES file-mode" -- copy /x 644 exec /x
	bad exec-dir "execve EACCES not-a-file" -- make-dir /d 755 exec /d
	bad other-file "openat EACCES file-mode" -- file /etc/passwd 600 as 1000 open /etc/passwd r
	bad userns-mode "openat EACCES file-mode" -u all -- file /tmp/s 600 as 1000 open /tmp/s r
	bad unmapped "mkdir EACCES unmapped-id" -u all -b "$d/data:/data:rw" -- mkdir /data/x
	bad acl "openat EACCES acl" -- file /f 600 acl /f 1000 0 as 1000 open /f r
	bad sticky "unlink EPERM sticky-directory" -- make-dir /s 1777 file /s/f 644 as 1000 unlink /s/f
	bad chmod-other "chmod EPERM capability" -- file /f 644 as 1000 chmod /f
	bad chown-other "chown EPERM capability" --caps none -- file /f 644 chown /f 1000
	bad hidepid "openat ENOENT hidepid" -- make-dir /p 755 mounted proc /p - hidepid=2 as 1000 open /p/1/status r
	bad full "write ENOSPC no-space" -- make-dir /m 755 mounted tmpfs /m - size=256k write /m/f
	! grep -qw overlay /proc/filesystems ||
		bad overlay "write ENOSPC no-space" -- make-dir /m 755 mounted tmpfs /m - size=256k make-dir /m/u 755 make-dir /m/w 755 \
			make-dir /o 755 mounted overlay /o - lowerdir=/etc,upperdir=/m/u,workdir=/m/w write /o/f
	bad no-inodes "openat ENOSPC no-inodes" -- make-dir /m 755 mounted tmpfs /m - nr_inodes=20 inodes /m
	bad device "openat EPERM device-cgroup" --few-devices -- device /mem 1 1 open /mem r
	# shellcheck disable=SC2016  # the container's shell
	FIRST='echo "#!/usr/bin/pyton" >/s; chmod 755 /s;' bad interpreter "execve ENOENT interpreter-missing" -- $HOLD exec /s
	FIRST='sh -c "exec frobnicate";' bad command "execve ENOENT not-found" -- $HOLD stat /
	# Since 6.6 a tmpfs has such attributes.
	! since 6.6 || bad immutable "unlink EPERM immutable" -- file /f 644 immutable /f unlink /f
	[ "$(cat /proc/sys/fs/protected_regular)" = 0 ] ||
		bad protected "openat EACCES protected-file" -- make-dir /s 1777 file /s/f 666 own /s/f 1000 open /s/f wc
	[[ $(cat /sys/kernel/security/lsm) != *landlock* ]] ||
		bad landlock "openat EACCES landlock" -- file /f 644 landlock open /f r
	[[ $(cat /sys/kernel/security/lockdown 2>/dev/null) != *"["[ic]* ]] ||
		bad lockdown "openat EPERM lockdown" -- make-dir /d 755 mounted debugfs /d - - open /d/sched/features w
	judged
	# Who looks on the host is told that it is not the same file there.
	jq -r '.evidence // ""' "$T.json" | grep -q '^/etc/passwd on the host is another file'
}

@test "rights and limits: capabilities, seccomp, cgroups, resource limits, counts, other tasks" {
	begin
	bad cap "sethostname EPERM capability" --caps none -- hostname x
	bad cap-mount "mount EPERM capability" --caps default -- mount /tmp
	bad cap-raw "socket EPERM capability" --caps none -- raw
	bad cap-chroot "chroot EPERM capability" --caps none -- chroot /tmp
	bad cap-nice "setpriority EACCES capability" --caps none -- nice -5
	bad cap-rlimit "prlimit64 EPERM capability" --caps none --rlimit nofile=64 -- rlimit
	bad cap-mknod "mknodat EPERM capability" --caps none -- mknod /x 1 3
	bad cap-userns "clock_settime EPERM capability-user-namespace" -u all -- settime
	bad seccomp "mkdir EPERM seccomp" --seccomp mkdir,mkdirat -- mkdir /x
	bad seccomp-enosys "unshare ENOSYS seccomp" --seccomp unshare --seccomp-errno 38 -- unshare 0x4000000
	bad seccomp-kill "seccomp-kill SIGSYS seccomp" -- killed
	bad nosys "create_module ENOSYS no-syscall" -- nosys
	bad pids "clone EAGAIN pids-limit" --pids 6 -- fork
	# The session's root may lack CAP_SYS_RESOURCE, without which nobody escapes the OOM killer.
	! ph-load deny sysctl /proc/self/oom_score_adj -1000 open / r >/dev/null 2>&1 ||
		bad pipes "write ENOMEM memory-limit" -m 8M -- sysctl /proc/1/oom_score_adj -1000 \
			sysctl /proc/self/oom_score_adj -1000 $HOLD pipes
	[ "$(awk '$1 == "HugePages_Total:" { print $2 }' /proc/meminfo)" != 0 ] ||
		bad hugetlb "mmap ENOMEM hugetlb" -- hugetlb
	bad nofile "openat EMFILE rlimit" --rlimit nofile=20 -- files
	bad fsize "write EFBIG rlimit" --rlimit fsize=65536 -- write /tmp/f
	bad as "mmap ENOMEM rlimit" --rlimit as=100000000 -- mmap 200000000
	bad nproc "clone EAGAIN rlimit" --rlimit nproc=3 -- as 4711 fork
	bad memlock "mlock ENOMEM rlimit" --rlimit memlock=4096 -- as 1000 mlock 65536
	bad sigpending "timer_create EAGAIN rlimit" --rlimit sigpending=5 -- as 4713 timers
	bad maps "mmap ENOMEM map-count" -- $HOLD maps
	[ "$(cat /proc/sys/vm/overcommit_memory)" != 0 ] || bad overcommit "mmap ENOMEM overcommit" -- commit 70000000000000
	bad max-ns "unshare ENOSPC namespace-limit" -u all -- sysctl /proc/sys/user/max_uts_namespaces 0 unshare 0x4000000
	bad inotify "inotify_init1 EMFILE inotify-limit" -- as 4712 inotify
	bad watches "inotify_add_watch ENOSPC inotify-limit" -u all -- sysctl /proc/sys/user/max_inotify_watches 3 watch /tmp
	bad pidns "kill ESRCH pid-namespace" -- kill $$
	bad signal "kill EPERM signal" -- beside 2000 as 1000 kill -
	bad ptrace "ptrace EPERM ptrace" -- beside 2000 as 1000 ptrace -
	bad proc-link "readlink EACCES ptrace" -- beside 2000 as 1000 readlink /proc/1/exe
	stricter 1 0
	[ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null)" != 1 ] ||
		bad yama "ptrace EPERM yama" --caps none -- ptrace 1
	[ "$(cat /proc/sys/kernel/unprivileged_userns_clone 2>/dev/null)" != 0 ] ||
		bad userns-sysctl "unshare EPERM sysctl" -- as 1000 unshare 0x10000000
	if [ "${PH_OWN_MACHINE:-}" = 1 ] && [ -d /sys/kernel/security/apparmor ] && command -v apparmor_parser >/dev/null; then
		echo 'profile ph-why-denied flags=(attach_disconnected) { file, audit deny /locked r, }' | apparmor_parser --config-file=/dev/null -K -r
		bad apparmor "openat EACCES apparmor" -- file /locked 644 sysctl /proc/self/attr/current "changeprofile\ ph-why-denied" \
			$HOLD open /locked r
	fi
	judged
}

@test "the network: interfaces, routes, ports, names, in whose namespace they are" {
	local d=$PH_WORK/$PH_FILE-host HOLD="hold $((2000 * ${PH_SLOW:-1}))"
	local net="busybox ip link add v0 type veth peer name v1; busybox ip addr add 10.9.0.1/24 dev v0;"
	mkdir -p "$d"
	chmod 755 "$PH_WORK" "$d"
	ph-load deny listen 127.0.0.1 17812 listen "@ph-$PH_FILE-host" - listen "$d/socket" - idle >"$PH_WORK/idle.out" 2>&1 3>&- &
	HOST=$!
	launch other -- ph-load deny listen 127.0.0.1 17811 listen @ph-other - idle
	begin
	bad no-interface "connect ENETUNREACH no-interface" -- connect 10.1.2.3 80
	if unshare -n busybox ip link add v0 type veth peer name v1 2>/dev/null; then
		FIRST="$net" bad interface-down "connect ENETUNREACH interface-down" -- connect 10.1.2.3 80
		net+=" busybox ip link set v1 up; busybox ip link set v0 up;"
		FIRST="$net" bad no-route "connect ENETUNREACH no-route" -- connect 10.1.2.3 80
		FIRST="$net busybox ip route add unreachable 10.1.2.0/24;" \
			bad unreachable "connect EHOSTUNREACH host-unreachable" -- connect 10.1.2.3 80
	fi
	bad other-address "connect ECONNREFUSED refused-by-peer" -- listen 127.0.0.2 17815 $HOLD connect 127.0.0.1 17815
	bad elsewhere "connect ECONNREFUSED port-elsewhere" -- connect 127.0.0.1 17811
	bad on-host "connect ECONNREFUSED port-elsewhere" -- connect 127.0.0.1 17812
	bad later "connect ECONNREFUSED port-elsewhere" -- connect-later 127.0.0.1 17812
	bad nobody "connect ECONNREFUSED port-not-bound" -- connect 127.0.0.1 17813
	bad udp "connect ECONNREFUSED port-not-bound" -- udp 127.0.0.1 17816 $HOLD connect 127.0.0.1 17816
	bad low-port "bind EACCES privileged-port" --caps none -- bind 127.0.0.1 80
	bad in-use "bind EADDRINUSE port-in-use" -- listen 127.0.0.1 17814 bind 127.0.0.1 17814
	bad no-address "bind EADDRNOTAVAIL address-not-here" -- bind 10.1.2.3 80
	bad abstract "connect ECONNREFUSED abstract-socket" -- connect @ph-other -
	bad abstract-host "connect ECONNREFUSED abstract-socket" -- connect "@ph-$PH_FILE-host" -
	bad abstract-none "connect ECONNREFUSED socket-not-bound" -- connect @ph-none -
	bad unix-host "connect ENOENT mount-namespace" -- connect "$d/socket" -
	bad unix-stale "connect ECONNREFUSED socket-not-bound" -- left-behind /tmp/s connect /tmp/s -
	judged
}

@test "an OOM kill: who was chosen, whose limit it was, who has the memory" {
	begin
	launch oom -m 24M -- sh -c 'ph-load alloc 4M; ph-load alloc 64M; sleep 1'
	wait_for 60 grep -q 'killed=9' "$PH_WORK/$PH_FILE-oom.log"
	sleep 0.2
	record_end
	told "$T"
	[ "$(of oom)" = "oom-kill SIGKILL oom-kill" ] || flunk "$(of oom)"
	jq -r "select(.container == \"$PH_FILE-oom\") | .why, .evidence" "$T.json" >"$T.said"
	grep -q "ph-load: the memory limit 24 MiB of cgroup /porthole.d/$PH_FILE-oom ran out" "$T.said"
	# Until Linux 6.8 the kernel does not tell what the victim had.
	! since 6.8 || grep -q 'it had .* MiB of anonymous memory' "$T.said"
}
# docked NAME EXPECTED [docker options] -- COMMAND
docked() {
	local name=$1 expected=$2
	shift 2
	docker_run "$name" "$@"
	CIDS+=("$CID")
	echo "$expected" >"$T.expected.$name"
	docker logs "$CID" >"$T.said.$name" 2>&1 || :
}

@test "Docker's: its seccomp profile, read-only paths, devices, users, limits" {
	docker_up
	local d=$PH_WORK/$PH_FILE-data id
	mkdir -p "$d"
	chmod 755 "$PH_WORK" "$d"
	begin
	CIDS=()
	docked d-unshare "unshare EPERM seccomp" -- ph-load deny unshare 0x10000000
	docked d-mount "mount EPERM seccomp" -- ph-load deny mount /tmp
	docked d-readonly "mkdir EROFS read-only-mount" --read-only -- ph-load deny mkdir /tmp/x
	docked d-user "mkdir EACCES file-mode" --user 1000 -v "$d:/data" -- ph-load deny $HOLD mkdir /data/x
	docked d-sysctl "openat EROFS read-only-path" -- ph-load deny $HOLD open /proc/sys/kernel/panic w
	docked d-masked "openat ENOENT masked-path" -- ph-load deny $HOLD open /sys/firmware/acpi r
	docked d-masked-write "mkdir EROFS masked-path" -- ph-load deny $HOLD mkdir /sys/firmware/x
	docked d-device "openat EPERM device-cgroup" -- ph-load deny $HOLD device /tmp/mem 1 1 open /tmp/mem r
	docked d-pids "clone EAGAIN pids-limit" --pids-limit 6 -- ph-load deny $HOLD fork
	docked d-raw "socket EPERM capability" --cap-drop ALL -- ph-load deny raw
	docked d-nofile "openat EMFILE rlimit" --ulimit nofile=30 -- ph-load deny files
	docked d-host "connect ECONNREFUSED port-not-bound" -- ph-load deny connect-later 127.0.0.1 17819
	docked d-nnp "openat EACCES no-new-privs" --security-opt no-new-privileges --tmpfs /m:exec,suid -- \
		ph-load deny file /secret 600 copy /m/x 4755 as 1000 self /m/x open /secret r
	# shellcheck disable=SC2016  # the container's shell
	docked d-script "execve ENOENT interpreter-missing" -- \
		sh -c 'ph-load deny copy /s 755 stat /s; echo "#!/usr/bin/pyton" >/s; exec ph-load deny hold 500 exec /s'
	docked d-command "execve ENOENT not-found" -- sh -c 'exec frobnicate'
	docker wait "${CIDS[@]}" >/dev/null
	PIDS=()
	judged
}

# --- what is well ---

# well NAME PROGRAM SCRIPT: run by bash on the host's files, in a directory of its own, if there is that program.
well() {
	local name=$1 d=$PH_WORK/$PH_FILE-well/$1
	command -v "$2" >/dev/null || return 0
	mkdir -p "$d"
	chmod 1777 "$d"
	WELL+=("$name")
	printf 'set -e\ncd "%s"\nexport HOME="%s"\n%s\n' "$d" "$d" "$3" >"$d.sh"
	launch_wait "$name" --rootfs host --share net -- bash "$d.sh" >"$T.said.$name" 2>&1 || {
		echo "$name does not run here:"
		cat "$T.said.$name"
		return 1
	}
}

@test "healthy programs: no cause is told of them" {
	local name failed=0
	WELL=()
	begin
	well shell bash 'for i in 1 2 3; do echo $i | sed s/1/x/ | sort | uniq -c >out.$i; done; test -e none || true; ls -l | awk "{ print }"'
	well compiler gcc 'printf "#include <stdio.h>\nint main(void) { puts(\"x\"); return 0; }\n" >a.c; gcc -O1 -o a a.c; ./a'
	well make make 'printf "all: b\nb: a\n\tcp a b\na:\n\techo x >a\n" >Makefile; make; make'
	well python python3 'python3 -c "import json, socket, sqlite3, ssl, subprocess, tempfile
subprocess.run([\"true\"])
print(tempfile.mkdtemp())"'
	well perl perl 'perl -MFile::Temp -MPOSIX -MSocket -e "print POSIX::strftime(q(%Y), localtime)"'
	well node node 'node -e "require(\"fs\").writeFileSync(\"x\", \"y\"); require(\"http\").createServer().listen(18081, function () { this.close() })"'
	well git git 'git init -q r; cd r; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; git log; git clone -q . ../c'
	well openssl openssl 'openssl genrsa -out k 1024; openssl req -x509 -key k -subj /CN=x -out c; openssl x509 -in c -text'
	well sshkey ssh-keygen 'ssh-keygen -q -t ed25519 -N "" -f k; ssh-keygen -lf k'
	well sqlite sqlite3 'sqlite3 db "create table t(a); insert into t values (1); select * from t"'
	well tar tar 'mkdir in; echo x >in/x; tar czf t.gz in; tar xzf t.gz -C in; find in -type f -exec cat {} +'
	well dpkg dpkg-deb 'mkdir -p p/DEBIAN p/usr/share/p root/var/lib/dpkg/{updates,info}; echo x >p/usr/share/p/x
touch root/var/lib/dpkg/{status,available}
printf "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n" >p/DEBIAN/control
dpkg-deb -b p p.deb; dpkg --root=root --force-all --log=log -i p.deb; dpkg --root=root -s p'
	well apt apt-get 'mkdir -p lists/partial cache; apt-get -o Dir::State::lists="$PWD/lists" -o Dir::Cache="$PWD/cache" -s install bash'
	well nginx nginx 'printf "events {}\npid %s/pid; error_log %s/e;\nhttp { access_log off; server { listen 18080; } }\n" "$PWD" "$PWD" >conf
nginx -c "$PWD/conf" -g "daemon on;"; sleep 0.3; kill "$(cat pid)"'
	well redis redis-server 'redis-server --port 17000 --daemonize yes --dir "$PWD" --pidfile "$PWD/pid"; sleep 0.3; redis-cli -p 17000 set a b; redis-cli -p 17000 shutdown'
	well curl curl 'echo x >f; curl -s "file://$PWD/f"'
	well cmake cmake 'printf "cmake_minimum_required(VERSION 3.10)\nproject(x C)\nadd_executable(x x.c)\n" >CMakeLists.txt; echo "int main(void) { return 0; }" >x.c; cmake -B b . && cmake --build b'
	record_end
	told "$T"
	for name in "${WELL[@]}"; do
		[ -z "$(of "$name")" ] && continue
		failed=1
		echo "$name:" >&2
		jq -r "select(.container == \"$PH_FILE-$name\") | \"  \(.comm) \(.call) \(.subject) \(.error) \(.cause): \(.why)\"" "$T.json" >&2
	done
	[ $failed = 0 ]
	[ "${#WELL[@]}" -ge 3 ]
}
