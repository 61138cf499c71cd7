"""What a file's headers claim, looked at before anything is read for it.

A few bytes can claim an image that takes all memory, or so many pages that reading their headers
takes minutes. One number limits all of it, and a person who has such images raises it.
"""

from __future__ import annotations

import math
import re
import stat
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEFAULT_MAX_PIXELS = 2_000_000_000

PAGE_PIXELS = 100_000
"""What a page counts at least, for the time that its header takes: some 2 ms."""

_SECONDS = 10.0  # for the headers, at the usual limit
# A 16-bit PNG is read by its diagonals, so that a long and narrow one takes as long as a square.
_PIXELS_PER_SIDE = 10_000

# How many bytes a byte can become: none, LZW, zlib (twice), PackBits; of others, plenty.
_EXPANSION = {1: 1, 5: 3000, 8: 1032, 32946: 1032, 32773: 64}
_PLENTY = 40_000
# How many pixels a byte of a picture can hold.
_PER_BYTE = {"PNG": 8 * 1032, "JPEG": 1024}

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _DESCRIPTION, _SAMPLES = 256, 257, 258, 259, 270, 277
_COUNTS = {279, 325}  # bytes of each strip or tile
_FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_TAGS = 65_535
_MOST_VALUES = 1 << 20


def check_size(path: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
    """Refuse a file that claims more than it can hold, or more than is to be read.

    What is no image, or is damaged, passes: to say that is for those who read it.

    Parameters
    ----------
    path : Path
        An image file, or the folder of an OME-Zarr image.
    max_pixels : int
        Most pixels, over all pages; each page counts as at least `PAGE_PIXELS`.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is too large; the message says by how much and that `--max-pixels` raises the limit.
    """
    if path.is_dir():
        from .ngff.image import pixels_said

        if (n := pixels_said(path)) > max_pixels:
            raise _too_large(f"{n:,} pixels", max_pixels)
        return
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return
    if not regular:
        return
    # With NumPy and tifffile, which the command line does not wait for at its start.
    from . import by_bioio

    if by_bioio.is_for_bioio(path):
        if (n := by_bioio.pixels_said(path)) > max_pixels:
            raise _too_large(f"{n:,} pixels", max_pixels)
        return
    with path.open("rb") as file:
        start = file.read(26)
        size = path.stat().st_size
        if start[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
            _check_tiff(file, size, max_pixels)
        elif start:
            _check_picture(path, start, size, max_pixels)


@dataclass
class _Page:
    """What a page of a TIFF says of itself."""

    width: int = 0
    length: int = 0
    bits: int = 1
    samples: int = 1
    compression: int = 1
    images: int = 1
    sparse: bool = False

    @property
    def pixels(self) -> int:
        return self.width * self.length * self.images

    def fits(self, size: int) -> bool:
        """Whether the pixels of one page can come from a file of so many bytes."""
        expansion = _EXPANSION.get(self.compression, _PLENTY)
        n_bytes = self.width * self.length * self.samples * self.bits // 8
        # What was never written is not in the file, and is read as zeros.
        return self.sparse or n_bytes <= size * expansion


def _check_tiff(file: BinaryIO, size: int, max_pixels: int) -> None:
    patience = _SECONDS * max(1, max_pixels / DEFAULT_MAX_PIXELS)
    ends = time.monotonic() + patience
    first: _Page | None = None
    cost = 0
    for n, page in enumerate(_pages(file), 1):
        if not page.fits(size):
            raise ValueError(
                f"claims {page.width:,} × {page.length:,} pixels, more than a file of {size:,} "
                "bytes can hold"
            )
        first = first or page
        alike = (page.width, page.length) == (first.width, first.length)
        cost += max(page.pixels if alike else 0, PAGE_PIXELS)
        if cost > max_pixels:
            raise _too_large(
                f"{cost:,} pixels on {n:,} pages" if n > 1 else f"{cost:,} pixels", max_pixels
            )
        if time.monotonic() > ends:
            raise ValueError(
                f"the headers of its first {n:,} pages took {patience:.0f} s to read; a larger "
                "--max-pixels allows them more"
            )


def _pages(file: BinaryIO) -> Iterator[_Page]:
    """Walk along the pages, as far as they can be read."""
    file.seek(0)
    start = file.read(16)
    order = "<" if start.startswith(b"II") else ">"
    big = start[2:4] in {b"+\0", b"\0+"}
    word, count = (order + "Q", order + "Q") if big else (order + "I", order + "H")
    try:
        (offset,) = struct.unpack_from(word, start, 8 if big else 4)
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise ValueError("its pages lead in a circle")
            seen.add(offset)
            file.seek(offset)
            (n_tags,) = struct.unpack(count, file.read(struct.calcsize(count)))
            if n_tags > _MOST_TAGS:
                return
            tags = file.read(n_tags * (20 if big else 12))
            (offset,) = struct.unpack(word, file.read(struct.calcsize(word)))
            yield _page(file, tags, order, big=big)
    except (struct.error, OverflowError, OSError):
        return  # cut off, or led astray


def _page(file: BinaryIO, tags: bytes, order: str, *, big: bool) -> _Page:
    page = _Page()
    entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
    for code, kind, n, field in entry.iter_unpack(tags[: len(tags) // entry.size * entry.size]):
        if code in {_WIDTH, _LENGTH, _BITS, _COMPRESSION, _SAMPLES}:
            values = _values(file, kind, 1, n, field, order)
            if values:
                name = {_WIDTH: "width", _LENGTH: "length", _BITS: "bits", _SAMPLES: "samples"}
                setattr(page, name.get(code, "compression"), values[0])
        elif code in _COUNTS and n <= _MOST_VALUES:
            page.sparse = 0 in _values(file, kind, n, n, field, order)
        elif code == _DESCRIPTION and kind == 2 and n > len(field):
            file.seek(struct.unpack(order + ("Q" if big else "I"), field)[0])
            text = file.read(min(n, 4096))
            images = re.search(rb"^images=(\d{1,12})\s*$", text, re.MULTILINE)
            if text.startswith(b"ImageJ=") and images:
                page.images = max(1, int(images[1]))
    return page


def _values(
    file: BinaryIO, kind: int, wanted: int, n: int, field: bytes, order: str
) -> tuple[int, ...]:
    """Read the first values of a tag, which stand in its field if there is room for all."""
    letter = _FORMATS.get(kind)
    if letter is None or n < wanted or wanted == 0:
        return ()
    width = struct.calcsize(letter)
    if n * width > len(field):
        file.seek(struct.unpack(order + ("Q" if len(field) == 8 else "I"), field)[0])
        field = file.read(wanted * width)
    return struct.unpack_from(f"{order}{wanted}{letter}", field)


def _check_picture(path: Path, start: bytes, size: int, max_pixels: int) -> None:
    from PIL import Image

    # Pillow's own guard against large pictures knows no option; this is ours.
    guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(path, formats=("PNG", "JPEG", "BMP")) as picture:
            (width, height), kind = picture.size, str(picture.format)
    except Exception:  # noqa: BLE001 - a damaged header can fail in any way; reading will say so
        return
    finally:
        Image.MAX_IMAGE_PIXELS = guard
    if width * height > _PER_BYTE.get(kind, math.inf) * size:
        raise ValueError(
            f"claims {width:,} × {height:,} pixels, more than a file of {size:,} bytes can hold"
        )
    if width * height > max_pixels:
        raise _too_large(f"{width * height:,} pixels", max_pixels)
    deep = kind == "PNG" and start[24] == 16 and start[25] in {2, 4, 6}
    if deep and max(width, height) * _PIXELS_PER_SIDE > max_pixels:
        raise ValueError(
            f"has a side of {max(width, height):,} pixels, and 16-bit colour PNG is read up to "
            f"{max_pixels // _PIXELS_PER_SIDE:,}; save it as TIFF, or raise --max-pixels to "
            f"{max(width, height) * _PIXELS_PER_SIDE:,}"
        )


def _too_large(what: str, max_pixels: int) -> ValueError:
    return ValueError(
        f"has {what} or more, and {max_pixels:,} are read (a page counts as at least "
        f"{PAGE_PIXELS:,}); --max-pixels raises that"
    )
