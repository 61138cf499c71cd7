"""What the widget says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from napari_kmeans_seg.core.image.pixels import NO_PIXEL

from .fields.arguments import BY_NAME

if TYPE_CHECKING:
    from napari_kmeans_seg import Segmentation


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


def in_fields(message: str) -> Words:
    """Speak of the fields of the dock, in a message that speaks of arguments.

    Examples
    --------
    >>> in_fields("init='optimal' takes an image of one channel, without spatial_weight").text
    "“Init” 'optimal' takes an image of one channel, without “Position”"
    """
    if message == NO_PIXEL:
        return Words(_NOTHING)
    fields: list[str] = []

    def named(match: re.Match[str]) -> str:
        fields.append(BY_NAME[match[1]].label)
        return f"“{fields[-1]}”{match[2] and ' '}"

    # "seed" may be said of something else; "seed=" and "n_init" are nothing else.
    names = "|".join(rf"{name}\b" if "_" in name else f"{name}(?==)" for name in BY_NAME)
    return Words(re.sub(rf"\b({names})(=?)", named, message), tuple(fields))


def words_of(error: Exception) -> Words:
    """Say what went wrong. An error may name the argument or the field that it is about."""
    text, fields = in_fields(str(error) or type(error).__name__)
    argument = getattr(error, "argument", None)
    if argument is not None:
        label = BY_NAME[argument].label if argument in BY_NAME else str(argument)
        fields = (*fields, label)
    return Words(text, fields)


class FieldError(ValueError):
    """What was typed into a field of the dock cannot be.

    Parameters
    ----------
    argument : str
        The label of the field.
    takes, got : str
        What it takes, and what was typed.
    """

    def __init__(self, argument: str, takes: str, got: str) -> None:
        super().__init__(f"“{argument}” takes {takes}; got “{got}”.")
        self.argument = argument


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
    each = [warning for warning in segmentation.warnings if re.match(r"Step \d+: ", warning)]
    rest = [warning for warning in segmentation.warnings if warning not in each]
    # A long series would push all else out of the window.
    more = len(each) - _MOST_STEPS
    if more > 1:
        each = [*each[:_MOST_STEPS], f"{more} more steps are like these."]
    words = tuple(in_fields(warning) for warning in (*rest, *each))
    if segmentation.converged:
        return words
    label = BY_NAME["max_iter"].label
    return (*words, Words(f"Not converged: allow more “{label}”.", (label,)))
