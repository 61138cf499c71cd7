"""What the pixels of a file mean is what a person sees; results are written in the same terms."""

from __future__ import annotations

import io
import struct

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image, ImageCms
from skimage.color import lab2rgb, rgb2lab

from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.png16 import PngMarks, write_png16

from .as_seen import seen, segmented

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile_of_swapped_colours() -> bytes:
    """Make an ICC profile in which the first channel is blue and the last one red."""
    content = bytearray(SRGB)
    red, blue = content.find(b"rXYZ"), content.find(b"bXYZ")
    content[red : red + 4], content[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(content)


def profile_of_inks() -> bytes:
    """Make an ICC profile of CMYK: a table of the 16 mixtures of full and no ink, in CIE L*a*b*."""
    inks = np.stack(np.meshgrid(*[[0, 255]] * 4, indexing="ij"), axis=-1).astype(np.uint8)
    printed = np.asarray(Image.fromarray(inks.reshape(4, 4, 4), "CMYK").convert("RGB"))
    # As on dull paper, so that it is not what plain subtraction gives.
    lab = rgb2lab(printed // 2 + 60).reshape(16, 3)
    table = np.rint(lab * (2.55, 1, 1) + (0, 128, 128)).astype(np.uint8).tobytes()
    ramp = bytes(range(256))
    one, none = struct.pack(">i", 65536), struct.pack(">i", 0)
    matrix = b"".join([one, none, none, none, one, none, none, none, one])
    to_lab = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + table + ramp * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    name = b"inks"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + bytes(1 + 78 + 12)
    tags = {b"A2B0": to_lab, b"wtpt": white, b"desc": text}
    directory, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for code, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        directory += code + struct.pack(">II", at + len(body), len(content))
        body += padded
    head = struct.pack(">I4sI4s4s4s12s4s4s", 0, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ",
                       bytes(12), b"acsp", bytes(4))  # fmt: skip
    head += bytes(20) + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    head = head.ljust(128, b"\0")
    content = head + struct.pack(">I", len(tags)) + directory + body
    return struct.pack(">I", len(content)) + content[4:]


def profile_tag(profile: bytes) -> tuple:
    return (34675, 7, len(profile), profile, True)


class TestMinIsWhite:
    @pytest.mark.parametrize(
        ("dtype", "imagej"),
        [("uint8", False), ("uint16", False), ("uint32", False), ("uint8", True), ("uint16", True)],
    )
    def test_whole_numbers_are_read_as_a_viewer_shows_them(self, tmp_path, patches, dtype, imagej):
        most = np.iinfo(dtype).max
        shown = patches.astype(dtype) * (most // 255)
        path = tmp_path / "scan.tif"
        tifffile.imwrite(path, most - shown, photometric="miniswhite", imagej=imagej)
        image, result = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, shown)
        assert [shown[result.labels == label].mean() for label in (1, 2, 3)] == sorted(
            np.unique(shown)
        )
        with tifffile.TiffFile(tmp_path / "out" / "scan_segmented.tif") as tiff:
            assert tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE
            assert tiff.is_imagej == imagej
            assert_array_equal(tiff.asarray(), most - shown)
        labels = tifffile.TiffFile(tmp_path / "out" / "scan_labels.tif")
        with labels as tiff:
            assert tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISBLACK

    @pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
    def test_the_same_picture_is_the_same_in_all_compressions(self, tmp_path, patches, compression):
        path = tmp_path / "scan.tif"
        Image.fromarray(patches).save(path, compression=compression, tiffinfo={262: 0})
        assert_array_equal(seen(path), patches)
        image, _ = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, patches)
        assert_array_equal(seen(tmp_path / "out" / "scan_segmented.tif"), patches)

    @pytest.mark.parametrize("compression", ["group3", "group4", "raw", "tiff_lzw"])
    def test_one_bit_of_a_fax_is_light_where_the_paper_is(self, tmp_path, patches, compression):
        path = tmp_path / "fax.tif"
        Image.fromarray(patches > 100).save(path, compression=compression, tiffinfo={262: 0})
        image, result = segmented(path, tmp_path / "out", n_clusters=2)
        assert_array_equal(image.pixels, patches > 100)
        assert_array_equal(result.labels == 2, patches > 100)
        assert_array_equal(seen(tmp_path / "out" / "fax_segmented.tif"), patches > 100)

    @pytest.mark.parametrize("dtype", ["float32", "int16"])
    def test_measurements_keep_their_values_and_the_darkest_is_label_1(
        self, tmp_path, patches, dtype
    ):
        density = 300 - patches.astype(dtype)  # high values are shown dark
        path = tmp_path / "density.tif"
        tifffile.imwrite(path, density, photometric="miniswhite")
        _, result = segmented(path, tmp_path / "out")
        assert [density[result.labels == label].mean() for label in (1, 2, 3)] == [270, 180, 80]
        table = pd.read_csv(tmp_path / "out" / "density_clusters.csv")
        assert table["mean_intensity"].tolist() == [270, 180, 80]
        assert_array_equal(tifffile.imread(tmp_path / "out" / "density_segmented.tif"), density)

    def test_opacity_is_not_inverted(self, tmp_path, patches):
        opacity = np.where(patches == 220, 0, 255).astype(np.uint8)
        path = tmp_path / "scan.tif"
        tifffile.imwrite(
            path,
            np.stack([255 - patches, opacity], -1),
            photometric="miniswhite",
            planarconfig="contig",
            extrasamples=["unassalpha"],
        )
        image, result = segmented(path, tmp_path / "out", n_clusters=2)
        assert image.alpha
        assert_array_equal(image.pixels, np.stack([patches, opacity], -1))
        assert not result.labels[patches == 220].any()
        assert_array_equal(
            tifffile.imread(tmp_path / "out" / "scan_segmented.tif")[..., 1], opacity
        )


class TestColours:
    @pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
    def test_cmyk_is_what_pillow_shows_and_is_told(self, tmp_path, coffee, compression):
        path = tmp_path / "print.tif"
        Image.fromarray(coffee).convert("CMYK").save(path, compression=compression)
        image, result = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, seen(path))
        assert image.warnings == ("is converted from CMYK to sRGB; its results are sRGB",)
        assert image.channel_names == ("red", "green", "blue")
        assert_array_equal(seen(tmp_path / "out" / "print_segmented.tif"), result.image)

    def test_cmyk_of_16_bits_is_as_that_of_8(self, tmp_path, coffee):
        inks = np.asarray(Image.fromarray(coffee).convert("CMYK"))
        path = tmp_path / "print.tif"
        tifffile.imwrite(path, inks.astype(np.uint16) * 257, photometric="separated")
        shown = np.asarray(Image.fromarray(inks, "CMYK").convert("RGB")).astype(int) * 257
        assert np.abs(read_image(path).pixels - shown).max() <= 128

    def test_a_cmyk_jpeg_is_told(self, tmp_path, coffee):
        path = tmp_path / "print.jpg"
        Image.fromarray(coffee).convert("CMYK").save(path)
        image = read_image(path)
        assert_array_equal(image.pixels, seen(path))
        assert image.warnings == ("is converted from CMYK to sRGB; its results are sRGB",)

    def test_inks_that_are_not_cmyk_are_refused(self, tmp_path, coffee):
        path = tmp_path / "inks.tif"
        inks = np.dstack([coffee, coffee[..., 0]])
        ink_set = (332, "H", 1, 2, True)
        tifffile.imwrite(path, inks, photometric="separated", extratags=[ink_set])
        with pytest.raises(ValueError, match="inks other than CMYK"):
            read_image(path)

    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_ycbcr_is_rgb(self, tmp_path, coffee, compression):
        path = tmp_path / "video.tif"
        values = np.asarray(Image.fromarray(coffee).convert("YCbCr"))
        whole = (530, "H", 2, (1, 1), True)
        tifffile.imwrite(
            path, values, photometric="ycbcr", compression=compression, extratags=[whole]
        )
        shown = np.asarray(Image.fromarray(values, "YCbCr").convert("RGB"))
        image, _ = segmented(path, tmp_path / "out")
        assert np.abs(image.pixels.astype(int) - shown).max() <= 1
        with tifffile.TiffFile(tmp_path / "out" / "video_segmented.tif") as tiff:
            assert tiff.pages.first.photometric == tifffile.PHOTOMETRIC.RGB

    def test_ycbcr_of_video_has_black_at_16_and_white_at_235(self, tmp_path):
        values = np.array([[[16, 128, 128], [235, 128, 128]]] * 2, np.uint8)
        path = tmp_path / "video.tif"
        video = (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
        tags = [(530, "H", 2, (1, 1), True), (532, "2I", 6, video, True)]
        tifffile.imwrite(path, values, photometric="ycbcr", extratags=tags)
        assert_array_equal(read_image(path).pixels[0], [[0, 0, 0], [255, 255, 255]])

    def test_ycbcr_of_a_slide_scanner_is_told_by_its_compression(self, tmp_path, coffee):
        path = tmp_path / "slide.tif"
        values = np.asarray(Image.fromarray(coffee).convert("YCbCr"))
        tifffile.imwrite(path, values, photometric="rgb", compression="jpeg2000")
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tiff.pages.first.tags[259].overwrite(33003)
        off = np.abs(read_image(path).pixels.astype(int) - coffee)
        assert off.max() <= 3

    @pytest.mark.parametrize("bits", [8, 16])
    def test_lab_is_srgb(self, tmp_path, coffee, bits):
        lab = rgb2lab(coffee)
        whole = np.uint8 if bits == 8 else np.uint16
        signed = np.int8 if bits == 8 else np.int16
        stored = np.empty(coffee.shape, whole)
        stored[..., 0] = np.rint(lab[..., 0] * (np.iinfo(whole).max / 100))
        stored[..., 1:] = np.rint(lab[..., 1:] * 2 ** (bits - 8)).astype(signed).view(whole)
        path = tmp_path / "lab.tif"
        tifffile.imwrite(path, stored, photometric="cielab")
        image, _ = segmented(path, tmp_path / "out")
        coarse = lab2rgb(np.dstack([lab[..., :1], np.rint(lab[..., 1:])])) if bits == 8 else coffee
        scale = 1 if bits == 8 else 257
        off = np.abs(image.pixels / scale - coarse * (255 if bits == 8 else 1))
        assert np.percentile(off, 99) <= 2
        assert "is converted from CIE L*a*b* to sRGB" in image.warnings[0]
        again = read_image(tmp_path / "out" / "lab_segmented.tif")
        assert again.pixels.dtype == whole
        assert again.warnings == ()

    @pytest.mark.parametrize(
        ("photometric", "what"),
        [(32803, "mosaic of a camera's sensor"), (34892, "raw values"), (32845, "luminance")],
    )
    def test_what_is_neither_grey_nor_colour_is_refused_with_the_reason(
        self, tmp_path, patches, photometric, what
    ):
        path = tmp_path / "raw.tif"
        tifffile.imwrite(path, patches, photometric="minisblack")
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tiff.pages.first.tags[262].overwrite(photometric)
        with pytest.raises(ValueError, match=what):
            read_image(path)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    def test_multiplied_opacity_is_divided_out_and_multiplied_again(self, tmp_path, patches, dtype):
        most = 1 if dtype == "float32" else np.iinfo(dtype).max
        opacity = np.full_like(patches, 128)
        colors = np.stack([patches, patches[::-1], patches], -1)
        stored = np.dstack([(colors * (opacity[..., None] / 255)), opacity]) / 255 * most
        stored = stored.astype(dtype)
        path = tmp_path / "glass.tif"
        tifffile.imwrite(path, stored, photometric="rgb", extrasamples=["assocalpha"])
        image, result = segmented(path, tmp_path / "out", n_clusters=4)
        assert np.abs(image.pixels[..., :3] / most - colors / 255).max() < 0.01
        if dtype == "uint8":
            assert_array_equal(image.pixels, seen(path))
        with tifffile.TiffFile(tmp_path / "out" / "glass_segmented.tif") as tiff:
            assert [int(kind) for kind in tiff.pages.first.extrasamples] == [1]
            off = np.abs(tiff.asarray().astype(float) - stored)
            assert off.max() <= (1e-6 if dtype == "float32" else 1)
        assert result.n_clusters == 4

    def test_a_fourth_sample_that_is_not_explained_is_opacity_as_in_pillow(self, tmp_path, coffee):
        four = np.dstack([coffee, coffee[..., 1]])
        path = tmp_path / "four.tif"
        tifffile.imwrite(path, four, photometric="rgb", extrasamples=["unassalpha"])
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tag = tiff.pages.first.tags[338]
            tiff.filehandle.seek(tag.offset)
            tiff.filehandle.write((330).to_bytes(2, "little"))  # another tag
        with Image.open(path) as picture:
            assert picture.mode == "RGBA"
        image = read_image(path)
        assert image.alpha
        assert_array_equal(image.pixels, four)


class TestProfiles:
    def test_colours_of_srgb_stay_and_so_does_their_profile(self, tmp_path, coffee):
        path = tmp_path / "photo.tif"
        Image.fromarray(coffee).save(path, icc_profile=SRGB)
        image, _ = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, coffee)
        assert image.warnings == ()
        with Image.open(tmp_path / "out" / "photo_segmented.tif") as picture:
            assert picture.info["icc_profile"] == SRGB

    @pytest.mark.parametrize("ending", ["tif", "png", "jpg"])
    def test_colours_of_another_profile_become_srgb_and_that_is_told(
        self, tmp_path, coffee, ending
    ):
        profile = profile_of_swapped_colours()
        path = tmp_path / f"photo.{ending}"
        Image.fromarray(coffee).save(path, icc_profile=profile)
        with Image.open(path) as picture:
            srgb = ImageCms.createProfile("sRGB")
            shown = ImageCms.profileToProfile(picture, io.BytesIO(profile), srgb)
        image, result = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, np.asarray(shown))
        assert np.abs(image.pixels[..., ::-1].astype(int) - seen(path)).max() <= 2
        [told] = image.warnings
        assert told == "is converted from sRGB built-in to sRGB; its results are sRGB"
        with Image.open(tmp_path / "out" / f"photo_segmented.{ending}") as picture:
            assert "icc_profile" not in picture.info
            if ending != "jpg":
                assert_array_equal(np.asarray(picture), result.image)

    @pytest.mark.parametrize("ending", ["tif", "png"])
    def test_so_do_colours_of_16_bits(self, tmp_path, coffee, ending):
        deep = coffee * np.uint16(257)
        path, profile = tmp_path / f"photo.{ending}", profile_of_swapped_colours()
        if ending == "tif":
            tifffile.imwrite(path, deep, photometric="rgb", extratags=[profile_tag(profile)])
        else:
            write_png16(path, deep, PngMarks(profile=profile))
        image = read_image(path)
        assert image.pixels.dtype == np.uint16
        assert np.abs(image.pixels.astype(int) - deep[..., ::-1]).max() <= 2
        assert "to sRGB" in image.warnings[0]

    @pytest.mark.parametrize("ending", ["tif", "jpg"])
    def test_inks_become_srgb_by_their_profile(self, tmp_path, coffee, ending):
        profile = profile_of_inks()
        inks = Image.fromarray(coffee).convert("CMYK")
        path = tmp_path / f"print.{ending}"
        inks.save(path, icc_profile=profile)
        with Image.open(path) as picture:
            srgb = ImageCms.createProfile("sRGB")
            shown = ImageCms.profileToProfile(picture, io.BytesIO(profile), srgb, outputMode="RGB")
        image, _ = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, np.asarray(shown))
        # Which is not what plain subtraction gives.
        assert np.abs(image.pixels.astype(int) - seen(path)).mean() > 10
        assert image.warnings == ("is converted from inks to sRGB; its results are sRGB",)
        with Image.open(tmp_path / "out" / f"print_segmented.{ending}") as picture:
            assert picture.mode == "RGB"
            assert "icc_profile" not in picture.info

    def test_so_do_inks_of_16_bits(self, tmp_path, coffee):
        inks = np.asarray(Image.fromarray(coffee).convert("CMYK"))
        paths = [tmp_path / "8.tif", tmp_path / "16.tif"]
        for path, values in zip(paths, (inks, inks * np.uint16(257)), strict=True):
            tag = profile_tag(profile_of_inks())
            tifffile.imwrite(path, values, photometric="separated", extratags=[tag])
        coarse, fine = (read_image(path).pixels for path in paths)
        assert fine.dtype == np.uint16
        assert np.abs(fine / 257 - coarse).max() <= 1

    def test_opacity_beside_colours_of_a_profile_stays(self, tmp_path, coffee):
        four = np.dstack([coffee, coffee[..., 1]])
        for ending in ("tif", "png"):
            path = tmp_path / f"photo.{ending}"
            Image.fromarray(four).save(path, icc_profile=profile_of_swapped_colours())
            image = read_image(path)
            assert image.alpha
            assert_array_equal(image.pixels[..., 3], four[..., 3])
            assert np.abs(image.pixels[..., 2::-1].astype(int) - coffee).max() <= 1

    def test_a_profile_that_is_none_is_told_and_left_out(self, tmp_path, coffee):
        path = tmp_path / "photo.tif"
        tifffile.imwrite(
            path, coffee, photometric="rgb", extratags=[profile_tag(b"no profile at all")]
        )
        image = read_image(path)
        assert_array_equal(image.pixels, coffee)
        assert image.warnings == ("has a colour profile that does not fit: not applied",)

    def test_grey_measurements_stay_and_keep_their_profile(self, tmp_path, patches):
        profile = b"whatever a scanner says of its grey"
        path = tmp_path / "grey.tif"
        tifffile.imwrite(path, patches, photometric="minisblack", extratags=[profile_tag(profile)])
        image, _ = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, patches)
        with tifffile.TiffFile(tmp_path / "out" / "grey_segmented.tif") as tiff:
            assert tiff.pages.first.tags[34675].value == profile


class TestWithoutTheTag:
    """A file that does not say what its samples are is taken as libtiff takes it."""

    @pytest.mark.parametrize("kind", ["grey", "rgb"])
    def test_one_sample_is_grey_and_three_are_colours(self, tmp_path, coffee, kind):
        pixels = coffee if kind == "rgb" else coffee[..., 0]
        path = tmp_path / "old.tif"
        photometric = "rgb" if kind == "rgb" else "minisblack"
        tifffile.imwrite(path, pixels, photometric=photometric, metadata=None)
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tag = tiff.pages.first.tags[262]
            tiff.filehandle.seek(tag.offset)
            tiff.filehandle.write((263).to_bytes(2, "little"))  # Threshholding, which none reads
        image = read_image(path)
        assert_array_equal(image.pixels, pixels)
        assert image.is_color == (kind == "rgb")
