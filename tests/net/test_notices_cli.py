#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""spotopt notices: events from files, and a metadata service of our own. Run: test_notices_cli.py SPOTOPT"""
import http.server, json, os, pathlib, signal, subprocess, sys, tempfile, threading, time, unittest

SPOTOPT = os.path.abspath(sys.argv[1])


def event(kind="EC2 Spot Instance Interruption Warning", instance="i-0abc1234", when="2026-11-02T09:00:00Z"):
    return {"detail-type": kind, "source": "aws.ec2", "time": when, "detail": {"instance-id": instance}}


class Metadata(http.server.BaseHTTPRequestHandler):
    def answer(self, text):
        self.send_response(404 if text is None else 200)
        body = (text or "").encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.answer("token")

    def do_GET(self):
        self.answer({"/latest/meta-data/instance-id": "i-0abc1234",
                     "/latest/meta-data/spot/instance-action": self.server.action}.get(self.path))

    def log_message(self, *args):
        pass


class Notices(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.books = self.folder / "books.jsonl"

    def run_it(self, *args, status=0):
        done = subprocess.run([SPOTOPT, "notices", *map(str, args)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, (args, done.stdout, done.stderr))
        return done

    def write(self, *events, **how):
        path = self.folder / "events.json"
        path.write_text("\n".join(json.dumps(e, **how) for e in events))
        return path

    def test_events_one_a_line_or_one_in_a_file(self):
        path = self.write(event(), event("EC2 Instance Rebalance Recommendation", "i-1"), event("something else"))
        rows = [json.loads(line) for line in self.run_it("--event", path).stdout.splitlines()]
        self.assertEqual([(r["kind"], r["instance"]) for r in rows], [("termination", "i-0abc1234"), ("rebalance", "i-1")])
        for indent in (0, 2):
            whole = self.run_it("--event", self.write(event(), indent=indent)).stdout
            self.assertEqual(json.loads(whole)["instance"], "i-0abc1234")
        self.assertEqual(self.run_it("--event", self.write()).stdout, "")

    def test_a_notice_stands_in_the_books_once(self):
        path = self.write(event(), event(), event(instance="i-2"))
        self.assertIn("nothing was written", self.run_it("--event", path, "--ledger", self.books).stderr)
        self.assertFalse(self.books.exists())
        for new in (2, 0, 0):
            done = self.run_it("--event", path, "--ledger", self.books, "--apply")
            self.assertEqual(len(done.stdout.splitlines()), new)
            self.assertEqual(len(self.books.read_text().splitlines()), 2)
        told = subprocess.run([SPOTOPT, "fleet", "activity", "--ledger", self.books, "-o", "json"], capture_output=True, text=True)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(told.stdout.count("i-0abc1234"), 1)

    def test_the_metadata_service_asked_once_and_followed(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
        server.action = None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = "http://127.0.0.1:%d" % server.server_port
        self.assertEqual(self.run_it("--imds", url).stdout, "")
        server.action = json.dumps({"action": "terminate", "time": "2026-11-02T09:02:00Z"})
        row = json.loads(self.run_it("--imds", url).stdout)
        self.assertEqual((row["kind"], row["source"], row["time_ms"]), ("termination", "imds", 1793610000000))
        child = subprocess.Popen([SPOTOPT, "notices", "--imds", url, "--follow", "--ledger", self.books, "--apply"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(json.loads(child.stdout.readline()), row)  # at once, though it goes on
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=30)
        self.assertEqual((child.returncode, out), (0, ""), said)
        self.assertEqual(json.loads(self.books.read_text()), row)

    def test_what_is_wrong_is_named(self):
        path = self.write(event())
        for args, says in (([], "want --imds or --event"), (["--imds", "self", "--event", path], "one of them"),
                           (["--event", path, "--follow"], "--follow goes with --imds"),
                           (["--event", path, "--apply"], "want --ledger")):
            self.assertIn(says, self.run_it(*args, status=2).stderr)
        self.assertIn("/nowhere", self.run_it("--event", "/nowhere", status=3).stderr)
        path.write_text('{"detail-type": 5}')
        self.assertIn("/detail-type", self.run_it("--event", path, status=3).stderr)
        self.assertIn("127.0.0.1 port 1", self.run_it("--imds", "http://127.0.0.1:1", status=3).stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
