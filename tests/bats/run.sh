#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run the end-to-end tests, as root, against this machine's kernel; TAP on stdout.
#
#	tests/bats/run.sh [FILE.bats...]
#
# PORTHOLE_BUILD is the directory of the programs (default: build). Every file has its time limit
# ("# limit: N s" in it, else 120 s) and its mark in the names of what it starts; whatever a test
# that was ended leaves is removed here.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${PORTHOLE_BUILD:=$(cd "$here/../.." && pwd)/build}"
PH_WORK=$(mktemp -d "${TMPDIR:-/tmp}/porthole-e2e.XXXXXX")
export PORTHOLE_BUILD PH_WORK
[ $# -gt 0 ] || set -- "$here"/*.bats

if [ "$(id -u)" != 0 ]; then
	for f; do echo "ok - $(basename "$f") # skip not root"; done
	rmdir "$PH_WORK"
	exit
fi

mounted() { grep -q " $1 " /proc/self/mounts; }
mounted /sys/kernel/tracing || mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null
mounted /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf 2>/dev/null
mounted /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security 2>/dev/null

# shellcheck source=tests/bats/lib.bash
. "$here/lib.bash"

finish() {
	docker_down
	ph-launch --cleanup >/dev/null
	rm -rf "$PH_WORK"
}
trap finish EXIT
trap 'exit 130' INT TERM

# tap FILE [bats' options]: its results, with the file's name before each test's.
tap() {
	local f=$1 limit
	shift
	limit=$(sed -n 's/^# limit: \([0-9]*\) s.*/\1/p' "$f")
	timeout -k 10 $((${limit:-120} * ${PH_SLOW:-1})) bats --tap "$@" "$f" </dev/null |
		sed -uE "s/^((not )?ok) ([0-9]+) /\1 - $name: /"
	case ${PIPESTATUS[0]} in
	124 | 137) echo "not ok - $name: stopped at its time limit" ;;
	esac
}

# again FILE RESULTS: each test that failed is run once more, alone; what passes then is "unsteady", which is told with what it
# said when it failed. Who runs this says how many may be: two observers of one kernel are compared, on machines that are
# shared, and by the hundred. With PH_ONCE nothing is: for who looks for such tests.
again() {
	local t name_of
	# More than some that fail are broken.
	[ -z "${PH_ONCE:-}" ] && [ "$(grep -c '^not ok' "$2")" -le 3 ] || { cat "$2"; return; }
	while IFS= read -r t; do
		# shellcheck disable=SC2001  # a class of characters
		name_of=$(sed 's/[][\.*^$()+?{}|]/\\&/g' <<<"${t#"$name: "}")
		tap "$1" -f "^$name_of\$" >"$2.again"
		grep -qxF "ok - $t" "$2.again" || continue
		T=$t awk '$0 == "not ok - " ENVIRON["T"] { print "ok - " ENVIRON["T"]; print "# unsteady: " ENVIRON["T"]; said = 1; next }
			!/^#/ { said = 0 } { print (said ? "# at first: " : "") $0 }' "$2" >"$2.now"
		mv "$2.now" "$2"
	done < <(sed -n 's/^not ok - //p' "$2")
	cat "$2"
}

bpf_before=$(bpf_programs)
for f; do
	name=$(basename "$f" .bats)
	export PH_FILE=$name
	began=$SECONDS
	tap "$f" >"$PH_WORK/tap"
	again "$f" "$PH_WORK/tap"
	launch_stop >/dev/null
	echo "# $name: $((SECONDS - began)) s"
done

docker_down
leftover() {
	comm -13 <(echo "$bpf_before") <(bpf_programs)
	find /sys/fs/cgroup -maxdepth 3 -path "*porthole.d/*" -type d
}
nothing_left() { [ -z "$(leftover)" ]; }

# The kernel frees programs a moment after the last descriptor is closed.
if wait_for 20 nothing_left 2>/dev/null; then
	echo "ok - nothing is left behind"
else
	echo "not ok - nothing is left behind"
	while read -r l; do echo "# $l"; done < <(leftover)
fi
