"""A mask for each image, by one rule: a pattern beside the images, or a folder of their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from napari_kmeans_seg import KMeansModel, pool

from .conftest import PARTS
from .shell import files, run

if TYPE_CHECKING:
    from pathlib import Path

SIDES = [np.zeros(part.shape[:2], bool) for part in PARTS]
SIDES[0][:, 30:] = True
SIDES[1][20:] = True


def labels(out: Path, name: str) -> np.ndarray:
    return tifffile.imread(out / f"{name}_labels.tif")


@pytest.fixture(params=["{stem}_mask.png", "masks/{stem}.png", "folder"])
def masks(request: pytest.FixtureRequest, tmp_path: Path, slides: list[Path]) -> str:
    """How the masks of two slides are asked for; they lie there."""
    for slide, side in zip(slides, SIDES, strict=True):
        pattern = "masks/{stem}.png" if request.param == "folder" else request.param
        path = tmp_path / pattern.format(stem=slide.stem)
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(side).save(path)
    return str(tmp_path / "masks") if request.param == "folder" else request.param


def test_each_image_has_its_own(tmp_path: Path, slides: list[Path], masks: str) -> None:
    expected = pool(PARTS, channel_axis=-1, masks=SIDES).fit(3)
    model, out = tmp_path / "m.json", tmp_path / "out"
    done = run("fit", *slides, "-k", 3, "--mask", masks, "-o", model)
    assert done.returncode == 0, done.stderr
    found = KMeansModel.load(model)
    np.testing.assert_array_equal(found.feature_centroids, expected.feature_centroids)
    together = ("segment", "--together", *slides, "-k", 3)
    for i, command in enumerate([together, ("apply", model, *slides)]):
        done = run(*command, "--mask", masks, "-o", out / str(i))
        assert done.returncode == 0, done.stderr
        for name, part, side in zip("ab", PARTS, SIDES, strict=True):
            expected_labels = expected.predict(part, mask=side).labels
            np.testing.assert_array_equal(labels(out / str(i), name), expected_labels)
    # A mask that limits the fit alone.
    assert run("apply", model, *slides, "-o", out / "all").returncode == 0
    assert (labels(out / "all", "a") > 0).all()
    curve = pool(PARTS, channel_axis=-1, masks=SIDES).choose_k(range(2, 5))
    done = run("choose-k", *slides, "-k", "2-4", "--mask", masks, "-q")
    assert (done.returncode, done.stdout) == (0, f"{curve.suggestion}\n")


def test_what_is_the_mask_of_another_image_is_no_image(tmp_path: Path, slides: list[Path]) -> None:
    for slide, side in zip(slides, SIDES, strict=True):
        tifffile.imwrite(slide.with_name(f"{slide.stem}_mask.tif"), side)
    out = tmp_path / "out"
    done = run("segment", tmp_path, "--mask", "{stem}_mask.tif", "-k", 2, "-o", out)
    assert done.returncode == 0, done.stderr
    assert {one.partition("_")[0] for one in files(out)} == {"a", "b"}
    assert files(out)[:3] == ["a_clusters.csv", "a_labels.tif", "a_segmented.tif"]


def test_a_missing_mask_is_an_error_of_its_image(
    tmp_path: Path, slides: list[Path], masks: str
) -> None:
    place = tmp_path / "masks" if masks.startswith(str(tmp_path)) else tmp_path
    missing = place / (masks.format(stem="b") if place == tmp_path else "b.png")
    missing.unlink()
    done = run("segment", "--together", *slides, "--mask", masks, "-o", tmp_path / "out", "-q")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"napari-kmeans-seg: {slides[1]}: --mask ")
    said = "called b.* here; it has none" if place != tmp_path else f"{missing}: there is no such"
    assert said in line
    assert set(pd.read_csv(tmp_path / "out" / "clusters.csv")["image"]) == {"a.tif"}
    if place != tmp_path:
        for ending in ("png", "tif"):
            tifffile.imwrite(place / f"b.{ending}", SIDES[1])
        done = run("segment", *slides, "--mask", masks, "-o", tmp_path / "two", "-q")
        assert done.returncode == 1
        assert "it has b.png, b.tif" in done.stderr


def test_masks_of_images_of_one_name_lie_as_their_results_do(tmp_path: Path) -> None:
    images = []
    for group, part, side in zip(("control", "treated"), PARTS, SIDES, strict=True):
        for folder, pixels in ((tmp_path, part), (tmp_path / "masks", side)):
            (folder / group).mkdir(parents=True)
            tifffile.imwrite(folder / group / "s.tif", pixels)
        images.append(tmp_path / group / "s.tif")
    out = tmp_path / "out"
    done = run("segment", *images, "-k", 2, "--mask", tmp_path / "masks", "-o", out)
    assert done.returncode == 0, done.stderr
    for group, side in zip(("control", "treated"), SIDES, strict=True):
        np.testing.assert_array_equal(labels(out / group, "s") > 0, side)


def test_a_run_with_another_mask_is_not_done(tmp_path: Path, slides: list[Path]) -> None:
    for slide, side in zip(slides, SIDES, strict=True):
        tifffile.imwrite(slide.with_name(f"{slide.stem}_mask.png"), side)
    command = ("segment", *slides, "-k", 2, "--mask", "{stem}_mask.png", "-o", tmp_path / "out")
    assert run(*command).returncode == 0
    assert "2 of 2 images were done already" in run(*command, "--resume").stderr
    tifffile.imwrite(tmp_path / "b_mask.png", ~SIDES[1])
    done = run(*command, "--resume", "--overwrite")
    assert "1 of 2 images were done already" in done.stderr
    np.testing.assert_array_equal(labels(tmp_path / "out", "b") > 0, ~SIDES[1])


def test_no_result_takes_the_place_of_a_mask(tmp_path: Path, slides: list[Path]) -> None:
    mask = tmp_path / "a_labels.tif"
    tifffile.imwrite(mask, SIDES[0])
    before = mask.read_bytes()
    done = run("segment", slides[0], "--mask", "{stem}_labels.tif", "-o", tmp_path, "--overwrite")
    assert done.returncode == 2
    assert f"{mask} is an input and would be overwritten" in done.stderr
    assert mask.read_bytes() == before


def test_several_values_of_no_data(tmp_path: Path) -> None:
    image = np.arange(100, dtype=np.int16).reshape(10, 10)
    image[0], image[-1] = -9999, 255
    tifffile.imwrite(tmp_path / "a.tif", image)
    tifffile.imwrite(tmp_path / "b.tif", image)
    for i, values in enumerate(("-9999,255", "-9999 255")):
        out = tmp_path / str(i)
        done = run("segment", tmp_path / "a.tif", "-k", 2, "--no-data", values, "-o", out)
        assert done.returncode == 0, done.stderr
        np.testing.assert_array_equal(labels(out, "a") == 0, (image == -9999) | (image == 255))
    done = run("segment", tmp_path / "a.tif", "--no-data", "0,x", "-o", tmp_path / "none")
    assert done.returncode == 2
    assert "got '0,x', takes a number, or several: 0,255" in done.stderr
