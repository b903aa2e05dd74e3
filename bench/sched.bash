# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two processes that wake each other through pipes: what the sched group adds to a round.

pipe_bench() { perf bench -f simple sched pipe -l 100000; }
bare=$(best pipe_bench)
# Under record, the output is the bench's last line.
recorded_pipe() { recorded -e sched -- perf bench -f simple sched pipe -l 100000 2>/dev/null | tail -n 1; }
ours=$(best recorded_pipe)
row "perf bench sched pipe, 100,000 rounds" "$ours s" "bare: $bare s" "$(calc "$ours / $bare" 3)" "<= 1.15"
