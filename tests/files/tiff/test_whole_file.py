"""Files that get shorter while they are read: an error that names them, never zeros."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile

from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.tiff import read
from napari_kmeans_seg.files.tiff.whole_file import whole_file


@pytest.fixture
def pixels():
    """More than is read ahead; none is 0, which is what a decoder fills in."""
    return np.random.default_rng(0).integers(90, 200, (300, 350), np.uint8)


@pytest.mark.parametrize("layout", [{}, {"rowsperstrip": 16}, {"tile": (32, 32)}])
@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "zlib", "jpeg"])
def test_a_tiff_that_is_cut_before_its_pixels_are_decoded_is_an_error(
    tmp_path, monkeypatch, pixels, compression, layout
):
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, pixels, compression=compression, **layout)
    whole = path.read_bytes()
    assert read_image(path).pixels.all()
    decode, lengths = read.decode, list(range(len(whole) - 4, len(whole)))

    def cut_and_decode(*arguments):
        os.truncate(path, lengths.pop())
        return decode(*arguments)

    monkeypatch.setattr(read, "decode", cut_and_decode)
    while lengths:
        path.write_bytes(whole)
        with pytest.raises(ValueError, match=r"bytes could be read; try again: .*cut\.tif"):
            read_image(path)


@pytest.mark.parametrize("n", [-1, 50_000, 100])
def test_every_read_finds_the_end_that_was_not_there(tmp_path, n):
    path = tmp_path / "cut"
    path.write_bytes(bytes(100_000))
    with whole_file(path) as file:
        assert len(file.read(20_000)) == 20_000
        os.truncate(path, 40_000)
        with pytest.raises(OSError, match=r"only 40,000 of its 100,000 bytes .*cut"):
            list(iter(lambda: file.read(n), b""))


def test_what_was_not_there_is_not_missed(tmp_path):
    path = tmp_path / "growing"
    path.write_bytes(b"some")
    with whole_file(path) as file:
        assert file.read(10) == b"some"
        with path.open("ab") as more:
            more.write(b"thing")
        assert file.read() == b"thing"
        assert not file.read(10)
        assert file.name == os.path.realpath(path)
