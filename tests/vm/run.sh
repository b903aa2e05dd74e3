#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run the end-to-end tests in a virtual machine with Debian's own kernel (6.1, pure cgroup v2,
# kprobes, fentry, KVM by an emulated AMD processor): no KVM is needed here, nothing is installed.
# TAP on stdout.
#
#	tests/vm/run.sh [FILE.bats...]
#
# The machine's root file system is made of this host's programs (those that the tests use, with
# their libraries) and sent along as the initial RAM disk: no network, seconds to boot. An empty disk
# is for the tests of block devices.
# Kernel and RAM disk are kept in PORTHOLE_BUILD/vm. PH_VM_SHELL=1 gives a shell in it instead,
# PH_VM_RUN='COMMAND' runs that and writes what it prints to our stdout, byte for byte. PH_VM_ADD=FILE
# is read by this shell to put more into the machine. PH_VM_KERNEL=PACKAGE is another kernel than the
# distribution's own: a newer one is called linux-image-VERSION-amd64-unsigned in Debian.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
: "${PORTHOLE_BUILD:=$top/build}"
vm=$PORTHOLE_BUILD/vm${PH_VM_KERNEL:+-$PH_VM_KERNEL}
root=$vm/root
mkdir -p "$vm"

skip() {
	echo "ok - virtual machine # skip $*"
	exit
}

command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86_64 is not installed"
command -v cpio >/dev/null || skip "cpio is not installed"
PATH=$PATH:/usr/sbin:/sbin command -v mkfs.ext4 >/dev/null || skip "mkfs.ext4 is not installed"

# What the tests need of the kernel's modules: KVM, a disk with a file system, a network device.
modules=(kvm-amd virtio_pci virtio_blk ext4 crc32c_generic mq-deadline virtio_net)

# The kernel as its package has it, unpacked and not installed, with the modules in the order in which
# they can be loaded. (The cloud kernel has no KVM.)
fetch_kernel() {
	local pkg version m
	pkg=${PH_VM_KERNEL:-$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: //p' | head -1)}
	[ -n "$pkg" ] || skip "there is no package linux-image-amd64 here"
	PATH+=:/usr/sbin:/sbin
	command -v depmod >/dev/null || skip "depmod is not installed"
	rm -rf "$vm/deb" "$vm/kernel"
	mkdir -p "$vm/deb" "$vm/kernel/modules"
	(cd "$vm/deb" && apt-get -q download "$pkg" >&2) || skip "$pkg could not be downloaded"
	dpkg -x "$vm"/deb/linux-image-*.deb "$vm/deb"
	version=$(basename "$vm"/deb/lib/modules/*)
	depmod -b "$vm/deb" "$version"
	for m in "${modules[@]}"; do
		modprobe -d "$vm/deb" -S "$version" --show-depends "$m"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$vm/deb/list"
	while read -r m; do
		cp "$m" "$vm/kernel/modules/"
		m=${m##*/}
		case $m in *.xz) xz -df "$vm/kernel/modules/$m" ;; esac
		echo "${m%.xz}"
	done <"$vm/deb/list" >"$vm/kernel/modules/list"
	mv "$vm"/deb/boot/vmlinuz-* "$vm/kernel/vmlinuz"
	rm -rf "$vm/deb"
}

# add FILE...: with the directories above it, what its links lead to, and its libraries.
add() {
	local f lib
	for f; do
		[ -e "$f" ] && [ ! -e "$root$f" ] || continue
		mkdir -p "$root${f%/*}"
		if [ -L "$f" ]; then
			cp -P "$f" "$root$f"
			# One step at a time: /etc/alternatives lies between.
			lib=$(readlink "$f")
			[[ $lib == /* ]] || lib=$(realpath -s "${f%/*}/$lib")
			add "$lib"
		elif [ -f "$f" ]; then
			cp "$f" "$root$f"
			# Scripts and data have none.
			for lib in $(ldd "$f" 2>/dev/null | grep -o '/[^ ]*'); do add "$lib"; done
		fi
	done
}

# Files of a package; only programs and what they load.
add_package() {
	local f
	for f in $(dpkg -L "$1" 2>/dev/null); do
		case $f in
		*/share/doc/* | */share/man/* | */share/info/* | */share/locale/* | */share/bash-completion/*) ;;
		*) [ -d "$f" ] || add "$f" ;;
		esac
	done
}

build_root() {
	local c d python
	rm -rf "$root"
	mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,dev,proc,sys,tmp,run,etc,root,porthole/build,porthole/tests}
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$root/$d"; done
	echo 'root:x:0:0:root:/root:/bin/bash' >"$root/etc/passwd"
	for c in bash sh awk jq gojq grep sed find xargs tar gzip mount umount unshare nsenter setpriv ps pgrep \
		bwrap strace busybox ip hostname filefrag diff taskset apparmor_parser; do
		c=$(PATH=$PATH:/usr/sbin:/sbin command -v "$c") && add "$c"
	done
	# Debian's, which is all in packages; another may be first in PATH.
	python=$(readlink /usr/bin/python3) || python=python3
	for c in coreutils bats babeltrace2 libbabeltrace2-0 python3-minimal "$python-minimal" \
		"lib$python-minimal" "lib$python-stdlib"; do
		# babeltrace2's library package carries its plug-ins, which ldd does not know of.
		add_package "$c"
	done
	for c in porthole ph-launch ph-load; do
		[ -e "$PORTHOLE_BUILD/$c" ] || continue
		cp "$PORTHOLE_BUILD/$c" "$root/porthole/build/"
		for d in $(ldd "$PORTHOLE_BUILD/$c" 2>/dev/null | grep -o '/[^ ]*'); do add "$d"; done
	done
	cp -r "$top/tests/bats" "$root/porthole/tests/"
	# A test takes ten seconds here: without those that this kernel has no part in.
	sed -i '/^# On the host only/,/^}/d' "$root"/porthole/tests/bats/*.bats
	[ ! -d "$top/tests/data" ] || cp -r "$top/tests/data" "$root/porthole/tests/"
	cp -r "$top/scripts" "$root/porthole/"
	mkdir -p "$root/porthole/tests/vm"
	cp "$here"/*.sh "$root/porthole/tests/vm/"
	cp "$here/init" "$root/init"
	cp -r "$vm/kernel/modules" "$root/modules"
	# shellcheck source=/dev/null
	[ -z "${PH_VM_ADD:-}" ] || . "$PH_VM_ADD"
	[ -z "${PH_VM_RUN:-}" ] || echo "$PH_VM_RUN" >"$root/porthole/command"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$vm/initrd"
}

# Three processors, of which one is for a few tests only; first serial line: the kernel's and the
# tests' noise; second: the results.
# Without what costs the emulator a fifth of its time and no test needs: wide registers, a fifth level
# of page tables, checks of each access. The clock is the TSC: to ask others is a system call.
# The kernel is not to look whether its timer runs at the right pace: on a busy host it does not.
# Of the network there is one peer, a program that QEMU starts: it answers what it is told after a while.
# One thread for all processors: with one each, two of them waited for each other for ever once.
machine() {	# DIRECTORY KERNEL'S_ARGUMENTS
	truncate -s 64M "$1/disk"
	PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F "$1/disk"
	# shellcheck disable=SC2054  # the commas are QEMU's
	qemu=(qemu-system-x86_64 -accel tcg,thread=single -smp 3 -m 2G -nodefaults -display none -no-reboot
		-cpu max,+svm,-avx,-avx2,-fma,-f16c,-la57,-pku,-smap,-smep,-umip
		-kernel "$vm/kernel/vmlinuz" -initrd "$vm/initrd"
		-drive "file=$1/disk,if=none,format=raw,id=disk,cache=unsafe" -device "virtio-blk-pci,drive=disk"
		-append "console=ttyS0 quiet no_timer_check tsc=reliable clocksource=tsc panic=-1 rdinit=/init $2")
	if qemu-system-x86_64 -netdev help | grep -x user >/dev/null; then
		qemu+=(-netdev 'user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:7014-cmd:sh -c "sleep 0.5; exec cat"'
			-device 'virtio-net-pci,netdev=net')
	fi
	[ -z "${PH_VM_SHELL:-}" ] || exec "${qemu[@]}" -serial mon:stdio
	: >"$1/results"
	timeout -k 5 "${PH_VM_LIMIT:-640}" "${qemu[@]}" -serial "file:$1/console" -serial "file:$1/results" </dev/null >&2
}

# Files of tests, in the machine. Names have no blanks; init takes them from its environment.
tests() {	# DIRECTORY FILE...
	local dir=$1 rc=0
	shift
	mkdir -p "$dir"
	machine "$dir" "PH_VM_FILES=$(printf '/porthole/tests/bats/%s\n' "$@" | paste -sd,)" || rc=$?
	tr -d '\r' <"$dir/results"
	grep -q '^# the end' "$dir/results" && return
	echo "not ok - the virtual machine ended early ($rc)"
	grep '^# [a-z_]*: [0-9]* s$' "$dir/results" | tr -d '\r'
	tail -n 20 "$dir/console" | tr -d '\r' | sed 's/^/# /'
}

# Two lists of files that take as long: the longest first, each to the shorter list.
halves() {
	local f
	for f; do
		echo "$(grep -c '^@test' "$root/porthole/tests/bats/$f") $f"
	done | sort -rn | awk '{ i = n[1] <= n[2] ? 1 : 2; n[i] += $1; list[i] = list[i] " " $2 }
		END { print list[1]; print list[2] }'
}

[ -e "$vm/kernel/vmlinuz" ] || fetch_kernel
build_root

if [ -n "${PH_VM_SHELL:-}" ]; then
	machine "$vm" PH_VM_SHELL=1
elif [ -n "${PH_VM_RUN:-}" ]; then
	machine "$vm" ''
	cat "$vm/results"
else
	[ $# -gt 0 ] || set -- "$here"/../bats/*.bats
	files=()
	for f; do
		! grep -q '^@test' "$root/porthole/tests/bats/${f##*/}" || files+=("${f##*/}")
	done
	# What an emulated machine does is mostly done by one of its processors at a time: two of them.
	mapfile -t lists < <(halves "${files[@]}")
	for i in 0 1; do
		# shellcheck disable=SC2086  # a list of files
		[ -z "${lists[i]}" ] || tests "$vm/$i" ${lists[i]} >"$vm/$i.tap" &
	done
	wait
	for i in 0 1; do
		[ -z "${lists[i]}" ] || cat "$vm/$i.tap"
	done
fi
