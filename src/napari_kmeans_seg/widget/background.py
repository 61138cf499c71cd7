"""One piece of work on a thread of its own."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import ref

from napari_kmeans_seg.core.checks import told_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class CancelledError(Exception):
    """The work was cancelled."""


class BackgroundWork(Generic[T]):
    """A function that runs on a thread, is asked how far it is, and can be cancelled.

    The thread calls nobody: whoever waits for it looks at `done` now and then. So nothing
    has to be disconnected when the one who waits goes away, and the work never touches
    the interface. Unlike napari's thread workers it leaves Python's warning filters
    alone, which belong to the whole process and would be left changed when two workers
    overlap.

    Parameters
    ----------
    function : callable
        Is given a `progress(fraction, stage)` function, which it must call several times a
        second, and which raises `CancelledError` once `cancel` was called.
    owner : object
        Who wants the result. The work is cancelled when this object is no more.
    """

    def __init__(
        self, function: Callable[[Callable[[float, str], None]], T], owner: object
    ) -> None:
        self._owner = ref(owner)
        self.fraction = 0.0
        self.stage = ""
        self._function = function
        self._cancelled = Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        # A thread that hangs must not keep Python from ending.
        self._thread = Thread(target=self._run, name="napari-kmeans-seg", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop. It does so when it next reports its progress."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    @property
    def done(self) -> bool:
        """Whether the thread has ended, in whatever way."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def result(self) -> T:
        """Give what the function returned, or raise what it raised. Only once `done`."""
        if self._error is not None:
            raise self._error
        if self.cancelled:
            raise CancelledError
        return self._result  # type: ignore[return-value]

    def wait(self, seconds: float) -> bool:
        """Wait for the thread to end; whether it has."""
        self._thread.join(seconds)
        return self.done

    def _run(self) -> None:
        try:
            # The dock shows warnings, in words of its own.
            with told_elsewhere():
                self._result = self._function(self._report)
        except BaseException as error:  # noqa: BLE001 - it is raised again by `result`
            self._error = error

    def _report(self, fraction: float, stage: str) -> None:
        if self.cancelled or self._owner() is None:
            raise CancelledError
        self.fraction, self.stage = fraction, stage
