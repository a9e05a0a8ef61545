#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The names and types that the shared library promises.

    abi.py symbols LIBRARY HEADERS...    what is exported = src/spotopt.map = symbols.txt = what the headers declare
    abi.py types HEADERS...              types and signatures against libspotopt.abi, by abidiff
    abi.py renew HEADERS...              write all three anew from the headers, on purpose
    abi.py --store|--net ...             the same of libspotopt-store or -net, whose three files are named after it

Exit status 77: the tool is absent, or the dump was made for another machine. A symbol is experimental until it is in a
release's node of the map; its header says so in its opening comment.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MAP = os.path.join(HERE, "..", "..", "src", "spotopt.map")
SYMBOLS = os.path.join(HERE, "symbols.txt")
DUMP = os.path.join(HERE, "libspotopt.abi")
NODE = "SPOTOPT_EXPERIMENTAL"
MARK = "Experimental:"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def declared(headers):
    """Name -> header of every function that a header declares with SPOTOPT_API."""
    found = {}
    for path in headers:
        text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
        text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
        for match in re.finditer(r"\bSPOTOPT_API\b[^;(]*?\b(spotopt_\w+)\s*\(", text):
            found[match.group(1)] = path
        for name in re.findall(r"\b(spotopt_[a-z0-9_]+)\s*\((?!\*)", text):
            if name not in found:
                sys.exit(f"{path}: {name} is declared without SPOTOPT_API")
    return found


def mapped():
    """Name -> node of every name in the map, wildcards included."""
    found = {}
    for node, body in re.findall(r"^(\w+)\s*\{(.*?)\}", read(MAP), flags=re.M | re.S):
        public = re.search(r"global:(.*?)(?:local:|$)", body, flags=re.S)
        for name in re.findall(r"[^\s;]+", public.group(1) if public else ""):
            found[name] = node
    return found


def exported(library):
    """Name -> node of every symbol that the library defines for others."""
    nm = shutil.which("nm") or sys.exit(77)
    lines = subprocess.run([nm, "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in lines.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":
            name, _, node = name.partition("@")
            found[name] = node.lstrip("@")
    return found


def compare(faults, what, names, other, others):
    faults += [f"{name} is in {what} and not in {other}" for name in sorted(set(names) - set(others))]
    faults += [f"{name} is in {other} and not in {what}" for name in sorted(set(others) - set(names))]


def check_symbols(library, headers):
    faults = []
    from_headers, from_map, from_library = declared(headers), mapped(), exported(library)
    compare(faults, "the headers", from_headers, os.path.basename(MAP), from_map)
    compare(faults, "the headers", from_headers, os.path.basename(SYMBOLS), read(SYMBOLS).split())
    # A sanitizer's or a profiler's own names are not ours.
    ours = {n: v for n, v in from_library.items() if not n.startswith(("__", "_init", "_fini", "llvm_"))}
    compare(faults, "the headers", from_headers, os.path.basename(library), ours)
    for name, node in sorted(from_map.items()):
        if ours.get(name, node) != node:
            faults.append(f"{name} is exported as {ours[name]}; the map says {node}")
    for path in headers:
        nodes = {from_map.get(name) for name, header in from_headers.items() if header == path}
        if (NODE in nodes) != (MARK in read(path)):
            faults.append(f"{os.path.basename(path)}: '{MARK}' in its opening comment and the map's node disagree")
    for fault in faults:
        print(fault)
    print(f"{len(from_headers)} functions in {len(headers)} headers, {len(ours)} names exported")
    return 1 if faults else 0


def dump(headers, out):
    """Types and signatures as a caller sees them: of a library that has the headers' functions, and nothing inside.

    So whatever is behind an opaque pointer, and how the library was built, is no part of the dump.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "spotopt"))
        lines = []
        for path in headers:
            for name in os.listdir(os.path.dirname(path)):  # what it includes may be another library's
                if name.endswith(".h"):
                    shutil.copy(os.path.join(os.path.dirname(path), name), os.path.join(folder, "spotopt"))
            lines.append(f'#include "spotopt/{os.path.basename(path)}"')
        for path in headers:
            text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
            text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
            for match in re.finditer(r"\bSPOTOPT_API\b([^;]*);", text):
                line = " ".join(match.group(1).replace("SPOTOPT_NODISCARD", "").split())
                lines.append("__attribute__((visibility(\"default\"))) " + line + " { __builtin_trap(); }")
        source = os.path.join(folder, "surface.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        subprocess.run([*os.environ.get("CC", "cc").split(), "-std=c11", "-g", "-O0", "-shared", "-fPIC", "-w", "-I.",
                        "-gdwarf-4", "-fvisibility=hidden", "surface.c", "-o", "libsurface.so"], check=True, cwd=folder)
        subprocess.run(["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed",
                        "--exported-interfaces-only", "--out-file", out, "libsurface.so"], check=True, cwd=folder)
    with open(out, encoding="utf-8") as file:
        text = re.sub(r"(<abi-instr [^>]*path=)'[^']*'", r"\1'surface.c'", file.read())
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)


def check_types(headers):
    if not (shutil.which("abidiff") and shutil.which("abidw")):
        print("skipped: no abidiff here (abigail-tools)")
        return 77
    machine = os.uname().machine
    if f"architecture='elf-amd-{machine}'" not in read(DUMP):
        print(f"skipped: the dump is another machine's, not {machine}'s")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        now = os.path.join(folder, "now.abi")
        dump(headers, now)
        # Status bits: 1 error, 2 usage, 4 changed, 8 changed incompatibly. New functions are no change that hurts.
        done = subprocess.run(["abidiff", "--no-added-syms", DUMP, now], capture_output=True, text=True)
    print(done.stdout + done.stderr, end="")
    if done.returncode:
        print("If this is meant: raise the soversion where callers break, and run tests/abi/renew.sh")
    return 1 if done.returncode else 0


def renew(headers):
    names = sorted(declared(headers))
    frozen = {name: node for name, node in mapped().items() if node != NODE and "*" not in name}
    nodes = sorted(set(frozen.values()))
    with open(SYMBOLS, "w", encoding="utf-8") as out:
        out.write("".join(f"{name}\n" for name in names))
    with open(MAP, "w", encoding="utf-8") as out:
        out.write("# Exported names, one node a release; past nodes are frozen. docs/abi.md says how one moves.\n"
                  "# tests/abi/renew.sh keeps the experimental node in step with the headers.\n")
        for node in nodes:
            out.write(f"{node} {{\n    global:\n")
            out.write("".join(f"        {name};\n" for name in sorted(frozen) if frozen[name] == node))
            out.write("};\n")
        out.write(f"{NODE} {{\n    global:\n")
        out.write("".join(f"        {name};\n" for name in names if name not in frozen))
        out.write("    local:\n        *;\n};\n")
    if shutil.which("abidw"):
        dump(headers, DUMP)
    else:
        print(f"no abidw here (abigail-tools): {os.path.basename(DUMP)} stays as it was")
    print(f"{len(names)} names")
    return 0


if __name__ == "__main__":
    work = {"symbols": check_symbols, "types": check_types, "renew": renew}
    if sys.argv[1:2] in (["--store"], ["--net"]):
        part = sys.argv.pop(1)[2:]
        MAP = os.path.join(HERE, "..", "..", "src", part, f"spotopt-{part}.map")
        SYMBOLS = os.path.join(HERE, f"{part}_symbols.txt")
        DUMP = os.path.join(HERE, f"libspotopt-{part}.abi")
        NODE = f"SPOTOPT_{part.upper()}_EXPERIMENTAL"
    if len(sys.argv) < 3 + (sys.argv[1:2] == ["symbols"]) or sys.argv[1] not in work:
        sys.exit(__doc__)
    if sys.argv[1] == "symbols":
        sys.exit(check_symbols(sys.argv[2], sys.argv[3:]))
    sys.exit(work[sys.argv[1]](sys.argv[2:]))
