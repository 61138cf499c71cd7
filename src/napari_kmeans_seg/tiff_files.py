"""TIFF files: read with what their axes mean, written so that the pixel size stays."""

from __future__ import annotations

import json
import logging
import math
import reprlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tifffile

from .odd_metadata import read_or_leave_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

NOTE = "napari-kmeans-seg"
"""The key under which a plain TIFF's JSON description holds the parameters."""

# ImageJ's file format knows these axes, in this order, and these dtypes; its
# files end at 4 GB.
_IMAGEJ_AXES = "TZCYXS"
_IMAGEJ_DTYPES = ("uint8", "uint16", "float32")
_IMAGEJ_BYTES = 4_000_000_000
_IMAGEJ_SCALE = ("unit", "yunit", "zunit", "spacing", "finterval", "fps", "tunit", "xorigin")
_IMAGEJ_DISPLAY = ("mode", "min", "max", "Ranges", "LUTs", "Labels", "loop")

_OME_AXES = "TZCYXS"
_OME_SCALE = ("PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ", "TimeIncrement")

# Those whose descriptions tifffile makes series of.
_FLAVOURS = ("imagej", "ome", "shaped", "fluoview", "lsm", "stk", "ndtiff", "mmstack", "nih",
             "scanimage", "bif", "avs", "philips", "scn", "svs", "qpi")  # fmt: skip

# GeoTIFF: where the pixels are on Earth.
_GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)


@dataclass(frozen=True)
class TiffStyle:
    """How a TIFF file says what its pixels mean, so that others can be written alike.

    Attributes
    ----------
    axes
        One letter per axis of the pixels: S for RGB samples, C for channels.
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
    sample_tags
        What TIFF must know to write RGB samples as they were.
    extra_tags
        Tags to carry over as they are, as `tifffile` takes them.
    """

    axes: str
    flavour: Literal["imagej", "ome", "plain"] = "plain"
    scale: dict[str, Any] = field(default_factory=dict)
    display: dict[str, Any] = field(default_factory=dict)
    resolution: tuple[float, float] | None = None
    resolution_unit: int = 1
    sample_tags: dict[str, Any] = field(default_factory=dict)
    extra_tags: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class TiffImage:
    """The first image of a TIFF file."""

    pixels: npt.NDArray[Any]
    channel_axis: int | None
    alpha: bool
    channel_names: tuple[str, ...]
    style: TiffStyle
    warnings: tuple[str, ...]


def is_tiff(path: Path) -> bool:
    """Tell by its first bytes, whatever its name, whether a file is a TIFF."""
    with path.open("rb") as file:
        return file.read(4) in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def read_tiff(path: Path) -> TiffImage:
    """Read the first image of a TIFF file: a picture, a stack or a series, at full resolution."""
    with _errors_of_tifffile() as errors, _opened(path) as (tiff, warnings):
        if not tiff.series:
            raise ValueError("the file holds no image")
        series = tiff.series[0]
        page = series.keyframe
        pixels, axes = _pixels(path, series), series.axes
        if pixels.size == 0 or pixels.ndim != len(axes):
            raise ValueError(f"its axes {axes!r} do not fit its {pixels.shape} pixels")
        palette = page.colormap
        # ImageJ's palette is a way to look at measurements; elsewhere it is the picture.
        if palette is not None and not tiff.is_imagej and pixels.dtype.kind == "u":
            pixels, axes = (palette >> 8).astype(np.uint8).T[pixels], axes + "S"
        letter = "S" if "S" in axes else "C"
        channel_axis = axes.index(letter) if letter in axes else None
        # 1 and 2 are associated and unassociated alpha; 0 may be anything, near infrared say.
        alpha = letter == "S" and any(int(kind) in {1, 2} for kind in page.extrasamples)
        if n_others := len(tiff.series) - 1:
            more = "image" if n_others == 1 else "images"
            warnings.append(f"holds {n_others} more {more}; only the first is used")
        style = _style(tiff, page, axes, warnings)
    for error in errors:
        # Pages that cannot be found are pixels lost; a tag that makes no sense is not.
        if "TiffPages" in error:
            raise ValueError(f"pages are missing ({error})")
        warnings.append(f"is damaged in part ({error})")
    return TiffImage(
        pixels, channel_axis, alpha, _channel_names(style, letter), style, tuple(warnings)
    )


def write_tiff(
    path: Path, pixels: npt.NDArray[Any], style: TiffStyle, note: dict[str, Any] | None = None
) -> None:
    """Write pixels of the axes `style.axes`, compressed without loss (zlib).

    Parameters
    ----------
    path
        Where to write.
    pixels
        One axis for each letter of `style.axes`.
    style
        Pixel size and whose metadata to write. What the flavour cannot hold
        (a dtype or an axis that ImageJ does not know) becomes a plain TIFF.
    note
        JSON-able: stands in the file's description (ImageJ: Image > Show Info).
    """
    metadata: dict[str, Any] = {"axes": style.axes, **style.scale, **style.display}
    options: dict[str, Any] = {}
    if _imagej_can_hold(pixels, style):
        options["imagej"] = True
        if note is not None:
            metadata["Info"] = json.dumps({NOTE: note}, indent=1)
    elif style.flavour == "ome" and set(style.axes) <= set(_OME_AXES):
        options["ome"] = True
        if note is not None:
            metadata["Description"] = json.dumps({NOTE: note})
    else:
        # By the name alone tifffile would write OME, which has no such axes.
        options["ome"] = False
        metadata = {"axes": style.axes}
        if note is not None:
            metadata[NOTE] = note
    if style.sample_tags and "S" in style.axes and "imagej" not in options:
        options |= style.sample_tags
    elif "imagej" not in options:
        options["photometric"] = "rgb" if "S" in style.axes else "minisblack"
    if style.resolution is not None:
        options["resolution"] = style.resolution
        options["resolutionunit"] = style.resolution_unit
    # Level 1: a segmented picture is flat, higher levels cost time and gain little.
    tifffile.imwrite(
        path,
        pixels,
        compression="zlib",
        compressionargs={"level": 1},
        metadata=metadata,
        extratags=style.extra_tags,
        **options,
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[tifffile.TiffFile, list[str]]]:
    """Open a file by what it says of itself or, where that makes no sense, page by page."""
    warnings: list[str] = []
    with tifffile.TiffFile(path) as tiff:
        series = read_or_leave_out("a description", lambda: _series(tiff), None, warnings)
        if series is not None:
            yield tiff, warnings
            return
    flags: dict[str, Any] = {f"is_{kind}": False for kind in _FLAVOURS}
    with tifffile.TiffFile(path, **flags) as tiff:
        yield tiff, warnings


def _series(tiff: tifffile.TiffFile) -> Any:
    """Find what the descriptions make of the pages; raise where that is more than there is."""
    series = tiff.series
    for one in series[:1]:
        end = (one.dataoffset or 0) + one.nbytes
        if one.kind == "shaped" and one.dataoffset is not None and end > tiff.filehandle.size:
            raise ValueError(f"its shape {one.shape} is more than the file holds")
    return series


@contextmanager
def _errors_of_tifffile() -> Iterator[list[str]]:
    """Collect what tifffile finds wrong and, having logged it, passes over."""
    errors: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(record.getMessage())

    logger = logging.getLogger("tifffile")
    collector = Collector(logging.ERROR)
    logger.addHandler(collector)
    try:
        yield errors
    finally:
        logger.removeHandler(collector)


def _pixels(path: Path, series: Any) -> npt.NDArray[Any]:
    try:
        pixels: npt.NDArray[Any] = series.asarray()
    except ValueError as problem:
        # tifffile alone does not read LZW, JPEG and others; Pillow reads many of these.
        if "imagecodecs" not in str(problem):
            raise
        return _pixels_by_pillow(path, series, str(series.keyframe.compression.name))
    return pixels


def _pixels_by_pillow(path: Path, series: Any, compression: str) -> npt.NDArray[Any]:
    from PIL import Image, UnidentifiedImageError

    keyframe = series.keyframe
    refusal = ValueError(
        f"its {compression} compression of {keyframe.dtype} pixels needs a further package: "
        "pip install imagecodecs"
    )
    pages = []
    try:
        with Image.open(path, formats=("TIFF",)) as file:
            for page in series.pages:
                file.seek(page.index)
                pages.append(np.asarray(file))
    except (UnidentifiedImageError, AttributeError):
        raise refusal from None
    if any(page.shape != keyframe.shape or page.dtype != keyframe.dtype for page in pages):
        raise refusal
    return np.stack(pages).reshape(series.shape)


def _imagej_can_hold(pixels: npt.NDArray[Any], style: TiffStyle) -> bool:
    in_order = "".join(letter for letter in _IMAGEJ_AXES if letter in style.axes)
    return (
        style.flavour == "imagej"
        and style.axes == in_order
        and pixels.dtype.name in _IMAGEJ_DTYPES
        and pixels.nbytes < _IMAGEJ_BYTES
    )


def _style(tiff: Any, page: Any, axes: str, warnings: list[str]) -> TiffStyle:
    flavour: Literal["imagej", "ome", "plain"] = "plain"
    scale: dict[str, Any] = {}
    display: dict[str, Any] = {}
    if tiff.is_ome:
        flavour = "ome"
        none: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        scale, display = read_or_leave_out(
            "OME metadata", lambda: _ome_metadata(tiff.ome_metadata, warnings), none, warnings
        )
    elif tiff.is_imagej:
        flavour = "imagej"
        nothing: dict[str, Any] = {}
        known = read_or_leave_out(
            "ImageJ metadata", lambda: dict(tiff.imagej_metadata), nothing, warnings
        )
        scale = {key: _ascii(known[key]) for key in _IMAGEJ_SCALE if key in known}
        display = {key: known[key] for key in _IMAGEJ_DISPLAY if key in known}
    tags: dict[str, Any] = {}
    if "S" in axes:
        names = {int(tifffile.PHOTOMETRIC.SEPARATED): "separated"}
        tags["photometric"] = names.get(int(page.photometric), "rgb")
        if page.samplesperpixel in {1, 2}:
            tags["photometric"] = "rgb" if page.colormap is not None else "minisblack"
        if page.extrasamples:
            tags["extrasamples"] = tuple(int(kind) for kind in page.extrasamples)
        tags["planarconfig"] = "contig" if axes.endswith("S") else "separate"
    unknown: tuple[tuple[float, float] | None, int] = (None, 1)
    resolution, unit = unknown
    if 282 in page.tags and 283 in page.tags:
        resolution, unit = read_or_leave_out(
            "a resolution", lambda: _resolution(page), unknown, warnings
        )
    return TiffStyle(
        axes=axes,
        flavour=flavour,
        scale=scale,
        display=display,
        resolution=resolution,
        resolution_unit=unit,
        sample_tags=tags,
        extra_tags=tuple(
            (code, tag.dtype, tag.count, tag.value, True)
            for code in _GEO_TAGS
            if (tag := page.tags.get(code)) is not None
        ),
    )


def _resolution(page: Any) -> tuple[tuple[float, float], int]:
    x, y = (float(value) for value in page.resolution)
    if not (0 < x < math.inf and 0 < y < math.inf):
        raise ValueError(f"{x:g} × {y:g} pixels per unit make no sense")
    # 0 stands in many files for no unit, which is 1.
    unit = int(page.tags.valueof(296, 2))
    return (x, y), unit if unit in {1, 2, 3, 4, 5} else 1


def _channel_names(style: TiffStyle, letter: str) -> tuple[str, ...]:
    if letter == "S" and style.sample_tags.get("photometric") == "rgb":
        return ("red", "green", "blue")
    channel = style.display.get("Channel", {})
    names = channel.get("Name", ()) if isinstance(channel, dict) else ()
    return tuple(names) if len(set(names)) == len(names) else ()


def _ome_metadata(xml: str, warnings: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return scale and display; what makes no sense is left out, with a warning."""
    from xml.etree import ElementTree as ET

    try:
        pixels = ET.fromstring(xml).find(".//{*}Pixels")
    except ET.ParseError as problem:
        warnings.append(f"has OME metadata that cannot be read ({problem})")
        return {}, {}
    if pixels is None:
        return {}, {}
    scale: dict[str, Any] = {}
    for key in _OME_SCALE:
        text, unit = pixels.get(key), pixels.get(f"{key}Unit")
        if text is None:
            continue
        size = _size(text)
        if size is None:
            warnings.append(f"has {key}={reprlib.repr(text)}, which is no size: left out")
            continue
        scale[key] = size
        if unit is not None:
            scale[f"{key}Unit"] = unit
    names = [channel.get("Name") for channel in pixels.findall("{*}Channel")]
    return scale, {"Channel": {"Name": names}} if names and all(names) else {}


def _size(text: str) -> float | None:
    try:
        size = float(text)
    except ValueError:
        return None
    return size if 0 < size < math.inf else None  # nan is neither


def _ascii(value: Any) -> Any:
    """Spell µm as ImageJ does in its description, which is ASCII."""
    return value.encode("ascii", "backslashreplace").decode() if isinstance(value, str) else value
