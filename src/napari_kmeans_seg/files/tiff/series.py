"""Which image of a TIFF file is meant, and whether all of it is there."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tifffile

from ..base.odd_metadata import read_or_leave_out
from .decode import decode
from .ome import check_parts, is_of_another_size, is_of_more_pages, xml_to_read
from .whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_MOST_LISTED = 8
_LARGEST_THUMBNAIL = 512
# As microscopes' software calls what lies beside the scan.
_BESIDE = {
    "thumbnail",
    "label",
    "macro",
    "map",
    "overview",
    "preview",
    "label image",
    "macro image",
}
# What tifffile logs where pixels are lost; a tag that makes no sense is no loss.
_LOSS = (
    "TiffPages",
    "data are zeroed",
    "series failed to read",
    "series contains index out of range",
    "ImageJ series metadata invalid or corrupted",
    "discontiguous",
    "failed to reshape",
    "series is missing",
)
# And where software that does not know tifffile's descriptions has cut or joined pictures.
_STALE = ("does not match", "do not match", "invalid shaped series")
# Those whose descriptions tifffile makes series of.
_FLAVOURS = ("imagej", "ome", "shaped", "fluoview", "lsm", "stk", "ndtiff", "mmstack", "nih",
             "scanimage", "bif", "avs", "philips", "scn", "svs", "qpi")  # fmt: skip
_PAGE_BY_PAGE: dict[str, Any] = {f"is_{kind}": False for kind in _FLAVOURS}
_OF_ANOTHER = "has a description of another picture"


@dataclass(frozen=True)
class Chosen:
    """One image of a file.

    Attributes
    ----------
    series
        As tifffile has it.
    index
        Its number in the file.
    mask
        Series of one page that says where this image has pixels, or None.
    warnings
        What else is in the file.
    """

    series: Any
    index: int
    mask: Any
    warnings: tuple[str, ...]


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, list[str]]]:
    """Open a TIFF file, and give with it a list of warnings, to which the end may add.

    A description that makes no sense is left out, and the pages are read as they lie.

    Raises
    ------
    ValueError
        Files that belong to it are missing or are none that may be read, or pixels are lost.
    """
    warnings: list[str] = []
    with _messages() as messages:
        try:
            with whole_file(path) as file, tifffile.TiffFile(file) as tiff:
                instead = _checked(tiff, path, warnings) or _as_they_lie(tiff, messages, warnings)
                if not instead:
                    yield tiff, warnings
            if instead:
                with whole_file(path) as file, tifffile.TiffFile(file, **instead) as tiff:
                    yield tiff, warnings
        except ValueError as problem:
            # What was lost says more than what failed for it.
            _raise_loss(messages, problem)
            raise
    _raise_loss(messages)
    warnings += [
        f"is damaged in part ({message})"
        for level, message in messages
        if level >= logging.ERROR or "series expected" in message
    ]


def _as_they_lie(tiff: Any, messages: list[tuple[int, str]], warnings: list[str]) -> dict[str, Any]:
    """Return how else to open a file whose description makes no sense or is of other pages."""
    series = read_or_leave_out("a description", lambda: _series(tiff), None, warnings)
    if series is None:
        instead = _PAGE_BY_PAGE
    elif tiff.is_shaped and any(
        "shaped series" in text and any(sign in text for sign in _STALE) for _, text in messages
    ):
        # tifffile finds that its own description is of other pages.
        warnings.append(f"{_OF_ANOTHER}; its pages are read as they lie")
        instead = {"is_shaped": False}
    else:
        return {}
    messages.clear()
    return instead


def _series(tiff: Any) -> list[Any] | None:
    """Find what the descriptions make of the pages; raise where that is more than there is."""
    every = list(tiff.series)
    for one in every[:1]:
        end = (one.dataoffset or 0) + one.nbytes
        if one.kind == "shaped" and one.dataoffset is not None and end > tiff.filehandle.size:
            raise ValueError(f"its shape {one.shape} is more than the file holds")
    return every


def _raise_loss(messages: list[tuple[int, str]], cause: Exception | None = None) -> None:
    for _, message in messages:
        if any(sign in message for sign in _LOSS):
            raise ValueError(f"pages are missing ({message})") from cause


def _checked(tiff: Any, path: Path, warnings: list[str]) -> dict[str, Any]:
    """Check what other files would be opened; return how else to open this one, if so."""
    if tiff.is_mmstack:
        check_parts(path, [part.name for part in path.parent.glob("*_MMStack*.tif")])
    if tiff.is_ndtiff:
        check_parts(path, ["NDTiff.index"])
        index = tifffile.tifffile.read_ndtiff_index(path.parent / "NDTiff.index")
        check_parts(path, {entry[1] for entry in index})
    if not tiff.is_ome:
        return {}
    xml, more = xml_to_read(path, tiff.ome_metadata)
    warnings += more
    page = tiff.pages.first
    described = xml or tiff.ome_metadata
    if is_of_another_size(described, page.imagewidth, page.imagelength) or is_of_more_pages(
        described, path
    ):
        warnings.append(f"{_OF_ANOTHER}; its pages are read as they lie")
        return {"is_ome": False}
    return {} if xml is None else {"omexml": xml}


def choose(tiff: Any, wanted: int | None) -> Chosen:
    """Choose the picture of a file: the first at full resolution, or the one that is asked for.

    Raises
    ------
    ValueError
        There is no image, or none of this number.
    """
    every = tiff.series
    if not every:
        raise ValueError("the file holds no image")
    masks = [i for i, series in enumerate(every) if series.keyframe.subfiletype & _MASK]
    pictures = [i for i in range(len(every)) if i not in masks] or list(range(len(every)))
    if wanted is None:
        index = _full_resolution(every, pictures)
    elif wanted < len(every):
        index = wanted
    else:
        listed = _listed(every, range(len(every)))
        raise ValueError(f"has no series {wanted}: it has {len(every)}, counted from 0 ({listed})")
    series = every[index]
    warnings: tuple[str, ...] = ()
    if len(pictures) > 1 and wanted is None:
        listed = _listed(every, pictures)
        used = f"{index} is used, --series takes another"
        warnings = (f"holds {len(pictures)} images: {listed}; {used}",)
    size = (series.keyframe.imagelength, series.keyframe.imagewidth)
    fitting = [
        every[i]
        for i in masks
        if i != index and (every[i].keyframe.imagelength, every[i].keyframe.imagewidth) == size
    ]
    return Chosen(series, index, fitting[0] if fitting else None, warnings)


def valid_pixels(path: Path, mask: Any) -> npt.NDArray[np.bool_]:
    """Return where a mask that lies in the file has pixels: (height, width)."""
    valid: npt.NDArray[np.bool_] = decode(path, mask).values != 0
    return ~valid if mask.keyframe.photometric == tifffile.PHOTOMETRIC.MINISWHITE else valid


def _full_resolution(every: Any, pictures: list[int]) -> int:
    full = [
        i
        for i in pictures
        if not every[i].keyframe.subfiletype & _REDUCED
        and (every[i].name or "").strip().lower() not in _BESIDE
    ] or pictures
    first = every[full[0]].keyframe
    # A thumbnail that is not called one: the same picture in small comes before the large.
    large = [i for i in full if _is_thumbnail(first, every[i].keyframe)]
    return max(large, key=lambda i: int(every[i].keyframe.imagewidth), default=full[0])


def _is_thumbnail(small: Any, large: Any) -> bool:
    """Whether the one has the proportions of the other, up to a pixel of rounding."""
    if max(small.imagewidth, small.imagelength) > _LARGEST_THUMBNAIL:
        return False
    factor = large.imagewidth / small.imagewidth
    return bool(factor >= 2 and abs(large.imagelength / factor - small.imagelength) <= 1)


def _listed(every: Any, indices: Any) -> str:
    words = []
    for i in list(indices)[:_MOST_LISTED]:
        series = every[i]
        size = " x ".join(map(str, series.shape))
        name = f" {series.name!r}" if series.name else ""
        words.append(f"{i}:{name} {size} {series.dtype}")
    more = len(indices) - _MOST_LISTED
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


@contextmanager
def _messages() -> Iterator[list[tuple[int, str]]]:
    """Collect what tifffile finds wrong and, having logged it, passes over."""
    messages: list[tuple[int, str]] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append((record.levelno, record.getMessage()))

    logger = logging.getLogger("tifffile")
    collector = Collector(logging.WARNING)
    logger.addHandler(collector)
    try:
        yield messages
    finally:
        logger.removeHandler(collector)
