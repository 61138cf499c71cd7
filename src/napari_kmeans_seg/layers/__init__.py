"""The middle floor: napari layers in, napari layers out, no Qt.

A run goes through here in three steps. `LayerImage.of` reads a layer on the interface's
thread; `LayerImage.segment` and `Outputs.paint` do the work on any thread; `Outputs.show`
puts the result into the viewer, on the interface's thread again.
"""

from .cleanup import CleanUp
from .colors import warm_up_early
from .describe import axis_names, blurred_axes, describe, describe_channels, displayed_plane
from .link import METADATA_KEY, EditWatch, linked_layers
from .outputs import Outputs, earlier_outputs
from .region import Region
from .seeds import Seeds
from .source import LayerImage
from .view import PartInView, is_shown, to_preview

__all__ = [
    "METADATA_KEY",
    "CleanUp",
    "EditWatch",
    "LayerImage",
    "Outputs",
    "PartInView",
    "Region",
    "Seeds",
    "axis_names",
    "blurred_axes",
    "describe",
    "describe_channels",
    "displayed_plane",
    "earlier_outputs",
    "is_shown",
    "linked_layers",
    "to_preview",
    "warm_up_early",
]
