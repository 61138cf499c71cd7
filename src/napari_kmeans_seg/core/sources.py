"""What Lloyd's algorithm runs on: weighted points in memory, or the pixels of an image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .features import Features, FeatureSpace
from .nearest import Labels, nearest
from .parallel import Span, spans
from .pixels import Pixels

SPAN = 1 << 15
"""Points that one thread assigns at a time."""

LEAF = 1 << 13
"""Points of a leaf of the k-d tree at the most; 4,096 and 16,384 measured slower."""

Assign = Callable[[int, int, Features, Labels], object]
"""Writes the nearest centroids of the points from start to stop: (start, stop, features, out)."""


def _assign_to_all(centroids: NDArray[np.float64]) -> Assign:
    def assign(_start: int, _stop: int, features: Features, out: Labels) -> None:
        nearest(features, centroids, out)

    return assign


class Source(Protocol):
    """Points that can be read block by block."""

    @property
    def n(self) -> int:
        """Number of points, or of pixels that may take part."""

    @property
    def pieces(self) -> list[Span]:
        """How the points are cut up for the threads."""

    def block(self, start: int, stop: int) -> tuple[Features, NDArray[np.float64] | None]:
        """Features and weights (None: all 1) of the points from `start` to `stop`."""

    def assign_to(self, centroids: NDArray[np.float64]) -> Assign:
        """Return what finds the nearest of these centroids."""


@dataclass(frozen=True)
class PixelSource:
    """The pixels of an image, whose features are computed block by block."""

    pixels: Pixels
    space: FeatureSpace

    @property
    def n(self) -> int:
        """Number of pixels, those that do not take part included."""
        return self.pixels.n_pixels

    @property
    def pieces(self) -> list[Span]:
        """How the pixels are cut up for the threads."""
        return spans(self.n, SPAN)

    def block(self, start: int, stop: int) -> tuple[Features, None]:
        """Features of the pixels from `start` to `stop` that take part."""
        return self.space.of_pixels(self.pixels, start, stop), None

    def assign_to(self, centroids: NDArray[np.float64]) -> Assign:
        """Return what finds the nearest of these centroids."""
        return _assign_to_all(centroids)


@dataclass(frozen=True)
class PointSource:
    """Weighted points in memory.

    Attributes
    ----------
    features : (n_features, n) float64 array
        The points.
    weights : (n,) float64 array
        How many pixels each stands for.
    starts : (n_leaves + 1,) int array or None
        Where the leaves of a k-d tree begin, and n, if the points stand in its order.
    """

    features: Features
    weights: NDArray[np.float64]
    starts: NDArray[np.intp] | None = None

    @property
    def n(self) -> int:
        """Number of points."""
        return self.weights.size

    @property
    def pieces(self) -> list[Span]:
        """How the points are cut up for the threads: by whole leaves."""
        if self.starts is None:
            return spans(self.n, SPAN)
        cuts = [*self.starts[:-1][:: SPAN // LEAF].tolist(), self.n]
        return list(pairwise(cuts))

    def block(self, start: int, stop: int) -> tuple[Features, NDArray[np.float64]]:
        """Features and weights of the points from `start` to `stop`."""
        return self.features[:, start:stop], self.weights[start:stop]

    @cached_property
    def sums_are_exact(self) -> bool:
        """Whether all sums of weights and weighted features are integers that floats hold.

        Then what changes its cluster can be taken from one sum and added to another, and the
        sums are those of all points, bit for bit.
        """
        for feature in self.features:
            weighted = self.weights * feature
            if np.abs(weighted).sum() >= 2.0**53 or (weighted != np.rint(weighted)).any():
                return False
        return bool((self.weights == np.rint(self.weights)).all())

    def assign_to(self, centroids: NDArray[np.float64]) -> Assign:
        """Return what finds the nearest of these centroids.

        In the order of a k-d tree only few centroids can be the nearest to any point of a leaf,
        and only these are compared (the filtering of Kanungo et al. 2002,
        doi:10.1109/TPAMI.2002.1017616, on the leaves alone).
        """
        if self.starts is None:
            return _assign_to_all(centroids)
        starts, candidates = self.starts, self._candidates(centroids)

        def assign(start: int, stop: int, features: Features, out: Labels) -> None:
            first, last = np.searchsorted(starts, (start, stop))
            for leaf in range(first, last):
                part = slice(starts[leaf] - start, starts[leaf + 1] - start)
                few = np.flatnonzero(candidates[:, leaf]).astype(out.dtype)
                if few.size == 1:
                    out[part] = few[0]
                else:
                    nearest(features[:, part], centroids[few], out[part])
                    out[part] = few[out[part]]

        return assign

    @cached_property
    def _boxes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle and half sides of the leaves' bounding boxes, ``(n_features, n_leaves)``."""
        assert self.starts is not None
        low = np.minimum.reduceat(self.features, self.starts[:-1], axis=1)
        high = np.maximum.reduceat(self.features, self.starts[:-1], axis=1)
        return (low + high) / 2, (high - low) / 2

    def _candidates(self, centroids: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which centroids can be nearest to a point of which leaf, ``(n_clusters, n_leaves)``."""
        middle, half = self._boxes
        # As in `nearest`: half the squared distance to the middle, but for |middle|^2 / 2.
        scores = (centroids**2).sum(axis=1)[:, np.newaxis] / 2 - centroids @ middle
        best = scores.argmin(axis=0)
        # How much a centroid can gain on the best one on the way to a corner of the box.
        gain = np.zeros_like(scores)
        for coordinate, side in zip(centroids.T, half, strict=True):
            gain += np.abs(coordinate[:, np.newaxis] - coordinate[best]) * side
        # What rounding may have done to the scores.
        margin = 1e-9 * (np.abs(scores).max(axis=0) + gain)
        possible: NDArray[np.bool_] = scores - scores.min(axis=0) <= gain + margin
        return possible


def in_leaves(points: PointSource) -> PointSource:
    """Put points in the order of a k-d tree, if they are more than one thread's work.

    Each node is halved at the median of its longest axis, down to leaves of at most
    8,192 points.
    """
    if points.n <= SPAN:
        return points
    features, weights = points.features.copy(), points.weights.copy()
    starts: list[int] = []
    nodes = [(0, points.n)]
    while nodes:
        start, stop = nodes.pop()
        if stop - start <= LEAF:
            starts.append(start)
            continue
        node = features[:, start:stop]
        half = (stop - start) // 2
        order = np.argpartition(node[np.ptp(node, axis=1).argmax()], half)
        for row in (*node, weights[start:stop]):
            row[:] = row[order]
        nodes += [(start + half, stop), (start, start + half)]
    return PointSource(features, weights, np.array([*starts, points.n]))
