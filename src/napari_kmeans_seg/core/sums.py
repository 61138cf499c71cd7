"""Sums of points per label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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
