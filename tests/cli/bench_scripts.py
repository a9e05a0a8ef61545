#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the bench's scripts do without data, and the parts of them that need no peer: bench_scripts.py BENCH_FOLDER."""
import os
import subprocess
import sys
import tempfile
import unittest

BENCH = ""


def run(script, *args):
    return subprocess.run([sys.executable, os.path.join(BENCH, script), *args], capture_output=True, text=True)


class Scripts(unittest.TestCase):
    def test_skip_where_the_data_is_absent(self):
        with tempfile.TemporaryDirectory() as empty:
            for script, args in (("pack_sets.py", ("bench_pack", empty)),
                                 ("peers/run.py", ("bench_pack", empty, empty, "--set", "vbp-new")),
                                 ("trace.py", ("bench_pack", empty)),
                                 ("risk.py", ("spotopt", "bench_risk", empty)),
                                 ("replay.py", ("spotopt", empty))):
                if not os.path.exists(os.path.join(BENCH, script)):
                    continue
                done = run(script, *args)
                self.assertEqual(done.returncode, 77, script + done.stderr)
                self.assertTrue(done.stdout.startswith("skipped: "), script)

    def test_say_how_they_are_used(self):
        for script in ("pack_sets.py", "peers/run.py", "peers/peer.py", "risk.py", "replay.py"):
            done = run(script, "--help")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("usage", done.stdout)

    def test_first_fit_fills_the_autoscalers_own_nodes(self):
        sys.path.insert(0, os.path.join(BENCH, "peers"))
        import first_fit

        problem = {"resources": ["cpu", "memory", "pods"],
                   "pools": [{"id": "n", "capacity": [1000, 5000, 100], "cost": 1}],
                   "demands": [{"id": "s", "request": [50, 100, 1], "count": 50000},
                               {"id": "l", "request": [95, 190, 1], "count": 1000}]}
        nodes, left = first_fit.pack(problem, problem["pools"], [])
        self.assertEqual(left, 0)
        self.assertEqual(sum(n["count"] for n in nodes), 2595)
        # At most five small ones a node: 100 nodes of ten large and one small, then 49,900 / 5.
        nodes, left = first_fit.pack(problem, problem["pools"], [([0], 5)])
        self.assertEqual((sum(n["count"] for n in nodes), left), (100 + 9980, 0))

    def test_compare_with_what_is_known_of_an_instance(self):
        sys.path.insert(0, BENCH)
        import pack_sets

        known = {"lower_bound": "10", "best_known": "12"}
        self.assertIsNone(pack_sets.against_known(11, 10, known))
        self.assertIn("above the best known", pack_sets.against_known(13, 13, known))
        self.assertIn("below the lower bound", pack_sets.against_known(9, 9, known))


if __name__ == "__main__":
    BENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main()
