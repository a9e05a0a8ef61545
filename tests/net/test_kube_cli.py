#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--cluster kube: against an API server of our own on loopback. Run: test_kube_cli.py SPOTOPT EXAMPLES

It serves what a file from kubectl holds, in pages, with all the fields that a server adds; the plan has to be the file's.
"""
import http.server, json, os, pathlib, stat, subprocess, sys, tempfile, threading, unittest, urllib.parse

SPOTOPT, EXAMPLES = (os.path.abspath(a) for a in sys.argv[1:3])
DATA = pathlib.Path(EXAMPLES) / "data"
PATHS = {"/api/v1/pods": "Pod", "/api/v1/nodes": "Node", "/apis/policy/v1/poddisruptionbudgets": "PodDisruptionBudget",
         "/apis/apps/v1/deployments": "Deployment", "/apis/apps/v1/replicasets": "ReplicaSet",
         "/apis/apps/v1/statefulsets": "StatefulSet", "/apis/apps/v1/daemonsets": "DaemonSet", "/apis/batch/v1/jobs": "Job",
         "/api/v1/replicationcontrollers": "ReplicationController", "/api/v1/persistentvolumeclaims": "PersistentVolumeClaim",
         "/api/v1/persistentvolumes": "PersistentVolume", "/apis/storage.k8s.io/v1/storageclasses": "StorageClass",
         "/apis/scheduling.k8s.io/v1/priorityclasses": "PriorityClass", "/api/v1/namespaces": "Namespace"}


def dressed(item, n):
    """The item as a server hands it out: no kind, and much that nobody asked for."""
    item = json.loads(json.dumps({k: v for k, v in item.items() if k not in ("kind", "apiVersion")}))
    item["metadata"].update(resourceVersion=str(n), managedFields=[{"manager": "x", "fieldsV1": {"f:spec": {}}}])
    item["metadata"].setdefault("annotations", {})["kubectl.kubernetes.io/last-applied-configuration"] = "{" * 900
    for c in item.get("spec", {}).get("containers", []):
        c.update(env=[{"name": "A", "value": "containers"}], image="x@sha256:1", livenessProbe={"exec": {"command": ["a"]}})
    if "status" in item:
        item["status"]["images"] = [{"names": ["x"] * 9}]
        for c in item["status"].get("conditions", []):
            c["lastHeartbeatTime"] = "2026-01-01T00:00:00Z"
    return item


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        code, answer = 200, None
        self.server.seen.append(self.path)
        if self.headers.get("Authorization") != "Bearer " + self.server.token:
            code, answer = 401, {"kind": "Status", "message": "Unauthorized"}
        elif url.path not in PATHS:
            code, answer = 404, {"kind": "Status", "message": "the server could not find the requested resource"}
        elif "continue" in query and self.server.gone > 0:
            self.server.gone -= 1
            code, answer = 410, {"kind": "Status", "reason": "Expired"}
        else:
            items = self.server.items.get(PATHS[url.path], [])
            first, most = int(query.get("continue", "0").split("/")[0]), int(query.get("limit", 10 ** 9))
            answer = {"kind": PATHS[url.path] + "List", "metadata": {"resourceVersion": "9"}, "items": items[first:first + most]}
            if first + most < len(items):
                answer["metadata"]["continue"] = "%d/&=" % (first + most)
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Kube(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.server.seen, self.server.token, self.server.gone, self.server.items = [], "secret-1", 0, {}
        for n, item in enumerate(json.loads((DATA / "cluster.json").read_text())["items"]):
            self.server.items.setdefault(item["kind"], []).append(dressed(item, n))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.config({"token": "secret-1"})

    def config(self, user, name="config"):
        (self.folder / name).write_text(json.dumps({
            "current-context": "shop", "contexts": [{"name": "shop", "context": {"cluster": "shop", "user": "ann"}}],
            "clusters": [{"name": "shop", "cluster": {"server": "http://127.0.0.1:%d" % self.server.server_port}}],
            "users": [{"name": "ann", "user": user}]}))

    def run_it(self, verb, cluster, *more, **env):
        env = {**os.environ, "KUBECONFIG": str(self.folder / "config"), "LC_ALL": "C.UTF-8", "NO_PROXY": "*", **env}
        return subprocess.run([SPOTOPT, verb, "--cluster", cluster, "--catalog", DATA / "catalog.json", "--now",
                               "2026-11-02T09:00:00Z", *more], capture_output=True, text=True, env=env, timeout=120)

    def test_a_plan_of_the_server_is_the_plan_of_the_file(self):
        whole = self.run_it("plan", str(DATA / "cluster.json"), "-o", "json")
        self.assertIn(whole.returncode, (0, 1), whole.stderr)
        for gone in (0, 2):
            self.server.gone = gone
            told = self.run_it("plan", "kube:", "-o", "json")
            self.assertEqual(told.returncode, whole.returncode, told.stderr)
            a, b = json.loads(whole.stdout), json.loads(told.stdout)
            for doc in (a, b):
                doc.pop("inputs", None)
            self.assertEqual(a, b)
        self.assertTrue(all("limit=500" in p for p in self.server.seen[:5]), self.server.seen[:5])

    def test_other_verbs_and_a_named_context(self):
        node = json.loads((DATA / "cluster.json").read_text())["items"]
        node = next(i["metadata"]["name"] for i in node if i["kind"] == "Node")
        done = self.run_it("drain", "kube:shop", "--nodes", node, "-o", "json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertEqual(json.loads(done.stdout)["kind"], "DrainPlan")
        done = self.run_it("plan", "kube:nix")
        self.assertEqual(done.returncode, 3)
        self.assertIn('context "nix" is not in its contexts; want one of: shop', done.stderr)

    def test_a_token_that_is_wrong_or_stale(self):
        self.config({"token": "wrong-secret"})
        done = self.run_it("plan", "kube:")
        self.assertEqual(done.returncode, 3)
        self.assertIn("Kubernetes (shop): list pods: status 401: Unauthorized; check the user", done.stderr)
        self.assertNotIn("wrong-secret", done.stderr)
        (self.folder / "token").write_text("secret-1\n")
        self.config({"tokenFile": "token"})
        self.assertIn(self.run_it("plan", "kube:").returncode, (0, 1))

    def plugin(self, script):
        path = self.folder / "plugin"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.config({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "args": ["a b"],
                              "env": [{"name": "WHO", "value": "ann"}]}})

    def test_a_credential_plugin(self):
        self.plugin('[ "$1 $WHO $HOME" = "a b ann /there" ] && [ -n "$KUBERNETES_EXEC_INFO" ] && '
                    'echo \'{"status":{"token":"secret-1"}}\'\n')
        done = self.run_it("plan", "kube:", HOME="/there", WHO="bob")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.plugin("echo no login >&2; exit 3\n")
        done = self.run_it("plan", "kube:")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("no login\n", done.stderr)
        self.assertIn("the credential plugin failed", done.stderr)
        self.plugin("echo hello\n")
        done = self.run_it("plan", "kube:")
        self.assertEqual(done.returncode, 3)
        self.assertIn("plugin says", done.stderr)
        self.config({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "there-is-no-such-plugin"}})
        done = self.run_it("plan", "kube:")
        self.assertEqual(done.returncode, 3)
        self.assertIn("want the credential plugin", done.stderr)

    def test_no_config_and_no_server(self):
        done = self.run_it("plan", "kube:", KUBECONFIG="", HOME=str(self.folder))
        self.assertEqual(done.returncode, 3)
        self.assertIn("no kubeconfig; want %s/.kube/config" % self.folder, done.stderr)
        done = self.run_it("plan", "kube:", KUBECONFIG="a:b")
        self.assertEqual(done.returncode, 2)
        self.assertIn("names several files", done.stderr)
        self.server.shutdown()
        self.server.server_close()
        (self.folder / "config").write_text((self.folder / "config").read_text().replace(
            str(self.server.server_port), "1"))
        # Refused connections are asked again for a while; Ctrl-C ends that.
        child = subprocess.Popen([SPOTOPT, "plan", "--cluster", "kube:", "--catalog", DATA / "catalog.json"],
                                 env=dict(os.environ, KUBECONFIG=str(self.folder / "config"), NO_PROXY="*"),
                                 stderr=subprocess.PIPE, text=True)
        try:
            child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.terminate()
            self.fail("it does not give up")
        self.assertEqual(child.returncode, 3)
        self.assertIn("Kubernetes (shop): list pods", child.stderr.read())
        child.stderr.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
