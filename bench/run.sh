#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measure porthole against its peers in one run on this machine, best of several, as ratios.
#
#	bench/run.sh [NAME...]		(NAME: a file bench/NAME.bash; REPEAT=N runs of each, default 5)
#
# A row says what porthole took, what the peer took, the ratio, and the bar that it should stay
# under (or over). It needs root and an idle machine: other load makes the rows wrong.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
: "${BUILD:=build}" "${REPEAT:=5}"

scripts/deps.sh build bench || exit
make --no-print-directory BUILD="$BUILD" all >/dev/null || exit
PATH=$PWD/$BUILD:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/porthole-bench.XXXXXX")
trap 'rm -rf "$work"; ph-launch --cleanup >/dev/null' EXIT
trap 'exit 130' INT TERM
missed=0

# best COMMAND...: the least number that COMMAND prints in REPEAT runs.
best() {
	local i
	for ((i = 0; i < REPEAT; i++)); do "$@"; done | sort -g | head -n 1
}

# calc EXPRESSION [DIGITS]: nothing where a number is missing in it.
calc() {
	local hole='(^|[-+*/(]) *($|[-+*/)])'
	[[ $1 =~ $hole ]] || awk "BEGIN { printf \"%.${2:-1}f\", $1 }" 2>/dev/null
}

# row NAME PORTHOLE PEER VALUE "<= BAR": VALUE is what the bar is for, a ratio mostly.
row() {
	local ok=missed
	if [ -z "$4" ]; then
		ok='not measured'
	elif awk "BEGIN { exit !($4 $5) }"; then
		ok=''
	fi
	[ "$ok" != missed ] || missed=$((missed + 1))
	printf '%-46s | %16s | %22s | %8s | %8s | %s\n' "$1" "$2" "$3" "$4" "$5" "$ok"
}

# ns_per_call COMMAND...: of a `ph-load getppid` among its arguments.
ns_per_call() { "$@" 2>/dev/null | sed -n 's/.* ns_per_call=\([0-9.]*\).*/\1/p'; }

# recorded OPTIONS... -- COMMAND: under porthole record, the trace thrown away; output is COMMAND's.
recorded() {
	rm -rf "$work/trace"
	porthole record -q -w "$work/trace" "$@"
}

if [ $# = 0 ]; then
	set -- bench/*.bash
	set -- "${@#bench/}"
	set -- "${@%.bash}"
fi
printf '%-46s | %16s | %22s | %8s | %8s |\n' benchmark porthole peer value bar
for b; do
	# shellcheck source=/dev/null
	. "bench/$b.bash"
done
[ $missed = 0 ]
