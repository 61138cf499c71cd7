"""What of which layers is to be segmented, and how it is described and found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.base import checks
from napari_kmeans_seg.core.base.errors import WrongType

from ..base.arrays import (
    as_array,
    channels_back,
    channels_last,
    in_precision,
    is_lazy,
    results_keep,
)
from ..base.cleanup import CleanUp
from ..base.same import look_at
from .record import SeedsRecord, SourceRecord
from .region import Region
from .seeds import Seeds

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_kmeans_seg.core.base.parallel import Progress

    from ..base.geometry import Matrix, Units
    from ..base.same import Changed

_NO_CLEAN_UP = CleanUp()


@dataclass(frozen=True, eq=False)
class Chosen:
    """An image layer, or several as channels, and what of them is to be segmented where.

    Attributes
    ----------
    layer_id : str
        The layer's unique id, which outlives renaming; of several, the first one's.
    name : str
        The layer's name when it was read; of several, all names.
    data : array-like
        The layer's pixels; of a pyramid, its largest level. It is turned into a NumPy
        array where the work is done, so that a lazy array is not computed on the
        interface's thread.
    rgb : bool
        Whether the last axis holds red, green, blue and perhaps alpha.
    placement : matrix
        Where the layer lies in the world.
    units : tuple of pint.Unit
        Those of this world, one for each axis. Region and seeds are converted to them.
    channels_along : int or None
        The axis of the layer that holds channels. Results have the other axes, and one of length
        1 in its place where it is neither the first nor the last. Placement, units, plane, steps
        and axes of time are those of results.
    names : tuple of str
        What the channels along this axis are called.
    channels : tuple of Chosen
        The layers that are clustered together, one feature each; empty for a single one.
    pyramid : tuple of array-like
        All levels, the largest first; empty for a layer that is no pyramid.
    plane : mapping of int to int
        The index along each axis to which the scope is limited; None where it is not. Of a
        volume all axes of which are displayed it is empty.
    step_axis : int or None
        The axis whose steps are clustered each by itself.
    region : Region or None
        Where clustering happens.
    seeds : Seeds or None
        Where clusters start.
    left_out : tuple of float
        Values of pixels that take no part, such as that of no data.
    clean_up : CleanUp
        What is done to the labels afterwards.
    time_axes : tuple of int
        The axes of time, along which no smoothing mixes one picture with the next.
    """

    layer_id: str
    name: str
    data: Any
    rgb: bool
    placement: Matrix
    units: Units = ()
    channels: tuple[Chosen, ...] = ()
    pyramid: tuple[Any, ...] = ()
    plane: Mapping[int, int] | None = None
    step_axis: int | None = None
    region: Region | None = None
    seeds: Seeds | None = None
    clean_up: CleanUp = _NO_CLEAN_UP
    time_axes: tuple[int, ...] = ()
    channels_along: int | None = None
    names: tuple[str, ...] = ()
    left_out: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check what was chosen, and bring what was drawn over the image into its units."""
        nothing, n_axes = type(None), len(self.placement) - 1
        checks.kind("region", self.region, Region, nothing)
        checks.kind("seeds", self.seeds, Seeds, nothing)
        checks.kind("clean_up", self.clean_up, CleanUp)
        if self.step_axis is not None:
            axis = checks.integer("step_axis", self.step_axis, 0, n_axes - 1)
            object.__setattr__(self, "step_axis", axis)
        if self.plane is not None:
            checks.kind("plane", self.plane, Mapping)
            for axis, index in self.plane.items():
                checks.integer("plane", axis, 0, n_axes - 1)
                checks.integer(f"plane[{axis}]", index, 0)
        for value in checks.several("left_out", self.left_out, "several numbers"):
            if isinstance(value, bool) or not isinstance(value, Real):
                raise WrongType("left_out", "several numbers", checks.with_type(value))
        for name, marks in (("region", self.region), ("seeds", self.seeds)):
            if marks is not None:
                object.__setattr__(self, name, marks.in_units(self.units))

    @property
    def link_id(self) -> str:
        """What its outputs are found by: those of a plane are not those of the whole."""
        own = "+".join(each.layer_id for each in self.channels) or self.layer_id
        return f"{own}:{self.part}" if self.part else own

    @property
    def part(self) -> str:
        """What the scope is limited to: a "plane", a "volume" that is displayed, or nothing."""
        scope = SourceRecord(self.name, plane=self.plane, channels_along=self.channels_along)
        return scope.part(self._n_axes)

    @property
    def channel_names(self) -> list[str]:
        """What the channels are called in tables."""
        if self.channels:
            return [each.name for each in self.channels]
        if self.names:
            return list(self.names)
        return ["red", "green", "blue"] if self.rgb else ["intensity"]

    @property
    def channel_axis(self) -> int | None:
        """The axis of the channels of `levels`, counted from the end."""
        if self.channels:
            return -1 - self._n_axes
        return -1 if self.rgb or self.channels_along is not None else None

    def form(self, array: Any) -> Any:
        """Give the pixels of the layer, or a level of it, as they are segmented."""
        array = as_array(array)
        return array if self.channels_along is None else channels_last(array, self.channels_along)

    def shown(self, image: Any) -> Any:
        """Give a segmented image the axes of the layer."""
        return image if self.channels_along is None else channels_back(image, self.channels_along)

    @property
    def shape(self) -> tuple[int, ...]:
        """The spatial shape of the whole image."""
        return self._shape_of(self.data)

    def _shape_of(self, level: Any) -> tuple[int, ...]:
        shape, axis = list(np.shape(level)), self.channels_along
        if axis is not None:
            shape[axis : axis + 1] = [1] * results_keep(axis, len(shape))
        return tuple(shape[: self._n_axes])

    @property
    def alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.rgb and self.data.shape[-1] == 4

    @property
    def origin(self) -> npt.NDArray[np.float64]:
        """The data coordinates at which the scope begins."""
        origin = np.zeros(len(self.placement) - 1)
        for axis, index in (self.plane or {}).items():
            origin[axis] = index
        return origin

    @property
    def is_lazy(self) -> bool:
        """Whether the pixels are computed or read when they are asked for."""
        return is_lazy(as_array(self.data))

    @property
    def record(self) -> SourceRecord:
        """What its outputs keep of it."""
        region, seeds, clean_up = self.region, self.seeds, self.clean_up
        return SourceRecord(
            name=self.name,
            channels=tuple(self.channel_names) if self.channels or self.names else (),
            channels_along=self.channels_along,
            left_out=tuple(in_precision(one, np.dtype(self.data.dtype)) for one in self.left_out),
            plane=self.plane,
            step_axis=self.step_axis,
            region=None if region is None else region.record(self.shape, self.placement),
            seeds=None if seeds is None else SeedsRecord(seeds.name, seeds.fixed),
            specks=clean_up.specks,
            across_planes=bool(clean_up.specks) and not clean_up.per_plane,
        )

    def look(self, progress: Progress | None = None) -> bool:
        """See which pixels the layers have by now, for they may be written into.

        Returns
        -------
        bool
            Whether they are others than at the last look. Lazy ones are not read.
        """
        # Each of them: none is spared by the one before.
        return sum(look_at(one.data, progress) for one in self.channels or (self,)) > 0

    @property
    def marks(self) -> dict[Changed, tuple[str, str]]:
        """Of region and seeds the id of each layer, and what is drawn on it."""
        found: dict[Changed, tuple[str, str]] = {}
        if self.region is not None:
            found["region"] = self.region.layer_id, self.region.fingerprint(self.placement)
        if self.seeds is not None:
            found["seeds"] = self.seeds.layer_id, self.seeds.fingerprint(self.placement)
        return found

    def layer_in(self, viewer: ViewerModel) -> Image | None:
        """Find the layer in a viewer, or None where it is gone."""
        for layer in viewer.layers:
            if str(layer.unique_id) == self.layer_id:
                return layer
        return None

    def layers_in(self, viewer: ViewerModel) -> list[Image] | None:
        """Find the layer, or all that are clustered together; None where one is gone."""
        found = [each.layer_in(viewer) for each in self.channels or (self,)]
        there = [layer for layer in found if layer is not None]
        return there if len(there) == len(found) else None

    @property
    def _n_axes(self) -> int:
        return len(self.placement) - 1
