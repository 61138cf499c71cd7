"""Where clustering happens: a Labels or a Shapes layer becomes a mask of the image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes
from skimage.draw import polygon

from ..arrays import is_lazy
from ..geometry import into, resampled
from .marks import Marks, in_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ..geometry import Matrix

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
    """

    chosen: tuple[int, ...] = ()
    outlines: tuple[npt.NDArray[np.float64], ...] = ()
    everywhere: bool = False

    @classmethod
    def of(
        cls, layer: Labels | Shapes, chosen: Sequence[int] = (), *, everywhere: bool = False
    ) -> Region:
        """Read a layer. Cheap.

        Raises
        ------
        ValueError
            If a Shapes layer has no shape with an area.
        """
        if isinstance(layer, Labels):
            return cls(*cls._read(layer), chosen=tuple(chosen), everywhere=everywhere)
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
        return cls(*cls._read(layer), outlines=outlines, everywhere=everywhere)

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

    @cached_property
    def _drawn(self) -> tuple[Any, Outlines, Matrix]:
        """Where labels belong to the region, the outlines, and where these lie.

        A copy of the labels, on which a person may paint: masks of lazy images are computed
        whenever a part of the result is shown.
        """
        inside = None
        if self.labels is not None:
            inside = np.isin(self.labels, self.chosen) if self.chosen else self.labels != 0
        return inside, self.outlines, self.placement


def _within(
    drawn: tuple[Any, Outlines, Matrix], shape: tuple[int, ...], where: Matrix
) -> npt.NDArray[np.bool_]:
    labelled, outlines, placement = drawn
    if labelled is not None:
        return resampled(labelled, placement, shape, where)
    inside = np.zeros(shape, bool)
    for outline in outlines:
        _fill(inside, into(where, placement, outline))
    return inside


def _ellipse(corners: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give the outline of an ellipse, of which napari has the corners of the box around it."""
    box = np.asarray(corners, float)
    outline: npt.NDArray[np.float64] = (
        box.mean(axis=0)
        + np.cos(_ROUND) * (box[1] - box[0]) / 2
        + np.sin(_ROUND) * (box[3] - box[0]) / 2
    )
    return outline


def _fill(inside: npt.NDArray[np.bool_], outline: npt.NDArray[np.float64]) -> None:
    """Fill an outline: in the plane that it was drawn in, and in all along axes it has not."""
    n_axes = outline.shape[1]
    across = sorted(np.argsort(np.ptp(outline, axis=0), kind="stable")[-2:])
    first = inside.ndim - n_axes
    index: list[Any] = [slice(None)] * inside.ndim
    for axis in set(range(n_axes)) - set(across):
        at = int(np.rint(outline[:, axis].mean()))
        if not 0 <= at < inside.shape[first + axis]:
            return
        index[first + axis] = at
    down, right = across
    size = (inside.shape[first + down], inside.shape[first + right])
    rows, columns = polygon(outline[:, down], outline[:, right], shape=size)
    plane = inside[tuple(index)]
    plane[..., rows, columns] = True
