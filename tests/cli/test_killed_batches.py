"""Wherever a batch is cut, `--resume` gives the files of an undisturbed run: some cuts of many."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from .shell import POSIX, PYTHON


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
