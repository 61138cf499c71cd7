"""A batch that was cut off goes on where it was, and its files are those of one that was not."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skimage.data
import tifffile
from numpy.testing import assert_array_equal

from napari_kmeans_seg.files.tiff.note import read_note

from .shell import COMMAND, POSIX, PYTHON, run

if TYPE_CHECKING:
    from pathlib import Path


DIES_AT_S3 = """
import os, signal, sys
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith("s3.tif"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""


@pytest.fixture
def batch(tmp_path: Path) -> tuple[Path, Path]:
    """Five slides, and a model of the first."""
    folder, model = tmp_path / "slides", tmp_path / "model.json"
    folder.mkdir()
    tissue = skimage.data.immunohistochemistry()
    for i in range(5):
        tifffile.imwrite(folder / f"s{i}.tif", tissue[80 * i : 80 * i + 160], photometric="rgb")
    assert run("fit", folder / "s0.tif", "-k", 3, "-q", "-o", model).returncode == 0
    return folder, model


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_after_a_kill_the_files_are_those_of_an_undisturbed_run(
    tmp_path: Path, batch: tuple[Path, Path]
) -> None:
    folder, model = batch
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert run("apply", model, folder, "-q", "-o", whole).returncode == 0
    arguments = [*COMMAND, "apply", str(model), str(folder), "-q", "-o", str(cut)]
    with subprocess.Popen(arguments) as process:
        while process.poll() is None and not (cut / "s1_labels.tif").exists():
            time.sleep(0.001)
        process.kill()
    assert not (cut / "clusters.csv").exists()
    first = (cut / "s0_labels.tif").stat().st_mtime_ns
    done = run("apply", model, folder, "--resume", "-o", cut)
    assert done.returncode == 0, done.stderr
    assert " of 5 images were done already" in done.stderr
    assert contents(cut) == contents(whole)
    assert (cut / "s0_labels.tif").stat().st_mtime_ns == first


def test_what_is_of_another_input_or_model_is_not_done(
    tmp_path: Path, batch: tuple[Path, Path]
) -> None:
    folder, model = batch
    out = tmp_path / "out"
    apply = ("apply", model, folder, "--resume", "-o", out)
    assert run(*apply, "-q").returncode == 0
    before = contents(out)
    tissue = skimage.data.immunohistochemistry()
    tifffile.imwrite(folder / "s2.tif", tissue[:100, ::-1], photometric="rgb")
    done = run(*apply)
    assert done.returncode == 2
    assert "s2_labels.tif" in done.stderr
    assert "s1_labels.tif" not in done.stderr
    assert "there already, of another input, model or options, or without the rest" in done.stderr
    assert "--overwrite beside --resume makes these anew" in done.stderr
    assert contents(out) == before
    done = run(*apply, "--overwrite")
    assert "4 of 5 images were done already" in done.stderr
    changed = {name for name, content in contents(out).items() if content != before[name]}
    assert changed == {"s2_labels.tif", "s2_segmented.tif", "s2_clusters.csv", "clusters.csv"}
    for other in (["--max", 200], ["--rescale"]):
        assert "s0_labels.tif" in run(*apply, *other).stderr
    assert run("fit", folder / "s0.tif", "-k", 4, "-q", "-o", model, "--overwrite").returncode == 0
    assert "s0_labels.tif" in run(*apply).stderr


def test_an_image_of_which_a_file_is_missing_is_named_and_made_anew(
    tmp_path: Path, batch: tuple[Path, Path]
) -> None:
    folder, model = batch
    out = tmp_path / "out"
    apply = ("apply", model, folder, "--resume", "-q", "-o", out)
    assert run(*apply).returncode == 0
    before = contents(out)
    (out / "s1_labels.tif").unlink()
    done = run(*apply)
    assert done.returncode == 2
    assert "or without the rest of their set; --overwrite beside --resume" in done.stderr
    assert run(*apply, "--overwrite").returncode == 0
    assert contents(out) == before


@pytest.mark.parametrize("kind", ["ome", "imagej", "plain"])
def test_every_kind_of_tiff_says_what_it_is_made_of(tmp_path: Path, kind: str) -> None:
    image, out = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif"), tmp_path / "out"
    pixels = skimage.data.camera()[::8, ::8]
    tifffile.imwrite(image, pixels, **({} if kind == "plain" else {kind: True}))
    assert run("segment", image, "-k", 2, "-q", "-o", out).returncode == 0
    assert set(read_note(out / "a_labels.tif")["made_of"]) == {"input", "work"}
    done = run("segment", image, "-k", 2, "--resume", "-o", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert "1 of 1 images were done already" in done.stderr
    assert_array_equal(np.unique(tifffile.imread(out / "a_labels.tif")), [1, 2])


def test_several_jobs_give_the_same_files_in_the_same_order(
    tmp_path: Path, batch: tuple[Path, Path]
) -> None:
    folder, model = batch
    (folder / "s11.tif").write_bytes(b"II*")
    printed, said = [], []
    for jobs in (1, 3):
        done = run("apply", model, folder, "--jobs", jobs, "-o", tmp_path / str(jobs))
        assert done.returncode == 1
        printed.append([line for line in done.stdout.splitlines() if " s" not in line])
        said.append(done.stderr)
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    assert printed[0] == printed[1]
    assert said[0] == said[1]
    assert len(said[0].splitlines()) == 1


def test_processes_of_a_run_that_is_killed_end_with_it(
    tmp_path: Path, batch: tuple[Path, Path]
) -> None:
    folder, model = batch
    out = tmp_path / "out"
    arguments = [*COMMAND, "apply", str(model), str(folder), "--jobs", "2", "-q", "-o", str(out)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not (out / "s0_labels.tif").exists():
            time.sleep(0.001)
        process.kill()
        # They hold the other end of the pipe for as long as they live.
        assert process.communicate(timeout=20)[1] == b""
    done = run("apply", model, folder, "--resume", "-q", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")


@POSIX
def test_a_process_that_dies_is_told_and_resumed(tmp_path: Path, batch: tuple[Path, Path]) -> None:
    folder, model = batch
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert run("apply", model, folder, "-q", "-o", whole).returncode == 0
    # Each process of a job imports this first, and the one that gets to s3 dies.
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(DIES_AT_S3)
    paths = [str(hooks), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = run("apply", model, folder, "-q", "--jobs", 2, "-o", cut, env=env)
    assert done.returncode == 1
    assert "s3.tif: the process that worked on it, or on another image, died" in done.stderr
    assert "Traceback" not in done.stderr
    assert run("apply", model, folder, "-q", "--jobs", 2, "--resume", "-o", cut).returncode == 0
    assert contents(cut) == contents(whole)


DIES_WHEN_IT_HAS_WRITTEN = """
import os, sys, time
from functools import partial
from napari_kmeans_seg.cli import app, batch, jobs

def then_die(given, work):
    if given[0].name == "s0.tif":
        work(given)
        os._exit(9)
    time.sleep(300)

def in_order(work, inputs, n_jobs):
    return jobs.in_order(partial(then_die, work=work), inputs, n_jobs)

if __name__ == "__main__":
    batch.in_order = in_order
    app.main()
"""


def test_what_a_process_wrote_before_it_died_is_done(
    tmp_path: Path, batch: tuple[Path, Path]
) -> None:
    folder, model = batch
    program = tmp_path / "program.py"
    program.write_text(DIES_WHEN_IT_HAS_WRITTEN)
    images, out = [str(folder / f"s{i}.tif") for i in range(2)], tmp_path / "out"
    arguments = [*PYTHON, str(program), "apply", str(model), *images, "--jobs", "2"]
    done = subprocess.run(
        [*arguments, "-q", "-o", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{images[1]}: the process that worked on it, or on another image, died" in done.stderr
    assert "s0.tif" not in done.stderr
    assert set(pd.read_csv(out / "clusters.csv")["image"]) == {"s0.tif"}
    assert sorted(path.name for path in out.iterdir()) == [
        "clusters.csv", "s0_clusters.csv", "s0_labels.tif", "s0_segmented.tif",
    ]  # fmt: skip
