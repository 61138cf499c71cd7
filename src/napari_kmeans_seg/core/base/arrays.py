"""What is done alike with arrays in memory and with those of Dask."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .array_checks import is_lazy


def concatenate(arrays: Sequence[Any], axis: int) -> Any:
    """Join arrays along an axis; lazily where one of them is lazy."""
    if any(is_lazy(array) for array in arrays):
        import dask.array as da

        return da.concatenate([da.asarray(array) for array in arrays], axis)
    return np.concatenate(arrays, axis)


def look_up(table: np.ndarray[Any, Any], labels: Any) -> Any:
    """Give each pixel what the table has for its label."""
    if is_lazy(labels):
        return labels.map_blocks(lambda block: table[block], dtype=table.dtype)
    return table[labels]
