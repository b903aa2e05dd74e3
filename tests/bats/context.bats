#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# record --context: what it says of a task is what /proc says of the same task.

load lib

FIELDS="pid ppid vtid vpid vppid prio nice uid euid suid gid egid sgid cgroup_ns ipc_ns mnt_ns net_ns
	pid_ns time_ns user_ns uts_ns cgroup_id comm"

# The inode of the group whose CPU time it is: of the cpu controller, or of v2.
cgroup_of() {
	local rest path dir=
	while IFS=: read -r _ rest path; do
		case ,$rest, in
		*,cpu,*) dir=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpu(,|$)/ { print $2 }' /proc/self/mounts) ;;
		,,) [ -n "$dir" ] || dir=$(awk '$3 == "cgroup2" { print $2 }' /proc/self/mounts) ;;
		*) continue ;;
		esac
		stat -c %i "$(head -n 1 <<<"$dir")$path"
		return
	done < <(sort -t: -k1,1nr "$1/cgroup")
}

# task DIR: its values in the order of FIELDS, by /proc.
task() {
	awk -v nstat="$(sed 's/.*) //' "$1/stat")" -v cgroup="$(cgroup_of "$1")" \
		-v parents="$(sed -n 's/^NStgid:\t//p' "/proc/$(awk '/^PPid/ { print $2 }' "$1/status")/status")" \
		-v ns="$(for n in cgroup ipc mnt net pid time user uts; do
			readlink "$1/ns/$n" | grep -o '[0-9]*'; done | paste -sd' ')" '
	/^(Name|Tgid|PPid|NSpid|NStgid|Uid|Gid):/ {
		key = $1; sub(/^[^\t]*\t/, "")
		v[key] = $0; last[key] = $NF; level[key] = NF
		if (key ~ /[UG]id/) { split($0, f); v[key] = f[1] " " f[2] " " f[3] }
	}
	END {
		split(nstat, s); n = split(parents, up)
		# Its parent has no number where the task is, unless that is on the same level.
		print v["Tgid:"], v["PPid:"], last["NSpid:"], last["NStgid:"],
			n < level["NSpid:"] ? 0 : up[level["NSpid:"]], s[16], s[17],
			v["Uid:"], v["Gid:"], ns, cgroup, v["Name:"]
	}' "$1/status"
}

# look: each task's contexts of all its events, without what is twice: TID VALUES.
look() {
	porthole record -q -c "$PH_FILE-who" -e nanosleep --context all -w "$T" -d 500ms
	events "$T" -e nanosleep | jq -r --arg f "$FIELDS" '[.tid] + [. as $e |
		($f | [scan("[a-z_]+")])[] | $e.fields[.] // $e[.] // "none"] | map(tostring) | join(" ")' |
		sort -u >"$T.seen"
}

# compare PID: with /proc, all tasks of the container whose first is PID.
compare() {
	local d n=0 cgroup
	cgroup=$(grep -m 1 "$PH_FILE-who" "/proc/$1/cgroup")
	for d in $(grep -lsxF "$cgroup" /proc/[0-9]*/task/[0-9]*/cgroup); do
		d=${d%/cgroup}
		echo "${d##*/} $(task "$d")"
	done | sort >"$T.proc"
	diff "$T.proc" "$T.seen" >"$T.diff" ||
		flunk "tid $(tr -s '\t\n' ' ' <<<"$FIELDS")" "by /proc (<) and by the trace (>):" "$(cat "$T.diff")" ||
		return
	n=$(wc -l <"$T.proc")
	[ "$n" = "$2" ] || flunk "$n tasks, not $2"
}

named() { [ "$(cat /proc/[0-9]*/task/*/comm 2>/dev/null | grep -c "^who-")" -ge "$1" ]; }

@test "contexts are what /proc says, of threads, children, and in nested namespaces" {
	launch who --caps all -- ph-load who 300s
	wait_for 20 named 10
	look
	compare "$PID" 10
}

@test "contexts are the host's ids in a user namespace" {
	launch who --unshare all --caps all -- ph-load who 300s
	wait_for 20 named 10
	look
	compare "$PID" 10
	has "$T" '.fields.uid == 100000 and .fields.vtid == 1' -e nanosleep
}
