"""Palettes are looked up as viewers do, and a PNG of 16 bits is read as one of 8."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.png16 import write_png16

from .as_seen import seen, segmented

ADAM7 = [
    (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)
]  # fmt: skip


def png(kind: int, bits: int, body: bytes, size: tuple[int, int], *, interlaced: bool, **chunks):
    """Put a PNG together from its parts."""
    width, height = size

    def chunk(name: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            *(chunk(name.encode(), data) for name, data in chunks.items()),
            chunk(b"IDAT", zlib.compress(body)),
            chunk(b"IEND", b""),
        ]
    )


def interlaced(pixels) -> bytes:
    """Give the lines of all seven passes, not filtered, with a byte for the filter before each."""
    body = b""
    for top, left, down, right in ADAM7:
        part = pixels[top::down, left::right]
        if part.size:
            lines = part.astype(">u2").reshape(len(part), -1)
            body += b"".join(b"\0" + line.tobytes() for line in lines)
    return body


class TestPalettes:
    @pytest.mark.parametrize("most", [255, 65535])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_one_of_0_to_255_is_not_black(self, tmp_path, most, dtype):
        n = 256 if dtype == "uint8" else 65536
        index = np.arange(256).reshape(16, 16).astype(dtype)
        ramp = np.zeros(n, np.uint16)
        ramp[:256] = np.arange(256) * (most // 255)
        palette = np.stack([ramp, np.roll(ramp, 1), np.where(ramp, 90 * (most // 255), 0)])
        path = tmp_path / "old.tif"
        tifffile.imwrite(path, index, photometric="palette", colormap=palette.astype(np.uint16))
        expected = (palette.T[index] // (most // 255)).astype(np.uint8)
        assert_array_equal(read_image(path).pixels, expected)

    def test_a_palette_with_opacity_is_looked_up(self, tmp_path):
        index = np.arange(64, dtype=np.uint8).reshape(8, 8)
        opacity = np.where(index < 30, 0, 255).astype(np.uint8)
        palette = np.stack([np.arange(256) * 257] * 3).astype(np.uint16)
        path = tmp_path / "icon.tif"
        # tifffile writes no such file: a grey one is renamed.
        tifffile.imwrite(
            path,
            np.stack([index, opacity], -1),
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=[2],
            extratags=[(320, "H", 768, palette.ravel().tolist(), True)],
        )
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tiff.pages.first.tags[262].overwrite(3)
        image, result = segmented(path, tmp_path / "out")
        assert image.alpha
        assert_array_equal(image.pixels, np.stack([index, index, index, opacity], -1))
        assert_array_equal(result.labels == 0, index < 30)

    def test_each_page_has_its_own_palette(self, tmp_path, coffee):
        pages = [Image.fromarray(part).quantize(16) for part in (coffee, coffee[..., ::-1])]
        path = tmp_path / "pages.tif"
        pages[0].save(path, save_all=True, append_images=pages[1:])
        expected = np.stack([np.asarray(page.convert("RGB")) for page in pages])
        image = read_image(path)
        assert_array_equal(image.pixels, expected)
        assert image.channel_axis == 3

    def test_one_bit_may_have_a_palette(self, tmp_path):
        bits = np.eye(16, dtype=bool)
        palette = np.array([[0, 65535], [65535, 0], [0, 0]], np.uint16)
        path = tmp_path / "bits.tif"
        tifffile.imwrite(
            path,
            bits,
            photometric="minisblack",
            extratags=[(320, "H", 6, palette.ravel().tolist(), True)],
        )
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tiff.pages.first.tags[262].overwrite(3)
        expected = np.where(bits[..., None], (255, 0, 0), (0, 255, 0))
        assert_array_equal(read_image(path).pixels, expected)

    def test_a_palette_of_imagej_is_a_way_to_look_at_measurements(self, tmp_path, cell):
        lut = np.stack([np.arange(256), 255 - np.arange(256), np.zeros(256)]).astype(np.uint8)
        path = tmp_path / "fire.tif"
        tifffile.imwrite(path, cell, imagej=True, metadata={"LUTs": [lut]}, colormap=None)
        assert_array_equal(read_image(path).pixels, cell)


class TestDeepPng:
    @pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 9), (37, 23)])
    @pytest.mark.parametrize("n_channels", [2, 3, 4])
    def test_interlaced_pixels_come_to_their_places(self, tmp_path, size, n_channels):
        width, height = size
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 65536, (height, width, n_channels), np.uint16)
        kind = {2: 4, 3: 2, 4: 6}[n_channels]
        path = tmp_path / "deep.png"
        path.write_bytes(png(kind, 16, interlaced(pixels), size, interlaced=True))
        assert_array_equal(read_image(path).pixels, pixels)
        if n_channels > 2:
            order = [2, 1, 0, 3][:n_channels]
            assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), pixels[..., order])

    @pytest.mark.skipif(shutil.which("convert") is None, reason="ImageMagick writes these files")
    @pytest.mark.parametrize("row_filter", range(5))
    def test_interlaced_rows_are_filtered_in_their_pass(self, tmp_path, coffee, row_filter):
        deep = coffee[:40, :50] * np.uint16(257)
        source, path = tmp_path / "plain.png", tmp_path / "interlaced.png"
        write_png16(source, deep)
        quality = ["-define", f"png:compression-filter={row_filter}"]
        done = subprocess.run(
            ["convert", source, "-interlace", "PNG", *quality, "-depth", "16", f"PNG48:{path}"],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert path.read_bytes()[28] == 1
        assert_array_equal(read_image(path).pixels, deep)

    def test_a_truncated_interlaced_one_is_refused(self, tmp_path):
        body = interlaced(np.zeros((20, 20, 3), np.uint16))[:-7]
        path = tmp_path / "deep.png"
        path.write_bytes(png(2, 16, body, (20, 20), interlaced=True))
        with pytest.raises(ValueError, match="truncated"):
            read_image(path)

    @pytest.mark.parametrize("bits", [8, 16])
    @pytest.mark.parametrize("grey", [True, False])
    def test_a_transparent_colour_is_opacity_in_16_bits_as_in_8(self, tmp_path, bits, grey):
        dtype = np.dtype(f"u{bits // 8}")
        most = np.iinfo(dtype).max
        values = (np.arange(400).reshape(20, 20) % 4 * (most // 3)).astype(dtype)
        pixels = values if grey else np.stack([values, most - values, values], -1)
        clear = values == values[0, 1]
        colour = np.array(pixels[0, 1], ">u2").tobytes()
        body = b"".join(b"\0" + line.astype(dtype.newbyteorder(">")).tobytes() for line in pixels)
        path = tmp_path / "sprite.png"
        path.write_bytes(png(0 if grey else 2, bits, body, (20, 20), interlaced=False, tRNS=colour))
        image, result = segmented(path, tmp_path / "out")
        assert image.alpha
        assert image.pixels.dtype == dtype
        assert_array_equal(image.pixels[..., -1], np.where(clear, 0, most))
        assert_array_equal(image.pixels[..., :-1].squeeze(), pixels)
        assert_array_equal(result.labels == 0, clear)
        again = read_image(tmp_path / "out" / "sprite_segmented.png")
        assert_array_equal(again.pixels, result.image)

    @pytest.mark.parametrize("bits", [1, 2, 4])
    def test_grey_of_few_bits_is_as_pillow_shows_it(self, tmp_path, bits):
        values = np.arange(64).reshape(4, 16) % 2**bits
        shifts = np.arange(bits - 1, -1, -1)
        rows = np.packbits((values[..., None] >> shifts & 1).reshape(4, -1), axis=1)
        path = tmp_path / "few.png"
        body = b"".join(b"\0" + row.tobytes() for row in rows)
        path.write_bytes(png(0, bits, body, (16, 4), interlaced=False))
        assert_array_equal(read_image(path).pixels, seen(path))
