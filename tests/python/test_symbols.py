# SPDX-License-Identifier: Apache-2.0
"""Every exported function is wrapped, or skipped.txt says why not."""
import os
import re
import shutil
import subprocess

import pytest

from spotopt import _spotopt

LIBRARY, WRAPPER = os.environ.get("SPOTOPT_LIBRARY"), os.environ.get("SPOTOPT_WRAPPER")
pytestmark = pytest.mark.skipif(not shutil.which("nm"), reason="needs nm")


def names(*command):
    """The functions of the library that nm lists, without their versions."""
    listed = subprocess.run(("nm",) + command, check=True, capture_output=True, text=True).stdout
    found = {line.split()[-1].split("@")[0] for line in listed.splitlines() if re.search(r" [TU] spotopt_", line)}
    return {name for name in found if not name.startswith(("spotopt__", "spotopt_py_"))}


def skipped(source):
    lines = (source / "bindings/skipped.txt").read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.skipif(not (LIBRARY and WRAPPER), reason="needs a build folder")
def test_what_is_exported_is_wrapped_or_skipped_with_a_reason(source):
    exported, wrapped = names("-D", "--defined-only", LIBRARY), names("-u", WRAPPER)
    assert len(exported) > 50
    assert exported - wrapped == set(skipped(source))
    assert all(len(reason) > 10 for reason in skipped(source).values())


def test_the_core_inside_meets_no_other_copy():
    assert names("-D", _spotopt.__file__) == set()
