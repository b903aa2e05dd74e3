# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What porthole and LTTng's kernel tracer each add to a system call, side by side in the tests' virtual
# machine (tests/vm), where LTTng's modules can be loaded. The machine is emulated: its times count
# instructions and misses no cache, so that ratios tell something, nanoseconds do not. Only by name:
# bench/run.sh vm/lttng. The modules are built at the first time, which takes some minutes.

# In the machine. Both record all processes' calls, to files in memory.
inside() {
	PATH=/porthole/build:$PATH
	calls=20000 t=

	ns() { ph-load getppid $calls | sed -n 's/.* ns_per_call=\([0-9.]*\).*/\1/p'; }
	best() { for _ in 1 2 3 4 5; do ns; done | sort -g | head -n 1; }
	said() { sed 's/^/bench: /'; }

	with_lttng() {	# NAME CONTEXTS...
		local name=$1 t
		shift
		lttng create "$name" -o "/tmp/$name"
		lttng enable-channel -k --subbuf-size 4M --num-subbuf 4 c
		lttng enable-event -k -c c --syscall --all
		for t; do lttng add-context -k -c c -t "$t"; done
		lttng start
		t=$(best)
		lttng stop
		echo "$name $t $(du -sb "/tmp/$name" | cut -f1)" >>/tmp/figures
		lttng destroy
		rm -rf "/tmp/${name:?}"
	}

	{
		mkdir -p /var/run
		echo "bare $(best) 0" >/tmp/figures
		porthole record -q -a -e syscall -w /tmp/porthole &
		while [ ! -s /tmp/porthole/metadata ]; do sleep 0.1; done
		t=$(best)
		kill -INT $!
		wait $!
		echo "porthole $t $(du -sb /tmp/porthole | cut -f1)" >>/tmp/figures
		lttng-sessiond -d
		with_lttng plain
		with_lttng contexts pid tid vpid procname cgroup_ns mnt_ns pid_ns user_ns
	} >&2
	said </tmp/figures
}

figures=$(PORTHOLE_BUILD=$PWD/$BUILD PH_VM_LIMIT=600 PH_VM_ADD=$PWD/tests/vm/lttng-modules.sh \
	PH_VM_RUN="$(declare -f inside); inside" tests/vm/run.sh 2>/dev/null | sed -n 's/^bench: //p')
of() { awk -v n="$1" -v f="$2" '$1 == n { print $f }' <<<"$figures"; }

# What was written of each call: five times 20,000.
bytes() { calc "$(of "$1" 3) / 100000" 0; }

bare=$(of bare 2)
ours=$(calc "$(of porthole 2) - $bare")
for peer in plain contexts; do
	theirs=$(calc "$(of $peer 2) - $bare")
	what='LTTng'
	[ $peer = plain ] || what='LTTng, namespaces'
	row "emulated: record a getppid (bare: $bare ns)" "+$ours ns, $(bytes porthole) bytes" \
		"$what: +$theirs ns, $(bytes $peer) bytes" "$(calc "$ours / $theirs" 2)" ''
done
