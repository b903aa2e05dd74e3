#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a recording says of the state at its beginning, of containers, and of what it lost: every
# field, by what /proc says.
# limit: 180 s

load lib
load cause

teardown() {
	record_kill
	launch_stop
	docker_stop
	kernel_forgets
	rm -rf "$T"*
}

ns() { stat -Lc %i "/proc/$1/ns/$2"; }

# stat_field PID N: of /proc/PID/stat, whose names here have no blanks.
stat_field() { cut -d ' ' -f "$2" "/proc/$1/stat"; }

# The cgroup of PID by which containers are told apart: NUMBER PATH INODE.
cgroup_of() {
	local number controllers path dir
	IFS=: read -r number controllers path < <(grep -m 1 -E '^[0-9]+:(cpu|cpu,.*|.*,cpu|.*,cpu,.*):' "/proc/$1/cgroup" ||
		grep '^0::' "/proc/$1/cgroup")
	for dir in "/sys/fs/cgroup/$controllers" /sys/fs/cgroup/cpu; do
		[ ! -e "$dir$path/cgroup.procs" ] || break
	done
	echo "$number" "$path" "$(stat -c %i "$dir$path")"
}

pointer='? . >= 18374686479671623680'

@test "the tasks of a container, at each level of its namespaces" {
	launch out -- sleep 62
	launch in --unshare all --uid-base 200000 -- sh -c 'cd /; exec 9</etc; sleep 61; true'
	wait_for 20 pgrep -P "$PID" sleep >/dev/null
	child=$(pgrep -P "$PID" sleep)
	# In its sleep, not on the way there: the call's number is said of who waits only.
	wait_for 20 grep -qE '^(35|230|115|101) ' "/proc/$child/syscall"
	read -r _ _ cgroup < <(cgroup_of "$PID")
	ticks=$(stat_field "$child" 22)
	cpu=$(stat_field "$child" 39)
	call=$(cut -d ' ' -f 1 "/proc/$child/syscall")
	record "$T" -q -c "$PH_FILE-in" -e sched_process_exit
	record_end
	one lttng_statedump_start,lttng_statedump_end true <<-END
	END
	one lttng_statedump_process_state ".fields.tid == $child" <<-END
		tid     $child
		pid     $child
		ppid    $PID
		name    "sleep"
		type    0
		mode    5
		submode 0
		status  5
		cpu     $cpu
		file_table_address $pointer
		container_name "$PH_FILE-in"
		cgroup_id $cgroup
		start_ns ? . >= $((ticks - 1)) * 10000000 and . < $((ticks + 2)) * 10000000
		syscall $call
	END
	one lttng_statedump_process_pid_ns ".fields.tid == $child and .fields.ns_level == 0" <<-END
		tid      $child
		vtid     $child
		vpid     $child
		vppid    $PID
		ns_level 0
		ns_inum  $(ns self pid)
	END
	one lttng_statedump_process_pid_ns ".fields.tid == $child and .fields.ns_level == 1" <<-END
		vtid     $(awk '/^NSpid:/ { print $NF }' "/proc/$child/status")
		vpid     $(awk '/^NStgid:/ { print $NF }' "/proc/$child/status")
		vppid    1
		ns_level 1
		ns_inum  $(ns "$child" pid)
	END
	# The same user in the host's user namespace and in its own.
	one lttng_statedump_process_user_ns ".fields.tid == $child and .fields.ns_level == 0" <<-END
		tid      $child
		vuid     200000
		vgid     200000
		ns_level 0
		ns_inum  $(ns self user)
	END
	one lttng_statedump_process_user_ns ".fields.tid == $child and .fields.ns_level == 1" <<-END
		tid      $child
		vuid     0
		vgid     0
		ns_level 1
		ns_inum  $(ns "$child" user)
	END
	one lttng_statedump_process_cgroup_ns ".fields.tid == $child" <<-END
		tid     $child
		ns_inum $(ns "$child" cgroup)
	END
	one lttng_statedump_process_ipc_ns ".fields.tid == $child" <<-END
		tid     $child
		ns_inum $(ns "$child" ipc)
	END
	one lttng_statedump_process_mnt_ns ".fields.tid == $child" <<-END
		tid     $child
		ns_inum $(ns "$child" mnt)
	END
	one lttng_statedump_process_net_ns ".fields.tid == $child" <<-END
		tid     $child
		ns_inum $(ns "$child" net)
	END
	one lttng_statedump_process_uts_ns ".fields.tid == $child" <<-END
		tid     $child
		ns_inum $(ns "$child" uts)
	END
	one lttng_statedump_process_time_ns ".fields.tid == $child" <<-END
		tid     $child
		ns_inum $(ns "$child" time)
	END
	files=$(events "$T" -e lttng_statedump_process_state | jq "select(.fields.tid == $child).fields.file_table_address")
	# O_RDONLY|O_LARGEFILE; FMODE_READ and whatever else this kernel has.
	one lttng_statedump_file_descriptor ".fields.file_table_address == $files and .fields.fd == 9" <<-END
		file_table_address $files
		fd       9
		flags    $((8#$(awk '/^flags:/ { print $2 }' "/proc/$child/fdinfo/9")))
		fmode    ? . % 2 == 1
		filename "/etc"
	END
	[ "$(events "$T" -e lttng_statedump_process_state | jq -r "select(.fields.name == \"sleep\").fields.container_name" |
		sort | uniq -c | awk -v n="$PH_FILE-out" '$2 == n { print $1 }')" -le 1 ]
}

@test "cgroups with their limits, mounts, devices, processors" {
	launch in --cpus 0.25 --cpu-burst 1000 --cpu-weight 50 --memory 64M --pids 77 -- sleep 61
	read -r number path id < <(cgroup_of "$PID")
	dir=/sys/fs/cgroup
	[ "$number" = 0 ] || dir=$(echo /sys/fs/cgroup/cpu{,,acct} | tr ' ' '\n' | while read -r d; do
		[ ! -d "$d$path" ] || { echo "$d"; break; }; done)
	# A name that ls does not show is a cgroup's like any other.
	mkdir "$dir$path/.below"
	below=$(stat -c %i "$dir$path/.below")
	record "$T" -q -c "$PH_FILE-in" -e sched_process_exit
	record_end
	rmdir "$dir$path/.below"
	weight=50
	[ "$number" = 0 ] || weight=$(cat "$dir$path/cpu.shares")
	cpuset='? true'
	[ "$number" != 0 ] || cpuset="\"$(cat "$dir$path/cpuset.cpus.effective")\""
	memory=-1 pids=-1
	[ ! -e "$dir$path/memory.max" ] || memory=$((64 << 20))
	[ ! -e "$dir$path/pids.max" ] || pids=77
	one statedump_cgroup ".fields.id == $id and .fields.hierarchy == $number" <<-END
		hierarchy     $number
		id            $id
		parent_id     $(stat -c %i "$dir${path%/*}")
		container_name "$PH_FILE-in"
		cpu_quota_us  25000
		cpu_period_us 100000
		cpu_burst_us  1000
		cpu_weight    $weight
		memory_max_bytes $memory
		pids_max      $pids
		cpuset        $cpuset
		path          "$path"
	END
	one statedump_cgroup ".fields.id == $below and .fields.hierarchy == $number" <<-END
		parent_id     $id
		container_name "$PH_FILE-in"
		path          "$path/.below"
	END
	# On v1 memory and number of tasks are told by their own hierarchies.
	some statedump_cgroup '.fields.container_name == "'"$PH_FILE-in"'" and .fields.memory_max_bytes != -1' <<-END
		memory_max_bytes $((64 << 20))
	END
	some statedump_cgroup '.fields.container_name == "'"$PH_FILE-in"'" and .fields.pids_max != -1' <<-END
		pids_max 77
	END
	line=$(grep ' /proc ' "/proc/$PID/mountinfo" | head -n 1)
	read -r mid mparent mdev mroot mpoint moptions _ <<<"$line"
	read -r mtype msource msuper <<<"${line#* - }"
	one statedump_mount ".fields.mnt_ns == $(ns "$PID" mnt) and .fields.id == $mid" <<-END
		mnt_ns        $(ns "$PID" mnt)
		id            $mid
		parent_id     $mparent
		dev           $((${mdev%:*} << 20 | ${mdev#*:}))
		root          "$mroot"
		mountpoint    "$mpoint"
		options       "$moptions"
		fstype        "$mtype"
		source        "$msource"
		super_options "$msuper"
	END
	while read -r major minor _ name; do
		[[ $major == [0-9]* ]] || continue
		one lttng_statedump_block_device ".fields.diskname == \"$name\"" <<-END
			dev      $((major << 20 | minor))
			diskname "$name"
		END
	done </proc/partitions
	one lttng_statedump_network_interface '.fields.name == "lo" and .fields.address_ipv4 == "127.0.0.1"' <<-END
		name         "lo"
		address_ipv4 "127.0.0.1"
	END
	cpuinfo() { sed -n "s/^$1[[:blank:]]*: //p" /proc/cpuinfo | head -n 1; }
	topology() { cat "/sys/devices/system/cpu/cpu0/topology/$1"; }
	[ "$(events "$T" -e lttng_statedump_cpu_topology | wc -l)" = "$(nproc)" ]
	# Of other processors there is less in that file.
	[ "$(uname -m)" = x86_64 ] || return 0
	one lttng_statedump_cpu_topology '.fields.cpu == 0' <<-END
		architecture "$(uname -m)"
		vendor       "$(cpuinfo vendor_id)"
		family       $(cpuinfo 'cpu family')
		model        $(cpuinfo model)
		model_name   "$(cpuinfo 'model name')"
		physical_id  $(topology physical_package_id)
		core_id      $(topology core_id)
		cores        $(cpuinfo 'cpu cores')
		cpu          0
	END
}

# container_is_told LABELS POD NAMESPACE UID IMAGE RUNTIME ID, of the container $NAME, $PID. Its cgroup
# may be told by v2 or by the hierarchy of v1 that has the CPU.
container_is_told() {
	local number path id ids
	read -r number path id < <(cgroup_of "$PID")
	ids="{\"$number\": $id}"
	[ ! -d "/sys/fs/cgroup/unified$path" ] || ids+=" + {\"0\": $(stat -c %i "/sys/fs/cgroup/unified$path")}"
	some container_info ".fields.name == \"$NAME\" and .fields.init_pid == $PID" <<-END
		index        ? . > 0
		index_name   "$NAME"
		id           "$7"
		name         "$NAME"
		runtime      "$6"
		image        "$5"
		pod          "$2"
		pod_namespace "$3"
		pod_uid      "$4"
		labels       "$1"
		state        "running"
		cgroup_path  "$path"
		hierarchy    ? . as \$h | $ids | has(\$h | tostring)
		cgroup_id    ? . == ($ids)[\$e.fields.hierarchy | tostring]
		parent       0
		init_pid     $PID
		start_ns     ? . > $before - 20000000 and . < $after + 20000000
		cgroup_ns    $(ns "$PID" cgroup)
		ipc_ns       $(ns "$PID" ipc)
		mnt_ns       $(ns "$PID" mnt)
		net_ns       $(ns "$PID" net)
		pid_ns       $(ns "$PID" pid)
		time_ns      $(ns "$PID" time)
		user_ns      $(ns "$PID" user)
		uts_ns       $(ns "$PID" uts)
		uuid         ""
	END
}

@test "tasks that may not run everywhere, and the CPUs they may run on" {
	local pid here
	taskset -c 1 sleep 60 &
	pid=$!
	taskset -c 1 porthole record -a -e statedump -w "$T" -- true
	here=$(taskset -c 1 grep Cpus_allowed_list /proc/self/status | cut -f 2)
	kill -KILL $pid
	has "$T" '.event == "statedump_affinity" and .fields.tid == '"$pid"
	hasnt "$T" '.event == "statedump_affinity" and .fields.tid == 1'
	one statedump_affinity ".fields.tid == $pid" <<-END
		tid                    $pid
		cpus                   "$here"
	END
}

@test "a container of the launcher's, begun before the recording and meanwhile" {
	before=$(date +%s%N)
	launch early -- sleep 61
	early=$PID
	record "$T" -q -a -e sched_process_exit
	launch late -- sleep 62
	sleep 0.5
	after=$(date +%s%N)
	late=$PID
	record_end
	NAME=$PH_FILE-late
	container_is_told '' '' '' '' '' porthole "$NAME"
	PID=$early NAME=$PH_FILE-early
	container_is_told '' '' '' '' '' porthole "$NAME"
	[ "$PID" != "$late" ]
}

@test "Docker's container with image and labels, as Kubernetes sets them" {
	docker_up
	before=$(date +%s%N)
	docker_run pod --label io.kubernetes.pod.name=web-0 --label io.kubernetes.pod.namespace=shop \
		--label io.kubernetes.pod.uid=8c9ab1f4-0001-4a55-9dd6-7a0a32dd2f0e -- sleep 61
	after=$(date +%s%N)
	record "$T" -q -a -e sched_process_exit
	record_end
	NAME=$PH_FILE-pod
	container_is_told "$(printf 'io.kubernetes.pod.%s\\n' name=web-0 namespace=shop \
		uid=8c9ab1f4-0001-4a55-9dd6-7a0a32dd2f0e | sed '$s/\\n$//' | tr -d '\n')" web-0 shop \
		8c9ab1f4-0001-4a55-9dd6-7a0a32dd2f0e porthole-test docker "$CID"
}

# uptime_ns: the monotonic clock, to a hundredth of a second.
uptime_ns() { awk '{ printf "%.0f\n", $1 * 1000000000 }' /proc/uptime; }

@test "what is lost is told: how much, when, where" {
	record "$T" -q -c "$PH_FILE-in" --wait -e syscall --buffer 1M
	mkdir "$T.go"
	mkfifo "$T.go/go"
	launch in --log "$T.said" -b "$T.go:/go:rw" -- sh -c 'read -r _ </go/go; ph-load getppid 100000 0; sleep 61'
	sleep 0.5
	kill -STOP "$RECORDER"
	echo >"$T.go/go"
	before=$(uptime_ns)
	wait_for 30 grep -q load=getppid "$T.said"
	kill -CONT "$RECORDER"
	after=$(uptime_ns)
	sleep 0.5
	record_end
	every events_discarded true <<-END
		count    ? . > 0
		begin_ns ? . >= $before - 1000000000 and . <= \$e.fields.end_ns
		end_ns   ? . <= $after + 1000000000
		gap_cpu  0
	END
	seen=$(events "$T" -e syscall_entry_getppid,syscall_exit_getppid | wc -l)
	lost=$(events "$T" -e events_discarded | jq -s 'map(.fields.count) | add')
	echo "seen $seen, lost $lost"
	# With what the program does besides, to begin and to end.
	[ $((seen + lost)) -ge 200000 ]
	[ $((seen + lost)) -lt 200500 ]
}

# How often the kernel left out one of the recorder's programs, by its own count.
kernel_missed() { cat "/proc/$RECORDER/fdinfo"/* 2>/dev/null | awk '$1 == "recursion_misses:" { sum += $2 } END { print sum + 0 }'; }

nests() {
	nsenter -t "$PID" -n ph-load net nested >/dev/null
	[ "$(kernel_missed)" -gt 0 ]
}

# On the host only: the kernel's version has no part in it.
@test "what the kernel called no program for is told: of which event, how much, and it is all that is missing" {
	[ "$(nproc)" -gt 1 ] || skip "one CPU"
	launch in -- sleep 55
	nsenter -t "$PID" -n unshare -m sh -c 'mount -t sysfs sysfs /sys && echo 1 >/sys/class/net/lo/queues/rx-0/rps_cpus'
	KERNEL=sock/inet_sock_set_state
	record "$T" -a --strict -e inet_sock_set_state
	kernel_traces
	echo 32768 >"/sys/kernel/tracing/instances/porthole-$PH_FILE/buffer_size_kb"
	wait_for 30 nests
	kernel_traced
	missed=$(kernel_missed)
	kill -INT "$RECORDER"
	wait "$RECORDER" && flunk "$(cat "$T.out")" || [ $? = 3 ]
	cat "$T.out"
	grep -q "^$missed of inet_sock_set_state missed, of whom is not known: " "$T.out"
	every events_discarded true <<-END
		gap_cpu  -1
		count    ? . > 0
		begin_ns ? . < \$e.fields.end_ns
	END
	told=$(events "$T" -e events_discarded | jq -s 'map(.fields.count) | add')
	[ "$told" = "$missed" ]
	# All others are there; the recording began before the kernel's tracer, and ended later.
	there=$(kernel_told_all | grep -c ' inet_sock_set_state: ')
	seen=$(events "$T" -e inet_sock_set_state | grep -c '"event":"inet_sock_set_state"')
	echo "the kernel's tracer saw $there, recorded are $seen, missed $missed"
	[ $((seen + missed)) -ge "$there" ]
	# Other tools are told, too.
	babeltrace2 "$T" 2>&1 >/dev/null | awk '/discarded [0-9]+ event/ { sub(/.*discarded /, ""); sum += $1 } END { exit sum != '"$missed"' }'
}

# On the host only.
@test "cgroups: what lies too deep is not looked at, which is told" {
	local v2=/sys/fs/cgroup top path
	[ -e "$v2/cgroup.controllers" ] || v2=/sys/fs/cgroup/unified
	[ -e "$v2/cgroup.controllers" ] || skip "no cgroup v2"
	top=/porthole.d/$PH_FILE-deep
	path=$top$(printf '/d%.0s' {3..64})
	mkdir -p "$v2$path/d"
	porthole record -a -e statedump -w "$T" -- true 2>"$T.err"
	find "$v2$top" -depth -type d -exec rmdir {} +
	has "$T" '.event == "statedump_cgroup" and .fields.path == "'"$path"'"'
	hasnt "$T" '.event == "statedump_cgroup" and .fields.path == "'"$path/d"'"'
	grep -q "below 1 cgroups nothing is known" "$T.err" || flunk "$(cat "$T.err")"
	porthole record -a -e statedump -w "$T.2" -- true 2>"$T.err"
	! grep -q "nothing is known" "$T.err" || flunk "$(cat "$T.err")"
}
