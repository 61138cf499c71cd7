"""A series in the shell: each step by itself or all by one clustering, and rows for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skimage.data
import tifffile

from napari_kmeans_seg import KMeansModel, segment, segment_steps

from ..files.ngff.stores import write_image
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path

CAMERA = skimage.data.camera()[::8, ::8]
# Bleached from step to step.
SERIES = np.stack([CAMERA, CAMERA // 2, CAMERA // 4 + 3])
TISSUE = skimage.data.immunohistochemistry()[::8, ::8]


@pytest.fixture
def hyperstack(tmp_path: Path) -> Path:
    """A time series as ImageJ saves it."""
    path = tmp_path / "s.tif"
    metadata = {"axes": "TYX", "finterval": 2.0, "unit": "um"}
    tifffile.imwrite(path, SERIES, imagej=True, resolution=(2, 2), metadata=metadata)
    return path


def labels(out: Path, name: str = "s") -> np.ndarray:
    return tifffile.imread(out / f"{name}_labels.tif")


@pytest.mark.parametrize("axis", ["T", "t", 0, -3])
def test_each_step_is_clustered_by_itself(tmp_path: Path, hyperstack: Path, axis: object) -> None:
    out = tmp_path / "out"
    done = run("segment", hyperstack, "-k", 3, "--step-axis", axis, "--smoothing", 1, "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    expected = segment_steps(SERIES, 3, smoothing=1, channel_axis=None)
    assert not np.array_equal(expected.labels, segment(SERIES, 3, channel_axis=None).labels)
    np.testing.assert_array_equal(labels(out), expected.labels)
    np.testing.assert_array_equal(tifffile.imread(out / "s_segmented.tif"), expected.image)
    with tifffile.TiffFile(out / "s_labels.tif") as tiff:
        assert tiff.series[0].axes == "TYX"
    table = pd.read_csv(out / "s_clusters.csv")
    assert list(table.columns) == ["step", "label", "pixels", "percent", "mean_intensity"]
    assert table["step"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    for number, step in enumerate(expected.steps):
        rows = table[table["step"] == number]
        assert rows["pixels"].tolist() == step.counts.tolist()
        np.testing.assert_array_equal(rows["mean_intensity"], step.centroids[:, 0])
        assert rows["percent"].sum() == pytest.approx(100)
    # What is printed is of all steps together.
    assert "3 clusters in 3 steps, " in done.stdout
    assert str(expected.counts[0]) in done.stdout


def test_colors_of_steps_are_those_of_their_labels(tmp_path: Path) -> None:
    path, out = tmp_path / "s.tif", tmp_path / "out"
    series = np.stack([TISSUE, TISSUE // 2 + 60])
    tifffile.imwrite(path, series, imagej=True, metadata={"axes": "TYXS"})
    every = ("--step-axis", "T", "--colors", "mean")
    assert run("segment", path, "-k", 3, *every, "-q", "-o", out).returncode == 0
    expected = segment_steps(series, 3, channel_axis=-1)
    np.testing.assert_array_equal(labels(out), expected.labels)
    table = pd.read_csv(out / "s_clusters.csv")
    means = ["#{:02x}{:02x}{:02x}".format(*row) for row in np.rint(expected.centroids).astype(int)]
    assert table["color"].tolist() == means * 2


def test_channels_may_lie_before_the_steps_or_after_them(tmp_path: Path) -> None:
    path, out = tmp_path / "s.ome.tif", tmp_path / "out"
    series = np.moveaxis(np.stack([TISSUE, TISSUE // 2 + 9]), -1, 0).copy()
    how = {"ome": True, "photometric": "minisblack"}
    tifffile.imwrite(path, series, **how, metadata={"axes": "CTYX"})
    assert run("segment", path, "-k", 3, "--step-axis", "T", "-q", "-o", out).returncode == 0
    expected = segment_steps(series, 3, channel_axis=0, step_axis=1)
    np.testing.assert_array_equal(labels(out), expected.labels)
    np.testing.assert_array_equal(tifffile.imread(out / "s_segmented.ome.tif"), expected.image)
    pixels = pd.read_csv(out / "s_clusters.csv")["pixels"].tolist()
    assert pixels == [n for step in expected.steps for n in step.counts]


@pytest.mark.parametrize("how", ["apply", "--together", "--model"])
def test_one_clustering_of_all_has_rows_for_each_step(
    tmp_path: Path, hyperstack: Path, how: str
) -> None:
    out, model = tmp_path / "out", tmp_path / "m.json"
    other = tmp_path / "o.tif"
    tifffile.imwrite(other, SERIES[:, ::2], imagej=True, metadata={"axes": "TYX"})
    assert run("fit", hyperstack, other, "-k", 3, "-q", "-o", model).returncode == 0
    command = {
        "apply": ("apply", model),
        "--together": ("segment", "--together", "-k", 3),
        "--model": ("segment", "--model", model),
    }[how]
    every = (*command, hyperstack, other, "--step-axis", "T", "--max", 250, "-o", out)
    done = run(*every)
    assert (done.returncode, done.stderr) == (0, "")
    if how == "--together":
        inside = SERIES <= 250
        fitted = KMeansModel.fit(
            [SERIES, SERIES[:, ::2]], 3, channel_axis=None, masks=[inside, inside[:, ::2]]
        )
    else:
        fitted = KMeansModel.load(model)
    np.testing.assert_array_equal(labels(out), fitted.predict(SERIES, mask=SERIES <= 250).labels)
    table = pd.read_csv(out / "clusters.csv")
    assert list(table.columns[:5]) == ["image", "group", "step", "label", "name"]
    assert table["area"].notna().tolist() == [True] * 9 + [False] * 9
    of_one = table[table["image"] == "s.tif"]
    np.testing.assert_allclose(of_one["area"], of_one["pixels"] * 0.25)
    for number, step in enumerate(SERIES):
        expected = fitted.predict(step[np.newaxis], mask=step[np.newaxis] <= 250)
        rows = of_one[of_one["step"] == number]
        assert rows["pixels"].tolist() == expected.counts.tolist()
        np.testing.assert_allclose(rows["mean_intensity"], expected.centroids[:, 0], rtol=1e-14)
    before = (out / "clusters.csv").read_bytes()
    assert "2 of 2 images were done already" in run(*every, "--resume").stderr
    assert (out / "clusters.csv").read_bytes() == before
    whole = [one for one in every if one not in ("--step-axis", "T")]
    assert "of another input, model or options" in run(*whole, "--resume").stderr


def test_steps_of_a_store_are_those_of_its_pixels(tmp_path: Path) -> None:
    cells = np.random.default_rng(2).integers(0, 900, (3, 2, 40, 30), np.uint16)
    axes = ("t", "c", "y", "x")
    image = write_image(tmp_path / "s.zarr", cells, axes=axes, chunks=(1, 1, 16, 16))
    model = segment(cells, 3, channel_axis=1).model
    model.save(tmp_path / "m.json")
    commands = {"apart": ("segment", "-k", 3), "model": ("apply", tmp_path / "m.json")}
    for how, command in commands.items():
        out = tmp_path / how
        done = run(*command, image, "--step-axis", "T", "-q", "-o", out)
        assert (done.returncode, done.stderr) == (0, "")
        expected = (
            segment_steps(cells, 3, channel_axis=1).steps
            if how == "apart"
            else [model.predict(one[np.newaxis]) for one in cells]
        )
        table = pd.read_csv(out / "s_clusters.csv")
        assert table["pixels"].tolist() == [n for step in expected for n in step.counts]
        means = np.concatenate([step.centroids for step in expected])
        np.testing.assert_allclose(table.iloc[:, -2:], means, rtol=1e-14)
        found = segment_labels(out / "s_segmented.zarr")
        np.testing.assert_array_equal(found, np.concatenate([step.labels for step in expected]))


def segment_labels(store: Path) -> np.ndarray:
    import zarr

    return zarr.open_array(store / "labels" / "kmeans" / "0", mode="r")[:]


def test_planes_of_a_stack_in_depth_have_areas(tmp_path: Path) -> None:
    path, out = tmp_path / "s.ome.tif", tmp_path / "out"
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2}
    tifffile.imwrite(path, SERIES, ome=True, metadata={"axes": "ZYX", **sizes})
    every = ("segment", path, "--together", "--step-axis", "Z", "-k", 2, "-q", "-o", out)
    assert run(*every).returncode == 0
    table = pd.read_csv(out / "clusters.csv")
    np.testing.assert_allclose(table["area"], table["pixels"] * 0.25)


def test_a_step_without_pixels_has_its_rows_and_is_told(tmp_path: Path, hyperstack: Path) -> None:
    series = SERIES.copy()
    series[1] = 0
    tifffile.imwrite(hyperstack, series, imagej=True, metadata={"axes": "TYX"})
    out = tmp_path / "out"
    done = run("segment", hyperstack, "-k", 2, "--no-data", 0, "--step-axis", "T", "-o", out)
    assert done.returncode == 0
    assert "s.tif: warning: " in done.stderr
    table = pd.read_csv(out / "s_clusters.csv")
    assert table["pixels"].tolist()[2:4] == [0, 0]
    assert table["mean_intensity"].isna().tolist() == [False, False, True, True, False, False]
    assert not labels(out)[1].any()


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ("Z", "--step-axis takes an axis of TYXS, as the file calls them, or its number; got Z"),
        ("S", "--step-axis takes another axis than the channels have; got S"),
        ("-1", "--step-axis takes another axis than the channels have; got -1"),
        ("4", "--step-axis takes an axis from -4 to 3; got 4"),
    ],
)
def test_an_image_without_these_steps_fails_and_the_rest_goes_on(
    tmp_path: Path, hyperstack: Path, axis: str, said: str
) -> None:
    other, out = tmp_path / "o.tif", tmp_path / "out"
    tifffile.imwrite(other, np.stack([TISSUE] * 2), imagej=True, metadata={"axes": "TYXS"})
    done = run("segment", other, hyperstack, "-k", 2, "-q", "--step-axis", axis, "-o", out)
    assert done.returncode == 1
    assert f"{other}: {said}" in done.stderr
    assert not (out / "o_labels.tif").exists()
    assert (out / "s_labels.tif").exists() == (axis == "-1")


def test_what_names_no_axis_is_refused_before_any_work(tmp_path: Path, hyperstack: Path) -> None:
    done = run("segment", hyperstack, "--step-axis", "time", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "got 'time', takes a letter by which files name an axis" in done.stderr
    assert not (tmp_path / "out").exists()
