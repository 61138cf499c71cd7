"""Averages of an image: blurred, or a smaller copy."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import CHUNK, Tick, map_spans, no_tick, spans, stages
from .colors import value_range
from .features import differences, middle_of
from .pixels import Pixels


def smooth(pixels: Pixels, sigma: tuple[float, ...], tick: Tick | None = None) -> Pixels:
    """Blur each channel with a Gaussian; pixels that do not take part do not bleed into others.

    Parameters
    ----------
    pixels : Pixels
        The image.
    sigma : tuple of float
        Standard deviation in pixels along each spatial axis.
    tick : callable, optional
        Progress.

    Returns
    -------
    Pixels
        With float32 channels; float64 from float64 and from integers of 32 bits and more. Those
        beyond 2^53, of which floats would leave out digits, stay integers.

    Notes
    -----
    With a mask this is normalized convolution (Knutsson & Westin 1993,
    doi:10.1109/CVPR.1993.341081): blurred values over blurred mask.
    """
    if not any(sigma):
        return pixels
    dtype = np.result_type(pixels.dtype, np.float32)
    n_planes = pixels.n_channels + (pixels.valid is not None)
    ticks = iter(stages(tick or no_tick, n_planes * len(sigma)))

    def blur(values: NDArray[Any]) -> NDArray[Any]:
        plane = values.astype(dtype, copy=False).reshape(pixels.shape)
        for axis, width in enumerate(sigma):
            plane = _blur_along(plane, axis, width, next(ticks))
        return plane.reshape(-1)

    if pixels.valid is not None:
        weight = blur(pixels.valid)
        weight[~pixels.valid] = 1
    kept = pixels.dtype if _is_beyond_floats(pixels) else dtype
    blurred = np.empty((pixels.n_channels, pixels.n_pixels), kept)
    for plane, (values, middle) in zip(blurred, _centred(pixels, dtype), strict=True):
        means = blur(values)
        if pixels.valid is not None:
            means /= weight
        plane[:] = means + middle if kept == dtype else _round(means, middle, kept)
    return replace(pixels, channels=blurred, dtype=kept)


def _is_beyond_floats(pixels: Pixels) -> bool:
    """Whether there are integers that float64 cannot hold."""
    if pixels.dtype.kind not in "iu" or pixels.dtype.itemsize < 8:
        return False
    return max(map(abs, value_range(pixels))) > 2.0**53


def _blur_along(plane: NDArray[Any], axis: int, sigma: float, tick: Tick) -> NDArray[Any]:
    """Blur the lines of one axis, reflected at their ends."""
    from scipy.ndimage import gaussian_filter1d

    n = plane.shape[axis]
    tick(0)
    # A narrower one weighs no neighbour; of the narrowest the square is 0.
    if sigma < 0.125 or n == 1:
        return plane
    # Where a blur by cosines is the faster one.
    is_wide = sigma > 32 or 4 * sigma > n
    lines = plane.reshape(math.prod(plane.shape[:axis]), n, -1)
    blurred = np.empty_like(lines)
    by_row = len(lines) >= lines.shape[2]

    def block(start: int, stop: int) -> None:
        where = np.s_[start:stop] if by_row else np.s_[:, :, start:stop]
        if is_wide:
            blurred[where] = _wide_blur(lines[where], sigma)
        else:
            gaussian_filter1d(lines[where], sigma, 1, output=blurred[where])

    n_lines, n_each = (len(lines), lines.shape[2])[:: 1 if by_row else -1]
    cost = 1 if is_wide else 1 + sigma / 4
    for _ in map_spans(block, spans(n_lines, max(1, int(CHUNK / (n * n_each * cost)))), tick):
        pass
    return blurred.reshape(plane.shape)


def _wide_blur(lines: NDArray[Any], sigma: float) -> NDArray[np.float64]:
    """Blur axis 1 by its cosine transform: what is reflected at its ends is a sum of cosines.

    It takes as long for any width. Of one beyond the image the mean is left.
    """
    from scipy.fft import dct, idct

    n = lines.shape[1]
    kept = np.exp(-((sigma * np.pi / n * np.arange(n)) ** 2) / 2)
    # The last digits of an exponential depend on the processor.
    kept = np.ldexp(np.rint(np.ldexp(kept, 40)), -40)
    waves = dct(lines.astype(np.float64), axis=1)
    waves *= kept[:, np.newaxis]
    blurred: NDArray[np.float64] = idct(waves, axis=1, overwrite_x=True)
    return blurred


def shrink(pixels: Pixels, scale: float, tick: Tick | None = None) -> Pixels:
    """Average a smaller copy of an image, by `scale` along its last two spatial axes.

    Means are taken over the pixels that take part; where these cover less than half of a
    pixel of the copy, it takes no part. Integer images are rounded to their dtype.
    """
    n_scaled = min(2, len(pixels.shape))
    shape = pixels.shape[:-n_scaled] + tuple(
        max(1, round(n * scale)) for n in pixels.shape[-n_scaled:]
    )
    if shape == pixels.shape:
        return pixels
    dtype = np.result_type(pixels.dtype, np.float32)
    tick = tick or no_tick

    def average(values: NDArray[Any]) -> NDArray[Any]:
        tick(0)
        small = values.reshape(pixels.shape)
        for axis in range(-1, -n_scaled - 1, -1):
            small = _average(small, shape[axis], axis, dtype)
        return small.reshape(-1)

    valid = None
    if pixels.valid is not None:
        cover = average(pixels.valid)
        valid = cover >= min(0.5, float(cover.max()))
        cover[~valid] = 1
    copied = dtype if pixels.dtype.kind in "bf" else pixels.dtype
    channels = np.empty((pixels.n_channels, np.prod(shape)), copied)
    for small, (values, middle) in zip(channels, _centred(pixels, dtype), strict=True):
        means = average(values)
        if valid is not None:
            means /= cover
        small[:] = means + middle if copied == dtype else _round(means, middle, copied)
        if valid is not None:
            small[~valid] = 0
    return replace(
        pixels,
        channels=channels,
        valid=None if valid is None or valid.all() else valid,
        alpha=None,
        shape=shape,
        dtype=channels.dtype,
        spacing=tuple(full / small for full, small in zip(pixels.shape, shape, strict=True)),
    )


def _average(
    values: NDArray[Any], size: int, axis: int, dtype: np.dtype[np.floating[Any]]
) -> NDArray[Any]:
    """Average an axis down to `size`: means over intervals, whose ends may cut through pixels.

    (scikit-image's `resize_local_mean` multiplies by a matrix of both sizes, which is too large
    for a long axis.)
    """
    lines = np.moveaxis(values, axis, -1)
    n = lines.shape[-1]
    edges = np.linspace(0, n, size + 1)
    # The whole pixels of each interval, and how much of the pixels that its ends cut is in it.
    first, last = np.ceil(edges[:-1]).astype(np.intp), np.floor(edges[1:]).astype(np.intp)
    left, right = first - edges[:-1], edges[1:] - last
    pairs = np.minimum(np.stack([first, last], axis=1).reshape(-1), n - 1)
    to_the_end = last[-1] == n
    flat = lines.reshape(-1, n)
    small = np.empty((len(flat), size), dtype)

    def block(start: int, stop: int) -> None:
        part = flat[start:stop].astype(np.float64)
        # Divided first: the largest floats have no sum.
        part *= size / n
        total = np.add.reduceat(part, pairs[:-1] if to_the_end else pairs, axis=1)[:, ::2]
        total[:, first >= last] = 0
        total += part[:, np.maximum(first - 1, 0)] * left
        total += part[:, np.minimum(last, n - 1)] * right
        small[start:stop] = total

    for _ in map_spans(block, spans(len(flat), max(1, CHUNK // n))):
        pass
    return np.moveaxis(small.reshape(*lines.shape[:-1], size), -1, axis)


def _round(means: NDArray[Any], middle: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Round means around `middle` to the integers of `dtype`, which holds their range."""
    limits = np.iinfo(dtype)
    low, high = (float(limit - int(middle)) for limit in (limits.min, limits.max))
    if dtype.itemsize < 8:
        whole: NDArray[Any] = np.clip(np.rint(means + middle), limits.min, limits.max)
        return whole.astype(dtype)
    # A float may be the next above a limit; and differences of all have no integer of their own.
    low, high = (np.nextafter(limit, 0) if abs(limit) > 2.0**53 else limit for limit in (low, high))
    whole = np.clip(np.rint(means), low, high)
    half = np.trunc(whole / 2)
    parts = [half, half, whole - 2 * half]
    total = sum(part.astype(np.int64).view(np.uint64) for part in parts)
    rounded: NDArray[Any] = (total + np.uint64(int(middle) % (1 << 64))).view(dtype)
    return rounded


def _centred(pixels: Pixels, dtype: np.dtype[Any]) -> Iterator[tuple[NDArray[Any], Any]]:
    """Give each channel as floats around 0, and what was subtracted.

    Averages of a constant are then that constant, to the bit: rounding would make many values of
    it. Pixels that do not take part are 0.
    """
    largest = float(np.sqrt(np.finfo(dtype).max))
    for channel, middle in zip(pixels.channels, middle_of(pixels), strict=True):
        offset: Any = middle
        if channel.dtype.kind in "iu" and channel.dtype.itemsize == 8:
            # Even: what lies between two integers is rounded as if nothing was subtracted.
            offset = int(middle) // 2 * 2
            values = differences(channel[np.newaxis], (offset,))[0]
        else:
            # The largest floats have no difference.
            offset = dtype.type(middle if abs(middle) < largest else 0)
            values = channel.astype(dtype)
            values -= offset
        if pixels.valid is not None:
            values[~pixels.valid] = 0
        yield values, offset
