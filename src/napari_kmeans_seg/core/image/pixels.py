"""An image as a list of pixels: one flat view per channel, and which pixels take part."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import array_checks, checks
from ..base.errors import NoPixels, WrongValue
from ..base.parallel import Tick, map_spans, spans


def spread(n: int, size: int) -> NDArray[np.intp]:
    """Return about `size` of the indices 0 to `n` - 1: one of each stretch of equal length.

    Which one is drawn, the same each time. At equal distances they would all lie in a few columns
    of an image whose width is a power of two, and on the lines of a montage, or between them.
    """
    step = max(1, n // size)
    starts = np.arange(0, n - step + 1, step)
    return starts + np.random.default_rng(0).integers(step, size=starts.size)


@dataclass(frozen=True)
class Pixels:
    """The pixels of an image.

    Attributes
    ----------
    channels : (n_channels, n_pixels) array
        The channels that are clustered, in the image's dtype (native byte order where it had to
        be copied). A view of the image where its memory layout allows it.
    valid : (n_pixels,) bool array or None
        The pixels that take part; None when all do.
    alpha : (n_pixels,) array or None
        The alpha channel, which is kept but not clustered.
    shape : tuple of int
        Spatial shape of the image.
    channel_axis : int or None
        Where the channels were, counted from 0.
    dtype : numpy.dtype
        The image's dtype, native byte order.
    n_not_finite : int
        Pixels inside the mask that were left out because they are NaN or infinite.
    spacing : tuple of float
        Distance of neighbours along each spatial axis, in pixels of the original image: above 1
        for a smaller copy of it, and empty for 1.
    """

    channels: NDArray[Any]
    valid: NDArray[np.bool_] | None
    alpha: NDArray[Any] | None
    shape: tuple[int, ...]
    channel_axis: int | None
    dtype: np.dtype[Any]
    n_not_finite: int
    spacing: tuple[float, ...] = ()

    @property
    def n_pixels(self) -> int:
        """Number of pixels, those that do not take part included."""
        return int(self.channels.shape[1])

    @property
    def n_channels(self) -> int:
        """Number of channels that are clustered."""
        return len(self.channels)

    @property
    def n_valid(self) -> int:
        """Number of pixels that take part."""
        return self.n_pixels if self.valid is None else int(np.count_nonzero(self.valid))

    def take(self, start: int, stop: int) -> NDArray[Any]:
        """Values of the pixels from `start` to `stop` that take part, ``(n_channels, m)``."""
        part = self.channels[:, start:stop]
        if self.valid is not None and not self.valid[start:stop].all():
            part = part[:, self.valid[start:stop]]
        return part

    def sample(self, size: int) -> NDArray[np.intp]:
        """Return where about `size` pixels lie that take part, spread over the image."""
        if self.valid is None:
            return spread(self.n_pixels, size)
        inside = np.flatnonzero(self.valid)
        return inside[spread(inside.size, size)]

    @property
    def farthest_place(self) -> float:
        """The largest coordinate that a pixel has, as `places` gives it."""
        return float(self.places(np.array([self.n_pixels - 1])).max())

    def places(self, where: NDArray[np.intp]) -> NDArray[np.float64]:
        """Coordinates of the pixels at flat indices, in pixels of the original image."""
        index = np.stack(np.unravel_index(where, self.shape)).astype(np.float64)
        if self.spacing:
            spacing = np.array(self.spacing)[:, np.newaxis]
            # The centre of a pixel of the copy, between those that it was averaged from.
            index = (index + 0.5) * spacing - 0.5
        return index


def is_rgba(array: NDArray[Any], channel_axis: int | None) -> bool:
    """Guess whether the last channel is alpha: four channels of uint8 on the last axis."""
    return (
        channel_axis is not None
        and channel_axis % array.ndim == array.ndim - 1
        and array.shape[channel_axis] == 4
        and array.dtype == np.uint8
    )


def flatten(
    image: ArrayLike,
    *,
    channel_axis: int | None = None,
    alpha: bool | None = None,
    mask: ArrayLike | None = None,
    may_be_empty: bool = False,
    tick: Tick | None = None,
) -> Pixels:
    """Turn an image into `Pixels`; the arguments are those of `segment`.

    A block of an image `may_be_empty`: no pixel of it needs to take part.
    """
    array = array_checks.image_array(image)
    if alpha is not None:
        alpha = checks.flag("alpha", alpha, or_none=True)
    if channel_axis is None:
        if alpha:
            takes, got = "an image with a {channel_axis}", "{channel_axis}=None"
            raise WrongValue("alpha", takes, got, value="True", others=("channel_axis",))
        planes = array[np.newaxis]
    else:
        channel_axis = array_checks.axis("channel_axis", channel_axis, array.ndim)
        if alpha is None:
            alpha = is_rgba(array, channel_axis)
        planes = np.moveaxis(array, channel_axis, 0)
        if planes.ndim == 1:
            planes = planes[:, np.newaxis]
    if alpha and len(planes) < 2:
        raise WrongValue("alpha", "at least two channels", str(len(planes)), value="True")
    shape = array.shape
    if channel_axis is not None:
        shape = shape[:channel_axis] + shape[channel_axis + 1 :]
    inside = None
    if mask is not None:
        inside = array_checks.spatial_mask(mask, shape, may_be_empty=may_be_empty).reshape(-1)
    flat = planes.reshape(len(planes), -1)
    if not flat.dtype.isnative:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    opacity = None
    if alpha:
        flat, opacity = flat[:-1], flat[-1]
    valid, n_not_finite = _participants(flat, opacity, inside, tick)
    if not (may_be_empty or valid is None or valid.any()):
        raise NoPixels
    return Pixels(
        channels=flat,
        valid=valid,
        alpha=opacity,
        shape=shape,
        channel_axis=channel_axis,
        dtype=array.dtype.newbyteorder("="),
        n_not_finite=n_not_finite,
    )


def _participants(
    channels: NDArray[Any],
    alpha: NDArray[Any] | None,
    inside: NDArray[np.bool_] | None,
    tick: Tick | None,
) -> tuple[NDArray[np.bool_] | None, int]:
    """Return which pixels take part (None: all), and how many are left out as not finite."""
    n = channels.shape[1]
    floating = channels.dtype.kind == "f"
    valid = np.ones(n, bool) if inside is None else inside.copy()

    def examine(start: int, stop: int) -> int:
        part = valid[start:stop]
        if alpha is not None:
            part &= alpha[start:stop] > 0
        if not floating:
            return 0
        before = np.count_nonzero(part)
        for channel in channels:
            part &= np.isfinite(channel[start:stop])
        return int(before - np.count_nonzero(part))

    n_not_finite = 0
    if floating or alpha is not None:
        n_not_finite = sum(map_spans(examine, spans(n), tick))
    return (None if valid.all() else valid), n_not_finite
