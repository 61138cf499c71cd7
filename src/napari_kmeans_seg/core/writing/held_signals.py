"""Signals that wait until a piece of work is done that they must not cut in two."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _State(Enum):
    HELD = 0
    OPEN = 1
    ENDED = 2


class HeldSignals:
    """Within this context the signals that end a program are noted, and obeyed after it.

    Only those that Python code handles, as it does Ctrl-C: they raise KeyboardInterrupt between
    any two instructions, of a clean-up too. A signal that is ignored stays so; one that ends the
    process at once does. Python runs handlers in the main thread; in others this does nothing.
    """

    def __init__(self) -> None:
        self._state = _State.HELD
        self._noted: int | None = None
        self._handlers: dict[int, Callable[[int, Any], Any]] = {}

    def __enter__(self) -> HeldSignals:
        if threading.current_thread() is threading.main_thread():
            # Windows has no SIGHUP.
            names = ("SIGINT", "SIGTERM", "SIGHUP")
            for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        # From here on each is passed on, so that it does not matter which is put back first.
        self._state = _State.ENDED
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._obey()

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Obey signals at once for a while; the first that raises closes the door behind it."""
        self._state = _State.OPEN
        try:
            self._obey()
            yield
        finally:
            self._state = _State.HELD

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._state is _State.HELD:
            self._noted = number
            return
        self._pass_on(number, frame)

    def _obey(self) -> None:
        if self._noted is not None:
            number, self._noted = self._noted, None
            self._pass_on(number, None)

    def _pass_on(self, number: int, frame: Any) -> None:
        before = self._state
        if before is _State.OPEN:
            self._state = _State.HELD
        self._handlers[number](number, frame)
        self._state = before
