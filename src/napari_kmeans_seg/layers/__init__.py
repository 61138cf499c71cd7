"""The middle floor: napari layers in, napari layers out, no Qt.

A run goes through here in three steps. `LayerImage.of` reads a layer on the interface's
thread; `LayerImage.segment` and `Outputs.paint` do the work on any thread; `Outputs.show`
shows the result in the viewer, on the interface's thread again.

It has four rooms, and each knows only what stands before it here: `source` is what is segmented,
`outputs` are the layers that a run adds and what they keep of it, `clusters` is what is done with
them afterwards. `export` writes a result as text, and knows `outputs` alone. All of them stand on
`base`, which knows none of them.
"""

from .base.cleanup import CleanUp
from .base.describe import axis_names, blurred_axes, describe, describe_channels, displayed_plane
from .outputs import Outputs, earlier_outputs
from .outputs.colors import warm_up_early
from .outputs.edit_watch import METADATA_KEY, EditWatch, linked_layers
from .source.channels import proposed_channels
from .source.layer_image import LayerImage
from .source.region import Region
from .source.seeds import Seeds
from .source.view import PartInView, is_shown, to_preview

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
    "proposed_channels",
    "to_preview",
    "warm_up_early",
]
