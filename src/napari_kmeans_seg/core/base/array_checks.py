"""Arguments that are arrays, or depend on one, are checked here: see `checks`."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import (
    LARGEST_WEIGHT,
    MAX_CLUSTERS,
    NOT_GIVEN,
    SMALLEST_WEIGHT,
    integer,
    real,
    weight,
    with_type,
)
from .errors import EmptyMask, WrongType, WrongValue


def is_lazy(array: object) -> bool:
    """Whether an array is computed when it is asked for, as those of Dask are."""
    graph = getattr(array, "__dask_graph__", None)
    # An xarray.DataArray may hold either, and is asked: it has no graph where it is in memory.
    return graph is not None and graph() is not None


def is_layer(image: Any) -> bool:
    """Whether this is a layer of napari, which knows whether it holds colours."""
    return hasattr(image, "as_layer_data_tuple")


def of_layer(image: Any, channel_axis: int | None) -> tuple[Any, int | None]:
    """Give the pixels of a napari layer and the axis of its channels; whatever else as it is.

    A layer is known by what it has: nothing of napari is imported.
    """
    channel_axis = None if channel_axis is NOT_GIVEN else channel_axis
    if not is_layer(image):
        return image, channel_axis
    if not hasattr(image, "level_shapes"):
        takes = "an array, or a layer of napari that holds one"
        advice = "Pass an Image layer, or its data."
        raise WrongType("image", takes, f"a {type(image).__name__} layer", advice=advice)
    pixels = image.data[0] if image.multiscale else image.data
    if getattr(image, "rgb", False):
        of_colors = pixels.ndim - 1
        if channel_axis is not None and channel_axis % pixels.ndim != of_colors:
            takes = f"{of_colors}, or None, for an RGB layer"
            raise WrongValue("channel_axis", takes, str(channel_axis))
        channel_axis = of_colors
    return pixels, channel_axis


def _as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(value)
    except ValueError as error:
        raise WrongValue(name, "an array", f"what NumPy cannot read: {error}") from error


def image_array(image: ArrayLike) -> NDArray[Any]:
    """Return `image` as an array of real numbers with at least one pixel."""
    if isinstance(image, np.ma.MaskedArray):
        advice = "Pass image.data, and mask=~image.mask for the pixels that take part."
        raise WrongType("image", "a plain array", "a masked array", advice=advice)
    array = _as_array("image", image)
    if array.dtype.kind == "O" and array.ndim == 0:
        raise WrongType("image", "an array, or the path of an image file", with_type(image))
    if array.dtype.kind not in "buif" or array.dtype.itemsize > 8:
        takes = "booleans, integers or floats of up to 64 bits"
        raise WrongType("image", takes, f"dtype {array.dtype}")
    if array.ndim == 0:
        raise WrongValue("image", "an array with at least one axis", "a single number")
    if array.size == 0:
        raise WrongValue("image", "at least one pixel", f"shape {array.shape}")
    return array


def axis(name: str, value: Any, ndim: int) -> int:
    """Return `value` as a non-negative axis of an array with `ndim` axes."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise WrongType(name, "an integer or None", with_type(value))
    if not -ndim <= int(value) < ndim:
        takes = f"an axis of the image, from {-ndim} to {ndim - 1}"
        raise WrongValue(name, takes, str(value))
    return int(value) % ndim


def spatial_mask(
    mask: ArrayLike, shape: tuple[int, ...], *, may_be_empty: bool = False
) -> NDArray[np.bool_]:
    """Return `mask` as a boolean array of the image's spatial `shape`."""
    array = _as_array("mask", mask)
    if array.dtype.kind not in "bui":
        raise WrongType("mask", "an array of booleans", f"dtype {array.dtype}")
    shape_of_mask(array.shape, shape)
    inside = array.astype(bool, copy=False)
    if not (may_be_empty or inside.any()):
        raise EmptyMask("mask", "an array with at least one true pixel", "one with none")
    return inside


def shape_of_mask(given: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Refuse a mask that has not the image's spatial `shape`."""
    if given != shape:
        takes = f"an array of the image's spatial shape {shape}"
        raise WrongValue("mask", takes, f"shape {given}")


def centroids(
    name: str, value: ArrayLike, n_clusters: int | None, n_channels: int
) -> NDArray[np.float64]:
    """Return `value` as an ``(n_clusters, n_channels)`` array of finite floats."""
    array = _as_array(name, value)
    if array.dtype.kind not in "buif":
        raise WrongType(name, "real numbers", f"dtype {array.dtype}")
    if n_clusters is None and array.ndim == 2:
        n_clusters = integer(f"the number of rows of {name}", len(array), 1, MAX_CLUSTERS)
    if array.shape != (n_clusters, n_channels):
        n_rows = "n_clusters" if n_clusters is None else n_clusters
        takes = f"an array of shape (n_clusters, n_channels) = ({n_rows}, {n_channels})"
        raise WrongValue(name, takes, f"shape {array.shape}")
    found = array.astype(np.float64)
    if not np.isfinite(found).all():
        raise WrongValue(name, "finite numbers", "NaN or infinity")
    return found


def reals(name: str, value: Any, n: int, what: str, *, high: float) -> tuple[float, ...]:
    """Return `value`, a number or `n` numbers, as `n` floats between 0 and `high`."""
    if isinstance(value, Real):
        return (real(name, value, 0, high),) * n
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray) or not np.ndim(value):
        raise WrongType(name, f"a number or one per {what}", repr(value))
    if len(value) != n:
        raise WrongValue(name, f"one number per {what}, {n} here", str(len(value)))
    return tuple(real(name, number, 0, high, place=f"[{i}]") for i, number in enumerate(value))


def channel_weights(value: Any, n_channels: int, names: Sequence[str] = ()) -> tuple[float, ...]:
    """Return a weight for each channel, not all of them 0; None is 1 for all.

    Parameters
    ----------
    value : sequence of float, mapping of str or int to float, or None
        A weight for each channel, or for some by their names or numbers from 0.
    n_channels : int
        How many there are.
    names : sequence of str
        What they are called; three without names may be red, green and blue.
    """
    if value is None:
        return (1.0,) * n_channels
    if isinstance(value, Mapping):
        value = _weights_by_name(value, n_channels, names)
    weights = reals("channel_weights", value, n_channels, "channel", high=LARGEST_WEIGHT)
    if not any(weights):
        raise WrongValue("channel_weights", "at least one weight above 0", "all 0")
    return tuple(weight("channel_weights", one, f"[{i}]") for i, one in enumerate(weights))


def weight_of_positions(value: float, weights: Sequence[float]) -> None:
    """Refuse a `spatial_weight` that is out of range together with the weights of channels.

    Positions spread as far as the weighted values do, times their own weight.
    """
    product = value * max(weights)
    if value and not SMALLEST_WEIGHT <= product <= LARGEST_WEIGHT:
        raise WrongValue(
            "spatial_weight",
            f"0 or a number from {SMALLEST_WEIGHT:g} to {LARGEST_WEIGHT:g}",
            repr(product),
            place=" times the largest of {channel_weights}",
            others=("channel_weights",),
        )


def _weights_by_name(given: Mapping[Any, Any], n_channels: int, names: Sequence[str]) -> list[Any]:
    called = list(names) or (["red", "green", "blue"] if n_channels == 3 else [])
    numbers = {name.strip().casefold(): i for i, name in reversed(list(enumerate(called)))}
    weights: list[Any] = [1.0] * n_channels
    for key, one in given.items():
        number = numbers.get(key.strip().casefold(), key) if isinstance(key, str) else key
        if isinstance(number, str) and number.strip().isdecimal():
            number = int(number)
        if isinstance(number, bool) or number not in range(n_channels):
            takes = f"channels of the image, by number from 0 to {n_channels - 1}"
            takes += f", or {', '.join(called)}" if called else "; it has no names"
            raise WrongValue("channel_weights", takes, repr(key))
        weights[int(number)] = one
    return weights
