"""Find the centroids: seeds on coarse points, then Lloyd on every distinct value or pixel."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .binned import BinnedPixels
from .leaves import LeafSource
from .lloyd import LloydResult, Order, Partition, lloyd
from .nearest import Labels
from .parallel import Tick
from .seeding import k_means_plus_plus, random_points
from .sources import PointSource, Source

COARSE_STARTS = (4, 8)
"""Starts that are tried on the coarsest points for each run on all points, from 8 to 16
clusters one for every two, above 32 fewer; the best goes on. They cost little there, and
k-means++ alone often ends in a poor local minimum: more so where clusters are many."""

TRIAL = 4
"""Iterations after which only the best starts go on."""

REORDERED = 10
"""Times that points are brought to rest in another order of clusters; rarely one."""

KEPT = 2
"""Starts that go on. Over 7 images and 10 seeds all of them ended no better, with twice as
many iterations."""

TOLD_APART = 1 << 14
"""Pixels of which the values are told apart where bins are fewer than clusters, ..."""

FURTHER = 16
"""... and how many times more, where that many have too few."""


def as_they_are(centroids: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the order that centroids have."""
    return np.arange(len(centroids))


def distinct(source: PointSource | BinnedPixels, limit: int) -> PointSource:
    """Return at least `limit` distinct points of the source, or all that it has."""
    if isinstance(source, PointSource):
        return source
    pixels, share = source.pixels, max(TOLD_APART, limit) / source.n
    found = np.unique(pixels.at(pixels.draw(share).where), axis=1)
    while found.shape[1] < limit and share < 1:
        share *= FURTHER
        found = np.unique(pixels.at(pixels.draw(share).where), axis=1)
    return PointSource(np.ascontiguousarray(found), np.ones(found.shape[1]))


def run(
    fine: Source,
    coarse: Sequence[PointSource],
    n_clusters: int,
    init: str | NDArray[np.float64],
    *,
    n_init: int,
    max_iter: int,
    tol: float,
    random: np.random.Generator,
    tick: Tick,
    order: Order = as_they_are,
) -> LloydResult:
    """Run k-means.

    Parameters
    ----------
    fine : Source
        All points.
    coarse : sequence of PointSource
        Fewer points that stand for them, and fewer still, each at least `n_clusters`.
    n_clusters : int
        At most the number of points of either.
    init : {"k-means++", "random"} or (n_clusters, n_features) array
        Where to start. An array goes straight to all points, so that the result is the one
        that Lloyd's algorithm reaches from there; the others are first run to rest on
        the coarse points.
    n_init, max_iter, tol, random, tick
        As in `segment`; `tol` in squared feature units.
    order : callable
        Finds the order that clusters are wanted in. Points that lie exactly between two
        centroids go to the first: with `tol` 0 they rest in that order, if it is ever the same
        for two runs.

    Returns
    -------
    LloydResult
        Of the best run on all points.
    """
    if not isinstance(init, str):
        found = lloyd(fine, init[order(init)], tol=tol, max_iter=max_iter, tick=tick)
        return _rest_in_order(fine, found, order, tol, max_iter, tick)
    descend = partial(lloyd, tol=tol, max_iter=max_iter, accelerate=True)
    best: LloydResult | None = None
    for i in range(n_init):

        def within_run(part: float, i: int = i) -> None:
            tick((i + part) / n_init)

        def alive(_: float, within_run: Tick = within_run) -> None:
            # Progress counts iterations on all points; before these it only asks whether to stop.
            within_run(0)

        start = _best_start(coarse[-1], n_clusters, init, max_iter, tol, random, within_run)
        for level in reversed(coarse):
            # Iterations are cheap here: what they still gain they need not gain on all points.
            found = descend(level, start, rough=True, tick=alive)
            start = found.centroids
        found = found.reordered(order(start))
        known = _known(coarse[0], found, fine)
        found = descend(fine, found.centroids, known=known, order=order, tick=within_run)
        if best is None or found.between > best.between:
            best = found
    assert best is not None
    return _rest_in_order(fine, best, order, tol, max_iter, tick)


def _known(
    coarse: PointSource, found: LloydResult, fine: Source
) -> tuple[Labels, Partition] | None:
    """Say what clusters of coarse points are of all points, where these add up to the same."""
    if not isinstance(coarse, LeafSource) or found.labels is None or found.partition is None:
        return None
    labels = coarse.labels_of(fine, found.labels)
    return None if labels is None else (labels, found.partition)


def _rest_in_order(
    fine: Source, found: LloydResult, order: Order, tol: float, max_iter: int, tick: Tick
) -> LloydResult:
    """Put clusters in order; with `tol` 0 let points rest again, which may change it again."""
    for _ in range(REORDERED):
        wanted = order(found.centroids)
        if np.array_equal(wanted, as_they_are(found.centroids)):
            return found
        found = found.reordered(wanted)
        left = max_iter - found.n_iter
        if tol > 0 or left < 1:
            return found
        again = lloyd(fine, found.centroids, max_iter=left, tick=tick)
        found = replace(again, n_iter=found.n_iter + again.n_iter)
    return found.reordered(order(found.centroids))


def _best_start(
    coarse: PointSource,
    n_clusters: int,
    init: str,
    max_iter: int,
    tol: float,
    random: np.random.Generator,
    tick: Tick,
) -> NDArray[np.float64]:
    """Return the best of some quick runs on the coarsest points."""
    seed = k_means_plus_plus if init == "k-means++" else random_points

    def alive(_: float) -> None:
        tick(0)

    descend = partial(lloyd, coarse, tol=tol, accelerate=True, rough=True, tick=alive)
    least, most = COARSE_STARTS
    n_starts = max(1, min(max(least, n_clusters // 2), most, 256 // n_clusters))
    numbers = random.integers(1 << 62, size=n_starts).tolist()
    starts = seed(coarse, n_clusters, [np.random.default_rng(one) for one in numbers], alive)
    # One after the other: on so few points threads would wait for each other.
    results = [descend(start, max_iter=min(TRIAL, max_iter)) for start in starts]
    results.sort(key=lambda result: result.between, reverse=True)
    results = [descend(one.centroids, max_iter=max_iter) for one in results[:KEPT]]
    return max(results, key=lambda result: result.between).centroids
