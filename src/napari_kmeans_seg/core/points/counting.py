"""Distinct values of an image with their counts, and tables that look up what they have."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ..base.parallel import Tick, map_spans, spans
from ..image.pixels import Pixels

HISTOGRAM_BITS = 16
"""Bits of a pixel up to which counting adds to a table of all."""

SORTED_AT_ONCE = 1 << 23
"""Pixels that one thread sorts at a time: 32 MB of packed colours."""

NEVER_NOISE, ALWAYS_NOISE = 1 << 19, 1 << 23
"""Colours that are never too many to be counted, and half of all that 24 bits can have."""

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Counted:
    """Distinct keys with counts.

    Attributes
    ----------
    keys : (n,) array, ascending
        Packed values, or the values of one channel.
    counts : (n,) int64 array
        Pixels that have each.
    """

    keys: NDArray[Any]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Packing:
    """How the integers of a pixel are packed into one number of few bits, and back.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the values.
    n_channels : int
        The first is the highest.
    """

    dtype: np.dtype[Any]
    n_channels: int

    @property
    def bits(self) -> int:
        """Bits of one channel."""
        return 1 if self.dtype.kind == "b" else 8 * self.dtype.itemsize

    @property
    def n_bits(self) -> int:
        """Bits of a packed value."""
        return self.bits * self.n_channels

    def pack(self, values: NDArray[Any], dtype: type[np.integer[Any]] = np.uint32) -> Codes:
        """Pack ``(n_channels, n)`` values into ``(n,)`` codes of a dtype of 32 bits or more."""
        if self.dtype == np.uint8 and _is_interleaved(values):
            # Four bytes are a number: the three of a pixel, and the next one to be shifted out.
            # The last pixel has no next one.
            n = values.shape[1]
            four = as_strided(values, (n - 1, 4), (values.strides[1], 1)).view(">u4")[:, 0]
            codes = np.empty(n, dtype)
            codes[:-1] = four
            codes >>= dtype(8)
            codes[-1:] = int.from_bytes(values[:, -1].tobytes(), "big")
            return codes
        if self.dtype == np.uint8 and len(values) == 3 and sys.byteorder == "little":
            # A third faster than shifting and adding.
            pixels = np.zeros((values.shape[1], 4), np.uint8)
            pixels[:, 2::-1] = values.T
            return pixels.view(np.uint32)[:, 0].astype(dtype, copy=False)
        codes = self._from_0(values[0]).astype(dtype)
        for value in values[1:]:
            codes <<= dtype(self.bits)
            codes |= self._from_0(value)
        return codes

    def unpack(self, codes: Codes) -> NDArray[Any]:
        """Return the values of codes, ``(n_channels, n)``."""
        shifts = np.arange(self.n_channels)[::-1, np.newaxis] * self.bits
        values = codes >> shifts.astype(codes.dtype) & codes.dtype.type((1 << self.bits) - 1)
        if self.dtype.kind == "i":
            values = values.astype(np.int64) + np.iinfo(self.dtype).min
        return values.astype(self.dtype)

    def _from_0(self, value: NDArray[Any]) -> NDArray[Any]:
        """Say how far integers lie above the smallest one."""
        if self.dtype.kind != "i":
            return value
        # Two's complement: the sign bit, turned over.
        unsigned = value.view(f"u{value.itemsize}")
        turned: NDArray[Any] = unsigned ^ unsigned.dtype.type(1 << (self.bits - 1))
        return turned


def _is_interleaved(values: NDArray[Any]) -> bool:
    """Whether three channels of bytes lie in memory pixel by pixel, as RGB images do."""
    is_rgb = len(values) == 3 and values.shape[1] > 1
    return is_rgb and values.strides[0] == 1 and values.strides[1] >= 3


def packing_of(dtype: np.dtype[Any], n_channels: int) -> Packing | None:
    """Find how all values that a dtype can hold pack into at most 24 bits, if they do."""
    if dtype.kind not in "bui":
        return None
    packing = Packing(dtype, n_channels)
    return packing if packing.n_bits <= 24 else None


def most_values(n_pixels: int) -> int:
    """Return how many packed values so many pixels have at most, if they are not noise.

    In noise nearly every pixel has a colour of its own. To cluster all of them would take longer
    than to cluster the pixels one by one, and much memory.
    """
    return max(NEVER_NOISE, min(n_pixels // 2, ALWAYS_NOISE))


def count(pixels: Pixels, packing: Packing, tick: Tick | None = None) -> Counted:
    """Count the distinct packed values of an image.

    Up to 16 bits in a histogram; else each thread sorts its part, and the counted parts are merged.
    NumPy sorts integers with vector instructions where the processor has them (AVX-512, AVX2,
    NEON): a megapixel takes some 5 ms per core, and some 50 ms without.
    """
    if packing.n_bits <= HISTOGRAM_BITS:
        table = np.zeros(1 << packing.n_bits, np.int64)

        def histogram(start: int, stop: int) -> NDArray[np.intp]:
            codes = packing.pack(pixels.take(start, stop), np.intp)
            return np.bincount(codes, minlength=table.size)

        for counts in map_spans(histogram, spans(pixels.n_pixels, 1 << 19), tick):
            table += counts
        codes = np.flatnonzero(table)
        return Counted(codes.astype(np.uint32), table[codes])

    def count_part(start: int, stop: int) -> Counted:
        return count_sorted(packing.pack(pixels.take(start, stop)))

    return merge(list(map_spans(count_part, spans(pixels.n_pixels, SORTED_AT_ONCE), tick)))


def count_values(values: NDArray[Any], tick: Tick | None = None) -> Counted:
    """Count the distinct numbers of ``(n,)`` values, none of which is NaN."""

    def count_part(start: int, stop: int) -> Counted:
        # The sum with 0 makes -0.0 to 0.0.
        part = values[start:stop]
        return count_sorted(part + part.dtype.type(0) if part.dtype.kind == "f" else part.copy())

    return merge(list(map_spans(count_part, spans(values.size, SORTED_AT_ONCE), tick)))


def count_sorted(keys: NDArray[Any]) -> Counted:
    """Count equal keys by sorting them in place."""
    keys.sort()
    starts = starts_of(keys)
    return Counted(keys[starts], np.diff(starts, append=keys.size).astype(np.int64))


def merge(parts: Sequence[Counted]) -> Counted:
    """Add up the counts of the parts of an image; their order changes nothing."""
    if len(parts) == 1:
        return parts[0]
    keys, counts, _ = add_up([part.keys for part in parts], [part.counts for part in parts])
    return Counted(keys, counts)


def add_up(
    keys: Sequence[NDArray[Any]], counts: Sequence[NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.intp]]:
    """Add up what equal keys of several parts count, each of which has its keys in order.

    Returns
    -------
    keys, counts : (n,) arrays
        Ascending, each once.
    first : (n,) array of intp
        Where each stands first in all parts, one after the other.
    """
    all_keys = np.concatenate(keys)
    # Parts are sorted: a stable sort merges them.
    order = np.argsort(all_keys, kind="stable")
    starts = starts_of(all_keys[order])
    total = np.concatenate(counts)[order]
    first = order[starts]
    return all_keys[first], np.add.reduceat(total, starts) if starts.size else total, first


def starts_of(ascending: NDArray[Any]) -> NDArray[np.intp]:
    """Index of the first of each run of equal keys."""
    if ascending.size == 0:
        return np.empty(0, np.intp)
    changes = np.flatnonzero(ascending[1:] != ascending[:-1])
    return np.concatenate([np.zeros(1, np.intp), changes + 1])


def table_of(codes: Codes, packing: Packing, of_codes: NDArray[Any]) -> NDArray[Any]:
    """Lay what each code has out in a table of all; others have 0."""
    table = np.zeros(1 << packing.n_bits, of_codes.dtype)
    table[codes] = of_codes
    return table


def look_up(
    table: NDArray[Any], packing: Packing, pixels: Pixels, tick: Tick | None = None
) -> NDArray[Any]:
    """Return what `table` has for the packed value of each pixel; 0 where it takes no part."""

    def fill(values: NDArray[Any], out: NDArray[Any]) -> None:
        # No code is out of range: with "wrap" NumPy writes straight to the result.
        np.take(table, packing.pack(values, np.intp), out=out, mode="wrap")

    return _filled(fill, table.dtype, pixels, tick)


def look_up_sorted(
    keys: NDArray[Any], of_keys: NDArray[Any], pixels: Pixels, tick: Tick | None = None
) -> NDArray[Any]:
    """Return what each pixel of one channel has, given what ascending values have.

    Pixels that take no part have 0. The values need not be among the keys: what is asked for is
    constant between some of them, as the label of the nearest centroid is.
    """
    firsts = np.append(0, np.flatnonzero(of_keys[1:] != of_keys[:-1]) + 1)
    edges, of_runs = keys[firsts[1:]], of_keys[firsts]

    def fill(values: NDArray[Any], out: NDArray[Any]) -> None:
        of_runs.take(np.searchsorted(edges, values[0], "right"), out=out, mode="clip")

    return _filled(fill, of_keys.dtype, pixels, tick)


def _filled(
    fill: Callable[[NDArray[Any], NDArray[Any]], None],
    dtype: np.dtype[Any],
    pixels: Pixels,
    tick: Tick | None,
) -> NDArray[Any]:
    """Fill in what pixels have by their values, ``(n_channels, n)``; 0 where they take no part."""
    out = np.empty(pixels.n_pixels, dtype)

    def fill_part(start: int, stop: int) -> None:
        fill(pixels.channels[:, start:stop], out[start:stop])
        if pixels.valid is not None:
            out[start:stop] *= pixels.valid[start:stop]

    for _ in map_spans(fill_part, spans(pixels.n_pixels), tick):
        pass
    return out
