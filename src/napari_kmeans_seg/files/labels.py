"""Labels of an OME-Zarr image, written by a script."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from ..core.segmentation import Segmentation
from .ngff.groups import LABELS, kind_of
from .ngff.image import read_store
from .ngff.results import write_in_source, write_store_at
from .results import parameters_of
from .tables import cluster_table

Place = str | PathLike[str]


def write_labels(
    segmentation: Segmentation,
    image: Place,
    path: Place | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write the labels of an OME-Zarr image as OME-Zarr, with names, colours and sizes.

    Parameters
    ----------
    segmentation : Segmentation
        That of the image, whose labels may be a Dask array: they are computed chunk by chunk.
    image : path
        The OME-Zarr image (NGFF 0.4 or 0.5) that was segmented. Version, axes, scale, chunks and
        levels are taken from it.
    path : path, optional
        A store to make: the image in the mean colours of its clusters, with the labels in it. By
        default the labels alone go into the image's own store, beside other labels, and nothing
        else in it is touched.
    overwrite : bool
        Whether what is there is replaced: the store at `path`, or labels of ours in the image.

    Returns
    -------
    Path
        The group of the labels: ``labels/kmeans`` in the store.

    Raises
    ------
    FileExistsError
        It is there already and `overwrite` is False.
    OSError
        The image cannot be read, or the labels cannot be written; nothing is half-written.
    TypeError, ValueError
        The image is no OME-Zarr image, or the labels have another shape than it.

    Notes
    -----
    Names and colours are those of ``segmentation.model``; a cluster without a colour has one of
    distinct hues. `napari-kmeans-seg apply` writes whole plates.

    Examples
    --------
    >>> from napari_kmeans_seg import segment, write_labels
    >>> seg = segment("cells.zarr", n_clusters=3)  # doctest: +SKIP
    >>> write_labels(seg, "cells.zarr", "cells_segmented.zarr")  # doctest: +SKIP
    PosixPath('cells_segmented.zarr/labels/kmeans')
    """
    given: dict[str, Any] = {"image": image} | ({} if path is None else {"path": path})
    for name, place in given.items():
        if not isinstance(place, str | PathLike) or not str(place):
            raise TypeError(f"{name} takes a path; got {place!r} ({type(place).__name__}).")
    if not isinstance(segmentation, Segmentation):
        raise TypeError(
            f"segmentation takes what segment returns; got {type(segmentation).__name__}."
        )
    source = Path(image)
    if kind_of(source) != "image":
        if not source.exists():
            raise FileNotFoundError(f"image ({source}): there is no such store.")
        raise ValueError(f"image takes the path of an OME-Zarr image; got {source}, which is none.")
    file = read_store(source)
    assert file.store is not None
    axis, shape = file.store.channel_axis, file.pixels.shape
    expected = tuple(n for i, n in enumerate(shape) if i != axis)
    if segmentation.labels.shape != expected:
        raise ValueError(
            f"segmentation takes that of the image, with labels of {expected}; got labels of "
            f"{segmentation.labels.shape}."
        )
    written = (
        file.store,
        segmentation,
        cluster_table(file, segmentation),
        parameters_of(file, segmentation),
    )
    if path is None:
        write_in_source(source, written, overwrite=overwrite)
        return source / "labels" / LABELS
    store = Path(path)
    if store.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"path takes a place outside of the image {source}; got {store}.")
    write_store_at(store, written, overwrite=overwrite)
    return store / "labels" / LABELS
