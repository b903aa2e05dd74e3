#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole probe: functions that are called a known number of times, in one container and in its neighbour.

load lib
load cause

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	rm -rf "$T"*
}

# target NAME COUNT: a container that waits for SIGUSR1; $PID.
target() {
	launch "$1" -- ph-load probe "$2"
	wait_for 20 grep -qs ready=1 "$PH_WORK/$PH_FILE-$1.log"
}

# begin PROBE...: probes $PH_FILE-in into $T; back when it records.
begin() {
	porthole probe ${PH_SLOW:+--buffer 4M} -c "$PH_FILE-in,$PH_FILE-later" -w "$T" -o json "$@" >"$T.json" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 20 recording "$T" || flunk "$(cat "$T.said")"
}

ended() { [ ! -e "/proc/$1" ]; }

# call PID...: let it call, until it has ended.
call() {
	local p
	kill -USR1 "$@"
	for p; do wait_for 60 ended "$p"; done
}

# of FUNCTION FILTER: of the lines.
of() { jq -s "map(select(.function == \"$1\")) | $2" "$T.json"; }

# Linux 6.1 has each place attached for itself, later ones all of a file at once.
@test "calls in one of two containers of an image: exactly those, with their arguments" {
	local in out n=${PH_SLOW:+500}
	n=${n:-10000}
	target in "$n"
	in=$PID
	target out "$n"
	out=$PID
	begin 'uprobe:/bin/ph-load:ph_load_target(arg1,text=str(arg2),s8(arg3),size=u32(*arg4),next=s32(*(*(arg4+8)+4)),name=str(arg4+16),arg8)' \
		'uretprobe:ph-load:ph_load_rec*(s32(arg1),s32(retval))' 'usdt:ph-load:ph_load:tick(arg1,t=str(arg2),arg3)'
	call "$in" "$out"
	grep -q semaphore=1 "$PH_WORK/$PH_FILE-out.log" || flunk "$(cat "$PH_WORK/$PH_FILE-out.log" "$T.said")"
	# A container that comes later has the same file.
	target later 10
	call "$PID"
	record_end
	[ "$(jq -s "map(select(.container == \"$PH_FILE-in\")) | length" "$T.json")" = $((2 * n + 4)) ]
	[ "$(jq -s "map(select(.container == \"$PH_FILE-later\")) | length" "$T.json")" = 24 ]
	[ "$(jq -r .container "$T.json" | sort -u | wc -l)" = 2 ]
	jq -se "map(select(.container == \"$PH_FILE-in\" and .function == \"ph_load_target\")) | length == $n and
		all(.arg3 == -5 and .size == 4096 and .next == -1 and .name == \"second\" and .arg8 == 8 and .duration_ns == null) and
		([range($n)] == map(.arg1)) and ([range($n) | \"call \\(. % 10)\"] == map(.text))" "$T.json" >/dev/null
	jq -se "map(select(.container == \"$PH_FILE-in\" and .function == \"ph_load:tick\")) | length == $n and
		all(.arg1 == .arg3) and ([range($n) | 0 - .] == map(.arg1)) and ([range($n) | \"call \\(. % 10)\"] == map(.t))" "$T.json" >/dev/null
	# The innermost returns first, and took the least time.
	[ "$(of ph_load_recurse "map(select(.container == \"$PH_FILE-in\") | \"\\(.arg1) \\(.retval)\") | join(\", \")" -r)" = '"0 0, 1 1, 2 3, 3 6"' ]
	of ph_load_recurse 'map(.duration_ns)[:4] | length == 4 and all(. > 0) and . == sort' | grep -qx true
	# The same of the trace, by whoever reads it.
	babeltrace_reads "$T"
	porthole probe -r "$T" -o json | jq -c . | diff - <(jq -c . "$T.json")
	[ "$(porthole probe -r "$T" --count --by container,function -o csv --no-header --sort container | tr -d '\r' | sort | tr '\n' ' ')" = \
		"$PH_FILE-in,ph_load:tick,$n $PH_FILE-in,ph_load_recurse,4 $PH_FILE-in,ph_load_target,$n $PH_FILE-later,ph_load:tick,10 $PH_FILE-later,ph_load_recurse,4 $PH_FILE-later,ph_load_target,10 " ]
	one probe_point '.fields.asked == 1' <<-END
		probe    ? . > 0
		asked    1
		kind     "uretprobe"
		text     "uretprobe:ph-load:ph_load_rec*(s32(arg1),s32(retval))"
		path     ? endswith("/ph-load")
		function "ph_load_recurse"
		offset   ? . > 0
		names    "arg1 retval"
		types    "s32 s32"
	END
	one probe_hit ".container == \"$PH_FILE-in\" and .fields.asked == 0 and .fields.values[0] == 7" <<-END
		probe       0
		asked       0
		unread      0
		values      ? length == 7 and .[6] == 8
		address     ? . > 0
		duration_ns 0
		text1       "call 7"
		text2       "second"
		text3       ""
		text4       ""
	END
}

# On the host only: the kernel side's filter is another test's.
@test "what is not wanted is not recorded; memory that is not there is told" {
	target in 100
	begin 'uprobe:ph-load:ph_load_target(arg1,bad=str(arg6),none=u64(*arg1))' --if 'arg1 >= 95 && comm == "ph-load"'
	call "$PID"
	record_end
	# What could not be read is kept by the kernel side, and asked again here: of this one all was.
	[ "$(jq -r '"\(.arg1) \(.bad) \(.none)"' "$T.json" | tr '\n' ,)" = "95 null null,96 null null,97 null null,98 null null,99 null null," ]
	events "$T" -e probe_hit | jq -se 'length == 100 and all(.fields.unread == 6)' >/dev/null
	target later 100
	rm -rf "$T"
	# By the names of the source, where there is debug information.
	begin --stacks 'uprobe:ph-load:ph_load_target(n,text,small,o->size,o->next->level,o->next->name,eight)' --if 'n >= 95'
	call "$PID"
	record_end
	# No more stacks than hits, either.
	[ "$(events "$T" -e probe_hit | wc -l)" = 5 ]
	[ "$(events "$T" -e callstack | wc -l)" = 5 ]
	[ "$(jq -r '"\(.n) \(.text) \(.small) \(.o_size) \(.o_next_level) \(.o_next_name) \(.eight)"' "$T.json" | tail -n 1)" = \
		"99 call 9 -5 4096 -1 first 8" ]
	# What led to them.
	porthole profile -r "$T" -e probe_hit -o folded >"$T.folded"
	grep -qE ';_start;.*;load_probe;ph_load_target [0-9]+$' "$T.folded" || flunk "$(cat "$T.folded")"
}

# What the program prints of its own arguments, in the same JSON. Linux 6.1 has no way to wait for memory.
@test "floats, bit fields, enumerations and structs by value are what the program itself has" {
	local said text='"a text that is far away"'
	grep -qw bpf_uprobe_multi_link_attach /proc/kallsyms || text=null
	target in 3
	begin 'uprobe:ph-load:ph_load_kinds(pair.first,pair.second,pair.third,large.v[2],large.name,last)' \
		'uprobe:ph-load:ph_load_kinds(ratio=k->ratio,share=k->share,low=k->low,middle=k->middle,high=k->high,next_tag=k->next->tag,word=*words,name=k->next->names[1])' \
		'uretprobe:ph-load:ph_load_kinds(end=retval,x32(retval))' 'uretprobe:ph-load:ph_load_result(tag=retval->tag,state=retval->state)' \
		'uprobe:ph-load:ph_load_far(far=text)' 'uretprobe:ph-load:ph_load_far'
	call "$PID"
	record_end
	said=$(grep -h '^{' "$PH_WORK/$PH_FILE-in.log" | jq -sc add)
	[ "$(jq -r keys[] <<<"$said" | wc -l)" = 14 ]
	[ "$(jq -s '[.[] | with_entries(select(.value != null))] | add' "$T.json" | jq -c --argjson said "$said" 'with_entries(select($said[.key] != null))')" = "$said" ] ||
		flunk "$(cat "$T.json")"
	[ "$(of ph_load_kinds 'map(select(.end)) | map("\(.end) \(.retval)") | join(",")')" = '"PROBE_GONE 4294967294"' ]
	[ "$(of ph_load_result 'map("\(.tag) \(.state)") | join(",")')" = '"wxyz PROBE_GONE"' ]
	of ph_load_far "map(.far) == [$text, null]" | grep -qx true
	[ "$(porthole probe -r "$T" --if 'low == 3' --count --by function -o csv --no-header | tr -d '\r')" = ph_load_kinds,1 ]
	[ "$(porthole probe -r "$T" --if 'ratio < -3.7 && share > 1.4' --count --by function -o csv --no-header | tr -d '\r')" = ph_load_kinds,1 ]
	[ "$(porthole probe -r "$T" --if 'end == PROBE_GONE' --count --by function -o csv --no-header | tr -d '\r')" = ph_load_kinds,1 ]
}

# fails TEXT PROBE...: it says so, and nothing runs on.
fails() {
	local text=$1
	shift
	run ! porthole probe "$@" -- true
	[[ $output == *"$text"* ]] || flunk "$output"
}

# On the host only: nothing is recorded.
@test "what cannot be probed is told, with the nearest name" {
	bats_require_minimum_version 1.5.0
	fails "has no function 'ph_load_tarket'; did you mean 'ph_load_target'?" "uprobe:$PORTHOLE_BUILD/ph-load:ph_load_tarket"
	fails "it has no argument 'txt', did you mean 'text'?" "uprobe:$PORTHOLE_BUILD/ph-load:ph_load_target(txt)"
	fails "'probe_object' has no member 'sise'" "uprobe:$PORTHOLE_BUILD/ph-load:ph_load_target(o->sise)"
	fails "has no USDT probe 'tock'; did you mean 'tick'?" "usdt:$PORTHOLE_BUILD/ph-load:ph_load:tock"
	fails "none of those who are selected has a file /no/such" uprobe:/no/such:f
	fails "no process of those who are selected has libk.so.6" uprobe:libk.so.6:f
	fails "has nothing at that address" uprobe:libc.so.6:0xffffffffff
	fails "chosen when the program starts (an IFUNC)" uprobe:libc.so.6:strlen
	fails "is no program or library" uprobe:/etc/passwd:f
	fails "did you mean 'sched_switch'?" tracepoint:sched:sched_swich
	fails "it has no field 'pref_pid', did you mean 'prev_pid'?" 'tracepoint:sched:sched_switch(pref_pid)'
	[ -e /sys/bus/event_source/devices/kprobe ] || fails "without kprobes (CONFIG_KPROBES)" kprobe:vfs_read
	fails "what is to be probed?"
}

# On the host only: lists and programs of another tracer, which that kernel has no part in.
@test "what can be probed is listed, and bpftrace's programs see the container alone" {
	local in out
	need bpftrace
	target in 20
	in=$PID
	target out 20
	out=$PID
	porthole probes -c "$PH_FILE-in" -o json ph_load_ >"$T.json"
	[ "$(grep '"uprobe"' "$T.json" | jq -r .probe | sort | tr '\n' ' ')" = \
		"$(printf 'uprobe:/bin/ph-load:ph_load_%s ' far kinds recurse result target)" ]
	# As readelf shows it.
	[ "$(porthole probes -c "$PH_FILE-in" 'usdt:*' -o json | jq -r '"\(.function) \(.args)"')" = \
		"ph_load:tick $(readelf -n "$PORTHOLE_BUILD/ph-load" | sed -n 's/^ *Arguments: //p')" ]
	porthole probes tracepoint:sched:sched_switch -o csv --no-header --fields probe | tr -d '\r' | grep -qx tracepoint:sched:sched_switch
	porthole bpftrace -c "$PH_FILE-in" -e 'BEGIN { printf("begun\n"); } uprobe:/bin/ph-load:ph_load_target /arg0 >= 10/ {
		printf("%s %d %d %s\n", $container_name, pid == $container_pid, arg0, str(arg1)); }
		uretprobe:ph-load:ph_load_recurse /retval == 6/ { exit(); }' >"$T.bt" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 60 grep -q begun "$T.bt" || flunk "$(cat "$T.said")"
	# The neighbour comes first: its calls are not seen, and its last return ends nothing.
	call "$out"
	call "$in"
	wait_for 20 ended "$RECORDER"
	grep -c "^$PH_FILE-in 1 1[0-9] call [0-9]$" "$T.bt" | grep -qx 10 || flunk "$(cat "$T.bt")"
	[ "$(grep -c call "$T.bt")" = 10 ]
}
