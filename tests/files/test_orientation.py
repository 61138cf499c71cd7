"""A picture that is marked to be turned is taken as stored; all its results are marked alike."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image, ImageOps

from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.png16 import PngMarks, read_png16, write_png16

from .as_seen import segmented

TURN = 274


def marked(turn: int) -> Image.Exif:
    exif = Image.Exif()
    exif[TURN] = turn
    return exif


def as_shown(path) -> np.ndarray:
    """Return a picture turned as a viewer turns it."""
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("ending", ["tif", "jpg", "png"])
def test_labels_and_picture_are_shown_turned_as_the_input_is(tmp_path, coffee, ending, turn):
    path = tmp_path / f"photo.{ending}"
    part = coffee[:64, :80]
    if ending == "tif":
        tifffile.imwrite(path, part, photometric="rgb", extratags=[(TURN, 3, 1, turn, True)])
    else:
        Image.fromarray(part).save(path, exif=marked(turn))
    image, result = segmented(path, tmp_path / "out")
    assert image.pixels.shape == (64, 80, 3)
    shown = as_shown(path)
    labels = as_shown(tmp_path / "out" / "photo_labels.tif")
    picture = as_shown(tmp_path / "out" / f"photo_segmented.{ending}")
    assert labels.shape == shown.shape[:2]
    assert picture.shape == shown.shape
    # Where a viewer shows a cluster, its pixels in the input are those that the table tells of.
    for label in (1, 2, 3):
        mean = shown[labels == label].mean(axis=0)
        np.testing.assert_allclose(mean, result.centroids[label - 1], atol=1)
    if turn != 1:
        with tifffile.TiffFile(tmp_path / "out" / "photo_labels.tif") as tiff:
            assert tiff.pages.first.tags[TURN].value == turn


def test_a_deep_png_keeps_mark_size_and_profile(tmp_path, coffee):
    deep = coffee[:64, :80] * np.uint16(257)
    path = tmp_path / "photo.png"
    exif = marked(6).tobytes().removeprefix(b"Exif\0\0")
    write_png16(path, deep, PngMarks(dpi=(300, 300), exif=exif))
    segmented(path, tmp_path / "out")
    written = tmp_path / "out" / "photo_segmented.png"
    assert read_png16(written).shape == deep.shape
    with Image.open(written) as picture:
        assert picture.getexif()[TURN] == 6
        assert picture.info["dpi"] == pytest.approx((300, 300), rel=1e-3)


@pytest.mark.parametrize("flavour", ["imagej", "ome", "plain"])
def test_a_stack_keeps_the_mark_on_its_pages(tmp_path, cell, flavour):
    stack = np.stack([cell[:40, :60], cell[40:80, :60]])
    path = tmp_path / ("stack.ome.tif" if flavour == "ome" else "stack.tif")
    tifffile.imwrite(
        path,
        stack,
        photometric="minisblack",
        imagej=flavour == "imagej",
        ome=flavour == "ome",
        metadata={"axes": "ZYX"},
        extratags=[(TURN, 3, 1, 8, False)],
    )
    image, result = segmented(path, tmp_path / "out")
    assert_array_equal(image.pixels, stack)
    for name in (f"stack_segmented{path.name[5:]}", "stack_labels.tif"):
        with tifffile.TiffFile(tmp_path / "out" / name) as tiff:
            assert tiff.pages.first.tags[TURN].value == 8
            assert tiff.series[0].shape == stack.shape
            assert tiff.is_imagej == (flavour == "imagej")
    assert_array_equal(tifffile.imread(tmp_path / "out" / "stack_labels.tif"), result.labels)


def test_pages_that_are_turned_in_different_ways_are_refused(tmp_path, cell):
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as tiff:
        for turn in (1, 6):
            tiff.write(
                cell, photometric="minisblack", metadata=None, extratags=[(TURN, 3, 1, turn, True)]
            )
    with pytest.raises(ValueError, match="turned in different ways"):
        read_image(path)


def test_a_mark_that_makes_no_sense_is_none(tmp_path, cell):
    path = tmp_path / "cell.tif"
    tifffile.imwrite(path, cell, extratags=[(TURN, 3, 1, 77, True)])
    assert read_image(path).tiff.turn == 1
