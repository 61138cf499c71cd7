"""What there is to say of image layers before any pixel is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_kmeans_seg.core.base.errors import WrongType

from .arrays import inner_array, results_keep
from .geometry import conversion, from_viewer, in_units, placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

CHANNEL_NAMES = ("c", "ch", "channel", "channels", "band", "bands", "wavelength")
"""What an axis of channels is called, in small letters."""


def check_kind(layer: object, *takes: type) -> None:
    """Refuse a layer of another kind, before it fails for want of what these have."""
    if not isinstance(layer, takes):
        kinds = " or ".join(one.__name__ for one in takes)
        raise WrongType("layer", f"one of napari's {kinds} layers", type(layer).__name__)


def describe(layer: Image, channel_axis: int | None = None) -> str:
    """Say in a few words what a layer holds, e.g. "600 × 400 pixels, RGB, uint8".

    Of one whose channels lie along an axis that is their number, and the size without it.
    """
    pixels = pixels_of(layer)
    shape = tuple(pixels.shape[:-1] if layer.rgb else pixels.shape)
    kind = "grey" if not layer.rgb else "RGBA" if pixels.shape[-1] == 4 else "RGB"
    if channel_axis is not None:
        kind = f"{shape[channel_axis]} channels along {axis_names(layer)[channel_axis]}"
        shape = (*shape[:channel_axis], *shape[channel_axis + 1 :])
    size = _size(shape)
    pyramid = ", pyramid" if layer.multiscale else ""
    lazy = "" if isinstance(inner_array(pixels), np.ndarray) else ", lazy"
    return f"{size} pixels, {kind}, {np.dtype(pixels.dtype)}{pyramid}{lazy}"


def describe_channels(layers: Sequence[Image]) -> str:
    """Say in a few words what several layers hold that are clustered together.

    Raises
    ------
    ValueError
        If they do not match.
    """
    for layer in layers:
        if (why := mismatch(layers[0], layer)) is not None:
            raise ValueError(why)
    names = ", ".join(layer.name for layer in layers)
    return f"{names}: {describe(layers[0])} each"


def axis_names(layer: Layer) -> list[str]:
    """Name the axes; what napari calls one without a name, its number from the end, says little."""
    labels = layer.axis_labels
    n = len(labels)
    return [f"axis {i}" if name == str(i - n) else name for i, name in enumerate(labels)]


def is_time(layer: Layer, axis: int) -> bool:
    """Whether an axis is one of time, by its name or its unit."""
    named = layer.axis_labels[axis].lower() in ("t", "time")
    return named or bool(layer.units[axis].is_compatible_with("s"))


def is_channel(layer: Layer, axis: int) -> bool:
    """Whether an axis is one of channels, by its name."""
    return layer.axis_labels[axis].lower() in CHANNEL_NAMES


def results_axes(layer: Image, channel_axis: int | None) -> list[int]:
    """Say which axes of a layer its results have, if the axis is one of channels."""
    kept = channel_axis is None or results_keep(channel_axis, layer.ndim)
    return [axis for axis in range(layer.ndim) if kept or axis != channel_axis]


def blurred_axes(layer: Image, channel_axis: int | None = None) -> tuple[list[str], list[str]]:
    """Name the axes along which smoothing blurs a layer, and those of time, where it does not."""
    names: tuple[list[str], list[str]] = ([], [])
    for axis, name in enumerate(axis_names(layer)):
        if axis != channel_axis:
            names[is_time(layer, axis)].append(name)
    return names


def displayed_plane(
    viewer: ViewerModel, layer: Image, channel_axis: int | None = None
) -> dict[int, int]:
    """Say which index a layer is shown at, along each axis that is stepped through.

    Axes are those of results; see `results_axes`. That of channels is none of them.

    Raises
    ------
    ValueError
        If a slider is beyond the end of the layer, where nothing of it is displayed.
    """
    missing = viewer.dims.ndim - layer.ndim
    shown = {axis - missing for axis in viewer.dims.displayed}
    world = from_viewer(viewer, layer, viewer.dims.point)
    at = np.rint(layer.world_to_data(world)).astype(int)[-layer.ndim :]
    shape = layer.data.shape if not layer.multiscale else layer.data[0].shape
    plane: dict[int, int] = {}
    for i, axis in enumerate(results_axes(layer, channel_axis)):
        if axis in shown or axis == channel_axis:
            continue
        if not 0 <= at[axis] < shape[axis]:
            name = axis_names(layer)[axis]
            raise ValueError(
                f"“{layer.name}” is not displayed: the slider of {name} stands at {at[axis]}, and "
                f"the image goes from 0 to {shape[axis] - 1}. Move it back to the image."
            )
        plane[i] = int(at[axis])
    return plane


def pixels_of(layer: Image) -> Any:
    """Give what a layer shows; of a pyramid, its largest level."""
    return layer.data[0] if layer.multiscale else layer.data


def mismatch(first: Image, other: Image) -> str | None:
    """Say why two layers cannot be clustered together, or None if they can."""
    if other.rgb:
        return (
            f"“{other.name}” is a colour image: select it alone, or only layers with one channel."
        )
    why = _difference(first, other)
    if why is None:
        return None
    return (
        f"Layers that are clustered together must match: {why}. Make them match, or leave "
        f"“{other.name}” out."
    )


def _difference(first: Image, other: Image) -> str | None:
    one, another = (
        [np.shape(level) for level in (layer.data if layer.multiscale else [layer.data])]
        for layer in (first, other)
    )
    if len(one) != len(another):
        return f"“{other.name}” has {len(another)} levels, “{first.name}” {len(one)}"
    if one != another:
        return f"“{other.name}” has {_size(another[0])} pixels, “{first.name}” {_size(one[0])}"
    alike = [
        a.dimensionality == b.dimensionality for a, b in zip(first.units, other.units, strict=True)
    ]
    if all(alike) and np.allclose(
        placement(first), in_units(placement(other), other.units, first.units)
    ):
        return None
    if not all(alike):
        return f"“{other.name}” has other units than “{first.name}”"
    if (conversion(other.units, first.units) != 1).any():
        return f"“{other.name}” lies elsewhere than “{first.name}”"
    for name in ("scale", "translate", "rotate", "shear", "affine"):
        mine, theirs = (np.asarray(getattr(layer, name)) for layer in (first, other))
        if not np.allclose(mine, theirs):
            return f"“{other.name}” has another {name} than “{first.name}”"
    return f"“{other.name}” lies elsewhere than “{first.name}”"


def _size(shape: Sequence[int]) -> str:
    """Write the size of a picture as people do, width first; more axes as the array has them."""
    return " × ".join(str(n) for n in (shape[::-1] if len(shape) == 2 else shape))
