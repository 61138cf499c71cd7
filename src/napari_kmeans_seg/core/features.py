"""From pixel values to the features that are clustered: colour space, weights, position."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks
from .parallel import Tick, map_spans, no_tick, spans
from .pixels import Pixels

LARGEST = 1e120
"""Features are no larger: their squares, and sums of these, are finite."""

SAMPLE = 1 << 13
"""Pixels that are looked at to find a value from the middle."""

FAR_FROM_1 = 64
"""Powers of two up to which floats stay as they are: like 64-bit integers they may be weighted by
1e100, or by 1e-100, and still have squares."""

Features = NDArray[np.float64]
"""``(n_features, n)`` float64: one row per feature, so that each is contiguous."""


@dataclass(frozen=True)
class FeatureSpace:
    """How pixel values become features: ``(colour - offset) * scale``, then position.

    Attributes
    ----------
    color_space : {"rgb", "lab", "hsv"}
        "rgb" takes the channels as they are. "lab" is CIE L*a*b* (D65). "hsv" is embedded
        as the cone ``(s v cos h, s v sin h, v)``, since hue is an angle: red next to
        red is near, and hue counts little where there is little colour.
    offset : tuple of float or int
        Subtracted from each channel. Distances do not depend on it; it keeps the precision
        of small differences on top of large values.
    scale : tuple of float
        Factor of each channel: its weight and, with `normalize`, one over its standard
        deviation.
    position : float
        Features per pixel of distance along each spatial axis; 0 leaves position out.
    exponent : int
        Channels are divided by 2 to this power before all else. It is 0 but for float64 images
        of values so large or small that their squares, once they are weighted, would be infinite
        or nothing.
    """

    color_space: str
    offset: tuple[float, ...]
    scale: tuple[float, ...]
    position: float = 0.0
    exponent: int = 0

    def n_features(self, n_spatial_axes: int) -> int:
        """Return the number of features of a pixel."""
        return len(self.scale) + (n_spatial_axes if self.position else 0)

    def of_values(self, values: list[NDArray[Any]]) -> Features:
        """Features of the values of some pixels, without position.

        Parameters
        ----------
        values : list of (n,) arrays
            One array per channel, already in the colour space and divided by two to the
            power of `exponent`.
        """
        features = differences(values, self.offset)
        for row, scale in zip(features, self.scale, strict=True):
            if scale != 1.0:
                row *= scale
        return features

    def of_pixels(self, pixels: Pixels, start: int, stop: int) -> Features:
        """Features of the pixels from `start` to `stop` that take part, position included."""
        features = self.of_values(pixels.take(start, stop))
        if not self.position:
            return features
        where = np.arange(start, stop)
        if pixels.valid is not None:
            where = where[pixels.valid[start:stop]]
        return np.concatenate([features, self.position * pixels.places(where)])

    def at(self, pixels: Pixels, where: NDArray[np.intp]) -> Features:
        """Features of the pixels at flat indices, position included."""
        features = self.of_values(pixels.at(where))
        if not self.position:
            return features
        return np.concatenate([features, self.position * pixels.places(where)])

    def of_centroids(self, centroids: NDArray[np.float64], pixels: Pixels) -> NDArray[np.float64]:
        """Features of ``(n_clusters, n_channels)`` centroids in the units of an image.

        Where they have a position it is the middle of the image.
        """
        colors = list(centroids.T)
        if self.color_space != "rgb":
            top = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
            colors = color_values([color / top for color in colors], self.color_space)
        with np.errstate(over="ignore"):
            # Beyond all values any place is as far as another, if its square is finite.
            scaled = np.clip(np.ldexp(np.stack(colors, axis=1), -self.exponent), -LARGEST, LARGEST)
        features: NDArray[np.float64] = (scaled - np.array(self.offset, np.float64)) * self.scale
        if not self.position:
            return features
        middle = (np.array(pixels.shape) - 1) / 2 * self.position
        return np.hstack([features, np.tile(middle, (len(centroids), 1))])


def subtract(value: NDArray[Any], offset: float, out: NDArray[np.float64]) -> None:
    """Write ``value - offset`` to `out`, exactly for 64-bit integers that lie near `offset`."""
    # Half the time of a subtraction that converts as it goes, bit for bit the same.
    out[:] = value
    out -= float(offset)
    if value.dtype.kind in "iu" and value.dtype.itemsize == 8 and isinstance(offset, int):
        # Floats have no room for the last digits of large integers. Two's complement wraps
        # around, so integers give the difference wherever it fits; elsewhere no digit matters.
        near = np.abs(out) < 2.0**62
        wrapped = np.array(offset % (1 << 64), np.uint64).view(value.dtype)
        exact = (value - wrapped).view(np.int64)
        np.copyto(out, exact, where=near)


def differences(values: list[NDArray[Any]], offsets: tuple[float, ...]) -> Features:
    """Subtract its offset from each of ``(n,)`` channels, as `subtract` does."""
    rows = np.empty((len(values), values[0].size))
    for row, value, offset in zip(rows, values, offsets, strict=True):
        subtract(value, offset, row)
    return rows


def middle_values(values: list[NDArray[Any]]) -> tuple[float, ...]:
    """Return a value from the middle of each channel: its median, as an int for 64-bit integers.

    Differences to it keep their precision where outliers would have moved the mean far away.
    """
    middles = [np.partition(value, value.size // 2)[value.size // 2] for value in values]
    return tuple(int(middle) if middle.dtype.kind in "iu" else float(middle) for middle in middles)


def middle_of(pixels: Pixels) -> tuple[float, ...]:
    """Find a value from the middle of each channel of an image."""
    return middle_values(pixels.at(pixels.sample(SAMPLE)))


def color_values(values: list[NDArray[Any]], color_space: str) -> list[NDArray[Any]]:
    """Convert three channels of RGB in their own dtype to `color_space`, channel by channel."""
    if color_space == "rgb":
        return values
    # Imported here: it takes a while, and most images stay in their own channels.
    from skimage.color import rgb2hsv, rgb2lab
    from skimage.util import img_as_float

    rgb = np.stack(values, axis=-1)
    rgb = img_as_float(rgb.astype(np.float32) if rgb.dtype == np.float16 else rgb)
    if color_space == "lab":
        return list(np.moveaxis(rgb2lab(rgb), -1, 0))
    hue, saturation, value = np.moveaxis(rgb2hsv(rgb), -1, 0)
    angle = 2 * np.pi * hue
    return [saturation * value * np.cos(angle), saturation * value * np.sin(angle), value]


def convert(pixels: Pixels, color_space: str, tick: Tick | None = None) -> Pixels:
    """Convert the channels of an RGB image to `color_space`, as float32 (float64 from float64)."""
    if color_space == "rgb":
        return pixels
    dtype = np.float64 if pixels.dtype == np.float64 else np.float32
    converted = np.zeros((3, pixels.n_pixels), dtype)

    def block(start: int, stop: int) -> None:
        part = slice(start, stop)
        inside = part if pixels.valid is None else np.arange(start, stop)[pixels.valid[part]]
        colors = color_values([channel[inside] for channel in pixels.channels], color_space)
        for row, color in zip(converted, colors, strict=True):
            row[inside] = color

    for _ in map_spans(block, spans(pixels.n_pixels, 1 << 16), tick):
        pass
    return replace(pixels, channels=tuple(converted), dtype=np.dtype(dtype))


def power_of_two(pixels: Pixels) -> int:
    """Return the power of two by which an image is divided so that squares stay finite."""
    if pixels.dtype != np.float64:
        return 0
    low, high = value_range(pixels)
    exponent = int(np.frexp(max(-low, high))[1])
    return exponent if abs(exponent) > FAR_FROM_1 and max(-low, high) > 0 else 0


def divide(pixels: Pixels, exponent: int) -> Pixels:
    """Divide the channels by two to the power of `exponent`."""
    if not exponent:
        return pixels
    return replace(
        pixels, channels=tuple(np.ldexp(channel, -exponent) for channel in pixels.channels)
    )


def check_color_space(color_space: str, pixels: Pixels) -> str:
    """Return `color_space` if the image can be converted to it."""
    checks.choice("color_space", color_space, checks.COLOR_SPACES)
    if color_space == "rgb":
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
        low, high = value_range(pixels)
        if low < 0 or high > 1:
            raise ValueError(
                f"color_space={color_space!r} takes float RGB between 0 and 1; "
                f"got values from {low:g} to {high:g}."
            )
    return color_space


def value_range(pixels: Pixels) -> tuple[float, float]:
    """Return the lowest and the highest value of all channels, of pixels that take part."""

    def extremes(start: int, stop: int) -> tuple[float, float]:
        parts = [part for part in pixels.take(start, stop) if part.size]
        if not parts:
            return np.inf, -np.inf
        return min(float(p.min()) for p in parts), max(float(p.max()) for p in parts)

    lows, highs = zip(*map_spans(extremes, spans(pixels.n_pixels)), strict=True)
    return min(lows), max(highs)


def smooth(pixels: Pixels, sigma: tuple[float, ...], tick: Tick | None = None) -> Pixels:
    """Blur each channel with a Gaussian; pixels that do not take part do not bleed into others.

    Parameters
    ----------
    pixels : Pixels
        The image.
    sigma : tuple of float
        Standard deviation in pixels along each spatial axis.
    tick : callable, optional
        Progress.

    Returns
    -------
    Pixels
        With float32 channels; float64 from float64 and from integers of 32 bits and more.

    Notes
    -----
    With a mask this is normalized convolution (Knutsson & Westin 1993,
    doi:10.1109/CVPR.1993.341081): blurred values over blurred mask.
    """
    if not any(sigma):
        return pixels
    from scipy.ndimage import gaussian_filter1d

    dtype = np.result_type(pixels.dtype, np.float32)
    tick = tick or no_tick

    def blur(values: NDArray[Any]) -> NDArray[Any]:
        plane = values.astype(dtype, copy=False).reshape(pixels.shape)
        for axis, width in enumerate(sigma):
            tick(0)
            # A narrower one weighs no neighbour; of the narrowest the square is 0.
            if width >= 0.125:
                plane = gaussian_filter1d(plane, width, axis)
        return plane.reshape(-1)

    if pixels.valid is not None:
        weight = blur(pixels.valid)
        weight[~pixels.valid] = 1
    blurred = []
    for values, middle in centred(pixels, dtype):
        plane = blur(values)
        if pixels.valid is not None:
            plane /= weight
        plane += middle
        blurred.append(plane)
    return replace(pixels, channels=tuple(blurred), dtype=dtype)


def centred(pixels: Pixels, dtype: np.dtype[Any]) -> Iterator[tuple[NDArray[Any], Any]]:
    """Give each channel as floats around 0, and what was subtracted.

    Averages of a constant are then that constant, to the bit: rounding would make many values of
    it. Pixels that do not take part are 0.
    """
    largest = float(np.sqrt(np.finfo(dtype).max))
    for channel, middle in zip(pixels.channels, middle_of(pixels), strict=True):
        # The largest floats have no difference.
        offset = dtype.type(middle if abs(middle) < largest else 0)
        values = channel.astype(dtype)
        values -= offset
        if pixels.valid is not None:
            values[~pixels.valid] = 0
        yield values, offset


def from_0_to_1(pixels: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Scale channels that were averaged from integers of `dtype` to floats between 0 and 1."""
    if pixels.dtype.kind != "f":
        return pixels
    top = pixels.dtype.type(np.iinfo(dtype).max if dtype.kind == "u" else 1)
    # Averages of 0 may be less by rounding, of which no hue can be told.
    channels = tuple(np.clip(channel / top, 0, 1) for channel in pixels.channels)
    return replace(pixels, channels=channels)
