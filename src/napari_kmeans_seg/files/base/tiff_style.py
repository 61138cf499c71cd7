"""How a TIFF file says what its pixels mean, and in what terms it stores them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

ASSOCIATED, UNASSOCIATED = 1, 2
ALPHA = {ASSOCIATED, UNASSOCIATED, 999}  # 999: Corel Draw's own number


@dataclass(frozen=True)
class Storage:
    """In what terms the samples of an image are stored.

    Attributes
    ----------
    photometric
        "minisblack", "miniswhite" or "rgb".
    extrasamples
        TIFF's number for what each sample beyond the colours is.
    associated
        Whether colours are stored multiplied by their opacity.
    planar
        Whether each sample is stored as a plane of its own.
    profile
        ICC profile of values that were taken as they are.
    """

    photometric: str = "minisblack"
    extrasamples: tuple[int, ...] = ()
    associated: bool = False
    planar: bool = False
    profile: bytes | None = None

    def stored(self, pixels: npt.NDArray[Any], axis: int | None) -> npt.NDArray[Any]:
        """Return pixels, whose samples lie along `axis`, as they are stored."""
        if self.photometric != "miniswhite" and not self.associated:
            return pixels
        alpha = any(kind in ALPHA for kind in self.extrasamples)
        samples = pixels[..., np.newaxis] if axis is None else np.moveaxis(pixels, axis, -1)
        values, opacity = (samples[..., :-1], samples[..., -1:]) if alpha else (samples, None)
        if self.photometric == "miniswhite":
            values = negative(values)
        if opacity is not None:
            if self.associated:
                values = _multiplied(values, opacity)
            values = np.concatenate([values, opacity], axis=-1)
        return values[..., 0] if axis is None else np.moveaxis(values, -1, axis)


@dataclass(frozen=True)
class TiffStyle:
    """How a TIFF file says what its pixels mean, so that others can be written alike.

    Attributes
    ----------
    axes
        One letter per axis of the pixels: S for samples, C for channels.
    flavour
        Whose metadata the file carries.
    scale
        Pixel size, spacing and time step, in the flavour's own words.
    display
        Channel names, look-up tables and ranges, in the flavour's own words.
    resolution
        Pixels per `resolution_unit` along x and y, if the file says.
    resolution_unit
        TIFF's number for the unit: 1 none, 2 inch, 3 centimetre.
    storage
        In what terms samples are stored.
    turn
        TIFF's number for how a viewer turns the picture: 1 not at all.
    no_data
        The value of pixels that hold no data, as GDAL writes it; "" for none.
    extra_tags
        Tags to carry over as they are, as `tifffile` takes them.
    """

    axes: str
    flavour: Literal["imagej", "ome", "plain"] = "plain"
    scale: dict[str, Any] = field(default_factory=dict)
    display: dict[str, Any] = field(default_factory=dict)
    resolution: tuple[float, float] | None = None
    resolution_unit: int = 1
    storage: Storage = field(default_factory=Storage)
    turn: int = 1
    no_data: str = ""
    extra_tags: tuple[tuple[Any, ...], ...] = ()


def negative(values: npt.NDArray[Any], full: int | None = None) -> npt.NDArray[Any]:
    """Return light for dark and dark for light; twice, it is what it was."""
    if values.dtype.kind == "u":
        most = values.dtype.type(np.iinfo(values.dtype).max if full is None else full)
        light: npt.NDArray[Any] = most - np.minimum(values, most)
        return light
    # The complement of a signed integer is -1 - x, and has no overflow.
    return -values if values.dtype.kind in "fc" else ~values


def _multiplied(values: npt.NDArray[Any], opacity: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return colours multiplied by their opacity, so that dividing gives them back."""
    whole: npt.NDArray[Any]
    if values.dtype.kind == "f":
        whole = values * opacity
        return whole
    full = np.iinfo(values.dtype).max
    whole = (values.astype(np.uint64) * opacity + np.uint64(full - 1)) // np.uint64(full)
    return whole.astype(values.dtype)
