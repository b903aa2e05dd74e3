# SPDX-License-Identifier: GPL-2.0-or-later
"""
Compare the stacks of a profile with what known.py, known.php or known.rb said of itself:

    porthole profile -r TRACE --user -o json | tests/matrix/known_check.py SAID FILE

Prints how many samples of its spin() there are, how many of these are incomplete, how many are one of the stacks that it said, and of how many stacks
there is no sample. What differs is told on standard error.
"""
import collections
import json
import re
import sys


def frame(f, php):
    """As the program says it; PHP has no line of its own functions, and no file."""
    if php:
        return f"{re.sub('{closure:[^}]*}', '{closure}', f['function'])}:{f['line'] or 0}"
    return f"{f['function']}@{f['source']}:{f['line']}"


def main():
    said, file = sys.argv[1:3]
    php = file.endswith(".php")
    lines = [line[6:].strip() for line in open(said, encoding="utf-8") if line.startswith("stack spin")]
    known = {line: 0 for line in lines if (line.startswith(f"spin@{file}:") if not php else "@" not in line)}
    line_of = {k.split(";")[0].rsplit(":", 1)[1] for k in known}
    samples = incomplete = 0
    other = collections.Counter()
    for text in sys.stdin:
        o = json.loads(text)
        frames = [f for f in o["stack"][::-1] if f["kind"] == "interpreter"]
        # Of Ruby: what it computes in, and what of Ruby's own is in Ruby.
        while frames and (frames[0]["function"] == "block in spin" or (frames[0]["source"] or "").startswith("<internal:")):
            frames.pop(0)
        if not frames or frames[0]["function"] != "spin" or frames[0]["source"] != file or str(frames[0]["line"]) not in line_of:
            continue
        samples += o["count"]
        if o["stack"][0]["function"] == "[incomplete]":
            incomplete += o["count"]
        stack = ";".join(frame(f, php) for f in frames)
        if stack in known:
            known[stack] += o["count"]
        else:
            other[stack] += o["count"]
    for stack, n in other.most_common(10):
        print(n, "samples are of no stack that there is:", stack, file=sys.stderr)
    for stack in [k for k, n in known.items() if not n][:10]:
        print("no sample of", stack, file=sys.stderr)
    print(samples, incomplete, sum(known.values()), sum(not n for n in known.values()))


main()
