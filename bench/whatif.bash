# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# what-if against what is: loads in containers, recorded once under one limit; how long they would take under four others, and
# the slowest of a hundred of their requests; and how long they do take there, as they say themselves, the median of three runs, and what of the
# requests of all three 99 % took at most. Where these differ by more than a tenth around it (when the periods of a limit begin is chance, which
# may decide), there are nine: what is predicted is of several beginnings, too.
#
# WHATIF="NAME...": some of them only. WHATIF_CGROUP=PATH: below that cgroup, which may have more weight than what else runs on a
# machine that is not idle. WHATIF_KEEP=DIR: traces and predictions are kept there.

whatif=$work/whatif
mkdir -p "$whatif/data"
chmod 777 "$whatif/data"
ms=$(ph-load work calibrate | sed -n 's/.*steps_per_ms=//p')

# In a container, whose output is the command's.
contained() { # NAME CPUS OPTIONS... -- COMMAND...
	local name=$1 limit=()
	[ "$2" = - ] || limit=(--cpus "$2")
	ph-launch --quiet --name "$name" ${WHATIF_CGROUP:+--cgroup "$WHATIF_CGROUP/porthole.d/$name"} --timeout 60s "${limit[@]}" \
		-b "$whatif/data:/data:rw" "${@:3}"
}

# Loads, each under the limit $1: the container whose limit that is is named whatif. What they print is their say.
load_compute() { contained whatif "$1" -- ph-load work compute $((1000 * ms)); }
load_parallel() { contained whatif "$1" -- ph-load work parallel 4 $((300 * ms)); }
load_forkjoin() { contained whatif "$1" -- ph-load work times forkjoin 4 100 $((3 * ms)); }
load_cron() { contained whatif "$1" -- ph-load work times cron 200 75ms $((3 * ms)) 5; }
load_mixed() { contained whatif "$1" -- ph-load work times mixed /data 120 $((6 * ms)) 8; }
load_open() {
	contained whatif "$1" -- ph-load work serve /data/socket 32 2 &
	contained whatif-client - -- ph-load work times ask /data/socket open 32 1600 3750us $((3 * ms / 2))
	wait $!
}
load_closed() {
	contained whatif "$1" --cpu-period 20000 -- ph-load work serve /data/socket 8 0 &
	contained whatif-client - -- ph-load work times ask /data/socket closed 8 400 20ms $((3 * ms))
	wait $!
}
load_pipeline() {
	contained whatif "$1" -- ph-load work times consume /data/socket $((5 * ms)) &
	contained whatif-producer - -- ph-load work produce /data/socket 200 $((6 * ms)) >/dev/null
	wait $!
}
# The same in Docker.
in_docker() { # CPUS OPTIONS... -- SHAPE...
	local limit=() options=()
	[ "$1" = - ] || limit=(--cpus "$1")
	while [ "$2" != -- ]; do
		options+=("$2")
		shift
	done
	docker_run_whatif --rm --name whatif "${limit[@]}" "${options[@]}" porthole-test ph-load work times "${@:3}"
}
docker_run_whatif() {
	docker -H "unix://$whatif/docker.sock" run --network none ${WHATIF_CGROUP:+--cgroup-parent "$WHATIF_CGROUP"} "$@"
}
load_docker-compute() { in_docker "$1" -- compute $((1000 * ms)); }
load_docker-forkjoin() { in_docker "$1" -- forkjoin 3 60 $((6 * ms)); }
# Two that want the same CPU.
load_docker-contended() {
	docker_run_whatif -d --name whatif-other --cpuset-cpus 1 porthole-test ph-load spin 60s >/dev/null
	in_docker "$1" --cpuset-cpus 1 -- cron 30 10ms $((30 * ms))
	docker -H "unix://$whatif/docker.sock" rm -f whatif-other >/dev/null
}

# NAME, the limit under which it is recorded (-: none), those for which it is asked.
loads='compute 2 0.25 0.5 0.75 0.9
parallel - 0.5 0.75 1 1.5
forkjoin 0.75 0.35 0.5 1 1.5
open 2 0.5 0.6 0.75 1
closed 1 0.3 0.5 0.75 1.5
pipeline 2 0.25 0.4 0.6 0.8
mixed - 0.25 0.4 0.6 0.8
cron 0.5 0.25 0.35 0.75 1
docker-compute 1 0.25 0.4 0.6 0.8
docker-forkjoin 2 0.5 0.75 1 1.5
docker-contended - 0.2 0.3 0.4 0.75'

# Behind it how long each request took, one a line.
#
# said FILE: duration, CPU time and p99 of the load's line; of a server's duration and CPU time, and its client's p99. The duration is the container's,
# as what-if's is: a runtime like runc is in it for a tenth of a second before it runs the load.
said() {
	awk '/=/ { for (i = 1; i <= NF; i++) if (split($i, p, "=") == 2) f[p[1]] = p[2]
		if (f["shape"] !~ /^(open|closed)$/) { life = f["life_ns"]; cpu = f["cpu_ns"] }
		if (f["shape"] != "serve") p99 = f["p99_ns"]
		delete f
	} END { print life, cpu, p99 ? p99 : "-" }' "$1"
}

# The recording has begun once what there was is written.
whatif_record() { # NAME CPUS
	local recorder i
	porthole record -q -a -w "$whatif/$1.trace" -e +irq 2>"$whatif/$1.errors" &
	recorder=$!
	for ((i = 0; i < 200; i++)); do
		[ ! -s "$whatif/$1.trace/metadata" ] || break
		sleep 0.05
	done
	"load_$1" "$2" >"$whatif/$1.recorded"
	sleep 0.2
	kill -INT $recorder
	wait $recorder
}

# Of the numbers that come the one in the middle, and how far around it they are, in percent.
middle() {
	sort -g | awk '{ v[NR] = $1 } END {
		m = v[int((NR + 1) / 2)]
		if (m > 0) printf "%.0f %.1f\n", m, (v[NR] - v[1]) / m * 50
		else print "- -" }'
}

# answer NAME CPUS: what-if's duration, p99 (-: of no requests), and from what to what that may be.
answer() {
	jq -r --argjson cpus "$2" '.predictions[] | select(.cpus == $cpus) |
		"\(.duration_ns) \(.requests.p99_ns // "-") \(.range_ns | join(" "))"' "$whatif/$1.json"
}

# by_chance PREDICTED LEAST MOST: does what-if say that it may be another?
by_chance() {
	awk "BEGIN { exit !($3 - $2 > $1 / 10) }"
}

# more_runs NAME CPUS: do the runs differ so much, or does what-if say that they do, that more are wanted?
more_runs() {
	local field duration p99 least most
	read -r duration p99 least most < <(answer "$1" "$2")
	[ "$p99" != - ] || p99=$duration
	! by_chance "$p99" "$least" "$most" || return 0
	for field in 1 3; do
		awk -v f=$field '{ print $f }' "$whatif/$1.$2" | middle
	done | awk '$2 > 10 { more = 1 } END { exit !more }'
}

whatif_run() { # NAME CPUS
	"load_$1" "$2" >"$whatif/now"
	said "$whatif/now" >>"$whatif/$1.$2"
	grep -v = "$whatif/now" >>"$whatif/$1.$2.times"
}

# The least that so many percent of the times that come were not over.
quantile() { # PERCENT
	sort -g | awk -v p="$1" '{ v[NR] = $1 } END { print NR ? v[int((NR * p + 99) / 100)] : "-" }'
}

# Where what-if says itself that it may be from LEAST to MOST, which are more than a tenth apart, it is wrong where what was is not between them.
whatif_row() { # WHAT FIGURE PREDICTED MEASURED SPREAD LEAST MOST
	local error bar=25 predicted
	[[ $3 != - && $4 != - ]] || return
	error=$(calc "100 * ($3 - $4) / $4" | tr -d -)
	predicted=$(calc "$3 / 1e6")
	if by_chance "$3" "$6" "$7"; then
		predicted+=" ($(calc "$6 / 1e6") to $(calc "$7 / 1e6"))"
		bar=$(awk "BEGIN { off = 100 * (($4 < $3 ? $6 : $7) - $3) / $4; off = off < 0 ? -off : off; printf \"%.1f\", (off > 25 ? off : 25) }")
	fi
	row "$1: $2" "$predicted ms" "$(calc "$4 / 1e6") ms +-$5 %" "$error" "<= $bar"
	echo "$error" >>"$whatif/$2"
}

# The load's CPU time, as it says itself: as it was recorded, and in the runs. What that differs by is the recording's doing, and the machine's.
whatif_cpu_row() { # NAME FILES-OF-RUNS...
	local recorded now spread
	recorded=$(said "$whatif/$1.recorded" | cut -d' ' -f2)
	read -r now spread < <((cd "$whatif" && cat "${@:2}") | awk '{ print $2 }' | middle)
	row "$1: CPU time, recorded and not" "$(calc "$recorded / 1e6") ms" "$(calc "$now / 1e6") ms +-$spread %" \
		"$(calc "100 * ($recorded - $now) / $now" | tr -d -)" "<= 5"
}

whatif_load() { # NAME RECORDED-UNDER CPUS...
	local name=$1 under=$2 cpus run now spread duration p99 least most
	shift 2
	whatif_record "$name" "$under"
	porthole what-if -r "$whatif/$name.trace" -c whatif --cpus "$(IFS=,; echo "$*")" --from syscall_entry_getppid --to syscall_entry_getpgid \
		-o json >"$whatif/$name.json" 2>>"$whatif/$name.errors"
	cat "$whatif/$name.errors" >&2
	for run in 1 2 3; do
		for cpus; do
			whatif_run "$name" "$cpus"
		done
	done
	for cpus; do
		more_runs "$name" "$cpus" || continue
		for run in 4 5 6 7 8 9; do
			whatif_run "$name" "$cpus"
		done
	done
	whatif_cpu_row "$name" "${@/#/$name.}"
	for cpus; do
		read -r duration p99 least most < <(answer "$name" "$cpus")
		read -r now spread < <(awk '{ print $1 }' "$whatif/$name.$cpus" | middle)
		# The range is of the requests' p99, where there are some.
		if [ "${p99:--}" = - ]; then
			whatif_row "$name at $cpus CPU" duration "${duration:--}" "$now" "$spread" "${least:--}" "${most:--}"
			continue
		fi
		whatif_row "$name at $cpus CPU" duration "$duration" "$now" "$spread" "$duration" "$duration"
		read -r _ spread < <(awk '{ print $3 }' "$whatif/$name.$cpus" | middle)
		now=$(quantile 99 <"$whatif/$name.$cpus.times")
		whatif_row "$name at $cpus CPU" p99 "$p99" "$now" "$spread" "$least" "$most"
	done
	[ -z "${WHATIF_KEEP:-}" ] || cp -r "$whatif/$name".* "$WHATIF_KEEP"
	rm -rf "$whatif/$name.trace"
}

whatif_docker() (
	export PH_WORK=$whatif PH_FILE=bench PORTHOLE_BUILD=$BUILD
	. tests/bats/lib.bash
	"docker_$1"
)

[[ ${WHATIF:-docker} != *docker* ]] || whatif_docker up
while read -r name under cpus; do
	[[ -z ${WHATIF:-} || " $WHATIF " == *" $name "* ]] || continue
	# shellcheck disable=SC2086 # one by one
	whatif_load "$name" "$under" $cpus </dev/null
done <<<"$loads"
whatif_docker down
for figure in duration p99; do
	[ ! -s "$whatif/$figure" ] || row "median error of $figure, in percent" "$(wc -l <"$whatif/$figure") predictions" \
		"worst: $(sort -g "$whatif/$figure" | tail -n 1)" "$(sort -g "$whatif/$figure" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')" "<= 10"
done
