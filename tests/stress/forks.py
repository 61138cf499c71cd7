"""Fork while other threads segment: no child waits for a thread that it does not have.

python tests/stress/forks.py --seconds 600 --seed 1
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import signal
import threading
import time
import warnings
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import psutil
import skimage.data

from napari_kmeans_seg import prepare, segment

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 20
"""Seconds that a child may go on without work for the processor: it has some milliseconds of it,
but may wait long for its turn on a machine that is shared."""

MOST = 200
"""Seconds that it may take at all."""

COFFEE, COINS = skimage.data.coffee()[::2, ::2], skimage.data.coins()[::2, ::2]
FLOATS = np.random.default_rng(0).normal(0, 1, (120, 100, 3)).astype(np.float32)
GREYS = np.random.default_rng(0).integers(0, 1 << 16, (120, 100), np.uint16)
LAZY = da.from_array(COINS, chunks=100)
KEPT = prepare(COFFEE, channel_axis=-1)
RESULT = KEPT.segment(5)


def lazy() -> Any:
    """Segment a Dask array, and ask for its labels."""
    found = segment(LAZY, 3)
    return found.labels.compute(), found.image.compute()


WORK: dict[str, Callable[[], Any]] = {
    "colours": lambda: segment(COFFEE, 4, channel_axis=-1).image,
    "greys": lambda: segment(GREYS, 3).to_dataframe(),
    "floats": lambda: segment(FLOATS, 3, channel_axis=-1).image,
    "positions": lambda: segment(COINS, 3, spatial_weight=0.5, smoothing=1).image,
    "optimum": lambda: segment(COINS, 5, init="optimal").labels,
    "scores": lambda: KEPT.choose_k(range(2, 5)),
    "lazy": lazy,
    "kept": lambda: KEPT.segment(6).image,
    "result": lambda: RESULT.merge((1, 2)).image,
}


def how_it_ended(pid: int) -> int | None:
    """Wait for a child; its status, or None of one that hung, which is no more then."""
    began = moved = time.monotonic()
    child, worked = psutil.Process(pid), 0.0
    while time.monotonic() < min(moved + LIMIT, began + MOST):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        with suppress(psutil.Error):  # it may just have ended
            times = child.cpu_times()
            if times.user + times.system > worked:
                worked, moved = times.user + times.system, time.monotonic()
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def run(seconds: float, n_forks: int, seed: int) -> dict[str, object]:
    """Fork again and again, until the time is up or there were so many."""
    warnings.simplefilter("ignore")
    chance = random.Random(seed)
    for work in WORK.values():
        # Modules are imported where they are needed, and an import is not to be forked.
        work()
    stopped = threading.Event()

    def work_on(names: list[str]) -> None:
        for name in cycle(names):
            if stopped.is_set():
                return
            WORK[name]()

    names = list(WORK)
    threads = []
    for _ in range(2):
        chance.shuffle(names)
        threads.append(threading.Thread(target=work_on, args=(names[:],)))
        threads[-1].start()
    failures, n, ends = [], 0, time.monotonic() + seconds
    while time.monotonic() < ends and n < n_forks:
        n += 1
        name = chance.choice(names)
        time.sleep(chance.random() * 0.01)
        pid = os.fork()
        if not pid:
            faulthandler.dump_traceback_later(LIMIT - 1)
            try:
                WORK[name]()
                os._exit(0)
            finally:
                os._exit(1)
        ended = how_it_ended(pid)
        if ended is None:
            failures.append(f"fork {n}: {name} hung")
        elif ended:
            failures.append(f"fork {n}: {name} ended with {os.waitstatus_to_exitcode(ended)}")
    stopped.set()
    for thread in threads:
        thread.join()
    return {"forks": n, "failures": failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--forks", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    told = run(given.seconds, given.forks, given.seed)
    print(json.dumps(told, indent=1))  # noqa: T201
    raise SystemExit(bool(told["failures"]))
