"""PNG pictures of 16 bits per channel and several channels, which Pillow would cut to 8 bits."""

from __future__ import annotations

import struct
import zlib
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


def is_png16(path: Path) -> bool:
    """Tell whether a file is a PNG with 16 bits in each of several channels."""
    with path.open("rb") as file:
        start = file.read(26)
    return start.startswith(_SIGNATURE) and start[24:25] == b"\x10" and start[25] in _CHANNELS


def read_png16(path: Path) -> npt.NDArray[np.uint16]:
    """Read all 16 bits: (height, width, channels)."""
    header, body = b"", []
    for kind, content in _chunks(path.read_bytes()):
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            body.append(content)
    width, height, _, colour_type, _, _, interlaced = struct.unpack(_HEADER, header)
    if interlaced:
        raise ValueError("interlaced 16-bit colour PNG is not read; save it without interlacing")
    row = 1 + 2 * _CHANNELS[colour_type] * width
    raw = zlib.decompressobj().decompress(b"".join(body), height * row)
    if len(raw) < height * row:
        raise ValueError("the picture is truncated")
    rows = np.frombuffer(raw, np.uint8).reshape(height, row)
    filtered = rows[:, 1:].reshape(height, width, 2 * _CHANNELS[colour_type])
    return _unfiltered(filtered, rows[:, 0]).view(">u2").astype(np.uint16)


def write_png16(path: Path, pixels: npt.NDArray[np.uint16]) -> None:
    """Write (height, width, channels) with 2 to 4 channels."""
    height, width, channels = pixels.shape
    header = struct.pack(_HEADER, width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + 2 * channels * width), np.uint8)
    rows[:, 1:] = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        for kind, content in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(rows.data, 1)),
            (b"IEND", b""),
        ):
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
