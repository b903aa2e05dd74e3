#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a task waits for: one wait is caused in a container, every field is compared with what the
# load itself knows of its call, its file (fstat) and its socket (getsockname, getpeername).
# limit: 240 s

load lib
load cause

# told FIELD: it is what $expect has; anything where that does not say.
told() { echo "? . as \$is | $expect | (has(\"$1\") | not) or .$1 == \$is"; }

# waits FOR [JQ]: the container waited once as it said, in state S. JQ changes what it said.
waits() {
	cause sched,wait -- ph-load wait "$1" || return
	! grep -q unavailable "$T.said" || skip "$(cat "$T.said")"
	tid=$(host_tid 1)
	expect=$(sed -n 's/^expect=//p' "$T.said" | jq -c ". + {tid: $tid, state: 1} ${2:-}")
	nr=$(jq .nr <<<"$expect") fd=$(jq .fd <<<"$expect")
	one sched_block ".fields.tid == $tid and .fields.state == 1 and .fields.nr == $nr and
		.fields.fd == $fd and .container == \"$PH_FILE-in\"" <<-END || return
		comm     $(told comm)
		tid      $(told tid)
		state    $(told state)
		nr       $(told nr)
		compat   $(told compat)
		arg0     $(told arg0)
		arg1     $(told arg1)
		arg2     $(told arg2)
		fd       $(told fd)
		mode     $(told mode)
		dev      $(told dev)
		ino      $(told ino)
		family   $(told family)
		protocol $(told protocol)
		sport    $(told sport)
		dport    $(told dport)
		saddr    $(told saddr)
		daddr    $(told daddr)
		peer_ino $(told peer_ino)
	END
	# It is told just before the switch, whose state it has.
	events "$T" -e sched_block,sched_switch | jq -e -s "map(select(.tid == $tid)) | . as \$e |
		map(.event == \"sched_block\") | indices(true) | length > 0 and all(\$e[.] as \$b |
		\$e[. + 1] | .event == \"sched_switch\" and .cpu == \$b.cpu and
		.fields.prev_tid == $tid and .fields.prev_state == \$b.fields.state)" >/dev/null ||
		flunk "a wait without its switch" || return
	neighbour_is_absent
}

@test "a read from an empty pipe" {
	waits pipe
	[ "$(jq -r .mode <<<"$expect")" = $((0010000)) ]
	has "$T" '.event == "sched_block" and .fields.mode_name == "pipe" and .fields.nr_name == "read"'
}

@test "a Unix socket and its peer" {
	waits unix
	[ "$(jq .peer_ino <<<"$expect")" != 0 ]
}

@test "TCP over IPv4, with addresses and ports" { waits tcp; }

@test "TCP over IPv6" { waits tcp6; }

@test "UDP that is not connected" { waits udp; }

@test "accept: the listening socket" { waits accept; }

@test "a futex: address, operation, value" { waits futex; }

@test "a sleep" { waits sleep; }

@test "a child's end" { waits child; }

@test "poll" { waits poll; }

@test "epoll: the set's descriptor" {
	# fstat says that the inode of a set has no type; since Linux 6.16 it has one in the kernel.
	waits epoll '| del(.mode)'
}

@test "a page fault: no system call" { waits fault; }

@test "a 32-bit call" {
	[ "$(uname -m)" = x86_64 ] || skip "x86 only"
	waits compat
	has "$T" '.event == "sched_block" and .fields.compat_name == "true" and .fields.nr_name == "read"'
}

@test "where in the kernel it waits: the stack that /proc has of it, and its functions' names" {
	local pid stack
	record "$T" -q -c "$PH_FILE-in" --wait -e sched,stack
	launch out -- ph-load sleep 60s
	launch in -- ph-load sleep 60s
	pid=$PID
	wait_for 60 grep -q nanosleep "/proc/$pid/stack"
	stack=$(cat "/proc/$pid/stack")
	record_end
	# "[<0>] hrtimer_nanosleep+0xa7/0x160 [module]", the scheduler's own functions left out.
	sed -nE 's|^\[<0>\] ([^+]+)\+0x([0-9a-f]+)/0x.*|\1 \2|p' <<<"$stack" |
		while read -r name offset; do echo "$name $((0x$offset))"; done >"$T.want"
	[ "$(wc -l <"$T.want")" -ge 4 ] || flunk "$stack"
	every sched_block_stack ".fields.tid == $pid and .fields.comm != \"ph-launch\"" <<-END
		comm             "ph-load"
		tid              $pid
		callstack_kernel ? length > 4
	END
	# As text: jq rounds numbers of 64 bits.
	porthole view "$T" -e kernel_symbol,sched_block_stack >"$T.text"
	sed -nE 's/.* kernel_symbol: .*address = ([^,]*), name = "([^"]*)", offset = ([0-9]*),.*/\1 \2 \3/p' "$T.text" >"$T.names"
	sed -nE "s/.* sched_block_stack: .*tid = $pid, callstack_kernel = \[(.*)\].*/\1/p" "$T.text" | tail -n 1 | sed 's/, */\n/g' |
		awk 'NR == FNR { name[$1] = $2 " " $3; next } { print name[$1] }' "$T.names" - >"$T.is"
	tail -n "$(wc -l <"$T.want")" "$T.is" | diff "$T.want" - || flunk "$(cat "$T.is")"
	# Each place once; of the kernel itself.
	[ -z "$(cut -d' ' -f1 "$T.names" | sort | uniq -d)" ]
	one kernel_symbol '.fields.name == "__schedule"' <<-END
		address ? . > 0
		name    "__schedule"
		offset  ? . > 0
		module  ""
	END
	neighbour_is_absent
}

@test "the wait group alone records no switches, sched alone no waits" {
	cause wait -- ph-load wait pipe
	has "$T" '.event == "sched_block" and .fields.mode_name == "pipe"'
	hasnt "$T" '.event == "sched_switch"'
	rm -rf "$T"*
	cause sched -- ph-load wait pipe
	has "$T" '.event == "sched_switch"'
	hasnt "$T" '.event == "sched_block"'
}
