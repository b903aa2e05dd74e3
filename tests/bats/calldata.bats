#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What system calls point to, recorded where it is asked for.

load lib
load cause

setup() {
	T=$PH_WORK/$PH_FILE-$BATS_TEST_NUMBER
}

@test "structs, lists and buffers that calls point to are recorded" {
	cause syscall,calldata -- sh -c 'ph-load kinds || :'
	one syscall_data '.fields.nr_name == "prctl" and .fields.at_exit == 0' <<-END
		nr      ? . == 157 or . == 167
		nr_name "prctl"
		arg     1
		at_exit 0
		part    0
		index   0
		size    7
		data    "72656e616d6564"
	END
	every syscall_data '.fields.nr_name == "newuname"' <<-END
		arg     0
		at_exit 1
		size    390
		data    ? startswith("4c696e757800") and length == 780
	END
	# Of two iovecs the second; of a list only how many there are.
	some syscall_data '.fields.nr_name == "sendmsg" and .fields.index == 1' <<-END
		part 1
		size 3
		data "74776f"
	END
	every syscall_data '.fields.nr_name == "execve"' <<-END
		arg  ? . == 1 or . == 2
		size ? . > 0
		data ""
	END
	neighbour_is_absent
}

# On the host only.
@test "what calls point to is not recorded where it is not asked for" {
	cause syscall -- sh -c 'ph-load kinds || :'
	has "$T" '.event == "syscall_entry_prctl"'
	hasnt "$T" '.event == "syscall_data"'
}
