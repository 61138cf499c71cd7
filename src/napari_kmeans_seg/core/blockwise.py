"""The same on Dask arrays: values are counted chunk by chunk, labels computed when asked for.

Only sums travel: each chunk is summed up where it is read, the sums are merged as a tree, and
the centroids are found from the result. All runs on whatever Dask scheduler is active.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from .choose_k import ClusterCurve
from .chunks import Index, every_chunk, gather
from .features import convert, divide
from .image_points import ImagePoints
from .labelling import Clusters, Labelling, label_pixels, pairs_of
from .lazy_image import LazyImage, Reading, pixels_of
from .lloyd import LloydResult, Partition, partition
from .look_up import look_up, table_of
from .model import KMeansModel
from .nearest import Labels, label_dtype
from .packing import Packing, packing_of_dtype
from .painting import paint
from .parallel import Tick, no_tick
from .prepared import PreparedImage
from .segmentation import Segmentation
from .sources import PixelSource
from .sums import join_means

EXACT_PIXELS = 1 << 28
"""Pixels up to which an image is read again, some times: for iterations over all pixels where
only a sample of them fits into memory, and for counts that are those of all pixels. With tol=0
it is, however large."""


@dataclass(frozen=True, eq=False)
class BlockwiseSegmentation(Segmentation):
    """A `Segmentation` whose `labels`, `image` and masks are Dask arrays."""

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
        return self.labels.map_blocks(partial(paint, table), dtype=table.dtype)


@dataclass(frozen=True, eq=False)
class PreparedBlocks(PreparedImage):
    """A Dask array that was read by `prepare`: `segment` gives a `BlockwiseSegmentation`."""

    _image: LazyImage = field(repr=False)
    _reading: Reading = field(repr=False)

    @property
    def _n_pixels(self) -> int:
        return self._reading.n_valid

    def _is_read_again(self, parameters: dict[str, Any]) -> bool:
        if self._reading.complete:
            return False
        is_small = self._image.n_pixels_of(self._reading.chunks) <= EXACT_PIXELS
        # Where no pixel may change its cluster any more, all of them have to be asked.
        return is_small or (parameters["tol"] == 0 and parameters["max_iter"] > 0)

    def _fit(
        self, *arguments: Any, keep_order: bool = False, most: int = 0
    ) -> tuple[LloydResult, dict[str, Any], tuple[str, ...]]:
        found, parameters, notes = super()._fit(*arguments, keep_order=keep_order, most=most)
        if not self._is_read_again(parameters) or parameters["fit_scale"] < 1:
            return found, parameters, notes
        model = self._model(found.centroids, parameters)
        tick = arguments[-1]
        chunks = self._reading.chunks
        found = lloyd_on_chunks(self._image, chunks, model, self._levels.variance, tick)
        if not keep_order:
            found = found.reordered(self._brightness(found.centroids))
        return found, parameters, notes

    def choose_k(self, *arguments: Any, **named: Any) -> ClusterCurve:
        """Score numbers of clusters on what was read; see `PreparedImage.choose_k`."""
        of_read = replace(self, _reading=replace(self._reading, complete=True))
        return PreparedImage.choose_k(of_read, *arguments, **named)

    def _clusters(
        self, model: KMeansModel, tick: Tick = no_tick, found: LloydResult | None = None
    ) -> Clusters:
        of_points = super()._clusters(model, tick, found)
        if self._reading.complete:
            return of_points
        if self._is_read_again(model.parameters):
            return sum_up(self._image, self._reading.chunks, model, tick)
        factor = self._reading.n_valid / of_points.counts.sum()
        counts = np.rint(of_points.counts * factor).astype(np.int64)
        return replace(of_points, counts=counts, inertia=of_points.inertia * factor, of_points=None)

    def _labelling(self, model: KMeansModel, clusters: Clusters, _tick: Tick) -> Labelling:
        # Labels are computed when they are asked for.
        none = np.zeros(0, label_dtype(len(model.centroids)))
        known = {one.name: getattr(clusters, one.name) for one in fields(Clusters)}
        return Labelling(**known, labels=none)

    def _result(
        self, model: KMeansModel, labelling: Labelling, found: LloydResult, notes: tuple[str, ...]
    ) -> BlockwiseSegmentation:
        if not (self._reading.complete or self._is_read_again(model.parameters)):
            note = f"{self._reading.note}; pixel counts and inertia are reckoned up to the whole."
            notes += (note,)
        of_fit = super()._result(model, labelling, found, notes)
        values = {one.name: getattr(of_fit, one.name) for one in fields(Segmentation)}
        values["labels"] = label_blocks(
            self._image.source, self._image.mask, model, self._whole, labelling.of_points
        )
        n_not_finite = self._whole.pixels.n_not_finite
        values["_pixels"] = replace(self._image.form, n_not_finite=n_not_finite)
        return BlockwiseSegmentation(**values, _source=self._image.source)


def label_blocks(
    source: da.Array,
    mask: da.Array | None,
    model: KMeansModel,
    points: ImagePoints | None = None,
    of_points: Labels | None = None,
) -> da.Array:
    """Label a Dask array with the nearest of a model's centroids, when it is asked for.

    Parameters
    ----------
    source : dask.array.Array
        The image, in one chunk along its channels.
    mask : dask.array.Array or None
        Where pixels take part, as `LazyImage` has it.
    model : KMeansModel
        The centroids.
    points, of_points : optional
        The distinct values of the image, and the label of each, if they are known.

    Returns
    -------
    dask.array.Array
        Labels, in the spatial shape and chunks of the image.
    """
    axis = model.channel_axis
    dtype = label_dtype(len(model.centroids))
    packing, known = None, None
    if points is not None and points.points is not None and of_points is not None:
        packing, keys = points.packing, points.points.keys
        # Once in the graph; laid out once, however many chunks.
        known = delayed(table_of, pure=True)(keys, packing, of_points)
    return da.map_blocks(
        _label_block,
        source,
        mask,
        model=model,
        packing=packing,
        known=known,
        dtype=dtype,
        drop_axis=[] if axis is None else [axis % source.ndim],
        meta=np.empty((0,) * (source.ndim - (axis is not None)), dtype),
    )


def label_again(
    fit: Segmentation, image: LazyImage, tick: Tick = no_tick, *, count: bool = True
) -> BlockwiseSegmentation:
    """Label a Dask array by the clusters that were found on another, or on a part of it.

    Parameters
    ----------
    fit : Segmentation
        Where the clusters were found.
    image : LazyImage
        What to label.
    tick : callable, optional
        Progress.
    count : bool
        Whether to count the labels, and take the means of their pixels, in one more reading; of
        an image of more than 268 million pixels both stay those of the fit, which its
        warnings then say.
    """
    values = {one.name: getattr(fit, one.name) for one in fields(Segmentation)}
    values["labels"] = label_blocks(image.source, image.mask, fit.model)
    values["_pixels"] = replace(image.form, n_not_finite=fit._pixels.n_not_finite)
    if count and image.n_pixels <= EXACT_PIXELS:
        summed = sum_up(image, every_chunk(image.source), fit.model, tick)
        values |= {"counts": summed.counts, "centroids": summed.means, "inertia": summed.inertia}
    elif count:
        note = "Pixel counts and means are those of the part where the clusters were found."
        values["warnings"] = (*fit.warnings, note)
    return BlockwiseSegmentation(**values, _source=image.source)


# -- passes over all chunks -------------------------------------------------------------


def lloyd_on_chunks(
    image: LazyImage, chunks: Sequence[Index], model: KMeansModel, variance: float, tick: Tick
) -> LloydResult:
    """Run Lloyd's algorithm on all pixels of chunks, from where a sample has come to rest.

    Each iteration reads them all. The sums of the chunks are added in another order than
    in memory, so centroids may differ from those there in their last digits.
    """
    tol, max_iter = model.parameters["tol"] * variance, model.parameters["max_iter"]
    centroids = model.centroids
    n_iter, shift = 0, np.inf
    while n_iter < max_iter and shift > tol:

        def reading(part: float, n: int = n_iter) -> None:
            tick((n + part) / (n + 2))

        visit = partial(_partition_block, model=replace(model, centroids=centroids))
        found = gather(
            visit, _add_partitions, image.source, image.mask, chunks=chunks, tick=reading
        )
        n_iter += 1
        moved = centroids.copy()
        filled = found.counts > 0
        moved[filled] = found.sums[filled] / found.counts[filled, np.newaxis]
        shift = float(((moved - centroids) ** 2).sum())
        centroids = moved
    between = float((found.counts * (centroids**2).sum(axis=1)).sum())
    return LloydResult(centroids, n_iter, shift <= tol, between)


def _partition_block(
    block: NDArray[Any], mask: NDArray[Any] | None, model: KMeansModel
) -> Partition:
    image = _read_block(block, mask, model)
    labels = np.zeros(image.inputs.n_pixels, label_dtype(len(model.centroids)))
    source = PixelSource(image.inputs, model.space)
    return partition(source, model.centroids, labels)


def _add_partitions(parts: list[Partition]) -> Partition:
    return Partition(
        np.sum([part.counts for part in parts], axis=0),
        np.sum([part.sums for part in parts], axis=0),
        any(part.changed for part in parts),
    )


def sum_up(
    image: LazyImage, chunks: Sequence[Index], model: KMeansModel, tick: Tick = no_tick
) -> Clusters:
    """Read chunks to count the pixels of each label; the labels themselves are not kept."""
    visit = partial(_sum_block, model=model)
    return gather(visit, _add_clusters, image.source, image.mask, chunks=chunks, tick=tick)


def _sum_block(block: NDArray[Any], mask: NDArray[Any] | None, model: KMeansModel) -> Clusters:
    image = _read_block(block, mask, model)
    if not image.pixels.n_valid:
        k = len(model.centroids)
        return Clusters(np.zeros(k, np.int64), np.full((k, model.n_channels), np.nan), 0.0, None)
    found = label_pixels(image, model.space, model.centroids)
    # Not its labels, which would travel.
    return Clusters(found.counts, found.means, found.inertia, None)


def _add_clusters(parts: list[Clusters]) -> Clusters:
    k = len(parts[0].counts)
    counts = np.concatenate([part.counts for part in parts])
    means = np.concatenate([part.means for part in parts])
    counts, means = join_means(np.tile(np.arange(k), len(parts)), counts, means, k)
    return Clusters(counts, means, sum(part.inertia for part in parts), None)


def count_labels(
    labels: da.Array, n_clusters: int, tick: Tick = no_tick
) -> NDArray[np.int64] | None:
    """Count the pixels of each label from 1, or None where they are too many to read again."""
    if labels.size > EXACT_PIXELS:
        return None
    return gather(partial(_count_block, n=n_clusters + 1), _add, labels, tick=tick)[1:]


def _count_block(labels: Labels, _mask: None, n: int) -> NDArray[np.int64]:
    return np.bincount(labels.ravel(), minlength=n).astype(np.int64)


def count_pairs(
    one: da.Array, other: da.Array, shape: tuple[int, int], tick: Tick = no_tick
) -> NDArray[np.int64]:
    """Count which labels of two arrays of the same form lie in the same place.

    All 0 where they are too many to be read again.
    """
    if one.size > EXACT_PIXELS:
        return np.zeros(shape, np.int64)
    visit = partial(pairs_of, shape=shape)
    return gather(visit, _add, one, other.rechunk(one.chunks), tick=tick)


def _add(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    total: NDArray[np.int64] = np.sum(parts, axis=0)
    return total


# -- one chunk --------------------------------------------------------------------------


def _read_block(block: NDArray[Any], mask: NDArray[Any] | None, model: KMeansModel) -> ImagePoints:
    """Bring a chunk into the space of a model."""
    pixels = pixels_of(block, mask, model.channel_axis, alpha=model.alpha)
    if pixels.n_valid and packing_of_dtype(pixels.dtype, pixels.n_channels) is not None:
        return model.read(pixels)
    # Elsewhere to look for values that repeat would take longer than to label them.
    color_space, exponent = model.space.color_space, model.space.exponent
    inputs = convert(divide(pixels, exponent), color_space)
    return ImagePoints(pixels, inputs, color_space, None, None, exponent)


def _label_block(
    block: NDArray[Any],
    mask: NDArray[Any] | None = None,
    *,
    model: KMeansModel,
    packing: Packing | None,
    known: Labels | None,
) -> Labels:
    if packing is None or known is None:
        image = _read_block(block, mask, model)
        if image.pixels.n_valid:
            return model.label(image).labels
        return np.zeros(image.pixels.shape, label_dtype(len(model.centroids)))
    pixels = pixels_of(block, mask, model.channel_axis, alpha=model.alpha)
    labels = np.zeros(pixels.n_pixels, label_dtype(len(model.centroids)))
    look_up(known, packing, pixels, labels)
    return labels.reshape(pixels.shape)


def _paint_block(
    labels: Labels, source: NDArray[Any] | None, palette: NDArray[Any], axis: int | None
) -> NDArray[Any]:
    if axis is None:
        return paint(palette[:, 0], labels)
    painted = np.moveaxis(paint(palette, np.squeeze(labels, axis)), -1, axis)
    if source is not None:
        painted = np.concatenate([painted, np.take(source, [-1], axis=axis)], axis=axis)
    return np.ascontiguousarray(painted)
