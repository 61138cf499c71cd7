"""What cannot be done is refused, in one line that says why."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_kmeans_seg.files.results import read_note

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
        assert not (tmp_path / "out").exists()

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
        assert not (tmp_path / "out").exists()

    def test_a_channel_axis_that_is_not_there_is_refused(self, tmp_path, photo):
        done = run("segment", photo, "--channel-axis", 5, "-o", tmp_path / "out")
        assert done.returncode == 1
        assert "channel_axis takes an axis of the image, from -3 to 2; got 5" in done.stderr
        assert not (tmp_path / "out").exists()

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

    def test_a_folder_that_takes_no_files_is_named(self, tmp_path, photo):
        if not Path("/proc/self").is_dir():
            return  # of Linux alone
        done = run("fit", photo, "-k", 2, "-o", "/proc/model.json")
        assert done.returncode == 1
        assert done.stderr.startswith("napari-kmeans-seg: -o /proc/model.json cannot be written: ")
        assert "the folder /proc takes no files" in done.stderr
        assert "another process" not in done.stderr

    def test_folders_that_were_made_for_nothing_are_removed(self, tmp_path, photo):
        (tmp_path / "empty.png").touch()
        out = tmp_path / "a" / "b"
        assert run("segment", tmp_path / "empty.png", "-o", out).returncode == 1
        assert not (tmp_path / "a").exists()
        assert run("segment", tmp_path / "empty.png", photo, "-k", 2, "-o", out).returncode == 1
        assert len(files(out)) == 3
        (tmp_path / "mine").mkdir()
        run("segment", tmp_path / "empty.png", "-o", tmp_path / "mine")
        assert (tmp_path / "mine").is_dir()

    def test_a_result_that_may_mean_nothing_is_told_to_the_quiet_too(self, tmp_path, coffee):
        tifffile.imwrite(tmp_path / "a.tif", coffee[::4, ::4], photometric="rgb")
        wide = coffee[::4, ::4].astype(np.uint16) * 257
        tifffile.imwrite(tmp_path / "wide.tif", wide, photometric="rgb")
        model, out = tmp_path / "m.json", tmp_path / "out"
        assert run("fit", tmp_path / "a.tif", "-k", 2, "-o", model).returncode == 0
        done = run("apply", model, tmp_path / "wide.tif", "-q", "-o", out)
        assert (done.returncode, done.stdout) == (0, "")
        assert "wide.tif: warning: " in done.stderr
        assert "are of another kind than those that the model was fitted on" in done.stderr
        (said,) = read_note(out / "wide_labels.tif")["warnings"]
        assert "of another kind" in said
