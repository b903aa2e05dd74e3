#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole probe: which files are probed: of containers of one image, that are replaced, and that are made to do harm.
# limit: 180 s

load lib

setup_file() { ! command -v dockerd >/dev/null || docker_up; }
teardown_file() { docker_down; }

setup() { T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER; }

teardown() {
	record_kill
	launch_stop
	docker_stop
	rm -rf "$T"*
}

ended() { [ ! -e "/proc/$1" ]; }

# begin OPTION|PROBE...: into $T, lines into $T.json; back when it records.
begin() {
	porthole probe -w "$T" -o json "$@" >"$T.json" 2>"$T.said" 3>&- &
	RECORDER=$!
	wait_for 20 recording "$T" || flunk "$(cat "$T.said")"
}

# Each container's overlay shows the image's file as one of its own; the kernel attaches to what lies below.
# On the host only: Docker is not in the machine.
@test "two of three containers of an image: each call once, and none of the third" {
	need dockerd
	local pids=() n=10000 c
	for c in one two three; do
		docker_run "$c" -- ph-load probe "$n"
		pids+=("$PID")
	done
	begin -c "$PH_FILE-one,$PH_FILE-three" 'uprobe:/bin/ph-load:ph_load_target(arg1,text=str(arg2))' 'usdt:ph-load:ph_load:tick(arg1)' \
		'uretprobe:/bin/ph-load:ph_load_target(arg1,retval)'
	kill -USR1 "${pids[@]}"
	for PID in "${pids[@]}"; do wait_for 60 ended "$PID"; done
	record_end
	jq -se "group_by(.container) | map(.[0].container) == [\"$PH_FILE-one\", \"$PH_FILE-three\"] and
		all(group_by([.function, .retval == null]) | length == 3 and all(length == $n)) and
		all(map(select(.retval != null)) | all(.arg1 == -.retval and .duration_ns > 0)) and
		all(map(select(.text)) | map(.arg1) == [range($n)] and map(.text) == [range($n) | \"call \\(. % 10)\"])" "$T.json" >/dev/null ||
		flunk "$(wc -l "$T.json")" "$(head -n 20 "$T.json")" "$(cat "$T.said")" || return
	# What it costs to probe a file does not depend on how many have it: each place is one point.
	[ "$(events "$T" -e probe_point | wc -l)" = 3 ] || flunk "$(events "$T" -e probe_point)"
	[ ! -s "$T.said" ] || flunk "$(cat "$T.said")"
}

# notes_of FILE: as readelf shows them, sorted.
notes_of() { readelf -n "$1" | awk '/Provider:/ { p = $2 } /Name:/ { n = $2 } /Arguments:/ { sub(/^ *Arguments: ?/, ""); print p ":" n " " $0 }' | sort; }

# listed [porthole probes options]: the same of ours.
listed() { porthole probes -o json "$@" | jq -r 'select(.kind == "usdt") | "\(.function) \(.args)"' | sort; }

# On the host only: Docker and readelf are not in the machine.
@test "what can be probed is listed once for all containers of an image, and USDT probes as readelf shows them" {
	need dockerd
	local lib
	docker_run one -- ph-load probe 1
	docker_run two -- ph-load probe 1
	diff <(notes_of "$PORTHOLE_BUILD/ph-load") <(listed -c "$PH_FILE-one,$PH_FILE-two" usdt:)
	porthole probes -c "$PH_FILE-one,$PH_FILE-two" ph-load -o json | jq -r '"\(.probe) \(.offset)"' >"$T.list"
	has_lines "$T.list" 1000
	[ "$(sort "$T.list" | uniq -d)" = '' ]
	# Of libraries, on the host.
	for lib in $(ldconfig -p | awk '!/lib32|libx32/ && /libstdc\+\+\.so|libruby-[0-9.]*\.so|libpython3[0-9.]*\.so/ { print $NF }'); do
		lib=$(realpath "$lib")
		LD_PRELOAD=$lib sleep 60 3>&- &
		PID=$!
		wait_for 5 grep -qF "$lib" "/proc/$PID/maps"
		listed -p "$PID" "usdt:$lib:*" >"$T.list"
		kill "$PID"
		notes_of "$lib" | diff - "$T.list"
		echo "$lib" >>"$T.libs"
	done
	grep -q libstdc "$T.libs"
}

# points N: so many are recorded; $T has them twice a second.
points() { [ "$(events "$T" -e probe_point 2>/dev/null | wc -l)" -ge "$1" ]; }

# As a package manager does it: another file takes the name, and who runs goes on with the one that is gone.
@test "a program that is replaced while it is probed: the old one and the new one" {
	local old new first
	mkdir "$T-app"
	cp "$PORTHOLE_BUILD/ph-load" "$T-app/run"
	launch in --bind "$T-app:/app:rw" -- sh -c 'for i in 1 2 3 4 5; do
		while [ ! -e /app/go$i ]; do sleep 0.01; done
		/app/run probe $i >/app/said$i 2>&1 &
	done'
	touch "$T-app/go1"
	wait_for 20 grep -qs ready=1 "$T-app/said1"
	begin -c "$PH_FILE-in" 'uprobe:/app/run:ph_load_target(arg1)'
	# This one has the container looked into; what the next one runs is another file, before it is time to look again.
	touch "$T-app/go2"
	wait_for 20 grep -qs ready=1 "$T-app/said2"
	cp "$PORTHOLE_BUILD/ph-load" "$T-app/run.new"
	mv "$T-app/run.new" "$T-app/run"
	touch "$T-app/go3"
	wait_for 20 points 2
	# One that has no such function is told.
	cp "$(command -v busybox)" "$T-app/run.new"
	mv "$T-app/run.new" "$T-app/run"
	touch "$T-app/go4"
	wait_for 20 grep -q "/app/run .*: what process [0-9]* runs there is not probed" "$T.said"
	for PID in $(pgrep -P "$PID" -x run); do kill -USR1 "$PID"; done
	for i in 1 2 3; do wait_for 20 grep -qs "calls=$i" "$T-app/said$i"; done
	record_end
	[ "$(jq -r .pid "$T.json" | sort | uniq -c | awk '{ print $1 }' | sort | xargs)" = "1 2 3" ] || flunk "$(cat "$T.json" "$T.said")"
}

# At any time: while processes are looked for, files into, and programs attached.
@test "who is to be probed ends meanwhile: it is told, and nothing hangs" {
	local i rc
	for i in 0.05 0.15 0.25 0.35 0.45; do
		# (A name each: the one before may still run.)
		launch "in$i" -- sleep "$i"
		rc=0
		timeout 60 porthole probe -c "$PH_FILE-in$i" -d 100ms 'uprobe:/bin/ph-load:ph_load_target' \
			>"$T.out" 2>"$T.said" || rc=$?
		# It had begun, or there was nobody.
		[ "$rc" = 0 ] || grep -qE "^porthole probe: (.*matches no(thing|ne)|.*the processes of those who are selected have ended)" "$T.said" ||
			flunk "$i $rc" "$(cat "$T.out" "$T.said")" || return
		[ "$rc" -le 1 ]
	done
}

# On the host only: the kernel side's rings are other tests'. The reader is held up: what has no room is lost, and nothing else.
@test "lost hits are counted, and with --strict they are an error" {
	local n=60000 rc lost seen
	launch in -- ph-load probe "$n"
	wait_for 20 grep -qs ready=1 "$PH_WORK/$PH_FILE-in.log"
	begin --strict --buffer 1M -c "$PH_FILE-in" 'uprobe:/bin/ph-load:ph_load_target(arg1,str(arg2))'
	kill -STOP "$RECORDER"
	kill -USR1 "$PID"
	wait_for 60 ended "$PID"
	kill -CONT "$RECORDER"
	kill -INT "$RECORDER"
	rc=0
	wait "$RECORDER" || rc=$?
	[ "$rc" = 3 ]
	lost=$(sed -n 's/^porthole probe: \([0-9]*\) events were lost in .*/\1/p' "$T.said")
	seen=$(wc -l <"$T.json")
	# Its end may be among what is lost.
	[ "$lost" -gt 0 ] && [ "$seen" -gt 0 ] && [ $((seen + lost)) -ge "$n" ] && [ $((seen + lost)) -le $((n + 20)) ] ||
		flunk "$seen and $lost of $n" "$(cat "$T.said")" || return
	jq -se 'map(.arg1) | . == (sort | unique)' "$T.json" >/dev/null
	# What is read of it later is no less strict.
	rc=0
	porthole probe -r "$T" --strict --count >/dev/null 2>&1 || rc=$?
	[ "$rc" = 3 ]
}

# evil WHAT: a program without what the kernel does not look at, as $T-evil/WHAT.
evil() {
	cp "$T-evil/good" "$T-evil/$1"
	"$BATS_TEST_DIRNAME/broken_elf.py" "$T-evil/$1" "$2"
}

# On the host only: the compiler that makes them is not in the machine.
@test "programs that are made to do harm to who looks for probes: told, in time, and the neighbour's are probed" {
	need gcc objcopy python3
	local f rc
	mkdir "$T-evil" "$T-good"
	cat >"$T.c" <<-'END'
		#include <unistd.h>
		struct object { int id; char name[8]; };
		#define NOTE(n, pc, semaphore, name, args) asm volatile(".rept " n "\n.pushsection .note.stapsdt, \"\", \"note\"\n.balign 4\n" \
			".4byte 8, 994f - 993f, 3\n.asciz \"stapsdt\"\n.balign 4\n993: .8byte " pc ", 0, " semaphore "\n" \
			".asciz \"app\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n994: .balign 4\n.popsection\n.endr")
		int work(int n, struct object *o);
		__attribute__((noinline, noclone)) int work(int n, struct object *o)
		{
			asm volatile("990: nop" ::"r"(o) : "memory");
			NOTE("1", "990b", "0", "tick", "-4@%edi 8@%rsi");
		#ifdef EVIL
			NOTE("1", "-1", "-1", "a", "8@-9223372036854775808(%rbp,%rbp,8)");
			NOTE("1", "990b", "-2", "b", "-99999999999@%rax 8@(((((");
			NOTE("1", "990b + 0x7fffffffffff", "0", "c", "");
			NOTE("1", "0", "0x8000000000000000", "d", "8@$99999999999999999999999999");
			NOTE("200000", "990b", "0", "many", "8@%rdi");
			asm volatile(".pushsection .note.stapsdt, \"\", \"note\"\n.4byte -1, -1, 3\n.popsection");
		#endif
			return n;
		}
		int main(void)
		{
			struct object o = { 7, "object" };
			for (int i = 0;; i++) {
				work(i, &o);
				usleep(10000);
			}
		}
	END
	gcc -g -O1 -static -o "$T-good/app" "$T.c"
	gcc -g -O1 -static -DEVIL -o "$T-evil/good" "$T.c"
	cp "$T-evil/good" "$T-evil/notes"
	evil dwarf .debug_
	evil note .note.stapsdt
	evil table table
	launch good --bind "$T-good/app:/bin/app" -- app
	for f in notes dwarf note table; do
		ph-launch --stop "$PH_FILE-evil" 2>/dev/null || :
		launch evil --bind "$T-evil/$f:/bin/app" -- app
		# Each question by itself: an answer, or a sentence.
		for p in 'uretprobe:app:w*' 'usdt:app:*:*'; do
			rc=0
			timeout 60 porthole probe -c "$PH_FILE-evil" "$p" -d 10ms --count >"$T.out" 2>"$T.said" || rc=$?
			[ "$rc" = 0 ] || { [ "$rc" = 1 ] && grep -qF "porthole probe: '$p': /bin/app " "$T.said"; } || flunk "$f $p $rc" "$(cat "$T.said")" || return
		done
		# Of 200,000 as many as may be.
		[ $f != notes ] || grep -qF "'usdt:app:*:*': more functions match than are probed (--max-probes 512)" "$T.said" || flunk "$(cat "$T.said")" || return
		# The neighbour's, at the same time; and if the one has nothing to be probed, it is told.
		timeout 60 porthole probe -c "$PH_FILE-good,$PH_FILE-evil" 'uprobe:app:work(n,id=o->id,name=o->name)' -d 300ms -o json >"$T.out" 2>"$T.said" ||
			flunk "$f" "$(cat "$T.said")" || return
		jq -se "map(select(.container == \"$PH_FILE-good\")) | length > 0 and all(.id == 7 and .name == \"object\") and
			(map(.n) | . == [range(.[0]; .[0] + length)])" "$T.out" >/dev/null || flunk "$f" "$(head -n 5 "$T.out")" "$(cat "$T.said")" || return
		grep -q "$PH_FILE-evil" "$T.out" || grep -q "^porthole probe: .*/bin/app of process " "$T.said" || flunk "$f is not told" "$(cat "$T.said")" || return
	done
}
