# SPDX-License-Identifier: GPL-2.0-or-later
"""Turn an object file into a C array: embed.py OBJECT HEADER NAME [STRIP]. DWARF is dropped, BTF stays."""
import subprocess
import sys

src, dst, name = sys.argv[1:4]
strip = sys.argv[4] if len(sys.argv) > 4 else ""
if strip:
    subprocess.run([strip, "-g", "-o", dst + ".stripped", src], check=True)
    src = dst + ".stripped"
data = open(src, "rb").read()
with open(dst, "w") as out:
    out.write(f"static const unsigned char {name}[] __attribute__((aligned(8))) = {{\n")
    for i in range(0, len(data), 32):
        out.write(",".join(map(str, data[i:i + 32])) + ",\n")
    out.write("};\n")
