"""What the dock offers stands in the shell, too: for one image, and for a fit of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skimage.data
import tifffile

from napari_kmeans_seg import KMeansModel, pool, prepare, segment
from napari_kmeans_seg.files.results import read_note

from .conftest import PARTS
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path


def labels(out: Path, name: str) -> np.ndarray:
    return tifffile.imread(out / f"{name}_labels.tif")


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["--channel-weights", "1,2,0.5"], {"channel_weights": [1, 2, 0.5]}),
        (["--channel-weights", "green=2,2=0.5"], {"channel_weights": [1, 2, 0.5]}),
        (["--spatial-weight", 0.5], {"spatial_weight": 0.5}),
    ],
)
def test_weights_of_channels_and_position(
    tmp_path: Path, slides: list[Path], options: list, arguments: dict
) -> None:
    done = run("segment", slides[0], "-k", 3, *options, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    expected = segment(PARTS[0], 3, channel_axis=-1, **arguments)
    np.testing.assert_array_equal(labels(tmp_path / "out", "a"), expected.labels)
    assert (expected.labels != segment(PARTS[0], 3, channel_axis=-1).labels).any()


def test_names_of_channels_weigh_them(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    planes = np.moveaxis(PARTS[0], -1, 0).copy()
    metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP", "RFP"]}}
    tifffile.imwrite(path, planes, ome=True, metadata=metadata, photometric="minisblack")
    out, model = tmp_path / "out", tmp_path / "m.json"
    weights = ("--channel-weights", "gfp=0,RFP=2")
    assert run("segment", path, "-k", 3, *weights, "-o", out).returncode == 0
    expected = segment(planes, 3, channel_axis=0, channel_weights=[1, 0, 2])
    np.testing.assert_array_equal(labels(out, "a"), expected.labels)
    assert run("fit", path, "-k", 3, *weights, "-o", model).returncode == 0
    fitted = KMeansModel.load(model)
    np.testing.assert_array_equal(fitted.feature_centroids, expected.model.feature_centroids)
    done = run("fit", path, "--channel-weights", "Cy5=2", "-o", model, "--overwrite")
    assert done.returncode == 1
    assert "from 0 to 2, or DAPI, GFP, RFP; got 'Cy5'" in done.stderr


def test_a_fit_of_many_takes_what_a_fit_of_one_does(tmp_path: Path, slides: list[Path]) -> None:
    mask = np.zeros(PARTS[0].shape[:2], bool)
    mask[:, 30:] = True
    tifffile.imwrite(tmp_path / "mask.tif", mask.astype(np.uint8))
    tifffile.imwrite(slides[1], PARTS[1][:60], photometric="rgb")
    options = ["--smoothing", 1, "--channel-weights", "1,2,1", "--mask", tmp_path / "mask.tif",
               "--max", 230]  # fmt: skip
    inside = [mask & (part <= 230).all(-1) for part in (PARTS[0], PARTS[1][:60])]
    expected = pool(
        [PARTS[0], PARTS[1][:60]], channel_axis=-1, smoothing=1, channel_weights=[1, 2, 1],
        masks=inside,
    ).fit(3)  # fmt: skip
    model, out = tmp_path / "m.json", tmp_path / "out"
    done = run("fit", *slides, "-k", 3, *options, "-o", model)
    assert done.returncode == 0, done.stderr
    found = KMeansModel.load(model)
    np.testing.assert_array_equal(found.feature_centroids, expected.feature_centroids)
    done = run("segment", "--together", *slides, "-k", 3, *options, "-o", out)
    assert done.returncode == 0, done.stderr
    for name, image, where in zip("ab", (PARTS[0], PARTS[1][:60]), inside, strict=True):
        seg = expected.predict(image, mask=where)
        np.testing.assert_array_equal(labels(out, name), seg.labels)
    axis = ("--channel-axis", "none")
    assert run("fit", *slides, "-k", 2, *axis, "-o", tmp_path / "none.json").returncode == 0
    assert KMeansModel.load(tmp_path / "none.json").kind == "grey"


def test_what_is_of_one_image_is_refused_for_all_together(
    tmp_path: Path, slides: list[Path]
) -> None:
    for option in (("--spatial-weight", 1), ("--fit-scale", 50)):
        done = run("segment", "--together", *slides, *option, "-o", tmp_path / "out")
        assert done.returncode == 2
        assert f"--together takes no {option[0]}: it is of one image" in done.stderr


PURE = [[255, 0, 0], [0, 0, 255], [0, 0, 0]]


@pytest.mark.parametrize("kind", ["plain", "ome", "imagej"])
def test_colors_stand_in_labels_and_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    how = {} if kind == "plain" else {kind: True}
    tifffile.imwrite(path, skimage.data.camera()[::8, ::8], **how)
    out = tmp_path / "out"
    done = run("segment", path, "-k", 3, "--colors", "red,#00f,black", "-o", out)
    assert done.returncode == 0, done.stderr
    with tifffile.TiffFile(out / "a_labels.tif") as tiff:
        np.testing.assert_array_equal(np.unique(tiff.asarray()), [1, 2, 3])
        shown = tiff.imagej_metadata["LUTs"] if kind == "imagej" else tiff.pages.first.colormap >> 8
    np.testing.assert_array_equal(np.asarray(shown)[:, 1:4].T, PURE)
    table = pd.read_csv(out / "a_clusters.csv")
    assert table["color"].tolist() == ["#ff0000", "#0000ff", "#000000"]


def test_the_colors_of_a_model_are_those_of_all_its_images(
    tmp_path: Path, slides: list[Path]
) -> None:
    model, out = tmp_path / "m.json", tmp_path / "out"
    assert run("fit", *slides, "-k", 3, "--colors", "distinct", "-o", model).returncode == 0
    colors = list(KMeansModel.load(model).colors.values())
    assert colors == ["#4477aa", "#ee6677", "#bbcc33"]
    assert run("apply", model, *slides, "-q", "-o", out).returncode == 0
    table = pd.read_csv(out / "clusters.csv")
    assert list(table.columns[:5]) == ["image", "group", "label", "name", "color"]
    assert table["color"].tolist() == colors * 2
    again = ("apply", model, *slides, "--resume", "-o", out)
    assert "2 of 2 images were done already" in run(*again).stderr
    other = ("--colors", "mean", "--overwrite")
    done = run(*again, *other)
    assert done.returncode == 0, done.stderr
    means = pd.read_csv(out / "clusters.csv")["color"].tolist()
    fit = KMeansModel.load(model)
    assert means[:3] == ["#{:02x}{:02x}{:02x}".format(*row) for row in
                         np.rint(fit.centroids).astype(int)]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--colors", "red"), "--colors takes one for each of the 3 clusters; got 1"),
        (("--colors", "reddish"), "takes mean, distinct or colours such as red,#4477aa"),
        (("--channel-weights", "a=b"), "takes a number for each channel, 1,1,0.5"),
        (("--channel-weights", "1,red=2"), "takes a number for each channel, 1,1,0.5"),
        (("--spatial-weight", "-1"), "takes"),
    ],
)
def test_what_is_mistyped_is_told_before_any_work(
    tmp_path: Path, slides: list[Path], option: tuple[str, str], said: str
) -> None:
    done = run("segment", slides[0], "-k", 3, *option, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_start_of_ones_own_is_typed_or_read_and_orders_the_labels(
    tmp_path: Path, slides: list[Path]
) -> None:
    start = [[200.0, 190, 200], [90, 60, 50], [150, 120, 130]]
    prepared = prepare(PARTS[0], channel_axis=-1)
    expected = prepared.segment(3, init=start, keep_order=True)
    typed = ";".join(",".join(map(str, row)) for row in start)
    plain, means = tmp_path / "plain.csv", tmp_path / "means.csv"
    plain.write_text("\n".join(",".join(map(str, row)) for row in start))
    columns = ["mean_red", "mean_green", "mean_blue"]
    table = pd.DataFrame(start, columns=columns)
    table.insert(0, "label", [1, 2, 3])
    table.to_csv(means, index=False)
    for i, given in enumerate((typed, plain, means)):
        done = run("segment", slides[0], "--init", given, "-o", tmp_path / str(i))
        assert done.returncode == 0, done.stderr
        np.testing.assert_array_equal(labels(tmp_path / str(i), "a"), expected.labels)
    assert (expected.labels != segment(PARTS[0], 3, channel_axis=-1).labels).any()
    model = tmp_path / "m.json"
    assert run("fit", *slides, "--init", means, "-o", model).returncode == 0
    pooled = pool(PARTS, channel_axis=-1).fit(3, init=start, keep_order=True)
    found = KMeansModel.load(model)
    np.testing.assert_array_equal(found.feature_centroids, pooled.feature_centroids)
    assert found.centroids[0].sum() > found.centroids[1].sum()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--init", "1,2;3"], "takes one of 'auto'"),
        (["--init", "nowhere.csv"], "nowhere.csv cannot be read: No such file"),
        (["--init", "1;2;3", "-k", 4], "--init takes a row for each of the 4 clusters; got 3"),
        (["--init", "1;2;3", "--step-axis", "T"], "--step-axis takes no --init of values"),
        (["--specks", -1], "takes an integer of at least 0"),
    ],
)
def test_a_start_that_cannot_be_is_refused(
    tmp_path: Path, slides: list[Path], options: list, said: str
) -> None:
    done = run("segment", slides[0], *options, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert said in done.stderr
    done = run("segment", slides[0], "--init", "1;2;3", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "init takes" in done.stderr


def test_specks_go_to_what_is_around_them(tmp_path: Path, slides: list[Path]) -> None:
    from napari_kmeans_seg.layers import CleanUp

    model, out = tmp_path / "m.json", tmp_path / "out"
    assert run("fit", *slides, "-k", 3, "-o", model).returncode == 0
    apply = ("apply", model, *slides, "--specks", 20, "-o", out)
    done = run(*apply)
    assert done.returncode == 0, done.stderr
    for name, part in zip("ab", PARTS, strict=True):
        seg = KMeansModel.load(model).predict(part)
        expected = CleanUp(specks=20).without_specks(seg)
        assert (expected.labels != seg.labels).any()
        np.testing.assert_array_equal(labels(out, name), expected.labels)
        table = pd.read_csv(out / f"{name}_clusters.csv")
        assert table["pixels"].tolist() == expected.counts.tolist()
    assert read_note(out / "a_labels.tif")["specks"] == 20
    assert "2 of 2 images were done already" in run(*apply, "--resume").stderr
    other = ("apply", model, *slides, "-o", out, "--resume", "--overwrite")
    assert "done already" not in run(*other).stderr
