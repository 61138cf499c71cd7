"""The middle floor: napari layers in, napari layers out, no Qt.

A run goes through here in three steps. `LayerImage.of` reads a layer on the interface's
thread; `LayerImage.segment` and `Outputs.paint` do the work on any thread; `Outputs.show`
puts the result into the viewer, on the interface's thread again.
"""

from .link import METADATA_KEY, EditWatch, linked_layers
from .outputs import Outputs
from .source import LayerImage, describe

__all__ = [
    "METADATA_KEY",
    "EditWatch",
    "LayerImage",
    "Outputs",
    "describe",
    "linked_layers",
]
