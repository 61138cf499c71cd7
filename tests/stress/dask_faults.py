"""Segment on a Dask cluster that is struck by faults: the right result, or the reason in words.

python tests/stress/dask_faults.py --seconds 600 --seed 1
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import dask
import dask.array as da
import numpy as np
import skimage.data
from distributed import Client, Future, LocalCluster

from napari_kmeans_seg import segment

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 90
"""Seconds within which a result or an error is there, on a machine that is shared."""

IMAGE = np.resize(skimage.data.coins(), (1000, 1000))
EXPECTED = segment(IMAGE, 3)


class StopError(Exception):
    """Raised by progress."""


def processes(cluster: LocalCluster) -> list[int]:
    """The ids of the worker processes."""
    return [one.pid for one in cluster.workers.values() if getattr(one, "pid", None)]


def kill(how_many: int) -> Callable[[Client, random.Random], None]:
    def strike(client: Client, _chance: random.Random) -> None:
        for pid in processes(client.cluster)[:how_many]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    return strike


def pause(client: Client, chance: random.Random) -> None:
    for pid in processes(client.cluster):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(chance.random() * 0.5)
            os.kill(pid, signal.SIGCONT)


def cancel(client: Client, _chance: random.Random) -> None:
    client.cancel([Future(key, client) for key in list(client.futures)], force=True)


FAULTS: dict[str, Callable[[Client, random.Random], object]] = {
    "one worker killed": kill(1),
    "both workers killed": kill(2),
    "workers paused": pause,
    "cancelled": cancel,
    "client closed": lambda client, _: client.close(),
    "scheduler gone": lambda client, _: client.shutdown(),
    "no workers": lambda client, _: client.cluster.scale(0),
    "left": lambda _client, _chance: None,
    "disk": lambda _client, _chance: None,
    "none": lambda _client, _chance: None,
}


def one_round(name: str, chance: random.Random) -> str | None:
    """Segment while the fault strikes; what is wrong with what came of it, or None."""
    broken = (chance.randrange(8), chance.randrange(8)) if name == "disk" else None
    seconds = chance.choice([0.0, 0.05, 0.1])

    def read(block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
        time.sleep(seconds)
        if block_info and block_info[0]["chunk-location"] == broken:
            raise OSError("disk on fire")
        return block

    image = da.from_array(IMAGE, chunks=125)
    image = image.map_blocks(read, dtype=image.dtype, meta=np.empty((0, 0), image.dtype))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        after, struck = chance.random() * 2, time.monotonic()

        def progress(_fraction: float, _stage: str) -> None:
            if name == "left" and time.monotonic() > struck + after:
                raise StopError

        def strike() -> None:
            with suppress(Exception):
                FAULTS[name](client, chance)

        timer = threading.Timer(after, strike)
        timer.start()
        try:
            found = segment(image, 3, progress=progress)
        except StopError:
            return None if name == "left" else "was left unasked"
        except OSError as error:
            if name in ("none", "left", "workers paused"):
                return f"failed for no reason: {error}"
            words = ("cancelled on", "was closed", "workers of the Dask cluster", "disk on fire")
            return None if any(one in str(error) for one in words) else f"no reason: {error}"
        finally:
            timer.join()
        same = found.inertia == EXPECTED.inertia and (found.counts == EXPECTED.counts).all()
        return None if same else "another result"


def run(seconds: float, seed: int) -> dict[str, object]:
    """Go through rounds until the time is up."""
    warnings.simplefilter("ignore")
    for logger in ("distributed", "asyncio", "tornado"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    dask.config.set({"distributed.comm.timeouts.connect": "10s"})
    failures, n, longest, ends = [], 0, 0.0, time.monotonic() + seconds
    while time.monotonic() < ends:
        chance = random.Random(f"{seed} {n}")
        name = chance.choice([*FAULTS])

        def give_up(name: str = name, n: int = n) -> None:
            told = {"rounds": n, "failures": [*failures, f"round {n}: {name}: hangs"]}
            sys.stdout.write(json.dumps(told))
            sys.stdout.flush()
            os._exit(1)

        watch = threading.Timer(LIMIT, give_up)
        watch.daemon = True
        watch.start()
        began = time.monotonic()
        wrong = one_round(name, chance)
        watch.cancel()
        longest = max(longest, time.monotonic() - began)
        if wrong:
            failures.append(f"round {n}: {name}: {wrong}")
        n += 1
    return {"rounds": n, "longest": round(longest, 1), "failures": failures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    told = run(given.seconds, given.seed)
    print(json.dumps(told, indent=1), flush=True)  # noqa: T201
    os._exit(bool(told["failures"]))
