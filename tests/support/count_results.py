#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sum up meson's test log: count_results.py TESTLOG [FAILED_ELSEWHERE].

CUnit, unittest and pytest programs count as the tests inside them; a test that says "(skipped: ..." counts as skipped.
"""
import json
import re
import sys

passed = failed = skipped = 0
with open(sys.argv[1], encoding="utf-8") as log:
    for line in log:
        row = json.loads(line)
        out, err = row.get("stdout", ""), row.get("stderr", "")
        inside = re.search(r"^\s+tests\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", out, re.M)
        pytest = re.search(r"(\d+) passed(?:, (\d+) skipped)?", out)
        unittest = re.search(r"^Ran (\d+) tests? in .*\n+OK(?: \(skipped=(\d+)\))?", err + "\n" + out, re.M)
        if row["result"] == "SKIP":
            skipped += 1
        elif row["result"] != "OK":
            failed += 1
        elif inside:
            away = min(len(re.findall(r"\(skipped:", out)), int(inside.group(3)))
            passed += int(inside.group(3)) - away
            skipped += away
        elif pytest:
            passed += int(pytest.group(1))
            skipped += int(pytest.group(2) or 0)
        elif unittest:
            passed += int(unittest.group(1)) - int(unittest.group(2) or 0)
            skipped += int(unittest.group(2) or 0)
        else:
            passed += 1
if len(sys.argv) > 2 and sys.argv[2] != "0" and failed == 0:
    failed = 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
