"""Let processes write the same set of files at once, some of them killed: one set is from one run.

python tests/stress/processes_in_a_folder.py --seconds 600 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_kmeans_seg.core.writing import file_set

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("a_labels.tif", "a_segmented.png", "a_clusters.csv")


def write(folder: Path, mark: int, chance: random.Random) -> int:
    """Write a set as the command line does; its exit code."""
    paths = [folder / name for name in NAMES]
    since = file_set.standing(paths)
    time.sleep(chance.random() * 0.02)

    def writer(path: Path) -> Callable[[Path], object]:
        return lambda aside: (time.sleep(chance.random() * 0.005), aside.write_text(f"{mark}"))

    try:
        file_set.write_together({path: writer(path) for path in paths}, overwrite=True, since=since)
    except (BlockingIOError, file_set.ChangedError):
        return 1
    return 0


def child(folder: Path, mark: int, seed: str) -> int:
    """Start a process that writes."""
    if pid := os.fork():
        return pid
    code = 99
    try:
        real = os.replace

        def slow(*arguments: object, **options: object) -> None:
            time.sleep(0.003)
            real(*arguments, **options)  # type: ignore[arg-type]

        os.replace = slow  # type: ignore[assignment]
        code = write(folder, mark, random.Random(seed))
    finally:
        os._exit(code)


def run(seconds: float, seed: int) -> dict[str, object]:
    """Go through rounds until the time is up; in each, three processes start together."""
    folder = Path(tempfile.mkdtemp(prefix="processes-"))
    failures, n, mark = [], 0, 0
    lost = won = killed = 0
    ends = time.monotonic() + seconds
    try:
        while time.monotonic() < ends:
            chance = random.Random(f"{seed} {n}")
            started = {}
            for _ in range(3):
                mark += 1
                started[child(folder, mark, f"{seed} {n} {mark}")] = mark
            if chance.random() < 0.3:
                time.sleep(chance.random() * 0.05)
                os.kill(next(iter(started)), signal.SIGKILL)
            ended = {}
            for pid, own in started.items():
                ended[own] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            _, problems = file_set.recover(folder)
            there = {(folder / name).read_text() for name in NAMES if (folder / name).exists()}
            others = {path.name for path in folder.iterdir()} - set(NAMES)
            winners = {str(own) for own, code in ended.items() if code == 0}
            dead = {str(own) for own, code in ended.items() if code < 0}
            won, lost, killed = won + len(winners), lost + 3 - len(winners), killed + len(dead)
            if problems or others or len(there) > 1 or set(ended.values()) - {0, 1, -9}:
                failures.append(f"{n}: {problems} {sorted(others)} {there} {ended}")
            elif winners and not there & (winners | dead):
                failures.append(f"{n}: {there} is there, and {winners} said that they were")
            n += 1
    finally:
        shutil.rmtree(folder)
    return {"rounds": n, "won": won, "lost": lost, "killed": killed, "failures": failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    told = run(given.seconds, given.seed)
    print(json.dumps(told, indent=1))  # noqa: T201
    raise SystemExit(bool(told["failures"]))
