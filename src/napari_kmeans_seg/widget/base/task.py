"""Work on a thread of its own, and the one timer of a dock that looks after it."""

from __future__ import annotations

from functools import partial
from math import ceil, inf
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakSet, ref

from qtpy.QtCore import QObject, QTimer

from napari_kmeans_seg.core.base.note import without_warnings
from napari_kmeans_seg.core.base.parallel import start_or_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Progress = Callable[[float, str], None]

T = TypeVar("T")

# How often a thread is looked at, and how often it is shown how far it is, in milliseconds.
_LOOK_EVERY, _SHOW_EVERY = 10, 50


class CancelledError(Exception):
    """The work was cancelled."""


class Clock(QObject):
    """The only timer of a dock: calls what is to be called later, and looks after its tasks.

    Once it is closed nothing is called any more, so nothing writes to a dock that is gone.

    Parameters
    ----------
    parent : QObject, optional
        Whose life this ends with.

    Attributes
    ----------
    is_open : bool
        Whether anything is called.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._due: dict[Callable[[], None], float] = {}
        self._tasks: WeakSet[Task[Any]] = WeakSet()
        self.is_open = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._ring)
        # Not a method, which would not be called any more.
        self.destroyed.connect(partial(_cancel_all, self._tasks))

    def call(self, callback: Callable[[], None], after: int = 0) -> None:
        """Call something once, so many milliseconds from now; asked for again, from then."""
        if self.is_open:
            self._due[callback] = perf_counter() + after / 1000
            self._wind()

    def forget(self, callback: Callable[[], None]) -> None:
        """Do not call it. Touches no Qt object."""
        self._due.pop(callback, None)

    def awaits(self, callback: Callable[[], None]) -> bool:
        """Whether something is still to be called."""
        return callback in self._due

    def open(self) -> None:
        """Go on after `close`."""
        self.is_open = True

    def close(self) -> None:
        """Call nothing any more, and cancel all tasks. Touches no Qt object."""
        self.is_open = False
        _cancel_all(self._tasks)
        self._due.clear()

    def look_after(self, task: Task[Any]) -> None:
        """Cancel this task, too, when the dock is closed."""
        self._tasks.add(task)

    def _ring(self) -> None:
        now = perf_counter()
        for callback in [one for one, due in self._due.items() if due <= now]:
            if self._due.get(callback, inf) <= now:
                del self._due[callback]
                # Before, for a callback may let the interface go on: so does napari's progress bar.
                self._wind()
                callback()
        self._wind()

    def _wind(self) -> None:
        if self._due:
            rest = min(self._due.values()) - perf_counter()
            self._timer.start(max(0, ceil(1000 * rest)))


def _cancel_all(tasks: WeakSet[Task[Any]], _destroyed: object = None) -> None:
    for task in tuple(tasks):
        task.cancel()


class Task(Generic[T]):
    """One piece of work at a time, on a thread that calls nobody.

    The clock looks now and then whether the thread has ended, and says so on the interface's
    thread. So nothing has to be disconnected when the one who waits goes away, and the work
    never touches the interface. Unlike napari's thread workers it leaves Python's warning
    filters alone, which belong to the whole process and would be left changed when two workers
    overlap.

    Parameters
    ----------
    clock : Clock
        Looks after it, and cancels it when it is closed.
    show : callable, optional
        Is called now and then while the work goes on, to show how far it is.
    """

    def __init__(self, clock: Clock, show: Callable[[], None] | None = None) -> None:
        self._clock, self._show = clock, show
        self._work: _Work[T] | None = None
        # Only while there is work: they know the layers that it is about.
        self._done: Callable[[T], None] | None = None
        self._failed: Callable[[Exception], None] | None = None
        self._n_looks = 0
        clock.look_after(self)

    def start(
        self,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Begin, unless the dock is closed. Work that goes on already is cancelled.

        Parameters
        ----------
        work : callable
            Is given a `progress(fraction, stage)` function, which it must call several times a
            second, and which stops it once it is cancelled or nobody waits for it any more. It
            must not hold whoever waits for it, or they would never go.
        done : callable
            Is given what the work returned, unless it was cancelled.
        failed : callable
            Is given what the work, or `done`, raised.
        """
        self.cancel()
        if not self._clock.is_open:
            return
        self._work = _Work(work, self)
        self._done, self._failed = done, failed
        start_or_run(self._work.thread)
        self._clock.call(self._look, _LOOK_EVERY)

    def cancel(self) -> None:
        """Wait for it no more; it stops when it next reports its progress. Touches no Qt object."""
        work, self._work = self._work, None
        self._done = self._failed = None
        self._clock.forget(self._look)
        if work is not None:
            work.cancelled.set()

    @property
    def busy(self) -> bool:
        """Whether something goes on that was not cancelled."""
        return self._work is not None

    @property
    def fraction(self) -> float:
        """How far it is, from 0 to 1."""
        return 0.0 if self._work is None else self._work.fraction

    @property
    def stage(self) -> str:
        """What it does now."""
        return "" if self._work is None else self._work.stage

    def _look(self) -> None:
        """See whether the thread has ended, in whatever way."""
        work = self._work
        if work is None:
            return
        if work.thread.is_alive():
            self._clock.call(self._look, _LOOK_EVERY)
            self._n_looks += 1
            if self._show is not None and self._n_looks % (_SHOW_EVERY // _LOOK_EVERY) == 0:
                self._show()
            return
        done, failed = self._done, self._failed
        assert done is not None
        assert failed is not None
        self._work = self._done = self._failed = None
        if work.error is not None:
            failed(work.error)
            return
        try:
            done(work.result)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            failed(error)
        except BaseException as error:
            failed(_ended_by(error))
            raise


def _ended_by(error: BaseException) -> RuntimeError:
    """Say in words what is no error, such as that a library has left Python."""
    said = RuntimeError(f"The work was ended by {type(error).__name__}: {error}")
    said.__cause__ = error
    return said


class _Work(Generic[T]):
    """The thread, what it found, and how far it is."""

    def __init__(self, function: Callable[[Progress], T], task: Task[T]) -> None:
        # Others may keep the thread once it has ended, as Dask does: it knows nothing by then.
        # One that hangs must not keep Python from ending.
        self.thread = Thread(target=self._run, name="napari-kmeans-seg", daemon=True)
        self._function, self._task = function, ref(task)
        self.cancelled = Event()
        self.fraction, self.stage = 0.0, ""
        self.result: T | None = None
        self.error: Exception | None = None

    def _run(self) -> None:
        try:
            # The dock shows warnings, in words of its own.
            with without_warnings():
                self.result = self._function(self._report)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self.error = error
        except BaseException as error:  # noqa: BLE001 - or they would wait for ever
            self.error = _ended_by(error)

    def _report(self, fraction: float, stage: str) -> None:
        if self.cancelled.is_set() or self._task() is None:
            raise CancelledError
        self.fraction, self.stage = fraction, stage
