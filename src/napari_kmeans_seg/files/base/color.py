"""Colours that a file stores in other terms than red, green and blue of sRGB."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

# A profile that moves no 8-bit colour further than this is sRGB, whoever made it.
_SAME = 2
_REC_601 = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class Managed:
    """Colours after a look at the profile that came with them.

    Attributes
    ----------
    colors
        (..., 3) in sRGB, in the dtype of the input.
    source
        The profile that they were converted from; None if they are what they were.
    note
        What a person should know, or nothing.
    """

    colors: npt.NDArray[Any]
    source: str | None = None
    note: str = ""


def from_cmyk(inks: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn (..., 4) inks of unsigned integers into RGB, by plain subtraction from white paper."""
    full = np.iinfo(inks.dtype).max
    paper = full - inks[..., 3:].astype(np.int64)
    product = inks[..., :3] * paper
    return (paper - (2 * product + full) // (2 * full)).astype(inks.dtype)


def from_ycbcr(
    values: npt.NDArray[Any],
    coefficients: Sequence[float] | None = None,
    reference: Sequence[float] | None = None,
) -> npt.NDArray[Any]:
    """Turn (..., 3) luma and chroma of unsigned integers into RGB.

    Parameters
    ----------
    values
        Y, Cb, Cr.
    coefficients
        Shares of red, green and blue in Y; those of Rec. 601 by default.
    reference
        Values of black and white in Y, of none and most in Cb and in Cr; the full range by default.
    """
    full = float(np.iinfo(values.dtype).max)
    middle = (full + 1) / 2
    red, green, blue = coefficients or _REC_601
    low = np.array(reference[0::2] if reference else (0, middle, middle), float)
    high = np.array(reference[1::2] if reference else (full, full, full), float)
    # Chroma spans one half of the range on either side of its middle.
    y, cb, cr = np.moveaxis((values - low) / (high - low) * (full, middle - 1, middle - 1), -1, 0)
    r = y + (2 - 2 * red) * cr
    b = y + (2 - 2 * blue) * cb
    g = (y - red * r - blue * b) / green
    rgb = np.stack([r, g, b], axis=-1)
    rounded: npt.NDArray[Any] = np.clip(np.rint(rgb), 0, full).astype(values.dtype)
    return rounded


def from_lab(values: npt.NDArray[Any], *, icc: bool = False) -> npt.NDArray[Any]:
    """Turn (..., 3) CIE L*a*b* of 8 or 16 bits, as TIFF encodes it, into sRGB of as many bits.

    Parameters
    ----------
    values
        uint8 or uint16.
    icc
        Whether a* and b* have the offset of ICC profiles; else they are signed.
    """
    from skimage.color import lab2rgb

    wide = values.dtype == np.uint16
    signed = np.int16 if wide else np.int8
    if icc:
        ab = values[..., 1:].astype(float) - (32768 if wide else 128)
        lightest = 65280 if wide else 255
    else:
        ab = values[..., 1:].view(signed).astype(float)
        lightest = 65535 if wide else 255
    lab = np.concatenate([values[..., :1] * (100 / lightest), ab / (256 if wide else 1)], axis=-1)
    with warnings.catch_warnings():
        # Of colours that no screen can show: the nearest stand for them.
        warnings.simplefilter("ignore", UserWarning)
        rgb = lab2rgb(lab)
    full = np.iinfo(values.dtype).max
    rounded: npt.NDArray[Any] = np.clip(np.rint(rgb * full), 0, full).astype(values.dtype)
    return rounded


def to_srgb(colors: npt.NDArray[Any], profile: bytes | None) -> Managed:
    """Convert (..., 3) RGB or (..., 4) CMYK to sRGB by the ICC profile of their file.

    Raises
    ------
    ValueError
        The profile asks for a package that is not installed.
    """
    inks = colors.shape[-1] == 4
    plain = from_cmyk if inks else np.asarray
    if not profile:
        return Managed(plain(colors))
    known = _profile(profile)
    if known is None or known.space != ("CMYK" if inks else "RGB"):
        return Managed(plain(colors), note="has a colour profile that does not fit: not applied")
    if not inks and known.is_srgb:
        return Managed(colors)
    if colors.dtype == np.uint8:
        return Managed(_by_pillow(colors, profile), known.name)
    return Managed(_by_imagecodecs(colors, profile, known.name), known.name)


@dataclass(frozen=True)
class _Profile:
    name: str
    space: str
    is_srgb: bool


@lru_cache(maxsize=8)
def _profile(content: bytes) -> _Profile | None:
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(content))
        space = opened.profile.xcolor_space.strip()
        name = (opened.profile.profile_description or "an unnamed colour profile").strip("\0 \n")
        same = False
        if space == "RGB":
            steps = np.linspace(0, 255, 9).astype(np.uint8)
            grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
            moved = np.abs(_by_pillow(grid, content).astype(int) - grid)
            same = bool(moved.max() <= _SAME)
    except (OSError, ImageCms.PyCMSError, ValueError):
        return None
    return _Profile(name, space, same)


def _by_pillow(colors: npt.NDArray[Any], profile: bytes) -> npt.NDArray[Any]:
    from PIL import Image, ImageCms

    mode = "CMYK" if colors.shape[-1] == 4 else "RGB"
    lines = np.ascontiguousarray(colors).reshape(-1, *colors.shape[-2:])
    height, width = lines.shape[:2]
    picture = Image.frombuffer(mode, (width, height), lines.tobytes(), "raw", mode, 0, 1)
    converted = ImageCms.profileToProfile(
        picture,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
    )
    return np.asarray(converted).reshape(*colors.shape[:-1], 3)


def _by_imagecodecs(colors: npt.NDArray[Any], profile: bytes, name: str) -> npt.NDArray[Any]:
    """Convert more than 8 bits, which Pillow cannot."""
    try:
        import imagecodecs
    except ImportError:
        raise ValueError(
            f"its colours are those of {name!r}, and converting {colors.dtype} needs a further "
            "package: pip install imagecodecs"
        ) from None
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lines = np.ascontiguousarray(colors).reshape(-1, *colors.shape[-2:])
    converted: npt.NDArray[Any] = imagecodecs.cms_transform(
        lines,
        profile,
        srgb,
        colorspace="cmyk" if colors.shape[-1] == 4 else "rgb",
        outcolorspace="rgb",
        intent=0,
    )
    return converted.reshape(*colors.shape[:-1], 3)
