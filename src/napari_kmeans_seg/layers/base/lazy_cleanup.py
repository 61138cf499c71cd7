"""Clean-up of labels that are computed when they are asked for: chunk by chunk.

The objects of `dask_image.ndmeasure.label` would be found anew in the whole image for every view
of a part of it. Here what joins the chunks is found once, and each chunk shown by itself.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from scipy.ndimage import generate_binary_structure, label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_kmeans_seg.core.lazy.chunks import batches, every_chunk, gather
from napari_kmeans_seg.core.lazy.limits import Limits

from .arrays import sums_per_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from napari_kmeans_seg import Segmentation
    from napari_kmeans_seg.core.base.parallel import Tick
    from napari_kmeans_seg.core.lazy.chunks import Index

    Integers = npt.NDArray[np.integer[Any]]

SIDE = 2048
"""Side of the chunks in which specks are merged: what is around them is read for each."""

WINDOW = 1 << 25
"""Pixels of such a chunk with what is around it, at the most: some 400 MB of work."""


def merge_specks_of_chunks(
    merge: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    labels: da.Array,
    size: int,
    *,
    per_plane: bool,
) -> da.Array:
    """Merge specks into what is around them, when it is asked for.

    Parameters
    ----------
    merge : callable
        Does it for an array in memory.
    labels : dask.array.Array
        The labels.
    size : int
        Pieces of fewer pixels are specks.
    per_plane : bool
        Whether pieces are connected within planes (the last two axes) only.

    Notes
    -----
    Planes (or what else is connected) that are small enough are read whole. Of larger ones,
    twice `size` pixels are read around each chunk: a speck reaches less than `size` from any of its
    pixels, so all is known of what lies up to `size` pixels away from the chunk. This gives
    what it gives in memory, unless a speck has nothing but other specks that far around.
    """
    cleaned: da.Array
    chunks = labels.chunks
    axes = _connected_axes(labels.ndim, per_plane=per_plane)
    if _are_read_whole(labels.shape, axes):
        whole = labels.rechunk(dict.fromkeys(axes, -1))
        if np.prod(whole.chunksize, dtype=float) > WINDOW:
            whole = whole.rechunk(dict.fromkeys(range(axes.start), 1))
        cleaned = whole.map_blocks(merge, dtype=labels.dtype, meta=labels._meta)
        return cleaned.rechunk(chunks)
    reach = reach_of_specks(labels.shape, chunks, size, per_plane=per_plane)
    for axis in list(reach)[-2:]:
        if max(labels.chunks[axis]) > SIDE:
            labels = labels.rechunk({axis: SIDE})
    cleaned = da.map_overlap(
        merge, labels, depth=reach, boundary="none", dtype=labels.dtype, meta=labels._meta
    )
    # As those of the image, from which the segmented one is painted.
    return cleaned.rechunk(chunks)


def sums_of_chunks(
    labels: da.Array, segmentation: Segmentation, tick: Tick
) -> npt.NDArray[np.float64] | None:
    """Count the pixels of each label and sum up their values: see `sums_per_label`.

    Parameters
    ----------
    labels : dask.array.Array
        Other labels for the pixels of the segmentation.
    segmentation : BlockwiseSegmentation
        Holds the image.
    tick : callable
        Progress.

    Returns
    -------
    (1 + n_clusters, 1 + n_channels) array or None
        None where the pixels are too many to be read again.
    """
    from napari_kmeans_seg.core.lazy.prepared import BlockwiseSegmentation

    assert isinstance(segmentation, BlockwiseSegmentation)
    if labels.size > Limits.now().exact_pixels:
        return None
    form, source = segmentation._pixels, segmentation._source
    axis = form.channel_axis
    where = labels if axis is None else da.expand_dims(labels, axis)
    chunks = [n if i != axis else (1,) for i, n in enumerate(source.chunks)]
    visit = partial(_sum_block, axis, form.n_channels, segmentation.n_clusters + 1)
    return gather(visit, _add, source, where.rechunk(tuple(chunks)), tick=tick)


def _sum_block(
    axis: int | None,
    n_channels: int,
    n_labels: int,
    block: npt.NDArray[Any],
    labels: npt.NDArray[Any] | None,
) -> npt.NDArray[np.float64]:
    assert labels is not None
    channels = block[np.newaxis] if axis is None else np.moveaxis(block, axis, 0)[:n_channels]
    return sums_per_label(labels.reshape(-1), channels.reshape(n_channels, -1), n_labels)


def _add(parts: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    total: npt.NDArray[np.float64] = np.sum(parts, axis=0)
    return total


def reach_of_specks(
    shape: Sequence[int], chunks: Sequence[Sequence[int]], size: int, *, per_plane: bool
) -> dict[int, int]:
    """Say how far around a chunk is read, along each axis; nowhere where planes are read whole.

    Raises
    ------
    ValueError
        If that is too much for memory.
    """
    axes = _connected_axes(len(shape), per_plane=per_plane)
    if _are_read_whole(shape, axes):
        return dict.fromkeys(axes, 0)
    reach = {axis: min(2 * size, shape[axis]) for axis in axes}
    window = 1.0
    for axis, n in reach.items():
        side = min(max(chunks[axis]), SIDE) if axis >= len(shape) - 2 else max(chunks[axis])
        window *= max(side, n) + 2 * n
    if window > WINDOW:
        raise ValueError(
            f"Specks of up to {size:,} pixels are too large for an image that is lazy: give a "
            "smaller number, connect pieces within planes only, or choose the displayed plane."
        )
    return reach


def _connected_axes(n_axes: int, *, per_plane: bool) -> range:
    return range(max(0, n_axes - 2) if per_plane else 0, n_axes)


def _are_read_whole(shape: Sequence[int], axes: Iterable[int]) -> bool:
    n_pixels = np.prod([shape[axis] for axis in axes], dtype=float)
    return bool(n_pixels <= Limits.now().plane_pixels)


def number_pieces(
    labels: da.Array, chosen: Iterable[int], tick: Tick, *, per_plane: bool
) -> tuple[da.Array, npt.NDArray[np.int64]]:
    """Give each connected piece of the chosen clusters a number.

    Every chunk is read once, to find out which of its pieces go on in the next ones; the numbers
    themselves are computed when they are asked for.

    Parameters
    ----------
    labels : dask.array.Array
        The labels.
    chosen : iterable of int
        The clusters. Pieces of two that touch are one.
    tick : callable
        Progress.
    per_plane : bool
        Whether pieces are connected within planes (the last two axes) only.

    Returns
    -------
    numbers : dask.array.Array of int32
        From 1, in the order of the chunks; 0 elsewhere.
    sizes : (n_pieces,) array of int
        Pixels of each.
    """
    structure = generate_binary_structure(labels.ndim, 1)
    across = [] if not per_plane else list(range(max(0, labels.ndim - 2)))
    for axis in across:
        for side in (0, 2):
            structure[(slice(None),) * axis + (side,)] = False
    axes = [axis for axis in range(labels.ndim) if axis not in across]
    clusters = np.array(sorted(set(chosen)))

    starts: dict[Index, int] = {}
    n_pixels: list[Integers] = []
    joints: list[Integers] = []
    # The last face of each chunk, until its neighbour comes.
    waiting: dict[tuple[int, Index], Integers] = {}
    n = 0
    visit = partial(_pieces, clusters=clusters, structure=structure, axes=axes)
    for batch, found in batches(visit, _joined, labels, tick=tick):
        for index, (sizes, faces) in zip(batch, found, strict=True):
            starts[index] = n
            n_pixels.append(sizes)
            for axis, (first, last) in zip(axes, faces, strict=True):
                last = np.where(last, last + n, 0)
                before = _moved(index, axis, -1)
                if (other := waiting.pop((axis, before), None)) is not None:
                    first = np.where(first, first + n, 0)
                    touching = (first > 0) & (other > 0)
                    joints.append(np.unique(np.stack([first, other])[:, touching], axis=1))
                if index[axis] + 1 < labels.numblocks[axis]:
                    waiting[axis, index] = last
            n += sizes.size
    home = _joined_pieces(n, joints)
    numbers = np.concatenate([[0], home + 1]).astype(np.int32)
    placed = np.array([starts[index] for index in every_chunk(labels)])
    known = delayed((numbers, placed.reshape(labels.numblocks)), pure=True)
    array: da.Array = da.map_blocks(
        _number_block,
        labels,
        known=known,
        clusters=clusters,
        structure=structure,
        dtype=np.int32,
        meta=np.empty((0,) * labels.ndim, np.int32),
    )
    sizes = np.bincount(home, np.concatenate([*n_pixels, []])).astype(np.int64)
    return array, sizes


def _pieces(
    block: npt.NDArray[Any],
    _mask: None,
    clusters: Integers,
    structure: npt.NDArray[np.bool_],
    axes: list[int],
) -> list[tuple[Integers, list[tuple[Integers, Integers]]]]:
    """Sizes of the pieces of a chunk, and the first and last face along each axis."""
    pieces, n = label(np.isin(block, clusters), structure)
    sizes = np.bincount(pieces.ravel(), minlength=n + 1)[1:]
    ends = [(pieces.take(0, axis), pieces.take(-1, axis)) for axis in axes]
    return [(sizes, [(first.astype(np.int64), last.astype(np.int64)) for first, last in ends])]


def _joined(parts: list[list[Any]]) -> list[Any]:
    return [one for part in parts for one in part]


def _moved(index: Index, axis: int, by: int) -> Index:
    return (*index[:axis], index[axis] + by, *index[axis + 1 :])


def _joined_pieces(n: int, joints: list[Integers]) -> Integers:
    """Say for each of n pieces which object it is part of, in the order of first pieces."""
    pairs = np.concatenate([np.zeros((2, 0), np.int64), *joints], axis=1) - 1
    ones = np.ones(pairs.shape[1], np.int8)
    component = connected_components(coo_array((ones, tuple(pairs)), shape=(n, n)), False)[1]
    _, first, which = np.unique(component, return_index=True, return_inverse=True)
    order = np.empty(first.size, np.int64)
    order[np.argsort(first)] = np.arange(first.size)
    return order[which]


def _number_block(
    block: npt.NDArray[Any],
    known: tuple[npt.NDArray[np.int32], Integers],
    clusters: Integers,
    structure: npt.NDArray[np.bool_],
    block_id: Index | None = None,
) -> npt.NDArray[np.int32]:
    numbers, starts = known
    if block_id is None:
        return np.zeros(block.shape, np.int32)
    pieces, n = label(np.isin(block, clusters), structure)
    start = int(starts[block_id])
    own = numbers[start : start + n + 1].copy()
    own[0] = 0
    found: npt.NDArray[np.int32] = own[pieces]
    return found
