"""The pixels of an image as points, converted to features block by block."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.cached import cached_property
from ..base.parallel import Tick, map_spans, no_tick
from ..image.features import FeatureSpace, middle_values
from ..image.pixels import Pixels
from ..kmeans.nearest import Floats
from ..kmeans.points import (
    PIECE_NUMBERS,
    ExactParts,
    Index,
    WeightedPoints,
    cell_starts,
    dense_extent,
    pieces_of,
    quick_dtype,
    squares_of,
)
from .drawing import Drawn, Hashed, Odds

KEPT_PIXELS, KEPT_NUMBERS = 1 << 17, 1 << 23
"""Pixels, and numbers that they have, up to which features to compare are kept, and not computed
each time."""


MIDDLE = 1 << 11
"""Distinct values in the middle of which the origin lies."""


class PixelValues:
    """The values of the pixels of an image that take part.

    Attributes
    ----------
    pixels : Pixels
        The image, in the colour space.
    channels : (n_channels, n) array
        Its values, of pixels that take part.
    placed : bool
        Whether pixels of the same value differ by their place.
    """

    def __init__(self, pixels: Pixels, *, placed: bool = False) -> None:
        self.pixels, self.placed = pixels, placed
        self.channels = pixels.channels
        if pixels.valid is not None:
            self.channels = pixels.channels[:, pixels.valid]
        self._counting: slice | NDArray[np.intp] = slice(None)

    def weighted(self, scale: tuple[float, ...]) -> "PixelValues":
        """Return the same, where pixels that differ in channels of scale 0 alone are alike."""
        if all(scale):
            return self
        values = copy(self)
        for name in ("hashed", "first"):
            values.__dict__.pop(name, None)
        values._counting = np.flatnonzero(scale)
        return values

    @property
    def without_places(self) -> "PixelValues":
        """The same, where pixels of the same value are alike."""
        return PixelValues(self.pixels) if self.placed else self

    @property
    def n(self) -> int:
        """Number of pixels that take part."""
        return int(self.channels.shape[1])

    @cached_property
    def where(self) -> NDArray[np.intp] | None:
        """Flat index of each pixel in the image, ``(n,)``, where places count."""
        if not self.placed:
            return None
        valid = self.pixels.valid
        return np.arange(self.n) if valid is None else np.flatnonzero(valid)

    @cached_property
    def hashed(self) -> Hashed:
        """Draws some of the distinct values."""
        exponent = 0
        if self.channels.dtype.kind == "f":
            exponent = int(np.frexp(np.abs(self.limits).max())[1])
        return Hashed(self.channels, self._counting, self.where, exponent)

    @cached_property
    def first(self) -> Drawn:
        """Some thousand distinct values, or all where there are no more."""
        return self.hashed.draw_first()

    @property
    def middle(self) -> tuple[float, ...]:
        """A value from the middle of each channel."""
        return middle_values(self.first.values[:, :MIDDLE])

    @cached_property
    def limits(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Lowest and highest value of each channel, ``(n_channels,)``."""
        # Along rows of some neighbouring pixels NumPy compares with vector instructions.
        is_interleaved = self.channels.T.flags.c_contiguous
        # Numbers of neighbouring pixels that are compared at a time.
        n_channels, n_together = len(self.channels), max(1, (1 << 12) // len(self.channels))

        def of_part(start: int, stop: int) -> tuple[NDArray[Any], NDArray[Any]]:
            part = self.channels[:, start:stop]
            m = part.shape[1] // n_together * n_together
            if not is_interleaved or not m:
                return part.min(axis=1), part.max(axis=1)
            rows, rest = part.T[:m].reshape(-1, n_together * n_channels), part.T[m:]
            ends = [extreme(rows, axis=0).reshape(-1, n_channels) for extreme in (np.min, np.max)]
            low, high = (np.concatenate([end, rest]) for end in ends)
            return low.min(axis=0), high.max(axis=0)

        low, high = zip(*map_spans(of_part, pieces_of(self.n, len(self.channels))), strict=True)
        return np.min(low, axis=0), np.max(high, axis=0)


@dataclass(frozen=True)
class Extent:
    """How far the features of an image reach.

    Attributes
    ----------
    quick : dtype
        In what pixels are compared first.
    parts : ExactParts or None
        What their features are cut into to have exact sums; None where they have them.
    largest : float
        No feature is larger.
    """

    quick: type[np.floating[Any]]
    parts: ExactParts | None
    largest: float

    @classmethod
    def of(
        cls,
        limits: NDArray[Any],
        space: FeatureSpace,
        few: NDArray[np.float64],
        n: int,
        farthest_place: float = 0.0,
    ) -> "Extent":
        """Find it.

        Parameters
        ----------
        limits : (n_channels, 2) array
            Lowest and highest value of each channel.
        space : FeatureSpace
            How values become features.
        few : (n_features, m) float64 array
            Features of some pixels.
        n : int
            How many pixels there are.
        farthest_place : float
            The largest coordinate of a pixel.
        """
        # Between these, differences of float32 values are multiplied in single precision.
        low, high = 1e-25, 1e25
        is_single = all(low < one < high for one in space.scale if one)
        largest = float(np.abs(space.of_values(limits)).max())
        largest = max(largest, space.position * farthest_place)
        step = _step(limits, space.offset) if space.are_values else 0.0
        has_exact_sums = largest * n < 2.0**53 * step
        dense = 0.0 if has_exact_sums and step == 1 else dense_extent(few)
        quick = quick_dtype(largest, dense) if is_single else np.float64
        parts = None if has_exact_sums else ExactParts(largest, dense, n, 2)
        return cls(quick, parts, largest)


class PixelPoints:
    """Pixels as `kmeans.points.Points`.

    Parameters
    ----------
    values : PixelValues
        The pixels.
    space : FeatureSpace
        How they become features.
    extent : Extent, optional
        How far features reach, where that is known; of a chunk it is that of the whole image.
    """

    weights: NDArray[np.float64] | None = None

    def __init__(
        self, values: PixelValues, space: FeatureSpace, extent: Extent | None = None
    ) -> None:
        self.values, self.space = values, space
        self.n, self.total = values.n, float(values.n)
        self.n_features = space.n_features(len(values.pixels.shape))
        # Their features take up memory of their own.
        self.pieces = pieces_of(self.n, self.n_features, PIECE_NUMBERS // 2)
        self._extent = extent or Extent.of(
            np.stack(values.limits, axis=1),
            space,
            self._first,
            self.n,
            values.pixels.farthest_place if space.position else 0.0,
        )
        self.quick = self._extent.quick
        self._kept: Floats | None = None
        if self.n <= KEPT_PIXELS and self.n * self.n_features <= KEPT_NUMBERS:
            self._kept = self._rows_at(slice(None), self.quick)

    def rows(self, index: Index, dtype: type[np.floating[Any]]) -> Floats:
        """Return some of the points, with a last row of ones."""
        if self._kept is not None and dtype is self.quick:
            if isinstance(index, slice):
                return self._kept[:, index]
            return self._kept.take(index, axis=1)
        return self._rows_at(index, dtype)

    def _rows_at(self, index: Index, dtype: type[np.floating[Any]]) -> Floats:
        where = self.values.where
        where = where if where is None else where[index]
        return self._rows(self.values.channels[:, index], where, dtype)

    def _rows(
        self, values: NDArray[Any], where: NDArray[np.intp] | None, dtype: type[np.floating[Any]]
    ) -> Floats:
        places = None if where is None else self.values.pixels.places(where)
        return self.space.rows(values, dtype, places)

    def summands(self, index: Index) -> NDArray[np.float64]:
        """Return rows that add up to their features, then ones."""
        rows: NDArray[np.float64] = self.rows(index, np.float64)
        parts = self._extent.parts
        return rows if parts is None else parts.of(rows[:-1])

    def of_drawn(self, drawn: Drawn) -> NDArray[np.float64]:
        """Features of pixels that were drawn, ``(n_features, n)``."""
        rows: NDArray[np.float64] = self._rows(drawn.values, drawn.where, np.float64)
        return rows[:-1]

    @cached_property
    def _first(self) -> NDArray[np.float64]:
        return self.of_drawn(self.values.first)

    @cached_property
    def typical_square(self) -> float:
        """Typical squared distance of a point from the origin."""
        return self._typical(self._first)

    @property
    def variance(self) -> float:
        """The same from about the middle, wherever in the image the pixels lie."""
        n_channels = len(self.space.scale)
        if n_channels == self.n_features:
            return self.typical_square
        around, weights = self._first.copy(), self.values.first.weights
        places = around[n_channels:]
        places -= np.average(places, axis=1, weights=weights)[:, np.newaxis]
        return self._typical(around)

    def _typical(self, features: NDArray[np.float64]) -> float:
        # A mean, of which the largest thousandth is cut off: a few outliers would outweigh all.
        squares, weights = squares_of(features), self.values.first.weights
        order = np.argsort(squares, kind="stable")
        squares, total = squares[order], np.cumsum(weights[order])
        # Share of the pixels that may be far from all others: they count as if they were next to
        # them.
        most = squares[np.searchsorted(total, (1 - 1e-3) * total[-1])]
        return float((np.minimum(squares, most) * weights[order]).sum() / total[-1])

    def cells(self, n: int, tick: Tick = no_tick) -> WeightedPoints:
        """Sum points of one feature up to means of up to `n` cells: see `cell_starts`.

        Where there are too many to be sorted, 16 million, about `n` points stand for all.
        """
        if self.n > 1 << 24 or self.values.first.share == 1:
            return self.sample(n, tick)
        values = np.sort(self.values.channels[0])
        features = self.space.of_values(values[np.newaxis])[0]
        starts = cell_starts(features, n)
        counts = np.diff(starts, append=self.n).astype(np.float64)
        return WeightedPoints((np.add.reduceat(features, starts) / counts)[np.newaxis], counts)

    def sample(self, size: int, tick: Tick = no_tick) -> WeightedPoints:
        """Take about `size` points that stand for all, or all distinct ones where they are few.

        Half are drawn alike, half by squared distance from the origin [1]_, so that outliers are
        not missed; a value that many pixels have is never left out.

        References
        ----------
        .. [1] Bachem O., Lucic M., Krause A. (2018) Scalable k-means clustering via lightweight
           coresets. Proceedings of the 24th ACM SIGKDD Conference, 1119-1127.
           doi:10.1145/3219819.3219973
        """
        first, typical = self.values.first, self.typical_square or 1.0
        if first.share == 1:
            return WeightedPoints(self._first, first.counts)
        share = max(first.share, min(1.0, size / self.n))
        if share == 1:
            drawn = self.values.hashed.draw(1.0, tick=tick)
            return WeightedPoints(self.of_drawn(drawn), drawn.counts)

        def odds_of(index: Index) -> NDArray[np.float32]:
            return _odds(self.rows(index, self.quick)[:-1], typical)

        odds = Odds(odds_of, 0.5 + 0.5 * self.n_features * self._extent.largest**2 / typical * 1.01)
        drawn = self.values.hashed.draw(share, first.heavy, odds, tick)
        rows = self._rows(drawn.values, drawn.where, self.quick)[:-1]
        of_each = share * _odds(rows, typical).astype(np.float64)
        of_each[first.is_heavy_in(drawn)] = 1
        return WeightedPoints.drawn(self.of_drawn(drawn), drawn.counts, of_each, drawn.chance)


def _step(limits: NDArray[Any], offset: tuple[float, ...]) -> float:
    """Return what values and offsets are multiples of, 0 where that is not known.

    Of floats of which none is near 0, as of a camera, it is the last digit of the least.
    """
    if limits.dtype.kind != "f":
        return 1.0
    step = float(np.spacing(limits.min())) if limits.min() > 0 else 0.0
    return step if step and not np.fmod(offset, step).any() else 0.0


def _odds(rows: Floats, typical: float) -> NDArray[np.float32]:
    """Half for all alike, half by squared distance from the origin."""
    scale = rows.dtype.type(np.sqrt(0.5 / typical))
    odds: NDArray[np.float32] = np.full(rows.shape[1], 0.5, np.float32)
    with np.errstate(over="ignore"):
        for row in rows:
            row = row * scale
            odds += (row * row).astype(np.float32, copy=False)
    return odds
