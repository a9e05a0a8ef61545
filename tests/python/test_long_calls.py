# SPDX-License-Identifier: Apache-2.0
"""Long calls: other threads run, progress is told, and Ctrl-C and the callable can stop them."""
import os
import signal
import threading
import time

import pytest

import spotopt


def test_progress_is_told_and_bounds_the_cost(long_problem):
    calls = []
    packing = spotopt.pack(long_problem, gap_rel=0, deadline_s=1, progress=calls.append)
    assert calls and all(isinstance(call, spotopt.Progress) for call in calls)
    assert all(0.0 <= call.seconds < 60.0 and call.bound <= call.cost for call in calls)
    assert packing.outcome in ("feasible", "optimal")


def test_progress_that_returns_true_cancels_and_gives_the_best_so_far(long_problem):
    started = time.monotonic()
    packing = spotopt.pack(long_problem, gap_rel=0, deadline_s=60, progress=lambda progress: True)
    assert time.monotonic() - started < 30
    assert packing.outcome in ("feasible", "stopped", "optimal")


def test_an_exception_in_progress_comes_through(long_problem):
    def fail(progress):
        raise LookupError("enough")
    with pytest.raises(LookupError, match="enough"):
        spotopt.pack(long_problem, gap_rel=0, deadline_s=60, progress=fail)
    assert spotopt.pack(long_problem, deadline_s=0.1).outcome in ("feasible", "stopped", "optimal")


def test_ctrl_c_stops_a_long_call(long_problem):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        spotopt.pack(long_problem, gap_rel=0, deadline_s=60)
        time.sleep(60)  # where the problem was no match for the solver
    assert time.monotonic() - started < 30


def test_ctrl_c_stops_a_plan_too(cluster, catalog, now):
    def interrupt(progress):
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        spotopt.plan(cluster=cluster, catalog=catalog, now=now, gap_rel=0, deadline_s=30, progress=interrupt)
        time.sleep(1)


def test_other_threads_run_meanwhile(long_problem):
    done, ticks = threading.Event(), []

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.005)
    ticker = threading.Thread(target=tick)
    ticker.start()
    started = time.monotonic()
    spotopt.pack(long_problem, gap_rel=0, deadline_s=0.6)
    ended = time.monotonic()
    done.set()
    ticker.join()
    during = [t for t in ticks if started <= t <= ended]
    assert len(during) >= 20 or ended - started < 0.3


def test_several_threads_solve_one_problem_to_the_same_answer(long_problem):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(spotopt.pack(long_problem, work=1000).to_json()))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 3 and len(set(answers)) == 1


def test_prices_are_not_set_while_another_thread_plans(cluster, catalog, now):
    prices, refused = catalog.prices(), []

    def meddle(progress):
        try:
            catalog.set_prices(prices)
        except spotopt.StateError as error:
            refused.append(str(error))
        return True
    spotopt.plan(cluster=cluster, catalog=catalog, now=now, gap_rel=0, progress=meddle)
    assert all("in use" in text for text in refused)
    catalog.set_prices(prices)
