"""`demo`: with a screen and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from napari_kmeans_seg import segment

from .shell import files, run

NO_SCREEN = {
    key: value for key, value in os.environ.items() if key not in {"DISPLAY", "WAYLAND_DISPLAY"}
}

only_without_a_screen = pytest.mark.skipif(
    sys.platform != "linux", reason="macOS and Windows always have a screen"
)


class TestDemo:
    def test_without_a_screen_it_says_so_and_writes_the_pictures(self, tmp_path, coffee):
        done = run("demo", cwd=tmp_path, env=NO_SCREEN | {"QT_QPA_PLATFORM": "offscreen"})
        if sys.platform == "linux":
            assert "there is no screen (DISPLAY and WAYLAND_DISPLAY are not set)" in done.stdout
        folder = tmp_path / "napari-kmeans-seg-demo"
        names = ["coffee.png", "coffee_clusters.csv", "coffee_labels.tif", "coffee_segmented.png"]
        assert done.returncode == 0, done.stderr
        assert files(folder) == names
        assert all(f"{Path(folder.name) / name}" in done.stdout for name in names)
        assert_array_equal(np.asarray(Image.open(folder / "coffee.png")), coffee)
        expected = segment(coffee, 5, channel_axis=-1)
        assert_array_equal(tifffile.imread(folder / "coffee_labels.tif"), expected.labels)

    def test_its_own_folder_is_written_anew_and_no_other(self, tmp_path):
        for _ in range(2):
            assert run("demo", cwd=tmp_path, env=NO_SCREEN).returncode == 0
        other = tmp_path / "other"
        other.mkdir()
        (other / "coffee.png").write_text("mine")
        done = run("demo", "-o", other, env=NO_SCREEN)
        assert done.returncode == 2
        assert "there already; choose another folder with -o" in done.stderr
        assert files(other) == ["coffee.png"]

    @only_without_a_screen
    def test_a_screen_that_does_not_answer_is_no_screen(self, tmp_path):
        done = run("demo", cwd=tmp_path, env=NO_SCREEN | {"DISPLAY": ":54321"})
        assert done.returncode == 0
        assert "Qt cannot use the screen" in done.stdout
        assert len(files(tmp_path / "napari-kmeans-seg-demo")) == 4

    @only_without_a_screen
    def test_a_picture_of_the_window_needs_a_window(self, tmp_path):
        done = run("demo", "--screenshot", tmp_path / "window.png", env=NO_SCREEN)
        assert done.returncode == 1
        assert done.stderr == (
            "napari-kmeans-seg: no picture of the window: "
            "there is no screen (DISPLAY and WAYLAND_DISPLAY are not set)\n"
        )
        assert files(tmp_path) == []

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("mine.png", "there already; choose another name"),
            ("x.foo", "the name of a PNG file is needed"),
            ("nowhere/x.png", "there is no such folder"),
        ],
    )
    def test_a_picture_that_could_not_be_saved_is_refused_at_once(self, tmp_path, name, message):
        (tmp_path / "mine.png").write_text("mine")
        done = run("demo", "--screenshot", tmp_path / name)
        assert done.returncode == 2
        assert done.stderr == f"napari-kmeans-seg: --screenshot {tmp_path / name}: {message}\n"
        assert files(tmp_path) == ["mine.png"]
        assert (tmp_path / "mine.png").read_text() == "mine"

    def test_an_output_folder_that_is_a_file_is_refused(self, photo):
        done = run("demo", "-o", photo, env=NO_SCREEN)
        assert done.returncode == 2
        assert done.stderr == f"napari-kmeans-seg: -o {photo} is a file; a folder is needed\n"

    def test_with_a_screen_the_window_shows_the_result(self, tmp_path):
        # Warnings of napari's start are not this command's: no -W error.
        done = subprocess.run(
            [sys.executable, "-m", "napari_kmeans_seg.cli", "demo", "--screenshot", "window.png"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "Saved window.png\n"
        assert "Traceback" not in done.stderr
        with Image.open(tmp_path / "window.png") as picture:
            assert min(picture.size) > 400
            colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
        assert len(colours) > 50
        assert files(tmp_path) == ["window.png"]
