"""The pixels of an image in bins: only pixels of few bins need be compared with centroids."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .bins import Bins, lay_bins
from .drawn import Drawn, united
from .features import Features
from .nearest import Labels, label_dtype, nearest, squared_distances
from .parallel import CHUNK, Span, Tick, map_spans, spans
from .sources import Assign, PixelSource, PointSource
from .standing import SINGLE, standing_for_all, wide_cells
from .sums import squares_within, sums_by_label

FILLED = 1 << 17
"""Pixels that one thread puts into bins at a time: with fewer the bins would take longer."""

USUAL = 4
"""Features up to which pieces have as many pixels as they may."""

COMPARED = 1 << 22
"""Distances of bins to centroids up to which it pays to find which bins are sure."""

AT_ONCE = 1 << 18
"""Such distances that are held at a time."""

SURE = 0.25
"""Share of the pixels in sure bins from which it pays to look them up."""

FEW = 1 << 12
"""Pixels that are few enough to stand for themselves."""

MARGIN = 1e-9
"""What rounding changes a comparison of distances by is less, in parts of what is compared."""


@dataclass(frozen=True)
class Compared:
    """What is known of some pixels.

    Attributes
    ----------
    index : (n,) array of unsigned integers
        Index of the nearest centroid of each pixel that takes part.
    features : (n_features, n_doubtful) array
        Features of those in bins that are not sure.
    doubtful : (n_doubtful,) array of unsigned integers
        Index of their nearest centroid.
    """

    index: Labels
    features: Features
    doubtful: Labels


@dataclass(frozen=True, eq=False)
class BinnedPixels:
    """The pixels of an image whose values hardly repeat, with the bin of each.

    Where a whole bin is nearest to one centroid, its pixels are labelled and summed up by the
    bin, as exactly as one by one: the filtering of Kanungo et al. 2002
    (doi:10.1109/TPAMI.2002.1017616) on one level of bins.

    Attributes
    ----------
    pixels : PixelSource
        The pixels.
    grid : Bins
        The bins.
    keys : (n,) array of uint16
        Bin of each pixel that takes part.
    sums : (2 + n_features, n_bins) float64 array
        Number of pixels in each bin, sums of their features and of their squared lengths.
    """

    pixels: PixelSource
    grid: Bins
    keys: NDArray[np.uint16]
    sums: NDArray[np.float64]

    @property
    def n(self) -> int:
        """Number of pixels, those that do not take part included."""
        return self.pixels.n

    @property
    def pieces(self) -> list[Span]:
        """How the pixels are cut up for the threads."""
        return spans(self.n, _piece(CHUNK, len(self.sums) - 2))

    def block(self, start: int, stop: int) -> tuple[Features, None]:
        """Features of the pixels from `start` to `stop` that take part."""
        return self.pixels.block(start, stop)

    def assign_to(self, centroids: NDArray[np.float64], *, quick: bool = False) -> Assign:
        """Return what finds the nearest of these centroids, pixel by pixel."""
        return self.pixels.assign_to(centroids, quick=quick)

    @cached_property
    def _occupied(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.sums[0])

    @cached_property
    def points(self) -> PointSource:
        """Means of the pixels in each bin."""
        weights, *totals = self.sums[:-1, self._occupied]
        return PointSource(totals / weights, weights, np.stack(totals))

    @cached_property
    def _far_apart(self) -> Drawn:
        """Pixels of bins in which they lie far apart, as in the outer ones.

        All pixels of a small image: no fewer are needed.
        """
        if self.sums[0].sum() <= FEW:
            return self.pixels.draw(1)
        is_wide = wide_cells(self.sums)
        valid = self.pixels.pixels.valid

        def inside(start: int, stop: int) -> NDArray[np.intp]:
            found = is_wide.take(self.keys[start:stop])
            if valid is not None:
                found &= valid[start:stop]
            return start + np.flatnonzero(found)

        return self.pixels.draw(1 / max(1, self.sums[0, is_wide].sum() // SINGLE), inside)

    def represented(self, n_drawn: int = 0) -> PointSource:
        """Return fewer points that stand for all pixels.

        Parameters
        ----------
        n_drawn : int
            About how many pixels are drawn. They stand for all of their bin, as do pixels that lie
            far apart in one; a bin of which none is drawn is its mean.
        """
        drawn = self._far_apart
        if n_drawn:
            drawn = united(drawn, self.pixels.draw_values(n_drawn, n_drawn // 4))
        features, counts = self.pixels.at(drawn.where), drawn.counts.astype(np.float64)
        return standing_for_all(self.sums, self.keys[drawn.where], features, counts)

    @property
    def variance(self) -> float:
        """Mean variance of the features over the pixels that take part."""
        n, *totals, squares = self.sums.sum(axis=1)
        mean = np.array(totals) / n
        return max(0.0, float(squares / n - (mean**2).sum()) / len(mean))

    def _sure(self, centroids: NDArray[np.float64]) -> NDArray[np.intp]:
        """Index of the centroid that all of each bin is nearest to; -1 where it may be several."""
        known = np.full(self.sums.shape[1], -1)
        k, occupied = len(centroids), self._occupied
        if k * max(k, occupied.size) > COMPARED:
            return known
        axes = self.grid.axes
        along = centroids @ axes.T
        # What the axes leave out of the centroids.
        rest = centroids - along @ axes - self.grid.middle
        half = ((along**2).sum(axis=1) + (rest**2).sum(axis=1))[:, np.newaxis] / 2
        apart = np.sqrt(sum((one[:, np.newaxis] - one) ** 2 for one in rest.T))
        for start, stop in spans(occupied.size, max(1, AT_ONCE // k)):
            bins = occupied[start:stop]
            boxes = self.grid.boxes(bins)
            # As in `nearest`: half the squared distance to the middle of the box, but for what is
            # the same for all centroids.
            scores = half - along @ boxes.middle
            best = scores.argmin(axis=0)
            least = scores[best, np.arange(bins.size)]
            # How much a centroid can gain on the best one on the way to the farthest point.
            gain = apart[:, best] * boxes.radius
            for coordinate, side in zip(along.T, boxes.half, strict=True):
                gain += np.abs(coordinate[:, np.newaxis] - coordinate[best]) * side
            margin = MARGIN * (np.abs(scores) + np.abs(least) + gain)
            sure = ((scores - least <= gain + margin).sum(axis=0) == 1) & boxes.inner
            known[bins[sure]] = best[sure]
        if self.sums[0, known >= 0].sum() < SURE * self.sums[0].sum():
            known[:] = -1
        return known

    def _compare(
        self, centroids: NDArray[np.float64], dtype: np.dtype[np.unsignedinteger]
    ) -> tuple[NDArray[np.float64], Callable[[int, int], Compared]]:
        """Return the sums of the sure bins, ``(k, 2 + n_features)``, and what compares pixels."""
        known = self._sure(centroids)
        sure = known >= 0
        totals = sums_by_label(known[sure], list(self.sums[:, sure]), len(centroids))
        # The largest number is no centroid's.
        none = np.iinfo(dtype).max
        table = np.where(sure, known, none).astype(dtype)
        valid = self.pixels.pixels.valid

        def compare(start: int, stop: int) -> Compared:
            keys = self.keys[start:stop]
            where = None if valid is None else np.flatnonzero(valid[start:stop])
            index = table.take(keys if where is None else keys[where])
            left = np.flatnonzero(index == none)
            if left.size == index.size:
                features = self.block(start, stop)[0]
            else:
                features = self.pixels.at(start + (left if where is None else where[left]))
            doubtful = nearest(features, centroids, np.empty(left.size, dtype))
            index[left] = doubtful
            return Compared(index, features, doubtful)

        return totals, compare

    def partition(
        self, centroids: NDArray[np.float64], labels: Labels, tick: Tick | None = None
    ) -> tuple[NDArray[np.float64], bool]:
        """Assign every pixel to its nearest centroid, as `lloyd.partition` does.

        Returns
        -------
        sums : (n_clusters, 1 + n_features) float64 array
            Number of pixels of each cluster, and sums of their features.
        changed : bool
            Whether any pixel changed its cluster.
        """
        totals, compare = self._compare(centroids, labels.dtype)

        def assign(start: int, stop: int) -> tuple[NDArray[np.float64], bool]:
            found = compare(start, stop)
            old = labels[start : start + found.index.size]
            changed = not np.array_equal(found.index, old)
            old[:] = found.index
            return sums_by_label(found.doubtful, [None, *found.features], len(centroids)), changed

        sums, any_changed = totals[:, :-1].copy(), False
        for part, changed in map_spans(assign, self.pieces, tick):
            sums += part
            any_changed |= changed
        return sums, any_changed

    def label(
        self, centroids: NDArray[np.float64], labels: Labels | None, tick: Tick | None = None
    ) -> tuple[NDArray[np.float64], float]:
        """Write 1 + the index of the nearest centroid of each pixel that takes part to `labels`.

        With None for these nothing is written.

        Returns
        -------
        sums : (n_clusters, 1 + n_features) float64 array
            Number of pixels of each cluster, and sums of their features.
        inertia : float
            Sum of squared distances.
        """
        totals, compare = self._compare(centroids, label_dtype(len(centroids)))
        valid = self.pixels.pixels.valid
        squares = float(totals[:, -1].sum())
        within = squares_within(totals[:, 0], totals[:, 1:-1], squares, centroids)
        inertia, precise = within or 0.0, within is not None

        def assign(start: int, stop: int) -> tuple[NDArray[np.float64], float]:
            found = compare(start, stop)
            sums = sums_by_label(found.doubtful, [None, *found.features], len(centroids))
            features, index = found.features, found.doubtful
            if not precise:
                features, index = self.block(start, stop)[0], found.index
            inertia = float(squared_distances(features, centroids, index).sum())
            if labels is not None:
                inside = ... if valid is None else valid[start:stop]
                labels[start:stop][inside] = found.index + labels.dtype.type(1)
            return sums, inertia

        sums = totals[:, :-1].copy()
        for part, of_part in map_spans(assign, self.pieces, tick):
            sums += part
            inertia += of_part
        return sums, inertia


def _piece(n: int, n_features: int) -> int:
    """Return so many pixels, or fewer where features are many, which would take much memory."""
    return n * USUAL // max(USUAL, n_features)


def bin_pixels(pixels: PixelSource, sample: Features, tick: Tick | None = None) -> BinnedPixels:
    """Put the pixels of an image into bins.

    Parameters
    ----------
    pixels : PixelSource
        The pixels.
    sample : (n_features, n) array
        Some of them, to lay the bins by.
    tick : callable, optional
        Progress.
    """
    grid = lay_bins(sample)
    keys = np.zeros(pixels.n, np.uint16)
    valid = pixels.pixels.valid

    def sums(start: int, stop: int) -> NDArray[np.float64]:
        features = pixels.block(start, stop)[0]
        squares = (features * features).sum(axis=0)
        index = grid.keys(features, squares)
        keys[start:stop][... if valid is None else valid[start:stop]] = index
        return sums_by_label(index, [None, *features, squares], grid.size).T

    total = np.zeros((2 + len(sample), grid.size))
    for part in map_spans(sums, spans(pixels.n, _piece(FILLED, len(sample))), tick):
        total += part
    return BinnedPixels(pixels, grid, keys, total)
