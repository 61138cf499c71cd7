"""Find the centroids: seeds on few points, then Lloyd on more and more of them, and on all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Tick, part_of
from .assignment import Assignment
from .lloyd import LloydResult, lloyd
from .points import WeightedPoints
from .seeding import Seeding

FEWEST_POINTS, FEWEST_NUMBERS, FEWEST_PER_CLUSTER = 1 << 12, 1 << 15, 32
"""Points of the coarsest level, about, and numbers that they have; at least for each cluster."""

MOST_POINTS, MOST_PER_CLUSTER = 1 << 15, 1 << 13
"""Points of the finest level at the most, or for each cluster."""

N_STARTS, STARTS_TIMES_CLUSTERS = 4, 192
"""Starts on few points, of which the best goes on; fewer where clusters are many."""

CLEARLY = 1 + 1e-12
"""How many times more squares the better of two starts leaves out: of equals, which rounding makes
differ, it is the first."""

CLOSE = 1e-3
"""Part of the inertia that one more move of the centroids may gain where all points rest."""


def level_sizes(n: int, n_features: int, n_clusters: int) -> list[int]:
    """Say how many points the levels have that stand for `n`, the coarsest first.

    Each has eight times the points of the one before.
    """
    least = max(min(FEWEST_POINTS, FEWEST_NUMBERS // n_features), FEWEST_PER_CLUSTER * n_clusters)
    most = max(MOST_POINTS, MOST_PER_CLUSTER * n_clusters)
    # Few points are all of the finest level.
    share = n if n * n_features <= 1 << 18 else n // 4
    sizes = [max(least, min(share, most))]
    while sizes[0] > 2 * least:
        sizes.insert(0, max(least, sizes[0] // 8))
    return sizes


def start_of(
    sample: WeightedPoints,
    sizes: Sequence[int],
    n_clusters: int,
    random: np.random.Generator,
    *,
    seeding: Seeding,
    tol: float,
    max_iter: int,
    tick: Tick,
) -> tuple[LloydResult, float]:
    """Find where centroids rest on a sample, by way of fewer of its points.

    Parameters
    ----------
    sample : WeightedPoints
        Points that stand for all, at least `n_clusters` different ones.
    sizes : sequence of int
        How many of them are taken first, then more: see `level_sizes`.
    n_clusters : int
        How many centroids.
    random : numpy.random.Generator
        Draws seeds and points.
    seeding : callable
        Chooses the seeds.
    tol, max_iter, tick
        As in `lloyd`.

    Returns
    -------
    result : LloydResult
        On the sample.
    rest : float
        Mean squared distance that one more move may gain where all points rest.
    """
    # Progress counts iterations on all points; before these it only asks whether to stop.
    watch = part_of(tick, 0, 0)
    coarsest, *more = [*(size for size in sizes if size < sample.n), sample.n]
    few = sample.fewer(coarsest, sample.squares, random)
    rough = Assignment(sample, n_clusters)
    rough.move(seeding(few, n_clusters, random, watch), watch)
    # Seeds have some two or three times the inertia of what they lead to.
    rest = CLOSE / 2 * rough.inertia / sample.total
    if more:
        # Points far from all of some seeds are drawn the more often: whole clusters may be rare.
        squares, of_cluster = rough.squares(), rough.counts.take(rough.labels)
        levels = [sample.fewer(size, squares, random, of_cluster) for size in (coarsest, *more)]
    else:
        levels = [few]
    levels = [level for level in levels if level.n >= n_clusters] or [sample]
    n_starts = int(np.clip(STARTS_TIMES_CLUSTERS // n_clusters, 1, N_STARTS))
    found: LloydResult | None = None
    for _ in range(n_starts):
        start = seeding(levels[0], n_clusters, random, watch)
        one = _descend(levels[0], start, tol, rest, max_iter, watch)[0]
        if found is None or one.between > found.between * CLEARLY:
            found = one
    assert found is not None
    for level in levels[1:]:
        found, assigned = _descend(level, found.centroids, tol, rest, max_iter, watch)
        rest = CLOSE * assigned.inertia / level.total
    return found, rest


def _descend(
    points: WeightedPoints,
    start: NDArray[np.float64],
    tol: float,
    rest: float,
    max_iter: int,
    tick: Tick,
) -> tuple[LloydResult, Assignment]:
    assigned = Assignment(points, len(start))
    found = lloyd(
        assigned, start, tol=tol, rest=rest, max_iter=max_iter, accelerate=True, tick=tick
    )
    return found, assigned
