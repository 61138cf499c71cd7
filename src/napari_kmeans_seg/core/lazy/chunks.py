"""Visit the chunks of a Dask array, some at a time, and sum up what is found there."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import dask.array as da
import numpy as np
from dask import threaded
from dask.base import compute_as_if_collection, get_scheduler
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from ..base.parallel import Tick, can_start_threads, n_threads, no_tick
from ..base.stores import check_there
from .cluster import ClusterError, LeftError, client_of, wait_for
from .forks import let_processes_fork

let_processes_fork()

Index = tuple[int, ...]
T = TypeVar("T")

Visit = Callable[[NDArray[Any], NDArray[Any] | None], T]
"""What is done where a chunk is: given the chunk and that of the mask, or None."""

Merge = Callable[[list[T]], T]


def every_chunk(image: da.Array) -> list[Index]:
    """Index of each chunk, in order."""
    return list(np.ndindex(*image.numblocks))


def gather(
    visit: Visit[T],
    merge: Merge[T],
    image: da.Array,
    mask: da.Array | None = None,
    *,
    chunks: Iterable[Index] | None = None,
    tick: Tick = no_tick,
) -> T:
    """Visit chunks and merge what comes of it.

    Parameters
    ----------
    visit : callable
        Called with a chunk and its part of the mask, where the chunk is read.
    merge : callable
        Makes one of several results, in the order of the chunks.
    image : dask.array.Array
        The image.
    mask : dask.array.Array or None
        In the chunks of the image; of length 1 along the channels.
    chunks : iterable of index, optional
        Which chunks; all by default.
    tick : callable, optional
        Progress. An exception that it raises stops the reading.

    Raises
    ------
    OSError
        If a chunk cannot be read; the message names it.

    Notes
    -----
    Results are merged as a tree whose form depends on the chunks alone: the same chunks give the
    same bits on any number of threads or machines.
    """
    found: list[T] = []
    for _, part in batches(visit, merge, image, mask, chunks=chunks, tick=tick):
        # At once: what waits to be merged would take more memory than the sum.
        found = [part if not found else merge([*found, part])]
    return found[0]


def batches(
    visit: Visit[T],
    merge: Merge[T],
    image: da.Array,
    mask: da.Array | None = None,
    *,
    chunks: Iterable[Index] | None = None,
    tick: Tick = no_tick,
) -> Iterator[tuple[list[Index], T]]:
    """Visit chunks, some at a time; gives the chunks of each batch and what came of them."""
    chosen = every_chunk(image) if chunks is None else list(chunks)
    # Values that are read between two looks at whether to stop: half a second's work. While the
    # sums of a batch are merged into those of all before, only one core has work.
    size = max(2 * n_threads(), (1 << 27) * image.npartitions // max(1, image.size))
    for start in range(0, len(chosen), size):
        look = partial(tick, start / len(chosen))
        look()
        batch = chosen[start : start + size]
        try:
            found = _compute(visit, merge, image, mask, batch, look)
        except LeftError as left:
            raise left.why from None
        except ClusterError:
            raise
        except Exception as error:
            raise OSError(_name_chunk(visit, merge, image, mask, batch, error)) from error
        yield batch, found
    check_there(image)
    tick(1)


def _compute(
    visit: Visit[T],
    merge: Merge[T],
    image: da.Array,
    mask: da.Array | None,
    batch: list[Index],
    look: Callable[[], object] = bool,
) -> T:
    """Visit the chunks of one batch; `look` is called meanwhile where a cluster computes them.

    The graph is written by hand: `dask.delayed` would walk through that of the whole image for
    each chunk, which takes longer than to read it.
    """
    name = f"visit-{uuid4().hex}"
    tasks: dict[Any, Any] = {}
    for i, index in enumerate(batch):
        inside = None if mask is None else (mask.name, *index)
        tasks[name, 0, i] = (visit, (image.name, *index), inside)
    level, n = 0, len(batch)
    while n > 1:
        parts = [(name, level, i) for i in range(n)]
        # One task merges the sums of four.
        level, n = level + 1, -(-n // 4)
        for i in range(n):
            tasks[name, level, i] = (merge, parts[4 * i : 4 * (i + 1)])
    sources = [image] if mask is None else [image, mask]
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=sources)
    scheduler: Any = None
    schedule = get_scheduler(cls=da.Array)
    if schedule is threaded.get and not can_start_threads():
        scheduler = "synchronous"
    elif (client := client_of(schedule)) is not None:
        scheduler = partial(wait_for, client, look)
    (found,) = compute_as_if_collection(da.Array, graph, [(name, level, 0)], scheduler=scheduler)
    result: T = found
    return result


def _name_chunk(
    visit: Visit[T],
    merge: Merge[T],
    image: da.Array,
    mask: da.Array | None,
    batch: list[Index],
    error: Exception,
) -> str:
    """Find out which chunk could not be read."""
    for index in batch:
        try:
            _compute(visit, merge, image, mask, [index])
        except Exception as again:  # noqa: BLE001 (whatever a reader raises)
            place = _place(image, index)
            return f"image has a chunk that cannot be read, {index} [{place}]: {again}"
    return f"image could not be read: {error}"


def _place(image: da.Array, index: Index) -> str:
    """Tell which pixels a chunk holds: some chunks are several of a file, joined."""
    starts = [sum(sizes[:i]) for sizes, i in zip(image.chunks, index, strict=True)]
    stops = [sum(sizes[: i + 1]) for sizes, i in zip(image.chunks, index, strict=True)]
    return ", ".join(f"{start}:{stop}" for start, stop in zip(starts, stops, strict=True))


def load(image: da.Array, tick: Tick = no_tick) -> NDArray[Any]:
    """Read a whole image into memory."""
    loaded = np.empty(image.shape, image.dtype)
    starts = [np.concatenate([[0], np.cumsum(sizes)]) for sizes in image.chunks]
    for batch, blocks in batches(_as_list, _joined, image, tick=tick):
        for index, block in zip(batch, blocks, strict=True):
            where = zip(starts, index, block.shape, strict=True)
            loaded[tuple(slice(s[i], s[i] + n) for s, i, n in where)] = block
    return loaded


def _as_list(block: NDArray[Any], _mask: NDArray[Any] | None) -> list[NDArray[Any]]:
    return [block]


def _joined(parts: list[list[T]]) -> list[T]:
    return [one for part in parts for one in part]
