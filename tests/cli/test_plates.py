"""Plates of OME-Zarr images on the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaozarrs
import zarr

from napari_kmeans_seg import KMeansModel, segment
from napari_kmeans_seg.files.ngff.plates import images_in

from ..files.ngff.stores import (
    VERSIONS,
    digests,
    field_of_cells,
    write_image,
    write_plate,
)
from .shell import COMMAND, run

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", VERSIONS)
FIELDS = [f"{row}/{column}/{field}" for row in "AB" for column in "123" for field in "01"]


@both
def test_a_plate_is_all_its_fields(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version)
    model, out = tmp_path / "model.json", tmp_path / "out"
    done = run("fit", plate, "-k", 3, "-o", model)
    assert done.returncode == 0, done.stderr
    whole = np.concatenate([field_of_cells(n, 64) for n in range(12)], axis=1)
    expected = segment(whole, 3, channel_axis=0)
    np.testing.assert_array_equal(KMeansModel.load(model).centroids, expected.centroids)
    done = run("apply", model, plate, "-o", out)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out / "clusters.csv")
    assert table["image"].unique().tolist() == [f"plate.zarr/{one}" for one in FIELDS]
    assert table["group"].unique().tolist() == ["A/1", "A/2", "A/3", "B/1", "B/2", "B/3"]
    assert table.groupby("label")["pixels"].sum().tolist() == expected.counts.tolist()
    np.testing.assert_allclose(table["area"], table["pixels"] * 0.125)
    assert set(table["unit"]) == {"µm²"}
    found = [
        zarr.open_array(out / "plate_plate_segmented.zarr" / one / "labels/kmeans/0", mode="r")[:]
        for one in FIELDS
    ]
    np.testing.assert_array_equal(np.concatenate(found), expected.labels)


@both
def test_the_results_of_a_plate_are_a_plate(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version)
    before = digests(plate)
    done = run("segment", plate, "--together", "-k", 3, "-o", tmp_path / "out", "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert digests(plate) == before
    store = tmp_path / "out" / "plate_plate_segmented.zarr"
    tables = {f"plate_{one.replace('/', '_')}_clusters.csv" for one in FIELDS}
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert there == {store.name, "clusters.csv", *tables}
    yaozarrs.validate_zarr_store(store)
    said, source = (zarr.open_group(one, mode="r").attrs.asdict() for one in (store, plate))
    assert said == source
    assert images_in(store) == [store / one for one in FIELDS]
    for well in ("A/1", "B/3"):
        group = zarr.open_group(store / well, mode="r").attrs.asdict()
        assert group == zarr.open_group(plate / well, mode="r").attrs.asdict()
    assert not list(store.rglob(".napari*"))
    # As good as any other plate.
    done = run("segment", store, "--together", "-k", 3, "-q", "-o", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    again = tmp_path / "again" / "plate_plate_segmented_plate_segmented.zarr"
    first, again = (
        zarr.open_array(one / "B/2/1/labels/kmeans/0", mode="r")[:] for one in (store, again)
    )
    np.testing.assert_array_equal(first, again)


@both
def test_a_field_that_fails_is_not_named_in_the_results(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version, without=["A/1"])
    shutil.rmtree(plate / "A/2/0")
    write_image(plate / "A/2/0", field_of_cells(0, 64)[:2], version)
    out = tmp_path / "out"
    run("fit", plate / "B", "-r", "-k", 2, "-q", "-o", tmp_path / "m.json")
    done = run("apply", tmp_path / "m.json", plate, "-q", "-o", out)
    assert done.returncode == 1
    store = out / "plate_plate_segmented.zarr"
    yaozarrs.validate_zarr_store(store)
    there = [one for one in FIELDS if one[:3] != "A/1"]
    assert images_in(store) == [store / one for one in there if one != "A/2/0"]
    assert not (store / "A/1").exists()
    # What failed is mended, and joins the others in the order of the plate.
    shutil.rmtree(plate / "A/2/0")
    write_image(plate / "A/2/0", field_of_cells(0, 64), version)
    done = run("apply", tmp_path / "m.json", plate / "A/2", "-q", "-o", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert images_in(store) == [store / one for one in there]


def test_a_store_of_results_takes_those_of_its_own_kind_alone(
    tmp_path: Path, cells: np.ndarray
) -> None:
    old, new = (write_plate(tmp_path / v / "plate.zarr", v) for v in VERSIONS)
    out = tmp_path / "out"
    assert run("segment", old / "A/1/0", "-q", "-o", out).returncode == 0
    before = digests(out)
    done = run("segment", new / "A/1/1", "-q", "-o", out)
    assert done.returncode == 1
    assert "is a plate of version 0.4, and takes no results of one of 0.5" in done.stderr
    assert digests(out) == before
    write_image(tmp_path / "more" / "plate_plate_segmented.zarr", cells)
    done = run("segment", new / "A/1/1", "-q", "-o", tmp_path / "more")
    assert "plate_plate_segmented.zarr is no plate" in done.stderr
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "plate_plate_segmented.zarr").touch()
    done = run("segment", new / "A/1/1", "-q", "-o", tmp_path / "file")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_two_runs_that_write_into_one_plate_lose_no_well(tmp_path: Path) -> None:
    plate, out = write_plate(tmp_path / "plate.zarr"), tmp_path / "out"
    started = [
        subprocess.Popen([*COMMAND, "segment", str(plate / well), "-q", "-o", str(out)])
        for well in ("A/1", "A/3", "B/2")
    ]
    assert [one.wait() for one in started] == [0, 0, 0]
    store = out / "plate_plate_segmented.zarr"
    yaozarrs.validate_zarr_store(store)
    assert images_in(store) == [store / one for one in FIELDS if one[:3] in ("A/1", "A/3", "B/2")]


@both
def test_a_well_that_is_missing_is_told_and_the_rest_is_done(tmp_path: Path, version: str) -> None:
    plate = write_plate(tmp_path / "plate.zarr", version, without=["A/2", "B/1"])
    model, out = tmp_path / "model.json", tmp_path / "out"
    done = run("fit", plate, "-k", 3, "-o", model)
    assert done.returncode == 1
    for well in ("A/2", "B/1"):
        told = f"{plate}/{well}: there is no such well, though the plate names it"
        assert told in done.stderr.replace("\n", " ")
    done = run("apply", model, plate, "-o", out)
    assert done.returncode == 1
    assert done.stderr.count("there is no such well") == 2
    there = [one for one in FIELDS if one[:3] not in ("A/2", "B/1")]
    table = pd.read_csv(out / "clusters.csv")
    assert table["image"].unique().tolist() == [f"plate.zarr/{one}" for one in there]


def test_a_field_of_a_plate_is_named_by_its_place(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate.zarr")
    done = run("segment", plate / "B" / "3" / "1", "-k", 2, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    store = tmp_path / "out" / "plate_plate_segmented.zarr"
    assert images_in(store) == [store / "B/3/1"]


def test_resume_skips_what_is_done_of_the_same_store(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate.zarr")
    model, out = tmp_path / "model.json", tmp_path / "out"
    run("fit", plate, "-k", 3, "-o", model)
    assert run("apply", model, plate, "-o", out).returncode == 0
    expected = digests(out)
    shutil.rmtree(out / "plate_plate_segmented.zarr" / "A/2/0")
    (out / "plate_A_2_0_clusters.csv").unlink()
    done = run("apply", model, plate, "-o", out, "--resume", "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "11 of 12 images were done already" in done.stderr
    assert digests(out) == expected
    # Another pixel, another image.
    array = zarr.open_array(plate / "B" / "1" / "0" / "s0", mode="r+")
    array[0, 0, 0] += 1
    done = run("apply", model, plate, "-o", out, "--resume")
    assert done.returncode == 2
    assert "plate_plate_segmented.zarr/B/1/0" in done.stderr


def test_resume_names_what_a_run_wrote_and_had_not_named_when_it_was_killed(tmp_path: Path) -> None:
    plate, out = write_plate(tmp_path / "plate.zarr"), tmp_path / "out"
    arguments = ("segment", plate, "--together", "-k", 2, "-o", out)
    assert run(*arguments).returncode == 0
    store, expected = out / "plate_plate_segmented.zarr", digests(out)
    for group, kind, key in ((store, "plate", "wells"), (store / "B" / "1", "well", "images")):
        said = json.loads((group / "zarr.json").read_text())
        said["attributes"]["ome"][kind][key].pop()
        (group / "zarr.json").write_text(json.dumps(said))
    assert len(images_in(store)) == 9
    done = run(*arguments, "--resume")
    assert "12 of 12 images were done already" in done.stderr
    assert digests(out) == expected


def test_after_a_kill_in_the_middle_of_a_store_the_files_are_those_of_an_undisturbed_run(
    tmp_path: Path,
) -> None:
    plate = write_plate(tmp_path / "plate.zarr", size=300)
    model, whole, cut = tmp_path / "model.json", tmp_path / "whole", tmp_path / "cut"
    assert run("fit", plate / "A" / "1", "-k", 3, "-q", "-o", model).returncode == 0
    assert run("apply", model, plate, "-q", "-o", whole).returncode == 0
    arguments = [*COMMAND, "apply", str(model), str(plate), "-q", "-o", str(cut)]
    store = cut / "plate_plate_segmented.zarr"
    with subprocess.Popen(arguments) as process:
        # A half of the third store lies in a hidden folder.
        while process.poll() is None and not (
            (store / "A/1/1").exists()
            and list(store.glob("A/2/.napari-kmeans-seg-*/new/*/labels/kmeans/0/zarr.json"))
        ):
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -9
    assert [path for path in cut.iterdir() if path.name.startswith(".")]
    done = run("apply", model, plate, "--resume", "-o", cut)
    assert done.returncode == 0, done.stderr
    assert " of 12 images were done already" in done.stderr
    assert digests(cut) == digests(whole)
