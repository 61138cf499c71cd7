"""Kill a batch, or fill its disk, at chosen writes, then resume it: files as if nothing had been.

    python tests/cli/killed_batches.py FOLDER --times 50 --seed 1

Each way of working (slides by a model, slides together, a plate into a store) is cut at steps that
are spread evenly over all that change its folder. What is counted as in the midst is what left some
images finished and others not.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import signal
import sys
import time
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"}
WRITING = os.O_WRONLY | os.O_RDWR
SLIDES, FIELDS = 5, 12


def in_child(work: Callable[[], int]) -> int:
    """Do it in a fork, and return how that ended; a signal is negative."""
    with warnings.catch_warnings():
        # Of the threads of BLAS, which take part in no fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 99
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nowhere, number)
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def command(*arguments: object) -> int:
    """Run the command line as it is run from a shell, and return its exit code."""
    sys.argv[1:] = [str(one) for one in arguments]
    try:
        import_module("napari_kmeans_seg.cli.app").main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def watch(folder: Path, act: Callable[[int, str], None]) -> None:
    """Call with each step that is about to change the folder, counted from 1, and its kind."""
    inside, n = str(folder), [0]

    def on_event(event: str, arguments: tuple[object, ...]) -> None:
        if event not in STEPS or not arguments or not str(arguments[0]).startswith(inside):
            return
        if event == "open":
            flags = arguments[2]
            if not (isinstance(flags, int) and flags & WRITING):
                return
        n[0] += 1
        act(n[0], event)

    sys.addaudithook(on_event)


def n_steps(folder: Path, arguments: list[object], told: Path) -> int:
    """Run to the end, and count the steps."""

    def work() -> int:
        last = [0]
        watch(folder, lambda n, _: last.__setitem__(0, n))
        code = command(*arguments, "-o", folder)
        told.write_text(str(last[0]))
        return code

    code = in_child(work)
    if code:
        raise RuntimeError(f"the undisturbed run ended with {code}")
    return int(told.read_text())


def cut(folder: Path, arguments: list[object], at: int, how: str) -> int:
    """Run until a step, at which the process is killed, or from which on the disk is full."""

    def act(n: int, event: str) -> None:
        if how == "killed" and n == at:
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "full" and n >= at and event in {"open", "os.mkdir"}:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def work() -> int:
        watch(folder, act)
        return command(*arguments, "-o", folder)

    return in_child(work)


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder, hidden ones, too, by their paths."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def ways(folder: Path) -> dict[str, list[object]]:
    """Make slides and a plate, and name the commands that work on them."""
    import skimage.data
    import tifffile

    sys.path.insert(0, str(Path(__file__).parent.parent / "files" / "ngff"))
    write_plate = import_module("stores").write_plate
    slides, model, cells = folder / "slides", folder / "model.json", folder / "cells.json"
    slides.mkdir()
    tissue = skimage.data.immunohistochemistry()
    for i in range(SLIDES):
        part = np.ascontiguousarray(tissue[80 * i : 80 * i + 60, ::4])
        tifffile.imwrite(slides / f"s{i}.tif", part, photometric="rgb")
    plate = write_plate(folder / "plate.zarr", size=32)
    for source, place in ((slides, model), (plate, cells)):
        if in_child(partial(command, "fit", source, "-k", 3, "-o", place)):
            raise RuntimeError(f"{source} cannot be fitted")
    return {
        "by a model": ["apply", model, slides, "-q"],
        "together": ["segment", "--together", slides, "-k", 3, "-q"],
        "of a plate": ["apply", cells, plate, "-q"],
    }


def run(folder: Path, times: int, seconds: float, seed: int) -> dict[str, object]:
    """Cut each way so many times, or until the time is up."""
    chance = random.Random(seed)
    for name in ("cli.app", "files.results", "files.ngff.write", "core.pool.pooled"):
        import_module(f"napari_kmeans_seg.{name}")
    failures: list[str] = []
    counts: dict[str, dict[str, int]] = {}
    for way, arguments in ways(folder).items():
        whole, out = folder / f"whole {way}", folder / "out"
        n = n_steps(whole, arguments, folder / "steps")
        expected = contents(whole)
        n_tables = sum(name.endswith("_clusters.csv") for name in expected)
        for how in ("killed", "full"):
            found = counts[f"{way}, {how}"] = {"times": 0, "in the midst": 0, "steps": n}
            # From anywhere, and then evenly.
            first, ends = chance.random(), time.monotonic() + seconds / 6
            for i in range(times):
                if time.monotonic() > ends:
                    break
                at = 1 + int(n * ((first + i) / times % 1))
                shutil.rmtree(out, ignore_errors=True)
                code = cut(out, arguments, at, how)
                left = contents(out) if out.exists() else {}
                done = sum(name.endswith("_clusters.csv") and "/" not in name for name in left)
                found["times"] += 1
                found["in the midst"] += 0 < done < n_tables
                what = f"{way}, {how} at {at} of {n}"
                # A disk that is full once all is written is no trouble.
                if code not in ((-signal.SIGKILL,) if how == "killed" else (0, 1, 2)):
                    failures.append(f"{what}: ended with {code}")
                if torn := [name for name, one in left.items()
                            if not name.startswith(".") and "/." not in name
                            and name in expected and one != expected[name]
                            and name.count("/") == 0 and name != "clusters.csv"]:  # fmt: skip
                    failures.append(f"{what}: {torn} are neither whole nor missing")
                again = in_child(partial(command, *arguments, "--resume", "-o", out))
                if again or contents(out) != expected:
                    others = {*contents(out).items()} ^ {*expected.items()}
                    names = sorted({name for name, _ in others})[:4]
                    failures.append(f"{what}: resumed with {again}, {names} differ")
        shutil.rmtree(out, ignore_errors=True)
    return {"cut": counts, "failures": failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=1000, help="of each way, killed and full each")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    told = run(given.folder, given.times, given.seconds, given.seed)
    print(json.dumps(told, indent=1))  # noqa: T201
    raise SystemExit(bool(told["failures"]))
