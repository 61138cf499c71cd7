"""How an OME-Zarr image lies in its store."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Version = Literal["0.4", "0.5"]
"""Of NGFF."""

CHUNK_VALUES = 1 << 23
"""Values that are read at once, at the most where a single chunk of the store has not more."""


@dataclass(frozen=True)
class Level:
    """A level of a pyramid.

    Attributes
    ----------
    shape
        Of its array.
    transformations
        Those of its coordinates, as its metadata has them.
    """

    shape: tuple[int, ...]
    transformations: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Pyramid:
    """How an image lies in its store, so that others can be written alike.

    Attributes
    ----------
    version
        Of NGFF.
    axes
        As its metadata has them.
    channel_axis
        Which of them is that of the channels, None for none.
    levels
        From the finest to the coarsest.
    transformations
        Those of all levels.
    chunks, shards
        Of the finest level; no shards where chunks are files.
    omero
        How its channels are shown, as its metadata has it.
    """

    version: Version
    axes: tuple[dict[str, Any], ...]
    channel_axis: int | None
    levels: tuple[Level, ...]
    transformations: tuple[dict[str, Any], ...]
    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None
    omero: dict[str, Any] | None


def chunks_of(pyramid: Pyramid) -> tuple[int, ...]:
    """Say in what chunks an image is read: whole ones of its store, with all channels of a pixel.

    So what is made of them can be written in the chunks of the store, each once.
    """
    shape = pyramid.levels[0].shape
    unit = pyramid.shards or pyramid.chunks
    chunks = [min(one, n) for one, n in zip(unit, shape, strict=True)]
    axis = pyramid.channel_axis
    if axis is not None:
        chunks[axis] = shape[axis]
    # Rows and columns first, by turns.
    for growing in (range(len(shape) - 2, len(shape)), range(len(shape) - 3, -1, -1)):
        while True:
            grown = [i for i in growing if chunks[i] < shape[i]]
            if not grown:
                break
            least = min(grown, key=lambda i: (chunks[i], -i))
            more = [*chunks]
            more[least] = min(2 * chunks[least], shape[least])
            if math.prod(more) > CHUNK_VALUES:
                return tuple(chunks)
            chunks = more
    return tuple(chunks)
