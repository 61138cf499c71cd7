"""Bring colours to the space in which they are compared."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import WrongValue
from ..base.parallel import Tick, map_spans, spans
from .color_spaces import COLOR_SPACES
from .pixels import Pixels


def color_values(values: NDArray[Any], color_space: str) -> NDArray[Any]:
    """Convert ``(3, n)`` RGB in its own dtype to a colour space, as float64.

    "rgb" is returned as it is, however many channels there are.
    """
    space = COLOR_SPACES[color_space]
    if space.from_rgb is None:
        return values
    from skimage.util import img_as_float64

    colors = space.from_rgb(img_as_float64(values.T)).T
    rounded: NDArray[np.float64] = np.rint(colors / space.unit) * space.unit
    return rounded


def convert(pixels: Pixels, color_space: str, tick: Tick | None = None) -> Pixels:
    """Convert the channels of an RGB image to a colour space, as float32."""
    if COLOR_SPACES[color_space].from_rgb is None:
        return pixels
    converted = np.zeros((3, pixels.n_pixels), np.float32)

    def block(start: int, stop: int) -> None:
        inside = slice(None) if pixels.valid is None else pixels.valid[start:stop]
        converted[:, start:stop][:, inside] = color_values(pixels.take(start, stop), color_space)

    for _ in map_spans(block, spans(pixels.n_pixels, 1 << 16), tick):
        pass
    return replace(pixels, channels=converted, dtype=np.dtype(np.float32))


def check_color_space(color_space: str, pixels: Pixels) -> str:
    """Return `color_space` if the image can be converted to it."""
    if COLOR_SPACES[color_space].from_rgb is None:
        return color_space
    if pixels.n_channels != 3:
        takes = "an image of three channels (RGB, or RGBA with alpha=True)"
        raise _no_colors(color_space, takes, str(pixels.n_channels))
    if pixels.dtype.kind not in "f" and pixels.dtype not in (np.uint8, np.uint16):
        raise _no_colors(color_space, "uint8, uint16 or float RGB", str(pixels.dtype))
    if pixels.dtype.kind == "f":
        check_limits(color_space, *value_range(pixels))
    return color_space


def check_limits(color_space: str, low: float, high: float) -> None:
    """Refuse the lowest and the highest value of a float image that are no colours."""
    if COLOR_SPACES[color_space].from_rgb is not None and (low < 0 or high > 1):
        got = f"values from {low:g} to {high:g}"
        raise _no_colors(color_space, "float RGB between 0 and 1", got)


def _no_colors(color_space: str, takes: str, got: str) -> WrongValue:
    return WrongValue("color_space", takes, got, value=repr(color_space))


def value_range(pixels: Pixels) -> tuple[float, float]:
    """Return the lowest and the highest value of all channels, of pixels that take part."""

    def extremes(start: int, stop: int) -> tuple[float, float]:
        part = pixels.take(start, stop)
        return (float(part.min()), float(part.max())) if part.size else (np.inf, -np.inf)

    lows, highs = zip(*map_spans(extremes, spans(pixels.n_pixels)), strict=True)
    return min(lows), max(highs)


def from_0_to_1(pixels: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Scale channels that were averaged from integers of `dtype` to floats between 0 and 1."""
    if pixels.dtype.kind != "f":
        return pixels
    top = pixels.dtype.type(np.iinfo(dtype).max if dtype.kind == "u" else 1)
    # Averages of 0 may be less by rounding, which have no hue.
    return replace(pixels, channels=np.clip(pixels.channels / top, 0, 1))
