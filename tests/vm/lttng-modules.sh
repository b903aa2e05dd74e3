# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154  # $vm, $root, add, add_package and skip are run.sh's
# For PH_VM_ADD of run.sh: LTTng's kernel tracer in the virtual machine. Its modules are built from
# Debian's source package for the machine's kernel, once, in PORTHOLE_BUILD/vm/lttng; nothing is installed.

lttng_build_modules() {
	local release=$1 dir=$vm/lttng src common=${1%-amd64}
	common=${common%-cloud}-common
	for c in gcc-12 make lttng depmod; do
		command -v "$c" >/dev/null || skip "$c is not installed"
	done
	rm -rf "$dir"
	mkdir -p "$dir/deb"
	(cd "$dir/deb" && apt-get -q download lttng-modules-dkms "linux-image-$release" "linux-headers-$release" \
		"linux-headers-$common" linux-kbuild-"${release%%.*}.$(cut -d. -f2 <<<"$release")" >&2) ||
		skip "the headers of $release could not be downloaded"
	for c in "$dir"/deb/*.deb; do dpkg -x "$c" "$dir"; done
	rm -r "$dir/deb"
	# The headers name their common part by where it is installed.
	sed -i "s|/usr/src|$dir/usr/src|" "$dir/usr/src/linux-headers-$release/Makefile"
	src=$(echo "$dir"/usr/src/lttng-modules-*)
	# Kernel 6.1.192 has timer tracepoints that lttng-modules 2.13.9 does not know.
	sed -i '/lttng-probe-timer.o/d' "$src/src/probes/Kbuild"
	# What it knows of mount namespaces hangs on a header that is private to the kernel, of which it
	# needs this member.
	mkdir "$dir/usr/src/linux-headers-$common/fs"
	echo 'struct mnt_namespace { struct ns_common ns; };' \
		>"$dir/usr/src/linux-headers-$common/fs/mount.h"
	make -j2 -C "$dir/usr/src/linux-headers-$release" M="$src" CONFIG_LTTNG=m modules >"$dir/log" 2>&1 || {
		tail "$dir/log" >&2
		skip "LTTng's modules do not build for $release"
	}
	mkdir "$dir/modules"
	find "$src" -name '*.ko' -exec strip --strip-debug {} + -exec mv -t "$dir/modules" {} +
	# A block device whose requests are traced.
	mv "$dir/lib/modules/$release/kernel/drivers/block/loop.ko" \
		"$dir/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$dir/modules"
	rm -r "${dir:?}"/{usr,lib,boot}
	echo "$release" >"$dir/release"
}

lttng_add() {
	local release
	release=$(grep -aom1 '[0-9][0-9.]*-[0-9]*\(-cloud\)*-amd64' "$vm/kernel/vmlinuz" | head -n 1)
	[ "$(cat "$vm/lttng/release" 2>/dev/null)" = "$release" ] || lttng_build_modules "$release"
	mkdir -p "$root/usr/lib/modules/$release"
	cp "$vm"/lttng/modules/* "$root/usr/lib/modules/$release/"
	depmod -b "$root" "$release"
	add "$(command -v modprobe)" "$(command -v insmod)"
	add_package lttng-tools
	add /usr/share/xml/lttng/session.xsd
	# Its session daemon wants to know whom its files are for.
	printf '%s:x:%s:\n' root 0 tracing 1 >"$root/etc/group"
}

lttng_add
