"""Order points along a curve that fills space: neighbours in the list are neighbours in space."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .parallel import map_spans, spans

PLACE_BITS = 24
"""Bits of a place on the curve, shared by the axes: 8 for each of three, 6 for each of four."""

N_AXES = 4
"""Features that the curve runs through, the widest."""

SAMPLE = 1 << 12
"""Points that are looked at to find out whether they are crowded."""

CROWDED = 8
"""Points that share a place on average from which the places follow the points."""

RANK_BITS = 12
"""Bits that number places along an axis where these follow the points."""

PIECE = 1 << 17
"""Points whose places one thread finds at a time: what they take stays in the cache."""


def along_curve(features: Features) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
    """Order ``(n_features, n)`` points along a Hilbert curve.

    Returns
    -------
    order : (n,) array of intp
        Index of the first point on the curve, of the second, ...
    places : (n,) array of uint32, ascending
        Where they stand on the curve, as `places_on_curve` tells.
    """
    places = places_on_curve(features)
    # By 16 bits, then by the others: NumPy's radix sort takes a few ns per point.
    order = np.argsort(places.astype(np.uint16), kind="stable")
    order = order[np.argsort((places >> np.uint32(16)).astype(np.uint8)[order], kind="stable")]
    return order, places[order]


def places_on_curve(features: Features) -> NDArray[np.uint32]:
    """Say where points stand on a Hilbert curve, as numbers of `PLACE_BITS` bits.

    Points whose places begin with the same bits lie in one cube, or in half or a quarter of one.

    Parameters
    ----------
    features : (n_features, n) array
        The points, of which at least one.

    Returns
    -------
    (n,) array of uint32

    References
    ----------
    Hilbert D. (1891) Über die stetige Abbildung einer Linie auf ein Flächenstück. Mathematische
    Annalen 38, 459-460. doi:10.1007/BF01199431

    Hamilton C.H., Rau-Chaplin A. (2008) Compact Hilbert indices: space-filling curves for
    domains with unequal side lengths. Information Processing Letters 105, 155-163.
    doi:10.1016/j.ipl.2007.08.034
    """
    return _in_grid(features, hilbert=True)[0]


def places_in_z_order(features: Features) -> tuple[NDArray[np.uint32], bool]:
    """Say the same of a curve that leaps, on which points find their places in half the time.

    Returns
    -------
    places : (n,) array of uint32
    by_rank : bool
        Whether places follow the ranks of the points, so that a cell may be of any width.

    References
    ----------
    Morton G.M. (1966) A computer oriented geodetic data base and a new technique in file
    sequencing. IBM, Ottawa.
    """
    return _in_grid(features, hilbert=False)


def _in_grid(features: Features, *, hilbert: bool) -> tuple[NDArray[np.uint32], bool]:
    """Lay a grid over points, and find their places in it; tell whether these follow ranks."""
    low, high = features.min(axis=1), features.max(axis=1)
    axes = np.sort(np.argsort(high - low, kind="stable")[::-1][:N_AXES])
    chosen = [features[axis] for axis in axes]
    n_bits = PLACE_BITS // len(axes)
    # A power of two, so that cells of 8-bit colours hold equally many of them.
    extent = float((high - low).max()) or 1.0
    step = 2.0 ** np.ceil(np.log2(extent / ((1 << n_bits) - 1)))
    cells = [(float(low[axis]), float(1 / step)) for axis in axes]
    few = np.sort(_z_order([feature[:: 1 + feature.size // SAMPLE] for feature in chosen], cells))
    by_rank = bool(np.count_nonzero(few[1:] != few[:-1]) < few.size // CROWDED)
    if by_rank:
        # A few values far from the others: equal widths would leave the rest in few cells.
        rank_bits = min(n_bits, RANK_BITS)
        chosen = [_ranks(feature, 1 << rank_bits) for feature in chosen]
        cells = [(0.0, 2.0 ** (n_bits - rank_bits))] * len(axes)

    def part(start: int, stop: int) -> NDArray[np.uint32]:
        places = _z_order([feature[start:stop] for feature in chosen], cells)
        return _hilbert_order(places, len(chosen)) if hilbert and len(chosen) > 1 else places

    return np.concatenate(list(map_spans(part, spans(features.shape[1], PIECE)))), by_rank


def _ranks(feature: NDArray[np.float64], n_ranks: int) -> NDArray[np.float64]:
    """Say between which of as many quantiles each value lies, from 0."""
    sample = np.sort(feature[:: 1 + feature.size // (1 << 16)])
    edges = sample[np.linspace(0, sample.size - 1, n_ranks).astype(int)]
    return np.searchsorted(edges[1:], feature).astype(np.float64)


def _z_order(
    features: list[NDArray[np.float64]], cells: list[tuple[float, float]]
) -> NDArray[np.uint32]:
    """Place of each point in Z-order: one bit of each axis after the other.

    `cells` are the low end of each axis and its cells per unit.
    """
    spread = _spread(len(features))
    places = np.zeros(features[0].size, np.uint32)
    for axis, (feature, (low, per_unit)) in enumerate(zip(features, cells, strict=True)):
        cell = (feature - low) * per_unit
        places |= spread.take(cell.astype(np.intp), mode="clip") << np.uint32(axis)
    return places


def _hilbert_order(z_order: NDArray[np.uint32], n_axes: int) -> NDArray[np.uint32]:
    """Place of each point on the Hilbert curve, from its place in Z-order."""
    digits, states = _steps(n_axes)
    n_bits = 2 * n_axes
    mask = np.uint32((1 << n_bits) - 1)
    places, state = np.zeros((2, z_order.size), np.uint32)
    for shift in range(PLACE_BITS - n_bits, -1, -n_bits):
        index = state | (z_order >> np.uint32(shift)) & mask
        places = places << np.uint32(n_bits) | digits.take(index)
        state = states.take(index)
    return places


@cache
def _spread(n_axes: int) -> NDArray[np.uint32]:
    """Numbers with their bits moved apart, so that those of other axes fit between them."""
    n_bits = PLACE_BITS // n_axes
    number = np.arange(1 << n_bits, dtype=np.uint32)
    if n_axes == 1:
        return number
    spread = np.zeros_like(number)
    for bit in range(n_bits):
        spread |= (number >> np.uint32(bit) & np.uint32(1)) << np.uint32(bit * n_axes)
    return spread


@cache
def _steps(n_axes: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Tables for two steps down the curve at once.

    Returns
    -------
    digits, states : (n_states * 4**n_axes,) arrays of uint32
        What the steps add to the place, and the state after them (times ``4**n_axes``), by the
        state before them plus two bits of each axis.
    """
    size = 1 << n_axes
    digit, following = np.empty((2, size * n_axes, size), np.uint32)

    def turn(bits: int, by: int) -> int:
        """Rotate to the right."""
        by %= n_axes
        return (bits >> by | bits << (n_axes - by)) & (size - 1)

    def gray(number: int) -> int:
        return number ^ number >> 1

    numbers = {gray(number): number for number in range(size)}
    for entry in range(size):
        for direction in range(n_axes):
            for corner in range(size):
                number = numbers[turn(corner ^ entry, direction + 1)]
                # The corner where the curve enters this part, and the axis along which it leaves.
                enters = gray((number - 1) // 2 * 2) if number else 0
                ones = number if number % 2 else number - 1 if number else 0
                axis = ((ones + 1) & ~ones).bit_length() - 1
                entered = entry ^ turn(enters, -direction - 1)
                state = entry * n_axes + direction
                digit[state, corner] = number
                following[state, corner] = entered * n_axes + (direction + axis + 1) % n_axes
    digits = digit[:, :, np.newaxis] * np.uint32(size) + digit[following]
    return digits.ravel(), following[following].ravel() * np.uint32(size * size)
