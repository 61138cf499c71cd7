"""Find the centroids of an image that was read: what is known of its points is found once."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .image.features import FeatureSpace
from .kmeans.assignment import Assigned
from .kmeans.fit import level_sizes, start_of
from .kmeans.lloyd import LloydResult, lloyd
from .kmeans.optimal import OptimalPartitions, optimal_partitions
from .kmeans.points import Points, WeightedPoints
from .kmeans.seeding import k_means_plus_plus, random_points
from .parallel import Tick, no_tick
from .points.coarse_points import N_POINTS, CoarsePoints
from .points.image_points import OPTIMUM_SAMPLE, ImagePoints

OPTIMAL_LIMIT = 1 << 21
"""Distinct values times clusters up to which "auto" means the optimum: half a second's work."""

SUMMED_UP, HALVINGS = 1 << 15, 8
"""Points that are summed up to those on which partitions are scored, and how often they are halved:
the density of more and smaller cells has valleys that are chance."""

START = {"k-means++": k_means_plus_plus, "random": random_points}
"""Where centroids start on a sample."""


class Fitting:
    """The points of an image, samples of them, and optima: whatever another fit can use again.

    Parameters
    ----------
    image : ImagePoints
        The image, or the smaller copy that is fitted.
    space : FeatureSpace
        How its values become features.
    """

    def __init__(self, image: ImagePoints, space: FeatureSpace) -> None:
        self._image, self.space = image, space

    @cached_property
    def points(self) -> Points:
        """What k-means runs on."""
        points: Points = self._image.points(self.space)
        return points

    @cached_property
    def _samples(self) -> dict[int, WeightedPoints]:
        """Samples of the points by their size: to draw them takes as long as some iterations."""
        return {}

    def sample(self, size: int, tick: Tick = no_tick) -> WeightedPoints:
        """Return about `size` points that stand for all."""
        if size not in self._samples:
            self._samples[size] = self.points.sample(size, tick)
        return self._samples[size]

    @property
    def variance(self) -> float:
        """Mean variance of the features."""
        return self.points.typical_square / self.points.n_features

    def darkest_first(self, centroids: NDArray[np.float64]) -> NDArray[np.intp]:
        """Order centroids by brightness, as far as their features tell."""
        return np.argsort(self.space.brightness(centroids), kind="stable")

    @cached_property
    def coarse(self) -> CoarsePoints:
        """What partitions are scored on."""
        few = self.sample(SUMMED_UP)
        if few.n > N_POINTS:
            few = few.summed_up(HALVINGS)
        return CoarsePoints(few.features, few.weights)

    @cached_property
    def known_values(self) -> WeightedPoints:
        """All values of one feature, or some that stand for them."""
        return self._image.known_values(self.points)

    @cached_property
    def few_values(self) -> WeightedPoints:
        """Means of some values each, where the optimum of all would take too long."""
        return self.known_values.cells(OPTIMUM_SAMPLE)

    def optimum(
        self, points: WeightedPoints, n_clusters: int, tick: Tick = no_tick
    ) -> OptimalPartitions:
        """Find the optimal partitions of points of one feature into up to so many clusters."""
        key = points.n, n_clusters
        if key not in self._optima:
            order = np.argsort(points.features[0], kind="stable")
            values, weights = points.features[0, order], points.weights[order]
            found = optimal_partitions(values, weights, n_clusters, tick)
            # Only the last: of equal optima, what was asked before must not decide.
            self._optima.clear()
            self._optima[key] = found
        return self._optima[key]

    @cached_property
    def _optima(self) -> dict[tuple[int, int], OptimalPartitions]:
        return {}

    def from_sample(
        self,
        init: str,
        n_clusters: int,
        n_init: int,
        random: np.random.Generator,
        limits: dict[str, Any],
        tick: Tick,
    ) -> tuple[LloydResult, Assigned]:
        """Run Lloyd's algorithm on all points from where centroids rest on a sample of them."""
        points = self.points
        sizes = level_sizes(points.n, points.n_features, n_clusters)
        sample = self._sample_for(n_clusters, lambda _: tick(0))
        best: tuple[LloydResult, Assigned] | None = None
        for i in range(n_init):

            def within_run(part: float, i: int = i) -> None:
                tick((i + part) / n_init)

            start, rest = start_of(
                sample, sizes, n_clusters, random, seeding=START[init], **limits, tick=within_run
            )
            centroids = start.centroids[self.darkest_first(start.centroids)]
            assigned = self._image.assign(points, n_clusters, limits["tol"])
            result = lloyd(
                assigned, centroids, rest=rest, accelerate=True, **limits, tick=within_run
            )
            if best is None or result.between > best[0].between:
                best = result, assigned
        assert best is not None
        return best

    def n_values(self, n_clusters: int) -> int:
        """Count distinct points, at least up to `n_clusters`."""
        few = self._sample_for(n_clusters)
        if all(self.space.scale) or few.n < n_clusters:
            return int(few.n)
        # Values that differ only in a channel without weight are one.
        n = np.unique(few.features, axis=1).shape[1]
        if n < n_clusters:
            n = np.unique(self.sample(self.points.n).features, axis=1).shape[1]
        return int(n)

    def _sample_for(self, n_clusters: int, tick: Tick = no_tick) -> WeightedPoints:
        """Return a sample that guides so many clusters; it has as many points, if there are."""
        sizes = level_sizes(self.points.n, self.points.n_features, n_clusters)
        few = self.sample(sizes[-1], tick)
        return few if few.n >= n_clusters else self.sample(self.points.n, tick)
