"""Bins for values that do not repeat: occupied bins with their counts and exact means."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .sums import sums_by_label

N_BINS = 1 << 15
"""Bins of a grid: few enough to cluster in milliseconds, more than clusters by far."""

N_AXES = 3
"""Principal axes that are cut into bins."""


class Bins(Protocol):
    """A way to sum points up to fewer."""

    @property
    def size(self) -> int:
        """Number of bins."""

    def sums(self, features: Features) -> NDArray[np.float64]:
        """Count points and sum their features per bin, as ``(1 + n_features, size)``."""


CROWDED = 0.25
"""Share of the points in one bin from which the bins' widths follow the points."""


@dataclass(frozen=True)
class BinGrid:
    """A grid on the principal axes of the features.

    Attributes
    ----------
    axes : (n_axes, n_features) array
        Unit vectors of the axes along which the features vary most.
    low : (n_axes,) array
        Lower edge of the first bin along each axis.
    step : float
        Side of a bin. The outermost bins take all that lies beyond.
    n_bins : tuple of int
        Bins along each axis.
    edges : tuple of arrays, or None
        Where bins of unequal widths end along each axis, instead of `low` and `step`.
    """

    axes: NDArray[np.float64]
    low: NDArray[np.float64]
    step: float
    n_bins: tuple[int, ...]
    edges: tuple[NDArray[np.float64], ...] | None = None

    @property
    def size(self) -> int:
        """Number of bins."""
        return int(np.prod(self.n_bins))

    def keys(self, features: Features) -> NDArray[np.intp]:
        """Bin of each point of ``(n_features, n)`` features."""
        keys = np.zeros(features.shape[1], np.intp)
        for i, (axis, low, n) in enumerate(zip(self.axes, self.low, self.n_bins, strict=True)):
            along = _project(axis, features)
            keys *= n
            if self.edges is not None:
                keys += np.searchsorted(self.edges[i], along, side="right")
                continue
            along -= low
            along *= 1 / self.step if self.step else 0.0
            np.clip(along, 0, n - 1, out=along)
            keys += along.astype(np.intp)
        return keys

    def sums(self, features: Features) -> NDArray[np.float64]:
        """Count points and sum their features per bin, as ``(1 + n_features, size)``."""
        return sums_by_label(self.keys(features), [None, *features], self.size).T


@dataclass(frozen=True)
class Intervals:
    """Bins of one feature, whose widths follow the values.

    Attributes
    ----------
    edges : (size - 1,) array, ascending
        Where one bin ends and the next begins.
    """

    edges: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of bins."""
        return self.edges.size + 1

    def sums(self, features: Features) -> NDArray[np.float64]:
        """Count points and sum their feature per bin, as ``(2, size)``."""
        # Sorting takes vector instructions, a search per value does not.
        values = np.sort(features[0])
        starts = np.searchsorted(values, self.edges)
        counts = np.diff(starts, prepend=0, append=values.size)
        keys = np.repeat(np.arange(self.size), counts)
        return np.stack([counts, np.bincount(keys, values, minlength=self.size)])


def lay_bins(sample: Features) -> Bins:
    """Lay at most some `N_BINS` bins where a sample of the features has its points.

    One feature gets bins of equal counts and bins of equal widths at once: where many values
    lie as well as where few do, however far a value for "no data" stands off. Several get
    a grid.
    """
    if len(sample) > 1:
        return bin_grid(sample)
    return Intervals(_edges(sample[0], N_BINS))


def _edges(values: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Edges of bins of which half hold equal counts, and half have equal widths."""
    values = np.sort(values)
    counts = values[np.linspace(0, values.size - 1, n_bins // 2).astype(int)]
    low, high = np.quantile(values, [0.001, 0.999])
    return np.unique(np.concatenate([counts, np.linspace(low, high, n_bins // 2)]))


def bin_grid(sample: Features) -> BinGrid:
    """Lay a grid of at most `N_BINS` cubes over a sample of the features.

    Its axes are the principal axes of the sample, so that correlated channels do not
    waste bins, and its edges span all but the outermost thousandth on either side, so that a
    hot pixel does not waste them either.
    """
    centred = sample - sample.mean(axis=1, keepdims=True)
    scatter = np.einsum("in,jn->ij", centred, centred)
    # Deterministic up to the sign of each axis, which is set here.
    vectors = np.linalg.eigh(scatter)[1]
    axes = vectors.T[::-1][:N_AXES]
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    axes = axes * np.sign(largest)[:, np.newaxis]
    few = sample[:, :: 1 + sample.shape[1] // N_BINS]
    along = np.stack([_project(axis, few) for axis in axes])
    low, high = np.quantile(along, [0.001, 0.999], axis=1)
    extent = high - low
    if not extent.any():
        low, high = along.min(axis=1), along.max(axis=1)
        extent = high - low
    step = _cube_side(extent, N_BINS)
    counts = np.maximum(np.ceil(extent / step), 1).astype(int) if step else np.ones(len(axes), int)
    grid = BinGrid(axes, low, step, tuple(int(n) for n in counts))
    if np.bincount(grid.keys(few)).max() < CROWDED * few.shape[1]:
        return grid
    # A background, or values for "no data" far from the others: equal widths alone would leave
    # the rest in few bins. Finding bins of unequal widths takes some times as long.
    edges = tuple(_edges(one, round(N_BINS ** (1 / len(axes)))) for one in along)
    return BinGrid(axes, low, step, tuple(one.size + 1 for one in edges), edges)


def _project(axis: NDArray[np.float64], features: Features) -> NDArray[np.float64]:
    """Coordinates along an axis. Not left to BLAS, whose rounding depends on its threads."""
    along: NDArray[np.float64] = axis[0] * features[0]
    for direction, feature in zip(axis[1:], features[1:], strict=True):
        along += direction * feature
    return along


def _cube_side(extent: NDArray[np.float64], n_bins: int) -> float:
    """Side of the cubes that fill a box of this `extent` with about `n_bins` of them."""
    sides = np.sort(extent[extent > 0])[::-1]
    for n_axes in range(len(sides), 0, -1):
        # Axes shorter than one cube get a single bin, and leave more for the others.
        step = float((np.prod(sides[:n_axes] / sides[0]) / n_bins) ** (1 / n_axes) * sides[0])
        if sides[n_axes - 1] >= step or n_axes == 1:
            return step
    return 0.0
