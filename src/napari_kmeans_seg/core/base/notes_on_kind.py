"""Notes on what kind of image it is, where that is not what was thought; see `notes`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ulp
from typing import Any

import numpy as np

from .errors import Naming
from .note import Note


@dataclass(frozen=True, kw_only=True)
class ColorsAsGrey(Note):
    """Nobody said which axis holds channels, and the last one looks as if it did.

    Attributes
    ----------
    n : int
        How long it is.
    fitted_axes : int or None
        Where a model labels the image, the axes of those that it was fitted on.
    """

    n: int
    fitted_axes: int | None = None

    is_doubt = True

    def _sentence(self, naming: Naming) -> str:
        channels = naming("channel_axis", "-1")
        if self.fitted_axes is not None:
            return (
                f"The last axis of the image has length {self.n}, as if it held colours, but the "
                f"model was fitted on grey images of {self.fitted_axes} axes: each number got a "
                "label, not each pixel. Pass grey images, or a model that was fitted with "
                f"{channels}."
            )
        return (
            f"The last axis of the image has length {self.n}, as if it held colours, but was taken "
            f"for rows or columns: each number got a label, not each pixel. Pass {channels} if it "
            f"holds channels, {naming('channel_axis', 'None')} if not."
        )


@dataclass(frozen=True, kw_only=True)
class OtherValues(Note):
    """Values are of another kind than those that a model was fitted on.

    Attributes
    ----------
    share : float
        Of the pixels, that got one label.
    label : int
        That label.
    """

    share: float
    label: int

    is_doubt = True

    def _sentence(self, _naming: Naming) -> str:
        return (
            f"{self.share:.1%} of the pixels got label {self.label}: their values are of another "
            "kind than those that the model was fitted on."
        )


@dataclass(frozen=True, kw_only=True)
class OtherScale(Note):
    """Values have another dtype and scale than those that a model was fitted on.

    Attributes
    ----------
    dtype, low, high
        Of the image and its values; None where it is not read.
    fitted, fitted_low, fitted_high
        The same of what was fitted.
    may_rescale : bool
        Whether ``rescale=True`` brings them together.
    """

    dtype: str
    fitted: str
    fitted_low: float
    fitted_high: float
    low: float | None = None
    high: float | None = None
    may_rescale: bool = False

    is_doubt = True

    def _sentence(self, naming: Naming) -> str:
        fitted = f"from {self.fitted_low:g} to {self.fitted_high:g} ({self.fitted})"
        if self.low is None or self.high is None:
            text = (
                f"The image is {self.dtype}, the model was fitted on values {fitted}; a lazy image "
                "is not read to see whether its values are alike."
            )
        else:
            text = (
                f"Values from {self.low:g} to {self.high:g} ({self.dtype}) are of another kind "
                f"than those that the model was fitted on, {fitted}."
            )
        return text + (f" {naming('rescale', 'True')} brings them to its scale."
                       if self.may_rescale else "")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DigitsLost(Note):
    """Integers are so large, and so near each other, that floats do not hold their last digits.

    Attributes
    ----------
    unit : int
        What floats of their size are multiples of.
    smoothed : bool
        Whether what is compared was smoothed, and rounded to integers.
    """

    unit: int
    smoothed: bool = False

    def _sentence(self, _naming: Naming) -> str:
        smoothed = ", and smoothed values to integers" if self.smoothed else ""
        return (
            "Values lie beyond 2^53: means and the segmented image are rounded to multiples of "
            f"{self.unit:,}{smoothed}. Subtract a constant from the image to keep the digits in "
            "which its values differ."
        )


_COLORS, _SHORTEST_SIDE = (3, 4), 30
"""Lengths of an axis of colours, and pixels that the two axes before it exceed then: what napari
goes by, too."""


def colors_as_grey(shape: Sequence[int], fitted_axes: int | None = None) -> tuple[Note, ...]:
    """Note that an image of one channel has a last axis like one of colours, if it has.

    Parameters
    ----------
    shape : sequence of int
        Of the image.
    fitted_axes : int, optional
        The axes of those images that a model was fitted on. As many are none too many.
    """
    *_, height, width, last = (0, 0, 0, *shape)
    alike = last in _COLORS and min(height, width) > _SHORTEST_SIDE
    if not alike or (fitted_axes is not None and len(shape) != fitted_axes + 1):
        return ()
    return (ColorsAsGrey(n=last, fitted_axes=fitted_axes),)


def digits_lost(
    dtype: np.dtype[Any], limits: Callable[[], tuple[float, float]], *, smoothed: bool
) -> tuple[Note, ...]:
    """Note that floats round integers of an image by what their differences show, if they do.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the image.
    limits : callable
        Gives the lowest and the highest value, which it may take a pass over the image to find.
    smoothed : bool
        Whether it is smoothed.
    """
    if dtype.kind not in "iu" or dtype.itemsize < 8:
        return ()
    low, high = limits()
    unit = ulp(max(abs(low), abs(high)))
    # Of values as far from each other as from 0 floats hold what counts.
    if unit <= 1 or unit < 2.0**-20 * (high - low):
        return ()
    return (DigitsLost(unit=int(unit), smoothed=smoothed),)
