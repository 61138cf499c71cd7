"""Counts and means of clusters whose labels somebody has painted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.arrays import sums_per_label
from ..outputs.columns import LARGEST_LABEL, means

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    from napari_kmeans_seg.core.base.parallel import Progress

    from ..outputs.record import ClusterRecord
    from ..source.layer_image import LayerImage

_AT_ONCE = 1 << 18

# Sums in another order differ by less, and nobody sees so little.
_SAME = 1e-9


def count(labels: npt.NDArray[Any], progress: Progress | None = None) -> npt.NDArray[np.int64]:
    """Count the pixels of each label, up to the largest that is counted."""
    flat = labels.reshape(-1)
    n_labels = min(int(np.iinfo(labels.dtype).max), LARGEST_LABEL) + 1
    if labels.dtype.itemsize == 1 and labels.dtype.kind == "u":
        # Two labels at a time: half as many steps.
        pairs = np.zeros((256, 256), np.int64)
        even = flat[: flat.size // 2 * 2].view(np.uint16)
        for start in _starts(even.size, progress):
            pairs += np.bincount(even[start : start + _AT_ONCE], minlength=1 << 16).reshape(
                256, 256
            )
        counts: npt.NDArray[np.int64] = pairs.sum(axis=0) + pairs.sum(axis=1)
        counts[flat[even.size * 2 :]] += 1
        return counts
    counts = np.zeros(n_labels, np.int64)
    for start in _starts(flat.size, progress):
        part = flat[start : start + _AT_ONCE]
        counts += np.bincount(part[(part >= 0) & (part <= LARGEST_LABEL)], minlength=n_labels)
    return counts


def mean_values(
    labels: npt.NDArray[Any],
    source: LayerImage,
    wanted: npt.NDArray[np.intp],
    progress: Progress | None = None,
) -> npt.NDArray[np.float64] | None:
    """Take the means of some clusters, ``(n_wanted, n_channels)``; None where none can be had.

    Parameters
    ----------
    labels : array
        The labels.
    source : LayerImage
        What was segmented.
    wanted : (n_wanted,) array of int
        The labels to take means of.
    progress : callable, optional
        As for `segment`.
    """
    image, _ = source.levels[0]
    axis = source.channel_axis
    if not isinstance(image, np.ndarray):
        return None
    channels = image[np.newaxis] if axis is None else np.moveaxis(image, axis, 0)
    channels = channels[:-1] if source.alpha else channels
    if channels.shape[1:] != labels.shape:
        return None
    number = np.full(LARGEST_LABEL + 2, wanted.size, np.intp)
    number[wanted] = np.arange(wanted.size)
    # Of each cluster how many pixels, then the sum of each channel.
    sums = np.zeros((wanted.size, 1 + len(channels)))
    flat, values = labels.reshape(-1), [channel.reshape(-1) for channel in channels]
    for start in _starts(flat.size, progress):
        which = number[np.clip(flat[start : start + _AT_ONCE], 0, LARGEST_LABEL + 1)]
        part = np.stack([channel[start : start + _AT_ONCE] for channel in values]).astype(float)
        taken = (which < wanted.size) & np.isfinite(part).all(axis=0)
        which, part = which[taken], part[:, taken]
        sums += sums_per_label(which, part, wanted.size)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[:, 1:] / sums[:, :1])


def recounted(
    table: pd.DataFrame,
    labels: npt.NDArray[Any],
    source: LayerImage | None,
    written: Mapping[int, ClusterRecord],
    progress: Progress | None = None,
) -> pd.DataFrame | None:
    """Count clusters anew, and take their means.

    Parameters
    ----------
    table : DataFrame
        The rows of the clusters.
    labels : array
        The labels as they are now.
    source : LayerImage or None
        What was segmented; without it means stay what they were.
    written : mapping of int to ClusterRecord
        Each label as it was last written: what is as it was then gets the very same numbers.
    progress : callable, optional
        As for `segment`.

    Returns
    -------
    DataFrame or None
        "label", "pixels" and the means of each cluster; None if nothing has changed.
    """
    counts = count(labels, progress)
    known = table.set_index("label")
    found = np.union1d(np.flatnonzero(counts), known.index.to_numpy(int)).astype(np.intp)
    found = found[found > 0]
    columns = means(table)
    rows = known[["pixels", *columns]].reindex(found)
    there = found[counts[found] > 0]
    # Of all: as many pixels may have come as have gone.
    values = mean_values(labels, source, there, progress) if source is not None else None
    is_changed = rows["pixels"].to_numpy(float) != counts[found]
    if values is not None and values.shape[1] == len(columns):
        before = rows.loc[there, columns].to_numpy(float)
        other = ~np.isclose(before, values, rtol=_SAME, atol=0, equal_nan=True).all(axis=1)
        is_changed[np.isin(found, there[other])] = True
    changed = found[is_changed]
    if not changed.size:
        return None
    rows["pixels"] = counts[found]
    if values is not None and values.shape[1] == len(columns):
        for label, row in zip(there.tolist(), values, strict=True):
            last = written.get(label)
            same = (
                last is not None
                and last.pixels == counts[label]
                and np.allclose(last.mean, row, rtol=_SAME, atol=0)
            )
            if label in changed:
                rows.loc[label, columns] = last.mean if last is not None and same else row
    for label in changed[counts[changed] == 0].tolist():
        # It has no mean now; that of before keeps its place, should its pixels come back.
        if label in written:
            rows.loc[label, columns] = written[label].mean
    return rows.rename_axis("label").reset_index()


def _starts(size: int, progress: Progress | None) -> Any:
    for start in range(0, size, _AT_ONCE):
        if progress is not None and start % (64 * _AT_ONCE) == 0:
            progress(start / size, "Counting")
        yield start
