#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples in the documents are what the program does.

    docs/examples.py BUILD_DIR           compare, as the test does
    docs/examples.py BUILD_DIR --write   write the output of the examples anew
    docs/examples.py BUILD_DIR --live    those that need root and this machine, too
    docs/examples.py BUILD_DIR --bench [DOCUMENT|NAME]
                                         the tables of docs/recording.md, docs/trace.md … (idle machine, root, minutes)

In a ```console block a line "$ COMMAND" is run at the top of the source, and what follows is its
output; "…" as the last line stands for the rest of it. One that ends with ">docs/NAME.svg" makes
that picture, which is compared as well. They use the trace that comes with the
project. A block behind a line <!-- live --> shows a machine: it is written with --live (with three
containers running: web, which asks db, and job, whose program has no symbols) and not compared. In all other blocks, in the man pages and in
--help, commands of porthole are only tried for whether their options exist. Files that the
documents name must be there.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

top = Path(__file__).resolve().parent.parent
DOCS = [top / "README.md", top / "ARCHITECTURE.md", *sorted((top / "docs").glob("*.md"))]
env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8")
failed = 0


def bad(text):
    global failed
    failed = 1
    print(text)


def output(command):
    r = subprocess.run(["bash", "-c", command], cwd=top, env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, text=True, timeout=60)
    return r.stdout


def run(command):
    return [line.rstrip() for line in output(command).splitlines()]


def commands_of(block):
    """(command, lines of output) of each "$ " or "# " line."""
    out = []
    for line in block:
        if line.startswith(("$ ", "# ")):
            out.append((line, []))
        elif out:
            out[-1][1].append(line)
    return out


def picture(command, path, write):
    now = output(command)
    if write:
        path.write_text(now)
    elif not path.exists() or path.read_text() != now:
        bad(f"{path.name} is another picture now; docs/examples.py --write, or look why")


def fresh(prompt, shown, write):
    """The output as it is now, cut as the document cuts it."""
    drawn = re.fullmatch(r"(.*) >(docs/[\w-]+\.svg)", prompt[2:])
    if drawn:
        picture(drawn[1], top / drawn[2], write)
        return []
    got = run(prompt[2:])
    if shown and shown[-1] == "…":
        keep = max(len(shown) - 1, 1)
        return got[:keep] + ["…"] if len(got) > keep else got
    return got


def try_options(line, where):
    """porthole VERB OPTIONS --help refuses options that do not exist, and does nothing."""
    for part in re.split(r"\||;|&&|\$\(|\)", re.sub(r"'[^']*'", lambda m: m[0].replace("|", "\0")
                         .replace("&", "\1").replace(";", "\2").replace("(", "\3").replace(")", "\4"), line)):
        part = part.translate({0: "|", 1: "&", 2: ";", 3: "(", 4: ")"}).strip()
        part = re.sub(r"^(sudo|build/porthole) ?", lambda m: "porthole " if "/" in m[0] else "", part)
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        if len(words) < 2 or words[0] != "porthole" or words[1].startswith("-") or words[1].isupper():
            continue
        at = words.index("--") if "--" in words else len(words)
        r = subprocess.run([*words[:at], "--help"], env=env, capture_output=True, text=True)
        if r.returncode:
            bad(f"{where}: {line.strip()}\n    {r.stderr.strip()}")


def references(path):
    """Links lead to files, and `folder/file.c` is one (NAME, GROUP: any)."""
    text = path.read_text()
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        if not (path.parent / link).exists():
            bad(f"{path.name}: {link} is not there")
    for name in re.findall(r"`((?:[a-z]+/)+[\w.*-]+\.[a-z]+)`", text):
        pattern = re.sub(r"[A-Z]{4,}", "*", name)
        if not any(next(d.glob(pattern), None) for d in (top, top / "src")):
            bad(f"{path.name}: {name} is not there")


def document(path, write, live):
    lines = path.read_text().splitlines()
    out, i, is_live = [], 0, False
    while i < len(lines):
        line = lines[i]
        out.append(line)
        i += 1
        if not line.startswith("```"):
            is_live = line == "<!-- live -->" or (is_live and not line)
            continue
        block = []
        while i < len(lines) and not lines[i].startswith("```"):
            block.append(lines[i])
            i += 1
        where = f"{path.name}:{i - len(block)}"
        for b in block:
            # (What a command prints may begin with the program's name, too.)
            if line == "```sh" or (line == "```console" and b.startswith(("$ ", "# "))):
                try_options(re.sub(r"^[$#] ", "", b), where)
        if line == "```console" and (live or not is_live):
            now = []
            for prompt, shown in commands_of(block):
                now += [prompt, *fresh(prompt, shown, write)]
            if now != block and not write:
                bad(f"{where}: the output is another one now; docs/examples.py --write, or look why:")
                for w, g in zip(block + [""] * len(now), now + [""] * len(block)):
                    if w != g:
                        bad(f"  - {w}\n  + {g}")
                        break
            block = now
        out += block + lines[i:i + 1]
        i += 1
        is_live = False
    if write:
        path.write_text("\n".join(out) + "\n")


def bench(build, only):
    """bench/run.sh's tables, each into the block behind <!-- bench NAME... --> of a document; <!-- bench -->: of those that no other names."""
    mark = re.compile(r"<!-- bench((?: \w+)*) -->")
    places = [(path, m[1].split()) for path in sorted((top / "docs").glob("*.md")) for m in mark.finditer(path.read_text())]
    others = sorted({b.stem for b in (top / "bench").glob("*.bash")} - {name for _, names in places for name in names})
    return max([bench_of(build, path, names, names or others) for path, names in places
                if only in (None, path.name) or only in names], default=f"examples.py: there are no benchmarks of {only}")


def bench_of(build, path, names, benches):
    r = subprocess.run(["bench/run.sh", *benches], cwd=top, env=dict(env, BUILD=str(build)), stdout=subprocess.PIPE,
                       text=True)
    u = os.uname()
    cpus = os.cpu_count()
    said = f"\nLinux {u.release.split('-')[0]} on {u.machine}, {cpus} CPUs:\n\n```text\n{r.stdout.rstrip()}\n```\n"
    mark = "<!-- " + " ".join(["bench", *names]) + " -->\n"
    text = re.sub(f"({mark})(?:\nLinux [^\n]*:\n\n```text\n.*?\n```\n)?", lambda m: m[1] + said, path.read_text(), flags=re.S)
    path.write_text(text)
    return r.returncode


LIVE = ("web", "db", "job")


def live_containers(work):
    root = work / "root"
    for d in ("bin", "usr/bin", "etc", "proc", "dev", "tmp", "var/lib/dpkg/info"):
        (root / d).mkdir(parents=True)
    subprocess.run(["strip", "-o", root / "usr/bin/job", shutil.which("ph-load", path=env["PATH"])], check=True)
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    (root / "var/lib/dpkg/info/shop-tools.list").write_text("/usr/bin/job\n")
    shared = ["--bind", f"{work}:/shared:rw"]
    for name, *args in (["db", "--memory", "128M", *shared, "--", "ph-load", "db", "/shared/db", "100s"],
                        ["web", "--cpus", "0.5", "--memory", "64M", *shared, "--", "ph-load", "web", "/shared/db", "100s", "500us"],
                        ["job", "--cpus", "0.05", "--rootfs", root, "--", "job", "spin", "100s"]):
        subprocess.run(["ph-launch", "--detach", "--quiet", "--timeout", "110s", "--name", name, *args], env=env, check=True,
                       stdout=subprocess.DEVNULL)
        # (web ends where db is not there yet.)
        while name == "db" and not (work / "db").exists():
            time.sleep(0.1)


def main():
    global env
    build = Path(sys.argv[1]).resolve()
    live, write = "--live" in sys.argv, "--live" in sys.argv or "--write" in sys.argv
    env["PATH"] = f"{build}:{env['PATH']}"
    if "--bench" in sys.argv:
        return bench(build, (sys.argv[sys.argv.index("--bench") + 1:] or [None])[0])
    work = tempfile.TemporaryDirectory()
    try:
        if live:
            live_containers(Path(work.name))
        for d in DOCS:
            document(d, write, live)
            references(d)
    finally:
        for name in LIVE if live else ():
            subprocess.run(["ph-launch", "--stop", name], env=env)
        work.cleanup()
    for page in sorted((top / "man").glob("*.in")):
        for line in page.read_text().splitlines():
            if line.startswith(".Dl"):
                try_options(re.sub(r"^\.Dl ([$#] )?", "", line).replace("\\&", ""), page.name)
    verbs = [line.split()[0] for line in run("porthole --help | sed '1,/^Verbs/d; /^$/,$d'")]
    for line in run("porthole --help | sed '1,/^For a start/d'"):
        try_options(re.sub(r" {3,}.*", "", line), "porthole --help")
    for verb in verbs:
        for line in run(f"porthole {verb} --help | sed '1,/^Examples/d'"):
            try_options(line, f"porthole {verb} --help")
    return failed


sys.exit(main())
