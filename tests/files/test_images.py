"""Files of every kind are read as what they show, and damaged ones are refused."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import skimage
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.png16 import write_png16

from .made import as_16_bit, segmented

if TYPE_CHECKING:
    import numpy.typing as npt


MULTIPAGE = Path(skimage.__file__).parent / "data" / "multipage.tif"


def filtered_png(pixels: npt.NDArray[np.uint16], row_filter: int) -> bytes:
    """Write RGB of 16 bits as a PNG file, all rows by one of its filters, 0 to 4."""
    height, width, _ = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8).astype(int)
    around = np.pad(rows, ((1, 0), (6, 0)))
    left, up, corner = around[1:, :-6], around[:-1, 6:], around[:-1, :-6]
    distances = [abs(left + up - corner - one) for one in (left, up, corner)]
    paeth = np.choose(np.argmin(distances, axis=0), [left, up, corner])
    guess = [0 * rows, left, up, (left + up) // 2, paeth][row_filter]
    lines = np.pad((rows - guess) % 256, ((0, 0), (1, 0)), constant_values=row_filter)

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines.astype(np.uint8).tobytes()))
        + chunk(b"IEND", b"")
    )


class TestPictures:
    def test_an_rgb_png_has_its_channels_last(self, tmp_path, coffee):
        Image.fromarray(coffee).save(tmp_path / "coffee.png")
        image = read_image(tmp_path / "coffee.png")
        assert_array_equal(image.pixels, coffee)
        assert (image.channel_axis, image.alpha) == (-1, False)

    def test_a_jpeg_is_read_as_pillow_decodes_it(self, tmp_path, coffee):
        Image.fromarray(coffee).save(tmp_path / "coffee.jpg")
        image = read_image(tmp_path / "coffee.jpg")
        assert_array_equal(image.pixels, np.asarray(Image.open(tmp_path / "coffee.jpg")))
        assert image.channel_axis == -1

    @pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
    def test_a_grey_picture_has_no_channel_axis(self, tmp_path, cell, ending):
        path = tmp_path / f"cell.{ending}"
        Image.fromarray(cell).save(path)
        image = read_image(path)
        assert_array_equal(image.pixels, cell)
        assert image.channel_axis is None

    def test_the_content_counts_and_not_the_name(self, tmp_path, coffee):
        Image.fromarray(coffee).save(tmp_path / "coffee.tif", format="PNG")
        assert_array_equal(read_image(tmp_path / "coffee.tif").pixels, coffee)

    def test_a_palette_is_looked_up(self, tmp_path, coffee):
        picture = Image.fromarray(coffee).quantize(16)
        picture.save(tmp_path / "coffee.png")
        image = read_image(tmp_path / "coffee.png")
        assert_array_equal(image.pixels, np.asarray(picture.convert("RGB")))

    def test_a_transparent_palette_becomes_alpha(self, tmp_path, coffee):
        Image.fromarray(coffee).quantize(16).save(tmp_path / "coffee.png", transparency=3)
        image = read_image(tmp_path / "coffee.png")
        assert image.alpha
        assert image.pixels.shape == (400, 600, 4)
        assert (image.pixels[..., 3] == 0).any()

    def test_one_bit_is_bool(self, tmp_path, cell):
        Image.fromarray(cell > 100).save(tmp_path / "cell.png")
        assert_array_equal(read_image(tmp_path / "cell.png").pixels, cell > 100)

    def test_grey_and_alpha_are_two_channels(self, tmp_path, cell):
        pixels = np.stack([cell, np.full_like(cell, 200)], axis=-1)
        Image.fromarray(pixels).save(tmp_path / "cell.png")
        image = read_image(tmp_path / "cell.png")
        assert_array_equal(image.pixels, pixels)
        assert (image.channel_axis, image.alpha) == (-1, True)

    def test_cmyk_becomes_rgb(self, tmp_path, coffee):
        Image.fromarray(coffee).convert("CMYK").save(tmp_path / "coffee.jpg")
        assert read_image(tmp_path / "coffee.jpg").pixels.shape == coffee.shape

    def test_a_16_bit_grey_png_keeps_its_bits(self, tmp_path, cell):
        pixels = as_16_bit(cell)
        Image.fromarray(pixels).save(tmp_path / "cell.png")
        assert_array_equal(read_image(tmp_path / "cell.png").pixels, pixels)

    @pytest.mark.parametrize("n_channels", [2, 3, 4])
    def test_a_16_bit_colour_png_keeps_its_bits(self, tmp_path, coffee, n_channels):
        pixels = as_16_bit(coffee[..., [0, 1, 2, 0]])[..., :n_channels]
        write_png16(tmp_path / "coffee.png", pixels)
        image = read_image(tmp_path / "coffee.png")
        assert image.pixels.dtype == np.uint16
        assert_array_equal(image.pixels, pixels)
        assert image.alpha == (n_channels != 3)

    @pytest.mark.parametrize("row_filter", range(5))
    def test_every_row_filter_of_a_16_bit_png_is_undone(self, tmp_path, coffee, row_filter):
        path, pixels = tmp_path / "coffee.png", as_16_bit(coffee)
        path.write_bytes(filtered_png(pixels, row_filter))
        assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), pixels[..., ::-1])
        assert_array_equal(read_image(path).pixels, pixels)

    def test_a_turned_photograph_is_taken_as_stored_and_stays_turned(
        self, tmp_path, results, coffee
    ):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(coffee).save(tmp_path / "coffee.jpg", exif=exif, dpi=(300, 300))
        image = read_image(tmp_path / "coffee.jpg")
        assert image.pixels.shape == (400, 600, 3)
        segmented(image, results)
        with Image.open(results / "coffee_segmented.jpg") as picture:
            assert picture.getexif()[0x0112] == 6
            assert picture.info["dpi"] == (300, 300)
            assert picture.size == (600, 400)


class TestTiff:
    def test_rgb_samples_are_channels(self, tmp_path, coffee):
        tifffile.imwrite(tmp_path / "coffee.tif", coffee, photometric="rgb")
        image = read_image(tmp_path / "coffee.tif")
        assert_array_equal(image.pixels, coffee)
        assert (image.channel_axis, image.alpha) == (2, False)

    def test_planar_rgb_has_its_channels_first(self, tmp_path, coffee):
        planar = np.ascontiguousarray(np.moveaxis(coffee, -1, 0))
        tifffile.imwrite(
            tmp_path / "coffee.tif", planar, photometric="rgb", planarconfig="separate"
        )
        image = read_image(tmp_path / "coffee.tif")
        assert_array_equal(image.pixels, planar)
        assert image.channel_axis == 0

    def test_alpha_is_what_the_file_calls_alpha(self, tmp_path, coffee):
        four = np.dstack([coffee, coffee[..., :1]])
        for kind, alpha in (("unassalpha", True), ("unspecified", False)):
            path = tmp_path / f"{kind}.tif"
            tifffile.imwrite(path, four, photometric="rgb", extrasamples=[kind])
            assert read_image(path).alpha is alpha

    def test_pages_are_a_stack(self):
        image = read_image(MULTIPAGE)
        assert image.pixels.shape == (2, 15, 10)
        assert image.channel_axis is None

    def test_a_palette_is_looked_up(self, tmp_path, coffee):
        picture = Image.fromarray(coffee).quantize(16)
        picture.save(tmp_path / "coffee.tif")
        image = read_image(tmp_path / "coffee.tif")
        assert_array_equal(image.pixels, np.asarray(picture.convert("RGB")))
        assert image.channel_axis == 2

    @pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
    def test_common_compressions_are_read(self, tmp_path, coffee, cell, compression):
        for name, pixels in (("coffee", coffee), ("cell", cell), ("deep", as_16_bit(cell))):
            path = tmp_path / f"{name}.tif"
            Image.fromarray(pixels).save(path, compression=compression)
            assert_array_equal(read_image(path).pixels, pixels)

    def test_a_compressed_stack_is_read(self, tmp_path, cell):
        pages = [Image.fromarray(cell), Image.fromarray(255 - cell)]
        pages[0].save(
            tmp_path / "cells.tif", compression="tiff_lzw", save_all=True, append_images=pages[1:]
        )
        assert_array_equal(read_image(tmp_path / "cells.tif").pixels, [cell, 255 - cell])

    def test_further_images_in_the_file_are_told(self, tmp_path, coffee, cell):
        with tifffile.TiffWriter(tmp_path / "two.tif") as tiff:
            tiff.write(coffee, photometric="rgb")
            tiff.write(cell, photometric="minisblack")
        image = read_image(tmp_path / "two.tif")
        assert_array_equal(image.pixels, coffee)
        [warning] = image.warnings
        assert warning == (
            "holds 2 images: 0: 400 x 600 x 3 uint8, 1: 660 x 550 uint8; 0 is used, "
            "--series takes another"
        )

    @pytest.mark.parametrize("dtype", ["int16", "uint32", "float32", "float64", "bool", ">u2"])
    def test_any_real_dtype_comes_back_the_same(self, tmp_path, results, cell, dtype):
        pixels = cell.astype(dtype) if dtype != "bool" else cell > 100
        tifffile.imwrite(tmp_path / "cell.tif", pixels, photometric="minisblack")
        image = read_image(tmp_path / "cell.tif")
        assert_array_equal(image.pixels, pixels)
        result = segmented(image, results, n_clusters=2)
        written = tifffile.imread(results / "cell_segmented.tif")
        assert_array_equal(written, result.image)
        assert written.dtype == pixels.dtype.newbyteorder("=")


class TestDamaged:
    @pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
    @pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif", "lzw.tif", "deep.png"])
    def test_a_truncated_file_is_refused(self, tmp_path, coffee, ending, share):
        whole = tmp_path / f"whole.{ending}"
        if ending == "deep.png":
            write_png16(whole, as_16_bit(coffee))
        elif ending == "lzw.tif":
            Image.fromarray(coffee).save(whole, compression="tiff_lzw")
        else:
            Image.fromarray(coffee).save(whole)
        content = whole.read_bytes()
        part = tmp_path / f"part.{ending}"
        part.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ValueError, match=r"cannot be read|is no image"):
            read_image(part)

    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_a_truncated_stack_is_refused(self, tmp_path, cell, compression):
        whole, part = tmp_path / "whole.tif", tmp_path / "part.tif"
        tifffile.imwrite(
            whole, np.stack([cell] * 4), photometric="minisblack", compression=compression
        )
        part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        with pytest.raises(ValueError, match="cannot be read as TIFF"):
            read_image(part)

    def test_an_empty_file_is_refused(self, tmp_path):
        (tmp_path / "empty.png").touch()
        with pytest.raises(ValueError, match="the file is empty"):
            read_image(tmp_path / "empty.png")

    def test_text_is_refused(self, tmp_path):
        (tmp_path / "text.png").write_text("This is not a picture, whatever its name.")
        with pytest.raises(ValueError, match="is no image that can be read; TIFF, PNG, JPEG"):
            read_image(tmp_path / "text.png")

    def test_a_folder_is_refused(self, tmp_path):
        with pytest.raises(IsADirectoryError, match="name the image files in it"):
            read_image(tmp_path)

    def test_a_missing_file_is_refused(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no such file"):
            read_image(tmp_path / "missing.png")

    def test_a_damaged_16_bit_png_is_refused(self, tmp_path, coffee):
        path = tmp_path / "coffee.png"
        write_png16(path, as_16_bit(coffee))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(ValueError, match="cannot be read as an image"):
            read_image(path)

    def test_an_animation_is_told(self, tmp_path, cell):
        frames = [Image.fromarray(cell), Image.fromarray(255 - cell)]
        content = io.BytesIO()
        frames[0].save(content, format="PNG", save_all=True, append_images=frames[1:])
        (tmp_path / "moving.png").write_bytes(content.getvalue())
        image = read_image(tmp_path / "moving.png")
        assert image.warnings == ("holds 2 frames; only the first is used, --series takes another",)

    def test_the_input_is_left_alone(self, tmp_path, results):
        path = shutil.copy(MULTIPAGE, tmp_path / "pages.tif")
        before = path.read_bytes()
        segmented(read_image(path), results, n_clusters=2)
        assert path.read_bytes() == before
