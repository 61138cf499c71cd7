"""The middle floor: napari layers in, napari layers out, no Qt.

A run goes through here in three steps. `LayerImage.of` reads a layer on the interface's
thread; `LayerImage.segment` and `Outputs.paint` do the work on any thread; `Outputs.show`
puts the result into the viewer, on the interface's thread again.
"""

from .cleanup import CleanUp
from .colors import warm_up_early
from .describe import describe, describe_channels, displayed_plane
from .link import METADATA_KEY, EditWatch, linked_layers
from .outputs import Outputs, earlier_outputs
from .region import Region
from .seeds import Seeds
from .source import LayerImage

__all__ = [
    "METADATA_KEY",
    "CleanUp",
    "EditWatch",
    "LayerImage",
    "Outputs",
    "Region",
    "Seeds",
    "describe",
    "describe_channels",
    "displayed_plane",
    "earlier_outputs",
    "linked_layers",
    "warm_up_early",
]
