#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a case of tests/unit/test_denied.c from a trace.

    tests/data/denied-case.py TRACE PREFIX >tests/data/denied/NAME.events
    PH_GOLDEN_WRITE=1 build/tests/test_denied       writes what is said of it; read that before it is kept

TRACE is what `porthole record -e denied,oom_mark_victim` wrote; of the containers whose names begin with
PREFIX (a regular expression), which is taken off, what ph-load's failures are and what was seen about them is kept.
"""
import ipaddress
import json
import re
import subprocess
import sys

trace, prefix = sys.argv[1:]
said = subprocess.run(["porthole", "view", "-r", trace, "-o", "json"], stdout=subprocess.PIPE, text=True, check=True)
events = [json.loads(line) for line in said.stdout.splitlines()]
mine = [e for e in events if re.match(prefix, e.get("container") or "")]
failed = [e for e in mine if e["event"] == "syscall_failed" and e["comm"] in ("ph-load", "x", "sh") and
          e["fields"]["ret_name"] not in ("ENOTTY", "ECHILD")]
kept = {e["tid"] for e in failed} | {e["tid"] for e in mine if e["event"] in ("oom_mark_victim", "denial_evidence") and
                                     e["comm"] == "ph-load"}
start = min(e["time_ns"] for e in mine)
names, lines = {}, []
for e in mine:
    names.setdefault(e["container"], len(names) + 1)
clock = None


def quoted(s):
    s = re.sub(r"/tmp/porthole-e2e\.\w+(/\w+-(host|data))?", "/srv", s)
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def address(s):
    if s.startswith("unix:"):
        name = re.sub(r"/tmp/porthole-e2e\.\w+/\w+-(host|data)", "/srv", s[5:])
        return b"\1\0" + name.encode().replace(b"@", b"\0", 1) if s[5:6] == "@" else b"\1\0" + name.encode()
    ip, port = s.rsplit(":", 1)
    ip = ipaddress.ip_address(ip.strip("[]"))
    if ip.version == 4:
        return b"\2\0" + int(port).to_bytes(2, "big") + ip.packed + bytes(8)
    return b"\12\0" + int(port).to_bytes(2, "big") + bytes(4) + ip.packed + bytes(4)


for e in mine:
    if e["event"] == "syscall_failed" and e in failed:
        pass
    elif e["event"] in ("sched_process_exit", "seccomp_refused") and e["tid"] in kept:
        pass
    elif e["event"] == "oom_mark_victim" or (e["event"] == "denial_evidence" and e["tid"] in kept):
        pass
    else:
        continue
    f = dict(e["fields"])
    if e["event"] == "denial_evidence":
        of = next((x for x in mine if x["event"] in ("syscall_failed", "oom_mark_victim") and x["tid"] == f["of_tid"] and
                   (clock is None or abs(x["time_ns"] - f["of_ns"] - clock) < 1000)), None)
        if of is None:
            continue
        clock = of["time_ns"] - f["of_ns"]
        f["of_ns"] = of["time_ns"] - start
    words = []
    for name, v in f.items():
        if name.endswith("_name") or v in ("", 0, []):
            continue
        if name in ("victim_container",):
            v = names[e["container"]]
        if name == "addr":
            v = address(v).hex()
        elif isinstance(v, list):
            v = "[" + ",".join(map(str, v)) + "]"
        elif isinstance(v, str):
            v = quoted(v)
        words.append(f"{name}={v}")
    lines.append(f'@{e["time_ns"] - start} tid={e["tid"]} pid={e["pid"]} container={names[e["container"]]} '
                 f'{e["event"]} {" ".join(words)}')
print("# SPDX-License-Identifier: GPL-2.0-or-later")
for name, index in names.items():
    print(f"@0 container_info index={index} name={re.sub(prefix, '', name)[:12]}")
print("\n".join(lines))
