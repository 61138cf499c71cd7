"""Arguments are checked here, and each error names the argument, what it got and what it takes."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_CLUSTERS = 65_535
"""Labels fit in uint16."""

EMPTY_MASK = "mask takes an array with at least one true pixel; got one with none."

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-100, 1e100
"""Beyond these, squared distances would be infinite or nothing."""

MAX_SMOOTHING = 10_000.0
"""Pixels of a blur's standard deviation. Far beyond any image the kernel would fill the memory."""

COLOR_SPACES = ("rgb", "lab", "hsv")
INITS = ("auto", "k-means++", "random", "optimal")


_told_elsewhere: ContextVar[bool] = ContextVar("told_elsewhere", default=False)


@contextmanager
def told_elsewhere() -> Iterator[None]:
    """Warn nobody: what there is to say is read from `Segmentation.warnings`, and shown.

    For this thread only, unlike the filters of the module `warnings`.
    """
    token = _told_elsewhere.set(True)
    try:
        yield
    finally:
        _told_elsewhere.reset(token)


def warn(message: str) -> None:
    """Warn whoever called into this package, on the line where they did."""
    if _told_elsewhere.get():
        return
    level, frame = 1, sys._getframe()
    package = __name__.partition(".")[0]
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return `value` as an int between `low` and `high`."""
    takes = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} takes {takes}; got {value!r} ({type(value).__name__}).")
    number = int(value)
    if number < low or (high is not None and number > high):
        raise ValueError(f"{name} takes {takes}; got {number}.")
    return number


def real(name: str, value: Any, low: float, high: float = np.inf, *, above: bool = False) -> float:
    """Return `value` as a finite float between `low` and `high`; `above` leaves out `low`."""
    takes = f"a number {'above' if above else 'of at least'} {low:g}"
    if high < np.inf:
        takes += f" and at most {high:g}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} takes {takes}; got {value!r} ({type(value).__name__}).")
    number = float(value)
    if not np.isfinite(number) or number < low or number > high or (above and number == low):
        raise ValueError(f"{name} takes {takes}; got {value!r}.")
    return number


def reals(
    name: str, value: Any, n: int, what: str, low: float = 0.0, high: float = np.inf
) -> tuple[float, ...]:
    """Return `value`, a number or `n` numbers, as `n` floats between `low` and `high`."""
    if isinstance(value, Real):
        return (real(name, value, low, high),) * n
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray) or not np.ndim(value):
        raise TypeError(f"{name} takes a number or one per {what}; got {value!r}.")
    if len(value) != n:
        raise ValueError(f"{name} takes one number per {what}, {n} here; got {len(value)}.")
    return tuple(real(f"{name}[{i}]", number, low, high) for i, number in enumerate(value))


def weight(name: str, value: Any) -> float:
    """Return `value` as a factor in distances: 0, or a float whose square is one."""
    number = real(name, value, 0, LARGEST_WEIGHT)
    if 0 < number < SMALLEST_WEIGHT:
        raise ValueError(
            f"{name} takes 0 or a number of at least {SMALLEST_WEIGHT:g}; got {value!r}."
        )
    return number


def channel_weights(value: Any, n_channels: int) -> tuple[float, ...]:
    """Return a weight for each channel, not all of them 0; None is 1 for all."""
    if value is None:
        return (1.0,) * n_channels
    weights = reals("channel_weights", value, n_channels, "channel", high=LARGEST_WEIGHT)
    if not any(weights):
        raise ValueError("channel_weights takes at least one weight above 0; got all 0.")
    return tuple(weight(f"channel_weights[{i}]", one) for i, one in enumerate(weights))


def several(name: str, value: Any, takes: str) -> list[Any]:
    """Return `value` as a list, if it has items to go through; a str is one word."""
    try:
        if not isinstance(value, str):
            return list(value)
    except TypeError:
        pass
    raise TypeError(f"{name} takes {takes}; got {value!r} ({type(value).__name__}).")


def numbers_of_clusters(name: str, value: Any) -> list[int]:
    """Return `value` as numbers of clusters, ascending."""
    asked = several(name, value, "several integers, such as range(2, 13)")
    if not asked:
        raise ValueError(f"{name} takes at least one number of clusters; got none.")
    return sorted({integer(name, k, 1, MAX_CLUSTERS) for k in asked})


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool; only True and False are."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} takes True or False; got {value!r} ({type(value).__name__}).")
    return bool(value)


def progress(value: Any) -> None:
    """Refuse a `progress` that cannot be called."""
    if value is not None and not callable(value):
        raise TypeError(
            "progress takes a function, called as progress(fraction, stage), or None; "
            f"got {value!r} ({type(value).__name__})."
        )


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        takes = ", ".join(repr(one) for one in choices)
        raise ValueError(f"{name} takes one of {takes}; got {value!r}.")
    return value


def is_lazy(array: object) -> bool:
    """Whether an array is computed when it is asked for, as those of Dask are."""
    graph = getattr(array, "__dask_graph__", None)
    # An xarray.DataArray may hold either, and is asked: it has no graph where it is in memory.
    return graph is not None and graph() is not None


def of_layer(image: Any, channel_axis: int | None) -> tuple[Any, int | None]:
    """Give the pixels of a napari layer and the axis of its channels; whatever else as it is.

    A layer is told by what it has: nothing of napari is imported.
    """
    if not hasattr(image, "as_layer_data_tuple"):
        return image, channel_axis
    if not hasattr(image, "level_shapes"):
        raise TypeError(
            f"image takes an array, or a layer of napari that holds one; got a "
            f"{type(image).__name__} layer. Pass an Image layer, or its data."
        )
    pixels = image.data[0] if image.multiscale else image.data
    if getattr(image, "rgb", False):
        axis_of_colors = pixels.ndim - 1
        if channel_axis is not None and channel_axis % pixels.ndim != axis_of_colors:
            raise ValueError(
                f"channel_axis takes {axis_of_colors}, or None, for an RGB layer; got "
                f"{channel_axis}."
            )
        channel_axis = axis_of_colors
    return pixels, channel_axis


def image_array(image: ArrayLike) -> NDArray[Any]:
    """Return `image` as an array of real numbers with at least one pixel."""
    if isinstance(image, np.ma.MaskedArray):
        raise TypeError(
            "image takes a plain array; got a masked array. "
            "Pass image.data, and mask=~image.mask for the pixels that take part."
        )
    try:
        array = np.asarray(image)
    except ValueError as error:
        raise ValueError(f"image takes an array; got what NumPy cannot read: {error}") from error
    if array.dtype.kind not in "buif" or array.dtype.itemsize > 8:
        raise TypeError(
            f"image takes booleans, integers or floats of up to 64 bits; got dtype {array.dtype}."
        )
    if array.ndim == 0:
        raise ValueError("image takes an array with at least one axis; got a single number.")
    if array.size == 0:
        raise ValueError(f"image takes at least one pixel; got shape {array.shape}.")
    return array


def axis(name: str, value: Any, ndim: int) -> int:
    """Return `value` as a non-negative axis of an array with `ndim` axes."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} takes an integer or None; got {value!r} ({type(value).__name__}).")
    if not -ndim <= int(value) < ndim:
        raise ValueError(
            f"{name} takes an axis of the image, from {-ndim} to {ndim - 1}; got {value}."
        )
    return int(value) % ndim


def spatial_mask(
    mask: ArrayLike, shape: tuple[int, ...], *, may_be_empty: bool = False
) -> NDArray[np.bool_]:
    """Return `mask` as a boolean array of the image's spatial `shape`."""
    try:
        array = np.asarray(mask)
    except ValueError as error:
        raise ValueError(f"mask takes an array; got what NumPy cannot read: {error}") from error
    if array.dtype.kind not in "bui":
        raise TypeError(f"mask takes an array of booleans; got dtype {array.dtype}.")
    if array.shape != shape:
        raise ValueError(
            f"mask takes an array of the image's spatial shape {shape}; got shape {array.shape}."
        )
    inside = array.astype(bool, copy=False)
    if not (may_be_empty or inside.any()):
        raise ValueError(EMPTY_MASK)
    return inside


def centroids(
    name: str, value: ArrayLike, n_clusters: int | None, n_channels: int
) -> NDArray[np.float64]:
    """Return `value` as an ``(n_clusters, n_channels)`` array of finite floats."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} takes an array; got what NumPy cannot read: {error}") from error
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} takes real numbers; got dtype {array.dtype}.")
    if n_clusters is None and array.ndim == 2:
        n_clusters = integer(f"the number of rows of {name}", len(array), 1, MAX_CLUSTERS)
    if array.shape != (n_clusters, n_channels):
        n_rows = "n_clusters" if n_clusters is None else n_clusters
        raise ValueError(
            f"{name} takes an array of shape (n_clusters, n_channels) = ({n_rows}, {n_channels}); "
            f"got shape {array.shape}."
        )
    found = array.astype(np.float64)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} takes finite numbers; got NaN or infinity.")
    return found


def generator(seed: Any) -> np.random.Generator:
    """Return the random generator of `seed`: an int, a Generator, or None."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is not None:
        seed = integer("seed", seed, 0)
    return np.random.default_rng(seed)
