"""LIF files, which bioio-lif reads: made by the format's description, for none can be shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_kmeans_seg import KMeansModel, segment
from napari_kmeans_seg.files.images import read_image
from napari_kmeans_seg.files.pixel_size import pixel_size

from .lif import write_lif
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path


def planes(*shape: int, dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    top = 200 if dtype == "uint8" else 4000
    return np.random.default_rng(seed).integers(0, top, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_lif_is_its_planes_with_names_and_sizes(tmp_path: Path, dtype: str) -> None:
    pixels = planes(3, 4, 30, 40, dtype=dtype)
    image = read_image(write_lif(tmp_path / "a.lif", {"one": pixels}))
    assert isinstance(image.pixels, da.Array)
    assert (image.tiff.axes, image.channel_axis, image.warnings) == ("CZYX", 0, ())
    np.testing.assert_array_equal(image.pixels.compute(), pixels)
    assert image.channel_names == ("Green", "Red", "Blue")
    quantity, size, unit = pixel_size(image)
    assert (quantity, unit) == ("volume", "µm³")
    assert size == pytest.approx(0.375)


def test_one_channel_and_one_plane_have_no_axes(tmp_path: Path) -> None:
    pixels = planes(1, 1, 30, 40)
    image = read_image(write_lif(tmp_path / "a.lif", {"one": pixels}))
    assert (image.tiff.axes, image.channel_axis) == ("YX", None)
    np.testing.assert_array_equal(image.pixels.compute(), pixels[0, 0])


def test_images_in_a_lif_are_series_in_the_shell(tmp_path: Path) -> None:
    first, second = planes(2, 1, 30, 40), planes(2, 1, 50, 60, seed=1)
    path = write_lif(tmp_path / "a.lif", {"one": first, "two": second})
    model, out = tmp_path / "m.json", tmp_path / "out"
    done = run("fit", path, "--series", 1, "-k", 3, "-o", model)
    assert done.returncode == 0, done.stderr
    expected = segment(second[:, 0], 3, channel_axis=0)
    fitted = KMeansModel.load(model)
    np.testing.assert_allclose(fitted.centroids, expected.centroids)
    assert fitted.channel_names == ("Green", "Red")
    done = run("apply", model, path, "--series", 1, "-o", out)
    assert done.returncode == 0, done.stderr
    labels = tifffile.imread(out / "a_labels.tif")
    np.testing.assert_array_equal(labels, fitted.predict(second[:, 0]).labels)
    table = pd.read_csv(out / "clusters.csv")
    np.testing.assert_allclose(table["area"], table["pixels"] * 0.125)
    assert {"mean_Green", "mean_Red"} <= set(table.columns)
    done = run("segment", path, "--series", 2, "-o", tmp_path / "none")
    assert done.returncode == 1
    assert "a.lif: has no series 2: it has 2, counted from 0" in done.stderr
    told = run("segment", path, "-k", 2, "-o", tmp_path / "first")
    assert "has 2 series; the first is read, --series takes another" in told.stderr


def test_a_lif_that_is_cut_off_is_told(tmp_path: Path) -> None:
    path = write_lif(tmp_path / "a.lif", {"one": planes(2, 3, 30, 40)})
    path.write_bytes(path.read_bytes()[:-100])
    done = run("segment", path, "-o", tmp_path / "out")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"napari-kmeans-seg: {path}: ")
    assert not (tmp_path / "out").exists()
