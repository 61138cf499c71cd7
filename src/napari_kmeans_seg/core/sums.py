"""Sums of points per label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PRECISE = 1e-3
"""Part of the points' squared lengths from which sums of these tell squared distances."""

HUGE = 2.0**900
"""From here on sums of values may not be finite."""


def sums_by_label(
    index: NDArray[np.integer],
    rows: Sequence[NDArray[np.float64] | None],
    n_labels: int,
) -> NDArray[np.float64]:
    """Sum numbers that points have, over the points of each label.

    Parameters
    ----------
    index : (n,) array of integers
        Label of each point, from 0.
    rows : sequence of (n,) float64 arrays
        The numbers; None stands for a 1 of each point.
    n_labels : int
        Labels that there are.

    Returns
    -------
    (n_labels, n_rows) float64 array
        Added up in the order of the points, so that the bits depend on nothing else. Its columns
        lie one after the other in memory.
    """
    index = index.astype(np.intp, copy=False)
    sums = np.empty((len(rows), n_labels))
    for total, row in zip(sums, rows, strict=True):
        total[:] = np.bincount(index, row, minlength=n_labels)
    return sums.T


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
    sums = sums_by_label(index, list(weighted.T), n_joined)
    total = sums_by_label(index, [counts.astype(np.float64)], n_joined)
    joined = np.full(sums.shape, np.nan)
    np.divide(sums, total, out=joined, where=total > 0)
    return total[:, 0].astype(np.int64), np.ldexp(joined, exponent)


def squares_within(
    counts: NDArray[np.float64],
    sums: NDArray[np.float64],
    squares: float,
    centroids: NDArray[np.float64],
) -> float | None:
    """Sum the squared distances of points to the centroids of their clusters.

    Parameters
    ----------
    counts : (n_clusters,) float64 array
        Weight of each cluster.
    sums : (n_clusters, n_features) float64 array
        Weighted sum of its points.
    squares : float
        Weighted sum of the squared lengths of all points.
    centroids : (n_clusters, n_features) float64 array
        The centroids.

    Returns
    -------
    float or None
        None where clusters are so narrow that rounding would leave few digits.
    """
    # |x - c|^2 = |x|^2 - 2 c x + |c|^2
    lengths = (centroids**2).sum(axis=1)
    within = squares - 2 * float((sums * centroids).sum()) + float((counts * lengths).sum())
    return within if within >= PRECISE * squares else None
