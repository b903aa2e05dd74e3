#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Containers whose files another program serves (FUSE), which does not answer any more: whoever touches one waits for ever, and cannot be ended.
# On the host only: there is no compiler elsewhere.

load lib
load cause

# Who has no server any more is answered by the kernel. The mounts are in a namespace of their own, and go with it.
teardown() {
	local p
	for p in "${SERVERS[@]}"; do kill -9 "$p" 2>/dev/null || :; done
	SERVERS=()
	record_kill
	launch_stop
	rm -rf "$T"*
}

# ph-launch, where these file systems are mounted.
ph-launch() {
	nsenter -t "${SERVERS[0]:-$$}" -m "$(type -P ph-launch)" "$@"
}

prepare() {
	need gcc nsenter unshare
	[ -c /dev/fuse ] || skip "no FUSE"
	SERVERS=()
	gcc -O1 -o "$T.fuse" "$BATS_TEST_DIRNAME/fuse.c" || return
	gcc -O2 -fomit-frame-pointer -fno-optimize-sibling-calls -static -o "$T.program" "$BATS_TEST_DIRNAME/../matrix/plain.c"
}

is_mounted() { grep -q " $1 fuse" "/proc/${SERVERS[0]}/mounts"; }

# served NAME [DIRECTORY]: a directory with a program in it, from tests/bats/fuse.c, until there is $T.NAME.hang.
served() {
	local at=${2:-$T.$1} within=(nsenter -t "${SERVERS[0]:-}" -m)
	[ "${#SERVERS[@]}" -gt 0 ] || within=(unshare -m --propagation private)
	mkdir -p "$at"
	"${within[@]}" "$T.fuse" "$T.program" "$at" "$T.$1.hang" >"$T.$1.out" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for 10 is_mounted "$at" || flunk "$(cat "$T.$1.out")"
}

# folded LINE SECONDS: waits until the profile has a stack like that.
folded() {
	wait_for "$2" has_folded "$1" || flunk "$(cat "$T.folded")"
}

has_folded() {
	porthole profile -r "$T" --user -o folded >"$T.folded" 2>"$T.says"
	grep -q "^$PH_FILE-in;$1" "$T.folded"
}

has_ended() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

# Whoever is stuck in it is not the recorder.
record_ends() {
	kill -INT "$RECORDER"
	wait_for 20 has_ended "$RECORDER" || flunk "$(cat "$T.out")" || return
	record_end
}

runs() { grep -qx "$1" /proc/[0-9]*/comm; }

is_mapped() { grep -qF "$1" /proc/[0-9]*/maps 2>/dev/null; }

# On the host only.
@test "programs on served file systems: they are walked by a copy; where nobody answers any more, all others still are" {
	local p
	prepare || return
	served well || return
	served hung || return
	mkdir "$T.empty" "$T.over"
	nsenter -t "${SERVERS[0]}" -m mount -t overlay -o "lowerdir=$T.hung:$T.empty" none "$T.over" || return
	for p in well hung over; do ln -s "$T.$p/program" "$T.$p.program"; done
	launch in -r host -e MATRIX_MS=60000 -e MATRIX_IDLE_MS=0 -- \
		sh -c "for p in well hung over; do $T.\$p.program & done; chroot $T.hung /program & $(command -v ph-load) stacks 60s & wait"
	for p in well hung over; do wait_for 10 is_mapped "$T.$p/program" || flunk "$(cat "$PH_WORK/$PH_FILE-in.log")" || return; done
	wait_for 10 runs program || return
	touch "$T.hung.hang"
	record "$T" -q -c "$PH_FILE-in" -e profile -F 500
	folded "$(basename "$T").well.*;main;.*;deep;deep;" 20 || return
	folded "ph-load;.*;load_stacks;stacks_deep;" 20 || return
	record_ends || return
	has_folded 'program;' || flunk "$(cat "$T.folded")" || return
	! grep -E '^[^;]*;(program|[^;]*\.(hung|over)[^;]*);.*main' "$T.folded"
}

# On the host only.
@test "where names are looked for nobody answers: debug files, maps of code that is made, lists of packages" {
	local root=$T-root d
	prepare || return
	gcc -O1 -fno-omit-frame-pointer -static -s -o "$T.makes" -x c - <<-'END'
		#include <string.h>
		#include <sys/mman.h>
		static volatile unsigned long n;
		__attribute__((noinline, aligned(256))) static void work(volatile unsigned long *p) { for (int i = 0; i < 1000000; i++) *p += 1; }
		int main(void) {
			char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memcpy(code, work, 256);
			__builtin___clear_cache(code, code + 256);
			for (;;) { ((void (*)(volatile unsigned long *))code)(&n); work(&n); }
		}
	END
	mkdir -p "$root"/{bin,dev,proc,etc,tmp,usr/lib/debug,var/lib/dpkg}
	cp "$(command -v busybox)" "$root/bin/"
	ln -s busybox "$root/bin/sh"
	cp "$T.makes" "$root/bin/makes"
	cp "$(command -v ph-load)" "$root/bin/"
	printf 'ID=debian\nVERSION_ID="12"\n' >"$root/etc/os-release"
	touch "$T.tmp.hang" "$T.debug.hang" "$T.dpkg.hang"
	served tmp "$root/tmp" || return
	served debug "$root/usr/lib/debug" || return
	served dpkg "$root/var/lib/dpkg" || return
	launch in -r "$root" -- /bin/sh -c "/bin/makes & /bin/ph-load stacks 60s & wait"
	record "$T" -q -c "$PH_FILE-in" -e profile -F 500
	folded "makes;.*anonymous code" 20 || return
	folded "ph-load;.*;load_stacks;stacks_deep;" 20 || return
	record_ends
}

# On the host only.
@test "a probe of a function in a file that nobody serves any more: it is told, and the others are found" {
	prepare || return
	served hung || return
	launch in -r host -e MATRIX_MS=60000 -- sh -c "$T.hung/program & sleep 60"
	wait_for 10 is_mapped "$T.hung/program" || return
	touch "$T.hung.hang"
	timeout 20 porthole probe -c "$PH_FILE-in" -d 1s "uprobe:$T.hung/program:deep" >"$T.out" 2>&1 || [ $? -ne 124 ] || flunk "it hangs" || return
	grep -q "does not answer" "$T.out" || flunk "$(cat "$T.out")" || return
	timeout 30 porthole probes "uprobe:*:printf" -c "$PH_FILE-in" >"$T.out" 2>&1 || flunk "$(cat "$T.out")" || return
	grep -q "printf" "$T.out" || flunk "$(cat "$T.out")"
}
