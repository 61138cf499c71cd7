"""Arguments are checked here, and each error names the argument, what it got and what it takes."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import WrongType, WrongValue

MAX_CLUSTERS = 65_535
"""Labels fit in uint16."""

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-100, 1e100
"""Beyond these, squared distances would be infinite or nothing."""

MAX_SMOOTHING = 10_000.0
"""Pixels of a blur's standard deviation. Far beyond any image the kernel would fill the memory."""


def with_type(value: Any) -> str:
    """Write a value and what type it is of."""
    return f"{value!r} ({type(value).__name__})"


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return `value` as an int between `low` and `high`."""
    takes = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise WrongType(name, takes, with_type(value))
    number = int(value)
    if number < low or (high is not None and number > high):
        raise WrongValue(name, takes, str(number))
    return number


def real(
    name: str, value: Any, low: float, high: float = np.inf, *, above: bool = False, place: str = ""
) -> float:
    """Return `value` as a finite float between `low` and `high`; `above` leaves out `low`."""
    takes = f"a number {'above' if above else 'of at least'} {low:g}"
    if high < np.inf:
        takes += f" and at most {high:g}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise WrongType(name, takes, with_type(value), place=place)
    number = float(value)
    if not np.isfinite(number) or number < low or number > high or (above and number == low):
        raise WrongValue(name, takes, repr(value), place=place)
    return number


def reals(
    name: str, value: Any, n: int, what: str, low: float = 0.0, high: float = np.inf
) -> tuple[float, ...]:
    """Return `value`, a number or `n` numbers, as `n` floats between `low` and `high`."""
    if isinstance(value, Real):
        return (real(name, value, low, high),) * n
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray) or not np.ndim(value):
        raise WrongType(name, f"a number or one per {what}", repr(value))
    if len(value) != n:
        raise WrongValue(name, f"one number per {what}, {n} here", str(len(value)))
    return tuple(real(name, number, low, high, place=f"[{i}]") for i, number in enumerate(value))


def weight(name: str, value: Any, place: str = "") -> float:
    """Return `value` as a factor in distances: 0, or a float whose square is one."""
    number = real(name, value, 0, LARGEST_WEIGHT, place=place)
    if 0 < number < SMALLEST_WEIGHT:
        takes = f"0 or a number of at least {SMALLEST_WEIGHT:g}"
        raise WrongValue(name, takes, repr(value), place=place)
    return number


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


def channel_weights(value: Any, n_channels: int) -> tuple[float, ...]:
    """Return a weight for each channel, not all of them 0; None is 1 for all."""
    if value is None:
        return (1.0,) * n_channels
    weights = reals("channel_weights", value, n_channels, "channel", high=LARGEST_WEIGHT)
    if not any(weights):
        raise WrongValue("channel_weights", "at least one weight above 0", "all 0")
    return tuple(weight("channel_weights", one, f"[{i}]") for i, one in enumerate(weights))


def several(name: str, value: Any, takes: str) -> list[Any]:
    """Return `value` as a list, if it has items to go through; a str is one word."""
    try:
        if not isinstance(value, str):
            return list(value)
    except TypeError:
        pass
    raise WrongType(name, takes, with_type(value))


def numbers_of_clusters(name: str, value: Any) -> list[int]:
    """Return `value` as numbers of clusters, ascending."""
    asked = several(name, value, "several integers, such as range(2, 13)")
    if not asked:
        raise WrongValue(name, "at least one number of clusters", "none")
    return sorted({integer(name, k, 1, MAX_CLUSTERS) for k in asked})


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool; only True and False are."""
    if not isinstance(value, bool | np.bool_):
        raise WrongType(name, "True or False", with_type(value))
    return bool(value)


def progress(value: Any) -> None:
    """Refuse a `progress` that cannot be called."""
    if value is not None and not callable(value):
        takes = "a function, called as progress(fraction, stage), or None"
        raise WrongType("progress", takes, with_type(value))


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        takes = f"one of {', '.join(repr(one) for one in choices)}"
        raise WrongValue(name, takes, repr(value))
    return value


def is_lazy(array: object) -> bool:
    """Whether an array is computed when it is asked for, as those of Dask are."""
    graph = getattr(array, "__dask_graph__", None)
    # An xarray.DataArray may hold either, and is asked: it has no graph where it is in memory.
    return graph is not None and graph() is not None


def image_array(image: ArrayLike) -> NDArray[Any]:
    """Return `image` as an array of real numbers with at least one pixel."""
    if isinstance(image, np.ma.MaskedArray):
        advice = "Pass image.data, and mask=~image.mask for the pixels that take part."
        raise WrongType("image", "a plain array", "a masked array", advice=advice)
    try:
        array = np.asarray(image)
    except ValueError as error:
        raise WrongValue("image", "an array", f"what NumPy cannot read: {error}") from error
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
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise WrongType(name, "an integer or None", with_type(value))
    if not -ndim <= int(value) < ndim:
        takes = f"an axis of the image, from {-ndim} to {ndim - 1}"
        raise WrongValue(name, takes, str(value))
    return int(value) % ndim


def spatial_mask(
    mask: ArrayLike, shape: tuple[int, ...], *, may_be_empty: bool = False
) -> NDArray[np.bool_]:
    """Return `mask` as a boolean array of the image's spatial `shape`."""
    try:
        array = np.asarray(mask)
    except ValueError as error:
        raise WrongValue("mask", "an array", f"what NumPy cannot read: {error}") from error
    if array.dtype.kind not in "bui":
        raise WrongType("mask", "an array of booleans", f"dtype {array.dtype}")
    if array.shape != shape:
        takes = f"an array of the image's spatial shape {shape}"
        raise WrongValue("mask", takes, f"shape {array.shape}")
    inside = array.astype(bool, copy=False)
    if not (may_be_empty or inside.any()):
        raise WrongValue("mask", "an array with at least one true pixel", "one with none")
    return inside


def centroids(
    name: str, value: ArrayLike, n_clusters: int | None, n_channels: int
) -> NDArray[np.float64]:
    """Return `value` as an ``(n_clusters, n_channels)`` array of finite floats."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise WrongValue(name, "an array", f"what NumPy cannot read: {error}") from error
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


def generator(seed: Any) -> np.random.Generator:
    """Return the random generator of `seed`: an int, a Generator, or None."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is not None:
        seed = integer("seed", seed, 0)
    return np.random.default_rng(seed)
