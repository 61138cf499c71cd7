"""The points of an image, and fewer and fewer that stand for them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import fit
from .features import FeatureSpace
from .image_points import ImagePoints
from .leaves import LeafSource, in_leaves
from .nearest import Labels
from .parallel import map_spans
from .sources import PointSource, Source

MANY = 10
"""Clusters from which it pays to put the points in the order of a k-d tree."""

COARSE_LEAF = 1 << 8
"""Coarse points of a leaf."""

SAMPLE = 1 << 14
"""Points that decide where the coarse bins lie."""

SAMPLE_OF_ONE = 1 << 16
"""The same for one feature, whose bins follow the values one by one."""

BINS_PER_CLUSTER = 16
"""Where the bins are not as many times as many as the clusters, they are no guide."""


@dataclass(frozen=True, eq=False)
class Levels:
    """All points of an image and coarser ones, each made when it is first asked for.

    Attributes
    ----------
    image : ImagePoints
        The image.
    space : FeatureSpace
        Where its points lie.
    """

    image: ImagePoints
    space: FeatureSpace

    @cached_property
    def fine(self) -> Source:
        """All points, or all pixels where values hardly repeat."""
        source = self.image.source(self.space)
        if isinstance(source, PointSource) and 0 in self.space.scale:
            # Values that differ only in a channel without weight are one.
            features, home = np.unique(source.features, axis=1, return_inverse=True)
            weights = np.bincount(home.ravel(), source.weights).astype(np.float64)
            source = PointSource(features, weights)
        return source

    def all_for(self, n_clusters: int) -> Source:
        """All points, in the order that suits so many clusters."""
        return self._leaves if n_clusters >= MANY else self.fine

    @cached_property
    def _leaves(self) -> Source:
        return in_leaves(self.fine) if isinstance(self.fine, PointSource) else self.fine

    def nearest(self, centroids: NDArray[np.float64], dtype: np.dtype[Any]) -> Labels | None:
        """Index of the nearest centroid of each distinct value; None where there is no tree."""
        leaves = self.__dict__.get("_leaves")
        # With a channel without weight the points are not those of the image.
        if not isinstance(leaves, LeafSource) or 0 in self.space.scale:
            return None
        order = leaves.order
        assert order is not None
        assign_to_nearest = leaves.assign_to(centroids)
        index = np.empty(leaves.n, dtype)

        def assign(start: int, stop: int) -> None:
            found = np.empty(stop - start, dtype)
            assign_to_nearest(start, stop, leaves.features[:, start:stop], found)
            index[order[start:stop]] = found

        for _ in map_spans(assign, leaves.pieces):
            pass
        return index

    @cached_property
    def _finer(self) -> PointSource | None:
        """Points between all and the coarse ones, where all are many."""
        fine = self.fine
        if not isinstance(fine, PointSource) or fine.n < 2 * fit.LEVELS[0]:
            return None
        return fit.coarsen(fine, fine.features[:, :: fine.n // self._n_sample], fit.LEVELS[0])

    @cached_property
    def coarse(self) -> PointSource:
        """Points few enough to cluster in milliseconds."""
        fine = self._finer or self.fine
        if isinstance(fine, PointSource):
            step = max(1, fine.n // self._n_sample)
            return fit.coarsen(fine, fine.features[:, ::step])
        return fit.coarsen(fine, self.space.of_sample(self.image.inputs, self._n_sample))

    @property
    def _n_sample(self) -> int:
        n_features = self.space.n_features(len(self.image.pixels.shape))
        return SAMPLE if n_features > 1 else SAMPLE_OF_ONE

    @cached_property
    def _coarsest(self) -> PointSource:
        return fit.coarsen(self.coarse, self.coarse.features, fit.LEVELS[-1])

    def coarse_for(self, n_clusters: int) -> list[PointSource]:
        """Coarse points for so many clusters, fewer and fewer; one that has fewer is alone."""
        if self.coarse.n < n_clusters:
            return [fit.distinct(self.fine, n_clusters)]
        guides = self._guides if n_clusters < MANY else self._guides_in_leaves
        least = BINS_PER_CLUSTER * n_clusters
        return [level for level in guides if level.n >= least] or guides[:1]

    @cached_property
    def _guides(self) -> list[PointSource]:
        """Coarse points, the coarsest last."""
        guides = [self.coarse, self._coarsest]
        return guides if self._finer is None else [self._finer, *guides]

    @cached_property
    def _guides_in_leaves(self) -> list[PointSource]:
        return [in_leaves(guide, COARSE_LEAF) for guide in self._guides]

    @property
    def points(self) -> PointSource:
        """All points where they are known, else the coarse ones."""
        return self.fine if isinstance(self.fine, PointSource) else self.coarse
