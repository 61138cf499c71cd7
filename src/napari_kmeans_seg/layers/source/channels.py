"""Channels inside one layer: along which axis they lie, and what they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_kmeans_seg.files.tiff.axes import TIFF, channels_said

from ..base.describe import axis_names, is_channel, is_time, pixels_of

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_kmeans_seg.files.tiff.axes import Axes

_COLORS = (3, 4)
UNNAMED = 3
"""Channels that are proposed where nothing but the length of the first axis speaks for them: red,
green and blue, or three stains. Two or four pictures are a series as often."""


def proposed_channels(layer: Image) -> int | None:
    """Find the axis of a layer that holds channels, or None.

    What its axes are called counts first, then what its file says; where neither says anything,
    a short first axis of three is one of channels, and a last one as long as a colour.
    """
    if layer.rgb or layer.ndim < 3:
        return None
    named = [axis for axis in range(layer.ndim) if is_channel(layer, axis)]
    if named:
        return named[0]
    unnamed = axis_names(layer)[0] == "axis 0" and not is_time(layer, 0)
    if not unnamed:
        return None
    if (said := _axes_of_file(layer)) is not None and said.known:
        return said.channel_axis
    first, *others = pixels_of(layer).shape
    if len(others) == 2 and first == UNNAMED < min(others):
        return 0
    # Napari takes small pictures, such as those of an icon, for no colours.
    *_, height, width, last = pixels_of(layer).shape
    return layer.ndim - 1 if last in _COLORS and last < min(height, width) else None


def channel_names(layer: Image, axis: int) -> tuple[str, ...]:
    """Name the channels along an axis, as the file of the layer does where it names them."""
    n = int(pixels_of(layer).shape[axis])
    said = _axes_of_file(layer)
    if said is not None and said.channel_axis == axis and len(said.channel_names) == n:
        return said.channel_names
    # Counted from 0, as napari's slider counts them.
    return tuple(f"channel {i}" for i in range(n))


def checked_axis(layer: Image, axis: int, n_others: int) -> int:
    """Return an axis of channels, counted from 0.

    Raises
    ------
    ValueError
        If the layer cannot have it.
    """
    if layer.rgb:
        raise ValueError(
            f"channel_axis={axis} takes a layer without colours; “{layer.name}” is RGB, its "
            "channels are red, green and blue."
        )
    if n_others:
        raise ValueError(
            f"channel_axis={axis} takes a single layer; got {1 + n_others}, which are a channel "
            "each."
        )
    if not -layer.ndim <= axis < layer.ndim or layer.ndim < 2:
        raise ValueError(
            f"channel_axis takes an axis of “{layer.name}”, from {-layer.ndim} to "
            f"{layer.ndim - 1}; got {axis}."
        )
    return axis % int(layer.ndim)


def _axes_of_file(layer: Image) -> Axes | None:
    path = Path(layer.source.path or "")
    if path.suffix.lower() not in TIFF or not path.is_file():
        return None
    return channels_said(path, tuple(pixels_of(layer).shape))
