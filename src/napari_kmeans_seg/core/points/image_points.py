"""An image as k-means sees it: its distinct values with counts, or its pixels one by one."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..image.averages import smooth
from ..image.colors import COLOR_SPACES, color_values, convert, from_0_to_1
from ..image.features import SAMPLE, FeatureSpace, differences, divide, middle_values, power_of_two
from ..image.pixels import Pixels
from ..kmeans.assignment import Assigned, Assignment
from ..kmeans.nearest import Labels, sums_by_label
from ..kmeans.points import WeightedPoints, exact_sum
from ..parallel import Tick, map_spans, spans
from .counting import (
    HISTOGRAM_BITS,
    Counted,
    Packing,
    count,
    count_sorted,
    count_values,
    look_up,
    look_up_sorted,
    most_values,
    packing_of,
    table_of,
)
from .pixel_points import PixelPoints, PixelValues

MOST_OF_ONE_CHANNEL = 1 << 18
"""Distinct values of one channel up to which they are counted, whatever their dtype."""

DRAWN, FEW_DRAWN = 1 << 16, 1 << 14
"""Values and pixels that are drawn to find out whether values repeat."""

OPTIMUM_SAMPLE = 1 << 15
"""Values of one channel of which the optimum is found where not all are counted."""

SURELY = 1.1
"""How many times more values than allowed are found in a share of them before they are surely too
many: 15 standard deviations."""


@dataclass(frozen=True)
class Labelling:
    """What the labels of an image are, and what its clusters add up to.

    Attributes
    ----------
    labels : array of the spatial shape
        1 + the index of the centroid; 0 for pixels that do not take part.
    counts : (n_clusters,) int64 array
        Pixels of each cluster.
    means : (n_clusters, n_channels) float64 array
        Mean input value of each cluster's pixels, NaN where it has none.
    inertia : float
        Sum of squared distances to the centroids.
    """

    labels: Labels
    counts: NDArray[np.int64]
    means: NDArray[np.float64]
    inertia: float


class ImagePoints(Protocol):
    """An image that was read.

    Attributes
    ----------
    pixels : Pixels
        As it came.
    exponent : int
        As in `FeatureSpace`.
    n_valid : int
        Pixels that take part.
    is_kept : bool
        Whether it will be labelled again: then what that takes is kept.
    """

    pixels: Pixels
    exponent: int
    n_valid: int
    is_kept: bool

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel, in the colour space."""

    def variances(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        """Variance of each channel in the colour space, ``(n_channels,)``."""

    def points(self, space: FeatureSpace) -> Any:
        """Return what k-means runs on."""

    def known_values(self, points: Any) -> WeightedPoints:
        """Return all values of one feature, or some that stand for them."""

    def assign(self, points: Any, n_clusters: int, tol: float) -> Assigned:
        """Return what assigns the points to so many centroids, until they rest by `tol`."""

    def means(self, space: FeatureSpace, assigned: Assigned) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, NaN where it has none."""

    def labels(self, assigned: Assigned, tick: Tick | None = None) -> Labels:
        """Labels of all pixels from 1, in the spatial shape, from those of the points."""


class CountedImage:
    """An image by its distinct values: pixels look up the label of theirs.

    Parameters
    ----------
    pixels : Pixels
        The image as it came.
    inputs : Pixels
        The same, smoothed.
    color_space, exponent
        As in `FeatureSpace`; `inputs` are divided by two to this power.
    counted : Counted
        The distinct values of `inputs`, packed or of the only channel.
    packing : Packing or None
        How values are packed, if they are.
    smoothed : bool
        Whether the values of `inputs` are others than those of `pixels`.
    n_valid : int, optional
        Pixels that take part, where not all were counted.

    Attributes
    ----------
    is_kept : bool
        Whether the number of each pixel's value is kept when they are first labelled (4 bytes a
        pixel): they are labelled again without being read.
    """

    def __init__(
        self,
        pixels: Pixels,
        inputs: Pixels,
        color_space: str,
        exponent: int,
        counted: Counted,
        packing: Packing | None = None,
        *,
        smoothed: bool = False,
        n_valid: int | None = None,
    ) -> None:
        self.pixels, self.exponent = pixels, exponent
        self.n_valid = int(counted.counts.sum()) if n_valid is None else n_valid
        self.counted, self.packing = counted, packing
        self._inputs, self._color_space, self._is_smoothed = inputs, color_space, smoothed
        self.is_kept = False
        self._numbers: NDArray[np.uint32] | None = None

    @property
    def values(self) -> NDArray[Any]:
        """The distinct values, ``(n_channels, n)``."""
        keys = self.counted.keys
        return keys[np.newaxis] if self.packing is None else self.packing.unpack(keys)

    @cached_property
    def _colors(self) -> NDArray[Any]:
        """The same in the colour space: converting takes longer than clustering."""
        values = self.values
        if COLOR_SPACES[self._color_space].from_rgb is None:
            return values

        def convert_part(start: int, stop: int) -> NDArray[Any]:
            return color_values(values[:, start:stop], self._color_space)

        pieces = spans(self.counted.keys.size, 1 << 16)
        return np.concatenate(list(map_spans(convert_part, pieces)), axis=1)

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel, in the colour space."""
        return middle_values(self._colors[:, :: max(1, self.counted.keys.size // SAMPLE)])

    def variances(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        """Variance of each channel in the colour space, ``(n_channels,)``."""
        counts = self.counted.counts.astype(np.float64)
        rows, total = differences(self._colors, middle), counts.sum()
        rows -= ((rows * counts).sum(axis=1) / total)[:, np.newaxis]
        variances: NDArray[np.float64] = (rows**2 * counts).sum(axis=1) / total
        return variances

    def points(self, space: FeatureSpace) -> WeightedPoints:
        """Return the distinct values, weighted by their counts."""
        return WeightedPoints(space.of_values(self._colors), self.counted.counts.astype(float), 2)

    def assign(self, points: Any, n_clusters: int, tol: float) -> Assignment:  # noqa: ARG002
        """Return what assigns the points to so many centroids."""
        return Assignment(points, n_clusters)

    def known_values(self, points: Any) -> WeightedPoints:
        """Return the points, which are all values."""
        known: WeightedPoints = points.sample(points.n)
        return known

    def means(self, space: FeatureSpace, assigned: Assigned) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, NaN where it has none."""
        if self._is_smoothed:
            inside = self._labels(assigned.labels, None)
            if self.pixels.valid is not None:
                inside = inside[self.pixels.valid]
            return means_of_pixels(self.pixels, inside - inside.dtype.type(1), len(assigned.counts))
        if space.are_values:
            return means_from(assigned.totals, assigned.counts, space.offset, self.exponent)
        middle = middle_values(self.values)
        rows = differences(self.values, middle) * self.counted.counts
        sums = sums_by_label(assigned.labels, rows, len(assigned.counts))
        return means_from(sums, assigned.counts, middle, self.exponent)

    def labels(self, assigned: Assigned, tick: Tick | None = None) -> Labels:
        """Labels of all pixels from 1, in the spatial shape, from those of the values."""
        return self._labels(assigned.labels, tick).reshape(self.pixels.shape)

    def _labels(self, index: Labels, tick: Tick | None) -> Labels:
        of_values, keys = index + index.dtype.type(1), self.counted.keys
        if self.packing is None:
            return look_up_sorted(keys, of_values, self._inputs, tick)
        if self.is_kept and self.packing.n_bits > HISTOGRAM_BITS:
            if self._numbers is None:
                numbers = np.arange(1, keys.size + 1, dtype=np.uint32)
                table = table_of(keys, self.packing, numbers)
                self._numbers = look_up(table, self.packing, self._inputs, tick)
            return np.append(of_values.dtype.type(0), of_values).take(self._numbers)
        return look_up(table_of(keys, self.packing, of_values), self.packing, self._inputs, tick)


class PlainImage:
    """An image whose values hardly repeat: its pixels are compared one by one.

    Parameters
    ----------
    pixels : Pixels
        The image as it came.
    values : PixelValues
        The same, smoothed and in the colour space.
    exponent : int
        As in `FeatureSpace`; `values` are divided by two to this power.
    smoothed : bool
        Whether the values are others than those of `pixels`, in whatever colour space.
    """

    def __init__(
        self, pixels: Pixels, values: PixelValues, exponent: int, *, smoothed: bool = False
    ) -> None:
        self.pixels, self._values, self.exponent = pixels, values, exponent
        self._is_smoothed, self.n_valid, self.is_kept = smoothed, values.n, False

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel, in the colour space."""
        return self._values.middle

    def variances(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        """Variance of each channel in the colour space, ``(n_channels,)``."""
        space = FeatureSpace("rgb", middle, (1.0,) * len(middle))
        points = PixelPoints(self._values.without_places, space)
        whole = Assignment(points, 1)
        whole.move(np.zeros((1, len(middle))))
        mean = whole.totals[0] / points.n

        def squares(channel: int) -> float:
            def of_part(start: int, stop: int) -> NDArray[np.float64]:
                row = points.rows(slice(start, stop), np.float64)[channel]
                away: NDArray[np.float64] = (row - mean[channel]) ** 2
                return away

            return exact_sum(of_part, points.pieces)

        n = points.n
        return np.array([squares(channel) / n for channel in range(len(middle))], np.float64)

    def points(self, space: FeatureSpace) -> PixelPoints:
        """Return the pixels."""
        return PixelPoints(self._values.weighted(space.scale), space)

    def assign(self, points: Any, n_clusters: int, tol: float) -> Assignment:  # noqa: ARG002
        """Return what assigns the points to so many centroids."""
        return Assignment(points, n_clusters)

    def known_values(self, points: Any) -> WeightedPoints:
        """Return means of some values each, of which the optimum is found."""
        known: WeightedPoints = points.cells(OPTIMUM_SAMPLE)
        return known

    def means(self, space: FeatureSpace, assigned: Assigned) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, NaN where it has none."""
        if self._is_smoothed or space.color_space != "rgb" or not all(space.scale):
            return means_of_pixels(self.pixels, assigned.labels, len(assigned.counts))
        sums = assigned.totals[:, : len(space.scale)] / space.scale
        return means_from(sums, assigned.counts, space.offset, self.exponent)

    def labels(self, assigned: Assigned, tick: Tick | None = None) -> Labels:  # noqa: ARG002
        """Labels of all pixels from 1, in the spatial shape, from those of the points."""
        found, valid = assigned.labels + assigned.labels.dtype.type(1), self.pixels.valid
        if valid is None:
            return found.reshape(self.pixels.shape)
        labels: Labels = np.zeros(valid.size, found.dtype)
        labels[valid] = found
        return labels.reshape(self.pixels.shape)


def label(
    image: ImagePoints, assigned: Assigned, means: NDArray[np.float64], tick: Tick | None = None
) -> Labelling:
    """Label the pixels of an image as its points are assigned, with what `means` found.

    Counts and inertia of a sample are scaled up to the image.
    """
    factor = image.n_valid / assigned.counts.sum()
    with np.errstate(over="ignore", under="ignore"):
        return Labelling(
            image.labels(assigned, tick),
            np.rint(assigned.counts * factor).astype(np.int64),
            means,
            float(np.ldexp(assigned.inertia * factor, 2 * image.exponent)),
        )


def means_from(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    offset: tuple[float, ...],
    exponent: int,
) -> NDArray[np.float64]:
    """Return ``(n, n_channels)`` means from sums of differences to an offset.

    They are multiplied by two to the power of `exponent`, and NaN where there is nothing.
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        means = np.array(offset, np.float64) + sums / counts[:, np.newaxis]
        scaled: NDArray[np.float64] = np.ldexp(means, exponent)
        return scaled


def means_of_pixels(pixels: Pixels, index: Labels, n_clusters: int) -> NDArray[np.float64]:
    """Return the mean value of the pixels with each index, ``(n_clusters, n_channels)``.

    Parameters
    ----------
    pixels : Pixels
        An image.
    index : (n_valid,) array of unsigned integers
        From 0, of each pixel that takes part.
    n_clusters : int
        How many there are.
    """
    exponent = power_of_two(pixels)
    values = PixelValues(divide(pixels, exponent))
    space = FeatureSpace("rgb", values.middle, (1.0,) * pixels.n_channels)
    points = PixelPoints(values, space)

    def add_up(start: int, stop: int) -> NDArray[np.float64]:
        return sums_by_label(index[start:stop], points.summands(slice(start, stop)), n_clusters)

    sums: NDArray[np.float64] = sum(map_spans(add_up, points.pieces), np.zeros((n_clusters, 1)))
    of_channels = sums[:, :-1].reshape(n_clusters, -1, pixels.n_channels).sum(axis=1)
    return means_from(of_channels, sums[:, -1], space.offset, exponent)


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

    This is the only place where it is chosen whether values are counted. They are where a table can
    hold all of them (24 bits: RGB of 8 bits, grey of 16) unless the image is noise, which has more
    colours than half its pixels; and those of one channel of any dtype if they are 262,144 at most.

    Parameters
    ----------
    pixels : Pixels
        The image.
    color_space : str
        As in `FeatureSpace`.
    smoothing : tuple of float
        Standard deviation of the Gaussian along each spatial axis, in pixels.
    repeats : bool
        Whether values may repeat. Where position counts no two pixels are alike.
    exponent : int, optional
        As in `FeatureSpace`; found from the image by default.
    tick : callable, optional
        Progress.
    """
    converts = COLOR_SPACES[color_space].from_rgb is not None
    if exponent is None:
        exponent = 0 if converts else power_of_two(pixels)
    inputs = smooth(divide(pixels, exponent), smoothing, tick)
    if converts:
        inputs = from_0_to_1(inputs, pixels.dtype)
    form, smoothed = (pixels, inputs, color_space, exponent), any(smoothing)
    packing = packing_of(inputs.dtype, inputs.n_channels)
    if repeats and packing is not None:
        n_most = most_values(inputs.n_valid)
        if not _is_noise(inputs, packing, n_most):
            counted = count(inputs, packing, tick)
            if counted.keys.size <= n_most:
                return CountedImage(*form, counted, packing, smoothed=smoothed)
    values = PixelValues(convert(inputs, color_space, tick), placed=not repeats)
    if repeats and packing is None and inputs.n_channels == 1:
        drawn = values.first
        if drawn.n <= SURELY * drawn.share * MOST_OF_ONE_CHANNEL:
            counted = count_values(values.channels[0], tick)
            if counted.keys.size <= MOST_OF_ONE_CHANNEL:
                return CountedImage(*form, counted, smoothed=smoothed)
    return PlainImage(pixels, values, exponent, smoothed=smoothed)


def _is_noise(pixels: Pixels, packing: Packing, n_most: int) -> bool:
    """Tell whether there are surely more distinct values than `n_most`, sooner than by counting.

    It costs time only where few values of pixels drawn by place repeat; then values drawn by their
    hashes tell how many there are. Whether it is found out or not, the image is noise if there are
    more: so the order of the pixels decides nothing but the time.
    """
    n = pixels.n_valid
    if min(n, 1 << packing.n_bits) <= n_most:
        return False
    few = count_sorted(packing.pack(pixels.channels[:, pixels.sample(FEW_DRAWN)]))
    # Four times those that are expected if all values are as frequent; a background is only one.
    if np.count_nonzero(few.counts > 1) > 2 * FEW_DRAWN**2 / n_most:
        return False
    share = DRAWN / n
    return PixelValues(pixels).hashed.draw(share).n > SURELY * share * n_most


def feature_space(
    image: ImagePoints,
    color_space: str,
    weights: tuple[float, ...],
    normalize: bool,
    spatial_weight: float,
    shape: tuple[int, ...],
) -> FeatureSpace:
    """Return the feature space of an image of this shape."""
    middle, scale = image.middle, np.array(weights)
    space = FeatureSpace(color_space, middle, weights, exponent=image.exponent)
    if not (normalize or spatial_weight):
        return space
    variance = image.variances(middle)
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
