"""Where the centroids start: k-means++ or random points."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .nearest import multiply
from .parallel import Tick, no_tick
from .sources import PointSource

BELOW_1 = 1 - 2.0**-52
"""What totals are multiplied by so that parts of them are less than all."""


def random_points(
    points: PointSource,
    n_clusters: int,
    random: Sequence[np.random.Generator],
    tick: Tick = no_tick,
) -> NDArray[np.float64]:
    """Choose `n_clusters` different points, each with a probability in proportion to its weight.

    Parameters
    ----------
    points, n_clusters, random, tick
        As in `k_means_plus_plus`.

    Returns
    -------
    (n_starts, n_clusters, n_features) array
    """
    tick(0)
    p = points.weights / points.weights.sum()
    chosen = [one.choice(points.n, n_clusters, replace=False, p=p) for one in random]
    return points.features.T[np.stack(chosen)]


def k_means_plus_plus(
    points: PointSource,
    n_clusters: int,
    random: Sequence[np.random.Generator],
    tick: Tick = no_tick,
) -> NDArray[np.float64]:
    """Choose points that lie far from each other, by greedy k-means++ on weighted points.

    Each next centroid is drawn with a probability in proportion to its weight times its
    squared distance to the nearest centroid so far; of ``2 + log(n_clusters)`` draws
    the one that lowers the inertia most is taken, as scikit-learn does.

    Parameters
    ----------
    points : PointSource
        The points.
    n_clusters : int
        How many of them.
    random : sequence of `numpy.random.Generator`
        One for each start. All take each step at once: on few points a call of NumPy takes
        longer than what it does.
    tick : callable, optional
        Progress.

    Returns
    -------
    (n_starts, n_clusters, n_features) array

    References
    ----------
    Arthur D., Vassilvitskii S. (2007) k-means++: the advantages of careful seeding.
    Proceedings of the 18th ACM-SIAM Symposium on Discrete Algorithms, 1027-1035.
    doi:10.5555/1283383.1283494

    Grunau C., Özüdoğru A.A., Rozhoň V., Tětek J. (2023) A nearly tight analysis of greedy
    k-means++. Proceedings of the 34th ACM-SIAM Symposium on Discrete Algorithms, 1012-1070.
    doi:10.1137/1.9781611977554.ch39
    """
    n_starts, n_draws = len(random), 2 + int(np.log(n_clusters))
    features, weights = points.features, points.weights
    # |x - c|^2 = |x|^2 + |c|^2 - 2 c x, as a product.
    lengths = (features**2).sum(axis=0)
    rows = np.vstack([features, lengths, np.ones(points.n)])
    columns = np.column_stack([-2 * features.T, np.ones(points.n), lengths])
    held = np.empty((n_starts * n_draws, points.n))
    starts = np.arange(n_starts)

    def squares(chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        found = held[: chosen.size]
        multiply(columns[chosen.ravel()], rows, out=found)
        return found.reshape(*chosen.shape, points.n)

    chosen = np.empty((n_starts, n_clusters), np.intp)
    potential = np.tile(weights, (n_starts, 1))
    chosen[:, :1] = _draw(potential, random, 1)
    closest = np.maximum(squares(chosen[:, 0]), 0)
    closest[starts, chosen[:, 0]] = 0
    for i in range(1, n_clusters):
        tick(i / n_clusters)
        draws = _draw(np.multiply(closest, weights, out=potential), random, n_draws)
        closer = squares(draws)
        np.minimum(closer, closest[:, np.newaxis], out=closer)
        best = np.einsum("sdn,n->sd", closer, weights).argmin(axis=1)
        chosen[:, i] = draws[starts, best]
        # What rounding made negative.
        np.maximum(closer[starts, best], 0, out=closest)
        closest[starts, chosen[:, i]] = 0
    return features.T[chosen]


def _draw(
    potential: NDArray[np.float64], random: Sequence[np.random.Generator], n_draws: int
) -> NDArray[np.intp]:
    """Draw indices with a probability in proportion to `potential`, ``(n_starts, n_draws)``.

    Where none has any, as every distinct point is a centroid already, it is the last.
    """
    np.cumsum(potential, axis=1, out=potential)
    drawn = [
        # Less than all, whatever rounding does: to the right of it is what has any potential.
        one.searchsorted(generator.random(n_draws) * (one[-1] * BELOW_1), side="right")
        for one, generator in zip(potential, random, strict=True)
    ]
    inside: NDArray[np.intp] = np.minimum(drawn, potential.shape[1] - 1)
    return inside
