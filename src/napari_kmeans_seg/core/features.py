"""From pixel values to the features that are clustered: colour space, weights, position."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks
from .parallel import map_spans, spans
from .pixels import Pixels

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
    """

    color_space: str
    offset: tuple[float, ...]
    scale: tuple[float, ...]
    position: float = 0.0

    def n_features(self, n_spatial_axes: int) -> int:
        """Return the number of features of a pixel."""
        return len(self.scale) + (n_spatial_axes if self.position else 0)

    def of_values(self, values: list[NDArray[Any]]) -> Features:
        """Features of the values of some pixels, without position.

        Parameters
        ----------
        values : list of (n,) arrays
            One array per channel, already in the colour space.
        """
        features = np.empty((len(values), values[0].size))
        for row, value, offset, scale in zip(
            features, values, self.offset, self.scale, strict=True
        ):
            subtract(value, offset, row)
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
        place = np.unravel_index(where, pixels.shape)
        return np.concatenate([features, np.multiply(place, self.position, dtype=np.float64)])

    def of_sample(self, pixels: Pixels, size: int) -> Features:
        """Features of about `size` evenly spaced pixels, without position."""
        return self.of_values(pixels.sample(size))

    def of_centroids(self, centroids: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features of ``(n_clusters, n_channels)`` centroids in the colour space."""
        return (centroids - np.array(self.offset, np.float64)) * self.scale


def subtract(value: NDArray[Any], offset: float, out: NDArray[np.float64]) -> None:
    """Write ``value - offset`` to `out`, exactly for 64-bit integers that lie near `offset`."""
    if value.dtype.kind in "iu" and value.dtype.itemsize == 8 and isinstance(offset, int):
        # Two's complement wraps around, so the difference is right whenever it fits in int64.
        base = np.array(offset, value.dtype)
        np.copyto(out, (value - base).view(np.int64))
    else:
        np.subtract(value, float(offset), out=out, dtype=np.float64)


def color_values(values: list[NDArray[Any]], color_space: str) -> list[NDArray[Any]]:
    """Convert three channels of RGB in their own dtype to `color_space`, channel by channel."""
    if color_space == "rgb":
        return values
    # Imported here: it takes a while, and most images stay in their own channels.
    from skimage.color import rgb2hsv, rgb2lab
    from skimage.util import img_as_float

    rgb = img_as_float(np.stack(values, axis=-1))
    if color_space == "lab":
        return list(np.moveaxis(rgb2lab(rgb), -1, 0))
    hue, saturation, value = np.moveaxis(rgb2hsv(rgb), -1, 0)
    angle = 2 * np.pi * hue
    return [saturation * value * np.cos(angle), saturation * value * np.sin(angle), value]


def convert(pixels: Pixels, color_space: str) -> Pixels:
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

    for _ in map_spans(block, spans(pixels.n_pixels, 1 << 16)):
        pass
    return replace(pixels, channels=tuple(converted), dtype=np.dtype(dtype))


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
        low, high = _range(pixels)
        if low < 0 or high > 1:
            raise ValueError(
                f"color_space={color_space!r} takes float RGB between 0 and 1; "
                f"got values from {low:g} to {high:g}."
            )
    return color_space


def _range(pixels: Pixels) -> tuple[float, float]:
    def extremes(start: int, stop: int) -> tuple[float, float]:
        parts = [part for part in pixels.take(start, stop) if part.size]
        if not parts:
            return np.inf, -np.inf
        return min(float(p.min()) for p in parts), max(float(p.max()) for p in parts)

    lows, highs = zip(*map_spans(extremes, spans(pixels.n_pixels)), strict=True)
    return min(lows), max(highs)


def smooth(pixels: Pixels, sigma: tuple[float, ...], *, truncate: float = 4.0) -> Pixels:
    """Blur each channel with a Gaussian; pixels that do not take part do not bleed into others.

    Parameters
    ----------
    pixels : Pixels
        The image.
    sigma : tuple of float
        Standard deviation in pixels along each spatial axis.
    truncate : float
        Radius of the kernel in standard deviations.

    Returns
    -------
    Pixels
        With float32 channels (float64 from float64).

    Notes
    -----
    With a mask this is normalized convolution (Knutsson & Westin 1993,
    doi:10.1109/CVPR.1993.341081): blurred values over blurred mask.
    """
    if not any(sigma):
        return pixels
    from scipy.ndimage import gaussian_filter

    dtype = np.float64 if pixels.dtype.itemsize == 8 else np.float32
    weight = None
    if pixels.valid is not None:
        weight = gaussian_filter(
            pixels.valid.reshape(pixels.shape).astype(dtype), sigma, truncate=truncate
        ).reshape(-1)
        weight[~pixels.valid] = 1
    blurred = []
    for channel in pixels.channels:
        plane = channel.astype(dtype)
        if pixels.valid is not None:
            plane[~pixels.valid] = 0
        plane = gaussian_filter(plane.reshape(pixels.shape), sigma, truncate=truncate).reshape(-1)
        blurred.append(plane if weight is None else plane / weight)
    return replace(pixels, channels=tuple(blurred), dtype=np.dtype(dtype))
