#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sum up meson's test log: count_results.py TESTLOG [FAILED_ELSEWHERE]. CUnit programs count as the tests inside them."""
import json
import re
import sys

passed = failed = skipped = 0
with open(sys.argv[1], encoding="utf-8") as log:
    for line in log:
        row = json.loads(line)
        inside = re.search(r"^\s+tests\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", row.get("stdout", ""), re.M)
        python = re.search(r"(\d+) passed(?:, (\d+) skipped)?", row.get("stdout", ""))
        if row["result"] == "SKIP":
            skipped += 1
        elif row["result"] != "OK":
            failed += 1
        elif inside:
            passed += int(inside.group(3))
        elif python:
            passed += int(python.group(1))
            skipped += int(python.group(2) or 0)
        else:
            passed += 1
if len(sys.argv) > 2 and sys.argv[2] != "0" and failed == 0:
    failed = 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
