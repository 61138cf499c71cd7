"""An image that was read once: run k-means on it, as often as wanted, and label its pixels."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import checked
from .base import array_checks, checks
from .base.cached import cached_property
from .base.errors import WrongType
from .base.note import Note, warn
from .base.notes import FewValues, WithoutPixels, not_finite
from .base.parallel import Progress, Tick, alive, never_falling, portion
from .choose_k import ClusterCurve
from .fitting import OPTIMAL_LIMIT, Fit, Fitting
from .image.features import FeatureSpace
from .kmeans.assignment import Assigned
from .kmeans.lloyd import LloydResult
from .kmeans.nearest import Labels
from .kmeans.starts import AUTO, K_MEANS_PLUS_PLUS, OPTIMAL, STARTS
from .levels import relabelled
from .model import KMeansModel
from .model_parts.kind import ValueKind
from .points.image_points import ImagePoints
from .scores import cluster_curve
from .segmentation import Segmentation
from .shown import columns_of, images_html, size_of


@dataclass(frozen=True, eq=False, repr=False)
class PreparedImage:
    """An image that was read by `prepare`.

    What stands for its pixels is kept, so that another number of clusters, seed or init costs no
    second pass over the pixels until they are labelled: the distinct values with their counts, or,
    where values do not repeat, samples of them.
    """

    _whole: ImagePoints = field(repr=False)
    _fitted: ImagePoints = field(repr=False)
    _space: FeatureSpace = field(repr=False)
    _parameters: dict[str, Any]
    _notes: tuple[Note, ...] = field(default=(), kw_only=True)

    def __repr__(self) -> str:
        """Say in one line what it is."""
        size = size_of(self._shape, self._whole.pixels.dtype, self._whole.pixels.n_channels)
        given = {"color_space": "rgb", "normalize": False, "spatial_weight": 0, "fit_scale": 1}
        used = [
            f"{name}={self._parameters[name]!r}"
            for name, default in given.items()
            if self._parameters[name] != default
        ]
        return f"PreparedImage({', '.join([size, *used])})"

    def _repr_html_(self) -> str:
        """Show what was read in a notebook."""
        return images_html(repr(self), columns_of(self._whole, self._parameters))

    @property
    def _shape(self) -> tuple[int, ...]:
        """Spatial shape of the image."""
        return self._whole.pixels.shape

    @cached_property
    def _fitting(self) -> Fitting:
        return Fitting(self._whole, self._fitted, self._space, self._parameters)

    @cached_property
    def _value_range(self) -> tuple[float, float]:
        """The lowest and the highest value of the image."""
        return self._whole.value_range

    @property
    def _scale_of_costs(self) -> float:
        """What the inertia of a copy or a sample is multiplied by to be that of all pixels."""
        return self._whole.n_valid / self._fitting.points.total

    def optimal_costs(self, n_clusters: int) -> NDArray[np.float64]:
        """Return the smallest inertia that is possible with 1, 2, ... clusters.

        Parameters
        ----------
        n_clusters : int
            Most clusters.

        Returns
        -------
        (n_clusters,) float64 array
            Shorter where the image has fewer distinct values. Of an image whose distinct values
            are too many to be counted it is what ``segment(init="optimal", tol=0)`` reaches. With
            a `fit_scale`, or of a sample, it is that of the copy, scaled up to all pixels.

        Raises
        ------
        TypeError, ValueError
            If `n_clusters` is no number of clusters, or there are several channels, or position.

        Examples
        --------
        >>> from napari_kmeans_seg import prepare
        >>> prepare([0, 1, 8, 9]).optimal_costs(3)
        array([65. ,  1. ,  0.5])
        """
        (n_clusters,) = checked(n_clusters=n_clusters).values()
        self._fitting.start(OPTIMAL.name, n_clusters)
        known = self._fitting.known_values
        n_clusters = min(n_clusters, known.n)
        if known.n == self._fitting.points.n:
            costs = self._fitting.optimum(known, n_clusters).costs[:n_clusters]
        else:
            fit = partial(self._fitting.fit, init=OPTIMAL.name, tol=0.0)
            fits = (fit(n_clusters=k) for k in range(1, n_clusters + 1))
            costs = np.array([one.assigned.inertia for one in fits])
        with np.errstate(over="ignore"):
            return np.ldexp(costs * self._scale_of_costs, 2 * self._space.exponent)

    def segment(
        self,
        n_clusters: int = 5,
        *,
        init: str | ArrayLike = "auto",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        seed: int | np.random.Generator | None = 0,
        keep_order: bool = False,
        progress: Progress | None = None,
    ) -> Segmentation:
        """Segment the image.

        Parameters
        ----------
        n_clusters, init, n_init, max_iter, tol, seed, progress
            As for `napari_kmeans_seg.segment`, and so are the errors and warnings.
        keep_order : bool
            Label the clusters in the order of the rows of `init`, where it is an array, instead
            of by brightness: label 1 is what became of the first row. That of a row of which
            nothing became, as where the image has fewer values, has a count of 0.

        Returns
        -------
        Segmentation
            As `napari_kmeans_seg.segment` returns for the image and all arguments together.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it should be.
        """
        arguments = checked(
            n_clusters=n_clusters, init=init, n_init=n_init, max_iter=max_iter, tol=tol, seed=seed
        )
        n_clusters = arguments["n_clusters"]
        keep_order = checks.flag("keep_order", keep_order) and not isinstance(init, str)
        progress = never_falling(progress, self._whole.pixels.channels)
        fitted, means = alive(
            lambda tick: self._fitting.fit_whole(tick, **arguments, keep_order=keep_order),
            portion(progress, 0, 0.8, "Clustering"),
        )
        tick = portion(progress, 0.8, 1.0, "Labelling")
        notes, n_found = self._notes_on(fitted, n_clusters), len(fitted.result.centroids)
        if n_found > len(means):
            notes += (WithoutPixels(left_out=n_found - len(means), found=n_found),)
        found = self._result(fitted.assigned, means, fitted.result, fitted.parameters, notes, tick)
        if not keep_order or len(means) == n_clusters:
            return found
        return relabelled(found, np.array([0, *(fitted.rows + 1)]), n_clusters)

    def classify(self, centroids: ArrayLike, *, progress: Progress | None = None) -> Segmentation:
        """Label each pixel with the nearest of given centroids, which stay where they are.

        Parameters
        ----------
        centroids : (n_clusters, n_channels) array
            In the units of the image.
        progress : callable, optional
            As for `segment`.

        Returns
        -------
        Segmentation
            Label 1 is the first row. One that no pixel is nearest to has a count of 0.

        Raises
        ------
        TypeError, ValueError
            If `centroids` are no such array of finite numbers.

        Examples
        --------
        >>> from napari_kmeans_seg import prepare
        >>> prepare([10, 20, 30, 90]).classify([[100], [0]]).labels
        array([2, 2, 2, 1], dtype=uint8)
        """
        progress = never_falling(progress, self._whole.pixels.channels)
        given = array_checks.centroids("centroids", centroids, None, self._whole.pixels.n_channels)
        start = self._space.of_centroids(given, self._whole.pixels)
        parameters = deepcopy(self._parameters) | {"n_clusters": len(given), "init": given.tolist()}
        parameters |= {"n_init": 1, "max_iter": 0, "tol": 0.0, "seed": None}
        assigned = self._whole.assign(self._fitting.points_of_whole, len(given), 0.0)
        tick = portion(progress, 0, 1, "Labelling")

        def assign(tick: Tick) -> NDArray[np.float64]:
            assigned.move(start, lambda part: tick(0.5 * part))
            return self._whole.means(self._space, assigned)

        means = alive(assign, tick)
        result = LloydResult(start, 0, converged=True, between=0.0)
        return self._result(assigned, means, result, parameters, self._notes_on_image, tick)

    def _result(
        self,
        assigned: Assigned,
        means: NDArray[np.float64],
        result: LloydResult,
        parameters: dict[str, Any],
        notes: tuple[Note, ...],
        tick: Tick,
    ) -> Segmentation:
        """Label the pixels as their points are assigned."""
        image, pixels = self._whole, self._whole.pixels

        def label(tick: Tick) -> tuple[Labels, NDArray[np.int64], float]:
            # Those of a sample are scaled up to the image.
            factor = image.n_valid / assigned.counts.sum()
            counts = np.rint(assigned.counts * factor).astype(np.int64)
            with np.errstate(over="ignore", under="ignore"):
                inertia = np.ldexp(assigned.inertia * factor, 2 * image.exponent)
            return image.labels(assigned, tick), counts, float(inertia)

        labels, counts, inertia = alive(label, tick)
        tick(1)
        warn(notes)
        axis, sigma = pixels.channel_axis, tuple(self._parameters["smoothing"])
        model = KMeansModel(
            centroids=means,
            feature_centroids=assigned.centroids,
            space=self._space,
            smoothing=sigma if any(sigma) else (),
            n_channels=means.shape[1],
            channel_axis=None if axis is None else axis - len(pixels.shape) - 1,
            alpha=pixels.alpha is not None,
            n_spatial_axes=len(pixels.shape),
            parameters=parameters,
            values=ValueKind(pixels.dtype, *self._value_range),
            channel_names=tuple(self._parameters.get("channel_names", ())),
        )
        return Segmentation(
            labels=labels,
            centroids=means,
            counts=counts,
            inertia=inertia,
            n_iter=result.n_iter,
            converged=result.converged,
            notes=notes,
            model=model,
            _pixels=pixels,
        )

    @property
    def _notes_on_image(self) -> tuple[Note, ...]:
        """What is worth knowing of the image, whatever is found."""
        return self._notes + not_finite(self._whole.pixels.n_not_finite) + self._fitting.notes

    def _notes_on(self, fitted: Fit, n_clusters: int) -> tuple[Note, ...]:
        """Return what is worth knowing of the image and of what was found for so many clusters."""
        notes = self._notes_on_image
        if fitted.n_values < n_clusters:
            scale = self._parameters["fit_scale"]
            notes += (FewValues(found=fitted.n_values, asked=n_clusters, fit_scale=scale),)
        return notes

    def choose_k(
        self,
        n_clusters: Iterable[int] = range(2, 13),
        *,
        init: str = "auto",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        seed: int | np.random.Generator | None = 0,
        progress: Progress | None = None,
    ) -> ClusterCurve:
        """Score numbers of clusters.

        Parameters
        ----------
        n_clusters, init, n_init, max_iter, tol, seed, progress
            As for `napari_kmeans_seg.choose_k`, and so are the errors and warnings.

        Returns
        -------
        ClusterCurve
            As `napari_kmeans_seg.choose_k` returns for the image and all arguments together.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it should be.
        """
        progress = never_falling(progress, self._whole.pixels.channels)
        wanted = checks.numbers_of_clusters("n_clusters", n_clusters)
        arguments = checked(init=init, n_init=n_init, max_iter=max_iter, tol=tol, seed=seed)
        if not isinstance(init, str):
            raise WrongType("init", f"one of {', '.join((AUTO, *STARTS))} here", "an array")
        # The optimal partitions into fewer clusters fall out of those into most.
        optimal = [k for k in wanted if self._fitting.start(init, k)[0] is OPTIMAL]
        if init == AUTO and optimal:
            optimal = [k for k in optimal if self._fitting.known_values.n * k <= OPTIMAL_LIMIT]
        most = max(optimal, default=0)
        if most:
            known, tick = self._fitting.known_values, portion(progress, 0, 0, "Optimum")
            alive(partial(self._fitting.optimum, known, min(most, known.n)), tick)
        numbers, inertias, centroids = [], [], []
        for i, k in enumerate(wanted):
            tick = portion(progress, i / len(wanted), (i + 1) / len(wanted), f"{k} clusters")
            fitted = alive(partial(self._fitting.fit, n_clusters=k, **arguments, most=most), tick)
            numbers.append(len(fitted.result.centroids))
            inertias.append(fitted.assigned.inertia * self._scale_of_costs)
            centroids.append(fitted.result.centroids)
            if numbers[-1] < k:
                break
        warn(self._notes_on(fitted, k))
        if len(numbers) > 1 and numbers[-1] == numbers[-2]:
            numbers, inertias, centroids = numbers[:-1], inertias[:-1], centroids[:-1]
        fit = partial(self._fitting.fit, n_clusters=1, init=K_MEANS_PLUS_PLUS.name)
        whole = alive(fit, portion(progress, 1, 1, "Scoring")).assigned
        scatter = whole.inertia * self._scale_of_costs

        def score(_: Tick) -> ClusterCurve:
            coarse, n_pixels = self._fitting.coarse, self._whole.n_valid
            return cluster_curve(numbers, inertias, centroids, coarse, scatter, n_pixels)

        curve = alive(score, portion(progress, 1, 1, "Scoring"))
        with np.errstate(over="ignore"):
            return replace(curve, inertia=np.ldexp(curve.inertia, 2 * self._space.exponent))
