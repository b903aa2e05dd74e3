#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Install what porthole needs from the distribution's packages: only what is missing, asking for
# nothing when run as root.
#
#	scripts/deps.sh [--verify] [build] [demo] [check] [bench]
#
# --verify installs nothing: it lists what is missing and fails if that is anything.
# --clang prints the clang to compile BPF with.
set -euo pipefail

# SET PROBE APT DNF: PROBE is how to see that it is there already, whoever installed it:
# cmd:NAME in PATH, pc:NAME for pkg-config.
requirements() {
	cat <<-'TABLE'
	build cmd:gcc                     gcc                gcc
	build cmd:meson                   meson              meson
	build cmd:ninja                   ninja-build        ninja-build
	build cmd:pkg-config              pkg-config         pkgconf-pkg-config
	build clang                       clang              clang
	build pc:libbpf                   libbpf-dev         libbpf-devel
	build pc:libelf                   libelf-dev         elfutils-libelf-devel
	build pc:libdw                    libdw-dev          elfutils-devel
	build pc:liblzma                  liblzma-dev        xz-devel
	build libiberty                   libiberty-dev      binutils-devel
	build pc:jansson                  libjansson-dev     jansson-devel
	build pc:ncursesw                 libncurses-dev     ncurses-devel
	build pc:zlib                     zlib1g-dev         zlib-devel
	build libc.a                      libc6-dev          glibc-static
	demo  cmd:busybox                 busybox-static     busybox
	check pc:libdeflate               libdeflate-dev     libdeflate-devel
	check cmd:busybox                 busybox-static     busybox
	check cmd:g++                     g++                gcc-c++
	check cmd:objcopy                 binutils           binutils
	check cmd:xz                      xz-utils           xz
	check pc:cmocka                   libcmocka-dev      libcmocka-devel
	check cmd:bats                    bats               bats
	check cmd:jq                      jq                 jq
	check gojq                        gojq               gojq
	check cmd:strace                  strace             strace
	check cmd:tmux                    tmux               tmux
	check cmd:python3                 python3            python3
	check cmd:php                     php-cli            php-cli
	check cmd:node                    nodejs             nodejs
	check cmd:go                      golang-go          golang
	check cmd:musl-gcc                musl-tools         musl-gcc
	check cmd:ruby                    ruby               ruby
	check cmd:perl                    perl               perl
	check cmd:babeltrace2             babeltrace2        babeltrace2
	check cmd:dockerd                 docker.io          moby-engine
	check cmd:bwrap                   bubblewrap         bubblewrap
	check cmd:systemd-nspawn          systemd-container  systemd-container
	check cmd:qemu-system-x86_64      qemu-system-x86    qemu-system-x86-core
	check cmd:debootstrap             debootstrap        debootstrap
	check cmd:mkfs.ext4               e2fsprogs          e2fsprogs
	check cmd:cpio                    cpio               cpio
	check cmd:depmod                  kmod               kmod
	check cmd:lttng                   lttng-tools        lttng-tools
	check pc:lttng-ust                liblttng-ust-dev   lttng-ust-devel
	check cmd:redis-cli               redis-tools        redis
	check cmd:sqlite3                 sqlite3            sqlite
	check cmd:curl                    curl               curl
	check cmd:shellcheck              shellcheck         ShellCheck
	check cmd:mandoc                  mandoc             mandoc
	check browser                     chromium           chromium
	bench pc:libdeflate               libdeflate-dev     libdeflate-devel
	bench cmd:perf                    linux-perf         perf
	bench cmd:strace                  strace             strace
	bench cmd:bpftrace                bpftrace           bpftrace
	bench cmd:babeltrace2             babeltrace2        babeltrace2
	bench cmd:jq                      jq                 jq
	bench cmd:python3                 python3            python3
	bench cmd:dockerd                 docker.io          moby-engine
	bench cmd:g++                     g++                gcc-c++
	TABLE
}

# clang 14 crashes on some bit-field reads of BPF CO-RE; below 15 there is nothing to build with.
clang_min=15
clang_max=19

find_clang() {
	local v
	for ((v = clang_max; v >= clang_min; v--)); do
		command -v "clang-$v" && return
	done
	v=$(clang -dumpversion 2>/dev/null | cut -d. -f1) || return
	[ "${v:-0}" -ge $clang_min ] && command -v clang
}

packaged() { apt-cache show "$1" >/dev/null 2>&1; }

# The newest clang that this release's archive has.
clang_package() {
	local v
	for ((v = clang_max; v >= clang_min; v--)); do
		if packaged "clang-$v"; then
			echo "clang-$v"
			return
		fi
	done
	echo clang
}

have() {
	case $1 in
	clang) find_clang >/dev/null ;;
	cmd:*) command -v "${1#cmd:}" || compgen -G "/usr/sbin/${1#cmd:}" || compgen -G "/sbin/${1#cmd:}" ;;
	pc:*) pkg-config --exists "${1#pc:}" ;;
	gojq) command -v gojq || ! packaged gojq ;;
	browser) command -v chromium || command -v google-chrome || ! packaged chromium ;;
	libiberty) [ -e "$(gcc -print-file-name=libiberty.a)" ] && [ -e /usr/include/libiberty/demangle.h ] ;;
	libc.a) [ -e "$(gcc -print-file-name=libc.a)" ] ;;
	esac >/dev/null 2>&1
}

# Lines "PROBE APT DNF" of the given sets which are not there.
missing() {
	local set probe apt dnf
	while read -r set probe apt dnf; do
		if [[ " $* " == *" $set "* ]] && ! have "$probe"; then
			echo "$probe $apt $dnf"
		fi
	done < <(requirements) | sort -u
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

# Package names for the lines of missing(), as this release calls them.
apt_names() {
	local probe apt _
	while read -r probe apt _; do
		case $apt in
		clang) clang_package ;;
		linux-perf) packaged linux-perf && echo linux-perf || echo linux-tools-generic ;;
		*) echo "$apt" ;;
		esac
	done <<<"$1" | sort -u | paste -sd' '
}

install_apt() {
	local pkgs
	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
	local get=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
		apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)

	# Package lists that are absent or old name versions that the mirror no longer has.
	if [ -z "$(find /var/lib/apt/lists -name '*Packages*' -mtime -1 -print -quit 2>/dev/null)" ]; then
		as_root "${get[@]}" update
	fi
	read -ra pkgs <<<"$(apt_names "$1")"
	echo "deps: installing ${pkgs[*]}"
	as_root "${get[@]}" install --no-install-recommends "${pkgs[@]}" ||
		{ as_root "${get[@]}" update &&
			as_root "${get[@]}" install --no-install-recommends "${pkgs[@]}"; }
}

verify=false
sets=()
for arg; do
	case $arg in
	--verify) verify=true ;;
	--clang) find_clang; exit ;;
	build | demo | check | bench) sets+=("$arg") ;;
	*) sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
done
[ ${#sets[@]} -gt 0 ] || sets=(build)

todo=$(missing "${sets[@]}")
[ -n "$todo" ] || exit 0

if command -v apt-get >/dev/null; then
	names=$(apt_names "$todo")
	how="apt-get install $names"
elif command -v dnf >/dev/null; then
	names=$(awk '{print $3}' <<<"$todo" | sort -u | paste -sd' ')
	how="dnf install $names"
else
	how="install the packages that hold: $(awk '{print $1}' <<<"$todo" | paste -sd' ')"
fi

if $verify; then
	echo "deps: missing for '${sets[*]}'; as root: $how   (or: make deps)" >&2
	exit 1
fi
if ! command -v apt-get >/dev/null || ! as_root true 2>/dev/null; then
	echo "deps: cannot install what is missing here; as root: $how" >&2
	exit 1
fi

install_apt "$todo"

left=$(missing "${sets[@]}")
if [ -n "$left" ]; then
	echo "deps: installed, but still not found: $(awk '{print $1}' <<<"$left" | paste -sd' ')" >&2
	exit 1
fi
