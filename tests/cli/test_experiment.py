"""Many image files with one clustering, run as a person runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skimage.data
import tifffile

from napari_kmeans_seg import KMeansModel, segment

from .shell import run, run_from_nothing

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
    done = run_from_nothing("fit", *slides, "-k", 3, "--tol", 0, "-o", model)
    assert done.returncode == 0, done.stderr
    assert "KMeansModel(3 clusters of RGB uint8) saved to" in done.stderr
    done = run_from_nothing("apply", model, *slides, "-o", out)
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


@pytest.mark.parametrize(
    "option", [("-k", 7), ("--smoothing", 3), ("--seed", 1), ("--n-init", 2), ("--init", "random")]
)
def test_a_model_takes_no_options_of_a_fit(
    tmp_path: Path, slides: list[Path], option: tuple[str, object]
) -> None:
    segment(tifffile.imread(slides[0]), 2, channel_axis=-1).model.save(tmp_path / "m.json")
    done = run("segment", *slides, "--model", tmp_path / "m.json", *option, "-o", tmp_path / "o")
    assert done.returncode == 2
    name = "--n-clusters" if option[0] == "-k" else option[0]
    assert f"--model takes no {name}: the model was fitted by its own" in done.stderr
    assert not (tmp_path / "o").exists()


def test_warnings_speak_of_options_not_of_arguments(tmp_path: Path, slides: list[Path]) -> None:
    image = tifffile.imread(slides[0])
    segment(image, 2, channel_axis=-1).model.save(tmp_path / "m.json")
    tifffile.imwrite(tmp_path / "wide.tif", image.astype(np.uint16) * 257, photometric="rgb")
    done = run("apply", tmp_path / "m.json", tmp_path / "wide.tif", "-o", tmp_path / "o")
    assert "--rescale brings them to its scale" in done.stderr


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

    from napari_kmeans_seg.core.model_parts.edits import Relabel

    model = segment(tifffile.imread(slides[0]), 4, channel_axis=-1).model
    replace(model, edits=(Relabel((2, 3), (2, 2)),)).save(tmp_path / "m.json")
    done = run("apply", tmp_path / "m.json", slides[0], "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "nan" not in done.stdout
    # By a model nothing is iterated, and its inertia is no measure of anything.
    assert "\n3 clusters\n" in done.stdout
    assert "inertia" not in done.stdout
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
    out, future = tmp_path / "out", tmp_path / "future.json"
    future.write_text(json.dumps(json.loads(model.read_text()) | {"schema": 99}))
    around = slides[0].parent / ".." / "control" / "a.tif"
    same = slides[0].with_name("a.tiff")
    same.write_bytes(slides[1].read_bytes())
    for arguments, message in (
        (("fit", *slides, "-o", model), "exists already; --overwrite replaces"),
        (("fit", *slides, "-o", slides[0], "--overwrite"), "is an input and would be overwritten"),
        (("fit", slides[0], slides[0], "-o", tmp_path / "n.json"), "is given twice"),
        (("apply", model, slides[0], around, "-o", out), "a.tif is given twice, also as"),
        (("apply", slides[0], *slides), "is no k-means model"),
        (("apply", future, *slides, "-o", out), "A newer napari-kmeans-seg may read it"),
        (("apply", model, slides[0], same, "-o", out), "would both write"),
        (("apply", model, "-o", out), "no images: name files, folders or patterns"),
        (("segment", *slides, "--together", "--fit-scale", 50), "--together takes no --fit-scale"),
        (("segment", *slides, "--together", "--model", model), "give one of them"),
        (("segment", *slides, "--group-by", "x"), "--group-by is for clusters.csv"),
        (("apply", model, *slides, "--group-by", "(x", "-o", out), "takes a regular expression"),
        (("apply", model, *slides, "--group-by", "control", "-o", out), "finds nothing in"),
    ):
        done = run(*arguments)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert not out.exists()


def test_what_cannot_be_read_or_is_of_another_kind_is_left_out_of_the_fit(
    tmp_path: Path, slides: list[Path]
) -> None:
    broken, deep, none = (tmp_path / f"{name}.tif" for name in ("broken", "deep", "none"))
    broken.write_bytes(b"II*")
    tifffile.imwrite(deep, tifffile.imread(slides[0]).astype(np.uint16), photometric="rgb")
    images = [broken, slides[0], deep, none, slides[1]]
    done = run("fit", *images, "-k", 3, "-o", tmp_path / "some.json")
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if "saved" not in line]
    assert [line.partition(": ")[2].partition(": ")[0] for line in told] == [
        str(path) for path in (broken, deep, none)
    ]
    assert "takes the dtype of the first image, uint8; got uint16" in told[1]
    assert run("fit", *slides, "-k", 3, "-o", tmp_path / "both.json").returncode == 0
    assert (tmp_path / "some.json").read_bytes() == (tmp_path / "both.json").read_bytes()
    done = run("segment", *images, "--together", "-k", 3, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 3
    assert set(pd.read_csv(tmp_path / "out" / "clusters.csv")["image"]) == {"a.tif", "b.tif"}
    done = run("fit", none, broken, "-o", tmp_path / "no.json")
    assert (done.returncode, (tmp_path / "no.json").exists()) == (1, False)
    assert "no image is left to fit" in done.stderr


def test_groups_are_found_in_the_paths(tmp_path: Path, slides: list[Path]) -> None:
    groups = {r"/(\w)\w+/\w\.tif$": ["c", "t"], r"[ab]\.tif$": ["a.tif", "b.tif"]}
    for i, (pattern, expected) in enumerate(groups.items()):
        out = tmp_path / str(i)
        together = ("segment", *slides, "--together", "-k", 2, "-q", "-o", out)
        assert run(*together, "--group-by", pattern).returncode == 0
        assert pd.read_csv(out / "clusters.csv")["group"].drop_duplicates().tolist() == expected


def test_texts_in_the_table_are_no_formulas(tmp_path: Path, slides: list[Path]) -> None:
    path = slides[0].rename(slides[0].with_name("=1+1.tif"))
    out = tmp_path / "out"
    assert run("segment", path, "--together", "-q", "-o", out).returncode == 0
    assert pd.read_csv(out / "clusters.csv")["image"][0] == "'=1+1.tif"


MICRONS = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}


@pytest.mark.parametrize(
    ("name", "how", "size"),
    [
        ("a.ome.tif", {"ome": True, "metadata": {"axes": "YX", **MICRONS}}, (0.125, "µm²")),
        (
            "a.tif",
            {"imagej": True, "resolution": (2, 4), "metadata": {"axes": "YX", "unit": "um"}},
            (0.125, "µm²"),
        ),
        ("a.tif", {"resolution": (100, 50), "resolutionunit": "CENTIMETER"}, (0.0002, "cm²")),
        # The inches of a print.
        ("a.tif", {"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ("a.tif", {}, None),
    ],
)
def test_clusters_have_an_area_where_the_file_has_a_pixel_size(
    tmp_path: Path, name: str, how: dict, size: tuple[float, str] | None
) -> None:
    image, out = tmp_path / name, tmp_path / "out"
    tifffile.imwrite(image, skimage.data.camera()[::8, ::8], **how)
    together = ("segment", image, "--together", "-k", 2, "-q", "-o", out)
    assert run(*together).returncode == 0
    table = pd.read_csv(out / "clusters.csv")
    assert (size is not None) == ("area" in table) == ("unit" in table)
    if size is not None:
        np.testing.assert_allclose(table["area"], table["pixels"] * size[0], rtol=1e-12)
        assert set(table["unit"]) == {size[1]}
    before = (out / "clusters.csv").read_bytes()
    assert run(*together, "--resume").returncode == 0
    assert (out / "clusters.csv").read_bytes() == before


def test_a_stack_in_depth_has_volumes(tmp_path: Path) -> None:
    image, out = tmp_path / "a.ome.tif", tmp_path / "out"
    stack = np.stack([skimage.data.camera()[::8, ::8]] * 3)
    sizes = MICRONS | {"PhysicalSizeZ": 2}
    tifffile.imwrite(image, stack, ome=True, metadata={"axes": "ZYX", **sizes})
    assert run("segment", image, "--together", "-k", 2, "-q", "-o", out).returncode == 0
    table = pd.read_csv(out / "clusters.csv")
    np.testing.assert_allclose(table["volume"], table["pixels"] * 0.25)
    assert set(table["unit"]) == {"µm³"}


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


def test_a_model_that_has_no_folder_is_refused_before_anything_is_read(
    tmp_path: Path, slides: list[Path]
) -> None:
    for place in (tmp_path / "none" / "model.json", slides[0] / "model.json"):
        done = run("fit", *slides, "-o", place)
        assert done.returncode == 2
        assert f"-o {place}: there is no folder {place.parent}; make it first" in done.stderr
