#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# porthole doctor says what recording then does.

load lib

# as_user CAPABILITIES COMMAND...: as nobody with these ("" none, "+bpf,+perfmon").
as_user() {
	local caps=-all${1:+,$1}
	shift
	need setpriv
	cp "$PORTHOLE_BUILD/porthole" "$PH_WORK/porthole-user"
	chmod 755 "$PH_WORK" "$PH_WORK/porthole-user"
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps="$caps" --ambient-caps="$caps" \
		--bounding-set="$caps" "$PH_WORK/porthole-user" "$@"
}

# status AREA CHECK < json: its status.
status_of() { jq -r "select(.area == \"$1\" and .check == \"$2\") | .status"; }

@test "root may record, and the trial saw events" {
	run porthole doctor
	[ "$status" = 0 ]
	[[ $output == *"Verdict: recording works here"* ]]
	run porthole doctor -o json
	[ "$(status_of trial record <<<"$output")" = yes ]
	[ "$(status_of trial stacks <<<"$output")" = yes ]
	[ "$(status_of features samples <<<"$output")" = yes ]
	[ "$(status_of verdict record <<<"$output")" = yes ]
	[ "$(status_of events sched <<<"$output")" = yes ]
	[ "$(status_of events syscall <<<"$output")" = yes ]
}

# On the host only: the kernel's part is played.
@test "a program that the kernel refuses costs its events alone, and is told" {
	local refuse=$PORTHOLE_BUILD/tests/ph-refuse.so
	PH_REFUSE=signal_generate LD_PRELOAD=$refuse porthole record -a -e sched,signal -d 200ms -w "$PH_WORK/refused" 2>"$PH_WORK/err"
	cat "$PH_WORK/err"
	grep -qx "not recorded, this kernel refuses the program: signal_generate" "$PH_WORK/err"
	events "$PH_WORK/refused" -e sched_switch | grep -q .
	# Asked for by its name, it must be there.
	run env PH_REFUSE=signal_generate LD_PRELOAD="$refuse" porthole record -a -e signal_generate -d 200ms -w "$PH_WORK/none"
	[ "$status" = 1 ]
	[[ $output == *"this kernel refuses the program that records signal_generate"* ]]
	run env PH_REFUSE=signal_generate LD_PRELOAD="$refuse" porthole doctor
	[[ $output == *"refused by this kernel: signal_generate"*"Verdict: recording works here, but for: refused by this kernel: signal_generate."* ]]
	# What nothing goes without.
	run env PH_REFUSE=dump_task LD_PRELOAD="$refuse" porthole record -a -e sched -d 200ms -w "$PH_WORK/none"
	[ "$status" = 1 ]
	[[ $output == *"the kernel refused the BPF programs"*dump_task* ]]
}

@test "a user without capabilities is told what is missing, and record agrees" {
	run as_user "" doctor
	[ "$status" = 1 ]
	[[ $output == *"nothing can be recorded here with these rights"* ]]
	run as_user "" doctor -o json
	[ "$(status_of rights CAP_BPF <<<"$output")" = no ]
	[ "$(status_of trial record <<<"$output")" = no ]
	[ "$(status_of events sched <<<"$output")" = yes ]
	mkdir -p -m 777 "$PH_WORK/user"
	run as_user "" record -a -d 100ms -w "$PH_WORK/user/none"
	[ "$status" = 1 ]
	[[ $output == *"porthole doctor"* ]]
}

@test "each capability that is called needed is needed, and the two suffice" {
	mkdir -p -m 777 "$PH_WORK/user"
	run as_user +bpf doctor
	[ "$status" = 1 ]
	run as_user +perfmon doctor
	[ "$status" = 1 ]
	run as_user +bpf,+perfmon doctor -o json
	[ "$status" = 0 ] || flunk "$(grep -vE '"status":"(yes|info)"' <<<"$output")" || return
	[ "$(status_of rights CAP_SYS_PTRACE <<<"$output")" = part ]
	run as_user +bpf,+perfmon record -a -e sched -d 200ms -w "$PH_WORK/user/trace"
	[ "$status" = 0 ]
	[ "$(porthole view "$PH_WORK/user/trace" -e sched_switch -o json | wc -l)" -gt 0 ]
}

# On the host only.
@test "what doctor calls missing, record refuses by name, and no more" {
	local g e
	porthole doctor -o json >"$PH_WORK/doctor.json"
	for g in sched syscall cgroup mm block net signal irq timer fault cap kvm; do
		run porthole record -a -e "$g" -d 50ms -w "$PH_WORK/group-$g"
		[ "$status" = 0 ]
		if [ "$(status_of events "$g" <"$PH_WORK/doctor.json")" = yes ]; then
			# Events of another architecture are nothing that this kernel could have.
			run grep -vE 'ipi_|x86_irq_vectors_' <<<"$output"
			[[ $output != *"this kernel lacks"* ]] || flunk "$g: $output"
		else
			[[ $output == *"this kernel lacks"* ]] || flunk "$g: $output"
		fi
	done
}

@test "in a container it says that this is one" {
	need unshare
	run unshare -Upf --mount-proc porthole doctor -o json
	[ "$status" = 1 ]
	[ "$(status_of rights "user namespace" <<<"$output")" = no ]
	[ "$(status_of rights "pid namespace" <<<"$output")" = part ]
}
