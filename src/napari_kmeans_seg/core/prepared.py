"""An image that was read once: run k-means on it, as often as wanted, and label its pixels."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, fit
from .binned import BinnedPixels
from .choose_k import ClusterCurve
from .features import FeatureSpace
from .image_points import ImagePoints
from .labelling import Clusters, Labelling, label_values
from .levels import Levels
from .lloyd import LloydResult, lloyd
from .model import KMeansModel
from .notes import few_values, not_finite, without_pixels
from .parallel import Progress, Tick, no_tick, portion
from .scores import cluster_curve
from .segmentation import Segmentation, by_brightness

RELABELLINGS = 10
"""Times that pixels are labelled again to fill empty clusters; rarely one."""

OPTIMAL_LIMIT = 1 << 21
"""Distinct values times clusters up to which "auto" means the optimum: half a second's work."""


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image that was read by `prepare`.

    Its distinct values are kept, so that another number of clusters, seed or init costs no
    second pass over the pixels until they are labelled; from then on, of colours, the number of
    each pixel's is kept (4 bytes), and labels take half the time. Where values do not repeat it is
    the bin of each pixel (2 bytes), and only pixels of few bins are read again.
    """

    _whole: ImagePoints = field(repr=False)
    _levels: Levels = field(repr=False)
    _parameters: dict[str, Any]
    _once: bool = field(default=False, repr=False, kw_only=True)

    @property
    def _n_pixels(self) -> int:
        """Number of pixels that take part."""
        return self._whole.n_valid

    @property
    def _scale_of_costs(self) -> float:
        """What the inertia of a copy or a sample is multiplied by to be that of all pixels."""
        return self._n_pixels / self._levels.image.n_valid

    @property
    def _space(self) -> FeatureSpace:
        return self._levels.space

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
            are not known it is the optimum of up to 65,536 bins. With a `fit_scale`, or of a
            sample, it is that of the copy, reckoned up to all pixels.

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
        n_clusters = checks.integer("n_clusters", n_clusters, 1, checks.MAX_CLUSTERS)
        self._start("optimal", n_clusters)
        costs = self._levels.optimum(min(n_clusters, self._levels.points.n)).costs[:n_clusters]
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
            of by brightness: label 1 is what became of the first row.

        Returns
        -------
        Segmentation
            As `napari_kmeans_seg.segment` returns for the image and all arguments together.

        Raises
        ------
        TypeError, ValueError
            If an argument is not what it should be.
        """
        n_clusters = checks.integer("n_clusters", n_clusters, 1, checks.MAX_CLUSTERS)
        keep_order = checks.flag("keep_order", keep_order) and not isinstance(init, str)
        checks.progress(progress)
        arguments = n_clusters, init, n_init, max_iter, tol, seed
        tick = portion(progress, 0, 0.7, "Clustering")
        found, parameters, notes = self._fit(*arguments, tick, keep_order=keep_order)
        tick = portion(progress, 0.7, 1.0, "Labelling")
        model, labelling = self._label(found, parameters, tick, keep_order=keep_order)
        tick(1)
        left_out = without_pixels(len(found.centroids), len(model.centroids))
        return self._result(model, labelling, found, (*notes, *left_out))

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
        checks.progress(progress)
        given = checks.centroids("centroids", centroids, None, self._whole.pixels.n_channels)
        start = self._space.of_centroids(given, self._whole.pixels)
        parameters = deepcopy(self._parameters)
        parameters |= {"n_clusters": len(given), "init": given.tolist()}
        parameters |= {"n_init": 1, "max_iter": 0, "tol": 0.0, "seed": None}
        model, tick = self._model(start, parameters), portion(progress, 0, 1, "Labelling")
        labelling = self._labelling(model, self._clusters(model, tick), tick)
        tick(1)
        notes = tuple(not_finite(self._whole.pixels))
        return self._result(model, labelling, LloydResult(start, 0, True, 0.0), notes)

    def _result(
        self, model: KMeansModel, labelling: Labelling, found: LloydResult, notes: tuple[str, ...]
    ) -> Segmentation:
        for note in notes:
            checks.warn(note)
        return model.segmentation(
            self._whole, labelling, n_iter=found.n_iter, converged=found.converged, notes=notes
        )

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
        checks.progress(progress)
        wanted = checks.numbers_of_clusters("n_clusters", n_clusters)
        if not isinstance(init, str):
            raise TypeError(f"init takes one of {', '.join(checks.INITS)} here; got an array.")
        # The partitions into fewer clusters fall out of those into most. With "auto" larger numbers
        # start otherwise: their optimum would take many times as long as all else.
        most = max((k for k in wanted if self._start(init, k)[0] == "optimal"), default=0)
        if most:
            tick = portion(progress, 0, 0, "Optimum")
            self._levels.optimum(min(most, self._levels.points.n), tick)
        numbers, inertias, centroids = [], [], []
        for i, k in enumerate(wanted):
            tick = portion(progress, i / len(wanted), (i + 1) / len(wanted), f"{k} clusters")
            found, _, notes = self._fit(k, init, n_init, max_iter, tol, seed, tick, most=most)
            numbers.append(len(found.centroids))
            inertias.append(self._levels.inertia(found))
            centroids.append(found.centroids)
            if numbers[-1] < k:
                break
        for note in notes:
            checks.warn(note)
        if len(numbers) > 1 and numbers[-1] == numbers[-2]:
            numbers, inertias, centroids = numbers[:-1], inertias[:-1], centroids[:-1]
        inertias = [one * self._scale_of_costs for one in inertias]
        scatter = self._levels.variance * self._n_pixels * found.centroids.shape[1]
        few = self._levels.few
        curve = cluster_curve(numbers, inertias, centroids, few, scatter, self._n_pixels)
        with np.errstate(over="ignore"):
            return replace(curve, inertia=np.ldexp(curve.inertia, 2 * self._space.exponent))

    def _fit(
        self,
        n_clusters: int,
        init: str | ArrayLike,
        n_init: int,
        max_iter: int,
        tol: float,
        seed: int | np.random.Generator | None,
        tick: Tick,
        *,
        keep_order: bool = False,
        most: int = 0,
    ) -> tuple[LloydResult, dict[str, Any], tuple[str, ...]]:
        """Find the centroids. Returns them, what they were asked for, and what is worth saying.

        Optima fall out of those for up to `most` clusters.
        """
        n_init = checks.integer("n_init", n_init, 1)
        max_iter = checks.integer("max_iter", max_iter, 1)
        tol = checks.real("tol", tol, 0)
        random = checks.generator(seed)
        start, init_name = self._start(init, n_clusters)
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
        n_values = self._levels.n_values(n_clusters)
        notes = not_finite(self._whole.pixels)
        notes += few_values(n_values, n_clusters, self._parameters["fit_scale"])
        if n_values < n_clusters:
            n_clusters = n_values
            start = start if isinstance(start, str) else "k-means++"
        if isinstance(start, str) and start == "optimal":
            if self._levels.points.n < n_clusters:
                # So many values lie in fewer bins.
                start = "k-means++"
            else:
                most = min(max(most, n_clusters), self._levels.points.n)
                optimum = self._levels.optimum(most, lambda _: tick(0))
                start = optimum.centroids(n_clusters)[:, np.newaxis]
        found = fit.run(
            self._levels.all_for(n_clusters),
            self._levels.coarse_for(n_clusters) if isinstance(start, str) else [],
            n_clusters,
            start,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol * self._levels.variance,
            random=random,
            tick=tick,
            order=fit.as_they_are if keep_order else self._brightness,
        )
        return found, parameters, tuple(notes)

    def _start(
        self, init: str | ArrayLike, n_clusters: int
    ) -> tuple[str | NDArray[np.float64], str | list[list[float]]]:
        """Return where to start, in features, and how to write it down."""
        one_feature = self._space.n_features(len(self._whole.pixels.shape)) == 1
        if isinstance(init, str):
            checks.choice("init", init, checks.INITS)
            if init == "optimal" and not one_feature:
                raise ValueError(
                    "init='optimal' takes an image of one channel, without spatial_weight; got "
                    f"{self._whole.pixels.n_channels} channels and "
                    f"spatial_weight={self._parameters['spatial_weight']}."
                )
            if init == "auto":
                n = self._levels.points.n
                cheap = one_feature and n * n_clusters <= OPTIMAL_LIMIT
                init = "optimal" if cheap else "k-means++"
            return init, init
        given = checks.centroids("init", init, n_clusters, self._whole.pixels.n_channels)
        return self._space.of_centroids(given, self._whole.pixels), given.tolist()

    def _label(
        self,
        found: LloydResult,
        parameters: dict[str, Any],
        tick: Tick,
        *,
        keep_order: bool,
    ) -> tuple[KMeansModel, Labelling]:
        """Label the pixels, with the clusters in the order of their brightness, or as they are."""
        known: LloydResult | None = found
        model = self._model(found.centroids, parameters)
        clusters = self._clusters(model, tick, known)
        for _ in range(RELABELLINGS):
            if clusters.counts.all():
                break
            # The last move of the centroids left one without pixels: another iteration gives
            # it the farthest.
            source = self._whole.source(self._space)
            centroids = lloyd(source, model.centroids, max_iter=1).centroids
            if not keep_order:
                centroids = centroids[self._brightness(centroids)]
            model, known = self._model(centroids, parameters), None
            clusters = self._clusters(model)
        for _ in range(0 if keep_order else RELABELLINGS):
            # Where features are not brightness, or centroids not quite means, the order is another.
            order = by_brightness(clusters.means)[: np.count_nonzero(clusters.counts)]
            if np.array_equal(order, np.arange(clusters.counts.size)):
                break
            known = known.reordered(order) if known and order.size == clusters.counts.size else None
            model = self._model(model.centroids[order], parameters)
            clusters = self._clusters(model, found=known)
        return model, self._labelling(model, clusters, tick)

    def _clusters(
        self, model: KMeansModel, tick: Tick = no_tick, found: LloydResult | None = None
    ) -> Clusters:
        """Find the clusters of a model, with the labels of the pixels where no table can tell them.

        Parameters
        ----------
        model : KMeansModel
            The model.
        tick : callable, optional
            Progress.
        found : LloydResult, optional
            What its centroids come from, in the same order.
        """
        is_fitted = self._levels.image is self._whole
        if self._whole.packing is None:
            fine = self._levels.fine
            binned = fine if is_fitted and isinstance(fine, BinnedPixels) else None
            return model.label(self._whole, tick, binned=binned)
        assigned = None
        if is_fitted:
            found = found or LloydResult(model.centroids, 0, True, 0.0)
            assigned = self._levels.assigned(model.centroids, found)
        return label_values(self._whole, self._space, model.centroids, assigned)

    def _labelling(self, model: KMeansModel, clusters: Clusters, tick: Tick) -> Labelling:
        if isinstance(clusters, Labelling):
            return clusters
        return model.label(self._whole, tick, clusters=clusters, keep=not self._once)

    def _brightness(self, centroids: NDArray[np.float64]) -> NDArray[np.intp]:
        """Order centroids by brightness, as far as their features tell."""
        return np.argsort(centroids[:, : len(self._space.scale)].sum(axis=1), kind="stable")

    def _model(self, centroids: NDArray[np.float64], parameters: dict[str, Any]) -> KMeansModel:
        pixels = self._whole.pixels
        axis = pixels.channel_axis
        sigma = tuple(self._parameters["smoothing"])
        return KMeansModel(
            centroids=centroids,
            space=self._space,
            smoothing=sigma if any(sigma) else (),
            n_channels=pixels.n_channels,
            channel_axis=None if axis is None else axis - len(pixels.shape) - 1,
            alpha=pixels.alpha is not None,
            n_spatial_axes=len(pixels.shape),
            parameters=parameters,
        )
