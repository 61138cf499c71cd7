"""Order points along a Hilbert curve: neighbours in the list are neighbours in space."""

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
    low, high = features.min(axis=1), features.max(axis=1)
    axes = np.sort(np.argsort(high - low, kind="stable")[::-1][:N_AXES])
    chosen = [features[axis] for axis in axes]
    n_bits = PLACE_BITS // len(axes)
    # A power of two, so that cells of 8-bit colours hold equally many of them.
    extent = float((high - low).max()) or 1.0
    step = 2.0 ** np.ceil(np.log2(extent / ((1 << n_bits) - 1)))
    cells = [(low[axis], 1 / step) for axis in axes]
    few = [feature[:: 1 + feature.size // SAMPLE] for feature in chosen]
    if np.unique(_places(few, cells)).size < few[0].size // CROWDED:
        # A few values far from the others: equal widths would leave the rest in few cells.
        return _places([_ranks(feature, 1 << min(n_bits, 12)) for feature in chosen], None)
    return _places(chosen, cells)


def _ranks(feature: NDArray[np.float64], n_ranks: int) -> NDArray[np.float64]:
    """Say between which of as many quantiles each value lies, from 0."""
    sample = np.sort(feature[:: 1 + feature.size // (1 << 16)])
    edges = sample[np.linspace(0, sample.size - 1, n_ranks).astype(int)]
    return np.searchsorted(edges[1:], feature).astype(np.float64)


def _places(
    features: list[NDArray[np.float64]], cells: list[tuple[float, float]] | None
) -> NDArray[np.uint32]:
    """Place of each point; `cells` are the low end and cells per unit, None: 0 and 1."""
    n_axes = len(features)
    spread = _spread(n_axes)
    digits, states = _steps(n_axes)
    n_bits = 2 * n_axes
    mask = np.uint32((1 << n_bits) - 1)

    def part(start: int, stop: int) -> NDArray[np.uint32]:
        # One bit of each axis after the other.
        mixed = np.zeros(stop - start, np.uint32)
        for axis, feature in enumerate(features):
            cell = feature[start:stop]
            if cells is not None:
                low, per_unit = cells[axis]
                cell = (cell - low) * per_unit
            mixed |= spread.take(cell.astype(np.intp), mode="clip") << np.uint32(axis)
        if n_axes == 1:
            return mixed
        places = np.zeros(stop - start, np.uint32)
        state = np.zeros(stop - start, np.uint32)
        for shift in range(PLACE_BITS - n_bits, -1, -n_bits):
            index = state | (mixed >> np.uint32(shift)) & mask
            places = places << np.uint32(n_bits) | digits.take(index)
            state = states.take(index)
        return places

    return np.concatenate(list(map_spans(part, spans(features[0].size, PIECE))))


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
