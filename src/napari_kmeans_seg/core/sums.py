"""Sums of points per label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEW = 1 << 14
"""Points up to which NumPy is faster than to set a sparse matrix up."""


def sums_by_label(
    index: NDArray[np.integer],
    rows: Sequence[NDArray[np.float64]],
    n_labels: int,
) -> NDArray[np.float64]:
    """Sum numbers that points have, over the points of each label.

    Parameters
    ----------
    index : (n,) array of integers
        Label of each point, from 0.
    rows : sequence of (n,) float64 arrays
        The numbers.
    n_labels : int
        Labels that there are.

    Returns
    -------
    (n_labels, n_rows) float64 array
        Added up in the order of the points, so that the bits depend on nothing else.
    """
    n = index.size
    if n <= FEW:
        index = index.astype(np.intp, copy=False)
        sums = np.empty((n_labels, len(rows)))
        for column, row in enumerate(rows):
            sums[:, column] = np.bincount(index, row, minlength=n_labels)
        return sums
    # Imported here: it takes a while.
    from scipy.sparse import csc_array

    # A matrix with a 1 in the row of each point's label, times the numbers: all rows at once, and
    # on all cores, where np.bincount takes one row, and keeps the interpreter to itself.
    where = (np.ones(n), index.astype(np.int32), np.arange(n + 1, dtype=np.int32))
    product: NDArray[np.float64] = csc_array(where, shape=(n_labels, n)) @ np.stack(rows, axis=1)
    return product
