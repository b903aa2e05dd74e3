# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Stacks of programs that are built in many ways (tests/matrix), each in a Docker container: how many are complete, and whether
# they are what `perf record --call-graph dwarf` says of the same moment. Another task takes the program's CPU away every
# two milliseconds, wherever it is then; both have a sample of that very switch.

matrix=$work/matrix
mkdir -p "$matrix"

# In a shell of its own: the tests' helpers have names that are used here, too.
matrix_record() {	# NAME COMMAND, into $matrix/NAME.*
	local cpu=$(($(nproc) - 1)) dir=$matrix/$1 comm=${2%% *} tick perf
	comm=${comm##*/}
	export PH_WORK=$matrix PH_FILE=bench PORTHOLE_BUILD=$BUILD
	# shellcheck source=tests/bats/lib.bash
	. tests/bats/lib.bash
	taskset -c $cpu chrt -f 10 ph-load burst 1000000 1us 2ms >/dev/null &
	tick=$!
	record "$dir" -q -c "bench-$1" --wait -e profile,sched_switch -F 997 --callstacks sched_switch
	perf record -q -B -N -C $cpu -k CLOCK_MONOTONIC -e sched:sched_switch --filter "prev_comm == \"${comm:0:15}\"" \
		--call-graph "dwarf,${3:-16384}" -o "$dir.perf" 2>"$dir.perf.err" &
	perf=$!
	wait_for 10 test -s "$dir.perf"
	# shellcheck disable=SC2086  # its arguments
	docker run --rm --name "bench-$1" --network none --cpuset-cpus $cpu -e MATRIX_MS=1000 -e MATRIX_IDLE_MS=1500 -v /usr/bin:/usr/bin:ro -v /usr/lib:/usr/lib:ro \
		-v /root:/root:ro -v /etc:/etc:ro --mount "type=bind,src=$matrix/root/usr/lib/debug,dst=/usr/lib/debug,ro" porthole-matrix $2 >"$dir.said" 2>&1
	sleep 0.2
	kill -INT $perf
	wait $perf
	kill $tick
	record_end
}

matrix_compare() {	# NAME COMMAND SOURCE: what bench/matrix.py prints
	local dir=$matrix/$1 symfs=(--symfs "$matrix/root")
	# What the container has from the host is where it is on the host.
	[[ $2 == /m/* ]] || symfs=()
	PERF_OUT=$dir.theirs perf script --no-inline -i "$dir.perf" "${symfs[@]}" -s bench/matrix_perf.py >/dev/null 2>&1
	porthole view -r "$dir" -e callstack -o json -c "bench-$1" | python3 bench/matrix.py "$dir.theirs" "tests/matrix/$3" \
		"$(sed -n 's/^\toffset = \([0-9]*\);/\1/p' "$dir/metadata")" 2>"$dir.differ"
}

matrix_image() (
	export PH_WORK=$matrix PH_FILE=bench PORTHOLE_BUILD=$BUILD
	. tests/bats/lib.bash
	docker_up && tar -C "$matrix/root" -c . | docker import - porthole-matrix >/dev/null
)

matrix_down() (
	export PH_WORK=$matrix PH_FILE=bench PORTHOLE_BUILD=$BUILD
	. tests/bats/lib.bash
	docker_down
)

for tool in docker perf python3 chrt; do command -v $tool >/dev/null || return; done
tests/matrix/programs.sh "$matrix" all >"$matrix/programs" 2>"$matrix/errors" && matrix_image || return
while read -r name source command; do
	[ -z "${MATRIX:-}" ] || [[ " $MATRIX " == *" $name "* ]] || continue
	# A deep stack is to be in perf's copy of it.
	deep=
	[[ $name != many* && $name != lang-* && $name != python* && $name != php* && $name != ruby* && $name != node* && $name != java* ]] || deep=65528
	(matrix_record "$name" "$command" $deep) </dev/null
	read -r samples complete pairs theirs differ < <(matrix_compare "$name" "$command" "$source")
	row "stacks of $name" "$samples samples" "perf: $theirs of $pairs, $differ differ" \
		"$(calc "$complete * 100 / $samples" 2)" ">= 99"
	[ -z "${MATRIX_KEEP:-}" ] || cp -r "$matrix/$name"* "$MATRIX_KEEP"
	rm -rf "$matrix/$name" "$matrix/$name".perf
done <"$matrix/programs"
matrix_down
