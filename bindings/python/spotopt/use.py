# SPDX-License-Identifier: Apache-2.0
"""Who reads what at the moment.

Long calls give up the interpreter's lock, and the library wants one writer or many readers. What a
program does from several threads may be wrong but must not crash: so readers are counted here, and
a writer that comes while there are any gets a StateError.
"""
import contextlib
import threading

from .errors import StateError

_lock = threading.RLock()  # what an iterable argument calls may come back here


@contextlib.contextmanager
def in_use(*objects):
    """Count as a reader of the objects that are not None."""
    uses = []
    with _lock:
        for one in objects:
            if one is not None:
                count = one.__dict__.setdefault("_uses", [])
                count.append(None)
                uses.append(count)
    try:
        yield
    finally:
        for count in uses:
            count.pop()


@contextlib.contextmanager
def not_in_use(one):
    """Keep readers out; what is done meanwhile must be short."""
    with _lock:
        if one.__dict__.get("_uses"):
            raise StateError("the %s is in use by another thread" % type(one).__name__.lower())
        yield


@contextlib.contextmanager
def first_use(problem):
    """A problem's first solve seals it, so that one goes alone; all later ones may meet."""
    with _lock:
        alone = problem.__dict__.setdefault("_alone", threading.Lock())
    if problem.__dict__.get("_sealed"):
        yield
        return
    with alone:
        yield
        problem._sealed = True
