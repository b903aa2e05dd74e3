#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what strace and porthole wrote of the same calls of the same threads, line by line.

usage: porthole trace syscalls -y --min 0 ... | strace_lines.py DIR TID

DIR holds the files of `strace -ff -y` (one a thread, NAME.TID). TID is the first thread, which both
saw before the programs began: it is compared from its first execve on.

Each line, of signals too, must be the same but for what docs/trace.md says that is different, which norm() takes
away on strace's side or on both. What descriptors are is compared on its own: where strace has the
path of a file, porthole must have it too, as the program asked for it.
"""
import functools
import os
import re
import sys

OURS = re.compile(r"\[[^ ]*\] .*?\[(\d+)\] (.*)$")
NO_CALL = ("--- stopped", "+++")
# "3</etc/passwd>", "AT_FDCWD</tmp>", "3</tmp/x>(deleted)"
FILE = re.compile(r"(AT_FDCWD|\b\d+)<((?:[^<>\"]|->)*)>(\(deleted\))?")


def theirs(directory):
    threads = {}
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), errors="replace") as f:
            threads[int(name.split(".")[-1])] = [x.rstrip("\n") for x in f if not x.startswith(NO_CALL)]
    return threads


def ours(stream):
    threads = {}
    for line in stream:
        m = OURS.match(line.rstrip("\n"))
        if not m:
            sys.exit("strace_lines.py: a line is not understood: " + line)
        if not m.group(2).startswith(NO_CALL):
            threads.setdefault(int(m.group(1)), []).append(m.group(2))
    return threads


def norm(line):
    """What both say alike, and what descriptors are: by where they stand in it."""
    line = re.sub(r"\) += (?=[^\"]*$)", ") = ", line)
    call = line.split("(", 1)[0]
    if " /* " in line:
        # What strace adds to times and to values that have no name.
        line = re.sub(r" /\* (\d{4}-.*?|\w+_\?\?\?) \*/", "", line)
    if call == "ioctl":
        line = re.sub(r", \w+ or (\w+),", r", \1,", line)  # a request that has two names
    elif call == "prctl":
        # A name that just fits is one that goes on.
        line = re.sub(r'(PR_SET_NAME, "[^"]{15}")\.\.\.', r"\1", line)
    elif call == "execve":
        # More arguments are not recorded.
        line = re.sub(r'^(execve\("[^"]*", \[(?:"(?:[^"\\]|\\.)*", ){31}"(?:[^"\\]|\\.)*"), .*?\](?=, 0x\w+ /\*)',
                      r"\1, ...]", line)
    elif call == "utimensat":
        line = re.sub(r"^(utimensat\([^,]*), NULL", r'\1, ""', line)  # an address of nothing is no path
    files, text, at = {}, "", 0
    for m in FILE.finditer(line) if "<" in line else ():
        text += line[at:m.end(1)]
        files[len(text)] = m.groups()
        at = m.end()
    return text + line[at:], files


@functools.lru_cache(maxsize=None)
def same_file(path, asked):
    """Is what strace resolved what the program @asked for, links and all?"""
    asked = re.sub(r"^/proc/self\b", "/proc/" + path.split("/")[2], asked) if path.startswith("/proc/") else asked
    if asked.startswith("/"):
        return path in (os.path.normpath(asked), os.path.realpath(asked))
    return path.endswith(re.sub(r"^(\.\.?(/|$))*", "/", asked).rstrip("/"))


class Comparison:
    def __init__(self):
        self.said = []
        self.lines = self.files = 0
        self.calls = set()

    def call(self, tid, a, b, last):
        self.lines += 1
        self.calls.add(re.match(r"\w*", a).group())
        (x, x_files), (y, y_files) = norm(a), norm(b)
        # Who is killed in a call never returns for strace.
        if last and x.endswith((" = ?", " <unfinished ...>")):
            x = re.sub(r"\)? = \?$| <unfinished \.\.\.>$", "", x)
            y = y[:len(x)]
        if x != y:
            self.said.append("thread %d:\n  strace:   %s\n  porthole: %s" % (tid, a, b))
            return
        for where, (fd, path, deleted) in x_files.items():
            if fd == "AT_FDCWD" or deleted or not path.startswith("/"):
                continue
            self.files += 1
            asked = y_files.get(where, (fd, "", ""))[1]
            if not same_file(path, asked):
                self.said.append("thread %d: %s is %s for strace, %s for porthole: %s" %
                                 (tid, fd, path, asked or "nothing", b))

    def thread(self, tid, a, b):
        if len(a) == len(b) + 1 and a[-1].endswith((" = ?", " <unfinished ...>")):
            a = a[:-1]  # killed before the call began
        if len(a) != len(b):
            self.said.append("thread %d: strace has %d calls, porthole %d" % (tid, len(a), len(b)))
        for i, (x, y) in enumerate(zip(a, b)):
            self.call(tid, x, y, i + 1 == len(a))


def main():
    directory, first = sys.argv[1], int(sys.argv[2])
    a, b = theirs(directory), ours(sys.stdin)
    for threads in a, b:
        lines = threads.get(first, [])
        begin = [i for i, line in enumerate(lines) if line.startswith("execve(")]
        if not begin:
            sys.exit("strace_lines.py: thread %d starts no program" % first)
        threads[first] = lines[begin[0]:]
    c = Comparison()
    if set(a) != set(b):
        c.said.append("strace has threads %s, porthole %s" % (sorted(a), sorted(b)))
    for tid in sorted(set(a) & set(b)):
        c.thread(tid, a[tid], b[tid])
    for what in c.said[:30]:
        print(what)
    print("%d threads, compared: lines %d, calls %d, files %d; %d differ" %
          (len(a), c.lines, len(c.calls), c.files, len(c.said)))
    sys.exit(bool(c.said))


main()
