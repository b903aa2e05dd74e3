#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each column of each view of `porthole trace` is looked at by tests/bats/trace.bats, behind the view's name.

usage: columns.py TOP_OF_SOURCE BUILD
"""
import json
import os
import re
import subprocess
import sys


def porthole(*args):
    out = subprocess.run([os.path.join(sys.argv[2], "porthole"), "trace", *args], capture_output=True, text=True, check=True)
    return out.stdout


def columns(*args):
    return list(json.loads(porthole(*args, "--json-schema"))["properties"])


def looked_at():
    """View -> words that stand as .word behind it."""
    found, view = {}, None
    with open(os.path.join(sys.argv[1], "tests/bats/trace.bats")) as f:
        for line in f:
            m = re.search(r"(?:^\s*shows|porthole trace) ([a-z]+)", line)
            if m:
                view = m.group(1)
            found.setdefault(view, set()).update(re.findall(r"\.([a-z][a-z0-9_]*)", line))
    return found


def main():
    views = re.findall(r"^  ([a-z]+) ", porthole().split("Snoops:")[1], re.M)
    found = looked_at()
    every = set.intersection(*(set(columns(v)) for v in views))
    missing = sorted(every - set.union(*found.values()))
    for view in views:
        wanted = columns(view) + (columns(view, "-C") if view == "syscalls" else [])
        missing += ["%s %s" % (view, c) for c in dict.fromkeys(wanted) if c not in every and c not in found.get(view, ())]
    if missing:
        sys.exit("asserted by no test of tests/bats/trace.bats:\n" + "\n".join(missing))


main()
