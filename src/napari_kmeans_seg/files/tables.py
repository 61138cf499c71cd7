"""The tables of an image: its clusters, in all of it or in each step of an axis."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.base.array_checks import is_lazy
from ..core.kmeans.nearest import sums_by_label
from ..core.points.sums import HUGE, join_means
from ..core.steps import StepsSegmentation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from ..core.segmentation import Segmentation
    from .base.image_file import ImageFile

    Means = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

STEP = "step"
"""The column that counts the steps of an axis from 0."""

_AT_ONCE = 1 << 20
"""Pixels of which values are kept as floats."""


def cluster_table(
    image: ImageFile, segmentation: Segmentation, step_axis: int | None = None
) -> pd.DataFrame:
    """Return one row per cluster, with the file's names for the channels where it has some.

    A cluster that has a colour has it there, too.

    Parameters
    ----------
    image, segmentation
        What was read, and what came of it.
    step_axis
        The axis of the image for each of whose steps there are rows, with its number in front.
    """
    if step_axis is None:
        return _of_all(image, segmentation)
    import pandas as pd

    tables = []
    for number, (counts, centroids) in enumerate(_of_steps(image, segmentation, step_axis)):
        # What is not known of a step must not be asked for: of a Dask array it is read for that.
        step = replace(segmentation, counts=counts, centroids=centroids, inertia=np.nan)
        table = _of_all(image, step)
        table.insert(0, STEP, number)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _of_all(image: ImageFile, segmentation: Segmentation) -> pd.DataFrame:
    n_channels = segmentation.centroids.shape[1]
    names: Sequence[str] | None = image.channel_names
    if len(image.channel_names) != n_channels:
        names = ["intensity"] if n_channels == 1 else None
    table = segmentation.to_dataframe(names)
    if image.tiff.storage.photometric == "miniswhite" and image.pixels.dtype.kind != "u":
        # Measurements whose high values are shown dark: the values are those of the file.
        offset = 0 if image.pixels.dtype.kind == "f" else 1
        means = [column for column in table if str(column).startswith("mean_")]
        table[means] = -table[means] - offset
    if colors := segmentation.model.colors:
        table.insert(1, "color", [colors.get(label, "") for label in table["label"]])
    return table


def _of_steps(image: ImageFile, segmentation: Segmentation, step_axis: int) -> list[Means]:
    """Count the pixels of each cluster in each step, and take their means."""
    if isinstance(segmentation, StepsSegmentation):
        return [(step.counts, step.centroids) for step in segmentation.steps]
    axis = image.channel_axis
    along = step_axis - (axis is not None and axis < step_axis)
    visit = partial(_means, axis, image.alpha, segmentation.n_clusters)
    found = []
    for number in range(image.pixels.shape[step_axis]):
        values: Any = image.pixels[(slice(None),) * step_axis + (slice(number, number + 1),)]
        labels: Any = segmentation.labels[(slice(None),) * along + (slice(number, number + 1),)]
        if not is_lazy(values):
            found.append(visit(values, labels))
            continue
        # Imported here: Dask takes a while, and most images are files.
        import dask.array as da

        from ..core.lazy.chunks import gather

        where = da.asarray(labels)
        if axis is not None:
            values, where = values.rechunk({axis: -1}), da.expand_dims(where, axis)
        chunks = tuple((1,) if i == axis else n for i, n in enumerate(values.chunks))
        found.append(gather(visit, _joined, values, where.rechunk(chunks)))
    return found


def _means(
    axis: int | None,
    alpha: bool,
    n_clusters: int,
    values: npt.NDArray[Any],
    labels: npt.NDArray[Any] | None,
) -> Means:
    assert labels is not None
    channels = values[np.newaxis] if axis is None else np.moveaxis(values, axis, 0)
    channels = channels[: len(channels) - alpha].reshape(len(channels) - alpha, -1)
    flat = labels.reshape(-1)
    parts = [
        _of_pixels(channels[:, i : i + _AT_ONCE], flat[i : i + _AT_ONCE], n_clusters)
        for i in range(0, max(1, flat.size), _AT_ONCE)
    ]
    return _joined(parts)


def _of_pixels(channels: npt.NDArray[Any], labels: npt.NDArray[Any], n_clusters: int) -> Means:
    inside = labels > 0
    index = labels[inside].astype(np.intp) - 1
    points = channels[:, inside].astype(np.float64)
    counts = np.bincount(index, minlength=n_clusters)
    # The largest floats have no sum: see `join_means`.
    exponent = 64 if np.abs(points).max(initial=0) > HUGE else 0
    sums = sums_by_label(index, np.ldexp(points, -exponent), n_clusters)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts[:, np.newaxis], out=means, where=counts[:, np.newaxis] > 0)
    return counts, np.ldexp(means, exponent)


def _joined(parts: list[Means]) -> Means:
    counts, means = (np.concatenate(one) for one in zip(*parts, strict=True))
    n_clusters = len(parts[0][0])
    return join_means(np.tile(np.arange(n_clusters), len(parts)), counts, means, n_clusters)
