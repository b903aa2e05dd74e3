# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Profiles beside perf's: what a sample takes on disk and of the CPU until it is read, what samples cost who is looked at, and how long
# it takes until stacks of many processes with many libraries are complete.
#
#	PROFILE_RUNS='99/30 499/60'	samples a second of each CPU, for so many seconds
#	PROFILE_PARTS='busy compilers cost startup'	what of it

: "${PROFILE_RUNS:=99/30 499/60}" "${PROFILE_PARTS:=busy compilers cost startup}"
load=$(realpath "$BUILD/ph-load")
gcc -O2 -fno-optimize-sibling-calls -o "$work/plain" tests/matrix/plain.c
cpus=$(nproc)

# cpu_s COMMAND...: CPU seconds that it took, its children's included.
cpu_s() {
	local TIMEFORMAT='%U %S'
	{ time "$@" >"$work/out" 2>"$work/err"; } 2>&1 | awk '{ printf "%.3f\n", $1 + $2 }'
}

# ---- a sample, until it is read ------------------------------------------------------------------------

# What is looked at: all CPUs busy thirty calls deep. (perf finds no stack of ph-load, which is linked statically.)
busy() {
	local i
	for ((i = 0; i < cpus; i++)); do MATRIX_IDLE_MS=0 MATRIX_MS=$((1000 * $1)) timeout "$1" "$work/plain" & done
}

# The same, and programs that come and go: a compiler, over and over.
builds() {
	local end=$((SECONDS + $1)) i
	for ((i = 0; i < cpus; i++)); do
		while ((SECONDS < end)); do gcc -O2 -Isrc -D_GNU_SOURCE -c src/base/buf.c -o "$work/built.$i"; done &
	done
}

# samples LOAD TEXT: rows of each of the runs.
samples() {
	local run hz seconds perf_cpu perf_bytes perf_n perf_read perf_inline inline_n our_cpu our_bytes our_n our_read ours theirs
	for run in $PROFILE_RUNS; do
		hz=${run%/*} seconds=${run#*/}
		"$1" $((seconds + 2))
		sleep 0.5
		perf_cpu=$(cpu_s perf record -q -a -F "$hz" --call-graph dwarf -o "$work/perf.data" -- sleep "$seconds")
		wait
		perf_bytes=$(stat -c %s "$work/perf.data")
		perf_n=$(perf script --no-inline -F time -i "$work/perf.data" 2>/dev/null | wc -l)
		perf_read=$(cpu_s perf script --no-inline -i "$work/perf.data")
		# With inlined functions, as it and we do without options, perf 6.1 takes a hundred times as long: of some 500 samples.
		perf_inline=$(cpu_s perf script --time "0%-$(calc "50000 / $perf_n" 3)%" -i "$work/perf.data")
		inline_n=$(awk 'BEGIN { RS = "" } END { print NR }' "$work/out")
		rm -rf "$work/trace" "$work/perf.data"
		"$1" $((seconds + 2))
		sleep 0.5
		our_cpu=$(cpu_s porthole record -q -a -F "$hz" -e profile -w "$work/trace" -d "${seconds}s")
		wait
		our_bytes=$(du -sb "$work/trace" | cut -f1)
		our_n=$(porthole view -r "$work/trace" -e callstack -o csv | wc -l)
		our_read=$(cpu_s porthole profile -r "$work/trace" -o perf-script)
		row "$2, $hz Hz, $seconds s: a sample on disk" "$(calc "$our_bytes / $our_n" 0) B" \
			"perf, DWARF: $(calc "$perf_bytes / $perf_n" 0) B" "$(calc "$our_bytes / $our_n / ($perf_bytes / $perf_n)" 3)" "<= 0.05"
		ours=$(calc "($our_cpu + $our_read) * 1000000 / $our_n")
		theirs=$(calc "$perf_cpu * 1000000 / $perf_n + $perf_inline * 1000000 / $inline_n")
		row "record ($our_cpu s) and print ($our_read s) it" "$ours us" "perf script: $theirs us" "$(calc "$ours / $theirs" 3)" "<= 0.05"
		theirs=$(calc "($perf_cpu + $perf_read) * 1000000 / $perf_n")
		row "the same beside perf without inlined functions" "$ours us" "--no-inline: $theirs us" "$(calc "$ours / $theirs" 3)" "<= 0.05"
	done
}
[[ $PROFILE_PARTS != *busy* ]] || samples busy "busy CPUs"
[[ $PROFILE_PARTS != *compilers* ]] || samples builds "compilers"

# ---- what it costs who is looked at -------------------------------------------------------------------

# CPU time of a process, its threads and its children so far, ns.
used() {
	local p
	for p in "$1" $(pgrep -P "$1"); do cat "/proc/$p"/task/*/schedstat; done 2>/dev/null | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# ns_per_turn [COMMAND...]: what a turn of a load on all CPUs takes of CPU time while COMMAND runs, COMMAND's own included.
ns_per_turn() {
	local pid='' before=0 turns=0 cpu=0 i pids=()
	if [ $# != 0 ]; then
		rm -rf "$work/trace" "$work/perf.data"
		"$@" >/dev/null 2>&1 &
		pid=$!
		until [ -s "$work/trace/metadata" ] || [ -s "$work/perf.data" ]; do sleep 0.1; done
		sleep 1
		before=$(used $pid)
	fi
	# Two threads each.
	for ((i = 0; i < (cpus + 1) / 2; i++)); do "$load" stacks 3s >"$work/turns.$i" & pids+=($!); done
	wait "${pids[@]}"
	[ -z "$pid" ] || before=$(($(used $pid) - before))
	for ((i = 0; i < ${#pids[@]}; i++)); do
		turns=$((turns + $(sed -n 's/.*turns=\([0-9]*\).*/\1/p' "$work/turns.$i")))
		cpu=$((cpu + $(sed -n 's/.*cpu_ns=\([0-9]*\).*/\1/p' "$work/turns.$i")))
	done
	[ -z "$pid" ] || { kill -INT $pid; wait $pid; } 2>/dev/null
	calc "($cpu + $before) / $turns" 2
	echo
}
porthole_at() { ns_per_turn porthole record -q -a -F "$1" -e profile -w "$work/trace"; }
perf_at() { ns_per_turn perf record -q -a -F "$1" --call-graph "$2" -o "$work/perf.data"; }
least() { [ -z "$1" ] || awk "BEGIN { exit !($2 < $1) }" && echo "$2" || echo "$1"; }

# What COMMAND adds, % of the CPUs; a sample's part of it, us.
added() { calc "($1 / $bare - 1) * 100" 2; }
sample() { calc "($1 / $bare - 1) * 1000000 / $2" 1; }

cost() {
	local bare='' ours='' dwarf='' fp='' ours_fast='' dwarf_fast='' fp_fast='' i
	# One after the other in each round: a machine's speed changes while it is measured.
	for ((i = 0; i < REPEAT; i++)); do
		bare=$(least "$bare" "$(ns_per_turn)")
		ours=$(least "$ours" "$(porthole_at 99)")
		dwarf=$(least "$dwarf" "$(perf_at 99 dwarf)")
		fp=$(least "$fp" "$(perf_at 99 fp)")
		ours_fast=$(least "$ours_fast" "$(porthole_at 1999)")
		dwarf_fast=$(least "$dwarf_fast" "$(perf_at 1999 dwarf)")
		fp_fast=$(least "$fp_fast" "$(perf_at 1999 fp)")
	done
	row "99 samples a second of each of $cpus busy CPUs" "+$(added "$ours") %" "perf: DWARF +$(added "$dwarf") %, fp +$(added "$fp") %" \
		"$(added "$ours")" "<= 1"
	row "what a sample costs (1999 a second)" "$(sample "$ours_fast" 1999) us" \
		"perf: DWARF $(sample "$dwarf_fast" 1999), fp $(sample "$fp_fast" 1999) us" \
		"$(calc "($ours_fast - $bare) / ($fp_fast - $bare)" 2)" "<= 1.5"
}
[[ $PROFILE_PARTS != *cost* ]] || cost

# ---- how soon -----------------------------------------------------------------------------------------

# 300 processes in four containers, each with 60 libraries and those that they need.
startup() {
	local launched=() real i preload first last memory
	mkdir "$work/libs"
	mapfile -t real < <(ldd "$(command -v perf)" "$(command -v porthole)" | awk '$3 ~ /^\// { print $3 }' |
		grep -vE '/(libc|libpthread|libdl|librt|libnuma|libperl|libbabeltrace[^.]*)\.so' | xargs -n 1 readlink -f | sort -u)
	for ((i = 0; i < 60; i++)); do cp "${real[i % ${#real[@]}]}" "$work/libs/lib$i.so"; done
	preload=$(printf '%s:' "$work"/libs/*.so)
	chmod 755 "$work"
	for i in 1 2 3 4; do
		# shellcheck disable=SC2016
		ph-launch -q -d --timeout 300s --rootfs host --name "bench-profile-$i" -e "LD_PRELOAD=$preload" -- perl -e '
			for (1 .. 74) { fork or last }
			while (1) { my $x = 0; $x += $_ for 1 .. 3000; select undef, undef, undef, 0.25 }' >/dev/null && launched+=("bench-profile-$i")
	done
	until [ "$(pgrep -c perl)" -ge 300 ]; do sleep 0.2; done
	read -r first last < <(best first_complete)
	row "300 processes, $((${#real[@]} + 60)) libraries: a complete stack after" "$first s" "the last that is not: $last s" "$first" "<= 1"
	# "… by tables of 93 files, 4.5 MiB; with the mappings of 300 processes 9.0 MiB of the kernel's memory"
	memory=$(sed -n 's/.* processes \(.*\) of the kernel.s memory$/\1/p' "$work/said")
	row "memory of their tables and mappings" "$memory" "$(sed -n 's/.* tables of \(.*\); with .*/\1/p' "$work/said")" "${memory%% *}" "<= 64"
	for i in "${launched[@]}"; do ph-launch --stop "$i"; done
}

# Seconds from the command to the first complete stack, and to the last one that is not (to the first, where all are).
first_complete() {
	local begun
	rm -rf "$work/trace"
	begun=$EPOCHREALTIME
	porthole profile -c 'bench-profile-*' -d 3s -w "$work/trace" >/dev/null 2>"$work/said"
	porthole view -r "$work/trace" -e callstack -o json | jq -r 'select(.fields.user_end > 0) | "\(.time_ns) \(.fields.user_end)"' |
		awk -v begun="$begun" '
			{ t = $1 / 1e9 - begun }
			$2 == 1 && !first { first = t }
			$2 != 1 { last = t }
			END { if (first) printf "%.2f %.2f\n", first, last ? last : first }'
}
[[ $PROFILE_PARTS != *startup* ]] || startup
