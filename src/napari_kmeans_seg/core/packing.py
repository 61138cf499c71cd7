"""The integer values of a pixel as one number."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from .parallel import map_spans, spans
from .pixels import Pixels

TABLE_BITS = 24
"""Packed values of up to 24 bits (8-bit RGB) index a table of all possible values."""


@dataclass(frozen=True)
class Packing:
    """How the integer values of a pixel are packed into one number, and back.

    Attributes
    ----------
    low : tuple of int
        Smallest value of each channel.
    bits : tuple of int
        Bits that each channel takes.
    dtype : numpy.dtype
        Of the values.
    """

    low: tuple[int, ...]
    bits: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def n_bits(self) -> int:
        """Bits of a packed value."""
        return sum(self.bits)

    def pack(
        self, values: list[NDArray[Any]], dtype: type[np.integer[Any]] | None = None
    ) -> NDArray[np.integer[Any]]:
        """Pack ``(n,)`` values per channel into ``(n,)`` codes; the first channel is highest.

        By default the codes are uint32, or uint64 where they need it; as np.intp they are what
        NumPy makes of any index.
        """
        wide = np.dtype(dtype or (np.uint32 if self.n_bits <= 32 else np.uint64))
        if self.dtype == np.uint8 and _interleaved(values):
            # Four bytes are a number: the three of a pixel, and the next one to be shifted out.
            # The last pixel has no next one.
            four = as_strided(values[0], (values[0].size - 1, 4), (values[0].strides[0], 1))
            codes = np.empty(values[0].size, wide)
            codes[:-1] = four.view(">u4")[:, 0]
            codes >>= wide.type(8)
            codes[-1:] = self.pack([value[-1:] for value in values])
            return codes
        if self.dtype == np.uint8 and len(values) == 3 and sys.byteorder == "little":
            # A third faster than shifting and adding.
            pixels = np.zeros((values[0].size, 4), np.uint8)
            for place, value in zip((2, 1, 0), values, strict=True):
                pixels[:, place] = value
            return pixels.view(np.uint32)[:, 0].astype(wide, copy=False)
        first, *others = map(_above, values, self.low)
        codes = first.astype(wide)
        for value, bits in zip(others, self.bits[1:], strict=True):
            codes <<= wide.type(bits)
            codes |= value.astype(wide, copy=False)
        return codes

    def unpack(self, codes: NDArray[np.unsignedinteger]) -> tuple[NDArray[Any], ...]:
        """Unpack codes into one array per channel, in the dtype of the values."""
        channels: list[NDArray[Any]] = []
        shift = self.n_bits
        for low, bits in zip(self.low, self.bits, strict=True):
            shift -= bits
            part = (codes >> codes.dtype.type(shift)) & codes.dtype.type((1 << bits) - 1)
            if self.dtype == bool:
                channels.append(part.astype(bool))
                continue
            unsigned = part.astype(f"u{self.dtype.itemsize}")
            channels.append(unsigned.view(self.dtype) + np.array(low, self.dtype))
        return tuple(channels)


def _above(value: NDArray[Any], low: int) -> NDArray[Any]:
    """How far integers lie above the smallest one."""
    if not low:
        return value
    # Two's complement wraps around: the difference is right in any width.
    value = value - np.array(low, value.dtype)
    return value.view(f"u{value.dtype.itemsize}")


def _interleaved(values: list[NDArray[Any]]) -> bool:
    """Whether three channels of bytes lie in memory pixel by pixel, as RGB images do."""
    if len(values) != 3 or values[0].size < 2:
        return False
    strides = {value.strides[0] for value in values}
    first, *others = (value.__array_interface__["data"][0] for value in values)
    return len(strides) == 1 and min(strides) >= 3 and others == [first + 1, first + 2]


def packing_of_dtype(dtype: np.dtype[Any], n_channels: int) -> Packing | None:
    """Find how all values that a dtype can hold pack into at most 24 bits, if they do."""
    if dtype.kind not in "bui":
        return None
    bits = 1 if dtype.kind == "b" else 8 * dtype.itemsize
    if bits * n_channels > TABLE_BITS:
        return None
    low = int(np.iinfo(dtype).min) if dtype.kind == "i" else 0
    return Packing((low,) * n_channels, (bits,) * n_channels, dtype)


def packing_of(pixels: Pixels) -> Packing | None:
    """Find how the pixels of an image pack into at most 64 bits, if they do.

    Up to 8 bits per channel (16 for one channel) the dtype says it; for wider integers
    the range of the values does.
    """
    dtype, n = pixels.dtype, pixels.n_channels
    if dtype.kind not in "bui":
        return None
    packing = packing_of_dtype(dtype, n)
    if packing is not None:
        return packing
    if dtype.kind == "b":
        # A bit each, whatever they are: True has no difference to another.
        return Packing((0,) * n, (1,) * n, dtype) if n <= 64 else None

    def extremes(start: int, stop: int) -> list[tuple[int, int]]:
        parts = pixels.take(start, stop)
        return [(int(part.min()), int(part.max())) for part in parts] if parts[0].size else []

    found = [one for one in map_spans(extremes, spans(pixels.n_pixels)) if one]
    lows = tuple(min(one[c][0] for one in found) for c in range(n))
    widths = tuple((max(one[c][1] for one in found) - lows[c]).bit_length() for c in range(n))
    return Packing(lows, widths, dtype) if sum(widths) <= 64 else None
