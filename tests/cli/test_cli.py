#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command as its users meet it: exit statuses, messages, tables, pages, completion. Run: test_cli.py SPOTOPT EXAMPLES"""
import functools, gzip, html.parser, json, os, pty, re, shutil, signal, subprocess, sys, tempfile, time, unittest

SPOTOPT, EXAMPLES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
HERE = os.path.dirname(os.path.abspath(__file__))
PLAN = os.path.join(HERE, "plan.json")
DATA = os.path.join(EXAMPLES, "data")
NOW = ["--now", "2026-11-02T09:00:00Z"]
UTF8 = dict(os.environ, LC_ALL="C.UTF-8", PYTHONIOENCODING="utf-8")
ALL_VERBS = subprocess.run([SPOTOPT, "help"], capture_output=True, text=True).stdout


def run(*args, stdin=b"", env=None):
    return subprocess.run([SPOTOPT, *args], input=stdin, capture_output=True, env=env or UTF8, timeout=120)


def needs(verb):
    has = re.search(rf"^  {verb} ", ALL_VERBS, re.M)
    return unittest.skipUnless(has, f"{verb} is not in this build")


def data(name):
    return os.path.join(DATA, name)


@functools.lru_cache
def sample_plan():
    """The sample's plan, made once for all tests that look at it."""
    r = run("plan", "--cluster", data("cluster.json"), "--catalog", data("catalog.json"), "--policy", data("policy.json"),
            "--history", data("history.csv"), *NOW)
    assert r.returncode in (0, 1), r.stderr
    return r


class Page(html.parser.HTMLParser):
    """Every element that opens closes, in order; nothing is fetched, no script runs."""
    EMPTY = {"meta", "line", "rect", "circle", "path", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.names, self.ids = [], [], [], []
        self.feed(text)
        self.close()
        self.faults += [f"{name} stays open" for name in self.open]

    def handle_starttag(self, name, attributes):
        self.names.append(name)
        for key, value in attributes:
            if key in ("src", "href", "action") or key.startswith("on") or re.search(r"https?:|url\(", value or ""):
                self.faults.append(f"{name} has {key}={value}")
            if key == "id":
                self.ids.append(value)
        if name in ("script", "link", "img", "iframe", "object"):
            self.faults.append(f"a {name} element")
        if name not in ("meta",):
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.handle_starttag(name, attributes)
        self.handle_endtag(name)

    def handle_endtag(self, name):
        if not self.open or self.open.pop() != name:
            self.faults.append(f"</{name}> closes nothing at {self.getpos()}")


class Usage(unittest.TestCase):
    def test_no_verb_is_usage(self):
        r = run()
        self.assertEqual((r.returncode, r.stdout), (2, b""))
        self.assertTrue(r.stderr.startswith(b"spotopt: "))

    def test_unknown_verb_suggests_the_nearest(self):
        r = run("verison")
        self.assertEqual(r.returncode, 2)
        self.assertIn(b"did you mean version?", r.stderr)

    def test_unknown_flag_suggests_the_nearest(self):
        r = run("show", PLAN, "--ouput", "json")
        self.assertEqual((r.returncode, r.stdout), (2, b""))
        self.assertIn(b"did you mean --output?", r.stderr)

    def test_flag_without_its_value_is_usage(self):
        r = run("show", PLAN, "--output")
        self.assertEqual(r.returncode, 2)
        self.assertIn(b"--output wants FORMAT", r.stderr)

    def test_flag_given_twice_is_usage(self):
        self.assertEqual(run("show", PLAN, "-o", "json", "--output=table").returncode, 2)

    def test_unknown_format_names_the_known_ones(self):
        r = run("show", PLAN, "-o", "xml")
        self.assertEqual(r.returncode, 2)
        self.assertIn(b"table json html", r.stderr)

    def test_unknown_option_suggests_the_nearest(self):
        r = run("show", PLAN, "--set", "gap_rell=0")
        self.assertEqual(r.returncode, 2)
        self.assertIn(b"gap_rel", r.stderr)

    def test_option_out_of_range_is_usage(self):
        self.assertEqual(run("show", PLAN, "--set", "gap_rel=7").returncode, 2)
        self.assertEqual(run("show", PLAN, "--threads", "0").returncode, 2)

    def test_times_are_checked(self):
        for good in ("0", "1.5e9", "2026-02-28T23:59:59Z", "2024-02-29t00:00:00.25+01:00", "2026-01-01 00:00:00-05:30"):
            self.assertEqual(run("show", PLAN, "-o", "json", "--now", good).returncode, 0, good)
        for bad in ("", "yesterday", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00", "inf", "2026- 1-01T00:00:00Z"):
            r = run("show", PLAN, "-o", "json", "--now", bad)
            self.assertEqual((r.returncode, r.stdout), (2, b""), bad)

    def test_superfluous_operand_is_usage(self):
        self.assertEqual(run("version", "now").returncode, 2)

    def test_help_tells_every_verb_and_goes_to_stdout(self):
        r = run("--help")
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertEqual(r.stdout, run("help").stdout)
        for verb in re.findall(r"^  (\w+) ", ALL_VERBS, re.M):
            by_flag, by_verb = run(verb, "--help"), run("help", verb)
            self.assertEqual((by_flag.returncode, by_flag.stdout), (0, by_verb.stdout), verb)
            self.assertLessEqual(max(map(len, by_verb.stdout.decode().splitlines())), 120, verb)

    def test_version_is_one_line(self):
        self.assertRegex(run("version").stdout.decode(), r"^spotopt \d+\.\d+\.\d+\n$")
        self.assertEqual(run("--version").stdout, run("version").stdout)

    def test_help_options_lists_the_table(self):
        out = run("help", "options").stdout.decode()
        for key in ("gap_rel", "deadline_s", "seed", "work", "threads"):
            self.assertIn(key, out)

    def test_man_pages_tell_every_flag(self):
        for verb in re.findall(r"^  (\w+) ", ALL_VERBS, re.M):
            page = run("help", "--man", verb).stdout.decode()
            self.assertTrue(page.startswith(".TH SPOTOPT"), verb)
            for flag in re.findall(r"--([a-z-]+)", run("help", verb).stdout.decode().split("Flags of", 1)[-1].split("Example")[0]):
                if "Flags of" in run("help", verb).stdout.decode():
                    self.assertIn("\\-\\-" + flag.replace("-", "\\-"), page, f"{verb} --{flag}")

    def test_man_pages_please_the_formatter(self):
        if not shutil.which("man"):
            self.skipTest("no man")
        for page in ([], ["show"]):
            roff = run("help", "--man", *page).stdout
            r = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=roff, capture_output=True, env=dict(UTF8, MANWIDTH="90"))
            self.assertEqual((r.returncode, r.stderr), (0, b""))


class Documents(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as out:
                out.write(content)
        return path

    def test_missing_file_is_bad_input(self):
        r = run("show", self.path("absent.json"))
        self.assertEqual((r.returncode, r.stdout), (3, b""))
        self.assertIn(b"absent.json: No such file", r.stderr)

    def test_folder_is_bad_input(self):
        self.assertEqual(run("show", self.folder).returncode, 3)

    def test_hostile_documents_are_refused(self):
        for text in (b"", b"[]", b"7", b"{", b"{\"kind\":\"Other\"}", b"{\"kind\":7}", b"[" * 100000, b"{\"a\":" * 5000, b"\xff\xfe\x00"):
            for form in ("table", "html"):
                r = run("show", self.path("x.json", text), "-o", form)
                self.assertEqual((r.returncode, r.stdout), (3, b""), text[:20])
                self.assertEqual(r.stderr.count(b"\n"), 1)

    def test_wrong_types_are_shown_as_unknown(self):
        with open(PLAN, encoding="utf-8") as f:
            plan = json.load(f)
        for key in list(plan):
            if key == "kind":
                continue
            for value in (None, 7, "x", [], {}, [7, None, "x", [], {}], {"a": 1, "in": "x", "stages": [3]}):
                text = json.dumps(dict(plan, **{key: value})).encode()
                for form in ("table", "html"):
                    r = run("show", "-", "-o", form, stdin=text)
                    self.assertEqual(r.returncode, 0, (key, value, form, r.stderr))

    def test_gzip_and_standard_input_are_read(self):
        with open(PLAN, "rb") as f:
            text = f.read()
        plain = run("show", PLAN, "-o", "table").stdout
        self.assertEqual(run("show", self.path("p.json.gz", gzip.compress(text)), "-o", "table").stdout, plain)
        self.assertEqual(run("show", "-", "-o", "table", stdin=text).stdout, plain)
        self.assertEqual(run("show", "-", "-o", "table", stdin=gzip.compress(text)).stdout, plain)

    def test_gzip_that_ends_early_is_bad_input(self):
        with open(PLAN, "rb") as f:
            cut = gzip.compress(f.read())[:-20]
        r = run("show", self.path("p.json.gz", cut))
        self.assertEqual((r.returncode, r.stdout), (3, b""))

    def test_json_is_the_default_off_a_terminal(self):
        r = run("show", PLAN)
        self.assertEqual(json.loads(r.stdout)["kind"], "Plan")

    def test_output_file_appears_whole_or_not_at_all(self):
        out = self.path("out.json", b"before")
        self.assertEqual(run("show", self.path("bad.json", b"{"), "--output-file", out).returncode, 3)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), b"before")
        r = run("show", PLAN, "--output-file", out)
        self.assertEqual((r.returncode, r.stdout), (0, b""))
        with open(out, "rb") as f:
            self.assertEqual(json.load(f)["kind"], "Plan")
        self.assertEqual(sorted(os.listdir(self.folder)), ["bad.json", "out.json"])

    def test_unwritable_output_is_a_fault(self):
        r = run("show", PLAN, "--output-file", os.path.join(self.folder, "no", "where"))
        self.assertEqual(r.returncode, 4)
        self.assertIn(b"cannot write", r.stderr)

    def test_full_device_and_closed_pipe_are_faults(self):
        if os.path.exists("/dev/full"):
            with open("/dev/full", "wb") as full:
                r = subprocess.run([SPOTOPT, "show", PLAN], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(r.returncode, 4)
            self.assertIn(b"cannot write", r.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        r = subprocess.run([SPOTOPT, "show", PLAN], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual(r.returncode, 4)
        self.assertIn(b"cannot write", r.stderr)

    def test_openmetrics_is_for_funnels(self):
        self.assertEqual(run("show", PLAN, "-o", "openmetrics").returncode, 2)


class Tables(unittest.TestCase):
    def test_plan_fits_100_columns_and_says_what_matters(self):
        for env in (UTF8, dict(os.environ, LC_ALL="C")):
            out = run("show", PLAN, "-o", "table", env=env).stdout.decode()
            self.assertLessEqual(max(map(len, out.splitlines())), 100)
            for word in ("$1.50", "$0.50", "66.7 % less than now", "60.0 % less than on-demand", "$0.49", "3.8 %", "1 unplaced", "wrong_arch 1"):
                self.assertIn(word, out)

    def test_without_utf8_everything_is_ascii(self):
        out = run("show", PLAN, "-o", "table", env=dict(os.environ, LC_ALL="C")).stdout
        self.assertTrue(out.isascii())

    def test_control_characters_never_reach_the_terminal(self):
        out = run("show", PLAN, "-o", "table").stdout
        self.assertNotIn(b"\x1b", out)
        self.assertNotIn(b"\x07", out)
        self.assertNotIn(b"\x1b", run("show", "/tmp/\x1b[31m").stderr)

    def on_terminal(self, env):
        main, child = pty.openpty()
        process = subprocess.Popen([SPOTOPT, "show", PLAN], stdin=subprocess.DEVNULL, stdout=child, stderr=subprocess.DEVNULL, env=env)
        os.close(child)
        out = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            out += part
        os.close(main)
        self.assertEqual(process.wait(), 0)
        return out

    def test_terminal_gets_a_table_in_colour_unless_no_color(self):
        coloured = dict(UTF8, TERM="xterm")
        coloured.pop("NO_COLOR", None)
        self.assertIn(b"\x1b[", self.on_terminal(coloured))
        plain = self.on_terminal(dict(coloured, NO_COLOR="1"))
        self.assertNotIn(b"\x1b", plain)
        self.assertIn(b"an hour", plain)

    def test_numbers_do_not_follow_the_locale(self):
        out = run("show", PLAN, "-o", "table", env=dict(os.environ, LC_ALL="de_DE.UTF-8")).stdout.decode()
        self.assertIn("$0.50", out)


class Pages(unittest.TestCase):
    def page(self, *args, stdin=b""):
        r = run(*args, "-o", "html", stdin=stdin)
        self.assertIn(r.returncode, (0, 1), r.stderr)
        text = r.stdout.decode()
        page = Page(text)
        self.assertEqual(page.faults, [])
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertNotRegex(text, r"https?://|//[a-z]|url\(|@import|javascript:")
        self.assertIn("Content-Security-Policy", text)
        self.assertNotIn("nan", re.sub(r"<[^>]*>", "", text).lower().split())
        self.assertNotRegex(text, r'="-?(nan|inf)')
        return text, page

    def test_plan_page_is_whole_and_fetches_nothing(self):
        text, page = self.page("show", PLAN)
        self.assertGreaterEqual(page.names.count("svg"), 5)
        self.assertEqual(page.names.count("svg"), page.names.count("desc"))
        self.assertIn("prefers-color-scheme:dark", text)
        self.assertIn('name="viewport"', text)

    def test_what_documents_say_is_escaped(self):
        text, _ = self.page("show", PLAN)
        self.assertNotIn("<script", text)
        self.assertNotIn("<b>markup", text)
        self.assertIn("&lt;script&gt;alert(1)", text)

    @needs("plan")
    def test_sample_plan_page(self):
        text, _ = self.page("show", "-", stdin=sample_plan().stdout)
        self.assertIn("ip-10-0-", text)

    @needs("pack")
    def test_packing_page(self):
        self.page("pack", data("problem.json"))

    @needs("rank")
    def test_ranking_page(self):
        self.page("rank", "--catalog", data("catalog.json"), "--request", "cpu=2,memory=4Gi", *NOW)


    @needs("drain")
    def test_drain_page(self):
        with open(data("cluster.json"), encoding="utf-8") as f:
            nodes = [i["metadata"]["name"] for i in json.load(f)["items"] if i["kind"] == "Node"]
        self.page("drain", "--cluster", data("cluster.json"), "--nodes", ",".join(nodes[3:6]), "--catalog", data("catalog.json"), *NOW)
        self.page("drain", "--cluster", data("cluster.json"), "--nodes", ",".join(nodes[3:6]), "--catalog", data("catalog.json"),
                  "--simulate", "2", *NOW)


class Completion(unittest.TestCase):
    def test_bash_completes_verbs_and_flags(self):
        script = run("completion", "bash").stdout.decode()
        for line, want in ((["spotopt", "sh"], "show"), (["spotopt", "show", "--out"], "--output-file"), (["spotopt", "show", "-o", "ht"], "html")):
            words = " ".join(f"'{w}'" for w in line)
            probe = f"{script}\nCOMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; _spotopt; echo \"${{COMPREPLY[@]}}\""
            out = subprocess.run(["bash", "-c", probe], capture_output=True, text=True)
            self.assertIn(want, out.stdout.split(), out.stderr)

    def test_other_shells_can_read_theirs(self):
        for shell in ("zsh", "fish"):
            r = run("completion", shell)
            self.assertEqual(r.returncode, 0)
            if shutil.which(shell):
                self.assertEqual(subprocess.run([shell, "-n"], input=r.stdout, capture_output=True).returncode, 0, shell)

    def test_unknown_shell_is_usage(self):
        self.assertEqual(run("completion", "csh").returncode, 2)


class Verbs(unittest.TestCase):
    """On the sample data; what the numbers should be is the business of the library's own tests."""
    PLAN_ARGS = ["plan", "--cluster", data("cluster.json"), "--catalog", data("catalog.json"), "--policy", data("policy.json"),
                 "--history", data("history.csv"), *NOW]

    @needs("plan")
    def test_plan_saves_money_on_the_sample_and_holds(self):
        r = sample_plan()
        self.assertEqual(r.returncode, 0, r.stderr)
        plan = json.loads(r.stdout)
        self.assertEqual(plan["kind"], "Plan")
        self.assertLess(plan["summary"]["after"]["usd_per_hour"], plan["summary"]["before"]["usd_per_hour"])
        with tempfile.NamedTemporaryFile(suffix=".json") as f:
            f.write(r.stdout)
            f.flush()
            checked = run(*self.PLAN_ARGS, "--check", f.name)
            self.assertEqual(checked.returncode, 0, checked.stdout)
            other = [a.replace("cluster.json", "other.json") for a in self.PLAN_ARGS]
            with tempfile.TemporaryDirectory() as folder:
                with open(data("cluster.json"), encoding="utf-8") as c:
                    changed = c.read().replace('"750m"', '"740m"', 1)
                path = os.path.join(folder, "other.json")
                with open(path, "w", encoding="utf-8") as c:
                    c.write(changed)
                other = [path if a == data("other.json") else a for a in other]
                self.assertEqual(run(*other, "--check", f.name).returncode, 3)

    @needs("plan")
    def test_plan_table_fits_100_columns(self):
        out = run("show", "-", "-o", "table", stdin=sample_plan().stdout).stdout.decode()
        self.assertLessEqual(max(map(len, out.splitlines())), 100)

    def test_a_client_gets_what_its_part_of_the_policy_says(self):
        with open(data("cluster.json"), encoding="utf-8") as f:
            node = next(i["metadata"]["name"] for i in json.load(f)["items"] if i["kind"] == "Node")
        own = {"spot": {"enabled": False}, "drain": {"detach_s": 40}}
        calls = {"plan": ["--cluster", data("cluster.json")], "rank": ["--request", "cpu=2,memory=4Gi"],
                 "drain": ["--cluster", data("cluster.json"), "--nodes", node]}
        with tempfile.TemporaryDirectory() as folder:
            whole, alone = os.path.join(folder, "whole.json"), os.path.join(folder, "alone.json")
            for path, policy in ((whole, {"clients": {"acme": own, "bolt": {}}}), (alone, own)):
                with open(path, "w", encoding="utf-8") as f:
                    json.dump(policy, f)
            for verb in (v for v in calls if re.search(rf"^  {v} ", ALL_VERBS, re.M)):
                args = [verb, *calls[verb], "--catalog", data("catalog.json"), *NOW]
                answer = {}
                for name, more in (("acme", ["--policy", whole, "--client-id", "acme"]), ("alone", ["--policy", alone]),
                                   ("bolt", ["--policy", whole, "--client-id", "bolt"]), ("none", [])):
                    r = run(*args, *more)
                    self.assertIn(r.returncode, (0, 1), r.stderr)
                    answer[name] = {k: v for k, v in json.loads(r.stdout).items() if k not in ("inputs", "stats", "funnel")}
                self.assertEqual(answer["acme"], answer["alone"], verb)
                self.assertEqual(answer["bolt"], answer["none"], verb)
                if verb != "drain":
                    self.assertNotEqual(answer["acme"], answer["bolt"], verb)
                r = run(*args, "--policy", whole, "--client-id", "zeta")
                self.assertEqual(r.returncode, 3)
                self.assertIn(b'/clients: there is no client "zeta"; want one of acme, bolt', r.stderr)

    @needs("plan")
    def test_plan_wants_its_inputs(self):
        self.assertEqual(run("plan", "--catalog", data("catalog.json")).returncode, 2)
        self.assertEqual(run("plan", "--cluster", data("cluster.json")).returncode, 2)
        r = run(*self.PLAN_ARGS, "--events", "no-such-file")
        self.assertEqual(r.returncode, 3)
        self.assertIn(b"no-such-file", r.stderr)
        self.assertEqual(run(*self.PLAN_ARGS, "--model", data("catalog.json")).returncode, 3)

    @needs("plan")
    def test_only_one_input_is_standard_input(self):
        with open(data("cluster.json"), "rb") as f:
            r = run("plan", "--cluster", "-", "--catalog", "-", stdin=f.read())
        self.assertEqual(r.returncode, 3)

    @needs("pack")
    def test_pack_solves_the_sample(self):
        r = run("pack", data("problem.json"))
        self.assertEqual(r.returncode, 0, r.stderr)
        result = json.loads(r.stdout)
        self.assertIn(result["outcome"], ("optimal", "feasible"))
        self.assertLessEqual(result["bound"], result["cost"] + 1e-9)
        self.assertEqual(run("pack", data("problem.json"), "-o", "table").returncode, 0)

    @needs("pack")
    def test_pack_begins_with_an_earlier_result(self):
        with open(data("problem.json")) as f:
            problem = json.load(f)
        first = run("pack", data("problem.json"))
        bought = json.loads(first.stdout)["nodes"][0]["pool"]
        for pool in problem["pools"]:
            if pool["id"] == bought:
                pool.update(max=0, min=0)
        with tempfile.TemporaryDirectory() as folder:
            earlier = os.path.join(folder, "result.json")
            with open(earlier, "wb") as f:
                f.write(first.stdout)
            r = run("pack", "-", "--from", earlier, stdin=json.dumps(problem).encode())
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertNotIn(bought, [row["pool"] for row in json.loads(r.stdout)["nodes"] if "node" not in row])
            same = run("pack", data("problem.json"), "--from", earlier)
            self.assertLessEqual(json.loads(same.stdout)["cost"], json.loads(first.stdout)["cost"] + 1e-9)
            with open(earlier, "w") as f:
                f.write('{"kind":"PackingResult","outcome":"feasible","nodes":[{"pool":"A","count":0}]}')
            r = run("pack", data("problem.json"), "--from", earlier)
            self.assertEqual((r.returncode, r.stdout), (3, b""))
            self.assertIn(b"result.json: /nodes/0/count", r.stderr)

    @needs("pack")
    def test_pack_says_no_to_what_fits_nowhere(self):
        problem = {"apiVersion": "spotopt/v1", "kind": "PackingProblem", "resources": ["cpu"], "pools": [{"id": "A", "capacity": [1], "cost": 1}],
                   "demands": [{"id": "big", "request": [2], "count": 1}], "rules": []}
        r = run("pack", "-", stdin=json.dumps(problem).encode())
        self.assertEqual(r.returncode, 1)
        self.assertEqual(json.loads(r.stdout)["outcome"], "infeasible")

    @needs("pack")
    def test_pack_refuses_a_bad_problem_and_says_where(self):
        r = run("pack", "-", stdin=b'{"apiVersion":"spotopt/v1","kind":"PackingProblem","resources":["cpu"],"pools":[{"id":"A","capacity":[-1],"cost":1}],"demands":[]}')
        self.assertEqual((r.returncode, r.stdout), (3, b""))
        self.assertIn(b"/pools/0/capacity", r.stderr)

    @needs("rank")
    def test_rank_tells_what_runs_to_stay_or_move(self):
        base = ["rank", "--catalog", data("catalog.json"), "--request", "cpu=2,memory=8Gi", "--now", "2026-01-01T01:00:00Z"]
        pools = [row["pool"] for row in json.loads(run(*base).stdout)["pools"]]
        self.assertNotIn("switch", json.loads(run(*base).stdout))
        first = json.loads(run(*base, "--current", pools[0]).stdout)["switch"]
        self.assertEqual((first["verdict"], first["why"], first["to"]), ("stay", "is-first", pools[1]))
        late = base + ["--current", pools[-1], "--since", "2026-01-01T00:48:00Z"]
        held = json.loads(run(*late).stdout)["switch"]
        self.assertEqual((held["verdict"], held["reason"]), ("stay", "stay: dwell 12 of 30 min"))
        self.assertIn(b"stay: dwell 12 of 30 min", run(*late, "-o", "table").stdout)
        self.assertIn(b"stay: dwell 12 of 30 min", run(*late, "-o", "html").stdout)
        self.assertEqual(json.loads(run(*late, "--noticed").stdout)["switch"]["why"], "notice")
        spent = json.loads(run(*base, "--current", pools[-1], "--moves", "20").stdout)["switch"]
        self.assertEqual(spent["why"], "budget")
        self.assertEqual(run(*base, "--current", "nowhere").returncode, 2)
        self.assertEqual(run(*base, "--moves", "3").returncode, 2)

    @needs("rank")
    def test_weights_follow_from_money(self):
        with tempfile.TemporaryDirectory() as folder:
            policy = os.path.join(folder, "policy.json")
            base = ["rank", "--catalog", data("catalog.json"), "--request", "cpu=2,memory=8Gi", *NOW, "--policy", policy]
            for cost in (0.5, 5.0):
                with open(policy, "w", encoding="utf-8") as f:
                    json.dump({"weights_from": "money", "interruption": {"cost_usd": cost, "horizon_hours": 12}}, f)
                doc = json.loads(run(*base).stdout)
                w, worth = doc["weights"], doc["worth"]
                self.assertEqual(doc["weights_from"], "money")
                ratio = (1 - worth["p"]) * cost / (worth["usd_per_hour"] * 12)
                self.assertAlmostEqual(w["stability"] / w["cost"], ratio, places=12)
                self.assertAlmostEqual(worth["point_usd_per_hour"]["stability"], 0.01 * cost / 12, places=12)
                self.assertEqual((w["performance"], w["capacity"]), (0.15, 0.15))
                self.assertIn(b"of money", run(*base, "-o", "table").stdout)
            with open(policy, "w", encoding="utf-8") as f:
                json.dump({"weights_from": "hope"}, f)
            self.assertEqual(run(*base).returncode, 3)

    @needs("rank")
    def test_rank_orders_and_refuses_nonsense(self):
        base = ["rank", "--catalog", data("catalog.json"), "--history", data("history.csv"), *NOW]
        r = run(*base, "--request", "cpu=2,memory=4Gi", "--top", "5")
        self.assertEqual(r.returncode, 0, r.stderr)
        scores = [p["score"] for p in json.loads(r.stdout)["pools"]]
        self.assertEqual(len(scores), 5)
        self.assertEqual(scores, sorted(scores, reverse=True))
        self.assertEqual(run(*base, "--request", "cpu=two").returncode, 2)
        self.assertEqual(run(*base).returncode, 2)
        self.assertEqual(run(*base, "--request", "cpu=9000").returncode, 1)

    @needs("drain")
    def test_drain_moves_or_says_what_blocks(self):
        with open(data("cluster.json"), encoding="utf-8") as f:
            nodes = [i["metadata"]["name"] for i in json.load(f)["items"] if i["kind"] == "Node"]
        r = run("drain", "--cluster", data("cluster.json"), "--nodes", ",".join(nodes[:2]), "--catalog", data("catalog.json"), *NOW)
        self.assertIn(r.returncode, (0, 1), r.stderr)
        plan = json.loads(r.stdout)
        self.assertEqual(r.returncode == 1, bool(plan["blocked"] or plan.get("lost")))
        self.assertEqual(run("drain", "--cluster", data("cluster.json"), "--nodes", "nobody").returncode, 2)

    @needs("drain")
    def test_a_drain_goes_to_a_plan_s_fleet_and_can_be_rehearsed(self):
        inputs = ("--cluster", data("cluster.json"), "--policy", data("policy.json"), *NOW)
        with tempfile.TemporaryDirectory() as folder:
            self.drain_to_plan(os.path.join(folder, "plan.json"), inputs)

    def drain_to_plan(self, path, inputs):
        run("plan", *inputs, "--catalog", data("catalog.json"), "--output-file", path, "-o", "json")
        base = ("drain", *inputs, "--plan", path)
        plan = json.loads(run(*base).stdout)
        with open(path, encoding="utf-8") as f:
            wanted = {pod: node["name"] for node in json.load(f)["nodes"] for pod in node["pods"]}
        moved = {s["pod"]: s["to"] for w in plan["waves"] for s in w["steps"] if s["do"] == "evict"}
        self.assertTrue(moved)
        self.assertEqual([pod for pod, to in moved.items() if wanted[pod] != to], [])
        for seed in ("1", "2", "3"):
            r = run(*base, "--catalog", data("catalog.json"), "--simulate", seed)
            told = json.loads(r.stdout)
            self.assertEqual((told["kind"], told["broken_by_steps"], told["faults"]), ("DrainSimulation", 0, []))
            self.assertEqual(r.returncode == 0, told["outcome"] == "drained")
            self.assertEqual(run(*base, "--catalog", data("catalog.json"), "--simulate", seed).stdout, r.stdout)
        self.assertEqual(run(*base, "--simulate", "many").returncode, 2)
        self.assertEqual(run("drain", "--cluster", data("cluster.json")).returncode, 2)
        table = run(*base, "--simulate", "1", "-o", "table").stdout.decode()
        self.assertIn("0 steps against one", table)

    @needs("funnel")
    def test_funnels_add_up_in_any_order(self):
        with tempfile.TemporaryDirectory() as folder:
            twice = run("funnel", PLAN, PLAN)
            self.assertEqual(twice.returncode, 0, twice.stderr)
            self.assertEqual(json.loads(twice.stdout)["funnel"]["in"], 8)
            metrics = run("funnel", PLAN, "-o", "openmetrics").stdout
            self.assertTrue(metrics.endswith(b"# EOF\n"))

    @needs("pack")
    def test_interrupt_prints_the_best_so_far(self):
        pools = [{"id": f"p{i}", "capacity": [97 + 31 * i, 211 + 17 * i], "cost": 10 + 3.7 * i} for i in range(12)]
        demands = [{"id": f"d{i}", "request": [7 + (i * 37) % 53, 5 + (i * 61) % 89], "count": 3 + i % 11} for i in range(150)]
        problem = {"apiVersion": "spotopt/v1", "kind": "PackingProblem", "resources": ["a", "b"], "pools": pools, "demands": demands, "rules": []}
        process = subprocess.Popen([SPOTOPT, "pack", "-", "--set", "gap_rel=0", "--deadline", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(json.dumps(problem).encode())
        process.stdin.close()
        process.stdin = None
        time.sleep(1.0)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        self.assertIn(process.returncode, (0, 1))
        self.assertEqual(json.loads(out)["kind"], "PackingResult")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:])
