"""Many image files with one clustering, run as a person runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skimage.data
import tifffile

from napari_kmeans_seg import KMeansModel, segment

from .test_app import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def slides(tmp_path: Path) -> list[Path]:
    """Two parts of one tissue section, in two groups."""
    histology = skimage.data.immunohistochemistry()[::2, ::2]
    paths = [tmp_path / "control" / "a.tif", tmp_path / "treated" / "b.tif"]
    for path, part in zip(paths, (histology[:100], histology[100:]), strict=True):
        path.parent.mkdir()
        tifffile.imwrite(path, part, photometric="rgb")
    return paths


def labels_in(folder: Path) -> np.ndarray:
    return np.concatenate([tifffile.imread(folder / f"{name}_labels.tif") for name in "ab"])


def test_a_model_is_fitted_on_all_images_and_applied_to_each(
    tmp_path: Path, slides: list[Path]
) -> None:
    model, out = tmp_path / "model.json", tmp_path / "out"
    done = run("fit", *slides, "-k", 3, "--tol", 0, "-o", model)
    assert done.returncode == 0, done.stderr
    assert "KMeansModel(3 clusters of RGB uint8) saved to" in done.stderr
    done = run("apply", model, *slides, "-o", out)
    assert done.returncode == 0, done.stderr
    whole = segment(skimage.data.immunohistochemistry()[::2, ::2], 3, channel_axis=-1, tol=0)
    np.testing.assert_array_equal(labels_in(out), whole.labels)
    table = pd.read_csv(out / "clusters.csv")
    assert list(table.columns[:6]) == ["image", "group", "label", "name", "pixels", "percent"]
    assert table["group"].tolist() == ["control"] * 3 + ["treated"] * 3
    pixels = table.groupby("label")["pixels"].sum()
    assert pixels.tolist() == whole.counts.tolist()


@pytest.mark.parametrize("how", ["--together", "--model"])
def test_segment_does_both_at_once_or_takes_a_model(
    tmp_path: Path, slides: list[Path], how: str
) -> None:
    model, out = tmp_path / "model.json", tmp_path / "out"
    run("fit", *slides, "-k", 3, "-o", model, "-q")
    more = ["--together", "-k", 3] if how == "--together" else ["--model", model]
    done = run("segment", *slides, *more, "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    fit = KMeansModel.load(model)
    for path, name in zip(slides, "ab", strict=True):
        expected = fit.predict(tifffile.imread(path)).labels
        np.testing.assert_array_equal(tifffile.imread(out / f"{name}_labels.tif"), expected)
    assert len(pd.read_csv(out / "clusters.csv")) == 6


def test_names_that_a_model_has_stand_in_the_table(tmp_path: Path, slides: list[Path]) -> None:
    from dataclasses import replace

    model = segment(tifffile.imread(slides[0]), 2, channel_axis=-1).model
    replace(model, names={1: "brown, dark"}).save(tmp_path / "m.json")
    done = run("apply", tmp_path / "m.json", slides[0], "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out" / "clusters.csv", keep_default_na=False)
    assert table["name"].tolist() == ["brown, dark", ""]
    assert "brown, dark" in done.stdout


def test_clusters_that_were_merged_have_no_row(tmp_path: Path, slides: list[Path]) -> None:
    from dataclasses import replace

    from napari_kmeans_seg.core.edits import Relabel

    model = segment(tifffile.imread(slides[0]), 4, channel_axis=-1).model
    replace(model, edits=(Relabel((2, 3), (2, 2)),)).save(tmp_path / "m.json")
    done = run("apply", tmp_path / "m.json", slides[0], "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "nan" not in done.stdout
    assert "\n3 clusters, " in done.stdout
    table = pd.read_csv(tmp_path / "out" / "clusters.csv")
    assert table["label"].tolist() == [1, 2, 4]


def test_images_that_are_fitted_apart_are_told_so(tmp_path: Path, slides: list[Path]) -> None:
    done = run("segment", *slides, "-k", 2, "-o", tmp_path / "out")
    assert done.returncode == 0
    assert "label 2 of one is not label 2 of another" in done.stderr
    assert "label 2" not in run("segment", slides[0], "-o", tmp_path / "one").stderr


def test_an_image_of_another_kind_fails_and_the_rest_goes_on(
    tmp_path: Path, slides: list[Path]
) -> None:
    model, out = tmp_path / "m.json", tmp_path / "out"
    grey = tmp_path / "grey.tif"
    tifffile.imwrite(grey, skimage.data.camera())
    assert run("fit", slides[0], "-o", model).returncode == 0
    done = run("apply", model, grey, *slides, "-o", out)
    assert done.returncode == 1
    assert (
        "grey.tif: it is an image of one channel (grey); the model takes an image of 3"
        in done.stderr
    )
    assert set(pd.read_csv(out / "clusters.csv")["image"]) == {"a.tif", "b.tif"}


def test_what_cannot_be_done_is_refused_before_any_work(tmp_path: Path, slides: list[Path]) -> None:
    model = tmp_path / "m.json"
    assert run("fit", *slides, "-o", model).returncode == 0
    for arguments, message in (
        (("fit", *slides, "-o", model), "exists already; --overwrite replaces"),
        (("fit", *slides, "-o", slides[0], "--overwrite"), "is an input and would be overwritten"),
        (("fit", slides[0], slides[0], "-o", tmp_path / "n.json"), "is given twice"),
        (("apply", slides[0], *slides), "is no k-means model"),
        (("segment", *slides, "--together", "--smoothing", 2), "--together takes no --smoothing"),
        (("segment", *slides, "--together", "--model", model), "give one of them"),
    ):
        done = run(*arguments)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
    done = run("fit", slides[0], tmp_path / "none.tif", "-o", tmp_path / "n.json")
    assert (done.returncode, (tmp_path / "n.json").exists()) == (1, False)
    assert "images[1] (none.tif): there is no such file" in done.stderr


def test_channels_of_files_are_not_mixed_up(tmp_path: Path) -> None:
    planes = np.random.default_rng(3).integers(0, 200, (3, 24, 20), np.uint8)
    files = []
    for name, channels in (
        ("a", ["DAPI", "GFP", "RFP"]),
        ("swapped", ["GFP", "DAPI", "RFP"]),
        ("other", ["Hoechst", "GFP", "RFP"]),
    ):
        files.append(tmp_path / f"{name}.ome.tif")
        metadata = {"axes": "CYX", "Channel": {"Name": channels}}
        tifffile.imwrite(files[-1], planes, ome=True, metadata=metadata, photometric="minisblack")
    a, swapped, other = files
    model, out = tmp_path / "m.json", tmp_path / "out"
    done = run("fit", a, "-k", 2, "-o", model)
    assert done.returncode == 0, done.stderr
    assert KMeansModel.load(model).channel_names == ("DAPI", "GFP", "RFP")
    refused = run("apply", model, swapped, "-o", out)
    assert refused.returncode == 1
    assert "the model, DAPI, GFP, RFP; got GFP, DAPI, RFP" in refused.stderr
    told = run("apply", model, other, "-o", out)
    assert told.returncode == 0
    assert "called Hoechst, GFP, RFP; those of the model DAPI, GFP, RFP" in told.stderr
    pooled = run("segment", "--together", a, swapped, "-o", tmp_path / "together")
    assert pooled.returncode == 1
    assert "swapped.ome.tif" in pooled.stderr
    assert "DAPI, GFP, RFP; got GFP, DAPI, RFP" in pooled.stderr
    told = run("fit", a, other, "-o", tmp_path / "both.json")
    assert told.returncode == 0
    assert "warning: other.ome.tif: Its channels are called Hoechst, GFP, RFP" in told.stderr
