"""From the samples of a TIFF file to what a person sees, and back to samples.

Whatever decoded them, samples come here as they are stored, and this is the one
place that knows what they mean: which are colours and in what terms, which is
opacity, and whether low values are dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tifffile import PHOTOMETRIC

from ..base.color import from_lab, from_ycbcr, to_srgb
from ..base.tiff_style import ALPHA, ASSOCIATED, UNASSOCIATED, Storage, negative

if TYPE_CHECKING:
    import numpy.typing as npt


_GREY = {PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MASK}
_N_COLORS = {
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.PALETTE: 1,
    PHOTOMETRIC.SEPARATED: 4,
    PHOTOMETRIC.YCBCR: 3,
    PHOTOMETRIC.CIELAB: 3,
    PHOTOMETRIC.ICCLAB: 3,
}
_REFUSED = {
    PHOTOMETRIC.ITULAB: "colours of ITU L*a*b*",
    PHOTOMETRIC.CFA: "the mosaic of a camera's sensor",
    PHOTOMETRIC.LOGL: "logarithms of luminance",
    PHOTOMETRIC.LOGLUV: "logarithms of luminance with CIE u'v' colours",
    PHOTOMETRIC.LINEAR_RAW: "raw values of a camera",
}
_INKS_OF_CMYK = 1
_YCBCR_OF_APERIO = 33003  # a compression that says what the tag does not

_PHOTOMETRIC = 262
_YCBCR_COEFFICIENTS, _REFERENCE, _INK_SET, _PROFILE = 529, 532, 332, 34675


@dataclass(frozen=True, eq=False)
class Decoded:
    """Samples as a decoder gives them.

    Attributes
    ----------
    values
        As stored, but for what follows.
    is_rgb
        Whether the decoder has turned YCbCr into RGB.
    is_unassociated
        Whether it has divided the colours by their opacity.
    """

    values: npt.NDArray[Any]
    is_rgb: bool = False
    is_unassociated: bool = False


@dataclass(frozen=True, eq=False)
class Meaning:
    """What the samples of an image mean.

    Attributes
    ----------
    pixels
        Grey or bands as a person sees them, RGB in sRGB; opacity, if any, is the last sample.
    axes
        One letter per axis; S for samples.
    is_color
        Whether the first three samples are red, green and blue.
    alpha
        Whether the last sample is opacity.
    in_file_terms
        Whether `storage` gives back the samples of the file.
    storage
        How pixels like these are stored.
    notes
        What a person should know.
    """

    pixels: npt.NDArray[Any]
    axes: str
    is_color: bool
    alpha: bool
    in_file_terms: bool
    storage: Storage
    notes: tuple[str, ...] = ()


def meaning(decoded: Decoded, page: Any, axes: str, *, is_imagej: bool = False) -> Meaning:
    """Tell what samples mean by all that the page they come from says.

    Raises
    ------
    ValueError
        They are in terms that are not read.
    """
    kind = _kind(page, is_imagej=is_imagej)
    where = axes.index("S") if "S" in axes else None
    samples = decoded.values[..., np.newaxis]
    if where is not None:
        samples = np.moveaxis(decoded.values, where, -1)
    n_samples = samples.shape[-1]
    extras = _extras(kind, page, n_samples)
    n_main = n_samples - len(extras)
    at = next((n_main + i for i, extra in enumerate(extras) if extra in ALPHA), n_samples)
    before, opacity = samples[..., :at], samples[..., at : at + 1]
    channels = before
    if at + 1 < n_samples:
        channels = np.concatenate([before, samples[..., at + 1 :]], axis=-1)

    notes: list[str] = []
    if kind in _GREY:
        channels, opacity = _grey(channels, opacity, kind, page, notes)
        is_color, is_converted, profile = False, False, page.tags.valueof(_PROFILE)
    else:
        if n_main < _N_COLORS[kind]:
            raise ValueError(f"has {n_main} samples, too few for colours of {kind.name}")
        channels, opacity, profile = _color(channels, opacity, kind, page, decoded, notes)
        is_color, is_converted = True, profile is None and _PROFILE in page.tags
    associated = any(extra == ASSOCIATED for extra in extras)
    if associated and not decoded.is_unassociated:
        channels = _divided(channels, opacity)

    pixels = samples
    if channels is not before or opacity.size:
        pixels = np.concatenate([channels, opacity], axis=-1)
    n_extra = channels.shape[-1] - (3 if is_color else 1)
    alpha = (ASSOCIATED if associated else UNASSOCIATED,) if opacity.size else ()
    names = {PHOTOMETRIC.MINISWHITE: "miniswhite"}
    storage = Storage(
        photometric="rgb" if is_color else names.get(kind, "minisblack"),
        extrasamples=(0,) * n_extra + alpha,
        associated=associated,
        planar=where is not None and not axes.endswith("S"),
        profile=profile,
    )
    if where is not None:
        pixels = np.moveaxis(pixels, -1, where)
    elif is_color:
        axes += "S"
    else:
        pixels = pixels[..., 0]
    same = kind in _GREY | {PHOTOMETRIC.RGB} and channels.dtype == samples.dtype
    few_bits = page.bitspersample in range(2, 16) and page.bitspersample != 8
    counts = kind == PHOTOMETRIC.MINISBLACK and page.bitspersample in range(9, 16)
    same = same and not is_converted and (counts or not few_bits)
    return Meaning(pixels, axes, is_color, bool(opacity.size), same, storage, tuple(notes))


def _kind(page: Any, *, is_imagej: bool) -> PHOTOMETRIC:
    kind = page.photometric
    if _PHOTOMETRIC not in page.tags:
        # As libtiff guesses.
        n_colors = page.samplesperpixel - len(page.extrasamples)
        is_fax = page.compression in {2, 3, 4}
        grey = PHOTOMETRIC.MINISWHITE if is_fax else PHOTOMETRIC.MINISBLACK
        kind = PHOTOMETRIC.RGB if n_colors == 3 else grey
    if page.compression == _YCBCR_OF_APERIO and kind == PHOTOMETRIC.RGB:
        kind = PHOTOMETRIC.YCBCR
    if kind in _REFUSED or kind not in _GREY | _N_COLORS.keys():
        what = _REFUSED.get(kind, f"colours of the kind {int(kind)}")
        raise ValueError(f"holds {what}, which is not read; save it as RGB or grey")
    if kind == PHOTOMETRIC.SEPARATED and page.tags.valueof(_INK_SET, 1) != _INKS_OF_CMYK:
        raise ValueError("holds inks other than CMYK, which are not read; save it as RGB")
    if kind == PHOTOMETRIC.PALETTE:
        # ImageJ's palette is a way to look at measurements; elsewhere it is the picture.
        if is_imagej:
            return PHOTOMETRIC.MINISBLACK
        if page.colormap is None:
            raise ValueError("has palette colours, and no palette")
    return PHOTOMETRIC(kind)


def _extras(kind: PHOTOMETRIC, page: Any, n_samples: int) -> tuple[int, ...]:
    """Return what each sample beyond the colours is."""
    given = tuple(int(extra) for extra in page.extrasamples)
    if kind in _GREY:
        return given[: n_samples - 1]
    n_extra = max(0, n_samples - _N_COLORS[kind])
    if len(given) == n_extra:
        return given
    # A fourth sample that is not explained is taken as opacity by all viewers.
    return (UNASSOCIATED,) if kind == PHOTOMETRIC.RGB and n_extra == 1 else (0,) * n_extra


def _grey(
    channels: npt.NDArray[Any],
    opacity: npt.NDArray[Any],
    kind: PHOTOMETRIC,
    page: Any,
    notes: list[str],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    bits = page.bitspersample
    full = None
    if channels.dtype.kind == "b" and channels.shape[-1] + opacity.shape[-1] > 1:
        channels, opacity = _spread(channels, 1), _spread(opacity, 1)
    elif bits in range(2, 8):
        channels, opacity = _spread(channels, bits), _spread(opacity, bits)
    elif bits in range(9, 16):
        full = 2**bits - 1
        notes.append(f"holds {bits} bits per sample; its results have 16, with the same values")
    if kind == PHOTOMETRIC.MINISWHITE:
        channels = negative(channels, full)
    return channels, opacity


def _color(
    channels: npt.NDArray[Any],
    opacity: npt.NDArray[Any],
    kind: PHOTOMETRIC,
    page: Any,
    decoded: Decoded,
    notes: list[str],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], bytes | None]:
    """Return RGB and further channels, opacity, and the profile if it was not applied."""
    bits, profile = page.bitspersample, page.tags.valueof(_PROFILE)
    if bits in range(1, 16) and bits != 8:
        opacity = _spread(opacity, bits)
        if kind != PHOTOMETRIC.PALETTE:
            channels = _spread(channels, bits)
    n_colors = _N_COLORS[kind]
    colors, spare = channels[..., :n_colors], channels[..., n_colors:]
    if kind == PHOTOMETRIC.PALETTE:
        colors = _looked_up(colors[..., 0], page.colormap)
        if opacity.dtype == np.uint16:
            opacity = (opacity >> 8).astype(np.uint8)
    elif kind in {PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB}:
        _needs_whole_numbers(colors, kind)
        colors, profile = from_lab(colors, icc=kind == PHOTOMETRIC.ICCLAB), None
        notes.append("is converted from CIE L*a*b* to sRGB; its results are sRGB")
    elif kind == PHOTOMETRIC.SEPARATED:
        _needs_whole_numbers(colors, kind)
    elif kind == PHOTOMETRIC.YCBCR and not decoded.is_rgb:
        _needs_whole_numbers(colors, kind)
        colors = from_ycbcr(
            colors,
            _numbers(page, _YCBCR_COEFFICIENTS, 3),
            _numbers(page, _REFERENCE, 6),
        )
    managed = to_srgb(colors, profile)
    source = managed.source or ("CMYK" if kind == PHOTOMETRIC.SEPARATED else None)
    if source is not None:
        notes.append(f"is converted from {source} to sRGB; its results are sRGB")
        profile = None
    if managed.note:
        notes.append(managed.note)
        profile = None
    if spare.shape[-1] and kind != PHOTOMETRIC.RGB:
        notes.append(f"holds {spare.shape[-1]} more samples than colours, which are left out")
    elif spare.shape[-1]:
        if managed.colors is not colors:
            channels = np.concatenate([managed.colors, spare], axis=-1)
        return channels, opacity, profile
    elif managed.colors is colors and kind == PHOTOMETRIC.RGB:
        return channels, opacity, profile
    return managed.colors, opacity, profile


def _looked_up(index: npt.NDArray[Any], palette: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return the (..., 3) colours of a palette (3, n)."""
    # Some writers give 8 bits where TIFF wants 16; so few values of 16 bits would all be black.
    colors = palette if palette.max(initial=0) < 256 else palette >> 8
    table = np.zeros((max(colors.shape[1], int(index.max(initial=0)) + 1), 3), np.uint8)
    table[: colors.shape[1]] = colors.T
    looked_up: npt.NDArray[np.uint8] = table[index.astype(np.intp)]
    return looked_up


def _spread(values: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """Scale values of 1 to 15 bits to all of 8 or 16, as viewers do."""
    full, most = 255 if bits < 8 else 65535, 2**bits - 1
    whole: npt.NDArray[Any] = (values.astype(np.uint32) * full + most // 2) // most
    return whole.astype(np.uint8 if bits < 8 else np.uint16)


def _divided(values: npt.NDArray[Any], opacity: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return colours that were multiplied by their opacity; where that is none they stay."""
    if values.dtype.kind == "f":
        divided: npt.NDArray[Any] = values.copy()
        np.divide(values, opacity, out=divided, where=opacity > 0)
        return divided
    full = np.iinfo(values.dtype).max
    whole: npt.NDArray[Any] = values.astype(np.uint64) * np.uint64(full) // np.maximum(opacity, 1)
    whole = np.where(opacity > 0, np.minimum(whole, full), values)
    return whole.astype(values.dtype)


def _needs_whole_numbers(colors: npt.NDArray[Any], kind: PHOTOMETRIC) -> None:
    if colors.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"holds {kind.name} colours of {colors.dtype}, which are not read; "
            "8 or 16 bits are, or save it as RGB"
        )


def _numbers(page: Any, code: int, n: int) -> list[float] | None:
    """Return the rationals of a tag, if it has as many as it should and they make sense."""
    value = page.tags.valueof(code)
    if value is None or len(value) != 2 * n or not all(value[1::2]):
        return None
    return [above / below for above, below in zip(value[0::2], value[1::2], strict=True)]
