"""Let a process be forked while Dask works in threads of it."""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property  # noqa: TID251 - that of others, whose locks are looked for
from threading import RLock, current_thread, local
from time import monotonic, sleep
from typing import Any

from dask import config, threaded, tokenize
from dask.utils import SerializableLock

PATIENCE = 10.0
"""Seconds that a fork waits for other threads at most. A thread that itself waits for what the
fork is to do would never let go."""

_READERS = {"dask", "distributed", "fsspec", "tifffile", "xarray", "zarr"}
"""Packages whose code runs where chunks are read."""

_held = local()


def _locks() -> list[Any]:
    """Give the locks that all calls of Dask in a process share, and those of its files.

    A child that is forked while another thread holds one would wait for that thread, which it
    does not have; and what the lock guards may be half changed. So the fork waits until they are
    free, as Python itself does with those of `logging`.
    """
    of_files = (found() for found in SerializableLock._locks.valuerefs())
    of_all = (config.config_lock, threaded.pools_lock, tokenize.tokenize_lock)
    return [*of_all, *(lock for lock in of_files if lock is not None)]


def _wait_for_others() -> None:
    """Hold all of them, or none: others may take two in another order than this."""
    ends = monotonic() + PATIENCE
    while not _take(_locks()) and monotonic() < ends:
        sleep(0.001)


def _take(locks: list[Any]) -> bool:
    _held.locks = []
    for lock in locks:
        if not lock.acquire(blocking=False):
            _go_on()
            return False
        _held.locks.append(lock)
    return True


def _go_on() -> None:
    while _held.locks:
        _held.locks.pop().release()


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
