"""Samples of a TIFF series, as they are stored, whichever library decodes them.

tifffile decodes what it can, with imagecodecs where that is installed; Pillow
reads some of the rest. Pillow turns, inverts and scales as it reads: that is
taken back here, so that a picture has the same samples whatever its compression
and whatever is installed. What is not in the file is found before it is read as
zeros.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tifffile import COMPRESSION, PHOTOMETRIC, TIFF

from .samples import Decoded

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_FAX3, _FAX4 = 3, 4  # versions of tifffile name them differently
_JPEG = {COMPRESSION.OJPEG, COMPRESSION.JPEG}
_END_OF_JPEG = b"\xff\xd9"
_END_OF_LINE = re.compile("0{11,}1")
_END_OF_FAX4 = "000000000001" * 2
_TURN = 274


def is_tiff(path: Path) -> bool:
    """Tell by its first bytes, whatever its name, whether a file is a TIFF."""
    with path.open("rb") as file:
        return file.read(4) in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def decode(path: Path, series: Any) -> Decoded:
    """Return the samples of all pages of a series, in the axes of the series.

    Raises
    ------
    ValueError
        No installed library decodes them, or they are damaged.
    """
    keyframe = series.keyframe
    if not _has_decoder(keyframe):
        return _by_pillow(path, series)
    try:
        values: npt.NDArray[Any] = series.asarray()
    except (ImportError, NotImplementedError):
        return _by_pillow(path, series)
    is_rgb = (
        keyframe.photometric == PHOTOMETRIC.YCBCR
        and keyframe.compression in _JPEG
        and keyframe.planarconfig == 1
        and not keyframe.extrasamples
    )
    return Decoded(values, is_rgb=is_rgb)


def absent(series: Any) -> npt.NDArray[np.bool_] | None:
    """Return where strips or tiles are not in the file, for the axes of the series but S.

    Raises
    ------
    ValueError
        Whole pages are not there, or the file ends too early.
    """
    pages = list(series.pages)
    n_missing = sum(
        page is None or (len(page.dataoffsets) == 1 and not page.dataoffsets[0]) for page in pages
    )
    if n_missing:
        raise ValueError(f"{n_missing} of its {len(pages)} pages are missing")
    keyframe = series.keyframe
    gaps: dict[int, list[int]] = {}
    for number, page in enumerate(pages):
        offsets = np.asarray(page.dataoffsets, np.int64)
        counts = np.asarray(page.databytecounts, np.int64)
        n = min(len(offsets), len(counts))
        # What lies in one piece is checked when it is read.
        if keyframe.is_contiguous or (n < 2 and keyframe.compression == COMPRESSION.NONE):
            continue
        there = (offsets[:n] > 0) & (counts[:n] > 0)
        if ((offsets[:n] + counts[:n])[there] > page.parent.filehandle.size).any():
            raise ValueError("the file is truncated")
        if not there.all():
            gaps[number] = np.flatnonzero(~there).tolist()
    if not gaps:
        return None
    # (pages, height, width); separate samples, and slices of one page, count as one.
    where = np.zeros((len(pages), keyframe.imagelength, keyframe.imagewidth), bool)
    for number, indices in gaps.items():
        for index in indices:
            where[number, *_place(keyframe, index)] = True
    axes = "".join(axis for axis in series.axes if axis != "S")
    n_pixels = [n for axis, n in zip(series.axes, series.shape, strict=True) if axis != "S"]
    if where.size != np.prod(n_pixels, dtype=np.int64) or not axes.endswith("YX"):
        raise ValueError("strips or tiles are not in the file")
    return where.reshape(n_pixels)


def cut_short(series: Any) -> list[str]:
    """Tell which strips or tiles end before their picture does, where no decoder would say so."""
    keyframe = series.keyframe
    fax = keyframe.compression in {_FAX3, _FAX4}
    if not fax and keyframe.compression not in _JPEG:
        return []
    found = []
    for number, page in enumerate(series.pages):
        for index, (start, n) in enumerate(
            zip(page.dataoffsets, page.databytecounts, strict=False)
        ):
            if not start or not n:
                continue
            if not _is_complete(page, index, int(start), int(n)):
                found.append(f"strip or tile {index} of page {number} ends too early")
    return found


def _place(keyframe: Any, index: int) -> tuple[slice, slice]:
    """Return the rows and columns of a strip or tile; the last ones may reach beyond the image."""
    length = keyframe.tilelength if keyframe.is_tiled else keyframe.rowsperstrip
    width = keyframe.tilewidth if keyframe.is_tiled else keyframe.imagewidth
    n_rows, n_columns = -(-keyframe.imagelength // length), -(-keyframe.imagewidth // width)
    # Separate samples follow each other.
    row, column = divmod(index % (n_rows * n_columns), n_columns)
    return (
        slice(row * length, (row + 1) * length),
        slice(column * width, (column + 1) * width),
    )


def _is_complete(page: Any, index: int, start: int, n: int) -> bool:
    keyframe, file = page.keyframe, page.parent.filehandle
    is_jpeg = keyframe.compression in _JPEG
    is_fax4 = keyframe.compression == _FAX4
    length = n if not is_jpeg and not is_fax4 else min(n, 64)
    was_closed = file.closed
    if was_closed:
        file.open()
    try:
        file.seek(start + n - length)
        end = file.read(length)
    finally:
        if was_closed:
            file.close()
    if is_jpeg:
        return _END_OF_JPEG in end
    order: Literal["little", "big"] = "little" if keyframe.fillorder == 2 else "big"
    bits = "".join(map(str, np.unpackbits(np.frombuffer(end, np.uint8), bitorder=order)))
    if is_fax4:
        return _END_OF_FAX4 in bits
    rows, _ = _place(keyframe, index)
    n_rows = min(rows.stop, keyframe.imagelength) - rows.start
    n_lines = len(_END_OF_LINE.findall(bits))
    return n_lines == 0 or n_lines >= n_rows  # not all writers end lines by a code


def _has_decoder(keyframe: Any) -> bool:
    """Whether tifffile, with what is installed, knows how the pixels of a page are stored."""
    try:
        # Each is looked up by its number; that of nothing done to the pixels is 1.
        if keyframe.compression != 1:
            TIFF.DECOMPRESSORS[keyframe.compression]
        if keyframe.predictor != 1 and keyframe.compression not in TIFF.IMAGE_COMPRESSIONS:
            TIFF.UNPREDICTORS[keyframe.predictor]
    except KeyError:
        return False
    return keyframe.dtype is not None


def _by_pillow(path: Path, series: Any) -> Decoded:
    from PIL import Image, TiffImagePlugin

    keyframe = series.keyframe
    refusal = ValueError(
        f"its {keyframe.compression.name} compression of {keyframe.bitspersample}-bit "
        f"{keyframe.photometric.name} needs a further package: pip install imagecodecs"
        if not keyframe.is_subsampled or keyframe.compression in _JPEG
        else "its chroma subsampling is read in JPEG compression only; save it as RGB"
    )
    if keyframe.photometric == PHOTOMETRIC.YCBCR and not (
        keyframe.is_subsampled or keyframe.compression in _JPEG
    ):
        raise refusal  # libtiff would make RGB of it, and round in another way
    pages, modes = [], set()
    # libtiff knows subsampled chroma, which Pillow's own raw decoder does not.
    libtiff, TiffImagePlugin.READ_LIBTIFF = TiffImagePlugin.READ_LIBTIFF, True
    try:
        with Image.open(path, formats=("TIFF",)) as opened:
            file: Any = opened
            for page in series.pages:
                # Pillow numbers the pages of this file alone, and knows no pages below pages.
                if page.parent is not series.keyframe.parent or not isinstance(page.index, int):
                    raise refusal
                file.seek(page.index)
                turn = int(file.tag_v2.get(_TURN, 1))
                file.load()
                pages.append(_as_stored(np.asarray(file), file.mode, turn, keyframe))
                modes.add(file.mode)
    except (OSError, SyntaxError, AttributeError, KeyError, TypeError) as failure:
        if isinstance(failure, OSError) and "truncated" in str(failure):
            raise
        raise refusal from failure
    finally:
        TiffImagePlugin.READ_LIBTIFF = libtiff
    if any(page.shape != keyframe.shape or page.dtype != keyframe.dtype for page in pages):
        raise refusal
    return Decoded(
        np.stack(pages).reshape(series.shape),
        is_rgb=keyframe.photometric == PHOTOMETRIC.YCBCR and modes == {"RGB"},
        is_unassociated="RGBA" in modes,
    )


def _as_stored(values: npt.NDArray[Any], mode: str, turn: int, keyframe: Any) -> npt.NDArray[Any]:
    """Take back what Pillow makes of samples as it reads them."""
    values = turned_back(values, turn)
    if mode == "1":
        values = values.view(np.uint8) != 0  # Pillow's True has all bits set
    bits, inverted = keyframe.bitspersample, keyframe.photometric == PHOTOMETRIC.MINISWHITE
    if mode in {"1", "L"} and inverted:
        values = ~values
    if mode == "L" and bits in {2, 4}:
        values = values // (255 // (2**bits - 1))
    elif mode == "L" and keyframe.dtype == np.int8:
        values = values.view(np.int8)
    elif mode == "LAB":
        values = values ^ np.array([0, 128, 128], np.uint8)
    elif mode in {"I", "P"}:
        values = values.astype(keyframe.dtype)
    if values.ndim == 3 and keyframe.planarconfig == 2:
        values = np.moveaxis(values, -1, 0)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def turned_back(values: npt.NDArray[Any], turn: int) -> npt.NDArray[Any]:
    """Return rows and columns as they are stored, from what TIFF's Orientation makes of them."""
    match turn:
        case 2:
            return values[:, ::-1]
        case 3:
            return values[::-1, ::-1]
        case 4:
            return values[::-1]
        case 5:
            return values.swapaxes(0, 1)
        case 6:
            return np.rot90(values, 1)
        case 7:
            return values[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(values, -1)
    return values
