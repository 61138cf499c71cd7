"""What Lloyd's algorithm runs on: points that are compared block by block."""

from math import ceil
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Span, Tick, no_tick, spans
from .nearest import Floats

Index = slice | NDArray[np.intp]

PIECE_NUMBERS = 1 << 19
"""Numbers that one thread takes at a time: they stay in its cache."""

DIFFERENCES = 1 << 17
"""Differences of points that are taken at a time: they stay in the cache."""

SINGLE_RANGE = 1e-15, 1e15
"""Between these, squares of float32 features are neither infinite nor nothing."""

DENSE_SHARE, DENSE_BITS = 16, 20
"""Bits that exact sums keep at least of the extent of the densest sixteenth of the points."""

WEIGHT_UNIT = 16
"""What the weights of samples are multiplied by and rounded: integers have exact sums."""


class Points(Protocol):
    """Points in a space whose origin lies among them.

    Attributes
    ----------
    n, n_features : int
        How many points there are, and features of each.
    weights : (n,) float64 array of integers, or None
        What each weighs; None where all weigh 1.
    total : float
        Sum of the weights.
    quick : dtype
        In what points are compared first: float32 unless it cannot hold their squares.
    variance : float
        Sum of the variances of the features, about: what `tol` is relative to.
    pieces : list of (start, stop)
        How the points are cut up for the threads. It depends on the points alone, so that results
        do not depend on the machine.
    """

    n: int
    n_features: int
    total: float
    quick: type[np.floating[Any]]
    pieces: list[Span]

    @property
    def weights(self) -> NDArray[np.float64] | None: ...  # noqa: D102

    @property
    def variance(self) -> float: ...  # noqa: D102

    def sample(self, size: int, tick: Tick = no_tick) -> "WeightedPoints":
        """Take about `size` points that stand for all, or all where they are no more."""

    def rows(self, index: Index, dtype: type[np.floating[Any]]) -> Floats:
        """Return some points of one piece, ``(n_features + 1, m)``; the last row is ones."""

    def summands(self, index: Index) -> NDArray[np.float64]:
        """Return rows whose sums are exact, whatever their order: weighted features, then weights.

        Of points with a wide range each feature comes in several parts, which add up to it:
        ``(n_parts * n_features + 1, m)``.
        """


def pieces_of(n: int, n_features: int, numbers: int = PIECE_NUMBERS) -> list[Span]:
    """Cut points into pieces of so many numbers."""
    return spans(n, max(1 << 11, numbers // (n_features + 1)))


def quick_dtype(largest: float, smallest: float = 0.0) -> type[np.floating[Any]]:
    """Return in what points are compared first.

    `largest` is the largest feature, `smallest` what differences still matter, if any do.
    """
    low, high = SINGLE_RANGE
    is_single = largest == 0 or (low < largest < high and largest * low <= (smallest or largest))
    return np.float32 if is_single else np.float64


class ExactParts:
    """Numbers as sums of multiples of powers of two, of which sums are exact.

    Sums of floats depend on the order in which they are added. Multiples of one power of two
    do not, while the sum stays below 2**53 of them: as many digits of each number are kept as this
    allows, and where they are too few, what is left is a second part, and a third.

    Parameters
    ----------
    largest : float
        At least what any of the numbers is.
    smallest : float
        What differences still matter, 0 if none do: see `dense_extent`.
    total : float
        Number of summands, or the sum of their integer weights.
    n_least : int
        Parts at least: two keep all digits of the largest.
    """

    def __init__(self, largest: float, smallest: float, total: float, n_least: int = 1) -> None:
        self._bits = int(total).bit_length()
        self._exponent = int(np.frexp(largest)[1])
        kept = np.log2(largest / smallest) + DENSE_BITS if 0 < smallest < largest else 0.0
        # Parts of fewer than 18 bits, where weights are large, are more.
        n_least = max(n_least, ceil(n_least * 18 / (53 - self._bits)))
        # 16 parts of some 30 bits reach as far as squares of numbers do.
        self.n = int(np.clip(np.ceil(kept / (52 - self._bits)), n_least, 16))

    def of(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cut ``(n_features, m)`` numbers, and append a row of ones."""
        n_features, m = rows.shape
        found = np.empty((self.n * n_features + 1, m))
        found[-1] = 1
        # Added to a number whose last digit stands for the power of two, they are rounded to it.
        unit, left = 1.5 * 2.0 ** (self._exponent + self._bits), rows
        for i in range(self.n):
            part = found[i * n_features : (i + 1) * n_features]
            np.subtract(np.add(left, unit, out=part), unit, out=part)
            if i < self.n - 1:
                left, unit = left - part, unit * 2.0 ** (self._bits - 53)
        return found


def parts_of_sum(numbers: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return a few numbers whose exact sum is that of these, which are some of `n`, none negative.

    Whatever order the `n` are in, and however they are cut: `math.fsum` of all gives the same bits.
    """
    # As many digits are kept as the number of all numbers allows, not that of those in a part: of
    # so many at once 39 binary digits.
    size = min(1 << 13, n)
    parts = range(0, numbers.size, size)
    some = [sums_by_exponent(numbers[i : i + size], size) for i in parts]
    found = np.concatenate([np.zeros(1), *some])
    return found[found > 0]


def sums_by_exponent(numbers: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Sum numbers that are not negative by their exponents, ``(2048,)``: parts of an exact sum.

    They are rounded, in place, to so few digits that `n` of one exponent have an exact sum.
    """
    last = np.uint64(1 << int(n).bit_length())
    bits = numbers.view(np.uint64)
    bits += last >> np.uint64(1)
    bits &= ~(last - np.uint64(1))
    sums: NDArray[Any] = np.bincount((bits >> np.uint64(52)).astype(np.intp), numbers, 2048)
    return sums


def cell_starts(ascending: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Say where cells of ascending values begin, up to `n`: half of as many values each.

    The other half begin behind the widest gaps, so that no cell reaches over one.
    """
    even = np.linspace(0, ascending.size, n // 2, endpoint=False).astype(np.intp)
    gaps = np.diff(ascending)
    # Not which of equal ones: that depends on how the processor selects.
    place = gaps.size - n // 2
    widest = np.flatnonzero(gaps > np.partition(gaps, place)[place])
    return np.unique(np.concatenate([even, widest + 1]))


def dense_extent(features: NDArray[np.float64]) -> float:
    """Return the extent of the densest sixteenth of ``(n_features, n)`` points.

    That of the feature where it is least, of those where it is not 0.
    """
    # About a thousand points show it.
    few = np.sort(features[:, :: 1 + features.shape[1] // (1 << 10)], axis=1)
    step = 1 + few.shape[1] // DENSE_SHARE
    extents = few[:, step:] - few[:, :-step]
    extents = extents[extents > 0]
    return float(extents.min()) if extents.size else 0.0


def squares_of(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared distance of ``(n_features, n)`` points from the origin, ``(n,)``."""
    squares = np.zeros(features.shape[1])
    # Row by row in the cache: memory that is new costs more than the work.
    for row in features:
        squares += row * row
    return squares


class WeightedPoints:
    """Points in memory: distinct values with counts, or a sample that stands for all.

    Parameters
    ----------
    features : (n_features, n) float64 array
        The points.
    weights : (n,) float64 array of integers
        How many pixels each stands for, or a multiple of it.
    n_parts : int
        Parts of exact sums at least: two for all digits of the points, one for a sample.
    """

    def __init__(
        self, features: NDArray[np.float64], weights: NDArray[np.float64], n_parts: int = 1
    ) -> None:
        self.n_features, self.n = features.shape
        self.weights: NDArray[np.float64] = weights
        self.total = float(weights.sum())
        self.features = features
        self.pieces = pieces_of(self.n, self.n_features)
        largest = self.largest = float(max(features.max(initial=0), -features.min(initial=0)))
        dense = self.dense = dense_extent(features)
        self.quick = quick_dtype(largest, dense)
        self._rows = np.empty((self.n_features + 1, self.n), self.quick)
        self._rows[:-1], self._rows[-1] = features, 1
        # Most floats are seen to be no integers by the first of them.
        few = features[:, : 1 << 10]
        if largest * self.total < 2.0**53 and all((x == np.rint(x)).all() for x in (few, features)):
            self._summands = np.vstack([features, np.ones((1, self.n))])
        else:
            parts = ExactParts(largest, dense, self.total, n_parts)
            self._summands = parts.of(features)
        self._summands *= weights

    @property
    def exact_rows(self) -> Floats:
        """The features, ``(n_features, n)``: in single precision where that holds all digits.

        Differences then have a relative error no larger than its rounding.
        """
        rows = self._rows[:-1]
        return rows if np.array_equal(rows, self.features) else self.features

    @property
    def squares(self) -> NDArray[np.float64]:
        """Squared distance of each point from the origin, ``(n,)``."""
        return squares_of(self.features)

    @property
    def variance(self) -> float:
        """Sum of the variances of the features, by weight."""
        mean = (self.features * self.weights).sum(axis=1) / self.total
        square = float((self.squares * self.weights).sum()) / self.total
        return max(0.0, square - float((mean**2).sum()))

    def rows(self, index: Index, dtype: type[np.floating[Any]]) -> Floats:
        """Return some of the points, with a last row of ones."""
        if dtype is self.quick:
            return _some(self._rows, index)
        part = _some(self.features, index)
        return np.vstack([part, np.ones((1, part.shape[1]))])

    def summands(self, index: Index) -> NDArray[np.float64]:
        """Return rows that add up to their weighted features, then their weights."""
        return _some(self._summands, index)

    def sample(self, size: int, tick: Tick = no_tick) -> "WeightedPoints":
        """Take about `size` points that stand for all, or all where they are no more."""
        tick(0)
        return self.fewer(size, self.squares, np.random.default_rng(0))

    def fewer(
        self,
        size: int,
        squares: NDArray[np.float64],
        random: np.random.Generator,
        of_cluster: NDArray[np.float64] | float = 1.0,
    ) -> "WeightedPoints":
        """Take about `size` points, a third each by weight, by distance, and alike by cluster.

        By weight alone a cluster of a few pixels in a million would be missed, and outliers that
        are much of the inertia [1]_.

        Parameters
        ----------
        size : int
            About how many to take.
        squares : (n,) float64 array
            Squared distance of each from the centroid of its cluster.
        random : numpy.random.Generator
            Draws them.
        of_cluster : (n,) float64 array
            Weight of the cluster of each.

        References
        ----------
        .. [1] Bachem O., Lucic M., Krause A. (2018) Scalable k-means clustering via lightweight
           coresets. Proceedings of the 24th ACM SIGKDD Conference, 1119-1127.
           doi:10.1145/3219819.3219973
        """
        if size >= self.n:
            return self
        odds = np.zeros(self.n)
        for part in (self.weights, self.weights * squares, self.weights / of_cluster):
            odds += part * (size / 3 / (part.sum() or 1))
        chance: NDArray[Any] = random.random((self.n,))
        return WeightedPoints.drawn(self.features, self.weights, odds, chance)

    def cells(self, n: int) -> "WeightedPoints":
        """Sum points of one feature up to means of up to `n` cells: see `cell_starts`."""
        if self.n <= n:
            return self
        order = np.argsort(self.features[0], kind="stable")
        starts = cell_starts(self.features[0, order], n)
        weights = np.add.reduceat(self.weights[order], starts)
        sums = np.add.reduceat((self.features[0] * self.weights)[order], starts)
        return WeightedPoints((sums / weights)[np.newaxis], weights)

    def summed_up(self, n_halvings: int) -> "WeightedPoints":
        """Sum points up to means of cells of about as many, at most two to this power.

        Each cell is halved along the feature in which it is widest.

        References
        ----------
        Bentley J.L. (1975) Multidimensional binary search trees used for associative searching.
        Communications of the ACM 18, 509-517. doi:10.1145/361002.361007
        """
        cell = np.zeros(self.n, np.intp)
        for _ in range(n_halvings):
            order = np.argsort(cell, kind="stable")
            starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
            rows = self.features[:, order]
            widths = np.maximum.reduceat(rows, starts, axis=1)
            widths -= np.minimum.reduceat(rows, starts, axis=1)
            number = np.repeat(np.arange(starts.size), np.diff(starts, append=self.n))
            along = rows[widths.argmax(axis=0)[number], np.arange(self.n)]
            order = order[np.lexsort((along, number))]
            middles = starts + np.diff(starts, append=self.n) // 2
            cell[order] = 2 * number + (np.arange(self.n) >= middles[number])
        index = np.unique(cell, return_inverse=True)[1]
        weights: NDArray[Any] = np.bincount(index, self.weights)
        sums = [np.bincount(index, row * self.weights) for row in self.features]
        return WeightedPoints(np.stack(sums) / weights, weights)

    @classmethod
    def drawn(
        cls,
        features: NDArray[np.float64],
        weights: NDArray[np.float64],
        odds: NDArray[np.float64],
        chance: NDArray[np.float64],
    ) -> "WeightedPoints":
        """Take the points of which the odds are above their chance; each stands for all like it.

        Parameters
        ----------
        features : (n_features, n) float64 array
            The points.
        weights, odds, chance : (n,) float64 arrays
            What each weighs, how likely it is taken, and a number from 0 to 1 that decides.
        """
        odds = np.minimum(odds, 1)
        taken = np.flatnonzero(chance < odds)
        of_each = np.rint(weights[taken] / odds[taken] * WEIGHT_UNIT)
        return cls(features.take(taken, axis=1), np.maximum(of_each, 1))


def _some(rows: NDArray[Any], index: Index) -> NDArray[Any]:
    return rows[:, index] if isinstance(index, slice) else rows.take(index, axis=1)
