"""Whether an array is still the one that it was, and still has the pixels that it had."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from weakref import finalize, ref

import numpy as np

from .arrays import inner_array, is_lazy

if TYPE_CHECKING:
    from collections.abc import Callable

Changed = Literal["pixels", "region", "seeds"]
"""What may be another one by now than it was in a run."""

LOOKED_AT = 1 << 28
"""Bytes of an array that are compared, in less than a fifth of a second: of a larger one some
rows, evenly spread."""


@dataclass(eq=False)
class _Seen:
    """The pixels that an array was seen to have, numbered as they came."""

    numbers: dict[str, int] = field(default_factory=dict)
    now: int = 0


# By the ids of arrays, for these cannot be keys; each goes with its array.
_seen: dict[int, _Seen] = {}


class Same:
    """An array in a key: equal to no other one, and not kept alive by the key.

    Nor is it equal to itself once `look_at` has found other pixels in it: what is written into an
    array is an event to nobody.
    """

    def __init__(self, array: object) -> None:
        self._hash = id(array)
        try:
            self._get: Callable[[], object] = ref(array)
        except TypeError:  # such as lists of lists
            self._get = lambda: array
        self._pixels = _seen[id(array)].now if id(array) in _seen else 0

    @property
    def now(self) -> Same:
        """The same array, with the pixels that it was last seen to have."""
        array = self._get()
        return self if array is None else Same(array)

    def __eq__(self, other: object) -> bool:
        array = self._get()
        if not isinstance(other, Same) or array is None:
            return False
        return array is other._get() and self._pixels == other._pixels

    def __hash__(self) -> int:
        return self._hash


def look_at(array: object, progress: Callable[[float, str], object] | None = None) -> bool:
    """See which pixels an array has by now. Any thread may do this.

    Arrays that are lazy or lie in a file are not read.

    Returns
    -------
    bool
        Whether they are others than when it was last looked at.
    """
    pixels = inner_array(array)
    if not isinstance(pixels, np.ndarray) or isinstance(pixels, np.memmap):
        return False
    every = -(-pixels.nbytes // LOOKED_AT)
    if every > 1:
        axis = int(np.argmax(pixels.shape))
        pixels = pixels[(slice(None),) * axis + (slice(None, None, every),)]
    found = fingerprint(pixels, progress)
    if id(array) not in _seen:
        finalize(array, _seen.pop, id(array), None).atexit = False
        _seen[id(array)] = _Seen()
    seen = _seen[id(array)]
    before, seen.now = seen.now, seen.numbers.setdefault(found, len(seen.numbers))
    return seen.now != before


def fingerprint(data: Any, progress: Callable[[float, str], object] | None = None) -> str:
    """Sum up an array, to compare it later: its dtype, shape and a CRC-32 of its bytes.

    CRC-32 reads some gigabytes a second and sees every change by hand; it is no guard
    against forgery, which nobody needs here. It goes by slabs of some 32 megabytes, and
    asks `progress` between them, so that it can be cancelled. A lazy array is not computed:
    its name, which changes with whatever is done to it, stands for it.
    """
    if isinstance(data, Sequence):  # the levels of a pyramid
        return " | ".join(fingerprint(level, progress) for level in data)
    if is_lazy(data):
        return f"{data.dtype.str} {data.shape} {data.name}"
    array = np.asarray(data)
    crc = 0
    if array.size:
        n_rows = max(1, (32 << 20) * len(array) // max(1, array.nbytes)) if array.ndim else 1
        for start in range(0, len(array) if array.ndim else 1, n_rows):
            if progress is not None:
                progress(start / max(1, len(array)), "Comparing")
            slab = array[start : start + n_rows] if array.ndim else array
            crc = zlib.crc32(np.ascontiguousarray(slab).reshape(-1).view(np.uint8).data, crc)
    return f"{array.dtype.str} {array.shape} {crc:08x}"
