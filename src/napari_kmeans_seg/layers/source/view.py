"""The part of an image that a viewer shows, so that large and lazy images can be previewed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.base.cached import cached_property

from ..base.arrays import stack
from ..base.describe import displayed_plane, results_axes
from ..base.geometry import shifted
from .layer_image import LayerImage, note_seeds
from .record import ViewRecord
from .region import RegionMissed

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_kmeans_seg import PreparedImage, Segmentation
    from napari_kmeans_seg.core.base.parallel import Progress

    from ..base.geometry import Matrix
    from .record import SourceRecord

WHOLE_PREVIEW = 1 << 24
"""Pixels up to which an image in memory is previewed as a whole. Measured on 2 cores, the
labels of so large a photograph follow k in 0.1 s, those of floats in 0.8 s."""

PREVIEW_PIXELS = 1 << 22
"""Pixels of a preview of a part, of which there are more than on most screens. Where more
are in view, every second, third ... of each axis is taken."""


@dataclass(frozen=True)
class View:
    """A box of one level of an image, thinned out.

    Attributes
    ----------
    level : int
        The level of a pyramid; 0 for an image that is none.
    start, stop, step : tuple of int
        Which pixels of the level, along each spatial axis.
    origin : tuple of float
        Where the first one's centre lies, in pixels of the largest level.
    zoom : tuple of float
        How many pixels of the largest level one covers, along each axis.
    """

    level: int
    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]
    origin: tuple[float, ...]
    zoom: tuple[float, ...]

    @classmethod
    def of(cls, viewer: ViewerModel, layer: Image, channel_axis: int | None = None) -> View:
        """Find what a viewer shows of a layer, whose channels may lie along an axis. Cheap.

        The canvas has to have been drawn since the camera was moved: that is when napari
        finds the level and the pixels to show.

        Raises
        ------
        ValueError
            If it shows nothing of the layer.
        """
        level = int(layer.data_level) if layer.multiscale else 0
        n = layer.ndim
        full = np.array((layer.data[0] if layer.multiscale else layer.data).shape[:n])
        shape = np.array((layer.data[level] if layer.multiscale else layer.data).shape[:n])
        low, high = np.clip(layer.corner_pixels, 0, shape - 1)
        high = np.maximum(high, low) + 1
        if channel_axis is not None:
            low[channel_axis], high[channel_axis] = 0, 1
            full[channel_axis] = shape[channel_axis] = 1
            kept = results_axes(layer, channel_axis)
            low, high, full, shape = (one[kept] for one in (low, high, full, shape))
        plane = displayed_plane(viewer, layer, channel_axis)
        shown = np.array([axis not in plane for axis in range(len(low))])
        for axis, index in plane.items():
            low[axis] = min(index * shape[axis] // full[axis], shape[axis] - 1)
            high[axis] = low[axis] + 1
        if (shown & (high - low == 1) & (shape > 1)).any() and viewer.dims.ndisplay == 2:
            raise ValueError(
                f"“{layer.name}” is not in view: pan or zoom to it for a preview, or press Run."
            )
        if viewer.dims.ndisplay == 3:
            # Corners are those of the canvas, which a volume that is turned has none of.
            low, high = np.where(shown, 0, low), np.where(shown, shape, high)
        n_pixels = float(np.prod(high - low, dtype=float))
        thin = int(np.ceil((n_pixels / PREVIEW_PIXELS) ** (1 / shown.sum())))
        step = np.where(shown, np.minimum(max(1, thin), high - low), 1)
        # One pixel stands for `step`, and is taken from their middle.
        high = low + (high - low) // step * step
        factor = full / shape
        first = low + (step - 1) / 2
        return cls(
            level=level,
            start=_ints(low + (step - 1) // 2),
            stop=_ints(high),
            step=_ints(step),
            origin=tuple((first * factor + (factor - 1) / 2).tolist()),
            zoom=tuple((factor * step).tolist()),
        )

    def cut(self, array: Any) -> Any:
        """Take the pixels out of an array of the level."""
        box = (slice(*one) for one in zip(self.start, self.stop, self.step, strict=True))
        return array[tuple(box)]


@dataclass(frozen=True, eq=False, kw_only=True)
class PartInView(LayerImage):
    """What a viewer shows of an image: of its level, its plane, its region.

    It is segmented like an image of its own, with lengths in pixels converted to its pixels,
    and its outputs lie where it does. They are a preview, and nobody's result.

    Attributes
    ----------
    view : View
        Which part.
    """

    view: View

    @classmethod
    def in_view(cls, viewer: ViewerModel, image: LayerImage) -> PartInView:
        """Take the part of an image that a viewer shows.

        Raises
        ------
        LookupError
            If the image is no longer in the viewer.
        ValueError
            If nothing of it is in view.
        """
        layers = image.layers_in(viewer)
        if layers is None:
            raise LookupError(f"The layer “{image.name}” is no longer in the viewer.")
        view = View.of(viewer, layers[0], image.channels_along)
        specks = round(image.clean_up.specks / np.prod(view.zoom))
        clean_up = replace(image.clean_up, specks=specks, objects=())
        # One plane is one step.
        return cls.of_image(image, view, clean_up=clean_up, plane=None, step_axis=None)

    @classmethod
    def of_image(cls, image: LayerImage, view: View, **changes: Any) -> PartInView:
        """Take a part of an image, with what is different of it."""
        values = {one.name: getattr(image, one.name) for one in fields(LayerImage)}
        return cls(**(values | changes), view=view)

    @property
    def whole(self) -> LayerImage:
        """The image of which this is a part, without what is done to its labels."""
        return LayerImage(**{one.name: getattr(self, one.name) for one in fields(LayerImage)})

    @property
    def link_id(self) -> str:
        """What its outputs are found by, which are not those of a run."""
        return f"{super().link_id}:view"

    @property
    def origin(self) -> npt.NDArray[np.float64]:
        """The data coordinates of its first pixel."""
        return np.array(self.view.origin)

    @property
    def record(self) -> SourceRecord:
        """What its outputs keep of it."""
        view = self.view
        part = ViewRecord(view.level, view.start, view.stop, view.step)
        return replace(super().record, view=part)

    @cached_property
    def levels(self) -> tuple[tuple[Any, Matrix], ...]:
        """The only level, in memory. This reads what is lazy."""
        each = self.channels or (self,)
        arrays = [
            np.asarray(self.view.cut(one.form((one.pyramid or (one.data,))[self.view.level])))
            for one in each
        ]
        where = shifted(self.placement, self.view.origin) @ np.diag([*self.view.zoom, 1.0])
        return (((stack(arrays, 0) if self.channels else arrays[0]), where),)

    def prepare(self, *, progress: Progress | None = None, **parameters: Any) -> PreparedImage:
        """Read the part once, to segment it several times."""
        return super().prepare(progress=progress, **self._scaled(parameters))

    def segment(
        self, *, progress: Progress | None = None, n_clusters: int = 5, **parameters: Any
    ) -> Segmentation:
        """Segment the part, from the seeds of the whole image."""
        parameters = self._scaled(parameters)
        start = None
        if self.seeds is not None:
            image, where = self.whole.levels[0]
            start = self._start(image, where, progress)
        found = self._segment(self.levels, n_clusters, parameters, progress, start)
        return note_seeds(self.clean_up.without_specks(found), start)

    def _prepare(
        self,
        image: Any,
        where: Matrix,
        progress: Progress | None,
        parameters: dict[str, Any],
    ) -> PreparedImage:
        try:
            return super()._prepare(image, where, progress, parameters)
        except RegionMissed as error:
            raise ValueError(
                f"The region “{error.name}” is not in view: pan or zoom to it for a preview, or "
                "press Run."
            ) from error

    def _scaled(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Convert lengths in pixels of the image to pixels of the part."""
        zoom = np.array(self.view.zoom)
        scaled = dict(parameters)
        if "smoothing" in scaled:
            scaled["smoothing"] = (np.asarray(scaled["smoothing"]) / zoom).tolist()
        if "fit_scale" in scaled:
            scaled["fit_scale"] = min(1.0, float(scaled["fit_scale"] * zoom.max()))
        return scaled


def to_preview(viewer: ViewerModel, image: LayerImage) -> LayerImage:
    """Give what a preview segments: an image, or the part in view of a large or a lazy one."""
    layers = image.layers_in(viewer)
    if layers is None:
        return image
    shape = [1 if i in (image.plane or {}) else n for i, n in enumerate(image.shape)]
    small = np.prod(shape, dtype=float) <= WHOLE_PREVIEW
    if small and not image.is_lazy and not image.pyramid:
        return image
    return PartInView.in_view(viewer, image)


def is_shown(viewer: ViewerModel, image: LayerImage) -> bool:
    """Whether a viewer still shows the plane, or the part, that was to be previewed.

    So it is said where the whole image is out of view: there is nothing else to be shown.
    """
    layers = image.layers_in(viewer)
    if layers is None:
        return False
    if isinstance(image, PartInView):
        try:
            return View.of(viewer, layers[0], image.channels_along) == image.view
        except ValueError:
            return True
    if image.plane is None:
        return True
    try:
        return displayed_plane(viewer, layers[0], image.channels_along) == image.plane
    except ValueError:
        return False


def _ints(values: npt.NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
