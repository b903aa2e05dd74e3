#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion, as bash calls it.
#
#	completion.sh PORTHOLE COMPLETION_FILE
set -uo pipefail
prog=$(realpath "$1") failed=0
# shellcheck source=completion/porthole
. "$2"
# Only bash's own completion may call it: it complains about being outside of one.
compopt() { :; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A porthole whose containers are known; all else is the real one's.
cat >"$work/porthole" <<END
#!/usr/bin/env bash
if [ "\$1" = ps ] && [ "\$2" = -o ]; then
	[ "\$5" != container ] || printf '%s\n' web-1 web-2 db 'a b' '\$(reboot)'
	exit
fi
exec "$prog" "\$@"
END
chmod +x "$work/porthole"
mkdir "$work/trace-dir"
cd "$work" || exit

# complete_words WORD... : what completes the last one.
complete_words() {
	COMP_WORDS=("$work/porthole" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_porthole
	printf '%s\n' "${COMPREPLY[@]}" | sort -u | paste -sd' '
}

# is "EXPECTED" WORD...; a trailing "..." in EXPECTED: that many words are not told.
is() {
	local want=$1 got
	shift
	got=$(complete_words "$@")
	if [ "$got" != "$want" ]; then
		printf "'porthole %s': '%s', not '%s'\n" "$*" "$got" "$want"
		failed=1
	fi
}

has() {
	local want=$1 got
	shift
	got=" $(complete_words "$@") "
	if [[ $got != *" $want "* ]]; then
		printf "'porthole %s': '%s' lacks '%s'\n" "$*" "$got" "$want"
		failed=1
	fi
}

is "record" rec
is "doctor" d
has "inspect" ""
has "--version" --v
is "view" help v
is "--write" record --wr
has "--container" record --
has "-c" record -
has "--help" record --h
is "--strict" view trace-dir --str
is "trace-dir" view tr
is "trace-dir" record -w tr
is "trace-dir" record --write = tr
is "db web-1 web-2" record -c ""
is "web-1 web-2" record -c web
is "db,web-1 db,web-2" record --container db,w
is "web-1 web-2" ps web
is "" inspect '$'
is "json jsonpretty" ps -o j
is "babeltrace" view trace-dir -o bab
is "csv" view trace-dir --output = c
has "sched_switch" record -e sched_s
has "sched" record -e sch
has "sched,sched_switch" record -e sched,sched_sw
has "syscall_entry_openat" view trace-dir -e syscall_entry_openat
is "memory_limit_bytes" ps --fields memory_limit_b
has "container_id" view trace-dir --fields container_
is "" record -d 1
has "bash" record -- bas
is "throttled" why thr
is "slow" why sl
is "slowest" why slow --table slow
is "fdatasync" why slow --syscall fdatas
is "--timeline" why throttled --tim
is "sync" trace syn
is "%file" trace syscalls -e %fi
is "open,openat open,openat2" trace syscalls -e open,openat
is "--hist" trace sync --hi
is "duration_ns" trace sync --sort dur
is "csv" trace exec -o cs
is "target_comm" trace signal --fields target_comm
is "svg" profile -r trace-dir -o sv
is "image" profile -r trace-dir --by im
has "function" profile -r trace-dir --fields fu
is "pod" why throttled -r trace-dir --by po

# Each option of each verb is offered.
for v in $("$prog" --help | awk '/^Verbs:/ { on = 1; next } on && NF == 0 { exit } on { print $1 }'); do
	[ "$v" != help ] || continue
	offered=" $(complete_words "$v" --) "
	for o in $("$prog" "$v" --help | grep -oE '^  (-[a-zA-Z],|   ) --[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'); do
		[[ $offered == *" $o "* ]] || { echo "porthole $v: $o is not offered"; failed=1; }
	done
done
exit $failed
