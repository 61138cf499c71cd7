"""Segment each step of a series by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from .arguments import NOT_GIVEN
from .base import array_checks, checks
from .base.errors import NoPixels, WrongValue
from .base.note import warn, without_warnings
from .base.notes_on_kind import colors_as_grey
from .base.parallel import Progress, never_falling, portion, within
from .image.pixels import is_rgba
from .opening import opened
from .segment import segment
from .steps import Blank, Step, StepsSegmentation


def segment_steps(
    image: ArrayLike | str | PathLike[str],
    n_clusters: int = 5,
    *,
    step_axis: int = 0,
    channel_axis: int | None = NOT_GIVEN,
    alpha: bool | None = None,
    mask: ArrayLike | None = None,
    color_space: str = "rgb",
    channel_weights: Sequence[float] | Mapping[str, float] | None = None,
    normalize: bool = False,
    smoothing: float | Sequence[float] = 0.0,
    spatial_weight: float = 0.0,
    init: str | ArrayLike = "auto",
    n_init: int = 1,
    max_iter: int = 300,
    tol: float = 1e-4,
    fit_scale: float = 1.0,
    seed: int | np.random.Generator | None = 0,
    channel_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> StepsSegmentation:
    """Segment each step of an axis by itself, with labels that mean the same in all of them.

    Parameters
    ----------
    image : array-like or path
        A series of images, in memory or of Dask, or an image file.
    n_clusters : int
        Number of clusters in each step.
    step_axis : int
        The axis of the image along which the steps lie, such as time.
    channel_axis, alpha, mask, color_space, channel_weights, normalize, smoothing, \
    spatial_weight, init, n_init, max_iter, tol, fit_scale, seed, channel_names, progress
        As for `segment`. A `mask` has the spatial shape of the whole series, and `smoothing` one
        number for each of its spatial axes, of which that of the steps does not count.

    Returns
    -------
    StepsSegmentation
        A `Segmentation` of the whole series, with one for each step in `steps`. A step without any
        pixel that takes part is label 0.

    Raises
    ------
    TypeError, ValueError
        As `segment` does, or if no step has a pixel that takes part.

    Warns
    -----
    UserWarning
        As `segment` does, for each step; if steps have no pixel that takes part; and if labels are
        ambiguous: if place and value disagree on them, or say nothing.

    Notes
    -----
    From step to step a cluster keeps its label where more than half of the pixels of both are the
    same, be its value past those of others by then; one that has lost its place, where so many are
    those of the step before. The rest is matched by the assignment of the
    least cost: squared distance of the means, in standard deviations of all, and one less the
    intersection over union. So what bleaches, inverts or crosses others in brightness keeps its
    label while it stays, and what moves keeps it while its value does.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_kmeans_seg import segment_steps
    >>> first = np.array([[10, 10, 90, 90, 200, 200]])
    >>> bleached = first // 3
    >>> segment_steps(np.stack([first, bleached]), n_clusters=3).labels[:, 0]
    array([[1, 1, 2, 2, 3, 3],
           [1, 1, 2, 2, 3, 3]], dtype=uint8)
    """
    progress = never_falling(progress)
    nobody_said = channel_axis is NOT_GIVEN and not array_checks.is_layer(image)
    if isinstance(image, str | PathLike):
        nobody_said = False
        image, channel_axis, alpha, mask, channel_names = opened(
            image, channel_axis, alpha, mask, channel_names
        )
    image, channel_axis = array_checks.of_layer(image, channel_axis)
    image = cast("ArrayLike", image)
    whole: Any = image if array_checks.is_lazy(image) else array_checks.image_array(image)
    ndim = np.ndim(whole)
    along = array_checks.axis("step_axis", step_axis, ndim)
    if channel_axis is not None:
        channel_axis = array_checks.axis("channel_axis", channel_axis, ndim)
        if channel_axis == along:
            raise WrongValue("step_axis", "another axis than channel_axis", f"{step_axis} for both")
    axis = along - (channel_axis is not None and channel_axis < along)
    sigma = array_checks.reals(
        "smoothing", smoothing, ndim - (channel_axis is not None), "spatial axis",
        high=checks.MAX_SMOOTHING,
    )  # fmt: skip
    inside: Any = mask
    if mask is not None and not array_checks.is_lazy(mask):
        shape = tuple(n for i, n in enumerate(whole.shape) if i != channel_axis)
        inside = array_checks.spatial_mask(mask, shape)
    n = whole.shape[along]
    steps: list[Step] = []
    with without_warnings():
        for i in range(n):
            step = whole[(slice(None),) * along + (slice(i, i + 1),)]
            part = None if inside is None else inside[(slice(None),) * axis + (slice(i, i + 1),)]
            try:
                if isinstance(part, np.ndarray) and not part.any():
                    raise NoPixels
                steps.append(
                    segment(
                        step,
                        n_clusters,
                        channel_axis=channel_axis,
                        alpha=alpha,
                        mask=part,
                        color_space=color_space,
                        channel_weights=channel_weights,
                        normalize=normalize,
                        smoothing=sigma,
                        spatial_weight=spatial_weight,
                        init=init,
                        n_init=n_init,
                        max_iter=max_iter,
                        tol=tol,
                        fit_scale=fit_scale,
                        seed=seed,
                        channel_names=channel_names,
                        progress=within(progress, 0.9 * i / n, 0.9 * (i + 1) / n),
                    )
                )
            except NoPixels:
                is_alpha = is_rgba(step, channel_axis) if alpha is None else alpha
                steps.append(Blank((step,), channel_axis, is_alpha))
    found = StepsSegmentation.of(steps, axis, portion(progress, 0.9, 1, "Comparing steps"))
    if nobody_said:
        found = replace(found, notes=(*colors_as_grey(whole.shape), *found.notes))
    warn(found.notes)
    return found
