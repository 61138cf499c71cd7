"""Read an image: the one place that chooses what stands for its pixels."""

from dataclasses import replace

import numpy as np

from ..base.parallel import Tick, no_tick, stages
from ..image.averages import smooth
from ..image.color_spaces import COLOR_SPACES
from ..image.colors import convert, from_0_to_1
from ..image.features import FeatureSpace, divide, power_of_two, whole_power_of_two
from ..image.pixels import Pixels
from .counted_image import CountedImage
from .counting import (
    Packing,
    count,
    count_sorted,
    count_values,
    most_values,
    packing_of,
)
from .image_points import ImagePoints
from .pixel_points import PixelValues
from .plain_image import PlainImage

MOST_OF_ONE_CHANNEL = 1 << 18
"""Distinct values of one channel up to which they are counted, whatever their dtype."""

DRAWN, FEW_DRAWN = 1 << 16, 1 << 14
"""Values and pixels that are drawn to find out whether values repeat."""

SURELY = 1.1
"""How many times more values than allowed are found in a share of them before they are surely too
many: 15 standard deviations."""


def read(
    pixels: Pixels,
    *,
    color_space: str = "rgb",
    smoothing: tuple[float, ...] = (),
    repeats: bool = True,
    exponent: int | None = None,
    tick: Tick | None = None,
) -> ImagePoints:
    """Smooth an image, count its distinct values or convert its colours.

    This is the only place where it is chosen whether values are counted. They are where a table can
    hold all of them (24 bits: RGB of 8 bits, grey of 16) unless the image is noise, which has more
    colours than half its pixels (and than `NEVER_NOISE`, or more than `ALWAYS_NOISE`); and those
    of one channel of any dtype if they are 262,144 at most.

    Parameters
    ----------
    pixels : Pixels
        The image.
    color_space : str
        As in `FeatureSpace`.
    smoothing : tuple of float
        Standard deviation of the Gaussian along each spatial axis, in pixels.
    repeats : bool
        Whether values may repeat. Where position counts no two pixels are alike.
    exponent : int, optional
        As in `FeatureSpace`; found from the image by default.
    tick : callable, optional
        Progress.
    """
    converts = COLOR_SPACES[color_space].from_rgb is not None
    smoothing_tick, tick = stages(tick or no_tick, 2) if any(smoothing) else (no_tick, tick)
    if exponent is None:
        exponent = 0 if converts else power_of_two(pixels)
    inputs = divide(pixels, exponent)
    if any(smoothing):
        inputs = smooth(inputs, smoothing, smoothing_tick)
    return of_inputs(
        pixels,
        inputs,
        color_space,
        exponent,
        smoothed=any(smoothing),
        repeats=repeats,
        tick=tick,
    )


def of_inputs(
    pixels: Pixels,
    inputs: Pixels,
    color_space: str,
    exponent: int,
    *,
    smoothed: bool,
    repeats: bool = True,
    tick: Tick | None = None,
) -> ImagePoints:
    """Do so for an image that was divided by two to the power of `exponent` and smoothed."""
    converts = COLOR_SPACES[color_space].from_rgb is not None
    ticks = stages(tick or no_tick, 2) if smoothed else (tick, tick)
    if converts:
        inputs = from_0_to_1(inputs, pixels.dtype)
    # Means are those of the pixels as they came, not of what was moved.
    moved = bool(exponent) and exponent != whole_power_of_two(pixels)
    form, smoothed = (pixels, inputs, color_space, exponent), smoothed or moved
    packing = packing_of(inputs.dtype, inputs.n_channels)
    if repeats and packing is not None:
        n_most = most_values(inputs.n_valid)
        if not _is_noise(inputs, packing, n_most):
            counted = count(inputs, packing, ticks[0])
            if counted.keys.size <= n_most:
                return CountedImage(*form, counted, packing, smoothed=smoothed)
    values = PixelValues(convert(inputs, color_space, ticks[1]), placed=not repeats)
    if repeats and packing is None and inputs.n_channels == 1:
        drawn = values.first
        if drawn.n <= SURELY * drawn.share * MOST_OF_ONE_CHANNEL:
            counted = count_values(values.channels[0], ticks[1])
            if counted.keys.size <= MOST_OF_ONE_CHANNEL:
                return CountedImage(*form, counted, smoothed=smoothed)
    return PlainImage(pixels, values, exponent, smoothed=smoothed)


def _is_noise(pixels: Pixels, packing: Packing, n_most: int) -> bool:
    """Return whether there are surely more distinct values than `n_most`, sooner than by counting.

    It costs time only where few values of pixels drawn by place repeat; then values drawn by their
    hashes show how many there are. Whether it is found out or not, the image is noise if there are
    more: so the order of the pixels decides nothing but the time.
    """
    n = pixels.n_valid
    if min(n, 1 << packing.n_bits) <= n_most:
        return False
    few = count_sorted(packing.pack(pixels.channels[:, pixels.sample(FEW_DRAWN)]))
    # Four times those that are expected if all values are as frequent; a background is only one.
    if np.count_nonzero(few.counts > 1) > 2 * FEW_DRAWN**2 / n_most:
        return False
    share = DRAWN / n
    return PixelValues(pixels).hashed.draw(share).n > SURELY * share * n_most


def feature_space(
    image: ImagePoints,
    color_space: str,
    weights: tuple[float, ...],
    normalize: bool,
    spatial_weight: float,
    shape: tuple[int, ...],
) -> FeatureSpace:
    """Return the feature space of an image of this shape."""
    middle, scale = image.middle, np.array(weights)
    space = FeatureSpace(color_space, middle, weights, exponent=image.exponent)
    if not (normalize or spatial_weight):
        return space
    variance = image.variances(middle)
    if normalize:
        scale = scale / np.where(variance > 0, np.sqrt(variance), 1)
        space = replace(space, scale=tuple(scale.tolist()))
    if not spatial_weight:
        return space
    # Variance of the pixel positions 0 to n - 1 along each axis.
    spread = (np.array(shape) ** 2 - 1) / 12
    total = float((variance * scale**2).sum()) or 1.0
    # A single pixel lies at 0, however far that is.
    position = spatial_weight * np.sqrt(total / (spread.sum() or 1))
    return replace(space, position=float(position))
