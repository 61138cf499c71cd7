"""What a pool of images keeps while it reads: counts that add up, or pixels and where they are."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import NoPixels
from ..base.note import Note
from ..base.notes import Plain
from ..base.parallel import Progress, Tick
from ..image.features import divide, power_of_two
from ..image.pixels import Pixels, flatten
from ..model_parts.same_kind import Kind, same_channels
from ..points.counted_image import CountedImage
from ..points.counting import Counted, Packing, merge, packing_of
from ..points.image_points import ImagePoints
from ..points.reading import feature_space, of_inputs
from ..prepare import prepare
from ..prepared import PreparedImage
from .sources import How, Part, Summary, rows_again

WEIGHT = 1 << 44
"""What all pixels of an image weigh together, where each image counts the same."""

HELD_BYTES = 1 << 28
"""Size of values that are not counted up to which they are kept in memory, and not read again."""


Summarize = Callable[..., Summary]
"""`Part.summary`, wherever it is done."""


@dataclass(frozen=True, eq=False)
class _Block:
    """The pixels of an image, or of a chunk of it: in memory, or to be read again."""

    n: int
    rows: NDArray[Any] | None
    smoothed: NDArray[Any] | None
    part: Part | None


@dataclass(eq=False)
class _Values:
    """The values of images: counted, as long as they are few, and then pixels.

    Attributes
    ----------
    most : int
        Distinct values up to which they are counted.
    counted : Counted or None
        What they add up to; None where they are pixels.
    blocks : list
        Where pixels are, of those that are counted, too.
    are_counted : bool
        Whether they are.
    """

    most: int
    counted: Counted | None = None
    blocks: list[_Block] = field(default_factory=list)
    are_counted: bool = True

    def add(self, counted: Counted | None, blocks: list[_Block], *, hold: bool) -> None:
        """Add values that are counted, or pixels.

        Parameters
        ----------
        counted : Counted or None
            The values, if they are counted.
        blocks : list
            Where their pixels are.
        hold : bool
            Whether pixels are kept in memory that could be read again.
        """
        if self.are_counted and counted is not None:
            parts = [counted] if self.counted is None else [self.counted, counted]
            self.counted = merge(parts)
            self.blocks += blocks
            if self.counted.keys.size > self.most:
                self._give_up_counting(hold=hold)
        else:
            self._give_up_counting(hold=hold)
            self.blocks += blocks if counted is None else _of_counts(counted, blocks, hold=hold)
        if not hold:
            self.blocks = [
                one if one.part is None else replace(one, rows=None) for one in self.blocks
            ]

    def _give_up_counting(self, *, hold: bool) -> None:
        if self.are_counted and self.counted is not None:
            self.blocks = _of_counts(self.counted, self.blocks, hold=hold)
        self.are_counted, self.counted = False, None


def _of_counts(counted: Counted, blocks: list[_Block], *, hold: bool) -> list[_Block]:
    """Take values that were counted for pixels, whose order does not matter."""
    if not hold and all(one.part is not None for one in blocks):
        return blocks
    rows = np.repeat(counted.keys, counted.counts)[:, np.newaxis]
    return [_Block(len(rows), rows, None, None)]


@dataclass(eq=False)
class PoolReader:
    """Adds up images, one after the other.

    Parameters
    ----------
    how : How
        How they are read.
    weighting : str
        As for `pool`.
    """

    how: How
    weighting: str
    kind: Kind | None = None
    form: Pixels | None = None
    n_not_finite: int = 0
    names: tuple[str, ...] = ()
    named: tuple[Note, ...] = ()
    sizes: list[int] = field(default_factory=list)
    _table: NDArray[np.int64] | None = None
    _values: _Values = field(init=False)

    def __post_init__(self) -> None:
        if self.weighting == "images":
            self.how = replace(self.how, most=sys.maxsize)
        self._values = _Values(self.how.most)

    @property
    def alpha(self) -> bool:
        """Whether images have one."""
        return self.kind is not None and self.kind.alpha

    @property
    def packing(self) -> Packing | None:
        """How all values of the dtype are packed into few bits, if they are."""
        assert self.form is not None
        if self.how.smooths:
            return None
        return packing_of(self.form.dtype, self.form.n_channels)

    def holds(self, n: int = 0) -> bool:
        """Whether values that are not counted are kept: those so far, and of `n` pixels more."""
        if self.how.smooths or self.form is None:
            return True
        n_bytes = (sum(self.sizes) + n) * self.form.n_channels * self.form.dtype.itemsize
        return n_bytes <= HELD_BYTES

    def add(self, parts: Iterable[Part], summarize: Summarize, name: str, tick: Tick) -> None:
        """Read an image, and keep of it what is needed.

        Parameters
        ----------
        parts : iterable of Part
            The image, or its chunks.
        summarize : callable
            Reads a part.
        name : str
            What the image is called.
        tick : callable
            Progress.
        """
        before = self.how, self.kind, self.form, self.names, self.named
        try:
            values, n, n_not_finite = self._read(parts, summarize, name, tick)
        except BaseException:
            # Of an image that fails later on nothing is left, either.
            self.how, self.kind, self.form, self.names, self.named = before
            raise
        self.sizes.append(n)
        self.n_not_finite += n_not_finite
        n_all = 1 if self.weighting == "pixels" else WEIGHT // n
        most = np.iinfo(np.int64).max // WEIGHT
        if self.weighting == "images" and len(self.sizes) > most:
            raise ValueError(
                f"weighting='images' takes at most {most:,} images. Set weighting='pixels'."
            )
        counted = values.counted
        if counted is not None:
            counted = Counted(counted.keys, counted.counts * n_all)
        if self.packing is None:
            self._values.add(counted, values.blocks, hold=self.holds())
            return
        assert counted is not None
        if self._table is None:
            self._table = np.zeros(1 << self.packing.n_bits, np.int64)
        # The same image has each key once.
        self._table[counted.keys] += counted.counts

    def _read(
        self, parts: Iterable[Part], summarize: Summarize, name: str, tick: Tick
    ) -> tuple[_Values, int, int]:
        values, n, n_not_finite = _Values(0), 0, 0
        for part in parts:
            tick(0)
            again = part if part.can_be_read_again and not self.how.smooths else None
            one = summarize(part, self.how, keep=again is None or self.holds(n))
            if not values.most:
                self._check(one, name)
                values = _Values(self.how.most if self.packing is None else sys.maxsize)
            n, n_not_finite = n + one.n_valid, n_not_finite + one.form.n_not_finite
            if one.n_valid:
                block = _Block(one.n_valid, one.rows, one.smoothed, again)
                values.add(one.counted, [block], hold=self.holds(n))
        if not n:
            raise NoPixels
        return values, n, n_not_finite

    def _check(self, one: Summary, name: str) -> None:
        """Take the first image for the model of the others."""
        if self.kind is None:
            self.kind, self.form = one.kind, one.form
            self.how = replace(self.how, dtype=one.kind.dtype)
        else:
            any_dtype = self.how.adapt is not None
            self.kind.refuse(one.kind, any_dtype=any_dtype, any_axes=not self.how.smooths)
        notes = same_channels(one.names, self.names, "the images before")
        self.named += tuple(Plain(text=f"{name}: {note}") for note in notes)
        self.names = self.names or one.names

    def prepared(
        self, arguments: dict[str, Any], parameters: dict[str, Any], progress: Progress | None
    ) -> PreparedImage:
        """Return all images as one that was read."""
        assert self.form is not None
        form = replace(self.form, shape=(0,), n_not_finite=0)
        form = replace(form, channel_axis=None if form.channel_axis is None else 1)
        packing, exponent = self.packing, 0
        if self._table is not None:
            keys = np.flatnonzero(self._table)
            counted = Counted(keys.astype(np.uint32), self._table[keys])
            self._table = None
        elif self._values.counted is not None:
            counted = self._values.counted
            of_keys = replace(form, channels=counted.keys[np.newaxis], shape=counted.keys.shape)
            exponent = power_of_two(of_keys)
            counted = replace(counted, keys=divide(of_keys, exponent).channels[0])
        else:
            return self._of_pixels(arguments, parameters, progress)
        if self.weighting == "images":
            counted = replace(counted, counts=_weights(counted.counts))
        n_valid = sum(self.sizes)
        color_space = self.how.color_space
        whole = CountedImage(form, form, color_space, exponent, counted, packing, n_valid=n_valid)
        return self._of_points(whole, arguments, parameters)

    def _of_points(
        self, whole: ImagePoints, arguments: dict[str, Any], parameters: dict[str, Any]
    ) -> PreparedImage:
        weights, normalize = arguments["channel_weights"], arguments["normalize"]
        space = feature_space(whole, self.how.color_space, weights, normalize, 0.0, (0,))
        return PreparedImage(whole, whole, space, parameters)

    def _of_pixels(
        self, arguments: dict[str, Any], parameters: dict[str, Any], progress: Progress | None
    ) -> PreparedImage:
        assert self.form is not None
        if self.weighting == "images" and len(set(self.sizes)) > 1:
            raise ValueError(
                "weighting='images' takes images whose values are counted, up to 24 bits a pixel, "
                f"or images of one size; got {self.form.n_channels} channel(s) of "
                f"{self.form.dtype}, and images of {min(self.sizes):,} to {max(self.sizes):,} "
                "pixels. Set weighting='pixels'."
            )
        blocks, self._values = self._values.blocks, _Values(self.how.most)
        if self.how.smooths:
            rows, smoothed = (
                np.concatenate([getattr(block, name) for block in blocks])
                for name in ("rows", "smoothed")
            )
            pixels = flatten(rows, channel_axis=-1, alpha=False)
            inputs = replace(pixels, channels=smoothed.T, dtype=smoothed.dtype)
            exponent = power_of_two(pixels)
            color_space = self.how.color_space
            whole = of_inputs(
                pixels, divide(inputs, exponent), color_space, exponent, smoothed=True
            )
            return self._of_points(whole, arguments, parameters)
        if any(block.rows is None for block in blocks):
            rows = self._lazy_rows(blocks)
        else:
            rows = np.concatenate([block.rows for block in blocks if block.rows is not None])
        del blocks
        prepared = prepare(rows, channel_axis=-1, alpha=False, progress=progress, **arguments)
        return replace(prepared, _parameters=parameters)

    def _lazy_rows(self, blocks: list[_Block]) -> Any:
        """Return the pixels of all images as one Dask array, which reads them each time."""
        # Imported here: Dask takes a while, and most images are in memory.
        import dask.array as da
        from dask.delayed import delayed

        assert self.form is not None
        shape, dtype = (self.form.n_channels,), self.form.dtype
        arrays = []
        for block in blocks:
            if block.rows is not None:
                # Pixels of a chunk of those that are kept.
                arrays.append(da.from_array(block.rows, chunks=(1 << 22, -1)))
            else:
                read = delayed(partial(rows_again, how=self.how, n_valid=block.n), pure=False)
                rows = read(block.part)
                arrays.append(da.from_delayed(rows, (block.n, *shape), dtype))
        return da.concatenate(arrays)


def _weights(counts: NDArray[np.int64], most: int = 1 << 40) -> NDArray[np.int64]:
    """Return the smallest integers of the same ratios, or nearly so where these are too large.

    They add up to `most`, about, at most: see `ExactParts`.
    """
    smallest: NDArray[np.int64] = counts // gcd(*np.unique(counts).tolist())
    if (total := int(smallest.sum())) <= most:
        return smallest
    fewer: NDArray[np.int64] = np.maximum(1, np.rint(smallest * (most / total))).astype(np.int64)
    return fewer
