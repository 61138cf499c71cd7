"""Work on blocks of pixels, on all cores, with progress and a way to stop."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import islice
from typing import TypeVar

Progress = Callable[[float, str], object]
"""Called as ``progress(fraction, stage)``; an exception that it raises stops the work."""

Tick = Callable[[float], object]
"""Progress within one stage: called with a fraction from 0 to 1."""

Span = tuple[int, int]
Result = TypeVar("Result")

CHUNK = 1 << 18
"""Pixels that one thread takes at a time: some milliseconds of work, so that the
interpreter's lock costs nothing and a stop is noticed at once."""


def no_tick(_: float) -> None:
    """Tell nobody."""


def spans(n: int, size: int = CHUNK) -> list[Span]:
    """Cut ``range(n)`` into ``(start, stop)`` pieces of `size`."""
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def n_threads() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads that all calls share: starting them anew would cost a millisecond each."""
    return ThreadPoolExecutor(n_threads(), thread_name_prefix="napari-kmeans-seg")


if hasattr(os, "register_at_fork"):
    # A forked child has the pool but not its threads, and would wait for them for ever.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def map_spans(
    function: Callable[[int, int], Result],
    pieces: list[Span],
    tick: Tick | None = None,
) -> Iterator[Result]:
    """Call ``function(start, stop)`` for each piece on all cores.

    Results come in the order of the pieces, so what is summed over them does not
    depend on the number of threads. `tick` is called from the calling thread. `function` does
    not call `map_spans`: it would wait for the thread that it runs on.
    """
    tick = tick or no_tick
    if len(pieces) < 2 or n_threads() < 2:
        for done, piece in enumerate(pieces):
            tick(done / len(pieces))
            yield function(*piece)
        return
    pool = _pool()
    # A short queue: results that wait to be consumed would hold memory.
    waiting = iter(pieces)
    running = deque(pool.submit(function, *piece) for piece in islice(waiting, 2 * n_threads()))
    try:
        for done in range(len(pieces)):
            tick(done / len(pieces))
            result = running.popleft().result()
            running.extend(pool.submit(function, *piece) for piece in islice(waiting, 1))
            yield result
    finally:
        for future in running:
            future.cancel()
        # The caller may go on to change what they read: none is left running.
        wait(running)


def portion(progress: Progress | None, start: float, stop: float, stage: str) -> Tick:
    """Progress of one stage that reaches from `start` to `stop` of the whole."""
    if progress is None:
        return no_tick
    return lambda fraction: progress(start + (stop - start) * fraction, stage)


def within(progress: Progress | None, start: float, stop: float) -> Progress | None:
    """Progress of what reaches from `start` to `stop` of the whole, and has stages of its own."""
    if progress is None:
        return None
    return lambda fraction, stage: progress(start + (stop - start) * fraction, stage)
