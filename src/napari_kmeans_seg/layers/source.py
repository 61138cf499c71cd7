"""The one place where a layer becomes an array and arguments for `segment`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg import segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_kmeans_seg import Segmentation


@dataclass(frozen=True, eq=False)
class LayerImage:
    """The pixels of one image layer, and what `segment` needs to know of them.

    Attributes
    ----------
    layer_id : str
        The layer's unique id, which outlives renaming.
    name : str
        The layer's name when it was read.
    data : array-like
        The layer's pixels; of a pyramid, its largest level. It is turned into a NumPy
        array where the work is done, so that a lazy array is not computed on the
        interface's thread.
    rgb : bool
        Whether the last axis holds red, green, blue and perhaps alpha.
    """

    layer_id: str
    name: str
    data: Any
    rgb: bool

    @classmethod
    def of(cls, layer: Image) -> LayerImage:
        """Read a layer. Cheap: no pixel is touched."""
        return cls(
            layer_id=str(layer.unique_id),
            name=layer.name,
            data=_pixels(layer),
            rgb=bool(layer.rgb),
        )

    @property
    def channel_names(self) -> list[str]:
        """What the channels are called in tables."""
        return ["red", "green", "blue"] if self.rgb else ["intensity"]

    def layer_in(self, viewer: ViewerModel) -> Image | None:
        """Find the layer in a viewer, or None where it is gone."""
        for layer in viewer.layers:
            if str(layer.unique_id) == self.layer_id:
                return layer
        return None

    def is_still(self, layer: Image) -> bool:
        """Whether the layer shows the very array that was read."""
        return _pixels(layer) is self.data

    def segment(
        self, *, progress: Callable[[float, str], None] | None = None, **parameters: Any
    ) -> Segmentation:
        """Segment the pixels; `parameters` are those of `napari_kmeans_seg.segment`."""
        image = np.asarray(self.data)
        return segment(
            image,
            channel_axis=-1 if self.rgb else None,
            alpha=self.rgb and image.shape[-1] == 4,
            progress=progress,
            **parameters,
        )


def describe(layer: Image) -> str:
    """Say in a few words what a layer holds, e.g. "600 × 400 pixels, RGB, uint8".

    The size of a picture is told as people tell it, width first; more axes are told in
    the order of the array.
    """
    pixels = _pixels(layer)
    shape = tuple(pixels.shape[:-1] if layer.rgb else pixels.shape)
    size = " × ".join(str(n) for n in (shape[::-1] if len(shape) == 2 else shape))
    kind = "grey" if not layer.rgb else "RGBA" if pixels.shape[-1] == 4 else "RGB"
    pyramid = ", pyramid" if layer.multiscale else ""
    return f"{size} pixels, {kind}, {np.dtype(pixels.dtype)}{pyramid}"


def _pixels(layer: Image) -> Any:
    return layer.data[0] if layer.multiscale else layer.data
