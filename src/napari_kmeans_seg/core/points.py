"""Distinct pixel values with counts: all that k-means needs to know of an image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from timeit import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .drawn import draw
from .packing import TABLE_BITS, Packing, packing_of
from .parallel import Tick, map_spans, n_threads, no_tick, spans
from .pixels import Pixels

SEARCH_LIMIT = 1 << 22
"""Pixels up to which it pays to look for repeated values that no table can hold."""

DENSE_LIMIT = 1 << 18
"""Distinct values of one channel that are few enough, even if they hardly repeat."""

DRAWN = 1 << 16
"""Pixels that are drawn to find out whether values repeat."""

FEW_DRAWN = 1 << 14
"""Pixels that are drawn to find out whether it pays to look."""

SURELY = 1.1
"""How many times more values than allowed are found in a share of them before they are surely too
many: 15 standard deviations."""

COUNT_CHUNK = 1 << 23
"""Pixels that are counted at a time: 32 MB of packed colours."""

LARGE = 1 << 21
"""Pixels from which it pays to look through a table of all values."""

SLOW = 4
"""Times as long that sorting may take per core as adding to a table, which one core does."""

BLOCK_BITS = 5
"""Codes in a row that a table of blocks has room for if one of them occurs: 32."""

IN_CACHE = 1 << 17
"""Codes that are counted at a time, so that what they take stays in the cache."""

NOISE = 1 << 19
"""Pixels that are not cut into pieces, and colours that are never too many."""

COLORS = 1 << 23
"""Colours that are always too many: half of all that 24 bits can tell."""

MERGED = 8
"""Parts of an image that are merged at a time: fewer would move each value more often."""


RANGE = 1 << 17
"""Distinct values that one thread merges at a time."""


@dataclass(frozen=True)
class WeightedPoints:
    """Points that stand for many pixels each.

    Attributes
    ----------
    keys : (n_points,) array, ascending
        What tells the points apart: the packed value, the value itself or the bin.
    values : tuple of (n_points,) arrays
        Coordinates, one array per channel: the values of the pixels in the image's dtype
        where they are distinct values, or the means of the pixels in a bin. Empty for codes
        that are yet to be unpacked.
    counts : (n_points,) int64 array
        Pixels that each point stands for.
    """

    keys: NDArray[Any]
    values: tuple[NDArray[Any], ...]
    counts: NDArray[np.int64]

    @property
    def n_points(self) -> int:
        """Number of points."""
        return self.keys.size

    @property
    def n_pixels(self) -> int:
        """Number of pixels that the points stand for."""
        return int(self.counts.sum())


def merge(parts: Sequence[WeightedPoints]) -> WeightedPoints:
    """Add up the points of the parts of an image.

    Points with the same key become one, with the sum of the counts and the mean of the
    values. The order of the parts changes nothing for distinct values.
    """
    if len(parts) == 1:
        return parts[0]
    codes = parts[0].keys.dtype == np.uint32 and not parts[0].values
    if codes and sum(part.n_pixels for part in parts) < 1 << 32:
        return _merge_codes(parts)
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = _starts(keys)
    counts = np.concatenate([part.counts for part in parts])[order]
    total = np.add.reduceat(counts, starts)
    values = []
    for channel in zip(*(part.values for part in parts), strict=True):
        value = np.concatenate(channel)[order]
        first = value[starts]
        if value.dtype.kind == "f":
            # Relative to the first of each key: equal values stay what they are, bit for bit.
            step = (value - np.repeat(first, np.diff(starts, append=keys.size))) * counts
            first = first + (np.add.reduceat(step, starts) / total).astype(value.dtype)
        values.append(first)
    return WeightedPoints(keys[starts], tuple(values), total)


def _merge_codes(parts: Sequence[WeightedPoints]) -> WeightedPoints:
    """Merge counted 32-bit codes, some ranges of them at a time."""
    largest = max((part.keys for part in parts), key=len)
    cuts = largest[RANGE::RANGE]
    edges = [[0, *np.searchsorted(part.keys, cuts), part.n_points] for part in parts]

    def merge_range(start: int, stop: int) -> WeightedPoints:
        inside = [slice(edge[start], edge[stop]) for edge in edges]
        keys = [part.keys[one] for part, one in zip(parts, inside, strict=True)]
        counts = [part.counts[one] for part, one in zip(parts, inside, strict=True)]
        # NumPy sorts numbers that hold a code and its count several times faster than it finds
        # the order of the codes.
        pairs = np.concatenate(keys).astype(np.uint64)
        pairs <<= np.uint64(32)
        pairs |= np.concatenate(counts).view(np.uint64)
        pairs.sort()
        codes = (pairs >> np.uint64(32)).astype(np.uint32)
        pairs &= np.uint64(0xFFFFFFFF)
        starts = _starts(codes)
        return WeightedPoints(codes[starts], (), np.add.reduceat(pairs.view(np.int64), starts))

    return _concatenate(map_spans(merge_range, spans(len(cuts) + 1, 1)))


def _concatenate(ranges: Iterable[WeightedPoints]) -> WeightedPoints:
    """Put counted codes of one range after another."""
    keys, counts = zip(*((part.keys, part.counts) for part in ranges), strict=True)
    return WeightedPoints(np.concatenate(keys), (), np.concatenate(counts))


def _starts(ascending: NDArray[Any]) -> NDArray[np.intp]:
    """Index of the first of each run of equal keys."""
    if ascending.size == 0:
        return np.empty(0, np.intp)
    changes = np.flatnonzero(ascending[1:] != ascending[:-1])
    return np.concatenate([np.zeros(1, np.intp), changes + 1])


def unpack(points: WeightedPoints, packing: Packing) -> WeightedPoints:
    """Give counted codes the values that they stand for."""
    return replace(points, values=packing.unpack(points.keys))


def count_codes(
    pixels: Pixels,
    packing: Packing,
    tick: Tick | None = None,
    *,
    whole: bool = False,
) -> WeightedPoints:
    """Count the distinct packed values of an image.

    Parameters
    ----------
    pixels : Pixels
        The image.
    packing : Packing
        How its values are packed.
    tick : callable, optional
        Progress.
    whole : bool
        Whether to leave up to some million pixels in one piece, for one core: where the others
        have images of their own to count.

    Returns
    -------
    WeightedPoints
        Without values: `unpack` gives them to the points of the whole image.
    """
    if packing.n_bits <= 16:
        table = np.zeros(1 << packing.n_bits, np.int64)

        def histogram(start: int, stop: int) -> NDArray[np.intp]:
            codes = packing.pack(pixels.take(start, stop), np.intp)
            return np.bincount(codes, minlength=table.size)

        for counts in map_spans(histogram, spans(pixels.n_pixels, 1 << 19), tick):
            table += counts
        codes = np.flatnonzero(table).astype(np.uint32)
        return WeightedPoints(codes, (), table[codes])

    in_table = packing.n_bits <= TABLE_BITS and _sorting_is_slow()
    if in_table and pixels.n_pixels >= LARGE and not whole:
        return _count_in_table(pixels, packing, tick)

    def distinct(start: int, stop: int) -> WeightedPoints:
        codes = packing.pack(pixels.take(start, stop))
        return _count_in_blocks(codes, packing.n_bits) if in_table else count_sorted(codes)

    size = COUNT_CHUNK if whole else min(COUNT_CHUNK, max(NOISE, -(-pixels.n_pixels // 2)))
    parts: list[WeightedPoints] = []
    for part in map_spans(distinct, spans(pixels.n_pixels, size), tick):
        parts.append(part)
        if len(parts) == MERGED:
            parts = [merge(parts)]
    return merge(parts)


@cache
def _sorting_is_slow() -> bool:
    """Whether NumPy sorts so slowly here that one core counts sooner than all of them sort.

    On AMD's Zen 4 it sorts by instructions that take several times as long there as those without
    AVX-512 do: https://github.com/numpy/x86-simd-sort/issues/6. Nothing but the time depends on
    the answer.
    """
    values = np.random.default_rng(0).integers(1 << TABLE_BITS, size=1 << 15, dtype=np.uint32)
    index, table = (values & 0x7FFF).astype(np.intp), np.zeros(1 << 15, np.uint32)
    sort = min(repeat(lambda: np.sort(values), number=1, repeat=3))
    add = min(repeat(lambda: np.add.at(table, index, np.uint32(1)), number=1, repeat=3))
    return sort > SLOW * n_threads() * add


def _count_in_table(pixels: Pixels, packing: Packing, tick: Tick | None) -> WeightedPoints:
    """Count as `count_codes` does, in a table of all values."""
    tick = tick or no_tick
    wide = np.uint32 if pixels.n_pixels < 1 << 32 else np.int64
    table = np.zeros(1 << packing.n_bits, wide)
    for start, stop in spans(pixels.n_pixels):
        tick(start / pixels.n_pixels)
        np.add.at(table, packing.pack(pixels.take(start, stop), np.intp), wide(1))

    def occupied(start: int, stop: int) -> WeightedPoints:
        codes = np.flatnonzero(table[start:stop] != 0) + start
        return WeightedPoints(codes.astype(np.uint32), (), table[codes].astype(np.int64))

    return _concatenate(map_spans(occupied, spans(table.size)))


def _count_in_blocks(codes: NDArray[Any], n_bits: int) -> WeightedPoints:
    """Count codes in a table of the blocks that they lie in: of all values it would be too large.

    The codes are of so many bits; fewer pixels than 2**32.
    """
    inside = codes.dtype.type((1 << BLOCK_BITS) - 1)
    shift = codes.dtype.type(BLOCK_BITS)
    pieces = spans(codes.size, IN_CACHE)
    occupied = np.zeros(1 << n_bits >> BLOCK_BITS, bool)
    for start, stop in pieces:
        occupied[(codes[start:stop] >> shift).astype(np.intp)] = True
    blocks = np.flatnonzero(occupied)
    first = np.zeros(occupied.size, np.intp)
    first[blocks] = np.arange(blocks.size) << BLOCK_BITS
    table = np.zeros(blocks.size << BLOCK_BITS, np.uint32)
    for start, stop in pieces:
        part = codes[start:stop]
        index = first.take(part >> shift)
        index += part & inside
        np.add.at(table, index, np.uint32(1))
    index = np.flatnonzero(table != 0)
    keys = blocks[index >> BLOCK_BITS] << BLOCK_BITS | index & int(inside)
    return WeightedPoints(keys.astype(codes.dtype), (), table[index].astype(np.int64))


def count_sorted(keys: NDArray[Any]) -> WeightedPoints:
    """Count equal keys by sorting them in place; NumPy sorts numbers with vector instructions."""
    keys.sort()
    starts = _starts(keys)
    return WeightedPoints(keys[starts], (), np.diff(starts, append=keys.size).astype(np.int64))


def _draw(pixels: Pixels, packing: Packing | None, size: int) -> WeightedPoints:
    """Count the values of pixels drawn at random."""
    inside = None if pixels.valid is None else np.flatnonzero(pixels.valid)
    n = pixels.n_pixels if inside is None else inside.size
    where = np.random.default_rng(0).integers(n, size=size)
    drawn = pixels.at(where if inside is None else inside[where])
    keys = drawn[0] if packing is None else packing.pack(drawn)
    return count_sorted(keys.copy())


def _may_repeat(pixels: Pixels, packing: Packing | None, n_most: int) -> bool:
    """Tell from pixels drawn at random whether there may be so few distinct values as `n_most`.

    Of as many values, however they are spread over the image and however often each occurs, two
    draws are the same at least once in `n_most` times.
    """
    if pixels.n_pixels <= max(n_most, DRAWN):
        return True
    # Half of those that are expected, which is twenty standard deviations fewer.
    return DRAWN - _draw(pixels, packing, DRAWN).n_points >= DRAWN**2 / (4 * n_most)


def most_colors(n_pixels: int) -> int:
    """Return how many values of up to 24 bits so many pixels have at most, if they are not noise.

    In noise nearly every pixel has a colour of its own. To cluster all of them would take longer
    than to cluster the pixels one by one, and much memory.
    """
    return max(NOISE, min(n_pixels // 2, COLORS))


def _is_noise(pixels: Pixels, packing: Packing, n_most: int) -> bool:
    """Tell whether there are surely more distinct values than `n_most`, sooner than by counting.

    It costs time only where few values of pixels drawn at random repeat; then values drawn by their
    numbers tell how many there are. Whether it is found out or not, the image is noise if there are
    more: so the order of the pixels decides nothing but the time.
    """
    n = pixels.n_valid
    if min(n, 1 << packing.n_bits) <= n_most:
        return False
    # Four times those that are expected if all values are as frequent; a background is only one.
    n_repeated = np.count_nonzero(_draw(pixels, packing, FEW_DRAWN).counts > 1)
    if n_repeated > 2 * FEW_DRAWN**2 / n_most:
        return False
    share = DRAWN / n
    return draw(pixels, share).n > SURELY * share * n_most


def distinct_points(
    pixels: Pixels, tick: Tick | None = None
) -> tuple[WeightedPoints | None, Packing | None]:
    """Find the distinct values of an image, where they are few enough to be worth it.

    Returns
    -------
    points : WeightedPoints or None
        None where values hardly repeat.
    packing : Packing or None
        Not None where a table of all packed values can look up a pixel's label.
    """
    few = DENSE_LIMIT if pixels.n_channels == 1 else 0
    packing = packing_of(pixels)
    if packing is not None and packing.n_bits <= TABLE_BITS:
        n_most = most_colors(pixels.n_valid)
        if _is_noise(pixels, packing, n_most):
            return None, None
        counted = count_codes(pixels, packing, tick)
        return (unpack(counted, packing), packing) if counted.n_points <= n_most else (None, None)
    n_most = max(few, pixels.n_pixels // 4)
    if pixels.n_pixels > SEARCH_LIMIT or not _may_repeat(pixels, packing, n_most):
        return None, None
    if packing is not None:
        points = unpack(count_codes(pixels, packing, tick), packing)
    elif pixels.n_channels == 1:
        keys = pixels.take(0, pixels.n_pixels)[0].copy()
        points = count_sorted(keys)
        points = WeightedPoints(points.keys, (points.keys,), points.counts)
    else:
        return None, None
    if points.n_points > n_most:
        return None, None
    return points, None
