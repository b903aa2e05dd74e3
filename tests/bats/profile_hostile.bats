#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A container ships what is made to be read by a profiler; another one runs beside it. On the host only: there is no compiler elsewhere.
# limit: 240 s

load lib
load cause

teardown() {
	touch "$T.stop"
	record_kill
	launch_stop
	rm -rf "$T"*
}

# root NAME: an empty root for a container, with a shell. $R
root() {
	R=$T-root-$1
	mkdir -p "$R"/{bin,e,proc,dev,tmp,etc,usr/lib/debug/.build-id/ab,var/lib/dpkg/info}
	cp "$(command -v busybox)" "$R/bin/"
	ln -s busybox "$R/bin/sh"
}

# compiled NAME [gcc's options]: spin.c, of functions NAME_work and NAME_leaf. So long as it runs there is time for samples.
compiled() {
	local name=$1
	shift
	gcc -g -O1 -static -DNAME="$name" "$@" -o "$T.$name" "$BATS_TEST_DIRNAME/spin.c"
}

# bare NAME [objcopy's options]: $T.evil without symbols, as $R/e/NAME.
bare() {
	local name=$1
	shift
	objcopy --strip-all "$@" "$T.evil" "$R/e/$name"
}

# broken NAME WHAT
broken() {
	cp "$T.evil" "$R/e/$1"
	"$BATS_TEST_DIRNAME/broken_elf.py" "$R/e/$1" "$2"
}

# linked NAME DEBUGFILE: without symbols, and a link to these in .debug.
linked() {
	mkdir -p "$R/e/.debug"
	(cd "$T.links" && cp "$T.evil.debug" "$1.debug" && objcopy --strip-all --add-gnu-debuglink="$1.debug" "$T.evil" "$R/e/$1")
}

evil_files() {
	local id=-Wl,--build-id=0xabcdef0123456789
	# It says that it is what the neighbour runs.
	compiled evil "$id"
	mkdir "$T.links"
	objcopy --only-keep-debug "$T.evil" "$T.evil.debug"
	root evil
	printf 'ID=debian\nVERSION_ID="12"\n' >"$R/etc/os-release"
	printf '/e/bare\n' >"$R/var/lib/dpkg/info/evil-tools.list"
	cp "$T.evil" "$R/usr/lib/debug/.build-id/ab/cdef0123456789.debug"
	compiled none -Wl,--build-id=none
	# Of here on files without a build id: debug files are found by their names alone.
	mv "$T.none" "$T.evil"
	objcopy --only-keep-debug "$T.evil" "$T.evil.debug"
	for what in table headers .symtab .strtab .eh_frame .debug_; do
		broken "bad$what" "$what"
	done
	bare bare
	# Its sections are 9 GiB behind it.
	bare sparse
	truncate -s 10G "$R/e/sparse"
	printf '\0\0\0\100\2\0\0\0' | dd of="$R/e/sparse" bs=1 seek=40 conv=notrunc status=none
	# Debug files that are no files, and one that is nearly all holes, of which the CRC is asked for.
	linked fifo
	mkfifo "$R/e/.debug/fifo.debug"
	linked zero
	ln -s /dev/zero "$R/e/.debug/zero.debug"
	linked dir
	mkdir "$R/e/.debug/dir.debug"
	linked holes
	cp "$T.evil.debug" "$R/e/.debug/holes.debug"
	truncate -s 200M "$R/e/.debug/holes.debug"
	# The right one, but not in this container.
	linked outside
	ln -s "$T.evil.debug" "$R/e/.debug/outside.debug"
	linked above
	ln -s "../../../../../../../../../../$T.evil.debug" "$R/e/.debug/above.debug"
	# A bomb where symbols may be packed.
	head -c 500M /dev/zero | xz -T1 -0 >"$T.bomb"
	bare bomb --add-section .gnu_debugdata="$T.bomb"
	# Code that is mapped, and cut off or replaced meanwhile.
	gcc -g -O1 -shared -fPIC -nostdlib -Wl,--build-id=none -o "$R/e/.cut" -x c - <<<'static volatile long n; void cut_work(void) { for (int i = 0; i < 100000; i++) n++; }'
}

# On the host only: the compiler that makes them is not in the machine.
@test "a container of hostile files: its neighbour's stacks and names are whole, and it is told what could not be read" {
	need gcc objcopy xz python3
	local offset all whole f E
	evil_files
	E=$R
	# The neighbour, of the same build id, has its symbols in a file of its own.
	compiled good -Wl,--build-id=0xabcdef0123456789
	root good
	objcopy --strip-all "$T.good" "$R/e/good"
	cp "$T.good" "$R/usr/lib/debug/.build-id/ab/cdef0123456789.debug"
	cp "$R/e/good" "$E/e/.map"
	offset=$(nm "$E/e/.cut" | awk '/cut_work/ { print $1 }')

	record "$T" -q -c "$PH_FILE-good,$PH_FILE-evil" --wait -e profile -F 500
	launch evil -r "$E" -- sh -c "for f in /e/*; do \$f 6000 & done
		while :; do /e/.map 6000 /e/.cut $offset; done & sleep 8"
	# The first one is what becomes known: which files there are, and how to walk through them.
	ln -s good "$R/e/again"
	launch good -r "$R" -- sh -c "/e/good 2000; /e/again 5000"
	(until [ -e "$T.stop" ]; do
		cp "$E/e/.cut" "$T.cut"
		truncate -s 4096 "$E/e/.cut"
		sleep 0.02
		cat "$T.cut" >"$E/e/.cut"
		sleep 0.02
		cp "$T.cut" "$T.new"
		mv "$T.new" "$E/e/.cut"
		sleep 0.05
	done) 3>&- &
	sleep 8
	touch "$T.stop"
	# It ends by itself, without a word about a failure of its own.
	record_end

	porthole profile -r "$T" --user -o folded 2>"$T.says" >"$T.folded"
	all=$(grep "^$PH_FILE-good;again;" "$T.folded" | awk '{ n += $NF } END { print n / 2e6 }')
	whole=$(grep -E "^$PH_FILE-good;again;_start;.*;main;good_work(;good_leaf)? " "$T.folded" | awk '{ n += $NF } END { print n / 2e6 }')
	awk -v all="$all" -v whole="$whole" 'BEGIN { exit !(all > 50 && whole > 0.9 * all) }' || flunk "$whole of $all" "$(grep "^$PH_FILE-good;" "$T.folded")" || return
	# Neither names that another container has for this build id, nor none, but for the first moments of a program, when it is not known
	# yet what it has mapped (8) and how to walk through that (7).
	! grep "^$PH_FILE-good;.*evil_" "$T.folded" || flunk "$(cat "$T.says")" || return
	! grep "^$PH_FILE-good;.*good+0x" "$T.folded" | grep -vF ';[incomplete];' || flunk "$(cat "$T.says")" || return
	! events "$T" -e callstack | jq -e "select(.container == \"$PH_FILE-good\" and (.comm | IN(\"good\", \"again\")) and (.fields.user_end | IN(0, 1, 7, 8) | not)).fields" ||
		flunk "ends for another reason"
	walked good again
	walked good good
	# Debug files are those of the container; what is broken has what is left of it.
	for f in badtable badheaders bare sparse fifo zero dir holes outside above bomb; do
		grep -q "^$PH_FILE-evil;$f;.*$f+0x" "$T.folded" || flunk "$f" "$(grep "evil;$f;" "$T.folded")" || return
		! grep -E "^$PH_FILE-evil;$f;.*none_(work|leaf)" "$T.folded" || flunk "$f has names" || return
	done
	for f in bad.eh_frame bad.debug_; do
		grep -q "^$PH_FILE-evil;$f;.*none_leaf" "$T.folded" || flunk "$f" "$(grep "evil;$f;" "$T.folded")" || return
	done
	# It is told what is missing.
	events "$T" -e mapped_file | jq -r '.fields | "\(.path) \(.file)"' >"$T.files"
	f=$(awk '$1 == "/e/badtable" { print $2 }' "$T.files")
	some symbols_missing ".fields.file == $f" <<-END
		problem      "its section headers cannot be read"
		distribution ""
		install      ""
	END
	f=$(awk '$1 == "/e/badheaders" { print $2 }' "$T.files")
	some symbols_missing ".fields.file == $f" <<-END
		problem      "its symbols have no name there"
	END
	f=$(awk '$1 == "/e/bare" { print $2 }' "$T.files")
	some symbols_missing ".fields.file == $f" <<-END
		file         $f
		problem      ""
		distribution "debian 12"
		install      "apt install evil-tools-dbgsym"
	END
	porthole profile -r "$T" -o json -c "$PH_FILE-evil" | jq -es '[.[].stack[].missing | select(. != null)] | unique |
		any(.path == "/e/bare" and .install == "apt install evil-tools-dbgsym") and any(.path == "/e/badtable" and .problem != null)' >/dev/null ||
		flunk "$(cat "$T.says")"
}
