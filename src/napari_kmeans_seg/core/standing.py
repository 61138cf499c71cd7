"""Points that stand for all: means of cells, and single points of cells in which they lie apart."""

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .sources import PointSource

WIDE = 16
"""Times the usual sum of squares within a cell from which its points stand for themselves."""

CROWDED = 0.125
"""Share of the weight in one cell from which it is no rare one, and its mean is a good guide."""

SINGLE = 1 << 15
"""Points of such cells that stand for all of them."""

ROUNDING = 1e-10
"""What rounding makes of the sum of squares within a cell is less, in parts of the squares."""

SHORT = 2.0**23 + 1
"""The product with it takes 23 bits from the 53 of a number."""


def wide_cells(sums: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell in which cells few points lie far apart, as in the outer ones, which hold all beyond.

    Parameters
    ----------
    sums : (2 + n_features, n_cells) array
        Weight of each cell, sums of its features and of its squared lengths.
    """
    occupied = np.flatnonzero(sums[0])
    weights, *totals, squares = sums[:, occupied]
    lost = squares - (np.stack(totals) ** 2).sum(axis=0) / weights
    lost[lost < ROUNDING * squares] = 0
    is_wide = np.zeros(sums.shape[1], bool)
    is_wide[occupied] = (lost > WIDE * lost.mean()) & (weights < CROWDED * weights.sum())
    return is_wide


def standing_for_all(
    sums: NDArray[np.float64],
    cells: NDArray[np.integer],
    features: Features,
    weights: NDArray[np.float64] | None = None,
) -> PointSource:
    """Let chosen points stand for all of their cells, and means for the cells without any.

    Parameters
    ----------
    sums : (2 + n_features, n_cells) array
        As in `wide_cells`.
    cells : (n,) array of integers
        The cell of each chosen point.
    features : (n_features, n) array
        The points.
    weights : (n,) array, optional
        What each weighs; 1 by default.
    """
    chosen = np.bincount(cells, weights, minlength=sums.shape[1])
    means = np.flatnonzero((sums[0] != 0) & (chosen == 0))
    share = sums[0, cells] / chosen[cells]
    all_weights = np.concatenate([sums[0, means], share if weights is None else share * weights])
    middles = sums[1:-1, means] / sums[0, means]
    # Rounded: the order in which points were added up, on which the last bits depend, has no say
    # in where on a curve the means stand.
    long = middles * SHORT
    middles = long - (long - middles)
    return PointSource(np.concatenate([middles, features], axis=1), all_weights)
