"""How many clusters: inertia and scores for each number, with a suggestion and its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .leaves import LeafSource, coarser
from .nearest import Labels, label_dtype, nearest
from .parallel import map_spans, spans

if TYPE_CHECKING:
    import pandas as pd

N_SILHOUETTE = 1 << 11
"""Points on which silhouettes are computed: all their distances to each other are held."""

ROWS = 1 << 7
"""Points whose distances to all are measured at a time: they stay in the cache."""

TOGETHER = 1 << 8
"""Clusters of all partitions that are scored at a time, about."""

NOTHING = 1e-12
"""Share of the inertia of one cluster that counts as none: each value has its own centroid."""


@dataclass(frozen=True, eq=False)
class ClusterCurve:
    """How good k-means is for each number of clusters.

    Attributes
    ----------
    n_clusters : (n,) int array, ascending
        The numbers that were tried.
    inertia : (n,) float64 array
        Sum of squared distances of the pixels to their centroids; as `segment` gives it with
        the same arguments. Of an image of which a smaller copy or a sample was fitted it is that of
        the copy or sample, reckoned up to all pixels.
    elbow : (n,) float64 array
        How far the curve of the inertia's logarithm from one cluster on, scaled to the unit
        square, hangs below the straight line between its ends (Kneedle [1]_); largest at the
        elbow. Of the inertia itself the first falls outweigh all others, even one to nearly 0.
    calinski_harabasz : (n,) float64 array
        Ratio of the variance between to that within clusters [2]_; larger is better, NaN for
        one cluster, and for as many as there are pixels.
    silhouette : (n,) float64 array
        Mean silhouette of the pixels [3]_, on at most some 2,048 bins of them: 1 where clusters
        are far apart, 0 where they touch; NaN for one cluster.
    suggestion : int
        The number that most of the three scores prefer; that of the elbow where all differ.
    reason : str
        Why.

    References
    ----------
    .. [1] Satopää V., Albrecht J., Irwin D., Raghavan B. (2011) Finding a "kneedle" in a
       haystack. 31st International Conference on Distributed Computing Systems Workshops,
       166-171. doi:10.1109/ICDCSW.2011.20
    .. [2] Caliński T., Harabasz J. (1974) A dendrite method for cluster analysis.
       Communications in Statistics 3, 1-27. doi:10.1080/03610927408827101
    .. [3] Rousseeuw P.J. (1987) Silhouettes: a graphical aid to the interpretation and validation
       of cluster analysis. Journal of Computational and Applied Mathematics 20, 53-65.
       doi:10.1016/0377-0427(87)90125-7
    """

    n_clusters: NDArray[np.intp]
    inertia: NDArray[np.float64]
    elbow: NDArray[np.float64]
    calinski_harabasz: NDArray[np.float64]
    silhouette: NDArray[np.float64]
    suggestion: int
    reason: str

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row per number of clusters, with the inertia and the scores."""
        import pandas as pd

        names = ("n_clusters", "inertia", "elbow", "calinski_harabasz", "silhouette")
        return pd.DataFrame({name: getattr(self, name) for name in names})


def cluster_curve(
    n_clusters: Sequence[int],
    inertia: Sequence[float],
    silhouettes: Sequence[float],
    scatter: float,
    n_pixels: int,
) -> ClusterCurve:
    """Score the numbers of clusters and suggest one.

    Parameters
    ----------
    n_clusters, inertia, silhouettes : sequences of the same length
        Numbers of clusters, ascending, with what k-means reached.
    scatter : float
        Sum of squared distances of all pixels to their mean.
    n_pixels : int
        Number of pixels.
    """
    k, within = np.array(n_clusters), np.array(inertia, np.float64)
    elbow = _kneedle(k, within, scatter)
    # Where every value has its own centroid nothing is left within clusters: best of all.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(scatter - within, 0) / (k - 1) / (within / (n_pixels - k))
    ratio[k == 1] = np.nan
    silhouette = np.array(silhouettes, np.float64)
    votes = {
        "elbow of the inertia": int(k[elbow.argmax()]),
        "Calinski-Harabasz score": _best(k, ratio),
        "silhouette": _best(k, silhouette),
    }
    suggestion, reason = _decide(votes)
    return ClusterCurve(k, within, elbow, ratio, silhouette, suggestion, reason)


def _kneedle(
    k: NDArray[np.intp], inertia: NDArray[np.float64], scatter: float
) -> NDArray[np.float64]:
    # From one cluster on, so that the first number that was tried can be the elbow.
    if k[-1] < 2 or scatter <= 0:
        return np.zeros(k.size)
    fall = -np.log(np.maximum(inertia / scatter, NOTHING))
    if fall[-1] <= 0:
        return np.zeros(k.size)
    hang: NDArray[np.float64] = fall / fall[-1] - (k - 1) / (k[-1] - 1)
    return hang


def _best(k: NDArray[np.intp], score: NDArray[np.float64]) -> int:
    return int(k[0] if np.isnan(score).all() else k[np.nanargmax(score)])


def _decide(votes: dict[str, int]) -> tuple[int, str]:
    for candidate in votes.values():
        agree = [name for name, vote in votes.items() if vote == candidate]
        if len(agree) == len(votes):
            return candidate, f"{candidate} clusters: all three scores agree."
        if len(agree) > 1:
            (other,) = (name for name in votes if name not in agree)
            return candidate, (
                f"{candidate} clusters: {' and '.join(agree)} agree; "
                f"the {other} would take {votes[other]}."
            )
    (first, choice), *rest = votes.items()
    others = ", ".join(f"the {name} {vote}" for name, vote in rest)
    return choice, f"{choice} clusters: {first}. The scores differ: {others}."


class Silhouettes:
    """Mean silhouettes on a coarse copy of weighted points.

    Parameters
    ----------
    points : LeafSource
        The points; more than 2,048 are summed up to fewer.
    """

    def __init__(self, points: LeafSource) -> None:
        self._points = coarser(points, N_SILHOUETTE)
        features = self._points.features
        self._distances = np.zeros((self._points.n, self._points.n))

        def measure(start: int, stop: int) -> None:
            rows = self._distances[start:stop]
            for feature in features:
                rows += (feature[start:stop, np.newaxis] - feature) ** 2
            np.sqrt(rows, out=rows)

        for _ in map_spans(measure, spans(self._points.n, ROWS)):
            pass

    def means(self, many: Sequence[NDArray[np.float64]]) -> list[float]:
        """Mean silhouette of the pixels, each with its nearest centroid; NaN for one cluster.

        Of several partitions, given by ``(n_clusters, n_features)`` centroids each: all distances
        are read once for some of them.
        """
        turns = np.cumsum([len(centroids) for centroids in many]) // TOGETHER
        by_turn = groupby(zip(turns, many, strict=True), key=itemgetter(0))
        return [one for _, some in by_turn for one in self._at_once([each[1] for each in some])]

    def _at_once(self, many: list[NDArray[np.float64]]) -> list[float]:
        labels, weights = [], []
        for centroids in many:
            k = len(centroids)
            own = np.empty(self._points.n, label_dtype(k))
            labels.append(nearest(self._points.features, centroids, own))
            weights.append(np.zeros((self._points.n, k)))
            weights[-1][np.arange(own.size), own] = self._points.weights
        # Sums of the distances from each point to the pixels of each cluster.
        sums = self._distances @ np.concatenate(weights, axis=1)
        ends = np.cumsum([one.shape[1] for one in weights])
        parts = zip(labels, weights, np.split(sums, ends[:-1], axis=1), strict=True)
        return [self._mean(*part) for part in parts]

    def _mean(
        self, labels: Labels, weights: NDArray[np.float64], sums: NDArray[np.float64]
    ) -> float:
        size = weights.sum(axis=0)
        filled = size > 0
        if np.count_nonzero(filled) < 2:
            return np.nan
        own = np.arange(labels.size), labels
        others = np.where(filled, sums / np.maximum(size, 1), np.inf)
        others[own] = np.inf
        outside = others.min(axis=1)
        # A pixel is not its own neighbour; alone in its cluster it scores 0.
        alone = size[labels] <= 1
        inside = sums[own] / np.where(alone, 1, size[labels] - 1)
        larger = np.maximum(inside, outside)
        score = np.where(alone | (larger == 0), 0, (outside - inside) / np.where(larger, larger, 1))
        return float(np.average(score, weights=self._points.weights))
