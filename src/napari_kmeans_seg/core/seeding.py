"""Where the centroids start: k-means++ or random points."""

import numpy as np
from numpy.typing import NDArray

from .nearest import multiply
from .parallel import Tick, no_tick
from .sources import PointSource


def random_points(
    points: PointSource, n_clusters: int, random: np.random.Generator, tick: Tick = no_tick
) -> NDArray[np.float64]:
    """Choose `n_clusters` different points, each with a probability in proportion to its weight.

    Returns
    -------
    (n_clusters, n_features) array
    """
    tick(0)
    chosen = random.choice(
        points.n, n_clusters, replace=False, p=points.weights / points.weights.sum()
    )
    return np.ascontiguousarray(points.features[:, chosen].T)


def k_means_plus_plus(
    points: PointSource, n_clusters: int, random: np.random.Generator, tick: Tick = no_tick
) -> NDArray[np.float64]:
    """Choose points that lie far from each other, by greedy k-means++ on weighted points.

    Each next centroid is drawn with a probability in proportion to its weight times its
    squared distance to the nearest centroid so far; of ``2 + log(n_clusters)`` draws
    the one that lowers the inertia most is taken, as scikit-learn does.

    Returns
    -------
    (n_clusters, n_features) array

    References
    ----------
    Arthur D., Vassilvitskii S. (2007) k-means++: the advantages of careful seeding.
    Proceedings of the 18th ACM-SIAM Symposium on Discrete Algorithms, 1027-1035.
    doi:10.5555/1283383.1283494

    Grunau C., Özüdoğru A.A., Rozhoň V., Tětek J. (2023) A nearly tight analysis of greedy
    k-means++. Proceedings of the 34th ACM-SIAM Symposium on Discrete Algorithms, 1012-1070.
    doi:10.1137/1.9781611977554.ch39
    """
    n_draws = 2 + int(np.log(n_clusters))
    features, weights = points.features, points.weights
    # |x - c|^2 = |x|^2 + |c|^2 - 2 c x, as a product.
    lengths = (features**2).sum(axis=0)
    rows = np.vstack([features, lengths, np.ones(points.n)])
    columns = np.vstack([-2 * features, np.ones(points.n), lengths])
    held = np.empty((n_draws, points.n))

    def squares(chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        found = multiply(columns[:, chosen].T, rows, held[: chosen.size])
        np.maximum(found, 0, out=found)
        found[np.arange(chosen.size), chosen] = 0
        return found

    chosen = np.empty(n_clusters, np.intp)
    chosen[0] = _draw(weights, random.random(1))[0]
    closest = squares(chosen[:1])[0].copy()
    for i in range(1, n_clusters):
        tick(i / n_clusters)
        potential = closest * weights
        if not potential.any():
            # Every distinct point is a centroid already.
            chosen[i:] = chosen[0]
            break
        draws = _draw(potential, random.random(n_draws))
        closer = squares(draws)
        np.minimum(closer, closest, out=closer)
        best = int((closer * weights).sum(axis=1).argmin())
        chosen[i], closest[:] = draws[best], closer[best]
    return np.ascontiguousarray(features[:, chosen].T)


def _draw(potential: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.intp]:
    """Draw indices with a probability in proportion to `potential`."""
    cumulative = np.cumsum(potential)
    index = np.searchsorted(cumulative, uniform * cumulative[-1], side="right")
    if index.max() == potential.size:
        # Rounding pointed past the end.
        index = np.minimum(index, np.flatnonzero(potential)[-1])
    inside: NDArray[np.intp] = index
    return inside
