# SPDX-License-Identifier: Apache-2.0
"""Ranking on columns beside numpy: a million pools under 32 profiles, from factors to ln S, in one process and on one core.

    rank.py LIBSPOTOPT.SO [POOLS [PROFILES]]

Each row is the processor time of the quickest, the middle and the slowest of several rounds, taken in turn, and how often the
row's quickest fits a loop that only writes as much (numpy's fill). numpy's product is whatever BLAS it was built with. Needs
numpy; without it nothing is run, and the exit status is 77.
"""
import ctypes
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"
ROUNDS = 9


def library(path):
    lib = ctypes.CDLL(path)
    reals = ctypes.POINTER(ctypes.c_double)
    lib.spotopt_rank_scores.argtypes = [reals, ctypes.c_size_t, reals, ctypes.c_size_t, ctypes.c_int32, reals, ctypes.c_void_p]
    return lib


def measure(ways, show=print):
    """Processor seconds of each way, by round."""
    spent = {name: [] for name, _ in ways}
    for _ in range(ROUNDS):
        for name, run in ways:
            start = time.process_time()
            run()
            spent[name].append(time.process_time() - start)
    base = min(spent[ways[0][0]])
    show("%-44s %9s %9s %9s %12s" % ("ms", "quickest", "middle", "slowest", "over writing"))
    for name, rounds in spent.items():
        rounds.sort()
        show("%-44s %9.2f %9.2f %9.2f %11.2fx" % (name, 1e3 * rounds[0], 1e3 * rounds[ROUNDS // 2], 1e3 * rounds[-1],
                                                  rounds[0] / base))


def main():
    try:
        import numpy as np
    except ImportError:
        print("skipped: needs numpy")
        return 77
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    lib = library(sys.argv[1])
    pools, profiles = (int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((2, 1000000), (3, 32)))
    rng = np.random.default_rng(1)
    factors, weights = rng.uniform(0.01, 1.0, (4, pools)), rng.dirichlet(np.ones(4), profiles)
    logs, out, ours = np.log(factors), np.zeros((profiles, pools)), np.zeros((profiles, pools))

    def pointer(a):
        return a.ctypes.data_as(ctypes.POINTER(ctypes.c_double))

    def own():
        assert lib.spotopt_rank_scores(pointer(factors), pools, pointer(weights), profiles, 0, pointer(ours), None) == 0

    print("numpy %s, %d pools x 4 factors x %d profiles" % (np.__version__, pools, profiles))
    measure([("write only: numpy fill", lambda: out.fill(1.0)),
             ("libspotopt: checked factors to ln S", own),
             ("numpy: dot(weights, log(factors))", lambda: np.dot(weights, np.log(factors), out=out)),
             ("numpy: dot(weights, logs at hand)", lambda: np.dot(weights, logs, out=out))])
    worst = float(np.abs(ours - out).max())
    print("largest difference from numpy's: %.1e" % worst)
    return 0 if worst < 1e-12 else 1


if __name__ == "__main__":
    sys.exit(main())
