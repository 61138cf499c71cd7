"""TIFF files: what their pixels mean, from all that the file says of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tifffile import PHOTOMETRIC, TiffPage

from ..base.image_file import ImageFile
from ..base.names import band_descriptions, channel_names, descriptions_only
from ..base.odd_metadata import read_or_leave_out
from ..base.tiff_style import ALPHA, TiffStyle
from . import ome
from .decode import absent, cut_short, decode
from .samples import Decoded, Meaning, meaning
from .series import choose, opened, valid_pixels

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_IMAGEJ_SCALE = ("unit", "yunit", "zunit", "spacing", "finterval", "fps", "tunit", "xorigin")
_IMAGEJ_DISPLAY = ("mode", "min", "max", "Ranges", "LUTs", "Labels", "loop")

_TURN, _GDAL_METADATA, _NO_DATA = 274, 42112, 42113
# GeoTIFF: where the pixels are on Earth.
_GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)
_ASCII = 2


def read_tiff(path: Path, wanted: int | None = None) -> ImageFile:
    """Read one image of a TIFF file: a picture, a stack or a series, at full resolution.

    Parameters
    ----------
    path
        The file.
    wanted
        Number of the series, counted from 0; None for the picture at full resolution.

    Raises
    ------
    ValueError
        It is in terms that are not read, or pixels of it are lost.
    """
    try:
        return _read(path, wanted)
    except MemoryError:
        raise
    except Exception as problem:
        # A damaged file can fail anywhere in the decoder, with any exception.
        raise ValueError(f"cannot be read as TIFF: {problem}") from problem


def _read(path: Path, wanted: int | None) -> ImageFile:
    with opened(path) as (tiff, warnings):
        chosen = choose(tiff, wanted)
        warnings += chosen.warnings
        series, page = chosen.series, chosen.series.keyframe
        gaps = absent(series)
        if gaps is not None:
            warnings.append(
                "lacks strips or tiles of its pixels; where they would be, none takes part"
            )
        short = cut_short(series)
        warnings += [f"is damaged in part ({one})" for one in short[:3]]
        try:
            decoded = decode(path, series)
        except ValueError as problem:
            raise ValueError(short[0] if short else str(problem)) from problem
        axes = series.axes
        if decoded.values.size == 0 or decoded.values.ndim != len(axes):
            raise ValueError(f"its axes {axes!r} do not fit its {decoded.values.shape} pixels")
        turn = _turn(series)
        meant = _meaning(decoded, series, is_imagej=tiff.is_imagej)
        letter = "S" if "S" in meant.axes else "C"
        channel_axis = meant.axes.index(letter) if letter in meant.axes else None
        missing = _missing(path, decoded.values, series, gaps, chosen.mask, meant, warnings)
        # A palette's band, say, is none of its colours.
        bands = page.tags.valueof(_GDAL_METADATA) if meant.in_file_terms else None
        style = replace(
            _style(tiff, page, chosen.index, meant.axes, bands, warnings),
            storage=meant.storage,
            turn=turn,
            no_data=_no_data(page) if meant.in_file_terms else "",
        )
        n_channels = 1 if channel_axis is None else meant.pixels.shape[channel_axis] - meant.alpha
        names = channel_names(
            n_channels,
            channel_axis,
            is_color=meant.is_color,
            display=style.display,
            bands=band_descriptions(bands, n_channels),
            planes=meant.pixels.shape[: meant.axes.index("Y")] if "Y" in meant.axes else (),
        )
    if missing is not None and channel_axis is not None:
        missing = np.expand_dims(missing, channel_axis)
    return ImageFile(
        path=path,
        pixels=meant.pixels,
        channel_axis=channel_axis,
        alpha=meant.alpha,
        is_color=meant.is_color,
        channel_names=names,
        missing=missing,
        tiff=style,
        warnings=(*warnings, *meant.notes),
    )


def no_data_value(text: str, dtype: np.dtype[Any]) -> int | float | None:
    """Return the value that a text names if pixels of this dtype can have it."""
    try:
        value: int | float = int(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return float(dtype.type(value))
    if dtype.kind not in "iu" or value != value or abs(value) == float("inf") or value % 1:
        return None
    limits = np.iinfo(dtype)
    return int(value) if limits.min <= value <= limits.max else None


def _no_data(page: Any) -> str:
    text = page.tags.valueof(_NO_DATA)
    return text.strip(" \0") if isinstance(text, str) else ""


def _turn(series: Any) -> int:
    # Pages of a uniform stack may be kept without their tags.
    tags = [page.tags for page in series.pages if isinstance(page, TiffPage)]
    turns = {int(one.valueof(_TURN, 1)) for one in tags or [series.keyframe.tags]}
    if len(turns) > 1:
        raise ValueError("its pages are turned in different ways (Orientation); save them alike")
    turn = turns.pop()
    return turn if turn in range(1, 9) else 1


def _meaning(decoded: Decoded, series: Any, *, is_imagej: bool) -> Meaning:
    page, pages = series.keyframe, list(series.pages)
    own_palettes = (
        page.photometric == PHOTOMETRIC.PALETTE
        and not is_imagej
        and decoded.values.shape[0] == len(pages) > 1
        and all(isinstance(one, TiffPage) for one in pages)
        and any(not np.array_equal(one.colormap, page.colormap) for one in pages)
    )
    if not own_palettes:
        return meaning(decoded, page, series.axes, is_imagej=is_imagej)
    each = [
        meaning(replace(decoded, values=values), one, series.axes[1:])
        for values, one in zip(decoded.values, pages, strict=True)
    ]
    return replace(
        each[0],
        pixels=np.stack([one.pixels for one in each]),
        axes=series.axes[0] + each[0].axes,
    )


def _missing(
    path: Path,
    values: npt.NDArray[Any],
    series: Any,
    gaps: npt.NDArray[np.bool_] | None,
    mask: Any,
    meant: Meaning,
    warnings: list[str],
) -> npt.NDArray[np.bool_] | None:
    """Return where there is no pixel, for all axes but that of the channels."""
    page, axes = series.keyframe, series.axes
    axis = axes.index("S" if "S" in axes else "C") if set(axes) & {"S", "C"} else None
    found: list[npt.NDArray[np.bool_]] = []
    if gaps is not None:
        found.append(gaps if axis is None or "S" in axes else gaps.any(axis))
    text = _no_data(page)
    value = no_data_value(text, values.dtype) if text else None
    if value is not None:
        empty = values == value
        if axis is not None:
            if "S" in axes:
                first = values.shape[axis] - len(page.extrasamples)
                opacity = [
                    first + i for i, kind in enumerate(page.extrasamples) if int(kind) in ALPHA
                ]
                empty = np.delete(empty, opacity, axis)
            # Of a colour all three; what lacks one band cannot be compared with others.
            empty = empty.all(axis) if meant.is_color else empty.any(axis)
        if n := int(empty.sum()):
            warnings.append(f"says that {text} is no data; {n} pixels take no part")
            found.append(empty)
    if mask is not None:
        outside = ~valid_pixels(path, mask)
        if outside.any():
            warnings.append("has a mask; pixels outside it take no part")
            n_pixels = [n for i, n in enumerate(values.shape) if i != axis]
            found.append(np.broadcast_to(outside, n_pixels))
    return np.logical_or.reduce(found) if found else None


def display_of(tiff: Any, page: Any, index: int) -> dict[str, Any]:
    """Return what OME or ImageJ say of how an image is shown: names of channels, first of all."""
    return _style(tiff, page, index, "", None, []).display


def _style(
    tiff: Any, page: Any, index: int, axes: str, bands: str | None, warnings: list[str]
) -> TiffStyle:
    flavour: Literal["imagej", "ome", "plain"] = "plain"
    scale: dict[str, Any] = {}
    display: dict[str, Any] = {}
    if tiff.is_ome:
        flavour = "ome"
        none: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        scale, display = read_or_leave_out(
            "OME metadata",
            lambda: ome.metadata(tiff.ome_metadata, index, warnings),
            none,
            warnings,
        )
    elif tiff.is_imagej:
        flavour = "imagej"
        nothing: dict[str, Any] = {}
        known = read_or_leave_out(
            "ImageJ metadata", lambda: dict(tiff.imagej_metadata), nothing, warnings
        )
        scale = {key: _escaped(known[key]) for key in _IMAGEJ_SCALE if key in known}
        display = {key: known[key] for key in _IMAGEJ_DISPLAY if key in known}
    unknown: tuple[tuple[float, float] | None, int] = (None, 1)
    resolution, unit = unknown
    if 282 in page.tags and 283 in page.tags:
        resolution, unit = read_or_leave_out(
            "a resolution", lambda: _resolution(page), unknown, warnings
        )
    extra_tags = [
        (code, tag.dtype, tag.count, tag.value, True)
        for code in _GEO_TAGS
        if (tag := page.tags.get(code)) is not None
    ]
    if descriptions := descriptions_only(bands):
        extra_tags.append((_GDAL_METADATA, _ASCII, 0, descriptions, True))
    return TiffStyle(
        axes=axes,
        flavour=flavour,
        scale=scale,
        display=display,
        resolution=resolution,
        resolution_unit=unit,
        extra_tags=tuple(extra_tags),
    )


def _resolution(page: Any) -> tuple[tuple[float, float], int]:
    x, y = (float(value) for value in page.resolution)
    if not (0 < x < math.inf and 0 < y < math.inf):
        raise ValueError(f"{x:g} × {y:g} pixels per unit make no sense")
    # 0 stands in many files for no unit, which is 1.
    unit = int(page.tags.valueof(296, 2))
    return (x, y), unit if unit in {1, 2, 3, 4, 5} else 1


def _escaped(value: Any) -> Any:
    """Spell µm as ImageJ does in its description, which is ASCII."""
    return value.encode("ascii", "backslashreplace").decode() if isinstance(value, str) else value
