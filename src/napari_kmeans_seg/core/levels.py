"""The points of an image, and fewer and fewer that stand for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from . import fit
from .binned import BinnedPixels, bin_pixels
from .coarse_points import N_POINTS, CoarsePoints
from .features import FeatureSpace, value_range
from .image_points import DRAWN, ImagePoints
from .labelling import Assigned
from .leaves import FEW, LeafSource, coarser, in_cells, in_leaves
from .lloyd import LloydResult, assign_points, inertia
from .optimal import OptimalPartitions, optimal_partitions
from .parallel import Tick, no_tick
from .sources import PixelSource, PointSource, Source

FEW_CLUSTERS = 8
"""Clusters up to which it takes longer to put all points in order than to compare them all."""

CELL_BITS = 16
"""Bits of the cells that all points are then summed up in."""

FEWER = 6
"""How many times fewer points than all the finest level of coarse points has, at least."""

STEP = 64
"""How many times fewer the next level has, at most."""

BETWEEN = 4
"""How many times more points than the coarsest level the one above it has, where the next has more
than that again, and where all of them are compared with all centroids: they take no time, and save
a third of the iterations on the next."""

FEWEST = 2000
"""Points of the coarsest level, about, ..."""

PER_CLUSTER = 32
"""... or so many for each cluster: less are no guide."""

CLUSTERS = 16
"""Numbers of clusters that have a coarsest level in common."""

FEW_BINS = 768
"""Bins for each cluster below which they are too coarse a guide for all pixels."""

SAMPLES = ((4, 1 << 22), (16, 1 << 20))
"""How many times fewer pixels than all a sample of them has at least, and how many features of
them there are at most."""


def levels_of(image: ImagePoints, space: FeatureSpace, tick: Tick | None = None) -> "Levels":
    """Put the pixels of an image into bins, where they are not known as points."""
    fine = image.source(space)
    if isinstance(fine, PixelSource):
        where = image.inputs.sample(DRAWN) if space.position else image.drawn.where
        sample = fine.at(where)
        if len(sample) == 1:
            # Bins of one feature reach as far as any value: those that lie far off are few, and
            # may be most of the inertia.
            ends = space.of_values([np.array(value_range(image.inputs))])
            sample = np.concatenate([sample, ends], axis=1)
        return Levels(image, space, bin_pixels(fine, sample, tick))
    if 0 in space.scale:
        # Values that differ only in a channel without weight are one.
        features, home = np.unique(fine.features, axis=1, return_inverse=True)
        weights = np.bincount(home.ravel(), fine.weights).astype(np.float64)
        fine = PointSource(features, weights)
    return Levels(image, space, fine)


@dataclass(frozen=True, eq=False)
class Levels:
    """All points of an image and coarser ones, each made when it is first asked for.

    Attributes
    ----------
    image : ImagePoints
        The image.
    space : FeatureSpace
        Where its points lie.
    fine : PointSource or BinnedPixels
        All points, or all pixels where values hardly repeat.
    """

    image: ImagePoints
    space: FeatureSpace
    fine: PointSource | BinnedPixels
    _coarser: dict[tuple[float, ...], LeafSource] = field(default_factory=dict, init=False)
    _optima: dict[int, OptimalPartitions] = field(default_factory=dict, init=False)

    @cached_property
    def variance(self) -> float:
        """Mean variance of the features over the pixels."""
        return self.fine.variance

    def all_for(self, n_clusters: int) -> Source:
        """Return the same, along a Hilbert curve where this suits so many clusters."""
        return self.fine if n_clusters <= FEW_CLUSTERS else self._leaves

    @cached_property
    def _leaves(self) -> Source:
        return in_leaves(self.fine) if isinstance(self.fine, PointSource) else self.fine

    @cached_property
    def points(self) -> PointSource:
        """All points where they are known, else bins of pixels: few enough to be sorted."""
        return self.fine if isinstance(self.fine, PointSource) else self.fine.points

    def n_values(self, n_clusters: int) -> int:
        """Count distinct values, at least up to `n_clusters`."""
        n = self.points.n
        return n if n >= n_clusters else fit.distinct(self.fine, n_clusters).n

    @cached_property
    def _cells(self) -> LeafSource:
        """Some thousand points that stand for all, or all where they are fewer."""
        if isinstance(self.fine, BinnedPixels):
            return in_leaves(self.fine.represented())
        return in_cells(self.fine, CELL_BITS) if self.fine.n > FEWEST else in_leaves(self.fine)

    def coarse_for(self, n_clusters: int) -> Sequence[PointSource]:
        """Coarse points for so many clusters, fewer and fewer."""
        in_order = n_clusters > FEW_CLUSTERS and isinstance(self._leaves, LeafSource)
        level = self._leaves if in_order else self._cells
        assert isinstance(level, LeafSource)
        if level.n < n_clusters:
            return [fit.distinct(self.fine, n_clusters)]
        # In steps, so that not every number of clusters has a level of its own.
        least = max(FEWEST, -(-n_clusters // CLUSTERS) * CLUSTERS * PER_CLUSTER)
        guides = [level]
        if level.n > least:
            between = BETWEEN * least if BETWEEN * least * n_clusters <= FEW else 0
            guides = self._guides(level, least, between, in_order=in_order)
        if isinstance(self.fine, BinnedPixels) and self.points.n < FEW_BINS * n_clusters:
            return [*self._samples, *guides]
        return guides

    def _guides(
        self, level: LeafSource, least: int, between: int, *, in_order: bool
    ) -> list[LeafSource]:
        """Return coarser and coarser points down to `least`, the last but one of `between`."""
        finest = max(least, level.n // FEWER if in_order else level.n)
        n_steps = ceil(log(finest / least, STEP))
        sizes = np.geomspace(finest, least, n_steps + 1).round().astype(int).tolist()
        if between and sizes[0] > least and sizes[-2] > BETWEEN * between:
            sizes.insert(-1, between)
        guides = []
        for i in range(len(sizes)):
            path = in_order, *sizes[: i + 1]
            level = self._coarser.get(path) or coarser(level, sizes[i])
            guides.append(self._coarser.setdefault(path, level))
        return guides

    @cached_property
    def _samples(self) -> list[LeafSource]:
        """Pixels of the image, and fewer of them."""
        assert isinstance(self.fine, BinnedPixels)
        pixels, n_features = self.fine, len(self.points.features)
        sizes = [min(self.image.n_valid // part, most // n_features) for part, most in SAMPLES]
        sizes = [size for size in sizes if size > self.points.n]
        return [in_leaves(pixels.represented(size)) for size in sizes]

    def optimum(self, n_clusters: int, tick: Tick = no_tick) -> OptimalPartitions:
        """Find the optimal partitions of the one feature into up to so many clusters."""
        if n_clusters not in self._optima:
            # Distinct values, where they are known, give the true optimum; bins come close.
            order = np.argsort(self.points.features[0])
            values, weights = self.points.features[0, order], self.points.weights[order]
            found = optimal_partitions(values, weights, n_clusters, tick)
            # Only the last: of equal optima, what was asked before must not decide.
            self._optima.clear()
            self._optima[n_clusters] = found
        return self._optima[n_clusters]

    def inertia(self, found: LloydResult) -> float:
        """Sum the squared distances of all points to the nearest centroids of a result."""
        points = self.all_for(len(found.centroids))
        if isinstance(points, PointSource):
            return assign_points(points, found.centroids, found)[2]
        return inertia(points, found.centroids)

    @cached_property
    def few(self) -> CoarsePoints:
        """What numbers of clusters are scored on."""
        points = coarser(self._cells, N_POINTS)
        return CoarsePoints(points.features, points.weights)

    def assigned(self, centroids: NDArray[np.float64], found: LloydResult) -> Assigned | None:
        """Assign the distinct values of the image; None where they are not the points.

        Parameters
        ----------
        centroids : (n_clusters, n_features) array
            The centroids.
        found : LloydResult
            Of the same clusters in the same order.
        """
        points = self.all_for(len(centroids))
        # With a channel without weight the points are not those of the image.
        if not isinstance(points, PointSource) or 0 in self.space.scale:
            return None
        index, part, inertia = assign_points(points, centroids, found)
        if isinstance(points, LeafSource):
            labels, index = index, np.empty_like(index)
            index[points.order] = labels
        return Assigned(index, part.counts, part.sums, inertia)
