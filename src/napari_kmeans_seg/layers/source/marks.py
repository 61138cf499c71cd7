"""What a person drew over an image in another layer: a region, or seeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from napari.layers import Labels

from ..base.arrays import as_array
from ..base.describe import pixels_of
from ..base.geometry import between, conversion, in_units, placement, shifted
from ..base.same import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from napari.layers import Layer

    from ..base.geometry import Matrix, Units


@dataclass(frozen=True, eq=False)
class Marks(ABC):
    """Marks over an image, as they were when their layer was read.

    Attributes
    ----------
    name : str
        The layer's.
    placement : matrix
        Where the layer lies.
    units : tuple of pint.Unit
        Those of the layer's world, one for each axis; empty for those of the image.
    labels : array of int or None
        The data of a Labels layer.
    layer_id : str
        The layer's unique id, which outlives renaming.
    """

    name: str
    placement: Matrix
    units: Units = ()
    labels: Any = None
    layer_id: str = ""

    @staticmethod
    def _read(layer: Layer) -> tuple[str, Matrix, Units, Any, str]:
        labels = as_array(pixels_of(layer)) if isinstance(layer, Labels) else None
        return layer.name, placement(layer), layer.units, labels, str(layer.unique_id)

    def in_units(self, units: Units) -> Self:
        """Give the same marks, placed in the units of an image."""
        if not self.units or (conversion(self.units, units) == 1).all():
            return self
        return replace(
            self,
            placement=in_units(self.placement, self.units, units),
            units=units[-len(self.units) :],
        )

    def fingerprint(self, where: Matrix) -> str:
        """Sum up what is drawn where on an image, which `where` places, to compare it later.

        Lazy labels are not read.
        """
        # To a millionth of a pixel.
        lies = np.round(between(where, self.placement), 6) + 0.0
        return fingerprint([*self._drawn_arrays, lies])

    @property
    @abstractmethod
    def _drawn_arrays(self) -> Sequence[Any]:
        """What is drawn, as arrays in memory."""

    def _check_axes(self, what: str, where: Matrix) -> None:
        """Refuse marks that have more axes than the image, which `where` places."""
        if len(self.placement) > len(where):
            raise ValueError(
                f"The {what} “{self.name}” has {len(self.placement) - 1} axes, the image only "
                f"{len(where) - 1}: choose one with at most as many."
            )


def in_chunks(
    read: Callable[[Any, tuple[int, ...], Matrix], npt.NDArray[Any]],
    marks: Any,
    chunks: tuple[tuple[int, ...], ...],
    where: Matrix,
    dtype: npt.DTypeLike,
) -> Any:
    """Read marks for each chunk of a lazy image when it is asked for.

    Parameters
    ----------
    read : callable
        Gives the marks for the pixels of an array, of which it gets the shape and the place.
    marks : object
        What they are read from. It may be large: where the chunks are on other machines it is
        sent there once, and not with each of them.
    chunks : tuple of tuple of int
        Of the image, channels left out.
    where : matrix
        Where the image lies.
    dtype : data-type
        Of the marks.

    Returns
    -------
    dask.array.Array
    """
    import dask.array as da
    from dask.delayed import delayed

    return da.map_blocks(
        _read_block,
        read,
        where,
        marks=delayed(marks, pure=True, traverse=False),
        chunks=chunks,
        dtype=dtype,
        meta=np.empty((0,) * len(chunks), dtype),
    )


def _read_block(
    read: Callable[[Any, tuple[int, ...], Matrix], npt.NDArray[Any]],
    where: Matrix,
    marks: Any,
    block_info: Any = None,
) -> npt.NDArray[Any]:
    place = block_info[None]["array-location"]
    corner = shifted(where, [start for start, _ in place])
    return read(marks, tuple(stop - start for start, stop in place), corner)
