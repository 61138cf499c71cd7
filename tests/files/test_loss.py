"""What is lost of a file is told or refused, and never read as zeros."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg.files.images import read_image

from .as_seen import read_without_imagecodecs, segmented

if TYPE_CHECKING:
    from pathlib import Path

OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs are of POSIX")


def uuid(number: int) -> str:
    return f"urn:uuid:0000000{number}-0000-0000-0000-000000000000"


def ome_xml(names: list[str], own: int = 0, root: str = "") -> str:
    """Describe an image of one channel per file."""
    blocks = "".join(
        f'<TiffData IFD="0" FirstC="{c}" PlaneCount="1">'
        f'<UUID FileName="{name}">{uuid(c)}</UUID></TiffData>'
        for c, name in enumerate(names)
    )
    channels = "".join(
        f'<Channel ID="Channel:0:{c}" SamplesPerPixel="1"/>' for c in range(len(names))
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{OME}" UUID="{root or uuid(own)}">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="30" '
        f'SizeY="20" SizeC="{len(names)}" SizeZ="1" SizeT="1">{channels}{blocks}</Pixels></Image>'
        "</OME>"
    )


@pytest.fixture
def channel():
    pixels = np.full((20, 30), 50, np.uint8)
    pixels[:, 15:] = 90
    return pixels


def write(path: Path, pixels, xml: str) -> Path:
    tifffile.imwrite(path, pixels, description=xml, metadata=None, photometric="minisblack")
    return path


class TestSetsOfFiles:
    def test_a_set_that_is_whole_is_read(self, tmp_path, channel):
        names = ["c0.ome.tif", "c1.ome.tif"]
        for own, name in enumerate(names):
            write(tmp_path / name, channel + own, ome_xml(names, own))
        for name in names:
            image = read_image(tmp_path / name)
            assert_array_equal(image.pixels, [channel, channel + 1])
            assert (image.channel_axis, image.warnings) == (0, ())

    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_a_missing_file_is_named(self, tmp_path, channel, missing):
        names = ["c0.ome.tif", "c1.ome.tif", "c2.ome.tif"]
        for own, name in enumerate(names):
            write(tmp_path / name, channel, ome_xml(names, own))
        (tmp_path / names[missing]).unlink()
        with pytest.raises(ValueError, match=rf"'{names[missing]}' of its folder is missing"):
            read_image(tmp_path / names[missing - 1])

    @pytest.mark.parametrize(
        "name", ["../other.tif", "/etc/other.tif", "below/other.tif", "..", ""]
    )
    def test_a_file_of_another_folder_is_not_read(self, tmp_path, channel, name):
        folder = tmp_path / "mine"
        (folder / "below").mkdir(parents=True)
        for other in (tmp_path / "other.tif", folder / "below" / "other.tif"):
            tifffile.imwrite(other, channel)
        path = write(folder / "c0.ome.tif", channel, ome_xml(["c0.ome.tif", name]))
        with pytest.raises(ValueError, match="only files in its own folder are read"):
            read_image(path)

    @POSIX
    @pytest.mark.parametrize("names", [["c0.ome.tif", "pipe"], ["pipe"]])
    def test_a_fifo_is_not_waited_for(self, tmp_path, channel, names):
        os.mkfifo(tmp_path / "pipe")
        path = write(tmp_path / "c0.ome.tif", channel, ome_xml(names, root=uuid(9)))
        with pytest.raises(ValueError, match="'pipe' as one of its files, which is no regular"):
            read_image(path)

    def test_a_file_of_the_set_that_is_no_tiff_is_told(self, tmp_path, channel):
        names = ["c0.ome.tif", "c1.ome.tif"]
        write(tmp_path / names[0], channel, ome_xml(names))
        (tmp_path / names[1]).write_text("This is no picture.")
        with pytest.raises(ValueError, match=r"'c1\.ome\.tif' as .* which is no TIFF"):
            read_image(tmp_path / names[0])

    def test_a_whole_file_may_have_been_renamed(self, tmp_path, channel):
        path = write(tmp_path / "new.ome.tif", channel, ome_xml(["old.ome.tif"], root=uuid(9)))
        image = read_image(path)
        assert_array_equal(image.pixels, channel)
        assert image.warnings == ()

    def test_a_companion_says_what_belongs_together(self, tmp_path, channel):
        names = ["c0.ome.tif", "c1.ome.tif"]
        only = f'<OME xmlns="{OME}" UUID="{uuid(0)}"><BinaryOnly MetadataFile="all.companion.ome" '
        only += f'UUID="{uuid(9)}"/></OME>'
        for own, name in enumerate(names):
            write(tmp_path / name, channel + own, only)
        xml = ome_xml(names, root=uuid(9))
        (tmp_path / "all.companion.ome").write_text(xml, encoding="utf-8")
        assert_array_equal(read_image(tmp_path / names[0]).pixels, [channel, channel + 1])
        (tmp_path / names[1]).unlink()
        with pytest.raises(ValueError, match=r"'c1\.ome\.tif' of its folder is missing"):
            read_image(tmp_path / names[0])
        (tmp_path / "all.companion.ome").unlink()
        image = read_image(tmp_path / names[0])
        assert_array_equal(image.pixels, channel)
        assert "'all.companion.ome' describes, which is missing" in image.warnings[0]

    def test_the_command_says_it_in_one_line(self, tmp_path, channel):
        path = write(tmp_path / "c0.ome.tif", channel, ome_xml(["c0.ome.tif", "c1.ome.tif"]))
        done = subprocess.run(
            [sys.executable, "-m", "napari_kmeans_seg.cli", "segment", path, "-o", tmp_path / "o"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "c1.ome.tif" in done.stderr

    def test_planes_that_the_xml_promises_and_the_file_lacks_are_missed(self, tmp_path, channel):
        xml = ome_xml(["a.ome.tif"]).replace('SizeZ="1"', 'SizeZ="3"')
        path = write(tmp_path / "a.ome.tif", channel, xml.replace('PlaneCount="1"', ""))
        with pytest.raises(ValueError, match="pages are missing"):
            read_image(path)


def shortened(path: Path, to: Path, strip: int = -1) -> Path:
    """Copy a TIFF, of which a strip or tile is said to be half as long as it is."""
    shutil.copy(path, to)
    with tifffile.TiffFile(to, mode="r+") as tiff:
        tags = tiff.pages.first.tags
        tag = tags.get(279) or tags[325]
        counts = list(tag.value)
        counts[strip] //= 2
        tag.overwrite(counts if len(counts) > 1 else counts[0])
    return to


class TestStrips:
    @pytest.mark.parametrize(
        "compression",
        [None, "lzw", "zlib", "packbits", "zstd", "lzma", "jpeg", "png", "webp", "jpeg2000"],
    )
    @pytest.mark.parametrize("tiled", [False, True])
    def test_one_that_is_cut_is_told(self, tmp_path, coffee, compression, tiled):
        whole = tmp_path / "whole.tif"
        parts = {"tile": (64, 64)} if tiled else {"rowsperstrip": 40}
        tifffile.imwrite(
            whole, coffee[:160, :192], photometric="rgb", compression=compression, **parts
        )
        assert read_image(whole).warnings == ()
        part = shortened(whole, tmp_path / "part.tif", strip=1)
        try:
            told = "; ".join(read_image(part).warnings)
        except ValueError as problem:
            told = str(problem)
        assert told
        [found] = read_without_imagecodecs([part])
        assert isinstance(found, str) or compression == "jpeg"

    @pytest.mark.parametrize("compression", ["group3", "group4"])
    @pytest.mark.parametrize("order", [1, 2])
    def test_of_a_fax_too(self, tmp_path, coffee, compression, order):
        whole = tmp_path / "fax.tif"
        fill_order = {266: order}
        Image.fromarray(coffee[..., 0] > 100).save(
            whole, compression=compression, tiffinfo=fill_order
        )
        assert read_image(whole).warnings == ()
        try:
            [told] = read_image(shortened(whole, tmp_path / "part.tif")).warnings
        except ValueError as problem:
            told = str(problem)
        assert "strip or tile" in told
        assert "ends too early" in told

    @pytest.mark.parametrize("compression", ["jpeg", "lzw", "zlib", "group4", None])
    @pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
    def test_a_file_that_ends_too_early_is_refused(self, tmp_path, coffee, compression, share):
        whole = tmp_path / "whole.tif"
        if compression == "group4":
            Image.fromarray(coffee[..., 0] > 100).save(whole, compression=compression)
        else:
            tifffile.imwrite(whole, coffee, photometric="rgb", compression=compression)
        content = whole.read_bytes()
        whole.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ValueError, match="cannot be read as TIFF"):
            read_image(whole)

    @pytest.mark.parametrize("planar", ["contig", "separate"])
    def test_where_tiles_are_not_in_the_file_no_pixel_takes_part(self, tmp_path, coffee, planar):
        pixels = coffee[:128, :192]
        stored = pixels if planar == "contig" else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
        path = tmp_path / "slide.tif"
        tifffile.imwrite(
            path,
            stored,
            photometric="rgb",
            planarconfig=planar,
            compression="zlib",
            tile=(64, 64),
            metadata=None,
        )
        with tifffile.TiffFile(path, mode="r+") as tiff:
            for code in (324, 325):
                tag = tiff.pages.first.tags[code]
                values = list(tag.value)
                values[4] = 0  # the second of the second row, in the first plane if there are three
                tag.overwrite(values)
        image, result = segmented(path, tmp_path / "out")
        gap = np.zeros((128, 192), bool)
        gap[64:, 64:128] = True
        assert_array_equal(result.labels == 0, gap)
        assert "lacks strips or tiles" in image.warnings[0]

    def test_a_lone_strip_that_is_not_there_is_refused(self, tmp_path, cell):
        path = tmp_path / "cell.tif"
        tifffile.imwrite(path, cell, compression="zlib", metadata=None, rowsperstrip=cell.shape[0])
        with tifffile.TiffFile(path, mode="r+") as tiff:
            tiff.pages.first.tags[273].overwrite(0)
        with pytest.raises(ValueError, match="1 of its 1 pages are missing"):
            read_image(path)


class TestPages:
    def test_a_chain_of_pages_that_breaks_off_is_refused(self, tmp_path, cell):
        path = tmp_path / "stack.tif"
        with tifffile.TiffWriter(path) as tiff:
            for _ in range(3):
                tiff.write(cell, photometric="minisblack", metadata=None)
        with tifffile.TiffFile(path) as tiff:
            third = tiff.pages[2].offset
        content = bytearray(path.read_bytes())
        at = content.find(third.to_bytes(4, "little"))
        content[at : at + 4] = (len(content) + 1000).to_bytes(4, "little")
        path.write_bytes(content)
        with pytest.raises(ValueError, match="pages are missing"):
            read_image(path)

    @pytest.mark.parametrize("n_said", [4, 40])
    def test_a_stack_of_imagej_that_lacks_its_end_is_refused(self, tmp_path, cell, n_said):
        path = tmp_path / "stack.tif"
        tifffile.imwrite(path, np.stack([cell] * 3), imagej=True, metadata={"axes": "ZYX"})
        content = path.read_bytes()
        assert b"images=3\nslices=3" in content
        said = b"images=%d\nslices=%d" % (n_said, n_said)
        # The description is as long as before: one line less pays for longer numbers.
        old = content[content.index(b"ImageJ=") : content.index(b"\0", content.index(b"ImageJ="))]
        new = textwrap.dedent(old.decode()).encode().replace(b"images=3\nslices=3", said)
        new = new.replace(b"hyperstack=true\n", b"")[: len(old)].ljust(len(old), b"\0")
        path.write_bytes(content.replace(old, new))
        with pytest.raises(ValueError, match="cannot be read as TIFF"):
            read_image(path)
