"""Globally optimal k-means in one dimension."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .parallel import Tick, no_tick


@dataclass(frozen=True)
class OptimalPartitions:
    """The optimal partitions of sorted values into 1, 2, ... clusters.

    Attributes
    ----------
    costs : (n_clusters_max,) float64 array
        Smallest possible inertia with 1, 2, ... clusters.
    """

    costs: NDArray[np.float64]
    _prefix: "_Prefix"
    _firsts: tuple[NDArray[np.intp], ...]

    def centroids(self, n_clusters: int) -> NDArray[np.float64]:
        """Means of the optimal partition into `n_clusters`, ascending, ``(n_clusters,)``."""
        stop = self._prefix.n
        means = np.empty(n_clusters)
        for q in range(n_clusters - 1, -1, -1):
            start = int(self._firsts[q][stop - 1]) if q else 0
            means[q] = self._prefix.mean(start, stop)
            stop = start
        return means


class _Prefix:
    """Prefix sums of sorted weighted values, for the cost of any interval in no time."""

    def __init__(self, values: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.n = values.size
        self.offset = float(np.average(values, weights=weights))
        centred = values - self.offset
        moments = np.stack([weights, weights * centred, weights * centred**2])
        self.sums = np.zeros((3, self.n + 1))
        np.cumsum(moments, axis=1, out=self.sums[:, 1:])

    def cost(self, start: NDArray[np.intp], stop: NDArray[np.intp]) -> NDArray[np.float64]:
        """Inertia of the values from `start` up to, not including, `stop`."""
        weight, first, second = (sums[stop] - sums[start] for sums in self.sums)
        cost: NDArray[np.float64] = second - first**2 / weight
        return np.maximum(cost, 0, out=cost)

    def mean(self, start: int, stop: int) -> float:
        """Mean of the values from `start` up to, not including, `stop`."""
        weight, first, _ = self.sums[:, stop] - self.sums[:, start]
        return float(first / weight) + self.offset


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
    O(n_clusters n log n) in all, without a loop over values.

    References
    ----------
    Wang H., Song M. (2011) Ckmeans.1d.dp: optimal k-means clustering in one dimension by
    dynamic programming. The R Journal 3(2), 29-33. doi:10.32614/RJ-2011-015

    Grønlund A., Larsen K.G., Mathiasen A., Nielsen J.S., Schneider S., Song M. (2017) Fast
    exact k-means, k-medians and Bregman divergence clustering in 1D. arXiv:1701.07204
    """
    prefix = _Prefix(values, weights)
    ends = np.arange(1, prefix.n + 1)
    # best[i]: cost of the first i + 1 values in q clusters; first[i]: where the last one begins.
    best = prefix.cost(np.zeros(prefix.n, np.intp), ends)
    costs, firsts = [best[-1]], [np.zeros(prefix.n, np.intp)]
    for q in range(1, n_clusters):
        tick(q / n_clusters)
        # Of the last row of the table only its last entry is ever asked for.
        rows = np.arange(prefix.n - 1 if q == n_clusters - 1 else q, prefix.n)
        best, first = _add_cluster(prefix, best, q, rows)
        costs.append(best[-1])
        firsts.append(first.astype(np.int32))
    return OptimalPartitions(np.array(costs), prefix, tuple(firsts))


def _add_cluster(
    prefix: _Prefix, before: NDArray[np.float64], q: int, rows: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """From the best costs with q clusters to those with q + 1, for ascending `rows`."""
    n = prefix.n
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
        cost = before[begin - 1] + prefix.cost(begin, np.repeat(now + 1, lengths))
        smallest = np.minimum.reduceat(cost, starts) if now.size else cost
        hit = np.where(cost == np.repeat(smallest, lengths), begin, n)
        best[now] = smallest
        first[now] = np.minimum.reduceat(hit, starts) if now.size else hit
        step //= 2
    return best, first
