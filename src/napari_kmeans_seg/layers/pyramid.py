"""Which level of a pyramid is fitted, and how all its levels are labelled."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg import Segmentation

from .arrays import is_lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIT_BYTES = 256 << 20
"""Size of the largest level that is loaded to be fitted, where the levels are lazy."""


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
    largest = next(
        (i for i, one in enumerate(levels) if not is_lazy(one) or one.nbytes <= FIT_BYTES), last
    )
    scales = [max(n / full for n, full in zip(s[-2:], shapes[0][-2:], strict=True)) for s in shapes]
    # Half a pixel is no other scale.
    allowed = [i for i in range(largest, len(levels)) if scales[i] >= fit_scale - 0.01]
    place = max(allowed, default=largest)
    return place, min(1.0, fit_scale / scales[place])


def label_level(
    fit: Segmentation,
    level: Any,
    mask: Any,
    progress: Callable[[float, str], None] | None = None,
) -> Segmentation:
    """Label an array with the clusters that were found on another, or on a part of it.

    That of a lazy array has the counts, centroids and inertia of the fit.
    """
    if not is_lazy(level):
        labelled = fit.model.predict(level, mask=mask, progress=progress)
        return replace(labelled, n_iter=fit.n_iter, converged=fit.converged, warnings=fit.warnings)
    from napari_kmeans_seg.core.blockwise import BlockwiseSegmentation, label_blocks

    model = fit.model
    if model.smoothing or model.space.position:
        raise ValueError(
            "smoothing and spatial_weight take 0 for an image that is lazy; set both to 0, or "
            "load the image into memory."
        )
    if model.channel_axis is not None:
        level = level.rechunk({model.channel_axis % level.ndim: -1})
    values = {one.name: getattr(fit, one.name) for one in fields(Segmentation)}
    values["labels"] = label_blocks(level, mask, model)
    return BlockwiseSegmentation(**values, _source=level)


def reckoned_up(segmentation: Segmentation, n_pixels: int) -> Segmentation:
    """Reckon the pixel counts of a sample, or of some chunks, up to the whole image.

    Parameters
    ----------
    segmentation : Segmentation
        Of a lazy image, all of whose finite pixels take part.
    n_pixels : int
        Its pixels.
    """
    in_part = any("counts" in note for note in segmentation.warnings)
    n_taken = segmentation.counts.sum()
    if not in_part or not n_taken:
        return segmentation
    factor = max(1.0, (n_pixels - segmentation._pixels.n_not_finite) / n_taken)
    return replace(
        segmentation,
        counts=np.rint(segmentation.counts * factor).astype(np.int64),
        warnings=(*segmentation.warnings, "In the table, counts are reckoned up to the whole."),
    )


def told_in_full(
    segmentation: Segmentation, place: int, shapes: Sequence[Sequence[int]]
) -> Segmentation:
    """Say that a smaller level was fitted, and reckon lazy pixel counts up to the largest."""
    size = " × ".join(f"{n:,}" for n in shapes[place])
    note = f"Fitted on level {place} of the pyramid ({size} pixels)"
    counts = segmentation.counts
    if is_lazy(segmentation.labels):
        factor = np.prod(shapes[0], dtype=float) / np.prod(shapes[place], dtype=float)
        counts = np.rint(counts * factor).astype(np.int64)
        note += "; pixel counts are reckoned up from it"
    return replace(segmentation, counts=counts, warnings=(*segmentation.warnings, f"{note}."))
