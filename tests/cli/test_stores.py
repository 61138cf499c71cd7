"""OME-Zarr images and plates on the command line."""

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
    write_array,
    write_group,
    write_image,
    write_plate,
)
from .shell import COMMAND, run

if TYPE_CHECKING:
    from pathlib import Path

both = pytest.mark.parametrize("version", VERSIONS)
FIELDS = [f"{row}/{column}/{field}" for row in "AB" for column in "123" for field in "01"]


@pytest.fixture
def cells() -> np.ndarray:
    return field_of_cells(0, 70)


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


# -- into the source --------------------------------------------------------------------


@both
def test_labels_go_into_the_source_only_when_asked_and_touch_nothing_else(
    tmp_path: Path, cells: np.ndarray, version: str
) -> None:
    image = write_image(tmp_path / "a.zarr", cells, version)
    before = digests(image)
    done = run("segment", image, "-k", 3, "-o", tmp_path / "out", "--into-source")
    assert done.returncode == 0, done.stderr
    after = digests(image)
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[0] for name in set(after) - set(before)} == {"labels"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_clusters.csv"]
    yaozarrs.validate_zarr_store(image)
    labels = zarr.open_array(image / "labels" / "kmeans" / "0", mode="r")[:]
    np.testing.assert_array_equal(labels, segment(cells, 3, channel_axis=0).labels)
    done = run("segment", image, "-k", 2, "-o", tmp_path / "more", "--into-source")
    assert done.returncode == 2
    assert "labels/kmeans: there already; --overwrite replaces what is there" in done.stderr
    assert digests(image) == after
    done = run("segment", image, "-k", 2, "-o", tmp_path / "more", "--into-source", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert zarr.open_array(image / "labels" / "kmeans" / "0", mode="r")[:].max() == 2


@both
def test_labels_of_others_stay(tmp_path: Path, cells: np.ndarray, version: str) -> None:
    image = write_image(tmp_path / "a.zarr", cells, version)
    run("segment", image, "-k", 3, "-o", tmp_path / "out", "--into-source")
    labels = image / "labels"
    (labels / "kmeans").rename(labels / "nuclei")
    write_group(labels, version, {"labels": ["nuclei"]}, mine={"a": 1})
    before = digests(labels / "nuclei")
    done = run("segment", image, "-k", 2, "-o", tmp_path / "again", "--into-source")
    assert done.returncode == 0, done.stderr
    assert digests(labels / "nuclei") == before
    group = zarr.open_group(labels, mode="r").attrs.asdict()
    assert group["mine"] == {"a": 1}
    assert group.get("ome", group)["labels"] == ["nuclei", "kmeans"]
    yaozarrs.validate_zarr_store(image)


def test_labels_do_not_follow_a_link_out_of_the_source(tmp_path: Path, cells: np.ndarray) -> None:
    image = write_image(tmp_path / "a.zarr", cells)
    (tmp_path / "elsewhere").mkdir()
    (image / "labels").symlink_to(tmp_path / "elsewhere")
    done = run("segment", image, "-k", 3, "-o", tmp_path / "out", "--into-source")
    assert done.returncode == 1
    assert "'labels', a link that leads out of its folder" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_files_have_no_labels_of_their_own(tmp_path: Path) -> None:
    import skimage.io

    skimage.io.imsave(tmp_path / "a.png", np.zeros((9, 9), np.uint8), check_contrast=False)
    done = run("segment", tmp_path / "a.png", "--into-source", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "--into-source takes OME-Zarr images only" in done.stderr


# -- what is in the way -----------------------------------------------------------------


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


def test_new_labels_that_consolidated_metadata_hide_are_told(
    tmp_path: Path, cells: np.ndarray
) -> None:
    image = write_image(tmp_path / "a.zarr", cells, "0.4")
    zarr.consolidate_metadata(str(image))
    before = digests(image)
    done = run("segment", image, "-k", 2, "-o", tmp_path / "out", "--into-source")
    assert done.returncode == 0, done.stderr
    assert "a.zarr has consolidated metadata, in which the new labels are not" in done.stderr
    after = digests(image)
    assert {name: after[name] for name in before} == before
