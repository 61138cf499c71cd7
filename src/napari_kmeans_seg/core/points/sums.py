"""Clusters that become one."""

import numpy as np
from numpy.typing import NDArray

from ..kmeans.nearest import sums_by_label

HUGE = 2.0**900
"""From here on sums of values may not be finite."""


def join_means(
    index: NDArray[np.integer],
    counts: NDArray[np.int64],
    means: NDArray[np.float64],
    n_joined: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Join clusters: what the counts and means of some are together.

    Parameters
    ----------
    index : (n,) array of integers
        Which each cluster becomes part of, from 0.
    counts : (n,) int64 array
        Pixels of each.
    means : (n, n_channels) float64 array
        Their means; NaN where there are no pixels.
    n_joined : int
        How many they become.

    Returns
    -------
    counts : (n_joined,) int64 array
    means : (n_joined, n_channels) float64 array
        NaN where there are no pixels.
    """
    known = np.nan_to_num(means)
    # The largest floats have no sum: powers of two cost no digit, and floats so large need none of
    # those that very small ones lose.
    exponent = 64 if np.abs(known).max() > HUGE else 0
    weighted = np.ldexp(known, -exponent) * counts[:, np.newaxis]
    sums = sums_by_label(index, weighted.T, n_joined)
    total = sums_by_label(index, counts.astype(np.float64)[np.newaxis], n_joined)
    joined = np.full(sums.shape, np.nan)
    np.divide(sums, total, out=joined, where=total > 0)
    return total[:, 0].astype(np.int64), np.ldexp(joined, exponent)
