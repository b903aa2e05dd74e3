# SPDX-License-Identifier: GPL-2.0-or-later
"""For `perf script -s`: a line for each sample, "TIME TID ADDRESS:FUNCTION …", into the file $PERF_OUT."""
import os

out = open(os.environ["PERF_OUT"], "w", encoding="utf-8")


def trace_unhandled(_name, _context, _fields, event):
    tell(event["sample"], event["callchain"])


def tell(sample, callchain):
    frames = (f"{c['ip']:x}:{c.get('sym', {}).get('name', '?').replace(' ', '_')}" for c in callchain)
    print(sample["time"], sample["tid"], *frames, file=out)
