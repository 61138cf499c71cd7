"""What a person put over an image in another layer: a region, or seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Labels

from .arrays import as_array
from .describe import pixels_of
from .geometry import placement

if TYPE_CHECKING:
    from napari.layers import Layer

    from .geometry import Matrix


@dataclass(frozen=True, eq=False)
class Marks:
    """Marks over an image, as they were when their layer was read.

    Attributes
    ----------
    name : str
        The layer's.
    placement : matrix
        Where the layer lies.
    labels : array of int or None
        The data of a Labels layer.
    """

    name: str
    placement: Matrix
    labels: Any = None

    @staticmethod
    def _read(layer: Layer) -> tuple[str, Matrix, Any]:
        labels = as_array(pixels_of(layer)) if isinstance(layer, Labels) else None
        return layer.name, placement(layer), labels

    def _check_axes(self, what: str, where: Matrix) -> None:
        """Refuse marks that have more axes than the image, which `where` places."""
        if len(self.placement) > len(where):
            raise ValueError(
                f"The {what} “{self.name}” has {len(self.placement) - 1} axes, the image only "
                f"{len(where) - 1}: choose one with at most as many."
            )
