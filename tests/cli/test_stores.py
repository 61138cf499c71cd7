"""OME-Zarr images on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaozarrs
import zarr

from napari_kmeans_seg import KMeansModel, segment

from ..files.ngff.stores import (
    VERSIONS,
    digests,
    write_array,
    write_group,
    write_image,
)
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", VERSIONS)


@both
def test_segment_writes_a_store_and_a_table(
    tmp_path: Path, cells: np.ndarray, version: str
) -> None:
    image = write_image(tmp_path / "a.ome.zarr", cells, version, names=("DAPI", "GFP", "RFP"))
    before = digests(image)
    done = run("segment", image, "-k", 3, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a_clusters.csv",
        "a_segmented.ome.zarr",
    ]
    assert digests(image) == before
    store = tmp_path / "out" / "a_segmented.ome.zarr"
    expected = segment(cells, 3, channel_axis=0)
    labels = zarr.open_array(store / "labels" / "kmeans" / "0", mode="r")
    np.testing.assert_array_equal(labels[:], expected.labels)
    np.testing.assert_array_equal(zarr.open_array(store / "0", mode="r")[:], expected.image)
    yaozarrs.validate_zarr_store(store)
    table = pd.read_csv(tmp_path / "out" / "a_clusters.csv")
    assert table["pixels"].tolist() == expected.counts.tolist()
    assert list(table.columns[3:]) == ["mean_DAPI", "mean_GFP", "mean_RFP"]


def test_stores_are_found_in_folders_and_what_is_no_image_is_not(
    tmp_path: Path, cells: np.ndarray
) -> None:
    folder = tmp_path / "day"
    write_image(folder / "a.zarr", cells)
    write_image(folder / "deep" / "b.zarr", cells)
    write_array(folder / "plain.zarr", cells, "0.5")
    # As some programs leave it anywhere.
    write_group(folder, "0.5", {})
    (folder / "zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}})
    )
    done = run("fit", folder, "-r", "-k", 2, "-o", tmp_path / "m.json")
    assert done.returncode == 0, done.stderr
    model = KMeansModel.load(tmp_path / "m.json")
    assert model.parameters["n_images"] == 2
    done = run("segment", folder / "*.zarr", "-k", 2, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "plain.zarr: is an array of Zarr without OME-Zarr metadata" in done.stderr
    assert (tmp_path / "out" / "a_segmented.zarr").is_dir()


@both
def test_a_series_is_all_its_images(tmp_path: Path, cells: np.ndarray, version: str) -> None:
    store = write_group(tmp_path / "slides.zarr", version, {"bioformats2raw.layout": 3})
    for i in range(2):
        write_image(store / str(i), cells + i, version)
    done = run("segment", store, "--together", "-k", 2, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "clusters.csv")
    assert table["image"].unique().tolist() == ["slides.zarr/0", "slides.zarr/1"]
    assert (tmp_path / "out" / "slides_1_segmented.zarr").is_dir()


def test_results_are_never_written_into_a_store_that_is_read(
    tmp_path: Path, cells: np.ndarray
) -> None:
    image = write_image(tmp_path / "a.zarr", cells)
    before = digests(image)
    done = run("segment", image, "-o", image / "out")
    assert done.returncode == 2
    assert "is in the store" in done.stderr
    assert digests(image) == before


def test_a_store_that_is_there_is_replaced_only_when_asked(
    tmp_path: Path, cells: np.ndarray
) -> None:
    image = write_image(tmp_path / "a.zarr", cells)
    out = tmp_path / "out"
    assert run("segment", image, "-k", 3, "-o", out).returncode == 0
    before = digests(out)
    done = run("segment", image, "-k", 2, "-o", out)
    assert (done.returncode, digests(out)) == (2, before)
    assert "a_segmented.zarr" in done.stderr
    assert run("segment", image, "-k", 2, "-o", out, "--overwrite").returncode == 0
    labels = zarr.open_array(out / "a_segmented.zarr" / "labels" / "kmeans" / "0", mode="r")[:]
    assert labels.max() == 2
    assert sorted(path.name for path in out.iterdir()) == ["a_clusters.csv", "a_segmented.zarr"]


@both
def test_what_a_person_leaves_out_is_label_0(
    tmp_path: Path, cells: np.ndarray, version: str
) -> None:
    image = write_image(tmp_path / "a.zarr", cells, version)
    inside = np.zeros((70, 70), np.uint8)
    inside[10:60] = 1
    mask = write_image(tmp_path / "mask.zarr", inside, version, "yx")
    out, low = tmp_path / "out", int(np.percentile(cells.min(axis=0), 30))
    done = run("segment", image, "-k", 2, "--min", low, "--mask", mask, "-o", out)
    assert done.returncode == 0, done.stderr
    kept = (inside > 0) & (cells >= low).all(axis=0)
    expected = segment(cells, 2, channel_axis=0, mask=kept)
    labels = zarr.open_array(out / "a_segmented.zarr" / "labels" / "kmeans" / "0", mode="r")[:]
    np.testing.assert_array_equal(labels, expected.labels)
    assert (labels == 0).any()


def test_one_store_that_is_no_image_or_too_large_leaves_the_others(
    tmp_path: Path, cells: np.ndarray
) -> None:
    good = write_image(tmp_path / "good.zarr", cells)
    nothing = write_group(tmp_path / "nothing.zarr", "0.5", {})
    large = write_image(tmp_path / "large.zarr", np.zeros((3, 300, 300), cells.dtype))
    model = tmp_path / "model.json"
    stores, limit = (good, nothing, large), ("--max-pixels", 80_000)
    done = run("fit", *stores, "-k", 2, *limit, "-o", model)
    assert done.returncode == 1
    assert KMeansModel.load(model).parameters["n_images"] == 1
    applied = run("apply", model, *stores, *limit, "-o", tmp_path / "out")
    assert applied.returncode == 1
    for told in (done.stderr, applied.stderr):
        assert "nothing.zarr: is a group of Zarr without multiscales" in told
        assert "large.zarr: has 90,000 pixels or more, and 80,000 are read" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "clusters.csv", "good_clusters.csv", "good_segmented.zarr",
    ]  # fmt: skip


@both
def test_an_image_of_other_channels_is_told_and_left_out(
    tmp_path: Path, cells: np.ndarray, version: str
) -> None:
    image = write_image(tmp_path / "a.zarr", cells, version)
    two = write_image(tmp_path / "two.zarr", cells[:2], version)
    model = tmp_path / "model.json"
    assert run("fit", image, "-k", 2, "-q", "-o", model).returncode == 0
    done = run("apply", model, image, two, "-q", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert (
        "two.zarr: image takes 3 channel(s) along axis -3, as the model was fitted on; got 2"
        in done.stderr
    )
    assert (tmp_path / "out" / "a_segmented.zarr").is_dir()
    assert not (tmp_path / "out" / "two_segmented.zarr").exists()
