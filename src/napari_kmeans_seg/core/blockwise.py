"""The same on Dask arrays: values are counted chunk by chunk, labels computed when asked for.

Only counts travel: each chunk is summed up where it is read, the sums are merged as a tree, and
the centroids are found from the result. All runs on whatever Dask scheduler is active.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed, delayed
from numpy.typing import ArrayLike, NDArray

from . import checks
from .features import check_color_space
from .image_points import ImagePoints, read, shrink
from .labelling import Labelling, look_up
from .lloyd import LloydResult
from .model import KMeansModel
from .nearest import Labels, label_dtype
from .parallel import Tick, n_threads, no_tick
from .pixels import NO_PIXEL, Pixels, flatten
from .points import Packing, WeightedPoints, count_codes, merge, packing_of_dtype, unpack
from .prepared import PreparedImage
from .segmentation import Segmentation

SAMPLE_PIXELS = 1 << 22
"""Pixels that are taken of an image whose values cannot be counted; all, up to this many."""

FIT_PIXELS = 1 << 31
"""Pixels up to which every chunk is read; of larger images, chunks evenly spread."""

BATCH_PIXELS = 1 << 25
"""Pixels that are read between two looks at whether to stop."""

FAN_IN = 4
"""Chunks whose counts are merged by one task."""


@dataclass(frozen=True, eq=False)
class BlockwiseSegmentation(Segmentation):
    """A `Segmentation` whose `labels`, `image` and masks are Dask arrays.

    `counts`, `centroids` and `inertia` are those of the pixels that were read for the fit:
    all of them where the values of the dtype can be counted (8 bits in up to three channels,
    16 bits in one), else a sample, which `warnings` then says.
    """

    labels: da.Array
    _source: da.Array = field(repr=False)

    @cached_property
    def image(self) -> da.Array:
        """The image with each pixel painted with its centroid, as a Dask array."""
        axis, dtype = self._pixels.channel_axis, self._pixels.dtype
        if axis is None:
            return self.labels.map_blocks(_paint_block, None, self.palette, None, dtype=dtype)
        return da.map_blocks(
            _paint_block,
            da.expand_dims(self.labels, axis),
            # Read again only where its alpha is to be kept.
            self._source if self._pixels.alpha is not None else None,
            self.palette,
            axis,
            dtype=dtype,
            chunks=self._source.chunks,
        )

    def _look_up(self, table: NDArray[Any]) -> da.Array:
        return self.labels.map_blocks(_take, table, dtype=table.dtype)


@dataclass(frozen=True, eq=False)
class PreparedBlocks(PreparedImage):
    """A Dask array that was read by `prepare`: `segment` gives a `BlockwiseSegmentation`."""

    _source: da.Array = field(repr=False)
    _mask: da.Array | None = field(repr=False)
    _notes: tuple[str, ...]
    _every_value: bool

    def _result(
        self, model: KMeansModel, labelling: Labelling, found: LloydResult, notes: tuple[str, ...]
    ) -> BlockwiseSegmentation:
        for note in self._notes:
            checks.warn(note)
        of_fit = super()._result(model, labelling, found, notes + self._notes)
        values = {one.name: getattr(of_fit, one.name) for one in fields(Segmentation)}
        # Where only some pixels were read the others may have values that no label is known for.
        table = labelling.table if self._every_value else None
        values["labels"] = label_blocks(self._source, self._mask, model, self._whole.packing, table)
        return BlockwiseSegmentation(**values, _source=self._source)


def label_blocks(
    source: da.Array,
    mask: da.Array | None,
    model: KMeansModel,
    packing: Packing | None = None,
    table: Labels | None = None,
) -> da.Array:
    """Label a Dask array with the nearest of a model's centroids, when it is asked for.

    Parameters
    ----------
    source : dask.array.Array
        The image, in one chunk along its channels.
    mask : dask.array.Array or None
        Where pixels take part, in the chunks of the image.
    model : KMeansModel
        The centroids.
    packing, table : optional
        The label of each packed value, if it is known.

    Returns
    -------
    dask.array.Array
        Labels, in the spatial shape and chunks of the image.
    """
    axis = model.channel_axis
    if mask is not None and axis is not None:
        mask = da.expand_dims(mask, axis)
    return da.map_blocks(
        _label_block,
        source,
        mask,
        model=model,
        packing=packing,
        # One object in the graph, however many chunks there are, and no larger than need be.
        known=None if table is None else delayed(_pack_table(table), pure=True),
        dtype=label_dtype(len(model.centroids)),
        drop_axis=[] if axis is None else [axis % source.ndim],
        meta=np.empty((0,) * (source.ndim - (axis is not None)), label_dtype(len(model.centroids))),
    )


@dataclass(frozen=True)
class _Summary:
    """What is kept of some chunks: counted values, or a sample of pixels."""

    counted: WeightedPoints | None
    sample: tuple[NDArray[Any], ...]
    n_not_finite: int


def read_blocks(
    image: da.Array,
    *,
    channel_axis: int | None = None,
    alpha: bool | None = None,
    mask: ArrayLike | None = None,
    color_space: str = "rgb",
    fit_scale: float = 1.0,
    tick: Tick = no_tick,
) -> tuple[da.Array, da.Array | None, ImagePoints, tuple[str, ...], bool]:
    """Read each chunk of a Dask array once.

    The arguments are those of `segment`.

    Returns
    -------
    source : dask.array.Array
        The image, in one chunk along its channels.
    mask : dask.array.Array or None
        In the chunks of the image.
    points : ImagePoints
        The distinct values of the whole image with their counts, and no pixels; or a sample.
    notes : tuple of str
        What is worth saying.
    every_value : bool
        Whether the points are those of all pixels.

    Raises
    ------
    OSError
        If a chunk cannot be read; the message names it.
    """
    form = _form(image, channel_axis, alpha)
    axis, dtype, n_channels = form.channel_axis, form.dtype, form.n_channels
    check_color_space(color_space, form)
    if axis is not None:
        image = image.rechunk({axis: -1})
    shape = tuple(n for i, n in enumerate(image.shape) if i != axis)
    inside: da.Array | None = None
    if mask is not None:
        inside = da.asarray(mask)
        if inside.shape != shape:
            raise ValueError(
                f"mask takes an array of the image's spatial shape {shape}; "
                f"got shape {inside.shape}."
            )
        inside = inside.rechunk(tuple(one for i, one in enumerate(image.chunks) if i != axis))
    packing = packing_of_dtype(dtype, n_channels)
    n_pixels = int(np.prod(shape, dtype=float))
    share = min(1.0, SAMPLE_PIXELS / n_pixels)
    has_alpha = form.alpha is not None
    masks = [None] * image.npartitions if inside is None else inside.to_delayed().ravel()
    n_read = max(1, min(image.npartitions, int(image.npartitions * FIT_PIXELS / n_pixels)))
    blocks = image.to_delayed().ravel()
    summaries = {
        tuple(int(at) for at in np.unravel_index(i, image.numblocks)): delayed(_read_block)(
            blocks[i], masks[i], axis, has_alpha, fit_scale, packing, share
        )
        for i in np.linspace(0, image.npartitions - 1, n_read).astype(int)
    }
    summary = _gather(summaries, n_pixels // image.npartitions, tick)
    values, n = summary.sample, 0
    notes: list[str] = []
    if n_read < image.npartitions and packing is not None:
        notes.append(
            f"Fitted on {n_read:,} of {image.npartitions:,} chunks, evenly spread; pixel counts, "
            "centroids and inertia are those of these."
        )
    if fit_scale < 1:
        notes.append(f"Pixel counts and inertia are those of the copy at fit_scale={fit_scale:g}.")
    if packing is None:
        n = values[0].size
        if share < 1:
            notes.append(
                f"Fitted on a sample of {n:,} of {n_pixels:,} pixels; pixel counts, centroids "
                "and inertia are those of the sample."
            )
    else:
        values = tuple(np.empty(0, dtype) for _ in range(n_channels))
    pixels = Pixels(
        channels=values,
        valid=None,
        alpha=np.ones(n, dtype) if has_alpha else None,
        shape=(1,) * (len(shape) - 1) + (n,),
        channel_axis=axis,
        dtype=dtype,
        n_not_finite=summary.n_not_finite,
    )
    if summary.counted is None:
        if n == 0:
            raise ValueError(NO_PIXEL)
        return image, inside, read(pixels, color_space=color_space), tuple(notes), False
    if summary.counted.n_points == 0:
        raise ValueError(NO_PIXEL)
    assert packing is not None
    points = unpack(summary.counted, packing)
    return (
        image,
        inside,
        ImagePoints(pixels, pixels, color_space, points, packing),
        tuple(notes),
        not notes,
    )


def _form(image: da.Array, channel_axis: int | None, alpha: bool | None) -> Pixels:
    """Let a single pixel of the image's form go through the checks that all images do."""
    if image.size == 0 or any(np.isnan(n) for n in image.shape):
        raise ValueError(f"image takes at least one pixel, of known shape; got {image.shape}.")
    shape = [1] * image.ndim
    if channel_axis is not None:
        axis = checks.axis("channel_axis", channel_axis, image.ndim)
        shape[axis] = image.shape[axis]
    return flatten(np.ones(shape, image.dtype), channel_axis=channel_axis, alpha=alpha)


def _read_block(
    block: NDArray[Any],
    mask: NDArray[Any] | None,
    channel_axis: int | None,
    alpha: bool,
    fit_scale: float,
    packing: Packing | None,
    share: float,
) -> _Summary:
    pixels = flatten(block, channel_axis=channel_axis, alpha=alpha, mask=mask, may_be_empty=True)
    if not pixels.n_valid:  # nothing of it inside the mask
        none = tuple(np.empty(0, pixels.dtype) for _ in pixels.channels)
        counted = WeightedPoints(np.empty(0, np.uint32), (), np.empty(0, np.int64))
        return _Summary(counted if packing else None, () if packing else none, pixels.n_not_finite)
    if fit_scale < 1:
        pixels = shrink(pixels, fit_scale)
    if packing is not None:
        return _Summary(count_codes(pixels, packing), (), pixels.n_not_finite)
    where = pixels.sample(max(1, int(np.ceil(share * pixels.n_valid))))
    return _Summary(None, tuple(pixels.at(where)), pixels.n_not_finite)


def _merge(parts: Sequence[_Summary]) -> _Summary:
    counted = [part.counted for part in parts if part.counted is not None]
    return _Summary(
        merge(counted) if counted else None,
        tuple(np.concatenate(channel) for channel in zip(*(p.sample for p in parts), strict=True)),
        sum(part.n_not_finite for part in parts),
    )


def _gather(summaries: dict[tuple[int, ...], Delayed], chunk_pixels: int, tick: Tick) -> _Summary:
    """Compute the summaries of chunks, some at a time, and merge them as a tree."""
    size = max(2 * n_threads(), BATCH_PIXELS // max(1, chunk_pixels))
    gathered: list[_Summary] = []
    chunks = list(summaries)
    for start in range(0, len(chunks), size):
        tick(start / len(chunks))
        batch = chunks[start : start + size]
        tree = [summaries[chunk] for chunk in batch]
        while len(tree) > 1:
            tree = [delayed(_merge)(tree[i : i + FAN_IN]) for i in range(0, len(tree), FAN_IN)]
        try:
            gathered += dask.compute(*tree)
        except Exception as error:
            failed = {chunk: summaries[chunk] for chunk in batch}
            raise OSError(_name_chunk(failed, error)) from error
        # At once: what waits to be merged would take more memory than the sum.
        gathered = [_merge(gathered)]
    tick(1)
    return _merge(gathered)


def _name_chunk(summaries: dict[tuple[int, ...], Delayed], error: Exception) -> str:
    """Find out which chunk could not be read."""
    for chunk, summary in summaries.items():
        try:
            dask.compute(summary)
        except Exception as again:  # noqa: BLE001 (whatever a reader raises)
            return f"image has a chunk that cannot be read, {chunk}: {again}"
    return f"image could not be read: {error}"


def _pack_table(table: Labels) -> tuple[int, NDArray[np.uint32], Labels]:
    """Keep the entries of a table that are not 0."""
    where = np.flatnonzero(table).astype(np.uint32)
    return table.size, where, table[where]


def _unpack_table(size: int, where: NDArray[np.uint32], labels: Labels) -> Labels:
    table = np.zeros(size, labels.dtype)
    table[where] = labels
    return table


def _label_block(
    block: NDArray[Any],
    mask: NDArray[Any] | None = None,
    *,
    model: KMeansModel,
    packing: Packing | None,
    known: tuple[int, NDArray[np.uint32], Labels] | None,
) -> Labels:
    if mask is not None and model.channel_axis is not None:
        mask = np.squeeze(mask, model.channel_axis % block.ndim)
    pixels = flatten(
        block,
        channel_axis=model.channel_axis,
        alpha=model.alpha,
        mask=mask,
        may_be_empty=True,
    )
    labels = np.zeros(pixels.n_pixels, label_dtype(len(model.centroids)))
    if not pixels.n_valid:
        return labels.reshape(pixels.shape)
    if packing is None or known is None:
        return model.label(model.read(pixels)).labels
    look_up(_unpack_table(*known), packing, pixels, labels)
    return labels.reshape(pixels.shape)


def _paint_block(
    labels: Labels, source: NDArray[Any] | None, palette: NDArray[Any], axis: int | None
) -> NDArray[Any]:
    if axis is None:
        return palette[:, 0].take(labels)
    painted = np.moveaxis(palette.take(np.squeeze(labels, axis), axis=0), -1, axis)
    if source is None:
        return np.ascontiguousarray(painted)
    opacity = np.take(source, [-1], axis=axis)
    return np.concatenate([painted, opacity], axis=axis)


def _take(labels: Labels, table: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = table[labels]
    return found
