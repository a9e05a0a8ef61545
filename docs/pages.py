# SPDX-License-Identifier: Apache-2.0
"""Do the pages tell the truth? pages.py SOURCE_ROOT BUILD_ROOT SPOTOPT CC...

Links lead somewhere, nothing names the machine that a page was written on, and blocks of code do what they say. A
comment in front of a block says what to do with it:

    <!-- run -->             run it: sh as a script, c as a whole program, python where the module is built
    <!-- run exit=1 -->      the same, and expect that exit status
    <!-- from PATH -->       its lines stand in that file, one after the other; indentation aside
    <!-- read by COMMAND --> write it to a file and run the command, {} in it being the file

Commands run in a scratch folder that has `examples/` in it and `spotopt` in the path.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
spotopt, cc = pathlib.Path(sys.argv[3]).resolve(), sys.argv[4:]
faults = []
counts = {"links": 0, "blocks": 0, "skipped": 0}

FENCE = re.compile(r"^(?:<!-- (?P<mark>(?:run|from|read by)[^\n]*?) -->\n+)?```(?P<lang>\w*)\n(?P<body>.*?)^```$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FOREIGN = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/|\b(?:pypi|files\.pythonhosted|registry\.npmjs|deb\.debian)\.org")


def anchors(path):
    """What GitHub makes of the headings."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    slugs = set()
    for heading in re.findall(r"^#+ +(.*)$", text, re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        while slug in slugs:
            slug += "-1"
        slugs.add(slug)
    return slugs


def check_links(path, text):
    for target in LINK.findall(re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
        counts["links"] += 1
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        if not to.exists():
            faults.append(f"{path.relative_to(root)}: link to {target}: there is no such file")
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            faults.append(f"{path.relative_to(root)}: link to {target}: there is no such heading")


def flat(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def check_excerpt(where, body, source):
    if not source.exists():
        faults.append(f"{where}: {source.name}: there is no such file")
        return
    wanted, lines = flat(body), flat(source.read_text(encoding="utf-8"))
    if not any(lines[i : i + len(wanted)] == wanted for i in range(len(lines))):
        faults.append(f"{where}: is not an excerpt of {source.relative_to(root)}")


def environment():
    env = dict(os.environ, LC_ALL="C.UTF-8", NO_COLOR="1")
    env["PATH"] = f"{spotopt.parent}:{env['PATH']}"
    env["LD_LIBRARY_PATH"] = str(build / "src")
    env["PYTHONPATH"] = os.pathsep.join(str(p) for p in (build / "bindings" / "python", build / "bindings"))
    return env


def command_of(lang, body, scratch):
    """The command that runs a block, or None where this build cannot."""
    if lang == "sh":
        return ["bash", "-euo", "pipefail", "-c", body]
    if lang == "python":
        has = subprocess.run([sys.executable, "-c", "import spotopt"], env=environment(), capture_output=True)
        return [sys.executable, "-c", body] if has.returncode == 0 else None
    source = scratch / "block.c"
    source.write_text(body, encoding="utf-8")
    made = subprocess.run(
        cc + ["-std=gnu11", "-Wall", "-Wextra", "-Werror", f"-I{root / 'include'}", f"-I{build / 'include'}",
              str(source), "-o", str(scratch / "block"), f"-L{build / 'src'}", "-lspotopt", "-lm", "-lpthread"],
        capture_output=True, text=True)
    if made.returncode != 0:
        return ["bash", "-c", 'cat >&2; exit 99'], made.stderr
    return [str(scratch / "block")]


def check_block(where, mark, lang, body, scratch):
    counts["blocks"] += 1
    if mark.startswith("from "):
        check_excerpt(where, body, root / mark[5:].strip())
        return
    told = ""
    if mark.startswith("read by "):
        file = scratch / "document"
        file.write_text(body, encoding="utf-8")
        command, wanted = ["bash", "-c", mark[8:].replace("{}", str(file))], 0
    else:
        exit_status = re.search(r"exit=(\d+)", mark)
        wanted = int(exit_status.group(1)) if exit_status else 0
        command = command_of(lang, body, scratch)
        if isinstance(command, tuple):
            command, told = command
        if command is None:
            counts["skipped"] += 1
            return
    done = subprocess.run(command, cwd=scratch, env=environment(), capture_output=True, text=True, input=told, timeout=120)
    if done.returncode != wanted:
        faults.append(f"{where}: exit status {done.returncode}, not {wanted}\n{done.stderr.strip()[:2000]}")


pages = sorted([root / "README.md"] * (root / "README.md").exists() + list((root / "docs").rglob("*.md")))
for page in pages:
    text = page.read_text(encoding="utf-8")
    check_links(page, text)
    for line, content in enumerate(text.splitlines(), 1):
        if FOREIGN.search(content):
            faults.append(f"{page.relative_to(root)}:{line}: names a place of one machine or a registry: {content.strip()[:80]}")
    for block in FENCE.finditer(text):
        if block["mark"] is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            scratch = pathlib.Path(folder)
            shutil.copytree(root / "examples", scratch / "examples")
            where = f"{page.relative_to(root)}:{text.count(chr(10), 0, block.start()) + 1}"
            check_block(where, block["mark"], block["lang"], block["body"], scratch)

print(f"{len(pages)} pages, {counts['links']} links, {counts['blocks']} blocks ({counts['skipped']} skipped)")
if faults:
    sys.exit("\n".join(faults))
