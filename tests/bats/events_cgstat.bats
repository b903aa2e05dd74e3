#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the kernel counts for cgroups, compared with the files that it shows.

load lib
load cause

# Numbers of the hierarchies that count something, and where each is mounted.
hierarchies() {
	local num list rest
	while IFS=: read -r num list rest; do
		if [ "$num" = 0 ]; then
			[ -d /sys/fs/cgroup/unified ] && echo "0 /sys/fs/cgroup/unified" || echo "0 /sys/fs/cgroup"
		elif [[ ,$list, =~ ,(cpu|cpuacct|memory|pids), ]]; then
			echo "$num /sys/fs/cgroup/$list"
		fi
	done </proc/self/cgroup
}

# key FILE KEY FACTOR OTHERWISE: a number in cgroup $D's FILE, its only one where KEY is -.
key() {
	local v
	v=$(awk -v k="$2" 'k == "-" { print $1 } $1 == k { print $2 }' "$D/$1" 2>/dev/null)
	[ -n "$v" ] && echo $((v * $3)) || echo "$4"
}

# The first where hierarchy $H is v2, else the second.
either() {
	# shellcheck disable=SC2046  # the arguments of key
	key $([ "$H" = 0 ] && echo "$1" || echo "$2")
}

pressure() {
	local v
	v=$(sed -n "s/^$2 .*total=//p" "$D/$1.pressure" 2>/dev/null)
	[ -n "$v" ] && echo $((v * 1000)) || echo -1
}

# expected HIERARCHY DIRECTORY: what the files there say, under the event's names.
expected() {
	local H=$1 D=$2
	cat <<-END
		{"usage_ns": $(either "cpu.stat usage_usec 1000 0" "cpuacct.usage - 1 0"),
		"user_ns": $(either "cpu.stat user_usec 1000 0" "cpuacct.usage_user - 1 0"),
		"system_ns": $(either "cpu.stat system_usec 1000 0" "cpuacct.usage_sys - 1 0"),
		"nr_periods": $(key cpu.stat nr_periods 1 0), "nr_throttled": $(key cpu.stat nr_throttled 1 0),
		"throttled_ns": $(either "cpu.stat throttled_usec 1000 0" "cpu.stat throttled_time 1 0"),
		"throttled_local_ns": $(key cpu.stat.local throttled_usec 1000 -1),
		"nr_bursts": $(key cpu.stat nr_bursts 1 0),
		"burst_ns": $(either "cpu.stat burst_usec 1000 0" "cpu.stat burst_time 1 0"),
		"cpu_some_ns": $(pressure cpu some), "cpu_full_ns": $(pressure cpu full),
		"io_some_ns": $(pressure io some), "io_full_ns": $(pressure io full),
		"memory_some_ns": $(pressure memory some), "memory_full_ns": $(pressure memory full),
		"memory_bytes": $(either "memory.current - 1 -1" "memory.usage_in_bytes - 1 -1"),
		"memory_file_bytes": $(either "memory.stat file 1 -1" "memory.stat total_cache 1 -1"),
		"oom_kills": $(either "memory.events oom_kill 1 -1" "memory.oom_control oom_kill 1 -1"),
		"memory_max_events": $(either "memory.events max 1 -1" "memory.failcnt - 1 -1"),
		"pids_current": $(key pids.current - 1 -1), "pids_max_events": $(key pids.events max 1 -1),
		"memory_inactive_file_bytes": $(either "memory.stat inactive_file 1 -1" "memory.stat total_inactive_file 1 -1"),
		"page_faults": $(either "memory.stat pgfault 1 -1" "memory.stat total_pgfault 1 -1"),
		"major_faults": $(either "memory.stat pgmajfault 1 -1" "memory.stat total_pgmajfault 1 -1")}
	END
}

want() { jq ".$1" "$T.expected"; }

# stats HIERARCHY ID: the fields of that cgroup's events, one a line.
stats() {
	events "$T" -e cgroup_stat | jq -c "select(.fields.hierarchy == $1 and .fields.id == $2).fields"
}

# In its sleep, not on the way there: the call's number is said of who waits only.
sleeps_for_good() { grep -qE '^(35|230|115|101|407) ' "/proc/$1/syscall"; }

# For so long nothing changed of what the kernel shows of the container.
unchanged() {
	local was
	was=$(everything)
	sleep 0.5
	[ "$was" = "$(everything)" ]
}

everything() {
	sed 's/avg.*total/total/' /sys/fs/cgroup/{,*/}"porthole.d/$PH_FILE-in"/{cpu.stat,cpuacct.usage,{cpu,memory,io}.pressure,memory.events} 2>/dev/null
}

@test "every number is that of the kernel's files, at the beginning and at the end" {
	# Over its limits on CPU, memory and tasks, then asleep: nothing changes any more.
	launch in --cpus 0.1 --cpu-burst 5000 --memory 16M --pids 4 -- \
		sh -c 'ph-load burst 5 30ms 100ms; ph-load spin 300ms; ph-load alloc 32M; ph-load pids 8; exec ph-load sleep 60s'
	launch out --cpus 0.2 -- ph-load sleep 60s
	wait_for 30 grep -q 'sleep' "/proc/$PID/cmdline"
	in=$(ph-launch --list | awk -v n="$PH_FILE-in" '$1 == n { print $2 }')
	wait_for 60 grep -qz '^sleep' "/proc/$in/cmdline"
	wait_for 20 sleeps_for_good "$in"
	# Of its last periods too.
	wait_for 30 unchanged
	record "$T" -q -c "$PH_FILE-in" -e sched_process_exit
	sleep 0.3
	record_end
	seen=0
	while read -r h mount; do
		dir=$mount/porthole.d/$PH_FILE-in
		[ -d "$dir" ] || continue
		expected "$h" "$dir" >"$T.expected"
		stats "$h" "$(stat -c %i "$dir")" >"$T.stats"
		[ "$(wc -l <"$T.stats")" -ge 2 ] || flunk "hierarchy $h: $(cat "$T.stats")"
		# The kernel charges memory 64 pages ahead on each CPU, and gives that back when it likes; what memory.stat
		# counts may be as much late on each CPU, and as much until CPUs' numbers are added up.
		every cgroup_stat ".fields.hierarchy == $h and .fields.id == $(stat -c %i "$dir")" <<-END
			hierarchy          $h
			id                 $(stat -c %i "$dir")
			container_name     "$PH_FILE-in"
			usage_ns           $(want usage_ns)
			user_ns            $(want user_ns)
			system_ns          $(want system_ns)
			nr_periods         $(want nr_periods)
			nr_throttled       $(want nr_throttled)
			throttled_ns       $(want throttled_ns)
			throttled_local_ns $(want throttled_local_ns)
			nr_bursts          $(want nr_bursts)
			burst_ns           $(want burst_ns)
			cpu_some_ns        $(want cpu_some_ns)
			cpu_full_ns        $(want cpu_full_ns)
			io_some_ns         $(want io_some_ns)
			io_full_ns         $(want io_full_ns)
			memory_some_ns     $(want memory_some_ns)
			memory_full_ns     $(want memory_full_ns)
			memory_bytes       ? . - $(want memory_bytes) | fabs <= $(nproc) * 262144
			memory_file_bytes  ? . - $(want memory_file_bytes) | fabs < 262144
			oom_kills          $(want oom_kills)
			memory_max_events  $(want memory_max_events)
			pids_current       $(want pids_current)
			pids_max_events    $(want pids_max_events)
			memory_inactive_file_bytes ? . - $(want memory_inactive_file_bytes) | fabs < 262144
			page_faults        ? . - $(want page_faults) | fabs <= $(nproc) * 128
			major_faults       ? . - $(want major_faults) | fabs <= $(nproc) * 128
		END
		# The one above is told as well, the neighbour is not.
		[ "$(stats "$h" "$(stat -c %i "$mount/porthole.d")" | wc -l)" -ge 2 ]
		[ -z "$(stats "$h" "$(stat -c %i "$mount/porthole.d/$PH_FILE-out")")" ]
		cat "$T.stats" >>"$T.all"
		seen=$((seen + 1))
	done < <(hierarchies)
	[ "$seen" -gt 0 ]
	# Somewhere each was counted at all.
	jq -se '["usage_ns", "user_ns", "system_ns", "nr_periods", "nr_throttled", "throttled_ns", "memory_bytes", "page_faults",
		"oom_kills", "memory_max_events", "pids_current", "pids_max_events"] - [.[] | to_entries[] |
		select(.value | type == "number" and . > 0).key] == []' "$T.all"
}

@test "once a second where something happens, and of a container from its birth" {
	record "$T" -q -c "$PH_FILE-in" --wait -e sched_process_exit
	# Until it is looked at for the first time it does not compute.
	launch in --cpus 0.5 -- sh -c 'ph-load sleep 1s; exec ph-load spin 60s'
	begin=$SECONDS
	sleep 4.5
	record_end
	took=$((SECONDS - begin))
	h=$(hierarchies | grep -E '/(cpu,|cpuacct)' | head -n 1)
	read -r h mount <<<"${h:-$(hierarchies | head -n 1)}"
	id=$(stat -c %i "$mount/porthole.d/$PH_FILE-in")
	events "$T" -e cgroup_stat | jq -c "select(.fields.hierarchy == $h and .fields.id == $id) |
		[.time_ns, .fields.usage_ns]" >"$T.usage"
	cat "$T.usage"
	[ "$(wc -l <"$T.usage")" -ge 4 ]
	[ "$(wc -l <"$T.usage")" -le $((took + 4)) ]
	# Its first is of its beginning, and then the time goes on at half of a CPU's pace.
	jq -se '.[0][1] < 200000000 and (.[-1][1] - .[0][1]) / (.[-1][0] - .[0][0]) < 0.7 and
		.[-1][1] > 500000000' "$T.usage"
}
