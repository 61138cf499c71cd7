"""The colours of a Labels layer: each cluster in its mean colour, until a person says otherwise."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Labels

    from napari_kmeans_seg import Segmentation

# A label that no cluster has was painted by hand, and must not be overlooked.
_BY_HAND = "magenta"


def mean_colors(segmentation: Segmentation, source: Image) -> dict[int | None, Any]:
    """Give each label the colour in which the source layer shows the mean of its cluster.

    Over the segmented image the labels then look just like it, and over the source they
    look like the clusters they are. Napari's colour mode *auto* shows them in distinct
    hues.

    Parameters
    ----------
    segmentation : Segmentation
        The result.
    source : Image
        The layer that was segmented; grey values are shown with its colormap, contrast
        limits and gamma.

    Returns
    -------
    dict
        As napari's `DirectLabelColormap` takes it.
    """
    means = segmentation.centroids
    if source.rgb:
        dtype = np.dtype(source.dtype)
        full = np.iinfo(dtype).max if dtype.kind in "iu" else 1
        colors = np.clip(means / full, 0, 1)
    else:
        low, high = source.contrast_limits
        shown = np.clip((means[:, 0] - low) / (high - low), 0, 1) ** source.gamma
        colors = source.colormap.map(shown)
    opaque = np.ones((len(colors), 4))
    opaque[:, :3] = colors[:, :3]
    return {None: _BY_HAND, 0: "transparent", **dict(enumerate(opaque, start=1))}


def set_colors(layer: Labels, colors: dict[int | None, Any]) -> None:
    """Show a Labels layer in the given colours."""
    layer.colormap = DirectLabelColormap(color_dict=colors)


def color_fingerprint(layer: Labels) -> str:
    """Tell whether the colours are still what they were; "auto" for napari's own hues."""
    colormap = layer.colormap
    if not isinstance(colormap, DirectLabelColormap):
        return "auto"
    colors: dict[int | None, npt.NDArray[Any]] = dict(colormap.color_dict)
    told = sorted((str(label), np.round(color, 4).tolist()) for label, color in colors.items())
    return f"{zlib.crc32(repr(told).encode()):08x}"
