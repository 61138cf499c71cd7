"""Which axis of a layer holds channels: as proposed, until a person chooses another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_kmeans_seg.layers import axis_names, proposed_channels
from napari_kmeans_seg.layers.base.describe import pixels_of

if TYPE_CHECKING:
    from napari.layers import Image

NO_AXIS = "none"


class ChannelAxes:
    """Remembers the axis of each layer."""

    def __init__(self) -> None:
        self._axes: dict[str, int | None] = {}

    def of(self, layer: Image) -> int | None:
        """Say which axis of a layer holds channels, as chosen or proposed."""
        key = str(layer.unique_id)
        if key not in self._axes:
            self._axes[key] = proposed_channels(layer)
        axis = self._axes[key]
        # The layer may have got other data.
        return axis if axis is not None and axis < layer.ndim and not layer.rgb else None

    def choose(self, layer: Image, axis: str | int) -> None:
        """Take another axis of a layer for that of its channels, or none."""
        self._axes[str(layer.unique_id)] = None if axis == NO_AXIS else int(axis)

    def choices(self, layer: Image | None) -> list[tuple[str, str | int]]:
        """Say which axes of a layer may hold channels, as a field offers them."""
        choices: list[tuple[str, str | int]] = [("none", NO_AXIS)]
        if layer is not None and not layer.rgb and layer.ndim > 2:
            named = zip(axis_names(layer), pixels_of(layer).shape, strict=True)
            choices += [(f"{name} ({n})", i) for i, (name, n) in enumerate(named) if n > 1]
        return choices
