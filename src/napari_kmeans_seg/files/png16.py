"""PNG pictures of 16 bits per channel and several channels, which Pillow would cut to 8 bits."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = ">IIBBBBB"
_CHANNELS = {4: 2, 2: 3, 6: 4}  # the format's colour type: grey + alpha, RGB, RGBA
_COLOUR_TYPES = {channels: kind for kind, channels in _CHANNELS.items()}
_METRE_PER_INCH = 0.0254
# First row and column of each pass, and the steps to the next ones.
_ONE_PASS = [(0, 0, 1, 1)]
_ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
_ADAM7 += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def is_png16(path: Path) -> bool:
    """Tell whether a file is a PNG with 16 bits in each of several channels."""
    with path.open("rb") as file:
        start = file.read(26)
    return start.startswith(_SIGNATURE) and start[24:25] == b"\x10" and start[25] in _CHANNELS


@dataclass(frozen=True)
class PngMarks:
    """What a PNG says beside its pixels.

    Attributes
    ----------
    dpi
        Dots per inch along x and y.
    exif
        EXIF of the picture, from the TIFF header on.
    profile
        ICC profile of its colours.
    """

    dpi: tuple[float, float] | None = None
    exif: bytes | None = None
    profile: bytes | None = None


def read_png16(path: Path) -> npt.NDArray[np.uint16]:
    """Read all 16 bits: (height, width, channels); a transparent colour becomes opacity."""
    header, body, clear = b"", [], b""
    for kind, content in _chunks(path.read_bytes()):
        if kind == b"IHDR":
            header = content
        elif kind == b"tRNS":
            clear = content
        elif kind == b"IDAT":
            body.append(content)
    width, height, _, colour_type, _, _, interlaced = struct.unpack(_HEADER, header)
    n_channels = _CHANNELS[colour_type]
    passes = _ADAM7 if interlaced else _ONE_PASS
    sizes = [
        (-(-(height - top) // down), -(-(width - left) // right))
        for top, left, down, right in passes
    ]
    # A pass of which no pixel falls into the picture is not in the file at all.
    lengths = [rows * (1 + 2 * n_channels * columns) * (columns > 0) for rows, columns in sizes]
    raw = zlib.decompressobj().decompress(b"".join(body), sum(lengths))
    if len(raw) < sum(lengths):
        raise ValueError("the picture is truncated")
    pixels = np.empty((height, width, n_channels), np.uint16)
    at = 0
    for (top, left, down, right), (rows, columns), length in zip(
        passes, sizes, lengths, strict=True
    ):
        if not length:
            continue
        lines = np.frombuffer(raw, np.uint8, length, at).reshape(rows, -1)
        filtered = lines[:, 1:].reshape(rows, columns, 2 * n_channels)
        pixels[top::down, left::right] = _unfiltered(filtered, lines[:, 0]).view(">u2")
        at += length
    if clear and n_channels == 3:
        colour = np.frombuffer(clear, ">u2", 3)
        opacity = np.where((pixels == colour).all(-1, keepdims=True), 0, 65535)
        return np.concatenate([pixels, opacity.astype(np.uint16)], axis=-1)
    return pixels


def write_png16(path: Path, pixels: npt.NDArray[np.uint16], marks: PngMarks = PngMarks()) -> None:
    """Write (height, width, channels) with 2 to 4 channels."""
    height, width, channels = pixels.shape
    header = struct.pack(_HEADER, width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + 2 * channels * width), np.uint8)
    rows[:, 1:] = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    chunks = [(b"IHDR", header)]
    if marks.profile is not None:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(marks.profile)))
    if marks.dpi is not None:
        per_metre = [round(dots / _METRE_PER_INCH) for dots in marks.dpi]
        chunks.append((b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if marks.exif is not None:
        chunks.append((b"eXIf", marks.exif))
    chunks += [(b"IDAT", zlib.compress(rows.data, 1)), (b"IEND", b"")]
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        for kind, content in chunks:
            file.write(struct.pack(">I", len(content)) + kind + content)
            file.write(struct.pack(">I", zlib.crc32(kind + content)))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise ValueError("the picture is truncated")
        (length,) = struct.unpack_from(">I", data, at)
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length
        if at > len(data):
            raise ValueError("the picture is truncated")
        if struct.unpack_from(">I", data, at - 4)[0] != zlib.crc32(kind + content):
            raise ValueError("the picture is damaged (a checksum does not match)")
        yield kind, content


def _unfiltered(
    filtered: npt.NDArray[np.uint8], filters: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Undo PNG's row filters.

    A pixel is predicted from its left, upper and upper left neighbours, so all
    pixels of one anti-diagonal are independent of each other: one step of NumPy
    for each diagonal, in place of one of Python for each pixel.
    """
    if filters.max(initial=0) > 4:
        raise ValueError("the picture is damaged (unknown row filter)")
    height, width, n_bytes = filtered.shape
    padded = np.zeros((height + 1, width + 1, n_bytes), np.uint8)
    padded[1:, 1:] = filtered
    flat = padded.reshape(-1, n_bytes)
    # From a pixel of a diagonal to the next one: one row down, one column left.
    step = width
    kinds: npt.NDArray[Any] = filters[:, np.newaxis]
    for diagonal in range(height + width - 1):
        first, last = max(0, diagonal - width + 1), min(height - 1, diagonal)
        n = last - first + 1
        at = (first + 1) * (width + 1) + diagonal - first + 1
        here, left, up, corner = (
            flat[start : start + (n - 1) * step + 1 : step]
            for start in (at, at - 1, at - width - 1, at - width - 2)
        )
        a, b, c = left.astype(np.int16), up.astype(np.int16), corner.astype(np.int16)
        to_a, to_b, to_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
        paeth = np.where((to_a <= to_b) & (to_a <= to_c), left, np.where(to_b <= to_c, up, corner))
        prediction = np.choose(
            kinds[first : last + 1],
            (np.uint8(0), left, up, ((a + b) >> 1).astype(np.uint8), paeth),
        )
        here += prediction
    return np.ascontiguousarray(padded[1:, 1:])
