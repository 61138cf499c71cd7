"""The same picture has the same pixels whatever its compression and whatever is installed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg.files.images import read_image

from .as_seen import digest, read_without_imagecodecs, seen, segmented

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

COMPRESSIONS = [None, "lzw", "zlib", "zstd", "lzma", "packbits"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_no_compression_changes_pixels(tmp_path, coffee, compression, planar, dtype):
    pixels = coffee[:64, :80].astype(dtype)
    stored = pixels if planar == "contig" else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    path = tmp_path / "coffee.tif"
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar, compression=compression)
    image = read_image(path)
    assert_array_equal(image.pixels, stored)
    assert image.channel_axis == (2 if planar == "contig" else 0)


def test_without_imagecodecs_it_is_the_same_or_told_how_to_get_it(tmp_path, coffee, cell):
    part, deep = coffee[:64, :80], cell[:64, :80] * np.uint16(200)
    paths = []
    for compression in (*COMPRESSIONS, "jpeg", "webp"):
        for name, pixels in (("rgb", part), ("grey", part[..., 0]), ("deep", deep)):
            if (compression, name) in {("webp", "grey"), ("webp", "deep"), ("jpeg", "deep")}:
                continue
            for predictor in (False, True):
                if predictor and compression in {None, "packbits", "jpeg", "webp"}:
                    continue
                paths.append(tmp_path / f"{name}_{compression}_{predictor}.tif")
                tifffile.imwrite(
                    paths[-1],
                    pixels,
                    photometric="rgb" if name == "rgb" else "minisblack",
                    compression=compression,
                    predictor=predictor,
                )
    for compression in ("group3", "group4", "tiff_ccitt"):
        paths.append(tmp_path / f"{compression}.tif")
        inverted = {262: 0}
        picture = Image.fromarray(part[..., 0] > 90)
        picture.save(paths[-1], compression=compression, tiffinfo=inverted)
    without = read_without_imagecodecs(paths)
    refused = [found for found in without if isinstance(found, str)]
    assert all("needs a further package: pip install imagecodecs" in one for one in refused)
    # Pillow reads all but colours of 16 bits and WebP; zstd only since version 11.
    assert len([one for one in refused if "ZSTD" not in one]) <= 4
    for path, found in zip(paths, without, strict=True):
        if not isinstance(found, str):
            assert found == digest(read_image(path).pixels), path.name


class TestFewBits:
    """Of 1 to 7 bits and in colour, all of the range is used, as in viewers; counts stay counts."""

    @staticmethod
    def stored(
        path: Path, values: npt.NDArray[np.integer], bits: int, photometric: int = 1
    ) -> None:
        """Write grey or RGB of few bits as libtiff does: rows of packed bits."""
        height, width = values.shape[:2]
        n_samples = values.size // (height * width)
        shifts = np.arange(bits - 1, -1, -1)
        rows = np.packbits((values[..., None] >> shifts & 1).reshape(height, -1), axis=1)
        tags = [
            (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric),
            (273, 4, 0), (277, 3, n_samples), (278, 4, height), (279, 4, rows.nbytes),
        ]  # fmt: skip
        end = 8 + 2 + 12 * len(tags) + 4
        entries = b"".join(
            struct.pack("<HHII", code, kind, 1, end + 6 if code == 273 else value)
            if code != 258 or n_samples == 1
            else struct.pack("<HHII", code, kind, n_samples, end)
            for code, kind, value in tags
        )
        head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
        each = struct.pack("<3H", bits, bits, bits)
        path.write_bytes(head + entries + bytes(4) + each + rows.tobytes())

    @pytest.mark.parametrize("bits", [2, 4])
    @pytest.mark.parametrize("photometric", [0, 1])
    def test_few_bits_are_grey_as_pillow_shows_it(self, tmp_path, bits, photometric):
        path = tmp_path / "few.tif"
        self.stored(path, np.arange(160).reshape(10, 16) % 2**bits, bits, photometric)
        image, result = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, seen(path))
        assert (image.pixels.min(), image.pixels.max()) == (0, 255)
        assert read_without_imagecodecs([path]) == [digest(image.pixels)]
        assert_array_equal(seen(tmp_path / "out" / "few_segmented.tif"), result.image)

    @pytest.mark.parametrize("bits", [10, 12, 14])
    def test_counts_of_a_camera_stay_counts_and_that_is_told(self, tmp_path, bits):
        counts = (np.arange(160).reshape(10, 16) * 97 % 2**bits).astype(np.uint16)
        path = tmp_path / "counts.tif"
        self.stored(path, counts, bits)
        image, result = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, counts)
        assert image.warnings == (
            f"holds {bits} bits per sample; its results have 16, with the same values",
        )
        assert_array_equal(tifffile.imread(tmp_path / "out" / "counts_segmented.tif"), result.image)

    def test_inverted_counts_are_inverted_in_their_own_range(self, tmp_path):
        counts = (np.arange(160).reshape(10, 16) * 25).astype(np.uint16)
        path = tmp_path / "counts.tif"
        self.stored(path, counts, 12, photometric=0)
        assert_array_equal(read_image(path).pixels, 4095 - counts)

    @pytest.mark.parametrize("bits", [1, 4, 10, 12])
    def test_colours_use_all_of_the_range_as_in_a_viewer(self, tmp_path, bits):
        most, full = 2**bits - 1, 255 if bits < 8 else 65535
        colors = (np.arange(480).reshape(10, 16, 3) * 97) % 2**bits
        path = tmp_path / "colors.tif"
        self.stored(path, colors, bits, photometric=2)
        image, result = segmented(path, tmp_path / "out", n_clusters=2)
        assert_array_equal(image.pixels, np.rint(colors * (full / most)))
        again = read_image(tmp_path / "out" / "colors_segmented.tif")
        assert_array_equal(again.pixels, result.image)


def chroma_in_small(path: Path, luma: npt.NDArray[np.integer], cb: int, cr: int) -> None:
    """Write YCbCr of which four pixels share their chroma, as they are, without compression."""
    height, width = luma.shape
    units = luma.reshape(height // 2, 2, width // 2, 2).swapaxes(1, 2).reshape(-1, 4)
    shared = np.full((len(units), 2), (cb, cr))
    data = np.concatenate([units, shared], axis=1).astype(np.uint8).tobytes()
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, None), (259, 3, 1, 1), (262, 3, 1, 6),
        (273, 4, 1, None), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data)),
        (530, 3, 2, 2 | 2 << 16),
    ]  # fmt: skip
    bits_at = 8 + 2 + 12 * len(tags) + 4
    filled = {258: bits_at, 273: bits_at + 6}
    entries = b"".join(
        struct.pack("<HHII", code, kind, n, filled.get(code, value) or 0)
        for code, kind, n, value in tags
    )
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    path.write_bytes(head + entries + bytes(4) + struct.pack("<3H", 8, 8, 8) + data)


def test_chroma_that_pixels_share_is_read_by_libtiff(tmp_path):
    luma = np.arange(0, 240, 10).reshape(4, 6)
    path = tmp_path / "video.tif"
    chroma_in_small(path, luma, 128, 128)
    assert_array_equal(read_image(path).pixels, np.repeat(luma[..., None], 3, axis=2))


@pytest.mark.parametrize("turn", [3, 6, 8])
def test_what_pillow_decodes_is_not_turned_by_it(tmp_path, cell, turn):
    # Pillow turns a picture as it reads it, and cuts no bits of this one.
    part = cell[:64, :80]
    paths = [tmp_path / f"{name}.tif" for name in ("raw", "lzw", "g4")]
    Image.fromarray(part).save(paths[0], tiffinfo={274: turn})
    Image.fromarray(part).save(paths[1], tiffinfo={274: turn}, compression="tiff_lzw")
    Image.fromarray(part > 80).save(paths[2], tiffinfo={274: turn}, compression="group4")
    expected = [part, part, part > 80]
    for path, pixels in zip(paths, expected, strict=True):
        image = read_image(path)
        assert_array_equal(image.pixels, pixels)
        assert image.tiff.turn == turn
    assert read_without_imagecodecs(paths) == [digest(pixels) for pixels in expected]
