"""Images of one name in several folders: each has its results, and its rows, to itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skimage.data
import tifffile

from napari_kmeans_seg import KMeansModel, segment

from ..files.ngff.stores import digests, write_image, write_plate
from .shell import run

if TYPE_CHECKING:
    from pathlib import Path

TISSUE = skimage.data.immunohistochemistry()[::4, ::4]


def images(home: Path, *names: str) -> list[Path]:
    """Write a part of a tissue section of its own to each place below a folder."""
    for i, name in enumerate(names):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(home / name, TISSUE[16 * i : 16 * i + 32], photometric="rgb")
    return [home / name for name in names]


def below(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def three_of(place: str) -> list[str]:
    return [f"{place}_{kind}" for kind in ("clusters.csv", "labels.tif", "segmented.tif")]


def labels(out: Path, place: str) -> np.ndarray:
    return tifffile.imread(out / f"{place}_labels.tif")


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    home = tmp_path / "exp"
    images(home, "control/s0.tif", "control/s1.tif", "treated/s0.tif", "treated/s1.tif")
    return home


PLACES = ["control/s0", "control/s1", "treated/s0", "treated/s1"]


@pytest.mark.parametrize("how", ["apply", "--together", "--model", "--jobs"])
def test_two_folders_of_the_same_names_are_one_experiment(
    tmp_path: Path, experiment: Path, how: str
) -> None:
    folders, out, model = (
        (experiment / "control", experiment / "treated"),
        tmp_path / "out",
        tmp_path / "m.json",
    )
    assert run("fit", *folders, "-k", 3, "-q", "-o", model).returncode == 0
    command = {
        "apply": ("apply", model),
        "--together": ("segment", "--together", "-k", 3),
        "--model": ("segment", "--model", model),
        "--jobs": ("apply", model, "--jobs", 2),
    }[how]
    done = run(*command, *folders, "-o", out)
    assert done.returncode == 0, done.stderr
    assert f"results go into folders in {out}, named as their own" in done.stderr
    assert below(out) == ["clusters.csv", *(file for place in PLACES for file in three_of(place))]
    fitted = KMeansModel.load(model)
    for place in PLACES:
        expected = fitted.predict(tifffile.imread(experiment / f"{place}.tif"))
        np.testing.assert_array_equal(labels(out, place), expected.labels)
    table = pd.read_csv(out / "clusters.csv")
    assert table["image"].drop_duplicates().tolist() == [f"{one}.tif" for one in PLACES]
    assert table["group"].tolist() == ["control"] * 6 + ["treated"] * 6
    assert table["pixels"].sum() == 4 * 32 * TISSUE.shape[1]
    before = digests(out)
    done = run(*command, *folders, "-o", out)
    assert done.returncode == 2
    assert "s0_labels.tif" in done.stderr
    (out / "treated" / "s1_clusters.csv").unlink()
    done = run(*command, *folders, "--resume", "--overwrite", "-o", out)
    assert "3 of 4 images were done already" in done.stderr
    assert digests(out) == before


def test_each_image_by_itself_is_laid_out_the_same_way(tmp_path: Path, experiment: Path) -> None:
    out = tmp_path / "out"
    done = run("segment", experiment, "-r", "-k", 2, "-q", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert below(out) == [file for place in PLACES for file in three_of(place)]
    expected = segment(tifffile.imread(experiment / "treated" / "s0.tif"), 2, channel_axis=-1)
    np.testing.assert_array_equal(labels(out, "treated/s0"), expected.labels)


def test_results_lie_side_by_side_where_all_names_differ(tmp_path: Path) -> None:
    images(tmp_path / "exp", "day 1/a.tif", "day 2/b.tif")
    out = tmp_path / "out"
    done = run("segment", tmp_path / "exp", "-r", "--together", "-k", 2, "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert below(out) == [*three_of("a"), *three_of("b"), "clusters.csv"]
    assert set(pd.read_csv(out / "clusters.csv")["image"]) == {"a.tif", "b.tif"}


def test_three_levels_are_told_apart_though_groups_are_the_same(tmp_path: Path) -> None:
    names = [f"{day}/{group}/s0.tif" for day in ("d1", "d2") for group in ("control", "treated")]
    images(tmp_path / "exp", "s0.tif", *names)
    out = tmp_path / "out"
    assert run("segment", "-r", tmp_path / "exp", "--together", "-k", 2, "-q", "-o", out)
    table = pd.read_csv(out / "clusters.csv")
    assert table["image"].drop_duplicates().tolist() == [*names, "s0.tif"]
    groups = [*["control", "treated"] * 2, "exp"]
    assert table["group"].tolist() == [one for one in groups for _ in range(2)]
    places = [name.removesuffix(".tif") for name in [*names, "s0"]]
    assert set(below(out)) == {
        "clusters.csv",
        *(one for place in places for one in three_of(place)),
    }


def test_a_list_may_name_them_absolutely_and_with_detours(tmp_path: Path, experiment: Path) -> None:
    detour = experiment / "treated" / ".." / "control" / "s0.tif"
    (tmp_path / "list.txt").write_text(f"{detour}\nexp/treated/s0.tif\n")
    out = tmp_path / "a" / ".." / "out"
    (tmp_path / "a").mkdir()
    listed = ("--list", tmp_path / "list.txt")
    done = run("segment", *listed, "-k", 2, "-q", "-o", out, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert below(tmp_path / "out") == [*three_of("control/s0"), *three_of("treated/s0")]
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.parametrize("other", ["treated/S0.tif", "treated/s0.png", "treated/s0.tiff"])
def test_names_that_some_file_system_would_take_for_one_are_one(tmp_path: Path, other: str) -> None:
    from PIL import Image

    (first,) = images(tmp_path, "control/s0.tif")
    second = tmp_path / other
    second.parent.mkdir()
    if second.suffix == ".png":
        Image.fromarray(TISSUE[:32]).save(second)
    else:
        second.write_bytes(first.read_bytes())
    out = tmp_path / "out"
    assert run("segment", "--together", first, second, "-k", 2, "-q", "-o", out).returncode == 0
    table = pd.read_csv(out / "clusters.csv")
    assert table["image"].drop_duplicates().tolist() == ["control/s0.tif", other]
    assert sorted(one.name for one in out.iterdir()) == ["clusters.csv", "control", "treated"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/s0.tif", "a/s0.png"),
        ("a/s0.tif", "a/S0.tif"),
        ("a/s0.tif", "A/s0.tif"),
        ("a:b/s0.tif", "a?b/s0.tif"),
    ],
)
def test_what_folders_do_not_tell_apart_is_refused(tmp_path: Path, one: str, other: str) -> None:
    if os.path.normcase("A") == "a" or not _tells_cases_apart(tmp_path):
        pytest.skip("the file system cannot have both")
    given = images(tmp_path / "exp", one, other, "c/s0.tif")
    done = run("segment", *given, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "would both write" in done.stderr
    assert "rename one, or give them output folders of their own" in done.stderr
    assert not (tmp_path / "out").exists()


def _tells_cases_apart(folder: Path) -> bool:
    (folder / "case").touch()
    return not (folder / "CASE").exists()


def test_nothing_is_written_outside_the_output_or_beside_the_images(
    tmp_path: Path, experiment: Path
) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    before = digests(experiment)
    for target in (elsewhere, experiment / "control"):
        (out / "treated").unlink(missing_ok=True)
        (out / "treated").symlink_to(target, target_is_directory=True)
        done = run("segment", experiment, "-r", "-k", 2, "-o", out)
        assert done.returncode == 2
        assert f"{out / 'treated'} leads out of the folder -o {out}" in done.stderr
        assert below(out) == []
    for given, where in (
        ([experiment / "control", experiment / "treated"], experiment),
        ([*experiment.glob("*/s0.tif")], experiment),
    ):
        done = run("segment", *given, "-k", 2, "-o", where)
        assert done.returncode == 2
        assert "is one of their own; choose another folder with -o" in done.stderr
    # As it is by default, from within.
    assert run("segment", "control", "treated", cwd=experiment).returncode == 2
    assert digests(experiment) == before
    assert list(elsewhere.iterdir()) == []
    # Two folders that are one.
    (out / "treated").unlink()
    (out / "control").mkdir()
    (out / "treated").symlink_to(out / "control", target_is_directory=True)
    done = run("segment", experiment, "-r", "-k", 2, "-o", out)
    assert done.returncode == 2
    assert "are links to one file" in done.stderr


def test_images_that_are_links_are_laid_out_by_their_names(tmp_path: Path) -> None:
    images(tmp_path / "data", "x/1.tif", "y/2.tif")
    for link, target in (("control", "x/1.tif"), ("treated", "y/2.tif")):
        (tmp_path / "exp" / link).mkdir(parents=True)
        (tmp_path / "exp" / link / "s0.tif").symlink_to(tmp_path / "data" / target)
    out = tmp_path / "out"
    assert run("segment", tmp_path / "exp", "-r", "-k", 2, "-q", "-o", out).returncode == 0
    assert below(out) == [*three_of("control/s0"), *three_of("treated/s0")]
    assert below(tmp_path / "data") == ["x/1.tif", "y/2.tif"]


def test_stores_and_plates_of_one_name_are_laid_out_alike(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 255, (3, 40, 30), np.uint16)
    for group in ("control", "treated"):
        (tmp_path / group).mkdir()
        write_image(tmp_path / group / "s.zarr", cells)
        write_plate(tmp_path / group / "plate.zarr", without=["A/2", "A/3", "B/1", "B/2", "B/3"])
    given, out, model = (tmp_path / "control", tmp_path / "treated"), tmp_path / "out", "m.json"
    assert run("fit", *given, "-q", "-k", 2, "-o", model, cwd=tmp_path).returncode == 1
    for into_source in ([], ["--into-source"]):
        apply = ("apply", model, *given, *into_source, "-o", out)
        done = run(*apply, "-q", cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.count("there is no such well") == 10
        for group in ("control", "treated"):
            names = {"s_clusters.csv", "plate_A_1_0_clusters.csv", "plate_A_1_1_clusters.csv"}
            if not into_source:
                names |= {"s_segmented.zarr", "plate_plate_segmented.zarr"}
            assert {one.name for one in (out / group).iterdir()} == names
        table = pd.read_csv(out / "clusters.csv")
        assert table["image"].drop_duplicates().tolist() == [
            f"{group}/{name}"
            for group in ("control", "treated")
            for name in ("plate.zarr/A/1/0", "plate.zarr/A/1/1", "s.zarr")
        ]
        done = run(*apply, "--resume", cwd=tmp_path)
        assert "6 of 16 images were done already" in done.stderr
        out = tmp_path / "labels"
    assert (tmp_path / "treated" / "plate.zarr" / "A/1/1/labels/kmeans").is_dir()


def test_results_of_two_plates_of_one_name_do_not_lie_in_one_plate(tmp_path: Path) -> None:
    for group, well in (("control", "A/1"), ("treated", "B/3")):
        (tmp_path / group).mkdir()
        wells = {"A/1", "A/2", "A/3", "B/1", "B/2", "B/3"} - {well}
        write_plate(tmp_path / group / "plate.zarr", without=sorted(wells))
    fields = [tmp_path / "control/plate.zarr/A/1/0", tmp_path / "treated/plate.zarr/B/3/0"]
    out = tmp_path / "out"
    assert run("segment", *fields, "-k", 2, "-q", "-o", out).returncode == 0
    for place in ("control/{}/A/1/0", "treated/{}/B/3/0"):
        assert (out / place.format("plate_plate_segmented.zarr")).is_dir()
