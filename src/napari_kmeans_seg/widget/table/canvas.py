"""What lies below the mouse on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_kmeans_seg.layers.base.geometry import from_viewer

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Labels


def label_at(viewer: napari.viewer.Viewer, layer: Labels, event: Any) -> int:
    """Return the label that is seen where the mouse is; 0 beside the layer."""
    position, direction = (
        None if one is None else from_viewer(viewer, layer, one)
        for one in (event.position, event.view_direction)
    )
    value = layer.get_value(
        position, view_direction=direction, dims_displayed=event.dims_displayed, world=True
    )
    return int(value or 0)
