"""Read an image once: its distinct values, or what stands for them."""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from os import PathLike
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from .arguments import NOT_GIVEN, checked
from .base import array_checks, checks, lent
from .base.notes_on_kind import colors_as_grey
from .base.parallel import Progress, Tick, alive, never_falling, portion
from .base.stores import check_there
from .image.averages import shrink
from .image.colors import check_color_space
from .image.pixels import Pixels, flatten
from .opening import opened
from .points.image_points import ImagePoints
from .points.reading import feature_space, read
from .prepared import PreparedImage

VERSION = version("napari-kmeans-seg")


def prepare(
    image: ArrayLike | str | PathLike[str],
    *,
    channel_axis: int | None = NOT_GIVEN,
    alpha: bool | None = None,
    mask: ArrayLike | None = None,
    color_space: str = "rgb",
    channel_weights: Sequence[float] | Mapping[str, float] | None = None,
    normalize: bool = False,
    smoothing: float | Sequence[float] = 0.0,
    spatial_weight: float = 0.0,
    fit_scale: float = 1.0,
    channel_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> PreparedImage:
    """Read an image once, to segment it several times.

    Parameters
    ----------
    image, channel_axis, alpha, mask, color_space, channel_weights, normalize, smoothing, \
    spatial_weight, fit_scale, channel_names, progress
        As for `segment`.

    Returns
    -------
    PreparedImage
        The distinct values of the image with their counts, or what stands for them.

    Raises
    ------
    TypeError, ValueError
        As `segment` does.

    Examples
    --------
    >>> from skimage.data import coffee
    >>> from napari_kmeans_seg import prepare
    >>> prepared = prepare(coffee(), channel_axis=-1)
    >>> [prepared.segment(k).n_clusters for k in (2, 3, 4)]
    [2, 3, 4]
    """
    known = checked(
        fit_scale=fit_scale,
        spatial_weight=spatial_weight,
        normalize=normalize,
        color_space=color_space,
    )
    fit_scale, spatial_weight, normalize, color_space = known.values()
    nobody_said = channel_axis is NOT_GIVEN and not array_checks.is_layer(image)
    if isinstance(image, str | PathLike):
        nobody_said = False
        image, channel_axis, alpha, mask, channel_names = opened(
            image, channel_axis, alpha, mask, channel_names
        )
    image, channel_axis = array_checks.of_layer(image, channel_axis)
    progress = never_falling(progress, image)
    form: dict[str, Any] = {"channel_axis": channel_axis, "alpha": alpha, "mask": mask}
    blocks, points = None, None
    if array_checks.is_lazy(image):
        at_once = bool(spatial_weight or np.any(np.asarray(smoothing)))
        image, form["mask"], blocks, progress = lent.read_blocks(
            image, form, color_space, fit_scale, at_once=at_once, progress=progress
        )
        points = None if blocks is None else blocks.points
    if points is not None:
        whole, fitted = points
        pixels = whole.pixels
    else:
        pixels = flatten(
            cast("ArrayLike", image), **form, tick=portion(progress, 0, 0.1, "Reading")
        )
        if not isinstance(image, np.ndarray):
            check_there(image)
        check_color_space(color_space, pixels)
    names = () if channel_names is None else checks.channel_names(channel_names, pixels.n_channels)
    weights = array_checks.channel_weights(channel_weights, pixels.n_channels, names)
    array_checks.weight_of_positions(spatial_weight, weights)
    sigma = array_checks.reals(
        "smoothing", smoothing, len(pixels.shape), "spatial axis", high=checks.MAX_SMOOTHING
    )

    def read_pixels(which: Pixels, exponent: int | None, tick: Tick) -> ImagePoints:
        scale = which.spacing or (1.0,) * len(sigma)
        width = tuple(s / one for s, one in zip(sigma, scale, strict=True)) if any(sigma) else ()
        return read(
            which,
            color_space=color_space,
            smoothing=width,
            repeats=not spatial_weight,
            exponent=exponent,
            tick=tick,
        )

    if points is None:
        tick = portion(progress, 0.1, 0.5, "Counting values")
        whole = alive(partial(read_pixels, pixels, None), tick)
        fitted = whole
    if fit_scale < 1 and points is None:
        tick = portion(progress, 0.5, 0.6, "Shrinking")
        small = alive(partial(shrink, pixels, fit_scale), tick)
        tick = portion(progress, 0.6, 0.8, "Counting values")
        fitted = alive(partial(read_pixels, small, whole.exponent), tick)
    space = alive(
        lambda _: feature_space(
            fitted, color_space, weights, normalize, spatial_weight, pixels.shape
        ),
        portion(progress, 0.8, 1, "Measuring"),
    )
    if progress is not None:
        progress(1.0, "Measuring")
    parameters: dict[str, Any] = {
        "version": VERSION,
        "channel_axis": None if channel_axis is None else int(channel_axis),
        "alpha": pixels.alpha is not None,
        "mask": mask is not None,
        "color_space": color_space,
        "channel_weights": list(weights),
        "normalize": normalize,
        "smoothing": list(sigma),
        "spatial_weight": spatial_weight,
        "fit_scale": fit_scale,
    }
    if channel_names is not None:
        parameters["channel_names"] = list(names)
    shape = pixels.shape if blocks is None else blocks.image.shape
    notes = colors_as_grey(shape) if nobody_said else ()
    if blocks is not None:
        prepared: PreparedImage = blocks.prepared(whole, fitted, space, parameters, notes)
        return prepared
    whole.is_kept = True
    return PreparedImage(whole, fitted, space, parameters, _notes=notes)
