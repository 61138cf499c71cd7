"""How labels of two images lie over each other."""

import numpy as np
from numpy.typing import NDArray

from .kmeans.nearest import Labels


def pairs_of(one: Labels, other: Labels | None, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Count which labels lie in the same place, as a table of this shape."""
    index = one.reshape(-1).astype(np.intp) * shape[1]
    if other is not None:
        index += other.reshape(-1)
    return np.bincount(index, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
