"""What a file says beside its pixels is never a reason to refuse the pixels.

What cannot be read, or cannot be written again, is left out, and a warning says so.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")

_PNG = b"\x89PNG\r\n\x1a\n"
# Without these the pixels are others: size, palette, transparency, data.
_OF_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
# JPEG's segments for programs and comments, but Adobe's, which says the colour space.
_OF_PROGRAMS = {*range(0xE1, 0xEE), 0xEF, 0xFE}
_START_OF_SCAN = 0xDA


def read_or_leave_out(what: str, read: Callable[[], T], otherwise: T, warnings: list[str]) -> T:
    """Read a piece of metadata; of one that cannot be read, note that it is left out."""
    try:
        return read()
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001 - decoders fail in any way on what makes no sense
        why = " ".join(f"{type(problem).__name__}: {problem}".split())
        warnings.append(f"has {what} that cannot be read ({why[:200]}): left out")
        return otherwise


def write_with_less(
    write: Callable[[T], object], styles: Iterable[tuple[str, T]], warnings: list[str]
) -> None:
    """Write in the first style that can be written, from the fullest to the simplest.

    Parameters
    ----------
    write : callable
        Writes in a style.
    styles : iterable of (str, style)
        What each leaves out, in words, and the style.
    warnings : list of str
        Gets what was left out.

    Raises
    ------
    OSError, MemoryError
        At once: they are not the metadata's fault.
    Exception
        That of the simplest style, if that fails, too.
    """
    failed: Exception | None = None
    for left_out, style in styles:
        try:
            write(style)
        except (OSError, MemoryError):
            raise
        except Exception as problem:  # noqa: BLE001 - as above, of encoders
            failed = problem
            continue
        if failed is not None:
            why = " ".join(f"{type(failed).__name__}: {failed}".split())
            warnings.append(f"has {left_out} that cannot be written again ({why[:200]}): left out")
        return
    if failed is not None:
        raise failed


def picture_without_metadata(path: Path) -> io.BytesIO | None:
    """Return a PNG or JPEG without what it says beside its pixels; None if it is neither."""
    content = path.read_bytes()
    if content.startswith(_PNG):
        return io.BytesIO(_png_without_metadata(content))
    if content.startswith(b"\xff\xd8"):
        return io.BytesIO(_jpeg_without_metadata(content))
    return None


def _png_without_metadata(content: bytes) -> bytes:
    kept, at = [_PNG], len(_PNG)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunk = content[at : at + 12 + length]
        kind = chunk[4:8]
        # A mark of transparency is kept only where it is whole.
        whole = chunk[-4:] == struct.pack(">I", zlib.crc32(chunk[4:-4]))
        if kind in _OF_PIXELS and (whole or kind != b"tRNS"):
            kept.append(chunk)
        at += 12 + length
    return b"".join(kept)


def _jpeg_without_metadata(content: bytes) -> bytes:
    kept, at = [content[:2]], 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker, (length,) = content[at + 1], struct.unpack_from(">H", content, at + 2)
        if marker == _START_OF_SCAN:
            break
        if marker == 0xFF:  # a byte of padding
            at += 1
            continue
        if marker not in _OF_PROGRAMS:
            kept.append(content[at : at + 2 + length])
        at += 2 + length
    return b"".join(kept) + content[at:]
