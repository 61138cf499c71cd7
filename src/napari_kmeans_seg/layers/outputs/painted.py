"""The arrays that the layers of a result show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_kmeans_seg import Segmentation

    from ..source.layer_image import LayerImage


def shown_levels(levels: list[Any]) -> Any:
    """Give what a layer shows: the levels of a pyramid, or the only array there is."""
    # A person will paint on the labels, and the segmentation is not theirs to change.
    own = [
        array.copy() if isinstance(array, np.ndarray) and not array.flags.writeable else array
        for array in levels
    ]
    return own if len(own) > 1 else own[0]


def painted_levels(source: LayerImage, levels: Sequence[Segmentation]) -> list[Any]:
    """Give the segmented image of each level. Beside a region the original is seen."""
    images = [level.image for level in levels]
    if source.region is None or source.region.everywhere:
        return images
    both = []
    for image, level, (original, _) in zip(images, levels, source.levels, strict=True):
        outside, axis = level.labels == 0, source.channel_axis
        # NumPy gives this to Dask where the labels are lazy.
        outside = outside if axis is None else np.expand_dims(outside, axis)
        both.append(np.where(outside, original, image).astype(image.dtype))
    return both


def own_channel(image: Any, i: int, source: LayerImage) -> Any:
    """Take one layer's own segmented image out of that of all."""
    channel = image[i].astype(source.data.dtype)
    return np.ascontiguousarray(channel) if isinstance(channel, np.ndarray) else channel
