"""Lloyd's algorithm on weighted points or on all pixels of an image."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .binned import BinnedPixels
from .features import Features
from .nearest import Labels, label_dtype, squared_distances, weighted_sum
from .parallel import Tick, map_spans, no_tick
from .sources import PointSource, Source
from .sums import squares_within, sums_by_label

Order = Callable[[NDArray[np.float64]], NDArray[np.intp]]
"""Returns the indices of ``(n_clusters, n_features)`` centroids in the order they should have."""

RELAXATION = 1.5
"""How far accelerated centroids move, in parts of the way to the mean of their points."""

MOMENTUM = 0.5
"""Part of their last move that they make again. Of nine such pairs this one needed the fewest
iterations on most of 6 images, for 5 to 100 clusters; on all colours of a photograph, above 10
clusters, 0.6 to 1 times those of a relaxation of 1.8 alone."""


@dataclass(frozen=True)
class Partition:
    """What one assignment of all points to their nearest centroids adds up to.

    Attributes
    ----------
    counts : (n_clusters,) float64 array
        Weight of each cluster.
    sums : (n_clusters, n_features) float64 array
        Weighted sum of its points.
    changed : bool
        Whether any point changed its cluster.
    """

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    changed: bool

    def reordered(self, order: NDArray[np.intp]) -> "Partition":
        """Return the same with the clusters in another order."""
        return replace(self, counts=self.counts[order], sums=self.sums[order])


def partition(
    source: Source,
    centroids: NDArray[np.float64],
    labels: Labels,
    before: Partition | None = None,
    tick: Tick | None = None,
    *,
    quick: bool = False,
) -> Partition:
    """Assign every point to its nearest centroid.

    Parameters
    ----------
    source : Source
        The points.
    centroids : (n_clusters, n_features) array
        The centroids.
    labels : (source.n,) array of unsigned integers
        The clusters of before on entry, those of now on return. The points of a block that
        take part stand at its beginning.
    before : Partition, optional
        What `labels` added up to on entry. Where sums are exact, only what changed is summed.
    tick : callable, optional
        Progress of this assignment.
    quick : bool
        Whether points that lie nearly between two centroids may get the other one.
    """
    if isinstance(source, BinnedPixels):
        sums, changed = source.partition(centroids, labels, tick)
        return Partition(sums[:, 0], sums[:, 1:], changed)
    k, n_features = centroids.shape
    assign_to_nearest = source.assign_to(centroids, quick=quick)
    differences = before is not None and isinstance(source, PointSource) and source.sums_are_exact

    def assign(start: int, stop: int) -> tuple[NDArray[np.float64], bool]:
        features, weights = source.block(start, stop)
        weighted = source.weighted[:, start:stop] if isinstance(source, PointSource) else features
        m = features.shape[1]
        new, old = np.empty(m, labels.dtype), labels[start : start + m]
        assign_to_nearest(start, stop, features, new)
        if not differences:
            changed = not np.array_equal(new, old)
            old[:] = new
            return _sums(weighted, weights, new, k), changed
        moved = np.flatnonzero(new != old)
        weighted = weighted[:, moved]
        weights = None if weights is None else weights[moved]
        sums = _sums(weighted, weights, new[moved], k) - _sums(weighted, weights, old[moved], k)
        old[moved] = new[moved]
        return sums, moved.size > 0

    total, any_changed = np.zeros((k, 1 + n_features)), False
    if differences and before is not None:
        total[:, 0], total[:, 1:] = before.counts, before.sums
    for sums, changed in map_spans(assign, source.pieces, tick):
        total += sums
        any_changed |= changed
    return Partition(total[:, 0], total[:, 1:], any_changed)


def _sums(
    weighted: Features, weights: NDArray[np.float64] | None, labels: Labels, k: int
) -> NDArray[np.float64]:
    """Weights and weighted features per cluster, ``(k, 1 + n_features)``."""
    return sums_by_label(labels, [weights, *weighted], k)


def inertia(source: Source, centroids: NDArray[np.float64]) -> float:
    """Weighted sum of the points' squared distances to their nearest centroids."""
    if isinstance(source, BinnedPixels):
        return source.label(centroids, None)[1]
    assign_to_nearest = source.assign_to(centroids)

    def add_up(start: int, stop: int) -> float:
        features, weights = source.block(start, stop)
        index = np.empty(features.shape[1], label_dtype(len(centroids)))
        assign_to_nearest(start, stop, features, index)
        return weighted_sum(squared_distances(features, centroids, index), weights)

    return sum(map_spans(add_up, source.pieces))


@dataclass(frozen=True)
class LloydResult:
    """Where Lloyd's algorithm ended.

    Attributes
    ----------
    centroids : (n_clusters, n_features) float64 array
        The centroids after the last iteration.
    n_iter : int
        Iterations that were run.
    converged : bool
        Whether it stopped by itself.
    between : float
        Weighted sum of squares of the last iteration's means: what clusters do not leave
        within them, but for a constant. Of several runs the largest has the least inertia.
    labels : (source.n,) array of unsigned integers, optional
        The clusters of the last iteration, where the source holds points.
    partition : Partition, optional
        What they add up to.
    is_labelled : bool
        Whether `labels` are those of `centroids`, not of the ones before.
    """

    centroids: NDArray[np.float64]
    n_iter: int
    converged: bool
    between: float
    labels: Labels | None = None
    partition: Partition | None = None
    is_labelled: bool = False

    def reordered(self, order: NDArray[np.intp]) -> "LloydResult":
        """Return the same with the clusters in another order."""
        # Points between two centroids go to the first, which may be another one now.
        found = replace(self, centroids=self.centroids[order], is_labelled=False)
        if self.labels is None or self.partition is None:
            return found
        labels = _renumbered(self.labels, order)
        return replace(found, labels=labels, partition=self.partition.reordered(order))


def _renumbered(labels: Labels, order: NDArray[np.intp]) -> Labels:
    """Give points the new number of their cluster; those that have none yet stay what they are."""
    number = np.arange(np.iinfo(labels.dtype).max + 1)
    number[order] = np.arange(order.size)
    return number.astype(labels.dtype).take(labels, mode="clip")


def assign_points(
    source: PointSource, centroids: NDArray[np.float64], found: LloydResult
) -> tuple[Labels, Partition, float]:
    """Assign points to centroids that moved little, if at all, in Lloyd's last iteration.

    Returns
    -------
    labels : (source.n,) array of unsigned integers
        Index of the nearest centroid of each point.
    partition : Partition
        What they add up to.
    inertia : float
        Weighted sum of the squared distances.
    """
    if found.labels is None:
        labels, before = np.zeros(source.n, label_dtype(len(centroids))), None
    else:
        labels, before = found.labels.copy(), found.partition
    after = before if found.is_labelled and before else partition(source, centroids, labels, before)
    within = squares_within(after.counts, after.sums, source.squares, centroids)
    if within is not None:
        return labels, after, within

    def add_up(start: int, stop: int) -> float:
        features, weights = source.block(start, stop)
        return weighted_sum(squared_distances(features, centroids, labels[start:stop]), weights)

    return labels, after, sum(map_spans(add_up, source.pieces))


def lloyd(
    source: Source,
    centroids: NDArray[np.float64],
    *,
    tol: float = 0.0,
    max_iter: int = 300,
    accelerate: bool = False,
    rough: bool = False,
    known: tuple[Labels, Partition] | None = None,
    order: Order | None = None,
    tick: Tick | None = None,
) -> LloydResult:
    """Move centroids to the means of their points until they rest.

    Parameters
    ----------
    source : Source
        The points.
    centroids : (n_clusters, n_features) array
        Where to start.
    tol : float
        Stop when the squared Frobenius norm of the centroids' move is at most this, in
        squared feature units. With 0, when no point changes its cluster.
    max_iter : int
        Iterations at the most.
    accelerate : bool
        Whether centroids overshoot the means and keep some of their last move, which needs
        fewer iterations. Where that leads uphill it is taken back, so that the inertia never
        rises, and it ends at the means in any case. Until they rest, points are compared in
        single precision; then exactly, until they rest again.
    rough : bool
        Whether accelerated centroids need not be exact in the last iteration either.
    known : tuple of labels and Partition, optional
        Clusters that points were in before, whichever, and what they add up to: where most will
        be in the same, there is less to sum.
    order : callable, optional
        Finds the order that clusters are put in where they rest in single precision, so that the
        exact comparisons that follow are those of clusters in this order.
    tick : callable, optional
        Called with a guess of the fraction that is done; an exception that it raises stops
        the work.

    Returns
    -------
    LloydResult
        The centroids.

    Notes
    -----
    A cluster that loses all its points is moved to the point farthest from its own centroid,
    which leaves its old cluster, as scikit-learn's ``KMeans`` does and as MATLAB's
    ``kmeans`` calls "singleton".

    References
    ----------
    Lloyd S.P. (1982) Least squares quantization in PCM. IEEE Transactions on
    Information Theory 28, 129-137. doi:10.1109/TIT.1982.1056489

    Du Q., Emelianenko M. (2006) Acceleration schemes for computing centroidal Voronoi
    tessellations. Numerical Linear Algebra with Applications 13, 173-192.
    doi:10.1002/nla.476 (overrelaxation)

    Polyak B.T. (1964) Some methods of speeding up the convergence of iteration methods. USSR
    Computational Mathematics and Mathematical Physics 4, 1-17.
    doi:10.1016/0041-5553(64)90137-5 (momentum)

    O'Donoghue B., Candès E. (2015) Adaptive restart for accelerated gradient schemes.
    Foundations of Computational Mathematics 15, 715-732. doi:10.1007/s10208-013-9150-3
    (when to give the momentum up)
    """
    labels: Labels = np.full(source.n, np.iinfo(np.uint16).max, np.uint16)
    if len(centroids) < 256:
        labels = np.full(source.n, np.iinfo(np.uint8).max, np.uint8)
    found: Partition | None = None
    if known is not None:
        labels[:], found = known
    tick = tick or no_tick
    done, first_shift = 0.0, 0.0
    n_iter, converged, rested, is_labelled = 0, False, False, False
    step, lowest, fallback, between = np.zeros_like(centroids), np.inf, centroids, 0.0
    # Pixels, whose features are computed each time, are compared in double precision.
    may_be_quick = isinstance(source, PointSource)
    quick = rough and may_be_quick
    while n_iter < max_iter and not converged:
        n_iter += 1
        part_of_rest = (1 - done) / 30

        def within_iteration(part: float, done: float = done, rest: float = part_of_rest) -> None:
            tick(done + rest * part)

        found = partition(source, centroids, labels, found, within_iteration, quick=quick)
        counts, sums = found.counts, found.sums
        is_one_empty = not counts.all()
        if is_one_empty:
            empty = np.flatnonzero(counts == 0)
            counts, sums = _reseed(source, centroids, labels, counts, sums, empty)
        means = centroids.copy()
        np.divide(sums, counts[:, np.newaxis], out=means, where=counts[:, np.newaxis] > 0)
        moves = means - centroids
        squares = (moves * moves).sum(axis=1)
        shift = float(squares.sum())
        between_means = weighted_sum((means * means).sum(axis=1), counts)
        # The inertia of these centroids, but for a constant.
        height = weighted_sum(squares, counts) - between_means
        if height > lowest and step.any():
            # The last step led uphill. The means before it do not.
            centroids, step = fallback, np.zeros_like(step)
            continue
        lowest, fallback, between = height, means, between_means
        at_rest = shift <= tol and not is_one_empty
        if not found.changed and n_iter > 1:
            # The points rest where centroids overshot: they may yet move where these do not.
            at_rest |= not accelerate
            accelerate = False
        converged = at_rest and (rough or not quick)
        if converged and rested and tol > 0:
            # They need not move: what they were compared with are these labels.
            is_labelled = True
            break
        rested = at_rest and quick
        # From there on every comparison is exact.
        may_be_quick &= rough or not at_rest
        quick = may_be_quick and accelerate
        if not accelerate or at_rest or is_one_empty or n_iter == max_iter:
            centroids, step = means, np.zeros_like(step)
            if rested and order is not None:
                by = order(centroids)
                centroids, found = centroids[by], found.reordered(by)
                labels = _renumbered(labels, by)
        else:
            if weighted_sum((moves * step).sum(axis=1), counts) < 0:
                # The last move leads uphill from here: none of it is made again.
                step = np.zeros_like(step)
            step = RELAXATION * moves + MOMENTUM * step
            centroids = centroids + step
        first_shift = first_shift or shift
        # Shifts shrink about geometrically: how far from the first to `tol` on a log scale.
        if 0 < tol < min(first_shift, shift):
            on_the_way = np.log(first_shift / shift) / np.log(first_shift / tol)
            done = max(done + part_of_rest, min(0.95, float(on_the_way)))
        else:
            done += part_of_rest
    if not isinstance(source, PointSource):
        return LloydResult(centroids, n_iter, converged, between)
    return LloydResult(centroids, n_iter, converged, between, labels, found, is_labelled)


def _reseed(
    source: Source,
    centroids: NDArray[np.float64],
    labels: Labels,
    counts: NDArray[np.float64],
    sums: NDArray[np.float64],
    empty: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each empty cluster the farthest point that does not leave its own cluster empty."""
    counts, sums = counts.copy(), sums.copy()
    n_candidates = min(source.n, len(centroids) + empty.size)

    def farthest(start: int, stop: int) -> list[tuple[float, int, float, NDArray[np.float64]]]:
        features, weights = source.block(start, stop)
        own = labels[start : start + features.shape[1]]
        squares = squared_distances(features, centroids, own)
        top = np.argsort(-squares, kind="stable")[:n_candidates]
        return [
            (
                float(squares[i]),
                int(own[i]),
                1.0 if weights is None else float(weights[i]),
                features[:, i].copy(),
            )
            for i in top
        ]

    candidates = [one for part in map_spans(farthest, source.pieces) for one in part]
    candidates.sort(key=lambda one: -one[0])
    waiting = list(empty)
    for distance, own, weight, point in candidates:
        if not waiting or distance == 0:
            break
        if counts[own] <= weight or own in empty:
            continue
        cluster = waiting.pop(0)
        counts[own] -= weight
        sums[own] -= weight * point
        counts[cluster], sums[cluster] = weight, weight * point
    return counts, sums
