"""The command line on a Dask cluster of two real processes: the same files, and clear errors."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.data
import tifffile
from distributed import LocalCluster

from .shell import COMMAND, POSIX, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    folder = tmp_path / "slides"
    folder.mkdir()
    tissue = skimage.data.immunohistochemistry()
    for i in range(6):
        tifffile.imwrite(folder / f"s{i}.tif", tissue[60 * i : 60 * i + 120], photometric="rgb")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_processes_give_the_files_of_one(
    tmp_path: Path, slides: Path, cluster: LocalCluster
) -> None:
    (slides / "s7.tif").write_bytes(b"II*")
    at = ("--scheduler", cluster.scheduler_address)
    said = []
    for name, more in (("here", ()), ("there", at)):
        fit = ("fit", "slides", "-k", 3, "-o", f"{name}.json", *more)
        apply = ("apply", "here.json", "slides", "-o", name, *more)
        for command in (fit, apply):
            done = run(*command, cwd=tmp_path)
            assert done.returncode == 1, done.stderr
            assert len([one for one in done.stderr.splitlines() if "s7.tif" in one]) == 1
            said.append(done.stderr)
    assert "Traceback" not in "".join(said)
    assert (tmp_path / "here.json").read_bytes() == (tmp_path / "there.json").read_bytes()
    assert contents(tmp_path / "here") == contents(tmp_path / "there")
    together = ("segment", "--together", "slides", "-k", 3, "-q", "-o", "both", *at)
    assert run(*together, cwd=tmp_path).returncode == 1
    assert contents(tmp_path / "both").keys() == contents(tmp_path / "here").keys()


def test_floats_that_are_not_held_are_read_by_the_workers(
    tmp_path: Path, cluster: LocalCluster
) -> None:
    paths = [tmp_path / f"{i}.tif" for i in range(3)]
    for i, path in enumerate(paths):
        values = np.random.default_rng(i).normal(i, 0.2, (80, 90, 3)).astype(np.float32)
        tifffile.imwrite(path, values, photometric="rgb")
    for name, more in (("here", ()), ("there", ("--scheduler", cluster.scheduler_address))):
        done = run("fit", *paths, "-k", 3, "-o", tmp_path / f"{name}.json", *more)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "here.json").read_bytes() == (tmp_path / "there.json").read_bytes()


@POSIX
def test_a_worker_that_dies_is_replaced(
    tmp_path: Path, slides: Path, cluster: LocalCluster
) -> None:
    assert run("fit", slides, "-k", 3, "-q", "-o", tmp_path / "m.json").returncode == 0
    assert run("apply", tmp_path / "m.json", slides, "-q", "-o", tmp_path / "whole").returncode == 0
    cut = tmp_path / "cut"
    words = [*COMMAND, "apply", tmp_path / "m.json", slides, "-o", cut, "-q",
             "--scheduler", cluster.scheduler_address]  # fmt: skip
    with subprocess.Popen(list(map(str, words))) as process:
        while process.poll() is None and not any(cut.glob("*_labels.tif")):
            time.sleep(0.001)
        next(iter(cluster.workers.values())).process.process.kill()
        process.wait(120)
    if process.returncode:
        # It died with an image written, and not yet told.
        again = ("apply", tmp_path / "m.json", slides, "-q", "-o", cut, "--resume")
        assert run(*again).returncode == 0
    assert contents(cut) == contents(tmp_path / "whole")


def test_a_scheduler_that_does_not_answer_is_told_in_time(tmp_path: Path, slides: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        port = deaf.getsockname()[1]
        for address in (f"tcp://127.0.0.1:{port}", "tcp://127.0.0.1:1", "nonsense://x"):
            begin = time.monotonic()
            done = run("segment", slides, "-o", tmp_path / "out", "--scheduler", address)
            assert time.monotonic() - begin < 60
            assert done.returncode == 2
            assert f"--scheduler {address} did not answer within 10 seconds" in done.stderr
            assert "Traceback" not in done.stderr
            assert not (tmp_path / "out").exists()


def test_workers_of_another_version_are_refused(tmp_path: Path, slides: Path) -> None:
    other = tmp_path / "other"
    (other / "napari_kmeans_seg-9.9.dist-info").mkdir(parents=True)
    metadata = "Metadata-Version: 2.1\nName: napari-kmeans-seg\nVersion: 9.9\n"
    (other / "napari_kmeans_seg-9.9.dist-info" / "METADATA").write_text(metadata)
    paths = [str(other), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (
        LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as empty,
        subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", empty.scheduler_address,
             "--no-dashboard"],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)}, stderr=subprocess.DEVNULL,
        ) as worker,
    ):  # fmt: skip
        try:
            out = tmp_path / "out"
            done = run("segment", slides, "-o", out, "--scheduler", empty.scheduler_address)
        finally:
            worker.terminate()
    assert done.returncode == 2, done.stderr
    assert "has napari-kmeans-seg 9.9, and here is" in done.stderr
    assert "Install the same versions everywhere" in done.stderr
    assert not out.exists()


def test_a_cluster_without_workers_is_told(tmp_path: Path, slides: Path) -> None:
    with LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        address = empty.scheduler_address
        done = run("segment", slides, "-o", tmp_path / "out", "--scheduler", address)
    assert done.returncode == 2
    assert f"{address} has no worker. Start some: dask worker {address}" in done.stderr
