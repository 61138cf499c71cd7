"""Work on blocks of pixels, on all cores, with progress and a way to stop."""

import mmap
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import cache
from itertools import islice
from queue import Empty, Queue, SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

import numpy as np

from .errors import WrongType

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
    """Report to nobody."""


def spans(n: int, size: int = CHUNK) -> list[Span]:
    """Cut ``range(n)`` into ``(start, stop)`` pieces of at most `size`.

    Where they are several, they are about equal, and an even number: neither of two cores is
    left without work.
    """
    if n > size:
        n_pieces = 2 * -(-n // (2 * size))
        size = -(-n // n_pieces)
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def n_threads() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_or_run(thread: Thread) -> None:
    """Start a thread; where none can be started, as in a small container, do its work here."""
    try:
        thread.start()
    except RuntimeError:
        thread.run()


def can_start_threads() -> bool:
    """Whether a thread can be started."""
    thread = Thread()
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads that all calls share: starting them anew would cost a millisecond each.

    All are started here: `submit` would leave work behind if it could start none.
    """
    n_helpers, complete = max(1, n_threads() - 1), Event()
    pool = ThreadPoolExecutor(n_helpers, thread_name_prefix="napari-kmeans-seg")
    try:
        for _ in range(n_helpers):
            pool.submit(complete.wait)
    except RuntimeError:
        pool.shutdown(wait=False)
        raise
    finally:
        complete.set()
    return pool


if hasattr(os, "register_at_fork"):
    # A forked child has the pool but not its threads, and would wait for them for ever.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def map_spans(
    function: Callable[[int, int], Result],
    pieces: list[Span],
    tick: Tick | None = None,
) -> Iterator[Result]:
    """Call ``function(start, stop)`` for each piece on all cores, the calling thread's included.

    Results come in the order of the pieces, so what is summed over them does not
    depend on the number of threads. `tick` is called from the calling thread. `function` does
    not call `map_spans`: on all cores at once they would be more threads than cores.
    """
    tick = _look_whether_to_stop if tick in (None, no_tick) else tick
    n_helpers = min(n_threads(), len(pieces)) - 1
    if n_helpers < 1:
        for done, piece in enumerate(pieces):
            tick(done / len(pieces))
            yield function(*piece)
        return
    todo: SimpleQueue[int] = SimpleQueue()
    finished: SimpleQueue[tuple[int, Result | None, BaseException | None]] = SimpleQueue()

    def work_on_one() -> bool:
        try:
            number = todo.get_nowait()
        except Empty:
            return False
        try:
            finished.put((number, function(*pieces[number]), None))
        except BaseException as error:  # noqa: BLE001
            finished.put((number, None, error))
        return True

    def help_out() -> None:
        while work_on_one():
            pass

    own_process = os.getpid()
    # A short queue: results that wait to be consumed would hold memory.
    waiting = iter(range(len(pieces)))
    for number in islice(waiting, 2 * n_threads()):
        todo.put(number)
    helpers = _submit(help_out, n_helpers)
    found: dict[int, Any] = {}
    try:
        for done in range(len(pieces)):
            tick(done / len(pieces))
            if os.getpid() != own_process:
                # Forked by what uses the results: there are no helpers here.
                yield function(*pieces[done])
                continue
            while done not in found:
                # Threads that hand over every piece to each other take longer for it than for
                # the work on a small one: the calling thread does its part.
                if finished.empty():
                    work_on_one()
                number, *outcome = finished.get()
                found[number] = outcome
            result, error = found.pop(done)
            if error is not None:
                raise error
            for number in islice(waiting, 1):
                todo.put(number)
            # Those that had nothing left to do while the results were made use of.
            helpers = [helper for helper in helpers if not helper.done()]
            idle = min(n_helpers - len(helpers), todo.qsize())
            helpers += _submit(help_out, idle)
            yield result
    finally:
        if os.getpid() == own_process:
            while not todo.empty():
                with suppress(Empty):
                    todo.get_nowait()
            for helper in helpers:
                helper.cancel()
            # The caller may go on to change what they read: none is left running.
            wait(helpers)


def _submit(work: Callable[[], None], n: int) -> list[Future[None]]:
    """Let so many threads do this, or none where none can be started, or Python is ending."""
    submitted: list[Future[None]] = []
    with suppress(RuntimeError):
        # One by one: those that were submitted are waited for.
        submitted.extend(_pool().submit(work) for _ in range(n))
    return submitted


def portion(progress: Progress | None, start: float, stop: float, stage: str) -> Tick:
    """Progress of one stage that reaches from `start` to `stop` of the whole."""
    if progress is None:
        return no_tick
    return lambda fraction: progress(start + (stop - start) * fraction, stage)


class _StoppedError(Exception):
    """Ends work whose caller wants it to stop."""


_stop: ContextVar[Event | None] = ContextVar("stop", default=None)
"""Whether the work that this thread does for another one is to stop."""


def _look_whether_to_stop(_: float = 0.0) -> None:
    """End work of which nobody wants to hear any more, where it reports to nobody."""
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise _StoppedError


def alive(work: Callable[[Tick], Result], tick: Tick) -> Result:
    """Do work on another thread, so that `tick` is called some times a second from this one.

    Sorting some million numbers is one call, within which nothing can be reported.

    Parameters
    ----------
    work : callable
        Called with a tick of its own, whose fractions are reported.
    tick : callable
        Called from this thread, at least five times a second while other threads get to run. An
        exception that it raises stops the work at its next tick, or between two pieces of
        `map_spans`, and comes out of here.
    """
    if tick is no_tick or not can_start_threads():
        return work(tick)
    # Who stops it now does so before it has begun.
    tick(0.0)
    reported: Queue[float | None] = Queue()
    stop = Event()

    def report(part: float) -> None:
        if stop.is_set():
            raise _StoppedError
        reported.put(part)

    def run() -> Result:
        _stop.set(stop)
        try:
            return work(report)
        finally:
            reported.put(None)

    with ThreadPoolExecutor(1, thread_name_prefix="napari-kmeans-seg-work") as thread:
        # What is said and where Dask computes belongs to the context of this thread.
        done = thread.submit(copy_context().run, run)
        part: float | None = 0.0
        try:
            while part is not None:
                tick(part)
                before = part
                try:
                    part = reported.get(timeout=0.2)
                except Empty:
                    part = before
        finally:
            stop.set()
        return done.result()


def stages(tick: Tick, n: int) -> list[Tick]:
    """Divide the progress of one stage among `n` parts of it that take as long."""
    return [part_of(tick, i / n, (i + 1) / n) for i in range(n)]


def part_of(tick: Tick, start: float, stop: float) -> Tick:
    """Progress of what reaches from `start` to `stop` of one stage."""
    if tick is no_tick:
        return no_tick
    return lambda part: tick(start + (stop - start) * part)


def never_falling(progress: Progress | None, image: object = None) -> Progress | None:
    """Check a person's function, and hold the fraction where a later one would be less.

    Work that is met on the way is unforeseen. Where `image` is mapped from a file, this also stops
    the work once that has shrunk. It is looked at between two pieces of work: one that shrinks
    within these milliseconds can still end the process.
    """
    given: Any = progress
    if not (given is None or callable(given)):
        takes = "a function, called as progress(fraction, stage), or None"
        raise WrongType("progress", takes, f"{given!r} ({type(given).__name__})")
    mapped = _is_long_enough(image)
    if progress is None and not mapped:
        return None
    highest = 0.0

    def report(fraction: float, stage: str) -> None:
        nonlocal highest
        highest = max(highest, min(fraction, 1.0))
        if progress is not None:
            progress(highest, stage)
        if mapped:
            _is_long_enough(image)

    return report


def _is_long_enough(image: object) -> bool:
    """Return whether an array in memory is mapped from a file; OSError if that is too short by now.

    To read where it ended would end the process.
    """
    base: Any = image
    while isinstance(base, np.ndarray):
        offset, base = getattr(base, "offset", 0), base.base
    if not isinstance(base, mmap.mmap):
        return False
    # A mapping begins at a page.
    needed = offset - offset % mmap.ALLOCATIONGRANULARITY + len(base)
    if base.size() < needed:
        raise OSError(
            f"image is mapped from a file that has shrunk: it needs {needed:,} bytes, and has "
            f"{base.size():,}. Open it again."
        )
    return True


def within(progress: Progress | None, start: float, stop: float) -> Progress | None:
    """Progress of what reaches from `start` to `stop` of the whole, and has stages of its own."""
    if progress is None:
        return None
    return lambda fraction, stage: progress(start + (stop - start) * fraction, stage)


# The C library gives freed memory back to the system, of blocks larger than any that it gave back
# before. Memory that is new costs more than most of the work here: after this it is kept.
np.empty(16 << 20, np.uint8)
