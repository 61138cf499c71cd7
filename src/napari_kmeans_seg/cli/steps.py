"""The axis of the steps of a series, as a person names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..files.base.image_file import ImageFile


def _axis(given: Any) -> int | str:
    text = str(given).strip()
    try:
        return int(text)
    except ValueError:
        if len(text) == 1 and text.isalpha():
            return text.upper()
    takes = "a letter by which files name an axis, such as T or Z, or a number"
    raise typer.BadParameter(f"got {given!r}, takes {takes}")


STEP_AXIS = typer.Option(
    "--step-axis",
    parser=_axis,
    metavar="T|Z|AXIS",
    help="Steps of a series: by the letter that files have for the axis, or its number from 0 or, "
    "from the last, -1. Each step has rows in the tables and, unless there is one clustering for "
    "all (--together, --model, apply), is clustered by itself, with labels that mean the same in "
    "all steps.",
)


def axis_in(image: ImageFile, axis: int | str | None) -> int | None:
    """Return the number, counted from 0, of the axis of the steps of an image.

    Raises
    ------
    ValueError
        The image has no such axis, or it is that of the channels.
    """
    if axis is None:
        return None
    letters, n = image.tiff.axes, image.pixels.ndim
    if isinstance(axis, str):
        if letters.count(axis) != 1:
            raise ValueError(f"--step-axis takes an axis of {letters}, as the file calls them, or "
                             f"its number; got {axis}")  # fmt: skip
        found = letters.index(axis)
    else:
        if not -n <= axis < n:
            raise ValueError(f"--step-axis takes an axis from {-n} to {n - 1}; got {axis}")
        found = axis % n
    if found in image.own_axes:
        raise ValueError(f"--step-axis takes another axis than the channels have; got {axis}")
    return found
