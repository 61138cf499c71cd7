"""A Dask array as an image, and how its values are read: chunk by chunk, each once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .chunks import Index, every_chunk, gather, load
from .features import check_color_space
from .image_points import ImagePoints, read, shrink
from .packing import Packing, packing_of_dtype
from .parallel import Tick, no_tick
from .pixels import NO_PIXEL, Pixels, flatten
from .points import WeightedPoints, count_codes, merge, most_colors, unpack

LOAD_BYTES = 1 << 28
"""Size up to which an image whose values cannot be counted is loaded and fitted in memory."""

WHOLE_VALUES = 1 << 26
"""Values, pixels times channels, up to which an image is loaded whose pixels are not segmented
by themselves: to blur it some gigabytes of memory are enough."""

SAMPLE_PIXELS = 1 << 22
"""Pixels that are taken of a larger one."""

FIT_PIXELS = 1 << 31
"""Pixels up to which every chunk is read; of larger images, chunks evenly spread."""


@dataclass(frozen=True, eq=False)
class LazyImage:
    """A Dask array, and what its axes mean.

    Attributes
    ----------
    source : dask.array.Array
        The image, in one chunk along its channels.
    mask : dask.array.Array or None
        Where pixels take part, in the chunks of the image; of length 1 along the channels.
    form : Pixels
        A single pixel of the same form.
    """

    source: da.Array
    mask: da.Array | None
    form: Pixels

    @classmethod
    def of(
        cls,
        image: da.Array,
        *,
        channel_axis: int | None = None,
        alpha: bool | None = None,
        mask: ArrayLike | None = None,
    ) -> "LazyImage":
        """Check an image and its mask; the arguments are those of `segment`. Reads nothing."""
        if image.size == 0 or any(np.isnan(n) for n in image.shape):
            raise ValueError(f"image takes at least one pixel, of known shape; got {image.shape}.")
        one = [1] * image.ndim
        if channel_axis is not None:
            axis = checks.axis("channel_axis", channel_axis, image.ndim)
            one[axis] = image.shape[axis]
        # A single pixel goes through the checks that all images do.
        form = flatten(np.ones(one, image.dtype), channel_axis=channel_axis, alpha=alpha)
        if form.channel_axis is not None:
            image = image.rechunk({form.channel_axis: -1})
        lazy = cls(image, None, form)
        if mask is None:
            return lazy
        inside = da.asarray(mask)
        if inside.shape != lazy.shape:
            raise ValueError(
                f"mask takes an array of the image's spatial shape {lazy.shape}; "
                f"got shape {inside.shape}."
            )
        inside = inside.rechunk(lazy.spatial(image.chunks))
        if form.channel_axis is not None:
            inside = da.expand_dims(inside, form.channel_axis)
        return replace(lazy, mask=inside)

    def spatial(self, of_each_axis: tuple[Any, ...]) -> tuple[Any, ...]:
        """Leave out what belongs to the axis of the channels."""
        return tuple(one for i, one in enumerate(of_each_axis) if i != self.form.channel_axis)

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape."""
        return self.spatial(self.source.shape)

    @property
    def n_pixels(self) -> int:
        """Number of pixels, those that do not take part included."""
        return int(np.prod(self.shape, dtype=float))

    def n_pixels_of(self, chunks: Iterable[Index]) -> int:
        """Return the number of pixels of some chunks."""
        sizes = self.spatial(self.source.chunks)
        return sum(
            int(np.prod([n[i] for n, i in zip(sizes, self.spatial(chunk), strict=True)]))
            for chunk in chunks
        )

    @property
    def packing(self) -> Packing | None:
        """How all values of the dtype are packed into few bits, if they are: then they count."""
        return packing_of_dtype(self.form.dtype, self.form.n_channels)

    @property
    def is_small(self) -> bool:
        """Whether it is small enough to be fitted in memory, where that serves better."""
        return bool(self.source.nbytes <= LOAD_BYTES)

    def load_whole(self, tick: Tick = no_tick) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read the image and its mask into memory, for what is not done chunk by chunk.

        Raises
        ------
        ValueError
            If the image is too large for that.
        """
        if self.source.size > WHOLE_VALUES:
            raise ValueError(
                "smoothing=0 and spatial_weight=0 are what a lazy image (a Dask array) takes of "
                f"more than {WHOLE_VALUES:,} values, which is not read as a whole; this one has "
                f"{self.source.size:,}. Set both to 0, or segment a part of it."
            )
        return self.load(tick)

    def load(self, tick: Tick = no_tick) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read the image and its mask into memory."""
        mask = None if self.mask is None else load(self.mask).reshape(self.shape)
        return load(self.source, tick), mask


def pixels_of(
    block: NDArray[Any],
    mask: NDArray[Any] | None,
    channel_axis: int | None,
    *,
    alpha: bool,
) -> Pixels:
    """Take a chunk, and that of the mask, as pixels, of which none needs to take part."""
    if mask is not None and channel_axis is not None:
        mask = np.squeeze(mask, channel_axis % block.ndim)
    return flatten(block, channel_axis=channel_axis, alpha=alpha, mask=mask, may_be_empty=True)


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read of an image to find its clusters.

    Attributes
    ----------
    points : ImagePoints
        Its distinct values with their counts, and no pixels; or a sample of its pixels.
    complete : bool
        Whether the points stand for all pixels, one by one.
    chunks : tuple of index
        The chunks that have pixels inside the mask.
    n_valid : int
        Pixels of the image that take part; reckoned up where not all chunks were read.
    note : str
        What was read, if not all.
    """

    points: ImagePoints
    complete: bool
    chunks: tuple[Index, ...]
    n_valid: int
    note: str = ""

    @property
    def is_noise(self) -> bool:
        """Whether values were counted that in memory would not have been, as they are so many."""
        counted = self.points.points if self.points.packing is not None else None
        return counted is not None and counted.n_points > most_colors(self.n_valid)


def read_chunks(image: LazyImage, color_space: str, fit_scale: float, tick: Tick) -> Reading:
    """Read each chunk once; of an image that is very large, chunks evenly spread.

    Raises
    ------
    OSError
        If a chunk cannot be read; the message names it.
    """
    check_color_space(color_space, image.form)
    form, packing, n_pixels = image.form, image.packing, image.n_pixels
    inside = pixels_inside(image, tick)
    chunks = tuple(inside)
    n_inside = sum(inside.values())
    n_read = max(1, min(len(chunks), int(len(chunks) * FIT_PIXELS / image.n_pixels_of(chunks))))
    chosen = [chunks[i] for i in np.linspace(0, len(chunks) - 1, n_read).astype(int)]
    summary = gather(
        partial(
            _summarize,
            channel_axis=form.channel_axis,
            alpha=form.alpha is not None,
            fit_scale=fit_scale,
            packing=packing,
            share=min(1.0, SAMPLE_PIXELS / n_inside),
        ),
        _merge,
        image.source,
        image.mask,
        chunks=chosen,
        tick=tick,
    )
    if not summary.n_valid:
        raise ValueError(NO_PIXEL)
    n_valid = round(summary.n_valid * n_inside / sum(inside[chunk] for chunk in chosen))
    of_chunks = f"{n_read:,} of {len(chunks):,} chunks, evenly spread"
    pixels = replace(
        form,
        channels=tuple(np.empty(0, form.dtype) for _ in form.channels),
        alpha=None if form.alpha is None else np.ones(0, form.dtype),
        shape=(1,) * (len(image.shape) - 1) + (0,),
        n_not_finite=summary.n_not_finite,
    )
    if packing is not None:
        assert summary.counted is not None
        points = ImagePoints(pixels, pixels, color_space, unpack(summary.counted, packing), packing)
        if n_read < len(chunks):
            return Reading(points, False, chunks, n_valid, f"Fitted on {of_chunks}")
        note = f"Fitted on the copy at fit_scale={fit_scale:g}" if fit_scale < 1 else ""
        return Reading(points, fit_scale == 1, chunks, n_valid, note)
    n = summary.sample[0].size
    pixels = replace(
        pixels,
        channels=summary.sample,
        # A copy of 64-bit integers is floats.
        dtype=summary.sample[0].dtype,
        alpha=None if form.alpha is None else np.ones(n, form.dtype),
        shape=(*pixels.shape[:-1], n),
    )
    check_color_space(color_space, pixels)
    note = f"Fitted on a sample of {n:,} of {n_pixels:,} pixels"
    note += f", from {of_chunks}" if n_read < len(chunks) else ""
    points = read(pixels, color_space=color_space)
    return Reading(points, n == n_valid and fit_scale == 1, chunks, n_valid, note)


def pixels_inside(image: LazyImage, tick: Tick = no_tick) -> dict[Index, int]:
    """Count the pixels inside the mask of each chunk that has any.

    Raises
    ------
    ValueError
        If no chunk has any.
    """
    chunks = every_chunk(image.source)
    if image.mask is None:
        return {chunk: image.n_pixels_of([chunk]) for chunk in chunks}
    counts = gather(_count, _joined, image.mask, tick=lambda _: tick(0))
    inside = {chunk: n for chunk, n in zip(chunks, counts, strict=True) if n}
    if not inside:
        raise ValueError(NO_PIXEL)
    return inside


def _count(mask: NDArray[Any], _mask: NDArray[Any] | None) -> list[int]:
    return [int(np.count_nonzero(mask))]


def _joined(parts: list[list[int]]) -> list[int]:
    return [one for part in parts for one in part]


@dataclass(frozen=True)
class _Summary:
    """What is kept of some chunks: counted values, or a sample of pixels."""

    counted: WeightedPoints | None
    sample: tuple[NDArray[Any], ...]
    n_valid: int
    n_not_finite: int


def _summarize(
    block: NDArray[Any],
    mask: NDArray[Any] | None,
    *,
    channel_axis: int | None,
    alpha: bool,
    fit_scale: float,
    packing: Packing | None,
    share: float,
) -> _Summary:
    pixels = pixels_of(block, mask, channel_axis, alpha=alpha)
    n_valid = pixels.n_valid
    numbers = (n_valid, pixels.n_not_finite)
    if not n_valid:  # nothing of it inside the mask
        none = tuple(np.empty(0, pixels.dtype) for _ in pixels.channels)
        counted = WeightedPoints(np.empty(0, np.uint32), (), np.empty(0, np.int64))
        return _Summary(counted if packing else None, () if packing else none, *numbers)
    if fit_scale < 1:
        pixels = shrink(pixels, fit_scale)
    if packing is not None:
        return _Summary(count_codes(pixels, packing, whole=True), (), *numbers)
    where = pixels.sample(max(1, int(np.ceil(share * pixels.n_valid))))
    return _Summary(None, tuple(pixels.at(where)), *numbers)


def _merge(parts: list[_Summary]) -> _Summary:
    counted = [part.counted for part in parts if part.counted is not None]
    return _Summary(
        merge(counted) if counted else None,
        tuple(np.concatenate(channel) for channel in zip(*(p.sample for p in parts), strict=True)),
        sum(part.n_valid for part in parts),
        sum(part.n_not_finite for part in parts),
    )
