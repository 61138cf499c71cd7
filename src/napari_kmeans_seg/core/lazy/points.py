"""The pixels of a Dask array as points, which are read again each time, chunk by chunk.

Only sums travel: each chunk is summed up where it is read. Sums are exact, so that neither the
chunks nor the order in which they are read change a bit of them.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.cached import cached_property
from ..base.parallel import Tick, no_tick
from ..image.color_spaces import COLOR_SPACES
from ..image.colors import color_values, convert
from ..image.features import (
    FeatureSpace,
    differences,
    divide,
    divided,
    exponent_without_far,
    means_from,
    middle_values,
    undo_moved,
    variances_of,
)
from ..image.pixels import Pixels
from ..kmeans.assignment import Assigned, Assignment, farthest_of_all, totals_of
from ..kmeans.nearest import Labels, label_dtype, sums_by_label
from ..kmeans.points import WEIGHT_UNIT, WeightedPoints, sums_by_exponent
from ..points.image_points import OPTIMUM_SAMPLE, means_of_pixels
from ..points.pixel_points import MIDDLE, Extent, PixelPoints, PixelValues
from ..points.sums import join_means
from .chunks import gather
from .image import LazyImage, Reading, pixels_of


class SampledImage:
    """A Dask array of which a sample was taken: `image_points.ImagePoints`.

    Parameters
    ----------
    image : LazyImage
        The image.
    reading : Reading
        What was read of it.
    color_space : str
        As in `FeatureSpace`.
    may_be_read_again : bool
        Whether iterations may go over all pixels. Not where the sample is of a smaller copy.
    """

    def __init__(
        self, image: LazyImage, reading: Reading, color_space: str, *, may_be_read_again: bool
    ) -> None:
        self.image, self.reading, self._color_space = image, reading, color_space
        self.pixels = without_pixels(image, reading)
        self.n_valid, self.is_kept = reading.n_valid, False
        converts = COLOR_SPACES[color_space].from_rgb is not None
        self.exponent = 0
        if reading.drawn is not None and not converts:
            self.exponent = exponent_without_far(reading.limits, [reading.drawn.values])
        n_pixels = image.n_pixels_of(reading.chunks)
        self._read_again_from = 0.0 if n_pixels > image.limits.exact_pixels else np.inf
        if not may_be_read_again:
            self._read_again_from = -1.0

    @cached_property
    def _sample(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Values of the image, and how many pixels each stands for."""
        if self.reading.counted is not None:
            assert self.image.packing is not None
            counted = self.reading.counted
            return self.image.packing.unpack(counted.keys), counted.counts.astype(np.float64)
        assert self.reading.drawn is not None
        return self.reading.drawn.values, self.reading.drawn.weights

    @cached_property
    def _colors(self) -> NDArray[Any]:
        values = divided(self._sample[0], self.exponent)
        return color_values(values, self._color_space)

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel, in the colour space."""
        return middle_values(self._colors[:, :MIDDLE])

    @property
    def value_range(self) -> tuple[float, float]:
        """The lowest and the highest value of what was read."""
        limits = self.reading.limits
        return float(limits.min()), float(limits.max())

    def variances(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        """Variance of each channel in the colour space, ``(n_channels,)``, of the sample."""
        return variances_of(self._colors, self._sample[1], middle)

    def points(self, space: FeatureSpace) -> "ChunkPoints":
        """Return the points of the sample, and how they are read from chunks."""
        return ChunkPoints(self, space.of_values(self._colors), self._sample[1], space)

    def known_values(self, points: Any) -> WeightedPoints:
        """Return some values that stand for all, of which the optimum is found."""
        known: WeightedPoints = points.sample(OPTIMUM_SAMPLE)
        return known

    def assign(self, points: Any, n_clusters: int, tol: float) -> Assigned:
        """Return what assigns all pixels, or those of the sample where they are too many.

        Where no pixel may change its cluster any more, with a `tol` of 0, all have to be asked.
        """
        if tol <= self._read_again_from:
            return ChunkAssignment(points, n_clusters)
        return Assignment(points, n_clusters)

    def means(self, space: FeatureSpace, assigned: Assigned) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, NaN where it has none."""
        if space.color_space == "rgb" and all(space.scale):
            sums = assigned.totals / space.scale
            means = means_from(sums, assigned.counts, space.offset, self.exponent)
            return undo_moved(means, self.reading.limits, self.exponent)
        if isinstance(assigned, ChunkAssignment):
            return assigned.means_of_values()
        values, weights = self._sample
        middle = middle_values(values)
        rows = differences(values, middle) * weights
        sums = sums_by_label(assigned.labels, rows, len(assigned.counts))
        counts = sums_by_label(assigned.labels, weights[np.newaxis], len(assigned.counts))
        return means_from(sums, counts[:, 0], middle, 0)

    def labels(self, assigned: Assigned, tick: Tick | None = None) -> Labels:  # noqa: ARG002
        """Return none: labels are computed when they are asked for."""
        return np.zeros(0, label_dtype(len(assigned.counts)))


def without_pixels(image: LazyImage, reading: Reading) -> Pixels:
    """Return the form of an image, of which no pixel is in memory."""
    form = image.form
    return replace(
        form,
        channels=form.channels[:, :0],
        alpha=None if form.alpha is None else form.alpha[:0],
        shape=(0,) * len(image.shape),
        n_not_finite=reading.n_not_finite,
    )


class ChunkPoints(WeightedPoints):
    """The points of a sample, and how all are read from chunks.

    Parameters
    ----------
    sampled : SampledImage
        The image.
    features, weights
        As of `WeightedPoints`, but that weights need not be integers.
    space : FeatureSpace
        How values become features.
    """

    def __init__(
        self,
        sampled: SampledImage,
        features: NDArray[np.float64],
        weights: NDArray[np.float64],
        space: FeatureSpace,
    ) -> None:
        super().__init__(features, np.maximum(np.rint(weights * WEIGHT_UNIT), 1))
        self.sampled = sampled
        limits = sampled.reading.limits
        if COLOR_SPACES[space.color_space].from_rgb is not None:
            # Beyond what any colour has.
            limits = np.array([[-1.0, 1.0]] * 3) * COLOR_SPACES[space.color_space].largest
        else:
            limits = divided(limits, sampled.exponent)
        extent = Extent.of(limits, space, features, sampled.n_valid)
        form = sampled.image.form
        self.reader = ChunkReader(form.channel_axis, form.alpha is not None, space, extent)


@dataclass(frozen=True)
class ChunkReader:
    """How a chunk becomes points.

    Attributes
    ----------
    channel_axis : int or None
        Of the chunk.
    alpha : bool
        Whether its last channel is alpha.
    space : FeatureSpace
        How values become features.
    extent : Extent
        How far those of the whole image reach.
    """

    channel_axis: int | None
    alpha: bool
    space: FeatureSpace
    extent: Extent

    def pixels(self, block: NDArray[Any], mask: NDArray[Any] | None) -> Pixels:
        """Take a chunk, and that of the mask, as pixels."""
        return pixels_of(block, mask, self.channel_axis, alpha=self.alpha)

    def points(self, pixels: Pixels) -> PixelPoints:
        """Take pixels as points."""
        inputs = convert(divide(pixels, self.space.exponent), self.space.color_space)
        return PixelPoints(PixelValues(inputs), self.space, self.extent)


@dataclass(frozen=True)
class ChunkSums:
    """What the pixels of some chunks add up to.

    Attributes
    ----------
    sums : (n_clusters, n_summands + 1) float64 array
        See `kmeans.points.Points.summands`; the last column counts.
    squares : (2048,) float64 array
        Squared distances to the centroids: see `sums_by_exponent`.
    """

    sums: NDArray[np.float64]
    squares: NDArray[np.float64]


class ChunkAssignment:
    """Assigns the pixels of all chunks to centroids, as `kmeans.assignment.Assigned`.

    Each move reads them all. Labels are not kept.
    """

    def __init__(self, points: ChunkPoints, n_clusters: int) -> None:
        self._points, self._reader = points, points.reader
        self.centroids = np.zeros((n_clusters, points.n_features))
        self.labels: Labels = np.zeros(0, label_dtype(n_clusters))
        self.changed = True
        self._found = ChunkSums(np.zeros((n_clusters, 0)), np.zeros(0))

    @property
    def counts(self) -> NDArray[np.float64]:
        """Pixels of each cluster, ``(n_clusters,)``."""
        return self._found.sums[:, -1]

    @property
    def totals(self) -> NDArray[np.float64]:
        """Sum of the points of each cluster, ``(n_clusters, n_features)``."""
        return totals_of(self._found.sums, self._points.n_features)

    @property
    def inertia(self) -> float:
        """Sum of the pixels' squared distances to their centroids."""
        return float(self._found.squares.sum())

    def move(self, centroids: NDArray[np.float64], tick: Tick | None = None) -> None:
        """Assign the pixels to the nearest of ``(n_clusters, n_features)`` centroids."""
        n = self._points.sampled.n_valid
        visit = partial(_sum_chunk, reader=self._reader, centroids=centroids, n=n)
        found = self._gather(visit, _add_sums, tick)
        self.changed = not np.array_equal(found.sums, self._found.sums)
        self._found, self.centroids = found, centroids

    def reorder(self, order: NDArray[np.intp]) -> None:
        """Change the numbers of the clusters: the first becomes what was ``order[0]``."""
        self._found = replace(self._found, sums=self._found.sums[order])
        self.centroids = self.centroids[order]

    def farthest(self, n: int) -> NDArray[np.float64]:
        """Return up to `n` pixels that lie farthest from their centroids, ``(m, n_features)``."""
        visit = partial(_farthest_of_chunk, reader=self._reader, centroids=self.centroids, n=n)
        found: NDArray[np.float64] = self._gather(visit, partial(_farthest_of_some, n=n))
        return found[:, 1:]

    def means_of_values(self) -> NDArray[np.float64]:
        """Mean input value of each cluster's pixels, ``(n_clusters, n_channels)``."""
        visit = partial(_means_of_chunk, reader=self._reader, centroids=self.centroids)
        means: NDArray[np.float64] = self._gather(visit, join_all_means)[1]
        return means

    def _gather(self, visit: Any, merge: Any, tick: Tick | None = None) -> Any:
        image, chunks = self._points.sampled.image, self._points.sampled.reading.chunks
        tick = tick or no_tick
        return gather(visit, merge, image.source, image.mask, chunks=chunks, tick=tick)


def _sum_chunk(
    block: NDArray[Any],
    mask: NDArray[Any] | None,
    *,
    reader: ChunkReader,
    centroids: NDArray[np.float64],
    n: int,
) -> ChunkSums:
    points = reader.points(reader.pixels(block, mask))
    assigned = Assignment(points, len(centroids))
    assigned.move(centroids)
    return ChunkSums(assigned.sums, sums_by_exponent(assigned.squares(), n))


def _add_sums(parts: list[ChunkSums]) -> ChunkSums:
    sums = np.sum([part.sums for part in parts], axis=0)
    return ChunkSums(sums, np.sum([part.squares for part in parts], axis=0))


def _farthest_of_chunk(
    block: NDArray[Any],
    mask: NDArray[Any] | None,
    *,
    reader: ChunkReader,
    centroids: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    points = reader.points(reader.pixels(block, mask))
    assigned = Assignment(points, len(centroids))
    assigned.move(centroids)
    return farthest_of_all(points.rows(slice(None), np.float64), assigned.squares(), n)


def _farthest_of_some(parts: list[NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    return np.unique(np.concatenate(parts), axis=0)[-n:]


CountsAndMeans = tuple[NDArray[np.int64], NDArray[np.float64]]


def _means_of_chunk(
    block: NDArray[Any],
    mask: NDArray[Any] | None,
    *,
    reader: ChunkReader,
    centroids: NDArray[np.float64],
) -> CountsAndMeans:
    k, pixels = len(centroids), reader.pixels(block, mask)
    if not pixels.n_valid:
        return np.zeros(k, np.int64), np.full((k, pixels.n_channels), np.nan)
    assigned = Assignment(reader.points(pixels), k)
    assigned.move(centroids)
    return assigned.counts.astype(np.int64), means_of_pixels(pixels, assigned.labels, k)


def join_all_means(parts: list[CountsAndMeans]) -> CountsAndMeans:
    """Return the counts and means of clusters of which each part has some pixels."""
    k = len(parts[0][0])
    counts = np.concatenate([part[0] for part in parts])
    means = np.concatenate([part[1] for part in parts])
    return join_means(np.tile(np.arange(k), len(parts)), counts, means, k)
