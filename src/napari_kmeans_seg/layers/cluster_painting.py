"""Segmented images that follow what is done to their clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import is_lazy, look_up
from .cluster_steps import SLAB

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd


def painted_means(
    image: Any, labels: Any, where: Any, table: pd.DataFrame, columns: Sequence[str]
) -> Any:
    """Paint some pixels of a segmented image with the means of their clusters.

    Parameters
    ----------
    image : (..., n) array
        The segmented image; the last axis, channels and perhaps alpha, is missing for grey.
    labels : array of the spatial shape
        The cluster of each pixel.
    where : bool array of the spatial shape
        The pixels to paint.
    table : DataFrame
        The clusters: the means are rounded where the image has integers.
    columns : sequence of str
        The mean of each channel of the image.

    Returns
    -------
    array
        Of Dask where the image is.
    """
    # Somebody may have painted a label that the table does not know.
    largest = 0 if is_lazy(labels) else int(labels.max(initial=0))
    palette = _palette(table, columns, image.dtype, largest)
    if is_lazy(image):
        return _painted_lazily(image, labels, where, palette)
    painted = np.array(image, order="C")
    if painted.ndim == labels.ndim:
        pixels = painted.reshape(-1, 1)
    else:
        pixels = painted.reshape(-1, image.shape[-1])
    flat, inside = labels.reshape(-1), where.reshape(-1)
    n = len(columns)
    for start in range(0, flat.size, SLAB):
        slab = slice(start, start + SLAB)
        places = np.flatnonzero(inside[slab])
        colors = palette[flat[slab][places]]
        if n == pixels.shape[1]:
            # As one item each: several times as fast as channel by channel.
            whole = np.dtype((np.void, colors.dtype.itemsize * n))
            pixels[slab].view(whole)[places] = np.ascontiguousarray(colors).view(whole)
        else:  # alpha stays
            pixels[slab][places[:, np.newaxis], np.arange(n)] = colors
    return painted


def _painted_lazily(image: Any, labels: Any, where: Any, palette: npt.NDArray[Any]) -> Any:
    import dask.array as da

    if image.ndim == labels.ndim:
        return da.where(where, look_up(palette[:, 0], labels), image)
    n = palette.shape[1]
    channels = [
        da.where(where, look_up(palette[:, i], labels), image[..., i]) for i in range(n)
    ] + [image[..., i] for i in range(n, image.shape[-1])]
    return da.stack(channels, axis=-1).rechunk(image.chunks)


def _palette(
    table: pd.DataFrame, columns: Sequence[str], dtype: np.dtype[Any], largest: int
) -> npt.NDArray[Any]:
    """Give the colour of each label: (n_labels, n_channels), that of no cluster is 0."""
    n_labels = max(int(table["label"].max()), largest) + 1
    means = np.zeros((n_labels, len(columns)))
    means[table["label"].to_numpy(int)] = np.nan_to_num(table[list(columns)].to_numpy(float))
    if dtype.kind == "b":
        return means >= 0.5
    if dtype.kind == "f":
        return means.astype(dtype)
    limits = np.iinfo(dtype)
    # Python's integers: the largest 64-bit ones are no floats.
    whole = [
        [min(max(round(v), int(limits.min)), int(limits.max)) for v in row]
        for row in means.tolist()
    ]
    return np.array(whole, dtype)
