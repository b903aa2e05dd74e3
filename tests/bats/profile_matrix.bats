#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stacks of programs that are built in many ways, in Docker containers: tests/matrix has them, and what their stacks are.
# The machine has no Docker: none of them is run there.
# limit: 200 s

load lib

MATRIX=$BATS_TEST_DIRNAME/../matrix

# All of them at once, in one recording: each sleeps until what it has mapped is known, then computes.
setup_file() {
	export T=$PH_WORK/$PH_FILE DEBUG_LEFT=
	command -v dockerd >/dev/null || skip "dockerd is not installed"
	mkdir -p "$T"
	"$MATRIX/programs.sh" "$T" >"$T/programs" 2>"$T/errors" || flunk "$(cat "$T/errors")" || return
	cp "$(command -v busybox)" "$T/root/bin/busybox"
	for a in sh cp mv rm sleep; do ln -sf busybox "$T/root/bin/$a"; done
	cp "$MATRIX"/known.{py,php,rb} "$T/root/m/"
	ln -s "$(readlink -f /usr/bin/python3)" "$T/root/m/known-python"
	ln -s "$(readlink -f /usr/bin/php)" "$T/root/m/known-php"
	ln -s "$(readlink -f /usr/bin/ruby)" "$T/root/m/known-ruby"
	run_all >"$T/root/run"
	docker_up || return
	tar -C "$T/root" -c . | docker import - porthole-matrix >/dev/null
	# Debug files that only the host has.
	cp -r --no-clobber "$T/host/usr/lib/debug/." /usr/lib/debug/
	record "$T/trace" -q -c "$PH_FILE-in" --wait -e profile -F 997
	docker run --name "$PH_FILE-in" --network none -v /usr/bin:/usr/bin:ro -v /usr/lib:/usr/lib:ro \
		--mount "type=bind,src=$T/root/usr/lib/debug,dst=/usr/lib/debug,ro" -e MATRIX_MS=400 -e KNOWN_MS=30 -e MATRIX_IDLE_MS=2000 -e TZ=UTC porthole-matrix \
		/bin/sh /run >"$T/said" 2>&1 || flunk "$(cat "$T/said")" || return
	record_end || return
	porthole profile -r "$T/trace" --user -o perf-script 2>"$T/says" | lines >"$T/stacks"
}

# All tests look at the one recording.
setup() { :; }

teardown() { :; }

teardown_file() {
	record_kill
	docker_stop
	(cd "$T/host/usr/lib/debug" 2>/dev/null && find . -type f | while read -r f; do rm -f "/usr/lib/debug/$f"; done)
}

# What runs in the container; besides, one program that is deleted while it runs, and one that is replaced.
run_all() {
	sed -E 's/^[^ ]+ [^ ]+ (.*)/\1 \&/' "$T/programs"
	echo "/m/known-python /m/known.py &"
	echo "/m/known-php /m/known.php &"
	[ ! -x /usr/bin/ruby ] || echo "/m/known-ruby /m/known.rb &"
	cat <<-'END'
		cp /m/plain /tmp/plain-gone; /tmp/plain-gone &
		cp /m/plain /tmp/plain-new; /tmp/plain-new &
		cp /m/many /tmp/other
		sleep 0.1
		rm /tmp/plain-gone
		mv /tmp/other /tmp/plain-new
		wait
	END
}

# Of perf script's format: "NAME leaf;caller;…;start" a line for each sample.
lines() {
	awk '/^[^ \t]/ { name = $0; sub(/ -?[0-9]+\/-?[0-9]+ .*/, "", name); next }
		/^[ \t]/ { f = $0; sub(/^[ \t]+[0-9a-f]+ /, "", f); sub(/ \([^(]*\)$/, "", f); s = s f ";"; next }
		/^$/ { if (s) print name, s; s = "" }'
}

# known NAME [SOURCE]: of its samples, from the first on that is as its source says (before that, the program begins), 99 % end where
# the program or thread began, and as many are as the source says; the others are of its end.
known() {
	local source=${2:-plain.c} all complete good
	sed -n 's/^[ \/*#]*stack: \(.*\)/^\1/p' "$MATRIX/$source" >"$T/pattern"
	grep "^$1 " "$T/stacks" | cut -d' ' -f2- >"$T/all"
	sed -n "$(grep -nE -m 1 -f "$T/pattern" "$T/all" | cut -d: -f1),\$p" "$T/all" >"$T/of" 2>/dev/null
	all=$(grep -c . "$T/of")
	complete=$(grep -vc '\[incomplete\];$' "$T/of")
	good=$(grep -cE -f "$T/pattern" "$T/of")
	[ "$source" != many.c ] || complete=$good
	[ "$all" -ge 100 ] && [ $((complete * 100)) -ge $((all * 99)) ] && [ $((good * 100)) -ge $((all * 99)) ] ||
		flunk "$1: $all samples, $complete complete, $good as they must be" \
			"$(grep -vE -f "$T/pattern" "$T/of" | sort | uniq -c | sort -rn | head -n 10 | cut -c-400)" "$(cat "$T/said" "$T/says")"
}

# On the host only.
@test "PIE, not PIE, static, with frame pointers, with CET, by clang" {
	local p
	for p in plain plain-nopie plain-spie plain-static plain-cet plain-fp; do known $p || return; done
	grep -q '^plain-clang ' "$T/programs" || return 0
	known plain-clang
}

# On the host only.
@test "musl, dynamic and static: code without unwind tables" {
	grep -q '^plain-musl ' "$T/programs" || skip "no musl-gcc"
	known plain-musl
	known plain-musls
	known signals-musl signals.c
	known library-musl library.c
	# To the begin of the program itself.
	grep -q '^plain-musls .*;main;libc_start_main_stage2;_start;$' "$T/stacks" || flunk "$(grep -m 3 '^plain-musls ' "$T/stacks")"
}

# On the host only.
@test "stripped: names from debug files in the container, on the host, and packed in the file" {
	local p
	for p in plain-id plain-link plain-mini plain-host; do known $p || return; done
	# Without any there are no names, and the walk needs none.
	awk '$1 == "plain-bare" { n++; good += /^plain-bare (\[unknown\];)+__libc_start_call_main;__libc_start_main;|^plain-bare (\[unknown\];)+$/ }
		END { exit !(n >= 100 && good >= 0.99 * n) }' "$T/stacks" || flunk "$(grep '^plain-bare ' "$T/stacks" | sort | uniq -c | sort -rn | head -n 5)"
}

# On the host only.
@test "a program that is deleted while it runs, and one that is replaced" {
	known plain-gone
	known plain-new
}

# On the host only.
@test "more calls than a walk keeps: told as cut off" {
	known many many.c
	grep -q 'as many frames as are kept' "$T/says"
	[ "$(grep -c '^many .*;\[incomplete\];$' "$T/stacks")" -ge 50 ]
}

# On the host only.
@test "handlers of signals, on the program's stack and on one of their own, in two threads" {
	known signals signals.c
	grep -q '^signals leaf;usual;__restore_rt;.*;main;.*_start;$' "$T/stacks"
	grep -q '^signals leaf;other;__restore_rt;.*;thread;start_thread;' "$T/stacks"
}

# On the host only.
@test "the PLT, the vDSO, a call back from the C library; a plugin that is loaded meanwhile" {
	known library library.c
	known library-now library.c
	known library-stat library.c
	known plugged plugged.c
	grep -q '^plugged leaf;plugin;plugged;main;' "$T/stacks"
	grep -qE '^library [^;]*vdso[^;]*;([^;]*;)?vdso;main;' "$T/stacks"
}

# On the host only.
@test "C++: exceptions while they are thrown, inlined functions and templates" {
	known throw throw.cc
	known throw-static throw.cc
	grep -qE '^throw (.*;)?_Unwind_[^;]*;.*shop::Order::fails\(int\);(.*;)?shop::Order::total\(int\);main;' "$T/stacks" ||
		flunk "$(grep '^throw ' "$T/stacks" | sort | uniq -c | sort -rn | head -n 20)" || return
	grep -qE '^throw leaf;(int )?shop::twice<int>\(int\);shop::Order::total\(int\);main;' "$T/stacks" ||
		flunk "$(grep '^throw leaf' "$T/stacks" | sort | uniq -c | sort -rn | head -n 5)"
}

# On the host only.
@test "Python and PHP: to the line of the module" {
	known python3.11 lang.py
	known php8.2 lang.php
	grep -q '^python3\.11 .*;leaf;.*Square\.area;deep;.*;<module>;' "$T/stacks"
	grep -q '^php8\.2 .*leaf;.*array_map;.*Square::area;.*deep;.*{main};' "$T/stacks"
}

# told FILE: each stack that the program says it was in was seen, and no other.
told() {
	local samples incomplete good unseen
	read -r samples incomplete good unseen < <(porthole profile -r "$T/trace" --user -o json 2>/dev/null |
		python3 "$MATRIX/known_check.py" "$T/said" "$1" 2>"$T/differ")
	[ "$samples" -ge 500 ] && [ $((incomplete * 100)) -le "$samples" ] && [ $((good * 100)) -ge $((samples * 99)) ] && [ "$unseen" = 0 ] ||
		flunk "$1: $samples samples, $incomplete incomplete, $good as they must be, $unseen stacks without any" "$(cut -c-600 "$T/differ")"
}

# On the host only.
@test "Python and PHP: what programs know of their own stacks, in all ways to call" {
	told /m/known.py
	told /m/known.php
}

# On the host only.
@test "Ruby: to the program's own lines, and what it knows of its stacks" {
	need ruby
	known ruby3.1 lang.rb
	told /m/known.rb
}
