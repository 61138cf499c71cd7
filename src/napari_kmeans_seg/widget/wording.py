"""What the widget says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_kmeans_seg.core.pixels import NO_PIXEL

from .fields.arguments import BY_NAME

if TYPE_CHECKING:
    from napari_kmeans_seg import Segmentation


# Of how many steps of a series it is told what was found there.
_FEW = 3

_NOTHING = "Nothing to cluster: every pixel is NaN or infinite, or fully transparent."


def in_fields(message: str) -> str:
    """Speak of the fields of the dock, in a message that speaks of arguments.

    Examples
    --------
    >>> in_fields("init='optimal' takes an image of one channel, without spatial_weight")
    "“Init” 'optimal' takes an image of one channel, without “Position”"
    """
    if message == NO_PIXEL:
        return _NOTHING
    # "seed" may be said of something else; "seed=" and "n_init" are nothing else.
    names = "|".join(rf"{name}\b" if "_" in name else f"{name}(?==)" for name in BY_NAME)
    return re.sub(rf"\b({names})(=?)", lambda m: f"“{BY_NAME[m[1]].label}”{m[2] and ' '}", message)


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


def warnings_of(segmentation: Segmentation) -> tuple[str, ...]:
    """Say what a person should know of the result."""
    each = [warning for warning in segmentation.warnings if re.match(r"Step \d+: ", warning)]
    rest = [warning for warning in segmentation.warnings if warning not in each]
    # A long series would push all else out of the window.
    more = len(each) - _FEW
    if more > 1:
        each = [*each[:_FEW], f"{more} more steps are like these."]
    told = tuple(in_fields(warning) for warning in (*rest, *each))
    if segmentation.converged:
        return told
    return (*told, "Not converged: allow more “Iterations”.")
