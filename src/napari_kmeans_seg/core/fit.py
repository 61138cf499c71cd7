"""Find the centroids: seeds on coarse bins, then Lloyd on every distinct value or pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bins import N_BINS, bin_grid, sum_bins
from .features import Features
from .lloyd import LloydResult, PointSource, Source, lloyd, partition
from .nearest import label_dtype
from .optimal import optimal_partitions
from .parallel import Tick, map_spans, spans
from .seeding import k_means_plus_plus, random_points

COARSE_STARTS = 4
"""Starts that are tried on the coarse bins for each run on all points; the best goes on.
They cost little there, and k-means++ alone often ends in a poor local minimum."""

SAMPLE = 1 << 16
"""Points that decide where the bins lie."""


@dataclass(frozen=True)
class FitResult:
    """Centroids of the best run.

    Attributes
    ----------
    centroids : (n_clusters, n_features) float64 array
        In the feature space.
    n_iter : int
        Iterations on all points.
    converged : bool
        Whether they stopped by themselves.
    """

    centroids: NDArray[np.float64]
    n_iter: int
    converged: bool


def coarsen(source: Source, sample: Features, tick: Tick | None = None) -> PointSource:
    """Sum points up to the means of at most some 32,768 bins.

    Parameters
    ----------
    source : Source
        The points.
    sample : (n_features, n) array
        Some of them, to choose the bins by.
    tick : callable, optional
        Progress.
    """
    if isinstance(source, PointSource) and source.n <= N_BINS:
        return source
    grid = bin_grid(sample)

    def sums(start: int, stop: int) -> NDArray[np.float64]:
        return sum_bins(grid, *source.block(start, stop))

    total = np.zeros((1 + len(sample), grid.size))
    for part in map_spans(sums, spans(source.n), tick):
        total += part
    occupied = np.flatnonzero(total[0])
    weights = total[0, occupied]
    return PointSource(total[1:, occupied] / weights, weights)


def distinct(source: Source, limit: int) -> PointSource:
    """Return at least `limit` distinct points of the source, or all that it has."""
    found = np.empty((0, 0))
    for start, stop in spans(source.n, 1 << 16):
        features = source.block(start, stop)[0]
        both = np.concatenate([found, features], axis=1) if found.size else features
        found = np.unique(both, axis=1)
        if found.shape[1] >= limit:
            break
    return PointSource(np.ascontiguousarray(found), np.ones(found.shape[1]))


def run(
    fine: Source,
    coarse: PointSource,
    n_clusters: int,
    init: str | NDArray[np.float64],
    *,
    n_init: int,
    max_iter: int,
    tol: float,
    random: np.random.Generator,
    tick: Tick,
) -> FitResult:
    """Run k-means.

    Parameters
    ----------
    fine : Source
        All points.
    coarse : PointSource
        Few points that stand for them; `fine` itself where that is small.
    n_clusters : int
        At most the number of points of either.
    init : {"k-means++", "random", "optimal"} or (n_clusters, n_features) array
        Where to start. An array goes straight to all points, so that the result is the one
        that Lloyd's algorithm reaches from there; the others are first run to rest on
        the coarse points.
    n_init, max_iter, tol, random, tick
        As in `segment`; `tol` in squared feature units.
    """
    if not isinstance(init, str):
        return _finish(fine, lloyd(fine, init, tol=tol, max_iter=max_iter, tick=tick))
    if init == "optimal":
        start = _optimal(coarse, n_clusters)
        return _finish(fine, lloyd(fine, start, tol=tol, max_iter=max_iter, tick=tick))
    best: tuple[float, LloydResult] | None = None
    for i in range(n_init):
        start = _coarse_start(coarse, n_clusters, init, max_iter, tol, random)

        def within_run(part: float, i: int = i) -> None:
            tick((i + part) / n_init)

        result = lloyd(fine, start, tol=tol, max_iter=max_iter, tick=within_run)
        inertia = 0.0
        if n_init > 1:
            inertia = partition(
                fine, result.centroids, np.zeros(fine.n, label_dtype(n_clusters)), inertia=True
            ).inertia
        if best is None or inertia < best[0]:
            best = inertia, result
    assert best is not None
    return _finish(fine, best[1])


def _optimal(coarse: PointSource, n_clusters: int) -> NDArray[np.float64]:
    order = np.argsort(coarse.features[0])
    found = optimal_partitions(coarse.features[0, order], coarse.weights[order], n_clusters)
    return found.centroids(n_clusters)[:, np.newaxis]


def _coarse_start(
    coarse: PointSource,
    n_clusters: int,
    init: str,
    max_iter: int,
    tol: float,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the best of some quick runs on the coarse points."""
    seed = k_means_plus_plus if init == "k-means++" else random_points
    best_inertia, best = np.inf, None
    for _ in range(COARSE_STARTS):
        start = seed(coarse, n_clusters, random)
        result = lloyd(coarse, start, tol=tol, max_iter=max_iter)
        labels = np.zeros(coarse.n, label_dtype(n_clusters))
        inertia = partition(coarse, result.centroids, labels, inertia=True).inertia
        if inertia < best_inertia:
            best_inertia, best = inertia, result.centroids
    assert best is not None
    return best


def _finish(fine: Source, result: LloydResult) -> FitResult:
    """Make sure that no cluster is empty when the pixels are labelled.

    The last move of the centroids may leave one without points; a few more iterations
    then give it the farthest point.
    """
    centroids, n_iter = result.centroids, result.n_iter
    for _ in range(10):
        labels = np.zeros(fine.n, label_dtype(len(centroids)))
        if partition(fine, centroids, labels).counts.all():
            break
        centroids = lloyd(fine, centroids, max_iter=1).centroids
        n_iter += 1
    return FitResult(centroids, n_iter, result.converged)
