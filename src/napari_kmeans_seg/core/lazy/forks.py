"""Let a process be forked while Dask works in threads of it."""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property  # noqa: TID251 - that of others, whose locks are looked for
from threading import RLock, current_thread, get_ident, local
from time import monotonic
from typing import Any

from dask import config, threaded, tokenize
from dask.utils import SerializableLock

PATIENCE = 10.0
"""Seconds that a fork waits for other threads at most. A thread that itself waits for what the
fork is to do would never let go."""

_READERS = {"dask", "distributed", "fsspec", "tifffile", "xarray", "zarr"}
"""Packages whose code runs where chunks are read."""

_owners: dict[Any, int] = {}
"""Which thread holds a lock of files, where one does."""

_fork = local()
"""Which locks the fork of a thread holds, and which it has not got."""


def _know_owners() -> None:
    """Have Dask's locks of files say which thread holds them, which a plain lock does not say.

    One that the thread which forks holds itself is no reason to wait, and it lets go of it in both
    processes. Everything that takes such a lock, here or in other packages, does so by its class.
    """
    acquire, release = SerializableLock.acquire, SerializableLock.release

    def known(self: Any, *args: Any, **kwargs: Any) -> bool:
        taken: bool = acquire(self, *args, **kwargs)
        if taken:
            _owners[self.lock] = get_ident()
        return taken

    def forgotten(self: Any, *_: object) -> None:
        _owners.pop(self.lock, None)
        release(self)

    for name, function in (
        ("acquire", known),
        ("__enter__", known),
        ("release", forgotten),
        ("__exit__", forgotten),
    ):
        setattr(SerializableLock, name, function)


def _locks() -> list[Any]:
    """Give the locks that all calls of Dask in a process share, and those of its files.

    A child that is forked while another thread holds one would wait for that thread, which it
    does not have. To make them anew there is not enough: what they guard may be half changed, as
    a file that is being read, which has locks of its own. So the fork waits until they are free,
    as Python itself does with those of `logging`. Two processes that go on reading one open file
    share its position all the same.
    """
    of_files = (found() for found in SerializableLock._locks.valuerefs())
    of_others = (lock for lock in of_files if lock and _owners.get(lock) != get_ident())
    return [config.config_lock, threaded.pools_lock, tokenize.tokenize_lock, *of_others]


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
        _know_owners()
        os.register_at_fork(
            before=_wait_for_others, after_in_parent=_go_on, after_in_child=_go_on_in_child
        )
