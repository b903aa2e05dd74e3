# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One event in a container and the same in its neighbour.

# cause GROUPS [ph-launch options] -- COMMAND: the container "in" is recorded from its first
# instruction, "out" does the same beside it; what "in" said is in $T.said. With $KERNEL, events of
# the kernel's own tracer (irq/irq_handler_entry …), that records them meanwhile.
cause() {
	local groups=$1
	shift
	record "$T" -q -c "$PH_FILE-in" --wait -e "$groups"
	[ -z "${KERNEL:-}" ] || kernel_traces
	launch_wait out "$@" >"$T.out-said" 2>&1 &
	launch_wait in "$@" >"$T.said" 2>&1 || flunk "$(cat "$T.said")" || return
	wait $!
	[ -z "${KERNEL:-}" ] || kernel_traced
	record_end
}

# said KEY: the value of key=value.
said() { sed -n "s/.*\<$1=\([^ ]*\).*/\1/p" "$T.said" | head -n 1; }

# host_tid N: the host's id of the thread that is N in the container. Its first was made by the
# launcher, outside, and shows by its exec.
host_tid() {
	events "$T" -e sched_process_fork,sched_process_exec | jq -s "map(select(.container == \"$PH_FILE-in\")) |
		if $1 == 1 then map(select(.event == \"sched_process_exec\").fields.tid)
		else map(.fields | select(.vtids and .vtids[-1] == $1).child_tid) end | .[0] // \"no-$1\""
}

# only EVENT CONDITION FIELDS: there is exactly one such event, in the container, with these fields.
only() {
	local found
	found=$(events "$T" -e "$1" | jq -c "select($2)")
	[ "$(grep -c . <<<"$found")" = 1 ] || flunk "$1, $2: not one but:" "$found" || return
	jq -e ". as \$e | $3 | to_entries | all(.value == \$e.fields[.key])" <<<"$found" >/dev/null ||
		flunk "$1: expected $3, not" "$found"
}

# --- every field of an event ---
#
# A table on stdin, as <<-END (which tests/docs/fields.sh reads as well: it tells which fields of
# events.def are in no table):
#
#	FIELD VALUE		what it must be, as jq writes it
#	FIELD ? CONDITION	what must be true of it: in jq, `.` is the value, $e the event

# one, some, every EVENT[,EVENT...] CONDITION: of each of these events for which CONDITION (of the
# event) is true there is exactly one, or some, or all (and at least one) have these fields.
one() { table 'length == 1 and .[0].bad == []' "$@"; }
some() { table 'any(.bad == [])' "$@"; }
every() { table 'length > 0 and all(.bad == [])' "$@"; }

table() {
	local how=$1 names=$2 cond=$3 checks='empty' field value name found
	while read -r field value; do
		case $value in
		'? '*) checks+=", {$field: (.fields.$field | ${value#\? })}" ;;
		*) checks+=", {$field: (.fields.$field == ($value))}" ;;
		esac
	done
	for name in ${names//,/ }; do
		found=$(events "$T" -e "$name" | jq -c ". as \$e | select($cond) | {is: .,
			bad: [$checks | select(.[] | not) | keys[]]}") || return
		jq -se "$how" <<<"$found" >/dev/null ||
			flunk "$name, $cond: $(grep -c . <<<"$found") of them, the first with what is wrong:" \
				"$(jq -cs 'sort_by(.bad == [])[:5][]' <<<"$found")" || return
	done
}

# walked NAME COMM: its samples that have no stack (user_end 0) are of tasks at their end, in do_exit(), where there is no memory any
# more, or in exec, where there is no program. (Of an entry to the kernel it may not know the way itself: one address.)
walked() {
	events_csv address,name -e kernel_symbol | sed -n 's/,\(do_exit\|load_elf_binary\)$//p' >"$T.none"
	! events_csv user_end,container,comm,callstack_kernel -e callstack | grep "^0,$PH_FILE-$1,$2,.*, " | grep -vFf "$T.none" || flunk "not walked"
}

# --- the kernel's own tracer, as the oracle ---

kernel_traces() {
	local e dir=/sys/kernel/tracing/instances/porthole-$PH_FILE
	mkdir "$dir"
	echo mono >"$dir/trace_clock"
	# Pointers as they are, where there are some: Linux 6.1 then leaves out strings.
	[[ $KERNEL == *irq_handler* ]] || echo 0 >"$dir/options/hash-ptr"
	echo 0 >"$dir/options/overwrite"
	echo 4096 >"$dir/buffer_size_kb"
	for e in $KERNEL; do
		echo 1 >"$dir/events/$e/enable"
	done
}

# kernel_only EVENT FILTER: of this event these alone. A machine that is busy otherwise has the buffers full within seconds.
kernel_only() {
	echo "$2" >"/sys/kernel/tracing/instances/porthole-$PH_FILE/events/$1/filter"
}

kernel_traced() {
	local dir=/sys/kernel/tracing/instances/porthole-$PH_FILE
	echo 0 >"$dir/tracing_on"
	# What follows then misses them.
	grep -H '^dropped events: [1-9]' "$dir"/per_cpu/cpu*/stats || true
	cat "$dir/trace" >"$T.kernel"
	kernel_forgets
}

# The lines but for what happened while process 1 had a CPU: there are kernels that show none of it to BPF programs.
kernel_told_all() {
	local tasks
	tasks=$(cd /proc/1/task && echo *)
	grep -vE "^ *.{1,16}-(${tasks// /|}) +\\[" "$T.kernel"
}

kernel_forgets() {
	local dir=/sys/kernel/tracing/instances/porthole-$PH_FILE
	[ ! -d "$dir" ] || rmdir "$dir"
}

# same EVENT[,EVENT...] KERNEL'S TID: what happened while TID had the CPU, in its order, is what the
# kernel's tracer saw there; KERNEL'S is an event, or a list as long as the first. In the table:
#
#	FIELD KEY [HOW]		the text behind KEY (~ is a blank) in the kernel's line is the field; HOW: hex,
#				symbol (the field is an address in this function), handled (1)
same() {
	local names=$1 kernels=$2 tid=$3 fields='' keys='' field key how name kernel
	while read -r field key how; do
		fields+=,$field keys+=" $key:$how"
	done
	for name in ${names//,/ }; do
		kernel=${kernels%%,*}
		kernels=${kernels#*,}
		events_csv "tid,cpu$fields" -e "$name" | sed -n "s/^$tid,//p" >"$T.ours"
		awk -v tid="$tid" -v event="$kernel:" -v keys="$keys" '
			match($0, / +\[[0-9]+\] /) && substr($0, 1, RSTART - 1) ~ "-" tid "$" {
				cpu = substr($0, RSTART, RLENGTH); gsub(/[^0-9]/, "", cpu)
				at = index($0, " " event " ")
				if (!at) next
				rest = " " substr($0, at + length(event) + 2) " "; out = cpu + 0
				n = split(keys, k, " ")
				for (i = 1; i <= n; i++) {
					split(k[i], kh, ":")
					gsub(/~/, " ", kh[1])
					p = index(rest, " " kh[1]); v = substr(rest, p + 1 + length(kh[1]))
					sub(/ .*/, "", v); sub(/\].*/, "", v)
					if (kh[2] == "handled") v = v == "handled" ? 1 : 0
					if (kh[2] == "hex") { sub(/^0x/, "", v); v = "0x" toupper(v) }
					out = out "," (p ? v : "?")
				}
				print out
			}' "$T.kernel" >"$T.theirs"
		[[ $keys != *:symbol* ]] || symbols "$keys"
		[ -s "$T.theirs" ] || flunk "the kernel's tracer saw no $kernel of $tid" || return
		diff "$T.ours" "$T.theirs" >"$T.diff" ||
			flunk "$name, and what the kernel says:" "$(head -n 20 "$T.diff")" \
				"$(grep -m 2 -e "-$tid .* $kernel:" "$T.kernel")" || return
	done
}

events_csv() { porthole view -r "$T" -o csv --no-header --fields "$@"; }

# Addresses of $T.ours by the functions that they are in: of several at one address that which the
# kernel named.
symbols() {
	# Without modules and BPF programs, which come last: to list those takes the kernel a minute.
	[ -e "$PH_WORK/symbols" ] || awk '/\[/ { exit } $2 ~ /[tTwW]/' /proc/kallsyms | sort >"$PH_WORK/symbols"
	awk -F, -v keys="$1" '
		FILENAME == ARGV[1] { split($0, w, " "); a = toupper(w[1]); if (a != at[n]) at[++n] = a; names[n] = names[n] w[3] " "; next }
		FILENAME == ARGV[2] { theirs[FNR] = $0; next }
		FNR == 1 { nk = split(keys, k, " ") }
		{
			split(theirs[FNR], t, ",")
			for (i = 1; i <= nk; i++)
				if (k[i] ~ /:symbol$/) {
					v = substr($(i + 1), 3)
					lo = 1; hi = n
					while (lo < hi) {
						mid = int((lo + hi + 1) / 2)
						if ("x" at[mid] <= "x" v) lo = mid; else hi = mid - 1
					}
					$(i + 1) = index(" " names[lo], " " t[i + 1] " ") ? t[i + 1] : names[lo]
				}
			OFS = ","; $1 = $1; print
		}' "$PH_WORK/symbols" "$T.theirs" "$T.ours" >"$T.named"
	mv "$T.named" "$T.ours"
}

# Nothing happened in the neighbour, and to none of its tasks; but that it woke, or made room for,
# one of the container's.
neighbour_is_absent() {
	local ours
	ours=$(events "$T" | jq -sc "map(select(.container == \"$PH_FILE-in\").tid) | unique")
	hasnt "$T" ".container == \"$PH_FILE-out\" and
		([.fields.next_tid // .fields.tid] | inside($ours) | not)"
	hasnt "$T" "[.fields | to_entries[] | select(.key | endswith(\"container_name\")).value] |
		any(. == \"$PH_FILE-out\")"
}

# median FIELD: of the lines on stdin. What a busy machine adds to some of many comparisons does not move it.
median() { awk -v f="$1" '{ print $f }' | sort -n | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "none" }'; }
