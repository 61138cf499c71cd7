"""Which pixels of an image file take part: by what the file says, and by what a person says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.base import checks
from ..core.base.array_checks import is_lazy
from ..core.base.errors import WrongType, WrongValue
from .images import read_image

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from .base.image_file import ImageFile


@dataclass(frozen=True, eq=False)
class Mask:
    """Pixels that take part, from a file.

    Attributes
    ----------
    path
        Where it came from.
    inside
        True where pixels take part.
    turn
        TIFF's number for how a viewer turns it.
    """

    path: Path
    inside: npt.NDArray[np.bool_]
    turn: int


@dataclass(frozen=True, eq=False)
class Limits:
    """What a person says of the pixels that take part.

    Attributes
    ----------
    no_data
        Values of pixels that hold no data.
    low, high
        Pixels of which a channel is below or above take no part.
    mask
        Pixels outside it take no part.
    """

    no_data: tuple[int | float, ...] = ()
    low: int | float | None = None
    high: int | float | None = None
    mask: Mask | None = None

    def __post_init__(self) -> None:
        """Check what was given."""
        checks.kind("no_data", self.no_data, tuple)
        given: list[tuple[str, Any]] = [("no_data", one) for one in self.no_data]
        given += [(name, getattr(self, name)) for name in ("low", "high")]
        for name, value in given:
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, Real):
                raise WrongType(name, "a number or None", checks.with_type(value))
            if value != value:
                raise WrongValue(name, "a number that a pixel can be compared with", "nan")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise WrongValue("low", f"at most high, {self.high}", str(self.low))
        checks.kind("mask", self.mask, Mask, type(None))

    def to_json(self) -> dict[str, Any]:
        """Return what was given, so that JSON can hold it."""
        given = {
            "no_data": [*self.no_data] or None,
            "min": self.low,
            "max": self.high,
            "mask": self.mask and str(self.mask.path),
        }
        return {name: value for name, value in given.items() if value is not None}


def read_mask(path: Path) -> Mask:
    """Read a mask: any image file, whose pixels that are not black take part.

    Raises
    ------
    OSError, ValueError
        As for any image.
    """
    image = read_image(path)
    values = image.pixels
    if _is_array_of_bool(image):
        values = ~values
    if image.channel_axis is not None:
        values = np.moveaxis(values, image.channel_axis, -1)
    inside = (values != 0) & (values == values)
    if image.alpha:
        inside, seen = inside[..., :-1], inside[..., -1]
    if image.channel_axis is not None:
        inside = inside.any(-1)
    if image.alpha:
        inside &= seen
    if image.missing is not None:
        missing = image.missing
        inside &= ~_any(missing, image.channel_axis)
    return Mask(path, np.asarray(inside), image.tiff.turn)


def _is_array_of_bool(image: ImageFile) -> bool:
    """Whether tifffile wrote True and False, which it calls MINISWHITE and reads as they were.

    That is how Python saves a mask: True is inside, whatever a viewer shows of it.
    """
    if image.picture is not None or image.pixels.dtype.kind != "b":
        return False
    import tifffile

    with tifffile.TiffFile(image.path) as tiff:
        by_tifffile = tiff.pages.first.software.startswith("tifffile")
    return by_tifffile and image.tiff.storage.photometric == "miniswhite"


def taking_part(image: ImageFile, limits: Limits) -> npt.NDArray[np.bool_] | None:
    """Return where pixels take part, for all axes but that of the channels; None: everywhere.

    Of a colour picture a pixel holds no data where red, green and blue do; of other channels
    where one does, because what lacks a value cannot be compared with the rest.

    Raises
    ------
    ValueError
        The mask does not fit the image, or no pixel takes part.
    """
    axis = image.channel_axis
    outside: list[npt.NDArray[np.bool_]] = []
    if image.missing is not None:
        missing = np.broadcast_to(image.missing, image.pixels.shape)
        outside.append(_any(missing, axis))
    channels = image.pixels if axis is None else np.moveaxis(image.pixels, axis, -1)
    if image.alpha:
        channels = channels[..., :-1]
    for value in limits.no_data:
        # In the pixels' own precision: 0.1 is another number in float32.
        if channels.dtype.kind == "f":
            with np.errstate(over="ignore"):
                value = channels.dtype.type(value)
        empty = channels == value
        if axis is not None:
            empty = empty.all(-1) if image.is_color else empty.any(-1)
        outside.append(empty)
    if limits.low is not None:
        outside.append(_any(channels < limits.low, None if axis is None else -1))
    if limits.high is not None:
        outside.append(_any(channels > limits.high, None if axis is None else -1))
    if limits.mask is not None:
        shape = channels.shape if axis is None else channels.shape[:-1]
        outside.append(~_fitted(limits.mask, shape, image.tiff.turn))
    if not outside:
        return None
    # One by one: of a list NumPy would read those that are lazy.
    inside: npt.NDArray[np.bool_] = ~reduce(np.logical_or, outside)
    if not inside.any():
        raise ValueError(
            "has no pixel that takes part: all are no data, outside the mask or beyond --min and "
            "--max"
        )
    return inside


def _any(where: npt.NDArray[np.bool_], axis: int | None) -> npt.NDArray[np.bool_]:
    if axis is None:
        return where
    found: Any = where.any(axis)
    return found if is_lazy(found) else np.asarray(found)


def _fitted(mask: Mask, shape: tuple[int, ...], turn: int) -> npt.NDArray[np.bool_]:
    """Return the mask in the shape of the image; one plane stands for all."""
    if mask.inside.shape != shape[max(0, len(shape) - mask.inside.ndim) :]:
        raise ValueError(
            f"--mask {mask.path} takes {' x '.join(map(str, shape))} pixels as the image has them, "
            f"or one plane of it; got {' x '.join(map(str, mask.inside.shape))}"
        )
    if mask.turn not in {1, turn}:
        raise ValueError(f"--mask {mask.path} is not turned as the image is (Orientation)")
    return np.broadcast_to(mask.inside, shape)
