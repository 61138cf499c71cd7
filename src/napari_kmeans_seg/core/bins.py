"""Bins for values that do not repeat: occupied bins with their counts and exact means."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .nearest import multiply

N_BINS = 1 << 15
"""Bins: few enough to cluster in milliseconds, more than clusters by far."""

N_AXES = 3
"""Principal axes that are cut into bins."""

CROWDED = 0.25
"""Share of the points in one bin from which the bins' widths follow the points."""

ROUNDING = 1e-12
"""What rounding changes coordinates and squares by is less, in parts of the largest of them."""

OUTSIDE = 0.001
"""Share of a sample that lies below the inner bins of an axis, and above them."""

LINE_BITS = 16
"""Bits that number the bins of one feature."""

OCTAVES = 32
"""Octaves at the most."""

FINE = 1 << 10
"""Parts of the usual distance from the centre up to which bins are equal."""

MANTISSA = 23
"""Bits of a float32 number after its exponent."""

ONE = 0x3F800000
"""The float32 number 1."""


class Bins(Protocol):
    """A way to sum points up to fewer."""

    @property
    def size(self) -> int:
        """Number of bins, the outer ones included."""

    @property
    def axes(self) -> NDArray[np.float64]:
        """Unit vectors along which the bins are cut, ``(n_axes, n_features)``."""

    @property
    def middle(self) -> NDArray[np.float64]:
        """A point that the bins lie around in what the axes leave out, ``(n_features,)``."""

    def keys(self, features: Features, squares: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Bin of each point of ``(n_features, n)`` features, whose squared lengths are given."""

    def boxes(self, bins: NDArray[np.intp]) -> "Boxes":
        """Say where the points of bins lie."""


@dataclass(frozen=True)
class BinGrid:
    """A grid on the principal axes of several features.

    Attributes
    ----------
    axes : (n_axes, n_features) array
        Unit vectors of the widest principal axes.
    n_bins : tuple of int
        Bins along each axis. The outermost two take all beyond.
    low : (n_axes,) array
        Where the first of the inner bins begins along each axis.
    step : float
        Side of the inner bins.
    middle : (n_features,) array
        A point that the inner bins lie around in what the axes leave out.
    radius : float
        How far off the middle a point may lie there: beyond, it is in bin 0.
    edges : tuple of arrays, or None
        Where bins of unequal widths end along each axis, instead of `low` and `step`.
    """

    axes: NDArray[np.float64]
    n_bins: tuple[int, ...]
    low: NDArray[np.float64]
    step: float
    middle: NDArray[np.float64]
    radius: float
    edges: tuple[NDArray[np.float64], ...] | None = None

    @property
    def size(self) -> int:
        """Number of bins, the outer ones included."""
        return int(np.prod(self.n_bins))

    def keys(self, features: Features, squares: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Bin of each point of ``(n_features, n)`` features, whose squared lengths are given."""
        n_axes = len(self.axes)
        rows = np.vstack([self.axes, self.middle])
        along = multiply(rows, features, np.empty((len(rows), features.shape[1])))
        along, across = along[:n_axes], along[n_axes]
        if len(features) > n_axes:
            # What the axes leave out of |x - middle|^2.
            across *= -2
            across += squares
            for one in along:
                across -= one * one
            beyond = across > self.radius**2 - self.middle @ self.middle
        if self.edges is None:
            along -= (self.low - self.step)[:, np.newaxis]
            along *= 1 / self.step
            np.clip(along, 0, np.array(self.n_bins)[:, np.newaxis] - 1, out=along)
            index = along.astype(np.intp)
        else:
            pairs = zip(self.edges, along, strict=True)
            index = np.stack([np.searchsorted(*pair, side="right") for pair in pairs])
        keys: NDArray[np.intp] = index[0]
        for one, n in zip(index[1:], self.n_bins[1:], strict=True):
            keys *= n
            keys += one
        if len(features) > n_axes:
            keys[beyond] = 0
        return keys.astype(np.uint16)

    def boxes(self, bins: NDArray[np.intp]) -> "Boxes":
        """Say where the points of bins lie."""
        index = np.stack(np.unravel_index(bins, self.n_bins))
        last = np.array(self.n_bins)[:, np.newaxis] - 1
        inner: NDArray[np.bool_] = np.logical_and.reduce((index > 0) & (index < last))
        if self.edges is None:
            lower = self.low[:, np.newaxis] + (index - 1) * self.step
            upper = lower + self.step
        else:
            pairs = list(zip(self.edges, index, strict=True))
            lower = np.stack([edges[np.maximum(i - 1, 0)] for edges, i in pairs])
            upper = np.stack([edges[np.minimum(i, edges.size - 1)] for edges, i in pairs])
        farthest = (np.maximum(np.abs(lower), np.abs(upper)) ** 2).sum(axis=0)
        farthest += (np.sqrt(self.middle @ self.middle) + self.radius) ** 2
        room = ROUNDING * np.sqrt(farthest)
        radius = np.sqrt(self.radius**2 + ROUNDING * farthest)
        return Boxes((lower + upper) / 2, (upper - lower) / 2 + room, radius, inner)


@dataclass(frozen=True)
class Boxes:
    """Where the points of bins lie, with room for what rounding may have done to them.

    Attributes
    ----------
    middle, half : (n_axes, n) arrays
        Middle and half sides along the axes.
    radius : (n,) array
        How far the points may lie from the middle in what the axes leave out.
    inner : (n,) bool array
        Whether a bin is an inner one. What is said of the others means nothing.
    """

    middle: NDArray[np.float64]
    half: NDArray[np.float64]
    radius: NDArray[np.float64]
    inner: NDArray[np.bool_]


@dataclass(frozen=True)
class BinLine:
    """Bins of one feature, finest around a centre: for values near each other as for far ones.

    Up to a distance of 1 from the centre they are equal, then each octave has as many: like
    float32 numbers, whose bits tell the bin.

    Attributes
    ----------
    centre : float
        The centre.
    unit : float
        Features are multiplied by this, a power of two, to be distances.
    n_octaves : int
        Octaves on either side. The outermost bins take all beyond.
    n_bits : int
        Bits of a number that tell the bin within an octave.
    """

    centre: float
    unit: float
    n_octaves: int
    n_bits: int

    @property
    def axes(self) -> NDArray[np.float64]:
        """The only axis."""
        return np.ones((1, 1))

    @property
    def middle(self) -> NDArray[np.float64]:
        """Nothing is left out by it."""
        return np.zeros(1)

    @property
    def _half(self) -> int:
        return self.n_octaves << self.n_bits

    @property
    def size(self) -> int:
        """Number of bins, the outer ones included."""
        return 2 * self._half

    def keys(
        self,
        features: Features,
        squares: NDArray[np.float64],  # noqa: ARG002
    ) -> NDArray[np.uint16]:
        """Bin of each point of ``(1, n)`` features."""
        away = features[0] - self.centre
        away *= self.unit
        with np.errstate(over="ignore"):
            number = away.astype(np.float32)
        np.abs(number, out=number)
        number += np.float32(1)
        bins = number.view(np.int32)
        bins -= ONE
        bins >>= MANTISSA - self.n_bits
        np.minimum(bins, self._half - 1, out=bins)
        # Those below the centre count down from -1.
        bins ^= -(away < 0).astype(np.int32)
        bins += self._half
        keys: NDArray[np.uint16] = bins.astype(np.uint16)
        return keys

    def boxes(self, bins: NDArray[np.intp]) -> Boxes:
        """Say where the points of bins lie."""
        away = bins - self._half
        below = away < 0
        away = np.where(below, ~away, away)
        ends = np.stack([away, away + 1]) << (MANTISSA - self.n_bits)
        lower, upper = (ends + ONE).astype(np.int32).view(np.float32).astype(np.float64) - 1
        sign = np.where(below, -1, 1)
        middle = self.centre + sign * ((lower + upper) / (2 * self.unit))
        room = 2.0**-22 * (1 + upper) / self.unit + ROUNDING * np.abs(middle)
        half = (upper - lower) / (2 * self.unit) + room
        inner: NDArray[np.bool_] = away < self._half - 1
        return Boxes(middle[np.newaxis], half[np.newaxis], np.zeros(bins.size), inner)


def lay_line(sample: NDArray[np.float64]) -> BinLine:
    """Lay bins over a sample of one feature."""
    # A value that repeats, as for "no data", counts once.
    values = np.unique(sample)
    centre = float(values[values.size // 2])
    away = np.abs(values - centre)
    usual, most = np.quantile(away, 0.9), away[[0, -1]].max()
    usual = usual or most or 1.0
    unit = 2.0 ** -np.floor(np.log2(usual / FINE))
    # The farthest is not in the outermost bins, of which nothing is sure.
    n_octaves = int(min(np.ceil(np.log2(1 + 4 * most * unit)), OCTAVES)) or 1
    return BinLine(centre, float(unit), n_octaves, LINE_BITS - 1 - (n_octaves - 1).bit_length())


def lay_bins(sample: Features) -> Bins:
    """Lay bins where a sample of the features has its points."""
    return lay_grid(sample) if len(sample) > 1 else lay_line(sample[0])


def _edges(values: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Edges of bins of which half hold equal counts, and half have equal widths."""
    values = np.sort(values)
    counts = values[np.linspace(0, values.size - 1, n_bins // 2).astype(int)]
    low, high = np.quantile(values, [0.001, 0.999])
    return np.unique(np.concatenate([counts, np.linspace(low, high, n_bins // 2)]))


def lay_grid(sample: Features) -> BinGrid:
    """Lay a grid of some `N_BINS` cubes over a sample of several features.

    Its axes are the principal axes of the sample, so that correlated channels do not waste
    bins, and its inner bins span all but the outermost thousandth on either side, so that a hot
    pixel does not waste them either.
    """
    centred = sample - sample.mean(axis=1, keepdims=True)
    scatter = np.einsum("in,jn->ij", centred, centred)
    # Deterministic up to the sign of each axis, which is set here.
    axes = np.linalg.eigh(scatter)[1].T[::-1][:N_AXES]
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    axes = np.ascontiguousarray(axes * np.sign(largest)[:, np.newaxis])
    few = sample[:, :: 1 + sample.shape[1] // N_BINS]
    squares = (few**2).sum(axis=0)
    cut = multiply(axes, few, np.empty((len(axes), few.shape[1])))
    low, high = np.quantile(cut, [OUTSIDE, 1 - OUTSIDE], axis=1)
    if not (high - low).any():
        low, high = cut.min(axis=1), cut.max(axis=1)
    extent = high - low
    step = _cube_side(extent, N_BINS) or 1.0
    n_bins = _n_bins(extent, step)
    while np.prod(n_bins) > 1 << 16:
        # The outer bins are many where one axis has most of the inner ones.
        step *= 1.25
        n_bins = _n_bins(extent, step)
    # The median point without its part along the axes.
    middle = np.median(few, axis=1)
    middle -= axes.T @ (axes @ middle)
    off = ((few - axes.T @ cut - middle[:, np.newaxis]) ** 2).sum(axis=0)
    radius = float(np.sqrt(np.quantile(off, 1 - OUTSIDE) + ROUNDING * squares.max()))
    grid = BinGrid(axes, n_bins, low, step, middle, radius)
    if np.bincount(grid.keys(few, squares)).max() < CROWDED * few.shape[1]:
        return grid
    # A background, or values for "no data" far from the others: equal widths alone would leave
    # the rest in few bins. Finding bins of unequal widths takes some times as long.
    edges = tuple(_edges(one, round(N_BINS ** (1 / len(cut)))) for one in cut)
    return BinGrid(axes, tuple(one.size + 1 for one in edges), low, step, middle, radius, edges)


def _n_bins(extent: NDArray[np.float64], step: float) -> tuple[int, ...]:
    """Bins along each axis for inner bins of this side, the two outer ones included."""
    return tuple(2 + max(1, int(np.ceil(one / step))) for one in extent)


def _cube_side(extent: NDArray[np.float64], n_bins: int) -> float:
    """Side of the cubes that fill a box of this `extent` with about `n_bins` of them."""
    sides = np.sort(extent[extent > 0])[::-1]
    for n_axes in range(len(sides), 0, -1):
        # Axes shorter than one cube get a single bin, and leave more for the others.
        step = float((np.prod(sides[:n_axes] / sides[0]) / n_bins) ** (1 / n_axes) * sides[0])
        if sides[n_axes - 1] >= step or n_axes == 1:
            return step
    return 0.0
