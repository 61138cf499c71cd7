"""What there is to say of image layers before any pixel is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .geometry import placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image


def describe(layer: Image) -> str:
    """Say in a few words what a layer holds, e.g. "600 × 400 pixels, RGB, uint8".

    The size of a picture is told as people tell it, width first; more axes are told in
    the order of the array.
    """
    pixels = pixels_of(layer)
    shape = tuple(pixels.shape[:-1] if layer.rgb else pixels.shape)
    size = " × ".join(str(n) for n in (shape[::-1] if len(shape) == 2 else shape))
    kind = "grey" if not layer.rgb else "RGBA" if pixels.shape[-1] == 4 else "RGB"
    pyramid = ", pyramid" if layer.multiscale else ""
    lazy = "" if isinstance(pixels, np.ndarray) else ", lazy"
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


def displayed_plane(viewer: ViewerModel, layer: Image) -> dict[int, int]:
    """Tell which index a layer is shown at, along each axis that is stepped through."""
    missing = viewer.dims.ndim - layer.ndim
    shown = {axis - missing for axis in viewer.dims.displayed}
    at = np.rint(layer.world_to_data(viewer.dims.point)).astype(int)[-layer.ndim :]
    shape = layer.data.shape if not layer.multiscale else layer.data[0].shape
    return {
        axis: int(np.clip(at[axis], 0, shape[axis] - 1))
        for axis in range(layer.ndim)
        if axis not in shown
    }


def pixels_of(layer: Image) -> Any:
    """Give what a layer shows; of a pyramid, its largest level."""
    return layer.data[0] if layer.multiscale else layer.data


def mismatch(first: Image, other: Image) -> str | None:
    """Say why two layers cannot be clustered together, or None if they can."""
    if other.rgb:
        return (
            f"“{other.name}” is a colour image: select it alone, or only layers with one channel."
        )
    together = "Layers that are clustered together must match: "
    sizes = [[np.shape(p) for p in (x.data if x.multiscale else [x.data])] for x in (first, other)]
    if sizes[0] != sizes[1]:
        what = "levels" if len(sizes[0]) != len(sizes[1]) else "pixels"
        first_size, other_size = (
            len(size) if what == "levels" else " × ".join(map(str, size[0])) for size in sizes
        )
        return f"{together}“{other.name}” has {other_size} {what}, “{first.name}” {first_size}."
    if np.allclose(placement(first), placement(other)) and first.units == other.units:
        return None
    for name in ("scale", "translate", "rotate", "shear", "units", "affine"):
        one, another = (np.asarray(getattr(layer, name)) for layer in (first, other))
        same = (one == another).all() if name == "units" else np.allclose(one, another)
        if not same:
            return f"{together}“{other.name}” has another {name} than “{first.name}”."
    return f"{together}“{other.name}” lies elsewhere than “{first.name}”."
