"""From centroids to the label of every pixel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .binned import BinnedPixels
from .features import SAMPLE, Features, FeatureSpace, differences, divide, middle_of, middle_values
from .image_points import ImagePoints
from .nearest import Labels, label_dtype, nearest, squared_distances, weighted_sum
from .parallel import Tick, map_spans, spans
from .pixels import Pixels
from .sums import sums_by_label


@dataclass(frozen=True)
class Clusters:
    """What the pixels of an image add up to that are nearest to each centroid.

    Attributes
    ----------
    counts : (n_clusters,) int64 array
        Pixels of each cluster.
    means : (n_clusters, n_channels) float64 array
        Mean input value of each cluster's pixels, NaN where it has none.
    inertia : float
        Sum of squared distances to the centroids.
    of_points : (n_points,) array of unsigned integers or None
        1 + the index of the centroid of each distinct value, where pixels can look it up.
    """

    counts: NDArray[np.int64]
    means: NDArray[np.float64]
    inertia: float
    of_points: Labels | None


@dataclass(frozen=True)
class Labelling(Clusters):
    """The same, and where they are.

    Attributes
    ----------
    labels : array of the spatial shape
        1 + the index of the centroid; 0 for pixels that do not take part.
    """

    labels: Labels


@dataclass(frozen=True)
class Assigned:
    """The distinct values of an image, assigned to their nearest centroids.

    Attributes
    ----------
    index : (n_points,) array of unsigned integers
        Index of the centroid.
    counts : (n_clusters,) float64 array
        Pixels of each cluster.
    sums : (n_clusters, n_features) float64 array
        Sums of their features.
    inertia : float
        Sum of squared distances to the centroids.
    """

    index: Labels
    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    inertia: float


@dataclass
class _Sums:
    """What is added up per cluster."""

    counts: NDArray[np.float64]
    differences: NDArray[np.float64]
    inertia: float

    @classmethod
    def of(
        cls,
        index: Labels,
        values: list[NDArray[Any]],
        middle: tuple[float, ...],
        features: Features,
        centroids: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> "_Sums":
        k = len(centroids)
        squares = squared_distances(features, centroids, index)
        rows = differences(values, middle)
        if weights is not None:
            rows *= weights
        sums = sums_by_label(index, [weights, *rows], k)
        return cls(sums[:, 0], sums[:, 1:], weighted_sum(squares, weights))

    @classmethod
    def total(cls, parts: Iterator["_Sums"]) -> "_Sums":
        total = next(parts)
        for part in parts:
            total.counts += part.counts
            total.differences += part.differences
            total.inertia += part.inertia
        return total

    def means(self, middle: tuple[float, ...]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            return np.array(middle, np.float64) + self.differences / self.counts[:, np.newaxis]


def label_values(
    image: ImagePoints,
    space: FeatureSpace,
    centroids: NDArray[np.float64],
    assigned: Assigned | None = None,
) -> Clusters:
    """Find the nearest centroid of every distinct value of an image whose pixels can look it up.

    Parameters
    ----------
    image : ImagePoints
        The image, with its distinct values and how they are packed.
    space, centroids
        As in `label_pixels`.
    assigned : Assigned, optional
        The nearest centroid of each distinct value, if it is known.
    """
    assert image.points is not None
    assert image.packing is not None
    dtype = label_dtype(len(centroids))
    if assigned is None:
        index = _nearest(image.features(space), centroids, dtype)
    else:
        index = assigned.index
    of_points = index + dtype.type(1)
    if assigned is not None and _are_values(space):
        sums = _Sums(assigned.counts, assigned.sums, assigned.inertia)
        return _clusters(sums, space.offset, image.exponent, of_points)
    step = max(1, image.points.n_points // SAMPLE)
    middle = middle_values([value[::step] for value in image.points.values])
    sums = _sum_points(image, space, index, middle, centroids)
    return _clusters(sums, middle, image.exponent, of_points)


def label_pixels(
    image: ImagePoints,
    space: FeatureSpace,
    centroids: NDArray[np.float64],
    tick: Tick | None = None,
    *,
    clusters: Clusters | None = None,
    binned: BinnedPixels | None = None,
    keep: bool = False,
) -> Labelling:
    """Label every pixel of an image with its nearest centroid; of equals, the first.

    Parameters
    ----------
    image : ImagePoints
        The image.
    space : FeatureSpace
        Where the centroids live.
    centroids : (n_clusters, n_features) float64 array
        The centroids.
    tick : callable, optional
        Progress.
    clusters : Clusters, optional
        What `label_values` finds, if it is known.
    binned : BinnedPixels, optional
        The bins of the pixels in this space, if they are known.
    keep : bool
        Whether to keep which distinct value each pixel has, as the image will be labelled again.
    """
    labels: Labels = np.zeros(image.pixels.n_pixels, label_dtype(len(centroids)))
    if image.points is not None and image.packing is not None:
        clusters = clusters or label_values(image, space, centroids)
        assert clusters.of_points is not None
        image.look_up(clusters.of_points, labels, tick, keep=keep)
    elif binned is not None:
        totals, inertia = binned.label(centroids, labels, tick)
        pixels = divide(image.pixels, image.exponent)
        middle = middle_of(pixels)
        if _are_values(space) and image.inputs is image.pixels:
            # Relative to what `predict` sums up relative to: integers give the same bits.
            shift = [float(one - other) for one, other in zip(space.offset, middle, strict=True)]
            of_values = totals[:, 1 : 1 + len(middle)] + totals[:, :1] * shift
        else:
            of_values = _sum_pixels(pixels, middle, labels, len(centroids))
        sums = _Sums(totals[:, 0], of_values, inertia)
        clusters = _clusters(sums, middle, image.exponent)
    else:
        pixels = divide(image.pixels, image.exponent)
        middle = middle_of(pixels)
        sums = _one_by_one(pixels, image.inputs, space, middle, centroids, labels, tick)
        clusters = _clusters(sums, middle, image.exponent)
    return Labelling(**vars(clusters), labels=labels.reshape(image.pixels.shape))


def _are_values(space: FeatureSpace) -> bool:
    """Whether features are the values themselves, but for an offset."""
    return space.color_space == "rgb" and set(space.scale) == {1.0}


def _clusters(
    sums: _Sums, middle: tuple[float, ...], exponent: int, of_points: Labels | None = None
) -> Clusters:
    with np.errstate(over="ignore", under="ignore"):
        return Clusters(
            np.rint(sums.counts).astype(np.int64),
            np.ldexp(sums.means(middle), exponent),
            float(np.ldexp(sums.inertia, 2 * exponent)),
            of_points,
        )


def _nearest(
    features: Features, centroids: NDArray[np.float64], dtype: np.dtype[np.unsignedinteger]
) -> Labels:
    """Index of the nearest centroid of each point."""
    index = np.empty(features.shape[1], dtype)

    def assign(start: int, stop: int) -> None:
        nearest(features[:, start:stop], centroids, index[start:stop])

    for _ in map_spans(assign, spans(index.size, 1 << 17)):
        pass
    return index


def _sum_points(
    image: ImagePoints,
    space: FeatureSpace,
    index: Labels,
    middle: tuple[float, ...],
    centroids: NDArray[np.float64],
) -> _Sums:
    points = image.points
    assert points is not None

    def add_up(start: int, stop: int) -> _Sums:
        part = slice(start, stop)
        values = [value[part] for value in points.values]
        weights = points.counts[part].astype(np.float64)
        features = image.features(space, start, stop)
        return _Sums.of(index[part], values, middle, features, centroids, weights)

    return _Sums.total(map_spans(add_up, spans(points.n_points, 1 << 16)))


def _sum_pixels(
    pixels: Pixels, middle: tuple[float, ...], labels: Labels, n_clusters: int
) -> NDArray[np.float64]:
    """Sum up the values of the pixels with each label, relative to `middle`."""

    def add_up(start: int, stop: int) -> NDArray[np.float64]:
        rows = differences(pixels.take(start, stop), middle)
        inside = slice(None) if pixels.valid is None else pixels.valid[start:stop]
        index = labels[start:stop][inside] - labels.dtype.type(1)
        return sums_by_label(index, list(rows), n_clusters)

    return sum(map_spans(add_up, spans(pixels.n_pixels, 1 << 16)), np.zeros((n_clusters, 1)))


def _one_by_one(
    pixels: Pixels,
    inputs: Pixels,
    space: FeatureSpace,
    middle: tuple[float, ...],
    centroids: NDArray[np.float64],
    labels: Labels,
    tick: Tick | None,
) -> _Sums:
    """Label the pixels in blocks."""

    def assign(start: int, stop: int) -> _Sums:
        features = space.of_pixels(inputs, start, stop)
        index = nearest(features, centroids, np.empty(features.shape[1], labels.dtype))
        if pixels.valid is None:
            np.add(index, 1, out=labels[start:stop], casting="unsafe")
        else:
            labels[start:stop][pixels.valid[start:stop]] = index + labels.dtype.type(1)
        return _Sums.of(index, pixels.take(start, stop), middle, features, centroids)

    return _Sums.total(map_spans(assign, spans(pixels.n_pixels, 1 << 16), tick))


def pairs_of(one: Labels, other: Labels | None, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Count which labels lie in the same place, as a table of this shape."""
    index = one.reshape(-1).astype(np.intp) * shape[1]
    if other is not None:
        index += other.reshape(-1)
    return np.bincount(index, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
