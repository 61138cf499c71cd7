"""What a file says beside its pixels is never a reason to refuse the pixels."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg import segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.result_paths import result_paths
from napari_kmeans_seg.files.results import write_results

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


@pytest.fixture
def stack(cell) -> npt.NDArray[np.uint16]:
    """Three planes: (3, 64, 80) uint16."""
    return np.stack([cell[at : at + 64, :80].astype(np.uint16) * 9 for at in (0, 100, 200)])


def warned(path: Path, pixels: npt.NDArray) -> str:
    """Read and write what a file has, which must be these pixels; what is told of it."""
    image = read_image(path)
    assert_array_equal(np.squeeze(image.pixels), pixels)
    found = segment(image.pixels, 2, channel_axis=image.channel_axis, alpha=image.alpha)
    results = result_paths(path, path.parent)
    told = write_results(image, found, results)
    assert_array_equal(tifffile.imread(results.labels).squeeze(), found.labels.squeeze())
    return "; ".join((*image.warnings, *told))


def described(path: Path, pixels: npt.NDArray, old: str, new: str, **options) -> None:
    """Write a TIFF, and put other words into its description."""
    tifffile.imwrite(path, pixels, photometric="minisblack", **options)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages.first.tags["ImageDescription"]
        assert old in tag.value
        tag.overwrite(tag.value.replace(old, new))


@pytest.mark.parametrize("line", ["LUTs=3", "Labels=4", "min=x", "unit=\\u00b5", "Ranges=1"])
def test_imagej_text_in_place_of_tables(tmp_path, stack, line):
    path = tmp_path / "a.tif"
    described(path, stack, "images=3", f"images=3\n{line}", imagej=True)
    warned(path, stack)


def test_what_imagej_cannot_be_told_again_is_said(tmp_path, stack):
    path = tmp_path / "a.tif"
    described(path, stack, "images=3", "images=3\nLUTs=3", imagej=True)
    assert "names, look-up tables or ranges that cannot be written again" in warned(path, stack)


def test_ome_with_fewer_names_than_channels(tmp_path, stack):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "CYX", "Channel": {"Name": ["a", "b", "c"]}}
    tifffile.imwrite(path, stack, ome=True, metadata=metadata, photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages.first.tags["ImageDescription"]
        start, stop = tag.value.index('<Channel ID="Channel:0:1"'), tag.value.index("<TiffData")
        tag.overwrite(tag.value[:start] + tag.value[stop:])
    assert "cannot be written again" in warned(path, stack)


def test_ome_that_describes_no_size(tmp_path, stack):
    path = tmp_path / "a.ome.tif"
    described(path, stack, "SizeZ", "SizeQ", ome=True, metadata={"axes": "CYX"})
    assert "has a description that cannot be read (KeyError" in warned(path, stack)


@pytest.mark.parametrize("shape", ["[3, , 80]", "[1e999, 64]", "[30, 64, 80]", '"x"', "{}"])
def test_a_shape_that_is_none(tmp_path, stack, shape):
    path = tmp_path / "a.tif"
    described(path, stack, json.dumps(list(stack.shape)), shape, metadata={"axes": "ZYX"})
    warned(path, stack)


@pytest.mark.parametrize("unit", [0, 6, 65535])
def test_a_resolution_in_no_unit(tmp_path, stack, unit):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack[0], resolution=(2.0, 2.0), resolutionunit=2)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["ResolutionUnit"].overwrite(unit)
    assert warned(path, stack[0]) == ""
    with tifffile.TiffFile(tmp_path / "a_labels.tif") as tiff:
        assert tiff.pages.first.resolution == (2.0, 2.0)
        assert tiff.pages.first.resolutionunit == 1


@pytest.mark.parametrize(
    "exif",
    [
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x0c\0\0\0\x01\0\0\0\0\0\0\0\0",  # orientation as DOUBLE
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04abc\0\0\0\0\0",  # as text
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\0",  # 99
        b"junk that is no EXIF at all",
        b"",
        b"MM",
    ],
)
@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_junk_in_exif(tmp_path, coffee, kind, exif):
    path = tmp_path / f"a.{kind}"
    Image.fromarray(coffee[:64, :80]).save(path, exif=b"Exif\0\0" + exif if exif else b"Exif\0\0")
    warned(path, np.asarray(Image.open(path)))


@pytest.mark.parametrize("kind", [b"pHYs", b"gAMA", b"iCCP", b"cHRM", b"tIME", b"zTXt", b"iTXt"])
@pytest.mark.parametrize("junk", [b"", b"\xff", b"a\0\0" + zlib.compress(bytes(70_000_000))])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_junk_in_chunks_of_a_png(tmp_path, coffee, kind, junk):
    path = tmp_path / "a.png"
    Image.fromarray(coffee[:64, :80]).save(path)
    content = path.read_bytes()
    chunk = struct.pack(">I", len(junk)) + kind + junk
    chunk += struct.pack(">I", zlib.crc32(kind + junk))
    path.write_bytes(content[:33] + chunk + content[33:])
    warned(path, coffee[:64, :80])


@pytest.mark.parametrize("alike", [True, False])
def test_extra_samples_that_do_not_add_up(tmp_path, coffee, alike):
    path = tmp_path / "a.tif"
    pixels = np.dstack([coffee[:64, :80], coffee[:64, :80, :2]])
    tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=[0, 0])
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["ExtraSamples"].overwrite([0] if alike else [0, 0, 0])
    warned(path, pixels)
