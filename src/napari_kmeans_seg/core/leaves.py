"""Points along a Hilbert curve: only few centroids can be nearest to any point of a leaf."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .curve import PLACE_BITS, along_curve, places_in_z_order
from .features import Features
from .nearest import Labels, nearest
from .parallel import Span, map_spans, spans
from .pixels import spread
from .sources import POINTS, Assign, PointSource, Source
from .standing import SINGLE, standing_for_all, wide_cells
from .sums import sums_by_label

LEAVES = 1 << 8
"""Leaves that points are cut into, about, ..."""

LEAF = (1 << 6, 1 << 9)
"""... of at least and at most so many points: few leaves have many candidates, many take long."""

PIECE = (1 << 18) - 1
"""Points that one thread assigns at a time. More pieces would wait for each other at every call;
a sample of 1 << 18 pixels, which need many candidates, gains by being two."""

SCORES = 1 << 18
"""Distances of points to candidates that are held at a time."""

BOUNDS = 1 << 20
"""Distances of leaves to centroids that are held at a time: 8 MB."""

WIDE = 10_000
"""How far the farthest point may lie, in parts of where most points lie, for single precision."""

SAMPLE = 1 << 12
"""Points that are looked at to find where most of them lie."""

ROUNDING = {8: 1e-9, 4: 1e-5}
"""Part of a score that rounding may change, in double and in single precision."""

FEW = 1 << 19
"""Distances to all centroids that are compared sooner than candidates are found."""


@dataclass(frozen=True)
class LeafSource(PointSource):
    """Weighted points whose neighbours in memory are neighbours in space.

    Every `leaf` points are a leaf, from the first on; the last is filled up with its last point.

    Attributes
    ----------
    features, weights, totals
        As in `PointSource`.
    places : (n,) array of uint32, ascending
        Where the points stand on a curve: those whose places begin with the same bits are
        neighbours.
    leaf : int
        Points of a leaf, a power of two.
    order : (n,) array of intp, optional
        Where each point stood before.
    finer : LeafSource, optional
        The points that these were summed up from.
    starts : (n,) array of intp, optional
        Index of the first of them that each was summed up from.
    """

    places: NDArray[np.uint32] = field(kw_only=True)
    leaf: int = LEAF[1]
    order: NDArray[np.intp] | None = None
    finer: "LeafSource | None" = None
    starts: NDArray[np.intp] | None = None

    @property
    def pieces(self) -> list[Span]:
        """How the points are cut up for the threads: by whole leaves."""
        return spans(self.n, PIECE, self.leaf)

    def labels_of(self, source: Source, labels: Labels) -> Labels | None:
        """Give the points of a source labels, if it is these or what they were summed up from."""
        if source is self:
            return labels
        if source is not self.finer or self.starts is None:
            return None
        return np.repeat(labels, np.diff(self.starts, append=self.finer.n))

    @cached_property
    def _boxes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle, with a 1 as its last feature, and half sides of the leaves' bounding boxes."""
        points = self._blocks[:, :-1]
        low, high = points.min(axis=2), points.max(axis=2)
        return _with_ones((low + high) / 2), (high - low) / 2

    @cached_property
    def _blocks(self) -> NDArray[np.float64]:
        """Points of each leaf with a 1 as their last feature, ``(n_leaves, 1 + n, leaf)``."""
        n_features, n_leaves = len(self.features), -(-self.n // self.leaf)
        blocks = np.ones((n_leaves, n_features + 1, self.leaf))
        n_whole = self.n // self.leaf
        whole = self.features[:, : n_whole * self.leaf].reshape(n_features, n_whole, self.leaf)
        blocks[:n_whole, :-1] = whole.transpose(1, 0, 2)
        if n_whole < n_leaves:
            rest = self.features[:, n_whole * self.leaf :]
            blocks[-1, :-1] = np.pad(rest, ((0, 0), (0, self.leaf - rest.shape[1])), "edge")
        return blocks

    @cached_property
    def _unit(self) -> float:
        """Factor that brings the features to at most 1; 0 where single precision is not enough."""
        most = float(np.abs(self.features).max())
        few = self.features[:, :: 1 + self.n // SAMPLE]
        usual = float(np.ptp(np.quantile(few, [0.05, 0.95], axis=1), axis=0).max())
        return 2.0 ** -np.frexp(most)[1] if most < WIDE * usual else 0.0

    @cached_property
    def _quick_blocks(self) -> NDArray[np.float32]:
        blocks = np.ones(self._blocks.shape, np.float32)
        np.multiply(self._blocks[:, :-1], self._unit, out=blocks[:, :-1], casting="same_kind")
        return blocks

    @cached_property
    def _quick_boxes(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        middle, half = self._boxes
        middle = _with_ones(middle[:, :-1] * self._unit)
        return middle.astype(np.float32), (half * self._unit).astype(np.float32)

    @cached_property
    def _quick_features(self) -> NDArray[np.float32]:
        """All points with a 1 as their last feature, ``(n_features + 1, n)``."""
        points = np.ones((len(self.features) + 1, self.n), np.float32)
        np.multiply(self.features, self._unit, out=points[:-1], casting="same_kind")
        return points

    def assign_to(self, centroids: NDArray[np.float64], *, quick: bool = False) -> Assign:
        """Return what finds the nearest of these centroids.

        Only the candidates of a leaf are compared (the filtering of Kanungo et al. 2002,
        doi:10.1109/TPAMI.2002.1017616, on the leaves alone), of many leaves at a time.
        """
        k = len(centroids)
        if len(self.features) == 1:
            return super().assign_to(centroids)
        if k * self.n <= FEW:
            return self._compare_all(centroids) if quick else super().assign_to(centroids)
        is_quick = quick and bool(self._unit)
        blocks: NDArray[np.floating[Any]] = self._quick_blocks if is_quick else self._blocks
        boxes: tuple[NDArray[np.floating[Any]], ...]
        boxes = self._quick_boxes if is_quick else self._boxes
        compared = centroids * self._unit if is_quick else centroids
        # As in `nearest`; half of |c|^2 is added as the product with a 1.
        factors = np.column_stack([-compared, (compared**2).sum(axis=1) / 2])
        factors = factors.astype(blocks.dtype, copy=False)
        n_leaves = max(1, BOUNDS // k)

        def assign(start: int, stop: int, _features: Features, out: Labels) -> None:
            first, last = start // self.leaf, -(-stop // self.leaf)
            # Of a leaf that was filled up only the first labels are wanted.
            is_whole = out.size % self.leaf == 0
            labels = out if is_whole else np.empty((last - first) * self.leaf, out.dtype)
            by_leaf = labels.reshape(-1, self.leaf)
            for begin in range(first, last, n_leaves):
                end = min(begin + n_leaves, last)
                possible = _candidates(factors, *(sides[begin:end] for sides in boxes))
                _assign(blocks[begin:end], factors, possible, by_leaf[begin - first : end - first])
            if not is_whole:
                out[:] = labels[: out.size]

        return assign

    def _compare_all(self, centroids: NDArray[np.float64]) -> Assign:
        """Find the nearest of all centroids, in single precision where that is enough."""
        if not self._unit:
            return super().assign_to(centroids)
        points = self._quick_features
        compared = (centroids * self._unit).astype(points.dtype)

        def assign(start: int, stop: int, _features: Features, out: Labels) -> None:
            nearest(points[:, start:stop], compared, out, ones=True)

        return assign


def _with_ones(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give ``(n, n_features)`` points a 1 as their last feature."""
    return np.column_stack([points, np.ones(len(points))])


def _candidates(
    factors: NDArray[np.floating[Any]],
    middle: NDArray[np.floating[Any]],
    half: NDArray[np.floating[Any]],
) -> NDArray[np.bool_]:
    """Which centroids can be nearest to a point of which leaf, ``(n_leaves, n_clusters)``.

    Parameters
    ----------
    factors : (n_clusters, 1 + n_features) array
        As in `_assign`.
    middle : (n_leaves, 1 + n_features) array
        Middle of the leaves' bounding boxes, and ones.
    half : (n_leaves, n_features) array
        Half their sides.
    """
    # As in `nearest`: half the squared distance to the middle, but for |middle|^2 / 2.
    scores = middle @ factors.T
    best = scores.argmin(axis=1)
    # How much a centroid can gain on the best one on the way to a corner of the box.
    gain, difference = np.zeros_like(scores), np.empty_like(scores)
    for coordinate, side in zip(factors.T[:-1].copy(), half.T, strict=True):
        np.subtract(coordinate, coordinate[best, np.newaxis], out=difference)
        np.abs(difference, out=difference)
        difference *= side[:, np.newaxis]
        gain += difference
    least = scores[np.arange(best.size), best]
    # What rounding may have done to them.
    rounding = ROUNDING[scores.dtype.itemsize]
    gain *= 1 + rounding
    gain += (least + rounding * max(scores.max(), -least.min()))[:, np.newaxis]
    possible: NDArray[np.bool_] = scores <= gain
    return possible


def _assign(
    blocks: NDArray[np.floating[Any]],
    factors: NDArray[np.floating[Any]],
    possible: NDArray[np.bool_],
    labels: Labels,
) -> None:
    """Find the nearest of the centroids that are possible for each leaf; of equals, the first.

    Parameters
    ----------
    blocks : (n_leaves, 1 + n_features, leaf) array
        The points, and ones.
    factors : (n_clusters, 1 + n_features) array
        What their products with the points are compared by.
    possible : (n_leaves, n_clusters) bool array
        The candidates.
    labels : (n_leaves, leaf) array of unsigned integers
        Where the indices go.
    """
    n_leaves, _, leaf = blocks.shape
    counts = possible.sum(axis=1)
    by_count = np.argsort(counts, kind="stable")
    counts = counts[by_count]
    home = np.repeat(np.arange(n_leaves), counts)
    candidate = np.flatnonzero(possible[by_count]) - home * len(factors)
    first = np.cumsum(counts) - counts
    # The candidates of each leaf stand first; what is left is filled up with one of them.
    ranked = np.repeat(candidate[first, np.newaxis], counts[-1], axis=1)
    ranked[home, np.arange(home.size) - first[home]] = candidate
    # Counted from the last, so that the largest is the first of equals.
    last = labels.dtype.type(len(factors) - 1)
    numbers = (last - ranked.astype(labels.dtype)).T[:, :, np.newaxis]
    at = int(np.searchsorted(counts, 1, side="right"))
    labels[by_count[:at]] = ranked[:at, :1]
    sizes = np.arange(leaf, (n_leaves + 1) * leaf, leaf)
    held = np.empty(max(SCORES, int(counts[-1]) * leaf), blocks.dtype)
    while at < n_leaves:
        # As many leaves as may be; those with fewer candidates compare one again.
        scores = counts[at:] * sizes[: n_leaves - at]
        end = at + max(1, int(np.searchsorted(scores, SCORES, side="right")))
        few, some = ranked[at:end, : counts[end - 1]], by_count[at:end]
        # All leaves of one candidate after the other: long rows are compared faster.
        score = held[: few.size * leaf].reshape(few.shape[1], few.shape[0], leaf)
        points = blocks.take(some, axis=0)
        np.matmul(factors[few], points, out=score.transpose(1, 0, 2))
        is_best = score == np.minimum.reduce(score, axis=0)
        # Seen as numbers: NumPy takes longer to convert than to multiply.
        number = np.maximum.reduce(is_best.view(np.uint8) * numbers[: len(score), at:end], axis=0)
        labels[some] = last - number
        at = end


def _leaf_of(n: int) -> int:
    """Points of a leaf of so many points."""
    least, most = LEAF
    return min(max(least, 1 << (n // LEAVES).bit_length() >> 1), most)


def in_leaves(points: PointSource, leaf: int | None = None) -> LeafSource:
    """Put points in the order of a Hilbert curve."""
    leaf = leaf or _leaf_of(points.n)
    order, places = along_curve(points.features)
    # Not `features[:, order]`, which would lie in memory point by point.
    features, weights = points.features.take(order, axis=1), points.weights[order]
    totals = None if points.totals is None else points.totals.take(order, axis=1)
    return LeafSource(features, weights, totals, places=places, leaf=leaf, order=order)


def in_cells(points: PointSource, n_bits: int) -> LeafSource:
    """Sum points up to the means of those that lie in one cell of space, in any order.

    Where cells may be of any width, points of those in which they lie far apart stand for
    themselves.

    Parameters
    ----------
    points : PointSource
        The points.
    n_bits : int
        How many bits of a place tell cells apart.
    """
    shift = np.uint32(PLACE_BITS - n_bits)
    places, by_rank = places_in_z_order(points.features)
    cells = (places >> shift).astype(np.intp)
    rows = [points.weights, *points.weighted]
    if by_rank:
        rows.append((points.features * points.weighted).sum(axis=0))

    def sum_up(start: int, stop: int) -> NDArray[np.float64]:
        return sums_by_label(cells[start:stop], [row[start:stop] for row in rows], 1 << n_bits).T

    total = np.zeros((len(rows), 1 << n_bits))
    for part in map_spans(sum_up, spans(points.n, POINTS)):
        total += part
    if by_rank:
        single = np.flatnonzero(wide_cells(total)[cells])
        single = single[spread(single.size, SINGLE)]
        kept = points.features[:, single], points.weights[single]
        return in_leaves(standing_for_all(total, cells[single], *kept))
    occupied = np.flatnonzero(total[0] != 0)
    weights, *totals = total[:, occupied]
    places, leaf = occupied.astype(np.uint32) << shift, _leaf_of(occupied.size)
    return LeafSource(totals / weights, weights, np.stack(totals), places=places, leaf=leaf)


def coarser(points: LeafSource, n_points: int) -> LeafSource:
    """Sum points up to the means of those that follow each other on the curve.

    Each gap between two points counts as the square root of what their sum of squares would be
    were they one. Half of the cuts lie in the widest gaps, so that what lies far from all else
    stays apart however little it weighs; the others at equal distances of what the rest of the
    gaps adds up to.

    Parameters
    ----------
    points : LeafSource
        The points.
    n_points : int
        How many there may be.

    Notes
    -----
    Quantizing a density has the least error where ``(w d^2)^a`` is the same from each level to
    the next, with their distance `d` and the weight `w` between them; `a` is 1/3 on a line [1]_
    and ``n / (n + 2)`` in `n` dimensions [2]_: 1/2 is between, and the same for all.

    References
    ----------
    .. [1] Panter P.F., Dite W. (1951) Quantization distortion in pulse-count modulation with
       nonuniform spacing of levels. Proceedings of the IRE 39, 44-48.
       doi:10.1109/JRPROC.1951.230419
    .. [2] Gersho A. (1979) Asymptotically optimal block quantization. IEEE Transactions on
       Information Theory 25, 373-380. doi:10.1109/TIT.1979.1056067
    """
    if points.n <= n_points:
        return points
    weights = points.weights
    steps = np.diff(points.features, axis=1)
    gaps = np.sqrt((steps**2).sum(axis=0) * weights[1:] * weights[:-1])
    gaps /= np.sqrt(weights[1:] + weights[:-1])
    n_wide = n_points // 2
    wide = np.argpartition(gaps, -n_wide)[gaps.size - n_wide :]
    gaps[wide] = 0
    share = np.cumsum(gaps)
    share *= (n_points - 1 - n_wide) / (share[-1] or 1.0)
    cuts = np.diff(share.astype(np.intp), prepend=0) > 0
    cuts[wide] = True
    starts = np.concatenate([[0], np.flatnonzero(cuts) + 1])
    weights = np.add.reduceat(points.weights, starts)
    totals = np.add.reduceat(points.weighted, starts, axis=1)
    return LeafSource(
        totals / weights,
        weights,
        totals,
        places=points.places[starts],
        leaf=_leaf_of(starts.size),
        finer=points,
        starts=starts,
    )
