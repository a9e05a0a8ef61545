# SPDX-License-Identifier: Apache-2.0
"""What the packing benchmarks share: problems beyond the sets, tools of the shared folder, a program that is timed."""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time


def load_tool(tools, name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(tools, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def real_problem(name, shared):
    """The problem of --real NAME: openb, dlrm, openb-N, dlrm-N, karpenter-PODS or autoscaler; None for another name."""
    tools, data = os.path.join(shared, "tools"), os.path.join(shared, "data")
    what, _, extra = name.partition("-")
    if what == "karpenter":
        command = [os.path.join(tools, "karpenter_problem.py"), extra]
    elif what in ("openb", "dlrm"):
        pods = {"openb": "openb_pods_default.csv.gz", "dlrm": "alibaba_dlrm_2025_instances.csv.gz"}[what]
        command = [os.path.join(tools, "cloud_problem.py"), os.path.join(data, "workloads", pods),
                   os.path.join(data, "catalog", "pools_2025-06-28_us-east-1.csv"), "--zones", "a,b,c",
                   *(["--max-nodes", extra] if extra else [])]
    elif what == "autoscaler":
        return {"apiVersion": "spotopt/v1", "kind": "PackingProblem", "resources": ["cpu_milli", "memory", "pods"],
                "pools": [{"id": "node", "capacity": [1000, 5000, 100], "cost": 1}],
                "demands": [{"id": "small", "request": [50, 100, 1], "count": 50000},
                            {"id": "large", "request": [95, 190, 1], "count": 1000}]}
    else:
        return None
    return json.loads(subprocess.run([sys.executable, *command], capture_output=True, check=True).stdout)


def run_bench(command, limit):
    """Exit status, standard output, standard error and CPU seconds of a program that is ended after limit seconds."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        begin, status = time.monotonic(), 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begin > limit:
                process.kill()
            time.sleep(0.002)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        return process.returncode, out.read(), errors.read(), usage.ru_utime + usage.ru_stime
