"""From pixel values to the features that are clustered: colour space, weights, position."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import spans
from .color_spaces import COLOR_SPACES
from .colors import color_values, value_range
from .pixels import Pixels

LARGEST_FEATURE = 1e120
"""Features are no larger: their squares, and sums of these, are finite."""

SAMPLE = 1 << 13
"""Pixels that are looked at to find a value from the middle."""

FAR_FROM_1 = 64
"""Powers of two up to which floats stay as they are: like 64-bit integers they may be weighted by
1e100, or by 1e-100, and still have squares."""

CAP = 2.0**120
"""Where values lie that are as far as that from all others, such as -1.8e308 for no data, once they
are divided: far beyond all of these, and a square of it is finite however it is weighted."""

Values = NDArray[Any]
"""``(n_channels, n)``: one row per channel."""

Features = NDArray[np.float64]
"""``(n_features, n)`` float64: one row per feature, so that each is contiguous."""


@dataclass(frozen=True)
class FeatureSpace:
    """How pixel values become features: ``(colour - offset) * scale``, then position.

    Attributes
    ----------
    color_space : str
        One of `color_spaces.COLOR_SPACES`.
    offset : tuple of float or int
        Subtracted from each channel. Distances do not depend on it; it keeps the precision
        of small differences on top of large values.
    scale : tuple of float
        Factor of each channel: its weight and, with `normalize`, one over its standard
        deviation.
    position : float
        Features per pixel of distance along each spatial axis; 0 leaves position out.
    exponent : int
        Channels are divided by 2 to this power before all else. It is 0 but for float64 images
        of values so large or small that their squares, once they are weighted, would be infinite
        or nothing.
    """

    color_space: str
    offset: tuple[float, ...]
    scale: tuple[float, ...]
    position: float = 0.0
    exponent: int = 0

    def n_features(self, n_spatial_axes: int) -> int:
        """Return the number of features of a pixel."""
        return len(self.scale) + (n_spatial_axes if self.position else 0)

    @property
    def are_values(self) -> bool:
        """Whether features are the values themselves, but for an offset."""
        return self.color_space == "rgb" and set(self.scale) == {1.0} and not self.position

    def of_values(self, values: Values) -> Features:
        """Features of the values of some pixels, without position.

        Parameters
        ----------
        values : (n_channels, n) array
            Already in the colour space and divided by two to the power of `exponent`.
        """
        return self.rows(values, np.float64)[:-1]

    def rows(
        self,
        values: Values,
        dtype: type[np.floating[Any]],
        places: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Features of some pixels as `kmeans.points.Points` has them, with a last row of ones.

        Parameters
        ----------
        values : (n_channels, n) array
            As in `of_values`.
        dtype : dtype
            float64, or float32: each number is then right to three roundings.
        places : (n_axes, n) array, optional
            Where the pixels lie, where position counts.
        """
        n_channels, n = values.shape
        rows = np.empty((n_channels + (0 if places is None else len(places)) + 1, n), dtype)
        offset = np.array(self.offset, np.float32)[:, np.newaxis]
        if dtype is np.float64:
            differences(values, self.offset, rows[:n_channels])
        elif np.can_cast(values.dtype, np.float32) and np.array_equal(offset[:, 0], self.offset):
            rows[:n_channels] = values
            rows[:n_channels] -= offset
        else:
            # Differences of numbers that float32 cannot hold.
            rows[:n_channels] = differences(values, self.offset)
        for row, scale in zip(rows, self.scale, strict=False):
            if scale != 1.0:
                row *= dtype(scale)
        if places is not None:
            np.multiply(places, self.position, out=rows[n_channels:-1], casting="same_kind")
        rows[-1] = 1
        return rows

    def of_centroids(self, centroids: NDArray[np.float64], pixels: Pixels) -> NDArray[np.float64]:
        """Features of ``(n_clusters, n_channels)`` centroids in the units of an image.

        Where they have a position it is the middle of the image.
        """
        colors = centroids.T
        if COLOR_SPACES[self.color_space].from_rgb is not None:
            top = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
            colors = color_values(colors / top, self.color_space)
        with np.errstate(over="ignore"):
            # Beyond all values any place is as far as another, if its square is finite.
            most = CAP if self.exponent else LARGEST_FEATURE
            scaled = np.clip(np.ldexp(colors.T, -self.exponent), -most, most)
            away = (scaled - np.array(self.offset, np.float64)) * self.scale
        features: NDArray[np.float64] = np.clip(away, -LARGEST_FEATURE, LARGEST_FEATURE)
        if not self.position:
            return features
        middle = (np.array(pixels.shape) - 1) / 2 * self.position
        return np.hstack([features, np.tile(middle, (len(centroids), 1))])

    def colors_of(self, centroids: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where ``(n_clusters, n_features)`` centroids lie in the colour space.

        That is in the units of the image where this is "rgb". NaN for channels without weight.
        """
        scale = np.array(self.scale)
        with np.errstate(over="ignore", under="ignore"):
            colors = centroids[:, : scale.size] / np.where(scale > 0, scale, np.nan)
            found: NDArray[np.float64] = np.ldexp(
                colors + np.array(self.offset, np.float64), self.exponent
            )
        return found

    def brightness(self, centroids: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say how much ``(n_clusters, n_features)`` centroids are brighter than the offset.

        As far as features show it.
        """
        scale = np.array(self.scale)
        colors = centroids[:, : scale.size] / np.where(scale > 0, scale, 1)
        axis = COLOR_SPACES[self.color_space].brightness
        found: NDArray[np.float64] = (
            (colors / scale.size).sum(axis=1) if axis is None else colors[:, axis]
        )
        return found


def by_brightness(centroids: NDArray[np.float64]) -> NDArray[np.intp]:
    """Order centroids by their mean over the channels, the darkest first and NaN last."""
    # Halves of the mean: the largest floats have no sum, nor, by rounding, their mean.
    return np.argsort((centroids / (2 * centroids.shape[1])).sum(axis=1), kind="stable")


def differences(
    values: Values, offsets: tuple[float, ...], out: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Subtract its offset from each channel, exactly for 64-bit integers that lie near it."""
    rows = np.empty(values.shape) if out is None else out
    # Half the time of a subtraction that converts as it goes, bit for bit the same.
    rows[:] = values
    rows -= np.array(offsets, np.float64)[:, np.newaxis]
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        for row, value, offset in zip(rows, values, offsets, strict=True):
            if isinstance(offset, int):
                _correct(row, value, offset)
    return rows


def _correct(row: NDArray[np.float64], value: NDArray[Any], offset: int) -> None:
    """Replace differences of 64-bit integers to an offset near them by exact ones."""
    # Floats have no room for the last digits of large integers. Two's complement wraps
    # around, so integers give the difference wherever it fits; elsewhere no digit matters.
    near = np.abs(row) < 2.0**62
    wrapped = np.array(offset % (1 << 64), np.uint64).view(value.dtype)
    exact = (value - wrapped).view(np.int64)
    np.copyto(row, exact, where=near)


def variances_of(
    values: Values, weights: NDArray[np.float64], middle: tuple[float, ...]
) -> NDArray[np.float64]:
    """Return the variance of each channel, ``(n_channels,)``, of weighted values near `middle`."""
    rows, total = differences(values, middle), weights.sum()
    rows -= ((rows * weights).sum(axis=1) / total)[:, np.newaxis]
    variances: NDArray[np.float64] = (rows**2 * weights).sum(axis=1) / total
    return variances


def middle_values(values: Values) -> tuple[float, ...]:
    """Return a value from the middle of each channel: its median, as an int for integers.

    Differences to it keep their precision where outliers would have moved the mean far away. Where
    outliers are the most, as of an image with more no data than data, it is the median of the rest.
    """
    middles = [_middle(value) for value in values]
    return tuple(int(middle) if middle.dtype.kind in "iu" else float(middle) for middle in middles)


def _middle(value: NDArray[Any]) -> Any:
    middle = np.partition(value, value.size // 2)[value.size // 2]
    if value.dtype.kind == "f":
        # Beside it float64 would leave these too few digits to differ.
        rest = value[np.abs(value) < np.abs(middle) * 2.0**-40]
        if rest.size and (rest != rest[0]).any():
            return np.partition(rest, rest.size // 2)[rest.size // 2]
    return middle


def middle_of(pixels: Pixels) -> tuple[float, ...]:
    """Find a value from the middle of each channel of an image."""
    return middle_values(pixels.channels[:, pixels.sample(SAMPLE)])


def power_of_two(pixels: Pixels) -> int:
    """Return the power of two by which an image is divided so that squares stay finite.

    Not that of its largest values where these are so far from all others that floats cannot hold
    squares of both, and where there is but one of them on each side, as of no data: then it is
    that of the others. It is never 0 there, which says that `divide` moves them nearer.
    """
    if pixels.dtype != np.float64:
        return 0
    parts = (pixels.take(start, stop) for start, stop in spans(pixels.n_pixels))
    return exponent_without_far(np.array(value_range(pixels)), parts)


def exponent_without_far(limits: NDArray[Any], parts: Iterable[Values]) -> int:
    """Return the same for values that come in parts, among limits."""
    # Powers of two between values whose squares no float can hold together with a sum of them.
    exponent, apart = exponent_of(limits), 400
    if exponent <= apart - FAR_FROM_1:
        return exponent
    rest = _limits_of_rest(parts, float(np.ldexp(1.0, exponent - apart)))
    return exponent if rest is None else exponent_of(rest) or 1


def whole_power_of_two(pixels: Pixels) -> int:
    """Return the power of two by which an image is divided so that its largest value is near 1."""
    if pixels.dtype != np.float64:
        return 0
    return exponent_of(np.array(value_range(pixels)))


def _limits_of_rest(parts: Iterable[Values], bound: float) -> NDArray[np.float64] | None:
    """Find the limits of the values nearer to 0 than a bound.

    None where they do not vary, or where the values beyond do on one side.
    """
    rest: list[float] = []
    below: list[float] = []
    above: list[float] = []
    for values in parts:
        far_below, far_above = values <= -bound, values >= bound
        for found, which in (
            (rest, ~(far_below | far_above)),
            (below, far_below),
            (above, far_above),
        ):
            some = values[which]
            found += [some.min(), some.max()] if some.size else []
    one_on_each_side = len(set(below)) <= 1 and len(set(above)) <= 1
    return np.array(rest) if one_on_each_side and len(set(rest)) > 1 else None


def exponent_of(limits: NDArray[Any]) -> int:
    """Return the same for an image whose lowest and highest values are among these."""
    largest = float(np.abs(limits).max()) if limits.dtype == np.float64 else 0.0
    exponent = int(np.frexp(largest)[1])
    return exponent if abs(exponent) > FAR_FROM_1 and largest > 0 else 0


def divide(pixels: Pixels, exponent: int) -> Pixels:
    """Divide the channels by two to the power of `exponent`, then move what is beyond `CAP`."""
    if not exponent:
        return pixels
    channels = divided(pixels.channels, exponent)
    return replace(pixels, channels=channels, dtype=channels.dtype)


def divided(values: Values, exponent: int) -> Values:
    """Divide values as `divide` does, to float64."""
    if not exponent:
        return values
    with np.errstate(over="ignore", under="ignore"):
        # Of integers it would be a float of few bits.
        found = np.ldexp(values.astype(np.float64, copy=False), -exponent)
    return np.clip(found, -CAP, CAP, out=found)


def undo_moved(
    means: NDArray[np.float64], limits: NDArray[Any], exponent: int
) -> NDArray[np.float64]:
    """Give clusters of values that were moved to `CAP` their mean, which is a limit of the channel.

    Parameters
    ----------
    means : (n_clusters, n_channels) array
    limits : (n_channels, 2) array
        The lowest and the highest value of each channel.
    exponent : int
        By which values were divided.
    """
    if not exponent or exponent == exponent_of(limits):
        return means
    far = np.abs(means) >= np.ldexp(CAP / 2, exponent)
    lows, highs = limits.T
    return np.where(far, np.where(means < 0, lows, highs), means)


def means_from(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    offset: tuple[float, ...],
    exponent: int,
) -> NDArray[np.float64]:
    """Return ``(n, n_channels)`` means from sums of differences to an offset.

    They are multiplied by two to the power of `exponent`, and NaN where there is nothing.
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        means = np.array(offset, np.float64) + sums / counts[:, np.newaxis]
        scaled: NDArray[np.float64] = np.ldexp(means, exponent)
        return scaled
