"""Bins for values that do not repeat: occupied bins with their counts and exact means."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import Features

N_BINS = 1 << 15
"""Bins of a grid: few enough to cluster in milliseconds, more than clusters by far."""

N_AXES = 3
"""Principal axes that are cut into bins."""


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
    """

    axes: NDArray[np.float64]
    low: NDArray[np.float64]
    step: float
    n_bins: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of bins."""
        return int(np.prod(self.n_bins))

    def keys(self, features: Features) -> NDArray[np.intp]:
        """Bin of each point of ``(n_features, n)`` features."""
        keys = np.zeros(features.shape[1], np.intp)
        for axis, low, n in zip(self.axes, self.low, self.n_bins, strict=True):
            along = _project(axis, features)
            along -= low
            along *= 1 / self.step if self.step else 0.0
            np.clip(along, 0, n - 1, out=along)
            keys *= n
            keys += along.astype(np.intp)
        return keys


def bin_grid(
    sample: Features, weights: NDArray[np.float64] | None = None, n_bins: int = N_BINS
) -> BinGrid:
    """Lay a grid of at most `n_bins` cubes over a sample of the features.

    Its axes are the principal axes of the sample, so that correlated channels do not
    waste bins, and its edges span all but the outermost thousandth on either side, so that a
    hot pixel does not waste them either.
    """
    mean = np.average(sample, axis=1, weights=weights)
    centred = sample - mean[:, np.newaxis]
    weighted = centred if weights is None else centred * weights
    scatter = np.einsum("in,jn->ij", weighted, centred)
    # Deterministic up to the sign of each axis, which is set here.
    vectors = np.linalg.eigh(scatter)[1]
    axes = vectors.T[::-1][:N_AXES]
    axes = (
        axes
        * np.where(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] < 0, -1, 1)[
            :, np.newaxis
        ]
    )
    along = np.stack([_project(axis, sample) for axis in axes])
    low, high = np.quantile(along, [0.001, 0.999], axis=1)
    extent = high - low
    if not extent.any():
        low, high = along.min(axis=1), along.max(axis=1)
        extent = high - low
    step = _cube_side(extent, n_bins)
    counts = np.maximum(np.ceil(extent / step), 1).astype(int) if step else np.ones(len(axes), int)
    return BinGrid(axes, low, step, tuple(int(n) for n in counts))


def _project(axis: NDArray[np.float64], features: Features) -> NDArray[np.float64]:
    """Coordinates along an axis. Not left to BLAS, whose rounding depends on its threads."""
    along = axis[0] * features[0]
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


def sum_bins(
    grid: BinGrid, features: Features, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Sum weights and weighted features per bin, as ``(1 + n_features, grid.size)``."""
    keys = grid.keys(features)
    sums = np.empty((1 + len(features), grid.size))
    sums[0] = np.bincount(keys, weights, minlength=grid.size)
    for row, feature in zip(sums[1:], features, strict=True):
        row[:] = np.bincount(
            keys, feature if weights is None else feature * weights, minlength=grid.size
        )
    return sums
