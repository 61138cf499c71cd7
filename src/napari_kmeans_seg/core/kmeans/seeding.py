"""Where the centroids start: k-means++ or random points."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Tick, no_tick
from .nearest import factors_of, multiply
from .points import DIFFERENCES, WeightedPoints

Seeding = Callable[[WeightedPoints, int, np.random.Generator, Tick], NDArray[np.float64]]


def random_points(
    points: WeightedPoints, n_clusters: int, random: np.random.Generator, tick: Tick = no_tick
) -> NDArray[np.float64]:
    """Choose different points, each with a probability in proportion to its weight.

    Parameters and result are those of `k_means_plus_plus`.
    """
    tick(0)
    odds = points.weights / points.total
    chosen = random.choice(points.n, n_clusters, replace=False, p=odds)
    return points.features[:, chosen].T.copy()


def k_means_plus_plus(
    points: WeightedPoints, n_clusters: int, random: np.random.Generator, tick: Tick = no_tick
) -> NDArray[np.float64]:
    """Choose points that lie far from each other, by greedy k-means++ on weighted points.

    Each next centroid is drawn with a probability in proportion to its weight times its squared
    distance to the nearest centroid so far [1]_; of ``2 + log(n_clusters)`` draws the one that
    lowers the inertia most is taken, as scikit-learn does [2]_.

    Parameters
    ----------
    points : WeightedPoints
        The points.
    n_clusters : int
        How many of them, at most all.
    random : numpy.random.Generator
        Draws them.
    tick : callable, optional
        Progress.

    Returns
    -------
    (n_clusters, n_features) float64 array

    References
    ----------
    .. [1] Arthur D., Vassilvitskii S. (2007) k-means++: the advantages of careful seeding.
       Proceedings of the 18th ACM-SIAM Symposium on Discrete Algorithms, 1027-1035.
       doi:10.5555/1283383.1283494
    .. [2] Grunau C., Özüdoğru A.A., Rozhoň V., Tětek J. (2023) A nearly tight analysis of greedy
       k-means++. Proceedings of the 34th ACM-SIAM Symposium on Discrete Algorithms, 1012-1070.
       doi:10.1137/1.9781611977554.ch39
    """
    weights, squares_to = points.weights, squares_between(points)
    # Of many clusters the best of several draws gains little, and takes several times as long.
    n_draws = 2 + int(np.log(n_clusters)) if n_clusters <= 1 << 10 else 1

    def draw(odds: NDArray[np.float64], n: int) -> NDArray[np.intp]:
        total = np.cumsum(odds)
        # Rounded parts of all are less than all. Where none has any, as every distinct point is a
        # centroid already, it is the last.
        where = np.searchsorted(total, random.random(n) * (total[-1] * (1 - 2.0**-52)), "right")
        inside: NDArray[np.intp] = np.minimum(where, points.n - 1)
        return inside

    chosen = np.empty(n_clusters, np.intp)
    chosen[:1] = draw(weights, 1)
    closest = squares_to(chosen[:1])[0]
    for i in range(1, n_clusters):
        tick(i / n_clusters)
        draws = draw(closest * weights, n_draws)
        closer = np.minimum(squares_to(draws), closest)
        left = (closer * weights).sum(axis=1)
        # Of equals, which rounding makes differ, the first.
        best = int((left <= left.min() * (1 + 1e-9)).argmax())
        closest, chosen[i] = closer[best], draws[best]
    return points.features[:, chosen].T.copy()


def squares_between(points: WeightedPoints) -> Callable[[NDArray[np.intp]], NDArray[Any]]:
    """Return what measures squared distances of all points to chosen ones, ``(m, n)``.

    They are in a unit of their own.
    """
    whole = _whole_numbers(points)
    if whole is not None:
        rows = np.vstack([whole, np.ones((1, points.n))])
        half = (whole**2).sum(axis=0) / 2

        def by_product(chosen: NDArray[np.intp]) -> NDArray[Any]:
            halves = np.empty((chosen.size, points.n))
            multiply(factors_of(whole[:, chosen].T, np.float64), rows, halves)
            halves += half
            return halves

        return by_product

    # No product of matrices, which rounds as the processor likes.
    rows = points.exact_rows

    def by_difference(chosen: NDArray[np.intp]) -> NDArray[Any]:
        total = np.zeros((chosen.size, points.n), rows.dtype)
        size = max(1, DIFFERENCES // total.size)
        for i in range(0, len(rows), size):
            part = rows[i : i + size, np.newaxis] - rows[i : i + size, chosen, np.newaxis]
            part *= part
            total += part.sum(axis=0)
        return total

    return by_difference


def _whole_numbers(points: WeightedPoints) -> NDArray[np.float64] | None:
    """Round to multiples of a power of two, as whole numbers of which products are exact.

    None where the extent of the densest points would have too few digits left: 12 bits.
    """
    # Sums of squares, and what they are made of, are below 2**53 halves.
    bits = (50 - points.n_features.bit_length()) // 2
    exponent = bits - int(np.frexp(points.largest)[1])
    if np.ldexp(points.dense, exponent) < 1 << 12:
        return None
    whole: NDArray[np.float64] = np.rint(np.ldexp(points.features, exponent))
    return whole
