"""Points in the order of a k-d tree: only few centroids can be nearest to any point of a leaf."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .nearest import Labels, nearest
from .parallel import Span, spans
from .sources import Assign, PointSource

LEAF = 1 << 10
"""Points of a leaf. With half as many, laying out takes longer; twice as many compare slower."""

PIECE = 1 << 18
"""Points that one thread assigns at a time."""

SCORES = 1 << 18
"""Distances of points to candidates that are held at a time: 2 MB."""

BOUNDS = 1 << 20
"""Distances of leaves to centroids that are held at a time: 8 MB."""


@dataclass(frozen=True)
class LeafSource(PointSource):
    """Weighted points whose neighbours in memory are neighbours in space.

    Every `leaf` points are a leaf, from the first on; what remains at the end is none.

    Attributes
    ----------
    features, weights, totals
        As in `PointSource`.
    leaf : int
        Points of a leaf, a power of two.
    order : (n,) array of intp, optional
        Where each point stood before.
    """

    leaf: int = LEAF
    order: NDArray[np.intp] | None = None

    @property
    def pieces(self) -> list[Span]:
        """How the points are cut up for the threads: by whole leaves."""
        return spans(self.n, PIECE, self.leaf)

    @cached_property
    def _boxes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle and half sides of the leaves' bounding boxes, ``(n_features, n_leaves)``."""
        leaves = _cut(self.features, self.leaf)
        low, high = leaves.min(axis=2), leaves.max(axis=2)
        return (low + high) / 2, (high - low) / 2

    def assign_to(self, centroids: NDArray[np.float64]) -> Assign:
        """Return what finds the nearest of these centroids.

        Only the candidates of a leaf are compared (the filtering of Kanungo et al. 2002,
        doi:10.1109/TPAMI.2002.1017616, on the leaves alone), of many leaves at a time.
        """
        n_leaves = max(1, BOUNDS // len(centroids))

        def assign(start: int, stop: int, features: Features, out: Labels) -> None:
            first, last = start // self.leaf, stop // self.leaf
            for leaf in range(first, last, n_leaves):
                some = slice(leaf * self.leaf - start, (leaf + n_leaves) * self.leaf - start)
                possible = self._candidates(centroids, leaf, min(leaf + n_leaves, last))
                self._assign(features[:, some], centroids, possible, out[some])
            rest = slice(last * self.leaf - start, None)
            nearest(features[:, rest], centroids, out[rest])

        return assign

    def _assign(
        self,
        features: Features,
        centroids: NDArray[np.float64],
        possible: NDArray[np.bool_],
        out: Labels,
    ) -> None:
        """Find the nearest of the centroids that are possible for each leaf."""
        n_leaves = possible.shape[1]
        leaves = _cut(features, self.leaf)
        labels = out[: n_leaves * self.leaf].reshape(-1, self.leaf)
        counts = possible.sum(axis=0)
        by_count = np.argsort(counts, kind="stable")
        counts = counts[by_count]
        leaf, candidate = np.nonzero(possible.T[by_count])
        first = np.cumsum(counts) - counts
        # The candidates of each leaf stand first; what is left is filled up with one of them.
        ranked = np.repeat(candidate[first, np.newaxis], counts[-1], axis=1)
        ranked[leaf, np.arange(leaf.size) - first[leaf]] = candidate
        at = 0
        while at < n_leaves:
            # As many leaves as may be; those with fewer candidates compare one again.
            scores = counts[at:] * np.arange(1, n_leaves - at + 1) * self.leaf
            end = at + max(1, int(np.searchsorted(scores, SCORES, side="right")))
            few, some = ranked[at:end, : counts[end - 1]], by_count[at:end]
            labels[some] = _nearest_of(leaves, some, centroids, few, out.dtype)
            at = end

    def _candidates(
        self, centroids: NDArray[np.float64], first: int, last: int
    ) -> NDArray[np.bool_]:
        """Which centroids can be nearest to a point of which leaf, ``(n_clusters, n_leaves)``."""
        middle, half = (sides[:, first:last] for sides in self._boxes)
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


def _cut(features: Features, leaf: int) -> NDArray[np.float64]:
    """View the whole leaves, ``(n_features, n_leaves, leaf)``."""
    n_leaves = features.shape[1] // leaf
    return features[:, : n_leaves * leaf].reshape(len(features), n_leaves, leaf)


def _nearest_of(
    leaves: NDArray[np.float64],
    some: NDArray[np.intp],
    centroids: NDArray[np.float64],
    few: NDArray[np.intp],
    dtype: np.dtype[np.unsignedinteger],
) -> Labels:
    """Nearest centroid of each point of some leaves, of equals the first, ``(n_some, leaf)``.

    `leaves` are ``(n_features, n_leaves, leaf)``, `few` the candidates of each,
    ``(n_some, n_candidates)``.
    """
    if few.shape[1] == 1:
        return few.astype(dtype)
    # As in `nearest`, on all leaves at once; half of |c|^2 is added as the product with a 1.
    points = np.empty((len(leaves) + 1, some.size, leaves.shape[2]))
    for row, feature in zip(points, leaves, strict=False):
        np.take(feature, some, axis=0, out=row, mode="wrap")
    points[-1] = 1
    factors = np.column_stack([-centroids, (centroids**2).sum(axis=1) / 2])
    scores = np.matmul(factors[few], points.transpose(1, 0, 2))
    is_best = scores == scores.min(axis=1, keepdims=True)
    last = dtype.type(len(centroids) - 1)
    number = is_best * (last - few.astype(dtype))[:, :, np.newaxis]
    labels: Labels = last - number.max(axis=1)
    return labels


def in_leaves(points: PointSource, leaf: int = LEAF) -> PointSource:
    """Put points in the order of a k-d tree, if they are more than a leaf.

    Each node is cut near the median of its longest axis, at a whole number of leaves.
    """
    if points.n <= leaf:
        return points
    features, index = points.features.copy(), np.arange(points.n)
    nodes = [(0, points.n)]
    while nodes:
        start, stop = nodes.pop()
        middle = start + (stop - start + leaf - 1) // leaf // 2 * leaf
        if middle == start:
            continue
        node = features[:, start:stop]
        order = np.argpartition(node[np.ptp(node, axis=1).argmax()], middle - start)
        for row in (*node, index[start:stop]):
            row[:] = row[order]
        nodes += [(middle, stop), (start, middle)]
    totals = None if points.totals is None else points.totals[:, index]
    return LeafSource(features, points.weights[index], totals, leaf, index)
