"""An image as k-means sees it: its distinct values with counts, or its pixels."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .drawn import Drawn, draw_values
from .features import (
    SAMPLE,
    Features,
    FeatureSpace,
    centred,
    color_values,
    convert,
    divide,
    from_0_to_1,
    middle_values,
    power_of_two,
    smooth,
    subtract,
)
from .look_up import PixelLookup
from .packing import Packing
from .parallel import CHUNK, Tick, map_spans, no_tick, spans
from .pixels import Pixels
from .points import WeightedPoints, distinct_points
from .sources import SPAN, PixelSource, PointSource

DRAWN = 1 << 14
"""Distinct values that decide where bins lie, ..."""

ENOUGH = 1 << 9
"""... or at least so many, where values repeat."""


@dataclass(frozen=True)
class ImagePoints:
    """An image, read once.

    Attributes
    ----------
    pixels : Pixels
        The image as it came.
    inputs : Pixels
        The same, smoothed and in the colour space where pixels are clustered one by one.
    color_space : str
        Where the features live.
    points : WeightedPoints or None
        The distinct values of `inputs` with counts, in the image's own channels; None
        where values hardly repeat.
    packing : Packing or None
        How the pixels look up their point, where a table can hold all values.
    exponent : int
        As in `FeatureSpace`: `inputs` are `pixels` divided by two to this power.
    """

    pixels: Pixels
    inputs: Pixels
    color_space: str
    points: WeightedPoints | None
    packing: Packing | None
    exponent: int = 0

    @property
    def n_valid(self) -> int:
        """Number of pixels that take part."""
        return self.inputs.n_valid if self.points is None else self.points.n_pixels

    @cached_property
    def look_up(self) -> PixelLookup:
        """What gives the pixels the labels of their points, where there is a `packing`."""
        assert self.points is not None
        assert self.packing is not None
        return PixelLookup(self.inputs, self.points, self.packing)

    def features(self, space: FeatureSpace, start: int = 0, stop: int | None = None) -> Features:
        """Features of the points from `start` to `stop`, ``(n_features, n_points)``."""
        return space.of_values([value[start:stop] for value in self._values])

    @cached_property
    def _values(self) -> list[NDArray[Any]]:
        """Values of the points in the colour space: converting takes longer than clustering."""
        assert self.points is not None
        values = list(self.points.values)
        if self.color_space == "rgb":
            return values

        def convert_part(start: int, stop: int) -> list[NDArray[Any]]:
            colors = color_values([value[start:stop] for value in values], self.color_space)
            # What pixels are compared by, to the bit, where they are not looked up.
            dtype = self.inputs.dtype if self.packing is None else colors[0].dtype
            return [color.astype(dtype, copy=False) for color in colors]

        parts = list(map_spans(convert_part, spans(self.points.n_points, 1 << 16)))
        return [np.concatenate(rows) for rows in zip(*parts, strict=True)]

    def source(self, space: FeatureSpace) -> PointSource | PixelSource:
        """Return what Lloyd's algorithm runs on: the points, or all pixels."""
        if self.points is None:
            return PixelSource(self.inputs, space)
        return PointSource(self.features(space), self.points.counts.astype(np.float64))

    @cached_property
    def drawn(self) -> Drawn:
        """Some values of an image whose values hardly repeat."""
        return draw_values(self.inputs, DRAWN, ENOUGH)

    def middle(self) -> tuple[float, ...]:
        """Find a value from the middle of each channel, in the colour space."""
        if self.points is None:
            return middle_values(self.inputs.at(self.drawn.where))
        step = max(1, self.points.n_points // SAMPLE)
        return middle_values([value[::step] for value in self._values])

    def variances(self, middle: tuple[float, ...], tick: Tick | None = None) -> NDArray[np.float64]:
        """Variance of each channel over the pixels that take part, ``(n_channels,)``."""
        points = self.points

        def sums(start: int, stop: int) -> NDArray[np.float64]:
            if points is None:
                return _power_sums(self.inputs.take(start, stop), middle)
            weights = points.counts[start:stop].astype(np.float64)
            return _power_sums([value[start:stop] for value in self._values], middle, weights)

        n = self.inputs.n_pixels if points is None else points.n_points
        total = sum(map_spans(sums, spans(n, SPAN), tick), np.zeros((len(middle), 3)))
        mean = total[:, 1] / total[:, 0]
        return np.maximum(total[:, 2] / total[:, 0] - mean**2, 0)


def read(
    pixels: Pixels,
    *,
    color_space: str = "rgb",
    smoothing: tuple[float, ...] = (),
    repeats: bool = True,
    exponent: int | None = None,
    tick: Tick | None = None,
) -> ImagePoints:
    """Smooth an image, count its distinct values or convert its colours.

    Parameters
    ----------
    pixels : Pixels
        The image.
    color_space : str
        As in `FeatureSpace`.
    smoothing : tuple of float
        Standard deviation of the Gaussian along each spatial axis, in pixels.
    repeats : bool
        Whether to look for repeated values. Where position counts no two pixels are alike.
    exponent : int, optional
        As in `FeatureSpace`; found from the image by default.
    tick : callable, optional
        Progress.
    """
    if exponent is None:
        exponent = power_of_two(pixels) if color_space == "rgb" else 0
    inputs = smooth(divide(pixels, exponent), smoothing, tick)
    if color_space != "rgb":
        inputs = from_0_to_1(inputs, pixels.dtype)
    points, packing = distinct_points(inputs, tick) if repeats else (None, None)
    if packing is None:
        # Without a table of all values pixels are compared with the centroids one by one.
        inputs = convert(inputs, color_space, tick)
    return ImagePoints(pixels, inputs, color_space, points, packing, exponent)


def feature_space(
    image: ImagePoints,
    color_space: str,
    weights: tuple[float, ...],
    normalize: bool,
    spatial_weight: float,
    shape: tuple[int, ...],
    tick: Tick,
) -> FeatureSpace:
    """Return the feature space of an image of this shape."""
    middle, scale = image.middle(), np.array(weights)
    space = FeatureSpace(color_space, middle, weights, exponent=image.exponent)
    if not (normalize or spatial_weight):
        return space
    variance = image.variances(middle, tick)
    if normalize:
        scale = scale / np.where(variance > 0, np.sqrt(variance), 1)
        space = replace(space, scale=tuple(scale.tolist()))
    if not spatial_weight:
        return space
    # Variance of the pixel positions 0 to n - 1 along each axis.
    spread = (np.array(shape) ** 2 - 1) / 12
    total = float((variance * scale**2).sum()) or 1.0
    position = spatial_weight * np.sqrt(total / spread.sum()) if spread.any() else 0.0
    return replace(space, position=float(position))


def shrink(pixels: Pixels, scale: float, tick: Tick | None = None) -> Pixels:
    """Average a smaller copy of an image, by `scale` along its last two spatial axes.

    Means are taken over the pixels that take part; where these cover less than half of a
    pixel of the copy, it takes no part. Integer images are rounded to their dtype.
    """
    n_scaled = min(2, len(pixels.shape))
    shape = pixels.shape[:-n_scaled] + tuple(
        max(1, round(n * scale)) for n in pixels.shape[-n_scaled:]
    )
    if shape == pixels.shape:
        return pixels
    dtype = np.result_type(pixels.dtype, np.float32)
    tick = tick or no_tick

    def average(values: NDArray[Any]) -> NDArray[Any]:
        tick(0)
        small = values.reshape(pixels.shape)
        for axis in range(-1, -n_scaled - 1, -1):
            small = _average(small, shape[axis], axis, dtype)
        return small.reshape(-1)

    valid = None
    if pixels.valid is not None:
        cover = average(pixels.valid)
        valid = cover >= min(0.5, float(cover.max()))
        cover[~valid] = 1
    averages = []
    for values, middle in centred(pixels, dtype):
        small = average(values)
        if valid is not None:
            small /= cover
        small += middle
        if valid is not None:
            small[~valid] = 0
        averages.append(small)
    channels = tuple(averages)
    if pixels.dtype.kind != "f":
        channels = tuple(_round(channel, pixels.dtype) for channel in channels)
    return replace(
        pixels,
        channels=channels,
        valid=None if valid is None or valid.all() else valid,
        alpha=None,
        shape=shape,
        dtype=channels[0].dtype,
        spacing=tuple(full / small for full, small in zip(pixels.shape, shape, strict=True)),
    )


def _average(
    values: NDArray[Any], size: int, axis: int, dtype: np.dtype[np.floating[Any]]
) -> NDArray[Any]:
    """Average an axis down to `size`: means over intervals, whose ends may cut through pixels.

    (scikit-image's `resize_local_mean` multiplies by a matrix of both sizes, which is too large
    for a long axis.)
    """
    lines = np.moveaxis(values, axis, -1)
    n = lines.shape[-1]
    edges = np.linspace(0, n, size + 1)
    # The whole pixels of each interval, and how much of the pixels that its ends cut is in it.
    first, last = np.ceil(edges[:-1]).astype(np.intp), np.floor(edges[1:]).astype(np.intp)
    left, right = first - edges[:-1], edges[1:] - last
    pairs = np.minimum(np.stack([first, last], axis=1).reshape(-1), n - 1)
    to_the_end = last[-1] == n
    flat = lines.reshape(-1, n)
    small = np.empty((len(flat), size), dtype)

    def block(start: int, stop: int) -> None:
        part = flat[start:stop].astype(np.float64)
        # Divided first: the largest floats have no sum.
        part *= size / n
        total = np.add.reduceat(part, pairs[:-1] if to_the_end else pairs, axis=1)[:, ::2]
        total[:, first >= last] = 0
        total += part[:, np.maximum(first - 1, 0)] * left
        total += part[:, np.minimum(last, n - 1)] * right
        small[start:stop] = total

    for _ in map_spans(block, spans(len(flat), max(1, CHUNK // n))):
        pass
    return np.moveaxis(small.reshape(*lines.shape[:-1], size), -1, axis)


def _round(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Round floats to the integers of `dtype`, which holds their range but for rounding."""
    if dtype.kind == "b":
        return values
    limits = np.iinfo(dtype)
    if dtype.itemsize == 8:
        # The largest 64-bit integers are no floats: stay with floats rather than overflow.
        return values
    rounded: NDArray[Any] = np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
    return rounded


def _power_sums(
    values: list[NDArray[Any]],
    offset: tuple[float, ...],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Zeroth to second moments of each channel relative to its offset, ``(n_channels, 3)``."""
    sums = np.empty((len(values), 3))
    centred = np.empty(values[0].size)
    for row, value, zero in zip(sums, values, offset, strict=True):
        subtract(value, zero, centred)
        weighted = centred if weights is None else centred * weights
        row[:2] = centred.size if weights is None else weights.sum(), weighted.sum()
        weighted *= centred
        row[2] = weighted.sum()
    return sums
