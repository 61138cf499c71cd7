"""Globally optimal k-means in one dimension."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Tick, no_tick
from .intervals import GroupedIntervals, Intervals, PlainIntervals

CLEAR = 1e-5
"""Part of the cost of one cluster from which plain prefix sums give a cost to 9 digits or so."""


def length_dtype(n: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Smallest dtype that holds how many of `n` values are in the last of several clusters."""
    return np.dtype(np.min_scalar_type(n - 1))


def most_clusters(n: int) -> int:
    """Return for how many clusters the table of `n` values has at most 512 MB."""
    return (1 << 29) // (n * length_dtype(n).itemsize)


@dataclass(frozen=True)
class OptimalPartitions:
    """The optimal partitions of sorted values into 1, 2, ... clusters.

    Attributes
    ----------
    costs : (n_clusters_max,) float64 array
        Smallest possible inertia with 1, 2, ... clusters.
    """

    costs: NDArray[np.float64]
    _intervals: Intervals
    _lengths: tuple[NDArray[np.unsignedinteger[Any]], ...]

    def centroids(self, n_clusters: int) -> NDArray[np.float64]:
        """Means of the optimal partition into `n_clusters`, ascending, ``(n_clusters,)``."""
        stop = self._intervals.n
        means = np.empty(n_clusters)
        for q in range(n_clusters - 1, -1, -1):
            start = stop - int(self._lengths[q][stop - 1]) if q else 0
            means[q] = self._intervals.mean(start, stop)
            stop = start
        return means


def optimal_partitions(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    n_clusters: int,
    tick: Tick = no_tick,
) -> OptimalPartitions:
    """Find the globally optimal k-means of weighted values for 1 to `n_clusters` clusters.

    Parameters
    ----------
    values : (n,) float64 array
        Distinct values, ascending.
    weights : (n,) float64 array
        Their weights, above 0.
    n_clusters : int
        Most clusters, at most n.
    tick : callable, optional
        Progress.

    Returns
    -------
    OptimalPartitions
        Costs and centroids for each number of clusters up to `n_clusters`.

    Notes
    -----
    Dynamic programming over clusters: the best partition of the first i values into q
    clusters ends with some interval, and what stands before it is the best partition of those
    values into q - 1. Where that last interval begins only grows with i, so the
    beginnings are found by divide and conquer, all middles of a level at once:
    O(n_clusters n log n) in all, without a loop over values. Where the costs found are too
    small beside those of one cluster to be given by plain prefix sums, it is done once more
    with sums of `GroupedIntervals`.

    References
    ----------
    Wang H., Song M. (2011) Ckmeans.1d.dp: optimal k-means clustering in one dimension by
    dynamic programming. The R Journal 3(2), 29-33. doi:10.32614/RJ-2011-015

    Grønlund A., Larsen K.G., Mathiasen A., Nielsen J.S., Schneider S., Song M. (2017) Fast
    exact k-means, k-medians and Bregman divergence clustering in 1D. arXiv:1701.07204
    """
    found = _partitions(PlainIntervals(values, weights), n_clusters, tick)
    if found.costs[-1] >= CLEAR * found.costs[0]:
        return found
    # Groups of values that have sums of their own: four for each cluster.
    n_groups = min(max(1 << 7, 4 * n_clusters), 1 << 10)
    return _partitions(GroupedIntervals(values, weights, n_groups), n_clusters, tick)


def _partitions(intervals: Intervals, n_clusters: int, tick: Tick) -> OptimalPartitions:
    ends = np.arange(1, intervals.n + 1)
    # best[i]: cost of the first i + 1 values in q clusters; lengths[q][i]: values of the last one.
    best = intervals.cost(np.zeros(intervals.n, np.intp), ends)
    dtype = length_dtype(intervals.n)
    costs, lengths = [best[-1]], [np.zeros(0, dtype)]
    for q in range(1, n_clusters):
        tick(q / n_clusters)
        # Of the last row of the table only its last entry is ever asked for.
        rows = np.arange(intervals.n - 1 if q == n_clusters - 1 else q, intervals.n)
        best, first = _add_cluster(intervals, best, q, rows)
        costs.append(best[-1])
        lengths.append((ends - first).astype(dtype))
    return OptimalPartitions(np.array(costs), intervals, tuple(lengths))


def _add_cluster(
    intervals: Intervals, before: NDArray[np.float64], q: int, rows: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """From the best costs with q clusters to those with q + 1, for ascending `rows`."""
    n = intervals.n
    best = np.full(n, np.inf)
    first = np.full(n, q, np.intp)
    step = 1 << (rows.size - 1).bit_length()
    while step:
        middle = np.arange(step - 1, rows.size, 2 * step)
        now = rows[middle]
        # Neighbours that an earlier level has done bound where the last interval begins.
        left, right = middle - step, middle + step
        low = np.where(left >= 0, first[rows[np.maximum(left, 0)]], q)
        high = np.where(right < rows.size, first[rows[np.minimum(right, rows.size - 1)]], n - 1)
        lengths = np.minimum(high, now) - low + 1
        starts = np.cumsum(lengths) - lengths
        begin = np.arange(lengths.sum()) - np.repeat(starts - low, lengths)
        cost = before[begin - 1] + intervals.cost(begin, np.repeat(now + 1, lengths))
        smallest = np.minimum.reduceat(cost, starts) if now.size else cost
        hit = np.where(cost == np.repeat(smallest, lengths), begin, n)
        best[now] = smallest
        first[now] = np.minimum.reduceat(hit, starts) if now.size else hit
        step //= 2
    return best, first
