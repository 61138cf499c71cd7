"""The spaces in which colours are compared: each is one entry of one table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..parallel import Tick, map_spans, spans
from .pixels import Pixels

RGB = NDArray[np.float64]
"""``(n, 3)`` float64 from 0 to 1."""


@dataclass(frozen=True)
class ColorSpace:
    """A space in which colours are compared.

    Attributes
    ----------
    name : str
        As in `segment` and in a model's file.
    from_rgb : callable or None
        Takes and returns ``(n, 3)`` float64. None: the channels as they are, however many.
    unit : float
        Colours are rounded to multiples of this power of two. The last digits of a cosine or a
        cube root depend on the processor's instructions; rounded they do not, and float32 holds
        them.
    largest : float
        No coordinate is larger.
    brightness : int or None
        Which axis tells how bright a colour is; None: the mean of all.
    """

    name: str
    from_rgb: Callable[[RGB], NDArray[np.float64]] | None = None
    unit: float = 0.0
    largest: float = np.inf
    brightness: int | None = None


def _lab(rgb: RGB) -> NDArray[np.float64]:
    # Imported here, and below: it takes a while, and most images stay in their own channels.
    from skimage.color import rgb2lab

    lab: NDArray[np.float64] = rgb2lab(rgb)
    return lab


def _hsv_cone(rgb: RGB) -> NDArray[np.float64]:
    """Hue is an angle: red next to red is near, and hue counts little where there is no colour."""
    from skimage.color import rgb2hsv

    hue, saturation, value = np.moveaxis(rgb2hsv(rgb), -1, 0)
    angle, radius = 2 * np.pi * hue, saturation * value
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), value], axis=-1)


COLOR_SPACES = {
    space.name: space
    for space in (
        ColorSpace("rgb"),
        # CIE L*a*b* of D65: L* from 0 to 100.
        ColorSpace("lab", _lab, 2.0**-16, 128.0, 0),
        # The cone (s v cos h, s v sin h, v).
        ColorSpace("hsv", _hsv_cone, 2.0**-22, 1.0, 2),
    )
}


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
    checks.choice("color_space", color_space, tuple(COLOR_SPACES))
    if COLOR_SPACES[color_space].from_rgb is None:
        return color_space
    if pixels.n_channels != 3:
        raise ValueError(
            f"color_space={color_space!r} takes an image of three channels (RGB, or RGBA with "
            f"alpha=True); got {pixels.n_channels}."
        )
    if pixels.dtype.kind not in "f" and pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"color_space={color_space!r} takes uint8, uint16 or float RGB; got {pixels.dtype}."
        )
    if pixels.dtype.kind == "f":
        check_limits(color_space, *value_range(pixels))
    return color_space


def check_limits(color_space: str, low: float, high: float) -> None:
    """Refuse the lowest and the highest value of a float image that are no colours."""
    if COLOR_SPACES[color_space].from_rgb is not None and (low < 0 or high > 1):
        raise ValueError(
            f"color_space={color_space!r} takes float RGB between 0 and 1; "
            f"got values from {low:g} to {high:g}."
        )


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
    # Averages of 0 may be less by rounding, of which no hue can be told.
    return replace(pixels, channels=np.clip(pixels.channels / top, 0, 1))
