"""A Dask array that a model labels: nothing of it is read before it is asked for."""

from dataclasses import dataclass, field
from html import escape
from typing import Any

import dask.array as da

from ..base.note import Note, warn
from ..base.notes_on_kind import digits_lost
from ..image.colors import check_color_space
from ..model import KMeansModel
from ..shown import line_of_segmentation
from .chunks import every_chunk
from .image import LazyImage
from .prepared import BlockwiseSegmentation, label_blocks, sum_up

SUMMED = ("counts", "centroids", "inertia")


@dataclass(frozen=True, eq=False, repr=False)
class PredictedBlocks(BlockwiseSegmentation):
    """A `Segmentation` by a model, of which nothing was read.

    `labels`, `image` and masks are Dask arrays. `counts`, `centroids` and `inertia`, and what is
    made of them, take one pass over all chunks, the first time that one of them is asked for.
    """

    _image: LazyImage = field(repr=False)
    _rescale: bool = field(repr=False)

    def __post_init__(self) -> None:
        # Not there until they are asked for: see `__getattr__`.
        for name in SUMMED:
            if getattr(self, name) is None:
                object.__delattr__(self, name)

    def __repr__(self) -> str:
        """Say in one line what it is; nothing is read for it."""
        known = self.__dict__.get("inertia")
        lazy = "lazy labels" if "counts" in self.__dict__ else "lazy labels, not counted yet"
        return line_of_segmentation(self, known, lazy)

    def _repr_html_(self) -> str:
        """Show the clusters in a notebook: those of the model, where nothing was read yet."""
        if "counts" in self.__dict__:
            return super()._repr_html_()
        return f"<p>{escape(repr(self))}</p>{self.model._repr_html_()}"

    def __getattr__(self, name: str) -> Any:
        if name not in SUMMED:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        image = self._image
        sums = sum_up(image, every_chunk(image.source), self.model, rescale=self._rescale)
        for which, found in zip(SUMMED, sums, strict=True):
            if which not in self.__dict__:
                object.__setattr__(self, which, found)
        return self.__dict__[name]

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return self.model.n_clusters


def lazy_image(image: Any, **form: Any) -> LazyImage:
    """Check an image whose `channel_axis`, `alpha` and `mask` are these. Reads nothing."""
    return LazyImage.of(da.asarray(image), **form)


def predict_blocks(
    model: KMeansModel, image: LazyImage, *, rescale: bool, notes: tuple[Note, ...] = ()
) -> PredictedBlocks:
    """Label a Dask array with the nearest of a model's centroids, when it is asked for."""
    form = image.form
    model.check(form)
    scaled = model.scaled(form, rescale=rescale)
    check_color_space(model.space.color_space, form)
    if model.values is not None and scaled is form:
        notes += model.values.note_unread(form.dtype, model.space.color_space)
        limits = model.values.low, model.values.high
        notes += digits_lost(form.dtype, lambda: limits, smoothed=False)
    warn(notes)
    nothing: Any = None
    return PredictedBlocks(
        labels=label_blocks(image.source, image.mask, model, rescale=rescale),
        centroids=nothing,
        counts=nothing,
        inertia=nothing,
        n_iter=0,
        converged=True,
        notes=notes,
        model=model,
        _pixels=form,
        _source=image.source,
        _image=image,
        _rescale=rescale,
    )
