"""Images to try the plugin on: File > Open Sample > K-means segmentation.

All of them lie in scikit-image's wheel, so none is downloaded.
"""

from __future__ import annotations

from typing import Any

import skimage.data

LayerData = tuple[Any, dict[str, Any], str]


def coffee() -> list[LayerData]:
    """Open a photograph of a coffee cup: (400, 600, 3) uint8."""
    return [(skimage.data.coffee(), {"name": "coffee", "rgb": True}, "image")]


def histology() -> list[LayerData]:
    """Open colon tissue: FHL2 in brown (DAB), nuclei in blue (hematoxylin), (512, 512, 3) uint8."""
    image = skimage.data.immunohistochemistry()
    return [(image, {"name": "colon tissue", "rgb": True}, "image")]


def retina() -> list[LayerData]:
    """Open a photograph of the back of a healthy eye: (1411, 1411, 3) uint8."""
    return [(skimage.data.retina(), {"name": "retina", "rgb": True}, "image")]


def cell() -> list[LayerData]:
    """Open a quantitative phase image of a cell: (660, 550) uint8, 0.107 µm a pixel."""
    # The one sample whose pixel size is published, with the image (Müller et al. 2018).
    scale = {"scale": (0.107, 0.107), "units": ("µm", "µm")}
    return [(skimage.data.cell(), {"name": "cell", **scale}, "image")]


def microaneurysms() -> list[LayerData]:
    """Open the green channel of a diseased retina: (102, 102) uint8."""
    return [(skimage.data.microaneurysms(), {"name": "microaneurysms"}, "image")]


def coins() -> list[LayerData]:
    """Open a photograph of Greek coins from Pompeii: (303, 384) uint8."""
    return [(skimage.data.coins(), {"name": "coins"}, "image")]
