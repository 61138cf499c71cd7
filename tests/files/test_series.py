"""Of several images in a file the picture at full resolution is read, or the one asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg.files.images import read_image


@pytest.fixture
def photo(coffee):
    return np.ascontiguousarray(coffee[:360, :480])


def smaller(photo, step: int):
    return np.ascontiguousarray(photo[::step, ::step])


class TestFullResolution:
    @pytest.mark.parametrize("marked", [True, False])
    @pytest.mark.parametrize("step", [2, 10])
    def test_a_thumbnail_before_the_picture_is_passed_over(self, tmp_path, photo, marked, step):
        path = tmp_path / "photo.tif"
        with tifffile.TiffWriter(path) as tiff:
            tiff.write(
                smaller(photo, step), photometric="rgb", subfiletype=int(marked), metadata=None
            )
            tiff.write(photo, photometric="rgb", metadata=None)
        image = read_image(path)
        assert_array_equal(image.pixels, photo)
        [told] = image.warnings
        assert "1: 360 x 480 x 3 uint8; 1 is used" in told

    def test_a_grey_thumbnail_of_another_depth_is_passed_over(self, tmp_path, photo):
        path = tmp_path / "photo.tif"
        with tifffile.TiffWriter(path) as tiff:
            small = smaller(photo, 4)[..., 0]
            tiff.write(small, photometric="minisblack", subfiletype=1, metadata=None)
            tiff.write(photo * np.uint16(257), photometric="rgb", metadata=None)
        assert read_image(path).pixels.dtype == np.uint16

    def test_the_old_mark_of_a_thumbnail_counts_too(self, tmp_path, photo):
        path = tmp_path / "photo.tif"
        with tifffile.TiffWriter(path) as tiff:
            # Of other proportions, so that its mark alone tells.
            old_mark = [(255, "H", 1, 2, True)]
            square = smaller(photo, 4)[:90, :90]
            tiff.write(square, photometric="rgb", extratags=old_mark, metadata=None)
            tiff.write(photo, photometric="rgb", metadata=None)
        assert_array_equal(read_image(path).pixels, photo)

    def test_a_raw_file_has_its_picture_below_a_thumbnail(self, tmp_path, photo):
        path = tmp_path / "raw.dng"
        with tifffile.TiffWriter(path) as tiff:
            tiff.write(
                smaller(photo, 8), photometric="rgb", subifds=1, subfiletype=1, metadata=None
            )
            tiff.write(photo, photometric="rgb", metadata=None)
        assert_array_equal(read_image(path).pixels, photo)

    @pytest.mark.parametrize("subifds", [True, False])
    def test_of_a_pyramid_it_is_the_largest_level(self, tmp_path, photo, subifds):
        path = tmp_path / "pyramid.tif"
        options = {"photometric": "rgb", "tile": (64, 64), "metadata": None}
        with tifffile.TiffWriter(path) as tiff:
            tiff.write(photo, **({"subifds": 2} if subifds else {}), **options)
            for step in (2, 4):
                tiff.write(smaller(photo, step), subfiletype=1, **options)
        image = read_image(path)
        assert_array_equal(image.pixels, photo)
        assert image.warnings == ()

    def test_label_and_macro_of_a_scanned_slide_are_passed_over(self, tmp_path, photo):
        path = tmp_path / "slide.ome.tif"
        with tifffile.TiffWriter(path, ome=True) as tiff:
            for name, pixels in (("label image", photo[:100, :90]), ("scan", photo)):
                tiff.write(pixels, photometric="rgb", metadata={"axes": "YXS", "Name": name})
        image = read_image(path)
        assert_array_equal(image.pixels, photo)
        assert "0: 'label image' 100 x 90 x 3 uint8, 1: 'scan' 360 x 480 x 3" in image.warnings[0]

    def test_of_two_pictures_the_first_is_read(self, tmp_path, photo, cell):
        path = tmp_path / "two.tif"
        with tifffile.TiffWriter(path) as tiff:
            tiff.write(photo, photometric="rgb", metadata=None)
            tiff.write(cell, photometric="minisblack", metadata=None)
        assert_array_equal(read_image(path).pixels, photo)


class TestChosen:
    @pytest.fixture
    def scenes(self, tmp_path, cell):
        path = tmp_path / "scenes.ome.tif"
        with tifffile.TiffWriter(path, ome=True) as tiff:
            for i in range(3):
                sizes = {"axes": "YX", "Name": f"scene {i}", "PhysicalSizeX": 0.5 + i}
                tiff.write(cell[i * 50 : i * 50 + 40 + i], photometric="minisblack", metadata=sizes)
        return path

    def test_each_series_can_be_read(self, scenes, cell):
        for i in range(3):
            image = read_image(scenes, series=i)
            assert_array_equal(image.pixels, cell[i * 50 : i * 50 + 40 + i])
            assert image.tiff.scale["PhysicalSizeX"] == 0.5 + i
        [told] = read_image(scenes).warnings
        assert told == (
            "holds 3 images: 0: 'scene 0' 40 x 550 uint8, 1: 'scene 1' 41 x 550 uint8, "
            "2: 'scene 2' 42 x 550 uint8; 0 is used, --series takes another"
        )

    def test_one_that_is_not_there_is_refused_with_those_that_are(self, scenes):
        with pytest.raises(
            ValueError, match=r"has no series 3: it has 3, counted from 0 \(0: 'scene 0' 40 x 550"
        ):
            read_image(scenes, series=3)

    def test_the_command_takes_its_number_and_writes_it_down(self, scenes, tmp_path):
        out = tmp_path / "out"
        done = subprocess.run(
            [
                *(sys.executable, "-W", "error", "-m", "napari_kmeans_seg.cli", "segment"),
                *(scenes, "-k", "3", "-o", out, "--series", "2", "-q"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        with tifffile.TiffFile(out / "scenes_labels.tif") as tiff:
            assert tiff.pages.first.shape == (42, 550)
            note = json.loads(tiff.pages.first.description.partition("<Description>")[2]
                              .partition("</Description>")[0].replace("&quot;", '"'))  # fmt: skip
        assert note["napari-kmeans-seg"]["input"] == {"series": 2}

    def test_frames_of_a_moving_picture_can_be_read(self, tmp_path, cell):
        path = tmp_path / "moving.png"
        frames = [Image.fromarray(pixels) for pixels in (cell, 255 - cell)]
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert_array_equal(read_image(path).pixels, cell)
        assert_array_equal(read_image(path, series=1).pixels, 255 - cell)
        with pytest.raises(ValueError, match="has no series 2: it has 2, counted from 0"):
            read_image(path, series=2)

    def test_a_picture_alone_is_series_0(self, tmp_path, cell):
        Image.fromarray(cell).save(tmp_path / "cell.bmp")
        assert_array_equal(read_image(tmp_path / "cell.bmp", series=0).pixels, cell)
        with pytest.raises(ValueError, match="has no series 1: it has 1, counted from 0"):
            read_image(tmp_path / "cell.bmp", series=1)


class TestDescriptionsThatAreLeftOver:
    """Software that knows no OME, and not tifffile, changes pixels and keeps descriptions."""

    @staticmethod
    def rewritten(path, to, pages):
        """Write other pages below the description of a file."""
        with tifffile.TiffFile(path) as tiff:
            description = tiff.pages.first.description
        with tifffile.TiffWriter(to) as tiff:
            for i, page in enumerate(pages):
                tiff.write(
                    page,
                    photometric="rgb" if page.ndim == 3 else "minisblack",
                    description=None if i else description.encode(),
                    metadata=None,
                )

    @pytest.mark.parametrize("ome", [True, False])
    @pytest.mark.parametrize("n_pages", [1, 3])
    def test_pages_that_were_cut_are_read_as_they_lie(self, tmp_path, cell, ome, n_pages):
        path, cut = tmp_path / "whole.ome.tif", tmp_path / "cut.ome.tif"
        whole = np.stack([cell] * n_pages).squeeze()
        tifffile.imwrite(path, whole, ome=ome, photometric="minisblack")
        pages = [cell[:60, 10:90] + np.uint8(i) for i in range(n_pages)]
        self.rewritten(path, cut, pages)
        image = read_image(cut)
        assert_array_equal(image.pixels, np.stack(pages).squeeze())
        assert image.warnings == (
            "has a description of another picture; its pages are read as they lie",
        )

    @pytest.mark.parametrize(
        ("said", "instead"),
        [
            ('SizeC="3"', 'SizeC="65536"'),
            ('SizeC="3"', 'SizeC="4294967296"'),  # a list of 34 GB
            ('SizeT="1"', f'SizeT="{"9" * 30}"'),
            ('PlaneCount="3"', 'PlaneCount="4294967296"'),
        ],
    )
    def test_more_pages_than_a_file_has_room_for_are_not_looked_for(self, tmp_path, said, instead):
        path, stack = tmp_path / "stack.ome.tif", np.arange(600, dtype=np.uint8).reshape(3, 10, 20)
        tifffile.imwrite(path, stack, ome=True, metadata={"axes": "CYX"}, photometric="minisblack")
        text = tifffile.tiffcomment(path)
        assert said in text
        tifffile.tiffcomment(path, text.replace(said, instead).encode())
        image = read_image(path)
        assert_array_equal(image.pixels, stack)
        assert image.warnings == (
            "has a description of another picture; its pages are read as they lie",
        )

    def test_grey_that_became_coloured_is_read_in_colour(self, tmp_path, coffee):
        path, colored = tmp_path / "grey.tif", tmp_path / "colored.tif"
        tifffile.imwrite(path, coffee[..., 0], photometric="minisblack")
        self.rewritten(path, colored, [coffee])
        image = read_image(colored)
        assert_array_equal(image.pixels, coffee)
        assert image.is_color

    def test_pages_that_were_joined_to_others_are_read_too(self, tmp_path, cell):
        path, joined = tmp_path / "one.tif", tmp_path / "three.tif"
        tifffile.imwrite(path, cell, photometric="minisblack")
        self.rewritten(path, joined, [cell, 255 - cell, cell])
        assert_array_equal(read_image(joined).pixels, [cell, 255 - cell, cell])

    def test_of_pages_that_were_taken_out_is_told(self, tmp_path, cell):
        path, part = tmp_path / "three.tif", tmp_path / "two.tif"
        tifffile.imwrite(path, np.stack([cell] * 3), photometric="minisblack")
        self.rewritten(path, part, [cell, cell])
        image = read_image(part)
        assert_array_equal(image.pixels, [cell, cell])
        [told] = image.warnings
        assert "its shape (3, 660, 550) is more than the file holds" in told
