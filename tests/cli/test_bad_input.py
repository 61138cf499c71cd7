"""What cannot be done is refused, in one line that says why."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from .shell import POSIX, files, run


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["-k", "0"], "'-k' / '--n-clusters': got '0', takes an integer from 1 to 65535"),
            (["-k", "-3"], "got '-3', takes an integer from 1 to 65535"),
            (["-k", "five"], "got 'five', takes an integer from 1 to 65535"),
            (["-k", "2.5"], "got '2.5', takes an integer from 1 to 65535"),
            (["-k", "65536"], "got '65536', takes an integer from 1 to 65535"),
            (["--n-init", "0"], "'--n-init': got '0', takes an integer of at least 1"),
            (["--max-iter", "0"], "'--max-iter': got '0', takes an integer of at least 1"),
            (["--seed", "-1"], "'--seed': got '-1', takes an integer of at least 0"),
            (["--tol", "-1"], "'--tol': got '-1', takes a number of at least 0"),
            (["--tol", "nan"], "'--tol': got 'nan', takes a number of at least 0"),
            (["--smoothing", "inf"], "'--smoothing': got 'inf', takes a number of at least 0"),
            (["--smoothing", "10001"], "'--smoothing': got '10001', takes a number of at least 0"),
            (["--fit-scale", "0"], "'--fit-scale': got '0', takes a percentage of more than 0"),
            (["--fit-scale", "101"], "'--fit-scale': got '101', takes a percentage of more"),
            (["--channel-axis", "x"], "got 'x', takes auto, none or an integer"),
            (["--init", "guess"], "'--init': got 'guess', takes one of 'auto'"),
            (["--color-space", "cmyk"], "'--color-space': got 'cmyk', takes one of 'rgb'"),
            (["--frobnicate"], "--frobnicate"),
        ],
    )
    def test_an_argument_out_of_range_is_named(self, tmp_path, photo, arguments, message):
        done = run("segment", photo, "-o", tmp_path / "out", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()

    def test_no_image_is_named(self):
        done = run("segment")
        assert done.returncode == 2
        assert done.stderr == (
            "napari-kmeans-seg: no images: name files, folders or patterns, or a --list of them\n"
        )

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("empty.png", b"", "the file is empty"),
            ("text.tif", b"no picture at all", "is no image that can be read; TIFF, PNG, JPEG"),
            ("cut.tif", b"II*\0\x08\0\0\0", "cannot be read as TIFF"),
        ],
    )
    def test_a_file_that_is_no_image_is_named(self, tmp_path, name, content, message):
        (tmp_path / name).write_bytes(content)
        done = run("segment", tmp_path / name, "-o", tmp_path / "out")
        assert done.returncode == 1
        assert done.stderr.startswith(f"napari-kmeans-seg: {tmp_path / name}: ")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert files(tmp_path / "out") == []

    def test_a_folder_without_an_image_is_refused(self, tmp_path):
        (tmp_path / "folder").mkdir()
        done = run("segment", tmp_path / "folder", "-o", tmp_path / "out")
        assert done.returncode == 2
        assert "has no image (.tif, .tiff, .png, .jpg, .jpeg, .bmp, OME-Zarr) in it" in done.stderr

    def test_complex_numbers_are_refused(self, tmp_path, cell):
        path = tmp_path / "complex.tif"
        tifffile.imwrite(path, cell.astype(np.complex64), photometric="minisblack")
        done = run("segment", path, "-o", tmp_path / "out")
        assert done.returncode == 1
        assert "complex64" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert files(tmp_path / "out") == []

    def test_a_channel_axis_that_is_not_there_is_refused(self, tmp_path, photo):
        done = run("segment", photo, "--channel-axis", 5, "-o", tmp_path / "out")
        assert done.returncode == 1
        assert "channel_axis takes an axis of the image, from -3 to 2; got 5" in done.stderr
        assert files(tmp_path / "out") == []

    def test_an_output_folder_that_is_a_file_is_refused(self, photo):
        done = run("segment", photo, "-o", photo)
        assert done.returncode == 2
        assert done.stderr == f"napari-kmeans-seg: -o {photo} is a file; a folder is needed\n"

    def test_an_output_folder_that_cannot_be_made_is_refused(self, photo):
        done = run("segment", photo, "-o", photo / "below")
        assert done.returncode == 2
        assert f"-o {photo / 'below'} cannot be written" in done.stderr
        assert len(done.stderr.splitlines()) == 1

    def test_a_name_that_is_too_long_is_refused(self, tmp_path, photo):
        done = run("segment", photo, "-o", tmp_path / ("x" * 300))
        assert done.returncode == 2
        assert done.stderr.startswith("napari-kmeans-seg: -o ")
        assert "cannot be written: File name too long" in done.stderr
        long = tmp_path / ("n" * 245 + ".png")
        long.write_bytes(photo.read_bytes())
        done = run("segment", long, "-o", tmp_path / "out")
        assert done.returncode == 2
        assert done.stderr.startswith(f"napari-kmeans-seg: {long}: its result would be nnn")
        assert not (tmp_path / "out").exists()

    @POSIX
    def test_what_is_no_regular_file_is_refused(self, tmp_path):
        os.mkfifo(tmp_path / "fifo")
        for path in (Path("/dev/zero"), tmp_path / "fifo"):
            done = run("segment", path, "-o", tmp_path / "out")
            assert done.returncode == 1
            assert done.stderr == f"napari-kmeans-seg: {path}: is no regular file\n"
