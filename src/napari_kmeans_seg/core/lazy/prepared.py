"""The same on Dask arrays: values are counted chunk by chunk, labels computed when asked for.

Only sums travel: each chunk is summed up where it is read, the sums are merged as a tree, and
the centroids are found from the result. All runs on whatever Dask scheduler is active.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from ..base.cached import cached_property
from ..base.note import Note
from ..base.notes import CountsOfPart
from ..base.parallel import Tick, no_tick
from ..base.stores import check_all, is_constant, sources_of
from ..choose_k import ClusterCurve
from ..image.painting import paint
from ..kmeans.assignment import Assigned
from ..kmeans.lloyd import LloydResult
from ..kmeans.nearest import Labels, label_dtype
from ..model import KMeansModel
from ..points.counted_image import CountedImage
from ..points.counting import Codes, Packing, look_up, table_of
from ..prepared import PreparedImage
from ..segmentation import Segmentation, pairs_of, plain_values
from ..shown import line_of_segmentation, segmentation_html
from .chunks import Index, every_chunk, gather
from .image import LazyImage, Reading, pixels_of
from .limits import Limits
from .points import ChunkAssignment, SampledImage, join_all_means


@dataclass(frozen=True, eq=False, repr=False)
class BlockwiseSegmentation(Segmentation):
    """A `Segmentation` whose `labels`, `image` and masks are Dask arrays.

    Each of these reads the chunks that it is asked for, each once. `counts`, `centroids`, `inertia`
    and the table are known from the fit and read nothing.
    """

    labels: da.Array
    _source: da.Array = field(repr=False)

    def __repr__(self) -> str:
        """Say in one line what it is; nothing is read for it."""
        return line_of_segmentation(self, self.inertia, "lazy labels")

    def _repr_html_(self) -> str:
        """Show the clusters in a notebook; of a lazy image without a picture."""
        return segmentation_html(self, picture=False)

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

    def _pairs(self, other: Segmentation, tick: Tick) -> NDArray[np.int64]:
        shape = (self.n_clusters + 1, other.n_clusters + 1)
        return count_pairs(self.labels, other.labels, shape, tick)

    def _look_up(self, table: NDArray[Any]) -> da.Array:
        return self.labels.map_blocks(partial(paint, table), dtype=table.dtype)


@dataclass(frozen=True, eq=False, repr=False)
class PreparedBlocks(PreparedImage):
    """A Dask array that was read by `prepare`: `segment` gives a `BlockwiseSegmentation`."""

    _image: LazyImage = field(repr=False)
    _reading: Reading | None = field(repr=False)

    @property
    def _shape(self) -> tuple[int, ...]:
        return self._image.shape

    def choose_k(self, *arguments: Any, **named: Any) -> ClusterCurve:
        """Score numbers of clusters on what was read; see `PreparedImage.choose_k`."""
        if isinstance(self._fitted, SampledImage):
            fitted = SampledImage(
                self._image,
                self._fitted.reading,
                self._space.color_space,
                may_be_read_again=False,
            )
            parts = fitted, fitted, self._space, self._parameters
            of_read = PreparedImage(*parts, _notes=self._notes)
            return of_read.choose_k(*arguments, **named)
        return super().choose_k(*arguments, **named)

    def _result(
        self,
        assigned: Assigned,
        means: NDArray[np.float64],
        result: LloydResult,
        parameters: dict[str, Any],
        notes: tuple[Note, ...],
        tick: Tick,
    ) -> BlockwiseSegmentation:
        is_sample = self._reading is not None and not isinstance(assigned, ChunkAssignment)
        if self._reading is not None and is_sample:
            notes += self._reading.notes(parameters["fit_scale"])
        found = super()._result(assigned, means, result, parameters, notes, tick)
        values = plain_values(found)
        known, table = self._whole, None
        if isinstance(known, CountedImage) and known.packing is not None:
            of_values = assigned.labels + assigned.labels.dtype.type(1)
            table = known.counted.keys, of_values, known.packing
        source, mask = self._image.source, self._image.mask
        values["labels"] = label_blocks(source, mask, found.model, table)
        values["_pixels"] = replace(self._image.form, n_not_finite=self._whole.pixels.n_not_finite)
        return BlockwiseSegmentation(**values, _source=source)


Table = tuple[Codes, Labels, Packing]
"""The distinct values of an image, the label of each, and how they are packed."""


def label_blocks(
    source: da.Array,
    mask: da.Array | None,
    model: KMeansModel,
    table: Table | None = None,
    *,
    rescale: bool = False,
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
    table : tuple, optional
        The distinct values of the image with their labels, if they are known.
    rescale : bool
        As for `KMeansModel.predict`.

    Returns
    -------
    dask.array.Array
        Labels, in the spatial shape and chunks of the image.
    """
    axis = model.channel_axis
    dtype = label_dtype(model.n_clusters)
    packing, known = None, None
    if table is not None:
        codes, of_codes, packing = table
        # Once in the graph; laid out once, however many chunks.
        known = delayed(table_of, pure=True)(codes, packing, of_codes)
    stores = sources_of(source)
    return da.map_blocks(
        _label_block,
        source,
        mask,
        model=model,
        packing=packing,
        known=known,
        still_there=partial(check_all, stores) if stores else None,
        rescale=rescale,
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
        notes then say.
    """
    values = plain_values(fit)
    values["labels"] = label_blocks(image.source, image.mask, fit.model)
    values["_pixels"] = replace(image.form, n_not_finite=fit._pixels.n_not_finite)
    if count and image.n_pixels <= image.limits.exact_pixels:
        summed = sum_up(image, every_chunk(image.source), fit.model, tick)
        values |= {"counts": summed[0], "centroids": summed[1], "inertia": summed[2]}
    elif count:
        values["notes"] = (*fit.notes, CountsOfPart())
    return BlockwiseSegmentation(**values, _source=image.source)


# -- passes over all chunks -------------------------------------------------------------

Sums = tuple[NDArray[np.int64], NDArray[np.float64], float]
"""Counts and means of clusters, and the inertia."""


def sum_up(
    image: LazyImage,
    chunks: Sequence[Index],
    model: KMeansModel,
    tick: Tick = no_tick,
    *,
    rescale: bool = False,
) -> Sums:
    """Read chunks to count the pixels of each label; the labels themselves are not kept."""
    visit = partial(_sum_block, model=model, rescale=rescale)
    return gather(visit, _add_up, image.source, image.mask, chunks=chunks, tick=tick)


def _sum_block(
    block: NDArray[Any], mask: NDArray[Any] | None, model: KMeansModel, *, rescale: bool
) -> Sums:
    pixels = pixels_of(block, mask, model.channel_axis, alpha=model.alpha)
    if not pixels.n_valid:
        k = model.n_clusters
        return np.zeros(k, np.int64), np.full((k, model.n_channels), np.nan), 0.0
    found = model.labelled(pixels, rescale=rescale)
    return found.counts, found.means, found.inertia


def _add_up(parts: list[Sums]) -> Sums:
    counts, means = join_all_means([part[:2] for part in parts])
    return counts, means, sum(part[2] for part in parts)


def count_pairs(
    one: da.Array, other: da.Array, shape: tuple[int, int], tick: Tick = no_tick
) -> NDArray[np.int64]:
    """Count which labels of two arrays of the same form lie in the same place.

    All 0 where they are too many to be read again.
    """
    if one.size > Limits.now().exact_pixels:
        return np.zeros(shape, np.int64)
    visit = partial(pairs_of, shape=shape)
    return gather(visit, _add, one, other.rechunk(one.chunks), tick=tick)


def _add(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    total: NDArray[np.int64] = np.sum(parts, axis=0)
    return total


# -- one chunk --------------------------------------------------------------------------


def _label_block(
    block: NDArray[Any],
    mask: NDArray[Any] | None = None,
    *,
    model: KMeansModel,
    packing: Packing | None,
    known: Labels | None,
    still_there: Callable[[], None] | None,
    rescale: bool,
) -> Labels:
    if still_there is not None and is_constant(block):
        still_there()
    pixels = pixels_of(block, mask, model.channel_axis, alpha=model.alpha)
    if packing is not None and known is not None:
        return look_up(known, packing, pixels).reshape(pixels.shape)
    if pixels.n_valid:
        return model.labelled(pixels, rescale=rescale).labels
    return np.zeros(pixels.shape, label_dtype(model.n_clusters))


def _paint_block(
    labels: Labels, source: NDArray[Any] | None, palette: NDArray[Any], axis: int | None
) -> NDArray[Any]:
    if axis is None:
        return paint(palette[:, 0], labels)
    painted = np.moveaxis(paint(palette, np.squeeze(labels, axis)), -1, axis)
    if source is not None:
        painted = np.concatenate([painted, np.take(source, [-1], axis=axis)], axis=axis)
    return np.ascontiguousarray(painted)
