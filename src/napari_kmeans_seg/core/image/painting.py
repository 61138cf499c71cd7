"""The colour of each label, for many pixels."""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ..base.parallel import CHUNK, map_spans, spans
from .pixels import Pixels


def as_palette(colors: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give colours in the dtype of an image.

    Parameters
    ----------
    colors : (n_labels + 1, n_channels) array
        No pixel has the colour of an empty cluster, whose mean is NaN: it becomes 0.
    dtype : numpy.dtype
        Integers are rounded and kept within its limits; of booleans, a half is True.

    Returns
    -------
    (n_labels + 1, n_channels) array of the dtype
    """
    colors = np.nan_to_num(colors)
    if dtype.kind == "b":
        return colors >= 0.5
    if dtype.kind == "f":
        return colors.astype(dtype)
    limits = np.iinfo(dtype)
    # Python's integers: the largest 64-bit ones are no floats.
    whole = [
        [min(max(round(value), int(limits.min)), int(limits.max)) for value in row]
        for row in colors.tolist()
    ]
    return np.array(whole, dtype)


def paint(
    palette: NDArray[Any],
    labels: NDArray[np.unsignedinteger],
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Look up the colour of each label, as ``palette[labels]`` does.

    Parameters
    ----------
    palette : (n_labels + 1, ...) array
        The colours.
    labels : array of unsigned integers
        Rows of the palette.
    out : array, optional
        Where the colours go: an array without gaps of the palette's dtype.

    Returns
    -------
    array of the palette's dtype
        Of the shape of the labels, and behind it that of a colour.
    """
    shape = labels.shape + palette.shape[1:]
    out = np.empty(shape, palette.dtype) if out is None else out
    # All channels of a pixel lie side by side: they are moved as one item.
    item = _item(palette.itemsize * math.prod(palette.shape[1:]))
    table = np.ascontiguousarray(palette).reshape(-1).view(item)
    items, labels = out.reshape(-1).view(item), labels.reshape(-1)
    # Bytes of a colour up to which a table of all pairs of colours stays in the cache.
    if labels.dtype == np.uint8 and labels.size > CHUNK and item.itemsize <= 8:
        # Two neighbours at a time, by a table of all pairs, take half as long.
        n, even = len(table), labels.size // 2 * 2
        pairs = np.zeros((256, 256, 2), item)
        pairs[:n, :n, 0], pairs[:n, :n, 1] = table, table[:, np.newaxis]
        items[even:] = table[labels[even:]]
        item = _item(2 * item.itemsize)
        table, items = pairs.view(item).reshape(-1), items[:even].view(item)
        labels = labels[:even].view("<u2")
    width = 1 << (item.itemsize - 1).bit_length()
    # Bytes up to which NumPy moves an item fast, if they are a power of two.
    is_padded = item.itemsize < width <= 16
    if is_padded:
        wide = np.zeros((len(table), width), np.uint8)
        wide[:, : item.itemsize] = table.view(np.uint8).reshape(len(table), -1)
        padded = wide.view(_item(width))[:, 0]

    def fill(start: int, stop: int) -> None:
        index, target = labels[start:stop], items[start:stop]
        if not is_padded:
            # mode="clip" lets NumPy write straight to the target; no label is out of range.
            np.take(table, index, out=target, mode="clip")
            return
        # Bytes that fill an item up to a power of two are overwritten by the next item; half
        # the time of moving three or six bytes. What follows the last one is not ours.
        shape, strides = (index.size - 1, width), (item.itemsize, 1)
        overlapping = as_strided(target.view(np.uint8), shape, strides).view(padded.dtype)[:, 0]
        overlapping[...] = padded.take(index[:-1], mode="clip")
        target[-1] = table[index[-1]]

    for _ in map_spans(fill, spans(labels.size)):
        pass
    return out.reshape(shape)


def paint_image(
    pixels: Pixels, palette: NDArray[Any], labels: NDArray[np.unsignedinteger]
) -> NDArray[Any]:
    """Paint each pixel of an image with the colour of its label.

    Parameters
    ----------
    pixels : Pixels
        The image.
    palette : (n_labels + 1, n_channels) array
        Colour of each label in the image's dtype; row 0 is for label 0.
    labels : array of the spatial shape
        Labels of the pixels.

    Returns
    -------
    array
        In the image's dtype and shape; alpha is taken over.
    """
    axis, alpha, n_channels = pixels.channel_axis, pixels.alpha, palette.shape[1]
    if axis is None:
        return paint(palette[:, 0], labels)
    n = n_channels + (alpha is not None)
    if axis == len(pixels.shape):
        colors = np.zeros((len(palette), n), pixels.dtype)
        colors[:, :n_channels] = palette
        image = paint(colors, labels)
        if alpha is not None:
            image[..., -1] = alpha.reshape(pixels.shape)
        return image
    painted = np.empty((n, *pixels.shape), pixels.dtype)
    for channel in range(n_channels):
        paint(palette[:, channel], labels, painted[channel])
    if alpha is not None:
        painted[-1] = alpha.reshape(pixels.shape)
    image = np.moveaxis(painted, 0, axis)
    return np.ascontiguousarray(image) if axis else image


def _item(n_bytes: int) -> np.dtype[np.void]:
    return np.dtype((np.void, n_bytes))
