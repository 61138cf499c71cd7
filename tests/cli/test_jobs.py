"""Images on several processes at once."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIES_OR_WAITS = """
import os, sys, time
from napari_kmeans_seg.cli.jobs import in_order

def work(number):
    if number == 0:
        os._exit(9)
    time.sleep(5)
    open(sys.argv[1], "w").close()

if __name__ == "__main__":
    for _ in range(12):
        print(*(type(one).__name__ for one in in_order(work, [0, 1], 2)))
"""


def test_the_death_of_whichever_process_is_seen_at_once(tmp_path: Path) -> None:
    program, end = tmp_path / "program.py", tmp_path / "end"
    program.write_text(DIES_OR_WAITS)
    done = subprocess.run(
        [sys.executable, program, end], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == 12 * ["BrokenProcessPool BrokenProcessPool"], done.stderr
    assert not end.exists()
