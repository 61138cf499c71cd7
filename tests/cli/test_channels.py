"""Files that are channels of one image: put together by what their names differ in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from napari_kmeans_seg import KMeansModel, segment

from .conftest import PARTS
from .shell import files, run

if TYPE_CHECKING:
    from pathlib import Path

NAMED = ("--channels", "DAPI=_w1,GFP=_w2,RFP=_w12")
WORDS = ("_w1", "_w2", "_w12")
STACKS = [np.moveaxis(part, -1, 0).copy() for part in PARTS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, each of three files, and a picture that belongs to none."""
    found = tmp_path / "images"
    found.mkdir()
    for name, stack in zip(("s1", "s2"), STACKS, strict=True):
        for word, plane in zip(WORDS, stack, strict=True):
            tifffile.imwrite(
                found / f"{name}{word}.tif", plane, resolution=(100, 50),
                resolutionunit="CENTIMETER",
            )  # fmt: skip
    Image.new("L", (4, 4)).save(found / "overview.png")
    return found


def labels(out: Path, name: str) -> np.ndarray:
    return tifffile.imread(out / f"{name}_labels.tif")


def test_files_of_one_image_are_segmented_as_its_channels(tmp_path: Path, folder: Path) -> None:
    out = tmp_path / "out"
    done = run("segment", folder, *NAMED, "-k", 3, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "overview.png left out: none of _w1, _w2, _w12 stands in the name" in done.stderr
    for name, stack in zip(("s1", "s2"), STACKS, strict=True):
        expected = segment(stack, 3, channel_axis=0)
        np.testing.assert_array_equal(labels(out, name), expected.labels)
        with tifffile.TiffFile(out / f"{name}_segmented.tif") as tiff:
            np.testing.assert_array_equal(tiff.asarray(), expected.image)
            assert tiff.series[0].axes == "CYX"
        table = pd.read_csv(out / f"{name}_clusters.csv")
        assert list(table.columns[-3:]) == ["mean_DAPI", "mean_GFP", "mean_RFP"]
        np.testing.assert_allclose(table[list(table.columns[-3:])], expected.centroids)


def test_one_model_of_all_and_what_is_done_is_known(tmp_path: Path, folder: Path) -> None:
    model, out = tmp_path / "m.json", tmp_path / "out"
    done = run("fit", folder, *NAMED, "-k", 3, "-o", model, "-q")
    assert (done.returncode, done.stderr) == (0, "")
    fitted = KMeansModel.load(model)
    assert fitted.channel_names == ("DAPI", "GFP", "RFP")
    apply = ("apply", model, folder, *NAMED, "-o", out)
    assert run(*apply).returncode == 0
    for name, stack in zip(("s1", "s2"), STACKS, strict=True):
        np.testing.assert_array_equal(labels(out, name), fitted.predict(stack).labels)
    table = pd.read_csv(out / "clusters.csv")
    assert set(table["image"]) == {"s1.tif", "s2.tif"}
    assert set(table["group"]) == {"images"}
    np.testing.assert_allclose(table["area"], table["pixels"] * 0.0002)
    assert "2 of 2 images were done already" in run(*apply, "--resume").stderr
    tifffile.imwrite(folder / "s1_w2.tif", 255 - STACKS[0][1])
    assert "1 of 2 images were done" in run(*apply, "--resume", "--overwrite").stderr
    done = run("choose-k", folder, *NAMED, "-k", "2-4", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in {"2", "3", "4"}


def test_masks_are_those_of_the_whole_image(tmp_path: Path, folder: Path) -> None:
    inside = np.zeros(STACKS[0].shape[1:], bool)
    inside[10:] = True
    tifffile.imwrite(folder / "s1_mask.tif", inside)
    images = [folder / f"s1{word}.tif" for word in WORDS]
    done = run("segment", *images, *NAMED, "--mask", "{stem}_mask.tif", "-k", 2, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    expected = segment(STACKS[0], 2, channel_axis=0, mask=inside)
    np.testing.assert_array_equal(labels(tmp_path, "s1"), expected.labels)


def test_what_is_the_mask_of_an_image_is_not_said_to_be_left_out(
    tmp_path: Path, folder: Path
) -> None:
    for name, stack in zip(("s1", "s2"), STACKS, strict=True):
        tifffile.imwrite(folder / f"{name}_mask.tif", np.ones(stack.shape[1:], bool))
    masks = ("--mask", "{stem}_mask.tif")
    done = run("segment", folder, *NAMED, *masks, "-k", 2, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    [said] = [line for line in done.stderr.splitlines() if "left out" in line]
    assert f"{folder / 'overview.png'} left out" in said


@pytest.mark.parametrize("with_others", [False, True])
def test_a_file_that_is_not_there_is_not_said_to_be_no_channel(
    tmp_path: Path, folder: Path, with_others: bool
) -> None:
    given = [tmp_path / "none.tif", *([folder] if with_others else [])]
    done = run("segment", *given, *NAMED, "-k", 2, "-q", "-o", tmp_path / "out")
    assert done.returncode == 1
    said = f"napari-kmeans-seg: {tmp_path / 'none.tif'}: there is no such file"
    assert done.stderr.splitlines() == [said]
    assert (tmp_path / "out").exists() == with_others


def test_what_does_not_fit_together_is_an_error_of_its_image(tmp_path: Path, folder: Path) -> None:
    (folder / "s2_w2.tif").unlink()
    done = run("segment", folder, *NAMED, "-o", tmp_path / "out", "-q")
    assert done.returncode == 1
    assert done.stderr == (
        f"napari-kmeans-seg: {folder / 's2.tif'}: --channels finds no file of GFP, with _w2 in "
        "its name\n"
    )
    assert "s1_labels.tif" in files(tmp_path / "out")
    one = "s2_w1.tif has 68 x 128 pixels of uint8"
    for pixels, said in (
        (STACKS[1][1][:9], f"has 9 x 128 pixels of uint8; --channels takes files alike, and {one}"),
        (STACKS[1][1].astype(float), "has 68 x 128 pixels of float64; --channels takes"),
        (PARTS[1], "has 3 channels; --channels takes files of one channel each"),
    ):  # fmt: skip
        tifffile.imwrite(folder / "s2_w2.tif", pixels)
        done = run("fit", folder, *NAMED, "-o", tmp_path / "m.json", "-q", "--overwrite")
        assert done.returncode == 1
        assert done.stderr.startswith(f"napari-kmeans-seg: {folder / 's2.tif'}: ")
        assert f"{folder / 's2_w2.tif'}: {said}" in done.stderr
    Image.fromarray(STACKS[1][0]).save(folder / "s2_w1.png")
    done = run("segment", folder, *NAMED, "-o", tmp_path / "two", "-q")
    assert "s2.tif: --channels finds s2_w1.png and s2_w1.tif for DAPI" in done.stderr


def test_channels_of_a_folder_of_their_own_are_called_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "well"
    place.mkdir()
    for name, plane in zip(("DAPI", "GFP"), STACKS[0], strict=False):
        Image.fromarray(plane).save(place / f"{name}.png")
    done = run("segment", place, "--channels", "DAPI,GFP", "-k", 2, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "out") == [
        "well_clusters.csv", "well_labels.tif", "well_segmented.tif"
    ]  # fmt: skip
    expected = segment(STACKS[0][:2], 2, channel_axis=0)
    np.testing.assert_array_equal(labels(tmp_path / "out", "well"), expected.labels)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--channels", "DAPI=_w1"], "takes two or more, each with what only its files have"),
        (["--channels", "DAPI=_w1,dapi=_w2"], "takes two or more"),
        (["--channels", "a=,b=_w2"], "takes two or more"),
        (["--channels", "a=_x,b=_y"], "takes files that have one of _x, _y in their names"),
        ([*NAMED, "--channel-axis", 0], "--channels takes no --channel-axis"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, folder: Path, options: list, said: str
) -> None:
    done = run("segment", folder, *options, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
