"""NumPy, Dask, Zarr: so that the other modules need not care which.

An array in memory stays one. Everything else becomes a Dask array, of which nothing is
computed before somebody asks for it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.base.array_checks import is_lazy as is_lazy
from napari_kmeans_seg.core.base.arrays import concatenate as concatenate
from napari_kmeans_seg.core.base.arrays import look_up as look_up
from napari_kmeans_seg.core.base.stores import is_there as is_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

CHUNK_BYTES = 16 << 20
"""Size to which the small chunks of a store are joined: large enough that a task is worth
its overhead, small enough that a plane is shown at once."""


def inner_array(array: Any) -> Any:
    """Give the array that one of xarray and its like holds, or the array itself."""
    inner = None if isinstance(array, np.ndarray) else getattr(array, "data", None)
    return inner if isinstance(inner, np.ndarray) or is_lazy(inner) else array


def as_array(array: Any) -> Any:
    """Give an array of NumPy or Dask for whatever napari shows. Cheap: reads no pixel."""
    array = inner_array(array)
    if isinstance(array, np.ndarray) or is_lazy(array):
        return array
    if getattr(array, "chunks", None) is None:
        return np.asarray(array)
    # Imported here: Dask takes a while, and most images are in memory.
    import dask.array as da

    # Where a store has shards these are what is read at once.
    stored = getattr(array, "shards", None) or array.chunks
    return da.from_array(array, chunks=_joined(stored, array.shape, array.dtype), name=False)


@contextmanager
def reading(layers: Mapping[str, Sequence[Any]]) -> Iterator[None]:
    """Name the layers of which something cannot be read, or is gone once all was read.

    Parameters
    ----------
    layers : mapping of str to sequence of array
        The arrays of each layer, by its name.

    Raises
    ------
    OSError
        If a chunk cannot be read, or the store of a layer is gone.
    """
    failed = None
    try:
        yield
    except OSError as error:
        failed = error
    for name, arrays in layers.items():
        if not all(is_there(array) for array in arrays):
            gone = f"The store of “{name}” disappeared while it was read; open it again."
            raise OSError(gone) from failed
    if failed is not None:
        raise OSError(
            f"“{' + '.join(layers)}”: {failed}. See whether what it was opened from is whole and "
            "can be reached, and run again."
        ) from failed


def _joined(chunks: Sequence[int], shape: Sequence[int], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Join small chunks along the last axes, never along those that are stepped through."""
    joined = [min(chunk, n) for chunk, n in zip(chunks, shape, strict=True)]
    room = CHUNK_BYTES // max(1, reduce(mul, joined, dtype.itemsize))
    for axis in reversed(range(max(0, len(shape) - 3), len(shape))):
        if len(shape) > 2 and axis == len(shape) - 3 and shape[-1] > 4:
            break
        times = max(1, min(room, -(-shape[axis] // joined[axis])))
        joined[axis] *= times
        room //= times
    return tuple(min(chunk, n) for chunk, n in zip(joined, shape, strict=True))


def results_keep(axis: int, n_axes: int) -> bool:
    """Whether results have an axis, of length 1, where an image of so many axes has channels.

    Napari aligns axes from the last one: without it the first axes of a result would lie along
    others than those of the image. The first and the last axis can go.
    """
    return 0 < axis < n_axes - 1


def channels_last(array: Any, axis: int) -> Any:
    """Move the channels of an image, that lie along an axis of it, to the end. Copies nothing."""
    kept = results_keep(axis, array.ndim)
    if is_lazy(array):
        import dask.array as da

        moved = da.moveaxis(array, axis, -1)
    else:
        moved = np.moveaxis(array, axis, -1)
    return moved[(slice(None),) * axis + (np.newaxis,)] if kept else moved


def channels_back(array: Any, axis: int) -> Any:
    """Move channels from the end to where they lay: the inverse of `channels_last`."""
    n_axes = array.ndim - results_keep(axis, array.ndim - 1)
    if n_axes < array.ndim:
        array = array[(slice(None),) * axis + (0,)]
    if is_lazy(array):
        import dask.array as da

        return da.moveaxis(array, -1, axis)
    return np.ascontiguousarray(np.moveaxis(array, -1, axis))


def holds_value(
    image: Any, values: Sequence[float], channel_axis: int | None, *, color: bool
) -> Any:
    """Say which pixels have one of some values, such as that of no data.

    Of a colour it is all channels that must have it, of other channels one: what lacks a value
    cannot be compared with the rest. Alpha is no channel here.
    """
    found: Any = False
    for value in values:
        # In the precision of the pixels: 0.1 is another number in float32.
        one = image == in_precision(value, image.dtype)
        if channel_axis is not None:
            one = one.all(axis=channel_axis) if color else one.any(axis=channel_axis)
        found = found | one
    return found


def in_precision(value: float, dtype: np.dtype[Any]) -> float:
    """Give the value that a pixel of a dtype has if somebody calls it `value`."""
    if dtype.kind != "f":
        return value
    with np.errstate(over="ignore"):
        return float(dtype.type(value))


def stack(arrays: Sequence[Any], axis: int) -> Any:
    """Join arrays along a new axis; lazily where one of them is lazy."""
    if any(is_lazy(array) for array in arrays):
        import dask.array as da

        return da.stack([da.asarray(array) for array in arrays], axis)
    return np.stack(arrays, axis)


def sums_per_label(
    labels: npt.NDArray[np.integer[Any]], channels: Iterable[npt.NDArray[Any]], n_labels: int
) -> npt.NDArray[np.float64]:
    """Count the pixels of each label from 0 on, and sum up the values of their channels.

    Parameters
    ----------
    labels : (n,) array of int
    channels : iterable of (n,) arrays
    n_labels : int

    Returns
    -------
    (n_labels, 1 + n_channels) array
        The counts, then the sums.
    """
    return np.stack([np.bincount(labels, one, n_labels) for one in (None, *channels)], axis=1)
