"""Read a Dask array for `prepare`: into memory, or chunk by chunk."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import dask.array as da

from ..base.note import Note
from ..base.parallel import Progress, alive, part_of, portion, within
from ..image.colors import check_color_space, check_limits
from ..image.features import FeatureSpace
from ..points.counted_image import CountedImage
from ..points.image_points import ImagePoints
from .image import LazyImage, Reading, read_chunks
from .points import SampledImage
from .prepared import PreparedBlocks


@dataclass(frozen=True)
class Blocks:
    """A Dask array whose labels are to be one, too.

    Attributes
    ----------
    image : LazyImage
        The array.
    reading : Reading or None
        What was read of it chunk by chunk; None where it is read in memory.
    points : tuple of two ImagePoints, or None
        Then: the image, and what of it is fitted.
    """

    image: LazyImage
    reading: Reading | None = None
    points: tuple[ImagePoints, ImagePoints] | None = None

    def prepared(
        self,
        whole: ImagePoints,
        fitted: ImagePoints,
        space: FeatureSpace,
        parameters: dict[str, Any],
        notes: tuple[Note, ...],
    ) -> PreparedBlocks:
        """Return what `prepare` gives."""
        parts = whole, fitted, space, parameters, self.image, self.reading
        return PreparedBlocks(*parts, _notes=notes)


def read_blocks(
    image: Any,
    form: dict[str, Any],
    color_space: str,
    fit_scale: float,
    *,
    at_once: bool,
    progress: Progress | None,
) -> tuple[Any, Any, Blocks | None, Progress | None]:
    """Read a Dask array for `prepare`: into memory, where it is small, or chunk by chunk.

    Parameters
    ----------
    image : dask.array.Array
        The image.
    form : dict
        Its `channel_axis`, `alpha` and `mask`.
    color_space, fit_scale
        As in `prepare`.
    at_once : bool
        Whether it is needed in memory, since neighbours or places of pixels count.
    progress : callable or None
        As in `prepare`.

    Returns
    -------
    image, mask : arrays
        In memory, where it was not read chunk by chunk.
    blocks : Blocks or None
        What labels it chunk by chunk; None where that is done in memory.
    progress : callable or None
        That of the rest of the work.
    """
    lazy = LazyImage.of(da.asarray(image), **form)
    check_color_space(color_space, lazy.form)
    tick, rest = portion(progress, 0, 0.4, "Reading"), within(progress, 0.4, 1)
    if at_once:
        return *alive(lazy.load_whole, tick), None, rest
    if lazy.is_small and (lazy.packing is None or fit_scale < 1):
        return *alive(lazy.load, tick), Blocks(lazy), rest
    reading = alive(partial(read_chunks, lazy, fit_scale), tick)
    if lazy.form.dtype.kind == "f":
        check_limits(color_space, reading.limits.min(), reading.limits.max())
    if lazy.is_small and reading.is_noise:
        return *lazy.load(part_of(tick, 1, 1)), Blocks(lazy), rest
    points = images_of(lazy, reading, color_space, fit_scale)
    return image, form["mask"], Blocks(lazy, reading, points), progress


def images_of(
    image: LazyImage, reading: Reading, color_space: str, fit_scale: float
) -> tuple[ImagePoints, ImagePoints]:
    """Return an image that was read, and what of it is fitted."""
    is_copy = fit_scale < 1
    sampled = SampledImage(image, reading, color_space, may_be_read_again=not is_copy)
    if reading.counted is None or not (reading.is_whole or is_copy):
        whole = sampled
        if is_copy:
            whole = SampledImage(image, reading, color_space, may_be_read_again=True)
        return whole, sampled
    pixels = sampled.pixels
    counted = CountedImage(
        pixels,
        pixels,
        color_space,
        0,
        reading.counted,
        image.packing,
        n_valid=reading.n_valid,
    )
    if reading.is_whole and not is_copy:
        return counted, counted
    return SampledImage(image, reading, color_space, may_be_read_again=True), counted
