#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole kvm: guests with known exits, a guest under a CPU limit, a guest of QEMU.
# limit: 90 s

load lib
load cause

teardown() {
	[ -z "${QEMU:-}" ] || kill -9 "$QEMU" 2>/dev/null || :
	[ -z "${WATCHER:-}" ] || kill -9 "$WATCHER" 2>/dev/null || :
	record_kill
	launch_stop
	rm -rf "$T"*
}

# said_of KIND CONDITION VALUE: of the lines of $T.json.
said_of() { jq -r "select(.kind == \"$1\") | select($2) | $3" "$T.json"; }

# about A B MS: the same but for a twentieth and so many ms; A and B are ns.
about() {
	local d=$(($1 > $2 ? $1 - $2 : $2 - $1))
	[ "$d" -le $((${3}000000 + $2 / 20)) ] || flunk "$1 is not about $2"
}

# QEMU's threads are there, with their names.
has_vcpus() { grep -qx 'CPU 1/KVM' "/proc/$QEMU/task/"*/comm; }

# The kernel told of the threads of process PID alone: it was selected there.
times_of() {
	local tids tid
	tids=$(events "$1" -e task_times | jq .fields.tid | sort -u)
	grep -qx "$2" <<<"$tids"
	for tid in $tids; do
		[ -d "/proc/$2/task/$tid" ] || [ ! -d "/proc/$tid" ] || flunk "$tid is none of process $2"
	done
}

# The kernel's own counters of a thread in the trace, from the first to the last time that they are told.
counted() {
	events "$T" -e task_times | jq -s "map(select(.fields.tid == $1).fields.$2) | last - first"
}

@test "exits of a virtual machine: how many of each reason, and how long until it goes on" {
	[ -c /dev/kvm ] || skip "no /dev/kvm"
	grep -qw svm /proc/cpuinfo || skip "no AMD processor with SVM"
	[ -d /sys/module/kvm_amd ] || skip "KVM is not run by kvm_amd"
	cause kvm -b /dev/kvm:/dev/kvm:rw -- ph-load cause kvm
	porthole kvm -r "$T" -o json >"$T.json"
	[ "$(said_of guest true .container)" = "$PH_FILE-in" ]
	[ "$(said_of vcpu true .vcpu)" = "$(said vcpu)" ]
	[ "$(said_of vcpu true .userspace_exits)" = 21 ]
	[ "$(said_of exit '.reason == "io"' '"\(.isa) \(.count) \(.number)"')" = "SVM 20 123" ]
	[ "$(said_of exit '.reason == "hlt"' .count)" = 1 ]
	# Each out was followed by an entry, the halt by none.
	[ "$(said_of exit '.reason == "io"' .time.count)" = 20 ]
	[ "$(said_of exit '.reason == "hlt"' .time.count)" = 0 ]
	[ "$(said_of userspace_exit '.reason == "IO"' '"\(.count) \(.time.count)"')" = "20 20" ]
	[ "$(said_of userspace_exit '.reason == "HLT"' '"\(.count) \(.time.count)"')" = "1 0" ]
	# All exits together, by the events.
	[ "$(said_of vcpu true .exits)" = "$(events "$T" -e kvm_x86_exit | wc -l)" ]
	[ "$(said_of vcpu true .entries)" = "$(events "$T" -e kvm_x86_entry | wc -l)" ]
	events "$T" -e kvm_x86_exit,kvm_x86_entry | jq -s '[., .[1:]] | transpose | map(select(.[1] and .[0].event == "kvm_x86_exit" and
		.[0].fields.exit_reason == 123) | .[1].time_ns - .[0].time_ns) | add' >"$T.sum"
	[ "$(said_of exit '.reason == "io"' .time.sum_ns)" = "$(cat "$T.sum")" ]
	[[ "$(porthole kvm -r "$T" --by-vcpu --hist)" == *", vCPU $(said vcpu), io:"* ]]
}

# On the host only: the analysis is the same everywhere.
@test "a guest under a CPU limit: what it got, waited and was throttled; the same live and of the trace" {
	[ -c /dev/kvm ] || skip "no /dev/kvm"
	porthole kvm -c "$PH_FILE-in" --wait -w "$T" -d 30s -o json >"$T.live" 2>"$T.out" 3>&- &
	WATCHER=$!
	wait_for 20 test -s "$T/metadata"
	launch out -b /dev/kvm:/dev/kvm:rw -- ph-load guest 20s
	# In a container, which keeps its events; the guest's name selects them too.
	[ "$(porthole ps "ph-load-$PID" -o json 2>>"$T.out" | jq -r '"\(.parent) \(.vcpus) \(.pid)"')" = "$PH_FILE-out 1 $PID" ]
	# It has neither a name nor halts, and on some kernels no exits: it is there all the same.
	porthole kvm -c "ph-load-$PID" -d 500ms -w "$T-out" -o json >"$T.json" 2>>"$T.out"
	[ "$(said_of guest true .container)" = "$PH_FILE-out" ]
	[ "$(said_of vcpu true '"\(.pid) \(.vcpu) \(.cpu_ns > 0)"')" = "$PID 3 true" ]
	times_of "$T-out" "$PID"
	# Its share is small, and surely comes to be used up.
	launch_wait in --cpus 0.03 --cpu-weight 10000 -b /dev/kvm:/dev/kvm:rw -- ph-load guest 1500ms >"$T.said"
	kill -INT "$WATCHER"
	wait "$WATCHER"
	WATCHER=
	grep -qx 'vcpu=3 interrupted=1' "$T.said"
	porthole kvm -r "$T" -o json >"$T.json"
	grep -v '"kind":"machine"' "$T.live" | diff - "$T.json"
	# The neighbour is not there.
	[ "$(said_of guest true '"\(.container) \(.comm)"')" = "$PH_FILE-in ph-load" ]
	[ "$(said_of userspace_exit true '"\(.reason) \(.count)"')" = "EINTR 1" ]
	[ "$(said_of vcpu true '.throttled_ns > 0 and .cpu_ns > 0')" = true ]
	[ "$(said_of vcpu true '.cpu_ns + .run_queue_wait_ns + .throttled_ns + .asleep_ns == .known_ns')" = true ]
	[ "$(porthole kvm -r "$T" --table userspace -o csv --no-header --fields container,reason,count)" = "$PH_FILE-in,EINTR,1"$'\r' ]
}

# On the host only: the emulated machine has no QEMU.
@test "a guest of QEMU: its name, uuid, virtual CPUs, and their time by the kernel's counters" {
	[ -c /dev/kvm ] || skip "no /dev/kvm"
	command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
	qemu-system-x86_64 -accel kvm -name "guest=$PH_FILE,,web,debug-threads=on" -uuid c7a5fdbd-edaf-9455-926a-d65c16db1809 \
		-m 32 -smp 2 -display none -nodefaults -net none >"$T.qemu" 2>&1 3>&- &
	QEMU=$!
	# Its CPUs are there.
	wait_for 20 has_vcpus
	porthole kvm -w "$T" -d 1500ms -p "$QEMU" -o json >"$T.live" 2>"$T.out"
	porthole kvm -r "$T" -p "$QEMU" -o json >"$T.json"
	grep -v '"kind":"machine"' "$T.live" | diff - "$T.json"
	[ "$(said_of guest true '"\(.guest) \(.uuid) \(.vcpus) \(.pid)"')" = \
		"$PH_FILE,web c7a5fdbd-edaf-9455-926a-d65c16db1809 2 $QEMU" ]
	[ "$(said_of vcpu true .vcpu | xargs)" = "0 1" ]
	some kvm_guest ".fields.pid == $QEMU" <<-END
		pid   $QEMU
		name  "$PH_FILE,web"
		uuid  "c7a5fdbd-edaf-9455-926a-d65c16db1809"
		vcpus [0,1]
		tids  [$(said_of vcpu true .tid | paste -sd,)]
		tid_vcpus [0,1]
	END
	for tid in $(said_of vcpu true .tid); do
		grep -qx "CPU [01]/KVM" "/proc/$QEMU/task/$tid/comm"
		# The kernel counts time on a CPU until the last tick, and a wait when it is over.
		about "$(said_of vcpu ".tid == $tid" .cpu_ns)" "$(counted "$tid" runtime_ns)" 30
		about "$(said_of vcpu ".tid == $tid" '.run_queue_wait_ns + .throttled_ns')" "$(counted "$tid" run_delay_ns)" 300
	done
	# It is a container-like thing: found, named, selected in the kernel, and its process's events are its.
	[ "$(porthole ps --guests "$PH_FILE?web" -o json 2>/dev/null |
		jq -r '"\(.container) \(.uuid) \(.vcpus) \(.pid) \(.runtime) \(.parent)"')" = \
		"$PH_FILE,web c7a5fdbd-edaf-9455-926a-d65c16db1809 2 $QEMU kvm null" ]
	[ "$(porthole inspect c7a5 -o json 2>/dev/null | jq -c '[.guest.vcpu_threads[].tid]')" = \
		"[$(said_of vcpu true .tid | paste -sd,)]" ]
	[[ "$(porthole pid "$QEMU" -o csv --no-header 2>/dev/null)" == *"$PH_FILE,web"* ]]
	[ "$(said_of guest true .container)" = "$PH_FILE,web" ]
	porthole record -q -e kvm,sched -c c7a5fdbd -w "$T-2" -d 200ms 2>>"$T.out"
	times_of "$T-2" "$QEMU"
	T=$T-2 some container_info ".fields.init_pid == $QEMU" <<-END
		uuid "c7a5fdbd-edaf-9455-926a-d65c16db1809"
		runtime "kvm"
	END
	porthole view -r "$T-2" -c nobody 2>"$T.out"
	grep -q -- "--container nobody matches none of 1 guest; there is: $PH_FILE,web" "$T.out"
	# Without a selection: all that run.
	porthole kvm -d 100ms --table vcpus -o csv --no-header --fields guest,vcpu,tid >"$T.csv"
	[ "$(grep -c "^\"$PH_FILE,web\",[01]," "$T.csv")" = 2 ]
}
