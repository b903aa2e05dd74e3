# SPDX-License-Identifier: GPL-2.0-or-later
"""
Compare porthole's stacks with perf's of the same switches of tasks:

    porthole view -o json … | bench/matrix.py PERF'S SOURCE OFFSET

OFFSET is what our times have more than perf's. Prints how many samples of CPU time there are, how many of these are complete; how many switches both have, how many of these are
complete by perf, and how many of those ours differ from. What differs is told on standard error.
"""
import bisect
import collections
import json
import re
import sys

KERNEL = 1 << 63
INTERPRETED = 1 << 48       # and above, below the kernel's: no address of a program
INTERPRETERS = ("_PyEval_EvalFrameDefault", "execute_ex", "rb_vm_exec")
OUTERMOST = re.compile(r"^(_start|start_thread|__?clone3?|runtime\.goexit.*|runtime\.rt0_go.*|_rt0_amd64_linux|thread_start)$")
NEAR = 30000                # ns
LONG = 110                  # frames: some walk may have had enough
COMPLETE, FRAMES = 1, 2


def ours(stream, deep):
    """Samples [(end, time)], switches {tid: [(time, end, addresses)]}, both from when the files are known."""
    samples, switches, begun = [], collections.defaultdict(list), set()
    for line in stream:
        e = json.loads(line)
        f = e["fields"]
        # The runtime is in the container, too, before the program.
        if not f["user_end"] or f["comm"].startswith("runc"):
            continue
        # While a program begins its files are read; what is missing later is missing.
        program = (e["pid"], f["comm"])
        if f["user_end"] in (COMPLETE, FRAMES):
            begun.add(program)
        if program not in begun:
            continue
        if f["trigger"] == 0:
            samples.append(f["user_end"] == COMPLETE or (deep and f["user_end"] == FRAMES))
        else:
            stack = [a - (i > 0) for i, a in enumerate(f["callstack_user"])]
            switches[f["tid"]].append((e["time_ns"], f["user_end"], stack))
    return samples, switches


def theirs(path):
    found = collections.defaultdict(list)
    for line in open(path, encoding="utf-8"):
        time, tid, *frames = line.split()
        pairs = [f.split(":", 1) for f in frames]
        found[int(tid)].append((int(time), [(int(a, 16), name) for a, name in pairs if int(a, 16) < KERNEL]))
    return found


def pair(mine, perfs, offset):
    """Switches of the same task at the same time, but for what both take to look at the clock."""
    for tid in mine.keys() & perfs.keys():
        times = [b[0] + offset for b in perfs[tid]]
        for time, end, stack in mine[tid]:
            at = bisect.bisect_left(times, time - NEAR)
            if at < len(times) and times[at] <= time + NEAR:
                yield end, stack, perfs[tid][at][1]


def without_interpreter(stack, perf):
    """The interpreter's function, and what of the program we have in its place: mostly it is there as often as perf has it."""
    if not any(a >= INTERPRETED for a in stack):
        return stack, perf
    its = {p[0] for p in perf if p[1] in INTERPRETERS}
    # vm_exec_core(), which Ruby's file has no name of.
    its |= {p[0] for p, caller in zip(perf, perf[1:]) if caller[1] == "rb_vm_exec" and p[1] == "?" and p[0] not in stack}
    # Of the innermost one, perf has one less.
    return [a for a in stack if a < INTERPRETED and a not in its and a - 1 not in its], [p for p in perf if p[0] not in its]


def is_same(stack, perf):
    if max(len(stack), len(perf)) >= LONG:
        n = min(len(stack), len(perf))
        stack, perf = stack[:n], perf[:n]
    # Of what a signal interrupted, one says where it goes on and the other one less.
    return len(stack) == len(perf) and all(abs(a - p[0]) <= 1 for a, p in zip(stack, perf))


def main():
    deep = sys.argv[2].endswith("many.c")
    samples, switches = ours(sys.stdin, deep)
    pairs = perf_complete = different = 0
    differ, shown = collections.Counter(), {}
    for end, stack, perf in pair(switches, theirs(sys.argv[1]), int(sys.argv[3])):
        pairs += 1
        whole = bool(perf) and (bool(OUTERMOST.match(perf[-1][1])) or len(perf) >= LONG)
        perf_complete += whole
        stack, perf = without_interpreter(stack, perf)
        if is_same(stack, perf):
            continue
        different += whole
        common = 0
        while common < min(len(stack), len(perf)) and abs(stack[common] - perf[common][0]) <= 1:
            common += 1
        how = (f"perf ends in {perf[-1][1] if perf else 'nothing'}" if common == len(perf) else
               f"porthole ends ({end}) below {perf[common - 1][1]}" if common == len(stack) else
               f"they part (porthole {end}) below {perf[common - 1][1] if common else 'nothing'}")
        how = ("! " if whole else "") + how
        differ[how] += 1
        shown.setdefault(how, (stack, perf))
    print(len(samples), sum(samples), pairs, perf_complete, different)
    for how, n in differ.most_common(20):
        stack, perf = shown[how]
        print(n, how, "| porthole", " ".join(f"{a:x}" for a in stack[:12]), "| perf", " ".join(f"{a:x}:{s}" for a, s in perf[:12]),
              file=sys.stderr)


main()
