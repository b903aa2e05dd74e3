#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs whose stacks are known, built in the ways in which programs are, with the libraries that they need, as the
# root of a container below DIR.
#
#	programs.sh DIR [all]
#
# Prints what could be built, "NAME SOURCE COMMAND" a line; the name is what the process has. Without `all`, it is what the tests'
# tools build.
set -euo pipefail
src=$(cd "$(dirname "$0")" && pwd)
root=$1/root
m=$root/m
all=${2:-}
flags=(-O2 -fomit-frame-pointer -fno-optimize-sibling-calls)
mkdir -p "$m" "$root"/{bin,lib64,lib,tmp,usr/lib/debug}

# program NAME SOURCE COMPILER [OPTION...]
program() {
	local name=$1 from=$2 cc=$3
	shift 3
	command -v "$cc" >/dev/null || return 0
	"$cc" "${flags[@]}" -o "$m/$name" "$src/$from" "$@"
	echo "$name $from /m/$name"
}

# command_of NAME SOURCE PROGRAM [ARGUMENT...]: of an interpreter that the container has from the host.
command_of() {
	local name=$1 from=$2 program=$3
	shift 2
	[ -x "$1" ] || return 0
	cp "$src/$from" "$m/"
	shift
	echo "$name $from $(readlink -f "$program")${*:+ }$*"
}

# What a program is linked with, at its path.
libraries() {
	local lib
	for lib in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$lib" ] || cp -L --parents "$lib" "$root"
	done
}

program plain plain.c gcc
program plain-nopie plain.c gcc -no-pie
program plain-spie plain.c gcc -static-pie
program plain-static plain.c gcc -static
program plain-cet plain.c gcc -fcf-protection=full
program plain-fp plain.c gcc -fno-omit-frame-pointer
program plain-clang plain.c clang
program plain-musl plain.c musl-gcc
program plain-musls plain.c musl-gcc -static
program many many.c gcc
program signals signals.c gcc -pthread
program signals-musl signals.c musl-gcc -pthread
program library library.c gcc -Wl,-z,lazy
program library-now library.c gcc -Wl,-z,now
program library-stat library.c gcc -static
program library-musl library.c musl-gcc
program plugged plugged.c gcc | sed 's|$| /m/plugin.so|'
gcc "${flags[@]}" -shared -fPIC -o "$m/plugin.so" "$src/plugin.c"
program throw throw.cc g++ -g
program throw-static throw.cc g++ -static
libraries "$m/plain"
libraries "$m/throw"
if command -v musl-gcc >/dev/null; then
	cp -L "/lib/ld-musl-$(uname -m).so.1" "$root/lib/"
fi

# Where names are that were taken out. The build ids differ by the name, so that none is found in another's place.
# stripped NAME WHERE, where the debug file goes; it says so by a debuglink unless it is found by its id.
stripped() {
	local id
	gcc "${flags[@]}" -g -Wl,--build-id="0x$(sha1sum <<<"$1" | cut -c-40)" -o "$m/$1" "$src/plain.c"
	objcopy --only-keep-debug "$m/$1" "$1.debug"
	strip "$m/$1"
	id=$(readelf -n "$m/$1" | sed -n 's/.*Build ID: //p')
	case $2 in
	id) install -D "$1.debug" "$3/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" ;;
	link)
		objcopy --remove-section=.note.gnu.build-id --add-gnu-debuglink="$1.debug" "$m/$1"
		install -D "$1.debug" "$3/usr/lib/debug/m/$1.debug"
		;;
	mini)
		nm "$1.debug" --format=posix --defined-only | awk '$2 ~ /[tT]/ { print $1 }' >"$1.keep"
		objcopy -S --remove-section .comment --keep-symbols="$1.keep" "$1.debug" "$1.mini" 2>/dev/null
		xz -f "$1.mini"
		objcopy --add-section ".gnu_debugdata=$1.mini.xz" "$m/$1"
		;;
	esac
	echo "$1 plain.c /m/$1"
}
cd "$1"
stripped plain-id id "$root"
stripped plain-link link "$root"
stripped plain-mini mini
stripped plain-host id "$1/host"
stripped plain-bare none | sed 's/plain.c/-/'

# Of the host's, by /usr.
command_of python3.11 lang.py /usr/bin/python3 /m/lang.py
command_of php8.2 lang.php /usr/bin/php /m/lang.php
command_of ruby3.1 lang.rb /usr/bin/ruby /m/lang.rb

[ "$all" ] || exit 0
: "${CARGO_HOME:=$HOME/.cargo}"
PATH=$PATH:$CARGO_HOME/bin
if command -v rustc >/dev/null; then
	rustc -O -g --crate-name lang_rust -o "$m/lang-rust" "$src/lang.rs"
	echo "lang-rust lang.rs /m/lang-rust"
fi
if command -v go >/dev/null; then
	GOFLAGS=-mod=mod GO111MODULE=off go build -o "$m/lang-go" "$src/lang.go"
	GOFLAGS=-mod=mod GO111MODULE=off go build -ldflags '-s -w' -o "$m/lang-gos" "$src/lang.go"
	echo "lang-go lang.go /m/lang-go"
	echo "lang-gos lang.go /m/lang-gos"
fi
command_of node lang.js /usr/bin/node --perf-basic-prof --interpreted-frames-native-stack /m/lang.js
for p in "$HOME"/.pyenv/versions/3.11*/bin/python3.11; do
	command_of pyenv lang.py "$p" /m/lang.py
done
if command -v javac >/dev/null; then
	javac -d "$m" "$src/Lang.java"
	command_of java Lang.java "$(command -v java)" -cp /m Lang
fi
