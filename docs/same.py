# SPDX-License-Identifier: Apache-2.0
"""Is a committed page what its program prints? same.py PAGE PROGRAM ARG..."""
import difflib
import subprocess
import sys

page, command = sys.argv[1], sys.argv[2:]
with open(page, encoding="utf-8") as f:
    committed = f.read()
made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
if made != committed:
    sys.stdout.writelines(difflib.unified_diff(committed.splitlines(True), made.splitlines(True), page, "made now"))
    sys.exit("the page is out of date: write it anew with: " + " ".join(command) + " > " + page)
