"""Images under another lamp: each channel is stretched to one range before it is compared."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.features import differences, middle_values
from ..image.pixels import Pixels
from .kind import full_scale

ADAPTS = ("scale",)
"""How images may be adapted to a model."""


def adapted(pixels: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Stretch each channel of an image from its first to its last percentile.

    Parameters
    ----------
    pixels : Pixels
        The image. Percentiles are of the pixels that take part.
    dtype : numpy.dtype
        Of the values that come of it: from 0 to the largest that it holds, or to 1 for floats.
    """
    top = full_scale(dtype)
    if dtype.kind in "iu" and int(top) > np.iinfo(dtype).max:
        # The largest integers of 64 bits are no floats.
        top = float(np.nextafter(top, 0))
    channels = np.zeros(pixels.channels.shape, dtype)
    for channel, stretched in zip(pixels.channels, channels, strict=True):
        inside = channel if pixels.valid is None else channel[pixels.valid]
        if inside.dtype.kind == "b":
            inside = inside.astype(np.uint8)
        # Floats would lose the last digits of large integers.
        is_large = inside.dtype.kind in "iu" and inside.dtype.itemsize == 8
        offset = middle_values(inside[np.newaxis]) if is_large else (0.0,)
        near = differences(inside[np.newaxis], offset)[0]
        # What of each channel goes to the ends of the range; beyond them are dust and glare.
        low, high = np.percentile(near, (1, 99)).astype(np.float64)
        near = differences(channel[np.newaxis], offset)[0]
        # A constant has no range.
        values = (near - low) / (high - low or 1) * top
        stretched[...] = _in_range(values, top, dtype)
    if pixels.valid is not None:
        channels[:, ~pixels.valid] = 0
    return replace(pixels, channels=channels, dtype=dtype)


def _in_range(values: NDArray[Any], top: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    inside: NDArray[Any] = np.clip(np.nan_to_num(values), 0, top)
    return inside if dtype.kind == "f" else np.rint(inside)
