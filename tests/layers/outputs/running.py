"""Run on an image without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_kmeans_seg.layers import (
    LayerImage,
    Outputs,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

# A layer that lies askew in the world: every spatial property differs from its default.
ASKEW = {
    "scale": (0.5, 0.25),
    "translate": (10, 20),
    "rotate": 30,
    "shear": [0.2],
    "affine": [[1, 0.1, 3], [0, 1, 4], [0, 0, 1]],
    "units": ("µm", "µm"),
    "axis_labels": ("y", "x"),
}


def run(viewer: ViewerModel, layer: Image, n_clusters: int = 3, **kwargs):
    """Segment a layer and show the outputs, as the widget does."""
    source = LayerImage.of(layer)
    return Outputs.paint(source, source.segment(n_clusters=n_clusters), **kwargs).show(viewer)


def names(viewer: ViewerModel) -> list[str]:
    return [layer.name for layer in viewer.layers]
