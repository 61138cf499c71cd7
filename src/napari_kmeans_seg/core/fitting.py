"""Find the centroids of an image that was read: what is known of its points is found once."""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import array_checks
from .base.cached import cached_property
from .base.errors import WrongValue
from .base.note import Note
from .base.notes_on_kind import digits_lost
from .base.parallel import Tick, map_spans, no_tick, part_of, spans
from .image.features import FeatureSpace, by_brightness
from .kmeans.assignment import Assigned
from .kmeans.fit import CLEARLY, CLOSE, level_sizes, start_of
from .kmeans.lloyd import LloydResult, lloyd
from .kmeans.nearest import by_distance
from .kmeans.optimal import OptimalPartitions, most_clusters, optimal_partitions
from .kmeans.points import Points, WeightedPoints
from .kmeans.starts import AUTO, K_MEANS_PLUS_PLUS, OPTIMAL, Start, resolve
from .points.coarse_points import CoarsePoints
from .points.image_points import OPTIMUM_SAMPLE, ImagePoints

OPTIMAL_LIMIT = 1 << 21
"""Distinct values times clusters up to which "auto" means the optimum: half a second's work."""

SUMMED_UP, HALVINGS = 1 << 15, 8
"""Points that are summed up to those on which partitions are scored, and how often they are halved:
the density of more and smaller cells has valleys that are chance."""


@dataclass(frozen=True)
class Fit:
    """Centroids in the order of their labels, and what was asked for.

    Attributes
    ----------
    result : LloydResult
        Of Lloyd's algorithm on what was fitted.
    assigned : Assigned
        What was fitted, assigned to the centroids.
    parameters : dict
        Every argument.
    n_values : int
        Distinct values of what was fitted, at least up to the clusters that were asked for.
    rows : array of int
        Which row of `init` became each of the centroids, where their order was to be kept.
    """

    result: LloydResult
    assigned: Assigned
    parameters: dict[str, Any]
    n_values: int
    rows: NDArray[np.intp]


class Fitting:
    """The points of an image, samples of them, and optima: whatever another fit can use again.

    Parameters
    ----------
    whole : ImagePoints
        The image.
    image : ImagePoints
        The same, or the smaller copy that is fitted.
    space : FeatureSpace
        How its values become features.
    parameters : dict
        With what arguments it was read.
    """

    def __init__(
        self,
        whole: ImagePoints,
        image: ImagePoints,
        space: FeatureSpace,
        parameters: dict[str, Any],
    ) -> None:
        self._whole, self._image, self.space, self._parameters = whole, image, space, parameters
        # By their size: to draw them takes as long as some iterations.
        self._samples: dict[int, WeightedPoints] = {}
        self._optima: dict[tuple[int, int], OptimalPartitions] = {}

    @cached_property
    def points(self) -> Points:
        """What k-means runs on."""
        points: Points = self._image.points(self.space)
        return points

    @cached_property
    def points_of_whole(self) -> Points:
        """The points of the image itself: not those that are fitted where these are of a copy."""
        if self._is_whole:
            return self.points
        points: Points = self._whole.points(self.space)
        return points

    @property
    def _is_whole(self) -> bool:
        return self._image is self._whole

    def sample(self, size: int, tick: Tick = no_tick) -> WeightedPoints:
        """Return about `size` points that stand for all."""
        if size not in self._samples:
            self._samples[size] = self.points.sample(size, tick)
        return self._samples[size]

    def darkest_first(self, centroids: NDArray[np.float64]) -> NDArray[np.intp]:
        """Order centroids by brightness, as far as their features show it."""
        return np.argsort(self.space.brightness(centroids), kind="stable")

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What is to be noted where floats have no room for all digits of the values."""
        dtype, smoothed = self._whole.pixels.dtype, any(self._parameters["smoothing"])
        return digits_lost(dtype, lambda: self._whole.value_range, smoothed=smoothed)

    @cached_property
    def coarse(self) -> CoarsePoints:
        """What partitions are scored on."""
        few = self.sample(SUMMED_UP)
        # Of so many all distances to each other are kept.
        if few.n > 1 << 11:
            few = few.summed_up(HALVINGS)
        return CoarsePoints(few.features, few.weights)

    @cached_property
    def known_values(self) -> WeightedPoints:
        """All values of one feature, or some that stand for them."""
        return self._image.known_values(self.points)

    @cached_property
    def means_of_values(self) -> WeightedPoints:
        """Means of some values each, where the optimum of all would take too long."""
        return self.known_values.cells(OPTIMUM_SAMPLE)

    def optimum(
        self, points: WeightedPoints, n_clusters: int, tick: Tick = no_tick
    ) -> OptimalPartitions:
        """Find the optimal partitions of points of one feature into up to so many clusters."""
        if n_clusters > most_clusters(points.n):
            raise WrongValue(
                "init",
                f"up to {most_clusters(points.n):,} clusters of an image of {points.n:,} distinct "
                "values, whose table has 512 MB then",
                f"{n_clusters:,}",
                value=repr(OPTIMAL.name),
                advice=f"Choose {K_MEANS_PLUS_PLUS.name!r}, or fewer clusters.",
            )
        key = points.n, n_clusters
        if key not in self._optima:
            order = np.argsort(points.features[0], kind="stable")
            values, weights = points.features[0, order], points.weights[order]
            found = optimal_partitions(values, weights, n_clusters, tick)
            # Only the last: of equal optima, what was asked before must not decide.
            self._optima.clear()
            self._optima[key] = found
        return self._optima[key]

    def fit(
        self,
        tick: Tick = no_tick,
        *,
        n_clusters: int,
        init: str | ArrayLike,
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        seed: int | np.random.Generator | None = 0,
        keep_order: bool = False,
        most: int = 0,
    ) -> Fit:
        """Find the centroids; optima fall out of those for up to `most` clusters."""
        random = np.random.default_rng(seed)
        start, init_name = self.start(init, n_clusters)
        given = None if isinstance(start, Start) else start
        parameters = {
            # Not its lists, which are the caller's to change.
            **deepcopy(self._parameters),
            "n_clusters": n_clusters,
            "init": init_name,
            "n_init": n_init,
            "max_iter": max_iter,
            "tol": tol,
            "seed": int(seed) if isinstance(seed, int | np.integer) else None,
        }
        tick(0)
        n_values = self._n_values(n_clusters)
        rest = np.inf
        if n_values < n_clusters:
            n_clusters = n_values
            start = start if isinstance(start, Start) else K_MEANS_PLUS_PLUS
        if start is OPTIMAL:
            known = self.known_values
            if init == AUTO and known.n * n_clusters > OPTIMAL_LIMIT:
                known, most = self.means_of_values, 0
            if known.n < n_clusters:
                # So many values are not known.
                start = K_MEANS_PLUS_PLUS
            else:
                most = min(max(most, n_clusters), known.n)
                optimum = self.optimum(known, most, part_of(tick, 0, 0))
                start = optimum.centroids(n_clusters)[:, np.newaxis]
                if known.n < self.points.n:
                    rest = CLOSE * optimum.costs[n_clusters - 1] / known.total
        if isinstance(start, Start) and n_values == n_clusters:
            values = self._values(self.sample(self.points.n, part_of(tick, 0, 0)))
            if len(values) == n_clusters:
                # Each is a cluster, whatever is drawn: to draw many takes minutes.
                start = values
        # Relative to the mean variance of the features. One cluster rests in the mean of all.
        variance = self.points.variance / self.points.n_features if n_clusters > 1 else 0.0
        limits: dict[str, Any] = {"tol": tol * variance, "max_iter": max_iter}
        if isinstance(start, Start):
            result, assigned = self._from_sample(start, n_clusters, n_init, random, limits, tick)
        else:
            if not keep_order:
                start = start[self.darkest_first(start)]
            assigned = self._image.assign(self.points, n_clusters, tol)
            accelerate = rest < np.inf
            result = lloyd(assigned, start, rest=rest, accelerate=accelerate, **limits, tick=tick)
        rows = np.arange(n_clusters)
        if keep_order and given is not None and len(given) > n_clusters:
            # Fewer than were given: each is the row that it is near to, no row twice.
            order, rows = _by_rows(result.centroids, given, part_of(tick, 1, 1))
            assigned.reorder(order)
            result = replace(result, centroids=result.centroids[order])
        return Fit(result, assigned, parameters, n_values, rows)

    def fit_whole(
        self, tick: Tick, *, keep_order: bool, **arguments: Any
    ) -> tuple[Fit, NDArray[np.float64]]:
        """Find the centroids, and assign the points of the image to them.

        Parameters
        ----------
        tick, keep_order, **arguments
            As for `fit`.

        Returns
        -------
        fit : Fit
            Of the clusters that have pixels, from the darkest to the brightest unless their order
            is kept, are its `assigned` and its `rows`; the rest as of `fit`.
        means : (n_clusters, n_channels) float64 array
            Mean input value of each of these.
        """
        fit = self.fit(tick, keep_order=keep_order, **arguments)
        assigned = self._assign_whole(fit)
        kept, means = self._in_order(assigned, fit, keep_order=keep_order)
        return replace(fit, assigned=assigned, rows=fit.rows[kept]), means

    def _assign_whole(self, fitted: Fit) -> Assigned:
        """Assign the points of the image, where a smaller copy of it was fitted."""
        if self._is_whole:
            return fitted.assigned
        centroids = fitted.result.centroids
        assigned = self._whole.assign(
            self.points_of_whole, len(centroids), fitted.parameters["tol"]
        )
        assigned.move(centroids)
        if not assigned.counts.all():
            # One more iteration gives a cluster without pixels the farthest.
            lloyd(assigned, centroids, max_iter=1)
        return assigned

    def _in_order(
        self, assigned: Assigned, fitted: Fit, *, keep_order: bool
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Put the clusters in the order of their brightness; return which, and their means.

        Points that lie exactly between two centroids go to the first: in another order they may go
        to another one. Clusters without pixels are left out. Iterations that this takes are within
        `max_iter`, but those of the result are those of the fit, before.
        """
        tol, max_iter = fitted.parameters["tol"], fitted.parameters["max_iter"]
        n_iter, kept = fitted.result.n_iter, np.arange(len(fitted.result.centroids))
        # How often clusters are sorted by their brightness; rarely one.
        for _ in range(10):
            means = self._whole.means(self.space, assigned)
            if keep_order:
                order = np.arange(len(means))
            elif self.notes:
                # Floats have no room for the digits of the means: by what these are rounded from.
                order = self.darkest_first(assigned.centroids)
            else:
                order = by_brightness(means)
            order = order[assigned.counts[order] > 0]
            if np.array_equal(order, np.arange(len(means))):
                break
            assigned.reorder(order)
            kept = kept[order]
            if tol == 0 and self._is_whole and n_iter < max_iter:
                n_iter += lloyd(assigned, assigned.centroids, max_iter=max_iter - n_iter).n_iter
            else:
                assigned.move(assigned.centroids)
        return kept, means

    def start(
        self, init: str | ArrayLike, n_clusters: int
    ) -> tuple[Start | NDArray[np.float64], str | list[list[float]]]:
        """Return where to start, in features, and how to write it down."""
        one_feature = self.points.n_features == 1
        if isinstance(init, str):

            def is_cheap() -> bool:
                n = min(self.known_values.n, OPTIMUM_SAMPLE)
                return bool(n * n_clusters <= OPTIMAL_LIMIT)

            start = resolve(init, one_feature=one_feature, is_cheap=is_cheap)
            if start.one_feature and not one_feature:
                position = f"{{spatial_weight}}={self._parameters['spatial_weight']}"
                raise WrongValue(
                    "init",
                    "an image of one channel, without {spatial_weight}",
                    f"{self._whole.pixels.n_channels} channels and {position}",
                    value=repr(init),
                    others=("spatial_weight",),
                )
            return start, start.name
        given = array_checks.centroids("init", init, n_clusters, self._whole.pixels.n_channels)
        return self.space.of_centroids(given, self._whole.pixels), given.tolist()

    def _from_sample(
        self,
        start: Start,
        n_clusters: int,
        n_init: int,
        random: np.random.Generator,
        limits: dict[str, Any],
        tick: Tick,
    ) -> tuple[LloydResult, Assigned]:
        """Run Lloyd's algorithm on all points from where centroids rest on a sample of them."""
        points, seeding = self.points, start.seeding
        assert seeding is not None
        sizes = level_sizes(points.n, points.n_features, n_clusters)
        sample = self._sample_for(n_clusters, part_of(tick, 0, 0))
        best: tuple[LloydResult, Assigned] | None = None
        for i in range(n_init):
            within_run = part_of(tick, i / n_init, (i + 1) / n_init)
            found, rest = start_of(
                sample, sizes, n_clusters, random, seeding=seeding, **limits, tick=within_run
            )
            centroids = found.centroids[self.darkest_first(found.centroids)]
            assigned = self._image.assign(points, n_clusters, limits["tol"])
            result = lloyd(
                assigned, centroids, rest=rest, accelerate=True, **limits, tick=within_run
            )
            if best is None or result.between > best[0].between * CLEARLY:
                best = result, assigned
        assert best is not None
        return best

    def _n_values(self, n_clusters: int) -> int:
        """Count distinct points, at least up to `n_clusters`."""
        few = self._sample_for(n_clusters)
        if all(self.space.scale) or few.n < n_clusters:
            return int(few.n)
        n = len(self._values(few))
        return n if n >= n_clusters else len(self._values(self.sample(self.points.n)))

    def _values(self, points: WeightedPoints) -> NDArray[np.float64]:
        """Return what differs among points, ``(n, n_features)``."""
        if all(self.space.scale):
            return points.features.T
        # Values that differ only in a channel without weight are one.
        return np.unique(points.features, axis=1).T

    def _sample_for(self, n_clusters: int, tick: Tick = no_tick) -> WeightedPoints:
        """Return a sample that guides so many clusters; it has as many points, if there are."""
        sizes = level_sizes(self.points.n, self.points.n_features, n_clusters)
        few = self.sample(sizes[-1], tick)
        return few if few.n >= n_clusters else self.sample(self.points.n, tick)


def _by_rows(
    centroids: NDArray[np.float64], given: NDArray[np.float64], tick: Tick
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Assign centroids to more rows; return those in the order of the rows, and which rows."""
    n, n_given = len(centroids), len(given)
    # Centroids times rows that are given, up to which each gets the row that makes the least sum.
    most = 1 << 20
    if n * n_given <= most:
        # Half of the time of importing this package, for what few runs need.
        from scipy.optimize import linear_sum_assignment

        rows, order = linear_sum_assignment(((given[:, np.newaxis] - centroids) ** 2).sum(axis=-1))
        return order, rows
    points = np.vstack([centroids.T, np.ones((1, n))])
    pieces = spans(n, max(1, most // n_given))
    found = map_spans(lambda start, stop: by_distance(points[:, start:stop], given), pieces, tick)
    nearest = np.concatenate(list(found))
    order = np.argsort(nearest, kind="stable")
    # Whose nearest row is taken gets the next one.
    later = np.arange(n)
    rows = np.maximum.accumulate(nearest[order] - later) + later
    return order, np.minimum(rows, n_given - n + later)
