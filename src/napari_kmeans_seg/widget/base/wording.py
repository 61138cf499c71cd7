"""What the widget says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from napari_kmeans_seg.core.arguments import FIELDS
from napari_kmeans_seg.core.base.errors import (
    ArgumentProblem,
    NoPixels,
    WrongValue,
    as_argument,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_kmeans_seg import Segmentation
    from napari_kmeans_seg.core.base.errors import Naming

# Steps of a series whose warnings are shown.
_MOST_STEPS = 3

_NOTHING = "Nothing to cluster: every pixel is NaN or infinite, or fully transparent."


class Words(NamedTuple):
    """What a person reads.

    Attributes
    ----------
    text : str
        A sentence or two.
    fields : tuple of str
        The labels of the fields that it is about.
    """

    text: str
    fields: tuple[str, ...] = ()


def in_fields(words: Callable[[Naming], str]) -> Words:
    """Speak of the fields of the dock, where a caller in Python hears of arguments.

    Parameters
    ----------
    words : callable
        The words of an error or a note.
    """
    fields: list[str] = []

    def naming(argument: str, value: str = "") -> str:
        if argument not in FIELDS:
            return as_argument(argument, value)
        fields.append(FIELDS[argument].label)
        return f"“{fields[-1]}” {value}".rstrip()

    return Words(words(naming), tuple(fields))


def words_of(error: Exception) -> Words:
    """Say what went wrong."""
    match error:
        case NoPixels():
            return Words(_NOTHING)
        case FieldError():
            return Words(str(error), (error.argument,))
        case ArgumentProblem():
            return in_fields(error.words)
    return Words(str(error) or type(error).__name__)


class FieldError(WrongValue):
    """What was typed into a field of the dock cannot be.

    Parameters
    ----------
    argument : str
        The label of the field.
    takes, got : str
        What it takes, and what was typed.
    """

    def __init__(self, argument: str, takes: str, got: str) -> None:
        super().__init__(argument, takes, f"“{got}”")

    def words(self, _naming: Naming = as_argument) -> str:
        """Say it, calling the field by its label."""
        return super().words(lambda label, _value: f"“{label}”")


def breakable(name: str) -> str:
    """Let a long file name break into lines after its joints, by spaces of no width."""
    return re.sub(r"(?<=[_.\-/\\])(?=.)", "\u200b", name) if len(name) > 24 else name


def dropped(name: str, why: str) -> str:
    """Say that what happened to a layer while it was segmented has cost the result."""
    return f"“{breakable(name)}” {why} while it ran; the result was dropped."


def summary(segmentation: Segmentation, seconds: float) -> str:
    """Say what came out, e.g. "5 clusters in 0.8 s, 12 iterations"."""
    # As many as the table shows: painted seeds may leave numbers out.
    n = int((segmentation.counts > 0).sum())
    text = f"{n} cluster{'s' if n != 1 else ''} in {seconds:.1f} s"
    if segmentation.n_iter:
        text += f", {segmentation.n_iter} iteration{'s' if segmentation.n_iter != 1 else ''}"
    return text


def warnings_of(segmentation: Segmentation) -> tuple[Words, ...]:
    """Say what a person should know of the result."""
    each = [note for note in segmentation.notes if note.step is not None]
    words = [in_fields(note.words) for note in segmentation.notes if note.step is None]
    # A long series would push all else out of the window.
    more = len(each) - _MOST_STEPS
    shown = each[:_MOST_STEPS] if more > 1 else each
    words += [in_fields(note.words) for note in shown]
    if more > 1:
        words.append(Words(f"{more} more steps are like these."))
    if not segmentation.converged:
        label = FIELDS["max_iter"].label
        words.append(Words(f"Not converged: allow more “{label}”.", (label,)))
    return tuple(words)
