"""What the clusters of a result are of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..outputs.edit_watch import has_other_pixels, linked_to
from ..outputs.record import Record
from ..source.layer_image import LayerImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Image, Labels, Layer

_OTHER_PIXELS = "The image has other pixels by now than those of its clusters. Run again."


def sources_of(layers: Iterable[Layer], result: Labels) -> list[Image]:
    """Find the images that were segmented; none where one is gone."""
    # Of several the ids are joined, and of a part there is a note behind them.
    ids = linked_to(result)[0].partition(":")[0].split("+")
    there = {str(layer.unique_id): layer for layer in layers}
    found = [there[one] for one in ids if one in there]
    return found if len(found) == len(ids) else []


def source_image_of(result: Labels, sources: Sequence[Image]) -> LayerImage | None:
    """Read what was segmented: an image, or several as channels, or a part of it.

    Raises
    ------
    ValueError
        If layers do not match any more, or have got other pixels since.
    """
    if not sources:
        return None
    if has_other_pixels(result, sources):
        raise ValueError(_OTHER_PIXELS)
    source = Record.of_result(result).source
    whole = LayerImage.of(*sources, channel_axis=source.channels_along)
    return whole if source.plane is None else replace(whole, plane=source.plane)
