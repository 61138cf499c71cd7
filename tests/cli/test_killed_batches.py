"""Wherever a batch is cut, `--resume` gives the files of an undisturbed run: some cuts of many."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from ..files.ngff.stores import write_plate
from .killed_batches import contents
from .shell import POSIX, PYTHON, run, run_from_nothing


@POSIX
def test_a_batch_that_is_cut_anywhere_is_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    program = Path(__file__).with_name("killed_batches.py")
    done = subprocess.run(
        [*PYTHON, str(program), str(tmp_path), "--times", "2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["failures"] == []
    assert done.returncode == 0, done.stderr
    assert all(one["times"] == 2 for one in told["cut"].values())
    assert sum(one["in the midst"] for one in told["cut"].values()) >= len(told["cut"])


DIES_AS_IT_NAMES = """
import os, signal, sys
left = {times}
def watch(event, arguments):
    global left
    if event == "os.remove" and str(arguments[0]).endswith("commit.json"):
        if os.path.dirname(os.path.dirname(str(arguments[0]))) == {place!r}:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""


@POSIX
# The last time that something is named there.
@pytest.mark.parametrize(("place", "times"), [("", 6), ("A", 6), ("A/1", 2)])
def test_a_plate_of_results_keeps_nothing_of_a_run_that_was_killed_as_it_named_a_field(
    tmp_path: Path, place: str, times: int
) -> None:
    plate, model = write_plate(tmp_path / "plate.zarr", size=32), tmp_path / "m.json"
    whole, cut, hooks = (tmp_path / name for name in ("whole", "cut", "hooks"))
    assert run("fit", plate, "-k", 3, "-q", "-o", model).returncode == 0
    apply = ("apply", model, plate, "-q", "-o")
    assert run(*apply, whole).returncode == 0
    hooks.mkdir()
    where = str((cut / "plate_plate_segmented.zarr" / place).resolve())
    (hooks / "sitecustomize.py").write_text(DIES_AS_IT_NAMES.format(place=where, times=times))
    paths = [str(hooks), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    assert run_from_nothing(*apply, cut, env=env).returncode == -signal.SIGKILL
    assert any(name.endswith("commit.json") for name in contents(cut))
    done = run(*apply, cut, "--resume")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(cut) == contents(whole)
