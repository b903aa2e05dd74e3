#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole top, against the kernel's own counters. Each counter's arithmetic is in tests/unit/test_top.c.
# limit: 100 s

load lib

teardown() {
	[ ! -S "$PH_WORK/tmux" ] || tmux -S "$PH_WORK/tmux" kill-server 2>/dev/null || :
	ph-launch --stop "$PH_FILE-odd" 2>/dev/null || :
	launch_stop
}

# The CPU time of the container so far, ns.
cpu_usage() {
	local f
	for f in /sys/fs/cgroup/cpuacct/porthole.d/"$1"/cpuacct.usage \
		/sys/fs/cgroup/cpu,cpuacct/porthole.d/"$1"/cpuacct.usage; do
		[ ! -r "$f" ] || { cat "$f"; return; }
	done
	awk '$1 == "usage_usec" { print $2 * 1000 }' /sys/fs/cgroup/porthole.d/"$1"/cpu.stat
}

@test "CPU time is the cgroup's, throttling is seen, the machine and other formats" {
	local before after begun ended sum time
	launch one --cpus 0.05 --memory 64M -- ph-load spin $((50 * ${PH_SLOW:-1}))s
	begun=$(now_ns) before=$(cpu_usage "$PH_FILE-one")
	porthole top -b -n 3 -i 1s -o json -a >"$PH_WORK/top.json" 2>"$PH_WORK/top.err"
	after=$(cpu_usage "$PH_FILE-one") ended=$(now_ns)
	jq -c "select(.container == \"$PH_FILE-one\")" "$PH_WORK/top.json" >"$PH_WORK/one.json"
	[ "$(wc -l <"$PH_WORK/one.json")" = 3 ] || flunk "$(cat "$PH_WORK/top.json" "$PH_WORK/top.err")"
	sum=$(jq -s 'map(.cpu_ns) | add' "$PH_WORK/one.json")
	time=$(jq -s 'map(.interval_ns) | add' "$PH_WORK/one.json")
	echo "top: $sum ns in $time; the cgroup: $((after - before)) in $((ended - begun))"
	# It computes with one thread: in the time before and after, at most that time.
	[ "$sum" -gt 0 ]
	[ "$sum" -le $((after - before)) ]
	[ "$sum" -ge $((after - before - (ended - begun - time))) ]
	# So little of a CPU that most periods run out, whatever else runs.
	jq -se 'all(.throttled_percent > 20 and .cpu_limit == 0.05 and .pid == '"$PID"')' "$PH_WORK/one.json"
	jq -se 'all(.cpu_percent - .user_percent - .system_percent | fabs < 0.1)' "$PH_WORK/one.json"
	jq -se 'all(.cpu_percent - .cpu_ns * 100 / .interval_ns | fabs < 0.1)' "$PH_WORK/one.json"
	jq -se 'all(.memory_limit_bytes == 67108864 and .tasks == 1 and .open_files >= 1)' "$PH_WORK/one.json"
	[ "$(jq -s 'map(select(.container == "(host)")) | length' "$PH_WORK/top.json")" = 3 ]
	jq -se 'map(select(.container == "(host)")) | all(.cpu_percent > 0 and .memory_limit_bytes > 0)' "$PH_WORK/top.json"
	run porthole top -b -n 1 -i 100ms "$PH_FILE-one"
	[ "$status" = 0 ]
	[[ "$output" == *CPU*load*memory*CONTAINER*"$PH_FILE-one"* ]]
	porthole top -b -n 2 -i 100ms -o csv --fields container,cpu_percent -c "$PH_FILE-one" 2>/dev/null >"$PH_WORK/top.csv"
	[ "$(wc -l <"$PH_WORK/top.csv")" = 3 ]
	run porthole top -b -n 1 -c "$PH_FILE-no-such"
	[ "$status" = 1 ]
	[[ "$output" == *"matches none"* ]]
}

@test "system calls are counted in the kernel, each one" {
	local top calls errors n
	launch two -- ph-load sleep $((50 * ${PH_SLOW:-1}))s
	porthole top -b -i 1s -o json -c "$PH_FILE-two" --fields container,syscalls,syscall_errors >"$PH_WORK/calls.json" \
		2>"$PH_WORK/top.err" 3>&- &
	top=$!
	wait_for $((40 * ${PH_SLOW:-1})) has_lines "$PH_WORK/calls.json" 1 || flunk "$(cat "$PH_WORK/top.err")"
	(in_cgroups two ph-load getppid 30000) 3>&-
	n=$(wc -l <"$PH_WORK/calls.json")
	wait_for $((40 * ${PH_SLOW:-1})) has_lines "$PH_WORK/calls.json" $((n + 2))
	kill -INT $top
	wait $top
	calls=$(jq -s 'map(.syscalls) | add' "$PH_WORK/calls.json")
	errors=$(jq -s 'map(.syscall_errors) | add' "$PH_WORK/calls.json")
	echo "calls $calls, errors $errors"
	# Its own, and those of bash and of a program that starts.
	[ "$calls" -ge 30000 ]
	[ "$calls" -lt 31500 ]
	[ "$errors" -lt 200 ]
	porthole top -b -n 1 -i 100ms --no-bpf -o json -c "$PH_FILE-two" 2>/dev/null | jq -e '.syscalls == null and .cpu_ns != null'
}

# On the host only: no kernel has a part in it.
@test "it ends when its time is over" {
	timeout 30 "$PORTHOLE_BUILD/porthole" top -b -i 100ms -d 300ms -o csv --no-bpf --fields container --host 2>/dev/null >"$PH_WORK/top.csv"
	# The headings, and no more than there is time for.
	[[ $(wc -l <"$PH_WORK/top.csv") == [234] ]]
}

in_tmux() { tmux -S "$PH_WORK/tmux" -f /dev/null "$@" 3>&- 4>&-; }
screen() { in_tmux capture-pane -p -t top; }
screen_has() { [[ $(screen) == *"$1"* ]]; }
# shows TEXT: at last.
shows() { wait_for $((20 * ${PH_SLOW:-1})) screen_has "$1" || flunk "no '$1' in:" "$(screen)"; }
widest() { screen | awk '{ if (length > n) n = length } END { print n }'; }

# On the host only.
@test "the screen: rows, in and out, filter, resized, left" {
	need tmux
	launch web --memory 64M -- ph-load rate 50 $((50 * ${PH_SLOW:-1}))s
	LC_ALL=C.UTF-8 TERM=screen in_tmux new-session -d -s top -x 80 -y 24 "$(command -v porthole) top -i 200ms; echo left \$?; sleep 50"
	shows "$PH_FILE-web"
	shows "memory"
	[[ "$(screen | tail -n 1)" == "h help  q quit"* ]]
	# Others run here as well.
	in_tmux send-keys -t top / "$PH_FILE-web"
	shows "filter: ${PH_FILE}-web_"
	in_tmux send-keys -t top Enter Enter
	shows "$PH_FILE-web: 1 process"
	screen | grep -qE "^ *$PID +1 .*ph-load" || flunk "$(screen)"
	in_tmux send-keys -t top Enter
	shows "1 thread of process $PID"
	in_tmux send-keys -t top f
	shows "open files of process $PID, by PID"
	in_tmux send-keys -t top BSpace BSpace BSpace
	shows "CONTAINER"
	in_tmux send-keys -t top s
	shows "getppid"
	[[ "$(screen)" == *"$PH_FILE-web: its system calls in 3 s"* ]] || flunk "$(screen)"
	in_tmux send-keys -t top F2
	shows "What is to be shown?"
	in_tmux send-keys -t top Down Down Enter
	shows "by CPU%"
	shows "CONTS"
	in_tmux send-keys -t top F2
	shows "What is to be shown?"
	in_tmux send-keys -t top Enter
	in_tmux resize-window -t top -x 200 -y 50
	shows "AGE"
	[ "$(widest)" -gt 80 ]
	in_tmux send-keys -t top q
	shows "left 0"
	in_tmux kill-server
}

# As the last size wants it: nothing of another one.
whole() { [[ $(screen | tail -n 1) == "h help  q quit"* ]] && screen_has CONTAINER && [ "$(screen | grep -c 'q quit')" = 1 ]; }

# Bytes, as a terminal sends them.
type_hex() { in_tmux send-keys -t top -H "$@"; }

# On the host only.
@test "the screen: odd names, one that ends, garbage keys and a storm of sizes" {
	need tmux
	local name=$PH_FILE-名前🚀$'\e[31m' seed=1 bytes=() b i size
	launch odd --cgroup "lxc.payload.$name" -- ph-load sleep $((50 * ${PH_SLOW:-1}))s
	LC_ALL=C.UTF-8 TERM=screen in_tmux new-session -d -s top -x 80 -y 24 \
		"$(command -v porthole) top --no-bpf -i 200ms; echo left \$?; sleep 50"
	shows "$PH_FILE-名前🚀\\x1b[31m"
	in_tmux send-keys -t top / "$PH_FILE-名前"
	shows "1 container, by CPU%  filter: $PH_FILE-名前_"
	in_tmux send-keys -t top Enter Enter
	shows "1 process, by CPU%"
	kill -KILL "$PID"
	shows "(has ended): 0 processes"
	in_tmux send-keys -t top BSpace
	shows "CONTAINER"
	# All bytes but q and Q, which leave, those that the terminal acts upon (interrupt, quit, suspend, stop, go on), and
	# escapes, which could make an F10.
	for ((i = 0; i < 600; i++)); do
		seed=$(((seed * 1103515245 + 12345) & 0x7fffffff)) b=$((seed >> 16 & 255))
		case $b in
		3 | 17 | 19 | 26 | 27 | 28 | 81 | 113) ;;
		*) bytes+=("$(printf %02x $b)") ;;
		esac
	done
	for ((i = 0; i < 30; i++)); do
		seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
		type_hex "${bytes[@]:i * 19:19}"
		size=$((1 + (seed >> 8) % 300))
		in_tmux resize-window -t top -x $size -y $((1 + (seed >> 18) % 80))
	done
	in_tmux resize-window -t top -x 80 -y 24
	for ((i = 0; i < 8; i++)); do in_tmux send-keys -t top Escape; done
	in_tmux send-keys -t top F2
	shows "What is to be shown?"
	in_tmux send-keys -t top Home Enter
	wait_for $((20 * ${PH_SLOW:-1})) whole || flunk "$(screen)"
	in_tmux send-keys -t top q
	shows "left 0"
	in_tmux kill-server
}
