"""Which level of a pyramid is fitted, and how all its levels are labelled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.base.notes import FittedOnLevel, Hidden
from napari_kmeans_seg.core.base.parallel import portion, within

from .arrays import is_lazy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_kmeans_seg import Segmentation
    from napari_kmeans_seg.core.base.parallel import Progress

DRAWN_PIXELS = 1 << 28
"""Pixels of the largest plane that is drawn: the most that graphics cards take as one picture,
16,384 each way. To draw it napari reads all of it, while nobody can do anything else."""


def can_be_drawn(array: Any, *, rgb: bool = False) -> bool:
    """Whether an array that is no pyramid is small enough, or in memory already, to be drawn."""
    plane = array.shape[-3:-1] if rgb else array.shape[-2:]
    return not is_lazy(array) or bool(np.prod(plane, dtype=float) <= DRAWN_PIXELS)


def note_hidden(segmentation: Segmentation) -> Segmentation:
    """Say that the outputs are hidden, if they are."""
    if can_be_drawn(segmentation.labels):
        return segmentation
    note = Hidden(shape=tuple(int(n) for n in segmentation.labels.shape[-2:]))
    return replace(segmentation, notes=(*segmentation.notes, note))


def level_to_fit(
    levels: Sequence[Any], shapes: Sequence[Sequence[int]], fit_scale: float
) -> tuple[int, float]:
    """Choose the level on which the clusters are found.

    Parameters
    ----------
    levels : sequence of array
        The largest first.
    shapes : sequence of sequence of int
        Their spatial shapes.
    fit_scale : float
        The scale of the copy that is fitted, relative to the largest level.

    Returns
    -------
    place : int
        The smallest level that is not below this scale; of lazy levels only those count that
        fit into memory, or else the smallest.
    fit_scale : float
        What is left of the scale on this level.
    """
    if len(levels) == 1:
        return 0, fit_scale
    last = len(levels) - 1
    largest = next((i for i, one in enumerate(levels) if _fits_into_memory(one)), last)
    scales = [max(n / full for n, full in zip(s[-2:], shapes[0][-2:], strict=True)) for s in shapes]
    # Half a pixel is no other scale.
    allowed = [i for i in range(largest, len(levels)) if scales[i] >= fit_scale - 0.01]
    place = max(allowed, default=largest)
    return place, min(1.0, fit_scale / scales[place])


def _fits_into_memory(level: Any) -> bool:
    if not is_lazy(level):
        return True
    from napari_kmeans_seg.core.lazy.limits import Limits

    return bool(level.nbytes <= Limits.now().load_bytes)


def label_level(
    fit: Segmentation,
    level: Any,
    mask: Any,
    progress: Progress | None = None,
    *,
    count: bool = True,
) -> Segmentation:
    """Label an array with the clusters that were found on another, or on a part of it.

    The labels of a lazy array are counted only where asked; else it has the counts, centroids
    and inertia of the fit.
    """
    model = fit.model
    if is_lazy(level):
        # Imported here: Dask takes a while, and most images are in memory.
        from napari_kmeans_seg.core.lazy.image import LazyImage
        from napari_kmeans_seg.core.lazy.prepared import label_again

        lazy = LazyImage.of(level, channel_axis=model.channel_axis, alpha=model.alpha, mask=mask)
        if not (model.smoothing or model.space.position):
            return label_again(fit, lazy, portion(progress, 0, 1, "Counting labels"), count=count)
        level, mask = lazy.load_whole(portion(progress, 0, 0.4, "Reading"))
        progress = within(progress, 0.4, 1)
    labelled = model.predict(level, mask=mask, progress=progress)
    return replace(labelled, n_iter=fit.n_iter, converged=fit.converged, notes=fit.notes)


def note_level(
    largest: Segmentation, fitted: Segmentation, place: int, shapes: Sequence[Sequence[int]]
) -> Segmentation:
    """Say that a smaller level was fitted, and scale lazy pixel counts to the largest."""
    counts, scaled = largest.counts, is_lazy(largest.labels)
    if scaled:
        factor = np.prod(shapes[0], dtype=float) / np.prod(shapes[place], dtype=float)
        counts = np.rint(fitted.counts * factor).astype(np.int64)
    shape = tuple(int(n) for n in shapes[place])
    note = FittedOnLevel(level=place, shape=shape, scaled_counts=scaled)
    return replace(largest, counts=counts, notes=(*largest.notes, note))
