# SPDX-License-Identifier: GPL-2.0-or-later
"""Turn an object file into a C array: embed.py OBJECT HEADER [STRIP]. DWARF is dropped, BTF stays."""
import subprocess
import sys

src, dst, strip = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
if strip:
    subprocess.run([strip, "-g", "-o", dst + ".stripped", src], check=True)
    src = dst + ".stripped"
data = open(src, "rb").read()
with open(dst, "w") as out:
    out.write("static const unsigned char porthole_bpf[] __attribute__((aligned(8))) = {\n")
    for i in range(0, len(data), 32):
        out.write(",".join(map(str, data[i:i + 32])) + ",\n")
    out.write("};\n")
