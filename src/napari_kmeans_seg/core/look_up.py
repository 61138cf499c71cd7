"""What each distinct value of an image has, for all of its pixels."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .nearest import Labels
from .packing import Packing, packing_of_dtype
from .parallel import Span, Tick, map_spans, spans
from .pixels import Pixels
from .points import WeightedPoints

FEW_BITS = 16
"""Bits of packed values up to which a table of all stays in the cache."""

KEPT = 1 << 27
"""Pixels up to which the number of each is kept: 512 MB."""


def table_of(
    keys: NDArray[np.unsignedinteger], packing: Packing, labels: NDArray[Any]
) -> NDArray[Any]:
    """Lay the label of each packed value in `keys` out in a table of all; others have 0."""
    table = np.zeros(1 << packing.n_bits, labels.dtype)
    table[keys] = labels
    return table


def look_up(
    table: Labels, packing: Packing, pixels: Pixels, labels: Labels, tick: Tick | None = None
) -> None:
    """Write the label of each pixel, which `table` has for its packed value, to `labels`."""
    mode = _mode(packing)

    def fill(start: int, stop: int) -> None:
        _take(table, packing, pixels, (start, stop), labels, mode)
        if pixels.valid is not None:
            labels[start:stop] *= pixels.valid[start:stop]

    for _ in map_spans(fill, spans(pixels.n_pixels), tick):
        pass


Mode = Literal["wrap", "clip"]


def _mode(packing: Packing) -> Mode:
    # Both modes let NumPy write straight to the labels. That no code is out of range is seen sooner
    # with "wrap". But where the range was that of the values, pixels that do not take part may lie
    # far off it, and "wrap" would come back by subtracting the size of the table again and again.
    is_of_dtype = packing == packing_of_dtype(packing.dtype, len(packing.bits))
    return "wrap" if is_of_dtype else "clip"


def _take(
    table: NDArray[Any], packing: Packing, pixels: Pixels, span: Span, out: NDArray[Any], mode: Mode
) -> None:
    part = slice(*span)
    codes = packing.pack([channel[part] for channel in pixels.channels], np.intp)
    np.take(table, codes, out=out[part], mode=mode)


class PixelLookup:
    """Looks up what distinct values have, for the pixels of one image."""

    def __init__(self, pixels: Pixels, points: WeightedPoints, packing: Packing) -> None:
        self._pixels, self._keys, self._packing = pixels, points.keys, packing
        self._numbers: NDArray[np.unsignedinteger] | None = None

    def __call__(
        self, of_points: Labels, labels: Labels, tick: Tick | None = None, *, keep: bool = False
    ) -> None:
        """Write the label of each pixel, which `of_points` has for its distinct value, to `labels`.

        Pixels that do not take part have 0. With `keep` the number of each pixel's distinct value
        is kept. From the next time on it takes half the time, as pixels are not read again, and
        what is looked up stays in the cache.
        """
        pixels, packing = self._pixels, self._packing
        keep &= packing.n_bits > FEW_BITS and pixels.n_pixels <= KEPT
        if self._numbers is None and not keep:
            table = table_of(self._keys, packing, of_points)
            look_up(table, packing, pixels, labels, tick)
            return
        # What pixels have that do not take part.
        labels_of = np.append(of_points, of_points.dtype.type(0))
        if self._numbers is not None:
            numbers = self._numbers

            def fill(start: int, stop: int) -> None:
                np.take(labels_of, numbers[start:stop], out=labels[start:stop], mode="wrap")

        else:
            n = self._keys.size
            numbers = np.empty(pixels.n_pixels, np.min_scalar_type(n))
            table = table_of(self._keys, packing, np.arange(n, dtype=numbers.dtype))
            mode = _mode(packing)

            def fill(start: int, stop: int) -> None:
                _take(table, packing, pixels, (start, stop), numbers, mode)
                if pixels.valid is not None:
                    numbers[start:stop][~pixels.valid[start:stop]] = n
                np.take(labels_of, numbers[start:stop], out=labels[start:stop], mode="wrap")

        for _ in map_spans(fill, spans(pixels.n_pixels), tick):
            pass
        self._numbers = numbers
