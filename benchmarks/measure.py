"""Run one method on one image in a process of its own, and measure it.

    python -m benchmarks.measure IMAGE.npy METHOD K SEEDS LEAST BUDGET

prints one line of JSON per seed. METHOD is one of `methods.METHODS`, "another_k", "choose_k" or
"stages".
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from .methods import METHODS, Array, Method, Result, channel_axis, rows

ROOT = Path(__file__).parents[1]

SETTLED = 1 << 30
"""Bytes that are asked for and given back before the clock runs."""


@dataclass(frozen=True)
class Measurement:
    """What was measured of one method; medians over the seeds."""

    seconds: float = np.nan
    error: float = np.nan
    memory: float = np.nan
    outputs: float = np.nan
    runs: int = 0
    problem: str = ""
    stages: dict[str, float] = field(default_factory=dict)


def measure(
    image: Path, method: str, k: int, *, seeds: int, least: int, budget: float, limit: float
) -> Measurement:
    """Measure a method.

    Parameters
    ----------
    image : Path
        A file of `numpy.save`.
    method, k
        What to run.
    seeds : int
        Runs, each with a seed of its own.
    least, budget : int, float
        Once there are `least` runs, none starts after so many seconds.
    limit : float
        Seconds after which the process is stopped.
    """
    arguments = [str(image), method, str(k), str(seeds), str(least), str(budget)]
    command = [sys.executable, "-m", "benchmarks.measure", *arguments]
    problem = ""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, timeout=limit, check=False
        )
        lines = done.stdout
        if done.returncode:
            last = done.stderr.decode().strip().splitlines() or [f"exit {done.returncode}"]
            problem = last[-1]
    except subprocess.TimeoutExpired as expired:
        lines, problem = expired.stdout or b"", f"stopped after {limit:.0f} s"
    runs = [json.loads(line) for line in lines.decode().splitlines() if line.endswith("}")]
    if not runs:
        return Measurement(problem=problem)
    if len(runs) == seeds:
        problem = ""  # only its leave-taking was cut short

    def middle(key: str) -> float:
        return float(median(run[key] for run in runs))

    stages = {name: median(r["stages"][name] for r in runs) for name in runs[0].get("stages", {})}
    return Measurement(
        middle("seconds"),
        middle("error"),
        # Memory that the first run has given back is there for the later ones.
        runs[0]["memory"],
        runs[0]["outputs"],
        len(runs),
        problem,
        stages,
    )


def environment() -> dict[str, str]:
    """The environment without settings that make OpenBLAS take this machine for another."""
    skip = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    return {name: value for name, value in os.environ.items() if name not in skip}


def peak_memory(*, reset: bool = False) -> int:
    """Largest resident memory of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    # Linux hands ru_maxrss down from the parent process, and cannot set it back.
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def settle_memory() -> None:
    """Have memory at hand for what is timed next.

    A virtual machine hands memory that was free for some seconds back to its host, and it takes ten
    times as long to get it back as to clear it. What takes 0.1 s would be timed by what ran before.
    """
    np.ones(SETTLED, np.uint8)


def mean_squared_error(image: Array, result: Result) -> float:
    """Mean over the pixels of the squared distance to their centroid."""
    pixels, labels = rows(image), result.labels.ravel()
    total = 0.0
    for start in range(0, len(pixels), 1 << 20):
        index = labels[start : start + (1 << 20)].astype(np.intp) - result.first
        off = pixels[start : start + (1 << 20)] - result.centroids[index].astype(np.float64)
        total += float((off * off).sum())
    return total / len(pixels)


def run_once(method: Method, image: Array, k: int, seed: int) -> dict[str, Any]:
    settle_memory()
    before = peak_memory(reset=True)
    start = time.perf_counter()
    result = method(image, k, seed)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "memory": peak_memory() - before,
        "outputs": result.labels.nbytes + result.painted.nbytes,
        "error": mean_squared_error(image, result),
    }


def another_k(image: Array, k: int, seed: int) -> dict[str, Any]:
    """Time `k` clusters on an image that was segmented before, into another number.

    The first call stands beside it: on a machine that is now faster, now slower, one of some
    minutes ago would be no measure.
    """
    from napari_kmeans_seg import prepare

    first = run_once(METHODS["ours"], image, k, seed)["seconds"]
    prepared = prepare(image, channel_axis=channel_axis(image))
    prepared.segment(k - 1, seed=seed)

    def again(_image: Array, k: int, seed: int) -> Result:
        seg = prepared.segment(k, seed=seed)
        return Result(seg.labels, seg.image, seg.centroids, first=1)

    return run_once(again, image, k, seed) | {"stages": {"First call": first}}


def choose_k(image: Array, k: int, seed: int) -> dict[str, Any]:
    """Time the scores of 2 to `k` clusters beside one segmentation into the default number."""
    from napari_kmeans_seg import choose_k, segment

    axis = channel_axis(image)

    def seconds_of(work: Callable[[], object]) -> float:
        settle_memory()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    one = seconds_of(lambda: segment(image, channel_axis=axis, seed=seed))
    numbers = range(2, k + 1)
    seconds = seconds_of(lambda: choose_k(image, numbers, channel_axis=axis, seed=seed))
    stages = {"One segment": one}
    return {"seconds": seconds, "memory": 0, "outputs": 0, "error": 0.0, "stages": stages}


def stages(image: Array, k: int, seed: int) -> dict[str, Any]:
    """Split our time by what `progress` tells."""
    from napari_kmeans_seg import segment

    spent: dict[str, float] = {}
    current, since = "Reading", 0.0

    def enter(stage: str) -> None:
        nonlocal current, since
        now = time.perf_counter()
        spent[current] = spent.get(current, 0.0) + now - since
        current, since = stage, now

    def work(image: Array, k: int, seed: int) -> Result:
        nonlocal since
        since = time.perf_counter()
        seg = segment(
            image,
            k,
            channel_axis=channel_axis(image),
            seed=seed,
            progress=lambda _, stage: enter(stage),
        )
        enter("Recolouring")
        result = Result(seg.labels, seg.image, seg.centroids, first=1)
        enter("end")
        return result

    return run_once(work, image, k, seed) | {"stages": spent}


def main(arguments: list[str]) -> None:
    image: Array = np.load(arguments[0])
    name, budget = arguments[1], float(arguments[5])
    k, seeds, least = map(int, arguments[2:5])
    # Imports and thread pools are there before the clock runs.
    corner = np.ascontiguousarray(image[:256, :256])
    METHODS.get(name, METHODS["ours"])(corner, min(k, 8), 0)
    began = time.perf_counter()
    for seed in range(seeds):
        if seed >= least and time.perf_counter() - began > budget:
            break
        if name == "another_k":
            run = another_k(image, k, seed)
        elif name == "choose_k":
            run = choose_k(image, k, seed)
        elif name == "stages":
            run = stages(image, k, seed)
        else:
            run = run_once(METHODS[name], image, k, seed)
        print(json.dumps(run), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
