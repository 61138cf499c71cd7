"""Where clustering happens: a Labels or a Shapes layer becomes a mask of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Labels, Shapes
from skimage.draw import polygon

from napari_kmeans_seg.core.base import checks
from napari_kmeans_seg.core.base.cached import cached_property
from napari_kmeans_seg.core.base.notes import RegionCovers

from ..base.arrays import is_lazy
from ..base.describe import check_kind
from ..base.geometry import between, into, resampled, with_fixed
from .marks import Marks, in_chunks
from .record import RegionRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ..base.geometry import Matrix

    Outlines = tuple[npt.NDArray[np.float64], ...]

_WITH_AREA = ("polygon", "rectangle", "ellipse")
_ROUND = np.linspace(0, 2 * np.pi, 256, endpoint=False)[:, np.newaxis]


class RegionMissed(ValueError):
    """No pixel of the image lies in the region.

    Parameters
    ----------
    name : str
        Of the region's layer.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"The region “{self.name}” misses the image: draw it over the image, or choose "
            "another region."
        )


@dataclass(frozen=True, eq=False)
class Region(Marks):
    """A region of the world: the `labels` of a Labels layer, or shapes.

    Attributes
    ----------
    chosen : tuple of int
        Which labels belong to the region; none means all but 0.
    outlines : tuple of (n_vertices, ndim) arrays
        The shapes of a Shapes layer that have an area.
    everywhere : bool
        Whether the region limits only where the clusters are found, and not where pixels
        are labelled.
    own_planes : bool
        Whether what is drawn on a plane counts on that plane only. Napari's new layers have all
        axes of those that there are, so a rectangle lies on the plane that was displayed: it counts
        on all of them otherwise. So do labels, if only one plane is painted on.
    """

    chosen: tuple[int, ...] = ()
    outlines: tuple[npt.NDArray[np.float64], ...] = ()
    everywhere: bool = False
    own_planes: bool = False

    def __post_init__(self) -> None:
        """Check what was given."""
        given = {
            "chosen": checks.integers("chosen", self.chosen),
            "everywhere": checks.flag("everywhere", self.everywhere),
            "own_planes": checks.flag("own_planes", self.own_planes),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls,
        layer: Labels | Shapes,
        chosen: Sequence[int] = (),
        *,
        everywhere: bool = False,
        own_planes: bool | None = None,
    ) -> Region:
        """Read a layer. Cheap.

        By default shapes count on their own planes if they lie on several.

        Raises
        ------
        TypeError
            If it is of another kind, or an argument is.
        ValueError
            If a Shapes layer has no shape with an area.
        """
        check_kind(layer, Labels, Shapes)
        if isinstance(layer, Labels):
            return cls(
                *cls._read(layer),
                chosen=checks.integers("chosen", chosen),
                everywhere=everywhere,
                own_planes=False if own_planes is None else own_planes,
            )
        outlines = tuple(
            _ellipse(vertices) if kind == "ellipse" else np.array(vertices, float)
            for kind, vertices in zip(layer.shape_type, layer.data, strict=True)
            if kind in _WITH_AREA
        )
        if not outlines:
            raise ValueError(
                f"The region “{layer.name}” has no area: draw a polygon, a rectangle or an "
                "ellipse in it, or choose another region."
            )
        if own_planes is None:
            own_planes = len({_plane_of(outline) for outline in outlines}) > 1
        return cls(
            *cls._read(layer), outlines=outlines, everywhere=everywhere, own_planes=own_planes
        )

    def mask(self, image: Any, shape: tuple[int, ...], where: Matrix, axis: int | None) -> Any:
        """Say which pixels of an image lie in the region.

        Parameters
        ----------
        image : array
            The image. Of a lazy one the mask is lazy, too.
        shape : tuple of int
            Its spatial shape.
        where : matrix
            Where it lies.
        axis : int or None
            The axis of its channels.

        Returns
        -------
        bool array of NumPy or Dask

        Raises
        ------
        RegionMissed
            If no pixel of the image lies in the region.
        ValueError
            If the region has more axes.
        """
        self._check_axes("region", where)
        if not is_lazy(image):
            inside = _within(self._drawn, shape, where)
            if not inside.any():
                raise RegionMissed(self.name)
            return inside
        axis = None if axis is None else axis % image.ndim
        chunks = tuple(one for i, one in enumerate(image.chunks) if i != axis)
        return in_chunks(_within, self._drawn, chunks, where, bool)

    @property
    def _drawn_arrays(self) -> Sequence[Any]:
        if self.labels is None:
            return self.outlines
        return [] if is_lazy(self.labels) else [self._inside]

    def covers(self, shape: Sequence[int]) -> RegionCovers | None:
        """Note on which planes of an image of this shape it counts, if that is to be said."""
        flat = [_flat_axes(outline) for outline in self.outlines] or [[*self.through]]
        first = len(shape) - (len(self.placement) - 1)
        if not any(shape[first + axis] > 1 for axes in flat for axis in axes):
            return None
        n = len({_plane_of(outline) for outline in self.outlines}) or 1
        return RegionCovers(layer=self.name, n_planes=n if self.own_planes else 0)

    def record(self, shape: tuple[int, ...], where: Matrix) -> RegionRecord:
        """Give what a result keeps of it, for an image of this shape that lies there."""
        matrix: tuple[tuple[float, ...], ...] | None = None
        n_axes, has_its_pixels = len(self.placement) - 1, False
        if self.labels is not None and n_axes <= len(shape):
            through = {} if self.own_planes else self.through
            found = with_fixed(between(where, self.placement), through)
            same = np.eye(n_axes + 1, len(shape) + 1, len(shape) - n_axes)
            if shape[-n_axes:] != self.labels.shape or not np.allclose(found, same, atol=1e-6):
                matrix = tuple(map(tuple, found[:-1].tolist()))
            has_its_pixels = matrix is None and n_axes == len(shape)
        return RegionRecord(
            self.name,
            self.everywhere,
            self.chosen,
            self.own_planes,
            None if has_its_pixels else n_axes,
            matrix,
            tuple(
                tuple(map(tuple, into(where, self.placement, outline).tolist()))
                for outline in self.outlines
            ),
        )

    @cached_property
    def through(self) -> dict[int, int]:
        """The index along each axis of the plane that is painted on, if it is only one.

        Lazy labels are not read for this.
        """
        inside = self._inside
        if inside is None or inside.ndim < 3 or is_lazy(inside):
            return {}
        there = [
            np.flatnonzero(inside.any(axis=tuple(np.delete(range(inside.ndim), axis))))
            for axis in range(inside.ndim)
        ]
        extents = np.array([float(np.ptp(one)) if one.size else 0.0 for one in there])
        across = np.argsort(extents, kind="stable")[-2:]
        return {
            axis: int(one[0])
            for axis, one in enumerate(there)
            if axis not in across and one.size == 1 < inside.shape[axis]
        }

    @cached_property
    def _inside(self) -> Any:
        """Where labels belong to the region.

        A copy of the labels, on which a person may paint: masks of lazy images are computed
        whenever a part of the result is shown.
        """
        if self.labels is None:
            return None
        return np.isin(self.labels, self.chosen) if self.chosen else self.labels != 0

    @cached_property
    def _drawn(self) -> _Drawn:
        through = {} if self.own_planes else self.through
        return _Drawn(self._inside, self.outlines, self.placement, through, self.own_planes)


class _Drawn(NamedTuple):
    """What a region needs to be read for a part of an image."""

    inside: Any
    outlines: Outlines
    placement: Matrix
    through: Mapping[int, int]
    own_planes: bool


def _within(drawn: _Drawn, shape: tuple[int, ...], where: Matrix) -> npt.NDArray[np.bool_]:
    if drawn.inside is not None:
        return resampled(drawn.inside, drawn.placement, shape, where, drawn.through)
    inside = np.zeros(shape, bool)
    for outline in drawn.outlines:
        fill(inside, into(where, drawn.placement, outline), own_plane=drawn.own_planes)
    return inside


def _flat_axes(outline: npt.NDArray[np.float64]) -> list[int]:
    """Say along which axes an outline lies on one plane: all but two."""
    return sorted(np.argsort(np.ptp(outline, axis=0), kind="stable")[:-2].tolist())


def _plane_of(outline: npt.NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """Say on which plane an outline lies."""
    return tuple((axis, int(np.rint(outline[:, axis].mean()))) for axis in _flat_axes(outline))


def _ellipse(corners: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give the outline of an ellipse, of which napari has the corners of the box around it."""
    box = np.asarray(corners, float)
    outline: npt.NDArray[np.float64] = (
        box.mean(axis=0)
        + np.cos(_ROUND) * (box[1] - box[0]) / 2
        + np.sin(_ROUND) * (box[3] - box[0]) / 2
    )
    return outline


def fill(
    inside: npt.NDArray[np.bool_], outline: npt.NDArray[np.float64], *, own_plane: bool
) -> None:
    """Fill an outline: in all planes, or in its own, and in all along axes that it has not."""
    n_axes, plane_of = outline.shape[1], _plane_of(outline)
    across = sorted(set(range(n_axes)) - {axis for axis, _ in plane_of})
    first = inside.ndim - n_axes
    index: list[Any] = [slice(None)] * inside.ndim
    for axis, at in plane_of if own_plane else ():
        if not 0 <= at < inside.shape[first + axis]:
            return
        index[first + axis] = at
    down, right = across
    size = (inside.shape[first + down], inside.shape[first + right])
    rows, columns = polygon(outline[:, down], outline[:, right], shape=size)
    plane = inside[tuple(index)]
    plane[..., rows, columns] = True
