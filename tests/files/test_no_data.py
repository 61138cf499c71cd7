"""What a file or a person calls no data takes no part, and is no data in the results as well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.part import Limits, read_mask, taking_part
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

from .as_seen import segmented
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path

NO_DATA = 42113


def tag(text: str) -> tuple:
    return (NO_DATA, "s", 0, text, True)


@pytest.fixture
def heights():
    """A low and a high plain beside a margin without data: (60, 80) float32."""
    terrain = np.random.default_rng(0).normal(10, 1, (60, 80)).astype(np.float32)
    terrain[:, 40:] += 20
    terrain[:, :15] = -9999
    return terrain


def without_margin(labels) -> bool:
    return (
        not labels[:, :15].any() and (labels[:, 15:40] == 1).all() and (labels[:, 40:] == 2).all()
    )


class TestTag:
    @pytest.mark.parametrize(
        ("dtype", "text", "value"),
        [
            ("float32", "-9999", -9999),
            ("float32", "-3.4028234663852886e+38", np.finfo(np.float32).min),
            ("float32", "-3.40282346638529e+38", np.finfo(np.float32).min),
            ("float64", "-1.7976931348623157e+308", np.finfo(np.float64).min),
            ("float64", "0.1", 0.1),
            ("float32", "0.1", np.float32(0.1)),
            ("int16", "-32768", -32768),
            ("uint8", "0", 0),
            ("uint16", " 65535 ", 65535),
            ("int64", "-9223372036854775808", np.iinfo(np.int64).min),
            ("uint8", "255.0", 255),
        ],
    )
    def test_its_pixels_take_no_part_and_keep_their_value_and_the_tag(
        self, tmp_path, heights, dtype, text, value
    ):
        terrain = np.abs(heights).astype(dtype)
        terrain[:, :15] = value
        path = tmp_path / "dem.tif"
        tifffile.imwrite(path, terrain, photometric="minisblack", extratags=[tag(text)])
        image, result = segmented(path, tmp_path / "out", n_clusters=2)
        assert without_margin(result.labels)
        assert image.warnings == (f"says that {text.strip()} is no data; 900 pixels take no part",)
        with tifffile.TiffFile(tmp_path / "out" / "dem_segmented.tif") as tiff:
            assert tiff.pages.first.tags[NO_DATA].value == text.strip()
            assert (tiff.asarray()[:, :15] == terrain[:, :15]).all()
            assert_array_equal(tiff.asarray()[:, 15:], result.image[:, 15:])
        with tifffile.TiffFile(tmp_path / "out" / "dem_labels.tif") as tiff:
            assert tiff.pages.first.tags[NO_DATA].value == "0"

    @pytest.mark.parametrize("text", ["nan", "oops", "-9999", "1e400", "0.5", "300"])
    def test_a_value_that_no_pixel_can_have_changes_nothing(self, tmp_path, cell, text):
        path = tmp_path / "cell.tif"
        tifffile.imwrite(path, cell, photometric="minisblack", extratags=[tag(text)])
        image, result = segmented(path, tmp_path / "out", n_clusters=2)
        assert image.warnings == ()
        assert (result.labels > 0).all()

    def test_of_colours_it_takes_all_three_and_of_bands_one(self, tmp_path, coffee):
        stored = coffee.copy()
        stored[:50] = 0
        stored[50:100, :, 2] = 0
        for photometric, n_rows in (("rgb", 50), ("minisblack", 100)):
            path = tmp_path / f"{photometric}.tif"
            planar = {} if photometric == "rgb" else {"planarconfig": "contig"}
            tifffile.imwrite(path, stored, photometric=photometric, extratags=[tag("0")], **planar)
            _, result = segmented(path, tmp_path / photometric)
            assert_array_equal((result.labels == 0).all(axis=1)[:150], np.arange(150) < n_rows)

    def test_of_a_palette_it_is_the_number_of_a_colour(self, tmp_path):
        index = np.repeat(np.arange(4, dtype=np.uint8), 25).reshape(10, 10)
        colors = np.arange(256) * 257
        palette = np.stack([colors, 65535 - colors, colors]).astype(np.uint16)
        path = tmp_path / "classes.tif"
        tifffile.imwrite(path, index, photometric="palette", colormap=palette, extratags=[tag("2")])
        _, result = segmented(path, tmp_path / "out")
        assert_array_equal(result.labels == 0, index == 2)
        with tifffile.TiffFile(tmp_path / "out" / "classes_segmented.tif") as tiff:
            # Of its colours 2 would be another thing.
            assert NO_DATA not in tiff.pages.first.tags
            assert_array_equal(tiff.asarray(), (palette.T[index] >> 8).astype(np.uint8))

    def test_of_white_that_is_0_it_is_the_number_in_the_file(self, tmp_path, patches):
        path = tmp_path / "scan.tif"
        tifffile.imwrite(path, 255 - patches, photometric="miniswhite", extratags=[tag("135")])
        _, result = segmented(path, tmp_path / "out", n_clusters=2)
        assert_array_equal(result.labels == 0, patches == 120)
        with tifffile.TiffFile(tmp_path / "out" / "scan_segmented.tif") as tiff:
            assert tiff.pages.first.tags[NO_DATA].value == "135"
            assert_array_equal(tiff.asarray(), 255 - patches)

    def test_opacity_is_not_taken_for_it(self, tmp_path, cell):
        pixels = np.stack([np.clip(cell, 1, 254), np.where(cell > 90, 255, 0)], -1).astype(np.uint8)
        path = tmp_path / "cell.tif"
        tifffile.imwrite(
            path,
            pixels,
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=[2],
            extratags=[tag("255")],
        )
        _, result = segmented(path, tmp_path / "out", n_clusters=2)
        assert (result.labels[cell > 90] > 0).all()

    def test_what_is_masked_too_becomes_no_data(self, tmp_path, heights):
        path = tmp_path / "dem.tif"
        tifffile.imwrite(path, heights, extratags=[tag("-9999")])
        segmented(path, tmp_path / "out", n_clusters=2, limits=Limits(high=31))
        pixels = tifffile.imread(tmp_path / "out" / "dem_segmented.tif")
        assert_array_equal(pixels == -9999, (heights == -9999) | (heights > 31))

    @pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
    def test_a_mask_within_the_file_counts(self, tmp_path, cell, compression):
        inside = np.zeros(cell.shape, bool)
        inside[100:300, 100:400] = True
        path = tmp_path / "scene.tif"
        with tifffile.TiffWriter(path) as tiff:
            tiff.write(cell, photometric="minisblack", metadata=None)
            packed = {"compression": compression, "metadata": None}
            tiff.write(inside, photometric="mask", subfiletype=4, **packed)
        image, result = segmented(path, tmp_path / "out")
        assert_array_equal(image.pixels, cell)
        assert_array_equal(result.labels > 0, inside)
        assert image.warnings == ("has a mask; pixels outside it take no part",)


class TestOptions:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_a_value_and_limits_are_taken_on_the_command_line(self, tmp_path, heights, channels):
        pixels = heights if channels == 1 else np.stack([heights] * 3)
        path, out = tmp_path / "dem.tif", tmp_path / "out"
        tifffile.imwrite(
            path, pixels, photometric="minisblack", metadata={"axes": "CYX"[-pixels.ndim :]}
        )
        for i, options in enumerate(
            (["--no-data", "-9999"], ["--min", "0"], ["--min=0", "--max=40"])
        ):
            axis = ["--channel-axis", "0"] if channels == 3 else []
            done = run("segment", path, "-k", 2, "-o", out / str(i), *options, *axis)
            assert (done.returncode, done.stderr) == (0, "")
            labels = tifffile.imread(out / str(i) / "dem_labels.tif")
            assert without_margin(labels)
            table = pd.read_csv(out / str(i) / "dem_clusters.csv")
            assert table["pixels"].tolist() == [1500, 2400]
        with tifffile.TiffFile(out / "2" / "dem_labels.tif") as tiff:
            note = json.loads(tiff.pages.first.description)["napari-kmeans-seg"]
        assert note["input"] == {"min": 0, "max": 40}

    @pytest.mark.parametrize("limits", [Limits(no_data=(7,)), Limits(low=8), Limits(high=6)])
    def test_an_image_of_which_nothing_is_left_is_refused(self, tmp_path, limits):
        Image.new("L", (4, 4), 7).save(tmp_path / "flat.png")
        with pytest.raises(ValueError, match="has no pixel that takes part"):
            taking_part(read_image(tmp_path / "flat.png"), limits)

    def test_where_nan_is_no_data_it_stays_nan(self, tmp_path, heights):
        terrain = np.where(heights == -9999, np.nan, heights)
        path = tmp_path / "dem.tif"
        tifffile.imwrite(path, terrain, extratags=[tag("nan")])
        image = read_image(path)
        result = segment(image.pixels, 2, mask=~np.isnan(terrain))
        (tmp_path / "out").mkdir()
        paths = result_paths(path, tmp_path / "out")
        write_results(image, result, paths)
        assert_array_equal(np.isnan(tifffile.imread(paths.segmented)), np.isnan(terrain))

    def test_no_data_of_a_photograph_keeps_its_colour(self, tmp_path, coffee):
        photo = coffee.copy()
        photo[:100] = 7
        Image.fromarray(photo).save(tmp_path / "photo.png")
        _, result = segmented(tmp_path / "photo.png", tmp_path / "out", limits=Limits(no_data=(7,)))
        assert not result.labels[:100].any()
        assert (result.labels[100:] > 0).all()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--no-data", "none"], "'--no-data': got 'none', takes a number"),
            (["--min", "nan"], "'--min': got 'nan', takes a number"),
            (["--min", "5", "--max", "4"], "--min 5 is above --max 4"),
            (["--series", "-1"], "'--series': got '-1', takes an integer of at least 0"),
            (["--mask", "nowhere.png"], "--mask nowhere.png: there is no such file"),
        ],
    )
    def test_what_makes_no_sense_is_refused_before_any_work(self, tmp_path, arguments, message):
        Image.new("L", (4, 4)).save(tmp_path / "a.png")
        done = run("segment", tmp_path / "a.png", "-o", tmp_path / "out", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


class TestMask:
    @pytest.fixture
    def inside(self):
        inside = np.zeros((400, 600), bool)
        inside[100:200, 200:500] = True
        return inside

    def saved(self, folder: Path, inside, kind: str) -> Path:
        path = folder / ("mask.png" if kind in {"png", "opacity"} else "mask.tif")
        match kind:
            case "png":
                Image.fromarray(inside).save(path)
            case "rgb":
                colors = np.where(inside[..., None], (0, 0, 9), 0).astype(np.uint8)
                tifffile.imwrite(path, colors, photometric="rgb")
            case "labels":
                tifffile.imwrite(path, inside.astype(np.uint16) * 700)
            case "white is 0":
                white = np.where(inside, 0, 255).astype(np.uint8)
                tifffile.imwrite(path, white, photometric="miniswhite")
            case "bool":
                tifffile.imwrite(path, inside)
            case "fax":
                Image.fromarray(inside).save(path, compression="group4", tiffinfo={262: 0})
            case "float":
                tifffile.imwrite(path, np.where(inside, 1.0, np.nan))
            case "opacity":
                grey = np.stack([np.full(inside.shape, 9), inside * 255], -1).astype(np.uint8)
                Image.fromarray(grey).save(path)
        return path

    @pytest.mark.parametrize(
        "kind", ["png", "rgb", "labels", "white is 0", "bool", "fax", "float", "opacity"]
    )
    def test_pixels_where_it_is_black_take_no_part(self, tmp_path, coffee, inside, kind):
        path = self.saved(tmp_path, inside, kind)
        Image.fromarray(coffee).save(tmp_path / "coffee.png")
        mask = Limits(mask=read_mask(path))
        _, result = segmented(tmp_path / "coffee.png", tmp_path / "out", limits=mask)
        assert_array_equal(result.labels > 0, inside)

    def test_one_plane_stands_for_all_of_a_stack(self, tmp_path, coffee, inside):
        path = self.saved(tmp_path, inside, "png")
        stack = np.stack([coffee[..., 0], coffee[..., 1]])
        tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
        mask = Limits(mask=read_mask(path))
        _, result = segmented(tmp_path / "stack.tif", tmp_path / "out", limits=mask)
        assert_array_equal(result.labels > 0, np.stack([inside, inside]))

    def test_one_of_another_size_is_an_error_of_the_image(self, tmp_path, cell, inside):
        path = self.saved(tmp_path, inside, "png")
        Image.fromarray(cell).save(tmp_path / "cell.png")
        done = run("segment", tmp_path / "cell.png", "-o", tmp_path / "out", "--mask", path)
        assert done.returncode == 1
        assert done.stderr == (
            f"napari-kmeans-seg: {tmp_path / 'cell.png'}: --mask {path} takes 660 x 550 pixels as "
            "the image has them, or one plane of it; got 400 x 600\n"
        )

    def test_it_is_never_overwritten(self, tmp_path, cell):
        mask = tmp_path / "cell_segmented.png"
        for path in (tmp_path / "cell.png", mask):
            Image.fromarray(cell).save(path)
        before = mask.read_bytes()
        done = run(
            *("segment", tmp_path / "cell.png", "-o", tmp_path, "--mask", mask, "--overwrite")
        )
        assert done.returncode == 2
        assert "is an input and would be overwritten" in done.stderr
        assert mask.read_bytes() == before

    def test_one_that_claims_more_than_is_read_is_refused_before_any_work(self, tmp_path, cell):
        path = tmp_path / "cell.png"
        Image.fromarray(cell).save(path)
        done = run(
            *("segment", path, "-o", tmp_path / "out", "--mask", path),
            *("--max-pixels", cell.size - 1),
        )
        assert done.returncode == 2
        assert f"--mask {path}: has {cell.size:,} pixels or more" in done.stderr
        assert not (tmp_path / "out").exists()

    def test_one_that_is_turned_in_another_way_is_refused(self, tmp_path, inside):
        exif = Image.Exif()
        exif[274] = 3
        Image.fromarray(inside).save(tmp_path / "mask.png", exif=exif)
        Image.fromarray(inside).save(tmp_path / "image.png")
        with pytest.raises(ValueError, match="is not turned as the image is"):
            taking_part(
                read_image(tmp_path / "image.png"), Limits(mask=read_mask(tmp_path / "mask.png"))
            )

    def test_the_command_takes_it_for_all_images(self, tmp_path, coffee, inside):
        path = self.saved(tmp_path, inside, "png")
        for name in ("a.png", "b.png"):
            Image.fromarray(coffee).save(tmp_path / name)
        images = [tmp_path / "a.png", tmp_path / "b.png"]
        done = run("segment", *images, "-k", 3, "-o", tmp_path / "out", "--mask", path, "-q")
        assert (done.returncode, done.stderr) == (0, "")
        for name in ("a_labels.tif", "b_labels.tif"):
            assert_array_equal(tifffile.imread(tmp_path / "out" / name) > 0, inside)
