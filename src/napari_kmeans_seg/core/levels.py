"""The points of an image, and fewer and fewer that stand for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import fit
from .features import FeatureSpace
from .image_points import ImagePoints
from .leaves import LeafSource, coarser, in_leaves
from .nearest import Labels
from .parallel import map_spans
from .sources import PointSource, Source

FEWER = 4
"""How many times fewer points than all the finest level of coarse points has, at least."""

STEP = 64
"""How many times fewer the next level has, at most."""

FEWEST = 2500
"""Points of the coarsest level, about, ..."""

PER_CLUSTER = 48
"""... or so many for each cluster: less are no guide."""

SAMPLE = 1 << 14
"""Pixels that decide where bins lie."""

SAMPLE_OF_ONE = 1 << 16
"""The same for one feature, whose bins follow the values one by one."""


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
    _coarser: dict[tuple[int, ...], LeafSource] = field(default_factory=dict, init=False)

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

    @cached_property
    def all(self) -> Source:
        """The same, in the order of a Hilbert curve where they are points."""
        return in_leaves(self.fine) if isinstance(self.fine, PointSource) else self.fine

    @cached_property
    def points(self) -> PointSource:
        """All points where they are known, else bins of pixels: few enough to be sorted."""
        if isinstance(self.fine, PointSource):
            return self.fine
        n_features = self.space.n_features(len(self.image.pixels.shape))
        n_sample = SAMPLE if n_features > 1 else SAMPLE_OF_ONE
        return fit.coarsen(self.fine, self.space.of_sample(self.image.inputs, n_sample))

    def n_values(self, n_clusters: int) -> int:
        """Count distinct values, at least up to `n_clusters`."""
        n = self.points.n
        return n if n >= n_clusters else fit.distinct(self.fine, n_clusters).n

    @cached_property
    def base(self) -> LeafSource:
        """All points, or the bins of pixels: what coarse points are summed up from."""
        return self.all if isinstance(self.all, LeafSource) else in_leaves(self.points)

    def coarse_for(self, n_clusters: int) -> Sequence[PointSource]:
        """Coarse points for so many clusters, fewer and fewer."""
        level = self.base
        if level.n < n_clusters:
            return [fit.distinct(self.fine, n_clusters)]
        least = max(FEWEST, PER_CLUSTER * n_clusters)
        if level.n <= least:
            return [level]
        finest = max(least, level.n // FEWER if level is self.all else level.n)
        n_steps = ceil(log(finest / least, STEP))
        sizes = np.geomspace(finest, least, n_steps + 1).astype(int).tolist()
        guides = []
        for i in range(len(sizes)):
            path = tuple(sizes[: i + 1])
            level = self._coarser.get(path) or coarser(level, sizes[i])
            guides.append(self._coarser.setdefault(path, level))
        return guides

    def nearest(self, centroids: NDArray[np.float64], dtype: np.dtype[Any]) -> Labels | None:
        """Index of the nearest centroid of each distinct value; None where they are not known."""
        leaves = self.all
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
