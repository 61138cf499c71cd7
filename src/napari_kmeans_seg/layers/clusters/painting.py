"""Segmented images that follow what is done to their clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.image.painting import as_palette

from ..base.arrays import as_array, channels_back, channels_last, is_lazy, look_up
from ..outputs.columns import means
from ..outputs.edit_watch import linked_layers, linked_to
from ..outputs.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

AT_ONCE = 1 << 20
"""Pixels that are worked on at a time: in the cache, and few enough to hold their indices."""


# A segmented image, by its id, and one of its levels.
Place = tuple[str, int]

# What an image showed where it was painted: the values of these pixels; of a lazy one, all of it
# before and after.
Shown = Any


def images_of(viewer: ViewerModel | None, layer: Labels) -> list[tuple[Image, list[str]]]:
    """Find the segmented images that show these very clusters, and their channels' means.

    Not those of another run. Where several layers were clustered together each has one.
    """
    own, columns = Record.of_result(layer), means(layer.features)
    source_id, _ = linked_to(layer)
    shapes = [level.shape for level in _levels(layer)]
    n_images, found, along = own.source.n_images, [], own.source.channels_along
    for i in range(n_images) if viewer else ():
        kind = f"image {i + 1}" if i else "image"
        for image in reversed(linked_layers(viewer, source_id, kind)):
            colored = image.rgb or along is not None
            levels = _formed(image, along)
            there = [level.shape[:-1] if colored else level.shape for level in levels]
            if own.same_result(Record.of(image)) and there == shapes:
                found.append((image, columns[i : i + 1] if n_images > 1 else columns))
                break
    return found


def repainted(
    image: Image,
    columns: Sequence[str],
    layer: Labels,
    masks: Sequence[Any],
    known: Mapping[Place, Shown],
) -> tuple[list[Any], dict[Place, Shown]]:
    """Paint some pixels of a segmented image anew.

    Parameters
    ----------
    image : Image
        The image.
    columns : sequence of str
        The mean of each of its channels.
    layer : Labels
        The clusters, as they are by now.
    masks : sequence of bool array
        The pixels to paint, of each level.
    known : mapping
        What the image is to show there, where the means of the table are not it.

    Returns
    -------
    levels : list of array
        The image.
    shown : dict
        What it showed before, where the table does not say it.
    """
    # There each step of the axis has colours of its own, which are in no table; so has each
    # smaller level of a pyramid.
    by_step = Record.of_result(layer).source.step_axis is not None
    along = Record.of_result(layer).source.channels_along
    levels, shown = [], {}
    each = zip(_formed(image, along), _levels(layer), masks, strict=True)
    for i, (level, labels, where) in enumerate(each):
        place, lazy = (str(image.unique_id), i), is_lazy(level)
        to_be = known.get(place)
        if to_be is not None and lazy and level.name == to_be[1].name:
            levels.append(to_be[0])
        elif to_be is not None and not lazy:
            new = level.copy()
            new[where] = to_be
            levels.append(new)
        else:
            new = painted_means(level, as_array(labels), where, layer.features, columns)
            if lazy:
                shown[place] = level, new
            elif by_step or i > 0:
                shown[place] = level[where]
            levels.append(new)
    return levels if along is None else [channels_back(level, along) for level in levels], shown


def _levels(layer: Layer) -> list[Any]:
    return list(layer.data) if layer.multiscale else [layer.data]


def _formed(image: Image, along: int | None) -> list[Any]:
    """Give the levels of a segmented image, with channels that lie along an axis at the end."""
    levels = _levels(image)
    return levels if along is None else [channels_last(as_array(one), along) for one in levels]


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
    for start in range(0, flat.size, AT_ONCE):
        slab = slice(start, start + AT_ONCE)
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
    colors = np.zeros((n_labels, len(columns)))
    colors[table["label"].to_numpy(int)] = table[list(columns)].to_numpy(float)
    return as_palette(colors, dtype)
