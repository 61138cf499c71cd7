"""Pixels drawn by what values they have: the same ones in whatever order they come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parallel import map_spans, spans
from .pixels import Pixels

SPAN = 1 << 17
"""Pixels that one thread looks at a time. With fewer the threads would wait for each other at
every call, which takes longer than what it does."""

MANY = 1 << 14
"""Of these so many that are drawn as long as they may repeat: more could take much memory."""

FACTOR = 0x9E3779B97F4A7C15
"""An odd number without a pattern in its bits: 2**64 over the golden ratio."""

OTHER_FACTOR = 0xD6E8FEB86659FD93
"""Another one."""

SLOT_BITS = 16
"""Bits of a key that tell where equal ones are looked for before any are sorted."""

Among = Callable[[int, int], NDArray[np.intp]]
"""Tells which pixels from start to stop are looked at."""


@dataclass(frozen=True)
class Drawn:
    """Some of the distinct values of an image, in an order that looks random.

    Which they are, and their order, depends on nothing but the values that the image has. Of an
    image of values twice as large, or half, they are the same pixels.

    Attributes
    ----------
    keys : (n,) array of uint64, ascending
        A number for each value. That two values have the same one is less likely than that
        memory fails.
    where : (n,) array of intp
        A pixel that has it.
    counts : (n,) int64 array
        How many pixels have it, of those that were looked at.
    """

    keys: NDArray[np.uint64]
    where: NDArray[np.intp]
    counts: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of values."""
        return self.keys.size


def draw(
    pixels: Pixels,
    share: float,
    among: Among | None = None,
    *,
    placed: bool = False,
) -> Drawn:
    """Draw about a `share` of an image's distinct values.

    Parameters
    ----------
    pixels : Pixels
        The image.
    share : float
        Above 0. From 1 on all values are drawn.
    among : callable, optional
        Tells which pixels are looked at, of those that take part; all by default.
    placed : bool
        Whether pixels that have the same value are told apart by where they lie.
    """

    def inside(start: int, stop: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        if among is None:
            values = [channel[start:stop] for channel in pixels.channels]
            is_drawn = _is_drawn(values, np.arange(start, stop) if placed else None, share)
            if pixels.valid is not None:
                is_drawn &= pixels.valid[start:stop]
            where = start + np.flatnonzero(is_drawn)
        else:
            where = among(start, stop)
            where = where[_is_drawn(pixels.at(where), where if placed else None, share)]
        if where.size <= MANY:
            return where, np.ones(where.size, np.int64)
        index, counts = _distinct(_keys(pixels.at(where), where if placed else None))
        return where[index], counts

    found = list(map_spans(inside, spans(pixels.n_pixels, SPAN)))
    where, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    values = pixels.at(where)
    exponent = _exponent(values)

    def keys_of(start: int, stop: int) -> NDArray[np.uint64]:
        places = where[start:stop] if placed else None
        return _keys([value[start:stop] for value in values], places, exponent)

    parts = map_spans(keys_of, spans(where.size, SPAN))
    keys = np.concatenate([np.empty(0, np.uint64), *parts])
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    if starts.size:
        counts = np.add.reduceat(counts[order], starts)
    return Drawn(keys[starts], where[order[starts]], counts)


def draw_values(pixels: Pixels, size: int, least: int, *, placed: bool = False) -> Drawn:
    """Draw about `size` distinct values of an image; of those that repeat, at least `least`.

    Or all, where there are fewer.
    """
    share = size / pixels.n_valid
    drawn = draw(pixels, share, placed=placed)
    while drawn.n < least and share < 1:
        share *= 2 * least / max(1, drawn.n)
        drawn = draw(pixels, share, placed=placed)
    return drawn


def united(many: Drawn, few: Drawn) -> Drawn:
    """Unite what was drawn of an image with what was drawn of some of its pixels."""
    at = np.searchsorted(many.keys, few.keys)
    new = at == np.searchsorted(many.keys, few.keys, side="right")
    at = at[new]
    return Drawn(
        np.insert(many.keys, at, few.keys[new]),
        np.insert(many.where, at, few.where[new]),
        np.insert(many.counts, at, few.counts[new]),
    )


def _is_drawn(
    values: list[NDArray[Any]], where: NDArray[np.intp] | None, share: float
) -> NDArray[np.bool_]:
    """Tell of which values a number that looks random is high, as it is of such a share of them.

    Parameters
    ----------
    values : list of (n,) arrays
        Channel by channel.
    where : (n,) array of intp, optional
        Where the pixels lie, if that makes a difference.
    share : float
        The share.
    """
    # Room for all that 64-bit integers have to tell them apart is not needed here.
    small = values[0].itemsize <= 2 or values[0].dtype == np.float32
    floats, bits, n_sign_bits = (np.float32, 32, 9) if small else (np.float64, 64, 12)
    product = np.empty(values[0].size, floats)
    number = product.view(f"u{product.itemsize}")
    total = np.zeros_like(number)
    for i, value in enumerate(values if where is None else [*values, where]):
        # Of numbers with few digits a product has many.
        np.multiply(value, floats(FACTOR / 2.0**64), out=product, dtype=floats)
        # Without the sign and the exponent: of an image of twice the values they are the same.
        number *= number.dtype.type((pow(FACTOR, i + 1, 1 << bits) << n_sign_bits) % (1 << bits))
        total += number
    # Not of which it is low: a background of zeros would always be drawn, and cost time.
    limit = max(0, int((1 - share) * 2.0**bits))
    drawn: NDArray[np.bool_] = total >= total.dtype.type(limit)
    return drawn


def _exponent(values: list[NDArray[Any]]) -> int:
    """Return the power of two next to the largest of some floats; 0 for integers."""
    if values[0].dtype.kind != "f" or values[0].size == 0:
        return 0
    return int(np.frexp(max(float(np.abs(value).max()) for value in values))[1])


def _keys(
    values: list[NDArray[Any]], where: NDArray[np.intp] | None, exponent: int = 0
) -> NDArray[np.uint64]:
    """Give each value, divided by a power of two, a number of 64 bits that looks random."""
    keys = np.zeros(values[0].size, np.uint64)
    for value in values if where is None else [*values, where]:
        if value.dtype.kind == "f":
            # The sum with 0 makes -0.0 to 0.0.
            keys ^= (np.ldexp(value.astype(np.float64), -exponent) + 0).view(np.uint64)
        else:
            keys ^= value.view(f"u{value.itemsize}")
        keys *= np.uint64(FACTOR)
        keys ^= keys >> np.uint64(32)
    keys *= np.uint64(OTHER_FACTOR)
    return keys


def _distinct(keys: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the index of one of each of equal keys, and how many they are."""
    slots = (keys >> np.uint64(64 - SLOT_BITS)).astype(np.intp)
    last = np.empty(1 << SLOT_BITS, np.intp)
    last[slots] = np.arange(keys.size)
    home = last[slots]
    same = keys[home] == keys
    counts = np.bincount(home[same], minlength=keys.size)
    index = np.flatnonzero(counts)
    # To sort all would take some times as long.
    others = np.flatnonzero(~same)
    _, first, n_others = np.unique(keys[others], return_index=True, return_counts=True)
    return np.concatenate([index, others[first]]), np.concatenate([counts[index], n_others])
