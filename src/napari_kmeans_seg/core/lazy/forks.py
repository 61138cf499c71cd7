"""Let a process be forked while Dask works in threads of it."""

import os
from collections import defaultdict
from threading import current_thread

from dask import config, threaded, tokenize

_LOCKS = (config.config_lock, threaded.pools_lock, tokenize.tokenize_lock)
"""Locks that all calls of Dask in a process share. A child that is forked while another thread
holds one would wait for that thread, which it does not have; and what the lock guards may be half
changed. So the fork waits until they are free, as Python itself does with those of `logging`."""


def _wait_for_others() -> None:
    for lock in _LOCKS:
        lock.acquire()


def _go_on() -> None:
    for lock in reversed(_LOCKS):
        lock.release()


def _go_on_in_child() -> None:
    """Let a forked child have threads of its own: Dask keeps the pools of the parent's."""
    threaded.main_thread = current_thread()
    threaded.default_pool = None
    threaded.pools = defaultdict(dict)
    _go_on()


def let_processes_fork() -> None:
    """Have every later fork of this process leave Dask usable in both. Called once."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_wait_for_others, after_in_parent=_go_on, after_in_child=_go_on_in_child
        )
