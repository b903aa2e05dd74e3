#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make demo: start real containers, record them for a few seconds, show who did what.
#
#	scripts/demo.sh [--sample DIR]
#
# Installs what is missing (as root, asking for nothing), builds, and cleans up after itself, also
# when it is interrupted. Where the host refuses, it says what is missing and shows the same on a
# small trace that comes with the project. --sample only records such a trace (DEMO_SECONDS long):
#
#	PH_VM_RUN='echo hello >/etc/motd; TMPDIR=/mnt scripts/demo.sh --sample /tmp/t >&2 && tar -C /tmp/t -czf - .' \
#		tests/vm/run.sh | tar -C tests/data/demo-trace -xz
set -uo pipefail
cd "$(dirname "$0")/.." || exit
build=${BUILD:-build}
porthole=$build/porthole
seconds=${DEMO_SECONDS:-4}
pause=4ms	# between two pages of demo-web
events=sched,wait,syscall,block,net,denied
trace=$build/demo-trace
sample=tests/data/demo-trace
names=(demo-web demo-db demo-batch demo-tiny)

if [ -t 1 ]; then
	bold=$'\033[1m' dim=$'\033[2m' off=$'\033[0m'
else
	bold='' dim='' off=''
fi

width=$(tput cols 2>/dev/null </dev/tty) || width=160
[ "$width" -ge 80 ] || width=80

title() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
note() { printf '%s\n' "$*"; }

# show LINES COMMAND...: the command as one would type it, and the beginning of what it prints.
show() {
	local max=$1 out n
	shift
	printf '\n%s$ %s%s\n' "$dim" "$(printf '%s ' "${@@Q}" | sed "s/'\([][A-Za-z0-9_.,/:=%+-]*\)'/\1/g; s/ \$//")" "$off"
	out=$("$@" 2>&1)
	n=$(wc -l <<<"$out")
	# Tables are cut, sentences go on in the next line.
	head -n "$max" <<<"$out" | awk -v w=$((width - 3)) '
		length($0) > w && !/[^ ]  / {
			match($0, /^ */); in_ = substr($0, 1, RLENGTH); line = ""
			n = split($0, word, " ")
			for (i = 1; i <= n; i++) {
				if (line != "" && length(in_ line word[i]) >= w) { print "  " in_ line; line = "" }
				line = line (line == "" ? "" : " ") word[i]
			}
			$0 = in_ line
		}
		length($0) > w { $0 = substr($0, 1, w) "…" }
		{ print "  " $0 }'
	[ "$n" -le "$max" ] || printf '%s  … and %d more lines%s\n' "$dim" $((n - max)) "$off"
}

prepare() {
	# Nothing is missing on most runs, and this is over in a blink.
	if ! scripts/deps.sh build demo >"$log" 2>&1; then
		tail -n 3 "$log"
		[ -x "$porthole" ] || exit 1
	fi
	[ -e "$build/build.ninja" ] || note "Building in $build …"
	if ! make --no-print-directory BUILD="$build" all >"$log" 2>&1; then
		cat "$log"
		exit 1
	fi
}

stop_containers() {
	local n
	[ -n "$shared" ] || return
	for n in "${names[@]}"; do
		"$build/ph-launch" --stop "$n" >/dev/null 2>&1
	done
	rm -rf "$shared"
	shared=
}

# start NAME [ph-launch options] -- COMMAND
start() {
	local name=$1 out
	shift
	"$build/ph-launch" --detach --quiet --name "$name" --timeout 120s "${userns[@]}" "$@" \
		>/dev/null 2>"$log" && return
	out=$(cat "$log")
	# Not every host lets root make user namespaces: the rest is as good without.
	if [ ${#userns[@]} -gt 0 ]; then
		userns=()
		start "$name" "$@"
		return
	fi
	note "The container $name could not be started: ${out#ph-launch: }"
	return 1
}

start_containers() {
	"$build/ph-launch" --cleanup >/dev/null 2>&1
	shared=$(mktemp -d "${TMPDIR:-/tmp}/porthole-demo.XXXXXX") && chmod 777 "$shared" || return
	userns=(--unshare all)
	start demo-db --bind "$shared:/shared:rw" --memory 64M -- ph-load db /shared/db 100s /shared &&
		start demo-web --bind "$shared:/shared:rw" --pids 20 -- ph-load web /shared/db 100s "$pause" &&
		start demo-batch --cpus 0.5 -- ph-load spin 100s &&
		start demo-tiny --seccomp keyctl,mkdir --no-new-privs -- sh -c \
			'while :; do /bin/date >/tmp/now; /bin/cat /tmp/now /etc/motd; /bin/mkdir /tmp/x; /bin/sleep 0.1; done'
}

# What of the demonstration's needs is missing here, a line each.
missing() {
	[ "$(id -u)" = 0 ] || echo "root (or CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN): try sudo make demo"
	[ -e /sys/kernel/btf/vmlinux ] || echo "a kernel with BTF: /sys/kernel/btf/vmlinux is not there (CONFIG_DEBUG_INFO_BTF)"
	! grep -qs '\[confidentiality\]' /sys/kernel/security/lockdown || echo "BPF: the kernel is locked down (confidentiality)"
}

record() {
	rm -rf "$trace"
	mkdir -p "$(dirname "$trace")"
	local c
	c=$(tr ' ' , <<<"${names[*]}")
	printf '\n%s$ %s%s\n' "$dim" "$porthole record -c $c -e $events -d ${seconds}s -w $trace" "$off"
	"$porthole" record -c "$c" -e "$events" -d "${seconds}s" -w "$trace" 2>"$log"
	local rc=$?
	sed 's/^/  /' "$log"
	return $rc
}

report() {
	title "Who did what"
	show 30 "$porthole" view -r "$trace" --stats --max-entries 10

	title "demo-batch: why is it slow? Its limit is half a CPU"
	show 14 "$porthole" why throttled -r "$trace" -c demo-batch

	title "demo-tiny: why are its calls refused?"
	show 14 "$porthole" why denied -r "$trace" -c demo-tiny

	title "demo-db: what does it wait for?"
	show 12 "$porthole" why slow -r "$trace" -c demo-db

	title "One request across two containers: demo-web asks, demo-db answers"
	show 8 "$porthole" view -r "$trace" -c demo-web,demo-db \
		--fields time,container,comm,tid,event,fields \
		-e 'syscall_entry_connect,syscall_exit_accept4,syscall_entry_fdatasync,syscall_exit_fdatasync'

	title "The trace"
	note "  $trace ($(du -sh "$trace" 2>/dev/null | cut -f1)): CTF, with the containers' names in it. To go on:"
	printf '    %-50s %s\n' "$porthole view -r $trace -c demo-db" "every event of one container" \
		"$porthole view -r $trace -o json" "one JSON object an event" \
		"babeltrace2 $trace" "any other CTF reader; Trace Compass too"
}

main() {
	prepare
	local lacks
	lacks=$(missing)
	if [ -z "$lacks" ]; then
		title "Four containers, made of namespaces and control groups alone"
		note "  demo-web    serves pages, asks demo-db for each    demo-db    answers, writes a log, syncs it"
		note "  demo-batch  computes, may use half a CPU           demo-tiny  runs short commands, one is refused"
		if start_containers; then
			sleep 0.3
			show 12 "$porthole" ps
			title "Recording them for $seconds seconds"
			if record; then
				stop_containers
				report
				return
			fi
			lacks="what 'porthole record' says above"
		else
			lacks="the right to make namespaces and control groups"
		fi
	fi
	title "This host cannot record containers. What is missing:"
	# shellcheck disable=SC2001  # a line each
	sed 's/^/  - /' <<<"$lacks"
	note ""
	note "'$porthole doctor' tells more. The rest on a trace that was recorded elsewhere:"
	trace=$sample
	report
}

log=$(mktemp) shared=
trap 'stop_containers; rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ "${1:-}" = --sample ]; then
	trace=$2 seconds=${DEMO_SECONDS:-0.5} pause=40ms
	start_containers && sleep 0.3 && record
	exit
fi
main
