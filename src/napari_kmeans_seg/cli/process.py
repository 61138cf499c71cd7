"""The process that a command runs in: its streams, its signals and its exit code."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from .output import flush_or_let_go, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ALL_DONE, SOME_FAILED, NOT_STARTED, INTERRUPTED = 0, 1, 2, 130
EXIT_CODES = (
    "Exit status: 0 all done; 1 an image failed (the others are done), or stdout could not be "
    "written; 2 options or paths make no sense together, and nothing was begun; "
    "130 interrupted (Ctrl-C, SIGTERM or SIGHUP)."
)

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_IMPATIENCE = 2.0  # seconds
# They log what they find in files, which may have escape sequences for the terminal.
_DECODERS = ("tifffile", "PIL", "bioio")


def end_with(command: Callable[[], int]) -> NoReturn:
    """Run a command, and end the process with the exit code that it returns.

    Ctrl-C, SIGTERM of a scheduler and SIGHUP of a terminal that is closed end it in the same way:
    by a KeyboardInterrupt, and exit code 130. One that is ignored, as under `nohup`, stays ignored.
    """
    _open_standard_streams()
    silence_decoders()
    for number in _numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interruption)
    try:
        code = command()
    except KeyboardInterrupt:
        code = INTERRUPTED
    # All is said and done: what comes now would only break the way out.
    with suppress(KeyboardInterrupt):
        for number in _numbers():
            signal.signal(number, signal.SIG_IGN)
    if code == INTERRUPTED:
        say("interrupted")
    flush_or_let_go(sys.stderr)
    # To search all modules for garbage at the end takes longer than to segment a photograph.
    gc.freeze()
    sys.exit(code)


def end_if_interrupted() -> None:
    """Raise the KeyboardInterrupt that came and was lost.

    Libraries that catch whatever comes lose it, and Python 3.11 makes another error of it while a
    class is made, as imports do.
    """
    if _interruption.came:
        raise KeyboardInterrupt


def silence_decoders() -> None:
    """Keep what decoders log of files from the terminal."""
    for name in _DECODERS:
        logging.getLogger(name).addHandler(logging.NullHandler())


class _Interruption:
    """Raises KeyboardInterrupt, and lets an impatient second signal pass: the end is on its way."""

    def __init__(self) -> None:
        self.came = False
        self._last = -_IMPATIENCE

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.came = True
        now = time.monotonic()
        if now - self._last >= _IMPATIENCE:
            self._last = now
            raise KeyboardInterrupt


_interruption = _Interruption()


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]


def _open_standard_streams() -> None:
    """Open what the shell has closed (`2>&-`), or the next file would take the number's place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
