#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stacks of programs without frame pointers, walked in the kernel: those that ph-load stacks is known to have.
# limit: 240 s

load lib
load cause

# The stacks of the container by names, "END leaf;caller;…;start" a line: each address by process_map and user_symbol.
stacks() {
	events "$T" -e callstack,process_map,user_symbol | jq -rs "
		(map(select(.event == \"user_symbol\" and .fields.depth == 0).fields | {key: \"\\(.file) \\(.vaddr)\", value: .name}) |
			from_entries) as \$names |
		(map(select(.event == \"process_map\").fields | select(.end != 0)) | group_by(.pid) |
			map({key: \"\\(.[0].pid)\", value: .}) | from_entries) as \$maps |
		.[] | select(.event == \"callstack\" and .container == \"$PH_FILE-in\" and (.fields | $1)) |
		\"\\(.pid)\" as \$pid | .fields.user_end as \$end | [.fields.callstack_user | to_entries[] | (.value - (if .key > 0 then 1 else 0 end)) as \$a |
			([\$maps[\$pid][]? | select(.begin <= \$a and \$a < .end)] | last) as \$m |
			if \$m then \$names[\"\\(\$m.file) \\(\$a - \$m.begin + \$m.vaddr)\"] // \"?\" else \"-\" end] |
		\"\\(\$end) \" + join(\";\")"
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
		callstack_user   ? length <= 384 and (length > 0) == (\$e.fields.user_end > 0)
		user_end         ? . < 10
		walk_ns          0
	END
	hasnt "$T" ".event == \"callstack\" and .container != \"$PH_FILE-in\""
	# But for the first moments of a program, before it is known what it has mapped (8) and how to walk through that (7), and for
	# those of its end, when it has no memory any more, and in exec (0).
	walked in ph-load
	all=$(stacks '.comm == "ph-load" and (.user_end | IN(0, 7, 8) | not)' | wc -l)
	complete=$(stacks '.comm == "ph-load" and .user_end == 1' | wc -l)
	[ "$all" -ge 50 ] && [ "$((complete * 100))" -ge "$((all * 99))" ] || flunk "$complete of $all stacks are complete" "$(stacks '.comm == "ph-load" and .user_end != 1' | sort | uniq -c)" || return
	deep=$(printf 'stacks_deep;%.0s' {0..30})
	stacks '.user_end == 1' | sort | uniq -c | sort -rn >"$T.stacks"
	# How often each of the three is there is a matter of the scheduler's; most stacks are of one of them.
	grep -qE "stacks_leaf;${deep}load_stacks;.*_start$" "$T.stacks" || flunk "$(head "$T.stacks")" || return
	grep -qE "stacks_leaf;stacks_thread;start_thread;" "$T.stacks" || flunk "$(head "$T.stacks")" || return
	grep -qE "stacks_leaf;stacks_handler;(__restore_rt|__kernel_rt_sigreturn);(stacks_leaf|stacks_deep).*;load_stacks;.*_start$" "$T.stacks" ||
		flunk "$(head "$T.stacks")" || return
	n=$(awk '/ (stacks_leaf;)?(stacks_deep;)+load_stacks;|stacks_leaf;stacks_(thread|handler);/ { n += $1 } { all += $1 } END { print n * 100 / all }' "$T.stacks")
	awk -v n="$n" 'BEGIN { exit !(n >= 80) }' || flunk "$n %" "$(head -n 20 "$T.stacks")" || return
	# What addresses are of is told before them.
	some mapped_file ".fields.path | endswith(\"/ph-load\")" <<-END
		file     ? . > 0
		build_id ? test("^[0-9a-f]{8,}$")
		path     ? startswith("/")
		not_shown ? . == ""
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

# Programs at the same addresses, one after the other: the recorder hears late of each, and says then what its parent had. One in
# exec has the memory of the new program and the registers of the old one.
@test "who runs another program is not walked by what it was" {
	local stop
	record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 4000
	launch_wait in -- sh -c "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ph-load spin 15ms; done" >/dev/null &
	stop=$!
	while kill -0 $stop 2>/dev/null; do
		kill -STOP "$RECORDER"
		sleep 0.02
		kill -CONT "$RECORDER"
		sleep 0.01
	done
	wait $stop
	record_end
	# ph-load is linked statically: there is nothing but itself on its stacks.
	every callstack ".container == \"$PH_FILE-in\" and .comm == \"ph-load\"" <<-END
		user_end       ? IN(0, 1, 7, 8)
		callstack_user ? length <= 1 or \$e.fields.user_end != 8
	END
	some callstack ".container == \"$PH_FILE-in\" and .fields.user_end == 0" <<-END
		callstack_kernel ? length > 0
		callstack_user   []
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
			(.stack.trigger == 1) == (.event.event == \"sched_switch\") and .stack.walk_ns > 0 and .stack.walk_ns < 1000000) and
			any(.stack.trigger >= 4096) and any(.stack.trigger == 1 and .stack.user_end == 1)" >/dev/null ||
		flunk "$(events "$T" -e callstack,sched_switch,syscall | head -n 20)"
	# No function of the tracer itself is among them.
	hasnt "$T" '.event == "kernel_symbol" and (.fields.name | test("^(bpf_prog_|__traceiter_|bpf_trace_run)"))'
}

# What it has mapped the kernel side finds out by itself: user space hears of it later, here mostly after its end.
@test "a known program that begins: complete stacks from the first one" {
	local all complete
	record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 500
	launch_wait in -- sh -c "ph-load spin $((${PH_SLOW:-1} * 1000))ms; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ph-load spin 25ms; done" >/dev/null
	record_end
	events "$T" -e callstack | jq -r 'select(.comm == "ph-load" and .fields.user_end > 0) | "\(.pid) \(.fields.user_end)"' >"$T.ends"
	all=$(awk 'NR == 1 { first = $1 } $1 != first' "$T.ends" | wc -l)
	complete=$(awk 'NR == 1 { first = $1 } $1 != first && $2 == 1' "$T.ends" | wc -l)
	[ "$all" -ge 20 ] && [ $((complete * 100)) -ge $((all * 90)) ] || flunk "$complete of $all are complete" "$(sort "$T.ends" | uniq -c)" || return
	# And it is told what they are of, although there is no process any more to be asked.
	stacks '.comm == "ph-load" and .user_end == 1' >"$T.stacks"
	! grep -E '[ ;]-(;|$)' "$T.stacks"
}

@test "who reads files for the recorder is not seen; the command that it runs is" {
	local command readers
	porthole record -q -a -e profile,syscall -F 999 -w "$T" -- sh -c 'echo $$; ph-load spin 1s >&2; pgrep -P $PPID' >"$T.pids"
	command=$(head -n 1 "$T.pids")
	readers=$(tail -n +2 "$T.pids" | grep -vx "$command" | paste -sd ,)
	[[ $readers == *,* ]] || flunk "$(cat "$T.pids")" || return
	has "$T" '.event == "user_symbol"'
	has "$T" ".pid == $command and .event == \"syscall_entry_execve\""
	has "$T" ".pid == $command and (.event | startswith(\"syscall_exit_\"))"
	has "$T" '.event == "callstack" and .comm == "ph-load"'
	hasnt "$T" "(.pid | IN($readers)) and (.event == \"callstack\" or (.event | startswith(\"syscall_\")))"
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

# The shares of what is in $T.folded, in percent: of all lines that have the first pattern, those that have the second.
share() { awk -v of="$1" -v is="$2" '{ n = $NF; $NF = "" } $0 ~ of { all += n; good += n * ($0 ~ is) }
	END { printf "%d\n", all ? 100 * good / all : -1 }' "$T.folded"; }

# Of those that the container's $1 took, but for its first moments and its end, 99 % reach the program's start.
complete() {
	walked in "$1" || return
	events "$T" -e callstack | jq -es "map(select(.container == \"$PH_FILE-in\" and .fields.comm == \"$1\" and .fields.user_end != 8 and .fields.user_end != 0 and
		.fields.user_end != 7).fields.user_end) | length > 50 and (map(select(. == 1)) | length) >= 0.99 * length" >/dev/null ||
		flunk "$(events "$T" -e callstack | jq -r "select(.fields.comm == \"$1\").fields.user_end" | sort | uniq -c)"
}

# node_in SCRIPT: runs it in the container "in", once it is known how to walk through node, of which it takes a while on a busy machine.
node_in() {
	echo 'const fs = require("fs"); while (!fs.existsSync("/tmp/known"));' >"$T.tmp/first.js"
	rm -f "$T.tmp/known"
	launch_wait in -r host -b "$T.tmp:/tmp:rw" -- sh -c "cd /tmp; node first.js; $1" &
	wait_for 40 walks node
	touch "$T.tmp/known"
	wait $!
}

# The last stacks of it that the trace has are whole.
walks() { events "$T" -e callstack 2>/dev/null | jq -es "map(select(.container == \"$PH_FILE-in\" and .comm == \"$1\").fields.user_end)[-10:] | length == 10 and all(. == 1)" >/dev/null; }

# On the host only: there are no interpreters in the machine.
@test "node: functions as V8 has them, of each thread's own scripts, without any option; by its map what else it compiles" {
	need node
	mkdir "$T.tmp"
	cat >"$T.tmp/a.js" <<-'END'
	const { Worker, isMainThread, workerData } = require('worker_threads');
	function inner(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }
	class Thing {
	  method(n) { return [n, n, n].map((x) => inner(x)); }
	  get accessor() { return this.method(3000); }
	}
	const expression = /(a|ab)(c|bcd)*(d*)x/;
	const übung = function () { expression.test('abcd'.repeat(500)); return new Thing().accessor; };
	// Scripts that have the same number in each thread.
	const own = new Function('f', `return function in${isMainThread ? 'Main' : workerData}() { f(); }`)(übung);
	if (isMainThread)
	  for (const name of ['One', 'Two'])
	    new Worker(__filename, { workerData: name });
	const end = Date.now() + 2000;
	while (Date.now() < end) own();
	END
	# Not all is inlined that could be.
	for how in --no-opt "--no-opt --perf-basic-prof"; do
		rm -rf "$T"
		record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 500
		node_in "node $how a.js"
		record_end
		complete node
		# (While it begins, its files are looked into.)
		porthole profile -r "$T" --user --by container -o folded 2>"$T.says" | grep -v '\[incomplete\]' >"$T.folded"
		[ "$(share ';inner[; ]' ';in(Main|One|Two);übung;.*;get accessor;method;.*;\(anonymous\) a.js:4;inner[; ]')" -ge 99 ] &&
			[ "$(share ';übung[; ]' ';inner[; ]')" -ge 50 ] && [ "$(share '^' '\[gone\]')" -le 1 ] ||
			flunk "$how: $(share ';inner[; ]' ';in(Main|One|Two);übung;.*;get accessor;method;.*;\(anonymous\) a.js:4;inner[; ]') % are called by whom they should be," \
				"$(share ';übung[; ]' ';inner[; ]') %, $(share '^' '\[gone\]') % gone" "$(grep ';inner[; ]' "$T.folded" | grep -vE ';in(Main|One|Two);übung;.*;get accessor;method;.*;\(anonymous\) a.js:4;inner[; ]' | cut -c1-3000 | head -n 3)" \
				"$(cut -c1-3000 "$T.folded" | tail -n 3)" "$(cat "$T.says")" || return
		porthole profile -r "$T" --user --by thread -o folded 2>/dev/null | sed -nE 's/^([^;]*);.*;in(Main|One|Two)[; ].*/\1 \2/p' | sort -u >"$T.threads"
		# Each thread runs one of them, and each of them one thread.
		[ "$(wc -l <"$T.threads")" = 3 ] && [ "$(cut -d' ' -f2- "$T.threads" | sort -u | wc -l)" = 3 ] || flunk "$(cat "$T.threads")" || return
		some user_symbol '.fields.name == "inner"' <<-END
			pid    ? . > 0
			source "/tmp/a.js"
			line   2
		END
		some user_symbol '.fields.name == "get accessor"' <<-END
			line 5
		END
	done
	grep -q ';RegExp:[^;]*_\[j\]' "$T.folded" || flunk "$(grep -o ';[^;]*_\[j\]' "$T.folded" | sort | uniq -c)" || return
	porthole profile --user -F 500 -o folded -- node --no-opt "$T.tmp/a.js" >"$T.folded" 2>"$T.says"
	[ "$(share ';übung[; ]' ';get accessor;method;.*;inner[; ]')" -ge 50 ] || flunk "$(cut -c1-3000 "$T.folded" | tail -n 3)" "$(cat "$T.says")"
}

# On the host only.
@test "node: functions that come and go and are moved: never a name that is another's" {
	need node
	mkdir "$T.tmp"
	cat >"$T.tmp/a.js" <<-'END'
	const end = Date.now() + 4000;
	let kept = [];
	for (let n = 0; Date.now() < end; n++) {
	  const f = new Function(`
	    function inner_${n}(k) { let s = 0; for (let i = 0; i < k; i++) s += i % 7; return s; }
	    return function outer_${n}() { return inner_${n}(20000) + inner_${n}(20000); }`)();
	  f();
	  kept.push(f, new Array(1000).fill(n));
	  kept = kept.slice(-6);
	  if (n % 2) gc({ type: 'minor' }); else gc();
	}
	END
	record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 1000
	node_in 'node --no-opt --expose-gc --compact-on-every-full-gc a.js || node --no-opt --expose-gc --always-compact a.js'
	record_end
	porthole profile -r "$T" --user -o folded >"$T.folded" 2>/dev/null
	# Who calls whom is in the names.
	grep -oE 'outer_[0-9]+;(.*;)?inner_[0-9]+[; ]' "$T.folded" | sed -E 's/outer_([0-9]+);.*inner_([0-9]+).*/\1 \2/' >"$T.pairs"
	[ "$(wc -l <"$T.pairs")" -ge 20 ] || flunk "$(cut -c1-2000 "$T.folded" | head -n 5)" || return
	awk '$1 != $2 { print; bad = 1 } END { exit bad }' "$T.pairs" || flunk "an inner one that another one calls" || return
}

# On the host only: there is no Java in the machine.
@test "java: methods as HotSpot has them, compiled or not, without any option" {
	need javac
	[ "$(uname -m)" = x86_64 ] || skip "frames of compiled code are known of x86_64"
	mkdir "$T.tmp"
	cat >"$T.tmp/A.java" <<-'END'
	import java.io.File;
	class A {
	  interface Shape { int area(int n); }
	  static int sink;
	  static int leaf(int n) { for (int i = 0; i < 2000; i++) n = n * 31 ^ i; return n; }
	  static int deep(int n, Shape s) { return n > 0 ? deep(n - 1, s) + n : s.area(n); }
	  static void work() { sink += deep(9, n -> leaf(n) + 1); }
	  public static void main(String[] args) {
	    while (!new File("/tmp/known").exists()) work();
	    long end = System.nanoTime() + 1000000000L;
	    while (System.nanoTime() < end) work();
	  }
	}
	END
	javac -d "$T.tmp" "$T.tmp/A.java"
	deep=$(printf 'A\\.deep;%.0s' {1..10})
	# (Not all is inlined that could be.)
	for how in "" -Xint; do
		rm -rf "$T" "$T.tmp/known"
		record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 500
		launch_wait in -r host -b "$T.tmp:/tmp:rw" -- java $how -XX:CompileCommand=quiet -XX:CompileCommand=dontinline,A.* -cp /tmp A &
		wait_for 40 walks java
		touch "$T.tmp/known"
		wait $!
		record_end
		porthole profile -r "$T" --user --by container -o folded 2>"$T.says" >"$T.folded"
		# (While it begins, it does not tell yet where it has what, and of libjvm.so is no table yet.)
		[ "$(share ';A\.leaf[; ]' '(;start_thread;|\[incomplete\];JavaCalls::call_helper).*;A\.main;A\.work;'"$deep"'(A\$\$Lambda[^;]*;)?A\.lambda\$work\$0;A\.leaf[; ]')" -ge 99 ] &&
			[ "$(share ';A\.main[; ]' ';A\.leaf[; ]')" -ge 50 ] && [ "$(share '^' '\[(gone|anonymous code)\]')" -le 8 ] ||
			flunk "$how: $(grep ';A\.leaf' "$T.folded" | cut -c1-3000 | tail -n 3)" "$(tail -n 3 "$T.folded")" "$(cat "$T.says")" || return
	done
}

# A program that makes code, "push %rbp; mov %rsp, %rbp; mov $N, %ecx; 1: dec %ecx; jnz 1b; pop %rbp; ret", and says how it is called.
makes_code() {
	[ "$(uname -m)" = x86_64 ] || skip "the code is x86_64's"
	cat >"$1" <<-'END'
	import ctypes, mmap, os, struct, sys, time
	page = mmap.mmap(-1, 4096, prot=7)
	at = ctypes.addressof(ctypes.c_char.from_buffer(page))
	page.write(bytes.fromhex("554889e5b940420f00ffc975fc5dc3"))
	code = ctypes.CFUNCTYPE(None)(at)
	map = f"/tmp/perf-{os.getpid()}.map"
	def run(seconds):
	    end = time.process_time() + seconds
	    while time.process_time() < end:
	        code()
	END
}

# On the host only: in the machine there is no more of Python than it needs.
@test "code that takes the place of other code: each stack has the name of its time" {
	mkdir "$T.tmp"
	makes_code "$T.tmp/a.py"
	cat >>"$T.tmp/a.py" <<-'END'
	fd = os.open("jit-1.dump", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
	os.write(fd, struct.pack("<IIIIIIQQ", 0x4a695444, 1, 40, 62, 0, os.getpid(), time.monotonic_ns(), 0))
	mapped = mmap.mmap(fd, 40, flags=mmap.MAP_PRIVATE, prot=5)
	for name in "first", "second", "third":
	    record = struct.pack("<IIQQQQQ", os.getpid(), os.getpid(), at, at, 15, 1, 0)[:40] + name.encode() + b"\0"
	    os.write(fd, struct.pack("<IIQ", 0, 16 + len(record), time.monotonic_ns()) + record)
	    run(0.3)
	END
	record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 500
	launch_wait in -r host -b "$T.tmp:/tmp:rw" -- sh -c "cd /tmp && exec /usr/bin/python3 a.py"
	record_end
	porthole profile -r "$T" --user -o folded >"$T.folded"
	local n
	for n in first second third; do
		[ "$(share '(first|second|third)_.j. *$' ";${n}_\\\\[j\\\\] *\$")" -ge 25 ] || flunk "$n: $(share '(first|second|third)_.j. *$' ";${n}_\\\\[j\\\\] *\$")" "$(grep '_\[j\]' "$T.folded")" || return
		some user_symbol ".fields.name == \"$n\"" <<-END
			pid      ? . > 0
			since_ns ? . > 0
		END
	done
}

# On the host only.
@test "maps that are huge, no files, written again and again, with escapes: those of others have their names" {
	mkdir "$T.tmp" "$T.bad"
	makes_code "$T.tmp/a.py"
	cp "$T.tmp/a.py" "$T.bad"
	cat >>"$T.tmp/a.py" <<-'END'
	open(map, "w").write(f"{at:x} f good\n")
	run(1.5)
	END
	cat >>"$T.bad/a.py" <<-'END'
	line = f"{at:x} f bad\n"
	def huge():
	    open(map, "w").write(line)
	    os.truncate(map, 10 << 30)
	def fifo():
	    os.mkfifo(map)
	def zero():
	    os.symlink("/dev/zero", map)
	def many():
	    with open(map, "w") as f:
	        for i in range(1500000):
	            f.write(f"{at - i % 7:x} {i:x} f{i}\n")
	def again():
	    if not os.fork():
	        end = time.monotonic() + 2
	        while time.monotonic() < end:
	            for text in line, line * 3000, "":
	                open(map, "w").write(text)
	                open(map + "~", "w").write(text)
	                os.rename(map + "~", map)
	        os._exit(0)
	def escapes():
	    open(map, "w").write(f"{at:x} f \033[31mred\007;x\n")
	for kind in huge, fifo, zero, many, again, escapes:
	    if not os.fork():
	        map = f"/tmp/perf-{os.getpid()}.map"
	        kind()
	        run(0.5)
	        os._exit(0)
	for kind in range(6):
	    os.wait()
	END
	record "$T" -q -c "$PH_FILE-in,$PH_FILE-bad" --wait -e profile -F 500
	launch_wait bad -r host -b "$T.bad:/tmp:rw" -- /usr/bin/python3 /tmp/a.py &
	launch_wait in -r host -b "$T.tmp:/tmp:rw" -- /usr/bin/python3 /tmp/a.py
	wait $!
	record_end
	porthole profile -r "$T" --user -o folded >"$T.folded"
	[ "$(share "^$PH_FILE-in;.*(good_|anonymous code)" ';good_\\[j\\] *$')" -ge 95 ] || flunk "$(grep "^$PH_FILE-in" "$T.folded")" || return
	grep -q "^$PH_FILE-bad;.*red.*_\[j\] " "$T.folded" || flunk "$(grep "^$PH_FILE-bad" "$T.folded")" || return
	! grep -q "[$(printf '\033\007')]" "$T.folded" || flunk "an escape sequence in the output"
}

# On the host only. Between them is what C calls, and an eval in a block that is called so, for which Perl calls itself again.
@test "programs in Ruby and Perl: their own functions, between those that the interpreters call" {
	need ruby
	cat >"$T.rb" <<-'END'
	def inner(n)
	  s = i = 0
	  s += (i += 1) while i < n
	  s
	end
	class Thing
	  def work(n)
	    [1, 2].each { inner(n) }
	  end
	end
	finish = Process.times.utime + 0.5
	Thing.new.work(3000) while Process.times.utime < finish
	END
	cat >"$T.pl" <<-'END'
	use List::Util 'first';
	sub inner { my $s = 0; for my $i (1 .. $_[0]) { $s += $i } $s }
	sub Thing::work { our $n = shift;
	    first { eval { inner($n); 1 }; 0 } 1, 2;
	    1 }
	my $end = (times)[0] + 0.5;
	Thing::work(3000) while (times)[0] < $end;
	END
	record "$T" -q -c "$PH_FILE-in" --wait -e profile -F 500
	launch_wait in -r host -- sh -c "ruby --disable-gems $T.rb; perl $T.pl"
	record_end
	porthole profile -r "$T" --user -o folded 2>"$T.says" | grep -v '\[incomplete\]' >"$T.folded"
	# What runs the instructions is left out.
	awk '{ n = $NF; $NF = "" } /;<main>;/ { all += n; good += n * /;<main>;work;.*;rb_ary_each;.*;block in work;inner $/ }
		END { print "ruby", all / 2e6, good / 2e6; exit !(all >= 40e6 && good > 0.6 * all) }' "$T.folded" ||
		flunk "$(grep ruby "$T.folded" | cut -c1-900 | tail -30)" "$(cat "$T.says")" || return
	awk '{ n = $NF; $NF = "" } /;\(main\);/ { all += n; good += n * /;perl_run;\(main\);Thing::work;Perl_pp_entersub;.*;main::__ANON__;main::inner(;.*)? $/ }
		END { print "perl", all / 2e6, good / 2e6; exit !(all >= 40e6 && good > 0.8 * all) }' "$T.folded" ||
		flunk "$(grep perl "$T.folded" | cut -c1-600 | tail -30)" "$(cat "$T.says")" || return
	some user_symbol '.fields.name == "work"' <<-END
		source "$T.rb"
		line   8
		inlined ? . == 0
	END
	some user_symbol '.fields.name == "Thing::work"' <<-END
		source "$T.pl"
		line   4
	END
}

# complete_since_first NAME: "COMPLETE ALL NAMED" of Python's samples, from the first complete one on with a function of that name; of those
# that are complete, how many have it.
complete_since_first() {
	stacks '.comm == "python3" and .user_end != 0' |
		awk -v name="$1" '{ good = $1 == 1 && $0 ~ name } good { begun = 1 } begun { all++; complete += $1 == 1; named += good }
			END { print complete + 0, all + 0, named + 0 }'
}

has_complete() { [ "$(complete_since_first "$1" | cut -d' ' -f1)" -ge "$2" ]; }

# On the host only: how many files may be open is no matter of the kernel's, and all stacks are looked at again and again.
@test "more files than the recorder may have open: stacks to their beginning, with names" {
	local lib preload= i all complete named
	lib=$(/usr/bin/python3 -c 'import zlib; print(next(line.split()[-1] for line in open("/proc/self/maps") if "/libz.so" in line))') ||
		skip "no Python that is linked with zlib"
	mkdir -p "$T.libs"
	for ((i = 0; i < 120; i++)); do
		cp "$lib" "$T.libs/$i.so"
		preload+=$T.libs/$i.so:
	done
	(ulimit -n $((180 + 10 * $(nproc))); exec porthole record -q -c "$PH_FILE-in" --wait -e profile -F 500 -w "$T" >"$T.out" 2>&1 3>&-) &
	RECORDER=$!
	wait_for 20 recording "$T" || flunk "$(cat "$T.out")" || return
	launch in -r host -e "LD_PRELOAD=$preload" -- /usr/bin/python3 -c "import zlib, os, ctypes
data = os.urandom(1 << 16)
for i in range(1, 25):
	crc32 = ctypes.CDLL('$T.libs/%d.so' % i).crc32
	for again in range(500): crc32(0, data, len(data))
while True: zlib.compress(data, 9)"
	# Of the libraries that are mapped last, which the others have to make room for; and more are in stacks than may be open for names.
	wait_for 30 has_complete 'deflate' 100 || flunk "$(complete_since_first 'deflate')" || return
	record_end
	read -r complete all named <<<"$(complete_since_first 'deflate')"
	[ "$((complete * 100))" -ge "$((all * 99))" ] && [ "$((named * 2))" -ge "$complete" ] ||
		flunk "of $all stacks $complete are complete, $named of these have names"
}
