#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""broken_elf.py FILE WHAT: break what the kernel does not look at when it runs the ELF file.

    table     where the section headers are, and how many
    headers   the section headers' fields
    SECTION   the bytes of the sections whose names begin so: .symtab, .eh_frame, .debug_
"""
import random
import struct
import sys

path, what = sys.argv[1:]
data = bytearray(open(path, "rb").read())
rng = random.Random(what)
shoff, = struct.unpack_from("<Q", data, 40)
size, n, names = struct.unpack_from("<HHH", data, 58)
WILD = [0, 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]


def name_of(i):
    at = struct.unpack_from("<Q", data, shoff + names * size + 24)[0] + struct.unpack_from("<I", data, shoff + i * size)[0]
    return data[at:data.index(0, at)].decode()


if what == "table":
    struct.pack_into("<Q", data, 40, len(data) - 100)
    struct.pack_into("<HHH", data, 58, 64, 0xfff0, 0xffef)
elif what == "headers":
    for i in range(1, n):
        # Where it is or how large, and what else.
        fields = [(4, "I"), (8, "Q"), (16, "Q"), (40, "I"), (44, "I"), (48, "Q"), (56, "Q")]
        for at, form in [(rng.choice([24, 32]), "Q"), *rng.sample(fields, 2)]:
            struct.pack_into("<" + form, data, shoff + i * size + at, rng.choice(WILD) & (2**(32 if form == "I" else 64) - 1))
else:
    broken = 0
    for i in range(1, n):
        if name_of(i).startswith(what):
            offset, length = struct.unpack_from("<QQ", data, shoff + i * size + 24)
            # One byte in four: that more of it is looked at than its beginning.
            for at in range(offset, offset + length):
                if not rng.randrange(4):
                    data[at] = rng.randrange(256)
            broken += 1
    assert broken, what
open(path, "wb").write(data)
