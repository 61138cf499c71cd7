"""Work on several files at once, by processes; what comes of it stays in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from .process import silence_decoders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")


def in_order(
    work: Callable[[T], R], inputs: Sequence[T], jobs: int
) -> Iterator[R | BrokenExecutor]:
    """Do work on each input, and give what comes of it in the order of the inputs.

    Parameters
    ----------
    work : callable
        Can be pickled, and raises nothing.
    inputs : sequence
        What it is called with.
    jobs : int
        How many processes; with 1 all is done in this one.

    Yields
    ------
    object
        What the work returned, or an error where a process died.
    """
    jobs = min(jobs, len(inputs))
    if jobs < 2:
        yield from map(work, inputs)
        return
    # Not forked: this process has threads.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin)
    try:
        futures = [executor.submit(work, one) for one in inputs]
        # The pool sees the death of the process that it began last only once it is woken again.
        executor.submit(int)
        for future in futures:
            try:
                yield future.result()
            except BrokenExecutor as problem:
                yield problem
    finally:
        # When interrupted, images that are at work are ended, so that their results are whole.
        executor.shutdown(cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl-C to the process that waits for this one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence_decoders()
    Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    # One that is killed says nothing, and this one would wait for more work for ever, and lock what
    # it writes until then.
    parent.join()
    os._exit(1)
