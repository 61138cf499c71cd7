"""Results are written as the image is, all of them or none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.png16 import write_png16
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

from .made import as_16_bit, segmented


class TestResults:
    @pytest.mark.parametrize("ending", ["png", "tif", "tiff", "bmp"])
    def test_all_three_files_hold_the_segmentation(self, tmp_path, results, coffee, ending):
        Image.fromarray(coffee).save(tmp_path / f"coffee.{ending}")
        result = segmented(read_image(tmp_path / f"coffee.{ending}"), results)
        assert sorted(path.name for path in results.iterdir()) == [
            "coffee_clusters.csv",
            "coffee_labels.tif",
            f"coffee_segmented.{ending}",
        ]
        labels = tifffile.imread(results / "coffee_labels.tif")
        assert labels.dtype == np.uint8
        assert_array_equal(labels, result.labels)
        again = read_image(results / f"coffee_segmented.{ending}")
        assert_array_equal(again.pixels, result.image)
        table = pd.read_csv(results / "coffee_clusters.csv")
        expected = result.to_dataframe(["red", "green", "blue"])
        pd.testing.assert_frame_equal(table, expected, check_dtype=False)

    def test_a_segmented_jpeg_is_near(self, tmp_path, results, coffee):
        Image.fromarray(coffee).save(tmp_path / "coffee.jpg")
        result = segmented(read_image(tmp_path / "coffee.jpg"), results)
        written = np.asarray(Image.open(results / "coffee_segmented.jpg")).astype(float)
        assert np.abs(written - result.image).mean() < 2

    def test_16_bit_colour_png_stays_16_bit(self, tmp_path, results, coffee):
        write_png16(tmp_path / "coffee.png", as_16_bit(coffee))
        result = segmented(read_image(tmp_path / "coffee.png"), results)
        assert result.image.dtype == np.uint16
        assert_array_equal(read_image(results / "coffee_segmented.png").pixels, result.image)

    def test_opacity_is_kept(self, tmp_path, results, coffee):
        rgba = np.dstack([coffee, coffee[..., 1]])
        Image.fromarray(rgba).save(tmp_path / "coffee.png")
        segmented(read_image(tmp_path / "coffee.png"), results)
        written = np.asarray(Image.open(results / "coffee_segmented.png"))
        assert_array_equal(written[..., 3], coffee[..., 1])

    def test_the_parameters_stand_in_the_labels_file(self, tmp_path, results, coffee):
        Image.fromarray(coffee).save(tmp_path / "coffee.png")
        result = segmented(read_image(tmp_path / "coffee.png"), results)
        with tifffile.TiffFile(results / "coffee_labels.tif") as tiff:
            description = json.loads(tiff.pages.first.description)
        assert description["napari-kmeans-seg"] == json.loads(json.dumps(result.parameters))

    def test_dots_per_inch_are_kept(self, tmp_path, results, coffee):
        Image.fromarray(coffee).save(tmp_path / "coffee.png", dpi=(254, 254))
        segmented(read_image(tmp_path / "coffee.png"), results)
        with tifffile.TiffFile(results / "coffee_labels.tif") as tiff:
            assert tiff.pages.first.resolution == pytest.approx((254, 254), rel=1e-3)
            assert tiff.pages.first.resolutionunit == tifffile.RESUNIT.INCH
        with Image.open(results / "coffee_segmented.png") as picture:
            assert picture.info["dpi"] == pytest.approx((254, 254), rel=1e-3)

    def test_an_imagej_stack_keeps_axes_and_pixel_size(self, tmp_path, results, histology):
        stack = np.stack([np.moveaxis(histology, -1, 0), np.moveaxis(histology[::-1], -1, 0)])
        tifffile.imwrite(
            tmp_path / "stack.tif",
            stack,
            imagej=True,
            resolution=(2.5, 2.5),
            metadata={"axes": "ZCYX", "unit": "um", "spacing": 3.5},
        )
        image = read_image(tmp_path / "stack.tif")
        assert image.channel_axis == 1
        result = segmented(image, results)
        for name, axes, pixels in (
            ("stack_labels.tif", "ZYX", result.labels),
            ("stack_segmented.tif", "ZCYX", result.image),
        ):
            with tifffile.TiffFile(results / name) as tiff:
                assert tiff.is_imagej
                assert tiff.series[0].axes == axes
                assert_array_equal(tiff.asarray(), pixels)
                assert tiff.pages.first.resolution == (2.5, 2.5)
                assert tiff.imagej_metadata["unit"] == "um"
                assert tiff.imagej_metadata["spacing"] == 3.5
        with tifffile.TiffFile(results / "stack_labels.tif") as tiff:
            note = json.loads(tiff.imagej_metadata["Info"])
        assert note["napari-kmeans-seg"]["n_clusters"] == 3

    def test_an_ome_series_keeps_axes_and_pixel_size(self, tmp_path, results, cell):
        series = np.stack([np.stack([cell, 255 - cell]), np.stack([cell[::-1], cell])])
        tifffile.imwrite(
            tmp_path / "series.ome.tif",
            series,
            metadata={
                "axes": "TCYX",
                "PhysicalSizeX": 0.107,
                "PhysicalSizeXUnit": "µm",
                "PhysicalSizeY": 0.107,
                "PhysicalSizeYUnit": "µm",
                "TimeIncrement": 2.0,
                "TimeIncrementUnit": "s",
                "Channel": {"Name": ["phase", "inverse"]},
            },
        )
        image = read_image(tmp_path / "series.ome.tif")
        assert image.channel_axis == 1
        result = segmented(image, results)
        for name, axes, pixels in (
            ("series_labels.tif", "TYX", result.labels),
            ("series_segmented.ome.tif", "TCYX", result.image),
        ):
            with tifffile.TiffFile(results / name) as tiff:
                assert tiff.series[0].axes == axes
                assert_array_equal(tiff.asarray(), pixels)
                assert 'PhysicalSizeX="0.107" PhysicalSizeXUnit="µm"' in tiff.ome_metadata
                assert 'TimeIncrement="2.0" TimeIncrementUnit="s"' in tiff.ome_metadata
        assert 'Name="inverse"' in tiff.ome_metadata
        table = pd.read_csv(results / "series_clusters.csv")
        assert list(table) == ["label", "pixels", "percent", "mean_phase", "mean_inverse"]

    def test_a_place_on_earth_is_kept(self, tmp_path, results, cell):
        tie = (33922, "d", 6, (0.0, 0.0, 0.0, 500000.0, 4600000.0, 0.0), True)
        scale = (33550, "d", 3, (10.0, 10.0, 0.0), True)
        tifffile.imwrite(
            tmp_path / "map.tif", cell, photometric="minisblack", extratags=[scale, tie]
        )
        segmented(read_image(tmp_path / "map.tif"), results)
        for name in ("map_labels.tif", "map_segmented.tif"):
            with tifffile.TiffFile(results / name) as tiff:
                assert tiff.pages.first.tags[33550].value == scale[3]
                assert tiff.pages.first.tags[33922].value == tie[3]

    @pytest.mark.parametrize(
        ("name", "labels", "segmented_name"),
        [
            ("a.png", "a_labels.tif", "a_segmented.png"),
            ("a.b.JPG", "a.b_labels.tif", "a.b_segmented.JPG"),
            ("a.ome.tiff", "a_labels.tif", "a_segmented.ome.tiff"),
            ("no ending", "no ending_labels.tif", "no ending_segmented"),
            (".hidden", ".hidden_labels.tif", ".hidden_segmented"),
            ("..", ".._labels.tif", ".._segmented"),
            ("a\\b:c\n.png", "a_b_c__labels.tif", "a_b_c__segmented.png"),
        ],
    )
    def test_results_are_named_after_the_image(self, name, labels, segmented_name):
        paths = result_paths(Path("elsewhere") / name, Path("out"))
        assert paths.labels == Path("out") / labels
        assert paths.segmented == Path("out") / segmented_name
        assert {path.parent for path in paths} == {Path("out")}

    @pytest.mark.parametrize("size", ["abc", "", "nan", "1e999", "-1", "0"])
    def test_an_ome_size_that_is_none_is_left_out_and_told(self, tmp_path, cell, results, size):
        path = tmp_path / "cell.ome.tif"
        sizes = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5}
        tifffile.imwrite(path, cell, ome=True, metadata={"axes": "YX", **sizes})
        xml = tifffile.tiffcomment(path)
        assert 'PhysicalSizeX="0.25"' in xml
        wrong = xml.replace('PhysicalSizeX="0.25"', f'PhysicalSizeX="{size}"')
        tifffile.tiffcomment(path, wrong.encode())
        image = read_image(path)
        assert_array_equal(image.pixels, cell)
        assert image.warnings == (f"has PhysicalSizeX={size!r}, which is no size: left out",)
        segmented(image, results)
        with tifffile.TiffFile(results / "cell_segmented.ome.tif") as tiff:
            assert "PhysicalSizeX" not in tiff.ome_metadata
            assert 'PhysicalSizeY="0.5"' in tiff.ome_metadata

    def test_ome_metadata_that_is_no_xml_is_left_out_and_told(self, tmp_path, cell):
        path = tmp_path / "cell.ome.tif"
        tifffile.imwrite(path, cell, ome=True, metadata={"axes": "YX"})
        tifffile.tiffcomment(
            path, tifffile.tiffcomment(path).replace("<Pixels", "<<Pixels").encode()
        )
        image = read_image(path)
        assert_array_equal(image.pixels, cell)
        assert any("OME metadata that cannot be read" in one for one in image.warnings)


class TestAllOrNothing:
    def test_nothing_is_replaced_unasked(self, tmp_path, results, cell):
        Image.fromarray(cell).save(tmp_path / "cell.png")
        image = read_image(tmp_path / "cell.png")
        (results / "cell_clusters.csv").write_text("mine")
        with pytest.raises(FileExistsError, match=r"cell_clusters\.csv: there already"):
            segmented(image, results)
        assert [path.name for path in results.iterdir()] == ["cell_clusters.csv"]
        assert (results / "cell_clusters.csv").read_text() == "mine"

    def test_a_failed_move_brings_the_old_files_back(self, tmp_path, results, cell):
        Image.fromarray(cell).save(tmp_path / "cell.png")
        image = read_image(tmp_path / "cell.png")
        paths = result_paths(image.path, results)
        paths.labels.write_text("old labels")
        paths.clusters.mkdir()  # the last of the three cannot be put in place
        result = segment(image.pixels, 2)
        with pytest.raises(IsADirectoryError):
            write_results(image, result, paths, overwrite=True)
        assert paths.labels.read_text() == "old labels"
        assert not paths.segmented.exists()
        assert sorted(results.iterdir()) == sorted([paths.labels, paths.clusters])

    def test_a_link_is_kept_and_what_it_leads_to_replaced(self, tmp_path, results, cell):
        Image.fromarray(cell).save(tmp_path / "cell.png")
        table = tmp_path / "table.csv"
        table.write_text("old")
        (results / "cell_clusters.csv").symlink_to(table)
        image = read_image(tmp_path / "cell.png")
        write_results(
            image, segment(image.pixels, 2), result_paths(image.path, results), overwrite=True
        )
        assert (results / "cell_clusters.csv").is_symlink()
        assert table.read_text().startswith('"label","pixels","percent",')
