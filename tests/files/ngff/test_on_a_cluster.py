"""A plate on a Dask cluster of two processes, of which one is killed in the middle."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import dask
import numpy as np
import pandas as pd
import pytest
import yaozarrs
import zarr
from distributed import Client, LocalCluster
from typer.testing import CliRunner

from napari_kmeans_seg import KMeansModel
from napari_kmeans_seg.cli.app import app
from napari_kmeans_seg.cli.batch import Batch, _write_one
from napari_kmeans_seg.cli.reading import Reading
from napari_kmeans_seg.cli.work import ByModel
from napari_kmeans_seg.files.ngff.plates import images_in
from napari_kmeans_seg.files.part import Limits
from napari_kmeans_seg.files.result_paths import result_paths

from .stores import digests, write_plate

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = [f"{row}/{column}/{field}" for row in "AB" for column in "123" for field in "01"]


def fit_and_apply(plate: Path, folder: Path) -> None:
    for command in (
        ["fit", plate, "-k", 4, "-o", folder / "model.json"],
        ["apply", folder / "model.json", plate, "-o", folder / "out"],
    ):
        done = CliRunner().invoke(app, [str(one) for one in command])
        assert done.exit_code == 0, done.output


# The scheduler says that it lost a worker, which is what this test is about.
@pytest.mark.filterwarnings("ignore::UserWarning:distributed")
def test_a_worker_that_is_killed_changes_nothing_of_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Many chunks to each field.
    monkeypatch.setattr("napari_kmeans_seg.files.base.pyramid.CHUNK_VALUES", 1)
    plate = write_plate(tmp_path / "plate.zarr", size=128)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with dask.config.set(scheduler="synchronous"):
        fit_and_apply(plate, tmp_path / "one")
    done = threading.Event()
    out = tmp_path / "other" / "out"
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        victim = next(iter(cluster.workers.values())).pid
        killed = threading.Event()

        def kill() -> None:
            # In the middle: some fields are written, and others are not.
            while not done.is_set() and len(list(out.glob("*_clusters.csv"))) < 4:
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)
            killed.set()

        thread = threading.Thread(target=kill)
        thread.start()
        try:
            fit_and_apply(plate, tmp_path / "other")
            n_workers = len(client.scheduler_info()["workers"])
        finally:
            done.set()
            thread.join()
    assert killed.is_set()
    assert n_workers >= 1
    assert not list(out.rglob(".napari*"))
    yaozarrs.validate_zarr_store(out / "plate_plate_segmented.zarr")
    for field in FIELDS:
        store = f"plate_plate_segmented.zarr/{field}"
        found, expected = (
            zarr.open_array(tmp_path / name / "out" / store / "labels/kmeans/0", mode="r")[:]
            for name in ("other", "one")
        )
        np.testing.assert_array_equal(found, expected)
    assert digests(out) == digests(tmp_path / "one" / "out")
    table = pd.read_csv(out / "clusters.csv")
    assert len(table) == 48
    assert table["pixels"].sum() == 12 * 128 * 128


def test_what_a_worker_wrote_before_it_died_is_not_written_again(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate.zarr")
    field, out = plate / "A/1/0", tmp_path / "out"
    out.mkdir()
    reading = Reading(axis="auto", series=None, limits=Limits(), max_pixels=10**6)
    model = ByModel(KMeansModel.fit([field], 3))
    batch = Batch(
        model, reading, {}, {}, None, None, 0,
        overwrite=False, resume=False, jobs=1, quiet=True, is_remote=True,
    )  # fmt: skip
    given = (field, result_paths(field, out))
    since = dict.fromkeys(given[1])
    first = _write_one(given, batch, "work", since)
    before = digests(out)
    # The scheduler never heard of it, and asks another worker.
    second = _write_one(given, batch, "work", since)
    assert not isinstance(first, str)
    assert not isinstance(second, str)
    pd.testing.assert_frame_equal(first.table, second.table, check_dtype=False)
    assert digests(out) == before
    # By other work it would be another result.
    assert "there already" in str(_write_one(given, batch, "other", since))


def test_workers_that_each_have_an_image_do_not_wait_for_each_other(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate.zarr")
    model = KMeansModel.fit([plate], 4)
    out = tmp_path / "out"
    out.mkdir()
    reading = Reading(axis="auto", series=None, limits=Limits(), max_pixels=10**6)
    batch = Batch(
        ByModel(model), reading, {}, {}, None, None, 0,
        overwrite=False, resume=False, jobs=1, quiet=True,
    )  # fmt: skip
    given = [(image, result_paths(image, out)) for image in images_in(plate)]
    work = partial(
        _write_one,
        batch=batch,
        digest="",
        since={file: None for _, results in given for file in results},
    )
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        found = client.gather(client.map(work, given))
    assert [type(one).__name__ for one in found] == ["Done"] * 12
    for image, results in given:
        labels = zarr.open_array(results.labels / "labels/kmeans/0", mode="r")[:]
        np.testing.assert_array_equal(labels, model.predict(image).labels.compute())
