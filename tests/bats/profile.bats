#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stacks of programs without frame pointers, walked in the kernel: those that ph-load stacks is known to have.
# limit: 240 s

load lib
load cause

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	rm -rf "$T"*
}

# The stacks of the container by names, "END leaf;caller;…;start" a line: each address by process_map and user_symbol.
stacks() {
	events "$T" -e callstack,process_map,user_symbol | jq -rs "
		(map(select(.event == \"user_symbol\" and .fields.depth == 0).fields | {key: \"\\(.file) \\(.vaddr)\", value: .name}) |
			from_entries) as \$names |
		(map(select(.event == \"process_map\").fields | select(.end != 0)) | group_by(.pid) |
			map({key: \"\\(.[0].pid)\", value: .}) | from_entries) as \$maps |
		.[] | select(.event == \"callstack\" and .container == \"$PH_FILE-in\" and (.fields | $1)) |
		\"\\(.pid)\" as \$pid | [.fields.callstack_user | to_entries[] | (.value - (if .key > 0 then 1 else 0 end)) as \$a |
			([\$maps[\$pid][]? | select(.begin <= \$a and \$a < .end)] | last) as \$m |
			if \$m then \$names[\"\\(\$m.file) \\(\$a - \$m.begin + \$m.vaddr)\"] // \"?\" else \"-\" end] |
		join(\";\")"
}

@test "samples: recursion, a signal's handler, a thread, each to its beginning" {
	local n all complete deep
	record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 500
	launch_wait out -- ph-load stacks 100ms
	# The first one is what becomes known: which files there are, and how to walk through them.
	launch_wait in -- sh -c "ph-load stacks 500ms; ph-load stacks 2s" >"$T.said" || flunk "$(cat "$T.said")"
	record_end
	every callstack ".container == \"$PH_FILE-in\"" <<-END
		trigger          0
		weight           ? . > 0
		unit             ? . == 0 or . == 1
		comm             ? IN("ph-load", "ph-launch", "sh")
		tid              \$e.tid
		callstack_kernel ? type == "array"
		callstack_user   ? length <= 127 and (length > 0) == (\$e.fields.user_end > 0)
		user_end         ? . < 10
	END
	hasnt "$T" ".event == \"callstack\" and .container != \"$PH_FILE-in\""
	# But for the first moments of a program, before it is known what it has mapped (8) and how to walk through that (7).
	all=$(stacks '.comm == "ph-load" and .user_end != 8 and .user_end != 7' | wc -l)
	complete=$(stacks '.comm == "ph-load" and .user_end == 1' | wc -l)
	[ "$all" -ge 50 ] && [ "$((complete * 100))" -ge "$((all * 99))" ] || flunk "$complete of $all stacks are complete" "$(stacks '.user_end != 1 and .user_end < 7')" || return
	deep=$(printf 'stacks_deep;%.0s' {0..30})
	stacks '.user_end == 1' | sort | uniq -c | sort -rn >"$T.stacks"
	# How often each of the three is there is a matter of the scheduler's; most stacks are of one of them.
	grep -qE "stacks_leaf;${deep}load_stacks;.*_start$" "$T.stacks" || flunk "$(head "$T.stacks")" || return
	grep -qE "stacks_leaf;stacks_thread;start_thread;" "$T.stacks" || flunk "$(head "$T.stacks")" || return
	grep -qE "stacks_leaf;stacks_handler;__restore_rt;(stacks_leaf|stacks_deep).*;load_stacks;.*_start$" "$T.stacks" ||
		flunk "$(head "$T.stacks")" || return
	n=$(awk '/ (stacks_leaf;)?(stacks_deep;)+load_stacks;|stacks_leaf;stacks_(thread|handler);/ { n += $1 } { all += $1 } END { print n * 100 / all }' "$T.stacks")
	awk -v n="$n" 'BEGIN { exit !(n >= 80) }' || flunk "$n %" "$(head -n 20 "$T.stacks")" || return
	# What addresses are of is told before them.
	some mapped_file ".fields.path | endswith(\"/ph-load\")" <<-END
		file     ? . > 0
		build_id ? test("^[0-9a-f]{8,}$")
		path     ? startswith("/")
	END
	some process_map ".fields.end != 0" <<-END
		pid   ? . > 0
		begin ? . % 4096 == 0
		end   ? . > \$e.fields.begin
		vaddr ? . >= 0
		file  ? . >= 0
	END
	some user_symbol ".fields.name == \"stacks_deep\"" <<-END
		file    ? . > 0
		vaddr   ? . > 0
		pid     0
		depth   0
		inlined ? . == 0
		name    "stacks_deep"
		offset  ? . > 0
		source  ? type == "string"
		line    ? . >= 0
	END
}

# On the host only: what it takes of the old kernel, the one above does as well.
@test "with an event: the stack of who sleeps, just before the switch" {
	record "$T" -q -c "$PH_FILE-in" --wait -e sched,syscall_entry_*nanosleep --callstacks sched_switch,syscall_entry_*nanosleep
	launch_wait in -- sh -c 'ph-load sleep 50ms; ph-load stacks 1s' >"$T.said" || flunk "$(cat "$T.said")"
	record_end
	events "$T" | jq -es "map(select(.container == \"$PH_FILE-in\" and (.event == \"callstack\" or .event == \"sched_switch\" or
			(.event | startswith(\"syscall_entry\"))))) | group_by(.cpu) | map(. as \$e | range(length - 1) | . as \$i |
			select(\$e[\$i].event == \"callstack\") | {stack: \$e[\$i].fields, event: \$e[\$i + 1]}) |
		length > 2 and all(.stack.tid == (.event.fields.prev_tid // .event.tid) and .stack.weight == 1 and .stack.unit == 2 and
			(.stack.trigger == 1) == (.event.event == \"sched_switch\")) and
			any(.stack.trigger >= 4096) and any(.stack.trigger == 1 and .stack.user_end == 1)" >/dev/null ||
		flunk "$(events "$T" -e callstack,sched_switch,syscall | head -n 20)"
	# No function of the tracer itself is among them.
	hasnt "$T" '.event == "kernel_symbol" and (.fields.name | test("^(bpf_prog_|__traceiter_|bpf_trace_run)"))'
}

# On the host only: there are no interpreters in the machine.
@test "programs in Python and PHP: their own functions, between those that the interpreters call" {
	command -v php >/dev/null || skip "no php"
	cat >"$T.py" <<-'END'
	import time
	def inner(n):
	    return sum(i * i for i in range(n))
	class Thing:
	    def method(self, n):
	        return list(map(inner, [n] * 3))
	end = time.process_time() + 0.5
	while time.process_time() < end:
	    Thing().method(3000)
	END
	cat >"$T.php" <<-'END'
	<?php
	function cpu() { return getrusage()['ru_utime.tv_sec'] + getrusage()['ru_utime.tv_usec'] / 1e6; }
	function inner($n) { for ($s = 0, $i = 0; $i < $n; $i++) $s += md5($i) == 'x'; return $s; }
	class Thing { static function method($n) { return array_map('inner', [$n, $n]); } }
	for ($end = cpu() + 0.5; cpu() < $end; )
	    Thing::method(3000);
	END
	record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 500
	launch_wait in -r host -- sh -c "/usr/bin/python3 $T.py; php $T.php"
	record_end
	# (While the interpreter begins, its files are looked into.) Just in or out of its function, a frame is not there yet, or any more.
	porthole profile -r "$T" --user -o folded 2>"$T.says" | grep -v '\[incomplete\]' >"$T.folded"
	awk '{ n = $NF; $NF = "" } /;<module>;/ { all += n; good += n * /;<module>;Thing\.method;.*;inner(;.*)? $/ }
		END { print "python", all / 2e6, good / 2e6; exit !(all >= 40e6 && good > 0.8 * all) }' "$T.folded" ||
		flunk "$(grep python "$T.folded" | cut -c1-600 | tail)" "$(cat "$T.says")" || return
	awk '{ n = $NF; $NF = "" } /;{main};/ { all += n; good += n * /;{main};Thing::method;array_map;.*;inner(;.*)? $/ }
		END { print "php", all / 2e6, good / 2e6; exit !(all >= 40e6 && good > 0.8 * all) }' "$T.folded" ||
		flunk "$(grep php "$T.folded" | cut -c1-600 | tail)" "$(cat "$T.says")" || return
	# Where they are in their files.
	some user_symbol '.fields.name == "Thing.method"' <<-END
		source "$T.py"
		line   6
		inlined ? . == 0
	END
	some user_symbol '.fields.name == "Thing::method"' <<-END
		source "$T.php"
		line   4
	END
}
