"""Samples that are no colours stay what they are, and channels have the names that a file gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.testing import assert_array_equal

from napari_kmeans_seg.files.images import read_image

from .as_seen import segmented

GDAL_METADATA = 42112


@pytest.fixture
def cube():
    """Six bands of two kinds of ground: (40, 50, 6) uint16."""
    rows, columns = np.mgrid[:40, :50]
    base = 100 + 80 * (columns > 25) + 50 * (rows > 20)
    return np.stack([base * (band + 1) // 6 for band in range(6)], axis=-1).astype(np.uint16)


def columns(path) -> list[str]:
    return [name.removeprefix("mean_") for name in pd.read_csv(path)][3:]


@pytest.mark.parametrize("n_bands", [2, 3, 4, 6])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_grey_bands_are_clustered_together_and_written_as_grey_bands(
    tmp_path, cube, n_bands, planar, dtype
):
    bands = cube[..., :n_bands].astype(dtype)
    stored = bands if planar == "contig" else np.ascontiguousarray(np.moveaxis(bands, -1, 0))
    path = tmp_path / "cube.tif"
    tifffile.imwrite(
        path,
        stored,
        photometric="minisblack",
        planarconfig=planar,
        extrasamples=[0] * (n_bands - 1),
    )
    image, result = segmented(path, tmp_path / "out")
    assert image.channel_axis == (2 if planar == "contig" else 0)
    assert not image.is_color
    assert not image.alpha
    assert result.centroids.shape == (3, n_bands)
    with tifffile.TiffFile(tmp_path / "out" / "cube_segmented.tif") as tiff:
        page = tiff.pages.first
        assert page.photometric == tifffile.PHOTOMETRIC.MINISBLACK
        assert page.samplesperpixel == n_bands
        assert page.planarconfig == (1 if planar == "contig" else 2)
        assert [int(kind) for kind in page.extrasamples] == [0] * (n_bands - 1)
        assert_array_equal(tiff.asarray(), result.image)
    assert columns(tmp_path / "out" / "cube_clusters.csv") == [str(i) for i in range(n_bands)]
    assert_array_equal(tifffile.imread(tmp_path / "out" / "cube_labels.tif"), result.labels)


def test_opacity_beside_bands_is_opacity_wherever_it_lies(tmp_path, cube):
    opacity = np.where(cube[..., 0] > cube[..., 0].min(), 65535, 0).astype(np.uint16)
    for extras in ([0, 2], [2, 0]):
        stored = cube[..., :3].copy()
        stored[..., 1 + extras.index(2)] = opacity
        bands = stored[..., [i for i in range(3) if i != 1 + extras.index(2)]]
        path = tmp_path / "cube.tif"
        tifffile.imwrite(
            path, stored, photometric="minisblack", planarconfig="contig", extrasamples=extras
        )
        image, result = segmented(path, tmp_path / f"out{extras[0]}", n_clusters=2)
        assert image.alpha
        assert_array_equal(image.pixels, np.dstack([bands, opacity]))
        assert not result.labels[opacity == 0].any()
        again = read_image(tmp_path / f"out{extras[0]}" / "cube_segmented.tif")
        assert again.alpha
        assert_array_equal(again.pixels, result.image)


def test_near_infrared_beside_colours_is_a_channel_of_its_own(tmp_path, coffee):
    four = np.dstack([coffee, coffee[..., ::-1], coffee[..., :1]])[..., :5]
    path = tmp_path / "aerial.tif"
    tifffile.imwrite(path, four, photometric="rgb", extrasamples=[0, 2])
    image, _ = segmented(path, tmp_path / "out")
    assert image.alpha
    names = columns(tmp_path / "out" / "aerial_clusters.csv")
    assert names == ["red", "green", "blue", "sample_4"]
    with tifffile.TiffFile(tmp_path / "out" / "aerial_segmented.tif") as tiff:
        assert [int(kind) for kind in tiff.pages.first.extrasamples] == [0, 2]


class TestNames:
    def gdal(self, *names: str) -> tuple:
        items = "".join(
            f'<Item name="DESCRIPTION" sample="{i}" role="description">{name}</Item>'
            for i, name in enumerate(names)
            if name
        )
        mean = '<Item name="STATISTICS_MEAN" sample="0">1</Item>'
        return (GDAL_METADATA, "s", 0, f"<GDALMetadata>{items}{mean}</GDALMetadata>", True)

    def test_gdals_descriptions_are_columns_and_stay_with_the_bands(self, tmp_path, cube):
        path = tmp_path / "scene.tif"
        names = ["B4 red", "B8 near infrared", "", "B4 red", "swir &lt;1&gt;", "B12"]
        tifffile.imwrite(
            path,
            cube,
            photometric="minisblack",
            planarconfig="contig",
            extratags=[self.gdal(*names)],
        )
        segmented(path, tmp_path / "out")
        assert columns(tmp_path / "out" / "scene_clusters.csv") == [
            "B4 red", "B8 near infrared", "band_3", "B4 red_2", "swir <1>", "B12",
        ]  # fmt: skip
        with tifffile.TiffFile(tmp_path / "out" / "scene_segmented.tif") as tiff:
            kept = tiff.pages.first.tags[GDAL_METADATA].value
        # Statistics of the input are none of its result.
        assert "B8 near infrared" in kept
        assert "STATISTICS" not in kept

    def test_false_colours_have_their_descriptions(self, tmp_path, coffee):
        path = tmp_path / "scene.tif"
        four = np.dstack([coffee, coffee[..., 0]])
        names = self.gdal("near infrared", "", "green", "thermal")
        tifffile.imwrite(path, four, photometric="rgb", extrasamples=[0], extratags=[names])
        segmented(path, tmp_path / "out")
        assert columns(tmp_path / "out" / "scene_clusters.csv") == [
            "near infrared", "green", "green_2", "thermal",
        ]  # fmt: skip

    def test_the_band_of_a_palette_is_none_of_its_colours(self, tmp_path, cell):
        path = tmp_path / "classes.tif"
        palette = np.stack([np.arange(256)] * 3).astype(np.uint16) * np.uint16(257)
        tifffile.imwrite(
            path,
            cell,
            photometric="palette",
            colormap=palette,
            extratags=[self.gdal("land cover")],
        )
        segmented(path, tmp_path / "out")
        assert columns(tmp_path / "out" / "classes_clusters.csv") == ["red", "green", "blue"]
        with tifffile.TiffFile(tmp_path / "out" / "classes_segmented.tif") as tiff:
            assert GDAL_METADATA not in tiff.pages.first.tags

    def test_one_band_has_its_description_too(self, tmp_path, cube):
        path = tmp_path / "height.tif"
        tifffile.imwrite(path, cube[..., 0], extratags=[self.gdal("elevation")])
        segmented(path, tmp_path / "out")
        assert columns(tmp_path / "out" / "height_clusters.csv") == ["elevation"]

    def test_metadata_that_is_no_xml_names_nothing(self, tmp_path, cube):
        path = tmp_path / "height.tif"
        tifffile.imwrite(path, cube[..., 0], extratags=[(GDAL_METADATA, "s", 0, "<oh no", True)])
        assert read_image(path).channel_names == ()

    @pytest.mark.parametrize(
        ("given", "columns_"),
        [
            (["DAPI", "FITC"], ["DAPI", "FITC"]),
            (["DAPI", "DAPI"], ["DAPI", "DAPI_2"]),
            (["DAPI", None], ["DAPI", "band_2"]),
            ([None, None], ["0", "1"]),
        ],
    )
    def test_channels_of_ome_are_columns(self, tmp_path, cell, given, columns_):
        path = tmp_path / "cells.ome.tif"
        two = np.stack([cell, 255 - cell])[:, :60, :80]
        tifffile.imwrite(path, two, photometric="minisblack", metadata={"axes": "CYX"})
        xml = tifffile.tiffcomment(path)
        for i, name in enumerate(given):
            if name is not None:
                xml = xml.replace(f'ID="Channel:0:{i}"', f'ID="Channel:0:{i}" Name="{name}"')
        tifffile.tiffcomment(path, xml.encode())
        segmented(path, tmp_path / "out")
        assert columns(tmp_path / "out" / "cells_clusters.csv") == columns_

    def test_names_are_those_of_the_series_that_is_read(self, tmp_path, cell):
        path = tmp_path / "cells.ome.tif"
        with tifffile.TiffWriter(path, ome=True) as tiff:
            for names, part in ((["a", "b"], cell[:40, :60]), (["c", "d"], cell[:50, :70])):
                pixels = np.stack([part, 255 - part])
                channels = {"axes": "CYX", "Channel": {"Name": names}}
                tiff.write(pixels, photometric="minisblack", metadata=channels)
        assert read_image(path).channel_names == ("a", "b")
        assert read_image(path, series=1).channel_names == ("c", "d")

    @pytest.mark.parametrize(
        ("axes", "labels", "names"),
        [
            ("CYX", ["nuclei", "actin"], ("nuclei", "actin")),
            ("CYX", ["c:1/2 - nuclei", "c:2/2 - actin"], ("nuclei", "actin")),
            ("CYX", ["c:1/2", "c:2/2"], ()),
            ("CYX", ["cells.tif", "cells.tif"], ()),
            ("ZCYX", ["nuclei", "actin", "nuclei", "actin"], ("nuclei", "actin")),
            ("ZCYX", ["only one"], ()),
        ],
    )
    def test_labels_of_imagej_are_columns(self, tmp_path, cell, axes, labels, names):
        path = tmp_path / "cells.tif"
        pixels = np.stack([cell[:40, :60], 255 - cell[:40, :60]])
        if axes == "ZCYX":
            pixels = np.stack([pixels, pixels[:, ::-1]])
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes, "Labels": labels})
        image, _ = segmented(path, tmp_path / "out")
        assert image.channel_names == names
        with tifffile.TiffFile(tmp_path / "out" / "cells_segmented.tif") as tiff:
            kept = tiff.imagej_metadata["Labels"]
        assert ([kept] if isinstance(kept, str) else kept) == labels

    def test_an_axis_that_a_person_chose_has_no_names_of_the_file(self, tmp_path, coffee):
        path = tmp_path / "coffee.tif"
        tifffile.imwrite(path, coffee[:3], photometric="rgb")
        image = read_image(path).with_channel_axis(0)
        assert image.pixels.shape[0] == 3
        assert image.channel_names == ()
        assert not image.is_color
