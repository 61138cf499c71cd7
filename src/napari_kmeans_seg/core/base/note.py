"""What a note is, and how a caller is warned of it."""

import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar

from .errors import Naming, as_argument


@dataclass(frozen=True, kw_only=True)
class Note(ABC):
    """What is worth knowing about a result, or about one step of it.

    Attributes
    ----------
    step : int or None
        The step of an axis that it is about; None for the whole.
    """

    step: int | None = None

    is_doubt: ClassVar[bool] = False
    """Whether the result may mean nothing: those who want no warnings are told, too."""

    def __str__(self) -> str:
        """Say it to a caller in Python."""
        return self.words()

    def words(self, naming: Naming = as_argument) -> str:
        """Say it in a sentence, calling arguments what a person knows them by."""
        step = "" if self.step is None else f"Step {self.step}: "
        return step + self._sentence(naming)

    @abstractmethod
    def _sentence(self, naming: Naming) -> str: ...


_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Warn nobody: notes are read from `Segmentation.notes`, and shown.

    For this thread only, unlike the filters of the module `warnings`.
    """
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def warn(notes: Iterable[Note]) -> None:
    """Warn whoever called into this package, on the line where they did."""
    if _silent.get():
        return
    level, frame = 1, sys._getframe()
    package = __name__.partition(".")[0]
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    for note in notes:
        warnings.warn(str(note), UserWarning, stacklevel=level)
