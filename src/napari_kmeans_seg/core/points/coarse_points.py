"""Weighted points that stand for the pixels of an image, with scores of partitions of them."""

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import map_spans, spans
from ..image.features import Features
from ..kmeans.nearest import squares_to_all

EQUAL = 1e-9
"""Difference between scores that counts as none: rounding differs between processors."""


BANDWIDTH = 0.175
"""Standard deviation of the kernel of the density, in distances between two centroids. Wider,
classes 3 standard deviations apart run together; narrower, the grain of blurred edges looks like
valleys. Of 0.1 to 0.25 it served best on images that were made for it."""


class CoarsePoints:
    """Weighted points that stand for all pixels, with what scores partitions of them.

    Parameters
    ----------
    features : (n_features, n) float64 array
        The points, some thousand at most: all distances between them are kept.
    weights : (n,) float64 array
        How many pixels each stands for.
    """

    def __init__(self, features: Features, weights: NDArray[np.float64]) -> None:
        self.features, self.weights = features, weights
        self._share = weights / weights.sum()
        n = weights.size
        # Of one feature the points may be grey levels; of several they hardly ever fill a grid.
        steps = np.diff(np.unique(features[0])) if len(features) == 1 else np.zeros(0)
        self._step = float(steps.min()) if steps.size else 0.0
        self._distances = np.zeros((n, n))

        def measure(start: int, stop: int) -> None:
            rows = self._distances[start:stop]
            for feature in features:
                rows += (feature[start:stop, np.newaxis] - feature) ** 2
            np.sqrt(rows, out=rows)

        # Points whose distances to all are measured at a time: they stay in the cache.
        for _ in map_spans(measure, spans(n, 1 << 7)):
            pass

    def silhouette(self, centroids: NDArray[np.float64]) -> float:
        """Mean silhouette of the pixels, each with its nearest centroid; NaN for one cluster.

        Parameters
        ----------
        centroids : (n_clusters, n_features) float64 array
            The centroids.
        """
        own = self._two_nearest(centroids)[0]
        weights = np.zeros((own.size, len(centroids)))
        weights[np.arange(own.size), own] = self.weights
        # Sums of the distances from each point to the pixels of each cluster: no product of
        # matrices, which rounds as the processor likes.
        order = np.argsort(own, kind="stable")
        starts = np.flatnonzero(np.diff(own[order], prepend=-1))
        rows = self._distances[order]
        rows *= self.weights[order, np.newaxis]
        sums = np.zeros((own.size, len(centroids)))
        sums[:, own[order[starts]]] = np.add.reduceat(rows, starts, axis=0).T
        return self._mean(own, weights, sums)

    def _mean(
        self, labels: NDArray[np.intp], weights: NDArray[np.float64], sums: NDArray[np.float64]
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
        return float(np.average(score, weights=self.weights))

    def icl(self, centroids: NDArray[np.float64], inertia: float, n_pixels: int) -> float:
        """Integrated completed likelihood of Gaussian classes, in nats per pixel.

        The classes lie where the centroids are, have one variance, that within the clusters, and
        the shares of the clusters. It is their likelihood, less the entropy of what class pixels
        belong to, less what numbers that are fitted cost, as in BIC.

        Parameters
        ----------
        centroids : (n_clusters, n_features) float64 array
            The centroids.
        inertia : float
            Sum of squared distances of all pixels to them, above 0.
        n_pixels : int
            Number of pixels.
        """
        k, n_features = centroids.shape
        labels, _, squared = self._two_nearest(centroids)
        # A grey level stands for an interval (Sheppard's correction).
        interval = self._step**2 / 12
        lost = self._lost(squared, inertia, n_pixels) + interval
        variance = inertia / n_pixels / n_features + interval
        shares = np.bincount(labels, self._share, k)
        with np.errstate(divide="ignore"):
            logs = np.log(shares)[:, np.newaxis]
        total = 0.0
        for start, stop in self._blocks(k):
            log = logs - squares_to_all(self.features[:, start:stop], centroids) / (2 * variance)
            top = log.max(axis=0)
            odds = np.exp(log - top)
            odds /= odds.sum(axis=0)
            # The logarithm of the density, plus the sum of p log(p): log(density) cancels.
            completed = (odds * np.where(odds > 0, log, 0)).sum(axis=0)
            total += float((self._share[start:stop] * completed).sum())
        norm = n_features / 2 * (np.log(2 * np.pi * variance) + lost / variance)
        # Pixels that count as independent of each other, at most: neighbours in an image are alike.
        # With 100 to 2,000 nearly all answers are the same.
        n = min(n_pixels, 500)
        return float(total - norm - (k - 1 + k * n_features + 1) * np.log(n) / (2 * n))

    def separated(self, centroids: NDArray[np.float64], inertia: float, n_pixels: int) -> bool:
        """Return whether a valley in the density lies between all neighbouring clusters.

        Of two clusters with a pixel that they are the nearest to, so that no third lies between
        them [1]_, the density is measured on the line between their centroids, as with the
        ridgeline of two Gaussians [2]_, with a kernel of `BANDWIDTH` times their distance.

        Parameters
        ----------
        centroids : (n_clusters, n_features) float64 array
            The centroids.
        inertia : float
            Sum of squared distances of all pixels to them.
        n_pixels : int
            Number of pixels.

        References
        ----------
        .. [1] Martinetz T., Schulten K. (1994) Topology representing networks. Neural Networks 7,
           507-522. doi:10.1016/0893-6080(94)90109-0
        .. [2] Ray S., Lindsay B.G. (2005) The topography of multivariate normal mixtures. Annals of
           Statistics 33, 2042-2065. doi:10.1214/009053605000000417
        """
        k = len(centroids)
        if k < 2:
            return False
        first, second, squared = self._two_nearest(centroids)
        pairs = np.unique(np.minimum(first, second) * k + np.maximum(first, second))
        one, other = centroids[pairs // k], centroids[pairs % k]
        apart = ((one - other) ** 2).sum(axis=1)
        # Close ones first: where any is not parted, it is likely among them.
        order = np.argsort(apart, kind="stable")
        lost = self._lost(squared, inertia, n_pixels)
        for a, b, gap in zip(one[order], other[order], apart[order], strict=True):
            third = ((centroids - (a + b) / 2) ** 2).sum(axis=1) < gap / 4 * (1 - EQUAL)
            if not third.any() and not self._valley(a, b, gap, lost, n_pixels):
                return False
        return True

    def _valley(
        self,
        a: NDArray[np.float64],
        b: NDArray[np.float64],
        gap: float,
        lost: float,
        n_pixels: int,
    ) -> bool:
        """Return whether the density has a valley between centroids at a squared distance `gap`."""
        if gap == 0:
            return False
        # Variance of the kernel, in squared steps between values, that makes grey levels a smooth
        # density: its ripples are below a thousandth.
        variance = max(BANDWIDTH**2 * gap, 0.4 * self._step**2) + lost
        along, away = np.zeros((2, self.weights.size))
        for feature, start, stop in zip(self.features, a, b, strict=True):
            along += (feature - start) * (stop - start)
        along /= gap
        for feature, start, stop in zip(self.features, a, b, strict=True):
            away += (feature - start - along * (stop - start)) ** 2
        # Points beyond four standard deviations of the kernel count no more.
        reach = 4 * np.sqrt(variance / gap)
        near = (away < 16 * variance) & (along > -reach) & (along < 1 + reach)
        places = np.linspace(0, 1, 9)[:, np.newaxis]
        squared = (along[near] - places) ** 2 * gap + away[near]
        kernel = np.exp(-squared / (2 * variance))
        share = self._share[near]
        density = (kernel * share).sum(axis=1)
        # A point that stands for many pixels is as uncertain as if they were one.
        error = np.maximum(((kernel * share) ** 2).sum(axis=1),
                           (kernel**2 * share).sum(axis=1) / n_pixels)  # fmt: skip
        left = np.maximum.accumulate(density)[:-2]
        right = np.maximum.accumulate(density[::-1])[::-1][2:]
        low = density[1:-1] + np.sqrt(error[1:-1])
        return bool((low < np.minimum(left, right) * (1 - EQUAL)).any())

    def _lost(self, squared: NDArray[np.float64], inertia: float, n_pixels: int) -> float:
        """Variance of each feature among the pixels that one point stands for, on average."""
        found = float((self._share * squared).sum())
        return max(inertia / n_pixels - found, 0) / len(self.features)

    def _two_nearest(
        self, centroids: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Nearest and second nearest centroid of each point, and its squared distance."""
        n = self.weights.size
        first, second = np.zeros((2, n), np.intp)
        squared = np.empty(n)
        for start, stop in self._blocks(len(centroids)):
            part, rows = slice(start, stop), np.arange(stop - start)
            all_of_them = squares_to_all(self.features[:, part], centroids)
            first[part] = all_of_them.argmin(axis=0)
            squared[part] = all_of_them[first[part], rows]
            all_of_them[first[part], rows] = np.inf
            second[part] = all_of_them.argmin(axis=0)
        return first, second, squared

    def _blocks(self, n_clusters: int) -> list[tuple[int, int]]:
        # Distances of points to centroids that are in memory at a time.
        return spans(self.weights.size, max(1, (1 << 20) // n_clusters))
