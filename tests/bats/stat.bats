#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole stat, against the kernel's own counters. Each column's arithmetic is in tests/unit/test_stat.c and test_top.c.
# limit: 90 s

load lib

# waited_ns NAME: for how long some task of it has waited for a CPU (PSI).
waited_ns() {
	sed -nE 's/^some .*total=([0-9]+)$/\1000/p' /sys/fs/cgroup/porthole.d/"$1"/cpu.pressure \
		/sys/fs/cgroup/unified/porthole.d/"$1"/cpu.pressure 2>/dev/null
}

# CPU time of all processors, ns.
busy_ns() { awk -v hz="$(getconf CLK_TCK)" '$1 == "cpu" { printf "%.0f\n", ($2 + $3 + $4 + $7 + $8) * 1e9 / hz }' /proc/stat; }

# sum CONDITION PERCENT: of the rows, as time.
sum() { jq -s "map(select($1) | .$2 * .interval_ns / 100) | add | floor" "$PH_WORK/stat.json"; }

# within NAME SUM GREW ALL: rows never have more than what the counter grew by meanwhile, and lack no more than can
# have come before and behind them, and a little for reading that took its time. ALL: it grows by at most that then.
within() {
	echo "$1: $2 of $3, at most $4 aside"
	[ "$2" -gt 0 ] && [ "$2" -le $(($3 + 20000000)) ] && [ "$2" -ge $(($3 - $4 - $3 / 4)) ]
}

# On the host only: top.bats has the same counters on the other kernel.
@test "pressure and CPU time are the kernel's, a line each interval" {
	local waited busy begun aside one=$PH_FILE-one
	launch one --cpus 0.05 -- ph-load spin $((50 * ${PH_SLOW:-1}))s
	begun=$(now_ns) waited=$(waited_ns "$one") busy=$(busy_ns)
	porthole stat 500ms 4 -o json --fields container,interval_ns,cpu_percent,cpu_some_percent,throttled_percent,time_unix_ns,host_cpu_percent,host_steal_percent,steal_percent,syscalls_per_s \
		>"$PH_WORK/stat.json" 2>"$PH_WORK/stat.err"
	waited=$(($(waited_ns "$one") - waited)) busy=$(($(busy_ns) - busy))
	[ "$(jq -s "map(select(.container == \"$one\")) | length" "$PH_WORK/stat.json")" = 4 ] ||
		flunk "$(cat "$PH_WORK/stat.json" "$PH_WORK/stat.err")"
	aside=$(($(now_ns) - begun - $(jq -s "map(select(.container == \"$one\") | .interval_ns) | add" "$PH_WORK/stat.json")))
	within "waiting" "$(sum ".container == \"$one\"" cpu_some_percent)" "$waited" "$aside"
	within "the machine" "$(sum '.container == "(host)"' cpu_percent)" "$busy" $((aside * $(nproc)))
	jq -se "map(select(.container == \"$one\")) | all(.throttled_percent != null and .syscalls_per_s != null and
		.steal_percent == null and .host_cpu_percent >= 0 and .host_steal_percent >= 0)" "$PH_WORK/stat.json"
	# Those of a round have its time and its machine.
	jq -se 'group_by(.time_unix_ns) | length == 4 and
		all((map(.host_cpu_percent) | unique | length == 1) and (map(select(.container == "(host)")) | length == 1))' "$PH_WORK/stat.json"
	porthole stat -c "$one" 100ms 3 2>/dev/null >"$PH_WORK/stat.txt"
	mapfile -t lines <"$PH_WORK/stat.txt"
	[ "${#lines[@]}" = 4 ] || flunk "${lines[@]}"
	[[ "${lines[0]}" =~ ^\ *TIME\ +CPU%.*HSTEAL%$ ]]
	[[ "$(porthole stat -c "$PH_FILE-o*" 100ms 1 --no-bpf 2>/dev/null)" =~ ^\ *TIME\ +CONTAINER\ +CPU% ]]
	timeout $((30 * ${PH_SLOW:-1})) "$PORTHOLE_BUILD/porthole" stat 100ms -d 300ms -c "$one" --no-bpf 2>/dev/null >"$PH_WORK/stat.txt"
	[[ $(wc -l <"$PH_WORK/stat.txt") == [234] ]]
	[[ "${lines[3]}" =~ ^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\ .*[0-9]$ ]]
}

# file_of NAME FILE...: those of these that its cgroups have.
file_of() {
	local name=$1 f
	shift
	for f; do
		cat "/sys/fs/cgroup/porthole.d/$name/$f" /sys/fs/cgroup/*/porthole.d/"$name/$f" 2>/dev/null || :
	done
}

# "8:0 Write 4096", or on v2 "8:0 rbytes=0 wbytes=4096 …".
written() {
	file_of "$1" io.stat blkio.throttle.io_service_bytes | tr '=' ' ' |
		awk '{ for (i = 2; i < NF; i++) if ($i == "Write" || $i == "wbytes") n += $(i + 1) } END { print n + 0 }'
}

# On the host only: what is counted where is in tests/unit/test_top.c for both.
@test "bytes written to a disk, each one, and memory" {
	local disk=$PH_FILE-disk stat before memory n
	launch disk -- ph-load sleep $((50 * ${PH_SLOW:-1}))s
	porthole stat -c "$disk" 100ms -d 60s --no-bpf -o json --fields io_write_bytes,memory_usage_bytes >"$PH_WORK/disk.json" 2>/dev/null 3>&- &
	stat=$!
	wait_for 20 has_lines "$PH_WORK/disk.json" 1
	before=$(written "$disk")
	(in_cgroups disk dd if=/dev/zero of="$PH_WORK/written" bs=64k count=50 oflag=direct 2>/dev/null) 3>&-
	n=$(wc -l <"$PH_WORK/disk.json")
	wait_for 20 has_lines "$PH_WORK/disk.json" $((n + 2))
	kill -INT $stat
	wait $stat
	memory=$(file_of "$disk" memory.current memory.usage_in_bytes)
	echo "$before, now $(written "$disk"); memory $memory: $(tail -n 1 "$PH_WORK/disk.json")"
	if [ "$(written "$disk")" = "$before" ]; then	# blkio of Linux 6.10 and later, without a limit
		jq -se 'all(.io_write_bytes == null)' "$PH_WORK/disk.json"
	else
		[ "$(jq -s 'map(.io_write_bytes) | add' "$PH_WORK/disk.json")" = $(($(written "$disk") - before)) ]
		[ "$(written "$disk")" -ge $((before + 50 * 65536)) ]
	fi
	jq -se "last.memory_usage_bytes - $memory | fabs < 1000000" "$PH_WORK/disk.json"
}

# CPU time of its cgroup so far, ns.
used_ns() {
	local v
	v=$(file_of "$1" cpuacct.usage)
	[ -n "$v" ] || v=$(file_of "$1" cpu.stat | awk '$1 == "usage_usec" { printf "%.0f", $2 * 1000 }')
	echo "$v"
}

throttled_periods() { file_of "$1" cpu.stat | awk '$1 == "nr_throttled" { n = $2 } END { print n + 0 }'; }

total() { jq -s "map(.$1 // 0) | add" "$2"; }
lines_in() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# On the host only: what events make which column is in tests/unit/test_top_trace.c.
@test "what is recorded beside the counting shows the same again" {
	local c=$PH_FILE-work t=$PH_WORK/again stat before used live again unknown n
	mkdir "$t.go"
	mkfifo "$t.go/in" "$t.go/out"
	launch work --cpus 0.3 -b "$t.go:/go:rw" -- sh -c \
		'read -r _ </go/in; ph-load getppid 20000; ph-load spin 2s; : >/go/done; read -r _ </go/out'
	porthole stat -c "$c" -w "$t" 200ms -d 50s -o json --fields container,cpu_ns,syscalls,syscall_errors >"$t.live" 2>"$t.err" 3>&- &
	stat=$!
	wait_for 20 lines_in "$t.live" 1
	before=$(used_ns "$c")
	: >"$t.go/in"
	wait_for 40 test -e "$t.go/done"
	n=$(wc -l <"$t.live")
	wait_for 20 lines_in "$t.live" $((n + 2))
	used=$(($(used_ns "$c") - before))
	kill -INT $stat
	wait $stat || flunk "$(cat "$t.err")"
	porthole stat -r "$t" -c "$c" 100ms -o json >"$t.again" 2>"$t.err"
	porthole stat -r "$t" -c "$c" 10m -o json >"$t.once" 2>/dev/null
	echo "calls $(total syscalls "$t.live") $(total syscalls "$t.again"), CPU $used $(total cpu_ns "$t.live") $(total cpu_ns "$t.again")"
	for n in syscalls syscall_errors; do
		live=$(total "$n" "$t.live") again=$(total "$n" "$t.again")
		[ "$live" -gt 0 ]
		[ "$live" = "$again" ]
	done
	[ "$(total syscalls "$t.again")" -gt 20000 ]
	# Here the kernel hides some switches of others: of so much time it is not known who ran.
	unknown=$(porthole why throttled -r "$t" -c "$c" -o json | jq "select(.kind == \"container\") | .unknown_ns")
	again=$(total cpu_ns "$t.again")
	[ "$again" -le $((used + used / 100 + 10000000)) ] && [ $((again + unknown)) -ge $((used - used / 100 - 10000000)) ] &&
		[ "$again" -ge $((used / 2)) ] ||
		flunk "$again and $unknown unknown of $used ns"
	# However it is divided.
	[ "$again" = "$(total cpu_ns "$t.once")" ]
	[ "$(jq -s length "$t.once")" = 1 ]
	[ "$(wc -l <"$t.again")" -gt 10 ]
	jq -se 'all(.throttled_percent != null and .run_queue_wait_percent != null and .net_rx_bytes_per_s == null)' "$t.again"
	# Mostly it is; not where others leave it less than its limit.
	[ "$(jq -s 'map(.throttled_percent) | max > 0' "$t.again")" = "$([ "$(throttled_periods "$c")" -gt 0 ] && echo true || echo false)" ]
	grep -q '^porthole stat: net_rx_bytes_per_s.*record with -e net and -a' "$t.err"
	# The same rows as tables.
	[ "$(porthole top -r "$t" -i 10m -c "$c" -o json 2>/dev/null | jq .cpu_ns)" = "$again" ]
	[ "$(porthole stat -r "$t" 10m -f 'syscall_exit_getppid.ret >= 0' -o json 2>/dev/null | jq -c '[.syscalls, .cpu_ns]')" = '[20000,null]' ]
}

ended() { grep -q 'what was selected has ended' "$PH_WORK/stat.err"; }

# On the host only: which event counts where is in tests/unit/test_top_trace.c.
@test "--filter: events of the running kernel that pass are counted, and recorded, the rest is as without it" {
	local c=$PH_FILE-some t=$PH_WORK/passed stat n
	launch some -- ph-load sleep $((50 * ${PH_SLOW:-1}))s
	porthole stat -c "$c" -w "$t" -f 'comm == "ph-load" && syscall_exit_getppid.ret >= 0' 200ms -d 60s -o json >"$t.live" 2>"$t.err" 3>&- &
	stat=$!
	wait_for 20 lines_in "$t.live" 1 || flunk "$(cat "$t.err")"
	(in_cgroups some ph-load getppid 30000) 3>&-
	n=$(wc -l <"$t.live")
	wait_for 20 lines_in "$t.live" $((n + 2))
	kill -INT $stat
	wait $stat || flunk "$(cat "$t.err")"
	[ "$(total syscalls "$t.live")" = 30000 ] && [ "$(total syscall_errors "$t.live")" = 0 ] || flunk "$(cat "$t.err" "$t.live")"
	jq -se 'all(.cpu_percent != null and .memory_working_set_bytes > 0 and .socket_rx_bytes_per_s == null)' "$t.live"
	grep -q 'syscalls_per_s.*: only of events that pass the filter' "$t.err"
	[ "$(porthole stat -r "$t" 10m -o json 2>/dev/null | jq .syscalls)" = 30000 ]
}

# On the host only: no kernel has a part in it.
@test "a container that ends has no more lines; what is not understood is told" {
	local stat
	launch brief -- ph-load sleep 50s
	porthole stat -c "$PH_FILE-brief" 100ms -d 60s --no-bpf -o csv >"$PH_WORK/stat.csv" 2>"$PH_WORK/stat.err" 3>&- &
	stat=$!
	wait_for 20 has_lines "$PH_WORK/stat.csv" 2
	launch_stop
	wait_for 20 ended
	kill -INT $stat
	wait $stat
	[ "$(grep -c time_unix_ns "$PH_WORK/stat.csv")" = 1 ]
	[[ "$(tail -n 1 "$PH_WORK/stat.csv")" =~ ^[0-9]+,"$PH_FILE-brief",[0-9.]+, ]]
	run porthole stat 1 0
	[ "$status" = 2 ]
	[[ "$output" == *"'0' is no count"* ]]
	run porthole stat web
	[ "$status" = 2 ]
	[[ "$output" == *"'web' is no interval"*"selected with -c"* ]]
	run porthole stat 1ms
	[ "$status" = 2 ]
	[[ "$output" == *"at least 50ms"* ]]
	run porthole stat 1 2 3
	[ "$status" = 2 ]
	[[ "$output" == *"too many arguments"* ]]
	run porthole stat -f 'prev_state == 1' 1 1
	[ "$status" = 2 ]
	[[ "$output" == *"--filter: no event can pass that a column shown is counted by"* ]]
	run porthole stat -f 'ret < 0' --no-bpf 1 1
	[ "$status" = 2 ]
	[[ "$output" == *"that takes BPF: --filter goes without --no-bpf"* ]]
	run porthole stat --strict 1 1
	[ "$status" = 2 ]
	[[ "$output" == *"go with -w DIR"* ]]
	run porthole stat -w "$PH_WORK/not" --no-bpf 1 1
	[ "$status" = 2 ]
	[ ! -e "$PH_WORK/not" ]
	run porthole stat -r "$PH_WORK/not" -d 5 1
	[ "$status" = 2 ]
	[[ "$output" == *"--duration goes without a trace"* ]]
	run porthole stat -c "$PH_FILE-no-such" 1 1
	[ "$status" = 1 ]
	[[ "$output" == *" matches no"* ]]
	run setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --regid=65534 --clear-groups \
		"$PORTHOLE_BUILD/porthole" stat 100ms 1 --host
	[ "$status" = 0 ] && [[ "$output" == *"system calls are not counted"*HSTEAL%* || "$output" == *"system calls are not counted"*STEAL%* ]]
}
