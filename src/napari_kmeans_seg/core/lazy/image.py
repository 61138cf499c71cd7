"""A Dask array as an image, and how its values are read: chunk by chunk, each once."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import array_checks
from ..base.errors import NoPixels, WrongValue
from ..base.note import Note
from ..base.notes import FittedOnSample
from ..base.parallel import Tick, no_tick
from ..image.averages import shrink
from ..image.pixels import Pixels, flatten
from ..points.counting import Counted, Packing, count, merge, most_values, packing_of
from ..points.drawing import Drawn, merge_drawn
from ..points.pixel_points import PixelValues
from .chunks import Index, Visit, every_chunk, gather, load
from .limits import Limits


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
    limits : Limits
        How much of it is read.
    """

    source: da.Array
    mask: da.Array | None
    form: Pixels
    limits: Limits = field(default_factory=Limits.now)

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
            takes = "at least one pixel, of known shape"
            raise WrongValue("image", takes, str(image.shape))
        one = [1] * image.ndim
        if channel_axis is not None:
            axis = array_checks.axis("channel_axis", channel_axis, image.ndim)
            one[axis] = image.shape[axis]
        # A single pixel goes through the checks that all images do.
        form = flatten(np.ones(one, image.dtype), channel_axis=channel_axis, alpha=alpha)
        if form.channel_axis is not None:
            image = image.rechunk({form.channel_axis: -1})
        lazy = cls(image, None, form)
        if mask is None:
            return lazy
        inside = da.asarray(mask)
        array_checks.shape_of_mask(inside.shape, lazy.shape)
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
        return packing_of(self.form.dtype, self.form.n_channels)

    @property
    def is_small(self) -> bool:
        """Whether it is small enough to be fitted in memory, where that serves better."""
        return bool(self.source.nbytes <= self.limits.load_bytes)

    def load_whole(self, tick: Tick = no_tick) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read the image and its mask into memory, for what is not done chunk by chunk.

        Raises
        ------
        ValueError
            If the image is too large for that.
        """
        most = self.limits.whole_values
        if self.source.size > most:
            raise WrongValue(
                "smoothing",
                "0, and so does {spatial_weight}, of a lazy image (a Dask array) of more than "
                f"{most:,} values, which is not read as a whole",
                f"{self.source.size:,} values",
                others=("spatial_weight",),
                advice="Set both to 0, or segment a part of it.",
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
    chunks : tuple of index
        The chunks that have pixels inside the mask.
    n_read : int
        How many of them were read, evenly spread.
    n_pixels : int
        Pixels of the image.
    n_valid : int
        Pixels of the image that take part; scaled up where not all chunks were read.
    n_not_finite : int
        Pixels that were left out.
    limits : (n_channels, 2) array
        Lowest and highest value of each channel.
    counted : Counted or None
        The distinct values of the image, or of its copy at `fit_scale`, packed.
    drawn : Drawn or None
        Some of them, where they are too many to be counted.
    """

    chunks: tuple[Index, ...]
    n_read: int
    n_pixels: int
    n_valid: int
    n_not_finite: int
    limits: NDArray[Any]
    counted: Counted | None
    drawn: Drawn | None

    @property
    def is_whole(self) -> bool:
        """Whether all chunks were read."""
        return self.n_read == len(self.chunks)

    @property
    def is_noise(self) -> bool:
        """Whether values were counted that in memory would not have been, as they are so many."""
        return self.counted is not None and self.counted.keys.size > most_values(self.n_valid)

    def notes(self, fit_scale: float) -> tuple[Note, ...]:
        """Note what clusters were fitted on, where it is not every pixel."""
        if self.counted is not None and self.is_whole and fit_scale == 1:
            return ()
        return (
            FittedOnSample(
                n=0 if self.drawn is None else int(self.drawn.n),
                of=self.n_pixels,
                n_chunks=self.n_read,
                of_chunks=len(self.chunks),
                fit_scale=fit_scale,
            ),
        )


def read_chunks(image: LazyImage, fit_scale: float, tick: Tick) -> Reading:
    """Read each chunk once, or twice where many pixels share a value of those that hardly repeat.

    Of an image that is very large, chunks evenly spread.

    Raises
    ------
    OSError
        If a chunk cannot be read; the message names it.
    """
    inside = pixels_inside(image, tick)
    chunks = tuple(inside)
    n_inside = sum(inside.values())
    n_pixels, most = image.n_pixels_of(chunks), image.limits.fit_pixels
    n_read = max(1, min(len(chunks), int(len(chunks) * most / n_pixels)))
    chosen = [chunks[i] for i in np.linspace(0, len(chunks) - 1, n_read).astype(int)]
    n_chosen = sum(inside[chunk] for chunk in chosen)
    summarize = partial(
        _summarize,
        channel_axis=image.form.channel_axis,
        alpha=image.form.alpha is not None,
        fit_scale=fit_scale,
        packing=image.packing,
        share=min(1.0, image.limits.sample_values / (n_chosen * fit_scale**2)),
    )

    def visit_all(visit: Visit[_Summary], tick: Tick) -> _Summary:
        return gather(visit, _merge, image.source, image.mask, chunks=chosen, tick=tick)

    found = visit_all(summarize, lambda part: tick(0.6 * part))
    if not found.n_valid:
        raise NoPixels
    drawn = found.drawn
    if drawn is not None and drawn.share < 1 and drawn.heavy.any():
        again = visit_all(
            partial(summarize, heavy=drawn.heavy), lambda part: tick(0.6 + 0.4 * part)
        )
        assert again.drawn is not None
        drawn = drawn.joined(again.drawn)
    tick(1)
    return Reading(
        chunks,
        n_read,
        image.n_pixels,
        round(found.n_valid * n_inside / n_chosen),
        found.n_not_finite,
        np.stack([found.low, found.high], axis=1),
        found.counted,
        drawn,
    )


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
        raise NoPixels
    return inside


def _count(mask: NDArray[Any], _mask: NDArray[Any] | None) -> list[int]:
    return [int(np.count_nonzero(mask))]


def _joined(parts: list[list[int]]) -> list[int]:
    return [one for part in parts for one in part]


@dataclass(frozen=True)
class _Summary:
    """What is kept of some chunks."""

    counted: Counted | None
    drawn: Drawn | None
    low: NDArray[Any]
    high: NDArray[Any]
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
    heavy: NDArray[np.bool_] | None = None,
) -> _Summary:
    pixels = pixels_of(block, mask, channel_axis, alpha=alpha)
    n_valid, n_not_finite = pixels.n_valid, pixels.n_not_finite
    if not n_valid:  # nothing of it inside the mask
        none = np.zeros(0, pixels.dtype)
        return _Summary(None, None, none, none, 0, n_not_finite)
    low, high = PixelValues(pixels).limits
    if fit_scale < 1:
        pixels = shrink(pixels, fit_scale)
    counted, drawn = None, None
    if packing is not None:
        counted = count(pixels, packing)
    else:
        hashed = PixelValues(pixels).hashed
        drawn = hashed.draw(share, heavy)
        if heavy is None:
            drawn = replace(drawn, frequencies=hashed.frequencies())
    return _Summary(counted, drawn, low, high, n_valid, n_not_finite)


def _merge(parts: list[_Summary]) -> _Summary:
    n_not_finite = sum(part.n_not_finite for part in parts)
    some = [part for part in parts if part.n_valid]
    if not some:
        return replace(parts[0], n_not_finite=n_not_finite)
    counted = [part.counted for part in some if part.counted is not None]
    drawn = [part.drawn for part in some if part.drawn is not None]
    return _Summary(
        merge(counted) if counted else None,
        merge_drawn(drawn) if drawn else None,
        np.min([part.low for part in some], axis=0),
        np.max([part.high for part in some], axis=0),
        sum(part.n_valid for part in some),
        n_not_finite,
    )
