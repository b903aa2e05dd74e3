#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what strace and porthole saw of the same threads at the same time.

usage: porthole view -o json ... | strace.py DIR TID CAPTURE

DIR holds the files of `strace -ff -X raw -xx` (one a thread, NAME.TID), also with `-e raw=all`.
TID is the load's first thread, which both saw before the load began: it is compared from its first
execve on. CAPTURE is what `porthole record --capture` was given.

The names of arguments come from the kernel (tracefs, events/syscalls): porthole calls them the
same, and strace prints them in the kernel's order. So every argument that strace printed is looked
up by name among the fields of the entry and the exit; all that differs is printed, and fails.
"""
import errno
import json
import os
import re
import sys

# What the kernel calls otherwise than the C library.
KERNEL = {"stat": "newstat", "fstat": "newfstat", "lstat": "newlstat", "uname": "newuname",
          "sendfile": "sendfile64", "umount2": "umount"}
# Arguments that LTTng, and so porthole, calls otherwise than the kernel.
LTTNG = {"mmap": {"off": "offset"}, "socketpair": {"usockvec": "socket"},
         "clone": {"clone_flags": "flags", "parent_tidptr": "parent_tid",
                   "child_tidptr": "child_tid"}}
# Calls of whose arguments strace joins some or leaves some out, unless all are raw.
JOINED = {"clone", "futex", "preadv", "pwritev", "preadv2", "pwritev2"}
# The kernel's own results, which programs never see.
RESTART = {"ERESTARTSYS": 512, "ERESTARTNOINTR": 513, "ERESTARTNOHAND": 514,
           "ERESTART_RESTARTBLOCK": 516}
# Types of arguments that are not as wide as a register.
BITS = {"umode_t": 16, "int": 32, "unsigned int": 32, "pid_t": 32, "uid_t": 32, "gid_t": 32,
        "u32": 32, "__u32": 32, "__s32": 32, "qid_t": 32, "key_t": 32, "clockid_t": 32,
        "timer_t": 32, "mqd_t": 32, "rwf_t": 32, "key_serial_t": 32, "const clockid_t": 32,
        "unsigned": 32}

LINE = re.compile(r"\[ *[0-9a-fx-]+\] (\w+)\((.*)\) += (.*)$")
QUOTED = re.compile(r'^@?"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?$')
NUMBER = re.compile(r"^-?(0x[0-9a-f]+|[0-9]+)$")


def signature(name, cache={}):
    """[(name, bits)] of a system call's arguments, as the kernel says."""
    if name not in cache:
        path = "/sys/kernel/tracing/events/syscalls/sys_enter_%s/format" % name
        fields = re.findall(r"field:(.*?)(\w+);", open(path).read()) if os.path.exists(path) else []
        fields = [(n, BITS.get(t.strip(), 64)) for t, n in fields]
        names = [n for n, _ in fields]
        start = names.index("__syscall_nr") + 1 if names else 0
        cache[name] = [(LTTNG.get(name, {}).get(n, n), 32 if n == "fd" else bits)
                       for n, bits in fields[start:]
                       if not n.startswith("__")]
    return cache[name]


def split(text):
    """The parts between the commas that are in no brackets and in no string."""
    parts, depth, quoted, part = [], 0, False, ""
    for c in re.sub(r" /\*.*?\*/", "", text):
        if c == '"':
            quoted = not quoted
        elif not quoted and c in "([{":
            depth += 1
        elif not quoted and c in ")]}":
            depth -= 1
        elif c == "," and not quoted and not depth:
            parts.append(part.strip())
            part = ""
            continue
        part += c
    return parts + [part.strip()] if text else []


def number(text):
    """What strace prints as a number, also joined by |; else None."""
    if text == "NULL":
        return 0
    parts = text.split("|")
    if not all(NUMBER.match(p) for p in parts):
        return None
    value = 0
    for p in parts:
        octal = re.match(r"^0[0-7]+$", p)
        value |= int(p, 8) if octal else int(p, 0)
    return value


def string(text):
    """The bytes of a string, and whether it goes on; else None."""
    m = QUOTED.match(text)
    return (bytes.fromhex(m.group(1).replace("\\x", "")), bool(m.group(2))) if m else None


def address(text):
    """A socket address as porthole writes it; None if it is none that is known here."""
    family = re.match(r"^\{sa_family=(0x[0-9a-f]+|0)\b", text)
    if not family:
        return None
    port = re.search(r"port=htons\((\d+)\)", text)
    quoted = re.search(r'(@?)("(?:\\x[0-9a-f]{2})*")', text)
    value = string(quoted.group(2))[0].decode(errors="replace") if quoted else ""
    kind = int(family.group(1), 0)
    if kind == 1:
        return "unix:" + ("@" if quoted and quoted.group(1) else "") + value
    if kind == 2 and port:
        return "%s:%s" % (value, port.group(1))
    if kind == 10 and port:
        return "[%s]:%s" % (value, port.group(1))
    return None


def struct_of_longs(text):
    """The bytes of one that has but longs (times, limits); else None."""
    leaves = re.findall(r"(\w+)=([^{,}]+)", text)
    if not leaves or not text.startswith("{"):
        return None
    if any(n not in ("tv_sec", "tv_nsec", "tv_usec", "rlim_cur", "rlim_max") for n, _ in leaves):
        return None
    return b"".join((number(v) % (1 << 64)).to_bytes(8, "little") for _, v in leaves)


def result(text):
    """A number; None where the call did not return."""
    m = re.match(r"(\?|-1) (E\w+)", text)
    if m:
        return -(RESTART.get(m.group(2)) or getattr(errno, m.group(2)))
    return None if text.startswith("?") else number(text.split()[0])


def straced(path):
    calls = []
    for line in open(path):
        if re.search(r"^\[.*?\] (---|\+\+\+)", line) or line.startswith(("---", "+++")):
            continue
        m = LINE.match(line.rstrip("\n"))
        if not m:
            sys.exit("strace.py: a line of strace is not understood: " + line)
        calls.append((KERNEL.get(m.group(1), m.group(1)), split(m.group(2)), result(m.group(3))))
    return calls


def recorded(stream):
    """{tid: [(name, fields, result)]}, and the threads that begin with the end of a clone."""
    calls, cloned = {}, set()
    for line in stream:
        e = json.loads(line)
        name, tid, fields = e["event"], e["tid"], e["fields"]
        mine = calls.setdefault(tid, [])
        if name.startswith("syscall_entry_"):
            mine.append([name[14:], fields, None])
        elif name == "syscall_late_string" and mine:
            # In the place of one that was empty at the entry.
            names = [n for n, _ in signature(mine[-1][0])]
            mine[-1][1][names[fields["arg"]]] = fields["value"]
        elif name.startswith("syscall_exit_"):
            if not mine:
                if name[13:] in ("clone", "clone3", "fork", "vfork") and fields["ret"] == 0:
                    cloned.add(tid)
                continue
            if mine[-1][0] != name[13:]:
                sys.exit("strace.py: thread %d leaves %s, but entered %s" %
                         (tid, name[13:], mine[-1][0]))
            mine[-1][2] = fields.pop("ret")
            for k, v in fields.items():
                mine[-1][1].setdefault("exit " + k, v)
    return calls, cloned


class Comparison:
    def __init__(self, capture):
        self.capture = capture
        self.said = []
        self.count = {"number": 0, "string": 0, "data": 0, "address": 0, "struct": 0, "list": 0,
                      "result": 0}
        self.names = set()

    def differs(self, where, what, theirs, ours):
        self.said.append("%s: %s is %s for strace, %s for porthole" % (where, what, theirs, ours))

    def text(self, where, name, value, ours, size):
        """@ours is what fits into @size of @value."""
        data, more = value
        # A name whose length is told may have a NUL, text ends at it.
        data = data[:size].split(b"\0")[0]
        same = data.decode(errors="replace")
        if ours != same:
            self.differs(where, name, repr(same), repr(ours))

    def argument(self, where, text, name, bits, fields):
        def get(n):
            return fields.get(n, fields.get("exit " + n))

        ours, data = get(name), get(name + "_data")
        value, chars, sockaddr = number(text), string(text), address(text)
        if value is not None:
            if isinstance(ours, int):
                self.count["number"] += 1
                if (ours - value) % (1 << bits):
                    self.differs(where, name, value, ours)
            elif ours is None and data is None:
                self.said.append("%s: porthole does not have %s" % (where, name))
            elif not value and ours:
                self.differs(where, name, "NULL", ours)
        elif chars is not None:
            if isinstance(ours, str):
                self.count["string"] += 1
                self.text(where, name, chars, ours, max(self.capture, 256) - 1)
            elif data is not None and not name.endswith("msg"):
                self.count["data"] += 1
                want = chars[0][:self.capture]
                # Text that the kernel writes (readlink, getcwd) is printed as such.
                if data not in (want.hex(), want.decode(errors="replace"),
                                want.rstrip(b"\0").decode(errors="replace")):
                    self.differs(where, name, want, data)
        elif sockaddr is not None and data is not None:
            self.count["address"] += 1
            if sockaddr != data:
                self.differs(where, name, sockaddr, data)
        elif isinstance(data, str) and struct_of_longs(text) is not None:
            self.count["struct"] += 1
            want = struct_of_longs(text)[:self.capture].hex()
            if want != data:
                self.differs(where, name, want, data)
        elif "iov_base=" in text:
            # The first piece of data, and whom a message is to or from.
            first = string(split(re.search(r"iov_base=(.*?), iov_len", text).group(1))[0])
            if first and data is not None:
                self.count["data"] += 1
                if first[0][:self.capture].hex() != data:
                    self.differs(where, name, first, data)
            peer = re.search(r"msg_name=(\{.*?\}), msg_namelen", text)
            if peer and get("msg_name") is not None:
                self.count["address"] += 1
                if address(peer.group(1)) != get("msg_name"):
                    self.differs(where, "msg_name", peer.group(1), get("msg_name"))
        elif text.startswith("["):
            items = split(text[1:-1])
            numbers, strings = [number(i) for i in items], [string(i) for i in items]
            if isinstance(ours, list) and items and None not in strings:
                self.count["list"] += 1
                for i, s in enumerate(strings):
                    if i < len(ours):
                        self.text(where, name, s, ours[i], 128)
                if len(ours) != len(items):
                    self.differs(where, name, items, ours)
            elif isinstance(ours, list) and None not in numbers:
                self.count["list"] += 1
                if numbers != ours:
                    self.differs(where, name, numbers, ours)
            elif isinstance(data, str) and numbers and None not in numbers:
                if len(data) == 8 * len(numbers):
                    self.count["list"] += 1
                    if b"".join((n % (1 << 32)).to_bytes(4, "little") for n in numbers).hex() != data:
                        self.differs(where, name, numbers, data)

    def thread(self, tid, theirs, ours):
        for i, (name, args, ret) in enumerate(theirs):
            where = "thread %d, call %d, %s" % (tid, i + 1, name)
            if i >= len(ours):
                self.said.append(where + ": porthole has no more calls")
                return
            if ours[i][0] != name:
                self.differs(where, "the call", name, ours[i][0])
                return
            self.names.add(name)
            self.count["result"] += 1
            # Who is killed in a call leaves it, which strace is not told.
            gone = ret is None and i + 1 == len(theirs)
            if not gone and (ours[i][2] is None or (ret - ours[i][2]) % (1 << 64)):
                self.differs(where, "the result", ret, ours[i][2])
            sig = signature(name)
            if name in JOINED and not all(NUMBER.match(a) for a in args):
                continue
            for (aname, bits), text in zip(sig, args):
                self.argument(where, text, aname, bits, ours[i][1])
        if len(ours) > len(theirs):
            self.said.append("thread %d: porthole has %d more calls: %s" %
                             (tid, len(ours) - len(theirs), ours[len(theirs)][0]))


def main():
    where, first, capture = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    theirs = {int(f.split(".")[-1]): straced(os.path.join(where, f)) for f in os.listdir(where)}
    ours, cloned = recorded(sys.stdin)
    for calls in theirs, ours:
        names = [c[0] for c in calls.get(first, [])]
        if "execve" not in names:
            sys.exit("strace.py: thread %d starts no program" % first)
        calls[first] = calls[first][names.index("execve"):]
    c = Comparison(capture)
    if set(theirs) != set(ours):
        c.said.append("strace has threads %s, porthole %s" % (sorted(theirs), sorted(ours)))
    if cloned != set(theirs) - {first}:
        c.said.append("threads that do not begin with the end of a clone: %s" %
                      sorted(set(theirs) - {first} - cloned))
    for tid in sorted(theirs):
        c.thread(tid, theirs[tid], ours.get(tid, []))
    for line in c.said[:40]:
        print(line)
    print("%d threads, %d system calls, compared: %s" % (
        len(theirs), len(c.names), ", ".join("%s %d" % (k, n) for k, n in c.count.items())))
    sys.exit(bool(c.said))


main()
