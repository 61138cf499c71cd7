"""Whether an image is of the kind that a model was fitted on: its form, and what it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.errors import WrongValue
from ..base.note import Note
from ..base.notes import Plain
from ..image.pixels import Pixels


def same_channels(given: Sequence[str], expected: Sequence[str], whose: str) -> tuple[Note, ...]:
    """Refuse channels in another order; say so where they have other names.

    Parameters
    ----------
    given, expected : sequence of str
        Names of the channels of an image, and of those before it. Of none nothing is said.
    whose : str
        Whose the expected ones are, e.g. "the model".

    Raises
    ------
    ValueError
        If a channel of the same name stands at another place.
    """
    if not given or not expected:
        return ()
    found, takes = ([name.strip().casefold() for name in names] for names in (given, expected))
    if found == takes:
        return ()
    if any(name in takes and takes.index(name) != i for i, name in enumerate(found)):
        raise WrongValue(
            "channel_names",
            f"those of {whose}, {', '.join(expected)}",
            ", ".join(given),
            advice="Bring the channels into this order.",
        )
    text = (
        f"Its channels are called {', '.join(given)}; those of {whose} {', '.join(expected)}. They "
        "are taken for the same, in this order."
    )
    return (Plain(text=text),)


def refuse_other_form(model: Any, image: Any) -> None:
    """Refuse an image file of another kind than a model takes, in words.

    Parameters
    ----------
    model : KMeansModel
        The model.
    image : object with `pixels`, `channel_axis` and `alpha`
        What was read of the file.

    Raises
    ------
    ValueError
        If its channels lie along another axis, or only one of both has alpha.
    """
    shape, axis = image.pixels.shape, image.channel_axis
    if axis is not None:
        axis = axis % len(shape) - len(shape)
    if (axis, image.alpha) == (model.channel_axis, model.alpha):
        return
    n_channels = 1 if axis is None else shape[axis] - image.alpha
    advice = "Take a model of such images, or bring the image into the form that the model takes."
    if axis is not None and model.channel_axis is not None and n_channels == model.n_channels:
        advice = "Take a model of such images, or move the channels if they are the same."
        if axis == model.channel_axis:
            advice = "Take a model of such images, or save the image with the same channels."
    raise ValueError(
        f"it is {_form(axis, n_channels, image.alpha)}; the model takes "
        f"{_form(model.channel_axis, model.n_channels, model.alpha)}. {advice}"
    )


@dataclass(frozen=True)
class Kind:
    """What an image is, but for its size and its values.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the values.
    axis : int or None
        Of the channels, counted from the end.
    n_channels : int
        Alpha not counted.
    alpha : bool
        Whether there is one.
    n_axes : int
        Spatial axes.
    is_color : bool or None
        Whether the channels are red, green and blue; None where nobody says so.
    """

    dtype: np.dtype[Any]
    axis: int | None
    n_channels: int
    alpha: bool
    n_axes: int
    is_color: bool | None = None

    @classmethod
    def of(cls, pixels: Pixels, *, is_color: bool | None) -> "Kind":
        """Return that of an image."""
        axis, n_axes = pixels.channel_axis, len(pixels.shape)
        from_end = None if axis is None else axis - n_axes - 1
        alpha = pixels.alpha is not None
        return cls(pixels.dtype, from_end, pixels.n_channels, alpha, n_axes, is_color)

    def refuse(self, other: "Kind", *, any_dtype: bool, any_axes: bool) -> None:
        """Refuse an image of another kind than this one, the first of several.

        Raises
        ------
        ValueError
            If they cannot be compared; the message says what differs.
        """
        if other.dtype != self.dtype and not any_dtype:
            raise ValueError(
                f"takes the dtype of the first image, {self.dtype}; got {other.dtype}."
            )
        if other.n_channels != self.n_channels:
            got = f"{other.n_channels} on the {_place(other.axis)} axis"
            if other.axis is None:
                got = "one channel"
            elif other.n_axes < self.n_axes:
                # Rows or columns are taken for channels.
                got += f", of {other.n_axes + 1} in all, so perhaps an image of one channel (grey)"
            raise ValueError(
                f"takes the channels of the first image, {self.n_channels}; got {got}. Give images "
                "of one kind."
            )
        if (other.axis, other.alpha) != (self.axis, self.alpha):
            raise ValueError(
                f"it is {_form(other.axis, other.n_channels, other.alpha)}; the first image is "
                f"{_form(self.axis, self.n_channels, self.alpha)}. Give images of one kind, or "
                "move the channels if they are the same."
            )
        if None not in (self.is_color, other.is_color) and self.is_color != other.is_color:
            kinds = {True: "red, green and blue", False: "no colours"}
            raise ValueError(
                f"its channels are {kinds[bool(other.is_color)]}, by what the file says; those of "
                f"the first image are {kinds[bool(self.is_color)]}. Give images of one kind."
            )
        if other.n_axes != self.n_axes and not any_axes:
            raise ValueError(
                f"takes the {self.n_axes} spatial axes of the first image, since images are "
                f"smoothed; got {other.n_axes}."
            )


def _place(axis: int | None) -> str:
    """Say which axis it is, counted from the end."""
    if axis is None:
        return ""
    return {-1: "last", -2: "second last", -3: "third last"}.get(axis, f"{-axis}th last")


def _form(axis: int | None, n_channels: int, alpha: bool) -> str:
    if axis is None:
        return "an image of one channel (grey)"
    place = _place(axis)
    what = "one channel" if n_channels == 1 else f"{n_channels} channels"
    if alpha:
        what += " and alpha"
    hint = ", as of colours" if axis == -1 and n_channels == 3 else ""
    return f"an image of {what} on its {place} axis{hint}"
