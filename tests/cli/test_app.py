"""The command line, run as a person runs it: a process, real files, its exit code and words."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg import __version__, segment

from .shell import COMMAND, POSIX, files, run, run_from_nothing


def printing_to(stdout: IO[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Do the same while it prints to a file of ours."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )


def parameters(labels: Path) -> dict:
    with tifffile.TiffFile(labels) as tiff:
        return json.loads(tiff.pages.first.description)["napari-kmeans-seg"]


class TestSegment:
    @pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "tif", "tiff", "bmp"])
    def test_the_files_hold_what_segment_gives(self, tmp_path, coffee, ending):
        path = tmp_path / f"coffee.{ending}"
        Image.fromarray(coffee).save(path)
        out = tmp_path / "new" / "out"
        done = run("segment", path, "-k", 4, "-o", out)
        assert (done.returncode, done.stderr) == (0, "")
        assert files(out) == [
            "coffee_clusters.csv",
            "coffee_labels.tif",
            f"coffee_segmented.{ending}",
        ]
        expected = segment(np.asarray(Image.open(path)), 4, channel_axis=-1)
        assert_array_equal(tifffile.imread(out / "coffee_labels.tif"), expected.labels)
        written = np.asarray(Image.open(out / f"coffee_segmented.{ending}")).astype(int)
        if ending in {"jpg", "jpeg"}:
            assert np.abs(written - expected.image).mean() < 2
        else:
            assert_array_equal(written, expected.image)
        table = pd.read_csv(out / "coffee_clusters.csv")
        assert_array_equal(table["pixels"], expected.counts)
        np.testing.assert_allclose(
            table[["mean_red", "mean_green", "mean_blue"]], expected.centroids
        )

    def test_the_table_is_printed(self, tmp_path, photo, coffee):
        lines = run_from_nothing(
            "segment", photo, "-k", 3, "-o", tmp_path / "out"
        ).stdout.splitlines()
        expected = segment(coffee, 3, channel_axis=-1)
        assert lines[0].startswith(str(photo))
        assert lines[1].split() == [
            "label", "pixels", "percent", "mean_red", "mean_green", "mean_blue",
        ]  # fmt: skip
        rows = [line.split() for line in lines[3:6]]
        assert [int(row[1]) for row in rows] == expected.counts.tolist()
        shown = [[float(cell) for cell in row[3:]] for row in rows]
        np.testing.assert_allclose(shown, expected.centroids, rtol=1e-5)
        assert lines[6].startswith("3 clusters, ")

    def test_one_cluster_is_told_in_the_singular(self, tmp_path):
        tifffile.imwrite(tmp_path / "flat.tif", np.full((20, 20), 7, np.uint8))
        lines = run("segment", tmp_path / "flat.tif", "-o", tmp_path / "out").stdout.splitlines()
        assert any(line.startswith("1 cluster, ") for line in lines)

    def test_a_grey_image_is_segmented(self, tmp_path, cell):
        tifffile.imwrite(tmp_path / "cell.tif", cell.astype(np.uint16) * 200)
        done = run("segment", tmp_path / "cell.tif", "-k", 3, "-o", tmp_path / "out")
        assert done.returncode == 0
        expected = segment(cell.astype(np.uint16) * 200, 3)
        out = tmp_path / "out"
        assert_array_equal(tifffile.imread(out / "cell_labels.tif"), expected.labels)
        assert_array_equal(tifffile.imread(out / "cell_segmented.tif"), expected.image)

    def test_every_option_reaches_the_segmentation(self, tmp_path, photo, coffee):
        done = run(
            *("segment", photo, "--n-clusters", 6, "--output", tmp_path / "out"),
            *("--init", "random", "--n-init", 2, "--seed", 7, "--tol", 0.01, "--max-iter", 40),
            *("--color-space", "lab", "--smoothing", 1.5, "--normalize", "--fit-scale", 50),
        )
        assert done.returncode == 0, done.stderr
        expected = segment(
            coffee,
            6,
            channel_axis=-1,
            init="random",
            n_init=2,
            seed=7,
            tol=0.01,
            max_iter=40,
            color_space="lab",
            smoothing=1.5,
            normalize=True,
            fit_scale=0.5,
        )
        labels = tmp_path / "out" / "coffee_labels.tif"
        assert_array_equal(tifffile.imread(labels), expected.labels)
        said = parameters(labels)
        assert said.pop("made_of")["input"] == hashlib.sha256(photo.read_bytes()).hexdigest()
        assert said == json.loads(json.dumps(expected.parameters))
        assert parameters(labels)["version"] == __version__

    def test_results_go_to_the_current_folder_by_default(self, tmp_path, photo):
        here = tmp_path / "here"
        here.mkdir()
        assert run("segment", photo, cwd=here).returncode == 0
        assert files(here) == ["coffee_clusters.csv", "coffee_labels.tif", "coffee_segmented.png"]

    def test_the_channel_axis_can_be_given(self, tmp_path, coffee):
        planes = np.ascontiguousarray(np.moveaxis(coffee, -1, 0))
        path = tmp_path / "planes.tif"
        tifffile.imwrite(path, planes, photometric="minisblack")
        for axis, expected in (
            (0, segment(planes, 3, channel_axis=0)),
            ("none", segment(planes, 3)),
            ("auto", segment(planes, 3)),
        ):
            out = tmp_path / str(axis)
            assert run("segment", path, "-k", 3, "--channel-axis", axis, "-o", out).returncode == 0
            assert_array_equal(tifffile.imread(out / "planes_labels.tif"), expected.labels)
            assert_array_equal(tifffile.imread(out / "planes_segmented.tif"), expected.image)

    def test_opacity_stays_opacity_however_its_axis_is_counted(self, tmp_path, coffee):
        path = tmp_path / "coffee.png"
        Image.fromarray(np.dstack([coffee, coffee[..., 1]])).save(path)
        expected = segment(np.asarray(Image.open(path)), 3, channel_axis=-1, alpha=True)
        for axis in ("auto", "2", "-1"):
            out = tmp_path / f"out{axis}"
            assert run("segment", path, "-k", 3, "--channel-axis", axis, "-o", out).returncode == 0
            assert_array_equal(tifffile.imread(out / "coffee_labels.tif"), expected.labels)
            assert pd.read_csv(out / "coffee_clusters.csv").shape == (3, 6)

    def test_colours_taken_as_values_give_labels_of_the_full_shape(self, tmp_path, photo, coffee):
        out = tmp_path / "out"
        assert run("segment", photo, "-k", 3, "--channel-axis", "none", "-o", out).returncode == 0
        expected = segment(coffee, 3, channel_axis=None)
        with tifffile.TiffFile(out / "coffee_labels.tif") as tiff:
            assert_array_equal(tiff.asarray(), expected.labels)
            assert tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISBLACK
        assert_array_equal(np.asarray(Image.open(out / "coffee_segmented.png")), expected.image)

    def test_what_is_left_out_is_told(self, tmp_path, cell):
        image = cell.astype(np.float32)
        image[:10] = np.nan
        tifffile.imwrite(tmp_path / "cell.tif", image)
        done = run("segment", tmp_path / "cell.tif", "-k", 2, "-o", tmp_path / "out")
        assert done.returncode == 0
        assert "cell.tif: warning: " in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not tifffile.imread(tmp_path / "out" / "cell_labels.tif")[:10].any()

    def test_quiet_prints_nothing(self, tmp_path, photo):
        done = run("segment", photo, "--quiet", "-o", tmp_path / "out")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    @POSIX
    def test_a_bar_moves_on_a_terminal(self, tmp_path, slow):
        import pty
        import termios

        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        process = subprocess.Popen(
            [*COMMAND, "segment", slow, "-k", "64", "--max-iter", "20", "-o", tmp_path / "out"],
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # how Linux says that the other side has closed
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0
        shares = {part.split(b"%|")[0][-3:] for part in shown.split(b"slow.tif: ")[1:]}
        assert len(shares) > 2, shown


class TestSeveralImages:
    def test_one_that_fails_does_not_stop_the_others(self, tmp_path, photo, cell):
        broken = tmp_path / "broken.png"
        broken.write_bytes(photo.read_bytes()[:5000])
        Image.fromarray(cell).save(tmp_path / "cell.png")
        out = tmp_path / "out"
        done = run(
            "segment", photo, broken, tmp_path / "missing.png", tmp_path / "cell.png", "-o", out
        )
        assert done.returncode == 1
        apart, first, second = done.stderr.splitlines()
        assert "each image has clusters of its own" in apart
        assert first.startswith(f"napari-kmeans-seg: {broken}: cannot be read as an image")
        assert second.endswith("missing.png: there is no such file")
        assert files(out) == [
            f"{stem}_{kind}"
            for stem in ("cell", "coffee")
            for kind in ("clusters.csv", "labels.tif", "segmented.png")
        ]

    def test_two_of_one_name_are_refused(self, tmp_path, photo, coffee):
        twin = tmp_path / "coffee.jpg"
        Image.fromarray(coffee).save(twin)
        done = run("segment", photo, twin, "-o", tmp_path / "out")
        assert done.returncode == 2
        assert str(photo) in done.stderr
        assert str(twin) in done.stderr
        assert not (tmp_path / "out").exists()


class TestPrinting:
    """That a result cannot be printed does not make it fail."""

    def test_characters_that_the_terminal_has_not(self, tmp_path, photo):
        path = tmp_path / "ü 漢.png"
        path.write_bytes(photo.read_bytes())
        done = subprocess.run(
            [*COMMAND, "segment", path, "-o", tmp_path / "out"],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": "ascii"},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"\\xfc \\u6f22.png" in done.stdout
        assert len(files(tmp_path / "out")) == 3

    @POSIX
    def test_a_file_name_gives_the_terminal_no_orders(self, tmp_path, photo):
        path = tmp_path / "red\x1b[31m\n.png"
        path.write_bytes(photo.read_bytes())
        missing = tmp_path / "none\x9b31m.png"
        done = run("segment", path, missing, "-o", tmp_path / "out")
        assert "red\\x1b[31m\\n.png" in done.stdout
        apart, no_file = done.stderr.splitlines()
        assert "each image has clusters of its own" in apart
        assert no_file.endswith("none\\x9b31m.png: there is no such file")
        assert "\x1b" not in done.stdout

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
    def test_a_full_disk_is_told_once_and_the_images_are_done(self, tmp_path, photo):
        (tmp_path / "b.png").write_bytes(photo.read_bytes())
        with Path("/dev/full").open("w") as full:
            done = printing_to(full, "segment", photo, tmp_path / "b.png", "-o", tmp_path / "out")
        assert done.returncode == 1
        apart, full_disk = done.stderr.splitlines()
        assert "each image has clusters of its own" in apart
        assert full_disk == "napari-kmeans-seg: nothing more is printed: No space left on device"
        assert len(files(tmp_path / "out")) == 6

    @POSIX
    def test_a_reader_that_has_gone_does_not_stop_the_work(self, tmp_path, photo):
        (tmp_path / "b.png").write_bytes(photo.read_bytes())
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            done = printing_to(pipe, "segment", photo, tmp_path / "b.png", "-o", tmp_path / "out")
        assert done.returncode == 0
        [apart] = done.stderr.splitlines()
        assert "each image has clusters of its own" in apart
        assert len(files(tmp_path / "out")) == 6


class TestStart:
    def test_version(self):
        done = run_from_nothing("--version")
        assert (done.returncode, done.stdout) == (0, f"napari-kmeans-seg {__version__}\n")

    def test_help_names_both_commands(self):
        done = run_from_nothing("--help")
        assert done.returncode == 0
        assert "segment" in done.stdout
        assert "demo" in done.stdout

    def test_help_and_a_mistyped_option_load_neither_numpy_nor_napari(self):
        script = (
            "import sys\n"
            "from napari_kmeans_seg.cli.app import main\n"
            "for arguments in (['--help'], ['segment', 'a.png', '-k', '0']):\n"
            "    sys.argv[1:] = arguments\n"
            "    try:\n"
            "        main()\n"
            "    except SystemExit:\n"
            "        pass\n"
            "print({'numpy', 'napari', 'tifffile', 'PIL'} & set(sys.modules))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "set()"
