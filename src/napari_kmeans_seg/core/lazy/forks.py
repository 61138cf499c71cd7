"""Let a process be forked while Dask works in threads of it."""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property  # noqa: TID251 - that of others, whose locks are looked for
from threading import RLock, current_thread, local
from time import monotonic
from typing import Any

from dask import config, threaded, tokenize
from dask.utils import SerializableLock

PATIENCE = 10.0
"""Seconds that a fork waits for other threads at most. A thread that itself waits for what the
fork is to do would never let go."""

_READERS = {"dask", "distributed", "fsspec", "tifffile", "xarray", "zarr"}
"""Packages whose code runs where chunks are read."""

_fork = local()
"""Which locks the fork of a thread holds, and which it has not got."""


def _locks() -> list[Any]:
    """Give the locks that all calls of Dask in a process share, and those of its files.

    A child that is forked while another thread holds one would wait for that thread, which it
    does not have. To make them anew there is not enough: what they guard may be half changed, as
    a file that is being read, which has locks of its own. So the fork waits until they are free,
    as Python itself does with those of `logging`. Two processes that go on reading one open file
    share its position all the same.
    """
    of_all = [config.config_lock, threaded.pools_lock, tokenize.tokenize_lock]
    if _is_within_dask():
        return of_all
    of_files = (found() for found in SerializableLock._locks.valuerefs())
    return [*of_all, *filter(None, of_files)]


def _is_within_dask() -> bool:
    """Whether Dask has called what forks.

    That may hold the lock of a file itself, which says not who holds it. It lets go of it in both
    processes: it is no reason to wait, nor to be made anew.
    """
    frame: Any = sys._getframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] == "dask":
            return True
        frame = frame.f_back
    return False


def _wait_for_others() -> None:
    """Hold all of them, or none: others may take two in another order than this.

    It waits in the queue of the one that it did not get, without holding another: threads that
    hand a lock over leave no gap in which it could be found free.
    """
    ends, patience, locks = monotonic() + PATIENCE, 0.05, _locks()
    _fork.taken, _fork.missed = [], locks[:]
    while missed := _take(locks, min(patience, ends - monotonic())):
        _go_on()
        if monotonic() >= ends:
            return
        locks.sort(key=lambda lock: lock is not missed)
        patience *= 2
    _fork.missed = []


def _take(locks: list[Any], patience: float) -> Any:
    """Take all; the first that was not to be had, where there is one."""
    for lock in locks:
        if not lock.acquire(timeout=max(0, patience)):
            return lock
        _fork.taken.append(lock)
    return None


def _go_on() -> None:
    while _fork.taken:
        _fork.taken.pop().release()


def _go_on_in_child() -> None:
    """Let a forked child have threads of its own: Dask keeps the pools of the parent's."""
    threaded.main_thread = current_thread()
    threaded.default_pool = None
    threaded.pools = defaultdict(dict)
    if sys.version_info < (3, 12):
        # While one is found, which may take long, nothing is changed; so nothing was waited for.
        for one in _cached_properties():
            one.lock = RLock()
    _go_on()
    for lock in _fork.missed:
        # Python's own way, of locks that nobody is left to release.
        if not lock.acquire(blocking=False):
            lock._at_fork_reinit()
        else:
            lock.release()


def _cached_properties() -> Iterator[Any]:
    """Find the properties that hold a lock until they are found, as Python 3.11 has them."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _READERS:
            for one in list(vars(module).values()):
                if isinstance(one, type) and one.__module__ == name:
                    yield from (p for p in vars(one).values() if isinstance(p, cached_property))


def let_processes_fork() -> None:
    """Have every later fork of this process leave Dask usable in both. Called once."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_wait_for_others, after_in_parent=_go_on, after_in_child=_go_on_in_child
        )
