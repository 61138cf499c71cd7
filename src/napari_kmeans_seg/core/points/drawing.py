"""Pixels drawn by what values they have, not by where they lie.

The order of the pixels, of chunks and of images then decides nothing: a value is drawn wherever it
is, with all pixels that have it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.parallel import Tick, map_spans, spans
from .counting import add_up

BUCKET_BITS = 12
"""Bits of a hash whose frequencies show values that many pixels have."""


SHIFT = np.uint32(32 - BUCKET_BITS)


@dataclass(frozen=True)
class Odds:
    """How many times more likely some pixels are drawn than by the share alone.

    Attributes
    ----------
    of : callable
        Takes indices of pixels, or a slice.
    most : float
        No pixel has more.
    """

    of: Callable[[slice | NDArray[np.intp]], NDArray[np.float32]]
    most: float


@dataclass(frozen=True)
class Drawn:
    """Some of the distinct values of an image.

    Attributes
    ----------
    keys : (n,) uint64 array, ascending
        A hash of each, of which the high 32 bits decided.
    values : (n_channels, n) array
        The values.
    counts : (n,) float64 array
        How many pixels have each.
    share : float
        Share of all values that was drawn; 1 for all of them.
    frequencies : (2 ** BUCKET_BITS,) int64 array
        How many pixels of the image have each beginning of a hash.
    where : (n,) array of intp or None
        The place of each, where this makes it differ from others of the same value.
    """

    keys: NDArray[np.uint64]
    values: NDArray[Any]
    counts: NDArray[np.float64]
    share: float
    frequencies: NDArray[np.int64]
    where: NDArray[np.intp] | None = None

    @property
    def n(self) -> int:
        """How many values were drawn."""
        return self.keys.size

    @property
    def chance(self) -> NDArray[np.float64]:
        """What was compared with the odds of each value, from 0 to 1."""
        return (self.keys >> np.uint64(32)) / 2.0**32

    def some(self, which: NDArray[np.bool_]) -> "Drawn":
        """Return some of them."""
        where = None if self.where is None else self.where[which]
        return replace(
            self,
            keys=self.keys[which],
            values=self.values[:, which],
            counts=self.counts[which],
            where=where,
        )

    @property
    def heavy(self) -> NDArray[np.bool_]:
        """Which buckets hold a value that many pixels have, ``(2 ** BUCKET_BITS,)``.

        More pixels have their hashes than chance allows.
        """
        return self.frequencies > self._usual + self._many

    def joined(self, again: "Drawn") -> "Drawn":
        """Return what this one is with the values that many pixels have, which `again` found."""
        # Beside them in a bucket lie others, which are not drawn.
        which = self.is_heavy_in(again) | (again.chance < self.share)
        return replace(again, frequencies=self.frequencies).some(which)

    def is_heavy_in(self, drawn: "Drawn") -> NDArray[np.bool_]:
        """Which values of another draw from the same image many pixels have, ``(drawn.n,)``."""
        buckets = (drawn.keys >> np.uint64(64 - BUCKET_BITS)).astype(np.intp)
        return self.heavy[buckets] & (drawn.counts > self._many)

    @property
    def weights(self) -> NDArray[np.float64]:
        """How many pixels each value stands for, ``(n,)``."""
        return self.counts / np.where(self.is_heavy_in(self), 1, self.share)

    @property
    def _usual(self) -> float:
        return float(self.frequencies.sum()) / self.frequencies.size

    @property
    def _many(self) -> float:
        return 8 * float(np.sqrt(self._usual)) + 8


def hashes(
    values: NDArray[Any],
    seed: int,
    where: NDArray[np.intp] | None = None,
    exponent: int = 0,
) -> NDArray[np.uint32]:
    """Give each of ``(n_channels, n)`` values a number that looks random and depends on it.

    With `where`, the flat index of each pixel, it depends on this as well. Floats are divided by
    two to the power of `exponent` first.
    """
    n_channels, n = values.shape
    wide = values.dtype.itemsize == 8
    dtype: type[np.unsignedinteger[Any]] = np.uint64 if wide else np.uint32
    half = dtype(dtype().itemsize * 4)
    many = np.random.default_rng(seed).integers(1 << 63, size=n_channels + 2, dtype=np.uint64)
    factors = many.astype(dtype) | dtype(1)
    total, product = np.zeros(n, dtype), np.empty(n, dtype)
    # Channels from which it is faster to hash pixel by pixel than channel by channel.
    if n_channels > 8:
        by_pixel = _words(np.ascontiguousarray(values.T), exponent).astype(dtype, copy=False)
        np.einsum("ij,j->i", by_pixel, factors[:-2], out=total)
    else:
        for value, factor in zip(values, factors, strict=False):
            total += np.multiply(_words(value, exponent), factor, out=product, dtype=dtype)
    if where is not None:
        total += np.multiply(where.astype(dtype), factors[-2], out=product)
    for _ in range(2):
        total ^= np.right_shift(total, half, out=product)
        total *= factors[-1]
    return (total >> dtype(32)).astype(np.uint32) if wide else total.astype(np.uint32, copy=False)


def _words(values: NDArray[Any], exponent: int = 0) -> NDArray[np.unsignedinteger[Any]]:
    """Return the bits of values as integers; those of 0.0 for -0.0.

    Floats are divided by two to the power of `exponent`: by their bits, for numbers that are too
    small for it would become one.
    """
    same = (
        values + values.dtype.type(0) if values.dtype.kind == "f" else np.ascontiguousarray(values)
    )
    words: NDArray[np.unsignedinteger[Any]] = same.view(f"u{same.itemsize}")
    if exponent:
        words -= words.dtype.type(
            (exponent << np.finfo(same.dtype).nmant) % (1 << 8 * same.itemsize)
        )
        words = words.astype(np.uint32) if words.itemsize == 2 else words
        # 0 is the only number that stays what it is: no other has these bits but by an unlikely
        # chance.
        bits_of_0 = words.dtype.type(0x9E3779B97F4A7C15 >> (64 - 8 * words.itemsize))
        np.copyto(words, bits_of_0, where=values == 0)
    if words.itemsize > 2:
        # In a sum of products two changed signs would cancel.
        words = words ^ words >> words.dtype.type(4 * words.itemsize)
    return words


class Hashed:
    """The distinct values of an image by their hashes, from which some are drawn.

    Parameters
    ----------
    values : (n_channels, n) array
        The pixels.
    counting : index
        Channels in which values differ.
    where : (n,) array of intp, optional
        Place of each pixel, where this makes it differ from others of the same value.
    exponent : int
        Floats are divided by two to this power: of an image of twice the values the same are drawn.
    """

    def __init__(
        self,
        values: NDArray[Any],
        counting: slice | NDArray[np.intp] = slice(None),
        where: NDArray[np.intp] | None = None,
        exponent: int = 0,
    ) -> None:
        self._values, self._counting, self._where = values, counting, where
        self._exponent = exponent
        self.n = values.shape[1]
        self._kept: NDArray[np.uint32] | None = None
        # Numbers that one thread hashes at a time.
        self._pieces = spans(self.n, max(1 << 12, (1 << 18) // len(values)))
        # Pixels up to which their hashes are kept: 32 MB.
        if self.n <= 1 << 23:
            self._kept = np.empty(self.n, np.uint32)
            for (start, stop), part in zip(
                self._pieces, map_spans(self._hash, self._pieces), strict=True
            ):
                self._kept[start:stop] = part

    def _hash(self, start: int, stop: int) -> NDArray[np.uint32]:
        places = None if self._where is None else self._where[start:stop]
        return hashes(self._values[self._counting, start:stop], 0, places, self._exponent)

    def frequencies(self) -> NDArray[np.int64]:
        """Count how many pixels have each beginning of a hash, ``(2 ** BUCKET_BITS,)``."""

        def count(start: int, stop: int) -> NDArray[np.intp]:
            return np.bincount(self._keys(start, stop) >> SHIFT, minlength=1 << BUCKET_BITS)

        return sum(map_spans(count, self._pieces), np.zeros(1 << BUCKET_BITS, np.int64))

    def _keys(self, start: int, stop: int) -> NDArray[np.uint32]:
        return self._hash(start, stop) if self._kept is None else self._kept[start:stop]

    def draw(
        self,
        share: float,
        heavy: NDArray[np.bool_] | None = None,
        odds: Odds | None = None,
        tick: Tick | None = None,
    ) -> Drawn:
        """Draw the distinct values whose hash is low, or lies in a heavy bucket.

        Parameters
        ----------
        share : float
            Which part of the distinct values is drawn.
        heavy : (2 ** BUCKET_BITS,) bool array, optional
            Buckets of which all values are drawn.
        odds : Odds, optional
            Makes some pixels more likely; it depends on their value alone.
        tick : callable, optional
            Progress.
        """

        def part(start: int, stop: int) -> Drawn:
            keys = self._keys(start, stop)
            most = share * (odds.most if odds else 1)
            # Share of the pixels that may be drawn, up to which they are picked out to find their
            # odds.
            if odds is not None and most > 0.1:
                drawn = np.flatnonzero(keys <= _limit(share * odds.of(slice(start, stop))))
            else:
                drawn = np.flatnonzero(keys <= _limit(most))
                if odds is not None:
                    drawn = drawn[keys[drawn] <= _limit(share * odds.of(drawn + start))]
            if heavy is not None and heavy.any():
                drawn = np.union1d(drawn, np.flatnonzero(heavy.take(keys >> SHIFT)))
            block = self._values[:, drawn + start]
            where = None if self._where is None else self._where[drawn + start]
            second = hashes(block[self._counting], 1, where, self._exponent)
            both = keys[drawn].astype(np.uint64) << np.uint64(32) | second
            both, index, counts = np.unique(both, return_index=True, return_counts=True)
            where = where if where is None else where[index]
            none = np.zeros(1 << BUCKET_BITS, np.int64)
            return Drawn(
                both, block[:, index], counts.astype(np.float64), min(1.0, share), none, where
            )

        return merge_drawn(list(map_spans(part, self._pieces, tick)))

    def draw_first(self, least: int = 1 << 12) -> Drawn:
        """Draw at least so many distinct values, or all where there are no more.

        Those that many pixels have are among them.
        """
        share = min(1.0, 2 * least / self.n)
        while True:
            drawn = self.draw(share)
            if drawn.share == 1:
                return drawn
            if drawn.n >= min(least, self.n // 8):
                break
            share *= 16
        drawn = replace(drawn, frequencies=self.frequencies())
        return drawn.joined(self.draw(share, drawn.heavy)) if drawn.heavy.any() else drawn


def _limit(share: float | NDArray[np.float32]) -> Any:
    """Return up to which hash values are drawn: all of them from a share of 1 on."""
    most = np.nextafter(np.float32(2**32), np.float32(0))
    below = np.minimum(share * np.float32(2.0**32), most).astype(np.uint32)
    return np.where(np.asarray(share) < 1, below, np.uint32(2**32 - 1))


def merge_drawn(parts: list[Drawn]) -> Drawn:
    """Return what was drawn from the parts of an image; their order changes nothing."""
    if len(parts) == 1:
        return parts[0]
    keys, counts, first = add_up([part.keys for part in parts], [part.counts for part in parts])
    places = [part.where for part in parts if part.where is not None]
    return Drawn(
        keys,
        np.concatenate([part.values for part in parts], axis=1)[:, first],
        counts,
        parts[0].share,
        np.sum([part.frequencies for part in parts], axis=0),
        np.concatenate(places)[first] if places else None,
    )
